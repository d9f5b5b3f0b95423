// SPDX-License-Identifier: Apache-2.0
//! Opening a journal: lock, look at the tail, cut what was never acknowledged, make the rest durable.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::cursor::{Cursor, Step, accept_header, open_seal, read_header};
use crate::disk::{Access, Disk, FsDisk, Lock, LockGuard, read_full, write_full};
use crate::error::JournalError;
use crate::format::{FrameBuf, parse_segment_name, segment_path};
use crate::limits::{DEFAULT_SEGMENT_BYTES, MAX_SEGMENT_BYTES, MIN_SEGMENT_BYTES, READ_BUFFER};
use crate::lookup::{Lookup, Marks, find};
use crate::reader::{End, open_end};
use crate::seal::Keyring;
use crate::segment::Layout;
use crate::tail::Torn;
use crate::writer::{Active, Writer};

/// How a journal is opened for writing.
#[derive(Clone)]
pub struct Options {
    /// Size to which each new segment is preallocated, in bytes; held between
    /// [`MIN_SEGMENT_BYTES`] and [`MAX_SEGMENT_BYTES`].
    pub segment_bytes: u64,
    /// The caller's clock, UTC microseconds, for the creation time of segments; see
    /// [`Writer::set_now_micros`](crate::Writer::set_now_micros).
    pub now_micros: i64,
    /// What the salt of checksums is derived from. Unpredictable by default, so that nobody can shape a payload that
    /// passes for a frame; fix it only in tests.
    pub salt: u64,
    /// What new segments are encrypted with, and encrypted ones read. Without keys they stay plain. A journal may change
    /// between the two, or to another key, whenever it is opened; each segment says how it was written.
    pub keys: Keyring,
    /// A clock that only goes forward, for [`Counters::sync_time`](crate::Counters::sync_time); without one that stays zero.
    pub stopwatch: Option<fn() -> Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            segment_bytes: DEFAULT_SEGMENT_BYTES,
            now_micros: 0,
            salt: RandomState::new().build_hasher().finish(),
            keys: Keyring::default(),
            stopwatch: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("segment_bytes", &self.segment_bytes)
            .field("now_micros", &self.now_micros)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

/// What opening found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// Segments in the journal.
    pub segments: usize,
    /// First record kept; 0 if there is no segment.
    pub first_seq: u64,
    /// Last record; everything up to it is durable now. 0 if there is none.
    pub last_seq: u64,
    /// Frames walked in the last segment, prologue included.
    pub scanned: u64,
    /// The tail that was cut: written, but never acknowledged by a sync.
    pub torn: Option<Torn>,
    /// Files of rotations that had not finished, removed.
    pub unfinished: Vec<PathBuf>,
}

/// A journal as a whole: how to open one.
#[derive(Debug)]
pub struct Journal;

impl Journal {
    /// Opens the journal in `dir` for writing, making the directory if need be.
    ///
    /// Only the last segment is walked; older ones are sealed, and a [`Reader`](crate::Reader) checks them as it reads.
    ///
    /// # Errors
    /// `Locked` if another writer has it; `Seal` if the key of a segment is not there; `Corrupt` if acknowledged records are damaged (nothing is changed then);
    /// `Version` for another major format; `Io` for the rest.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<(Writer, Recovery), JournalError> {
        Journal::open_on(Arc::new(FsDisk), dir, options)
    }

    /// The same on a given disk.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn open_on(
        disk: Arc<dyn Disk>,
        dir: impl AsRef<Path>,
        mut options: Options,
    ) -> Result<(Writer, Recovery), JournalError> {
        let dir = dir.as_ref();
        options.segment_bytes = options.segment_bytes.clamp(MIN_SEGMENT_BYTES, MAX_SEGMENT_BYTES);
        disk.ensure_dir(dir).map_err(JournalError::io("create the directory", dir))?;
        let lock = take_lock(&*disk, dir)?;
        let layout = Layout::read(&*disk, dir)?;
        check_headers(&*disk, dir, &layout, &options.keys)?;

        let mut recovery = Recovery {
            segments: layout.segments.len(),
            first_seq: layout.segments.first().copied().unwrap_or(0),
            ..Recovery::default()
        };
        let mut marks: Vec<Marks> =
            layout.segments.iter().map(|&first_seq| Marks { first_seq, offsets: None, version: 0 }).collect();
        let active = match layout.segments.last() {
            None => None,
            Some(&last) => {
                let (active, last_marks) = recover_last(&*disk, dir, last, &options.keys, &mut recovery)?;
                marks.pop();
                marks.push(last_marks);
                Some(active)
            }
        };
        remove_unfinished(&*disk, dir, &layout, &mut recovery)?;
        remove_copies(&*disk, dir)?;
        let lookup = Lookup::new(disk.clone(), dir, options.keys.clone(), recovery.last_seq, marks);
        let writer = Writer::new(disk, dir.to_owned(), options, lock, active, recovery.last_seq, lookup);
        Ok((writer, recovery))
    }

    /// Reads one record of a plain segment without opening the journal for writing, or none if it is not there. For tools
    /// that want
    /// one; [`Writer::lookup`](crate::Writer::lookup) is for many.
    ///
    /// # Errors
    /// `Corrupt` if the record or one before it in its segment is damaged; `Io` if the disk fails.
    pub fn read_at(dir: impl AsRef<Path>, seq: u64) -> Result<Option<FrameBuf>, JournalError> {
        Journal::read_at_on(&FsDisk, dir, seq)
    }

    /// The same on a given disk.
    ///
    /// # Errors
    /// As [`Journal::read_at`].
    pub fn read_at_on(
        disk: &dyn Disk,
        dir: impl AsRef<Path>,
        seq: u64,
    ) -> Result<Option<FrameBuf>, JournalError> {
        let dir = dir.as_ref();
        let layout = Layout::read(disk, dir)?;
        let Some(i) = layout.holding(seq) else {
            return Ok(None);
        };
        let keys = Keyring::default();
        let mut cursor = Cursor::open(disk, dir, layout.segments[i], READ_BUFFER, Some(&keys))?;
        match find(&mut cursor, seq) {
            Ok(frame) => Ok(Some(frame)),
            // In the last segment a missing record may simply not have been written.
            Err(JournalError::Corrupt { .. }) if i + 1 == layout.segments.len() => {
                open_end(&mut cursor).map(|_| None)
            }
            Err(e) => Err(e),
        }
    }
}

pub(crate) fn take_lock(disk: &dyn Disk, dir: &Path) -> Result<Box<dyn LockGuard>, JournalError> {
    let path = dir.join("LOCK");
    match disk.lock(&path).map_err(JournalError::io("lock", &path))? {
        Lock::Held(guard) => Ok(guard),
        Lock::Taken { pid } => Err(JournalError::Locked { path, pid }),
    }
}

/// Every segment must be what its name says, and its key must be there: that is better known now than in the middle.
fn check_headers(disk: &dyn Disk, dir: &Path, layout: &Layout, keys: &Keyring) -> Result<(), JournalError> {
    for &first_seq in layout.segments.iter().rev() {
        let path = segment_path(dir, first_seq);
        let file = disk.open(&path, Access::Read).map_err(JournalError::io("open", &path))?;
        let header = accept_header(read_header(&*file, &path)?, &path, first_seq)?;
        open_seal(&header, &path, keys)?;
    }
    Ok(())
}

/// Walks the last segment, cuts its torn tail, and makes all that stays durable.
fn recover_last(
    disk: &dyn Disk,
    dir: &Path,
    first_seq: u64,
    keys: &Keyring,
    recovery: &mut Recovery,
) -> Result<(Active, Marks), JournalError> {
    let path = segment_path(dir, first_seq);
    let file = disk.open(&path, Access::ReadWrite).map_err(JournalError::io("open", &path))?;
    let mut cursor = Cursor::over(file.into(), path.clone(), first_seq, READ_BUFFER)?;
    let mut marks = Marks::new(first_seq);
    let mut durable = first_seq - 1;
    while let Step::Frame(head) = cursor.step()? {
        recovery.scanned += 1;
        if let (false, Some(frame)) = (head.is_prologue(), cursor.frame()) {
            marks.note(head.seq, frame.position.offset);
            durable = durable.max(head.durable_seq());
        }
    }
    // The lock is held, so nobody writes meanwhile.
    if let End::At(torn) = open_end(&mut cursor)? {
        recovery.torn = torn;
    }
    recovery.last_seq = cursor.expect() - 1;
    settle(disk, dir, &mut cursor, &marks, durable, recovery)?;
    let file = cursor.file().clone();
    let len = file.size().map_err(JournalError::io("measure", &path))?;
    let used = cursor.offset();
    // Numbers past a torn tail are given anew, and under the segment's key they may have been used.
    let finished = keys.seals() || cursor.header().seal.is_some();
    let salt = cursor.header().salt;
    Ok((Active { file, path, first_seq, salt, seal: None, finished, len, end: used }, marks))
}

/// Zeroes the torn tail, writes the frames not known durable once more, and syncs.
///
/// Once more, because after a failed sync the system may keep pages in memory that it no longer means to write: they
/// read back whole, the next sync succeeds, and a power cut loses them. Writing the same bytes again makes the pages dirty again.
fn settle(
    disk: &dyn Disk,
    dir: &Path,
    cursor: &mut Cursor,
    marks: &Marks,
    durable: u64,
    recovery: &Recovery,
) -> Result<(), JournalError> {
    let (file, path, used) = (cursor.file().clone(), cursor.path().to_owned(), cursor.offset());
    let unsure = offset_after(cursor, marks, durable, used)?;
    let mut buf = vec![0; READ_BUFFER];
    let write = |bytes: &[u8], at| write_full(&*file, bytes, at).map_err(JournalError::io("write", &path));
    let mut at = unsure;
    while at < used {
        let n = (used - at).min(buf.len() as u64) as usize;
        let n = read_full(&*file, &mut buf[..n], at).map_err(JournalError::io("read", &path))?;
        if n == 0 {
            break;
        }
        write(&buf[..n], at)?;
        at += n as u64;
    }
    if let Some(torn) = recovery.torn {
        buf.fill(0);
        let mut left = torn.bytes;
        while left > 0 {
            let n = left.min(buf.len() as u64);
            write(&buf[..n as usize], torn.offset + torn.bytes - left)?;
            left -= n;
        }
    }
    file.sync_all().map_err(JournalError::io("sync", &path))?;
    disk.sync_dir(dir).map_err(JournalError::io("sync the directory", dir))
}

/// Where the frame after record `durable` begins; leaves the cursor at `used`. If no record of the segment is known
/// durable, its header is not either.
fn offset_after(cursor: &mut Cursor, marks: &Marks, durable: u64, used: u64) -> Result<u64, JournalError> {
    let end = cursor.expect();
    if durable < marks.first_seq {
        return Ok(0);
    }
    let Some(Some((seq, offset))) = marks.nearest(durable) else {
        return Ok(0);
    };
    cursor.seek(seq, offset);
    while cursor.expect() <= durable {
        if let Step::End(damage) = cursor.step()? {
            return Err(cursor.corrupt(damage));
        }
    }
    let after = cursor.offset();
    cursor.seek(end, used);
    Ok(after)
}

/// What a rewriting or a repair left behind when it was cut short: nobody will finish it, and it may hold what is nowhere
/// else any more.
fn remove_copies(disk: &dyn Disk, dir: &Path) -> Result<(), JournalError> {
    let names = disk.list(dir).map_err(JournalError::io("list", dir))?;
    let is_copy = |name: &String| name.strip_suffix(".tmp").and_then(parse_segment_name).is_some();
    let copies: Vec<&String> = names.iter().filter(|name| is_copy(name)).collect();
    for name in &copies {
        let path = dir.join(name);
        disk.remove(&path).map_err(JournalError::io("remove the unfinished", &path))?;
    }
    if copies.is_empty() {
        return Ok(());
    }
    disk.sync_dir(dir).map_err(JournalError::io("sync the directory", dir))
}

fn remove_unfinished(
    disk: &dyn Disk,
    dir: &Path,
    layout: &Layout,
    recovery: &mut Recovery,
) -> Result<(), JournalError> {
    for &first_seq in &layout.unfinished {
        let path = segment_path(dir, first_seq);
        disk.remove(&path).map_err(JournalError::io("remove the unfinished", &path))?;
        recovery.unfinished.push(path);
    }
    if layout.unfinished.is_empty() {
        return Ok(());
    }
    disk.sync_dir(dir).map_err(JournalError::io("sync the directory", dir))
}
