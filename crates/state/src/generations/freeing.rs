// SPDX-License-Identifier: Apache-2.0
//! Slots that have gone and are not yet freed: a map of many cells with memory of their own is not dropped at once.

use super::Cell;
use super::shard::Slot;
use hashbrown::HashTable;
use hashbrown::hash_table::IntoIter;

/// Keys freed with each sighting, until nothing is left.
pub(super) const FREE_STEP: usize = 32;

pub(super) struct Freeing<C> {
    maps: Vec<HashTable<Slot<C>>>,
    current: Option<(IntoIter<Slot<C>>, usize)>,
    bytes: usize,
}

impl<C: Cell> Freeing<C> {
    pub(super) fn new() -> Freeing<C> {
        Freeing { maps: Vec::new(), current: None, bytes: 0 }
    }

    /// Takes a map whose cells hold `heap` bytes beside themselves.
    pub(super) fn take(&mut self, map: HashTable<Slot<C>>, heap: usize) {
        if map.allocation_size() > 0 {
            self.bytes += map.allocation_size() + heap;
            self.maps.push(map);
        }
    }

    /// Bytes that are still to be freed.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Frees some keys, or the emptied map they were in.
    pub(super) fn step(&mut self) {
        let Some((slots, size)) = &mut self.current else {
            self.current = self.maps.pop().map(|map| {
                let size = map.allocation_size();
                (map.into_iter(), size)
            });
            return;
        };
        for _ in 0..FREE_STEP {
            let Some(slot) = slots.next() else {
                self.bytes -= *size;
                self.current = None;
                return;
            };
            self.bytes -= slot.cell.heap();
        }
    }
}
