// SPDX-License-Identifier: Apache-2.0
//! Passwords, as a door tells about them: a keyed short hash and how often the password is in known breaches.

use std::fmt::Write as _;

use crate::random::{Random, derive, fraction};

/// A password. Equal passwords are equal, whosever account they are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Secret(u64);

/// Passwords that many people choose, most common first; 200 stand for the head of every published list.
const COMMON: u64 = 200;
/// People whose password is one of these. The ten most common ones open between one and two of a hundred accounts where
/// anything may be chosen (Bonneau, IEEE S&P 2012); here they open 1.4 of a hundred.
const CHOOSES_COMMON: f64 = 0.03;
/// People whose own password is in a known breach: 1.5 % of logins (Password Checkup, USENIX Security 2019).
const BREACHED: f64 = 0.015;

const KIND: u32 = 62;

impl Secret {
    /// A password that a person chooses; whether it is breached follows from the number.
    pub(crate) fn chosen(number: u64) -> Secret {
        let at = fraction(derive(number, 0x5345_4352, 0));
        if at < CHOOSES_COMMON {
            return Secret::common(&mut Random::new(number, 1));
        }
        if at < CHOOSES_COMMON + BREACHED { Secret::leaked(number) } else { Secret(number >> 2) }
    }

    /// A password of one person that a breach elsewhere has made known.
    pub(crate) fn leaked(number: u64) -> Secret {
        Secret(1 << KIND | number >> 2)
    }

    /// One of the common passwords, the most common most often: by Zipf's law, as lists of them follow.
    pub(crate) fn common(random: &mut Random) -> Secret {
        // the inverse of a density in proportion to 1/rank
        let rank = crate::random::exp(random.unit() * crate::random::ln(COMMON as f64));
        Secret::ranked(rank as u64)
    }

    /// The common password of that rank, from 1.
    pub(crate) fn ranked(rank: u64) -> Secret {
        Secret(2 << KIND | rank.clamp(1, COMMON))
    }

    /// A slip of the finger: in no list.
    pub(crate) fn mistyped(random: &mut Random) -> Secret {
        Secret(random.word() >> 2)
    }

    /// How often it is in known breaches.
    pub(crate) fn breached(self) -> u64 {
        match self.0 >> KIND {
            0 => 0,
            1 => 1 + derive(self.0, 0x4252, 0) % 40,
            _ => 30_000_000 / (self.0 & 0xff_ffff).max(1),
        }
    }

    /// Whether it is in known breaches.
    pub(crate) fn is_breached(self) -> bool {
        self.0 >> KIND != 0
    }

    pub(crate) fn write(self, out: &mut String) {
        let hash = derive(self.0, 0x4841_5348, 0) >> 24;
        let _ = write!(out, ",\"password\":\"{hash:010x}\",\"breached\":{}", self.breached());
    }
}
