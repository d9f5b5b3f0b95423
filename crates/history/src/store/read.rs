// SPDX-License-Identifier: Apache-2.0
//! Rows out of a file: only the columns that are asked for, of only the row groups that may hold what is asked for.

use super::{FileEntry, Store};
use crate::HistoryError;
use crate::conform::Fit;
use crate::layout::Column;
use crate::limits::READ_ROWS;
use crate::scan::{Batches, Part, Scan};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::file::statistics::Statistics;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wardroom_event::{Micros, Value};

type Builder = ParquetRecordBatchReaderBuilder<File>;

/// The rows of a file that are asked for, as a part.
pub(crate) fn file_part(store: &Store, file: &FileEntry, scan: &Arc<Scan>, wanted: &Arc<[Column]>) -> Part {
    let path = store.dir().join(&file.path);
    let columns = store.columns(file);
    let (scan, wanted) = (scan.clone(), wanted.clone());
    // Where all rows are asked for, neither number nor time needs to be looked at.
    let all = scan.holds(file.times(), file.seqs());
    let rows = file.rows;
    Part::new(rows, move || {
        let strange = || HistoryError::Strange {
            path: path.clone(),
            why: "its layout is not known to this program".to_owned(),
        };
        let columns = columns.ok_or_else(strange)?;
        let scan =
            if all { Arc::new(Scan { from: None, to: None, seqs: None, ..(*scan).clone() }) } else { scan };
        read(path, &columns, &scan, &wanted)
    })
}

fn read(
    path: PathBuf,
    columns: &Arc<[Column]>,
    scan: &Arc<Scan>,
    wanted: &[Column],
) -> Result<Batches, HistoryError> {
    let file = File::open(&path).map_err(HistoryError::file("open", &path))?;
    let builder = Builder::try_new(file).map_err(HistoryError::parquet("read", &path))?;
    let fit = Fit::new(columns, wanted);
    let mut reads = fit.reads();
    if scan.chooses() {
        reads.extend(["seq", "time"].iter().filter_map(|name| place(columns, name)));
        reads.sort_unstable();
        reads.dedup();
    }
    let groups = groups(&builder, &path, columns, scan)?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), reads.iter().copied());
    let reader = builder
        .with_projection(mask)
        .with_row_groups(groups)
        .with_batch_size(READ_ROWS)
        .build()
        .map_err(HistoryError::parquet("read", &path))?;
    let scan = scan.clone();
    let at = move |column: usize| reads.binary_search(&column).unwrap_or(0);
    let (seq, time) = (place(columns, "seq").map_or(0, &at), place(columns, "time").map_or(0, &at));
    Ok(Box::new(reader.map(move |batch| {
        if scan.is_stopped() {
            return Err(HistoryError::Stopped);
        }
        let batch = batch.map_err(HistoryError::parquet("read", &path))?;
        Ok(fit.apply(&scan.keep(batch, seq, time)?, &at)?.0)
    })))
}

fn place(columns: &[Column], name: &str) -> Option<usize> {
    columns.iter().position(|c| *c.name == *name)
}

/// The row groups that may hold what is asked for.
fn groups(
    builder: &Builder,
    path: &Path,
    columns: &[Column],
    scan: &Scan,
) -> Result<Vec<usize>, HistoryError> {
    let mut groups = Vec::new();
    for group in 0..builder.metadata().num_row_groups() {
        if may_be_between(builder, group, columns, scan) && may_equal(builder, path, group, columns, scan)? {
            groups.push(group);
        }
    }
    Ok(groups)
}

/// The statistics of a column that is no list.
fn statistics<'b>(builder: &'b Builder, group: usize, root: usize) -> Option<&'b Statistics> {
    let leaf = leaf(builder, root)?;
    builder.metadata().row_group(group).column(leaf).statistics()
}

/// A plain column is one leaf of the file's schema.
fn leaf(builder: &Builder, root: usize) -> Option<usize> {
    let schema = builder.parquet_schema();
    (root..schema.num_columns()).find(|leaf| schema.get_column_root_idx(*leaf) == root)
}

fn may_be_between(builder: &Builder, group: usize, columns: &[Column], scan: &Scan) -> bool {
    let whole = |name: &str| match place(columns, name).and_then(|at| statistics(builder, group, at)) {
        Some(Statistics::Int64(s)) => s.min_opt().copied().zip(s.max_opt().copied()),
        _ => None,
    };
    let times = whole("time").unwrap_or((i64::MIN, i64::MAX));
    // Numbers of records never reach the sign.
    let seqs = whole("seq").map_or((0, u64::MAX), |(a, b)| (a as u64, b as u64));
    scan.may_hold((Micros(times.0), Micros(times.1)), seqs)
}

fn may_equal(
    builder: &Builder,
    path: &Path,
    group: usize,
    columns: &[Column],
    scan: &Scan,
) -> Result<bool, HistoryError> {
    for (name, value) in &scan.equal {
        let (Some(at), Some(bytes)) = (place(columns, name), bytes(value)) else { continue };
        let Some(leaf) = leaf(builder, at) else { continue };
        let within = match statistics(builder, group, at) {
            Some(Statistics::ByteArray(s)) => within(s.min_bytes_opt(), s.max_bytes_opt(), &bytes),
            Some(Statistics::FixedLenByteArray(s)) => within(s.min_bytes_opt(), s.max_bytes_opt(), &bytes),
            _ => true,
        };
        if !within {
            return Ok(false);
        }
        let filter = builder.get_row_group_column_bloom_filter(group, leaf);
        let filter = filter.map_err(HistoryError::parquet("read", path))?;
        let holds = |f: parquet::bloom_filter::Sbbf| match value {
            Value::Ip(_) | Value::Net(_) => f.check(&FixedLenByteArray::from(bytes.clone())),
            _ => f.check(&ByteArray::from(bytes.clone())),
        };
        if filter.is_some_and(|f| !holds(f)) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn within(min: Option<&[u8]>, max: Option<&[u8]>, bytes: &[u8]) -> bool {
    min.is_none_or(|min| bytes >= min) && max.is_none_or(|max| bytes <= max)
}

/// A text's or an address's bytes, as files hold them.
fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Text(text) => Some(text.as_bytes().to_vec()),
        Value::Ip(std::net::IpAddr::V4(ip)) => Some(ip.to_ipv6_mapped().octets().to_vec()),
        Value::Ip(std::net::IpAddr::V6(ip)) => Some(ip.octets().to_vec()),
        _ => None,
    }
}
