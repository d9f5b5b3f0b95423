// SPDX-License-Identifier: Apache-2.0
//! `wardroom test`: a policy's tests, through the same flow as live events.

use super::check::{compile_or_say, plural};
use crate::cli::TestArgs;
use crate::failure::{NotRight, Usage};
use crate::policy_dir;
use crate::terminal::Paint;
use anyhow::Result;
use serde_json::json;
use std::collections::HashSet;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use wardroom_engine::{Active, CaseResult, Origin, rehearse};
use wardroom_facts::Library;
use wardroom_policy::Mode;
use wardroom_state::{Keyer, Secret};

pub(crate) fn run(args: &TestArgs) -> Result<ExitCode> {
    let bundle = policy_dir::load(&args.policy)?;
    compile_or_say(&bundle)?;
    let (active, _) = Active::compile(bundle, Origin::Directory, &Keyer::new(Secret([0; 16])), None)?;
    let active = Arc::new(active);
    let wanted = |r: &CaseResult| match &args.only {
        Some(text) => active.program.cases[r.case].id.contains(text.as_str()),
        None => true,
    };
    let results: Vec<CaseResult> = rehearse(&active, &Library::default()).into_iter().filter(wanted).collect();
    if let (true, Some(text)) = (results.is_empty(), &args.only) {
        return Err(Usage(format!("no test's name holds `{text}`")).into());
    }
    if args.json {
        say_json(&active, &results)?
    } else {
        say(&active, &results, args.only.is_none())?
    }
    if results.iter().any(|r| r.failure.is_some()) {
        return Err(NotRight.into());
    }
    Ok(ExitCode::SUCCESS)
}

fn say(active: &Active, results: &[CaseResult], all: bool) -> Result<()> {
    let paint = Paint::stdout();
    let mut out = std::io::stdout().lock();
    for result in results {
        let case = &active.program.cases[result.case];
        let title = case.title.as_deref().map_or(String::new(), |t| format!("  {t}"));
        let mark = if result.failure.is_some() { paint.bad("FAIL") } else { paint.good("ok  ") };
        writeln!(out, "{mark} {}{}", case.id, paint.dim(&title))?;
        let Some(failure) = &result.failure else {
            continue;
        };
        writeln!(out, "       {}:{}: {failure}", case.place.0, case.place.1)?;
        if result.fired.is_empty() {
            writeln!(out, "       no rule fired")?;
        }
        for (rule, verdict, because) in &result.fired {
            writeln!(out, "       {verdict} by {rule}: {because}")?;
        }
    }
    let failed = results.iter().filter(|r| r.failure.is_some()).count();
    let took: Duration = results.iter().map(|r| r.took).sum();
    writeln!(out, "{} passed, {failed} failed, in {} ms", results.len() - failed, took.as_millis())?;
    if all {
        untested(active, results, &mut out)?;
    }
    Ok(())
}

/// Names the rules that no test makes fire: nobody knows whether they do.
fn untested(active: &Active, results: &[CaseResult], out: &mut impl Write) -> Result<()> {
    let fired: HashSet<&str> = results.iter().flat_map(|r| &r.fired).map(|(rule, ..)| &**rule).collect();
    let asleep: Vec<&str> = active
        .program
        .rules
        .iter()
        .filter(|r| r.mode != Mode::Retired && !fired.contains(&*r.id))
        .map(|r| &*r.id)
        .collect();
    if !asleep.is_empty() {
        writeln!(out, "no test makes {} fire: {}", plural(asleep.len(), "rule"), asleep.join(", "))?;
    }
    Ok(())
}

fn say_json(active: &Active, results: &[CaseResult]) -> Result<()> {
    let list: Vec<_> = results
        .iter()
        .map(|r| {
            let case = &active.program.cases[r.case];
            json!({
                "test": case.id, "title": case.title, "file": case.place.0, "line": case.place.1,
                "passed": r.failure.is_none(), "failure": r.failure, "verdict": r.verdict.name(),
                "fired": r.fired.iter().map(|(rule, verdict, because)| json!({
                    "rule": rule, "verdict": verdict.name(), "because": because,
                })).collect::<Vec<_>>(),
                "micros": u64::try_from(r.took.as_micros()).unwrap_or(u64::MAX),
            })
        })
        .collect();
    writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&list)?)?;
    Ok(())
}
