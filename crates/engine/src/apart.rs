// SPDX-License-Identifier: Apache-2.0
//! The journal's records taken apart, in its order: events as the policy to count under has them.
//!
//! A restart and a back-fill both read through here, so that they cannot differ.

use crate::EngineError;
use crate::acts::{ActRecord, AgainRecord, JobHead, JobStep};
use crate::cast::Cast;
use crate::record::{Change, Dictionary, ForgetRecord, WarmingRecord, decode_event, kind, policy_of};
use std::sync::Arc;
use wardroom_event::{Event, Schema};
use wardroom_journal::Frame;

/// A record, taken apart.
pub(crate) enum Record {
    /// An event under the schema to count under.
    Event(Event),
    /// An event of a type which that schema does not have, as it was recorded.
    Foreign(Event),
    /// A policy came into force.
    Policy(Box<Dictionary>),
    /// These features of it read as missing from here on.
    Warming(WarmingRecord),
    /// A label or a list entry, from here on.
    Change(Change),
    /// An act, and the number of its record.
    Act(u64, ActRecord),
    /// An event was judged again, here.
    Again(u64, AgainRecord),
    /// A job was planned.
    Job(u64, JobHead),
    /// A job went a step.
    JobStep(JobStep),
    /// Keys were forgotten here: the number of the record, and which.
    Forget(u64, ForgetRecord),
}

/// A walk along the journal's records. Each event is read by the names of the policy it was made under, whichever is in
/// force now.
pub(crate) struct Apart {
    to: Arc<Schema>,
    made_under: Option<(Dictionary, Cast)>,
    /// A repair has left gaps behind: a policy's record may be in one of them.
    gaps: bool,
}

impl Apart {
    /// Begins at the first record, for events to be counted under this schema.
    pub(crate) fn new(to: Arc<Schema>) -> Apart {
        Apart { to, made_under: None, gaps: false }
    }

    /// Begins where this policy is in force.
    pub(crate) fn under(to: Arc<Schema>, dictionary: Dictionary) -> Apart {
        let mut apart = Apart::new(to);
        apart.policy(dictionary);
        apart
    }

    /// The same where a repair has left gaps before.
    pub(crate) fn after_gaps(self, gaps: bool) -> Apart {
        Apart { gaps, ..self }
    }

    /// Takes the next frame apart; `None` for one that says nothing about what is counted.
    pub(crate) fn frame(&mut self, frame: &Frame<'_>) -> Result<Option<Record>, EngineError> {
        let seq = frame.position.seq;
        if frame.is_prologue() {
            // It repeats what a record said: read where that may be lost, or lies before what is kept.
            let policy = frame.kind == kind::POLICY && (self.gaps || self.made_under.is_none());
            return if policy { self.again(seq, frame) } else { Ok(None) };
        }
        let record = match frame.kind {
            kind::DECIDED | kind::RECORDED if self.is_orphan(frame) => Ok(None),
            kind::DECIDED | kind::RECORDED => self.event(frame).map(Some),
            kind::LOST => {
                self.gaps = true;
                Ok(None)
            }
            kind::POLICY => Dictionary::decode(frame.payload).map(|found| Some(self.policy(found))),
            kind::WARMING => WarmingRecord::decode(frame.payload).map(|found| Some(Record::Warming(found))),
            kind::CHANGE => Change::decode(frame.payload).map(|found| Some(Record::Change(found))),
            kind::FORGET => ForgetRecord::decode(frame.payload).map(|found| Some(Record::Forget(seq, found))),
            kind::ACT => ActRecord::decode(frame.payload).map(|found| Some(Record::Act(seq, found))),
            kind::AGAIN => {
                AgainRecord::split(frame.payload).map(|(found, _)| Some(Record::Again(seq, found)))
            }
            kind::JOB => JobHead::decode(frame.payload).map(|found| Some(Record::Job(seq, found))),
            kind::JOB_STEP => JobStep::decode(frame.payload).map(|found| Some(Record::JobStep(found))),
            // A kind of a later version: what it means is not for this one to say.
            _ => Ok(None),
        };
        record.map_err(|why| EngineError::Record { seq, why })
    }

    fn event(&self, frame: &Frame<'_>) -> Result<Record, String> {
        let (dictionary, cast) = self.made_under.as_ref().ok_or("an event before any policy")?;
        let event = decode_event(frame.payload, frame.kind == kind::DECIDED, dictionary)?;
        Ok(match cast.event(event) {
            Ok(event) => Record::Event(event),
            Err(event) => Record::Foreign(event),
        })
    }

    /// True for an event whose policy's record is lost, so that its names are not known. It is kept, and not counted.
    pub(crate) fn is_orphan(&self, frame: &Frame<'_>) -> bool {
        let known = self.made_under.as_ref().map(|(dictionary, _)| dictionary.seq);
        self.gaps && policy_of(frame.payload).is_ok_and(|policy| known != Some(policy))
    }

    /// The policy that a segment begins with, if its own record was not seen.
    fn again(&mut self, seq: u64, frame: &Frame<'_>) -> Result<Option<Record>, EngineError> {
        let found = Dictionary::decode(frame.payload).map_err(|why| EngineError::Record { seq, why })?;
        let known = self.made_under.as_ref().is_some_and(|(dictionary, _)| dictionary.seq == found.seq);
        Ok(if known { None } else { Some(self.policy(found)) })
    }

    fn policy(&mut self, mut found: Dictionary) -> Record {
        if *found.schema == *self.to {
            found.schema = self.to.clone();
        }
        let cast = Cast::new(&found.schema, &self.to);
        self.made_under = Some((found.clone(), cast));
        Record::Policy(Box::new(found))
    }
}
