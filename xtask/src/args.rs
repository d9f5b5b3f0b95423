// SPDX-License-Identifier: Apache-2.0
//! The command line: words to a [`Command`], or one sentence that says what would be right.

use crate::bench::Which;
use crate::steps;

/// How long each fuzz target runs when nobody says, in seconds.
const FUZZ_SECONDS: u64 = 10;

/// How many lives a mutant has to survive when nobody says.
const MUTANT_SEEDS: u64 = 1000;

/// What `cargo xtask --help` prints.
pub(crate) const USAGE: &str = "\
Usage: cargo xtask COMMAND [OPTIONS]

Commands:
  test     everything a change must pass: format, lints, tests, licences, shipped policies, docs, fuzz targets
  tidy     the repository's own rules: file headers, crate borders, dependency direction, links, the map of crates
  fuzz     build the fuzz targets and run each for a while
  mutants  put deliberate faults in, one at a time, and see that the tests of faults catch each
  bench    benchmarks, in release builds

`cargo xtask COMMAND --help` says more.";

const TEST_USAGE: &str = "\
Usage: cargo xtask test [--only STEP,...] [--seconds N] [--list]

Installs what the tests need (a test runner into the user's cache folder; Debian packages when root or sudo allows it),
then runs each step in order and stops at the first that fails.

Options:
  --only STEP,...  these steps alone, in their usual order
  --seconds N      how long each fuzz target runs (default 10)
  --list           name the steps

Environment:
  CI=true           nothing may be skipped: a missing package or tool is a failure
  CARGO_TARGET_DIR  where builds go (default: wardroom/target in the user's cache folder)";

const TIDY_USAGE: &str = "\
Usage: cargo xtask tidy

Checks the repository's own rules over all files git knows or would add, and prints every finding as path:line.";

const MUTANTS_USAGE: &str = "\
Usage: cargo xtask mutants [NAME] [--seeds N] [--list]

Copies the tree into the target folder, puts one deliberate fault in at a time, and runs the simulated lives of the engine
over it: they must fail. Prints the seed that did. Takes about half a minute for each; all of them are not part of `test`.

Options:
  NAME       those with these words in their name
  --seeds N  how many lives each has to survive (default 1000)
  --list     name them";

const FUZZ_USAGE: &str = "\
Usage: cargo xtask fuzz [TARGET]... [--seconds N] [--list]

Builds the targets in fuzz/src/bin with coverage for libFuzzer on the stable toolchain and runs each, all of them when
none is named. Findings go to fuzz/artifacts, the corpus to fuzz/corpus; inputs worth keeping belong in fuzz/seeds.

Options:
  --seconds N  how long each target runs (default 10)
  --list       name the targets";

const BENCH_USAGE: &str = "\
Usage: cargo xtask bench [rules [ARGS...] | server [ARGS...]]

With no name both run, one after the other.

  rules   the benches/ crate: rule evaluation beside other engines; ARGS go to the bench programs
  server  `wardroom bench`: durable decisions over HTTP; ARGS go to that command";

/// One command, checked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Print this text.
    Help(&'static str),
    /// Print the names of the test steps.
    ListSteps,
    /// Print the names of the fuzz targets.
    ListFuzz,
    /// Run the test steps.
    Test {
        /// The steps asked for; empty for all.
        only: Vec<&'static str>,
        /// How long each fuzz target runs.
        seconds: u64,
    },
    /// Check the repository's own rules.
    Tidy,
    /// Run fuzz targets.
    Fuzz {
        /// The targets asked for; empty for all. Whether they exist is found out later.
        targets: Vec<String>,
        /// How long each runs.
        seconds: u64,
    },
    /// Print the names of the mutants.
    ListMutants,
    /// Put mutants in and see them caught.
    Mutants {
        /// What is in their names.
        wanted: String,
        /// How many seeds each has to survive.
        seeds: u64,
    },
    /// Run benchmarks.
    Bench {
        /// Which of them.
        which: Which,
        /// Arguments for the program itself.
        rest: Vec<String>,
    },
}

/// Reads the words after `cargo xtask`. The error is one sentence for the person who typed them.
pub(crate) fn parse(words: &[String]) -> Result<Command, String> {
    let Some((command, rest)) = words.split_first() else {
        return Ok(Command::Help(USAGE));
    };
    match command.as_str() {
        "--help" | "-h" | "help" => Ok(Command::Help(USAGE)),
        "test" => parse_test(rest),
        "tidy" => parse_tidy(rest),
        "fuzz" => parse_fuzz(rest),
        "mutants" => parse_mutants(rest),
        "bench" => parse_bench(rest),
        other => Err(unknown("command", other, &["test", "tidy", "fuzz", "mutants", "bench"])),
    }
}

fn parse_test(words: &[String]) -> Result<Command, String> {
    let (mut only, mut seconds, mut list) = (Vec::new(), FUZZ_SECONDS, false);
    let mut flags = Flags::new(words);
    while let Some((flag, inline)) = flags.next_word() {
        match flag {
            "--help" | "-h" => return Ok(Command::Help(TEST_USAGE)),
            "--list" => list = true,
            "--only" => only.extend(read_steps(&flags.value(flag, inline)?)?),
            "--seconds" => seconds = read_seconds(&flags.value(flag, inline)?)?,
            other => {
                return Err(unknown("option of `test`", other, &["--only", "--seconds", "--list", "--help"]));
            }
        }
    }
    Ok(if list { Command::ListSteps } else { Command::Test { only, seconds } })
}

fn parse_tidy(words: &[String]) -> Result<Command, String> {
    match words.first().map(String::as_str) {
        None => Ok(Command::Tidy),
        Some("--help" | "-h") => Ok(Command::Help(TIDY_USAGE)),
        Some(other) => Err(unknown("option of `tidy`", other, &["--help"])),
    }
}

fn parse_fuzz(words: &[String]) -> Result<Command, String> {
    let (mut targets, mut seconds, mut list) = (Vec::new(), FUZZ_SECONDS, false);
    let mut flags = Flags::new(words);
    while let Some((flag, inline)) = flags.next_word() {
        match flag {
            "--help" | "-h" => return Ok(Command::Help(FUZZ_USAGE)),
            "--list" => list = true,
            "--seconds" => seconds = read_seconds(&flags.value(flag, inline)?)?,
            other if other.starts_with('-') => {
                return Err(unknown("option of `fuzz`", other, &["--seconds", "--list", "--help"]));
            }
            target => targets.push(target.to_owned()),
        }
    }
    Ok(if list { Command::ListFuzz } else { Command::Fuzz { targets, seconds } })
}

fn parse_mutants(words: &[String]) -> Result<Command, String> {
    let (mut wanted, mut seeds, mut list) = (String::new(), MUTANT_SEEDS, false);
    let mut flags = Flags::new(words);
    while let Some((flag, inline)) = flags.next_word() {
        match flag {
            "--help" | "-h" => return Ok(Command::Help(MUTANTS_USAGE)),
            "--list" => list = true,
            "--seeds" => seeds = read_seeds(&flags.value(flag, inline)?)?,
            other if other.starts_with('-') => {
                return Err(unknown("option of `mutants`", other, &["--seeds", "--list", "--help"]));
            }
            name => name.clone_into(&mut wanted),
        }
    }
    Ok(if list { Command::ListMutants } else { Command::Mutants { wanted, seeds } })
}

fn parse_bench(words: &[String]) -> Result<Command, String> {
    let Some((which, rest)) = words.split_first() else {
        return Ok(Command::Bench { which: Which::Both, rest: Vec::new() });
    };
    let which = match which.as_str() {
        "--help" | "-h" => return Ok(Command::Help(BENCH_USAGE)),
        "rules" => Which::Rules,
        "server" => Which::Server,
        other => return Err(unknown("benchmark", other, &["rules", "server"])),
    };
    Ok(Command::Bench { which, rest: rest.to_vec() })
}

/// Walks the words of one command; `--flag value` and `--flag=value` are the same.
struct Flags<'a> {
    words: std::slice::Iter<'a, String>,
}

impl<'a> Flags<'a> {
    fn new(words: &'a [String]) -> Self {
        Self { words: words.iter() }
    }

    /// The next word, and the value written into it after `=`.
    fn next_word(&mut self) -> Option<(&'a str, Option<&'a str>)> {
        let word = self.words.next()?;
        match word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => Some((flag, Some(value))),
            _ => Some((word, None)),
        }
    }

    /// The value of a flag that needs one.
    fn value(&mut self, flag: &str, inline: Option<&str>) -> Result<String, String> {
        inline
            .or_else(|| self.words.next().map(String::as_str))
            .map(str::to_owned)
            .ok_or_else(|| format!("{flag} needs a value, as in `{flag} {}`", example(flag)))
    }
}

/// A value to show for a flag that came without one.
fn example(flag: &str) -> &'static str {
    if flag == "--only" { "fmt,clippy" } else { "10" }
}

fn read_seeds(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(seeds @ 1..=1_000_000_000) => Ok(seeds),
        _ => Err(format!("--seeds takes a whole number from 1 to 1000000000, not `{text}`")),
    }
}

fn read_seconds(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(seconds @ 1..=86_400) => Ok(seconds),
        _ => Err(format!("--seconds takes a whole number from 1 to 86400, not `{text}`")),
    }
}

fn read_steps(text: &str) -> Result<Vec<&'static str>, String> {
    let known: Vec<&'static str> = steps::names();
    let find = |name: &str| known.iter().copied().find(|&step| step == name);
    text.split(',').map(|name| find(name).ok_or_else(|| unknown("step", name, &known))).collect()
}

/// "unknown step: `x`; did you mean …", and all that exist.
pub(crate) fn unknown(kind: &str, word: &str, known: &[&str]) -> String {
    let all = known.join(", ");
    match nearest(word, known) {
        Some(near) => format!("unknown {kind}: `{word}`; did you mean `{near}`? There are: {all}"),
        None if known.is_empty() => format!("unknown {kind}: `{word}`; there are none"),
        None => format!("unknown {kind}: `{word}`; there are: {all}"),
    }
}

/// The known word closest to `word`, when at most a third of it differs, or two letters.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(2);
    let (distance, near) = known.iter().map(|&name| (distance(word, name), name)).min()?;
    (distance <= limit).then_some(near)
}

/// Levenshtein's distance: single insertions, deletions and replacements between two words.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, letter) in left.chars().enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (at, &other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Command, String> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[track_caller]
    fn check(line: &str, expect: Command) {
        assert_eq!(read(line), Ok(expect), "{line}");
    }

    #[track_caller]
    fn check_refused(line: &str, expect: &str) {
        let message = read(line).unwrap_err();
        assert!(message.contains(expect), "{line}: `{message}` does not contain `{expect}`");
    }

    #[test]
    fn commands_are_read() {
        check("", Command::Help(USAGE));
        check("--help", Command::Help(USAGE));
        check("test", Command::Test { only: vec![], seconds: 10 });
        check("test --only fmt,clippy", Command::Test { only: vec!["fmt", "clippy"], seconds: 10 });
        check("test --only=fmt --seconds=3", Command::Test { only: vec!["fmt"], seconds: 3 });
        check("test --list", Command::ListSteps);
        check("test --help", Command::Help(TEST_USAGE));
        check("tidy", Command::Tidy);
        check("fuzz a b --seconds 60", Command::Fuzz { targets: vec!["a".into(), "b".into()], seconds: 60 });
        check("bench", Command::Bench { which: Which::Both, rest: vec![] });
        check(
            "bench server --seconds 5",
            Command::Bench { which: Which::Server, rest: vec!["--seconds".into(), "5".into()] },
        );
    }

    #[test]
    fn mistakes_name_what_would_be_right() {
        check_refused("tset", "did you mean `test`?");
        check_refused("deploy", "unknown command: `deploy`; there are: test, tidy, fuzz, mutants, bench");
        check_refused("test --onyl fmt", "did you mean `--only`?");
        check_refused("test --only clipy", "did you mean `clippy`?");
        check_refused("test --only", "--only needs a value, as in `--only fmt,clippy`");
        check_refused("test --only fmt,", "unknown step: ``");
        check_refused("test --seconds never", "from 1 to 86400, not `never`");
        check_refused("fuzz --seconds 0", "from 1 to 86400, not `0`");
        check_refused("tidy --fix", "unknown option of `tidy`: `--fix`");
        check_refused("bench rule", "did you mean `rules`?");
    }

    #[test]
    fn distance_counts_edits() {
        for (left, right, expect) in
            [("", "", 0), ("", "abc", 3), ("test", "tset", 2), ("tidy", "tidy", 0), ("kitten", "sitting", 3)]
        {
            assert_eq!(distance(left, right), expect, "{left} {right}");
            assert_eq!(distance(right, left), expect, "{right} {left}");
        }
    }
}
