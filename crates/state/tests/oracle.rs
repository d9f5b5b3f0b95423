// SPDX-License-Identifier: Apache-2.0
//! Counters and lists against brute force: the rules of `window` and `lists` told once more, over everything that
//! ever happened and sharing no code with what they check.
#![allow(clippy::unwrap_used, reason = "tests")]

use ipnet::IpNet;
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use wardroom_event::{Micros, Span, Type, Value};
use wardroom_state::{
    Item, Key, Keyer, Kind, Limits, List, Reading, Secret, Sighting, Spec, Stats, TableId, Tables, limits,
};

/// One event: where it is counted and when it happened.
#[derive(Clone, Copy, Debug)]
struct Happened {
    key: u64,
    item: u64,
    time: i64,
}

/// How the events of a case lie in time.
#[derive(Clone, Copy, Debug)]
struct Flow {
    start: i64,
    /// Greatest step forward.
    step: i64,
    /// Greatest step back.
    back: i64,
    keys: u64,
    items: u64,
}

fn spec() -> impl Strategy<Value = Spec> {
    let window = prop_oneof![1_000_000i64..5_000_000, Just(60_000_000), 3_600_000_000i64..86_400_000_000];
    (0..4, window).prop_map(|(kind, window)| {
        let window = Some(Span(window));
        match kind {
            0 => Spec::new(Kind::Count, window),
            1 => Spec::new(Kind::Distinct, window),
            2 => Spec::new(Kind::FirstSeen, window),
            _ => Spec::new(Kind::FirstSeen, None),
        }
        .unwrap()
    })
}

/// Steps that are as often inside a tile as beyond a window.
fn flow(window: i64) -> impl Strategy<Value = Flow> {
    let start = prop_oneof![Just(0), Just(1_767_607_200_000_000i64), -1_000_000_000i64..1_000_000_000];
    let step = prop_oneof![Just(1), Just(window / 240), Just(window / 20), Just(window)];
    let back = prop_oneof![Just(0), Just(window / 30), Just(window / 2), Just(3 * window)];
    (start, step, back, 1u64..6, 1u64..60).prop_map(|(start, step, back, keys, items)| Flow {
        start,
        step,
        back,
        keys,
        items,
    })
}

/// In order in the main, with equal times, late ones and some that stay behind for good.
fn sightings(flow: Flow) -> impl Strategy<Value = Vec<Happened>> {
    let one = (0..flow.keys, 0..flow.items, 0..10, 0.0..1.0f64);
    prop::collection::vec(one, 1..250).prop_map(move |steps| {
        let mut now = flow.start;
        let place = |(key, item, move_by, part): (u64, u64, i32, f64)| {
            let mut time = now;
            match move_by {
                0 => time -= (flow.back as f64 * part) as i64,
                1 => now -= (flow.back as f64 * part) as i64,
                2 | 3 => (),
                _ => now += (flow.step as f64 * part) as i64,
            }
            if move_by > 0 {
                time = now;
            }
            Happened { key, item, time }
        };
        steps.into_iter().map(place).collect()
    })
}

fn case() -> impl Strategy<Value = (Spec, Vec<Happened>)> {
    spec().prop_flat_map(|spec| {
        let window = spec.window().map_or(60_000_000, |w| w.0);
        (Just(spec), flow(window).prop_flat_map(sightings))
    })
}

/// The rule, over all that was ever added.
struct Oracle {
    spec: Spec,
    exact: usize,
    added: Vec<Happened>,
}

impl Oracle {
    /// `floor(x / g)` where `g` is a sixtieth of the window, rounded up.
    fn tile(&self, x: i128) -> i128 {
        let window = i128::from(self.spec.window().unwrap().0);
        let g = window / 60 + i128::from(window % 60 != 0);
        let cut = x / g;
        if x % g < 0 { cut - 1 } else { cut }
    }

    fn tail(&self, clock: i64) -> i128 {
        self.tile(i128::from(clock) - i128::from(self.spec.window().unwrap().0))
    }

    fn clock(&self, now: i64) -> i64 {
        self.added.iter().map(|s| s.time).fold(now, i64::max)
    }

    fn read(&self, key: u64, now: i64) -> Reading {
        match self.spec.kind() {
            Kind::Count => Reading::Count(self.count(key, now)),
            Kind::Distinct => self.distinct(key, now),
            Kind::FirstSeen if self.spec.window().is_none() => {
                let times = self.added.iter().filter(|s| s.key == key).map(|s| s.time);
                Reading::FirstSeen(times.min().map(Micros))
            }
            Kind::FirstSeen => self.first_seen(key, now),
        }
    }

    fn count(&self, key: u64, now: i64) -> u64 {
        let (from, to) = (self.tail(self.clock(now)), self.tile(now.into()));
        let seen = |s: &&Happened| s.key == key && (from..=to).contains(&self.tile(s.time.into()));
        self.added.iter().filter(seen).count() as u64
    }

    fn distinct(&self, key: u64, now: i64) -> Reading {
        let from = self.tail(self.clock(now));
        let seen = |s: &&Happened| s.key == key && self.tile(s.time.into()) >= from;
        let items: HashSet<u64> = self.added.iter().filter(seen).map(|s| s.item).collect();
        Reading::Distinct { count: items.len() as u64, approximate: items.len() > self.exact }
    }

    /// Lives through it all again: a key is forgotten when the clock leaves its newest sighting behind.
    fn first_seen(&self, key: u64, now: i64) -> Reading {
        let mut clock = i64::MIN;
        let mut run: Vec<i64> = Vec::new();
        for s in &self.added {
            clock = clock.max(s.time);
            let tail = self.tail(clock);
            if run.iter().all(|time| self.tile((*time).into()) < tail) {
                run.clear();
            }
            if s.key == key && self.tile(s.time.into()) >= tail {
                run.push(s.time);
            }
        }
        let tail = self.tail(clock.max(now));
        let live = run.iter().any(|time| self.tile((*time).into()) >= tail);
        Reading::FirstSeen(run.into_iter().min().filter(|_| live).map(Micros))
    }

    /// Whether a reading is the rule's. Where a `distinct` may be an estimate, it need not be one.
    fn agrees(&self, got: &Reading, expect: &Reading) -> bool {
        match (got, expect) {
            (
                Reading::Distinct { count, approximate: true },
                Reading::Distinct { count: truth, approximate: true },
            ) => count.abs_diff(*truth) as f64 <= 6.0 * *truth as f64 / (self.exact as f64).sqrt(),
            (Reading::Distinct { count, .. }, Reading::Distinct { count: truth, approximate: true }) => {
                count == truth
            }
            _ => got == expect,
        }
    }

    /// How many sightings were late beyond use.
    fn late(&self) -> u64 {
        let mut clock = i64::MIN;
        let late = |s: &&Happened| {
            clock = clock.max(s.time);
            self.spec.window().is_some() && self.tile(s.time.into()) < self.tail(clock)
        };
        self.added.iter().filter(late).count() as u64
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

const SMALL: Limits = Limits { keys_per_table: 1 << 20, distinct_exact: 20 };

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every reading along the way is the rule's, of the key in hand and of another, now and at other times.
    #[test]
    fn counters_follow_the_rule((spec, sightings) in case(), apart in 0i64..200_000_000) {
        let (mut tables, id) = tables(spec, SMALL);
        let mut oracle = Oracle { spec, exact: SMALL.distinct_exact, added: Vec::new() };
        for s in sightings {
            for (k, now) in [(s.key, s.time), (0, s.time + apart), (s.key, s.time - apart)] {
                let expect = oracle.read(k, now);
                let got = tables.read(id, key(k), Micros(now));
                prop_assert!(oracle.agrees(&got, &expect), "key {} at {}: {:?}, not {:?}", k, now, got, expect);
            }
            let (sighting, now) = (Sighting::Item(item(s.item)), Micros(s.time));
            let with = tables.read_with(id, key(s.key), sighting, now);
            tables.add(id, key(s.key), sighting, now);
            let after = tables.read(id, key(s.key), now);
            prop_assert!(same(&with, &after), "{:?} with it, {:?} after it", with, after);
            oracle.added.push(s);
        }
        prop_assert_eq!(tables.stats(id).late_dropped, oracle.late());
        prop_assert_eq!(tables.stats(id).evicted, 0);
    }

    /// The same sightings in the same order give the same state, cap and all; reading in between changes nothing.
    #[test]
    fn a_replay_gives_the_same((spec, sightings) in case(), cap in 2usize..6) {
        let limits = Limits { keys_per_table: cap, distinct_exact: 16 };
        let (mut once, id) = tables(spec, limits);
        let (mut again, other) = tables(spec, limits);
        for s in &sightings {
            once.read(id, key(s.key), Micros(s.time));
            once.add(id, key(s.key), Sighting::Item(item(s.item)), Micros(s.time));
        }
        for s in &sightings {
            again.add(other, key(s.key), Sighting::Item(item(s.item)), Micros(s.time));
        }
        prop_assert!(once.stats(id).keys <= cap);
        prop_assert_eq!(once.stats(id), again.stats(other));
        for s in &sightings {
            let now = Micros(s.time);
            prop_assert_eq!(once.read(id, key(s.key), now), again.read(other, key(s.key), now));
        }
    }

    /// A list of networks says what comparing with each entry says.
    #[test]
    fn lists_of_networks_follow_the_rule(
        entries in prop::collection::vec((address(), any::<u8>(), prop::option::of(0i64..10)), 0..40),
        questions in prop::collection::vec((address(), any::<u8>(), any::<bool>()), 1..60),
        now in 0i64..10,
    ) {
        let mut list = List::new(Type::Net, keyer());
        let mut brute: HashMap<(bool, String), Option<i64>> = HashMap::new();
        for (ip, len, expires) in entries {
            let len = len % (width(ip) + 1);
            let new = brute.insert((ip.is_ipv4(), prefix(ip, len)), expires).is_none();
            let value = Value::Net(IpNet::new(ip, len).unwrap());
            prop_assert_eq!(list.insert(value, expires.map(Micros)), Ok(new));
        }
        prop_assert_eq!(list.len(), brute.len());
        for (ip, len, as_net) in questions {
            let len = if as_net { len % (width(ip) + 1) } else { width(ip) };
            let asked = prefix(ip, len);
            let holds = |((v4, listed), expires): (&(bool, String), &Option<i64>)| {
                *v4 == ip.is_ipv4() && asked.starts_with(listed) && expires.is_none_or(|at| now < at)
            };
            let value = if as_net { Value::Net(IpNet::new(ip, len).unwrap()) } else { Value::Ip(ip) };
            prop_assert_eq!(list.contains(&value, Micros(now)), Some(brute.iter().any(holds)), "{}/{}", ip, len);
        }
    }
}

/// Addresses close enough together that networks overlap.
fn address() -> impl Strategy<Value = IpAddr> {
    let v4 = (0u32..1024, 0u32..4).prop_map(|(low, high)| Ipv4Addr::from(high << 30 | low).into());
    let v6 = (0u128..1024, 0u128..4, 0u128..4)
        .prop_map(|(low, middle, high)| Ipv6Addr::from(1 << 120 | high << 62 | middle << 80 | low).into());
    prop_oneof![v4, v6]
}

fn width(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

/// The first bits of an address as noughts and ones.
fn prefix(ip: IpAddr, len: u8) -> String {
    let bits = match ip {
        IpAddr::V4(ip) => format!("{:032b}", u32::from(ip)),
        IpAddr::V6(ip) => format!("{:0128b}", u128::from(ip)),
    };
    bits[..usize::from(len)].to_owned()
}

fn window(secs: i64) -> Option<Span> {
    Some(Span::from_secs(secs))
}

/// A million keys that each come once, a thousand a second: only what came in the last two windows is held.
#[test]
fn memory_follows_the_window_not_the_history() {
    for kind in [Kind::Count, Kind::Distinct, Kind::FirstSeen] {
        let (mut tables, id) = tables(Spec::new(kind, window(10)).unwrap(), Limits::default());
        let mut most = Stats::default();
        for n in 0..1_000_000 {
            tables.add(id, Key(spread(n)), Sighting::Item(Item(spread(n))), Micros(n as i64 * 1000));
            if n % 1000 == 0 {
                let stats = tables.stats(id);
                most.keys = most.keys.max(stats.keys);
                most.bytes = most.bytes.max(stats.bytes);
            }
        }
        println!(
            "{kind:?}: at most {} keys and {} bytes for 10,000 keys in the window",
            most.keys, most.bytes
        );
        assert!(most.keys <= 2 * 10_000 + 2 * 1000, "{} keys", most.keys);
        assert!(most.bytes < 4_000_000, "{} bytes", most.bytes);
        assert_eq!(tables.stats(id).evicted, 0);
        tables.add(id, Key(spread(0)), Sighting::Item(Item(0)), Micros(2_000_000_000));
        assert_eq!(tables.stats(id).keys, 1, "after a pause nothing else is left");
        assert_eq!(tables.bytes(), tables.stats(id).bytes);
    }
}

/// What a key costs by how it is used, with everything but the allocator's own.
#[test]
fn a_key_costs_at_most_64_bytes() {
    let check = |kind: Kind, tiles: u64, items: u64, most: usize| {
        let (mut tables, id) = tables(Spec::new(kind, window(3600)).unwrap(), Limits::default());
        let empty = tables.bytes();
        // The worst number of keys: the maps have just doubled.
        let keys = 61_000u64;
        for round in 0..tiles * items {
            for n in 0..keys {
                let time = Micros((round % tiles) as i64 * 60_000_000);
                tables.add(id, Key(spread(n)), Sighting::Item(Item(spread(round / tiles))), time);
            }
        }
        let each = (tables.bytes() - empty) as f64 / keys as f64;
        println!("{kind:?}, {tiles} tiles, {items} items: {each:.1} bytes a key");
        assert_eq!(tables.stats(id).keys, 61_000);
        assert!(each <= most as f64, "{each} bytes");
    };
    check(Kind::Count, 1, 1, 64);
    check(Kind::Count, 2, 1, 64);
    check(Kind::FirstSeen, 2, 1, 64);
    check(Kind::Distinct, 2, 1, 64);
    check(Kind::Count, 4, 1, 128);
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
#[should_panic(expected = "not used after it was dropped")]
fn a_dropped_table_is_not_read() {
    let (mut tables, id) = tables(Spec::new(Kind::Count, window(60)).unwrap(), Limits::default());
    drop(tables.drop_table(id));
    tables.read(id, Key(1), Micros(0));
}

/// The ends of time neither overflow nor lose a sighting of the same time.
#[test]
fn the_ends_of_time_are_times() {
    for kind in [Kind::Count, Kind::Distinct, Kind::FirstSeen] {
        let (mut tables, id) = tables(Spec::new(kind, window(400 * 86_400)).unwrap(), Limits::default());
        for time in [i64::MIN, -1, 0, 1, i64::MAX] {
            tables.add(id, Key(1), Sighting::Item(item(1)), Micros(time));
            let expect = match kind {
                Kind::Count => Reading::Count(if time == 0 {
                    2
                } else if time == 1 {
                    3
                } else {
                    1
                }),
                Kind::Distinct => Reading::Distinct { count: 1, approximate: false },
                Kind::FirstSeen => {
                    Reading::FirstSeen(Some(Micros(if (-1..=1).contains(&time) { -1 } else { time })))
                }
            };
            assert_eq!(tables.read(id, Key(1), Micros(time)), expect, "{kind:?} at {time}");
        }
    }
}

/// A million entries, in one list of texts and one of networks.
#[test]
fn a_list_of_a_million_is_a_list() {
    let mut texts = List::new(Type::Domain, keyer());
    let mut nets = List::new(Type::Ip, keyer());
    for n in 0..1_000_000u32 {
        texts.insert(Value::Text(format!("{n}.example").into()), None).unwrap();
        nets.insert(Value::Ip(Ipv4Addr::from(n * 2).into()), None).unwrap();
    }
    assert_eq!((texts.len(), nets.len()), (1_000_000, 1_000_000));
    println!("a million entries: {} bytes as texts, {} as addresses", texts.bytes(), nets.bytes());
    for n in (0..2_000_000u32).step_by(997) {
        let text = Value::Text(format!("{n}.example").into());
        assert_eq!(texts.contains(&text, Micros(0)), Some(n < 1_000_000));
        assert_eq!(nets.contains(&Value::Ip(Ipv4Addr::from(n).into()), Micros(0)), Some(n % 2 == 0));
    }
}
