// SPDX-License-Identifier: Apache-2.0
//! The second look at files: every value of every row is decoded and searched, by the search that knows no words.
//!
//! What is part of a longer word is told by the first search, as in the journal's records. The texts of a signal are searched
//! in the form that they are made from: what the texts have more than that is taken for the value.

use super::batch::Pass;
use crate::HistoryError;
use crate::layout::Column;
use crate::scan::Scan;
use crate::store::{FileEntry, Store, file_part};
use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, BooleanArray, RecordBatch};
use arrow_schema::DataType;
use arrow_select::filter::filter_record_batch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use wardroom_engine::{Eraser, Grep, Hits, Proved};

/// What a file holds of a subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Searched {
    /// Bytes of what was decoded and searched.
    pub decoded: u64,
    /// What was found.
    pub hits: Hits,
}

impl Searched {
    fn of(arrays: &[&dyn Array], grep: &Grep) -> Searched {
        let mut found = Searched::default();
        arrays.iter().for_each(|array| found.array(*array, grep));
        found
    }

    /// Every value of an array that could hold one.
    fn array(&mut self, array: &dyn Array, grep: &Grep) {
        match array.data_type() {
            DataType::Utf8 => {
                let texts = array.as_string::<i32>();
                self.values(texts.value_data(), texts.iter().flatten().map(str::as_bytes), grep);
            }
            DataType::Binary => {
                let values = array.as_binary::<i32>();
                self.values(values.value_data(), values.iter().flatten(), grep);
            }
            DataType::FixedSizeBinary(_) => {
                let values = array.as_fixed_size_binary();
                self.decoded += values.value_data().len() as u64;
                // As text: an address of IPv4 has too few bytes to be looked for among others.
                let shown = |bytes: &[u8]| {
                    let octets: [u8; 16] = bytes.get(..16)?.try_into().ok()?;
                    Some(std::net::IpAddr::from(octets).to_canonical().to_string())
                };
                let all = values.iter().flatten().filter_map(shown);
                all.for_each(|text| self.hits.add(grep.hits(text.as_bytes())));
            }
            DataType::List(_) => self.array(array.as_list::<i32>().values(), grep),
            DataType::Struct(_) => {
                array.as_struct().columns().iter().for_each(|inner| self.array(inner, grep));
            }
            _ => self.decoded += array.get_buffer_memory_size() as u64,
        }
    }

    fn values<'v>(&mut self, all: &[u8], each: impl Iterator<Item = &'v [u8]>, grep: &Grep) {
        self.decoded += all.len() as u64;
        // Most hold nothing, and need not be looked at one by one.
        if grep.hits(all).all() > 0 {
            each.for_each(|value| self.hits.add(grep.hits(value)));
        }
    }
}

/// Searches any Parquet file, whoever wrote it.
///
/// # Errors
/// When it cannot be read.
pub fn search_file(path: &Path, grep: &Grep) -> Result<Searched, HistoryError> {
    let file = File::open(path).map_err(HistoryError::file("open", path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file);
    let builder = builder.map_err(HistoryError::parquet("read", path))?;
    let reader = builder.with_batch_size(crate::limits::READ_ROWS).build();
    let mut all = Searched::default();
    for batch in reader.map_err(HistoryError::parquet("read", path))? {
        for array in batch?.columns() {
            all.array(array, grep);
        }
    }
    Ok(all)
}

/// Searches a file of the manifest; gives also how many rows behind record `seq` have the value.
pub(super) fn manifest_file(
    store: &Store,
    file: &FileEntry,
    eraser: &Eraser,
    grep: &Grep,
    seq: u64,
) -> Result<(Proved, u64), HistoryError> {
    let path = store.dir().join(&file.path);
    let columns = store.columns(file).ok_or_else(|| HistoryError::Strange {
        path: path.clone(),
        why: "its layout is not known to this program".to_owned(),
    })?;
    let (mut all, mut after) = (Searched::default(), 0);
    for batch in file_part(store, file, &Arc::new(Scan::of(&file.table)), &columns, None).read() {
        let batch = batch?;
        let (before, behind) = split(&batch, seq)?;
        for (column, array) in columns.iter().zip(before.columns()) {
            let found = column_of(column, &before, array, eraser, grep)?;
            all.decoded += found.decoded;
            all.hits.add(found.hits);
        }
        for row in 0..behind.num_rows() {
            let row = behind.slice(row, 1);
            let row = arrow_select::concat::concat_batches(&row.schema(), [&row])?;
            let arrays: Vec<&dyn Array> = row.columns().iter().map(|a| &**a).collect();
            after += u64::from(Searched::of(&arrays, grep).hits.all() > 0);
        }
    }
    let Searched { decoded, hits: Hits { alone, within } } = all;
    Ok((Proved { path: file.path.clone(), bytes: file.bytes, decoded, alone, within }, after))
}

/// The rows of records up to `seq`, and those behind.
fn split(batch: &RecordBatch, seq: u64) -> Result<(RecordBatch, RecordBatch), HistoryError> {
    let Some(seqs) = batch.column_by_name("seq").and_then(|a| a.as_primitive_opt::<UInt64Type>()) else {
        return Ok((batch.clone(), batch.slice(0, 0)));
    };
    let is_before: BooleanArray = seqs.iter().map(|n| Some(n.is_none_or(|n| n <= seq))).collect();
    let is_behind: BooleanArray = is_before.iter().map(|is| is.map(|is| !is)).collect();
    Ok((filter_record_batch(batch, &is_before)?, filter_record_batch(batch, &is_behind)?))
}

fn column_of(
    column: &Column,
    batch: &RecordBatch,
    array: &arrow_array::ArrayRef,
    eraser: &Eraser,
    grep: &Grep,
) -> Result<Searched, HistoryError> {
    let signals = array.as_list_opt::<i32>().filter(|_| &*column.name == "signals");
    let signals = signals.and_then(|list| list.values().as_struct_opt());
    let (mut found, more) = match signals {
        Some(signals) => {
            let of = |names: &[&str]| {
                let arrays: Vec<&dyn Array> =
                    names.iter().filter_map(|name| Some(&**signals.column_by_name(name)?)).collect();
                Searched::of(&arrays, grep)
            };
            let (shown, made_of) = (of(&["because", "effects"]), of(&["packed"]));
            let mut found = of(&["rule", "ask", "packed"]);
            found.decoded += shown.decoded;
            (found, shown.hits.all().saturating_sub(made_of.hits.all()))
        }
        None => (Searched::of(&[array], grep), 0),
    };
    if found.hits.all() > 0 {
        let mut pass = Pass::new(eraser, u64::MAX, batch);
        let _ = pass.column(column, batch, array)?;
        // Some of what this search takes for the value alone is another's by the rules of the first: `alice-b`.
        let Hits { alone, within } = found.hits;
        let others = pass.met.within.saturating_sub(within).min(alone);
        let alone = pass.met.replaced().max(alone - others);
        found.hits = Hits { alone, within: within + others };
    }
    found.hits.alone += more;
    Ok(found)
}
