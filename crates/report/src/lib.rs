// SPDX-License-Identifier: Apache-2.0
//! Diagnostics for people and for programs: places in source text, codes, messages in rustc's manner.
//!
//! This crate knows not what is diagnosed: it holds texts, points into them and draws. Whoever finds a fault says
//! what it means.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod diagnostic;
mod render;
mod source;

pub use diagnostic::{Diagnostic, Severity};
pub use render::{render, to_json};
pub use source::{FileId, Loc, Sources};
