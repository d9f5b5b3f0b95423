// SPDX-License-Identifier: Apache-2.0
//! `wardroom config`: the configuration in force, each value with where it comes from.

use crate::cli::ConfigArgs;
use crate::config::{Config, From};
use crate::terminal::Paint;
use anyhow::Result;
use std::io::Write;
use std::process::ExitCode;

pub(crate) fn run(args: &ConfigArgs) -> Result<ExitCode> {
    let config = Config::load(args.config.as_deref())?;
    let paint = Paint::stdout();
    let mut out = std::io::stdout().lock();
    for (line, from) in config.lines() {
        let origin = match (from, &config.file) {
            (From::File, Some(file)) => file.display().to_string(),
            (From::CommandLine, _) => "command line".to_owned(),
            _ => "default".to_owned(),
        };
        writeln!(out, "{line:<40} {}", paint.dim(&format!("# {origin}")))?;
    }
    Ok(ExitCode::SUCCESS)
}
