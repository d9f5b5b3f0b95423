// SPDX-License-Identifier: Apache-2.0
//! The `wardroom` program: reads the command line, runs one command, gives its exit code.
//!
//! Exit codes: 0 all is well · 1 what was checked is not right (a policy with errors, a failing test) · 2 the command
//! line is not right · 3 the world is not right (a missing file, a locked directory, a full disk, a port in use) · 130 a replay or a bench was ended by a signal.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod ask;
mod backup;
mod cli;
mod clock;
mod command;
mod config;
mod deliver;
mod demo;
mod erase;
mod failure;
mod follow;
mod host;
mod key_file;
mod load;
mod mail;
mod packs;
mod policy_dir;
mod replay;
mod retain;
#[cfg(feature = "sql")]
mod sql;
#[cfg(not(feature = "sql"))]
#[path = "sql/without.rs"]
mod sql;
mod telemetry;
mod terminal;
mod trial;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let result = command::run(cli);
    match result {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}
