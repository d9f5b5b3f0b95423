// SPDX-License-Identifier: Apache-2.0
//! The journal's records one after the other, for those who keep the past in another form: events with what was served
//! and judged, and the changes of labels and lists.
//!
//! Nothing is judged or counted here, and no policy needs to compile: names come from the heads that the journal holds.
//! What one event looks like is said once for all events of its type and policy ([`Layout`]), since there are many.

use crate::acts::{ActRecord, AgainRecord};
use crate::decision::{StoredEffect, StoredSignal};
use crate::error::EngineError;
use crate::limits;
use crate::record::{Change, Dictionary, arrived, decode_row, kind, pack_rest, type_of, unpack_rest};
use std::collections::BTreeMap;
use std::sync::Arc;
use wardroom_event::{Event, Field, Micros, Type};
use wardroom_journal::Frame;
use wardroom_policy::Verdict;

/// What the events of one type look like under one policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// The number of the record that put the policy in force.
    pub policy_seq: u64,
    /// The version of its text.
    pub policy: Arc<str>,
    /// The event type.
    pub event_type: Box<str>,
    /// Its fields in slot order, facts among them.
    pub fields: Vec<Field>,
    /// What is served for it, in order: id and type.
    pub served: Vec<(Box<str>, Type)>,
}

/// An event as the journal holds it.
#[derive(Clone, Debug)]
pub struct PastEvent {
    /// Its number.
    pub seq: u64,
    /// What it looks like.
    pub layout: Arc<Layout>,
    /// The event.
    pub event: Event,
    /// What was judged; `None` where it was only recorded.
    pub judged: Option<PastJudged>,
}

/// What was judged of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct PastJudged {
    /// What was served, in the layout's order.
    pub served: Vec<wardroom_event::Value>,
    /// The answer.
    pub verdict: Verdict,
    /// Judging tripped over a fault of our own.
    pub fault: bool,
    /// How many rules were not asked.
    pub skipped: u64,
    /// The rules that spoke, those that decide first.
    pub signals: Vec<StoredSignal>,
}

impl PastJudged {
    /// What a signal holds beside its rule, verdict and flags, as bytes that need no policy to be read.
    pub fn pack(signal: &StoredSignal) -> Vec<u8> {
        let mut out = Vec::new();
        pack_rest(signal, &mut out);
        out
    }

    /// Fills in what [`PastJudged::pack`] took from a signal.
    ///
    /// # Errors
    /// Why the bytes cannot be read, in words.
    pub fn unpack(signal: StoredSignal, bytes: &[u8]) -> Result<StoredSignal, String> {
        let (because, effects) = unpack_rest(bytes)?;
        Ok(StoredSignal { because, effects, ..signal })
    }
}

/// A change of a label or a list that followed from a decision.
#[derive(Clone, Debug, PartialEq)]
pub struct PastChange {
    /// The number of its record.
    pub seq: u64,
    /// The decision it follows from.
    pub decision: u64,
    /// When that decision's event counts.
    pub at: Micros,
    /// When that event arrived, and so since when the change is known. Where the decision does not stand right before it,
    /// which it only does not behind a repair or at the beginning of what retention left, when the event counts.
    pub known: Micros,
    /// The rule's id.
    pub rule: Box<str>,
    /// What was changed.
    pub effect: StoredEffect,
}

/// A policy that came into force.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyRecord {
    /// The number of its head.
    pub seq: u64,
    /// When.
    pub time: Micros,
    /// The version of its text.
    pub version: Arc<str>,
    /// Where it came from: `directory` or `api`.
    pub origin: &'static str,
    /// What its events look like, type by type.
    pub layouts: Vec<Arc<Layout>>,
}

/// One record.
#[derive(Clone, Debug)]
pub enum Record {
    /// An event.
    Event(Box<PastEvent>),
    /// A change that followed from a decision.
    Change(PastChange),
    /// A policy; also where a segment only repeats which one is in force.
    Policy(PolicyRecord),
    /// What somebody did: the number of the record, and what it says.
    Act(u64, Box<ActRecord>),
    /// An event that was judged once more: the number of the record, and what followed of labels and lists.
    Again(u64, Box<AgainRecord>),
}

/// Reads records. It must see the prologue of the segment it begins in, and every frame after that.
#[derive(Debug, Default)]
pub struct Records {
    policies: BTreeMap<u64, Names>,
    /// The last event that was seen, and when it arrived: changes stand right behind the decision they follow from.
    last: Option<(u64, Micros)>,
}

#[derive(Debug)]
struct Names {
    dictionary: Dictionary,
    layouts: Vec<Arc<Layout>>,
}

impl Records {
    /// One that has seen nothing.
    pub fn new() -> Records {
        Records::default()
    }

    /// What a frame holds; nothing where it is of a kind that says nothing of the past.
    ///
    /// # Errors
    /// [`EngineError::Record`] when it cannot be read, also because the head of its policy was not seen.
    pub fn read(&mut self, frame: &Frame<'_>) -> Result<Option<Record>, EngineError> {
        self.read_some(frame, |_| true)
    }

    /// Takes notice of a frame that is not wanted, for those behind it: also of events whose policy's head was not seen. Gives
    /// the policy that it names, where it does.
    ///
    /// # Errors
    /// [`EngineError::Record`] when it cannot be read.
    pub fn pass(&mut self, frame: &Frame<'_>) -> Result<Option<PolicyRecord>, EngineError> {
        let seq = frame.position.seq;
        let unreadable = |why| EngineError::Record { seq, why };
        match frame.kind {
            kind::POLICY => self.policy(frame.payload).map(Some).map_err(unreadable),
            kind::DECIDED | kind::RECORDED => {
                self.last = Some((seq, arrived(frame.payload).map_err(unreadable)?));
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// As [`Records::read`], of events only those whose layout is `wanted`: the others are not decoded.
    ///
    /// # Errors
    /// As [`Records::read`].
    pub fn read_some(
        &mut self,
        frame: &Frame<'_>,
        wanted: impl FnOnce(&Layout) -> bool,
    ) -> Result<Option<Record>, EngineError> {
        let seq = frame.position.seq;
        let unreadable = |why| EngineError::Record { seq, why };
        Ok(match frame.kind {
            kind::POLICY => Some(Record::Policy(self.policy(frame.payload).map_err(unreadable)?)),
            kind::DECIDED | kind::RECORDED => {
                let event = self.event(seq, frame.kind == kind::DECIDED, frame.payload, wanted);
                event.map_err(unreadable)?.map(|event| Record::Event(Box::new(event)))
            }
            kind::CHANGE => {
                let Change { decision, at, rule, effect } =
                    Change::decode(frame.payload).map_err(unreadable)?;
                let known =
                    self.last.filter(|(last, _)| *last == decision).map_or(at, |(_, received)| received);
                Some(Record::Change(PastChange { seq, decision, at, known, rule, effect }))
            }
            kind::ACT => {
                Some(Record::Act(seq, Box::new(ActRecord::decode(frame.payload).map_err(unreadable)?)))
            }
            kind::AGAIN => {
                let (again, _) = AgainRecord::split(frame.payload).map_err(unreadable)?;
                Some(Record::Again(seq, Box::new(again)))
            }
            _ => None,
        })
    }

    fn policy(&mut self, payload: &[u8]) -> Result<PolicyRecord, String> {
        let dictionary = Dictionary::decode(payload)?;
        let layouts: Vec<_> = layouts(&dictionary).into_iter().map(Arc::new).collect();
        let Dictionary { seq, time, origin, .. } = dictionary;
        let version = dictionary.version.clone();
        // A segment repeats the head of the policy in force: its layouts stay those that are known.
        let names = self.policies.entry(seq).or_insert(Names { dictionary, layouts });
        let layouts = names.layouts.clone();
        if self.policies.len() > limits::DICTIONARIES {
            self.policies.pop_first();
        }
        Ok(PolicyRecord { seq, time, version, origin: origin.name(), layouts })
    }

    fn event(
        &mut self,
        seq: u64,
        judged: bool,
        payload: &[u8],
        wanted: impl FnOnce(&Layout) -> bool,
    ) -> Result<Option<PastEvent>, String> {
        let (policy, number) = type_of(payload)?;
        let names = self.policies.get(&policy);
        let names = names.ok_or_else(|| format!("the head of its policy, record {policy}, was not found"))?;
        let layout = usize::try_from(number).ok().and_then(|n| names.layouts.get(n));
        let layout = layout.ok_or_else(|| format!("its policy has no event type number {number}"))?;
        self.last = Some((seq, arrived(payload)?));
        if !wanted(layout) {
            return Ok(None);
        }
        let (event, judged) = decode_row(payload, judged, &names.dictionary)?;
        Ok(Some(PastEvent { seq, layout: layout.clone(), event, judged }))
    }
}

fn layouts(dictionary: &Dictionary) -> Vec<Layout> {
    let served = |numbers: &Vec<usize>| -> Vec<(Box<str>, Type)> {
        numbers.iter().filter_map(|number| dictionary.features.get(*number).cloned()).collect()
    };
    let types = dictionary.schema.iter().enumerate();
    types
        .map(|(number, (_, event))| Layout {
            policy_seq: dictionary.seq,
            policy: dictionary.version.clone(),
            event_type: event.name.clone(),
            fields: event.fields.clone(),
            served: dictionary.served.get(number).map(served).unwrap_or_default(),
        })
        .collect()
}
