// SPDX-License-Identifier: Apache-2.0
//! Features: what is counted, under which key, over how long.

use super::Context;
use super::express::{Scope, boolean};
use super::listed;
use super::names::{Meaning, id, not_time};
use crate::ir::{CheckedFeature, Counted, KeyName, Typed};
use crate::limits;
use crate::program::{Aggregate, KeyPath};
use crate::syntax::plain::one_line;
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

/// The arguments of an aggregate, taken apart.
#[derive(Default)]
struct Parts<'a> {
    first: Option<&'a Expr>,
    of: Option<&'a Expr>,
    by: Option<&'a Expr>,
    filter: Option<&'a Expr>,
    last: Option<&'a Expr>,
}

/// What can be checked without the rest is, so that one fault does not hide the next.
fn feature(cx: &mut Context<'_>, file: &File, decl: &FeatureDecl) -> Result<CheckedFeature, Faulty> {
    let (aggregate, args) = aggregate(cx, &decl.value)?;
    let parts = parts(cx, aggregate, args);
    let window = window(cx, aggregate, parts.last, decl.value.loc);
    let (events_expr, item_expr) = match aggregate {
        Aggregate::Distinct => (parts.of, Some(needed(cx, aggregate, parts.first, &decl.value))),
        _ => (parts.first, None),
    };
    let events_expr = match aggregate {
        Aggregate::Distinct if events_expr.is_none() => {
            let d = Diagnostic::error("W0402", decl.value.loc, "distinct needs `of=`: the events to look at");
            return report(cx, d.help("distinct(account, of=login, by=ip, last=\"1h\")"));
        }
        _ => needed(cx, aggregate, events_expr, &decl.value)?,
    };
    let events = events(cx, events_expr)?;
    let by = parts.by.map_or(Ok(Vec::new()), |by| key(cx, &events, by));
    let item = item_expr.map(|expr| expr.and_then(|expr| path(cx, &events, expr))).transpose();
    let filters: Vec<Result<Option<Typed>, Faulty>> =
        events.iter().map(|event| filter(cx, file, *event, parts.filter)).collect();
    let (window, by, item) = (window?, by?, item?);
    let mut counted = Vec::new();
    for (event, filter) in events.into_iter().zip(filters) {
        counted.push(Counted {
            event,
            key: by.iter().map(|k| slot(cx, event, k)).collect(),
            item: item.as_ref().map(|k| slot(cx, event, k)),
            filter: filter?,
        });
    }
    let kind = if aggregate == Aggregate::FirstSeen { Type::Time } else { Type::Int };
    let definition = definition(cx, aggregate, &parts, window);
    let id = id(&file.namespace, &decl.name.name).into();
    Ok(CheckedFeature { id, aggregate, window, kind, by, counted, definition })
}

/// The one argument without a name.
fn needed<'e>(
    cx: &mut Context<'_>,
    of: Aggregate,
    first: Option<&'e Expr>,
    value: &Expr,
) -> Result<&'e Expr, Faulty> {
    if let Some(first) = first {
        return Ok(first);
    }
    let (what, help) = match of {
        Aggregate::Count => ("the events to count", "count(login, by=ip, last=\"1h\")"),
        Aggregate::Distinct => ("what to tell apart", "distinct(account, of=login, by=ip, last=\"1h\")"),
        Aggregate::FirstSeen => ("the events to look at", "first_seen(login, by=account)"),
    };
    report(cx, Diagnostic::error("W0402", value.loc, format!("{} needs {what}", of.name())).help(help))
}

fn filter(
    cx: &mut Context<'_>,
    file: &File,
    event: TypeId,
    filter: Option<&Expr>,
) -> Result<Option<Typed>, Faulty> {
    match filter {
        Some(expr) => boolean(cx, &Scope::filter(event, &file.namespace), expr).map(Some).ok_or(Faulty),
        None => Ok(None),
    }
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
        let d = Diagnostic::error("W0401", name.loc, "expected count, distinct or first_seen");
        return report(cx, d.help("the events stand first in parentheses: count(login, by=ip, last=\"1h\")"));
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

/// Takes the arguments apart; what has no place among them is reported and left out.
fn parts<'e>(cx: &mut Context<'_>, of: Aggregate, args: &'e [Arg]) -> Parts<'e> {
    let known: &[&str] = match of {
        Aggregate::Distinct => &["of", "where", "by", "last"],
        _ => &["where", "by", "last"],
    };
    let mut parts = Parts::default();
    for arg in args {
        let Some(name) = &arg.name else {
            if parts.first.is_some() {
                let d = Diagnostic::error(
                    "W0402",
                    arg.value.loc,
                    format!("{} takes one value without a name", of.name()),
                );
                cx.diagnostics.push(d.help(format!("the others are named: {}", known.join(", "))));
            }
            parts.first.get_or_insert(&arg.value);
            continue;
        };
        let place = match name.name.as_str() {
            "of" if of == Aggregate::Distinct => &mut parts.of,
            "where" => &mut parts.filter,
            "by" => &mut parts.by,
            "last" => &mut parts.last,
            other => {
                let meant = unknown_argument(cx, of, known, other, name.loc);
                match meant {
                    Some("of") => &mut parts.of,
                    Some("where") => &mut parts.filter,
                    Some("by") => &mut parts.by,
                    Some("last") => &mut parts.last,
                    _ => continue,
                }
            }
        };
        if place.replace(&arg.value).is_some() {
            cx.diagnostics.push(Diagnostic::error(
                "W0107",
                name.loc,
                format!("`{}` is given twice", name.name),
            ));
        }
    }
    parts
}

/// Reports an argument and gives the one that was probably meant.
fn unknown_argument<'k>(
    cx: &mut Context<'_>,
    of: Aggregate,
    known: &[&'k str],
    name: &str,
    loc: Loc,
) -> Option<&'k str> {
    let meant = nearest(name, known.iter().copied());
    let d = Diagnostic::error("W0402", loc, format!("{} has no argument `{name}`", of.name()));
    let help = match (name, meant) {
        ("of", _) => format!("the events stand first: {}(login, …)", of.name()),
        ("including", _) => {
            "a window leaves the event in hand out; `including` is kept for a later version".to_owned()
        }
        (_, Some(near)) => format!("did you mean `{near}`?"),
        (_, None) => format!("it has {}", known.join(", ")),
    };
    cx.diagnostics.push(d.help(help));
    meant
}

/// One event type, or several in brackets, each once: it would count twice.
fn events(cx: &mut Context<'_>, expr: &Expr) -> Result<Vec<TypeId>, Faulty> {
    let items = match &expr.kind {
        ExprKind::Items(items) => items.as_slice(),
        _ => std::slice::from_ref(expr),
    };
    let mut events = Vec::new();
    let mut faulty = items.is_empty();
    if faulty {
        cx.diagnostics.push(Diagnostic::error("W0402", expr.loc, "expected an event type"));
    }
    for item in items {
        let event = match &item.kind {
            ExprKind::Name(name) => event_named(cx, &Ident { name: name.clone(), loc: item.loc }),
            _ => {
                let d = Diagnostic::error("W0402", item.loc, "expected an event type");
                cx.diagnostics.push(d.help("a condition on the events is written where=…"));
                None
            }
        };
        faulty |= event.is_none();
        if event.is_some_and(|event| events.contains(&event)) {
            let name = cx.sources.slice(item.loc);
            cx.diagnostics.push(Diagnostic::error(
                "W0107",
                item.loc,
                format!("event type `{name}` stands here twice"),
            ));
            continue;
        }
        events.extend(event);
    }
    if faulty { Err(Faulty) } else { Ok(events) }
}

/// The event type of that name; reported where there is none.
pub(super) fn event_named(cx: &mut Context<'_>, name: &Ident) -> Option<TypeId> {
    let found = cx.checked.schema.id(&name.name);
    if found.is_none() {
        let names = || cx.checked.schema.iter().map(|(_, t)| &*t.name);
        let d = Diagnostic::error("W0201", name.loc, format!("no event type `{}`", name.name));
        let d = match cx.near(&name.name, names()) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None if cx.checked.schema.is_empty() => d.help("declare it: event login:"),
            None => {
                d.help(format!("the policy declares: {}", listed(names().collect::<Vec<_>>().into_iter())))
            }
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
            let days = limits::WINDOW_MOST.0 / Span::from_secs(86_400).0;
            let d = Diagnostic::error("W0403", expr.loc, format!("a window of {span} is out of range"))
                .help(format!("between {} and {days}d", limits::WINDOW_LEAST));
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
        return report(cx, Diagnostic::error("W0404", by.loc, message).label("too many"));
    }
    let paths: Vec<Result<KeyName, Faulty>> = items.iter().map(|item| path(cx, events, item)).collect();
    paths.into_iter().collect()
}

/// A field or a part of one, which every one of the events has under the same type.
fn path(cx: &mut Context<'_>, events: &[TypeId], expr: &Expr) -> Result<KeyName, Faulty> {
    let (field, part) = match &expr.kind {
        ExprKind::Name(name) => (Ident { name: name.clone(), loc: expr.loc }, None),
        ExprKind::Attr(of, part) => match &of.kind {
            ExprKind::Name(name) => (Ident { name: name.clone(), loc: of.loc }, Some(part)),
            _ => return report(cx, not_a_path(expr)),
        },
        _ => return report(cx, not_a_path(expr)),
    };
    let mut kind: Option<Type> = None;
    for event in events {
        let event_type = cx.checked.schema.get(*event);
        let Some(slot) = event_type.slot(&field.name) else {
            let d = super::express::no_field(cx, &field.name, field.loc, event_type);
            return report(cx, d);
        };
        if cx.is_broken(*event, &field.name) {
            return Err(Faulty);
        }
        let this = event_type.fields[slot].kind;
        if kind.is_some_and(|k| k != this) {
            let before = kind.unwrap_or(this);
            let message =
                format!("`{}` has different types in the events counted: {before} and {this}", field.name);
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

fn not_a_path(expr: &Expr) -> Diagnostic {
    let d = Diagnostic::error("W0404", expr.loc, "expected a field or a part of one, such as ip.net");
    if matches!(expr.kind, ExprKind::Attr(..)) {
        d
    } else {
        d.help("several stand in parentheses: by=(account, ip.net)")
    }
}

fn part_named(cx: &mut Context<'_>, of: Type, name: &Ident) -> Result<Part, Faulty> {
    match Part::named(of, &name.name).filter(|(part, _)| !part.is_fact()) {
        Some((part, _)) => Ok(part),
        None => report(cx, super::express::no_part(of, name)),
    }
}

/// Where a key part lies in this event type; the field is known to be there.
fn slot(cx: &Context<'_>, event: TypeId, key: &KeyName) -> KeyPath {
    let slot = cx.checked.schema.get(event).slot(&key.field).unwrap_or(usize::MAX);
    KeyPath { slot, part: key.part }
}

/// The feature in one line, the arguments in one order, spaces and comments folded: what tells two versions of it
/// apart.
fn definition(cx: &Context<'_>, of: Aggregate, parts: &Parts<'_>, window: Option<Span>) -> Box<str> {
    let text = |e: &Expr| one_line(cx.sources, e.loc);
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
