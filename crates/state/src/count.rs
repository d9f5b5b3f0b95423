// SPDX-License-Identifier: Apache-2.0
//! Counting by tile: most keys are seen in one or two tiles and fit in 16 bytes, the others keep a sorted strip.

mod bytes;

use crate::generations::Cell;
use crate::shared::Grain;
use crate::strip::Strip;
use crate::table::{Counter, Table};
use crate::window::{Moment, Sight};
use crate::{Key, Reading, Sighting};
use wardroom_event::Micros;

/// How often a key was seen in each tile.
pub(crate) enum Tiles {
    /// At most two tiles: `counts[0]` in `tile` (none where it is zero), and `counts[1]` in the tile that lies
    /// `gap` before it (none where that is zero).
    Few { gap: u16, tile: u32, counts: [u32; 2] },
    /// More than that. In a box, because in place it would make every cell twice as large.
    Many(Box<Strip<u32>>),
}

impl Default for Tiles {
    fn default() -> Tiles {
        Tiles::Few { gap: 0, tile: 0, counts: [0; 2] }
    }
}

impl Cell for Tiles {
    fn heap(&self) -> usize {
        match self {
            Tiles::Few { .. } => 0,
            Tiles::Many(strip) => size_of::<Strip<u32>>() + strip.heap(),
        }
    }
}

impl Counter for Tiles {
    type Rule = ();

    fn settle(&mut self, live: Sight, grain: &Grain) {
        Tiles::settle(self, live, grain);
    }

    fn add(table: &mut Table<Tiles>, key: Key, _: Sighting<'_>, time: Micros) {
        table.see(key, time, Tiles::add);
    }

    fn read(table: &Table<Tiles>, view: usize, key: Key, now: Micros, with: Option<Sighting<'_>>) -> Reading {
        let before = table.find(view, key, now).map_or(0, |(tiles, sight)| tiles.count(sight));
        let in_hand = with.and_then(|_| table.in_hand(view, now)).is_some();
        Reading::Count(before + u64::from(in_hand))
    }
}

impl Tiles {
    pub(crate) fn add(&mut self, at: Moment) {
        self.trim(at.live);
        if let Tiles::Few { gap, tile, counts } = self {
            if add_few(gap, tile, counts, at.tile) {
                return;
            }
            // The two may be one by now, and then there is room for this one.
            join_few(gap, tile, counts, &at.grain);
            if add_few(gap, tile, counts, at.tile) {
                return;
            }
            let mut strip = Strip::default();
            for (tile, n) in [(tile.wrapping_sub(u32::from(*gap)), counts[1]), (*tile, counts[0])] {
                *strip.part(tile, at.live, |_| 0) += n;
            }
            *self = Tiles::Many(Box::new(strip));
        }
        if let Tiles::Many(strip) = self {
            add_one(strip, at);
        }
    }

    /// Forgets what has expired, joins what only longer windows see, and gives room back.
    fn settle(&mut self, live: Sight, grain: &Grain) {
        self.trim(live);
        let Tiles::Many(strip) = self else { return };
        strip.join(grain, merge);
        strip.shrink();
        match *strip.tiles() {
            [(tile, n)] => *self = Tiles::Few { gap: 0, tile, counts: [n, 0] },
            [(older, m), (tile, n)] => {
                if let Ok(gap) = u16::try_from(tile.wrapping_sub(older)) {
                    *self = Tiles::Few { gap, tile, counts: [n, m] };
                }
            }
            _ => (),
        }
    }

    /// How often the key was seen in the tiles in sight.
    pub(crate) fn count(&self, sight: Sight) -> u64 {
        let seen = |tile, count| if sight.sees(tile) { u64::from(count) } else { 0 };
        match self {
            Tiles::Few { gap, tile, counts } => {
                seen(*tile, counts[0]) + seen(tile.wrapping_sub(u32::from(*gap)), counts[1])
            }
            Tiles::Many(strip) => strip.seen(sight).iter().map(|(_, n)| u64::from(*n)).sum(),
        }
    }

    /// Whether it holds nothing.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Tiles::Few { counts: [0, _], .. })
    }

    /// Forgets what has expired.
    pub(crate) fn trim(&mut self, live: Sight) {
        match self {
            Tiles::Few { tile, .. } if !live.keeps(*tile) => *self = Tiles::default(),
            Tiles::Few { gap, tile, counts } => {
                if !live.keeps(tile.wrapping_sub(u32::from(*gap))) {
                    *gap = 0;
                    counts[1] = 0;
                }
            }
            Tiles::Many(strip) => {
                strip.trim(live);
                match strip.tiles() {
                    [] => *self = Tiles::default(),
                    [(tile, n)] => *self = Tiles::Few { gap: 0, tile: *tile, counts: [*n, 0] },
                    _ => (),
                }
            }
        }
    }
}

fn merge(held: &mut u32, more: u32) {
    *held = held.saturating_add(more);
}

/// Joins the two tiles where they are one by now.
fn join_few(gap: &mut u16, tile: &mut u32, counts: &mut [u32; 2], grain: &Grain) {
    let first = grain.first_of(*tile);
    if counts[1] > 0 && grain.first_of(tile.wrapping_sub(u32::from(*gap))) == first {
        (*gap, *tile, *counts) = (0, first, [counts[0].saturating_add(counts[1]), 0]);
    }
}

fn add_one(strip: &mut Strip<u32>, at: Moment) {
    strip.make_room(&at.grain, merge);
    let count = strip.part(at.tile, at.live, |_| 0);
    *count = count.saturating_add(1);
}

/// Adds one in the tile `seen`, unless it would be the third; whether it did.
fn add_few(gap: &mut u16, tile: &mut u32, counts: &mut [u32; 2], seen: u32) -> bool {
    let later = seen.wrapping_sub(*tile);
    let earlier = tile.wrapping_sub(seen);
    if counts[0] == 0 {
        (*tile, counts[0]) = (seen, 1);
    } else if later == 0 {
        counts[0] = counts[0].saturating_add(1);
    } else if counts[1] > 0 {
        if earlier != u32::from(*gap) {
            return false;
        }
        counts[1] = counts[1].saturating_add(1);
    } else if let Ok(near) = u16::try_from(later) {
        (*gap, *tile, *counts) = (near, seen, [1, counts[0]]);
    } else if let Ok(near) = u16::try_from(earlier) {
        (*gap, counts[1]) = (near, 1);
    } else {
        return false;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds the tiles in order and reads what is seen from `from` to `to` at the end.
    fn check(tiles: &[i64], (from, to): (i64, i64), expect: u64) {
        let mut cell = Tiles::default();
        let mut clock = i64::MIN;
        for tile in tiles {
            clock = clock.max(*tile);
            cell.add(Moment::at(*tile, clock));
        }
        assert_eq!(cell.count(Sight::new(clock, from, to).unwrap()), expect, "{tiles:?}");
    }

    #[test]
    fn tiles_are_counted() {
        check(&[5], (0, 5), 1);
        check(&[5, 5, 5], (0, 5), 3);
        check(&[5, 9], (6, 9), 1);
        check(&[5, 9], (0, 8), 1);
        check(&[9, 5, 5], (5, 5), 2);
        check(&[1, 2, 3, 4, 3, 2], (2, 3), 4);
        check(&[1, 2, 3, 70], (0, 70), 1);
        check(&[1, 2, 30, 70], (0, 70), 2);
        check(&[-3, -2, -1, 0, 1], (-2, 0), 3);
        let wrap = i64::from(u32::MAX);
        check(&[wrap - 1, wrap, wrap + 1, wrap + 2], (wrap, wrap + 1), 2);
    }

    #[test]
    fn a_key_has_at_most_61_tiles_and_shrinks_again() {
        let mut cell = Tiles::default();
        for tile in 0..1000 {
            cell.add(Moment::at(tile, tile));
            cell.add(Moment::at((tile - 7).max(0), tile));
        }
        let Tiles::Many(strip) = &cell else { panic!("many tiles are a strip") };
        assert_eq!(strip.tiles().len(), 61);
        assert!(cell.heap() <= size_of::<Strip<u32>>() + 64 * 8, "{} bytes", cell.heap());
        cell.add(Moment::at(1055, 1055));
        cell.add(Moment::at(2000, 2000));
        assert!(matches!(cell, Tiles::Few { .. }));
        assert_eq!(cell.heap(), 0);
    }

    #[test]
    fn counts_stop_at_the_top() {
        let mut cell = Tiles::Few { gap: 1, tile: 9, counts: [u32::MAX, u32::MAX] };
        cell.add(Moment::at(9, 9));
        cell.add(Moment::at(8, 9));
        assert_eq!(cell.count(Sight::new(9, 0, 9).unwrap()), 2 * u64::from(u32::MAX));
        cell.add(Moment::at(7, 9));
        cell.add(Moment::at(9, 9));
        assert!(matches!(cell, Tiles::Many(_)));
        assert_eq!(cell.count(Sight::new(9, 0, 9).unwrap()), 2 * u64::from(u32::MAX) + 1);
    }

    #[test]
    fn a_cell_is_16_bytes() {
        assert_eq!(size_of::<Tiles>(), 16);
    }
}
