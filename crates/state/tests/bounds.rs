// SPDX-License-Identifier: Apache-2.0
//! What counters cost and where they end: memory, the error of an estimate, the ends of time, tables that go.
#![allow(clippy::unwrap_used, reason = "tests")]

use wardroom_event::{Micros, Span, Value};
use wardroom_state::{Item, Key, Kind, Limits, Reading, Sighting, Spec, Stats, TableId, Tables, limits};

fn tables(spec: Spec, limits: Limits) -> (Tables, TableId) {
    let mut tables = Tables::new(limits);
    let id = tables.add_table(spec);
    (tables, id)
}

/// Every kind once.
fn kinds() -> [Kind; 12] {
    [
        Kind::Count,
        Kind::Distinct,
        Kind::FirstSeen,
        Kind::Sum,
        Kind::Extreme { max: true },
        Kind::Extreme { max: false },
        Kind::Last,
        Kind::Ratio,
        Kind::Quantile { q: 500 },
        Kind::Baseline { span: Span::from_secs(3600) },
        Kind::Speed,
        Kind::Sequence { times: 2, within: Span::from_secs(60) },
    ]
}

/// A table that looks back for the given time, or a `baseline` for the shortest there is.
fn spec(kind: Kind, secs: i64) -> Spec {
    match kind {
        Kind::Baseline { .. } => Spec::new(kind, Some(limits::WEEK)).unwrap(),
        _ => Spec::new(kind, window(secs)).unwrap(),
    }
}

/// What a table of that kind is told.
fn sighting(kind: Kind, n: u64) -> Sighting<'static> {
    match kind {
        Kind::Count | Kind::FirstSeen | Kind::Baseline { .. } => Sighting::Plain,
        Kind::Distinct => Sighting::Item(Item(n)),
        Kind::Sum | Kind::Extreme { .. } | Kind::Quantile { .. } => Sighting::Amount((n % 1000) as i64),
        Kind::Last => Sighting::Held(&Value::Bool(true)),
        Kind::Ratio => Sighting::Mark(n.is_multiple_of(2)),
        Kind::Speed => Sighting::Place { lat: (n % 90) as f64, lon: (n % 180) as f64 },
        Kind::Sequence { .. } => Sighting::Steps { first: true, then: false },
    }
}

fn window(secs: i64) -> Option<Span> {
    Some(Span::from_secs(secs))
}

/// A hundred thousand keys for each kind that each come once, a hundredth of a window apart: only what came in the
/// last two windows is held.
#[test]
fn memory_follows_the_window_not_the_history() {
    for kind in kinds() {
        let spec = spec(kind, 120);
        let (mut tables, id) = tables(spec, Limits::default());
        let step = spec.window().unwrap().0 / 10_000;
        let mut most = Stats::default();
        for n in 0..100_000 {
            tables.add(id, Key(spread(n)), sighting(kind, spread(n)), Micros(n as i64 * step));
            if n % 1000 == 0 {
                let stats = tables.stats(id);
                most.keys = most.keys.max(stats.keys);
                most.bytes = most.bytes.max(stats.bytes);
            }
        }
        let (keys, bytes) = (most.keys, most.bytes);
        println!("{kind:?}: at most {keys} keys and {bytes} bytes for 10,000 keys in the window");
        assert!(keys <= 2 * 10_000 + 2 * 1000, "{keys} keys");
        assert!(bytes < 4_000_000, "{bytes} bytes");
        assert_eq!(tables.stats(id).forgotten, 0);
        // A sighting sweeps one shard.
        for _ in 0..100 {
            tables.add(id, Key(spread(0)), sighting(kind, 0), Micros(400_000 * step));
        }
        assert_eq!(tables.stats(id).keys, 1, "after a pause nothing else is left");
        assert_eq!(tables.bytes(), tables.stats(id).bytes);
    }
}

/// A flood of ever new keys, under a cap on the memory of two tables that is kept by letting the larger one
/// forget. What came last is always there, and the other table keeps what it has.
#[test]
fn a_flood_of_keys_stays_under_a_cap() {
    const CAP: usize = 4 << 20;
    let (mut tables, flooded) = tables(spec(Kind::Distinct, 3600), Limits::default());
    let calm = tables.add_table(spec(Kind::Count, 3600));
    (0..1000).for_each(|n| tables.add(calm, Key(spread(n)), Sighting::Plain, Micros(0)));
    let mut most = 0;
    for n in 0..500_000 {
        tables.add(flooded, Key(spread(n)), sighting(Kind::Distinct, n), Micros(n as i64));
        while let Some(larger) = tables.excess(CAP) {
            tables.forget(larger);
        }
        most = most.max(tables.bytes() + tables.stats(flooded).freeing);
        let before = n.saturating_sub(10_000);
        for key in [n, before] {
            assert_ne!(tables.read(flooded, Key(spread(key)), Micros(n as i64)), none(), "{key} at {n}");
        }
    }
    let stats = tables.stats(flooded);
    println!("{most} bytes at most, {} keys and {} forgotten", stats.keys, stats.forgotten);
    assert!(most < CAP + CAP / 2, "{most} bytes");
    assert_eq!((stats.keys as u64 + stats.forgotten, tables.stats(calm).keys), (500_000, 1000));
}

fn none() -> Reading {
    Reading::Distinct { count: 0, approximate: false }
}

/// What a key costs by how it is used, with everything but the allocator's own.
#[test]
fn a_key_costs_at_most_64_bytes() {
    let check = |kind: Kind, tiles: u64, items: u64, most: usize| {
        let (mut tables, id) = tables(spec(kind, 3600), Limits::default());
        let empty = tables.bytes();
        // The worst number of keys: the maps have just doubled.
        let keys = 61_000u64;
        for round in 0..tiles * items {
            for n in 0..keys {
                let time = Micros((round % tiles) as i64 * 60_000_000);
                tables.add(id, Key(spread(n)), sighting(kind, spread(round / tiles)), time);
            }
        }
        let each = (tables.bytes() - empty) as f64 / keys as f64;
        println!("{kind:?}, {tiles} tiles, {items} items: {each:.1} bytes a key");
        assert_eq!(tables.stats(id).keys, 61_000);
        assert!(each <= most as f64, "{kind:?}: {each} bytes");
    };
    for kind in kinds() {
        let most = match kind {
            Kind::Last => 96,
            Kind::Speed => 72,
            _ => 64,
        };
        check(kind, 1, 1, most);
    }
    check(Kind::Count, 2, 1, 64);
    check(Kind::FirstSeen, 2, 1, 64);
    check(Kind::Distinct, 2, 1, 64);
    check(Kind::Speed, 2, 1, 72);
    check(Kind::Sequence { times: 2, within: Span::from_secs(3600) }, 2, 1, 64);
    check(Kind::Count, 4, 1, 128);
    check(Kind::Ratio, 4, 1, 128);
    check(Kind::Extreme { max: true }, 4, 1, 160);
    check(Kind::Sum, 4, 1, 192);
    check(Kind::Quantile { q: 500 }, 4, 1, 128);
    check(Kind::Distinct, 1, 2, 128);
}

/// Bits that look like a hash's (SplitMix64).
fn spread(n: u64) -> u64 {
    let mut z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Reads a `distinct` after `days` of so many new items each, at the end and with the first days out of the window.
fn distinct_after(days: &[u64], seed: u64) -> Vec<(f64, bool)> {
    const DAY: i64 = 86_400_000_000;
    let (mut tables, id) = tables(Spec::new(Kind::Distinct, window(60 * 86_400)).unwrap(), Limits::default());
    let mut next = seed << 32;
    for (day, n) in days.iter().enumerate() {
        for _ in 0..*n {
            next += 1;
            tables.add(id, Key(1), Sighting::Item(Item(spread(next))), Micros(day as i64 * DAY));
        }
    }
    assert!(tables.bytes() < 2_000_000, "{} bytes for one key", tables.bytes());
    let read = |gone: usize| {
        let now = Micros((60 + gone as i64) * DAY);
        let Reading::Distinct { count, approximate } = tables.read(id, Key(1), now) else {
            panic!("a distinct")
        };
        let truth: u64 = days[gone..].iter().sum();
        assert!(truth > limits::DISTINCT_EXACT as u64 || !approximate, "{truth}");
        (count as f64 / truth as f64 - 1.0, approximate)
    };
    (0..days.len()).map(read).collect()
}

/// The stated error, over many seeds and for windows that see all of a flood, its end, and what came after it.
#[test]
fn a_distinct_is_exact_and_then_off_by_little() {
    let runs: Vec<_> =
        (0..60).map(|seed| distinct_after(&[40_000, 10_000, 5_000, 2_000, 1_500], seed)).collect();
    for (gone, estimated) in [(0, true), (1, true), (2, true), (3, false), (4, false)] {
        let errors: Vec<f64> = runs.iter().map(|run| run[gone].0).collect();
        let (mean, square) = errors.iter().fold((0.0, 0.0), |(m, s), e| (m + e / 60.0, s + e * e / 60.0));
        let stated = 1.0 / (limits::DISTINCT_EXACT as f64).sqrt();
        println!("{gone} days gone: off by {mean:+.4} on average, {:.4} in a standard error", square.sqrt());
        assert!(square.sqrt() < stated * 1.2, "{} where {stated} is stated", square.sqrt());
        assert!(mean.abs() < 4.0 * stated / 60f64.sqrt(), "biased by {mean}");
        assert!(errors.iter().all(|e| e.abs() < 4.0 * stated));
        assert!(runs.iter().all(|run| run[gone].1 == estimated), "{gone}");
        assert_eq!(square == 0.0, !estimated);
    }
}

#[test]
fn an_unknown_item_is_not_counted() {
    let (mut tables, id) = tables(Spec::new(Kind::Distinct, window(60)).unwrap(), Limits::default());
    tables.add(id, Key(1), Sighting::Plain, Micros(0));
    assert_eq!(tables.read(id, Key(1), Micros(0)), Reading::Distinct { count: 0, approximate: false });
    assert_eq!(tables.stats(id).keys, 0);
}

#[test]
fn tables_come_and_go() {
    let mut tables = Tables::new(Limits::default());
    let spec = Spec::new(Kind::Count, window(60)).unwrap();
    let (a, b) = (tables.add_table(spec), tables.add_table(spec));
    tables.add(a, Key(1), Sighting::Plain, Micros(0));
    tables.add(b, Key(1), Sighting::Plain, Micros(0));
    tables.add(b, Key(1), Sighting::Plain, Micros(0));
    drop(tables.drop_table(a));
    let c = tables.add_table(Spec::new(Kind::FirstSeen, None).unwrap());
    assert!(c != a && c != b);
    assert_eq!(tables.read(b, Key(1), Micros(0)), Reading::Count(2));
    assert_eq!(tables.read(c, Key(1), Micros(0)), Reading::FirstSeen(None));
    assert_eq!(tables.spec(b), spec);
    assert_eq!(tables.bytes(), tables.stats(b).bytes + tables.stats(c).bytes);
}

#[test]
fn a_table_moves_with_all_it_holds() {
    let spec = Spec::new(Kind::Count, window(60)).unwrap();
    let (mut from, moved) = tables(spec, Limits::default());
    from.add(moved, Key(1), Sighting::Plain, Micros(0));
    let mut to = Tables::new(Limits::default());
    let there = to.add_table(spec);
    let table = from.drop_table(moved);
    let id = to.put_table(table).unwrap();
    assert!(id != there);
    to.add(id, Key(1), Sighting::Plain, Micros(1));
    assert_eq!(to.read(id, Key(1), Micros(2)), Reading::Count(2));
    assert_eq!(to.read(there, Key(1), Micros(2)), Reading::Count(0));
    assert_eq!((to.spec(id), from.bytes()), (spec, 0));
    assert_eq!(to.put_table(from.drop_table(moved)), None, "it is gone from there");
}

#[test]
#[should_panic(expected = "not used after it was dropped")]
fn a_dropped_table_is_not_read() {
    let (mut tables, id) = tables(Spec::new(Kind::Count, window(60)).unwrap(), Limits::default());
    drop(tables.drop_table(id));
    tables.read(id, Key(1), Micros(0));
}

/// The ends of time neither overflow nor lose a sighting of the same time.
#[test]
fn the_ends_of_time_are_times() {
    for kind in kinds() {
        let (mut tables, id) = tables(spec(kind, 400 * 86_400), Limits::default());
        for time in [i64::MIN, -1, 0, 1, i64::MAX] {
            let with = tables.read_with(id, Key(1), sighting(kind, 1), Micros(time));
            tables.add(id, Key(1), sighting(kind, 1), Micros(time));
            let near = (-1..=1).contains(&time);
            let n = if near { (time + 2) as u64 } else { 1 };
            let expect = match kind {
                Kind::Count => Reading::Count(n),
                Kind::Distinct => Reading::Distinct { count: 1, approximate: false },
                Kind::FirstSeen => Reading::FirstSeen(Some(Micros(if near { -1 } else { time }))),
                Kind::Sum => Reading::Sum { total: Some(n as i64), count: n },
                Kind::Extreme { .. } => Reading::Extreme(Some(1)),
                Kind::Last => Reading::Last(Some(Value::Bool(true))),
                Kind::Ratio => Reading::Ratio { hits: 0, of: n },
                Kind::Quantile { .. } => Reading::Quantile(Some(1.0)),
                Kind::Speed => Reading::Speed(None),
                Kind::Sequence { .. } => Reading::Sequence(0),
                Kind::Baseline { .. } => {
                    assert!(matches!(tables.read(id, Key(1), Micros(time)), Reading::Baseline { .. }));
                    continue;
                }
            };
            assert_eq!(tables.read(id, Key(1), Micros(time)), expect, "{kind:?} at {time}");
            assert!(kind == Kind::Speed || with == expect, "{kind:?} with it at {time}: {with:?}");
            tables.speed(id, Key(1), 1.0, 1.0, Micros(i64::MIN));
        }
    }
}

/// What is told to a table that does not ask for it.
#[test]
fn what_is_of_another_form_is_not_counted() {
    for kind in kinds() {
        let (mut tables, id) = tables(spec(kind, 60), Limits::default());
        let plain = tables.read(id, Key(1), Micros(0));
        if matches!(sighting(kind, 1), Sighting::Plain) {
            tables.add(id, Key(1), Sighting::Mark(true), Micros(0));
            assert_eq!(tables.stats(id).keys, 1, "{kind:?} takes all");
            continue;
        }
        let lat_only = Sighting::Place { lat: 1.0, lon: f64::NAN };
        let none = Sighting::Steps { first: false, then: false };
        for other in [Sighting::Plain, Sighting::Held(&Value::Missing), lat_only, none] {
            assert_eq!(tables.read_with(id, Key(1), other, Micros(0)), plain, "{kind:?} {other:?}");
            tables.add(id, Key(1), other, Micros(0));
            assert_eq!((tables.read(id, Key(1), Micros(0)), tables.stats(id).keys), (plain.clone(), 0));
        }
    }
}

/// A sequence whose firsts have the shortest tiles there are, in a table that keeps keys for the longest time.
#[test]
fn firsts_do_not_come_round_again() {
    const DAY: i64 = 86_400_000_000;
    let kind = Kind::Sequence { times: 1, within: limits::WINDOW_MIN };
    let (mut tables, id) = tables(Spec::new(kind, Some(limits::WINDOW_MAX)).unwrap(), Limits::default());
    tables.add(id, Key(1), Sighting::Steps { first: true, then: false }, Micros(0));
    let then = Sighting::Steps { first: false, then: true };
    // 2^32 tiles of a 60th of a second are 828.5 days.
    let round = (1i64 << 32) * 16_667;
    for (day, key) in [(0, 1), (390, 2), (399, 2), (412, 2), (800, 2), (812, 2)] {
        let sequences = u64::from(day == 0);
        tables.add(id, Key(key), Sighting::Steps { first: true, then: false }, Micros(day * DAY));
        assert_eq!(
            tables.read_with(id, Key(1), then, Micros(day * DAY)),
            Reading::Sequence(sequences),
            "{day}"
        );
    }
    assert_eq!(tables.read_with(id, Key(1), then, Micros(round)), Reading::Sequence(0));
    tables.add(id, Key(1), then, Micros(round));
    assert_eq!(tables.read(id, Key(1), Micros(round)), Reading::Sequence(0));
}
