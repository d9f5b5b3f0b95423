// SPDX-License-Identifier: Apache-2.0
//! A day of a large provider, as the simulator has it, through one server as fast as it goes; then `kill -9` and a
//! restart.

use super::host::{Host, on_disk};
use super::plot::svg;
use super::sample::{self, Sample};
use super::{bytes, put, scratch, soak};
use crate::cli::DayArgs;
use crate::load::{self, Events, Interval, Mode, Plan, lock};
use anyhow::Result;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wardroom_sim::{Campaigns, Settings, World};

/// Streams that carry the day.
const STREAMS: usize = 2;
/// Events of an account and a day, sign-ups and retries with them: what the simulator's ordinary settings come to.
const PER_ACCOUNT: u64 = 5;
/// One sign-up a day for so many accounts, as in the simulator's ordinary settings.
const ACCOUNTS_PER_SIGNUP: f64 = 50.0;

pub(super) async fn run(args: DayArgs) -> Result<()> {
    let dir = scratch(args.common.data.as_deref())?;
    let mut host = Host::start(dir.path(), args.common.policy.as_deref(), "").await?;
    let watch = Arc::new(Mutex::new(Interval::new()));
    let plan = Plan {
        mode: Mode::Stream,
        connections: STREAMS,
        warm_up: Duration::ZERO,
        duration: load::limits::DURATION,
        events: events(args.events),
        most: Some(args.events),
        watch: Some(watch.clone()),
        ..soak::plan(&host, 1)
    };
    let (samples, report) = sample::during(&host, &watch, load::run(plan)).await;
    let report = report?;
    let mut out = std::io::stdout();
    for (verdict, count) in &report.verdicts {
        writeln!(out, "{verdict:>12} {count:>12}")?;
    }
    for (error, count) in &report.errors {
        writeln!(out, "error: {error} {count}")?;
    }
    write!(out, "{}", said(&host, &samples, args.events))?;
    let ready = host.restart().await?;
    writeln!(
        out,
        "after kill -9 it was ready in {:.2} s, with {} in memory",
        ready.as_secs_f64(),
        bytes(host.usage().map_or(0, |u| u.resident))
    )?;
    put(&args.common.out, "day.csv", &sample::csv(&samples))?;
    let title = format!("{} events of a simulated provider's day", args.events);
    let path = put(&args.common.out, "day.svg", &svg(&title, &soak::panels(&samples)))?;
    writeln!(out, "{}", path.display())?;
    Ok(())
}

/// The provider's events in their order. Streams take turns, so that neighbours may change places.
fn events(count: u64) -> Events {
    let accounts = u32::try_from(count / PER_ACCOUNT).unwrap_or(u32::MAX).max(1000);
    let settings = Settings {
        accounts,
        signups_per_day: f64::from(accounts) / ACCOUNTS_PER_SIGNUP,
        campaigns: Campaigns {
            size: (f64::from(accounts) / 20_000.0).clamp(1.0, 100.0),
            ..Campaigns::default()
        },
        ..Settings::default()
    };
    let world = Mutex::new((World::new(settings), String::new()));
    Events::new(move |_, out| {
        let (world, json) = &mut *lock(&world);
        if let Some(happening) = world.next() {
            json.clear();
            happening.event.write_json(json);
            out.extend_from_slice(json.as_bytes());
        }
    })
}

fn said(host: &Host, samples: &[Sample], events: u64) -> String {
    let Some(last) = samples.last() else {
        return String::new();
    };
    let data = host.data();
    let each = |n: u64| n / events.max(1);
    let (journal, ids, snapshots) =
        (on_disk(&data.join("journal")), on_disk(&data.join("ids")), on_disk(&data.join("snapshots")));
    let metric = |name: &str| host.metric(name).unwrap_or(0.0) as u64;
    let (state, keys) = (metric("wardroom_state_bytes"), metric("wardroom_state_keys"));
    format!(
        "{:.0} s, {:.0} events a second; server {:.0} s of processor time, {:.1} µs an event\n\
         journal {} ({} bytes an event), event ids {}, snapshots {}\n\
         memory at most {}, at the end {}; counters {} for {keys} keys, {} bytes each\n",
        last.at,
        events as f64 / last.at,
        last.usage.cpu_secs,
        last.usage.cpu_secs / events.max(1) as f64 * 1e6,
        bytes(journal),
        each(journal),
        bytes(ids),
        bytes(snapshots),
        bytes(last.usage.peak),
        bytes(last.usage.resident),
        bytes(state),
        state / keys.max(1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_has_as_many_events_as_it_should() {
        let events = events(40_000);
        let mut json = Vec::new();
        let mut last = String::new();
        for n in 0..40_000 {
            json.clear();
            events.write(n, &mut json);
            let event: serde_json::Value = serde_json::from_slice(&json).unwrap();
            last = event["time"].as_str().unwrap().to_owned();
        }
        assert!(("2026-01-05T20".."2026-01-06T12").contains(&&*last), "a day, more or less: {last}");
    }
}
