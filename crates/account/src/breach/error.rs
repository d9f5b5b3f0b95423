// SPDX-License-Identifier: Apache-2.0
//! What can go wrong with lists and files of breached passwords. No message holds anything of a list's line: it may be a
//! password.

use super::list::BadLines;
use std::io;
use std::path::{Path, PathBuf};

/// A list or a file that cannot be used, or a build that did not come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BreachError {
    /// The system would not.
    #[error("{doing} `{}`: {source}", path.display())]
    Io {
        /// What was being done, such as `cannot read`.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is something else, of another version, or not this kind of file.
    #[error("`{}` is no file that `wardroom breach build` made of this kind: {why}", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        why: String,
    },
    /// The file is not as it was written.
    #[error("`{}` is damaged: {why}; build it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where, and how.
        why: String,
    },
    /// Lines of a list are not right.
    #[error("{0}")]
    BadLines(BadLines),
    /// The list has nothing in it.
    #[error("the list has no hashes")]
    Empty,
    /// The hashes are not spread as hashes are.
    #[error("{0}")]
    NotHashes(String),
    /// Another build writes to the same directory.
    #[error("another build writes to `{}`", .0.display())]
    Busy(PathBuf),
    /// Somebody said stop.
    #[error("stopped; what was there before is as it was")]
    Stopped,
}

impl BreachError {
    /// For `map_err`: what was being done with which file.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BreachError {
        move |source| BreachError::Io { doing, path: path.to_owned(), source }
    }

    pub(super) fn damaged(path: &Path, why: impl Into<String>) -> BreachError {
        BreachError::Damaged { path: path.to_owned(), why: why.into() }
    }
}
