// SPDX-License-Identifier: Apache-2.0
//! Key files: where the key of an encrypted data directory lies, and that nobody else can read it, nor any other file that
//! holds a secret.

use anyhow::{Context, Result, bail};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use wardroom_journal::Key;

/// Longest key file, in bytes: a key as text and some white space.
const MOST: u64 = 256;

/// Reads a key. A file that others can read or write is refused: what it protects would be theirs too.
pub(crate) fn read(path: &Path) -> Result<Key> {
    let about = || format!("cannot read the key file {}", path.display());
    let file = File::open(path).with_context(about)?;
    is_closed(&file, "the key file", path)?;
    let mut text = Vec::new();
    file.take(MOST + 1).read_to_end(&mut text).with_context(about)?;
    Key::parse(&text).with_context(|| format!("the key file {} is not right", path.display()))
}

/// Refuses an open file that others can read or write; `what` says what it is.
pub(crate) fn is_closed(file: &File, what: &str, path: &Path) -> Result<()> {
    let about = || format!("cannot read {what} {}", path.display());
    let mode = file.metadata().with_context(about)?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!(
            "{what} {} can be read or written by others (mode {:03o}): make it 600, and the key a new one if anybody \
             may have seen it",
            path.display(),
            mode & 0o777
        );
    }
    Ok(())
}

/// Makes a key file, for its owner alone. What is there stays.
pub(crate) fn make(path: &Path) -> Result<Key> {
    let about = || format!("cannot make the key file {}", path.display());
    let key = Key::random()?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path).with_context(about)?;
    file.write_all(key.to_text().as_bytes()).and_then(|()| file.sync_all()).with_context(about)?;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir).and_then(|dir| dir.sync_all()).with_context(about)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_made_once_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let made = make(&path).unwrap();
        assert_eq!(read(&path).unwrap().id(), made.id());
        assert!(make(&path).is_err(), "a key is not written over");
        assert_ne!(make(&dir.path().join("other")).unwrap().id(), made.id());
    }

    #[test]
    fn what_is_wrong_with_a_key_file_is_said_and_the_key_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let check = |text: &str, mode: u32, expect: &str| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let said = format!("{:#}", read(&path).unwrap_err());
            assert!(said.contains(expect) && !said.contains("abab"), "{said}");
        };
        check(&"ab".repeat(32), 0o640, "by others (mode 640): make it 600");
        check(&"ab".repeat(31), 0o600, "is not right: this is no key: a key is 32 random bytes");
        check(&"ab".repeat(500), 0o600, "is not right");
        std::fs::remove_file(&path).unwrap();
        assert!(format!("{:#}", read(&path).unwrap_err()).contains("cannot read the key file"));
    }
}
