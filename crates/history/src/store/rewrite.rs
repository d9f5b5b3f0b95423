// SPDX-License-Identifier: Apache-2.0
//! Files written anew with other values in them: what an erasure and the end of a retention ask for.
//!
//! The same rows in the same layout, under another name. The manifest names the new file once it is durable, and the old one
//! goes at once: who asks for this wants what is in it gone, so a scan that was about to open it fails, and is asked again.
//! A crash leaves a file that no manifest names, which the next opening removes, or which doing it again does.

use super::export::{put_file, whole};
use super::manifest::{FileEntry, Manifest};
use super::{Store, disk, file_part};
use crate::HistoryError;
use crate::gather::Chunk;
use crate::layout::Column;
use crate::scan::Scan;
use arrow_array::RecordBatch;
use std::sync::{Arc, PoisonError};

/// What becomes of a batch of a file; nothing where it stays.
pub(crate) type Change<'c> =
    &'c mut dyn FnMut(&FileEntry, &[Column], &RecordBatch) -> Result<Option<RecordBatch>, HistoryError>;

impl Store {
    /// Shows every batch of every file that `may` be another, and writes those anew that became one. Gives how many.
    /// What had left the manifest before goes too.
    ///
    /// # Errors
    /// When a file cannot be read or written: those before it were written anew.
    pub(crate) fn rewrite(
        &self,
        may: &dyn Fn(&FileEntry) -> bool,
        change: Change<'_>,
    ) -> Result<u64, HistoryError> {
        let done = self.rewrite_all(may, change)?;
        self.tidy()?;
        Ok(done)
    }

    fn rewrite_all(&self, may: &dyn Fn(&FileEntry) -> bool, change: Change<'_>) -> Result<u64, HistoryError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever has just opened it has looked at nothing yet.
        self.files()?;
        let mut manifest = Manifest::read(&self.dir)?;
        let mut done = 0;
        for at in 0..manifest.files.len() {
            let file = manifest.files[at].clone();
            if !may(&file) {
                continue;
            }
            let Some(chunk) = self.changed(&manifest, &file, change)? else { continue };
            manifest.files[at] = self.put_anew(&manifest, &file, &chunk)?;
            self.replace(manifest.clone())?;
            self.remove_file(&file.path)?;
            done += 1;
        }
        let left: Vec<String> = manifest.leaving.drain(..).map(|leaving| leaving.path).collect();
        if !left.is_empty() {
            self.replace(manifest)?;
            left.iter().try_for_each(|path| self.remove_file(path))?;
        }
        Ok(done)
    }

    /// The rows that a file is to have, where they are others.
    fn changed(
        &self,
        manifest: &Manifest,
        file: &FileEntry,
        change: Change<'_>,
    ) -> Result<Option<Chunk>, HistoryError> {
        let columns = manifest.columns().get(file.shape).and_then(|(_, columns)| columns.clone());
        let columns: Arc<[Column]> = columns.ok_or_else(|| HistoryError::Strange {
            path: self.dir.join(&file.path),
            why: "its layout is not known to this program, so what is in it cannot be changed".to_owned(),
        })?;
        let (mut chunks, mut is_other) = (Vec::new(), false);
        for batch in file_part(self, file, &Arc::new(Scan::of(&file.table)), &columns, None).read() {
            let batch = batch?;
            let other = change(file, &columns, &batch)?;
            is_other |= other.is_some();
            let (seqs, times, received) = (file.seqs(), file.times(), file.received());
            let (table, columns, batch) = (file.table.clone(), columns.clone(), other.unwrap_or(batch));
            chunks.push(Chunk { table, columns, batch, seqs, times, received });
        }
        if is_other { whole(&chunks).map(Some) } else { Ok(None) }
    }

    fn put_anew(
        &self,
        manifest: &Manifest,
        file: &FileEntry,
        chunk: &Chunk,
    ) -> Result<FileEntry, HistoryError> {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let path = manifest.free_path(folder, file.seqs(), file.shape, &[]);
        let entry = put_file(self, path, file.shape, chunk)?;
        let folder = self.dir.join(folder);
        disk::sync_dir(&folder).map_err(HistoryError::file("sync", &folder))?;
        Ok(entry)
    }

    fn remove_file(&self, relative: &str) -> Result<(), HistoryError> {
        let path = self.dir.join(relative);
        match disk::remove(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(HistoryError::file("remove", &path)(e)),
            _ => {
                let folder = path.parent().unwrap_or(&self.dir);
                disk::sync_dir(folder).map_err(HistoryError::file("sync", folder))
            }
        }
    }
}
