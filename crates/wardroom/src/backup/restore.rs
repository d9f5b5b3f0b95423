// SPDX-License-Identifier: Apache-2.0
//! A data directory from a backup: built aside, checked, and given its name when all of it is right.

use super::archive::{Archive, Chain, aside, copy, empty_dir, put_file, sync_dirs};
use super::manifest::{Entry, Manifest};
use crate::terminal::Progress;
use anyhow::{Context, Result, bail};
use serde::Serialize;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use wardroom_engine::{EngineError, Glance, mark_restored};
use wardroom_journal::{Extent, JournalError, Keyring, segments};

/// What was restored.
#[derive(Debug, Serialize)]
pub(crate) struct Restored {
    /// When the backup was made.
    pub(crate) made: String,
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    /// When the newest event was, where the newest segment has one.
    pub(crate) newest_event: Option<String>,
    /// The policy in force.
    pub(crate) policy: Option<String>,
    /// Whether the journal is encrypted with a key that is not at hand: it was checked, and not looked into.
    pub(crate) is_locked: bool,
    /// Why it cannot be used by this program, where that is so.
    pub(crate) policy_fault: Option<String>,
    /// Whether it must be served with `--rebuild` once: what was counted before its journal begins is lost.
    pub(crate) needs_rebuild: bool,
}

/// Where a backup is restored to, and how.
pub(crate) struct Target<'a> {
    /// The data directory to make: it must be empty or not there.
    pub(crate) data: &'a Path,
    /// The directory that the policy's text is written to, likewise, where that is wanted.
    pub(crate) policy: Option<&'a Path>,
    pub(crate) keys: &'a Keyring,
    /// Whether one that no server can start from is wanted all the same, for `serve --rebuild`.
    pub(crate) rebuild: bool,
}

/// Builds the directories. Until all of both is right there is neither of them.
pub(crate) fn restore(newest: &Archive, earlier: &[Archive], target: &Target<'_>) -> Result<Restored> {
    let manifest = &newest.manifest;
    let chain = Chain::new(newest, earlier);
    if !target.rebuild {
        let advice =
            "`restore --rebuild` restores it all the same, for `serve --rebuild`, which counts what is left";
        manifest.can_start().context(advice)?;
    }
    has_all(manifest, &chain)?;
    if let Some(policy) = target.policy.filter(|p| p.starts_with(target.data) || target.data.starts_with(p)) {
        bail!("{} and {} lie one within the other", policy.display(), target.data.display());
    }
    let data = Building::begin(target.data)?;
    let policy = target.policy.map(Building::begin).transpose()?;
    let bytes = build(manifest, &chain, &data.aside, policy.as_ref().map(|p| &*p.aside))?;
    let restored = look(manifest, &data.aside, bytes, target.keys)?;
    // What came after was lost, and effects of it may have gone out.
    mark_restored(&data.aside, restored.last_seq)?;
    // The data last: who finds it finds all.
    let policy = policy.map(Building::finish).transpose()?;
    if let Err(e) = data.finish() {
        policy.map_or(Ok(()), fs::remove_dir_all)?;
        return Err(e);
    }
    Ok(restored)
}

/// A directory that is built under another name, and goes with this where it does not get its own: half of one is of no
/// use, and in the way of the next try.
struct Building<'a> {
    aside: PathBuf,
    name: &'a Path,
}

impl<'a> Building<'a> {
    /// What bears the name stays as it is until the end, but it must be empty.
    fn begin(name: &'a Path) -> Result<Building<'a>> {
        if name.file_name().is_none() {
            bail!("{} is no name for a new directory", name.display());
        }
        if name.exists() {
            empty_dir(name)?;
        }
        let aside = aside(name, "restoring");
        if aside.exists() {
            bail!("{} was left by a restore that was cut off; remove it first", aside.display());
        }
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&aside);
        made.with_context(|| format!("cannot make the directory {}", aside.display()))?;
        Ok(Building { aside, name })
    }

    /// Makes it durable and gives it its name: an empty directory gives way to one that takes it.
    fn finish(self) -> Result<&'a Path> {
        sync_dirs(&self.aside)?;
        fs::rename(&self.aside, self.name)
            .with_context(|| format!("cannot give {} its name", self.name.display()))?;
        sync_dirs(self.name)?;
        Ok(self.name)
    }
}

impl Drop for Building<'_> {
    fn drop(&mut self) {
        // After it got its name there is nothing here.
        let _ = fs::remove_dir_all(&self.aside);
    }
}

/// Nothing is begun where something is missing.
fn has_all(manifest: &Manifest, chain: &Chain<'_>) -> Result<()> {
    let missing = manifest.files.iter().filter(|entry| chain.holder(entry).is_none()).count();
    match (missing, &manifest.since) {
        (0, _) => Ok(()),
        (n, Some(since)) => {
            bail!(
                "{n} segments are in earlier backups: name the one made at {since} as well, and those before it"
            )
        }
        (n, None) => bail!("{n} files are missing, and no earlier backup is named in it"),
    }
}

fn build(manifest: &Manifest, chain: &Chain<'_>, building: &Path, policy: Option<&Path>) -> Result<u64> {
    let mut progress = Progress::new("restore");
    let mut bytes = 0;
    for (i, entry) in manifest.files.iter().enumerate() {
        progress.at(i as u64, manifest.files.len() as u64);
        let holder = chain.holder(entry).context("a file that was there is gone")?;
        let to = match (entry.path.strip_prefix("policy/"), policy) {
            (None, _) => Some(building.join(&entry.path)),
            (Some(below), Some(policy)) => Some(policy.join(below)),
            (Some(_), None) => None,
        };
        put(holder, entry, to.as_deref())?;
        bytes += entry.bytes;
    }
    Ok(bytes)
}

/// Writes a file, and holds it to its checksum. One that goes nowhere is checked all the same.
fn put(holder: &Archive, entry: &Entry, to: Option<&Path>) -> Result<()> {
    let part = holder.file(&entry.path)?;
    let about = || format!("{} of {} is not what it was", entry.path, holder.path.display());
    if part.bytes != entry.bytes {
        bail!("{}: it has {} bytes and had {}", about(), part.bytes, entry.bytes);
    }
    let sha256 = match to {
        Some(to) => put_file(to, part.bytes, part.reader())?,
        None => copy(part.reader(), part.bytes, &mut io::sink())?,
    };
    if sha256 != entry.sha256 {
        bail!("{}: its checksum is another", about());
    }
    Ok(())
}

/// Walks the journal where it now lies, and says what it holds.
fn look(manifest: &Manifest, building: &Path, bytes: u64, keys: &Keyring) -> Result<Restored> {
    let journal = building.join("journal");
    let found = segments(&journal).context("the journal does not open")?;
    let mut last_seq = 0;
    for (i, first) in found.iter().enumerate() {
        last_seq = Extent::walk(&journal, *first, found.get(i + 1).copied())?.last_seq;
    }
    if last_seq != manifest.last_seq {
        bail!("the journal ends at record {last_seq}, and should at {}", manifest.last_seq);
    }
    let (glance, is_locked) = match Glance::at(&journal, keys) {
        Err(EngineError::Journal(JournalError::Seal { .. })) => (None, true),
        glance => (Some(glance?), false),
    };
    let (newest_event, policy) = glance.map_or((None, None), |g| (g.newest_event, g.policy));
    let fault = policy.as_ref().and_then(|policy| {
        let compiled = wardroom_policy::compile(policy.bundle.as_ref()?);
        let first = compiled.diagnostics.iter().find(|d| d.is_error())?;
        Some(first.message.to_string())
    });
    Ok(Restored {
        made: manifest.made.clone(),
        first_seq: manifest.first_seq,
        last_seq,
        records: manifest.records(),
        bytes,
        newest_event: newest_event.map(|(_, time)| time.to_string()),
        policy: policy.map(|policy| policy.version),
        is_locked,
        policy_fault: fault,
        needs_rebuild: manifest.can_start().is_err(),
    })
}
