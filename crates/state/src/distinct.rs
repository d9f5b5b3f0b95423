// SPDX-License-Identifier: Apache-2.0
//! Telling items apart: each with the tile of its newest sighting, exact up to a bound.
//!
//! Above the bound the items seen last are kept, so that a reading is always the lesser of the truth and the bound:
//! a flood of new items can push old ones out, but not push the reading down. Most keys have one item and fit in
//! 16 bytes; a few are searched one by one; more are hashed, with a count by tile so that reading is not a scan.

use crate::Item;
use crate::count::Strip;
use crate::generations::Cell;
use crate::table::Moment;
use crate::window::Sight;
use hashbrown::HashTable;
use smallvec::{SmallVec, smallvec};

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
    Many(Box<Many>),
}

/// At most [`FEW`], three of them in place.
type FewItems = SmallVec<[Newest; 3]>;

/// An item with the tile of its newest sighting.
#[derive(Clone, Copy)]
pub(crate) struct Newest {
    item: Item,
    tile: u32,
}

impl Cell for Items {
    fn heap(&self) -> usize {
        match self {
            Items::None | Items::One { .. } => 0,
            Items::Few(few) if few.spilled() => size_of::<FewItems>() + few.capacity() * size_of::<Newest>(),
            Items::Few(_) => size_of::<FewItems>(),
            Items::Many(many) => size_of::<Many>() + many.heap(),
        }
    }
}

impl Items {
    /// Sees an item; at most `most` of them are told apart, and at least [`FEW`].
    pub(crate) fn add(&mut self, item: Item, at: Moment, most: usize) {
        self.trim(at.live);
        match self {
            Items::None => *self = Items::One { tile: at.tile, item },
            Items::One { tile, item: held } if *held == item => *tile = newer(*tile, at),
            Items::One { tile, item: held } => {
                let held = Newest { item: *held, tile: *tile };
                *self = Items::Few(Box::new(smallvec![held, Newest { item, tile: at.tile }]));
            }
            Items::Few(few) => {
                if !add_few(few, item, at) {
                    let mut many = Many::new(few, at);
                    many.add(item, at, most);
                    *self = Items::Many(Box::new(many));
                }
            }
            Items::Many(many) => many.add(item, at, most),
        }
    }

    /// How many items are in sight, whatever lies after its newer end.
    pub(crate) fn count(&self, sight: Sight) -> u64 {
        match self {
            Items::None => 0,
            Items::One { tile, .. } => u64::from(sight.keeps(*tile)),
            Items::Few(few) => few.iter().filter(|held| sight.keeps(held.tile)).count() as u64,
            Items::Many(many) => many.tiles.kept(sight),
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
                if many.trim(live) && many.items.len() <= FEW / 2 {
                    *self = Items::Few(Box::new(many.items.iter().copied().collect()));
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

/// The newer of a tile and a sighting's.
fn newer(tile: u32, at: Moment) -> u32 {
    if at.live.age(at.tile) < at.live.age(tile) { at.tile } else { tile }
}

/// Sees an item, unless it would be one too many; whether it did.
fn add_few(few: &mut FewItems, item: Item, at: Moment) -> bool {
    if let Some(held) = few.iter_mut().find(|held| held.item == item) {
        held.tile = newer(held.tile, at);
        return true;
    }
    let fits = few.len() < FEW;
    if fits {
        few.push(Newest { item, tile: at.tile });
    }
    fits
}

/// Hashed items.
pub(crate) struct Many {
    items: HashTable<Newest>,
    /// How many of the items that have not expired have their newest sighting in which tile.
    tiles: Strip,
    /// Items that were in the oldest tile when it was last searched: the next to make room.
    oldest: Vec<Item>,
    /// The clock's tile when expired items were last removed.
    swept: u32,
}

impl Many {
    fn new(few: &[Newest], at: Moment) -> Many {
        let mut many = Many {
            items: HashTable::with_capacity(2 * FEW),
            tiles: Strip::default(),
            oldest: Vec::new(),
            swept: at.live.clock(),
        };
        few.iter().for_each(|held| many.insert(*held, at.live));
        many
    }

    fn heap(&self) -> usize {
        self.items.allocation_size() + self.tiles.heap() + self.oldest.capacity() * size_of::<Item>()
    }

    fn insert(&mut self, new: Newest, live: Sight) {
        self.tiles.add(new.tile, live);
        self.items.insert_unique(new.item.0, new, |held| held.item.0);
    }

    fn add(&mut self, item: Item, at: Moment, most: usize) {
        if let Some(held) = self.items.find_mut(item.0, |held| held.item == item) {
            let tile = newer(held.tile, at);
            if tile != held.tile {
                self.tiles.sub(held.tile);
                self.tiles.add(tile, at.live);
                held.tile = tile;
            }
        } else if self.items.len() < most.max(FEW) || self.make_room(at) {
            self.insert(Newest { item, tile: at.tile }, at.live);
        }
    }

    /// Removes expired items, or else one of the oldest tile; `false` where the sighting is no newer than those.
    fn make_room(&mut self, at: Moment) -> bool {
        if self.tiles.sum() < self.items.len() as u64 {
            self.sweep(at.live);
            return true;
        }
        let Some(tile) = self.tiles.first().filter(|tile| at.live.age(at.tile) < at.live.age(*tile)) else {
            return false;
        };
        // A search finds all items of the oldest tile, so a window full of new items costs at most 61 searches.
        if !self.remove_oldest(tile) {
            self.oldest.extend(self.items.iter().filter(|held| held.tile == tile).map(|held| held.item));
            self.remove_oldest(tile);
        }
        self.tiles.sub(tile);
        true
    }

    /// Removes an item of that tile, if one is known.
    fn remove_oldest(&mut self, tile: u32) -> bool {
        while let Some(item) = self.oldest.pop() {
            if let Ok(held) = self.items.find_entry(item.0, |held| held.item == item && held.tile == tile) {
                held.remove();
                return true;
            }
        }
        false
    }

    /// Forgets what has expired: at once in the counts, and once a window among the items, which bounds how old a
    /// tile they can hold. Whether it did the latter.
    fn trim(&mut self, live: Sight) -> bool {
        self.tiles.trim(live);
        let due = live.age(self.swept) > live.oldest();
        if due {
            self.sweep(live);
        }
        due
    }

    fn sweep(&mut self, live: Sight) {
        self.items.retain(|held| live.keeps(held.tile));
        self.items.shrink_to(2 * self.items.len(), |held| held.item.0);
        self.oldest = Vec::new();
        self.swept = live.clock();
    }
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
        assert_eq!(items.count(Moment::at(clock, clock).live), expect, "at {clock}");
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
    fn at_the_bound_the_newest_are_kept() {
        let mut items = Items::None;
        see(&mut items, 0..10, 30, 30);
        see(&mut items, 10..20, 40, 40);
        see(&mut items, 90..95, 10, 40);
        check(&items, 90, 20);
        see(&mut items, 20..25, 50, 50);
        check(&items, 90, 20);
        check(&items, 91, 15);
        see(&mut items, 90..92, 35, 50);
        check(&items, 91, 17);
        check(&items, 100, 15);
        check(&items, 101, 5);
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
