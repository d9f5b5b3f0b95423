// SPDX-License-Identifier: Apache-2.0
//! Who shares which key, and how much that says: the surprise at meeting another honest sign-up that has it too.

use super::signup::Signup;
use super::traits::{self, Family, Kind};
use siphasher::sip::SipHasher13;
use std::cmp::Ordering;
use std::hash::Hasher;

/// How many observations the usual share of a kind is worth, so that a small provider's first hundred sign-ups are not taken
/// for the world.
pub(super) const PRIOR_WEIGHT: f64 = 100.0;
/// Into so many parts of equal length the sign-ups are cut, by time, to tell a burst from what is usual.
const SLICES: usize = 8;
/// Parts with fewer sign-ups of which a kind is known tell nothing.
const SLICE_LEAST: u32 = 40;
/// A share up to this is believed though it came in a few of them only: rare things come in bursts among honest people too.
const BURST_SHARE: f64 = 0.005;
/// The most that one key may say, in nats.
const WEIGHT_MOST: f64 = 12.0;
/// A key that says less links nobody.
const WEIGHT_LEAST: f64 = 0.5;

/// What a household shares says so little, in nats.
const HOUSEHOLD: f64 = 1.5;
/// Where more than a household share what only a household does, they hang together: whether that is a campaign is judged then.
const MORE_THAN_HOUSEHOLD: f64 = 40.0;

/// A key that at least two share.
pub(super) struct Key {
    pub(super) kind: Kind,
    /// What sharing it says between two strangers, in nats.
    pub(super) weight: f64,
    hash: u64,
    from: u32,
    to: u32,
}

/// Sign-ups by what they share.
pub(super) struct Index<'a> {
    /// In the order of their places.
    pub(super) signups: Vec<&'a Signup>,
    pub(super) keys: Vec<Key>,
    /// The keys of each, ascending.
    pub(super) of: Vec<Box<[u32]>>,
    /// Which kinds are known of each, a bit a kind.
    known: Vec<u32>,
    postings: Vec<u32>,
    /// Of how many a kind is known.
    pub(super) measured: Vec<u32>,
    /// The keys of conduct of each, one after the other, and where each's begin: most comparisons look no further.
    conduct: Vec<u32>,
    conduct_from: Vec<u32>,
    pub(super) secret: [u8; 16],
}

impl<'a> Index<'a> {
    /// Over sign-ups in the order of their places.
    pub(super) fn over(signups: Vec<&'a Signup>, secret: [u8; 16]) -> Index<'a> {
        let (mut pairs, mut known) = (Vec::new(), vec![0; signups.len()]);
        for (at, signup) in signups.iter().enumerate() {
            let first = pairs.len();
            traits::each(signup, &mut |kind, words| {
                known[at] |= 1 << kind as u32;
                pairs.push((kind, hash(&secret, kind, words), at as u32));
            });
            // A name of one letter twice has one stem twice.
            pairs[first..].sort_unstable();
            let mut kept = first;
            for next in first..pairs.len() {
                if next == first || pairs[next] != pairs[kept - 1] {
                    pairs[kept] = pairs[next];
                    kept += 1;
                }
            }
            pairs.truncate(kept);
        }
        pairs.sort_unstable();
        let mut index = Index {
            keys: Vec::new(),
            of: Vec::new(),
            postings: Vec::new(),
            measured: vec![0; Kind::ALL.len()],
            known,
            signups,
            conduct: Vec::new(),
            conduct_from: vec![0],
            secret,
        };
        index.count(&pairs);
        index
    }

    fn count(&mut self, pairs: &[(Kind, u64, u32)]) {
        let slices = Slices::of(&self.known);
        for known in &self.known {
            for kind in Kind::ALL {
                self.measured[*kind as usize] += (known >> *kind as u32) & 1;
            }
        }
        let mut of: Vec<Vec<u32>> = vec![Vec::new(); self.signups.len()];
        for shared in pairs.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).filter(|shared| shared.len() > 1) {
            let (kind, hash, from) = (shared[0].0, shared[0].1, self.postings.len() as u32);
            for (.., at) in shared {
                of[*at as usize].push(self.keys.len() as u32);
                self.postings.push(*at);
            }
            let to = self.postings.len() as u32;
            let weight = match kind.spare() {
                0 => {
                    let holders = &self.postings[from as usize..];
                    -slices.share(kind, holders, self.measured[kind as usize]).ln()
                }
                household if shared.len() <= household => HOUSEHOLD,
                _ => MORE_THAN_HOUSEHOLD,
            };
            let weight = if kind.spare() == 0 { weight.min(WEIGHT_MOST) } else { weight };
            self.keys.push(Key {
                kind,
                weight: if weight < WEIGHT_LEAST { 0.0 } else { weight },
                hash,
                from,
                to,
            });
        }
        for keys in &of {
            let is_conduct = |key: &&u32| self.keys[**key as usize].kind.family().is_conduct();
            self.conduct.extend(keys.iter().filter(is_conduct));
            self.conduct_from.push(self.conduct.len() as u32);
        }
        self.of = of.into_iter().map(Vec::into_boxed_slice).collect();
    }

    /// Who has a key, in the order of their places.
    pub(super) fn holders(&self, key: u32) -> &[u32] {
        let Key { from, to, .. } = self.keys[key as usize];
        &self.postings[from as usize..to as usize]
    }

    /// Whether a kind is known of a sign-up.
    pub(super) fn knows(&self, at: u32, kind: Kind) -> bool {
        self.known[at as usize] >> kind as u32 & 1 == 1
    }

    /// What two share says, by family: the strongest key of each.
    pub(super) fn shared(&self, a: u32, b: u32) -> [f64; Family::COUNT] {
        let mut said = [0.0; Family::COUNT];
        self.each_shared(a, b, |_, key| {
            let best = &mut said[key.kind.family() as usize];
            *best = key.weight.max(*best);
        });
        said
    }

    /// Whether two share anything of conduct; soon told. Whatever that is, it says something: no habit is usual to so many.
    pub(super) fn is_alike(&self, a: u32, b: u32) -> bool {
        let of = |at: u32| {
            let [from, to] = [at, at + 1].map(|at| self.conduct_from[at as usize] as usize);
            &self.conduct[from..to]
        };
        let (mut one, mut other) = (of(a), of(b));
        while let (Some((x, rest)), Some((y, more))) = (one.split_first(), other.split_first()) {
            match x.cmp(y) {
                Ordering::Less => one = rest,
                Ordering::Greater => other = more,
                Ordering::Equal => return true,
            }
        }
        false
    }

    /// Calls `each` with the keys that two share.
    pub(super) fn each_shared(&self, a: u32, b: u32, mut each: impl FnMut(u32, &Key)) {
        meet(&self.of[a as usize], &self.of[b as usize], |key| each(key, &self.keys[key as usize]));
    }

    /// A key in words: as one who has it says it.
    pub(super) fn words(&self, key: u32) -> String {
        let Key { kind, hash: wanted, .. } = self.keys[key as usize];
        let mut found = String::new();
        let holder = self.holders(key).first().map(|at| self.signups[*at as usize]);
        if let Some(holder) = holder {
            traits::each(holder, &mut |k, words| {
                if k == kind && hash(&self.secret, kind, words) == wanted {
                    words.clone_into(&mut found);
                }
            });
        }
        found
    }
}

/// Calls `each` with what is in both of two ascending lists.
fn meet(mut one: &[u32], mut other: &[u32], mut each: impl FnMut(u32)) {
    while let (Some((x, rest)), Some((y, more))) = (one.split_first(), other.split_first()) {
        match x.cmp(y) {
            Ordering::Less => one = rest,
            Ordering::Greater => other = more,
            Ordering::Equal => {
                each(*x);
                (one, other) = (rest, more);
            }
        }
    }
}

/// Of how many sign-ups a kind is known, part by part of the time.
struct Slices {
    count: usize,
    /// By kind, then by part.
    measured: Vec<[u32; SLICES]>,
}

impl Slices {
    fn of(known: &[u32]) -> Slices {
        let mut slices = Slices { count: known.len(), measured: vec![[0; SLICES]; Kind::ALL.len()] };
        for (at, known) in known.iter().enumerate() {
            let slice = slices.place(at);
            for kind in Kind::ALL {
                slices.measured[*kind as usize][slice] += (known >> *kind as u32) & 1;
            }
        }
        slices
    }

    fn place(&self, at: usize) -> usize {
        at * SLICES / self.count.max(1)
    }

    /// Which share of honest sign-ups has a key.
    fn share(&self, kind: Kind, holders: &[u32], measured: u32) -> f64 {
        let share = smoothed(kind, holders.len() as f64, f64::from(measured));
        // How people fill in a form is known before anything is learned: more than that is a machine's doing.
        if kind.family().is_conduct() {
            return share.min(kind.usual_share());
        }
        if share <= BURST_SHARE {
            return share;
        }
        let measured = &self.measured[kind as usize];
        if measured.iter().any(|of| *of < SLICE_LEAST) {
            return share;
        }
        // What comes in a burst is not usual, however many it makes of all: the lower quartile of the parts says what is.
        let mut on = [0_u32; SLICES];
        holders.iter().for_each(|at| on[self.place(*at as usize)] += 1);
        let mut shares: Vec<f64> =
            on.iter().zip(measured).map(|(on, of)| f64::from(*on) / f64::from(*of)).collect();
        shares.sort_by(f64::total_cmp);
        shares[SLICES / 4].max(BURST_SHARE).min(share)
    }
}

/// A share of what was seen, drawn towards what is usual where little was.
pub(super) fn smoothed(kind: Kind, count: f64, of: f64) -> f64 {
    (count + PRIOR_WEIGHT * kind.usual_share()) / (of + PRIOR_WEIGHT)
}

fn hash(secret: &[u8; 16], kind: Kind, words: &str) -> u64 {
    let mut hasher = SipHasher13::new_with_key(secret);
    hasher.write_u8(kind as u8);
    hasher.write(words.as_bytes());
    hasher.finish()
}
