// SPDX-License-Identifier: Apache-2.0
//! The sequencer: the one thread that gives numbers, counts, judges and writes.
//!
//! It takes all the work that waits, does it in order, makes it durable with one sync and answers it. While it
//! syncs, work gathers: under load batches form by themselves, and alone an event waits for nobody.

use crate::active::{Active, Origin};
use crate::backfill::Filler;
use crate::decision::Outcome;
use crate::engine::{Durability, InForce, Shared};
use crate::error::{SubmitError, SwapError};
use crate::flow::Flow;
use crate::judge::Judgement;
use crate::latency::Lap;
use crate::limits;
use crate::probe::Probe;
use crate::queue::{Taken, Taker};
use crate::record::{
    Change, Checkpoint, Dictionary, ForgetRecord, WarmingRecord, encode_decided, encode_parts,
    encode_recorded, kind,
};
use crate::seen::Seen;
use crate::snapshot::{Moment, Past, Snapshot, Snapshots};
use crate::warmth::{Answer, Offer};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::mpsc;
use std::time::Instant;
use tokio::sync::oneshot;
use wardroom_event::{Event, EventId, Field, Micros, Repr, Type, Value};
use wardroom_journal::{JournalError, Writer, frame_bytes};
use wardroom_policy::Program;

/// What the sequencer is asked to do.
pub(crate) enum Task {
    /// Take these events; judge them or only record them.
    Events {
        events: Vec<Event>,
        judge: bool,
        reply: oneshot::Sender<Vec<Outcome>>,
        probe: Option<Arc<Probe>>,
    },
    /// Put this policy in force.
    Swap { active: Arc<Active>, now: Micros, reply: oneshot::Sender<Result<(), SwapError>> },
    /// Find the record with this id.
    Find { id: EventId, reply: oneshot::Sender<Option<u64>> },
    /// Write down what became of effects, and where the outbox stands. Gives the number of the last of these records.
    Note {
        records: Vec<Vec<u8>>,
        checkpoint: Option<Vec<u8>>,
        reply: oneshot::Sender<Result<u64, SubmitError>>,
    },
    /// A back-fill has something to hand over.
    Offered,
    /// Make a snapshot.
    Snapshot { reply: oneshot::Sender<Result<Snapshot, String>> },
    /// A snapshot under way can go on, or is done.
    SnapshotWaits,
    /// Sync what was written, when durability is by interval.
    Sync,
    /// Rest until this end hears that it may go on, or that nobody holds the other.
    Pause { until: mpsc::Receiver<()>, reply: oneshot::Sender<()> },
    /// Finish. It comes last.
    Stop { reply: oneshot::Sender<()> },
}

/// Who waits for the outcomes, the outcomes, and since when they are waited for.
type Waiting = (oneshot::Sender<Vec<Outcome>>, Vec<Outcome>, Instant);
type Noted = (oneshot::Sender<Result<u64, SubmitError>>, u64);

pub(crate) struct Sequencer {
    /// Ended before all else is let go of.
    pub(crate) filler: Filler,
    pub(crate) flow: Flow,
    pub(crate) seen: Seen,
    pub(crate) writer: Writer,
    pub(crate) dictionary: Arc<Dictionary>,
    pub(crate) durability: Durability,
    pub(crate) shared: Arc<Shared>,
    /// Outcomes whose records are not durable yet.
    pub(crate) waiting: Vec<Waiting>,
    /// What was noted of effects and is not durable yet: the number of the last record.
    pub(crate) noted: Vec<Noted>,
    /// Where the outbox stands, as bytes: what each segment begins with.
    pub(crate) checkpoint: Vec<u8>,
    /// Events in `waiting`.
    pub(crate) batch: usize,
    /// Why the journal can no longer be written.
    pub(crate) failed: Option<String>,
    /// One record's bytes, kept to be filled again.
    pub(crate) record: Vec<u8>,
    /// Changes that follow from the last decision, are made, and are not in the journal yet: they go before all else.
    pub(crate) unrecorded: Vec<Change>,
    /// Which features are warming has changed: what the journal has to say of it before the next event.
    pub(crate) owed: Option<WarmingRecord>,
    /// At how many events the size of the state is looked at again.
    pub(crate) measure_at: u64,
    /// The state was measured and not yet looked at for what is to be forgotten.
    pub(crate) measured: bool,
    /// Most bytes that the state may take.
    pub(crate) memory: usize,
    pub(crate) snapshots: Snapshots,
    /// What of the past a snapshot tells beside the state.
    pub(crate) past: Past,
    /// When the newest event arrived.
    pub(crate) arrived: Micros,
}

impl Sequencer {
    /// Works until told to stop or until nobody can ask any more.
    pub(crate) fn run(mut self, tasks: Taker<Task>) {
        // What was counted when this thread tripped is not known, so it does not go on; but it says so.
        if catch_unwind(AssertUnwindSafe(|| self.work(&tasks))).is_err() {
            self.stop_for(
                "the sequencer tripped over a fault of our own; restart to fold the journal anew".to_owned(),
            );
            // What was answered and not synced yet gets its sync; what was not answered was never committed.
            let _ = self.writer.sync();
        }
    }

    fn work(&mut self, tasks: &Taker<Task>) {
        let mut todo = Vec::new();
        while self.take(tasks, &mut todo) {
            let mut lap = Lap::begin();
            let goes_on = self.turn(&mut todo);
            self.shared.clocks.busy(lap.next());
            if !goes_on {
                return;
            }
        }
        self.sync();
    }

    /// Waits for work and takes it; meanwhile, takes pieces of a snapshot under way. False when no more can come.
    fn take(&mut self, tasks: &Taker<Task>, todo: &mut Vec<Taken<Task>>) -> bool {
        while self.snapshots.wants_piece() {
            tasks.take_now(limits::BATCH_EVENTS, todo);
            if !todo.is_empty() {
                return true;
            }
            self.piece();
        }
        tasks.take(limits::BATCH_EVENTS, todo)
    }

    /// Does the work that waited, makes it durable and answers it. False once it was told to finish, and has.
    pub(crate) fn turn(&mut self, todo: &mut Vec<Taken<Task>>) -> bool {
        for (since, task) in todo.drain(..) {
            match task {
                Task::Events { events, judge, reply, probe } => {
                    probe.as_ref().inspect(|probe| probe.take());
                    self.events(events, judge, reply, since);
                    probe.as_ref().inspect(|probe| probe.judge());
                }
                Task::Swap { active, now, reply } => {
                    self.answer();
                    let _ = reply.send(self.swap(active, now));
                }
                Task::Find { id, reply } => {
                    // Where that is not known, no answer is one too.
                    let _ = self.find(&id).map(|found| reply.send(found));
                }
                Task::Note { records, checkpoint, reply } => match self.note(&records, checkpoint) {
                    Ok(last) => self.noted.push((reply, last)),
                    Err(e) => drop(reply.send(Err(e))),
                },
                Task::Offered => {
                    self.answer();
                    self.take_over();
                }
                Task::Sync if self.shared.sync_asked.swap(false, Relaxed) => self.sync(),
                // The last batch had it.
                Task::Sync => {}
                Task::Pause { until, reply } => {
                    self.answer();
                    let _ = reply.send(());
                    let _ = until.recv();
                }
                Task::Snapshot { reply } => self.snapshots.ask(reply),
                Task::SnapshotWaits => {}
                Task::Stop { reply } => {
                    self.answer();
                    self.sync();
                    self.snapshot_at_stop();
                    let _ = reply.send(());
                    return false;
                }
            }
            if self.batch >= limits::BATCH_EVENTS {
                self.answer();
                self.between();
            }
        }
        self.answer();
        self.between();
        true
    }

    /// What is done between two batches, each for a moment: all that was appended is committed.
    fn between(&mut self) {
        self.take_over();
        // What a decision before the start left undone goes before all that is written here.
        if self.failed.is_some() || self.settle_unrecorded().is_err() {
            return;
        }
        if std::mem::take(&mut self.measured) {
            self.keep_within();
        }
        self.snapshots.look(&mut self.flow);
        if self.snapshots.is_due() {
            self.begin_snapshot();
        }
        self.piece();
        self.remove_segment();
    }

    /// Forgets keys where the state takes more memory than it may. A record says so, for a restart must forget the same at
    /// the same place.
    fn keep_within(&mut self) {
        for _ in 0..limits::FORGETS {
            let Some(definitions) = self.flow.excess(self.memory, self.seen.size().bytes) else {
                return;
            };
            let record = ForgetRecord { definitions };
            let payload = record.encode();
            // On a full disk there is nothing more to count either.
            if self.settle_unrecorded().is_err() || self.reserve(frame_bytes(payload.len())).is_err() {
                return;
            }
            match self.writer.append(kind::FORGET, &payload) {
                Ok(_) => self.flow.forget(&record.definitions),
                Err(e) => {
                    self.fail(&e);
                    return;
                }
            }
            self.settle();
            self.shared.stats.forgets.fetch_add(1, Relaxed);
        }
    }

    fn begin_snapshot(&mut self) {
        // A snapshot would have them, and the journal behind it never.
        if self.failed.is_none() && self.settle_unrecorded().is_err() {
            return self.snapshots.failed("what follows from the last decision cannot be recorded first");
        }
        if self.writer.next_seq() > self.writer.committed_seq() + 1 {
            // What is counted must be committed.
            self.settle();
        }
        if self.failed.is_some() || self.dictionary.seq == 0 {
            return;
        }
        let tasks = self.filler.tasks.clone();
        let active = self.flow.active().clone();
        let moment = Moment {
            flow: &mut self.flow,
            seen: &self.seen,
            active: &active,
            dictionary: &self.dictionary,
            past: &self.past,
            seq: self.writer.committed_seq(),
            now: self.arrived,
            bytes: self.shared.stats.state_bytes.load(Relaxed),
        };
        self.snapshots.begin(moment, move || {
            // Where too much is asked already it needs no waking: it looks after each batch.
            if let Some(tasks) = tasks.upgrade() {
                let _ = tasks.control(Task::SnapshotWaits);
            }
        });
    }

    /// Takes some of a snapshot under way.
    fn piece(&mut self) {
        if self.failed.is_some() {
            return;
        }
        if self.snapshots.step(&mut self.flow, &self.seen, self.writer.committed_seq()) {
            // It shows records that a power cut may take until they are durable.
            self.sync();
            if self.failed.is_none() {
                self.snapshots.end();
            }
        }
    }

    /// At an orderly stop: finishes what is under way, or makes a snapshot if it saves more than it costs.
    fn snapshot_at_stop(&mut self) {
        let bytes = self.shared.stats.state_bytes.load(Relaxed);
        if self.failed.is_some() || !self.snapshots.is_due_at_stop(bytes) {
            return;
        }
        if !self.snapshots.is_under_way() {
            self.begin_snapshot();
        }
        while self.failed.is_none() && self.snapshots.goes_on() {
            if self.snapshots.wants_piece() {
                self.piece();
            } else {
                // The disk is the slower one, and nobody else waits any more.
                std::thread::sleep(limits::SNAPSHOT_SLICE);
            }
        }
        self.snapshots.finish(&mut self.flow);
    }

    /// Removes one segment of the journal that nobody needs any more.
    fn remove_segment(&mut self) {
        let Some(below) = self.snapshots.take_cut() else { return };
        // Effects are sent from the decisions they follow from.
        let below = below.min(self.shared.stats.outbox_needs.load(Acquire));
        match self.writer.remove_segments_below(below) {
            Ok(removed) => self.snapshots.figures().removed(removed.segments, removed.bytes),
            Err(error) => {
                tracing::error!(%error, "old segments of the journal cannot be removed now; it is tried again later");
                self.snapshots.drop_cut();
            }
        }
    }

    /// The number of the record with this id, once it can be read. Only one that waits for its sync causes a sync: who
    /// asks for others must not break up the batches.
    fn find(&mut self, id: &EventId) -> Result<Option<u64>, SubmitError> {
        let Some(seq) = self.known(id)? else {
            return Ok(None);
        };
        if seq > self.writer.committed_seq() {
            self.answer();
        }
        // If that failed, it is remembered and not recorded.
        Ok(Some(seq).filter(|seq| *seq <= self.writer.committed_seq()))
    }

    /// The record with this id. Where the disk does not say, the engine stops: to decide again would be to guess.
    fn known(&mut self, id: &EventId) -> Result<Option<u64>, SubmitError> {
        self.seen.find(id).map_err(|error| {
            let why = error.to_string();
            self.stop_for(why.clone());
            SubmitError::Failed(why)
        })
    }

    fn events(
        &mut self,
        events: Vec<Event>,
        judge: bool,
        reply: oneshot::Sender<Vec<Outcome>>,
        since: Instant,
    ) {
        let (count, mut lap) = (events.len(), Lap::begin());
        self.shared.clocks.queued.observe(lap.began().saturating_duration_since(since), count);
        let mut outcomes = Vec::with_capacity(events.len());
        for event in events {
            outcomes.push(self.event(event, judge).unwrap_or_else(Outcome::Refused));
        }
        self.batch += count;
        self.waiting.push((reply, outcomes, since));
        if let Some(each) = lap.next().checked_div(u32::try_from(count).unwrap_or(u32::MAX)) {
            self.shared.clocks.sequenced.observe(each, count);
        }
    }

    fn event(&mut self, event: Event, judge: bool) -> Result<Outcome, SubmitError> {
        if let Some(why) = &self.failed {
            return Err(SubmitError::Failed(why.clone()));
        }
        #[cfg(test)]
        assert!(&*event.id.id != tests::TRIPS, "a fault of our own, on purpose");
        if let Some(seq) = self.known(&event.id)? {
            self.shared.stats.repeated.fetch_add(1, Relaxed);
            return Ok(Outcome::Repeated { seq });
        }
        let event = self.fit(event)?;
        self.settle_owed()?;
        self.arrived = event.received;
        self.writer.set_now_micros(event.received.0);
        let (kind, judgement) = self.write_down(&event, judge);
        // From here on nothing may fail but the disk: what is counted is in the journal, and the other way round.
        let changes = judgement.as_ref().map_or(0, changes);
        self.room(&event, changes)?;
        let tripped = self.flow.tally(&event) || judgement.as_ref().is_some_and(|j| j.fault);
        let seq = self.writer.append(kind, &self.record).map_err(|e| self.fail(&e))?.seq;
        self.seen.insert(&event.id, seq, event.received);
        self.snapshots.wrote(frame_bytes(self.record.len()));
        self.follow(seq, &event, judgement.as_ref())?;
        if judgement.as_ref().is_some_and(goes_out) {
            self.shared.stats.outward.store(seq, Release);
        }
        self.past.events += 1;
        if self.past.begins.is_none() {
            self.past.begins = Some(event.counted_at());
            self.shared.begin(event.counted_at());
        }
        self.shared.stats.events.fetch_add(1, Relaxed);
        self.shared.stats.faults.fetch_add(u64::from(tripped), Relaxed);
        let Some(judgement) = judgement else {
            return Ok(Outcome::Recorded { seq });
        };
        self.shared.stats.count(&judgement);
        let rules = &self.dictionary.rules;
        let signals = judgement.signals.into_iter().map(|s| {
            let rule = rules.get(s.rule).map_or("", |id| id);
            s.named(rule)
        });
        Ok(Outcome::Decided {
            seq,
            policy: self.dictionary.version.clone(),
            verdict: judgement.verdict,
            signals: signals.collect(),
            fault: judgement.fault,
            skipped: judgement.skipped,
        })
    }

    /// Makes and records the changes of labels and lists that follow from a decision; there is room for them on disk. What
    /// found no room in memory did not happen, and is not recorded.
    fn follow(&mut self, seq: u64, event: &Event, judgement: Option<&Judgement>) -> Result<(), SubmitError> {
        let at = event.counted_at();
        for signal in judgement.iter().flat_map(|j| &j.signals) {
            for effect in signal.effects.iter().filter(|e| e.changes_state()) {
                if !self.flow.change(effect, at) {
                    continue;
                }
                let rule = self.dictionary.rules.get(signal.rule).cloned().unwrap_or_default();
                let change = Change { decision: seq, at, rule, effect: effect.clone() };
                self.record.clear();
                change.encode(&mut self.record);
                self.writer.append(kind::CHANGE, &self.record).map_err(|e| self.fail(&e))?;
            }
        }
        Ok(())
    }

    /// Appends what the outbox hands over; it is durable with the batch. Gives the number of the last record.
    fn note(&mut self, records: &[Vec<u8>], checkpoint: Option<Vec<u8>>) -> Result<u64, SubmitError> {
        if let Some(why) = &self.failed {
            return Err(SubmitError::Failed(why.clone()));
        }
        self.settle_unrecorded()?;
        let bytes = |payload: &Vec<u8>| frame_bytes(payload.len());
        self.reserve(records.iter().chain(&checkpoint).map(bytes).sum())?;
        for record in records {
            self.writer.append(kind::EFFECT, record).map_err(|e| self.fail(&e))?;
        }
        if let Some(mut checkpoint) = checkpoint {
            Checkpoint::stamp(&mut checkpoint, self.writer.next_seq() - 1);
            self.writer.append(kind::OUTBOX, &checkpoint).map_err(|e| self.fail(&e))?;
            self.checkpoint = checkpoint;
            self.set_prologue().map_err(|e| self.fail(&e))?;
        }
        Ok(self.writer.next_seq() - 1)
    }

    /// Judges the event, if it is to be, and fills `record` with what the journal will hold of it.
    fn write_down(&mut self, event: &Event, judge: bool) -> (u8, Option<Judgement>) {
        self.record.clear();
        if !judge {
            encode_recorded(self.dictionary.seq, event, &mut self.record);
            return (kind::RECORDED, None);
        }
        let step = self.flow.look(event, None);
        encode_decided(self.dictionary.seq, event, &step, &mut self.record);
        (kind::DECIDED, Some(step.judgement))
    }

    /// The event under the schema in force: a policy may have changed since it was read.
    fn fit(&self, event: Event) -> Result<Event, SubmitError> {
        let schema = &self.flow.active().program.schema;
        if Arc::ptr_eq(&event.schema, schema) {
            return whole(event);
        }
        let event = whole(event)?;
        event.recast(schema).ok_or_else(|| SubmitError::TypeChanged(event.type_name().to_owned()))
    }

    /// Makes sure of room for `record` before the event is counted, so that a full disk is met while nothing has
    /// happened yet.
    fn room(&mut self, event: &Event, changes: u64) -> Result<(), SubmitError> {
        let bytes = self.record.len();
        if bytes > limits::RECORD_BYTES {
            // Intake and swapping bound what a record can hold: who built this event went past them.
            let message = format!("an event of {bytes} bytes, where {} is the most", limits::RECORD_BYTES);
            tracing::error!(id = %event.id.id, "{message}");
            return Err(SubmitError::Failed(message));
        }
        self.reserve(frame_bytes(bytes) + changes * frame_bytes(limits::CHANGE_BYTES))
    }

    fn reserve(&mut self, bytes: u64) -> Result<(), SubmitError> {
        let mut reserved = self.writer.reserve(bytes);
        if matches!(reserved, Err(JournalError::Uncommitted { .. })) {
            // The segment is full. A piece of work may be half done: what it has appended is committed with the rest, and
            // answered when it is whole.
            self.settle();
            reserved = self.writer.reserve(bytes);
        }
        match reserved {
            Ok(()) => Ok(()),
            Err(e) if e.is_full() => {
                self.shared.stats.full.fetch_add(1, Relaxed);
                Err(SubmitError::Full(e.to_string()))
            }
            Err(e) => Err(self.fail(&e)),
        }
    }

    /// Makes the batch durable and answers it, if there is one.
    fn answer(&mut self) {
        if !self.waiting.is_empty() || !self.noted.is_empty() {
            self.settle();
        }
    }

    /// Makes all that was appended durable and answers the work that is whole.
    fn settle(&mut self) {
        let mut lap = Lap::begin();
        // A sync that is due goes with the batch.
        let due = self.shared.sync_asked.swap(false, Relaxed);
        let durability = if due { Durability::Sync } else { self.durability };
        let committed = self.writer.commit(durability.into());
        self.shared.clocks.committed.observe(lap.next(), 1);
        if let Err(e) = &committed {
            self.fail(e);
        }
        self.shared.stats.batches.fetch_add(1, Relaxed);
        self.shared.stats.seq.store(self.writer.committed_seq(), Relaxed);
        self.shared.stats.durable.store(self.writer.durable_seq(), Release);
        for (reply, last) in self.noted.drain(..) {
            let noted = match (&committed, &self.failed) {
                (Err(_), Some(why)) => Err(SubmitError::Failed(why.clone())),
                _ => Ok(last),
            };
            let _ = reply.send(noted);
        }
        for (reply, mut outcomes, since) in self.waiting.drain(..) {
            self.shared.clocks.decided.observe(lap.began().saturating_duration_since(since), outcomes.len());
            if let (Err(_), Some(why)) = (&committed, &self.failed) {
                outcomes.fill(Outcome::Refused(SubmitError::Failed(why.clone())));
            }
            // Whoever asked may have gone; the record stays.
            let _ = reply.send(outcomes);
        }
        self.batch = 0;
        self.seen.tend(self.writer.durable_seq());
        let events = self.shared.stats.events.load(Relaxed);
        if events >= self.measure_at {
            self.measure_at = events + (events / 16).clamp(1, limits::MEASURE_EVENTS);
            self.measure();
        }
    }

    /// Looks at the size of the state. It walks every table: not to be done for each batch.
    fn measure(&mut self) {
        let (size, ids) = (self.flow.size(), self.seen.size());
        self.shared.stats.state_bytes.store(size.bytes as u64, Relaxed);
        self.shared.stats.state_keys.store(size.keys as u64, Relaxed);
        self.shared.stats.state_pairs.store(size.pairs as u64, Relaxed);
        self.shared.stats.ids.store(ids.ids, Relaxed);
        self.shared.stats.ids_bytes.store(ids.bytes as u64, Relaxed);
        self.shared.stats.ids_files.store(ids.chunks as u64, Relaxed);
        self.shared.stats.forgotten.store(self.flow.forgotten(), Relaxed);
        self.measured = true;
    }

    pub(crate) fn sync(&mut self) {
        if self.failed.is_none()
            && let Err(e) = self.writer.sync()
        {
            self.fail(&e);
        }
        self.shared.stats.durable.store(self.writer.durable_seq(), Release);
    }

    /// The journal failed: what was counted since is not what it holds. Nothing more is taken until a restart has
    /// folded the journal anew.
    fn fail(&mut self, error: &JournalError) -> SubmitError {
        let why = error.to_string();
        self.stop_for(why.clone());
        SubmitError::Failed(why)
    }

    fn stop_for(&mut self, why: String) {
        if self.failed.is_none() {
            tracing::error!(error = %why, "no more events are taken");
            self.shared.fail(&why);
            self.failed = Some(why);
        }
    }

    /// Records a policy and puts it in force: whole or not at all. Features that are new to it are warming from here on,
    /// unless there is no past to count.
    pub(crate) fn swap(&mut self, active: Arc<Active>, now: Micros) -> Result<(), SwapError> {
        if let Some(why) = &self.failed {
            return Err(SubmitError::Failed(why.clone()).into());
        }
        self.settle_unrecorded()?;
        let parts = encode_parts(&active.bundle);
        let head_bytes = Dictionary::of(&active, u64::MAX, now, u64::MAX).encode().len() + 64;
        if head_bytes > wardroom_journal::limits::MAX_PAYLOAD {
            return Err(SwapError::TooLarge { bytes: head_bytes });
        }
        fits_records(&active.program)?;
        let bytes: u64 = parts.iter().map(|p| frame_bytes(p.len())).sum();
        let every = (0..active.program.features.len()).collect();
        let warming_bytes = WarmingRecord { policy: u64::MAX, features: every }.encode().len();
        self.reserve(bytes + frame_bytes(head_bytes) + frame_bytes(warming_bytes))?;
        // From here on nothing may fail but the disk.
        self.snapshots.abandon(&mut self.flow);
        let before = self.flow.active().clone();
        let dropped = self.flow.exchange(active.clone(), self.past.begins.is_some());
        self.record_policy(&active, &parts, now).map_err(|e| self.fail(&e))?;
        free((before, dropped));
        self.publish();
        self.measure();
        Ok(())
    }

    /// Goes on under the policy that the journal has in force, if there is one. `warming` says that the journal takes
    /// features for warming. Those that no snapshot had are cold, and their past is counted now; a restart from the whole
    /// journal has counted it with all the rest.
    pub(crate) fn rejoin(&mut self, warming: bool) -> Result<(), JournalError> {
        self.shared.stats.seq.store(self.writer.committed_seq(), Relaxed);
        self.shared.stats.durable.store(self.writer.durable_seq(), Release);
        self.measure();
        if self.dictionary.seq == 0 {
            // The first segment has nothing to begin with but this.
            return self.set_prologue();
        }
        self.publish();
        let cold = self.warming();
        self.owed = (warming || !cold.features.is_empty()).then_some(cold);
        self.set_prologue()
    }

    fn record_policy(&mut self, active: &Active, parts: &[Vec<u8>], now: Micros) -> Result<(), JournalError> {
        for part in parts {
            self.writer.append(kind::POLICY_PART, part)?;
        }
        let dictionary = Dictionary::of(active, self.writer.next_seq(), now, parts.len() as u64);
        if active.origin == Origin::Directory {
            self.past.directory = Some(dictionary.version.clone());
        }
        self.writer.append(kind::POLICY, &dictionary.encode())?;
        self.dictionary = Arc::new(dictionary);
        // A policy's head says that nothing is warming.
        self.owed = None;
        let warming = self.warming();
        self.past.warming = !warming.features.is_empty();
        if self.past.warming {
            self.writer.append(kind::WARMING, &warming.encode())?;
        }
        self.writer.commit(wardroom_journal::Durability::Sync)?;
        self.set_prologue()
    }

    /// What each segment begins with: the policy in force, which of its features are warming, and where the outbox stands.
    fn set_prologue(&mut self) -> Result<(), JournalError> {
        let outbox = (kind::OUTBOX, self.checkpoint.clone());
        if self.dictionary.seq == 0 {
            return self.writer.set_prologue(vec![outbox]);
        }
        let mut prologue = vec![(kind::POLICY, self.dictionary.encode()), outbox];
        let warming = self.warming();
        if !warming.features.is_empty() {
            prologue.push((kind::WARMING, warming.encode()));
        }
        self.writer.set_prologue(prologue)
    }

    fn warming(&self) -> WarmingRecord {
        // Where a policy is about to be put in force, its features' numbers mean nothing under the one before.
        let is_recorded = *self.flow.active().program.version.0 == *self.dictionary.version;
        let features = if is_recorded { self.flow.cold() } else { Vec::new() };
        WarmingRecord { policy: self.dictionary.seq, features }
    }

    /// Shows the policy and what of it is warming, and has the back-fill see to that.
    fn publish(&mut self) {
        let active = self.flow.active().clone();
        let warming = self.shared.warmth.want(&active, &self.flow.cold(), self.dictionary.seq);
        let late = self.flow.late();
        self.shared.put(InForce { active, dictionary: self.dictionary.clone(), warming, late });
        self.shared.stats.seq.store(self.writer.committed_seq(), Relaxed);
        self.filler.start();
    }

    /// Puts in force what a back-fill has counted, once it has been brought up to the last record. Between two batches:
    /// all that was appended is committed.
    pub(crate) fn take_over(&mut self) {
        let Some(Offer { mut fill, reply }) = self.shared.warmth.take_offer() else {
            return;
        };
        if self.failed.is_some() {
            self.shared.warmth.stop();
            return free(fill);
        }
        let (committed, before) = (self.writer.committed_seq(), fill.events);
        if committed.saturating_sub(fill.through) > limits::HANDOVER_RECORDS {
            let _ = reply.send(Answer::Again(fill));
            return;
        }
        if let Err(error) = fill.read_to(&self.shared.lookup, committed) {
            let _ = reply.send(Answer::Fault(error));
            return;
        }
        self.shared.warmth.count(fill.events - before);
        self.snapshots.abandon(&mut self.flow);
        let late = fill.late();
        free(self.flow.warm(fill.flow, late));
        self.owed = Some(self.warming());
        self.publish();
        self.measure();
        let _ = reply.send(Answer::Taken);
        // Said at once where there is room; otherwise before the next event.
        if self.set_prologue().map_err(|e| self.fail(&e)).and_then(|()| self.settle_owed()).is_ok() {
            self.settle();
        }
    }

    /// Writes down what follows from the last decision of the engine before, if that was cut short.
    fn settle_unrecorded(&mut self) -> Result<(), SubmitError> {
        if self.unrecorded.is_empty() {
            return Ok(());
        }
        self.reserve(self.unrecorded.len() as u64 * frame_bytes(limits::CHANGE_BYTES))?;
        for change in std::mem::take(&mut self.unrecorded) {
            self.record.clear();
            change.encode(&mut self.record);
            self.writer.append(kind::CHANGE, &self.record).map_err(|e| self.fail(&e))?;
        }
        Ok(())
    }

    /// Writes down which features are warming, if that has changed: nothing is served under it before.
    fn settle_owed(&mut self) -> Result<(), SubmitError> {
        self.settle_unrecorded()?;
        let Some(owed) = &self.owed else {
            return Ok(());
        };
        let (payload, warming) = (owed.encode(), !owed.features.is_empty());
        self.reserve(frame_bytes(payload.len()))?;
        self.writer.append(kind::WARMING, &payload).map_err(|e| self.fail(&e))?;
        self.past.warming = warming;
        self.owed = None;
        Ok(())
    }
}

/// Whether an effect of a judgement goes out.
fn goes_out(judgement: &Judgement) -> bool {
    judgement.signals.iter().flat_map(|s| &s.effects).any(|e| !e.changes_state())
}

/// How many changes of labels and lists follow from a judgement.
fn changes(judgement: &Judgement) -> u64 {
    let effects = judgement.signals.iter().flat_map(|s| &s.effects);
    effects.filter(|e| e.changes_state()).count() as u64
}

/// An event that is what its schema says. Intake makes no other; one that is not could be written and never read again.
fn whole(event: Event) -> Result<Event, SubmitError> {
    let known = usize::from(event.kind.0) < event.schema.len();
    if known {
        let fields = &event.schema.get(event.kind).fields;
        if fields.len() == event.values.len() && fields.iter().zip(&event.values).all(|(f, v)| even(f, v)) {
            return Ok(event);
        }
    }
    let message = format!("an event of type number {} with {} values", event.kind.0, event.values.len());
    tracing::error!(id = %event.id.id, "{message}, which its schema does not have");
    Err(SubmitError::Failed(message))
}

/// Whether a value, if it is a list, has whole items of plain values.
fn even(field: &Field, value: &Value) -> bool {
    match value {
        Value::List(values) => {
            let whole = values.len().checked_rem(field.items().len()) == Some(0);
            whole && !values.iter().any(|v| matches!(v, Value::List(_)))
        }
        _ => true,
    }
}

/// The most that a served value of a type takes in a record.
fn served_bytes(kind: Type) -> usize {
    match kind.repr() {
        Repr::Text | Repr::List => limits::SERVED_TEXT_BYTES,
        Repr::Ip | Repr::Net => 24,
        _ => limits::SERVED_BYTES,
    }
}

/// Whether the largest record of each event type fits into the journal: the event, all that is served for it, and as
/// many signals as are kept.
fn fits_records(program: &Program) -> Result<(), SwapError> {
    for (id, event) in program.schema.iter() {
        let served: usize = program.plan(id).serve.iter().map(|s| served_bytes(s.kind)).sum();
        let signals = limits::SIGNALS * limits::SIGNAL_BYTES + limits::EFFECTS * limits::CHANGE_BYTES;
        let bytes = limits::EVENT_BYTES + served + signals;
        if bytes > limits::RECORD_BYTES {
            return Err(SwapError::Record { event: event.name.to_string(), bytes });
        }
    }
    Ok(())
}

/// Frees what a policy leaves behind beside the sequencer: millions of keys or entries take a while.
fn free(gone: impl Send + 'static) {
    // If there is no thread to be had, the closure is dropped here and now: slower, and as right.
    drop(std::thread::Builder::new().name("freer".to_owned()).spawn(move || drop(gone)));
}

#[cfg(test)]
mod tests {
    use crate::active::tests::TRIPS as TRIPPING_TIME;
    use crate::{Config, Durability, Engine, EngineError, Origin, Outcome, SubmitError, SwapError, Work};
    use std::time::Duration;
    use wardroom_event::{Event, Field, Micros, Shape, Type, Value};
    use wardroom_policy::{Bundle, Verdict};

    /// The id of an event on which the sequencer itself trips.
    pub(super) const TRIPS: &str = "trips the sequencer";

    const POLICY: &str = r#"
event hit:
    ip: ip

list bad: net = ["192.0.2.0/24"]
feature hits = count(hit, by=ip, last="1h")

rule listed on hit:
    when    ip in bad
    then    block
    because "{ip} after {hits} hits"
"#;

    #[test]
    fn lists_have_whole_items_and_no_lists_in_them() {
        let list = |width: usize| {
            let fields = vec![Field::plain("x", Type::Int, true); width].into();
            let shape = Shape::Items { record: Some("r".into()), fields };
            Field { shape: Some(shape.into()), ..Field::plain("l", Type::List, true) }
        };
        let check = |field: Field, values: Vec<Value>, expect: bool| {
            assert_eq!(super::even(&field, &Value::List(values.into())), expect, "{field:?}");
        };
        let none = || Value::Missing;
        check(list(2), vec![], true);
        check(list(2), vec![none(), Value::Int(1)], true);
        check(list(2), vec![none(); 3], false);
        check(list(1), vec![Value::List(Box::default())], false);
        check(Field::plain("l", Type::List, true), vec![], false);
        assert!(super::even(&list(2), &none()));
    }

    fn open(config: &Config) -> Result<Engine, EngineError> {
        Engine::open(config, Some(Bundle::single("a.ward", POLICY)), Micros(0)).map(|(engine, _)| engine)
    }

    fn event(engine: &Engine, id: &str, time: Micros) -> Event {
        let json = format!(r#"{{"type":"hit","id":"{id}","time":"{time}","ip":"192.0.2.7"}}"#);
        engine.intake(json.as_bytes(), time).unwrap()
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    fn submit(engine: &Engine, event: Event) -> Result<Outcome, SubmitError> {
        run(engine.submit(vec![event], Work::Decide)).map(|mut outcomes| outcomes.remove(0))
    }

    fn served(engine: &Engine, seq: u64) -> Vec<Value> {
        let judged = engine.decision(seq).unwrap().unwrap().judged.unwrap();
        judged.served.into_iter().map(|(_, _, value)| value).collect()
    }

    #[test]
    fn an_event_that_trips_a_guard_is_let_through_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { segment_bytes: 4096, ..Config::new(dir.path().join("data")) };
        let engine = open(&config).unwrap();
        let before = submit(&engine, event(&engine, "1", Micros(10))).unwrap();
        assert!(matches!(before, Outcome::Decided { verdict: Verdict::Block, fault: false, .. }));
        let tripped = submit(&engine, event(&engine, "2", TRIPPING_TIME)).unwrap();
        let Outcome::Decided { seq, verdict: Verdict::Allow, fault: true, signals, .. } = tripped else {
            panic!("{tripped:?}");
        };
        assert_eq!(signals, []);
        let stored = engine.decision(seq).unwrap().unwrap();
        assert_eq!(engine.active().standings(&stored), None, "asked again, it would trip again");
        assert!(stored.judged.unwrap().fault);
        assert_eq!((engine.status().faults, engine.status().failed), (1, None));
        let after = submit(&engine, event(&engine, "3", Micros(20))).unwrap();
        let Outcome::Decided { seq, verdict: Verdict::Block, fault: false, .. } = after else {
            panic!("{after:?}");
        };
        // It was not counted, since that tripped as well.
        assert_eq!(served(&engine, seq), [Value::Int(1)]);
        run(engine.close());
        // And a restart, which trips again, counts the same.
        let engine = open(&config).unwrap();
        let Ok(Outcome::Decided { seq, .. }) = submit(&engine, event(&engine, "4", Micros(30))) else {
            panic!("it goes on");
        };
        assert_eq!(served(&engine, seq), [Value::Int(2)]);
    }

    #[test]
    fn a_sequencer_that_trips_says_so_and_answers_nothing_it_does_not_know() {
        for durability in [Durability::Sync, Durability::Interval(Duration::from_millis(1))] {
            let dir = tempfile::tempdir().unwrap();
            let config = Config { durability, segment_bytes: 4096, ..Config::new(dir.path().join("data")) };
            let engine = open(&config).unwrap();
            let Ok(Outcome::Decided { seq, .. }) = submit(&engine, event(&engine, "1", Micros(10))) else {
                panic!("it is sound");
            };
            let events = vec![event(&engine, "2", Micros(11)), event(&engine, TRIPS, Micros(12))];
            assert!(run(engine.submit(events, Work::Decide)).is_err());
            // The thread may still be unwinding.
            for _ in 0..500 {
                if engine.status().failed.is_some() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            assert!(engine.status().failed.unwrap().contains("fault of our own"));
            let failed = |e: &SubmitError| matches!(e, SubmitError::Failed(_));
            assert!(submit(&engine, event(&engine, "3", Micros(14))).is_err_and(|e| failed(&e)));
            assert!(run(engine.find(event(&engine, "1", Micros(10)).id)).is_err_and(|e| failed(&e)));
            let swapped =
                run(engine.swap(Bundle::single("b.ward", POLICY), Origin::Api, Micros(0))).map(drop);
            assert!(matches!(swapped, Err(SwapError::Submit(SubmitError::Failed(_)))), "{swapped:?}");
            assert!(engine.decision(seq).unwrap().is_some(), "what was acknowledged can be read");
            run(engine.close());
            let engine = open(&config).unwrap();
            assert_eq!(submit(&engine, event(&engine, "1", Micros(10))), Ok(Outcome::Repeated { seq }));
            let Ok(Outcome::Decided { seq, .. }) = submit(&engine, event(&engine, "2", Micros(11))) else {
                panic!("what was not acknowledged was not recorded");
            };
            assert_eq!(served(&engine, seq), [Value::Int(1)]);
        }
    }
}
