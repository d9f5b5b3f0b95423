// SPDX-License-Identifier: Apache-2.0
//! The path from bytes to verdict, stage by stage: how often it asks for memory, and what the sequencer spends, an event.
//!
//! A program of its own, because it counts what every thread asks the allocator for, and counting would slow down what
//! the other benchmarks time. Allocations are the same in every run and build; the nanoseconds are of this one, and are
//! read from the engine's own clocks.

#[allow(dead_code)]
#[path = "../people.rs"]
mod people;
#[allow(dead_code)]
#[path = "../policy.rs"]
mod policy;

use anyhow::{Context, Result, anyhow};
use people::{BEGIN, TYPES};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::Duration;
use wardroom_engine::{Config, Durability, Engine, Outcome, Work};
use wardroom_event::{Draft, Event, Micros};
use wardroom_policy::Bundle;

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many features each event is served and counted in, and how many rules judge it.
const FEATURES: usize = 50;
const RULES: usize = 100;
/// When all events arrive: after the last of them happened.
const RECEIVED: Micros = Micros(BEGIN.0 + 1_000_000_000_000);

/// What one event costs at one stage.
#[derive(Clone, Debug)]
struct Cost {
    stage: &'static str,
    /// Calls for new memory, and for more of it.
    allocations: f64,
    /// In bytes.
    bytes: f64,
}

fn policy() -> Bundle {
    let mut text = TYPES.to_owned();
    for number in 0..FEATURES {
        let key = ["account", "ip", "ip.net", "device", "(account, ip.net)"][number % 5];
        let window = ["1m", "10m", "1h", "6h", "1d", "7d", "30d"][number % 7];
        let _ = writeln!(text, "feature f{number} = count([signup, login], by={key}, last=\"{window}\")");
    }
    for (event, name) in [("signup", "s"), ("login", "l")] {
        for number in 0..RULES {
            let (a, b) = (number % FEATURES, (number + 13) % FEATURES);
            let _ = write!(
                text,
                "\nrule {name}{number} on {event}:\n    when f{a} > 4000 and f{b} > 3\n    then review\n    because \"{{f{a}}}\"\n"
            );
        }
    }
    Bundle::single("bench.ward", &text)
}

/// What `work` asks of the allocator, over so many events.
fn counted<T>(stage: &'static str, events: usize, work: impl FnOnce() -> T) -> (T, Cost) {
    let region = Region::new(COUNTED);
    let done = work();
    let change = region.change();
    let of = |n: usize| n as f64 / events as f64;
    let calls = change.allocations + change.reallocations;
    (done, Cost { stage, allocations: of(calls), bytes: of(change.bytes_allocated) })
}

/// The stages one after the other, over `count` events after as many to grow into.
fn measure(count: usize) -> Result<(Vec<Cost>, Duration)> {
    let dir = tempfile::tempdir()?;
    // The disk is not what is measured.
    let durability = Durability::Interval(Duration::from_secs(3600));
    let config = Config { durability, ..Config::new(dir.path().join("data")) };
    let (engine, _) = Engine::open(&config, Some(policy()), RECEIVED).context("open an engine")?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let json: Vec<String> = (0..4 * count as u64).map(people::json).collect();
    let typed = |from: usize| -> Result<Vec<Event>> {
        let one = |json: &String| engine.intake(json.as_bytes(), RECEIVED).map_err(|f| anyhow!("{f}"));
        json[from * count..(from + 1) * count].iter().map(one).collect()
    };
    let submit = |events: Vec<Event>| -> Result<()> {
        for outcome in runtime.block_on(engine.submit_waiting(events, Work::Decide))? {
            anyhow::ensure!(matches!(outcome, Outcome::Decided { .. }), "{outcome:?}");
        }
        Ok(())
    };
    let alone = |events: Vec<Event>| events.into_iter().try_for_each(|event| submit(vec![event]));

    let warm = typed(0)?;
    alone(warm)?;
    let (drafts, apart) = counted("JSON taken apart", count, || {
        json[count..2 * count].iter().filter(|json| Draft::from_json(json.as_bytes()).is_ok()).count()
    });
    anyhow::ensure!(drafts == count);
    let (events, intake) = counted("intake: a typed event, JSON and all", count, || typed(1));
    let (_, single) =
        counted("one event a piece: queue, verdict, record, outcome", count, || alone(events?).map(drop));
    let before = engine.latencies().sequencer_event;
    let events = typed(2)?;
    let (done, batch) = counted("pieces of many: the same", count, || submit(events));
    done?;
    let after = engine.latencies().sequencer_event;
    let spent = (after.sum_secs - before.sum_secs) / (after.count() - before.count()).max(1) as f64;
    runtime.block_on(engine.close());
    Ok((vec![apart, intake, single, batch], Duration::from_secs_f64(spent.max(0.0))))
}

fn main() -> Result<()> {
    let count = std::env::args().nth(1).map_or(Ok(20_000), |arg| arg.parse()).context("how many events?")?;
    let (costs, spent) = measure(count)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{FEATURES} features, {RULES} rules, {count} events after as many\n")?;
    writeln!(out, "{:<52} {:>12} {:>8}", "stage", "allocations", "bytes")?;
    for Cost { stage, allocations, bytes } in costs {
        writeln!(out, "{stage:<52} {allocations:>12.2} {bytes:>8.0}")?;
    }
    writeln!(out, "\nin the sequencer, an event of pieces of many: {:.2} µs", spent.as_secs_f64() * 1e6)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an event may ask for. Lower it when it gets better; when a change needs it higher, say why there.
    const MOST: [f64; 4] = [1.0, 7.5, 29.0, 26.0];

    #[test]
    fn an_event_asks_for_little_memory() {
        // Another test of this program may run meanwhile, and all threads are counted: not each time.
        let runs: Vec<Vec<Cost>> = (0..3).map(|_| measure(1000).unwrap().0).collect();
        for (stage, most) in MOST.iter().enumerate() {
            let least = runs.iter().map(|costs| costs[stage].allocations).fold(f64::INFINITY, f64::min);
            assert!(least <= *most && least > 0.0, "{least}: {:?}", runs[0][stage]);
        }
    }
}
