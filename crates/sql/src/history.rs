// SPDX-License-Identifier: Apache-2.0
//! The past of `history`, as SQL asks for it.

use crate::tables::{Ask, Fault, Rows, Table, Tables};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use std::fmt;
use std::sync::Arc;
use wardroom_history::{Part, Past, Scan};

/// The column by which a table of events is known.
const SIGNALS: &str = "signals";

/// The past of a data directory.
pub struct History(Arc<Past>);

impl History {
    /// Over this past.
    pub fn new(past: Arc<Past>) -> History {
        History(past)
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("History(…)")
    }
}

impl Tables for History {
    fn tables(&self) -> Result<Vec<Table>, Fault> {
        let table = |table: wardroom_history::Table| Table {
            events: table.columns.iter().any(|column| &*column.name == SIGNALS),
            name: table.name,
        };
        Ok(self.0.tables()?.into_iter().map(table).collect())
    }

    fn schema(&self, table: &str) -> Result<SchemaRef, Fault> {
        Ok(self.0.schema(table)?)
    }

    fn scan(&self, ask: &Ask) -> Result<Vec<Box<dyn Rows>>, Fault> {
        let Ask { table, columns, from, to, equal, seqs, as_of, stop } = ask.clone();
        let scan = Scan { table, columns: Some(columns), from, to, equal, seqs, as_of, stop };
        Ok(self.0.scan(&scan)?.into_iter().map(|part| Box::new(part) as Box<dyn Rows>).collect())
    }
}

impl Rows for Part {
    fn rows_hint(&self) -> u64 {
        Part::rows_hint(self)
    }

    fn read(self: Box<Self>) -> Box<dyn Iterator<Item = Result<RecordBatch, Fault>> + Send> {
        Box::new(Part::read(*self).map(|batch| Ok(batch?)))
    }
}
