// SPDX-License-Identifier: Apache-2.0
//! `testdata/good`: a policy that uses everything there is. Nothing is said of it, and it means what it says.

use crate::support::{path, read, said};
use std::collections::BTreeSet;
use std::path::Path;
use wardroom_event::{Micros, Span, Type, Value};
use wardroom_policy::{Aggregate, Bundle, Deed, Effect, Matching, Missing, Mode, Program, Verdict, compile};

/// Every file below a folder, with its path counted from there.
fn walk(folder: &Path, below: &str, bundle: &mut Bundle) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            walk(&entry.path(), &format!("{name}/"), bundle);
        } else {
            bundle.add(name, read(&entry.path()).unwrap());
        }
    }
}

pub(crate) fn bundle() -> Bundle {
    let mut bundle = Bundle::new();
    walk(&path("testdata/good"), "", &mut bundle);
    bundle
}

fn good() -> Program {
    let compiled = compile(&bundle());
    assert!(compiled.diagnostics.is_empty(), "{}", said(&compiled));
    compiled.program.unwrap()
}

#[test]
fn nothing_is_said_of_good_policies() {
    let program = good();
    assert!(program.rules.len() >= 8 && program.features.len() >= 8 && program.cases.len() >= 4);
}

#[test]
fn everything_is_used() {
    let program = good();
    for kind in Type::ALL {
        let fields = program.schema.iter().flat_map(|(_, t)| &t.fields);
        assert!(fields.into_iter().any(|f| f.kind == kind), "no field of type {kind}");
    }
    for verdict in Verdict::ALL {
        assert!(program.rules.iter().any(|r| r.verdict == Some(verdict)), "no rule says {verdict}");
        assert!(program.cases.iter().any(|c| c.expect.verdict == verdict), "no test expects {verdict}");
    }
    for mode in Mode::ALL {
        assert!(program.rules.iter().any(|r| r.mode == mode), "no rule is {}", mode.name());
    }
    for aggregate in Aggregate::NAMES {
        assert!(
            program.features.iter().any(|f| f.aggregate.name() == aggregate),
            "no feature is {aggregate}"
        );
    }
    for matching in [Matching::Same, Matching::Suffix, Matching::Pattern] {
        assert!(program.lists.iter().any(|l| l.matching == matching), "no list is {matching:?}");
    }
    let effects: BTreeSet<&str> = program.rules.iter().flat_map(|r| &r.effects).map(word).collect();
    assert_eq!(effects, BTreeSet::from(["case", "label", "list", "notify", "webhook"]));
    let says = |missing| program.rules.iter().any(|r| r.missing == missing);
    assert!([Missing::Nothing, Missing::Review, Missing::Holds].into_iter().all(says));
}

fn word(effect: &Effect) -> &'static str {
    match effect.what {
        Deed::Label { .. } => "label",
        Deed::List { .. } => "list",
        Deed::Case(_) => "case",
        Deed::Notify(_) => "notify",
        Deed::Webhook(_) => "webhook",
    }
}

#[test]
fn lists_hold_what_is_written() {
    let program = good();
    let entries = |id: &str| -> Vec<String> {
        let list = program.lists.iter().find(|l| &*l.id == id).unwrap();
        list.entries.iter().map(|(e, _)| e.show(list.kind, wardroom_event::Sight::Full)).collect()
    };
    assert_eq!(entries("ours"), ["192.0.2.0/24", "2001:db8::/32"]);
    assert_eq!(entries("mail.throwaway"), ["mailinator.example", "trash.example"]);
    assert_eq!(entries("mail.bad_links"), ["https://a.example/#top", "https://b.example/"]);
    assert_eq!(entries("mail.by_hand"), [""; 0]);
    assert_eq!(entries("mail.ports"), ["25", "-1"]);
    assert_eq!(entries("payments.ours"), ["example.org"]);
    assert_eq!(entries("payments.robots"), ["(?i)bot\\b", "^curl/"]);
    let bins = program.lists.iter().find(|l| &*l.id == "payments.bins").unwrap();
    let until = Micros::parse("2026-12-31T00:00:00Z");
    assert_eq!(bins.entries, [(Value::Int(25), None), (Value::Int(465), until)]);
    let changing: Vec<&str> = program.lists.iter().filter(|l| l.changes).map(|l| &*l.id).collect();
    // One that rules add to, and one that is filled from outside.
    assert_eq!(changing, ["mail.by_hand", "payments.hot"]);
}

#[test]
fn rules_are_what_is_written() {
    let program = good();
    let rule = |id: &str| program.rules.iter().find(|r| &*r.id == id).unwrap();
    assert_eq!(rule("logins.second_factor").ask.as_deref(), Some("second factor"));
    assert_eq!(rule("logins.second_factor").owner.as_deref(), Some("abuse desk"));
    let terms: Vec<&str> = rule("logins.brute_force").terms.iter().map(|t| &*t.text).collect();
    assert_eq!(terms, ["failures >= 10", "not ok", "(ip not in ours or ip in \"192.0.2.66/32\")"]);
    assert_eq!(rule("mail.sure").mode, Mode::Draft);
}

#[test]
fn tests_are_what_is_written() {
    let program = good();
    let case = program
        .cases
        .iter()
        .find(|c| c.title.as_deref() == Some("thirty failures, one from elsewhere"))
        .unwrap();
    assert_eq!(&*case.id, "logins.brute_force");
    assert_eq!((&*case.place.0, case.place.1), ("logins/rules.ward", 64));
    let shape: Vec<(i64, Span, Span)> = case.given.iter().map(|g| (g.times, g.within, g.ago)).collect();
    let minutes = |n: i64| Span::from_secs(60 * n);
    assert_eq!(
        shape,
        [(30, minutes(10), minutes(0)), (1, minutes(0), minutes(5)), (2, minutes(0), minutes(0))]
    );
    let login = program.schema.get(case.when.event);
    let values: Vec<(&str, &Value)> =
        case.when.values.iter().map(|(s, v)| (&*login.fields[*s].name, v)).collect();
    let at = Value::Time(Micros::parse("2026-01-05T10:00:00Z").unwrap());
    assert_eq!(
        values,
        [
            ("ok", &Value::Bool(false)),
            ("email", &Value::Missing),
            ("since", &at),
            ("risk", &Value::Number(2.0)),
            ("typing", &Value::Duration(Span(1_500_000))),
        ]
    );
    let by = case.expect.by.map(|n| &*program.rules[n].id);
    assert_eq!((case.expect.verdict, by), (Verdict::Block, Some("logins.brute_force")));
}
