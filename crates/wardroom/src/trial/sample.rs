// SPDX-License-Identifier: Apache-2.0
//! What is looked at each second of a trial, and how it is written down.

use super::host::{Host, Usage, on_disk};
use crate::load::{Interval, Times, Watch, lock};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// How often a trial looks.
const EVERY: Duration = Duration::from_secs(1);

/// One second.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// Seconds since the trial began.
    pub(super) at: f64,
    /// How long the second was.
    pub(super) secs: f64,
    /// Verdicts that came, and their times from when each event was due.
    pub(super) verdicts: u64,
    pub(super) latency: Option<Times>,
    /// Their times from when each event was sent.
    pub(super) service: Option<Times>,
    /// Events refused.
    pub(super) refused: u64,
    /// Of the server's process.
    pub(super) usage: Usage,
    /// Bytes in its data directory.
    pub(super) disk: u64,
}

/// Looks each second until `done` is; gives what it saw and what that gave.
pub(super) async fn during<T>(host: &Host, watch: &Watch, done: impl Future<Output = T>) -> (Vec<Sample>, T) {
    let began = Instant::now();
    let mut samples = Vec::new();
    let mut tick = tokio::time::interval(EVERY);
    tick.tick().await;
    let mut last = began;
    let mut done = std::pin::pin!(done);
    loop {
        let end = tokio::select! {
            end = &mut done => Some(end),
            _ = tick.tick() => None,
        };
        let now = Instant::now();
        if let Some(usage) = host.usage() {
            let Interval { latency, service, errors } = lock(watch).take();
            samples.push(Sample {
                at: (now - began).as_secs_f64(),
                secs: (now - last).as_secs_f64(),
                verdicts: latency.len(),
                latency: Times::of(&latency),
                service: Times::of(&service),
                refused: errors,
                usage,
                disk: on_disk(&host.data()),
            });
            last = now;
        }
        if let Some(end) = end {
            return (samples, end);
        }
    }
}

/// The samples as CSV, one line a second.
pub(super) fn csv(samples: &[Sample]) -> String {
    let mut out =
        "secs,verdicts_per_sec,refused_per_sec,p50_us,p99_us,max_us,sent_p50_us,sent_p99_us,sent_max_us,resident_bytes,cpu_secs,disk_bytes\n"
            .to_owned();
    for s in samples {
        let times = |of: &Option<Times>| match of {
            Some(t) => format!("{},{},{}", t.p50_us, t.p99_us, t.max_us),
            None => ",,".to_owned(),
        };
        let (due, sent) = (times(&s.latency), times(&s.service));
        let (rate, refused) = (s.verdicts as f64 / s.secs, s.refused as f64 / s.secs);
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{:.1},{rate:.0},{refused:.0},{due},{sent},{},{:.2},{}",
            s.at, s.usage.resident, s.usage.cpu_secs, s.disk
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_without_verdicts_has_no_latency() {
        let usage = Usage { resident: 5, peak: 6, cpu_secs: 0.5 };
        let sample = Sample {
            at: 1.0,
            secs: 2.0,
            verdicts: 0,
            latency: None,
            service: None,
            refused: 4,
            usage,
            disk: 7,
        };
        assert_eq!(csv(&[sample]).lines().nth(1), Some("1.0,0,2,,,,,,,5,0.50,7"));
    }
}
