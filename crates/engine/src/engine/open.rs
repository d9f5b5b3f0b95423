// SPDX-License-Identifier: Apache-2.0
//! Opening: the journal is folded, the policy to begin with is picked, and the sequencer is set going.

use super::{Config, Durability, Engine, Shared};
use crate::active::{Active, Origin};
use crate::backfill::Filler;
use crate::erase;
use crate::error::{EngineError, SwapError};
use crate::hash_keys;
use crate::outbox::{Left, Outbox};
use crate::queue::{Bounds, Queue, Refused, Taker};
use crate::recover::{self, Found, Last};
use crate::restored;
use crate::secret;
use crate::sequencer::{Sequencer, Task};
use crate::snapshot::{self, Setup, Skipped, Snapshots, Stand};
use crate::step::Stepper;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};
use wardroom_event::{Facts, Micros, NoFacts};
use wardroom_journal::{Disk, FsDisk, Journal, Options};
use wardroom_policy::Bundle;
use wardroom_report::Diagnostic;
use wardroom_state::Keyer;

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
    let hash_keys = match crank {
        Crank::Thread => hash_keys::find_or_make(&*disk, &config.data, &mut |bytes| getrandom::fill(bytes))?,
        // What is random comes of the seed, and needs no file to be the same again.
        Crank::Hand { seed } => hash_keys::of_seed(seed),
    };
    let keyer = Keyer::new(secret).with_erased(erase::load(&*disk, &config.data)?).with_hash_keys(hash_keys);
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
    folded.flow.set_memory(config.memory());
    let unrecorded = folded.complete(&lookup)?;
    let (events, uncounted) = (folded.past.events, folded.past.uncounted);
    let (snapshot, records) = (folded.from, folded.records);
    // Which policy was last taken from the directory is known for sure only now.
    let changed = unused.filter(|b| folded.past.directory.as_deref() != Some(&*b.version().0));

    let (queue, taker) = Queue::new(Bounds::default());
    let shared = Arc::new(Shared::new(&found, &folded, config));
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
    let mut sequencer = Sequencer::new(
        filler,
        folded,
        writer,
        config,
        shared.clone(),
        (snapshots, left.prologue()),
        unrecorded,
    );
    let outbox = Arc::new(Outbox::new(shared.clone(), Arc::downgrade(&queue), left));
    // First, for a swap may begin a segment, and that begins with the policy before it.
    sequencer.rejoin(warming)?;
    if let Some(mark) = restored::mark(&*disk, &config.data)? {
        if let Some(stands) = outbox.restored(mark) {
            // Before any number after the backup is given again.
            outbox.stands(sequencer.note_first(stands).map_err(SwapError::from)?);
        }
        restored::unmark(&*disk, &config.data);
    }
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
    let engine = Engine {
        queue,
        shared,
        outbox,
        keyer,
        facts: RwLock::new(facts),
        disk,
        data: config.data.clone(),
        secret,
        config_keys: config.keys.clone(),
        thread: Mutex::default(),
    };
    let opened =
        Opened { recovery, events, snapshot, folded: records, skipped, uncounted, adopted, warnings };
    Ok(Prepared { engine, sequencer, taker, opened })
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
