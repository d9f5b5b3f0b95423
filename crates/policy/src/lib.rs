// SPDX-License-Identifier: Apache-2.0
//! The policy language: `.ward` text to a typed program.
//!
//! This crate knows no surface and no storage: it reads texts it is given, answers with diagnostics, and evaluates
//! expressions over a [`Row`] that somebody else filled. Counting, journalling and replying happen elsewhere.
//!
//! The way of a policy: [`Bundle`] → `syntax` (tokens, layout, tree) → `check` (names and types) → `compile` (closures
//! over typed slots) → [`Program`].
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bundle;
mod check;
mod codes;
mod compile;
#[allow(dead_code, reason = "not wired yet")]
mod index;
#[allow(dead_code, reason = "the checker does not ask for them yet")]
mod functions;
mod ir;
pub mod limits;
#[allow(dead_code, reason = "not wired yet")]
mod model;
mod program;
mod row;
mod sink;
mod syntax;
#[allow(dead_code, unused_imports, reason = "not wired yet")]
mod table;
mod verdict;

pub use bundle::Bundle;
pub use codes::{Page, page, pages};
pub use program::{
    Aggregate, Case, Count, Expect, Feature, Given, KeyPath, List, ListId, Mode, Piece, Plan, Program, Rule,
    Serve, Term, Version,
};
pub use row::{Lists, Row, Tri};
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
    let checked = check::check(&files, bundle, &sources, &mut sink);
    let program = (sink.errors() == 0).then(|| compile::program(checked, bundle.version()));
    Compiled { program, diagnostics: sink.finish(), sources }
}
