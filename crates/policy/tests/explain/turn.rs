// SPDX-License-Identifier: Apache-2.0
//! Random conditions: the parts of what is looked into make up the whole, and a change is said to be enough exactly where
//! trying every change of one value finds one that is.

use crate::support::{on, program, tried};
use proptest::prelude::*;
use wardroom_event::Value;
use wardroom_policy::{Trace, Tri};

const FIELDS: usize = 5;
/// The values that fields have and that changes are tried with: beyond every constant on both sides.
const VALUES: std::ops::Range<i64> = -2..7;

/// A condition over the fields `f0` to `f4`.
#[derive(Clone, Debug)]
enum C {
    Compare(&'static str, i64),
    Among(Vec<i64>),
    Missing,
    Not(Box<C>),
    And(Vec<C>),
    Or(Vec<C>),
    If(Box<C>, Box<C>, Box<C>),
}

fn condition(missing: bool) -> BoxedStrategy<C> {
    let op = proptest::sample::select(&["==", "!=", "<", "<=", ">", ">="][..]);
    let among =
        proptest::collection::btree_set(0i64..5, 1..3).prop_map(|set| C::Among(set.into_iter().collect()));
    let compare = (op, 0i64..5).prop_map(|(op, n)| C::Compare(op, n));
    let leaf = prop_oneof![4 => compare, 2 => among, u32::from(missing) => Just(C::Missing)];
    let grown = leaf.prop_recursive(3, 10, 3, |inner| {
        let several = || proptest::collection::vec(inner.clone(), 2..4);
        let three = (inner.clone(), inner.clone(), inner.clone());
        prop_oneof![
            inner.clone().prop_map(|c| C::Not(c.into())),
            several().prop_map(C::And),
            several().prop_map(C::Or),
            three.prop_map(|(a, b, c)| C::If(a.into(), b.into(), c.into())),
        ]
    });
    grown.boxed()
}

/// The condition as policy writes it; each leaf takes the next field.
fn written(c: &C, next: &mut impl FnMut() -> usize) -> String {
    let mut all = |parts: &[C], word: &str| {
        let parts: Vec<String> = parts.iter().map(|p| format!("({})", written(p, next))).collect();
        parts.join(word)
    };
    match c {
        C::Compare(op, n) => format!("f{} {op} {n}", next()),
        C::Among(values) => format!("f{} in {values:?}", next()),
        C::Missing => format!("f{} is missing", next()),
        C::Not(of) => format!("not ({})", written(of, next)),
        C::And(parts) => all(parts, " and "),
        C::Or(parts) => all(parts, " or "),
        C::If(cond, then, other) => {
            let (then, cond, other) = (written(then, next), written(cond, next), written(other, next));
            format!("(({then}) if ({cond}) else ({other}))")
        }
    }
}

fn leaves(c: &C) -> usize {
    match c {
        C::Compare(..) | C::Among(_) | C::Missing => 1,
        C::Not(of) => leaves(of),
        C::And(parts) | C::Or(parts) => parts.iter().map(leaves).sum(),
        C::If(a, b, c) => leaves(a) + leaves(b) + leaves(c),
    }
}

fn policy(when: &str) -> String {
    let fields: String = (0..FIELDS).map(|n| format!("    f{n}: int?\n")).collect();
    format!("event e:\n{fields}\nrule r on e:\n    when    {when}\n    then    block\n    because \"x\"\n")
}

fn holds(program: &wardroom_policy::Program, values: &[Option<i64>]) -> Tri {
    with(program, values, |row| program.rules[0].holds(row))
}

fn with<T>(
    program: &wardroom_policy::Program,
    values: &[Option<i64>],
    look: impl FnOnce(&wardroom_policy::Row<'_>) -> T,
) -> T {
    let names = ["f0", "f1", "f2", "f3", "f4"];
    let fields: Vec<(&str, Value)> =
        names.into_iter().zip(values).map(|(name, v)| (name, v.map_or(Value::Missing, Value::Int))).collect();
    on(program, &fields, &[], look)
}

/// Whether a change of one field turns the rule.
fn can_be_turned(program: &wardroom_policy::Program, values: &[Option<i64>], want: Tri) -> bool {
    (0..values.len()).any(|at| {
        let tried = VALUES.map(Some).chain([None]);
        tried.into_iter().any(|value| {
            let mut changed = values.to_vec();
            changed[at] = value;
            holds(program, &changed) == want
        })
    })
}

/// The truth that a part has by its own parts, where it is of a kind that says so.
fn by_parts(trace: &Trace) -> Option<Tri> {
    let truths = || trace.parts.iter().map(Trace::truth);
    let plain = trace.text.trim_start_matches('(');
    match trace.parts.len() {
        1 if plain.starts_with("not (") => truths().next().map(Tri::negate),
        _ => None,
    }
}

fn check_parts(trace: &Trace) {
    if let Some(truth) = by_parts(trace) {
        assert_eq!(trace.truth(), truth, "{}", trace.text);
    }
    trace.parts.iter().for_each(check_parts);
}

fn values() -> impl Strategy<Value = Vec<Option<i64>>> {
    proptest::collection::vec(proptest::option::weighted(0.8, VALUES), FIELDS)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_looked_into_is_what_held(c in condition(true), events in proptest::collection::vec(values(), 4)) {
        let mut at = 0;
        let mut next = || { at += 1; at % FIELDS };
        let Ok(program) = tried(&policy(&written(&c, &mut next)), &[]) else { return Ok(()) };
        for values in events {
            with(&program, &values, |row| {
                let traces = program.trace(0, row, &mut 1000);
                for (trace, term) in traces.iter().zip(&program.rules[0].terms) {
                    assert_eq!(trace.truth(), term.holds(row), "{}", term.text);
                    check_parts(trace);
                }
            });
        }
    }

    /// With each field in one place, a change that is enough is found wherever there is one.
    #[test]
    fn what_is_enough_is_found(
        c in condition(false).prop_filter("a field for each leaf", |c| leaves(c) <= FIELDS),
        events in proptest::collection::vec(proptest::collection::vec(VALUES.prop_map(Some), FIELDS), 4),
    ) {
        let mut at = 0;
        let mut next = || { at += 1; at - 1 };
        let program = program(&policy(&written(&c, &mut next)), &[]);
        for values in events {
            let is = holds(&program, &values);
            let want = is.negate();
            let can = can_be_turned(&program, &values, want);
            let flips = with(&program, &values, |row| program.flips(0, row));
            prop_assert_eq!(flips.iter().any(|f| f.alone), can, "{:?} {:?} {:?}", c, values, flips);
        }
    }

    /// With fields in several places, what is said to be enough is enough.
    #[test]
    fn what_is_said_to_be_enough_is(
        c in condition(false),
        which in proptest::collection::vec(0usize..2, 12),
        values in values(),
    ) {
        let mut at = 0;
        let mut next = || { at += 1; which[at % which.len()] };
        // One that never holds is refused.
        let Ok(program) = tried(&policy(&written(&c, &mut next)), &[]) else { return Ok(()) };
        let want = if holds(&program, &values) == Tri::True { Tri::False } else { Tri::True };
        let flips = with(&program, &values, |row| program.flips(0, row));
        if flips.iter().any(|f| f.alone) {
            prop_assert!(can_be_turned(&program, &values, want), "{:?} {:?} {:?}", c, values, flips);
        }
    }
}
