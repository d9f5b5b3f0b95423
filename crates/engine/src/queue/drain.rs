// SPDX-License-Identifier: Apache-2.0
//! How fast the queue drains, and when to come back.
//!
//! Measured over the time in which there was work: a server that has had little to do is not a slow one. Older
//! measurements fade, so that what counts is about the last second of work.

use crate::limits;
use std::time::{Duration, Instant};

#[derive(Default)]
pub(super) struct Drain {
    /// Events taken, of late.
    events: f64,
    /// How long that took.
    busy: Duration,
    /// Since when what was taken last is worked on; nothing while the sequencer waits for work.
    since: Option<Instant>,
    /// Events of it.
    under_way: usize,
}

/// What counts as of late.
const LATELY: Duration = Duration::from_secs(1);

impl Drain {
    /// What was taken last is done.
    pub(super) fn pause(&mut self, now: Instant) {
        let Some(since) = self.since.take() else { return };
        self.busy += now.saturating_duration_since(since);
        self.events += std::mem::take(&mut self.under_way) as f64;
        if self.busy > LATELY {
            self.busy /= 2;
            self.events /= 2.0;
        }
    }

    /// So many events were taken.
    pub(super) fn resume(&mut self, now: Instant, events: usize) {
        (self.since, self.under_way) = (Some(now), events);
    }

    /// In how many seconds so many events will be done.
    pub(super) fn secs(&self, events: usize, now: Instant) -> u16 {
        let stuck = self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        let busy = (self.busy + stuck).as_secs_f64();
        let known = self.events > 0.0 && busy > 0.0;
        let rate = if known { self.events / busy } else { limits::DRAIN_UNKNOWN };
        let secs = (events as f64 / rate).ceil();
        let (least, most) = limits::RETRY_SECS;
        // What is not a number, or too large for one, ends at the bounds.
        (secs as u16).clamp(least, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many events in so many milliseconds, several times.
    fn drained(times: u32, events: usize, ms: u64) -> (Drain, Instant) {
        let mut now = Instant::now();
        let mut drain = Drain::default();
        for _ in 0..times {
            drain.resume(now, events);
            now += Duration::from_millis(ms);
            drain.pause(now);
            // Time without work does not count.
            now += Duration::from_secs(60);
        }
        (drain, now)
    }

    #[test]
    fn when_to_come_back_follows_from_the_pace_of_late() {
        let check = |times, events, ms, waiting: usize, expect: u16| {
            let (drain, now) = drained(times, events, ms);
            assert_eq!(drain.secs(waiting, now), expect, "{times} times {events} in {ms} ms");
        };
        check(1, 1000, 100, 10_000, 1);
        check(1, 1000, 100, 45_000, 5);
        check(100, 1000, 100, 45_000, 5);
        check(10, 100, 100, 4_500, 5);
        check(10, 100, 100, 1_000_000, 30);
        check(10, 100, 100, 0, 1);
        // Nothing is known yet.
        check(0, 0, 0, 3_500, 4);
        check(3, 0, 0, 3_500, 4);
    }

    #[test]
    fn a_sequencer_that_is_stuck_drains_ever_more_slowly() {
        let (mut drain, now) = drained(10, 1000, 100);
        drain.resume(now, 1000);
        let after = |secs: u64| drain.secs(20_000, now + Duration::from_secs(secs));
        assert_eq!(after(0), 2);
        assert!((3..30).contains(&after(2)), "{}", after(2));
        assert_eq!(after(100), 30);
    }

    #[test]
    fn a_change_of_pace_is_noticed_within_seconds_of_work() {
        let (mut drain, mut now) = drained(10, 10_000, 100);
        for _ in 0..60 {
            drain.resume(now, 100);
            now += Duration::from_millis(100);
            drain.pause(now);
        }
        let secs = drain.secs(10_000, now);
        assert!((8..=10).contains(&secs), "a thousand a second by now: {secs}");
    }
}
