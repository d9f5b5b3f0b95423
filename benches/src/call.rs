// SPDX-License-Identifier: Apache-2.0
//! What one call of a function costs within a rule of one term, and the same in Rust by hand where that is no more than
//! a line. The static cost that the checker reckons with is meant to be about this.

use crate::harness::Harness;
use crate::peers::{Cel, Zen};
use crate::people::typed;
use crate::policy::active;
use crate::table::Table;
use anyhow::{Result, anyhow, ensure};
use serde_json::json;
use std::fmt::Write as _;
use std::hint::black_box;
use wardroom_policy::{Bundle, Row, Tri};

const TYPES: &str = "\
event signup:
    ip:       ip
    email:    email
    username: text
    other:    text
    agent:    text
    n:        number
";
const USERNAME: &str = "Some.Body1987";
const OTHER: &str = "some.buddy1987";
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// A term, and the same for cel and for zen where they have it.
const TERMS: [(&str, Option<&str>, Option<&str>); 14] = [
    ("username == \"x\"", Some("username == \"x\""), Some("username == \"x\"")),
    ("n > 3.5", Some("n > 3.5"), Some("n > 3.5")),
    ("username.startswith(\"x\")", Some("username.startsWith(\"x\")"), Some("startsWith(username, \"x\")")),
    ("username.contains(\"x\")", Some("username.contains(\"x\")"), Some("contains(username, \"x\")")),
    ("username.lower() == \"x\"", None, Some("lower(username) == \"x\"")),
    ("email.domain == \"x.example\"", None, None),
    ("ip.net == \"10.0.0.0/24\"", None, None),
    ("ip in \"10.0.0.0/8\"", None, None),
    ("log(n) > 99.0", None, None),
    (
        "agent.matches(\"^curl|python-[a-z]+|Chrome/[0-9]{3}\")",
        None,
        Some("matches(agent, \"^curl|python-[a-z]+|Chrome/[0-9]{3}\")"),
    ),
    ("similarity(username, other) > 0.99", None, None),
    ("distance(username, other) < 1", None, None),
    ("entropy(username) > 9.0", None, None),
    ("skeleton(username) == \"x\"", None, None),
];

fn policy() -> Bundle {
    let mut text = TYPES.to_owned();
    for (n, (term, ..)) in TERMS.iter().enumerate() {
        let _ = write!(text, "\nrule r{n} on signup:\n    when {term}\n    then block\n    because \"r\"\n");
    }
    Bundle::single("call.ward", &text)
}

pub(crate) fn run(harness: &mut Harness) -> Result<()> {
    harness.table(
        Table::new("A rule of one term, false", "evaluation")
            .note("the user agent has 70 bytes, the user names 13 and 14; context ready"),
    );
    let active = active(policy())?;
    let event = json!({
        "type": "signup", "id": "1", "ip": "203.0.113.7", "email": "somebody@mail.example", "username": USERNAME,
        "other": OTHER, "agent": AGENT, "n": 1.25,
    });
    let event = typed(&event.to_string(), &active.program.schema).map_err(|f| anyhow!("{f}"))?;
    let row = Row::new(&event, &[], &active);
    let given = json!({"username": USERNAME, "other": OTHER, "agent": AGENT, "n": 1.25});
    for (rule, (term, cel, zen)) in active.program.rules.iter().zip(TERMS) {
        ensure!(rule.holds(&row) == Tri::False, "{term} is {:?}", rule.holds(&row));
        harness.time(&format!("{term} (static cost {})", rule.cost), || rule.holds(black_box(&row)));
        by_hand(harness, term)?;
        if let Some(cel) = cel {
            let cel = Cel::new(&[cel.to_owned()], &given)?;
            ensure!(cel.checked()? == 0, "cel: {term}");
            harness.time("    cel 0.15", || cel.holding());
        }
        if let Some(zen) = zen {
            let mut zen = Zen::new(&[zen.to_owned()], &given)?;
            ensure!(zen.checked()? == 0, "zen: {term}");
            harness.time("    zen-expression 2.1", || zen.holding());
        }
    }
    Ok(())
}

fn by_hand(harness: &mut Harness, term: &str) -> Result<()> {
    let word = term.split(['(', '.']).nth(1).unwrap_or_default();
    match word {
        _ if term.starts_with("username ==") => harness.time("    by hand", || black_box(USERNAME) == "x"),
        "startswith" => harness.time("    by hand", || black_box(USERNAME).starts_with('x')),
        "contains" => harness.time("    by hand", || black_box(USERNAME).contains("x")),
        "lower" => harness.time("    by hand", || black_box(USERNAME).to_lowercase() == "x"),
        "matches" => {
            let regex = regex::Regex::new("^curl|python-[a-z]+|Chrome/[0-9]{3}")?;
            harness.time("    by hand, the regex crate", || regex.is_match(black_box(AGENT)))
        }
        _ => return Ok(()),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Pace;

    #[test]
    fn every_term_is_timed_and_by_hand_where_it_is_a_line() {
        let mut harness = Harness::new(Pace::Quick);
        run(&mut harness).unwrap();
        let rows = &harness.tables[0].rows;
        assert_eq!(rows.iter().filter(|r| r.name.starts_with("    by hand")).count(), 5);
        assert_eq!(rows.iter().filter(|r| !r.name.starts_with("    ")).count(), TERMS.len());
    }
}
