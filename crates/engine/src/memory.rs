// SPDX-License-Identifier: Apache-2.0
//! What the engine remembers between events: one table a definition, whichever features share it.

use crate::serve::sighting;
use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wardroom_event::{Event, Value};
use wardroom_policy::{Aggregate, Count, Feature, KeyPath, Plan, Program, Row, Taken};
use wardroom_state::{Dropped, Key, Keyer, Kind, Limits, Reading, Secret, Sighting, Spec, TableId, Tables};

/// The counters of the active policy. A counter is known by its definition: what it counts, under which condition and
/// key, over which window. What the feature is called does not matter, and two that mean the same share one table.
pub(crate) struct Memory {
    keyer: Keyer,
    tables: Tables,
    /// The table of each definition.
    known: HashMap<Box<str>, TableId>,
    /// The table that each feature of the active program is read from; `None` while it is warming, and for one that
    /// keeps no table.
    of_feature: Vec<Option<TableId>>,
    /// The table that each feature counts into: of several that share one, the first does.
    feeds: Vec<Option<TableId>>,
}

impl Memory {
    pub(crate) fn new(secret: Secret) -> Memory {
        Memory {
            keyer: Keyer::new(secret),
            tables: Tables::new(Limits::default()),
            known: HashMap::new(),
            of_feature: Vec::new(),
            feeds: Vec::new(),
        }
    }

    pub(crate) fn keyer(&self) -> &Keyer {
        &self.keyer
    }

    /// Makes room for a program's features. Those whose definition the program before had keep their counts. One that is
    /// new begins with an empty table if `begin` says that this is its whole past, and with none otherwise: it is cold.
    /// Tables of definitions that are gone are given back, to be freed where that stalls nobody.
    pub(crate) fn adopt(&mut self, program: &Program, begin: impl Fn(&Feature) -> bool) -> Vec<Dropped> {
        let mut gone = std::mem::take(&mut self.known);
        for feature in &program.features {
            let definition = &feature.definition;
            if self.known.contains_key(definition) {
                continue;
            }
            let begun = || spec(feature).filter(|_| begin(feature));
            let table = gone.remove(definition).or_else(|| begun().map(|spec| self.tables.add_table(spec)));
            self.known.extend(table.map(|table| (definition.clone(), table)));
        }
        self.wire(program);
        gone.into_values().map(|table| self.tables.drop_table(table)).collect()
    }

    /// Numbers of the features that read as missing until they are given the past.
    pub(crate) fn cold(&self, program: &Program) -> Vec<usize> {
        let cold = |f: &Feature| !self.known.contains_key(&f.definition) && spec(f).is_some();
        program.features.iter().enumerate().filter(|(_, f)| cold(f)).map(|(number, _)| number).collect()
    }

    /// Takes over the tables of cold features from a memory that has counted their past; `program` is the one adopted
    /// last. What is not wanted is given back.
    pub(crate) fn take_in(&mut self, mut other: Memory, program: &Program) -> Vec<Dropped> {
        for number in self.cold(program) {
            let definition = &program.features[number].definition;
            let table = other.known.remove(definition).map(|table| other.tables.drop_table(table));
            let table = table.and_then(|table| self.tables.put_table(table));
            self.known.extend(table.map(|table| (definition.clone(), table)));
        }
        self.wire(program);
        let Memory { known, mut tables, .. } = other;
        known.into_values().map(|table| tables.drop_table(table)).collect()
    }

    fn wire(&mut self, program: &Program) {
        let table = |f: &Feature| self.known.get(&f.definition).copied();
        self.of_feature = program.features.iter().map(table).collect();
        let mut fed = HashSet::new();
        self.feeds = self.of_feature.iter().map(|table| table.filter(|table| fed.insert(*table))).collect();
    }

    /// What a feature's counter says under the key of the event in hand, without it, or as if `own` had been counted
    /// already; `None` where it is cold or has no key.
    pub(crate) fn read<'t>(
        &self,
        feature: usize,
        key: &[KeyPath],
        event: &Event,
        own: Option<&'t Taken>,
        sighting: impl FnOnce(&'t Taken) -> Option<Sighting<'t>>,
    ) -> Option<Reading> {
        let table = self.of_feature.get(feature).copied().flatten()?;
        let key = self.key(event, key)?;
        let now = event.counted_at();
        Some(match own.and_then(sighting) {
            Some(own) => self.tables.read_with(table, key, own, now),
            None => self.tables.read(table, key, now),
        })
    }

    /// How fast it went from the last place to this one, in km/h.
    pub(crate) fn speed(
        &self,
        feature: usize,
        key: &[KeyPath],
        event: &Event,
        (lat, lon): (f64, f64),
    ) -> Option<f64> {
        let table = self.of_feature.get(feature).copied().flatten()?;
        self.tables.speed(table, self.key(event, key)?, lat, lon, event.counted_at())
    }

    /// Counts the event in hand. Gives whether a filter tripped over a fault of our own: where it does, the event does
    /// not count, and the same on every replay.
    pub(crate) fn count(&mut self, plan: &Plan, row: &Row<'_>) -> bool {
        let mut tripped = false;
        for count in &plan.count {
            let Some(table) = self.feeds.get(count.feature).copied().flatten() else {
                continue;
            };
            let takes = takes(count, row);
            tripped |= takes.is_none();
            let Some(Some(taken)) = takes else {
                continue;
            };
            let (Some(key), Some(sighting)) =
                (self.key(row.event, &count.key), sighting(&self.keyer, &taken))
            else {
                continue;
            };
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
        let sizes = self.feeds.iter().flatten().map(|t| self.tables.stats(*t));
        sizes.fold((0, 0), |(bytes, keys), stats| (bytes + stats.bytes, keys + stats.keys))
    }
}

/// What is counted of the event, if it counts; the outer `None` if finding out tripped. One event's fault must not take
/// the others down.
fn takes(count: &Count, row: &Row<'_>) -> Option<Option<Taken>> {
    let takes = || {
        #[cfg(test)]
        crate::active::tests::trip(row.event.time);
        count.takes(row)
    };
    catch_unwind(AssertUnwindSafe(takes)).ok()
}

fn spec(feature: &Feature) -> Option<Spec> {
    let kind = match feature.aggregate {
        Aggregate::Count | Aggregate::Seen | Aggregate::Rate => Kind::Count,
        Aggregate::Distinct => Kind::Distinct,
        Aggregate::FirstSeen => Kind::FirstSeen,
        Aggregate::Ratio => Kind::Ratio,
        Aggregate::Sum(_) | Aggregate::Mean(_) => Kind::Sum,
        Aggregate::Min(_) => Kind::Extreme { max: false },
        Aggregate::Max(_) => Kind::Extreme { max: true },
        Aggregate::Last => Kind::Last,
        Aggregate::Quantile(_, q) => Kind::Quantile { q },
        Aggregate::Baseline(span) => Kind::Baseline { span },
        Aggregate::Speed => Kind::Speed,
        Aggregate::Sequence(times, within) => Kind::Sequence { times, within },
    };
    Spec::new(kind, feature.window).ok()
}
