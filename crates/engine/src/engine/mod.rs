// SPDX-License-Identifier: Apache-2.0
//! The engine's handle: what surfaces call.

use crate::active::{Active, Origin};
use crate::backfill::Filler;
use crate::decision::{Outcome, Stored};
use crate::error::{EngineError, SnapshotError, SubmitError, SwapError};
use crate::judge::Judgement;
use crate::latency::{Clocks, Latencies};
use crate::outbox::{Left, Outbox};
use crate::probe::Probe;
use crate::queue::{Backlog, Bounds, Client, Load, Pieces, Queue, Refused, Taker};
use crate::record::{Dictionary, decode_stored, event_bytes, kind, policy_of};
use crate::recover::{self, Folded, Found, Last};
use crate::sequencer::{Sequencer, Task};
use crate::snapshot::{
    self, Every, Figures, Retention, Setup, Skipped, Snapshot, SnapshotStatus, Snapshots, Stand,
};
use crate::step::Stepper;
use crate::warmth::{Progress, Warming, Warmth};
use crate::{limits, secret};
use smallvec::{SmallVec, smallvec};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use wardroom_event::{Draft, Event, EventId, Facts, Faults, Micros, NoFacts, read};
use wardroom_journal::{Counters, Disk, FsDisk, Journal, Keyring, Lookup, Options};
use wardroom_policy::{Bundle, Verdict};
use wardroom_report::Diagnostic;
use wardroom_state::Keyer;

/// When an event is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When it would survive a power cut.
    Sync,
    /// When it would survive the death of the process; a power cut may lose what came in the last interval.
    Interval(Duration),
}

impl From<Durability> for wardroom_journal::Durability {
    fn from(durability: Durability) -> Self {
        match durability {
            Durability::Sync => wardroom_journal::Durability::Sync,
            Durability::Interval(_) => wardroom_journal::Durability::Interval,
        }
    }
}

/// How an engine is opened.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data directory; made if it is not there.
    pub data: PathBuf,
    /// When events are answered.
    pub durability: Durability,
    /// Size of the journal's segments, in bytes.
    pub segment_bytes: u64,
    /// What is written to disk is encrypted with these, and what is there is read with them.
    pub keys: Keyring,
    /// Most bytes that counters, labels, lists and event ids may take. Beyond them, counters forget the keys that were
    /// touched longest ago.
    pub memory_bytes: u64,
    /// When snapshots are made; never, where there is none.
    pub snapshot_every: Option<Every>,
    /// How much of the journal is kept.
    pub retention: Retention,
    /// Whether what is left of a journal is taken for all of it, where its beginning is gone and no snapshot is good.
    pub rebuild: bool,
}

impl Config {
    /// The defaults, in this data directory.
    pub fn new(data: impl Into<PathBuf>) -> Config {
        Config {
            data: data.into(),
            durability: Durability::Sync,
            segment_bytes: wardroom_journal::limits::DEFAULT_SEGMENT_BYTES,
            keys: Keyring::default(),
            memory_bytes: limits::MEMORY_BYTES,
            snapshot_every: Some(Every::default()),
            retention: Retention::default(),
            rebuild: false,
        }
    }
}

/// Whether events are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Judge and count.
    Decide,
    /// Only count.
    Record,
}

/// What opening found.
#[derive(Debug)]
pub struct Opened {
    /// What the journal said.
    pub recovery: wardroom_journal::Recovery,
    /// Events in all of it, those before the snapshot included.
    pub events: u64,
    /// The record after which it was folded: where a snapshot begins. None says that all of it was.
    pub snapshot: Option<u64>,
    /// Records folded.
    pub folded: u64,
    /// Snapshots that were passed over, and why.
    pub skipped: Vec<Skipped>,
    /// Events of types that the policy in force does not have: they are kept, and not counted.
    pub uncounted: u64,
    /// Whether the policy given was put in force: it was new.
    pub adopted: bool,
    /// Warnings about it.
    pub warnings: Vec<Diagnostic>,
}

/// The policy in force, with what reading its records needs.
pub(crate) struct InForce {
    pub(crate) active: Arc<Active>,
    pub(crate) dictionary: Arc<Dictionary>,
    /// The features that are warming, by their numbers, and how far each is.
    pub(crate) warming: Vec<(usize, Arc<Progress>)>,
    /// The features whose past begins later than the journal's, by their numbers, and when.
    pub(crate) late: Vec<(usize, Micros)>,
}

/// Counters of the engine itself.
#[derive(Default)]
pub(crate) struct Stats {
    pub(crate) events: AtomicU64,
    pub(crate) repeated: AtomicU64,
    pub(crate) batches: AtomicU64,
    pub(crate) full: AtomicU64,
    pub(crate) faults: AtomicU64,
    pub(crate) seq: AtomicU64,
    /// The last record that would survive a power cut.
    pub(crate) durable: AtomicU64,
    /// The last decision with an effect that goes out; stored before it is durable.
    pub(crate) outward: AtomicU64,
    /// The first record that the outbox has yet to read or to send from.
    pub(crate) outbox_needs: AtomicU64,
    pub(crate) state_bytes: AtomicU64,
    pub(crate) state_keys: AtomicU64,
    pub(crate) state_pairs: AtomicU64,
    pub(crate) ids: AtomicU64,
    pub(crate) ids_bytes: AtomicU64,
    pub(crate) ids_files: AtomicU64,
    pub(crate) forgets: AtomicU64,
    pub(crate) forgotten: AtomicU64,
    pub(crate) verdicts: [AtomicU64; 5],
}

impl Stats {
    pub(crate) fn count(&self, judgement: &Judgement) {
        self.verdicts[judgement.verdict as usize].fetch_add(1, Relaxed);
    }
}

/// The engine's own figures, since it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Events recorded.
    pub events: u64,
    /// Events whose id came before.
    pub repeated: u64,
    /// Batches made durable.
    pub batches: u64,
    /// Events refused because the disk was full.
    pub full: u64,
    /// Events on which judging or counting tripped over a fault of our own.
    pub faults: u64,
    /// The newest record's number.
    pub seq: u64,
    /// What was written to the journal, and how often it was synced.
    pub journal: Counters,
    /// Bytes held by counters, labels, lists and event ids. This and the next are looked at now and then, not for each event.
    pub state_bytes: u64,
    /// Keys counted under.
    pub state_keys: u64,
    /// The same for each feature that counts: a key that several features share counts for each of them.
    pub state_pairs: u64,
    /// Event ids remembered, the bytes they take in memory, and the files that hold most of them.
    pub ids: u64,
    /// See [`Status::ids`].
    pub ids_bytes: u64,
    /// See [`Status::ids`].
    pub ids_files: u64,
    /// Most bytes there may be.
    pub memory_bytes: u64,
    /// How often a counter was told to forget keys for lack of memory.
    pub forgets: u64,
    /// Keys that were forgotten so and had not expired.
    pub forgotten: u64,
    /// About snapshots.
    pub snapshots: SnapshotStatus,
    /// Decisions by verdict.
    pub verdicts: [(Verdict, u64); 5],
    /// Features that are warming.
    pub warming: usize,
    /// Events of the journal that were counted for features that were warming.
    pub backfilled: u64,
    /// Pieces of work waiting for the sequencer.
    pub waiting: usize,
    /// The same in other measures, and for whom.
    pub backlog: Backlog,
    /// Why no more events are taken, if that is so.
    pub failed: Option<String>,
}

/// What the handle and the sequencer share.
pub(crate) struct Shared {
    force: RwLock<Arc<InForce>>,
    dictionaries: Mutex<BTreeMap<u64, Arc<Dictionary>>>,
    pub(crate) lookup: Lookup,
    pub(crate) stats: Stats,
    pub(crate) snapshots: Arc<Figures>,
    memory_bytes: u64,
    pub(crate) warmth: Warmth,
    pub(crate) clocks: Clocks,
    /// The time of the journal's first event; the least there is before there is one.
    begins: AtomicI64,
    /// A sync was asked for and has not begun.
    pub(crate) sync_asked: AtomicBool,
    failed: Mutex<Option<String>>,
}

/// Before the journal's first event.
const NEVER: Micros = Micros(i64::MIN);

impl Shared {
    fn new(found: &Found<'_>, folded: &Folded, memory_bytes: u64) -> Shared {
        let (active, dictionary) = (folded.flow.active().clone(), folded.dictionary.clone());
        let force = InForce { active, dictionary, warming: Vec::new(), late: Vec::new() };
        Shared {
            force: RwLock::new(Arc::new(force)),
            dictionaries: Mutex::default(),
            lookup: found.lookup.clone(),
            stats: Stats::default(),
            snapshots: Arc::default(),
            memory_bytes,
            warmth: Warmth::default(),
            clocks: Clocks::default(),
            begins: AtomicI64::new(folded.past.begins.unwrap_or(NEVER).0),
            sync_asked: AtomicBool::new(false),
            failed: Mutex::default(),
        }
    }

    pub(crate) fn put(&self, force: InForce) {
        self.remember(force.dictionary.clone());
        *self.force.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(force);
    }

    /// The journal has its first event.
    pub(crate) fn begin(&self, at: Micros) {
        self.begins.store(at.0, Relaxed);
    }

    pub(crate) fn fail(&self, why: &str) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.to_owned());
    }

    /// Why the sequencer no longer answers: it was told to stop, or had to.
    pub(crate) fn gone(&self) -> SubmitError {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        failed.map_or(SubmitError::Closed, SubmitError::Failed)
    }

    /// Why the queue did not take something.
    pub(crate) fn refused(&self, refused: Refused) -> SubmitError {
        match refused {
            Refused::Closed => self.gone(),
            Refused::Busy(whose, retry_after_secs) => SubmitError::Busy { whose, retry_after_secs },
        }
    }

    fn in_force(&self) -> Arc<InForce> {
        self.force.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, dictionary: Arc<Dictionary>) {
        let mut known = self.dictionaries.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(dictionary.seq, dictionary);
        if known.len() > limits::DICTIONARIES {
            known.pop_first();
        }
    }

    /// The decision with this number.
    pub(crate) fn decision(&self, seq: u64) -> Result<Option<Stored>, EngineError> {
        let Some(frame) = self.lookup.get(seq)? else {
            return Ok(None);
        };
        if !matches!(frame.kind, kind::DECIDED | kind::RECORDED) {
            return Ok(None);
        }
        let unreadable = |why| EngineError::Record { seq, why };
        let dictionary =
            self.dictionary(policy_of(&frame.payload).map_err(unreadable)?, frame.position.segment)?;
        decode_stored(seq, frame.kind == kind::DECIDED, &frame.payload, &dictionary)
            .map(Some)
            .map_err(unreadable)
    }

    /// The names of the policy whose head is record `seq`, for a record in that segment.
    pub(crate) fn dictionary(&self, seq: u64, segment: u64) -> Result<Arc<Dictionary>, EngineError> {
        let known = self.dictionaries.lock().unwrap_or_else(PoisonError::into_inner).get(&seq).cloned();
        if let Some(dictionary) = known {
            return Ok(dictionary);
        }
        let unreadable = |why: String| EngineError::Record { seq, why };
        let frame = self.lookup.get(seq)?.filter(|frame| frame.kind == kind::POLICY);
        let found = match frame {
            Some(frame) => Some(Dictionary::decode(&frame.payload).map_err(unreadable)?),
            // Retention has removed it, or a repair found it lost; the segment begins with what was in force then.
            None => recover::policy_at(&self.lookup, segment)?.filter(|d| d.seq == seq),
        };
        let dictionary = found.ok_or_else(|| unreadable("the policy's record is gone".to_owned()))?;
        let dictionary = Arc::new(dictionary);
        self.remember(dictionary.clone());
        Ok(dictionary)
    }
}

/// An engine. Dropping it without [`Engine::close`] stops it after the work that waits.
pub struct Engine {
    queue: Arc<Queue<Task>>,
    shared: Arc<Shared>,
    outbox: Arc<Outbox>,
    keyer: Keyer,
    facts: RwLock<Arc<dyn Facts>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// Opens a data directory: folds its journal, and puts `offered` in force if it is another policy than the one last
    /// taken from there. A policy put through the API stays in force until the directory's text changes.
    ///
    /// # Errors
    /// When the directory is locked, damaged, cannot be written, or there is no policy that compiles.
    pub fn open(
        config: &Config,
        offered: Option<Bundle>,
        now: Micros,
    ) -> Result<(Engine, Opened), EngineError> {
        Engine::open_on(Arc::new(FsDisk), config, offered, now)
    }

    /// The same on a given disk. All that is durable lies there: the journal, and the installation's secret.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open_on(
        disk: Arc<dyn Disk>,
        config: &Config,
        offered: Option<Bundle>,
        now: Micros,
    ) -> Result<(Engine, Opened), EngineError> {
        let Prepared { engine, sequencer, taker, opened } =
            prepare(disk, config, offered, now, Crank::Thread)?;
        let thread = std::thread::Builder::new()
            .name("sequencer".to_owned())
            .spawn(move || sequencer.run(taker))
            .map_err(EngineError::Thread)?;
        *engine.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        if let Durability::Interval(every) = config.durability {
            let (queue, shared) = (Arc::downgrade(&engine.queue), engine.shared.clone());
            tick(queue, shared, every).map_err(EngineError::Thread)?;
        }
        Ok((engine, opened))
    }

    /// The same without threads of its own, for simulations: nothing happens but what [`Stepper`] is told to do, and what
    /// is random otherwise comes of `seed`. So one seed is one history, to the byte.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open_stepped(
        disk: Arc<dyn Disk>,
        config: &Config,
        offered: Option<Bundle>,
        now: Micros,
        seed: u64,
    ) -> Result<(Engine, Stepper, Opened), EngineError> {
        let Prepared { engine, sequencer, taker, opened } =
            prepare(disk, config, offered, now, Crank::Hand { seed })?;
        Ok((engine, Stepper::new(sequencer, taker), opened))
    }

    /// The policy in force.
    pub fn active(&self) -> Arc<Active> {
        self.shared.in_force().active.clone()
    }

    /// Since when the past of each feature of the policy in force is known, in the policy's order: since the journal's
    /// first event, or since the policy came into force where there is none yet; later, where it was counted when retention
    /// had taken the beginning. `None` while a feature is warming.
    pub fn since(&self) -> Vec<Option<Micros>> {
        let force = self.shared.in_force();
        let first = Micros(self.shared.begins.load(Relaxed));
        let begins = if first == NEVER { force.dictionary.time } else { first };
        let mut since = vec![Some(begins); force.active.program.features.len()];
        force.late.iter().for_each(|(number, late)| since[*number] = Some(*late));
        force.warming.iter().for_each(|(number, _)| since[*number] = None);
        since
    }

    /// The features of the policy in force that are warming: new ones, whose past is being counted from the journal. They
    /// read as missing until then.
    pub fn warming(&self) -> Vec<Warming> {
        let force = self.shared.in_force();
        let of = self.shared.lookup.committed_seq();
        let feature = |number: usize| &*force.active.program.features[number].id;
        force.warming.iter().map(|(number, progress)| progress.show(feature(*number), of)).collect()
    }

    /// Holds the counting of the past back, or lets it go on: for a machine that needs all it has for what comes in.
    /// Features that are warming stay so meanwhile.
    pub fn pause_warming(&self, pause: bool) {
        self.shared.warmth.order(|orders| orders.paused = pause);
    }

    /// Puts another library of facts in use: events that come in from now on are looked up in it. Until then nothing is
    /// known but what senders say.
    pub fn set_facts(&self, facts: Arc<dyn Facts>) {
        *self.facts.write().unwrap_or_else(PoisonError::into_inner) = facts;
    }

    fn facts(&self) -> Arc<dyn Facts> {
        self.facts.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Types one JSON event against the policy in force.
    ///
    /// # Errors
    /// Every fault of the event.
    pub fn intake(&self, json: &[u8], received: Micros) -> Result<Event, Faults> {
        self.reader().intake(json, received)
    }

    /// As [`Engine::intake`], from a draft that a log reader made.
    ///
    /// # Errors
    /// Every fault of the event.
    pub fn intake_draft(&self, draft: Draft<'_>, received: Micros) -> Result<Event, Faults> {
        self.reader().intake_draft(draft, received)
    }

    /// Types events against the policy and the facts of this moment: for many that come together.
    pub fn reader(&self) -> Intake {
        Intake { force: self.shared.in_force(), facts: self.facts() }
    }

    /// Hands over events and waits until they are durable. Each has its outcome, in order. More than
    /// [`limits::WORK_EVENTS`] take several places in the queue, and other work may come between them.
    ///
    /// # Errors
    /// [`SubmitError::Busy`] when too much waits already: nothing was taken. [`SubmitError::Closed`] when the engine
    /// stops.
    pub async fn submit(&self, events: Vec<Event>, work: Work) -> Result<Vec<Outcome>, SubmitError> {
        self.submit_for(Client::LOCAL, events, work).await
    }

    /// As [`Engine::submit`], for a client, which shares the queue fairly with others.
    ///
    /// # Errors
    /// As [`Engine::submit`].
    pub async fn submit_for(
        &self,
        client: Client,
        events: Vec<Event>,
        work: Work,
    ) -> Result<Vec<Outcome>, SubmitError> {
        self.submit_probed(client, events, work, None).await
    }

    /// As [`Engine::submit_for`], with what notes when the work came to each stage; of much work, when its first piece did.
    ///
    /// # Errors
    /// As [`Engine::submit`].
    pub async fn submit_probed(
        &self,
        client: Client,
        events: Vec<Event>,
        work: Work,
        probe: Option<Arc<Probe>>,
    ) -> Result<Vec<Outcome>, SubmitError> {
        let (pieces, outcomes) = pieces(events, work, probe);
        self.queue.push(client, pieces).map_err(|e| self.shared.refused(e))?;
        gather(outcomes, &self.shared).await
    }

    /// As [`Engine::submit`], but waits for its turn where others must come back: for streams, whose sender is slowed
    /// by it.
    ///
    /// # Errors
    /// [`SubmitError::Closed`] when the engine stops.
    pub async fn submit_waiting(&self, events: Vec<Event>, work: Work) -> Result<Vec<Outcome>, SubmitError> {
        self.enqueue(events, work).await?.await
    }

    /// The first half of [`Engine::submit_waiting`]: waits for a place in the queue and gives what waits for the
    /// outcomes. Who has several pieces under way and wants them done in order takes the places one after the other.
    ///
    /// # Errors
    /// [`SubmitError::Closed`] when the engine stops, from either half. [`SubmitError::Busy`] for more events than the
    /// whole queue has room for, or when too many wait for a place; nothing was taken.
    pub async fn enqueue(
        &self,
        events: Vec<Event>,
        work: Work,
    ) -> Result<impl Future<Output = Result<Vec<Outcome>, SubmitError>> + Send + use<>, SubmitError> {
        self.enqueue_for(Client::LOCAL, events, work).await
    }

    /// As [`Engine::enqueue`], for a client, which shares the queue fairly with others.
    ///
    /// # Errors
    /// As [`Engine::enqueue`].
    pub async fn enqueue_for(
        &self,
        client: Client,
        events: Vec<Event>,
        work: Work,
    ) -> Result<impl Future<Output = Result<Vec<Outcome>, SubmitError>> + Send + use<>, SubmitError> {
        let (pieces, outcomes) = pieces(events, work, None);
        self.queue.push_waiting(client, pieces).await.map_err(|e| self.shared.refused(e))?;
        let shared = self.shared.clone();
        Ok(async move { gather(outcomes, &shared).await })
    }

    /// Asks the sequencer for something that goes before all events.
    fn ask(&self, task: Task) -> Result<(), SubmitError> {
        self.queue.control(task).map_err(|e| self.shared.refused(e))
    }

    /// Makes the batch under way durable and has the sequencer rest until what this gives is dropped: nothing is written
    /// meanwhile, and what comes in waits. So does [`Engine::close`].
    ///
    /// # Errors
    /// [`SubmitError::Closed`] when the engine stops.
    pub async fn pause(&self) -> Result<Paused, SubmitError> {
        let (reply, paused) = oneshot::channel();
        let (resume, until) = std::sync::mpsc::sync_channel(1);
        self.ask(Task::Pause { until, reply })?;
        paused.await.map_err(|_| self.shared.gone())?;
        Ok(Paused { _resume: resume })
    }

    /// Compiles a policy and puts it in force, whole or not at all. Gives its warnings.
    ///
    /// # Errors
    /// [`SwapError`]; the policy before stays in force.
    pub async fn swap(
        &self,
        bundle: Bundle,
        origin: Origin,
        now: Micros,
    ) -> Result<Vec<Diagnostic>, SwapError> {
        let before = self.active().program.schema.clone();
        let (active, warnings) = Active::compile(bundle, origin, &self.keyer, Some(&before))?;
        let (reply, done) = oneshot::channel();
        let task = Task::Swap { active: Arc::new(active), now, reply };
        self.ask(task)?;
        done.await.map_err(|_| self.shared.gone())??;
        Ok(warnings)
    }

    /// The number of the record with this event id, within the window in which ids are remembered.
    ///
    /// # Errors
    /// [`SubmitError::Closed`] when the engine stops.
    pub async fn find(&self, id: EventId) -> Result<Option<u64>, SubmitError> {
        let (reply, found) = oneshot::channel();
        self.ask(Task::Find { id, reply })?;
        found.await.map_err(|_| self.shared.gone())
    }

    /// The decision with this number; `None` where there is none, or another kind of record.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn decision(&self, seq: u64) -> Result<Option<Stored>, EngineError> {
        self.shared.decision(seq)
    }

    /// Effects that go out.
    pub fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    /// The engine's own figures.
    pub fn status(&self) -> Status {
        let stats = &self.shared.stats;
        let get = |n: &AtomicU64| n.load(Relaxed);
        let backlog = self.queue.backlog();
        Status {
            events: get(&stats.events),
            repeated: get(&stats.repeated),
            batches: get(&stats.batches),
            full: get(&stats.full),
            faults: get(&stats.faults),
            seq: get(&stats.seq),
            journal: self.shared.lookup.counters(),
            state_bytes: get(&stats.state_bytes),
            state_keys: get(&stats.state_keys),
            state_pairs: get(&stats.state_pairs),
            ids: get(&stats.ids),
            ids_bytes: get(&stats.ids_bytes),
            ids_files: get(&stats.ids_files),
            memory_bytes: self.shared.memory_bytes,
            forgets: get(&stats.forgets),
            forgotten: get(&stats.forgotten),
            snapshots: self.shared.snapshots.status(),
            verdicts: Verdict::ALL.map(|v| (v, get(&stats.verdicts[v as usize]))),
            warming: self.shared.in_force().warming.len(),
            backfilled: self.shared.warmth.counted(),
            waiting: backlog.pieces,
            backlog,
            failed: self.shared.failed.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Makes a snapshot and waits until it is durable; one that is under way already is that.
    ///
    /// # Errors
    /// When it cannot be written, which hurts nothing else; or the engine stops.
    pub async fn snapshot(&self) -> Result<Snapshot, SnapshotError> {
        let (reply, done) = oneshot::channel();
        self.ask(Task::Snapshot { reply })?;
        done.await.map_err(|_| self.shared.gone())?.map_err(SnapshotError::Failed)
    }

    /// How long events took, since this was opened.
    pub fn latencies(&self) -> Latencies {
        self.shared.clocks.read()
    }

    /// Finishes the work that waits, makes it durable and stops.
    pub async fn close(&self) {
        let (reply, done) = oneshot::channel();
        if self.queue.close(Some(Task::Stop { reply })).is_ok() {
            let _ = done.await;
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // It has answered; what is left is dropping its state.
            let _ = thread.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // An error says that it is closed already.
        let _ = self.queue.close(None);
    }
}

/// A policy and a library of facts to type events with.
pub struct Intake {
    force: Arc<InForce>,
    facts: Arc<dyn Facts>,
}

impl Intake {
    /// Types one JSON event.
    ///
    /// # Errors
    /// Every fault of the event.
    pub fn intake(&self, json: &[u8], received: Micros) -> Result<Event, Faults> {
        self.intake_draft(Draft::from_json(json)?, received)
    }

    /// As [`Intake::intake`], from a draft that a log reader made.
    ///
    /// # Errors
    /// Every fault of the event.
    pub fn intake_draft(&self, draft: Draft<'_>, received: Micros) -> Result<Event, Faults> {
        let mut event = read(draft, &self.force.active.program.schema, received, || new_id(received))?;
        event.enrich(&*self.facts);
        let bytes = event_bytes(&event);
        if bytes > limits::EVENT_BYTES {
            let message =
                format!("the event takes {bytes} bytes in the journal; the most is {}", limits::EVENT_BYTES);
            return Err(Faults::one("", "too_large", message));
        }
        Ok(event)
    }
}

/// While it lives, the sequencer rests.
#[derive(Debug)]
pub struct Paused {
    _resume: std::sync::mpsc::SyncSender<()>,
}

type Outcomes = oneshot::Receiver<Vec<Outcome>>;

/// Events as pieces of work of bounded size, in order, and where their outcomes will come. No events are a piece too.
fn pieces(
    events: Vec<Event>,
    work: Work,
    mut probe: Option<Arc<Probe>>,
) -> (Pieces<Task>, SmallVec<[Outcomes; 1]>) {
    let judge = work == Work::Decide;
    let mut piece = |events: Vec<Event>| {
        let load = Load { pieces: 1, events: events.len(), bytes: events.iter().map(held_bytes).sum() };
        let (reply, outcomes) = oneshot::channel();
        ((load, Task::Events { events, judge, reply, probe: probe.take() }), outcomes)
    };
    if events.len() <= limits::WORK_EVENTS {
        let (piece, outcomes) = piece(events);
        return (smallvec![piece], smallvec![outcomes]);
    }
    let mut rest = events.into_iter();
    let mut next = || (rest.len() > 0).then(|| piece(rest.by_ref().take(limits::WORK_EVENTS).collect()));
    std::iter::from_fn(&mut next).unzip()
}

/// How many bytes of memory an event holds while it waits, about.
fn held_bytes(event: &Event) -> usize {
    size_of::<Event>() + size_of_val(&*event.values) + event_bytes(event)
}

/// The outcomes of all pieces, in order, once there are all of them.
async fn gather(mut pieces: SmallVec<[Outcomes; 1]>, shared: &Shared) -> Result<Vec<Outcome>, SubmitError> {
    if let [piece] = &mut *pieces {
        return piece.await.map_err(|_| shared.gone());
    }
    let mut all = Vec::new();
    for piece in pieces {
        all.append(&mut piece.await.map_err(|_| shared.gone())?);
    }
    Ok(all)
}

/// What turns the sequencer.
#[derive(Clone, Copy)]
enum Crank {
    /// A thread of its own.
    Thread,
    /// Whoever opened it.
    Hand {
        /// What is drawn instead of the system's randomness.
        seed: u64,
    },
}

/// An engine whose sequencer does not run yet.
struct Prepared {
    engine: Engine,
    sequencer: Sequencer,
    taker: Taker<Task>,
    opened: Opened,
}

fn prepare(
    disk: Arc<dyn Disk>,
    config: &Config,
    offered: Option<Bundle>,
    now: Micros,
    crank: Crank,
) -> Result<Prepared, EngineError> {
    let dir = config.data.join("journal");
    let mut options = Options {
        segment_bytes: config.segment_bytes,
        now_micros: now.0,
        keys: config.keys.clone(),
        ..Options::default()
    };
    match crank {
        Crank::Thread => options.stopwatch = Some(stopwatch),
        Crank::Hand { seed } => options.salt = seed,
    }
    // It makes its directory, and all above it, so that they survive a power cut: nothing here may do it before.
    let (writer, recovery) = Journal::open_on(disk.clone(), &dir, options)?;
    let secret = secret::find_or_make(&*disk, &config.data, crank.draw())?;
    let keyer = Keyer::new(secret);
    let (lookup, snapshots) = (writer.lookup(), snapshot::directory(&config.data));
    let ids = config.data.join("ids");
    let by_hand = matches!(crank, Crank::Hand { .. });
    let found = Found {
        disk: &disk,
        stand: Stand { disk: &*disk, dir: &snapshots, keys: &config.keys },
        ids: &ids,
        lookup: &lookup,
        secret,
        rebuild: config.rebuild,
        by_hand,
    };
    let last = recover::last_policy(&found)?;
    let Start { active, mut warnings, mut adopted, left: unused } = start(last.as_ref(), offered, &keyer)?;
    let active = Arc::new(active);
    let left = Left::read(&lookup, last.and_then(|last| last.outbox), secret)?;
    let mut skipped = Vec::new();
    let mut folded = recover::state(&found, active.clone(), &mut skipped)?;
    let unrecorded = folded.complete(&lookup)?;
    let (events, uncounted) = (folded.past.events, folded.past.uncounted);
    let (snapshot, records) = (folded.from, folded.records);
    // Which policy was last taken from the directory is known for sure only now.
    let changed = unused.filter(|b| folded.past.directory.as_deref() != Some(&*b.version().0));

    let (queue, taker) = Queue::new(Bounds::default());
    let shared = Arc::new(Shared::new(&found, &folded, config.memory_bytes));
    let filler = match crank {
        Crank::Thread => Filler::new(shared.clone(), secret, Arc::downgrade(&queue)),
        Crank::Hand { .. } => Filler::by_hand(shared.clone(), secret, Arc::downgrade(&queue)),
    };
    // What a journal holds may have effects that nobody looked at yet.
    shared.stats.outward.store(shared.lookup.committed_seq(), Relaxed);
    let setup = Setup {
        disk: disk.clone(),
        dir: snapshots.clone(),
        keys: config.keys.clone(),
        lookup: lookup.clone(),
        secret,
        every: config.snapshot_every,
        retention: config.retention,
        by_hand,
        segment_bytes: config.segment_bytes,
    };
    let from = folded.from.map(|seq| (seq, folded.arrived));
    let snapshots = Snapshots::new(setup, shared.snapshots.clone(), from, folded.bytes);
    let warming = folded.past.warming;
    let mut sequencer =
        sequencer(filler, folded, writer, config, shared.clone(), (snapshots, left.prologue()));
    let outbox = Arc::new(Outbox::new(shared.clone(), Arc::downgrade(&queue), left));
    sequencer.unrecorded = unrecorded;
    // First, for a swap may begin a segment, and that begins with the policy before it.
    sequencer.rejoin(warming)?;
    if adopted {
        sequencer.swap(active.clone(), now)?;
    }
    if let Some(bundle) = changed {
        let schema = &active.program.schema;
        let (active, said) = Active::compile(bundle, Origin::Directory, &keyer, Some(schema))?;
        sequencer.swap(Arc::new(active), now)?;
        (adopted, warnings) = (true, said);
    }
    let facts: Arc<dyn Facts> = Arc::new(NoFacts);
    let engine = Engine { queue, shared, outbox, keyer, facts: RwLock::new(facts), thread: Mutex::default() };
    let opened =
        Opened { recovery, events, snapshot, folded: records, skipped, uncounted, adopted, warnings };
    Ok(Prepared { engine, sequencer, taker, opened })
}

impl Crank {
    /// Where the bytes of a new secret come from.
    fn draw(self) -> impl FnOnce(&mut [u8; 16]) -> Result<(), getrandom::Error> {
        move |bytes| match self {
            Crank::Thread => getrandom::fill(bytes),
            Crank::Hand { seed } => {
                *bytes = (u128::from(seed) << 64 | u128::from(!seed)).to_le_bytes();
                Ok(())
            }
        }
    }
}

/// The policy an engine begins with.
struct Start {
    active: Active,
    warnings: Vec<Diagnostic>,
    /// It is not the one that the journal has in force.
    adopted: bool,
    /// What was offered and not taken.
    left: Option<Bundle>,
}

/// Picks the policy to fold the journal under: the one offered where it is sure to be taken, and otherwise the one that
/// the journal has in force. So a policy changed while the engine was down has its whole past at once.
fn start(last: Option<&Last>, offered: Option<Bundle>, keyer: &Keyer) -> Result<Start, EngineError> {
    let adopt = |bundle| -> Result<Start, EngineError> {
        let (active, warnings) = Active::compile(bundle, Origin::Directory, keyer, None)?;
        Ok(Start { active, warnings, adopted: true, left: None })
    };
    let Some(last) = last else {
        return adopt(offered.ok_or(EngineError::NoPolicy)?);
    };
    let (origin, version) = (last.dictionary.origin, &last.dictionary.version);
    match (offered, origin) {
        (Some(bundle), Origin::Directory) if *bundle.version().0 != **version => adopt(bundle),
        (offered, _) => match (last.compile(keyer), offered) {
            (Ok(active), left) => Ok(Start { active, warnings: Vec::new(), adopted: false, left }),
            (Err(_), Some(bundle)) => adopt(bundle),
            (Err(why), None) => Err(EngineError::OldPolicy { version: version.to_string(), why }),
        },
    }
}

fn sequencer(
    filler: Filler,
    folded: Folded,
    writer: wardroom_journal::Writer,
    config: &Config,
    shared: Arc<Shared>,
    (snapshots, checkpoint): (Snapshots, Vec<u8>),
) -> Sequencer {
    Sequencer {
        filler,
        flow: folded.flow,
        seen: folded.seen,
        writer,
        dictionary: folded.dictionary,
        durability: config.durability,
        shared,
        waiting: Vec::new(),
        noted: Vec::new(),
        checkpoint,
        batch: 0,
        failed: None,
        record: Vec::new(),
        unrecorded: Vec::new(),
        owed: None,
        measure_at: 0,
        measured: false,
        memory: usize::try_from(config.memory_bytes).unwrap_or(usize::MAX),
        snapshots,
        past: folded.past,
        arrived: folded.arrived,
    }
}

/// Asks for a sync now and then, until the engine is gone.
fn tick(queue: Weak<Queue<Task>>, shared: Arc<Shared>, every: Duration) -> std::io::Result<()> {
    let every = every.max(Duration::from_millis(1));
    let tick = move || {
        loop {
            std::thread::sleep(every);
            let Some(queue) = queue.upgrade() else {
                return;
            };
            // One that was asked for and has not begun will do for this one too.
            if shared.sync_asked.swap(true, Relaxed) {
                continue;
            }
            match queue.control(Task::Sync) {
                Ok(()) => {}
                Err(Refused::Closed) => return,
                Err(Refused::Busy(..)) => shared.sync_asked.store(false, Relaxed),
            }
        }
    };
    std::thread::Builder::new().name("syncer".to_owned()).spawn(tick).map(drop)
}

/// Time since the first look at it.
fn stopwatch() -> Duration {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    BEGAN.get_or_init(Instant::now).elapsed()
}

/// An id for an event that brought none: 128 random bits.
fn new_id(received: Micros) -> Box<str> {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let mut bytes = [0u8; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // Without randomness the id must still not meet another: it is then as unique as its time and place in line.
        tracing::warn!("the system gives no random bytes");
        return format!("{:016x}-{:x}", received.0, MADE.fetch_add(1, Relaxed)).into();
    }
    bytes.iter().map(|b| format!("{b:02x}")).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardroom_policy::compile;

    #[test]
    fn work_is_handed_over_in_pieces_of_bounded_size() {
        let program = compile(&Bundle::single("a.ward", "event hit:\n    ip: ip\n")).program.unwrap();
        let event = |n: usize| {
            let json = format!(r#"{{"type":"hit","id":"{n}","time":"1970-01-01T00:00:00Z","ip":"::1"}}"#);
            let draft = Draft::from_json(json.as_bytes()).unwrap();
            read(draft, &program.schema, Micros(0), || new_id(Micros(0))).unwrap()
        };
        let check = |count: usize, expect: &[usize]| {
            let (tasks, outcomes) = pieces((0..count).map(event).collect(), Work::Decide, None);
            assert_eq!(outcomes.len(), expect.len());
            let mut sizes = Vec::new();
            let mut ids = Vec::new();
            for (load, task) in tasks {
                let Task::Events { events, judge: true, .. } = task else { panic!("another task") };
                assert_eq!((load.pieces, load.events), (1, events.len()));
                assert!(load.bytes >= events.len() * size_of::<Event>());
                sizes.push(events.len());
                ids.extend(events.into_iter().map(|e| e.id.id.to_string()));
            }
            assert_eq!(sizes, expect);
            assert!(ids.into_iter().eq((0..count).map(|n| n.to_string())), "in order");
        };
        let most = limits::WORK_EVENTS;
        check(0, &[0]);
        check(1, &[1]);
        check(most, &[most]);
        check(most + 1, &[most, 1]);
        check(2 * most + 3, &[most, most, 3]);
    }
}
