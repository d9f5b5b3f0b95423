// SPDX-License-Identifier: Apache-2.0
//! Effects that go out: at least once, each time under one key, whatever happens in between, and beside the decisions.

use crate::support::{Data, NOON, bundle, decide, run, sent};
use std::collections::BTreeSet;
use wardroom_engine::{
    Attempt, Channel, Config, Delivery, Destination, Engine, Origin, Retention, Retried, RetryError, State,
    Wanted,
};
use wardroom_event::{Micros, Span};
use wardroom_journal::{Journal, Options, Reader, frame_bytes};

const POLICY: &str = r#"
event hit:
    ip: ip
    n: int

rule odd on hit:
    when    n in [1, 3]
    then    review, label(ip, "odd"), webhook("hook"), case("odd ones"), notify("desk")
    because "{n} is odd"

rule four on hit:
    when    n == 4
    then    webhook("hok")
    because "four"
"#;

/// Kinds of records, as `records.md` has them.
const EFFECT: u8 = 8;
const OUTBOX: u8 = 9;

fn to(channel: Channel, name: &str) -> Destination {
    Destination { channel, name: name.into() }
}

fn hit(n: u64) -> crate::support::Sent {
    sent("hit", n as i64, &format!(r#""ip":"192.0.2.1","n":{n}"#)).id(n)
}

fn open(data: &Data) -> Engine {
    let engine = data.open(POLICY);
    engine.outbox().configure([to(Channel::Webhook, "hook"), to(Channel::Notify, "desk")]);
    engine
}

fn at(secs: i64) -> Micros {
    NOON.plus(Span::from_secs(secs))
}

/// Reads to the end and gives what is to be sent.
fn due(engine: &Engine, now: Micros) -> Vec<Delivery> {
    while engine.outbox().look(now).unwrap() {}
    engine.outbox().due(now)
}

fn keys(deliveries: &[Delivery]) -> BTreeSet<String> {
    deliveries.iter().map(|d| d.key.clone()).collect()
}

fn all_arrive(engine: &Engine, deliveries: &[Delivery], now: Micros) {
    deliveries.iter().for_each(|d| engine.outbox().report(d.id, Attempt::Delivered, now));
    run(engine.outbox().write(false)).unwrap();
}

/// How many records of a kind the journal holds, and at the beginnings of how many segments it stands.
fn count(data: &Data, kind: u8) -> (usize, usize) {
    let (mut records, mut heads) = (0, 0);
    let mut reader = Reader::open(data.journal()).unwrap();
    while let Some(frame) = reader.next_frame().unwrap() {
        if frame.kind == kind {
            *(if frame.is_prologue() { &mut heads } else { &mut records }) += 1;
        }
    }
    (records, heads)
}

#[test]
fn an_effect_goes_out_with_its_decision_and_is_on_record_once() {
    let data = Data::new();
    let engine = open(&data);
    let stored = decide(&engine, &hit(1));
    decide(&engine, &hit(2));
    let sent = due(&engine, at(5));
    let mut to: Vec<String> = sent.iter().map(|d| d.destination.to_string()).collect();
    to.sort();
    assert_eq!(to, ["notify `desk`", "webhook `hook`"]);
    for delivery in &sent {
        assert_eq!((&delivery.decision, delivery.attempt), (&stored, 1));
        assert_eq!(&*delivery.signal().unwrap().rule, "odd");
        assert!(delivery.key.contains(&format!("-{}-", stored.seq)), "{}", delivery.key);
    }
    assert_eq!(due(&engine, at(6)).len(), 0, "not while they are being sent");
    all_arrive(&engine, &sent, at(6));
    let cases = engine.outbox().list(State::Cases, 10);
    assert_eq!((cases.total, cases.effects[0].decision), (1, stored.seq));
    assert_eq!(count(&data, EFFECT).0, 3);
    run(engine.close());

    let engine = open(&data);
    assert_eq!(due(&engine, at(7)).len(), 0, "and nothing again after a restart");
    assert_eq!(engine.outbox().list(State::Cases, 10), cases);
    run(engine.outbox().write(true)).unwrap();
    assert_eq!(count(&data, EFFECT).0, 3);
}

#[test]
fn a_kill_before_the_record_sends_it_again_under_the_same_key() {
    let data = Data::new();
    let engine = open(&data);
    decide(&engine, &hit(1));
    decide(&engine, &hit(3));
    let sent = due(&engine, at(5));
    assert_eq!(keys(&sent).len(), 4);
    // Delivered, and killed before that is on record.
    let killed = data.killed();
    all_arrive(&engine, &sent, at(6));
    let recorded = data.killed();

    let again = open(&killed);
    assert_eq!(keys(&due(&again, at(9))), keys(&sent));
    let again = open(&recorded);
    assert_eq!(due(&again, at(9)).len(), 0);
}

#[test]
fn a_key_stays_when_the_secret_does_not() {
    let data = Data::new();
    let engine = open(&data);
    decide(&engine, &hit(1));
    let before = keys(&due(&engine, at(5)));
    run(engine.close());
    std::fs::remove_file(data.path().join("secret")).unwrap();
    assert_eq!(keys(&due(&open(&data), at(6))), before);
    let elsewhere = Data::new();
    let other = open(&elsewhere);
    decide(&other, &hit(1));
    let others = keys(&due(&other, at(5)));
    assert!(others.is_disjoint(&before), "no two installations share a key: {others:?} {before:?}");
}

/// What a restore of the directory as it is now would give; with the number of its last record.
fn restored(data: &Data) -> Data {
    let restored = data.killed();
    let last = Engine::open(&data.killed().config(), None, NOON).unwrap().0.status().seq;
    wardroom_engine::mark_restored(&restored.path(), last).unwrap();
    restored
}

/// Sends what is due, and has it written down.
fn deliver(engine: &Engine, secs: i64) -> BTreeSet<String> {
    let sent = due(engine, at(secs));
    all_arrive(engine, &sent, at(secs));
    keys(&sent)
}

/// Numbers are given again after a restore, and keys are not: a receiver does nothing for one that it knows.
#[test]
fn no_key_names_another_effect_after_a_restore_and_none_is_lost() {
    let data = Data::new();
    let engine = open(&data);
    let first = decide(&engine, &hit(1));
    let early = deliver(&engine, 5);
    let backup = restored(&data);
    let again = restored(&data);
    let mut known = early.clone();
    (10..14).for_each(|n| drop(decide(&engine, &hit(3).id(n))));
    known.extend(deliver(&engine, 6));
    assert_eq!(known.len(), 10);
    run(engine.close());

    // The disk is lost. What comes now has numbers that were given before.
    let engine = open(&backup);
    assert!(!backup.path().join("restored").exists(), "the journal has it now");
    assert_eq!(deliver(&engine, 7).len(), 0);
    let second = decide(&engine, &hit(3).id(20));
    let of_second = deliver(&engine, 8);
    assert!(of_second.len() == 2 && of_second.is_disjoint(&known), "{of_second:?} {known:?}");
    known.extend(of_second.clone());
    // Of decisions before the backup's end the keys are what they were, and a kill changes none.
    let killed = backup.killed();
    let engine_again = open(&killed);
    assert_eq!(deliver(&engine_again, 9).len(), 0);
    for (keys, decision) in [(&early, first.seq), (&of_second, second.seq)] {
        let key = keys.iter().find(|key| key.ends_with(&format!("-{decision}-1"))).unwrap();
        run(engine_again.outbox().retry(key, at(9))).unwrap();
        assert_eq!(deliver(&engine_again, 9), [key.clone()].into());
    }

    // A backup of that life, restored after it went on; and the first one once more.
    let later = restored(&backup);
    (30..33).for_each(|n| drop(decide(&engine, &hit(3).id(n))));
    known.extend(deliver(&engine, 10));
    for (n, data) in [(40, later), (41, again)] {
        let engine = open(&data);
        decide(&engine, &hit(3).id(n));
        let fresh = deliver(&engine, 11);
        assert!(fresh.len() == 2 && fresh.is_disjoint(&known), "{fresh:?} {known:?}");
        known.extend(fresh);
    }
}

#[test]
fn a_restore_is_known_in_every_segment_and_taken_up_once() {
    let data = Data::new();
    let engine = open(&data);
    decide(&engine, &hit(1));
    let before = deliver(&engine, 5);
    run(engine.close());
    let data = restored(&data);
    let mark = std::fs::read(data.path().join("restored")).unwrap();
    let engine = open(&data);
    let seq = engine.status().seq;
    let decided = decide(&engine, &hit(3));
    let after = deliver(&engine, 6);
    assert!(after.is_disjoint(&before));
    for n in 0..100 {
        decide(&engine, &hit(2).id(100 + n));
    }
    run(engine.close());
    // A kill before the mark was gone: it is met again, and says nothing new.
    std::fs::write(data.path().join("restored"), mark).unwrap();
    let engine = open(&data);
    assert!(engine.status().seq > seq && !data.path().join("restored").exists());
    assert_eq!(due(&engine, at(7)).len(), 0);
    let key = after.iter().find(|key| key.ends_with(&format!("-{}-1", decided.seq))).unwrap();
    run(engine.outbox().retry(key, at(7))).unwrap();
    assert_eq!(keys(&due(&engine, at(7))), [key.clone()].into());
}

#[test]
fn retries_and_dead_letters_survive_restarts_over_many_segments() {
    let data = Data::new();
    let mut engine = open(&data);
    let first = decide(&engine, &hit(1)).seq;
    let hook = to(Channel::Webhook, "hook");
    let (mut now, mut attempts, mut key) = (at(5), 0, None);
    for round in 0u64.. {
        // A segment holds some dozen of these.
        (0..20).for_each(|n| drop(decide(&engine, &hit(100 + 20 * round + n))));
        for delivery in due(&engine, now) {
            if delivery.destination != hook {
                engine.outbox().report(delivery.id, Attempt::Delivered, now);
                continue;
            }
            attempts += 1;
            assert_eq!(delivery.attempt, attempts);
            assert_eq!(*key.get_or_insert(delivery.key.clone()), delivery.key);
            let failed = Attempt::Failed { why: "HTTP 500".to_owned(), wait: None };
            engine.outbox().report(delivery.id, failed, now);
        }
        run(engine.outbox().write(true)).unwrap();
        run(engine.close());
        engine = open(&data);
        match engine.outbox().next_due() {
            Some(next) => now = next,
            None => break,
        }
    }
    assert_eq!(attempts, wardroom_engine::limits::OUTBOX_ATTEMPTS);
    let dead = engine.outbox().list(State::Dead, 10);
    let letter = &dead.effects[0];
    assert_eq!((dead.total, letter.decision, letter.attempts), (1, first, attempts));
    assert_eq!(letter.why.as_deref(), Some("12 attempts; the last: HTTP 500"));
    let (_, heads) = count(&data, OUTBOX);
    assert!(heads > 3, "each segment says where the outbox stands: {heads}");

    // Asked for again, it goes out under the key it had.
    run(engine.outbox().retry(&letter.key, now)).unwrap();
    run(engine.close());
    let engine = open(&data);
    let sent = due(&engine, now);
    assert_eq!((sent.len(), &sent[0].key, sent[0].attempt), (1, &letter.key, 1));
    all_arrive(&engine, &sent, now);
    assert_eq!(engine.outbox().list(State::Dead, 10).total, 0);

    // And so does one that arrived, as long as the journal has its decision.
    run(engine.outbox().retry(&letter.key, now)).unwrap();
    assert_eq!(keys(&due(&engine, now)), [letter.key.clone()].into());
}

#[test]
fn what_cannot_be_had_again_is_said_so() {
    let data = Data::new();
    let engine = open(&data);
    let odd = decide(&engine, &hit(1)).seq;
    let four = decide(&engine, &hit(4)).seq;
    let key = due(&engine, at(1))[0].key.clone();
    let installation = key.split('-').next().unwrap();
    let dead = engine.outbox().list(State::Dead, 10);
    assert_eq!(
        dead.effects[0].why.as_deref(),
        Some("webhook `hok` is not configured; did the rule mean `hook`?")
    );
    let check = |key: String, expect: Result<(), RetryError>| {
        assert_eq!(run(engine.outbox().retry(&key, at(2))), expect, "{key}");
    };
    let unknown = |key: &str| Err(RetryError::Unknown(key.to_owned()));
    check(format!("{installation}-{odd}-1"), Ok(()));
    check(format!("{installation}-{odd}-2"), Err(RetryError::Case));
    check(format!("{installation}-{four}-0"), Err(RetryError::NotConfigured(to(Channel::Webhook, "hok"))));
    for key in [
        String::new(),
        format!("{installation}-{odd}-9"),
        format!("{installation}-99-0"),
        format!("{installation}-0{odd}-1"),
        format!("{installation}-{odd}-1-1"),
        format!("0000000000000000-{odd}-1"),
    ] {
        check(key.clone(), unknown(&key));
    }
    // A label is no effect that goes out.
    let label = format!("{installation}-{odd}-0");
    check(label.clone(), unknown(&label));
}

/// A journal of a program that had no outbox: the same records without those of the outbox.
fn without_an_outbox(data: &Data) -> Data {
    let old = Data { dir: tempfile::tempdir().unwrap(), ..*data };
    std::fs::create_dir_all(old.path()).unwrap();
    let mut reader = Reader::open(data.journal()).unwrap();
    let (mut writer, _) = Journal::open(old.journal(), Options::default()).unwrap();
    while let Some(frame) = reader.next_frame().unwrap() {
        if !frame.is_prologue() {
            assert!(![EFFECT, OUTBOX].contains(&frame.kind), "numbers must stay as they are");
            writer.reserve(frame_bytes(frame.payload.len())).unwrap();
            writer.append(frame.kind, frame.payload).unwrap();
            writer.commit(wardroom_journal::Durability::Sync).unwrap();
        }
    }
    old
}

#[test]
fn what_an_older_program_decided_is_history() {
    let data = Data::new();
    let engine = open(&data);
    decide(&engine, &hit(1));
    run(engine.close());
    let old = without_an_outbox(&data);
    let engine = open(&old);
    assert_eq!(due(&engine, at(1)).len(), 0);
    run(engine.outbox().write(false)).unwrap();
    let after = decide(&engine, &hit(3));
    let sent = due(&engine, at(1));
    assert!(sent.len() == 2 && sent.iter().all(|d| d.decision == after));
    // From here on it is known where the outbox stands.
    run(engine.close());
    assert_eq!(keys(&due(&open(&old), at(2))), keys(&sent));
}

/// Nothing the outbox does is waited for: with nobody to drive it, and with effects that never end, decisions go on.
#[test]
fn decisions_do_not_wait_for_effects() {
    let data = Data { segment_bytes: 1 << 20, ..Data::new() };
    let engine = open(&data);
    for n in 0..50 {
        decide(&engine, &hit(1).id(n));
    }
    let sent = due(&engine, at(1));
    assert_eq!(
        sent.len(),
        2 * wardroom_engine::limits::OUTBOX_SENDING,
        "to each destination so many at once"
    );
    for n in 50..100 {
        decide(&engine, &hit(1).id(n));
    }
    let status = engine.outbox().status(at(1));
    assert_eq!(
        status.channels.map(|c| (c.channel, c.pending)),
        [(Channel::Case, 0), (Channel::Notify, 50), (Channel::Webhook, 50)]
    );
    assert!(status.unread >= 50, "{status:?}");
    assert_eq!(engine.outbox().needs(), 1, "nothing was written down yet");
    run(engine.outbox().write(true)).unwrap();
    assert!(engine.outbox().needs() > 1);
}

/// With durability by interval a decision may be lost in a power cut, and its number given again: an effect that went out
/// for it would have a key that another then has too.
#[test]
fn no_effect_goes_out_before_its_decision_would_survive() {
    let durability = wardroom_engine::Durability::Interval(std::time::Duration::from_secs(3600));
    let data = Data { durability, segment_bytes: 1 << 20, ..Data::new() };
    let engine = open(&data);
    decide(&engine, &hit(1));
    assert_eq!(due(&engine, at(1)).len(), 0);
    run(engine.close());
    assert_eq!(due(&open(&data), at(1)).len(), 2);
}

/// Retention takes no record from which a restart knows what became of an effect: it would be on its way again, and then,
/// since its decision is gone, dead.
#[test]
fn what_arrived_stays_so_whatever_retention_takes() {
    let data = Data::new();
    let config = Config { retention: Retention { age: None, bytes: Some(20_000) }, ..data.config() };
    let (engine, _) = crate::support::open(&config, Some(bundle(POLICY))).unwrap();
    let destinations = [to(Channel::Webhook, "hook"), to(Channel::Notify, "desk")];
    engine.outbox().configure(destinations.clone());
    decide(&engine, &hit(1));
    let sent = due(&engine, at(5));
    assert_eq!(sent.len(), 2);
    // Where it stands says that they are on their way; that they arrived is a record of its own.
    run(engine.outbox().write(true)).unwrap();
    all_arrive(&engine, &sent, at(6));
    let mut next = 1000;
    let mut goes_on = |engine: &Engine, rounds: u64| {
        for round in 0..rounds {
            for _ in 0..150 {
                decide(engine, &hit(next));
                next += 1;
                while engine.outbox().look(at(7)).unwrap() {}
            }
            let text = format!("{POLICY}\n# {round}\n");
            run(engine.swap(bundle(&text), Origin::Directory, NOON)).unwrap();
            run(engine.snapshot()).unwrap();
        }
        for _ in 0..60 {
            decide(engine, &hit(next));
            next += 1;
        }
    };
    goes_on(&engine, 4);
    let killed = data.killed();
    let again = crate::support::open(&killed.config(), None).unwrap().0;
    again.outbox().configure(destinations);
    assert_eq!(due(&again, at(8)).len(), 0, "they arrived");
    assert_eq!(again.outbox().list(State::Dead, 10).effects, []);
    // Once that is said where it stands, nobody needs the records.
    run(engine.outbox().write(true)).unwrap();
    goes_on(&engine, 3);
    let status = engine.status().snapshots;
    assert!(status.segments_removed > 10, "{status:?}");
}

/// Nor one with an effect that nobody has looked at yet, also where nobody ever looks.
#[test]
fn what_nobody_looked_at_yet_is_not_taken() {
    let data = Data::new();
    let config = Config { retention: Retention { age: None, bytes: Some(20_000) }, ..data.config() };
    let (engine, _) = crate::support::open(&config, Some(bundle(POLICY))).unwrap();
    let first = decide(&engine, &hit(1));
    for round in 0..4 {
        (0..150).for_each(|n| drop(decide(&engine, &hit(1000 + 150 * round + n))));
        let text = format!("{POLICY}\n# {round}\n");
        run(engine.swap(bundle(&text), Origin::Directory, NOON)).unwrap();
        run(engine.snapshot()).unwrap();
    }
    (0..60).for_each(|n| drop(decide(&engine, &hit(9000 + n))));
    engine.outbox().configure([to(Channel::Webhook, "hook"), to(Channel::Notify, "desk")]);
    let sent = due(&engine, at(8));
    assert!(sent.len() == 2 && sent.iter().all(|delivery| delivery.decision == first), "{}", sent.len());
}

/// Asks for all dead letters that are wanted, until there are none, or no room.
fn retry_all(engine: &Engine, wanted: &Wanted) -> Vec<Retried> {
    let (outbox, mut wanted, mut all) = (engine.outbox(), wanted.clone(), Vec::new());
    loop {
        let found = outbox.dead_letters(&wanted).unwrap();
        let retried = run(outbox.retry_all(found, at(100))).unwrap();
        let (next, is_full) = (retried.next, retried.is_full);
        all.push(retried);
        match next {
            Some(next) if !is_full => wanted.after = next,
            _ => return all,
        }
    }
}

/// The books list the newest dead letters; the others are had as well.
#[test]
fn every_dead_letter_is_sent_again_however_many_there_are() {
    let data = Data { segment_bytes: 1 << 20, ..Data::new() };
    let engine = data.open(POLICY);
    let count = wardroom_engine::limits::DEAD_LETTERS as u64 + 100;
    for n in 0..count {
        decide(&engine, &hit(1).id(n));
        decide(&engine, &hit(4).id(count + n));
        // Nothing is configured: all are dead at once.
        assert_eq!(due(&engine, at(n as i64 % 50)).len(), 0);
        run(engine.outbox().write(false)).unwrap();
    }
    assert_eq!(engine.outbox().list(State::Dead, usize::MAX).total, wardroom_engine::limits::DEAD_LETTERS);
    engine.outbox().configure([to(Channel::Webhook, "hook")]);
    let wanted = |name: &str| Wanted { name: Some(name.into()), ..Wanted::default() };
    let late = retry_all(&engine, &Wanted { since: Some(at(49)), ..wanted("hook") });
    assert_eq!(late.iter().map(|retried| retried.keys.len()).sum::<usize>(), count as usize / 50);
    let all = retry_all(&engine, &wanted("hook"));
    assert_eq!(
        all.iter().map(|retried| retried.keys.len()).sum::<usize>() + count as usize / 50,
        count as usize,
        "each of them, and none twice"
    );
    assert!(all.iter().all(|retried| retried.refused.is_empty()));
    // What cannot be had stands in nobody's way, and is told.
    let others = retry_all(&engine, &Wanted::default());
    let refused: Vec<_> = others.iter().flat_map(|retried| &retried.refused).collect();
    assert_eq!(refused.len() as u64, 2 * count, "those to the desk, and to `hok`");
    assert!(refused.iter().all(|(_, why)| matches!(why, RetryError::NotConfigured(_))));
    assert_eq!(others.iter().map(|retried| retried.keys.len()).sum::<usize>(), 0);
    engine.outbox().configure([to(Channel::Webhook, "hook"), to(Channel::Notify, "desk")]);
    let desk = retry_all(&engine, &wanted("desk"));
    assert_eq!(desk.iter().map(|retried| retried.keys.len()).sum::<usize>() as u64, count);
    assert_eq!(engine.outbox().list(State::Pending, 0).total as u64, 2 * count);
}
