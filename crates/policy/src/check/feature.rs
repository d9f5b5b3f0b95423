// SPDX-License-Identifier: Apache-2.0
//! Features: what is counted, under which key, over how long.

use super::Context;
use super::express::{Scope, boolean};
use super::names::{Meaning, id};
use crate::ir::{CheckedFeature, Counted, KeyName};
use crate::limits;
use crate::program::{Aggregate, KeyPath};
use crate::syntax::tree::{Arg, Expr, ExprKind, FeatureDecl, File, Ident};
use wardroom_event::{Part, Span, Type, TypeId, nearest};
use wardroom_report::{Diagnostic, Loc};

/// Aggregates the design has and this version has not.
const LATER: [&str; 12] = [
    "sum", "mean", "min", "max", "last", "seen", "rate", "quantile", "ratio", "baseline", "speed", "sequence",
];

/// A fault has been reported.
struct Faulty;

pub(super) fn check(cx: &mut Context<'_>, file: &File, decl: &FeatureDecl) {
    let before = cx.diagnostics.len();
    let feature = feature(cx, file, decl);
    let faulty = cx.diagnostics[before..].iter().any(Diagnostic::is_error);
    let meaning = match feature {
        Ok(feature) if !faulty => {
            cx.checked.features.push(feature);
            Meaning::Feature(cx.checked.features.len() - 1)
        }
        _ => Meaning::Broken,
    };
    cx.names.declare(&file.namespace, &decl.name, ("feature", meaning), cx.diagnostics);
}

/// The arguments of an aggregate, taken apart.
#[derive(Default)]
struct Parts<'a> {
    first: Option<&'a Expr>,
    of: Option<&'a Expr>,
    by: Option<&'a Expr>,
    filter: Option<&'a Expr>,
    last: Option<&'a Expr>,
}

fn feature(cx: &mut Context<'_>, file: &File, decl: &FeatureDecl) -> Result<CheckedFeature, Faulty> {
    let (aggregate, args) = aggregate(cx, &decl.value)?;
    let parts = parts(cx, aggregate, args, decl.value.loc)?;
    let (events_expr, item_expr) = match aggregate {
        Aggregate::Distinct => (parts.of, parts.first),
        _ => (parts.first, None),
    };
    let Some(events_expr) = events_expr else {
        let (message, help) = match aggregate {
            Aggregate::Distinct => (
                "distinct needs `of=`: the events to look at",
                "distinct(account, of=login, by=ip, last=\"1h\")",
            ),
            _ => ("the events to count are missing", "count(login, by=ip, last=\"1h\")"),
        };
        return report(cx, Diagnostic::error("W0402", decl.value.loc, message).help(help));
    };
    let events = events(cx, events_expr)?;
    let window = window(cx, aggregate, parts.last, decl.value.loc)?;
    let by = match parts.by {
        Some(by) => key(cx, &events, by)?,
        None => Vec::new(),
    };
    let item = match item_expr {
        Some(expr) => Some(path(cx, &events, expr)?),
        None if aggregate == Aggregate::Distinct => {
            let d = Diagnostic::error("W0402", decl.value.loc, "distinct needs what to tell apart")
                .help("distinct(account, of=login, by=ip, last=\"1h\")");
            return report(cx, d);
        }
        None => None,
    };
    let mut counted = Vec::new();
    for event in &events {
        let filter = match parts.filter {
            Some(expr) => Some(boolean(cx, &Scope::filter(*event, &file.namespace), expr).ok_or(Faulty)?),
            None => None,
        };
        counted.push(Counted {
            event: *event,
            key: by.iter().map(|k| slot(cx, *event, k)).collect(),
            item: item.as_ref().map(|k| slot(cx, *event, k)),
            filter,
        });
    }
    let kind = if aggregate == Aggregate::FirstSeen { Type::Time } else { Type::Int };
    let definition = definition(cx, aggregate, &parts, window);
    let id = id(&file.namespace, &decl.name.name).into();
    Ok(CheckedFeature { id, aggregate, window, kind, by, counted, definition })
}

fn report<T>(cx: &mut Context<'_>, diagnostic: Diagnostic) -> Result<T, Faulty> {
    cx.diagnostics.push(diagnostic);
    Err(Faulty)
}

fn aggregate<'e>(cx: &mut Context<'_>, value: &'e Expr) -> Result<(Aggregate, &'e [Arg]), Faulty> {
    let ExprKind::Call(name, args) = &value.kind else {
        let d = Diagnostic::error("W0401", value.loc, "a feature counts something")
            .help("write: feature failures = count(login, where=not ok, by=ip, last=\"1h\")");
        return report(cx, d);
    };
    let ExprKind::Name(word) = &name.kind else {
        return report(cx, Diagnostic::error("W0401", name.loc, "expected count, distinct or first_seen"));
    };
    let found =
        [Aggregate::Count, Aggregate::Distinct, Aggregate::FirstSeen].into_iter().find(|a| a.name() == word);
    let Some(found) = found else {
        let d = Diagnostic::error("W0401", name.loc, format!("no aggregate `{word}`"));
        let d = if LATER.contains(&word.as_str()) {
            d.note(format!("`{word}` is kept for a later version of the language"))
        } else {
            let near = nearest(word, ["count", "distinct", "first_seen"]);
            d.help(near.map_or("there are count, distinct and first_seen".into(), |n| {
                format!("did you mean `{n}`?")
            }))
        };
        return report(cx, d);
    };
    Ok((found, args))
}

fn parts<'e>(cx: &mut Context<'_>, of: Aggregate, args: &'e [Arg], loc: Loc) -> Result<Parts<'e>, Faulty> {
    let known: &[&str] = match of {
        Aggregate::Distinct => &["of", "where", "by", "last"],
        _ => &["where", "by", "last"],
    };
    let mut parts = Parts::default();
    for arg in args {
        let Some(name) = &arg.name else {
            if parts.first.replace(&arg.value).is_some() {
                let d = Diagnostic::error(
                    "W0402",
                    arg.value.loc,
                    format!("{} takes one value without a name", of.name()),
                )
                .help(format!("the others are named: {}", known.join(", ")));
                return report(cx, d);
            }
            continue;
        };
        if !known.contains(&name.name.as_str()) {
            let d = Diagnostic::error(
                "W0402",
                name.loc,
                format!("{} has no argument `{}`", of.name(), name.name),
            );
            let near = nearest(&name.name, known.iter().copied());
            return report(
                cx,
                d.help(
                    near.map_or(format!("it has {}", known.join(", ")), |n| format!("did you mean `{n}`?")),
                ),
            );
        }
        let place = match name.name.as_str() {
            "of" => &mut parts.of,
            "where" => &mut parts.filter,
            "by" => &mut parts.by,
            _ => &mut parts.last,
        };
        if place.replace(&arg.value).is_some() {
            return report(
                cx,
                Diagnostic::error("W0107", name.loc, format!("`{}` is given twice", name.name)),
            );
        }
    }
    if parts.first.is_none() {
        let what = if of == Aggregate::Distinct { "what to tell apart" } else { "the events to count" };
        return report(cx, Diagnostic::error("W0402", loc, format!("{} needs {what}", of.name())));
    }
    Ok(parts)
}

/// One event type, or several in brackets.
fn events(cx: &mut Context<'_>, expr: &Expr) -> Result<Vec<TypeId>, Faulty> {
    let items = match &expr.kind {
        ExprKind::Items(items) => items.as_slice(),
        _ => std::slice::from_ref(expr),
    };
    let mut events = Vec::new();
    for item in items {
        let ExprKind::Name(name) = &item.kind else {
            return report(cx, Diagnostic::error("W0402", item.loc, "expected an event type"));
        };
        events.push(event_named(cx, &Ident { name: name.clone(), loc: item.loc }).ok_or(Faulty)?);
    }
    if events.is_empty() {
        return report(cx, Diagnostic::error("W0402", expr.loc, "expected an event type"));
    }
    Ok(events)
}

/// The event type of that name; reported where there is none.
pub(super) fn event_named(cx: &mut Context<'_>, name: &Ident) -> Option<TypeId> {
    let found = cx.checked.schema.id(&name.name);
    if found.is_none() {
        let names: Vec<&str> = cx.checked.schema.iter().map(|(_, t)| &*t.name).collect();
        let d = Diagnostic::error("W0201", name.loc, format!("no event type `{}`", name.name));
        let d = match nearest(&name.name, names.iter().copied()) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None if names.is_empty() => d.help("declare it: event login:"),
            None => d.help(format!("the policy declares: {}", names.join(", "))),
        };
        cx.diagnostics.push(d);
    }
    found
}

fn window(
    cx: &mut Context<'_>,
    of: Aggregate,
    last: Option<&Expr>,
    loc: Loc,
) -> Result<Option<Span>, Faulty> {
    let Some(expr) = last else {
        if of == Aggregate::FirstSeen {
            return Ok(None);
        }
        let d =
            Diagnostic::error("W0403", loc, format!("{} needs `last=`: how far back it counts", of.name()))
                .help("add last=\"1h\"");
        return report(cx, d);
    };
    let ExprKind::Text(text) = &expr.kind else {
        return report(
            cx,
            Diagnostic::error("W0403", expr.loc, "a length of time is written in quotes").help("last=\"1h\""),
        );
    };
    match Span::parse(text) {
        Ok(span) if (limits::WINDOW_LEAST..=limits::WINDOW_MOST).contains(&span) => Ok(Some(span)),
        Ok(span) => {
            let d = Diagnostic::error("W0403", expr.loc, format!("a window of {span} is out of range"))
                .help(format!("between {} and {}", limits::WINDOW_LEAST, limits::WINDOW_MOST));
            report(cx, d)
        }
        Err(e) => report(
            cx,
            Diagnostic::error("W0305", expr.loc, format!("no length of time: {e}")).help("last=\"1h\""),
        ),
    }
}

/// `by=ip`, `by=ip.net`, `by=(account, ip.net)`.
fn key(cx: &mut Context<'_>, events: &[TypeId], by: &Expr) -> Result<Vec<KeyName>, Faulty> {
    let items = match &by.kind {
        ExprKind::Items(items) => items.as_slice(),
        _ => std::slice::from_ref(by),
    };
    if items.len() > limits::KEY_PARTS {
        let message = format!("a key of {} parts; the most is {}", items.len(), limits::KEY_PARTS);
        return report(cx, Diagnostic::error("W0404", by.loc, message));
    }
    items.iter().map(|item| path(cx, events, item)).collect()
}

/// A field or a part of one, which every one of the events has under the same type.
fn path(cx: &mut Context<'_>, events: &[TypeId], expr: &Expr) -> Result<KeyName, Faulty> {
    let (field, part) = match &expr.kind {
        ExprKind::Name(name) => (Ident { name: name.clone(), loc: expr.loc }, None),
        ExprKind::Attr(of, part) => match &of.kind {
            ExprKind::Name(name) => (Ident { name: name.clone(), loc: of.loc }, Some(part)),
            _ => {
                return report(
                    cx,
                    Diagnostic::error("W0404", expr.loc, "expected a field or a part of one, such as ip.net"),
                );
            }
        },
        _ => {
            return report(
                cx,
                Diagnostic::error("W0404", expr.loc, "expected a field or a part of one, such as ip.net"),
            );
        }
    };
    let mut kind: Option<Type> = None;
    for event in events {
        let event_type = cx.checked.schema.get(*event);
        let Some(slot) = event_type.slot(&field.name) else {
            let d = super::express::no_field(&field.name, field.loc, event_type);
            return report(cx, d);
        };
        let this = event_type.fields[slot].kind;
        if kind.is_some_and(|k| k != this) {
            let message = format!("`{}` has different types in the events counted", field.name);
            return report(cx, Diagnostic::error("W0404", field.loc, message));
        }
        kind = Some(this);
    }
    let field_kind = kind.unwrap_or(Type::Text);
    let part = match part {
        Some(name) => Some(part_named(cx, field_kind, name)?),
        None => None,
    };
    Ok(KeyName { field: field.name.into(), field_kind, part })
}

fn part_named(cx: &mut Context<'_>, of: Type, name: &Ident) -> Result<Part, Faulty> {
    match Part::named(of, &name.name) {
        Some((part, _)) => Ok(part),
        None => report(cx, super::express::no_part(of, name)),
    }
}

/// Where a key part lies in this event type; the field is known to be there.
fn slot(cx: &Context<'_>, event: TypeId, key: &KeyName) -> KeyPath {
    let slot = cx.checked.schema.get(event).slot(&key.field).unwrap_or(usize::MAX);
    KeyPath { slot, part: key.part }
}

/// The feature in one line, spaces folded: what tells two versions of it apart.
fn definition(cx: &Context<'_>, of: Aggregate, parts: &Parts<'_>, window: Option<Span>) -> Box<str> {
    let text = |e: &Expr| cx.sources.slice(e.loc).split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = format!("{}({}", of.name(), parts.first.map(text).unwrap_or_default());
    for (name, expr) in [("of", parts.of), ("where", parts.filter), ("by", parts.by)] {
        if let Some(expr) = expr {
            out.push_str(&format!(", {name}={}", text(expr)));
        }
    }
    if let Some(window) = window {
        out.push_str(&format!(", last=\"{window}\""));
    }
    out.push(')');
    out.into()
}
