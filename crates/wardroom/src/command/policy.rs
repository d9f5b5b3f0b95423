// SPDX-License-Identifier: Apache-2.0
//! `wardroom policy`: two policies compared, and a policy file for programs, as JSON and back.

use crate::cli::{Policy, PolicyAction};
use crate::failure::NotRight;
use crate::terminal::Paint;
use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;
use wardroom_policy::json::{from_json_text, to_json};
use wardroom_policy::{Refusal, limits};
use wardroom_report::render;

pub(crate) fn run(args: &Policy) -> Result<ExitCode> {
    match &args.action {
        PolicyAction::Diff(args) => return super::diff::run(args),
        PolicyAction::Json { file, places } => json(file, *places)?,
        PolicyAction::Text { file } => text(file)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn json(file: &Path, places: bool) -> Result<()> {
    let text = read(file, limits::FILE_BYTES)?;
    match to_json(&name(file), &text, places) {
        Ok(value) => writeln!(std::io::stdout(), "{value:#}")?,
        Err(refusal) => {
            say(&refusal)?;
            return Err(NotRight.into());
        }
    }
    Ok(())
}

fn text(file: &Path) -> Result<()> {
    match from_json_text(&read(file, limits::JSON_BYTES)?) {
        Ok(text) => write!(std::io::stdout(), "{text}")?,
        Err(faults) => {
            let mut err = std::io::stderr();
            for fault in faults {
                writeln!(err, "{}: {fault}", name(file))?;
            }
            return Err(NotRight.into());
        }
    }
    Ok(())
}

/// Faults of syntax, on standard error.
pub(super) fn say(refusal: &Refusal) -> Result<()> {
    let drawn = render(&refusal.diagnostics, &refusal.sources, Paint::stderr().is_on());
    writeln!(std::io::stderr(), "{drawn}\n")?;
    Ok(())
}

fn name(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}

/// The whole text of a file, or of standard input.
pub(super) fn read(file: &Path, most: usize) -> Result<String> {
    let about = || format!("cannot read {}", name(file));
    let source: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(file).with_context(about)?)
    };
    let mut text = String::new();
    source.take(most as u64 + 1).read_to_string(&mut text).with_context(about)?;
    if text.len() > most {
        bail!("{} has more than {most} bytes", name(file));
    }
    Ok(text)
}
