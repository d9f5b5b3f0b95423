// SPDX-License-Identifier: Apache-2.0
//! Restart: the journal from its beginning, folded into the state it left.
//!
//! Two threads: one reads records and takes them apart, the other counts. Order is the journal's all the way, so the state
//! is the one that was, and a restart takes as long as the slower of the two.

use crate::active::{Active, Origin};
use crate::flow::Flow;
use crate::record::{Dictionary, Part, decode_event, kind};
use crate::seen::Seen;
use crate::{EngineError, SwapError};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use wardroom_event::{Event, Micros};
use wardroom_journal::{Frame, Reader};
use wardroom_policy::Bundle;
use wardroom_state::{Keyer, Secret};

/// What the journal left.
pub(crate) struct Folded {
    /// The policy in force and all that was counted under it; `None` where there never was one.
    pub(crate) state: Option<(Flow, Arc<Dictionary>)>,
    pub(crate) seen: Seen,
    /// The version that was last taken from the policy directory.
    pub(crate) directory: Option<Arc<str>>,
    /// Events folded.
    pub(crate) events: u64,
    /// Events not counted, since the policy they were made under no longer compiles.
    pub(crate) uncounted: u64,
    /// Why the policy last in force does not compile, if that is so: its events are not counted.
    pub(crate) broken: Option<String>,
}

/// The fold, in progress.
struct Fold {
    secret: Secret,
    keyer: Keyer,
    folded: Folded,
    /// Texts since the last head. A crash between texts and head leaves some that belong to no policy.
    parts: Vec<Part>,
}

/// Folds the whole journal in `dir`.
pub(crate) fn fold(dir: &Path, secret: Secret) -> Result<Folded, EngineError> {
    let folded = Folded {
        state: None,
        seen: Seen::new(secret),
        directory: None,
        events: 0,
        uncounted: 0,
        broken: None,
    };
    let mut fold = Fold { secret, keyer: Keyer::new(secret), folded, parts: Vec::new() };
    let mut reader = Reader::open(dir)?;
    let (send, batches) = mpsc::sync_channel(AHEAD);
    // What was counted goes back: memory is freed fastest, and without a lock, by the thread that asked for it.
    let (give_back, spent) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || take_apart(&mut reader, &send, &spent));
        for batch in batches {
            let mut batch: Batch = batch?;
            batch.iter_mut().for_each(|record| fold.record(record));
            // The reader may have come to the end and gone.
            let _ = give_back.send(batch);
        }
        Ok(fold.folded)
    })
}

/// Records handed over together.
const BATCH: usize = 512;
/// Batches that may wait to be counted.
const AHEAD: usize = 8;

/// Records in the journal's order.
type Batch = Vec<Record>;

/// A record, taken apart.
enum Record {
    Event(u64, Event),
    Part(Part),
    Policy(Box<Dictionary>),
    /// What was in it has been taken out.
    Taken,
}

/// Reads to the end, or to the first record that cannot be read, and hands over what it finds.
fn take_apart(reader: &mut Reader, send: &SyncSender<Result<Batch, EngineError>>, spent: &Receiver<Batch>) {
    let mut dictionary = None;
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let record = match reader.next_frame() {
            Ok(Some(frame)) => record(&frame, &mut dictionary),
            Ok(None) => break,
            Err(e) => Err(e.into()),
        };
        match record {
            Ok(found) => batch.extend(found),
            Err(e) => {
                // What came before the fault is of no use without the rest.
                let _ = send.send(Err(e));
                return;
            }
        }
        if batch.len() == BATCH {
            let empty = spent.try_recv().map_or_else(|_| Vec::with_capacity(BATCH), emptied);
            if send.send(Ok(std::mem::replace(&mut batch, empty))).is_err() {
                return;
            }
        }
    }
    let _ = send.send(Ok(batch));
}

fn emptied(mut batch: Batch) -> Batch {
    batch.clear();
    batch
}

/// Takes one frame apart. Events are read by the dictionary that came before them.
fn record(frame: &Frame<'_>, dictionary: &mut Option<Dictionary>) -> Result<Option<Record>, EngineError> {
    if frame.is_prologue() {
        return Ok(None);
    }
    let seq = frame.position.seq;
    let unreadable = |why| EngineError::Record { seq, why };
    match frame.kind {
        kind::DECIDED | kind::RECORDED => {
            let judged = frame.kind == kind::DECIDED;
            let event = match dictionary {
                Some(dictionary) => decode_event(frame.payload, judged, dictionary),
                None => Err("an event before any policy".to_owned()),
            };
            event.map(|event| Some(Record::Event(seq, event))).map_err(unreadable)
        }
        kind::POLICY_PART => Part::decode(frame.payload).map(|p| Some(Record::Part(p))).map_err(unreadable),
        kind::POLICY => {
            let found = Dictionary::decode(frame.payload).map_err(unreadable)?;
            *dictionary = Some(found.clone());
            Ok(Some(Record::Policy(Box::new(found))))
        }
        // A kind of a later version: what it means is not for this one to say.
        _ => Ok(None),
    }
}

impl Fold {
    fn record(&mut self, record: &mut Record) {
        if let Record::Event(seq, event) = record {
            return self.event(*seq, event);
        }
        match std::mem::replace(record, Record::Taken) {
            Record::Part(part) => self.parts.push(part),
            Record::Policy(dictionary) => self.policy(*dictionary),
            Record::Event(..) | Record::Taken => {}
        }
    }

    fn event(&mut self, seq: u64, event: &Event) {
        match &mut self.folded.state {
            Some((flow, _)) if self.folded.broken.is_none() => flow.count(event),
            _ => self.folded.uncounted += 1,
        }
        self.folded.seen.insert(&event.id, seq, event.received);
        self.folded.events += 1;
    }

    fn policy(&mut self, mut dictionary: Dictionary) {
        let bundle = self.bundle(dictionary.parts);
        if dictionary.origin == Origin::Directory {
            self.folded.directory = Some(dictionary.version.clone());
        }
        let before = self.folded.state.as_ref().map(|(flow, _)| flow.active().program.schema.clone());
        let compiled = Active::compile(bundle, dictionary.origin, &self.keyer, before.as_ref());
        let time = dictionary.time;
        self.folded.broken = match compiled {
            // Events are decoded by the dictionary and counted by the program: both must number types alike.
            Ok((active, _)) if *active.program.schema == *dictionary.schema => {
                dictionary.schema = active.program.schema.clone();
                self.adopt(active, time, dictionary);
                None
            }
            other => {
                self.keep(time, dictionary);
                Some(other.map_or_else(|e| why(&e), |_| "it declares other event types now".to_owned()))
            }
        };
    }

    /// The policy whose text lies in the last `parts` records of text.
    fn bundle(&mut self, parts: u64) -> Bundle {
        let mut found = std::mem::take(&mut self.parts);
        let orphans = found.len().saturating_sub(usize::try_from(parts).unwrap_or(usize::MAX));
        Part::join(found.split_off(orphans))
    }

    fn adopt(&mut self, active: Active, time: Micros, dictionary: Dictionary) {
        let active = Arc::new(active);
        let flow = match self.folded.state.take() {
            Some((mut flow, _)) => {
                flow.swap(active, time);
                flow
            }
            None => Flow::new(self.secret, active, time),
        };
        self.folded.state = Some((flow, Arc::new(dictionary)));
    }

    /// A policy that compiled once and does not now: its events keep their ids, and the counters rest.
    fn keep(&mut self, time: Micros, dictionary: Dictionary) {
        let flow = match self.folded.state.take() {
            Some((flow, _)) => flow,
            None => Flow::new(self.secret, Arc::new(Active::empty()), time),
        };
        self.folded.state = Some((flow, Arc::new(dictionary)));
    }
}

/// In one line, why a policy cannot be put in force.
fn why(error: &SwapError) -> String {
    match error {
        SwapError::Policy { diagnostics, .. } => {
            let first = diagnostics.iter().find(|d| d.is_error());
            first.map_or_else(|| error.to_string(), |d| d.message.to_string())
        }
        other => other.to_string(),
    }
}

impl Folded {
    /// Whether the policy last in force is the one the flow runs.
    pub(crate) fn runs_its_policy(&self) -> bool {
        self.state.as_ref().is_some_and(|(flow, d)| *flow.active().program.version.0 == *d.version)
    }

    /// Why there is none to go on with.
    pub(crate) fn no_policy(&self) -> EngineError {
        match (&self.state, &self.broken) {
            (Some((_, dictionary)), Some(why)) => {
                EngineError::OldPolicy { version: dictionary.version.to_string(), why: why.clone() }
            }
            _ => EngineError::NoPolicy,
        }
    }
}
