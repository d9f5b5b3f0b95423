// SPDX-License-Identifier: Apache-2.0
//! `wardroom check`: everything there is to say about a policy.

use crate::cli::Check;
use crate::config::Config;
use crate::deliver;
use crate::failure::NotRight;
use crate::policy_dir;
use crate::terminal::Paint;
use anyhow::Result;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use wardroom_policy::{Bundle, Compiled, Program};
use wardroom_report::{Diagnostic, render, to_json};

pub(crate) fn run(args: &Check) -> Result<ExitCode> {
    let compiled = wardroom_policy::compile(&policy_dir::load(&args.policy)?);
    if args.json {
        writeln!(std::io::stdout(), "{}", to_json(&compiled.diagnostics, &compiled.sources))?;
    } else {
        say(&compiled)?;
    }
    let Some(program) = &compiled.program else {
        return Err(NotRight.into());
    };
    if let (false, Some(config)) = (args.json, beside(&args.policy)) {
        for line in deliver::unconfigured(program, &config.effects) {
            writeln!(std::io::stderr(), "warning: {line}")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The configuration in the working directory, if it is about this policy. One that is not right is not the matter here.
fn beside(policy: &Path) -> Option<Config> {
    let config = Config::load(None).ok().filter(|config| config.file.is_some())?;
    let same = config.policy.value.canonicalize().ok()? == policy.canonicalize().ok()?;
    same.then_some(config)
}

/// Finds out whether a policy compiles, for a command that needs one; says what is wrong with it on standard error.
pub(crate) fn compile_or_say(bundle: &Bundle) -> Result<()> {
    program_or_say(bundle).map(drop)
}

/// As [`compile_or_say`]; gives what it compiles to.
pub(crate) fn program_or_say(bundle: &Bundle) -> Result<Program> {
    let compiled = wardroom_policy::compile(bundle);
    if compiled.program.is_none() {
        say(&compiled)?;
    }
    compiled.program.ok_or_else(|| NotRight.into())
}

/// Diagnostics on standard error, and one line that sums up.
fn say(compiled: &Compiled) -> Result<()> {
    let mut err = std::io::stderr();
    let drawn = render(&compiled.diagnostics, &compiled.sources, Paint::stderr().is_on());
    if !drawn.is_empty() {
        writeln!(err, "{drawn}\n")?;
    }
    let errors = compiled.diagnostics.iter().filter(|d| d.is_error()).count();
    let warnings = compiled.diagnostics.len() - errors;
    match &compiled.program {
        Some(program) => {
            let out = format!(
                "policy {} is right: {}, {}, {}, {}{}",
                program.version,
                plural(program.schema.len(), "event type"),
                plural(program.features.len(), "feature"),
                plural(program.rules.len(), "rule"),
                plural(program.cases.len(), "test"),
                if warnings > 0 { format!(", {}", plural(warnings, "warning")) } else { String::new() },
            );
            writeln!(std::io::stdout(), "{out}")?;
        }
        None => writeln!(err, "{}", refusal(&compiled.diagnostics, errors, warnings))?,
    }
    Ok(())
}

fn refusal(diagnostics: &[Diagnostic], errors: usize, warnings: usize) -> String {
    let mut line = format!("the policy has {}", plural(errors, "error"));
    if warnings > 0 {
        line.push_str(&format!(" and {}", plural(warnings, "warning")));
    }
    if let Some(first) = diagnostics.iter().find(|d| d.is_error()) {
        line.push_str(&format!("; `wardroom explain {}` says more", first.code));
    }
    line
}

/// `1 rule`, `2 rules`.
pub(crate) fn plural(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
