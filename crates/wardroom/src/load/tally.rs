// SPDX-License-Identifier: Apache-2.0
//! What was counted while a run goes on.

use super::answer::Outcome;
use super::schedule::Arrival;
use super::{Watch, Window, limits, lock};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What came back since somebody looked last, whenever it was scheduled.
#[derive(Debug)]
pub(crate) struct Interval {
    /// Microseconds from the scheduled time to the verdict.
    pub(crate) latency: Histogram<u64>,
    /// Microseconds from the sending to the verdict: what the server took.
    pub(crate) service: Histogram<u64>,
    /// Events that came back without a verdict.
    pub(crate) errors: u64,
}

impl Interval {
    pub(crate) fn new() -> Interval {
        Interval { latency: histogram(), service: histogram(), errors: 0 }
    }

    /// What there was; counting begins anew.
    pub(crate) fn take(&mut self) -> Interval {
        std::mem::replace(self, Interval::new())
    }
}

/// Counts of one run; only events scheduled within its measured time count.
pub(super) struct Tally {
    window: Window,
    watch: Option<Watch>,
    /// Microseconds from the scheduled time to the answer.
    pub(super) latency: Histogram<u64>,
    /// Microseconds from the scheduled time to the sending.
    pub(super) lag: Histogram<u64>,
    pub(super) answered: u64,
    /// Answers that came within the measured time, whenever their events were scheduled.
    pub(super) completed: u64,
    pub(super) unanswered: u64,
    pub(super) unsent: u64,
    pub(super) verdicts: BTreeMap<String, u64>,
    pub(super) errors: BTreeMap<String, u64>,
}

impl Tally {
    pub(super) fn new(window: Window, watch: Option<Watch>) -> Tally {
        Tally {
            window,
            watch,
            latency: histogram(),
            lag: histogram(),
            answered: 0,
            completed: 0,
            unanswered: 0,
            unsent: 0,
            verdicts: BTreeMap::new(),
            errors: BTreeMap::new(),
        }
    }

    /// An event was sent at `started`, and its outcome was known at `done`. A refusal has no latency: a server that
    /// refuses fast must not look fast.
    pub(super) fn done(&mut self, arrival: &Arrival, started: Instant, done: Instant, outcome: &Outcome<'_>) {
        let verdict = matches!(outcome, Outcome::Verdict(_));
        self.completed += u64::from(verdict && self.window.counts(done));
        if let Some(watch) = &self.watch {
            let mut interval = lock(watch);
            interval.errors += u64::from(!verdict);
            if verdict {
                record(&mut interval.latency, done - arrival.scheduled);
                record(&mut interval.service, done - started);
            }
        }
        if !self.window.counts(arrival.scheduled) {
            return;
        }
        record(&mut self.lag, started - arrival.scheduled);
        match outcome {
            Outcome::Verdict(verdict) => {
                self.answered += 1;
                count(&mut self.verdicts, verdict);
                record(&mut self.latency, done - arrival.scheduled);
            }
            Outcome::Error(error) => count(&mut self.errors, error),
        }
    }

    /// An event was sent and no longer waited for. It counts with the time it had waited.
    pub(super) fn unanswered(&mut self, arrival: &Arrival, started: Instant, now: Instant) {
        if self.window.counts(arrival.scheduled) {
            self.unanswered += 1;
            record(&mut self.lag, started - arrival.scheduled);
            record(&mut self.latency, now - arrival.scheduled);
        }
    }

    /// An event fell due and no connection was free for it. It counts as one that was never answered does.
    pub(super) fn unsent(&mut self, arrival: &Arrival, now: Instant) {
        if self.window.counts(arrival.scheduled) {
            self.unsent += 1;
            record(&mut self.lag, now - arrival.scheduled);
            record(&mut self.latency, now - arrival.scheduled);
        }
    }

    /// How many events were sent.
    pub(super) fn sent(&self) -> u64 {
        self.answered + self.unanswered + self.errors.values().sum::<u64>()
    }
}

fn histogram() -> Histogram<u64> {
    let most = u64::try_from(limits::LATENCY.as_micros()).unwrap_or(u64::MAX);
    // The bounds are constants that fit.
    Histogram::new_with_bounds(1, most, 3).expect("a histogram of microseconds to ten minutes")
}

fn record(histogram: &mut Histogram<u64>, time: Duration) {
    histogram.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
}

/// Counts a name that a server chose, within bounds.
fn count(names: &mut BTreeMap<String, u64>, name: &str) {
    if let Some(n) = names.get_mut(name) {
        *n += 1;
        return;
    }
    let shown: String = name.chars().filter(|c| !c.is_control()).take(limits::NAME_CHARS).collect();
    let key = if names.len() < limits::NAMES { shown } else { "other".to_owned() };
    *names.entry(key).or_default() += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_measured_time_counts_and_nothing_is_lost() {
        let from = Instant::now();
        let secs = Duration::from_secs;
        let mut tally = Tally::new(Window { from, until: from + secs(10), give_up: from + secs(15) }, None);
        let at = |s: u64| Arrival { number: s, scheduled: from + secs(s) };
        let verdict = Outcome::Verdict("allow".into());
        let before = Arrival { number: 0, scheduled: from - secs(1) };
        tally.done(&before, before.scheduled, from + secs(1), &verdict);
        tally.done(&at(1), from + secs(2), from + secs(4), &verdict);
        tally.done(&at(9), from + secs(9), from + secs(12), &verdict);
        tally.done(&at(3), from + secs(3), from + secs(3), &Outcome::Error("503".into()));
        tally.done(&at(10), from + secs(10), from + secs(11), &verdict);
        tally.unanswered(&at(5), from + secs(5), from + secs(15));
        tally.unsent(&at(6), from + secs(15));
        assert_eq!((tally.answered, tally.completed, tally.unanswered, tally.unsent), (2, 2, 1, 1));
        assert_eq!((tally.sent(), tally.verdicts["allow"], tally.errors["503"]), (4, 2, 1));
        // 3 s and 3 s answered, 10 s and 9 s given up; the refusal has no latency.
        assert_eq!(tally.latency.len(), 4);
        let near = |value: u64, secs: u64| (value as i64 - secs as i64 * 1_000_000).abs() < 20_000;
        assert!(near(tally.latency.max(), 10) && near(tally.latency.value_at_quantile(0.5), 3));
        assert!(near(tally.lag.max(), 9), "{}", tally.lag.max());
    }

    #[test]
    fn names_are_bounded() {
        let mut names = BTreeMap::new();
        for n in 0..1000 {
            count(&mut names, &format!("{n}\n{}", "x".repeat(100)));
        }
        assert!(names.len() <= limits::NAMES + 1);
        assert!(names.keys().all(|k| k.len() <= limits::NAME_CHARS && !k.contains('\n')));
        assert_eq!(names.values().sum::<u64>(), 1000);
    }
}
