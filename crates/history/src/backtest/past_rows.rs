// SPDX-License-Identifier: Apache-2.0
//! The past in columns, as a backtest reads it: files and the newest records, as many parts as there are.

use super::BacktestError;
use super::rows::{Batches, Rows, Want};
use crate::{HistoryError, Past, Scan};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use wardroom_event::{Micros, Span};

/// The rows of a data directory's past, up to a record.
pub struct PastRows<'p> {
    past: &'p Past,
    through: u64,
    /// Set by whoever no longer wants them.
    stop: Arc<AtomicBool>,
}

impl<'p> PastRows<'p> {
    /// The rows of the past up to this record.
    pub fn new(past: &'p Past, through: u64) -> PastRows<'p> {
        PastRows { past, through, stop: Arc::default() }
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
        let there = self.columns(&want.table)?;
        // Of what never happened nothing is known.
        if there.is_empty() {
            return Ok(Vec::new());
        }
        let scan = Scan {
            table: want.table.clone(),
            columns: Some(want.columns.iter().filter(|name| there.contains(name)).cloned().collect()),
            from: Some(want.from),
            to: Some(want.to),
            seqs: Some((0, self.through)),
            as_of: Some(want.as_of),
            stop: self.stop.clone(),
            ..Scan::default()
        };
        let parts = self.past.scan_as_written(&scan).map_err(fault)?;
        let read = |part: crate::Part| Box::new(part.read().map(|b| b.map_err(fault))) as Batches<'_>;
        Ok(parts.into_iter().map(read).collect())
    }

    fn columns(&self, table: &str) -> Result<Vec<Box<str>>, BacktestError> {
        let columns = match self.past.columns(table) {
            Ok(columns) => columns,
            Err(HistoryError::NoTable { .. }) => return Ok(Vec::new()),
            Err(e) => return Err(fault(e)),
        };
        Ok(columns.into_iter().chain(self.past.known_columns()).map(|column| column.name).collect())
    }

    fn last(&self) -> u64 {
        self.through
    }

    fn delays(&self, from: Micros, as_of: Micros) -> Result<Vec<Span>, BacktestError> {
        self.past.opinions(&self.stop, |opinions| opinions.delays(from, as_of)).map_err(fault)
    }
}
