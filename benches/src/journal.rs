// SPDX-License-Identifier: Apache-2.0
//! Making records durable: the journal beside a bare file, in the same directory, taking turns.
//!
//! What a commit costs is what the disk's flush costs; the journal's own share is what lies between the two lines.

use crate::harness::{Harness, Timing};
use crate::machine::file_system;
use crate::table::Table;
use anyhow::{Context, Result};
use rustix::fs::FallocateFlags;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Instant;
use wardroom_journal::{Durability, Journal, Options, frame_bytes};

/// Bytes of a record: about what a decision with ten served features takes.
const RECORD: usize = 300;
/// Commits of each batch size.
const COMMITS: usize = 150;
/// Records made durable together.
const SIZES: [usize; 3] = [1, 30, 300];
/// Room for everything that one run writes.
const SEGMENT: u64 = 64 << 20;

pub(crate) fn run(harness: &mut Harness, dir: &Path) -> Result<()> {
    let dir = tempfile::tempdir_in(dir).with_context(|| format!("a directory below {}", dir.display()))?;
    let kind = file_system(dir.path());
    let mut table = Table::new(format!("A durable batch of records of {RECORD} bytes, on {kind}"), "batch")
        .note("each batch is one write and one fdatasync; divide by its records for one of them")
        .note("the three take turns, each commit timed alone: believe the median, a flush shared with others costs nothing");
    if kind == "tmpfs" {
        table = table.note("tmpfs keeps nothing: name a real disk with --dir");
    }
    harness.table(table);
    for size in SIZES {
        batches(harness, dir.path(), size)?;
    }
    Ok(())
}

/// Makes one batch durable.
type Commit<'a> = &'a mut dyn FnMut() -> Result<()>;

/// Batches of one size, in turns, so that whoever else uses the disk disturbs all alike.
fn batches(harness: &mut Harness, dir: &Path, size: usize) -> Result<()> {
    let mut journal = journal(&dir.join(format!("journal{size}")), size)?;
    let mut preallocated = raw(&dir.join("preallocated"), size, true)?;
    let mut growing = raw(&dir.join("growing"), size, false)?;
    let mut lines: [(&str, Commit<'_>, Vec<f64>); 3] = [
        ("journal", &mut journal, Vec::new()),
        ("bare file, preallocated", &mut preallocated, Vec::new()),
        ("bare file, growing", &mut growing, Vec::new()),
    ];
    // The first round pays for what new files need.
    for round in 0..=harness.pace.scaled(COMMITS) {
        for (_, commit, took) in &mut lines {
            let began = Instant::now();
            commit()?;
            if round > 0 {
                took.push(began.elapsed().as_nanos() as f64);
            }
        }
    }
    for (name, _, took) in lines {
        harness.row(&format!("{size:>3} records: {name}"), Timing::of(took));
    }
    Ok(())
}

/// Appends and commits one batch each time.
fn journal(dir: &Path, size: usize) -> Result<impl FnMut() -> Result<()> + use<>> {
    let (mut writer, _) = Journal::open(dir, Options { segment_bytes: SEGMENT, ..Options::default() })?;
    let record = [0x5a; RECORD];
    Ok(move || {
        for _ in 0..size {
            writer.reserve(frame_bytes(RECORD))?;
            writer.append(1, &record)?;
        }
        Ok(writer.commit(Durability::Sync)?)
    })
}

/// The same bytes to a bare file: preallocated as the journal's segments are, or growing.
fn raw(path: &Path, size: usize, preallocated: bool) -> Result<impl FnMut() -> Result<()> + use<>> {
    let mut file: File = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
    if preallocated {
        rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, SEGMENT)?;
        file.sync_all()?;
    }
    let bytes = vec![0x5a; RECORD * size];
    Ok(move || {
        file.write_all(&bytes)?;
        Ok(file.sync_data()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Pace;

    #[test]
    fn it_writes_what_it_says_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut harness = Harness::new(Pace::Quick);
        run(&mut harness, dir.path()).unwrap();
        assert_eq!(harness.tables[0].rows.len(), 3 * SIZES.len());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
