// SPDX-License-Identifier: Apache-2.0
//! Telling items apart: each with the tile of its newest sighting.
//!
//! Most keys have one item and fit in 16 bytes; a few are searched one by one; more are hashed, and beyond a bound
//! they are sampled, see [`sample`](crate::sample).

mod bytes;

use crate::generations::Cell;
use crate::sample::Sample;
use crate::table::{Counter, Table};
use crate::window::{Moment, Sight};
use crate::{Item, Key, Reading, Sighting};
use smallvec::{SmallVec, smallvec};
use wardroom_event::Micros;

/// Most items that are searched one by one, and the least bound on items.
pub(crate) const FEW: usize = 16;

/// The items of a key.
#[derive(Default)]
pub(crate) enum Items {
    /// None.
    #[default]
    None,
    /// One, in `tile`.
    One { tile: u32, item: Item },
    /// At most [`FEW`]. In a box, because in place they would make every cell twice as large.
    Few(Box<FewItems>),
    /// More.
    Many(Box<Sample>),
}

/// At most [`FEW`], three of them in place.
type FewItems = SmallVec<[Newest; 3]>;

/// An item with the tile of its newest sighting.
#[derive(Clone, Copy)]
pub(crate) struct Newest {
    pub(crate) item: Item,
    pub(crate) tile: u32,
}

impl Newest {
    /// Sees the item once more; the tile it had, if this one is newer.
    pub(crate) fn renew(&mut self, at: Moment) -> Option<u32> {
        let newer = at.live.age(at.tile) < at.live.age(self.tile);
        newer.then(|| std::mem::replace(&mut self.tile, at.tile))
    }
}

impl Counter for Items {
    /// How many items are told apart, at least [`FEW`].
    type Rule = usize;

    fn add(table: &mut Table<Items>, key: Key, sighting: Sighting<'_>, time: Micros) {
        if let Sighting::Item(item) = sighting {
            let exact = *table.rule();
            table.see(key, time, |items, at| items.add(item, at, exact));
        }
    }

    fn read(table: &Table<Items>, view: usize, key: Key, now: Micros, with: Option<Sighting<'_>>) -> Reading {
        let in_hand = match with {
            Some(Sighting::Item(item)) => table.in_hand(view, now).map(|at| (item, at)),
            _ => None,
        };
        let found = table.find(view, key, now).map(|(items, sight)| items.count(sight, in_hand));
        let (count, approximate) = found.unwrap_or((u64::from(in_hand.is_some()), false));
        Reading::Distinct { count, approximate }
    }
}

impl Cell for Items {
    fn heap(&self) -> usize {
        match self {
            Items::None | Items::One { .. } => 0,
            Items::Few(few) if few.spilled() => size_of::<FewItems>() + few.capacity() * size_of::<Newest>(),
            Items::Few(_) => size_of::<FewItems>(),
            Items::Many(many) => size_of::<Sample>() + many.heap(),
        }
    }
}

impl Items {
    /// Sees an item.
    fn add(&mut self, item: Item, at: Moment, exact: usize) {
        self.trim(at.live);
        match self {
            Items::None => *self = Items::One { tile: at.tile, item },
            Items::One { tile, item: held } => {
                let mut held = Newest { item: *held, tile: *tile };
                if held.item == item {
                    held.renew(at);
                    *tile = held.tile;
                } else {
                    *self = Items::Few(Box::new(smallvec![held, Newest { item, tile: at.tile }]));
                }
            }
            Items::Few(few) => {
                if !add_few(few, item, at) {
                    let mut many = Sample::new(few, at.live, exact);
                    many.add(item, at, exact);
                    *self = Items::Many(Box::new(many));
                }
            }
            Items::Many(many) => many.add(item, at, exact),
        }
    }

    /// How many items are in sight, whatever lies after its newer end, with the one in hand; and whether that is an
    /// estimate.
    fn count(&self, sight: Sight, in_hand: Option<(Item, Moment)>) -> (u64, bool) {
        let plain = |held: &[Newest]| {
            let kept = held.iter().filter(|held| sight.keeps(held.tile));
            let known = |item| kept.clone().any(|held| held.item == item);
            let new = in_hand.is_some_and(|(item, _)| !known(item));
            (kept.clone().count() as u64 + u64::from(new), false)
        };
        match self {
            Items::None => plain(&[]),
            Items::One { tile, item } => plain(&[Newest { item: *item, tile: *tile }]),
            Items::Few(few) => plain(few),
            Items::Many(many) => many.count(sight, in_hand),
        }
    }

    /// Forgets what has expired.
    fn trim(&mut self, live: Sight) {
        match self {
            Items::One { tile, .. } if !live.keeps(*tile) => *self = Items::None,
            Items::None | Items::One { .. } => (),
            Items::Few(few) => {
                few.retain(|held| live.keeps(held.tile));
                self.shrink();
            }
            Items::Many(many) => {
                if let Some(few) = many.trim(live, FEW / 2) {
                    *self = Items::Few(Box::new(few.into()));
                    self.shrink();
                }
            }
        }
    }

    /// Few that have become one or none.
    fn shrink(&mut self) {
        if let Items::Few(few) = self {
            match few.as_slice() {
                [] => *self = Items::None,
                [held] => *self = Items::One { tile: held.tile, item: held.item },
                _ => (),
            }
        }
    }
}

/// Sees an item, unless it would be one too many; whether it did.
fn add_few(few: &mut FewItems, item: Item, at: Moment) -> bool {
    if let Some(held) = few.iter_mut().find(|held| held.item == item) {
        held.renew(at);
        return true;
    }
    let fits = few.len() < FEW;
    if fits {
        few.push(Newest { item, tile: at.tile });
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sees items `range` in one tile.
    fn see(items: &mut Items, range: std::ops::Range<u64>, tile: i64, clock: i64) {
        range.for_each(|n| items.add(Item(n), Moment::at(tile, clock), 20));
    }

    /// What is counted while the clock stands in tile `clock`.
    #[track_caller]
    fn check(items: &Items, clock: i64, expect: u64) {
        assert_eq!(items.count(Moment::at(clock, clock).live, None), (expect, false), "at {clock}");
    }

    /// With one item, a few and many.
    #[test]
    fn an_item_lives_from_its_newest_sighting() {
        for n in [1, 5, 18] {
            let mut items = Items::None;
            see(&mut items, 0..n, 50, 50);
            see(&mut items, 0..n, 20, 50);
            check(&items, 110, n);
            check(&items, 111, 0);
            see(&mut items, 0..1, 60, 60);
            check(&items, 111, 1);
        }
    }

    #[test]
    fn what_expired_gives_its_memory_back() {
        let mut items = Items::None;
        see(&mut items, 0..20, 0, 0);
        let many = items.heap();
        assert!(matches!(items, Items::Many(_)) && many > 20 * size_of::<Newest>());
        see(&mut items, 0..5, 50, 50);
        see(&mut items, 0..5, 70, 70);
        assert!(matches!(items, Items::Few(_)) && items.heap() < many);
        check(&items, 70, 5);
        see(&mut items, 0..1, 131, 131);
        assert_eq!((matches!(items, Items::One { .. }), items.heap()), (true, 0));
        see(&mut items, 1..2, 192, 192);
        assert_eq!((matches!(items, Items::One { .. }), items.heap()), (true, 0));
    }

    #[test]
    fn a_cell_is_16_bytes() {
        assert_eq!(size_of::<Items>(), 16);
    }
}
