// SPDX-License-Identifier: Apache-2.0
//! Lists and constants: the type of a list and its entries, inline or from a file beside the policy.

use super::Context;
use super::names::{Meaning, id, not_time};
use crate::pattern::Pattern;
use crate::program::Matching;
use crate::syntax::tree::{ConstDecl, Expr, ExprKind, File, Ident, ListDecl, ListFrom};
use crate::{List, limits};
use wardroom_event::{Micros, Repr, Type, Value, nearest, parse_text};
use wardroom_report::Diagnostic;

/// A constant is a literal, or items in brackets.
pub(super) fn constant(cx: &mut Context<'_>, file: &File, decl: &ConstDecl) {
    not_time(cx, &decl.name);
    let meaning = if is_literal(&decl.value) {
        cx.consts.push(decl.value.clone());
        Meaning::Const(cx.consts.len() - 1)
    } else {
        if !matches!(decl.value.kind, ExprKind::Bad) {
            let items = if let ExprKind::Items(items) = &decl.value.kind { items.as_slice() } else { &[] };
            let loc = items.iter().find(|i| !is_single_literal(i)).map_or(decl.value.loc, |i| i.loc);
            let d = Diagnostic::error("W0313", loc, "a constant is a written value");
            cx.diagnostics.push(
                d.note("a number, a text, true or false, or several of these in brackets")
                    .help("what is computed from an event is a feature: feature name = …"),
            );
        }
        Meaning::Broken
    };
    cx.names.declare(&file.namespace, &decl.name, ("constant", meaning), cx.diagnostics);
}

fn is_literal(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Int(_) | ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) => true,
        ExprKind::Items(items) => !items.is_empty() && items.iter().all(is_single_literal),
        _ => false,
    }
}

fn is_single_literal(expr: &Expr) -> bool {
    is_literal(expr) && !matches!(expr.kind, ExprKind::Items(_))
}

pub(super) fn check(cx: &mut Context<'_>, file: &File, list: &ListDecl) {
    not_time(cx, &list.name);
    let is_pattern = list.kind.name == "regex";
    let found = if is_pattern { Some(Type::Text) } else { Type::named(&list.kind.name) };
    let Some(kind) = found else {
        let d = match nearest(&list.kind.name, ["regex"]) {
            Some(near) => Diagnostic::error("W0301", list.kind.loc, format!("no type `{}`", list.kind.name))
                .help(format!("did you mean `{near}`?")),
            None => super::event::unknown_type(&list.kind.name, list.kind.loc),
        };
        cx.diagnostics.push(d);
        cx.names.declare(&file.namespace, &list.name, ("list", Meaning::Broken), cx.diagnostics);
        return;
    };
    if !matches!(kind.repr(), Repr::Int | Repr::Text | Repr::Ip | Repr::Net) {
        cx.diagnostics.push(
            Diagnostic::error("W0306", list.kind.loc, format!("a list cannot hold values of type {kind}"))
                .help("lists hold text, int, and entities such as ip, net, domain or account"),
        );
    }
    let matching = matching(cx, list, kind, is_pattern);
    let entries = match &list.from {
        ListFrom::Nothing => Vec::new(),
        ListFrom::Inline(items) => {
            let entries = items.iter().filter_map(|item| inline_entry(cx, item, kind, matching));
            entries.map(|value| (value, None)).collect()
        }
        ListFrom::File(name) => file_entries(cx, file, name, kind, matching),
    };
    let number = cx.checked.lists.len();
    cx.names.declare(&file.namespace, &list.name, ("list", Meaning::List(number)), cx.diagnostics);
    let id = id(&file.namespace, &list.name.name).into();
    // One without entries is filled from outside.
    let changes = matches!(list.from, ListFrom::Nothing) && matching != Matching::Pattern;
    cx.checked.lists.push(List { id, kind, matching, entries, changes });
}

fn matching(cx: &mut Context<'_>, list: &ListDecl, kind: Type, is_pattern: bool) -> Matching {
    match list.suffix {
        _ if is_pattern => Matching::Pattern,
        None => Matching::Same,
        Some(_) if kind == Type::Domain => Matching::Suffix,
        Some(loc) => {
            let d = Diagnostic::error("W0306", loc, format!("`suffix` after {kind}"));
            cx.diagnostics
                .push(d.help("only a list of domains holds what lies below its entries: domain suffix"));
            Matching::Same
        }
    }
}

fn inline_entry(cx: &mut Context<'_>, item: &Expr, kind: Type, matching: Matching) -> Option<Value> {
    match (&item.kind, kind) {
        (ExprKind::Bad, _) => None,
        (ExprKind::Int(n), Type::Int) => Some(Value::Int(*n)),
        (ExprKind::Text(text), _) if kind != Type::Int => match entry(text, kind, matching) {
            Ok(value) => Some(value),
            Err(why) => {
                let d = match matching {
                    Matching::Pattern => Diagnostic::error("W0311", item.loc, format!("this entry {why}")),
                    _ => Diagnostic::error("W0305", item.loc, format!("this entry {why}"))
                        .label(format!("not of type {kind}")),
                };
                cx.diagnostics.push(d);
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

fn entry(text: &str, kind: Type, matching: Matching) -> Result<Value, String> {
    match (matching, kind) {
        (Matching::Pattern, _) => Pattern::new(text).map(|p| Value::Text(p.text().into())),
        (_, Type::Int) => text.parse().map(Value::Int).map_err(|_| "must be a whole number".to_owned()),
        _ => parse_text(text, kind),
    }
}

/// The text of a file that a declaration names; reported where the policy has none.
pub(super) fn file_named(cx: &mut Context<'_>, file: &File, name: &Ident, what: &str) -> Option<String> {
    let prefix = file.path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let path = format!("{prefix}{}", name.name);
    if let Some(text) = cx.bundle.get(&path) {
        return Some(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned());
    }
    let known = cx.bundle.files().map(|(p, _)| p).filter(|p| !p.ends_with(".ward"));
    let d = Diagnostic::error("W0206", name.loc, format!("the policy has no file `{path}`"))
        .note(format!("a {what}'s file lies in the folder of the policy file that names it, or below it"));
    let near = cx.near(&path, known).map(|near| near.strip_prefix(&prefix).unwrap_or(&near).to_owned());
    cx.diagnostics.push(d.help_opt(near.map(|near| format!("did you mean \"{near}\"?"))));
    None
}

type Entries = Vec<(Value, Option<Micros>)>;

/// One entry a line, empty lines passed over. `#` begins a comment where a line or a word begins: within a URL it
/// is part of it. `until` and a time after an entry say when it ends.
fn file_entries(cx: &mut Context<'_>, file: &File, name: &Ident, kind: Type, matching: Matching) -> Entries {
    let Some(text) = file_named(cx, file, name, "list") else {
        return Vec::new();
    };
    let mut entries = Vec::new();
    let mut faults = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let line = if matching == Matching::Pattern { line } else { without_comment(line) };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match limited(line, kind, matching) {
            Ok(entry) => entries.push(entry),
            Err(why) => faults.push(format!("{}:{}: `{line}` {why}", name.name, i + 1)),
        }
    }
    if !faults.is_empty() {
        let message = match faults.len() {
            1 => format!("an entry in `{}` is not of type {kind}", name.name),
            n => format!("{n} entries in `{}` are not of type {kind}", name.name),
        };
        let d = Diagnostic::error("W0305", name.loc, message);
        cx.diagnostics.push(faults.into_iter().take(5).fold(d, Diagnostic::note));
    }
    entries
}

/// An entry with its end, if it has one.
fn limited(line: &str, kind: Type, matching: Matching) -> Result<(Value, Option<Micros>), String> {
    let ends = line.rsplit_once(" until ").filter(|_| matching != Matching::Pattern);
    let Some((text, until)) = ends else {
        return entry(line, kind, matching).map(|value| (value, None));
    };
    let until =
        Micros::parse(until.trim()).ok_or("has an end that is no time, such as 2026-12-31T00:00:00Z")?;
    entry(text.trim(), kind, matching).map(|value| (value, Some(until)))
}

fn without_comment(line: &str) -> &str {
    let begins = |(at, _): &(usize, &str)| line[..*at].chars().next_back().is_none_or(char::is_whitespace);
    line.match_indices('#').find(begins).map_or(line, |(at, _)| &line[..at])
}

/// The bound on a name that a rule hands on, such as a queue's.
pub(super) fn short_text(cx: &mut Context<'_>, expr: &Expr, what: &str) -> Option<Box<str>> {
    match &expr.kind {
        ExprKind::Text(text) if !text.is_empty() && text.len() <= limits::LABEL_BYTES => {
            Some(text.as_str().into())
        }
        ExprKind::Bad => None,
        _ => {
            let message = format!("expected the name of a {what}, in quotes");
            let d = Diagnostic::error("W0511", expr.loc, message);
            cx.diagnostics.push(d.help(format!("at most {} bytes", limits::LABEL_BYTES)));
            None
        }
    }
}
