// SPDX-License-Identifier: Apache-2.0
//! What is asked of the past: its tables, their columns as they are stored, and their rows in parts.
//!
//! A trait, so that the SQL half is built and tried without files; [`Memory`] is the past of tests.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use wardroom_event::{Micros, Value};

/// What went wrong where rows come from.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;

/// One table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: Box<str>,
    /// Whether its rows are events of one type, so that labels and class can be asked for.
    pub events: bool,
}

/// Which rows and columns of a table are wanted.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The table.
    pub table: Box<str>,
    /// Its columns.
    pub columns: Vec<Box<str>>,
    /// Events of this time or later.
    pub from: Option<Micros>,
    /// Events before this time.
    pub to: Option<Micros>,
    /// Columns with the value that wanted rows have there. A hint: other rows may come all the same.
    pub equal: Vec<(Box<str>, Value)>,
    /// First and last number wanted. A hint as well.
    pub seqs: Option<(u64, u64)>,
    /// As of when labels and class are known.
    pub as_of: Option<Micros>,
    /// Becomes true when nobody wants the rows any more.
    pub stop: Arc<AtomicBool>,
}

/// Rows that can be read apart from others.
pub trait Rows: Send {
    /// About how many there are.
    fn rows_hint(&self) -> u64;
    /// Reads them, in batches of the columns asked for, by name.
    fn read(self: Box<Self>) -> Box<dyn Iterator<Item = Result<RecordBatch, Fault>> + Send>;
}

/// The past, as far as SQL needs it.
pub trait Tables: fmt::Debug + Send + Sync {
    /// All tables.
    ///
    /// # Errors
    /// When the past cannot be read.
    fn tables(&self) -> Result<Vec<Table>, Fault>;
    /// A table's columns as they are stored, with the metadata `wardroom.type` and `wardroom.role`.
    ///
    /// # Errors
    /// When there is no such table, or it cannot be read.
    fn schema(&self, table: &str) -> Result<SchemaRef, Fault>;
    /// Rows in parts that may be read at the same time.
    ///
    /// # Errors
    /// When they cannot be found.
    fn scan(&self, ask: &Ask) -> Result<Vec<Box<dyn Rows>>, Fault>;
}

/// Tables in memory, for tests. It keeps what was asked of it.
#[derive(Debug, Default)]
pub struct Memory {
    tables: BTreeMap<Box<str>, (bool, Vec<RecordBatch>)>,
    asked: std::sync::Mutex<Vec<Ask>>,
}

impl Memory {
    /// With one more table; each batch is a part of its own.
    #[must_use]
    pub fn with(mut self, table: &str, events: bool, batches: Vec<RecordBatch>) -> Memory {
        self.tables.insert(table.into(), (events, batches));
        self
    }

    /// What was asked since the last time.
    pub fn asked(&self) -> Vec<Ask> {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl Tables for Memory {
    fn tables(&self) -> Result<Vec<Table>, Fault> {
        let tables = self.tables.iter();
        Ok(tables.map(|(name, (events, _))| Table { name: name.clone(), events: *events }).collect())
    }

    fn schema(&self, table: &str) -> Result<SchemaRef, Fault> {
        let (_, batches) = self.tables.get(table).ok_or("no such table")?;
        Ok(batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema))
    }

    fn scan(&self, ask: &Ask) -> Result<Vec<Box<dyn Rows>>, Fault> {
        self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(ask.clone());
        let (_, batches) = self.tables.get(&ask.table).ok_or("no such table")?;
        let parts = batches.iter().map(|batch| {
            let places = ask.columns.iter().map(|name| batch.schema().index_of(name));
            let places = places.collect::<Result<Vec<_>, _>>()?;
            let part = Part { batch: batch.project(&places)?, stop: ask.stop.clone() };
            Ok(Box::new(part) as Box<dyn Rows>)
        });
        parts.collect()
    }
}

struct Part {
    batch: RecordBatch,
    stop: Arc<AtomicBool>,
}

impl Rows for Part {
    fn rows_hint(&self) -> u64 {
        self.batch.num_rows() as u64
    }

    fn read(self: Box<Self>) -> Box<dyn Iterator<Item = Result<RecordBatch, Fault>> + Send> {
        let Part { batch, stop } = *self;
        let step = 1000;
        let starts = (0..batch.num_rows()).step_by(step).take_while(move |_| !stop.load(Relaxed));
        Box::new(starts.map(move |from| Ok(batch.slice(from, step.min(batch.num_rows() - from)))))
    }
}
