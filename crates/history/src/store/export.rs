// SPDX-License-Identifier: Apache-2.0
//! Sealed segments of the journal become files.

use super::manifest::{FileEntry, sync_dir};
use super::write::{sorted, write};
use super::{Manifest, Store};
use crate::HistoryError;
use crate::gather::{Chunk, Gather};
use crate::layout::{Column, schema};
use crate::limits::EXPORT_ROWS;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use wardroom_event::Micros;
use wardroom_journal::{Reader, segments};

const DAY: i64 = 86_400_000_000;

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
        std::fs::create_dir_all(&self.dir).map_err(HistoryError::file("make", &self.dir))?;
        let mut manifest = Manifest::read(&self.dir)?;
        let Some((from, to)) = next(journal, manifest.exported, all)? else { return Ok(None) };
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
        folders.iter().try_for_each(|folder| sync_dir(folder))?;
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
        let mut reader = Reader::open(journal)?.with_keys(&self.store.keys).from(from)?;
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
        let day = chunk.received.0.div_euclid(DAY);
        self.chunks.entry((day, chunk.table.clone(), shape)).or_default().push(chunk);
        if self.rows >= EXPORT_ROWS { self.write_all() } else { Ok(()) }
    }

    fn write_all(&mut self) -> Result<(), HistoryError> {
        self.rows = 0;
        for ((day, table, shape), chunks) in std::mem::take(&mut self.chunks) {
            let chunk = whole(&chunks)?;
            let name = format!("{}-{}-{shape}", chunk.seqs.0, chunk.seqs.1);
            let entry = put_file(self.store, day, &table, &name, shape, &chunk, &mut self.folders)?;
            self.written.push(entry);
        }
        Ok(())
    }
}

/// Writes rows of one partition, sorted, as a file of it.
pub(super) fn put_file(
    store: &Store,
    day: i64,
    table: &str,
    name: &str,
    shape: usize,
    chunk: &Chunk,
    folders: &mut BTreeSet<PathBuf>,
) -> Result<FileEntry, HistoryError> {
    let relative = format!("day={}/type={table}/{name}.parquet", Day(day));
    let path = store.dir.join(&relative);
    let bytes = write(&path, &chunk.columns, &sorted(&chunk.columns, &chunk.batch)?)?;
    // From the file's folder up to the history's own, which holds the names of days.
    folders.extend(path.ancestors().skip(1).take(3).map(Path::to_owned));
    Ok(FileEntry::new(relative, shape, bytes, chunk))
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

/// A day, counted from 1970-01-01, as its date.
pub(super) struct Day(pub(super) i64);

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = Micros(self.0.saturating_mul(DAY)).to_string();
        f.write_str(text.get(..10).unwrap_or(&text))
    }
}

/// The day that a partition's name says.
pub(super) fn day_of(path: &str) -> Option<&str> {
    path.strip_prefix("day=").and_then(|rest| rest.split('/').next())
}
