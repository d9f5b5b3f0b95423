// SPDX-License-Identifier: Apache-2.0
//! Each family does what it says, and reacts.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::*;
use crate::accounts::event::Detail;

fn attacks(all: &[Happening]) -> Vec<&Happening> {
    all.iter().filter(|happening| !happening.truth.is_honest()).collect()
}

fn of<'a>(all: &[&'a Happening], kind: &str) -> Vec<&'a Happening> {
    all.iter().filter(|happening| happening.event.kind() == kind).copied().collect()
}

fn addresses(all: &[&Happening]) -> usize {
    all.iter().map(|happening| happening.event.ip()).collect::<HashSet<_>>().len()
}

fn nets(all: &[&Happening]) -> usize {
    let net = |h: &&Happening| match h.event.ip() {
        IpAddr::V4(ip) => u128::from(u32::from(ip) >> 8),
        IpAddr::V6(ip) => u128::from(ip) >> 80,
    };
    all.iter().map(net).collect::<HashSet<_>>().len()
}

#[test]
fn every_family_makes_events() {
    for family in families() {
        let all = run(Plan { people: 250, ..attacked(family.name, 40) }, passing);
        let attacks = attacks(&all);
        let members: HashSet<_> = attacks.iter().map(|h| h.truth.attack.unwrap().member).collect();
        let least = if family.about == Kind::Signup { 40 } else { 10 };
        assert!(members.len() >= least, "{family:?}: {} members", members.len());
        assert!(attacks.iter().all(|h| h.truth.attack.unwrap().family == family), "{family:?}");
        let kinds: &[&str] = match family.name {
            "login.cookie" => &["session"],
            "login.recovery" => &["recovery"],
            _ if family.about == Kind::Login => &["login"],
            _ => &["signup"],
        };
        assert!(kinds.iter().all(|kind| !of(&attacks, kind).is_empty()), "{family:?}");
    }
}

#[test]
fn families_are_named_once_and_split_about_in_half() {
    let names: HashSet<_> = families().iter().map(|family| family.name).collect();
    assert_eq!(names.len(), families().len());
    let tuning = families().iter().filter(|family| family.part == Part::Tuning).count();
    assert!((9..=12).contains(&tuning), "{tuning}");
    for family in families() {
        assert_eq!(super::family(family.name), Some(family));
        assert_eq!(family.name.starts_with("signup."), family.about == Kind::Signup);
    }
}

#[test]
fn farms_have_the_networks_they_say() {
    let signups = |name| -> (usize, usize, usize) {
        let all = run(attacked(name, 120), passing);
        let made = of(&attacks(&all), "signup");
        (made.len(), addresses(&made), nets(&made))
    };
    assert_eq!(signups("signup.naive"), (120, 1, 1));
    let (_, many, few) = signups("signup.datacentre");
    assert!(few <= 24 && many > 1, "{many} addresses in {few} networks");
    for name in ["signup.proxy", "signup.imitated", "signup.drip"] {
        let (made, many, _) = signups(name);
        assert!(made == 120 && many > 60, "{name}: {many} addresses");
    }
    let (_, many, _) = signups("signup.humans");
    assert!(many < 100, "paid people come again: {many}");
}

#[test]
fn campaigns_differ_from_each_other() {
    let mut forms = HashSet::new();
    for seed in 0..6 {
        let all = run(Plan { seed, ..attacked("signup.naive", 20) }, passing);
        let attacks = attacks(&all);
        let Detail::Signup(form) = &attacks[0].event.detail else { panic!() };
        forms.insert((form.username.len(), attacks[0].event.client.look, form.time / 100_000));
    }
    assert!(forms.len() >= 5, "{forms:?}");
}

#[test]
fn sleepers_rest_and_then_turn_together() {
    let all = run(Plan { days: 40, ..attacked("signup.sleeper", 60) }, passing);
    let attacks = attacks(&all);
    let last = of(&attacks, "signup").iter().map(|h| h.time).max().unwrap();
    let bad: Vec<_> = of(&attacks, "setting");
    assert!(bad.len() > 30, "{}", bad.len());
    let (first, final_) =
        (bad.iter().map(|h| h.time).min().unwrap(), bad.iter().map(|h| h.time).max().unwrap());
    assert!(first - last > 3 * crate::clock::DAY, "{} hours", (first - last) / crate::clock::HOUR);
    assert!(final_ - first < 20 * crate::clock::HOUR);
}

#[test]
fn poison_comes_slowly_first() {
    let all = run(Plan { days: 30, ..attacked("signup.poison", 240) }, passing);
    let made = of(&attacks(&all), "signup");
    assert!(made.len() == 240);
    let early = made.iter().filter(|h| h.time < made[239].time - 2 * crate::clock::DAY).count();
    assert!((5..=40).contains(&early), "{early} while it behaves");
}

#[test]
fn framing_uses_the_workshops_address_and_the_companys_handles() {
    let plan = Plan { days: 25, ..attacked("signup.frame", 200) };
    let all = run(plan, passing);
    let honest = |mark| all.iter().filter(move |h| h.truth.is_honest() && h.truth.subgroups.contains(mark));
    let rooms: HashSet<_> = honest(Subgroups::WORKSHOP).map(|h| h.event.ip()).collect();
    let made = of(&attacks(&all), "signup");
    assert!(made.iter().filter(|h| rooms.contains(&h.event.ip())).count() > 20);
    let name = |h: &Happening| match &h.event.detail {
        Detail::Signup(form) => form.username.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned(),
        _ => String::new(),
    };
    let companies: HashSet<_> =
        honest(Subgroups::ONBOARDING).map(name).filter(|base| !base.is_empty()).collect();
    assert!(made.iter().filter(|h| companies.contains(&name(h))).count() > 20);
}

#[test]
fn a_bandit_leaves_what_is_refused() {
    // rented servers and VPN exits are refused: it ends up on lines
    let internet = crate::accounts::internet::Internet::new(600);
    let on_line = |h: &Happening| {
        let (number, _) = internet.network_of(h.event.ip()).unwrap();
        use crate::accounts::internet::Trade::{Fixed, Mobile};
        matches!(internet.operators[number].trade, Fixed | Mobile)
    };
    let (mut early, mut late) = (0, 0);
    for seed in 0..5 {
        let plan = Plan { seed, ..attacked("signup.bandit", 400) };
        let refuse = |h: &Happening| {
            if h.event.kind() == "signup" && !on_line(h) { Answer::Refuse } else { Answer::Pass }
        };
        let all = run(plan, refuse);
        let made = of(&attacks(&all), "signup");
        early += made[..40].iter().filter(|h| on_line(h)).count();
        late += made[made.len() - 100..].iter().filter(|h| on_line(h)).count();
    }
    assert!(late > 370 && early < 180, "{early} of 200 first, {late} of 500 last");
}

#[test]
fn a_paid_solver_answers_until_the_money_is_gone() {
    let challenge = |h: &Happening| if h.event.kind() == "signup" { Answer::Challenge } else { Answer::Pass };
    let all = run(attacked("signup.solver", 100), challenge);
    let attacks = attacks(&all);
    let answers = of(&attacks, "step_up");
    assert!((40..=302).contains(&answers.len()), "{} answers", answers.len());
    assert!(!of(&attacks, "verification").is_empty(), "who solves it is in");
    let naive = run(attacked("signup.naive", 100), challenge);
    assert!(naive.iter().filter(|h| !h.truth.is_honest()).all(|h| h.event.kind() == "signup"));
}

#[test]
fn stuffing_has_its_addresses_and_its_rates() {
    for (name, least, most) in [
        ("login.stuffing_10", 4, 13),
        ("login.stuffing_1000", 500, 3_000),
        ("login.stuffing_100000", 3_000, 8_000),
    ] {
        let mut known = 0;
        let mut taken = 0;
        let all = run(Plan { people: 3_000, days: 8, ..attacked(name, 6_000) }, passing);
        let tries = of(&attacks(&all), "login");
        for happening in &tries {
            let entry = match &happening.event.detail {
                Detail::Login(entry) => entry,
                _ => unreachable!(),
            };
            known += usize::from(entry.user_known);
            taken += usize::from(happening.truth.attack.unwrap().would_take_over);
            assert!(!happening.truth.attack.unwrap().would_take_over || entry.ok);
        }
        assert!((least..=most).contains(&addresses(&tries)), "{name}: {} addresses", addresses(&tries));
        assert!((100..2_000).contains(&known), "{name}: {known} known");
        assert!((3..130).contains(&taken), "{name}: {taken} taken");
    }
}

#[test]
fn a_spray_tries_few_passwords_on_many_accounts() {
    let all = run(Plan { days: 30, ..attacked("login.spray", 500) }, passing);
    let tries = of(&attacks(&all), "login");
    let mut by_secret: HashMap<_, HashSet<&str>> = HashMap::new();
    for happening in &tries {
        let Detail::Login(entry) = &happening.event.detail else { continue };
        by_secret.entry(entry.secret.unwrap()).or_default().insert(happening.event.account());
    }
    assert!(by_secret.len() <= 5 && by_secret.values().any(|accounts| accounts.len() > 200));
}

#[test]
fn a_hammered_owner_wants_in_meanwhile() {
    let all = run(attacked("login.hammer", 20_000), passing);
    let guesses = of(&attacks(&all), "login");
    let (first, last) = (guesses[0].time, guesses[guesses.len() - 1].time);
    let hours = (last - first) as f64 / crate::clock::HOUR as f64;
    assert!((1.8..2.2).contains(&hours), "{hours} hours");
    let victim = guesses[0].event.account();
    assert!(guesses.iter().all(|h| h.event.account() == victim));
    let own = all.iter().filter(|h| {
        h.truth.is_honest()
            && h.event.account() == victim
            && h.event.kind() == "login"
            && (first..last).contains(&h.time)
    });
    assert!(own.count() >= 3);
}

#[test]
fn thieves_do_what_thieves_do_in_their_order() {
    for name in ["login.bought", "login.phishing", "login.cookie", "login.targeted"] {
        let all = run(Plan { people: 300, days: 30, ..attacked(name, 80) }, passing);
        let attacks = attacks(&all);
        let entered: HashSet<_> = attacks
            .iter()
            .filter(|h| h.truth.attack.unwrap().would_take_over)
            .map(|h| h.truth.attack.unwrap().member)
            .collect();
        assert!(entered.len() > 30, "{name}: {}", entered.len());
        let mut order: HashMap<u32, Vec<&str>> = HashMap::new();
        for happening in &attacks {
            if let Detail::Setting { what, .. } = &happening.event.detail {
                let member = happening.truth.attack.unwrap().member;
                assert!(entered.contains(&member), "{name}: changes without being in");
                order.entry(member).or_default().push(what);
            }
        }
        let place = |list: &Vec<&str>, what| list.iter().position(|known| *known == what);
        let both = order.values().filter_map(|l| place(l, "recovery_email").zip(place(l, "export")));
        assert!(
            both.clone().count() > 3 && both.clone().all(|(recovery, export)| recovery < export),
            "{name}"
        );
    }
}

#[test]
fn a_refused_thief_changes_nothing() {
    let refuse = |h: &Happening| if h.truth.is_honest() { Answer::Pass } else { Answer::Refuse };
    for name in ["login.bought", "login.phishing", "login.cookie", "login.recovery"] {
        let all = run(attacked(name, 40), refuse);
        let attacks = attacks(&all);
        assert!(of(&attacks, "setting").is_empty(), "{name}");
        assert!(all.iter().all(|h| h.event.kind() != "owner_report"), "{name}: nothing to report");
    }
}

#[test]
fn phishing_shows_the_right_code_and_then_moves() {
    let all = run(Plan { people: 2_000, days: 30, ..attacked("login.phishing", 150) }, passing);
    let attacks = attacks(&all);
    let codes = of(&attacks, "login")
        .iter()
        .filter(|h| matches!(&h.event.detail, Detail::Login(entry) if entry.factor == "one_time_code"))
        .count();
    assert!(codes >= 3, "{codes}");
    let mut from: HashMap<u32, HashSet<IpAddr>> = HashMap::new();
    for happening in attacks.iter().filter(|h| ["login", "session"].contains(&h.event.kind())) {
        from.entry(happening.truth.attack.unwrap().member).or_default().insert(happening.event.ip());
    }
    assert!(from.values().filter(|addresses| addresses.len() > 1).count() > 40);
}

#[test]
fn recovery_locks_the_owner_out_who_then_recovers_too() {
    let all = run(Plan { people: 200, days: 40, ..attacked("login.recovery", 60) }, passing);
    let taken: HashSet<_> = all
        .iter()
        .filter(|h| h.truth.attack.is_some_and(|attack| attack.would_take_over))
        .map(|h| h.event.account())
        .collect();
    assert!(taken.len() > 5, "{}", taken.len());
    let back = all.iter().filter(|h| {
        h.truth.is_honest()
            && taken.contains(h.event.account())
            && matches!(h.event.detail, Detail::Recovery { step: "done", .. })
    });
    assert!(back.count() > 0);
}
