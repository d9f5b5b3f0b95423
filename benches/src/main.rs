// SPDX-License-Identifier: Apache-2.0
//! What things cost: `cargo run --release -p wardroom-benches -- [FILTER] [--json] [--quick] [--dir DIR]`.
//!
//! Every number stands beside what it is compared with, measured in the same run: the same condition written in Rust by
//! hand, other engines' crates, a bare JSON parser, a bare file. Nothing passes or fails by a time; the tests of this
//! crate only hold the benchmarks to what they say they measure.
//!
//! Left out on purpose: statistics beyond best and median (on a shared machine the best batch is the one that was
//! disturbed least, and a median far above it says that the machine was busy), and anything over a socket, which is what
//! `wardroom bench` measures.

mod rule;

mod event;

mod many;

mod compile;

mod swap;

mod decide;

mod score;

mod call;

mod counters;

mod columns;

mod backtest;

mod intake;

mod journal;

mod harness;
mod machine;
mod peers;
mod people;
mod policy;
mod rows;
mod table;

use anyhow::{Context, Result, bail};
use harness::{Harness, Pace};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo run --release -p wardroom-benches -- [FILTER] [--json] [--quick] [--dir DIR]

  FILTER      run the groups whose name contains this: rule, event, many, compile, swap, table, score,
              call, counters, columns, backtest, intake, journal
  --json      print one JSON document instead of tables
  --quick     few and short batches: whether it runs, not what it costs
  --dir DIR   where journals are written (default: the system's directory for temporary files)";

/// What the command line asks for.
#[derive(Debug, Default, PartialEq)]
struct Args {
    filter: Option<String>,
    json: bool,
    quick: bool,
    help: bool,
    dir: Option<PathBuf>,
}

fn parse(args: impl IntoIterator<Item = String>) -> Result<Args> {
    let mut parsed = Args::default();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--json" => parsed.json = true,
            "--quick" => parsed.quick = true,
            "--help" | "-h" => parsed.help = true,
            // What `cargo bench` adds for harnesses of another kind.
            "--bench" => {}
            "--dir" => parsed.dir = Some(args.next().context("--dir needs a directory")?.into()),
            flag if flag.starts_with('-') => bail!("no option `{flag}`\n\n{USAGE}"),
            _ if parsed.filter.is_some() => bail!("one filter, not two: `{arg}`\n\n{USAGE}"),
            _ => parsed.filter = Some(arg),
        }
    }
    Ok(parsed)
}

/// A group of benchmarks: its name for the filter, and what runs it.
type Group<'a> = (&'static str, &'a dyn Fn(&mut Harness) -> Result<()>);

fn run(args: &Args) -> Result<()> {
    let mut out = io::stdout().lock();
    if args.help {
        writeln!(out, "{USAGE}")?;
        return Ok(());
    }
    let dir = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    let journal = |h: &mut Harness| journal::run(h, &dir);
    let swap = |h: &mut Harness| swap::run(h, &dir);
    let backtest = |h: &mut Harness| backtest::run(h, &dir);
    let groups: [Group<'_>; 13] = [
        ("rule", &rule::run),
        ("event", &event::run),
        ("many", &many::run),
        ("compile", &compile::run),
        ("swap", &swap),
        ("table", &decide::run),
        ("score", &score::run),
        ("call", &call::run),
        ("counters", &counters::run),
        ("columns", &columns::run),
        ("backtest", &backtest),
        ("intake", &intake::run),
        ("journal", &journal),
    ];
    let wanted = |name: &str| args.filter.as_ref().is_none_or(|f| name.contains(f.as_str()));
    if !groups.iter().any(|(name, _)| wanted(name)) {
        bail!("no group contains `{}`\n\n{USAGE}", args.filter.as_deref().unwrap_or_default());
    }
    let machine = machine::look();
    if !args.json {
        writeln!(out, "{machine}")?;
    }
    let mut tables = Vec::new();
    for (name, group) in groups {
        if !wanted(name) {
            continue;
        }
        let mut harness = Harness::new(if args.quick { Pace::Quick } else { Pace::Careful });
        group(&mut harness).with_context(|| format!("benchmark group `{name}`"))?;
        for table in harness.tables {
            if !args.json {
                write!(out, "\n{table}")?;
            }
            tables.push(table);
        }
    }
    if args.json {
        let document = serde_json::json!({ "machine": machine, "tables": tables });
        writeln!(out, "{document:#}")?;
    }
    Ok(())
}

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)).and_then(|args| run(&args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            let _ = writeln!(io::stderr(), "{fault:#}");
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read() {
        let check = |line: &str, expect: Option<Args>| {
            let got = parse(line.split_whitespace().map(str::to_owned)).ok();
            assert_eq!(got, expect, "{line}");
        };
        check("", Some(Args::default()));
        let filter = Some("rule".to_owned());
        check("rule --json", Some(Args { filter: filter.clone(), json: true, ..Args::default() }));
        check(
            "--bench --dir /x --quick",
            Some(Args { quick: true, dir: Some("/x".into()), ..Args::default() }),
        );
        check("rule event", None);
        check("--dir", None);
        check("--jsn", None);
    }
}
