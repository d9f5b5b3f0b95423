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

const EVENT: u64 = u64::MAX;

fn fill(keys: &mut Generations<Bag>, range: std::ops::Range<u64>) {
    for n in range {
        keys.update(key(n), EVENT, |bag| bag.0.reserve_exact(10));
    }
}

fn has(keys: &Generations<Bag>, n: u64) -> bool {
    keys.get(key(n)).is_some()
}

/// Sums are what the shards say, the directory leads to the right shard, and no shard is too large.
fn check(keys: &Generations<Bag>) {
    let settled = keys.shards.iter().filter(|shard| !shard.is_stale(keys.turn));
    assert_eq!(keys.young(), settled.map(Shard::young_keys).sum::<usize>());
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
    fill(&mut keys, 0..40);
    check(&keys);
    assert!(keys.shards.len() > 4, "they do not fit into the shards of the beginning");
    keys.expire(4, 5, 10);
    assert!((0..40).all(|n| has(&keys, n)), "the first turn makes them old");
    fill(&mut keys, 0..1);
    keys.expire(5, 10, 11);
    assert!((0..40).all(|n| has(&keys, n)), "tile 5 is still seen");
    keys.expire(6, 11, 12);
    assert!((0..40).all(|n| has(&keys, n) == (n == 0)), "what went is not found, there or not");
    assert!(keys.len() > 1);
    (0..100).for_each(|_| keys.tidy());
    assert_eq!(keys.len(), 1, "and is there no more once all was swept");
    keys.expire(100, 12, 160);
    (0..100).for_each(|_| keys.tidy());
    assert_eq!((keys.len(), has(&keys, 0)), (0, false), "a leap takes both generations");
    check(&keys);
}

/// Sweeping at any time changes neither a reading nor which keys a touch finds, and how keys are cut into shards neither.
#[test]
fn sweeping_does_not_show() {
    let mut rare = Generations::<Bag>::new();
    let mut often = Generations::<Bag>::new();
    let mut seen = HashMap::new();
    (0..5).for_each(|_| (0..often.shards.len()).for_each(|place| often.split(place)));
    let mut before = 0;
    for step in 0..4000u64 {
        // Some keys come often, some seldom, and the clock leaps at times.
        let n = if step % 7 == 0 { step % 300 } else { step % 13 };
        let clock = (step / 10 + step / 1000 * 130) as i64;
        let mut found = [false; 2];
        for (keys, found) in [&mut rare, &mut often].into_iter().zip(&mut found) {
            keys.expire(clock - 60, before, clock);
            keys.update(key(n), EVENT, |bag| {
                *found = !bag.0.is_empty();
                bag.0.push(step as u8);
            });
            if step % 997 == 0 {
                keys.forget(clock, EVENT);
            }
        }
        before = clock;
        assert_eq!(found[0], found[1], "key {n} at {step}");
        (0..50).for_each(|_| often.tidy());
        rare.swept = 0;
        seen.insert(n, clock);
        for (n, last) in &seen {
            assert_eq!(has(&rare, *n), has(&often, *n));
            assert!(*last < clock - 60 || step >= 997 || has(&rare, *n), "{n} was seen at {last}");
        }
    }
    assert_eq!(rare.forgotten(), often.forgotten());
    assert!(rare.forgotten() > 0, "some were forgotten");
    assert!(rare.shards.len() < often.shards.len(), "{} {}", rare.shards.len(), often.shards.len());
    check(&rare);
    check(&often);
}

#[test]
fn what_is_forgotten_is_the_half_touched_longest_ago() {
    let mut keys = Generations::<Bag>::new();
    fill(&mut keys, 0..1000);
    keys.forget(0, EVENT);
    assert_eq!((keys.len(), keys.forgotten()), (1000, 0), "the first turn makes them old");
    fill(&mut keys, 500..1500);
    let held = keys.bytes();
    keys.forget(0, EVENT);
    check(&keys);
    assert_eq!((keys.len(), keys.forgotten()), (1000, 500));
    assert!((0..1500).all(|n| has(&keys, n) == (n >= 500)));
    assert!(keys.bytes() < held && keys.freeing() > 5000);
    (0..2000).for_each(|_| keys.tidy());
    assert_eq!((keys.len(), keys.freeing()), (1000, 0));
    keys.forget(0, EVENT);
    assert_eq!(
        (keys.len(), keys.forgotten()),
        (0, 1500),
        "forgetting with nothing touched between forgets all"
    );
    keys.forget(0, EVENT);
    fill(&mut keys, 0..1);
    assert_eq!((keys.len(), keys.forgotten()), (1, 1500));
    check(&keys);
}

#[test]
fn expired_keys_are_not_forgotten() {
    let mut keys = Generations::<Bag>::new();
    fill(&mut keys, 0..50);
    keys.expire(100, 5, 200);
    keys.forget(200, EVENT);
    assert_eq!(keys.forgotten(), 0);
    check(&keys);
}

#[test]
fn a_record_that_was_counted_is_not_counted_again() {
    let mut keys = Generations::<Bag>::new();
    keys.update(key(1), 0, |bag| bag.0.push(1));
    assert_eq!(keys.len(), 0, "no shard has counted less than record 0");
}

#[test]
fn every_byte_is_accounted_for_and_freed() {
    let mut keys = Generations::<Bag>::new();
    let empty = keys.bytes();
    fill(&mut keys, 0..5000);
    let slot = size_of::<shard::Slot<Bag>>();
    let filled = keys.bytes();
    assert!(filled - empty > 5000 * (10 + slot), "{filled}");
    check(&keys);
    let shards = keys.bytes() - keys.held.bytes;
    keys.expire(50, 0, 100);
    (0..keys.shards.len()).for_each(|_| keys.tidy());
    assert!(keys.freeing() > 50_000, "nothing is freed at once");
    assert_eq!((keys.len(), keys.bytes()), (0, shards));
    (0..10_000).for_each(|_| keys.tidy());
    assert_eq!((keys.freeing(), keys.bytes()), (0, shards));
}

#[test]
fn keys_that_differ_in_nothing_but_the_marks_are_two() {
    let mut keys = Generations::<Bag>::new();
    for n in 0..4u64 {
        keys.update(Key(n << 55), EVENT, |bag| bag.0.push(n as u8));
    }
    for n in 0..4u64 {
        assert_eq!(keys.get(Key(n << 55)).map(|bag| bag.0.as_slice()), Some(&[n as u8][..]));
    }
    assert_eq!(keys.len(), 4);
}

/// Hashes that begin alike, which no stranger can aim at, make a shard larger and nothing worse.
#[test]
fn keys_that_begin_alike_share_a_shard() {
    let mut keys = Generations::<Bag>::new();
    for n in 0..1000 {
        keys.update(Key(n), EVENT, |_| ());
    }
    assert!((0..1000).all(|n| keys.get(Key(n)).is_some()));
    assert!(keys.shards.len() < 20 && keys.directory.len() == 1 << 16);
}

#[test]
fn a_slot_is_its_key_and_its_cell_and_a_shard_two_lines_of_the_cache() {
    assert_eq!(size_of::<shard::Slot<[u64; 2]>>(), 24);
    assert_eq!((size_of::<Shard<Bag>>(), align_of::<Shard<Bag>>()), (128, 64));
}

#[test]
fn a_piece_looks_at_few_shards_also_where_none_has_changed() {
    let mut keys = Generations::new();
    fill(&mut keys, 0..500);
    let pass = |keys: &mut Generations<Bag>, delta| {
        let (mut out, mut from, mut pieces) = (Vec::new(), 0, 1);
        while let Some(next) = keys.write(from, delta, 0, &mut Pen::new(&mut out)) {
            (from, pieces) = (next, pieces + 1);
        }
        pieces
    };
    pass(&mut keys, false);
    let (shards, pieces) = (keys.shards.len(), pass(&mut keys, true));
    assert!(shards > 50 && pieces >= shards * SHARD_WORK / PIECE_WORK, "{shards} shards in {pieces} pieces");
}
