// SPDX-License-Identifier: Apache-2.0
//! A shard as bytes: all of it, or what was touched since it was last written.
//!
//! Laid onto the shard as it was, such a delta gives the shard as it is: a key that was not touched can only have aged,
//! and at which turn of the table the shard was written is in the record. How keys are cut into shards may differ.

use super::{DEPTH, DIRTY, GENERATION, MARKS, SHIFT, Shard, Slot};
use crate::bytes::{Pen, Source, Stored, Unreadable};
use crate::generations::freeing::Freeing;
use crate::generations::{ROOT, index};

/// What stands before the slots of a record.
pub(crate) struct Head {
    /// Whether it is laid onto what there is.
    delta: bool,
    pub(crate) prefix: u32,
    pub(crate) depth: u8,
    turn: u64,
    forgotten: u64,
    slots: usize,
}

/// What a slot takes at least: its hash, and a byte of its cell.
const SLOT: usize = 9;
/// Of all shards together that is a number of 64 bits.
const MOST_FORGOTTEN: u64 = 1 << 40;

impl Head {
    pub(crate) fn decode(from: &mut Source<'_>) -> Result<Head, Unreadable> {
        let delta = from.byte()?;
        let (depth, prefix) = (from.byte()?, from.small()?);
        if !(ROOT..=DEPTH).contains(&depth) || prefix >> depth != 0 || delta > 1 {
            return Err(Unreadable::No("shard"));
        }
        let (turn, forgotten) = (from.number()?, from.number()?);
        if forgotten > MOST_FORGOTTEN {
            return Err(Unreadable::No("shard that has forgotten so much"));
        }
        Ok(Head { delta: delta == 1, prefix, depth, turn, forgotten, slots: from.count(SLOT)? })
    }
}

impl<C: Stored> Shard<C> {
    /// Whether a delta would say anything.
    pub(crate) fn has_changed(&self) -> bool {
        self.changed
    }

    /// How much there is to write, in slots to be looked at.
    pub(crate) fn work(&self) -> usize {
        self.len() + (self.held[0].parts + self.held[1].parts) / 4
    }

    /// Writes all that is there by that turn, or what was touched since it was last written. From now on that is nothing.
    /// Tiles are told from the clock's.
    pub(crate) fn write(
        &mut self,
        delta: bool,
        turn: u64,
        clock: u32,
        freeing: &mut Freeing<C>,
        pen: &mut Pen<'_>,
    ) {
        self.settle(turn, freeing);
        let dirty = self.held[0].dirty + self.held[1].dirty;
        pen.byte(u8::from(delta));
        pen.byte(self.depth);
        pen.number(self.prefix.into());
        pen.number(self.turn);
        pen.number(self.forgotten);
        pen.number(if delta { dirty.into() } else { self.len() as u64 });
        if !delta || dirty > 0 {
            self.write_slots(delta, clock, pen);
        }
        self.held.iter_mut().for_each(|held| held.dirty = 0);
        self.changed = false;
    }

    fn write_slots(&mut self, delta: bool, clock: u32, pen: &mut Pen<'_>) {
        let young = self.young();
        for slot in self.slots.iter_mut().filter(|slot| !delta || slot.is_dirty()) {
            let old = if slot.generation() == young { 0 } else { GENERATION };
            pen.hash(slot.hash() | old);
            pen.begin_at(clock);
            slot.cell.encode(pen);
            slot.word &= !DIRTY;
        }
    }

    /// Reads a record of this very shard.
    pub(crate) fn load(
        &mut self,
        head: &Head,
        as_of: u64,
        clock: u32,
        freeing: &mut Freeing<C>,
        from: &mut Source<'_>,
    ) -> Result<(), Unreadable> {
        if head.delta {
            self.settle(head.turn, freeing);
        } else {
            self.clear(freeing);
        }
        self.turn = head.turn;
        (self.forgotten, self.as_of) = (head.forgotten, as_of);
        self.slots.reserve(head.slots, Slot::hash);
        for _ in 0..head.slots {
            let word = from.hash()?;
            from.begin_at(clock);
            let cell = C::decode(from)?;
            self.load_slot(word, cell)?;
        }
        Ok(())
    }

    fn load_slot(&mut self, word: u64, cell: C) -> Result<(), Unreadable> {
        let root = u64::from(self.prefix >> (self.depth - ROOT));
        let hash = word & !MARKS;
        if word & DIRTY != 0 || index(hash | root << SHIFT, self.depth) != self.prefix as usize {
            return Err(Unreadable::No("key of that shard"));
        }
        if let Ok(entry) = self.slots.find_entry(hash, |slot| slot.hash() == hash) {
            let (before, _) = entry.remove();
            self.held[before.generation()].take(&before);
        }
        let generation = if word & GENERATION == 0 { self.young() } else { self.old() };
        let word = hash | if generation == 0 { 0 } else { GENERATION };
        let slot = Slot { word, cell };
        self.held[generation].put(&slot);
        self.slots.insert_unique(hash, slot, Slot::hash);
        Ok(())
    }
}
