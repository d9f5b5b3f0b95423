// SPDX-License-Identifier: Apache-2.0
//! What decisions and acts have left on entities: labels, and entries that rules and people put on lists. Changed by records
//! of their own, so that it is the same after a restart, and acts on later events only.

mod taken_off;

use crate::active::Active;
use crate::acts::{ActError, Held, Mark};
use crate::decision::StoredEffect;
use crate::limits;
use crate::record::{Input, Unreadable, put_len, put_text, put_until, put_value, until, value};
use std::collections::BTreeMap;
use std::ops::Bound;
use taken_off::{Off, TakenOff};
use wardroom_event::{Micros, Span, Type, Value, nearest};
use wardroom_policy::{ListId, Matching, World};
use wardroom_state::{Key, Keyer, LabelError, Labels, List, ListError, Place, Values};

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
    /// What acts took off of either, as long as a snapshot may still have it.
    taken_off: TakenOff,
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
    /// The last of what was taken off that is written, once all lists are.
    taken_off: Option<Box<[u8]>>,
    /// The entries of a piece, kept to be filled again.
    entries: Vec<u8>,
}

/// A piece of labels or of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Labels,
    List,
    TakenOff,
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

    /// Whether a value is held, at whatever time.
    fn held(&self, value: &Value) -> Option<Option<Micros>> {
        self.list.until(value).or_else(|| self.waiting.end(value))
    }

    /// Holds a value no longer.
    fn take_off(&mut self, value: &Value) {
        self.list.remove(value);
        self.waiting.unset(value);
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
        let taken_off = TakenOff::default();
        Marks { keyer, labels, floor: Micros(i64::MIN), added, added_bytes: 0, taken_off, most }
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
                let made = self.labels.growth(key, name, *until) <= self.room()
                    && self.labels.set(key, name, *until).is_ok();
                self.taken_off.forget_label(key, name);
                made
            }
            StoredEffect::List { list, value, until, .. } => {
                let room = self.room();
                self.taken_off.forget_entry(list, value);
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
                    self.taken_off.forget_label(key, name);
                }
            }
            StoredEffect::List { list, value, until, .. } => {
                self.taken_off.forget_entry(list, value);
                self.with_list(active, list, |added| added.restore(value.clone(), *until));
            }
            StoredEffect::Case(_) | StoredEffect::Notify(_) | StoredEffect::Webhook(_) => return,
        }
        self.age(at);
    }

    /// Whether a label or an entry is there, and until when; what is long over is not.
    pub(crate) fn held(&self, mark: &Mark) -> Held {
        let held = match mark {
            Mark::Label { kind, value, name } => {
                self.bearer(*kind, value).and_then(|key| self.labels.until(key, name))
            }
            Mark::Entry { list, value, .. } => self.added.get(list).and_then(|added| added.held(value)),
        };
        match held.map(Held::until) {
            Some(Held::Until(end)) if end <= self.floor => Held::Not,
            held => held.unwrap_or(Held::Not),
        }
    }

    /// Whether an act may make it so: an act asks before it is on record, for what is on record is made.
    pub(crate) fn would(&mut self, active: &Active, mark: &Mark, to: Held) -> Result<(), ActError> {
        let room = self.room();
        match (mark, to) {
            (Mark::Label { kind, value, .. }, _) if !kind.is_entity() || value.is_missing() => {
                Err(ActError::NoEntity(*kind))
            }
            (Mark::Label { .. }, Held::Not) => self.taken_off.has_room(),
            (Mark::Label { kind, value, name }, to) => {
                let key = self.bearer(*kind, value).ok_or(ActError::NoEntity(*kind))?;
                match self.labels.would(key, name) {
                    Ok(()) if self.labels.growth(key, name, to.end()) <= room => Ok(()),
                    Ok(()) | Err(LabelError::Full { .. }) => Err(ActError::NoRoom),
                    Err(why) => Err(ActError::NoLabel(why.to_string())),
                }
            }
            (Mark::Entry { list, value, .. }, to) => {
                let declared = declared(active, list)?;
                let expected = declared.kind;
                let no =
                    |why: ListError| ActError::NoEntry { list: list.clone(), expected, why: why.to_string() };
                let fresh = empty(active, list, &self.keyer);
                let held = self.added.get(list).map_or(&fresh, |added| &added.list);
                match held.would(value) {
                    Err(ListError::Full { .. }) => Err(ActError::NoRoom),
                    Err(why) => Err(no(why)),
                    Ok(()) if to == Held::Not => self.taken_off.has_room(),
                    Ok(()) if held.growth(value) <= room => Ok(()),
                    Ok(()) => Err(ActError::NoRoom),
                }
            }
        }
    }

    /// Makes it so: what an act's record says, now or at a restart.
    pub(crate) fn set(&mut self, active: &Active, mark: &Mark, to: Held, at: Micros) {
        // Nothing moves the times of events here: an act has a clock of its own.
        match mark {
            Mark::Label { kind, value, name } => {
                self.labels.purge(self.floor, FORGET);
                let Some(key) = self.bearer(*kind, value) else { return };
                if to == Held::Not {
                    self.labels.remove(key, name);
                    self.taken_off.label(key, name, at.max(self.floor.plus(GRACE)));
                } else {
                    let _ = self.labels.restore(key, name, to.end());
                    self.taken_off.forget_label(key, name);
                }
            }
            Mark::Entry { list, value, .. } => {
                let off = at.max(self.floor.plus(GRACE));
                if to == Held::Not {
                    self.with_list(active, list, |added| added.take_off(value));
                    self.taken_off.entry(list, value, off);
                } else {
                    self.with_list(active, list, |added| added.restore(value.clone(), to.end()));
                    self.taken_off.forget_entry(list, value);
                }
            }
        }
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
        let begun = cursor.list.take().or_else(|| {
            let after = cursor.done.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let (id, _) = self.added.range::<str, _>((after, Bound::Unbounded)).next()?;
            Some((id.clone(), false))
        });
        let Some((id, waiting)) = begun else {
            // After all that it was taken off of: what is there again since is forgotten here.
            self.taken_off.let_go(self.floor);
            return self.taken_off.write(&mut cursor.taken_off, out).then_some(Piece::TakenOff);
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
        if piece == Piece::TakenOff {
            // Not kept in mind again: whatever goes on from here has this snapshot before it.
            while let Some(off) = taken_off::read(&mut input)? {
                match off {
                    Off::Label(key, name) => drop(self.labels.remove(key, &name)),
                    Off::Entry(list, value) => {
                        self.with_list(active, &list, |added| added.take_off(&value));
                    }
                }
            }
            return Ok(());
        }
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
        self.labels.bytes() + self.added_bytes + self.taken_off.bytes()
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

/// The list of this id, if anything but the policy's text may change it: what it holds is part of each decision then.
fn declared<'a>(active: &'a Active, id: &str) -> Result<&'a wardroom_policy::List, ActError> {
    let lists = &active.program.lists;
    let Some(list) = lists.iter().find(|list| *list.id == *id) else {
        let near = nearest(id, lists.iter().map(|list| &*list.id)).map(Into::into);
        return Err(ActError::NoList { list: id.into(), near });
    };
    match list.matching {
        Matching::Pattern => Err(ActError::FixedList(id.into())),
        _ if !list.changes => Err(ActError::FixedList(id.into())),
        _ => Ok(list),
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
