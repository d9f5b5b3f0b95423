// SPDX-License-Identifier: Apache-2.0
//! Jobs under way: their items done in order, a few at a time, between the events of others.
//!
//! All that is known here is read from the engine, so it may end at any moment and begin anew: the engine says which item is
//! next, and takes none twice.

use super::block::block_on;
use super::limits;
use super::since::{Since, of_job};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use wardroom_engine::acts::{Act, ActError, Deed, Done, Job, JobItem, JobStep, Phase, Step};
use wardroom_engine::{Engine, SubmitError};
use wardroom_event::Micros;

/// What a walk keeps of the job it is at.
#[derive(Debug, Default)]
pub struct Walk {
    /// Its items, while they are done.
    items: Option<(u64, Vec<Deed>)>,
    /// What is known of its acts, while they are undone.
    since: Option<(u64, Since)>,
}

/// How far a walk got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advanced {
    /// No job is under way.
    Idle,
    /// Some items of this job were done.
    Items(u64),
    /// This job is over.
    Over(u64),
}

impl Walk {
    /// Does some items of the first job that is under way, or says that all of them are done.
    ///
    /// # Errors
    /// When the engine does not take it: try again later.
    pub async fn advance(&mut self, engine: &Engine, now: Micros) -> Result<Advanced, ActError> {
        let Some(job) = engine.jobs().into_iter().find(|job| job.phase.is_under_way()) else {
            *self = Walk::default();
            return Ok(Advanced::Idle);
        };
        let (acts, over) = match job.phase {
            Phase::Undoing => (self.undoing(engine, &job)?, Step::Undone),
            _ => (self.doing(engine, &job)?, Step::Finish),
        };
        if acts.is_empty() {
            let step = JobStep { job: job.id, step: over, at: now, by: "".into() };
            return match engine.step_job(step).await {
                // Somebody else took a step first: the next look shows it.
                Ok(()) | Err(ActError::State { .. }) => Ok(Advanced::Over(job.id)),
                Err(why) => Err(why),
            };
        }
        for done in engine.act(acts, now).await? {
            if let Done::Refused(ActError::Submit(why)) = done {
                return Err(why.into());
            }
        }
        Ok(Advanced::Items(job.id))
    }

    fn doing(&mut self, engine: &Engine, job: &Job) -> Result<Vec<Act>, ActError> {
        if self.items.as_ref().is_none_or(|(of, _)| *of != job.id) {
            let items = engine.job_items(job).map_err(|e| ActError::Journal(e.to_string()))?;
            self.items = Some((job.id, items));
        }
        let items = self.items.as_ref().map_or(&[][..], |(_, items)| items);
        let from = (job.next as usize).min(items.len());
        let to = (from + limits::BATCH).min(items.len());
        let act = |at: usize| act_of(job, at as u32, items[at].clone());
        Ok((from..to).map(act).collect())
    }

    fn undoing(&mut self, engine: &Engine, job: &Job) -> Result<Vec<Act>, ActError> {
        if self.since.as_ref().is_none_or(|(of, _)| *of != job.id) {
            let since = of_job(engine, job).map_err(|e| ActError::Journal(e.to_string()))?;
            self.since = Some((job.id, since));
        }
        let Some((_, since)) = &self.since else { return Ok(Vec::new()) };
        let act = |item: u32| {
            let act = since.act_of(item);
            act_of(job, item, Deed::Undo { act, since: since.of(act) })
        };
        Ok((0..job.left).rev().take(limits::BATCH).map(act).collect())
    }
}

fn act_of(job: &Job, item: u32, deed: Deed) -> Act {
    let source = job.head.source.clone();
    let by = job.by.clone();
    Act { deed, source, by, item: Some(JobItem { job: job.id, item }) }
}

/// A thread that goes on with whatever job is under way, until it is dropped.
pub struct Runner {
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Bell {
    state: Mutex<Rung>,
    rung: Condvar,
}

#[derive(Default)]
struct Rung {
    work: bool,
    end: bool,
}

impl Bell {
    /// Waits for so long, or until it rings; whether it is to end.
    fn wait(&self, most: Duration) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = |state: &mut Rung| !state.work && !state.end;
        let waited = self.rung.wait_timeout_while(state, most, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.work = false;
        state.end
    }

    fn ring(&self, end: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.work = true;
        state.end |= end;
        self.rung.notify_all();
    }
}

impl Runner {
    /// Begins to go on with what is under way.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(
        engine: Arc<Engine>,
        clock: impl Fn() -> Micros + Send + 'static,
    ) -> std::io::Result<Runner> {
        let bell = Arc::new(Bell::default());
        let heard = bell.clone();
        let work = move || {
            let mut walk = Walk::default();
            let mut rest = Duration::ZERO;
            while !heard.wait(rest) {
                rest = turn(&mut walk, &engine, clock());
                if rest == Duration::MAX {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("jobs".to_owned()).spawn(work)?;
        Ok(Runner { bell, thread: Some(thread) })
    }

    /// Says that a job may be under way.
    pub fn wake(&self) {
        self.bell.ring(false);
    }
}

/// One turn, and how long to rest after it: for ever, once the engine is gone.
fn turn(walk: &mut Walk, engine: &Engine, now: Micros) -> Duration {
    #[allow(clippy::disallowed_methods, reason = "how long a turn took, and nothing on record")]
    let began = Instant::now();
    match block_on(walk.advance(engine, now)) {
        Ok(Advanced::Idle) => limits::IDLE,
        Ok(Advanced::Over(job)) => {
            tracing::info!(job, "a job is over");
            Duration::ZERO
        }
        Ok(Advanced::Items(_)) => (began.elapsed() * (limits::SHARE - 1)).min(limits::REST),
        Err(ActError::Submit(SubmitError::Closed | SubmitError::Failed(_))) => Duration::MAX,
        Err(error) => {
            tracing::error!(%error, "a job does not go on; it is tried again");
            *walk = Walk::default();
            limits::RETRY
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.bell.ring(true);
        if let Some(thread) = self.thread.take() {
            // It ends after the batch it is at.
            let _ = thread.join();
        }
    }
}
