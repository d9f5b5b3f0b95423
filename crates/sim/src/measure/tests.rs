// SPDX-License-Identifier: Apache-2.0
//! Figures of inputs made by hand, whose answers are known.

use super::*;
use crate::accounts::{Answer, Attack, Script, Subgroups, Truth, family};
use crate::random::Random;

const HOUR: i64 = 3_600_000_000;

fn honest() -> Truth {
    Truth {
        attack: None,
        person: Some(1),
        past_logins: 12,
        logins_per_week: 3.0,
        subgroups: Subgroups::NONE,
        script: Script::Latin,
    }
}

fn attack(name: &str, campaign: u32, size: u32, would_take_over: bool) -> Truth {
    let family = family(name).unwrap();
    Truth { attack: Some(Attack { campaign, family, member: 0, size, would_take_over }), ..honest() }
}

fn entry(time: i64, door: Door, truth: Truth, score: Option<f32>, answer: Answer) -> Entry {
    let mut said = [Opinion::default(); Judge::ALL.len()];
    said[Judge::Policy as usize] = Opinion { score, answer: Some(answer) };
    Entry { time, door, account: 7, ok: true, truth, said }
}

fn world(seed: u64, entries: Vec<Entry>) -> World {
    World { seed, people: 365, from: 0, until: 24 * HOUR, entries }
}

fn value(figures: &[Figure], what: &str, of: &str) -> Option<f64> {
    let found = figures.iter().find(|f| f.what == what && f.of == of && f.judge == Judge::Policy);
    found.unwrap_or_else(|| panic!("no {what} of {of}")).estimate.value
}

#[test]
fn judges_lie_in_their_own_places() {
    for (at, judge) in Judge::ALL.into_iter().enumerate() {
        assert_eq!(judge as usize, at);
    }
}

fn threshold(scores: &[f32], price: f64) -> Option<f32> {
    let honest = scores.iter().map(|s| (*s, 0)).collect();
    Curve::new(honest, vec![1.0], vec![scores.len() as f64]).threshold(price, &[1])
}

#[test]
fn a_threshold_costs_no_more_than_its_price() {
    // One of four may lie above: 3 is the greatest that does not.
    assert_eq!(threshold(&[1.0, 2.0, 3.0, 4.0], 0.25), Some(3.0));
    assert_eq!(threshold(&[1.0, 2.0, 3.0, 4.0], 0.0), Some(4.0));
    assert_eq!(threshold(&[1.0, 2.0, 3.0, 4.0], 1.0), Some(f32::NEG_INFINITY));
    // Equal scores fall together: two of four are too many for one of four.
    assert_eq!(threshold(&[1.0, 2.0, 4.0, 4.0], 0.25), Some(4.0));
    assert_eq!(threshold(&[f32::NAN, 5.0], 0.0), Some(5.0));
    assert_eq!(threshold(&[], 0.5), None);
}

#[test]
fn a_sampled_score_stands_for_more_than_one() {
    let curve = Curve::new(vec![(3.0, 0), (2.0, 0), (1.0, 0)], vec![10.0], vec![30.0]);
    assert_eq!(curve.threshold(0.3, &[1]), Some(3.0), "ten of thirty are too many for three in ten");
    assert_eq!(curve.threshold(0.34, &[1]), Some(2.0));
    assert_eq!(curve.threshold(0.34, &[0]), None, "a world that was not drawn has no say");
}

#[test]
fn caught_is_what_lies_strictly_above() {
    let caught = Caught::new(vec![(1.0, 0), (5.0, 0), (5.0, 1), (f32::NAN, 1)]);
    assert_eq!(caught.share(1.0, &[1, 1]), Some(0.5));
    assert_eq!(caught.share(1.0, &[2, 0]), Some(0.5));
    assert_eq!(caught.share(5.0, &[1, 1]), Some(0.0));
    assert_eq!(caught.share(1.0, &[0, 0]), None);
    assert_eq!(Caught::default().share(0.0, &[1]), None);
}

/// `+` passed, `x` stopped.
fn course(text: &str) -> Course {
    containment(&text.chars().map(|c| c == 'x').collect::<Vec<_>>())
}

#[test]
fn containment_begins_where_nearly_all_that_follow_are_stopped() {
    assert_eq!(course(""), Course { from: None, before: 0, passed: 0 });
    assert_eq!(course("+++xxxxxxx"), Course { from: Some(3), before: 3, passed: 3 });
    assert_eq!(course("xxxxx"), Course { from: Some(0), before: 0, passed: 0 });
    assert_eq!(course("++++++"), Course { from: None, before: 6, passed: 6 });
    // Too few are left to say so.
    assert_eq!(course("++++++xxxx").from, None);
    // One lucky stop before a hundred that pass is none.
    let late = format!("x{}{}", "+".repeat(100), "x".repeat(4_000));
    assert_eq!(course(&late), Course { from: Some(101), before: 100, passed: 100 });
    // One in twenty may pass.
    let leaky = format!("++{}", "xxxxxxxxxxxxxxxxxxx+".repeat(10));
    assert_eq!(course(&leaky), Course { from: Some(2), before: 2, passed: 12 });
    assert!(course(&leaky).is_before(3) && !course(&leaky).is_before(2));
}

#[test]
fn draws_are_the_same_for_the_same_seed_and_cover_the_truth() {
    let sums = |seed| -> Vec<(f64, f64)> {
        let mut random = Random::new(seed, 1);
        (0..20).map(|_| ((0..100).filter(|_| random.chance(0.3)).count() as f64, 100.0)).collect()
    };
    let one = Draws::new(20, 300, 5).ratio(&sums(1));
    assert_eq!(one, Draws::new(20, 300, 5).ratio(&sums(1)));
    assert_ne!(one, Draws::new(20, 300, 6).ratio(&sums(1)));
    let draws = Draws::new(20, 300, 5);
    let covered = (0..200).filter(|seed| {
        let (low, high) = draws.ratio(&sums(*seed)).interval.unwrap();
        (low..=high).contains(&0.3)
    });
    let covered = covered.count();
    assert!((170..=198).contains(&covered), "{covered} of 200 intervals hold the truth");
}

#[test]
fn there_is_no_interval_where_one_world_speaks() {
    assert_eq!(Draws::new(1, 100, 1).ratio(&[(1.0, 2.0)]), Estimate { value: Some(0.5), interval: None });
    let two = Draws::new(2, 100, 1);
    assert_eq!(two.ratio(&[(1.0, 2.0), (0.0, 0.0)]).interval, None);
    assert_eq!(two.ratio(&[(1.0, 2.0), (0.0, 2.0)]).interval, Some((0.0, 0.5)));
    assert_eq!(two.ratio(&[(0.0, 0.0), (0.0, 0.0)]), Estimate::default());
    assert_eq!(Draws::new(0, 100, 1).ratio(&[]), Estimate::default());
}

#[test]
fn signups_by_hand() {
    let farm = || attack("signup.naive", 0, 10, false);
    let mut entries: Vec<Entry> =
        (0..1000).map(|at| entry(at, Door::Signup, honest(), Some(at as f32), Answer::Pass)).collect();
    entries[0].said[0].answer = Some(Answer::Challenge);
    entries[1].said[0].answer = Some(Answer::Limit);
    for at in 0..10 {
        let (score, answer) = if at < 2 { (0.0, Answer::Pass) } else { (998.5, Answer::Refuse) };
        entries.push(entry(2_000 + at, Door::Signup, farm(), Some(score), answer));
    }
    let all = figures(&[world(1, entries)], &Draws::new(1, 10, 1));
    // One honest sign-up of a thousand, 999, may lie above: the threshold is 998.
    assert_eq!(value(&all, "signup.recall_at_fpr_0.1%", "signup.naive of 10"), Some(0.8));
    assert_eq!(value(&all, "signup.members_stopped", "signup.naive of 10"), Some(0.8));
    assert_eq!(value(&all, "signup.accounts_before_containment", "signup.naive of 10"), Some(2.0));
    assert_eq!(value(&all, "signup.accounts_in_the_end", "signup.naive of 10"), Some(0.2));
    assert_eq!(value(&all, "signup.honest_with_friction", "everybody"), Some(0.001));
    assert!(all.iter().all(|f| f.judge == Judge::Policy), "nobody else said anything");
}

#[test]
fn a_paid_answer_makes_the_account() {
    let farm = || attack("signup.solver", 0, 10, false);
    let entries = vec![
        entry(1, Door::Signup, farm(), None, Answer::Challenge),
        entry(2, Door::StepUp, farm(), None, Answer::Pass),
    ];
    let all = figures(&[world(1, entries.clone())], &Draws::new(1, 10, 1));
    assert_eq!(value(&all, "signup.accounts_in_the_end", "signup.solver of 10"), Some(1.0));
    let mut failed = entries;
    failed[1].ok = false;
    let all = figures(&[world(1, failed)], &Draws::new(1, 10, 1));
    assert_eq!(value(&all, "signup.accounts_in_the_end", "signup.solver of 10"), Some(0.0));
}

#[test]
fn logins_by_hand() {
    // 365 people for a day are one year of users; so 0.5 prompts a year are none here, 1 is one, 2 are two.
    let mut entries: Vec<Entry> =
        (0..100).map(|at| entry(at, Door::Login, honest(), Some(at as f32), Answer::Pass)).collect();
    entries[3].said[0].answer = Some(Answer::Hold);
    let mut wrong = entry(500, Door::Login, honest(), Some(1e6), Answer::Refuse);
    wrong.ok = false;
    entries.push(wrong);
    for score in [98.5, 97.5] {
        let thief = attack("login.targeted", 0, 2, true);
        entries.push(entry(600, Door::Login, thief, Some(score), Answer::Challenge));
    }
    let all = figures(&[world(1, entries)], &Draws::new(1, 10, 1));
    assert_eq!(value(&all, "login.stopped_at_0.5_prompts", "login.targeted"), Some(0.0));
    assert_eq!(value(&all, "login.stopped_at_1_prompt", "login.targeted"), Some(0.5));
    assert_eq!(value(&all, "login.stopped_at_2_prompts", "login.targeted"), Some(1.0));
    assert_eq!(value(&all, "login.stopped_at_1_prompt_by_past_logins", "10 and more past logins"), Some(0.5));
    assert_eq!(value(&all, "login.stopped_at_1_prompt_by_frequency", "1 to 7 logins a week"), Some(0.5));
    assert_eq!(value(&all, "login.stopped_by_answers", "login.targeted"), Some(1.0));
    assert_eq!(
        value(&all, "login.prompts_by_answers", "everybody"),
        Some(1.0),
        "a wrong password is no prompt"
    );
    assert_eq!(value(&all, "friction.of_logins", "everybody"), Some(0.01));
}

#[test]
fn a_wave_by_hand() {
    let mut entries = Vec::new();
    for at in 0..40i64 {
        let truth = attack("login.spray", 0, 40, at % 2 == 0);
        let answer = if at < 10 { Answer::Pass } else { Answer::Challenge };
        entries.push(entry(at * 60_000_000, Door::Login, truth, None, answer));
    }
    entries.insert(20, entry(19 * 60_000_000, Door::Login, honest(), None, Answer::Challenge));
    let all = figures(&[world(1, entries)], &Draws::new(1, 10, 1));
    assert_eq!(value(&all, "wave.minutes_to_containment", "login.spray"), Some(10.0));
    assert_eq!(value(&all, "wave.accounts_before_containment", "login.spray"), Some(5.0));
    assert_eq!(value(&all, "wave.right_passwords_entered", "login.spray"), Some(0.25));
    assert_eq!(value(&all, "wave.attempts_stopped", "login.spray"), Some(0.75));
    assert_eq!(value(&all, "wave.precision", "login.spray"), Some(30.0 / 31.0));
}

#[test]
fn an_owner_who_is_hammered() {
    let guess =
        |at: i64| entry(at * HOUR, Door::Login, attack("login.hammer", 0, 9, false), None, Answer::Refuse);
    let owner = |at: i64, answer| entry(at * HOUR, Door::Login, honest(), None, answer);
    let entries = vec![
        owner(1, Answer::Pass),
        guess(5),
        owner(6, Answer::Pass),
        owner(7, Answer::Challenge),
        entry(7 * HOUR + 60_000_000, Door::StepUp, honest(), None, Answer::Pass),
        guess(9),
        owner(10, Answer::Challenge),
        owner(20, Answer::Refuse),
    ];
    let all = figures(&[world(1, entries)], &Draws::new(1, 10, 1));
    assert_eq!(value(&all, "lockout.owner_in_at_once", "login.hammer"), Some(1.0 / 3.0));
    assert_eq!(value(&all, "lockout.owner_in_after_step_up", "login.hammer"), Some(2.0 / 3.0));
    assert_eq!(value(&all, "lockout.owner_in_when_not_attacked", "login.hammer"), Some(0.5));
}

#[test]
fn friction_by_group_counts_its_own_people() {
    let marked = |person, subgroups| Truth { person: Some(person), subgroups, ..honest() };
    let entries = vec![
        entry(1, Door::Login, marked(1, Subgroups::TOR), None, Answer::Challenge),
        entry(2, Door::Login, marked(2, Subgroups::TOR), None, Answer::Pass),
        entry(3, Door::Login, marked(3, Subgroups::NONE), None, Answer::Pass),
    ];
    let all = figures(&[world(1, entries)], &Draws::new(1, 10, 1));
    assert_eq!(value(&all, "friction.of_logins", "tor"), Some(0.5));
    // Two people for a day are two thirtieths of a month.
    assert!((value(&all, "friction.per_user_month", "tor").unwrap() - 15.0).abs() < 1e-9);
    assert!(!all.iter().any(|f| f.of == "vpn"), "what nobody is has no row");
}

#[test]
fn of_nothing_there_are_no_figures() {
    assert_eq!(figures(&[], &Draws::new(0, 10, 1)), []);
    assert_eq!(figures(&[world(1, Vec::new())], &Draws::new(1, 10, 1)), []);
    // Attacks alone: there is nobody to choose a threshold on.
    let alone = entry(1, Door::Signup, attack("signup.naive", 0, 10, false), Some(1.0), Answer::Pass);
    let all = figures(&[world(1, vec![alone])], &Draws::new(1, 10, 1));
    assert!(!all.iter().any(|f| f.what.starts_with("signup.recall")));
}

#[test]
fn losing_rows_are_those_where_somebody_does_better() {
    let figure = |judge, value, interval, better| Figure {
        what: "w",
        of: "o".to_owned(),
        judge,
        estimate: Estimate { value: Some(value), interval },
        count: 1,
        unit: Unit::Share,
        better,
    };
    let of = |theirs: f64, interval, better| {
        losses(&[
            figure(Judge::Policy, 0.5, Some((0.4, 0.6)), better),
            figure(Judge::Trees, theirs, interval, better),
        ])
    };
    assert!(of(0.4, None, Better::High).is_empty() && of(0.5, None, Better::High).is_empty());
    assert!(of(0.9, None, Better::Neither).is_empty());
    assert!(!of(0.55, Some((0.5, 0.6)), Better::High)[0].clear);
    assert!(of(0.9, Some((0.8, 1.0)), Better::High)[0].clear);
    assert!(of(0.1, Some((0.0, 0.2)), Better::Low)[0].clear);
}
