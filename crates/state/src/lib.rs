// SPDX-License-Identifier: Apache-2.0
//! What is remembered between events: counters over sliding windows, lists and labels.
//!
//! This crate knows no rules: it is told which counters to keep ([`Spec`]), under which keys ([`Keyer`]) and when
//! something happened, and answers what it saw ([`Reading`]). It reads no clock, draws no random number and lets
//! no order of iteration show, so the same calls give the same answers on every machine. It does no I/O: all of
//! it can be rebuilt from the journal.
//!
//! How an event passes: `values → key::Keyer → tables::Tables::read`, and once it is read `→ tables::Tables::add`.
//! What a window means, to the tile, is written in [`window`].
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod baseline;
mod by_tile;
mod bytes;
mod count;
mod distinct;
mod extreme;
mod first_seen;
mod generations;
mod key;
mod labels;
mod last;
pub mod limits;
mod lists;
mod patterns;
mod prefixes;
mod quantile;
mod ratio;
mod reading;
mod sample;
mod sequence;
mod shards;
mod shared;
mod spec;
mod speed;
mod strip;
mod sum;
mod table;
mod tables;
mod values;
pub mod window;

pub use bytes::Unreadable;
pub use key::{Item, Key, Keyer, Secret};
pub use labels::{LabelError, Labels};
pub use limits::Limits;
pub use lists::{List, ListError};
pub use patterns::PatternError;
pub use reading::{Reading, Sighting};
pub use shards::Place;
pub use spec::{Kind, Spec, SpecError};
pub use tables::{Dropped, Stats, TableId, Tables, View};
pub use values::{Values, canonical};
