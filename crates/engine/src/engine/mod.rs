// SPDX-License-Identifier: Apache-2.0
//! The engine's handle: what surfaces call.
//!
//! An engine is opened ([`open`]) as it was configured ([`config`]). From then on events are typed ([`intake`]), handed to
//! the sequencer and waited for ([`submit`]), and so are acts ([`act`]). What the handle and the sequencer both look at is in [`shared`], and the
//! figures among it in [`status`].

mod act;
mod config;
mod intake;
mod open;
mod shared;
mod status;
mod submit;

pub use act::{Acted, fits};
pub use config::{Config, Durability};
pub use intake::Intake;
pub use open::Opened;
pub(crate) use shared::{InForce, Shared};
pub use status::Status;
pub use submit::Work;

use self::shared::NEVER;
use crate::active::{Active, Origin};
use crate::decision::Stored;
use crate::error::{EngineError, SnapshotError, SubmitError, SwapError};
use crate::latency::Latencies;
use crate::outbox::Outbox;
use crate::queue::{Client, Queue};
use crate::sequencer::Task;
use crate::snapshot::Snapshot;
use crate::warmth::Warming;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use tokio::sync::oneshot;
use wardroom_event::{Draft, Event, EventId, Facts, Faults, Micros};
use wardroom_journal::{Disk, Keyring};
use wardroom_policy::Bundle;
use wardroom_report::Diagnostic;
use wardroom_state::{Keyer, Secret};

/// An engine. Dropping it without [`Engine::close`] stops it after the work that waits.
pub struct Engine {
    queue: Arc<Queue<Task>>,
    pub(crate) shared: Arc<Shared>,
    outbox: Arc<Outbox>,
    pub(crate) keyer: Keyer,
    facts: RwLock<Arc<dyn Facts>>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) data: PathBuf,
    pub(crate) secret: Secret,
    pub(crate) config_keys: Keyring,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
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

    /// Asks the sequencer for something that goes before all events.
    pub(crate) fn ask(&self, task: Task) -> Result<(), SubmitError> {
        self.queue.control(task).map_err(|e| self.shared.refused(e))
    }

    /// Why the sequencer no longer answers.
    pub(crate) fn gone(&self) -> SubmitError {
        self.shared.gone()
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
    /// [`SubmitError::Closed`] when the engine stops, [`SubmitError::Busy`] when too much is asked.
    pub async fn find(&self, id: EventId) -> Result<Option<u64>, SubmitError> {
        self.find_for(Client::LOCAL, id).await
    }

    /// As [`Engine::find`], for a client: it takes turns with others that ask, and with events.
    ///
    /// # Errors
    /// As [`Engine::find`].
    pub async fn find_for(&self, client: Client, id: EventId) -> Result<Option<u64>, SubmitError> {
        let (reply, found) = oneshot::channel();
        self.queue.question(client, Task::Find { id, reply }).map_err(|e| self.shared.refused(e))?;
        found.await.map_err(|_| self.shared.gone())
    }

    /// The decision with this number; `None` where there is none, or another kind of record.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn decision(&self, seq: u64) -> Result<Option<Stored>, EngineError> {
        self.shared.decision(seq)
    }

    /// The number of the newest record that is written: for who reads on in the journal.
    pub fn committed(&self) -> u64 {
        self.shared.lookup.committed_seq()
    }

    /// Effects that go out.
    pub fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
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

/// While it lives, the sequencer rests.
#[derive(Debug)]
pub struct Paused {
    _resume: std::sync::mpsc::SyncSender<()>,
}
