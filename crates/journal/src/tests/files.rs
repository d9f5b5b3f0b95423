// SPDX-License-Identifier: Apache-2.0
//! The journal on real files: reopening, tails torn by hand, flipped bytes, locks, rotation, look-ups.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::format::{SegmentHeader, segment_path};
use crate::limits::{INDEX_EVERY, MAX_PAYLOAD, MAX_SEGMENT_BYTES};
use crate::{
    Damage, Durability, Journal, JournalError, Lookup, Options, Position, Reader, Recovery, SimDisk, Writer,
    frame_bytes,
};

fn options() -> Options {
    Options { segment_bytes: 16 << 10, now_micros: 1, salt: 3, ..Options::default() }
}

fn open(dir: &Path) -> (Writer, Recovery) {
    Journal::open(dir, options()).unwrap()
}

/// One synced batch.
fn batch(writer: &mut Writer, payloads: &[&[u8]]) -> Vec<Position> {
    writer.reserve(payloads.iter().map(|p| frame_bytes(p.len())).sum()).unwrap();
    let at = payloads.iter().map(|p| writer.append(1, p).unwrap()).collect();
    writer.commit(Durability::Sync).unwrap();
    at
}

/// Numbers and payloads of all records from `seq`, prologue left out.
fn records(dir: &Path, seq: u64) -> Result<Vec<(u64, Vec<u8>)>, JournalError> {
    let mut out = Vec::new();
    Reader::open(dir)?.from(seq)?.for_each(|frame| {
        if !frame.is_prologue() {
            out.push((frame.position.seq, frame.payload.to_vec()));
        }
        Ok::<(), JournalError>(())
    })?;
    Ok(out)
}

fn payloads(dir: &Path) -> Vec<Vec<u8>> {
    records(dir, 1).unwrap().into_iter().map(|(_, payload)| payload).collect()
}

fn first_segment(dir: &Path) -> PathBuf {
    segment_path(dir, 1)
}

fn flip(path: &Path, offset: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], offset).unwrap();
}

/// A journal of three synced batches: record 1, records 2 to 4, record 5. Returns where they lie.
fn three_batches(dir: &Path) -> Vec<Position> {
    let (mut writer, _) = open(dir);
    let mut at = batch(&mut writer, &[b"one"]);
    at.extend(batch(&mut writer, &[b"two", &[7; 900], b"four"]));
    at.extend(batch(&mut writer, &[b"five"]));
    at
}

#[test]
fn reopening_finds_everything_and_goes_on() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path().join("a/b");
    let (writer, recovery) = open(&dir);
    assert_eq!(recovery, Recovery::default());
    assert_eq!(writer.next_seq(), 1);
    drop(writer);
    three_batches(&dir);
    let (mut writer, recovery) = open(&dir);
    assert_eq!((recovery.segments, recovery.last_seq, recovery.torn), (1, 5, None));
    assert_eq!(writer.durable_seq(), 5);
    assert_eq!(batch(&mut writer, &[b""])[0].seq, 6);
    drop(writer);
    assert_eq!(records(&dir, 5).unwrap(), [(5, b"five".to_vec()), (6, Vec::new())]);
    assert_eq!(fs::metadata(first_segment(&dir)).unwrap().len(), 16 << 10, "stays preallocated");
}

#[test]
fn what_was_not_committed_is_gone() {
    let dir = TempDir::new().unwrap();
    let (mut writer, _) = open(dir.path());
    batch(&mut writer, &[b"kept"]);
    writer.reserve(1000).unwrap();
    assert_eq!(writer.append(1, b"dropped").unwrap().seq, 2);
    assert_eq!(writer.next_seq(), 3);
    writer.abandon();
    let again = writer.append(1, b"second").unwrap();
    assert_eq!(again.seq, 2);
    writer.commit(Durability::Interval).unwrap();
    assert_eq!((writer.committed_seq(), writer.durable_seq()), (2, 1));
    writer.sync().unwrap();
    assert_eq!(writer.durable_seq(), 2);
    writer.append(1, b"never committed").unwrap();
    drop(writer);
    assert_eq!(payloads(dir.path()), [b"kept".to_vec(), b"second".to_vec()]);
}

/// Cutting the file anywhere keeps the frames that are whole.
#[test]
fn a_tail_torn_by_truncation_is_cut() {
    let whole = TempDir::new().unwrap();
    let at = three_batches(whole.path());
    let bytes = fs::read(first_segment(whole.path())).unwrap();
    let end = at[4].offset + frame_bytes(4);
    // Around every frame's beginning, and here and there in between: each length costs several syncs.
    let near = at.iter().flat_map(|p| p.offset.max(66) - 2..p.offset + 3);
    for len in near.chain((64..end).step_by(61)).chain([end - 1, end]) {
        let dir = TempDir::new().unwrap();
        fs::write(first_segment(dir.path()), &bytes[..len as usize]).unwrap();
        let kept =
            at.iter().zip([3, 3, 900, 4, 4]).filter(|(p, n)| p.offset + frame_bytes(*n) <= len).count();
        let tail = at.get(kept).is_some_and(|p| p.offset < len);
        assert_eq!(records(dir.path(), 1).unwrap().len(), kept, "read at {len}");
        let (mut writer, recovery) = open(dir.path());
        assert_eq!(recovery.last_seq, kept as u64, "cut at {len}");
        assert_eq!(recovery.torn.map(|t| t.offset), tail.then(|| at[kept].offset), "cut at {len}");
        assert_eq!(batch(&mut writer, &[b"next"])[0].seq, kept as u64 + 1);
        drop(writer);
        assert_eq!(records(dir.path(), 1).unwrap().len(), kept + 1);
        assert_eq!(open(dir.path()).1.torn, None);
    }
}

#[test]
fn a_tail_of_garbage_is_cut_and_zeroed() {
    let dir = TempDir::new().unwrap();
    let at = three_batches(dir.path());
    let path = first_segment(dir.path());
    let end = at[4].offset + frame_bytes(4);
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&[0xaa; 333], end + 40).unwrap();
    let mut reader = Reader::open(dir.path()).unwrap();
    while reader.next_frame().unwrap().is_some() {}
    let torn = reader.torn().unwrap();
    assert_eq!((torn.segment, torn.offset, torn.bytes), (1, end, 376));
    let (_, recovery) = open(dir.path());
    assert_eq!((recovery.last_seq, recovery.torn), (5, Some(torn)));
    assert!(fs::read(&path).unwrap()[end as usize..].iter().all(|&b| b == 0));
    assert_eq!(open(dir.path()).1.torn, None);
}

/// Every byte of every record but those of the last batch: refused by place, and nothing is touched.
#[test]
fn a_flipped_byte_in_an_acknowledged_record_is_refused_by_place() {
    let dir = TempDir::new().unwrap();
    let at = three_batches(dir.path());
    let path = first_segment(dir.path());
    for offset in at[0].offset..at[4].offset {
        let hurt = at.iter().rev().find(|p| p.offset <= offset).unwrap();
        flip(&path, offset);
        let before = fs::read(&path).unwrap();
        for error in [Journal::open(dir.path(), options()).unwrap_err(), records(dir.path(), 1).unwrap_err()]
        {
            let JournalError::Corrupt { segment, offset: place, seq, damage } = &error else {
                panic!("{error}")
            };
            assert_eq!((segment, *place, *seq), (&path, hurt.offset, hurt.seq), "byte {offset}");
            // The first record written after the hurt one's batch was durable.
            let witness = if hurt.seq == 1 { at[1].offset } else { at[4].offset };
            assert_eq!(*damage, Damage::Lost { witness }, "byte {offset}");
        }
        assert!(fs::read(&path).unwrap() == before, "touched");
        flip(&path, offset);
    }
    let error = {
        flip(&path, at[1].offset + 24);
        records(dir.path(), 1).unwrap_err().to_string()
    };
    let place = format!("at byte {}, where record 2 belongs", at[1].offset);
    assert!(error.contains(&place) && error.contains("00000000000000000001.wj"), "{error}");
}

/// A batch is acknowledged as one: an early frame lost and a later one whole is what a crash leaves.
#[test]
fn a_hole_in_the_last_batch_is_a_torn_tail() {
    let dir = TempDir::new().unwrap();
    let (mut writer, _) = open(dir.path());
    batch(&mut writer, &[b"acknowledged"]);
    let at = batch(&mut writer, &[b"first", b"second", b"third"]);
    drop(writer);
    flip(&first_segment(dir.path()), at[0].offset + 3);
    let (_, recovery) = open(dir.path());
    let torn = recovery.torn.unwrap();
    assert_eq!((recovery.last_seq, torn.offset, torn.bytes), (1, at[0].offset, 96));
}

/// Batches that no sync covered may vanish from the middle; one that a sync covered may not.
#[test]
fn interval_batches_are_promised_by_the_sync_and_not_before() {
    let check = |sync: bool, refused: bool| {
        let dir = TempDir::new().unwrap();
        let (mut writer, _) = open(dir.path());
        let mut at = Vec::new();
        for payload in [b"a", b"b", b"c"] {
            writer.reserve(100).unwrap();
            at.push(writer.append(1, payload).unwrap());
            writer.commit(Durability::Interval).unwrap();
            if sync {
                writer.sync().unwrap();
            }
        }
        drop(writer);
        flip(&first_segment(dir.path()), at[0].offset + 24);
        match Journal::open(dir.path(), options()) {
            Err(JournalError::Corrupt { .. }) => assert!(refused),
            Ok((_, recovery)) => assert!(!refused && recovery.last_seq == 0),
            Err(e) => panic!("{e}"),
        }
    };
    check(false, false);
    check(true, true);
}

#[test]
fn a_second_writer_is_told_who_has_the_lock() {
    let dir = TempDir::new().unwrap();
    let (writer, _) = open(dir.path());
    let error = Journal::open(dir.path(), options()).unwrap_err();
    let JournalError::Locked { path, pid } = &error else { panic!("{error}") };
    assert_eq!((path, *pid), (&dir.path().join("LOCK"), Some(std::process::id())));
    assert!(error.to_string().contains(&format!("by process {}", std::process::id())), "{error}");
    assert!(Reader::open(dir.path()).is_ok(), "readers need no lock");
    drop(writer);
    open(dir.path());
}

/// Enough for several segments, with a prologue that changes once.
fn several_segments(dir: &Path) -> Vec<Position> {
    let (mut writer, _) = open(dir);
    writer.set_prologue(vec![(7, b"old".to_vec()), (8, Vec::new())]).unwrap();
    let mut at = Vec::new();
    for i in 0..2000u32 {
        if i == 1000 {
            writer.set_prologue(vec![(7, b"new".to_vec())]).unwrap();
        }
        at.extend(batch_interval(&mut writer, &i.to_le_bytes()));
    }
    writer.sync().unwrap();
    at
}

fn batch_interval(writer: &mut Writer, payload: &[u8]) -> Option<Position> {
    writer.reserve(frame_bytes(payload.len())).unwrap();
    let at = writer.append(1, payload).unwrap();
    writer.commit(Durability::Interval).unwrap();
    Some(at)
}

#[test]
fn segments_follow_each_other_and_each_begins_with_the_prologue() {
    let dir = TempDir::new().unwrap();
    let at = several_segments(dir.path());
    let firsts: Vec<u64> = at.iter().filter(|p| p.seq == p.segment).map(|p| p.segment).collect();
    assert!(firsts.len() > 3, "{firsts:?}");
    for pair in firsts.windows(2) {
        let sealed = fs::metadata(segment_path(dir.path(), pair[0])).unwrap().len();
        let last = at[pair[1] as usize - 2];
        assert_eq!(sealed, last.offset + frame_bytes(4), "sealed to its used length");
    }
    let read = records(dir.path(), 1).unwrap();
    assert_eq!(read.len(), 2000);
    assert!(
        read.iter().enumerate().all(|(i, (seq, p))| *seq == i as u64 + 1 && p == &(i as u32).to_le_bytes())
    );

    // From the middle of a segment: its prologue, then the record.
    let seq = firsts[1] + 5;
    let mut reader = Reader::open(dir.path()).unwrap().from(seq).unwrap();
    let mut next =
        || reader.next_frame().unwrap().map(|f| (f.kind, f.flags, f.position.seq, f.payload.to_vec()));
    assert_eq!(next(), Some((7, 1, firsts[1], b"old".to_vec())));
    assert_eq!(next(), Some((8, 1, firsts[1], Vec::new())));
    assert_eq!(next(), Some((1, 0, seq, (seq as u32 - 1).to_le_bytes().to_vec())));
    let mut last = Reader::open(dir.path()).unwrap().from(2000).unwrap();
    assert_eq!(last.next_frame().unwrap().unwrap().payload, b"new");
    assert_eq!(records(dir.path(), 2001).unwrap(), []);
}

#[test]
fn any_record_is_found_by_its_number() {
    let dir = TempDir::new().unwrap();
    let at = several_segments(dir.path());
    let (mut writer, _) = open(dir.path());
    let lookup = writer.lookup();
    let check = |seq: u64| {
        let expect = at.get(seq.wrapping_sub(1) as usize);
        for found in [lookup.get(seq).unwrap(), Journal::read_at(dir.path(), seq).unwrap()] {
            assert_eq!(found.as_ref().map(|f| &f.position), expect, "record {seq}");
            assert_eq!(found.map(|f| f.payload), expect.map(|p| (p.seq as u32 - 1).to_le_bytes().to_vec()));
        }
    };
    let edges = at.iter().filter(|p| p.segment == p.seq).flat_map(|p| [p.seq - 1, p.seq]);
    edges.chain((0..2010).step_by(97)).chain([0, 2000, 2001, u64::MAX]).for_each(check);
    // Not before it is committed; found through the writer's own marks afterwards.
    writer.reserve(2000 * frame_bytes(0)).unwrap();
    for _ in 0..2000 {
        writer.append(5, b"").unwrap();
    }
    assert_eq!(lookup.get(2001).unwrap(), None);
    writer.commit(Durability::Sync).unwrap();
    for seq in [2001, 2001 + INDEX_EVERY, 4000] {
        assert_eq!(lookup.get(seq).unwrap().map(|f| (f.position.seq, f.kind)), Some((seq, 5)));
    }
    assert_eq!(lookup.get(4001).unwrap(), None);
}

fn range(lookup: &Lookup, from: u64, to: u64) -> Vec<u64> {
    let mut seqs = Vec::new();
    let read = lookup.range(from, to, |frame| {
        assert!(!frame.is_prologue());
        seqs.push(frame.position.seq);
        Ok::<(), JournalError>(())
    });
    read.unwrap();
    seqs
}

#[test]
fn any_range_is_read_in_order() {
    let dir = TempDir::new().unwrap();
    let at = several_segments(dir.path());
    let (mut writer, _) = open(dir.path());
    let lookup = writer.lookup();
    let check = |from: u64, to: u64| {
        let expect: Vec<u64> = (from.max(1)..=to.min(2000)).collect();
        assert_eq!(range(&lookup, from, to), expect, "{from} to {to}");
    };
    let edges: Vec<u64> = at.iter().filter(|p| p.segment == p.seq).map(|p| p.seq).collect();
    assert!(edges.len() > 3);
    for edge in edges {
        check(edge.saturating_sub(1), edge);
        check(edge, edge);
        check(edge, edge + 700);
    }
    check(0, 0);
    check(0, u64::MAX);
    check(1999, 2000);
    check(2000, u64::MAX);
    check(2001, 5000);
    check(9, 3);
    // What is not committed is not there yet, and an error of the caller ends it.
    writer.reserve(frame_bytes(0)).unwrap();
    writer.append(5, b"").unwrap();
    assert_eq!(range(&lookup, 2000, 2001), [2000]);
    writer.commit(Durability::Sync).unwrap();
    assert_eq!(range(&lookup, 2000, 2001), [2000, 2001]);
    let mut seen = 0;
    let ended = lookup.range(5, 100, |frame| {
        seen += 1;
        let why = JournalError::Gone { seq: 0, first: frame.position.seq };
        if frame.position.seq == 7 { Err(why) } else { Ok(()) }
    });
    assert!(matches!(ended, Err(JournalError::Gone { first: 7, .. })) && seen == 3, "{ended:?}");
}

#[test]
fn damage_within_a_range_is_named() {
    let dir = TempDir::new().unwrap();
    let at = several_segments(dir.path());
    let hurt = at[40];
    flip(&segment_path(dir.path(), hurt.segment), hurt.offset + 25);
    let (writer, _) = open(dir.path());
    let mut last = 0;
    let read = writer.lookup().range(1, u64::MAX, |frame| {
        last = frame.position.seq;
        Ok::<(), JournalError>(())
    });
    assert!(matches!(read, Err(JournalError::Corrupt { seq: 41, .. })), "{read:?}");
    assert_eq!(last, 40);
}

#[test]
fn other_threads_look_up_while_the_writer_writes() {
    let dir = TempDir::new().unwrap();
    let (mut writer, _) = open(dir.path());
    let lookup = writer.lookup();
    std::thread::scope(|scope| {
        for thread in 1..3u64 {
            let lookup = lookup.clone();
            scope.spawn(move || {
                let mut seq = thread;
                while lookup.committed_seq() < 3000 {
                    let last = lookup.committed_seq();
                    seq = if last == 0 {
                        continue;
                    } else {
                        (seq * 31 + 7) % last + 1
                    };
                    let found = lookup.get(seq).unwrap().unwrap();
                    assert_eq!((found.position.seq, found.payload), (seq, seq.to_le_bytes().to_vec()));
                    let from = seq.saturating_sub(600).max(1);
                    assert!(range(&lookup, from, seq).into_iter().eq(from..=seq));
                    let all = range(&lookup, 1, u64::MAX).len() as u64;
                    assert!((last..=lookup.committed_seq()).contains(&all));
                }
            });
        }
        // A reader beside the writer sees a prefix, at any moment.
        let dir = dir.path();
        scope.spawn(move || {
            for _ in 0..50 {
                let read = records(dir, 0).unwrap();
                assert!(read.iter().enumerate().all(|(i, (seq, _))| *seq == i as u64 + 1));
            }
        });
        for seq in 1..=3000u64 {
            batch_interval(&mut writer, &seq.to_le_bytes());
        }
    });
}

#[test]
fn damage_in_a_sealed_segment_is_found_by_reading() {
    let check = |hurt: &dyn Fn(&Path, &[Position]), expect: &dyn Fn(&JournalError) -> bool| {
        let dir = TempDir::new().unwrap();
        let at = several_segments(dir.path());
        hurt(dir.path(), &at);
        let read = records(dir.path(), 1).unwrap_err();
        assert!(expect(&read), "{read}");
    };
    let corrupt_at = |e: &JournalError, place: u64, wrong: Damage| matches!(e, JournalError::Corrupt { seq, damage, .. } if *seq == place && *damage == wrong);
    check(&|dir, at| flip(&first_segment(dir), at[9].offset + 5), &|e| {
        matches!(e, JournalError::Corrupt { seq: 10, damage: Damage::Length(_) | Damage::Checksum, .. })
    });
    // A missing segment in the middle.
    let second = |at: &[Position]| at.iter().find(|p| p.segment > 1).unwrap().segment;
    check(&|dir, at| fs::remove_file(segment_path(dir, second(at))).unwrap(), &|e| {
        matches!(e, JournalError::Corrupt { damage: Damage::Nothing, .. })
    });
    // A sealed segment that lost its last record, and one that gained bytes.
    check(
        &|dir, at| {
            let last = at[second(at) as usize - 2];
            OpenOptions::new().write(true).open(first_segment(dir)).unwrap().set_len(last.offset).unwrap();
        },
        &|e| matches!(e, JournalError::Corrupt { damage: Damage::Nothing, .. }),
    );
    check(
        &|dir, _| {
            let end = fs::metadata(first_segment(dir)).unwrap().len();
            OpenOptions::new()
                .write(true)
                .open(first_segment(dir))
                .unwrap()
                .write_all_at(b"x", end + 99)
                .unwrap();
        },
        &|e| matches!(e, JournalError::Corrupt { damage: Damage::Trailing, .. }),
    );
    check(&|dir, _| flip(&first_segment(dir), 20), &|e| corrupt_at(e, 1, Damage::Header));
    // A segment under another's name.
    check(
        &|dir, at| {
            let path = segment_path(dir, second(at));
            fs::copy(first_segment(dir), path).unwrap();
        },
        &|e| matches!(e, JournalError::Corrupt { damage: Damage::Header, .. }),
    );
}

#[test]
fn a_lost_header_is_no_reason_to_drop_records() {
    let dir = TempDir::new().unwrap();
    three_batches(dir.path());
    let path = first_segment(dir.path());
    let zeros = [0; 64];
    OpenOptions::new().write(true).open(&path).unwrap().write_all_at(&zeros, 0).unwrap();
    let error = Journal::open(dir.path(), options()).unwrap_err();
    assert!(matches!(error, JournalError::Corrupt { offset: 0, damage: Damage::Header, .. }), "{error}");
    // Without records it is a rotation that never finished.
    fs::write(&path, [0; 4096]).unwrap();
    let (mut writer, recovery) = open(dir.path());
    assert_eq!((recovery.last_seq, recovery.unfinished), (0, vec![path]));
    batch(&mut writer, &[b"again"]);
}

#[test]
fn a_file_that_is_not_ours_is_refused_and_kept() {
    let dir = TempDir::new().unwrap();
    fs::write(first_segment(dir.path()), "somebody's notes").unwrap();
    assert!(matches!(Journal::open(dir.path(), options()), Err(JournalError::Corrupt { .. })));
    assert!(first_segment(dir.path()).exists());
    // Other names are none of the journal's business.
    fs::rename(first_segment(dir.path()), dir.path().join("notes.wj")).unwrap();
    assert_eq!(open(dir.path()).1, Recovery::default());
}

/// A newer minor version may lengthen the header and set flags; a newer major version is refused by name.
#[test]
fn versions_are_told_apart() {
    let dir = TempDir::new().unwrap();
    let path = first_segment(dir.path());
    let header = SegmentHeader { header_len: 128, first_seq: 1, created_micros: 0, salt: 5, seal: None };
    let mut bytes = header.encode().to_vec();
    let reseal = |bytes: &mut Vec<u8>, version: u32| {
        bytes[8..12].copy_from_slice(&version.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..60]);
        bytes[60..64].copy_from_slice(&crc.to_le_bytes());
    };
    reseal(&mut bytes, 0x0001_0007);
    bytes.resize(128, 0xee);
    let head = crate::format::FrameHead { crc: 0, len: 0, kind: 200, flags: 0x80, lag: 1, seq: 1 };
    crate::format::encode_frame(&mut bytes, 5, head, b"from the future");
    fs::write(&path, &bytes).unwrap();
    let mut reader = Reader::open(dir.path()).unwrap();
    let frame = reader.next_frame().unwrap().unwrap();
    assert_eq!((frame.kind, frame.flags, frame.payload), (200, 0x80, b"from the future".as_slice()));
    assert_eq!(open(dir.path()).1.last_seq, 1);

    reseal(&mut bytes, 0x0003_0000);
    fs::write(&path, &bytes).unwrap();
    let error = Journal::open(dir.path(), options()).unwrap_err();
    assert!(matches!(error, JournalError::Version { found: 3, .. }), "{error}");
    assert!(
        error.to_string().contains("format 3") && error.to_string().contains("reads formats 1 and 2"),
        "{error}"
    );
    assert!(fs::read(&path).unwrap() == bytes, "touched");
}

#[test]
fn limits_are_named_before_anything_is_written() {
    let dir = TempDir::new().unwrap();
    let (mut writer, _) = open(dir.path());
    let largest = vec![9; MAX_PAYLOAD];
    batch(&mut writer, &[&largest]);
    assert!(payloads(dir.path()) == std::slice::from_ref(&largest));
    let too_large = [&largest[..], &[9]].concat();
    writer.reserve(5 << 20).unwrap();
    let error = writer.append(1, &too_large).unwrap_err();
    assert_eq!(error.to_string(), "a payload of 1048577 bytes is larger than the limit of 1048576");
    assert!(matches!(writer.set_prologue(vec![(1, too_large)]), Err(JournalError::TooLarge { .. })));
    assert!(matches!(writer.set_prologue(vec![(1, largest); 17]), Err(JournalError::TooLarge { .. })));
    assert!(matches!(writer.reserve(MAX_SEGMENT_BYTES), Err(JournalError::TooLarge { .. })));

    writer.reserve(frame_bytes(8)).unwrap();
    writer.append(1, &[0; 8]).unwrap();
    let error = writer.append(1, b"").unwrap_err();
    assert!(matches!(error, JournalError::NotReserved { needed: 24, reserved: 0 }), "{error}");
    assert!(matches!(writer.reserve(6 << 20), Err(JournalError::Uncommitted { frames: 1 })));
    assert!(matches!(writer.rotate(), Err(JournalError::Uncommitted { frames: 1 })));
    writer.commit(Durability::Sync).unwrap();
    writer.rotate().unwrap();
    assert!(matches!(writer.append(1, b""), Err(JournalError::NotReserved { .. })), "a new reserve is due");
    assert_eq!(batch(&mut writer, &[b"x"])[0], Position { seq: 3, segment: 3, offset: 64 });
}

#[test]
fn a_journal_that_begins_later_says_so() {
    let dir = TempDir::new().unwrap();
    let at = several_segments(dir.path());
    fs::remove_file(first_segment(dir.path())).unwrap();
    let first = at.iter().find(|p| p.segment > 1).unwrap().segment;
    let gone = Reader::open(dir.path()).unwrap().from(3).unwrap_err();
    assert!(matches!(gone, JournalError::Gone { seq: 3, first: f } if f == first), "{gone}");
    assert_eq!(records(dir.path(), 0).unwrap()[0].0, first, "0 means the first one kept");
    let (writer, recovery) = open(dir.path());
    assert_eq!(recovery.first_seq, first);
    assert_eq!(writer.lookup().get(3).unwrap(), None);
    assert_eq!(Journal::read_at(dir.path(), 3).unwrap(), None);
}

/// The disk is full: nothing is lost, what fits still fits, and it goes on when there is room.
#[test]
fn a_full_disk_is_met_at_the_reserve_and_passes() {
    let disk = SimDisk::new(1, 20 << 10);
    let shared = Arc::new(disk.clone());
    let (mut writer, _) = Journal::open_on(shared.clone(), "/j", options()).unwrap();
    batch(&mut writer, &[&[1; 15_000]]);
    let error = writer.reserve(2000).unwrap_err();
    assert!(error.is_full());
    assert!(error.to_string().contains("no room for 16384 bytes at `/j/00000000000000000002.wj`"), "{error}");
    assert_eq!(batch(&mut writer, &[b"small"])[0], Position { seq: 2, segment: 1, offset: 64 + 15_024 });
    assert!(writer.reserve(2000).unwrap_err().is_full());
    disk.set_capacity(1 << 20);
    writer.set_now_micros(99);
    assert_eq!(batch(&mut writer, &[&[2; 1976]])[0].segment, 3);
    drop(writer);
    disk.reboot();
    let (_, recovery) = Journal::open_on(shared.clone(), "/j", options()).unwrap();
    assert_eq!((recovery.segments, recovery.last_seq, recovery.torn), (2, 3, None));
    assert!(recovery.unfinished.is_empty(), "the failed allocation left nothing behind");
    let found = Journal::read_at_on(&*shared, "/j", 2).unwrap().unwrap();
    assert_eq!(found.payload, b"small");
}

/// The same with the first segment: the journal opens and stays empty until there is room.
#[test]
fn a_disk_full_from_the_start_is_no_reason_not_to_open() {
    let disk = SimDisk::new(1, 100);
    let (mut writer, _) = Journal::open_on(Arc::new(disk.clone()), "/j", options()).unwrap();
    assert!(writer.reserve(1).unwrap_err().is_full());
    assert!(matches!(writer.append(1, b""), Err(JournalError::NotReserved { .. })));
    disk.set_capacity(1 << 20);
    batch(&mut writer, &[b"x"]);
}

/// After a failed sync nobody may go on as if the records were there, or as if they were not.
#[test]
fn a_failed_sync_stops_the_writer_until_it_is_opened_anew() {
    let disk = SimDisk::new(1, 1 << 20);
    let shared = Arc::new(disk.clone());
    let (mut writer, _) = Journal::open_on(shared.clone(), "/j", options()).unwrap();
    batch(&mut writer, &[b"before"]);
    disk.set_faults(crate::Faults { fail_sync_one_in: 1, ..Default::default() });
    writer.reserve(100).unwrap();
    writer.append(1, b"unsure").unwrap();
    assert!(matches!(writer.commit(Durability::Sync), Err(JournalError::Io { doing: "sync", .. })));
    disk.set_faults(crate::Faults::default());
    let error = writer.sync().unwrap_err();
    assert!(error.to_string().contains("open it again"), "{error}");
    assert!(matches!(writer.append(1, b""), Err(JournalError::Poisoned { .. })));
    assert_eq!(writer.lookup().get(2).unwrap(), None, "never shown");
    drop(writer);
    let (writer, recovery) = Journal::open_on(shared, "/j", options()).unwrap();
    assert_eq!((recovery.last_seq, writer.durable_seq()), (2, 2));
}

#[test]
fn the_writer_counts_what_it_does() {
    use std::cell::Cell;
    use std::time::Duration;
    // A clock that is a millisecond further each time it is looked at.
    thread_local!(static NOW: Cell<u64> = const { Cell::new(0) });
    let stopwatch = || Duration::from_millis(NOW.replace(NOW.get() + 1));
    let dir = TempDir::new().unwrap();
    let options = Options { stopwatch: Some(stopwatch), ..options() };
    let (mut writer, _) = Journal::open(dir.path(), options).unwrap();
    batch(&mut writer, &[b"one", b"two", b"three"]);
    for _ in 0..4 {
        batch_interval(&mut writer, b"four");
    }
    writer.sync().unwrap();
    writer.sync().unwrap();
    let counted = writer.counters();
    assert_eq!((counted.commits, counted.records, counted.syncs, counted.segments), (5, 7, 2, 1));
    assert_eq!(counted.bytes, 7 * frame_bytes(5));
    assert_eq!(counted.sync_time, Duration::from_millis(2));
    // The end of a segment is a sync too, if anything waits for one.
    batch_interval(&mut writer, b"five");
    writer.rotate().unwrap();
    writer.rotate().unwrap();
    assert_eq!((writer.counters().syncs, writer.counters().segments), (3, 3));
    assert_eq!(writer.lookup().counters(), writer.counters());
}

/// With interval durability a power cut takes what came after the last sync, and nothing before it.
#[test]
fn a_power_cut_takes_no_more_than_came_since_the_last_sync() {
    let mut lost_some = 0;
    for seed in 0..200u64 {
        let disk = SimDisk::new(seed, 1 << 22);
        let open = || Journal::open_on(Arc::new(disk.clone()), "/journal", options()).unwrap();
        let (mut writer, _) = open();
        let (every, count) = (1 + seed % 7, 20 + seed % 50);
        for n in 1..=count {
            batch_interval(&mut writer, &[n as u8; 200]);
            if n % every == 0 {
                writer.sync().unwrap();
            }
        }
        let (synced, written) = (writer.durable_seq(), writer.committed_seq());
        assert!(written - synced < every && written == count);
        disk.reboot();
        let found = open().1.last_seq;
        assert!((synced..=written).contains(&found), "seed {seed}: {found} of {synced} to {written}");
        lost_some += u64::from(found < written);
    }
    assert!(lost_some > 20, "only {lost_some} cuts lost anything");
}
