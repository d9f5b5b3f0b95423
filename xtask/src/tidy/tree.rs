// SPDX-License-Identifier: Apache-2.0
//! The repository's files in memory, so that every check is a function from files to findings.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context, Result};

use crate::place::{self, Place};

/// The largest file the repository may hold, in bytes; larger ones are not read either.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 20;

/// Folders that are never the repository's own, for a tree without git.
const NOT_OURS: [&str; 3] = [".git", "target", "node_modules"];

/// One file.
#[derive(Debug)]
pub(super) struct File {
    /// Size in bytes.
    pub(super) bytes: u64,
    /// The content, when it is text: UTF-8 without a NUL and within [`MAX_FILE_BYTES`].
    pub(super) text: Option<String>,
}

/// All files by path relative to the root, with `/` between folders.
#[derive(Debug, Default)]
pub(super) struct Tree {
    files: BTreeMap<String, File>,
}

impl Tree {
    /// Reads what git knows or would add. Without git (an unpacked archive) it walks the folders instead.
    pub(super) fn read(place: &Place) -> Result<Self> {
        let mut listing = place.program("git");
        listing.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
        let paths = match place::read(&mut listing) {
            Ok(listed) => listed.split_terminator('\0').map(str::to_owned).collect(),
            Err(_) => walk(&place.root)?,
        };
        let mut tree = Self::default();
        for path in paths {
            let full = place.root.join(&path);
            // A tracked file may be deleted, and a link's target is either listed itself or not ours.
            if fs::symlink_metadata(&full).is_ok_and(|meta| meta.is_file()) {
                tree.files.insert(path, read_file(&full)?);
            }
        }
        Ok(tree)
    }

    /// A made-up repository.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let file = |text: &str| File { bytes: text.len() as u64, text: Some(text.to_owned()) };
        Self { files: files.iter().map(|&(path, text)| (path.to_owned(), file(text))).collect() }
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// Every file.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// Every text file whose path ends so, with its text.
    pub(super) fn texts<'a>(&'a self, ending: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files()
            .filter(move |(path, _)| path.ends_with(ending))
            .filter_map(|(path, file)| Some((path, file.text.as_deref()?)))
    }

    /// The text of one file.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.text.as_deref()
    }

    /// Whether there is such a file, or a folder with a file in it.
    pub(super) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        path.is_empty() || self.files.contains_key(path) || self.has_folder(path)
    }

    /// Whether any file lies in this folder.
    pub(super) fn has_folder(&self, path: &str) -> bool {
        let inside = format!("{path}/");
        self.files.range(inside.clone()..).next().is_some_and(|(first, _)| first.starts_with(&inside))
    }

    /// Names of the crates: folders in `crates/` with a manifest.
    pub(super) fn crates(&self) -> impl Iterator<Item = &str> {
        let inside =
            self.files.keys().filter_map(|path| path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml"));
        inside.filter(|name| !name.contains('/'))
    }
}

/// One file, its text only when it is text and small enough.
fn read_file(path: &Path) -> Result<File> {
    let context = || format!("cannot read {}", path.display());
    let file = fs::File::open(path).with_context(context)?;
    let bytes = file.metadata().with_context(context)?.len();
    if bytes > MAX_FILE_BYTES {
        return Ok(File { bytes, text: None });
    }
    let mut content = Vec::new();
    file.take(MAX_FILE_BYTES).read_to_end(&mut content).with_context(context)?;
    let text = String::from_utf8(content).ok().filter(|text| !text.contains('\0'));
    Ok(File { bytes, text })
}

/// Paths of all files below the root but those in folders that builds and git make.
fn walk(root: &Path) -> Result<Vec<String>> {
    let (mut folders, mut paths) = (vec![root.to_path_buf()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() && !NOT_OURS.iter().any(|&name| entry.file_name() == name) {
                folders.push(entry.path());
            } else if kind.is_file()
                && let Some(path) = entry.path().strip_prefix(root).ok().and_then(Path::to_str)
            {
                paths.push(path.to_owned());
            }
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_files_folders_and_crates() {
        let tree = Tree::of(&[
            ("crates/event/Cargo.toml", ""),
            ("crates/event/src/lib.rs", ""),
            ("crates/events.md", ""),
        ]);
        for (path, expect) in [
            ("crates", true),
            ("crates/", true),
            ("crates/event", true),
            ("crates/event/src/lib.rs", true),
            ("crates/even", false),
            ("crates/event/Cargo", false),
        ] {
            assert_eq!(tree.has(path), expect, "{path}");
        }
        assert_eq!(tree.crates().collect::<Vec<_>>(), ["event"]);
    }

    #[test]
    fn reads_a_folder_without_git() {
        let root = std::env::temp_dir().join(format!("wardroom-xtask-tree-{}", std::process::id()));
        fs::create_dir_all(root.join("src")).unwrap();
        fs::create_dir_all(root.join("target")).unwrap();
        fs::write(root.join("src/a.rs"), "text").unwrap();
        fs::write(root.join("target/b.rs"), "built").unwrap();
        let paths = walk(&root).unwrap();
        let file = read_file(&root.join("src/a.rs")).unwrap();
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(paths, ["src/a.rs"]);
        assert_eq!((file.bytes, file.text.as_deref()), (4, Some("text")));
    }
}
