// SPDX-License-Identifier: Apache-2.0
//! Event ids that came before: for a day, the same id gives the same decision.
//!
//! A day of a large provider is thirty million ids; as a hash map they take a gigabyte. So only the newest are held in
//! memory ([`recent`]). Every [`limits::IDS_PER_CHUNK`] of them become a file sorted by hash ([`chunk`]), of which memory
//! keeps a filter of some 20 bits an id: an id that is new, as nearly all are, costs a look at each filter and no disk.
//!
//! Nothing here is part of the truth: what a file has lost is read again from the journal. A file is written beside the
//! sequencer, and only once the journal is durable past its last record, so that no file knows of a record that a power
//! cut took back.

mod chunk;
mod filter;
mod recent;
mod shelf;
#[cfg(test)]
mod tests;

use crate::{EngineError, limits};
use chunk::Chunk;
use recent::Recent;
pub(crate) use shelf::Shelf;
use shelf::Written;
use siphasher::sip::SipHasher13;
use std::collections::VecDeque;
use std::hash::Hasher;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use wardroom_event::{EventId, Micros};
use wardroom_journal::JournalError;
use wardroom_state::Secret;

/// Ids that are no longer added to.
enum Older {
    /// In memory: not written yet, or there is nowhere to write to.
    Held(Arc<Recent>),
    /// In a file.
    Shelved(Chunk),
}

/// Ids closed off at a time; they go together a window later.
struct Closed {
    at: Micros,
    ids: Older,
}

/// Ids of the last window and a little more. What is closed off goes whole, so forgetting costs no scan.
pub(crate) struct Seen {
    hasher: SipHasher13,
    young: Recent,
    young_since: Micros,
    /// The latest arrival among the young: the clock may have gone back since.
    latest: Micros,
    /// The oldest first.
    closed: VecDeque<Closed>,
    /// Where files lie; `None` to hold everything in memory, within bounds.
    shelf: Option<Arc<Shelf>>,
    writing: Option<Receiver<Written>>,
    /// A write failed: the next is tried when more ids have gathered.
    pause_until: u64,
    /// Most ids before they are closed off.
    most: usize,
    /// Ids of records up to here lie in files, and are not taken in again.
    through: u64,
}

/// How many ids are known, and what that takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) ids: u64,
    /// In memory, as asked of the allocator.
    pub(crate) bytes: usize,
    /// Files.
    pub(crate) chunks: usize,
}

impl Seen {
    /// Knows nothing, and keeps no files.
    #[cfg(test)]
    pub(crate) fn new(secret: Secret) -> Seen {
        Seen::bounded(secret, limits::IDS_PER_CHUNK)
    }

    fn bounded(secret: Secret, most: usize) -> Seen {
        Seen {
            hasher: SipHasher13::new_with_key(&secret.0),
            young: Recent::new(0, most),
            young_since: Micros(i64::MIN),
            latest: Micros(i64::MIN),
            closed: VecDeque::new(),
            shelf: None,
            writing: None,
            pause_until: 0,
            most,
            through: 0,
        }
    }

    /// Knows what the files of a data directory hold; what one of them has lost is read from the journal. Files of records
    /// that the journal does not have are removed.
    ///
    /// # Errors
    /// When the disk fails: what cannot be read now is not forgotten.
    pub(crate) fn open(secret: Secret, shelf: Shelf) -> Result<Seen, EngineError> {
        Seen::open_bounded(secret, shelf, limits::IDS_PER_CHUNK)
    }

    /// As [`Seen::open`] for a simulation: without a thread, and with files of few ids, for lives there are short.
    pub(crate) fn open_by_hand(secret: Secret, shelf: Shelf) -> Result<Seen, EngineError> {
        Seen::open_bounded(secret, shelf.by_hand(), limits::IDS_PER_CHUNK_BY_HAND)
    }

    fn open_bounded(secret: Secret, shelf: Shelf, most: usize) -> Result<Seen, EngineError> {
        let mut seen = Seen::bounded(secret, most);
        let shelf = Arc::new(shelf.checked_by(seen.hash_of("", "a check of the secret")));
        for (begin, chunk) in shelf.chunks()? {
            let from = if seen.through > 0 { seen.through + 1 } else { begin };
            if from < chunk.from() {
                let ids = seen.read_again(&shelf, from, chunk.from() - 1)?;
                seen.closed.push_back(Closed { at: chunk.closed_at(), ids });
            }
            seen.through = chunk.last();
            seen.closed.push_back(Closed { at: chunk.closed_at(), ids: Older::Shelved(chunk) });
        }
        seen.young = Recent::new(seen.through, most);
        seen.shelf = Some(shelf);
        Ok(seen)
    }

    /// The number of the record with this id, if it came before.
    ///
    /// # Errors
    /// When neither its file nor the journal can be read now: whether it came before is not known.
    pub(crate) fn find(&mut self, id: &EventId) -> Result<Option<u64>, EngineError> {
        let hash = self.hash(id);
        if let Some(seq) = self.young.find(hash) {
            return Ok(Some(seq));
        }
        // From the newest back.
        let mut i = self.closed.len();
        while let Some(closed) = i.checked_sub(1).and_then(|i| self.closed.get(i)) {
            let found = match &closed.ids {
                Older::Held(ids) => Ok(ids.find(hash)),
                Older::Shelved(chunk) => chunk.find(hash),
            };
            match found {
                Ok(None) => i -= 1,
                Ok(found) => return Ok(found),
                Err(error) => {
                    tracing::error!(%error, "event ids are read again from the journal");
                    self.recover(i - 1)?;
                }
            }
        }
        Ok(None)
    }

    /// Remembers a record's id. Records come in order; one that came before changes nothing.
    pub(crate) fn insert(&mut self, id: &EventId, seq: u64, received: Micros) {
        self.insert_hash(self.hash(id), seq, received);
    }

    /// As [`Seen::insert`], of an id whose hash is known.
    pub(crate) fn insert_hash(&mut self, hash: u64, seq: u64, received: Micros) {
        if seq <= self.through.max(self.young.last()) {
            return;
        }
        let due = received >= self.young_since.plus(limits::SEEN_WINDOW);
        if due || self.young.len() >= self.most {
            self.close_off(received);
        }
        self.latest = self.latest.max(received);
        self.young.push(hash, seq);
    }

    /// Closes off the youngest ids and lets go of those that were closed off a window ago.
    fn close_off(&mut self, received: Micros) {
        self.young_since = received;
        let at = received.max(std::mem::replace(&mut self.latest, Micros(i64::MIN)));
        if self.young.len() == 0 {
            return;
        }
        while let Some(gone) = self.closed.pop_front_if(|c| received >= c.at.plus(limits::SEEN_WINDOW)) {
            self.let_go(gone);
        }
        let next = Recent::new(self.young.last(), self.most);
        let ids = Older::Held(Arc::new(std::mem::replace(&mut self.young, next)));
        self.closed.push_back(Closed { at, ids });
        let held = self.closed.iter().filter(|c| matches!(c.ids, Older::Held(_))).count();
        let over = held > limits::IDS_HELD_CHUNKS || self.closed.len() > limits::IDS_CHUNKS;
        if let Some(gone) = self.closed.pop_front_if(|_| over) {
            tracing::warn!("more event ids than there is room for: the oldest are forgotten early");
            self.let_go(gone);
        }
    }

    fn let_go(&self, gone: Closed) {
        if let (Older::Shelved(chunk), Some(shelf)) = (gone.ids, &self.shelf) {
            shelf.remove(chunk.from(), chunk.last());
        }
    }

    /// Moves ids to files: to be called now and then, with the last record that is durable. Never waits for the disk.
    pub(crate) fn tend(&mut self, durable: u64) {
        let Some(shelf) = &self.shelf else {
            return;
        };
        if let Some(writing) = &self.writing {
            let written = match writing.try_recv() {
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => Err("the thread that writes event ids ended".to_owned()),
                Ok(written) => written,
            };
            self.writing = None;
            self.settle(written);
            return;
        }
        if self.young.last() < self.pause_until {
            return;
        }
        let held = self.closed.iter().find_map(|c| match &c.ids {
            Older::Held(ids) => Some((c.at, ids)),
            Older::Shelved(_) => None,
        });
        if let Some((at, ids)) = held.filter(|(_, ids)| ids.last() <= durable) {
            self.writing = shelf.write(ids.clone(), at);
        }
    }

    fn settle(&mut self, written: Written) {
        let chunk = match written {
            Ok(chunk) => chunk,
            Err(error) => {
                tracing::warn!(%error, "event ids cannot be written to their file now: they stay in memory");
                self.pause_until = self.young.last() + self.most as u64 / 4;
                return;
            }
        };
        let same = |c: &Closed| matches!(&c.ids, Older::Held(ids) if ids.last() == chunk.last());
        match self.closed.iter().position(same) {
            Some(i) => {
                self.through = self.through.max(chunk.last());
                self.closed[i].ids = Older::Shelved(chunk);
            }
            // It was forgotten meanwhile.
            None => drop(self.shelf.as_ref().map(|shelf| shelf.remove(chunk.from(), chunk.last()))),
        }
    }

    /// Reads again, from the journal, the ids of a file that cannot be read.
    fn recover(&mut self, lost: usize) -> Result<(), EngineError> {
        let Some((shelf, closed)) = self.shelf.clone().zip(self.closed.get(lost)) else {
            return Ok(());
        };
        let Older::Shelved(chunk) = &closed.ids else {
            return Ok(());
        };
        let (from, last) = (chunk.from(), chunk.last());
        let ids = self.read_again(&shelf, from, last)?;
        if let Some(closed) = self.closed.get_mut(lost) {
            closed.ids = ids;
        }
        // The file stays until it is written anew: a restart sees from it that there is something to be read again.
        Ok(())
    }

    /// Reads the ids of a stretch of records from the journal. Those of records that are damaged there as well are lost.
    fn read_again(&self, shelf: &Shelf, from: u64, to: u64) -> Result<Older, EngineError> {
        let mut ids = Recent::new(from - 1, self.most);
        let hash = |source: &str, id: &str| self.hash_of(source, id);
        match shelf.read_again(from, to, &mut |source, id, seq| ids.push(hash(source, id), seq)) {
            Err(error @ EngineError::Journal(JournalError::Io { .. })) => return Err(error),
            Err(error) => {
                tracing::error!(%error, from, to, "event ids of these records are lost: sent again, they are decided again");
            }
            Ok(()) => {}
        }
        ids.cover(to);
        Ok(Older::Held(Arc::new(ids)))
    }

    /// What it has, and what that takes.
    pub(crate) fn size(&self) -> Size {
        let mut size = Size { ids: self.young.len() as u64, bytes: self.young.bytes(), chunks: 0 };
        for closed in &self.closed {
            let (ids, bytes, chunks) = match &closed.ids {
                Older::Held(ids) => (ids.len() as u64, ids.bytes(), 0),
                Older::Shelved(chunk) => (chunk.len(), chunk.bytes(), 1),
            };
            size = Size { ids: size.ids + ids, bytes: size.bytes + bytes, chunks: size.chunks + chunks };
        }
        size
    }

    /// 64 bits under the installation's secret: nobody can aim a collision, and one by chance has odds below 1 in 10¹¹
    /// for each event at the largest size.
    fn hash(&self, id: &EventId) -> u64 {
        self.hash_of(&id.source, &id.id)
    }

    fn hash_of(&self, source: &str, id: &str) -> u64 {
        IdHasher(self.hasher).hash(source, id)
    }

    /// What hashes ids, for who does it elsewhere.
    pub(crate) fn hasher(&self) -> IdHasher {
        IdHasher(self.hasher)
    }
}

/// Hashes ids under the installation's secret.
#[derive(Clone, Copy)]
pub(crate) struct IdHasher(SipHasher13);

impl IdHasher {
    /// One for whoever has no use for the hashes.
    pub(crate) fn idle() -> IdHasher {
        IdHasher(SipHasher13::new())
    }

    pub(crate) fn hash(self, source: &str, id: &str) -> u64 {
        let mut hasher = self.0;
        hasher.write_usize(source.len());
        hasher.write(source.as_bytes());
        hasher.write(id.as_bytes());
        hasher.finish()
    }
}

/// What of it goes into a snapshot: the ids that lie in no file.
impl Seen {
    /// Up to which record ids lie in files, and since when the youngest gather: what [`Seen::load`] begins with.
    pub(crate) fn head(&self) -> (u64, Micros) {
        (self.through, self.young_since)
    }

    /// Appends the ids of the first records after `after`, as hash and number, at most `most` of them; the number of the
    /// last, or `None` where there are no more.
    pub(crate) fn piece(&self, after: u64, most: usize, out: &mut Vec<(u64, u64)>) -> Option<u64> {
        let held = self.closed.iter().filter_map(|c| match &c.ids {
            Older::Held(ids) => Some(&**ids),
            Older::Shelved(_) => None,
        });
        let ids = held.chain([&self.young]).find_map(|ids| {
            let rest = ids.after(after);
            (!rest.is_empty()).then_some(rest)
        })?;
        let taken = &ids[..ids.len().min(most)];
        out.extend_from_slice(taken);
        taken.last().map(|(_, seq)| *seq)
    }

    /// Begins from a snapshot: what its files lack of the ids up to `through` is read from the journal.
    ///
    /// # Errors
    /// When the journal cannot be read now.
    pub(crate) fn resume(&mut self, (through, young_since): (u64, Micros)) -> Result<(), EngineError> {
        if let Some(shelf) = self.shelf.clone()
            && self.through < through
        {
            let ids = self.read_again(&shelf, self.through + 1, through)?;
            self.closed.push_back(Closed { at: young_since, ids });
            self.young = Recent::new(through, self.most);
        }
        self.young_since = young_since;
        Ok(())
    }

    /// Takes ids in from a snapshot, in the order of their records.
    pub(crate) fn load(&mut self, ids: &[(u64, u64)]) {
        for (hash, seq) in ids {
            if *seq > self.through.max(self.young.last()) {
                if self.young.len() >= self.most {
                    self.close_off(self.young_since);
                }
                self.young.push(*hash, *seq);
            }
        }
    }
}
