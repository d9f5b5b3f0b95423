// SPDX-License-Identifier: Apache-2.0
//! Files written anew with other values in them: what an erasure and the end of a retention ask for.
//!
//! The same rows in the same layout, under another name. The manifest names the new file once it is durable, and the old one
//! goes at once: who asks for this wants what is in it gone, so a scan that was about to open it fails, and is asked again.
//! A crash leaves a file that no manifest names, which the next opening removes, or which doing it again does.

use super::export::whole;
use super::manifest::{FileEntry, Manifest, sync_dir};
use super::write::{sorted, write};
use super::{Store, file_part};
use crate::HistoryError;
use crate::gather::Chunk;
use crate::layout::Column;
use crate::scan::Scan;
use arrow_array::RecordBatch;
use std::fs;
use std::path::Path;
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
            manifest.files[at] = self.put_anew(&file, &chunk)?;
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
        for batch in file_part(self, file, &Arc::new(Scan::of(&file.table)), &columns).read() {
            let batch = batch?;
            let other = change(file, &columns, &batch)?;
            is_other |= other.is_some();
            let (seqs, times, received) = (file.seqs(), file.times(), file.received());
            let (table, columns, batch) = (file.table.clone(), columns.clone(), other.unwrap_or(batch));
            chunks.push(Chunk { table, columns, batch, seqs, times, received });
        }
        if is_other { whole(&chunks).map(Some) } else { Ok(None) }
    }

    fn put_anew(&self, file: &FileEntry, chunk: &Chunk) -> Result<FileEntry, HistoryError> {
        let relative = anew(&file.path);
        let path = self.dir.join(&relative);
        let bytes = write(&path, &chunk.columns, &sorted(&chunk.columns, &chunk.batch)?)?;
        sync_dir(path.parent().unwrap_or(&self.dir))?;
        Ok(FileEntry::new(relative, file.shape, bytes, chunk))
    }

    fn remove_file(&self, relative: &str) -> Result<(), HistoryError> {
        let path = self.dir.join(relative);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(HistoryError::file("remove", &path)(e)),
            _ => sync_dir(path.parent().unwrap_or(Path::new("."))),
        }
    }
}

/// The name of a file that is written anew: `1-99-0`, `1-99-0-anew1`, `1-99-0-anew2`.
fn anew(path: &str) -> String {
    let stem = path.strip_suffix(".parquet").unwrap_or(path);
    let counted = stem.rsplit_once("-anew").and_then(|(base, n)| Some((base, n.parse::<u64>().ok()?)));
    let (base, n) = counted.unwrap_or((stem, 0));
    format!("{base}-anew{}.parquet", n + 1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_time_it_has_another_name() {
        let check = |path: &str, expect: &str| assert_eq!(super::anew(path), expect);
        check("day=1/type=a-anew/1-9-0.parquet", "day=1/type=a-anew/1-9-0-anew1.parquet");
        check("day=1/type=a/1-9-0-anew1.parquet", "day=1/type=a/1-9-0-anew2.parquet");
        check("day=1/type=a/1-9-0-joined-anew9.parquet", "day=1/type=a/1-9-0-joined-anew10.parquet");
    }
}
