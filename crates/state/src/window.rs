// SPDX-License-Identifier: Apache-2.0
//! Counters' windows, to the tile: the rule that a reading follows, and how far it can be off.
//!
//! Time is cut into tiles. A window of `w` microseconds has tiles of `g = ceil(w / 60)` microseconds, and the tile
//! of a time `x` is `floor(x / g)` (towards minus infinity, so times before 1970 are no exception). A table's
//! **clock** is the greatest time added to it under any key; it knows no other. Read at time `t`, with `c` the
//! greater of `t` and the clock:
//!
//! - `count` is how many sightings added so far lie in a tile from `tile(c − w)` to `tile(t)`, both included.
//! - `distinct` is how many items have their newest sighting in tile `tile(c − w)` or later. It is exact where those
//!   are at most [`limits::DISTINCT_EXACT`]; where they are more, it may be an estimate, which is never below that
//!   bound, is off by 1.6 % in a standard error and is marked as approximate.
//! - `first_seen` is the least time added since the key was last forgotten. With a window, a key is forgotten as
//!   soon as its newest sighting lies before tile `tile(c − w)`. Without one it never is, save by the cap.
//! - `sum`, the extremes, `ratio` and `quantile` are made of the sightings that a `count` counts, whatever order they
//!   came in. A `sum` adds up exactly, and is unknown where the result needs more than 64 bits. A `quantile` of `q`
//!   thousandths is the amount of rank `max(1, ceil(n q / 1000))` among the `n` in order, off by at most 1/128 of
//!   itself; where the amounts of one tile need more than [`limits::QUANTILE_BUCKETS`] buckets, those of the smallest
//!   magnitudes read as the smallest magnitude kept (with its sign).
//! - `last` is the value of the sighting with the greatest time, and of several at that time the one added last,
//!   if it lies in tile `tile(c − w)` or later. A text longer than [`limits::HELD_BYTES`] and a list of values are not
//!   held: where one is the last, the reading is unknown.
//! - `speed` has the place of the last sighting, found as a `last` is and held to a ten-millionth of a degree. The
//!   speed to the place in hand is the great circle's length (haversine, on a sphere of [`limits::EARTH_KM`]) over the
//!   time between, taken as no less than [`limits::SPEED_OVER`]. It is unknown where that place's time is after `t`.
//! - `sequence` with `times` and `within` `v`: a sighting that is `then` completes one, if of the sightings that are
//!   `first`, added before it under its key, at least `times` lie in a tile from `tile_v(c − v)` to `tile_v(t)`, where
//!   `tile_v` are the tiles of a window of `v`, `t` is its time and `c` the greater of it and the clock. Then, if it is
//!   `first` as well, it is one of those. The reading counts the completing sightings as a `count` does. Firsts are
//!   not used up: each `then` with enough of them before it completes one.
//! - `baseline` of a span `s` has tiles of an hour: `hour(x) = floor(x / 1h)`. Let `n = max(1, ceil(s / 1h))`. For each
//!   whole week `k` from 1 to `floor(w / 7d)`, `C_k` is how many sightings added so far lie in an hour from
//!   `hour(t − 7d k) − n + 1` to `hour(t − 7d k)`, times `s / (n 1h)`. Known are the weeks whose first such hour is
//!   neither before the hour of the sighting that was added first to the table, under any key, nor before
//!   `hour(c − w) − n + 1`. The reading is the mean and the standard deviation of `C_k` over the known weeks (of these
//!   themselves, not of what they are a sample of), and how many they are. A key that was never seen reads 0 where
//!   weeks are known.
//!
//! Nothing of this depends on which windows share a table (see `shared.rs`).
//!
//! What follows from that:
//!
//! - The event in hand is left out because it is read before it is added, so a window is `[t − w, t)`. An earlier
//!   event of the very same time counts: the sequencer's number breaks the tie, not the clock. A reading *with* the
//!   event in hand is what a reading at its time would be once it is added.
//! - Traffic in order sees what it should at the head, and at the tail up to one tile (a sixtieth of the window)
//!   too much. Never too little.
//! - An event that is late by `d` sees up to one tile of later events at its head in a `count` (a `distinct`, `last`
//!   and `first_seen` see every later one), and misses `d` of its window at the tail: tiles are kept for the clock, not
//!   for stragglers.
//! - An event so late that no reading can see it is not added, only counted as late: its tile lies before
//!   `tile(clock − w)`, in a `baseline` before `hour(clock − w) − n + 1`, in a `sequence` before the tile before
//!   `tile(clock − w)` for the longer of both windows. A time far in the future therefore makes everything until then
//!   late: whoever adds must bound how far ahead of its arrival an event may count.
//! - A tile of a key counts to `u32::MAX` and stays there; that of a `sum` or `ratio` then takes no notice of what
//!   comes. Where windows share tiles, this is so of each tile of the shortest window that sees it.

use crate::baseline::Weeks;
use crate::shared::Grain;
use crate::{Kind, Spec, limits};
use wardroom_event::{Micros, Span};

/// The length of a window's tiles in microseconds.
pub(crate) fn tile_len(window: Span) -> i64 {
    (window.0 + limits::TILES - 1) / limits::TILES
}

/// A window with its tiles; without a length it reaches back for ever and has one tile a second, which none sees.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    len: Option<Span>,
    tile: i64,
    /// How many tiles more than its length it reaches back.
    more: i64,
}

impl Window {
    pub(crate) fn new(spec: Spec) -> Window {
        match (spec.kind(), spec.window()) {
            (Kind::Baseline { span }, over) => {
                Window { len: over, tile: limits::HOUR.0, more: Weeks::hours(span) - 1 }
            }
            // The tiles of the shorter window do not fit into those of the longer: one more holds them.
            (Kind::Sequence { within, .. }, over) => {
                Window { more: 1, ..Window::sliding(over.map_or(within, |w| w.max(within))) }
            }
            (_, Some(len)) => Window::sliding(len),
            (_, None) => Window { len: None, tile: 1_000_000, more: 0 },
        }
    }

    /// A window of that length, in sixtieths.
    pub(crate) fn sliding(len: Span) -> Window {
        Window { len: Some(len), tile: tile_len(len), more: 0 }
    }

    /// The tile of a time.
    pub(crate) fn tile(&self, t: Micros) -> i64 {
        t.0.div_euclid(self.tile)
    }

    /// The first tile that a reading at `t` sees.
    pub(crate) fn floor(&self, t: Micros) -> i64 {
        self.len.map_or(i64::MIN, |len| self.tile(t.minus(len)) - self.more)
    }

    /// The tiles that a reading at `now` sees; `None` where that can be nothing.
    pub(crate) fn sight(&self, clock: Micros, now: Micros) -> Option<Sight> {
        let latest = clock.max(now);
        let from = self.floor(latest);
        let some = from <= self.tile(clock);
        some.then(|| Sight::new(self.tile(latest), from, self.tile(now))).flatten()
    }

    /// The tiles that have not expired.
    pub(crate) fn live(&self, clock: Micros) -> Option<Sight> {
        self.sight(clock, clock)
    }

    /// Where a sighting belongs; `None` where it is late beyond use. The clock is not before it.
    pub(crate) fn moment(&self, clock: Micros, time: Micros) -> Option<Moment> {
        let live = self.live(clock)?;
        let grain = Grain::even(self.tile(clock));
        self.takes(clock, time).then(|| Moment { tile: low(self.tile(time)), time, live, grain })
    }

    /// Whether a sighting can still be seen. The clock is not before it.
    pub(crate) fn takes(&self, clock: Micros, time: Micros) -> bool {
        self.tile(time) >= self.floor(clock)
    }

    /// The length of a tile.
    pub(crate) fn tile_len(&self) -> i64 {
        self.tile
    }
}

/// A sighting that is in time: where it belongs and what of the past still counts.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    /// The low bits of its tile: the first of those that are one by now.
    pub(crate) tile: u32,
    /// Its time.
    pub(crate) time: Micros,
    /// The tiles that have not expired.
    pub(crate) live: Sight,
    /// Which of them are one by now.
    pub(crate) grain: Grain,
}

#[cfg(test)]
impl Moment {
    /// A sighting in `tile` while the clock stands in tile `clock` and tiles live for 60.
    pub(crate) fn at(tile: i64, clock: i64) -> Moment {
        let live = Sight::new(clock, clock - 60, clock).unwrap();
        Moment { tile: low(tile), time: Micros(tile), live, grain: Grain::even(clock) }
    }
}

/// Which tiles can be seen, by their age: how many tiles they lie before the clock's.
///
/// Cells keep only the low 32 bits of a tile. That is enough to tell its age, because no cell holds a tile newer
/// than the clock's, and none outlives two windows and a tile untouched (see `generations`), which are a few hundred
/// tiles. The firsts of a `sequence` have tiles of another window, of which there are more: 801 days have 4.2 billion
/// tiles of the shortest one, and 32 bits tell 4.29 billion apart.
#[derive(Clone, Copy)]
pub(crate) struct Sight {
    clock: u32,
    youngest: u32,
    oldest: u32,
}

impl Sight {
    /// The tiles from `from` to `to`, both included, where `clock` is the clock's tile. `None` where `from` lies
    /// after it: nothing added can be seen.
    pub(crate) fn new(clock: i64, from: i64, to: i64) -> Option<Sight> {
        let age = |tile: i64| u32::try_from(clock.saturating_sub(tile)).unwrap_or(u32::MAX);
        (from <= clock).then(|| Sight { clock: low(clock), youngest: age(to.min(clock)), oldest: age(from) })
    }

    /// The low bits of the clock's tile.
    pub(crate) fn clock(&self) -> u32 {
        self.clock
    }

    /// How many tiles before the clock's this one lies.
    pub(crate) fn age(&self, tile: u32) -> u32 {
        self.clock.wrapping_sub(tile)
    }

    /// Whether a tile lies between both ends.
    pub(crate) fn sees(&self, tile: u32) -> bool {
        self.youngest <= self.age(tile) && self.keeps(tile)
    }

    /// Whether a tile lies after the older end.
    pub(crate) fn keeps(&self, tile: u32) -> bool {
        self.age(tile) <= self.oldest
    }

    /// How many tiles the newer end lies before the clock's.
    pub(crate) fn youngest(&self) -> u32 {
        self.youngest
    }

    /// How many tiles the older end lies before the clock's.
    pub(crate) fn oldest(&self) -> u32 {
        self.oldest
    }
}

/// The bits of a tile that a cell keeps.
pub(crate) fn low(tile: i64) -> u32 {
    (tile & i64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_at_most_61_tiles() {
        for secs in [1, 7, 59, 60, 61, 3600, 86_400, 400 * 86_400] {
            let window = Window::new(Spec::new(Kind::Count, Some(Span::from_secs(secs))).unwrap());
            for t in [-123_456_789_012_345, -1, 0, 1, 16_666, 16_667, 1_767_607_200_000_000] {
                let tiles = window.tile(Micros(t)) - window.floor(Micros(t)) + 1;
                assert!((60..=61).contains(&tiles), "{secs} s at {t}: {tiles}");
            }
        }
    }

    #[test]
    fn tiles_before_1970_round_down() {
        let window = Window::new(Spec::new(Kind::Count, Some(Span::from_secs(60))).unwrap());
        let check = |t: i64, expect: i64| assert_eq!(window.tile(Micros(t)), expect, "{t}");
        check(0, 0);
        check(999_999, 0);
        check(1_000_000, 1);
        check(-1, -1);
        check(-1_000_000, -1);
        check(-1_000_001, -2);
    }
}
