// SPDX-License-Identifier: Apache-2.0
//! What only the edge sees of the machine and the data directory: the disk, the process, the files.

use crate::clock;
use crate::config::durability_text;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use wardroom_api::{Host, LookAtHost};
use wardroom_engine::Durability;
use wardroom_event::Micros;

/// What looks at the machine, for the API.
pub(crate) fn looking(data: PathBuf, durability: Durability) -> LookAtHost {
    Arc::new(move || look(&data, Some(durability)))
}

/// The machine and the data directory as they are now.
pub(crate) fn look(data: &Path, durability: Option<Durability>) -> Host {
    let disk = rustix::fs::statvfs(data).ok();
    let journal = Files::in_dir(&data.join("journal"), |name| wardroom_journal::segment_of(name).is_some());
    let snapshots = Files::in_dir(&data.join("snapshots"), |_| true).filter(|files| files.count > 0);
    Host {
        disk_free_bytes: disk.as_ref().map(|d| d.f_bavail.saturating_mul(d.f_frsize)),
        disk_bytes: disk.as_ref().map(|d| d.f_blocks.saturating_mul(d.f_frsize)),
        resident_bytes: durability
            .and_then(|_| proc_kib("/proc/self/status", "VmRSS:"))
            .map(|kib| kib * 1024),
        journal_segments: journal.as_ref().map(|files| files.count),
        journal_bytes: journal.as_ref().map(|files| files.bytes),
        snapshot_files: snapshots.as_ref().map(|files| files.count),
        snapshot_bytes: snapshots.as_ref().map(|files| files.bytes),
        snapshot_newest: snapshots.and_then(|files| files.newest).map(|at| at.to_string()),
        durability: durability.map(durability_text),
        clock_offset_seconds: durability.map(|_| clock::offset().as_secs_f64()),
    }
}

/// Files of a folder, counted.
pub(crate) struct Files {
    pub(crate) count: u64,
    /// What they take on the disk.
    pub(crate) bytes: u64,
    /// When the newest was written.
    pub(crate) newest: Option<Micros>,
}

impl Files {
    /// Those whose name is `wanted`; `None` where the folder cannot be read. One that goes meanwhile is not counted.
    pub(crate) fn in_dir(dir: &Path, wanted: impl Fn(&str) -> bool) -> Option<Files> {
        let mut files = Files { count: 0, bytes: 0, newest: None };
        for entry in std::fs::read_dir(dir).ok()?.flatten() {
            let name = entry.file_name();
            let Some(about) =
                entry.metadata().ok().filter(|m| m.is_file() && name.to_str().is_some_and(&wanted))
            else {
                continue;
            };
            files.count += 1;
            files.bytes += about.blocks() * 512;
            files.newest = files.newest.max(about.modified().ok().and_then(micros));
        }
        Some(files)
    }
}

fn micros(at: SystemTime) -> Option<Micros> {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_micros()).ok().map(Micros)
}

/// A figure in KiB from a file of the kernel with lines such as `VmRSS:  1234 kB`.
pub(crate) fn proc_kib(path: &str, name: &str) -> Option<u64> {
    let mut text = String::new();
    std::fs::File::open(path).ok()?.take(64 * 1024).read_to_string(&mut text).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line[name.len()..].split_whitespace().next()?.parse().ok()
}

/// A size for people: `1.5 GiB`.
pub(crate) fn size(bytes: u64) -> String {
    let (mut value, mut unit) = (bytes as f64, "B");
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, next);
    }
    if unit == "B" || value >= 100.0 { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_for_people() {
        let check = |bytes, expect| assert_eq!(size(bytes), expect);
        check(0, "0 B");
        check(1023, "1023 B");
        check(1536, "1.5 KiB");
        check(64 << 20, "64.0 MiB");
        check(300 << 30, "300 GiB");
    }

    #[test]
    fn the_machine_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let host = look(dir.path(), Some(Durability::Sync));
        assert!(host.disk_free_bytes.is_some() && host.disk_bytes > host.disk_free_bytes);
        assert!(host.resident_bytes.is_some_and(|bytes| bytes > 1 << 20));
        assert_eq!((host.journal_segments, host.durability.as_deref()), (None, Some("sync")));
        std::fs::create_dir(dir.path().join("journal")).unwrap();
        std::fs::write(dir.path().join("journal").join(wardroom_journal::segment_name(1)), [1; 5000])
            .unwrap();
        std::fs::write(dir.path().join("journal/LOCK"), "1").unwrap();
        let host = look(dir.path(), None);
        assert_eq!(host.journal_segments, Some(1));
        assert!(host.journal_bytes.is_some_and(|bytes| bytes >= 5000));
    }
}
