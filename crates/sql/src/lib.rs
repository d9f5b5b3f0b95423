// SPDX-License-Identifier: Apache-2.0
//! SQL over the past, and the door for those who speak PostgreSQL's wire protocol. Read-only.
//!
//! This crate knows no policy internals and no keys: tables and their rows come through [`Tables`], who may come in is
//! said by a [`Gate`](door::Gate).
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod catalog;
pub mod door;
mod engine;
mod functions;
mod history;
mod json;
pub mod limits;
mod mask;
mod present;
mod provider;
mod tables;

/// What the database is called.
pub(crate) const CATALOG: &str = "wardroom";

pub use datafusion::arrow;
pub use engine::{Answer, Kind, Options, Prepared, Query, Session, SqlEngine, SqlError, Statement};
pub use history::History;
pub use mask::Mask;
pub use tables::{Ask, Fault, Memory, Rows, Table, Tables};
