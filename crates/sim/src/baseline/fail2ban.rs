// SPDX-License-Identifier: Apache-2.0
//! fail2ban with what Debian's 1.0.2 ships in `jail.conf`: five failures within ten minutes ban an address for ten minutes.
//!
//! `maxretry = 5`, `findtime = 10m`, `bantime = 10m`, as the `sshd` jail has it. The fifth failure is answered and bans; a
//! banned address reaches nothing, so what it tries then is not counted. A real one reads logs and is some seconds late.

use super::recent::{Bans, Recent};
use super::{Baseline, Seen, subscriber};
use crate::accounts::Answer;
use crate::clock::MINUTE;
use crate::measure::{Door, Opinion};

const MAXRETRY: usize = 5;
const FINDTIME: i64 = 10 * MINUTE;
const BANTIME: i64 = 10 * MINUTE;

/// Bans addresses.
#[derive(Debug)]
pub struct Fail2ban {
    failures: Recent,
    bans: Bans,
}

impl Default for Fail2ban {
    fn default() -> Fail2ban {
        Fail2ban { failures: Recent::new(FINDTIME), bans: Bans::default() }
    }
}

impl Baseline for Fail2ban {
    fn judge(&mut self, seen: &Seen<'_>) -> Opinion {
        let (Some(key), Door::Login) = (seen.ip.map(subscriber), seen.door) else {
            return Opinion::default();
        };
        let banned = self.bans.holds(key, seen.time);
        if !banned && !seen.ok && self.failures.add(key, seen.time) >= MAXRETRY {
            self.bans.add(key, seen.time, BANTIME);
            self.failures.clear(key);
        }
        let answer = if banned { Answer::Refuse } else { Answer::Pass };
        Opinion { score: None, answer: Some(answer) }
    }
}
