// SPDX-License-Identifier: Apache-2.0
//! `testdata/query`: queries with mistakes, each beside what is said of it, and queries in their form.

use crate::support::{files, golden, path, read};
use proptest::prelude::*;
use std::collections::BTreeSet;
use wardroom_event::{Micros, Span, Value};
use wardroom_policy::query::{self, Answer, By, Compiled, Fold, Period, Query, What};
use wardroom_policy::{Bundle, pages};
use wardroom_report::render;

fn bundle() -> Bundle {
    Bundle::single("main.ward", &read(&path("testdata/query/policy.ward")).unwrap())
}

fn compiled(text: &str) -> Compiled {
    query::compile(&bundle(), text)
}

fn said(compiled: &Compiled) -> String {
    render(&compiled.diagnostics, &compiled.sources, false)
}

#[track_caller]
fn good(text: &str) -> Query {
    let compiled = compiled(text);
    assert!(compiled.diagnostics.is_empty(), "{text}\n{}", said(&compiled));
    compiled.query.unwrap()
}

#[test]
fn the_policy_is_good() {
    let compiled = wardroom_policy::compile(&bundle());
    assert!(compiled.diagnostics.is_empty(), "{}", render(&compiled.diagnostics, &compiled.sources, false));
}

#[test]
fn every_mistake_is_told_as_it_was_agreed() {
    let mut codes = BTreeSet::new();
    let mut differ = Vec::new();
    for file in files("testdata/query/bad", "query") {
        let compiled = compiled(&read(&file).unwrap());
        let refused = compiled.diagnostics.iter().any(wardroom_report::Diagnostic::is_error);
        assert_eq!(compiled.query.is_none(), refused, "{}", file.display());
        assert!(!compiled.diagnostics.is_empty(), "{} is not bad", file.display());
        codes.extend(compiled.diagnostics.iter().map(|d| d.code));
        differ.extend(golden(&file.with_extension("txt"), &format!("{}\n", said(&compiled))));
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    let idle: Vec<&str> =
        pages().iter().map(|p| p.code).filter(|c| c.starts_with("W10") && !codes.contains(c)).collect();
    assert!(idle.is_empty(), "{idle:?} are said of no query");
}

#[test]
fn queries_have_one_form() {
    let check = |text: &str, expect: &str| {
        let form = query::format(text).unwrap();
        assert_eq!(form, expect);
        assert_eq!(query::format(&form).unwrap(), expect);
        assert_eq!(&*good(text).text, expect);
    };
    check("login", "login");
    check(
        "login show count where not ok top 20 by count by ip.net",
        "login where not ok by ip.net show count top 20 by count",
    );
    check(
        "login:  # failed ones\n  where not(ok)  and account in['a']\n  by account as who\n  show count()",
        "login where not ok and account in [\"a\"] by account as who show count()",
    );
    check(
        "mail by from show last(to) as last per \"1d\" top 3 by count last '30d'",
        "mail last \"30d\" by from show last(to) as last per \"1d\" top 3 by count",
    );
    check(
        "login where verdict >= review and failures > many and account == \"somebody-with-a-long-name\" \
         last \"7d\" by ip.net, account show count, distinct(account) top 10",
        "login\n    where verdict >= review and failures > many and account == \"somebody-with-a-long-name\"\n    \
         last  \"7d\"\n    by    ip.net, account\n    show  count, distinct(account)\n    top   10",
    );
}

#[test]
fn what_is_asked_is_understood() {
    let q = good(
        "login where not ok and ip == \"10.1.2.3\" by ip.net, time.hour show count, share(verdict == block) last \"1d\" per \"1h\" against \"7d\" top 5 by change(count)",
    );
    assert_eq!((q.period, q.per, q.against), (Period::Last(day(1)), Some(Span(3_600_000_000)), Some(day(7))));
    assert_eq!(q.period.at(Micros(day(9).0)), (Some(Micros(day(8).0)), Some(Micros(day(9).0))));
    let Answer::Groups { sums, by, bottom: false, most: Some(5) } = &q.answer else { panic!() };
    let folds: Vec<(&str, Fold)> = sums.iter().map(|s| (&*s.field.name, s.fold)).collect();
    assert_eq!(folds, [("count", Fold::Count), ("share(verdict == block)", Fold::Share)]);
    assert_eq!(*by, By::Change(0));
    let equal: Vec<(&str, &Value)> = q.equal().iter().map(|(f, v)| (&*f.name, v)).collect();
    assert_eq!(equal, [("ip", &Value::Ip("10.1.2.3".parse().unwrap()))]);
    let reads: Vec<String> = q.reads().iter().map(|r| r.field.name.to_string()).collect();
    assert_eq!(reads, ["time", "ip", "ok", "verdict"]);
}

fn day(n: i64) -> Span {
    Span::from_secs(n * 86_400)
}

/// What is served is read as it was served; what stands beside the event by its own name, or as one of the decision's.
#[test]
fn what_is_read_is_told_apart() {
    let reads = |text: &str| -> Vec<String> {
        let what = |r: &query::Read| match &r.what {
            What::Time => "time".to_owned(),
            What::Field => format!("field {}", r.field.name),
            What::Served(id) => format!("served {id}"),
            What::Asked(asked) => format!("{asked:?}"),
        };
        good(text).reads().iter().map(what).collect()
    };
    assert_eq!(
        reads("login where risk > 2 and failures > 3 and ip.asn == 3"),
        [
            "time",
            "field account",
            "field ip",
            "field device",
            "field ok",
            "field wait",
            "field size",
            "field plan",
            "field links",
            "Own(Verdict)",
            "field ip.asn",
            "served failures",
            "served risk"
        ]
    );
    assert_eq!(
        reads("login where fired(\"too_many\") or labelled(\"farm\") or class == \"abuse\" show count"),
        ["time", "Own(Class)", "Fired(\"too_many\")", "Labelled(\"farm\")"]
    );
    assert_eq!(reads("mail where verdict == \"x\" show count"), ["time", "field verdict"]);
    assert_eq!(reads("mail where decision.verdict > limit show count"), ["time", "Own(Verdict)"]);
    assert_eq!(reads("login by decision.source"), ["time", "Own(Source)"]);
    let inputs = |served: &str| good("login where risk > 2").computed(served).map(|(_, reads)| reads.len());
    assert_eq!([inputs("risk"), inputs("noisy"), inputs("failures")], [Some(1), Some(1), None]);
}

#[test]
fn rows_and_groups_are_told_apart() {
    let rows = |text: &str| matches!(good(text).answer, Answer::Rows { .. });
    assert!(
        rows("login")
            && rows("login show account, ip top 5 by failures")
            && rows("login show min(failures, 3)")
    );
    assert!(!rows("login by ip") && !rows("login per \"1h\"") && !rows("login show max(failures)"));
    assert!(rows("login show sum(x.clicks for x in links)"));
}

/// Pieces that queries are made of, some of them wrong: whatever they make, nothing is harmed, and what is in form stays.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("login".to_owned()),
        prop::sample::select(vec![
            "where",
            "by",
            "show",
            "top",
            "bottom",
            "last",
            "from",
            "to",
            "per",
            "against",
            "as",
            "and",
            "not",
            "in",
            "(",
            ")",
            "[",
            "]",
            ",",
            "\"7d\"",
            "\"2026-11-01\"",
            "20",
            "0.5",
            "ok",
            "ip",
            "ip.net",
            "count",
            "count(",
            "sum(size)",
            "share(ok)",
            "quantile(wait, 0.9)",
            "change(count)",
            "verdict",
            ">=",
            "==",
            "block",
            "fired(",
            "labelled(\"a\")",
            "decision.source",
            "failures",
            "risk",
            "mail",
            "*",
            "-",
            "#x\n",
            "\n",
            "for",
            "x",
            "links",
            "if",
            "else",
            "is",
            "missing",
            "\u{202e}",
            "“",
            "=",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,6}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_text_does_harm(pieces in prop::collection::vec(piece(), 0..24)) {
        let text = pieces.join(" ");
        let compiled = compiled(&text);
        let refused = compiled.diagnostics.iter().any(wardroom_report::Diagnostic::is_error);
        prop_assert_eq!(compiled.query.is_none(), refused, "{}", text);
        drop(said(&compiled));
        if let Ok(form) = query::format(&text) {
            prop_assert_eq!(query::format(&form).map_err(|e| e.to_string()), Ok(form.clone()), "{}", text);
            // What is in its form means the same.
            if let Some(query) = compiled.query {
                let again = query::compile(&bundle(), &form);
                prop_assert_eq!(again.query.map(|q| q.text), Some(query.text), "{}", text);
            }
        }
    }
}
