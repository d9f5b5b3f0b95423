// SPDX-License-Identifier: Apache-2.0
//! `test`: what happened before, the event to judge, what is expected.

use super::super::cursor::{Cursor, Parsed, TAKEN};
use super::super::express::expression;
use super::super::layout::Block;
use super::super::lex::Kind;
use super::super::tree::{Decl, ExpectDecl, GivenDecl, Ident, TestDecl};
use super::clauses::Clauses;
use super::{TEST_CLAUSES, colon};
use crate::limits;
use wardroom_event::Span;
use wardroom_report::Diagnostic;

/// What a test must say, with how to say it.
const TEST_NEEDS: [(&str, &str); 2] = [
    ("when", "say which event comes: when login(ip=\"192.0.2.7\", ok=false)"),
    ("expect", "say which verdict is right: expect block"),
];

pub(super) fn test(c: &mut Cursor<'_, '_>, b: &Block<'_>) -> Parsed<Decl> {
    let name = c.name("the name of the test")?;
    let title = match c.peek() {
        Some(Kind::Text(_)) => Some(c.text("a title")?.name),
        _ => None,
    };
    let ended = colon(c, "test");
    let mut test = TestDecl { name, title, given: vec![], facts: vec![], when: None, at: None, expect: None };
    let mut clauses = Clauses::new("test", &TEST_CLAUSES, &["given"]);
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
            given(c, test)?;
            while c.eat(",") {
                given(c, test)?;
            }
        }
        "when" => {
            test.when = Some(expression(c)?);
            if c.eat_word("at") {
                test.at = Some(c.text("a point in time, in quotes")?);
            }
        }
        _ => {
            let verdict = c.name("a verdict: allow, limit, challenge, review or block")?;
            let by = if c.eat_word("by") { Some(expression(c)?) } else { None };
            let mut effects = Vec::new();
            while c.eat(",") {
                effects.push(expression(c)?);
            }
            test.expect = Some(ExpectDecl { verdict, by, effects });
        }
    }
    c.finish(&format!("`{word}`"))
}

/// `[N *] event(…) [within "10m"] [ago "1d"]`, or a fact: `ip.kind = "hosting"`.
fn given(c: &mut Cursor<'_, '_>, test: &mut TestDecl) -> Parsed<()> {
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
    let goes_on = |word: &str| TAKEN.contains(&word) || matches!(word, "within" | "ago");
    if let (Some(Kind::Int(n)), Some(Kind::Word(event))) = (c.peek(), c.peek_second())
        && !goes_on(event)
    {
        let d = Diagnostic::error("W0101", c.here(), format!("expected `*` after {n}"));
        let help = format!("write: {n} * {event}(…)");
        return Err(c.stop(d.help(help)));
    }
    let event = expression(c)?;
    if times == 1 && c.eat("=") {
        test.facts.push((event, expression(c)?));
        return Ok(());
    }
    let within = span_after(c, "within")?;
    let ago = span_after(c, "ago")?;
    test.given.push(GivenDecl { times, event, within, ago });
    Ok(())
}

fn span_after(c: &mut Cursor<'_, '_>, word: &str) -> Parsed<Span> {
    if !c.eat_word(word) {
        return Ok(Span::ZERO);
    }
    let Ident { name, loc } = c.text("a length of time, in quotes")?;
    Span::parse(&name).map_err(|e| c.stop(Diagnostic::error("W0305", loc, format!("no length of time: {e}"))))
}
