// SPDX-License-Identifier: Apache-2.0
//! The expressions of a declaration, and the way down to a place in one.

use super::{holds, touches};
use crate::syntax::tree::{Arg, Decl, Expr, ExprKind, ListFrom, TemplatePiece};
use wardroom_report::FileId;

/// Every expression of a declaration that is part of no other.
pub(super) fn roots(decl: &Decl) -> Vec<&Expr> {
    match decl {
        Decl::Const(d) => vec![&d.value],
        Decl::Feature(d) => vec![&d.value],
        Decl::Score(d) => vec![&d.value],
        Decl::List(d) => match &d.from {
            ListFrom::Inline(items) => items.iter().collect(),
            _ => Vec::new(),
        },
        Decl::Table(d) => d.rows.iter().map(|row| &row.value).chain(&d.otherwise).collect(),
        Decl::Model(d) => d.inputs.iter().map(|(_, value)| value).collect(),
        Decl::Evidence(d) => {
            let caps = d.capped.iter().flat_map(|(least, most)| [least, most]);
            d.weigh.iter().chain(caps).chain(pieces(d.because.as_deref())).collect()
        }
        Decl::Rule(d) => {
            let mode = d.mode.iter().flat_map(|m| m.share.iter().chain(&m.by));
            d.when.iter().chain(&d.then).chain(pieces(d.because.as_deref())).chain(mode).collect()
        }
        Decl::Test(d) => {
            let given = d.given.iter().map(|g| &g.event);
            let facts = d.facts.iter().flat_map(|(of, value)| [of, value]);
            let expect = d.expect.iter().flat_map(|e| e.by.iter().chain(&e.effects));
            given.chain(facts).chain(&d.when).chain(expect).collect()
        }
        Decl::Event(_) | Decl::Record(_) | Decl::Budget(_) | Decl::Broken { .. } => Vec::new(),
    }
}

fn pieces(of: Option<&[TemplatePiece]>) -> impl Iterator<Item = &Expr> {
    of.unwrap_or_default().iter().filter_map(|piece| match piece {
        TemplatePiece::Expr(expr) => Some(expr),
        TemplatePiece::Text(_) => None,
    })
}

/// Visits an expression and all it is made of.
pub(super) fn walk<'e>(expr: &'e Expr, visit: &mut impl FnMut(&'e Expr)) {
    visit(expr);
    for child in expr.kind.children() {
        walk(child, visit);
    }
}

/// The expressions around a place, from the outermost to the innermost.
pub(super) fn path<'e>(roots: &[&'e Expr], file: FileId, offset: usize) -> Vec<&'e Expr> {
    let mut path = Vec::new();
    let mut next = pick(roots, file, offset);
    while let Some(expr) = next {
        path.push(expr);
        next = pick(&expr.kind.children(), file, offset);
    }
    path
}

fn pick<'e>(among: &[&'e Expr], file: FileId, offset: usize) -> Option<&'e Expr> {
    let here = among.iter().copied().filter(|e| touches(e.loc, file, offset));
    here.min_by_key(|e| (!holds(e.loc, offset), e.loc.end - e.loc.start))
}

/// The named argument at a place.
pub(super) fn argument(args: &[Arg], file: FileId, offset: usize) -> Option<&Arg> {
    args.iter().find(|a| a.name.as_ref().is_some_and(|n| touches(n.loc, file, offset)))
}

/// The name that is called, and whether it stands after a dot.
pub(super) fn called(expr: &Expr) -> Option<(&str, bool)> {
    let ExprKind::Call(of, _) = &expr.kind else { return None };
    match &of.kind {
        ExprKind::Name(name) => Some((name, false)),
        ExprKind::Attr(_, name) => Some((&name.name, true)),
        _ => None,
    }
}
