// SPDX-License-Identifier: Apache-2.0
//! `wardroom backtest`: what a rule or a policy would have done, over a data directory or asked of a server.

mod args;
mod git;
mod server;

pub(crate) use args::Backtest;

use crate::config::Config;
use crate::failure::{NotRight, Usage};
use crate::terminal::{Paint, Progress as Shown};
use crate::{clock, policy_dir};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use wardroom_history::backtest::{
    Ask, BacktestError, Costs, Files, Limits, Paint as Colours, Progress, Report, Setting, Way, markdown,
    text,
};
use wardroom_policy::{Bundle, limits};

pub(crate) fn run(args: &Backtest) -> Result<ExitCode> {
    let ask = ask(args)?;
    let report = match &args.url {
        Some(url) => super::block_on_one(server::report(url, &ask))?,
        None => here(args, &ask)?,
    };
    say(args, &report)?;
    Ok(if report.passes() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn say(args: &Backtest, report: &Report) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(report)?)?;
    } else if args.markdown {
        write!(out, "{}", markdown(report))?;
    } else {
        write!(out, "{}", text(report, Colours { colours: Paint::stdout().is_on() }))?;
    }
    Ok(())
}

/// What is asked, in the words of the API.
fn ask(args: &Backtest) -> Result<Ask> {
    let (files, against) = match (&args.diff, &args.policy) {
        (Some(rev), policy) => {
            let policy = policy.as_deref().unwrap_or(Path::new("policy"));
            (Some(files(&policy_dir::load(policy)?)), Some(files(&git::policy(policy, rev)?)))
        }
        (None, Some(policy)) => (Some(files(&policy_dir::load(policy)?)), None),
        (None, None) => (None, None),
    };
    let rule = args.file.as_deref().map(read).transpose()?;
    let given = |money: Option<f64>| money.unwrap_or(0.0);
    let any = args.cost_false_block.or(args.cost_missed_abuse).or(args.cost_review_minute);
    Ok(Ask {
        title: args.title.clone(),
        path: args.file.as_deref().and_then(|file| within(file, args)),
        rule,
        files,
        against,
        rules: (!args.rule.is_empty()).then(|| args.rule.clone()),
        from: args.from.clone(),
        to: args.to.clone(),
        last: args.last.clone(),
        as_of: args.as_of.clone(),
        as_written: args.as_written,
        recorded: args.recorded,
        way: args.way.as_deref().map(|way| if way == "replay" { Way::Replay } else { Way::Columns }),
        brief: args.brief,
        reveal: args.reveal,
        costs: any.map(|_| Costs {
            false_block: given(args.cost_false_block),
            missed_abuse: given(args.cost_missed_abuse),
            review_minute: given(args.cost_review_minute),
            ..Costs::default()
        }),
        limits: limits_of(args),
    })
}

fn limits_of(args: &Backtest) -> Limits {
    let of = &args.limits;
    Limits {
        max_new_blocks: of.max_new_blocks,
        max_new_challenges: of.max_new_challenges,
        max_new_reviews: of.max_new_reviews,
        max_good_hits: of.max_good_hits,
        max_lost_abuse: of.max_lost_abuse,
        max_hits: of.max_hits,
        max_hits_per_day: of.max_hits_per_day,
        min_hits: of.min_hits,
        min_precision: of.min_precision,
        min_recall: of.min_recall,
    }
}

fn files(bundle: &Bundle) -> BTreeMap<String, String> {
    bundle.files().map(|(path, text)| (path.to_owned(), text.to_owned())).collect()
}

fn read(path: &Path) -> Result<String> {
    let about = || format!("cannot read {}", path.display());
    let mut text = String::new();
    let most = limits::FILE_BYTES as u64;
    std::fs::File::open(path)
        .with_context(about)?
        .take(most + 1)
        .read_to_string(&mut text)
        .with_context(about)?;
    if text.len() as u64 > most {
        bail!("{} has more than {most} bytes", path.display());
    }
    Ok(text)
}

/// Its path within the policy directory, where it lies in that.
fn within(file: &Path, args: &Backtest) -> Option<String> {
    let config = Config::load(args.config.as_deref()).ok()?;
    let folder = config.policy.value.canonicalize().ok()?;
    let file = file.canonicalize().ok()?;
    Some(file.strip_prefix(folder).ok()?.to_str()?.replace(std::path::MAIN_SEPARATOR, "/"))
}

/// Over a data directory, beside its server or without one.
fn here(args: &Backtest, ask: &Ask) -> Result<Report> {
    let mut config = Config::load(args.config.as_deref())?;
    config.data.or_given(args.data.clone());
    let data: PathBuf = config.data.value.clone();
    if !data.join("journal").is_dir() {
        bail!("{} holds no journal", data.display());
    }
    let files = Files { data, keys: config.encryption.keys()? };
    let threads = match args.threads {
        Some(threads) => usize::from(threads),
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let setting = Setting { threads, ..Setting::default() };
    let (now, progress) = (clock::now(), Progress::default());
    let done = std::thread::scope(|scope| {
        let work = scope.spawn(|| files.run(ask, &setting, now, &progress));
        let mut shown = Shown::new("backtest");
        while !work.is_finished() {
            shown.at((progress.share() * 1000.0) as u64, 1000);
            std::thread::sleep(Duration::from_millis(20));
        }
        shown.finish();
        work.join()
    });
    match done {
        Ok(done) => done.map_err(|error| refusal(error).unwrap_or_else(|e| e)),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// The error whose fault it is: what is wrong with a policy has been said by then.
fn refusal(error: BacktestError) -> Result<anyhow::Error> {
    Ok(match error {
        BacktestError::Policy { diagnostics, sources } => {
            let drawn = wardroom_report::render(&diagnostics, &sources, Paint::stderr().is_on());
            writeln!(std::io::stderr(), "{drawn}")?;
            NotRight.into()
        }
        BacktestError::Ask(why) => Usage(why).into(),
        other => other.into(),
    })
}
