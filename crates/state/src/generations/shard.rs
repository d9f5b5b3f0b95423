// SPDX-License-Identifier: Apache-2.0
//! A shard: the keys whose hashes begin alike, few enough that all of them can be looked at between two sightings.
//!
//! Both generations lie in one map, told apart by a bit of the slot: so a key that is touched stays where it is, and
//! memory is taken once. The bit, and the one that says whether the slot was touched since it was last written, take the
//! place of two bits of the key that are the same in all keys of a shard.

mod record;

use super::freeing::Freeing;
use super::{Clock, ROOT};
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

/// In a record: it is laid onto what there is.
const DELTA: u8 = 1;

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
    /// The clock's tile when it was last touched; no key has a sighting in a later one.
    young_to: i64,
    /// No key of the old generation has a sighting in a later tile than this.
    old_to: i64,
    /// The record up to which it has counted everything, where it was loaded.
    as_of: u64,
    /// Which generation is the young one.
    young: u8,
    /// The old generation has been forgotten and is still there; the young one is the old one by now.
    forgetting: bool,
    /// By how many first bits of their hashes its keys belong here.
    depth: u8,
    /// Since it was last written: how often it turned, of which more than twice is twice; and whether it changed.
    turns: u8,
    changed: bool,
    /// The bits that its keys begin with.
    prefix: u32,
    held: [Generation; 2],
    forgotten: u64,
}

impl<C: Stored> Shard<C> {
    pub(super) fn new(prefix: u32, depth: u8) -> Shard<C> {
        Shard {
            slots: HashTable::new(),
            young_to: i64::MIN,
            old_to: i64::MIN,
            as_of: 0,
            young: 0,
            forgetting: false,
            depth,
            turns: 0,
            changed: false,
            prefix,
            held: [Generation::default(); 2],
            forgotten: 0,
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

    /// The cell of a key, unless all of it lies before tile `floor`.
    pub(super) fn get(&self, key: Key, floor: i64) -> Option<&C> {
        let hash = key.0 & !MARKS;
        let slot = self.slots.find(hash, |slot| slot.hash() == hash)?;
        let to = match (slot.generation() == self.young(), self.forgetting) {
            (true, false) => self.young_to,
            (false, true) => return None,
            _ => self.old_to,
        };
        (to >= floor).then_some(&slot.cell)
    }

    /// Changes the cell of a key. Only what was touched in this shard decides what goes and when, so that a shard that
    /// was written at another time than its neighbours goes on as if it had not been.
    pub(super) fn touch(
        &mut self,
        key: Key,
        at: Clock,
        freeing: &mut Freeing<C>,
        change: impl FnOnce(&mut C),
    ) {
        self.turn(at, freeing);
        let hash = key.0 & !MARKS;
        let young = self.young();
        let word = hash | DIRTY | if young == 0 { 0 } else { GENERATION };
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
    }

    /// Lets go what has expired and begins a generation where it is time to.
    fn turn(&mut self, at: Clock, freeing: &mut Freeing<C>) {
        self.settle();
        if self.young_to < at.floor {
            self.clear(freeing);
            self.turns = 2;
            self.old_to = at.tile;
        } else if self.old_to < at.floor {
            self.drop_old();
            self.make_old();
        }
        self.young_to = at.tile;
    }

    /// The young generation becomes the old one, of which nothing is left.
    fn make_old(&mut self) {
        self.young = 1 - self.young;
        self.old_to = self.young_to;
        self.turns = 2.min(self.turns + 1);
    }

    /// Whether [`Shard::sweep`] would do something.
    pub(super) fn is_stale(&self, floor: i64) -> bool {
        let old = self.held[self.old()].len > 0;
        self.forgetting || (self.young_to < floor && self.len() > 0) || (self.old_to < floor && old)
    }

    /// Frees what has expired. No reading shows it, nor anything that follows: the next touch would have done the same.
    pub(super) fn sweep(&mut self, floor: i64, freeing: &mut Freeing<C>) {
        self.settle();
        if self.young_to < floor {
            self.clear(freeing);
        } else if self.old_to < floor {
            self.drop_old();
        }
    }

    /// Forgets the keys touched longest ago: those of the old generation, and the young one becomes old. The forgotten
    /// are freed when the shard is next touched or swept, or at once where they are all.
    pub(super) fn forget(&mut self, floor: i64, freeing: &mut Freeing<C>) {
        self.changed = true;
        if self.young_to < floor {
            self.clear(freeing);
            self.turns = 2;
            self.old_to = self.young_to;
            return;
        }
        let old = if self.forgetting { self.young() } else { self.old() };
        // Expired keys are not forgotten: whether they are still there is nobody's business.
        if self.old_to >= floor {
            self.forgotten += u64::from(self.held[old].len);
        }
        if self.forgetting {
            self.clear(freeing);
            self.make_old();
        } else if self.held[old].len == 0 {
            self.make_old();
        } else {
            self.forgetting = true;
            self.old_to = self.young_to;
            self.turns = 2.min(self.turns + 1);
        }
    }

    /// Frees what has been forgotten.
    fn settle(&mut self) {
        if self.forgetting {
            self.drop_old();
            self.young = 1 - self.young;
            self.forgetting = false;
            self.slots.shrink_to_fit(Slot::hash);
        }
    }

    fn clear(&mut self, freeing: &mut Freeing<C>) {
        let heap = self.held[0].heap + self.held[1].heap;
        freeing.take(std::mem::take(&mut self.slots), heap);
        self.held = [Generation::default(); 2];
        self.forgetting = false;
    }

    fn drop_old(&mut self) {
        let (young, old) = (self.young(), self.old());
        if self.held[old].len == 0 {
            return;
        }
        self.slots.retain(|slot| slot.generation() == young);
        self.held[old] = Generation::default();
        if self.slots.capacity() > 4 * self.len() {
            self.slots.shrink_to(2 * self.len(), Slot::hash);
        }
    }

    /// Whether it should be two.
    pub(super) fn is_full(&self) -> bool {
        let large = self.len() > KEYS || self.held[0].parts + self.held[1].parts > PARTS;
        large && self.len() > 1 && self.depth < DEPTH
    }

    /// Splits by the next bit of the hashes; gives the half in which it is set. Both go on as the whole would have.
    pub(super) fn split(&mut self) -> Shard<C> {
        self.settle();
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
        self.changed = true;
        right.changed = true;
        right
    }
}
