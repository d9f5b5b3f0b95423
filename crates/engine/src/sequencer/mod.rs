// SPDX-License-Identifier: Apache-2.0
//! The sequencer: the one thread that gives numbers, counts, judges and writes.
//!
//! It takes all the work that waits, does it in order, makes it durable with one sync and answers it. While it
//! syncs, work gathers: under load batches form by themselves, and alone an event waits for nobody.
//!
//! A turn takes events one by one ([`event`]), acts ([`act`]) and what else there is to write down ([`note`]); then the batch is committed
//! and answered ([`commit`]). A policy is put in force behind a batch that is answered ([`swap`]). Between two batches, each
//! for a moment, the state is kept within its memory ([`forget`]) and a snapshot goes on ([`snapshots`]).

mod act;
mod commit;
mod event;
mod forget;
mod note;
mod snapshots;
mod swap;
#[cfg(test)]
mod tests;

pub(crate) use act::With;

use crate::active::Active;
use crate::acts::{Act, ActError, Done, JobHead, JobStep};
use crate::backfill::Filler;
use crate::decision::Outcome;
use crate::engine::{Config, Durability, Shared};
use crate::error::{SubmitError, SwapError};
use crate::flow::Flow;
use crate::latency::Lap;
use crate::limits;
use crate::probe::Probe;
use crate::queue::{Taken, Taker};
use crate::record::{Change, Dictionary, WarmingRecord};
use crate::recover::Folded;
use crate::seen::Seen;
use crate::snapshot::{Past, Snapshot, Snapshots};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc;
use std::time::Instant;
use tokio::sync::oneshot;
use wardroom_event::{Event, EventId, Micros};
use wardroom_journal::Writer;

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
    /// Do these acts.
    Acts { acts: Vec<(Act, With)>, now: Micros, reply: oneshot::Sender<Vec<Done>> },
    /// Say what would become of them.
    Would { acts: Vec<(Act, With)>, now: Micros, reply: oneshot::Sender<Vec<Done>> },
    /// Write down something of a job. Gives the number of its record.
    Job { what: JobTask, reply: oneshot::Sender<Result<u64, ActError>> },
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

/// What is to be written down of a job.
pub(crate) enum JobTask {
    /// Items of it.
    Part(Vec<u8>),
    /// That it is planned.
    Head(JobHead),
    /// A step of it.
    Step(JobStep),
}

/// Who waits for the outcomes, the outcomes, and since when they are waited for.
type Waiting = (oneshot::Sender<Vec<Outcome>>, Vec<Outcome>, Instant);
type Noted = (oneshot::Sender<Result<u64, SubmitError>>, u64);
type Acted = (oneshot::Sender<Vec<Done>>, Vec<Done>);
type Planned = (oneshot::Sender<Result<u64, ActError>>, u64);

pub(crate) struct Sequencer {
    /// Ended before all else is let go of.
    pub(crate) filler: Filler,
    /// Before the writer, whose lock keeps others away from the directory that it writes to.
    snapshots: Snapshots,
    flow: Flow,
    seen: Seen,
    writer: Writer,
    dictionary: Arc<Dictionary>,
    durability: Durability,
    pub(crate) shared: Arc<Shared>,
    /// Outcomes whose records are not durable yet.
    waiting: Vec<Waiting>,
    /// What was noted of effects and is not durable yet: the number of the last record.
    noted: Vec<Noted>,
    /// Acts that are not durable yet.
    acted: Vec<Acted>,
    /// Parts, heads and steps of jobs that are not durable yet.
    planned: Vec<Planned>,
    /// Where the outbox stands, as bytes: what each segment begins with.
    checkpoint: Vec<u8>,
    /// Events in `waiting`.
    batch: usize,
    /// Why the journal can no longer be written.
    failed: Option<String>,
    /// One record's bytes, kept to be filled again.
    record: Vec<u8>,
    /// Changes that follow from the last decision, are made, and are not in the journal yet: they go before all else.
    unrecorded: Vec<Change>,
    /// Which features are warming has changed: what the journal has to say of it before the next event.
    owed: Option<WarmingRecord>,
    /// At how many events the size of the state is looked at again.
    measure_at: u64,
    /// The state was measured and not yet looked at for what is to be forgotten.
    measured: bool,
    /// Most bytes that the state may take.
    memory: usize,
    /// What of the past a snapshot tells beside the state.
    past: Past,
    /// When the newest event arrived.
    arrived: Micros,
    /// How many changes had found no room when the log said so last, and when that was.
    refused_said: (u64, Option<Micros>),
}

impl Sequencer {
    /// One that goes on where the journal was folded to. `unrecorded` is what a crash left undone.
    pub(crate) fn new(
        filler: Filler,
        folded: Folded,
        writer: Writer,
        config: &Config,
        shared: Arc<Shared>,
        (snapshots, checkpoint): (Snapshots, Vec<u8>),
        unrecorded: Vec<Change>,
    ) -> Sequencer {
        Sequencer {
            filler,
            snapshots,
            flow: folded.flow,
            seen: folded.seen,
            writer,
            dictionary: folded.dictionary,
            durability: config.durability,
            shared,
            waiting: Vec::new(),
            noted: Vec::new(),
            acted: Vec::new(),
            planned: Vec::new(),
            checkpoint,
            batch: 0,
            failed: None,
            record: Vec::new(),
            unrecorded,
            owed: None,
            measure_at: 0,
            measured: false,
            memory: config.memory(),
            past: folded.past,
            arrived: folded.arrived,
            refused_said: (0, None),
        }
    }

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
        while self.failed.is_none() && self.snapshots.wants_piece() {
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
                Task::Acts { acts, now, reply } => {
                    let done = self.acts(acts, now);
                    self.acted.push((reply, done));
                }
                Task::Would { acts, now, reply } => drop(reply.send(self.would(acts, now))),
                Task::Job { what, reply } => {
                    let written = match what {
                        JobTask::Part(part) => self.job_part(&part),
                        JobTask::Head(head) => self.begin_job(head),
                        JobTask::Step(step) => self.step_job(&step),
                    };
                    match written {
                        Ok(seq) => self.planned.push((reply, seq)),
                        Err(e) => drop(reply.send(Err(e))),
                    }
                }
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
        if let Some(why) = &self.failed {
            return self.snapshots.stop(&mut self.flow, why);
        }
        // What a decision before the start left undone goes before all that is written here.
        if self.settle_unrecorded().is_err() {
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
}
