// SPDX-License-Identifier: Apache-2.0
//! Making a backup: what is copied, in which order, and what is left to the backup before.

use super::archive::{Archive, Sink, hex};
use super::limits;
use super::manifest::{Entry, Manifest, Segment, is_snapshot, reaches};
use crate::terminal::Progress;
use anyhow::{Context, Result, bail};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use wardroom_engine::{EngineError, Glance};
use wardroom_event::Micros;
use wardroom_journal::{Extent, JournalError, Keyring, segment_name, segments};

/// What was copied.
#[derive(Debug, Serialize)]
pub(crate) struct Taken {
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    /// Records of the journal that the backup stands for.
    pub(crate) records: u64,
    /// Segments copied, and those left to the backup before.
    pub(crate) segments: usize,
    pub(crate) segments_before: usize,
    /// Files of snapshots copied.
    pub(crate) snapshots: usize,
    /// Bytes copied.
    pub(crate) bytes: u64,
    /// The policy in force.
    pub(crate) policy: Option<String>,
    /// When the newest event was, where the newest segment has one.
    pub(crate) newest_event: Option<String>,
}

/// The keys of encryption at rest, and whether new segments are encrypted.
#[derive(Default)]
pub(crate) struct Encryption {
    pub(crate) keys: Keyring,
    pub(crate) is_on: bool,
}

/// Copies a data directory to `out`, without what `since` holds already. What is encrypted is copied as it is.
pub(crate) fn take(
    data: &Path,
    out: &Path,
    since: Option<&Archive>,
    encryption: &Encryption,
    now: Micros,
) -> Result<Taken> {
    take_while(data, out, since, encryption, now, &mut || {})
}

/// As [`take`], with what happens between the look at the snapshots and that at the journal.
pub(super) fn take_while(
    data: &Path,
    out: &Path,
    since: Option<&Archive>,
    encryption: &Encryption,
    now: Micros,
    meanwhile: &mut dyn FnMut(),
) -> Result<Taken> {
    let journal = data.join("journal");
    if !journal.is_dir() {
        bail!("{} holds no journal", data.display());
    }
    let made = u64::try_from(now.0 / 1_000_000).unwrap_or(0);
    let manifest = Manifest::new(now.to_string(), since.map(|s| s.manifest.made.clone()));
    let (snapshots, segments) = look(data, &journal, meanwhile)?;
    let mut copy = Copy { sink: Sink::create(out, made)?, manifest, bytes: 0 };
    let glance = copy.policy(&journal, encryption)?;
    // The oldest segments may be the next to go; the snapshots are open, and stay.
    let (copied, before) = copy.journal(&journal, &segments, since)?;
    copy.small(data, "secret")?;
    copy.small(data, "keys.toml")?;
    // What was erased, and what is being: whoever restores the copy goes on with that.
    copy.small(data, "hash-keys")?;
    copy.small(data, "erased")?;
    copy.small(data, "erasing")?;
    for (name, file) in &snapshots {
        let bytes = file.metadata()?.len();
        copy.file(&format!("snapshots/{name}"), bytes, file, None)?;
    }
    let Copy { sink, manifest, bytes } = copy;
    let taken = Taken {
        first_seq: manifest.first_seq,
        last_seq: manifest.last_seq,
        records: manifest.records(),
        segments: copied,
        segments_before: before,
        snapshots: snapshots.len(),
        bytes,
        policy: manifest.policy.clone(),
        newest_event: glance.and_then(|g| g.newest_event).map(|(_, time)| time.to_string()),
    };
    sink.finish(&manifest)?;
    Ok(taken)
}

/// Files of snapshots by their names, open.
type Snapshots = Vec<(String, File)>;

/// The finished snapshots, open, and the segments that go with them. Snapshots first: what they stand for is durable in the
/// journal by the time it is looked at. Where newer ones came meanwhile and retention cut the journal up to them, both are
/// looked at once more.
fn look(data: &Path, journal: &Path, meanwhile: &mut dyn FnMut()) -> Result<(Snapshots, Vec<u64>)> {
    let mut first = 0;
    for _ in 0..limits::SNAPSHOT_TRIES {
        let snapshots = snapshots(data)?;
        meanwhile();
        let all = segments(journal)?;
        first = all.first().copied().unwrap_or(0);
        // What the newest segment holds is not known yet; and no snapshot is ahead of it.
        if reaches(snapshots.iter().map(|(name, _)| &**name), first, u64::MAX) {
            return Ok((snapshots, all));
        }
    }
    bail!(
        "the journal of {} begins with record {first}, and no snapshot has counted all before it: no server could start \
         from a backup of it; a server that runs makes a snapshot in its time (`snapshot_every`)",
        data.display()
    )
}

/// The finished snapshots, open: a server that removes one meanwhile takes its name away, and nothing else.
fn snapshots(data: &Path) -> Result<Snapshots> {
    let dir = data.join("snapshots");
    for _ in 0..limits::SNAPSHOT_TRIES {
        let entries = match std::fs::read_dir(&dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(|| format!("cannot read {}", dir.display()))?,
        };
        let names = entries.flatten().filter_map(|e| e.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| is_snapshot(name)).collect();
        names.sort();
        if names.len() > limits::SNAPSHOT_FILES {
            bail!("{} has more than {} files", dir.display(), limits::SNAPSHOT_FILES);
        }
        let open: io::Result<Vec<_>> =
            names.into_iter().map(|name| File::open(dir.join(&name)).map(|file| (name, file))).collect();
        match open {
            // A chain that lost a member between two looks is no chain.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            open => return open.with_context(|| format!("cannot read the files of {}", dir.display())),
        }
    }
    bail!("the files of {} come and go too fast to be copied; try again", dir.display())
}

struct Copy {
    sink: Sink,
    manifest: Manifest,
    bytes: u64,
}

impl Copy {
    fn file(&mut self, path: &str, bytes: u64, from: impl Read, segment: Option<Segment>) -> Result<()> {
        let sha256 = self.sink.put(path, bytes, from)?;
        self.bytes += bytes;
        self.manifest.files.push(Entry { path: path.to_owned(), bytes, sha256, held: true, segment });
        if self.manifest.files.len() > limits::FILES {
            bail!("a backup takes {} files at most", limits::FILES);
        }
        Ok(())
    }

    /// A small file, read whole before it is written: it may be replaced meanwhile.
    fn small(&mut self, data: &Path, name: &str) -> Result<()> {
        let path = data.join(name);
        let file = match File::open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            file => file.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let mut bytes = Vec::new();
        file.take(limits::SMALL_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limits::SMALL_BYTES {
            bail!("{} is larger than {} bytes", path.display(), limits::SMALL_BYTES);
        }
        self.file(name, bytes.len() as u64, &*bytes, None)
    }

    /// The text of the policy in force, for people: the journal has it as well. Where that is encrypted the text stays
    /// in it: its lists may name people.
    fn policy(&mut self, journal: &Path, encryption: &Encryption) -> Result<Option<Glance>> {
        let glance = match Glance::at(journal, &encryption.keys) {
            // Without its key a journal can be copied, and not looked into.
            Err(EngineError::Journal(JournalError::Seal { .. })) => return Ok(None),
            glance => glance?,
        };
        if let Some(policy) = &glance.policy {
            self.manifest.policy = Some(policy.version.clone());
            let text = policy.bundle.iter().filter(|_| !encryption.is_on);
            for (path, text) in text.flat_map(|bundle| bundle.files()) {
                self.file(&format!("policy/{path}"), text.len() as u64, text.as_bytes(), None)?;
            }
        }
        Ok(Some(glance))
    }

    /// The segments, in order. Gives how many were copied, and how many the backup before has.
    fn journal(&mut self, journal: &Path, all: &[u64], since: Option<&Archive>) -> Result<(usize, usize)> {
        let before = since.map(Before::of).unwrap_or_default();
        self.manifest.first_seq = all.first().copied().unwrap_or(0);
        let mut progress = Progress::new("backup");
        let (mut copied, mut left) = (0, 0);
        for (i, &first) in all.iter().enumerate() {
            progress.at(i as u64, all.len() as u64);
            let next = all.get(i + 1).copied();
            let path = journal.join(segment_name(first));
            let file = File::open(&path).map_err(|e| gone(e, &path))?;
            match before.same(first, next, &file)? {
                Some(entry) => {
                    self.manifest.files.push(Entry { held: false, ..entry.clone() });
                    left += 1;
                }
                None => {
                    self.segment(journal, first, next, &file)?;
                    copied += 1;
                }
            }
        }
        self.manifest.last_seq = self.manifest.segments().last().map_or(0, |s| s.last_seq);
        Ok((copied, left))
    }

    /// Copies a segment, as far as it holds whole records; one that is damaged is no backup of anything.
    fn segment(&mut self, journal: &Path, first: u64, next: Option<u64>, file: &File) -> Result<()> {
        let extent = match Extent::walk(journal, first, next) {
            Err(JournalError::Io { source, path, .. }) => return Err(gone(source, &path)),
            walked => walked.context("this is not copied into a backup")?,
        };
        let segment = Segment {
            first_seq: first,
            last_seq: extent.last_seq,
            sealed: next.is_some(),
            header: header(file)?,
        };
        self.file(&format!("journal/{}", segment_name(first)), extent.bytes, file, Some(segment))
    }
}

/// A file of the journal that cannot be read: the likeliest reason is that its time was over.
fn gone(error: io::Error, path: &Path) -> anyhow::Error {
    let is_gone = error.kind() == io::ErrorKind::NotFound;
    let error = anyhow::Error::new(error).context(format!("cannot read {}", path.display()));
    if is_gone {
        error.context("a segment went while the backup was made, as retention has it; try again")
    } else {
        error
    }
}

/// The SHA-256 of a segment's header.
fn header(file: &File) -> Result<String> {
    let mut head = [0; 64];
    file.read_exact_at(&mut head, 0)?;
    Ok(hex(&Sha256::digest(head)))
}

/// The complete segments of the backup before.
#[derive(Default)]
struct Before<'a> {
    by_first: HashMap<u64, &'a Entry>,
}

impl<'a> Before<'a> {
    fn of(archive: &'a Archive) -> Before<'a> {
        let complete = archive.manifest.files.iter().filter_map(|entry| {
            let segment = entry.segment.as_ref().filter(|s| s.sealed)?;
            Some((segment.first_seq, entry))
        });
        Before { by_first: complete.collect() }
    }

    /// The entry of the same segment, with the same records: its header tells it from one of another life.
    fn same(&self, first: u64, next: Option<u64>, file: &File) -> Result<Option<&'a Entry>> {
        let Some((entry, segment)) = self.by_first.get(&first).and_then(|e| Some((*e, e.segment.as_ref()?)))
        else {
            return Ok(None);
        };
        let same = Some(segment.last_seq + 1) == next
            && file.metadata()?.len() == entry.bytes
            && header(file)? == segment.header;
        Ok(same.then_some(entry))
    }
}
