// SPDX-License-Identifier: Apache-2.0
//! Comparisons: one closure per operator and kind of value.

use super::number::{int, number};
use super::operand::{Operand, Slot, int_of};
use super::truth::boolean;
use super::{BoolFn, Scope};
use crate::Tri;
use crate::ir::{Node, Typed};
use crate::syntax::tree::CompareOp;
use wardroom_event::{Repr, Value};

pub(super) fn compare(op: CompareOp, a: &Typed, b: &Typed, scope: &mut Scope<'_>) -> BoolFn {
    match a.kind.repr() {
        Repr::Int | Repr::Time | Repr::Duration => compare_ints(op, a, b, scope),
        Repr::Number => compare_numbers(op, a, b, scope),
        _ => compare_values(op == CompareOp::Eq, a, b, scope),
    }
}

/// One closure per operator, so that the operator is not looked at again for each event.
macro_rules! by_operator {
    ($op:expr, |$cmp:ident| $body:expr) => {
        match $op {
            CompareOp::Eq => {
                macro_rules! $cmp {
                    ($a:expr, $b:expr) => {
                        $a == $b
                    };
                }
                $body
            }
            CompareOp::Ne => {
                macro_rules! $cmp {
                    ($a:expr, $b:expr) => {
                        $a != $b
                    };
                }
                $body
            }
            CompareOp::Lt => {
                macro_rules! $cmp {
                    ($a:expr, $b:expr) => {
                        $a < $b
                    };
                }
                $body
            }
            CompareOp::Le => {
                macro_rules! $cmp {
                    ($a:expr, $b:expr) => {
                        $a <= $b
                    };
                }
                $body
            }
            CompareOp::Gt => {
                macro_rules! $cmp {
                    ($a:expr, $b:expr) => {
                        $a > $b
                    };
                }
                $body
            }
            CompareOp::Ge => {
                macro_rules! $cmp {
                    ($a:expr, $b:expr) => {
                        $a >= $b
                    };
                }
                $body
            }
        }
    };
}

fn compare_ints(op: CompareOp, a: &Typed, b: &Typed, scope: &mut Scope<'_>) -> BoolFn {
    if let (Some(slot), Node::Const(constant)) = (Slot::of(a, scope), &b.node)
        && let Some(n) = int_of(constant)
    {
        return by_operator!(op, |cmp| Box::new(move |row| match int_of(slot.get(row)) {
            Some(v) => Tri::known(cmp!(v, n)),
            None => Tri::Unknown,
        }));
    }
    let (a, b) = (int(a, scope), int(b, scope));
    by_operator!(op, |cmp| Box::new(move |row| match (a(row), b(row)) {
        (Some(a), Some(b)) => Tri::known(cmp!(a, b)),
        _ => Tri::Unknown,
    }))
}

fn compare_numbers(op: CompareOp, a: &Typed, b: &Typed, scope: &mut Scope<'_>) -> BoolFn {
    if let (Some(slot), Node::Const(Value::Number(n))) = (Slot::of(a, scope), &b.node) {
        let n = *n;
        return by_operator!(op, |cmp| Box::new(move |row| match slot.get(row) {
            Value::Number(v) => Tri::known(cmp!(*v, n)),
            _ => Tri::Unknown,
        }));
    }
    let (a, b) = (number(a, scope), number(b, scope));
    by_operator!(op, |cmp| Box::new(move |row| match (a(row), b(row)) {
        (Some(a), Some(b)) => Tri::known(cmp!(a, b)),
        _ => Tri::Unknown,
    }))
}

/// Sameness of bools, texts, addresses and networks.
fn compare_values(equal: bool, a: &Typed, b: &Typed, scope: &mut Scope<'_>) -> BoolFn {
    if a.kind.repr() == Repr::Bool {
        let (a, b) = (boolean(a, scope), boolean(b, scope));
        return Box::new(move |row| match (a(row).get(), b(row).get()) {
            (Some(a), Some(b)) => Tri::known((a == b) == equal),
            _ => Tri::Unknown,
        });
    }
    if let (Some(slot), Node::Const(constant)) = (Slot::of(a, scope), &b.node) {
        let constant = constant.clone();
        return Box::new(move |row| match slot.get(row) {
            Value::Missing => Tri::Unknown,
            v => Tri::known((*v == constant) == equal),
        });
    }
    let (a, b) = (Operand::of(a, scope), Operand::of(b, scope));
    Box::new(move |row| {
        a.with(row, |a| {
            b.with(row, |b| {
                if a.is_missing() || b.is_missing() { Tri::Unknown } else { Tri::known((a == b) == equal) }
            })
        })
    })
}
