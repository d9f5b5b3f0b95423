// SPDX-License-Identifier: Apache-2.0
//! Lists: their type and their entries, inline or from a file beside the policy.

use super::Context;
use super::names::{Meaning, id};
use crate::List;
use crate::syntax::tree::{Expr, ExprKind, File, Ident, ListDecl, ListFrom};
use wardroom_event::{Repr, Type, Value, parse_text};
use wardroom_report::Diagnostic;

pub(super) fn check(cx: &mut Context<'_>, file: &File, list: &ListDecl) {
    let Some(kind) = Type::named(&list.kind.name) else {
        cx.diagnostics.push(super::event::unknown_type(&list.kind.name, list.kind.loc));
        cx.names.declare(&file.namespace, &list.name, ("list", Meaning::Broken), cx.diagnostics);
        return;
    };
    if matches!(kind.repr(), Repr::Bool | Repr::Number | Repr::Time | Repr::Duration) {
        cx.diagnostics.push(
            Diagnostic::error("W0306", list.kind.loc, format!("a list cannot hold values of type {kind}"))
                .help("lists hold text, int, and entities such as ip, net, domain or account"),
        );
    }
    let entries = match &list.from {
        ListFrom::Nothing => Vec::new(),
        ListFrom::Inline(items) => items.iter().filter_map(|item| inline_entry(cx, item, kind)).collect(),
        ListFrom::File(name) => file_entries(cx, file, name, kind),
    };
    let number = cx.checked.lists.len();
    cx.names.declare(&file.namespace, &list.name, ("list", Meaning::List(number)), cx.diagnostics);
    cx.checked.lists.push(List { id: id(&file.namespace, &list.name.name).into(), kind, entries });
}

fn inline_entry(cx: &mut Context<'_>, item: &Expr, kind: Type) -> Option<Value> {
    match (&item.kind, kind) {
        (ExprKind::Int(n), Type::Int) => Some(Value::Int(*n)),
        (ExprKind::Text(text), _) if kind != Type::Int => match parse_text(text, kind) {
            Ok(value) => Some(value),
            Err(why) => {
                let message = format!("this entry {why}");
                cx.diagnostics
                    .push(Diagnostic::error("W0305", item.loc, message).label(format!("not of type {kind}")));
                None
            }
        },
        _ => {
            let message =
                format!("an entry of a list of {kind} is written as a value, such as a quoted text");
            cx.diagnostics.push(Diagnostic::error("W0305", item.loc, message));
            None
        }
    }
}

/// One entry a line; `#` begins a comment, empty lines are passed over.
fn file_entries(cx: &mut Context<'_>, file: &File, name: &Ident, kind: Type) -> Vec<Value> {
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = if folder.is_empty() { name.name.clone() } else { format!("{folder}/{}", name.name) };
    let Some(text) = cx.bundle.get(&path) else {
        let known: Vec<&str> = cx.bundle.files().map(|(p, _)| p).filter(|p| !p.ends_with(".ward")).collect();
        let d = Diagnostic::error("W0206", name.loc, format!("the policy has no file `{path}`"))
            .note("a list's file lies in the folder of the policy file that names it, or below it");
        cx.diagnostics.push(match wardroom_event::nearest(&path, known) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d,
        });
        return Vec::new();
    };
    let mut entries = Vec::new();
    let mut faults = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let entry = line.split('#').next().unwrap_or("").trim();
        if entry.is_empty() {
            continue;
        }
        let value = match kind {
            Type::Int => entry.parse().map(Value::Int).map_err(|_| "is no whole number".to_owned()),
            _ => parse_text(entry, kind),
        };
        match value {
            Ok(value) => entries.push(value),
            Err(why) => faults.push(format!("{path}:{}: this entry {why}", i + 1)),
        }
    }
    if !faults.is_empty() {
        let message = format!("{} of the entries in `{path}` are not of type {kind}", faults.len());
        let d = Diagnostic::error("W0305", name.loc, message);
        cx.diagnostics.push(faults.into_iter().take(5).fold(d, Diagnostic::note));
    }
    entries
}
