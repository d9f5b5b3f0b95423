// SPDX-License-Identifier: Apache-2.0
//! The installation's secret: the key under which counters' keys are hashed, so that nobody can aim collisions.

use crate::EngineError;
use std::io;
use std::path::Path;
use wardroom_journal::{Disk, FsDisk};
use wardroom_state::Secret;

/// Most that is read of the file: it has 33 bytes.
const FILE_BYTES: usize = 64;

/// Reads the secret of a data directory, or makes one, readable by its owner alone.
///
/// # Errors
/// When the file cannot be read or made, or holds something else.
pub fn installation_secret(data: &Path) -> Result<Secret, EngineError> {
    find_or_make(&FsDisk, data, |bytes| getrandom::fill(bytes))
}

/// The same on a given disk, where a new secret's bytes come from `draw`.
pub(crate) fn find_or_make(
    disk: &dyn Disk,
    data: &Path,
    draw: impl FnOnce(&mut [u8; 16]) -> Result<(), getrandom::Error>,
) -> Result<Secret, EngineError> {
    let path = data.join("secret");
    let file_error = |doing| {
        let path = path.clone();
        move |source| EngineError::File { doing, path, source }
    };
    match disk.load(&path, FILE_BYTES) {
        Ok(text) => return parse(text.trim_ascii()).ok_or(EngineError::Secret { path }),
        // Longer than any secret.
        Err(e) if e.kind() == io::ErrorKind::InvalidData => return Err(EngineError::Secret { path }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(file_error("read")(e)),
    }
    let mut bytes = [0u8; 16];
    draw(&mut bytes).map_err(EngineError::Random)?;
    let text: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    // Whole or not at all, whatever happens meanwhile.
    disk.replace(&path, format!("{text}\n").as_bytes()).map_err(file_error("create"))?;
    Ok(Secret(bytes))
}

fn parse(text: &[u8]) -> Option<Secret> {
    // `from_str_radix` alone would take a sign for a digit.
    if text.len() != 32 || !text.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let text = str::from_utf8(text).ok()?;
    let mut bytes = [0u8; 16];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(Secret(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn it_is_made_once_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let first = installation_secret(dir.path()).unwrap();
        assert_eq!(installation_secret(dir.path()).unwrap().0, first.0);
    }

    #[test]
    fn only_its_owner_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("secret.tmp"), "left by a crash").unwrap();
        installation_secret(dir.path()).unwrap();
        let mode = fs::metadata(dir.path().join("secret")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let check = |bytes: &[u8], good: bool| {
            fs::write(dir.path().join("secret"), bytes).unwrap();
            let read = installation_secret(dir.path());
            assert_eq!(read.is_ok(), good, "{bytes:?}");
            assert!(good || matches!(read, Err(EngineError::Secret { .. })), "{bytes:?}");
            let mut kept = Vec::new();
            fs::File::open(dir.path().join("secret")).unwrap().take(100).read_to_end(&mut kept).unwrap();
            assert_eq!(kept, bytes, "it is never overwritten");
        };
        check(&[b'a'; 32], true);
        check(b"00112233445566778899aabbccddeeff\n", true);
        check(b"00112233445566778899AABBCCDDEEFF", true);
        check(b"", false);
        check(b"nonsense", false);
        check(&[b'a'; 31], false);
        check(&[b'a'; 33], false);
        check(&b"+1".repeat(16), false);
        check(&[0xff; 32], false);
        check("é".repeat(16).as_bytes(), false);
    }
}
