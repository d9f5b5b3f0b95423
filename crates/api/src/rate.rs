// SPDX-License-Identifier: Apache-2.0
//! A key's own limit: so many events a second, and so many at once.
//!
//! The generic cell rate algorithm (ITU-T I.371): one number, the time at which nothing of what was taken would weigh any
//! more. It needs no lock and no thread that refills. Time is a monotonic one, given by whoever asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// How much a key may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    /// What one event weighs, in nanoseconds.
    interval: u64,
    /// How far ahead of its pace a key may be, in nanoseconds.
    burst: u64,
}

/// The most events of one period in a rate.
const MOST: u64 = 10_000_000;

impl Rate {
    /// Reads a rate such as `1000/s`, `60/m` or `5/h`. Without `burst`, as many events may come at once as the rate
    /// gives in a second, and at least one.
    ///
    /// # Errors
    /// What would be right; not what was written, which may be a misplaced secret.
    pub(crate) fn parse(rate: &str, burst: Option<u32>) -> Result<Rate, &'static str> {
        const WRONG: &str =
            "`rate` is a number of events up to 10000000, a slash and s, m or h, such as \"1000/s\"";
        let (count, period) = rate.split_once('/').ok_or(WRONG)?;
        let secs: u64 = match period.trim() {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return Err(WRONG),
        };
        let count: u64 = count.trim().parse().map_err(|_| WRONG)?;
        if !(1..=MOST).contains(&count) {
            return Err(WRONG);
        }
        let burst = burst.map_or((count / secs).max(1), u64::from);
        if burst == 0 {
            return Err("`burst` is a number of events, at least 1");
        }
        let interval = secs * 1_000_000_000 / count;
        Ok(Rate { interval, burst: burst.saturating_mul(interval) })
    }
}

/// A rate with what was sent.
#[derive(Debug)]
pub(crate) struct Limiter {
    rate: Rate,
    /// When nothing that was taken weighs any more.
    clear: AtomicU64,
}

impl Limiter {
    pub(crate) fn new(rate: Rate) -> Limiter {
        Limiter { rate, clear: AtomicU64::new(0) }
    }

    /// The limiter of before where the rate is the same: what was sent still counts.
    pub(crate) fn or_before(self: Arc<Self>, before: &Arc<Limiter>) -> Arc<Limiter> {
        if before.rate == self.rate { before.clone() } else { self }
    }

    /// Takes so many events, or says after how long it would.
    pub(crate) fn take(&self, now: Duration, events: usize) -> Result<(), Duration> {
        let taken = self.clear.fetch_update(Relaxed, Relaxed, |clear| {
            let then = self.after(clear, now, events);
            (then - nanos(now) <= self.rate.burst).then_some(then)
        });
        taken.map(drop).map_err(|clear| self.wait(self.after(clear, now, events), now))
    }

    /// Takes so many events in any case, and says for how long to wait before they are sent.
    pub(crate) fn owe(&self, now: Duration, events: usize) -> Duration {
        let mut then = 0;
        let _ = self.clear.fetch_update(Relaxed, Relaxed, |clear| {
            then = self.after(clear, now, events);
            Some(then)
        });
        self.wait(then, now)
    }

    fn after(&self, clear: u64, now: Duration, events: usize) -> u64 {
        let weight = self.rate.interval.saturating_mul(events as u64);
        clear.max(nanos(now)).saturating_add(weight)
    }

    fn wait(&self, then: u64, now: Duration) -> Duration {
        Duration::from_nanos((then - nanos(now)).saturating_sub(self.rate.burst))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read() {
        let check = |rate: &str, burst: Option<u32>, expect: Option<(u64, u64)>| {
            let read = Rate::parse(rate, burst).ok().map(|r| (r.interval, r.burst));
            assert_eq!(read, expect, "{rate}");
        };
        let second = 1_000_000_000;
        check("1000/s", None, Some((1_000_000, second)));
        check("60/m", None, Some((second, second)));
        check(" 600 / m ", Some(30), Some((100_000_000, 3 * second)));
        check("1/h", None, Some((3600 * second, 3600 * second)));
        check("10000000/s", None, Some((100, second)));
        for wrong in ["", "5", "5/d", "/s", "0/s", "-1/s", "1.5/s", "10000001/s", "wk_/s"] {
            check(wrong, None, None);
            assert!(!Rate::parse(wrong, None).unwrap_err().contains("wk_"));
        }
        check("5/s", Some(0), None);
    }

    #[test]
    fn what_is_sent_too_fast_waits_for_its_time() {
        let limiter = Limiter::new(Rate::parse("10/s", Some(5)).unwrap());
        let ms = Duration::from_millis;
        assert_eq!(limiter.take(ms(0), 5), Ok(()));
        assert_eq!(limiter.take(ms(0), 1), Err(ms(100)));
        assert_eq!(limiter.take(ms(99), 1), Err(ms(1)));
        assert_eq!(limiter.take(ms(100), 1), Ok(()));
        // After a rest there is one burst, however long it was.
        assert_eq!(limiter.take(ms(100_000), 6), Err(ms(100)));
        assert_eq!(limiter.take(ms(100_000), 5), Ok(()));
        // A stream is taken, and waits; single events wait behind it.
        assert_eq!(limiter.owe(ms(100_000), 20), ms(2000));
        assert_eq!(limiter.owe(ms(100_000), 10), ms(3000));
        assert_eq!(limiter.take(ms(102_900), 1), Err(ms(200)));
        assert_eq!(limiter.owe(ms(200_000), 5), ms(0));
        assert!(limiter.owe(ms(200_000), usize::MAX) > ms(1_000_000_000_000), "and nothing overflows");
        assert!(limiter.take(ms(300_000), usize::MAX).is_err());
    }

    /// However it is asked, no more is taken than the rate and one burst give.
    #[test]
    fn no_more_is_taken_than_the_rate_gives() {
        let limiter = Limiter::new(Rate::parse("100/s", Some(10)).unwrap());
        let mut taken = 0;
        for step in 0..100_000u64 {
            let now = Duration::from_micros(step * 137);
            let events = (step % 4) as usize;
            taken += if limiter.take(now, events).is_ok() { events as u64 } else { 0 };
            assert!(taken <= 10 + step * 137 / 10_000 + 1, "{taken} after {now:?}");
        }
        assert!(taken > 1300, "and about as much: {taken}");
    }
}
