// SPDX-License-Identifier: Apache-2.0
//! Walking the frames of one segment in order, checking each, through a bounded buffer.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Access, Disk, DiskFile, read_full};
use crate::error::{Damage, JournalError};
use crate::format::{
    self, BadHeader, FRAME_HEAD, Frame, FrameHead, HEADER_BYTES, LOST, Position, SEGMENT_CONTEXT,
    SegmentHeader,
};
use crate::seal::{Keyring, Seal};

/// A sliding view of a file: bytes ahead of `offset`, read in large pieces.
#[derive(Debug)]
pub(crate) struct Window {
    file: Arc<dyn DiskFile>,
    buf: Vec<u8>,
    start: usize,
    filled: usize,
    /// File offset of `buf[start]`.
    offset: u64,
    /// Bytes to read at a time.
    chunk: usize,
}

impl Window {
    pub(crate) fn new(file: Arc<dyn DiskFile>, offset: u64, chunk: usize) -> Self {
        Window { file, buf: Vec::new(), start: 0, filled: 0, offset, chunk }
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// At least `n` bytes ahead, or fewer where the file ends; possibly more than asked for.
    pub(crate) fn need(&mut self, n: usize) -> io::Result<&[u8]> {
        if self.filled - self.start < n {
            self.refill(n)?;
        }
        Ok(&self.buf[self.start..self.filled])
    }

    /// Moves over `n` bytes that [`Window::need`] returned.
    pub(crate) fn advance(&mut self, n: usize) {
        self.start += n;
        self.offset += n as u64;
    }

    /// Forgets what was read ahead, so that the next look is at the disk.
    fn forget(&mut self) {
        self.filled = self.start;
    }

    fn refill(&mut self, n: usize) -> io::Result<()> {
        self.buf.copy_within(self.start..self.filled, 0);
        self.filled -= self.start;
        self.start = 0;
        let left = self.file.size()?.saturating_sub(self.offset);
        let want = n.max(self.chunk).min(usize::try_from(left).unwrap_or(usize::MAX));
        if self.buf.len() < want {
            self.buf.resize(want, 0);
        }
        if self.filled < want {
            let at = self.offset + self.filled as u64;
            self.filled += read_full(&*self.file, &mut self.buf[self.filled..want], at)?;
        }
        Ok(())
    }
}

/// What the next step of a walk found.
#[derive(Debug)]
pub(crate) enum Step {
    /// A whole, valid frame that belongs here; [`Cursor::frame`] shows it.
    Frame(FrameHead),
    /// No such frame at [`Cursor::offset`].
    End(Damage),
}

/// A walk along the frames of one segment.
#[derive(Debug)]
pub(crate) struct Cursor {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    header: SegmentHeader,
    window: Window,
    /// What opens payloads; none if they lie in the open, or are not looked at.
    seal: Option<Seal>,
    /// The frame stepped on last, and the length of its payload once it is opened.
    current: Option<(FrameHead, usize)>,
    /// Number of the next record.
    expect: u64,
}

impl Cursor {
    /// Opens a segment before its first frame. `chunk` is how much to read at a time, in bytes. Without keys the walk is
    /// along the frames alone, and payloads of an encrypted segment stay as they are.
    pub(crate) fn open(
        disk: &dyn Disk,
        dir: &Path,
        first_seq: u64,
        chunk: usize,
        keys: Option<&Keyring>,
    ) -> Result<Cursor, JournalError> {
        let path = format::segment_path(dir, first_seq);
        let file = disk.open(&path, Access::Read).map_err(JournalError::io("open", &path))?;
        let mut cursor = Cursor::over(file.into(), path, first_seq, chunk)?;
        if let Some(keys) = keys {
            cursor.seal = open_seal(&cursor.header, &cursor.path, keys)?;
        }
        Ok(cursor)
    }

    /// The same over a file that is open already, without keys.
    pub(crate) fn over(
        file: Arc<dyn DiskFile>,
        path: PathBuf,
        first_seq: u64,
        chunk: usize,
    ) -> Result<Cursor, JournalError> {
        let header = read_header(&*file, &path)?;
        let header = accept_header(header, &path, first_seq)?;
        Ok(Cursor::under(file, path, header, chunk, None))
    }

    /// The same under a header that is known, with what opens payloads.
    pub(crate) fn under(
        file: Arc<dyn DiskFile>,
        path: PathBuf,
        header: SegmentHeader,
        chunk: usize,
        seal: Option<Seal>,
    ) -> Cursor {
        let window = Window::new(file.clone(), u64::from(header.header_len), chunk);
        Cursor { file, path, header, window, seal, current: None, expect: header.first_seq }
    }

    pub(crate) fn header(&self) -> &SegmentHeader {
        &self.header
    }

    pub(crate) fn file(&self) -> &Arc<dyn DiskFile> {
        &self.file
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Number of the record that comes next.
    pub(crate) fn expect(&self) -> u64 {
        self.expect
    }

    /// Offset of the end of the frame stepped on last: where the next one begins.
    pub(crate) fn offset(&self) -> u64 {
        self.window.offset() + self.current.map_or(0, |(head, _)| format::frame_bytes(head.len as usize))
    }

    /// Goes to the frame of record `seq`, known to begin at `offset`.
    pub(crate) fn seek(&mut self, seq: u64, offset: u64) {
        self.window = Window::new(self.file.clone(), offset, self.window.chunk);
        self.current = None;
        self.expect = seq;
    }

    /// Looks at the next frame. At an end, every further step looks at the disk again.
    pub(crate) fn step(&mut self) -> Result<Step, JournalError> {
        self.pass();
        match self.look().map_err(JournalError::io("read", &self.path))? {
            Ok((head, payload)) => {
                self.current = Some((head, payload));
                self.expect += u64::from(!head.is_prologue());
                Ok(Step::Frame(head))
            }
            Err(damage) => {
                self.window.forget();
                Ok(Step::End(damage))
            }
        }
    }

    /// The frame stepped on last.
    pub(crate) fn frame(&self) -> Option<Frame<'_>> {
        let (head, len) = self.current?;
        let begin = self.window.start + FRAME_HEAD;
        let position =
            Position { seq: head.seq, segment: self.header.first_seq, offset: self.window.offset() };
        let payload = &self.window.buf[begin..begin + len];
        Some(Frame { position, kind: head.kind, flags: head.flags, payload })
    }

    /// An error about the place this walk has come to.
    pub(crate) fn corrupt(&self, damage: Damage) -> JournalError {
        JournalError::Corrupt { segment: self.path.clone(), offset: self.offset(), seq: self.expect, damage }
    }

    /// Memory the walk holds.
    #[cfg(test)]
    pub(crate) fn buffer_bytes(&self) -> usize {
        self.window.buf.capacity()
    }

    fn pass(&mut self) {
        if let Some((head, _)) = self.current.take() {
            self.window.advance(format::frame_bytes(head.len as usize) as usize);
        }
    }

    /// Checks what lies at the window's offset, without moving, and gives its head and the length of its payload. The
    /// length is bounded before it is used.
    fn look(&mut self) -> io::Result<Result<(FrameHead, usize), Damage>> {
        let ahead = self.window.need(FRAME_HEAD)?;
        if ahead.len() < FRAME_HEAD || ahead[..FRAME_HEAD].iter().all(|&b| b == 0) {
            return Ok(Err(Damage::Nothing));
        }
        let head = FrameHead::decode(ahead);
        let size = match head.size() {
            Ok(size) if head.len as usize <= self.header.largest() => size,
            _ => return Ok(Err(Damage::Length(head.len))),
        };
        let ahead = self.window.need(size)?;
        if ahead.len() < size {
            return Ok(Err(Damage::Length(head.len)));
        }
        if !format::checksum_holds(self.header.salt, &ahead[..size]) {
            return Ok(Err(Damage::Checksum));
        }
        // A prologue stands before the first record or nowhere.
        let misplaced = head.is_prologue() && self.expect != self.header.first_seq;
        if head.seq != self.expect || misplaced {
            return Ok(Err(Damage::Sequence(head.seq)));
        }
        Ok(self.payload(&head, size).map(|len| (head, len)))
    }

    /// Opens the payload of the frame at the window's offset, and gives its length.
    fn payload(&mut self, head: &FrameHead, size: usize) -> Result<usize, Damage> {
        match &self.seal {
            // Whatever a filler holds means nothing: it is the one thing in an encrypted segment that anybody can write.
            _ if head.is_filler() => (head.kind == LOST).then_some(0).ok_or(Damage::Filler),
            None => Ok(head.len as usize),
            Some(seal) => {
                let (offset, start) = (self.window.offset, self.window.start);
                let bytes = &mut self.window.buf[start..start + size];
                format::open_payload(seal, head, offset, bytes).ok_or(Damage::Sealed)
            }
        }
    }
}

/// What opens the payloads of a segment; none if they lie in the open.
pub(crate) fn open_seal(
    header: &SegmentHeader,
    path: &Path,
    keys: &Keyring,
) -> Result<Option<Seal>, JournalError> {
    let Some(head) = &header.seal else { return Ok(None) };
    match keys.open(head, &[SEGMENT_CONTEXT, &header.context()]) {
        Ok(seal) => Ok(Some(seal)),
        Err(source) => Err(JournalError::Seal { doing: "read", path: path.to_owned(), source }),
    }
}

/// Reads and decodes the header of a segment file.
pub(crate) fn read_header(
    file: &dyn DiskFile,
    path: &Path,
) -> Result<Result<SegmentHeader, BadHeader>, JournalError> {
    let mut bytes = [0; HEADER_BYTES];
    let n = read_full(file, &mut bytes, 0).map_err(JournalError::io("read", path))?;
    Ok(SegmentHeader::decode(&bytes[..n]))
}

/// Turns a header that is not this segment's into the error that says so.
pub(crate) fn accept_header(
    header: Result<SegmentHeader, BadHeader>,
    path: &Path,
    first_seq: u64,
) -> Result<SegmentHeader, JournalError> {
    match header {
        Ok(header) if header.first_seq == first_seq => Ok(header),
        Err(BadHeader::Version(found)) => Err(JournalError::Version { path: path.to_owned(), found }),
        _ => Err(JournalError::Corrupt {
            segment: path.to_owned(),
            offset: 0,
            seq: first_seq,
            damage: Damage::Header,
        }),
    }
}
