// SPDX-License-Identifier: Apache-2.0
//! Bytes to tokens. Never fails: what is no token is reported and skipped, or read as what was probably meant.

use crate::sink::Sink;
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
    /// A value that could not be read, which has been reported.
    Bad,
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

/// A comment: what stands between `#` and the end of its line. Of no meaning, save above a rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Comment {
    /// From `#` to the end of the line.
    pub(crate) loc: Loc,
    /// Its column from 0, counted in bytes.
    pub(crate) col: u32,
    /// Whether no token stands before it on its line.
    pub(crate) own_line: bool,
    /// The number of the token it stands before.
    pub(crate) before: usize,
}

/// Punctuation, longer before shorter.
pub(crate) const MARKS: [&str; 25] = [
    "==", "!=", "<=", ">=", "->", "//", "**", "(", ")", "[", "]", "{", "}", ":", ",", ".", "=", "<", ">",
    "+", "-", "*", "/", "?", "%",
];

/// Quotes that word processors put in the place of straight ones.
const CURLY: [char; 5] = ['“', '”', '„', '‘', '’'];

struct Lexer<'a, 'd> {
    file: FileId,
    text: &'a str,
    at: usize,
    line_start: usize,
    fresh_line: bool,
    /// A tab in the indentation has been reported.
    tabbed: bool,
    tokens: Vec<Token>,
    comments: Vec<Comment>,
    diagnostics: &'d mut Sink,
}

/// Splits a text into tokens; comments and spaces are dropped.
pub(crate) fn lex(file: FileId, text: &str, diagnostics: &mut Sink) -> Vec<Token> {
    lex_all(file, text, diagnostics).0
}

/// Splits a text into tokens and, beside them, comments.
pub(crate) fn lex_all(file: FileId, text: &str, diagnostics: &mut Sink) -> (Vec<Token>, Vec<Comment>) {
    run(file, text, 0, true, diagnostics)
}

/// Splits what lies between two places of a line into tokens, with their places in the whole text.
pub(crate) fn lex_within(
    file: FileId,
    text: &str,
    start: usize,
    end: usize,
    diagnostics: &mut Sink,
) -> Vec<Token> {
    run(file, text.get(..end).unwrap_or(text), start, false, diagnostics).0
}

fn run(
    file: FileId,
    text: &str,
    at: usize,
    fresh_line: bool,
    diagnostics: &mut Sink,
) -> (Vec<Token>, Vec<Comment>) {
    let (tokens, comments) = (Vec::new(), Vec::new());
    let mut lexer =
        Lexer { file, text, at, line_start: at, fresh_line, tabbed: false, tokens, comments, diagnostics };
    while lexer.step() {}
    (lexer.tokens, lexer.comments)
}

/// The length of `{…}` at the start of `text`, with its braces; `None` when it does not end on its line. Braces
/// within quotes do not count.
pub(crate) fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut quote = None;
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        match (quote, c) {
            (_, '\n') => return None,
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') if depth == 1 => return Some(i + 1),
            (None, '}') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

/// Where a string ends that begins at the start of `text`: the offset of its closing quote.
fn plain_end(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        match c {
            '\n' => return None,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(i),
            _ => {}
        }
    }
    None
}

/// The same for a reason, in which quotes between braces belong to the value there.
fn template_end(text: &str, quote: char) -> Option<usize> {
    let mut at = 1;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        at += match c {
            '\n' => break,
            c if c == quote => return Some(at),
            '\\' => 1 + rest[1..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8),
            '{' if rest.starts_with("{{") => 2,
            '{' => match closing(rest) {
                Some(len) => len,
                None => break,
            },
            c => c.len_utf8(),
        };
    }
    // Some `{` is not closed, and the parser will say which: the last quote of the line is the best guess.
    let line = text.find('\n').map_or(text, |end| &text[..end]);
    line.rfind(quote).filter(|end| *end > 0)
}

/// What a letter after a backslash stands for.
pub(crate) fn escape(c: char) -> Option<char> {
    match c {
        'n' => Some('\n'),
        't' => Some('\t'),
        '\\' | '"' | '\'' => Some(c),
        _ => None,
    }
}

/// The letter after a backslash that stands for a character which cannot stand between quotes; a quote can, in others.
pub(crate) fn escape_of(c: char) -> Option<char> {
    match c {
        '\n' => Some('n'),
        '\t' => Some('t'),
        '\\' => Some('\\'),
        _ => None,
    }
}

/// The report of a backslash before a letter that stands for nothing.
pub(crate) fn unknown_escape(loc: Loc) -> Diagnostic {
    Diagnostic::error("W0006", loc, "an unknown escape in a string")
        .help("escapes are \\n \\t \\\\ \\\" \\'; for a backslash write \\\\")
}

impl Lexer<'_, '_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn loc(&self, start: usize) -> Loc {
        self.place(start, self.at)
    }

    fn place(&self, start: usize, end: usize) -> Loc {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Loc { file: self.file, start: offset(start), end: offset(end) }
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
            '#' => self.comment(),
            '"' | '\'' => self.string(c),
            '0'..='9' => self.number(),
            c if c.is_alphabetic() || c == '_' => self.word(),
            c => self.mark(c),
        }
        true
    }

    fn comment(&mut self) {
        let start = self.at;
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        self.comments.push(Comment {
            loc: self.loc(start),
            col: u32::try_from(start - self.line_start).unwrap_or(u32::MAX),
            own_line: self.fresh_line,
            before: self.tokens.len(),
        });
    }

    /// One report a file: who indents with tabs does so everywhere.
    fn tab(&mut self) {
        let start = self.at;
        self.at += self.rest().bytes().take_while(|b| *b == b'\t').count();
        let rest = self.rest().trim_start_matches([' ', '\t']);
        let is_blank = rest.is_empty() || rest.starts_with(['\n', '\r', '#']);
        if self.fresh_line && !is_blank && !std::mem::replace(&mut self.tabbed, true) {
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
        self.at += self.number_len();
        let plain = self.text[start..self.at].replace('_', "");
        if let Ok(n) = plain.parse::<i64>() {
            self.push(start, Kind::Int(n));
        } else if let Some(n) = plain.parse::<f64>().ok().filter(|n| n.is_finite()) {
            self.push(start, Kind::Number(n));
        } else {
            self.report("W0002", start, "not a number", &number_help(&plain));
            self.push(start, Kind::Bad);
        }
    }

    /// The bytes of a word that begins with a digit; `1e-5` is one.
    fn number_len(&self) -> usize {
        let rest = self.rest();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let len = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        let mantissa = rest[..len].strip_suffix(['e', 'E']);
        let signed = rest[len..].strip_prefix(['+', '-']);
        match (mantissa, signed) {
            (Some(mantissa), Some(digits)) if mantissa.bytes().all(|b| !b.is_ascii_alphabetic()) => {
                let digits = digits.bytes().take_while(u8::is_ascii_digit).count();
                if digits == 0 { len } else { len + 1 + digits }
            }
            _ => len,
        }
    }

    fn string(&mut self, quote: char) {
        let start = self.at;
        let template = self.after_because();
        let end = if template { template_end(self.rest(), quote) } else { plain_end(self.rest(), quote) };
        let Some(end) = end else {
            self.at += self.rest().find(['\n', '\r']).unwrap_or(self.rest().len());
            self.report(
                "W0004",
                start,
                "a string that does not end",
                "close it with a quote on the same line",
            );
            self.push(start, if template { Kind::Template(String::new()) } else { Kind::Bad });
            return;
        };
        let inner = self.text[start + 1..start + end].to_owned();
        self.at += end + 1;
        if template {
            self.push(start, Kind::Template(inner));
        } else {
            let text = self.unescape(start + 1, &inner);
            self.push(start, Kind::Text(text));
        }
    }

    /// Whether a string that begins here is a reason. The clause's word may have a colon, as every clause may.
    fn after_because(&self) -> bool {
        let mut last = self.tokens.iter().rev().skip_while(|t| t.kind == Kind::Mark(":"));
        matches!(last.next(), Some(Token { kind: Kind::Word(w), first: true, .. }) if w == "because")
    }

    fn unescape(&mut self, start: usize, inner: &str) -> String {
        let mut out = String::with_capacity(inner.len());
        let mut chars = inner.char_indices();
        while let Some((at, c)) = chars.next() {
            if c != '\\' {
                out.push(c);
                continue;
            }
            let next = chars.next().map(|(_, c)| c);
            match next.and_then(escape) {
                Some(c) => out.push(c),
                None => {
                    let end = start + at + 1 + next.map_or(0, char::len_utf8);
                    self.diagnostics.push(unknown_escape(self.place(start + at, end)));
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
        if CURLY.contains(&c) {
            self.curly();
            return;
        }
        if c == '\\' && self.escaped_string() {
            return;
        }
        self.at += c.len_utf8();
        if matches!(c, '&' | '|') && self.rest().starts_with(c) {
            self.at += 1;
        }
        let meant = match c {
            '&' => Some("and"),
            '|' => Some("or"),
            '!' => Some("not"),
            _ => None,
        };
        let help = match (c, meant) {
            (_, Some(word)) => format!("write `{word}`"),
            (';', _) => "a line ends by itself".to_owned(),
            ('~', _) => "to ask for a regular expression, write: matches(text, \"…\")".to_owned(),
            ('^', _) => "for a power, write: pow(x, 2)".to_owned(),
            ('\\', _) => "a backslash stands only between quotes".to_owned(),
            (c, _) if c.is_whitespace() => "a space that is no plain space: type it anew".to_owned(),
            _ => "the language is written with letters, digits, quotes and ( ) [ ] : , . = < > + - * /"
                .to_owned(),
        };
        self.report("W0001", start, "a character that has no meaning here", &help);
        match meant {
            Some(word) => self.push(start, Kind::Word(word.to_owned())),
            // An operator of another language: what stands around it is not at fault.
            None if matches!(c, '~' | '^' | '@' | '$') => self.push(start, Kind::Bad),
            None => {}
        }
    }

    /// `\"…\"` where no string is to be escaped from, as one writes it in the reason's braces, is reported once and
    /// read as the string it was meant to be.
    fn escaped_string(&mut self) -> bool {
        let start = self.at;
        let rest = self.rest();
        let Some(quote) = rest[1..].chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            return false;
        };
        let line = &rest[2..rest.find('\n').unwrap_or(rest.len()).max(2)];
        let Some(end) = line.find(&format!("\\{quote}")) else {
            return false;
        };
        let inner = line[..end].to_owned();
        self.at += 2 + end + 2;
        let help = "quotes within {…} of a reason need no backslash";
        self.report("W0001", start, "a backslash that has no meaning here", help);
        self.push(start, Kind::Text(inner));
        true
    }

    /// A string between curly quotes is reported once and read as the string it was meant to be.
    fn curly(&mut self) {
        let start = self.at;
        let rest = self.rest();
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let line = &rest[first..rest.find('\n').unwrap_or(rest.len())];
        let inner = line.find(|c| c == '"' || CURLY.contains(&c)).map(|end| line[..end].to_owned());
        let quote =
            inner.as_ref().and_then(|inner| line[inner.len()..].chars().next()).map_or(0, char::len_utf8);
        self.at += first + inner.as_ref().map_or(0, String::len) + quote;
        let help = "strings stand between straight quotes: \"…\"";
        self.report("W0001", start, "a quote that the language does not know", help);
        if let Some(inner) = inner {
            let kind = if self.after_because() { Kind::Template(String::new()) } else { Kind::Text(inner) };
            self.push(start, kind);
        }
    }
}

/// What was meant by a word that begins with a digit.
fn number_help(word: &str) -> String {
    use wardroom_event::{Type, parse_text};
    if parse_text(word, Type::Duration).is_ok() {
        return format!("a length of time is written in quotes: \"{word}\"");
    }
    if parse_text(word, Type::Size).is_ok() {
        return format!("a size is written in quotes: \"{word}\"");
    }
    if parse_text(word, Type::Ip).is_ok() {
        return format!("an address is written in quotes: \"{word}\"");
    }
    "numbers are written like 30, 0.5 or 10_000".to_owned()
}
