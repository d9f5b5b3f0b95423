// SPDX-License-Identifier: Apache-2.0
//! The section `[breach]`: the files of breached passwords, and who may ask for ranges of them.

use super::sql::is_local;
use super::{From, Known, path_line, size, size_text};
use anyhow::Result;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use wardroom_account::breach::Sources;
use wardroom_account::breach::limits::RESIDENT_BYTES;

/// What the section may say. The files are read again at SIGHUP.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Written {
    /// The filter, relative to the file: it gives events `breached`. Default none.
    filter: Option<PathBuf>,
    /// The exact file of SHA-1 hashes, relative to the file, for `/range/`. Default none.
    ranges: Option<PathBuf>,
    /// The exact file of NTLM hashes, for `/range/…?mode=ntlm`. Default none.
    ntlm_ranges: Option<PathBuf>,
    /// A filter of up to this size is held in memory; of a larger one three places are read for each password.
    /// Default `256MiB`.
    memory: Option<String>,
    /// Whether `/range/` needs no API key. Default: where only this machine connects.
    open: Option<bool>,
}

/// Every key of the section.
pub(super) const KEYS: [&str; 5] = ["filter", "ranges", "ntlm_ranges", "memory", "open"];

/// The section in force.
#[derive(Clone, Debug)]
pub(crate) struct Breach {
    filter: Known<Option<PathBuf>>,
    ranges: Known<Option<PathBuf>>,
    ntlm_ranges: Known<Option<PathBuf>>,
    memory: Known<u64>,
    open: Known<Option<bool>>,
}

pub(super) fn resolve(written: Written, base: &Path) -> Result<Breach> {
    let below = |path: Option<PathBuf>| Known::of(path.map(|path| Some(base.join(path))), None);
    let memory = written.memory.map(|text| size("breach.memory", &text, 0, u64::MAX)).transpose()?;
    Ok(Breach {
        filter: below(written.filter),
        ranges: below(written.ranges),
        ntlm_ranges: below(written.ntlm_ranges),
        memory: Known::of(memory, RESIDENT_BYTES),
        open: Known::of(written.open.map(Some), None),
    })
}

impl Breach {
    /// The files to open.
    pub(crate) fn sources(&self) -> Sources {
        Sources {
            filter: self.filter.value.clone(),
            ranges: self.ranges.value.clone(),
            ntlm_ranges: self.ntlm_ranges.value.clone(),
            resident: self.memory.value,
        }
    }

    /// Whether ranges need no key, where the server listens on this address.
    pub(crate) fn is_open(&self, listen: &str) -> bool {
        self.open.value.unwrap_or_else(|| is_local(listen))
    }

    pub(super) fn lines(&self) -> [(String, From); 5] {
        let file = |key: &str, known: &Known<Option<PathBuf>>, example: &str| {
            (path_line(&format!("breach.{key}"), known.value.as_deref(), example), known.from)
        };
        let open = match self.open.value {
            Some(open) => format!("breach.open = {open}"),
            None => "# breach.open = true".to_owned(),
        };
        [
            file("filter", &self.filter, "breach/sha1.filter"),
            file("ranges", &self.ranges, "breach/sha1.ranges"),
            file("ntlm_ranges", &self.ntlm_ranges, "breach/ntlm.ranges"),
            (format!("breach.memory = {:?}", size_text(self.memory.value)), self.memory.from),
            (open, self.open.from),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_open_where_only_this_machine_connects() {
        let check = |text: &str, listen: &str, expect: bool| {
            let breach = resolve(toml::from_str(text).unwrap(), Path::new("/etc")).unwrap();
            assert_eq!(breach.is_open(listen), expect, "{text} {listen}");
        };
        check("", "127.0.0.1:8320", true);
        check("", "[::1]:8320", true);
        check("", "0.0.0.0:8320", false);
        check("open = true", "0.0.0.0:8320", true);
        check("open = false", "127.0.0.1:8320", false);
    }

    #[test]
    fn files_lie_beside_the_configuration() {
        let text = "filter = \"a.filter\"\nranges = \"/b.ranges\"\nmemory = \"0B\"";
        let breach = resolve(toml::from_str(text).unwrap(), Path::new("/etc")).unwrap();
        let lines = breach.lines().map(|(line, _)| line);
        assert_eq!(lines[..2], ["breach.filter = \"/etc/a.filter\"", "breach.ranges = \"/b.ranges\""]);
        assert_eq!(breach.sources().resident, 0);
        assert!(resolve(toml::from_str("memory = \"much\"").unwrap(), Path::new("")).is_err());
    }
}
