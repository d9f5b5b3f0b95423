// SPDX-License-Identifier: Apache-2.0
//! What follows the last valid frame: nothing, a torn tail, or proof that acknowledged records are damaged.
//!
//! A batch is written and synced as one, but a disk may persist its pages in any order. After a crash in the middle,
//! a later frame of the unacknowledged batch can be whole while an earlier one is not: that is a torn tail, to be
//! cut. The same picture arises when a bit flips in an *acknowledged* record, and cutting there would lose what was
//! promised. Every frame therefore says which record was known durable when it was written. A whole frame, after
//! the first bad place at record `s`, that says "`s` was durable" proves damage; without such a frame the tail is torn.
//!
//! What this cannot see: damage to the very last synced batch, when nothing was written after it. That batch cannot
//! be told from one that was never acknowledged.

use std::io;
use std::sync::Arc;

use crate::cursor::Window;
use crate::disk::DiskFile;
use crate::format::{self, ALIGN, FRAME_HEAD, FrameHead, HEADER_BYTES, SegmentHeader};
use crate::limits::READ_BUFFER;

/// A tail that was written but never made durable as a whole, found after the last valid frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Torn {
    /// The segment, named by the number of its first record.
    pub segment: u64,
    /// Where the tail begins in the segment file.
    pub offset: u64,
    /// Bytes from there to the last one that is not zero, in whole eights.
    pub bytes: u64,
}

/// A judgement on the bytes after the last valid frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Only zeros.
    Clean,
    /// This many bytes to cut.
    Torn(u64),
    /// The frame at `witness` was written after the lost record was durable.
    Lost { witness: u64 },
    /// Too many frame-like bytes to check them all.
    Undecided,
}

/// Judges the bytes of `file` from `offset` on, where record `lost` was expected and not found.
pub(crate) fn judge(file: &Arc<dyn DiskFile>, salt: u32, offset: u64, lost: u64) -> io::Result<Tail> {
    let left = file.size()?.saturating_sub(offset);
    // A frame found whole is stepped over, so honest tails are summed once; only forged ones would be summed repeatedly.
    let mut budget = 4 * left + (16 << 20);
    let mut end = 0;
    let mut search = Search::new(file, offset, offset, lost);
    while let Some((at, head)) = search.next_candidate(&mut end)? {
        let Ok(size) = head.size() else { continue };
        let bytes = search.window.need(size)?;
        if bytes.len() < size {
            search.window.advance(ALIGN);
            continue;
        }
        let Some(rest) = budget.checked_sub(size as u64) else {
            return Ok(Tail::Undecided);
        };
        budget = rest;
        if !format::checksum_holds(salt, &bytes[..size]) {
            search.window.advance(ALIGN);
            continue;
        }
        if head.durable_seq() >= lost {
            return Ok(Tail::Lost { witness: at });
        }
        search.window.advance(size);
        end = at + size as u64;
    }
    Ok(if end == 0 { Tail::Clean } else { Tail::Torn(end - offset) })
}

/// True if a segment without a usable header seems to hold records all the same. Without the header there is no
/// salt, so this goes by the shape of frame heads alone; it errs towards "yes", which only ever refuses.
pub(crate) fn holds_records(file: &Arc<dyn DiskFile>, first_seq: u64) -> io::Result<bool> {
    let offset = HEADER_BYTES as u64;
    let mut search = Search::new(file, offset, offset, first_seq);
    Ok(search.next_candidate(&mut 0)?.is_some())
}

/// Finds the next frame with a right checksum after a place where a frame should begin and does not, of records from
/// `lost` to below `end`. While the segment's first record is looked for, a frame of its prologue is one too. None also
/// when too much looks like frames to check it all.
pub(crate) fn next_frame(
    file: &Arc<dyn DiskFile>,
    header: &SegmentHeader,
    offset: u64,
    lost: u64,
    end: u64,
) -> io::Result<Option<(u64, FrameHead)>> {
    let mut budget = 4 * file.size()?.saturating_sub(offset) + (16 << 20);
    let mut search = Search::new(file, offset + ALIGN as u64, offset, lost);
    search.prologue = lost == header.first_seq;
    while let Some((at, head)) = search.next_candidate(&mut 0)? {
        let Ok(size) = head.size() else { continue };
        let bytes = search.window.need(size)?;
        let whole = bytes.len() >= size && head.seq < end;
        if whole {
            let Some(rest) = budget.checked_sub(size as u64) else { return Ok(None) };
            budget = rest;
            if format::checksum_holds(header.salt, &bytes[..size]) {
                return Ok(Some((at, head)));
            }
        }
        search.window.advance(ALIGN);
    }
    Ok(None)
}

/// Looks for things shaped like frames of records not before `lost`, at every place a frame could begin.
struct Search {
    window: Window,
    /// Where the record `lost` should begin.
    offset: u64,
    lost: u64,
    /// Frames of the prologue count as well.
    prologue: bool,
}

impl Search {
    fn new(file: &Arc<dyn DiskFile>, from: u64, offset: u64, lost: u64) -> Search {
        Search { window: Window::new(file.clone(), from, READ_BUFFER), offset, lost, prologue: false }
    }

    /// The next candidate, left at the window's offset. `end` follows the last bytes seen that were not zero.
    fn next_candidate(&mut self, end: &mut u64) -> io::Result<Option<(u64, FrameHead)>> {
        const ZEROS: [u8; 4096] = [0; 4096];
        loop {
            let at = self.window.offset();
            let ahead = self.window.need(FRAME_HEAD)?;
            if ahead.is_empty() {
                return Ok(None);
            }
            let step = if ahead.len() >= ZEROS.len() { ZEROS.len() } else { ALIGN.min(ahead.len()) };
            if ahead[..step] == ZEROS[..step] {
                self.window.advance(step);
                continue;
            }
            let word = ALIGN.min(ahead.len());
            if ahead[..word] != ZEROS[..word] {
                *end = at + word as u64;
            }
            let head = (ahead.len() >= FRAME_HEAD).then(|| FrameHead::decode(ahead));
            match head.filter(|head| self.plausible(at, head)) {
                Some(head) => return Ok(Some((at, head))),
                None => self.window.advance(word),
            }
        }
    }

    /// A record that could lie at `at`: not before the lost one, and no further on than frames fit in between.
    fn plausible(&self, at: u64, head: &FrameHead) -> bool {
        let fit = (at - self.offset) / FRAME_HEAD as u64;
        let ahead = head.seq.checked_sub(self.lost);
        head.size().is_ok()
            && (!head.is_prologue() || (self.prologue && head.seq == self.lost))
            && head.lag > 0
            && u64::from(head.lag) <= head.seq
            && ahead.is_some_and(|ahead| ahead <= fit)
    }
}
