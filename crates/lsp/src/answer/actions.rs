// SPDX-License-Identifier: Apache-2.0
//! What can be done about a diagnostic: write what was meant, read more about it.

use super::Client;
use super::diagnostics::diagnostic;
use crate::files::{Files, View};
use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, Command, Range, TextEdit, Uri, WorkspaceEdit,
};
use std::collections::HashMap;
use wardroom_policy::page;
use wardroom_report as report;

/// The command that shows the page of a code.
pub(crate) const EXPLAIN: &str = "wardroom.explain";

pub(crate) fn actions(
    files: &Files,
    view: &View,
    uri: &Uri,
    range: Range,
    client: Client,
) -> Vec<CodeActionOrCommand> {
    let lines = view.lines();
    let asked = lines.bytes(range);
    let touched = view.analysis().diagnostics.iter().filter(|d| {
        let loc = d.primary.0;
        loc.file == view.file && loc.start as usize <= asked.end && asked.start <= loc.end as usize
    });
    let mut places = files.places(&view.home, view.analysis());
    let mut found = Vec::new();
    let mut explained: Vec<&str> = Vec::new();
    for of in touched {
        for (place, meant) in of.helps.iter().filter_map(|help| meant(view, of, help)) {
            let edit = TextEdit { range: lines.range(place), new_text: meant.clone() };
            if client.literal_actions {
                let diagnostics = Some(vec![diagnostic(&mut places, of, client)]);
                found.push(CodeActionOrCommand::CodeAction(fix(uri, &meant, edit, diagnostics)));
            }
        }
        if let Some(page) = page(of.code).filter(|page| !explained.contains(&page.code)) {
            explained.push(page.code);
            let title = format!("Explain {}: {}", page.code, page.title);
            let arguments = Some(vec![page.code.into()]);
            found.push(CodeActionOrCommand::Command(Command {
                title,
                command: EXPLAIN.to_owned(),
                arguments,
            }));
        }
    }
    found
}

// The key is a URI as the client wrote it, which nothing changes.
#[allow(clippy::mutable_key_type, reason = "the type of the protocol's map")]
fn fix(
    uri: &Uri,
    meant: &str,
    edit: TextEdit,
    diagnostics: Option<Vec<lsp_types::Diagnostic>>,
) -> CodeAction {
    let changes = HashMap::from([(uri.clone(), vec![edit])]);
    CodeAction {
        title: format!("Write `{meant}`"),
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics,
        edit: Some(WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }),
        is_preferred: Some(true),
        ..CodeAction::default()
    }
}

/// What a help says was meant, and what stands there instead. A name that is called keeps what it is called with.
fn meant(view: &View, of: &report::Diagnostic, help: &str) -> Option<(std::ops::Range<usize>, String)> {
    let said = help.strip_prefix("did you mean ")?.strip_suffix('?')?;
    let loc = of.primary.0;
    let text = view.analysis().sources.slice(loc);
    let start = loc.start as usize;
    if said.starts_with('"') {
        let quoted = text.len() > 1 && text.starts_with(['"', '\'']);
        return quoted.then(|| (start..start + text.len(), said.to_owned()));
    }
    let name = said.strip_prefix('`')?.strip_suffix('`')?;
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    let length = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let whole = length == text.len() || text[length..].starts_with('(');
    (length > 0 && whole).then(|| (start..start + length, name.to_owned()))
}
