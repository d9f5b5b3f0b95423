// SPDX-License-Identifier: Apache-2.0
//! Where names are used: what the checker met, and what the text alone shows.

use super::expr::{roots, walk};
use super::{Analysis, Target};
use crate::check::{Use, Used};
use crate::syntax::tree::{Decl, Expr, ExprKind, FieldDecl, File, Ident, ListFrom, TypeExpr};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use wardroom_report::Loc;

/// Every use once, in the order of the text.
pub(super) fn uses(analysis: &Analysis, met: &[Use]) -> Vec<(Loc, Target)> {
    let mut by_place: BTreeMap<Loc, BTreeSet<Target>> = BTreeMap::new();
    for one in met {
        by_place.entry(one.loc).or_default().insert(target(analysis, &one.of));
    }
    for targets in by_place.values_mut() {
        // A rule or a feature of a field's name was looked up and then passed over.
        if targets.iter().any(|t| matches!(t, Target::Field { .. })) {
            targets.retain(|t| matches!(t, Target::Field { .. }));
        }
    }
    let records = records(analysis);
    let mut seen = Vec::new();
    for file in &analysis.files {
        file.decls.iter().for_each(|decl| shown(file, decl, &records, &mut seen));
    }
    let items = items(analysis, &by_place, &records);
    for (loc, target) in seen.into_iter().chain(items) {
        by_place.entry(loc).or_default().insert(target);
    }
    by_place.into_iter().flat_map(|(loc, targets)| targets.into_iter().map(move |t| (loc, t))).collect()
}

fn target(analysis: &Analysis, used: &Used) -> Target {
    let event = |id| analysis.checked.schema.get(id);
    match used {
        Used::Declared(id, _) => Target::Named(id.clone()),
        Used::Event(id) => Target::Event(event(*id).name.to_string()),
        Used::Field(id, slot) => {
            let event = event(*id);
            let name = event.fields.get(*slot).map_or(String::new(), |f| f.name.to_string());
            Target::Field { of: event.name.to_string(), name }
        }
    }
}

/// The fields of each record.
type Records<'a> = HashMap<&'a str, &'a [FieldDecl]>;

fn records(analysis: &Analysis) -> Records<'_> {
    let decls = analysis.files.iter().flat_map(|f| &f.decls);
    let records = decls.filter_map(|d| if let Decl::Record(r) = d { Some(r) } else { None });
    records.map(|r| (r.name.name.as_str(), r.fields.as_slice())).collect()
}

/// Records that fields hold, and files that lists, tables and models are read from.
fn shown(file: &File, decl: &Decl, records: &Records<'_>, out: &mut Vec<(Loc, Target)>) {
    let from = match decl {
        Decl::Event(event) => {
            out.extend(
                event
                    .fields
                    .iter()
                    .filter_map(held)
                    .filter(|of| records.contains_key(of.name.as_str()))
                    .map(|of| (of.loc, Target::Record(of.name.clone()))),
            );
            None
        }
        Decl::List(list) => match &list.from {
            ListFrom::File(name) => Some(name),
            _ => None,
        },
        Decl::Table(table) => table.file.as_ref(),
        Decl::Model(model) => Some(&model.file),
        _ => None,
    };
    if let Some(name) = from {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let path = if folder.is_empty() { name.name.clone() } else { format!("{folder}/{}", name.name) };
        out.push((name.loc, Target::File(path)));
    }
}

/// What a list field holds.
fn held(field: &FieldDecl) -> Option<&Ident> {
    match &field.kind {
        Some(TypeExpr::ListOf { of, .. }) => Some(of),
        _ => None,
    }
}

/// Fields of records, read of the items of a list field.
fn items(
    analysis: &Analysis,
    met: &BTreeMap<Loc, BTreeSet<Target>>,
    records: &Records<'_>,
) -> Vec<(Loc, Target)> {
    let decls = || analysis.files.iter().flat_map(|f| &f.decls);
    let mut holds: HashMap<(&str, &str), &str> = HashMap::new();
    for event in decls().filter_map(|d| if let Decl::Event(e) = d { Some(e) } else { None }) {
        let fields = event.fields.iter().filter_map(|f| Some((f.name.name.as_str(), held(f)?)));
        holds.extend(fields.map(|(name, of)| ((event.name.name.as_str(), name), of.name.as_str())));
    }
    let record_of = |over: &Expr| {
        met.get(&over.loc)?.iter().find_map(|t| match t {
            Target::Field { of, name } => holds.get(&(of.as_str(), name.as_str())).copied(),
            _ => None,
        })
    };
    let mut out = Vec::new();
    for root in decls().flat_map(roots) {
        walk(root, &mut |expr| {
            let ExprKind::Each { body, var, over, filter } = &expr.kind else { return };
            let Some(record) = record_of(over) else { return };
            for part in [Some(body), filter.as_ref()].into_iter().flatten() {
                columns(part, &var.name, (record, records), &mut out);
            }
        });
    }
    out
}

fn columns(expr: &Expr, item: &str, (record, records): (&str, &Records<'_>), out: &mut Vec<(Loc, Target)>) {
    let has =
        |name: &str| records.get(record).is_some_and(|fields| fields.iter().any(|f| f.name.name == name));
    walk(expr, &mut |expr| {
        if let ExprKind::Attr(of, name) = &expr.kind
            && matches!(&of.kind, ExprKind::Name(first) if first == item)
            && has(&name.name)
        {
            out.push((name.loc, Target::Column { of: record.to_owned(), name: name.name.clone() }));
        }
    });
}
