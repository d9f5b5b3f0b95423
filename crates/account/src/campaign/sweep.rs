// SPDX-License-Identifier: Apache-2.0
//! The sweep for sleepers: when one turns out bad, those about it are judged once more, back to their registration.
//!
//! Whoever hangs together with a bad one, also more loosely than a named campaign does, is as likely bad as anybody at first, and
//! likelier the more it shares with the nearest bad one. Circumstance counts for next to nothing here: one bad employee does not
//! make the office bad. Known good ones among the near speak against it.

use super::found::{Campaign, Look};
use super::limits::{BAD_IN_CLUSTER, MEMBERS, SUSPECTS};
use super::link::{LEVELS, line, nats};
use super::traits::{Family, Kind};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use wardroom_event::Micros;

/// One in a hundred is bad before anything is known of it, in nats.
const PRIOR: f64 = -4.6;
/// What sharing a habit says less than between strangers, in nats: of an office's hundred somebody is as quick as the bad one.
const HABIT: f64 = 1.3;
/// The most that circumstance says of kin, in nats.
const CIRCUMSTANCE: f64 = 1.0;
/// From how much kinship on two are near, in nats.
const NEAR: f64 = 1.0;
/// Most that membership in a named campaign adds once one of it is bad, in nats.
const CAMPAIGN_MOST: f64 = 6.0;
/// So much of a campaign's evidence adds one nat.
const CAMPAIGN_EACH: f64 = 2.0;

/// What is known of an account by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It was labelled abuse, or what it did was refused.
    Bad,
    /// It was labelled good.
    Good,
}

/// An account that is likely bad by its kin.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    /// The account.
    pub account: Box<str>,
    /// The number of its sign-up's record.
    pub seq: u64,
    /// When it signed up.
    pub time: Micros,
    /// How likely it is bad.
    pub probability: f64,
    /// The nearest of those that are known to be.
    pub kin: Box<str>,
    /// The named campaign that it is of.
    pub campaign: Option<String>,
    /// What it shares with the nearest, the strongest first.
    pub because: Vec<Reason>,
}

/// Something that a suspect shares with a bad account.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// What it is.
    pub kind: Kind,
    /// Its value, in words.
    pub value: String,
    /// What that says, in nats.
    pub nats: f64,
}

impl Look<'_> {
    /// The accounts of which nothing is known yet and that are bad at least so likely, the likeliest first.
    pub fn sweep(&mut self, known: &BTreeMap<Box<str>, Known>, above: f64) -> Vec<Suspect> {
        let of_campaign = self.by_account();
        // A campaign of which none is known to be bad is no news here.
        let is_bad = |account: &str| known.get(account) == Some(&Known::Bad);
        let bad_ones = of_campaign.iter().filter(|(account, _)| is_bad(account));
        let told: BTreeSet<usize> = bad_ones.map(|(_, place)| *place).collect();
        let clusters = self.linked.levels[0].components(2);
        let mut suspects = Vec::new();
        for members in clusters {
            let of = |wanted| {
                let is = |at: &&u32| known.get(&self.index.signups[**at as usize].account) == Some(&wanted);
                let newest = members.iter().rev().filter(is);
                newest.take(BAD_IN_CLUSTER).copied().collect::<Vec<u32>>()
            };
            let (bad, good) = (of(Known::Bad), of(Known::Good));
            if bad.is_empty() {
                continue;
            }
            for at in &members {
                let account = &self.index.signups[*at as usize].account;
                if known.contains_key(account) {
                    continue;
                }
                let campaign = of_campaign.get(account).filter(|place| told.contains(place));
                let campaign = campaign.map(|place| &self.campaigns()[*place]);
                suspects.extend(self.suspect(*at, &bad, &good, campaign).filter(|s| s.probability >= above));
            }
        }
        suspects.sort_by(|a, b| {
            b.probability.total_cmp(&a.probability).then(a.time.cmp(&b.time)).then(a.seq.cmp(&b.seq))
        });
        suspects.truncate(SUSPECTS);
        suspects
    }

    /// The campaign of each member, by its place.
    fn by_account(&self) -> HashMap<Box<str>, usize> {
        let all = self.campaigns().iter().enumerate();
        let each = all
            .flat_map(|(place, campaign)| campaign.members.iter().map(move |m| (m.account.clone(), place)));
        each.collect()
    }

    fn suspect(&self, at: u32, bad: &[u32], good: &[u32], campaign: Option<&Campaign>) -> Option<Suspect> {
        let kin =
            |of: &[u32]| of.iter().map(|b| (kinship(&self.index.shared(at, *b)), *b)).collect::<Vec<_>>();
        let (bad, good) = (kin(bad), kin(good));
        let near = |all: &[(f64, u32)]| all.iter().filter(|(nats, _)| *nats >= NEAR).count() as f64;
        // Of equals the first, so that it does not depend on the order.
        let (nearest, of) = bad.iter().copied().max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))?;
        // Who is no nearer to a bad one than chance brings anybody is its kin only by a campaign that both are of.
        let is_near = |b: &u32| nats(&self.index.shared(at, *b)) >= line(&self.index) + LEVELS[0];
        if nearest < NEAR || campaign.is_none() && !bad.iter().any(|(_, b)| is_near(b)) {
            return None;
        }
        let named = campaign.map_or(0.0, |c| (c.evidence / CAMPAIGN_EACH).min(CAMPAIGN_MOST));
        let others = ((near(&bad) + 1.0) / (near(&good) + 1.0)).ln();
        let odds = PRIOR + named + nearest + others;
        let signup = self.index.signups[at as usize];
        Some(Suspect {
            account: signup.account.clone(),
            seq: signup.seq,
            time: signup.time,
            probability: 1.0 / (1.0 + (-odds).exp()),
            kin: self.index.signups[of as usize].account.clone(),
            campaign: campaign.map(|c| c.name.clone()),
            because: self.because(at, of),
        })
    }

    /// What two share, of each family the strongest.
    fn because(&self, a: u32, b: u32) -> Vec<Reason> {
        let mut best: BTreeMap<Family, (f64, u32)> = BTreeMap::new();
        self.index.each_shared(a, b, |number, key| {
            let held = best.entry(key.kind.family()).or_insert((key.weight, number));
            if key.weight > held.0 {
                *held = (key.weight, number);
            }
        });
        let told = |(nats, key): (f64, u32)| {
            let kind = self.index.keys[key as usize].kind;
            Reason { kind, value: self.index.words(key), nats }
        };
        let mut because: Vec<Reason> = best.into_values().filter(|(nats, _)| *nats > 0.0).map(told).collect();
        because.sort_by(|a, b| b.nats.total_cmp(&a.nats).then(a.kind.cmp(&b.kind)));
        because
    }
}

/// How near two are by what they share.
fn kinship(shared: &[f64; Family::COUNT]) -> f64 {
    let (circumstance, conduct) = shared.split_at(Family::Device as usize);
    let conduct: f64 = conduct.iter().map(|nats| (nats - HABIT).max(0.0)).sum();
    if conduct <= 0.0 { 0.0 } else { conduct + circumstance.iter().sum::<f64>().min(CIRCUMSTANCE) }
}

const _: () = assert!(MEMBERS > 2, "a cohort may be smaller than a campaign");
