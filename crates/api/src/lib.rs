// SPDX-License-Identifier: Apache-2.0
//! The HTTP API: events in, verdicts with their reasons out, policy put in force, keys and roles.
//!
//! This crate knows no policy internals: it hands events and policy texts to the engine and writes down what comes
//! back. It reads no clock and no configuration; the binary passes both in.
//!
//! The way of an event here: [`serve()`] → `decide` (or `stream`) → `body` → the engine → `answer`. Whatever goes wrong
//! on the way becomes a `problem`.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod act;
mod answer;
mod api;
mod backtests;
mod body;
pub mod campaigns;
mod cases;
mod decide;
mod doors;
mod effects;
mod erasures;
mod explain;
mod health;
mod history;
mod keys;
pub mod limits;
mod lines;
pub mod mail;
mod metrics;
mod openapi;
mod outlet;
mod passage;
mod policy;
mod problem;
mod query;
mod ranges;
mod rate;
mod scram;
mod sentinel;
mod server;
mod status;
mod stream;
mod throughput;
mod trace;

pub use act::Acting;
pub use api::{Api, Clock, Options};
pub use cases::Deadlines;
pub use doors::HookSecret;
pub use erasures::{Erasure, Erasures, NotBegun};
pub use explain::explained;
pub use keys::{Allowance, Holder, Issued, Key, KeyError, Keys, Role, Token};
pub use openapi::document;
pub use problem::{ALL as PROBLEMS, ProblemType};
pub use query::{Sql, SqlError, SqlQuestion};
pub use sentinel::Sentinel;
pub use server::serve;
pub use status::{Host, LookAtHost};
pub use trace::{Attribute, Span, Traces};
