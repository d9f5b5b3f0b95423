// SPDX-License-Identifier: Apache-2.0
//! Tokens as they are written, and between which of them a blank stands.

use crate::syntax::lex::{Kind, Token, escape_of};

/// Words that join values wherever they stand. Any other word does so only after a value.
const JOINING: [&str; 8] = ["and", "or", "not", "in", "is", "if", "else", "for"];

/// A token as it is written.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) width: usize,
    /// No blank stands before it.
    pub(super) glued: bool,
    /// Brackets around it; a bracket counts as outside of itself.
    pub(super) depth: usize,
    pub(super) role: Role,
}

/// What matters of a token for where lines break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Open,
    Close,
    Comma,
    Or,
    And,
    /// `if`, `else` or `for`.
    Choice,
    Other,
}

/// The tokens of one clause. `led` says that its first word is no value: `when`, `feature`.
pub(super) fn pieces(source: &str, tokens: &[Token], led: bool) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(tokens.len());
    let mut state = State::default();
    for (i, token) in tokens.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| &tokens[i].kind);
        pieces.push(state.piece(source, before, token, led && i == 0));
    }
    pieces
}

#[derive(Default)]
struct State {
    /// The token before ends a value.
    after_value: bool,
    /// The token before is a sign: a `-` that does not stand between two values.
    after_sign: bool,
    depth: usize,
}

impl State {
    fn piece(&mut self, source: &str, before: Option<&Kind>, token: &Token, led: bool) -> Piece {
        let glued = self.is_glued(before, &token.kind);
        let raw = source.get(token.loc.start as usize..token.loc.end as usize).unwrap_or("");
        let text = match &token.kind {
            Kind::Text(text) => quoted(text),
            Kind::Template(inner) if !inner.contains(['"', '\\']) => format!("\"{inner}\""),
            _ => raw.to_owned(),
        };
        let role = self.role(&token.kind);
        if role == Role::Close {
            self.depth = self.depth.saturating_sub(1);
        }
        let piece = Piece { width: text.chars().count(), text, glued, depth: self.depth, role };
        self.depth += usize::from(role == Role::Open);
        self.after_sign = token.kind == Kind::Mark("-") && !self.after_value;
        self.after_value = self.ends_value(&token.kind, led);
        piece
    }

    fn is_joining(&self, word: &str) -> bool {
        self.after_value || JOINING.contains(&word)
    }

    fn role(&self, kind: &Kind) -> Role {
        match kind {
            Kind::Mark("(" | "[") => Role::Open,
            Kind::Mark(")" | "]") => Role::Close,
            Kind::Mark(",") => Role::Comma,
            Kind::Word(w) if w == "or" => Role::Or,
            Kind::Word(w) if w == "and" => Role::And,
            Kind::Word(w) if self.after_value && matches!(w.as_str(), "if" | "else" | "for") => Role::Choice,
            _ => Role::Other,
        }
    }

    fn ends_value(&self, kind: &Kind, led: bool) -> bool {
        match kind {
            Kind::Mark(mark) => matches!(*mark, ")" | "]" | "%" | "?"),
            Kind::Word(word) => !led && !self.is_joining(word),
            _ => true,
        }
    }

    fn is_glued(&self, before: Option<&Kind>, kind: &Kind) -> bool {
        let within = self.depth > 0;
        match (before, kind) {
            (Some(Kind::Mark("(" | "[" | ".")), _) => true,
            // `5 .x` without its blank would begin with the number `5.`.
            (Some(Kind::Int(_) | Kind::Number(_)), Kind::Mark(".")) => false,
            (_, Kind::Mark(")" | "]" | "," | "." | "?" | "%" | ":")) => true,
            (_, Kind::Mark("(")) => self.after_value || self.after_sign || (within && is_equals(before)),
            // Of an argument; elsewhere it stands between blanks.
            (_, Kind::Mark("=")) => within,
            _ => self.after_sign || (within && is_equals(before)),
        }
    }
}

fn is_equals(kind: Option<&Kind>) -> bool {
    matches!(kind, Some(Kind::Mark("=")))
}

/// A string with its quotes: double ones, unless single ones spare backslashes.
pub(crate) fn quoted(text: &str) -> String {
    let quote = if text.contains('"') && !text.contains('\'') { '\'' } else { '"' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match escape_of(c).or_else(|| (c == quote).then_some(c)) {
            Some(letter) => out.extend(['\\', letter]),
            None => out.push(c),
        }
    }
    out.push(quote);
    out
}
