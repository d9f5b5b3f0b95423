// SPDX-License-Identifier: Apache-2.0
//! Counters' windows, to the tile: the rule that a reading follows, and how far it can be off.
//!
//! Time is cut into tiles. A window of `w` microseconds has tiles of `g = ceil(w / 60)` microseconds, and the tile
//! of a time `x` is `floor(x / g)` (towards minus infinity, so times before 1970 are no exception). A table's
//! **clock** is the greatest time added to it under any key; it knows no other. Read at time `t`, with `c` the
//! greater of `t` and the clock:
//!
//! - `count` is how many sightings added so far lie in a tile from `tile(c − w)` to `tile(t)`, both included.
//! - `distinct` is how many items have their newest sighting in tile `tile(c − w)` or later, up to
//!   [`limits::DISTINCT_EXACT`]: a reading that reaches it is marked as saturated
//!   and means "at least". Nothing below it is approximate.
//! - `first_seen` is the least time added since the key was last forgotten. With a window, a key is forgotten as
//!   soon as its newest sighting lies before tile `tile(c − w)`. Without one it never is, save by the cap.
//!
//! What follows from that:
//!
//! - The event in hand is left out because it is read before it is added, so a window is `[t − w, t)`. An earlier
//!   event of the very same time counts: the sequencer's number breaks the tie, not the clock.
//! - Traffic in order sees what it should at the head, and at the tail up to one tile (a sixtieth of the window)
//!   too much. Never too little.
//! - An event that is late by `d` sees up to one tile of later events at its head in a `count` (a `distinct` sees
//!   every later one), and misses `d` of its window at the tail: tiles are kept for the clock, not for stragglers.
//! - An event so late that no reading can see it (its tile lies before `tile(clock − w)`) is not added, only
//!   counted as late. A time far in the future therefore makes everything until then late: whoever adds must
//!   bound how far ahead of its arrival an event may count.
//! - A tile of a key counts to `u32::MAX` and stays there.

use crate::limits;
use wardroom_event::{Micros, Span};

/// What a counter tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// How many sightings.
    Count,
    /// How many different items.
    Distinct,
    /// When the first sighting was.
    FirstSeen,
}

/// What a counter is: fixed for as long as its table lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    kind: Kind,
    window: Option<Span>,
}

/// Why there is no such counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// `count` and `distinct` would grow for ever.
    #[error("a window is missing")]
    NoWindow,
    /// Shorter than [`limits::WINDOW_MIN`].
    #[error("the window {0} is shorter than {min}", min = limits::WINDOW_MIN)]
    TooShort(Span),
    /// Longer than [`limits::WINDOW_MAX`].
    #[error("the window {0} is longer than {max}", max = limits::WINDOW_MAX)]
    TooLong(Span),
}

impl Spec {
    /// A counter of `kind` over `window`; only `first_seen` can do without one.
    pub fn new(kind: Kind, window: Option<Span>) -> Result<Spec, SpecError> {
        match window {
            None if kind != Kind::FirstSeen => Err(SpecError::NoWindow),
            Some(w) if w < limits::WINDOW_MIN => Err(SpecError::TooShort(w)),
            Some(w) if w > limits::WINDOW_MAX => Err(SpecError::TooLong(w)),
            _ => Ok(Spec { kind, window }),
        }
    }

    /// What it tells.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Over how long; `None` is for ever.
    pub fn window(&self) -> Option<Span> {
        self.window
    }

    /// How far a reading can reach back beyond the window: one tile.
    pub fn worst_error(&self) -> Span {
        self.window.map_or(Span::ZERO, |w| Span(tile_len(w)))
    }
}

/// The length of a window's tiles in microseconds.
fn tile_len(window: Span) -> i64 {
    (window.0 + limits::TILES - 1) / limits::TILES
}

/// A window with its tiles; without a length it reaches back for ever and has one tile a second, which none sees.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    len: Option<Span>,
    tile: i64,
}

impl Window {
    pub(crate) fn new(spec: Spec) -> Window {
        Window { len: spec.window, tile: spec.window.map_or(1_000_000, tile_len) }
    }

    /// The tile of a time.
    pub(crate) fn tile(&self, t: Micros) -> i64 {
        t.0.div_euclid(self.tile)
    }

    /// The first tile that a reading at `t` sees.
    pub(crate) fn floor(&self, t: Micros) -> i64 {
        self.len.map_or(i64::MIN, |len| self.tile(t.minus(len)))
    }
}

/// Which tiles can be seen, by their age: how many tiles they lie before the clock's.
///
/// Cells keep only the low 32 bits of a tile. That is enough to tell its age, because no cell holds a tile newer
/// than the clock's, and none outlives a few windows (see `generations`), which are a few hundred tiles.
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
    fn specs_are_checked() {
        let check = |kind, secs: Option<i64>, expect: Result<i64, SpecError>| {
            let spec = Spec::new(kind, secs.map(Span::from_secs));
            assert_eq!(spec.map(|s| s.worst_error().0), expect);
        };
        check(Kind::Count, Some(3600), Ok(60_000_000));
        check(Kind::Count, Some(1), Ok(16_667));
        check(Kind::Distinct, Some(400 * 86_400), Ok(576_000_000_000));
        check(Kind::FirstSeen, None, Ok(0));
        check(Kind::Count, None, Err(SpecError::NoWindow));
        check(Kind::Distinct, None, Err(SpecError::NoWindow));
        check(Kind::Count, Some(0), Err(SpecError::TooShort(Span::ZERO)));
        check(Kind::FirstSeen, Some(-1), Err(SpecError::TooShort(Span::from_secs(-1))));
        check(Kind::Count, Some(401 * 86_400), Err(SpecError::TooLong(Span::from_secs(401 * 86_400))));
        assert_eq!(SpecError::TooShort(Span(5)).to_string(), "the window 5us is shorter than 1s");
    }

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
