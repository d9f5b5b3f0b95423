// SPDX-License-Identifier: Apache-2.0
//! The journal's records taken apart, in its order: events as the policy to count under has them.
//!
//! A restart and a back-fill both read through here, so that they cannot differ.

use crate::EngineError;
use crate::cast::Cast;
use crate::record::{Change, Dictionary, ForgetRecord, WarmingRecord, decode_event, kind};
use std::sync::Arc;
use wardroom_event::{Event, Schema};
use wardroom_journal::Frame;

/// A record, taken apart.
pub(crate) enum Record {
    /// An event under the schema to count under.
    Event(u64, Event),
    /// An event of a type which that schema does not have, as it was recorded.
    Foreign(u64, Event),
    /// A policy came into force.
    Policy(Box<Dictionary>),
    /// These features of it read as missing from here on.
    Warming(WarmingRecord),
    /// A label or a list entry, from here on.
    Change(Change),
    /// Keys were forgotten here: the number of the record, and which.
    Forget(u64, ForgetRecord),
}

/// A walk along the journal's records. Each event is read by the names of the policy it was made under, whichever is in
/// force now.
pub(crate) struct Apart {
    to: Arc<Schema>,
    made_under: Option<(Dictionary, Cast)>,
}

impl Apart {
    /// Begins at the first record, for events to be counted under this schema.
    pub(crate) fn new(to: Arc<Schema>) -> Apart {
        Apart { to, made_under: None }
    }

    /// Begins where this policy is in force.
    pub(crate) fn under(to: Arc<Schema>, dictionary: Dictionary) -> Apart {
        let mut apart = Apart::new(to);
        apart.policy(dictionary);
        apart
    }

    /// Takes the next frame apart; `None` for one that says nothing about what is counted.
    pub(crate) fn frame(&mut self, frame: &Frame<'_>) -> Result<Option<Record>, EngineError> {
        let seq = frame.position.seq;
        if frame.is_prologue() {
            // The first segment kept may not be the first there was: what was in force then stands at its head.
            if frame.kind == kind::POLICY && self.made_under.is_none() {
                let found =
                    Dictionary::decode(frame.payload).map_err(|why| EngineError::Record { seq, why })?;
                return Ok(Some(self.policy(found)));
            }
            return Ok(None);
        }
        let record = match frame.kind {
            kind::DECIDED | kind::RECORDED => self.event(seq, frame).map(Some),
            kind::POLICY => Dictionary::decode(frame.payload).map(|found| Some(self.policy(found))),
            kind::WARMING => WarmingRecord::decode(frame.payload).map(|found| Some(Record::Warming(found))),
            kind::CHANGE => Change::decode(frame.payload).map(|found| Some(Record::Change(found))),
            kind::FORGET => ForgetRecord::decode(frame.payload).map(|found| Some(Record::Forget(seq, found))),
            // A kind of a later version: what it means is not for this one to say.
            _ => Ok(None),
        };
        record.map_err(|why| EngineError::Record { seq, why })
    }

    fn event(&self, seq: u64, frame: &Frame<'_>) -> Result<Record, String> {
        let (dictionary, cast) = self.made_under.as_ref().ok_or("an event before any policy")?;
        let event = decode_event(frame.payload, frame.kind == kind::DECIDED, dictionary)?;
        Ok(match cast.event(event) {
            Ok(event) => Record::Event(seq, event),
            Err(event) => Record::Foreign(seq, event),
        })
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
