// SPDX-License-Identifier: Apache-2.0
//! Sealed segments of the journal become files.

use super::days::{Day, by_day};
use super::disk;
use super::manifest::FileEntry;
use super::write::{sorted, write};
use super::{Manifest, Store};
use crate::HistoryError;
use crate::gather::{Chunk, Gather};
use crate::layout::{Column, schema};
use crate::limits::{BEFORE, EXPORT_ROWS};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use wardroom_event::Micros;
use wardroom_journal::{Reader, segments};

/// What an export did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Up to which record everything lies in files now.
    pub to: u64,
    /// How many records that is more than before.
    pub records: u64,
    /// How many files were written.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

/// Where rows go: the day they arrived, the table, and the place of the layout.
type Partition = (i64, Box<str>, usize);

impl Store {
    /// Writes the next segment that is sealed and not exported yet, and with `all` also the one being written, as far as it
    /// goes. Nothing where there is none. One at a time may export; the others wait.
    ///
    /// # Errors
    /// When the journal cannot be read or a file not be written. What was there before is there then.
    pub fn export(&self, journal: &Path, all: bool, now: Micros) -> Result<Option<Exported>, HistoryError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        disk::make_dir(&self.dir).map_err(HistoryError::file("make", &self.dir))?;
        let mut manifest = Manifest::read(&self.dir)?;
        let Some((from, to)) = next(journal, manifest.exported, all)? else { return Ok(None) };
        if from > manifest.exported + 1 {
            let gap = (manifest.exported + 1, from - 1);
            tracing::warn!(
                from = gap.0,
                to = gap.1,
                "records have left the journal before any file had them"
            );
            manifest.add_gap(gap);
        }
        let mut export = Export {
            store: self,
            manifest: &mut manifest,
            chunks: BTreeMap::new(),
            rows: 0,
            written: Vec::new(),
            folders: BTreeSet::new(),
        };
        let last = export.read(journal, from, to)?;
        export.write_all()?;
        let (written, folders) = (std::mem::take(&mut export.written), std::mem::take(&mut export.folders));
        let before = manifest.exported;
        if written.is_empty() && last <= before {
            // Of the segment being written all is exported already.
            return Ok(None);
        }
        // The names of the files, then of their folders, before anything refers to them.
        for folder in &folders {
            disk::sync_dir(folder).map_err(HistoryError::file("sync", folder))?;
        }
        manifest.exported = last;
        let bytes = written.iter().map(|f| f.bytes).sum();
        let files = written.len() as u64;
        manifest.files.extend(written);
        self.sweep(&mut manifest, now.0 / 1_000_000)?;
        self.replace(manifest)?;
        Ok(Some(Exported { to: last, records: last.saturating_sub(before.max(from - 1)), files, bytes }))
    }
}

/// The records to be exported next: from which, and up to which, if that is known.
fn next(journal: &Path, exported: u64, all: bool) -> Result<Option<(u64, Option<u64>)>, HistoryError> {
    let firsts = segments(journal)?;
    let Some(first) = firsts.first() else { return Ok(None) };
    // What retention has removed is no more.
    let from = (exported + 1).max(*first);
    match firsts.iter().find(|first| **first > from) {
        Some(next) => Ok(Some((from, Some(next - 1)))),
        None if all => Ok(Some((from, None))),
        None => Ok(None),
    }
}

struct Export<'s> {
    store: &'s Store,
    manifest: &'s mut Manifest,
    chunks: BTreeMap<Partition, Vec<Chunk>>,
    rows: usize,
    written: Vec<FileEntry>,
    folders: BTreeSet<PathBuf>,
}

impl Export<'_> {
    /// Gathers the records; gives the number of the last.
    fn read(&mut self, journal: &Path, from: u64, to: Option<u64>) -> Result<u64, HistoryError> {
        let reader = Reader::open(journal)?.with_keys(&self.store.keys);
        // A little before, for the decision that a change there follows from.
        let begin = from.saturating_sub(BEFORE).max(reader.first_seq());
        let mut reader = reader.from(begin)?;
        let (mut gather, mut last) = (Gather::new(), from - 1);
        while let Some(frame) = reader.next_frame()? {
            let seq = frame.position.seq;
            if !frame.is_prologue() {
                if to.is_some_and(|to| seq > to) {
                    break;
                }
                last = last.max(seq);
            }
            if let Some(chunk) = gather.take(&frame, from)? {
                self.put(chunk)?;
            }
        }
        gather.finish()?.into_iter().try_for_each(|chunk| self.put(chunk))?;
        Ok(to.unwrap_or(last).max(last))
    }

    /// Puts rows by the day of their arrival; where there are too many in memory, they are written.
    fn put(&mut self, chunk: Chunk) -> Result<(), HistoryError> {
        let shape = self.manifest.shape(&chunk.table, &chunk.columns);
        self.rows += chunk.batch.num_rows();
        for (day, chunk) in by_day(chunk)? {
            self.chunks.entry((day, chunk.table.clone(), shape)).or_default().push(chunk);
        }
        if self.rows >= EXPORT_ROWS { self.write_all() } else { Ok(()) }
    }

    fn write_all(&mut self) -> Result<(), HistoryError> {
        self.rows = 0;
        for ((day, table, shape), chunks) in std::mem::take(&mut self.chunks) {
            let chunk = whole(&chunks)?;
            let folder = format!("day={}/type={table}", Day(day));
            let path = self.manifest.free_path(&folder, chunk.seqs, shape, &self.written);
            // The folder whose names are to be made durable; those above it are, as soon as they are made.
            self.folders.insert(self.store.dir.join(folder));
            self.written.push(put_file(self.store, path, shape, &chunk)?);
        }
        Ok(())
    }
}

/// Writes rows of one partition, sorted, as a file of it.
pub(super) fn put_file(
    store: &Store,
    path: String,
    shape: usize,
    chunk: &Chunk,
) -> Result<FileEntry, HistoryError> {
    let rows = sorted(&chunk.columns, &chunk.batch)?;
    let (bytes, key) = write(store, &path, &chunk.columns, &rows)?;
    Ok(FileEntry::new(path, shape, bytes, chunk).under(key))
}

/// Several chunks of one layout as one.
pub(super) fn whole(chunks: &[Chunk]) -> Result<Chunk, HistoryError> {
    let (Some(first), Some(last)) = (chunks.first(), chunks.last()) else {
        return Err(HistoryError::Stopped);
    };
    let columns: Arc<[Column]> = first.columns.clone();
    let batches = chunks.iter().map(|c| &c.batch);
    let batch = arrow_select::concat::concat_batches(&schema(&columns), batches)?;
    let lowest = |of: fn(&Chunk) -> u64| chunks.iter().map(of).min();
    let seqs = (lowest(|c| c.seqs.0).unwrap_or(0), chunks.iter().map(|c| c.seqs.1).max().unwrap_or(0));
    let from = chunks.iter().map(|c| c.times.0).min().unwrap_or(last.times.0);
    let to = chunks.iter().map(|c| c.times.1).max().unwrap_or(last.times.1);
    let received = chunks.iter().map(|c| c.received).max().unwrap_or(last.received);
    Ok(Chunk { table: first.table.clone(), columns, batch, seqs, times: (from, to), received })
}
