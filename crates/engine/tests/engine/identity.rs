// SPDX-License-Identifier: Apache-2.0
//! The same event again gives the same decision: whoever sends it, whenever, however often.

use crate::support::{Data, POLICY, decide, everything, login, run, sent, seq_of, submit};
use std::collections::HashMap;
use std::sync::Arc;
use wardroom_engine::{Outcome, Work};
use wardroom_event::Micros;

#[test]
fn a_repeated_event_gets_the_first_number_and_counts_once() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let first = decide(&engine, &login("x", 0, "a", "192.0.2.1", false));
    let again = Outcome::Repeated { seq: first.seq };
    // Later, with other words, as another type, only to be recorded: the id says that it is the same.
    let event = |secs| login("x", secs, "b", "192.0.2.9", true);
    assert_eq!(submit(&engine, &event(0), Work::Decide), again);
    assert_eq!(submit(&engine, &event(50), Work::Decide), again);
    assert_eq!(submit(&engine, &event(50), Work::Record), again);
    let other_type = sent("signup", 0, r#""account":"c","ip":"192.0.2.1""#).id("x");
    assert_eq!(submit(&engine, &other_type, Work::Decide), again);
    assert_eq!(engine.decision(first.seq).unwrap().unwrap(), first);
    let next = decide(&engine, &login("y", 60, "a", "192.0.2.1", false));
    let served = &next.judged.as_ref().unwrap().served;
    assert!(
        served.iter().any(|(id, _, v)| &**id == "failures" && *v == wardroom_event::Value::Int(1)),
        "{served:?}"
    );
    assert_eq!((engine.status().events, engine.status().repeated), (2, 4));
    run(engine.close());

    // The same after a restart.
    let engine = data.reopen();
    assert_eq!(submit(&engine, &event(70), Work::Decide), again);
    assert_eq!(engine.decision(first.seq).unwrap().unwrap(), first);
    assert_eq!(everything(&engine).len(), 2);
}

#[test]
fn it_is_known_again_within_one_piece_of_work() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let event = |id| login(id, 0, "a", "192.0.2.1", true).on(&engine);
    let ids = ["a", "b", "a", "a", "c", "b"];
    let outcomes = run(engine.submit(ids.map(event).into(), Work::Decide)).unwrap();
    let seqs: Vec<u64> = outcomes.iter().map(|o| seq_of(o).unwrap()).collect();
    let first = seqs[0];
    assert_eq!(seqs, [first, first + 1, first, first, first + 2, first + 1]);
    let repeated = outcomes.iter().filter(|o| matches!(o, Outcome::Repeated { .. })).count();
    assert_eq!(repeated, 3);
}

#[test]
fn who_sent_it_is_part_of_what_it_is() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let event = || login("1", 0, "a", "192.0.2.1", true);
    let seqs = [
        event(),
        event().source("one"),
        event().source("two"),
        event().id("e1").source("on"),
        event().source("one"),
    ]
    .map(|e| seq_of(&submit(&engine, &e, Work::Decide)).unwrap());
    assert_eq!(seqs[0..4], [seqs[0], seqs[0] + 1, seqs[0] + 2, seqs[0] + 3]);
    assert_eq!(seqs[4], seqs[1]);
    let id = |source: &str| wardroom_event::EventId { source: source.into(), id: "1".into() };
    assert_eq!(run(engine.find(id("two"))).unwrap(), Some(seqs[2]));
    assert_eq!(run(engine.find(id("three"))).unwrap(), None);
}

#[test]
fn an_event_without_an_id_gets_one_of_its_own() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let json = br#"{"type":"login","account":"a","ip":"192.0.2.1","ok":true}"#;
    let events: Vec<_> = (0..100).map(|_| engine.intake(json, Micros(5)).unwrap()).collect();
    let outcomes = run(engine.submit(events, Work::Decide)).unwrap();
    assert!(outcomes.iter().all(|o| matches!(o, Outcome::Decided { .. })));
}

#[test]
fn many_at_once_with_one_id_are_one_event() {
    let data = Data::new();
    let engine = Arc::new(data.open(POLICY));
    let ids = 40;
    let senders: Vec<_> = (0..8)
        .map(|sender| {
            let engine = engine.clone();
            std::thread::spawn(move || {
                let mut got: Vec<(usize, Outcome)> = Vec::new();
                for i in 0..ids {
                    // Each in another order.
                    let id = (i * (2 * sender + 1)) % ids;
                    let event = login(id, 0, "a", "192.0.2.1", true);
                    got.push((id, submit(&engine, &event, Work::Decide)));
                }
                got
            })
        })
        .collect();
    let mut seq_by_id: HashMap<usize, u64> = HashMap::new();
    let mut decided = 0;
    for (id, outcome) in senders.into_iter().flat_map(|s| s.join().unwrap()) {
        decided += usize::from(matches!(outcome, Outcome::Decided { .. }));
        let seq = seq_of(&outcome).unwrap();
        assert_eq!(*seq_by_id.entry(id).or_insert(seq), seq, "event {id}");
    }
    assert_eq!((decided, everything(&engine).len()), (ids, ids));
}

/// Once it is answered, it can be read: by number, at once, from anywhere.
#[test]
fn an_answer_is_readable_when_it_is_given() {
    let data = Data::new();
    let engine = data.open(POLICY);
    for i in 0..200 {
        let event = login(i, i, "a", "192.0.2.1", i % 2 == 0);
        let stored = decide(&engine, &event);
        assert_eq!((&*stored.id.id, stored.time), (i.to_string().as_str(), event.arrival()));
    }
    assert!(engine.decision(0).unwrap().is_none());
    assert!(engine.decision(u64::MAX).unwrap().is_none());
    assert!(engine.decision(1).unwrap().is_none(), "the policy's own record is no decision");
}

#[test]
fn what_is_found_can_be_read() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let id = |i: usize| login(i, 0, "a", "192.0.2.1", true).on_id();
    assert_eq!(run(engine.find(id(0))), Ok(None));
    for i in 0..100 {
        let event = login(i, 0, "a", "192.0.2.1", true).on(&engine);
        // Nobody waits for the answer: the event may still be under way when it is asked for.
        drop(run(engine.enqueue(vec![event], Work::Decide)).unwrap());
        // Who asks goes first; so it may be asked for before it is known, and never when it is known and not yet there.
        let seq = loop {
            if let Some(seq) = run(engine.find(id(i))).unwrap() {
                break seq;
            }
        };
        assert_eq!(engine.decision(seq).unwrap().unwrap().id, id(i));
    }
}
