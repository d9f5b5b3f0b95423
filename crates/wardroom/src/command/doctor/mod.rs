// SPDX-License-Identifier: Apache-2.0
//! `wardroom doctor`: what could go wrong with a server here, before it does.
//!
//! One file a check. Each looks first, at the machine or the directory, and then judges what it saw; the judgement is a
//! function of what was seen and nothing else, so tests show it machines that nobody has. A check that cannot see
//! something says that it does not know: it is never good news, and never an alarm.
//!
//! Exit codes: 0 nothing failed (warnings are printed), 1 something did.

mod clock;
mod disk;
mod facts;
mod journal;
mod lock;
mod memory;
mod openfiles;
mod permissions;
mod policy;
mod port;
mod snapshots;

use crate::cli::Doctor;
use crate::config::Config;
use crate::terminal::{Paint, one_line};
use anyhow::Result;
use serde::Serialize;
use std::io::Write;
use std::process::ExitCode;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// It could not be seen.
    Unknown,
    Warn,
    Fail,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    check: &'static str,
    state: State,
    /// What was found, in a sentence.
    says: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, says: impl Into<String>) -> Finding {
        Finding { check, state: State::Ok, says: says.into(), advice: None }
    }

    fn unknown(check: &'static str, says: impl Into<String>) -> Finding {
        Finding { check, state: State::Unknown, says: says.into(), advice: None }
    }

    fn warn(check: &'static str, says: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { check, state: State::Warn, says: says.into(), advice: Some(advice.into()) }
    }

    fn fail(check: &'static str, says: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { check, state: State::Fail, says: says.into(), advice: Some(advice.into()) }
    }
}

pub(super) async fn run(args: Doctor) -> Result<ExitCode> {
    let mut config = Config::load(args.config.as_deref())?;
    config.data.or_given(args.data);
    config.policy.or_given(args.policy);
    let mut findings = Vec::new();
    let data = &config.data.value;
    if data.is_dir() {
        findings.extend(disk::judge(&disk::look(data, config.segment_size.value)));
        findings.extend(permissions::judge(&permissions::look(&config)));
        findings.extend(lock::judge(&lock::look(data)));
        findings.extend(journal::judge(&journal::look(data, args.full)));
        findings.extend(snapshots::judge(&snapshots::look(data)));
    } else {
        let says = format!("there is no data directory at {}", data.display());
        findings.push(Finding::warn(
            "data",
            says,
            "the first `wardroom serve` or `wardroom init` makes it; or name it with --data",
        ));
    }
    // A key that cannot be read is told of with the permissions.
    let keys = config.encryption.keys().unwrap_or_default();
    findings.extend(clock::judge(&clock::look(data, &keys)));
    findings.extend(policy::judge(&policy::look(&config.policy.value)));
    findings.extend(port::judge(&port::look(&config.listen.value).await));
    findings.extend(openfiles::judge(&openfiles::look(config.max_connections.value)));
    findings.extend(memory::judge(&memory::look(&config)));
    findings.extend(facts::judge(&facts::look(&config)));

    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&findings)?)?;
    } else {
        say(&findings, Paint::stdout(), &mut out)?;
    }
    let failed = findings.iter().any(|f| f.state == State::Fail);
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn say(findings: &[Finding], paint: Paint, out: &mut impl Write) -> Result<()> {
    for finding in findings {
        let state = match finding.state {
            State::Ok => paint.good("ok  "),
            State::Unknown => paint.dim("?   "),
            State::Warn => paint.bold("warn"),
            State::Fail => paint.bad("FAIL"),
        };
        writeln!(out, "{state}  {:<11}  {}", finding.check, one_line(&finding.says))?;
        if let Some(advice) = &finding.advice {
            writeln!(out, "{:19}{} {}", "", paint.dim("→"), one_line(advice))?;
        }
    }
    let count = |state| findings.iter().filter(|f| f.state == state).count();
    let (failed, warned) = (count(State::Fail), count(State::Warn));
    Ok(match (failed, warned) {
        (0, 0) => writeln!(out, "nothing stands in the way"),
        (0, n) => writeln!(out, "{n} warnings"),
        (f, n) => writeln!(out, "{f} failed, {n} warnings"),
    }?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a judgement says, in short: states, and a word that each must hold.
    #[track_caller]
    pub(super) fn check(found: &[Finding], expect: &[(State, &str)]) {
        let fits = found.len() == expect.len()
            && found.iter().zip(expect).all(|(f, (state, word))| {
                let words = format!("{} {}", f.says, f.advice.as_deref().unwrap_or_default());
                f.state == *state && words.contains(word)
            });
        assert!(fits, "{found:#?}\nexpected {expect:#?}");
        // What is not well has something to do about it, and a sentence needs no full stop.
        for finding in found {
            assert_eq!(
                finding.advice.is_some(),
                matches!(finding.state, State::Warn | State::Fail),
                "{finding:?}"
            );
            assert!(!finding.says.ends_with('.') && !finding.says.is_empty(), "{finding:?}");
        }
    }

    #[test]
    fn findings_are_a_table() {
        let findings = [Finding::ok("disk", "fine"), Finding::fail("port", "taken\u{7}", "free it")];
        let mut out = Vec::new();
        say(&findings, Paint::stdout(), &mut out).unwrap();
        let expect = "ok    disk         fine\nFAIL  port         taken\\u{7}\n                   → free it\n1 failed, 0 warnings\n";
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }
}
