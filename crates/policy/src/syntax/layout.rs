// SPDX-License-Identifier: Apache-2.0
//! Tokens to blocks: which lines belong together.
//!
//! A declaration begins at the left margin. When its first line ends with `:` the indented lines after it are its
//! body, one clause a line; otherwise they continue it. A line indented deeper than its clause continues the clause,
//! and so does one that begins with a closing bracket. Each clause is parsed on its own, so a slip in one does not
//! hide the next.

use super::declare::is_clause;
use super::lex::{Kind, Token};

/// A declaration: its head line and the lines of its body.
#[derive(Debug)]
pub(crate) struct Block<'t> {
    pub(crate) head: &'t [Token],
    pub(crate) lines: Vec<&'t [Token]>,
}

/// The declarations that have a body whether or not their first line ends with `:`.
pub(crate) const WITH_BODY: [&str; 6] = ["event", "record", "model", "evidence", "rule", "test"];

/// Groups tokens into declarations.
pub(crate) fn blocks(tokens: &[Token]) -> Vec<Block<'_>> {
    let mut has_clauses = false;
    let begins = |t: &Token| {
        if !t.first || t.col > 0 || closes(t) {
            return false;
        }
        let word = if let Kind::Word(word) = &t.kind { word } else { "" };
        if has_clauses && is_clause(word) {
            // A clause that was not indented.
            return false;
        }
        has_clauses = matches!(word, "rule" | "test" | "evidence");
        true
    };
    split(tokens, begins).into_iter().map(block).collect()
}

/// A closing bracket on a line of its own belongs to what it closes, at whatever column it stands.
fn closes(token: &Token) -> bool {
    matches!(token.kind, Kind::Mark(")" | "]"))
}

/// Cuts before each token that `begins` something; what stands before the first is a piece of its own.
fn split(tokens: &[Token], mut begins: impl FnMut(&Token) -> bool) -> Vec<&[Token]> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (i, token) in tokens.iter().enumerate() {
        if begins(token) && i > start {
            pieces.push(&tokens[start..i]);
            start = i;
        }
    }
    if start < tokens.len() {
        pieces.push(&tokens[start..]);
    }
    pieces
}

fn block(tokens: &[Token]) -> Block<'_> {
    let end = tokens.iter().skip(1).position(|t| t.first).map_or(tokens.len(), |i| i + 1);
    // A forgotten `:` is reported by the parser; the lines below are a body all the same.
    let with_body = matches!(&tokens[0].kind, Kind::Word(w) if WITH_BODY.contains(&w.as_str()));
    let has_body = with_body || matches!(tokens[end - 1].kind, Kind::Mark(":"));
    if !has_body {
        return Block { head: tokens, lines: Vec::new() };
    }
    let (head, body) = tokens.split_at(end);
    let indent = body.first().map_or(0, |t| t.col);
    Block { head, lines: split(body, |t| t.first && t.col <= indent && !closes(t)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardroom_report::FileId;

    #[test]
    fn lines_are_grouped() {
        let text = "rule r on e:\n    when a and\n        b\n    then block\nfeature f = count(\n    e)\n";
        let mut none = crate::sink::Sink::default();
        let tokens = super::super::lex::lex(FileId(0), text, &mut none);
        let blocks = blocks(&tokens);
        let shape: Vec<(usize, Vec<usize>)> =
            blocks.iter().map(|b| (b.head.len(), b.lines.iter().map(|l| l.len()).collect())).collect();
        assert_eq!(shape, [(5, vec![4, 2]), (7, vec![])]);
        assert_eq!(none.errors(), 0);
    }
}
