// SPDX-License-Identifier: Apache-2.0
//! Breached passwords: which are known from leaks, how often they were seen there, and what an event may say of a password.
//!
//! Two files are made from a list of hashes ([`build()`]), because two questions are asked. *Is this password known, and about
//! how often was it seen?* stands in the way of each login, and a small [`Filter`] answers it that is wrong at a stated rate.
//! *Which hashes begin with these five digits?* is what a client of Have I Been Pwned asks; it compares whole hashes, so
//! [`Ranges`] has them all, coded close to what information theory allows.
//!
//! The way through: `list` takes lines apart → `sort` puts records in order, on disk, for they need more than memory →
//! `filter::Writer` and `ranges::Writer` take them one by one → `block` gives every 4,096 bytes their checksum. Reading
//! goes the other way, by position: nothing of a file need be in memory.
//!
//! A password itself is seen in two places: [`Sha1::of`], and a list of plain passwords while it is read.

mod block;
mod build;
mod error;
mod facts;
mod filter;
mod fuse;
mod group;
mod hash;
mod header;
pub mod limits;
mod list;
mod ranges;
mod sort;
#[cfg(test)]
mod tests;

pub use block::seal;
pub use build::{Built, Made, Plan, build};
pub use error::BreachError;
pub use facts::{Breach, Files, PasswordFacts, Sources};
pub use filter::{Filter, Slot};
pub use hash::{Hash, Kind, Prefix, Sha1};
pub use header::{About, What, about};
pub use list::{BadLine, BadLines, List};
pub use ranges::{Entry, Ranges};
