// SPDX-License-Identifier: Apache-2.0
//! Declarations: `event`, `feature`, `list`, `rule`, `test`.

use super::cursor::{Cursor, Parsed, Stopped};
use super::express::expression;
use super::layout::Block;
use super::lex::{self, Kind, Token};
use super::tree::{
    Decl, EventDecl, ExpectDecl, Expr, FeatureDecl, FieldDecl, GivenDecl, Ident, ListDecl, ListFrom,
    RuleDecl, TemplatePiece, TestDecl,
};
use crate::limits;
use crate::sink::Sink;
use wardroom_event::{Span, nearest};
use wardroom_report::{Diagnostic, Loc, Sources};

/// The words that begin a declaration.
const WORDS: [&str; 5] = ["event", "feature", "list", "rule", "test"];
/// Words the language will have, so that nobody takes them for names.
const LATER: [&str; 6] = ["evidence", "score", "model", "const", "table", "policy"];
/// The clauses of a rule.
const RULE_CLAUSES: [&str; 6] = ["when", "then", "because", "mode", "missing", "owner"];
/// The clauses of a test.
const TEST_CLAUSES: [&str; 3] = ["given", "when", "expect"];

/// Reads one declaration; `None` when nothing can be made of it.
pub(crate) fn declaration(b: &Block<'_>, s: &Sources, d: &mut Sink) -> Option<Decl> {
    let first = b.head.first()?;
    let mut c = Cursor::new(b.head, first.loc, d);
    let head = match first_word(&mut c, first) {
        Ok(word) => word,
        Err(Stopped) => return None,
    };
    match head {
        "event" => event(&mut c, b),
        "feature" => feature(&mut c),
        "list" => list(&mut c),
        "rule" => rule(&mut c, b, s),
        _ => test(&mut c, b),
    }
    .ok()
}

fn first_word(c: &mut Cursor<'_, '_>, first: &Token) -> Parsed<&'static str> {
    let Kind::Word(word) = &first.kind else {
        return Err(c.unexpected("a declaration: event, feature, list, rule or test"));
    };
    if let Some(found) = WORDS.into_iter().find(|w| w == word) {
        c.next();
        return Ok(found);
    }
    let base = Diagnostic::error("W0105", first.loc, format!("`{word}` does not begin a declaration"));
    let d = if first.col > 0 {
        base.help("a declaration begins at the left margin; is the line above missing its `:`?")
    } else if LATER.contains(&word.as_str()) {
        base.note(format!("`{word}` is kept for a later version of the language"))
    } else if is_clause(word) {
        at_the_margin(word, first.loc)
    } else {
        match nearest(word, WORDS) {
            Some(near) => base.help(format!("did you mean `{near}`?")),
            None => base.help("a declaration begins with event, feature, list, rule or test"),
        }
    };
    Err(c.stop(d))
}

/// Whether a clause of a rule or test begins with this word.
pub(crate) fn is_clause(word: &str) -> bool {
    RULE_CLAUSES.contains(&word) || TEST_CLAUSES.contains(&word)
}

fn at_the_margin(word: &str, loc: Loc) -> Diagnostic {
    Diagnostic::error("W0105", loc, format!("`{word}` does not begin a declaration"))
        .help("indent a clause under its rule or test")
}

/// `:` at the end of the head of a declaration with a body. Whether the head ends there.
fn colon(c: &mut Cursor<'_, '_>, what: &str) -> bool {
    if !c.eat(":") {
        let _ = c.unexpected(&format!("`:` at the end of the {what}'s first line"));
        return c.at_end();
    }
    if c.at_end() {
        return true;
    }
    let d = Diagnostic::error("W0102", c.here(), format!("the first line of the {what} goes on after `:`"))
        .label("this belongs on a line of its own")
        .help("begin a new line and indent it by four spaces");
    let _ = c.stop(d);
    false
}

fn event(c: &mut Cursor<'_, '_>, b: &Block<'_>) -> Parsed<Decl> {
    let name = c.new_name("the event type's name")?;
    let ended = colon(c, "event type");
    let mut fields = Vec::new();
    for line in &b.lines {
        let mut c = Cursor::new(line, name.loc, c.diagnostics);
        fields.extend(field(&mut c));
    }
    if b.lines.is_empty() && ended {
        c.diagnostics.push(
            Diagnostic::error("W0204", name.loc, format!("event type `{}` has no fields", name.name))
                .help("list them below it, one a line: account: account"),
        );
    }
    Ok(Decl::Event(EventDecl { name, fields }))
}

/// A field whose type cannot be read is kept without one: what uses it is not at fault.
fn field(c: &mut Cursor<'_, '_>) -> Parsed<FieldDecl> {
    let name = c.new_name("a field's name")?;
    let (kind, optional) = match field_type(c) {
        Ok((kind, optional)) => (Some(kind), optional),
        Err(Stopped) => (None, true),
    };
    Ok(FieldDecl { name, kind, optional })
}

fn field_type(c: &mut Cursor<'_, '_>) -> Parsed<(Ident, bool)> {
    c.expect(":", "and the field's type")?;
    let kind = c.name("the field's type")?;
    let optional = c.eat("?");
    c.finish("the field's type")?;
    Ok((kind, optional))
}

fn feature(c: &mut Cursor<'_, '_>) -> Parsed<Decl> {
    let name = c.new_name("the feature's name")?;
    Ok(match counted(c) {
        Ok(value) => Decl::Feature(FeatureDecl { name, value }),
        Err(Stopped) => Decl::Broken { what: "feature", name },
    })
}

fn counted(c: &mut Cursor<'_, '_>) -> Parsed<Expr> {
    c.expect("=", "and what the feature counts")?;
    let value = expression(c)?;
    c.finish("the feature")?;
    Ok(value)
}

fn list(c: &mut Cursor<'_, '_>) -> Parsed<Decl> {
    let name = c.new_name("the list's name")?;
    Ok(match entries(c) {
        Ok((kind, from)) => Decl::List(ListDecl { name, kind, from }),
        Err(Stopped) => Decl::Broken { what: "list", name },
    })
}

fn entries(c: &mut Cursor<'_, '_>) -> Parsed<(Ident, ListFrom)> {
    c.expect(":", "and the type of the list's entries")?;
    let kind = c.name("the type of the list's entries")?;
    let from = if c.eat("=") {
        match expression(c)?.kind {
            super::tree::ExprKind::Items(items) => ListFrom::Inline(items),
            _ => {
                let d = Diagnostic::error("W0101", c.last(), "expected entries in brackets")
                    .help("write: list name: net = [\"192.0.2.0/24\"]");
                return Err(c.stop(d));
            }
        }
    } else if c.eat_word("from") {
        ListFrom::File(c.text("the name of the list's file, in quotes")?)
    } else {
        ListFrom::Nothing
    };
    c.finish("the list")?;
    Ok((kind, from))
}

/// The clauses of one rule or test, as they are met.
struct Clauses {
    of: &'static str,
    known: &'static [&'static str],
    /// Those that may stand more than once.
    many: &'static [&'static str],
    seen: Vec<(&'static str, Loc)>,
}

impl Clauses {
    /// Opens a clause: its word, checked against those that may stand here.
    fn open(&mut self, c: &mut Cursor<'_, '_>, line: &[Token]) -> Parsed<&'static str> {
        let word = c.name(&format!("a clause: {}", self.known.join(", ")))?;
        if line.first().is_some_and(|t| t.col == 0) {
            c.diagnostics.push(at_the_margin(&word.name, word.loc));
        }
        if let Some(found) = self.known.iter().find(|k| **k == word.name) {
            c.eat(":");
            self.note(c, found, word.loc);
            return Ok(found);
        }
        let d = Diagnostic::error("W0106", word.loc, format!("a {} has no clause `{}`", self.of, word.name));
        let d = match nearest(&word.name, self.known.iter().copied()) {
            Some(near) => {
                // Not to be missed as well.
                self.seen.extend(self.known.iter().find(|k| **k == near).map(|k| (*k, word.loc)));
                d.help(format!("did you mean `{near}`?"))
            }
            None => d.help(format!("its clauses are: {}", self.known.join(", "))),
        };
        Err(c.stop(d))
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
    fn require(&self, name: &Ident, wanted: &[(&str, &str)], diagnostics: &mut Sink) {
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

/// What a rule must say, with how to say it.
const RULE_NEEDS: [(&str, &str); 3] = [
    ("when", "say what must hold: when failures > 10"),
    ("then", "say what follows: then block"),
    ("because", "say why, for a person to read: because \"{failures} failures from {ip}\""),
];
/// What a test must say, with how to say it.
const TEST_NEEDS: [(&str, &str); 2] = [
    ("when", "say which event comes: when login(ip=\"192.0.2.7\", ok=false)"),
    ("expect", "say which verdict is right: expect block"),
];

fn rule(c: &mut Cursor<'_, '_>, b: &Block<'_>, s: &Sources) -> Parsed<Decl> {
    let name = c.new_name("the rule's name")?;
    if !c.eat_word("on") {
        let _ = c.unexpected("`on` and the event type the rule judges");
    }
    let Ok(on) = c.name("the event type the rule judges") else {
        return Ok(Decl::Broken { what: "rule", name });
    };
    let ended = colon(c, "rule");
    let loc = name.loc;
    let mut rule = RuleDecl {
        name,
        on,
        when: None,
        then: vec![],
        because: None,
        mode: None,
        missing: None,
        owner: None,
    };
    let mut clauses = Clauses { of: "rule", known: &RULE_CLAUSES, many: &[], seen: Vec::new() };
    for line in &b.lines {
        let mut c = Cursor::new(line, loc, c.diagnostics);
        if let Ok(word) = clauses.open(&mut c, line) {
            let _ = rule_clause(&mut c, word, &mut rule, s);
        }
    }
    if ended {
        clauses.require(&rule.name, &RULE_NEEDS, c.diagnostics);
    }
    Ok(Decl::Rule(rule))
}

fn rule_clause(c: &mut Cursor<'_, '_>, word: &str, rule: &mut RuleDecl, s: &Sources) -> Parsed<()> {
    match word {
        "when" => {
            let when = expression(c)?;
            // Half a condition may look wrong where the whole is not.
            c.finish("`when`")?;
            rule.when = Some(when);
        }
        "then" => {
            rule.then.push(expression(c)?);
            while c.eat(",") {
                rule.then.push(expression(c)?);
            }
        }
        "because" => rule.because = Some(template(c, s)?),
        "mode" => {
            let mode = rule.mode.insert(c.name("a mode: draft, shadow, live or retired")?);
            if mode.name == "canary" {
                // Its share may follow: what is wrong with it is said with the mode.
                return Ok(());
            }
        }
        "missing" => rule.missing = Some(c.name("false, true or review")?),
        _ => rule.owner = Some(c.text("the owner, in quotes")?),
    }
    c.finish(&format!("`{word}`"))
}

/// `"text {expression} text"`; `{{` and `}}` stand for braces. A fault in one value does not hide the next.
fn template(c: &mut Cursor<'_, '_>, sources: &Sources) -> Parsed<Vec<TemplatePiece>> {
    let loc = c.here();
    let Some(Kind::Template(raw)) = c.peek() else {
        return Err(c.unexpected("the reason, in quotes"));
    };
    c.next();
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut at = 0;
    // One for the quote.
    let place =
        |from: usize, to: usize| Loc { start: within(loc, 1 + from), end: within(loc, 1 + to), ..loc };
    while let Some(ch) = raw[at..].chars().next() {
        let rest = &raw[at..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            text.push(ch);
            at += 2;
        } else if ch == '{' {
            let Some(len) = lex::closing(rest) else {
                return Err(c.stop(unbalanced(
                    place(at, at + 1),
                    "a `{` in the reason that is not closed",
                    "{{",
                )));
            };
            if !text.is_empty() {
                pieces.push(TemplatePiece::Text(std::mem::take(&mut text)));
            }
            pieces.extend(embedded(c, sources, place(at, at + len)).map(TemplatePiece::Expr));
            at += len;
        } else if ch == '\\' {
            let next = rest[1..].chars().next();
            let end = at + 1 + next.map_or(0, char::len_utf8);
            match next.and_then(lex::escape) {
                Some(ch) => text.push(ch),
                None => c.diagnostics.push(lex::unknown_escape(place(at, end))),
            }
            at = end;
        } else {
            if ch == '}' {
                c.diagnostics.push(unbalanced(
                    place(at, at + 1),
                    "a `}` in the reason without its `{`",
                    "}}",
                ));
            }
            text.push(ch);
            at += ch.len_utf8();
        }
    }
    if !text.is_empty() {
        pieces.push(TemplatePiece::Text(text));
    }
    Ok(pieces)
}

/// The place `offset` bytes into a token.
fn within(token: Loc, offset: usize) -> u32 {
    token.start.saturating_add(u32::try_from(offset).unwrap_or(u32::MAX))
}

fn unbalanced(loc: Loc, message: &str, plain: &str) -> Diagnostic {
    Diagnostic::error("W0109", loc, message).help(format!("write `{plain}` for a brace that is only text"))
}

/// The expression in the `{…}` at `braces`.
fn embedded(c: &mut Cursor<'_, '_>, sources: &Sources, braces: Loc) -> Parsed<Expr> {
    let close = Loc { start: braces.end - 1, ..braces };
    let (from, to) = (braces.start as usize + 1, close.start as usize);
    let tokens = lex::lex_within(braces.file, sources.text(braces.file), from, to, c.diagnostics);
    let mut inner = Cursor::within_braces(&tokens, close, c.diagnostics);
    let expr = expression(&mut inner)?;
    inner.finish("the value")?;
    Ok(expr)
}

fn test(c: &mut Cursor<'_, '_>, b: &Block<'_>) -> Parsed<Decl> {
    let name = c.name("the name of the test")?;
    let title = match c.peek() {
        Some(Kind::Text(_)) => Some(c.text("a title")?.name),
        _ => None,
    };
    let ended = colon(c, "test");
    let mut test = TestDecl { name, title, given: vec![], when: None, expect: None };
    let mut clauses = Clauses { of: "test", known: &TEST_CLAUSES, many: &["given"], seen: Vec::new() };
    for line in &b.lines {
        let mut c = Cursor::new(line, test.name.loc, c.diagnostics);
        if let Ok(word) = clauses.open(&mut c, line) {
            let _ = test_clause(&mut c, word, &mut test);
        }
    }
    if ended {
        clauses.require(&test.name, &TEST_NEEDS, c.diagnostics);
    }
    Ok(Decl::Test(test))
}

fn test_clause(c: &mut Cursor<'_, '_>, word: &str, test: &mut TestDecl) -> Parsed<()> {
    match word {
        "given" => {
            test.given.push(given(c)?);
            while c.eat(",") {
                test.given.push(given(c)?);
            }
        }
        "when" => test.when = Some(expression(c)?),
        _ => {
            let verdict = c.name("a verdict: allow, limit, challenge, review or block")?;
            let by = if c.eat_word("by") { Some(expression(c)?) } else { None };
            test.expect = Some(ExpectDecl { verdict, by });
        }
    }
    c.finish(&format!("`{word}`"))
}

/// `[N *] event(…) [within "10m"] [ago "1d"]`.
fn given(c: &mut Cursor<'_, '_>) -> Parsed<GivenDecl> {
    let mut times = 1;
    if let (Some(Kind::Int(n)), Some(Kind::Mark("*"))) = (c.peek(), c.peek_second()) {
        if !(1..=limits::GIVEN).contains(n) {
            let d = Diagnostic::error("W0601", c.here(), format!("{n} events in one `given`"))
                .help(format!("between 1 and {}", limits::GIVEN));
            return Err(c.stop(d));
        }
        times = *n;
        c.next();
        c.next();
    }
    let event = expression(c)?;
    let within = span_after(c, "within")?;
    let ago = span_after(c, "ago")?;
    Ok(GivenDecl { times, event, within, ago })
}

fn span_after(c: &mut Cursor<'_, '_>, word: &str) -> Parsed<Span> {
    if !c.eat_word(word) {
        return Ok(Span::ZERO);
    }
    let Ident { name, loc } = c.text("a length of time, in quotes")?;
    Span::parse(&name).map_err(|e| c.stop(Diagnostic::error("W0305", loc, format!("no length of time: {e}"))))
}
