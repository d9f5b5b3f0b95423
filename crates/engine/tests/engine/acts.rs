// SPDX-License-Identifier: Apache-2.0
//! Acts of people: what they change, what is on record of it, what undoing restores, and that a restart from wherever has it all.

use crate::support::{Data, NOON, bundle, decide, run, sent, warm};
use std::collections::BTreeMap;
use wardroom_engine::acts::{
    Act, ActError, Body, Deed, Done, Held, JobHead, JobItem, JobStep, Phase, Step, Subject,
};
use wardroom_engine::{Attempt, Cause, Channel, Destination, Engine, Origin, Stored, limits};
use wardroom_event::{Micros, Sight, Span, Type, Value};
use wardroom_journal::SimRng;

const POLICY: &str = r#"
event login:
    account: account
    ip: ip
    n: int?

list bad: ip
list fixed: ip = ["198.51.100.7"]

feature logins = count(login, by=account, last="1h")

rule marked on login:
    when    labelled(account, "thief")
    then    block
    because "{account} is a thief, after {logins}"

rule listed on login:
    when    ip in bad
    then    challenge
    because "{ip} is listed"

rule fixed_ones on login:
    when    ip in fixed
    then    limit
    because "{ip}"

rule follows on login:
    when    n == 7
    then    review, label(account, "seven", expires="7d"), list(ip, bad, expires="1d"), webhook("desk"), case("sevens")
    because "{n}"
"#;

fn at(secs: i64) -> Micros {
    NOON.plus(Span::from_secs(secs))
}

fn login(id: u32, secs: i64, account: &str, ip: &str, n: u32) -> crate::support::Sent {
    sent("login", secs, &format!(r#""account":"{account}","ip":"{ip}","n":{n}"#)).id(id)
}

fn verdict(engine: &Engine, id: u32, account: &str, ip: &str) -> String {
    decide(engine, &login(id, 60, account, ip, 0)).judged.unwrap().verdict.to_string()
}

fn account(name: &str) -> Subject {
    Subject::Entity { kind: Type::Account, value: Value::Text(name.into()) }
}

fn says(subject: Subject, label: &str, says: bool, until: Option<Micros>) -> Deed {
    let note = "seen by hand".into();
    Deed::Label { subject, label: label.into(), says, until, confidence: Some(0.9), note, about: None }
}

fn listed(list: &str, ip: &str, put: bool, until: Option<Micros>) -> Deed {
    Deed::List { list: list.into(), kind: Type::Ip, value: Value::Ip(ip.parse().unwrap()), put, until }
}

fn undo(act: u64) -> Deed {
    Deed::Undo { act, since: "".into() }
}

fn by_hand(deed: Deed) -> Act {
    Act { deed, source: "key:ann".into(), by: "ann".into(), item: None }
}

fn act(engine: &Engine, deed: Deed) -> Done {
    run(engine.act(vec![by_hand(deed)], at(100))).unwrap().remove(0)
}

fn made(done: Done) -> (u64, Held, Held) {
    match done {
        Done::Made { seq, before, after } => (seq, before, after),
        other => panic!("{other:?}"),
    }
}

fn refused(done: Done) -> ActError {
    match done {
        Done::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn labels_and_entries_act_on_later_events_and_undoing_restores_what_was_there() {
    let data = Data::new();
    let engine = data.open(POLICY);
    assert_eq!(verdict(&engine, 1, "ann", "192.0.2.1"), "allow");
    let would = run(engine.would(vec![by_hand(says(account("ann"), "thief", true, None))], at(100)));
    assert_eq!(would, Ok(vec![Done::Made { seq: 0, before: Held::Not, after: Held::Always }]));
    assert_eq!(verdict(&engine, 90, "ann", "192.0.2.1"), "allow", "nothing has happened");
    let (first, before, after) = made(act(&engine, says(account("ann"), "thief", true, Some(at(5000)))));
    assert_eq!((before, after), (Held::Not, Held::Until(at(5000))));
    let (second, before, _) = made(act(&engine, says(account("ann"), "thief", true, None)));
    assert_eq!(before, Held::Until(at(5000)), "what was there is on record");
    let (entry, ..) = made(act(&engine, listed("bad", "192.0.2.1", true, None)));
    assert_eq!(verdict(&engine, 2, "bob", "192.0.2.1"), "challenge");
    assert_eq!(verdict(&engine, 3, "ann", "192.0.2.9"), "block");
    run(engine.close());

    let engine = data.reopen();
    assert_eq!(verdict(&engine, 4, "ann", "192.0.2.9"), "block");
    // The first is not what is there now, so it is left alone, and it says so.
    match act(&engine, undo(first)) {
        Done::Undone { restored: 0, left, .. } => assert!(left[0].contains("changed since"), "{left:?}"),
        other => panic!("{other:?}"),
    }
    let undone = |done| matches!(done, Done::Undone { restored: 1, ref left, .. } if left.is_empty());
    assert!(undone(act(&engine, undo(second))));
    assert!(undone(act(&engine, undo(entry))));
    let stands = engine.act_record(second).unwrap().unwrap();
    assert_eq!((&*stands.by, &*stands.source, stands.at), ("ann", "key:ann", at(100)));
    assert!(matches!(stands.body, Body::Made { before: Held::Until(_), after: Held::Always, .. }));
    assert_eq!(verdict(&engine, 5, "bob", "192.0.2.1"), "allow");
    let late = |engine: &_, id, secs| {
        decide(engine, &login(id, secs, "ann", "192.0.2.9", 0)).judged.unwrap().verdict.to_string()
    };
    assert_eq!((late(&engine, 6, 4999), late(&engine, 7, 5000)), ("block".into(), "allow".into()));
    // One that is known to have been changed since is left, though it looks as the act left it.
    match act(&engine, Deed::Undo { act: first, since: "rule `farm` said so".into() }) {
        Done::Undone { restored: 0, left, .. } => assert!(left[0].contains("rule `farm` said so since")),
        other => panic!("{other:?}"),
    }
    // Now it is what the first left.
    assert!(undone(act(&engine, undo(first))));
    run(engine.close());
    let engine = data.reopen();
    assert_eq!(late(&engine, 8, 4000), "allow");
    run(engine.close());
}

#[test]
fn what_cannot_be_done_says_why_and_changes_nothing() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let seq = decide(&engine, &login(1, 1, "ann", "192.0.2.1", 0)).seq;
    let before = engine.status().seq;
    let check = |deed: Deed, expect: &str| {
        let why = refused(act(&engine, deed)).to_string();
        assert!(why.contains(expect), "{why}");
    };
    check(listed("bed", "192.0.2.1", true, None), "did you mean `bad`");
    check(listed("fixed", "192.0.2.1", true, None), "stand in the policy's text");
    let wrong = Deed::List {
        list: "bad".into(),
        kind: Type::Text,
        value: Value::Text("x".into()),
        put: true,
        until: None,
    };
    check(wrong, "list `bad` takes ip");
    check(says(account(&"x".repeat(600)), "thief", true, None), "the most");
    check(says(account("x"), &"l".repeat(129), true, None), "the label has 129 bytes");
    check(says(Subject::Event(seq + 100), "thief", true, None), "no event with number");
    check(Deed::Again { event: 1 }, "no event with number 1");
    check(undo(seq), "no act with number");
    let number = Subject::Entity { kind: Type::Int, value: Value::Int(1) };
    check(says(number, "thief", true, None), "`int` is none");
    let mut sure = says(account("x"), "thief", true, None);
    if let Deed::Label { confidence, .. } = &mut sure {
        *confidence = Some(1.5);
    }
    check(sure, "from 0 to 1");
    assert_eq!(engine.status().seq, before, "nothing of it is on record");
    let (x, ..) = made(act(&engine, says(account("x"), "thief", true, None)));
    let Done::Undone { seq, .. } = act(&engine, undo(x)) else { panic!("it is undone") };
    check(undo(seq), "an undoing is not undone");
    // What is said of an event is on record, and rules see nothing of it.
    let event = decide(&engine, &login(2, 1, "ann", "192.0.2.1", 0)).seq;
    assert_eq!(made(act(&engine, says(Subject::Event(event), "thief", true, None))).1, Held::Not);
    assert_eq!(verdict(&engine, 3, "ann", "192.0.2.1"), "allow");
    run(engine.close());
}

#[test]
fn an_event_judged_again_is_not_counted_and_all_that_follows_can_be_undone_but_what_went_out() {
    let data = Data::new();
    let engine = data.open(&POLICY.replace("n == 7", "n == 8"));
    engine.outbox().configure([Destination { channel: Channel::Webhook, name: "desk".into() }]);
    let old = decide(&engine, &login(1, 1, "ann", "192.0.2.1", 7));
    assert_eq!(old.judged.as_ref().unwrap().verdict.to_string(), "allow");
    run(engine.swap(bundle(POLICY), Origin::Api, NOON)).unwrap();
    warm(&engine);
    let events = engine.status().events;
    let would = run(engine.would(vec![by_hand(Deed::Again { event: old.seq })], at(100))).unwrap();
    assert!(matches!(would[0], Done::Judged { changes: 2, .. }), "{would:?}");
    let Done::Judged { seq, verdict: said, changes } = act(&engine, Deed::Again { event: old.seq }) else {
        panic!("it is judged again")
    };
    assert_eq!((said.to_string().as_str(), changes), ("review", 2));
    let again = engine.decision(seq).unwrap().unwrap();
    assert_eq!((&again.id, again.time, again.seq), (&old.id, at(100), seq), "as if it came now");
    let served = |stored: &Stored, name: &str| {
        let judged = stored.judged.as_ref().unwrap();
        judged.served.iter().find(|(id, ..)| &**id == name).map(|(_, _, value)| value.clone())
    };
    assert_eq!(served(&again, "logins"), Some(Value::Int(1)), "it finds the event that came before it");
    assert_eq!(engine.status().events, events);
    assert_eq!(engine.decision(old.seq).unwrap().unwrap(), old, "what was decided stays");
    let delivered = |engine: &Engine, expect: usize| {
        while engine.outbox().look(at(130)).unwrap() {}
        let due = engine.outbox().due(at(130));
        assert_eq!(due.len(), expect, "{due:?}");
        for delivery in &due {
            engine.outbox().report(delivery.id, Attempt::Delivered, at(130));
        }
        run(engine.outbox().write(true)).unwrap();
        due
    };
    let sent = delivered(&engine, 1);
    assert_eq!((sent[0].id.decision, &*sent[0].signal().unwrap().rule), (seq, "follows"));
    assert_eq!(verdict(&engine, 2, "bob", "192.0.2.1"), "challenge");
    run(engine.close());

    let engine = data.reopen();
    engine.outbox().configure([Destination { channel: Channel::Webhook, name: "desk".into() }]);
    assert_eq!(
        verdict(&engine, 3, "bob", "192.0.2.1"),
        "challenge",
        "what followed is there after a restart"
    );
    match act(&engine, undo(seq)) {
        Done::Undone { restored: 2, left, .. } => {
            assert_eq!(left.len(), 2, "{left:?}");
            assert!(left[0].contains("webhook `desk`") && left[1].contains("case `sevens`"), "{left:?}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(verdict(&engine, 4, "bob", "192.0.2.1"), "allow");
    // Counted once each: the event that was judged again is one.
    let next = decide(&engine, &login(5, 61, "ann", "192.0.2.77", 0));
    assert_eq!(served(&next, "logins"), Some(Value::Int(1)));

    // A webhook and a case that somebody asks for have keys of their own.
    let (webhook, ..) = made(act(&engine, Deed::Webhook { event: old.seq, name: "desk".into() }));
    let (case, ..) = made(act(&engine, Deed::Case { event: old.seq, queue: "look".into() }));
    let sent = delivered(&engine, 1);
    assert_eq!((sent[0].id.decision, &sent[0].decision), (webhook, &old));
    assert_eq!(sent[0].cause, Cause::Act { by: "ann".into() });
    let cases = engine.outbox().list(wardroom_engine::State::Cases, 9);
    assert!(cases.effects.iter().any(|listed| listed.decision == case), "{cases:?}");
    match act(&engine, undo(webhook)) {
        Done::Undone { restored: 0, left, .. } => assert!(left[0].contains("was told"), "{left:?}"),
        other => panic!("{other:?}"),
    }
    run(engine.outbox().retry(&sent[0].key, at(120))).unwrap();
    run(engine.close());
    let engine = data.reopen();
    engine.outbox().configure([Destination { channel: Channel::Webhook, name: "desk".into() }]);
    assert_eq!(delivered(&engine, 1)[0].key, sent[0].key, "and they keep them");
    run(engine.close());
}

fn head(by: &str, second: bool) -> JobHead {
    JobHead {
        at: at(0),
        by: by.into(),
        source: format!("key:{by}").into(),
        key: "".into(),
        what: r#"{"label":"thief"}"#.into(),
        from: "login where n == 3".into(),
        reason: "a wave".into(),
        items: 0,
        parts: Vec::new(),
        second,
    }
}

fn step(engine: &Engine, job: u64, step: Step, by: &str) -> Result<(), ActError> {
    run(engine.step_job(JobStep { job, step, at: at(10), by: by.into() }))
}

fn item(engine: &Engine, job: u64, n: usize, deed: Deed) -> Done {
    let item = Some(JobItem { job, item: n as u32 });
    run(engine.act(vec![Act { item, ..by_hand(deed) }], at(100))).unwrap().remove(0)
}

#[test]
fn a_job_goes_on_after_a_restart_where_it_was_and_no_item_is_done_twice() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let deeds: Vec<Deed> = (0..2500).map(|n| says(account(&format!("a{n}")), "thief", true, None)).collect();
    let job = run(engine.plan(head("ann", true), &deeds)).unwrap();
    assert!(engine.job(job).unwrap().head.parts.len() > 1);
    assert!(step(&engine, job, Step::Start, "ann").is_err());
    assert!(step(&engine, job, Step::Approve, "ann").is_err());
    step(&engine, job, Step::Approve, "bob").unwrap();
    step(&engine, job, Step::Start, "ann").unwrap();
    for (n, deed) in deeds.iter().take(3).enumerate() {
        assert!(matches!(item(&engine, job, n, deed.clone()), Done::Made { .. }));
    }
    assert_eq!(refused(item(&engine, job + 1, 3, deeds[3].clone())), ActError::NoJob(job + 1));
    run(engine.snapshot()).unwrap();
    assert!(matches!(item(&engine, job, 3, listed("none", "::1", true, None)), Done::Refused(_)));
    run(engine.close());

    let engine = data.reopen();
    let stands = engine.job(job).unwrap();
    assert_eq!(
        (stands.phase, stands.next, stands.tally.made, stands.tally.refused),
        (Phase::Running, 4, 3, 1)
    );
    assert_eq!(engine.job_items(&stands).unwrap(), deeds);
    assert_eq!(item(&engine, job, 2, deeds[2].clone()), Done::Repeated);
    assert_eq!(item(&engine, job, 3, deeds[3].clone()), Done::Repeated, "what was refused is done with");
    assert!(matches!(item(&engine, job, 4, deeds[4].clone()), Done::Made { .. }));
    assert!(step(&engine, job, Step::Finish, "").is_err(), "it is not done");
    step(&engine, job, Step::Undo, "ann").unwrap();
    let mut records = BTreeMap::new();
    let (from, to) = engine.job(job).unwrap().acts;
    engine
        .acts_between(from, to, |seq, found| {
            if let wardroom_engine::Acted::Act(record) = found {
                records.insert(record.item.unwrap().item as usize, seq);
            }
        })
        .unwrap();
    assert_eq!(records.len(), 5);
    for (n, seq) in records.iter().rev() {
        assert!(matches!(item(&engine, job, *n, undo(*seq)), Done::Undone { .. }), "{n}");
        assert_eq!(item(&engine, job, *n, undo(*seq)), Done::Repeated);
    }
    step(&engine, job, Step::Undone, "").unwrap();
    assert_eq!(verdict(&engine, 9, "a1", "192.0.2.1"), "allow");
    assert!(run(engine.plan(head("ann", false), &[])).is_err());
    run(engine.close());
    let engine = data.reopen();
    assert_eq!((engine.job(job).unwrap().phase, engine.job(job).unwrap().tally.restored), (Phase::Undone, 5));
    run(engine.close());
}

#[test]
fn asking_for_a_job_twice_by_one_key_is_asking_once() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let keyed = || JobHead { key: "once".into(), ..head("ann", false) };
    let deeds = [says(account("a"), "thief", true, None)];
    let job = run(engine.plan(keyed(), &deeds)).unwrap();
    assert_eq!(run(engine.plan(keyed(), &deeds)), Ok(job));
    assert_ne!(run(engine.plan(JobHead { by: "bob".into(), ..keyed() }, &deeds)), Ok(job));
    let long = JobHead { reason: "x".repeat(limits::JOB_TEXT_BYTES + 1).into(), ..head("ann", false) };
    assert!(matches!(run(engine.plan(long, &deeds)), Err(ActError::TooLong { .. })));
    run(engine.close());
}

/// Acts, rules, snapshots and restarts in any order, against a map of what is there.
#[test]
fn whatever_happens_what_is_there_is_what_the_last_act_said() {
    for seed in 0..6 {
        let mut rng = SimRng::new(seed);
        let data = Data::new();
        let mut engine = data.open(POLICY);
        // By account: whether it is a thief; by address: whether it is listed.
        let mut there: BTreeMap<String, bool> = BTreeMap::new();
        let mut undoable: Vec<(u64, String, Held)> = Vec::new();
        let mut id = 0;
        for _ in 0..60 {
            let n = rng.below(4);
            match rng.below(12) {
                0..4 => {
                    let yes = rng.one_in(2);
                    let name = format!("a{n}");
                    let (seq, before, _) = made(act(&engine, says(account(&name), "thief", yes, None)));
                    assert_eq!(
                        before != Held::Not,
                        there.get(&name).copied().unwrap_or(false),
                        "seed {seed}"
                    );
                    there.insert(name.clone(), yes);
                    undoable.push((seq, name, before));
                }
                4..8 => {
                    let (put, ip) = (rng.one_in(2), format!("192.0.2.{n}"));
                    let (seq, before, _) = made(act(&engine, listed("bad", &ip, put, None)));
                    assert_eq!(before != Held::Not, there.get(&ip).copied().unwrap_or(false), "seed {seed}");
                    there.insert(ip.clone(), put);
                    undoable.push((seq, ip, before));
                }
                8 => {
                    if let Some((seq, what, before)) = undoable.pop() {
                        let done = act(&engine, undo(seq));
                        assert!(matches!(done, Done::Undone { ref left, .. } if left.is_empty()), "{done:?}");
                        there.insert(what, before != Held::Not);
                    }
                }
                9 => {
                    run(engine.snapshot()).unwrap();
                }
                10 => {
                    // A rule lists it again, for a day.
                    let ip = format!("192.0.2.{n}");
                    id += 1;
                    decide(&engine, &login(id, 60, "seven", &ip, 7));
                    there.insert(ip, true);
                    undoable.clear();
                }
                _ => {
                    run(engine.close());
                    engine = data.reopen();
                }
            }
            for n in 0..4 {
                id += 1;
                let (name, ip) = (format!("a{n}"), format!("192.0.2.{n}"));
                let stored = decide(&engine, &login(id, 61, &name, &ip, 0));
                let rules: Vec<String> =
                    stored.judged.unwrap().signals.iter().map(|s| s.rule.to_string()).collect();
                let has = |rule: &str| rules.iter().any(|r| r == rule);
                let is = |what: &str| there.get(what).copied().unwrap_or(false);
                assert_eq!((has("marked"), has("listed")), (is(&name), is(&ip)), "seed {seed}: {name} {ip}");
            }
        }
        run(engine.close());
    }
}

#[test]
fn a_word_on_many_is_shown_without_whom_it_is_about() {
    let deed = says(account("somebody@example.org"), "thief", true, None);
    assert!(!deed.show(Sight::Masked).contains("somebody@example.org"), "{}", deed.show(Sight::Masked));
}
