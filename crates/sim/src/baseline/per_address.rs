// SPDX-License-Identifier: Apache-2.0
//! Limits for each address: so many sign-ups and so many failures an hour.
//!
//! What most providers begin with. Discourse lets three new accounts be made from an address
//! (`max_new_accounts_per_registration_ip`); ours are three an hour, which is kinder to people who share one. Ten failures
//! an hour from an address are the order of magnitude of what proxies and identity providers ship with. An IPv6 address
//! counts by its /64.

use super::recent::Recent;
use super::{Baseline, Seen, subscriber};
use crate::accounts::Answer;
use crate::clock::HOUR;
use crate::measure::{Door, Opinion};

/// Sign-ups an hour that pass.
const SIGNUPS: usize = 3;
/// Failures an hour after which nobody gets in from there.
const FAILURES: usize = 10;

/// Counts by address. The score is the count.
#[derive(Debug)]
pub struct PerAddress {
    signups: Recent,
    failures: Recent,
}

impl Default for PerAddress {
    fn default() -> PerAddress {
        PerAddress { signups: Recent::new(HOUR), failures: Recent::new(HOUR) }
    }
}

impl Baseline for PerAddress {
    fn judge(&mut self, seen: &Seen<'_>) -> Opinion {
        let Some(key) = seen.ip.map(subscriber) else { return Opinion::default() };
        let (count, most, answer) = match seen.door {
            Door::Signup => (self.signups.add(key, seen.time) - 1, SIGNUPS, Answer::Challenge),
            Door::Login => {
                let before = self.failures.count(key, seen.time);
                if !seen.ok {
                    self.failures.add(key, seen.time);
                }
                (before, FAILURES, Answer::Refuse)
            }
            Door::StepUp | Door::Other => return Opinion::default(),
        };
        let answer = if count >= most { answer } else { Answer::Pass };
        Opinion { score: Some(count as f32), answer: Some(answer) }
    }
}
