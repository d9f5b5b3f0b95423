// SPDX-License-Identifier: Apache-2.0
//! What is asked of a table, and the parts that answer: sealed files and the newest records, no gap and none twice.

use crate::HistoryError;
use crate::layout::Column;
use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampMicrosecondType, UInt64Type};
use arrow_array::{BooleanArray, RecordBatch};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wardroom_event::{Micros, Value};

/// What is asked of a table.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// The table.
    pub table: Box<str>,
    /// Which columns, in this order; all where none are named. `labels` and `class` come only where they are named.
    pub columns: Option<Vec<Box<str>>>,
    /// From when on, by the event's time.
    pub from: Option<Micros>,
    /// Until before when.
    pub to: Option<Micros>,
    /// From which number to which, both included.
    pub seqs: Option<(u64, u64)>,
    /// Columns that are to hold a value: rows that do not may come all the same, but fewer of them.
    pub equal: Vec<(Box<str>, Value)>,
    /// By when `labels` and `class` are to have been known; now where it does not say.
    pub as_of: Option<Micros>,
    /// Set by whoever no longer wants the answer.
    pub stop: Arc<AtomicBool>,
}

impl Scan {
    /// All of a table.
    pub fn of(table: &str) -> Scan {
        Scan { table: table.into(), ..Scan::default() }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether rows are chosen by time or number.
    pub(crate) fn chooses(&self) -> bool {
        self.from.is_some() || self.to.is_some() || self.seqs.is_some()
    }

    /// Whether something between these times and numbers, all included, may be asked for.
    pub(crate) fn may_hold(&self, times: (Micros, Micros), seqs: (u64, u64)) -> bool {
        self.from.is_none_or(|from| times.1 >= from)
            && self.to.is_none_or(|to| times.0 < to)
            && self.seqs.is_none_or(|(first, last)| seqs.1 >= first && seqs.0 <= last)
    }

    /// Whether everything between them is asked for.
    pub(crate) fn holds(&self, times: (Micros, Micros), seqs: (u64, u64)) -> bool {
        self.from.is_none_or(|from| times.0 >= from)
            && self.to.is_none_or(|to| times.1 < to)
            && self.seqs.is_none_or(|(first, last)| seqs.0 >= first && seqs.1 <= last)
    }

    /// The rows asked for, of a batch that has `seq` and `time` where these say.
    pub(crate) fn keep(
        &self,
        batch: RecordBatch,
        seq: usize,
        time: usize,
    ) -> Result<RecordBatch, HistoryError> {
        if !self.chooses() {
            return Ok(batch);
        }
        let seqs = batch.column(seq).as_primitive::<UInt64Type>();
        let times = batch.column(time).as_primitive::<TimestampMicrosecondType>();
        let wanted = seqs.values().iter().zip(times.values()).map(|(seq, time)| {
            let at = (Micros(*time), Micros(*time));
            Some(self.holds(at, (*seq, *seq)))
        });
        let wanted: BooleanArray = wanted.collect();
        if wanted.true_count() == batch.num_rows() {
            return Ok(batch);
        }
        Ok(arrow_select::filter::filter_record_batch(&batch, &wanted)?)
    }
}

/// Rows of a part, batch by batch.
pub type Batches = Box<dyn Iterator<Item = Result<RecordBatch, HistoryError>> + Send>;

/// Some of the rows that were asked for. Parts can be read at the same time; their order says nothing.
pub struct Part {
    pub(crate) rows: u64,
    pub(crate) open: Box<dyn FnOnce() -> Result<Batches, HistoryError> + Send>,
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Part(about {} rows)", self.rows)
    }
}

impl Part {
    pub(crate) fn new(
        rows: u64,
        open: impl FnOnce() -> Result<Batches, HistoryError> + Send + 'static,
    ) -> Part {
        Part { rows, open: Box::new(open) }
    }

    /// How many rows it may have: for progress, and for sharing work out.
    pub fn rows_hint(&self) -> u64 {
        self.rows
    }

    /// Its rows. An error ends them.
    pub fn read(self) -> Batches {
        match (self.open)() {
            Ok(batches) => batches,
            Err(e) => Box::new(std::iter::once(Err(e))),
        }
    }
}

/// The columns asked for, of a table's.
pub(crate) fn wanted(scan: &Scan, all: &[Column], more: &[Column]) -> Result<Vec<Column>, HistoryError> {
    let Some(names) = &scan.columns else { return Ok(all.to_vec()) };
    let find = |name: &str| {
        let found = all.iter().chain(more).find(|c| *c.name == *name).cloned();
        found.ok_or_else(|| HistoryError::NoColumn {
            table: scan.table.clone(),
            name: name.into(),
            nearest: nearest(name, all.iter().chain(more).map(|c| &*c.name)),
        })
    };
    names.iter().map(|name| find(name)).collect()
}

/// The name nearest to one that is not there.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<Box<str>> {
    wardroom_event::nearest(name, names).map(Into::into)
}
