// SPDX-License-Identifier: Apache-2.0
//! What the handle, the sequencer and what runs beside it share: the policy in force, the journal to be read, figures.

use super::Config;
use super::status::Stats;
use crate::active::Active;
use crate::acts::{ActRecord, AgainRecord, Body, Job, Jobs};
use crate::decision::Stored;
use crate::error::{EngineError, SubmitError};
use crate::latency::Clocks;
use crate::limits;
use crate::queue::Refused;
use crate::record::{Dictionary, decode_stored, kind, policy_of};
use crate::recover::{self, Folded, Found};
use crate::snapshot::Figures;
use crate::warmth::{Progress, Warmth};
use std::collections::BTreeMap;
use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicU64,
    Ordering::{Acquire, Relaxed},
};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use wardroom_event::Micros;
use wardroom_journal::Lookup;

/// The policy in force, with what reading its records needs.
pub(crate) struct InForce {
    pub(crate) active: Arc<Active>,
    pub(crate) dictionary: Arc<Dictionary>,
    /// The features that are warming, by their numbers, and how far each is.
    pub(crate) warming: Vec<(usize, Arc<Progress>)>,
    /// The features whose past begins later than the journal's, by their numbers, and when.
    pub(crate) late: Vec<(usize, Micros)>,
}

/// What the handle and the sequencer share.
pub(crate) struct Shared {
    force: RwLock<Arc<InForce>>,
    dictionaries: Mutex<BTreeMap<u64, Arc<Dictionary>>>,
    pub(crate) lookup: Lookup,
    pub(crate) stats: Stats,
    pub(crate) snapshots: Arc<Figures>,
    pub(super) memory_bytes: u64,
    /// Up to which record the past lies elsewhere too, where somebody keeps it.
    exported: Option<Arc<AtomicU64>>,
    pub(crate) warmth: Warmth,
    pub(crate) clocks: Clocks,
    /// The time of the journal's first event; the least there is before there is one.
    pub(super) begins: AtomicI64,
    /// The jobs that are open and the newest of the others, as the sequencer has them.
    jobs: Mutex<BTreeMap<u64, Job>>,
    /// A sync was asked for and has not begun.
    pub(crate) sync_asked: AtomicBool,
    pub(super) failed: Mutex<Option<String>>,
}

/// Before the journal's first event.
pub(super) const NEVER: Micros = Micros(i64::MIN);

impl Shared {
    pub(super) fn new(found: &Found<'_>, folded: &Folded, config: &Config) -> Shared {
        let (active, dictionary) = (folded.flow.active().clone(), folded.dictionary.clone());
        let force = InForce { active, dictionary, warming: Vec::new(), late: Vec::new() };
        Shared {
            force: RwLock::new(Arc::new(force)),
            dictionaries: Mutex::default(),
            lookup: found.lookup.clone(),
            stats: Stats::default(),
            snapshots: Arc::default(),
            memory_bytes: config.memory_bytes,
            exported: config.exported.clone(),
            warmth: Warmth::default(),
            clocks: Clocks::default(),
            begins: AtomicI64::new(folded.past.begins.unwrap_or(NEVER).0),
            jobs: Mutex::new(folded.past.jobs.all().map(|job| (job.id, job.clone())).collect()),
            sync_asked: AtomicBool::new(false),
            failed: Mutex::default(),
        }
    }

    /// The first record that whoever keeps the past has yet to take.
    pub(crate) fn history_needs(&self) -> u64 {
        let exported = self.exported.as_ref().map(|exported| exported.load(Acquire));
        exported.map_or(u64::MAX, |exported| exported.saturating_add(1))
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

    /// A job is another.
    pub(crate) fn show_jobs(&self, jobs: &Jobs, id: u64) {
        let mut shown = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(job) = jobs.get(id) {
            shown.insert(id, job.clone());
        }
        if shown.len() > jobs.all().count() {
            shown.retain(|id, _| jobs.get(*id).is_ok());
        }
    }

    /// The jobs that are open and the newest of the others, in the order in which they were planned.
    pub(crate) fn jobs(&self) -> Vec<Job> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The first of them of which something is being done.
    pub(crate) fn job_under_way(&self) -> Option<Job> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.values().find(|job| job.phase.is_under_way()).cloned()
    }

    pub(crate) fn job(&self, id: u64) -> Option<Job> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
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

    pub(super) fn in_force(&self) -> Arc<InForce> {
        self.force.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, dictionary: Arc<Dictionary>) {
        let mut known = self.dictionaries.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(dictionary.seq, dictionary);
        if known.len() > limits::DICTIONARIES {
            known.pop_first();
        }
    }

    /// The decision with this number: also one that was made again, and the one that a case or a webhook was asked for.
    pub(crate) fn decision(&self, seq: u64) -> Result<Option<Stored>, EngineError> {
        let Some(frame) = self.lookup.get(seq)? else {
            return Ok(None);
        };
        let unreadable = |why| EngineError::Record { seq, why };
        match frame.kind {
            kind::DECIDED | kind::RECORDED => {}
            kind::AGAIN => {
                let (_, decided) = AgainRecord::split(&frame.payload).map_err(unreadable)?;
                let policy = policy_of(decided).map_err(unreadable)?;
                let dictionary = self.dictionary(policy, frame.position.segment)?;
                return decode_stored(seq, true, decided, &dictionary).map(Some).map_err(unreadable);
            }
            kind::ACT => {
                let record = ActRecord::decode(&frame.payload).map_err(unreadable)?;
                let Body::Sent(deed) = record.body else { return Ok(None) };
                // An act is never about itself or a later record.
                return deed.event().filter(|of| *of < seq).map_or(Ok(None), |of| self.decision(of));
            }
            _ => return Ok(None),
        }
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
