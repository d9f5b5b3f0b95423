// SPDX-License-Identifier: Apache-2.0
//! The newest records: what no file holds yet, kept decoded as far as there is room.

use crate::HistoryError;
use crate::gather::{Chunk, Gather};
use crate::limits::{BEFORE, NEWEST_BYTES};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wardroom_engine::Layout;
use wardroom_event::Micros;
use wardroom_journal::{JournalError, Keyring, Reader, segments};

/// The journal behind the files, followed as it grows.
pub(crate) struct Newest {
    journal: PathBuf,
    keys: Keyring,
    reader: Option<Reader>,
    /// The newest segment that the reader knows.
    newest_segment: u64,
    gather: Gather,
    /// What was gathered, oldest first; nothing where there is no room.
    chunks: Vec<Chunk>,
    bytes: usize,
    /// The first record that is gathered.
    from: u64,
    /// The last record that was read.
    pub(crate) to: u64,
    /// There was no room for all of it: what is asked is read from the journal again.
    pub(crate) overflown: bool,
    /// What a record took when there was no more room.
    per_record: u64,
    /// When the newest event arrived.
    pub(crate) received: Option<Micros>,
}

impl Newest {
    /// Begins behind record `exported`.
    pub(crate) fn new(journal: &Path, keys: &Keyring, exported: u64) -> Newest {
        Newest {
            journal: journal.to_owned(),
            keys: keys.clone(),
            reader: None,
            newest_segment: 0,
            gather: Gather::new(),
            chunks: Vec::new(),
            bytes: 0,
            from: exported + 1,
            to: exported,
            overflown: false,
            per_record: 0,
            received: None,
        }
    }

    /// Reads what has been written since. Gives the layouts that are new.
    pub(crate) fn follow(&mut self) -> Result<Vec<Arc<Layout>>, HistoryError> {
        self.open()?;
        while self.read()? {
            self.reader = None;
            self.open()?;
        }
        Ok(self.gather.take_met())
    }

    /// Lets go of what a file holds now.
    pub(crate) fn forget(&mut self, exported: u64) {
        self.chunks.retain(|chunk| chunk.seqs.1 > exported);
        self.bytes = self.chunks.iter().map(|c| c.batch.get_array_memory_size()).sum();
        // Reading them again pays where what is left fits, with as much room to grow: otherwise each export would have all of
        // it decoded and dropped again, while others wait.
        let left = self.to.saturating_sub(exported).saturating_mul(self.per_record);
        if self.overflown && exported >= self.from && left <= NEWEST_BYTES as u64 / 2 {
            *self = Newest { received: self.received, ..Newest::new(&self.journal, &self.keys, exported) };
        }
    }

    /// What was gathered, also what fills no chunk yet.
    pub(crate) fn chunks(&self) -> Result<Vec<Chunk>, HistoryError> {
        let mut all = self.chunks.clone();
        all.extend(self.gather.peek()?);
        Ok(all)
    }

    fn open(&mut self) -> Result<(), HistoryError> {
        if self.reader.is_some() {
            return Ok(());
        }
        self.newest_segment = segments(&self.journal)?.last().copied().unwrap_or(0);
        if self.newest_segment == 0 {
            return Ok(());
        }
        let reader = Reader::open(&self.journal)?.with_keys(&self.keys);
        // A little before, for the decision that a change there follows from.
        let next = (self.to + 1).saturating_sub(BEFORE).max(reader.first_seq());
        self.reader = Some(reader.from(next)?);
        Ok(())
    }

    /// Reads to the end. Gives whether there are segments that the reader does not know.
    fn read(&mut self) -> Result<bool, HistoryError> {
        let Some(reader) = &mut self.reader else { return Ok(false) };
        loop {
            let frame = match reader.next_frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                // Retention was faster: what is left begins later.
                Err(JournalError::Gone { .. }) => {
                    self.received = self.received.max(self.gather.received());
                    return Ok(true);
                }
                Err(e) => return Err(e.into()),
            };
            let chunk = self.gather.take(&frame, self.to + 1)?;
            if !frame.is_prologue() {
                self.to = self.to.max(frame.position.seq);
            }
            let Some(chunk) = chunk else { continue };
            if self.overflown {
                continue;
            }
            self.bytes += chunk.batch.get_array_memory_size();
            self.chunks.push(chunk);
            if self.bytes > NEWEST_BYTES {
                let records = self.to.saturating_sub(self.from) + 1;
                self.per_record = (self.bytes as u64 / records).max(1);
                self.overflown = true;
                self.chunks.clear();
                self.bytes = 0;
            }
        }
        self.received = self.received.max(self.gather.received());
        let newest = segments(&self.journal)?.last().copied().unwrap_or(0);
        Ok(newest > self.newest_segment)
    }
}

/// Chunks of one table, read from the journal as they are asked for.
pub(crate) struct FromJournal {
    reader: Reader,
    gather: Gather,
    seqs: (u64, u64),
    rest: Option<std::vec::IntoIter<Chunk>>,
}

impl FromJournal {
    /// Of the records between these, both included.
    pub(crate) fn open(
        journal: &Path,
        keys: &Keyring,
        table: &str,
        (from, to): (u64, u64),
    ) -> Result<FromJournal, HistoryError> {
        let reader = Reader::open(journal)?.with_keys(keys);
        let from = from.max(reader.first_seq());
        // The names of what is in the middle of a segment stand before it in that segment.
        let begin = reader.segment_of(from).unwrap_or(from);
        let begin = begin.saturating_sub(BEFORE).max(reader.first_seq());
        Ok(FromJournal {
            reader: reader.from(begin)?,
            gather: Gather::only(table),
            seqs: (from, to),
            rest: None,
        })
    }

    fn read(&mut self) -> Result<Option<Chunk>, HistoryError> {
        while self.rest.is_none() {
            let end = match self.reader.next_frame()? {
                Some(frame) if frame.is_prologue() || frame.position.seq <= self.seqs.1 => {
                    if let Some(chunk) = self.gather.take(&frame, self.seqs.0)? {
                        return Ok(Some(chunk));
                    }
                    false
                }
                _ => true,
            };
            if end {
                self.rest = Some(self.gather.finish()?.into_iter());
            }
        }
        Ok(self.rest.as_mut().and_then(Iterator::next))
    }
}

impl Iterator for FromJournal {
    type Item = Result<Chunk, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
