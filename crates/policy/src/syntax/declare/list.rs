// SPDX-License-Identifier: Apache-2.0
//! `const`, `feature`, `list` and `budget`: declarations of one line.

use super::super::cursor::{Cursor, Parsed, Stopped};
use super::super::express::expression;
use super::super::lex::Kind;
use super::super::tree::{
    BudgetDecl, ConstDecl, Decl, Expr, ExprKind, FeatureDecl, Ident, ListDecl, ListFrom,
};
use wardroom_event::nearest;
use wardroom_report::{Diagnostic, Loc};

pub(super) fn constant(c: &mut Cursor<'_, '_>) -> Parsed<Decl> {
    let name = c.new_name("the constant's name")?;
    Ok(match assigned(c, "the constant's value", "the constant") {
        Ok(value) => Decl::Const(ConstDecl { name, value }),
        Err(Stopped) => Decl::Broken { what: "constant", name },
    })
}

pub(super) fn feature(c: &mut Cursor<'_, '_>) -> Parsed<Decl> {
    let name = c.new_name("the feature's name")?;
    Ok(match assigned(c, "what the feature counts", "the feature") {
        Ok(value) => Decl::Feature(FeatureDecl { name, value }),
        Err(Stopped) => Decl::Broken { what: "feature", name },
    })
}

/// `= EXPRESSION` up to the end.
pub(super) fn assigned(c: &mut Cursor<'_, '_>, what: &str, whole: &str) -> Parsed<Expr> {
    c.expect("=", &format!("and {what}"))?;
    let value = expression(c)?;
    c.finish(whole)?;
    Ok(value)
}

pub(super) fn budget(c: &mut Cursor<'_, '_>) -> Parsed<Decl> {
    let event = c.name("the event type the budget is for")?;
    c.expect("=", "and what judging one event may cost")?;
    let most = c.text("a length of time, in quotes")?;
    c.finish("the budget")?;
    Ok(Decl::Budget(BudgetDecl { event, most }))
}

pub(super) fn list(c: &mut Cursor<'_, '_>) -> Parsed<Decl> {
    let name = c.new_name("the list's name")?;
    Ok(match entries(c) {
        Ok((kind, suffix, from)) => Decl::List(ListDecl { name, kind, suffix, from }),
        Err(Stopped) => Decl::Broken { what: "list", name },
    })
}

fn entries(c: &mut Cursor<'_, '_>) -> Parsed<(Ident, Option<Loc>, ListFrom)> {
    c.expect(":", "and the type of the list's entries")?;
    let kind = c.name("the type of the list's entries")?;
    let suffix = c.eat_word("suffix").then(|| c.last());
    if let Some(Kind::Word(word)) = c.peek()
        && word != "from"
        && nearest(word, ["suffix"]).is_some()
    {
        let d =
            Diagnostic::error("W0102", c.here(), format!("`{word}` after the type of the list's entries"));
        return Err(c.stop(d.help("did you mean `suffix`?")));
    }
    let from = if c.eat("=") {
        match expression(c)?.kind {
            ExprKind::Items(items) => ListFrom::Inline(items),
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
    Ok((kind, suffix, from))
}
