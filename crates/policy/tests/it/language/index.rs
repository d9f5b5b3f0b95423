// SPDX-License-Identifier: Apache-2.0
//! The index: the candidates are all the rules that can fire, whatever the rules and the event are.

use super::{EVENTS, Known, event, serve};
use crate::support::program;
use proptest::prelude::*;
use wardroom_policy::{Missing, Program, Row, Tri};

/// Terms that rules share the left side of, and some that they do not.
fn term() -> impl Strategy<Value = String> {
    let word = || proptest::sample::select(&["a", "b", "c"][..]);
    prop_oneof![
        4 => word().prop_map(|w| format!("name == \"{w}\"")),
        2 => (word(), word()).prop_map(|(a, b)| format!("name in [\"{a}\", \"{b}x\"]")),
        2 => (0..3i64).prop_map(|n| format!("tries == {n}")),
        1 => (0..3i64).prop_map(|n| format!("{n} == tries")),
        1 => (0..3i64).prop_map(|n| format!("tries > {n}")),
        1 => Just("plan == \"free\"".to_owned()),
        1 => Just("ip in nets".to_owned()),
        1 => Just("ip in hot".to_owned()),
        1 => Just("ok".to_owned()),
        1 => Just("not ok".to_owned()),
        1 => Just("name is missing".to_owned()),
        1 => (0..3i64).prop_map(|n| format!("(tries == {n} or ok)")),
        1 => (0..3i64).prop_map(|n| format!("counted == {n}")),
        1 => word().prop_map(|w| format!("email.local == \"{w}\"")),
    ]
}

fn rule() -> impl Strategy<Value = (Vec<String>, &'static str, &'static str)> {
    let missing = proptest::sample::select(&["false", "true", "review"][..]);
    let mode =
        proptest::sample::select(&["live", "live", "shadow", "canary 5% by ip", "draft", "retired"][..]);
    (proptest::collection::vec(term(), 1..4), missing, mode)
}

fn values() -> impl Strategy<Value = String> {
    let some = |field: &'static str, values: &'static [&'static str]| {
        proptest::option::of(proptest::sample::select(values))
            .prop_map(move |v| v.map(|v| format!("{field}={v}")))
    };
    (
        some("name", &["\"a\"", "\"b\"", "\"bx\"", "\"z\""]),
        some("tries", &["0", "1", "2", "5"]),
        some("ok", &["true", "false"]),
        some("ip", &["\"192.0.2.7\"", "\"203.0.113.7\""]),
        some("plan", &["\"free\"", "\"paid\""]),
        some("email", &["\"a@example.org\"", "\"z@example.org\""]),
    )
        .prop_map(|(a, b, c, d, e, f)| {
            [a, b, c, d, e, f].into_iter().flatten().collect::<Vec<_>>().join(", ")
        })
}

fn text(rules: &[(Vec<String>, &str, &str)], values: &str) -> String {
    let mut out = format!(
        "{EVENTS}\nfeature counted = count(login, by=ip, last=\"1h\")\nlist nets: net = [\"192.0.2.0/24\"]\nlist hot: ip = [\"203.0.113.7\"]\n"
    );
    out.push_str("rule adds on login:\n    when tries > 100\n    then list(ip, hot)\n    because \"x\"\n");
    for (i, (terms, missing, mode)) in rules.iter().enumerate() {
        let terms = terms.join(" and ");
        out.push_str(&format!(
            "rule r{i} on login:\n    when {terms}\n    then block\n    because \"x\"\n    missing {missing}\n    mode {mode}\n"
        ));
    }
    out.push_str(&format!("test r0:\n    when login({values})\n    expect allow\n"));
    out
}

/// Which rules fire, asked one by one.
fn fires(program: &Program, number: usize, row: &Row<'_>) -> bool {
    let rule = &program.rules[number];
    match rule.holds(row) {
        Tri::True => true,
        Tri::Unknown => rule.missing != Missing::Nothing,
        Tri::False => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn candidates_are_all_that_can_fire(
        rules in proptest::collection::vec(rule(), 1..24),
        values in values(),
        counted in proptest::option::of(0..3i64),
    ) {
        let compiled = crate::support::compiled(&[("main.ward", &text(&rules, &values))]);
        // Terms that contradict each other are refused; such a policy says nothing here.
        prop_assume!(compiled.program.is_some());
        let program = program(&[("main.ward", &text(&rules, &values))]);
        let mut known = Known { lists: program.lists.clone(), ..Known::default() };
        known.served.extend(counted.map(|n| ("counted", wardroom_event::Value::Int(n))));
        let event = event(&program, &program.cases[0]);
        let served = serve(&program, &event, &known);
        let row = Row::new(&event, &served, &known);
        let plan = program.plan(event.kind);
        let mut candidates = vec![77];
        plan.candidates(&row, &mut candidates);
        prop_assert!(candidates.windows(2).all(|w| w[0] < w[1]), "{:?}", candidates);
        prop_assert!(candidates.iter().all(|c| plan.rules.contains(c)));
        let want: Vec<usize> = plan.rules.iter().copied().filter(|n| fires(&program, *n, &row)).collect();
        let got: Vec<usize> = candidates.iter().copied().filter(|n| fires(&program, *n, &row)).collect();
        prop_assert_eq!(got, want);
    }
}

/// What the index is there for: of many rules that share a guard, only those of its value are asked.
#[test]
fn rules_that_share_a_guard_are_found_by_its_value() {
    let rules: Vec<(Vec<String>, &str, &str)> =
        (0..50).map(|i| (vec![format!("tries == {i}"), "ok".to_owned()], "false", "live")).collect();
    let asked = |values: &str| {
        let program = program(&[("main.ward", &text(&rules, values))]);
        let known = Known { lists: program.lists.clone(), ..Known::default() };
        let event = event(&program, &program.cases[0]);
        let served = serve(&program, &event, &known);
        let mut candidates = Vec::new();
        program.plan(event.kind).candidates(&Row::new(&event, &served, &known), &mut candidates);
        candidates.into_iter().map(|n| program.rules[n].id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(asked("tries=7, ok=true"), ["adds", "r7"]);
    assert_eq!(asked("tries=99, ok=true"), ["adds"]);
    assert_eq!(asked("ok=true"), ["adds"]);
}
