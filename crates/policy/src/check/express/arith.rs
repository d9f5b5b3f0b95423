// SPDX-License-Identifier: Apache-2.0
//! Arithmetic: which types go together, and what they give.

use super::compare::adapt;
use super::{Scope, value};
use crate::check::Context;
use crate::ir::{Node, Typed};
use crate::syntax::tree::{ArithOp, Expr, ExprKind};
use wardroom_event::{Type, Value, parse_text};
use wardroom_report::{Diagnostic, Loc};

pub(super) fn arithmetic(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    loc: Loc,
    op: ArithOp,
    a: &Expr,
    b: &Expr,
) -> Option<Typed> {
    if rate_unquoted(cx, scope, loc, op, a, b) {
        return None;
    }
    let (a, b) = (value(cx, scope, a), value(cx, scope, b));
    let (mut a, mut b) = (a?, b?);
    // A quoted length of time beside a time or a duration.
    if matches!(a.kind, Type::Time | Type::Duration) {
        b = adapt(cx, b, Type::Duration)?;
    } else if matches!(a.kind, Type::Size | Type::Rate) {
        let want = a.kind;
        b = adapt(cx, b, want)?;
    } else if matches!(b.kind, Type::Duration | Type::Size | Type::Rate) && op != ArithOp::Mul {
        let want = b.kind;
        a = adapt(cx, a, want)?;
    }
    use ArithOp::{Add, Div, Mul, Sub};
    let kind = match (op, a.kind, b.kind) {
        (Add | Sub | Mul, Type::Int, Type::Int) => Type::Int,
        (_, Type::Int | Type::Number, Type::Int | Type::Number)
        | (Div, Type::Duration, Type::Duration)
        | (Div, Type::Size, Type::Size)
        | (Div, Type::Rate, Type::Rate) => Type::Number,
        (Add | Sub, Type::Duration, Type::Duration)
        | (Sub, Type::Time, Type::Time)
        | (Mul | Div, Type::Duration, Type::Int | Type::Number) => Type::Duration,
        (Add | Sub, Type::Size, Type::Size) | (Mul | Div, Type::Size, Type::Int | Type::Number) => Type::Size,
        (Add | Sub, Type::Rate, Type::Rate) | (Mul | Div, Type::Rate, Type::Int | Type::Number) => Type::Rate,
        (Add | Sub, Type::Time, Type::Duration) => Type::Time,
        (_, ka, kb) => {
            let span = |t: &Typed| matches!(&t.node, Node::Const(Value::Text(t)) if parse_text(t, Type::Duration).is_ok());
            let help = match (ka, kb) {
                (Type::Int | Type::Number, Type::Duration) if op == Mul => {
                    Some("the length of time goes first: form_time * 2")
                }
                _ if span(&a) || span(&b) => Some("a length of time is written as one text: \"1h30m\""),
                _ => None,
            };
            let message = format!("`{}` does not go between {ka} and {kb}", op.sign());
            let d = Diagnostic::error("W0304", loc, message)
                .also(a.loc, format!("of type {ka}"))
                .also(b.loc, format!("of type {kb}"));
            cx.diagnostics.push(d.help_opt(help.map(str::to_owned)));
            return None;
        }
    };
    if kind == Type::Number && matches!(a.kind, Type::Int | Type::Number) {
        (a, b) = (widen(a), widen(b));
    } else if matches!(kind, Type::Duration | Type::Size | Type::Rate) && matches!(op, Mul | Div) {
        b = widen(b);
    }
    Some(Typed { node: Node::Arith(op, a.into(), b.into()), kind, loc })
}

/// Whether this is `5/m`, a rate without its quotes, which is reported.
fn rate_unquoted(cx: &mut Context<'_>, scope: &Scope<'_>, loc: Loc, op: ArithOp, a: &Expr, b: &Expr) -> bool {
    let ExprKind::Name(unit) = &b.kind else { return false };
    let known = || {
        cx.checked.schema.get(scope.on).slot(unit).is_some()
            || cx.names.meaning(scope.namespace, unit).is_some()
    };
    let number = matches!(a.kind, ExprKind::Int(_) | ExprKind::Number(_));
    if op != ArithOp::Div || !number || !["s", "m", "h", "d"].contains(&unit.as_str()) || known() {
        return false;
    }
    let written = cx.sources.slice(loc).replace(' ', "");
    let d =
        Diagnostic::error("W0304", loc, "a rate without its quotes").help(format!("write: \"{written}\""));
    cx.diagnostics.push(d);
    true
}

/// An `int` as a `number`.
pub(in crate::check) fn widen(typed: Typed) -> Typed {
    match typed {
        Typed { node: Node::Const(Value::Int(n)), loc, .. } => {
            Typed { node: Node::Const(Value::Number(n as f64)), kind: Type::Number, loc }
        }
        Typed { kind: Type::Int, loc, .. } => {
            Typed { node: Node::Widen(typed.into()), kind: Type::Number, loc }
        }
        other => other,
    }
}
