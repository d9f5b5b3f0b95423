// SPDX-License-Identifier: Apache-2.0
//! The mark that a restore leaves in a data directory, and that the first opening takes up.
//!
//! What comes after a backup's last record was lost, and its numbers are given again; the keys of effects must not be. A
//! restore cannot say so in the journal itself, for that may be encrypted with a key that is not at hand. So it leaves a
//! file, and who opens the journal next writes what it says into the record of where the outbox stands, durably and before
//! all else. From then on the journal has it, and every backup of it.

use crate::EngineError;
use crate::record::Restored;
use std::io;
use std::path::{Path, PathBuf};
use wardroom_journal::{Disk, FsDisk};

/// Most that is read of the file.
const FILE_BYTES: usize = 64;

fn path(data: &Path) -> PathBuf {
    data.join("restored")
}

/// Marks a data directory as restored from a backup that ends with record `last_seq`: effects of decisions after it get keys
/// that none had before.
///
/// # Errors
/// When the file cannot be written, or the system gives no random bytes.
pub fn mark_restored(data: &Path, last_seq: u64) -> Result<(), EngineError> {
    let mut prefix = [0; 8];
    getrandom::fill(&mut prefix).map_err(EngineError::Random)?;
    let text = format!("{last_seq} {:016x}\n", u64::from_le_bytes(prefix));
    let path = path(data);
    let failed = |source| EngineError::File { doing: "create", path: path.clone(), source };
    FsDisk.replace(&path, text.as_bytes()).map_err(failed)
}

/// The mark of a data directory, where it has one.
pub(crate) fn mark(disk: &dyn Disk, data: &Path) -> Result<Option<Restored>, EngineError> {
    let path = path(data);
    match disk.load(&path, FILE_BYTES) {
        Ok(text) => parse(&text).map(Some).ok_or(EngineError::Mark { path }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) if e.kind() == io::ErrorKind::InvalidData => Err(EngineError::Mark { path }),
        Err(source) => Err(EngineError::File { doing: "read", path, source }),
    }
}

/// The journal has what it says: it may go. Where it does not, the next opening finds that it is known.
pub(crate) fn unmark(disk: &dyn Disk, data: &Path) {
    let path = path(data);
    if let Err(error) = disk.remove(&path).and_then(|()| disk.sync_dir(data)) {
        tracing::warn!(path = %path.display(), %error, "the mark of a restore stays; it does no harm");
    }
}

fn parse(text: &[u8]) -> Option<Restored> {
    let (after, prefix) = str::from_utf8(text).ok()?.trim_ascii().split_once(' ')?;
    let is_hex = prefix.len() == 16 && prefix.bytes().all(|b| b.is_ascii_hexdigit());
    let prefix = u64::from_str_radix(prefix, 16).ok().filter(|_| is_hex)?;
    Some(Restored { after: after.parse().ok()?, prefix })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_back_until_it_is_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(mark(&FsDisk, dir.path()).unwrap(), None);
        mark_restored(dir.path(), 1000).unwrap();
        let first = mark(&FsDisk, dir.path()).unwrap().unwrap();
        assert_eq!(first.after, 1000);
        mark_restored(dir.path(), 1000).unwrap();
        assert_ne!(mark(&FsDisk, dir.path()).unwrap().unwrap().prefix, first.prefix, "no two are alike");
        unmark(&FsDisk, dir.path());
        assert_eq!(mark(&FsDisk, dir.path()).unwrap(), None);
    }

    #[test]
    fn what_is_no_mark_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let check = |text: &str, good: bool| {
            std::fs::write(path(dir.path()), text).unwrap();
            let read = mark(&FsDisk, dir.path());
            assert_eq!(read.is_ok(), good, "{text}");
            assert!(good || matches!(read, Err(EngineError::Mark { .. })), "{text}");
        };
        check("1000 00000000000000ab\n", true);
        check("0 ffffffffffffffff", true);
        check("", false);
        check("1000", false);
        check("1000 ab", false);
        check("-1 00000000000000ab", false);
        check("1000 +0000000000000ab", false);
        check(&"1".repeat(99), false);
    }
}
