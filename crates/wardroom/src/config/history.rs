// SPDX-License-Identifier: Apache-2.0
//! The section `[history]`: where the files of the past lie, and how long.

use super::{From, Known, path_line, span, span_text};
use anyhow::Result;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the section may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Written {
    /// The folder of the files, relative to the file. Default `history` in the data directory.
    dir: Option<PathBuf>,
    /// How long events stay in the files after they came, such as `400d`, or `all`. Default `all`.
    keep: Option<String>,
}

/// Every key of the section.
pub(super) const KEYS: [&str; 2] = ["dir", "keep"];

/// The section in force.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) dir: Known<Option<PathBuf>>,
    pub(crate) keep: Known<Option<Duration>>,
}

pub(super) fn resolve(written: Written, base: &Path) -> Result<History> {
    let keep = match written.keep.as_deref() {
        None => None,
        Some("all") => Some(None),
        Some(text) => Some(Some(span("history.keep", text)?)),
    };
    Ok(History {
        dir: Known::of(written.dir.map(|dir| Some(base.join(dir))), None),
        keep: Known::of(keep, None),
    })
}

impl History {
    /// How the past is opened.
    pub(crate) fn options(&self) -> wardroom_history::Options {
        wardroom_history::Options { dir: self.dir.value.clone(), keep: self.keep.value }
    }

    pub(super) fn lines(&self) -> [(String, From); 2] {
        let keep = self.keep.value.map_or_else(|| "all".to_owned(), span_text);
        [
            (path_line("history.dir", self.dir.value.as_deref(), "history"), self.dir.from),
            (format!("history.keep = {keep:?}"), self.keep.from),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::{parse, resolve};
    use std::path::Path;

    #[test]
    fn how_long_files_are_kept_is_a_length_of_time_or_all() {
        let lines = |text: &str| {
            let config = parse(text).and_then(|written| resolve(written, Path::new("/etc"), None))?;
            anyhow::Ok(config.history.lines().map(|(line, _)| line))
        };
        let none = ["# history.dir = \"history\"", "history.keep = \"all\""];
        assert_eq!(lines("").unwrap(), none);
        let some = ["history.dir = \"/etc/past\"", "history.keep = \"57w1d\""];
        assert_eq!(lines("[history]\ndir = \"past\"\nkeep = \"400d\"").unwrap(), some);
        let said = format!("{:#}", lines("[history]\nkeep = \"long\"").unwrap_err());
        assert!(said.contains("`history.keep` is a length of time"), "{said}");
        let said = format!("{:#}", lines("[history]\nkep = \"1d\"").unwrap_err());
        assert!(said.contains("did you mean `history.keep`?"), "{said}");
    }
}
