// SPDX-License-Identifier: Apache-2.0
//! What happened in one world, what is true of it, and what each judge said.

use crate::accounts::{Answer, Truth};
use serde::Serialize;

/// Who judges the same events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judge {
    /// The policy that is measured; the world reacts to its answers and to nobody else's.
    Policy,
    /// The same policy's score of logins that reads no address.
    NoAddress,
    /// Limits for each address.
    PerAddress,
    /// A lock for each account after failures.
    AccountLock,
    /// fail2ban with its usual threshold.
    Fail2ban,
    /// CrowdSec with its usual buckets.
    Crowdsec,
    /// The statistical model of Freeman et al., alone.
    Freeman,
    /// Boosted trees on the values that the policy served, trained with labels.
    Trees,
}

impl Judge {
    /// All of them, the policy first.
    pub const ALL: [Judge; 8] = [
        Judge::Policy,
        Judge::NoAddress,
        Judge::PerAddress,
        Judge::AccountLock,
        Judge::Fail2ban,
        Judge::Crowdsec,
        Judge::Freeman,
        Judge::Trees,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Judge::Policy => "policy",
            Judge::NoAddress => "no address",
            Judge::PerAddress => "per address",
            Judge::AccountLock => "account lock",
            Judge::Fail2ban => "fail2ban",
            Judge::Crowdsec => "crowdsec",
            Judge::Freeman => "freeman",
            Judge::Trees => "trees",
        }
    }
}

/// What one judge said about an event.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Opinion {
    /// How much it looks like abuse; greater is worse. Judges without a score have none.
    pub score: Option<f32>,
    /// What it would have done; judges that only score have no answer.
    pub answer: Option<Answer>,
}

impl Opinion {
    /// It asks for something or stops it; `None` where it has no answer.
    pub fn stops(self) -> Option<bool> {
        self.answer.map(stops)
    }
}

/// Challenge or stronger. Slowing down is none: whoever is slowed down gets in.
pub(super) fn stops(answer: Answer) -> bool {
    matches!(answer, Answer::Challenge | Answer::Hold | Answer::Refuse)
}

/// Which kind of event it is, as far as figures tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// An account is made.
    Signup,
    /// A login.
    Login,
    /// The answer to a challenge.
    StepUp,
    /// All else: sessions, recoveries, settings.
    Other,
}

/// One event.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When it arrived, microseconds.
    pub time: i64,
    /// What it is.
    pub door: Door,
    /// Whose account it is about: a number that is the same for the same account of a world.
    pub account: u64,
    /// The password, or the answer to the challenge, was right; true where there is nothing to be right.
    pub ok: bool,
    /// Who really made it.
    pub truth: Truth,
    /// What each judge said, in the order of [`Judge::ALL`].
    pub said: [Opinion; Judge::ALL.len()],
}

impl Entry {
    /// What a judge said.
    pub fn by(&self, judge: Judge) -> Opinion {
        self.said[judge as usize]
    }

    /// An attack's own event by which an account of somebody else is entered, unless it is stopped.
    pub fn takes_over(&self) -> bool {
        self.truth.attack.is_some_and(|attack| attack.would_take_over)
    }
}

/// One world, judged to its end.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// What it was drawn from.
    pub seed: u64,
    /// Accounts of people at its beginning.
    pub people: u32,
    /// From when on it is measured; before that the policy learns who is at home where.
    pub from: i64,
    /// When it ends.
    pub until: i64,
    /// Its events in order of arrival.
    pub entries: Vec<Entry>,
}

/// Microseconds of a day.
pub(super) const DAY: f64 = 86_400e6;

impl World {
    /// Days that are measured.
    pub fn days(&self) -> f64 {
        (self.until - self.from).max(0) as f64 / DAY
    }

    /// Years of people that are measured.
    pub fn user_years(&self) -> f64 {
        f64::from(self.people) * self.days() / 365.0
    }

    /// The honest events of the time that is measured.
    pub(super) fn honest(&self, door: Door) -> impl Iterator<Item = &Entry> {
        let from = self.from;
        self.entries.iter().filter(move |e| e.door == door && e.time >= from && e.truth.is_honest())
    }

    /// The events of attackers.
    pub(super) fn attacks(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|e| !e.truth.is_honest())
    }
}
