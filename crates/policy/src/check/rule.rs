// SPDX-License-Identifier: Apache-2.0
//! Rules: condition, what follows, why, and whether it decides.

use super::Context;
use super::express::{Scope, boolean, value};
use super::feature::event_named;
use super::names::{Meaning, id};
use crate::ir::{CheckedPiece, CheckedRule, Node, Typed};
use crate::program::{Aggregate, Mode};
use crate::syntax::plain::one_line;
use crate::syntax::tree::{CompareOp, Expr, ExprKind, File, Ident, RuleDecl, TemplatePiece};
use crate::{Verdict, limits};
use wardroom_event::{Type, TypeId, Value, nearest};
use wardroom_report::{Diagnostic, Loc};

/// Declares the rule's name before any rule is checked, so that what a name means does not hang on the order of
/// rules. Its number counts rules with faults too: with those there is no program for it to be wrong in.
pub(super) fn declare(cx: &mut Context<'_>, file: &File, decl: &RuleDecl) {
    let meaning = Meaning::Rule(cx.names.rules);
    cx.names.rules += 1;
    cx.names.declare(&file.namespace, &decl.name, ("rule", meaning), cx.diagnostics);
}

pub(super) fn check(cx: &mut Context<'_>, file: &File, decl: &RuleDecl) {
    let rule = rule(cx, file, decl);
    cx.checked.rules.extend(rule);
}

fn rule(cx: &mut Context<'_>, file: &File, decl: &RuleDecl) -> Option<CheckedRule> {
    let follows = follows(cx, &decl.then);
    let mode = decl.mode.as_ref().map_or(Some(Mode::Live), |word| mode(cx, word));
    let missing = decl.missing.as_ref().map_or(Some(Missing::Nothing), |word| missing(cx, word));
    let on = event_named(cx, &decl.on)?;
    let scope = Scope::rule(on, &file.namespace);
    let when = decl.when.as_ref().and_then(|when| boolean(cx, &scope, when));
    let because = because(cx, &scope, decl);
    let when = when?;
    report_constant(cx, &when);
    beyond_exact(cx, &when);
    let terms = terms(cx, when);
    let (verdict, ask) = follows?;
    let missing = missing?;
    Some(CheckedRule {
        id: id(&file.namespace, &decl.name.name).into(),
        on,
        terms,
        verdict,
        ask,
        because,
        mode: mode?,
        missing: match missing {
            Missing::Nothing => None,
            Missing::Holds => Some(verdict),
            Missing::Review => Some(Verdict::Review),
        },
        owner: decl.owner.as_ref().map(|o| o.name.as_str().into()),
    })
}

/// The terms of a condition that is `and` at its top.
fn terms(cx: &Context<'_>, when: Typed) -> Vec<(Typed, Box<str>)> {
    let parts = match when.node {
        Node::All(parts) => parts,
        _ => vec![when],
    };
    let text = |t: &Typed| one_line(cx.sources, t.loc).into();
    parts
        .into_iter()
        .map(|t| {
            let text = text(&t);
            (t, text)
        })
        .collect()
}

/// A condition that reads nothing of the event is the same for every event.
fn report_constant(cx: &mut Context<'_>, when: &Typed) {
    let message = match when.node {
        Node::Const(Value::Bool(always)) => format!("the condition is always {always}"),
        _ if !reads(when) => "the condition is the same for every event".to_owned(),
        _ => return,
    };
    let d = Diagnostic::error("W0501", when.loc, message);
    cx.diagnostics.push(d.help("say what must hold of the event, such as a field or a feature of it"));
}

/// Whether the expression depends on anything but itself.
fn reads(typed: &Typed) -> bool {
    match &typed.node {
        Node::Field(_) | Node::Time | Node::Feature(_) | Node::InList(..) => true,
        _ => typed.children().into_iter().any(reads),
    }
}

/// `distinct` counts so many and no more; what needs more never happens.
fn beyond_exact(cx: &mut Context<'_>, typed: &Typed) {
    if let Node::Compare(op, a, b) = &typed.node {
        report_beyond(cx, *op, a, b);
        report_beyond(cx, op.mirrored(), b, a);
    }
    for child in typed.children() {
        beyond_exact(cx, child);
    }
}

fn report_beyond(cx: &mut Context<'_>, op: CompareOp, feature: &Typed, limit: &Typed) {
    let feature = match &feature.node {
        Node::Widen(of) => &of.node,
        node => node,
    };
    let most = limits::DISTINCT_EXACT as f64;
    let limit_is = match &limit.node {
        Node::Const(Value::Int(n)) => *n as f64,
        Node::Const(Value::Number(n)) => *n,
        _ => return,
    };
    let Node::Feature(number) = feature else {
        return;
    };
    let reached = limit_is < most || (limit_is == most && !matches!(op, CompareOp::Gt | CompareOp::Le));
    if cx.checked.features[*number].aggregate != Aggregate::Distinct || reached {
        return;
    }
    let message = format!("distinct counts up to {} items a key", limits::DISTINCT_EXACT);
    cx.diagnostics.push(
        Diagnostic::error("W0406", limit.loc, message)
            .label("it never comes to more than that")
            .help("compare with less, or count over a shorter window"),
    );
}

/// What follows: exactly one verdict for now.
fn follows(cx: &mut Context<'_>, then: &[Expr]) -> Option<(Verdict, Option<Box<str>>)> {
    let mut found: Option<(Verdict, Option<Box<str>>)> = None;
    let mut first: Option<Loc> = None;
    for action in then {
        let Some(verdict) = verdict(cx, action) else {
            continue;
        };
        if found.replace(verdict).is_some() {
            let d = Diagnostic::error("W0503", action.loc, "a second verdict");
            let d = first.iter().fold(d, |d, loc| d.also(*loc, "the first is here"));
            cx.diagnostics.push(d.help("a rule gives one verdict; write another rule for the other"));
        }
        first.get_or_insert(action.loc);
    }
    found
}

/// A verdict, with what to ask for where it says so.
fn verdict(cx: &mut Context<'_>, action: &Expr) -> Option<(Verdict, Option<Box<str>>)> {
    let (name, args) = match &action.kind {
        ExprKind::Name(name) => (name, &[][..]),
        ExprKind::Call(of, args) => match &of.kind {
            ExprKind::Name(name) => (name, args.as_slice()),
            _ => return unknown_action(cx, action, ""),
        },
        _ => return unknown_action(cx, action, ""),
    };
    let Some(verdict) = Verdict::named(name) else {
        return unknown_action(cx, action, name);
    };
    match args {
        [] => Some((verdict, None)),
        [arg] => match &arg.value.kind {
            ExprKind::Text(text) if arg.name.is_none() => Some((verdict, Some(text.as_str().into()))),
            _ => wrong_ask(cx, &arg.value),
        },
        [_, second, ..] => wrong_ask(cx, &second.value),
    }
}

fn wrong_ask<T>(cx: &mut Context<'_>, arg: &Expr) -> Option<T> {
    cx.diagnostics.push(
        Diagnostic::error("W0502", arg.loc, "a verdict takes at most what to ask for, in quotes")
            .help("write: then challenge(\"second factor\")"),
    );
    None
}

fn unknown_action<T>(cx: &mut Context<'_>, action: &Expr, name: &str) -> Option<T> {
    let names = Verdict::ALL.map(Verdict::name);
    let d = Diagnostic::error("W0502", action.loc, "expected a verdict");
    let d = match (name, nearest(name, names)) {
        ("label" | "list" | "case" | "notify" | "webhook", _) => {
            d.note(format!("the effect `{name}` is kept for a later version of the language"))
        }
        (_, Some(near)) => d.help(format!("did you mean `{near}`?")),
        _ => d.help(format!("the verdicts are: {}", names.join(", "))),
    };
    cx.diagnostics.push(d);
    None
}

fn because(cx: &mut Context<'_>, scope: &Scope<'_>, decl: &RuleDecl) -> Vec<CheckedPiece> {
    let mut pieces = Vec::new();
    for piece in decl.because.iter().flatten() {
        match piece {
            TemplatePiece::Text(text) => pieces.push(CheckedPiece::Text(text.as_str().into())),
            TemplatePiece::Expr(expr) => {
                let shown = value(cx, scope, expr).map(|typed| (shown_as(&typed), typed));
                pieces.extend(shown.map(|(kind, typed)| CheckedPiece::Value(kind, typed)));
            }
        }
    }
    pieces
}

/// The type a value is shown as. Text taken from what names a person (`email.local`, `account.lower()`) still names
/// one, and is masked like it.
fn shown_as(typed: &Typed) -> Type {
    if typed.kind == Type::Text && names_person(typed) { Type::Account } else { typed.kind }
}

fn names_person(typed: &Typed) -> bool {
    typed.kind.is_personal() || (typed.kind == Type::Text && typed.children().into_iter().any(names_person))
}

fn mode(cx: &mut Context<'_>, word: &Ident) -> Option<Mode> {
    let found = Mode::named(&word.name);
    if found.is_none() {
        let names = Mode::ALL.map(Mode::name);
        let d = Diagnostic::error("W0504", word.loc, format!("no mode `{}`", word.name));
        cx.diagnostics.push(match nearest(&word.name, names) {
            _ if word.name == "canary" => d.note("`canary` is kept for a later version of the language"),
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d.help(format!("the modes are: {}", names.join(", "))),
        });
    }
    found
}

/// What follows when the condition is unknown.
#[derive(Clone, Copy)]
enum Missing {
    Nothing,
    Holds,
    Review,
}

fn missing(cx: &mut Context<'_>, word: &Ident) -> Option<Missing> {
    match word.name.as_str() {
        "false" | "False" => Some(Missing::Nothing),
        "true" | "True" => Some(Missing::Holds),
        "review" => Some(Missing::Review),
        _ => {
            cx.diagnostics.push(
                Diagnostic::error("W0505", word.loc, format!("`missing` cannot be `{}`", word.name)).help(
                    "false: an unknown condition does not fire; true: it fires; review: a person decides",
                ),
            );
            None
        }
    }
}

/// The event type a scope judges must have the fields of a feature's key.
pub(super) fn readable(cx: &Context<'_>, feature: usize, on: TypeId) -> Result<(), String> {
    let event = cx.checked.schema.get(on);
    for key in &cx.checked.features[feature].by {
        match event.slot(&key.field) {
            _ if cx.is_broken(on, &key.field) => {}
            None => {
                return Err(format!(
                    "it is counted by `{}`, and event type `{}` has no such field",
                    key.field, event.name
                ));
            }
            Some(slot) if event.fields[slot].kind != key.field_kind => {
                let other = event.fields[slot].kind;
                return Err(format!(
                    "it is counted by `{}` of type {}; in `{}` that is of type {other}",
                    key.field, key.field_kind, event.name
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}
