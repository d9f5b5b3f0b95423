// SPDX-License-Identifier: Apache-2.0
//! Acts and jobs: handed over like events, in turns with them, and waited for.

use super::Engine;
use crate::acts::{
    Act, ActError, ActRecord, AgainRecord, Body, Changed, Deed, Done, Job, JobHead, JobStep, Part, Subject,
    check_job, items,
};
use crate::error::{EngineError, SubmitError};
use crate::limits;
use crate::queue::{Client, Load};
use crate::record::{decode_event, kind, policy_of, value_bytes};
use crate::sequencer::{JobTask, Task, With};
use smallvec::smallvec;
use tokio::sync::oneshot;
use wardroom_event::{Micros, Value};

impl Engine {
    /// Does acts, in order, and waits until they are durable. What they are about is read from the journal first, which
    /// blocks on the disk. At most [`limits::WORK_EVENTS`] make one piece of work.
    ///
    /// # Errors
    /// [`SubmitError::Closed`] when the engine stops, or [`SubmitError::Busy`] where too many wait for a place already. Some
    /// of many may be done then.
    pub async fn act(&self, acts: Vec<Act>, now: Micros) -> Result<Vec<Done>, SubmitError> {
        let mut all = Vec::with_capacity(acts.len());
        let mut rest = acts.into_iter();
        while rest.len() > 0 {
            let piece = rest.by_ref().take(limits::WORK_EVENTS).map(|act| self.prepare(act)).collect();
            all.append(&mut self.act_piece(piece, now, false).await?);
        }
        Ok(all)
    }

    /// What would become of acts, each by itself, were they done now. Nothing is changed, and nothing is on record.
    ///
    /// # Errors
    /// As [`Engine::act`].
    pub async fn would(&self, acts: Vec<Act>, now: Micros) -> Result<Vec<Done>, SubmitError> {
        let mut all = Vec::with_capacity(acts.len());
        let mut rest = acts.into_iter();
        while rest.len() > 0 {
            let piece = rest.by_ref().take(limits::WORK_EVENTS).map(|act| self.prepare(act)).collect();
            all.append(&mut self.act_piece(piece, now, true).await?);
        }
        Ok(all)
    }

    async fn act_piece(
        &self,
        acts: Vec<(Act, With)>,
        now: Micros,
        is_dry: bool,
    ) -> Result<Vec<Done>, SubmitError> {
        let (reply, done) = oneshot::channel();
        let load = Load { pieces: 1, events: acts.len(), bytes: acts.len() * limits::ACT_BYTES };
        let task = match is_dry {
            false => Task::Acts { acts, now, reply },
            true => Task::Would { acts, now, reply },
        };
        let pushed = self.queue.push_waiting(Client::ACTS, smallvec![(load, task)]).await;
        pushed.map_err(|e| self.shared.refused(e))?;
        done.await.map_err(|_| self.shared.gone())
    }

    /// The act with what it needs of the journal.
    fn prepare(&self, act: Act) -> (Act, With) {
        let with = check(&act).and_then(|()| match &act.deed {
            Deed::Again { event } => self.event_of(*event),
            Deed::Undo { act, .. } => self.undoing(*act),
            deed => match deed.event() {
                Some(event) if !self.is_event(event)? => Err(ActError::NoEvent(event)),
                _ => Ok(With::Nothing),
            },
        });
        (act, with.unwrap_or_else(With::Not))
    }

    fn is_event(&self, seq: u64) -> Result<bool, ActError> {
        let frame = self.shared.lookup.get(seq).map_err(journal)?;
        Ok(frame.is_some_and(|frame| matches!(frame.kind, kind::DECIDED | kind::RECORDED)))
    }

    fn event_of(&self, seq: u64) -> Result<With, ActError> {
        let frame = self.shared.lookup.get(seq).map_err(journal)?;
        let frame = frame.filter(|frame| matches!(frame.kind, kind::DECIDED | kind::RECORDED));
        let frame = frame.ok_or(ActError::NoEvent(seq))?;
        let policy = policy_of(&frame.payload).map_err(ActError::Journal)?;
        let dictionary = self.shared.dictionary(policy, frame.position.segment).map_err(journal)?;
        let event = decode_event(&frame.payload, frame.kind == kind::DECIDED, &dictionary);
        event.map(|event| With::Event(Box::new(event))).map_err(ActError::Journal)
    }

    /// What an act changed, and what of it cannot be taken back.
    fn undoing(&self, seq: u64) -> Result<With, ActError> {
        let Some(frame) = self.shared.lookup.get(seq).map_err(journal)? else {
            return Err(ActError::NoAct(seq));
        };
        match frame.kind {
            kind::ACT => {
                let record = ActRecord::decode(&frame.payload).map_err(ActError::Journal)?;
                let left = match &record.body {
                    Body::Undone { .. } => return Err(ActError::IsUndo),
                    Body::Sent(Deed::Case { queue, .. }) => {
                        vec![format!("the case in `{queue}` stays: it may have been looked at").into()]
                    }
                    Body::Sent(Deed::Webhook { name, .. }) => {
                        vec![format!("webhook `{name}` was told, or will be").into()]
                    }
                    _ => Vec::new(),
                };
                Ok(With::Undo(record.changes(), left))
            }
            kind::AGAIN => {
                let (record, _) = AgainRecord::split(&frame.payload).map_err(ActError::Journal)?;
                let stored = self.shared.decision(seq).map_err(journal)?;
                let signals = stored.iter().filter_map(|s| s.judged.as_ref()).flat_map(|j| &j.signals);
                let out = signals.flat_map(|s| &s.effects).filter_map(|e| e.destination());
                let left = out.map(|to| format!("{to} was told, or will be").into()).collect();
                Ok(With::Undo(record.changes, left))
            }
            _ => Err(ActError::NoAct(seq)),
        }
    }

    /// An act by the number of its record; none where there is none, or no longer.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn act_record(&self, seq: u64) -> Result<Option<ActRecord>, EngineError> {
        let frame = self.shared.lookup.get(seq)?.filter(|frame| frame.kind == kind::ACT);
        let read = |why| EngineError::Record { seq, why };
        frame.map(|frame| ActRecord::decode(&frame.payload).map_err(read)).transpose()
    }

    /// Walks along acts, and what was judged again, from one record to another: each with its number. It blocks on the disk.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn acts_between(
        &self,
        from: u64,
        to: u64,
        mut each: impl FnMut(u64, Acted),
    ) -> Result<(), EngineError> {
        self.shared.lookup.range(from, to, |frame| {
            let seq = frame.position.seq;
            let read = |why| EngineError::Record { seq, why };
            match frame.kind {
                kind::ACT => each(seq, Acted::Act(ActRecord::decode(frame.payload).map_err(read)?)),
                kind::AGAIN => each(seq, Acted::Again(AgainRecord::split(frame.payload).map_err(read)?.0)),
                kind::CHANGE => {
                    let change = crate::record::Change::decode(frame.payload).map_err(read)?;
                    each(
                        seq,
                        Acted::Rule { rule: change.rule, decision: change.decision, effect: change.effect },
                    );
                }
                _ => {}
            }
            Ok::<(), EngineError>(())
        })
    }

    /// Writes down what a job is to do, item by item, and then that it is planned: nothing is done yet. Gives its number. One
    /// that the same person asked for by the same key before is given again, whatever its items are.
    ///
    /// # Errors
    /// [`ActError`]: it has too many items, one that cannot be done by anybody, or there is no place for it.
    pub async fn plan(&self, mut head: JobHead, items: &[Deed]) -> Result<u64, ActError> {
        head.items = u32::try_from(items.len()).unwrap_or(u32::MAX);
        check_job(&head)?;
        items.iter().try_for_each(check_deed)?;
        let known = |job: &Job| !head.key.is_empty() && job.head.key == head.key && job.head.by == head.by;
        if let Some(job) = self.shared.jobs().iter().rev().find(|job| known(job)) {
            return Ok(job.id);
        }
        head.parts.clear();
        for part in Part::encode(items) {
            let bytes = part.len();
            head.parts.push(self.job_task(JobTask::Part(part), bytes).await?);
        }
        self.job_task(JobTask::Head(head), limits::JOB_PART_BYTES).await
    }

    /// Takes a step of a job, if it may be taken now. It is durable when this returns.
    ///
    /// # Errors
    /// [`ActError`]: it may not be taken.
    pub async fn step_job(&self, step: JobStep) -> Result<(), ActError> {
        let (what, reply_to) = (JobTask::Step(step), oneshot::channel());
        let (reply, done) = reply_to;
        self.ask(Task::Job { what, reply })?;
        done.await.map_err(|_| self.shared.gone())?.map(drop)
    }

    async fn job_task(&self, what: JobTask, bytes: usize) -> Result<u64, ActError> {
        let (reply, done) = oneshot::channel();
        let load = Load { pieces: 1, events: limits::WORK_EVENTS, bytes };
        let pushed =
            self.queue.push_waiting(Client::ACTS, smallvec![(load, Task::Job { what, reply })]).await;
        pushed.map_err(|e| self.shared.refused(e))?;
        done.await.map_err(|_| self.shared.gone())?
    }

    /// The jobs that are open and the newest of the others, in the order in which they were planned.
    pub fn jobs(&self) -> Vec<Job> {
        self.shared.jobs()
    }

    /// A job by its number.
    pub fn job(&self, id: u64) -> Option<Job> {
        self.shared.job(id)
    }

    /// The items of a job, in order. It blocks on the disk.
    ///
    /// # Errors
    /// When they cannot be read, or are no longer kept.
    pub fn job_items(&self, job: &Job) -> Result<Vec<Deed>, EngineError> {
        let mut all = Vec::with_capacity(job.head.items as usize);
        for &seq in &job.head.parts {
            let unreadable = |why: String| EngineError::Record { seq, why };
            let frame = self.shared.lookup.get(seq)?.filter(|frame| frame.kind == kind::JOB_PART);
            let frame = frame.ok_or_else(|| unreadable("items of a job are no longer kept".to_owned()))?;
            all.append(&mut items(&frame.payload).map_err(unreadable)?);
        }
        Ok(all)
    }
}

/// What the journal says of labels and lists, or of an act that is neither.
#[derive(Clone, Debug, PartialEq)]
pub enum Acted {
    /// Somebody acted.
    Act(ActRecord),
    /// An event was judged again.
    Again(AgainRecord),
    /// It follows from a decision.
    Rule {
        /// The rule's id.
        rule: Box<str>,
        /// The decision.
        decision: u64,
        /// The label or the entry.
        effect: crate::StoredEffect,
    },
}

impl Acted {
    /// What it changed of what rules see. What was there before a rule changed it is not on record, and reads as not there.
    pub fn changes(&self) -> Vec<Changed> {
        match self {
            Acted::Act(record) => record.changes(),
            Acted::Again(record) => record.changes.clone(),
            Acted::Rule { rule, effect, .. } => effect.change(rule).into_iter().collect(),
        }
    }
}

fn journal(error: impl std::fmt::Display) -> ActError {
    ActError::Journal(error.to_string())
}

/// What can be told of an act without looking at anything.
fn check(act: &Act) -> Result<(), ActError> {
    short("who it is by", &act.by, limits::ACT_NAME_BYTES)?;
    short("whose word it is", &act.source, limits::ACT_NAME_BYTES)?;
    check_deed(&act.deed)
}

fn check_deed(deed: &Deed) -> Result<(), ActError> {
    match deed {
        Deed::Label { subject, label, confidence, note, .. } => {
            if let Subject::Entity { kind, value } = subject {
                if !kind.is_entity() {
                    return Err(ActError::NoEntity(*kind));
                }
                small(value)?;
            }
            if confidence.is_some_and(|c| !(0.0..=1.0).contains(&c)) {
                return Err(ActError::NoConfidence);
            }
            short("the label", label, limits::ACT_NAME_BYTES)?;
            short("the note", note, limits::ACT_NOTE_BYTES)
        }
        Deed::List { list, value, .. } => {
            small(value)?;
            short("the list's name", list, limits::ACT_NAME_BYTES)
        }
        Deed::Case { queue: name, .. } | Deed::Webhook { name, .. } => {
            short("the name", name, limits::ACT_NAME_BYTES)
        }
        Deed::Again { .. } | Deed::Undo { .. } => Ok(()),
    }
}

fn small(value: &Value) -> Result<(), ActError> {
    let (bytes, most) = (value_bytes(value), limits::ACT_VALUE_BYTES);
    if bytes > most { Err(ActError::TooLong { what: "the value", bytes, most }) } else { Ok(()) }
}

fn short(what: &'static str, text: &str, most: usize) -> Result<(), ActError> {
    let bytes = text.len();
    if bytes > most { Err(ActError::TooLong { what, bytes, most }) } else { Ok(()) }
}
