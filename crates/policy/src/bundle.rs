// SPDX-License-Identifier: Apache-2.0
//! The texts of one policy: `.ward` files and the list files they name.

use crate::Version;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The files of a policy by their path below its folder, with `/` between folders.
///
/// A file's folder is the namespace of what it declares: `ssh/rules.ward` declares `ssh.brute_force`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    files: BTreeMap<String, String>,
}

impl Bundle {
    /// Without files.
    pub fn new() -> Bundle {
        Bundle::default()
    }

    /// Adds a file; one of the same path is replaced.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.files.insert(path.into(), text.into());
    }

    /// A bundle with this one file.
    pub fn single(path: &str, text: &str) -> Bundle {
        let mut bundle = Bundle::new();
        bundle.add(path, text);
        bundle
    }

    /// The text of a file.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Every file, in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(p, t)| (p.as_str(), t.as_str()))
    }

    /// Every policy source, in the order of their paths.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(|(path, _)| path.ends_with(".ward"))
    }

    /// The namespace of a file: its folder, with dots.
    pub(crate) fn namespace(path: &str) -> String {
        path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.replace('/', "."))
    }

    /// Names this exact text: the first 12 hex digits of the SHA-256 over every path and text, each with its length.
    pub fn version(&self) -> Version {
        let mut hash = Sha256::new();
        for (path, text) in &self.files {
            for part in [path, text] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part.as_bytes());
            }
        }
        let digest = hash.finalize();
        Version(digest.iter().take(6).map(|b| format!("{b:02x}")).collect::<String>().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_names_the_text() {
        let a = Bundle::single("a.ward", "x").version();
        assert_eq!(a, Bundle::single("a.ward", "x").version());
        assert_ne!(a, Bundle::single("a.ward", "y").version());
        assert_ne!(a, Bundle::single("a.war", "dx").version());
    }
}
