// SPDX-License-Identifier: Apache-2.0
//! What data files and compiled-in tables know about an address, a domain, a user agent.
//!
//! This crate knows no policy and no surface, and does no network I/O: it is asked about one value and says what it
//! finds, or nothing. Whoever asks puts the answer on the record, so that a later release with newer tables does not
//! change what was decided.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod library;

mod agent;
mod countries;
mod kinds;
mod mmdb;
mod site;

mod about;
mod error;
pub mod limits;
mod ranges;

pub use about::{About, Known};
pub use agent::Agent;
pub use countries::{Countries, Country, CountryRange};
pub use error::{FactsError, Failures, Fault, Faults};
pub use library::{Library, Sources};
pub use mmdb::Place;
pub use site::site;
