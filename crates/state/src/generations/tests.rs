// SPDX-License-Identifier: Apache-2.0
//! Shards and generations with a cell that holds what it is told to.

use super::*;
use crate::bytes::{Pen, Source, Unreadable};
use std::collections::HashMap;

/// Holds as many bytes as it says.
#[derive(Default)]
struct Bag(Vec<u8>);

impl Cell for Bag {
    fn heap(&self) -> usize {
        self.0.capacity()
    }
}

impl Stored for Bag {
    fn parts(&self) -> usize {
        self.0.len()
    }

    fn encode(&self, pen: &mut Pen<'_>) {
        pen.number(self.0.len() as u64);
        pen.bytes(&self.0);
    }

    fn decode(from: &mut Source<'_>) -> Result<Bag, Unreadable> {
        let len = from.count(1)?;
        from.bytes(len).map(|bytes| Bag(bytes.to_vec()))
    }
}

/// A key that differs in the bits that choose shard and bucket.
fn key(n: u64) -> Key {
    Key(n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn at(tile: i64, floor: i64) -> Clock {
    Clock { tile, floor, event: u64::MAX }
}

fn fill(keys: &mut Generations<Bag>, range: std::ops::Range<u64>, at: Clock) {
    for n in range {
        keys.update(key(n), at, |bag| bag.0.reserve_exact(10));
    }
}

fn has(keys: &Generations<Bag>, n: u64, floor: i64) -> bool {
    keys.get(key(n), floor).is_some()
}

/// Sums are what the shards say, the directory leads to the right shard, and no shard is too large.
fn check(keys: &Generations<Bag>) {
    let mut sum = Held::default();
    for (place, shard) in keys.shards.iter().enumerate() {
        sum.replace(Held::default(), shard.held());
        assert!(!shard.is_full());
        let width = keys.depth - shard.depth();
        let own = (shard.prefix() as usize) << width..(shard.prefix() as usize + 1) << width;
        assert!(own.clone().all(|index| keys.at(index) == place), "{own:?}");
    }
    assert_eq!((sum.keys, sum.bytes, sum.going), (keys.held.keys, keys.held.bytes, keys.held.going));
}

#[test]
fn untouched_keys_go_with_their_generation() {
    let mut keys = Generations::<Bag>::new();
    fill(&mut keys, 0..40, at(5, -55));
    check(&keys);
    assert!(keys.shards.len() > 4, "they do not fit into the shards of the beginning");
    fill(&mut keys, 0..1, at(65, 5));
    assert_eq!(keys.len(), 40, "tile 5 is still seen");
    fill(&mut keys, 0..1, at(66, 6));
    let seen = (0..40).filter(|n| has(&keys, *n, 6)).count();
    assert!(
        has(&keys, 0, 6) && seen <= 10,
        "where nobody came by, what is expired is not seen, there or not"
    );
    (0..100).for_each(|_| keys.tidy(6));
    assert_eq!(keys.len(), seen, "and is gone once all was swept");
    fill(&mut keys, 0..1, at(126, 66));
    assert_eq!(keys.len(), 1, "the second turn takes what the first made old");
    (0..100).for_each(|_| keys.tidy(127));
    assert_eq!(keys.len(), 0);
    check(&keys);
}

/// Sweeping at any time changes neither a reading nor which keys a touch finds.
#[test]
fn sweeping_does_not_show() {
    let mut rare = Generations::<Bag>::new();
    let mut often = Generations::<Bag>::new();
    let mut seen = HashMap::new();
    for step in 0..4000u64 {
        // Some keys come often, some seldom, and the clock leaps at times.
        let n = if step % 7 == 0 { step % 301 } else { step % 13 };
        let tile = (step / 10 + step / 1000 * 130) as i64;
        let clock = at(tile, tile - 60);
        let mut found = [false; 2];
        for (keys, found) in [&mut rare, &mut often].into_iter().zip(&mut found) {
            keys.update(key(n), clock, |bag| {
                *found = !bag.0.is_empty();
                bag.0.push(step as u8);
            });
        }
        assert_eq!(found[0], found[1], "key {n} at {step}");
        (0..50).for_each(|_| often.tidy(clock.floor));
        rare.swept = 0;
        seen.insert(n, tile);
        for (n, last) in &seen {
            assert_eq!(has(&rare, *n, clock.floor), has(&often, *n, clock.floor));
            assert!(*last < clock.floor || has(&rare, *n, clock.floor), "{n} was seen at {last}");
        }
    }
    assert_eq!(rare.shards.len(), often.shards.len());
    check(&rare);
    check(&often);
}

#[test]
fn what_is_forgotten_is_the_half_touched_longest_ago() {
    let mut keys = Generations::<Bag>::new();
    fill(&mut keys, 0..1000, at(0, -60));
    keys.forget(at(0, -60));
    assert_eq!((keys.len(), keys.forgotten()), (1000, 0), "the first turn makes them old");
    fill(&mut keys, 500..1500, at(0, -60));
    let held = keys.bytes();
    keys.forget(at(0, -60));
    check(&keys);
    assert_eq!((keys.len(), keys.forgotten()), (1000, 500));
    assert!((0..1500).all(|n| has(&keys, n, -60) == (n >= 500)));
    assert!(keys.bytes() < held && keys.freeing() > 5000);
    (0..2000).for_each(|_| keys.tidy(-60));
    assert_eq!((keys.len(), keys.freeing()), (1000, 0));
    keys.forget(at(0, -60));
    assert_eq!(
        (keys.len(), keys.forgotten()),
        (0, 1500),
        "forgetting with nothing touched between forgets all"
    );
    keys.forget(at(0, -60));
    fill(&mut keys, 0..1, at(0, -60));
    assert_eq!(keys.len(), 1);
    check(&keys);
}

#[test]
fn a_record_that_was_counted_is_not_counted_again() {
    let mut keys = Generations::<Bag>::new();
    let before = Clock { tile: 0, floor: -60, event: 0 };
    keys.update(key(1), before, |bag| bag.0.push(1));
    keys.forget(before);
    assert_eq!((keys.len(), keys.forgotten()), (0, 0), "no shard has counted nothing less than record 0");
}

#[test]
fn every_byte_is_accounted_for_and_freed() {
    let mut keys = Generations::<Bag>::new();
    let empty = keys.bytes();
    fill(&mut keys, 0..5000, at(0, -60));
    let slot = size_of::<shard::Slot<Bag>>();
    let filled = keys.bytes();
    assert!(filled - empty > 5000 * (10 + slot), "{filled}");
    check(&keys);
    let shards = keys.bytes() - keys.held.bytes;
    (0..keys.shards.len()).for_each(|_| keys.tidy(50));
    assert!(keys.freeing() > 50_000, "nothing is freed at once");
    assert_eq!((keys.len(), keys.bytes()), (0, shards));
    (0..10_000).for_each(|_| keys.tidy(50));
    assert_eq!((keys.freeing(), keys.bytes()), (0, shards));
}

#[test]
fn keys_that_differ_in_nothing_but_the_marks_are_two() {
    let mut keys = Generations::<Bag>::new();
    for n in 0..4u64 {
        keys.update(Key(n << 55), at(0, -60), |bag| bag.0.push(n as u8));
    }
    for n in 0..4u64 {
        assert_eq!(keys.get(Key(n << 55), -60).map(|bag| bag.0.as_slice()), Some(&[n as u8][..]));
    }
    assert_eq!(keys.len(), 4);
}

/// Hashes that begin alike, which no stranger can aim at, make a shard larger and nothing worse.
#[test]
fn keys_that_begin_alike_share_a_shard() {
    let mut keys = Generations::<Bag>::new();
    for n in 0..1000 {
        keys.update(Key(n), at(0, -60), |_| ());
    }
    assert!((0..1000).all(|n| keys.get(Key(n), -60).is_some()));
    assert!(keys.shards.len() < 20 && keys.directory.len() == 1 << 16);
}

#[test]
fn a_slot_is_its_key_and_its_cell_and_a_shard_two_lines_of_the_cache() {
    assert_eq!(size_of::<shard::Slot<[u64; 2]>>(), 24);
    assert_eq!((size_of::<Shard<Bag>>(), align_of::<Shard<Bag>>()), (128, 64));
}
