// SPDX-License-Identifier: Apache-2.0
//! Keys that expire without ever being scanned for.
//!
//! Two generations: whatever is touched lives in the young one (and moves there if it was in the old). Once the
//! clock has passed everything in the old one by a window, the old one goes as a whole and the young one becomes
//! old. So a key that nobody touches is gone after at most two windows and a tile of event time, at a constant
//! cost a sighting. Only times that were added decide this, so a replay does the same at the same event.
//!
//! The cap works the same way: when the young generation holds half of it, the generations turn early and the
//! half of the keys that was touched longest ago is forgotten. The half touched last is always kept.
//!
//! Nothing here stalls for a whole table. A generation is cut into [`SHARDS`] hash maps that grow one at a time,
//! and one that goes is freed in steps of [`FREE_STEP`] keys a sighting.

use crate::Key;
use hashbrown::HashTable;
use hashbrown::hash_table::IntoIter;

/// Hash maps of a generation. Growing one of them moves a 64th of the keys: 16 k where there are a million.
const SHARDS: usize = 64;
/// Keys freed with each sighting, until a generation that went is gone.
const FREE_STEP: usize = 32;

/// What is kept under a key. The default is a key that was never seen.
pub(crate) trait Cell: Default {
    /// Bytes held outside the cell itself, without the allocator's own; at a constant cost.
    fn heap(&self) -> usize;
}

struct Slot<C> {
    key: Key,
    cell: C,
}

/// One generation.
struct Generation<C> {
    shards: Box<[HashTable<Slot<C>>]>,
    len: usize,
    heap: usize,
}

pub(crate) struct Generations<C> {
    young: Generation<C>,
    old: Generation<C>,
    /// No key in `old` has a sighting in a later tile than this.
    old_to: i64,
    freeing: Freeing<C>,
    /// Keys at which the young generation is full: half of the cap.
    half: usize,
    evicted: u64,
}

impl<C: Cell> Generations<C> {
    pub(crate) fn new(most_keys: usize) -> Generations<C> {
        Generations {
            young: Generation::new(),
            old: Generation::new(),
            old_to: i64::MIN,
            freeing: Freeing { tables: Vec::new(), current: None, bytes: 0 },
            half: (most_keys / 2).max(1),
            evicted: 0,
        }
    }

    pub(crate) fn get(&self, key: Key) -> Option<&C> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// Touches a key. `clock` is the clock's tile.
    pub(crate) fn update(&mut self, key: Key, clock: i64, change: impl FnOnce(&mut C)) {
        self.freeing.step();
        if let Some(cell) = self.young.get_mut(key) {
            let before = cell.heap();
            change(cell);
            let after = cell.heap();
            self.young.heap = self.young.heap - before + after;
            return;
        }
        let mut cell = self.old.take(key).unwrap_or_default();
        if self.young.len >= self.half {
            self.evicted += self.old.len as u64;
            self.turn(clock);
        }
        change(&mut cell);
        self.young.insert(key, cell);
    }

    /// Lets go what lies before tile `from` as a whole, where `before` was the clock's tile and `clock` is.
    pub(crate) fn expire(&mut self, from: i64, before: i64, clock: i64) {
        if from <= self.old_to {
            return;
        }
        self.turn(before);
        if from > before {
            self.turn(clock);
        }
    }

    /// The old generation goes, the young becomes old; `to` is the latest tile it can hold.
    fn turn(&mut self, to: i64) {
        let young = std::mem::replace(&mut self.young, Generation::new());
        let old = std::mem::replace(&mut self.old, young);
        self.freeing.take(old);
        self.old_to = to;
    }

    /// Keys held, the expired among them.
    pub(crate) fn len(&self) -> usize {
        self.young.len + self.old.len
    }

    pub(crate) fn bytes(&self) -> usize {
        self.young.bytes() + self.old.bytes() + self.freeing.bytes
    }

    /// Keys forgotten because of the cap.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }
}

/// The shard of a key: bits that `hashbrown` uses neither for the bucket (the low ones) nor for the tag (the top
/// seven), so that a shard is as well spread as the whole.
fn shard(key: Key) -> usize {
    (key.0 >> 48) as usize % SHARDS
}

impl<C: Cell> Generation<C> {
    fn new() -> Generation<C> {
        Generation { shards: std::iter::repeat_with(HashTable::new).take(SHARDS).collect(), len: 0, heap: 0 }
    }

    fn get(&self, key: Key) -> Option<&C> {
        self.shards[shard(key)].find(key.0, |slot| slot.key == key).map(|slot| &slot.cell)
    }

    fn get_mut(&mut self, key: Key) -> Option<&mut C> {
        self.shards[shard(key)].find_mut(key.0, |slot| slot.key == key).map(|slot| &mut slot.cell)
    }

    fn insert(&mut self, key: Key, cell: C) {
        self.len += 1;
        self.heap += cell.heap();
        self.shards[shard(key)].insert_unique(key.0, Slot { key, cell }, |slot| slot.key.0);
    }

    /// Removes a key; a shard that it leaves empty gives its memory back.
    fn take(&mut self, key: Key) -> Option<C> {
        let shard = &mut self.shards[shard(key)];
        let (slot, _) = shard.find_entry(key.0, |slot| slot.key == key).ok()?.remove();
        if shard.is_empty() {
            *shard = HashTable::new();
        }
        self.len -= 1;
        self.heap -= slot.cell.heap();
        Some(slot.cell)
    }

    fn bytes(&self) -> usize {
        let tables: usize = self.shards.iter().map(HashTable::allocation_size).sum();
        SHARDS * size_of::<HashTable<Slot<C>>>() + tables + self.heap
    }
}

/// What has gone and is not yet freed.
struct Freeing<C> {
    tables: Vec<HashTable<Slot<C>>>,
    current: Option<(IntoIter<Slot<C>>, usize)>,
    bytes: usize,
}

impl<C: Cell> Freeing<C> {
    fn take(&mut self, generation: Generation<C>) {
        let used = generation.shards.into_iter().filter(|table| table.capacity() > 0);
        self.bytes += generation.heap;
        for table in used {
            self.bytes += table.allocation_size();
            self.tables.push(table);
        }
    }

    /// Frees some keys, or the emptied map they were in.
    fn step(&mut self) {
        let Some((slots, size)) = &mut self.current else {
            self.current = self.tables.pop().map(|table| {
                let size = table.allocation_size();
                (table.into_iter(), size)
            });
            return;
        };
        for _ in 0..FREE_STEP {
            let Some(slot) = slots.next() else {
                self.bytes -= *size;
                self.current = None;
                return;
            };
            self.bytes -= slot.cell.heap();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Holds as many bytes as it says.
    #[derive(Default)]
    struct Bag(Vec<u8>);

    impl Cell for Bag {
        fn heap(&self) -> usize {
            self.0.capacity()
        }
    }

    /// A key that differs in the bits that choose shard and bucket.
    fn key(n: u64) -> Key {
        Key(n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn fill(keys: &mut Generations<Bag>, range: std::ops::Range<u64>, clock: i64) {
        for n in range {
            keys.update(key(n), clock, |bag| bag.0.reserve_exact(10));
        }
    }

    #[test]
    fn untouched_keys_go_with_their_generation() {
        let mut keys = Generations::<Bag>::new(1000);
        fill(&mut keys, 0..10, 5);
        keys.expire(4, 5, 10);
        assert_eq!((keys.len(), keys.old.len), (10, 10), "the first turn makes them old");
        fill(&mut keys, 0..1, 10);
        keys.expire(5, 10, 11);
        assert_eq!(keys.len(), 10, "tile 5 is still seen");
        keys.expire(6, 11, 12);
        assert_eq!(keys.len(), 1, "all but the touched one are gone");
        assert!(keys.get(key(0)).is_some() && keys.get(key(1)).is_none());
        keys.expire(100, 12, 160);
        assert_eq!(keys.len(), 0, "a leap takes both generations");
    }

    #[test]
    fn the_cap_forgets_the_half_touched_longest_ago() {
        let mut keys = Generations::<Bag>::new(100);
        for n in 0..1000 {
            keys.update(key(n), 0, |_| ());
            assert!(keys.len() <= 100);
            for kept in n.saturating_sub(49)..=n {
                assert!(keys.get(key(kept)).is_some(), "{kept} was touched among the last 50, at {n}");
            }
        }
        assert_eq!(keys.evicted() as usize, 1000 - keys.len());
        assert!(keys.evicted() >= 900);
    }

    #[test]
    fn every_byte_is_accounted_for_and_freed() {
        let mut keys = Generations::<Bag>::new(1_000_000);
        let empty = keys.bytes();
        fill(&mut keys, 0..5000, 0);
        let slot = size_of::<Slot<Bag>>();
        assert!(keys.bytes() - empty > 5000 * (10 + slot) && keys.bytes() - empty < 5000 * (10 + 3 * slot));
        assert_eq!(keys.young.heap, 50_000);
        keys.expire(50, 0, 100);
        assert!(keys.freeing.bytes > 50_000, "nothing is freed at once");
        let filled = keys.bytes();
        fill(&mut keys, 7..8, 100);
        fill(&mut keys, 7..8, 100);
        assert!(keys.bytes() < filled && keys.freeing.bytes > 0);
        for _ in 0..5000 / FREE_STEP + 4 * SHARDS {
            fill(&mut keys, 7..8, 100);
        }
        assert_eq!(keys.freeing.bytes, 0);
        assert_eq!(keys.young.heap, 10);
        assert!(keys.bytes() < empty + 10 + 8 * slot);
    }

    #[test]
    fn moving_a_key_moves_its_bytes() {
        let mut keys = Generations::<Bag>::new(1000);
        fill(&mut keys, 0..100, 0);
        keys.expire(0, 0, 1);
        assert_eq!((keys.young.heap, keys.old.heap), (0, 1000));
        fill(&mut keys, 0..100, 1);
        assert_eq!((keys.young.heap, keys.old.heap), (1000, 0));
        assert!(keys.old.shards.iter().all(|shard| shard.allocation_size() == 0), "emptied shards are freed");
    }
}
