// SPDX-License-Identifier: Apache-2.0
//! Looking at every byte of a journal: what is there, what is damaged, and what lies beyond the damage.
//!
//! A [`Reader`](crate::Reader) stops at the first fault, because whoever folds the journal must not go on without what is
//! missing. This walk goes on behind it, for people who have to decide what to do. It changes nothing and takes no lock;
//! beside a live writer it may end early in the last segment, and says nothing wrong.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cursor::{Cursor, Step, open_seal, read_header};
use crate::disk::{Access, Disk, DiskFile, read_full};
use crate::error::{Damage, JournalError};
use crate::format::{
    self, BadHeader, FRAME_HEAD, Frame, FrameHead, HEADER_BYTES, LOST, SegmentHeader, parse_segment_name,
    segment_path,
};
use crate::limits::{MAX_SEGMENT_BYTES, READ_BUFFER};
use crate::reader::{End, open_end};
use crate::seal::{KeyId, Keyring};
use crate::tail::{self, Torn};

/// One segment, as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// The file.
    pub path: PathBuf,
    /// The number of its first record, as its name says.
    pub first_seq: u64,
    /// When it began, UTC microseconds by its writer's clock; none where the header is lost.
    pub created_micros: Option<i64>,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// Bytes up to the end of the last frame.
    pub used: u64,
    /// The key it is encrypted with.
    pub key: Option<KeyId>,
    /// False if that key was not given: its frames were checked, and what they hold was not.
    pub opened: bool,
    /// Records that can be read.
    pub records: u64,
    /// Records that an earlier repair found lost.
    pub lost_before: u64,
    /// Frames of the prologue.
    pub prologue: u64,
    /// A rotation that never finished: no part of the journal, and removed when it is next opened.
    pub unfinished: bool,
    /// What follows the last frame of the last segment and was never durable: cut when the journal is next opened.
    pub torn: Option<Torn>,
    /// What is damaged, in order.
    pub faults: Vec<Fault>,
    /// The header, as it is or as it must have been.
    pub(crate) header: Option<SegmentHeader>,
}

/// A damaged place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where it begins in the file.
    pub offset: u64,
    /// How many bytes it takes.
    pub bytes: u64,
    /// The record that belongs there.
    pub seq: u64,
    /// How many records from that one on are lost; 0 if only a prologue is, or a header that can be made anew.
    pub lost: u64,
    /// What is wrong.
    pub damage: Damage,
    /// What [`repair`](crate::repair) would do.
    pub remedy: Remedy,
}

/// What can be done about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// The header is written anew: its salt follows from the frames.
    Header,
    /// Fillers take the place of the damaged bytes; every other frame stays where it is.
    Fill,
    /// Fillers follow the last frame that can be read, up to the next segment.
    Extend,
    /// What follows the last frame is cut off; it is no record.
    Cut,
    /// Nothing can be read any more: a new segment has fillers only.
    Replace,
    /// Only a copy from elsewhere helps.
    None,
}

/// Walks every segment of the journal in `dir`. `each` sees every frame that can be read, in order; `progress` is told now
/// and then how many bytes of how many were looked at.
///
/// # Errors
/// `Io` if the disk fails; `Version` for a segment of an unknown format. Damage is no error here.
pub fn check(
    disk: &dyn Disk,
    dir: &Path,
    keys: &Keyring,
    mut each: impl FnMut(Frame<'_>),
    mut progress: impl FnMut(u64, u64),
) -> Result<Vec<Checked>, JournalError> {
    let names = disk.list(dir).map_err(JournalError::io("list", dir))?;
    let mut firsts: Vec<u64> = names.iter().filter_map(|name| parse_segment_name(name)).collect();
    firsts.sort_unstable();
    let mut files: Vec<(u64, Arc<dyn DiskFile>, u64)> = Vec::new();
    for first_seq in firsts {
        let path = segment_path(dir, first_seq);
        match disk.open(&path, Access::Read).and_then(|file| Ok((file.size()?, file))) {
            Ok((bytes, file)) => files.push((first_seq, file.into(), bytes)),
            // Retention removes from the front, and a writer that met a full disk its newest file.
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(JournalError::io("open", &path)(e)),
        }
    }
    let mut encrypted = !keys.ids().is_empty();
    for (first_seq, file, _) in &files {
        let header = read_header(&**file, &segment_path(dir, *first_seq))?;
        encrypted |= header.is_ok_and(|header| header.seal.is_some());
    }
    let all = files.iter().map(|(_, _, bytes)| bytes).sum();
    let mut done = 0;
    let mut out: Vec<Checked> = Vec::new();
    for (i, (first_seq, file, bytes)) in files.iter().enumerate() {
        let path = segment_path(dir, *first_seq);
        let walk = Walk { file, path, first_seq: *first_seq, bytes: *bytes, encrypted };
        // Whatever comes after it that never finished is none of its business.
        let mut next = None;
        for (seq, file, _) in &files[i + 1..] {
            if !walk_unfinished(file, dir, *seq, files.last().is_some_and(|last| last.0 == *seq))? {
                next = Some(*seq);
                break;
            }
        }
        let before = done;
        let created = out.last().and_then(|checked| checked.created_micros);
        out.push(walk.run(keys, next, created, &mut each, &mut |offset| progress(before + offset, all))?);
        done += bytes;
        progress(done, all);
    }
    Ok(out)
}

/// A last file that a rotation left without a header, and without a record.
fn walk_unfinished(
    file: &Arc<dyn DiskFile>,
    dir: &Path,
    first_seq: u64,
    last: bool,
) -> Result<bool, JournalError> {
    let path = segment_path(dir, first_seq);
    let header = read_header(&**file, &path)?;
    Ok(last
        && matches!(header, Err(BadHeader::Blank | BadHeader::Damaged))
        && !tail::holds_records(file, first_seq).map_err(JournalError::io("read", &path))?)
}

/// One segment under the lens.
struct Walk<'a> {
    file: &'a Arc<dyn DiskFile>,
    path: PathBuf,
    first_seq: u64,
    bytes: u64,
    /// Some segment of the journal is encrypted, or there are keys.
    encrypted: bool,
}

impl Walk<'_> {
    /// `next` is the first record of the segment after it. `before` is when the segment before it began.
    fn run(
        &self,
        keys: &Keyring,
        next: Option<u64>,
        before: Option<i64>,
        each: &mut dyn FnMut(Frame<'_>),
        progress: &mut dyn FnMut(u64),
    ) -> Result<Checked, JournalError> {
        let mut checked = Checked {
            path: self.path.clone(),
            first_seq: self.first_seq,
            created_micros: None,
            bytes: self.bytes,
            used: 0,
            key: None,
            opened: true,
            records: 0,
            lost_before: 0,
            prologue: 0,
            unfinished: false,
            torn: None,
            faults: Vec::new(),
            header: None,
        };
        let header = match read_header(&**self.file, &self.path)? {
            Ok(header) if header.first_seq == self.first_seq => {
                checked.created_micros = Some(header.created_micros);
                header
            }
            Err(BadHeader::Version(found)) => {
                return Err(JournalError::Version { path: self.path.clone(), found });
            }
            _ if next.is_none() && walk_unfinished(self.file, &self.dir(), self.first_seq, true)? => {
                checked.unfinished = true;
                return Ok(checked);
            }
            _ => match self.lost_header(before.unwrap_or(0))? {
                Some(header) => {
                    let bytes = HEADER_BYTES as u64;
                    checked.faults.push(self.fault(
                        0,
                        bytes,
                        self.first_seq,
                        0,
                        Damage::Header,
                        Remedy::Header,
                    ));
                    header
                }
                None => {
                    let lost = next.map_or(0, |next| next - self.first_seq);
                    let remedy = if next.is_some() && fits(lost) { Remedy::Replace } else { Remedy::None };
                    checked.faults.push(self.fault(
                        0,
                        self.bytes,
                        self.first_seq,
                        lost,
                        Damage::Header,
                        remedy,
                    ));
                    return Ok(checked);
                }
            },
        };
        checked.header = Some(header);
        checked.key = header.seal.map(|seal| seal.key);
        let seal = match open_seal(&header, &self.path, keys) {
            Err(JournalError::Seal { .. }) => {
                checked.opened = false;
                None
            }
            opened => opened?,
        };
        let mut cursor = Cursor::under(self.file.clone(), self.path.clone(), header, READ_BUFFER, seal);
        self.frames(&mut cursor, &mut checked, next, each, progress)?;
        checked.used = cursor.offset();
        Ok(checked)
    }

    /// Walks the frames, over every damaged place, to the end.
    fn frames(
        &self,
        cursor: &mut Cursor,
        checked: &mut Checked,
        next: Option<u64>,
        each: &mut dyn FnMut(Frame<'_>),
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), JournalError> {
        let mut shown = 0;
        loop {
            if cursor.offset() >= shown + READ_BUFFER as u64 {
                shown = cursor.offset();
                progress(shown);
            }
            let damage = match cursor.step()? {
                Step::Frame(head) => {
                    match (head.is_prologue(), head.is_filler()) {
                        (true, _) => checked.prologue += 1,
                        (false, true) => checked.lost_before += 1,
                        (false, false) => checked.records += 1,
                    }
                    if let (true, Some(frame)) = (checked.opened || head.is_filler(), cursor.frame()) {
                        each(frame);
                    }
                    continue;
                }
                Step::End(damage) => damage,
            };
            let (at, seq) = (cursor.offset(), cursor.expect());
            match self.beyond(cursor, damage, next)? {
                Beyond::End(torn) => {
                    checked.torn = torn;
                    return Ok(());
                }
                Beyond::Grew => {}
                Beyond::Fault(fault) => {
                    let last = matches!(fault.remedy, Remedy::Extend | Remedy::Cut | Remedy::None);
                    let (to, seq) = (at + fault.bytes, seq + fault.lost);
                    checked.faults.push(fault);
                    if last {
                        return Ok(());
                    }
                    cursor.seek(seq, to);
                }
            }
        }
    }

    /// What lies beyond a place where no frame begins.
    fn beyond(&self, cursor: &mut Cursor, damage: Damage, next: Option<u64>) -> Result<Beyond, JournalError> {
        let (at, seq) = (cursor.offset(), cursor.expect());
        let forged = matches!(damage, Damage::Sealed | Damage::Filler);
        let damage = match next {
            None if !forged => match open_end(cursor) {
                Ok(End::At(torn)) => return Ok(Beyond::End(torn)),
                Ok(End::GrewMeanwhile) => return Ok(Beyond::Grew),
                Err(JournalError::Corrupt { damage, .. }) => damage,
                Err(e) => return Err(e),
            },
            Some(next) if next == seq && self.only_zeros(at)? => return Ok(Beyond::End(None)),
            _ => damage,
        };
        let header = cursor.header();
        let found = tail::next_frame(self.file, header, at, seq, next.unwrap_or(u64::MAX));
        let found = found.map_err(JournalError::io("read", &self.path))?;
        if let Some((to, head)) = found {
            let (bytes, lost) = (to - at, head.seq - seq);
            let remedy = if fillable(header, bytes, lost) { Remedy::Fill } else { Remedy::None };
            return Ok(Beyond::Fault(self.fault(at, bytes, seq, lost, damage, remedy)));
        }
        let bytes = self.bytes.saturating_sub(at);
        let (lost, remedy) = match next {
            // A record of the last segment that was forged, with nothing behind it: its number is known, and no more.
            None => (1, if forged { Remedy::Extend } else { Remedy::None }),
            Some(next) if next < seq => (0, Remedy::None),
            Some(next) if next == seq => (0, Remedy::Cut),
            Some(next) if fits(next - seq) => (next - seq, Remedy::Extend),
            Some(next) => (next - seq, Remedy::None),
        };
        Ok(Beyond::Fault(self.fault(at, bytes, seq, lost, damage, remedy)))
    }

    fn fault(&self, offset: u64, bytes: u64, seq: u64, lost: u64, damage: Damage, remedy: Remedy) -> Fault {
        Fault { offset, bytes, seq, lost, damage, remedy }
    }

    fn dir(&self) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).to_owned()
    }

    fn only_zeros(&self, offset: u64) -> Result<bool, JournalError> {
        let mut buf = vec![0; READ_BUFFER];
        let mut at = offset;
        loop {
            let n = read_full(&**self.file, &mut buf, at).map_err(JournalError::io("read", &self.path))?;
            if n == 0 || buf[..n].iter().any(|&byte| byte != 0) {
                return Ok(n == 0);
            }
            at += n as u64;
        }
    }

    /// The header that the segment must have had, as far as that is sure.
    fn lost_header(&self, before: i64) -> Result<Option<SegmentHeader>, JournalError> {
        let mut bytes = [0; HEADER_BYTES];
        read_full(&**self.file, &mut bytes, 0).map_err(JournalError::io("read", &self.path))?;
        let whole = |header: &SegmentHeader| header.first_seq == self.first_seq;
        if let Some(header) = SegmentHeader::decode_but_one_byte(&bytes).filter(whole) {
            return Ok(Some(header));
        }
        // Taking an encrypted segment for a plain one would give out its bytes as records. What tells them apart may be gone
        // with the header: then it is plain only where nothing says that anything here was ever encrypted.
        let plain = match SegmentHeader::says_plain(&bytes) {
            Some(plain) => plain,
            None => !self.encrypted,
        };
        if plain { self.guess_header(before) } else { Ok(None) }
    }

    /// The header that a plain segment must have had: two frames that follow each other must agree on the salt.
    fn guess_header(&self, created_micros: i64) -> Result<Option<SegmentHeader>, JournalError> {
        let mut offset = HEADER_BYTES as u64;
        let mut salts: Option<u32> = None;
        for _ in 0..2 {
            let Some((head, bytes)) = self.frame_at(offset)? else { return Ok(None) };
            let begins = head.seq == self.first_seq || (salts.is_some() && head.seq == self.first_seq + 1);
            let salt = format::salt_of(&bytes);
            if !begins || salts.is_some_and(|first| first != salt) {
                return Ok(None);
            }
            salts = Some(salt);
            offset += bytes.len() as u64;
        }
        let header = |salt| SegmentHeader {
            header_len: HEADER_BYTES as u32,
            first_seq: self.first_seq,
            created_micros,
            salt,
            seal: None,
        };
        Ok(salts.map(header))
    }

    /// The bytes of what may be a frame.
    fn frame_at(&self, offset: u64) -> Result<Option<(FrameHead, Vec<u8>)>, JournalError> {
        let io = |e| JournalError::io("read", &self.path)(e);
        let mut head = [0; FRAME_HEAD];
        if read_full(&**self.file, &mut head, offset).map_err(io)? < FRAME_HEAD {
            return Ok(None);
        }
        let head = FrameHead::decode(&head);
        let Ok(size) = head.size() else { return Ok(None) };
        let mut bytes = vec![0; size];
        let n = read_full(&**self.file, &mut bytes, offset).map_err(io)?;
        Ok((n == size).then_some((head, bytes)))
    }
}

enum Beyond {
    End(Option<Torn>),
    Grew,
    Fault(Fault),
}

/// True if so many fillers fit into a segment.
fn fits(lost: u64) -> bool {
    lost <= MAX_SEGMENT_BYTES / FRAME_HEAD as u64 / 2
}

/// True if fillers can take exactly these bytes: one for each lost record, or some in the prologue.
fn fillable(header: &SegmentHeader, bytes: u64, lost: u64) -> bool {
    let head = FRAME_HEAD as u64;
    let most = lost * (head + header.largest() as u64);
    if lost == 0 { bytes >= head } else { bytes >= lost * head && bytes <= most }
}

/// The kind that stands for a lost record is the journal's own.
const _: () = assert!(LOST == 0);
