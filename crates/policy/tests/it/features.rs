// SPDX-License-Identifier: Apache-2.0
//! Features: where keys and items lie in each event type, what a plan serves and counts, and what makes two
//! versions of a feature the same counter.

use crate::support::{codes, event, program, row};
use wardroom_event::{Micros, Part, Span, Type, Value};
use wardroom_policy::{Aggregate, KeyPath, Plan, Program, Source, Taken};

/// The same fields in other places.
const EVENTS: &str = "
event signup:
    form: duration
    ip: ip
    account: account
    ok: bool

event login:
    account: account
    device: device?
    ok: bool
    ip: ip
";

fn with_rule(features: &str, on: &str, when: &str) -> String {
    format!("{EVENTS}\n{features}\nrule r on {on}:\n    when {when}\n    then block\n    because \"why\"\n")
}

fn at(slot: usize, part: Option<Part>) -> KeyPath {
    KeyPath { slot, part }
}

fn definition(feature: &str) -> String {
    let program =
        program(&[("a.ward", &with_rule(&format!("feature f = {feature}"), "login", "f is missing"))]);
    program.features[0].definition.to_string()
}

/// The features a plan serves, by number, each with the key it is read under.
fn served(plan: &Plan) -> Vec<(usize, Vec<KeyPath>)> {
    let of = |source: &Source| match source {
        Source::Feature { feature, key, .. } => (*feature, key.clone()),
        _ => panic!("no feature"),
    };
    plan.serve.iter().map(|s| of(&s.source)).collect()
}

fn plans(program: &Program) -> (&wardroom_policy::Plan, &wardroom_policy::Plan) {
    let plan = |name: &str| program.plan(program.schema.id(name).unwrap());
    (plan("signup"), plan("login"))
}

#[test]
fn a_feature_of_two_events_has_each_ones_slots() {
    let text = with_rule(
        "feature f = distinct(account, of=[signup, login], where=not ok, by=(ip.net, ok), last=\"30d\")",
        "login",
        "f > 3",
    );
    let program = program(&[("a.ward", &text)]);
    let feature = &program.features[0];
    assert_eq!(
        (feature.aggregate, feature.window, feature.kind),
        (Aggregate::Distinct, Some(Span::from_secs(30 * 86_400)), Type::Int)
    );
    let (signup, login) = plans(&program);
    assert_eq!(signup.serve.len(), 0);
    assert_eq!(served(login), [(0, vec![at(3, Some(Part::IpNet)), at(2, None)])]);
    let (ip, no) = (Value::Ip("192.0.2.7".parse().unwrap()), Value::Bool(false));
    let account = Value::Text("alice".into());
    let s = vec![Value::Duration(Span(1)), ip.clone(), account.clone(), no.clone()];
    let l = vec![account.clone(), Value::Missing, no, ip];
    for (plan, kind, values, key) in [
        (signup, "signup", s, [at(1, Some(Part::IpNet)), at(3, None)]),
        (login, "login", l, [at(3, Some(Part::IpNet)), at(2, None)]),
    ] {
        assert_eq!(plan.count.len(), 1);
        assert_eq!(plan.count[0].feature, 0);
        assert_eq!(plan.count[0].key, key);
        let event = event(&program.schema, kind, Micros(0), values);
        assert_eq!(plan.count[0].takes(&row(&event)), Some(Taken::Item(account.clone())));
    }
}

#[test]
fn a_filter_reads_the_slots_of_the_event_it_counts() {
    let text =
        with_rule("feature f = count([signup, login], where=not ok, by=ip, last=\"1h\")", "login", "f > 3");
    let program = program(&[("a.ward", &text)]);
    let (signup, login) = plans(&program);
    let ip = Value::Ip("192.0.2.7".parse().unwrap());
    let account = Value::Text("a".into());
    for ok in [Value::Bool(true), Value::Bool(false), Value::Missing] {
        let s = event(
            &program.schema,
            "signup",
            Micros(0),
            vec![Value::Duration(Span(1)), ip.clone(), account.clone(), ok.clone()],
        );
        let l = event(
            &program.schema,
            "login",
            Micros(0),
            vec![account.clone(), Value::Missing, ok.clone(), ip.clone()],
        );
        let takes = (ok == Value::Bool(false)).then_some(Taken::Plain);
        assert_eq!(
            (signup.count[0].takes(&row(&s)), login.count[0].takes(&row(&l))),
            (takes.clone(), takes),
            "{ok:?}"
        );
    }
}

#[test]
fn a_key_is_taken_from_the_event() {
    let text = with_rule("feature f = count(login, by=(ip.net, device), last=\"1h\")", "login", "f > 3");
    let program = program(&[("a.ward", &text)]);
    let (_, login) = plans(&program);
    let ip = Value::Ip("192.0.2.7".parse().unwrap());
    let e = event(
        &program.schema,
        "login",
        Micros(0),
        vec![Value::Text("a".into()), Value::Missing, Value::Bool(true), ip],
    );
    let key: Vec<Value> = served(login)[0].1.iter().map(|k| k.of(&e)).collect();
    assert_eq!(key, [Value::Net("192.0.2.0/24".parse().unwrap()), Value::Missing]);
}

#[test]
fn a_plan_serves_what_its_rules_read_and_counts_what_features_want() {
    let text = format!(
        "{}\nrule s on login:\n    when g > 3 or f > 5\n    then limit\n    because \"{{h}}\"\n    mode draft\n\nrule old on login:\n    when f > 9\n    then limit\n    because \"why\"\n    mode retired\n",
        with_rule(
            "feature f = count(login, by=ip, last=\"1h\")\nfeature g = count(signup, last=\"1h\")\nfeature h = first_seen(login, by=account)",
            "login",
            "f > 3",
        )
    );
    let program = program(&[("a.ward", &text)]);
    let (signup, login) = plans(&program);
    // Once each, in the order in which they are met; `g` is read on an event that it does not count.
    let read: Vec<(usize, usize)> = served(login).into_iter().map(|(f, key)| (f, key.len())).collect();
    assert_eq!(read, [(0, 1), (1, 0), (2, 1)]);
    assert_eq!(login.count.iter().map(|c| c.feature).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(signup.count.iter().map(|c| c.feature).collect::<Vec<_>>(), [1]);
    // Neither drafts nor retired rules judge; what drafts read is there for their tests.
    assert_eq!(login.rules, [0]);
    assert_eq!(program.features[2].kind, Type::Time);
    assert_eq!(program.features[2].window, None);
}

#[test]
fn what_a_feature_counts_is_said_in_one_line() {
    let check = |written: &str, expect: &str| {
        let text = with_rule(&format!("feature f = {written}"), "login", "f is not missing");
        assert_eq!(&*program(&[("a.ward", &text)]).features[0].text, expect, "{written}");
    };
    check("count(login,by=ip,last=\"1h\")", "count(login, by=ip, last=\"1h\")");
    check("count( login , last='60m', by = ip.net )", "count(login, by=ip.net, last=\"1h\")");
    check(
        "distinct(account, last=\"90m\", by=(ip,ok),where=not(ok or ip==ip),of=[signup,login])",
        "distinct(account, of=[signup, login], where=not (ok or ip == ip), by=(ip, ok), last=\"1h30m\")",
    );
    check("first_seen(login)", "first_seen(login)");
}

#[test]
fn a_definition_does_not_hang_on_how_it_is_written() {
    let plain =
        definition("count(login, where=not ok and account != 'a  b', by=(account, ip.net), last=\"1h\")");
    for same in [
        "count(login,where=not ok and account!='a  b',by=(account,ip.net),last=\"1h\")",
        "count(login,\n    where=not   ok   # a comment\n      and account != \"a  b\",  # and one more\n    by=(account,\n        ip.net),\n    last=\"60m\")",
        "count(login, last=\"3600s\", by=(account, ip.net), where=not ok and account != 'a  b')",
        "count(\n    login,\n    where=not ok and account != 'a  b',\n    by=(account, ip.net), last=\"1h\",\n)",
    ] {
        assert_eq!(definition(same), plain, "{same}");
    }
    for other in [
        "count(login, where=not ok and account != 'a b', by=(account, ip.net), last=\"1h\")",
        "count(login, where=not ok or account != 'a  b', by=(account, ip.net), last=\"1h\")",
        "count(login, where=not ok and account != 'a  b', by=(ip.net, account), last=\"1h\")",
        "count(login, where=not ok and account != 'a  b', by=(account, ip), last=\"1h\")",
        "count(login, where=not ok and account != 'a  b', by=(account, ip.net), last=\"2h\")",
        "count(signup, where=not ok and account != 'a  b', by=(account, ip.net), last=\"1h\")",
    ] {
        assert_ne!(definition(other), plain, "{other}");
    }
}

#[test]
fn a_definition_does_not_hang_on_where_it_stands() {
    let feature = "feature f = count(login, where=not ok, by=ip, last=\"1h\")\n";
    let other = "feature a = count(signup, by=ip, last=\"1m\")\n";
    let rule = "rule r on login:\n    when x.f > x.a\n    then block\n    because \"why\"\n";
    let found = |files: &[(&str, &str)]| {
        let program = program(files);
        let f = program.features.iter().find(|f| &*f.id == "x.f").unwrap();
        f.definition.to_string()
    };
    let first = found(&[("e.ward", EVENTS), ("x/a.ward", feature), ("x/b.ward", other), ("r.ward", rule)]);
    let second = found(&[("e.ward", EVENTS), ("x/z.ward", feature), ("x/b.ward", other), ("a.ward", rule)]);
    let third =
        found(&[("z.ward", EVENTS), ("x/b.ward", &format!("# moved\n\n{other}{feature}")), ("a.ward", rule)]);
    assert_eq!([&second, &third], [&first, &first]);
}

#[test]
fn an_event_type_counts_once() {
    assert_eq!(
        codes(&[("a.ward", &with_rule("feature f = count([login, login], last=\"1h\")", "login", "f > 3"))]),
        ["W0107"]
    );
}

#[test]
fn what_a_figure_never_or_always_is_cannot_be_asked_for() {
    let check = |feature: &str, when: &str, expect: &[&str]| {
        let text = with_rule(&format!("feature f = {feature}"), "login", when);
        assert_eq!(codes(&[("a.ward", &text)]), expect, "{when}");
    };
    let distinct = "distinct(account, of=login, by=ip, last=\"1h\")";
    for when in ["f > 0", "f >= 1", "0 < f", "f == 0", "f != 0", "f < 1", "f <= 0", "f > 1000000"] {
        check(distinct, when, &[]);
    }
    for when in ["f < 0", "f <= -1", "0 > f", "f == -1"] {
        check(distinct, when, &["W0406"]);
    }
    for when in ["f >= 0", "f > -1", "0 <= f", "f != -1"] {
        check(distinct, when, &["W0507"]);
    }
    check(distinct, "ok and (account == \"a\" or f < -0.5)", &["W0406"]);
    check(distinct, "not (f == -1)", &["W0406"]);
    let ratio = "ratio(login, where=ok, by=ip, last=\"1h\")";
    for when in ["f > 0.5", "f >= 1", "f < 1", "f == 1", "f <= 0", "f > 0", "f != 1"] {
        check(ratio, when, &[]);
    }
    for when in ["f > 1", "f >= 1.5", "f < 0", "f > 50", "f == 2"] {
        check(ratio, when, &["W0406"]);
    }
    for when in ["f <= 1", "f >= 0", "f != 2"] {
        check(ratio, when, &["W0507"]);
    }
    // What it is computed to may be anything.
    check(distinct, "f - 3 < 0", &[]);
    check("sum(time - time, of=login, by=ip, last=\"1h\")", "f < \"0s\"", &[]);
}

#[test]
fn a_terms_text_is_what_was_written_without_comments() {
    let text = with_rule(
        "",
        "login",
        "(ok or   # why\n        account == 'a  b') and\n        ip in [\"192.0.2.7\"]",
    );
    let program = program(&[("a.ward", &text)]);
    let terms: Vec<&str> = program.rules[0].terms.iter().map(|t| &*t.text).collect();
    assert_eq!(terms, ["(ok or account == \"a  b\")", "ip in [\"192.0.2.7\"]"]);
}
