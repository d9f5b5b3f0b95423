// SPDX-License-Identifier: Apache-2.0
//! More work than can be done: what is refused is not recorded, what is taken is done, and nobody waits for a reply
//! that nobody wants.

use crate::support::{Data, POLICY, bundle, decide, everything, login, run, seq_of};
use std::collections::HashSet;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use wardroom_engine::{Engine, Origin, Outcome, SubmitError, Work, limits};
use wardroom_event::Event;

/// Keeps the sequencer busy with one large piece of work, and gives a future that ends when that is done.
fn occupied(engine: &Engine, events: usize) -> impl Future<Output = Result<Vec<Outcome>, SubmitError>> {
    let work: Vec<Event> =
        (0..events).map(|i| login(format!("busy {i}"), 0, "a", "192.0.2.1", false).on(engine)).collect();
    let mut enqueue = Box::pin(engine.enqueue(work, Work::Decide));
    let Poll::Ready(Ok(done)) = poll(enqueue.as_mut()) else {
        panic!("the queue has room");
    };
    while engine.status().waiting > 0 {
        std::thread::yield_now();
    }
    done
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_full_queue_refuses_and_records_nothing_of_it() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let single = |i: usize| vec![login(i, 1, "b", "192.0.2.2", true).on(&engine)];
    let extra = 50;
    let events: Vec<Vec<Event>> = (0..limits::QUEUE + extra).map(single).collect();
    let busy = occupied(&engine, 20_000);
    let mut taken = Vec::new();
    let mut refused = 0;
    for (i, event) in events.into_iter().enumerate() {
        let mut submit = Box::pin(engine.submit(event, Work::Decide));
        match poll(submit.as_mut()) {
            Poll::Ready(Err(SubmitError::Busy)) => refused += 1,
            Poll::Ready(other) => panic!("{other:?}"),
            Poll::Pending => taken.push((i, submit)),
        }
    }
    assert_eq!(refused, extra, "as many as the queue has no place for, while the sequencer is busy");
    let accepted: HashSet<String> = taken.iter().map(|(i, _)| i.to_string()).collect();
    let outcomes = run(async {
        let mut outcomes = Vec::new();
        for (_, submit) in taken {
            outcomes.extend(submit.await.unwrap());
        }
        outcomes
    });
    assert!(outcomes.iter().all(|o| matches!(o, Outcome::Decided { .. })));
    assert!(run(busy).unwrap().iter().all(|o| matches!(o, Outcome::Decided { .. })));
    let there = everything(&engine);
    let there: HashSet<String> =
        there.iter().map(|s| s.id.id.to_string()).filter(|id| !id.starts_with("busy")).collect();
    assert_eq!(there, accepted);
}

#[test]
fn a_stream_waits_for_its_turn() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let single = |i: usize| vec![login(i, 1, "b", "192.0.2.2", true).on(&engine)];
    let events: Vec<Vec<Event>> = (0..limits::QUEUE + 200).map(single).collect();
    let count = events.len();
    let busy = occupied(&engine, 20_000);
    let mut waiting: Vec<_> =
        events.into_iter().map(|e| Box::pin(engine.submit_waiting(e, Work::Decide))).collect();
    let pending = waiting.iter_mut().map(|w| poll(w.as_mut())).filter(Poll::is_pending).count();
    assert_eq!(pending, count);
    assert_eq!(engine.status().waiting, limits::QUEUE);
    let policy = engine.active().program.version.clone();
    let seqs = run(async {
        let mut seqs = Vec::new();
        // A policy waits its turn as well.
        for wait in waiting {
            seqs.push(seq_of(&wait.await.unwrap()[0]).unwrap());
        }
        engine.swap(bundle(POLICY), Origin::Api, crate::support::NOON).await.unwrap();
        seqs
    });
    assert!(seqs.is_sorted(), "first come, first served");
    assert_eq!(engine.active().program.version, policy);
    run(busy).unwrap();
    assert_eq!(everything(&engine).len(), count + 20_000);
}

#[test]
fn receivers_that_have_gone_do_no_harm() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let busy = occupied(&engine, 5000);
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
    drop(busy);
    let stored = decide(&engine, &login("last", 2, "b", "192.0.2.2", true));
    assert_eq!(&*stored.policy, &*bundle(crate::support::OTHER).version().0, "what was asked for is done");
    assert_eq!(everything(&engine).len(), 5201, "taken is recorded, whether anybody listens or not");
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
    let busy = occupied(&engine, 3000);
    let mut waiting: Vec<_> = (0..500)
        .map(|i| Box::pin(engine.submit(vec![login(i, 1, "b", "192.0.2.2", true).on(&engine)], Work::Decide)))
        .collect();
    waiting.iter_mut().for_each(|w| assert!(poll(w.as_mut()).is_pending()));
    run(engine.close());
    let answered =
        waiting.iter_mut().map(|w| poll(w.as_mut())).filter(|p| matches!(p, Poll::Ready(Ok(_)))).count();
    assert_eq!(answered, 500);
    assert_eq!(run(busy).unwrap().len(), 3000);
    let engine = data.reopen();
    assert_eq!(everything(&engine).len(), 3500);
}
