// SPDX-License-Identifier: Apache-2.0
//! The keys under which fields are hashed that a policy declares so: a file of their own beside the secret, since they are
//! changed now and then. Older ones stay: with them somebody can still be erased, and lists of the policy matched.

use crate::EngineError;
use crate::limits::{HASH_KEY_BYTES, HASH_KEYS};
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wardroom_journal::{Disk, FsDisk};
use wardroom_state::{HashKey, HashKeys, Keyer};

/// Where a data directory has them.
const FILE: &str = "hash-keys";

/// Where the bytes of a new key come from.
pub(crate) type Draw<'a> = &'a mut dyn FnMut(&mut [u8; 16]) -> Result<(), getrandom::Error>;

/// Reads the keys of a data directory, or makes the first, readable by its owner alone.
pub(crate) fn find_or_make(
    disk: &dyn Disk,
    data: &Path,
    draw: Draw<'_>,
) -> Result<Arc<HashKeys>, EngineError> {
    let path = data.join(FILE);
    match disk.load(&path, HASH_KEY_BYTES) {
        Ok(text) => return parse(&text).map(Arc::new).ok_or(EngineError::HashKeys { path }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(EngineError::File { doing: "read", path, source }),
    }
    add(disk, path, Vec::new(), draw).map(Arc::new)
}

/// The key of a simulation.
pub(crate) fn of_seed(seed: u64) -> Arc<HashKeys> {
    let bytes = (u128::from(!seed) << 64 | u128::from(seed)).to_le_bytes();
    Arc::new(HashKeys::new(vec![HashKey { id: 1, bytes }]))
}

/// What turns values into keys and hashes as an installation does, for a replay of its journal: under its secret, and with
/// the keys that its fields are hashed under, where there are any: to look is to make none.
///
/// # Errors
/// Where a file of theirs cannot be read, or holds something else.
pub fn installation_keyer(data: &Path) -> Result<Keyer, EngineError> {
    let secret = crate::secret::installation_secret(data)?;
    let path = data.join(FILE);
    match FsDisk.exists(&path) {
        Ok(true) => {}
        Ok(false) => return Ok(Keyer::new(secret)),
        Err(source) => return Err(EngineError::File { doing: "look at", path, source }),
    }
    let keys = find_or_make(&FsDisk, data, &mut |bytes| getrandom::fill(bytes))?;
    Ok(Keyer::new(secret).with_hash_keys(keys))
}

/// Adds a key to those of a data directory: a server that is started then hashes with it. Gives its number.
///
/// # Errors
/// Where the file cannot be read or written, holds something else, or has as many keys as it may.
pub fn rotate_hash_key(data: &Path) -> Result<u32, EngineError> {
    let draw: Draw<'_> = &mut |bytes| getrandom::fill(bytes);
    let before = find_or_make(&FsDisk, data, draw)?.keys().to_vec();
    let after = add(&FsDisk, data.join(FILE), before, draw)?;
    Ok(after.keys().last().map_or(0, |key| key.id))
}

fn add(
    disk: &dyn Disk,
    path: PathBuf,
    mut keys: Vec<HashKey>,
    draw: Draw<'_>,
) -> Result<HashKeys, EngineError> {
    if keys.len() >= HASH_KEYS {
        return Err(EngineError::ManyHashKeys { path });
    }
    let mut bytes = [0; 16];
    draw(&mut bytes).map_err(EngineError::Random)?;
    keys.push(HashKey { id: keys.last().map_or(1, |key| key.id + 1), bytes });
    let mut text = String::new();
    for key in &keys {
        let hex: String = key.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let _ = writeln!(text, "{} {hex}", key.id);
    }
    // Whole or not at all, whatever happens meanwhile.
    let written = disk.replace(&path, text.as_bytes());
    written.map_err(|source| EngineError::File { doing: "write", path, source })?;
    Ok(HashKeys::new(keys))
}

/// A key a line: its number and 32 hex digits, the numbers from 1 without a gap.
fn parse(text: &[u8]) -> Option<HashKeys> {
    let mut keys = Vec::new();
    for line in str::from_utf8(text).ok()?.lines() {
        let (id, hex) = line.split_once(' ')?;
        let id: u32 = id.parse().ok()?;
        if id as usize != keys.len() + 1 || hex.len() != 32 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; 16];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).ok()?;
        }
        keys.push(HashKey { id, bytes });
    }
    (!keys.is_empty() && keys.len() <= HASH_KEYS).then(|| HashKeys::new(keys))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_and_more_are_added() {
        let dir = tempfile::tempdir().unwrap();
        let read = || find_or_make(&FsDisk, dir.path(), &mut |bytes| getrandom::fill(bytes)).unwrap();
        let first = read();
        assert_eq!(first.keys(), read().keys());
        assert_eq!((first.keys().len(), first.keys()[0].id), (1, 1));
        assert_eq!(rotate_hash_key(dir.path()).unwrap(), 2);
        let second = read();
        assert_eq!((second.keys().len(), second.keys()[0]), (2, first.keys()[0]));
        let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for _ in 3..=HASH_KEYS {
            rotate_hash_key(dir.path()).unwrap();
        }
        assert!(matches!(rotate_hash_key(dir.path()), Err(EngineError::ManyHashKeys { .. })));
    }

    #[test]
    fn what_are_no_keys_is_refused() {
        let hex = "00112233445566778899aabbccddeeff";
        let good = |text: &str| parse(text.as_bytes()).is_some();
        assert!(good(&format!("1 {hex}\n")) && good(&format!("1 {hex}\n2 {hex}\n")));
        for bad in
            ["", "1", "1 00", &format!("2 {hex}"), &format!("1 {hex}\n3 {hex}"), &format!("1 +{}", &hex[1..])]
        {
            assert!(!good(bad), "{bad}");
        }
    }
}
