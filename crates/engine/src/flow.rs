// SPDX-License-Identifier: Apache-2.0
//! What happens to one event, without disk or threads: read features, count, judge.
//!
//! The sequencer, a restart and a rehearsal all go through here, so that they cannot differ.

use crate::active::Active;
use crate::decision::StoredEffect;
use crate::judge::{Judgement, judge};
use crate::marks::{Marks, Surroundings};
use crate::memory::{Memory, Size};
use crate::serve::{From, serve};
use std::sync::Arc;
use wardroom_event::{Event, Micros, Value};
use wardroom_policy::{Feature, Row};
use wardroom_state::{Dropped, Keyer, Secret};

/// The state that events pass through, under one policy.
pub struct Flow {
    active: Arc<Active>,
    memory: Memory,
    marks: Marks,
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
    /// Begins with nothing counted, as at the beginning of a journal.
    pub fn new(secret: Secret, active: Arc<Active>) -> Flow {
        Flow::of(secret, active, |_| true)
    }

    /// As [`Flow::new`], but only the features that `wanted` names are counted.
    pub(crate) fn of(secret: Secret, active: Arc<Active>, wanted: impl Fn(&Feature) -> bool) -> Flow {
        let mut memory = Memory::new(secret);
        drop(memory.adopt(&active.program, wanted));
        let marks = Marks::new(memory.keyer().clone());
        Flow { active, memory, marks }
    }

    /// The policy in force.
    pub fn active(&self) -> &Arc<Active> {
        &self.active
    }

    /// The keyer of the installation, for lists.
    pub fn keyer(&self) -> &Keyer {
        self.memory.keyer()
    }

    /// Puts another policy in force. A feature that is new to it begins with nothing where nothing was counted `before`,
    /// and is cold otherwise. What is no longer counted is the caller's to free.
    pub(crate) fn exchange(&mut self, active: Arc<Active>, before: bool) -> Vec<Dropped> {
        let dropped = self.memory.adopt(&active.program, |_| !before);
        self.marks.adopt(&active);
        self.active = active;
        dropped
    }

    /// Numbers of the features that wait for their past, and read as missing until they have it.
    pub(crate) fn cold(&self) -> Vec<usize> {
        self.memory.cold(&self.active.program)
    }

    /// Gives cold features the past that another flow has counted for them. What is not wanted is the caller's to free.
    pub(crate) fn warm(&mut self, from: Flow) -> Vec<Dropped> {
        self.memory.take_in(from.memory, &self.active.program)
    }

    /// Reads the event's features, counts it and judges it.
    pub fn judge(&mut self, event: &Event) -> Step {
        self.judge_with(event, None)
    }

    /// As [`Flow::judge`], with one rule deciding whatever its mode.
    pub fn judge_with(&mut self, event: &Event, promote: Option<usize>) -> Step {
        self.judge_seen(event, promote, |_| {})
    }

    /// As [`Flow::judge_with`]; `see` is shown what is judged, before anything changes.
    pub(crate) fn judge_seen(
        &mut self,
        event: &Event,
        promote: Option<usize>,
        see: impl FnOnce(&Row<'_>),
    ) -> Step {
        let step = self.look(event, promote);
        see(&Row::new(event, &step.served, &Surroundings { active: &self.active, marks: &self.marks }));
        self.count(event);
        for effect in step.judgement.signals.iter().flat_map(|s| &s.effects) {
            self.marks.change(&self.active, effect, event.counted_at());
        }
        step
    }

    /// Reads the event's features and judges it, and changes nothing: the sequencer finds out what there is to write
    /// before it counts.
    pub fn look(&self, event: &Event, promote: Option<usize>) -> Step {
        let program = &self.active.program;
        let plan = program.plan(event.kind);
        let world = Surroundings { active: &self.active, marks: &self.marks };
        let from = From { memory: &self.memory, marks: &self.marks, program };
        let (served, tripped) = serve(from, plan, event, &world);
        let mut judgement = judge(program, plan, &Row::new(event, &served, &world), promote);
        judgement.fault |= tripped;
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
        let row = Row::new(event, &[], &*self.active);
        self.memory.count(plan, &row)
    }

    /// Makes the changes of labels and lists that follow from a decision at that time, as the sequencer does when it has
    /// recorded them: a rehearsal has no journal between.
    pub fn change(&mut self, effect: &StoredEffect, at: Micros) {
        self.marks.change(&self.active, effect, at);
    }

    /// What counters, labels and lists hold.
    pub fn size(&self) -> Size {
        let size = self.memory.size();
        Size { bytes: size.bytes + self.marks.bytes(), ..size }
    }
}
