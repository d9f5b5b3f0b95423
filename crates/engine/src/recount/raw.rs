// SPDX-License-Identifier: Apache-2.0
//! The journal in pieces: records as they lie there, each piece under one policy and with one set of warming features, so
//! that it can be taken apart without those before it.

use super::made::Made;
use super::{Recount, is_event};
use crate::active::Active;
use crate::error::EngineError;
use crate::limits;
use crate::record::{Dictionary, Part, WarmingRecord, kind};
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use wardroom_journal::{Frame, Position, Reader};

/// Some records in the journal's order.
#[derive(Default)]
pub(super) struct Raw {
    heads: Vec<(Position, u8, u8, Range<usize>)>,
    bytes: Vec<u8>,
    /// The policy they were made under.
    pub(super) made: Option<Arc<Made>>,
    /// Features of the policy that asks, by number, that read as missing.
    pub(super) warming: Arc<[usize]>,
    /// Whether a repair has left gaps before.
    pub(super) gaps: bool,
    /// The last record, and how many there are.
    pub(super) last: u64,
    pub(super) records: u64,
}

impl Raw {
    pub(super) fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        self.heads.iter().map(|(position, kind, flags, range)| Frame {
            position: *position,
            kind: *kind,
            flags: *flags,
            payload: &self.bytes[range.clone()],
        })
    }

    fn push(&mut self, frame: &Frame<'_>) {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(frame.payload);
        self.heads.push((frame.position, frame.kind, frame.flags, begin..self.bytes.len()));
    }

    fn is_full(&self) -> bool {
        self.records >= limits::RECOUNT_BLOCK as u64 || self.bytes.len() >= limits::RECOUNT_BLOCK_BYTES
    }
}

/// Whether such a record changes what events are served.
fn is_told(of: u8) -> bool {
    matches!(of, kind::CHANGE | kind::ACT | kind::AGAIN | kind::FORGET | kind::LOST)
}

/// Where pieces come from.
pub(super) struct Source {
    reader: Reader,
    asks: Arc<Active>,
    through: u64,
    as_served: bool,
    /// What the next piece begins with.
    made: Option<Arc<Made>>,
    warming: Arc<[usize]>,
    gaps: bool,
    /// The texts of the policy to come.
    parts: Vec<Part>,
    piece: Raw,
}

impl Source {
    pub(super) fn new(reader: Reader, recount: &Recount) -> Source {
        Source {
            reader,
            asks: recount.active.clone(),
            through: recount.through,
            as_served: recount.as_served,
            made: None,
            warming: Arc::default(),
            gaps: false,
            parts: Vec::new(),
            piece: Raw::default(),
        }
    }

    /// Reads to the end, or to the first record that cannot be read, and sends what it finds.
    pub(super) fn run(&mut self, send: &SyncSender<Result<Raw, EngineError>>) {
        loop {
            match self.next() {
                Ok(Some(piece)) => {
                    if send.send(Ok(piece)).is_err() {
                        return;
                    }
                }
                Ok(None) => return,
                Err(error) => return drop(send.send(Err(error))),
            }
        }
    }

    fn next(&mut self) -> Result<Option<Raw>, EngineError> {
        loop {
            // The piece in hand goes where the record to come stands under something else.
            let mut head = None;
            match self.reader.next_frame()? {
                Some(frame) if frame.is_prologue() || frame.position.seq <= self.through => {
                    let seq = frame.position.seq;
                    match frame.kind {
                        kind::POLICY | kind::WARMING | kind::POLICY_PART => {
                            head = Some((seq, frame.kind, frame.is_prologue(), frame.payload.to_vec()));
                        }
                        _ if frame.is_prologue() => continue,
                        of => {
                            self.piece.last = seq;
                            self.piece.records += 1;
                            if is_event(of) || is_told(of) {
                                self.piece.push(&frame);
                            }
                            self.gaps |= of == kind::LOST;
                        }
                    }
                }
                _ => return Ok(self.cut()),
            }
            let cut = match head {
                Some((seq, of, is_prologue, payload)) => self.head(seq, of, is_prologue, &payload)?,
                None if self.piece.is_full() => self.cut(),
                None => None,
            };
            if cut.is_some() {
                return Ok(cut);
            }
        }
    }

    /// The piece in hand, if there is anything in it.
    fn cut(&mut self) -> Option<Raw> {
        let next = Raw { gaps: self.gaps, ..Raw::default() };
        let piece = std::mem::replace(&mut self.piece, next);
        let (made, warming) = (self.made.clone(), self.warming.clone());
        (piece.records > 0).then_some(Raw { made, warming, ..piece })
    }

    /// A record that says under what the next ones stand; gives the piece that ends before it.
    fn head(
        &mut self,
        seq: u64,
        of: u8,
        is_prologue: bool,
        payload: &[u8],
    ) -> Result<Option<Raw>, EngineError> {
        let bad = |why| EngineError::Record { seq, why };
        // What a segment begins with repeats what a record said: read where that was not seen.
        let known = self.made.is_some() && !self.gaps;
        if is_prologue && (known || of == kind::POLICY_PART) {
            return Ok(None);
        }
        match of {
            kind::POLICY_PART => {
                self.parts.push(Part::decode(payload).map_err(bad)?);
                Ok(None)
            }
            kind::POLICY => {
                let found = Dictionary::decode(payload).map_err(bad)?;
                if is_prologue && self.made.as_ref().is_some_and(|made| made.dictionary.seq == found.seq) {
                    return Ok(None);
                }
                let cut = self.cut();
                let bundle = Part::join(std::mem::take(&mut self.parts));
                self.made = Some(Arc::new(Made::new(found, Some(bundle), &self.asks)));
                self.warming = Arc::default();
                Ok(cut)
            }
            _ => {
                let found = WarmingRecord::decode(payload).map_err(bad)?;
                let cut = self.cut();
                let made = self.made.as_ref().filter(|made| made.dictionary.seq == found.policy);
                if let Some(made) = made.filter(|_| self.as_served) {
                    self.warming = made.warming(&found.features).into();
                }
                Ok(cut)
            }
        }
    }
}
