// SPDX-License-Identifier: Apache-2.0
//! Writing a sealed segment anew with other payloads: what an erasure and the end of a retention ask for.
//!
//! Every record keeps its number, its kind and its flags; only payloads become others, so frames move and the file has
//! another length. An encrypted segment gets a key of its own again, for the same nonce must never seal two payloads. The
//! new file is written beside the old one, synced, read back whole, and only then takes its place by a rename: a crash
//! leaves one or the other, and whoever has the old one open reads on in it.
//!
//! Damage stops it: what cannot be read cannot be said to hold nothing, and is not to be lost in silence either.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::cursor::{Cursor, Step};
use crate::disk::{DiskFile, temporary, write_full};
use crate::error::JournalError;
use crate::format::{
    FLAG_FILLER, Frame, FrameHead, HEADER_BYTES, SEGMENT_CONTEXT, SegmentHeader, encode_sealed, frame_bytes,
};
use crate::limits::{MAX_PAYLOAD, MAX_SEGMENT_BYTES, READ_BUFFER};
use crate::lookup::Lookup;
use crate::reader::sealed_end;
use crate::seal::{Keyring, Seal, TAG_BYTES};

/// What becomes of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It stays.
    Keep,
    /// This stands in its place.
    Replace(Vec<u8>),
}

/// What a rewriting looked at and did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rewritten {
    /// The segment's first record, which names it.
    pub first_seq: u64,
    /// Its last record.
    pub last_seq: u64,
    /// Frames looked at, prologue included.
    pub frames: u64,
    /// Payloads that became others; with none the file is as it was.
    pub replaced: u64,
    /// Length of the file before, in bytes.
    pub bytes_before: u64,
    /// The same now.
    pub bytes: u64,
}

impl Lookup {
    /// Looks at every frame of the sealed segment that begins with `first_seq`, prologue included, and writes it anew if one
    /// of them is to become another. Works beside the writer and beside readers, from any thread. Nothing if there is no
    /// such segment, or it is the one being written.
    ///
    /// # Errors
    /// `Corrupt` where it is damaged and `Seal` without its key: nothing was changed. `TooLarge` if what it would become is
    /// beyond a limit, `Io` if the disk fails or is full: the segment is as it was, or as it was to become. Whatever `each`
    /// returns.
    pub fn rewrite<E: From<JournalError>>(
        &self,
        first_seq: u64,
        mut each: impl FnMut(Frame<'_>) -> Result<Fate, E>,
    ) -> Result<Option<Rewritten>, E> {
        let segments = self.segments();
        let Some(i) = segments.iter().position(|&first| first == first_seq) else { return Ok(None) };
        let Some(&next) = segments.get(i + 1) else { return Ok(None) };
        let mut cursor = match self.cursor(first_seq, READ_BUFFER, true) {
            Err(JournalError::Gone { .. }) => return Ok(None),
            opened => opened?,
        };
        let bytes = cursor.file().size().map_err(JournalError::io("measure", cursor.path()))?;
        let mut done =
            Rewritten { first_seq, last_seq: next - 1, bytes_before: bytes, bytes, ..Rewritten::default() };
        let mut copy: Option<Copy<'_>> = None;
        loop {
            let head = match cursor.step()? {
                Step::Frame(head) => head,
                Step::End(damage) => {
                    sealed_end(&cursor, damage, next)?;
                    break;
                }
            };
            let Some(frame) = cursor.frame() else { continue };
            done.frames += 1;
            let fate = if head.is_filler() { Fate::Keep } else { each(frame)? };
            if let Fate::Replace(payload) = fate {
                done.replaced += 1;
                let copy = match &mut copy {
                    Some(copy) => copy,
                    None => copy.insert(Copy::begin(self, &cursor, frame.position.offset)?),
                };
                copy.frame(head, &payload)?;
            } else if let Some(copy) = &mut copy {
                copy.frame(head, frame.payload)?;
            }
        }
        if let Some(copy) = copy {
            done.bytes = copy.put_in_place(next)?;
        }
        Ok(Some(done))
    }

    /// First records of the sealed segments, ascending.
    pub fn sealed_segments(&self) -> Vec<u64> {
        let mut firsts = self.segments();
        firsts.pop();
        firsts
    }
}

/// A segment written anew, beside the one it is to replace. One that is let go of takes its file with it.
struct Copy<'a> {
    lookup: &'a Lookup,
    file: Arc<dyn DiskFile>,
    /// Where it is written.
    temporary: PathBuf,
    /// Where it is to stand.
    path: PathBuf,
    header: SegmentHeader,
    seal: Option<Seal>,
    buffer: Vec<u8>,
    /// Bytes of the file so far.
    at: u64,
    /// What was written, to be told from what is read back.
    sum: crc32fast::Hasher,
    placed: bool,
}

impl<'a> Copy<'a> {
    /// Begins one with the frames of the segment that `cursor` walks, up to the one at `until`.
    fn begin(lookup: &'a Lookup, cursor: &Cursor, until: u64) -> Result<Copy<'a>, JournalError> {
        let path = cursor.path().to_owned();
        let mut header = SegmentHeader { header_len: HEADER_BYTES as u32, seal: None, ..*cursor.header() };
        let begun = sealing(lookup.keys(), cursor.header(), &header);
        let begun =
            begun.map_err(|source| JournalError::Seal { doing: "rewrite", path: path.clone(), source })?;
        let (head, seal) = begun.unzip();
        header.seal = head;
        let temporary = temporary(&path);
        let file = lookup.disk().create(&temporary, 0).map_err(JournalError::io("create", &temporary))?;
        let mut copy = Copy {
            lookup,
            file: file.into(),
            temporary,
            path,
            header,
            seal,
            buffer: header.encode().to_vec(),
            at: 0,
            sum: crc32fast::Hasher::new(),
            placed: false,
        };
        let mut before = lookup.cursor(cursor.header().first_seq, READ_BUFFER, true)?;
        while before.offset() < until {
            match before.step()? {
                Step::Frame(head) => {
                    if let Some(frame) = before.frame() {
                        copy.frame(head, frame.payload)?;
                    }
                }
                Step::End(damage) => return Err(before.corrupt(damage)),
            }
        }
        Ok(copy)
    }

    fn frame(&mut self, head: FrameHead, payload: &[u8]) -> Result<(), JournalError> {
        let within = |what, bytes: u64, limit: u64| {
            if bytes > limit { Err(JournalError::TooLarge { what, bytes, limit }) } else { Ok(()) }
        };
        within("a payload", payload.len() as u64, MAX_PAYLOAD as u64)?;
        let offset = self.at + self.buffer.len() as u64;
        within("a segment", offset + frame_bytes(payload.len() + TAG_BYTES), MAX_SEGMENT_BYTES)?;
        let seal = self.seal.as_ref().filter(|_| head.flags & FLAG_FILLER == 0);
        encode_sealed(&mut self.buffer, self.header.salt, seal.map(|seal| (seal, offset)), head, payload);
        add(&mut self.sum, head, payload);
        if self.buffer.len() >= READ_BUFFER {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), JournalError> {
        write_full(&*self.file, &self.buffer, self.at).map_err(|source| self.failed(source))?;
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn failed(&self, source: io::Error) -> JournalError {
        JournalError::io("write", &self.temporary)(source)
    }

    /// Makes it durable, reads it back, and has it take the old one's place. Gives its length.
    fn put_in_place(mut self, next: u64) -> Result<u64, JournalError> {
        self.write()?;
        self.file.sync_all().map_err(|source| self.failed(source))?;
        self.read_back(next)?;
        self.placed = self.lookup.replace_segment(self.header.first_seq, &self.temporary, &self.path)?;
        Ok(self.at)
    }

    /// Every frame of it must be what was written: the old one is the last there is of the rest.
    fn read_back(&self, next: u64) -> Result<(), JournalError> {
        let file = self.file.clone();
        let mut cursor =
            Cursor::under(file, self.temporary.clone(), self.header, READ_BUFFER, self.seal.clone());
        let mut sum = crc32fast::Hasher::new();
        loop {
            match cursor.step()? {
                Step::Frame(head) => {
                    if let Some(frame) = cursor.frame() {
                        add(&mut sum, head, frame.payload);
                    }
                }
                Step::End(damage) if cursor.expect() != next || cursor.offset() != self.at => {
                    return Err(cursor.corrupt(damage));
                }
                Step::End(damage) if sum.clone().finalize() != self.sum.clone().finalize() => {
                    return Err(cursor.corrupt(damage));
                }
                Step::End(_) => return Ok(()),
            }
        }
    }
}

impl Drop for Copy<'_> {
    fn drop(&mut self) {
        if !self.placed {
            // Whatever stopped it: a full disk should not be left fuller. One that stays goes at the next opening.
            let _ = self.lookup.disk().remove(&self.temporary);
        }
    }
}

fn add(sum: &mut crc32fast::Hasher, head: FrameHead, payload: &[u8]) {
    sum.update(&head.seq.to_le_bytes());
    sum.update(&[head.kind, head.flags]);
    sum.update(&(payload.len() as u64).to_le_bytes());
    sum.update(payload);
}

/// What the new segment is sealed with: the newest key, or the one that the old was sealed with, so that nothing that was
/// encrypted comes to lie in the open.
fn sealing(
    keys: &Keyring,
    old: &SegmentHeader,
    new: &SegmentHeader,
) -> Result<Option<(crate::seal::SealHead, Seal)>, crate::seal::SealError> {
    let context = new.context();
    let context: &[&[u8]] = &[SEGMENT_CONTEXT, &context];
    match &old.seal {
        Some(head) => keys.begin_again(head, context).map(Some),
        None => keys.begin(context),
    }
}
