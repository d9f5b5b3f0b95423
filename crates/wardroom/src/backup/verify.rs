// SPDX-License-Identifier: Apache-2.0
//! Whether a backup is what it says: every checksum, and every frame of the journal in it.

use super::archive::{Archive, Chain, copy};
use super::manifest::Entry;
use crate::terminal::Progress;
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::io;
use std::sync::Arc;
use wardroom_journal::Extent;

/// What was found to be right.
#[derive(Debug, Serialize)]
pub(crate) struct Verified {
    /// When the backup was made.
    pub(crate) made: String,
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    pub(crate) records: u64,
    /// Files checked, and their bytes.
    pub(crate) files: usize,
    pub(crate) bytes: u64,
    /// Segments that are in earlier backups, which were not named: it cannot be restored without them.
    pub(crate) elsewhere: usize,
    pub(crate) policy: Option<String>,
}

/// Checks a backup, and of the earlier ones what it needs of them.
pub(crate) fn verify(newest: &Archive, earlier: &[Archive]) -> Result<Verified> {
    let manifest = &newest.manifest;
    manifest.can_start()?;
    let chain = Chain::new(newest, earlier);
    let mut verified = Verified {
        made: manifest.made.clone(),
        first_seq: manifest.first_seq,
        last_seq: manifest.last_seq,
        records: manifest.records(),
        files: 0,
        bytes: 0,
        elsewhere: 0,
        policy: manifest.policy.clone(),
    };
    let mut progress = Progress::new("verify");
    for (i, entry) in manifest.files.iter().enumerate() {
        progress.at(i as u64, manifest.files.len() as u64);
        let Some(holder) = chain.holder(entry) else {
            verified.elsewhere += 1;
            continue;
        };
        check(holder, entry, next_of(newest, entry))?;
        verified.files += 1;
        verified.bytes += entry.bytes;
    }
    Ok(verified)
}

/// The first record of the segment after this one.
fn next_of(newest: &Archive, entry: &Entry) -> Option<u64> {
    let own = entry.segment.as_ref()?.first_seq;
    newest.manifest.segments().map(|s| s.first_seq).find(|first| *first > own)
}

fn check(holder: &Archive, entry: &Entry, next: Option<u64>) -> Result<()> {
    let part = holder.file(&entry.path)?;
    let about = || format!("{} of {} is not what it was", entry.path, holder.path.display());
    if part.bytes != entry.bytes {
        bail!("{}: it has {} bytes and had {}", about(), part.bytes, entry.bytes);
    }
    let sha256 = copy(part.reader(), part.bytes, &mut io::sink()).with_context(about)?;
    if sha256 != entry.sha256 {
        bail!("{}: its checksum is another", about());
    }
    let Some(segment) = &entry.segment else { return Ok(()) };
    let extent = Extent::walk_file(Arc::new(part), entry.path.clone().into(), segment.first_seq, next)?;
    if (extent.last_seq, extent.bytes, extent.torn) != (segment.last_seq, entry.bytes, None) {
        bail!("{} ends at record {} and should at {}", entry.path, extent.last_seq, segment.last_seq);
    }
    Ok(())
}
