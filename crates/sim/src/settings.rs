// SPDX-License-Identifier: Apache-2.0
//! What a caller may choose about a simulated provider.

use crate::clock::DAY;

/// 9000-01-01T00:00:00Z: far enough from the last year RFC 3339 can write.
const LATEST_START: i64 = 2_567_655 * DAY;

/// One simulated provider. Out-of-range values are pulled into range by [`World::new`](crate::World::new) (a simulation
/// is not refused): each field says its range.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Everything random follows from this number.
    pub seed: u64,
    /// First simulated moment, microseconds since 1970-01-01T00:00:00Z; years 1970 to 9000.
    pub start: i64,
    /// Accounts that exist at the start; at least 1. Honest sign-ups add to them as time passes.
    pub accounts: u32,
    /// Mean honest sign-ups a day, classrooms not counted; 0 and up, not a number counts as 0.
    pub signups_per_day: f64,
    /// Mean login sessions per account and day, retries after a typing error not counted; 0 to 1,000.
    pub logins_per_account_day: f64,
    /// Who attacks, how often and when first.
    pub campaigns: Campaigns,
}

/// How often attackers come.
#[derive(Debug, Clone, PartialEq)]
pub struct Campaigns {
    /// Mean number of sign-up farms that begin in a day; 0 to 10,000. Their styles take turns.
    pub farms_per_day: f64,
    /// Mean number of credential-stuffing runs that begin in a day; 0 to 10,000. Their styles take turns.
    pub stuffings_per_day: f64,
    /// `Some(n)`: one campaign of each style, and one honest classroom as the innocent look-alike, begin within the
    /// first `n` simulated minutes whatever the hour. `None`: first ones come at the ordinary rates.
    pub begin_within_minutes: Option<u32>,
    /// Multiplies the number of events of each campaign; 0.01 to 100.
    pub size: f64,
}

impl Default for Settings {
    /// A small provider on a Monday at midnight UTC: 20,000 accounts, 400 sign-ups a day, 4 logins an account a day
    /// (assumed; a mail user opens a session on a phone and a computer once or twice each).
    fn default() -> Settings {
        Settings {
            seed: 1,
            start: 1_767_571_200_000_000, // 2026-01-05T00:00:00Z
            accounts: 20_000,
            signups_per_day: 400.0,
            logins_per_account_day: 4.0,
            campaigns: Campaigns::default(),
        }
    }
}

impl Default for Campaigns {
    /// Assumed: a small provider sees a few farms and a couple of stuffing runs a day.
    fn default() -> Campaigns {
        Campaigns { farms_per_day: 3.0, stuffings_per_day: 2.0, begin_within_minutes: None, size: 1.0 }
    }
}

impl Campaigns {
    /// Nobody attacks.
    pub fn none() -> Campaigns {
        Campaigns { farms_per_day: 0.0, stuffings_per_day: 0.0, begin_within_minutes: None, size: 1.0 }
    }
}

impl Settings {
    /// These settings with every field inside the range its documentation states.
    pub(crate) fn in_range(mut self) -> Settings {
        self.start = self.start.clamp(0, LATEST_START);
        self.accounts = self.accounts.max(1);
        self.signups_per_day = within(self.signups_per_day, 0.0, 1e9);
        self.logins_per_account_day = within(self.logins_per_account_day, 0.0, 1_000.0);
        self.campaigns.farms_per_day = within(self.campaigns.farms_per_day, 0.0, 10_000.0);
        self.campaigns.stuffings_per_day = within(self.campaigns.stuffings_per_day, 0.0, 10_000.0);
        self.campaigns.size = within(self.campaigns.size, 0.01, 100.0);
        self
    }
}

/// `value` clamped; not a number becomes the lower end.
fn within(value: f64, low: f64, high: f64) -> f64 {
    if value.is_nan() { low } else { value.clamp(low, high) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold() {
        let check = |value: f64, expect: f64| assert_eq!(within(value, 0.0, 10.0), expect, "{value}");
        check(f64::NAN, 0.0);
        check(-1.0, 0.0);
        check(f64::INFINITY, 10.0);
        check(3.5, 3.5);

        let wild = Settings { start: i64::MIN, accounts: 0, ..Settings::default() }.in_range();
        assert_eq!((wild.start, wild.accounts), (0, 1));
        assert_eq!(Settings::default().in_range(), Settings::default());
    }
}
