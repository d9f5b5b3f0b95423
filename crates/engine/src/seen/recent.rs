// SPDX-License-Identifier: Apache-2.0
//! Ids in memory: a log in the order of their records, and an index over it by hash.
//!
//! A log, because a snapshot takes ids in pieces from where it left off, and a file is made from all of them. The index
//! has its full size from the beginning: growing it would move a million places in one event's time.

use crate::limits;
use hashbrown::HashTable;

/// Ids of a stretch of records, the newest last.
pub(super) struct Recent {
    /// Hash and record.
    log: Vec<(u64, u64)>,
    index: HashTable<u32>,
    /// The first record whose id would be here.
    from: u64,
    /// The last such.
    last: u64,
}

impl Recent {
    /// Ids of the records after `after`, with room for `most`.
    pub(super) fn new(after: u64, most: usize) -> Recent {
        let room = most.min(limits::IDS_PER_CHUNK);
        Recent { log: Vec::new(), index: HashTable::with_capacity(room), from: after + 1, last: after }
    }

    pub(super) fn find(&self, hash: u64) -> Option<u64> {
        let at = self.index.find(hash, |at| self.log.get(*at as usize).is_some_and(|(h, _)| *h == hash))?;
        self.log.get(*at as usize).map(|(_, seq)| *seq)
    }

    /// Adds the id of a record later than all before. Of one hash, the newest counts.
    pub(super) fn push(&mut self, hash: u64, seq: u64) {
        let Ok(at) = u32::try_from(self.log.len()) else {
            return;
        };
        let log = &self.log;
        let same = |at: &u32| log.get(*at as usize).is_some_and(|(h, _)| *h == hash);
        match self.index.find_mut(hash, same) {
            Some(known) => *known = at,
            None => {
                self.index.insert_unique(hash, at, |at| log.get(*at as usize).map_or(0, |(h, _)| *h));
            }
        }
        self.log.push((hash, seq));
        self.last = self.last.max(seq);
    }

    /// Says that it has all ids up to a record.
    pub(super) fn cover(&mut self, last: u64) {
        self.last = self.last.max(last);
    }

    /// The ids of records after one.
    pub(super) fn after(&self, seq: u64) -> &[(u64, u64)] {
        let from = self.log.partition_point(|(_, s)| *s <= seq);
        self.log.get(from..).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.log.len()
    }

    pub(super) fn from(&self) -> u64 {
        self.from
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn bytes(&self) -> usize {
        self.log.capacity() * size_of::<(u64, u64)>() + self.index.allocation_size()
    }
}
