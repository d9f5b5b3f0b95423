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

/// A directory of files of ids.
pub(crate) struct Shelf {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    lookup: Lookup,
    check: u64,
}

impl Shelf {
    /// The directory, made if it is not there, and the journal that its files follow from.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf, lookup: Lookup) -> io::Result<Shelf> {
        disk.ensure_dir(&dir)?;
        Ok(Shelf { disk, dir, lookup, check: 0 })
    }

    pub(super) fn checked_by(self, check: u64) -> Shelf {
        Shelf { check, ..self }
    }

    fn path(&self, from: u64, last: u64) -> PathBuf {
        self.dir.join(format!("{from:020}-{last:020}.ids"))
    }

    /// The files that can be used, in the order of their records. What cannot be goes.
    pub(super) fn chunks(&self) -> Vec<Chunk> {
        let mut names = self.disk.list(&self.dir).unwrap_or_else(|error| {
            tracing::error!(%error, "the files of event ids cannot be listed");
            Vec::new()
        });
        names.sort_unstable();
        let mut chunks: Vec<Chunk> = Vec::new();
        for name in names {
            let path = self.dir.join(&name);
            match self.open(&path) {
                Ok(chunk) if chunk.last() <= self.lookup.committed_seq() => {
                    let after = chunks.last().is_none_or(|before| before.last() < chunk.from());
                    if after { chunks.push(chunk) } else { self.discard(&path) }
                }
                Ok(_) => self.discard(&path),
                Err(error) => {
                    tracing::warn!(file = %path.display(), %error, "a file of event ids is not used");
                    self.discard(&path);
                }
            }
        }
        chunks
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

    /// Writes ids to a file, in a thread of its own; `None` where there is none to be had.
    pub(super) fn write(self: &Arc<Shelf>, ids: Arc<Recent>, closed_at: Micros) -> Option<Receiver<Written>> {
        let (send, written) = mpsc::sync_channel(1);
        let shelf = self.clone();
        let write = move || {
            // Nobody waits any more where the engine has stopped.
            let _ = send.send(shelf.put(&ids, closed_at).map_err(|e| e.to_string()));
        };
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
