// SPDX-License-Identifier: Apache-2.0
//! Conditions that cannot hold: terms that contradict each other, and parts that say nothing new.
//!
//! Terms joined by `and` that compare the same thing with written values leave an interval for it. An empty one is a
//! rule that never fires, and was meant to.

use super::Context;
use crate::ir::{Node, Typed};
use crate::syntax::tree::{CompareOp, Expr};
use std::collections::HashMap;
use wardroom_event::Value;
use wardroom_report::{Diagnostic, Loc};

/// What the terms so far leave of one subject.
struct Left {
    low: Option<(f64, bool, Loc)>,
    high: Option<(f64, bool, Loc)>,
    is: Option<(Value, Loc)>,
}

/// Reports terms that cannot all hold.
pub(super) fn report(cx: &mut Context<'_>, terms: &[(Typed, Box<str>)]) {
    let mut left: HashMap<String, Left> = HashMap::new();
    opposites(cx, terms);
    for (term, _) in terms {
        if let Some((subject, op, value)) = compared(cx, term) {
            narrow(
                cx,
                left.entry(subject).or_insert(Left { low: None, high: None, is: None }),
                op,
                &value,
                term.loc,
            );
        }
    }
}

/// A term beside its own negation.
fn opposites(cx: &mut Context<'_>, terms: &[(Typed, Box<str>)]) {
    let words = |t: &Typed| crate::syntax::plain::one_line(cx.sources, t.loc);
    let mut said: HashMap<String, Loc> = HashMap::new();
    let mut denied: HashMap<String, Loc> = HashMap::new();
    let mut found = Vec::new();
    for (term, text) in terms {
        let (what, own, others) = match &term.node {
            Node::Not(of) => (words(of), &mut denied, &said),
            _ => (text.to_string(), &mut said, &denied),
        };
        found.extend(others.get(&what).map(|other| (term.loc, *other)));
        own.entry(what).or_insert(term.loc);
    }
    for (loc, other) in found {
        contradiction(cx, loc, other, "one is the opposite of the other");
    }
}

/// Reports parts of an `and` or `or` that are written twice, each once.
pub(super) fn twice(cx: &mut Context<'_>, parts: &[Expr]) {
    let mut seen: HashMap<String, (Loc, usize)> = HashMap::new();
    let mut again: Vec<(String, Loc)> = Vec::new();
    for part in parts {
        let text = crate::syntax::plain::one_line(cx.sources, part.loc);
        let (_, times) = seen.entry(text.clone()).and_modify(|(_, n)| *n += 1).or_insert((part.loc, 1));
        if *times == 2 {
            again.push((text, part.loc));
        }
    }
    for (text, loc) in again {
        let (first, times) = seen[&text];
        let times = if times == 2 { "twice".to_owned() } else { format!("{times} times") };
        let d = Diagnostic::warning("W0905", loc, format!("this part stands here {times}"));
        cx.diagnostics.push(d.also(first, "the first is here").help("leave it out, or say what was meant"));
    }
}

/// A subject compared with a written value: the subject's own words, the operator, the value.
fn compared(cx: &Context<'_>, term: &Typed) -> Option<(String, CompareOp, Value)> {
    let Node::Compare(op, a, b) = &term.node else {
        return None;
    };
    let words = |t: &Typed| crate::syntax::plain::one_line(cx.sources, t.loc);
    match (&a.node, &b.node) {
        (_, Node::Const(value)) => Some((words(a), *op, value.clone())),
        (Node::Const(value), _) => Some((words(b), op.mirrored(), value.clone())),
        _ => None,
    }
}

fn narrow(cx: &mut Context<'_>, left: &mut Left, op: CompareOp, value: &Value, loc: Loc) {
    if op == CompareOp::Eq {
        if let Some((before, at)) = &left.is
            && before != value
        {
            contradiction(cx, loc, *at, "it cannot be both");
            return;
        }
        left.is.get_or_insert((value.clone(), loc));
    }
    let Some(n) = number(value) else { return };
    match op {
        CompareOp::Gt => higher(&mut left.low, n, false, loc),
        CompareOp::Ge => higher(&mut left.low, n, true, loc),
        CompareOp::Lt => lower(&mut left.high, n, false, loc),
        CompareOp::Le => lower(&mut left.high, n, true, loc),
        CompareOp::Eq => {
            higher(&mut left.low, n, true, loc);
            lower(&mut left.high, n, true, loc);
        }
        CompareOp::Ne => {}
    }
    if let (Some((low, low_in, a)), Some((high, high_in, b))) = (left.low, left.high)
        && (low > high || (low == high && !(low_in && high_in)))
    {
        let other = if a == loc { b } else { a };
        contradiction(cx, loc, other, "no value is both");
    }
}

fn higher(low: &mut Option<(f64, bool, Loc)>, n: f64, inclusive: bool, loc: Loc) {
    if low.is_none_or(|(before, was_in, _)| n > before || (n == before && was_in && !inclusive)) {
        *low = Some((n, inclusive, loc));
    }
}

fn lower(high: &mut Option<(f64, bool, Loc)>, n: f64, inclusive: bool, loc: Loc) {
    if high.is_none_or(|(before, was_in, _)| n < before || (n == before && was_in && !inclusive)) {
        *high = Some((n, inclusive, loc));
    }
}

fn contradiction(cx: &mut Context<'_>, loc: Loc, other: Loc, why: &str) {
    let d = Diagnostic::error("W0506", loc, "these terms never hold together").label(why);
    cx.diagnostics.push(d.also(other, "with this one").help("join them with `or`, or change one of them"));
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) => Some(*n as f64),
        Value::Number(n) => Some(*n),
        Value::Time(t) => Some(t.0 as f64),
        Value::Duration(d) => Some(d.0 as f64),
        _ => None,
    }
}
