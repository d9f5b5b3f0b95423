// SPDX-License-Identifier: Apache-2.0
//! A lock for each account: after ten failures within ten minutes nobody gets in for ten minutes.
//!
//! The defaults of Windows 11 22H2 and later (account lockout threshold 10, reset after 10 minutes, duration 10 minutes).
//! Keycloak's brute force detection works the same way. It is here for what it does to owners.

use super::recent::{Bans, Recent};
use super::{Baseline, Seen};
use crate::accounts::Answer;
use crate::clock::MINUTE;
use crate::measure::{Door, Opinion};

const FAILURES: usize = 10;
const WINDOW: i64 = 10 * MINUTE;
const LOCKED: i64 = 10 * MINUTE;

/// Counts failures by account.
#[derive(Debug)]
pub struct AccountLock {
    failures: Recent,
    locked: Bans,
}

impl Default for AccountLock {
    fn default() -> AccountLock {
        AccountLock { failures: Recent::new(WINDOW), locked: Bans::default() }
    }
}

impl Baseline for AccountLock {
    fn judge(&mut self, seen: &Seen<'_>) -> Opinion {
        if seen.door != Door::Login {
            return Opinion::default();
        }
        let locked = self.locked.holds(seen.account, seen.time);
        if !locked && !seen.ok && self.failures.add(seen.account, seen.time) >= FAILURES {
            self.locked.add(seen.account, seen.time, LOCKED);
            self.failures.clear(seen.account);
        }
        if !locked && seen.ok {
            self.failures.clear(seen.account);
        }
        let answer = if locked { Answer::Refuse } else { Answer::Pass };
        Opinion { score: None, answer: Some(answer) }
    }
}
