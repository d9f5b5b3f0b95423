// SPDX-License-Identifier: Apache-2.0
//! Where in a text a cursor stands, by the tokens around it: which declaration, which clause, what stands before. Works
//! where nothing can be parsed, because something is just being written.

use super::help::{self, Help};
use crate::sink::Sink;
use crate::syntax::declare::WORDS;
use crate::syntax::layout;
use crate::syntax::lex::{Kind, Token, lex_all, lex_within};
use wardroom_report::{FileId, Loc};

/// What a cursor stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inside {
    /// Policy text.
    Text,
    /// A string, which began at this byte.
    String(usize),
    /// A comment, or the words of a reason.
    Words,
}

/// The surroundings of a cursor.
pub(super) struct Place {
    pub(super) inside: Inside,
    /// Where the word begins that the cursor stands in or after.
    pub(super) start: usize,
    /// Whether that word is the first of its line.
    pub(super) first: bool,
    /// Its column.
    pub(super) col: usize,
    /// The first line of the declaration, as far as it stands before the cursor.
    pub(super) head: Vec<Token>,
    /// The clause or field the cursor stands in, up to the cursor; empty at the start of one. The head itself where the
    /// declaration has no lines below it yet, or cannot.
    pub(super) line: Vec<Token>,
    /// Whether the cursor is in the head.
    pub(super) in_head: bool,
    /// Every token of the text.
    all: Vec<Token>,
}

/// A call whose bracket is open at the cursor.
pub(super) struct Open<'t> {
    /// What is called.
    pub(super) name: &'t str,
    /// Whether it stands after a dot.
    pub(super) method: bool,
    /// How many arguments stand before the one the cursor is in.
    pub(super) argument: usize,
    /// The name of that argument, where it has one.
    pub(super) named: Option<&'t str>,
    /// The arguments up to the cursor.
    pub(super) inner: &'t [Token],
}

impl Place {
    pub(super) fn of(text: &str, file: FileId, offset: usize) -> Place {
        let offset = text.floor_char_boundary(offset.min(text.len()));
        let (all, comments) = lex_all(file, text, &mut Sink::default());
        let string = string_around(&all, text, offset);
        let brace = string.and_then(|string| brace_within(string, text, offset));
        let commented =
            comments.iter().any(|c| (c.loc.start as usize) < offset && offset <= c.loc.end as usize);
        let inside = match (string, brace) {
            (Some(Token { kind: Kind::Template(_), .. }), None) => Inside::Words,
            (Some(string), None) => Inside::String(string.loc.start as usize + 1),
            _ if commented => Inside::Words,
            _ => Inside::Text,
        };
        let word = text[..offset].trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
        let start = if let Inside::String(from) = inside { from } else { word };
        let line_start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
        let first = brace.is_none() && text[line_start..word].trim().is_empty();
        let col = start - line_start;
        let mut place =
            Place { inside, start, first, col, head: vec![], line: vec![], in_head: true, all: vec![] };
        let stop = string.map_or(start, |string| string.loc.start as usize);
        let count = all.iter().take_while(|t| t.loc.end as usize <= stop).count();
        place.settle(&all[..count]);
        if let Some(brace) = brace {
            place.line.extend(lex_within(file, text, brace + 1, start, &mut Sink::default()));
        }
        place.all = all;
        place
    }

    /// Finds the declaration and the clause that the last of these tokens belongs to.
    fn settle(&mut self, before: &[Token]) {
        let blocks = layout::blocks(before);
        let Some(block) = blocks.last().filter(|_| !(self.first && self.col == 0)) else { return };
        self.head = block.head.to_vec();
        let indent = block.lines.first().and_then(|l| l.first()).map(|t| t.col as usize);
        let word = word(block.head.first());
        let has_body = layout::WITH_BODY.contains(&word)
            || matches!(block.head.last().map(|t| &t.kind), Some(Kind::Mark(":")));
        let begins = self.first && has_body && indent.is_none_or(|indent| self.col <= indent);
        self.in_head = !begins && block.lines.is_empty();
        self.line = match block.lines.last() {
            _ if begins => Vec::new(),
            Some(line) => line.to_vec(),
            None => self.head.clone(),
        };
    }

    /// The word that begins the declaration; empty between declarations.
    pub(super) fn head_word(&self) -> &str {
        word(self.head.first())
    }

    /// The word that begins the clause; empty at the start of one and in the head.
    pub(super) fn clause(&self) -> &str {
        if self.in_head { "" } else { word(self.line.first()) }
    }

    /// The event type after `on` in the head.
    pub(super) fn on(&self) -> Option<&str> {
        let at = self.head.iter().position(|t| word(Some(t)) == "on")?;
        self.head.get(at + 1).map(|t| word(Some(t))).filter(|w| !w.is_empty())
    }

    /// The last token before the word at the cursor.
    pub(super) fn last(&self) -> Option<&Kind> {
        self.line.last().map(|t| &t.kind)
    }

    /// Whether the last token before the cursor is this mark.
    pub(super) fn after_mark(&self, mark: &str) -> bool {
        matches!(self.last(), Some(Kind::Mark(m)) if *m == mark)
    }

    /// Whether the last token before the cursor is this word.
    pub(super) fn after_word(&self, w: &str) -> bool {
        word(self.line.last()) == w
    }

    /// Whether this mark stands before the cursor in the line.
    pub(super) fn has_mark(&self, mark: &str) -> bool {
        self.line.iter().any(|t| matches!(&t.kind, Kind::Mark(m) if *m == mark))
    }

    /// The innermost call that is open at the cursor.
    pub(super) fn open(&self) -> Option<Open<'_>> {
        let bracket = open_bracket(&self.line)?;
        let at = bracket.checked_sub(1)?;
        let name = word(self.line.get(at));
        if name.is_empty() || matches!(name, "and" | "or" | "not" | "in" | "if" | "else" | "is") {
            return None;
        }
        let inner = &self.line[bracket + 1..];
        let method = at > 0 && matches!(&self.line[at - 1].kind, Kind::Mark("."));
        let (argument, last) = arguments(inner);
        let named = match last {
            [Token { kind: Kind::Word(name), .. }, Token { kind: Kind::Mark("="), .. }, ..] => {
                Some(name.as_str())
            }
            _ => None,
        };
        Some(Open { name, method, argument, named, inner })
    }

    /// The whole word that covers a byte.
    pub(super) fn word_at(&self, offset: usize) -> Option<(Loc, String)> {
        let found = self.all.iter().find(|t| {
            (t.loc.start as usize..=t.loc.end as usize).contains(&offset) && matches!(t.kind, Kind::Word(_))
        })?;
        Some((found.loc, word(Some(found)).to_owned()))
    }

    /// What a word means here, if it is one of the language.
    pub(super) fn help(&self, word: &str) -> Option<(&'static str, &'static Help)> {
        let of = |what, table| help::find(table, word).map(|found| (what, found));
        if self.first && self.col == 0 && WORDS.contains(&word) {
            return of("declaration", help::DECLARATIONS);
        }
        let clauses = match self.head_word() {
            "rule" => help::RULE_CLAUSES,
            "test" => help::TEST_CLAUSES,
            "evidence" => help::EVIDENCE_CLAUSES,
            _ => &[],
        };
        if self.line.is_empty() && self.first {
            return of("clause", clauses);
        }
        match (self.head_word(), self.clause()) {
            ("rule", "then") | ("test", "expect") => {
                of("verdict", help::VERDICTS).or_else(|| of("effect", help::EFFECTS))
            }
            ("rule", "mode") => of("mode", help::MODES),
            ("rule", "missing") => of("word", help::MISSING),
            ("event" | "record" | "list" | "table", _) if self.is_type() => of("type", help::TYPES),
            _ => None,
        }
        .or_else(|| of("word of the language", help::WORDS))
    }

    /// Whether a type stands at the cursor.
    pub(super) fn is_type(&self) -> bool {
        self.after_mark(":")
            || self.after_mark("->")
            || self.open().is_some_and(|open| open.name == "list" && self.head_word() != "table")
    }
}

/// The word that a token is; empty for others.
pub(super) fn word(token: Option<&Token>) -> &str {
    match token.map(|t| &t.kind) {
        Some(Kind::Word(word)) => word,
        _ => "",
    }
}

/// The string that a cursor stands in: after its first quote, and not after its last.
fn string_around<'t>(all: &'t [Token], text: &str, offset: usize) -> Option<&'t Token> {
    let token = all.iter().find(|t| (t.loc.start as usize) < offset && offset <= t.loc.end as usize)?;
    let raw = text.get(token.loc.start as usize..token.loc.end as usize)?;
    let quote = raw.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let closed = raw.len() > 1 && raw.ends_with(quote);
    (offset < token.loc.end as usize || !closed).then_some(token)
}

/// The brace of a reason that is open at the cursor.
fn brace_within(string: &Token, text: &str, offset: usize) -> Option<usize> {
    let from = string.loc.start as usize + 1;
    let template = matches!(string.kind, Kind::Template(_));
    open_brace(text.get(from..offset)?).filter(|_| template).map(|at| from + at)
}

/// The brace that is open at the end of the words of a reason.
fn open_brace(words: &str) -> Option<usize> {
    let mut open = None;
    let mut chars = words.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '{' if open.is_none() && chars.peek().is_some_and(|(_, c)| *c == '{') => drop(chars.next()),
            '{' => open = Some(at),
            '}' => open = None,
            _ => {}
        }
    }
    open
}

/// The last bracket of a call that is not closed; brackets of items within it are passed.
fn open_bracket(line: &[Token]) -> Option<usize> {
    let mut depth = 0usize;
    for (at, token) in line.iter().enumerate().rev() {
        match &token.kind {
            Kind::Mark(")" | "]") => depth += 1,
            Kind::Mark("(") if depth == 0 && !word(at.checked_sub(1).map(|i| &line[i])).is_empty() => {
                return Some(at);
            }
            Kind::Mark("(" | "[") => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// How many arguments stand before the last, and the tokens of that.
fn arguments(inner: &[Token]) -> (usize, &[Token]) {
    let (mut depth, mut count, mut from) = (0usize, 0, 0);
    for (at, token) in inner.iter().enumerate() {
        match &token.kind {
            Kind::Mark("(" | "[") => depth += 1,
            Kind::Mark(")" | "]") => depth = depth.saturating_sub(1),
            Kind::Mark(",") if depth == 0 => (count, from) = (count + 1, at + 1),
            _ => {}
        }
    }
    (count, &inner[from..])
}
