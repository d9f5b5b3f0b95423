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
pub(crate) fn declaration(b: &Block<'_>, s: &Sources, d: &mut Vec<Diagnostic>) -> Option<Decl> {
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
    } else if RULE_CLAUSES.contains(&word.as_str()) || TEST_CLAUSES.contains(&word.as_str()) {
        base.help("indent a clause under its rule or test")
    } else {
        match nearest(word, WORDS) {
            Some(near) => base.help(format!("did you mean `{near}`?")),
            None => base.help("a declaration begins with event, feature, list, rule or test"),
        }
    };
    Err(c.stop(d))
}

/// `:` at the end of the head of a declaration with a body.
fn colon(c: &mut Cursor<'_, '_>, what: &str) {
    if !c.eat(":") {
        let _ = c.unexpected(&format!("`:` after the {what}'s first line"));
        return;
    }
    let _ = c.finish("`:`");
}

fn event(c: &mut Cursor<'_, '_>, b: &Block<'_>) -> Parsed<Decl> {
    let name = c.name("the event type's name")?;
    colon(c, "event type");
    let mut fields = Vec::new();
    for line in &b.lines {
        let mut c = Cursor::new(line, name.loc, c.diagnostics);
        if let Ok(field) = field(&mut c) {
            fields.push(field);
        }
    }
    Ok(Decl::Event(EventDecl { name, fields }))
}

fn field(c: &mut Cursor<'_, '_>) -> Parsed<FieldDecl> {
    let name = c.name("a field's name")?;
    c.expect(":", "and the field's type")?;
    let kind = c.name("the field's type")?;
    let optional = c.eat("?");
    c.finish("the field's type")?;
    Ok(FieldDecl { name, kind, optional })
}

fn feature(c: &mut Cursor<'_, '_>) -> Parsed<Decl> {
    let name = c.name("the feature's name")?;
    c.expect("=", "and what the feature counts")?;
    let value = expression(c)?;
    c.finish("the feature")?;
    Ok(Decl::Feature(FeatureDecl { name, value }))
}

fn list(c: &mut Cursor<'_, '_>) -> Parsed<Decl> {
    let name = c.name("the list's name")?;
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
    Ok(Decl::List(ListDecl { name, kind, from }))
}

/// Opens a clause: its word, checked against those that may stand here.
fn clause<'t>(c: &mut Cursor<'t, '_>, known: &[&'static str], of: &str) -> Parsed<(&'static str, Loc)> {
    let word = c.name(&format!("a clause: {}", known.join(", ")))?;
    match known.iter().find(|k| **k == word.name) {
        Some(found) => {
            c.eat(":");
            Ok((found, word.loc))
        }
        None => {
            let d = Diagnostic::error("W0106", word.loc, format!("a {of} has no clause `{}`", word.name));
            let d = match nearest(&word.name, known.iter().copied()) {
                Some(near) => d.help(format!("did you mean `{near}`?")),
                None => d.help(format!("its clauses are: {}", known.join(", "))),
            };
            Err(c.stop(d))
        }
    }
}

/// Reports a clause that stands twice.
fn once(seen: &mut Vec<(&'static str, Loc)>, clause: (&'static str, Loc), d: &mut Vec<Diagnostic>) {
    if let Some((_, before)) = seen.iter().find(|(w, _)| *w == clause.0) {
        d.push(
            Diagnostic::error("W0107", clause.1, format!("a second `{}`", clause.0))
                .also(*before, "the first is here"),
        );
    }
    seen.push(clause);
}

fn rule(c: &mut Cursor<'_, '_>, b: &Block<'_>, s: &Sources) -> Parsed<Decl> {
    let name = c.name("the rule's name")?;
    if !c.eat_word("on") {
        return Err(c.unexpected("`on` and the event type the rule judges"));
    }
    let on = c.name("the event type the rule judges")?;
    colon(c, "rule");
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
    let mut seen = Vec::new();
    for line in &b.lines {
        let mut c = Cursor::new(line, loc, c.diagnostics);
        let Ok(word) = clause(&mut c, &RULE_CLAUSES, "rule") else {
            continue;
        };
        once(&mut seen, word, c.diagnostics);
        let _ = rule_clause(&mut c, word.0, &mut rule, s);
    }
    for wanted in ["when", "then", "because"] {
        if !seen.iter().any(|(w, _)| *w == wanted) {
            c.diagnostics.push(
                Diagnostic::error("W0108", loc, format!("rule `{}` has no `{wanted}`", rule.name.name))
                    .help(missing_clause(wanted)),
            );
        }
    }
    Ok(Decl::Rule(rule))
}

fn missing_clause(word: &str) -> &'static str {
    match word {
        "when" => "say what must hold: when failures > 10",
        "then" => "say what follows: then block",
        _ => "say why, for a person to read: because \"{failures} failures from {ip}\"",
    }
}

fn rule_clause(c: &mut Cursor<'_, '_>, word: &str, rule: &mut RuleDecl, s: &Sources) -> Parsed<()> {
    match word {
        "when" => rule.when = Some(expression(c)?),
        "then" => {
            rule.then.push(expression(c)?);
            while c.eat(",") {
                rule.then.push(expression(c)?);
            }
        }
        "because" => rule.because = Some(template(c, s)?),
        "mode" => rule.mode = Some(c.name("a mode: draft, shadow, live or retired")?),
        "missing" => rule.missing = Some(c.name("false, true or review")?),
        _ => rule.owner = Some(c.text("the owner, in quotes")?),
    }
    c.finish(&format!("`{word}`"))
}

/// `"text {expression} text"`; `{{` and `}}` stand for braces.
fn template(c: &mut Cursor<'_, '_>, sources: &Sources) -> Parsed<Vec<TemplatePiece>> {
    let loc = c.here();
    let Some(Kind::Template(raw)) = c.peek() else {
        return Err(c.unexpected("the reason, in quotes"));
    };
    c.next();
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut at = 0;
    while at < raw.len() {
        let rest = &raw[at..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            text.push_str(&rest[..1]);
            at += 2;
        } else if rest.starts_with('{') {
            let Some(len) = closing(rest) else {
                let d = Diagnostic::error("W0109", loc, "a `{` in the reason that is not closed")
                    .help("write `{{` for a brace that is only text");
                return Err(c.stop(d));
            };
            if !text.is_empty() {
                pieces.push(TemplatePiece::Text(std::mem::take(&mut text)));
            }
            // One for the quote, one for the brace.
            let start = loc.start as usize + 1 + at + 1;
            pieces.push(TemplatePiece::Expr(embedded(c, sources, loc, start, len - 2)?));
            at += len;
        } else {
            let ch = rest.chars().next().unwrap_or(' ');
            at += ch.len_utf8();
            match ch {
                '\\' => at += escape(&raw[at..], &mut text),
                ch => text.push(ch),
            }
        }
    }
    if !text.is_empty() {
        pieces.push(TemplatePiece::Text(text));
    }
    Ok(pieces)
}

/// A character after a backslash: a quote or backslash stands for itself. Gives the bytes taken.
fn escape(rest: &str, text: &mut String) -> usize {
    let ch = rest.chars().next().unwrap_or('\\');
    text.push(ch);
    ch.len_utf8()
}

/// The length of `{…}` at the start of `text`, braces counted.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (i, ch) in text.char_indices() {
        match ch {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(i + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// The expression in `len` bytes at `start` of the text that `loc` lies in, with its true places.
fn embedded(c: &mut Cursor<'_, '_>, s: &Sources, loc: Loc, start: usize, len: usize) -> Parsed<Expr> {
    let text = s.text(loc.file);
    // Lexing from the file's start would be right but slow: blank out nothing, lex the piece, move the places.
    let piece = text.get(start..start + len).unwrap_or("");
    let mut tokens = lex::lex(loc.file, piece, c.diagnostics);
    let offset = u32::try_from(start).unwrap_or(u32::MAX);
    for t in &mut tokens {
        t.loc.start = t.loc.start.saturating_add(offset);
        t.loc.end = t.loc.end.saturating_add(offset);
    }
    let before = Loc { start: offset, end: offset, ..loc };
    let mut inner = Cursor::new(&tokens, before, c.diagnostics);
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
    colon(c, "test");
    let mut test = TestDecl { name, title, given: vec![], when: None, expect: None };
    let mut seen = Vec::new();
    for line in &b.lines {
        let mut c = Cursor::new(line, test.name.loc, c.diagnostics);
        let Ok(word) = clause(&mut c, &TEST_CLAUSES, "test") else {
            continue;
        };
        if word.0 != "given" {
            once(&mut seen, word, c.diagnostics);
        }
        let _ = test_clause(&mut c, word.0, &mut test);
    }
    for wanted in ["when", "expect"] {
        if !seen.iter().any(|(w, _)| *w == wanted) {
            let message = format!("test `{}` has no `{wanted}`", test.name.name);
            let help = "a test says: given what happened before, when this event comes, expect this verdict";
            c.diagnostics.push(Diagnostic::error("W0108", test.name.loc, message).help(help));
        }
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
