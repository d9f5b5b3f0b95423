// SPDX-License-Identifier: Apache-2.0
//! What there is of the past, in figures: for people and for programs.

use crate::{HistoryError, Past, Table};
use serde::Serialize;

/// What there is of the past.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Up to which record everything lies in files.
    pub exported: u64,
    /// The last record that there is.
    pub newest: u64,
    /// When the newest event arrived.
    pub newest_received: Option<String>,
    /// How many files there are.
    pub files: u64,
    /// Those of them that are encrypted.
    pub encrypted_files: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Records that no file holds, for they had left the journal before: the first and the last of each stretch.
    pub gaps: Vec<(u64, u64)>,
    /// Values that scans have read as missing since the start, for their columns have another type now.
    pub lost_values: u64,
    /// How often files could not be written since the start.
    pub failures: u64,
    /// The tables, by name.
    pub tables: Vec<TableSummary>,
}

/// A table, and what of it lies in files.
#[derive(Clone, Debug, Serialize)]
pub struct TableSummary {
    /// Its name: an event type's, or `labels`, `lists`, `policies`.
    pub name: Box<str>,
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
    /// Files.
    pub files: u64,
    /// Bytes of a row.
    pub bytes_per_row: Option<f64>,
    /// The time of the first of them.
    pub first: Option<String>,
    /// The time of the last.
    pub last: Option<String>,
    /// Its columns.
    pub columns: Vec<ColumnSummary>,
}

/// A column of a table.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnSummary {
    /// Its name.
    pub name: Box<str>,
    /// Its type, as policy writes it.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it holds: `meta`, `field`, `fact` or `served`.
    pub role: &'static str,
}

impl TableSummary {
    fn of(table: Table) -> TableSummary {
        let column = |c: &crate::Column| ColumnSummary {
            name: c.name.clone(),
            kind: c.field.type_name(),
            role: c.role.name(),
        };
        TableSummary {
            bytes_per_row: (table.rows > 0)
                .then(|| (table.bytes as f64 * 10.0 / table.rows as f64).round() / 10.0),
            first: table.times.map(|t| t.0.to_string()),
            last: table.times.map(|t| t.1.to_string()),
            columns: table.columns.iter().map(column).collect(),
            name: table.name,
            rows: table.rows,
            bytes: table.bytes,
            files: table.files,
        }
    }
}

impl Past {
    /// What there is.
    ///
    /// # Errors
    /// When what has been written since cannot be read.
    pub fn summary(&self) -> Result<Summary, HistoryError> {
        let tables = self.tables()?;
        let (newest, received) = self.newest()?;
        let files = self.store().files()?;
        Ok(Summary {
            exported: files.exported(),
            newest,
            newest_received: received.map(|at| at.to_string()),
            files: files.all().len() as u64,
            encrypted_files: files.all().iter().filter(|f| f.key().is_some()).count() as u64,
            bytes: files.all().iter().map(|f| f.bytes).sum(),
            gaps: files.gaps().to_vec(),
            lost_values: self.lost(),
            failures: self.store().failures(),
            tables: tables.into_iter().map(TableSummary::of).collect(),
        })
    }
}
