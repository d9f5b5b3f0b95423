// SPDX-License-Identifier: Apache-2.0
//! Several windows over one table: each reads what the rule says, and what it reads in a table of its own.

use crate::flow::{Happened, several};
use crate::rule::Oracle;
use crate::{SMALL, key, same, sighting};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use wardroom_event::{Micros, Span};
use wardroom_state::{Kind, Limits, Reading, Sighting, Spec, TableId, Tables, View};

/// Counters of one stream, each apart and all together.
struct Both {
    specs: Vec<Spec>,
    apart: (Tables, Vec<TableId>),
    shared: (Tables, Vec<View>),
    oracles: Vec<Oracle>,
}

impl Both {
    fn new(specs: Vec<Spec>, limits: Limits) -> Both {
        let (mut apart, mut shared) = (Tables::new(limits), Tables::new(limits));
        let own = specs.iter().map(|spec| apart.add_table(*spec)).collect();
        let views = shared.add_tables(&specs);
        let oracles = specs.iter().map(|spec| Oracle::new(*spec, limits.distinct_exact)).collect();
        Both { specs, apart: (apart, own), shared: (shared, views), oracles }
    }

    /// The tables that are shared, each once.
    fn tables(&self) -> Vec<TableId> {
        let mut tables: Vec<TableId> = self.shared.1.iter().map(|view| view.table()).collect();
        tables.sort_unstable();
        tables.dedup();
        tables
    }

    fn add(&mut self, s: &Happened) {
        let (sighting, time) = (sighting(self.specs[0].kind(), s), Micros(s.time));
        for table in self.apart.1.clone() {
            self.apart.0.add(table, key(s.key), sighting, time);
        }
        for table in self.tables() {
            self.shared.0.add(table, key(s.key), sighting, time);
        }
        self.oracles.iter_mut().for_each(|oracle| oracle.add(s.clone()));
    }

    /// Every window's reading, with the sighting of `s` and without.
    fn check(&self, s: &Happened, k: u64, now: i64) -> TestCaseResult {
        let own = sighting(self.specs[0].kind(), s);
        for (i, spec) in self.specs.iter().enumerate() {
            let (table, view) = (self.apart.1[i], self.shared.1[i]);
            prop_assert_eq!(self.shared.0.spec(view), *spec);
            let apart = self.apart.0.read(table, key(k), Micros(now));
            let shared = self.shared.0.read(view, key(k), Micros(now));
            prop_assert_eq!(&shared, &apart, "{:?}, key {} at {}", spec, k, now);
            prop_assert!(
                self.oracles[i].agrees(&shared, k, now),
                "{:?}, key {} at {}: {:?}",
                spec,
                k,
                now,
                shared
            );
            let apart = self.apart.0.read_with(table, key(k), own, Micros(now));
            let shared = self.shared.0.read_with(view, key(k), own, Micros(now));
            prop_assert_eq!(&shared, &apart, "{:?}, with {:?} at {}", spec, own, now);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Now and at other times, of the key in hand and of another, along the way and when all of it has gone by.
    #[test]
    fn sharing_shows_in_no_reading((specs, happened) in several(), apart in 0i64..200_000_000) {
        let kind = specs[0].kind();
        let mut both = Both::new(specs, SMALL);
        for s in &happened {
            for (k, now) in [(s.key, s.time), (0, s.time + apart), (s.key, s.time - apart)] {
                both.check(s, k, now)?;
            }
            let with: Vec<Reading> = both.shared.1.iter()
                .map(|view| both.shared.0.read_with(*view, key(s.key), sighting(kind, s), Micros(s.time)))
                .collect();
            both.add(s);
            for (view, with) in both.shared.1.iter().zip(with) {
                let after = both.shared.0.read(*view, key(s.key), Micros(s.time));
                prop_assert!(kind == Kind::Speed || same(&with, &after), "{:?} with it, {:?} after it", with, after);
            }
        }
        let last = happened.last().unwrap();
        for later in [1, 60_000_000, 3_600_000_000, 90_000_000_000] {
            both.check(last, last.key, last.time + later)?;
        }
        for table in both.tables() {
            let late = both.shared.1.iter().zip(&both.oracles).filter(|(view, _)| view.table() == table);
            let least = late.map(|(_, oracle)| oracle.late()).min();
            prop_assert_eq!(Some(both.shared.0.stats(table).late_dropped), least, "late is what no window sees");
        }
    }
}

fn counts(secs: &[i64]) -> Vec<Spec> {
    secs.iter().map(|secs| Spec::new(Kind::Count, Some(Span::from_secs(*secs))).unwrap()).collect()
}

/// A key seen in every second of a day, and one seen a hundred times in a row and never again.
#[test]
fn a_key_keeps_no_more_tiles_than_its_windows_see() {
    let mut tables = Tables::new(Limits::default());
    let views = tables.add_tables(&counts(&[600, 3600, 86_400]));
    let table = views[0].table();
    assert!(views.iter().all(|view| view.table() == table), "three windows of one table");
    for second in 0..2 * 86_400 {
        tables.add(table, key(1), Sighting::Plain, Micros(second * 1_000_000));
        if second < 3000 {
            tables.add(table, key(2), Sighting::Plain, Micros(second * 1_000_000));
        }
    }
    let now = Micros(2 * 86_400 * 1_000_000);
    let read = |view: &View, k| tables.read(*view, key(k), now);
    assert_eq!(views.iter().map(|v| read(v, 1)).collect::<Vec<_>>(), [600, 3600, 86_400].map(Reading::Count));
    assert_eq!(views.iter().map(|v| read(v, 2)).collect::<Vec<_>>(), [0, 0, 0].map(Reading::Count));
    let bytes = tables.stats(table).bytes;
    let mut alone = Tables::new(Limits::default());
    let empty = alone.add_table(counts(&[600])[0]);
    // 61 + 51 + 59 tiles of 8 bytes, for which there may be twice the room, and what a key takes at all.
    assert!(bytes - alone.stats(empty).bytes < 2 * 171 * 8 + 1024, "{bytes} bytes");
}

/// What one key held in many tiles is joined while others are counted: it need not come again.
#[test]
fn keys_that_do_not_come_again_settle() {
    let mut tables = Tables::new(Limits::default());
    let views = tables.add_tables(&counts(&[600, 86_400]));
    let table = views[0].table();
    for n in 0..50_000i64 {
        tables.add(table, key(n as u64 % 500), Sighting::Plain, Micros(n * 10_000));
    }
    let before = tables.stats(table);
    for n in 0..20_000i64 {
        tables.add(table, key(1_000_000), Sighting::Plain, Micros(1_200_000_000 + n));
    }
    let after = tables.stats(table);
    assert_eq!((before.keys, after.keys), (500, 501));
    assert!(before.bytes - after.bytes > 500 * 48 * 8, "{before:?} {after:?}");
    let now = Micros(1_200_020_000);
    assert_eq!(tables.read(views[1], key(7), now), Reading::Count(100));
}
