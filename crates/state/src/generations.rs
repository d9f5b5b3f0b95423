// SPDX-License-Identifier: Apache-2.0
//! Keys that expire without ever being scanned for, in shards that are small enough for whatever is done to one.
//!
//! **Shards.** An extendible hash (Fagin and others 1979): a directory tells by the first bits of a key's hash in which
//! shard it lies, and a shard that has grown too large splits in two. So no step moves, frees or writes more than a
//! shard, whether there are ten keys or ten million; and few keys have few shards. Shards never join again: an empty one
//! is some 128 bytes.
//!
//! **Generations.** There are two: whatever is touched is in the young one. Once the clock has passed everything in the
//! old one by a window, the table *turns*: the old one goes and the young one becomes old. So a key that nobody touches is
//! gone after at most two windows and a tile of event time. A turn is a number: a shard catches up with it when it is
//! touched or *swept*, as one other shard is with each sighting, and a reading knows how far behind a shard is.
//!
//! **Canonical.** When the table turns is told by the times added to it, and what goes then by when each key was touched;
//! not by how keys are cut into shards, nor by what was swept. Therefore shards can be written one by one while counting
//! goes on, and one that was loaded and told what came after it was written holds what it would have held.
//!
//! **The cap** does not act here. Forgetting changes readings, so it is told from outside and written down: see
//! [`Generations::forget`].

mod freeing;
mod shard;
#[cfg(test)]
mod tests;

use crate::Key;
use crate::bytes::{Pen, Source, Stored, Unreadable};
use freeing::Freeing;
use shard::{DEPTH, Head, Held, Shard};

/// Bits by which there are shards from the beginning, whose place in the key a slot uses for its marks.
const ROOT: u8 = 2;

/// The work of one piece, in slots to be looked at: one shard, or some small ones.
const PIECE_WORK: usize = if cfg!(test) { 30 } else { 2048 };
/// What looking at a shard costs beside that.
const SHARD_WORK: usize = 8;
/// Bytes after which a piece ends with the shard in hand.
const PIECE_BYTES: usize = 64 << 10;

/// What is kept under a key. The default is a key that was never seen.
pub(crate) trait Cell: Default {
    /// Bytes held outside the cell itself, without the allocator's own; at a constant cost.
    fn heap(&self) -> usize;
}

pub(crate) struct Generations<C> {
    /// Which shard is meant by the first bits of a hash, `depth` of them.
    directory: Vec<u32>,
    depth: u8,
    shards: Vec<Shard<C>>,
    /// How often the table has turned.
    turn: u64,
    /// No key in the old generation has a sighting in a later tile than this.
    old_to: i64,
    /// Keys touched since the last turn.
    young: usize,
    held: Held,
    freeing: Freeing<C>,
    /// The shard that was swept last.
    swept: usize,
    /// The shard, and the place in it, where [`Generations::join`] goes on.
    joined: (usize, usize),
}

impl<C: Stored> Generations<C> {
    pub(crate) fn new() -> Generations<C> {
        let shards: Vec<_> = (0..1 << ROOT).map(|prefix| Shard::new(prefix, ROOT)).collect();
        let directory = (0..1 << ROOT).collect();
        let (held, freeing) = (Held::default(), Freeing::new());
        let (turn, old_to) = (0, i64::MIN);
        Generations {
            directory,
            depth: ROOT,
            shards,
            turn,
            old_to,
            young: 0,
            held,
            freeing,
            swept: 0,
            joined: (0, 0),
        }
    }

    pub(crate) fn get(&self, key: Key) -> Option<&C> {
        self.shards[self.place(key)].get(key, self.turn)
    }

    /// Touches a key, by the record of that number: not if its shard has counted it before it was loaded.
    pub(crate) fn update(&mut self, key: Key, event: u64, change: impl FnOnce(&mut C)) {
        self.tidy();
        let place = self.place(key);
        if self.shards[place].has_counted(event) {
            return;
        }
        let turn = self.turn;
        let new = self.change(place, |shard, freeing| shard.touch(key, turn, freeing, change));
        self.young += usize::from(new);
        if self.shards[place].is_full() {
            self.split(place);
        }
    }

    /// Lets go what lies before tile `from` as a whole, where `before` was the clock's tile and `clock` is.
    pub(crate) fn expire(&mut self, from: i64, before: i64, clock: i64) {
        if from <= self.old_to {
            return;
        }
        self.turn(before);
        if from > before {
            self.turn(clock);
        }
    }

    /// The old generation goes, the young becomes old; `to` is the latest tile it can hold.
    fn turn(&mut self, to: i64) {
        (self.turn, self.old_to, self.young) = (self.turn + 1, to, 0);
    }

    /// Gives some places in turn to `change`, those that have a key, unless the shard has counted the record of that number
    /// before it was loaded. That is no touch: nothing that is read or written may follow from it, for which keys these
    /// are differs between machines.
    pub(crate) fn join(&mut self, places: usize, event: u64, mut change: impl FnMut(&mut C)) {
        for _ in 0..places {
            let (shard, slot) = self.joined;
            let some = match self.shards.get(shard) {
                Some(held) if held.has_counted(event) => false,
                Some(_) => self.change(shard, |shard, _| shard.join(slot, &mut change)),
                None => {
                    self.joined = (0, 0);
                    continue;
                }
            };
            self.joined = if some { (shard, slot + 1) } else { (shard + 1, 0) };
        }
    }

    /// Gives every cell to `change`. It walks all of them: for what happens once in a while. That is no touch, so a delta does
    /// not have what came of it.
    pub(crate) fn each(&mut self, mut change: impl FnMut(&mut C)) {
        for shard in 0..self.shards.len() {
            let mut place = 0;
            while self.change(shard, |shard, _| shard.join(place, &mut change)) {
                place += 1;
            }
        }
    }

    /// Forgets the keys touched longest ago, roughly half of them: the old generation goes, the young one becomes old.
    /// Forgetting twice without a touch between forgets all. `clock` is the clock's tile.
    pub(crate) fn forget(&mut self, clock: i64, event: u64) {
        let turn = self.turn;
        for place in 0..self.shards.len() {
            if !self.shards[place].has_counted(event) {
                self.change(place, |shard, freeing| shard.forget(turn, freeing));
            }
        }
        self.turn(clock);
    }

    /// Does a small part of what is to be done for the memory: frees some keys that have gone, and sweeps a shard.
    pub(crate) fn tidy(&mut self) {
        self.freeing.step();
        self.swept = if self.swept + 1 < self.shards.len() { self.swept + 1 } else { 0 };
        let turn = self.turn;
        if self.shards[self.swept].is_stale(turn) {
            self.change(self.swept, |shard, freeing| shard.settle(turn, freeing));
        }
    }

    /// Keys held, the expired among them.
    pub(crate) fn len(&self) -> usize {
        self.held.keys
    }

    /// Those of them in the young generation, which forgetting does not take.
    pub(crate) fn young(&self) -> usize {
        self.young.min(self.len())
    }

    pub(crate) fn bytes(&self) -> usize {
        let directory = self.directory.capacity() * size_of::<u32>();
        self.held.bytes + directory + self.shards.capacity() * size_of::<Shard<C>>()
    }

    /// Bytes of keys that are gone and not freed yet.
    pub(crate) fn freeing(&self) -> usize {
        self.held.going + self.freeing.bytes()
    }

    /// Keys forgotten, see [`Generations::forget`].
    pub(crate) fn forgotten(&self) -> u64 {
        self.held.forgotten
    }

    /// Writes all but the shards.
    pub(crate) fn write_head(&self, pen: &mut Pen<'_>) {
        pen.number(self.turn);
        pen.signed(self.old_to);
    }

    /// Reads that.
    pub(crate) fn load_head(&mut self, from: &mut Source<'_>) -> Result<(), Unreadable> {
        // Far from the greatest, so that it can go on.
        self.turn = from.number()?.min(u64::MAX >> 1);
        self.old_to = from.signed()?;
        Ok(())
    }

    /// Writes shards from a place in the order of hashes on, whole or what changed since each was last written, until
    /// that was some work; where to go on, or `None` at the end. `clock` is the clock's tile.
    pub(crate) fn write(&mut self, from: u32, delta: bool, clock: u32, pen: &mut Pen<'_>) -> Option<u32> {
        let turn = self.turn;
        let (begin, mut at, mut work) = (pen.len(), from, 0);
        while at < 1 << DEPTH {
            let place = self.at((at >> (DEPTH - self.depth)) as usize);
            let shard = &self.shards[place];
            let writes = !delta || shard.has_changed();
            // One that is not written is looked at all the same, and is seldom in the cache.
            let more = SHARD_WORK + if writes { shard.work() } else { 0 };
            if work > 0 && work + more > PIECE_WORK || pen.len() - begin > PIECE_BYTES {
                return Some(at);
            }
            work += more;
            at += 1 << (DEPTH - shard.depth());
            if writes {
                self.change(place, |shard, freeing| shard.write(delta, turn, clock, freeing, pen));
            }
        }
        None
    }

    /// Reads shards that were written.
    pub(crate) fn load(&mut self, as_of: u64, clock: u32, from: &mut Source<'_>) -> Result<(), Unreadable> {
        while !from.is_empty() {
            let head = Head::decode(from)?;
            let place = self.descend(&head)?;
            let before = self.shards[place].young_keys();
            self.change(place, |shard, freeing| shard.load(&head, as_of, clock, freeing, from))?;
            self.young = self.young.saturating_sub(before) + self.shards[place].young_keys();
        }
        Ok(())
    }

    /// The shard that a record is of: it splits here where it did there.
    fn descend(&mut self, head: &Head) -> Result<usize, Unreadable> {
        loop {
            let place = self.at(((head.prefix as usize) << (DEPTH - head.depth)) >> (DEPTH - self.depth));
            match self.shards[place].depth() {
                depth if depth == head.depth => return Ok(place),
                depth if depth > head.depth => return Err(Unreadable::No("shard any more")),
                _ => self.split(place),
            }
        }
    }

    fn place(&self, key: Key) -> usize {
        self.at(index(key.0, self.depth))
    }

    /// The shard at a place in the directory.
    fn at(&self, index: usize) -> usize {
        self.directory[index] as usize
    }

    /// Changes a shard and what all of them hold together.
    fn change<R>(&mut self, place: usize, change: impl FnOnce(&mut Shard<C>, &mut Freeing<C>) -> R) -> R {
        let shard = &mut self.shards[place];
        let before = shard.held();
        let result = change(shard, &mut self.freeing);
        self.held.replace(before, shard.held());
        result
    }

    /// Makes two of a shard.
    fn split(&mut self, place: usize) {
        let right = self.change(place, |shard, _| shard.split());
        if right.depth() > self.depth {
            self.directory = self.directory.iter().flat_map(|shard| [*shard; 2]).collect();
            self.depth += 1;
        }
        self.held.replace(Held::default(), right.held());
        let width = self.depth - right.depth();
        let from = (right.prefix() as usize) << width;
        self.directory[from..from + (1 << width)].fill(self.shards.len() as u32);
        self.shards.push(right);
    }
}

/// The first bits of a key's hash: those after the seven that `hashbrown` uses as the tag, so that they do not say the
/// same of all keys of a shard. For the place in a shard it uses the last ones.
fn index(hash: u64, bits: u8) -> usize {
    (hash << 7 >> (64 - u32::from(bits))) as usize
}
