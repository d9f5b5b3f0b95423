// SPDX-License-Identifier: Apache-2.0
//! What a feature means in one line: what tells two versions of it apart.

use super::parts::Parts;
use crate::check::Context;
use crate::check::express::dotted;
use crate::check::names::Meaning;
use crate::ir::{Counted, KeyName, Node, Taken, Typed};
use crate::syntax::plain::one_line;
use crate::syntax::tree::Expr;
use std::collections::BTreeSet;
use wardroom_event::Span;

/// The feature as it is written, the arguments in one order, spaces and comments folded.
pub(super) fn shown(cx: &Context<'_>, word: &str, parts: &Parts<'_>, window: Option<Span>) -> String {
    let text = |e: &Expr| one_line(cx.sources, e.loc);
    let mut out = format!("{word}({}", parts.first.map(text).unwrap_or_default());
    for (name, expr) in parts.in_order().filter(|(name, _)| *name != "last") {
        out.push_str(&format!(", {name}={}", text(expr)));
    }
    if let Some(window) = window {
        out.push_str(&format!(", last=\"{window}\""));
    }
    out.push(')');
    out
}

/// The same, with the types of the fields it reads and the values of the constants: a field that changes its type
/// makes another counter, and so does a constant that changes its value.
pub(super) fn with_types(
    cx: &Context<'_>,
    parts: &Parts<'_>,
    shown: &str,
    counted: &[Counted],
    by: &[KeyName],
) -> Box<str> {
    let mut read = BTreeSet::new();
    for one in counted {
        let event = cx.checked.schema.get(one.event);
        let name = |slot: usize| event.fields.get(slot).map(|f| format!("{}.{}: {}", event.name, f.name, f.kind));
        let mut slots = BTreeSet::new();
        one.filter.iter().for_each(|f| fields(f, &mut slots));
        taken(&one.taken).into_iter().for_each(|t| fields(t, &mut slots));
        read.extend(slots.into_iter().filter_map(name));
        read.extend(by.iter().map(|k| format!("{}.{}: {}", event.name, k.field, k.field_kind)));
    }
    for (_, expr) in parts.in_order() {
        constants(cx, parts.namespace, expr, &mut read);
    }
    let read: Vec<String> = read.into_iter().collect();
    if read.is_empty() { shown.into() } else { format!("{shown} of {}", read.join(", ")).into() }
}

/// The constants that an expression names, with their values.
fn constants(cx: &Context<'_>, namespace: &str, expr: &Expr, out: &mut BTreeSet<String>) {
    if let Some(name) = dotted(expr)
        && let Some(Meaning::Const(number)) = cx.names.meaning(namespace, &name)
    {
        out.insert(format!("{name} = {}", one_line(cx.sources, cx.consts[number].loc)));
        return;
    }
    expr.kind.children().into_iter().for_each(|child| constants(cx, namespace, child, out));
}

/// The expressions of what is taken.
pub(super) fn taken(taken: &Taken) -> Vec<&Typed> {
    match taken {
        Taken::Plain => Vec::new(),
        Taken::Item(a) | Taken::Amount(a) | Taken::Held(a) | Taken::Mark(a) => vec![a],
        Taken::Steps(a, b) | Taken::Place(a, b) => vec![a, b],
    }
}

fn fields(typed: &Typed, slots: &mut BTreeSet<usize>) {
    if let Node::Field(slot) = typed.node {
        slots.insert(slot);
    }
    typed.children().into_iter().for_each(|child| fields(child, slots));
}
