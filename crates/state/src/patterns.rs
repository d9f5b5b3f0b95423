// SPDX-License-Identifier: Apache-2.0
//! Patterns, and whether one of them matches a text.
//!
//! All are matched at once, in a time that grows with the text and never with what a stranger writes into it: the
//! `regex` crate knows no backtracking. How large they may become together is bounded, for a text is matched while
//! somebody waits.

use crate::limits;
use regex::{RegexBuilder, RegexSet, RegexSetBuilder};
use std::fmt;

/// Why there is no such set of patterns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// More than [`limits::PATTERNS`].
    #[error("these are {count} patterns, where {most} are the most", most = limits::PATTERNS)]
    TooMany {
        /// How many.
        count: usize,
    },
    /// One is longer than [`limits::PATTERN_BYTES`].
    #[error("the pattern has {bytes} bytes, where {most} are the most", most = limits::PATTERN_BYTES)]
    TooLong {
        /// Which, counted from 0.
        index: usize,
        /// How long it is.
        bytes: usize,
    },
    /// One is not a pattern, or is too large once compiled.
    #[error("{message}")]
    Invalid {
        /// Which, counted from 0.
        index: usize,
        /// What is wrong with it.
        message: Box<str>,
    },
    /// Each is right, but together they need more than [`limits::PATTERN_SET_BYTES`].
    #[error("together the patterns need more than {most} bytes once compiled", most = limits::PATTERN_SET_BYTES)]
    TooLarge,
}

/// A set of patterns.
pub(crate) struct Patterns(RegexSet);

impl fmt::Debug for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Patterns({})", self.0.len())
    }
}

impl Patterns {
    pub(crate) fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Patterns, PatternError> {
        if patterns.len() > limits::PATTERNS {
            return Err(PatternError::TooMany { count: patterns.len() });
        }
        let long = |pattern: &S| pattern.as_ref().len() > limits::PATTERN_BYTES;
        if let Some(index) = patterns.iter().position(long) {
            return Err(PatternError::TooLong { index, bytes: patterns[index].as_ref().len() });
        }
        let set = RegexSetBuilder::new(patterns)
            .size_limit(limits::PATTERN_SET_BYTES)
            .dfa_size_limit(limits::PATTERN_SET_BYTES)
            .build();
        set.map(Patterns).map_err(|_| whose_fault(patterns))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

/// Which pattern a set failed for.
fn whose_fault<S: AsRef<str>>(patterns: &[S]) -> PatternError {
    let fault = |(index, pattern): (usize, &S)| {
        let built = RegexBuilder::new(pattern.as_ref()).size_limit(limits::PATTERN_SET_BYTES).build();
        built.err().map(|error| PatternError::Invalid { index, message: error.to_string().into() })
    };
    patterns.iter().enumerate().find_map(fault).unwrap_or(PatternError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_matches_is_enough() {
        let patterns = Patterns::new(&["^a+$", "(?i)free money", r"\d{3}-\d{4}"]).unwrap();
        let check = |text: &str, expect: bool| assert_eq!(patterns.matches(text), expect, "{text}");
        check("aaa", true);
        check("aab", false);
        check("get FREE Money now", true);
        check("call 555-0199", true);
        check("", false);
        assert!(!Patterns::new::<&str>(&[]).unwrap().matches(""));
    }

    #[test]
    fn faults_name_the_pattern() {
        let check = |patterns: &[&str], expect: &str| {
            let error = Patterns::new(patterns).unwrap_err();
            let index = match &error {
                PatternError::TooLong { index, .. } | PatternError::Invalid { index, .. } => Some(*index),
                _ => None,
            };
            assert!(format!("{index:?} {error}").starts_with(expect), "{index:?} {error}");
        };
        check(&["a", "(b", "[c"], "Some(1) regex parse error");
        check(&["a", &"b".repeat(limits::PATTERN_BYTES + 1)], "Some(1) the pattern has 1025 bytes");
        check(&[r"(\w{100}){100}"], "Some(0) Compiled regex exceeds size limit");
        check(&[r"(\w{9}){9}"; 16], "None together the patterns need more than 4194304 bytes");
        check(&["a"; limits::PATTERNS + 1], "None these are 1025 patterns");
    }

    /// What makes a backtracking matcher stand still.
    #[test]
    fn no_text_is_slow() {
        let patterns = Patterns::new(&["^(a+)+$", "(a|aa)*c"]).unwrap();
        assert!(!patterns.matches(&("a".repeat(8000) + "b")));
    }
}
