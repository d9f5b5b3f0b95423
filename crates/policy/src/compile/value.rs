// SPDX-License-Identifier: Apache-2.0
//! Expressions of any type to closures that give a value.

use super::number::{int, number};
use super::operand::{Operand, Slot};
use super::truth::boolean;
use super::{Scope, ValueFn};
use crate::ir::{Node, Typed};
use crate::{Row, Tri};
use wardroom_event::{Micros, Repr, Span, Value};

/// Any expression as a [`Value`].
pub(super) fn value(typed: &Typed, scope: &mut Scope<'_>) -> ValueFn {
    if let Some(slot) = Slot::of(typed, scope) {
        return Box::new(move |row| slot.get(row).clone());
    }
    if is_direct(&typed.node) {
        return direct(typed, scope);
    }
    match typed.kind.repr() {
        Repr::Bool => {
            let of = boolean(typed, scope);
            Box::new(move |row| of(row).get().map_or(Value::Missing, Value::Bool))
        }
        Repr::Int => {
            let of = int(typed, scope);
            Box::new(move |row| of(row).map_or(Value::Missing, Value::Int))
        }
        Repr::Time => {
            let of = int(typed, scope);
            Box::new(move |row| of(row).map_or(Value::Missing, |n| Value::Time(Micros(n))))
        }
        Repr::Duration => {
            let of = int(typed, scope);
            Box::new(move |row| of(row).map_or(Value::Missing, |n| Value::Duration(Span(n))))
        }
        Repr::Number => {
            let of = number(typed, scope);
            Box::new(move |row| of(row).map_or(Value::Missing, Value::Number))
        }
        Repr::Text | Repr::Ip | Repr::Net | Repr::List => chosen(typed, scope),
    }
}

/// What is left is a choice between values that are held as they are.
fn chosen(typed: &Typed, scope: &mut Scope<'_>) -> ValueFn {
    let Node::If(cond, then, other) = &typed.node else {
        return Box::new(|_| Value::Missing);
    };
    let (cond, then, other) = (boolean(cond, scope), value(then, scope), value(other, scope));
    Box::new(move |row| match cond(row) {
        Tri::True => then(row),
        Tri::False => other(row),
        Tri::Unknown => Value::Missing,
    })
}

/// Whether an expression gives a [`Value`] by itself, whatever its type.
fn is_direct(node: &Node) -> bool {
    matches!(node, Node::Const(_) | Node::Part(..) | Node::Call(..) | Node::Table(..))
}

/// An expression that gives a [`Value`] by itself.
pub(super) fn direct(typed: &Typed, scope: &mut Scope<'_>) -> ValueFn {
    match &typed.node {
        Node::Const(value) => {
            let value = value.clone();
            Box::new(move |_| value.clone())
        }
        Node::Part(part, of) => {
            let (part, of) = (*part, Operand::of(of, scope));
            Box::new(move |row| of.with(row, |v| part.of(v)))
        }
        Node::Table(table, inputs) => {
            let table = table.clone();
            let inputs: Vec<Operand> = inputs.iter().map(|i| Operand::of(i, scope)).collect();
            Box::new(move |row| with_all(&inputs, row, |values| table.find(values).value.clone()))
        }
        Node::Call(function, args) => {
            let function = *function;
            let args: Vec<Operand> = args.iter().map(|a| Operand::of(a, scope)).collect();
            Box::new(move |row| with_all(&args, row, |values| function.call(values)))
        }
        _ => Box::new(|_| Value::Missing),
    }
}

/// Hands over the values of some operands; of up to three, which nearly all are, without a list of them being made.
#[inline]
fn with_all<T>(operands: &[Operand], row: &Row<'_>, use_them: impl FnOnce(&[&Value]) -> T) -> T {
    match operands {
        [a] => a.with(row, |a| use_them(&[a])),
        [a, b] => a.with(row, |a| b.with(row, |b| use_them(&[a, b]))),
        [a, b, c] => a.with(row, |a| b.with(row, |b| c.with(row, |c| use_them(&[a, b, c])))),
        _ => {
            let lent: Vec<_> = operands.iter().map(|o| o.lend(row)).collect();
            let values: Vec<&Value> = lent.iter().map(|v| &**v).collect();
            use_them(&values)
        }
    }
}
