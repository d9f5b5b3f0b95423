// SPDX-License-Identifier: Apache-2.0
//! A subject is erased from the files of the past, and looked for in them.
//!
//! What stands in a row afterwards is what the journal's record, written anew, would give: the same token in the same places.
//! So a row in a file and the record it comes from still say the same, and both ways of a backtest too.

mod batch;
mod search;
#[cfg(test)]
mod tests;

pub use search::{Searched, search_file};

use crate::{HistoryError, Past};
use batch::Pass;
use std::collections::BTreeMap;
use wardroom_engine::{Eraser, Grep, Met, Proved};

/// A file that an erasure looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasedFile {
    /// Its path below the folder of the history, before.
    pub path: String,
    /// How many rows it has.
    pub rows: u64,
    /// What was met in it; where anything was replaced it was written anew.
    pub met: Met,
}

impl Past {
    /// Puts the token in the place of a subject in every file, in the rows of records up to `seq`; and has what is held in
    /// memory read from the journal again. The journal is to be rid of it before: what is written into files meanwhile
    /// comes from there.
    ///
    /// # Errors
    /// When a file cannot be read or written. What was done before stays, and doing it again does the rest.
    pub fn erase(&self, eraser: &Eraser, seq: u64) -> Result<Vec<ErasedFile>, HistoryError> {
        let mut looked: BTreeMap<String, ErasedFile> = BTreeMap::new();
        self.store().rewrite(&|file| file.seqs().0 <= seq, &mut |file, columns, batch| {
            let one = looked.entry(file.path.clone()).or_insert_with(|| ErasedFile {
                path: file.path.clone(),
                rows: file.rows,
                met: Met::default(),
            });
            let mut pass = Pass::new(eraser, seq, batch);
            let other = pass.batch(columns, batch)?;
            one.met.add(pass.met);
            Ok(other)
        })?;
        self.read_anew()?;
        Ok(looked.into_values().collect())
    }

    /// Searches every row of every file, in the rows of records up to `seq`. Gives also how many rows behind it have the
    /// value: they came after it was erased.
    ///
    /// # Errors
    /// When a file cannot be read: what was not looked at is not proven.
    pub fn prove(&self, eraser: &Eraser, grep: &Grep, seq: u64) -> Result<(Vec<Proved>, u64), HistoryError> {
        let mut looked: BTreeMap<String, Proved> = BTreeMap::new();
        let mut after = 0;
        loop {
            // Files are joined meanwhile: what has taken the place of others is looked at as well.
            let files = self.store().files()?;
            let Some(file) = files.all().iter().find(|file| !looked.contains_key(&file.path)) else { break };
            match search::manifest_file(self.store(), file, eraser, grep, seq) {
                Ok((proved, behind)) => {
                    after += behind;
                    looked.insert(file.path.clone(), proved);
                }
                Err(_) if !self.store().files()?.all().contains(file) => {}
                Err(e) => return Err(e),
            }
        }
        Ok((looked.into_values().collect(), after))
    }
}
