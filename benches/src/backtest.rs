// SPDX-License-Identifier: Apache-2.0
//! Backtests over a million and ten million events: one rule of five predicates, 20 and 100 rules in one pass over Parquet
//! files, and beside each DuckDB and Polars with the same filters over the same files in the same run; and windows counted
//! anew from a journal.
//!
//! The peers count rows that match, and nothing else. A backtest counts hits by verdict and class, the change of verdicts,
//! hits over time; `brief` leaves out entities and examples. `python3` with `duckdb` or `polars` is used where it is there:
//! `WARDROOM_BENCH_PYTHON` names another.

mod past;
mod peer;

use crate::harness::{Harness, Pace, Timing};
use crate::table::Table;
use anyhow::{Context, Result, ensure};
use past::{Parquets, policy, rules};
use peer::Peers;
use std::path::Path;
use std::time::Instant;
use wardroom_engine::{
    Active, Asked, Config, Durability, Engine, Origin, PastPolicy, Recount, Take, Watch, Work,
    installation_secret, recount,
};
use wardroom_event::Micros;
use wardroom_history::backtest::{Ask, Journal, Progress, Setting, run as backtest};
use wardroom_journal::{Keyring, Reader};
use wardroom_policy::{Bundle, Row, Tri};
use wardroom_state::{Keyer, Secret};

/// How often each is done.
const ROUNDS: usize = 3;

pub(crate) fn run(harness: &mut Harness, dir: &Path) -> Result<()> {
    let dir = tempfile::tempdir_in(dir).with_context(|| format!("a directory below {}", dir.display()))?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let quick = harness.pace == Pace::Quick;
    let sizes: &[usize] = if quick { &[20_000] } else { &[1_000_000, 10_000_000] };
    let peers = Peers::look();
    for rows in sizes {
        let folder = dir.path().join(rows.to_string());
        let files = Parquets::write(&folder, *rows)?;
        let mut table =
            Table::new(format!("Backtest over {rows} events in Parquet, {threads} threads"), "event");
        table = table.note(format!("{} bytes an event on disk", files.bytes / *rows as u64));
        harness.table(peers.note(table));
        for many in [1, 20, 100] {
            let own = columns(harness, &files, many, threads)?;
            for peer in &peers.all {
                let times = peer.time(&folder, &rules(many), ROUNDS)?;
                let each = times.hits.iter().sum::<u64>();
                ensure!(own == each, "{} finds {each} for {many} rules, and a backtest {own}", peer.name);
                let timing = times.nanos.iter().map(|nanos| nanos / *rows as f64).collect();
                harness.row(&format!("{many} rules: {}", peer.name), Timing::of(timing));
            }
        }
    }
    replay(harness, dir.path(), if quick { 4_000 } else { 1_000_000 }, threads, &peers)
}

/// A journal with nothing in it, of an installation whose one policy is known.
fn journal(bundle: Bundle, dir: &Path) -> Journal {
    let version = (*bundle.version().0).into();
    let policy = PastPolicy { seq: 1, since: Micros(0), version, origin: Origin::Api, bundle: Some(bundle) };
    Journal {
        dir: dir.to_owned(),
        keys: Keyring::default(),
        secret: Secret([3; 16]),
        keyer: Keyer::new(Secret([3; 16])),
        policies: vec![policy],
    }
}

fn ask(many: usize) -> Ask {
    let ids = (0..many).map(|n| format!("r{n}")).collect();
    Ask { rules: Some(ids), brief: true, ..Ask::default() }
}

fn once(files: &Parquets, many: usize, threads: usize) -> Result<wardroom_history::backtest::Report> {
    let setting = Setting { threads, ..Setting::default() };
    let empty = tempfile::tempdir().context("a journal of nothing")?;
    let journal = journal(policy(100), empty.path());
    Ok(backtest(&ask(many), files, &journal, &setting, Micros(i64::MAX), &Progress::default())?)
}

/// Gives the hits of all rules.
fn columns(harness: &mut Harness, files: &Parquets, many: usize, threads: usize) -> Result<u64> {
    let (mut times, mut hits) = (Vec::new(), 0);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let report = once(files, many, threads)?;
        times.push(began.elapsed().as_nanos() as f64 / files.rows as f64);
        ensure!(
            report.past.columns == many && report.events.all == files.rows as u64,
            "all of it, from columns"
        );
        hits = report.rules.iter().map(|rule| rule.measures.hits.all).sum();
    }
    harness.row(&format!("{many} rules: wardroom"), Timing::of(times));
    Ok(hits)
}

/// Windows that no policy of the past counted, from the journal.
fn replay(harness: &mut Harness, dir: &Path, events: usize, threads: usize, peers: &Peers) -> Result<()> {
    let config = Config {
        durability: Durability::Interval(std::time::Duration::from_millis(100)),
        snapshot_every: None,
        ..Config::new(dir.join("data"))
    };
    let folder = dir.join("windows");
    past::record(&config, events, &folder)?;
    let secret = installation_secret(&config.data)?;
    let (active, _) = Active::compile(past::windows(), Origin::Api, &Keyer::new(secret), None)
        .map_err(|e| anyhow::anyhow!("{e}"))?;
    let (active, kind) = (std::sync::Arc::new(active), active_kind()?);
    let title = format!("Three new windows counted anew over {events} events of a journal");
    harness.table(
        Table::new(title, "event")
            .note("count, distinct and sum under two keys, and a rule over them asked of every event"),
    );
    let takes = active
        .program
        .schema
        .iter()
        .map(|(of, _)| (of == kind).then(|| vec![Take::Anew; active.program.plan(of).serve.len()]));
    let mut asks = Recount {
        takes: takes.collect(),
        active: active.clone(),
        from: Micros(i64::MIN),
        to: Micros(i64::MAX),
        recorded: true,
        as_served: true,
        through: u64::MAX,
        threads,
        most_bytes: usize::MAX,
    };
    let mut counts = vec![1, threads];
    counts.dedup();
    for threads in counts {
        asks.threads = threads;
        let (mut times, mut hits) = (Vec::new(), 0);
        for _ in 0..ROUNDS {
            let reader = Reader::open(config.data.join("journal"))?;
            let began = Instant::now();
            let rule = &active.program.rules[0];
            let see = |asked: &[Asked]| {
                let holds =
                    |one: &&Asked| rule.holds(&Row::new(&one.event, &one.served, &*active)) == Tri::True;
                asked.iter().filter(holds).count()
            };
            hits = 0;
            let done = recount(&asks, secret, reader, &Watch::default(), see, |found| hits += found)?;
            times.push(began.elapsed().as_nanos() as f64 / events as f64);
            ensure!(done.asked == events as u64 && hits > 0 && hits < events, "{done:?}, {hits} hits");
        }
        harness.row(&format!("wardroom, replay, {threads} threads, {hits} hits"), Timing::of(times));
    }
    for peer in &peers.all {
        let found = peer.windows(&folder, ROUNDS)?;
        let hits = found.hits.iter().sum::<u64>();
        let timing = found.nanos.iter().map(|nanos| nanos / events as f64).collect();
        harness.row(&format!("{}, windows over Parquet, {hits} hits", peer.name), Timing::of(timing));
    }
    Ok(())
}

fn active_kind() -> Result<wardroom_event::TypeId> {
    let compiled = wardroom_policy::compile(&past::windows());
    let program = compiled.program.context("the policy")?;
    program.schema.id("login").context("the type")
}

/// What is recorded: an engine that takes events as fast as it can.
pub(crate) fn engine(config: &Config) -> Result<(Engine, tokio::runtime::Runtime)> {
    let (engine, _) = Engine::open(config, Some(policy(1)), Micros(1))?;
    Ok((engine, tokio::runtime::Builder::new_current_thread().enable_all().build()?))
}

/// How events are handed over.
pub(crate) const WORK: Work = Work::Record;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs() {
        let dir = tempfile::tempdir().unwrap();
        let mut harness = Harness::new(Pace::Quick);
        run(&mut harness, dir.path()).unwrap();
        assert!(harness.tables[0].rows.len() >= 3 && !harness.tables[1].rows.is_empty());
    }
}
