// SPDX-License-Identifier: Apache-2.0
//! What could be written, and how what is called is written.

use super::Client;
use crate::files::View;
use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionTextEdit, Documentation, InsertTextFormat, MarkupContent,
    MarkupKind, ParameterInformation, ParameterLabel, Position, SignatureHelp, SignatureInformation,
    TextEdit,
};
use wardroom_policy::ide::{Candidate, Signature, What};

pub(crate) fn complete(view: &View, position: Position, client: Client) -> Vec<CompletionItem> {
    let lines = view.lines();
    let (range, found) = view.analysis().complete(view.file, lines.offset(position));
    let range = lines.range(range);
    found.into_iter().map(|candidate| item(candidate, range, client)).collect()
}

fn item(of: Candidate, range: lsp_types::Range, client: Client) -> CompletionItem {
    let snippet = of.snippet.filter(|_| client.snippets);
    let format = if snippet.is_some() { InsertTextFormat::SNIPPET } else { InsertTextFormat::PLAIN_TEXT };
    let new_text = snippet.unwrap_or_else(|| of.label.clone());
    CompletionItem {
        kind: Some(kind(of.what)),
        detail: (!of.detail.is_empty()).then_some(of.detail),
        documentation: (!of.doc.is_empty()).then(|| markup(of.doc)),
        // What belongs to the event and the policy goes before what belongs to the language.
        sort_text: Some(format!("{:02}{}", of.what as u8, of.label)),
        insert_text_format: Some(format),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text })),
        label: of.label,
        ..CompletionItem::default()
    }
}

fn kind(of: What) -> CompletionItemKind {
    match of {
        What::Field | What::Part => CompletionItemKind::FIELD,
        What::Feature => CompletionItemKind::VARIABLE,
        What::List | What::Table | What::Constant => CompletionItemKind::CONSTANT,
        What::Event => CompletionItemKind::EVENT,
        What::Rule => CompletionItemKind::CLASS,
        What::Type => CompletionItemKind::STRUCT,
        What::Value => CompletionItemKind::ENUM_MEMBER,
        What::Function => CompletionItemKind::FUNCTION,
        What::Argument => CompletionItemKind::PROPERTY,
        What::Keyword => CompletionItemKind::KEYWORD,
    }
}

fn markup(value: String) -> Documentation {
    Documentation::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value })
}

pub(crate) fn signature(view: &View, position: Position) -> Option<SignatureHelp> {
    let found = view.analysis().signatures(view.file, view.lines().offset(position));
    let due = found.first()?.due;
    let signatures = found.into_iter().map(|s| information(s, view)).collect();
    Some(SignatureHelp { signatures, active_signature: Some(0), active_parameter: index(due) })
}

fn index(due: Option<usize>) -> Option<u32> {
    due.and_then(|due| u32::try_from(due).ok())
}

fn information(of: Signature, view: &View) -> SignatureInformation {
    let at = |offset: usize| view.encoding.len(&of.form[..offset]);
    let values = of.values.iter().map(|v| ParameterInformation {
        label: ParameterLabel::LabelOffsets([at(v.start), at(v.end)]),
        documentation: None,
    });
    SignatureInformation {
        parameters: Some(values.collect()),
        documentation: (!of.doc.is_empty()).then(|| markup(of.doc.clone())),
        active_parameter: index(of.due),
        label: of.form,
    }
}
