// SPDX-License-Identifier: Apache-2.0
//! Baselines on sequences made by hand, and trees on data whose pattern is known.

use super::crowdsec::kilometres;
use super::*;
use crate::accounts::Answer;
use crate::clock::{HOUR, MINUTE, SECOND};
use crate::random::Random;

fn seen(door: Door, time: i64, ok: bool) -> Seen<'static> {
    Seen {
        door,
        time,
        account: 1,
        ip: Some([203, 0, 113, 7].into()),
        asn: Some(64_500),
        country: Some("DE"),
        place: Some((52.5, 13.4)),
        user_agent: Some("Firefox/128"),
        ok,
    }
}

/// What a judge says to logins at those times.
fn answers(judge: &mut dyn Baseline, logins: &[(i64, bool)]) -> Vec<Option<Answer>> {
    logins.iter().map(|(time, ok)| judge.judge(&seen(Door::Login, *time, *ok)).answer).collect()
}

fn refused(judge: &mut dyn Baseline, logins: &[(i64, bool)]) -> Vec<bool> {
    answers(judge, logins).into_iter().map(|a| a == Some(Answer::Refuse)).collect()
}

#[test]
fn an_address_has_three_signups_an_hour() {
    let mut judge = PerAddress::default();
    let mut at = |time| judge.judge(&seen(Door::Signup, time, true));
    let said: Vec<_> = (0..5).map(|n| at(n * MINUTE)).collect();
    assert_eq!(said.iter().map(|o| o.score.unwrap()).collect::<Vec<_>>(), [0.0, 1.0, 2.0, 3.0, 4.0]);
    assert_eq!(said.iter().filter(|o| o.stops() == Some(true)).count(), 2);
    assert_eq!(at(3 * HOUR).stops(), Some(false));
}

#[test]
fn an_address_has_ten_failures_an_hour() {
    let mut logins: Vec<_> = (0..11).map(|n| (n * SECOND, false)).collect();
    logins.push((20 * SECOND, true));
    logins.push((2 * HOUR, true));
    let said = refused(&mut PerAddress::default(), &logins);
    assert_eq!(said.iter().position(|r| *r), Some(10));
    assert_eq!(said[11..], [true, false]);
}

#[test]
fn ipv6_counts_by_its_64() {
    let mut judge = PerAddress::default();
    let mut from = |ip: &str| judge.judge(&Seen { ip: ip.parse().ok(), ..seen(Door::Signup, 0, true) }).score;
    assert_eq!(from("2001:db8::1"), Some(0.0));
    assert_eq!(from("2001:db8::ffff:1"), Some(1.0));
    assert_eq!(from("2001:db8:0:1::1"), Some(0.0));
    assert_eq!(judge.judge(&Seen { ip: None, ..seen(Door::Signup, 0, true) }), Opinion::default());
}

#[test]
fn fail2ban_bans_after_the_fifth_failure_for_ten_minutes() {
    let logins = [(0, false), (1, false), (2, false), (3, false), (4, false), (5, true)];
    let mut judge = Fail2ban::default();
    assert_eq!(refused(&mut judge, &logins), [false, false, false, false, false, true]);
    assert_eq!(refused(&mut judge, &[(10 * MINUTE + 3, true), (10 * MINUTE + 4, true)]), [true, false]);
    // Five failures over more than ten minutes are none.
    let slow: Vec<_> = (0..8).map(|n| (n * 3 * MINUTE, false)).collect();
    assert!(!refused(&mut Fail2ban::default(), &slow).contains(&true));
}

#[test]
fn crowdsec_overflows_at_the_sixth_and_bans_for_four_hours() {
    let fast: Vec<_> = (0..7).map(|n| (n * SECOND / 10, false)).collect();
    let mut judge = Crowdsec::default();
    assert_eq!(refused(&mut judge, &fast), [false, false, false, false, false, false, true]);
    let later = [(3 * HOUR, true), (5 * HOUR, true)];
    assert_eq!(refused(&mut judge, &later), [true, false]);
    // One every ten seconds leaks out of the first bucket and fills the second.
    let steady: Vec<_> = (0..20).map(|n| (n * 10 * SECOND, false)).collect();
    assert_eq!(refused(&mut Crowdsec::default(), &steady).iter().position(|r| *r), Some(12));
    let slow: Vec<_> = (0..50).map(|n| (n * MINUTE, false)).collect();
    assert!(!refused(&mut Crowdsec::default(), &slow).contains(&true));
}

#[test]
fn crowdsec_looks_for_travel() {
    assert!((kilometres((52.5, 13.4), (40.7, -74.0)) - 6_385.0).abs() < 20.0);
    let at = |judge: &mut Crowdsec, time, place| {
        judge.judge(&Seen { place, ..seen(Door::Login, time, true) }).answer
    };
    let (berlin, york) = (Some((52.5, 13.4)), Some((40.7, -74.0)));
    let mut judge = Crowdsec::default();
    assert_eq!(at(&mut judge, 0, berlin), Some(Answer::Pass));
    assert_eq!(at(&mut judge, HOUR, None), Some(Answer::Pass));
    assert_eq!(at(&mut judge, 2 * HOUR, york), Some(Answer::Challenge));
    assert_eq!(at(&mut judge, 6 * HOUR, berlin), Some(Answer::Pass));
}

#[test]
fn an_account_lock_shuts_out_everybody_and_opens_again() {
    let mut logins: Vec<_> = (0..10).map(|n| (n * SECOND, false)).collect();
    logins.extend([(20 * SECOND, true), (11 * MINUTE, true)]);
    let said = refused(&mut AccountLock::default(), &logins);
    assert_eq!(said[9..], [false, true, false]);
    // A success begins anew.
    let mut spread: Vec<_> = (0..9).map(|n| (n * SECOND, false)).collect();
    spread.extend([(10 * SECOND, true), (11 * SECOND, false), (12 * SECOND, true)]);
    assert!(!refused(&mut AccountLock::default(), &spread).contains(&true));
}

#[test]
fn freeman_is_surprised_by_degrees() {
    let mut model = Freeman::default();
    let login = |account, ip: [u8; 4], asn, country, agent| Seen {
        account,
        ip: Some(ip.into()),
        asn: Some(asn),
        country: Some(country),
        user_agent: Some(agent),
        ..seen(Door::Login, 0, true)
    };
    for _ in 0..20 {
        model.learn(&Traits::of(&login(1, [1, 1, 1, 1], 10, "DE", "Firefox/128")).unwrap());
    }
    for user in 2..30u8 {
        for _ in 0..5 {
            let other = login(u64::from(user), [9, 9, 9, user], 90, "US", "Chrome/130");
            model.learn(&Traits::of(&other).unwrap());
        }
    }
    let mut score = |ip, asn, country, agent| model.judge(&login(1, ip, asn, country, agent)).score.unwrap();
    let home = score([1, 1, 1, 1], 10, "DE", "Firefox/128");
    let updated = score([1, 1, 1, 1], 10, "DE", "Firefox/129");
    let operator = score([1, 1, 1, 2], 10, "DE", "Firefox/128");
    let country = score([2, 2, 2, 2], 20, "DE", "Firefox/128");
    let abroad = score([9, 9, 9, 3], 90, "US", "Firefox/128");
    let all = score([9, 9, 9, 3], 90, "US", "Chrome/130");
    let order = [home, updated, operator, country, abroad, all];
    assert!(
        home < updated && home < operator && operator < country && country < abroad && abroad < all,
        "{order:?}"
    );
    assert_eq!(model.judge(&seen(Door::Login, 0, false)), Opinion::default(), "a wrong password is nobody's");
}

#[test]
fn freeman_expects_nothing_of_somebody_new() {
    let model = Freeman::default();
    let new = Traits::of(&seen(Door::Login, 0, true)).unwrap();
    assert!(model.score(&new).abs() < 1e-9, "{}", model.score(&new));
}

fn training(rows: usize, label: impl Fn(&[f32; 3]) -> bool) -> Training {
    let mut random = Random::new(3, 3);
    let mut training = Training::new(3);
    for _ in 0..rows {
        let mut row = [0.0f32; 3];
        row.iter_mut().for_each(|value| *value = random.real(-1.0, 1.0) as f32);
        training.add(&row, label(&row), 1.0);
    }
    training
}

#[test]
fn trees_learn_exclusive_or() {
    let training = training(600, |row| (row[0] > 0.0) != (row[1] > 0.0));
    let (trees, losses) = Trees::learn(&training, Shape::default());
    assert!(losses.windows(2).all(|pair| pair[1] <= pair[0] + 1e-12), "each tree lowers the loss");
    assert!(losses[losses.len() - 1] < 0.2, "{losses:?}");
    for (row, label) in [([0.5, 0.5], false), ([0.5, -0.5], true), ([-0.5, 0.5], true), ([-0.5, -0.5], false)]
    {
        assert_eq!(trees.score(&[row[0], row[1], 0.0]) > 0.0, label, "{row:?}");
    }
}

#[test]
fn a_score_of_trees_is_the_sum_they_learnt_by() {
    // The same rows through bins and through cuts: the loss of the last tree is that of the scores.
    let training = training(500, |row| row[0] + row[1] > row[2]);
    let (trees, losses) = Trees::learn(&training, Shape { trees: 15, ..Shape::default() });
    let again = training_loss(&trees, 500);
    assert!((again - losses[14]).abs() < 1e-5, "{again} {}", losses[14]);
}

fn training_loss(trees: &Trees, rows: usize) -> f64 {
    let mut random = Random::new(3, 3);
    let mut sum = 0.0;
    for _ in 0..rows {
        let mut row = [0.0f32; 3];
        row.iter_mut().for_each(|value| *value = random.real(-1.0, 1.0) as f32);
        let odds = f64::from(trees.score(&row));
        sum += (1.0 + (if row[0] + row[1] > row[2] { -odds } else { odds }).exp()).ln();
    }
    sum / rows as f64
}

#[test]
fn what_is_missing_can_be_the_sign() {
    let mut training = Training::new(1);
    for at in 0..200 {
        let missing = at % 2 == 0;
        training.add(&[if missing { f32::NAN } else { at as f32 }], missing, 1.0);
    }
    let (trees, _) = Trees::learn(&training, Shape::default());
    assert!(trees.score(&[f32::NAN]) > 0.0 && trees.score(&[3.0]) < 0.0 && trees.score(&[-1e9]) < 0.0);
}

#[test]
fn one_class_teaches_nothing_and_balance_makes_both_weigh_the_same() {
    let mut one = Training::new(1);
    one.add(&[1.0], true, 1.0);
    assert!(!one.balance() && !Training::new(1).balance());
    let mut two = one.clone();
    (0..9).for_each(|_| two.add(&[0.0], false, 1.0));
    assert!(two.balance() && two.len() == 10);
    let (trees, _) = Trees::learn(&two, Shape { trees: 0, ..Shape::default() });
    assert!(trees.score(&[0.0]).abs() < 1e-6);
}
