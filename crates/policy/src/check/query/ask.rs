// SPDX-License-Identifier: Apache-2.0
//! What queries say in words of their own, in words that rules have: `verdict >= review` is one of several texts,
//! `fired("rule")` is a field, `decision.source` is what `source` would be.

use super::Says;
use crate::Verdict;
use crate::check::names::Meaning;
use crate::check::{Context, express::dotted, feature::label_name};
use crate::query::fold::AGGREGATES;
use crate::query::own::{Asked, DECISION, Own, fired_name, labelled_name};
use crate::syntax::tree::{Arg, CompareOp, Expr, ExprKind};
use std::collections::HashMap;
use wardroom_event::nearest;
use wardroom_report::Diagnostic;

/// Aggregates that no function of the language has the name of.
const ONLY_AGGREGATES: [&str; 7] = ["count", "distinct", "mean", "median", "quantile", "first", "last"];

/// What `fired(…)` and `labelled("…")` ask for, as fields.
pub(super) fn collect(expr: &Expr, asked: &mut HashMap<Box<str>, Asked>) {
    if let Some((name, what)) = asks(expr) {
        asked.insert(name.into(), what);
    }
    expr.kind.children().into_iter().for_each(|child| collect(child, asked));
}

/// The name of the field that a call stands for, and what that is.
fn asks(expr: &Expr) -> Option<(String, Asked)> {
    let ExprKind::Call(of, args) = &expr.kind else { return None };
    let (ExprKind::Name(function), [Arg { name: None, value }]) = (&of.kind, args.as_slice()) else {
        return None;
    };
    let text = match &value.kind {
        ExprKind::Text(text) => text.clone(),
        _ if function == "fired" => dotted(value)?,
        _ => return None,
    };
    match function.as_str() {
        "fired" => Some((fired_name(&text), Asked::Fired(text.into()))),
        "labelled" => Some((labelled_name(&text), Asked::Labelled(text.into()))),
        _ => None,
    }
}

/// The expression in words that rules have.
pub(super) fn settle(cx: &mut Context<'_>, says: &Says, expr: &Expr) -> Expr {
    let kind = match &expr.kind {
        ExprKind::Attr(of, name) if is_decision(cx, of) => match Own::named(&name.name) {
            Some(own) => ExprKind::Name(says.name_of(own).to_owned()),
            None => {
                let d = Diagnostic::error("W0201", name.loc, format!("a decision has no `{}`", name.name));
                let names = Own::ALL.map(Own::name);
                cx.diagnostics.push(match nearest(&name.name, names) {
                    Some(near) => d.help(format!("did you mean `{near}`?")),
                    None => d.help(format!("what is known of it: {}", names.join(", "))),
                });
                ExprKind::Bad
            }
        },
        ExprKind::Call(of, args) => match called(cx, expr, of, args) {
            Some(kind) => kind,
            None => ExprKind::Call(of.clone(), settle_args(cx, says, args)),
        },
        ExprKind::Compare(op, a, b) => compared(cx, says, *op, a, b),
        ExprKind::In { needle, hay, negated } => {
            let hay = match &hay.kind {
                ExprKind::Items(items) if is_verdict(says, needle) => {
                    let items = items.iter().map(|item| verdict_text(cx, item)).collect();
                    Expr { kind: ExprKind::Items(items), ..(**hay).clone() }
                }
                _ => settle(cx, says, hay),
            };
            ExprKind::In { needle: settle(cx, says, needle).into(), hay: hay.into(), negated: *negated }
        }
        other => rest(cx, says, other),
    };
    Expr { kind, loc: expr.loc, height: expr.height }
}

/// The forms whose parts are all that there is to settle.
fn rest(cx: &mut Context<'_>, says: &Says, kind: &ExprKind) -> ExprKind {
    let mut one = |of: &Expr| Box::new(settle(cx, says, of));
    match kind {
        ExprKind::Attr(of, name) => ExprKind::Attr(one(of), name.clone()),
        ExprKind::Items(parts) => ExprKind::Items(parts.iter().map(|p| *one(p)).collect()),
        ExprKind::Not(of) => ExprKind::Not(one(of)),
        ExprKind::Neg(of) => ExprKind::Neg(one(of)),
        ExprKind::And(parts) => ExprKind::And(parts.iter().map(|p| *one(p)).collect()),
        ExprKind::Or(parts) => ExprKind::Or(parts.iter().map(|p| *one(p)).collect()),
        ExprKind::Arith(op, a, b) => ExprKind::Arith(*op, one(a), one(b)),
        ExprKind::IsMissing { of, negated } => ExprKind::IsMissing { of: one(of), negated: *negated },
        ExprKind::Each { body, var, over, filter } => ExprKind::Each {
            body: one(body),
            var: var.clone(),
            over: one(over),
            filter: filter.as_ref().map(|f| one(f)),
        },
        ExprKind::If { then, cond, other } => {
            ExprKind::If { then: one(then), cond: one(cond), other: one(other) }
        }
        other => other.clone(),
    }
}

fn settle_args(cx: &mut Context<'_>, says: &Says, args: &[Arg]) -> Vec<Arg> {
    args.iter().map(|a| Arg { name: a.name.clone(), value: settle(cx, says, &a.value) }).collect()
}

/// Whether it is the word before what is known of a decision.
fn is_decision(cx: &Context<'_>, of: &Expr) -> bool {
    matches!(&of.kind, ExprKind::Name(name) if name == DECISION) && cx.names.meaning("", DECISION).is_none()
}

/// A call that only queries have; `None` for those that rules have too.
fn called(cx: &mut Context<'_>, expr: &Expr, of: &Expr, args: &[Arg]) -> Option<ExprKind> {
    let ExprKind::Name(function) = &of.kind else { return None };
    if let Some((name, asked)) = asks(expr) {
        match asked {
            Asked::Fired(rule) => known_rule(cx, &args[0].value, &rule),
            _ if label_name(cx, &args[0].value).is_none() => return Some(ExprKind::Bad),
            _ => {}
        }
        return Some(ExprKind::Name(name));
    }
    if function == "fired" {
        let d = Diagnostic::error("W0309", expr.loc, "`fired` takes the name of a rule");
        cx.diagnostics.push(d.help("write: fired(\"ssh.brute_force\")"));
        return Some(ExprKind::Bad);
    }
    if ONLY_AGGREGATES.contains(&function.as_str()) && AGGREGATES.contains(&function.as_str()) {
        let d = Diagnostic::error("W1002", of.loc, format!("`{function}` is over many events"));
        let d = d.label("only one event is at hand here");
        cx.diagnostics.push(d.help(format!("it stands alone in `show`: show {function}(…)")));
        return Some(ExprKind::Bad);
    }
    None
}

/// A rule that the policy does not have may have been one once: that is worth a warning, and no more.
fn known_rule(cx: &mut Context<'_>, at: &Expr, rule: &str) {
    let is_rule = |meaning| matches!(meaning, Meaning::Rule(_));
    if cx.names.meaning("", rule).is_some_and(is_rule) {
        return;
    }
    let d = Diagnostic::warning("W1007", at.loc, format!("the policy in force has no rule `{rule}`"));
    let d = match cx.near(rule, cx.names.written("", |m| matches!(m, Meaning::Rule(_)))) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.note("that is right where an earlier policy had it"),
    };
    cx.diagnostics.push(d);
}

fn is_verdict(says: &Says, expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Name(name) => *name == says.name_of(Own::Verdict),
        ExprKind::Attr(of, name) => {
            name.name == Own::Verdict.name() && matches!(&of.kind, ExprKind::Name(n) if n == DECISION)
        }
        _ => false,
    }
}

/// A comparison; where it is one of verdicts, their order is put in words.
fn compared(cx: &mut Context<'_>, says: &Says, op: CompareOp, a: &Expr, b: &Expr) -> ExprKind {
    let (verdict, op, other) = match (is_verdict(says, a), is_verdict(says, b)) {
        (true, _) => (a, op, b),
        (false, true) => (b, op.mirrored(), a),
        _ => return ExprKind::Compare(op, settle(cx, says, a).into(), settle(cx, says, b).into()),
    };
    let verdict = Box::new(settle(cx, says, verdict));
    let text = verdict_text(cx, other);
    let limit = match &text.kind {
        ExprKind::Text(name) => Verdict::named(name),
        _ => None,
    };
    let Some(limit) = limit.filter(|_| op.orders()) else {
        return ExprKind::Compare(op, verdict, text.into());
    };
    if let (CompareOp::Lt, Verdict::Allow) | (CompareOp::Gt, Verdict::Block) = (op, limit) {
        let d = Diagnostic::error("W0501", other.loc, format!("no verdict is beyond `{limit}`"));
        cx.diagnostics.push(d);
        return ExprKind::Bad;
    }
    let holds = |v: &Verdict| match op {
        CompareOp::Lt => *v < limit,
        CompareOp::Le => *v <= limit,
        CompareOp::Gt => *v > limit,
        _ => *v >= limit,
    };
    let literal = |v: Verdict| Expr { kind: ExprKind::Text(v.name().to_owned()), loc: other.loc, height: 1 };
    let items = Verdict::ALL.into_iter().filter(holds).map(literal).collect();
    let hay = Expr { kind: ExprKind::Items(items), loc: other.loc, height: 2 };
    ExprKind::In { needle: verdict, hay: hay.into(), negated: false }
}

/// The text of a verdict that is named without quotes.
fn verdict_text(cx: &mut Context<'_>, expr: &Expr) -> Expr {
    let ExprKind::Name(name) = &expr.kind else { return expr.clone() };
    let kind = if Verdict::named(name).is_some() {
        ExprKind::Text(name.clone())
    } else {
        let names = Verdict::ALL.map(Verdict::name);
        let d = Diagnostic::error("W0603", expr.loc, format!("no verdict `{name}`"));
        cx.diagnostics.push(match nearest(name, names) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d.help(format!("the verdicts are: {}", names.join(", "))),
        });
        ExprKind::Bad
    };
    Expr { kind, ..expr.clone() }
}
