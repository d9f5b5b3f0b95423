// SPDX-License-Identifier: Apache-2.0
//! Arithmetic to closures that give whole numbers (times and durations in microseconds, sizes in bytes) or numbers.

use super::operand::{Operand, Slot, int_of, number_of};
use super::truth::boolean;
use super::value::direct;
use super::{IntFn, NumberFn, Scope, each};
use crate::functions::{Eval, Function};
use crate::ir::{Node, Typed};
use crate::syntax::tree::ArithOp;
use wardroom_event::{Repr, Value};

pub(super) fn int(typed: &Typed, scope: &mut Scope<'_>) -> IntFn {
    if let Some(slot) = Slot::of(typed, scope) {
        return Box::new(move |row| int_of(slot.get(row)));
    }
    match &typed.node {
        Node::Const(value) => {
            let n = int_of(value);
            Box::new(move |_| n)
        }
        Node::Time => Box::new(|row| Some(row.event.time.0)),
        Node::Neg(of) => {
            let of = int(of, scope);
            Box::new(move |row| of(row)?.checked_neg())
        }
        Node::Arith(op, a, b) if b.kind.repr() == Repr::Number => {
            // A duration or size times or over a number.
            let (op, a, b) = (*op, int(a, scope), number(b, scope));
            Box::new(move |row| scaled(op, a(row)?, b(row)?))
        }
        Node::Arith(op, a, b) => {
            let (op, a, b) = (*op, int(a, scope), int(b, scope));
            Box::new(move |row| whole(op, a(row)?, b(row)?))
        }
        Node::If(cond, then, other) => {
            let (cond, then, other) = (boolean(cond, scope), int(then, scope), int(other, scope));
            Box::new(move |row| if cond(row).get()? { then(row) } else { other(row) })
        }
        Node::Count(of) => {
            let width = scope.width(of);
            let of = Operand::of(of, scope);
            Box::new(move |row| of.with(row, |v| items_in(v, width)))
        }
        Node::Each(of) => each::int(of, scope),
        Node::CountKnown(parts) => {
            let parts: Vec<NumberFn> = parts.iter().map(|p| number(p, scope)).collect();
            Box::new(move |row| i64::try_from(parts.iter().filter(|p| p(row).is_some()).count()).ok())
        }
        _ => {
            let of = direct(typed, scope);
            Box::new(move |row| int_of(&of(row)))
        }
    }
}

/// How many items a list value holds.
pub(crate) fn items_in(value: &Value, width: usize) -> Option<i64> {
    match value {
        Value::List(values) => i64::try_from(values.len() / width.max(1)).ok(),
        _ => None,
    }
}

/// Arithmetic of whole numbers; missing where it leaves 64 bits or divides by zero.
#[inline]
pub(crate) fn whole(op: ArithOp, a: i64, b: i64) -> Option<i64> {
    match op {
        ArithOp::Add => a.checked_add(b),
        ArithOp::Sub => a.checked_sub(b),
        ArithOp::Mul => a.checked_mul(b),
        ArithOp::Div => a.checked_div(b),
    }
}

/// A whole quantity times or over a number, rounded.
#[inline]
pub(crate) fn scaled(op: ArithOp, a: i64, b: f64) -> Option<i64> {
    let n = if op == ArithOp::Mul { a as f64 * b } else { a as f64 / b };
    (n.abs() < 9.2e18).then(|| n.round() as i64)
}

/// Arithmetic of numbers; missing where the result is infinite or none.
#[inline]
pub(crate) fn real(op: ArithOp, a: f64, b: f64) -> Option<f64> {
    let n = match op {
        ArithOp::Add => a + b,
        ArithOp::Sub => a - b,
        ArithOp::Mul => a * b,
        ArithOp::Div => a / b,
    };
    n.is_finite().then_some(n)
}

pub(super) fn number(typed: &Typed, scope: &mut Scope<'_>) -> NumberFn {
    if let Some(slot) = Slot::of(typed, scope) {
        return Box::new(move |row| number_of(slot.get(row)));
    }
    match &typed.node {
        Node::Const(value) => {
            let n = number_of(value);
            Box::new(move |_| n)
        }
        Node::Widen(of) => {
            let of = int(of, scope);
            Box::new(move |row| of(row).map(|n| n as f64))
        }
        Node::Neg(of) => {
            let of = number(of, scope);
            Box::new(move |row| of(row).map(|n| -n))
        }
        Node::Arith(_, a, b) if matches!(a.kind.repr(), Repr::Duration | Repr::Int) => {
            // A duration over a duration, a size over a size.
            let (a, b) = (int(a, scope), int(b, scope));
            Box::new(move |row| real(ArithOp::Div, a(row)? as f64, b(row)? as f64))
        }
        Node::Arith(op, a, b) => {
            let (op, a, b) = (*op, number(a, scope), number(b, scope));
            Box::new(move |row| real(op, a(row)?, b(row)?))
        }
        Node::If(cond, then, other) => {
            let (cond, then, other) = (boolean(cond, scope), number(then, scope), number(other, scope));
            Box::new(move |row| if cond(row).get()? { then(row) } else { other(row) })
        }
        Node::Each(of) => each::number(of, scope),
        Node::SumKnown(parts) => {
            let parts: Vec<NumberFn> = parts.iter().map(|p| number(p, scope)).collect();
            Box::new(move |row| sum_known(parts.iter().map(|p| p(row))))
        }
        Node::Linear(model, inputs) => {
            let model = model.clone();
            let inputs: Vec<NumberFn> = inputs.iter().map(|i| number(i, scope)).collect();
            Box::new(move |row| {
                let values: Vec<Option<f64>> = inputs.iter().map(|i| i(row)).collect();
                model.score(&values)
            })
        }
        Node::Call(Function { eval: Eval::Number1(f), .. }, args) if args.len() == 1 => {
            let (f, of) = (*f, number(&args[0], scope));
            Box::new(move |row| f(of(row)?))
        }
        Node::Call(Function { eval: Eval::Number2(f), .. }, args) if args.len() == 2 => {
            let (f, a, b) = (*f, number(&args[0], scope), number(&args[1], scope));
            Box::new(move |row| f(a(row)?, b(row)?))
        }
        _ => {
            let of = direct(typed, scope);
            Box::new(move |row| number_of(&of(row)))
        }
    }
}

/// The sum of those that are known, in order; missing where none is, or where it is not finite.
pub(crate) fn sum_known(parts: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let mut known = false;
    let mut sum = 0.0;
    for n in parts.flatten() {
        known = true;
        sum += n;
    }
    (known && sum.is_finite()).then_some(sum)
}
