// SPDX-License-Identifier: Apache-2.0
//! Counters: what it costs to add a sighting and to read, for each kind, over an hour under many keys.
//!
//! Sightings come in the order of time under [`KEYS`] keys in turn, so that each key has [`EACH`] in its window, and
//! tiles turn over as they do in life. A reading is of the next key in turn, at the end of the stream.

use crate::harness::{Harness, Timing};
use crate::table::Table;
use anyhow::{Result, anyhow, ensure};
use std::collections::{HashMap, VecDeque};
use std::hint::black_box;
use std::time::Instant;
use wardroom_event::{Micros, Span, Value};
use wardroom_state::{
    Item, Key, Keyer, Kind, Limits, Reading, Secret, Sighting, Spec, TableId, Tables, View,
};

/// Keys there are.
const KEYS: usize = 5_000;
/// Sightings of each key within the window.
const EACH: usize = 60;
const WINDOW: Span = Span::from_secs(3600);
/// Time between two sightings.
const STEP: i64 = 3_600_000_000 / (KEYS * EACH) as i64;
const WEEK: Span = Span::from_secs(7 * 86_400);

/// What is counted, and what is sighted each time.
#[derive(Clone, Copy)]
struct Counter {
    name: &'static str,
    kind: Kind,
    window: Span,
    sighting: fn(usize, &Value) -> Sighting<'_>,
}

fn counters() -> Vec<Counter> {
    let plain = |_: usize, _: &Value| Sighting::Plain;
    let amount = |n: usize, _: &Value| Sighting::Amount((n / KEYS * 377 % 1000) as i64);
    let of = |name, kind, sighting| Counter { name, kind, window: WINDOW, sighting };
    let minutes = Span::from_secs(600);
    vec![
        of("count", Kind::Count, plain),
        of("distinct, 10 different items a key", Kind::Distinct, |n, _| {
            Sighting::Item(Item((n / KEYS % 10) as u64))
        }),
        of("distinct, 60 different items a key", Kind::Distinct, |n, _| {
            Sighting::Item(Item((n / KEYS) as u64))
        }),
        of("first_seen", Kind::FirstSeen, plain),
        of("sum, mean", Kind::Sum, amount),
        of("max", Kind::Extreme { max: true }, amount),
        of("last, a text", Kind::Last, |_, text| Sighting::Held(text)),
        of("ratio", Kind::Ratio, |n, _| Sighting::Mark((n / KEYS).is_multiple_of(3))),
        of("quantile", Kind::Quantile { q: 950 }, amount),
        Counter {
            window: Span::from_secs(28 * 86_400),
            ..of("baseline of 1h over 4 weeks", Kind::Baseline { span: WINDOW }, plain)
        },
        of("speed", Kind::Speed, |n, _| Sighting::Place {
            lat: (n / KEYS % 50) as f64,
            lon: (n % 90) as f64,
        }),
        of("sequence, 5 within 10m and one more", Kind::Sequence { times: 5, within: minutes }, |n, _| {
            Sighting::Steps { first: n / KEYS % 7 < 6, then: n / KEYS % 7 == 6 }
        }),
    ]
}

pub(crate) fn run(harness: &mut Harness) -> Result<()> {
    harness.table(
        Table::new(
            format!("Counters under {KEYS} keys, {EACH} sightings of each in the window"),
            "operation",
        )
        .note("with the key hashed already; hashing one is the first line"),
    );
    hashing(harness)?;
    for counter in counters() {
        one(harness, &counter)?;
    }
    windows(harness)?;
    by_hand(harness)?;
    many_keys(harness)
}

/// How many keys there are.
const MANY: [usize; 3] = [1_000, 100_000, 1_000_000];

/// What it takes under ever more keys: time, and memory that is said in the name.
fn many_keys(harness: &mut Harness) -> Result<()> {
    harness.table(
        Table::new("Counters under ever more keys", "operation")
            .note("two sightings of each key in a window, over three windows; in no order that a cache could guess")
            .note("memory is what the allocator was asked for, at its most; a piece is of a whole snapshot"),
    );
    for counter in counters().iter().filter(|counter| !counter.name.starts_with("distinct, 60")) {
        for keys in MANY {
            under(harness, counter, harness.pace.scaled(keys))?;
        }
    }
    Ok(())
}

fn under(harness: &mut Harness, counter: &Counter, keys: usize) -> Result<()> {
    let mut tables = Tables::new(Limits::default());
    let spec = Spec::new(counter.kind, Some(counter.window)).map_err(|e| anyhow!("{e}"))?;
    let id = tables.add_table(spec);
    let (text, empty) = (Value::Text("Firefox/140.0".into()), tables.bytes());
    let step = (counter.window.0 / (2 * keys) as i64).max(1);
    let time = |n: usize| Micros(crate::people::BEGIN.0 + n as i64 * step);
    // Any number, in an order that goes through all of them: 7919 divides no number of keys.
    let key = |n: usize| ((n * 7919 % keys) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let sightings: Vec<usize> = (0..6 * keys).collect();
    let mut most = 0;
    let timing = harness.measure_each(&sightings, |n| {
        tables.add(id, Key(key(*n)), (counter.sighting)(n / keys * KEYS + n % KEYS, &text), time(*n));
        if n % 1024 == 0 {
            most = most.max(tables.bytes());
        }
        Ok(())
    })?;
    let each = (most.max(tables.bytes()) - empty) / keys;
    let name = format!("{}, {keys} keys of {each} bytes", counter.name);
    harness.row(&format!("{name}: add"), timing);
    let (now, mut next) = (time(sightings.len()), 0);
    harness.time(&format!("{name}: read"), || {
        next += 1;
        read(&tables, id, counter, Key(key(next)), black_box(now))
    });
    harness.row(&format!("{name}: a piece"), pieces(&mut tables));
    Ok(())
}

/// What the pieces of a whole snapshot took.
fn pieces(tables: &mut Tables) -> Timing {
    tables.begin_pass(true);
    let (mut each, mut piece) = (Vec::new(), Vec::new());
    loop {
        piece.clear();
        let began = Instant::now();
        if tables.next_piece(1, &mut piece).is_none() {
            return Timing::of(each);
        }
        each.push(began.elapsed().as_nanos() as f64);
    }
}

fn hashing(harness: &mut Harness) -> Result<()> {
    let keyer = Keyer::new(Secret([7; 16]));
    let ip = Value::Ip([203, 0, 113, 7].into());
    ensure!(keyer.key([&ip]).is_some(), "it has a key");
    harness.time("the key of an address", || keyer.key([black_box(&ip)]));
    let account = Value::Text("acc-00001234".into());
    harness.time("the key of an account and an address", || keyer.key([black_box(&account), &ip]));
    Ok(())
}

/// Sightings: two windows' worth, so that what is measured is a full window moving on.
fn stream(harness: &Harness) -> Vec<usize> {
    (0..harness.pace.scaled(2 * KEYS * EACH)).collect()
}

fn time(n: usize) -> Micros {
    Micros(crate::people::BEGIN.0 + n as i64 * STEP)
}

/// Any number, so that neighbours do not lie beside each other.
fn key(n: usize) -> Key {
    Key(((n % KEYS) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn one(harness: &mut Harness, counter: &Counter) -> Result<()> {
    let mut tables = Tables::new(Limits::default());
    let spec = Spec::new(counter.kind, Some(counter.window)).map_err(|e| anyhow!("{e}"))?;
    let id = tables.add_table(spec);
    let text = Value::Text("Firefox/140.0".into());
    let stream = stream(harness);
    if matches!(counter.kind, Kind::Baseline { .. }) {
        past(&mut tables, id);
    }
    harness.time_each(&format!("{}: add", counter.name), &stream, |n| {
        tables.add(id, key(*n), (counter.sighting)(*n, &text), time(*n));
        Ok(())
    })?;
    let now = time(stream.len());
    if stream.len() >= 2 * KEYS * EACH {
        ensure!(
            knows(&tables, id, counter, now),
            "{}: {:?}",
            counter.name,
            read(&tables, id, counter, key(5), now)
        );
    }
    let mut next = 0;
    harness.time(&format!("{}: read", counter.name), || {
        next += 1;
        read(&tables, id, counter, key(next), black_box(now))
    });
    Ok(())
}

/// What lies four weeks back: some sightings of each key at this hour of each week.
fn past(tables: &mut Tables, id: TableId) {
    for week in (1..=3).rev() {
        for n in 0..2 * KEYS {
            let time = time(n * EACH / 2);
            tables.add(id, key(n), Sighting::Plain, Micros(time.0 - week * WEEK.0));
        }
    }
}

fn read(tables: &Tables, id: TableId, counter: &Counter, key: Key, now: Micros) -> Reading {
    match counter.kind {
        Kind::Speed => Reading::Speed(tables.speed(id, key, 47.4, 8.5, now)),
        _ => tables.read(id, key, now),
    }
}

/// That there is something to read.
fn knows(tables: &Tables, id: TableId, counter: &Counter, now: Micros) -> bool {
    match read(tables, id, counter, key(5), now) {
        Reading::Count(n) => n.abs_diff(EACH as u64) <= 1,
        Reading::Sequence(n) => n > 0,
        Reading::Distinct { count, .. } => count >= 10,
        Reading::FirstSeen(seen) => seen.is_some(),
        Reading::Sum { total, count } => total > Some(0) && count.abs_diff(EACH as u64) <= 1,
        Reading::Extreme(most) => most > Some(900),
        Reading::Last(last) => last.is_some(),
        Reading::Ratio { hits, of } => hits > 0 && of > hits,
        Reading::Quantile(at) => at.is_some_and(|n| n > 800.0),
        Reading::Baseline { weeks, .. } => weeks >= 3,
        Reading::Speed(speed) => speed.is_some(),
    }
}

/// One count over five windows: each in a table of its own, and all in one.
fn windows(harness: &mut Harness) -> Result<()> {
    let over = |secs| Spec::new(Kind::Count, Some(Span::from_secs(secs))).map_err(|e| anyhow!("{e}"));
    let specs =
        [600, 3600, 6 * 3600, 86_400, 7 * 86_400].map(over).into_iter().collect::<Result<Vec<Spec>>>()?;
    let stream = stream(harness);
    for name in ["apart", "together"] {
        let mut tables = Tables::new(Limits::default());
        let views: Vec<View> = match name {
            "apart" => specs.iter().map(|spec| tables.add_table(*spec).into()).collect(),
            _ => tables.add_tables(&specs),
        };
        let mut ids: Vec<TableId> = views.iter().map(|view| view.table()).collect();
        ids.dedup();
        ensure!(ids.len() == if name == "apart" { 5 } else { 1 }, "{} tables {name}", ids.len());
        harness.time_each(&format!("count over five windows {name}: add"), &stream, |n| {
            ids.iter().for_each(|id| tables.add(*id, key(*n), Sighting::Plain, time(*n)));
            Ok(())
        })?;
        let (now, mut next) = (time(stream.len()), 0);
        harness.time(&format!("count over five windows {name}: read"), || {
            next += 1;
            views.iter().fold(0, |sum, view| match tables.read(*view, key(next), black_box(now)) {
                Reading::Count(n) => sum + n,
                _ => sum,
            })
        });
    }
    Ok(())
}

/// What somebody would write first: every time is kept, and counting is exact.
fn by_hand(harness: &mut Harness) -> Result<()> {
    let mut map: HashMap<u64, VecDeque<i64>> = HashMap::new();
    let stream = stream(harness);
    harness.time_each("by hand, a map of queues: count, add", &stream, |n| {
        let queue = map.entry(key(*n).0).or_default();
        let now = time(*n).0;
        while queue.front().is_some_and(|t| *t <= now - WINDOW.0) {
            queue.pop_front();
        }
        queue.push_back(now);
        Ok(())
    })?;
    let oldest = time(stream.len()).0 - WINDOW.0;
    let mut next = 0;
    harness.time("by hand, a map of queues: count, read", || {
        next += 1;
        map.get(&key(next).0).map_or(0, |q| q.len() - q.partition_point(|t| *t <= oldest))
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Pace;

    #[test]
    fn each_kind_has_something_to_read_when_the_stream_is_whole() {
        let text = Value::Text("x".into());
        for counter in counters() {
            let mut tables = Tables::new(Limits::default());
            let id = tables.add_table(Spec::new(counter.kind, Some(counter.window)).unwrap());
            past_of(&counter, &mut tables, id);
            // Of one key, what the whole stream holds of it.
            for n in (0..2 * KEYS * EACH).filter(|n| n % KEYS == 5) {
                tables.add(id, key(n), (counter.sighting)(n, &text), time(n));
            }
            assert!(knows(&tables, id, &counter, time(2 * KEYS * EACH)), "{}", counter.name);
        }
    }

    fn past_of(counter: &Counter, tables: &mut Tables, id: TableId) {
        if matches!(counter.kind, Kind::Baseline { .. }) {
            past(tables, id);
        }
    }

    #[test]
    fn it_runs() {
        let mut harness = Harness::new(Pace::Quick);
        run(&mut harness).unwrap();
        assert_eq!(harness.tables[0].rows.len(), 2 + 2 * counters().len() + 4 + 2);
        assert_eq!(harness.tables[1].rows.len(), 3 * MANY.len() * (counters().len() - 1));
    }
}
