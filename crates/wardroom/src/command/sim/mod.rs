// SPDX-License-Identifier: Apache-2.0
//! `wardroom sim`: simulated providers, as a stream of events or as a measure of a policy.

mod numbers;
mod peers;
mod plan;
mod run;
mod score;
mod stream;
mod table;
mod words;

use crate::cli::{Sim, SimCommand};
use anyhow::Result;
use std::process::ExitCode;

pub(crate) fn run(args: &Sim) -> Result<ExitCode> {
    match &args.command {
        None => stream::run(&args.stream),
        Some(SimCommand::Score(args)) => score::run(args),
    }
}
