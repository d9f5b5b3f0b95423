// SPDX-License-Identifier: Apache-2.0
//! Regular expressions: compiled when a policy is checked, bounded in size, linear in time.

use crate::limits;
use regex::{Regex, RegexBuilder};

/// A regular expression as it was written, compiled.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Regex);

impl Pattern {
    /// Compiles it.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub(crate) fn new(text: &str) -> Result<Pattern, String> {
        if text.len() > limits::PATTERN_BYTES {
            return Err(format!("has {} bytes; the most is {}", text.len(), limits::PATTERN_BYTES));
        }
        let built = RegexBuilder::new(text)
            .size_limit(limits::PATTERN_SIZE)
            .dfa_size_limit(limits::PATTERN_SIZE)
            .nest_limit(limits::PATTERN_DEPTH)
            .build();
        built.map(Pattern).map_err(|e| why(&e))
    }

    /// Whether it is found anywhere in the text.
    pub(crate) fn finds(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// As it was written.
    pub(crate) fn text(&self) -> &str {
        self.0.as_str()
    }
}

/// The crate draws the pattern over several lines; the last says what is wrong.
fn why(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "grows too large when it is compiled".to_owned(),
        other => {
            let said = other.to_string();
            let last = said.lines().last().unwrap_or_default();
            format!("is no regular expression: {}", last.trim_start_matches("error: "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_bounded() {
        let check = |text: &str, expect: Result<bool, &str>| {
            let got = Pattern::new(text).map(|p| p.finds("abc123"));
            assert_eq!(got.as_ref().copied().map_err(String::as_str), expect, "{text}");
        };
        check("c1", Ok(true));
        check("^c1", Ok(false));
        check("(", Err("is no regular expression: unclosed group"));
        check("((a{1000}){1000}){1000}", Err("grows too large when it is compiled"));
        assert!(Pattern::new(&"x".repeat(limits::PATTERN_BYTES + 1)).is_err());
        assert!(Pattern::new(&format!("{}a{}", "(".repeat(500), ")".repeat(500))).is_err());
    }
}
