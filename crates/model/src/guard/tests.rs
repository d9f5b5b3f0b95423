// SPDX-License-Identifier: Apache-2.0
//! Lies in number: what they move, and what the guard costs honest people.

use super::*;
use crate::ensemble::Ensemble;
use crate::example::{Example, Layout, View, Writer};
use crate::number::Draws;
use crate::train::{Labelled, Options, train};

const LAYOUT: Layout = &[View { name: "words", words: "words", bits: 14 }];
/// Cohorts that honest users fall into.
const COHORTS: usize = 200;

/// What is written about: words of its own, and words that all have.
fn mail(draws: &mut Draws, topic: u64) -> Example {
    let mut writer = Writer::new(1);
    for _ in 0..40 {
        writer.token(0, "word", format!("{topic} {}", draws.below(45)).as_bytes());
        writer.token(0, "word", format!("all {}", draws.below(400)).as_bytes());
    }
    writer.finish().0
}

/// Topics from 100 are campaigns of spam, below they are honest.
fn topic(draws: &mut Draws) -> (u64, bool) {
    let abuse = draws.below(3) == 0;
    (draws.below(20) as u64 + if abuse { 100 } else { 0 }, abuse)
}

fn model(draws: &mut Draws) -> Ensemble {
    let one = |at| {
        let (topic, abuse) = topic(draws);
        Labelled { example: mail(draws, topic), abuse, group: at }
    };
    let examples: Vec<Labelled> = (0..1500).map(one).collect();
    train(LAYOUT, &examples, Options::default()).ensemble
}

/// The share of a campaign that is called spam.
fn recall(model: &Ensemble, topic: u64) -> f64 {
    let mut draws = Draws::new(99);
    (0..200).filter(|_| model.band(&mail(&mut draws, topic)) == Band::Spam).count() as f64 / 200.0
}

/// A report of a fresh message as the model sees it now, learned where the guard says so.
struct Desk {
    model: Ensemble,
    guard: Option<Guard>,
    kept: BTreeMap<u64, (Example, bool)>,
    next: u64,
    delayed: usize,
}

impl Desk {
    fn report(&mut self, example: Example, abuse: bool, reporter: u64, cohort: u64) {
        let id = self.next;
        self.next += 1;
        let Some(guard) = &mut self.guard else {
            self.model.learn(&example, abuse);
            return;
        };
        let sketch = Sketch::of(example.tokens(0)).unwrap();
        let band = self.model.band(&example);
        let ruling = guard.rule(&Report { id, reporter, cohort, sketch, abuse, band });
        self.kept.insert(id, (example, abuse));
        match ruling {
            Ruling::Learn(freed) => {
                for id in freed.into_iter().chain([id]) {
                    let (example, abuse) = self.kept.remove(&id).unwrap();
                    self.model.learn(&example, abuse);
                }
            }
            Ruling::Wait => self.delayed += 1,
            Ruling::Capped => {}
        }
    }
}

fn desk(draws: &mut Draws, guarded: bool) -> Desk {
    Desk {
        model: model(draws),
        guard: guarded.then(Guard::default),
        kept: BTreeMap::new(),
        next: 0,
        delayed: 0,
    }
}

/// Three hundred false "not spam" on one campaign, from accounts of four cohorts.
fn aimed(guarded: bool) -> (f64, f64) {
    let mut draws = Draws::new(5);
    let mut desk = desk(&mut draws, guarded);
    let clean = recall(&desk.model, 107);
    for liar in 0..300 {
        let example = mail(&mut draws, 107);
        desk.report(example, false, 1_000_000 + liar, 1_000_000 + liar % 4);
    }
    (clean, recall(&desk.model, 107))
}

#[test]
fn three_hundred_lies_on_one_campaign_do_not_free_it() {
    let (clean, unguarded) = aimed(false);
    assert!(clean > 0.9, "{clean}");
    assert!(unguarded < 0.5 * clean, "without the guard they do: {unguarded}");
    let (clean, guarded) = aimed(true);
    assert!(guarded >= 0.8 * clean, "{clean} {guarded}");
}

#[test]
fn one_in_twenty_lying_in_concert_moves_little_and_honest_reports_are_not_delayed() {
    let mut draws = Draws::new(6);
    let mut desk = desk(&mut draws, true);
    let clean = recall(&desk.model, 107);
    let (mut honest, mut honest_delayed) = (0, 0);
    for round in 0..6000u64 {
        let user = draws.below(2000) as u64;
        // One in twenty, in cohorts like everybody else: they report the campaign as good whenever they can.
        let liar = user.is_multiple_of(20);
        let (topic, abuse) = if liar { (107, false) } else { topic(&mut draws) };
        let example = mail(&mut draws, topic);
        let before = desk.delayed;
        desk.report(example, abuse, user, user % COHORTS as u64);
        if !liar {
            honest += 1;
            honest_delayed += desk.delayed - before;
        }
        if round % 1500 == 1499 {
            desk.guard.as_mut().unwrap().next_period();
        }
    }
    let after = recall(&desk.model, 107);
    assert!(after >= 0.8 * clean, "{clean} {after}");
    assert!(honest_delayed * 100 <= honest, "{honest_delayed} of {honest}");
}

#[test]
fn an_honest_quorum_is_heard_and_a_person_can_decide() {
    let mut draws = Draws::new(7);
    let mut guard = Guard::default();
    let sketch = Sketch::of(mail(&mut draws, 3).tokens(0)).unwrap();
    let report = |id: u64| Report { id, reporter: id, cohort: id, sketch, abuse: false, band: Band::Spam };
    for id in 0..4 {
        assert_eq!(guard.rule(&report(id)), Ruling::Wait);
    }
    assert_eq!(guard.waiting(), [&[0, 1, 2, 3]]);
    let mut by_a_person = guard.clone();
    assert_eq!(by_a_person.decide(2), [0, 1, 2, 3]);
    assert_eq!(guard.rule(&report(4)), Ruling::Learn(vec![0, 1, 2, 3]));
    assert!(guard.waiting().is_empty());
    // Agreement never waits, and no reporter is learned from without end.
    let agreeing = Report { abuse: true, ..report(9) };
    let learned = (0..100).filter(|_| matches!(guard.rule(&agreeing), Ruling::Learn(_))).count();
    assert_eq!(learned, 20);
    guard.next_period();
    assert_eq!(guard.rule(&agreeing), Ruling::Learn(vec![]));
}
