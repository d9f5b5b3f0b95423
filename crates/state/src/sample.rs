// SPDX-License-Identifier: Apache-2.0
//! Many items: all of them up to a bound, and beyond it those with the smallest hashes.
//!
//! An item's hash is a secret draw from all 64-bit numbers, so of items whose hash lies below a bound `b` there are
//! `b / 2^64` of all: bottom-k sampling (Cohen and Kaplan 2007), here for every window that ends now. Each tile has
//! its own bound: the hash that `k` smaller ones precede among the items whose newest sighting lies in that tile or
//! a later one. An item at or above its tile's bound can never be among the `k` smallest of a window that it is in,
//! for items only ever move to later tiles; so it is let go. What follows:
//!
//! - A window with at most `k` items has only tiles without a bound, and its count is exact.
//! - Any other is estimated from at least `k` of its items, each standing for `2^64 / b` of them with the bound of
//!   its tile. That is unbiased, with a relative standard error of at most `1 / sqrt(k)`.
//! - Older tiles have smaller bounds, so an item that is seen again is always held on.
//! - Items that come evenly over the window leave about `k (1 + 1/2 + … + 1/61)`, less than `5 k`; no order of
//!   events leaves more than `k` in a tile. Bounds are brought up to date each time `k` more have gathered.

use crate::Item;
use crate::bytes::{Pen, Source, Unreadable};
use crate::distinct::Newest;
use crate::strip::Strip;
use crate::window::{Moment, Sight};
use hashbrown::HashTable;

/// What is held of a tile.
#[derive(Clone, Copy)]
struct Share {
    /// How many held items have their newest sighting in the tile.
    count: u32,
    /// All items with a smaller hash are held; where it is [`ALL`], every item.
    bound: u64,
}

/// How many hashes there are: 2^64.
const HASHES: f64 = 18_446_744_073_709_551_616.0;
/// No bound.
const ALL: u64 = u64::MAX;

impl Share {
    fn new(next: Option<&Share>) -> Share {
        Share { count: 0, bound: next.map_or(ALL, |next| next.bound) }
    }

    fn holds(self, item: Item) -> bool {
        self.bound == ALL || item.0 < self.bound
    }

    /// How many items one of them stands for.
    fn weight(self) -> f64 {
        if self.bound == ALL { 1.0 } else { HASHES / self.bound as f64 }
    }
}

/// Items, or a sample of them.
pub(crate) struct Sample {
    items: HashTable<Newest>,
    /// The tiles that have not expired.
    tiles: Strip<Share>,
    /// How many items may gather before some are let go.
    room: usize,
    /// The clock's tile when expired items were last removed.
    swept: u32,
}

/// An item's place among the hashed. Those of a sample are small, so their first bits alone tell nothing.
fn spot(item: Item) -> u64 {
    item.0 ^ item.0.rotate_left(32)
}

impl Sample {
    /// Begins with a few items, of which `exact` are told apart.
    pub(crate) fn new(few: &[Newest], live: Sight, exact: usize) -> Sample {
        let mut sample = Sample {
            items: HashTable::with_capacity(2 * few.len()),
            tiles: Strip::default(),
            room: 2 * exact,
            swept: live.clock(),
        };
        for held in few {
            sample.tiles.part(held.tile, live, Share::new).count += 1;
            sample.insert(*held);
        }
        sample
    }

    pub(crate) fn heap(&self) -> usize {
        self.items.allocation_size() + self.tiles.heap()
    }

    fn insert(&mut self, held: Newest) {
        self.items.insert_unique(spot(held.item), held, |held| spot(held.item));
    }

    /// Sees an item. What has expired is trimmed.
    pub(crate) fn add(&mut self, item: Item, at: Moment, exact: usize) {
        if let Some(held) = self.items.find_mut(spot(item), |held| held.item == item) {
            if let Some(before) = held.renew(at) {
                let gone = self.tiles.tiles_mut().iter_mut().find(|(tile, _)| *tile == before);
                gone.into_iter().for_each(|(_, share)| share.count = share.count.saturating_sub(1));
                self.tiles.part(at.tile, at.live, Share::new).count += 1;
            }
            return;
        }
        // No window needs more, whatever was loaded.
        if self.items.len() >= self.room.min(64 * exact) {
            self.make_room(at.live, exact);
        }
        let share = self.tiles.part(at.tile, at.live, Share::new);
        if share.holds(item) {
            share.count += 1;
            self.insert(Newest { item, tile: at.tile });
        }
    }

    /// How many items are in sight, with the one in hand; and whether that is an estimate.
    pub(crate) fn count(&self, sight: Sight, in_hand: Option<(Item, Moment)>) -> (u64, bool) {
        let kept = self.tiles.kept(sight);
        let mut sum: f64 = kept.iter().map(|(_, share)| f64::from(share.count) * share.weight()).sum();
        if let Some((item, at)) = in_hand {
            sum += self.gain(item, at);
        }
        (sum.round() as u64, kept.iter().any(|(_, share)| share.bound != ALL))
    }

    /// How much more the items would come to, were this one seen.
    fn gain(&self, item: Item, at: Moment) -> f64 {
        let age = |tile: u32| at.live.age(tile);
        let share = |tile: u32| {
            let next = self.tiles.tiles().iter().find(|(newer, _)| age(*newer) <= age(tile));
            Share::new(next.map(|(_, share)| share))
        };
        let held = self.items.find(spot(item), |held| held.item == item);
        let new = share(at.tile);
        match held.filter(|held| at.live.keeps(held.tile)) {
            Some(held) if age(held.tile) <= age(at.tile) => 0.0,
            Some(held) => new.weight() - share(held.tile).weight(),
            None if held.is_some() || new.holds(item) => new.weight(),
            None => 0.0,
        }
    }

    /// Removes expired items, and if those are not enough, whatever no window needs.
    fn make_room(&mut self, live: Sight, exact: usize) {
        self.sweep(live);
        if self.items.len() + exact > self.room {
            self.bound(live, exact);
            self.let_go(live);
        }
        self.room = (self.items.len() + exact).max(2 * exact);
    }

    /// Finds each tile's bound. No item has expired.
    fn bound(&mut self, live: Sight, exact: usize) {
        let place = |tile: u32, tiles: &Strip<Share>| {
            tiles.tiles().partition_point(|(older, _)| live.age(*older) > live.age(tile))
        };
        let mut held: Vec<(u64, usize)> =
            self.items.iter().map(|held| (held.item.0, place(held.tile, &self.tiles))).collect();
        held.sort_unstable();
        let tiles = self.tiles.tiles_mut();
        let mut counts = vec![0usize; tiles.len()];
        // Whatever is seen from a tile on is seen from an older one on: the older has its bound no later.
        let mut bounded = 0;
        for (hash, place) in held {
            let seeing = counts.get_mut(bounded..=place);
            seeing.into_iter().flatten().for_each(|n| *n += 1);
            while counts.get(bounded).is_some_and(|n| *n > exact) {
                tiles[bounded].1.bound = hash.min(tiles[bounded].1.bound);
                bounded += 1;
            }
        }
    }

    /// Lets go of what lies at or above the bounds.
    fn let_go(&mut self, live: Sight) {
        let tiles = self.tiles.tiles_mut();
        tiles.iter_mut().for_each(|(_, share)| share.count = 0);
        self.items.retain(|held| {
            let at = tiles.partition_point(|(older, _)| live.age(*older) > live.age(held.tile));
            let Some((_, share)) = tiles.get_mut(at) else { return false };
            let holds = share.holds(held.item);
            share.count += u32::from(holds);
            holds
        });
    }

    /// Forgets what has expired: at once among the tiles, and once a window among the items, which bounds how old a
    /// tile they can hold. The items, where they have become at most `few`.
    pub(crate) fn trim(&mut self, live: Sight, few: usize) -> Option<Vec<Newest>> {
        self.tiles.trim(live);
        if live.age(self.swept) <= live.oldest() {
            return None;
        }
        self.sweep(live);
        let plain = self.items.len() <= few && self.tiles.tiles().iter().all(|(_, share)| share.bound == ALL);
        plain.then(|| self.items.iter().copied().collect())
    }

    fn sweep(&mut self, live: Sight) {
        self.items.retain(|held| live.keeps(held.tile));
        self.items.shrink_to(2 * self.items.len(), |held| spot(held.item));
        self.swept = live.clock();
    }
}

impl Sample {
    /// How many items and tiles there are.
    pub(crate) fn parts(&self) -> usize {
        self.items.len() + self.tiles.tiles().len()
    }

    /// Writes it: the tiles with their bounds, the newest first, and the items, each after the place of its tile.
    pub(crate) fn encode(&self, pen: &mut Pen<'_>) {
        pen.tile(self.swept);
        pen.number(self.room as u64);
        self.tiles.write(pen, |share, pen| pen.hash(share.bound));
        pen.number(self.items.len() as u64);
        let tiles = self.tiles.tiles();
        for held in &self.items {
            // Few tiles, and most items in the newest ones.
            let place = tiles.iter().rposition(|(tile, _)| *tile == held.tile);
            pen.number(place.map_or(0, |place| place as u64 + 1));
            if place.is_none() {
                pen.hash(held.tile.into());
            }
            pen.hash(held.item.0);
        }
    }

    /// Reads what was written. What the tiles hold is counted anew.
    pub(crate) fn decode(from: &mut Source<'_>) -> Result<Sample, Unreadable> {
        let (swept, room) = (from.tile()?, from.small()?);
        let tiles = Strip::read(from, 8, |from| Ok(Share { count: 0, bound: from.hash()? }))?;
        let count = from.count(9)?;
        let mut sample = Sample { items: HashTable::with_capacity(count), tiles, room, swept };
        for _ in 0..count {
            let tile = match from.small::<usize>()?.checked_sub(1) {
                None => from.hash()? as u32,
                Some(place) => {
                    let (tile, share) =
                        sample.tiles.tiles_mut().get_mut(place).ok_or(Unreadable::No("tile of an item"))?;
                    share.count += 1;
                    *tile
                }
            };
            sample.insert(Newest { item: Item(from.hash()?), tile });
        }
        Ok(sample)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXACT: usize = 20;

    fn hash(n: u64) -> Item {
        Item(n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn see(sample: &mut Sample, range: std::ops::Range<u64>, tile: i64, clock: i64) {
        let at = Moment::at(tile, clock);
        sample.tiles.trim(at.live);
        range.for_each(|n| sample.add(hash(n), at, EXACT));
    }

    fn sample() -> Sample {
        Sample::new(&[], Moment::at(0, 0).live, EXACT)
    }

    /// All that the head of the file says, against the items themselves.
    fn check(sample: &Sample) {
        let tiles = sample.tiles.tiles();
        assert!(tiles.windows(2).all(|pair| pair[0].1.bound <= pair[1].1.bound), "older bounds are smaller");
        let mut counted = 0;
        for (tile, share) in tiles {
            let held: Vec<_> = sample.items.iter().filter(|held| held.tile == *tile).collect();
            assert_eq!(held.len(), share.count as usize, "in tile {tile}");
            assert!(held.iter().all(|held| share.holds(held.item)));
            counted += held.len();
        }
        assert!(counted <= sample.items.len() && sample.items.len() <= sample.room);
    }

    #[test]
    fn bounds_fall_with_age_and_hold_what_every_window_needs() {
        let mut sample = sample();
        for tile in 0..200 {
            see(&mut sample, tile * 40..tile * 40 + 60, tile as i64, tile as i64);
            see(&mut sample, tile * 30..tile * 30 + 9, tile as i64 - 20, tile as i64);
            check(&sample);
            let clock = tile as i64;
            for from in clock - 60..=clock {
                let sight = Sight::new(clock, from, clock).unwrap();
                let (count, approximate) = sample.count(sight, None);
                let held: u64 = sample.tiles.kept(sight).iter().map(|(_, s)| u64::from(s.count)).sum();
                assert!(count >= held && (approximate || count == held));
                assert!(!approximate || held >= EXACT as u64, "{held} from {from}");
            }
        }
        assert!(sample.items.len() < 8 * EXACT, "{} items", sample.items.len());
    }

    #[test]
    fn after_a_flood_the_count_is_exact_again() {
        let mut sample = sample();
        let count = |sample: &Sample, clock| sample.count(Moment::at(clock, clock).live, None);
        see(&mut sample, 0..1000, 0, 0);
        assert!(count(&sample, 60).1);
        see(&mut sample, 2000..2015, 50, 50);
        see(&mut sample, 5..6, 50, 50);
        check(&sample);
        assert!(count(&sample, 60).1);
        assert_eq!(count(&sample, 61), (16, false), "whether it was held or not, an item seen again is one");
    }

    #[test]
    fn what_expired_gives_its_memory_back() {
        let mut sample = sample();
        see(&mut sample, 0..5000, 0, 0);
        let full = sample.heap();
        see(&mut sample, 9000..9005, 30, 30);
        let at = Moment::at(61, 61);
        let few = sample.trim(at.live, 8).unwrap();
        assert_eq!(few.len(), 5);
        assert!(sample.heap() < full);
    }
}
