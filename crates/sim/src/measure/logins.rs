// SPDX-License-Identifier: Apache-2.0
//! Figures of logins: attacks stopped at a fixed number of prompts for each honest user and year, and by the rules.
//!
//! A prompt is an honest login with the right password whose score lies above the threshold: each counts, also the second
//! within a minute. An attack is a login by which an account of somebody else would be entered.

use super::curve::{Caught, Curve};
use super::draws::Draws;
use super::figure::{Better, Figure, Unit};
use super::signups::curve;
use super::world::{Door, Entry, Judge, World};
use crate::accounts::{Kind, Subgroups};
use std::collections::BTreeMap;

/// Prompts for each honest user and year, and the figure's names: by family, by past logins, by frequency.
const PRICES: [(f64, [&str; 3]); 3] = [
    (
        0.5,
        [
            "login.stopped_at_0.5_prompts",
            "login.stopped_at_0.5_prompts_by_past_logins",
            "login.stopped_at_0.5_prompts_by_frequency",
        ],
    ),
    (
        1.0,
        [
            "login.stopped_at_1_prompt",
            "login.stopped_at_1_prompt_by_past_logins",
            "login.stopped_at_1_prompt_by_frequency",
        ],
    ),
    (
        2.0,
        [
            "login.stopped_at_2_prompts",
            "login.stopped_at_2_prompts_by_past_logins",
            "login.stopped_at_2_prompts_by_frequency",
        ],
    ),
];

/// Lower ends of the classes of past logins, with their names.
pub(super) const PAST: [(u32, &str); 6] = [
    (0, "0 past logins"),
    (1, "1 past login"),
    (2, "2 past logins"),
    (3, "3 or 4 past logins"),
    (5, "5 to 9 past logins"),
    (10, "10 and more past logins"),
];
/// Lower ends of the classes of habit, in logins a week.
pub(super) const HABIT: [(f32, &str); 4] = [
    (0.0, "less than 1 login a week"),
    (1.0, "1 to 7 logins a week"),
    (7.0, "7 to 30 logins a week"),
    (30.0, "30 and more logins a week"),
];

/// The class of past logins.
pub(super) fn past(logins: u32) -> usize {
    PAST.iter().rposition(|(least, _)| logins >= *least).unwrap_or(0)
}

/// The class of habit.
pub(super) fn habit(logins_per_week: f32) -> usize {
    HABIT.iter().rposition(|(least, _)| logins_per_week >= *least).unwrap_or(0)
}

/// A login with the right password, not by a newcomer who is there once: no year of a user has those.
pub(super) fn entered(entry: &Entry) -> bool {
    entry.door == Door::Login && entry.ok && !entry.truth.subgroups.contains(Subgroups::ONCE)
}

pub(super) fn figures(worlds: &[World], draws: &Draws) -> Vec<Figure> {
    let attacks: Vec<(u32, &Entry)> = worlds
        .iter()
        .enumerate()
        .flat_map(|(number, world)| {
            world.attacks().filter(|e| e.takes_over()).map(move |e| (number as u32, e))
        })
        .collect();
    let mut out = Vec::new();
    for judge in Judge::ALL {
        let curve = curve(worlds, judge, entered, Door::Login, |world, _| world.user_years());
        if !curve.is_empty() {
            scored(&curve, &attacks, judge, draws, &mut out);
        }
        operating(worlds, &attacks, judge, draws, &mut out);
    }
    out
}

fn scored(curve: &Curve, attacks: &[(u32, &Entry)], judge: Judge, draws: &Draws, out: &mut Vec<Figure>) {
    let logins: Vec<(u32, &Entry)> = attacks.iter().filter(|(_, e)| e.door == Door::Login).copied().collect();
    let views = [
        rows(&logins, |e| (0, e.truth.attack.map_or("", |a| a.family.name).to_owned())),
        rows(&logins, |e| {
            let class = past(e.truth.past_logins);
            (class, PAST[class].1.to_owned())
        }),
        rows(&logins, |e| {
            let class = habit(e.truth.logins_per_week);
            (class, HABIT[class].1.to_owned())
        }),
    ];
    for (price, whats) in PRICES {
        for (view, what) in views.iter().zip(whats) {
            for ((_, of), entries) in view {
                let scores =
                    entries.iter().filter_map(|(world, e)| e.by(judge).score.map(|score| (score, *world)));
                let caught = Caught::new(scores.collect());
                let estimate = draws.estimate(|taken| caught.share(curve.threshold(price, taken)?, taken));
                out.push(Figure {
                    what,
                    of: of.clone(),
                    judge,
                    estimate,
                    count: caught.len() as u64,
                    unit: Unit::Share,
                    better: Better::High,
                });
            }
        }
    }
}

/// Attacks by what a row is made of; the number puts rows in order.
fn rows<'e>(
    attacks: &[(u32, &'e Entry)],
    of: impl Fn(&Entry) -> (usize, String),
) -> BTreeMap<(usize, String), Vec<(u32, &'e Entry)>> {
    let mut rows: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (world, entry) in attacks {
        rows.entry(of(entry)).or_default().push((*world, *entry));
    }
    rows
}

/// What answers do: attacks stopped by family and by what the attack is, honest logins asked for more.
fn operating(
    worlds: &[World],
    attacks: &[(u32, &Entry)],
    judge: Judge,
    draws: &Draws,
    out: &mut Vec<Figure>,
) {
    let none = vec![(0.0, 0.0); worlds.len()];
    let mut by_family: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    let mut by_past: BTreeMap<usize, Vec<(f64, f64)>> = BTreeMap::new();
    let mut by_habit: BTreeMap<usize, Vec<(f64, f64)>> = BTreeMap::new();
    for (world, entry) in attacks {
        let (Some(stop), Some(attack)) = (entry.by(judge).stops(), entry.truth.attack) else { continue };
        // Accounts that a farm itself made are nobody's to take over.
        if attack.family.about != Kind::Login {
            continue;
        }
        let door = if entry.door == Door::Login { "" } else { " (no login)" };
        let of = format!("{}{door}", attack.family.name);
        let rows = [
            by_family.entry(of).or_insert_with(|| none.clone()),
            by_past.entry(past(entry.truth.past_logins)).or_insert_with(|| none.clone()),
            by_habit.entry(habit(entry.truth.logins_per_week)).or_insert_with(|| none.clone()),
        ];
        for sums in rows {
            sums[*world as usize].0 += f64::from(u8::from(stop));
            sums[*world as usize].1 += 1.0;
        }
    }
    let mut push = |what, of: String, sums: &[(f64, f64)]| {
        let count = sums.iter().map(|s| s.1 as u64).sum();
        let estimate = draws.ratio(sums);
        out.push(Figure { what, of, judge, estimate, count, unit: Unit::Share, better: Better::High });
    };
    for (of, sums) in by_family {
        push("login.stopped_by_answers", of, &sums);
    }
    for (class, sums) in by_past {
        push("login.stopped_by_answers_by_past_logins", PAST[class].1.to_owned(), &sums);
    }
    for (class, sums) in by_habit {
        push("login.stopped_by_answers_by_frequency", HABIT[class].1.to_owned(), &sums);
    }
    prompts(worlds, judge, draws, out);
}

fn prompts(worlds: &[World], judge: Judge, draws: &Draws, out: &mut Vec<Figure>) {
    let mut count = 0;
    let mut sums = Vec::with_capacity(worlds.len());
    for world in worlds {
        let mut stopped = 0.0;
        for stop in world.honest(Door::Login).filter(|e| entered(e)).filter_map(|e| e.by(judge).stops()) {
            count += 1;
            stopped += f64::from(u8::from(stop));
        }
        sums.push((stopped, world.user_years()));
    }
    if count > 0 {
        out.push(Figure {
            what: "login.prompts_by_answers",
            of: "everybody".to_owned(),
            judge,
            estimate: draws.ratio(&sums),
            count,
            unit: Unit::PerUserYear,
            better: Better::Low,
        });
    }
}
