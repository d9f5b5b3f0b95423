// SPDX-License-Identifier: Apache-2.0
//! What there is for tests to reach, and what they have reached.

use crate::support::{on, program, text};
use wardroom_event::Value;
use wardroom_policy::{Coverage, Program};

const POLICY: &str = r#"event login:
    ok:      bool
    country: text?
    device:  device?
    n:       int

table risk(country: text) -> number:
    "de" -> 0.1
    "ru" -> 0.9
    else -> 0.4

evidence odd on login:
    weigh   1.5 if n > 2 else 0
    because "odd"

rule r on login:
    when    not ok and (country == "ru" or n > 5) and (device is missing or device == "d")
    then    block
    because "x"

rule s on login:
    when    risk(country) > 0.5 and odd > 1
    then    review
    because "x"

rule t on login:
    when    1 < n < 5
    then    review
    because "x"
    mode    retired
"#;

fn left(program: &Program, events: &[&[(&str, Value)]]) -> Vec<String> {
    let mut coverage = Coverage::new(program);
    for fields in events {
        on(program, fields, &[], |row| coverage.see(row));
    }
    let cover = coverage.finish();
    let points = cover.covered.iter().flat_map(|c| c.points.iter().filter(|p| !p.seen).map(move |p| (c, p)));
    points.map(|(c, p)| format!("{} {}:{} {}", c.id, p.wants, p.line, p.text)).collect()
}

#[test]
fn everything_that_can_be_reached_is_named_until_it_is() {
    let program = program(POLICY, &[]);
    let both = "(country == \"ru\" or n > 5)";
    let none = left(&program, &[]);
    for named in [
        "r fires:16 r",
        "r stays quiet:16 r",
        "r true:17 not ok",
        "r false:17 not ok",
        "r true:17 country == \"ru\"",
        "r unknown:17 country == \"ru\"",
        "r true:17 n > 5",
        "r true:17 device is missing",
        "s true:22 risk(country) > 0.5",
        "s unknown:22 risk(country) > 0.5",
        "odd says something:13 1.5 if n > 2 else 0",
        "odd true:13 n > 2",
        "odd false:13 n > 2",
        "risk fits:7 \"de\" -> 0.1",
        "risk fits:7 else",
    ] {
        assert!(none.iter().any(|l| l == named), "{named}: {none:#?}");
    }
    for absent in ["r unknown:17 not ok", "r unknown:17 n > 5", "t fires"] {
        assert!(!none.iter().any(|l| l.starts_with(absent)), "{absent}: {none:#?}");
    }
    assert!(none.iter().any(|l| l.contains(both)), "{none:#?}");
    assert!(!none.contains(&"r unknown:17 (device is missing or device == \"d\")".to_owned()), "{none:#?}");

    let event = |ok: bool, country: Option<&str>, device: Option<&str>, n: i64| {
        let maybe = |t: Option<&str>| t.map_or(Value::Missing, text);
        vec![
            ("ok", Value::Bool(ok)),
            ("country", maybe(country)),
            ("device", maybe(device)),
            ("n", Value::Int(n)),
        ]
    };
    let events = [
        event(false, Some("ru"), None, 9),
        event(true, Some("de"), Some("d"), 1),
        event(true, None, Some("e"), 1),
        event(true, Some("fr"), Some("e"), 1),
    ];
    let events: Vec<&[(&str, Value)]> = events.iter().map(Vec::as_slice).collect();
    assert_eq!(left(&program, &events), Vec::<String>::new());
    assert_eq!(left(&program, &events[1..2]).iter().filter(|l| l.contains(" fires:")).count(), 2);
}

#[test]
fn percents_count_what_was_seen() {
    let program = program(POLICY, &[]);
    let cover = Coverage::new(&program).finish();
    assert_eq!((cover.rules(), cover.percent()), ((0, 2), 0.0));
}
