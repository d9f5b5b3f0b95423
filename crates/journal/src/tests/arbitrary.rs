// SPDX-License-Identifier: Apache-2.0
//! Bytes from nowhere: whatever a segment file holds, reading it neither panics nor invents a record.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use tempfile::TempDir;

use crate::cursor::{Cursor, Step};
use crate::disk::{Disk, FsDisk};
use crate::format::{FrameHead, MAX_PAYLOAD_FRAME, SegmentHeader, encode_frame, segment_path};
use crate::limits::{MAX_PAYLOAD, READ_BUFFER};
use crate::tail::{self, Tail};
use crate::{Damage, Durability, Journal, JournalError, Options, Reader, frame_bytes};

fn options() -> Options {
    Options { segment_bytes: 4096, now_micros: 0, salt: 11, ..Options::default() }
}

/// Reads all that can be read, in every way there is; returns the payloads in order.
fn read_every_way(dir: &Path) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    if let Ok(mut reader) = Reader::open(dir) {
        while let Ok(Some(frame)) = reader.next_frame() {
            out.push(frame.payload.to_vec());
        }
    }
    for seq in 0..12 {
        let _ = Journal::read_at(dir, seq);
    }
    if let Ok((writer, recovery)) = Journal::open(dir, options()) {
        for seq in 0..recovery.last_seq.min(12) {
            let _ = writer.lookup().get(seq);
        }
    }
    out
}

/// A segment of single-record batches: payload `i` is `i` times the byte `i`.
fn segment(records: u8) -> Vec<u8> {
    let dir = TempDir::new().unwrap();
    let (mut writer, _) = Journal::open(dir.path(), options()).unwrap();
    for i in 0..records {
        writer.reserve(frame_bytes(usize::from(i))).unwrap();
        writer.append(i, &vec![i; usize::from(i)]).unwrap();
        writer.commit(Durability::Sync).unwrap();
    }
    fs::read(segment_path(dir.path(), 1)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn arbitrary_bytes_after_a_whole_header(bytes in prop::collection::vec(any::<u8>(), 0..3000), headed: bool) {
        let dir = TempDir::new().unwrap();
        let header = SegmentHeader { header_len: 64, first_seq: 1, created_micros: 0, salt: 1, seal: None };
        let head = if headed { header.encode().to_vec() } else { Vec::new() };
        fs::write(segment_path(dir.path(), 1), [head, bytes].concat()).unwrap();
        prop_assert_eq!(read_every_way(dir.path()), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn an_edited_segment_gives_a_prefix(edits in prop::collection::vec((0usize..1400, any::<u8>()), 1..6), cut in 0usize..4200) {
        let mut bytes = segment(30);
        for (at, byte) in edits {
            bytes[at] = byte;
        }
        bytes.truncate(cut);
        let dir = TempDir::new().unwrap();
        fs::write(segment_path(dir.path(), 1), bytes).unwrap();
        for (i, payload) in read_every_way(dir.path()).into_iter().enumerate() {
            prop_assert_eq!(payload, vec![i as u8; i]);
        }
    }

    #[test]
    fn any_batches_read_back_bit_for_bit(batches in prop::collection::vec(prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..700)), 0..8), 0..12)) {
        let dir = TempDir::new().unwrap();
        let (mut writer, _) = Journal::open(dir.path(), options()).unwrap();
        for batch in &batches {
            writer.reserve(batch.iter().map(|(_, p)| frame_bytes(p.len())).sum()).unwrap();
            for (kind, payload) in batch {
                writer.append(*kind, payload).unwrap();
            }
            writer.commit(Durability::Interval).unwrap();
        }
        let mut read = Vec::new();
        Reader::open(dir.path()).unwrap().for_each(|frame| {
            read.push((frame.kind, frame.payload.to_vec()));
            Ok::<(), JournalError>(())
        }).unwrap();
        prop_assert_eq!(read, batches.concat());
    }
}

/// A length field is checked against the limit and the file before a byte is set aside for it.
#[test]
fn a_hostile_length_allocates_no_more_than_one_frame() {
    let check = |len: u32, expect: Damage| {
        let dir = TempDir::new().unwrap();
        let header = SegmentHeader { header_len: 64, first_seq: 1, created_micros: 0, salt: 1, seal: None };
        let mut bytes = header.encode().to_vec();
        let head = FrameHead { crc: 0, len: 0, kind: 1, flags: 0, lag: 1, seq: 1 };
        encode_frame(&mut bytes, 1, head, b"");
        bytes[68..72].copy_from_slice(&len.to_le_bytes());
        let path = segment_path(dir.path(), 1);
        fs::write(&path, bytes).unwrap();
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(64 << 20).unwrap();
        let mut cursor = Cursor::open(&FsDisk, dir.path(), 1, READ_BUFFER, None).unwrap();
        let Step::End(damage) = cursor.step().unwrap() else { panic!("accepted") };
        assert_eq!(damage, expect);
        assert!(cursor.buffer_bytes() <= MAX_PAYLOAD_FRAME, "{} bytes", cursor.buffer_bytes());
    };
    check(u32::MAX, Damage::Length(u32::MAX));
    check(MAX_PAYLOAD as u32 + 1, Damage::Length(MAX_PAYLOAD as u32 + 1));
    check(MAX_PAYLOAD as u32, Damage::Checksum);
}

/// Thousands of heads that each claim a megabyte cannot make the search of a tail run for long: it gives up.
#[test]
fn a_tail_made_to_be_searched_forever_is_given_up() {
    let dir = TempDir::new().unwrap();
    let mut bytes = Vec::new();
    for i in 0..(4 << 20) / 24 {
        let head = FrameHead { crc: 0, len: 0, kind: 1, flags: 0, lag: 1, seq: 5 + i };
        let at = bytes.len();
        encode_frame(&mut bytes, 2, head, b"");
        bytes[at + 4..at + 8].copy_from_slice(&(MAX_PAYLOAD as u32).to_le_bytes());
    }
    let path = dir.path().join("tail");
    fs::write(&path, bytes).unwrap();
    let file = FsDisk.open(&path, crate::Access::Read).unwrap();
    assert_eq!(tail::judge(&Arc::from(file), 1, 0, 5).unwrap(), Tail::Undecided);
}
