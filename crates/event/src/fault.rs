// SPDX-License-Identifier: Apache-2.0
//! What is wrong with something a sender sent: all of it at once, each with its place.

use crate::limits;
use crate::value::printable;
use serde::Serialize;
use std::fmt;

/// Longest message, in characters.
const MESSAGE_CHARS: usize = 400;

/// One thing wrong with an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where: a JSON pointer (RFC 6901); empty for the whole.
    pub pointer: String,
    /// A stable name for programs, such as `unknown_field`.
    pub code: &'static str,
    /// What is wrong and what would be right, for people.
    pub message: String,
}

/// Everything wrong with one event; at most [`limits::FAULTS`] are kept, the rest are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    list: Vec<Fault>,
    more: usize,
}

impl Faults {
    /// None yet.
    pub fn new() -> Faults {
        Faults::default()
    }

    /// Exactly this one.
    pub fn one(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Faults {
        let mut faults = Faults::new();
        faults.add(pointer, code, message);
        faults
    }

    /// Adds one.
    pub fn add(&mut self, pointer: impl Into<String>, code: &'static str, message: impl Into<String>) {
        if self.list.len() == limits::FAULTS {
            self.more += 1;
            return;
        }
        // Messages quote what a stranger wrote, and end on terminals and in logs.
        let message = printable(&message.into(), MESSAGE_CHARS);
        self.list.push(Fault { pointer: pointer.into(), code, message });
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Those that were kept.
    pub fn list(&self) -> &[Fault] {
        &self.list
    }

    /// How many more there were.
    pub fn more(&self) -> usize {
        self.more
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.list.iter().enumerate() {
            let place =
                if fault.pointer.is_empty() { "event" } else { &printable(&fault.pointer, MESSAGE_CHARS) };
            write!(f, "{}{place}: {}", if i == 0 { "" } else { "; " }, fault.message)?;
        }
        if self.more > 0 {
            write!(f, "; and {} more", self.more)?;
        }
        Ok(())
    }
}

/// `name` as one token of a JSON pointer.
pub(crate) fn pointer(prefix: &str, name: &str) -> String {
    let shown: String = name.chars().take(64).collect();
    format!("{prefix}/{}", shown.replace('~', "~0").replace('/', "~1"))
}
