// SPDX-License-Identifier: Apache-2.0
//! Restart: the journal from its beginning, folded into the state it left.
//!
//! The state is defined by it: each feature of the policy in force has counted every event of the journal that it takes,
//! whichever policy was in force when the event came. So that policy is looked up first, at the journal's end, and the
//! policies before it are read for their names alone; whether they would still compile does not matter.
//!
//! Two threads: one reads records and takes them apart, the other counts. Order is the journal's all the way, so the state
//! is the one that was, and a restart takes as long as the slower of the two.

use crate::EngineError;
use crate::active::{Active, Origin};
use crate::apart::{Apart, Record};
use crate::flow::Flow;
use crate::record::{Change, Checkpoint, Dictionary, Part, decode_stored, kind};
use crate::seen::Seen;
use crate::{SwapError, limits};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use wardroom_event::{Event, Micros};
use wardroom_journal::{Lookup, Reader};
use wardroom_policy::Bundle;
use wardroom_state::{Keyer, Secret};

/// The policy that the journal has in force.
pub(crate) struct Last {
    pub(crate) dictionary: Dictionary,
    /// Its text, as far as it is there.
    bundle: Bundle,
    /// Where the outbox stood last; none where a program without one wrote.
    pub(crate) outbox: Option<Checkpoint>,
}

/// Finds the policy in force at the journal's end; `None` where there never was one.
pub(crate) fn last_policy(lookup: &Lookup) -> Result<Option<Last>, EngineError> {
    let Some(newest) = lookup.get(lookup.committed_seq())? else {
        return Ok(None);
    };
    // Each segment begins with the policy in force, and any after it lies within.
    let mut head = None;
    let mut outbox = None;
    lookup.reader()?.from(newest.position.segment)?.for_each(|frame| {
        if frame.kind == kind::POLICY {
            head = Some((frame.position.seq, frame.payload.to_vec()));
        }
        if frame.kind == kind::OUTBOX {
            outbox = Some((frame.position.seq, frame.payload.to_vec()));
        }
        Ok::<(), EngineError>(())
    })?;
    let Some((seq, payload)) = head else {
        return Ok(None);
    };
    let dictionary = Dictionary::decode(&payload).map_err(|why| EngineError::Record { seq, why })?;
    let bundle = text(lookup, &dictionary)?;
    let outbox = outbox
        .map(|(seq, payload)| Checkpoint::decode(&payload).map_err(|why| EngineError::Record { seq, why }));
    Ok(Some(Last { dictionary, bundle, outbox: outbox.transpose()? }))
}

/// A policy's text: it lies right before its head. Where something else lies there, it is not whole.
fn text(lookup: &Lookup, dictionary: &Dictionary) -> Result<Bundle, EngineError> {
    let mut parts = Vec::new();
    let first = dictionary.seq.saturating_sub(dictionary.parts).max(1);
    lookup.range(first, dictionary.seq.saturating_sub(1), |frame| {
        if frame.kind == kind::POLICY_PART {
            let seq = frame.position.seq;
            parts.push(Part::decode(frame.payload).map_err(|why| EngineError::Record { seq, why })?);
        }
        Ok::<(), EngineError>(())
    })?;
    Ok(Part::join(parts))
}

impl Last {
    /// The policy, ready to be used again; or, in one line, why it cannot be.
    pub(crate) fn compile(&self, keyer: &Keyer) -> Result<Active, String> {
        let compiled = Active::compile(self.bundle.clone(), self.dictionary.origin, keyer, None);
        let (active, _) = compiled.map_err(|e| why(&e))?;
        // Events are written by the names of the head and judged by the program: both must be of one mind.
        if *active.program.schema != *self.dictionary.schema {
            return Err("it declares other event types now".to_owned());
        }
        if *active.program.version.0 != *self.dictionary.version {
            return Err("its text is not whole".to_owned());
        }
        Ok(active)
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

/// What the journal left.
pub(crate) struct Folded {
    /// All that was counted.
    pub(crate) flow: Flow,
    /// The names of the policy that the journal has in force; of none where there never was one.
    pub(crate) dictionary: Arc<Dictionary>,
    pub(crate) seen: Seen,
    /// The version that was last taken from the policy directory.
    pub(crate) directory: Option<Arc<str>>,
    /// Events folded.
    pub(crate) events: u64,
    /// Events not counted, since the policy does not have their type.
    pub(crate) uncounted: u64,
    /// The time of the first event.
    pub(crate) begins: Option<Micros>,
    /// Whether the journal says that features are warming: now they are not.
    pub(crate) warming: bool,
    /// The last event, and how many of the changes that follow from it are there.
    newest: Option<(u64, usize)>,
}

/// Folds the whole journal under a policy. `seen` knows the ids that lie in files.
pub(crate) fn fold(
    lookup: &Lookup,
    seen: Seen,
    secret: Secret,
    active: Arc<Active>,
) -> Result<Folded, EngineError> {
    let apart = Apart::new(active.program.schema.clone());
    let mut folded = Folded {
        flow: Flow::new(secret, active),
        dictionary: Arc::new(Dictionary::nothing()),
        seen,
        directory: None,
        events: 0,
        uncounted: 0,
        begins: None,
        warming: false,
        newest: None,
    };
    let mut reader = lookup.reader()?;
    let (send, batches) = mpsc::sync_channel(limits::FOLD_AHEAD);
    // What was counted goes back: memory is freed fastest, and without a lock, by the thread that asked for it.
    let (give_back, spent) = mpsc::sync_channel(limits::FOLD_AHEAD);
    std::thread::scope(|scope| {
        scope.spawn(move || take_apart(&mut reader, apart, &send, &spent));
        for batch in batches {
            let batch: Batch = batch?;
            batch.iter().for_each(|record| folded.record(record));
            // The reader may have come to the end and gone.
            let _ = give_back.try_send(batch);
        }
        Ok(folded)
    })
}

/// Records in the journal's order.
type Batch = Vec<Record>;

/// Reads to the end, or to the first record that cannot be read, and hands over what it finds.
fn take_apart(
    reader: &mut Reader,
    mut apart: Apart,
    send: &SyncSender<Result<Batch, EngineError>>,
    spent: &Receiver<Batch>,
) {
    let mut batch = Vec::with_capacity(limits::FOLD_BATCH);
    loop {
        let record = match reader.next_frame() {
            Ok(Some(frame)) => apart.frame(&frame),
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
        if batch.len() == limits::FOLD_BATCH {
            let empty = spent.try_recv().map_or_else(|_| Vec::with_capacity(limits::FOLD_BATCH), emptied);
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

impl Folded {
    fn record(&mut self, record: &Record) {
        match record {
            Record::Event(seq, event) => {
                self.flow.count(event);
                self.note(*seq, event);
            }
            Record::Foreign(seq, event) => {
                self.uncounted += 1;
                self.note(*seq, event);
            }
            Record::Policy(found) => {
                if found.origin == Origin::Directory {
                    self.directory = Some(found.version.clone());
                }
                self.dictionary = Arc::new((**found).clone());
                self.warming = false;
                self.newest = None;
            }
            Record::Warming(found) => self.warming = !found.features.is_empty(),
            Record::Change(change) => {
                self.flow.change(&change.effect, change.at);
                self.newest =
                    self.newest.map(|(seq, there)| (seq, there + usize::from(seq == change.decision)));
            }
        }
    }

    /// Makes the changes that follow from the last decision and are not in the journal, and gives them, to be recorded: a
    /// crash in the middle of a write can leave a decision without what was to come behind it.
    pub(crate) fn complete(&mut self, lookup: &Lookup) -> Result<Vec<Change>, EngineError> {
        let Some((seq, there)) = self.newest else {
            return Ok(Vec::new());
        };
        let Some(frame) = lookup.get(seq)?.filter(|frame| frame.kind == kind::DECIDED) else {
            return Ok(Vec::new());
        };
        let stored = decode_stored(seq, true, &frame.payload, &self.dictionary)
            .map_err(|why| EngineError::Record { seq, why })?;
        let missing: Vec<Change> = Change::of(&stored).skip(there).collect();
        for change in &missing {
            self.flow.change(&change.effect, change.at);
        }
        Ok(missing)
    }

    fn note(&mut self, seq: u64, event: &Event) {
        self.seen.insert(&event.id, seq, event.received);
        self.newest = Some((seq, 0));
        self.events += 1;
        self.begins.get_or_insert(event.counted_at());
    }
}
