// SPDX-License-Identifier: Apache-2.0
//! `cargo xtask fuzz`: the targets in `fuzz/src/bin`, built for libFuzzer on the stable toolchain and run for a while.
//!
//! cargo-fuzz is not used because it wants a nightly compiler. What a target needs from the compiler, counters on
//! every edge and the table of their places, is a pass of LLVM that stable rustc can be asked for. Left out is the
//! address sanitizer, which does need nightly; the workspace denies `unsafe`, so there is little for it to find.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

use crate::args;
use crate::place::{self, Place};

/// Flags that make a crate report its coverage to libFuzzer. They reach every crate but build scripts and macros, which
/// is why a build names its `--target`.
const FLAGS: [&str; 9] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "-Cdebug-assertions=on",
    "--cfg",
    "fuzzing",
];

/// Whether a run is a check that others can repeat, or a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A check: `fuzz/Cargo.lock` as committed, and inputs drawn alike at every run.
    Check,
    /// A search by hand: `fuzz/Cargo.lock` is brought up to date, and inputs are drawn anew.
    Search,
}

/// The names of all targets, one a line.
pub(crate) fn list(place: &Place) -> Result<String> {
    Ok(targets(&place.root)?.join("\n"))
}

/// Builds all targets and runs those named, or all of them, each for so many seconds.
pub(crate) fn run(place: &Place, names: &[String], seconds: u64, purpose: Purpose) -> Result<()> {
    let known = targets(&place.root)?;
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    if let Some(wrong) = names.iter().find(|name| !known.contains(&name.as_str())) {
        bail!(args::unknown("fuzz target", wrong, &known));
    }
    let built = build(place, purpose)?;
    for &name in known.iter().filter(|&&name| names.is_empty() || names.iter().any(|wanted| wanted == name)) {
        run_target(place, &built, name, seconds, purpose)?;
    }
    Ok(())
}

/// Every file in `fuzz/src/bin` is a target.
fn targets(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("fuzz/src/bin");
    let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    let sources = paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    let mut names: Vec<String> =
        sources.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    Ok(names)
}

/// Builds all targets and says in which folder they are.
fn build(place: &Place, purpose: Purpose) -> Result<PathBuf> {
    let host = host(place)?;
    // A folder of its own: other flags for the same crates would rebuild them at every turn.
    let folder = place.target.join("fuzz");
    let mut command = place.cargo("build --release --manifest-path fuzz/Cargo.toml --bins --target");
    command.arg(&host);
    if purpose == Purpose::Check {
        command.arg("--locked");
    }
    command
        .env("CARGO_TARGET_DIR", &folder)
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"))
        .env_remove("RUSTFLAGS");
    place::run(&mut command).context(match purpose {
        Purpose::Check => {
            "the fuzz targets do not build (`cargo xtask fuzz` renews an outdated fuzz/Cargo.lock)"
        }
        Purpose::Search => "the fuzz targets do not build",
    })?;
    Ok(folder.join(host).join("release"))
}

/// The machine's own target, as rustc names it.
fn host(place: &Place) -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = place::read(place.program(rustc).arg("-vV"))?;
    said.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc -vV names no host")
}

/// What the repository has that a target can begin with, beside its own seeds.
const SHARED_SEEDS: [(&str, &[&str]); 2] = [("policy", &POLICIES), ("form", &POLICIES)];

/// Policies that are right, and policies that are wrong.
const POLICIES: [&str; 2] = ["policy", "crates/policy/testdata"];

/// Runs one target over its corpus and seeds.
fn run_target(place: &Place, built: &Path, name: &str, seconds: u64, purpose: Purpose) -> Result<()> {
    let folder = |kind: &str| place.root.join("fuzz").join(kind).join(name);
    let (corpus, artifacts, seeds) = (folder("corpus"), folder("artifacts"), folder("seeds"));
    for made in [&corpus, &artifacts] {
        std::fs::create_dir_all(made).with_context(|| format!("cannot make {}", made.display()))?;
    }
    let mut command = place.program(built.join(name));
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()));
    if purpose == Purpose::Check {
        command.arg("-seed=1");
    }
    // One input may take 10 seconds and 2 GiB; what a stranger sends may take neither.
    command.args(["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=0"]).arg(&corpus);
    let shared = SHARED_SEEDS.iter().filter(|(target, _)| *target == name).flat_map(|(_, folders)| *folders);
    command
        .args(shared.map(|folder| place.root.join(folder)).chain([seeds]).filter(|folder| folder.is_dir()));
    let status = watch(&mut command).with_context(|| format!("fuzz target {name} did not start"))?;
    if !status.success() {
        bail!(
            "fuzz target {name} failed ({status}); the input is in fuzz/artifacts/{name}\nrepeat it: {} FILE\n\
             once mended, keep it: move the file to fuzz/seeds/{name}",
            built.join(name).display()
        );
    }
    Ok(())
}

/// Runs a target and passes on what it says, without the pages that only its authors read.
fn watch(command: &mut Command) -> Result<ExitStatus> {
    println!("$ {}", place::spell(command));
    let mut child = command.stderr(Stdio::piped()).spawn()?;
    let said = child.stderr.take().context("no standard error")?;
    // Lines of bytes: what a target prints of its input need not be UTF-8.
    for line in BufReader::new(said).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        if !is_noise(&line) {
            println!("{line}");
        }
    }
    Ok(child.wait()?)
}

/// Names of new functions, guesses at a dictionary, and what a sanitizer would have offered.
fn is_noise(line: &str) -> bool {
    let quoted = line.starts_with('"') && line.contains("# Uses:");
    quoted
        || ["\tNEW_FUNC", "###### ", "WARNING: Failed to find function"]
            .iter()
            .any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_the_sources_in_order() {
        let root = std::env::temp_dir().join(format!("wardroom-xtask-fuzz-{}", std::process::id()));
        let folder = root.join("fuzz/src/bin");
        std::fs::create_dir_all(&folder).unwrap();
        for file in ["b.rs", "a.rs", "notes.md"] {
            std::fs::write(folder.join(file), "").unwrap();
        }
        let found = targets(&root).unwrap();
        std::fs::remove_dir_all(&root).unwrap();
        assert_eq!(found, ["a", "b"]);
        assert!(format!("{:#}", targets(&root).unwrap_err()).contains("cannot list"));
    }

    #[test]
    fn only_noise_is_kept_back() {
        for line in ["\tNEW_FUNC[1/2]: 0x56", "\"ab\" # Uses: 3", "###### Recommended dictionary. ######"] {
            assert!(is_noise(line), "{line}");
        }
        for line in ["thread panicked", "\"quoted\" by a panic", "==7== ERROR: libFuzzer: deadly signal", ""]
        {
            assert!(!is_noise(line), "{line}");
        }
    }
}
