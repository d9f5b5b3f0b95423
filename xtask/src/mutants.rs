// SPDX-License-Identifier: Apache-2.0
//! `cargo xtask mutants`: deliberate faults, one at a time, that the tests of faults must catch.
//!
//! A harness that never fails may be blind. Each mutant is a few words of the source and what a hurried hand could have
//! written instead: an answer before the sync, a directory not synced, an event counted twice. The tree is copied into
//! the target folder, so that nothing here is touched and a second mutant builds on the first one's artefacts; one mutant
//! is put in, the harness runs, and the seed that failed is printed.
//!
//! Chosen by hand rather than by a tool that flips every operator: these are the faults that lose mail, and each has a
//! reason a person can read.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::place::{self, Place};

/// One deliberate fault.
struct Mutant {
    /// What it does, as a fault is told.
    name: &'static str,
    file: &'static str,
    /// Words that are there once.
    right: &'static str,
    wrong: &'static str,
    /// The package whose tests must fail, and which of them run.
    package: &'static str,
    tests: &'static str,
}

/// A fault that the lives of `crates/engine/tests/engine/faults` must catch.
const fn lives(name: &'static str, file: &'static str, right: &'static str, wrong: &'static str) -> Mutant {
    Mutant { name, file, right, wrong, package: "wardroom-engine", tests: "faults::no_promise" }
}

const EVENT: &str = "crates/engine/src/sequencer/event.rs";
const COMMIT: &str = "crates/engine/src/sequencer/commit.rs";
const SWAP: &str = "crates/engine/src/sequencer/swap.rs";
const SNAPSHOTS: &str = "crates/engine/src/sequencer/snapshots.rs";
const RECOVER: &str = "crates/engine/src/recover.rs";
const OPEN: &str = "crates/engine/src/engine/open.rs";
const SEEN: &str = "crates/engine/src/seen/mod.rs";
const OUTBOX: &str = "crates/engine/src/outbox/mod.rs";
const WRITER: &str = "crates/journal/src/writer.rs";
const JOURNAL_RECOVER: &str = "crates/journal/src/recover.rs";
const DISK: &str = "crates/journal/src/disk.rs";
const CURSOR: &str = "crates/journal/src/cursor.rs";

const MUTANTS: &[Mutant] = &[
    lives(
        "answers before the sync",
        COMMIT,
        "self.writer.commit(durability.into())",
        "self.writer.commit(wardroom_journal::Durability::Interval)",
    ),
    lives(
        "answers although the commit failed",
        COMMIT,
        "outcomes.fill(Outcome::Refused(SubmitError::Failed(why.clone())));",
        "let _ = (&mut outcomes, why);",
    ),
    lives(
        "does not sync the directory of a new segment",
        WRITER,
        "            self.disk.sync_dir(&self.dir)?;\n            Ok(file.into())",
        "            Ok(file.into())",
    ),
    lives(
        "seals a segment without a sync",
        WRITER,
        ".set_len(active.end)\n            .and_then(|()| active.file.sync_all())",
        ".set_len(active.end)",
    ),
    lives(
        "does not write unsure frames again at recovery",
        JOURNAL_RECOVER,
        "let mut at = unsure;",
        "let mut at = used.max(unsure);",
    ),
    lives(
        "replaces a small file without a sync",
        DISK,
        "write_full(&*file, bytes, 0).and_then(|()| file.sync_all())",
        "write_full(&*file, bytes, 0)",
    ),
    lives(
        "does not look at checksums",
        CURSOR,
        "if !format::checksum_holds(self.header.salt, &ahead[..size]) {",
        "if !format::checksum_holds(self.header.salt, &ahead[..size]) && head.seq != self.expect {",
    ),
    lives(
        "counts an event twice at a restart",
        RECOVER,
        "self.flow.told(&batch.told[told.clone()], *at);",
        "self.flow.told(&batch.told[told.clone()], *at);\n                    self.flow.told(&batch.told[told.clone()], *at);",
    ),
    lives(
        "forgets event ids at a restart",
        RECOVER,
        "self.seen.insert_hash(*id, *seq, *received);",
        "let _ = (id, received);",
    ),
    lives(
        "forgets labels and lists at a restart",
        RECOVER,
        "                self.flow.restore(&change.effect, change.at);\n",
        "",
    ),
    lives(
        "leaves a decision without its changes",
        OPEN,
        "let unrecorded = folded.complete(&lookup)?;",
        "let unrecorded = Vec::new();\n    let _ = folded.complete(&lookup)?;",
    ),
    lives(
        "leaves the last record out of a back-fill",
        SWAP,
        "fill.read_to(&self.shared.lookup, committed)",
        "fill.read_to(&self.shared.lookup, committed.saturating_sub(1))",
    ),
    lives(
        "does not say that features are no longer warming",
        SWAP,
        "        self.owed = Some(self.warming());\n",
        "",
    ),
    lives(
        "remembers the id of an event that found no room",
        EVENT,
        "        self.room(&event, changes)?;\n",
        "        let next = self.writer.next_seq();\n        self.seen.insert(&event.id, next, event.received);\n        \
         self.room(&event, changes)?;\n",
    ),
    lives(
        "counts an event that found no room",
        EVENT,
        "        self.room(&event, changes)?;\n",
        "        self.flow.tally(&event);\n        self.room(&event, changes)?;\n",
    ),
    lives(
        "takes ids that cannot be read now for lost",
        SEEN,
        "Err(error @ EngineError::Journal(JournalError::Io { .. })) => return Err(error),",
        "Err(EngineError::Journal(JournalError::Io { .. })) => {}",
    ),
    lives(
        "publishes a snapshot before the journal is durable",
        SNAPSHOTS,
        "            self.sync();\n            if self.failed.is_none() {\n                self.snapshots.end();",
        "            if self.failed.is_none() {\n                self.snapshots.end();",
    ),
    lives(
        "counts again what a piece of a snapshot has counted",
        RECOVER,
        "                    self.flow.set_event(*seq);\n                    self.flow.told",
        "                    self.flow.set_event(0);\n                    let _ = seq;\n                    self.flow.told",
    ),
    lives(
        "begins a snapshot before what a torn write cut off is on record",
        SNAPSHOTS,
        "if self.failed.is_none() && self.settle_unrecorded().is_err() {",
        "if self.failed.is_some() && self.settle_unrecorded().is_err() {",
    ),
    lives(
        "does not repeat at a restart what was forgotten for lack of memory",
        RECOVER,
        "                self.flow.forget(&found.definitions);\n",
        "",
    ),
    lives(
        "sends effects of decisions that a power cut may take back",
        OUTBOX,
        "let durable = self.shared.stats.durable.load(Acquire);\n        let last",
        "let durable = self.shared.stats.seq.load(Acquire);\n        let last",
    ),
    lives(
        "forgets which effects have arrived",
        OUTBOX,
        "since.iter().for_each(|record| ledger.fold(record));",
        "let _ = since;",
    ),
];

/// Names of all.
pub(crate) fn list() -> String {
    MUTANTS.iter().map(|mutant| mutant.name).collect::<Vec<_>>().join("\n")
}

/// Runs those whose name has `wanted` in it, each over so many seeds; fails when one is not caught.
pub(crate) fn run(place: &Place, wanted: &str, seeds: u64) -> Result<()> {
    let copy = copy(place)?;
    let chosen: Vec<&Mutant> = MUTANTS.iter().filter(|mutant| mutant.name.contains(wanted)).collect();
    if chosen.is_empty() {
        bail!("no mutant has `{wanted}` in its name; there are:\n{}", list());
    }
    println!("as it is:");
    if let Some(why) = copy.test("wardroom-engine", "faults::no_promise", seeds.min(200))? {
        bail!("the tests fail without any mutant: {why}");
    }
    let mut missed = Vec::new();
    for mutant in chosen {
        let begun = Instant::now();
        let caught = copy.with(mutant, seeds)?;
        let seconds = begun.elapsed().as_secs();
        match &caught {
            Some(why) => println!("caught      {:<55} {seconds:>4} s  {why}", mutant.name),
            None => println!("NOT CAUGHT  {:<55} {seconds:>4} s", mutant.name),
        }
        if caught.is_none() {
            missed.push(mutant.name);
        }
    }
    if missed.is_empty() { Ok(()) } else { bail!("not caught: {}", missed.join(", ")) }
}

/// A copy of the tree to put mutants into.
struct Copy {
    place: Place,
}

/// Copies what git knows or would add. What is as it was keeps its time, so that it is not built anew.
fn copy(place: &Place) -> Result<Copy> {
    let home = place.target.join("mutants");
    let root = home.join("tree");
    let mut listing = place.program("git");
    listing.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
    for path in place::read(&mut listing)?.split_terminator('\0') {
        let from = place.root.join(path);
        if from.is_file() {
            put(&root.join(path), &fs::read(&from)?)?;
        }
    }
    let target = home.join("target");
    Ok(Copy { place: Place { root, target, ..place.clone() } })
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let folder = path.parent().context("a file without a folder")?;
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, bytes))
        .with_context(|| path.display().to_string())
}

impl Copy {
    /// Puts a mutant in, runs its tests and takes it out again. What caught it, if anything did.
    fn with(&self, mutant: &Mutant, seeds: u64) -> Result<Option<String>> {
        let path: PathBuf = self.place.root.join(mutant.file);
        let right = fs::read_to_string(&path).with_context(|| mutant.file.to_owned())?;
        fs::write(&path, mutant.put_in(&right)?)?;
        let tested = self.test(mutant.package, mutant.tests, seeds);
        fs::write(&path, right)?;
        tested
    }

    /// Runs tests. `None` if they pass; otherwise what failed, in a line. A tree that does not build is an error.
    fn test(&self, package: &str, tests: &str, seeds: u64) -> Result<Option<String>> {
        let words = format!("test --quiet --package {package} --test engine");
        place::read(self.place.cargo(&words).arg("--no-run")).context("it does not build")?;
        let mut command = self.place.cargo(&words);
        command.arg(tests).env("WARDROOM_SEEDS", seeds.to_string()).env("RUST_BACKTRACE", "0");
        let output = command.output().context("cargo did not start")?;
        if output.status.success() {
            return Ok(None);
        }
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if said.contains("too little happened") {
            // Too few seeds for that: no promise was broken.
            return Ok(None);
        }
        let line = said
            .lines()
            .find(|line| line.starts_with("seed "))
            .or_else(|| said.lines().find(|l| l.contains("panicked")));
        Ok(Some(line.unwrap_or("the tests failed").chars().take(160).collect()))
    }
}

impl Mutant {
    fn put_in(&self, text: &str) -> Result<String> {
        match text.matches(self.right).count() {
            1 => Ok(text.replacen(self.right, self.wrong, 1)),
            n => bail!("`{}` is {n} times in {}, for the mutant that {}", self.right, self.file, self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The source moves on, and the mutants have to move with it.
    #[test]
    fn each_mutant_fits_the_source_once() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for mutant in MUTANTS {
            let text = fs::read_to_string(root.join(mutant.file)).unwrap();
            let wrong = mutant.put_in(&text).unwrap();
            assert_ne!(wrong, text, "{}", mutant.name);
        }
    }
}
