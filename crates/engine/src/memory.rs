// SPDX-License-Identifier: Apache-2.0
//! What the engine remembers between events: for each definition a window of a table, whichever features share it.
//!
//! Definitions that differ in nothing but their window, or in what is made of the same numbers (`count`, `seen` and `rate`;
//! `sum` and `mean`), share a table where the state can. Which do follows from the policy when everything is counted from the
//! beginning, as at a restart. A policy put in force later lays nothing out anew: what has a window of a table keeps it, and
//! what is new gets tables of its own, since readings do not depend on who shares. Left out for that is joining both at
//! the handover, which would count once more what is counted already.

use crate::keys::Keys;
use crate::record::Unreadable;
use crate::serve::sighting;
use hashbrown::{HashMap, HashSet};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use wardroom_event::{Micros, Value};
use wardroom_policy::{Aggregate, Amount, Count, Feature, Plan, Program, Row, Taken};
use wardroom_state::{
    Dropped, Erased, Key, Keyer, Kind, Limits, Reading, Secret, Sighting, Spec, TableId, Tables, View,
};

/// The counters of the active policy. A counter is known by its definition: what it counts, under which condition and
/// key, over which window. What the feature is called does not matter, and two that mean the same are one counter.
pub(crate) struct Memory {
    keyer: Keyer,
    tables: Tables,
    /// Where each definition is read: all windows of every table, also those that no feature reads any more.
    known: HashMap<Box<str>, View>,
    /// Where each feature of the active program is read; `None` while it is warming, and for one that keeps no table.
    of_feature: Vec<Option<View>>,
    /// The table that each feature counts into: of several that share one, the first does.
    feeds: Vec<Option<TableId>>,
}

impl Memory {
    pub(crate) fn new(secret: Secret, erased: Arc<Erased>) -> Memory {
        Memory {
            keyer: Keyer::new(secret).with_erased(erased),
            tables: Tables::new(Limits::default()),
            known: HashMap::new(),
            of_feature: Vec::new(),
            feeds: Vec::new(),
        }
    }

    pub(crate) fn keyer(&self) -> &Keyer {
        &self.keyer
    }

    /// Gives every value that is held as it came to `change`, which may give another for it.
    pub(crate) fn exchange(&mut self, change: &mut dyn FnMut(&Value) -> Option<Value>) {
        self.tables.exchange(change);
    }

    /// Makes room for a program's features. Those whose definition the program before had keep their counts. One that is
    /// new begins with an empty table if `begin` says that this is its whole past, and with none otherwise: it is cold.
    /// Tables that no feature reads any more are given back, to be freed where that stalls nobody.
    pub(crate) fn adopt(&mut self, program: &Program, begin: impl Fn(&Feature) -> bool) -> Vec<Dropped> {
        let new = |f: &&Feature| !self.known.contains_key(&f.definition) && begin(f);
        for (features, specs) in told_the_same(program.features.iter().filter(new)) {
            let views = self.tables.add_tables(&specs);
            let definitions = features.iter().map(|f| f.definition.clone());
            self.known.extend(definitions.zip(views));
        }
        let read: HashSet<TableId> = program
            .features
            .iter()
            .filter_map(|f| self.known.get(&f.definition))
            .map(|v| v.table())
            .collect();
        let gone: HashSet<TableId> =
            self.known.values().map(|view| view.table()).filter(|table| !read.contains(table)).collect();
        self.known.retain(|_, view| !gone.contains(&view.table()));
        self.wire(program);
        gone.into_iter().map(|table| self.tables.drop_table(table)).collect()
    }

    /// Numbers of the features that read as missing until they are given the past.
    pub(crate) fn cold(&self, program: &Program) -> Vec<usize> {
        let cold = |f: &Feature| !self.known.contains_key(&f.definition) && spec(f).is_some();
        program.features.iter().enumerate().filter(|(_, f)| cold(f)).map(|(number, _)| number).collect()
    }

    /// Takes over the tables of cold features from a memory that has counted their past; `program` is the one adopted
    /// last. What is not wanted is given back.
    pub(crate) fn take_in(&mut self, mut other: Memory, program: &Program) -> Vec<Dropped> {
        let mut moved = HashMap::new();
        for number in self.cold(program) {
            let Some(from) = other.known.get(&program.features[number].definition).map(|view| view.table())
            else {
                continue;
            };
            moved.entry(from).or_insert_with(|| self.tables.put_table(other.tables.drop_table(from)));
        }
        let (mut tables, mut dropped) = (other.tables, HashMap::new());
        for (definition, view) in other.known {
            match moved.get(&view.table()) {
                // What of it is known already is read where it was.
                Some(to) => to.iter().for_each(|to| {
                    self.known.entry(definition.clone()).or_insert(view.of(*to));
                }),
                None => {
                    dropped.entry(view.table()).or_insert_with(|| tables.drop_table(view.table()));
                }
            }
        }
        self.wire(program);
        dropped.into_values().collect()
    }

    fn wire(&mut self, program: &Program) {
        let view = |f: &Feature| self.known.get(&f.definition).copied();
        self.of_feature = program.features.iter().map(view).collect();
        let mut fed = HashSet::new();
        let table = |view: &Option<View>| view.map(|view| view.table()).filter(|table| fed.insert(*table));
        self.feeds = self.of_feature.iter().map(table).collect();
    }

    /// What a feature's counter says under a key, without the event in hand, or as if `own` had been counted already; `None`
    /// where it is cold or there is no key.
    pub(crate) fn read<'t>(
        &self,
        feature: usize,
        key: Option<Key>,
        now: Micros,
        own: Option<&'t Taken>,
        sighting: impl FnOnce(&'t Taken) -> Option<Sighting<'t>>,
    ) -> Option<Reading> {
        let view = self.of_feature.get(feature).copied().flatten()?;
        let key = key?;
        Some(match own.and_then(sighting) {
            Some(own) => self.tables.read_with(view, key, own, now),
            None => self.tables.read(view, key, now),
        })
    }

    /// How fast it went from the last place to this one, in km/h.
    pub(crate) fn speed(
        &self,
        feature: usize,
        key: Option<Key>,
        now: Micros,
        (lat, lon): (f64, f64),
    ) -> Option<f64> {
        let view = self.of_feature.get(feature).copied().flatten()?;
        self.tables.speed(view, key?, lat, lon, now)
    }

    /// Counts the event in hand. Gives whether a filter tripped over a fault of our own: where it does, the event does
    /// not count, and the same on every replay.
    pub(crate) fn count(&mut self, plan: &Plan, row: &Row<'_>) -> bool {
        let mut tripped = false;
        let mut keys = Keys::new(&self.keyer, row.event);
        for count in &plan.count {
            let Some(table) = self.feeds.get(count.feature).copied().flatten() else {
                continue;
            };
            let takes = takes(count, row);
            tripped |= takes.is_none();
            let Some(Some(taken)) = takes else {
                continue;
            };
            let (Some(key), Some(sighting)) = (keys.of(&count.key), sighting(&self.keyer, &taken)) else {
                continue;
            };
            self.tables.add(table, key, sighting, row.event.counted_at());
        }
        tripped
    }

    /// For a snapshot: every table, with the definitions it serves and the window that each reads of it.
    pub(crate) fn served_by(&self) -> BTreeMap<TableId, Vec<(Box<str>, usize)>> {
        let mut served: BTreeMap<TableId, Vec<(Box<str>, usize)>> = BTreeMap::new();
        for (definition, view) in &self.known {
            served.entry(view.table()).or_default().push((definition.clone(), view.window()));
        }
        // The order of a hash map is nobody's business.
        served.values_mut().for_each(|definitions| definitions.sort());
        served
    }

    /// The table that each feature counts into: of several that share one, the first does.
    pub(crate) fn feeds(&self) -> &[Option<TableId>] {
        &self.feeds
    }

    pub(crate) fn tables(&self) -> &Tables {
        &self.tables
    }

    pub(crate) fn tables_mut(&mut self) -> &mut Tables {
        &mut self.tables
    }

    /// Makes the table that a snapshot has for these definitions, or brings its head up to date; `None` where the program
    /// has none of them, or counts them otherwise: they are cold, and counted anew. [`Memory::loaded`] comes after the last.
    pub(crate) fn load_table(
        &mut self,
        program: &Program,
        definitions: &[(Box<str>, usize)],
        head: &[u8],
        is_delta: bool,
    ) -> Result<Option<TableId>, Unreadable> {
        if is_delta {
            let view = definitions.iter().find_map(|(definition, _)| self.known.get(definition));
            let Some(id) = view.map(|view| view.table()) else { return Ok(None) };
            self.tables.load_delta_head(id, head).map_err(|e| e.to_string())?;
            return Ok(Some(id));
        }
        let features = |definition: &str| program.features.iter().find(|f| *f.definition == *definition);
        if !definitions.iter().any(|(definition, _)| features(definition).is_some()) {
            return Ok(None);
        }
        let id = self.tables.load_head(head).map_err(|e| e.to_string())?;
        let views = definitions.iter().map(|(definition, window)| {
            let view = self.tables.view(id, *window)?;
            // Another version may count the same definition in another way.
            let differs = features(definition).is_some_and(|f| spec(f) != Some(self.tables.spec(view)));
            (!differs).then(|| (definition.clone(), view))
        });
        match views.collect::<Option<Vec<_>>>() {
            Some(views) => {
                self.known.extend(views);
                Ok(Some(id))
            }
            None => {
                drop(self.tables.drop_table(id));
                Ok(None)
            }
        }
    }

    /// All tables of a snapshot are there.
    pub(crate) fn loaded(&mut self, program: &Program) {
        self.wire(program);
    }

    /// Forgets the keys touched longest ago in the tables of these definitions.
    pub(crate) fn forget(&mut self, definitions: &[Box<str>]) {
        let mut tables: Vec<TableId> =
            definitions.iter().filter_map(|d| self.known.get(d)).map(|view| view.table()).collect();
        tables.sort_unstable();
        tables.dedup();
        tables.into_iter().for_each(|table| self.tables.forget(table));
    }

    /// The definitions of the table that is to forget keys, where all counters may hold `most` bytes; `None` where there is
    /// nothing to forget. See [`Tables::excess`].
    pub(crate) fn excess(&self, most: usize) -> Option<Vec<Box<str>>> {
        let id = self.tables.excess(most)?;
        Some(self.served_by().get(&id)?.iter().map(|(definition, _)| definition.clone()).collect())
    }

    /// Keys forgotten for lack of room.
    pub(crate) fn forgotten(&self) -> u64 {
        self.feeds.iter().flatten().map(|table| self.tables.stats(*table).forgotten).sum()
    }

    /// What all counters hold.
    pub(crate) fn size(&self) -> Size {
        let mut keys = HashMap::new();
        let mut size = Size::default();
        for table in self.feeds.iter().flatten() {
            let stats = self.tables.stats(*table);
            size.bytes += stats.bytes;
            size.keys += stats.keys;
            keys.insert(*table, stats.keys);
        }
        let read: HashSet<View> = self.of_feature.iter().flatten().copied().collect();
        size.pairs = read.iter().filter_map(|view| keys.get(&view.table())).sum();
        size
    }
}

/// What state holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Bytes, as far as they were asked of the allocator.
    pub bytes: usize,
    /// Keys of all tables, among them those that have expired and not yet gone.
    pub keys: usize,
    /// Keys of all counters: a key of a table that several windows share is one for each of them. Features that mean the same
    /// are one counter.
    pub pairs: usize,
}

/// Features by what their counters are told, with these: first those of the feature that comes first.
fn told_the_same<'f>(features: impl Iterator<Item = &'f Feature>) -> Vec<(Vec<&'f Feature>, Vec<Spec>)> {
    type Told<'f> = (&'f str, Option<Amount>);
    let mut places: HashMap<Told<'f>, usize> = HashMap::new();
    let mut groups: Vec<(Vec<&Feature>, Vec<Spec>)> = Vec::new();
    for feature in features {
        let Some(spec) = spec(feature) else { continue };
        let place = places.entry((&feature.stream, amount(feature.aggregate))).or_insert(groups.len());
        if *place == groups.len() {
            groups.push((Vec::new(), Vec::new()));
        }
        groups[*place].0.push(feature);
        groups[*place].1.push(spec);
    }
    groups
}

/// How amounts are held, of those who add them up.
fn amount(aggregate: Aggregate) -> Option<Amount> {
    match aggregate {
        Aggregate::Sum(amount) | Aggregate::Mean(amount) | Aggregate::Quantile(amount, _) => Some(amount),
        Aggregate::Min(amount) | Aggregate::Max(amount) => Some(amount),
        _ => None,
    }
}

/// What is counted of the event, if it counts; the outer `None` if finding out tripped. One event's fault must not take
/// the others down.
pub(crate) fn takes(count: &Count, row: &Row<'_>) -> Option<Option<Taken>> {
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
