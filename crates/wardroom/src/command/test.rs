// SPDX-License-Identifier: Apache-2.0
//! `wardroom test`: a policy's tests, through the same flow as live events, and what they reach of it.

mod coverage;
mod watch;

use super::check::{compile_or_say, plural};
use super::tree::{Part, draw, draw_flips};
use crate::cli::TestArgs;
use crate::failure::{NotRight, Usage};
use crate::policy_dir;
use crate::terminal::Paint;
use anyhow::Result;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use wardroom_engine::{Active, CaseResult, Expected, Origin, rehearse_some};
use wardroom_event::Sight;
use wardroom_facts::Library;
use wardroom_policy::{Bundle, Case, Cover, Mode, Piece};
use wardroom_state::{Keyer, Secret};

pub(crate) fn run(args: &TestArgs) -> Result<ExitCode> {
    if args.watch { watch::run(args) } else { once(args) }
}

/// A policy that compiles, ready to be tried out; says what is wrong with one that does not.
pub(super) fn ready(bundle: Bundle) -> Result<Arc<Active>> {
    compile_or_say(&bundle)?;
    let (active, _) = Active::compile(bundle, Origin::Directory, &Keyer::new(Secret([0; 16])), None)?;
    Ok(Arc::new(active))
}

fn once(args: &TestArgs) -> Result<ExitCode> {
    let active = ready(policy_dir::load(&args.policy)?)?;
    let wanted = |case: &Case| args.only.as_deref().is_none_or(|text| case.id.contains(text));
    let (results, cover) = rehearse_some(&active, &Library::default(), wanted);
    if let (true, Some(text)) = (results.is_empty(), &args.only) {
        return Err(Usage(format!("no test's name holds `{text}`")).into());
    }
    if args.json {
        say_json(args, &active, &results, &cover)?;
    } else {
        say(args, &active, &results, &cover)?;
    }
    let too_little = args.min_coverage.is_some_and(|least| cover.percent() < f64::from(least));
    if too_little || results.iter().any(|r| r.failure.is_some()) {
        return Err(NotRight.into());
    }
    Ok(ExitCode::SUCCESS)
}

fn say(args: &TestArgs, active: &Active, results: &[CaseResult], cover: &Cover) -> Result<()> {
    let paint = Paint::stdout();
    let mut out = std::io::stdout().lock();
    for result in results {
        say_one(active, result, paint, &mut out)?;
    }
    let failed = results.iter().filter(|r| r.failure.is_some()).count();
    let took: Duration = results.iter().map(|r| r.took).sum();
    if args.coverage {
        coverage::say(cover, paint, &mut out)?;
    }
    writeln!(out, "{} passed, {failed} failed, in {} ms", results.len() - failed, took.as_millis())?;
    if args.only.is_none() {
        untested(active, results, &mut out)?;
    }
    if args.only.is_none() || args.coverage {
        writeln!(out, "{}", coverage::summary(cover))?;
    }
    if let Some(least) = args.min_coverage.filter(|least| cover.percent() < f64::from(*least)) {
        writeln!(out, "less than {least} %: `wardroom test --coverage` shows what no test reaches")?;
    }
    Ok(())
}

fn say_one(active: &Active, result: &CaseResult, paint: Paint, out: &mut impl Write) -> Result<()> {
    let case = &active.program.cases[result.case];
    let title = case.title.as_deref().map_or(String::new(), |t| format!("  {t}"));
    let mark = if result.failure.is_some() { paint.bad("FAIL") } else { paint.good("ok  ") };
    writeln!(out, "{mark} {}{}", case.id, paint.dim(&title))?;
    let Some(failure) = &result.failure else {
        return Ok(());
    };
    writeln!(out, "       {}:{}: {failure}", case.place.0, case.place.1)?;
    if result.fired.is_empty() {
        writeln!(out, "       no rule fired")?;
    }
    for (rule, verdict, because) in &result.fired {
        writeln!(out, "       {verdict} by {rule}: {because}")?;
    }
    if let Some(expected) = &result.expected {
        say_expected(expected, paint, out)?;
    }
    Ok(())
}

/// How the rule stood that the test is about.
fn say_expected(expected: &Expected, paint: Paint, out: &mut impl Write) -> Result<()> {
    writeln!(out, "       {}: its condition is {}", expected.rule, expected.holds.name())?;
    let terms: Vec<Part> = expected.traces.iter().map(Part::of).collect();
    draw(&terms, 9, paint, out)?;
    draw_flips(expected.holds, &words(expected), 7, out)?;
    Ok(())
}

fn words(expected: &Expected) -> Vec<(String, bool)> {
    expected.flips.iter().map(|f| (Piece::join(&f.words, Sight::Full), f.alone)).collect()
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

fn say_json(args: &TestArgs, active: &Active, results: &[CaseResult], cover: &Cover) -> Result<()> {
    let tests: Vec<Value> = results.iter().map(|r| result_json(active, r)).collect();
    let said = if args.coverage || args.min_coverage.is_some() {
        json!({ "tests": tests, "coverage": coverage::json(cover) })
    } else {
        tests.into()
    };
    writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&said)?)?;
    Ok(())
}

fn result_json(active: &Active, r: &CaseResult) -> Value {
    let case = &active.program.cases[r.case];
    let fired = r.fired.iter().map(
        |(rule, verdict, because)| json!({ "rule": rule, "verdict": verdict.name(), "because": because }),
    );
    let mut said = json!({
        "test": case.id, "title": case.title, "file": case.place.0, "line": case.place.1,
        "passed": r.failure.is_none(), "failure": r.failure, "verdict": r.verdict.name(),
        "fired": fired.collect::<Vec<_>>(),
        "micros": u64::try_from(r.took.as_micros()).unwrap_or(u64::MAX),
    });
    if let Some(expected) = &r.expected {
        let terms = expected.traces.iter().map(|t| json!({ "text": t.text, "holds": t.truth().name() }));
        let flips = words(expected).into_iter().map(|(text, alone)| json!({ "text": text, "alone": alone }));
        said["expected"] = json!({
            "rule": expected.rule, "holds": expected.holds.name(),
            "terms": terms.collect::<Vec<_>>(), "flips": flips.collect::<Vec<_>>(),
        });
    }
    said
}
