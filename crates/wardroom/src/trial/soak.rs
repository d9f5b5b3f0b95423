// SPDX-License-Identifier: Apache-2.0
//! More than the server can take, for minutes: is memory flat, and is what is taken answered soon?

use super::host::Host;
use super::plot::{Panel, svg};
use super::sample::{self, Sample};
use super::{bytes, put, scratch};
use crate::cli::SoakArgs;
use crate::load::{self, Arrivals, Interval, Mode, Plan, Population, Report};
use anyhow::Result;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Connections while the capacity is found, and of the second client.
const CONNECTIONS: usize = 64;
/// What a second client with a key of its own asks meanwhile, in events a second.
const BESIDE: f64 = 50.0;

pub(super) async fn run(args: SoakArgs) -> Result<()> {
    let dir = scratch(args.common.data.as_deref())?;
    let settings = format!("memory = {:?}\n", args.memory);
    let host = Host::start(dir.path(), args.common.policy.as_deref(), &settings).await?;
    let capacity = capacity(&host).await?;
    let rate = capacity * f64::from(args.times) / 100.0;
    let mut out = std::io::stdout();
    writeln!(out, "capacity: {capacity:.0} durable decisions a second over {CONNECTIONS} connections")?;
    writeln!(
        out,
        "offered: {rate:.0} a second over {} connections for {} minutes",
        args.connections, args.minutes
    )?;
    let watch = Arc::new(Mutex::new(Interval::new()));
    let duration = Duration::from_secs(60 * u64::from(args.minutes));
    let flood = Plan {
        arrivals: Arrivals::Poisson { rate, seed: 3 },
        connections: args.connections as usize,
        duration,
        watch: Some(watch.clone()),
        ..plan(&host, 3)
    };
    let beside = Plan {
        token: Some(host.other.clone()),
        arrivals: Arrivals::Poisson { rate: BESIDE, seed: 4 },
        connections: CONNECTIONS,
        duration,
        ..plan(&host, 4)
    };
    let both = async { tokio::join!(load::run(flood), load::run(beside)) };
    let (samples, (report, beside)) = sample::during(&host, &watch, both).await;
    let (report, beside) = (report?, beside?);
    write!(out, "{}{}", report.render(), said(&samples, &report))?;
    write!(out, "a second key meanwhile: {}", beside.render())?;
    let csv = put(&args.common.out, "soak.csv", &sample::csv(&samples))?;
    let title =
        format!("{:.1} times what it can take: {rate:.0} events a second", f64::from(args.times) / 100.0);
    let svg = put(&args.common.out, "soak.svg", &svg(&title, &panels(&samples)))?;
    writeln!(out, "{}\n{}", csv.display(), svg.display())?;
    Ok(())
}

pub(super) fn plan(host: &Host, seed: u64) -> Plan {
    Plan {
        url: host.url(),
        token: Some(host.token.clone()),
        mode: Mode::Single,
        arrivals: Arrivals::Max,
        connections: CONNECTIONS,
        in_flight: 1024,
        warm_up: Duration::from_secs(2),
        duration: Duration::from_secs(10),
        events: Population::new(seed).events(),
        most: None,
        watch: None,
    }
}

/// Verdicts a second with as many requests as it wants, the generator on the same machine.
pub(super) async fn capacity(host: &Host) -> Result<f64> {
    Ok(load::run(plan(host, 1)).await?.rate)
}

fn said(samples: &[Sample], report: &Report) -> String {
    // The first two minutes fill windows and buffers.
    let settled = samples.iter().filter(|s| s.at >= 120.0).map(|s| s.usage.resident);
    let (low, high) = settled.fold((u64::MAX, 0), |(low, high), r| (low.min(r), high.max(r)));
    let last = samples.last();
    let mut out = format!(
        "memory after two minutes: {} to {}; at the end {}\n",
        bytes(low.min(high)),
        bytes(high),
        bytes(last.map_or(0, |s| s.usage.resident))
    );
    if let Some(last) = last {
        let refused: u64 = report.errors.values().sum();
        out += &format!(
            "server: {:.0} s of processor time in {:.0} s; refused {refused}, never sent {}\n",
            last.usage.cpu_secs, last.at, report.unsent
        );
    }
    out
}

/// The panels that every trial has.
pub(super) fn panels(samples: &[Sample]) -> Vec<Panel<'static>> {
    let curve = |value: &dyn Fn(&Sample) -> Option<f64>| -> Vec<(f64, f64)> {
        samples.iter().filter_map(|s| Some((s.at, value(s)?))).collect()
    };
    let latency = |of: fn(&load::Times) -> u64| curve(&|s| s.service.as_ref().map(|t| of(t) as f64 / 1e3));
    vec![
        Panel {
            title: "verdicts a second (blue), refused a second (orange)",
            curves: vec![
                curve(&|s| Some(s.verdicts as f64 / s.secs)),
                curve(&|s| Some(s.refused as f64 / s.secs)),
            ],
            log: false,
        },
        Panel {
            title: "ms from sending to verdict: median (blue), 99 % (orange), longest (green)",
            curves: vec![latency(|t| t.p50_us), latency(|t| t.p99_us), latency(|t| t.max_us)],
            log: true,
        },
        Panel {
            title: "memory of the server, bytes",
            curves: vec![curve(&|s| Some(s.usage.resident as f64))],
            log: false,
        },
        Panel { title: "data directory, bytes", curves: vec![curve(&|s| Some(s.disk as f64))], log: false },
    ]
}
