// SPDX-License-Identifier: Apache-2.0
//! A shard: the keys whose hashes begin alike, few enough that all of them can be looked at between two sightings.
//!
//! Both generations lie in one map, told apart by a bit of the slot: so a key that is touched stays where it is, and
//! memory is taken once. The bit, and the one that says whether the slot was touched since it was last written, take the
//! place of two bits of the key that are the same in all keys of a shard.

mod record;

use super::ROOT;
use super::freeing::Freeing;
use crate::Key;
use crate::bytes::Stored;
use hashbrown::HashTable;

/// Keys of a shard before it splits. Both halves fill a map that is not about to grow.
pub(super) const KEYS: usize = if cfg!(test) { 10 } else { 1750 };
/// Parts of a shard's cells before it splits; those of one cell can be more.
pub(super) const PARTS: usize = if cfg!(test) { 80 } else { 8 << 10 };
/// Bits by which shards are told apart at most: 65,536 shards, of about a hundred million keys.
pub(super) const DEPTH: u8 = 16;

/// The bits of a slot's word that are not of its key: the highest ones below what `hashbrown` takes as the tag.
const MARKS: u64 = 0b11 << SHIFT;
const SHIFT: u32 = 57 - ROOT as u32;
/// Which of both generations it is in; which of them is the young one is said by the shard.
const GENERATION: u64 = 0b01 << SHIFT;
/// It was touched since it was last written.
const DIRTY: u64 = 0b10 << SHIFT;

pub(super) use record::Head;

pub(super) struct Slot<C> {
    word: u64,
    pub(super) cell: C,
}

impl<C> Slot<C> {
    /// The key's bits that tell it apart in its shard.
    fn hash(&self) -> u64 {
        self.word & !MARKS
    }

    fn generation(&self) -> usize {
        usize::from(self.word & GENERATION != 0)
    }

    fn is_dirty(&self) -> bool {
        self.word & DIRTY != 0
    }
}

/// What one generation holds.
#[derive(Clone, Copy, Default)]
struct Generation {
    len: u32,
    dirty: u32,
    heap: usize,
    parts: usize,
}

impl Generation {
    fn put<C: Stored>(&mut self, slot: &Slot<C>) {
        self.len += 1;
        self.dirty += u32::from(slot.is_dirty());
        self.heap += slot.cell.heap();
        self.parts += slot.cell.parts();
    }

    fn take<C: Stored>(&mut self, slot: &Slot<C>) {
        self.len -= 1;
        self.dirty -= u32::from(slot.is_dirty());
        self.heap -= slot.cell.heap();
        self.parts -= slot.cell.parts();
    }
}

/// What a shard holds, to be added up.
#[derive(Clone, Copy, Default)]
pub(super) struct Held {
    pub(super) keys: usize,
    /// Bytes that stay.
    pub(super) bytes: usize,
    /// An estimate of the bytes that have been forgotten and are not yet given back.
    pub(super) going: usize,
    pub(super) forgotten: u64,
}

impl Held {
    /// Replaces one shard's part in a sum.
    pub(super) fn replace(&mut self, before: Held, after: Held) {
        self.keys = self.keys - before.keys + after.keys;
        self.bytes = self.bytes - before.bytes + after.bytes;
        self.going = self.going - before.going + after.going;
        self.forgotten = self.forgotten - before.forgotten + after.forgotten;
    }
}

/// What a reading asks stands together, in the first of two lines of the cache: with millions of keys that line is not
/// there yet.
#[repr(C, align(64))]
pub(super) struct Shard<C> {
    slots: HashTable<Slot<C>>,
    /// The table's turn up to which its generations are told apart here.
    turn: u64,
    /// The record up to which it has counted everything, where it was loaded.
    as_of: u64,
    forgotten: u64,
    /// Which generation is the young one.
    young: u8,
    /// The old generation has been forgotten and is still there.
    forgetting: bool,
    /// By how many first bits of their hashes its keys belong here.
    depth: u8,
    /// Whether it changed since it was last written.
    changed: bool,
    /// The bits that its keys begin with.
    prefix: u32,
    held: [Generation; 2],
}

impl<C: Stored> Shard<C> {
    pub(super) fn new(prefix: u32, depth: u8) -> Shard<C> {
        Shard {
            slots: HashTable::new(),
            turn: 0,
            as_of: 0,
            forgotten: 0,
            young: 0,
            forgetting: false,
            depth,
            changed: false,
            prefix,
            held: [Generation::default(); 2],
        }
    }

    pub(super) fn prefix(&self) -> u32 {
        self.prefix
    }

    pub(super) fn depth(&self) -> u8 {
        self.depth
    }

    /// Whether the record in hand is in what was loaded.
    pub(super) fn has_counted(&self, event: u64) -> bool {
        event <= self.as_of
    }

    fn young(&self) -> usize {
        self.young.into()
    }

    fn old(&self) -> usize {
        1 - self.young()
    }

    fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn held(&self) -> Held {
        let bytes = self.slots.allocation_size() + self.held[0].heap + self.held[1].heap;
        let gone = if self.forgetting { self.held[self.old()] } else { Generation::default() };
        let share = self.slots.allocation_size() * gone.len as usize / self.len().max(1);
        let going = gone.heap + share;
        Held { keys: self.len() - gone.len as usize, bytes: bytes - going, going, forgotten: self.forgotten }
    }

    /// The cell of a key, unless it went with its generation by that turn of the table.
    pub(super) fn get(&self, key: Key, turn: u64) -> Option<&C> {
        let hash = key.0 & !MARKS;
        let slot = self.slots.find(hash, |slot| slot.hash() == hash)?;
        let stays = match self.behind(turn) {
            0 => true,
            1 => slot.generation() == self.young(),
            _ => false,
        };
        stays.then_some(&slot.cell)
    }

    /// By how many turns it is behind the table. None where it was loaded and is ahead.
    fn behind(&self, turn: u64) -> u64 {
        turn.saturating_sub(self.turn)
    }

    /// Changes the cell of a key; whether that is young only now.
    pub(super) fn touch(
        &mut self,
        key: Key,
        turn: u64,
        freeing: &mut Freeing<C>,
        change: impl FnOnce(&mut C),
    ) -> bool {
        self.settle(turn, freeing);
        let hash = key.0 & !MARKS;
        let young = self.young();
        let word = hash | DIRTY | if young == 0 { 0 } else { GENERATION };
        let before = self.held[young].len;
        match self.slots.find_mut(hash, |slot| slot.hash() == hash) {
            Some(slot) => {
                self.held[slot.generation()].take(slot);
                slot.word = word;
                change(&mut slot.cell);
                self.held[young].put(slot);
            }
            None => {
                let mut slot = Slot { word, cell: C::default() };
                change(&mut slot.cell);
                self.held[young].put(&slot);
                self.slots.insert_unique(hash, slot, Slot::hash);
            }
        }
        self.changed = true;
        self.held[young].len > before
    }

    /// The keys of the young generation.
    pub(super) fn young_keys(&self) -> usize {
        self.held[self.young()].len as usize
    }

    /// Whether there is something that [`Shard::settle`] would free.
    pub(super) fn is_stale(&self, turn: u64) -> bool {
        self.turn < turn && self.len() > 0
    }

    /// Lets go what went by that turn of the table. No reading shows when that is done.
    pub(super) fn settle(&mut self, turn: u64, freeing: &mut Freeing<C>) {
        match self.behind(turn) {
            0 => return,
            1 => {
                self.drop_old();
                self.young = 1 - self.young;
            }
            _ => self.clear(freeing),
        }
        self.turn = turn;
        self.forgetting = false;
    }

    /// The table turns because it has to forget: the old generation is forgotten. Its keys are freed when the shard
    /// settles, or begin to be at once where nothing else is left.
    pub(super) fn forget(&mut self, turn: u64, freeing: &mut Freeing<C>) {
        // What had gone by then was not forgotten.
        let forgotten = match self.behind(turn) {
            0 => self.old(),
            1 => self.young(),
            _ => return self.settle(turn, freeing),
        };
        self.forgotten += u64::from(self.held[forgotten].len);
        self.changed = true;
        if self.behind(turn) == 1 {
            self.clear(freeing);
        } else {
            self.forgetting = self.held[forgotten].len > 0;
        }
    }

    fn clear(&mut self, freeing: &mut Freeing<C>) {
        let heap = self.held[0].heap + self.held[1].heap;
        freeing.take(std::mem::take(&mut self.slots), heap);
        self.held = [Generation::default(); 2];
        self.forgetting = false;
    }

    /// Drops the old generation; where it was forgotten, its memory is given back whatever may come.
    fn drop_old(&mut self) {
        let (young, old) = (self.young(), self.old());
        if self.held[old].len == 0 {
            return;
        }
        self.slots.retain(|slot| slot.generation() == young);
        self.held[old] = Generation::default();
        if self.forgetting {
            self.slots.shrink_to_fit(Slot::hash);
        } else if self.slots.capacity() > 4 * self.len() {
            self.slots.shrink_to(2 * self.len(), Slot::hash);
        }
    }

    /// Gives the cell at a place of its map to `change`, if there is one; whether there is such a place.
    pub(super) fn join(&mut self, place: usize, change: impl FnOnce(&mut C)) -> bool {
        if place >= self.slots.num_buckets() {
            return false;
        }
        if let Some(slot) = self.slots.get_bucket_mut(place) {
            let held = &mut self.held[slot.generation()];
            held.take(slot);
            change(&mut slot.cell);
            held.put(slot);
        }
        true
    }

    /// Whether it should be two.
    pub(super) fn is_full(&self) -> bool {
        let large = self.len() > KEYS || self.held[0].parts + self.held[1].parts > PARTS;
        large && self.len() > 1 && self.depth < DEPTH
    }

    /// Splits by the next bit of the hashes; gives the half in which it is set. Both go on as the whole would have.
    pub(super) fn split(&mut self) -> Shard<C> {
        self.depth += 1;
        self.prefix <<= 1;
        let mut right = Shard {
            held: [Generation::default(); 2],
            slots: HashTable::with_capacity(self.len().div_ceil(2)),
            prefix: self.prefix | 1,
            forgotten: 0,
            ..*self
        };
        let bit = 1 << (57 - self.depth);
        for slot in self.slots.extract_if(|slot| slot.word & bit != 0) {
            self.held[slot.generation()].take(&slot);
            right.held[slot.generation()].put(&slot);
            right.slots.insert_unique(slot.hash(), slot, Slot::hash);
        }
        self.slots.shrink_to_fit(Slot::hash);
        right
    }
}
