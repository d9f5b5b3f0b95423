// SPDX-License-Identifier: Apache-2.0
//! Conditions to closures that give a truth.

use super::compare::compare;
use super::operand::{Operand, Slot};
use super::value::direct;
use super::{BoolFn, Scope, each};
use crate::functions::{Eval, Function};
use crate::ir::{Node, Typed};
use crate::{Row, Tri};
use wardroom_event::Value;

pub(super) fn boolean(typed: &Typed, scope: &mut Scope<'_>) -> BoolFn {
    if let Some(slot) = Slot::of(typed, scope) {
        return Box::new(move |row| truth_of(slot.get(row)));
    }
    match &typed.node {
        Node::Const(Value::Bool(b)) => {
            let tri = Tri::known(*b);
            Box::new(move |_| tri)
        }
        Node::Not(of) => {
            let of = boolean(of, scope);
            Box::new(move |row| of(row).negate())
        }
        Node::All(parts) => all(parts, scope),
        Node::Any(parts) => any(parts, scope),
        Node::Compare(op, a, b) => compare(*op, a, b, scope),
        Node::InList(list, needle) => {
            let (list, needle) = (*list, Operand::of(needle, scope));
            Box::new(move |row| {
                needle.with(row, |v| match v {
                    Value::Missing => Tri::Unknown,
                    v => Tri::known(row.world.contains(list, v, row.event.counted_at())),
                })
            })
        }
        Node::InConst(needle, values) => {
            let (needle, values) = (Operand::of(needle, scope), values.clone());
            Box::new(move |row| {
                needle
                    .with(row, |v| if v.is_missing() { Tri::Unknown } else { Tri::known(values.contains(v)) })
            })
        }
        Node::Within(needle, hay) => {
            let (needle, hay) = (Operand::of(needle, scope), Operand::of(hay, scope));
            Box::new(move |row| needle.with(row, |n| hay.with(row, |h| within(n, h))))
        }
        Node::Matches(text, pattern) => {
            let (text, pattern) = (Operand::of(text, scope), pattern.clone());
            Box::new(move |row| {
                text.with(row, |t| match t {
                    Value::Text(t) => Tri::known(pattern.finds(t)),
                    _ => Tri::Unknown,
                })
            })
        }
        Node::IsMissing(of) => {
            let of = Operand::of(of, scope);
            Box::new(move |row| of.with(row, |v| Tri::known(v.is_missing())))
        }
        Node::If(cond, then, other) => {
            let (cond, then, other) = (boolean(cond, scope), boolean(then, scope), boolean(other, scope));
            Box::new(move |row| match cond(row) {
                Tri::True => then(row),
                Tri::False => other(row),
                Tri::Unknown => Tri::Unknown,
            })
        }
        Node::Each(of) => each::truth(of, scope),
        Node::Call(Function { eval: Eval::Text2(f), .. }, args) => text_test(*f, args, scope),
        _ => {
            let of = direct(typed, scope);
            Box::new(move |row| truth_of(&of(row)))
        }
    }
}

#[inline]
fn truth_of(value: &Value) -> Tri {
    match value {
        Value::Bool(b) => Tri::known(*b),
        _ => Tri::Unknown,
    }
}

fn all(parts: &[Typed], scope: &mut Scope<'_>) -> BoolFn {
    let parts: Vec<BoolFn> = parts.iter().map(|p| boolean(p, scope)).collect();
    Box::new(move |row| {
        let mut result = Tri::True;
        for part in &parts {
            match part(row) {
                Tri::False => return Tri::False,
                other => result = result.min(other),
            }
        }
        result
    })
}

fn any(parts: &[Typed], scope: &mut Scope<'_>) -> BoolFn {
    let parts: Vec<BoolFn> = parts.iter().map(|p| boolean(p, scope)).collect();
    Box::new(move |row| {
        let mut result = Tri::False;
        for part in &parts {
            match part(row) {
                Tri::True => return Tri::True,
                other => result = result.max(other),
            }
        }
        result
    })
}

/// Whether one value lies within another; unknown where one of them is missing.
pub(crate) fn within(needle: &Value, hay: &Value) -> Tri {
    match (needle, hay) {
        (Value::Missing, _) | (_, Value::Missing) => Tri::Unknown,
        (needle, Value::List(items)) => Tri::known(items.contains(needle)),
        (Value::Ip(ip), Value::Net(net)) => Tri::known(net.contains(ip)),
        (Value::Net(inner), Value::Net(net)) => Tri::known(net.contains(inner)),
        (Value::Text(part), Value::Text(text)) => Tri::known(text.contains(&**part)),
        _ => Tri::Unknown,
    }
}

/// A test of two texts, such as `startswith`, without a list of arguments between.
fn text_test(test: fn(&str, &str) -> Value, args: &[Typed], scope: &mut Scope<'_>) -> BoolFn {
    let [text, part] = args else {
        return Box::new(|_| Tri::Unknown);
    };
    let (text, part) = (Operand::of(text, scope), Operand::of(part, scope));
    let both = move |row: &Row<'_>| {
        text.with(row, |t| {
            part.with(row, |p| match (t, p) {
                (Value::Text(t), Value::Text(p)) => truth_of(&test(t, p)),
                _ => Tri::Unknown,
            })
        })
    };
    Box::new(both)
}
