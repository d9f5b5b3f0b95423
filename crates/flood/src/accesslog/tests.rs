// SPDX-License-Identifier: Apache-2.0
//! Lines → events, as tables; and the totals of a real log where one is at hand.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;
use wardroom_event::{EventType, Field, Micros, Schema, Type};

/// The event's type as the shipped pack declares it.
fn schema() -> Arc<Schema> {
    use Type::{Account, Int, Ip, Text};
    let field = |(name, kind): (&str, Type)| Field::plain(name, kind, !matches!(name, "ip" | "status"));
    let fields = [
        ("ip", Ip),
        ("method", Text),
        ("path", Text),
        ("query", Text),
        ("status", Int),
        ("bytes", Int),
        ("referrer", Text),
        ("user_agent", Text),
        ("host", Text),
        ("user", Account),
    ];
    let fields = fields.into_iter().map(field).collect();
    Arc::new(Schema::new(vec![EventType { name: "http_request".into(), fields }]))
}

/// Every draft is one that intake takes.
fn assert_accepted(drafts: &[Draft<'static>]) {
    let schema = schema();
    for draft in drafts {
        let read = wardroom_event::read(draft.clone(), &schema, Micros(i64::MAX), || "none".into());
        assert!(read.as_ref().is_ok_and(|event| *event.id.id != *"none"), "{draft:?}: {read:?}");
    }
}

fn read(lines: &[String]) -> (Vec<Draft<'static>>, Tally) {
    let (mut reader, mut out) = (Reader::new(), Vec::new());
    lines.iter().for_each(|line| reader.line(line, &mut out));
    reader.finish(&mut out);
    assert_accepted(&out);
    (out, reader.tally().clone())
}

/// The fields as `name=value`, in the order made.
fn show(draft: &Draft<'_>) -> String {
    let field = |(name, raw): &(Cow<'_, str>, Raw<'_>)| match raw {
        Raw::Text(text) => format!("{name}={text}"),
        Raw::Int(n) => format!("{name}={n}"),
        other => panic!("{other:?}"),
    };
    draft.fields.iter().map(field).collect::<Vec<_>>().join(" | ")
}

fn check(line: &str, expect: &str) {
    let (got, tally) = read(&[line.to_owned()]);
    assert_eq!(got.iter().map(show).collect::<Vec<_>>(), [expect], "{line}");
    assert_eq!((tally.lines, tally.used, tally.events), (1, 1, 1), "{line}");
    assert_eq!(got[0].kind, "http_request");
}

#[test]
fn lines_become_events() {
    check(
        r#"203.0.113.9 - - [17/May/2026:10:05:03 +0000] "GET /a?b=c HTTP/1.1" 200 512 "https://a.example/" "Agent/1.0 (x)""#,
        "ip=203.0.113.9 | method=GET | path=/a | query=b=c | status=200 | bytes=512 | referrer=https://a.example/ | user_agent=Agent/1.0 (x)",
    );
    check(
        r#"2001:db8::9 - ada [17/May/2026:10:05:03 +0000] "POST /a HTTP/1.1" 304 -"#,
        "ip=2001:db8::9 | method=POST | path=/a | status=304 | user=ada",
    );
    check(
        r#"shop.example:443 203.0.113.9 - - [17/May/2026:10:05:03 +0000] "GET / HTTP/2.0" 200 5 "-" "-""#,
        "ip=203.0.113.9 | method=GET | path=/ | status=200 | bytes=5 | host=shop.example",
    );
    check(
        r#"198.51.100.1 203.0.113.9 - - [17/May/2026:10:05:03 +0000] "GET / HTTP/2.0" 200 5"#,
        "ip=203.0.113.9 | method=GET | path=/ | status=200 | bytes=5 | host=198.51.100.1",
    );
    check(
        r#"203.0.113.9 - - [17/May/2026:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "A" "198.51.100.1" 0.003"#,
        "ip=203.0.113.9 | method=GET | path=/ | status=200 | bytes=5 | user_agent=A",
    );
    check(
        r#"203.0.113.9 - "" [17/May/2026:10:05:03 +0000] "GET / HTTP/1.1" 401 5 "" """#,
        "ip=203.0.113.9 | method=GET | path=/ | status=401 | bytes=5",
    );
    check(
        r#"203.0.113.9 - - [17/May/2026:10:05:03 +0000] "GET /\"a\" HTTP/1.1" 200 5 "-" "\xd0\x9f \"q\" \\""#,
        r#"ip=203.0.113.9 | method=GET | path=/"a" | status=200 | bytes=5 | user_agent=П "q" \"#,
    );
    // A server that does not escape quotes.
    check(
        r#"203.0.113.9 - - [17/May/2026:10:05:03 +0000] "GET /"a" HTTP/1.1" 200 5 "-" "A "b"c""#,
        r#"ip=203.0.113.9 | method=GET | path=/"a" | status=200 | bytes=5 | user_agent=A "b"c"#,
    );
    for request in ["", "-", r"\x16\x03\x01", r"\x16\x03\x01 \x02", "hello"] {
        check(
            &format!(r#"203.0.113.9 - - [17/May/2026:10:05:03 +0000] "{request}" 400 0 "-" "-""#),
            "ip=203.0.113.9 | status=400 | bytes=0",
        );
    }
    // Cut off.
    check(
        r#"203.0.113.9 - - [17/May/2026:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "Agen"#,
        "ip=203.0.113.9 | method=GET | path=/ | status=200 | bytes=5 | user_agent=Agen",
    );
}

#[test]
fn a_strangers_text_accuses_nobody_else() {
    // The user's name holds a whole head of another line; its quotes are escaped, as servers do.
    check(
        r#"203.0.113.9 - x 198.51.100.1 - - [01/Jan/2020:00:00:00 +0000] \"GET / HTTP/1.1\" 200 5 [17/May/2026:10:05:03 +0000] "GET /b HTTP/1.1" 401 5"#,
        r#"ip=203.0.113.9 | method=GET | path=/b | status=401 | bytes=5 | user=x 198.51.100.1 - - [01/Jan/2020:00:00:00 +0000] "GET / HTTP/1.1" 200 5"#,
    );
    check(
        r#"203.0.113.9 - - [17/May/2026:10:05:03 +0000] "GET /\" 200 5 \"x HTTP/1.1" 404 7 "x\" \"y" "z""#,
        r#"ip=203.0.113.9 | method=GET | path=/" 200 5 "x | status=404 | bytes=7 | referrer=x" "y | user_agent=z"#,
    );
}

#[test]
fn every_line_is_counted_once() {
    let check = |line: &str, class: fn(&mut Tally) -> &mut u64| {
        let (_, got) = read(&[line.to_owned()]);
        let mut expect = Tally { lines: 1, ..Tally::default() };
        *class(&mut expect) = 1;
        assert_eq!(got, expect, "{line}");
    };
    let rest = r#"- - [17/May/2026:10:05:03 +0000] "GET / HTTP/1.1" 200 5"#;
    check(&format!("host.example {rest}"), |t| &mut t.no_address);
    check(&format!("unix: {rest}"), |t| &mut t.no_address);
    check("", |t| &mut t.ignored);
    check("#Version: 1.0", |t| &mut t.ignored);
    check("hello", |t| &mut t.junk);
    check(r#"203.0.113.9 - - [17/May/2026:10:05:03 +0000] "GET / HTTP/1.1"#, |t| &mut t.junk);
    check(r#"203.0.113.9 - - [17/May/2026:10:05:03 +0000] "GET / HTTP/1.1" - 5"#, |t| &mut t.junk);
    check(r#"[17/May/2026:10:05:03 +0000] "GET / HTTP/1.1" 200 5"#, |t| &mut t.junk);
    check(&"x".repeat(LINE_BYTES + 1), |t| &mut t.too_long);
}

#[test]
fn long_texts_are_cut_to_what_intake_takes() {
    let line = format!(
        r#"203.0.113.9 - {} [17/May/2026:10:05:03 +0000] "GET /{} HTTP/1.1" 200 5 "-" "{}""#,
        "u".repeat(400),
        "é".repeat(5000),
        r"\xff".repeat(8190),
    );
    let (got, tally) = read(&[line]);
    assert_eq!(tally.cut, 3);
    let lengths: Vec<usize> = got[0]
        .fields
        .iter()
        .filter_map(|(name, raw)| match raw {
            Raw::Text(text) if matches!(&**name, "path" | "user" | "user_agent") => Some(text.len()),
            _ => None,
        })
        .collect();
    assert_eq!(lengths, [limits::TEXT_BYTES - 1, limits::TEXT_BYTES - 2, limits::ENTITY_BYTES]);
}

/// Not timed: read once for each quote, this line would keep the test busy for minutes.
#[test]
fn a_line_of_nothing_but_quotes_is_read_once() {
    let head = r#"203.0.113.9 - - [17/May/2026:10:05:03 +0000] ""#;
    let (_, tally) = read(&[head.to_owned() + &"\"".repeat(LINE_BYTES - head.len())]);
    assert_eq!(tally.junk, 1);
}

#[test]
fn identical_lines_are_different_events() {
    let line = r#"203.0.113.9 - - [17/May/2026:10:05:03 +0000] "GET / HTTP/1.1" 200 5"#.to_owned();
    let (got, _) = read(&[line.clone(), line.clone(), line.clone()]);
    let ids: BTreeSet<_> = got.iter().map(|d| d.id.clone()).collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(read(&[line]).0[0], got[0]);
}

/// The log of a real site; one of its lines is cut off. Its numbers were counted with awk.
#[test]
fn a_real_log() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/logs/access.log");
    let Ok(file) = std::fs::File::open(path) else {
        eprintln!("skipped: no real log at ../shared/data/logs/access.log");
        return;
    };
    let mut log = String::new();
    file.take(16 << 20).read_to_string(&mut log).unwrap();
    let lines: Vec<String> = log.lines().map(str::to_owned).collect();
    let (got, tally) = read(&lines);
    let expect = Tally { lines: 10_000, events: 10_000, used: 10_000, unterminated: 1, ..Tally::default() };
    assert_eq!(tally, expect);
    let having = |name: &str, value: &Raw<'_>| {
        got.iter().filter(|d| d.fields.iter().any(|(n, raw)| n == name && raw == value)).count()
    };
    assert_eq!(having("status", &Raw::Int(200)), 9126);
    assert_eq!(having("status", &Raw::Int(404)), 213);
    assert_eq!(having("method", &Raw::Text("POST".into())), 5);
    let ips: BTreeSet<String> = got.iter().map(|d| format!("{:?}", d.fields[0])).collect();
    assert_eq!(ips.len(), 1753);
    let ids: BTreeSet<_> = got.iter().map(|d| d.id.clone()).collect();
    assert_eq!(ids.len(), 10_000, "ids are distinct");
    assert_eq!(got, read(&lines).0, "the same file gives the same events");
}

proptest! {
    #[test]
    fn no_line_panics(lines in proptest::collection::vec(any::<String>(), 0..8)) {
        read(&lines);
    }

    #[test]
    fn no_near_line_panics_and_each_is_counted(
        lines in proptest::collection::vec(
            "(a.example )?(203.0.113.9|2001:db8::9|h|é)( |-|\"\"|é){0,6}(\\[17/May/2026:10:05:03 \\+0000\\] ){0,2}(\"| |\\\\|GET|/|HTTP/1.1|é|200|-|x4|\\?){0,20}",
            0..20,
        ),
    ) {
        let (got, t) = read(&lines);
        prop_assert_eq!(t.used + t.ignored + t.no_address + t.junk + t.too_long, t.lines);
        prop_assert_eq!(t.events, got.len() as u64);
        let ids: BTreeSet<_> = got.iter().map(|d| d.id.clone()).collect();
        prop_assert_eq!(ids.len(), got.len());
    }

    #[test]
    fn a_request_is_read_as_the_server_wrote_it(path in "/[ -~]{0,40}", agent in "[ -~]{1,40}") {
        let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let line = format!(
            r#"203.0.113.9 - - [17/May/2026:10:05:03 +0000] "GET {} HTTP/1.1" 200 5 "-" "{}""#,
            escape(&path.replace('?', "%3f")),
            escape(&agent),
        );
        prop_assume!(agent != "-");
        let expect = format!("ip=203.0.113.9 | method=GET | path={} | status=200 | bytes=5 | user_agent={agent}", path.replace('?', "%3f"));
        let (got, _) = read(&[line]);
        prop_assert_eq!(show(&got[0]), expect);
    }
}
