// SPDX-License-Identifier: Apache-2.0
//! The one writer: reserve room, append into a buffer, commit with one write.
//!
//! `reserve` is the only place where a segment begins, so a full disk is met before anything has a number, and never
//! in the middle of a batch. `append` only touches memory. `commit` is the only place where records reach the disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::disk::{Access, Disk, DiskFile, LockGuard, write_full};
use crate::error::{self, JournalError};
use crate::format::{
    self, FLAG_PROLOGUE, FRAME_HEAD, FrameHead, HEADER_BYTES, Position, SEGMENT_CONTEXT, SegmentHeader,
    encode_sealed, frame_bytes,
};
use crate::limits::{MAX_PAYLOAD, MAX_PROLOGUE_BYTES, MAX_SEGMENT_BYTES, MAX_UNSYNCED_FRAMES};
use crate::lookup::{Counters, Lookup, is_marked};
use crate::recover::Options;
use crate::seal::{Seal, TAG_BYTES};

/// A buffer larger than this is given back after its commit, in bytes.
const KEEP_BUFFER: usize = 4 << 20;

/// What a commit waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Return once the batch, and all before it, would survive a power cut.
    Sync,
    /// Return once the system has the batch: it survives the death of the process, and of the machine after the next
    /// [`Writer::sync`]. After [`MAX_UNSYNCED_FRAMES`] a commit syncs all the same.
    Interval,
}

/// What [`Writer::remove_segments_below`] removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// How many segments.
    pub segments: u64,
    /// Their bytes on disk.
    pub bytes: u64,
}

/// The segment being written.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) path: PathBuf,
    pub(crate) first_seq: u64,
    pub(crate) salt: u32,
    /// What its payloads are encrypted with.
    pub(crate) seal: Option<Seal>,
    /// True if another process began it and nothing more may be written into it: it is encrypted, or what follows is to
    /// be. See [`Seal`] for why.
    pub(crate) finished: bool,
    /// Allocated length in bytes.
    pub(crate) len: u64,
    /// End of the committed frames.
    pub(crate) end: u64,
}

/// Appends records. There is at most one per journal, held apart by a lock on the directory; dropping it releases the
/// lock and forgets frames that were not committed.
#[derive(Debug)]
pub struct Writer {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    options: Options,
    /// None until the first reserve of an empty journal.
    active: Option<Active>,
    prologue: Vec<(u8, Vec<u8>)>,
    /// Last committed record.
    committed: u64,
    /// Last record known durable.
    durable: u64,
    /// Encoded frames waiting for their commit; they follow `active.end`.
    buffer: Vec<u8>,
    buffered_frames: u64,
    /// Record and offset of waiting frames that the index will keep.
    marks: Vec<(u64, u64)>,
    /// Bytes that may still be appended.
    reserved: u64,
    /// The first failure; set once, never cleared.
    poison: Option<String>,
    lookup: Lookup,
    _lock: Box<dyn LockGuard>,
}

impl Writer {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        options: Options,
        lock: Box<dyn LockGuard>,
        active: Option<Active>,
        last_seq: u64,
        lookup: Lookup,
    ) -> Writer {
        Writer {
            disk,
            dir,
            options,
            active,
            prologue: Vec::new(),
            committed: last_seq,
            durable: last_seq,
            buffer: Vec::new(),
            buffered_frames: 0,
            marks: Vec::new(),
            reserved: 0,
            poison: None,
            lookup,
            _lock: lock,
        }
    }

    /// Number the next appended record will have.
    pub fn next_seq(&self) -> u64 {
        self.committed + self.buffered_frames + 1
    }

    /// Last committed record; 0 if none.
    pub fn committed_seq(&self) -> u64 {
        self.committed
    }

    /// Last record that would survive a power cut; 0 if none.
    pub fn durable_seq(&self) -> u64 {
        self.durable
    }

    /// What this writer has done since it was opened; [`Lookup::counters`] is the same from any thread.
    pub fn counters(&self) -> Counters {
        self.lookup.counters()
    }

    /// A handle for reading committed records from any thread.
    pub fn lookup(&self) -> Lookup {
        self.lookup.clone()
    }

    /// Sets the time that the next segment notes as its creation, UTC microseconds.
    pub fn set_now_micros(&mut self, now_micros: i64) {
        self.options.now_micros = now_micros;
    }

    /// Sets the frames that every segment from the **next rotation** on begins with, so that each segment can be
    /// read on its own: `(kind, payload)`, in order. They carry [`FLAG_PROLOGUE`] and consume no number. An empty
    /// journal makes its first segment at its first reserve, so a prologue set before that is in the first segment; in
    /// a journal that has a segment, append what must be known at once as a record, or call [`Writer::rotate`].
    ///
    /// # Errors
    /// `TooLarge` beyond [`MAX_PAYLOAD`] for one or [`MAX_PROLOGUE_BYTES`] for all; the old prologue stays.
    pub fn set_prologue(&mut self, prologue: Vec<(u8, Vec<u8>)>) -> Result<(), JournalError> {
        for (_, payload) in &prologue {
            within("a prologue payload", payload.len() as u64, MAX_PAYLOAD as u64)?;
        }
        let total = prologue.iter().map(|(_, payload)| frame_bytes(payload.len())).sum();
        within("the prologue", total, MAX_PROLOGUE_BYTES)?;
        self.prologue = prologue;
        Ok(())
    }

    /// Makes sure that `bytes` of frames (see [`frame_bytes`]) can be appended without meeting a full disk, beginning a
    /// new segment if this one has less room. Replaces what was reserved before.
    ///
    /// # Errors
    /// `Full` if the next segment cannot be allocated: nothing has changed, smaller reserves may still fit into this
    /// segment, and a later one succeeds once there is room. `Uncommitted` if a new segment is needed while frames wait
    /// for their commit. `TooLarge` beyond [`MAX_SEGMENT_BYTES`]. `Seal` if an encrypted segment is needed and
    /// the system gives no randomness: nothing has changed. `Io` poisons the writer.
    pub fn reserve(&mut self, bytes: u64) -> Result<(), JournalError> {
        self.check_poison()?;
        let open = self.active.as_ref().filter(|a| !a.finished);
        let room = open.map_or(0, |a| a.len.saturating_sub(a.end));
        let taken = self.buffer.len() as u64;
        if open.is_none() || room.saturating_sub(taken) < self.on_disk(bytes) {
            self.begin_segment(bytes)?;
        }
        self.reserved = bytes;
        Ok(())
    }

    /// Seals the current segment and begins the next one, with the prologue as it is now. A segment without a record is
    /// replaced. Clears what was reserved.
    ///
    /// # Errors
    /// As [`Writer::reserve`].
    pub fn rotate(&mut self) -> Result<(), JournalError> {
        self.check_poison()?;
        self.begin_segment(0)
    }

    /// Buffers a record and gives it the next number. Nothing reaches the disk before [`Writer::commit`].
    ///
    /// # Errors
    /// `TooLarge` beyond [`MAX_PAYLOAD`]; `NotReserved` beyond the reserved room; `Poisoned`. Nothing is buffered then.
    pub fn append(&mut self, kind: u8, payload: &[u8]) -> Result<Position, JournalError> {
        self.check_poison()?;
        within("a payload", payload.len() as u64, MAX_PAYLOAD as u64)?;
        let needed = frame_bytes(payload.len());
        let seq = self.next_seq();
        let refused = JournalError::NotReserved { needed, reserved: self.reserved };
        let (Some(active), Some(left)) = (&self.active, self.reserved.checked_sub(needed)) else {
            return Err(refused);
        };
        let position =
            Position { seq, segment: active.first_seq, offset: active.end + self.buffer.len() as u64 };
        // Fits: MAX_UNSYNCED_FRAMES and the frames of one segment are far below 2^32.
        let lag = u32::try_from(seq - self.durable).unwrap_or(u32::MAX);
        let head = FrameHead { crc: 0, len: 0, kind, flags: 0, lag, seq };
        let seal = active.seal.as_ref().map(|seal| (seal, position.offset));
        encode_sealed(&mut self.buffer, active.salt, seal, head, payload);
        if is_marked(active.first_seq, seq) {
            self.marks.push((seq, position.offset));
        }
        self.reserved = left;
        self.buffered_frames += 1;
        Ok(position)
    }

    /// Writes the appended records with one write, and with [`Durability::Sync`] makes them and all before them
    /// durable. Without appended records it only syncs.
    ///
    /// # Errors
    /// `Io` if the disk fails. The records are then neither surely there nor surely gone, so the writer is poisoned:
    /// every later call gives `Poisoned` until the journal is opened anew.
    pub fn commit(&mut self, durability: Durability) -> Result<(), JournalError> {
        self.check_poison()?;
        self.write_buffer()?;
        let due = self.committed - self.durable >= MAX_UNSYNCED_FRAMES;
        if durability == Durability::Sync || due {
            self.sync()?;
        }
        self.lookup.publish(&self.marks, self.committed);
        self.marks.clear();
        Ok(())
    }

    /// Makes every committed record durable.
    ///
    /// # Errors
    /// As [`Writer::commit`].
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.check_poison()?;
        let Some(active) = self.active.as_ref().filter(|_| self.durable < self.committed) else {
            return Ok(());
        };
        let began = self.now();
        let synced = active.file.sync_data().map_err(JournalError::io("sync", &active.path));
        self.or_poison(synced)?;
        self.lookup.counted().sync(self.now().saturating_sub(began));
        self.durable = self.committed;
        Ok(())
    }

    /// Drops the records appended since the last commit; their numbers and their room are given back.
    pub fn abandon(&mut self) {
        self.reserved += self.buffer.len() as u64;
        self.buffer.clear();
        self.marks.clear();
        self.buffered_frames = 0;
    }

    /// Removes the sealed segments of which every record has a number below `seq`, oldest first. Each is gone for good
    /// before the next is touched, so that a crash leaves a journal that begins later and has no hole. Readers that come
    /// to what was removed get `Gone`; look-ups find nothing.
    ///
    /// Whether anybody still needs the records is the caller's business.
    ///
    /// # Errors
    /// `Io` if the disk fails: some segments may be gone, the journal is whole, and a later call goes on.
    pub fn remove_segments_below(&mut self, seq: u64) -> Result<Removed, JournalError> {
        self.check_poison()?;
        let mut removed = Removed::default();
        let segments = self.lookup.segments();
        for pair in segments.windows(2) {
            let (first_seq, next) = (pair[0], pair[1]);
            if next > seq {
                break;
            }
            let lookup = self.lookup.clone();
            let _placing = lookup.placing();
            self.lookup.keep_from(next);
            let path = format::segment_path(&self.dir, first_seq);
            let bytes = self.disk.open(&path, Access::Read).and_then(|file| file.size()).unwrap_or(0);
            self.remove(&path)?;
            self.lookup.forget_segment(first_seq);
            removed.segments += 1;
            removed.bytes += bytes;
        }
        Ok(removed)
    }

    fn write_buffer(&mut self) -> Result<(), JournalError> {
        let Some(active) = self.active.as_mut().filter(|_| !self.buffer.is_empty()) else {
            return Ok(());
        };
        let written = write_full(&*active.file, &self.buffer, active.end);
        let written = written.map_err(JournalError::io("write", &active.path));
        active.end += self.buffer.len() as u64;
        self.or_poison(written)?;
        self.lookup.counted().commit(self.buffered_frames, self.buffer.len() as u64);
        self.committed += self.buffered_frames;
        self.buffered_frames = 0;
        self.buffer.clear();
        self.buffer.shrink_to(KEEP_BUFFER);
        Ok(())
    }

    /// Allocates the next segment, seals this one, then opens the next for use: in this order, so that a full disk
    /// changes nothing, and so that a segment with a header follows only what is durable.
    fn begin_segment(&mut self, bytes: u64) -> Result<(), JournalError> {
        if self.buffered_frames > 0 {
            return Err(JournalError::Uncommitted { frames: self.buffered_frames });
        }
        let first_seq = self.committed + 1;
        let path = format::segment_path(&self.dir, first_seq);
        let salt = segment_salt(self.options.salt, first_seq);
        let created_micros = self.options.now_micros;
        let mut header =
            SegmentHeader { header_len: HEADER_BYTES as u32, first_seq, created_micros, salt, seal: None };
        // A key of its own each time this comes here, for the prologue below is written with it.
        let begun = self.options.keys.begin(&[SEGMENT_CONTEXT, &header.context()]);
        let begun =
            begun.map_err(|source| JournalError::Seal { doing: "begin", path: path.clone(), source })?;
        let (head, seal) = begun.unzip();
        header.seal = head;
        let prologue = self.encode_prologue(first_seq, salt, seal.as_ref());
        let used = HEADER_BYTES as u64 + prologue.len() as u64;
        let bytes = self.on_disk(bytes);
        within("a reservation", bytes, MAX_SEGMENT_BYTES - used)?;
        let len = self.options.segment_bytes.max(used + bytes);
        self.reserved = 0;

        self.discard_blank()?;
        let file = self.allocate(&path, len, &prologue)?;
        let sealed = self.seal();
        self.or_poison(sealed)?;
        let opened = write_full(&*file, &header.encode(), 0)
            .and_then(|()| file.sync_data())
            .map_err(JournalError::io("write the header of", &path));
        self.or_poison(opened)?;
        self.lookup.begin_segment(first_seq);
        self.lookup.counted().segment();
        self.active = Some(Active { file, path, first_seq, salt, seal, finished: false, len, end: used });
        Ok(())
    }

    /// The most that `bytes` of frames take once they are encrypted: each is at least a head, and grows by a tag.
    fn on_disk(&self, bytes: u64) -> u64 {
        let frames = if self.options.keys.seals() { bytes / FRAME_HEAD as u64 } else { 0 };
        bytes + frames * TAG_BYTES as u64
    }

    fn encode_prologue(&self, first_seq: u64, salt: u32, seal: Option<&Seal>) -> Vec<u8> {
        let mut out = Vec::new();
        for (kind, payload) in &self.prologue {
            let head =
                FrameHead { crc: 0, len: 0, kind: *kind, flags: FLAG_PROLOGUE, lag: 1, seq: first_seq };
            let offset = (HEADER_BYTES + out.len()) as u64;
            encode_sealed(&mut out, salt, seal.map(|seal| (seal, offset)), head, payload);
        }
        out
    }

    /// True if there is no segment or the current one has no record.
    fn is_blank(&self) -> bool {
        self.active.as_ref().is_none_or(|active| active.first_seq == self.committed + 1)
    }

    /// A segment without a record has the very name that the next one will have: it goes first.
    fn discard_blank(&mut self) -> Result<(), JournalError> {
        if !self.is_blank() {
            return Ok(());
        }
        let Some(active) = self.active.take() else {
            return Ok(());
        };
        let gone = self.remove(&active.path);
        self.or_poison(gone)
    }

    /// Makes the next segment's file, durable in its directory but without a header. Whatever fails for lack of room
    /// leaves nothing behind.
    fn allocate(
        &mut self,
        path: &std::path::Path,
        len: u64,
        prologue: &[u8],
    ) -> Result<Arc<dyn DiskFile>, JournalError> {
        let made = self.disk.create(path, len).and_then(|file| {
            write_full(&*file, prologue, HEADER_BYTES as u64)?;
            file.sync_all()?;
            self.disk.sync_dir(&self.dir)?;
            Ok(file.into())
        });
        let source = match made {
            Ok(file) => return Ok(file),
            Err(source) => source,
        };
        // A file left here would stand in the middle of the journal once the numbers go past its name.
        let removed = self.remove(path);
        self.or_poison(removed)?;
        if error::is_full(&source) {
            return Err(JournalError::Full { path: path.to_owned(), wanted: len, source });
        }
        self.or_poison(Err(JournalError::io("allocate", path)(source)))
    }

    fn remove(&self, path: &std::path::Path) -> Result<(), JournalError> {
        match self.disk.remove(path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(JournalError::io("remove", path)(e)),
            _ => self.disk.sync_dir(&self.dir).map_err(JournalError::io("sync the directory", &self.dir)),
        }
    }

    /// Cuts the current segment to what is used, and makes all of it durable.
    fn seal(&mut self) -> Result<(), JournalError> {
        let Some(active) = &self.active else { return Ok(()) };
        let began = self.now();
        active
            .file
            .set_len(active.end)
            .and_then(|()| active.file.sync_all())
            .map_err(JournalError::io("seal", &active.path))?;
        if self.durable < self.committed {
            self.lookup.counted().sync(self.now().saturating_sub(began));
        }
        self.durable = self.committed;
        Ok(())
    }

    /// The stopwatch's time; always the same without one.
    fn now(&self) -> Duration {
        self.options.stopwatch.map_or(Duration::ZERO, |stopwatch| stopwatch())
    }

    fn check_poison(&self) -> Result<(), JournalError> {
        match &self.poison {
            None => Ok(()),
            Some(reason) => Err(JournalError::Poisoned { path: self.dir.clone(), reason: reason.clone() }),
        }
    }

    fn or_poison<T>(&mut self, result: Result<T, JournalError>) -> Result<T, JournalError> {
        if let Err(e) = &result {
            self.poison.get_or_insert_with(|| e.to_string());
        }
        result
    }
}

fn within(what: &'static str, bytes: u64, limit: u64) -> Result<(), JournalError> {
    if bytes > limit { Err(JournalError::TooLarge { what, bytes, limit }) } else { Ok(()) }
}

/// A salt for one segment, from the caller's secret number (the finalizer of SplitMix64).
fn segment_salt(secret: u64, first_seq: u64) -> u32 {
    let mut z = secret.wrapping_add(first_seq.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as u32
}
