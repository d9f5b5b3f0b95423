// SPDX-License-Identifier: Apache-2.0
//! A new account with every event, by the million, over one stream, under a cap on memory; beside it a single request now
//! and then: does it notice that counters grow, forget and are written to snapshots? Then `kill -9` and a restart.

use super::host::Host;
use super::plot::svg;
use super::sample::{self, Sample};
use super::{bytes, put, scratch, soak};
use crate::cli::KeysArgs;
use crate::load::{self, Arrivals, Events, Interval, Mode, Plan, Times, Watch, lock, time};
use anyhow::{Result, bail};
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Each account is counted over three windows, and nothing else is done: what is tried is how many keys there can be.
const POLICY: &str = "\
event visit:
    account: account

feature of_hour = count(visit, by=account, last=\"1h\")
feature of_day  = count(visit, by=account, last=\"1d\")
feature of_week = count(visit, by=account, last=\"7d\")

rule often on visit:
    when    of_hour >= 100 or of_day >= 1000 or of_week >= 5000
    then    limit
    because \"{of_hour} visits in the last hour\"
";
/// Single requests a second beside the stream.
const PROBES: f64 = 50.0;
/// Most events sent until the server has looked at the size of its state: it does so every 1,024.
const LOOK: u64 = 2048;

pub(super) async fn run(args: KeysArgs) -> Result<()> {
    let dir = scratch(args.data.as_deref())?;
    let policy = dir.path().join("policy");
    std::fs::create_dir(&policy)?;
    std::fs::write(policy.join("keys.ward"), POLICY)?;
    let settings = format!("memory = {:?}\n", args.memory);
    let mut host = Host::start(dir.path(), Some(&policy), &settings).await?;
    let (watch, probes) = (watch(), watch());
    let stream = Plan {
        mode: Mode::Stream,
        connections: 1,
        warm_up: Duration::ZERO,
        duration: load::limits::DURATION,
        events: events("k"),
        most: Some(args.keys),
        watch: Some(watch.clone()),
        ..soak::plan(&host, 1)
    };
    let beside = Plan {
        arrivals: Arrivals::Fixed { rate: PROBES },
        connections: 1,
        warm_up: Duration::ZERO,
        duration: load::limits::DURATION,
        events: events("p"),
        watch: Some(probes.clone()),
        ..soak::plan(&host, 2)
    };
    let work = async {
        tokio::select! {
            done = load::run(stream) => done,
            // It ends before the stream only where it could not begin.
            done = load::run(beside) => done,
        }
    };
    let (samples, report) = sample::during(&host, &watch, work).await;
    let report = report?;
    let mut out = std::io::stdout();
    for (error, count) in &report.errors {
        writeln!(out, "error: {error} {count}")?;
    }
    // Counted where they came, for the report leaves out those from before its measured time.
    let answered: u64 = samples.iter().map(|sample| sample.verdicts).sum();
    if answered < args.keys {
        bail!("{answered} of {} events were answered", args.keys);
    }
    write!(out, "{}", said(&samples, args.keys, &lock(&probes)))?;
    let before = Counters::settled(&host)?;
    let forgot = |name: &str| host.metric(name).unwrap_or(0.0);
    let (times, keys) = (forgot("wardroom_forgets_total"), forgot("wardroom_forgotten_keys_total"));
    writeln!(out, "counters {before} after forgetting {times:.0} times, {keys:.0} keys")?;
    writeln!(out, "memory of the process at most {}", bytes(host.usage().map_or(0, |usage| usage.peak)))?;
    let ready = host.restart().await?;
    let after = Counters::of(&host);
    let same =
        if before == after { "the same counters".to_owned() } else { format!("other counters: {after}") };
    writeln!(out, "after kill -9 it was ready in {:.2} s, with {same}", ready.as_secs_f64())?;
    put(&args.out, "keys.csv", &sample::csv(&samples))?;
    let title = format!("{} events, each of a new account, under {}", args.keys, args.memory);
    let path = put(&args.out, "keys.svg", &svg(&title, &soak::panels(&samples)))?;
    writeln!(out, "{}", path.display())?;
    Ok(())
}

fn watch() -> Watch {
    Arc::new(Mutex::new(Interval::new()))
}

/// Visits of an account each; `kind` tells those of one plan from those of another.
fn events(kind: &'static str) -> Events {
    Events::new(move |number, out| out.extend_from_slice(event(kind, number).as_bytes()))
}

fn event(kind: &str, number: u64) -> String {
    format!(r#"{{"type":"visit","id":"{kind}{number}","account":"{kind}{number:012}"}}"#)
}

/// What the server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counters {
    bytes: u64,
    keys: u64,
}

impl Counters {
    fn of(host: &Host) -> Counters {
        let metric = |name: &str| host.metric(name).unwrap_or(0.0) as u64;
        Counters { bytes: metric("wardroom_state_bytes"), keys: metric("wardroom_state_keys") }
    }

    /// As they are after the newest event. The figures are looked at now and then: one event after the other is sent until
    /// they are.
    fn settled(host: &Host) -> Result<Counters> {
        let ids = || host.metric("wardroom_event_ids");
        let before = ids();
        for number in 0..LOOK {
            host.decide(&event("s", number))?;
            if ids() != before {
                return Ok(Counters::of(host));
            }
        }
        bail!("the server has not looked at its counters in {LOOK} events")
    }
}

impl std::fmt::Display for Counters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} for {} keys", bytes(self.bytes), self.keys)
    }
}

fn said(samples: &[Sample], keys: u64, probes: &Interval) -> String {
    let secs = samples.last().map_or(0.0, |last| last.at);
    let times = match Times::of(&probes.latency) {
        Some(t) => format!("p50 {}, p99 {}, the longest {}", time(t.p50_us), time(t.p99_us), time(t.max_us)),
        None => "none answered".to_owned(),
    };
    format!(
        "{secs:.1} s, {:.0} events a second\n{} single requests beside it, {} refused; {times}\n",
        keys as f64 / secs.max(f64::MIN_POSITIVE),
        probes.latency.len() + probes.errors,
        probes.errors,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardroom_policy::Bundle;

    #[test]
    fn the_policy_compiles_and_takes_the_events() {
        let compiled = wardroom_policy::compile(&Bundle::single("keys.ward", POLICY));
        assert!(compiled.diagnostics.is_empty(), "{:?}", compiled.diagnostics);
        let mut json = Vec::new();
        events("k").write(7, &mut json);
        let event: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!((&event["id"], &event["account"]), (&"k7".into(), &"k000000000007".into()));
    }

    #[test]
    fn what_was_seen_is_said() {
        let mut probes = Interval::new();
        [1000, 2000, 30_000].into_iter().for_each(|us| probes.latency += us);
        probes.errors = 2;
        let said = said(&[], 10, &probes);
        assert!(said.contains("5 single requests beside it, 2 refused; p50 2.0"), "{said}");
    }
}
