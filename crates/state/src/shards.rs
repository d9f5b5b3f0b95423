// SPDX-License-Identifier: Apache-2.0
//! Entries in many small hash maps instead of one large: growing one of them, or showing it to a snapshot, takes a moment,
//! where all of them would make everybody wait.
//!
//! One map while entries are few; from [`limits::SHARDED_FROM`] of them on, [`limits::SHARDS`] maps, by the hash. It knows
//! without a look at them how many bytes they hold, and which of them changed since they were shown last. Left out is going
//! back to one map: who had so many entries has them again.

use crate::limits;
use hashbrown::HashTable;

/// One of the maps.
struct Shard<T> {
    entries: HashTable<T>,
    /// Whether an entry was set here since showing it began last.
    changed: bool,
    /// How often its entries may have moved to other places.
    moved: u32,
}

/// Entries by their hash.
pub(crate) struct Shards<T> {
    /// None until the first entry.
    shards: Vec<Shard<T>>,
    len: usize,
    /// What the maps have asked of the allocator.
    bytes: usize,
    /// Where [`Shards::pass`] goes on.
    hand: Place,
}

/// A place among all entries, to go on from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// In the second of two such sets, where there are two.
    pub(crate) second: bool,
    shard: usize,
    bucket: usize,
    moved: u32,
}

impl Place {
    /// The first of the second set.
    pub(crate) fn of_second() -> Place {
        Place { second: true, ..Place::default() }
    }
}

/// What was at the place passed.
pub(crate) enum Passed<T> {
    /// Nothing, or an entry that stays.
    Kept,
    /// An entry that was over, and is gone.
    Gone(T),
    /// All places were passed; the next is the first again.
    End,
}

impl<T> Shard<T> {
    fn new(changed: bool, moved: u32) -> Shard<T> {
        Shard { entries: HashTable::new(), changed, moved }
    }

    /// Whether one entry more may move the others.
    fn is_full(&self) -> bool {
        self.entries.len() == self.entries.capacity()
    }
}

impl<T> Shards<T> {
    /// The least that a map with entries takes, about.
    const LEAST: usize = 8 * size_of::<T>() + 32;

    pub(crate) fn new() -> Shards<T> {
        Shards { shards: Vec::new(), len: 0, bytes: 0, hand: Place::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes that the maps hold, without what entries point to.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.shards.len() * size_of::<Shard<T>>()
    }

    /// About how many bytes more that is once an entry of this hash is added.
    pub(crate) fn growth(&self, hash: u64) -> usize {
        if self.is_to_split() {
            return (limits::SHARDS * (size_of::<Shard<T>>() + Self::LEAST)).saturating_sub(self.bytes);
        }
        match self.shards.get(self.shard(hash)) {
            None => size_of::<Shard<T>>() + Self::LEAST,
            Some(shard) if shard.is_full() => shard.entries.allocation_size().max(Self::LEAST),
            Some(_) => 0,
        }
    }

    /// Which map holds the entries of a hash: by bits that the map itself uses neither for the place nor for the tag.
    fn shard(&self, hash: u64) -> usize {
        if self.shards.len() > 1 { (hash >> 40) as usize % limits::SHARDS } else { 0 }
    }

    fn is_to_split(&self) -> bool {
        self.shards.len() == 1 && self.len >= limits::SHARDED_FROM
    }

    pub(crate) fn find(&self, hash: u64, is: impl FnMut(&T) -> bool) -> Option<&T> {
        self.shards.get(self.shard(hash))?.entries.find(hash, is)
    }

    /// An entry, to be set.
    pub(crate) fn find_mut(&mut self, hash: u64, is: impl FnMut(&T) -> bool) -> Option<&mut T> {
        let n = self.shard(hash);
        let shard = self.shards.get_mut(n)?;
        let found = shard.entries.find_mut(hash, is);
        shard.changed |= found.is_some();
        found
    }

    /// Adds an entry that is not there.
    pub(crate) fn insert(&mut self, hash: u64, entry: T, rehash: impl Fn(&T) -> u64) {
        if self.shards.is_empty() {
            self.shards.push(Shard::new(true, 0));
        }
        if self.is_to_split() {
            self.split(&rehash);
        }
        self.put(hash, entry, &rehash);
        self.len += 1;
    }

    fn put(&mut self, hash: u64, entry: T, rehash: &impl Fn(&T) -> u64) {
        let n = self.shard(hash);
        let shard = &mut self.shards[n];
        shard.changed = true;
        shard.moved = shard.moved.wrapping_add(u32::from(shard.is_full()));
        let before = shard.entries.allocation_size();
        shard.entries.insert_unique(hash, entry, rehash);
        self.bytes = self.bytes - before + shard.entries.allocation_size();
    }

    fn split(&mut self, rehash: &impl Fn(&T) -> u64) {
        let Some(one) = self.shards.pop() else { return };
        // Showing the one may have begun: they all count as changed.
        self.shards.resize_with(limits::SHARDS, || Shard::new(true, one.moved.wrapping_add(1)));
        (self.bytes, self.hand) = (0, Place::default());
        for entry in one.entries {
            self.put(rehash(&entry), entry, rehash);
        }
    }

    pub(crate) fn remove(&mut self, hash: u64, is: impl FnMut(&T) -> bool) -> Option<T> {
        let n = self.shard(hash);
        let (entry, _) = self.shards.get_mut(n)?.entries.find_entry(hash, is).ok()?.remove();
        self.len -= 1;
        Some(entry)
    }

    /// Passes the next place. At the end of a map that has become much too large for its entries, memory is given back.
    pub(crate) fn pass(&mut self, is_over: impl Fn(&T) -> bool, rehash: impl Fn(&T) -> u64) -> Passed<T> {
        let hand = &mut self.hand;
        let Some(shard) = self.shards.get_mut(hand.shard) else {
            *hand = Place::default();
            return Passed::End;
        };
        if hand.bucket >= shard.entries.num_buckets() {
            *hand = Place { shard: hand.shard + 1, ..Place::default() };
            if shard.entries.capacity() > 8 * shard.entries.len() {
                let before = shard.entries.allocation_size();
                shard.moved = shard.moved.wrapping_add(1);
                shard.entries.shrink_to(2 * shard.entries.len(), rehash);
                self.bytes = self.bytes - before + shard.entries.allocation_size();
            }
            return Passed::Kept;
        }
        let entry = shard.entries.get_bucket_entry(hand.bucket).ok().filter(|entry| is_over(entry.get()));
        hand.bucket += 1;
        match entry {
            Some(entry) => {
                self.len -= 1;
                Passed::Gone(entry.remove().0)
            }
            None => Passed::Kept,
        }
    }

    /// Keeps the entries that `keep` wants, looking at all.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        for shard in &mut self.shards {
            let before = shard.entries.len();
            shard.entries.retain(|entry| keep(entry));
            self.len -= before - shard.entries.len();
        }
    }

    /// Shows entries from a place on: of all maps, or of those in which one was set since they were shown last. Looks at
    /// no more than [`limits::SHOWN_PLACES`]; whether there are more. What is set meanwhile may be shown as it was, or
    /// twice; nothing else is left out.
    pub(crate) fn show(&mut self, place: &mut Place, all: bool, mut each: impl FnMut(&T)) -> bool {
        let mut left = limits::SHOWN_PLACES;
        while let Some(shard) = self.shards.get_mut(place.shard) {
            if place.bucket == 0 && !all && !shard.changed {
                place.shard += 1;
                continue;
            }
            if place.bucket == 0 || place.moved != shard.moved {
                // It begins; or its entries have moved, and come again.
                (place.bucket, place.moved) = (0, shard.moved);
                shard.changed = false;
            }
            let places = shard.entries.num_buckets();
            let to = places.min(place.bucket + left);
            (place.bucket..to).filter_map(|n| shard.entries.get_bucket(n)).for_each(&mut each);
            left -= to - place.bucket;
            if to < places {
                place.bucket = to;
                return true;
            }
            (place.shard, place.bucket) = (place.shard + 1, 0);
            if left == 0 {
                return true;
            }
        }
        false
    }

    /// All entries, in no order.
    pub(crate) fn into_entries(self) -> impl Iterator<Item = T> {
        self.shards.into_iter().flat_map(|shard| shard.entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn spread(n: &u64) -> u64 {
        n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ n
    }

    fn of(numbers: impl Iterator<Item = u64>) -> Shards<u64> {
        let mut shards = Shards::new();
        numbers.for_each(|n| shards.insert(spread(&n), n, spread));
        shards
    }

    #[test]
    fn many_are_held_as_few_are() {
        for most in [0, 1, 100, limits::SHARDED_FROM as u64, 50_000] {
            let mut shards = of(0..most);
            let maps = if most > limits::SHARDED_FROM as u64 { limits::SHARDS } else { most.min(1) as usize };
            assert_eq!((shards.len(), shards.shards.len()), (most as usize, maps));
            let held = shards.shards.iter().map(|s| s.entries.allocation_size()).sum::<usize>();
            assert_eq!(shards.bytes, held, "{most}");
            for n in 0..most + 10 {
                assert_eq!(shards.find(spread(&n), |m| *m == n), Some(&n).filter(|n| **n < most));
            }
            shards.retain(|n| n % 2 == 0);
            assert_eq!(shards.remove(spread(&0), |n| *n == 0), (most > 0).then_some(0));
            let gone = |passed| match passed {
                Passed::Gone(n) => Some(Some(n)),
                Passed::Kept => Some(None),
                Passed::End => None,
            };
            let over: Vec<u64> =
                std::iter::from_fn(|| gone(shards.pass(|n| n % 4 == 2, spread))).flatten().collect();
            assert_eq!(over.len(), (most as usize + 1) / 4, "{most}");
            assert!(over.iter().all(|n| n % 4 == 2));
            while gone(shards.pass(|_| true, spread)).is_some() {}
            assert_eq!((shards.len(), shards.bytes), (0, 0), "memory is given back");
        }
    }

    #[test]
    fn growth_is_about_what_it_grows_by() {
        let mut shards = Shards::new();
        for n in 0..100_000u64 {
            let (before, growth) = (shards.bytes(), shards.growth(spread(&n)));
            shards.insert(spread(&n), n, spread);
            let grown = shards.bytes() - before;
            assert!(grown <= growth + 64, "{n}: by {grown} bytes, where {growth} were expected");
        }
    }

    /// Entries come and go between two pieces; maps grow, shrink and are split meanwhile.
    #[test]
    fn what_stays_is_shown_whatever_moves() {
        for (first, more) in [(0, 0), (3_000, 0), (3_000, 3_000), (20_000, 90_000)] {
            let mut shards = of(0..first);
            let (mut place, mut shown, mut next) = (Place::default(), BTreeSet::new(), first);
            while shards.show(&mut place, true, |n| shown.extend([*n])) {
                let to = (next + 700).min(first + more);
                (next..to).for_each(|n| shards.insert(spread(&n), n, spread));
                next = to;
            }
            assert!((0..first).all(|n| shown.contains(&n)), "{first} and {more}");
            // Whatever was not shown is what came meanwhile, and comes next.
            let mut place = Place::default();
            while shards.show(&mut place, false, |n| shown.extend([*n])) {}
            assert_eq!(shown.len() as u64, next);
            let mut none = 0;
            shards.show(&mut Place::default(), false, |_| none += 1);
            assert_eq!(none, 0, "nothing has changed since");
        }
    }

    #[test]
    fn only_what_changed_is_shown_again() {
        let mut shards = of(0..50_000);
        let mut place = Place::default();
        while shards.show(&mut place, true, |_| {}) {}
        *shards.find_mut(spread(&7), |n| *n == 7).unwrap() = 7;
        let mut shown = Vec::new();
        assert!(!shards.show(&mut Place::default(), false, |n| shown.push(*n)));
        assert!(shown.contains(&7) && shown.len() < 200, "{}", shown.len());
    }
}
