// SPDX-License-Identifier: Apache-2.0
//! Checks on whole scenes.

mod attacks;
mod contract;
mod honest;

use super::*;

/// Everything a plan gives where the provider answers so.
fn run(plan: Plan, mut answer: impl FnMut(&Happening) -> Answer) -> Vec<Happening> {
    let mut scene = Scene::new(plan);
    let mut all = Vec::new();
    while let Some(happening) = scene.next() {
        let answer = answer(&happening);
        scene.hear(&happening, answer);
        all.push(happening);
    }
    all
}

fn passing(_: &Happening) -> Answer {
    Answer::Pass
}

/// A small provider with these assaults from the third day on.
fn attacked(name: &str, size: u32) -> Plan {
    let family = family(name).unwrap();
    Plan { people: 600, days: 14, families: vec![Assault::on_day(family, size, 3)], ..Plan::default() }
}

fn lines(happenings: &[Happening]) -> String {
    let mut out = String::new();
    for happening in happenings {
        happening.event.write_json(&mut out);
        out.push('\n');
    }
    out
}

/// An answer that depends on the event only, of all five kinds.
fn moody(happening: &Happening) -> Answer {
    match happening.event.id().as_bytes()[0] {
        b'0' => Answer::Refuse,
        b'1' => Answer::Hold,
        b'2' | b'3' => Answer::Challenge,
        b'4' => Answer::Limit,
        _ => Answer::Pass,
    }
}

#[test]
fn the_same_plan_and_answers_give_the_same_bytes() {
    let everybody = families().iter().map(|family| Assault::on_day(family, 40, 2)).collect();
    let plan =
        |seed| Plan { seed, people: 400, days: 8, families: Vec::clone(&everybody), ..Plan::default() };
    let first = run(plan(5), moody);
    assert!(first.len() > 2_000, "{}", first.len());
    assert_eq!(first, run(plan(5), moody));
    assert_ne!(lines(&first), lines(&run(plan(6), moody)));
}

/// Numbers that would change if a machine computed otherwise: the digest of what one scene says. When the world is changed on
/// purpose, it is written anew.
#[test]
fn every_machine_gives_these_bytes() {
    let everybody = families().iter().map(|family| Assault::on_day(family, 30, 1)).collect();
    let plan = Plan { people: 200, days: 5, families: everybody, ..Plan::default() };
    let digest = lines(&run(plan, moody)).bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    assert_eq!(format!("{digest:016x}"), "b4557a7d0df99215");
}

#[test]
fn an_answer_that_comes_too_late_changes_nothing() {
    let mut scene = Scene::new(Plan { people: 200, days: 3, ..Plan::default() });
    let mut before = scene.next().unwrap();
    let mut late = vec![before.clone()];
    for _ in 0..500 {
        let Some(now) = scene.next() else { break };
        scene.hear(&before, Answer::Refuse);
        late.push(now.clone());
        before = now;
    }
    let silent = run(Plan { people: 200, days: 3, ..Plan::default() }, passing);
    assert_eq!(late[..], silent[..late.len()]);
}

#[test]
fn attackers_change_nothing_about_people_who_are_let_alone() {
    let honest = |families| {
        let plan = Plan { people: 500, days: 6, families, ..Plan::default() };
        let all = run(plan, passing);
        let key = |h: &Happening| (h.time, h.event.account().to_owned(), h.event.kind(), h.event.ip());
        all.iter().filter(|h| h.truth.is_honest()).map(key).collect::<std::collections::BTreeSet<_>>()
    };
    let farms = families().iter().filter(|family| family.about == Kind::Signup);
    let with = honest(farms.map(|family| Assault::on_day(family, 50, 1)).collect());
    let without = honest(Vec::new());
    assert_eq!(with, without);
}

#[test]
fn happenings_come_in_order_of_arrival_with_unique_ids_and_end_with_the_plan() {
    let everybody = families().iter().map(|family| Assault::on_day(family, 40, 2)).collect();
    let plan = Plan { people: 800, days: 10, families: everybody, ..Plan::default() };
    let (start, end) = (plan.start, plan.end());
    let all = run(plan, passing);
    let mut ids = std::collections::HashSet::new();
    let mut late = 0;
    for pair in all.windows(2) {
        assert!(pair[0].arrival <= pair[1].arrival);
    }
    for happening in &all {
        assert!(happening.time >= start && happening.arrival < end && happening.time <= happening.arrival);
        assert!(ids.insert(happening.event.id().to_owned()));
        late += usize::from(happening.arrival > happening.time);
    }
    assert!(late > 0 && late < all.len() / 50, "{late} of {} late", all.len());
}

#[test]
fn what_is_held_does_not_grow_with_time() {
    let plan = Plan { people: 500, days: 60, signups_per_day: 0.0, ..Plan::default() };
    let mut scene = Scene::new(plan);
    for _ in 0..16_000 {
        scene.next().unwrap();
        // a visit for everybody, a program for some, and what is under way: an outage at most
        let people = scene.people();
        assert!(scene.pending() < people * 3 / 2 + 100, "{} for {people}", scene.pending());
    }
}

#[test]
fn plans_out_of_range_still_give_a_scene() {
    let wild = Plan {
        seed: u64::MAX,
        start: i64::MIN,
        days: 0,
        people: 0,
        signups_per_day: f64::NAN,
        stay: f64::NAN,
        families: vec![Assault { family: &families()[0], size: 0, after: i64::MIN }; 3],
    };
    let all = run(wild, moody);
    assert!(all.iter().any(|happening| !happening.truth.is_honest()));
    let far = Plan { start: i64::MAX, days: 1, people: 10, ..Plan::default() };
    assert!(lines(&run(far, passing)).lines().all(|line| line.contains("\"time\":\"99")));
}
