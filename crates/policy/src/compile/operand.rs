// SPDX-License-Identifier: Apache-2.0
//! Where an operand lies: in its slot already, written out, or to be made.

use super::plan::looks_up_items;
use super::value::value;
use super::{Scope, ValueFn};
use crate::Row;
use crate::ir::{Node, Typed};
use std::borrow::Cow;
use wardroom_event::Value;

/// A place a value lies in already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Field(usize),
    Served(usize),
    Item(usize),
}

const MISSING: &Value = &Value::Missing;

impl Slot {
    pub(super) fn of(typed: &Typed, scope: &mut Scope<'_>) -> Option<Slot> {
        match &typed.node {
            Node::Field(slot) => Some(Slot::Field(*slot)),
            Node::Item(column) => Some(Slot::Item(*column)),
            Node::Feature(number, reads) => Some(Slot::Served(scope.feature(*number, *reads))),
            Node::Computed(number) => Some(Slot::Served(scope.computed(*number))),
            Node::Labelled(of, kind, name) => Some(Slot::Served(scope.label(*of, *kind, name))),
            Node::Each(each) if !scope.within && looks_up_items(each, scope.lists) => {
                Some(Slot::Served(scope.looked_up(typed)))
            }
            Node::InList(list, needle) if scope.changes(*list) && !needle.reads_item() => {
                Some(Slot::Served(scope.listed(*list, needle)))
            }
            _ => None,
        }
    }

    #[inline]
    pub(super) fn get<'r>(self, row: &Row<'r>) -> &'r Value {
        match self {
            Slot::Field(slot) => row.event.values.get(slot).unwrap_or(MISSING),
            Slot::Served(slot) => row.served.get(slot).unwrap_or(MISSING),
            Slot::Item(column) => row.item.get(column).unwrap_or(MISSING),
        }
    }
}

/// An operand of any type.
pub(super) enum Operand {
    Slot(Slot),
    Const(Value),
    Made(ValueFn),
}

impl Operand {
    pub(super) fn of(typed: &Typed, scope: &mut Scope<'_>) -> Operand {
        if let Some(slot) = Slot::of(typed, scope) {
            return Operand::Slot(slot);
        }
        match &typed.node {
            Node::Const(value) => Operand::Const(value.clone()),
            _ => Operand::Made(value(typed, scope)),
        }
    }

    #[inline]
    pub(super) fn with<T>(&self, row: &Row<'_>, use_it: impl FnOnce(&Value) -> T) -> T {
        match self {
            Operand::Slot(slot) => use_it(slot.get(row)),
            Operand::Const(value) => use_it(value),
            Operand::Made(make) => use_it(&make(row)),
        }
    }

    /// The value, lent where it lies somewhere already.
    pub(super) fn lend<'r>(&'r self, row: &Row<'r>) -> Cow<'r, Value> {
        match self {
            Operand::Slot(slot) => Cow::Borrowed(slot.get(row)),
            Operand::Const(value) => Cow::Borrowed(value),
            Operand::Made(make) => Cow::Owned(make(row)),
        }
    }
}

#[inline]
pub(crate) fn int_of(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) => Some(*n),
        Value::Time(t) => Some(t.0),
        Value::Duration(d) => Some(d.0),
        _ => None,
    }
}

#[inline]
pub(crate) fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => Some(*n),
        _ => None,
    }
}
