// SPDX-License-Identifier: Apache-2.0
//! All counters: each is added, read, fed and dropped by its id.

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
    /// An estimate of its memory: all that it asked the allocator for.
    pub bytes: usize,
    /// Sightings that came too late for any reading.
    pub late_dropped: u64,
    /// Keys forgotten because the table was full, expired or not.
    pub evicted: u64,
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
        Tables { limits, tables: Vec::new() }
    }

    /// Adds an empty table.
    pub fn add_table(&mut self, spec: Spec) -> TableId {
        let most = self.limits.keys_per_table;
        self.tables.push(Some(match spec.kind() {
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
        }));
        TableId(self.tables.len() as u32 - 1)
    }

    /// Takes a table out; its id is not to be used again.
    pub fn drop_table(&mut self, id: TableId) -> Dropped {
        Dropped(self.tables.get_mut(id.0 as usize).and_then(Option::take))
    }

    /// Puts in a table that was taken out of others, with all it holds; `None` where there was none. Its keys mean the
    /// same only under the secret they were made with.
    pub fn put_table(&mut self, table: Dropped) -> Option<TableId> {
        self.tables.push(Some(table.0?));
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
        self.table_mut(id).add(key, sighting, time);
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

    fn table(&self, id: TableId) -> &dyn AnyTable {
        let table = self.tables.get(id.0 as usize).and_then(Option::as_deref);
        table.expect("a table is not used after it was dropped")
    }

    fn table_mut(&mut self, id: TableId) -> &mut Box<dyn AnyTable> {
        let table = self.tables.get_mut(id.0 as usize).and_then(Option::as_mut);
        table.expect("a table is not used after it was dropped")
    }
}
