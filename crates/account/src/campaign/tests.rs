// SPDX-License-Identifier: Apache-2.0
//! Worlds of honest people with those among them who belong together, and what hides in them. Written from what one meets at a
//! provider's door, not from any simulator.

use super::index::{Index, smoothed};
use super::link::{LEVELS, Linked, line};
use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;
use wardroom_event::Span;

const DAY: i64 = 86_400_000_000;
/// Monday, 5 January 2026.
const BEGIN: i64 = 1_767_571_200_000_000;
const SECRET: [u8; 16] = [7; 16];

/// A source of chance: splitmix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Few of many: the first of `n` are met far more often than the last.
    fn few(&mut self, n: u64) -> u64 {
        let at = (n as f64).powf(self.share());
        (at as u64).min(n) - 1
    }

    /// Around a median, as lengths of time that people take are.
    fn time(&mut self, median: f64, spread: f64) -> Option<Span> {
        let normal: f64 = (0..12).map(|_| self.share()).sum::<f64>() - 6.0;
        Some(Span((median * 1e6 * (spread * normal).exp()) as i64))
    }

    fn word(&mut self) -> String {
        let syllables = [
            "ka", "ro", "mi", "la", "ten", "sor", "bel", "du", "fi", "gan", "hes", "ju", "ve", "wil", "ost",
            "an",
        ];
        (0..2 + self.below(3)).map(|_| syllables[self.below(16) as usize]).collect()
    }
}

/// Somebody who has nothing to do with anybody else here.
fn stranger(chance: &mut Chance, seq: u64, days: i64) -> Signup {
    let text = |text: String| Some(text.into_boxed_str());
    let net = chance.few(4000);
    let name = match chance.below(4) {
        0 => format!("{}{}", chance.word(), chance.below(100)),
        1 => format!("{}.{}", chance.word(), chance.word()),
        2 => format!("{}_{}", chance.word(), chance.below(3000)),
        _ => chance.word() + &chance.word(),
    };
    let site = match chance.below(10) {
        0 => format!("{}{}.example", chance.word(), seq),
        _ => format!("provider{}.example", chance.few(30)),
    };
    Signup {
        ip: format!("100.{}.{}.{}", net / 200, net % 200, chance.below(250)).parse().ok(),
        asn: Some(64500 + (net % 97) as i64),
        device: text(format!("d{seq}")),
        ja4: text(format!("t13d{}", chance.few(25))),
        program: text(["Chrome", "Safari", "Firefox", "Edge"][chance.few(4) as usize].to_owned()),
        system: text(["Windows", "Android", "iOS", "macOS", "Linux"][chance.below(5) as usize].to_owned()),
        languages: text(format!("l{}", chance.few(30))),
        mailbox: text(format!("{}{}", name, chance.below(10))),
        username: text(name),
        mail_site: text(site),
        form_time: chance.time(40.0, 0.7),
        typing_pace: chance.time(0.2, 0.4),
        typing_spread: chance.time(0.09, 0.5),
        captcha_time: chance.time(12.0, 0.6),
        verified_after: chance.time(45.0, 1.0),
        referrer: (chance.below(3) == 0).then(|| format!("site{}.example", chance.few(40)).into()),
        ..Signup::new(seq, format!("a{seq}"), Micros(BEGIN + (chance.share() * (days * DAY) as f64) as i64))
    }
}

fn strangers(chance: &mut Chance, count: u64, days: i64) -> Vec<Signup> {
    (0..count).map(|seq| stranger(chance, seq + 1, days)).collect()
}

/// A workshop: two hundred in forty minutes from one address, on the laptops of the school, with mail there, in step with a teacher.
fn workshop(chance: &mut Chance, from: u64, count: u64) -> Vec<Signup> {
    let one = |seq: u64| Signup {
        ip: "198.51.100.7".parse().ok(),
        asn: Some(65001),
        ja4: Some("t13dschool".into()),
        program: Some("Chrome".into()),
        system: Some("ChromeOS".into()),
        languages: Some("l3".into()),
        mail_site: Some("school.example".into()),
        form_time: chance.time(55.0, 0.4),
        captcha_time: chance.time(9.0, 0.4),
        // Its mail is delayed by as much for everybody.
        verified_after: chance.time(305.0, 0.01),
        time: Micros(BEGIN + 3 * DAY + (chance.share() * 2400e6) as i64),
        ..stranger(chance, seq, 1)
    };
    (from..from + count).map(one).collect()
}

/// An office that makes accounts for everybody in it, by number, at home or not.
fn onboarding(chance: &mut Chance, from: u64, count: u64) -> Vec<Signup> {
    let one = |seq: u64| {
        let own = stranger(chance, seq, 1);
        let home = seq.is_multiple_of(2);
        Signup {
            ip: if home { own.ip } else { "203.0.113.5".parse().ok() },
            username: Some(format!("emp{:04}", seq - from).into()),
            mailbox: Some(format!("emp{:04}", seq - from).into()),
            mail_site: Some("office.example".into()),
            ja4: Some("t13doffice".into()),
            program: Some("Edge".into()),
            system: Some("Windows".into()),
            languages: Some("l2".into()),
            form_time: chance.time(30.0, 0.6),
            time: Micros(BEGIN + 2 * DAY + (chance.share() * 3e9) as i64),
            ..own
        }
    };
    (from..from + count).map(one).collect()
}

/// A carrier: a tenth of all come from its three addresses.
fn carrier(signups: &mut [Signup]) {
    for (at, signup) in signups.iter_mut().enumerate().filter(|(at, _)| at % 10 == 0) {
        signup.ip = format!("192.0.2.{}", at % 3).parse().ok();
        (signup.asn, signup.kind) = (Some(65010), Some("mobile".into()));
    }
}

/// One machine behind proxies: an address for each account, a device for each, names of words; its script fills in the form.
fn farm(chance: &mut Chance, from: u64, count: u64, over: i64) -> Vec<Signup> {
    let one = |seq: u64| Signup {
        ja4: Some("t13dscript".into()),
        program: Some("Chrome".into()),
        system: Some("Windows".into()),
        languages: Some("l0".into()),
        mail_site: Some("tempbox.example".into()),
        form_time: chance.time(14.0, 0.05),
        typing_pace: None,
        typing_spread: None,
        captcha_time: chance.time(21.0, 0.15),
        time: Micros(BEGIN + DAY + (chance.share() * over as f64) as i64),
        account: format!("farm{seq}").into(),
        ..stranger(chance, seq, 1)
    };
    (from..from + count).map(one).collect()
}

fn linker(signups: &[Signup]) -> Linker {
    let mut linker = Linker::new(SECRET);
    signups.iter().for_each(|signup| linker.add(signup.clone()));
    linker
}

/// How many of a campaign's members a farm made, and how many it has.
fn made(campaign: &Campaign) -> (usize, usize) {
    let farmed = campaign.members.iter().filter(|member| member.account.starts_with("farm"));
    (farmed.count(), campaign.members.len())
}

#[test]
fn honest_crowds_form_no_campaign() {
    for seed in 0..3 {
        let mut chance = Chance(seed);
        let mut world = strangers(&mut chance, 6000, 7);
        carrier(&mut world);
        world.extend(workshop(&mut chance, 10_001, 200));
        world.extend(onboarding(&mut chance, 20_001, 120));
        let linker = linker(&world);
        let look = linker.look();
        assert_eq!(look.campaigns(), [], "seed {seed}");
    }
}

#[test]
fn a_small_provider_and_an_empty_one_have_none_either() {
    let mut chance = Chance(5);
    for count in [0, 1, 7, 60, 400] {
        let mut world = strangers(&mut chance, count, 2);
        world.extend(workshop(&mut chance, 10_001, count / 4));
        let linker = linker(&world);
        assert_eq!(linker.look().campaigns(), [], "{count}");
    }
}

#[test]
fn a_machine_behind_proxies_is_found_among_them_and_named() {
    for (seed, size, over) in [(1, 40, DAY), (2, 60, DAY / 8), (3, 300, 5 * DAY), (4, 3000, 2 * DAY)] {
        let mut chance = Chance(seed);
        let mut world = strangers(&mut chance, 6000, 7);
        carrier(&mut world);
        world.extend(workshop(&mut chance, 10_001, 200));
        world.extend(farm(&mut chance, 30_001, size, over));
        let linker = linker(&world);
        let look = linker.look();
        let [campaign] = look.campaigns() else { panic!("{size}: {:#?}", look.campaigns()) };
        let (farmed, members) = made(campaign);
        assert!(farmed as f64 >= 0.9 * size as f64, "{farmed} of {size}");
        assert!(members - farmed <= 1 + size as usize / 200, "{} honest among {members}", members - farmed);
        assert!(campaign.name.contains("2026-01-06-"), "{}", campaign.name);
        assert_eq!(look.campaign(&campaign.name), Some(campaign));
        let other = format!("other-{}", &campaign.name[campaign.name.len() - 15..]);
        assert_eq!(look.campaign(&other), Some(campaign));
        let of_mail = campaign.shared.iter().find(|shared| shared.kind == Kind::MailSite);
        let mail = of_mail.or(campaign.shared.iter().find(|shared| shared.kind.family() == Family::Mail));
        assert!(mail.is_some_and(|mail| mail.value.contains("tempbox.example")), "{:#?}", campaign.shared);
        assert!(campaign.members.iter().all(|member| !member.shares.is_empty() && member.evidence > 0.0));
    }
}

#[test]
fn two_machines_are_two_campaigns() {
    let mut chance = Chance(11);
    let mut world = strangers(&mut chance, 5000, 7);
    world.extend(farm(&mut chance, 30_001, 60, DAY));
    let second = farm(&mut chance, 40_001, 50, DAY).into_iter().map(|signup| Signup {
        ja4: Some("t13dother".into()),
        mail_site: Some("otherbox.example".into()),
        form_time: chance.time(70.0, 0.04),
        captcha_time: chance.time(4.0, 0.1),
        ..signup
    });
    world.extend(second.collect::<Vec<_>>());
    let linker = linker(&world);
    let look = linker.look();
    let sizes: Vec<usize> = look.campaigns().iter().map(|campaign| campaign.members.len()).collect();
    assert!(sizes.len() == 2 && sizes.iter().all(|size| (45..=61).contains(size)), "{sizes:?}");
}

#[test]
fn one_device_for_forty_is_one_hand_and_a_household_is_none() {
    let mut chance = Chance(21);
    let mut world = strangers(&mut chance, 3000, 7);
    for signup in &mut world[..4] {
        signup.device = Some("family".into());
    }
    assert_eq!(linker(&world).look().campaigns(), []);
    for (at, signup) in world[100..140].iter_mut().enumerate() {
        (signup.device, signup.account) = (Some("phone".into()), format!("farm{at}").into());
    }
    let linker = linker(&world);
    let look = linker.look();
    assert_eq!(look.campaigns().iter().map(made).collect::<Vec<_>>(), [(40, 40)]);
    assert_eq!(look.campaigns()[0].shared[0].kind, Kind::Machine);
}

#[test]
fn when_one_is_bad_its_machine_is_proposed_and_its_office_is_not() {
    let mut chance = Chance(31);
    let mut world = strangers(&mut chance, 5000, 7);
    world.extend(onboarding(&mut chance, 20_001, 120));
    world.extend(farm(&mut chance, 30_001, 80, 4 * DAY));
    let linker = linker(&world);
    let mut look = linker.look();
    let bad =
        |accounts: &[&str]| accounts.iter().map(|a| (Box::from(*a), Known::Bad)).collect::<BTreeMap<_, _>>();
    assert_eq!(look.sweep(&BTreeMap::new(), 0.5), []);
    let suspects = look.sweep(&bad(&["farm30005"]), 0.9);
    let farmed = suspects.iter().filter(|suspect| suspect.account.starts_with("farm")).count();
    assert!(farmed >= 75 && suspects.len() - farmed <= 2, "{farmed} of {}", suspects.len());
    assert!(suspects.iter().all(|s| *s.kin == *"farm30005" && !s.because.is_empty()));
    assert!(!suspects.iter().any(|s| *s.account == *"farm30005"), "what is known is not proposed");
    // A bad employee.
    assert_eq!(look.sweep(&bad(&["a20011"]), 0.9), []);
    // Good ones among the near speak against it.
    let mut known = bad(&["farm30005"]);
    known.extend((30_010..30_030).map(|n| (Box::from(format!("farm{n}")), Known::Good)));
    let fewer = look.sweep(&known, 0.0);
    let of = |all: &[Suspect]| all.iter().find(|s| *s.account == *"farm30007").map(|s| s.probability);
    let (with, without) = (of(&fewer).unwrap(), of(&look.sweep(&bad(&["farm30005"]), 0.0)).unwrap());
    assert!(with < without, "{with} {without}");
}

#[test]
fn what_is_held_is_bounded_and_the_first_sign_up_of_an_account_counts() {
    let mut linker = Linker::new(SECRET);
    let at = |seq: u64, account: &str, time: i64| Signup::new(seq, account, Micros(time));
    linker.add(at(2, "ann", 20));
    linker.add(at(1, "ann", 10));
    linker.add(at(3, "ann", 30));
    linker.add(at(4, "bo", 40));
    linker.verified("ann", Span(5));
    linker.verified("ann", Span(9));
    linker.verified("nobody", Span(9));
    assert_eq!(linker.len(), 2);
    assert_eq!(linker.held[&(Micros(10), 1)].verified_after, Some(Span(5)));
    linker.forget_before(Micros(40));
    assert_eq!((linker.len(), linker.by_account.len()), (1, 1));
}

/// As [`Linked`], by comparing all with all, and counting keys by their words.
fn by_brute_force(signups: &[Signup], level: f64) -> BTreeSet<BTreeSet<u64>> {
    let keys = |signup: &Signup| {
        let mut keys = BTreeSet::new();
        traits::each(signup, &mut |kind, words| {
            keys.insert((kind, words.to_owned()));
        });
        keys
    };
    let all: Vec<BTreeSet<(Kind, String)>> = signups.iter().map(keys).collect();
    let weight = |key: &(Kind, String)| {
        let holders = all.iter().filter(|keys| keys.contains(key)).count();
        let measured = all.iter().filter(|keys| keys.iter().any(|(kind, _)| *kind == key.0)).count();
        match key.0 {
            Kind::Machine if holders <= 4 => return 1.5,
            Kind::OneMailbox if holders <= 3 => return 1.5,
            Kind::Machine | Kind::OneMailbox => return 40.0,
            _ => {}
        }
        let share = smoothed(key.0, holders as f64, measured as f64);
        let share = if key.0.family().is_conduct() { share.min(key.0.usual_share()) } else { share };
        let nats = -share.ln();
        if nats < 0.5 { 0.0 } else { nats.min(12.0) }
    };
    let edge = |a: usize, b: usize| {
        let mut best: BTreeMap<Family, f64> = BTreeMap::new();
        for key in all[a].intersection(&all[b]) {
            let held = best.entry(key.0.family()).or_default();
            *held = held.max(weight(key));
        }
        let conduct: f64 = best.iter().filter(|(family, _)| family.is_conduct()).map(|(_, nats)| nats).sum();
        conduct > 0.0 && best.values().sum::<f64>() >= level + 1000_f64.ln()
    };
    let mut component: Vec<usize> = (0..signups.len()).collect();
    for a in 0..signups.len() {
        for b in 0..a {
            if component[a] != component[b] && edge(a, b) {
                let (from, to) = (component[a], component[b]);
                component.iter_mut().filter(|c| **c == from).for_each(|c| *c = to);
            }
        }
    }
    let mut found: BTreeMap<usize, BTreeSet<u64>> = BTreeMap::new();
    for (at, signup) in signups.iter().enumerate() {
        found.entry(component[at]).or_default().insert(signup.seq);
    }
    found.into_values().filter(|members| members.len() > 1).collect()
}

/// A few sign-ups that have much in common.
fn alike(seed: u64, count: u64) -> Vec<Signup> {
    let mut chance = Chance(seed);
    let one = |seq: u64| {
        let own = stranger(&mut chance, seq, 1);
        let mut pick = |one: Option<Box<str>>, few: &str| match chance.below(3) {
            0 => one,
            _ => Some(format!("{few}{}", chance.below(2)).into()),
        };
        Signup {
            device: pick(own.device, "d"),
            ja4: pick(own.ja4, "j"),
            username: pick(own.username, "kora_"),
            mail_site: pick(own.mail_site, "m"),
            form_time: Some(Span(2_000_000 + 150_000 * chance.below(6) as i64)),
            ..own
        }
    };
    (1..=count).map(one).collect()
}

proptest! {
    #[test]
    fn components_are_those_of_comparing_all_with_all(seed in any::<u64>(), count in 2_u64..=12) {
        let signups = alike(seed, count);
        let linker = linker(&signups);
        let index = Index::over(linker.held.values().collect(), SECRET);
        prop_assert!((line(&index) - 1000_f64.ln()).abs() < 1e-12);
        let mut linked = Linked::of(&index);
        for (level, more) in LEVELS.into_iter().enumerate() {
            let found = linked.levels[level].components(2);
            let found: BTreeSet<BTreeSet<u64>> =
                found.iter().map(|of| of.iter().map(|at| index.signups[*at as usize].seq).collect()).collect();
            prop_assert_eq!(found, by_brute_force(&signups, more), "level {}", level);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_order_of_sign_ups_does_not_matter(seed in any::<u64>()) {
        let mut chance = Chance(seed);
        let mut world = strangers(&mut chance, 300, 2);
        world.extend(farm(&mut chance, 30_001, 30, DAY));
        world.extend(alike(seed, 20).into_iter().map(|s| Signup { seq: s.seq + 50_000, account: format!("x{}", s.seq).into(), ..s }));
        let one = linker(&world);
        let mut shuffled = world;
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, chance.below(at as u64 + 1) as usize);
        }
        let other = linker(&shuffled);
        let (one, other) = (one.look(), other.look());
        prop_assert_eq!(one.campaigns(), other.campaigns());
    }

    #[test]
    fn one_more_thing_that_is_shared_never_lowers_the_evidence(seed in any::<u64>(), what in 0..5, size in 12_u64..60) {
        let mut chance = Chance(seed);
        let mut world = strangers(&mut chance, 600, 3);
        world.extend(farm(&mut chance, 30_001, size, DAY));
        let evidence = |world: &[Signup]| {
            let linker = linker(world);
            let look = linker.look();
            let found = look.campaigns().iter().filter(|campaign| made(campaign).0 * 2 > made(campaign).1);
            found.map(|campaign| (campaign.evidence, made(campaign).0)).fold((0.0, 0), |a, b| if b.0 > a.0 { b } else { a })
        };
        let before = evidence(&world);
        for signup in world.iter_mut().filter(|signup| signup.account.starts_with("farm")) {
            match what {
                0 => signup.device = Some("one".into()),
                1 => signup.form_time = Some(Span(13_777_777)),
                2 => signup.referrer = Some("rare.example".into()),
                3 => signup.captcha_time = Some(Span(20_000_000)),
                _ => (signup.typing_pace, signup.typing_spread) = (Some(Span(31_000)), Some(Span(500))),
            }
        }
        let after = evidence(&world);
        prop_assert!(after.0 >= before.0 - 1e-6 && after.1 >= before.1, "{:?} then {:?}", before, after);
    }
}

#[test]
fn of_two_hundred_thousand_few_are_compared() {
    let mut chance = Chance(77);
    let mut world = strangers(&mut chance, 196_000, 28);
    world.extend(farm(&mut chance, 300_001, 4000, 9 * DAY));
    // What is known of each is little, so that this takes seconds in a build for tests.
    for signup in &mut world {
        (signup.username, signup.mailbox, signup.referrer, signup.verified_after) = (None, None, None, None);
        (signup.typing_pace, signup.typing_spread) = (None, None);
    }
    let linker = linker(&world);
    assert_eq!(linker.len(), 200_000);
    let look = linker.look();
    let each = look.comparisons() / 200_000;
    assert!(each < 300 && !look.is_cut(), "{each} comparisons a sign-up, of 100,000");
    let farmed: usize = look.campaigns().iter().map(|campaign| made(campaign).0).sum();
    assert!(farmed > 3800, "{farmed} of 4000");
    let members: usize = look.campaigns().iter().map(|campaign| made(campaign).1).sum();
    assert!(members - farmed < 50, "{}", members - farmed);
}
