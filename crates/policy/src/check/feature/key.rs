// SPDX-License-Identifier: Apache-2.0
//! Event types, keys and entities: what is counted, and under what.

use super::super::express::{no_field, no_part};
use super::super::listed;
use super::{Faulty, report};
use crate::check::Context;
use crate::check::express::{hashed_part, outlives_hash};
use crate::ir::KeyName;
use crate::limits;
use crate::program::KeyPath;
use crate::syntax::tree::{Expr, ExprKind, Ident};
use wardroom_event::{Part, Type, TypeId};
use wardroom_report::Diagnostic;

/// One event type, or several in brackets, each once: it would count twice.
pub(super) fn events(cx: &mut Context<'_>, expr: &Expr) -> Result<Vec<TypeId>, Faulty> {
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
pub(in crate::check) fn event_named(cx: &mut Context<'_>, name: &Ident) -> Option<TypeId> {
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
    found.inspect(|event| cx.names.name_event(name.loc, *event))
}

/// `by=ip`, `by=ip.net`, `by=(account, ip.net)`.
pub(super) fn key(cx: &mut Context<'_>, events: &[TypeId], by: &Expr) -> Result<Vec<KeyName>, Faulty> {
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
pub(super) fn path(cx: &mut Context<'_>, events: &[TypeId], expr: &Expr) -> Result<KeyName, Faulty> {
    let (field, part) = match &expr.kind {
        ExprKind::Name(name) => (Ident { name: name.clone(), loc: expr.loc }, None),
        ExprKind::Attr(of, part) => match &of.kind {
            ExprKind::Name(name) => (Ident { name: name.clone(), loc: of.loc }, Some(part)),
            _ => return report(cx, not_a_path(expr)),
        },
        _ => return report(cx, not_a_path(expr)),
    };
    let (mut kind, mut hashed): (Option<Type>, Option<bool>) = (None, None);
    for event in events {
        let event_type = cx.checked.schema.get(*event);
        let Some(slot) = event_type.slot(&field.name) else {
            let d = no_field(cx, &field.name, field.loc, event_type);
            return report(cx, d);
        };
        if cx.is_broken(*event, &field.name) {
            return Err(Faulty);
        }
        let (this, is_hashed) = (event_type.fields[slot].kind, event_type.fields[slot].hashed);
        cx.names.read_field(field.loc, *event, slot);
        if kind.is_some_and(|k| k != this) {
            let before = kind.unwrap_or(this);
            let message =
                format!("`{}` has different types in the events counted: {before} and {this}", field.name);
            return report(cx, Diagnostic::error("W0404", field.loc, message));
        }
        kind = Some(this);
        if hashed.is_some_and(|before| before != is_hashed) {
            let message = format!(
                "`{}` is kept as a hash in some of the events counted, and not in others",
                field.name
            );
            let d = Diagnostic::error("W0317", field.loc, message);
            return report(
                cx,
                d.help("declare it `hashed` in all of them or in none: a value and its hash never meet"),
            );
        }
        hashed = Some(is_hashed);
    }
    let field_kind = kind.unwrap_or(Type::Text);
    let part = match part {
        Some(name) => match part_named(cx, field_kind, name)? {
            part if hashed == Some(true) && !part.is_fact() && !outlives_hash(part) => {
                return report(cx, hashed_part(name));
            }
            part => Some(part),
        },
        None => None,
    };
    Ok(KeyName { field: field.name.into(), field_kind, part })
}

fn not_a_path(expr: &Expr) -> Diagnostic {
    let d = Diagnostic::error("W0404", expr.loc, "expected a field or a part of one, such as ip.net");
    match &expr.kind {
        ExprKind::Attr(..) => d.note("a part of a part is none"),
        ExprKind::Text(name) => d.help(format!("write it without quotes: {name}")),
        ExprKind::And(_) | ExprKind::Arith(..) => {
            d.help("several stand in parentheses: by=(account, ip.net)")
        }
        _ => d,
    }
}

fn part_named(cx: &mut Context<'_>, of: Type, name: &Ident) -> Result<Part, Faulty> {
    match Part::named(of, &name.name) {
        Some((part, _)) => Ok(part),
        None => report(cx, no_part(of, name)),
    }
}

/// Where a key part lies in this event type. A fact has a slot of its own, made when it is first asked for.
pub(in crate::check) fn slot(cx: &mut Context<'_>, event: TypeId, key: &KeyName) -> KeyPath {
    let slot = cx.checked.schema.get(event).slot(&key.field).unwrap_or(usize::MAX);
    match key.part {
        Some(part) if part.is_fact() && slot != usize::MAX => {
            KeyPath { slot: cx.fact(event, slot, part), part: None }
        }
        part => KeyPath { slot, part },
    }
}

/// The entity that an effect or a label is about: a field of the event in hand, or a part of one.
pub(in crate::check) fn entity(cx: &mut Context<'_>, on: TypeId, expr: &Expr) -> Option<(KeyPath, Type)> {
    let key = path(cx, &[on], expr).ok()?;
    let kind = key.part.map_or(key.field_kind, |part| part_kind(key.field_kind, part));
    Some((slot(cx, on, &key), kind))
}

fn part_kind(of: Type, part: Part) -> Type {
    Part::named(of, part.name()).map_or(Type::Text, |(_, kind)| kind)
}

/// The name of a label: short, and of few characters, for it is typed, searched for and shown everywhere.
pub(in crate::check) fn label_name(cx: &mut Context<'_>, expr: &Expr) -> Option<Box<str>> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    match &expr.kind {
        ExprKind::Text(name)
            if !name.is_empty() && name.len() <= limits::LABEL_BYTES && name.chars().all(fits) =>
        {
            Some(name.as_str().into())
        }
        ExprKind::Bad => None,
        _ => {
            let d =
                Diagnostic::error("W0513", expr.loc, "this is no name of a label").label("expected a label");
            let d =
                d.note(format!("a label is at most {} of a–z, 0–9, `-`, `_` and `.`", limits::LABEL_BYTES));
            let written = match &expr.kind {
                ExprKind::Text(name) | ExprKind::Name(name) => name.to_lowercase().replace(' ', "-"),
                _ => String::new(),
            };
            let fits =
                !written.is_empty() && written.len() <= limits::LABEL_BYTES && written.chars().all(fits);
            let written = if fits { &written } else { "signup-farm" };
            cx.diagnostics.push(d.help(format!("write: \"{written}\"")));
            None
        }
    }
}
