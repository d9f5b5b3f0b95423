// SPDX-License-Identifier: Apache-2.0
//! Every bound of backups, each with a name.

/// Largest manifest read, in bytes: that of a backup with some two hundred thousand files.
pub(crate) const MANIFEST_BYTES: u64 = 64 << 20;
/// Largest of the small files (the secret, the keys), in bytes.
pub(crate) const SMALL_BYTES: u64 = 4 << 20;
/// Most files of a backup.
pub(crate) const FILES: usize = 1 << 18;
/// Most files of snapshots: they are held open while they are copied, so that the server may remove them meanwhile.
pub(crate) const SNAPSHOT_FILES: usize = 256;
/// How often snapshots and segments are looked at anew when some of them go meanwhile.
pub(crate) const SNAPSHOT_TRIES: usize = 16;
/// How much is copied at a time, in bytes.
pub(crate) const COPY_BYTES: usize = 256 << 10;
