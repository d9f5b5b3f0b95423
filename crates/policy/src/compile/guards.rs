// SPDX-License-Identifier: Apache-2.0
//! Which rules are worth asking: rules that share the left side of `x == constant` or `x in [constants]` are found by its
//! value, so that 5,000 of them cost what the few with today's value cost. Each list and each label is a left side of its
//! own, looked into once an event for all the rules that begin with it.

use super::Scope;
use super::operand::Operand;
use super::plan::Serving;
use crate::Row;
use crate::index::Index;
use crate::ir::{Node, Typed};
use crate::limits;
use crate::program::{KeyPath, Missing, Rule};
use crate::syntax::tree::CompareOp;
use std::borrow::Cow;
use std::collections::BTreeMap;
use wardroom_event::Value;

/// The guards of one event type, by their numbers in its index.
#[derive(Default)]
pub(crate) struct Guards(Vec<Operand>);

impl Guards {
    /// A guard's value for this row.
    pub(crate) fn value<'r>(&'r self, guard: usize, row: &Row<'r>) -> Cow<'r, Value> {
        self.0.get(guard).map_or(Cow::Owned(Value::Missing), |operand| operand.lend(row))
    }
}

/// What a term asks of its guard.
struct Ask<'t> {
    guard: &'t Typed,
    values: Vec<Value>,
}

/// Indexes the rules of a plan.
pub(super) fn index(scope: &mut Scope<'_>, rules: &[Rule]) {
    let numbers = scope.plan.plan().rules.clone();
    let mut asked: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
    for number in &numbers {
        for (i, term) in rules[*number].terms.iter().enumerate() {
            if let Some(key) = ask(&term.typed).and_then(|ask| key(ask.guard)) {
                asked.entry(key).or_default().push((*number, i));
            }
        }
    }
    let mut builder = Index::builder();
    let mut guards = Guards::default();
    let mut guarded: BTreeMap<usize, ()> = BTreeMap::new();
    // The guards that tell most rules apart first; a rule goes by one of them.
    let mut by_use: Vec<Vec<(usize, usize)>> = asked.into_values().collect();
    by_use.sort_by_key(|uses| std::cmp::Reverse(uses.len()));
    for uses in by_use {
        let left: Vec<(usize, usize)> = uses.into_iter().filter(|(n, _)| !guarded.contains_key(n)).collect();
        if left.len() < limits::GUARD_RULES {
            continue;
        }
        let guard = guards.0.len();
        for (n, (number, i)) in left.into_iter().enumerate() {
            let Some(ask) = ask(&rules[number].terms[i].typed) else { continue };
            if n == 0 {
                guards.0.push(scope.guard(ask.guard));
            }
            builder.when_equal(guard, &ask.values, number, rules[number].missing != Missing::Nothing);
            guarded.insert(number, ());
        }
    }
    for number in numbers.iter().filter(|n| !guarded.contains_key(n)) {
        builder.always(*number);
    }
    if let Serving::Grows(plan) = &mut scope.plan {
        plan.index = builder.build();
        plan.guards = guards;
    }
}

/// What a term asks, if it is of a kind that can be found by value.
fn ask(term: &Typed) -> Option<Ask<'_>> {
    match &term.node {
        Node::Compare(CompareOp::Eq, a, b) => match (&a.node, &b.node) {
            (_, Node::Const(value)) => Some(Ask { guard: a, values: vec![value.clone()] }),
            (Node::Const(value), _) => Some(Ask { guard: b, values: vec![value.clone()] }),
            _ => None,
        },
        Node::InConst(needle, values) => Some(Ask { guard: needle, values: values.clone() }),
        Node::InList(..) | Node::Labelled(..) => Some(Ask { guard: term, values: vec![Value::Bool(true)] }),
        _ => None,
    }
}

/// The same expression has the same key, wherever it stands; `None` for what is not worth looking for.
fn key(typed: &Typed) -> Option<String> {
    Some(match &typed.node {
        Node::Field(slot) => format!("field {slot}"),
        Node::Feature(number, reads) => format!("feature {number} {reads:?}"),
        Node::Computed(number) => format!("computed {number}"),
        Node::Labelled(KeyPath { slot, part }, _, name) => format!("label {slot} {part:?} {name}"),
        Node::Part(part, of) => format!("{part:?} of {}", key(of)?),
        Node::InList(list, needle) => format!("{} in list {}", key(needle)?, list.0),
        Node::Const(value) => format!("{value:?}"),
        Node::Widen(of) => format!("number {}", key(of)?),
        Node::Table(table, inputs) => {
            let inputs = inputs.iter().map(key).collect::<Option<Vec<String>>>()?;
            format!("table {:p} {}", std::sync::Arc::as_ptr(table), inputs.join(", "))
        }
        Node::Call(function, args) => {
            let args = args.iter().map(key).collect::<Option<Vec<String>>>()?;
            format!("{:p}({})", *function, args.join(", "))
        }
        _ => return None,
    })
}
