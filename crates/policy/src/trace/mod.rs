// SPDX-License-Identifier: Apache-2.0
//! Looking into a rule: each part of its condition as it is written, and what it was on an event. Every part is
//! evaluated by the closures that judging uses, so that there is no second meaning.

mod branch;
mod shown;

use branch::Planter;
pub(crate) use branch::{is_fixed, shown_as, widened};
pub(crate) use shown::{number, row_words};

use crate::program::Program;
use crate::{Row, Tri};
use wardroom_event::{Sight, Type, Value};

/// A part of a condition, and what it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// As it is written, on one line; an item of a list field by its number.
    pub text: Box<str>,
    /// What it is: `field`, `feature`, `evidence`, `score`, `model`, `table`, `list`, `label`, `item`; nothing for what is
    /// only computed on the spot.
    pub what: &'static str,
    /// The type it is shown as, which says whether it is masked.
    pub kind: Type,
    /// What it was; missing where that is unknown.
    pub value: Value,
    /// More about it: what a feature counts, which row of a table fitted.
    pub note: Option<Box<str>>,
    /// Of an input of a model: what it adds, in nats.
    pub adds: Option<f64>,
    /// What it is made of; constants are left out.
    pub parts: Vec<Trace>,
    /// Whether there would be more parts than are shown.
    pub cut: bool,
}

impl Trace {
    /// Whether it held; unknown for what is no truth.
    pub fn truth(&self) -> Tri {
        match self.value {
            Value::Bool(b) => Tri::known(b),
            _ => Tri::Unknown,
        }
    }

    /// Its value as a person reads it.
    pub fn shown(&self, sight: Sight) -> String {
        match (&self.value, self.kind) {
            (Value::Number(n), Type::Number) => number(*n),
            (Value::Text(_), _) => format!("\"{}\"", self.value.show(self.kind, sight)),
            (value, kind) => value.show(kind, sight),
        }
    }
}

impl Program {
    /// The terms of a rule, in their order, each with what it is made of. Of all together at most `left` parts, which is
    /// counted down.
    pub fn trace(&self, rule: usize, row: &Row<'_>, left: &mut usize) -> Vec<Trace> {
        let Some(rule) = self.rules.get(rule) else { return Vec::new() };
        let mut planter = Planter::new(self, rule.on);
        let terms = rule.terms.iter().map(|term| planter.term(term));
        terms.map(|branch| branch.trace(row, left)).collect()
    }
}
