// SPDX-License-Identifier: Apache-2.0
//! What counters take of an event.

use super::{Judged, Known, policy, text};
use wardroom_event::Value;
use wardroom_policy::Taken;

/// What the feature takes of an event with these values; facts stand before a `;`.
fn takes(feature: &str, values: &str) -> Option<Taken> {
    let (facts, values) = values.split_once(';').unwrap_or(("", values));
    let mut text = policy(&format!("feature f = {feature}"), "f is missing", values);
    if !facts.is_empty() {
        text = text.replace("    when login", &format!("    given {facts}\n    when login"));
    }
    let judged = Judged::new(&text, Known::default());
    let count = &judged.plan().count[0];
    count.takes(&judged.row())
}

fn check(feature: &str, cases: &[(&str, Option<Taken>)]) {
    for (values, expect) in cases {
        assert_eq!(takes(feature, values), *expect, "{feature} of login({values})");
    }
}

#[test]
fn counts_take_that_it_happened() {
    for word in ["count", "seen", "rate"] {
        let plain = format!("{word}(login, by=ip, last=\"1h\")");
        check(&plain, &[("", Some(Taken::Plain))]);
        let filtered = format!("{word}(login, where=tries > 3, by=ip, last=\"1h\")");
        check(&filtered, &[("tries=4", Some(Taken::Plain)), ("tries=3", None), ("", None)]);
    }
    check("first_seen(login, where=ok, by=ip)", &[("ok=true", Some(Taken::Plain)), ("ok=false", None)]);
}

#[test]
fn distinct_takes_an_item() {
    check(
        "distinct(name, of=login, last=\"1h\")",
        &[("name=\"a\"", Some(Taken::Item(text("a")))), ("", None)],
    );
    check(
        "distinct(email.domain, of=login, last=\"1h\")",
        &[("email=\"a@example.org\"", Some(Taken::Item(text("example.org"))))],
    );
    check(
        "distinct(ip.asn, of=login, last=\"1h\")",
        &[("ip.asn = 64500;", Some(Taken::Item(Value::Int(64_500)))), ("", None)],
    );
    check("distinct(name.lower(), of=login, last=\"1h\")", &[("name=\"Ab\"", Some(Taken::Item(text("ab"))))]);
}

#[test]
fn sums_take_a_quantity() {
    let amount = |n: i64| Some(Taken::Amount(n));
    for word in ["sum", "mean", "min", "max"] {
        check(&format!("{word}(tries, of=login, last=\"1h\")"), &[("tries=7", amount(7)), ("", None)]);
        check(
            &format!("{word}(amount, of=login, last=\"1h\")"),
            &[("amount=1.25", amount(1_250_000)), ("", None)],
        );
        check(&format!("{word}(typing, of=login, last=\"1h\")"), &[("typing=\"2s\"", amount(2_000_000))]);
        check(&format!("{word}(weight, of=login, last=\"1h\")"), &[("weight=\"4KiB\"", amount(4096))]);
        check(&format!("{word}(pace, of=login, last=\"1h\")"), &[("pace=\"6/m\"", amount(100_000))]);
    }
    check("max(since, of=login, last=\"1h\")", &[("since=\"1970-01-01T00:00:01Z\"", amount(1_000_000))]);
    check(
        "sum(tries * 2, of=login, where=ok, last=\"1h\")",
        &[("tries=7, ok=true", amount(14)), ("tries=7", None)],
    );
    check(
        "quantile(amount, of=login, q=0.9, last=\"1h\")",
        &[("amount=0.0000004", amount(0)), ("amount=0.0000005", amount(1))],
    );
    // Beyond what is held to a millionth, a number is not counted.
    check(
        "sum(amount, of=login, last=\"1h\")",
        &[("amount=1e13", None), ("amount=9e12", amount(9_000_000_000_000_000_000))],
    );
}

#[test]
fn last_holds_a_value() {
    check("last(name, of=login, by=account)", &[("name=\"a\"", Some(Taken::Held(text("a")))), ("", None)]);
    check("last(plan, of=login, by=account)", &[("plan=\"free\"", Some(Taken::Held(text("free"))))]);
    check("last(ok, of=login, by=account)", &[("ok=false", Some(Taken::Held(Value::Bool(false))))]);
}

#[test]
fn a_ratio_takes_whether_it_holds() {
    let ratio = "ratio(login, where=tries > 3, last=\"1h\")";
    check(ratio, &[("tries=4", Some(Taken::Mark(true))), ("tries=3", Some(Taken::Mark(false))), ("", None)]);
}

#[test]
fn a_sequence_takes_steps() {
    let steps = |first, then| Some(Taken::Steps(first, then));
    check(
        "sequence(login, first=not ok, times=5, then=ok, by=account, within=\"10m\", last=\"1d\")",
        &[("ok=false", steps(true, false)), ("ok=true", steps(false, true)), ("", steps(false, false))],
    );
    check(
        "sequence(login, first=tries > 3, then=ok, where=name == \"a\", within=\"10m\", last=\"1d\")",
        &[("ok=true, tries=4, name=\"a\"", steps(true, true)), ("ok=true, tries=4", None)],
    );
}

#[test]
fn speed_takes_a_place() {
    let speed = "speed(login, lat=ip.lat, lon=ip.lon, by=account, last=\"1d\")";
    check(
        speed,
        &[
            ("ip.lat = 48.2, ip.lon = 16.4;", Some(Taken::Place(48.2, 16.4))),
            ("ip.lat = 48.2;", None),
            ("ip.lat = 91, ip.lon = 16.4;", None),
            ("", None),
        ],
    );
}

#[test]
fn a_baseline_takes_what_its_feature_takes() {
    let text = policy(
        "feature f = count(login, where=ok, by=ip, last=\"1h\")\nfeature g = baseline(f, over=\"28d\")",
        "g.mean",
        "ok=true",
    );
    let judged = Judged::new(&text, Known::default());
    let taken: Vec<Option<Taken>> = judged.plan().count.iter().map(|c| c.takes(&judged.row())).collect();
    assert_eq!(taken, [Some(Taken::Plain), Some(Taken::Plain)]);
}
