// SPDX-License-Identifier: Apache-2.0
//! Where files of ids lie: writing one beside the sequencer, finding them again at a restart.

use super::chunk::{Chunk, Unusable, encode};
use super::recent::Recent;
use crate::EngineError;
use crate::record::{id_of, kind};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use wardroom_event::Micros;
use wardroom_journal::{Access, Disk, Lookup};

/// What became of writing a file; in words where it failed.
pub(super) type Written = Result<Chunk, String>;

/// The first record of a file, by its name.
fn first_of(name: &str) -> Option<u64> {
    name.strip_suffix(".ids")?.split_once('-')?.0.parse().ok().filter(|from| *from > 0)
}

/// A directory of files of ids.
pub(crate) struct Shelf {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    lookup: Lookup,
    check: u64,
    /// Whether files are written then and there.
    by_hand: bool,
}

impl Shelf {
    /// The directory, made if it is not there, and the journal that its files follow from.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf, lookup: Lookup) -> io::Result<Shelf> {
        disk.ensure_dir(&dir)?;
        Ok(Shelf { disk, dir, lookup, check: 0, by_hand: false })
    }

    pub(super) fn by_hand(self) -> Shelf {
        Shelf { by_hand: true, ..self }
    }

    pub(super) fn checked_by(self, check: u64) -> Shelf {
        Shelf { check, ..self }
    }

    fn path(&self, from: u64, last: u64) -> PathBuf {
        self.dir.join(format!("{from:020}-{last:020}.ids"))
    }

    /// The files that can be used, in the order of their records, each with the record from which on it is known to be
    /// all there is: where files before it are damaged, that is the first of theirs. What is of no use goes.
    ///
    /// # Errors
    /// When the disk fails, which may pass.
    pub(super) fn chunks(&self) -> Result<Vec<(u64, Chunk)>, EngineError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            |source| EngineError::File { doing: "read", path, source }
        };
        let mut names = self.disk.list(&self.dir).map_err(failed(&self.dir))?;
        names.sort_unstable();
        let (mut chunks, mut through) = (Vec::new(), 0);
        let mut damaged: Vec<(u64, PathBuf)> = Vec::new();
        for name in names {
            let path = self.dir.join(&name);
            match self.open(&path) {
                Ok(chunk) if chunk.last() <= self.lookup.committed_seq() && through < chunk.from() => {
                    let before = damaged.extract_if(.., |(from, _)| *from < chunk.from());
                    let begin = before.map(|(from, _)| from).min().unwrap_or(chunk.from());
                    through = chunk.last();
                    chunks.push((begin, chunk));
                }
                Ok(_) => self.discard(&path),
                Err(Unusable::Io(source)) => return Err(failed(&path)(source)),
                Err(error) => {
                    tracing::warn!(file = %path.display(), %error, "a file of event ids is not used");
                    match first_of(&name) {
                        Some(from) if from > through => damaged.push((from, path)),
                        _ => self.discard(&path),
                    }
                }
            }
        }
        // Nothing is behind these: the journal is folded from there on.
        damaged.iter().for_each(|(_, path)| self.discard(path));
        Ok(chunks)
    }

    fn open(&self, path: &Path) -> Result<Chunk, Unusable> {
        Chunk::open(self.disk.open(path, Access::Read)?, self.check)
    }

    /// Removes a file. One that comes back after a power cut is found to be old, or is as good as it was.
    pub(super) fn remove(&self, from: u64, last: u64) {
        self.discard(&self.path(from, last));
    }

    fn discard(&self, path: &Path) {
        match self.disk.remove(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(file = %path.display(), %error, "a file of event ids that is no longer used stays");
            }
            _ => {}
        }
    }

    /// Writes ids to a file, in a thread of its own unless by hand; `None` where there is none to be had.
    pub(super) fn write(self: &Arc<Shelf>, ids: Arc<Recent>, closed_at: Micros) -> Option<Receiver<Written>> {
        let (send, written) = mpsc::sync_channel(1);
        let shelf = self.clone();
        let write = move || {
            // Nobody waits any more where the engine has stopped.
            let _ = send.send(shelf.put(&ids, closed_at).map_err(|e| e.to_string()));
        };
        if self.by_hand {
            write();
            return Some(written);
        }
        std::thread::Builder::new().name("ids".to_owned()).spawn(write).ok().map(|_| written)
    }

    /// Writes a file so that it is whole or not there, and opens it.
    fn put(&self, ids: &Recent, closed_at: Micros) -> Result<Chunk, Unusable> {
        let path = self.path(ids.from(), ids.last());
        self.disk.replace(&path, &encode(ids, closed_at, self.check))?;
        self.open(&path)
    }

    /// Gives source, id and number of each event among these records of the journal.
    pub(super) fn read_again(
        &self,
        from: u64,
        to: u64,
        take: &mut dyn FnMut(&str, &str, u64),
    ) -> Result<(), EngineError> {
        self.lookup.range(from, to, |frame| {
            if matches!(frame.kind, kind::DECIDED | kind::RECORDED) {
                let seq = frame.position.seq;
                let (source, id) = id_of(frame.payload).map_err(|why| EngineError::Record { seq, why })?;
                take(source, id, seq);
            }
            Ok(())
        })
    }
}
