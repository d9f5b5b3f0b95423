// SPDX-License-Identifier: Apache-2.0
//! Expressions as one line of text again: without comments, with spaces as the language would have them.

use super::lex::{Kind, Token, lex};
use crate::sink::Sink;
use std::fmt::Write as _;
use wardroom_report::{Loc, Sources};

/// The text at `loc` on one line, spaces and comments folded away: two texts that differ only in these give the
/// same line.
pub(crate) fn one_line(sources: &Sources, loc: Loc) -> String {
    let mut line = String::new();
    // What is wrong with the text was said when it was read first.
    let tokens = lex(loc.file, sources.slice(loc), &mut Sink::default());
    for (i, token) in tokens.iter().enumerate() {
        let sign = i > 0
            && tokens[i - 1].kind == Kind::Mark("-")
            && !ends_value(i.checked_sub(2).map(|i| &tokens[i]));
        if i > 0 && !sign && is_spaced(&tokens[i - 1], token) {
            line.push(' ');
        }
        write(&mut line, &token.kind);
    }
    line
}

/// Whether a `-` after this token stands between two values, and not before one.
fn ends_value(token: Option<&Token>) -> bool {
    match token.map(|t| &t.kind) {
        None => false,
        Some(Kind::Mark(mark)) => matches!(*mark, ")" | "]"),
        Some(Kind::Word(word)) => !JOINING.contains(&word.as_str()),
        Some(_) => true,
    }
}

fn write(line: &mut String, kind: &Kind) {
    match kind {
        Kind::Word(word) => line.push_str(word),
        Kind::Mark(mark) => line.push_str(mark),
        // Writing to a string cannot fail.
        Kind::Int(n) => drop(write!(line, "{n}")),
        Kind::Number(n) => drop(write!(line, "{n:?}")),
        Kind::Bad => {}
        Kind::Text(text) | Kind::Template(text) => drop(write!(line, "{text:?}")),
    }
}

/// Whether a space stands between two tokens.
fn is_spaced(a: &Token, b: &Token) -> bool {
    let called =
        matches!((&a.kind, &b.kind), (Kind::Word(w), Kind::Mark("(")) if !JOINING.contains(&w.as_str()));
    // Within an expression `=` stands behind the name of an argument only.
    let tight_after = matches!(a.kind, Kind::Mark("(" | "[" | "." | "="));
    let tight_before = matches!(b.kind, Kind::Mark(")" | "]" | "." | "," | "="));
    !(called || tight_after || tight_before)
}

/// Words after which a `(` begins a value and not a call.
const JOINING: [&str; 7] = ["and", "or", "not", "in", "is", "if", "else"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_and_comments_fold() {
        let check = |text: &str, expect: &str| {
            let mut sources = Sources::new();
            let file = sources.add("x", text);
            let end = u32::try_from(text.len()).unwrap();
            assert_eq!(one_line(&sources, Loc { file, start: 0, end }), expect, "{text}");
        };
        check("not   ok", "not ok");
        check("a==1 and(b  or # why\n   c)", "a == 1 and (b or c)");
        check("x . startswith( 'a  b' )", "x.startswith(\"a  b\")");
        check("ip in[ \"a\",\"b\" ]", "ip in [\"a\", \"b\"]");
        check("10_000*2.50", "10000 * 2.5");
        check("a-1 > - 5", "a - 1 > -5");
        check("-(a) in [-1, - 2]", "-(a) in [-1, -2]");
        check("(account,ip.net)", "(account, ip.net)");
        check("round(n, digits = - 2) == 1", "round(n, digits=-2) == 1");
    }
}
