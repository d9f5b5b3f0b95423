// SPDX-License-Identifier: Apache-2.0
//! Who said what of whom: all opinions by subject, taken in the order of their records, from the journal or from the table
//! of labels.
//!
//! An act that is undone is found by its number, so that taking one in costs the same however much was said before. What is
//! kept is bounded; beyond it there is an error and no half of the truth.

use crate::HistoryError;
use crate::changes::{ACT, EVENT, Row, Said as Told};
use crate::labels::{Classes, Opinion, Said, class_of_event, labels_at};
use crate::limits::{DELAYS, OPINIONS};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use wardroom_event::{Micros, Part, Sight, Span, Type, Value};

/// All that was said, as far as it was taken in.
#[derive(Debug, Default)]
pub struct Opinions {
    by: HashMap<Arc<str>, Vec<Opinion>>,
    /// The subjects of an act, or of an event judged again, by its record.
    acts: HashMap<u64, Vec<Arc<str>>>,
    /// The types of which anybody says anything.
    kinds: HashSet<Box<str>>,
    /// What labels are about, and how long after that they were said.
    delays: Vec<(Micros, Span)>,
    count: usize,
    newest: Option<Micros>,
}

/// What is said of one event: of itself, and of each of its entities.
pub struct OfEvent<'a> {
    itself: &'a [Opinion],
    entities: Vec<&'a [Opinion]>,
}

impl Opinions {
    /// Whether nobody has said anything.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// When the newest of it was said.
    pub fn newest(&self) -> Option<Micros> {
        self.newest
    }

    /// Takes in what a record says, in the order of records.
    ///
    /// # Errors
    /// [`HistoryError::ManyOpinions`].
    pub(crate) fn hear(&mut self, (table, told): Row) -> Result<(), HistoryError> {
        if table == crate::LABELS { self.take(told) } else { Ok(()) }
    }

    /// Takes in a row of the table of labels.
    pub(crate) fn take(&mut self, told: Told) -> Result<(), HistoryError> {
        if *told.subject_kind == *ACT {
            return self.undone(&told);
        }
        let by_rule = told.source.starts_with("rule:");
        if told.time != told.known && !by_rule && self.delays.len() < DELAYS {
            self.delays.push((told.time, told.known.since(told.time)));
        }
        let subject: Arc<str> = format!("{} {}", told.subject_kind, told.subject).into();
        if !self.kinds.contains(&told.subject_kind) {
            self.kinds.insert(told.subject_kind);
        }
        // Of what a rule said only that which followed from judging again can be undone, and that somebody asked for.
        if told.by.is_some() {
            self.acts.entry(told.seq).or_default().push(subject.clone());
        }
        let said = if told.says { Said::Yes } else { Said::No };
        let Told { seq, known, source, until, confidence, .. } = told;
        self.put(subject, Opinion { seq, known, source, label: told.name, said, until, confidence })
    }

    fn undone(&mut self, told: &Told) -> Result<(), HistoryError> {
        let Ok(act) = told.subject.parse() else { return Ok(()) };
        for subject in self.acts.get(&act).cloned().unwrap_or_default() {
            let (seq, known, source, label) = (told.seq, told.known, told.source.clone(), "".into());
            let said = Said::Undone(act);
            self.put(subject, Opinion { seq, known, source, label, said, until: None, confidence: None })?;
        }
        Ok(())
    }

    fn put(&mut self, subject: Arc<str>, opinion: Opinion) -> Result<(), HistoryError> {
        if self.count >= OPINIONS {
            return Err(HistoryError::ManyOpinions);
        }
        self.count += 1;
        self.newest = self.newest.max(Some(opinion.known));
        self.by.entry(subject).or_default().push(opinion);
        Ok(())
    }

    /// All that was ever said of a subject, in the order of the records: of an entity by its type and text, of an event by
    /// `event` and its number.
    pub fn of(&self, kind: &str, subject: &str) -> &[Opinion] {
        if !self.kinds.contains(kind) {
            return &[];
        }
        self.by.get(&*format!("{kind} {subject}")).map_or(&[], Vec::as_slice)
    }

    fn of_entity(&self, kind: Type, value: &Value) -> &[Opinion] {
        // Nobody says anything of most types: their values need not be put in words.
        if !self.kinds.contains(kind.name()) {
            return &[];
        }
        self.of(kind.name(), &value.show(kind, Sight::Full))
    }

    /// What is said of an event with this number and these entities; of an address also what is said of its network.
    pub fn of_event<'v>(
        &self,
        seq: u64,
        entities: impl IntoIterator<Item = (Type, &'v Value)>,
    ) -> OfEvent<'_> {
        if self.is_empty() {
            return OfEvent { itself: &[], entities: Vec::new() };
        }
        let itself = if self.kinds.contains(EVENT) { self.of(EVENT, &seq.to_string()) } else { &[] };
        let mut all = Vec::new();
        for (kind, value) in entities.into_iter().filter(|(kind, v)| kind.is_entity() && !v.is_missing()) {
            all.push(self.of_entity(kind, value));
            if kind == Type::Ip {
                all.push(self.of_entity(Type::Net, &Part::IpNet.of(value)));
            }
        }
        OfEvent { itself, entities: all }
    }

    /// How long labels took to be known, of those about a time from `from` on and known by then.
    pub fn delays(&self, from: Micros, as_of: Micros) -> Vec<Span> {
        let known = |(about, delay): &&(Micros, Span)| *about >= from && about.plus(*delay) <= as_of;
        self.delays.iter().filter(known).map(|(_, delay)| *delay).collect()
    }
}

impl OfEvent<'_> {
    /// Its class at a time.
    pub fn class(&self, as_of: Micros) -> Option<&'static str> {
        let entities = self.entities.iter().copied();
        class_of_event(self.itself, entities, &Classes::default(), as_of).map(|class| class.name())
    }

    /// The labels that it or one of its entities bears at a time, each once, in order.
    pub fn labels(&self, as_of: Micros) -> BTreeSet<&str> {
        let all = self.entities.iter().copied().chain([self.itself]);
        all.flat_map(|said| labels_at(said, as_of)).collect()
    }
}
