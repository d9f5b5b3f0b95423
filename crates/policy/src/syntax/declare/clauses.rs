// SPDX-License-Identifier: Apache-2.0
//! The clauses of one rule, test or evidence: which may stand, which stood, which are missing.

use super::super::cursor::{Cursor, Parsed};
use super::super::lex::Token;
use super::super::tree::Ident;
use super::at_the_margin;
use crate::sink::Sink;
use wardroom_event::nearest;
use wardroom_report::{Diagnostic, Loc};

/// The clauses of one rule or test, as they are met.
pub(super) struct Clauses {
    of: &'static str,
    known: &'static [&'static str],
    /// Those that may stand more than once.
    many: &'static [&'static str],
    seen: Vec<(&'static str, Loc)>,
}

impl Clauses {
    /// No clause has been met yet.
    pub(super) fn new(
        of: &'static str,
        known: &'static [&'static str],
        many: &'static [&'static str],
    ) -> Clauses {
        Clauses { of, known, many, seen: Vec::new() }
    }

    /// Opens a clause: its word, checked against those that may stand here.
    pub(super) fn open(&mut self, c: &mut Cursor<'_, '_>, line: &[Token]) -> Parsed<&'static str> {
        let word = c.name(&format!("a clause: {}", self.known.join(", ")))?;
        if line.first().is_some_and(|t| t.col == 0) {
            c.diagnostics.push(at_the_margin(&word.name, word.loc));
        }
        if let Some(found) = self.known.iter().find(|k| **k == word.name) {
            c.eat(":");
            self.note(c, found, word.loc);
            return Ok(found);
        }
        let of = if self.of == "evidence" { self.of.to_owned() } else { format!("a {}", self.of) };
        let d = Diagnostic::error("W0106", word.loc, format!("{of} has no clause `{}`", word.name));
        let d = match self.meant(&word.name).or(nearest(&word.name, self.known.iter().copied())) {
            Some(near) => {
                // Not to be missed as well.
                self.seen.extend(self.known.iter().find(|k| **k == near).map(|k| (*k, word.loc)));
                d.help(format!("did you mean `{near}`?"))
            }
            None => d.help(format!("its clauses are: {}", self.known.join(", "))),
        };
        Err(c.stop(d))
    }

    /// What a clause of another kind of declaration, or of another language, is called here.
    fn meant(&self, word: &str) -> Option<&'static str> {
        let meant = match (self.of, word) {
            ("test", "then" | "should" | "assert") => "expect",
            ("rule", "if" | "where") => "when",
            ("rule" | "evidence", "reason" | "why") => "because",
            ("rule", "do" | "action") => "then",
            ("evidence", "when" | "score") => "weigh",
            _ => return None,
        };
        self.known.iter().copied().find(|known| *known == meant)
    }

    /// Reports a clause that stands twice.
    fn note(&mut self, c: &mut Cursor<'_, '_>, word: &'static str, loc: Loc) {
        if let Some((_, before)) = self.seen.iter().find(|(w, _)| *w == word && !self.many.contains(w)) {
            c.diagnostics.push(
                Diagnostic::error("W0107", loc, format!("a second `{word}`"))
                    .also(*before, "the first is here"),
            );
        }
        self.seen.push((word, loc));
    }

    /// Reports those of `wanted` that were not met, with an example of each.
    pub(super) fn require(&self, name: &Ident, wanted: &[(&str, &str)], diagnostics: &mut Sink) {
        let absent: Vec<&(&str, &str)> =
            wanted.iter().filter(|(word, _)| !self.seen.iter().any(|(w, _)| w == word)).collect();
        if absent.is_empty() {
            return;
        }
        let words: Vec<String> = absent.iter().map(|(word, _)| format!("`{word}`")).collect();
        let message = format!("{} `{}` has no {}", self.of, name.name, words.join(" and no "));
        let d = Diagnostic::error("W0108", name.loc, message);
        diagnostics.push(absent.into_iter().fold(d, |d, (_, help)| d.help(*help)));
    }
}
