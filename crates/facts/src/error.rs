// SPDX-License-Identifier: Apache-2.0
//! What can be wrong with a data file: each message names the file, what is wrong, and what would be right.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::limits;

/// A data file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FactsError {
    /// The system would not give it.
    #[error("could not read `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// It is larger than its limit.
    #[error("`{}` is larger than {most} bytes, the most for a file of {what}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// The limit.
        most: u64,
    },

    /// More files are named than may be open.
    #[error("{count} files of {what} are named, and there may be {most}")]
    TooMany {
        /// What they should hold.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },

    /// The bytes are not an MMDB file.
    #[error("`{}` is not a sound MMDB file: {reason}", path.display())]
    NotMmdb {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// A sound MMDB file of something else.
    #[error(
        "`{}` is a database of type {kind:?}, whose records hold nothing that facts are made of; looked for: {known}",
        path.display()
    )]
    UnknownType {
        /// The file.
        path: PathBuf,
        /// What the file calls itself.
        kind: String,
        /// What a record may hold, in words.
        known: String,
    },

    /// Lines of a text file that cannot be read.
    #[error("`{}` is not right:\n{faults}", path.display())]
    Lines {
        /// The file.
        path: PathBuf,
        /// What is wrong, line by line.
        faults: Faults,
    },
}

impl FactsError {
    /// Wraps what the system said about a file.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> FactsError {
        move |source| FactsError::Io { path: path.to_owned(), source }
    }
}

/// Everything that is wrong with the files named, so that one look is enough to mend them all.
#[derive(Debug)]
pub struct Failures(pub Vec<FactsError>);

impl std::error::Error for Failures {}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, failure) in self.0.iter().enumerate() {
            let before = if i == 0 { "" } else { "\n" };
            write!(f, "{before}{failure}")?;
        }
        Ok(())
    }
}

/// One thing wrong in a text file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// From 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Fault {
    /// About the file as a whole.
    pub(crate) fn whole(message: &str) -> Fault {
        Fault { line: 0, message: message.to_owned() }
    }
}

/// What is wrong in a text file: the first of them in words, the rest counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// At most [`limits::FAULTS`], in the order of their lines.
    pub list: Vec<Fault>,
    /// How many more there are.
    pub more: usize,
}

impl Faults {
    pub(crate) fn push(&mut self, line: usize, message: String) {
        match self.list.len() < limits::FAULTS {
            true => self.list.push(Fault { line, message }),
            false => self.more += 1,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Faults {
        Faults { list: vec![fault], more: 0 }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Fault { line, message }) in self.list.iter().enumerate() {
            let before = if i == 0 { "" } else { "\n" };
            match line {
                0 => write!(f, "{before}{message}")?,
                line => write!(f, "{before}line {line}: {message}")?,
            }
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}
