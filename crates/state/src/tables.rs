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
use crate::shared::groups;
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

/// One of the windows that a table is read over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct View {
    table: TableId,
    window: u8,
}

impl View {
    /// The table.
    pub fn table(self) -> TableId {
        self.table
    }

    /// Which of the table's windows, counted from the shortest.
    pub fn window(self) -> usize {
        self.window.into()
    }

    /// The same window of the table that this one was put in as.
    pub fn of(self, table: TableId) -> View {
        View { table, ..self }
    }
}

/// The shortest window, which most tables have alone.
impl From<TableId> for View {
    fn from(table: TableId) -> View {
        View { table, window: 0 }
    }
}

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
    /// Those of `keys` that [`Tables::forget`] would keep: touched since it was called last, or since keys went by themselves.
    pub young: usize,
    /// Whether the table is to forget for the sake of [`Limits::keys_per_table`]: as soon as half as many are young, so
    /// that the half touched last is always kept.
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
        let specs = self.tables.iter().map(|table| table.as_ref().map(|table| table.specs()));
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
        self.add_shared(&[spec])
    }

    /// Adds empty tables for counters that are told the same of everything. Those that differ only in their window share a
    /// table where their tiles lie in each other's (see `shared.rs`); which do is the same for the same specs.
    /// Gives where to read each.
    pub fn add_tables(&mut self, specs: &[Spec]) -> Vec<View> {
        let mut views: Vec<Option<View>> = vec![None; specs.len()];
        for group in groups(specs) {
            let mut windows: Vec<Spec> = group.iter().map(|i| specs[*i]).collect();
            windows.dedup();
            let table = self.add_shared(&windows);
            for i in group {
                let window = windows.iter().position(|spec| *spec == specs[i]).unwrap_or(0);
                views[i] = Some(View { table, window: window as u8 });
            }
        }
        views.into_iter().flatten().collect()
    }

    /// Adds a table that such counters share.
    fn add_shared(&mut self, specs: &[Spec]) -> TableId {
        let most = self.limits.keys_per_table;
        let (kind, window) = (specs[0].kind(), specs[0].window());
        let mut table: Box<dyn AnyTable> = match kind {
            Kind::Count => Box::new(Table::<Tiles>::new(specs, most, ())),
            Kind::Distinct => Box::new(Table::<Items>::new(specs, most, self.limits.distinct_exact.max(FEW))),
            Kind::FirstSeen => Box::new(Table::<Seen>::new(specs, most, ())),
            Kind::Sum => Box::new(Table::<Sums>::new(specs, most, ())),
            Kind::Extreme { max } => Box::new(Table::<Extremes>::new(specs, most, Side { max })),
            Kind::Last => Box::new(Table::<Last>::new(specs, most, ())),
            Kind::Quantile { q } => Box::new(Table::<Buckets>::new(specs, most, q)),
            Kind::Baseline { span } => Box::new(Table::<Hours>::new(specs, most, Weeks::new(span, window))),
            Kind::Speed => Box::new(Table::<Whereabouts>::new(specs, most, ())),
            Kind::Sequence { times, within } => {
                let course = Course::new(times, within, window);
                Box::new(Table::<Progress>::new(specs, most, course))
            }
            Kind::Ratio => Box::new(Table::<Marks>::new(specs, most, ())),
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

    /// What a table says of a key at `now`, over one of its windows: the time of the event in hand, which is not added yet.
    ///
    /// # Panics
    /// When the table was dropped.
    pub fn read(&self, view: impl Into<View>, key: Key, now: Micros) -> Reading {
        self.read_view(view.into(), key, now, None)
    }

    /// What [`Tables::read`] would say at `now` if the sighting in hand had been added at `now`; of a `speed`, how
    /// fast one came to the place in hand.
    ///
    /// # Panics
    /// When the table was dropped.
    pub fn read_with(&self, view: impl Into<View>, key: Key, sighting: Sighting<'_>, now: Micros) -> Reading {
        self.read_view(view.into(), key, now, Some(sighting))
    }

    fn read_view(&self, view: View, key: Key, now: Micros, with: Option<Sighting<'_>>) -> Reading {
        self.table(view.table).read(view.window(), key, now, with)
    }

    /// How fast one came from the last place of a `speed` to the one in hand, in kilometres an hour; see
    /// [`Reading::Speed`].
    ///
    /// # Panics
    /// When the table was dropped.
    pub fn speed(&self, view: impl Into<View>, key: Key, lat: f64, lon: f64, now: Micros) -> Option<f64> {
        match self.read_with(view, key, Sighting::Place { lat, lon }, now) {
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

    /// Moves a table's clock as [`Tables::add`] would, and adds nothing: where a counter's keys are spread over several of
    /// these, each is told of the sightings that the others have.
    ///
    /// # Panics
    /// When the table was dropped.
    pub fn tick(&mut self, id: TableId, sighting: Sighting<'_>, time: Micros) {
        self.table_mut(id).tick(sighting, time);
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

    /// Which table is to forget so that all hold no more than `most` bytes, and each no more keys than it may; `None` where
    /// all is well. To be asked again after it has.
    ///
    /// Beyond `most`, it is the one that holds the most. Long before, once a table takes half of what the others leave it
    /// and has nothing yet to forget, what it holds is made old: so that when the time comes only what was touched
    /// longest ago goes.
    pub fn excess(&self, most: usize) -> Option<TableId> {
        let stats = |(n, table): (usize, &Option<Box<dyn AnyTable>>)| {
            table.as_ref().map(|table| (TableId(n as u32), table.stats()))
        };
        let all = || self.tables.iter().enumerate().filter_map(stats);
        if let Some((id, _)) = all().find(|(_, stats)| stats.over_cap) {
            return Some(id);
        }
        let bytes: usize = all().map(|(_, stats)| stats.bytes).sum();
        let (id, largest) = all().filter(|(_, s)| s.keys > 0).max_by_key(|(id, s)| (s.bytes, *id))?;
        let left = most.saturating_sub(bytes - largest.bytes);
        let ripe = largest.young == largest.keys && largest.bytes > left / 2;
        (bytes > most || ripe).then_some(id)
    }

    /// Frees some of what a table has forgotten to which nothing may ever be added again.
    fn tidy(&mut self) {
        let Some(id) = self.untidy.last() else { return };
        let table = self.tables.get_mut(id.0 as usize).and_then(Option::as_mut);
        if !table.is_some_and(|table| table.tidy()) {
            self.untidy.pop();
        }
    }

    /// What a table is read as over that window.
    ///
    /// # Panics
    /// When the table was dropped.
    pub fn spec(&self, view: impl Into<View>) -> Spec {
        let view = view.into();
        self.table(view.table).specs()[view.window()]
    }

    /// The window of this number of a table, see [`View::window`]; `None` where it has no such window.
    ///
    /// # Panics
    /// When the table was dropped.
    pub fn view(&self, id: TableId, window: usize) -> Option<View> {
        let known = window < self.table(id).specs().len();
        u8::try_from(window).ok().filter(|_| known).map(|window| View { table: id, window })
    }

    /// What a table is read as over each of its windows, the shortest first.
    ///
    /// # Panics
    /// When the table was dropped.
    pub fn specs(&self, id: TableId) -> Vec<Spec> {
        self.table(id).specs()
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
