// SPDX-License-Identifier: Apache-2.0
//! Figures of sign-ups: recall at a fixed share of honest ones, accounts before containment, friction.

use super::containment::containment;
use super::curve::{Caught, Curve};
use super::draws::Draws;
use super::figure::{Better, Figure, Unit};
use super::world::{Door, Entry, Judge, World};
use crate::accounts::Kind;
use std::collections::{BTreeMap, HashMap};

/// Shares of honest sign-ups above the threshold, and the figure's name.
const PRICES: [(f64, &str); 2] = [(0.001, "signup.recall_at_fpr_0.1%"), (0.005, "signup.recall_at_fpr_0.5%")];
/// Accounts that a campaign may have made before it is contained, to be contained early.
const EARLY: usize = 20;
/// Size of campaigns from which on early containment is counted.
const LARGE: u32 = 100;

/// A campaign in a world.
pub(super) struct Campaign<'w> {
    pub(super) world: u32,
    pub(super) family: &'static str,
    pub(super) size: u32,
    pub(super) members: Vec<&'w Entry>,
}

/// The campaigns of a kind, each with its members that go through `door`, in order of time.
pub(super) fn campaigns(worlds: &[World], about: Kind, door: Door) -> Vec<Campaign<'_>> {
    let mut found: BTreeMap<(u32, u32), Campaign<'_>> = BTreeMap::new();
    for (number, world) in worlds.iter().enumerate() {
        for entry in world.attacks().filter(|e| e.door == door) {
            let Some(attack) = entry.truth.attack.filter(|a| a.family.about == about) else { continue };
            let (world, family, size) = (number as u32, attack.family.name, attack.size);
            let fresh = || Campaign { world, family, size, members: Vec::new() };
            found.entry((world, attack.campaign)).or_insert_with(fresh).members.push(entry);
        }
    }
    found.into_values().collect()
}

pub(super) fn figures(worlds: &[World], draws: &Draws) -> Vec<Figure> {
    let campaigns = campaigns(worlds, Kind::Signup, Door::Signup);
    let mut out = Vec::new();
    for judge in Judge::ALL {
        recall(worlds, &campaigns, judge, draws, &mut out);
        operating(worlds, &campaigns, judge, draws, &mut out);
        friction(worlds, judge, draws, &mut out);
    }
    survivors(worlds, &campaigns, draws, &mut out);
    out
}

/// What rows are made of: each family with each of its sizes.
fn rows<'c, 'w>(campaigns: &'c [Campaign<'w>]) -> BTreeMap<(&'static str, u32), Vec<&'c Campaign<'w>>> {
    let mut rows: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for campaign in campaigns {
        rows.entry((campaign.family, campaign.size)).or_default().push(campaign);
    }
    rows
}

fn row(family: &str, size: u32) -> String {
    format!("{family} of {size}")
}

/// The curve of a judge over honest events of a door; `whole` says what the price is a rate of.
pub(super) fn curve(
    worlds: &[World],
    judge: Judge,
    honest: impl Fn(&Entry) -> bool,
    door: Door,
    whole: impl Fn(&World, usize) -> f64,
) -> Curve {
    let (mut scores, mut weights, mut wholes) = (Vec::new(), Vec::new(), Vec::new());
    for (number, world) in worlds.iter().enumerate() {
        let before = scores.len();
        let mut all = 0usize;
        for entry in world.honest(door).filter(|e| honest(e)) {
            all += 1;
            scores.extend(entry.by(judge).score.map(|score| (score, number as u32)));
        }
        let scored = scores.len() - before;
        weights.push(if scored > 0 { all as f64 / scored as f64 } else { 0.0 });
        // A world that the judge scored nothing of has no say in the price.
        wholes.push(if scored > 0 { whole(world, all) } else { 0.0 });
    }
    Curve::new(scores, weights, wholes)
}

fn recall(worlds: &[World], campaigns: &[Campaign<'_>], judge: Judge, draws: &Draws, out: &mut Vec<Figure>) {
    let curve = curve(worlds, judge, |_| true, Door::Signup, |_, all| all as f64);
    if curve.is_empty() {
        return;
    }
    for ((family, size), members) in rows(campaigns) {
        let scores = members
            .iter()
            .flat_map(|c| c.members.iter().filter_map(|e| e.by(judge).score.map(|score| (score, c.world))));
        let caught = Caught::new(scores.collect());
        for (price, what) in PRICES {
            let estimate = draws.estimate(|taken| caught.share(curve.threshold(price, taken)?, taken));
            let count = caught.len() as u64;
            let of = row(family, size);
            out.push(Figure { what, of, judge, estimate, count, unit: Unit::Share, better: Better::High });
        }
    }
}

/// What answers do to campaigns: members stopped, accounts before containment.
fn operating(
    worlds: &[World],
    campaigns: &[Campaign<'_>],
    judge: Judge,
    draws: &Draws,
    out: &mut Vec<Figure>,
) {
    let has_answers = campaigns.iter().flat_map(|c| &c.members).any(|e| e.by(judge).answer.is_some());
    if !has_answers {
        return;
    }
    let mut families: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for ((family, size), found) in rows(campaigns) {
        let mut sums = Sums::new(worlds.len());
        for campaign in &found {
            let stopped: Vec<bool> =
                campaign.members.iter().map(|e| e.by(judge).stops().unwrap_or(false)).collect();
            let course = containment(&stopped);
            let world = campaign.world as usize;
            sums.stopped[world].0 += (stopped.len() - course.passed) as f64;
            sums.stopped[world].1 += stopped.len() as f64;
            sums.before[world].0 += course.before as f64;
            sums.before[world].1 += 1.0;
            sums.contained[world].0 += f64::from(u8::from(course.from.is_some()));
            sums.contained[world].1 += 1.0;
            if size >= LARGE {
                let all = families.entry(family).or_insert_with(|| vec![(0.0, 0.0); worlds.len()]);
                all[world].0 += f64::from(u8::from(course.is_before(EARLY)));
                all[world].1 += 1.0;
            }
        }
        let members = found.iter().map(|c| c.members.len() as u64).sum();
        let (of, count) = (row(family, size), found.len() as u64);
        let push = |what, sums: &[(f64, f64)], count, unit, better, out: &mut Vec<Figure>| {
            let estimate = draws.ratio(sums);
            out.push(Figure { what, of: of.clone(), judge, estimate, count, unit, better });
        };
        push("signup.members_stopped", &sums.stopped, members, Unit::Share, Better::High, out);
        push("signup.accounts_before_containment", &sums.before, count, Unit::Count, Better::Low, out);
        push("signup.campaigns_contained", &sums.contained, count, Unit::Share, Better::High, out);
    }
    for (family, sums) in families {
        let count = sums.iter().map(|s| s.1 as u64).sum();
        let (what, of) = ("signup.contained_before_20_accounts", format!("{family} of 100 and more"));
        let estimate = draws.ratio(&sums);
        out.push(Figure { what, of, judge, estimate, count, unit: Unit::Share, better: Better::High });
    }
}

struct Sums {
    stopped: Vec<(f64, f64)>,
    before: Vec<(f64, f64)>,
    contained: Vec<(f64, f64)>,
}

impl Sums {
    fn new(worlds: usize) -> Sums {
        let none = vec![(0.0, 0.0); worlds];
        Sums { stopped: none.clone(), before: none.clone(), contained: none }
    }
}

/// Share of honest sign-ups that are asked for something or stopped.
fn friction(worlds: &[World], judge: Judge, draws: &Draws, out: &mut Vec<Figure>) {
    let sums = worlds.iter().map(|world| {
        let answers = world.honest(Door::Signup).filter_map(|e| e.by(judge).stops());
        answers.fold((0.0, 0.0), |(part, whole), stop| (part + f64::from(u8::from(stop)), whole + 1.0))
    });
    let sums: Vec<(f64, f64)> = sums.collect();
    let count = sums.iter().map(|s| s.1 as u64).sum();
    if count > 0 {
        let (what, of) = ("signup.honest_with_friction", "everybody".to_owned());
        let estimate = draws.ratio(&sums);
        out.push(Figure { what, of, judge, estimate, count, unit: Unit::Share, better: Better::Low });
    }
}

/// Members whose account exists in the end: the sign-up passed, or its challenge was answered. The world reacts to the
/// policy alone, so it has this figure alone.
fn survivors(worlds: &[World], campaigns: &[Campaign<'_>], draws: &Draws, out: &mut Vec<Figure>) {
    let solved: Vec<HashMap<u64, i64>> = worlds.iter().map(answered).collect();
    for ((family, size), found) in rows(campaigns) {
        let mut sums = vec![(0.0, 0.0); worlds.len()];
        for campaign in &found {
            for entry in &campaign.members {
                let world = campaign.world as usize;
                let exists = match entry.by(Judge::Policy).answer {
                    Some(crate::accounts::Answer::Challenge) => {
                        solved[world].get(&entry.account).is_some_and(|at| *at >= entry.time)
                    }
                    Some(answer) => !super::world::stops(answer),
                    None => true,
                };
                sums[world].0 += f64::from(u8::from(exists));
                sums[world].1 += 1.0;
            }
        }
        out.push(Figure {
            what: "signup.accounts_in_the_end",
            of: row(family, size),
            judge: Judge::Policy,
            estimate: draws.ratio(&sums),
            count: found.iter().map(|c| c.members.len() as u64).sum(),
            unit: Unit::Share,
            better: Better::Low,
        });
    }
}

/// Accounts for which a challenge was answered rightly, and when last, where that was not stopped itself.
fn answered(world: &World) -> HashMap<u64, i64> {
    let right = world.attacks().filter(|e| e.door == Door::StepUp && e.ok);
    let right = right.filter(|e| e.by(Judge::Policy).stops() != Some(true));
    right.map(|e| (e.account, e.time)).collect()
}
