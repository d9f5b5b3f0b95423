// SPDX-License-Identifier: Apache-2.0
//! Reading a feature for the event in hand.

use super::{readable, slot};
use crate::check::{Context, computed};
use crate::ir::{Node, Typed};
use crate::program::{Aggregate, Reads};
use crate::syntax::tree::Ident;
use wardroom_event::{TypeId, nearest};
use wardroom_report::{Diagnostic, Loc};

/// A feature under the key of the event in hand.
pub(in crate::check) fn read(
    cx: &mut Context<'_>,
    on: TypeId,
    (number, declared): (usize, Loc),
    name: &str,
    loc: Loc,
    reads: Reads,
) -> Option<Typed> {
    if let Err(why) = readable(cx, number, on) {
        let d = Diagnostic::error("W0405", loc, format!("feature `{name}` cannot be read here"));
        let d = d.note(why).also(declared, "the feature is declared here");
        let event = &cx.checked.schema.get(on).name;
        let d = match computed::read_from(cx) {
            Some((at, name)) => d.also(at, format!("`{name}` is read on `{event}` here")),
            None => d,
        };
        cx.diagnostics.push(d);
        return None;
    }
    let feature = &cx.checked.features[number];
    if matches!(feature.aggregate, Aggregate::Baseline(_)) && reads == Reads::Whole {
        let d = Diagnostic::error("W0410", loc, format!("`{name}` is a baseline, which has several figures"));
        cx.diagnostics.push(d.help(format!("write: {name}.mean, {name}.spread or {name}.weeks")));
        return None;
    }
    let kind = Reads::PARTS.iter().find(|(_, r, _)| *r == reads).map_or(feature.kind, |(_, _, kind)| *kind);
    // The facts of its key are facts of this event too.
    let places = feature.place.clone().into_iter().flat_map(|(lat, lon)| [lat, lon]);
    for key in feature.by.clone().into_iter().chain(places) {
        slot(cx, on, &key);
    }
    Some(Typed { node: Node::Feature(number, reads), kind, loc })
}

/// A figure of a baseline: `usual.mean`.
pub(in crate::check) fn read_part(
    cx: &mut Context<'_>,
    on: TypeId,
    feature: (usize, Loc),
    name: &str,
    part: &Ident,
    loc: Loc,
) -> Option<Typed> {
    let names = Reads::PARTS.map(|(name, ..)| name);
    let Some((_, reads, _)) = Reads::PARTS.into_iter().find(|(n, ..)| *n == part.name) else {
        let d = Diagnostic::error("W0410", part.loc, format!("a baseline has no `{}`", part.name));
        cx.diagnostics.push(match nearest(&part.name, names) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d.help(format!("it has: {}", names.join(", "))),
        });
        return None;
    };
    read(cx, on, feature, name, loc, reads)
}
