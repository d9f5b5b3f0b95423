// SPDX-License-Identifier: Apache-2.0
//! What decisions have left on entities: labels, and entries that rules put on lists. Changed by records of their own, so
//! that it is the same after a restart, and acts on later events only.

use crate::active::Active;
use crate::decision::StoredEffect;
use crate::limits;
use crate::record::{Input, Unreadable, put_len, put_text, put_until, put_value, until, value};
use std::collections::BTreeMap;
use std::ops::Bound;
use wardroom_event::{Micros, Span, Type, Value};
use wardroom_policy::{ListId, Matching, World};
use wardroom_state::{Key, Keyer, Labels, List, ListError, Place, Values};

/// Labels and entries that have been over for so long are forgotten: an event later than this sees none.
const GRACE: Span = Span::from_secs(2 * 86_400);
/// At how many labels or entries of a list a change looks, to forget those that are over.
const FORGET: usize = 32;

/// Labels and additions to lists.
pub(crate) struct Marks {
    keyer: Keyer,
    labels: Labels,
    /// What was over by then is no more, whether it has been let go of yet or not.
    floor: Micros,
    added: BTreeMap<Box<str>, Added>,
    /// Bytes that these hold.
    added_bytes: usize,
    /// Most bytes that labels and lists may come to by changes.
    most: usize,
}

/// How far a snapshot has come with labels and lists.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    labels_done: bool,
    /// Where it goes on among the labels, or in the list.
    place: Place,
    /// The list being written, and whether it has come to the values that wait.
    list: Option<(Box<str>, bool)>,
    /// The last list that is written.
    done: Option<Box<str>>,
    /// The entries of a piece, kept to be filled again.
    entries: Vec<u8>,
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
    /// Values that do not fit a list of this kind: they wait for a policy that makes it one that they fit.
    waiting: Values,
}

impl Added {
    fn new(list: List, keyer: &Keyer) -> Added {
        Added { list, waiting: Values::new(keyer.clone()) }
    }

    /// Forgets some of what is long over: an attacker is listed anew with each event.
    fn tidy(&mut self, floor: Micros) {
        self.list.tidy(floor, FORGET);
        if !self.waiting.is_empty() {
            self.waiting.tidy(floor, FORGET);
        }
    }

    /// Whether a value was listed, or waits if it does not fit and may.
    fn put(&mut self, value: &Value, until: Option<Micros>, may_wait: bool) -> bool {
        match self.list.insert(value.clone(), until) {
            Ok(_) => true,
            Err(ListError::Full { .. }) => false,
            Err(ListError::WrongType { .. } | ListError::NoSuffix | ListError::Fixed) => {
                if may_wait {
                    self.waiting.set(value.clone(), until);
                }
                may_wait
            }
        }
    }

    /// Lists a value that was listed before.
    fn restore(&mut self, value: Value, until: Option<Micros>) {
        match self.list.restore(value.clone(), until) {
            Ok(_) | Err(ListError::Full { .. }) => {}
            Err(ListError::WrongType { .. } | ListError::NoSuffix | ListError::Fixed) => {
                self.waiting.set(value, until);
            }
        }
    }

    /// The same entries, as far as they fit, on an empty list.
    fn moved_to(self, list: List, keyer: &Keyer) -> Added {
        let mut moved = Added::new(list, keyer);
        self.list.into_entries(|value, until| moved.restore(value, until));
        self.waiting.into_entries().for_each(|(value, until)| moved.restore(value, until));
        moved
    }

    fn bytes(&self) -> usize {
        size_of::<Added>() + self.list.bytes() + self.waiting.bytes()
    }
}

impl Marks {
    pub(crate) fn new(keyer: Keyer) -> Marks {
        let (labels, added) = (Labels::new(), BTreeMap::new());
        let most = limits::MEMORY_BYTES as usize / limits::MARKS_SHARE;
        Marks { keyer, labels, floor: Micros(i64::MIN), added, added_bytes: 0, most }
    }

    /// Sets how many bytes all of the state may take.
    pub(crate) fn set_memory(&mut self, memory: usize) {
        self.most = memory / limits::MARKS_SHARE;
    }

    /// How many bytes more there is room for. What takes none, as an entry that is listed anew, always finds it.
    fn room(&self) -> usize {
        self.most.saturating_sub(self.bytes())
    }

    /// Makes a change that follows from a decision at that time. Whether it was made: one for which there is no room is
    /// not, and is not to be recorded. What is recorded is what counts: whether there is room may depend on where the maps
    /// stand, and be another after a restart.
    pub(crate) fn change(&mut self, active: &Active, effect: &StoredEffect, at: Micros) -> bool {
        self.make(active, effect, at, false)
    }

    /// As [`Marks::change`], of a decision that a policy before this one may have made: a value that does not fit a list of
    /// today fitted then, and waits.
    pub(crate) fn complete(&mut self, active: &Active, effect: &StoredEffect, at: Micros) -> bool {
        self.make(active, effect, at, true)
    }

    fn make(&mut self, active: &Active, effect: &StoredEffect, at: Micros, may_wait: bool) -> bool {
        let made = match effect {
            StoredEffect::Label { kind, value, name, until } => {
                self.labels.purge(self.floor, FORGET);
                let Some(key) = self.bearer(*kind, value) else { return false };
                self.labels.growth(key, name, *until) <= self.room()
                    && self.labels.set(key, name, *until).is_ok()
            }
            StoredEffect::List { list, value, until, .. } => {
                let room = self.room();
                self.with_list(active, list, |added| {
                    added.list.growth(value) <= room && added.put(value, *until, may_wait)
                })
            }
            StoredEffect::Case(_) | StoredEffect::Notify(_) | StoredEffect::Webhook(_) => return false,
        };
        if made {
            self.age(at);
        }
        made
    }

    /// Makes a change that the journal holds: it was made before, and there was room for it.
    pub(crate) fn restore(&mut self, active: &Active, effect: &StoredEffect, at: Micros) {
        match effect {
            StoredEffect::Label { kind, value, name, until } => {
                self.labels.purge(self.floor, FORGET);
                if let Some(key) = self.bearer(*kind, value) {
                    // Of more names than there may be, those that came last go without.
                    let _ = self.labels.restore(key, name, *until);
                }
            }
            StoredEffect::List { list, value, until, .. } => {
                self.with_list(active, list, |added| added.restore(value.clone(), *until));
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

    /// Changes what rules put on a list, and keeps the books of its bytes.
    fn with_list<T>(&mut self, active: &Active, id: &str, change: impl FnOnce(&mut Added) -> T) -> T {
        if !self.added.contains_key(id) {
            let added = Added::new(empty(active, id, &self.keyer), &self.keyer);
            self.added_bytes += added.bytes();
            self.added.insert(id.into(), added);
        }
        let added = self.added.get_mut(id).expect("it was put there if it was not there");
        let before = added.bytes();
        added.tidy(self.floor);
        let changed = change(added);
        self.added_bytes = self.added_bytes - before + added.bytes();
        changed
    }

    /// Gives every entry that rules put on a list to `change`, which may give another for it.
    pub(crate) fn exchange(&mut self, change: &mut dyn FnMut(&Value) -> Option<Value>) {
        for added in self.added.values_mut() {
            added.list.exchange(change);
            added.waiting.exchange(change);
        }
        self.added_bytes = self.added.values().map(Added::bytes).sum();
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
        if !cursor.labels_done {
            if !self.labels.write(&mut cursor.place, all, out) {
                (cursor.labels_done, cursor.place) = (true, Place::default());
            }
            return Some(Piece::Labels);
        }
        let (id, waiting) = match cursor.list.take() {
            Some(begun) => begun,
            None => {
                let after = cursor.done.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
                let (id, _) = self.added.range::<str, _>((after, Bound::Unbounded)).next()?;
                (id.clone(), false)
            }
        };
        let added = self.added.get_mut(&id)?;
        cursor.entries.clear();
        let (mut count, entries) = (0, &mut cursor.entries);
        let mut put = |value: &Value, until: Option<Micros>| {
            put_value(entries, value);
            put_until(entries, until);
            count += 1;
        };
        let goes_on = match waiting {
            false => added.list.show(&mut cursor.place, all, &mut put),
            true => added.waiting.show(&mut cursor.place, all, &mut put),
        };
        if count > 0 {
            put_text(out, &id);
            put_len(out, count);
            out.extend_from_slice(&cursor.entries);
        }
        if !goes_on {
            cursor.place = Place::default();
        }
        match (goes_on, waiting) {
            (false, true) => cursor.done = Some(id),
            (goes_on, waiting) => cursor.list = Some((id, waiting || !goes_on)),
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
        self.with_list(active, id, |added| {
            for _ in 0..input.len()? {
                let value = value(&mut input)?;
                let until = until(&mut input)?;
                added.restore(value, until);
            }
            input.finish()
        })
    }

    /// A policy came into force: lists are made of the kind it says.
    pub(crate) fn adopt(&mut self, active: &Active) {
        for (id, added) in &mut self.added {
            let list = empty(active, id, &self.keyer);
            if list.is_like(&added.list) {
                continue;
            }
            let none = Added::new(empty(active, id, &self.keyer), &self.keyer);
            *added = std::mem::replace(added, none).moved_to(list, &self.keyer);
        }
        self.added_bytes = self.added.values().map(Added::bytes).sum();
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
        self.labels.bytes() + self.added_bytes
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
