// SPDX-License-Identifier: Apache-2.0
//! Small files of one partition become larger ones: each segment leaves one, and a scan opens them all.

use super::days::day_of;
use super::export::{put_file, whole};
use super::manifest::{FileEntry, Leaving};
use super::{Manifest, Store, disk};
use crate::HistoryError;
use crate::changes::POLICIES;
use crate::gather::Chunk;
use crate::limits::{JOIN_FROM, JOINED_ROWS};
use crate::scan::Scan;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use wardroom_event::Micros;

impl Store {
    /// Lets go of files whose rows all came before a time; of the policies that there were all stays. Gives how many go.
    ///
    /// # Errors
    /// When a file cannot be written or removed.
    pub fn expire(&self, before: Micros, now: Micros) -> Result<usize, HistoryError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut manifest = Manifest::read(&self.dir)?;
        let since = now.0 / 1_000_000;
        let is_old = |f: &FileEntry| f.received() < before && *f.table != *POLICIES;
        let (old, kept): (Vec<_>, Vec<_>) = manifest.files.drain(..).partition(is_old);
        manifest.files = kept;
        if !old.is_empty() {
            manifest.leaving.extend(old.iter().map(|f| Leaving { path: f.path.clone(), since }));
            self.sweep(&mut manifest, since)?;
            self.replace(manifest)?;
        }
        Ok(old.len())
    }

    /// Joins the small files of one partition, where one has enough of them. Gives how many went into how many.
    ///
    /// # Errors
    /// When a file cannot be read or written. What was there before is there then.
    pub fn join(&self, now: Micros) -> Result<Option<(usize, usize)>, HistoryError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.files()?;
        let mut manifest = Manifest::read(&self.dir)?;
        let Some(small) = small(&manifest) else { return Ok(None) };
        let entry = self.joined(&manifest, &small)?;
        let since = now.0 / 1_000_000;
        let gone: BTreeSet<&str> = small.iter().map(|f| &*f.path).collect();
        manifest.files.retain(|f| !gone.contains(&*f.path));
        manifest.leaving.extend(small.iter().map(|f| Leaving { path: f.path.clone(), since }));
        manifest.files.push(entry);
        self.sweep(&mut manifest, since)?;
        self.replace(manifest)?;
        Ok(Some((small.len(), 1)))
    }

    fn joined(&self, manifest: &Manifest, small: &[FileEntry]) -> Result<FileEntry, HistoryError> {
        let strange = |why: &str| HistoryError::Strange { path: self.dir.clone(), why: why.to_owned() };
        let first = small.first().ok_or_else(|| strange("no file to join"))?;
        let columns = manifest.columns().get(first.shape).and_then(|(_, c)| c.clone());
        let columns = columns.ok_or_else(|| strange("a layout that this program does not know"))?;
        let scan = Arc::new(Scan::of(&first.table));
        let mut chunks = Vec::new();
        for file in small {
            for batch in super::file_part(self, file, &scan, &columns, None).read() {
                let (seqs, times, received) = (file.seqs(), file.times(), file.received());
                let (table, columns) = (file.table.clone(), columns.clone());
                chunks.push(Chunk { table, columns, batch: batch?, seqs, times, received });
            }
        }
        let chunk = whole(&chunks)?;
        let folder = first.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let path = manifest.free_path(folder, chunk.seqs, first.shape, &[]);
        let entry = put_file(self, path, first.shape, &chunk)?;
        let folder = self.dir.join(folder);
        disk::sync_dir(&folder).map_err(HistoryError::file("sync", &folder))?;
        Ok(entry)
    }
}

/// Small files of one partition and layout, where there are enough of them.
fn small(manifest: &Manifest) -> Option<Vec<FileEntry>> {
    let mut by: BTreeMap<(&str, &str, usize), Vec<&FileEntry>> = BTreeMap::new();
    for file in manifest.files.iter().filter(|f| f.rows < JOINED_ROWS / 2) {
        let day = day_of(&file.path)?;
        by.entry((day, &*file.table, file.shape)).or_default().push(file);
    }
    let enough = by.into_values().find(|files| files.len() >= JOIN_FROM)?;
    let mut rows = 0;
    let mut fits = |file: &&&FileEntry| {
        rows += file.rows;
        rows <= JOINED_ROWS
    };
    let chosen: Vec<FileEntry> = enough.iter().take_while(|file| fits(file)).map(|f| (*f).clone()).collect();
    (chosen.len() > 1).then_some(chosen)
}
