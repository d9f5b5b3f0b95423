// SPDX-License-Identifier: Apache-2.0
//! What data files and compiled-in tables know about an address, a domain, a user agent.
//!
//! This crate knows no policy and no surface, and does no network I/O: it is asked about one value and says what it
//! finds, or nothing. Whoever asks puts the answer on the record, so that a later release with newer tables does not
//! change what was decided.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod agent;
mod countries;
mod site;

mod error;
pub mod limits;
mod ranges;

pub use agent::Agent;
pub use countries::{Countries, Country, CountryRange};
pub use error::{FactsError, Failures, Fault, Faults};
pub use site::site;
