// SPDX-License-Identifier: Apache-2.0
//! What would turn a rule: the single changes that would make it fire where it does not, or keep quiet where it fires.
//!
//! A change is looked for where the condition says what it wants: a comparison with a value, a membership, a truth. All
//! else stays as it is, so this is about the condition and not about the world: an event with another value might have
//! been served other counts. Where the changed value lies in a slot, the rule is asked again with it in place, and
//! [`Flip::alone`] says what it answered.

mod change;
mod words;

use crate::compile::{Looker, Slot};
use crate::limits;
use crate::program::{Missing, Program, Rule, Source};
use crate::{Piece, Row, Tri};
use change::Finder;
use wardroom_event::{Event, Value};

/// A change that would turn a rule, or that has to come with others.
#[derive(Clone, Debug, PartialEq)]
pub struct Flip {
    /// The term it is about, by its place in the rule.
    pub term: usize,
    /// What it is and what it would have to be.
    pub words: Vec<Piece>,
    /// Whether this change alone would turn the rule; otherwise others are needed with it, or nothing is certain since
    /// something is unknown.
    pub alone: bool,
}

/// A change as it is found.
struct Change {
    words: Vec<Piece>,
    /// Where the value lies and what it would be, where it can be tried.
    put: Option<(Slot, Value)>,
    /// Whether the form of the condition says that this is enough.
    enough: bool,
}

impl Rule {
    /// Whether it fires, given how its condition stands.
    pub fn fires(&self, holds: Tri) -> bool {
        holds == Tri::True || (holds == Tri::Unknown && self.missing != Missing::Nothing)
    }
}

impl Program {
    /// What would turn a rule on this row, those that are enough alone first. At most [`limits::FLIPS`].
    pub fn flips(&self, rule: usize, row: &Row<'_>) -> Vec<Flip> {
        let Some(rule) = self.rules.get(rule) else { return Vec::new() };
        let want = !rule.fires(rule.holds(row));
        let mut flips = Vec::new();
        let stand: Vec<Tri> = rule.terms.iter().map(|t| t.holds(row)).collect();
        let failing = stand.iter().filter(|holds| **holds != Tri::True).count();
        for (term, holds) in stand.into_iter().enumerate() {
            if want && holds == Tri::True {
                continue;
            }
            let mut finder = Finder::new(Looker { program: self, on: rule.on }, *row, want);
            finder.find(&rule.terms[term].typed, want, !want || failing == 1);
            for change in finder.found {
                let alone = self.is_enough(rule, row, &change, want);
                flips.push(Flip { term, words: change.words, alone });
            }
        }
        flips.sort_by_key(|flip| !flip.alone);
        flips.truncate(limits::FLIPS);
        flips
    }

    /// Whether the rule turns with this change in place.
    fn is_enough(&self, rule: &Rule, row: &Row<'_>, change: &Change, want: bool) -> bool {
        let Some((slot, value)) = &change.put else { return change.enough };
        let mut values = row.event.values.to_vec();
        let mut served = row.served.to_vec();
        let place = match slot {
            Slot::Field(slot) => values.get_mut(*slot),
            Slot::Served(slot) => served.get_mut(*slot),
            Slot::Item(_) => return change.enough,
        };
        let Some(place) = place else { return false };
        *place = value.clone();
        let event = Event { values: values.into(), ..row.event.clone() };
        let pinned = match slot {
            Slot::Served(slot) => Some(*slot),
            _ => None,
        };
        self.compute(rule, &event, &mut served, pinned, row);
        let holds = rule.holds(&Row { event: &event, served: &served, ..*row });
        if want { holds == Tri::True } else { holds == Tri::False }
    }

    /// Computes again what is computed from what has changed.
    fn compute(
        &self,
        rule: &Rule,
        event: &Event,
        served: &mut [Value],
        pinned: Option<usize>,
        row: &Row<'_>,
    ) {
        for (slot, serve) in self.plan(rule.on).serve.iter().enumerate() {
            if let Source::Computed(of) = &serve.source
                && pinned != Some(slot)
            {
                let value = of.of(&Row { event, served, ..*row });
                if let Some(place) = served.get_mut(slot) {
                    *place = value;
                }
            }
        }
    }
}
