// SPDX-License-Identifier: Apache-2.0
//! Erasing a subject: a token takes the place of a value in all that is kept of the past.
//!
//! By rewriting, not by throwing away a key: a value per subject's key would have to be encrypted at each event, could not
//! be searched, filtered or counted in history without all keys at hand, and whether it is gone could not be seen by looking.
//!
//! The order makes each step safe to be cut short, for the next start does all of them again with the same token:
//!
//! 1. What is to be done is written down (`erasing`), with the value: the only file that has it at the end.
//! 2. Between two batches the sequencer records that it happens, puts the token into what it holds in memory, and begins a
//!    new segment. What comes in from then on is new, and stays.
//! 3. A snapshot is made of that memory, what was erased is noted by a keyed hash (`erased`), and the snapshots before are
//!    removed: no restart goes on from a state that knows the value
//!    over a journal that does not.
//! 4. Each segment that has the value is written anew.
//! 5. What others have made of the journal is rid of it as well.
//! 6. `erasing` is removed.
//!
//! Then everything is looked through once more, by another search ([`grep`], [`prove`]).

mod grep;
mod known;
mod prove;
mod subject;
mod words;

pub use grep::{Grep, Hits};
pub(crate) use known::load;
pub use prove::{Proof, Proved};
pub(crate) use subject::Erasing;
pub use subject::{Eraser, Met, Subject, Token};

use crate::engine::Engine;
use crate::error::{EngineError, SnapshotError, SubmitError};
use crate::limits;
use crate::record::{ErasureRecord, kind, read_with, scrub};
use crate::sequencer::Task;
use crate::snapshot;
use siphasher::sip128::{Hasher128, SipHasher24};
use std::hash::Hasher;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::oneshot;
use wardroom_event::{Micros, Type};
use wardroom_journal::{DAMAGED, Disk, Fate, Frame, JournalError};
use wardroom_state::{Keyer, Secret};

/// What is to be done, while it is.
const PENDING: &str = "erasing";
/// Most that is read of it: a token and a subject.
const PENDING_BYTES: usize = 1024;

/// An erasure did not come to its end. Asked for again, or at the next start, it goes on.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The policy in force names the subject.
    #[error("the policy in force names it: {}; take it out there first", places.join(", "))]
    Policy {
        /// Where, as `FILE:LINE`.
        places: Vec<String>,
    },
    /// Another erasure has not come to its end.
    #[error(
        "another erasure is under way, or was cut short: it goes on at the next start, or with `wardroom erase --resume`"
    )]
    Unfinished,
    /// The value makes no search that could be run.
    #[error("the value cannot be searched for: {0}")]
    Value(String),
    /// The sequencer did not take it.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// No snapshot could be made without the value, so those that may have it are needed.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// What is on disk cannot be read or written.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<JournalError> for EraseError {
    fn from(error: JournalError) -> EraseError {
        EraseError::Engine(error.into())
    }
}

/// One segment of the journal, as it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErasedSegment {
    /// Its first record.
    pub first_seq: u64,
    /// Its last.
    pub last_seq: u64,
    /// Frames looked at.
    pub frames: u64,
    /// Frames that became others.
    pub replaced: u64,
    /// What was met in them.
    pub met: Met,
    /// Its length by now, in bytes.
    pub bytes: u64,
}

/// What an erasure did.
#[derive(Clone, Debug)]
pub struct Erased {
    /// The record that says so: all before it are rid of the value.
    pub seq: u64,
    /// The kind of subject.
    pub kind: Type,
    /// The value's digest under the installation's secret.
    pub digest: [u8; 16],
    /// What stands in its place.
    pub token: String,
    /// What was met in lists and last values that are held in memory.
    pub memory: Met,
    /// The journal's segments.
    pub segments: Vec<ErasedSegment>,
    /// The snapshot that was made, by the record it begins after.
    pub snapshot: u64,
    /// Snapshots that were removed, by their names.
    pub snapshots_removed: Vec<String>,
    /// Copies of damaged segments that a repair had kept and that had it, by their names: removed.
    pub damaged_removed: Vec<String>,
}

impl Engine {
    /// Erases a subject from all that came before now, and waits until that is durable. For a thread that may block: it
    /// reads the whole journal. The server goes on meanwhile. Asked for again it erases what came since.
    ///
    /// # Errors
    /// [`EraseError`]; what was begun goes on when it is asked for again with the same token.
    pub fn erase(
        &self,
        subject: &Subject,
        token: &Token,
        now: Micros,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Erased, EraseError> {
        self.erase_with(subject, token, now, progress, |_| Ok(()))
    }

    /// As [`Engine::erase`], and `beside` erases what others have made of the past: it is not over before that is done, so
    /// that one cut short there goes on as well.
    ///
    /// # Errors
    /// [`EraseError`], and whatever `beside` gives.
    pub fn erase_with<E: From<EraseError>>(
        &self,
        subject: &Subject,
        token: &Token,
        now: Micros,
        progress: &mut dyn FnMut(u64, u64),
        beside: impl FnOnce(&Erased) -> Result<(), E>,
    ) -> Result<Erased, E> {
        let erased = self.erase_own(subject, token, now, progress)?;
        beside(&erased)?;
        self.remove_pending().map_err(EraseError::from)?;
        Ok(erased)
    }

    /// All that the engine keeps.
    fn erase_own(
        &self,
        subject: &Subject,
        token: &Token,
        now: Micros,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Erased, EraseError> {
        let subject = &self.known(subject);
        let eraser = Arc::new(Eraser::new(subject.clone(), token).map_err(EraseError::Value)?);
        self.named_by_policy(&eraser)?;
        self.write_pending(subject, token)?;
        let digest = digest(self.secret, subject);
        self.outbox().erase(&eraser);
        let record =
            ErasureRecord { at: now, kind: subject.kind(), digest, token: token.word().into() }.encode();
        let (reply, done) = oneshot::channel();
        self.ask(Task::Erase { eraser: eraser.clone(), record, reply })?;
        let (seq, memory) = done.blocking_recv().map_err(|_| self.gone())??;
        let snapshot = self.snapshot_after(seq)?;
        // Only now: a start from a snapshot before this one counts on under the keys of before.
        known::save(&*self.disk, &self.data, self.keyer.erased())?;
        let snapshots_removed = self.remove_snapshots_before(snapshot)?;
        let segments = self.erase_segments(&eraser, seq, progress)?;
        let damaged_removed = self.remove_damaged(&eraser)?;
        let (kind, token) = (subject.kind(), token.word());
        Ok(Erased {
            seq,
            kind,
            digest,
            token,
            memory,
            segments,
            snapshot,
            snapshots_removed,
            damaged_removed,
        })
    }

    /// The erasure that was begun and did not come to its end, if there is one.
    ///
    /// # Errors
    /// Where the file that says so cannot be read.
    pub fn unfinished_erasure(&self) -> Result<Option<(Subject, Token)>, EngineError> {
        let path = self.data.join(PENDING);
        let text = match self.disk.load(&path, PENDING_BYTES) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(file("read", &path))?,
        };
        let text = String::from_utf8_lossy(&text);
        let read = text.trim_end().split_once(' ');
        let read =
            read.and_then(|(token, subject)| Some((Subject::parse(subject).ok()?, Token::parse(token)?)));
        let unreadable = || io::Error::new(io::ErrorKind::InvalidData, "it is not what an erasure writes");
        read.map(Some).ok_or_else(|| file("read", &path)(unreadable()))
    }

    /// A subject with what this installation knows it by: its hashes, where fields are kept so.
    pub fn known(&self, subject: &Subject) -> Subject {
        subject.clone().hashed(self.keyer.hash_keys())
    }

    /// What turns values into keys and hashes here.
    pub fn keyer(&self) -> &Keyer {
        &self.keyer
    }

    /// The digest of a subject under this installation's secret: what an erasure's record has of it.
    pub fn digest(&self, subject: &Subject) -> [u8; 16] {
        digest(self.secret, subject)
    }

    /// What the record of an erasure says: the digest in hexadecimal digits, and the token. None where this record is no such.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn erasure(&self, seq: u64) -> Result<Option<(String, String)>, EngineError> {
        let Some(frame) = self.shared.lookup.get(seq)?.filter(|frame| frame.kind == kind::ERASURE) else {
            return Ok(None);
        };
        let found = ErasureRecord::decode(&frame.payload);
        let found = found.map_err(|why| EngineError::Record { seq, why })?;
        let digest = found.digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Some((digest, found.token.into())))
    }

    /// The first record that the journal still has.
    pub fn first_record(&self) -> u64 {
        self.shared.lookup.first_seq()
    }

    fn named_by_policy(&self, eraser: &Eraser) -> Result<(), EraseError> {
        let active = self.active();
        let mut places = Vec::new();
        for (path, text) in active.bundle.files() {
            let line = |at: usize| text[..at].matches('\n').count() + 1;
            places.extend(eraser.places(text).iter().map(|place| format!("{path}:{}", line(place.start))));
        }
        places.truncate(limits::ERASE_PLACES);
        if places.is_empty() { Ok(()) } else { Err(EraseError::Policy { places }) }
    }

    fn write_pending(&self, subject: &Subject, token: &Token) -> Result<(), EraseError> {
        let mine = (subject.clone(), token.clone());
        if self.unfinished_erasure()?.is_some_and(|pending| pending != mine) {
            return Err(EraseError::Unfinished);
        }
        let path = self.data.join(PENDING);
        let text = format!("{} {}\n", token.word(), subject.to_text());
        Ok(self.disk.replace(&path, text.as_bytes()).map_err(file("write", &path))?)
    }

    fn remove_pending(&self) -> Result<(), EngineError> {
        let path = self.data.join(PENDING);
        let gone = self.disk.remove(&path).and_then(|()| self.disk.sync_dir(&self.data));
        gone.map_err(file("remove", &path))
    }

    /// A snapshot that begins after that record: one that was under way may know what was before.
    fn snapshot_after(&self, seq: u64) -> Result<u64, EraseError> {
        loop {
            let (reply, done) = oneshot::channel();
            self.ask(Task::Snapshot { reply })?;
            let made = done.blocking_recv().map_err(|_| self.gone())?.map_err(SnapshotError::Failed)?;
            if made.seq >= seq {
                return Ok(made.seq);
            }
        }
    }

    fn remove_snapshots_before(&self, seq: u64) -> Result<Vec<String>, EngineError> {
        let dir = snapshot::directory(&self.data);
        let mut removed = Vec::new();
        for name in self.disk.list(&dir).map_err(file("list", &dir))? {
            if snapshot::begins(&name).is_some_and(|begin| begin < seq) {
                remove(&*self.disk, &dir.join(&name))?;
                removed.push(name);
            }
        }
        self.disk.sync_dir(&dir).map_err(file("sync", &dir))?;
        removed.sort();
        Ok(removed)
    }

    fn erase_segments(
        &self,
        eraser: &Eraser,
        seq: u64,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Vec<ErasedSegment>, EraseError> {
        let lookup = &self.shared.lookup;
        let mut firsts = lookup.sealed_segments();
        firsts.retain(|first| *first <= seq);
        let mut out = Vec::new();
        for (n, first) in firsts.iter().enumerate() {
            progress(n as u64, firsts.len() as u64);
            let mut met = Met::default();
            let done = lookup.rewrite(*first, |frame| self.erase_frame(&frame, eraser, &mut met))?;
            if let Some(done) = done {
                out.push(ErasedSegment {
                    first_seq: done.first_seq,
                    last_seq: done.last_seq,
                    frames: done.frames,
                    replaced: done.replaced,
                    met,
                    bytes: done.bytes,
                });
            }
        }
        progress(firsts.len() as u64, firsts.len() as u64);
        Ok(out)
    }

    fn erase_frame(&self, frame: &Frame<'_>, eraser: &Eraser, met: &mut Met) -> Result<Fate, EngineError> {
        if eraser.raw(frame.payload) == 0 {
            return Ok(Fate::Keep);
        }
        let (out, found) = self.scrubbed(frame, eraser)?;
        met.add(found);
        Ok(out.map_or(Fate::Keep, Fate::Replace))
    }

    /// What a frame becomes, and what was met in it.
    fn scrubbed(&self, frame: &Frame<'_>, eraser: &Eraser) -> Result<(Option<Vec<u8>>, Met), EngineError> {
        let seq = frame.position.seq;
        let unreadable = |why| EngineError::Record { seq, why };
        let policy = read_with(frame.kind, frame.payload).map_err(unreadable)?;
        let dictionary =
            policy.map(|policy| self.shared.dictionary(policy, frame.position.segment)).transpose()?;
        let mut hand = Erasing { eraser, met: Met::default() };
        let out = scrub(frame.kind, frame.payload, dictionary.as_deref(), &mut hand).map_err(unreadable)?;
        Ok((out, hand.met))
    }

    /// Copies of damaged segments are for people, and no record of them is part of the journal any more.
    fn remove_damaged(&self, eraser: &Eraser) -> Result<Vec<String>, EraseError> {
        let dir = self.data.join("journal").join(DAMAGED);
        let names = match self.disk.list(&dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            names => names.map_err(file("list", &dir))?,
        };
        let mut removed = Vec::new();
        for name in names {
            let path = dir.join(&name);
            let limit = usize::try_from(wardroom_journal::limits::MAX_SEGMENT_BYTES).unwrap_or(usize::MAX);
            let bytes = self.disk.load(&path, limit).map_err(file("read", &path))?;
            // What is encrypted cannot be looked into: its frames are no longer to be trusted, whatever they say.
            if eraser.raw(&bytes) > 0 || self.config_keys.seals() {
                remove(&*self.disk, &path)?;
                removed.push(name);
            }
        }
        if !removed.is_empty() {
            self.disk.sync_dir(&dir).map_err(file("sync", &dir))?;
        }
        Ok(removed)
    }
}

fn remove(disk: &dyn Disk, path: &Path) -> Result<(), EngineError> {
    match disk.remove(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(file("remove", path)(e)),
        _ => Ok(()),
    }
}

fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EngineError + use<> {
    let path: PathBuf = path.to_owned();
    move |source| EngineError::File { doing, path, source }
}

fn digest(secret: Secret, subject: &Subject) -> [u8; 16] {
    let mut hasher = SipHasher24::new_with_key(&secret.0);
    hasher.write(b"wardroom erasure");
    hasher.write(subject.to_text().as_bytes());
    hasher.finish128().as_bytes()
}
