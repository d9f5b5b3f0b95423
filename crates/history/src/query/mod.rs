// SPDX-License-Identifier: Apache-2.0
//! Queries of the policy language over what was decided.
//!
//! The way of a query: `wardroom_policy::query::compile → scan (files and rows that may matter) → fit (columns by name) →
//! filter → keys and values, as columns → groups or rows, one table a thread → answer`. A part of the past is read by one
//! thread; what threads found is joined at the end, and does not depend on who found it.

mod answer;
mod budget;
mod cells;
mod distinct;
mod error;
mod exact;
mod fit;
mod groups;
pub mod limits;
mod lists;
mod order;
mod past;
mod quantile;
mod rows;
mod run;
mod show;
mod source;
mod tally;
#[cfg(test)]
mod tests;
mod write;

pub use answer::{Answer, Column, Counts, Role};
pub use budget::Progress;
pub use error::QueryError;
pub use fit::ROLE;
pub use run::{Ask, Batches, Part, Wants, run, wants};
pub use show::Look;
pub use source::{Source, ask};
pub use write::{About, Answered, Cells, Format, Rows, WriteError, column, write};
