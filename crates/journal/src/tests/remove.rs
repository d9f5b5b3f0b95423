// SPDX-License-Identifier: Apache-2.0
//! Removing old segments: what stays is whole, whoever reads beside it, and wherever the power goes.

use std::path::Path;
use std::sync::Arc;

use crate::{
    Durability, Faults, Journal, JournalError, Options, Reader, Removed, SimDisk, Writer, frame_bytes,
};

const DIR: &str = "/journal";

fn open(disk: &SimDisk) -> Result<Writer, JournalError> {
    let options = Options { segment_bytes: 4096, now_micros: 0, salt: 7, ..Options::default() };
    Ok(Journal::open_on(Arc::new(disk.clone()), DIR, options)?.0)
}

fn payload(seq: u64) -> Vec<u8> {
    vec![seq as u8; 1000]
}

/// Three records a segment, twenty in all: segments 1, 4, 7, …, 19.
fn twenty(disk: &SimDisk) -> Writer {
    let mut writer = open(disk).unwrap();
    for seq in 1..=20 {
        writer.set_now_micros(seq as i64 * 10);
        writer.reserve(frame_bytes(1000)).unwrap();
        writer.append(1, &payload(seq)).unwrap();
        writer.commit(Durability::Sync).unwrap();
    }
    writer
}

fn reader(disk: &SimDisk) -> Reader {
    Reader::open_on(Arc::new(disk.clone()), DIR).unwrap()
}

/// Numbers of the records that are there, each of which must be what was written.
fn read(disk: &SimDisk) -> Result<Vec<u64>, JournalError> {
    let mut seqs = Vec::new();
    reader(disk).for_each(|frame| {
        assert_eq!(frame.payload, payload(frame.position.seq));
        seqs.push(frame.position.seq);
        Ok::<(), JournalError>(())
    })?;
    Ok(seqs)
}

#[test]
fn only_sealed_segments_wholly_below_the_number_go() {
    let check = |below: u64, first: u64, segments: u64| {
        let disk = SimDisk::new(1, 1 << 20);
        let mut writer = twenty(&disk);
        let lookup = writer.lookup();
        let removed = writer.remove_segments_below(below).unwrap();
        assert_eq!(removed.segments, segments, "below {below}");
        assert!(removed.bytes >= segments * 3000, "{removed:?}");
        assert_eq!(read(&disk).unwrap(), (first..=20).collect::<Vec<_>>());
        assert_eq!(lookup.first_seq(), first);
        assert_eq!(lookup.get(first.wrapping_sub(1)).unwrap(), None);
        assert_eq!(lookup.get(first).unwrap().unwrap().payload, payload(first));
        assert_eq!(writer.remove_segments_below(below).unwrap(), Removed::default(), "nothing is left to do");
        drop(writer);
        let mut writer = open(&disk).unwrap();
        assert_eq!(writer.next_seq(), 21, "numbers go on");
        writer.reserve(100).unwrap();
    };
    check(0, 1, 0);
    check(3, 1, 0);
    check(4, 4, 1);
    check(9, 7, 2);
    check(10, 10, 3);
    check(u64::MAX, 19, 6);
}

#[test]
fn sealed_segments_say_how_old_and_large_they_are() {
    let disk = SimDisk::new(1, 1 << 20);
    let writer = twenty(&disk);
    let sealed = writer.lookup().sealed().unwrap();
    assert_eq!(sealed.len(), 6);
    let second = sealed[1];
    assert_eq!((second.first_seq, second.last_seq), (4, 6));
    assert_eq!((second.created_micros, second.sealed_micros), (40, 70));
    assert_eq!(second.bytes, 64 + 3 * frame_bytes(1000));
}

#[test]
fn a_reader_beside_it_is_told_that_its_place_is_gone() {
    let disk = SimDisk::new(1, 1 << 20);
    let mut writer = twenty(&disk);
    let lookup = writer.lookup();
    let mut fresh = reader(&disk);
    let mut under_way = reader(&disk);
    assert_eq!(under_way.next_frame().unwrap().unwrap().position.seq, 1);
    writer.remove_segments_below(10).unwrap();
    let gone = |error| match error {
        JournalError::Gone { seq, first } => (seq, first),
        e => panic!("{e}"),
    };
    assert_eq!(gone(fresh.next_frame().unwrap_err()), (1, 10));
    // What it has open it reads to the end; then it is told.
    assert_eq!(under_way.next_frame().unwrap().unwrap().position.seq, 2);
    assert_eq!(under_way.next_frame().unwrap().unwrap().position.seq, 3);
    assert_eq!(gone(under_way.next_frame().unwrap_err()), (4, 10));
    assert_eq!(gone(reader(&disk).from(9).unwrap_err()), (9, 10));

    let mut seqs = Vec::new();
    let read = lookup.range(1, 20, |frame| {
        if frame.position.seq == 12 {
            writer.remove_segments_below(16).unwrap();
        }
        seqs.push(frame.position.seq);
        Ok::<(), JournalError>(())
    });
    assert_eq!(gone(read.unwrap_err()), (13, 16), "not silently left out");
    assert_eq!(seqs, [10, 11, 12]);
}

/// The power goes at each step of the removal: what is left begins at a segment and has no hole.
#[test]
fn a_crash_in_the_middle_leaves_no_hole() {
    let mut begins = std::collections::BTreeSet::new();
    for seed in 0..600 {
        let disk = SimDisk::new(seed, 1 << 20);
        let mut writer = twenty(&disk);
        disk.set_faults(Faults { crash_after_ops: seed % 14, ..Faults::default() });
        let done = writer.remove_segments_below(16).is_ok();
        disk.reboot();
        let seqs = read(&disk).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        let first = seqs[0];
        assert_eq!(seqs, (first..=20).collect::<Vec<_>>(), "seed {seed}");
        assert!(!done || first == 16, "seed {seed}: a removal that returned came back");
        begins.insert(first);
        let mut writer = open(&disk).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        writer.remove_segments_below(16).unwrap();
        assert_eq!(read(&disk).unwrap()[0], 16, "seed {seed}: goes on where it stopped");
    }
    assert_eq!(begins.into_iter().collect::<Vec<_>>(), [1, 4, 7, 10, 13, 16]);
}

#[test]
fn a_file_taken_by_somebody_else_is_a_fault_and_not_gone() {
    use crate::Disk;
    let disk = SimDisk::new(1, 1 << 20);
    let writer = twenty(&disk);
    let mut reader = reader(&disk);
    disk.remove(&crate::format::segment_path(Path::new(DIR), 4)).unwrap();
    let read = reader.for_each(|_| Ok::<(), JournalError>(()));
    assert!(matches!(read, Err(JournalError::Io { .. })), "{read:?}");
    assert!(matches!(writer.lookup().get(5), Err(JournalError::Io { .. })));
}
