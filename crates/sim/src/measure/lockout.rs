// SPDX-License-Identifier: Apache-2.0
//! Whether somebody can lock an owner out by failing at an account: how the owner fares while it is hammered.

use super::draws::Draws;
use super::figure::{Better, Figure, Unit};
use super::world::{Door, Entry, Judge, World, stops};
use crate::accounts::Answer;
use std::collections::HashMap;

/// The family that does nothing but guess at one account.
const FAMILY: &str = "login.hammer";
/// An answer to a challenge that comes later than this is to another, microseconds.
const ANSWERED_WITHIN: i64 = 15 * 60 * 1_000_000;
/// A lock outlasts what caused it: the owner's logins of the hour after are looked at as well, microseconds.
const AFTERWARDS: i64 = 60 * 60 * 1_000_000;

pub(super) fn figures(worlds: &[World], draws: &Draws) -> Vec<Figure> {
    let mut out = Vec::new();
    for judge in Judge::ALL {
        let (mut at_once, mut after_all, mut quiet) = (Vec::new(), Vec::new(), Vec::new());
        for world in worlds {
            let fared = fared(world, judge);
            at_once.push((fared.at_once, fared.all));
            after_all.push((fared.after_all, fared.all));
            quiet.push(fared.quiet);
        }
        let mut push = |what, sums: &[(f64, f64)]| {
            let count: u64 = sums.iter().map(|s| s.1 as u64).sum();
            if count > 0 {
                let (of, estimate) = (FAMILY.to_owned(), draws.ratio(sums));
                out.push(Figure {
                    what,
                    of,
                    judge,
                    estimate,
                    count,
                    unit: Unit::Share,
                    better: Better::High,
                });
            }
        };
        push("lockout.owner_in_at_once", &at_once);
        // Nobody answers the challenge of a judge whom the world does not hear.
        if judge == Judge::Policy {
            push("lockout.owner_in_after_step_up", &after_all);
        }
        push("lockout.owner_in_when_not_attacked", &quiet);
    }
    out
}

#[derive(Default)]
struct Fared {
    all: f64,
    at_once: f64,
    after_all: f64,
    quiet: (f64, f64),
}

fn fared(world: &World, judge: Judge) -> Fared {
    let hammered = hammered(world);
    let mut fared = Fared::default();
    for (at, entry) in world.entries.iter().enumerate() {
        let right =
            entry.truth.is_honest() && entry.door == Door::Login && entry.ok && entry.time >= world.from;
        let (Some((first, last)), true) = (hammered.get(&entry.account), right) else { continue };
        let Some(answer) = entry.by(judge).answer else { continue };
        let passes = !stops(answer);
        if !(*first..=last + AFTERWARDS).contains(&entry.time) {
            fared.quiet.0 += f64::from(u8::from(passes));
            fared.quiet.1 += 1.0;
            continue;
        }
        let answered = answer == Answer::Challenge && steps_up(&world.entries[at..], entry, judge);
        fared.all += 1.0;
        fared.at_once += f64::from(u8::from(passes));
        fared.after_all += f64::from(u8::from(passes || answered));
    }
    fared
}

/// Accounts that are hammered, from when until when.
fn hammered(world: &World) -> HashMap<u64, (i64, i64)> {
    let mut spans: HashMap<u64, (i64, i64)> = HashMap::new();
    let guesses = world.attacks().filter(|e| e.truth.attack.is_some_and(|a| a.family.name == FAMILY));
    for guess in guesses {
        spans.entry(guess.account).or_insert((guess.time, guess.time)).1 = guess.time;
    }
    spans
}

fn steps_up(later: &[Entry], login: &Entry, judge: Judge) -> bool {
    let soon = later.iter().take_while(|e| e.time <= login.time + ANSWERED_WITHIN);
    let mut answers = soon.filter(|e| e.door == Door::StepUp && e.account == login.account);
    answers.any(|e| e.ok && e.truth.is_honest() && e.by(judge).stops() != Some(true))
}
