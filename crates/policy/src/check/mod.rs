// SPDX-License-Identifier: Apache-2.0
//! Names and types: from the tree to the checked form. One declaration at a time, every fault reported.

mod case;
mod event;
mod express;
mod feature;
mod list;
mod names;
mod rule;

use crate::ir::Checked;
use crate::sink::Sink;
use crate::syntax::tree::{Decl, File};
use crate::{Bundle, limits};
use names::Names;
use std::cell::Cell;
use std::collections::HashSet;
use wardroom_event::{TypeId, nearest};
use wardroom_report::Sources;

/// What all checks share.
pub(crate) struct Context<'a> {
    pub(crate) bundle: &'a Bundle,
    pub(crate) sources: &'a Sources,
    pub(crate) names: Names,
    pub(crate) checked: Checked,
    /// Fields whose type could not be read. That has been reported; whatever reads them is not at fault.
    pub(crate) broken_fields: HashSet<(TypeId, String)>,
    pub(crate) diagnostics: &'a mut Sink,
    /// How many more names may be compared to find those that were meant.
    comparisons: Cell<usize>,
}

impl Context<'_> {
    /// The name that was probably meant, while [`limits::SUGGESTIONS`] last: a policy of a million slips must not
    /// take a million times a million comparisons to refuse.
    pub(crate) fn near<'c>(
        &self,
        name: &str,
        candidates: impl IntoIterator<Item = &'c str>,
    ) -> Option<String> {
        let mut left = self.comparisons.get();
        // A name of quite another length is not near; leaving it out costs nothing.
        let (least, most) = (name.len() / 2, name.len() * 2 + 2);
        let candidates = candidates.into_iter().filter(|c| (least..=most).contains(&c.len()));
        let near = nearest(name, candidates.take(left).inspect(|_| left -= 1));
        let near = near.map(str::to_owned);
        self.comparisons.set(left);
        near
    }

    /// Whether the type of a field is not known, for a reason that has been reported.
    pub(crate) fn is_broken(&self, event: TypeId, field: &str) -> bool {
        !self.broken_fields.is_empty() && self.broken_fields.contains(&(event, field.to_owned()))
    }
}

/// Names one after the other; of many only the first.
pub(crate) fn listed<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let more = names.len().saturating_sub(limits::LISTED);
    let shown: Vec<&str> = names.take(limits::LISTED).collect();
    let shown = shown.join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// Checks a whole policy. With errors the result is incomplete and must not be compiled.
pub(crate) fn check(files: &[File], bundle: &Bundle, sources: &Sources, diagnostics: &mut Sink) -> Checked {
    let mut cx = Context {
        bundle,
        sources,
        names: Names::default(),
        checked: Checked::default(),
        broken_fields: HashSet::new(),
        diagnostics,
        comparisons: Cell::new(limits::SUGGESTIONS),
    };
    // Each kind of declaration may use those before it in this order, wherever they stand.
    event::declare(&mut cx, files);
    each(files, |file, decl| {
        if let Decl::List(list) = decl {
            list::check(&mut cx, file, list);
        }
    });
    each(files, |file, decl| {
        if let Decl::Feature(feature) = decl {
            feature::check(&mut cx, file, feature);
        }
    });
    each(files, |file, decl| {
        if let Decl::Broken { what, name } = decl {
            cx.names.declare(&file.namespace, name, (what, names::Meaning::Broken), cx.diagnostics);
        }
    });
    each(files, |file, decl| {
        if let Decl::Rule(rule) = decl {
            rule::declare(&mut cx, file, rule);
        }
    });
    each(files, |file, decl| {
        if let Decl::Rule(rule) = decl {
            rule::check(&mut cx, file, rule);
        }
    });
    let mut lines = case::Lines::default();
    each(files, |file, decl| {
        if let Decl::Test(test) = decl {
            case::check(&mut cx, file, test, &mut lines);
        }
    });
    // What reads a feature may be among what could not be read.
    if cx.diagnostics.errors() == 0 {
        cx.names.report_unused(cx.diagnostics);
    }
    cx.checked
}

fn each<'f>(files: &'f [File], mut visit: impl FnMut(&'f File, &'f Decl)) {
    for file in files {
        for decl in &file.decls {
            visit(file, decl);
        }
    }
}
