// SPDX-License-Identifier: Apache-2.0
//! Backtests in a server: a few at once, some that wait, all with an id, a progress and an end.

use super::keep::{Kept, Shelf, Status};
use super::{Ask, BacktestError, Files, Progress, Report, Setting, limits};
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wardroom_event::Micros;

/// Where backtests are asked for. Cheap to clone.
#[derive(Clone)]
pub struct Desk(Arc<Inner>);

struct Inner {
    files: Files,
    setting: Setting,
    at_once: usize,
    shelf: Shelf,
    jobs: Mutex<Jobs>,
}

#[derive(Default)]
struct Jobs {
    all: BTreeMap<String, Job>,
    waiting: VecDeque<String>,
    running: usize,
}

struct Job {
    ask: Ask,
    asked: Micros,
    progress: Arc<Progress>,
    end: Option<Result<Report, Arc<BacktestError>>>,
    begun: bool,
}

/// Why a backtest is not begun.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// It cannot be done.
    #[error(transparent)]
    Backtest(#[from] BacktestError),
    /// Too many wait already.
    #[error("{} backtests wait already", limits::WAITING)]
    Busy,
}

/// What there is of one.
#[derive(Clone, Debug)]
pub struct Found {
    /// How it is.
    pub status: Status,
    /// What it found, once it is done.
    pub report: Option<Report>,
    /// Why it failed, where it did.
    pub error: Option<Arc<BacktestError>>,
}

impl Desk {
    /// A desk over a data directory, at which so many are done at once.
    pub fn new(files: Files, setting: Setting, at_once: usize) -> Desk {
        let shelf = Shelf::of(&files.data);
        Desk(Arc::new(Inner { files, setting, at_once: at_once.max(1), shelf, jobs: Mutex::default() }))
    }

    /// Begins one, or finds the same one over the same past; gives its id.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn begin(&self, ask: Ask, now: Micros) -> Result<String, DeskError> {
        let id = self.0.files.id(&ask)?;
        let mut jobs = self.jobs();
        let is_known = |job: &Job| !matches!(&job.end, Some(Err(_)));
        if jobs.all.get(&id).is_some_and(is_known) || self.0.shelf.get(&id).is_some() {
            return Ok(id);
        }
        if jobs.waiting.len() >= limits::WAITING {
            return Err(DeskError::Busy);
        }
        jobs.forget_done();
        let progress = Arc::new(Progress::default());
        jobs.all.insert(id.clone(), Job { ask, asked: now, progress, end: None, begun: false });
        jobs.waiting.push_back(id.clone());
        drop(jobs);
        self.next();
        Ok(id)
    }

    /// One, by its id.
    pub fn get(&self, id: &str) -> Option<Found> {
        let jobs = self.jobs();
        if let Some(job) = jobs.all.get(id) {
            let (report, error) = match &job.end {
                Some(Ok(report)) => (Some(report.clone()), None),
                Some(Err(error)) => (None, Some(error.clone())),
                None => (None, None),
            };
            return Some(Found { status: job.status(id), report, error });
        }
        drop(jobs);
        let kept = self.0.shelf.get(id)?;
        Some(Found { status: Status::of_kept(&kept), report: Some(kept.report), error: None })
    }

    /// All there are, the newest first.
    pub fn list(&self) -> Vec<Status> {
        let mut all: Vec<Status> = {
            let jobs = self.jobs();
            jobs.all.iter().map(|(id, job)| job.status(id)).collect()
        };
        let kept = self.0.shelf.list();
        let more = kept.iter().map(Status::of_kept);
        all.extend(more.filter(|kept| !self.jobs().all.contains_key(&kept.id)));
        all.sort_by(|a, b| b.asked.cmp(&a.asked).then_with(|| a.id.cmp(&b.id)));
        all
    }

    /// Stops one that is under way, and removes what there is of it. Whether there was any.
    ///
    /// # Errors
    /// When its file cannot be removed.
    pub fn remove(&self, id: &str) -> std::io::Result<bool> {
        let mut jobs = self.jobs();
        jobs.waiting.retain(|waiting| waiting != id);
        let job = jobs.all.remove(id);
        drop(jobs);
        if let Some(job) = &job {
            job.progress.stop();
        }
        Ok(self.0.shelf.remove(id)? || job.is_some())
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins what waits, as far as there is room.
    fn next(&self) {
        loop {
            let mut jobs = self.jobs();
            if jobs.running >= self.0.at_once {
                return;
            }
            let Some(id) = jobs.waiting.pop_front() else { return };
            let Some(job) = jobs.all.get_mut(&id) else { continue };
            job.begun = true;
            let (ask, asked, progress) = (job.ask.clone(), job.asked, job.progress.clone());
            jobs.running += 1;
            drop(jobs);
            let desk = self.clone();
            let work = move || desk.work(&id, &ask, asked, &progress);
            if std::thread::Builder::new().name("backtest".to_owned()).spawn(work).is_err() {
                self.jobs().running -= 1;
                return;
            }
        }
    }

    fn work(&self, id: &str, ask: &Ask, asked: Micros, progress: &Progress) {
        let Inner { files, setting, shelf, .. } = &*self.0;
        let run = || files.run(ask, setting, asked, progress);
        let done = catch_unwind(AssertUnwindSafe(run))
            .unwrap_or_else(|_| Err(BacktestError::Rows("a fault of our own".to_owned())));
        let mut end = Some(done.map_err(Arc::new));
        if let (Some(Ok(report)), false) = (&end, ask.reveal) {
            let kept = Kept { id: id.to_owned(), asked: asked.to_string(), report: report.clone() };
            if shelf.keep(&kept, asked).is_ok() {
                // It is on the shelf: no need to hold it too.
                end = None;
            }
        }
        let mut jobs = self.jobs();
        jobs.running -= 1;
        match end {
            None => drop(jobs.all.remove(id)),
            Some(end) => {
                if let Some(job) = jobs.all.get_mut(id) {
                    job.end = Some(end);
                }
            }
        }
        drop(jobs);
        self.next();
    }
}

impl Jobs {
    /// Of those that are done and not kept, only the newest stay.
    fn forget_done(&mut self) {
        let mut done: Vec<(Micros, String)> = self
            .all
            .iter()
            .filter(|(_, job)| job.end.is_some())
            .map(|(id, job)| (job.asked, id.clone()))
            .collect();
        done.sort_unstable();
        let many = done.len().saturating_sub(limits::WAITING);
        done.into_iter().take(many).for_each(|(_, id)| drop(self.all.remove(&id)));
    }
}

impl Job {
    fn status(&self, id: &str) -> Status {
        let status = |state| Status::new(id, &self.ask, &self.asked.to_string(), state);
        match &self.end {
            Some(Ok(report)) => status("done").done(report),
            Some(Err(error)) if matches!(**error, BacktestError::Stopped) => status("stopped"),
            Some(Err(error)) => Status { error: Some(error.to_string()), ..status("failed") },
            None if self.begun => Status { progress: self.progress.share(), ..status("running") },
            None => status("waiting"),
        }
    }
}
