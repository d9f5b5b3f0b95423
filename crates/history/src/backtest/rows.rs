// SPDX-License-Identifier: Apache-2.0
//! Where a backtest gets the past from: rows in columns by table, the journal for a replay, and the policies there were.

use super::BacktestError;
use arrow_array::RecordBatch;
use std::path::PathBuf;
use wardroom_engine::PastPolicy;
use wardroom_event::{Micros, Span};
use wardroom_journal::Keyring;
use wardroom_state::{Keyer, Secret};

/// Rows that are asked for: of one type of event, and only these columns of them.
#[derive(Clone, Debug)]
pub struct Want {
    /// The type.
    pub table: Box<str>,
    /// The columns, by name; those that are not there are left out.
    pub columns: Vec<Box<str>>,
    /// Events that happened from here on,
    pub from: Micros,
    /// and before this.
    pub to: Micros,
    /// What is known of labels by then.
    pub as_of: Micros,
}

/// Some of the rows, in an order of their own.
pub type Batches<'a> = Box<dyn Iterator<Item = Result<RecordBatch, BacktestError>> + Send + 'a>;

/// The past in columns. `labels` (what an event or its entities bear) and `class` are columns like others.
pub trait Rows: Sync {
    /// The rows in parts that can be read beside each other.
    ///
    /// # Errors
    /// [`BacktestError::Rows`] when they cannot be read.
    fn parts(&self, want: &Want) -> Result<Vec<Batches<'_>>, BacktestError>;

    /// The names of the columns of a type.
    ///
    /// # Errors
    /// As [`Rows::parts`].
    fn columns(&self, table: &str) -> Result<Vec<Box<str>>, BacktestError>;

    /// The number of the last record there is.
    fn last(&self) -> u64;

    /// How many events of the period were left out, as far as it was read: they lack values that their type demands, which
    /// are kept no longer.
    fn faded(&self) -> u64 {
        0
    }

    /// How long labels took to be known, of those on events and entities from then on.
    ///
    /// # Errors
    /// As [`Rows::parts`].
    fn delays(&self, from: Micros, as_of: Micros) -> Result<Vec<Span>, BacktestError>;
}

/// The journal of a data directory, for what only it can say.
#[derive(Clone, Debug)]
pub struct Journal {
    /// Its folder.
    pub dir: PathBuf,
    /// What it is encrypted with.
    pub keys: Keyring,
    /// The installation's secret.
    pub secret: Secret,
    /// What its values are hashed with: the lists of a policy as the fields that are kept so.
    pub keyer: Keyer,
    /// The policies it has, oldest first.
    pub policies: Vec<PastPolicy>,
}
