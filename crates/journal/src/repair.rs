// SPDX-License-Identifier: Apache-2.0
//! Making a damaged journal readable again, without losing what can be read.
//!
//! A record that is lost leaves its number: a *filler* of kind [`LOST`] takes its place, so that every record after it keeps
//! its number and its place in the file (an encrypted frame can be read in no other). The damaged file is copied to
//! `damaged/` first and stays there. The new one takes its place by a rename, so a crash leaves one or the other.
//!
//! This is for people who have decided that no better copy exists. Nothing in this crate calls it by itself.

use std::path::{Path, PathBuf};

use crate::check::{Checked, Fault, Remedy, check};
use crate::disk::{Access, Disk, DiskFile, read_full, write_full};
use crate::error::JournalError;
use crate::format::{
    FLAG_FILLER, FLAG_PROLOGUE, FRAME_HEAD, FrameHead, HEADER_BYTES, LOST, SegmentHeader, encode_sealed,
    segment_path,
};
use crate::limits::READ_BUFFER;
use crate::recover::take_lock;
use crate::seal::Keyring;

/// Where the damaged files go, in the journal's directory.
pub const DAMAGED: &str = "damaged";

/// What a repair did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repair {
    /// The segments with faults, as they were found.
    pub segments: Vec<Checked>,
    /// Where the damaged files lie now, in the same order; empty if nothing was done.
    pub kept: Vec<PathBuf>,
}

impl Repair {
    /// True if there was nothing to repair.
    pub fn is_sound(&self) -> bool {
        self.segments.is_empty()
    }

    /// True if everything that is wrong can be repaired.
    pub fn is_possible(&self) -> bool {
        self.faults().all(|(_, fault)| fault.remedy != Remedy::None)
    }

    /// All faults with their segments.
    pub fn faults(&self) -> impl Iterator<Item = (&Checked, &Fault)> {
        self.segments.iter().flat_map(|segment| segment.faults.iter().map(move |fault| (segment, fault)))
    }

    /// How many records are lost.
    pub fn lost(&self) -> u64 {
        self.faults().map(|(_, fault)| fault.lost).sum()
    }
}

/// Repairs the journal in `dir`, or with `dry_run` only says what it would do. Holds the journal's lock meanwhile. If
/// anything cannot be repaired, nothing is. Keys are needed for encrypted segments: without them a forged frame looks
/// sound, and is kept.
///
/// # Errors
/// `Locked` if a writer has the journal; `Io` if the disk fails or is full: what was not repaired yet is as it was, and
/// another repair goes on.
pub fn repair(
    disk: &dyn Disk,
    dir: &Path,
    keys: &Keyring,
    dry_run: bool,
    progress: impl FnMut(u64, u64),
) -> Result<Repair, JournalError> {
    let _lock = take_lock(disk, dir)?;
    let mut segments = check(disk, dir, keys, |_| {}, progress)?;
    segments.retain(|segment| !segment.faults.is_empty());
    let mut repair = Repair { segments, kept: Vec::new() };
    if dry_run || repair.is_sound() || !repair.is_possible() {
        return Ok(repair);
    }
    let damaged = dir.join(DAMAGED);
    disk.ensure_dir(&damaged).map_err(JournalError::io("create the directory", &damaged))?;
    let taken = disk.list(&damaged).map_err(JournalError::io("list", &damaged))?;
    for segment in &repair.segments {
        let kept = unused(&damaged, &taken, segment.first_seq);
        let old = disk.open(&segment.path, Access::Read).map_err(JournalError::io("open", &segment.path))?;
        copy_whole(disk, &*old, &kept).map_err(JournalError::io("copy to", &kept))?;
        disk.sync_dir(&damaged).map_err(JournalError::io("sync the directory", &damaged))?;
        rewrite(disk, &*old, segment).map_err(JournalError::io("rewrite", &segment.path))?;
        disk.sync_dir(dir).map_err(JournalError::io("sync the directory", dir))?;
        repair.kept.push(kept);
    }
    Ok(repair)
}

/// A name in the directory of damaged files that is not taken: an earlier repair may have left the same segment.
fn unused(damaged: &Path, taken: &[String], first_seq: u64) -> PathBuf {
    let plain = segment_path(damaged, first_seq);
    let free = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str());
        !taken.iter().any(|t| Some(t.as_str()) == name)
    };
    let numbered = (1u64..).map(|n| plain.with_extension(format!("wj.{n}")));
    std::iter::once(plain.clone()).chain(numbered).find(|path| free(path)).unwrap_or(plain)
}

fn copy_whole(disk: &dyn Disk, from: &dyn DiskFile, to: &Path) -> std::io::Result<()> {
    let file = disk.create(to, 0)?;
    let mut out = Out { file: &*file, at: 0 };
    out.copy(from, 0, from.size()?)?;
    file.sync_all()
}

/// Writes the repaired segment beside the old one and puts it in its place.
fn rewrite(disk: &dyn Disk, old: &dyn DiskFile, segment: &Checked) -> std::io::Result<()> {
    let mut temporary = segment.path.clone().into_os_string();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let file = disk.create(&temporary, 0)?;
    let written = repaired(&*file, old, segment).and_then(|()| file.sync_all());
    if let Err(e) = written {
        // A full disk should not be left fuller; the next repair writes it anew.
        let _ = disk.remove(&temporary);
        return Err(e);
    }
    disk.rename(&temporary, &segment.path)
}

fn repaired(file: &dyn DiskFile, old: &dyn DiskFile, segment: &Checked) -> std::io::Result<()> {
    let mut out = Out { file, at: 0 };
    let header = segment.header.unwrap_or_else(|| blank_header(segment));
    let mut whole = true;
    for fault in &segment.faults {
        match fault.remedy {
            Remedy::Header => out.write(&header.encode())?,
            Remedy::Replace => {
                out.write(&header.encode())?;
                out.fill(&header, fault.seq, fault.lost, fault.lost * FRAME_HEAD as u64)?;
                whole = false;
            }
            Remedy::Fill => {
                out.copy(old, out.at, fault.offset)?;
                out.fill(&header, fault.seq, fault.lost, fault.bytes)?;
            }
            Remedy::Extend => {
                out.copy(old, out.at, fault.offset)?;
                out.fill(&header, fault.seq, fault.lost, fault.lost * FRAME_HEAD as u64)?;
                whole = false;
            }
            Remedy::Cut => {
                out.copy(old, out.at, fault.offset)?;
                whole = false;
            }
            Remedy::None => {}
        }
    }
    // The last segment keeps what it had allocated and whatever torn tail opening will judge.
    if whole { out.copy(old, out.at, old.size()?) } else { Ok(()) }
}

/// The header of a segment of fillers. What its salt protects is not there.
fn blank_header(segment: &Checked) -> SegmentHeader {
    SegmentHeader {
        header_len: HEADER_BYTES as u32,
        first_seq: segment.first_seq,
        created_micros: segment.created_micros.unwrap_or(0),
        salt: 0,
        seal: None,
    }
}

/// A file written from its beginning.
struct Out<'a> {
    file: &'a dyn DiskFile,
    at: u64,
}

impl Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        write_full(self.file, bytes, self.at)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn copy(&mut self, from: &dyn DiskFile, mut begin: u64, end: u64) -> std::io::Result<()> {
        let mut buf = vec![0; READ_BUFFER];
        while begin < end {
            let n = buf.len().min(usize::try_from(end - begin).unwrap_or(usize::MAX));
            let n = read_full(from, &mut buf[..n], begin)?;
            if n == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            self.write(&buf[..n])?;
            begin += n as u64;
        }
        Ok(())
    }

    /// Exactly `bytes` of fillers: one for each lost record, or as many as it takes where a prologue was.
    fn fill(&mut self, header: &SegmentHeader, seq: u64, lost: u64, bytes: u64) -> std::io::Result<()> {
        let end = self.at + bytes;
        let (flags, mut left) =
            if lost == 0 { (FLAG_FILLER | FLAG_PROLOGUE, u64::MAX) } else { (FLAG_FILLER, lost) };
        let mut out = Vec::new();
        let mut at = self.at;
        let mut next = seq;
        while at < end && left > 0 {
            left -= 1;
            let room = (end - at).saturating_sub(FRAME_HEAD as u64);
            let others = if lost == 0 { 0 } else { left * FRAME_HEAD as u64 };
            let mut padding = room.saturating_sub(others).min(header.largest() as u64);
            // What stays must be nothing, or at least a frame.
            let stays = room - padding;
            if lost == 0 && stays > 0 && stays < FRAME_HEAD as u64 {
                padding -= FRAME_HEAD as u64;
            }
            let head = FrameHead { crc: 0, len: 0, kind: LOST, flags, lag: 1, seq: next };
            encode_sealed(&mut out, header.salt, None, head, &vec![0; padding as usize]);
            next += u64::from(lost > 0);
            at = self.at + out.len() as u64;
            if out.len() >= READ_BUFFER {
                self.write(&out)?;
                out.clear();
            }
        }
        self.write(&out)?;
        debug_assert_eq!(self.at, end);
        Ok(())
    }
}
