// SPDX-License-Identifier: Apache-2.0
//! Another policy of 1,000 rules put in force while events flow: for how long nothing is answered, and whether
//! anything is lost.
//!
//! One thread keeps a few events under way and notes the time of every answer. What counts is the longest time between
//! two answers within a window around a swap, beside that of windows of the same length without one: the machine and
//! the disk have pauses of their own. Answers here do not wait for the disk; the policy itself is synced by a swap.

use crate::compile;
use crate::harness::{Harness, Timing};
use crate::people;
use crate::table::Table;
use anyhow::{Context as _, Result, anyhow, ensure};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use wardroom_engine::{Config, Durability, Engine, Origin, Outcome, Work};
use wardroom_event::Micros;

/// How often the policy is swapped.
const SWAPS: usize = 20;
/// Between two swaps.
const REST: Duration = Duration::from_millis(150);
/// Events handed over together: what one connection might.
const TOGETHER: u64 = 4;

pub(crate) fn run(harness: &mut Harness, dir: &Path) -> Result<()> {
    let dir = tempfile::tempdir_in(dir).with_context(|| format!("a directory below {}", dir.display()))?;
    let config = Config {
        durability: Durability::Interval(Duration::from_millis(20)),
        ..Config::new(dir.path().join("data"))
    };
    let (engine, _) = Engine::open(&config, Some(compile::policy(0)), people::BEGIN)?;
    let engine = Arc::new(engine);
    let stop = Arc::new(AtomicBool::new(false));
    let sender = {
        let (engine, stop) = (engine.clone(), stop.clone());
        thread::spawn(move || send(&engine, &stop))
    };
    let runtime = runtime()?;
    let swaps = swap_often(&engine, &runtime, harness.pace.scaled(SWAPS))?;
    stop.store(true, Relaxed);
    let answers = sender.join().map_err(|_| anyhow!("the sender stopped"))??;
    let events = engine.status().events;
    runtime.block_on(engine.close());
    ensure!(events == answers.len() as u64 * TOGETHER, "{events} recorded, {} answered", answers.len());
    report(harness, &swaps, &answers);
    Ok(())
}

fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().build()?)
}

/// Begins and ends of each swap.
fn swap_often(engine: &Engine, runtime: &Runtime, times: usize) -> Result<Vec<(Instant, Instant)>> {
    let mut swaps = Vec::new();
    for number in 1..=times {
        thread::sleep(REST);
        let bundle = compile::policy(number % 2);
        let version = bundle.version();
        let began = Instant::now();
        runtime.block_on(engine.swap(bundle, Origin::Api, people::BEGIN))?;
        swaps.push((began, Instant::now()));
        ensure!(engine.active().program.version == version, "it is in force");
    }
    thread::sleep(REST);
    Ok(swaps)
}

/// Hands over events, a few at a time, until told to stop; gives when each handful was answered.
fn send(engine: &Engine, stop: &AtomicBool) -> Result<Vec<Instant>> {
    let runtime = runtime()?;
    let mut answers = Vec::new();
    let mut next = 0;
    while !stop.load(Relaxed) {
        let received = Micros(people::BEGIN.0 + 1_000_000_000_000);
        let event = |n: u64| engine.intake(people::json(n).as_bytes(), received).map_err(|f| anyhow!("{f}"));
        let events = (next..next + TOGETHER).map(event).collect::<Result<Vec<_>>>()?;
        next += TOGETHER;
        let outcomes = runtime.block_on(engine.submit_waiting(events, Work::Decide))?;
        ensure!(outcomes.len() as u64 == TOGETHER, "{} answers", outcomes.len());
        ensure!(
            outcomes.iter().all(|o| matches!(o, Outcome::Decided { fault: false, .. })),
            "all are decided"
        );
        answers.push(Instant::now());
    }
    Ok(answers)
}

/// The longest time between two answers of which one lies within.
fn longest(answers: &[Instant], from: Instant, to: Instant) -> f64 {
    let within = |pair: &&[Instant]| pair[1] >= from && pair[0] <= to;
    answers.windows(2).filter(within).map(|p| (p[1] - p[0]).as_nanos() as f64).fold(0.0, f64::max)
}

fn report(harness: &mut Harness, swaps: &[(Instant, Instant)], answers: &[Instant]) {
    let took: Vec<f64> = swaps.iter().map(|(from, to)| (*to - *from).as_nanos() as f64).collect();
    let during: Vec<f64> = swaps.iter().map(|(from, to)| longest(answers, *from, *to)).collect();
    // As long, and begun when the swap before was long over.
    let quiet = |(from, to): &(Instant, Instant)| {
        let end = *from - REST / 4;
        longest(answers, end - (*to - *from).min(REST / 2), end)
    };
    let quiet: Vec<f64> = swaps.iter().map(quiet).collect();
    let worst = |all: &[f64]| all.iter().copied().fold(0.0, f64::max) / 1e6;
    let table = Table::new("Another policy of 1,000 rules put in force on a live engine", "swap")
        .note(format!(
            "{} swaps while {} events were answered; none was lost",
            swaps.len(),
            answers.len() as u64 * TOGETHER
        ))
        .note(format!(
            "the longest of all waits: {:.1} ms with a swap, {:.1} ms without",
            worst(&during),
            worst(&quiet)
        ));
    harness.table(table);
    harness.row("from the call until it is in force", Timing::of(took));
    harness.row("longest wait between answers, with a swap", Timing::of(during));
    harness.row("the same, of as long without one", Timing::of(quiet));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Pace;

    #[test]
    fn it_runs_and_nothing_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let mut harness = Harness::new(Pace::Quick);
        run(&mut harness, dir.path()).unwrap();
        assert_eq!(harness.tables[0].rows.len(), 3);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_wait_that_reaches_into_the_window_counts() {
        let began = Instant::now();
        let at = |ms: u64| began + Duration::from_millis(ms);
        let answers = [at(0), at(1), at(9), at(10), at(30)];
        let check =
            |from: u64, to: u64, expect: f64| assert_eq!(longest(&answers, at(from), at(to)), expect * 1e6);
        check(2, 3, 8.0);
        check(0, 10, 20.0);
        check(9, 9, 8.0);
    }
}
