// SPDX-License-Identifier: Apache-2.0
//! How fast attackers are: over a form, and from one account to the next.

use crate::accounts::event::Form;
use crate::clock::{DAY, SECOND};
use crate::random::Random;

/// The longest wait of one account for its next job.
pub(crate) const LONGEST: i64 = 90 * DAY;

/// How a form is filled in: seconds, log-normal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    pub(crate) form: f64,
    pub(crate) sigma: f64,
    /// Milliseconds between keys, and the spread in proportion.
    pub(crate) typing: Option<(f64, f64)>,
    pub(crate) pasted: Option<u32>,
    pub(crate) captcha: (f64, f64),
}

/// How the accounts are spread over time: some at first, slowly, then the rest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tempo {
    pub(crate) first: u32,
    pub(crate) first_lasts: i64,
    pub(crate) lasts: i64,
    /// 0: like a clock; 1: as chance has it.
    pub(crate) jitter: f64,
    /// Nothing before this.
    pub(crate) not_before: i64,
}

impl Tempo {
    /// All within `lasts`.
    pub(crate) fn over(lasts: i64, jitter: f64) -> Tempo {
        Tempo { first: 0, first_lasts: 0, lasts, jitter, not_before: 0 }
    }

    pub(crate) fn gap(&self, member: u32, size: u32, random: &mut Random) -> i64 {
        let mean = if member < self.first {
            self.first_lasts / i64::from(self.first)
        } else {
            self.lasts / i64::from((size - self.first.min(size)).max(1))
        };
        let even = mean as f64 * (1.0 - self.jitter);
        (even + random.exponential(mean as f64 * self.jitter.max(1e-9)))
            .clamp(SECOND as f64 / 100.0, LONGEST as f64) as i64
    }
}

impl Timing {
    pub(crate) fn fill(
        &self,
        username: String,
        display_name: Option<String>,
        email: Option<String>,
        referrer: Option<&'static str>,
        random: &mut Random,
    ) -> Form {
        let typing = self.typing.map(|(pace, spread)| {
            let pace = random.log_normal(pace, 0.15);
            ((pace * 1_000.0) as i64, (pace * spread * random.real(0.7, 1.3) * 1_000.0) as i64)
        });
        Form {
            username,
            display_name,
            email,
            time: seconds(self.form, self.sigma, random),
            typing,
            pasted: self.pasted,
            referrer,
            captcha_time: Some(seconds(self.captcha.0, self.captcha.1, random)),
        }
    }
}

/// Log-normal, from a median in seconds.
pub(crate) fn seconds(median: f64, sigma: f64, random: &mut Random) -> i64 {
    (random.log_normal(median, sigma) * SECOND as f64).min(LONGEST as f64) as i64
}
