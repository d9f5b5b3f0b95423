// SPDX-License-Identifier: Apache-2.0
//! The queue's laws: turns, bounds, order; by example and for whatever is pushed, waited for, given up and taken.

use super::*;
use proptest::prelude::*;
use smallvec::smallvec;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// A client's number and the number of its piece.
type Work = (u64, usize);

fn small() -> Bounds {
    let open = Load { pieces: 16, events: 64, bytes: 1000 };
    Bounds {
        open,
        all: open.each(|n| 2 * n),
        control: 3,
        questions: 6,
        quota: 2,
        outside: Load { pieces: 8, events: 1000, bytes: 900 },
        turn: 8,
        idle: 2,
    }
}

fn piece(client: u64, number: usize, events: usize, bytes: usize) -> Piece<Work> {
    (Load { pieces: 1, events, bytes }, (client, number))
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// All that is taken in one go.
fn take(taker: &Taker<Work>, most: usize) -> Vec<Work> {
    let mut out = Vec::new();
    assert!(taker.take(most, &mut out));
    out.into_iter().map(|(_, work)| work).collect()
}

/// Pushes single events until no more are taken; how many were, and whose bound it was.
fn flood(queue: &Queue<Work>, client: Client) -> (usize, Whose) {
    for n in 0.. {
        match queue.push(client, smallvec![piece(client.id, n, 1, 1)]) {
            Ok(()) => {}
            Err(Refused::Busy(whose, secs)) => {
                assert!((1..=30).contains(&secs));
                return (n, whose);
            }
            Err(Refused::Closed) => panic!("it is open"),
        }
    }
    unreachable!()
}

#[test]
fn who_floods_is_refused_and_who_comes_after_is_taken() {
    let (queue, taker) = Queue::new(small());
    // Half of the open part, and then what is fair: a third, a quarter, a fifth.
    assert_eq!(flood(&queue, Client::new(1)), (8, Whose::Client));
    assert_eq!(flood(&queue, Client::new(2)), (5, Whose::Client));
    assert_eq!(flood(&queue, Client::new(3)), (4, Whose::Client));
    assert_eq!(flood(&queue, Client::new(4)), (3, Whose::Client));
    assert_eq!(flood(&queue, Client::new(1)), (0, Whose::Client));
    // The open part is full; who has nothing waiting is taken still.
    for id in 5..=16 {
        assert_eq!(queue.push(Client::new(id), smallvec![piece(id, 0, 1, 1)]), Ok(()), "{id}");
    }
    assert_eq!(queue.backlog().pieces, 32);
    assert_eq!(flood(&queue, Client::new(17)), (0, Whose::Server));
    // Everybody is served in the first round.
    let served = take(&taker, 1000);
    assert_eq!(served.len(), 32);
    assert_eq!(queue.backlog(), Backlog::default());
}

#[test]
fn shares_follow_weights() {
    let (queue, taker) = Queue::new(small());
    let heavy = Client::new(1).weighing(3);
    assert_eq!(flood(&queue, heavy), (12, Whose::Client));
    assert_eq!(flood(&queue, Client::new(2)), (3, Whose::Client));
    drop(taker);

    let (queue, taker) = Queue::new(Bounds { turn: 2, ..small() });
    for n in 0..12 {
        queue.push(heavy, smallvec![piece(1, n, 1, 1)]).unwrap();
    }
    for n in 0..3 {
        queue.push(Client::new(2), smallvec![piece(2, n, 1, 1)]).unwrap();
    }
    let whose: Vec<u64> = take(&taker, 100).iter().map(|(client, _)| *client).collect();
    assert_eq!(whose, [1, 1, 1, 1, 1, 1, 2, 2, 1, 1, 1, 1, 1, 1, 2]);
}

/// Each of the three measures is a bound of its own.
#[test]
fn every_measure_counts() {
    let check = |events: usize, bytes: usize, taken: usize| {
        let (queue, _taker) = Queue::new(small());
        let count = (0..100)
            .take_while(|n| queue.push(Client::new(1), smallvec![piece(1, *n, events, bytes)]).is_ok());
        assert_eq!(count.count(), taken, "pieces of {events} events and {bytes} bytes");
    };
    check(1, 1, 8);
    check(0, 0, 8);
    check(8, 1, 4);
    check(1, 100, 5);
    // More than a share, where nothing else waits; more than there is.
    check(100, 1, 1);
    check(129, 1, 0);
    check(1, 2001, 0);
}

#[test]
fn a_batch_gets_no_more_than_single_events() {
    let (queue, taker) = Queue::new(small());
    for n in 0..8 {
        queue.push(Client::new(1), smallvec![piece(1, n, 1, 1)]).unwrap();
    }
    for n in 0..3 {
        queue.push(Client::new(2), smallvec![piece(2, n, 6, 1)]).unwrap();
    }
    queue.push(Client::new(3), smallvec![piece(3, 0, 1, 1)]).unwrap();
    // Eight events for the first, two pieces of six for the second, which owes four; then it goes on.
    let whose: Vec<u64> = take(&taker, 100).iter().map(|(client, _)| *client).collect();
    assert_eq!(whose, [1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 2]);
}

#[test]
fn a_turn_that_a_batch_ends_in_the_middle_of_goes_on() {
    let (queue, taker) = Queue::new(small());
    flood(&queue, Client::new(1));
    flood(&queue, Client::new(2));
    let mut all = Vec::new();
    while queue.backlog().pieces > 0 {
        let some = take(&taker, 3);
        assert!(some.len() <= 3);
        all.extend(some.into_iter().map(|(client, _)| client));
    }
    let ones = all.iter().take_while(|c| **c == 1).count();
    assert_eq!(ones, 8, "{all:?}");
}

#[test]
fn what_the_program_asks_goes_first_and_is_bounded() {
    let (queue, taker) = Queue::new(small());
    flood(&queue, Client::new(1));
    for n in 0..3 {
        queue.control((0, n)).unwrap();
    }
    assert!(matches!(queue.control((0, 3)), Err(Refused::Busy(Whose::Server, _))));
    assert_eq!(take(&taker, 1), [(0, 0), (0, 1), (0, 2), (1, 0)]);
    queue.control((0, 4)).unwrap();
    assert_eq!(take(&taker, 1), [(0, 4), (1, 1)]);
}

#[test]
fn who_asks_without_end_holds_up_no_events() {
    let (queue, taker) = Queue::new(Bounds { questions: 100, ..small() });
    let asked = (0..).take_while(|n| queue.question(Client::new(1), (1, *n)).is_ok()).count();
    assert_eq!(asked, 50, "half of the open part");
    assert!(matches!(queue.question(Client::new(1), (1, 50)), Err(Refused::Busy(Whose::Client, _))));
    for n in 100..104 {
        queue.push(Client::new(2), smallvec![piece(2, n, 1, 1)]).unwrap();
    }
    // What the program asks of itself, no more than the quota, then events.
    queue.control((0, 0)).unwrap();
    assert_eq!(take(&taker, 3), [(0, 0), (1, 0), (1, 1), (2, 100), (2, 101), (2, 102)]);
    // Others that ask come soon, and get an answer each time.
    queue.question(Client::new(3), (3, 0)).unwrap();
    queue.question(Client::new(3), (3, 1)).unwrap();
    assert_eq!(take(&taker, 3), [(1, 2), (3, 0), (2, 103)]);
    assert_eq!(take(&taker, 3), [(1, 3), (3, 1)]);
    assert_eq!(take(&taker, 3), [(1, 4), (1, 5)]);
}

#[test]
fn questions_are_bounded_and_shared_and_end_before_the_last() {
    let (queue, taker) = Queue::new(small());
    let ask = |id: u64| {
        let refused = (0..).find_map(|n| queue.question(Client::new(id), (id, n)).err().map(|e| (n, e)));
        match refused.unwrap() {
            (n, Refused::Busy(whose, secs)) => {
                assert!((1..=30).contains(&secs));
                (n, whose)
            }
            (_, Refused::Closed) => panic!("it is open"),
        }
    };
    assert_eq!(ask(1), (3, Whose::Client));
    assert_eq!(ask(2), (2, Whose::Client));
    // Nothing is free by now, and still there is one for each who comes, up to twice the open part.
    let later: Vec<_> = (3..=10).map(ask).collect();
    assert_eq!(later.iter().map(|(n, _)| n).sum::<usize>(), 7, "{later:?}");
    assert_eq!(later.last(), Some(&(0, Whose::Server)));
    queue.close(Some((9, 9))).unwrap();
    assert_eq!(queue.question(Client::new(1), (1, 7)), Err(Refused::Closed));
    let mut all = Vec::new();
    while all.last() != Some(&(9, 9)) {
        let some = take(&taker, 10);
        assert!(some.len() <= 2);
        all.extend(some);
    }
    assert_eq!(all.len(), 13);
    assert_eq!(all[..4], [(1, 0), (2, 0), (3, 0), (4, 0)], "in turns");
    assert!(!taker.take(1, &mut Vec::new()));
}

#[test]
fn closing_takes_nothing_more_and_finishes_what_waits() {
    let (queue, taker) = Queue::new(small());
    queue.push(Client::new(1), smallvec![piece(1, 0, 1, 1), piece(1, 1, 1, 1)]).unwrap();
    queue.close(Some((9, 9))).unwrap();
    assert_eq!(queue.push(Client::new(1), smallvec![piece(1, 2, 1, 1)]), Err(Refused::Closed));
    assert_eq!(queue.control((0, 0)), Err(Refused::Closed));
    assert_eq!(queue.close(None), Err(Refused::Closed));
    assert_eq!(take(&taker, 1), [(1, 0)]);
    assert_eq!(take(&taker, 1), [(1, 1)]);
    assert_eq!(take(&taker, 1), [(9, 9)]);
    assert!(!taker.take(1, &mut Vec::new()));
}

#[test]
fn who_waits_gets_the_place_that_comes_free_in_order() {
    let (queue, taker) = Queue::new(small());
    flood(&queue, Client::new(1));
    let wait = |n| Box::pin(queue.push_waiting(Client::new(1), smallvec![piece(1, n, 1, 1)]));
    let mut waiting: Vec<_> = (100..104).map(wait).collect();
    assert!(waiting.iter_mut().all(|w| poll(w.as_mut()).is_pending()));
    assert_eq!(queue.backlog().outside, 4);
    // Another client's stream finds room at once.
    let other = &mut Box::pin(queue.push_waiting(Client::new(2), smallvec![piece(2, 0, 1, 1)]));
    assert_eq!(poll(other.as_mut()), Poll::Ready(Ok(())));
    // One goes away; its place is not lost.
    drop(waiting.remove(1));
    assert_eq!(take(&taker, 100).len(), 9);
    for wait in &mut waiting {
        assert_eq!(poll(wait.as_mut()), Poll::Ready(Ok(())));
    }
    assert_eq!(take(&taker, 100), [(1, 100), (1, 102), (1, 103)]);
    assert_eq!(queue.backlog(), Backlog::default());
}

#[test]
fn who_waits_leaves_half_of_the_share_to_single_requests() {
    let (queue, _taker) = Queue::new(small());
    let mut streams: Vec<_> =
        (0..8).map(|n| Box::pin(queue.push_waiting(Client::new(1), smallvec![piece(1, n, 1, 1)]))).collect();
    let taken = streams.iter_mut().map(|s| poll(s.as_mut())).filter(Poll::is_ready).count();
    assert_eq!(taken, 5);
    assert_eq!(flood(&queue, Client::new(1)).0, 3);
}

#[test]
fn a_place_that_nobody_fills_goes_to_the_next() {
    let (queue, taker) = Queue::new(small());
    flood(&queue, Client::new(1));
    let wait = |n| Box::pin(queue.push_waiting(Client::new(1), smallvec![piece(1, n, 32, 1)]));
    let mut waiting: Vec<_> = (0..3).map(wait).collect();
    assert!(waiting.iter_mut().all(|w| poll(w.as_mut()).is_pending()));
    take(&taker, 100);
    // The first has its place and does not know it yet: it is too large for another beside it.
    assert_eq!(queue.backlog().events, 32);
    drop(waiting.remove(0));
    assert_eq!(queue.backlog().events, 32);
    assert_eq!(poll(waiting[0].as_mut()), Poll::Ready(Ok(())));
    assert_eq!(take(&taker, 100), [(1, 1)]);
}

#[test]
fn they_cannot_wait_without_bound() {
    let (queue, taker) = Queue::new(small());
    flood(&queue, Client::new(1));
    let wait = |n| Box::pin(queue.push_waiting(Client::new(1), smallvec![piece(1, n, 1, 1)]));
    let mut waiting: Vec<_> = (0..8).map(wait).collect();
    assert!(waiting.iter_mut().all(|w| poll(w.as_mut()).is_pending()));
    let refused = poll(wait(8).as_mut());
    assert!(matches!(refused, Poll::Ready(Err(Refused::Busy(Whose::Server, _)))), "{refused:?}");
    // Their bytes are bounded too.
    drop(waiting.split_off(1));
    let large = |n| Box::pin(queue.push_waiting(Client::new(1), smallvec![piece(1, n, 1, 600)]));
    let mut large = [large(20), large(21)];
    assert!(poll(large[0].as_mut()).is_pending());
    assert!(poll(large[1].as_mut()).is_ready());
    drop(large);
    waiting.push(wait(10));
    assert!(poll(waiting[1].as_mut()).is_pending());
    // Those who went away make room.
    waiting.truncate(2);
    let mut more = wait(9);
    assert!(poll(more.as_mut()).is_pending());
    assert_eq!(queue.backlog().outside, 3);
    // When there is no sequencer any more, everybody hears of it.
    drop(taker);
    waiting.push(more);
    assert!(waiting.iter_mut().all(|w| poll(w.as_mut()) == Poll::Ready(Err(Refused::Closed))));
    assert_eq!(queue.push(Client::new(7), smallvec![piece(7, 0, 1, 1)]), Err(Refused::Closed));
    assert_eq!(queue.backlog(), Backlog::default());
}

#[test]
fn lines_of_clients_who_left_are_not_kept_for_ever() {
    let (queue, taker) = Queue::new(small());
    for id in 0..1000 {
        queue.push(Client::new(id), smallvec![piece(id, 0, 1, 1)]).unwrap();
        take(&taker, 1);
    }
    assert!(queue.lock().lines.len() <= 3);
}

#[test]
fn the_sequencer_sleeps_until_there_is_work() {
    let (queue, taker) = Queue::new(small());
    let thread = std::thread::spawn(move || {
        let mut all = Vec::new();
        let mut out = Vec::new();
        while taker.take(10, &mut out) {
            all.extend(out.drain(..).map(|(_, work)| work));
        }
        all
    });
    for n in 0..100 {
        while queue.push(Client::new(1), smallvec![piece(1, n, 1, 1)]).is_err() {
            std::thread::yield_now();
        }
    }
    queue.close(None).unwrap();
    assert_eq!(thread.join().unwrap(), (0..100).map(|n| (1, n)).collect::<Vec<_>>());
}

/// What befalls a queue.
#[derive(Clone, Debug)]
enum Step {
    Push {
        client: u64,
        sizes: Vec<(usize, usize)>,
    },
    Wait {
        client: u64,
        sizes: Vec<(usize, usize)>,
    },
    /// Polls all that wait.
    Poll,
    /// One that waits goes away.
    Leave(usize),
    Take(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let client = 1..6u64;
    let sizes = prop::collection::vec((0..9usize, 0..120usize), 1..4);
    prop_oneof![
        4 => (client.clone(), sizes.clone()).prop_map(|(client, sizes)| Step::Push { client, sizes }),
        3 => (client, sizes).prop_map(|(client, sizes)| Step::Wait { client, sizes }),
        3 => Just(Step::Poll),
        1 => (0..8usize).prop_map(Step::Leave),
        3 => (1..40usize).prop_map(Step::Take),
    ]
}

/// A client of a weight that follows from its number.
fn client(id: u64) -> Client {
    Client::new(id).weighing(u8::try_from(id % 3 + 1).unwrap())
}

type Waiting<'a> = (Vec<Work>, Pin<Box<dyn Future<Output = Result<(), Refused>> + 'a>>);

/// A queue with the book kept beside it.
struct Book<'a> {
    queue: &'a Arc<Queue<Work>>,
    /// What each client has in its line, in order.
    lines: BTreeMap<u64, Vec<Work>>,
    waiting: Vec<Waiting<'a>>,
    next: usize,
    /// Events served to others since a client's line was served last, while it had work.
    passed: BTreeMap<u64, usize>,
}

impl<'a> Book<'a> {
    fn work(&mut self, client: u64, sizes: &[(usize, usize)]) -> Pieces<Work> {
        let mut made = Pieces::new();
        for (events, bytes) in sizes {
            made.push(piece(client, self.next, *events, *bytes));
            self.next += 1;
        }
        made
    }

    fn entered(&mut self, works: Vec<Work>) {
        let Some((client, _)) = works.first() else { return };
        self.lines.entry(*client).or_default().extend(works);
    }

    fn poll(&mut self) {
        let mut at = 0;
        while at < self.waiting.len() {
            match poll(self.waiting[at].1.as_mut()) {
                Poll::Pending => at += 1,
                Poll::Ready(result) => {
                    assert_eq!(result, Ok(()), "it is open, and none is larger than the queue");
                    let (works, _) = self.waiting.remove(at);
                    self.entered(works);
                }
            }
        }
    }

    fn apply(&mut self, step: Step, taker: &Taker<Work>) {
        match step {
            Step::Push { client: id, sizes } => {
                let work = self.work(id, &sizes);
                let numbers = work.iter().map(|(_, w)| *w).collect();
                let before = self.queue.backlog();
                match self.queue.push(client(id), work) {
                    Ok(()) => self.entered(numbers),
                    Err(_) => assert_eq!(self.queue.backlog(), before, "all or none"),
                }
            }
            Step::Wait { client: id, sizes } => {
                let work = self.work(id, &sizes);
                let numbers: Vec<Work> = work.iter().map(|(_, w)| *w).collect();
                let mut future = Box::pin(self.queue.push_waiting(client(id), work));
                match poll(future.as_mut()) {
                    Poll::Pending => self.waiting.push((numbers, future)),
                    Poll::Ready(Ok(())) => self.entered(numbers),
                    Poll::Ready(Err(refused)) => assert!(matches!(refused, Refused::Busy(..))),
                }
            }
            Step::Poll => self.poll(),
            Step::Leave(n) => {
                if n < self.waiting.len() {
                    drop(self.waiting.remove(n));
                }
            }
            Step::Take(most) => {
                if self.lines.values().any(|l| !l.is_empty()) {
                    self.took(take(taker, most));
                }
            }
        }
        self.check();
    }

    fn took(&mut self, works: Vec<Work>) {
        let mut before = 0;
        for (id, number) in works {
            let line = self.lines.entry(id).or_default();
            assert_eq!(line.remove(0), (id, number), "in order, and none twice");
            let heads: Vec<u64> =
                self.lines.iter().filter(|(_, l)| !l.is_empty()).map(|(id, _)| *id).collect();
            if before != id {
                // A turn begins.
                self.passed.insert(id, 0);
                for other in heads.iter().filter(|other| **other != id) {
                    *self.passed.entry(*other).or_default() += 1;
                }
            }
            if self.lines[&id].is_empty() {
                self.passed.remove(&id);
            }
            before = id;
        }
        for (id, turns) in &self.passed {
            // A batch may end in the middle of a turn, which then seems to be two.
            assert!(*turns <= 2 * 5, "client {id} was passed over {turns} times");
        }
    }

    fn check(&self) {
        let state = self.queue.lock();
        assert!(state.held.fits(state.bounds.all), "{:?}", state.held);
        let sum = state.lines.values().fold(Load::default(), |sum, line| sum + line.held);
        assert_eq!(sum, state.held);
        let waiting = state.lines.values().flat_map(|l| &l.outside);
        let waiting = waiting.fold(Load::default(), |sum, l| sum + Load { pieces: 1, ..l.load });
        assert_eq!(waiting, state.outside);
        assert!(state.outside.pieces <= self.waiting.len(), "who went away is forgotten");
        assert!(state.outside.fits(state.bounds.outside));
        let longing = state.lines.values().filter(|l| l.longing).count();
        assert_eq!(longing, state.longing.len());
        assert!(state.lines.values().all(|l| l.longing || l.outside.is_empty()));
        let weights: usize = state.lines.values().filter(|l| !l.pieces.is_empty()).map(|l| l.weight).sum();
        assert_eq!(weights, state.weights);
        for (id, line) in &self.lines {
            assert_eq!(line.len(), state.lines.get(id).map_or(0, |l| l.pieces.len()), "client {id}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Nothing is lost, doubled or turned round; no bound is passed; no line with work is passed over for ever; and
    /// whoever waits gets its place once the sequencer goes on.
    #[test]
    fn whatever_befalls_it(steps in prop::collection::vec(step(), 1..120)) {
        let (queue, taker) = Queue::new(small());
        let mut book = Book {
            queue: &queue,
            lines: BTreeMap::new(),
            waiting: Vec::new(),
            next: 0,
            passed: BTreeMap::new(),
        };
        for step in steps {
            book.apply(step, &taker);
        }
        for _ in 0..200 {
            book.apply(Step::Poll, &taker);
            book.apply(Step::Take(10), &taker);
        }
        prop_assert!(book.waiting.is_empty(), "{} wait for ever", book.waiting.len());
        prop_assert!(book.lines.values().all(Vec::is_empty));
        prop_assert_eq!(queue.backlog(), Backlog::default());
    }

    /// Of clients that always have work, each gets its weight of the events, to within two turns.
    #[test]
    fn events_are_shared_by_weight(
        sizes in prop::collection::vec(1..9usize, 3),
        weights in prop::collection::vec(1..4u8, 3),
        batches in prop::collection::vec(1..60usize, 1..60),
    ) {
        let open = Load { pieces: 1024, events: 4096, bytes: 4096 };
        let (queue, taker) = Queue::new(Bounds { open, all: open.each(|n| 2 * n), ..small() });
        let mut served = [0usize; 3];
        let fill = || {
            for (id, (size, weight)) in (0..).zip(sizes.iter().zip(&weights)) {
                let whose = Client::new(id).weighing(*weight);
                while queue.push(whose, smallvec![piece(id, *size, *size, 1)]).is_ok() {}
            }
        };
        fill();
        for most in batches {
            for (id, events) in take(&taker, most) {
                served[usize::try_from(id).unwrap()] += events;
            }
            fill();
            for (a, b) in [(0, 1), (1, 2), (0, 2)] {
                let share = |n: usize| served[n] as f64 / f64::from(weights[n]);
                prop_assert!((share(a) - share(b)).abs() <= 3.0 * 8.0, "{served:?} for {weights:?}");
            }
        }
    }
}
