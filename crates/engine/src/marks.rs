// SPDX-License-Identifier: Apache-2.0
//! What decisions have left on entities: labels, and entries that rules put on lists. Changed by records of their own, so
//! that it is the same after a restart, and acts on later events only.

use crate::active::Active;
use crate::decision::StoredEffect;
use crate::limits;
use crate::record::{Input, Unreadable, put_len, put_text, put_until, put_value, until, value};
use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;
use wardroom_event::{Micros, Span, Type, Value};
use wardroom_policy::{ListId, Matching, World};
use wardroom_state::{Key, Keyer, LABEL_SHARDS, Labels, List};

/// Labels and entries that have been over for so long are forgotten: an event later than this sees none.
const GRACE: Span = Span::from_secs(2 * 86_400);
/// Fewer entries of a list than this are not looked through.
const TIDY: usize = 1024;
/// Most labels forgotten with one change.
const FORGET: usize = 32;

/// Labels and additions to lists.
pub(crate) struct Marks {
    keyer: Keyer,
    labels: Labels,
    /// What was over by then is no more, whether it has been let go of yet or not.
    floor: Micros,
    added: BTreeMap<Box<str>, Added>,
    /// Changes that found no room.
    full: u64,
}

/// How far a snapshot has come with labels and lists.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    /// Shards of labels written.
    labels: usize,
    /// The list being written, with how many of its entries are, and how often it had been tidied then.
    list: Option<(Box<str>, usize, u64)>,
    /// The last list that is written.
    done: Option<Box<str>>,
}

/// A piece of labels or of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Labels,
    List,
}

/// What rules put on one list.
struct Added {
    list: List,
    /// As they came, to be put on a list of another kind if the policy makes it one.
    entries: Vec<(Value, Option<Micros>)>,
    /// How many entries there may be before those that were put on anew are looked for.
    tidy_at: usize,
    /// How often that was done.
    tidied: u64,
    /// How many of the entries the last snapshot has.
    written: usize,
}

impl Added {
    fn new(list: List) -> Added {
        Added { list, entries: Vec::new(), tidy_at: TIDY, tidied: 0, written: 0 }
    }

    /// Whether there was room for it.
    fn put(&mut self, value: &Value, until: Option<Micros>, floor: Micros, keyer: &Keyer) -> bool {
        self.list.tidy(floor, FORGET);
        let room = self.list.insert(value.clone(), until).is_ok();
        if room {
            self.keep(value.clone(), until, floor, keyer);
        }
        room
    }

    /// As [`Added::put`], where there was room before a restart. A value that does not fit a list of this kind waits for
    /// a policy that it fits.
    fn restore(&mut self, value: Value, until: Option<Micros>, floor: Micros, keyer: &Keyer) {
        self.list.tidy(floor, FORGET);
        let _ = self.list.insert(value.clone(), until);
        self.keep(value, until, floor, keyer);
    }

    fn keep(&mut self, value: Value, until: Option<Micros>, floor: Micros, keyer: &Keyer) {
        self.entries.push((value, until));
        if self.entries.len() >= self.tidy_at {
            self.tidy(floor, keyer);
        }
    }

    /// Forgets entries that were put on again later, and those long over: an attacker is listed anew with each event. What is left stands in
    /// the order it came in last, so that it makes the same list.
    fn tidy(&mut self, floor: Micros, keyer: &Keyer) {
        let mut seen = HashSet::new();
        self.entries.reverse();
        self.entries.retain(|(value, until)| {
            let is_newest = keyer.key([value]).is_none_or(|key| seen.insert(key));
            is_newest && until.is_none_or(|until| until > floor)
        });
        self.entries.reverse();
        self.tidy_at = TIDY.max(2 * self.entries.len());
        self.tidied += 1;
        self.written = 0;
    }

    fn bytes(&self) -> usize {
        self.list.bytes() + self.entries.capacity() * size_of::<(Value, Option<Micros>)>()
    }
}

impl Marks {
    pub(crate) fn new(keyer: Keyer) -> Marks {
        Marks { keyer, labels: Labels::new(), floor: Micros(i64::MIN), added: BTreeMap::new(), full: 0 }
    }

    /// Makes a change that follows from a decision at that time. Whether it was made: one for which there is no room is
    /// not, and is not to be recorded.
    pub(crate) fn change(&mut self, active: &Active, effect: &StoredEffect, at: Micros) -> bool {
        let made = match effect {
            StoredEffect::Label { kind, value, name, until } => {
                self.labels.purge(self.floor, FORGET);
                let Some(key) = self.bearer(*kind, value) else { return false };
                self.labels.set(key, name, *until).is_ok()
            }
            StoredEffect::List { list, value, until, .. } => {
                let (keyer, floor) = (self.keyer.clone(), self.floor);
                self.added(active, list).put(value, *until, floor, &keyer)
            }
            StoredEffect::Case(_) | StoredEffect::Notify(_) | StoredEffect::Webhook(_) => return false,
        };
        self.full += u64::from(!made);
        if made {
            self.age(at);
        }
        made
    }

    /// Makes a change that the journal holds: it was made before.
    pub(crate) fn restore(&mut self, active: &Active, effect: &StoredEffect, at: Micros) {
        match effect {
            StoredEffect::Label { kind, value, name, until } => {
                self.labels.purge(self.floor, FORGET);
                if let Some(key) = self.bearer(*kind, value) {
                    self.full += u64::from(self.labels.restore(key, name, *until).is_err());
                }
            }
            StoredEffect::List { list, value, until, .. } => {
                let (keyer, floor) = (self.keyer.clone(), self.floor);
                self.added(active, list).restore(value.clone(), *until, floor, &keyer);
            }
            StoredEffect::Case(_) | StoredEffect::Notify(_) | StoredEffect::Webhook(_) => return,
        }
        self.age(at);
    }

    /// What was long over at that time is no more. It is let go of a few at a time; what shows does not depend on it, so
    /// that a restart may do it at other moments.
    fn age(&mut self, at: Micros) {
        self.floor = self.floor.max(at.minus(GRACE));
    }

    fn added(&mut self, active: &Active, id: &str) -> &mut Added {
        if !self.added.contains_key(id) {
            self.added.insert(id.into(), Added::new(empty(active, id, &self.keyer)));
        }
        self.added.get_mut(id).expect("it was put there if it was not there")
    }

    /// What a snapshot says of labels at its beginning.
    pub(crate) fn floor(&self) -> Micros {
        self.floor
    }

    /// Takes up what [`Marks::floor`] was.
    pub(crate) fn set_floor(&mut self, floor: Micros) {
        self.floor = self.floor.max(floor);
    }

    /// Appends the next piece for a snapshot: of all there is, or of what came since the last. `None` when there is no
    /// more; a piece may be empty.
    pub(crate) fn write(&mut self, cursor: &mut Cursor, all: bool, out: &mut Vec<u8>) -> Option<Piece> {
        if cursor.labels < LABEL_SHARDS {
            self.labels.write(cursor.labels, all, out);
            cursor.labels += 1;
            return Some(Piece::Labels);
        }
        let after = cursor.done.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let (id, added) = self.added.range_mut::<str, _>((after, Bound::Unbounded)).next()?;
        let begun = if all { 0 } else { added.written };
        let (_, mut at, tidied) = cursor.list.take().unwrap_or_else(|| (id.clone(), begun, added.tidied));
        if tidied != added.tidied {
            // They have moved, and come again.
            at = 0;
        }
        let to = (at + limits::LIST_PIECE).min(added.entries.len());
        let entries = added.entries.get(at..to).unwrap_or_default();
        if !entries.is_empty() {
            put_text(out, id);
            put_len(out, entries.len());
            for (value, until) in entries {
                put_value(out, value);
                put_until(out, *until);
            }
        }
        if to == added.entries.len() {
            added.written = to;
            cursor.done = Some(id.clone());
        } else {
            cursor.list = Some((id.clone(), to, added.tidied));
        }
        Some(Piece::List)
    }

    /// Takes up a piece that [`Marks::write`] wrote.
    pub(crate) fn load(&mut self, active: &Active, piece: Piece, bytes: &[u8]) -> Result<(), Unreadable> {
        if piece == Piece::Labels {
            return self.labels.load(bytes).map_err(|e| e.to_string());
        }
        let mut input = Input::new(bytes);
        let id = input.text()?;
        let (keyer, floor) = (self.keyer.clone(), self.floor);
        let added = self.added(active, id);
        for _ in 0..input.len()? {
            let value = value(&mut input)?;
            let until = until(&mut input)?;
            added.restore(value, until, floor, &keyer);
        }
        // The snapshot after this one need not have them again.
        added.written = added.entries.len();
        input.finish()
    }

    /// A policy came into force: lists are made of the kind it says.
    pub(crate) fn adopt(&mut self, active: &Active) {
        for (id, added) in &mut self.added {
            let mut list = empty(active, id, &self.keyer);
            if list.kind() == added.list.kind() {
                continue;
            }
            for (value, until) in &added.entries {
                // What does not fit the new kind stays in the entries, and waits for a policy that it fits.
                let _ = list.insert(value.clone(), *until);
            }
            added.list = list;
        }
    }

    /// Whether an entity bears a label; unknown where there is no entity.
    pub(crate) fn labelled(&self, kind: Type, entity: &Value, name: &str, at: Micros) -> Value {
        let at = at.max(self.floor);
        self.bearer(kind, entity).map_or(Value::Missing, |key| Value::Bool(self.labels.has(key, name, at)))
    }

    /// Who bears a label: an account and a device of the same text are two.
    fn bearer(&self, kind: Type, entity: &Value) -> Option<Key> {
        self.keyer.key([&Value::Text(kind.name().into()), entity])
    }

    fn lists(&self, id: &str, value: &Value, at: Micros) -> bool {
        let at = at.max(self.floor);
        self.added.get(id).and_then(|added| added.list.contains(value, at)).unwrap_or(false)
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.labels.bytes() + self.added.values().map(Added::bytes).sum::<usize>()
    }
}

/// A list of the kind that the policy has for this id.
fn empty(active: &Active, id: &str, keyer: &Keyer) -> List {
    match active.program.lists.iter().find(|l| *l.id == *id) {
        Some(list) if list.matching == Matching::Suffix => List::suffixes(keyer.clone()),
        Some(list) => List::new(list.kind, keyer.clone()),
        None => List::new(Type::Text, keyer.clone()),
    }
}

/// What a policy asks of its installation: the policy's own lists with what rules added to them.
pub(crate) struct Surroundings<'a> {
    pub(crate) active: &'a Active,
    pub(crate) marks: &'a Marks,
}

impl World for Surroundings<'_> {
    fn contains(&self, list: ListId, value: &Value, at: Micros) -> bool {
        self.active.contains(list, value, at)
            || self.active.program.lists.get(list.0).is_some_and(|l| self.marks.lists(&l.id, value, at))
    }

    fn bucket(&self, rule: &str, entity: &Value) -> u32 {
        self.active.bucket(rule, entity)
    }
}
