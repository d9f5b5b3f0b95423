// SPDX-License-Identifier: Apache-2.0
//! Rules: condition, what follows, why, and whether it decides.

use super::Context;
use super::express::{Scope, boolean, value};
use super::feature::event_named;
use super::names::{Meaning, id};
use crate::ir::{CheckedPiece, CheckedRule, Node, Typed};
use crate::program::Mode;
use crate::syntax::tree::{Expr, ExprKind, File, Ident, RuleDecl, TemplatePiece};
use crate::{Verdict, limits};
use wardroom_event::{TypeId, Value, nearest};
use wardroom_report::Diagnostic;

pub(super) fn check(cx: &mut Context<'_>, file: &File, decl: &RuleDecl) {
    let before = cx.diagnostics.len();
    let rule = rule(cx, file, decl);
    let faulty = cx.diagnostics[before..].iter().any(Diagnostic::is_error);
    let meaning = match rule {
        Some(rule) if !faulty => {
            cx.checked.rules.push(rule);
            Meaning::Rule(cx.checked.rules.len() - 1)
        }
        _ => Meaning::Broken,
    };
    cx.names.declare(&file.namespace, &decl.name, ("rule", meaning), cx.diagnostics);
}

fn rule(cx: &mut Context<'_>, file: &File, decl: &RuleDecl) -> Option<CheckedRule> {
    let on = event_named(cx, &decl.on)?;
    let scope = Scope::rule(on, &file.namespace);
    let when = decl.when.as_ref().and_then(|when| boolean(cx, &scope, when));
    let follows = follows(cx, &decl.then);
    let because = because(cx, &scope, decl);
    let mode = decl.mode.as_ref().map_or(Some(Mode::Live), |word| mode(cx, word));
    let missing = decl.missing.as_ref().map_or(Some(Missing::Nothing), |word| missing(cx, word));
    let (verdict, ask) = follows?;
    let when = when?;
    if let Node::Const(Value::Bool(always)) = when.node {
        cx.diagnostics.push(
            Diagnostic::error("W0501", when.loc, format!("the condition is always {always}"))
                .help("say what must hold of the event"),
        );
    }
    let terms = terms(cx, when);
    for (term, _) in &terms {
        beyond_exact(cx, term);
    }
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
    let text = |t: &Typed| cx.sources.slice(t.loc).split_whitespace().collect::<Vec<_>>().join(" ");
    parts
        .into_iter()
        .map(|t| {
            let text = text(&t).into();
            (t, text)
        })
        .collect()
}

/// `distinct` stops counting exactly; a rule that compares with more would never fire.
fn beyond_exact(cx: &mut Context<'_>, term: &Typed) {
    let Node::Compare(_, a, b) = &term.node else {
        return;
    };
    for (feature, limit) in [(a, b), (b, a)] {
        let (Node::Feature(number), Node::Const(Value::Int(n))) = (&feature.node, &limit.node) else {
            continue;
        };
        let aggregate = cx.checked.features[*number].aggregate;
        if aggregate == crate::Aggregate::Distinct && *n >= limits::DISTINCT_EXACT {
            let message = format!("distinct counts up to {} items a key", limits::DISTINCT_EXACT);
            cx.diagnostics.push(
                Diagnostic::error("W0406", limit.loc, message)
                    .label("never reached")
                    .help("compare with less, or count a shorter window"),
            );
        }
    }
}

/// What follows: exactly one verdict for now.
fn follows(cx: &mut Context<'_>, then: &[Expr]) -> Option<(Verdict, Option<Box<str>>)> {
    let mut found: Option<(Verdict, Option<Box<str>>)> = None;
    for action in then {
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
        let ask = match args {
            [] => None,
            [one] if one.name.is_none() => match &one.value.kind {
                ExprKind::Text(text) => Some(text.as_str().into()),
                _ => return wrong_ask(cx, &one.value),
            },
            [first, ..] => return wrong_ask(cx, &first.value),
        };
        if found.replace((verdict, ask)).is_some() {
            cx.diagnostics.push(
                Diagnostic::error("W0503", action.loc, "a second verdict")
                    .help("a rule gives one verdict; write another rule for the other"),
            );
        }
    }
    found
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
            TemplatePiece::Expr(expr) => pieces.extend(value(cx, scope, expr).map(CheckedPiece::Value)),
        }
    }
    pieces
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
