// SPDX-License-Identifier: Apache-2.0
//! The files: sealed segments of the journal as Parquet, by day of arrival and table.
//!
//! `day=2026-11-28/type=signup/1-99000-0.parquet`: partitions in the manner that DuckDB, Polars and Spark know, and the
//! numbers of the records in the name. Which files there are is said by the manifest alone.

mod crypt;
mod days;
mod disk;
mod export;
mod join;
mod keeper;
mod manifest;
mod read;
mod rewrite;
#[cfg(test)]
pub(crate) mod tests;
mod write;

pub use export::Exported;
pub use keeper::Keeper;
pub use manifest::FileEntry;
pub(crate) use read::file_part;

use crate::HistoryError;
use crate::layout::Column;
use manifest::{Leaving, Manifest, NAME, TableColumns};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use wardroom_journal::Keyring;

/// The files of one folder.
pub struct Store {
    dir: PathBuf,
    /// What opens the journal.
    keys: Keyring,
    held: Mutex<Held>,
    /// Held while files are written: one at a time changes the manifest.
    writing: Mutex<()>,
    /// Up to which record everything lies in files, for whoever removes records elsewhere.
    exported: Arc<AtomicU64>,
    /// How often files could not be written, since this was opened.
    failures: AtomicU64,
    /// Values that a newer layout's type could not hold, since this was opened.
    lost: Arc<AtomicU64>,
}

struct Held {
    files: Arc<Files>,
    /// The manifest's length and when it was written, as they were when it was read.
    stamp: Option<(u64, SystemTime)>,
    /// Nobody has looked yet.
    fresh: bool,
}

/// The files that there are at one moment.
#[derive(Clone, Debug, Default)]
pub struct Files {
    manifest: Manifest,
    columns: Vec<TableColumns>,
}

impl Files {
    fn new(manifest: Manifest) -> Files {
        let columns = manifest.columns();
        Files { manifest, columns }
    }

    /// Up to which record everything lies in files.
    pub fn exported(&self) -> u64 {
        self.manifest.exported
    }

    /// Records that no file holds, for they had left the journal before: the first and the last of each stretch.
    pub fn gaps(&self) -> &[(u64, u64)] {
        &self.manifest.gaps
    }

    /// All files.
    pub fn all(&self) -> &[FileEntry] {
        &self.manifest.files
    }

    /// The files of a table.
    pub fn of(&self, table: &str) -> impl Iterator<Item = &FileEntry> {
        self.manifest.files.iter().filter(move |f| *f.table == *table)
    }

    /// The layouts of tables of events, oldest first.
    pub(crate) fn layouts(&self) -> impl Iterator<Item = (&str, &Arc<[Column]>)> {
        let standing: HashSet<Box<str>> = crate::gather::standing().into_iter().map(|(n, _)| n).collect();
        let known = self.columns.iter().filter_map(|(table, c)| Some((&**table, c.as_ref()?)));
        known.filter(move |(table, _)| !standing.contains(*table))
    }
}

impl Store {
    /// Opens the files in `dir`, which need not be there yet.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub fn open(dir: &Path, keys: &Keyring) -> Result<Store, HistoryError> {
        let held = Held { files: Arc::default(), stamp: None, fresh: true };
        let store = Store {
            dir: dir.to_owned(),
            keys: keys.clone(),
            held: Mutex::new(held),
            writing: Mutex::new(()),
            exported: Arc::default(),
            failures: AtomicU64::new(0),
            lost: Arc::default(),
        };
        store.files()?;
        Ok(store)
    }

    /// Up to which record everything lies in files, as far as this process knows. It only grows.
    pub fn exported(&self) -> Arc<AtomicU64> {
        self.exported.clone()
    }

    /// How often its keeper could not write files since this was opened.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    fn count_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    /// How many values that scans met did not fit the type that their column has now.
    pub(crate) fn lost(&self) -> &Arc<AtomicU64> {
        &self.lost
    }

    /// Where they are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The files that there are now.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub fn files(&self) -> Result<Arc<Files>, HistoryError> {
        let mut held = self.held();
        self.refresh(&mut held)?;
        Ok(held.files.clone())
    }

    /// The same, and whether they are others than when this was last called.
    pub(crate) fn look(&self) -> Result<(Arc<Files>, bool), HistoryError> {
        let mut held = self.held();
        self.refresh(&mut held)?;
        let fresh = std::mem::replace(&mut held.fresh, false);
        Ok((held.files.clone(), fresh))
    }

    /// The columns of a file; nothing where it was written by a program that knows more.
    pub(crate) fn columns(&self, file: &FileEntry) -> Option<Arc<[Column]>> {
        self.held().files.columns.get(file.shape).and_then(|(_, columns)| columns.clone())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another process may write: its manifest is seen by its time and length.
    fn refresh(&self, held: &mut Held) -> Result<(), HistoryError> {
        let found = fs::metadata(self.dir.join(NAME)).ok();
        let stamp = found.and_then(|m| Some((m.len(), m.modified().ok()?)));
        if stamp != held.stamp || (held.stamp.is_none() && held.fresh) {
            held.files = Arc::new(Files::new(Manifest::read(&self.dir)?));
            self.exported.fetch_max(held.files.exported(), Ordering::AcqRel);
            held.stamp = stamp;
            held.fresh = true;
        }
        Ok(())
    }

    /// Puts other files in the place of those there are.
    fn replace(&self, manifest: Manifest) -> Result<(), HistoryError> {
        manifest.write(&self.dir)?;
        let mut held = self.held();
        held.stamp = None;
        self.refresh(&mut held)
    }

    /// Removes what the manifest does not name, and what has left it long enough ago. For the one who writes: nobody else
    /// may be writing.
    fn sweep(&self, manifest: &mut Manifest, now: i64) -> Result<u64, HistoryError> {
        let mut removed = 0;
        let (gone, leaving): (Vec<Leaving>, Vec<Leaving>) =
            manifest.leaving.drain(..).partition(|l| l.since + crate::limits::LEAVING_SECS <= now);
        manifest.leaving = leaving;
        for file in gone {
            let path = self.dir.join(&file.path);
            match disk::remove(&path) {
                Ok(()) => removed += 1,
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(e) => return Err(HistoryError::file("remove", &path)(e)),
            }
        }
        Ok(removed)
    }

    /// Removes files that no manifest names: what a crash left.
    ///
    /// # Errors
    /// When the folder cannot be read, or a file not removed.
    pub fn tidy(&self) -> Result<u64, HistoryError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let manifest = Manifest::read(&self.dir)?;
        let files = manifest.files.iter().map(|f| &f.path).chain(manifest.leaving.iter().map(|l| &l.path));
        let named: HashSet<PathBuf> = files.map(|path| self.dir.join(path)).collect();
        let mut removed = 0;
        for path in parquet_files(&self.dir)? {
            if !named.contains(&path) {
                disk::remove(&path).map_err(HistoryError::file("remove", &path))?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// Every Parquet file two folders down.
fn parquet_files(dir: &Path) -> Result<Vec<PathBuf>, HistoryError> {
    let mut found = Vec::new();
    for day in folder(dir)? {
        for table in folder(&day)? {
            found.extend(
                folder(&table)?.into_iter().filter(|p| p.extension().is_some_and(|e| e == "parquet")),
            );
        }
    }
    Ok(found)
}

/// What is in a folder; nothing where it is none.
fn folder(dir: &Path) -> Result<Vec<PathBuf>, HistoryError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(e) => return Err(HistoryError::file("read", dir)(e)),
    };
    let paths = entries.map(|entry| entry.map(|e| e.path()));
    paths.collect::<Result<_, _>>().map_err(HistoryError::file("read", dir))
}
