// SPDX-License-Identifier: Apache-2.0
//! What a feature reads: the past of its key without the event in hand, and nothing where there is no key.

use crate::support::{Desk, Sent, login, sent};
use wardroom_event::{Micros, Span, Value};

const EVENTS: &str = r#"
event login:
    account: account
    ip: ip
    ok: bool?
    device: device?

event signup:
    account: account
    ip: ip
    email: email?
"#;

/// Feeds events one after the other and compares what each was served.
fn check(feature: &str, events: &[(Sent, Value)]) {
    let reads = |on: &str| {
        format!("\nrule reads_{on} on {on}:\n    when seen is missing\n    then limit\n    because \"\"\n")
    };
    // A sign-up has no device to read under.
    let on_signup = if feature.contains("device") { String::new() } else { reads("signup") };
    let mut desk = Desk::new(&format!("{EVENTS}\nfeature seen = {feature}\n{}{on_signup}", reads("login")));
    for (i, (event, expect)) in events.iter().enumerate() {
        assert_eq!(desk.step(event).served, std::slice::from_ref(expect), "{feature}, event {i}: {event:?}");
    }
}

fn n(n: i64) -> Value {
    Value::Int(n)
}

fn signup(id: u32, secs: i64, ip: &str, more: &str) -> Sent {
    sent("signup", secs, &format!(r#""account":"s{id}","ip":"{ip}"{more}"#)).id(id)
}

#[test]
fn the_event_in_hand_is_not_in_its_own_window() {
    let at = |secs| login(secs, secs, "a", "192.0.2.1", true);
    check("count(login, by=ip, last=\"1m\")", &[(at(0), n(0)), (at(1), n(1)), (at(2), n(2)), (at(59), n(3))]);
    check("distinct(account, of=login, by=ip, last=\"1m\")", &[(at(0), n(0)), (at(1), n(1)), (at(2), n(1))]);
    let noon = Value::Time(Micros(1_767_614_400_000_000));
    check("first_seen(login, by=ip)", &[(at(0), Value::Missing), (at(1), noon.clone()), (at(2), noon)]);
}

#[test]
fn of_one_time_the_order_of_arrival_decides() {
    let same: Vec<_> = (0..5).map(|i| (login(i, 7, "a", "192.0.2.1", true), n(i))).collect();
    check("count(login, by=ip, last=\"1m\")", &same);
}

#[test]
fn a_window_ends_where_it_says_to_the_tile() {
    let at = |id, secs| login(id, secs, "a", "192.0.2.1", true);
    // Tiles of a second: what happened at noon is seen until the tile of `t − 60 s` is past it.
    check(
        "count(login, by=ip, last=\"1m\")",
        &[(at(0, 0), n(0)), (at(1, 60), n(1)), (at(2, 61), n(1)), (at(3, 122), n(0))],
    );
}

#[test]
fn late_events_count_late_and_change_nothing_that_was_decided() {
    let at = |id, secs: i64| login(id, secs, "a", "192.0.2.1", true).received(secs.max(100));
    check(
        "count(login, by=ip, last=\"1m\")",
        // In order, then one that is late, which sees what lies before it; then one that sees the late one.
        &[(at(0, 100), n(0)), (at(1, 110), n(1)), (at(2, 105), n(1)), (at(3, 111), n(3))],
    );
    // So late that no window reaches it: it is counted nowhere.
    check("count(login, by=ip, last=\"1m\")", &[(at(0, 1000), n(0)), (at(1, 10), n(0)), (at(2, 1001), n(1))]);
}

#[test]
fn a_clock_that_runs_ahead_ages_nothing() {
    let at = |id, secs: i64, received: i64| login(id, secs, "a", "192.0.2.1", true).received(received);
    // Half an hour ahead, which intake lets pass: it counts under its arrival.
    check(
        "count(login, by=ip, last=\"1m\")",
        &[(at(0, 0, 0), n(0)), (at(1, 1800, 1), n(1)), (at(2, 2, 2), n(2))],
    );
}

#[test]
fn what_has_no_key_is_counted_nowhere_and_reads_unknown() {
    let device =
        |id, device: &str| sent("login", id, &format!(r#""account":"a","ip":"192.0.2.1"{device}"#)).id(id);
    let (with, without) = (r#","device":"d""#, "");
    for feature in ["count(login, by=device, last=\"1h\")", "count(login, by=(account, device), last=\"1h\")"]
    {
        check(
            feature,
            &[
                (device(0, without), Value::Missing),
                (device(1, without), Value::Missing),
                (device(2, with), n(0)),
                (device(3, without), Value::Missing),
                (device(4, with), n(1)),
            ],
        );
    }
    // Without the item there is nothing to tell apart, but the key still reads.
    check(
        "distinct(device, of=login, by=ip, last=\"1h\")",
        &[
            (device(0, without), n(0)),
            (device(1, with), n(0)),
            (device(2, without), n(1)),
            (device(3, with), n(1)),
        ],
    );
}

#[test]
fn an_unknown_filter_counts_nothing() {
    let at = |id, ok: &str| sent("login", id, &format!(r#""account":"a","ip":"192.0.2.1"{ok}"#)).id(id);
    let (yes, no, unsaid) = (r#","ok":true"#, r#","ok":false"#, "");
    let events = |expect: [i64; 4]| {
        [at(0, unsaid), at(1, no), at(2, yes), at(3, yes)].into_iter().zip(expect.map(n)).collect::<Vec<_>>()
    };
    check("count(login, where=ok, by=ip, last=\"1h\")", &events([0, 0, 0, 1]));
    check("count(login, where=not ok, by=ip, last=\"1h\")", &events([0, 0, 1, 1]));
    check("count(login, where=ok is missing, by=ip, last=\"1h\")", &events([0, 1, 1, 1]));
    check("count(login, where=ok or account == \"a\", by=ip, last=\"1h\")", &events([0, 1, 2, 3]));
}

#[test]
fn a_feature_over_two_types_is_one_counter() {
    let events = vec![
        (login(0, 0, "a", "192.0.2.1", true), n(0)),
        (signup(1, 1, "192.0.2.1", ""), n(1)),
        (login(2, 2, "a", "192.0.2.1", true), n(2)),
        (signup(3, 3, "192.0.2.9", ""), n(0)),
    ];
    check("count([login, signup], by=ip, last=\"1h\")", &events);
    check(
        "distinct(account, of=[login, signup], by=ip, last=\"1h\")",
        &[
            (login(0, 0, "a", "192.0.2.1", true), n(0)),
            (signup(1, 1, "192.0.2.1", ""), n(1)),
            (login(2, 2, "a", "192.0.2.1", true), n(2)),
            (login(3, 3, "a", "192.0.2.1", true), n(2)),
        ],
    );
    // Only one type counts, both read.
    check(
        "count(signup, by=ip, last=\"1h\")",
        &[
            (login(0, 0, "a", "192.0.2.1", true), n(0)),
            (signup(1, 1, "192.0.2.1", ""), n(0)),
            (login(2, 2, "a", "192.0.2.1", true), n(1)),
        ],
    );
}

#[test]
fn parts_are_keys() {
    check(
        "count(login, by=ip.net, last=\"1h\")",
        &[
            (login(0, 0, "a", "192.0.2.1", true), n(0)),
            (login(1, 1, "a", "192.0.2.200", true), n(1)),
            (login(2, 2, "a", "192.0.3.1", true), n(0)),
            (login(3, 3, "a", "::ffff:192.0.2.7", true), n(2)),
            (login(4, 4, "a", "2001:db8:1::1", true), n(0)),
            (login(5, 5, "a", "2001:db8:1:ffff::1", true), n(1)),
            (login(6, 6, "a", "2001:db8:2::1", true), n(0)),
        ],
    );
    let mail = |id, address: &str| {
        let more = if address.is_empty() { String::new() } else { format!(r#","email":"{address}""#) };
        signup(id, i64::from(id), "192.0.2.1", &more)
    };
    check(
        "distinct(email.domain, of=signup, by=ip, last=\"1h\")",
        &[
            (mail(0, "a@one.example"), n(0)),
            (mail(1, "b@ONE.example"), n(1)),
            (mail(2, ""), n(1)),
            (mail(3, "b@two.example"), n(1)),
            (mail(4, "c@two.example."), n(2)),
        ],
    );
}

/// Brute force over what arrived before: the rule of `wardroom_state::window`, through the whole flow.
#[test]
fn counts_are_those_of_brute_force() {
    let policy = format!(
        "{EVENTS}\nfeature seen = count([login, signup], by=ip.net, last=\"90s\")\n\
         \nrule reads on login:\n    when seen >= 0\n    then limit\n    because \"\"\n"
    );
    let mut desk = Desk::new(&policy);
    let tile = |t: Micros| t.0.div_euclid(1_500_000);
    let mut past: Vec<(u64, Micros)> = Vec::new();
    let mut random = 1u64;
    let mut next = |most: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % most
    };
    let (mut now, mut clock) = (100_000i64, Micros(i64::MIN));
    for id in 0..3000 {
        now += next(7) as i64;
        let back = if next(10) == 0 { next(120) as i64 } else { 0 };
        let net = next(3);
        let ip = format!("10.0.{net}.{}", next(250));
        let event = login(id, now - back, "a", &ip, true).received(now);
        let time = desk.event(&event).counted_at();
        if next(4) == 0 {
            desk.count(&sent("signup", now - back, &format!(r#""account":"s","ip":"{ip}""#)).received(now));
        } else {
            let late = time.max(clock);
            let from = tile(late.minus(Span::from_secs(90)));
            let seen =
                past.iter().filter(|(n, t)| *n == net && (from..=tile(time)).contains(&tile(*t))).count();
            assert_eq!(desk.step(&event).served, [n(seen as i64)], "event {id}");
        }
        past.push((net, time));
        clock = clock.max(time);
    }
}
