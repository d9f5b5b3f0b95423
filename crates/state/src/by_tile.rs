// SPDX-License-Identifier: Apache-2.0
//! A cell with a part of each tile: most keys are seen in one tile, whose part stands in the cell itself.

mod bytes;

pub(crate) use bytes::StoredPart;

use crate::generations::Cell;
use crate::shared::Grain;
use crate::strip::Strip;
use crate::window::{Moment, Sight};

/// What is kept of a tile. Parts add up in any order.
pub(crate) trait Part: Copy + Send + Sync {
    /// A part that fits into a cell of 16 bytes.
    type Small: Copy + Send + Sync;

    fn merge(&mut self, other: Self);
    fn small(self) -> Option<Self::Small>;
    fn large(small: Self::Small) -> Self;
}

/// The parts of a key.
#[derive(Default)]
pub(crate) enum ByTile<P: Part> {
    #[default]
    None,
    One {
        tile: u32,
        part: P::Small,
    },
    /// In a box, because in place it would make every cell several times as large.
    Many(Box<Strip<P>>),
}

impl<P: Part> Cell for ByTile<P> {
    fn heap(&self) -> usize {
        match self {
            ByTile::None | ByTile::One { .. } => 0,
            ByTile::Many(strip) => size_of::<Strip<P>>() + strip.heap(),
        }
    }
}

impl<P: Part> ByTile<P> {
    pub(crate) fn add(&mut self, part: P, at: Moment) {
        self.trim(at.live);
        let mut strip = match self {
            ByTile::Many(strip) => {
                merge(strip, part, at);
                return;
            }
            ByTile::None => Strip::default(),
            ByTile::One { tile, part } => Strip::of(*tile, P::large(*part)),
        };
        merge(&mut strip, part, at);
        *self = ByTile::one(&strip).unwrap_or_else(|| ByTile::Many(Box::new(strip)));
    }

    /// Gives each part in sight.
    pub(crate) fn each(&self, sight: Sight, mut take: impl FnMut(P)) {
        match self {
            ByTile::None => (),
            ByTile::One { tile, part } if sight.sees(*tile) => take(P::large(*part)),
            ByTile::One { .. } => (),
            ByTile::Many(strip) => strip.seen(sight).iter().for_each(|(_, part)| take(*part)),
        }
    }

    /// Forgets what has expired, joins what only longer windows see, and gives room back.
    pub(crate) fn settle(&mut self, live: Sight, grain: &Grain) {
        self.trim(live);
        if let ByTile::Many(strip) = self {
            strip.join(grain, P::merge);
            strip.shrink();
            if let Some(one) = ByTile::one(strip) {
                *self = one;
            }
        }
    }

    /// Forgets what has expired.
    fn trim(&mut self, live: Sight) {
        match self {
            ByTile::One { tile, .. } if !live.keeps(*tile) => *self = ByTile::None,
            ByTile::None | ByTile::One { .. } => (),
            ByTile::Many(strip) => {
                strip.trim(live);
                if let Some(one) = ByTile::one(strip) {
                    *self = one;
                }
            }
        }
    }

    /// The cell of a strip that needs none.
    fn one(strip: &Strip<P>) -> Option<ByTile<P>> {
        match strip.tiles() {
            [] => Some(ByTile::None),
            [(tile, part)] => part.small().map(|part| ByTile::One { tile: *tile, part }),
            _ => None,
        }
    }
}

fn merge<P: Part>(strip: &mut Strip<P>, part: P, at: Moment) {
    let mut new = Some(part);
    strip.make_room(&at.grain, P::merge);
    let held = strip.part(at.tile, at.live, |_| new.take().unwrap_or(part));
    if new.is_some() {
        held.merge(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small up to 100.
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Hundred(u64);

    impl Part for Hundred {
        type Small = u8;

        fn merge(&mut self, other: Hundred) {
            self.0 += other.0;
        }

        fn small(self) -> Option<u8> {
            (self.0 <= 100).then_some(self.0 as u8)
        }

        fn large(small: u8) -> Hundred {
            Hundred(small.into())
        }
    }

    fn sum(cell: &ByTile<Hundred>, clock: i64, from: i64, to: i64) -> u64 {
        let mut sum = 0;
        let sight = Sight::new(clock, from, to);
        sight.into_iter().for_each(|sight| cell.each(sight, |part| sum += part.0));
        sum
    }

    #[test]
    fn parts_add_up_in_their_tiles() {
        let mut cell = ByTile::default();
        let mut add = |n, tile, clock| {
            cell.add(Hundred(n), Moment::at(tile, clock));
            (sum(&cell, clock, 0, clock), sum(&cell, clock, 20, 30), cell.heap() == 0)
        };
        assert_eq!(add(60, 10, 10), (60, 0, true));
        assert_eq!(add(40, 10, 10), (100, 0, true));
        assert_eq!(add(1, 10, 10), (101, 0, false), "too much to be small");
        assert_eq!(add(5, 30, 30), (106, 5, false));
        assert_eq!(add(7, 20, 30), (113, 12, false), "late");
        assert_eq!(add(9, 91, 91), (9, 0, true), "all else has expired");
        assert_eq!(add(2, 200, 200), (2, 0, true));
    }
}
