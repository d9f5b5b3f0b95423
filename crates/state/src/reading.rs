// SPDX-License-Identifier: Apache-2.0
//! What a counter is told and what it tells.

use crate::Item;
use wardroom_event::{Micros, Value};

/// What a counter is told of an event. Each kind looks for its own form and takes no notice of any other: what is
/// unknown is counted nowhere.
#[derive(Clone, Copy, Debug)]
pub enum Sighting<'a> {
    /// That it happened. `count`, `first_seen` and `baseline` take every form as this.
    Plain,
    /// For `distinct`: with what.
    Item(Item),
    /// For `sum`, `quantile` and the extremes: how much. Whole numbers as they are, others in millionths.
    Amount(i64),
    /// For `ratio`: whether it is one of those asked for.
    Mark(bool),
    /// For `sequence`: whether it is of the first sort, and whether it is of the other. One that is neither is no
    /// sighting.
    Steps {
        /// Of the sort that must come some times.
        first: bool,
        /// Of the sort that must come after those.
        then: bool,
    },
    /// For `speed`: where, in degrees. One that is not on Earth is no sighting.
    Place {
        /// North of the equator, from -90 to 90.
        lat: f64,
        /// East of Greenwich, from -180 to 180.
        lon: f64,
    },
    /// For `last`: what. A missing value is no sighting.
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
    /// The amounts in the window.
    Sum {
        /// What they add up to; unknown where that needs more than 64 bits.
        total: Option<i64>,
        /// How many they are.
        count: u64,
    },
    /// The greatest or least amount in the window, if there is any.
    Extreme(Option<i64>),
    /// The newest value in the window; unknown where there is none, or where it was not held because it is longer than
    /// [`limits::HELD_BYTES`](crate::limits::HELD_BYTES).
    Last(Option<Value>),
    /// The sightings in the window.
    Ratio {
        /// How many are marked.
        hits: u64,
        /// How many there are.
        of: u64,
    },
    /// The amount in the window that the share does not exceed, if there is any; off by at most 1/128 of itself.
    Quantile(Option<f64>),
    /// Sightings in a window of the span, at this hour of the weeks before.
    Baseline {
        /// How many on average.
        mean: f64,
        /// How far the weeks are from that: the standard deviation of all weeks known.
        spread: f64,
        /// How many weeks are known; where none is, the others say nothing.
        weeks: u32,
    },
    /// From the last place to the one in hand, in kilometres an hour. Unknown where no place is in hand, none is
    /// known, or the known one is later than the one in hand.
    Speed(Option<f64>),
    /// Sequences in the window.
    Sequence(u64),
}
