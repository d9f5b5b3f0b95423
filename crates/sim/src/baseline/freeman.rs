// SPDX-License-Identifier: Apache-2.0
//! The model of Freeman, Jain, Dürmuth, Biggio and Giacinto, "Who Are You? A Statistical Approach to Measuring User
//! Authenticity" (NDSS 2016), alone and without data of attacks.
//!
//! The score is log p(x) − log p(x | u) for the address and for the user agent, plus log p(u | attack) − log p(u | legitimate):
//! how much more common the value is among everybody than with this user, and how much more often an attacker would pick the
//! user than the user comes. Without data of attacks an attacker is taken to look like everybody and to pick users evenly.
//!
//! Values that a user never had are smoothed by backing off: from an address to its operator to its country, from a user agent
//! to the same without its numbers. Each level is interpolated with the one above it, with the weight of one login; the paper
//! has the same ladder and fits its weights, which are not published, so these are ours.
//!
//! It learns logins that got in, among them those whose challenge was answered.

use super::{Baseline, Seen};
use crate::measure::{Door, Opinion};
use crate::random::mix;
use std::collections::HashMap;

/// Logins that the level above is worth.
const PRIOR: f64 = 1.0;
/// Salts that keep levels and users apart within one table.
const EVERYBODY: u64 = 0;

/// What the model takes from a login: the user, and its values from fine to coarse.
#[derive(Debug, Clone, Copy)]
pub struct Traits {
    account: u64,
    address: [u64; 3],
    agent: [u64; 2],
}

impl Traits {
    /// Those of a login; `None` where it has no address.
    pub fn of(seen: &Seen<'_>) -> Option<Traits> {
        let country = hash(3, seen.country.unwrap_or("").bytes());
        let asn = mix(hash(2, seen.asn.unwrap_or(-1).to_le_bytes()) ^ country);
        let ip = mix(hash(1, super::subscriber(seen.ip?).to_le_bytes()) ^ asn);
        let text = seen.user_agent.unwrap_or("");
        let coarse = hash(5, text.bytes().filter(|b| !b.is_ascii_digit()));
        let fine = mix(hash(4, text.bytes()) ^ coarse);
        Some(Traits { account: seen.account.max(1), address: [ip, asn, country], agent: [fine, coarse] })
    }
}

fn hash(salt: u64, bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(mix(salt), |sum, byte| mix(sum ^ u64::from(byte)))
}

/// Counts of logins by value, of everybody and of each user.
#[derive(Debug, Default)]
pub struct Freeman {
    /// By value and whose it is: how many logins had it.
    counts: HashMap<(u64, u64), f64>,
    /// Logins by user; those of everybody under [`EVERYBODY`].
    logins: HashMap<u64, f64>,
    /// By value: how many different values lie directly below it; under 0 and 1 the topmost of either ladder.
    below: HashMap<u64, f64>,
}

impl Freeman {
    /// How much more likely it is not the user, in nats.
    pub fn score(&self, traits: &Traits) -> f64 {
        let all = self.of(EVERYBODY);
        let user = self.of(traits.account);
        let users = (self.logins.len() as f64 - 1.0).max(1.0);
        let who = (1.0 / users).ln() - ((user + PRIOR) / (all + PRIOR * users)).ln();
        who + self.surprise(traits.account, &traits.address, 0)
            + self.surprise(traits.account, &traits.agent, 1)
    }

    /// Learns a login that was the user's.
    pub fn learn(&mut self, traits: &Traits) {
        for (ladder, values) in [(0, &traits.address[..]), (1, &traits.agent[..])] {
            for (level, value) in values.iter().enumerate() {
                let count = self.counts.entry((*value, EVERYBODY)).or_default();
                if *count == 0.0 {
                    *self.below.entry(values.get(level + 1).copied().unwrap_or(ladder)).or_default() += 1.0;
                }
                *count += 1.0;
                *self.counts.entry((*value, traits.account)).or_default() += 1.0;
            }
        }
        *self.logins.entry(EVERYBODY).or_default() += 1.0;
        *self.logins.entry(traits.account).or_default() += 1.0;
    }

    fn of(&self, whose: u64) -> f64 {
        self.logins.get(&whose).copied().unwrap_or(0.0)
    }

    fn count(&self, value: u64, whose: u64) -> f64 {
        self.counts.get(&(value, whose)).copied().unwrap_or(0.0)
    }

    /// log p(x) − log p(x | u) of one ladder.
    fn surprise(&self, user: u64, values: &[u64], ladder: u64) -> f64 {
        let logins = self.of(user);
        // From the top down: everybody's probability, and the user's by interpolation with the level above.
        let (mut everybody, mut users) = (1.0, 1.0);
        for (level, value) in values.iter().enumerate().rev() {
            let (above, whole) = match values.get(level + 1) {
                Some(above) => (*above, self.count(*above, EVERYBODY)),
                None => (ladder, self.of(EVERYBODY)),
            };
            let kinds = self.below.get(&above).copied().unwrap_or(0.0) + 1.0;
            // Of those who have the value above, the share that has this one; one more for what was never seen.
            let within = (self.count(*value, EVERYBODY) + PRIOR) / (whole + PRIOR * kinds);
            everybody *= within;
            users = (self.count(*value, user) + PRIOR * within * users) / (logins + PRIOR);
        }
        f64::ln(everybody) - f64::ln(users)
    }
}

impl Baseline for Freeman {
    fn judge(&mut self, seen: &Seen<'_>) -> Opinion {
        if seen.door != Door::Login || !seen.ok {
            return Opinion::default();
        }
        Opinion { score: Traits::of(seen).map(|traits| self.score(&traits) as f32), answer: None }
    }
}
