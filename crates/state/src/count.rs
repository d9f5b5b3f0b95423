// SPDX-License-Identifier: Apache-2.0
//! Counting by tile: most keys are seen in one or two tiles and fit in 16 bytes, the others keep a sorted strip.

use crate::generations::Cell;
use crate::table::Moment;
use crate::window::Sight;
use smallvec::{SmallVec, smallvec};

/// How often a key was seen in each tile.
pub(crate) enum Tiles {
    /// At most two tiles: `counts[0]` in `tile` (none where it is zero), and `counts[1]` in the tile that lies
    /// `gap` before it (none where that is zero). A live tile lies at most 60 before another.
    Few { gap: u8, tile: u32, counts: [u32; 2] },
    /// More than that. In a box, because in place it would make every cell twice as large.
    Many(Box<Strip>),
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
            Tiles::Many(strip) => size_of::<Strip>() + strip.heap(),
        }
    }
}

impl Tiles {
    pub(crate) fn add(&mut self, at: Moment) {
        self.trim(at.live);
        match self {
            Tiles::Few { gap, tile, counts } => {
                if !add_few(gap, tile, counts, at.tile) {
                    let earlier = (tile.wrapping_sub(u32::from(*gap)), counts[1]);
                    let mut strip = Strip(smallvec![earlier, (*tile, counts[0])]);
                    strip.add(at.tile, at.live);
                    *self = Tiles::Many(Box::new(strip));
                }
            }
            Tiles::Many(strip) => strip.add(at.tile, at.live),
        }
    }

    /// How often the key was seen in the tiles in sight.
    pub(crate) fn count(&self, sight: Sight) -> u64 {
        let seen = |tile, count| if sight.sees(tile) { u64::from(count) } else { 0 };
        match self {
            Tiles::Few { gap, tile, counts } => {
                seen(*tile, counts[0]) + seen(tile.wrapping_sub(u32::from(*gap)), counts[1])
            }
            Tiles::Many(strip) => strip.count(sight),
        }
    }

    /// Forgets what has expired.
    fn trim(&mut self, live: Sight) {
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
                match strip.0.as_slice() {
                    [] => *self = Tiles::default(),
                    [(tile, n)] => *self = Tiles::Few { gap: 0, tile: *tile, counts: [*n, 0] },
                    _ => (),
                }
            }
        }
    }
}

/// Adds one in the tile `seen`, unless it would be the third; whether it did.
fn add_few(gap: &mut u8, tile: &mut u32, counts: &mut [u32; 2], seen: u32) -> bool {
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
    } else if let Ok(near) = u8::try_from(later) {
        (*gap, *tile, *counts) = (near, seen, [1, counts[0]]);
    } else if let Ok(near) = u8::try_from(earlier) {
        (*gap, counts[1]) = (near, 1);
    } else {
        return false;
    }
    true
}

/// Counts by tile, the oldest tile first, each tile once. Six stand in the strip itself.
#[derive(Default)]
pub(crate) struct Strip(SmallVec<[(u32, u32); 6]>);

impl Strip {
    pub(crate) fn heap(&self) -> usize {
        if self.0.spilled() { self.0.capacity() * size_of::<(u32, u32)>() } else { 0 }
    }

    /// Adds one in `tile`. Most sightings are of the newest tile, so the search begins there.
    pub(crate) fn add(&mut self, tile: u32, live: Sight) {
        let age = live.age(tile);
        let after = self.0.iter().rposition(|(t, _)| live.age(*t) >= age).map_or(0, |i| i + 1);
        match after.checked_sub(1).map(|i| &mut self.0[i]) {
            Some((t, n)) if *t == tile => *n = n.saturating_add(1),
            _ => self.0.insert(after, (tile, 1)),
        }
    }

    /// Takes one from `tile`, if anything is left there.
    pub(crate) fn sub(&mut self, tile: u32) {
        if let Some(i) = self.0.iter().position(|(t, _)| *t == tile) {
            self.0[i].1 -= 1;
            if self.0[i].1 == 0 {
                self.0.remove(i);
            }
        }
    }

    /// The oldest tile.
    pub(crate) fn first(&self) -> Option<u32> {
        self.0.first().map(|(tile, _)| *tile)
    }

    /// The sum of all tiles.
    pub(crate) fn sum(&self) -> u64 {
        self.0.iter().map(|(_, n)| u64::from(*n)).sum()
    }

    /// The sum of the tiles in sight.
    pub(crate) fn count(&self, sight: Sight) -> u64 {
        self.0.iter().filter(|(tile, _)| sight.sees(*tile)).map(|(_, n)| u64::from(*n)).sum()
    }

    /// The sum of the tiles that lie after the older end of what is in sight.
    pub(crate) fn kept(&self, sight: Sight) -> u64 {
        self.0.iter().filter(|(tile, _)| sight.keeps(*tile)).map(|(_, n)| u64::from(*n)).sum()
    }

    /// Forgets what has expired.
    pub(crate) fn trim(&mut self, live: Sight) {
        let gone = self.0.iter().take_while(|(tile, _)| !live.keeps(*tile)).count();
        self.0.drain(..gone);
    }
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
        assert_eq!(strip.0.len(), 61);
        assert!(cell.heap() <= size_of::<Strip>() + 64 * 8, "{} bytes", cell.heap());
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
        let mut strip = Strip(smallvec![(9, u32::MAX)]);
        strip.add(9, Moment::at(9, 9).live);
        assert_eq!(strip.sum(), u64::from(u32::MAX));
    }

    #[test]
    fn a_cell_is_16_bytes() {
        assert_eq!(size_of::<Tiles>(), 16);
    }
}
