// SPDX-License-Identifier: Apache-2.0
//! Expressions as text, with brackets only where they are needed.

use super::quoted;
use crate::syntax::tree::{Arg, ArithOp, Expr, ExprKind};

/// How tightly a form binds, loosest first: an operand that binds looser than its place asks for stands in brackets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Choice,
    Or,
    And,
    Not,
    Compare,
    Sum,
    Product,
    Sign,
    /// Parts and calls, and what they are of.
    Part,
    /// A number, after which a part's dot would belong to the number.
    Number,
    Atom,
}

pub(crate) fn expression(expr: &Expr) -> String {
    text(expr, Rank::Choice)
}

/// An expression in brackets where its text would begin with `word`, which means something there.
pub(super) fn guarded(expr: &Expr, word: &str) -> String {
    let text = expression(expr);
    let first = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
    if first == Some(word) { format!("({text})") } else { text }
}

/// `[a, b]`.
pub(super) fn items(items: &[Expr]) -> String {
    format!("[{}]", row(items))
}

fn row(items: &[Expr]) -> String {
    items.iter().map(expression).collect::<Vec<_>>().join(", ")
}

fn rank(kind: &ExprKind) -> Rank {
    match kind {
        ExprKind::If { .. } | ExprKind::Each { .. } => Rank::Choice,
        ExprKind::Or(_) => Rank::Or,
        ExprKind::And(_) => Rank::And,
        ExprKind::Not(_) => Rank::Not,
        ExprKind::Compare(..) | ExprKind::In { .. } | ExprKind::IsMissing { .. } => Rank::Compare,
        ExprKind::Arith(ArithOp::Add | ArithOp::Sub, ..) => Rank::Sum,
        ExprKind::Arith(ArithOp::Mul | ArithOp::Div, ..) => Rank::Product,
        ExprKind::Neg(_) => Rank::Sign,
        ExprKind::Int(n) if *n < 0 => Rank::Sign,
        ExprKind::Number(n) if n.is_sign_negative() => Rank::Sign,
        ExprKind::Int(_) | ExprKind::Number(_) => Rank::Number,
        ExprKind::Attr(..) | ExprKind::Call(..) => Rank::Part,
        ExprKind::Name(_) | ExprKind::Text(_) | ExprKind::Bool(_) => Rank::Atom,
        ExprKind::Items(_) | ExprKind::Bad => Rank::Atom,
    }
}

fn text(expr: &Expr, least: Rank) -> String {
    let bare = bare(&expr.kind);
    if rank(&expr.kind) < least { format!("({bare})") } else { bare }
}

fn bare(kind: &ExprKind) -> String {
    match kind {
        ExprKind::Name(name) => name.clone(),
        ExprKind::Int(n) => n.to_string(),
        ExprKind::Number(n) => format!("{n:?}"),
        ExprKind::Text(words) => quoted(words),
        ExprKind::Bool(b) => b.to_string(),
        ExprKind::Bad => String::new(),
        ExprKind::Attr(of, name) => format!("{}.{}", of_part(of), name.name),
        ExprKind::Call(of, args) => {
            format!("{}({})", of_part(of), args.iter().map(argument).collect::<Vec<_>>().join(", "))
        }
        ExprKind::Items(list) => items(list),
        ExprKind::Not(of) => format!("not {}", text(of, Rank::Not)),
        ExprKind::Neg(of) => format!("-{}", text(of, Rank::Part)),
        ExprKind::And(parts) => chain(parts, " and ", Rank::Not),
        ExprKind::Or(parts) => chain(parts, " or ", Rank::And),
        ExprKind::Arith(op, a, b) => arithmetic(*op, a, b),
        ExprKind::Compare(op, a, b) => {
            format!("{} {} {}", text(a, Rank::Sum), op.sign(), text(b, Rank::Sum))
        }
        ExprKind::In { needle, hay, negated } => {
            let word = if *negated { "not in" } else { "in" };
            format!("{} {word} {}", text(needle, Rank::Sum), text(hay, Rank::Sum))
        }
        ExprKind::IsMissing { of, negated } => {
            format!("{} is {}missing", text(of, Rank::Sum), if *negated { "not " } else { "" })
        }
        ExprKind::Each { body, var, over, filter } => {
            let filter = filter.as_ref().map(|f| format!(" if {}", text(f, Rank::Or)));
            let (body, over) = (expression(body), text(over, Rank::Or));
            format!("{body} for {} in {over}{}", var.name, filter.unwrap_or_default())
        }
        ExprKind::If { then, cond, other } => {
            format!("{} if {} else {}", text(then, Rank::Or), text(cond, Rank::Or), expression(other))
        }
    }
}

/// What a part is taken from, or what is called.
fn of_part(of: &Expr) -> String {
    match rank(&of.kind) {
        Rank::Number => format!("({})", bare(&of.kind)),
        _ => text(of, Rank::Part),
    }
}

fn chain(parts: &[Expr], word: &str, least: Rank) -> String {
    parts.iter().map(|p| text(p, least)).collect::<Vec<_>>().join(word)
}

/// Operators of one rank lean to the left.
fn arithmetic(op: ArithOp, a: &Expr, b: &Expr) -> String {
    let (left, right) = match op {
        ArithOp::Add | ArithOp::Sub => (Rank::Sum, Rank::Product),
        ArithOp::Mul | ArithOp::Div => (Rank::Product, Rank::Sign),
    };
    format!("{} {} {}", text(a, left), op.sign(), text(b, right))
}

fn argument(arg: &Arg) -> String {
    let Some(name) = &arg.name else {
        return expression(&arg.value);
    };
    // A key of several values is written as such.
    let value = match &arg.value.kind {
        ExprKind::Items(parts) if name.name == "by" && parts.len() > 1 => format!("({})", row(parts)),
        _ => expression(&arg.value),
    };
    format!("{}={value}", name.name)
}
