// SPDX-License-Identifier: Apache-2.0
//! The second look: every file that the engine keeps, as it lies on disk and as what it means, is searched for a value that
//! is to be nowhere.

use super::grep::{Grep, Hits};
use super::subject::{Eraser, Met, Subject, Token};
use super::{EraseError, file};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::snapshot;
use std::io;
use wardroom_journal::{Frame, JournalError, segment_name};

/// One file, as it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    /// Its path below the data directory.
    pub path: String,
    /// Bytes as they lie on disk.
    pub bytes: u64,
    /// Bytes of what they mean, decrypted and taken apart, that were searched too.
    pub decoded: u64,
    /// Hits that are the value: there are to be none.
    pub alone: u64,
    /// Hits that are part of a longer word, which is another's.
    pub within: u64,
}

/// What a second look found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// Every file of the journal and of the snapshots.
    pub files: Vec<Proved>,
    /// Records that came after the erasure and have the value again: they are new.
    pub after: u64,
}

impl Proof {
    /// Whether the value is nowhere.
    pub fn holds(&self) -> bool {
        self.files.iter().all(|file| file.alone == 0)
    }
}

impl Engine {
    /// Searches all records up to `seq`, and every snapshot, for a subject.
    ///
    /// # Errors
    /// Where something cannot be read: what was not looked at is not proven.
    pub fn prove(&self, subject: &Subject, seq: u64) -> Result<Proof, EraseError> {
        let subject = &self.known(subject);
        let grep = Grep::new(subject).map_err(EraseError::Value)?;
        // Only to tell whose word a hit is part of: the token is put nowhere.
        let none = Token::parse("erased-aaaaaaaaaaaaaaaaaaaaaaaaaa")
            .ok_or_else(|| EraseError::Value(String::new()))?;
        let eraser = Eraser::new(subject.clone(), &none).map_err(EraseError::Value)?;
        let mut proof = Proof::default();
        let lookup = &self.shared.lookup;
        let sealed = lookup.sealed_segments();
        for first in &sealed {
            let mut of_segment = Proved {
                path: format!("journal/{}", segment_name(*first)),
                bytes: 0,
                decoded: 0,
                alone: 0,
                within: 0,
            };
            let mut hits = Hits::default();
            let looked = lookup.rewrite(*first, |frame| {
                let seq_of = frame.position.seq;
                of_segment.decoded += frame.payload.len() as u64;
                if seq_of > seq && !frame.is_prologue() {
                    proof.after += u64::from(grep.hits(frame.payload).all() > 0);
                } else {
                    hits.add(self.of_frame(&frame, &grep, &eraser)?);
                }
                Ok::<_, EngineError>(wardroom_journal::Fate::Keep)
            })?;
            let Some(looked) = looked else { continue };
            (of_segment.alone, of_segment.within) = (hits.alone, hits.within);
            if looked.last_seq <= seq {
                let path = self.data.join(&of_segment.path);
                let limit =
                    usize::try_from(wardroom_journal::limits::MAX_SEGMENT_BYTES).unwrap_or(usize::MAX);
                let bytes = self.disk.load(&path, limit).map_err(file("read", &path))?;
                // Between frames there is nothing: what is in the file is in a payload.
                let raw = grep.hits(&bytes).all();
                of_segment.alone += raw.saturating_sub(hits.all());
            }
            of_segment.bytes = looked.bytes;
            proof.files.push(of_segment);
        }
        let open = sealed.last().map_or(0, |_| seq + 1);
        lookup.range(open.max(1), u64::MAX, |frame: Frame<'_>| {
            proof.after += u64::from(frame.position.seq > seq && grep.hits(frame.payload).all() > 0);
            Ok::<(), JournalError>(())
        })?;
        self.prove_snapshots(&grep, &mut proof)?;
        Ok(proof)
    }

    /// Hits in one frame: those that the record, taken apart, does not explain as part of longer words are the value.
    fn of_frame(&self, frame: &Frame<'_>, grep: &Grep, eraser: &Eraser) -> Result<Hits, EngineError> {
        let raw = grep.hits(frame.payload);
        if raw.all() == 0 && eraser.raw(frame.payload) == 0 {
            return Ok(Hits::default());
        }
        let (_, Met { values, words, within }) = self.scrubbed(frame, eraser)?;
        let alone = (values + words).max(raw.all().saturating_sub(within));
        Ok(Hits { alone, within: within.min(raw.all()) })
    }

    fn prove_snapshots(&self, grep: &Grep, proof: &mut Proof) -> Result<(), EngineError> {
        let dir = snapshot::directory(&self.data);
        let names = match self.disk.list(&dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            names => names.map_err(file("list", &dir))?,
        };
        for name in names.into_iter().filter(|name| snapshot::begins(name).is_some()) {
            let path = dir.join(&name);
            let (mut hits, mut decoded) = (Hits::default(), 0);
            let read = snapshot::each_section(&*self.disk, &path, &self.config_keys, &mut |payload| {
                decoded += payload.len() as u64;
                hits.add(grep.hits(payload));
            });
            let bytes = match read {
                Ok(bytes) => bytes,
                // A newer one came, and this one went.
                Err(_) if !self.disk.exists(&path).unwrap_or(true) => continue,
                Err(why) => return Err(file("read", &path)(io::Error::new(io::ErrorKind::InvalidData, why))),
            };
            let path = format!("snapshots/{name}");
            proof.files.push(Proved { path, bytes, decoded, alone: hits.alone, within: hits.within });
        }
        Ok(())
    }
}
