// SPDX-License-Identifier: Apache-2.0
//! `cargo xtask tidy`: the repository's own rules, which no other tool checks. All findings at once, as `path:line`.

mod headers;
mod layers;
mod links;
mod map;
mod text;

mod manifest;
mod markdown;
mod tree;

use std::fmt;

use anyhow::{Result, bail};

use crate::place::Place;
use tree::Tree;

/// One thing that is not as the rules say.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    /// Relative to the repository.
    path: String,
    /// From 1; 0 when the file as a whole is meant.
    line: usize,
    /// What is wrong and what would be right.
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.message),
            line => write!(f, "{}:{line}: {}", self.path, self.message),
        }
    }
}

/// The checks, in the order their findings matter to a reader.
const CHECKS: [fn(&Tree) -> Vec<Finding>; 5] =
    [map::check, layers::check, headers::check, links::check, text::check];

/// Reads the repository and prints what is wrong with it; fails when anything is.
pub(crate) fn run(place: &Place) -> Result<()> {
    let tree = Tree::read(place)?;
    let findings: Vec<Finding> = CHECKS.iter().flat_map(|check| check(&tree)).collect();
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("tidy found {} things to put right", findings.len());
    }
    println!("tidy: {} files, nothing to put right", tree.len());
    Ok(())
}

#[cfg(test)]
mod testing {
    //! What the tests of all checks share.

    use super::{Finding, Tree};

    /// Runs one check over a made-up repository and compares `path:line: part of the message`, sorted.
    #[track_caller]
    pub(super) fn check_with(check: fn(&Tree) -> Vec<Finding>, files: &[(&str, &str)], expect: &[&str]) {
        let mut findings = check(&Tree::of(files));
        findings.sort();
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(lines.len(), expect.len(), "findings: {lines:#?}");
        for (line, expect) in lines.iter().zip(expect) {
            assert!(line.contains(expect), "`{line}` does not contain `{expect}`");
        }
    }
}
