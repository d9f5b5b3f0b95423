// SPDX-License-Identifier: Apache-2.0
//! What a scene is made from.

use super::family::Family;
use crate::clock::DAY;

/// The most a plan can ask for; larger numbers are taken as these, so that a scene fits into memory.
pub(crate) const MOST_PEOPLE: u32 = 1_000_000;
pub(crate) const MOST_SIGNUPS_PER_DAY: f64 = 100_000.0;
pub(crate) const MOST_DAYS: u32 = 400;
pub(crate) const MOST_ASSAULTS: usize = 1_000;
pub(crate) const MOST_SIZE: u32 = 1_000_000;

/// What a [`Scene`](super::Scene) is made from. Numbers out of range are brought into it.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Two plans that differ only here are two worlds with the same habits.
    pub seed: u64,
    /// When it begins, microseconds UTC.
    pub start: i64,
    /// How many days it lasts, `1..=400`; those before the first assault are history.
    pub days: u32,
    /// People who have an account at the beginning, `1..=1,000,000`.
    pub people: u32,
    /// Honest sign-ups on an average day, without those that come in groups.
    pub signups_per_day: f64,
    /// Of those who sign up, the share who stay and log in from then on; the others are there once.
    pub stay: f64,
    /// Who attacks, at most 1,000; a campaign's number is its place here.
    pub families: Vec<Assault>,
}

/// One campaign.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assault {
    /// How it goes about it.
    pub family: &'static Family,
    /// How much it sets out to do, `1..=1,000,000`; the family says what is counted.
    pub size: u32,
    /// When it begins, microseconds after the plan's start; in truth some time within the six hours after that.
    pub after: i64,
}

impl Assault {
    /// An assault of `family` that begins so many days after the plan's start.
    pub fn on_day(family: &'static Family, size: u32, day: u32) -> Assault {
        Assault { family, size, after: i64::from(day) * DAY }
    }
}

impl Default for Plan {
    /// A small provider in peace: 3,000 people for 30 days from Monday, 5 January 2026.
    fn default() -> Plan {
        Plan {
            seed: 1,
            start: 1_767_571_200_000_000,
            days: 30,
            people: 3_000,
            signups_per_day: 40.0,
            stay: 1.0,
            families: Vec::new(),
        }
    }
}

impl Plan {
    /// The plan with every number in range.
    pub(crate) fn in_range(mut self) -> Plan {
        self.start = self.start.clamp(0, 2_900_000 * DAY);
        self.days = self.days.clamp(1, MOST_DAYS);
        self.people = self.people.clamp(1, MOST_PEOPLE);
        let asked = self.signups_per_day;
        self.signups_per_day = if asked.is_finite() { asked.clamp(0.0, MOST_SIGNUPS_PER_DAY) } else { 0.0 };
        self.stay = if self.stay.is_finite() { self.stay.clamp(0.0, 1.0) } else { 1.0 };
        self.families.truncate(MOST_ASSAULTS);
        for assault in &mut self.families {
            assault.size = assault.size.clamp(1, MOST_SIZE);
            assault.after = assault.after.clamp(0, i64::from(MOST_DAYS) * DAY);
        }
        self
    }

    /// Honest sign-ups of the whole time, about.
    pub(crate) fn signups(&self) -> f64 {
        self.signups_per_day * f64::from(self.days)
    }

    /// When it is over.
    pub(crate) fn end(&self) -> i64 {
        self.start + i64::from(self.days) * DAY
    }
}
