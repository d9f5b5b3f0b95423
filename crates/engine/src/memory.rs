// SPDX-License-Identifier: Apache-2.0
//! What the engine remembers between events: one table a feature, found again by the feature's id and definition.

use hashbrown::HashMap;
use smallvec::SmallVec;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wardroom_event::{Event, Micros, Value};
use wardroom_policy::{Aggregate, Count, Feature, KeyPath, Plan, Program, Row};
use wardroom_state::{Dropped, Key, Keyer, Kind, Limits, Reading, Secret, Sighting, Spec, TableId, Tables};

/// A feature across policies: the same id with the same meaning keeps its counts.
type Identity = (Box<str>, Box<str>);

/// The counters of the active policy.
pub(crate) struct Memory {
    keyer: Keyer,
    tables: Tables,
    known: HashMap<Identity, (TableId, Micros)>,
    /// The table of each feature of the active program; `None` where its window is out of range, which the checker
    /// refuses.
    of_feature: Vec<Option<TableId>>,
}

impl Memory {
    pub(crate) fn new(secret: Secret) -> Memory {
        Memory {
            keyer: Keyer::new(secret),
            tables: Tables::new(Limits::default()),
            known: HashMap::new(),
            of_feature: Vec::new(),
        }
    }

    pub(crate) fn keyer(&self) -> &Keyer {
        &self.keyer
    }

    /// Makes room for a program's features. Those it shares with the program before keep their counts; a new or
    /// changed one begins at `now` with nothing; those it lacks are dropped, and given back to be freed where that
    /// stalls nobody.
    pub(crate) fn adopt(&mut self, program: &Program, now: Micros) -> Vec<Dropped> {
        let mut known = HashMap::with_capacity(program.features.len());
        self.of_feature.clear();
        for feature in &program.features {
            let identity = (feature.id.clone(), feature.definition.clone());
            let entry = match self.known.remove(&identity) {
                Some(entry) => Some(entry),
                None => spec(feature).map(|spec| (self.tables.add_table(spec), now)),
            };
            self.of_feature.push(entry.map(|(table, _)| table));
            known.extend(entry.map(|entry| (identity, entry)));
        }
        let gone = std::mem::replace(&mut self.known, known);
        gone.into_values().map(|(table, _)| self.tables.drop_table(table)).collect()
    }

    /// Since when a feature counts.
    pub(crate) fn since(&self, feature: &Feature) -> Option<Micros> {
        self.known.get(&(feature.id.clone(), feature.definition.clone())).map(|(_, since)| *since)
    }

    /// Reads the features a plan serves, as of now and without the event in hand.
    pub(crate) fn serve(&self, plan: &Plan, event: &Event) -> Vec<Value> {
        plan.serve
            .iter()
            .map(|s| match (self.of_feature.get(s.feature).copied().flatten(), self.key(event, &s.key)) {
                (Some(table), Some(key)) => read(self.tables.read(table, key, event.counted_at())),
                _ => Value::Missing,
            })
            .collect()
    }

    /// Counts the event in hand. Gives whether a filter tripped over a fault of our own: where it does, the event does
    /// not count, and the same on every replay.
    pub(crate) fn count(&mut self, plan: &Plan, row: &Row<'_>) -> bool {
        let mut tripped = false;
        for count in &plan.count {
            let takes = takes(count, row);
            tripped |= takes.is_none();
            if takes != Some(true) {
                continue;
            }
            let Some(table) = self.of_feature.get(count.feature).copied().flatten() else {
                continue;
            };
            let Some(key) = self.key(row.event, &count.key) else {
                continue;
            };
            let item = count.item.and_then(|path| self.keyer.item([&path.of(row.event)]));
            let sighting = item.map_or(Sighting::Plain, Sighting::Item);
            self.tables.add(table, key, sighting, row.event.counted_at());
        }
        tripped
    }

    /// The key under the given paths; `None` where a part of it is missing.
    fn key(&self, event: &Event, paths: &[KeyPath]) -> Option<Key> {
        if let [KeyPath { slot, part: None }] = paths {
            return self.keyer.key(event.values.get(*slot));
        }
        let values: SmallVec<[Value; 4]> = paths.iter().map(|p| p.of(event)).collect();
        self.keyer.key(values.iter())
    }

    /// Bytes held by all counters, and how many keys.
    pub(crate) fn size(&self) -> (usize, usize) {
        let sizes = self.of_feature.iter().flatten().map(|t| self.tables.stats(*t));
        sizes.fold((0, 0), |(bytes, keys), stats| (bytes + stats.bytes, keys + stats.keys))
    }
}

/// Whether the event counts; `None` if finding out tripped. One event's fault must not take the others down.
fn takes(count: &Count, row: &Row<'_>) -> Option<bool> {
    let takes = || {
        #[cfg(test)]
        crate::active::tests::trip(row.event.time);
        count.takes(row)
    };
    catch_unwind(AssertUnwindSafe(takes)).ok()
}

fn spec(feature: &Feature) -> Option<Spec> {
    let kind = match feature.aggregate {
        Aggregate::Count => Kind::Count,
        Aggregate::Distinct => Kind::Distinct,
        Aggregate::FirstSeen => Kind::FirstSeen,
    };
    Spec::new(kind, feature.window).ok()
}

fn read(reading: Reading) -> Value {
    let int = |n: u64| Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
    match reading {
        Reading::Count(n) => int(n),
        Reading::Distinct { count, .. } => int(count),
        Reading::FirstSeen(seen) => seen.map_or(Value::Missing, Value::Time),
        _ => Value::Missing,
    }
}
