// SPDX-License-Identifier: Apache-2.0
//! How fast events come: the engine's count, looked at once a second, and two differences of it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often the count is looked at.
pub(crate) const EVERY: Duration = Duration::from_secs(1);
/// The longest time over which a rate is told.
const LONGEST: Duration = Duration::from_secs(60);

/// Counts of the last minute: when, since the server's start, and how many events by then.
#[derive(Default)]
pub(crate) struct Rates(Mutex<VecDeque<(Duration, u64)>>);

impl Rates {
    /// Notes the count of this moment.
    pub(crate) fn note(&self, at: Duration, events: u64) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push_back((at, events));
        while seen.front().is_some_and(|(first, _)| at.saturating_sub(*first) > LONGEST) {
            seen.pop_front();
        }
    }

    /// Events a second over the last `span`, or since the server's start where that is shorter.
    pub(crate) fn over(&self, span: Duration, now: Duration, events: u64) -> f64 {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, before) = seen
            .iter()
            .find(|(at, _)| now.saturating_sub(*at) <= span)
            .copied()
            .unwrap_or((now.saturating_sub(span), events));
        let secs = now.saturating_sub(since).as_secs_f64();
        if secs > 0.0 { events.saturating_sub(before) as f64 / secs } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_difference_over_its_span() {
        let rates = Rates::default();
        let secs = Duration::from_secs;
        let check = |span: u64, now: u64, events: u64, expect: f64| {
            let rate = rates.over(secs(span), secs(now), events);
            assert!((rate - expect).abs() < 1e-9, "{span} at {now}: {rate}");
        };
        check(10, 0, 0, 0.0);
        // Ten a second for a minute, then nothing.
        (0..=60).for_each(|s| rates.note(secs(s), s * 10));
        check(10, 60, 600, 10.0);
        check(60, 60, 600, 10.0);
        (61..=75).for_each(|s| rates.note(secs(s), 600));
        check(10, 75, 600, 0.0);
        check(60, 75, 600, 450.0 / 60.0);
        assert!(rates.0.lock().unwrap().len() <= 62, "bounded");
    }
}
