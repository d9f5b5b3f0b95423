// SPDX-License-Identifier: Apache-2.0
//! Acting on what has happened: from a set of events or entities to a job, and from a job to its undoing.
//!
//! `asked → plan::plan → Engine::plan (on record) → run::Runner → log`. What a set is found by (a query, SQL, a list of
//! numbers) is not known here: whoever finds it hands over numbers of events, or entities.
//!
//! What is on record decides: a job that is under way is gone on with by any [`Runner`] over the same engine, after a restart
//! too, and no item of it is done twice. Cancelling stops it where it is; what was done stays, or is undone from the last item
//! to the first, as whoever cancels it says.

mod asked;
mod block;
mod import;
mod limits;
mod log;
mod plan;
mod run;
mod since;

pub use asked::{Asked, CaseOf, LabelOf, ListOf, On, WebhookOf};
pub use block::block_on;
pub use import::{Import, LineFault, Read, Row, csv, entity, ndjson};
pub use log::{Entry, entries};
pub use plan::{Found, Plan, PlanError, Preview, plan, preview};
pub use run::{Advanced, Runner, Walk};
pub use since::{Since, changed_since, undo};
