// SPDX-License-Identifier: Apache-2.0
//! A policy directory, or a single file, read into a bundle: bounded, and deterministic in its order.

use anyhow::{Context, Result, bail};
use std::io::Read;
use std::path::Path;
use wardroom_policy::{Bundle, limits};

/// Folders deeper than this below a policy directory are refused: a link that leads in a circle ends here.
const DEPTH: usize = 16;

/// Reads `path`: a directory with `.ward` files and the lists, tables and models they name, or one `.ward` file.
pub(crate) fn load(path: &Path) -> Result<Bundle> {
    let about =
        std::fs::metadata(path).with_context(|| format!("cannot read the policy {}", path.display()))?;
    let mut bundle = Bundle::new();
    if about.is_file() {
        let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        bundle.add(name, read(path, &mut limits::BUNDLE_BYTES.clone())?);
        return Ok(bundle);
    }
    let mut left = limits::BUNDLE_BYTES;
    folder(path, "", 0, &mut left, &mut bundle)?;
    if !bundle.files().any(|(name, _)| name.ends_with(".ward")) {
        bail!("no .ward file in {}; `wardroom init` writes a first one", path.display());
    }
    Ok(bundle)
}

fn folder(path: &Path, prefix: &str, depth: usize, left: &mut usize, bundle: &mut Bundle) -> Result<()> {
    if depth > DEPTH {
        bail!("{} lies deeper than {DEPTH} folders below the policy directory", path.display());
    }
    let entries =
        std::fs::read_dir(path).with_context(|| format!("cannot read the folder {}", path.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read the folder {}", path.display()))?;
        let file = entry.file_name();
        let Some(name) = file.to_str().filter(|n| !n.starts_with('.')) else {
            continue;
        };
        let below = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        let about = std::fs::metadata(entry.path());
        let about = about.with_context(|| format!("cannot read {}", entry.path().display()))?;
        if about.is_dir() {
            folder(&entry.path(), &below, depth + 1, left, bundle)?;
        } else if about.is_file() && is_policy(name) {
            bundle.add(below, read(&entry.path(), left)?);
        }
        if bundle.files().count() > limits::FILES {
            bail!("more than {} files in the policy directory", limits::FILES);
        }
    }
    Ok(())
}

/// Sources, and what they name: lists, tables, models.
pub(crate) fn is_policy(name: &str) -> bool {
    [".ward", ".txt", ".csv", ".json"].iter().any(|ending| name.ends_with(ending))
}

/// A file's text, within what the policy may still take.
fn read(path: &Path, left: &mut usize) -> Result<String> {
    let about = || format!("cannot read {}", path.display());
    let file = std::fs::File::open(path).with_context(about)?;
    let mut text = String::new();
    let most = *left as u64;
    file.take(most + 1).read_to_string(&mut text).with_context(about)?;
    match left.checked_sub(text.len()) {
        Some(rest) => *left = rest,
        None => bail!("the policy is larger than {} bytes at {}", limits::BUNDLE_BYTES, path.display()),
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_read_and_other_files_left() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        assert!(load(dir.path()).unwrap_err().to_string().contains("no .ward file"));
        put("b/x.ward", "1");
        put("a.ward", "2");
        put("b/list.txt", "3");
        put("b/notes.md", "4");
        put(".git/x.ward", "5");
        let bundle = load(dir.path()).unwrap();
        let names: Vec<&str> = bundle.files().map(|(n, _)| n).collect();
        assert_eq!(names, ["a.ward", "b/list.txt", "b/x.ward"]);
        assert!(load(&dir.path().join("none")).is_err());
        std::fs::write(dir.path().join("bad.ward"), [0xff, 0xfe]).unwrap();
        assert!(load(dir.path()).is_err());
    }
}
