// SPDX-License-Identifier: Apache-2.0
//! Reasons: words with values between braces.

use super::super::cursor::{Cursor, Parsed};
use super::super::express::expression;
use super::super::lex::{self, Kind};
use super::super::tree::{Expr, TemplatePiece};
use wardroom_report::{Diagnostic, Loc, Sources};

/// `"text {expression} text"`; `{{` and `}}` stand for braces. A fault in one value does not hide the next.
pub(super) fn template(c: &mut Cursor<'_, '_>, sources: &Sources) -> Parsed<Vec<TemplatePiece>> {
    let loc = c.here();
    let Some(Kind::Template(raw)) = c.peek() else {
        let help = match (c.peek(), c.peek_second()) {
            (Some(Kind::Word(_)), Some(Kind::Text(_))) => {
                "a reason begins with its quote; {ip} in it is a value"
            }
            (Some(Kind::Word(_)), _) => "write: because \"…\"",
            _ => return Err(c.unexpected("the reason, in quotes")),
        };
        return Err(c.unexpected_so("the reason, in quotes", Some(help.to_owned())));
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
