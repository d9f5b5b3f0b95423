// SPDX-License-Identifier: Apache-2.0
//! Restart: the newest good snapshot, and the journal after its beginning folded into it; without one, the whole journal.
//!
//! The state is defined by the journal: each feature of the policy in force has counted every event of the journal that it takes,
//! whichever policy was in force when the event came. So that policy is looked up first, at the journal's end, and the
//! policies before it are read for their names alone; whether they would still compile does not matter.
//!
//! A snapshot's pieces were taken one after the other while events were counted; so each event is told its number, and what
//! has counted it already takes no notice.
//!
//! Two threads: one reads records and finds out what they tell which table ([`Digest`]), the other counts. Order is the
//! journal's all the way, so the state is the one that was, and a restart takes as long as the slower of the two.

use crate::EngineError;
use crate::active::{Active, Origin};
use crate::acts::Counted;
use crate::apart::Record;
use crate::digest::{Batch, Digest, Digested};
use crate::flow::Flow;
use crate::record::{Change, Checkpoint, Dictionary, Part, decode_stored, kind};
use crate::seen::{Seen, Shelf};
use crate::snapshot::{self, Fits, Loaded, Past, Skipped, Stand};
use crate::{SwapError, limits};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use wardroom_event::Micros;
use wardroom_journal::{Disk, Lookup, Reader};
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
pub(crate) fn last_policy(found: &Found<'_>) -> Result<Option<Last>, EngineError> {
    let Found { stand, lookup, .. } = *found;
    let Some(newest) = lookup.get(lookup.committed_seq())? else {
        return Ok(None);
    };
    // Each segment begins with the policy in force, and any after it lies within; unless a repair found that lost.
    let mut outbox = None;
    let mut segment = newest.position.segment;
    let (seq, payload) = loop {
        let (mut head, mut stood) = (None, None);
        lookup.reader()?.from(segment)?.for_each(|frame| {
            let slot = match frame.kind {
                kind::POLICY => &mut head,
                kind::OUTBOX => &mut stood,
                _ => return Ok(()),
            };
            *slot = Some((frame.position.seq, frame.payload.to_vec()));
            Ok::<(), EngineError>(())
        })?;
        outbox = outbox.or(stood);
        match (head, lookup.get(segment - 1)?) {
            (Some(head), _) => break head,
            (None, Some(before)) => segment = before.position.segment,
            (None, None) => return Ok(None),
        }
    };
    let dictionary = Dictionary::decode(&payload).map_err(|why| EngineError::Record { seq, why })?;
    let mut bundle = text(lookup, &dictionary)?;
    if *bundle.version().0 != *dictionary.version
        && let Some(found) = snapshot::policy_text(stand, dictionary.seq).map_err(unlisted(stand.dir))?
    {
        // Retention has taken its text out of the journal.
        bundle = found;
    }
    let outbox = outbox
        .map(|(seq, payload)| Checkpoint::decode(&payload).map_err(|why| EngineError::Record { seq, why }));
    Ok(Some(Last { dictionary, bundle, outbox: outbox.transpose()? }))
}

/// The policy in force at record `seq`, from the head of the segment that holds it; none where that says nothing.
pub(crate) fn policy_at(lookup: &Lookup, seq: u64) -> Result<Option<Dictionary>, EngineError> {
    let mut reader = lookup.reader()?.from(seq)?;
    while let Some(frame) = reader.next_frame()? {
        if !frame.is_prologue() {
            break;
        }
        if frame.kind == kind::POLICY {
            let found = Dictionary::decode(frame.payload).map_err(|why| EngineError::Record { seq, why })?;
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The snapshots cannot be looked at.
fn unlisted(dir: &Path) -> impl FnOnce(std::io::Error) -> EngineError {
    move |source| EngineError::File { doing: "read", path: dir.to_owned(), source }
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
    pub(crate) past: Past,
    /// The record after whose counting the snapshot began that this goes on from.
    pub(crate) from: Option<u64>,
    /// Records folded, and their bytes.
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    /// When the newest event arrived; the least there is where there is none.
    pub(crate) arrived: Micros,
    /// The last event, and those of the changes that follow from it that are there.
    newest: Option<(u64, Vec<Change>)>,
}

/// The journal, and what helps to fold it.
pub(crate) struct Found<'a> {
    pub(crate) disk: &'a Arc<dyn Disk>,
    /// Where snapshots lie.
    pub(crate) stand: Stand<'a>,
    /// Where event ids lie.
    pub(crate) ids: &'a Path,
    pub(crate) lookup: &'a Lookup,
    pub(crate) secret: Secret,
    /// Whether what is left of a journal may be folded where its beginning is gone and no snapshot is good.
    pub(crate) rebuild: bool,
    /// Whether there are to be no threads.
    pub(crate) by_hand: bool,
}

impl Found<'_> {
    /// The event ids that lie in files.
    fn seen(&self) -> Result<Seen, EngineError> {
        let shelf = Shelf::new(self.disk.clone(), self.ids.to_owned(), self.lookup.clone());
        let shelf =
            shelf.map_err(|source| EngineError::File { doing: "make", path: self.ids.to_owned(), source })?;
        if self.by_hand { Seen::open_by_hand(self.secret, shelf) } else { Seen::open(self.secret, shelf) }
    }
}

/// The state that the journal left, under a policy: from the newest good snapshot, or from the whole journal. Snapshots that
/// are no good are noted.
pub(crate) fn state(
    found: &Found<'_>,
    active: Arc<Active>,
    skipped: &mut Vec<Skipped>,
) -> Result<Folded, EngineError> {
    let (first, last) = (found.lookup.first_seq(), found.lookup.committed_seq());
    let fits = Fits { secret: found.secret, first, last };
    let seen = || found.seen();
    let loaded = snapshot::newest(found.stand, &active, fits, &seen, skipped);
    if let Some(loaded) = loaded.map_err(unlisted(found.stand.dir))? {
        return fold(found, Folded::from_snapshot(loaded));
    }
    if first > 1 && !found.rebuild {
        return Err(EngineError::PastGone { first });
    }
    fold(found, Folded::nothing(found.secret, found.seen()?, active))
}

/// Folds the journal after what is known already.
fn fold(found: &Found<'_>, mut folded: Folded) -> Result<Folded, EngineError> {
    let mut reader = found.lookup.reader()?;
    let mut made_under = None;
    if let Some(begin) = folded.from {
        if begin >= found.lookup.committed_seq() {
            folded.flow.set_event(0);
            return Ok(folded);
        }
        reader = reader.from(begin + 1)?;
        made_under = Some((*folded.dictionary).clone());
    }
    let flow = &folded.flow;
    let (active, keyer) = (flow.active().clone(), flow.keyer().clone());
    let mut digest = Digest::new(active, keyer, folded.seen.hasher(), flow.feeds(), made_under);
    let (send, batches) = mpsc::sync_channel(limits::FOLD_AHEAD);
    // What was counted goes back: memory is freed fastest, and without a lock, by the thread that asked for it.
    let (give_back, spent) = mpsc::sync_channel(limits::FOLD_AHEAD);
    std::thread::scope(|scope| {
        scope.spawn(move || take_apart(&mut reader, &mut digest, &send, &spent));
        for batch in batches {
            let batch: Batch = batch?;
            folded.batch(&batch);
            // The reader may have come to the end and gone.
            let _ = give_back.try_send(batch);
        }
        // From here on nothing comes that was counted before.
        folded.flow.set_event(0);
        Ok(folded)
    })
}

/// Reads to the end, or to the first record that cannot be read, and hands over what it finds.
fn take_apart(
    reader: &mut Reader,
    digest: &mut Digest,
    send: &SyncSender<Result<Batch, EngineError>>,
    spent: &Receiver<Batch>,
) {
    let mut batch = Batch::default();
    loop {
        let digested = match reader.next_frame() {
            Ok(Some(frame)) => digest.frame(&frame, &mut batch),
            Ok(None) => break,
            Err(e) => Err(e.into()),
        };
        if let Err(e) = digested {
            // What came before the fault is of no use without the rest.
            let _ = send.send(Err(e));
            return;
        }
        if batch.records.len() >= limits::FOLD_BATCH {
            let empty = spent.try_recv().map(Batch::emptied).unwrap_or_default();
            if send.send(Ok(std::mem::replace(&mut batch, empty))).is_err() {
                return;
            }
        }
    }
    let _ = send.send(Ok(batch));
}

impl Folded {
    fn nothing(secret: Secret, seen: Seen, active: Arc<Active>) -> Folded {
        Folded {
            flow: Flow::new(secret, active),
            dictionary: Arc::new(Dictionary::nothing()),
            seen,
            past: Past::default(),
            from: None,
            records: 0,
            bytes: 0,
            arrived: Micros(i64::MIN),
            newest: None,
        }
    }

    fn from_snapshot(loaded: Loaded) -> Folded {
        Folded {
            flow: loaded.flow,
            dictionary: Arc::new(loaded.dictionary),
            seen: loaded.seen,
            past: loaded.past,
            from: Some(loaded.begin),
            records: 0,
            bytes: 0,
            arrived: loaded.time,
            newest: None,
        }
    }

    fn batch(&mut self, batch: &Batch) {
        self.records += batch.frames;
        self.bytes += batch.bytes;
        for record in &batch.records {
            match record {
                Digested::Event { seq, id, received, at, is_foreign, told } => {
                    self.past.events += 1;
                    self.past.uncounted += u64::from(*is_foreign);
                    self.past.begins.get_or_insert(*at);
                    self.arrived = *received;
                    self.flow.set_event(*seq);
                    self.flow.told(&batch.told[told.clone()], *at);
                    self.seen.insert_hash(*id, *seq, *received);
                    self.newest = Some((*seq, Vec::new()));
                }
                Digested::Other(record) => self.record(record),
            }
        }
    }

    fn record(&mut self, record: &Record) {
        match record {
            // Events come digested.
            Record::Event(..) | Record::Foreign(..) => {}
            Record::Policy(found) => {
                if found.origin == Origin::Directory {
                    self.past.directory = Some(found.version.clone());
                }
                self.dictionary = Arc::new((**found).clone());
                self.past.warming = false;
                self.newest = None;
            }
            Record::Warming(found) => self.past.warming = !found.features.is_empty(),
            Record::Change(change) => {
                self.flow.restore(&change.effect, change.at);
                if let Some((seq, there)) = &mut self.newest
                    && *seq == change.decision
                {
                    there.push(change.clone());
                }
            }
            Record::Act(seq, found) => {
                self.flow.act(found);
                self.past.jobs.act(*seq, found.item, Counted::of(&found.body));
            }
            Record::Again(seq, found) => {
                self.flow.again(found);
                self.past.jobs.act(*seq, found.item, Counted::Made);
            }
            Record::Job(seq, found) => self.past.jobs.begin(*seq, found.clone()),
            Record::JobStep(found) => self.past.jobs.step(found),
            Record::Forget(seq, found) => {
                self.flow.set_event(*seq);
                self.flow.forget(&found.definitions);
            }
        }
    }

    /// Makes the changes that follow from the last decision and are not in the journal, and gives them, to be recorded: a
    /// crash in the middle of a write can leave a decision without what was to come behind it. Those for which there is no
    /// room are not made, as they were not or would not have been.
    pub(crate) fn complete(&mut self, lookup: &Lookup) -> Result<Vec<Change>, EngineError> {
        let Some((seq, there)) = self.newest.take() else {
            return Ok(Vec::new());
        };
        let Some(frame) = lookup.get(seq)?.filter(|frame| frame.kind == kind::DECIDED) else {
            return Ok(Vec::new());
        };
        let stored = decode_stored(seq, true, &frame.payload, &self.dictionary)
            .map_err(|why| EngineError::Record { seq, why })?;
        let mut missing = behind(Change::of(&stored), &there);
        missing.retain(|change| self.flow.complete(&change.effect, change.at));
        Ok(missing)
    }
}

/// Of the changes that a decision asks for, in order, those behind the last that is `there`. What is not there before it
/// found no room, and is not to be made.
fn behind(asked: impl Iterator<Item = Change>, there: &[Change]) -> Vec<Change> {
    let mut there = there.iter().peekable();
    let is_behind = |change: &Change| match there.peek() {
        None => true,
        Some(next) => {
            if *next == change {
                there.next();
            }
            false
        }
    };
    asked.filter(is_behind).collect()
}

#[cfg(test)]
mod tests;
