// SPDX-License-Identifier: Apache-2.0
//! Another name for what a policy declares. The policy is read with the new name before anything is answered: a name
//! that would make it wrong, or would stand for something else somewhere, is refused with the reason.

use super::navigate::targets;
use crate::files::View;
use crate::message::{Fault, INVALID_PARAMS, REQUEST_FAILED};
use lsp_types::{Position, PrepareRenameResponse};
use std::collections::BTreeMap;
use wardroom_policy::Bundle;
use wardroom_policy::ide::{self, Analysis, Target, analyse};
use wardroom_report::Loc;

/// What to write where, and what to tell about it.
#[derive(Debug)]
pub(crate) struct Renamed {
    /// By the names of files: places, in the order of the text and without overlap, and what to write there.
    pub(crate) edits: BTreeMap<String, Vec<(Loc, String)>>,
    pub(crate) warning: Option<String>,
}

/// The part of a name that a declaration gives it: what stands after the folder.
fn own_part(view: &View, loc: Loc) -> Loc {
    let text = view.analysis().sources.slice(loc);
    let after = text.rfind('.').map_or(0, |at| at + 1);
    let blank = text[after..].len() - text[after..].trim_start().len();
    Loc { start: loc.start + u32::try_from(after + blank).unwrap_or(0), ..loc }
}

/// What would be renamed at this place; `None` where nothing can be.
pub(crate) fn prepare(view: &View, position: Position) -> Option<PrepareRenameResponse> {
    let (loc, targets) = targets(view, position)?;
    renamed(&targets)?;
    let loc = own_part(view, loc);
    let placeholder = view.analysis().sources.slice(loc).to_owned();
    Some(PrepareRenameResponse::RangeWithPlaceholder { range: view.lines().of_loc(loc), placeholder })
}

/// The one that is renamed: a budget's name is its event's, and files are not declared here.
fn renamed(targets: &[Target]) -> Option<&Target> {
    targets.iter().find(|t| !matches!(t, Target::Budget(_) | Target::File(_)))
}

pub(crate) fn rename(view: &View, position: Position, new: &str) -> Result<Renamed, Fault> {
    let refuse = |why: String| Fault::new(REQUEST_FAILED, why);
    let found = targets(view, position).filter(|(_, targets)| renamed(targets).is_some());
    let Some((_, targets)) = found else {
        return Err(refuse("there is no name of the policy here".to_owned()));
    };
    let target = renamed(&targets).cloned().unwrap_or_else(|| targets[0].clone());
    if let Some(why) = ide::fault_of_name(new) {
        return Err(Fault::new(INVALID_PARAMS, why));
    }
    let analysis = view.analysis();
    let all = analysis.together(&target);
    let mut edits: BTreeMap<String, Vec<(Loc, String)>> = BTreeMap::new();
    let mut put = |loc: Loc, text: String| {
        edits.entry(analysis.sources.name(loc.file).to_owned()).or_default().push((loc, text))
    };
    for target in &all {
        analysis.declared(target).for_each(|d| put(d.name, new.to_owned()));
        analysis.uses(target).for_each(|loc| put(own_part(view, loc), new.to_owned()));
    }
    let was = was(view, &target, new);
    if let Some((loc, text)) = was.edit {
        put(loc, text);
    }
    for edits in edits.values_mut() {
        edits.sort();
        edits.dedup();
    }
    check(view, &all, new, &edits).map_err(refuse)?;
    Ok(Renamed { edits, warning: was.warning.or_else(|| known_to_senders(&target, &all)) })
}

fn known_to_senders(target: &Target, all: &[Target]) -> Option<String> {
    match target {
        Target::Event(name) => {
            Some(format!("Whoever sends events calls this type `{name}` still: change that too."))
        }
        Target::Field { name, .. } => {
            let events = all
                .iter()
                .filter_map(|t| if let Target::Field { of, .. } = t { Some(of.as_str()) } else { None });
            let events: Vec<&str> = events.collect();
            Some(format!(
                "Whoever sends events of type {} calls this field `{name}` still: change that too.",
                events.join(", ")
            ))
        }
        _ => None,
    }
}

/// What becomes of a rule's past.
#[derive(Default)]
struct Was {
    edit: Option<(Loc, String)>,
    warning: Option<String>,
}

/// A rule keeps its past by a clause with the name it had.
fn was(view: &View, target: &Target, new: &str) -> Was {
    let analysis = view.analysis();
    let Some(rule) = analysis.declared(target).next().filter(|d| d.what == "rule") else {
        return Was::default();
    };
    let old = analysis.sources.slice(rule.name);
    if let Some((clause, before)) = analysis.was(target) {
        if before.rsplit('.').next() == Some(new) {
            return Was { edit: Some((whole_line(view, clause), String::new())), warning: None };
        }
        let warning = format!(
            "The rule says already that it was \"{before}\". If it was ever live as `{old}`, write was \"{old}\" instead."
        );
        return Was { edit: None, warning: Some(warning) };
    }
    let text = analysis.sources.text(rule.whole.file);
    let end = rule.whole.end as usize;
    let line_end = text[end..].find(['\n', '\r']).map_or(text.len(), |at| end + at);
    let (indent, width) = clause_shape(text, rule.whole);
    let at = u32::try_from(line_end).unwrap_or(u32::MAX);
    let line = format!("\n{}{:width$}\"{old}\"", " ".repeat(indent), "was ");
    Was { edit: Some((Loc { start: at, end: at, ..rule.whole }, line)), warning: None }
}

/// How far the first clause is indented, and how wide its word is with the blanks after it.
fn clause_shape(text: &str, rule: Loc) -> (usize, usize) {
    let body = text.get(rule.start as usize..rule.end as usize).unwrap_or_default();
    let first =
        body.lines().skip(1).find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    first.map_or((4, 4), |line| {
        let indent = line.len() - line.trim_start().len();
        let clause = line.trim_start();
        let word = clause.find(' ').unwrap_or(clause.len());
        let blanks = clause[word..].len() - clause[word..].trim_start().len();
        (indent, (word + blanks).max(4))
    })
}

fn whole_line(view: &View, loc: Loc) -> Loc {
    let text = view.analysis().sources.text(loc.file);
    let start = text[..loc.start as usize].rfind('\n').map_or(0, |at| at + 1);
    let end = text[loc.end as usize..].find('\n').map_or(text.len(), |at| loc.end as usize + at + 1);
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Loc { start: offset(start), end: offset(end), ..loc }
}

/// Reads the policy with the new name.
fn check(
    view: &View,
    all: &[Target],
    new: &str,
    edits: &BTreeMap<String, Vec<(Loc, String)>>,
) -> Result<(), String> {
    let mut bundle: Bundle = view.read.bundle.clone();
    for (name, edits) in edits {
        let Some(file) = view.analysis().file(name) else { continue };
        let mut text = view.analysis().sources.text(file).to_owned();
        for (loc, put) in edits.iter().rev() {
            text.replace_range(loc.start as usize..loc.end as usize, put);
        }
        bundle.add(name, text);
    }
    let (before, after) = (view.analysis(), analyse(&bundle));
    let errors = |of: &Analysis| of.diagnostics.iter().filter(|d| d.is_error()).count();
    if errors(&after) > errors(before) {
        let known =
            |d: &&wardroom_report::Diagnostic| !before.diagnostics.iter().any(|b| b.message == d.message);
        let new = after.diagnostics.iter().filter(|d| d.is_error()).find(known);
        return Err(new.map_or("the policy would have faults".to_owned(), |d| d.message.clone()));
    }
    for target in all {
        let renamed = target.called(new);
        let same = before.uses(target).count() == after.uses(&renamed).count()
            && before.declared(target).count() == after.declared(&renamed).count();
        if !same && *target != renamed {
            return Err(format!("`{new}` stands for something else already"));
        }
    }
    Ok(())
}
