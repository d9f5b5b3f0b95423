// SPDX-License-Identifier: Apache-2.0
//! Features: what is counted, under which key, over how long.

mod baseline;
mod definition;
mod key;
mod parts;
mod read;
mod taken;

pub(super) use baseline::{check_baseline, inline as baseline_inline};
pub(super) use key::{entity, event_named, label_name, slot};
pub(super) use parts::example;
pub(crate) use parts::{ARGUMENTS, known as argument_names};
pub(super) use read::{read, read_part};

use super::Context;
use super::express::{Scope, boolean};
use super::names::{Meaning, id, not_time};
use crate::ir::{CheckedFeature, Counted, Typed};
use crate::limits;
use crate::program::Aggregate;
use crate::syntax::tree::{Expr, ExprKind, FeatureDecl, File};
use parts::Parts;
use wardroom_event::{Span, Type, TypeId};
use wardroom_report::{Diagnostic, Loc};

/// A fault has been reported.
struct Faulty;

/// What a feature does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It counts events.
    Counts,
    /// It says what another one usually counts.
    Baseline,
    /// It is computed when it is read.
    Computed,
}

/// What a feature does, by the look of it. `min(a, b)` is computed, `min(amount, of=payment, …)` counts.
pub(super) fn kind_of(value: &Expr) -> Kind {
    let ExprKind::Call(called, args) = &value.kind else {
        return Kind::Computed;
    };
    let ExprKind::Name(word) = &called.kind else {
        return Kind::Computed;
    };
    let counts = args.iter().flat_map(|a| &a.name).any(|n| ARGUMENTS.contains(&n.name.as_str()));
    match word.as_str() {
        "baseline" => Kind::Baseline,
        "min" | "max" | "sum" if !counts => Kind::Computed,
        word if counts || Aggregate::NAMES.contains(&word) => Kind::Counts,
        _ => Kind::Computed,
    }
}

pub(super) fn check(cx: &mut Context<'_>, file: &File, decl: &FeatureDecl) {
    let before = cx.diagnostics.errors();
    not_time(cx, &decl.name);
    let feature = feature(cx, file, decl);
    let faulty = cx.diagnostics.errors() > before;
    let meaning = match feature {
        Ok(feature) if !faulty => {
            cx.checked.features.push(feature);
            Meaning::Feature(cx.checked.features.len() - 1)
        }
        _ => Meaning::Broken,
    };
    cx.names.declare(&file.namespace, &decl.name, ("feature", meaning), cx.diagnostics);
}

/// What can be checked without the rest is, so that one fault does not hide the next.
fn feature(cx: &mut Context<'_>, file: &File, decl: &FeatureDecl) -> Result<CheckedFeature, Faulty> {
    let (word, args) = parts::aggregate(cx, &decl.value)?;
    let parts = parts::parts(cx, &file.namespace, word, args);
    let window = window(cx, word, &parts, decl.value.loc);
    let including_self = parts::including_self(cx, word, &parts);
    let events = parts::events_of(cx, word, &parts, &decl.value).and_then(|expr| key::events(cx, expr))?;
    let by = parts.get("by").map_or(Ok(Vec::new()), |by| key::key(cx, &events, by));
    let place = taken::place_names(cx, word, &parts, &events);
    let mut counted = Vec::new();
    let mut faulty = false;
    for event in &events {
        // Every event type is looked at, so that what is wrong with one does not hide the next.
        match count(cx, file, *event, word, &parts, decl.value.loc) {
            Ok(one) => counted.push(one),
            Err(Faulty) => faulty = true,
        }
    }
    let aggregate = taken::aggregate(cx, word, &parts, &counted, decl.value.loc);
    let (window, by, place, including_self) = (window?, by?, place?, including_self?);
    let aggregate = aggregate?;
    if faulty {
        return Err(Faulty);
    }
    for one in &mut counted {
        one.key = by.iter().map(|k| slot(cx, one.event, k)).collect();
    }
    let kind = taken::reads_as(aggregate, &counted);
    let text: Box<str> = definition::shown(cx, word, &parts, window).into();
    let stream = definition::stream(cx, &counted, &by);
    let definition = definition::meaning(aggregate, window, &stream);
    let id = id(&file.namespace, &decl.name.name).into();
    Ok(CheckedFeature {
        id,
        aggregate,
        window,
        kind,
        including_self,
        by,
        place,
        counted,
        text,
        stream,
        definition,
    })
}

/// What is counted of one event type; its key is filled in later.
fn count(
    cx: &mut Context<'_>,
    file: &File,
    event: TypeId,
    word: &str,
    parts: &Parts<'_>,
    loc: Loc,
) -> Result<Counted, Faulty> {
    let scope = Scope::filter(event, &file.namespace);
    let taken = taken::taken(cx, &scope, word, parts, loc);
    // The condition of a ratio says which of the events are asked for, not which are counted.
    let filter = parts.get("where").filter(|_| word != "ratio");
    let filter = filter.map(|expr| condition(cx, &scope, expr)).transpose();
    Ok(Counted { event, key: Vec::new(), taken: taken?, filter: filter? })
}

fn condition(cx: &mut Context<'_>, scope: &Scope<'_>, expr: &Expr) -> Result<Typed, Faulty> {
    boolean(cx, scope, expr).ok_or(Faulty)
}

fn report<T>(cx: &mut Context<'_>, diagnostic: Diagnostic) -> Result<T, Faulty> {
    cx.diagnostics.push(diagnostic);
    Err(Faulty)
}

fn window(cx: &mut Context<'_>, word: &str, parts: &Parts<'_>, loc: Loc) -> Result<Option<Span>, Faulty> {
    let Some(expr) = parts.get("last") else {
        if matches!(word, "first_seen" | "last") {
            return Ok(None);
        }
        let d = Diagnostic::error("W0403", loc, format!("{word} needs `last=`: how far back it counts"));
        return report(cx, d.help("add last=\"1h\""));
    };
    let span = span(cx, parts.namespace, expr, "last")?;
    in_range(cx, span, expr.loc).map(Some)
}

fn in_range(cx: &mut Context<'_>, span: Span, loc: Loc) -> Result<Span, Faulty> {
    if (limits::WINDOW_LEAST..=limits::WINDOW_MOST).contains(&span) {
        return Ok(span);
    }
    let days = limits::WINDOW_MOST.0 / Span::from_secs(86_400).0;
    let d = Diagnostic::error("W0403", loc, format!("a window of {span} is out of range"))
        .help(format!("between {} and {days}d", limits::WINDOW_LEAST));
    report(cx, d)
}

fn example_of(argument: &str) -> String {
    format!("write: {argument}=\"{}\"", if argument == "over" { "28d" } else { "1h" })
}

/// A length of time, written out or a constant.
fn span(cx: &mut Context<'_>, namespace: &str, expr: &Expr, argument: &str) -> Result<Span, Faulty> {
    let literal = cx.literal(namespace, expr);
    let ExprKind::Text(text) = &literal.kind else {
        let d = Diagnostic::error("W0403", expr.loc, "a length of time is written in quotes");
        return report(cx, d.help(example_of(argument)));
    };
    Span::parse(text).or_else(|e| {
        let d = Diagnostic::error("W0305", expr.loc, format!("no length of time: {e}"));
        report(cx, d.help(example_of(argument)))
    })
}

/// The event type a scope judges must have the fields of a feature's key.
fn readable(cx: &Context<'_>, feature: usize, on: TypeId) -> Result<(), String> {
    let event = cx.checked.schema.get(on);
    let feature = &cx.checked.features[feature];
    let places = feature.place.iter().flat_map(|(lat, lon)| [lat, lon]);
    for key in feature.by.iter().chain(places) {
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

/// Whether a type's values can be told apart, held, and be part of a key.
fn is_single(kind: Type) -> bool {
    kind != Type::List
}
