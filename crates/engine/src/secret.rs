// SPDX-License-Identifier: Apache-2.0
//! The installation's secret: the key under which counters' keys are hashed, so that nobody can aim collisions.

use crate::EngineError;
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use wardroom_state::Secret;

/// Reads the secret of a data directory, or makes one, readable by its owner alone.
///
/// # Errors
/// When the file cannot be read or made, or holds something else.
pub fn installation_secret(data: &Path) -> Result<Secret, EngineError> {
    let path = data.join("secret");
    let file_error = |doing| {
        let path = path.clone();
        move |source| EngineError::File { doing, path, source }
    };
    match fs::File::open(&path) {
        Ok(file) => {
            let mut text = Vec::new();
            file.take(64).read_to_end(&mut text).map_err(file_error("read"))?;
            return parse(text.trim_ascii()).ok_or(EngineError::Secret { path });
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(file_error("read")(e)),
    }
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(EngineError::Random)?;
    let text: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    // Written aside and renamed: a crash leaves either no secret or a whole one. What an earlier crash left aside goes
    // first, for it may be readable by others.
    let aside = data.join("secret.new");
    match fs::remove_file(&aside) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(file_error("replace")(e)),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(&aside).map_err(file_error("create"))?;
    file.write_all(format!("{text}\n").as_bytes()).map_err(file_error("write"))?;
    file.sync_all().map_err(file_error("write"))?;
    fs::rename(&aside, &path).map_err(file_error("create"))?;
    fs::File::open(data).and_then(|dir| dir.sync_all()).map_err(file_error("create"))?;
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
        fs::write(dir.path().join("secret.new"), "left by a crash").unwrap();
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
