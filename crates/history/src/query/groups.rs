// SPDX-License-Identifier: Apache-2.0
//! Groups and what is added up in each: found by the bytes of their keys, in one table a thread; tables are joined at the
//! end.

use super::budget::Budget;
use super::cells::{Cells, read};
use super::error::QueryError;
use super::limits;
use super::tally::{Rows, Tally};
use arrow_array::ArrayRef;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;
use wardroom_event::{Span, Type, Value};
use wardroom_policy::query::{Query, Sum};

/// A week, and how long after the epoch's first midnight its first Monday began.
const WEEK: i64 = 7 * 86_400_000_000;
const MONDAY: i64 = 4 * 86_400_000_000;

/// When the step begins in which a moment lies. Steps are counted from midnight UTC of 1970-01-01; weeks begin on Mondays.
pub(super) fn step_of(time: i64, step: Span) -> i64 {
    let shift = if step.0 % WEEK == 0 { MONDAY } else { 0 };
    let behind = time.saturating_sub(shift).rem_euclid(step.0);
    time.saturating_sub(behind)
}

/// Groups by their keys.
pub(super) struct Groups {
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// The keys' bytes, one after the other.
    bytes: Vec<u8>,
    /// Where each group's key ends.
    ends: Vec<usize>,
    pub(super) tallies: Vec<Tally>,
    scratch: Vec<u8>,
    /// The group of each row of the batch in hand.
    of_rows: Vec<u32>,
    /// The same everywhere, where there is but one group.
    single: bool,
    per: Option<Span>,
    /// Bytes that were taken from the budget for it.
    taken: usize,
}

/// Bytes that a group takes beside its key and what is added up.
const EACH: usize = size_of::<usize>() + 2 * size_of::<u32>();

impl Groups {
    /// Of a query; none yet, save the one of a query without keys.
    pub(super) fn new(query: &Query, sums: &[Sum], secret: [u8; 16]) -> Groups {
        let tally = |sum: &Sum| {
            let of = sum.of.as_ref().map_or(Type::Int, |of| of.kind());
            Tally::new(sum.fold, of, secret)
        };
        let single = query.keys.is_empty() && query.per.is_none();
        Groups::of(DefaultHashBuilder::default(), sums.iter().map(tally).collect(), single, query.per)
    }

    fn of(hasher: DefaultHashBuilder, tallies: Vec<Tally>, single: bool, per: Option<Span>) -> Groups {
        let mut groups = Groups {
            table: HashTable::new(),
            hasher,
            bytes: Vec::new(),
            ends: Vec::new(),
            tallies,
            scratch: Vec::new(),
            of_rows: Vec::new(),
            single,
            per,
            taken: 0,
        };
        if single {
            groups.find(&[]);
            groups.grow();
        }
        groups
    }

    /// The same, before anything was added.
    pub(super) fn fresh(&self) -> Groups {
        let tallies = self.tallies.iter().map(Tally::fresh).collect();
        Groups::of(self.hasher.clone(), tallies, self.single, self.per)
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of a group's key.
    pub(super) fn key(&self, group: usize) -> &[u8] {
        let start = group.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[group]]
    }

    /// The group of a key, made if it is new.
    pub(super) fn find(&mut self, key: &[u8]) -> u32 {
        let hash = self.hasher.hash_one(key);
        let (bytes, ends, hasher) = (&self.bytes, &self.ends, &self.hasher);
        let of = |group: u32| {
            let at = group as usize;
            let start = at.checked_sub(1).map_or(0, |before| ends[before]);
            &bytes[start..ends[at]]
        };
        let entry = self.table.entry(hash, |group| of(*group) == key, |group| hasher.hash_one(of(*group)));
        match entry {
            hashbrown::hash_table::Entry::Occupied(found) => *found.get(),
            hashbrown::hash_table::Entry::Vacant(free) => {
                let group = ends.len() as u32;
                free.insert(group);
                self.bytes.extend_from_slice(key);
                self.ends.push(self.bytes.len());
                group
            }
        }
    }

    /// The group of a key, where there is one.
    pub(super) fn get(&self, key: &[u8]) -> Option<usize> {
        let hash = self.hasher.hash_one(key);
        self.table.find(hash, |group| self.key(*group as usize) == key).map(|group| *group as usize)
    }

    /// Makes room for what is added up in groups that are new.
    pub(super) fn grow(&mut self) {
        let groups = self.ends.len();
        self.tallies.iter_mut().for_each(|tally| tally.grow(groups));
    }

    /// Adds the rows of a batch: those of `rows`, by the keys and values that were computed for them.
    pub(super) fn add(
        &mut self,
        rows: &[u32],
        keys: &[ArrayRef],
        sums: &[Option<ArrayRef>],
        (times, seqs): (&[i64], &[u64]),
        budget: &Budget,
    ) -> Result<(), QueryError> {
        let (before, bytes) = (self.len(), self.bytes.len());
        self.assign(rows, keys, times);
        if self.len() > limits::GROUPS {
            return Err(QueryError::Groups);
        }
        let each: usize = EACH + self.tallies.iter().map(Tally::each).sum::<usize>();
        self.take((self.len() - before) * each + self.bytes.len() - bytes, budget)?;
        self.grow();
        let rows = Rows { rows, groups: &self.of_rows, times, seqs };
        let mut grown = 0;
        for (tally, array) in self.tallies.iter_mut().zip(sums) {
            grown += tally.add(&rows, array.as_ref());
        }
        self.take(grown, budget)
    }

    fn take(&mut self, bytes: usize, budget: &Budget) -> Result<(), QueryError> {
        self.taken += bytes;
        budget.take(bytes)
    }

    /// Finds the group of each row.
    fn assign(&mut self, rows: &[u32], keys: &[ArrayRef], times: &[i64]) {
        let mut of_rows = std::mem::take(&mut self.of_rows);
        of_rows.clear();
        if self.single {
            of_rows.resize(rows.len(), 0);
            self.of_rows = of_rows;
            return;
        }
        let cells: Vec<Cells<'_>> = keys.iter().map(Cells::of).collect();
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut last: (Vec<u8>, u32) = (Vec::new(), u32::MAX);
        for row in rows.iter().map(|row| *row as usize) {
            scratch.clear();
            cells.iter().for_each(|cells| cells.write(row, &mut scratch));
            if let Some(step) = self.per {
                scratch.extend_from_slice(&step_of(times[row], step).to_le_bytes());
            }
            // Neighbours are often of one group.
            if last.1 == u32::MAX || last.0 != scratch {
                last.1 = self.find(&scratch);
                last.0.clone_from(&scratch);
            }
            of_rows.push(last.1);
        }
        (self.scratch, self.of_rows) = (scratch, of_rows);
    }

    /// Adds what another table has added up, group by group. `place` says under which key each of its groups goes.
    pub(super) fn absorb(
        &mut self,
        other: &Groups,
        budget: &Budget,
        place: impl Fn(&[u8]) -> &[u8],
    ) -> Result<(), QueryError> {
        for from in 0..other.len() {
            let bytes = self.bytes.len();
            let group = self.find(place(other.key(from))) as usize;
            if group == self.tallies.first().map_or(group, Tally::groups) {
                if self.len() > limits::GROUPS {
                    return Err(QueryError::Groups);
                }
                let each: usize = EACH + self.tallies.iter().map(Tally::each).sum::<usize>();
                self.take(each + self.bytes.len() - bytes, budget)?;
                self.grow();
            }
            let tallies = self.tallies.iter_mut().zip(&other.tallies);
            let grown = tallies.map(|(tally, other)| tally.absorb(group, other, from)).sum();
            self.take(grown, budget)?;
            if from % 4096 == 0 {
                budget.goes_on()?;
            }
        }
        for (tally, other) in self.tallies.iter_mut().zip(&other.tallies) {
            tally.unknown += other.unknown;
        }
        Ok(())
    }

    /// How many bytes it holds, as the budget knows it.
    pub(super) fn held(&self) -> usize {
        self.taken
    }
}

/// A group's key as values; the step behind them is left out.
pub(super) fn values(query: &Query, mut key: &[u8]) -> Vec<Value> {
    let mut values = Vec::with_capacity(query.keys.len());
    for shown in &query.keys {
        let Some((value, rest)) = read(shown.field.kind, key) else { break };
        values.push(value);
        key = rest;
    }
    values
}

/// A group's key without the step it is of.
pub(super) fn without_step(key: &[u8]) -> &[u8] {
    &key[..key.len().saturating_sub(8)]
}
