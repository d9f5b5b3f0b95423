// SPDX-License-Identifier: Apache-2.0
//! Names and types: from the tree to the checked form. One declaration at a time, every fault reported.

mod case;
mod event;
mod express;
mod feature;
mod list;
mod names;
mod rule;

use crate::Bundle;
use crate::ir::Checked;
use crate::syntax::tree::{Decl, File};
use names::Names;
use wardroom_report::{Diagnostic, Sources};

/// What all checks share.
pub(crate) struct Context<'a> {
    pub(crate) bundle: &'a Bundle,
    pub(crate) sources: &'a Sources,
    pub(crate) names: Names,
    pub(crate) checked: Checked,
    pub(crate) diagnostics: &'a mut Vec<Diagnostic>,
}

/// Checks a whole policy. With errors the result is incomplete and must not be compiled.
pub(crate) fn check(
    files: &[File],
    bundle: &Bundle,
    sources: &Sources,
    diagnostics: &mut Vec<Diagnostic>,
) -> Checked {
    let mut cx =
        Context { bundle, sources, names: Names::default(), checked: Checked::default(), diagnostics };
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
        if let Decl::Rule(rule) = decl {
            rule::check(&mut cx, file, rule);
        }
    });
    each(files, |file, decl| {
        if let Decl::Test(test) = decl {
            case::check(&mut cx, file, test);
        }
    });
    cx.names.report_unused(cx.diagnostics);
    cx.diagnostics.truncate(crate::limits::DIAGNOSTICS);
    cx.checked
}

fn each<'f>(files: &'f [File], mut visit: impl FnMut(&'f File, &'f Decl)) {
    for file in files {
        for decl in &file.decls {
            visit(file, decl);
        }
    }
}
