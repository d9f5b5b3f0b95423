// SPDX-License-Identifier: Apache-2.0
//! What happens to one event, without disk or threads: read features, count, judge.
//!
//! The sequencer, a restart and a rehearsal all go through here, so that they cannot differ.

use crate::active::Active;
use crate::judge::{Judgement, judge};
use crate::memory::Memory;
use std::sync::Arc;
use wardroom_event::{Event, Micros, Value};
use wardroom_policy::Row;
use wardroom_state::{Dropped, Keyer, Secret};

/// The state that events pass through, under one policy.
pub struct Flow {
    active: Arc<Active>,
    memory: Memory,
}

/// What the flow made of an event.
#[derive(Debug)]
pub struct Step {
    /// Its features as they were, in the order of its type's plan.
    pub served: Vec<Value>,
    /// What was judged.
    pub judgement: Judgement,
}

impl Flow {
    /// Begins with nothing counted.
    pub fn new(secret: Secret, active: Arc<Active>, now: Micros) -> Flow {
        let mut memory = Memory::new(secret);
        drop(memory.adopt(&active.program, now));
        Flow { active, memory }
    }

    /// The policy in force.
    pub fn active(&self) -> &Arc<Active> {
        &self.active
    }

    /// The keyer of the installation, for lists.
    pub fn keyer(&self) -> &Keyer {
        self.memory.keyer()
    }

    /// Puts another policy in force.
    pub fn swap(&mut self, active: Arc<Active>, now: Micros) {
        drop(self.exchange(active, now));
    }

    /// As [`Flow::swap`], but what is no longer counted is the caller's to free.
    pub(crate) fn exchange(&mut self, active: Arc<Active>, now: Micros) -> Vec<Dropped> {
        let dropped = self.memory.adopt(&active.program, now);
        self.active = active;
        dropped
    }

    /// Reads the event's features, counts it and judges it.
    pub fn judge(&mut self, event: &Event) -> Step {
        self.judge_with(event, None)
    }

    /// As [`Flow::judge`], with one rule deciding whatever its mode.
    pub fn judge_with(&mut self, event: &Event, promote: Option<usize>) -> Step {
        let step = self.look(event, promote);
        self.count(event);
        step
    }

    /// Reads the event's features and judges it, and changes nothing: the sequencer finds out what there is to write
    /// before it counts.
    pub(crate) fn look(&self, event: &Event, promote: Option<usize>) -> Step {
        let program = &self.active.program;
        let plan = program.plan(event.kind);
        let served = self.memory.serve(plan, event);
        let row = Row { event, served: &served, lists: &*self.active };
        let judgement = judge(program, plan, &row, promote);
        Step { served, judgement }
    }

    /// Counts an event: one just looked at, one that is not judged, or one judged before a restart.
    pub fn count(&mut self, event: &Event) {
        self.tally(event);
    }

    /// As [`Flow::count`]; gives whether a feature's filter tripped over a fault of our own.
    pub(crate) fn tally(&mut self, event: &Event) -> bool {
        let plan = self.active.program.plan(event.kind);
        // Filters read the event alone, so what was served makes no difference to them.
        let row = Row { event, served: &[], lists: &*self.active };
        self.memory.count(plan, &row)
    }

    /// Since when each feature of the policy counts, in the policy's order.
    pub fn since(&self) -> Vec<Option<Micros>> {
        self.active.program.features.iter().map(|f| self.memory.since(f)).collect()
    }

    /// Bytes held by counters, and how many keys.
    pub fn size(&self) -> (usize, usize) {
        self.memory.size()
    }
}
