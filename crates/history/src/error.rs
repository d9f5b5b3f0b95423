// SPDX-License-Identifier: Apache-2.0
//! What the world does to those who look at the past.

use std::path::{Path, PathBuf};
use wardroom_engine::EngineError;
use wardroom_journal::JournalError;
use wardroom_policy::ColumnError;

/// Why the past cannot be read, or written into columns.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A record of it.
    #[error(transparent)]
    Record(#[from] EngineError),
    /// A file.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A Parquet file that cannot be read, or written.
    #[error("cannot {doing} {}: {source}", path.display())]
    Parquet {
        /// What was tried.
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: parquet::errors::ParquetError,
    },
    /// A file that cannot be encrypted.
    #[error("cannot encrypt {}: {source}", path.display())]
    Seal {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: wardroom_journal::SealError,
    },
    /// A file that is not what this program writes.
    #[error("{} is not what Wardroom writes there: {why}; `wardroom history verify` looks at all files", path.display())]
    Strange {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Values that do not fit their columns.
    #[error(transparent)]
    Column(#[from] ColumnError),
    /// Arrow's own.
    #[error(transparent)]
    Arrow(#[from] arrow_schema::ArrowError),
    /// A table that is not there.
    #[error("there is no table `{name}`{}", near(nearest.as_deref()))]
    NoTable {
        /// Its name.
        name: Box<str>,
        /// The one with the nearest name.
        nearest: Option<Box<str>>,
    },
    /// A column that is not there.
    #[error("table `{table}` has no column `{name}`{}", near(nearest.as_deref()))]
    NoColumn {
        /// The table.
        table: Box<str>,
        /// The column's name.
        name: Box<str>,
        /// The one with the nearest name.
        nearest: Option<Box<str>>,
    },
    /// More was said than is held in memory.
    #[error(
        "there are more than {} opinions about labels, too many to tell what was known of each event; ask without `labels` and \
         `class`, or ask the table `labels`",
        crate::limits::OPINIONS
    )]
    ManyOpinions,
    /// Whoever asked has stopped waiting.
    #[error("stopped")]
    Stopped,
}

impl HistoryError {
    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> HistoryError {
        move |source| HistoryError::File { doing, path: path.to_owned(), source }
    }

    pub(crate) fn parquet<E: Into<parquet::errors::ParquetError>>(
        doing: &'static str,
        path: &Path,
    ) -> impl FnOnce(E) -> HistoryError {
        move |source| HistoryError::Parquet { doing, path: path.to_owned(), source: source.into() }
    }
}

fn near(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}
