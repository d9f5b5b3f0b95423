// SPDX-License-Identifier: Apache-2.0
//! Base rates and hard cases of the honest world.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::*;
use crate::accounts::event::Detail;
use crate::accounts::internet::{COUNTRIES, Internet, Use, operator_use};

fn month() -> Vec<Happening> {
    run(Plan { seed: 3, stay: 0.8, ..Plan::default() }, passing)
}

fn share(of: usize, all: usize) -> f64 {
    of as f64 / all as f64
}

fn marked(all: &[Happening], mark: Subgroups) -> Vec<&Happening> {
    all.iter().filter(|happening| happening.truth.subgroups.contains(mark)).collect()
}

#[test]
fn a_month_has_plausible_base_rates() {
    let all = month();
    let logins: Vec<_> = all.iter().filter(|h| h.event.kind() == "login").collect();
    assert!((40_000..160_000).contains(&logins.len()), "{} logins", logins.len());
    let by_hand: Vec<_> =
        logins.iter().filter(|h| !h.truth.subgroups.contains(Subgroups::MAIL_PROGRAM)).collect();
    let failed = by_hand.iter().filter(|h| h.event.ok() == Some(false)).count();
    assert!((0.02..0.09).contains(&share(failed, by_hand.len())), "{failed} of {}", by_hand.len());
    let breached = logins.iter().filter(
        |h| matches!(&h.event.detail, Detail::Login(entry) if entry.secret.is_some_and(|s| s.is_breached())),
    );
    let breached = share(breached.count(), logins.len());
    assert!((0.02..0.07).contains(&breached), "{breached} with a breached password"); // 4.5 % and what guesses add
    let signups = all.iter().filter(|h| h.event.kind() == "signup").count();
    assert!((1_200..2_600).contains(&signups), "{signups} sign-ups");
    assert!(all.iter().all(|h| h.truth.is_honest()));
}

#[test]
fn accounts_are_of_all_ages_and_habits() {
    let all = month();
    let logins: Vec<_> = all.iter().filter(|h| h.event.kind() == "login").collect();
    let past = |range: &std::ops::RangeInclusive<u32>| {
        share(logins.iter().filter(|h| range.contains(&h.truth.past_logins)).count(), logins.len())
    };
    for (range, least) in [(0..=0, 0.02), (1..=1, 0.02), (2..=4, 0.03), (5..=9, 0.05), (10..=u32::MAX, 0.2)] {
        assert!(past(&range) > least, "{range:?}: {}", past(&range));
    }
    let rare = logins.iter().filter(|h| h.truth.logins_per_week < 0.5).count();
    let daily = logins.iter().filter(|h| h.truth.logins_per_week > 7.0).count();
    assert!(rare > 300 && daily > 3_000, "{rare} {daily}");
    let mut last: HashMap<_, u32> = HashMap::new();
    for happening in &logins {
        let before = last.insert(happening.truth.person, happening.truth.past_logins).unwrap_or(0);
        let now = happening.truth.past_logins;
        assert!(now == before || now == before + 1, "{before} {now}");
    }
}

#[test]
fn every_subgroup_is_there() {
    let all = month();
    for (mark, name) in Subgroups::ALL {
        let accounts: HashSet<_> = marked(&all, *mark).iter().map(|h| h.event.account()).collect();
        assert!(accounts.len() >= 5, "{name}: {}", accounts.len());
    }
    let scripts: HashSet<_> = all.iter().map(|h| h.truth.script).collect();
    assert_eq!(scripts.len(), 8, "{scripts:?}");
}

#[test]
fn a_workshop_signs_up_from_one_address_and_a_company_in_sequence() {
    let all = month();
    let signups: Vec<_> = all.iter().filter(|h| h.event.kind() == "signup").collect();
    let mut rooms: HashMap<IpAddr, usize> = HashMap::new();
    let mut handles: HashMap<String, Vec<u32>> = HashMap::new();
    for happening in signups {
        let marks = happening.truth.subgroups;
        if marks.contains(Subgroups::WORKSHOP) {
            *rooms.entry(happening.event.ip()).or_default() += 1;
        }
        if let (true, Detail::Signup(form)) = (marks.contains(Subgroups::ONBOARDING), &happening.event.detail)
        {
            let base = form.username.trim_end_matches(|c: char| c.is_ascii_digit());
            let number = form.username[base.len()..].parse().unwrap();
            handles.entry(base.to_owned()).or_default().push(number);
        }
    }
    assert!(rooms.values().any(|many| *many >= 150), "{rooms:?}");
    let company = handles.values().max_by_key(|numbers| numbers.len()).unwrap();
    assert!(company.len() >= 12 && company.windows(2).all(|pair| pair[1] == pair[0] + 1), "{company:?}");
}

#[test]
fn carriers_share_addresses_and_homes_rotate_them() {
    let all = run(Plan { people: 20_000, days: 4, signups_per_day: 0.0, ..Plan::default() }, passing);
    let mut shared: HashMap<IpAddr, HashSet<&str>> = HashMap::new();
    for happening in marked(&all, Subgroups::CGNAT) {
        shared.entry(happening.event.ip()).or_default().insert(happening.event.account());
    }
    let most = shared.values().map(HashSet::len).max().unwrap();
    assert!(most >= 60, "{most} accounts on one address");
    // over weeks one household's /64 changes while its /48 stays
    let all = run(Plan { people: 2_000, days: 30, ..Plan::default() }, passing);
    let mut nets: HashMap<&str, (HashSet<u128>, HashSet<u128>, bool)> = HashMap::new();
    for happening in &all {
        let entry = nets.entry(happening.event.account()).or_default();
        match happening.event.ip() {
            IpAddr::V6(ip) => {
                entry.0.insert(u128::from(ip) >> 64);
                entry.1.insert(u128::from(ip) >> 80);
            }
            IpAddr::V4(_) => entry.2 = true,
        }
    }
    assert!(nets.values().filter(|(subnets, nets, _)| subnets.len() > nets.len()).count() > 200);
    let both = nets.values().filter(|(subnets, _, v4)| !subnets.is_empty() && *v4).count();
    assert!(both > 600, "{both} are seen over both protocols");
}

#[test]
fn the_database_is_mostly_right() {
    let internet = Internet::new(3_000);
    let (mut entries, mut wrong, mut unknown, mut country) = (0, 0, 0, 0);
    for (number, operator) in internet.operators.iter().enumerate() {
        for net in 0..operator.nets {
            let ip = IpAddr::V4((0xf000_0000 + (operator.first + net) * 256 + 9).into());
            assert_eq!(internet.network_of(ip), Some((number, net)));
            let facts = internet.look_up(ip);
            assert_eq!(facts.asn, Some(operator.asn));
            let expect = match operator_use(operator.trade, net, operator.nets) {
                Use::Home => "residential",
                Use::Mobile => "mobile",
                Use::Hosting => "hosting",
                Use::Vpn => "vpn",
                _ => continue,
            };
            entries += 1;
            unknown += usize::from(facts.kind.is_none());
            wrong += usize::from(facts.kind.is_some_and(|kind| kind != expect));
            let code = COUNTRIES[internet.country_of(number, net)].code;
            country += usize::from(facts.country.is_some_and(|said| said != code));
        }
    }
    assert!(entries > 5_000);
    assert!((0.02..0.08).contains(&share(wrong, entries)), "{wrong} of {entries}");
    assert!((0.01..0.06).contains(&share(unknown, entries)), "{unknown} of {entries}");
    assert!((0.001..0.01).contains(&share(country, entries)), "{country} of {entries}");
}

#[test]
fn stale_programs_go_on_for_days_and_everybody_comes_back_after_an_outage() {
    let all = run(Plan { seed: 4, days: 60, ..Plan::default() }, passing);
    let stale = marked(&all, Subgroups::STALE_PROGRAM);
    let failed = stale.iter().filter(|h| h.event.ok() == Some(false)).count();
    assert!(failed > 1_000, "{failed} tries");
    let mut times: HashMap<&str, (i64, i64)> = HashMap::new();
    for happening in &stale {
        let (first, last) =
            times.entry(happening.event.account()).or_insert((happening.time, happening.time));
        (*first, *last) = ((*first).min(happening.time), (*last).max(happening.time));
    }
    assert!(times.values().any(|(first, last)| last - first > 2 * crate::clock::DAY));
    let back = marked(&all, Subgroups::RECONNECT);
    let minutes: HashMap<i64, usize> = back.iter().fold(HashMap::new(), |mut all, happening| {
        *all.entry(happening.time / (10 * crate::clock::MINUTE)).or_default() += 1;
        all
    });
    assert!(minutes.values().any(|many| *many > 500), "{:?}", minutes.values().max());
}

#[test]
fn people_solve_challenges_or_give_up_and_the_refused_stay_out() {
    let challenge = |h: &Happening| if h.event.kind() == "login" { Answer::Challenge } else { Answer::Pass };
    let all = run(Plan { people: 1_000, days: 8, ..Plan::default() }, challenge);
    let asked = all.iter().filter(|h| h.event.kind() == "login" && h.event.ok() == Some(true)).count();
    let solved = all.iter().filter(|h| h.event.kind() == "step_up" && h.event.ok() == Some(true)).count();
    let failed = all.iter().filter(|h| h.event.kind() == "step_up" && h.event.ok() == Some(false)).count();
    assert!(solved > asked / 3 && solved < asked && failed > solved / 6, "{asked} {solved} {failed}");
    assert!(all.iter().any(|h| h.event.kind() == "session"), "who solves one goes on");

    let refuse = |h: &Happening| if h.event.kind() == "signup" { Answer::Refuse } else { Answer::Pass };
    let all = run(Plan { people: 100, days: 8, ..Plan::default() }, refuse);
    let refused: HashSet<_> =
        all.iter().filter(|h| h.event.kind() == "signup").map(|h| h.event.account()).collect();
    assert!(refused.len() > 150);
    let later = all.iter().filter(|h| h.event.kind() != "signup" && refused.contains(h.event.account()));
    assert_eq!(later.count(), 0);
}
