// SPDX-License-Identifier: Apache-2.0
//! The policy language: `.ward` text to a typed program.
//!
//! This crate knows no surface and no storage: it reads texts it is given, answers with diagnostics, and evaluates
//! expressions over a [`Row`] that somebody else filled. Counting, journalling and replying happen elsewhere.
//!
//! The way of a policy: [`Bundle`] → `syntax` (tokens, layout, tree) → `check` (names and types) → `compile` (closures
//! over typed slots) → [`Program`]. Beside it: [`format()`] puts a text in its form, and [`json`] is that text for programs.
//! The past is asked by the same program over Arrow columns: [`Program::columns`].
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bundle;
mod check;
mod codes;
mod columns;
mod compile;
mod cost;
mod cover;
pub mod diff;
pub mod draft;
mod flip;
mod format;
mod functions;
pub mod ide;
mod index;
mod ir;
pub mod json;
pub mod limits;
mod model;
mod outline;
mod pattern;
mod program;
pub mod query;
mod row;
mod sink;
mod syntax;
mod table;
mod trace;
mod verdict;

pub use bundle::Bundle;
pub use codes::{Page, page, pages};
pub use columns::form;
pub use columns::{
    ColumnError, ColumnPlan, ColumnRule, ColumnValue, Fitted, RuleReads, Stored, StoredRows, StoredValues,
    TriColumn, column_array, column_field, column_values,
};
pub use cover::{Cover, Coverage, Covered, Point};
pub use flip::Flip;
pub use format::{Refusal, format};
pub use functions::{Call, calls};
pub use outline::{Costs, Declared};
pub use program::{
    Aggregate, Amount, Case, Computed, Count, Deed, Defined, Effect, Expect, Feature, Given, Here, KeyPath,
    List, ListId, Matching, Missing, Mode, Piece, Plan, Program, Reads, Rule, Serve, Source, Taken, Term,
    Version,
};
pub use row::{Row, Tri, World};
pub use trace::Trace;
pub use verdict::Verdict;

use wardroom_report::{Diagnostic, Sources};

/// What reading a policy gave: a program unless something was wrong, and everything there is to say.
pub struct Compiled {
    /// The program, unless a diagnostic is an error.
    pub program: Option<Program>,
    /// Errors and warnings in the order of their places, at most [`limits::DIAGNOSTICS`].
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that diagnostics point into.
    pub sources: Sources,
}

/// Reads, checks and compiles a policy. All faults are reported at once; a warning does not refuse.
pub fn compile(bundle: &Bundle) -> Compiled {
    let mut sink = sink::Sink::default();
    let (files, sources) = syntax::parse_bundle(bundle, &mut sink);
    let (checked, found) = check::check(&files, bundle, &sources, &mut sink);
    let program = (sink.errors() == 0).then(|| {
        let text = outline::Text::new(sources.clone(), found);
        compile::program(checked, bundle.version(), text)
    });
    Compiled { program, diagnostics: sink.finish(), sources }
}
