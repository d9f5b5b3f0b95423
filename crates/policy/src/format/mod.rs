// SPDX-License-Identifier: Apache-2.0
//! Policy text in the form that all policies have: indentation, blanks, columns, where long lines break.
//!
//! Works on tokens with their comments and knows no tree: only what lies between tokens changes, and which quotes a
//! string has. So the meaning stays by construction, and what was written by hand stays recognisable: a line that was
//! broken stays broken, and nothing is put in another order.

mod align;
mod lines;
pub(crate) mod print;
mod space;
mod wrap;

use crate::limits;
use crate::sink::Sink;
use crate::syntax::lex::lex_all;
use crate::syntax::{layout, parse_text};
use std::fmt;
use wardroom_report::{Diagnostic, FileId, Loc, Sources};

/// Columns a level of indentation takes.
pub(crate) const INDENT: usize = 4;

/// Why a text was not read.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
    /// The text that the diagnostics point into.
    pub sources: Sources,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&wardroom_report::render(&self.diagnostics, &self.sources, false))
    }
}

impl std::error::Error for Refusal {}

/// The text in its one form. Formatting that again changes nothing. A text with faults of syntax is refused; `path` is
/// the name that is shown with them.
pub fn format(path: &str, text: &str) -> Result<String, Refusal> {
    let (_, sources) = read(path, text)?;
    let text = sources.text(FileId::default());
    let formatted = lay_out(text);
    let same = same(text, &formatted);
    debug_assert!(same, "formatting changed more than blanks:\n{text}\n---\n{formatted}");
    if !same {
        // A fault of ours must not change a policy.
        return Ok(text.to_owned());
    }
    within_limit(path, &formatted, "in its form, this would be a file")?;
    Ok(formatted)
}

/// Parses one text, which must be without faults of syntax and not too long.
pub(crate) fn read(path: &str, text: &str) -> Result<(Vec<crate::syntax::tree::Decl>, Sources), Refusal> {
    within_limit(path, text, "a file")?;
    let mut sources = Sources::new();
    let file = sources.add(path, text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut sink = Sink::default();
    let decls = parse_text(file, &sources, &mut sink);
    if sink.errors() > 0 {
        return Err(Refusal { diagnostics: sink.finish(), sources });
    }
    Ok((decls, sources))
}

fn within_limit(path: &str, text: &str, what: &str) -> Result<(), Refusal> {
    if text.len() <= limits::FILE_BYTES {
        return Ok(());
    }
    let message = format!("{what} of {} bytes; a policy file may have {}", text.len(), limits::FILE_BYTES);
    let mut sources = Sources::new();
    sources.add(path, "");
    Err(Refusal { diagnostics: vec![Diagnostic::error("W0005", Loc::default(), message)], sources })
}

/// Lays out a text without faults.
fn lay_out(text: &str) -> String {
    let (tokens, comments) = lex_all(FileId::default(), text, &mut Sink::default());
    let mut lines = lines::lines(text, &tokens, &comments);
    align::align(&mut lines);
    align::joined(&lines)
}

/// Whether two texts differ in nothing but blanks: the same tokens and comments, the same lines of tokens.
fn same(one: &str, other: &str) -> bool {
    let parts = |text: &str| {
        let (tokens, comments) = lex_all(FileId::default(), text, &mut Sink::default());
        let shape: Vec<(usize, Vec<usize>)> = layout::blocks(&tokens)
            .iter()
            .map(|b| (b.head.len(), b.lines.iter().map(|l| l.len()).collect()))
            .collect();
        let comments: Vec<(usize, String)> = comments
            .iter()
            .map(|c| (c.before, text[c.loc.start as usize..c.loc.end as usize].trim_end().to_owned()))
            .collect();
        (tokens.into_iter().map(|t| t.kind).collect::<Vec<_>>(), comments, shape)
    };
    parts(one) == parts(other)
}

#[cfg(test)]
mod tests;
