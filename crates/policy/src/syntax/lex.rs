// SPDX-License-Identifier: Apache-2.0
//! Bytes to tokens. Never fails: what is no token is reported and skipped.

use wardroom_report::{Diagnostic, FileId, Loc};

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A name or a word of the language; which of both is the parser's business.
    Word(String),
    Int(i64),
    Number(f64),
    /// A string without its quotes, escapes resolved.
    Text(String),
    /// A string after `because`, as written between its quotes.
    Template(String),
    /// Punctuation: one of [`MARKS`].
    Mark(&'static str),
}

/// A token and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) loc: Loc,
    /// Its column from 0, counted in bytes.
    pub(crate) col: u32,
    /// Whether it is the first of its line.
    pub(crate) first: bool,
}

/// Punctuation, longer before shorter.
const MARKS: [&str; 24] = [
    "==", "!=", "<=", ">=", "//", "**", "(", ")", "[", "]", "{", "}", ":", ",", ".", "=", "<", ">", "+", "-",
    "*", "/", "?", "%",
];

struct Lexer<'a, 'd> {
    file: FileId,
    text: &'a str,
    at: usize,
    line_start: usize,
    fresh_line: bool,
    tokens: Vec<Token>,
    diagnostics: &'d mut Vec<Diagnostic>,
}

/// Splits a text into tokens; comments and spaces are dropped.
pub(crate) fn lex(file: FileId, text: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Token> {
    let mut lexer =
        Lexer { file, text, at: 0, line_start: 0, fresh_line: true, tokens: Vec::new(), diagnostics };
    while lexer.step() {}
    lexer.tokens
}

impl Lexer<'_, '_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn loc(&self, start: usize) -> Loc {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Loc { file: self.file, start: offset(start), end: offset(self.at) }
    }

    fn push(&mut self, start: usize, kind: Kind) {
        let col = u32::try_from(start - self.line_start).unwrap_or(u32::MAX);
        let first = std::mem::replace(&mut self.fresh_line, false);
        let loc = self.loc(start);
        self.tokens.push(Token { kind, loc, col, first });
    }

    /// Reads one token, comment or space; `false` at the end.
    fn step(&mut self) -> bool {
        let Some(c) = self.rest().chars().next() else {
            return false;
        };
        match c {
            '\n' => {
                self.at += 1;
                self.line_start = self.at;
                self.fresh_line = true;
            }
            ' ' | '\r' => self.at += 1,
            '\t' => self.tab(),
            '#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
            '"' | '\'' => self.string(c),
            '0'..='9' => self.number(),
            c if c.is_alphabetic() || c == '_' => self.word(),
            c => self.mark(c),
        }
        true
    }

    fn tab(&mut self) {
        let start = self.at;
        self.at += 1;
        if self.fresh_line {
            self.report("W0003", start, "a tab in the indentation", "indent with spaces: four a level");
        }
    }

    fn report(&mut self, code: &'static str, start: usize, message: &str, help: &str) {
        let loc = self.loc(start);
        self.diagnostics.push(Diagnostic::error(code, loc, message).help(help));
    }

    fn word(&mut self) {
        let start = self.at;
        let len = self.rest().find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest().len());
        self.at += len;
        let word = self.text[start..self.at].to_owned();
        if !word.is_ascii() {
            self.report("W0001", start, "a name with letters other than a–z", "names use a–z, 0–9 and _");
        }
        self.push(start, Kind::Word(word));
    }

    fn number(&mut self) {
        let start = self.at;
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let len = self.rest().find(|c: char| !is_part(c)).unwrap_or(self.rest().len());
        self.at += len;
        let plain = self.text[start..self.at].replace('_', "");
        if let Ok(n) = plain.parse::<i64>() {
            self.push(start, Kind::Int(n));
        } else if let Some(n) = plain.parse::<f64>().ok().filter(|n| n.is_finite()) {
            self.push(start, Kind::Number(n));
        } else {
            let help = match wardroom_event::Span::parse(&plain) {
                Ok(_) => format!("a length of time is written in quotes: \"{plain}\""),
                Err(_) => "numbers are written like 30, 0.5 or 10_000".to_owned(),
            };
            self.report("W0002", start, "not a number", &help);
            self.push(start, Kind::Int(0));
        }
    }

    fn string(&mut self, quote: char) {
        let start = self.at;
        let template =
            matches!(self.tokens.last(), Some(Token { kind: Kind::Word(w), .. }) if w == "because");
        let mut escaped = false;
        let mut braces = 0u32;
        let mut end = None;
        for (i, c) in self.rest().char_indices().skip(1) {
            match c {
                '\n' => break,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '{' if template => braces += 1,
                '}' if template => braces = braces.saturating_sub(1),
                c if c == quote && braces == 0 => {
                    end = Some(i);
                    break;
                }
                _ => {}
            }
        }
        let Some(end) = end else {
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            self.report(
                "W0004",
                start,
                "a string that does not end",
                "close it with a quote on the same line",
            );
            self.push(start, Kind::Text(String::new()));
            return;
        };
        let inner = self.text[start + 1..start + end].to_owned();
        self.at += end + 1;
        if template {
            self.push(start, Kind::Template(inner));
        } else {
            let text = self.unescape(start, &inner);
            self.push(start, Kind::Text(text));
        }
    }

    fn unescape(&mut self, start: usize, inner: &str) -> String {
        let mut out = String::with_capacity(inner.len());
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            if c != '\\' {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(c @ ('\\' | '"' | '\'')) => out.push(c),
                _ => {
                    self.report(
                        "W0006",
                        start,
                        "an unknown escape in a string",
                        "escapes are \\n \\t \\\\ \\\" \\'",
                    );
                }
            }
        }
        out
    }

    fn mark(&mut self, c: char) {
        let start = self.at;
        let found = MARKS.into_iter().find(|m| self.rest().starts_with(m));
        if let Some(mark) = found {
            self.at += mark.len();
            self.push(start, Kind::Mark(mark));
            return;
        }
        self.at += c.len_utf8();
        let help = match (c, self.rest().chars().next()) {
            ('&', _) => "write `and`",
            ('|', _) => "write `or`",
            ('!', _) => "write `not`",
            (';', _) => "a line ends by itself",
            ('“' | '”' | '„' | '‘' | '’', _) => "strings stand between straight quotes: \"…\"",
            _ => "the language is written with letters, digits, quotes and ( ) [ ] : , . = < > + - * /",
        };
        while matches!((c, self.rest().chars().next()), ('&', Some('&')) | ('|', Some('|'))) {
            self.at += 1;
        }
        self.report("W0001", start, "a character that has no meaning here", help);
    }
}
