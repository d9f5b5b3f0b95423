// SPDX-License-Identifier: Apache-2.0
//! What happens to one event, without disk or threads: read features, count, judge.
//!
//! The sequencer, a restart and a rehearsal all go through here, so that they cannot differ.

use crate::active::Active;
use crate::acts::{ActError, ActRecord, AgainRecord, Changed, Held, Mark};
use crate::decision::StoredEffect;
use crate::digest::Told;
use crate::judge::{Judgement, judge};
use crate::limits;
use crate::marks::{self, Marks, Surroundings};
use crate::memory::{Memory, Size};
use crate::record::Unreadable;
use crate::serve::{From, serve};
use std::collections::BTreeMap;
use std::sync::Arc;
use wardroom_event::{Event, Micros, Value};
use wardroom_policy::{Feature, ListId, Row, World};
use wardroom_state::{Dropped, Key, Keyer, Secret, TableId, Tables};

/// The state that events pass through, under one policy.
pub struct Flow {
    active: Arc<Active>,
    memory: Memory,
    marks: Marks,
    /// Definitions whose past begins later than the journal's: it was counted when the journal no longer reached back.
    late: BTreeMap<Box<str>, Micros>,
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
        Flow { active, memory, marks, late: BTreeMap::new() }
    }

    /// Sets how many bytes all of the state may take: where labels and lists have their share of it, changes find no room.
    pub fn set_memory(&mut self, memory: usize) {
        self.marks.set_memory(memory);
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
        self.late.retain(|definition, _| active.program.features.iter().any(|f| f.definition == *definition));
        self.active = active;
        dropped
    }

    /// Numbers of the features that wait for their past, and read as missing until they have it.
    pub(crate) fn cold(&self) -> Vec<usize> {
        self.memory.cold(&self.active.program)
    }

    /// Gives cold features the past that another flow has counted for them; it begins at `late`, where that is later than
    /// the journal did. What is not wanted is the caller's to free.
    pub(crate) fn warm(&mut self, from: Flow, late: Option<Micros>) -> Vec<Dropped> {
        let cold = self.cold();
        let dropped = self.memory.take_in(from.memory, &self.active.program);
        if let Some(late) = late {
            let still = self.cold();
            let warm = cold.into_iter().filter(|number| !still.contains(number));
            let definition = |number: usize| self.active.program.features[number].definition.clone();
            self.late.extend(warm.map(|number| (definition(number), late)));
        }
        dropped
    }

    /// Features, by number, whose past begins later than the journal's, and when.
    pub(crate) fn late(&self) -> Vec<(usize, Micros)> {
        let features = self.active.program.features.iter().enumerate();
        features.filter_map(|(number, f)| Some((number, *self.late.get(&f.definition)?))).collect()
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

    /// Counts what tables are told of an event that is counted at that time.
    pub(crate) fn told(&mut self, told: &[Told], at: Micros) {
        let tables = self.memory.tables_mut();
        told.iter().for_each(|one| tables.add(one.table, one.key, one.sighting(), at));
    }

    /// Counts what is told of an event where only some keys are counted here: of the others the clocks take notice.
    pub(crate) fn told_some(&mut self, told: &[Told], at: Micros, is_here: impl Fn(Key) -> bool) {
        let tables = self.memory.tables_mut();
        for one in told {
            if is_here(one.key) {
                tables.add(one.table, one.key, one.sighting(), at);
            } else {
                tables.tick(one.table, one.sighting(), at);
            }
        }
    }

    /// What is counted.
    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Labels, and what rules put on lists.
    pub(crate) fn marks(&self) -> &Marks {
        &self.marks
    }

    /// Makes the changes of labels and lists that follow from a decision at that time. Whether they were made: where there
    /// is no room they are not, and are not to be recorded.
    pub fn change(&mut self, effect: &StoredEffect, at: Micros) -> bool {
        self.marks.change(&self.active, effect, at)
    }

    /// As [`Flow::change`], of a decision that a policy before this one may have made.
    pub(crate) fn complete(&mut self, effect: &StoredEffect, at: Micros) -> bool {
        self.marks.complete(&self.active, effect, at)
    }

    /// Makes changes that the journal holds: they were made before.
    pub(crate) fn restore(&mut self, effect: &StoredEffect, at: Micros) {
        self.marks.restore(&self.active, effect, at);
    }

    /// Whether a label or an entry is there, and until when.
    pub(crate) fn held(&self, mark: &Mark) -> Held {
        self.marks.held(mark)
    }

    /// Whether an act may make it so.
    pub(crate) fn would(&mut self, mark: &Mark, to: Held) -> Result<(), ActError> {
        self.marks.would(&self.active, mark, to)
    }

    /// Whether the policy's own text has an entry, which no act takes off.
    pub(crate) fn in_text(&self, list: &str, value: &Value, at: Micros) -> bool {
        let number = self.active.program.lists.iter().position(|l| *l.id == *list);
        number.is_some_and(|n| self.active.contains(ListId(n), value, at))
    }

    /// Makes changes that acts say, now or at a restart.
    pub(crate) fn set(&mut self, changes: &[Changed], at: Micros) {
        for Changed { mark, after, .. } in changes {
            self.marks.set(&self.active, mark, *after, at);
        }
    }

    /// Makes the changes that the record of an act says.
    pub fn act(&mut self, record: &ActRecord) {
        self.set(&record.changes(), record.at);
    }

    /// Makes the changes that followed from an event judged again.
    pub fn again(&mut self, record: &AgainRecord) {
        self.set(&record.changes, record.at);
    }

    /// Says which record what is counted, or forgotten, belongs to: what a snapshot has of it already is not done twice. 0
    /// says that it has nothing of what comes.
    pub(crate) fn set_event(&mut self, seq: u64) {
        self.memory.tables_mut().set_event(seq);
    }

    /// Forgets the keys touched longest ago in the tables of these definitions: what a record of the journal says.
    pub fn forget(&mut self, definitions: &[Box<str>]) {
        self.memory.forget(definitions);
    }

    /// Which definitions' keys are to be forgotten where all of the state may take `most` bytes and `others` are taken by
    /// what is not here; `None` where it is small enough, or nothing can be forgotten. What else is held never takes all
    /// from the counters: to forget the last of them again and again would free nothing.
    pub(crate) fn excess(&self, most: usize, others: usize) -> Option<Vec<Box<str>>> {
        let left = most.saturating_sub(others + self.marks.bytes());
        self.memory.excess(left.max(most / limits::COUNTERS_SHARE))
    }

    /// Keys forgotten for lack of room.
    pub(crate) fn forgotten(&self) -> u64 {
        self.memory.forgotten()
    }

    /// The table that each feature counts into, by its number.
    pub(crate) fn feeds(&self) -> &[Option<TableId>] {
        self.memory.feeds()
    }

    pub(crate) fn tables(&self) -> &Tables {
        self.memory.tables()
    }

    pub(crate) fn tables_mut(&mut self) -> &mut Tables {
        self.memory.tables_mut()
    }

    /// Every table, with the definitions it serves.
    pub(crate) fn served_by(&self) -> BTreeMap<TableId, Vec<(Box<str>, usize)>> {
        self.memory.served_by()
    }

    /// Takes up a table's head from a snapshot, see [`Memory::load_table`].
    pub(crate) fn load_table(
        &mut self,
        definitions: &[(Box<str>, usize)],
        head: &[u8],
        is_delta: bool,
    ) -> Result<Option<TableId>, Unreadable> {
        self.memory.load_table(&self.active.program, definitions, head, is_delta)
    }

    /// All of a snapshot is taken up.
    pub(crate) fn loaded(&mut self) {
        self.memory.loaded(&self.active.program);
    }

    pub(crate) fn write_marks(
        &mut self,
        cursor: &mut marks::Cursor,
        all: bool,
        out: &mut Vec<u8>,
    ) -> Option<marks::Piece> {
        self.marks.write(cursor, all, out)
    }

    pub(crate) fn load_marks(&mut self, piece: marks::Piece, bytes: &[u8]) -> Result<(), Unreadable> {
        self.marks.load(&self.active, piece, bytes)
    }

    pub(crate) fn marks_floor(&self) -> Micros {
        self.marks.floor()
    }

    pub(crate) fn set_marks_floor(&mut self, floor: Micros) {
        self.marks.set_floor(floor);
    }

    pub(crate) fn late_beginnings(&self) -> &BTreeMap<Box<str>, Micros> {
        &self.late
    }

    /// Takes up the beginnings of those definitions that the policy in force has.
    pub(crate) fn set_late_beginnings(&mut self, late: Vec<(Box<str>, Micros)>) {
        let features = &self.active.program.features;
        let known =
            |(definition, _): &(Box<str>, Micros)| features.iter().any(|f| f.definition == *definition);
        self.late = late.into_iter().filter(known).collect();
    }

    /// Bytes that labels and lists hold.
    pub fn marks_bytes(&self) -> usize {
        self.marks.bytes()
    }

    /// What counters, labels and lists hold.
    pub fn size(&self) -> Size {
        let size = self.memory.size();
        Size { bytes: size.bytes + self.marks.bytes(), ..size }
    }
}
