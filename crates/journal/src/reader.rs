// SPDX-License-Identifier: Apache-2.0
//! Reading the journal in order, from any record, through a bounded buffer and without a lock.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cursor::{Cursor, Step};
use crate::disk::{Disk, FsDisk};
use crate::error::{Damage, JournalError};
use crate::format::Frame;
use crate::limits::READ_BUFFER;
use crate::seal::Keyring;
use crate::segment::Layout;
use crate::tail::{self, Tail, Torn};

/// Reads frames in order. Takes no lock: it sees the segments there were when it was opened, and ends at the last
/// whole frame of the last one. Beside a live writer that may include frames written but not yet durable.
#[derive(Debug)]
pub struct Reader {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    layout: Layout,
    /// Index in the layout of the segment to open next.
    next_segment: usize,
    cursor: Option<Cursor>,
    /// Records before this one are passed over.
    wanted: u64,
    torn: Option<Torn>,
    keys: Keyring,
}

impl Reader {
    /// Opens the journal in `dir` before its first frame.
    ///
    /// # Errors
    /// `Io` if the directory cannot be read; `Version` or `Corrupt` if the last segment's header is refused.
    pub fn open(dir: impl AsRef<Path>) -> Result<Reader, JournalError> {
        Reader::open_on(Arc::new(FsDisk), dir)
    }

    /// The same on a given disk.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open_on(disk: Arc<dyn Disk>, dir: impl AsRef<Path>) -> Result<Reader, JournalError> {
        let dir = dir.as_ref().to_owned();
        let layout = Layout::read(&*disk, &dir)?;
        let keys = Keyring::default();
        Ok(Reader { disk, dir, layout, next_segment: 0, cursor: None, wanted: 0, torn: None, keys })
    }

    /// Reads encrypted segments with these keys.
    pub fn with_keys(mut self, keys: &Keyring) -> Reader {
        self.keys = keys.clone();
        self
    }

    /// Goes to record `seq` (0 means the first one kept). What comes next is the prologue of the segment that holds
    /// it, then the record. Past the end of the journal nothing comes.
    ///
    /// # Errors
    /// `Gone` if the journal begins after that record.
    pub fn from(mut self, seq: u64) -> Result<Reader, JournalError> {
        let holding = self.layout.holding(seq);
        if let (None, Some(&first), true) = (holding, self.layout.segments.first(), seq > 0) {
            return Err(JournalError::Gone { seq, first });
        }
        self.next_segment = holding.unwrap_or(0);
        self.cursor = None;
        self.wanted = seq;
        self.torn = None;
        Ok(self)
    }

    /// Number of the first record of the first segment kept; 0 if there is no segment.
    pub fn first_seq(&self) -> u64 {
        self.layout.segments.first().copied().unwrap_or(0)
    }

    /// The segment that holds record `seq`, by the number of its first record; none if the journal begins after it.
    pub fn segment_of(&self, seq: u64) -> Option<u64> {
        self.layout.holding(seq).map(|i| self.layout.segments[i])
    }

    /// When the segment that is being read was begun, UTC microseconds by the writer's clock; nothing before the first frame.
    pub fn created_micros(&self) -> Option<i64> {
        self.cursor.as_ref().map(|cursor| cursor.header().created_micros)
    }

    /// The torn tail that reading ended at, once it has; recovery has already cut it if a writer opened the journal.
    pub fn torn(&self) -> Option<Torn> {
        self.torn
    }

    /// The next frame, or none at the end. After an error or the end, further calls look at the same place again.
    ///
    /// # Errors
    /// `Corrupt` where acknowledged records are damaged or missing; `Seal` if a segment's key is not there; `Gone` if retention has removed what comes next; `Io`
    /// if the disk fails.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, JournalError> {
        if !self.advance()? {
            return Ok(None);
        }
        Ok(self.cursor.as_ref().and_then(Cursor::frame))
    }

    /// Calls `each` with every frame from here to the end.
    ///
    /// # Errors
    /// Those of [`Reader::next_frame`], and whatever `each` returns.
    pub fn for_each<E: From<JournalError>>(
        &mut self,
        mut each: impl FnMut(Frame<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(frame) = self.next_frame()? {
            each(frame)?;
        }
        Ok(())
    }

    /// Opens a segment that was there when the directory was read.
    fn open_segment(&self, first_seq: u64) -> Result<Cursor, JournalError> {
        let opened = Cursor::open(&*self.disk, &self.dir, first_seq, READ_BUFFER, Some(&self.keys));
        let Err(JournalError::Io { source, .. }) = &opened else { return opened };
        if source.kind() != ErrorKind::NotFound {
            return opened;
        }
        // Retention removes from the front. A file missing elsewhere was taken by somebody else, and is a fault.
        match Layout::read(&*self.disk, &self.dir)?.segments.first() {
            Some(&first) if first > first_seq => {
                Err(JournalError::Gone { seq: self.wanted.max(first_seq), first })
            }
            _ => opened,
        }
    }

    /// Steps onto the next wanted frame, across segments; false at the end.
    fn advance(&mut self) -> Result<bool, JournalError> {
        loop {
            let Some(cursor) = &mut self.cursor else {
                match self.layout.segments.get(self.next_segment) {
                    None => return Ok(false),
                    Some(&first) => {
                        self.cursor = Some(self.open_segment(first)?);
                        self.next_segment += 1;
                        continue;
                    }
                }
            };
            match cursor.step()? {
                Step::Frame(head) if head.is_prologue() || head.seq >= self.wanted => return Ok(true),
                Step::Frame(_) => {}
                // Whole by its checksum, so no crash left it so.
                Step::End(damage @ (Damage::Sealed | Damage::Filler)) => return Err(cursor.corrupt(damage)),
                Step::End(damage) => match self.layout.segments.get(self.next_segment) {
                    Some(&next) => {
                        sealed_end(cursor, damage, next)?;
                        self.cursor = None;
                    }
                    None => match open_end(cursor)? {
                        End::At(torn) => {
                            self.torn = torn;
                            return Ok(false);
                        }
                        End::GrewMeanwhile => {}
                    },
                },
            }
        }
    }
}

/// How the last segment ends.
pub(crate) enum End {
    /// After the frame stepped on last, with this torn tail behind it.
    At(Option<Torn>),
    /// A writer wrote on while this was being found out.
    GrewMeanwhile,
}

/// A sealed segment must reach the next one, and nothing but zeros may follow its last frame.
pub(crate) fn sealed_end(cursor: &Cursor, damage: Damage, next_first: u64) -> Result<(), JournalError> {
    if cursor.expect() != next_first {
        return Err(cursor.corrupt(damage));
    }
    match judge(cursor)? {
        Tail::Clean => Ok(()),
        _ => Err(cursor.corrupt(Damage::Trailing)),
    }
}

/// Judges the end of the last segment, where the walk found no valid frame.
pub(crate) fn open_end(cursor: &mut Cursor) -> Result<End, JournalError> {
    let offset = cursor.offset();
    let proof = match judge(cursor)? {
        Tail::Clean => return Ok(End::At(None)),
        Tail::Torn(bytes) => {
            return Ok(End::At(Some(Torn { segment: cursor.header().first_seq, offset, bytes })));
        }
        Tail::Lost { witness } => Damage::Lost { witness },
        Tail::Undecided => Damage::Undecided,
    };
    // Beside a live writer the missing frame may have been written since it was looked for. A witness is written only
    // after it, so a second look settles it.
    let error = cursor.corrupt(proof);
    let (seq, offset) = (cursor.expect(), cursor.offset());
    match cursor.step()? {
        Step::Frame(_) => {
            cursor.seek(seq, offset);
            Ok(End::GrewMeanwhile)
        }
        Step::End(_) => Err(error),
    }
}

fn judge(cursor: &Cursor) -> Result<Tail, JournalError> {
    tail::judge(cursor.file(), cursor.header().salt, cursor.offset(), cursor.expect())
        .map_err(JournalError::io("read", cursor.path()))
}
