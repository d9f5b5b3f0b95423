// SPDX-License-Identifier: Apache-2.0
//! `ARCHITECTURE.md` against the repository: every path and crate it names exists, and every crate is on it.
//!
//! A map that names what is gone is worse than none, and nobody notices by reading it.

use super::{Finding, Tree, markdown};

/// The map.
const MAP: &str = "ARCHITECTURE.md";

/// The files a newcomer opens first, and what to do when one is not there.
const FIRST_PAGES: [(&str, &str); 3] = [
    ("README.md", "what it is, one command to see it, one to test it"),
    (MAP, "the bird's eye, the life of an event, the map of crates"),
    ("CHANGELOG.md", "one line in the user's words for each visible change, under `## Unreleased`"),
];

/// Checks that the first pages are there, the map is true and the changelog has room.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let absent = FIRST_PAGES.iter().filter(|(path, _)| tree.text(path).is_none());
    let mut findings: Vec<Finding> =
        absent.map(|(path, what)| Finding::new(path, 0, format!("is missing; it holds {what}"))).collect();
    if let Some(text) = tree.text(MAP) {
        findings.extend(names_exist(tree, text));
        findings.extend(crates_are_named(tree, text));
    }
    if let Some(text) = tree.text("CHANGELOG.md") {
        findings.extend(unreleased(text));
    }
    findings
}

/// Each code span that looks like a path or a package names something that is there.
fn names_exist(tree: &Tree, text: &str) -> Vec<Finding> {
    let gone = markdown::read(text).code.into_iter().filter(|span| !exists(tree, &span.what));
    gone.map(|span| Finding::new(MAP, span.line, format!("names `{}`, which does not exist", span.what)))
        .collect()
}

/// Whether a code span names something that exists; what does not look like a name of ours passes.
fn exists(tree: &Tree, span: &str) -> bool {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "._-/*".contains(letter);
    if !span.chars().all(allowed) {
        return true;
    }
    if let Some(name) = span.strip_prefix("wardroom-") {
        return name.contains(['.', '/']) || name == "benches" || tree.has_folder(&format!("crates/{name}"));
    }
    let path = span.strip_prefix("./").unwrap_or(span);
    match path.split_once('/') {
        Some((top, _)) if tree.has_folder(top) => path_exists(tree, path),
        // `engine/src/judge.rs`: crates are so often named without their parent that it is worth knowing.
        Some((top, _)) if tree.has_folder(&format!("crates/{top}")) => {
            path_exists(tree, &format!("crates/{path}"))
        }
        // `judge.rs`: some file has that name. `a/b` may be a fraction, a media type, a route.
        _ if path.ends_with(".rs") || path.ends_with(".md") => {
            let ending = format!("/{path}");
            tree.has(path) || tree.files().any(|(file, _)| file.ends_with(&ending))
        }
        _ => true,
    }
}

/// Whether a path exists; one with a `*` needs the folder before it.
fn path_exists(tree: &Tree, path: &str) -> bool {
    match path.split_once('*') {
        Some((before, _)) => tree.has(before.rsplit_once('/').map_or("", |(folder, _)| folder)),
        None => tree.has(path),
    }
}

/// Each crate's folder is named somewhere on the map.
fn crates_are_named(tree: &Tree, text: &str) -> Vec<Finding> {
    let absent = tree.crates().filter(|name| !mentions(text, &format!("crates/{name}")));
    absent
        .map(|name| Finding::new(MAP, 0, format!("does not name `crates/{name}`; each crate is on the map")))
        .collect()
}

/// Whether the path stands in the text as a whole: `crates/sim` is not in `crates/simple`.
fn mentions(text: &str, path: &str) -> bool {
    let continues =
        |rest: &str| rest.starts_with(|next: char| next.is_ascii_alphanumeric() || "-_".contains(next));
    text.match_indices(path).any(|(at, _)| !continues(&text[at + path.len()..]))
}

/// The changelog has a section to write into.
fn unreleased(text: &str) -> Option<Finding> {
    let page = markdown::read(text);
    let there = page
        .headings
        .iter()
        .any(|heading| ["## Unreleased", "## [Unreleased]"].contains(&heading.what.as_str()));
    (!there).then(|| Finding::new("CHANGELOG.md", 0, "has no `## Unreleased` section"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::check_with;

    /// A map of the crates `event` and `sim` with these words, in a repository that has both.
    #[track_caller]
    fn check_map(words: &str, expect: &[&str]) {
        let files = [
            ("README.md", ""),
            ("CHANGELOG.md", "# Changelog\n\n## Unreleased\n"),
            ("ARCHITECTURE.md", words),
            ("crates/event/Cargo.toml", ""),
            ("crates/event/src/limits.rs", ""),
            ("crates/sim/Cargo.toml", ""),
            ("policy/ssh/ssh.ward", ""),
        ];
        check_with(check, &files, expect);
    }

    #[test]
    fn names_on_the_map_exist() {
        let both = "`crates/event` `crates/sim/`";
        for good in [
            "`crates/event/src/limits.rs`",
            "`event/src/limits.rs`",
            "`limits.rs`",
            "`policy/*.ward`",
            "`policy/ssh`",
            "`wardroom-event`",
            "`wardroom.toml`",
            "`POST /v1/decide`",
            "`application/json`",
            "`README.md`",
            "crates/gone without backticks",
        ] {
            check_map(&format!("{both}\n{good}"), &[]);
        }
        for gone in [
            "crates/gone",
            "crates/event/src/gone.rs",
            "event/src/gone.rs",
            "gone.rs",
            "GONE.md",
            "crates/g/*.rs",
            "wardroom-gone",
        ] {
            check_map(&format!("{both}\n`{gone}`"), &[&format!("ARCHITECTURE.md:2: names `{gone}`")]);
        }
    }

    #[test]
    fn every_crate_is_on_the_map() {
        check_map("```\ncrates/event  what happened\ncrates/sim\n```", &[]);
        check_map("`crates/event` crates/simple", &["does not name `crates/sim`"]);
    }

    #[test]
    fn first_pages_are_there() {
        check_with(
            check,
            &[],
            &["ARCHITECTURE.md: is missing", "CHANGELOG.md: is missing", "README.md: is missing"],
        );
        let pages = |changes| [("README.md", ""), ("ARCHITECTURE.md", ""), ("CHANGELOG.md", changes)];
        check_with(check, &pages("## [Unreleased]\n"), &[]);
        check_with(
            check,
            &pages("## 0.1.0\nUnreleased\n"),
            &["CHANGELOG.md: has no `## Unreleased` section"],
        );
    }
}
