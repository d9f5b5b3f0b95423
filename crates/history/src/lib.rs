// SPDX-License-Identifier: Apache-2.0
//! The past: what was decided, in columns; backtests, queries in the policy language, and acting on what has happened.
//!
//! This crate knows no HTTP and no SQL. What it reads comes from the journal; what it writes there goes through the engine.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::disallowed_methods,
        reason = "tests read back what they wrote themselves"
    )
)]

pub mod act;
pub mod backtest;
mod changes;
mod conform;
mod erase;
mod error;
mod gather;
mod known;
pub mod labels;
mod layout;
pub mod limits;
mod newest;
mod opinions;
mod past;
pub mod query;
mod retain;
mod rows;
mod scan;
mod store;
mod summary;
mod verify;

pub use changes::{LABELS, LISTS, POLICIES, Said};
pub use erase::{ErasedFile, Searched, search_file};
pub use error::HistoryError;
pub use layout::{Column, KIND, NAME, ROLE, Role, TYPE, columns, schema, union};
pub use opinions::{OfEvent, Opinions};
pub use past::{Options, Past, Table};
pub use retain::KeptFiles;
pub use rows::{PastRow, rows};
pub use scan::{Batches, Part, Scan};
pub use store::{Exported, FileEntry, Files, Keeper, Store};
pub use summary::{ColumnSummary, Summary, TableSummary};
pub use verify::Verified;
