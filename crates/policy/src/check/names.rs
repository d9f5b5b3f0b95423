// SPDX-License-Identifier: Apache-2.0
//! The names of a policy: features, lists and rules by namespace.

use crate::syntax::tree::Ident;
use std::collections::HashMap;
use wardroom_event::nearest;
use wardroom_report::{Diagnostic, Loc};

/// What a name stands for, with its number among its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Feature(usize),
    List(usize),
    Rule(usize),
    /// It was declared, but its declaration had a fault: uses of it are not reported again.
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
    entries: HashMap<String, Entry>,
}

/// The id of `name` declared in `namespace`.
pub(crate) fn id(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

impl Names {
    /// Declares a name; says so when it is taken.
    pub(crate) fn declare(
        &mut self,
        namespace: &str,
        name: &Ident,
        (what, meaning): (&'static str, Meaning),
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let id = id(namespace, &name.name);
        if let Some(before) = self.entries.get(&id) {
            diagnostics.push(
                Diagnostic::error("W0202", name.loc, format!("`{id}` is declared twice"))
                    .also(before.loc, "first declared here")
                    .help("rename one of them; names of a folder are shared by its files"),
            );
            return;
        }
        self.entries.insert(id, Entry { meaning, loc: name.loc, what, used: false });
    }

    /// What `name` means inside `namespace`: its own first, then a full id.
    pub(crate) fn find(&mut self, namespace: &str, name: &str) -> Option<(Meaning, Loc)> {
        let own = id(namespace, name);
        let key = if self.entries.contains_key(&own) { own.as_str() } else { name };
        let entry = self.entries.get_mut(key)?;
        entry.used = true;
        Some((entry.meaning, entry.loc))
    }

    /// The name nearest to one that is not there.
    pub(crate) fn near(&self, namespace: &str, name: &str) -> Option<String> {
        let prefix = if namespace.is_empty() { String::new() } else { format!("{namespace}.") };
        let mut short: Vec<&str> =
            self.entries.keys().map(|k| k.strip_prefix(&prefix).unwrap_or(k)).collect();
        short.sort_unstable();
        nearest(name, short).map(str::to_owned)
    }

    /// Warns of features and lists that nothing uses: they cost memory for each event.
    pub(crate) fn report_unused(&self, diagnostics: &mut Vec<Diagnostic>) {
        for (id, entry) in &self.entries {
            let idle = !entry.used && matches!(entry.meaning, Meaning::Feature(_) | Meaning::List(_));
            if idle {
                let message = format!("no rule uses the {} `{id}`", entry.what);
                diagnostics.push(
                    Diagnostic::warning("W0901", entry.loc, message)
                        .note("it is kept up to date for every event all the same"),
                );
            }
        }
        diagnostics.sort_by_key(|d| d.primary.0);
    }
}
