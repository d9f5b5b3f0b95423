// SPDX-License-Identifier: Apache-2.0
//! The books on a clock and a journal of their own.

use super::*;
use proptest::prelude::*;

const SEC: i64 = 1_000_000;

fn to(channel: Channel, name: &str) -> Destination {
    Destination { channel, name: name.into() }
}

fn hook(name: &str) -> Destination {
    to(Channel::Webhook, name)
}

fn id(decision: u64, index: u32) -> EffectId {
    EffectId { decision, index }
}

fn ledger(places: usize) -> Ledger {
    let mut ledger = Ledger::new(Checkpoint { installation: 7, ..Checkpoint::default() }, true, places);
    ledger.configure([hook("a"), hook("b")].into());
    ledger
}

fn failed() -> Attempt {
    Attempt::Failed { why: "no answer".to_owned(), wait: None }
}

/// What was concluded, in order.
fn concluded(ledger: &mut Ledger) -> Vec<(EffectId, Happened)> {
    ledger.unwritten().into_iter().map(|record| (record.id, record.happened)).collect()
}

/// Lets time go on to when something is due, and gives what it is.
fn next(ledger: &mut Ledger, now: &mut Micros) -> Vec<EffectId> {
    *now = ledger.next_due().unwrap().max(*now);
    ledger.due(*now)
}

#[test]
fn an_effect_is_tried_until_it_arrives_and_no_more() {
    let mut ledger = ledger(10);
    let mut now = Micros(0);
    ledger.take(3, vec![(1, hook("a"))], now);
    for n in 1..=3 {
        assert_eq!(next(&mut ledger, &mut now), [id(3, 1)]);
        assert_eq!(ledger.attempt(id(3, 1)), Some((hook("a"), n)));
        assert_eq!(ledger.due(now), [], "not while it is being sent");
        ledger.report(id(3, 1), failed(), now);
        assert_eq!(ledger.due(now), [], "not before it is due");
    }
    assert_eq!(next(&mut ledger, &mut now), [id(3, 1)]);
    ledger.report(id(3, 1), Attempt::Delivered, now);
    ledger.report(id(3, 1), Attempt::Delivered, now);
    assert_eq!(concluded(&mut ledger), [(id(3, 1), Happened::Delivered)]);
    assert_eq!((ledger.next_due(), ledger.unfinished().count()), (None, 0));
    // Three waits of 5, 15 and 45 seconds, each spread by a quarter.
    assert!((48 * SEC..=82 * SEC).contains(&now.0), "{now}");
    assert_eq!(ledger.tally(Channel::Webhook), Tally { delivered: 1, failed: 3, dead: 0, opened: 0 });
}

#[test]
fn a_clock_that_is_set_back_holds_nothing_up() {
    let mut ledger = ledger(10);
    let ahead = Micros(3 * 365 * 86_400 * SEC);
    ledger.take(3, vec![(1, hook("a")), (2, hook("a"))], ahead);
    assert_eq!(ledger.due(ahead), [id(3, 1), id(3, 2)]);
    for index in [1, 2] {
        let wait = Some(Span::from_secs(7 * 3600));
        ledger.report(id(3, index), Attempt::Failed { why: "no answer".to_owned(), wait }, ahead);
    }
    assert_eq!(ledger.due(ahead.plus(Span::from_secs(3600))), [], "it waits");
    assert_eq!(ledger.due(Micros(0)), [id(3, 1), id(3, 2)], "it is not three years that it waits");
    ledger.report(id(3, 1), Attempt::Delivered, Micros(0));
    assert_eq!(concluded(&mut ledger), [(id(3, 1), Happened::Delivered)]);
}

#[test]
fn after_all_attempts_it_is_a_dead_letter_until_somebody_asks() {
    let mut ledger = ledger(10);
    let mut now = Micros(0);
    ledger.take(3, vec![(0, hook("a"))], now);
    for _ in 0..limits::OUTBOX_ATTEMPTS {
        assert_eq!(next(&mut ledger, &mut now), [id(3, 0)]);
        ledger.report(id(3, 0), failed(), now);
    }
    assert_eq!(ledger.next_due(), None);
    let why: Box<str> = "12 attempts; the last: no answer".into();
    assert_eq!(concluded(&mut ledger), [(id(3, 0), Happened::Dead(why.clone()))]);
    assert!((86_400 * SEC..3 * 86_400 * SEC).contains(&now.0), "about two days: {now}");
    let letter = ledger.dead().next().unwrap();
    assert_eq!((letter.id, letter.attempts, &letter.why), (id(3, 0), limits::OUTBOX_ATTEMPTS, &why));

    ledger.ask(id(3, 0), hook("a"), now).unwrap();
    assert_eq!((ledger.dead().len(), ledger.attempt(id(3, 0))), (0, Some((hook("a"), 1))));
    assert_eq!(next(&mut ledger, &mut now), [id(3, 0)], "the pause of its destination is over");
    ledger.report(id(3, 0), Attempt::Refused { why: "gone".to_owned() }, now);
    assert_eq!(
        concluded(&mut ledger),
        [(id(3, 0), Happened::Asked), (id(3, 0), Happened::Dead("gone".into()))]
    );
}

#[test]
fn what_may_be_asked_for() {
    let mut ledger = ledger(2);
    ledger.take(3, vec![(0, hook("a")), (1, hook("b"))], Micros(0));
    let mut check = |id, to: Destination, expect: Result<(), RetryError>| {
        assert_eq!(ledger.ask(id, to, Micros(9)), expect);
    };
    check(id(3, 0), hook("a"), Ok(()));
    check(id(4, 0), hook("a"), Err(RetryError::NotYet));
    check(id(3, 0), hook("c"), Err(RetryError::NotConfigured(hook("c"))));
    check(id(2, 0), hook("a"), Err(RetryError::Busy));
    assert!(concluded(&mut ledger).is_empty(), "what is on its way needs no record to be tried sooner");
    assert_eq!(ledger.due(Micros(8)), [id(3, 1)], "one was put off to when somebody asked");
    assert_eq!(ledger.due(Micros(9)), [id(3, 0)]);
    ledger.ask(id(3, 0), hook("a"), Micros(10)).unwrap();
    assert_eq!(ledger.due(Micros(10)), [], "what is being sent is not sent twice");
}

#[test]
fn what_has_nowhere_to_go_is_dead_at_once_and_a_case_is_open() {
    let mut ledger = ledger(10);
    let found = vec![(0, to(Channel::Case, "q")), (1, hook("aa")), (2, to(Channel::Notify, "a"))];
    ledger.take(3, found, Micros(1));
    let expect = [
        (id(3, 0), Happened::Opened),
        (id(3, 1), Happened::Dead("webhook `aa` is not configured; did the rule mean `a`?".into())),
        (id(3, 2), Happened::Dead("notify `a` is not configured".into())),
    ];
    assert_eq!(concluded(&mut ledger), expect);
    assert_eq!(ledger.cases().map(|case| case.id).collect::<Vec<_>>(), [id(3, 0)]);
    // So is what waits for a destination that is taken away.
    ledger.take(4, vec![(0, hook("a"))], Micros(1));
    ledger.configure([hook("another")].into());
    assert_eq!(ledger.due(Micros(1)), []);
    assert_eq!(concluded(&mut ledger), [(id(4, 0), Happened::Dead("webhook `a` is not configured".into()))]);
}

#[test]
fn a_destination_that_fails_is_left_alone_and_holds_no_other() {
    let mut ledger = ledger(100);
    for decision in 1..=20 {
        ledger.take(decision, vec![(0, hook("a")), (1, hook("b"))], Micros(0));
    }
    let (mut now, mut sent) = (Micros(0), [0, 0]);
    for _ in 0..4 {
        for id in ledger.due(now) {
            sent[id.index as usize] += 1;
            ledger.report(id, if id.index == 0 { failed() } else { Attempt::Delivered }, now);
        }
        now = now.plus(Span(1));
    }
    // Two rounds of four: after five failures in a row it has a pause.
    assert_eq!(sent, [8, 16]);
    assert_eq!(ledger.paused(now), 1);
    now = now.plus(Span::from_secs(120));
    let probe: Vec<u32> = ledger.due(now).into_iter().map(|id| id.index).collect();
    assert_eq!(probe.iter().filter(|index| **index == 0).count(), 1, "then one at a time");
}

#[test]
fn a_destination_may_ask_for_a_wait_within_bounds() {
    let check = |asked: Span, expect: Span| {
        let mut ledger = ledger(10);
        ledger.take(1, vec![(0, hook("a"))], Micros(0));
        assert_eq!(ledger.due(Micros(0)).len(), 1);
        ledger.report(id(1, 0), Attempt::Failed { why: "later".to_owned(), wait: Some(asked) }, Micros(0));
        ledger.take(2, vec![(0, hook("a"))], Micros(0));
        assert_eq!(ledger.due(Micros(expect.0 - 1)), [], "for all that goes there");
        assert_eq!(ledger.due(Micros(expect.0)).len(), 2);
    };
    check(Span::from_secs(100), Span::from_secs(100));
    check(Span(i64::MAX), limits::OUTBOX_LONGEST_WAIT);
}

#[test]
fn what_is_on_its_way_for_too_long_is_given_up() {
    let mut ledger = ledger(10);
    ledger.take(1, vec![(0, hook("a"))], Micros(0));
    let late = Micros(0).plus(limits::OUTBOX_GIVE_UP).plus(Span(1));
    assert_eq!(ledger.due(late), []);
    assert_eq!(concluded(&mut ledger), [(id(1, 0), Happened::Dead("not delivered within 7 days".into()))]);
}

#[test]
fn what_cannot_be_written_down_is_the_next_again_and_stops_the_rest() {
    let mut ledger = ledger(10);
    let cases = limits::OUTBOX_UNWRITTEN as u64;
    for decision in 1..=cases {
        assert!(!ledger.is_crowded());
        ledger.take(decision, vec![(0, to(Channel::Case, "q"))], Micros(0));
    }
    assert!(ledger.is_crowded(), "no more is taken up or sent");
    let first = ledger.unwritten();
    assert_eq!(first.len(), limits::OUTBOX_NOTE);
    ledger.give_back(first.clone());
    assert_eq!(ledger.unwritten(), first);
    assert!(!ledger.is_crowded() && !ledger.is_written());
}

#[test]
fn reasons_are_cut_between_characters() {
    let long = cut("é".repeat(limits::OUTBOX_WHY_BYTES));
    assert!(long.len() <= limits::OUTBOX_WHY_BYTES && long.ends_with("é…"), "{long}");
    assert_eq!(&*cut("short".to_owned()), "short");
}

#[test]
fn what_is_still_needed_is_not_let_go() {
    let mut ledger = ledger(10);
    assert_eq!(ledger.needs(), u64::MAX);
    ledger.take(5, vec![(0, hook("a"))], Micros(0));
    ledger.take(9, Vec::new(), Micros(0));
    ledger.begin_checkpoint();
    ledger.end_checkpoint(Some(8));
    assert_eq!(ledger.needs(), 5, "an effect on its way needs its decision");
    ledger.due(Micros(0));
    ledger.report(id(5, 0), Attempt::Delivered, Micros(0));
    assert_eq!(ledger.needs(), 5, "what is not on record yet is sent again after a crash");
    let records = ledger.unwritten();
    assert_eq!(ledger.needs(), 5);
    ledger.give_back(records);
    assert_eq!(ledger.needs(), 5);
    ledger.unwritten();
    ledger.written();
    assert_eq!(ledger.needs(), 9, "what a restart reads on top of the last checkpoint");
    ledger.begin_checkpoint();
    assert_eq!(ledger.needs(), 9);
    ledger.end_checkpoint(None);
    assert_eq!(ledger.needs(), 9, "it was not written");
    ledger.begin_checkpoint();
    ledger.end_checkpoint(Some(20));
    assert_eq!(ledger.needs(), u64::MAX, "the checkpoint says it all");
    // After a restart that read an outcome behind the checkpoint.
    let record = EffectRecord {
        id: id(9, 0),
        destination: hook("a"),
        at: Micros(0),
        attempts: 1,
        happened: Happened::Delivered,
    };
    ledger.fold(&record);
    assert_eq!(ledger.needs(), 10);
}

/// What may happen to an outbox.
#[derive(Clone, Debug)]
enum Step {
    /// A decision, with effects by destination.
    Decision(Vec<usize>),
    /// It looks at so many decisions.
    Look(usize),
    /// Due ones are sent; these arrive, these fail, these are refused, and the others are not answered before the crash.
    Send(u64),
    /// What happened is written down, and where it stands.
    Write { checkpoint: bool },
    /// Some time goes by, in seconds.
    Wait(i64),
    /// The program dies and starts again.
    Crash,
    /// Somebody asks for a dead letter.
    Ask,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec(0usize..5, 0..4).prop_map(Step::Decision),
        4 => (1usize..6).prop_map(Step::Look),
        4 => any::<u64>().prop_map(Step::Send),
        3 => any::<bool>().prop_map(|checkpoint| Step::Write { checkpoint }),
        2 => (1i64..4000).prop_map(Step::Wait),
        2 => Just(Step::Crash),
        1 => Just(Step::Ask),
    ]
}

/// A journal, the books over it, and what the destinations got.
struct World {
    ledger: Ledger,
    now: Micros,
    decisions: Vec<(u64, Vec<(u32, Destination)>)>,
    /// Number of the newest record.
    seq: u64,
    outcomes: Vec<(u64, EffectRecord)>,
    checkpoint: Checkpoint,
    got: BTreeMap<EffectId, usize>,
}

impl World {
    fn new() -> World {
        World {
            ledger: ledger(4),
            now: Micros(0),
            decisions: Vec::new(),
            seq: 0,
            outcomes: Vec::new(),
            checkpoint: Checkpoint { installation: 7, ..Checkpoint::default() },
            got: BTreeMap::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Decision(effects) => {
                let places = [hook("a"), hook("b"), to(Channel::Case, "q"), hook("c"), hook("a")];
                self.seq += 1;
                let effects = (0u32..).zip(effects.iter().map(|n| places[*n].clone())).collect();
                self.decisions.push((self.seq, effects));
            }
            Step::Look(most) => self.look(*most),
            Step::Send(luck) => {
                for (n, id) in self.ledger.due(self.now).into_iter().enumerate() {
                    *self.got.entry(id).or_default() += 1;
                    match (luck >> (2 * (n % 32))) & 3 {
                        0 => self.ledger.report(id, failed(), self.now),
                        1 => self.ledger.report(id, Attempt::Refused { why: "no".into() }, self.now),
                        2 => self.ledger.report(id, Attempt::Delivered, self.now),
                        // Its answer never comes: the place stays taken until the crash.
                        _ => {}
                    }
                }
            }
            Step::Write { checkpoint } => self.write(*checkpoint),
            Step::Wait(secs) => self.now = self.now.plus(Span::from_secs(*secs)),
            Step::Crash => self.crash(),
            Step::Ask => {
                let dead = self.ledger.dead().next().cloned();
                if let Some(letter) = dead {
                    let _ = self.ledger.ask(letter.id, letter.destination, self.now);
                }
            }
        }
    }

    fn look(&mut self, most: usize) {
        let ahead = self.decisions.iter().filter(|(seq, _)| *seq > self.ledger.through).take(most);
        for (seq, effects) in ahead.cloned().collect::<Vec<_>>() {
            self.ledger.take(seq, effects, self.now);
        }
        let Some((to, behind)) = self.ledger.lagging() else { return };
        let through = self.ledger.through;
        for (seq, effects) in self.decisions.iter().filter(|(seq, _)| *seq > behind && *seq <= through) {
            let places: Vec<u32> = effects.iter().filter(|(_, d)| *d == to).map(|(n, _)| *n).collect();
            if !places.is_empty() && !self.ledger.catch_up(&to, *seq, &places, self.now) {
                return;
            }
        }
        self.ledger.caught_up(&to, through);
    }

    fn write(&mut self, checkpoint: bool) {
        while !self.ledger.is_written() {
            for record in self.ledger.unwritten() {
                self.seq += 1;
                self.outcomes.push((self.seq, record));
            }
        }
        if checkpoint {
            let mut bytes = self.ledger.begin_checkpoint().encode();
            Checkpoint::stamp(&mut bytes, self.seq);
            self.ledger.end_checkpoint(Some(self.seq));
            self.checkpoint = Checkpoint::decode(&bytes).unwrap();
            self.seq += 1;
        }
    }

    fn crash(&mut self) {
        self.ledger = Ledger::new(self.checkpoint.clone(), true, 4);
        let as_of = self.checkpoint.as_of;
        self.outcomes.iter().filter(|(seq, _)| *seq > as_of).for_each(|(_, record)| self.ledger.fold(record));
        self.ledger.configure([hook("a"), hook("b")].into());
    }

    /// Everything arrives from now on, until nothing is left to do.
    fn settle(&mut self) {
        self.crash();
        for _ in 0..10_000 {
            self.look(10);
            self.now = self.ledger.next_due().map_or(self.now, |due| due.max(self.now));
            for id in self.ledger.due(self.now) {
                *self.got.entry(id).or_default() += 1;
                self.ledger.report(id, Attempt::Delivered, self.now);
            }
            self.write(false);
            let all = self.decisions.last().map_or(0, |(seq, _)| *seq);
            if self.ledger.next_due().is_none() && self.ledger.behind() == 0 && self.ledger.through >= all {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// Each effect has come to one end on record, after each time that it was begun, and what was delivered was got.
    fn check(&self) -> Result<(), TestCaseError> {
        let mut open: BTreeMap<EffectId, &Destination> = BTreeMap::new();
        for (seq, effects) in &self.decisions {
            open.extend(effects.iter().map(|(n, to)| (id(*seq, *n), to)));
        }
        let all = open.clone();
        for (seq, record) in &self.outcomes {
            prop_assert_eq!(all.get(&record.id), Some(&&record.destination));
            match record.happened {
                Happened::Asked => {
                    prop_assert!(open.insert(record.id, &record.destination).is_none(), "asked: {}", seq);
                }
                _ => prop_assert!(open.remove(&record.id).is_some(), "ended twice: {} {:?}", seq, record),
            }
            if record.happened == Happened::Delivered {
                prop_assert!(self.got.contains_key(&record.id));
            }
        }
        prop_assert!(open.is_empty(), "lost: {:?}", open);
        Ok(())
    }
}

proptest! {
    #[test]
    fn whatever_happens_each_effect_comes_to_one_end_on_record(steps in prop::collection::vec(any_step(), 0..80)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
            let kept = world.ledger.checkpoint();
            let again = Ledger::new(kept.clone(), true, 4);
            prop_assert_eq!(again.checkpoint(), kept, "what is kept is all there is");
        }
        world.settle();
        world.check()?;
    }
}
