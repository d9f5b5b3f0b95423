// SPDX-License-Identifier: Apache-2.0
//! A query in its one form: on one line if it is short, else a clause a line.

use super::NAME;
use crate::Refusal;
use crate::format::print;
use crate::sink::Sink;
use crate::syntax::query::{CLAUSES, Item, QueryDecl, TopDecl};
use crate::syntax::{self};
use crate::{format::INDENT, limits};
use wardroom_report::{Diagnostic, Loc, Sources};

/// Longest query that stands on one line, in characters.
const LINE: usize = 100;

/// A query in its form; writing that so again changes nothing. A text with faults of syntax is refused. Comments are
/// left out: a query is asked, and what is kept is a rule.
///
/// # Errors
/// [`Refusal`] with what is wrong.
pub fn format(text: &str) -> Result<String, Refusal> {
    let mut sources = Sources::new();
    let mut sink = Sink::default();
    if text.len() > limits::QUERY_BYTES {
        let message = format!("a query of {} bytes; the most is {}", text.len(), limits::QUERY_BYTES);
        sources.add(NAME, "");
        let diagnostics = vec![Diagnostic::error("W1005", Loc::default(), message)];
        return Err(Refusal { diagnostics, sources });
    }
    let file = sources.add(NAME, text);
    let decl = syntax::query::parse(file, &sources, &mut sink);
    if sink.errors() > 0 {
        return Err(Refusal { diagnostics: sink.finish(), sources });
    }
    Ok(written(&decl))
}

/// A query without faults of syntax.
pub(crate) fn written(decl: &QueryDecl) -> String {
    let event = decl.event.as_ref().map_or("", |e| &e.name);
    let clauses: Vec<(&str, String)> =
        CLAUSES.into_iter().filter_map(|word| Some((word, clause(decl, word)?))).collect();
    let parts = clauses.iter().map(|(word, text)| format!("{word} {text}"));
    let line = std::iter::once(event.to_owned()).chain(parts).collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LINE {
        return line;
    }
    let widest = clauses.iter().map(|(word, _)| word.len()).max().unwrap_or(0);
    let rows = clauses.iter().map(|(word, text)| format!("\n{:INDENT$}{word:widest$} {text}", ""));
    std::iter::once(event.to_owned()).chain(rows).collect()
}

fn clause(decl: &QueryDecl, word: &str) -> Option<String> {
    let quoted = |text: &crate::syntax::tree::Ident| print::quoted(&text.name);
    match word {
        "where" => decl.filter.as_ref().map(print::expression),
        "last" => decl.last.as_ref().map(quoted),
        "from" => decl.from.as_ref().map(quoted),
        "to" => decl.to.as_ref().map(quoted),
        "by" => items(&decl.by),
        "show" => items(&decl.show),
        "per" => decl.per.as_ref().map(quoted),
        "against" => decl.against.as_ref().map(quoted),
        "top" => decl.top.as_ref().filter(|top| !top.bottom).map(top),
        _ => decl.top.as_ref().filter(|top| top.bottom).map(top),
    }
}

fn items(items: &[Item]) -> Option<String> {
    let item = |item: &Item| {
        let text = print::expression(&item.expr);
        item.name.as_ref().map_or(text.clone(), |name| format!("{text} as {}", name.name))
    };
    (!items.is_empty()).then(|| items.iter().map(item).collect::<Vec<_>>().join(", "))
}

fn top(top: &TopDecl) -> String {
    match &top.by {
        Some(by) => format!("{} by {}", top.most, print::expression(by)),
        None => top.most.to_string(),
    }
}
