// SPDX-License-Identifier: Apache-2.0
//! Makes a failing stream small: fewer events, fewer declarations, smaller expressions, more of it missing, as long as it
//! goes on failing.

use crate::oracle::world::*;

/// A world and what happens in it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) world: World,
    pub(crate) events: Vec<Happened>,
}

/// Most attempts.
const ATTEMPTS: usize = 4000;

/// The smallest case found that still fails; `fails` gives the number of the event it failed at.
pub(crate) fn shrink(mut case: Case, fails: &dyn Fn(&Case) -> Option<usize>) -> Case {
    let mut left = ATTEMPTS;
    loop {
        if let Some(at) = fails(&case) {
            case.events.truncate(at + 1);
        }
        let mut tried = 0;
        let found = candidates(&case).take(left).inspect(|_| tried += 1).find(|c| fails(c).is_some());
        left -= tried;
        match found {
            Some(smaller) => case = smaller,
            None => return case,
        }
    }
}

/// Cases a step smaller, the boldest first.
fn candidates(case: &Case) -> impl Iterator<Item = Case> {
    let events = fewer_events(case);
    let names = fewer_names(case);
    let written = simpler(case);
    let fields = fewer_fields(case);
    events.into_iter().chain(names).chain(written).chain(fields).chain(less_known(case))
}

fn fewer_events(case: &Case) -> Vec<Case> {
    let many = case.events.len();
    let mut out = Vec::new();
    let mut chunk = many / 2;
    while chunk > 0 {
        // The last one is where it fails.
        for start in (0..many - 1).step_by(chunk) {
            let mut events = case.events.clone();
            events.drain(start..(start + chunk).min(many - 1));
            out.push(Case { events, world: case.world.clone() });
        }
        chunk /= 2;
    }
    out
}

fn fewer_names(case: &Case) -> Vec<Case> {
    let w = &case.world;
    let sorts = [
        ("r", w.rules.len()),
        ("s", w.scores.len()),
        ("e", w.evidence.len()),
        ("c", w.computed.len()),
        ("f", w.features.len()),
        ("t", w.tables.len()),
        ("l", w.lists.len()),
        ("k", w.consts.len()),
    ];
    let names = sorts.into_iter().flat_map(|(sort, many)| (0..many).map(move |n| format!("{sort}{n}")));
    let left = names.filter(|name| !w.dropped.contains(name));
    let without = |name: String| {
        let mut case = case.clone();
        case.world.dropped.insert(name);
        case
    };
    left.map(without).collect()
}

fn fewer_fields(case: &Case) -> Vec<Case> {
    let types = case.world.events.iter().enumerate();
    let places = types.flat_map(|(n, event)| (0..event.fields.len()).map(move |field| (n, field)));
    let without = |(n, field): (usize, usize)| {
        let mut case = case.clone();
        case.world.events[n].fields.remove(field);
        case
    };
    places.map(without).collect()
}

/// Expressions with one of their parts in their place, and clauses left out.
fn simpler(case: &Case) -> Vec<Case> {
    let mut out = Vec::new();
    let mut change = |change: &dyn Fn(&mut World)| {
        let mut case = case.clone();
        change(&mut case.world);
        out.push(case);
    };
    let w = &case.world;
    for (n, rule) in w.rules.iter().enumerate().filter(|(n, _)| !w.dropped.contains(&format!("r{n}"))) {
        variants(&rule.when).into_iter().for_each(|e| change(&|w| w.rules[n].when = e.clone()));
        if rule.because.len() > 1 {
            change(&|w| w.rules[n].because.truncate(1));
        }
        for act in 0..rule.acts.len() {
            change(&|w| w.rules[n].acts.retain(|a| *a != rule.acts[act]));
        }
        if rule.mode != Mode::Live {
            change(&|w| w.rules[n].mode = Mode::Live);
        }
        if rule.missing != OnMissing::Unsaid {
            change(&|w| w.rules[n].missing = OnMissing::Unsaid);
        }
        if rule.expires.is_some() {
            change(&|w| w.rules[n].expires = None);
        }
    }
    for (n, feature) in w.features.iter().enumerate().filter(|(n, _)| !w.dropped.contains(&format!("f{n}"))) {
        if let Some(filter) = &feature.filter {
            change(&|w| w.features[n].filter = None);
            variants(filter).into_iter().for_each(|e| change(&|w| w.features[n].filter = Some(e.clone())));
        }
        if feature.with_self {
            change(&|w| w.features[n].with_self = false);
        }
        for key in 0..feature.by.len() {
            change(&|w| w.features[n].by.retain(|p| *p != feature.by[key]));
        }
    }
    for (n, computed) in w.computed.iter().enumerate().filter(|(n, _)| !w.dropped.contains(&format!("c{n}")))
    {
        variants(&computed.value).into_iter().for_each(|e| change(&|w| w.computed[n].value = e.clone()));
    }
    for (n, evidence) in w.evidence.iter().enumerate().filter(|(n, _)| !w.dropped.contains(&format!("e{n}")))
    {
        variants(&evidence.weigh).into_iter().for_each(|e| change(&|w| w.evidence[n].weigh = e.clone()));
        if evidence.capped.is_some() {
            change(&|w| w.evidence[n].capped = None);
        }
    }
    out
}

/// An expression with a part of it in its place, here or further below. What makes no sense is refused when it is
/// compiled.
fn variants(e: &E) -> Vec<E> {
    let mut out: Vec<E> = crate::oracle::draw::children(e).into_iter().cloned().collect();
    if let E::Each(each) = e {
        out.clear();
        if each.filter.is_some() {
            out.push(E::Each(Each { filter: None, ..(**each).clone() }.into()));
        }
        out.extend(
            variants(&each.body).into_iter().map(|body| E::Each(Each { body, ..(**each).clone() }.into())),
        );
        return out;
    }
    for (n, child) in crate::oracle::draw::children(e).into_iter().enumerate() {
        out.extend(variants(child).into_iter().map(|smaller| with_child(e, n, smaller)));
    }
    out
}

/// The expression with another part in the place of its `n`th.
fn with_child(e: &E, n: usize, new: E) -> E {
    let mut e = e.clone();
    match &mut e {
        E::And(parts) | E::Or(parts) | E::Call(_, parts) | E::Method(_, parts) | E::Table(_, parts) => {
            parts[n] = new
        }
        E::Arith(_, a, b) | E::Sized(_, a, b) | E::Compare(_, a, b) | E::Within(_, a, b) => {
            **(if n == 0 { a } else { b }) = new;
        }
        E::Chain(a, _, b, _, c) | E::If(a, b, c) => **([a, b, c].into_iter().nth(n).unwrap()) = new,
        E::Part(_, a) | E::Not(a) | E::Neg(a) | E::Among(_, a, ..) | E::AmongConst(_, a, _) => **a = new,
        E::InList(_, a, _) | E::InField(_, a, _) | E::Missing(_, a) | E::Matches(a, _) => **a = new,
        _ => {}
    }
    e
}

/// Events of which less is known.
fn less_known(case: &Case) -> Vec<Case> {
    let mut out = Vec::new();
    for (n, event) in case.events.iter().enumerate() {
        let mut all = case.clone();
        let declared = &case.world.events[event.kind].fields;
        for (field, _) in declared.iter().filter(|(f, optional)| *optional && event.fields[*f].is_some()) {
            let mut one = case.clone();
            one.events[n].fields[*field] = None;
            all.events[n].fields[*field] = None;
            out.push(one);
        }
        for fact in (0..FACTS.len()).filter(|f| event.facts[*f].is_some()) {
            let mut one = case.clone();
            one.events[n].facts[fact] = None;
            all.events[n].facts[fact] = None;
            out.push(one);
        }
        out.push(all);
    }
    out
}
