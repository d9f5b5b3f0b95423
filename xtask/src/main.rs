// SPDX-License-Identifier: Apache-2.0
//! The repository's chores, one command each: `cargo xtask test`, `tidy`, `bench`, `fuzz`, `mutants`.
//!
//! Plain Rust rather than a folder of scripts: the one tool every contributor has is cargo, and these programs can be
//! tested. A bare machine builds this crate before anything else, so it has one dependency; the small readers of
//! manifests and Markdown here understand what this repository writes, not all that those formats allow.
//!
//! It does not know what Wardroom does: no wardroom crate is linked, everything goes through `cargo` and the files.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks on its standard streams"
)]
#![allow(clippy::disallowed_methods, reason = "xtask is an edge: environment and files are what it works on")]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod args;
mod steps;

mod bench;
mod fuzz;
mod mutants;
mod python;
mod tidy;

mod debian;
mod place;
mod tools;

use std::process::ExitCode;

use anyhow::Result;

use crate::args::Command;
use crate::place::Place;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let command = match args::parse(&words) {
        Ok(command) => command,
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::from(2);
        }
    };
    match carry_out(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Does what the command line asked for.
fn carry_out(command: Command) -> Result<()> {
    match command {
        Command::Help(text) => println!("{text}"),
        Command::ListSteps => println!("{}", steps::list()),
        Command::ListFuzz => println!("{}", fuzz::list(&Place::find()?)?),
        Command::Test { only, seconds } => steps::run(&Place::find()?, &only, seconds)?,
        Command::Tidy => tidy::run(&Place::find()?)?,
        Command::Fuzz { targets, seconds } => {
            fuzz::run(&Place::find()?, &targets, seconds, fuzz::Purpose::Search)?
        }
        Command::ListMutants => println!("{}", mutants::list()),
        Command::Mutants { wanted, seeds } => mutants::run(&Place::find()?, &wanted, seeds)?,
        Command::Bench { which, rest } => bench::run(&Place::find()?, which, &rest)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::args::USAGE;

    #[test]
    fn usage_names_every_command() {
        for command in ["test", "tidy", "fuzz", "mutants", "bench"] {
            assert!(USAGE.contains(&format!("\n  {command} ")), "{command} is not in the usage text");
        }
    }
}
