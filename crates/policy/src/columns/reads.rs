// SPDX-License-Identifier: Apache-2.0
//! What a rule looks at, down to what is stored: whoever asks it of the past has to know which of that means today what it
//! meant then.

use super::ColumnPlan;
use super::frame::TIME;
use super::translate::{FIELDS, Translator};
use crate::program::{Program, Source};
use std::collections::BTreeSet;

/// What a rule's condition and reason look at, each once and ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleReads {
    /// Whether the time of the event is among it. A look into a list asks for it.
    pub time: bool,
    /// Slots of the event type's fields.
    pub fields: Vec<usize>,
    /// Places among what is served for the event type, with what those are computed from.
    pub served: Vec<usize>,
}

impl ColumnPlan<'_> {
    /// What a rule looks at; its condition alone, or its reason too. `None` where it judges another type of event.
    pub fn reads(&self, rule: usize, reason: bool) -> Option<RuleReads> {
        let rule = self.program.rules.get(rule).filter(|r| r.on == self.kind)?;
        let mut translator = Translator::new(self.program, self.kind);
        rule.terms.iter().for_each(|term| drop(translator.truth(&term.typed)));
        if reason {
            rule.says.iter().for_each(|typed| drop(translator.operand(typed)));
        }
        let (program, fields) = (self.program, self.program.schema.get(self.kind).fields.len());
        let mut all = BTreeSet::new();
        let mut open: Vec<usize> = translator.reads.into_iter().collect();
        while let Some(at) = open.pop() {
            if all.insert(at)
                && let Some(served) = at.checked_sub(FIELDS + fields)
            {
                open.extend(self.computed_from(program, served));
            }
        }
        let of = |range: std::ops::Range<usize>, less: usize| all.range(range).map(|at| at - less).collect();
        Some(RuleReads {
            time: all.contains(&TIME),
            fields: of(FIELDS..FIELDS + fields, FIELDS),
            served: of(FIELDS + fields..usize::MAX, FIELDS + fields),
        })
    }

    /// The column of a served value, by its place among what is served.
    pub fn served_column(&self, place: usize) -> Option<&str> {
        let fields = self.program.schema.get(self.kind).fields.len();
        self.fields.get(FIELDS + fields + place).map(|field| &*field.name)
    }

    /// The columns that a served value is computed from.
    fn computed_from(&self, program: &Program, served: usize) -> Vec<usize> {
        let fields = FIELDS + program.schema.get(self.kind).fields.len();
        let Some(serve) = program.plan(self.kind).serve.get(served) else { return Vec::new() };
        match &serve.source {
            Source::Feature { .. } | Source::Label { .. } => Vec::new(),
            // What is looked for is compiled and gone: it reads no more than fields and what is served before.
            Source::Listed { .. } => (TIME..fields + served).collect(),
            Source::Computed(_) => {
                let is_it = |c: &&crate::ir::Computed| c.id == serve.id && c.on == self.kind;
                let Some(computed) = program.computed.iter().find(is_it) else {
                    // A comprehension that looks into a list that changes.
                    return (TIME..fields + served).collect();
                };
                let mut translator = Translator::new(program, self.kind);
                drop(translator.operand(&computed.typed));
                translator.reads.into_iter().collect()
            }
        }
    }
}
