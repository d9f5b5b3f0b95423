// SPDX-License-Identifier: Apache-2.0
//! What is declared in a file, and in all the policy.

use super::Client;
use crate::files::{Files, View};
use crate::folder::Home;
use crate::limits;
use lsp_types::{DocumentSymbol, DocumentSymbolResponse, Location, SymbolInformation, SymbolKind};
use wardroom_policy::ide::{Declaration, Target};

pub(crate) fn document(files: &Files, view: &View, client: Client) -> DocumentSymbolResponse {
    let analysis = view.analysis();
    let here = || analysis.declarations.iter().filter(|d| d.name.file == view.file);
    if !client.nested_symbols {
        let flat = here().filter_map(|d| information(files, &view.home, view, d));
        return DocumentSymbolResponse::Flat(flat.collect());
    }
    let symbols = here().filter(|d| d.within.is_none()).map(|d| {
        let children = here().filter(|f| {
            f.within.as_ref() == Some(&d.target)
                && d.whole.start <= f.whole.start
                && f.whole.end <= d.whole.end
        });
        let children: Vec<_> = children.map(|f| symbol(view, f, None)).collect();
        symbol(view, d, (!children.is_empty()).then_some(children))
    });
    DocumentSymbolResponse::Nested(symbols.collect())
}

#[allow(deprecated, reason = "the field that tags replace has no default")]
fn symbol(view: &View, of: &Declaration, children: Option<Vec<DocumentSymbol>>) -> DocumentSymbol {
    let lines = view.lines();
    DocumentSymbol {
        name: view.analysis().sources.slice(of.name).to_owned(),
        detail: Some(of.what.to_owned()),
        kind: kind(of),
        tags: None,
        deprecated: None,
        range: lines.of_loc(of.whole),
        selection_range: lines.of_loc(of.name),
        children,
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
fn information(files: &Files, home: &Home, view: &View, of: &Declaration) -> Option<SymbolInformation> {
    let container = of.within.as_ref().and_then(|t| match t {
        Target::Event(name) | Target::Record(name) => Some(name.clone()),
        _ => None,
    });
    let Location { uri, .. } = files.location(home, view.analysis(), of.name)?;
    let range = files.location(home, view.analysis(), of.whole)?.range;
    Some(SymbolInformation {
        name: view.analysis().sources.slice(of.name).to_owned(),
        kind: kind(of),
        tags: None,
        deprecated: None,
        location: Location { uri, range },
        container_name: container,
    })
}

/// What is declared anywhere under a name that holds these letters in this order.
pub(crate) fn workspace(files: &mut Files, query: &str) -> Vec<SymbolInformation> {
    let mut found = Vec::new();
    for home in files.homes() {
        let Some(read) = files.read(&home) else { continue };
        for (file, _, _) in read.analysis.sources.iter() {
            let view = View { read: read.clone(), file, home: home.clone(), encoding: files.encoding };
            let here = read.analysis.declarations.iter().filter(|d| d.name.file == file);
            let fitting = here.filter(|d| holds(read.analysis.sources.slice(d.name), query));
            let room = limits::SYMBOLS - found.len();
            found.extend(fitting.filter_map(|d| information(files, &home, &view, d)).take(room));
        }
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
