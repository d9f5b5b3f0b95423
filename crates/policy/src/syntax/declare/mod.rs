// SPDX-License-Identifier: Apache-2.0
//! Declarations: one file for each kind of them.

mod clauses;
mod event;
mod list;
mod rule;
mod score;
mod table;
mod template;
mod test;

pub(crate) use rule::comment_above;

use super::cursor::{Cursor, Parsed, Stopped};
use super::layout::Block;
use super::lex::{Kind, Token};
use super::tree::Decl;
use crate::sink::Sink;
use wardroom_event::nearest;
use wardroom_report::{Diagnostic, Loc, Sources};

/// The words that begin a declaration.
pub(crate) const WORDS: [&str; 12] = [
    "event", "record", "const", "feature", "list", "table", "model", "evidence", "score", "rule", "budget",
    "test",
];
/// The clauses of a rule.
pub(crate) const RULE_CLAUSES: [&str; 8] =
    ["when", "then", "because", "mode", "missing", "owner", "expires", "was"];
/// The clauses of evidence.
pub(crate) const EVIDENCE_CLAUSES: [&str; 2] = ["weigh", "because"];
/// The clauses of a test.
pub(crate) const TEST_CLAUSES: [&str; 3] = ["given", "when", "expect"];

/// Reads one declaration; `None` when nothing can be made of it.
pub(crate) fn declaration(b: &Block<'_>, s: &Sources, d: &mut Sink) -> Option<Decl> {
    let first = b.head.first()?;
    let mut c = Cursor::new(b.head, first.loc, d);
    let head = match first_word(&mut c, first) {
        Ok(word) => word,
        Err(Stopped) => return None,
    };
    match head {
        "event" => event::event(&mut c, b),
        "record" => event::record(&mut c, b),
        "const" => list::constant(&mut c),
        "feature" => list::feature(&mut c),
        "list" => list::list(&mut c),
        "table" => table::table(&mut c, b),
        "model" => score::model(&mut c, b),
        "evidence" => score::evidence(&mut c, b, s),
        "score" => score::score(&mut c),
        "rule" => rule::rule(&mut c, b, s, first.loc),
        "budget" => list::budget(&mut c),
        _ => test::test(&mut c, b),
    }
    .ok()
}

fn first_word(c: &mut Cursor<'_, '_>, first: &Token) -> Parsed<&'static str> {
    let Kind::Word(word) = &first.kind else {
        return Err(c.unexpected("a declaration, such as event, feature, list, rule or test"));
    };
    if let Some(found) = WORDS.into_iter().find(|w| w == word) {
        c.next();
        return Ok(found);
    }
    let base = Diagnostic::error("W0105", first.loc, format!("`{word}` does not begin a declaration"));
    let d = if first.col > 0 {
        base.help("a declaration begins at the left margin; is the line above missing its `:`?")
    } else if is_clause(word) {
        at_the_margin(word, first.loc)
    } else {
        match nearest(word, WORDS) {
            Some(near) => base.help(format!("did you mean `{near}`?")),
            None => base.help(format!("a declaration begins with one of: {}", WORDS.join(", "))),
        }
    };
    Err(c.stop(d))
}

/// Whether a clause of a rule, test or evidence begins with this word.
pub(crate) fn is_clause(word: &str) -> bool {
    RULE_CLAUSES.contains(&word) || TEST_CLAUSES.contains(&word) || EVIDENCE_CLAUSES.contains(&word)
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
