// SPDX-License-Identifier: Apache-2.0
//! A policy of 1,000 rules: from text to a program. Bounds how soon an edit can be in force.
//!
//! The other engines compile the same 1,000 conditions, and nothing else: no types are checked, no features declared,
//! no reasons read.

use crate::harness::Harness;
use crate::peers::{cel_compile, zen_compile};
use crate::people::TYPES;
use crate::table::Table;
use anyhow::{Result, ensure};
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use wardroom_policy::Bundle;

/// How many rules.
const RULES: usize = 1000;
/// How many features they share.
const FEATURES: usize = 200;

/// Ten files as ten people would write them, each with its own features. Editions differ in their constants alone.
pub(crate) fn policy(edition: usize) -> Bundle {
    let mut bundle = Bundle::single("types.ward", TYPES);
    for file in 0..10 {
        let mut text = String::new();
        for number in 0..FEATURES / 10 {
            let key = ["account", "ip", "ip.net", "device"][number % 4];
            let window = ["10m", "1h", "1d", "30d"][number / 4 % 4];
            let _ = writeln!(
                text,
                "feature a{file}_{number} = count(signup, where=human, by={key}, last=\"{window}\")"
            );
        }
        for number in 0..RULES / 10 {
            let (a, b) = (number % (FEATURES / 10), (number + 7) % (FEATURES / 10));
            let least = number + 1 + edition;
            let _ = write!(
                text,
                "
rule r{file}_{number} on signup:
    when    a{file}_{a} >= {least} and a{file}_{b} > 3 and not human and country in [\"aa\", \"bb\", \"cc\"]
            and (form_time < \"2s\" or username.endswith(\".{number}\"))
    then    challenge(\"captcha\")
    because \"{{a{file}_{a}}} sign-ups from {{ip.net}} in the last hour\"
    mode    live
    owner   \"abuse-desk\"
"
            );
        }
        bundle.add(format!("part{file}.ward"), text);
    }
    bundle
}

pub(crate) fn run(harness: &mut Harness) -> Result<()> {
    let bundle = policy(0);
    let bytes: usize = bundle.files().map(|(_, text)| text.len()).sum();
    let compiled = wardroom_policy::compile(&bundle);
    ensure!(compiled.diagnostics.is_empty(), "{}", compiled.diagnostics.len());
    ensure!(compiled.program.is_some_and(|p| p.rules.len() == RULES), "all rules compile");
    let title =
        format!("A policy of {RULES} rules and {FEATURES} features in ten files, {} KB", bytes / 1000);
    harness.table(Table::new(title, "policy"));
    harness.time("parse, check, compile", || wardroom_policy::compile(black_box(&bundle)).program.is_some());
    others(harness)
}

/// The conditions of the rules, for other engines.
fn conditions(and: &str, not: &str, or: &str, ends: fn(usize) -> String) -> Vec<String> {
    let mut out = Vec::new();
    for file in 0..10 {
        for number in 0..RULES / 10 {
            let (a, b) = (number % (FEATURES / 10), (number + 7) % (FEATURES / 10));
            out.push(format!(
                "a{file}_{a} > {number} {and} a{file}_{b} > 3 {and} {not} human {and} country in [\"aa\", \"bb\", \"cc\"] \
                 {and} (form_secs < 2.0 {or} {})",
                ends(number)
            ));
        }
    }
    out
}

fn others(harness: &mut Harness) -> Result<()> {
    let env = Arc::new(cel::Env::stdlib());
    let sources = conditions("&&", "!", "||", |n| format!("username.endsWith(\".{n}\")"));
    ensure!(cel_compile(&env, &sources)?.len() == RULES, "cel");
    harness.time("cel 0.15, the conditions", || cel_compile(&env, black_box(&sources)).is_ok());
    let sources = conditions("and", "not", "or", |n| format!("endsWith(username, \".{n}\")"));
    ensure!(zen_compile(&sources)?.len() == RULES, "zen");
    harness.time("zen-expression 2.1, the conditions", || zen_compile(black_box(&sources)).is_ok());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_without_fault() {
        let compiled = wardroom_policy::compile(&policy(0));
        let said: Vec<_> = compiled.diagnostics.iter().take(3).map(|d| format!("{d:?}")).collect();
        assert!(said.is_empty(), "{said:?}");
        let program = compiled.program.unwrap();
        assert_eq!((program.rules.len(), program.features.len()), (RULES, FEATURES));
    }
}
