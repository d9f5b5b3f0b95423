// SPDX-License-Identifier: Apache-2.0
//! Whether the files are what they should be: each is read whole and held against the manifest, and all of them together
//! against the journal as far back as that still goes.

use crate::conform::Fit;
use crate::layout::Column;
use crate::limits::FAULTS;
use crate::newest::FromJournal;
use crate::store::{FileEntry, file_part};
use crate::{HistoryError, Past, Scan};
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampMicrosecondType, UInt64Type};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{DataType, FieldRef};
use siphasher::sip::SipHasher13;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::hash::Hasher;
use std::sync::Arc;
use wardroom_journal::segments;

/// What was looked at, and what is wrong.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Verified {
    /// Files that were read.
    pub files: u64,
    /// Their rows.
    pub rows: u64,
    /// Rows that were held against the journal.
    pub compared: u64,
    /// What is wrong, the first of it.
    pub faults: Vec<String>,
}

impl Verified {
    fn fault(&mut self, why: String) {
        if self.faults.len() < FAULTS {
            self.faults.push(why);
        }
    }
}

/// Rows of one stretch of records, whatever their order: how many, and what all their values come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    rows: u64,
    hash: u64,
}

/// By the first record of each segment of the journal.
type Sums = BTreeMap<u64, Sum>;

impl Past {
    /// Reads every file. `progress` is told how many of how many files are done.
    ///
    /// # Errors
    /// When the manifest or the journal cannot be read. What is wrong with a file is a fault that is named.
    pub fn verify(&self, mut progress: impl FnMut(u64, u64)) -> Result<Verified, HistoryError> {
        let files = self.store().files()?;
        let firsts = segments(self.journal())?;
        let mut verified = Verified::default();
        for table in self.tables()? {
            let columns: Arc<[Column]> = table.columns.into();
            let mut held: Sums = firsts.iter().map(|first| (*first, Sum::default())).collect();
            let mut whole = true;
            for file in files.of(&table.name) {
                if let Err(why) = self.check(file, &columns, &mut held, &mut verified) {
                    verified.fault(why.to_string());
                    whole = false;
                }
                verified.files += 1;
                progress(verified.files, files.all().len() as u64);
            }
            // Rows that are known to be gone are no further fault.
            let Some(first) = firsts.first().filter(|_| whole) else { continue };
            if files.exported() >= *first && self.keep().is_none() {
                let range = (*first, files.exported());
                self.compare(&table.name, &columns, range, &held, &mut verified)?;
            }
        }
        Ok(verified)
    }

    /// One file against what the manifest says of it.
    fn check(
        &self,
        file: &FileEntry,
        columns: &Arc<[Column]>,
        held: &mut Sums,
        verified: &mut Verified,
    ) -> Result<(), HistoryError> {
        let scan = Arc::new(Scan::of(&file.table));
        let (mut rows, mut seqs, mut times) = (0, Span::default(), Span::default());
        for batch in file_part(self.store(), file, &scan, columns, None).read() {
            let batch = batch?;
            rows += batch.num_rows() as u64;
            let whole = batch.column_by_name("seq").and_then(|c| c.as_primitive_opt::<UInt64Type>());
            whole.into_iter().flat_map(|c| c.values()).for_each(|seq| seqs.see(i128::from(*seq)));
            let about = batch.column_by_name("time");
            let about = about.and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
            about.into_iter().flat_map(|c| c.values()).for_each(|time| times.see(i128::from(*time)));
            add(held, &batch, (0, u64::MAX))?;
        }
        verified.rows += rows;
        let (first, last) = (file.times().0.0, file.times().1.0);
        let said = (file.rows, Span::of(file.seqs().0, file.seqs().1), Span::of(first, last));
        if (rows, seqs, times) != said {
            let path = self.store().dir().join(&file.path);
            let why = "its rows are not those that the manifest has of it".to_owned();
            return Err(HistoryError::Strange { path, why });
        }
        Ok(())
    }

    /// What the files hold of a table against what the journal holds.
    fn compare(
        &self,
        table: &str,
        columns: &[Column],
        (first, last): (u64, u64),
        held: &Sums,
        verified: &mut Verified,
    ) -> Result<(), HistoryError> {
        let mut there: Sums = held.keys().map(|first| (*first, Sum::default())).collect();
        for chunk in FromJournal::open(self.journal(), self.keys(), table, (first, last))? {
            let chunk = chunk?;
            let (batch, _) = Fit::new(&chunk.columns, columns).apply(&chunk.batch, |at| at)?;
            add(&mut there, &batch, (first, last))?;
        }
        for ((from, held), there) in held.iter().zip(there.values()) {
            verified.compared += there.rows;
            if held.rows != there.rows {
                let (held, there) = (held.rows, there.rows);
                verified.fault(format!(
                    "table `{table}`: from record {from} on, the files hold {held} rows where the journal holds {there}"
                ));
            } else if held != there {
                verified.fault(format!(
                    "table `{table}`: from record {from} on, the files hold other values than the journal"
                ));
            }
        }
        Ok(())
    }
}

/// The least and the greatest that was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Span(Option<(i128, i128)>);

impl Span {
    fn of(first: impl Into<i128>, last: impl Into<i128>) -> Span {
        Span(Some((first.into(), last.into())))
    }

    fn see(&mut self, n: i128) {
        let (low, high) = self.0.unwrap_or((n, n));
        self.0 = Some((low.min(n), high.max(n)));
    }
}

/// Adds rows to the sums of the stretches that they are of.
fn add(sums: &mut Sums, batch: &RecordBatch, (first, last): (u64, u64)) -> Result<(), HistoryError> {
    let Some(seqs) = batch.column_by_name("seq").and_then(|c| c.as_primitive_opt::<UInt64Type>()) else {
        return Ok(());
    };
    let options = FormatOptions::new().with_null("\u{0}");
    let plain = batch.columns().iter().map(|c| arrow_cast::cast(c, &without_times(c.data_type())));
    let plain = plain.collect::<Result<Vec<_>, _>>()?;
    let columns = plain.iter().map(|c| ArrayFormatter::try_new(c.as_ref(), &options));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let mut text = String::new();
    for row in (0..seqs.len()).filter(|row| (first..=last).contains(&seqs.value(*row))) {
        let Some((_, sum)) = sums.range_mut(..=seqs.value(row)).next_back() else { continue };
        let mut hasher = SipHasher13::new();
        for column in &columns {
            text.clear();
            let _ = write!(text, "{}", column.value(row));
            hasher.write(text.as_bytes());
            hasher.write_u8(0xff);
        }
        sum.rows += 1;
        sum.hash = sum.hash.wrapping_add(hasher.finish());
    }
    Ok(())
}

/// The type with numbers for times, also within lists and records: a time zone's name cannot be shown here.
fn without_times(kind: &DataType) -> DataType {
    let item = |field: &FieldRef| {
        let kind = without_times(field.data_type());
        Arc::new(field.as_ref().clone().with_data_type(kind))
    };
    match kind {
        DataType::Timestamp(..) => DataType::Int64,
        DataType::List(of) => DataType::List(item(of)),
        DataType::Struct(of) => DataType::Struct(of.iter().map(item).collect()),
        other => other.clone(),
    }
}
