// SPDX-License-Identifier: Apache-2.0
//! One file a command.

mod act;
mod backtest;
mod backup;
mod bench;
mod breach;
mod check;
mod config;
mod diff;
mod doctor;
mod effects;
mod erase;
mod explain;
mod fmt;
mod history;
mod init;
mod journal;
mod key;
mod lsp;
mod policy;
mod query;
mod retain;
mod serve;
mod sim;
mod status;
mod test;
mod tree;

pub(crate) use backtest::Backtest;
pub(crate) use check::compile_or_say;
pub(crate) use init::lay_out;
pub(crate) use key::{file as keys_file, issue as issue_key};
pub(crate) use serve::{ignore_file_size_signal, leave_signal, stop_flag, stop_signal};

use crate::cli::{Cli, Command};
use anyhow::{Context, Result};
use std::process::ExitCode;

/// Runs the command.
pub(crate) fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Demo(args) => block_on(crate::demo::run(args)),
        Command::Init(args) => init::run(&args),
        Command::Serve(args) => block_on(serve::run(args)),
        Command::Status(args) => block_on(status::run(args)),
        Command::Backup(args) => backup::run(&args),
        Command::Restore(args) => backup::run_restore(&args),
        Command::Doctor(args) => block_on(doctor::run(args)),
        Command::Check(args) => check::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Fmt(args) => fmt::run(&args),
        Command::Policy(args) => policy::run(&args),
        Command::History(args) => history::run(args),
        Command::Query(args) => query::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Lsp(args) => lsp::run(&args),
        Command::Replay(args) => crate::replay::run(&args),
        Command::Backtest(args) => backtest::run(&args),
        Command::Effects(args) => effects::run(&args),
        Command::Campaigns(args) => act::campaigns(&args),
        Command::Cases(args) => act::cases(&args),
        Command::Label(args) => act::label(&args),
        Command::Act(args) => act::act(&args),
        Command::Jobs(args) => act::jobs(&args),
        Command::Undo(args) => act::undo(&args),
        Command::Erase(args) => erase::run(&args),
        Command::Retain(args) => retain::run(&args),
        Command::Breach(args) => breach::run(args),
        Command::Key(args) => key::run(args),
        Command::Journal(args) => journal::run(args),
        Command::Config(args) => config::run(&args),
        Command::Sim(args) => sim::run(&args),
        Command::Bench(args) => block_on(bench::run(args)),
    }
}

/// Runs what asks one thing on the thread at hand.
fn block_on_one<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(work)
}

/// Runs what serves on a runtime with a worker for each core.
fn block_on(work: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(async {
        ignore_file_size_signal();
        work.await
    })
}
