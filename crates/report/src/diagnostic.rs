// SPDX-License-Identifier: Apache-2.0
//! One thing to say about a source text.

use crate::Loc;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth saying; nothing is refused.
    Warning,
    /// The text is refused.
    Error,
}

/// One thing to say about a source text: a code, a sentence, the places it concerns, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable code with a page of its own, such as `W0201`.
    pub code: &'static str,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// The place at fault and what it is there.
    pub primary: (Loc, String),
    /// Other places that matter: where a name was declared, what the expected type comes from.
    pub others: Vec<(Loc, String)>,
    /// Facts that explain.
    pub notes: Vec<String>,
    /// What would be right.
    pub helps: Vec<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: &'static str, loc: Loc, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code,
            message: message.into(),
            primary: (loc, String::new()),
            others: Vec::new(),
            notes: Vec::new(),
            helps: Vec::new(),
        }
    }

    /// A warning at a place.
    pub fn warning(code: &'static str, loc: Loc, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, loc, message) }
    }

    /// Says what the place at fault is.
    pub fn label(mut self, text: impl Into<String>) -> Diagnostic {
        self.primary.1 = text.into();
        self
    }

    /// Adds another place.
    pub fn also(mut self, loc: Loc, text: impl Into<String>) -> Diagnostic {
        self.others.push((loc, text.into()));
        self
    }

    /// Adds a fact.
    pub fn note(mut self, text: impl Into<String>) -> Diagnostic {
        self.notes.push(text.into());
        self
    }

    /// Adds what would be right.
    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.helps.push(text.into());
        self
    }

    /// Adds what would be right, where it is known.
    pub fn help_opt(self, text: Option<String>) -> Diagnostic {
        match text {
            Some(text) => self.help(text),
            None => self,
        }
    }

    /// Whether it refuses the text.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
