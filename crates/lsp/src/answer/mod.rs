// SPDX-License-Identifier: Apache-2.0
//! Answers to what editors ask, one file a subject.

mod actions;
mod complete;
mod diagnostics;
mod format;
mod hover;
mod navigate;
mod rename;
mod symbols;
mod tokens;

pub(crate) use actions::{EXPLAIN, actions};
pub(crate) use complete::{complete, signature};
pub(crate) use diagnostics::diagnostics;
pub(crate) use format::{folding, format};
pub(crate) use hover::hover;
pub(crate) use navigate::{definition, highlight, references};
pub(crate) use rename::{Renamed, prepare, rename};
pub(crate) use symbols::{document, workspace};
pub(crate) use tokens::{legend, tokens};

/// What a client can show.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Client {
    /// Snippets with places to go on writing.
    pub(crate) snippets: bool,
    /// Symbols within symbols.
    pub(crate) nested_symbols: bool,
    /// Other places of a diagnostic.
    pub(crate) related: bool,
    /// Code actions that are more than commands.
    pub(crate) literal_actions: bool,
    /// Edits that name the version of a file.
    pub(crate) versioned_edits: bool,
    /// Can be asked to watch files.
    pub(crate) watches: bool,
}
