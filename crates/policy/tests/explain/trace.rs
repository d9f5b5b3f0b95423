// SPDX-License-Identifier: Apache-2.0
//! What each part of a condition was.

use crate::support::{on, program, text};
use std::fmt::Write as _;
use wardroom_event::{Sight, Span, Value};
use wardroom_policy::{Program, Row, Trace};

const POLICY: &str = r#"event login:
    account: account
    ip:      ip
    ok:      bool
    country: text?
    device:  device?
    sizes:   list(int)?
    took:    duration?

feature failures = count(login, where=not ok, by=ip, last="1h")
feature passes   = count(login, where=ok, by=ip, last="1h")
feature ratio    = failures / passes

list office: net = ["192.0.2.0/24"]

table risk(country: text, failures: int) -> number:
    "de", any       -> 0.1
    "ru", 5 to 100  -> 0.9
    else            -> 0.4

model bot on login from "bot.json":
    quick  = took < "2s"
    wrongs = failures

evidence odd on login:
    weigh   log(failures + 1) capped -2 to 1
    because "odd"

evidence new on login:
    weigh   2 if device is missing else 0
    because "new"

score takeover on login = sum(prior(-4.6), odd, new, bot)

"#;

const BOT: &str =
    r#"{"kind": "linear", "bias": -1, "inputs": {"quick": {"weight": 2}, "wrongs": {"weight": 0.5}}}"#;

fn rule(when: &str) -> Program {
    let rule =
        format!("{POLICY}rule r on login:\n    when    {when}\n    then    block\n    because \"x\"\n");
    program(&rule, &[("bot.json", BOT)])
}

fn drawn(trace: &Trace, depth: usize, out: &mut String) {
    let what = if trace.what.is_empty() { String::new() } else { format!(" [{}]", trace.what) };
    let adds = trace.adds.map_or(String::new(), |n| format!(" adds {n}"));
    let note = trace.note.as_ref().map_or(String::new(), |n| format!(" ({n})"));
    let shown = trace.shown(Sight::Masked);
    let _ = writeln!(out, "{:1$}{2}{what}: {shown}{adds}{note}", "", depth * 2, trace.text);
    trace.parts.iter().for_each(|part| drawn(part, depth + 1, out));
}

fn looked_into(program: &Program, row: &Row<'_>) -> String {
    let mut out = String::new();
    let terms = program.trace(0, row, &mut 1000);
    for (term, trace) in program.rules[0].terms.iter().zip(&terms) {
        assert_eq!(trace.truth(), term.holds(row), "{}", term.text);
        drawn(trace, 0, &mut out);
    }
    out
}

#[test]
fn parts_are_what_they_are_written_as() {
    let failures = "count(login, where=not ok, by=ip, last=\"1h\")";
    let check = |when: &str, expect: &str| {
        let program = rule(when);
        let fields = [
            ("account", text("alice")),
            ("ip", Value::Ip("192.0.2.7".parse().unwrap())),
            ("ok", Value::Bool(false)),
            ("country", text("ru")),
            ("sizes", Value::List([Value::Int(3), Value::Int(9)].into())),
            ("took", Value::Duration(Span::from_secs(1))),
        ];
        let given = [("failures", Value::Int(6)), ("passes", Value::Int(4))];
        let got = on(&program, &fields, &given, |row| looked_into(&program, row));
        assert_eq!(got, expect.replace("FAILURES", failures), "{when}");
    };
    check("not ok", "not ok: true\n  ok [field]: false\n");
    check(
        "failures >= 5 and account == \"alice\"",
        "failures >= 5: true\n  failures [feature]: 6 (FAILURES)\naccount == \"alice\": true\n  account [field]: \"al…\"\n",
    );
    check(
        "(ip not in office or country in [\"ru\", \"cn\"])",
        "(ip not in office or country in [\"ru\", \"cn\"]): true\n  ip not in office [list]: false (office)\n    ip [field]: 192.0.2.7\n  \
         country in [\"ru\", \"cn\"]: true\n    country [field]: \"ru\"\n",
    );
    check("device is not missing", "device is not missing: false\n  device [field]: unknown\n");
    check(
        "ratio > 1",
        "ratio > 1: true\n  ratio [feature]: 1.5 (failures / passes)\n    failures [feature]: 6 (FAILURES)\n    passes \
         [feature]: 4 (count(login, where=ok, by=ip, last=\"1h\"))\n",
    );
    check(
        "risk(country, failures) > 0.5",
        "risk(country, failures) > 0.5: true\n  risk(country, failures) [table]: 0.9 (row 2: \"ru\", 5 to 100 -> 0.9)\n    \
         country [field]: \"ru\"\n    failures [feature]: 6 (FAILURES)\n",
    );
    check(
        "any(s > 5 for s in sizes if s != 7)",
        "any(s > 5 for s in sizes if s != 7): true\n  item 1 [item]: false\n    s != 7: true\n      s [field]: 3\n    s > 5: \
         false\n      s [field]: 3\n  item 2 [item]: true\n    s != 7: true\n      s [field]: 9\n    s > 5: true\n      s [field]: 9\n",
    );
}

#[test]
fn scores_evidence_and_models_are_opened() {
    let program = rule("takeover > 4.5");
    let fields = [("took", Value::Duration(Span::from_secs(1))), ("ok", Value::Bool(false))];
    let got = on(&program, &fields, &[("failures", Value::Int(6))], |row| looked_into(&program, row));
    let lines: Vec<&str> = got.lines().map(|l| l.split(" (count").next().unwrap()).collect();
    assert_eq!(
        lines,
        [
            "takeover > 4.5: false",
            "  takeover [score]: 2.4 (sum(prior(-4.6), odd, new, bot))",
            "    odd [evidence]: 1 (weigh log(failures + 1) capped -2 to 1 because \"odd\")",
            "      log(failures + 1): 1.94591",
            "        failures + 1: 7",
            "          failures [feature]: 6",
            "    new [evidence]: 2 (weigh 2 if device is missing else 0 because \"new\")",
            "      device is missing: true",
            "        device [field]: unknown",
            "    bot [model]: 4 (bias -1)",
            "      wrongs = failures [feature]: 6 adds 3",
            "      quick = took < \"2s\": 1 adds 2",
            "        took [field]: 1s",
        ],
        "{got}"
    );
}

#[test]
fn what_is_shown_is_bounded() {
    let program = rule("failures > 1 and passes > 2 and country == \"de\"");
    let cut = on(&program, &[], &[], |row| program.trace(0, row, &mut 2));
    assert_eq!(cut.len(), 3, "every term is there");
    assert!(cut[1].cut && cut[1].parts.is_empty(), "{cut:?}");
}

#[test]
fn numbers_show_what_says_something() {
    let check = |n: f64, expect: &str| {
        let trace = Trace {
            text: "x".into(),
            what: "",
            kind: wardroom_event::Type::Number,
            value: Value::Number(n),
            note: None,
            adds: None,
            parts: Vec::new(),
            cut: false,
        };
        assert_eq!(trace.shown(Sight::Full), expect);
    };
    check(0.0, "0");
    check(3.9, "3.9");
    check(0.1 + 0.2, "0.3");
    check(-4.6, "-4.6");
    check(1_234_567.8, "1234568");
    check(0.000_012_345_678, "0.0000123457");
    check(100.0, "100");
}
