// SPDX-License-Identifier: Apache-2.0
//! More work than can be done: what is refused is not recorded, what is taken is done, and nobody waits for a reply
//! that nobody wants.

use crate::support::{Data, POLICY, bundle, decide, everything, login, run, seq_of};
use std::collections::HashSet;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use wardroom_engine::{Client, Engine, Origin, Outcome, Paused, SubmitError, Whose, Work, limits};
use wardroom_event::Event;

/// The sequencer at rest, for as long as what this gives lives.
fn paused(engine: &Engine) -> Paused {
    run(engine.pause()).unwrap()
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Submits single events until one is refused, with the sequencer at rest; gives those under way and the refusal.
fn flood<'a>(engine: &'a Engine, client: Client, name: &str) -> (Vec<Submit<'a>>, SubmitError) {
    let mut taken = Vec::new();
    for i in 0.. {
        let event = login(format!("{name} {i}"), 1, "b", "192.0.2.2", true).on(engine);
        let mut submit: Submit<'a> = Box::pin(engine.submit_for(client, vec![event], Work::Decide));
        match poll(submit.as_mut()) {
            Poll::Ready(Err(refused)) => return (taken, refused),
            Poll::Ready(other) => panic!("{other:?}"),
            Poll::Pending => taken.push(submit),
        }
    }
    unreachable!()
}

type Submit<'a> = Pin<Box<dyn Future<Output = Result<Vec<Outcome>, SubmitError>> + 'a>>;

#[test]
fn who_floods_is_refused_and_nothing_of_it_recorded() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let rest = paused(&engine);
    let (taken, refused) = flood(&engine, Client::new(1), "a");
    assert!(matches!(refused, SubmitError::Busy { whose: Whose::Client, retry_after_secs: 1..=30 }));
    assert_eq!(taken.len(), limits::QUEUE / 2, "the other half is for others");
    // And others are taken, up to a share of their own.
    let (others, refused) = flood(&engine, Client::new(2), "b");
    assert!(matches!(refused, SubmitError::Busy { whose: Whose::Client, .. }));
    assert_eq!(others.len(), limits::QUEUE / 3);
    let backlog = engine.status().backlog;
    assert_eq!((backlog.pieces, backlog.clients), (taken.len() + others.len(), 2));
    let count = taken.len() + others.len();
    drop(rest);
    let outcomes = run(async {
        let mut outcomes = Vec::new();
        for submit in taken.into_iter().chain(others) {
            outcomes.extend(submit.await.unwrap());
        }
        outcomes
    });
    assert!(outcomes.iter().all(|o| matches!(o, Outcome::Decided { .. })));
    let there: HashSet<String> = everything(&engine).iter().map(|s| s.id.id.to_string()).collect();
    assert_eq!((there.len(), outcomes.len()), (count, count));
    assert!(!there.contains(&format!("a {}", limits::QUEUE / 2)), "it was refused");
}

/// One client's flood is far from done when another's few events, which came last, are.
#[test]
fn a_flood_holds_nobody_else_up() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let rest = paused(&engine);
    let (flood, _) = flood(&engine, Client::new(1), "flood");
    let events = |n: usize| vec![login(format!("other {n}"), 1, "c", "192.0.2.3", true).on(&engine)];
    let mut others: Vec<_> =
        (0..10).map(|n| Box::pin(engine.submit_for(Client::new(2), events(n), Work::Decide))).collect();
    assert!(others.iter_mut().all(|o| poll(o.as_mut()).is_pending()));
    drop(rest);
    let last = run(async {
        let mut last = 0;
        for other in others {
            last = last.max(seq_of(&other.await.unwrap()[0]).unwrap());
        }
        last
    });
    // The first records are the policy's; one turn of the flood may come before.
    let most = (limits::WORK_EVENTS + 10 + 5) as u64;
    assert!(last <= most, "{last} records came before, of {}", flood.len());
    run(async {
        for submit in flood {
            submit.await.unwrap();
        }
    });
}

/// What the program asks for goes before a queue that is full.
#[test]
fn a_policy_and_a_question_wait_behind_no_events() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let first = decide(&engine, &login("first", 0, "a", "192.0.2.1", true));
    let rest = paused(&engine);
    let (flood, _) = flood(&engine, Client::new(1), "flood");
    let mut find = Box::pin(engine.find(first.id.clone()));
    let mut swap = Box::pin(engine.swap(bundle(crate::support::OTHER), Origin::Api, crate::support::NOON));
    assert!(poll(find.as_mut()).is_pending());
    assert!(poll(swap.as_mut()).is_pending());
    drop(rest);
    assert_eq!(run(find), Ok(Some(first.seq)));
    run(swap).unwrap();
    run(async {
        for submit in flood {
            submit.await.unwrap();
        }
    });
    let stored = everything(&engine);
    let other = &*bundle(crate::support::OTHER).version().0;
    assert!(stored.iter().skip(1).all(|s| *s.policy == *other), "all that waited is judged by it");
}

#[test]
fn a_stream_waits_for_its_turn() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let single = |i: usize| vec![login(i, 1, "b", "192.0.2.2", true).on(&engine)];
    let events: Vec<Vec<Event>> = (0..limits::QUEUE + 200).map(single).collect();
    let count = events.len();
    let rest = paused(&engine);
    let mut waiting: Vec<_> =
        events.into_iter().map(|e| Box::pin(engine.submit_waiting(e, Work::Decide))).collect();
    let pending = waiting.iter_mut().map(|w| poll(w.as_mut())).filter(Poll::is_pending).count();
    assert_eq!(pending, count);
    let backlog = engine.status().backlog;
    assert_eq!(backlog.pieces + backlog.outside, count);
    assert!((100..limits::QUEUE / 2).contains(&backlog.pieces), "{backlog:?}");
    drop(rest);
    let seqs = run(async {
        let mut seqs = Vec::new();
        for wait in waiting {
            seqs.push(seq_of(&wait.await.unwrap()[0]).unwrap());
        }
        seqs
    });
    assert!(seqs.is_sorted(), "first come, first served");
    assert_eq!(everything(&engine).len(), count);
}

#[test]
fn receivers_that_have_gone_do_no_harm() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let rest = paused(&engine);
    for i in 0..200 {
        let mut submit =
            pin!(engine.submit(vec![login(i, 1, "b", "192.0.2.2", true).on(&engine)], Work::Decide));
        assert!(poll(submit.as_mut()).is_pending());
        // And here it goes.
    }
    let mut find = Box::pin(engine.find(login(0, 0, "", "::1", true).on_id()));
    assert!(poll(find.as_mut()).is_pending());
    drop(find);
    let mut swap = Box::pin(engine.swap(bundle(crate::support::OTHER), Origin::Api, crate::support::NOON));
    assert!(poll(swap.as_mut()).is_pending());
    drop(swap);
    drop(rest);
    let stored = decide(&engine, &login("last", 2, "b", "192.0.2.2", true));
    assert_eq!(&*stored.policy, &*bundle(crate::support::OTHER).version().0, "what was asked for is done");
    assert_eq!(everything(&engine).len(), 201, "taken is recorded, whether anybody listens or not");
}

#[test]
fn after_closing_nothing_is_taken() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let event = login(1, 1, "b", "192.0.2.2", true).on(&engine);
    run(engine.close());
    let closed = Err(SubmitError::Closed);
    assert_eq!(run(engine.submit(vec![event.clone()], Work::Decide)), closed);
    assert_eq!(run(engine.submit_waiting(vec![event], Work::Decide)), closed);
    assert_eq!(run(engine.find(login(1, 0, "", "::1", true).on_id())), Err(SubmitError::Closed));
    run(engine.close());
    assert_eq!(engine.status().failed, None);
    // What is there can still be read.
    assert_eq!(everything(&engine).len(), 0);
}

/// Work taken before the engine was told to stop is finished by it.
#[test]
fn closing_finishes_what_waits() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let rest = paused(&engine);
    let mut waiting: Vec<_> = (0..500)
        .map(|i| Box::pin(engine.submit(vec![login(i, 1, "b", "192.0.2.2", true).on(&engine)], Work::Decide)))
        .collect();
    waiting.iter_mut().for_each(|w| assert!(poll(w.as_mut()).is_pending()));
    let mut close = Box::pin(engine.close());
    assert!(poll(close.as_mut()).is_pending());
    drop(rest);
    run(close);
    let answered =
        waiting.iter_mut().map(|w| poll(w.as_mut())).filter(|p| matches!(p, Poll::Ready(Ok(_)))).count();
    assert_eq!(answered, 500);
    let engine = data.reopen();
    assert_eq!(everything(&engine).len(), 500);
}
