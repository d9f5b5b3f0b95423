// SPDX-License-Identifier: Apache-2.0
//! Figures of attacks on many accounts at once: minutes and accounts to containment, precision while they last.
//!
//! Most attempts of such an attack fail by themselves, so containment goes by those whose password is right. Precision counts
//! every login that was asked for more or stopped between the attack's first attempt and its last, other attacks' among the
//! rightly stopped ones.

use super::containment::containment;
use super::draws::Draws;
use super::figure::{Better, Figure, Unit};
use super::signups::{Campaign, campaigns};
use super::world::{Door, Judge, World};
use crate::accounts::Kind;
use std::collections::BTreeMap;

/// What makes an attack one of many attempts.
const PREFIXES: [&str; 2] = ["login.stuffing", "login.spray"];
/// Microseconds of a minute.
const MINUTE: f64 = 60e6;

/// Part and whole by world, of one figure of one family.
type Sums = Vec<(f64, f64)>;

pub(super) fn figures(worlds: &[World], draws: &Draws) -> Vec<Figure> {
    let mut families: BTreeMap<&str, Vec<Campaign<'_>>> = BTreeMap::new();
    for campaign in campaigns(worlds, Kind::Login, Door::Login) {
        if PREFIXES.iter().any(|prefix| campaign.family.starts_with(prefix)) {
            families.entry(campaign.family).or_default().push(campaign);
        }
    }
    let mut out = Vec::new();
    for judge in Judge::ALL {
        for (family, found) in &families {
            if found.iter().flat_map(|c| &c.members).any(|e| e.by(judge).answer.is_some()) {
                one(worlds, family, found, judge, draws, &mut out);
            }
        }
    }
    out
}

fn one(
    worlds: &[World],
    family: &str,
    found: &[Campaign<'_>],
    judge: Judge,
    draws: &Draws,
    out: &mut Vec<Figure>,
) {
    let none: Sums = vec![(0.0, 0.0); worlds.len()];
    let (mut minutes, mut before, mut contained) = (none.clone(), none.clone(), none.clone());
    let (mut entered, mut attempts, mut precision) = (none.clone(), none.clone(), none);
    for campaign in found {
        let at = campaign.world as usize;
        let stops = |e: &super::world::Entry| e.by(judge).stops().unwrap_or(false);
        let right: Vec<_> = campaign.members.iter().filter(|e| e.takes_over()).collect();
        let stopped: Vec<bool> = right.iter().map(|e| stops(e)).collect();
        let (Some(first), Some(last)) = (campaign.members.first(), campaign.members.last()) else { continue };
        for member in &campaign.members {
            add(&mut attempts[at], stops(member));
        }
        let (good, all) = window(&worlds[at], judge, first.time, last.time);
        precision[at].0 += good;
        precision[at].1 += all;
        if right.is_empty() {
            continue;
        }
        let course = containment(&stopped);
        let until = course.from.map_or(last.time, |from| right[from].time);
        minutes[at].0 += (until - first.time) as f64 / MINUTE;
        minutes[at].1 += 1.0;
        before[at].0 += course.before as f64;
        before[at].1 += 1.0;
        entered[at].0 += course.passed as f64;
        entered[at].1 += right.len() as f64;
        add(&mut contained[at], course.from.is_some());
    }
    let rows: [(&'static str, &Sums, Unit, Better); 6] = [
        ("wave.minutes_to_containment", &minutes, Unit::Minutes, Better::Low),
        ("wave.accounts_before_containment", &before, Unit::Count, Better::Low),
        ("wave.contained", &contained, Unit::Share, Better::High),
        ("wave.right_passwords_entered", &entered, Unit::Share, Better::Low),
        ("wave.attempts_stopped", &attempts, Unit::Share, Better::High),
        ("wave.precision", &precision, Unit::Share, Better::High),
    ];
    for (what, sums, unit, better) in rows {
        let count = sums.iter().map(|s| s.1 as u64).sum();
        let estimate = draws.ratio(sums);
        out.push(Figure { what, of: family.to_owned(), judge, estimate, count, unit, better });
    }
}

fn add(sum: &mut (f64, f64), holds: bool) {
    sum.0 += f64::from(u8::from(holds));
    sum.1 += 1.0;
}

/// Of the logins stopped within that time: attacks, and all.
fn window(world: &World, judge: Judge, first: i64, last: i64) -> (f64, f64) {
    let during = world.entries.iter().filter(|e| e.door == Door::Login && (first..=last).contains(&e.time));
    let stopped = during.filter(|e| e.by(judge).stops() == Some(true));
    stopped.fold((0.0, 0.0), |(good, all), e| (good + f64::from(u8::from(!e.truth.is_honest())), all + 1.0))
}
