// SPDX-License-Identifier: Apache-2.0
//! Decision tables: inline and from CSV files.

use super::{Judged, Known, MISSING, Value, check, number, policy, text};

const RISK: &str = "table risk(kind: text, tries: int, age: duration) -> number:
    \"hosting\", 64500, any -> 0.9
    \"hosting\", any, < \"1d\" -> 0.7
    [\"vpn\", \"tor\"], any, any -> 0.6
    any, > 100, any -> 0.5
    any, 10 to 20, any -> 0.4
    any, any, \"1d\" to \"7d\" -> 0.2
    else -> 0.0";

#[test]
fn the_first_row_that_fits_wins() {
    check(
        RISK,
        "risk(name, tries, typing)",
        &[
            ("name=\"hosting\", tries=64500, typing=\"9d\"", number(0.9)),
            ("name=\"hosting\", tries=1, typing=\"23h\"", number(0.7)),
            ("name=\"hosting\", tries=1, typing=\"1d\"", number(0.2)),
            ("name=\"vpn\", tries=1000, typing=\"1h\"", number(0.6)),
            ("name=\"tor\", tries=1, typing=\"1h\"", number(0.6)),
            ("name=\"home\", tries=101, typing=\"1h\"", number(0.5)),
            ("name=\"home\", tries=100, typing=\"1h\"", number(0.0)),
            ("name=\"home\", tries=10, typing=\"1h\"", number(0.4)),
            ("name=\"home\", tries=19, typing=\"1h\"", number(0.4)),
            ("name=\"home\", tries=20, typing=\"1h\"", number(0.0)),
            ("name=\"home\", tries=1, typing=\"1d\"", number(0.2)),
            ("name=\"home\", tries=1, typing=\"7d\"", number(0.0)),
        ],
    );
}

/// A row that may or may not fit makes the result unknown, unless one above it fits for sure.
#[test]
fn what_is_missing_may_or_may_not_fit() {
    let asked = "risk(name, tries, typing)";
    check(
        RISK,
        asked,
        &[("name=\"vpn\", tries=1", number(0.6)), ("tries=1, typing=\"1h\"", MISSING), ("", MISSING)],
    );
    check("table t(n: int) -> text:\n    any -> \"x\"", "t(tries)", &[("", text("x"))]);
}

#[test]
fn without_else_no_row_is_no_result() {
    let table = "table t(n: int) -> text:\n    < 3 -> \"few\"\n    >= 10 -> \"many\"";
    check(table, "t(tries)", &[("tries=2", text("few")), ("tries=10", text("many")), ("tries=5", MISSING)]);
    check(table, "t(2)", &[("", text("few"))]);
    check(table, "t(tries) is missing", &[("tries=5", super::YES), ("tries=2", super::NO)]);
}

#[test]
fn cells_are_of_every_type() {
    let table = "table t(ok: bool, amount: number, at: time, from: net, size: size, pace: rate) -> int:
    true, 0.5, any, any, any, any -> 1
    any, any, < \"2026-01-01T00:00:00Z\", any, any, any -> 2
    any, any, any, \"192.0.2.0/24\", any, any -> 3
    any, any, any, any, >= \"1MB\", any -> 4
    any, any, any, any, any, > \"5/m\" -> 5
    else -> 6";
    let asked = "t(ok, amount, since, ip.net, weight, pace)";
    let base = |more: &str, rest: &str| {
        let mut values = vec![
            ("ok", "ok=false"),
            ("amount", "amount=1"),
            ("since", "since=\"2026-01-02T00:00:00Z\""),
            ("ip", "ip=\"203.0.113.7\""),
            ("weight", "weight=\"1B\""),
            ("pace", "pace=\"1/h\""),
        ];
        values.retain(|(name, _)| !rest.contains(name));
        values.into_iter().map(|(_, v)| v.to_owned()).chain([more.to_owned()]).collect::<Vec<_>>().join(", ")
    };
    for (more, rest, expect) in [
        ("ok=true, amount=0.5", "ok amount", 1),
        ("since=\"2025-12-31T00:00:00Z\"", "since", 2),
        ("ip=\"192.0.2.7\"", "ip", 3),
        ("weight=\"1MB\"", "weight", 4),
        ("pace=\"6/m\"", "pace", 5),
        ("name=\"x\"", "-", 6),
    ] {
        check(table, asked, &[(&base(more, rest), Value::Int(expect))]);
    }
}

#[test]
fn a_number_column_takes_whole_numbers() {
    let table = "table t(n: number) -> number:\n    < 2.5 -> 1\n    else -> 2";
    check(table, "t(tries) + t(2)", &[("tries=3", number(3.0)), ("tries=2", number(2.0))]);
}

#[test]
fn tables_come_from_files() {
    let csv = "kind,tries,value\nhosting,> 3,0.9\nvpn | tor,*,0.6\n,10 to 20,0.4\nelse,,0.1\n";
    let declared = "table risk(kind: text, tries: int) -> number from \"risk.csv\"";
    let worth = |values: &str| {
        let text = policy(declared, "risk(name, tries)", values);
        Judged::of(&[("main.ward", &text), ("risk.csv", csv)], Known::default()).value()
    };
    assert_eq!(worth("name=\"hosting\", tries=4"), number(0.9));
    assert_eq!(worth("name=\"tor\", tries=0"), number(0.6));
    assert_eq!(worth("name=\"x\", tries=19"), number(0.4));
    assert_eq!(worth("name=\"hosting\", tries=3"), number(0.1));
    assert_eq!(worth("name=\"hosting\""), MISSING);
}

#[test]
fn a_table_is_asked_in_conditions_and_features() {
    let declared = format!("{RISK}\nfeature doubled = risk(name, tries, typing) * 2");
    let with = "name=\"vpn\", tries=1, typing=\"1h\"";
    check(&declared, "doubled", &[(with, number(1.2))]);
}
