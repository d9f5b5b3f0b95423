// SPDX-License-Identifier: Apache-2.0
//! How long events take, as the engine itself sees it: waiting, in the sequencer, until durable, in all.
//!
//! Histograms over a fixed scale of a microsecond to ten seconds, three buckets a decade: an observation is two additions,
//! and one observation may stand for all the events of a piece of work. The clock is monotonic and judges nothing, so a
//! replay may have other figures and has the same verdicts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Upper bounds of the buckets, in nanoseconds; above the last is one more.
const BOUNDS: [u64; 22] = {
    let mut bounds = [0; 22];
    let (mut at, mut decade) = (0, 1_000);
    while at < bounds.len() {
        bounds[at] = decade * [1, 2, 5][at % 3];
        at += 1;
        if at.is_multiple_of(3) {
            decade *= 10;
        }
    }
    bounds
};

/// How long something took, counted.
#[derive(Default)]
pub(crate) struct Histogram {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

impl Histogram {
    /// So many took this long each.
    pub(crate) fn observe(&self, took: Duration, times: usize) {
        let (nanos, times) = (nanos(took), times as u64);
        let bucket = BOUNDS.partition_point(|bound| *bound < nanos);
        if let Some(count) = self.buckets.get(bucket) {
            count.fetch_add(times, Relaxed);
        }
        self.nanos.fetch_add(nanos.saturating_mul(times), Relaxed);
    }

    fn read(&self) -> Distribution {
        let bounds = BOUNDS.iter().map(|nanos| *nanos as f64 / 1e9).chain([f64::INFINITY]);
        let counts = self.buckets.iter().map(|count| count.load(Relaxed));
        Distribution {
            buckets: bounds.zip(counts).collect(),
            sum_secs: self.nanos.load(Relaxed) as f64 / 1e9,
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A histogram as it was at some moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// How many took no longer than so many seconds, and longer than the bucket before says; the last bound is infinite.
    pub buckets: Vec<(f64, u64)>,
    /// How long all of them took together, in seconds.
    pub sum_secs: f64,
}

impl Distribution {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }
}

/// What is measured, since the engine was opened.
#[derive(Default)]
pub(crate) struct Clocks {
    pub(crate) queued: Histogram,
    pub(crate) sequenced: Histogram,
    pub(crate) committed: Histogram,
    pub(crate) decided: Histogram,
    busy: AtomicU64,
}

impl Clocks {
    /// The sequencer was at work for so long.
    pub(crate) fn busy(&self, took: Duration) {
        self.busy.fetch_add(nanos(took), Relaxed);
    }

    pub(crate) fn read(&self) -> Latencies {
        Latencies {
            queue_wait: self.queued.read(),
            sequencer_event: self.sequenced.read(),
            commit: self.committed.read(),
            decision: self.decided.read(),
            sequencer_busy: Duration::from_nanos(self.busy.load(Relaxed)),
        }
    }
}

/// How long things took, since the engine was opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Latencies {
    /// Of each event: from its place in the queue until the sequencer took it up.
    pub queue_wait: Distribution,
    /// Of each event: in the sequencer, without what makes it durable; of a piece of work, the mean.
    pub sequencer_event: Distribution,
    /// Of each batch: writing, and syncing where answers wait for that.
    pub commit: Distribution,
    /// Of each event: from its place in the queue until its answer was given.
    pub decision: Distribution,
    /// For how long the sequencer had work.
    pub sequencer_busy: Duration,
}

/// Time since the last look, without a reading of the clock in between.
pub(crate) struct Lap(Instant);

impl Lap {
    pub(crate) fn begin() -> Lap {
        Lap(Instant::now())
    }

    /// When this lap began.
    pub(crate) fn began(&self) -> Instant {
        self.0
    }

    /// How long it took; the next one begins.
    pub(crate) fn next(&mut self) -> Duration {
        let now = Instant::now();
        now.saturating_duration_since(std::mem::replace(&mut self.0, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_goes_from_a_microsecond_to_ten_seconds() {
        assert!(BOUNDS.is_sorted());
        assert_eq!((BOUNDS[0], BOUNDS[1], BOUNDS[3], BOUNDS[21]), (1_000, 2_000, 10_000, 10_000_000_000));
    }

    #[test]
    fn what_is_observed_lies_in_its_bucket() {
        let check = |nanos: u64, expect: f64| {
            let histogram = Histogram::default();
            histogram.observe(Duration::from_nanos(nanos), 3);
            let read = histogram.read();
            let found: Vec<f64> = read.buckets.iter().filter(|(_, n)| *n == 3).map(|(le, _)| *le).collect();
            assert_eq!((found, read.count()), (vec![expect], 3), "{nanos}");
            assert!((read.sum_secs - 3.0 * nanos as f64 / 1e9).abs() < 1e-9);
        };
        check(0, 1e-6);
        check(1_000, 1e-6);
        check(1_001, 2e-6);
        check(4_999, 5e-6);
        check(1_000_000, 1e-3);
        check(9_999_999_999, 10.0);
        check(10_000_000_001, f64::INFINITY);
    }
}
