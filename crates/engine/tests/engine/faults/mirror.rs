// SPDX-License-Identifier: Apache-2.0
//! The model: the journal as it was read last, and an engine's state that never saw a disk.
//!
//! What is served, judged and left behind is counted here a second time, in one go and in memory. After each restart it is
//! counted from nothing, over the records alone. So whatever an engine remembers, forgets or repeats by way of a disk
//! shows as a difference at the next decision.

use super::policies::{SECRET, compiled};
use crate::support::{POLICY_HEAD, WARMING, event_under, number};
use std::sync::Arc;
use wardroom_engine::{Engine, Flow, Stored, StoredEffect};
use wardroom_event::Value;
use wardroom_journal::{Reader, SimDisk};
use wardroom_policy::Source;

const DECIDED: u8 = 1;
const RECORDED: u8 = 2;
const CHANGE: u8 = 6;

/// One record of the journal.
pub(super) struct Record {
    pub(super) kind: u8,
    pub(super) payload: Vec<u8>,
    /// The event, where it is one.
    pub(super) stored: Option<Stored>,
}

/// Kind and payload of every record from a number on, as a reader of the directory finds them.
pub(super) fn read_from(disk: &SimDisk, journal: &str, seq: u64) -> Result<Vec<(u8, Vec<u8>)>, String> {
    let reader = Reader::open_on(Arc::new(disk.clone()), journal).and_then(|r| r.from(seq));
    let mut reader = reader.map_err(|e| e.to_string())?;
    let mut found = Vec::new();
    while let Some(frame) = reader.next_frame().map_err(|e| e.to_string())? {
        if frame.is_prologue() {
            continue;
        }
        let expect = seq.max(1) + found.len() as u64;
        if frame.position.seq != expect {
            return Err(format!("record {} stands where {expect} belongs", frame.position.seq));
        }
        found.push((frame.kind, frame.payload.to_vec()));
    }
    Ok(found)
}

/// The journal and its meaning.
#[derive(Default)]
pub(super) struct Mirror {
    pub(super) records: Vec<Record>,
    /// What was counted so far, once there is a policy.
    flow: Option<Flow>,
    /// Features that read as missing.
    cold: Vec<usize>,
    /// Changes that the last decision asks for and the journal does not have yet.
    owed: usize,
}

impl Mirror {
    /// Number of the last record.
    pub(super) fn last(&self) -> u64 {
        self.records.len() as u64
    }

    pub(super) fn stored(&self, seq: u64) -> Option<&Stored> {
        self.records.get(usize::try_from(seq).ok()?.checked_sub(1)?)?.stored.as_ref()
    }

    /// Takes in what was committed since, and says where a decision is not what it should be.
    pub(super) fn advance(&mut self, found: Vec<(u8, Vec<u8>)>, engine: &Engine) -> Result<(), String> {
        for (kind, payload) in found {
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
            self.records.push(Record { kind, payload, stored });
            self.take(self.records.len() - 1, true).map_err(|e| format!("record {seq}: {e}"))?;
        }
        Ok(())
    }

    /// Forgets the records after the first `kept`, and counts the others again, from nothing.
    pub(super) fn begin_anew(&mut self, kept: usize) -> Result<(), String> {
        self.records.truncate(kept);
        (self.flow, self.cold, self.owed) = (None, Vec::new(), 0);
        let head = |r: &Record| r.kind == POLICY_HEAD;
        // Whatever was in force before, the last policy counts all.
        let Some(last) = self.records.iter().rposition(head) else {
            return Ok(());
        };
        (last..kept).try_for_each(|at| self.take(at, false))
    }

    fn take(&mut self, at: usize, compare: bool) -> Result<(), String> {
        let kind = self.records[at].kind;
        if kind == CHANGE {
            self.owed = self.owed.checked_sub(1).ok_or("a change that no decision asks for")?;
            return Ok(());
        }
        if self.owed > 0 {
            return Err(format!("{} changes of the decision before are missing", self.owed));
        }
        match kind {
            POLICY_HEAD => self.policy(at),
            WARMING => {
                self.cold = warming(&self.records[at].payload);
                Ok(())
            }
            DECIDED | RECORDED => self.event(at, compare),
            _ => Ok(()),
        }
    }

    /// A policy came into force: all that came before counts under it.
    fn policy(&mut self, at: usize) -> Result<(), String> {
        let version = version(&self.records[at].payload).ok_or("a policy's head without a version")?;
        let active = compiled(&version).ok_or_else(|| format!("policy {version} is none of ours"))?;
        let mut flow = Flow::new(SECRET, active);
        for record in &self.records[..at] {
            if let Some(stored) = &record.stored {
                count(&mut flow, stored);
            }
        }
        (self.flow, self.cold) = (Some(flow), Vec::new());
        Ok(())
    }

    fn event(&mut self, at: usize, compare: bool) -> Result<(), String> {
        let flow = self.flow.as_mut().ok_or("an event before any policy")?;
        let Some(stored) = &self.records[at].stored else {
            return Ok(());
        };
        if compare && stored.judged.is_some() {
            same(flow, stored, &self.cold)?;
        }
        count(flow, stored);
        self.owed = effects(stored).count();
        Ok(())
    }
}

/// Whether a decision is what the model would have made.
fn same(flow: &Flow, stored: &Stored, cold: &[usize]) -> Result<(), String> {
    let (active, judged) = (flow.active(), stored.judged.as_ref().ok_or("it was not judged")?);
    if *active.program.version.0 != *stored.policy {
        return Err(format!("judged by {}, and {} is in force", stored.policy, active.program.version));
    }
    let event = event_under(stored, flow).ok_or("its type is not the policy's")?;
    let step = flow.look(&event, None);
    let plan = active.program.plan(event.kind);
    for ((value, serve), (id, _, was)) in step.served.iter().zip(&plan.serve).zip(&judged.served) {
        let is_cold = matches!(&serve.source, Source::Feature { feature, .. } if cold.contains(feature));
        let expect = if is_cold { &Value::Missing } else { value };
        if expect != was {
            return Err(format!("{id} was served as {was:?}; counted anew it is {expect:?}"));
        }
    }
    if !cold.is_empty() {
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

/// Counts an event, and what followed from it.
fn count(flow: &mut Flow, stored: &Stored) {
    let event = event_under(stored, flow);
    event.iter().for_each(|event| flow.count(event));
    for effect in effects(stored) {
        flow.change(effect, stored.counted_at());
    }
}

/// The changes of labels and lists that a decision asks for.
fn effects(stored: &Stored) -> impl Iterator<Item = &StoredEffect> {
    let signals = stored.judged.iter().flat_map(|j| &j.signals);
    signals.flat_map(|s| &s.effects).filter(|e| e.changes_state())
}

/// The one text in a policy's head of twelve hex digits.
fn version(payload: &[u8]) -> Option<String> {
    let hex = |t: &&[u8]| t.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b));
    let found = payload.windows(12).find(hex)?;
    Some(String::from_utf8_lossy(found).into_owned())
}

/// The features that a record takes for warming.
fn warming(payload: &[u8]) -> Vec<usize> {
    let mut rest = &payload[1..];
    let _policy = number(&mut rest);
    let count = number(&mut rest);
    (0..count).map(|_| number(&mut rest) as usize).collect()
}
