// SPDX-License-Identifier: Apache-2.0
//! What decisions have left on entities: labels, and entries that rules put on lists. Changed by records of their own, so
//! that it is the same after a restart, and acts on later events only.

use crate::active::Active;
use crate::decision::StoredEffect;
use std::collections::{BTreeMap, HashSet};
use wardroom_event::{Micros, Span, Type, Value};
use wardroom_policy::{ListId, Matching, World};
use wardroom_state::{Key, Keyer, Labels, List};

/// Labels that have been over for so long are forgotten: an event later than this sees none.
const GRACE: Span = Span::from_secs(2 * 86_400);
/// Fewer entries of a list than this are not looked through.
const TIDY: usize = 1024;
/// Most labels forgotten with one change.
const FORGET: usize = 32;

/// Labels and additions to lists.
pub(crate) struct Marks {
    keyer: Keyer,
    labels: Labels,
    added: BTreeMap<Box<str>, Added>,
    /// Changes that found no room.
    full: u64,
}

/// What rules put on one list.
struct Added {
    list: List,
    /// As they came, to be put on a list of another kind if the policy makes it one.
    entries: Vec<(Value, Option<Micros>)>,
    /// How many entries there may be before those that were put on anew are looked for.
    tidy_at: usize,
}

impl Added {
    fn new(list: List) -> Added {
        Added { list, entries: Vec::new(), tidy_at: TIDY }
    }

    /// Whether there was room for it.
    fn put(&mut self, value: &Value, until: Option<Micros>, keyer: &Keyer) -> bool {
        let room = self.list.insert(value.clone(), until).is_ok();
        if room {
            self.entries.push((value.clone(), until));
            if self.entries.len() >= self.tidy_at {
                self.tidy(keyer);
            }
        }
        room
    }

    /// Forgets entries that were put on again later: an attacker is listed anew with each event. What is left stands in
    /// the order it came in last, so that it makes the same list.
    fn tidy(&mut self, keyer: &Keyer) {
        let mut seen = HashSet::new();
        self.entries.reverse();
        self.entries.retain(|(value, _)| keyer.key([value]).is_none_or(|key| seen.insert(key)));
        self.entries.reverse();
        self.tidy_at = TIDY.max(2 * self.entries.len());
    }

    fn bytes(&self) -> usize {
        self.list.bytes() + self.entries.capacity() * size_of::<(Value, Option<Micros>)>()
    }
}

impl Marks {
    pub(crate) fn new(keyer: Keyer) -> Marks {
        Marks { keyer, labels: Labels::new(), added: BTreeMap::new(), full: 0 }
    }

    /// Makes a change that follows from a decision at that time.
    pub(crate) fn change(&mut self, active: &Active, effect: &StoredEffect, at: Micros) {
        match effect {
            StoredEffect::Label { kind, value, name, until } => {
                self.labels.purge(at.minus(GRACE), FORGET);
                if let Some(key) = self.bearer(*kind, value) {
                    self.full += u64::from(self.labels.set(key, name, *until).is_err());
                }
            }
            StoredEffect::List { list, value, until, .. } => self.list(active, list, value, *until),
            StoredEffect::Case(_) | StoredEffect::Notify(_) | StoredEffect::Webhook(_) => {}
        }
    }

    fn list(&mut self, active: &Active, id: &str, value: &Value, until: Option<Micros>) {
        let keyer = &self.keyer;
        let added = self.added.entry(id.into()).or_insert_with(|| Added::new(empty(active, id, keyer)));
        self.full += u64::from(!added.put(value, until, keyer));
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
        self.bearer(kind, entity).map_or(Value::Missing, |key| Value::Bool(self.labels.has(key, name, at)))
    }

    /// Who bears a label: an account and a device of the same text are two.
    fn bearer(&self, kind: Type, entity: &Value) -> Option<Key> {
        self.keyer.key([&Value::Text(kind.name().into()), entity])
    }

    fn lists(&self, id: &str, value: &Value, at: Micros) -> bool {
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
