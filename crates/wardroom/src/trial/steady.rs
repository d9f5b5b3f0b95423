// SPDX-License-Identifier: Apache-2.0
//! Half of what the server can take, twice: with nothing else to do, and with snapshots and new segments all the time.
//! The same arrivals, the same events: the two histograms should lie on each other.

use super::host::Host;
use super::{put, sample, scratch, soak};
use crate::cli::SteadyArgs;
use crate::load::{self, Arrivals, Interval, Plan, Report};
use anyhow::Result;
use hdrhistogram::Histogram;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Nothing but events: no snapshot, and a segment larger than all of them.
const QUIET: &str = "segment_size = \"1GiB\"\nsnapshot_every = \"never\"\n";
/// A snapshot begins every two seconds, and a segment is full in less.
const BUSY: &str = "segment_size = \"4MiB\"\nsnapshot_every = \"2s\"\n";

pub(super) async fn run(args: SteadyArgs) -> Result<()> {
    let mut out = std::io::stdout();
    let mut rate = None;
    let mut found = Vec::new();
    for (name, settings) in [("nothing else", QUIET), ("snapshots and new segments", BUSY)] {
        let dir = scratch(args.common.data.as_deref())?;
        let host = Host::start(dir.path(), args.common.policy.as_deref(), settings).await?;
        let capacity = soak::capacity(&host).await?;
        let rate = *rate.get_or_insert(capacity / 2.0);
        let watch = Arc::new(Mutex::new(Interval::new()));
        let plan = Plan {
            arrivals: Arrivals::Poisson { rate, seed: 3 },
            connections: 256,
            duration: Duration::from_secs(args.seconds),
            watch: Some(watch.clone()),
            ..soak::plan(&host, 3)
        };
        // Kept by the second, since a snapshot now and then is what may show.
        let mut all: Histogram<u64> = Histogram::new(3)?;
        let work = async {
            let run = load::run(plan);
            let mut run = std::pin::pin!(run);
            let mut tick = tokio::time::interval(Duration::from_millis(200));
            loop {
                tokio::select! {
                    report = &mut run => return report,
                    _ = tick.tick() => drop(all.add(load::lock(&watch).take().latency)),
                }
            }
        };
        let idle = Arc::new(Mutex::new(Interval::new()));
        let (_, report) = sample::during(&host, &idle, work).await;
        let report: Report = report?;
        let snapshots = host.metric("wardroom_snapshots_total").unwrap_or(0.0);
        let segments = std::fs::read_dir(host.data().join("journal"))?.count().saturating_sub(1);
        writeln!(out, "{name}: {snapshots:.0} snapshots, {segments} segments\n{}", report.render())?;
        found.push((name, all));
    }
    let table = table(&found);
    write!(out, "{table}")?;
    let path = put(&args.common.out, "steady.txt", &table)?;
    writeln!(out, "{}", path.display())?;
    Ok(())
}

/// Both histograms side by side, by powers of two.
fn table(found: &[(&str, Histogram<u64>)]) -> String {
    let mut out = format!("{:>12}", "up to");
    for (name, _) in found {
        let _ = write!(out, "  {name:>28}");
    }
    out.push('\n');
    let (mut low, mut high) = (0, 128);
    while found.iter().any(|(_, h)| h.max() > low) {
        let _ = write!(out, "{:>12}", load::time(high));
        for (_, histogram) in found {
            let count = histogram.count_between(low + 1, high);
            let share = count as f64 / histogram.len().max(1) as f64 * 100.0;
            let _ = write!(out, "  {count:>16} {share:>9.4} %");
        }
        out.push('\n');
        (low, high) = (high, high * 2);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_each_time_once() {
        let mut histogram: Histogram<u64> = Histogram::new(3).unwrap();
        [1, 128, 129, 1000, 1001].into_iter().for_each(|us| histogram += us);
        let table = table(&[("a", histogram)]);
        let counts: Vec<&str> = table.lines().skip(1).map(|l| l.split_whitespace().nth(2).unwrap()).collect();
        assert_eq!(counts, ["2", "1", "0", "2"], "{table}");
    }
}
