// SPDX-License-Identifier: Apache-2.0
//! All counters: each is added, read, fed and dropped by its id.

mod pieces;
#[cfg(test)]
mod tests;

use crate::baseline::{Hours, Weeks};
use crate::count::Tiles;
use crate::distinct::{FEW, Items};
use crate::extreme::{Extremes, Side};
use crate::first_seen::Seen;
use crate::last::Last;
use crate::quantile::Buckets;
use crate::ratio::Marks;
use crate::sequence::{Course, Progress};
use crate::speed::Whereabouts;
use crate::sum::Sums;
use crate::table::{AnyTable, Table};
use crate::{Key, Kind, Limits, Reading, Sighting, Spec};
use pieces::Pass;
use std::fmt;
use wardroom_event::Micros;

/// Names a counter's table for as long as its [`Tables`] lives; never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId(u32);

/// What a table holds and has lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Keys held, among them those that have expired and not yet gone.
    pub keys: usize,
    /// Its memory: all that it asked the allocator for, but for what is in `freeing`.
    pub bytes: usize,
    /// An estimate of the memory of keys that are gone and are freed little by little.
    pub freeing: usize,
    /// Sightings that came too late for any reading.
    pub late_dropped: u64,
    /// Keys that [`Tables::forget`] took before they had expired.
    pub forgotten: u64,
    /// Whether it holds more keys than [`Limits::keys_per_table`]: some are to be forgotten.
    pub over_cap: bool,
}

/// A table taken out of its [`Tables`]: to be put into others, or to be freed. Freeing a large one takes a while: let go
/// of it where a stall does no harm.
#[must_use = "freeing a large table stalls; choose where"]
pub struct Dropped(Option<Box<dyn AnyTable>>);

impl fmt::Debug for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dropped")
    }
}

/// Every counter's table. [`window`](crate::window) says what is read from one.
pub struct Tables {
    limits: Limits,
    tables: Vec<Option<Box<dyn AnyTable>>>,
    /// The record in hand.
    event: u64,
    /// Tables that have forgotten and not yet freed.
    untidy: Vec<TableId>,
    /// The pass under way.
    pass: Option<Pass>,
    /// Whether a pass has given all that there is, so that the next one can be a delta to it.
    based: bool,
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let specs = self.tables.iter().map(|table| table.as_ref().map(|table| table.spec()));
        f.debug_list().entries(specs).finish()
    }
}

impl Tables {
    /// No tables.
    pub fn new(limits: Limits) -> Tables {
        Tables { limits, tables: Vec::new(), event: u64::MAX, untidy: Vec::new(), pass: None, based: false }
    }

    /// Adds an empty table. Breaks off a pass under way, as every coming and going of tables does.
    pub fn add_table(&mut self, spec: Spec) -> TableId {
        let most = self.limits.keys_per_table;
        let mut table: Box<dyn AnyTable> = match spec.kind() {
            Kind::Count => Box::new(Table::<Tiles>::new(spec, most, ())),
            Kind::Distinct => Box::new(Table::<Items>::new(spec, most, self.limits.distinct_exact.max(FEW))),
            Kind::FirstSeen => Box::new(Table::<Seen>::new(spec, most, ())),
            Kind::Sum => Box::new(Table::<Sums>::new(spec, most, ())),
            Kind::Extreme { max } => Box::new(Table::<Extremes>::new(spec, most, Side { max })),
            Kind::Last => Box::new(Table::<Last>::new(spec, most, ())),
            Kind::Quantile { q } => Box::new(Table::<Buckets>::new(spec, most, q)),
            Kind::Baseline { span } => {
                Box::new(Table::<Hours>::new(spec, most, Weeks::new(span, spec.window())))
            }
            Kind::Speed => Box::new(Table::<Whereabouts>::new(spec, most, ())),
            Kind::Sequence { times, within } => {
                let course = Course::new(times, within, spec.window());
                Box::new(Table::<Progress>::new(spec, most, course))
            }
            Kind::Ratio => Box::new(Table::<Marks>::new(spec, most, ())),
        };
        table.set_event(self.event);
        self.end_base();
        self.tables.push(Some(table));
        TableId(self.tables.len() as u32 - 1)
    }

    /// Takes a table out; its id is not to be used again.
    pub fn drop_table(&mut self, id: TableId) -> Dropped {
        self.end_base();
        Dropped(self.tables.get_mut(id.0 as usize).and_then(Option::take))
    }

    /// Puts in a table that was taken out of others, with all it holds; `None` where there was none. Its keys mean the
    /// same only under the secret they were made with.
    pub fn put_table(&mut self, table: Dropped) -> Option<TableId> {
        let mut table = table.0?;
        table.set_event(self.event);
        self.end_base();
        self.tables.push(Some(table));
        Some(TableId(self.tables.len() as u32 - 1))
    }

    /// What the table says of a key at `now`: the time of the event in hand, which is not added yet.
    ///
    /// # Panics
    /// When the table was dropped.
    pub fn read(&self, id: TableId, key: Key, now: Micros) -> Reading {
        self.table(id).read(key, now, None)
    }

    /// What [`Tables::read`] would say at `now` if the sighting in hand had been added at `now`; of a `speed`, how
    /// fast one came to the place in hand.
    ///
    /// # Panics
    /// When the table was dropped.
    pub fn read_with(&self, id: TableId, key: Key, sighting: Sighting<'_>, now: Micros) -> Reading {
        self.table(id).read(key, now, Some(sighting))
    }

    /// How fast one came from the last place of a `speed` to the one in hand, in kilometres an hour; see
    /// [`Reading::Speed`].
    ///
    /// # Panics
    /// When the table was dropped.
    pub fn speed(&self, id: TableId, key: Key, lat: f64, lon: f64, now: Micros) -> Option<f64> {
        match self.read_with(id, key, Sighting::Place { lat, lon }, now) {
            Reading::Speed(speed) => speed,
            _ => None,
        }
    }

    /// Adds a sighting. One that is not of the kind's form changes nothing.
    ///
    /// # Panics
    /// When the table was dropped.
    pub fn add(&mut self, id: TableId, key: Key, sighting: Sighting<'_>, time: Micros) {
        self.tidy();
        let event = self.event;
        let table = self.table_mut(id);
        if event != u64::MAX {
            table.set_event(event);
        }
        table.add(key, sighting, time);
    }

    /// Says which record what is added, or forgotten, belongs to: keys that were loaded and have counted it take no
    /// notice. 0 says that none can have.
    pub fn set_event(&mut self, seq: u64) {
        self.event = if seq == 0 { u64::MAX } else { seq };
        if seq == 0 {
            self.tables.iter_mut().flatten().for_each(|table| table.set_event(u64::MAX));
        }
    }

    /// Forgets the keys of a table that were touched longest ago, roughly half of them; called twice with nothing added
    /// between, all. What can no longer be seen goes first.
    ///
    /// Readings change by it, so whoever calls it writes down when. Memory is given back little by little, with each
    /// sighting added to any table: until then it stands in [`Stats::freeing`].
    ///
    /// # Panics
    /// When the table was dropped.
    pub fn forget(&mut self, id: TableId) {
        let event = self.event;
        let table = self.table_mut(id);
        table.set_event(event);
        table.forget();
        if !self.untidy.contains(&id) {
            self.untidy.push(id);
        }
    }

    /// Frees some of what a table has forgotten to which nothing may ever be added again.
    fn tidy(&mut self) {
        let Some(id) = self.untidy.last() else { return };
        let table = self.tables.get_mut(id.0 as usize).and_then(Option::as_mut);
        if !table.is_some_and(|table| table.tidy()) {
            self.untidy.pop();
        }
    }

    /// What a table was added as.
    ///
    /// # Panics
    /// When the table was dropped.
    pub fn spec(&self, id: TableId) -> Spec {
        self.table(id).spec()
    }

    /// What a table holds and has lost.
    ///
    /// # Panics
    /// When the table was dropped.
    pub fn stats(&self, id: TableId) -> Stats {
        self.table(id).stats()
    }

    /// The memory of all tables, see [`Stats::bytes`].
    pub fn bytes(&self) -> usize {
        self.tables.iter().flatten().map(|table| table.stats().bytes).sum()
    }

    /// Tables come or go: what a pass has given is no longer all there is.
    fn end_base(&mut self) {
        (self.pass, self.based) = (None, false);
    }

    fn table(&self, id: TableId) -> &dyn AnyTable {
        let table = self.tables.get(id.0 as usize).and_then(Option::as_deref);
        table.expect("a table is not used after it was dropped")
    }

    fn table_mut(&mut self, id: TableId) -> &mut Box<dyn AnyTable> {
        let table = self.tables.get_mut(id.0 as usize).and_then(Option::as_mut);
        table.expect("a table is not used after it was dropped")
    }
}
