// SPDX-License-Identifier: Apache-2.0
//! `cargo xtask test`: the steps a change must pass, in order, cheap ones first, and the table at the end.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, anyhow};

use crate::place::{self, Place};
use crate::tools::{self, CARGO_DENY, MDBOOK, NEXTEST, Tool};
use crate::{debian, fuzz, python as package, tidy};

/// How a step that did not fail ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ending {
    /// Everything ran and passed.
    Passed,
    /// There is nothing to run in this tree, and why.
    Nothing(String),
    /// Something that should run did not, and why: a failure when `CI=true`.
    Skipped(String),
}

/// What a step is given.
struct Job<'a> {
    place: &'a Place,
    fuzz_seconds: u64,
}

/// One step.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn(&Job) -> Result<Ending>,
}

const fn step(name: &'static str, about: &'static str, run: fn(&Job) -> Result<Ending>) -> Step {
    Step { name, about, run }
}

const STEPS: [Step; 11] = [
    step("fmt", "rustfmt over the workspace and the packages beside it", fmt),
    step("tidy", "the repository's own rules (cargo xtask tidy)", tidy),
    step("deny", "licences, sources and banned crates of all dependencies (cargo-deny)", deny),
    step("clippy", "lints over all targets, warnings denied", clippy),
    step(
        "packages",
        "Debian packages that later steps use: a web server, an SSH server, a mail server, psql, a C++ compiler",
        packages,
    ),
    step("test", "all tests but doc tests (cargo-nextest)", test),
    step("doctest", "the examples in doc comments", doctest),
    step("policy", "the shipped policies: wardroom check, wardroom test", policy),
    step("python", "the Python package: format, lints, types, and its tests against the binary", python),
    step("docs", "rustdoc with warnings denied, and the book", docs),
    step("fuzz", "build the fuzz targets, run each briefly", fuzz_targets),
];

/// The names of all steps, in order.
pub(crate) fn names() -> Vec<&'static str> {
    STEPS.iter().map(|step| step.name).collect()
}

/// One line a step: name and what it does.
pub(crate) fn list() -> String {
    let lines = STEPS.iter().map(|step| format!("{:<9} {}", step.name, step.about));
    lines.collect::<Vec<_>>().join("\n")
}

/// Runs the named steps, or all of them, until one fails; prints the table in any case.
pub(crate) fn run(place: &Place, only: &[&str], fuzz_seconds: u64) -> Result<()> {
    let wanted = STEPS.iter().filter(|step| only.is_empty() || only.contains(&step.name));
    let (mut table, mut failure) = (Table::default(), None);
    for step in wanted {
        if failure.is_some() {
            table.not_run(step.name);
            continue;
        }
        println!("\n== {}: {}", step.name, step.about);
        let start = Instant::now();
        let ending = (step.run)(&Job { place, fuzz_seconds }).and_then(|ending| strict(place.ci, ending));
        table.ran(step.name, ending.as_ref().ok(), start.elapsed().as_secs_f64());
        failure = ending.err().map(|error| (step.name, error));
    }
    println!("\n{}", table.render());
    match failure {
        None => Ok(()),
        Some((name, error)) => {
            Err(anyhow!("step {name}: {error:#}\nrun it alone: cargo xtask test --only {name}"))
        }
    }
}

/// With `CI=true` a skip is a failure: a green run must mean that everything ran.
fn strict(ci: bool, ending: Ending) -> Result<Ending> {
    match ending {
        Ending::Skipped(why) if ci => Err(anyhow!("skipped, which CI=true forbids: {why}")),
        other => Ok(other),
    }
}

fn fmt(job: &Job) -> Result<Ending> {
    place::run(&mut job.place.cargo("fmt --all --check"))?;
    for manifest in ["fuzz/Cargo.toml", "benches/zen/Cargo.toml"] {
        place::run(job.place.cargo("fmt --check --manifest-path").arg(manifest))?;
    }
    Ok(Ending::Passed)
}

fn tidy(job: &Job) -> Result<Ending> {
    tidy::run(job.place)?;
    Ok(Ending::Passed)
}

/// Advisories are left out: their database lives on a site of its own, and a new advisory must not turn an unchanged
/// tree red. `cargo deny check advisories` by hand reads the same configuration.
fn deny(job: &Job) -> Result<Ending> {
    if let Err(error) = tools::ensure(job.place, &CARGO_DENY) {
        return Ok(missing(&CARGO_DENY, &error));
    }
    // An exception in deny.toml is for one of the two manifests, and not met in the other.
    let check = "check --hide-inclusion-graph -A license-exception-not-encountered licenses bans sources";
    for manifest in ["Cargo.toml", "fuzz/Cargo.toml"] {
        let mut command = job.place.cargo("deny --locked --config deny.toml --manifest-path");
        place::run(command.arg(manifest).args(check.split(' ')))?;
    }
    Ok(Ending::Passed)
}

/// A step whose tool could not be built: no network, most often.
fn missing(tool: &Tool, error: &anyhow::Error) -> Ending {
    Ending::Skipped(format!("{} is not there and could not be built: {error:#}", tool.program))
}

fn clippy(job: &Job) -> Result<Ending> {
    place::run(
        &mut job
            .place
            .cargo("clippy --workspace --all-targets --features wardroom/sql --locked -- -D warnings"),
    )?;
    Ok(Ending::Passed)
}

fn packages(job: &Job) -> Result<Ending> {
    let installed = debian::install(job.place);
    let absent = debian::absent(job.place).join(", ");
    Ok(match installed {
        _ if absent.is_empty() => Ending::Passed,
        Ok(()) => Ending::Skipped(format!("installed, but not found afterwards: {absent}")),
        Err(why) => Ending::Skipped(format!("{absent} not there, so what needs it is skipped; {why:#}")),
    })
}

/// The tests themselves. Which programs are not there is told to them, so that each can say by name that it is skipped.
fn test(job: &Job) -> Result<Ending> {
    let words = match tools::ensure(job.place, &NEXTEST) {
        Ok(()) => "nextest run --workspace --features wardroom/sql --locked",
        Err(error) => {
            println!("cargo-nextest is not there, so the tests run under plain `cargo test`: {error:#}");
            "test --workspace --features wardroom/sql --locked --lib --bins --tests"
        }
    };
    let absent = debian::absent(job.place).join(",");
    place::run(job.place.cargo(words).env(debian::SKIP, absent))?;
    Ok(Ending::Passed)
}

fn doctest(job: &Job) -> Result<Ending> {
    place::run(&mut job.place.cargo("test --doc --workspace --features wardroom/sql --locked"))?;
    Ok(Ending::Passed)
}

fn policy(job: &Job) -> Result<Ending> {
    if !has_policy(&job.place.root.join("policy"))? {
        return Ok(Ending::Nothing("no .ward file in policy/".to_owned()));
    }
    for command in ["check", "test"] {
        place::run(job.place.cargo("run --locked -p wardroom --").args([command, "policy"]))?;
    }
    Ok(Ending::Passed)
}

fn python(job: &Job) -> Result<Ending> {
    let python = match package::environment(job.place) {
        Ok(python) => python,
        Err(error) => {
            let what = "the Python package, its tests and its notebooks";
            return Ok(Ending::Skipped(format!("{what}: no environment for them: {error:#}")));
        }
    };
    // With the features that tests give to dependencies: alone, the binary would have DataFusion built a second time.
    let words = "build --locked --workspace --features wardroom/sql --bin wardroom --test e2e";
    place::run(&mut job.place.cargo(words))?;
    package::check(job.place, &python, &job.place.target.join("debug/wardroom"))?;
    Ok(Ending::Passed)
}

/// Whether a `.ward` file lies anywhere below the folder.
fn has_policy(folder: &Path) -> Result<bool> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(false);
    };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "ward") || (path.is_dir() && has_policy(&path)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn docs(job: &Job) -> Result<Ending> {
    let mut command = job.place.cargo("doc --workspace --features wardroom/sql --no-deps --locked");
    place::run(command.env("RUSTDOCFLAGS", "-D warnings"))?;
    if let Err(error) = tools::ensure(job.place, &MDBOOK) {
        return Ok(missing(&MDBOOK, &error));
    }
    place::run(job.place.tool(MDBOOK.program).args(["build", "docs"]))?;
    Ok(Ending::Passed)
}

fn fuzz_targets(job: &Job) -> Result<Ending> {
    if job.place.which("c++").is_none() {
        return Ok(Ending::Skipped("no C++ compiler, which libFuzzer is built with; install g++".to_owned()));
    }
    fuzz::run(job.place, &[], job.fuzz_seconds, fuzz::Purpose::Check)?;
    Ok(Ending::Passed)
}

/// Step, result, seconds.
#[derive(Default)]
struct Table {
    rows: Vec<(&'static str, &'static str, Option<f64>, String)>,
}

impl Table {
    /// A step that ran; `None` when it failed.
    fn ran(&mut self, name: &'static str, ending: Option<&Ending>, seconds: f64) {
        let (result, why) = match ending {
            None => ("failed", String::new()),
            Some(Ending::Passed) => ("passed", String::new()),
            Some(Ending::Nothing(why)) => ("passed", format!("nothing to run: {why}")),
            Some(Ending::Skipped(why)) => ("skipped", why.clone()),
        };
        self.rows.push((name, result, Some(seconds), why));
    }

    /// A step after the one that failed.
    fn not_run(&mut self, name: &'static str) {
        self.rows.push((name, "not run", None, String::new()));
    }

    /// The table, closed by a line of counts.
    fn render(&self) -> String {
        let mut text = format!("{:<9} {:<8} {:>7}\n", "step", "result", "seconds");
        for (name, result, seconds, why) in &self.rows {
            let seconds = seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.1}"));
            let row = format!("{name:<9} {result:<8} {seconds:>7}  {why}");
            let _ = writeln!(text, "{}", row.trim_end());
        }
        let count = |wanted: &str| self.rows.iter().filter(|(_, result, ..)| *result == wanted).count();
        let (passed, failed, skipped) =
            (count("passed"), count("failed"), count("skipped") + count("not run"));
        let _ = write!(text, "\nsteps: {passed} passed, {failed} failed, {skipped} skipped");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ci_turns_a_skip_into_a_failure() {
        let skipped = || Ending::Skipped("not installed: sshd".to_owned());
        assert_eq!(strict(false, skipped()).unwrap(), skipped());
        assert_eq!(strict(true, Ending::Passed).unwrap(), Ending::Passed);
        assert_eq!(strict(true, Ending::Nothing(String::new())).unwrap(), Ending::Nothing(String::new()));
        assert!(strict(true, skipped()).unwrap_err().to_string().contains("not installed: sshd"));
    }

    #[test]
    fn the_table_tells_every_row() {
        let mut table = Table::default();
        table.ran("fmt", Some(&Ending::Passed), 1.26);
        table.ran("policy", Some(&Ending::Nothing("no file".to_owned())), 0.0);
        table.ran("packages", Some(&Ending::Skipped("no root".to_owned())), 0.5);
        table.ran("clippy", None, 61.0);
        table.not_run("test");
        let expect = "\
step      result   seconds
fmt       passed       1.3
policy    passed       0.0  nothing to run: no file
packages  skipped      0.5  no root
clippy    failed      61.0
test      not run        -

steps: 2 passed, 1 failed, 2 skipped";
        assert_eq!(table.render(), expect);
    }

    #[test]
    fn names_are_single_words() {
        for name in names() {
            assert!(name.chars().all(|letter| letter.is_ascii_lowercase()) && name.len() <= 9, "{name}");
        }
    }
}
