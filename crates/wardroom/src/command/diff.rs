// SPDX-License-Identifier: Apache-2.0
//! `wardroom policy diff`: what one policy says that another does not.

use crate::cli::PolicyDiff;
use crate::policy_dir;
use anyhow::Result;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use wardroom_policy::Program;
use wardroom_policy::diff::diff;

pub(crate) fn run(args: &PolicyDiff) -> Result<ExitCode> {
    let diff = diff(&program(&args.old)?, &program(&args.new)?);
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&diff)?)?;
    } else {
        write!(out, "{diff}")?;
    }
    Ok(ExitCode::from(u8::from(args.exit_code && !diff.is_empty())))
}

fn program(path: &Path) -> Result<Program> {
    super::check::program_or_say(&policy_dir::load(path)?)
}
