// SPDX-License-Identifier: Apache-2.0
//! Expressions of a compiled policy once more, to look into them: the same closures, over what is served already.

use super::operand::Slot;
use super::plan::{Ground, Scope, Serving};
use super::{ValueFn, truth, value};
use crate::ir::Typed;
use crate::program::Program;
use wardroom_event::{Repr, TypeId, Value};

/// Looks into the expressions of one event type.
#[derive(Clone, Copy)]
pub(crate) struct Looker<'p> {
    pub(crate) program: &'p Program,
    pub(crate) on: TypeId,
}

impl<'p> Looker<'p> {
    fn scope(&self) -> Scope<'p> {
        let Program { lists, computed, schema, .. } = self.program;
        let plan = Serving::Stands(self.program.plan(self.on));
        Scope::new(plan, Ground { features: &[], lists, computed, schema }, self.on)
    }

    /// The expression's value, as the rule that it is part of gets it; an unknown truth is missing.
    pub(crate) fn value(&self, typed: &Typed) -> ValueFn {
        let scope = &mut self.scope();
        if typed.kind.repr() != Repr::Bool {
            return value::value(typed, scope);
        }
        let truth = truth::boolean(typed, scope);
        Box::new(move |row| truth(row).get().map_or(Value::Missing, Value::Bool))
    }

    /// Where the expression's value lies, if it is not computed on the spot.
    pub(crate) fn slot(&self, typed: &Typed) -> Option<Slot> {
        Slot::of(typed, &mut self.scope())
    }
}
