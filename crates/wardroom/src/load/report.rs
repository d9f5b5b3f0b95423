// SPDX-License-Identifier: Apache-2.0
//! What a run found, for scripts and for people.

use super::tally::Tally;
use super::{Arrivals, Mode, Plan};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What became of the events of a run that were scheduled within its measured time.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub(crate) struct Report {
    /// How events travelled.
    pub(crate) mode: Mode,
    /// When they came.
    pub(crate) arrivals: Arrivals,
    /// Over how many connections.
    pub(crate) connections: usize,
    /// Seconds before measuring began.
    pub(crate) warm_up_secs: f64,
    /// Seconds measured.
    pub(crate) duration_secs: f64,
    /// Events handed to a connection.
    pub(crate) sent: u64,
    /// Events answered with a verdict.
    pub(crate) answered: u64,
    /// Events sent and not answered by the end, [`super::limits::DRAIN`] after the last was scheduled.
    pub(crate) unanswered: u64,
    /// Events that fell due and found no connection free by then. The server did not keep up.
    pub(crate) unsent: u64,
    /// Events that came back without a verdict, by status or by what went wrong.
    pub(crate) errors: BTreeMap<String, u64>,
    /// Verdicts a second: those that came within the measured time.
    pub(crate) rate: f64,
    /// From the scheduled time to the verdict; in a closed loop, from the sending. Events never answered count with the
    /// time they had waited, refusals do not count. `None` when there was neither.
    pub(crate) latency: Option<Times>,
    /// From the scheduled time to the sending: how long events waited for a connection or for this program, which is
    /// part of their latency. `None` in a closed loop.
    pub(crate) lag: Option<Times>,
    /// Answers by verdict.
    pub(crate) verdicts: BTreeMap<String, u64>,
}

/// Where times lie, in microseconds, with three digits kept.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub(crate) struct Times {
    /// On average.
    pub(crate) mean_us: f64,
    /// Half are at most this.
    pub(crate) p50_us: u64,
    /// Nine of ten.
    pub(crate) p90_us: u64,
    /// 99 of a hundred.
    pub(crate) p99_us: u64,
    /// 999 of a thousand.
    pub(crate) p999_us: u64,
    /// The longest.
    pub(crate) max_us: u64,
}

impl Times {
    pub(crate) fn of(histogram: &Histogram<u64>) -> Option<Times> {
        let at = |quantile| histogram.value_at_quantile(quantile);
        (!histogram.is_empty()).then(|| Times {
            mean_us: histogram.mean(),
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: histogram.max(),
        })
    }
}

impl Report {
    pub(super) fn of(plan: &Plan, tally: &Tally) -> Report {
        Report {
            mode: plan.mode,
            arrivals: plan.arrivals,
            connections: plan.connections,
            warm_up_secs: plan.warm_up.as_secs_f64(),
            duration_secs: plan.duration.as_secs_f64(),
            sent: tally.sent(),
            answered: tally.answered,
            unanswered: tally.unanswered,
            unsent: tally.unsent,
            errors: tally.errors.clone(),
            rate: tally.completed as f64 / plan.duration.as_secs_f64(),
            latency: Times::of(&tally.latency),
            lag: plan.arrivals.rate().and_then(|_| Times::of(&tally.lag)),
            verdicts: tally.verdicts.clone(),
        }
    }

    /// The report as a table of a few lines, with a final line break.
    pub(crate) fn render(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let mode = match self.mode {
            Mode::Single => "one event a request",
            Mode::Stream => "NDJSON stream",
        };
        let arrivals = match self.arrivals {
            Arrivals::Fixed { rate } => format!("{rate:.0}/s at fixed times"),
            Arrivals::Poisson { rate, .. } => format!("{rate:.0}/s at random times"),
            Arrivals::Max => "as fast as it goes (closed loop)".to_owned(),
        };
        writeln!(
            out,
            "{mode}, {arrivals}, {} connections, {:.1} s measured",
            self.connections, self.duration_secs
        )?;
        writeln!(out, "  verdicts a second  {:>10.0}", self.rate)?;
        let counts = [("sent", self.sent), ("answered", self.answered)];
        for (name, count) in counts {
            writeln!(out, "  {name:<17}  {count:>10}")?;
        }
        for (name, count) in [("not answered", self.unanswered), ("never sent", self.unsent)] {
            if count > 0 {
                writeln!(out, "  {name:<17}  {count:>10}   the server did not keep up")?;
            }
        }
        for (name, count) in &self.errors {
            writeln!(out, "  {:<17}  {count:>10}", format!("error: {name}"))?;
        }
        if self.latency.is_some() || self.lag.is_some() {
            writeln!(
                out,
                "  {:<17}  {:>10}{:>10}{:>10}{:>10}{:>10}",
                "", "p50", "p90", "p99", "p99.9", "max"
            )?;
        }
        for (name, times) in [("latency", self.latency), ("of it, to send", self.lag)] {
            let Some(t) = times else { continue };
            let [p50, p90, p99, p999, max] = [t.p50_us, t.p90_us, t.p99_us, t.p999_us, t.max_us].map(time);
            writeln!(out, "  {name:<17}  {p50:>10}{p90:>10}{p99:>10}{p999:>10}{max:>10}")?;
        }
        for (name, count) in &self.verdicts {
            writeln!(out, "  {name:<17}  {count:>10}")?;
        }
        Ok(())
    }
}

/// Microseconds with their unit, three digits.
pub(crate) fn time(us: u64) -> String {
    let (value, unit) = match us {
        0..1_000 => return format!("{us} µs"),
        1_000..1_000_000 => (us as f64 / 1e3, "ms"),
        _ => (us as f64 / 1e6, "s"),
    };
    let digits = match value {
        v if v < 10.0 => 2,
        v if v < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let times = Times {
            mean_us: 900.5,
            p50_us: 810,
            p90_us: 1200,
            p99_us: 25_000,
            p999_us: 150_000,
            max_us: 2_500_000,
        };
        Report {
            mode: Mode::Single,
            arrivals: Arrivals::Fixed { rate: 5000.0 },
            connections: 32,
            warm_up_secs: 1.0,
            duration_secs: 10.0,
            sent: 50_000,
            answered: 49_990,
            unanswered: 0,
            unsent: 3,
            errors: BTreeMap::from([("503".to_owned(), 10)]),
            rate: 4999.4,
            latency: Some(times),
            lag: None,
            verdicts: BTreeMap::from([("allow".to_owned(), 49_980), ("block".to_owned(), 10)]),
        }
    }

    #[test]
    fn people_read_a_table() {
        let expect = "\
one event a request, 5000/s at fixed times, 32 connections, 10.0 s measured
  verdicts a second        4999
  sent                    50000
  answered                49990
  never sent                  3   the server did not keep up
  error: 503                 10
                            p50       p90       p99     p99.9       max
  latency                810 µs   1.20 ms   25.0 ms    150 ms    2.50 s
  allow                   49980
  block                      10
";
        assert_eq!(report().render(), expect);
    }

    #[test]
    fn scripts_read_json() {
        let json = serde_json::to_value(report()).unwrap();
        assert_eq!(json["arrivals"], serde_json::json!({"kind": "fixed", "rate": 5000.0}));
        assert_eq!((&json["mode"], &json["latency"]["p99_us"]), (&"single".into(), &25_000.into()));
        assert!(json["lag"].is_null());
    }
}
