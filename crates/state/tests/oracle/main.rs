// SPDX-License-Identifier: Apache-2.0
//! Counters against brute force: the rule of `window` told once more, over everything that ever happened and sharing
//! no code with what it checks.
#![allow(clippy::unwrap_used, reason = "tests")]

mod flow;
mod rule;
mod shared;

use flow::{Happened, case};
use proptest::prelude::*;
use rule::Oracle;
use wardroom_event::{Micros, Value};
use wardroom_state::{Item, Key, Keyer, Kind, Limits, Reading, Secret, Sighting, Spec, TableId, Tables};

fn keyer() -> Keyer {
    Keyer::new(Secret(*b"an oracle's key."))
}

fn key(n: u64) -> Key {
    keyer().key([&Value::Int(n as i64)]).unwrap()
}

fn item(n: u64) -> Item {
    keyer().item([&Value::Int(n as i64)]).unwrap()
}

fn tables(spec: Spec, limits: Limits) -> (Tables, TableId) {
    let mut tables = Tables::new(limits);
    let id = tables.add_table(spec);
    (tables, id)
}

/// What a table of that kind is told.
fn sighting(kind: Kind, s: &Happened) -> Sighting<'_> {
    match kind {
        Kind::Count | Kind::FirstSeen | Kind::Baseline { .. } => Sighting::Plain,
        Kind::Distinct => Sighting::Item(item(s.item)),
        Kind::Sum | Kind::Extreme { .. } | Kind::Quantile { .. } => Sighting::Amount(s.amount),
        Kind::Last => Sighting::Held(&s.value),
        Kind::Ratio => Sighting::Mark(s.mark),
        Kind::Speed => Sighting::Place { lat: s.lat, lon: s.lon },
        Kind::Sequence { .. } => Sighting::Steps { first: s.mark, then: s.then },
    }
}

/// Whether two readings are the same. An estimate may differ where room was made in between.
fn same(a: &Reading, b: &Reading) -> bool {
    match (a, b) {
        (Reading::Distinct { count: a, approximate: x }, Reading::Distinct { count: b, approximate: y })
            if *x || *y =>
        {
            a.abs_diff(*b) * 2 <= *a.max(b)
        }
        _ => a == b,
    }
}

/// Forgets until the cap is kept.
fn forget(tables: &mut Tables, id: TableId) {
    while tables.stats(id).over_cap {
        tables.forget(id);
    }
}

const SMALL: Limits = Limits { keys_per_table: 1 << 20, distinct_exact: 20 };

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every reading along the way is the rule's, of the key in hand and of another, now and at other times; and a
    /// reading with the event in hand is what is read once it is added.
    #[test]
    fn counters_follow_the_rule((spec, happened) in case(), apart in 0i64..200_000_000) {
        let kind = spec.kind();
        let (mut tables, id) = tables(spec, SMALL);
        let mut oracle = Oracle::new(spec, SMALL.distinct_exact);
        for s in happened {
            for (k, now) in [(s.key, s.time), (0, s.time + apart), (s.key, s.time - apart)] {
                let got = tables.read(id, key(k), Micros(now));
                prop_assert!(oracle.agrees(&got, k, now), "key {} at {}: {:?}", k, now, got);
                let got = tables.speed(id, key(k), s.lat, s.lon, Micros(now));
                prop_assert!(oracle.agrees_speed(got, k, (s.lat, s.lon), now), "key {} at {}: {:?}", k, now, got);
            }
            let now = Micros(s.time);
            let with = tables.read_with(id, key(s.key), sighting(kind, &s), now);
            tables.add(id, key(s.key), sighting(kind, &s), now);
            let after = tables.read(id, key(s.key), now);
            prop_assert!(
                kind == Kind::Speed || same(&with, &after),
                "{:?} with it, {:?} after it", with, after
            );
            oracle.add(s);
        }
        prop_assert_eq!(tables.stats(id).late_dropped, oracle.late());
        prop_assert_eq!(tables.stats(id).forgotten, 0);
    }

    /// The same sightings in the same order give the same state, cap and all; reading in between changes nothing.
    #[test]
    fn a_replay_gives_the_same((spec, happened) in case(), cap in 2usize..6) {
        let limits = Limits { keys_per_table: cap, distinct_exact: 16 };
        let (mut once, id) = tables(spec, limits);
        let (mut again, other) = tables(spec, limits);
        for s in &happened {
            once.read(id, key(s.key), Micros(s.time));
            once.add(id, key(s.key), sighting(spec.kind(), s), Micros(s.time));
            forget(&mut once, id);
        }
        for s in &happened {
            again.add(other, key(s.key), sighting(spec.kind(), s), Micros(s.time));
            forget(&mut again, other);
        }
        prop_assert!(once.stats(id).keys <= cap);
        prop_assert_eq!(once.stats(id), again.stats(other));
        for s in &happened {
            let now = Micros(s.time);
            prop_assert_eq!(once.read(id, key(s.key), now), again.read(other, key(s.key), now));
        }
    }

    /// Where no cap and no clock comes between, the order of sightings does not show.
    #[test]
    fn order_does_not_show((spec, happened) in case()) {
        let free = matches!(
            spec.kind(),
            Kind::Count | Kind::Sum | Kind::Extreme { .. } | Kind::Ratio | Kind::Quantile { .. }
        );
        if !free {
            return Ok(());
        }
        let now = Micros(happened.iter().map(|s| s.time).max().unwrap());
        let (mut forth, id) = tables(spec, SMALL);
        let (mut back, other) = tables(spec, SMALL);
        for s in &happened {
            forth.add(id, key(s.key), sighting(spec.kind(), s), Micros(s.time));
        }
        for s in happened.iter().rev() {
            back.add(other, key(s.key), sighting(spec.kind(), s), Micros(s.time));
        }
        for k in 0..6 {
            prop_assert_eq!(forth.read(id, key(k), now), back.read(other, key(k), now));
        }
    }
}
