// SPDX-License-Identifier: Apache-2.0
//! Acts: each is made, and on record with what was there before, in one go between two events.
//!
//! What an act needs of the journal was read before it came here ([`With`]). Whether it may be done depends on the state of
//! this moment, so it is asked here, and nowhere else; then there is room for its record, then it is made.

use super::Sequencer;
use crate::acts::{Act, ActError, ActRecord, AgainRecord, Body, Changed, Counted, Deed, Done, Held, Mark};
use crate::acts::{JobHead, JobItem, JobStep};
use crate::cast::Cast;
use crate::error::SubmitError;
use crate::flow::Step;
use crate::judge::Judgement;
use crate::limits;
use crate::record::{encode_decided, kind};
use std::sync::atomic::Ordering::{Relaxed, Release};
use wardroom_event::{Event, Micros, Sight};
use wardroom_journal::frame_bytes;

/// What an act is done with, read from the journal.
pub(crate) enum With {
    /// Nothing.
    Nothing,
    /// The event that is to be judged again.
    Event(Box<Event>),
    /// What the act to be undone changed, and what of it cannot be taken back.
    Undo(Vec<Changed>, Vec<Box<str>>),
    /// It is not there.
    Not(ActError),
}

/// How an act came out: what is recorded of it beside who and when.
type Out = Result<(Body, Done), ActError>;

impl Sequencer {
    /// What would become of acts, each by itself, were they done now: nothing is changed, nothing written.
    pub(super) fn would(&mut self, acts: Vec<(Act, With)>, now: Micros) -> Vec<Done> {
        let one = |(act, with): (Act, With)| match (&act.deed, with) {
            (Deed::Again { .. }, With::Event(event)) => {
                let looked = self.look_again(*event, now).map(|(_, step, changes)| (step, changes.len()));
                looked.map(|(step, changes)| Done::Judged {
                    seq: 0,
                    verdict: step.judgement.verdict,
                    changes: changes as u32,
                })
            }
            (_, with) => self.out(&act, with, now).map(|(_, done)| done),
        };
        acts.into_iter().map(one).map(|done| done.unwrap_or_else(Done::Refused)).collect()
    }

    /// Does acts, in order. Each is durable with the batch.
    pub(super) fn acts(&mut self, acts: Vec<(Act, With)>, now: Micros) -> Vec<Done> {
        self.batch += acts.len();
        acts.into_iter().map(|(act, with)| self.act(act, with, now).unwrap_or_else(Done::Refused)).collect()
    }

    fn act(&mut self, act: Act, with: With, now: Micros) -> Result<Done, ActError> {
        self.can_write()?;
        if let Some(JobItem { job, item }) = act.item {
            let is_undo = matches!(act.deed, Deed::Undo { .. });
            if !self.past.jobs.get(job)?.takes(item, is_undo)? {
                return Ok(Done::Repeated);
            }
        }
        let done = match (&act.deed, with) {
            (Deed::Again { event: of }, With::Event(event)) => self.judge_again(&act, *of, *event, now),
            (_, with) => match self.out(&act, with, now) {
                Ok((body, done)) => return self.put_act(act, body, now, |seq| at(done, seq)),
                Err(why) => Err(why),
            },
        };
        done.or_else(|why| self.refuse(act, why, now))
    }

    /// What keeps an item of a job from being done is on record, so that the next is next.
    fn refuse(&mut self, act: Act, why: ActError, now: Micros) -> Result<Done, ActError> {
        if act.item.is_none() || matches!(why, ActError::Submit(_) | ActError::Journal(_)) {
            return Err(why);
        }
        let said = Body::Refused(why.to_string().into());
        self.put_act(act, said, now, |_| Done::Refused(why))
    }

    /// What is to be recorded of an act, and answered; nothing is changed yet.
    fn out(&mut self, act: &Act, with: With, now: Micros) -> Out {
        match (&act.deed, with) {
            (_, With::Not(why)) => Err(why),
            (Deed::Undo { act, since }, With::Undo(changes, left)) => {
                Ok(self.undo(*act, since, changes, left))
            }
            (deed @ (Deed::Label { .. } | Deed::List { .. }), _) => self.change(deed, now),
            (deed @ (Deed::Case { .. } | Deed::Webhook { .. }), _) => {
                let done = Done::Made { seq: 0, before: Held::Not, after: Held::Not };
                Ok((Body::Sent(deed.clone()), done))
            }
            (Deed::Again { event }, _) => Err(ActError::NoEvent(*event)),
            (Deed::Undo { act, .. }, _) => Err(ActError::NoAct(*act)),
        }
    }

    fn change(&mut self, deed: &Deed, now: Micros) -> Out {
        let (before, after) = match deed.mark() {
            None => (Held::Not, Held::Not),
            Some((mark, to)) => {
                self.flow.would(&mark, to)?;
                if let (Mark::Entry { list, value, .. }, Held::Not) = (&mark, to)
                    && self.flow.in_text(list, value, now)
                {
                    return Err(ActError::InText(list.clone()));
                }
                (self.flow.held(&mark), to)
            }
        };
        let body = Body::Made { deed: deed.clone(), before, after };
        Ok((body, Done::Made { seq: 0, before, after }))
    }

    /// Of what an act changed, the last first: what is as the act left it becomes what it was.
    fn undo(
        &mut self,
        act: u64,
        since: &str,
        changes: Vec<Changed>,
        mut left: Vec<Box<str>>,
    ) -> (Body, Done) {
        let mut undone: Vec<Changed> = Vec::new();
        for Changed { mark, rule, before, after } in changes.into_iter().rev() {
            if before == after {
                continue;
            }
            if !since.is_empty() {
                left.push(format!("{}: {since} since", mark.show(Sight::Masked)).into());
                continue;
            }
            // An earlier change of the same act is met as this one leaves it.
            let earlier = undone.iter().rev().find(|c| c.mark == mark).map(|c| c.after);
            let held = earlier.unwrap_or_else(|| self.flow.held(&mark));
            let refused = if held == after { self.flow.would(&mark, before).err() } else { None };
            match refused {
                None if held == after => {
                    undone.push(Changed { mark, rule, before: after, after: before });
                }
                Some(why) => left.push(format!("{}: {why}", mark.show(Sight::Masked)).into()),
                None => {
                    let what = mark.show(Sight::Masked);
                    left.push(format!("{what} has been changed since, and is {held}").into());
                }
            }
        }
        let restored = undone.len() as u32;
        let done = Done::Undone { seq: 0, restored, left: left.clone() };
        (Body::Undone { act, changes: undone, left }, done)
    }

    /// Records an act and makes it.
    fn put_act(
        &mut self,
        act: Act,
        body: Body,
        now: Micros,
        done: impl FnOnce(u64) -> Done,
    ) -> Result<Done, ActError> {
        self.settle_owed()?;
        let Act { source, by, item, .. } = act;
        let record = ActRecord { at: now, by, source, item, body };
        self.record.clear();
        record.encode(&mut self.record);
        if self.record.len() > limits::RECORD_BYTES {
            let (bytes, most) = (self.record.len(), limits::RECORD_BYTES);
            return Err(ActError::TooLong { what: "the record of the act", bytes, most });
        }
        self.reserve(frame_bytes(self.record.len()))?;
        // From here on nothing may fail but the disk.
        self.flow.act(&record);
        let seq = self.writer.append(kind::ACT, &self.record).map_err(|e| self.fail(&e))?.seq;
        self.wrote(seq, item, Counted::of(&record.body));
        if matches!(record.body, Body::Sent(_)) {
            self.shared.stats.outward.store(seq, Release);
        }
        Ok(done(seq))
    }

    fn wrote(&mut self, seq: u64, item: Option<JobItem>, counted: Counted) {
        self.snapshots.wrote(frame_bytes(self.record.len()));
        self.past.jobs.act(seq, item, counted);
        if let Some(item) = item {
            self.show_job(item.job);
        }
    }

    /// Judges an event as if it came now, and makes what follows. It is not counted.
    fn judge_again(&mut self, act: &Act, of: u64, event: Event, now: Micros) -> Result<Done, ActError> {
        self.settle_owed()?;
        let (event, step, changes) = self.look_again(event, now)?;
        let mut decided = Vec::new();
        encode_decided(self.dictionary.seq, &event, &step, &mut decided);
        let (by, source, item) = (act.by.clone(), act.source.clone(), act.item);
        let record = AgainRecord { at: now, by, source, item, event: of, changes };
        self.record.clear();
        record.encode(&mut self.record);
        self.record.append(&mut decided);
        if self.record.len() > limits::RECORD_BYTES {
            let (bytes, most) = (self.record.len(), limits::RECORD_BYTES);
            return Err(ActError::TooLong { what: "the record of the event judged again", bytes, most });
        }
        self.reserve(frame_bytes(self.record.len()))?;
        // From here on nothing may fail but the disk.
        self.flow.again(&record);
        let seq = self.writer.append(kind::AGAIN, &self.record).map_err(|e| self.fail(&e))?.seq;
        self.wrote(seq, item, Counted::Made);
        if super::event::goes_out(&step.judgement) {
            self.shared.stats.outward.store(seq, Release);
        }
        self.shared.stats.faults.fetch_add(u64::from(step.judgement.fault), Relaxed);
        let changes = record.changes.len() as u32;
        Ok(Done::Judged { seq, verdict: step.judgement.verdict, changes })
    }

    /// The event as one of this moment under the policy in force, what is judged of it, and what would follow.
    fn look_again(&mut self, event: Event, now: Micros) -> Result<(Event, Step, Vec<Changed>), ActError> {
        let schema = self.flow.active().program.schema.clone();
        let recast = Cast::new(&event.schema, &schema).event(event);
        let mut event = recast.map_err(|event| ActError::NoType(event.type_name().into()))?;
        (event.time, event.received) = (now, now);
        let step = self.flow.look(&event, None);
        let changes = self.that_follow(&step.judgement);
        Ok((event, step, changes))
    }

    /// The changes of labels and lists that follow from a judgement, and for which there is room: of several of one label
    /// each finds what the one before it leaves.
    fn that_follow(&mut self, judgement: &Judgement) -> Vec<Changed> {
        let mut changes: Vec<Changed> = Vec::new();
        for signal in &judgement.signals {
            let rule = self.dictionary.rules.get(signal.rule).cloned().unwrap_or_default();
            for Changed { mark, after, .. } in signal.effects.iter().filter_map(|e| e.change(&rule)) {
                if self.flow.would(&mark, after).is_err() {
                    self.shared.stats.refused.fetch_add(1, Relaxed);
                    continue;
                }
                let earlier = changes.iter().rev().find(|c| c.mark == mark).map(|c| c.after);
                let before = earlier.unwrap_or_else(|| self.flow.held(&mark));
                changes.push(Changed { mark, rule: rule.clone(), before, after });
            }
        }
        changes
    }

    /// Records items of a job. Gives the record's number.
    pub(super) fn job_part(&mut self, part: &[u8]) -> Result<u64, ActError> {
        self.append(kind::JOB_PART, part)
    }

    /// Records that a job is planned. One that was asked for by the same key before is that.
    pub(super) fn begin_job(&mut self, head: JobHead) -> Result<u64, ActError> {
        if let Some(job) = self.past.jobs.same(&head) {
            return Ok(job.id);
        }
        self.past.jobs.has_room(head.at)?;
        let mut payload = Vec::new();
        head.encode(&mut payload);
        let seq = self.append(kind::JOB, &payload)?;
        self.past.jobs.begin(seq, head);
        self.show_job(seq);
        Ok(seq)
    }

    /// Records a step of a job, if it may be taken now.
    pub(super) fn step_job(&mut self, step: &JobStep) -> Result<u64, ActError> {
        self.past.jobs.get(step.job)?.may(step)?;
        let mut payload = Vec::new();
        step.encode(&mut payload);
        let seq = self.append(kind::JOB_STEP, &payload)?;
        self.past.jobs.step(step);
        self.show_job(step.job);
        Ok(seq)
    }

    fn append(&mut self, kind: u8, payload: &[u8]) -> Result<u64, ActError> {
        self.can_write()?;
        self.settle_owed()?;
        self.reserve(frame_bytes(payload.len()))?;
        let seq = self.writer.append(kind, payload).map_err(|e| self.fail(&e))?.seq;
        self.snapshots.wrote(frame_bytes(payload.len()));
        Ok(seq)
    }

    fn can_write(&self) -> Result<(), SubmitError> {
        self.failed.as_ref().map_or(Ok(()), |why| Err(SubmitError::Failed(why.clone())))
    }

    /// Shows where a job stands to those who ask beside the sequencer.
    fn show_job(&self, id: u64) {
        self.shared.show_jobs(&self.past.jobs, id);
    }
}

/// What is answered, once the record's number is known.
fn at(done: Done, seq: u64) -> Done {
    match done {
        Done::Made { before, after, .. } => Done::Made { seq, before, after },
        Done::Judged { verdict, changes, .. } => Done::Judged { seq, verdict, changes },
        Done::Undone { restored, left, .. } => Done::Undone { seq, restored, left },
        done @ (Done::Repeated | Done::Refused(_)) => done,
    }
}
