// SPDX-License-Identifier: Apache-2.0
//! Properties of whole worlds: the same again, in order, within bounds, and shaped like a provider.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher as _};

use crate::clock::{DAY, HOUR, MINUTE};
use crate::network::tests::kind_of;
use crate::*;

const MONDAY: i64 = 1_767_571_200_000_000; // 2026-01-05T00:00:00Z

fn settings(seed: u64) -> Settings {
    Settings { seed, accounts: 3_000, signups_per_day: 300.0, ..Settings::default() }
}

fn quiet(seed: u64) -> Settings {
    Settings { campaigns: Campaigns::none(), ..settings(seed) }
}

/// All that arrives within so many days.
fn days(settings: Settings, days: i64) -> impl Iterator<Item = Happening> {
    let end = settings.start + days * DAY;
    World::new(settings).take_while(move |happening| happening.arrival < end)
}

fn digest(settings: Settings, count: usize) -> u64 {
    let (mut hasher, mut line) = (DefaultHasher::new(), String::new());
    for happening in World::new(settings).take(count) {
        line.clear();
        happening.event.write_json(&mut line);
        hasher.write(line.as_bytes());
        hasher.write_i64(happening.arrival);
        hasher.write(happening.truth.kind().as_bytes());
    }
    hasher.finish()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_does_not() {
    let first = digest(settings(1), 20_000);
    assert_eq!(first, digest(settings(1), 20_000));
    assert_ne!(first, digest(settings(2), 20_000));
    assert_ne!(first, digest(quiet(1), 20_000));
}

#[test]
fn campaigns_change_nothing_about_the_people() {
    let honest = |settings| {
        days(settings, 1)
            .filter(|happening| happening.truth.is_honest())
            .map(|happening| (happening.time, happening.event.account, happening.event.ip, happening.truth))
            .collect::<HashSet<_>>()
    };
    let (with, without) = (honest(settings(3)), honest(quiet(3)));
    let common = with.intersection(&without).count();
    // Only which events come late differs, which may move one across the end of the day.
    assert!(common + 20 > with.len().max(without.len()), "{common} of {} and {}", with.len(), without.len());
}

#[test]
fn events_come_in_order_of_arrival_with_unique_ids_and_few_are_late() {
    let (mut ids, mut before, mut late) = (HashSet::new(), i64::MIN, 0);
    let count = 60_000;
    for happening in World::new(settings(4)).take(count) {
        assert!(happening.arrival >= before);
        before = happening.arrival;
        assert!(happening.time >= MONDAY && happening.time == happening.event.time());
        let delay = happening.arrival - happening.time;
        assert!((0..=MINUTE).contains(&delay));
        late += usize::from(delay > 0);
        assert!(ids.insert(happening.event.id), "{} twice", happening.event.id());
    }
    assert!((count / 400..count / 100).contains(&late), "{late} late");
}

#[test]
fn json_has_the_documented_fields_and_no_other() {
    let mut line = String::new();
    for happening in World::new(settings(5)).take(20_000) {
        line.clear();
        happening.event.write_json(&mut line);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        let event = value.as_object().unwrap();
        let (must, may): (&[&str], &[&str]) = match event["type"].as_str().unwrap() {
            "signup" => (&["username", "form_time"], &["device", "email"]),
            _ => (&["ok", "user_known"], &["device"]),
        };
        let common = ["type", "id", "time", "account", "ip", "user_agent"];
        let required = common.len() + must.len();
        assert!(common.iter().chain(must).all(|field| event.contains_key(*field)), "{line}");
        let optional = may.iter().filter(|field| event.contains_key(**field)).count();
        assert_eq!(event.len(), required + optional, "{line}");
        assert_eq!(event["type"], happening.event.kind());
        if let Some(time) = event.get("form_time") {
            let seconds: f64 = time.as_str().unwrap().strip_suffix('s').unwrap().parse().unwrap();
            assert!((0.5..=1_800.0).contains(&seconds), "{line}");
        }
    }
}

#[test]
fn every_address_is_in_exactly_one_planned_range() {
    let mut kinds: HashMap<NetworkKind, usize> = HashMap::new();
    for happening in World::new(settings(6)).take(50_000) {
        *kinds.entry(kind_of(happening.event.ip())).or_default() += 1;
    }
    assert_eq!(kinds.len(), 7, "{kinds:?}");
}

#[test]
fn people_sleep_at_night_and_rest_at_weekends() {
    let (mut by_hour, mut by_day) = ([0u32; 24], [0u32; 7]);
    for happening in days(quiet(7), 7) {
        let since = (happening.arrival - MONDAY) as usize;
        by_hour[since / HOUR as usize % 24] += 1;
        by_day[since / DAY as usize] += 1;
    }
    let (day, night): (u32, u32) = (by_hour[8..16].iter().sum(), by_hour[0..4].iter().sum());
    assert!(day / 8 > 2 * (night / 4), "{by_hour:?}"); // not more: a fifth of the people live in other time zones
    assert!(by_day[5] + by_day[6] < by_day[1] + by_day[2], "{by_day:?}");
    assert!(by_day.iter().all(|events| *events > 5_000), "{by_day:?}");
}

#[test]
fn rates_are_those_asked_for() {
    let (mut sessions, mut signups) = (0.0, 0.0);
    for happening in days(quiet(8), 7) {
        match happening.truth {
            Truth::Honest(Situation::Ordinary) if happening.event.kind() == "signup" => signups += 1.0,
            Truth::Honest(Situation::Ordinary) => sessions += 1.0,
            _ => {}
        }
    }
    let check = |got: f64, expect: f64| assert!((got / expect - 1.0).abs() < 0.1, "{got} for {expect}");
    check(signups, 7.0 * 300.0);
    // growing from 3,000 accounts by 300 a day; first logins come on top, typos and forgotten passwords are taken out
    check(sessions, 7.0 * 4.0 * 4_050.0 * 0.97 + 0.85 * signups);
}

#[test]
fn honest_failures_are_a_few_percent_and_mostly_end_well() {
    let (mut logins, mut by_hand_failed, mut stale_failed) = (0u32, 0u32, 0u32);
    let mut recovered: HashMap<Situation, (u32, u32)> = HashMap::new();
    for happening in days(quiet(9), 7) {
        let (Truth::Honest(situation), Occurrence::Login { ok, .. }) =
            (happening.truth, happening.event.what())
        else {
            continue;
        };
        logins += 1;
        let (failed, succeeded) = recovered.entry(situation).or_default();
        *(if *ok { succeeded } else { failed }) += 1;
        if situation == Situation::StaleClient {
            stale_failed += u32::from(!ok);
        } else {
            by_hand_failed += u32::from(!ok);
        }
    }
    let share = f64::from(by_hand_failed) / f64::from(logins);
    assert!((0.02..0.08).contains(&share), "{share}");
    assert!(stale_failed > 500, "{stale_failed} tries of stale programs");
    assert_eq!(recovered[&Situation::Ordinary].0, 0);
    let (failed, succeeded) = recovered[&Situation::Typo];
    assert!(succeeded * 10 > failed * 7, "{succeeded} successes after {failed} typos");
    let (failed, succeeded) = recovered[&Situation::Forgotten];
    assert!((4..10).contains(&(failed / succeeded)), "{failed} failures, {succeeded} recoveries");
}

#[test]
fn every_style_begins_within_the_minutes_asked_for() {
    let campaigns = Campaigns { begin_within_minutes: Some(10), ..Campaigns::none() };
    let start = MONDAY + 10 * HOUR;
    let mut first: HashMap<&str, i64> = HashMap::new();
    for happening in days(Settings { start, campaigns, ..settings(10) }, 1) {
        let kind = happening.truth.kind();
        let time = first.entry(kind).or_insert(happening.time);
        *time = happening.time.min(*time);
    }
    let soon = |kind: &&&str| first[**kind] < start + 10 * MINUTE;
    let styles: Vec<_> = first.keys().filter(|kind| !kind.starts_with("honest.")).collect();
    assert_eq!(styles.iter().filter(|kind| soon(kind)).count(), 6, "{first:?}");
    assert!(first["honest.classroom"] < start + 40 * MINUTE);
}

#[test]
fn campaigns_have_their_shapes() {
    #[derive(Default)]
    struct Seen {
        events: u32,
        ok: u32,
        known: u32,
        addresses: HashSet<std::net::IpAddr>,
        first: i64,
        last: i64,
    }
    let campaigns = Campaigns { begin_within_minutes: Some(60), ..Campaigns::none() };
    let mut seen: HashMap<&str, Seen> = HashMap::new();
    for happening in days(Settings { campaigns, accounts: 20_000, ..settings(11) }, 3) {
        if happening.truth.is_honest() {
            continue;
        }
        let entry = seen.entry(happening.truth.kind()).or_insert(Seen { first: i64::MAX, ..Seen::default() });
        entry.events += 1;
        entry.addresses.insert(happening.event.ip());
        entry.first = entry.first.min(happening.time);
        entry.last = entry.last.max(happening.time);
        if let Occurrence::Login { ok, user_known } = happening.event.what() {
            entry.ok += u32::from(*ok);
            entry.known += u32::from(*user_known);
        }
    }
    for (kind, seen) in &seen {
        if kind.starts_with("stuffing.") {
            let (success, known) =
                (f64::from(seen.ok) / f64::from(seen.events), f64::from(seen.known) / f64::from(seen.events));
            assert!((0.001..0.02).contains(&success), "{kind}: {success} succeed");
            assert!((0.03..0.35).contains(&known), "{kind}: {known} known");
        }
    }
    let lasts = |kind: &str| (seen[kind].last - seen[kind].first) / MINUTE;
    let addresses = |kind: &str| seen[kind].addresses.len();
    assert!(lasts("farm.burst") <= 60 && addresses("farm.burst") <= 8);
    assert!(lasts("farm.low_and_slow") > 6 * 60 && addresses("farm.low_and_slow") > 40);
    assert_eq!(addresses("stuffing.noisy_address"), 1);
    assert!(addresses("stuffing.botnet") > 500);
    assert!(f64::from(seen["stuffing.botnet"].events) / (addresses("stuffing.botnet") as f64) < 5.0);
}

#[test]
fn truth_has_sensible_shares_over_a_week() {
    let mut events: HashMap<&str, u32> = HashMap::new();
    for happening in days(Settings { accounts: 20_000, ..settings(12) }, 7) {
        let kind = happening.truth.kind();
        *events.entry(kind.split_once('.').unwrap().0).or_default() += 1;
    }
    let total: u32 = events.values().sum();
    let share = |kind: &str| f64::from(events[kind]) / f64::from(total);
    assert!((0.7..0.98).contains(&share("honest")), "{events:?}");
    assert!((0.003..0.1).contains(&share("farm")), "{events:?}");
    assert!((0.01..0.25).contains(&share("stuffing")), "{events:?}");
}

#[test]
fn what_is_held_does_not_grow_with_what_was_drawn() {
    let mut world = World::new(Settings { signups_per_day: 0.0, ..settings(13) });
    let mut most = [0; 2];
    for half in &mut most {
        for _ in 0..150_000 {
            world.next().unwrap();
            *half = world.pending().max(*half);
        }
    }
    assert!(most[1] < most[0] * 2 && most[1] < 500, "{most:?}");
}

#[test]
fn a_world_in_which_nothing_happens_ends() {
    let nothing = Settings { signups_per_day: 0.0, logins_per_account_day: 0.0, ..quiet(14) };
    assert_eq!(World::new(nothing.clone()).count(), 0);
    let campaigns = Campaigns { begin_within_minutes: Some(0), ..Campaigns::none() };
    let raided = World::new(Settings { campaigns, ..nothing });
    assert!(raided.count() > 4_000, "six campaigns and a class, then silence");
}

#[test]
fn settings_out_of_range_still_give_a_world() {
    let wild = Settings {
        seed: u64::MAX,
        start: i64::MAX,
        accounts: 0,
        signups_per_day: f64::NAN,
        logins_per_account_day: f64::INFINITY,
        campaigns: Campaigns {
            farms_per_day: -1.0,
            stuffings_per_day: 1e300,
            begin_within_minutes: Some(u32::MAX),
            size: 0.0,
        },
    };
    let mut line = String::new();
    for happening in World::new(wild).take(2_000) {
        happening.event.write_json(&mut line);
    }
    assert!(line.starts_with("{\"type\":\"login\",\"id\":\""));
    assert_eq!(line.matches("\"time\":\"9000-").count() + line.matches("\"time\":\"8999-").count(), 2_000);
}
