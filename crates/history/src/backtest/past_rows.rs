// SPDX-License-Identifier: Apache-2.0
//! The past in columns, as a backtest reads it: files and the newest records, as many parts as there are.

use super::BacktestError;
use super::rows::{Batches, Rows, Want};
use crate::{HistoryError, Past, Scan};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use wardroom_event::{Micros, Span};

/// The rows of a data directory's past, up to a record.
pub struct PastRows<'p> {
    past: &'p Past,
    through: u64,
    /// Set by whoever no longer wants them.
    stop: Arc<AtomicBool>,
    /// Events that were left out, of each type as of the last time it was read.
    faded: Mutex<HashMap<Box<str>, Arc<AtomicU64>>>,
}

impl<'p> PastRows<'p> {
    /// The rows of the past up to this record.
    pub fn new(past: &'p Past, through: u64) -> PastRows<'p> {
        PastRows { past, through, stop: Arc::default(), faded: Mutex::default() }
    }
}

impl PastRows<'_> {
    /// A count that begins anew, of a type's events that are left out.
    fn counted(&self, table: &str) -> Arc<AtomicU64> {
        let count: Arc<AtomicU64> = Arc::default();
        let mut faded = self.faded.lock().unwrap_or_else(PoisonError::into_inner);
        faded.insert(table.into(), count.clone());
        count
    }
}

fn fault(error: HistoryError) -> BacktestError {
    match error {
        HistoryError::Stopped => BacktestError::Stopped,
        other => BacktestError::Rows(other.to_string()),
    }
}

impl Rows for PastRows<'_> {
    fn parts(&self, want: &Want) -> Result<Vec<Batches<'_>>, BacktestError> {
        // Of what never happened nothing is known.
        if self.columns(&want.table)?.is_empty() {
            return Ok(Vec::new());
        }
        let scan = Scan {
            table: want.table.clone(),
            columns: Some(want.columns.clone()),
            from: Some(want.from),
            to: Some(want.to),
            seqs: Some((0, self.through)),
            as_of: Some(want.as_of),
            stop: self.stop.clone(),
            ..Scan::default()
        };
        let parts = self.past.scan_as_written(&scan, &self.counted(&want.table)).map_err(fault)?;
        let read = |part: crate::Part| Box::new(part.read().map(|b| b.map_err(fault))) as Batches<'_>;
        Ok(parts.into_iter().map(read).collect())
    }

    fn columns(&self, table: &str) -> Result<Vec<Box<str>>, BacktestError> {
        let names = self.past.names_as_written(table).map_err(fault)?;
        let known = self.past.known_columns().into_iter().map(|column| column.name);
        Ok(if names.is_empty() { Vec::new() } else { names.into_iter().chain(known).collect() })
    }

    fn last(&self) -> u64 {
        self.through
    }

    fn faded(&self) -> u64 {
        let faded = self.faded.lock().unwrap_or_else(PoisonError::into_inner);
        faded.values().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    fn delays(&self, from: Micros, as_of: Micros) -> Result<Vec<Span>, BacktestError> {
        self.past.opinions(&self.stop, |opinions| opinions.delays(from, as_of)).map_err(fault)
    }
}
