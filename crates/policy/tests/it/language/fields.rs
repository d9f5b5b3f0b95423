// SPDX-License-Identifier: Apache-2.0
//! Constants, enums, sizes, rates, list fields and their items, facts.

use super::{Judged, Known, MISSING, NO, YES, check, int, number, policy, text, worth};
use crate::support::program;
use wardroom_event::{Part, Span, Value};

#[test]
fn constants_stand_for_what_is_written() {
    let declared = "const burst = 30\nconst half = 0.5\nconst home = \"10.0.0.0/8\"\nconst small = \"1MB\"\nconst on = true\nconst ports = [25, 465]\nconst back = -3";
    check(declared, "burst + back", &[("", int(27))]);
    check(declared, "burst * half", &[("", number(15.0))]);
    check(declared, "tries in ports", &[("tries=25", YES), ("tries=26", NO), ("", MISSING)]);
    check(declared, "ip in home", &[("ip=\"10.1.2.3\"", YES), ("ip=\"11.1.2.3\"", NO)]);
    check(declared, "weight > small", &[("weight=\"2MB\"", YES), ("weight=\"1MB\"", NO)]);
    check(declared, "burst if on else 0", &[("", int(30))]);
}

#[test]
fn a_constant_of_another_folder_is_written_with_it() {
    let with = policy("", "tries > a.burst", "tries=31");
    let judged = Judged::of(&[("a/c.ward", "const burst = 30\n"), ("main.ward", &with)], Known::default());
    assert_eq!(judged.value(), YES);
}

#[test]
fn enums_are_texts_of_a_few_values() {
    check("", "plan == \"free\"", &[("plan=\"free\"", YES), ("plan=\"paid\"", NO), ("", MISSING)]);
    check("", "plan in [\"free\", \"paid\"]", &[("plan=\"paid\"", YES), ("", MISSING)]);
    check("", "plan != \"free\"", &[("plan=\"paid\"", YES), ("plan=\"free\"", NO)]);
    check("", "plan", &[("plan=\"paid\"", text("paid")), ("", MISSING)]);
    check("", "plan.upper()", &[("plan=\"paid\"", text("PAID"))]);
}

#[test]
fn sizes_are_bytes() {
    check("", "weight", &[("weight=\"10MB\"", int(10_000_000)), ("weight=\"4KiB\"", int(4096))]);
    check("", "weight + \"1kB\"", &[("weight=\"1MB\"", int(1_001_000)), ("", MISSING)]);
    check("", "weight * 2 - \"1B\"", &[("weight=\"10B\"", int(19))]);
    check("", "weight / \"1kB\"", &[("weight=\"1500B\"", number(1.5))]);
    check("", "weight / 4", &[("weight=\"10B\"", int(3))]);
    check("", "\"1kB\" < weight", &[("weight=\"1001B\"", YES), ("weight=\"1000B\"", NO)]);
}

#[test]
fn rates_are_events_a_second() {
    check("", "pace", &[("pace=\"6/m\"", number(0.1)), ("pace=\"5/s\"", number(5.0))]);
    check("", "pace > \"5/m\"", &[("pace=\"6/m\"", YES), ("pace=\"5/m\"", NO), ("", MISSING)]);
    check("", "pace / \"1/s\"", &[("pace=\"30/m\"", number(0.5))]);
    check("", "pace * 4", &[("pace=\"1/s\"", number(4.0))]);
}

#[test]
fn items_are_counted_and_looked_for() {
    let three = "urls=[\"https://a.example/\", \"https://b.example/x\", \"https://a.example/y\"]";
    check("", "len(urls)", &[(three, int(3)), ("urls=[]", int(0)), ("", MISSING)]);
    check("", "7 in codes", &[("codes=[1, 7]", YES), ("codes=[]", NO), ("", MISSING)]);
    check("", "\"https://a.example/\" in urls", &[(three, YES), ("urls=[\"https://b.example/\"]", NO)]);
    check("", "tries in codes", &[("codes=[1, 7], tries=7", YES), ("codes=[1, 7]", MISSING)]);
}

#[test]
fn comprehensions_look_at_each_item() {
    let codes = "codes=[3, -1, 7]";
    check(
        "",
        "any(c > 5 for c in codes)",
        &[(codes, YES), ("codes=[5]", NO), ("codes=[]", NO), ("", MISSING)],
    );
    check(
        "",
        "all(c > 0 for c in codes)",
        &[(codes, NO), ("codes=[5]", YES), ("codes=[]", YES), ("", MISSING)],
    );
    check("", "sum(c for c in codes)", &[(codes, int(9)), ("codes=[]", int(0)), ("", MISSING)]);
    check("", "min(c for c in codes)", &[(codes, int(-1)), ("codes=[]", MISSING), ("", MISSING)]);
    check("", "max(c * 2 for c in codes)", &[(codes, int(14)), ("codes=[]", MISSING)]);
    check("", "sum(1 for c in codes if c > 0)", &[(codes, int(2)), ("codes=[-1]", int(0))]);
    check("", "sum(c for c in codes if c > tries)", &[("codes=[3, 9], tries=5", int(9))]);
    check("", "any(x.host == \"a.example\" for x in urls)", &[("urls=[\"https://a.example/\"]", YES)]);
    check(
        "",
        "max(len(x.path) for x in urls)",
        &[("urls=[\"https://a.example/abc\", \"https://b.example/\"]", int(4))],
    );
}

#[test]
fn comprehensions_look_at_the_fields_of_records() {
    let items = "items=[item(name=\"a\", size=\"1MB\", kind=\"exe\"), item(size=\"2MB\", kind=\"pdf\"), item(name=\"c\", size=\"4MB\", kind=\"exe\")]";
    check("", "any(x.size > \"3MB\" for x in items if x.kind == \"exe\")", &[(items, YES)]);
    check("", "any(x.size > \"1MB\" for x in items if x.kind == \"zip\")", &[(items, NO)]);
    check("", "sum(x.size for x in items)", &[(items, int(7_000_000))]);
    check("", "sum(x.size for x in items if x.kind == \"exe\")", &[(items, int(5_000_000))]);
    check("", "min(x.size for x in items)", &[(items, int(1_000_000))]);
    check("", "all(x.size >= \"1MB\" for x in items)", &[(items, YES)]);
    check("", "len(items)", &[(items, int(3))]);
}

/// A missing value of an item is unknown, as one of the event is. An item whose filter is unknown may or may not be among
/// those that are asked for, so a sum over it is missing.
#[test]
fn what_an_item_lacks_is_unknown() {
    let items = "items=[item(size=\"1MB\", kind=\"exe\"), item(name=\"b\", size=\"2MB\", kind=\"exe\")]";
    check("", "any(x.name == \"b\" for x in items)", &[(items, YES)]);
    check("", "any(x.name == \"c\" for x in items)", &[(items, MISSING)]);
    check("", "all(x.name == \"b\" for x in items)", &[(items, MISSING)]);
    check("", "all(x.name == \"c\" for x in items)", &[(items, NO)]);
    check("", "any(x.size > \"0B\" for x in items if x.name == \"b\")", &[(items, YES)]);
    check("", "any(x.size > \"9MB\" for x in items if x.name == \"b\")", &[(items, NO)]);
    check("", "any(x.name is missing for x in items)", &[(items, YES)]);
    check("", "any(tries > 3 for x in items)", &[(items, MISSING)]);
    check("", "sum(x.size for x in items if x.name == \"b\")", &[(items, MISSING)]);
    check("", "sum(x.size for x in items if x.name is not missing)", &[(items, int(2_000_000))]);
    check("", "sum(tries for x in items)", &[(items, MISSING)]);
    check(
        "",
        "max(x.size for x in items if x.name is not missing and x.name == \"b\")",
        &[(items, int(2_000_000))],
    );
}

#[test]
fn facts_are_fields_that_a_policy_asks_for() {
    let asked = policy(
        "feature f = count(login, by=(ip.asn, account), last=\"1h\")",
        "ip.kind if f is missing else ip.country",
        "",
    );
    let program = program(&[("main.ward", &asked)]);
    let login = program.schema.get(program.schema.id("login").unwrap());
    let facts: Vec<(&str, Part, bool)> =
        login.fields.iter().filter_map(|f| f.fact.map(|fact| (&*f.name, fact.part, f.optional))).collect();
    let of = |name: &str| login.fields.iter().find(|f| &*f.name == name).and_then(|f| f.fact).map(|f| f.of);
    let mut names: Vec<&str> = facts.iter().map(|(name, ..)| *name).collect();
    names.sort_unstable();
    assert_eq!(names, ["ip.asn", "ip.country", "ip.kind"]);
    assert!(facts.iter().all(|(name, part, optional)| name.ends_with(part.name()) && *optional));
    assert_eq!(of("ip.asn"), login.slot("ip"));
    // After the declared fields, so that their slots stay what they were.
    let first = login.fields.iter().position(|f| f.fact.is_some()).unwrap();
    assert!(login.fields[..first].iter().all(|f| f.fact.is_none()) && first == 18, "{first}");
    // The other event type asks for none.
    let signup = program.schema.get(program.schema.id("signup").unwrap());
    assert!(signup.fields.iter().all(|f| f.fact.is_none()));
}

#[test]
fn facts_are_read_like_fields() {
    let with = |fact: &str, expression: &str| {
        let text = policy("", expression, "ip=\"192.0.2.7\"")
            .replace("    when login", &format!("    given {fact}\n    when login"));
        Judged::new(&text, Known::default()).value()
    };
    assert_eq!(with("ip.kind = \"hosting\"", "ip.kind == \"hosting\""), YES);
    assert_eq!(with("ip.asn = 64500", "ip.asn + 1"), int(64_501));
    assert_eq!(with("ip.lat = 48", "ip.lat / 2"), number(24.0));
    assert_eq!(with("ip.country = \"DE\"", "ip.country in [\"DE\", \"FR\"]"), YES);
    assert_eq!(with("ip.asn = 64500", "ip.kind"), MISSING);
    assert_eq!(worth("", "ip.asn", "ip=\"192.0.2.7\""), MISSING);
}

#[test]
fn parts_are_computed_on_the_spot() {
    check("", "ip.version", &[("ip=\"192.0.2.7\"", int(4)), ("ip=\"2001:db8::1\"", int(6)), ("", MISSING)]);
    check("", "email.tag", &[("email=\"a+b@example.org\"", text("b")), ("email=\"a@example.org\"", MISSING)]);
    check("", "link.path", &[("link=\"https://a.example/x?y=1\"", text("/x"))]);
    check("", "link.query", &[("link=\"https://a.example/x?y=1\"", text("y=1"))]);
    check("", "link.scheme", &[("link=\"https://a.example/\"", text("https"))]);
    check("", "link.port", &[("link=\"https://a.example:8443/\"", int(8443))]);
    check("", "time.weekday", &[("", text("mon"))]);
    check("", "time.hour", &[("", int(8))]);
    check("", "time.day", &[("", text("2026-01-05"))]);
    check("", "time - since", &[("since=\"2026-01-05T07:00:00Z\"", Value::Duration(Span::from_secs(3600)))]);
}

#[test]
fn regular_expressions_are_found_anywhere() {
    check(
        "",
        "matches(name, \"^[a-z]+[0-9]{4}$\")",
        &[("name=\"user1234\"", YES), ("name=\"User1234\"", NO), ("", MISSING)],
    );
    check("", "name.matches(\"bot\")", &[("name=\"a robot\"", YES), ("name=\"a man\"", NO)]);
    check("", "email.matches(\"@example\")", &[("email=\"a@example.org\"", YES)]);
    check("", "agent.matches(\"(?i)CURL\")", &[("agent=\"curl/8\"", YES)]);
}
