// SPDX-License-Identifier: Apache-2.0
//! Writing a snapshot beside the sequencer: a thread of its own, fed through a bounded channel.
//!
//! The sequencer never waits for it: where more than [`limits::SNAPSHOT_QUEUED`] bytes wait to be written, it makes no
//! further piece until there is room again, and is told then. Whatever goes wrong here, with the disk or by a fault of our
//! own, is an outcome that the sequencer learns of between two batches, and nothing else.

use super::chain;
use super::file::{self, Draft};
use super::format::{Header, Identity, section};
use super::retain::Retention;
use crate::active::Active;
use crate::limits;
use crate::record::{Dictionary, encode_parts, put_len};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::AcqRel, Ordering::Acquire, Ordering::Release};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use wardroom_journal::{Access, Disk, Keyring, Lookup};

/// Where snapshots are written, and what for.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
    pub(super) keys: Keyring,
    pub(super) lookup: Lookup,
    pub(super) retention: Retention,
    /// The older snapshot that was read to its end and found good, by its file and size: once is enough.
    pub(super) verified: Arc<Mutex<Option<(PathBuf, u64)>>>,
}

/// What a snapshot begins with: all but the tables, made by whoever writes it.
pub(super) struct Opening {
    pub(super) header: Header,
    pub(super) active: Arc<Active>,
    pub(super) dictionary: Arc<Dictionary>,
    /// What follows the dictionary in the head.
    pub(super) rest: Vec<u8>,
    /// A section for each table.
    pub(super) tables: Vec<Vec<u8>>,
    /// Bytes that must be free on the disk.
    pub(super) room: u64,
}

/// A snapshot that is durable and has its name.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    pub(super) identity: Identity,
    pub(super) bytes: u64,
    /// Segments of the journal that nobody needs any more: for each, the record after its last.
    pub(super) cut: Vec<u64>,
}

type Outcome = Result<Published, String>;

enum Message {
    Section(u8, Vec<u8>),
    /// That was all: publish it.
    End,
}

/// What both sides look at.
#[derive(Default)]
struct Between {
    /// Bytes that wait to be written.
    queued: AtomicUsize,
    /// Whether the sequencer wants to be told when there is room.
    hungry: AtomicBool,
    /// Whether nobody wants it any more: it ends without a name.
    given_up: AtomicBool,
    outcome: Mutex<Option<Outcome>>,
    done: AtomicBool,
}

impl Between {
    fn conclude(&self, outcome: Outcome) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        self.done.store(true, Release);
    }
}

/// The sequencer's end of a snapshot being written.
pub(super) struct Outlet {
    to: To,
    between: Arc<Between>,
}

enum To {
    Thread {
        send: Option<Sender<Message>>,
        /// Buffers to be filled again.
        spent: Receiver<Vec<u8>>,
        thread: Option<JoinHandle<()>>,
    },
    /// Without a thread, for simulations: written at once.
    Here(Option<Box<Writing>>),
}

impl Outlet {
    /// Begins to write. `wake` is called when the sequencer waits for room or for the end.
    pub(super) fn open(
        place: Place,
        opening: Opening,
        by_hand: bool,
        wake: impl Fn() + Send + 'static,
    ) -> io::Result<Outlet> {
        let between = Arc::new(Between::default());
        if by_hand {
            let writing = match Writing::begin(place, &opening) {
                Ok(writing) => Some(Box::new(writing)),
                Err(e) => {
                    between.conclude(Err(e.to_string()));
                    None
                }
            };
            return Ok(Outlet { to: To::Here(writing), between });
        }
        #[allow(clippy::disallowed_methods, reason = "bounded in bytes: a piece is made where `has_room`")]
        let (send, messages) = mpsc::channel();
        let (give_back, spent) = mpsc::sync_channel(limits::SNAPSHOT_PIECES);
        let seen = between.clone();
        let work = move || {
            let work = || write(place, &opening, &messages, &give_back, &seen, &wake);
            let outcome = catch_unwind(AssertUnwindSafe(work));
            let outcome = outcome.unwrap_or_else(|_| Err("a fault of our own".to_owned()));
            seen.conclude(outcome);
            wake();
        };
        let thread = std::thread::Builder::new().name("snapshot".to_owned()).spawn(work)?;
        Ok(Outlet { to: To::Thread { send: Some(send), spent, thread: Some(thread) }, between })
    }

    /// Whether there is room for a piece. If not, the sequencer is woken once there is.
    pub(super) fn has_room(&self) -> bool {
        let room = || self.between.queued.load(Acquire) < limits::SNAPSHOT_QUEUED;
        if room() {
            return true;
        }
        self.between.hungry.store(true, Release);
        room()
    }

    /// An empty buffer for the next piece.
    pub(super) fn buffer(&self) -> Vec<u8> {
        match &self.to {
            To::Thread { spent, .. } => spent.try_recv().unwrap_or_default(),
            To::Here(_) => Vec::new(),
        }
    }

    /// Hands over a section.
    pub(super) fn section(&mut self, kind: u8, payload: Vec<u8>) {
        match &mut self.to {
            To::Thread { send, .. } => {
                let bytes = payload.len();
                // Counted first, for it may be written before this goes on.
                self.between.queued.fetch_add(bytes, AcqRel);
                let message = Message::Section(kind, payload);
                if send.as_ref().is_none_or(|send| send.send(message).is_err()) {
                    // It has ended, and its outcome says why: these wait for nobody.
                    self.between.queued.fetch_sub(bytes, AcqRel);
                }
            }
            To::Here(writing) => {
                if let Some(Err(e)) = writing.as_mut().map(|writing| writing.draft.section(kind, &payload)) {
                    *writing = None;
                    self.between.conclude(Err(e.to_string()));
                }
            }
        }
    }

    /// That was all. The journal is durable past all that the pieces hold.
    pub(super) fn end(&mut self) {
        match &mut self.to {
            To::Thread { send, .. } => {
                if let Some(send) = send.take() {
                    let _ = send.send(Message::End);
                }
            }
            To::Here(writing) => {
                if let Some(writing) = writing.take() {
                    self.between.conclude(writing.publish());
                }
            }
        }
    }

    /// What became of it, once that is known.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        if !self.between.done.load(Acquire) {
            return None;
        }
        self.between.outcome.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Nobody wants it any more: it ends by itself, and gets no name. What is left of it meanwhile, for nothing else may be
    /// written here until it [is over](Outlet::is_over).
    pub(super) fn give_up(mut self) -> Option<Outlet> {
        self.between.given_up.store(true, Release);
        match &mut self.to {
            To::Here(_) => None,
            To::Thread { send, .. } => {
                drop(send.take());
                Some(self)
            }
        }
    }

    /// Whether it has come to its end: letting go of it then takes no time.
    pub(super) fn is_over(&self) -> bool {
        self.between.done.load(Acquire)
    }

    /// Waits for what becomes of it.
    pub(super) fn wait(&mut self) -> Outcome {
        self.join();
        self.outcome().unwrap_or_else(|| Err("it was left unfinished".to_owned()))
    }

    fn join(&mut self) {
        if let To::Thread { send, thread, .. } = &mut self.to {
            // Without an end it knows that nothing more comes.
            drop(send.take());
            if let Some(thread) = thread.take() {
                let _ = thread.join();
            }
        }
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        if matches!(&self.to, To::Thread { send: Some(_), .. }) {
            self.between.given_up.store(true, Release);
        }
        self.join();
    }
}

fn write(
    place: Place,
    opening: &Opening,
    messages: &Receiver<Message>,
    give_back: &SyncSender<Vec<u8>>,
    between: &Between,
    wake: &impl Fn(),
) -> Outcome {
    let mut writing = Writing::begin(place, opening).map_err(|e| e.to_string())?;
    while let Ok(message) = messages.recv() {
        if between.given_up.load(Acquire) {
            break;
        }
        let Message::Section(kind, mut payload) = message else {
            return writing.publish();
        };
        let written = writing.draft.section(kind, &payload);
        let left = between.queued.fetch_sub(payload.len(), AcqRel) - payload.len();
        written.map_err(|e| e.to_string())?;
        if left < limits::SNAPSHOT_QUEUED / 2 && between.hungry.swap(false, AcqRel) {
            wake();
        }
        if payload.capacity() <= limits::SNAPSHOT_BUFFER {
            payload.clear();
            let _ = give_back.try_send(payload);
        }
    }
    Err("it was abandoned".to_owned())
}

/// A snapshot on its way to the disk.
struct Writing {
    place: Place,
    draft: Draft,
}

impl Writing {
    fn begin(place: Place, opening: &Opening) -> io::Result<Writing> {
        let mut draft =
            Draft::begin(place.disk.clone(), &place.dir, &place.keys, opening.header, opening.room)?;
        let mut head = Vec::new();
        let dictionary = opening.dictionary.encode();
        put_len(&mut head, dictionary.len());
        head.extend_from_slice(&dictionary);
        head.extend_from_slice(&opening.rest);
        draft.section(section::HEAD, &head)?;
        for part in encode_parts(&opening.active.bundle) {
            draft.section(section::POLICY_PART, &part)?;
        }
        for table in &opening.tables {
            draft.section(section::TABLE, table)?;
        }
        Ok(Writing { place, draft })
    }

    /// Gives the snapshot its name, and clears up behind it.
    fn publish(self) -> Outcome {
        let Writing { place, draft } = self;
        let now = draft.time();
        let (identity, bytes) = draft.publish().map_err(|e| e.to_string())?;
        Ok(Published { identity, bytes, cut: clear_up(&place, now) })
    }
}

/// Removes older snapshots, and finds out what of the journal nobody needs any more. What fails here is tried again after
/// the next snapshot.
fn clear_up(place: &Place, now: wardroom_event::Micros) -> Vec<u64> {
    let cut = || -> Result<Vec<u64>, String> {
        let older = chain::prune(&*place.disk, &place.dir).map_err(|e| e.to_string())?;
        let Some(older) = older.filter(|_| place.retention.is_limited()) else {
            return Ok(Vec::new());
        };
        // Both chains must be good before the journal behind them goes.
        verify(place, &older.path)?;
        let sealed = place.lookup.sealed().map_err(|e| e.to_string())?;
        Ok(place.retention.cut(&sealed, older.begin, now))
    };
    cut().unwrap_or_else(|why| {
        tracing::warn!(error = %why, "what is behind the snapshots is not cleared up now");
        Vec::new()
    })
}

/// Reads an older snapshot to its end, unless that was done.
fn verify(place: &Place, path: &Path) -> Result<(), String> {
    let size = place.disk.open(path, Access::Read).and_then(|file| file.size());
    let found = (path.to_owned(), size.map_err(|e| format!("it cannot be read: {e}"))?);
    let mut verified = place.verified.lock().unwrap_or_else(PoisonError::into_inner);
    if verified.as_ref() != Some(&found) {
        file::verify(&*place.disk, path, &place.keys)?;
        *verified = Some(found);
    }
    Ok(())
}
