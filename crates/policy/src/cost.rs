// SPDX-License-Identifier: Apache-2.0
//! What asking a rule can cost, before it runs: a sum over its expressions, in units that are about nanoseconds on one
//! core. There are no loops, so there is a most; what it says is that, not what an event costs on average.

use crate::ir::{Checked, CheckedRule, Computed, Each, Node, Typed};
use crate::limits;
use crate::program::Source;
use wardroom_event::TypeId;
use wardroom_report::Loc;

/// Reading a counter: a keyed hash and one look into a table.
pub(crate) const FEATURE: u32 = 80;
/// Reading a label: the same.
pub(crate) const LABEL: u32 = 80;
/// Looking into a list.
pub(crate) const LIST: u32 = 60;
/// Asking a decision table.
pub(crate) const TABLE: u32 = 200;

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
        Node::Table(..) => TABLE,
        Node::Call(function, _) => function.cost,
        Node::Linear(_, inputs) => u32::try_from(inputs.len()).unwrap_or(u32::MAX / 8).saturating_mul(4),
        Node::SumKnown(parts) | Node::CountKnown(parts) => u32::try_from(parts.len()).unwrap_or(u32::MAX),
        // Counted with its items.
        Node::Each(_) => 0,
    }
}

/// The most that asking a rule can cost; what is served to it is paid for by the event.
pub(crate) fn rule(rule: &CheckedRule) -> u32 {
    rule.terms.iter().map(|(term, _)| expression(term)).fold(0, u32::saturating_add)
}

/// The most that serving one value can cost.
pub(crate) fn serve(source: &Source, computed: Option<&Typed>) -> u32 {
    match source {
        Source::Feature { .. } => FEATURE,
        Source::Label { .. } => LABEL,
        Source::Listed { .. } => LIST,
        Source::Computed(_) => computed.map_or(0, expression),
    }
}

/// The dearest expression that is no mere sum of others, with where it stands.
pub(crate) fn dearest(typed: &Typed) -> (u32, Loc) {
    let own = (own_with_items(typed), typed.loc);
    typed.children().into_iter().map(dearest).fold(own, |most, one| if one.0 > most.0 { one } else { most })
}

fn own_with_items(typed: &Typed) -> u32 {
    match &typed.node {
        Node::Each(each) => comprehension(each),
        node => own(node),
    }
}

/// The most that judging one event of a type can cost: reading what its rules read, once each, and asking every rule
/// that runs. With it the dearest expression and where it stands.
pub(crate) fn event(checked: &Checked, on: TypeId) -> (u64, Option<(u32, Loc)>) {
    let mut sum = 0u64;
    let mut found: Option<(u32, Loc)> = None;
    let mut seen = Vec::new();
    let mut served = Vec::new();
    let rules = checked.rules.iter().filter(|r| r.on == on && r.mode.runs());
    for (term, _) in rules.flat_map(|r| &r.terms) {
        sum += u64::from(expression(term));
        let mut reached = Vec::new();
        reach(term, &checked.computed, &mut reached, &mut Vec::new());
        for typed in reached {
            if let Node::Computed(number) = typed.node
                && !seen.contains(&number)
            {
                seen.push(number);
                sum += checked.computed.get(number).map_or(0, |c| u64::from(expression(&c.typed)));
            }
            let (cost, loc) = (own_with_items(typed), typed.loc);
            if found.is_none_or(|(most, _)| cost > most) {
                found = Some((cost, loc));
            }
            let key = match &typed.node {
                Node::Feature(number, reads) => format!("{number} {reads:?}"),
                Node::Labelled(of, _, name) => format!("{of:?} {name}"),
                _ => continue,
            };
            if !served.contains(&key) {
                served.push(key);
                sum += u64::from(if matches!(typed.node, Node::Feature(..)) { FEATURE } else { LABEL });
            }
        }
    }
    (sum, found)
}

/// Every expression that a term is made of, those of what it reads that is computed among them.
fn reach<'t>(typed: &'t Typed, computed: &'t [Computed], out: &mut Vec<&'t Typed>, seen: &mut Vec<usize>) {
    out.push(typed);
    if let Node::Computed(number) = typed.node
        && !seen.contains(&number)
        && let Some(lazy) = computed.get(number)
    {
        seen.push(number);
        reach(&lazy.typed, computed, out, seen);
    }
    typed.children().into_iter().for_each(|child| reach(child, computed, out, seen));
}

/// The budget of an event type in units of cost.
pub(crate) fn budget(span: Option<wardroom_event::Span>) -> u64 {
    span.map_or(limits::BUDGET, |most| most.0.unsigned_abs().saturating_mul(1000))
}
