// SPDX-License-Identifier: Apache-2.0
//! The back-fill: the past of new features, counted beside the sequencer while it goes on.
//!
//! One thread, there only while something is wanted. It reads the journal from its beginning into tables of its own, in
//! rounds, each up to where the journal has come by then. Close to the end it offers its tables to the sequencer, which
//! counts the few records that came since and puts them in force between two batches. Nothing is shared before that, so
//! nothing that goes wrong here touches what is served; and what is offered is, record for record, what a restart would
//! have counted.

use crate::EngineError;
use crate::active::Active;
use crate::apart::{Apart, Record};
use crate::engine::Shared;
use crate::flow::Flow;
use crate::limits;
use crate::queue::Queue;
use crate::recover;
use crate::sequencer::{Sequencer, Task};
use crate::warmth::{Answer, Offer, Orders, Wanted};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak, mpsc};
use std::thread::JoinHandle;
use std::time::Instant;
use wardroom_event::Micros;
use wardroom_journal::{Frame, JournalError, Lookup};
use wardroom_state::Secret;

/// Tables being filled, and how far they are.
pub(crate) struct Fill {
    pub(crate) flow: Flow,
    apart: Apart,
    /// The last record that was counted.
    pub(crate) through: u64,
    /// Events counted.
    pub(crate) events: u64,
    /// Whether the journal no longer reaches back to its beginning, and when the first event came that was counted.
    is_late: bool,
    begins: Option<Micros>,
}

impl Fill {
    fn new(secret: Secret, active: Arc<Active>, wanted: &[Wanted]) -> Fill {
        let apart = Apart::new(active.program.schema.clone());
        let is_wanted = |definition: &str| wanted.iter().any(|(d, _)| **d == *definition);
        let flow = Flow::of(secret, active, |f| is_wanted(&f.definition));
        Fill { flow, apart, through: 0, events: 0, is_late: false, begins: None }
    }

    fn record(&mut self, frame: &Frame<'_>) -> Result<(), EngineError> {
        let seq = frame.position.seq;
        if seq != self.through + 1 {
            // Retention was faster: what is counted would have a hole.
            return Err(JournalError::Gone { seq: self.through + 1, first: seq }.into());
        }
        match self.apart.frame(frame)? {
            Some(Record::Event(event)) => {
                self.begins.get_or_insert(event.counted_at());
                self.flow.count(&event);
                self.events += 1;
            }
            Some(Record::Foreign(event)) => {
                self.begins.get_or_insert(event.counted_at());
            }
            Some(Record::Forget(_, found)) => self.flow.forget(&found.definitions),
            _ => {}
        }
        self.through = seq;
        Ok(())
    }

    /// Begins where the journal does by now: after retention, in the middle of it.
    fn begin(&mut self, shared: &Shared) -> Result<(), EngineError> {
        let first = shared.lookup.first_seq();
        if self.through > 0 || first <= 1 {
            return Ok(());
        }
        if let Some(policy) = recover::policy_at(&shared.lookup, first)? {
            self.apart = Apart::under(self.flow.active().program.schema.clone(), policy);
        }
        (self.through, self.is_late) = (first - 1, true);
        Ok(())
    }

    /// When the past that was counted begins, where that is later than the journal once did.
    pub(crate) fn late(&self) -> Option<Micros> {
        self.begins.filter(|_| self.is_late)
    }

    /// Counts on, up to a record.
    pub(crate) fn read_to(&mut self, lookup: &Lookup, seq: u64) -> Result<(), EngineError> {
        lookup.range(self.through + 1, seq, |frame| self.record(&frame))
    }
}

/// Why the back-fill of what was wanted ends early.
enum Halt {
    /// The engine stops, or none of it is wanted any more.
    Over,
    Fault(EngineError),
}

impl From<JournalError> for Halt {
    fn from(error: JournalError) -> Halt {
        Halt::Fault(error.into())
    }
}

impl From<EngineError> for Halt {
    fn from(error: EngineError) -> Halt {
        Halt::Fault(error)
    }
}

/// What the thread works with.
pub(crate) struct Filler {
    pub(crate) shared: Arc<Shared>,
    pub(crate) secret: Secret,
    /// Where the sequencer is woken. Weak, for a back-fill does not keep an engine alive.
    pub(crate) tasks: Weak<Queue<Task>>,
    thread: Option<JoinHandle<()>>,
    /// Whether there is to be no thread.
    by_hand: bool,
}

impl Filler {
    pub(crate) fn new(shared: Arc<Shared>, secret: Secret, tasks: Weak<Queue<Task>>) -> Filler {
        Filler { shared, secret, tasks, thread: None, by_hand: false }
    }

    /// One that counts only when it is told to; see [`ByHand`].
    pub(crate) fn by_hand(shared: Arc<Shared>, secret: Secret, tasks: Weak<Queue<Task>>) -> Filler {
        Filler { shared, secret, tasks, thread: None, by_hand: true }
    }

    /// Sees to it that there is a thread if something is wanted.
    pub(crate) fn start(&mut self) {
        if self.by_hand {
            return;
        }
        let needed = self.shared.warmth.order(|orders| {
            let needed = !orders.running && !orders.wanted.is_empty();
            orders.running |= needed;
            needed
        });
        if !needed {
            return;
        }
        let worker = Worker { shared: self.shared.clone(), secret: self.secret, tasks: self.tasks.clone() };
        match std::thread::Builder::new().name("backfill".to_owned()).spawn(move || worker.run()) {
            // The one before, if any, said that it was done.
            Ok(thread) => self.thread = Some(thread),
            Err(error) => {
                tracing::error!(%error, "no thread to count the past of new features: they stay unknown");
                self.shared.warmth.orders().running = false;
            }
        }
    }
}

impl Drop for Filler {
    /// Stops the thread and waits for it: it ends at its next record.
    fn drop(&mut self) {
        self.shared.warmth.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Worker {
    shared: Arc<Shared>,
    secret: Secret,
    tasks: Weak<Queue<Task>>,
}

impl Worker {
    fn run(&self) {
        while let Some((active, wanted)) = self.next() {
            let fault = match catch_unwind(AssertUnwindSafe(|| self.fill(active, wanted))) {
                Ok(Ok(()) | Err(Halt::Over)) => continue,
                Ok(Err(Halt::Fault(error))) => error.to_string(),
                Err(_) => "a fault of our own".to_owned(),
            };
            tracing::error!(error = %fault, "the past of new features cannot be counted now: they stay unknown");
            self.rest_for_a_retry();
        }
    }

    /// What is to be done next; `None` when there is nothing more, and the thread ends.
    fn next(&self) -> Option<(Arc<Active>, Vec<Wanted>)> {
        let mut orders = self.shared.warmth.unpaused();
        match orders.active.clone() {
            Some(active) if !orders.stopped && !orders.wanted.is_empty() => {
                Some((active, orders.wanted.clone()))
            }
            _ => {
                orders.running = false;
                None
            }
        }
    }

    fn rest_for_a_retry(&self) {
        let until = Instant::now() + limits::BACKFILL_RETRY;
        while Instant::now() < until && !self.shared.warmth.orders().stopped {
            self.shared.warmth.changed();
            self.shared.warmth.rest(until.saturating_duration_since(Instant::now()));
        }
    }

    /// Counts the past of what is wanted and puts it in force.
    fn fill(&self, active: Arc<Active>, wanted: Vec<Wanted>) -> Result<(), Halt> {
        let mut fill = Box::new(Fill::new(self.secret, active, &wanted));
        fill.begin(&self.shared)?;
        let mut pace = Pace::new(self, wanted);
        let mut last_behind = u64::MAX;
        loop {
            let to = self.shared.lookup.committed_seq();
            let behind = to.saturating_sub(fill.through);
            // Where it does not catch up at its pace, it stops resting.
            pace.rests = behind < last_behind;
            last_behind = behind;
            self.round(&mut fill, to, &mut pace)?;
            if behind > limits::HANDOVER_RECORDS / 4 {
                continue;
            }
            pace.look()?;
            fill = match self.hand_over(fill)? {
                Some(fill) => fill,
                None => return Ok(()),
            };
        }
    }

    fn round(&self, fill: &mut Fill, to: u64, pace: &mut Pace<'_>) -> Result<(), Halt> {
        let before = fill.events;
        let read = self.shared.lookup.range(fill.through + 1, to, |frame| {
            fill.record(&frame)?;
            pace.step(fill.through)
        });
        self.shared.warmth.count(fill.events - before);
        read
    }

    /// Offers what was counted; gives it back where too much came since.
    fn hand_over(&self, fill: Box<Fill>) -> Result<Option<Box<Fill>>, Halt> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.shared.warmth.offer(Offer { fill, reply });
        // A full lane needs no waking: the sequencer looks after each batch.
        self.tasks.upgrade().ok_or(Halt::Over)?.control(Task::Offered).ok();
        match answer.recv() {
            Ok(Answer::Taken) => Ok(None),
            Ok(Answer::Again(fill)) => Ok(Some(fill)),
            Ok(Answer::Fault(error)) => Err(Halt::Fault(error)),
            // The sequencer has stopped.
            Err(_) => Err(Halt::Over),
        }
    }
}

/// Records that it leaves for the sequencer to count.
const LEFT_BY_HAND: u64 = 3;

/// The back-fill of an engine without threads: what the thread does, a piece at a time.
#[derive(Default)]
pub(crate) struct ByHand {
    under_way: Option<(Box<Fill>, Vec<Wanted>)>,
}

impl ByHand {
    /// Counts at most so many more records of the past of what is wanted, and puts it in force where that was the last.
    ///
    /// # Errors
    /// When the journal cannot be read; what was counted is forgotten, and the next call begins anew.
    pub(crate) fn step(&mut self, sequencer: &mut Sequencer, records: u64) -> Result<(), EngineError> {
        let Some((mut fill, wanted)) = self.next(&sequencer.filler) else {
            return Ok(());
        };
        let lookup = sequencer.shared.lookup.clone();
        let (before, committed) = (fill.events, lookup.committed_seq());
        fill.begin(&sequencer.shared)?;
        // The last few are the sequencer's to count, as they are where events go on coming.
        let to = committed.saturating_sub(LEFT_BY_HAND).max(fill.through).min(fill.through + records);
        fill.read_to(&lookup, to)?;
        sequencer.shared.warmth.count(fill.events - before);
        if fill.through + LEFT_BY_HAND < committed {
            self.under_way = Some((fill, wanted));
            return Ok(());
        }
        let (reply, answer) = mpsc::sync_channel(1);
        sequencer.shared.warmth.offer(Offer { fill, reply });
        sequencer.take_over();
        match answer.try_recv() {
            Ok(Answer::Again(fill)) => self.under_way = Some((fill, wanted)),
            Ok(Answer::Fault(error)) => return Err(error),
            Ok(Answer::Taken) | Err(_) => {}
        }
        Ok(())
    }

    /// What is under way, as far as it is still wanted; otherwise what is wanted now.
    fn next(&mut self, filler: &Filler) -> Option<(Box<Fill>, Vec<Wanted>)> {
        let orders = filler.shared.warmth.orders();
        let active = orders.active.clone().filter(|_| !orders.stopped && !orders.wanted.is_empty())?;
        if let Some((fill, before)) = self.under_way.take() {
            let wanted = still_wanted(&orders, &before);
            if !wanted.is_empty() {
                return Some((fill, wanted));
            }
        }
        let fill = Fill::new(filler.secret, active, &orders.wanted);
        Some((Box::new(fill), orders.wanted.clone()))
    }
}

/// Of what was wanted before, what still is.
fn still_wanted(orders: &Orders, before: &[Wanted]) -> Vec<Wanted> {
    let still = |(definition, _): &&Wanted| before.iter().any(|(d, _)| d == definition);
    orders.wanted.iter().filter(still).cloned().collect()
}

/// Keeps the back-fill out of the way, and what it shows up to date.
struct Pace<'a> {
    worker: &'a Worker,
    wanted: Vec<Wanted>,
    /// Whether it rests while events come.
    rests: bool,
    began: Instant,
    slice: Instant,
    steps: u64,
    /// Events the sequencer had recorded when the slice began.
    events: u64,
}

impl<'a> Pace<'a> {
    fn new(worker: &'a Worker, wanted: Vec<Wanted>) -> Pace<'a> {
        let now = Instant::now();
        Pace { worker, wanted, rests: true, began: now, slice: now, steps: 0, events: worker.events() }
    }

    /// After each record.
    fn step(&mut self, through: u64) -> Result<(), Halt> {
        if self.worker.shared.warmth.changed() {
            self.look()?;
        }
        self.steps += 1;
        if !self.steps.is_multiple_of(limits::BACKFILL_RECORDS) {
            return Ok(());
        }
        let worked = self.slice.elapsed();
        if worked < limits::BACKFILL_SLICE {
            return Ok(());
        }
        self.show(through);
        let events = self.worker.events();
        if self.rests && events != self.events {
            self.worker.shared.warmth.rest(worked * (limits::BACKFILL_SHARE - 1));
        }
        (self.slice, self.events) = (Instant::now(), events);
        Ok(())
    }

    /// What is wanted now; it ends where that is nothing of what it does.
    fn look(&mut self) -> Result<(), Halt> {
        let orders = self.worker.shared.warmth.unpaused();
        let wanted = still_wanted(&orders, &self.wanted);
        if orders.stopped || wanted.is_empty() {
            return Err(Halt::Over);
        }
        drop(orders);
        self.wanted = wanted;
        Ok(())
    }

    fn show(&self, through: u64) {
        let micros = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX).max(1);
        let rate = u64::try_from(u128::from(through) * 1_000_000 / u128::from(micros)).unwrap_or(u64::MAX);
        self.wanted.iter().for_each(|(_, progress)| progress.note(through, rate));
    }
}

impl Worker {
    fn events(&self) -> u64 {
        self.shared.stats.events.load(Relaxed)
    }
}
