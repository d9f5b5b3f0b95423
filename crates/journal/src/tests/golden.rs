// SPDX-License-Identifier: Apache-2.0
//! Journals that earlier versions wrote, in `testdata/golden`: each is read to the last record, for ever.
//!
//! A directory there is a journal, the text of what it holds (`dump.txt`), and the keys it is encrypted with (`keys`, one a
//! line, in the open because it protects nothing). **None of them is ever changed.** When the format changes on purpose, the
//! test that today's bytes are those of the newest directory fails. Then:
//!
//! 1. count up [`NEWEST`];
//! 2. `cargo test -p wardroom-journal -- --ignored the_next_golden` writes the new directories beside the old ones, and refuses
//!    to touch one that is there;
//! 3. commit them with the change, and tell `docs/src/journal-format.md`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::{
    Durability, FsDisk, Journal, JournalError, Key, Keyring, Options, Reader, Writer, check, frame_bytes,
    repair,
};

/// The number of the directories that today's program writes.
const NEWEST: u32 = 1;

/// What there is of each number.
const SORTS: [&str; 3] = ["plain", "encrypted", "changed-and-repaired"];

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/golden")
}

fn named(number: u32, sort: &str) -> PathBuf {
    golden().join(format!("{number}-{sort}"))
}

/// Keys of the tests: not secret, and nothing else is ever encrypted with them.
fn key(n: u8) -> Key {
    Key::new([n; 32])
}

fn keys_in(dir: &Path) -> Keyring {
    let text = fs::read_to_string(dir.join("keys")).unwrap_or_default();
    Keyring::new(None, text.lines().map(|line| Key::parse(line.as_bytes()).unwrap()).collect())
}

/// All that a journal holds, as text.
fn dump(dir: &Path, keys: &Keyring) -> Result<String, JournalError> {
    let mut out = String::new();
    for segment in check(&FsDisk, dir, keys, |_| {}, |_, _| {})? {
        let name = segment.path.file_name().unwrap().to_str().unwrap();
        let key = segment.key.map_or_else(|| "none".to_owned(), |key| key.to_string());
        let created = segment.created_micros.unwrap();
        writeln!(out, "segment {name} created {created} key {key} faults {}", segment.faults.len()).unwrap();
    }
    Reader::open_on(Arc::new(FsDisk), dir)?.with_keys(keys).for_each(|frame| {
        let at = frame.position;
        write!(
            out,
            "{} at {} of {} kind {} flags {}",
            at.seq, at.offset, at.segment, frame.kind, frame.flags
        )
        .unwrap();
        writeln!(out, " payload {}", frame.payload.escape_ascii()).unwrap();
        Ok::<(), JournalError>(())
    })?;
    Ok(out)
}

fn open(dir: &Path, keys: Keyring, now_micros: i64) -> Writer {
    let options = Options { segment_bytes: 4096, now_micros, salt: 2026, keys, ..Options::default() };
    Journal::open(dir, options).unwrap().0
}

/// Records of several kinds and lengths, in batches of both durabilities.
fn some(writer: &mut Writer, count: u64) {
    for n in 0..count {
        let batch: u64 = 1 + n % 3;
        let payload = |i: u64| format!("record {n}.{i} {}", "x".repeat((n * 37 % 300) as usize)).into_bytes();
        writer.reserve((0..batch).map(|i| frame_bytes(payload(i).len())).sum()).unwrap();
        for i in 0..batch {
            writer.append(1 + (n % 6) as u8, &payload(i)).unwrap();
        }
        writer.commit(if n % 4 == 0 { Durability::Interval } else { Durability::Sync }).unwrap();
    }
    writer.sync().unwrap();
}

/// Writes one of the directories, from nothing that could come out differently.
fn write(dir: &Path, sort: &str) {
    let ring = |newest: Option<u8>, older: &[u8], salt| {
        Keyring::new(newest.map(key), older.iter().map(|&n| key(n)).collect()).with_salts_from(salt)
    };
    let mut keys = Vec::new();
    match sort {
        "changed-and-repaired" => {
            some(&mut open(dir, ring(None, &[], 0), 1_000), 5);
            some(&mut open(dir, ring(Some(1), &[], 100), 2_000), 14);
            some(&mut open(dir, ring(Some(2), &[1], 200), 3_000), 5);
            some(&mut open(dir, ring(None, &[2, 1], 0), 4_000), 3);
            keys = vec![key(2), key(1)];
            let first = dir.join("00000000000000000001.wj");
            let mut bytes = fs::read(&first).unwrap();
            bytes[150] ^= 1;
            fs::write(&first, bytes).unwrap();
            let done = repair(&FsDisk, dir, &ring(None, &[2, 1], 0), false, |_, _| {}).unwrap();
            assert!(done.lost() > 0);
            fs::remove_dir_all(dir.join(crate::DAMAGED)).unwrap();
        }
        _ => {
            let sealed = sort == "encrypted";
            let mut writer = open(dir, ring(sealed.then_some(1), &[], 500), 1_000);
            writer.set_prologue(vec![(4, b"the prologue".to_vec()), (5, Vec::new())]).unwrap();
            some(&mut writer, 20);
            writer.set_now_micros(-5);
            writer.set_prologue(vec![(4, b"another prologue".to_vec())]).unwrap();
            some(&mut writer, 10);
            if sealed {
                keys.push(key(1));
            }
        }
    }
    fs::remove_file(dir.join("LOCK")).unwrap();
    if !keys.is_empty() {
        let text: String = keys.iter().map(|key| key.to_text().to_string()).collect();
        fs::write(dir.join("keys"), text).unwrap();
    }
    fs::write(dir.join("dump.txt"), dump(dir, &keys_in(dir)).unwrap()).unwrap();
}

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect();
    all.sort();
    all
}

#[test]
fn every_golden_journal_reads_as_it_was_written_and_goes_on() {
    let mut directories: Vec<PathBuf> =
        fs::read_dir(golden()).unwrap().map(|entry| entry.unwrap().path()).collect();
    directories.sort();
    assert!(directories.len() >= SORTS.len() * NEWEST as usize, "{directories:?}");
    for dir in directories {
        let keys = keys_in(&dir);
        let expect = fs::read_to_string(dir.join("dump.txt")).unwrap();
        assert_eq!(dump(&dir, &keys).unwrap(), expect, "{}", dir.display());
        let copy = TempDir::new().unwrap();
        for (name, bytes) in files(&dir) {
            fs::write(copy.path().join(name), bytes).unwrap();
        }
        let mut writer = open(copy.path(), keys.clone(), 9_000);
        let next = writer.next_seq();
        some(&mut writer, 1);
        assert_eq!(writer.committed_seq(), next);
        drop(writer);
        let after = dump(copy.path(), &keys).unwrap();
        assert!(after.contains(&format!("\n{next} at ")), "{}", dir.display());
    }
}

/// Today's bytes are the ones that the book describes and that are kept here. If this fails by accident, the change is
/// wrong; if on purpose, the first lines of this file say what to do.
#[test]
fn today_writes_the_bytes_of_the_newest() {
    for sort in SORTS {
        let dir = TempDir::new().unwrap();
        write(dir.path(), sort);
        assert!(
            files(dir.path()) == files(&named(NEWEST, sort)),
            "{sort}: the bytes of the format have changed"
        );
    }
}

#[test]
#[ignore = "writes directories into the repository: for a change of the format"]
fn the_next_golden() {
    for sort in SORTS {
        let dir = named(NEWEST, sort);
        fs::create_dir_all(golden()).unwrap();
        fs::create_dir(&dir).expect("a golden directory is never changed: count up NEWEST");
        write(&dir, sort);
    }
}
