// SPDX-License-Identifier: Apache-2.0
//! Whether sign-ups that hang together are a campaign: what they share against what honest sharing predicts.
//!
//! The rival is an honest group: everybody who has the rarest circumstance that most of them share (a network, a mail site, a
//! program). Such a group explains at once all circumstance that it shares, at the price of there being one; so circumstance
//! together says [`GROUP`] nats at most, however many share it, and never makes a campaign alone. What they *did* is held
//! against the habits of that whole crowd, members or not, so picking those who happen to be alike gains nothing.

use super::honest::{excess, surprise};
use super::index::{Index, smoothed};
use super::limits::{CROWD_STEPS, MEMBERS};
use super::traits::{Family, Kind};
use std::collections::BTreeMap;

/// From how much evidence on a campaign is named, in nats.
pub(super) const NAMED: f64 = 12.0;
/// What a group of honest people costs: the most that circumstance says.
pub(super) const GROUP: f64 = 5.0;
/// What choosing the best key of a family costs.
const CHOICE: f64 = 3.0;
/// Which share of members must have a circumstance for it to be their crowd's.
const CROWD_SHARE: f64 = 0.6;
/// Keys of each family that are looked at closely.
const KEYS_EACH: usize = 4;
/// What a member must share of its campaign itself, in nats.
const MEMBER_LEAST: f64 = 6.0;
/// The most that one thing says which only a household shares: a library has a computer too.
const THING: f64 = 15.0;
/// Fewer that are expected to share such a thing are so many.
const THING_LEAST: f64 = 0.5;
/// A trait that says less is not told.
const TOLD: f64 = 0.5;

/// A key that members share, weighed.
#[derive(Clone, Debug)]
pub(super) struct Weighed {
    pub(super) key: u32,
    pub(super) kind: Kind,
    /// How many members have it.
    pub(super) members: usize,
    /// Of how many it is known.
    pub(super) of: usize,
    /// How many of them would have it, were they like all others.
    pub(super) expected: f64,
    pub(super) nats: f64,
}

/// Sign-ups that are a campaign.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) members: Vec<u32>,
    /// What each member shares, in nats.
    pub(super) each: Vec<f64>,
    pub(super) evidence: f64,
    /// The strongest first.
    pub(super) traits: Vec<Weighed>,
}

/// Some sign-ups, counted.
struct Counted<'m> {
    members: &'m [u32],
    /// How many of them have each key.
    keys: BTreeMap<u32, usize>,
    /// Of how many of them each kind is known.
    known: Vec<usize>,
}

/// Judges components, one after the other.
pub(super) struct Judge<'a, 'i> {
    index: &'a Index<'i>,
    /// In which round a sign-up was last of the crowd.
    marked: Vec<u32>,
    round: u32,
    /// The crowd; none where it is everybody.
    crowd: Option<Vec<u32>>,
    steps: u64,
    stop: &'a dyn Fn() -> bool,
    is_stopped: bool,
}

impl<'a, 'i> Judge<'a, 'i> {
    pub(super) fn new(index: &'a Index<'i>, stop: &'a dyn Fn() -> bool) -> Judge<'a, 'i> {
        Judge {
            index,
            marked: vec![0; index.signups.len()],
            round: 0,
            crowd: None,
            steps: 0,
            stop,
            is_stopped: false,
        }
    }

    /// Whether no more can be looked at.
    pub(super) fn is_cut(&self) -> bool {
        self.steps >= CROWD_STEPS || self.is_stopped
    }

    /// The campaign among these, if there is one: without those who only came along.
    pub(super) fn judge(&mut self, members: &[u32]) -> Option<Judged> {
        let first = self.weigh(members)?;
        let kept = |judged: &Judged| -> Vec<u32> {
            let strong = judged.members.iter().zip(&judged.each).filter(|(_, nats)| **nats >= MEMBER_LEAST);
            strong.map(|(member, _)| *member).collect()
        };
        let strong = kept(&first);
        if strong.len() == members.len() {
            return Some(first);
        }
        let mut second = self.weigh(&strong)?;
        let still = kept(&second);
        if still.len() < MEMBERS {
            return None;
        }
        let each = second.members.iter().zip(&second.each).filter(|(member, _)| still.contains(member));
        second.each = each.map(|(_, nats)| *nats).collect();
        second.members = still;
        Some(second)
    }

    fn weigh(&mut self, members: &[u32]) -> Option<Judged> {
        self.is_stopped = self.is_stopped || (self.stop)();
        if members.len() < MEMBERS || self.is_cut() {
            return None;
        }
        let counted = self.count(members);
        let hopeful = self.hopeful(&counted);
        let most: f64 = best_of_each(&hopeful).map(|weighed| (weighed.nats - CHOICE).max(0.0)).sum();
        if most + GROUP < NAMED {
            return None;
        }
        self.gather(&counted);
        let conduct: Vec<Weighed> = hopeful.into_iter().map(|weighed| self.in_crowd(weighed)).collect();
        let conduct: Vec<Weighed> =
            best_of_each(&conduct).filter(|weighed| weighed.nats > 0.0).cloned().collect();
        let circumstance = self.circumstance(&counted);
        let in_all: f64 = circumstance.iter().map(|weighed| weighed.nats).sum();
        let evidence = conduct.iter().map(|weighed| weighed.nats).sum::<f64>() + in_all.min(GROUP);
        if evidence < NAMED {
            return None;
        }
        let share = if in_all > GROUP { GROUP / in_all } else { 1.0 };
        let scaled =
            circumstance.into_iter().map(|weighed| Weighed { nats: weighed.nats * share, ..weighed });
        let mut traits: Vec<Weighed> = conduct.into_iter().chain(scaled).collect();
        let each = members.iter().map(|member| self.of_member(*member, &traits)).collect();
        traits.retain(|weighed| weighed.nats >= TOLD || weighed.kind.family().is_conduct());
        traits.sort_by(|a, b| b.nats.total_cmp(&a.nats).then(a.kind.cmp(&b.kind)).then(a.key.cmp(&b.key)));
        Some(Judged { members: members.to_vec(), each, evidence, traits })
    }

    fn count<'m>(&mut self, members: &'m [u32]) -> Counted<'m> {
        let mut all: Vec<u32> =
            members.iter().flat_map(|member| &*self.index.of[*member as usize]).copied().collect();
        self.steps += all.len() as u64;
        all.sort_unstable();
        let keys = all.chunk_by(|a, b| a == b).map(|same| (same[0], same.len())).collect();
        let knows = |kind: &Kind| members.iter().filter(|member| self.index.knows(**member, *kind)).count();
        Counted { members, keys, known: Kind::ALL.iter().map(knows).collect() }
    }

    /// The keys of conduct that would say most if the members were all there is.
    fn hopeful(&self, counted: &Counted) -> Vec<Weighed> {
        let mut by_family: BTreeMap<Family, Vec<Weighed>> = BTreeMap::new();
        for (key, have) in &counted.keys {
            let kind = self.index.keys[*key as usize].kind;
            if !kind.family().is_conduct() || *have < MEMBERS {
                continue;
            }
            let weighed = self.weighed(*key, *have, counted);
            let q = weighed.expected / weighed.of.max(1) as f64;
            let nats = said(kind, *have, weighed.of, q);
            by_family.entry(kind.family()).or_default().push(Weighed { nats, ..weighed });
        }
        for all in by_family.values_mut() {
            all.sort_by(|a, b| b.nats.total_cmp(&a.nats).then(a.key.cmp(&b.key)));
            all.truncate(KEYS_EACH);
        }
        by_family.into_values().flatten().collect()
    }

    /// A key that so many members have, with how many are expected to; nothing is said of it yet.
    fn weighed(&self, key: u32, have: usize, counted: &Counted) -> Weighed {
        let kind = self.index.keys[key as usize].kind;
        let of = counted.known[kind as usize];
        let (all, measured) = (self.index.holders(key).len(), self.index.measured[kind as usize] as usize);
        let q = smoothed(kind, (all - have) as f64, (measured - of) as f64);
        Weighed { key, kind, members: have, of, expected: q * of as f64, nats: 0.0 }
    }

    /// Marks everybody who has the rarest circumstance that most members share, and the members.
    fn gather(&mut self, counted: &Counted) {
        self.round += 1;
        let least = CROWD_SHARE * counted.members.len() as f64;
        let fits =
            |key: u32, have: usize| makes_crowd(self.index.keys[key as usize].kind) && have as f64 >= least;
        let all = counted.keys.iter().filter(|(key, have)| fits(**key, **have));
        let rarest = all.map(|(key, _)| (self.index.holders(*key).len(), *key)).min();
        // Where nothing is shared by most, everybody is the crowd.
        self.crowd = rarest.map(|(_, key)| {
            let mut crowd = [counted.members, self.index.holders(key)].concat();
            crowd.sort_unstable();
            crowd.dedup();
            crowd
        });
        for member in self.crowd.iter().flatten() {
            self.marked[*member as usize] = self.round;
        }
    }

    /// What a key of conduct says against the whole crowd.
    fn in_crowd(&mut self, weighed: Weighed) -> Weighed {
        let Weighed { key, kind, members: have, of, .. } = weighed;
        let holders = self.index.holders(key);
        let (all, measured) = (holders.len(), self.index.measured[kind as usize] as usize);
        // Where everybody is the crowd, the others are those who are no members.
        let (k, m, had, of) = match &self.crowd {
            None => (all, measured, have, of),
            Some(crowd) => {
                let k = holders.iter().filter(|at| self.marked[**at as usize] == self.round).count();
                let m = crowd.iter().filter(|at| self.index.knows(**at, kind)).count();
                self.steps += (all + crowd.len()) as u64;
                (k, m, k, m)
            }
        };
        let q = smoothed(kind, (all - had) as f64, (measured - of) as f64);
        let nats = said(kind, k, m, q) - CHOICE;
        Weighed { expected: q * weighed.of as f64, nats: nats.max(0.0), ..weighed }
    }

    /// What is shared of circumstance: of each family the strongest.
    fn circumstance(&self, counted: &Counted) -> Vec<Weighed> {
        let is_told = |key: u32, have: usize| {
            !self.index.keys[key as usize].kind.family().is_conduct()
                && have * 4 >= counted.members.len()
                && have > 1
        };
        let all: Vec<Weighed> = counted
            .keys
            .iter()
            .filter(|(key, have)| is_told(**key, **have))
            .map(|(key, have)| {
                let weighed = self.weighed(*key, *have, counted);
                let expected = weighed.expected.max(self.at_home(*key));
                Weighed { expected, nats: excess(*have as f64, expected), ..weighed }
            })
            .collect();
        best_of_each(&all).filter(|weighed| weighed.nats > 0.0).cloned().collect()
    }

    /// How many of one place are honest neighbours by what its network is for: a campus and a carrier have many.
    fn at_home(&self, key: u32) -> f64 {
        if self.index.keys[key as usize].kind.family() != Family::Place {
            return 0.0;
        }
        let holder = self.index.holders(key).first().map(|at| self.index.signups[*at as usize]);
        match holder.and_then(|signup| signup.kind.as_deref()) {
            Some("hosting") => 1.0,
            Some("mobile" | "education" | "business" | "government" | "vpn" | "relay" | "tor") => 30.0,
            _ => 4.0,
        }
    }

    /// What a member shares itself.
    fn of_member(&self, member: u32, traits: &[Weighed]) -> f64 {
        let keys = &self.index.of[member as usize];
        let has = |weighed: &&Weighed| keys.binary_search(&weighed.key).is_ok();
        let (mut conduct, mut circumstance) = (0.0, 0.0);
        for weighed in traits.iter().filter(has) {
            let ratio = (weighed.members as f64 / weighed.expected.max(f64::MIN_POSITIVE)).ln().max(0.0);
            match weighed.kind.family().is_conduct() {
                true => conduct += ratio,
                false => circumstance += ratio,
            }
        }
        if conduct > 0.0 { conduct + f64::min(circumstance, GROUP) } else { 0.0 }
    }
}

/// What `k` of a crowd of `m` says that have something in common which a share `q` of others has.
fn said(kind: Kind, k: usize, m: usize, q: f64) -> f64 {
    match kind.spare() {
        0 => surprise(k as f64, m as f64, q),
        // A thing is no habit: who is not of the household has it not at all.
        household => excess(k.saturating_sub(household) as f64, (q * m as f64).max(THING_LEAST)).min(THING),
    }
}

/// Whether a circumstance makes those who share it a group.
fn makes_crowd(kind: Kind) -> bool {
    !kind.family().is_conduct()
        && !matches!(kind, Kind::Minutes | Kind::Wide | Kind::System | Kind::Answered | Kind::Near)
}

/// The strongest of each family, in the order of families.
fn best_of_each(all: &[Weighed]) -> impl Iterator<Item = &Weighed> {
    let mut best: BTreeMap<Family, &Weighed> = BTreeMap::new();
    for weighed in all {
        let held = best.entry(weighed.kind.family()).or_insert(weighed);
        if weighed.nats > held.nats {
            *held = weighed;
        }
    }
    best.into_values()
}
