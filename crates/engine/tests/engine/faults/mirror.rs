// SPDX-License-Identifier: Apache-2.0
//! The model: the journal as it was read last, and an engine's state that never saw a disk.
//!
//! What is served, judged and left behind is counted here a second time, in one go and in memory. After each restart it is
//! counted from nothing, over the records alone. So whatever an engine remembers, forgets or repeats by way of a disk
//! shows as a difference at the next decision.

use super::policies::compiled;
use crate::support::{POLICY_HEAD, WARMING, event_under, number};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use wardroom_engine::{Engine, Flow, Stored, StoredEffect};
use wardroom_event::{Micros, Value};
use wardroom_journal::{Keyring, Reader, SimDisk};
use wardroom_policy::Source;
use wardroom_state::Secret;

/// Where the journal of a life lies.
const JOURNAL: &str = "/d/journal";
const DECIDED: u8 = 1;
const RECORDED: u8 = 2;
const CHANGE: u8 = 6;
const FORGET: u8 = 7;

/// One record of the journal.
pub(super) struct Record {
    pub(super) kind: u8,
    pub(super) payload: Vec<u8>,
    /// The event, where it is one.
    pub(super) stored: Option<Stored>,
    /// The change of a label or a list, where it is one.
    made: Option<(StoredEffect, Micros)>,
}

/// What a reader of the directory finds: the number of the first record, and kind and payload of each from there on.
pub(super) struct Read {
    pub(super) first: u64,
    pub(super) records: Vec<(u8, Vec<u8>)>,
    /// The first record that is kept.
    pub(super) kept_from: u64,
}

impl Read {
    /// Reads from a number on, or from the first that is kept.
    pub(super) fn from(disk: &SimDisk, keys: &Keyring, seq: u64) -> Result<Read, String> {
        let reader = Reader::open_on(Arc::new(disk.clone()), JOURNAL).map_err(|e| e.to_string())?;
        let kept_from = reader.first_seq().max(1);
        let first = kept_from.max(seq);
        let mut reader = reader.with_keys(keys).from(first).map_err(|e| e.to_string())?;
        let mut records = Vec::new();
        while let Some(frame) = reader.next_frame().map_err(|e| e.to_string())? {
            if frame.is_prologue() {
                continue;
            }
            let expect = first + records.len() as u64;
            if frame.position.seq != expect {
                return Err(format!("record {} stands where {expect} belongs", frame.position.seq));
            }
            records.push((frame.kind, frame.payload.to_vec()));
        }
        Ok(Read { first, records, kept_from })
    }

    /// Number of the last record.
    pub(super) fn last(&self) -> u64 {
        self.first + self.records.len() as u64 - 1
    }
}

/// The journal and its meaning. Records that retention has removed stay here, for what was counted of them counts.
pub(super) struct Mirror {
    /// The engine's: which keys are forgotten together follows from it.
    secret: Secret,
    pub(super) records: Vec<Record>,
    /// What was counted so far, once there is a policy.
    flow: Option<Flow>,
    /// Features that read as missing.
    cold: Vec<usize>,
    /// Definitions that were to be counted when the beginning of the journal was gone: from where, only the engine knows.
    partial: BTreeSet<Box<str>>,
    /// Changes that the last decision asks for and the journal does not have yet.
    owed: VecDeque<Asked>,
    /// Whether a change may find no room, and then has no record.
    may_refuse: bool,
}

/// A rule, what it asks for, and when that counts.
type Asked = (Box<str>, StoredEffect, Micros);

impl Mirror {
    pub(super) fn new(seed: u64, may_refuse: bool) -> Mirror {
        let secret = Secret((u128::from(seed) << 64 | u128::from(!seed)).to_le_bytes());
        let owed = VecDeque::new();
        let partial = BTreeSet::new();
        Mirror { secret, records: Vec::new(), flow: None, cold: Vec::new(), partial, owed, may_refuse }
    }

    /// How many records are as they are here, from the first that is kept.
    pub(super) fn in_common(&self, read: &Read) -> u64 {
        let known = self.records.iter().skip(read.first as usize - 1);
        let same =
            |((kind, payload), r): &(&(u8, Vec<u8>), &Record)| *kind == r.kind && *payload == r.payload;
        read.first - 1 + read.records.iter().zip(known).take_while(same).count() as u64
    }

    /// Number of the last record.
    pub(super) fn last(&self) -> u64 {
        self.records.len() as u64
    }

    pub(super) fn stored(&self, seq: u64) -> Option<&Stored> {
        self.records.get(usize::try_from(seq).ok()?.checked_sub(1)?)?.stored.as_ref()
    }

    /// Takes in what was committed since, and says where a decision is not what it should be.
    pub(super) fn advance(&mut self, read: Read, engine: &Engine) -> Result<(), String> {
        if read.first > self.last() + 1 {
            return Err(format!("what lies between {} and {} is not there", self.last(), read.first));
        }
        let news = (self.last() + 1 - read.first) as usize;
        for (kind, payload) in read.records.into_iter().skip(news) {
            let seq = self.last() + 1;
            let stored = match kind {
                DECIDED | RECORDED => {
                    let stored = engine.decision(seq).map_err(|e| e.to_string())?;
                    Some(
                        stored
                            .ok_or_else(|| format!("record {seq} is an event, and no decision is found"))?,
                    )
                }
                _ => None,
            };
            self.records.push(Record { kind, payload, stored, made: None });
            self.take(self.records.len() - 1, true).map_err(|e| format!("record {seq}: {e}"))?;
            if read.kept_from > 1 {
                self.begin_in_part();
            }
        }
        Ok(())
    }

    /// What has yet to be counted is counted from what retention has left.
    fn begin_in_part(&mut self) {
        let Some(flow) = &self.flow else { return };
        let features = &flow.active().program.features;
        self.partial.extend(self.cold.iter().map(|feature| features[*feature].definition.clone()));
    }

    /// Forgets the records after the first `kept`, and counts the others again, from nothing.
    pub(super) fn begin_anew(&mut self, kept: usize) -> Result<(), String> {
        self.records.truncate(kept);
        (self.flow, self.cold, self.owed) = (None, Vec::new(), VecDeque::new());
        let head = |r: &Record| r.kind == POLICY_HEAD;
        // Whatever was in force before, the last policy counts all.
        let Some(last) = self.records.iter().rposition(head) else {
            return Ok(());
        };
        (last..kept).try_for_each(|at| self.take(at, false))
    }

    /// The same records counted from nothing.
    pub(super) fn again(&self) -> Result<Mirror, String> {
        let copy = |r: &Record| Record {
            kind: r.kind,
            payload: r.payload.clone(),
            stored: r.stored.clone(),
            made: r.made.clone(),
        };
        let records = self.records.iter().map(copy).collect();
        let (owed, partial, may_refuse) = (VecDeque::new(), self.partial.clone(), self.may_refuse);
        let mut again =
            Mirror { secret: self.secret, records, flow: None, cold: Vec::new(), partial, owed, may_refuse };
        again.begin_anew(self.records.len())?;
        Ok(again)
    }

    /// The effects that go out: the decision's number, and the effect's place in it.
    pub(super) fn outgoing(&self) -> impl Iterator<Item = (u64, u32)> {
        let goes_out = |e: &StoredEffect| matches!(e, StoredEffect::Webhook(_) | StoredEffect::Notify(_));
        let stored = self.records.iter().filter_map(|r| r.stored.as_ref());
        stored.flat_map(move |stored| {
            let signals = stored.judged.iter().flat_map(|j| &j.signals);
            let effects = (0..).zip(signals.flat_map(|s| &s.effects));
            effects.filter(move |(_, e)| goes_out(e)).map(|(index, _)| (stored.seq, index))
        })
    }

    fn take(&mut self, at: usize, compare: bool) -> Result<(), String> {
        let kind = self.records[at].kind;
        if kind == CHANGE {
            return self.change(at);
        }
        if !self.owed.is_empty() && !self.may_refuse {
            return Err(format!("{} changes of the decision before are missing", self.owed.len()));
        }
        self.owed.clear();
        match kind {
            POLICY_HEAD => self.policy(at),
            WARMING => {
                self.cold = warming(&self.records[at].payload);
                Ok(())
            }
            DECIDED | RECORDED => self.event(at, compare),
            FORGET => {
                let flow = self.flow.as_mut().ok_or("something is forgotten before any policy")?;
                flow.forget(&forgotten(&self.records[at].payload));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A policy came into force: all that came before counts under it.
    fn policy(&mut self, at: usize) -> Result<(), String> {
        let version = version(&self.records[at].payload).ok_or("a policy's head without a version")?;
        let active = compiled(&version).ok_or_else(|| format!("policy {version} is none of ours"))?;
        let mut flow = Flow::new(self.secret, active);
        // What is recorded found room.
        flow.set_memory(usize::MAX);
        for record in &self.records[..at] {
            if let Some(stored) = &record.stored {
                count(&mut flow, stored);
            }
            if let Some((effect, when)) = &record.made {
                flow.change(effect, *when);
            }
            if record.kind == FORGET {
                flow.forget(&forgotten(&record.payload));
            }
        }
        (self.flow, self.cold) = (Some(flow), Vec::new());
        Ok(())
    }

    /// A change: one that the last decision asks for, and behind those that are there. What it passes over found no room.
    fn change(&mut self, at: usize) -> Result<(), String> {
        let flow = self.flow.as_mut().ok_or("a change before any policy")?;
        let says = |(rule, effect, _): &Asked| says(&self.records[at].payload, rule, effect);
        let place = self.owed.iter().position(says).ok_or("a change that no decision asks for")?;
        if place > 0 && !self.may_refuse {
            return Err(format!("{place} changes before this one are missing"));
        }
        let asked = self.owed.drain(..=place).next_back();
        let (_, effect, when) = asked.ok_or("a change that no decision asks for")?;
        flow.change(&effect, when);
        self.records[at].made = Some((effect, when));
        Ok(())
    }

    fn event(&mut self, at: usize, compare: bool) -> Result<(), String> {
        let flow = self.flow.as_mut().ok_or("an event before any policy")?;
        let Some(stored) = &self.records[at].stored else {
            return Ok(());
        };
        if compare && stored.judged.is_some() {
            same(flow, stored, &self.cold, &self.partial)?;
        }
        count(flow, stored);
        self.owed = asked(stored);
        Ok(())
    }
}

/// Whether a decision is what the model would have made, as far as it knows what was counted.
fn same(flow: &Flow, stored: &Stored, cold: &[usize], partial: &BTreeSet<Box<str>>) -> Result<(), String> {
    let (active, judged) = (flow.active(), stored.judged.as_ref().ok_or("it was not judged")?);
    if *active.program.version.0 != *stored.policy {
        return Err(format!("judged by {}, and {} is in force", stored.policy, active.program.version));
    }
    let event = event_under(stored, flow).ok_or("its type is not the policy's")?;
    let step = flow.look(&event, None);
    let plan = active.program.plan(event.kind);
    for ((value, serve), (id, _, was)) in step.served.iter().zip(&plan.serve).zip(&judged.served) {
        let feature = match &serve.source {
            Source::Feature { feature, .. } => Some(*feature),
            _ => None,
        };
        let is_cold = feature.is_some_and(|f| cold.contains(&f));
        let is_partial = feature.is_some_and(|f| partial.contains(&active.program.features[f].definition));
        let expect = if is_cold { &Value::Missing } else { value };
        if expect != was && (is_cold || !is_partial) {
            return Err(format!("{id} was served as {was:?}; counted anew it is {expect:?}"));
        }
    }
    if !cold.is_empty() || active.program.features.iter().any(|f| partial.contains(&f.definition)) {
        return Ok(());
    }
    let named = step.judgement.signals.into_iter().map(|s| {
        let id = &active.program.rules[s.rule].id;
        s.named(id)
    });
    let signals: Vec<_> = named.collect();
    if (step.judgement.verdict, &signals) != (judged.verdict, &judged.signals) {
        return Err(format!("judged {:?}; anew {} {signals:?}", judged, step.judgement.verdict));
    }
    Ok(())
}

/// Counts an event.
fn count(flow: &mut Flow, stored: &Stored) {
    let event = event_under(stored, flow);
    event.iter().for_each(|event| flow.count(event));
}

/// The changes of labels and lists that a decision asks for.
fn asked(stored: &Stored) -> VecDeque<Asked> {
    let signals = stored.judged.iter().flat_map(|j| &j.signals);
    let effects = signals.flat_map(|s| s.effects.iter().map(|effect| (s.rule.clone(), effect)));
    let changes = effects.filter(|(_, effect)| effect.changes_state());
    changes.map(|(rule, effect)| (rule, effect.clone(), stored.counted_at())).collect()
}

/// Whether the record of a change is of this one: as far as a decision of our policies leaves a choice.
fn says(payload: &[u8], rule: &str, effect: &StoredEffect) -> bool {
    let (tag, name) = match effect {
        StoredEffect::Label { name, .. } => (1, name),
        StoredEffect::List { list, .. } => (2, list),
        _ => return false,
    };
    let rule = [&[rule.len() as u8], rule.as_bytes(), &[tag]].concat();
    let has = |text: &[u8]| payload.windows(text.len()).any(|found| found == text);
    has(&rule) && has(name.as_bytes())
}

/// The one text in a policy's head of twelve hex digits.
fn version(payload: &[u8]) -> Option<String> {
    let hex = |t: &&[u8]| t.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b));
    let found = payload.windows(12).find(hex)?;
    Some(String::from_utf8_lossy(found).into_owned())
}

/// The definitions whose keys a record says are forgotten.
fn forgotten(payload: &[u8]) -> Vec<Box<str>> {
    let mut rest = &payload[1..];
    let count = number(&mut rest);
    let text = |_| {
        let len = number(&mut rest) as usize;
        let (text, after) = rest.split_at(len);
        rest = after;
        String::from_utf8_lossy(text).into()
    };
    (0..count).map(text).collect()
}

/// The features that a record takes for warming.
fn warming(payload: &[u8]) -> Vec<usize> {
    let mut rest = &payload[1..];
    let _policy = number(&mut rest);
    let count = number(&mut rest);
    (0..count).map(|_| number(&mut rest) as usize).collect()
}
