// SPDX-License-Identifier: Apache-2.0
//! From a name to where it is declared, and to where it is used.

use crate::files::{Files, View};
use lsp_types::{DocumentHighlight, DocumentHighlightKind, Location, Position, Range};
use wardroom_policy::ide::Target;
use wardroom_report::Loc;

/// What the name at a place stands for.
pub(super) fn targets(view: &View, position: Position) -> Option<(Loc, Vec<Target>)> {
    let (loc, found) = view.analysis().targets(view.file, view.lines().offset(position))?;
    Some((loc, found.into_iter().cloned().collect()))
}

pub(crate) fn definition(files: &Files, view: &View, position: Position) -> Vec<Location> {
    let Some((_, targets)) = targets(view, position) else { return Vec::new() };
    let mut found = Vec::new();
    let mut locations = files.places(&view.home, view.analysis());
    for target in &targets {
        match target {
            Target::File(path) => {
                let uri = files.uri(&view.home, path).filter(|_| view.read.bundle.get(path).is_some());
                found.extend(uri.map(|uri| Location { uri, range: Range::default() }));
            }
            // The budget's name is the event's.
            Target::Budget(_) if targets.len() > 1 => {}
            _ => {
                let declared = view.analysis().declared(target);
                found.extend(declared.filter_map(|d| locations.location(d.name)));
            }
        }
    }
    found
}

/// Every place where the name at this place stands for the same.
fn places(view: &View, position: Position, declarations: bool) -> Vec<(Loc, bool)> {
    let Some((_, targets)) = targets(view, position) else { return Vec::new() };
    let mut places = Vec::new();
    for target in &targets {
        if declarations {
            places.extend(view.analysis().declared(target).map(|d| (d.name, true)));
        }
        places.extend(view.analysis().uses(target).map(|loc| (loc, false)));
    }
    places.sort_unstable();
    places.dedup_by_key(|(loc, _)| *loc);
    places
}

pub(crate) fn references(
    files: &Files,
    view: &View,
    position: Position,
    declarations: bool,
) -> Vec<Location> {
    let places = places(view, position, declarations);
    let mut locations = files.places(&view.home, view.analysis());
    places.iter().filter_map(|(loc, _)| locations.location(*loc)).collect()
}

pub(crate) fn highlight(view: &View, position: Position) -> Vec<DocumentHighlight> {
    let lines = view.lines();
    let here = places(view, position, true).into_iter().filter(|(loc, _)| loc.file == view.file);
    let kind = |declared| if declared { DocumentHighlightKind::WRITE } else { DocumentHighlightKind::READ };
    here.map(|(loc, declared)| DocumentHighlight { range: lines.of_loc(loc), kind: Some(kind(declared)) })
        .collect()
}
