// SPDX-License-Identifier: Apache-2.0
//! The online executor: typed expressions to closures over slots.
//!
//! Each closure returns the plain value of its type (`Tri`, `Option<i64>`, `Option<f64>`) and reads its operands by
//! slot, so an evaluation allocates nothing and looks nothing up by name. Comparing a field or feature with a
//! constant, which is what nearly all terms do, is one closure without inner calls.

mod compare;
pub(crate) mod each;
mod guards;
mod look;
pub(crate) mod number;
mod operand;
pub(crate) mod plan;
pub(crate) mod truth;
mod value;

pub(crate) use guards::Guards;
pub(crate) use look::Looker;
pub(crate) use operand::{Slot, int_of, number_of};

use crate::ir::{Checked, CheckedFeature, CheckedPiece, CheckedRule, Counted, Node, Score, Taken, Typed};
use crate::outline::Text;
use crate::program::{
    Amount, Count, Feature, Here, Plan, Program, Reason, Rule, ScoreTerm, Source, Take, Term, Version,
};
use crate::{Aggregate, Row, Tri, cost};
use plan::{Ground, Scope, Serving};
use std::sync::Arc;
use wardroom_event::Value;

/// Gives a truth.
pub(crate) type BoolFn = Box<dyn Fn(&Row<'_>) -> Tri + Send + Sync>;
/// Gives an `int`, a `size`, a `time` or a `duration`, the latter two in microseconds.
pub(crate) type IntFn = Box<dyn Fn(&Row<'_>) -> Option<i64> + Send + Sync>;
/// Gives a `number` or a `rate`.
pub(crate) type NumberFn = Box<dyn Fn(&Row<'_>) -> Option<f64> + Send + Sync>;
/// Gives any value.
pub(crate) type ValueFn = Box<dyn Fn(&Row<'_>) -> Value + Send + Sync>;

/// Compiles a checked policy.
pub(crate) fn program(checked: Checked, version: Version, text: Text) -> Program {
    let mut plans: Vec<Plan> = (0..checked.schema.len()).map(|_| Plan::default()).collect();
    let mut rules = Vec::new();
    let Checked {
        schema,
        features,
        lists,
        computed,
        scores,
        rules: written,
        cases,
        defined,
        budgets,
        queried,
    } = checked;
    let ground = Ground { features: &features, lists: &lists, computed: &computed, schema: &schema };
    for rule in written {
        let plan = &mut plans[usize::from(rule.on.0)];
        if rule.mode.runs() {
            plan.rules.push(rules.len());
        }
        let mut scope = Scope::new(Serving::Grows(plan), ground, rule.on);
        rules.push(compile_rule(rule, &scores, &mut scope));
    }
    for (on, typed) in &queried {
        let plan = &mut plans[usize::from(on.0)];
        // What it gives is nobody's; what it reads is served from here on.
        drop(value::value(typed, &mut Scope::new(Serving::Grows(plan), ground, *on)));
    }
    for (number, feature) in features.iter().enumerate() {
        for counted in &feature.counted {
            let plan = &mut plans[usize::from(counted.event.0)];
            let count = compile_count(number, feature.aggregate, counted, &schema);
            plan.count.push(count);
        }
    }
    for plan in &mut plans {
        settle(plan, &features);
    }
    for ((on, _), plan) in schema.iter().zip(&mut plans) {
        plan.budget = cost::budget(budgets.iter().find(|(of, _)| *of == on).map(|(_, most)| *most));
        let mut scope = Scope::new(Serving::Grows(plan), ground, on);
        guards::index(&mut scope, &rules);
        let of = |id: &str| computed.iter().find(|c| *c.id == *id && c.on == on).map(|c| &c.typed);
        plan.cost = plan.serve.iter().map(|s| u64::from(cost::serve(&s.source, of(&s.id)))).sum();
    }
    let features = features.into_iter().map(feature).collect();
    Program {
        version,
        schema: Arc::new(schema),
        features,
        lists,
        rules,
        cases,
        defined,
        plans,
        computed,
        text,
    }
}

/// Where the event in hand counts itself in, that place is found.
fn settle(plan: &mut Plan, features: &[CheckedFeature]) {
    for serve in &mut plan.serve {
        if let Source::Feature { feature, own, .. } = &mut serve.source
            && features[*feature].including_self
        {
            *own = plan.count.iter().position(|c| c.feature == *feature);
        }
    }
}

fn compile_rule(rule: CheckedRule, scores: &[Score], scope: &mut Scope<'_>) -> Rule {
    let cost = cost::rule(&rule);
    let terms = rule.terms.into_iter().map(|(typed, text)| {
        let holds = truth::boolean(&typed, scope);
        Term { text, holds, typed }
    });
    let terms = terms.collect();
    let because = reasons(&rule.because, scores, scope);
    let mut says = Vec::new();
    said(&rule.because, scores, &mut says);
    Rule {
        id: rule.id,
        on: rule.on,
        terms,
        verdict: rule.verdict,
        ask: rule.ask,
        effects: rule.effects,
        mode: rule.mode,
        share: rule.share,
        owner: rule.owner,
        missing: rule.missing,
        expires: rule.expires,
        was: rule.was,
        doc: rule.doc,
        reason: rule.reason,
        cost,
        loc: rule.loc,
        because,
        says,
    }
}

/// What a reason shows, as it was checked: whoever computes a rule anew has to know what its words read.
fn said(pieces: &[CheckedPiece], scores: &[Score], out: &mut Vec<Typed>) {
    for piece in pieces {
        match piece {
            CheckedPiece::Text(_) => {}
            CheckedPiece::Value(_, typed) => out.push(typed.clone()),
            CheckedPiece::Top(score, _) => {
                for term in scores.get(*score).map_or(&[][..], |s| &s.terms) {
                    out.push(term.value.clone());
                    // Evidence names no scores, so this goes no deeper.
                    said(&term.because, scores, out);
                }
            }
        }
    }
}

fn reasons(pieces: &[CheckedPiece], scores: &[Score], scope: &mut Scope<'_>) -> Vec<Reason> {
    let mut out = Vec::new();
    for piece in pieces {
        out.push(match piece {
            CheckedPiece::Text(text) => Reason::Text(text.clone()),
            CheckedPiece::Value(kind, typed) => Reason::Value(*kind, value::value(typed, scope)),
            CheckedPiece::Top(score, most) => {
                let terms = scores.get(*score).map_or(&[][..], |s| &s.terms);
                let term = |t: &crate::ir::ScoreTerm, scope: &mut Scope<'_>| ScoreTerm {
                    name: t.name.clone(),
                    nats: number::number(&t.value, scope),
                    // Evidence names no scores, so this goes no deeper.
                    because: reasons(&t.because, scores, scope),
                };
                let spoken = terms.iter().filter(|t| !t.is_prior);
                Reason::Top(*most, spoken.map(|t| term(t, scope)).collect())
            }
        });
    }
    out
}

/// What is counted of one event. A filter and what is taken read fields only: they never add to what is served.
fn compile_count(number: usize, of: Aggregate, counted: &Counted, schema: &wardroom_event::Schema) -> Count {
    let mut plan = Plan::default();
    let ground = Ground { features: &[], lists: &[], computed: &[], schema };
    let mut scope = Scope::new(Serving::Grows(&mut plan), ground, counted.event);
    let scope = &mut scope;
    let take = match &counted.taken {
        Taken::Plain => Take::Plain,
        Taken::Item(typed) => Take::Item(value::value(typed, scope)),
        Taken::Held(typed) => Take::Held(value::value(typed, scope)),
        Taken::Amount(typed) => Take::Amount(amount_of(of), value::value(typed, scope)),
        Taken::Mark(typed) => Take::Mark(truth::boolean(typed, scope)),
        Taken::Steps(first, then) => Take::Steps(truth::boolean(first, scope), truth::boolean(then, scope)),
        Taken::Place(lat, lon) => Take::Place(Here(number::number(lat, scope), number::number(lon, scope))),
    };
    let filter = counted.filter.as_ref().map(|typed| truth::boolean(typed, scope));
    Count { feature: number, key: counted.key.clone(), reads: read_by(counted), take, filter }
}

/// The slots that a count reads, each once and ascending.
fn read_by(counted: &Counted) -> Vec<usize> {
    let taken: Vec<&Typed> = match &counted.taken {
        Taken::Plain => Vec::new(),
        Taken::Item(typed) | Taken::Held(typed) | Taken::Amount(typed) | Taken::Mark(typed) => vec![typed],
        Taken::Steps(a, b) | Taken::Place(a, b) => vec![a, b],
    };
    let mut slots: Vec<usize> = counted.key.iter().map(|path| path.slot).collect();
    let mut open: Vec<&Typed> = taken.into_iter().chain(&counted.filter).collect();
    while let Some(typed) = open.pop() {
        if let Node::Field(slot) = typed.node {
            slots.push(slot);
        }
        open.extend(typed.children());
    }
    slots.sort_unstable();
    slots.dedup();
    slots
}

fn amount_of(of: Aggregate) -> Amount {
    match of {
        Aggregate::Sum(a) | Aggregate::Mean(a) | Aggregate::Min(a) | Aggregate::Max(a) => a,
        Aggregate::Quantile(a, _) => a,
        _ => Amount::Int,
    }
}

fn feature(feature: CheckedFeature) -> Feature {
    Feature {
        id: feature.id,
        aggregate: feature.aggregate,
        window: feature.window,
        kind: feature.kind,
        including_self: feature.including_self,
        text: feature.text,
        stream: feature.stream,
        definition: feature.definition,
    }
}
