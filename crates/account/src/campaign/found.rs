// SPDX-License-Identifier: Apache-2.0
//! What was found: campaigns with their names, members and reasons.

use super::index::Index;
use super::judge::{Judge, Judged, Weighed};
use super::limits::{CAMPAIGNS, MEMBERS};
use super::link::Linked;
use super::signup::Signup;
use super::traits::Kind;
use siphasher::sip::SipHasher13;
use std::collections::BTreeSet;
use std::hash::Hasher;
use wardroom_event::{Micros, Part, Value};

/// Which share of what is found within it a campaign must cover to stand for it.
const COVERS: f64 = 0.9;
/// Longest part of a name that says what is shared, in characters.
const SLUG_CHARS: usize = 32;

/// Accounts that one hand made, as far as can be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Campaign {
    /// What it is called: what is shared, the day of its first sign-up, and a mark of that sign-up.
    pub name: String,
    /// Its members, by time.
    pub members: Vec<Member>,
    /// What they share, the strongest first.
    pub shared: Vec<Shared>,
    /// When the first of them signed up.
    pub first: Micros,
    /// When the last did.
    pub last: Micros,
    /// How much more likely all this is of one hand than of honest people, in nats.
    pub evidence: f64,
}

/// A member of a campaign.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The account.
    pub account: Box<str>,
    /// The number of its sign-up's record.
    pub seq: u64,
    /// When it signed up.
    pub time: Micros,
    /// What it shares with the others, in nats.
    pub evidence: f64,
    /// Which of what they share, by place in [`Campaign::shared`].
    pub shares: Vec<usize>,
}

/// Something that members share.
#[derive(Clone, Debug, PartialEq)]
pub struct Shared {
    /// What it is.
    pub kind: Kind,
    /// Its value, in words. It may tell of a person ([`Kind::is_personal`]).
    pub value: String,
    /// How many members have it.
    pub members: usize,
    /// Of how many it is known.
    pub of: usize,
    /// How many of them would by honest sharing.
    pub expected: f64,
    /// What that says, in nats.
    pub nats: f64,
}

/// What a look at sign-ups found.
pub struct Look<'a> {
    pub(super) index: Index<'a>,
    pub(super) linked: Linked,
    campaigns: Vec<Campaign>,
    is_cut: bool,
}

impl std::fmt::Debug for Look<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Look({} campaigns)", self.campaigns.len())
    }
}

impl<'a> Look<'a> {
    /// Looks at sign-ups, which come in the order of their places.
    pub(super) fn at(signups: Vec<&'a Signup>, secret: [u8; 16], stop: &dyn Fn() -> bool) -> Look<'a> {
        debug_assert!(signups.is_sorted_by(|a, b| a.place() < b.place()));
        let index = Index::over(signups, secret);
        let mut linked = Linked::until(&index, stop);
        let mut judge = Judge::new(&index, stop);
        let roots = linked.levels[1].components(MEMBERS);
        let found: Vec<Judged> =
            roots.into_iter().flat_map(|members| best(&mut linked, &mut judge, 1, &members)).collect();
        let is_cut = linked.is_cut || judge.is_cut();
        let mut campaigns: Vec<Campaign> = found.iter().map(|judged| named(&index, judged)).collect();
        campaigns.sort_by(|a, b| b.evidence.total_cmp(&a.evidence).then_with(|| a.name.cmp(&b.name)));
        campaigns.truncate(CAMPAIGNS);
        tell_apart(&mut campaigns);
        Look { index, linked, campaigns, is_cut }
    }

    /// The campaigns, the strongest first.
    pub fn campaigns(&self) -> &[Campaign] {
        &self.campaigns
    }

    /// A campaign by its name; or by what its name ends with, day and mark, which stay when what is shared most changes.
    pub fn campaign(&self, name: &str) -> Option<&Campaign> {
        let by_end = |campaign: &&Campaign| ending(&campaign.name) == ending(name);
        let exact = self.campaigns.iter().find(|campaign| campaign.name == name);
        exact.or_else(|| self.campaigns.iter().find(by_end).filter(|_| ending(name).len() >= ENDING))
    }

    /// How many sign-ups were looked at.
    pub fn signups(&self) -> usize {
        self.index.signups.len()
    }

    /// How many pairs of them were compared.
    pub fn comparisons(&self) -> u64 {
        self.linked.comparisons
    }

    /// Whether there was more to look at than a look may take.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }
}

/// The campaign of a component, or else those of the parts that hang together more closely.
fn best(linked: &mut Linked, judge: &mut Judge, level: usize, members: &[u32]) -> Vec<Judged> {
    let own = judge.judge(members);
    let parts = parts(linked, level + 1, members);
    let below: Vec<Judged> = match &parts[..] {
        [part] if part.len() == members.len() => {
            // The same again: only what lies deeper can differ.
            return match own {
                Some(own) => vec![own],
                None => best(linked, judge, level + 1, members),
            };
        }
        _ => parts.iter().flat_map(|part| best(linked, judge, level + 1, part)).collect(),
    };
    let among: usize = below.iter().map(|judged| judged.members.len()).sum();
    match own {
        Some(own) if own.members.len() as f64 >= COVERS * among as f64 => vec![own],
        _ => below,
    }
}

/// The parts of a component that hang together on a level.
fn parts(linked: &mut Linked, level: usize, members: &[u32]) -> Vec<Vec<u32>> {
    let Some(union) = linked.levels.get_mut(level) else { return Vec::new() };
    let mut by_root: Vec<(u32, u32)> = members.iter().map(|at| (union.root(*at), *at)).collect();
    by_root.sort_unstable();
    let parts = by_root.chunk_by(|a, b| a.0 == b.0).filter(|part| part.len() >= MEMBERS);
    parts.map(|part| part.iter().map(|(_, at)| *at).collect()).collect()
}

fn named(index: &Index, judged: &Judged) -> Campaign {
    let told = |weighed: &Weighed| Shared {
        kind: weighed.kind,
        value: index.words(weighed.key),
        members: judged.members.iter().filter(|at| has(index, **at, weighed.key)).count(),
        of: judged.members.iter().filter(|at| index.knows(**at, weighed.kind)).count(),
        expected: weighed.expected,
        nats: weighed.nats,
    };
    let shared: Vec<Shared> = judged.traits.iter().map(told).collect();
    let member = |(at, evidence): (&u32, &f64)| {
        let signup = index.signups[*at as usize];
        let keys = judged.traits.iter().enumerate();
        let shares =
            keys.filter(|(_, weighed)| has(index, *at, weighed.key)).map(|(place, _)| place).collect();
        Member {
            account: signup.account.clone(),
            seq: signup.seq,
            time: signup.time,
            evidence: *evidence,
            shares,
        }
    };
    let members: Vec<Member> = judged.members.iter().zip(&judged.each).map(member).collect();
    let times = || members.iter().map(|member| member.time);
    let (first, last) = (times().min().unwrap_or(Micros(0)), times().max().unwrap_or(Micros(0)));
    let name = name(&index.secret, &shared, &members, first);
    Campaign { name, members, shared, first, last, evidence: judged.evidence }
}

fn has(index: &Index, at: u32, key: u32) -> bool {
    index.of[at as usize].binary_search(&key).is_ok()
}

/// How long day and mark are at the end of a name.
const ENDING: usize = "2026-01-05-abcd".len();

fn ending(name: &str) -> &str {
    name.len().checked_sub(ENDING).and_then(|at| name.get(at..)).unwrap_or("")
}

/// Whether a kind's values are words that somebody remembers, and tell nobody's name.
fn is_spoken(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::MailSite | Kind::Net | Kind::Wide | Kind::System | Kind::From | Kind::Tls | Kind::Agent
    )
}

/// What is shared, in a word, the first day, and a mark of the first member.
fn name(secret: &[u8; 16], shared: &[Shared], members: &[Member], first: Micros) -> String {
    let what = shared.iter().find(|shared| is_spoken(shared.kind)).or(shared.first());
    let slug = what.map_or_else(|| "campaign".to_owned(), slug);
    let day = match Part::TimeDay.of(&Value::Time(first)) {
        Value::Text(day) => day,
        _ => "".into(),
    };
    let mut hasher = SipHasher13::new_with_key(secret);
    hasher.write(members.first().map_or("", |member| &member.account).as_bytes());
    format!("{slug}-{day}-{:04x}", hasher.finish() & 0xffff)
}

fn slug(shared: &Shared) -> String {
    let text = if is_spoken(shared.kind) { &shared.value } else { shared.kind.id() };
    let mut slug = String::new();
    for c in text.chars().take(SLUG_CHARS) {
        match c.is_ascii_alphanumeric() {
            true => slug.push(c.to_ascii_lowercase()),
            false if slug.ends_with('-') || slug.is_empty() => {}
            false => slug.push('-'),
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// Gives campaigns that came to the same name a number in front.
fn tell_apart(campaigns: &mut [Campaign]) {
    let mut taken = BTreeSet::new();
    for campaign in campaigns {
        let (plain, mut number) = (campaign.name.clone(), 2);
        while !taken.insert(campaign.name.clone()) {
            campaign.name = format!("{number}-{plain}");
            number += 1;
        }
    }
}
