// SPDX-License-Identifier: Apache-2.0
//! Random access to committed records, from any thread, while the writer writes.
//!
//! A sparse index in memory holds the offset of one frame in [`INDEX_EVERY`](crate::limits::INDEX_EVERY): the writer adds
//! to it as it commits, recovery fills it for the last segment, and older segments are walked once, when first asked for.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use crate::cursor::{Cursor, Step};
use crate::disk::Disk;
use crate::error::JournalError;
use crate::format::{Frame, FrameBuf};
use crate::limits::{INDEX_EVERY, READ_BUFFER};
use crate::reader::Reader;
use crate::seal::Keyring;

/// How much is read at a time when one record is looked for: about the distance between two marks.
const LOOKUP_CHUNK: usize = 64 << 10;

/// Finds committed records by number. Cheap to clone; any thread may use it, and it never blocks the writer for
/// longer than it takes to add one number to a list.
#[derive(Debug, Clone)]
pub struct Lookup {
    shared: Arc<Shared>,
}

/// A segment that is written no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// Its first record, which names it.
    pub first_seq: u64,
    /// Its last record.
    pub last_seq: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// When it began, UTC microseconds by the writer's clock.
    pub created_micros: i64,
    /// When the next one began: no record in it is younger. UTC microseconds.
    pub sealed_micros: i64,
}

/// What the writer has done since it was opened. How many records share a sync is [`Counters::records`] by
/// [`Counters::syncs`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Batches written.
    pub commits: u64,
    /// Records in them.
    pub records: u64,
    /// Bytes of their frames, as they lie on disk.
    pub bytes: u64,
    /// Syncs that made records durable, those of a segment's end included.
    pub syncs: u64,
    /// How long they took, all together; zero without a [stopwatch](crate::Options::stopwatch).
    pub sync_time: Duration,
    /// Segments begun.
    pub segments: u64,
}

/// The same while it is counted by one thread and read by others.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    commits: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
    syncs: AtomicU64,
    sync_nanos: AtomicU64,
    segments: AtomicU64,
}

impl Counted {
    pub(crate) fn commit(&self, records: u64, bytes: u64) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.records.fetch_add(records, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn sync(&self, took: Duration) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.sync_nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    pub(crate) fn segment(&self) {
        self.segments.fetch_add(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Shared {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    keys: Keyring,
    /// Last committed record; everything up to it can be read.
    committed: AtomicU64,
    /// Records before this one are not kept: their segments are gone, or are just being removed.
    kept_from: AtomicU64,
    counted: Counted,
    /// Ascending by first record.
    segments: RwLock<Vec<Marks>>,
    /// Held while a segment is removed or another file takes its place: one that is removed must not come back.
    placing: Mutex<()>,
}

/// The marks of one segment: mark `i` is the offset of record `first_seq + i * INDEX_EVERY`.
#[derive(Debug, Clone)]
pub(crate) struct Marks {
    pub(crate) first_seq: u64,
    /// None until the segment has been walked.
    pub(crate) offsets: Option<Vec<u64>>,
    /// How often the segment's file has become another, twice; odd while it becomes one. Marks are those of the file that
    /// was opened only where this is even, and the same before and after.
    pub(crate) version: u64,
}

impl Marks {
    /// The marks of a segment that begins now.
    pub(crate) fn new(first_seq: u64) -> Marks {
        Marks { first_seq, offsets: Some(Vec::new()), version: 0 }
    }

    /// Notes where a record lies, if it is one to be marked. Records come in order.
    pub(crate) fn note(&mut self, seq: u64, offset: u64) {
        if let Some(offsets) = &mut self.offsets
            && is_marked(self.first_seq, seq)
        {
            offsets.push(offset);
        }
    }

    /// The nearest mark at or before `seq`: record and offset. The outer none says that the segment was not walked.
    pub(crate) fn nearest(&self, seq: u64) -> Option<Option<(u64, u64)>> {
        let offsets = self.offsets.as_ref()?;
        let last = offsets.len().checked_sub(1);
        let step = ((seq - self.first_seq) / INDEX_EVERY) as usize;
        Some(last.map(|last| {
            let i = step.min(last);
            (self.first_seq + i as u64 * INDEX_EVERY, offsets[i])
        }))
    }
}

/// True if the index keeps the offset of this record.
pub(crate) fn is_marked(first_seq: u64, seq: u64) -> bool {
    (seq - first_seq).is_multiple_of(INDEX_EVERY)
}

impl Lookup {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        dir: &Path,
        keys: Keyring,
        committed: u64,
        segments: Vec<Marks>,
    ) -> Lookup {
        let segments = RwLock::new(segments);
        let committed = AtomicU64::new(committed);
        let (kept_from, counted) = (AtomicU64::new(0), Counted::default());
        Lookup {
            shared: Arc::new(Shared {
                disk,
                dir: dir.to_owned(),
                keys,
                committed,
                kept_from,
                counted,
                segments,
                placing: Mutex::new(()),
            }),
        }
    }

    /// Number of the last committed record, 0 if none.
    pub fn committed_seq(&self) -> u64 {
        self.shared.committed.load(Ordering::Acquire)
    }

    /// A reader of the whole journal, with the same disk and keys.
    ///
    /// # Errors
    /// As [`Reader::open_on`].
    pub fn reader(&self) -> Result<Reader, JournalError> {
        let Shared { disk, dir, keys, .. } = &*self.shared;
        Ok(Reader::open_on(disk.clone(), dir)?.with_keys(keys))
    }

    /// The record with this number, or none if it is not committed yet or no longer kept.
    ///
    /// # Errors
    /// `Corrupt` if the record or one shortly before it is damaged; `Io` if the disk fails.
    pub fn get(&self, seq: u64) -> Result<Option<FrameBuf>, JournalError> {
        if seq == 0 || seq > self.committed_seq() || seq < self.kept_from() {
            return Ok(None);
        }
        match self.get_kept(seq) {
            // Removed since it was asked for.
            Err(JournalError::Gone { .. }) => Ok(None),
            found => found,
        }
    }

    fn get_kept(&self, seq: u64) -> Result<Option<FrameBuf>, JournalError> {
        let Some((first_seq, nearest, _)) = self.mark(seq) else {
            return Ok(None);
        };
        if nearest.is_none() {
            self.walk(first_seq)?;
        }
        let Some((_, mut cursor)) = self.cursor_near(seq, LOOKUP_CHUNK)? else {
            return Ok(None);
        };
        find(&mut cursor, seq).map(Some)
    }

    /// A cursor on the segment that holds `seq`, as near before it as marks say, and the segment's first record. One that
    /// becomes another file just then is walked from its beginning.
    fn cursor_near(&self, seq: u64, chunk: usize) -> Result<Option<(u64, Cursor)>, JournalError> {
        loop {
            let Some((first_seq, nearest, version)) = self.mark(seq) else { return Ok(None) };
            let mut cursor = self.cursor(first_seq, chunk, true)?;
            if self.mark(seq).is_none_or(|(_, _, now)| now != version) {
                continue;
            }
            if let Some((seq, offset)) = nearest.flatten().filter(|_| version.is_multiple_of(2)) {
                cursor.seek(seq, offset);
            }
            return Ok(Some((first_seq, cursor)));
        }
    }

    /// Calls `each` with the committed records from `from` to `to`, both included, in order and without prologues; with
    /// those of them that are kept and committed by now. The writer may go on meanwhile: what is committed has a place
    /// that no longer moves.
    ///
    /// # Errors
    /// `Corrupt` where a record is damaged or missing, `Gone` where retention was faster, `Io` if the disk fails, and
    /// whatever `each` returns.
    pub fn range<E: From<JournalError>>(
        &self,
        from: u64,
        to: u64,
        mut each: impl FnMut(Frame<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let to = to.min(self.committed_seq());
        let mut next = from.max(self.first_seq());
        let chunk = if to.saturating_sub(next) < INDEX_EVERY { LOOKUP_CHUNK } else { READ_BUFFER };
        while next <= to {
            // A segment that was never walked is walked from its beginning, and no marks are kept of it.
            let Some((first_seq, mut cursor)) = self.cursor_near(next, chunk)? else {
                return Err(JournalError::Gone { seq: next, first: self.first_seq() }.into());
            };
            let last = to.min(self.last_of(first_seq));
            while next <= last {
                match cursor.step()? {
                    Step::Frame(head) if head.is_prologue() || head.seq < next => continue,
                    Step::Frame(_) => {}
                    Step::End(damage) => return Err(cursor.corrupt(damage).into()),
                }
                if let Some(frame) = cursor.frame() {
                    each(frame)?;
                }
                next += 1;
            }
        }
        Ok(())
    }

    /// Number of the first record kept; at least 1.
    pub fn first_seq(&self) -> u64 {
        let segments = self.shared.segments.read().unwrap_or_else(PoisonError::into_inner);
        segments.first().map_or(1, |marks| marks.first_seq.max(1)).max(self.kept_from())
    }

    /// What the writer has done since it was opened.
    pub fn counters(&self) -> Counters {
        let Counted { commits, records, bytes, syncs, sync_nanos, segments } = &self.shared.counted;
        let get = |n: &AtomicU64| n.load(Ordering::Relaxed);
        Counters {
            commits: get(commits),
            records: get(records),
            bytes: get(bytes),
            syncs: get(syncs),
            sync_time: Duration::from_nanos(get(sync_nanos)),
            segments: get(segments),
        }
    }

    pub(crate) fn counted(&self) -> &Counted {
        &self.shared.counted
    }

    /// The sealed segments, oldest first: what retention chooses from. Looks at each one's header, so it is nothing for
    /// the thread that writes.
    ///
    /// # Errors
    /// `Io` if the disk fails; `Corrupt` if a header is not valid.
    pub fn sealed(&self) -> Result<Vec<Sealed>, JournalError> {
        let firsts = self.segments();
        let mut out: Vec<Sealed> = Vec::new();
        for (i, &first_seq) in firsts.iter().enumerate() {
            let cursor = match self.cursor(first_seq, LOOKUP_CHUNK, false) {
                Err(JournalError::Gone { .. }) => continue,
                opened => opened?,
            };
            let created_micros = cursor.header().created_micros;
            if let Some(before) = out.last_mut() {
                before.sealed_micros = created_micros;
            }
            let Some(next) = firsts.get(i + 1) else { break };
            let bytes = cursor.file().size().map_err(JournalError::io("measure", cursor.path()))?;
            out.push(Sealed {
                first_seq,
                last_seq: next - 1,
                bytes,
                created_micros,
                sealed_micros: i64::MAX,
            });
        }
        Ok(out)
    }

    /// First records of all segments, ascending; the last is the one being written.
    pub(crate) fn segments(&self) -> Vec<u64> {
        let segments = self.shared.segments.read().unwrap_or_else(PoisonError::into_inner);
        segments.iter().map(|marks| marks.first_seq).collect()
    }

    fn kept_from(&self) -> u64 {
        self.shared.kept_from.load(Ordering::Acquire)
    }

    /// Says that what lies before `seq` is about to go, so that nobody opens it any more.
    pub(crate) fn keep_from(&self, seq: u64) {
        self.shared.kept_from.fetch_max(seq, Ordering::AcqRel);
    }

    /// Forgets a segment whose file is gone.
    pub(crate) fn forget_segment(&self, first_seq: u64) {
        let mut segments = self.shared.segments.write().unwrap_or_else(PoisonError::into_inner);
        segments.retain(|marks| marks.first_seq != first_seq);
    }

    /// The last number a segment can hold: the one before the next segment.
    fn last_of(&self, first_seq: u64) -> u64 {
        let segments = self.shared.segments.read().unwrap_or_else(PoisonError::into_inner);
        let after = segments.partition_point(|marks| marks.first_seq <= first_seq);
        segments.get(after).map_or(u64::MAX, |marks| marks.first_seq - 1)
    }

    /// Makes a batch visible: its marks first, then its last number.
    pub(crate) fn publish(&self, marks: &[(u64, u64)], committed: u64) {
        if !marks.is_empty() {
            let mut segments = self.shared.segments.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(last) = segments.last_mut() {
                marks.iter().for_each(|&(seq, offset)| last.note(seq, offset));
            }
        }
        self.shared.committed.store(committed, Ordering::Release);
    }

    /// Adds the segment that a rotation began, in place of an empty one of the same number.
    pub(crate) fn begin_segment(&self, first_seq: u64) {
        let mut segments = self.shared.segments.write().unwrap_or_else(PoisonError::into_inner);
        segments.retain(|marks| marks.first_seq != first_seq);
        segments.push(Marks::new(first_seq));
    }

    /// The segment that holds `seq`, its nearest mark, and which file the mark is of.
    #[allow(clippy::type_complexity)]
    fn mark(&self, seq: u64) -> Option<(u64, Option<Option<(u64, u64)>>, u64)> {
        let segments = self.shared.segments.read().unwrap_or_else(PoisonError::into_inner);
        let i = segments.partition_point(|marks| marks.first_seq <= seq).checked_sub(1)?;
        Some((segments[i].first_seq, segments[i].nearest(seq), segments[i].version))
    }

    /// Walks a sealed segment once and keeps its marks, unless its file becomes another meanwhile.
    fn walk(&self, first_seq: u64) -> Result<(), JournalError> {
        let mut marks = Marks::new(first_seq);
        let version = self.mark(first_seq).map_or(0, |(_, _, version)| version);
        let mut cursor = self.cursor(first_seq, READ_BUFFER, false)?;
        while let Step::Frame(head) = cursor.step()? {
            if let (false, Some(frame)) = (head.is_prologue(), cursor.frame()) {
                marks.note(head.seq, frame.position.offset);
            }
        }
        marks.version = version;
        let mut segments = self.shared.segments.write().unwrap_or_else(PoisonError::into_inner);
        let slot = segments.iter_mut().find(|slot| slot.first_seq == first_seq);
        if let Some(slot) = slot.filter(|slot| slot.version == version && version.is_multiple_of(2)) {
            *slot = marks;
        }
        Ok(())
    }

    /// Has a file take the place of a sealed segment's, durably. False if the segment is gone: then it must stay so.
    pub(crate) fn replace_segment(
        &self,
        first_seq: u64,
        from: &Path,
        to: &Path,
    ) -> Result<bool, JournalError> {
        let _placing = self.placing();
        if !self.segments().contains(&first_seq) || first_seq < self.kept_from() {
            return Ok(false);
        }
        let Shared { disk, dir, .. } = &*self.shared;
        self.turn_version(first_seq);
        let renamed = disk.rename(from, to).map_err(JournalError::io("put in place", to));
        self.turn_version(first_seq);
        renamed?;
        disk.sync_dir(dir).map_err(JournalError::io("sync the directory", dir))?;
        Ok(true)
    }

    /// The marks of a segment hold no longer.
    fn turn_version(&self, first_seq: u64) {
        let mut segments = self.shared.segments.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(marks) = segments.iter_mut().find(|marks| marks.first_seq == first_seq) {
            marks.version += 1;
            marks.offsets = None;
        }
    }

    /// Keeps files of segments from being removed or exchanged by another thread.
    pub(crate) fn placing(&self) -> MutexGuard<'_, ()> {
        self.shared.placing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.shared.disk
    }

    pub(crate) fn keys(&self) -> &Keyring {
        &self.shared.keys
    }

    /// A cursor on a segment, for its payloads too or for its frames alone.
    pub(crate) fn cursor(
        &self,
        first_seq: u64,
        chunk: usize,
        payloads: bool,
    ) -> Result<Cursor, JournalError> {
        let Shared { disk, dir, keys, .. } = &*self.shared;
        let opened = Cursor::open(&**disk, dir, first_seq, chunk, payloads.then_some(keys));
        // Removing says so first, so a file that is not there although it should be kept was taken by somebody else.
        if opened.is_err() && first_seq < self.kept_from() {
            return Err(JournalError::Gone { seq: first_seq, first: self.first_seq() });
        }
        opened
    }
}

/// Steps on to record `seq`, which is known to be there.
pub(crate) fn find(cursor: &mut Cursor, seq: u64) -> Result<FrameBuf, JournalError> {
    loop {
        match cursor.step()? {
            Step::Frame(head) if head.seq == seq && !head.is_prologue() => {}
            Step::Frame(_) => continue,
            Step::End(damage) => return Err(cursor.corrupt(damage)),
        }
        if let Some(frame) = cursor.frame() {
            return Ok(frame.to_owned());
        }
    }
}
