// SPDX-License-Identifier: Apache-2.0
//! The folder that holds a file's policy, and what lies in it: bounded, and in one order.

use crate::limits;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Which policy a file belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Home {
    /// All that lies below a folder.
    Folder(PathBuf),
    /// The file alone.
    Alone(PathBuf),
}

impl Home {
    /// The name of a file of the policy within it.
    pub(crate) fn name(&self, path: &Path) -> Option<String> {
        match self {
            Home::Folder(root) => {
                let below = path.strip_prefix(root).ok()?.to_str()?;
                Some(below.replace(std::path::MAIN_SEPARATOR, "/"))
            }
            Home::Alone(file) => (file == path).then(|| file_name(path)),
        }
    }

    /// Where a file of the policy lies.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        match self {
            Home::Folder(root) => root.join(name),
            Home::Alone(file) => file.clone(),
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| "policy.ward".to_owned(), |n| n.to_string_lossy().into_owned())
}

/// Whether a file is part of a policy: its texts, and what lists, tables and models are read from.
pub(crate) fn belongs(name: &str) -> bool {
    [".ward", ".txt", ".csv", ".json"].iter().any(|end| name.ends_with(end))
}

/// The policy of a file: what the nearest `wardroom.toml` calls the policy's folder, if the file lies in it; or else the
/// nearest folder called `policy`; or else the workspace it is in; or else the file alone.
pub(crate) fn home(file: &Path, workspaces: &[PathBuf]) -> Home {
    let folders = || file.ancestors().skip(1);
    if let Some(root) = folders().find_map(|folder| configured(folder).filter(|root| file.starts_with(root)))
    {
        return Home::Folder(root);
    }
    if let Some(root) = folders().find(|folder| folder.file_name().is_some_and(|name| name == "policy")) {
        return Home::Folder(root.to_owned());
    }
    let inner =
        workspaces.iter().filter(|root| file.starts_with(root)).max_by_key(|root| root.as_os_str().len());
    inner.map_or_else(|| Home::Alone(file.to_owned()), |root| Home::Folder(root.clone()))
}

/// What a configuration says of where the policy is.
#[derive(Deserialize)]
struct Config {
    policy: Option<PathBuf>,
}

/// The policy's folder by the `wardroom.toml` in this folder.
fn configured(folder: &Path) -> Option<PathBuf> {
    let file = std::fs::File::open(folder.join("wardroom.toml")).ok()?;
    let mut text = String::new();
    file.take(limits::CONFIG_BYTES).read_to_string(&mut text).ok()?;
    let config: Config = toml::from_str(&text).ok()?;
    Some(folder.join(config.policy.unwrap_or_else(|| "policy".into())))
}

/// What lies in a policy's folder.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// The files by their names, with `/` between folders.
    pub(crate) files: BTreeMap<String, String>,
    /// What could not be read, and why.
    pub(crate) troubles: Vec<String>,
}

/// Reads a policy's files.
pub(crate) fn read(home: &Home) -> Contents {
    let mut reader = Reader {
        contents: Contents::default(),
        bytes: wardroom_policy::limits::BUNDLE_BYTES,
        entries: limits::ENTRIES,
    };
    match home {
        Home::Folder(root) => reader.folder(root, "", 0),
        Home::Alone(file) => reader.file(file, file_name(file)),
    }
    reader.contents
}

struct Reader {
    contents: Contents,
    /// How many more bytes may be read.
    bytes: usize,
    /// How many more entries of folders may be looked at.
    entries: usize,
}

impl Reader {
    fn trouble(&mut self, what: String) {
        // One of a kind says enough.
        if self.contents.troubles.len() < 8 {
            self.contents.troubles.push(what);
        }
    }

    fn folder(&mut self, path: &Path, prefix: &str, depth: usize) {
        if depth > limits::DEPTH {
            return self.trouble(format!("{} lies too deep below the policy", path.display()));
        }
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return self.trouble(format!("cannot read {}: {error}", path.display())),
        };
        let room = self.entries;
        let mut names: Vec<_> =
            entries.filter_map(|e| e.ok()?.file_name().into_string().ok()).take(room).collect();
        self.entries -= names.len();
        names.sort_unstable();
        for name in names.into_iter().filter(|name| !name.starts_with('.')) {
            let (path, below) =
                (path.join(&name), if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") });
            let Ok(about) = std::fs::metadata(&path) else { continue };
            if about.is_dir() {
                self.folder(&path, &below, depth + 1);
            } else if about.is_file() && belongs(&name) {
                self.file(&path, below);
            }
        }
        if self.entries == 0 {
            self.trouble(format!("more than {} files and folders in the policy", limits::ENTRIES));
        }
    }

    fn file(&mut self, path: &Path, name: String) {
        // One more than a policy may have, so that the checker says so.
        if self.contents.files.len() > wardroom_policy::limits::FILES {
            return;
        }
        let mut text = String::new();
        let read = std::fs::File::open(path)
            .and_then(|file| file.take(self.bytes as u64 + 1).read_to_string(&mut text));
        match (read, self.bytes.checked_sub(text.len())) {
            (Err(error), _) => self.trouble(format!("cannot read {}: {error}", path.display())),
            (Ok(_), None) => self.trouble(format!("the policy is too large at {}", path.display())),
            (Ok(_), Some(left)) => {
                self.bytes = left;
                self.contents.files.insert(name, text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(root: &Path, name: &str, text: &str) -> PathBuf {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn a_files_policy_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let check =
            |file: &Path, workspaces: &[PathBuf], expect: Home| assert_eq!(home(file, workspaces), expect);
        let folder = |name: &str| Home::Folder(root.join(name));
        let alone = put(root, "x/a.ward", "");
        check(&alone, &[], Home::Alone(alone.clone()));
        check(&alone, &[root.to_owned(), root.join("x")], folder("x"));
        check(&alone, &[root.join("y")], Home::Alone(alone.clone()));
        let below = put(root, "policy/ssh/a.ward", "");
        check(&below, &[root.to_owned()], folder("policy"));
        put(root, "wardroom.toml", "policy = \"rules\"\n");
        check(&put(root, "rules/a.ward", ""), &[root.to_owned()], folder("rules"));
        check(&below, &[root.to_owned()], folder("policy"));
        put(root, "wardroom.toml", "not toml at all [");
        check(&below, &[], folder("policy"));
    }

    #[test]
    fn only_a_policys_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.ward", "b/x.ward", "b/list.txt", "t.csv", "m.json", "notes.md", ".git/x.ward"] {
            put(dir.path(), name, "x");
        }
        std::fs::write(dir.path().join("bad.ward"), [0xff]).unwrap();
        let found = read(&Home::Folder(dir.path().to_owned()));
        let names: Vec<&str> = found.files.keys().map(String::as_str).collect();
        assert_eq!(names, ["a.ward", "b/list.txt", "b/x.ward", "m.json", "t.csv"]);
        assert_eq!(found.troubles.len(), 1, "{:?}", found.troubles);
    }
}
