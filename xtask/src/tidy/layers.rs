// SPDX-License-Identifier: Apache-2.0
//! The direction of dependencies: a crate uses only crates above it in [`ORDER`], and some pairs are forbidden outright.
//!
//! Dependencies of tests count too: a crate whose tests need a later crate is tested in the wrong place.

use super::{Finding, Tree, manifest};

/// The crates from the foundation to the binary. A new crate gets its place here when it is made.
const ORDER: [&str; 17] = [
    "event", "report", "facts", "policy", "lsp", "state", "journal", "engine", "history", "sql", "account",
    "flood", "model", "mail", "api", "sim", "wardroom",
];

/// What all packages of this repository's crates start with; the binary's is the bare name.
const PREFIX: &str = "wardroom";

/// Which packages a crate must not use although its place would allow it, and why.
struct Forbidden {
    who: &'static [&'static str],
    whom: &'static [&'static str],
    why: &'static str,
}

/// A rule for every package of this repository.
const OURS: &str = "wardroom-*";

const FORBIDDEN: [Forbidden; 12] = [
    Forbidden {
        who: &["model"],
        whom: &[OURS],
        why: "learned scorers know no surface, and nothing of what their tokens stand for",
    },
    Forbidden {
        who: &["policy"],
        whom: &["wardroom-state", "wardroom-journal"],
        why: "the policy language knows no storage",
    },
    Forbidden {
        who: &["sql"],
        whom: &["wardroom-policy", "wardroom-engine"],
        why: "SQL sees the past through `history`, and rules not at all",
    },
    Forbidden {
        who: &["api"],
        whom: &["wardroom-sql"],
        why: "SQL is built only where it is asked for: the binary hands it in",
    },
    Forbidden {
        who: &["policy", "state"],
        whom: &["wardroom-facts"],
        why: "facts are on the record before a rule reads them: judging looks nothing up",
    },
    Forbidden { who: &["state"], whom: &["wardroom-policy"], why: "counters and lists know no rules" },
    Forbidden {
        who: &["journal"],
        whom: &[OURS],
        why: "the journal keeps bytes and knows not who reads them",
    },
    Forbidden {
        who: &["sim"],
        whom: &[OURS],
        why: "the simulation sees Wardroom from outside, as real traffic does",
    },
    Forbidden {
        who: &[
            "event", "report", "facts", "policy", "lsp", "state", "journal", "engine", "history", "account",
            "flood", "api",
        ],
        whom: &["wardroom-sim"],
        why: "simulated traffic is never on a production path",
    },
    Forbidden {
        who: &["event", "report", "facts", "policy", "lsp", "state"],
        whom: &["tokio", "axum", "hyper"],
        why: "judging is pure: no sockets, no runtime",
    },
    Forbidden { who: &["engine"], whom: &["axum", "hyper"], why: "the engine knows no sockets" },
    Forbidden {
        who: &["lsp"],
        whom: &["wardroom-facts", "tokio", "axum", "hyper"],
        why: "an editor's server knows texts: no data and no sockets",
    },
];

/// Checks the manifest of every crate.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.crates().flat_map(|name| check_crate(tree, name)).collect()
}

fn check_crate(tree: &Tree, name: &str) -> Vec<Finding> {
    let path = format!("crates/{name}/Cargo.toml");
    let Some(place) = ORDER.iter().position(|&known| known == name) else {
        let message = format!("the crate `{name}` has no place in ORDER in xtask/src/tidy/layers.rs");
        return vec![Finding::new(&path, 0, message)];
    };
    let found = manifest::dependencies(tree.text(&path).unwrap_or_default());
    let faults = found.into_iter().filter_map(|dependency| {
        let message = fault(name, place, dependency.name)?;
        Some(Finding::new(&path, dependency.line, message))
    });
    faults.collect()
}

/// What is wrong with this crate using that package, if anything.
fn fault(name: &str, place: usize, package: &str) -> Option<String> {
    let ours = crate_of(package);
    let hits =
        |rule: &Forbidden| rule.whom.contains(&package) || (ours.is_some() && rule.whom.contains(&OURS));
    if let Some(rule) = FORBIDDEN.iter().find(|rule| rule.who.contains(&name) && hits(rule)) {
        return Some(format!("`{name}` must not depend on `{package}`: {}", rule.why));
    }
    match ORDER.iter().position(|&known| Some(known) == ours) {
        Some(other) if other >= place => Some(format!(
            "`{name}` comes before `{package}`, so the dependency must point the other way ({})",
            ORDER.join(", ")
        )),
        None if ours.is_some() => Some(format!("`{package}` is no crate of this repository")),
        _ => None,
    }
}

/// The folder of one of our packages.
fn crate_of(package: &str) -> Option<&str> {
    let rest = package.strip_prefix(PREFIX)?;
    if rest.is_empty() { Some(PREFIX) } else { rest.strip_prefix('-') }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::check_with;

    #[track_caller]
    fn check_dependency(name: &str, section: &str, package: &str, expect: &[&str]) {
        let manifest = format!("[package]\n\n[{section}]\n{package}.workspace = true\n");
        check_with(check, &[(&format!("crates/{name}/Cargo.toml"), &manifest)], expect);
    }

    #[test]
    fn dependencies_point_to_earlier_crates() {
        check_dependency("engine", "dependencies", "wardroom-journal", &[]);
        check_dependency("wardroom", "dependencies", "wardroom-sim", &[]);
        check_dependency("policy", "dependencies", "serde", &[]);
        check_dependency(
            "event",
            "dependencies",
            "wardroom-report",
            &["event/Cargo.toml:4: `event` comes before"],
        );
        check_dependency(
            "event",
            "dev-dependencies",
            "wardroom-api",
            &["`event` comes before `wardroom-api`"],
        );
        check_dependency("api", "dependencies", "wardroom", &["`api` comes before `wardroom`"]);
        check_dependency("api", "dependencies", "wardroom-core", &["is no crate of this repository"]);
        check_dependency(
            "core",
            "dependencies",
            "serde",
            &["crates/core/Cargo.toml: the crate `core` has no place"],
        );
    }

    #[test]
    fn forbidden_pairs_say_why() {
        check_dependency("policy", "dependencies", "wardroom-state", &["knows no storage"]);
        check_dependency("policy", "dev-dependencies", "wardroom-journal", &["knows no storage"]);
        check_dependency("state", "dependencies", "wardroom-policy", &["know no rules"]);
        check_dependency("journal", "dependencies", "wardroom-event", &["knows not who reads"]);
        check_dependency("sim", "dependencies", "wardroom-event", &["from outside"]);
        check_dependency("engine", "dependencies", "wardroom-sim", &["never on a production path"]);
        check_dependency("event", "dependencies", "tokio", &["judging is pure"]);
        check_dependency("engine", "dependencies", "axum", &["knows no sockets"]);
    }
}
