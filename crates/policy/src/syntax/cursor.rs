// SPDX-License-Identifier: Apache-2.0
//! A place in one line of tokens, and the errors of finding something else there.

use super::lex::{Kind, Token};
use super::tree::Ident;
use crate::sink::Sink;
use wardroom_report::{Diagnostic, Loc};

/// Words that mean something wherever an expression stands, so that no name can be one of them.
pub(crate) const TAKEN: [&str; 19] = [
    "and", "or", "not", "in", "is", "if", "else", "true", "false", "True", "False", "None", "missing", "for",
    "while", "lambda", "def", "return", "import",
];

/// A walk over the tokens of one clause.
pub(crate) struct Cursor<'t, 'd> {
    tokens: &'t [Token],
    at: usize,
    end: Loc,
    /// What stands at the end, in words.
    end_is: &'static str,
    pub(crate) depth: usize,
    pub(crate) diagnostics: &'d mut Sink,
}

/// Parsing stopped; the diagnostic has been reported.
pub(crate) struct Stopped;

/// What a parsing step gives.
pub(crate) type Parsed<T> = Result<T, Stopped>;

impl<'t, 'd> Cursor<'t, 'd> {
    /// Walks `tokens`; `after` is the place of what stands before them.
    pub(crate) fn new(tokens: &'t [Token], after: Loc, diagnostics: &'d mut Sink) -> Self {
        let end = tokens.last().map_or(after, |t| t.loc).after();
        Cursor { tokens, at: 0, end, end_is: "the end of the line", depth: 0, diagnostics }
    }

    /// Walks the tokens of a `{…}`, which ends at the brace at `close`.
    pub(crate) fn within_braces(tokens: &'t [Token], close: Loc, diagnostics: &'d mut Sink) -> Self {
        Cursor { tokens, at: 0, end: close, end_is: "`}`", depth: 0, diagnostics }
    }

    pub(crate) fn peek(&self) -> Option<&'t Kind> {
        self.tokens.get(self.at).map(|t| &t.kind)
    }

    pub(crate) fn peek_second(&self) -> Option<&'t Kind> {
        self.tokens.get(self.at + 1).map(|t| &t.kind)
    }

    /// The place of the next token, or of the end.
    pub(crate) fn here(&self) -> Loc {
        self.tokens.get(self.at).map_or(self.end, |t| t.loc)
    }

    /// The place of the token just taken.
    pub(crate) fn last(&self) -> Loc {
        self.at.checked_sub(1).and_then(|i| self.tokens.get(i)).map_or(self.end, |t| t.loc)
    }

    /// Whether the token just taken is this mark.
    pub(crate) fn follows(&self, mark: &str) -> bool {
        let before = self.at.checked_sub(1).and_then(|i| self.tokens.get(i));
        matches!(before.map(|t| &t.kind), Some(Kind::Mark(m)) if *m == mark)
    }

    pub(crate) fn next(&mut self) -> Option<&'t Token> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        Some(token)
    }

    pub(crate) fn at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    pub(crate) fn is_mark(&self, mark: &str) -> bool {
        matches!(self.peek(), Some(Kind::Mark(m)) if *m == mark)
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Kind::Word(w)) if w == word)
    }

    /// Takes the mark if it is next.
    pub(crate) fn eat(&mut self, mark: &str) -> bool {
        let found = self.is_mark(mark);
        self.at += usize::from(found);
        found
    }

    /// Takes the word if it is next.
    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    pub(crate) fn expect(&mut self, mark: &str, what_for: &str) -> Parsed<()> {
        if self.eat(mark) {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{mark}` {what_for}")))
    }

    pub(crate) fn name(&mut self, what: &str) -> Parsed<Ident> {
        match self.peek() {
            Some(Kind::Word(name)) => {
                let loc = self.here();
                self.at += 1;
                Ok(Ident { name: name.clone(), loc })
            }
            _ => Err(self.unexpected(what)),
        }
    }

    /// A name that is declared here: none of the words that could not be read back.
    pub(crate) fn new_name(&mut self, what: &str) -> Parsed<Ident> {
        let name = self.name(what)?;
        if TAKEN.contains(&name.name.as_str()) {
            let message = format!("`{}` is a word of the language", name.name);
            let d = Diagnostic::error("W0203", name.loc, message).label("cannot be a name");
            self.diagnostics.push(d.help("choose another name"));
        }
        Ok(name)
    }

    pub(crate) fn text(&mut self, what: &str) -> Parsed<Ident> {
        match self.peek() {
            Some(Kind::Text(text)) => {
                let loc = self.here();
                self.at += 1;
                Ok(Ident { name: text.clone(), loc })
            }
            Some(Kind::Word(word)) => {
                let help = format!("write it in quotes: \"{word}\"");
                let is_name = !self.peek_second().is_some_and(|k| matches!(k, Kind::Mark("." | "/")));
                let help = if is_name { help } else { "write the whole of it in quotes".to_owned() };
                Err(self.unexpected_so(what, Some(help)))
            }
            _ => Err(self.unexpected(what)),
        }
    }

    /// Reports that something else stands here.
    pub(crate) fn unexpected(&mut self, wanted: &str) -> Stopped {
        self.unexpected_so(wanted, None)
    }

    /// The same, with what to do about it.
    pub(crate) fn unexpected_so(&mut self, wanted: &str, help: Option<String>) -> Stopped {
        let found = self.found();
        if self.peek() == Some(&Kind::Bad) {
            return Stopped;
        }
        let diagnostic = Diagnostic::error("W0101", self.here(), format!("expected {wanted}, found {found}"));
        self.stop(diagnostic.label(format!("expected {wanted}")).help_opt(help))
    }

    /// A comprehension that nothing takes.
    pub(crate) fn stray_for(&mut self) -> Stopped {
        let d = Diagnostic::error("W0312", self.here(), "`for` stands in any, all, sum, min or max");
        self.stop(d.help("write: any(x.size > \"1MB\" for x in attachments)"))
    }

    pub(crate) fn stop(&mut self, diagnostic: Diagnostic) -> Stopped {
        self.diagnostics.push(diagnostic);
        Stopped
    }

    fn found(&self) -> String {
        match self.peek() {
            None => self.end_is.to_owned(),
            Some(Kind::Word(w)) => format!("`{w}`"),
            Some(Kind::Int(n)) => format!("`{n}`"),
            Some(Kind::Number(_)) => "a number".to_owned(),
            Some(Kind::Bad) => "what could not be read".to_owned(),
            Some(Kind::Text(_) | Kind::Template(_)) => "a string".to_owned(),
            Some(Kind::Mark(m)) => format!("`{m}`"),
        }
    }

    /// Nothing may follow.
    pub(crate) fn finish(&mut self, after: &str) -> Parsed<()> {
        if self.at_end() {
            return Ok(());
        }
        if self.is_word("for") {
            return Err(self.stray_for());
        }
        if self.peek() == Some(&Kind::Bad) {
            return Err(Stopped);
        }
        let found = self.found();
        // Texts are joined in reasons only.
        let is_about = !self.is_mark("+") || after == "`because`";
        let d = Diagnostic::error("W0102", self.here(), format!("{found} after {after}"))
            .label("nothing more belongs here")
            .help_opt(hint(self.peek(), self.peek_second(), self.end_is == "`}`").filter(|_| is_about));
        Err(self.stop(d))
    }
}

/// What another language's writer meant.
fn hint(kind: Option<&Kind>, second: Option<&Kind>, in_braces: bool) -> Option<String> {
    match kind? {
        Kind::Mark(":") if in_braces => Some("a value is shown as it is: there are no formats".to_owned()),
        Kind::Mark("**" | "//" | "%") => Some("numbers are joined with + - * and /".to_owned()),
        Kind::Word(w) if w == "contains" => Some("write: \"part\" in text".to_owned()),
        Kind::Word(w) if w == "between" => Some("write: 3 <= x <= 5".to_owned()),
        Kind::Word(w) if w == "like" || w == "matches" => Some("write: matches(text, \"^a.*\")".to_owned()),
        Kind::Word(w) if w == "before" || w == "earlier" => Some("to say when it was: ago \"1h\"".to_owned()),
        Kind::Mark("+") => Some("a value stands in the reason between braces: \"from {ip}\"".to_owned()),
        Kind::Mark("[") => Some("items have no numbers; ask for all of them: any(… for x in …)".to_owned()),
        Kind::Mark("=") if second == Some(&Kind::Mark(">")) => Some("to compare, write `>=`".to_owned()),
        Kind::Mark("=") if second == Some(&Kind::Mark("<")) => Some("to compare, write `<=`".to_owned()),
        Kind::Mark("=") => Some("to compare, write `==`".to_owned()),
        Kind::Mark("?") => Some("to choose, write `a if condition else b`".to_owned()),
        Kind::Word(w) if w == "AND" || w == "OR" || w == "NOT" => {
            Some(format!("write `{}`", w.to_lowercase()))
        }
        _ => None,
    }
}
