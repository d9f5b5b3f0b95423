// SPDX-License-Identifier: Apache-2.0
//! What asking a rule can cost, before it runs: a sum over its expressions, in units that are about nanoseconds on one
//! core. There are no loops, so there is a most; what it says is that, not what an event costs on average.

use crate::ir::{CheckedRule, Computed, Each, Node, Typed};
use crate::limits;
use wardroom_report::Loc;

/// Reading a counter: a keyed hash and one look into a table.
pub(crate) const FEATURE: u32 = 80;
/// Reading a label: the same.
pub(crate) const LABEL: u32 = 80;
/// Looking into a list.
pub(crate) const LIST: u32 = 60;

/// The cost of an expression with all that it is made of; what is served to it is paid for once, by the event.
pub(crate) fn expression(typed: &Typed) -> u32 {
    if let Node::Each(each) = &typed.node {
        return comprehension(each);
    }
    let parts = typed.children().into_iter().map(expression).fold(0, u32::saturating_add);
    own(&typed.node).saturating_add(parts)
}

/// Every item may have to be looked at.
fn comprehension(each: &Each) -> u32 {
    let filter = each.filter.as_ref().map_or(0, expression);
    let one = expression(&each.body).saturating_add(filter).saturating_add(4);
    let most = u32::try_from(wardroom_event::limits::LIST_ITEMS).unwrap_or(u32::MAX);
    one.saturating_mul(most)
}

/// What an expression costs beside its parts.
fn own(node: &Node) -> u32 {
    match node {
        Node::Const(_) | Node::Field(_) | Node::Time | Node::Item(_) => 1,
        Node::Feature(..) | Node::Computed(_) | Node::Labelled(..) => 1,
        Node::Not(_) | Node::Neg(_) | Node::Widen(_) | Node::IsMissing(_) | Node::Count(_) => 2,
        Node::All(_) | Node::Any(_) | Node::If(..) | Node::Arith(..) => 3,
        Node::Compare(..) => 4,
        Node::Part(..) => 40,
        Node::InConst(_, values) => 4 + u32::try_from(values.len()).unwrap_or(u32::MAX / 8).saturating_mul(3),
        Node::Within(..) => 20,
        Node::InList(..) => LIST,
        Node::Matches(..) => 300,
        Node::Table(..) => 200,
        Node::Call(function, _) => function.cost,
        Node::Linear(_, inputs) => u32::try_from(inputs.len()).unwrap_or(u32::MAX / 8).saturating_mul(4),
        Node::SumKnown(parts) | Node::CountKnown(parts) => u32::try_from(parts.len()).unwrap_or(u32::MAX),
        // Counted with its items.
        Node::Each(_) => 0,
    }
}

/// The most that asking a rule can cost, with the values computed for it alone.
pub(crate) fn rule(rule: &CheckedRule, computed: &[Computed]) -> u32 {
    let mut seen = Vec::new();
    rule.terms.iter().map(|(term, _)| with_computed(term, computed, &mut seen)).fold(0, u32::saturating_add)
}

/// An expression and, once each, what it reads that is computed.
pub(crate) fn with_computed(typed: &Typed, computed: &[Computed], seen: &mut Vec<usize>) -> u32 {
    let mut below = 0u32;
    if let Node::Computed(number) = typed.node
        && !seen.contains(&number)
    {
        seen.push(number);
        below = computed.get(number).map_or(0, |c| with_computed(&c.typed, computed, seen));
    }
    for child in typed.children() {
        below = below.saturating_add(with_computed(child, computed, seen));
    }
    let own = if matches!(typed.node, Node::Each(_)) { expression(typed) } else { own(&typed.node) };
    own.saturating_add(below)
}

/// The dearest expression that is no mere sum of others, with where it stands.
pub(crate) fn dearest(typed: &Typed) -> (u32, Loc) {
    let mut found = (own_with_items(typed), typed.loc);
    for child in typed.children() {
        let (cost, loc) = dearest(child);
        if cost > found.0 {
            found = (cost, loc);
        }
    }
    found
}

fn own_with_items(typed: &Typed) -> u32 {
    match &typed.node {
        Node::Each(each) => comprehension(each),
        node => own(node),
    }
}

/// The budget of an event type in units of cost.
pub(crate) fn budget(span: Option<wardroom_event::Span>) -> u64 {
    span.map_or(limits::BUDGET, |most| most.0.unsigned_abs().saturating_mul(1000))
}
