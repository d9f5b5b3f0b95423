// SPDX-License-Identifier: Apache-2.0
//! The names of a policy: features, lists and rules by namespace.

use super::Context;
use crate::sink::Sink;
use crate::syntax::tree::Ident;
use std::collections::BTreeMap;
use wardroom_event::TypeId;
use wardroom_report::{Diagnostic, Loc};

/// What a name stands for, with its number among its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Const(usize),
    /// A feature that counts.
    Feature(usize),
    /// A computed feature, evidence, a score or a model.
    Computed(usize),
    List(usize),
    Table(usize),
    Rule(usize),
    /// It was declared, but with a fault or twice: uses of it are not reported again.
    Broken,
}

impl Meaning {
    /// What it is, in words.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Meaning::Const(_) => "constant",
            Meaning::Feature(_) | Meaning::Computed(_) => "feature",
            Meaning::List(_) => "list",
            Meaning::Table(_) => "table",
            Meaning::Rule(_) => "rule",
            Meaning::Broken => "name",
        }
    }
}

/// A place where a name is used, and what for: what an editor follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) loc: Loc,
    pub(crate) of: Used,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Used {
    /// What is declared at this place under this id.
    Declared(String, Loc),
    /// A field of an event type.
    Field(TypeId, usize),
    /// An event type.
    Event(TypeId),
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
    /// Where names are used, in the order they were met.
    pub(crate) uses: Vec<Use>,
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
    pub(crate) fn find(&mut self, namespace: &str, name: &str, at: Loc) -> Option<(Meaning, Loc)> {
        let own = id(namespace, name);
        let is_own = !name.contains('.') && self.entries.contains_key(&own);
        let id = if is_own { own.as_str() } else { name };
        let entry = self.entries.get_mut(id)?;
        entry.used = true;
        let of = Used::Declared(id.to_owned(), entry.loc);
        self.uses.push(Use { loc: at, of });
        Some((entry.meaning, entry.loc))
    }

    /// What `name` means inside `namespace`, without its being used by that.
    pub(crate) fn meaning(&self, namespace: &str, name: &str) -> Option<Meaning> {
        let own = self.entries.get(&id(namespace, name)).filter(|_| !name.contains('.'));
        own.or_else(|| self.entries.get(name)).map(|entry| entry.meaning)
    }

    /// Notes that a field is read at this place.
    pub(crate) fn read_field(&mut self, loc: Loc, event: TypeId, slot: usize) {
        self.uses.push(Use { loc, of: Used::Field(event, slot) });
    }

    /// Notes that an event type is named at this place.
    pub(crate) fn name_event(&mut self, loc: Loc, event: TypeId) {
        self.uses.push(Use { loc, of: Used::Event(event) });
    }

    /// Every declared name: its id, what it is, where it stands.
    pub(crate) fn declared(&self) -> impl Iterator<Item = (&str, &'static str, Loc)> {
        self.entries.iter().map(|(id, entry)| (id.as_str(), entry.what, entry.loc))
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

    /// Warns of what nothing uses.
    pub(crate) fn report_unused(&self, diagnostics: &mut Sink) {
        let mut idle: Vec<(&String, &Entry)> = self.entries.iter().filter(|(_, entry)| !entry.used).collect();
        idle.sort_by_key(|(_, entry)| entry.loc);
        for (id, entry) in idle {
            let note = match entry.meaning {
                Meaning::Feature(_) => Some("it is kept up to date for every event all the same"),
                Meaning::List(_) => Some("its entries are kept in memory all the same"),
                Meaning::Const(_) | Meaning::Computed(_) | Meaning::Table(_) => None,
                Meaning::Rule(_) | Meaning::Broken => continue,
            };
            let message = format!("no rule uses the {} `{id}`", entry.what);
            let d = Diagnostic::warning("W0901", entry.loc, message);
            diagnostics.push(note.into_iter().fold(d, Diagnostic::note));
        }
    }
}
