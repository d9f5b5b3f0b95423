// SPDX-License-Identifier: Apache-2.0
//! The past counted anew: what a policy would have been served for events of the journal, to the bit, by the code that
//! serves and counts live ones.
//!
//! The journal is read in pieces, and some pieces at a time go through three steps, each spread over the cores:
//!
//! 1. *Taking apart* (`piece`): what counters are told of each record, and what is asked of them for each event in the
//!    period. Pieces do not depend on each other.
//! 2. *Counting*: every core has a [`Flow`](crate::Flow) that holds its share of the keys, by their hash, and goes through all
//!    pieces in the journal's order. Of sightings under others' keys it only moves its clocks (`Tables::tick`), so that what
//!    expires when is the same as with all keys in one place. That a filter reads the event's own fields only is what
//!    makes the shares independent.
//! 3. *Serving* (`serve`): labels, lists that change and what is computed; in the journal's order where labels or lists are
//!    looked at, since those change by records between the events.
//!
//! What a decision was made from is reproduced, so a feature that was *warming* reads as missing here too: the journal says
//! from where to where. Labels and lists change by the journal's records, whichever policy made them; so does what
//! was forgotten for lack of memory. Not reproduced: counts from before the journal's first record, which a snapshot held
//! when retention removed them.

mod made;
mod parallel;
mod piece;
mod policies;
mod raw;
mod serve;
mod walk;

pub use made::{Made, same_served};
pub use parallel::each;
pub use policies::{PastPolicy, past_policies};
pub use walk::{Told, Walk};

use crate::active::Active;
use crate::error::EngineError;
use crate::flow::Flow;
use crate::limits;
use crate::record::kind;
use piece::{Piece, take_apart};
use raw::{Raw, Source};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc;
use wardroom_event::{Event, Micros, TypeId, Value};
use wardroom_journal::Reader;
use wardroom_policy::{Feature, Source as From};
use wardroom_state::{Key, Secret};

/// How a served value is come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// Nobody reads it: it is missing.
    Skip,
    /// As it was served then.
    Stored,
    /// Counted, looked up or computed anew.
    Anew,
}

/// What is to be counted anew, and of which events the values are asked.
#[derive(Clone)]
pub struct Recount {
    /// The policy whose values are asked for.
    pub active: Arc<Active>,
    /// For each of its event types, how each value of its plan is come by; `None` for a type of no interest.
    pub takes: Vec<Option<Vec<Take>>>,
    /// Events that happened from here on,
    pub from: Micros,
    /// and before this.
    pub to: Micros,
    /// Whether events count that were only recorded.
    pub recorded: bool,
    /// Whether a feature that was warming reads as missing, as it did then.
    pub as_served: bool,
    /// The last record to read.
    pub through: u64,
    /// How many threads there may be.
    pub threads: usize,
    /// Most bytes that counters may hold.
    pub most_bytes: usize,
}

/// An event of the period with what the policy would have been served.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its number in the journal.
    pub seq: u64,
    /// The event, under the policy's schema.
    pub event: Event,
    /// The values, in the order of its type's plan.
    pub served: Vec<Value>,
    /// Whether serving tripped over a fault of our own.
    pub tripped: bool,
}

/// How far it is, and whether it is still wanted.
#[derive(Debug, Default)]
pub struct Watch {
    /// To be set by whoever wants no more of it.
    pub stop: AtomicBool,
    /// The last record done.
    pub done: AtomicU64,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recounted {
    /// The first record there is; what was before it is not counted.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// Records read.
    pub records: u64,
    /// Events counted.
    pub counted: u64,
    /// Events asked about.
    pub asked: u64,
    /// When the first event counted.
    pub begins: Option<Micros>,
    /// Policies of the past whose text is gone or no longer compiles: what was warming under them is not known.
    pub unreadable: Vec<Box<str>>,
    /// Most bytes that counters held.
    pub bytes: usize,
}

/// Why the past was not counted.
#[derive(Debug, thiserror::Error)]
pub enum RecountError {
    /// The journal cannot be read.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Nobody wants it any more.
    #[error("it was stopped")]
    Stopped,
    /// Counting takes more memory than it may.
    #[error(
        "counting the past takes more than the {most} bytes it may: ask for fewer new features at a time, or give it more"
    )]
    Memory {
        /// How many it may.
        most: usize,
    },
}

/// Counts the past. Each event asked about is shown to `see` on some thread, a piece of them at a time, in the journal's
/// order within it; what it makes of a piece goes to `take`, in the journal's order.
///
/// # Errors
/// [`RecountError`].
pub fn recount<T: Send>(
    recount: &Recount,
    secret: Secret,
    reader: Reader,
    watch: &Watch,
    see: impl Fn(&[Asked]) -> T + Sync,
    mut take: impl FnMut(T),
) -> Result<Recounted, RecountError> {
    let threads = recount.threads.clamp(1, limits::RECOUNT_THREADS);
    let mut state = State::new(recount, secret, threads);
    state.done.first = reader.first_seq();
    let (send, pieces) = mpsc::sync_channel(threads * limits::RECOUNT_BLOCKS);
    std::thread::scope(|scope| {
        let mut source = Source::new(reader, recount);
        // It ends when nobody listens any more.
        scope.spawn(move || source.run(&send));
        loop {
            let wave = wave(&pieces, threads * limits::RECOUNT_BLOCKS)?;
            if wave.is_empty() {
                return Ok(state.done);
            }
            if watch.stop.load(Relaxed) {
                return Err(RecountError::Stopped);
            }
            let through = wave.last().map_or(0, |raw| raw.last);
            let asked = state.wave(wave)?;
            for made in each(threads, asked, |asked| see(&asked)) {
                take(made);
            }
            watch.done.store(through, Relaxed);
        }
    })
}

/// The next pieces; fewer at the end.
fn wave(pieces: &mpsc::Receiver<Result<Raw, EngineError>>, most: usize) -> Result<Vec<Raw>, EngineError> {
    pieces.iter().take(most).collect()
}

/// Which of so many shares a key belongs to.
fn share(key: Key, shares: usize) -> usize {
    ((u64::from(key.0 as u32) * shares as u64) >> 32) as usize
}

/// What the past is folded into.
struct State<'r> {
    recount: &'r Recount,
    threads: usize,
    /// Each with its share of the keys; the first has labels and lists too.
    flows: Vec<Flow>,
    /// Whether labels or lists that change are looked at.
    marks: bool,
    done: Recounted,
}

impl<'r> State<'r> {
    fn new(recount: &'r Recount, secret: Secret, threads: usize) -> State<'r> {
        let program = &recount.active.program;
        let counted = wanted(recount);
        let is_wanted =
            |f: &Feature| counted.iter().any(|number| program.features[*number].definition == f.definition);
        let flow = |_| Flow::of(secret, recount.active.clone(), is_wanted);
        let shares = if counted.is_empty() { 1 } else { threads };
        let flows = (0..shares).map(flow).collect();
        State { recount, threads, flows, marks: serve::looks_at_marks(recount), done: Recounted::default() }
    }

    /// Some pieces, one after the other in the journal's order.
    fn wave(&mut self, wave: Vec<Raw>) -> Result<Vec<Vec<Asked>>, RecountError> {
        for raw in &wave {
            self.done.note(raw);
        }
        let (feeds, keyer) = (self.flows[0].feeds(), self.flows[0].keyer());
        let pieces = each(self.threads, wave, |raw| take_apart(raw, self.recount, keyer, feeds));
        let mut pieces = pieces.into_iter().collect::<Result<Vec<Piece>, EngineError>>()?;
        for piece in &pieces {
            self.done.counted += piece.counted;
            self.done.asked += piece.asked.len() as u64;
            self.done.begins = self.done.begins.or(piece.begins);
        }
        self.count(&mut pieces)?;
        Ok(self.serve(pieces))
    }

    /// Counts, and answers what is asked of counters.
    fn count(&mut self, pieces: &mut [Piece]) -> Result<(), RecountError> {
        if wanted(self.recount).is_empty() {
            return Ok(());
        }
        let (shares, seen) = (self.flows.len(), &*pieces);
        let flows: Vec<(usize, &mut Flow)> = self.flows.iter_mut().enumerate().collect();
        let answers = each(self.threads, flows, |(own, flow)| {
            let count = |piece: &Piece| piece.count(flow, |key| share(key, shares) == own);
            seen.iter().map(count).collect::<Vec<_>>()
        });
        for answers in answers {
            for (piece, answers) in pieces.iter_mut().zip(answers) {
                piece.answer(answers);
            }
        }
        let bytes = self.flows.iter().map(|flow| flow.size().bytes).sum();
        self.done.bytes = self.done.bytes.max(bytes);
        match bytes > self.recount.most_bytes {
            true => Err(RecountError::Memory { most: self.recount.most_bytes }),
            false => Ok(()),
        }
    }

    /// What each event is served.
    fn serve(&mut self, pieces: Vec<Piece>) -> Vec<Vec<Asked>> {
        let recount = self.recount;
        if !self.marks {
            let flow = &self.flows[0];
            return each(self.threads, pieces, |piece| {
                piece.asked.into_iter().map(|one| serve::serve(recount, flow.marks(), one)).collect()
            });
        }
        let mut out = Vec::with_capacity(pieces.len());
        for mut piece in pieces {
            let asked = std::mem::take(&mut piece.asked);
            let mut changes = piece.changes.iter().copied().peekable();
            let mut all = Vec::with_capacity(asked.len());
            for question in asked {
                while let Some(change) = changes.next_if(|record| *record < question.record) {
                    piece.change(change, &mut self.flows[0]);
                }
                all.push(serve::serve(recount, self.flows[0].marks(), question));
            }
            changes.for_each(|change| piece.change(change, &mut self.flows[0]));
            out.push(all);
        }
        out
    }
}

impl Recounted {
    fn note(&mut self, raw: &Raw) {
        self.last = raw.last;
        self.records += raw.records;
        if let Some(made) = raw.made.as_ref().filter(|made| !made.is_readable()) {
            let version: Box<str> = (*made.dictionary.version).into();
            if !self.unreadable.contains(&version) && self.unreadable.len() < limits::DICTIONARIES {
                self.unreadable.push(version);
            }
        }
    }
}

/// The features that are counted anew, by number.
fn wanted(recount: &Recount) -> Vec<usize> {
    let mut all = Vec::new();
    for (kind, takes) in recount.takes.iter().enumerate() {
        let plan = recount.active.program.plan(TypeId(kind as u16));
        for (serve, take) in plan.serve.iter().zip(takes.iter().flatten()) {
            if let (From::Feature { feature, .. }, Take::Anew) = (&serve.source, take) {
                all.push(*feature);
            }
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether a frame holds an event.
fn is_event(of: u8) -> bool {
    matches!(of, kind::DECIDED | kind::RECORDED)
}
