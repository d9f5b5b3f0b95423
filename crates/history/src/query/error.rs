// SPDX-License-Identifier: Apache-2.0
//! Why a query gives no answer.

use super::limits;
use std::error::Error;
use wardroom_policy::ColumnError;

/// Why a query gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// Somebody stopped it, or its time was up.
    #[error("the query was stopped")]
    Stopped,
    /// It has more groups than can be held.
    #[error("the query has more than {} groups; group by less, or ask for a shorter time", limits::GROUPS)]
    Groups,
    /// What it holds takes more memory than it may.
    #[error(
        "the query needs more than {} MB of memory; group by less, or ask for a shorter time",
        limits::MEMORY / (1024 * 1024)
    )]
    Memory,
    /// A list of the policy cannot be looked into.
    #[error("the policy's list `{list}` cannot be looked into: {why}")]
    List {
        /// The list.
        list: Box<str>,
        /// Why not.
        why: Box<str>,
    },
    /// The past does not lie as it should.
    #[error(transparent)]
    Column(#[from] ColumnError),
    /// The past cannot be read.
    #[error("the past cannot be read: {0}")]
    Read(#[source] Box<dyn Error + Send + Sync>),
}
