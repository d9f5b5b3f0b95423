// SPDX-License-Identifier: Apache-2.0
//! Policies: one put in force, and the past of its new features once it has been counted.

use super::Sequencer;
use crate::active::{Active, Origin};
use crate::engine::InForce;
use crate::error::{SubmitError, SwapError};
use crate::limits;
use crate::record::{Dictionary, WarmingRecord, encode_parts, kind};
use crate::warmth::{Answer, Offer};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, Release};
use wardroom_event::{Micros, Repr, Type};
use wardroom_journal::{JournalError, frame_bytes};
use wardroom_policy::Program;

impl Sequencer {
    /// Records a policy and puts it in force: whole or not at all. Features that are new to it are warming from here on,
    /// unless there is no past to count.
    pub(crate) fn swap(&mut self, active: Arc<Active>, now: Micros) -> Result<(), SwapError> {
        if let Some(why) = &self.failed {
            return Err(SubmitError::Failed(why.clone()).into());
        }
        self.settle_unrecorded()?;
        let parts = encode_parts(&active.bundle);
        let head_bytes = Dictionary::of(&active, u64::MAX, now, u64::MAX).encode().len() + 64;
        if head_bytes > wardroom_journal::limits::MAX_PAYLOAD {
            return Err(SwapError::TooLarge { bytes: head_bytes });
        }
        fits_records(&active.program)?;
        let bytes: u64 = parts.iter().map(|p| frame_bytes(p.len())).sum();
        let every = (0..active.program.features.len()).collect();
        let warming_bytes = WarmingRecord { policy: u64::MAX, features: every }.encode().len();
        self.reserve(bytes + frame_bytes(head_bytes) + frame_bytes(warming_bytes))?;
        // From here on nothing may fail but the disk.
        self.snapshots.abandon(&mut self.flow);
        let before = self.flow.active().clone();
        let dropped = self.flow.exchange(active.clone(), self.past.begins.is_some());
        self.record_policy(&active, &parts, now).map_err(|e| self.fail(&e))?;
        free((before, dropped));
        self.publish();
        self.measure();
        Ok(())
    }

    /// Goes on under the policy that the journal has in force, if there is one. `warming` says that the journal takes
    /// features for warming. Those that no snapshot had are cold, and their past is counted now; a restart from the whole
    /// journal has counted it with all the rest.
    pub(crate) fn rejoin(&mut self, warming: bool) -> Result<(), JournalError> {
        self.shared.stats.seq.store(self.writer.committed_seq(), Relaxed);
        self.shared.stats.durable.store(self.writer.durable_seq(), Release);
        self.measure();
        if self.dictionary.seq == 0 {
            // The first segment has nothing to begin with but this.
            return self.set_prologue();
        }
        self.publish();
        let cold = self.warming();
        self.owed = (warming || !cold.features.is_empty()).then_some(cold);
        self.set_prologue()
    }

    fn record_policy(&mut self, active: &Active, parts: &[Vec<u8>], now: Micros) -> Result<(), JournalError> {
        for part in parts {
            self.writer.append(kind::POLICY_PART, part)?;
        }
        let dictionary = Dictionary::of(active, self.writer.next_seq(), now, parts.len() as u64);
        if active.origin == Origin::Directory {
            self.past.directory = Some(dictionary.version.clone());
        }
        self.writer.append(kind::POLICY, &dictionary.encode())?;
        self.dictionary = Arc::new(dictionary);
        // A policy's head says that nothing is warming.
        self.owed = None;
        let warming = self.warming();
        self.past.warming = !warming.features.is_empty();
        if self.past.warming {
            self.writer.append(kind::WARMING, &warming.encode())?;
        }
        self.writer.commit(wardroom_journal::Durability::Sync)?;
        self.set_prologue()
    }

    /// What each segment begins with: the policy in force, which of its features are warming, and where the outbox stands.
    pub(super) fn set_prologue(&mut self) -> Result<(), JournalError> {
        let outbox = (kind::OUTBOX, self.checkpoint.clone());
        if self.dictionary.seq == 0 {
            return self.writer.set_prologue(vec![outbox]);
        }
        let mut prologue = vec![(kind::POLICY, self.dictionary.encode()), outbox];
        let warming = self.warming();
        if !warming.features.is_empty() {
            prologue.push((kind::WARMING, warming.encode()));
        }
        self.writer.set_prologue(prologue)
    }

    fn warming(&self) -> WarmingRecord {
        // Where a policy is about to be put in force, its features' numbers mean nothing under the one before.
        let is_recorded = *self.flow.active().program.version.0 == *self.dictionary.version;
        let features = if is_recorded { self.flow.cold() } else { Vec::new() };
        WarmingRecord { policy: self.dictionary.seq, features }
    }

    /// Shows the policy and what of it is warming, and has the back-fill see to that.
    fn publish(&mut self) {
        let active = self.flow.active().clone();
        let warming = self.shared.warmth.want(&active, &self.flow.cold(), self.dictionary.seq);
        let late = self.flow.late();
        self.shared.put(InForce { active, dictionary: self.dictionary.clone(), warming, late });
        self.shared.stats.seq.store(self.writer.committed_seq(), Relaxed);
        self.filler.start();
    }

    /// Puts in force what a back-fill has counted, once it has been brought up to the last record. Between two batches:
    /// all that was appended is committed.
    pub(crate) fn take_over(&mut self) {
        let Some(Offer { mut fill, reply }) = self.shared.warmth.take_offer() else {
            return;
        };
        if self.failed.is_some() {
            self.shared.warmth.stop();
            return free(fill);
        }
        let (committed, before) = (self.writer.committed_seq(), fill.events);
        if committed.saturating_sub(fill.through) > limits::HANDOVER_RECORDS {
            let _ = reply.send(Answer::Again(fill));
            return;
        }
        if let Err(error) = fill.read_to(&self.shared.lookup, committed) {
            let _ = reply.send(Answer::Fault(error));
            return;
        }
        self.shared.warmth.count(fill.events - before);
        self.snapshots.abandon(&mut self.flow);
        self.erasers.iter().for_each(|eraser| {
            let _ = fill.flow.erase(eraser);
        });
        let late = fill.late();
        free(self.flow.warm(fill.flow, late));
        self.owed = Some(self.warming());
        self.publish();
        self.measure();
        let _ = reply.send(Answer::Taken);
        // Said at once where there is room; otherwise before the next event.
        if self.set_prologue().map_err(|e| self.fail(&e)).and_then(|()| self.settle_owed()).is_ok() {
            self.settle();
        }
    }
}

/// The most that a served value of a type takes in a record.
fn served_bytes(kind: Type) -> usize {
    match kind.repr() {
        Repr::Text | Repr::List => limits::SERVED_TEXT_BYTES,
        Repr::Ip | Repr::Net => 24,
        _ => limits::SERVED_BYTES,
    }
}

/// Whether the largest record of each event type fits into the journal: the event, all that is served for it, and as
/// many signals as are kept.
fn fits_records(program: &Program) -> Result<(), SwapError> {
    for (id, event) in program.schema.iter() {
        let served: usize = program.plan(id).serve.iter().map(|s| served_bytes(s.kind)).sum();
        let signals = limits::SIGNALS * limits::SIGNAL_BYTES + limits::EFFECTS * limits::CHANGE_BYTES;
        let bytes = limits::EVENT_BYTES + served + signals;
        if bytes > limits::RECORD_BYTES {
            return Err(SwapError::Record { event: event.name.to_string(), bytes });
        }
    }
    Ok(())
}

/// Frees what a policy leaves behind beside the sequencer: millions of keys or entries take a while.
fn free(gone: impl Send + 'static) {
    // If there is no thread to be had, the closure is dropped here and now: slower, and as right.
    drop(std::thread::Builder::new().name("freer".to_owned()).spawn(move || drop(gone)));
}
