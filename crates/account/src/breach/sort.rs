// SPDX-License-Identifier: Apache-2.0
//! Records in order, more of them than memory holds: parted by their first byte into files, each sorted by itself.
//!
//! Hashes are spread evenly, so that is all the sorting there need be: a thousand million make 256 files of 94 MB. A list
//! that is in order already goes the same way; it is the reading of its text that takes the time.

use super::error::BreachError;
use super::hash::Hash;
use super::limits::{PART_BUFFER_BYTES, PART_BYTES, PARTS};
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// Bytes of a record: a hash, and its count with the highest byte first. So records order as bytes do.
const RECORD: usize = 24;
type Record = [u8; RECORD];

/// What becomes of the counts of a hash that comes more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counts {
    /// They are added: each line of a list of passwords is one.
    Add,
    /// The greatest counts: lists are often made of one another.
    Greatest,
}

/// Takes records in any order.
pub(super) struct Sorter {
    dir: PathBuf,
    parts: Vec<BufWriter<File>>,
    records: u64,
}

impl Sorter {
    pub(super) fn create(dir: &Path) -> Result<Sorter, BreachError> {
        let part = |number| {
            let path = part_path(dir, number);
            let file = File::create_new(&path).map_err(BreachError::io("cannot make", &path))?;
            Ok(BufWriter::with_capacity(PART_BUFFER_BYTES, file))
        };
        let parts = (0..PARTS).map(part).collect::<Result<_, _>>()?;
        Ok(Sorter { dir: dir.to_owned(), parts, records: 0 })
    }

    pub(super) fn push(&mut self, hash: &Hash, count: u32) -> Result<(), BreachError> {
        let number = usize::from(hash.0[0]);
        let mut record = [0; RECORD];
        record[..20].copy_from_slice(&hash.0);
        record[20..].copy_from_slice(&count.to_be_bytes());
        self.records += 1;
        let written = self.parts[number].write_all(&record);
        written.map_err(|e| BreachError::io("cannot write", &part_path(&self.dir, number))(e))
    }

    /// How many there are.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// Gives every hash once and in order, with its count, and how many records have been seen until then.
    pub(super) fn each(
        self,
        counts: Counts,
        mut take: impl FnMut(&Hash, u32, u64) -> Result<(), BreachError>,
    ) -> Result<(), BreachError> {
        let Sorter { dir, parts, .. } = self;
        let mut seen = 0;
        for (number, part) in parts.into_iter().enumerate() {
            let path = part_path(&dir, number);
            let flushed = part.into_inner().map_err(std::io::IntoInnerError::into_error);
            drop(flushed.map_err(BreachError::io("cannot write", &path))?);
            let mut records = load(&path)?;
            std::fs::remove_file(&path).map_err(BreachError::io("cannot remove", &path))?;
            records.sort_unstable();
            for same in records.chunk_by(|a, b| a[..20] == b[..20]) {
                let mut hash = [0; 20];
                hash.copy_from_slice(&same[0][..20]);
                let all = same.iter().map(count);
                let count = match counts {
                    Counts::Add => all.fold(0, u32::saturating_add),
                    Counts::Greatest => all.max().unwrap_or(0),
                };
                seen += same.len() as u64;
                take(&Hash(hash), count, seen)?;
            }
        }
        Ok(())
    }
}

fn count(record: &Record) -> u32 {
    let [.., a, b, c, d] = *record;
    u32::from_be_bytes([a, b, c, d])
}

fn part_path(dir: &Path, number: usize) -> PathBuf {
    dir.join(format!("{number:02x}.part"))
}

fn load(path: &Path) -> Result<Vec<Record>, BreachError> {
    let mut file = File::open(path).map_err(BreachError::io("cannot open", path))?;
    let size = file.metadata().map_err(BreachError::io("cannot read", path))?.len();
    if size > PART_BYTES {
        return Err(BreachError::NotHashes(
            "too many of these hashes begin with the same byte: the list is too long, or they are not spread as hashes of \
             passwords are"
                .to_owned(),
        ));
    }
    let mut records = vec![[0; RECORD]; size as usize / RECORD];
    file.read_exact(records.as_flattened_mut()).map_err(BreachError::io("cannot read", path))?;
    Ok(records)
}
