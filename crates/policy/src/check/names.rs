// SPDX-License-Identifier: Apache-2.0
//! The names of a policy: features, lists and rules by namespace.

use super::Context;
use crate::sink::Sink;
use crate::syntax::tree::Ident;
use std::collections::BTreeMap;
use wardroom_report::{Diagnostic, Loc};

/// What a name stands for, with its number among its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Feature(usize),
    List(usize),
    Rule(usize),
    /// It was declared, but with a fault or twice: uses of it are not reported again.
    Broken,
}

#[derive(Debug)]
struct Entry {
    meaning: Meaning,
    loc: Loc,
    what: &'static str,
    used: bool,
}

/// Names by their full id (`ssh.failures`; a file at the root declares plain names).
#[derive(Debug, Default)]
pub(crate) struct Names {
    entries: BTreeMap<String, Entry>,
    /// How many rules have been declared.
    pub(super) rules: usize,
}

/// The id of `name` declared in `namespace`.
pub(crate) fn id(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

/// Refuses `time` as a name: every event has one, and a reader should not have to know which is meant.
pub(crate) fn not_time(cx: &mut Context<'_>, name: &Ident) {
    if name.name == "time" {
        cx.diagnostics.push(
            Diagnostic::error("W0203", name.loc, "`time` is a name every event has")
                .help("choose another name"),
        );
    }
}

impl Names {
    /// Declares a name; says so when it is taken.
    pub(crate) fn declare(
        &mut self,
        namespace: &str,
        name: &Ident,
        (what, meaning): (&'static str, Meaning),
        diagnostics: &mut Sink,
    ) {
        let id = id(namespace, &name.name);
        if let Some(before) = self.entries.get_mut(&id) {
            // Kinds of declarations are checked one after the other, whatever their order in the text.
            let (first, second) = (before.loc.min(name.loc), before.loc.max(name.loc));
            diagnostics.push(
                Diagnostic::error("W0202", second, format!("`{id}` is declared twice"))
                    .also(first, "first declared here")
                    .help("rename one of them; names of a folder are shared by its files"),
            );
            *before = Entry { meaning: Meaning::Broken, loc: first, what, used: true };
            return;
        }
        self.entries.insert(id, Entry { meaning, loc: name.loc, what, used: false });
    }

    /// What `name` means inside `namespace`: a plain name is its own or else the root's, one with dots a full id.
    pub(crate) fn find(&mut self, namespace: &str, name: &str) -> Option<(Meaning, Loc)> {
        let own = id(namespace, name);
        let is_own = !name.contains('.') && self.entries.contains_key(&own);
        let entry = self.entries.get_mut(if is_own { own.as_str() } else { name })?;
        entry.used = true;
        Some((entry.meaning, entry.loc))
    }

    /// Names as they are written inside `namespace`, in the order of their ids, of what can stand there.
    pub(crate) fn written(&self, namespace: &str, fits: fn(Meaning) -> bool) -> impl Iterator<Item = &str> {
        let prefix = if namespace.is_empty() { String::new() } else { format!("{namespace}.") };
        let fitting = self.entries.iter().filter(move |(_, entry)| fits(entry.meaning));
        fitting.map(move |(id, _)| match id.strip_prefix(&prefix) {
            Some(name) if !name.contains('.') => name,
            _ => id,
        })
    }

    /// Warns of features and lists that nothing uses.
    pub(crate) fn report_unused(&self, diagnostics: &mut Sink) {
        let mut idle: Vec<(&String, &Entry)> = self.entries.iter().filter(|(_, entry)| !entry.used).collect();
        idle.sort_by_key(|(_, entry)| entry.loc);
        for (id, entry) in idle {
            let note = match entry.meaning {
                Meaning::Feature(_) => "it is kept up to date for every event all the same",
                Meaning::List(_) => "its entries are kept in memory all the same",
                Meaning::Rule(_) | Meaning::Broken => continue,
            };
            let message = format!("no rule uses the {} `{id}`", entry.what);
            diagnostics.push(Diagnostic::warning("W0901", entry.loc, message).note(note));
        }
    }
}
