// SPDX-License-Identifier: Apache-2.0
//! What is wrong with a policy, file by file.

use super::Client;
use crate::files::{Files, Places};
use crate::folder::Home;
use lsp_types::{
    Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, NumberOrString,
    PublishDiagnosticsParams,
};
use std::collections::BTreeMap;
use wardroom_policy::page;
use wardroom_report as report;

/// What is to be published: for every file with faults, every open file, and every file that had faults before.
pub(crate) fn diagnostics(files: &mut Files, home: &Home, client: Client) -> Vec<PublishDiagnosticsParams> {
    let Some(read) = files.read(home) else { return Vec::new() };
    let mut places = files.places(home, &read.analysis);
    let mut by_file: BTreeMap<String, Vec<Diagnostic>> = BTreeMap::new();
    for one in &read.analysis.diagnostics {
        let name = read.analysis.sources.name(one.primary.0.file);
        if let Some(uri) = files.uri(home, name) {
            by_file.entry(uri.as_str().to_owned()).or_default().push(diagnostic(&mut places, one, client));
        }
    }
    let versions: BTreeMap<String, i32> =
        files.open_in(home).map(|open| (open.uri.as_str().to_owned(), open.version)).collect();
    for uri in versions.keys() {
        by_file.entry(uri.clone()).or_default();
    }
    if let Some(policy) = files.policy(home) {
        policy.stale = false;
        let faulty =
            by_file.iter().filter(|(_, found)| !found.is_empty()).map(|(uri, _)| uri.clone()).collect();
        for uri in std::mem::replace(&mut policy.published, faulty) {
            by_file.entry(uri).or_default();
        }
    }
    let publish = |(uri, diagnostics): (String, Vec<Diagnostic>)| {
        let version = versions.get(&uri).copied();
        Some(PublishDiagnosticsParams { uri: uri.parse().ok()?, diagnostics, version })
    };
    by_file.into_iter().filter_map(publish).collect()
}

/// A diagnostic as a client knows it.
pub(super) fn diagnostic(places: &mut Places<'_>, of: &report::Diagnostic, client: Client) -> Diagnostic {
    let loc = of.primary.0;
    let related = of.others.iter().filter(|_| client.related).filter_map(|(loc, message)| {
        let location = places.location(*loc)?;
        Some(DiagnosticRelatedInformation { location, message: message.clone() })
    });
    let related: Vec<_> = related.collect();
    Diagnostic {
        range: places.range(loc),
        severity: Some(if of.is_error() { DiagnosticSeverity::ERROR } else { DiagnosticSeverity::WARNING }),
        code: Some(NumberOrString::String(of.code.to_owned())),
        source: Some("wardroom".to_owned()),
        message: message(of),
        related_information: (!related.is_empty()).then_some(related),
        tags: (of.code == "W0901").then(|| vec![DiagnosticTag::UNNECESSARY]),
        ..Diagnostic::default()
    }
}

/// The sentence, what the place is, facts and what would be right; last, where there is more to read.
fn message(of: &report::Diagnostic) -> String {
    let label = Some(&of.primary.1).filter(|label| !label.is_empty());
    let mut text = of.message.clone();
    text.extend(label.map(|label| format!(": {label}")));
    text.extend(of.notes.iter().map(|note| format!("\nnote: {note}")));
    text.extend(of.helps.iter().map(|help| format!("\nhelp: {help}")));
    text.extend(page(of.code).map(|page| format!("\n`wardroom explain {}`: {}", page.code, page.title)));
    text
}
