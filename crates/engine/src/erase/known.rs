// SPDX-License-Identifier: Apache-2.0
//! Which values were erased, by keyed hashes of them: a file beside the secret, for counters do not know them again.

use super::file;
use crate::error::EngineError;
use crate::limits::ERASED_BYTES;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::sync::Arc;
use wardroom_journal::Disk;
use wardroom_state::Erased;

const FILE: &str = "erased";

/// What the file says; nothing where there is none.
pub(crate) fn load(disk: &dyn Disk, data: &Path) -> Result<Arc<Erased>, EngineError> {
    let path = data.join(FILE);
    let bytes = match disk.load(&path, ERASED_BYTES) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Arc::default()),
        read => read.map_err(file("read", &path))?,
    };
    let erased = Erased::default();
    for line in String::from_utf8_lossy(&bytes).lines() {
        let one = line.split_once(' ').and_then(|(hash, times)| {
            Some((u64::from_str_radix(hash, 16).ok()?, times.parse::<u64>().ok()?))
        });
        let unreadable = || io::Error::new(io::ErrorKind::InvalidData, "it is not what an erasure writes");
        let (hash, times) = one.ok_or_else(|| file("read", &path)(unreadable()))?;
        erased.set(hash, times);
    }
    Ok(Arc::new(erased))
}

/// Writes down what is known, durably.
pub(super) fn save(disk: &dyn Disk, data: &Path, erased: &Erased) -> Result<(), EngineError> {
    let mut text = String::new();
    for (hash, times) in erased.list() {
        let _ = writeln!(text, "{hash:016x} {times}");
    }
    let path = data.join(FILE);
    disk.replace(&path, text.as_bytes()).map_err(file("write", &path))
}
