// SPDX-License-Identifier: Apache-2.0
//! What stands under the pointer.

use crate::files::View;
use lsp_types::{Hover, HoverContents, MarkupContent, MarkupKind, Position};
use std::fmt::Write as _;
use wardroom_policy::ide::{Symbol, nanos};

pub(crate) fn hover(view: &View, position: Position) -> Option<Hover> {
    let lines = view.lines();
    let symbol = view.analysis().at(view.file, lines.offset(position))?;
    let contents = MarkupContent { kind: MarkupKind::Markdown, value: markdown(&symbol) };
    Some(Hover { contents: HoverContents::Markup(contents), range: Some(lines.of_loc(symbol.loc)) })
}

/// The code, what it is, more about it, what it means.
fn markdown(symbol: &Symbol) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    if !symbol.code.is_empty() {
        let _ = writeln!(text, "```ward\n{}\n```\n", symbol.code);
    }
    let mut line = symbol.what.clone();
    if !symbol.kind.is_empty() {
        let _ = write!(line, " of type `{}`", symbol.kind);
    }
    if let Some(cost) = symbol.cost {
        let _ = write!(line, ", costs at most about {}", nanos(u64::from(cost)));
    }
    let _ = writeln!(text, "{line}");
    if !symbol.more.is_empty() {
        text.push('\n');
    }
    for (heading, value) in &symbol.more {
        let _ = writeln!(text, "- {heading}: {value}");
    }
    if !symbol.doc.is_empty() {
        // A comment's lines are lines.
        let _ = writeln!(text, "\n{}", symbol.doc.replace('\n', "  \n"));
    }
    text.truncate(text.trim_end().len());
    text
}
