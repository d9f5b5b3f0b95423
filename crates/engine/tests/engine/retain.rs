// SPDX-License-Identifier: Apache-2.0
//! Values that are kept no longer: gone from the journal, what they counted stays, and a start goes on from it.

use crate::support::{Data, NOON, bundle, content, decide, everything, line, run, sent, warm};
use wardroom_engine::{Engine, Keep, Keeps, Origin};
use wardroom_event::{Micros, Span};

const POLICY: &str = r#"
event login:
    account: account
    ip: ip
    n: int

event signup:
    account: account
    mail: email
    n: int

feature logins = count(login, by=account, last="30d")
feature before = last(account, of=login, by=ip, last="30d")

rule often on login:
    when    logins >= 3
    then    review
    because "{account} from {ip}, {logins} times, after {before}"
"#;

const DAY: i64 = 86_400;

fn at(secs: i64) -> Micros {
    NOON.plus(Span::from_secs(secs))
}

fn keep(event: &str, field: Option<&str>, days: i64) -> Keep {
    Keep { event: event.into(), field: field.map(Into::into), span: Span::from_secs(days * DAY) }
}

/// A day's events, twenty each of both types, and a whole snapshot behind them.
fn day(engine: &Engine, day: i64) {
    for n in 0..20 {
        let (secs, who) = (day * DAY + n * 60, format!("person{}", n % 3));
        let fields = format!(r#""account":"{who}","ip":"203.0.113.{}","n":{n}"#, 10 + day);
        decide(engine, &sent("login", secs, &fields).id(format!("l{day}-{n}")));
        let fields = format!(r#""account":"{who}","mail":"m{day}@example.org","n":{n}"#);
        decide(engine, &sent("signup", secs, &fields).id(format!("s{day}-{n}")));
    }
    // Another policy makes the next snapshot whole.
    let policy = format!("{POLICY}\nlist l{day}: ip\n");
    run(engine.swap(bundle(&policy), Origin::Directory, at(day * DAY + 5000))).unwrap();
    warm(engine);
    run(engine.snapshot()).unwrap();
}

fn of_day(engine: &Engine, kind: &str, day: i64) -> Vec<String> {
    let is_of = |stored: &wardroom_engine::Stored| {
        &*stored.event_type == kind && stored.time < at((day + 1) * DAY) && stored.time >= at(day * DAY)
    };
    everything(engine).iter().filter(|stored| is_of(stored)).map(content).collect()
}

#[test]
fn what_is_kept_no_longer_goes_and_what_it_counted_stays() {
    let data = Data::new();
    let engine = data.open(POLICY);
    (0..6).for_each(|n| day(&engine, n));
    let mut keeps = Keeps::new(vec![keep("login", Some("ip"), 3), keep("signup", None, 2)]);
    let before: Vec<_> =
        (0..6).map(|n| (of_day(&engine, "login", n), of_day(&engine, "signup", n))).collect();
    let nothing = engine.retain(&mut keeps.clone(), at(DAY)).unwrap();
    assert_eq!((nothing.values, nothing.segments), (0, 0), "nothing is old yet");

    let done = engine.retain(&mut keeps, at(6 * DAY)).unwrap();
    assert!(done.segments > 2 && done.values > 100, "{done:?}");
    let again = engine.retain(&mut keeps, at(6 * DAY)).unwrap();
    assert_eq!((again.segments, again.values), (0, 0), "what is done is done");
    assert_eq!(
        engine.retain(&mut Keeps::new(vec![keep("login", Some("ip"), 3)]), at(6 * DAY)).unwrap().values,
        0
    );
    let now: Vec<_> = (0..6).map(|n| (of_day(&engine, "login", n), of_day(&engine, "signup", n))).collect();
    for (logins, signups) in &now[..2] {
        assert_eq!((logins.len(), signups.len()), (20, 20), "records stay");
        let text = format!("{logins:?}");
        assert!(!text.contains("203.0.113") && text.contains("person1"), "{text}");
        let text = format!("{signups:?}");
        assert!(!text.contains("person") && !text.contains("example.org"), "{text}");
    }
    assert_eq!(now[4..], before[4..], "what is young is as it was");
    for bytes in std::fs::read_dir(data.journal()).unwrap().map(|e| std::fs::read(e.unwrap().path()).unwrap())
    {
        assert!(!bytes.windows(14).any(|w| w == b"m0@example.org"), "nor in any byte");
    }

    // A start goes on from counters that have counted what went.
    let copy = data.killed();
    let next = sent("login", 6 * DAY, r#""account":"person1","ip":"203.0.113.12","n":1"#).id("next");
    let (one, other) = (decide(&engine, &next), decide(&copy.reopen(), &next));
    assert_eq!(line(&one), line(&other));
    assert!(
        content(&one).matches("Text(\"person").count() >= 2,
        "the last one at this address is known: {}",
        content(&one)
    );
    run(engine.close());
}

#[test]
fn what_a_start_needs_waits() {
    let data = Data::new();
    let engine = data.open(POLICY);
    day(&engine, 0);
    let mut keeps = Keeps::new(vec![keep("login", None, 1)]);
    let done = engine.retain(&mut keeps, at(90 * DAY)).unwrap();
    assert_eq!(done.values, 0, "there is one whole snapshot");
    (1..3).for_each(|n| day(&engine, n));
    let done = engine.retain(&mut keeps, at(90 * DAY)).unwrap();
    assert!(done.values > 0 && done.waiting > 0, "{done:?}");
    run(engine.close());
}
