// SPDX-License-Identifier: Apache-2.0
//! What is declared in a file, and in all the policy.

use super::Client;
use crate::files::{Files, Places, View};
use crate::limits;
use lsp_types::{DocumentSymbol, DocumentSymbolResponse, SymbolInformation, SymbolKind};
use wardroom_policy::ide::{Analysis, Declaration, Target};

pub(crate) fn document(files: &Files, view: &View, client: Client) -> DocumentSymbolResponse {
    let mut places = files.places(&view.home, view.analysis());
    let here = view.analysis().declarations.iter().filter(|d| d.name.file == view.file);
    if !client.nested_symbols {
        let flat = here.filter_map(|d| information(view.analysis(), &mut places, d));
        return DocumentSymbolResponse::Flat(flat.collect());
    }
    let mut symbols: Vec<DocumentSymbol> = Vec::new();
    for declared in here {
        let symbol = symbol(view, &mut places, declared);
        // A field stands right below what it belongs to.
        match symbols.last_mut() {
            Some(owner) if declared.within.is_some() => owner.children.get_or_insert_default().push(symbol),
            _ => symbols.push(symbol),
        }
    }
    DocumentSymbolResponse::Nested(symbols)
}

#[allow(deprecated, reason = "the field that tags replace has no default")]
fn symbol(view: &View, places: &mut Places<'_>, of: &Declaration) -> DocumentSymbol {
    DocumentSymbol {
        name: view.analysis().sources.slice(of.name).to_owned(),
        detail: Some(of.what.to_owned()),
        kind: kind(of),
        tags: None,
        deprecated: None,
        range: places.range(of.whole),
        selection_range: places.range(of.name),
        children: None,
    }
}

fn kind(of: &Declaration) -> SymbolKind {
    match of.what {
        "event" => SymbolKind::EVENT,
        "record" => SymbolKind::STRUCT,
        "field" => SymbolKind::FIELD,
        "constant" => SymbolKind::CONSTANT,
        "list" | "table" => SymbolKind::ARRAY,
        "rule" => SymbolKind::CLASS,
        "test" => SymbolKind::METHOD,
        "budget" => SymbolKind::NUMBER,
        _ => SymbolKind::VARIABLE,
    }
}

#[allow(deprecated, reason = "the field that tags replace has no default")]
fn information(analysis: &Analysis, places: &mut Places<'_>, of: &Declaration) -> Option<SymbolInformation> {
    let container_name = of.within.as_ref().and_then(|t| match t {
        Target::Event(name) | Target::Record(name) => Some(name.clone()),
        _ => None,
    });
    Some(SymbolInformation {
        name: analysis.sources.slice(of.name).to_owned(),
        kind: kind(of),
        tags: None,
        deprecated: None,
        location: places.location(of.whole)?,
        container_name,
    })
}

/// What is declared anywhere under a name that holds these letters in this order.
pub(crate) fn workspace(files: &mut Files, query: &str) -> Vec<SymbolInformation> {
    let mut found = Vec::new();
    for home in files.homes() {
        let Some(read) = files.read(&home) else { continue };
        let analysis = &read.analysis;
        let mut places = files.places(&home, analysis);
        let fitting = analysis.declarations.iter().filter(|d| holds(analysis.sources.slice(d.name), query));
        let room = limits::SYMBOLS - found.len();
        found.extend(fitting.filter_map(|d| information(analysis, &mut places, d)).take(room));
    }
    found
}

fn holds(name: &str, query: &str) -> bool {
    let mut letters = name.chars().flat_map(char::to_lowercase);
    query.chars().flat_map(char::to_lowercase).all(|wanted| letters.any(|c| c == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_some_of_their_letters() {
        for (name, query, expect) in
            [("failures", "", true), ("failures", "FLS", true), ("failures", "sf", false)]
        {
            assert_eq!(holds(name, query), expect, "{name} {query}");
        }
    }
}
