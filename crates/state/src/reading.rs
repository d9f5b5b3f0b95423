// SPDX-License-Identifier: Apache-2.0
//! What a counter is told and what it tells.

use crate::Item;
use wardroom_event::{Micros, Value};

/// What a counter is told of an event. Each kind looks for its own form and takes no notice of any other: what is
/// unknown is counted nowhere.
#[derive(Clone, Copy, Debug)]
pub enum Sighting<'a> {
    /// That it happened. `count` and `first_seen` take every form as this.
    Plain,
    /// For `distinct`: with what.
    Item(Item),
    /// For `last`: what.
    Held(&'a Value),
}

/// What a counter says of a key at a time.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// Sightings in the window.
    Count(u64),
    /// Items in the window.
    Distinct {
        /// How many.
        count: u64,
        /// Whether that is an estimate: never where it is up to
        /// [`Limits::distinct_exact`](crate::Limits::distinct_exact).
        approximate: bool,
    },
    /// The first sighting, if there was one that is not forgotten. After the time of the reading where the event
    /// in hand is late.
    FirstSeen(Option<Micros>),
}
