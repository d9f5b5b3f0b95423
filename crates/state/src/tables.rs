// SPDX-License-Identifier: Apache-2.0
//! All counters: each is added, read, fed and dropped by its id.

use crate::count::Tiles;
use crate::distinct::{FEW, Items};
use crate::first_seen::Seen;
use crate::table::Table;
use crate::{Item, Key, Kind, Limits, Spec};
use std::fmt;
use wardroom_event::Micros;

/// Names a counter's table for as long as its [`Tables`] lives; never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId(u32);

/// What a counter says of a key at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Sightings in the window.
    Count(u64),
    /// Items in the window.
    Distinct {
        /// How many; at most [`Limits::distinct_exact`].
        count: u64,
        /// Whether the count is at that bound and means "at least".
        saturated: bool,
    },
    /// The first sighting, if there was one that is not forgotten. After the time of the reading where the event
    /// in hand is late.
    FirstSeen(Option<Micros>),
}

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

/// A table that is no longer read. Freeing a large one takes a while: let go of it where a stall does no harm.
#[must_use = "freeing a large table stalls; choose where"]
pub struct Dropped(#[expect(dead_code, reason = "held only to be freed")] Option<AnyTable>);

impl fmt::Debug for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dropped")
    }
}

enum AnyTable {
    Count(Table<Tiles>),
    Distinct(Table<Items>),
    FirstSeen(Table<Seen>),
}

/// Every counter's table. [`window`](crate::window) says what is read from one.
pub struct Tables {
    limits: Limits,
    tables: Vec<Option<AnyTable>>,
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let specs = self.tables.iter().map(|table| table.as_ref().map(AnyTable::spec));
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
            Kind::Count => AnyTable::Count(Table::new(spec, most)),
            Kind::Distinct => AnyTable::Distinct(Table::new(spec, most)),
            Kind::FirstSeen => AnyTable::FirstSeen(Table::new(spec, most)),
        }));
        TableId(self.tables.len() as u32 - 1)
    }

    /// Takes a table out; its id is not to be used again.
    pub fn drop_table(&mut self, id: TableId) -> Dropped {
        Dropped(self.tables.get_mut(id.0 as usize).and_then(Option::take))
    }

    /// What the table says of a key at `now`: the time of the event in hand, which is not added yet.
    ///
    /// # Panics
    /// When the table was dropped.
    pub fn read(&self, id: TableId, key: Key, now: Micros) -> Reading {
        match self.table(id) {
            AnyTable::Count(table) => {
                Reading::Count(table.read(key, now).map_or(0, |(tiles, sight)| tiles.count(sight)))
            }
            AnyTable::Distinct(table) => {
                let count = table.read(key, now).map_or(0, |(items, sight)| items.count(sight));
                Reading::Distinct { count, saturated: count >= self.distinct_exact() as u64 }
            }
            AnyTable::FirstSeen(table) => {
                Reading::FirstSeen(table.read(key, now).and_then(|(seen, sight)| seen.first(sight)))
            }
        }
    }

    /// Adds a sighting. Only a `distinct` looks at the item; without one it takes no notice, for an unknown item
    /// is neither a new one nor an old one.
    ///
    /// # Panics
    /// When the table was dropped.
    pub fn add(&mut self, id: TableId, key: Key, item: Option<Item>, time: Micros) {
        let most = self.distinct_exact();
        match (self.table_mut(id), item) {
            (AnyTable::Count(table), _) => table.add(key, time, Tiles::add),
            (AnyTable::FirstSeen(table), _) => table.add(key, time, Seen::add),
            (AnyTable::Distinct(table), Some(item)) => {
                table.add(key, time, |items, at| items.add(item, at, most));
            }
            (AnyTable::Distinct(_), None) => (),
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

    fn distinct_exact(&self) -> usize {
        self.limits.distinct_exact.max(FEW)
    }

    fn table(&self, id: TableId) -> &AnyTable {
        self.tables
            .get(id.0 as usize)
            .and_then(Option::as_ref)
            .expect("a table is not used after it was dropped")
    }

    fn table_mut(&mut self, id: TableId) -> &mut AnyTable {
        let table = self.tables.get_mut(id.0 as usize).and_then(Option::as_mut);
        table.expect("a table is not used after it was dropped")
    }
}

impl AnyTable {
    fn spec(&self) -> Spec {
        match self {
            AnyTable::Count(table) => table.spec(),
            AnyTable::Distinct(table) => table.spec(),
            AnyTable::FirstSeen(table) => table.spec(),
        }
    }

    fn stats(&self) -> Stats {
        match self {
            AnyTable::Count(table) => table.stats(),
            AnyTable::Distinct(table) => table.stats(),
            AnyTable::FirstSeen(table) => table.stats(),
        }
    }
}
