// SPDX-License-Identifier: Apache-2.0
//! Lists: their type and their entries, inline or from a file beside the policy.

use super::Context;
use super::names::{Meaning, id, not_time};
use crate::List;
use crate::syntax::tree::{Expr, ExprKind, File, Ident, ListDecl, ListFrom};
use wardroom_event::{Repr, Type, Value, parse_text};
use wardroom_report::Diagnostic;

pub(super) fn check(cx: &mut Context<'_>, file: &File, list: &ListDecl) {
    not_time(cx, &list.name);
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
        (ExprKind::Bad, _) => None,
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
            let message = format!("this is no entry of a list of {kind}");
            let help = if kind == Type::Int {
                "entries are whole numbers: [25, 465]"
            } else {
                "entries are quoted: [\"…\"]"
            };
            cx.diagnostics.push(Diagnostic::error("W0305", item.loc, message).help(help));
            None
        }
    }
}

/// One entry a line, empty lines passed over. `#` begins a comment where a line or a word begins: within a URL it
/// is part of it.
fn file_entries(cx: &mut Context<'_>, file: &File, name: &Ident, kind: Type) -> Vec<Value> {
    let prefix = file.path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let path = format!("{prefix}{}", name.name);
    let Some(text) = cx.bundle.get(&path) else {
        let known = cx.bundle.files().map(|(p, _)| p).filter(|p| !p.ends_with(".ward"));
        let d = Diagnostic::error("W0206", name.loc, format!("the policy has no file `{path}`"))
            .note("a list's file lies in the folder of the policy file that names it, or below it");
        let near = cx.near(&path, known).map(|near| near.strip_prefix(&prefix).unwrap_or(&near).to_owned());
        cx.diagnostics.push(d.help_opt(near.map(|near| format!("did you mean \"{near}\"?"))));
        return Vec::new();
    };
    let mut entries = Vec::new();
    let mut faults = Vec::new();
    for (i, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        let entry = without_comment(line).trim();
        if entry.is_empty() {
            continue;
        }
        let value = match kind {
            Type::Int => entry.parse().map(Value::Int).map_err(|_| "must be a whole number".to_owned()),
            _ => parse_text(entry, kind),
        };
        match value {
            Ok(value) => entries.push(value),
            Err(why) => faults.push(format!("{path}:{}: `{entry}` {why}", i + 1)),
        }
    }
    if !faults.is_empty() {
        let message = match faults.len() {
            1 => format!("an entry in `{path}` is not of type {kind}"),
            n => format!("{n} entries in `{path}` are not of type {kind}"),
        };
        let d = Diagnostic::error("W0305", name.loc, message);
        cx.diagnostics.push(faults.into_iter().take(5).fold(d, Diagnostic::note));
    }
    entries
}

fn without_comment(line: &str) -> &str {
    let begins = |(at, _): &(usize, &str)| line[..*at].chars().next_back().is_none_or(char::is_whitespace);
    line.match_indices('#').find(begins).map_or(line, |(at, _)| &line[..at])
}
