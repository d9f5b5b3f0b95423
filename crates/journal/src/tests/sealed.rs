// SPDX-License-Identifier: Apache-2.0
//! Encrypted segments: what is read with the key, what is said without it, and what a stranger with the disk can do.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::format::{FLAG_FILLER, FRAME_HEAD, FrameHead, HEADER_BYTES, encode_frame, segment_path};
use crate::limits::MAX_PAYLOAD;
use crate::{
    Damage, Durability, FsDisk, Journal, JournalError, Key, Keyring, LOST, Options, Position, Reader, Writer,
    frame_bytes,
};

fn key(fill: u8) -> Key {
    Key::new([fill; 32])
}

fn ring(newest: Option<u8>, older: &[u8]) -> Keyring {
    Keyring::new(newest.map(key), older.iter().map(|&fill| key(fill)).collect())
}

fn options(keys: &Keyring) -> Options {
    Options { segment_bytes: 4096, now_micros: 5, salt: 3, keys: keys.clone(), ..Options::default() }
}

fn open(dir: &Path, keys: &Keyring) -> Writer {
    Journal::open(dir, options(keys)).unwrap().0
}

fn append(writer: &mut Writer, payload: &[u8]) -> Position {
    writer.reserve(frame_bytes(payload.len())).unwrap();
    let at = writer.append(1, payload).unwrap();
    writer.commit(Durability::Sync).unwrap();
    at
}

fn read(dir: &Path, keys: &Keyring) -> Result<Vec<Vec<u8>>, JournalError> {
    let mut out = Vec::new();
    Reader::open_on(Arc::new(FsDisk), dir)?.with_keys(keys).for_each(|frame| {
        out.push(frame.payload.to_vec());
        Ok::<(), JournalError>(())
    })?;
    Ok(out)
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "wj"));
    paths.sort();
    paths
}

#[test]
fn nothing_of_a_payload_is_on_disk_and_the_key_reads_all_of_it() {
    let dir = TempDir::new().unwrap();
    let keys = ring(Some(1), &[]);
    let mut writer = open(dir.path(), &keys);
    writer.set_prologue(vec![(7, b"secret prologue".to_vec()), (8, b"secret prologue".to_vec())]).unwrap();
    let most = vec![b'x'; MAX_PAYLOAD];
    let mut expect = Vec::new();
    for payload in [b"secret one".as_slice(), b"", &[0; 900], b"secret two", &most] {
        if append(&mut writer, payload).segment + expect.len() as u64 == 1 {
            expect.extend([b"secret prologue".to_vec(), b"secret prologue".to_vec()]);
        }
        expect.push(payload.to_vec());
    }
    let found = writer.lookup().get(4).unwrap().unwrap();
    assert_eq!((found.kind, found.payload.as_slice()), (1, b"secret two".as_slice()));
    assert_eq!(writer.lookup().reader().unwrap().from(4).unwrap().next_frame().unwrap().unwrap().kind, 7);
    drop(writer);
    for path in segments(dir.path()) {
        let bytes = fs::read(path).unwrap();
        assert!(bytes.windows(6).all(|w| w != b"secret" && w != b"xxxxxx"));
        assert_eq!(bytes[10], 2, "older programs refuse it by its version");
    }
    let mut all = read(dir.path(), &keys).unwrap();
    all.retain(|payload| payload != b"secret prologue");
    expect.retain(|payload| payload != b"secret prologue");
    assert!(all == expect);
}

#[test]
fn a_missing_key_is_said_by_name_and_never_called_damage() {
    let dir = TempDir::new().unwrap();
    append(&mut open(dir.path(), &ring(Some(1), &[])), b"secret");
    let check = |keys: Keyring, words: &str| {
        let before = fs::read(&segments(dir.path())[0]).unwrap();
        let opened = Journal::open(dir.path(), options(&keys)).map(|_| ());
        for error in [opened.unwrap_err(), read(dir.path(), &keys).unwrap_err()] {
            let said = error.to_string();
            assert!(matches!(error, JournalError::Seal { .. }), "{said}");
            assert!(said.contains(&format!("encrypted with the key {}", key(1).id())), "{said}");
            assert!(said.contains(words) && said.contains(".wj"), "{said}");
        }
        assert!(fs::read(&segments(dir.path())[0]).unwrap() == before, "touched");
    };
    check(ring(None, &[]), "no key was given");
    check(ring(Some(2), &[]), &format!("the key given is {}", key(2).id()));
    check(ring(Some(2), &[3]), &format!("the keys given are {}, {}", key(2).id(), key(3).id()));
}

#[test]
fn plain_and_encrypted_segments_follow_each_other_and_keys_are_changed() {
    let dir = TempDir::new().unwrap();
    let mut expect = Vec::new();
    let steps: [(Option<u8>, &[u8]); 5] =
        [(None, &[]), (Some(1), &[]), (Some(2), &[1]), (None, &[2, 1]), (None, &[1, 2])];
    for (newest, older) in steps {
        let mut writer = open(dir.path(), &ring(newest, older));
        for _ in 0..2 {
            let payload = format!("{newest:?} {}", expect.len()).into_bytes();
            append(&mut writer, &payload);
            expect.push(payload);
        }
    }
    let majors: Vec<u8> = segments(dir.path()).iter().map(|path| fs::read(path).unwrap()[10]).collect();
    assert_eq!(majors, [1, 2, 2, 1], "each begins a segment of its own, and a plain one is gone on with");
    assert_eq!(read(dir.path(), &ring(Some(2), &[1])).unwrap(), expect);
    assert!(matches!(read(dir.path(), &ring(Some(2), &[])), Err(JournalError::Seal { .. })));
}

/// After a crash a number may be given to another record: under one key that would give both away.
#[test]
fn what_another_process_began_is_not_gone_on_with() {
    let dir = TempDir::new().unwrap();
    let keys = ring(Some(1), &[]);
    for n in 1..=3 {
        assert_eq!(append(&mut open(dir.path(), &keys), b"record").segment, n);
    }
    // A segment without a record goes, and the next of its name has another salt.
    let salt = |path: &Path| fs::read(path).unwrap()[44..60].to_vec();
    let dir = TempDir::new().unwrap();
    open(dir.path(), &keys).reserve(100).unwrap();
    let first = salt(&segments(dir.path())[0]);
    let mut writer = open(dir.path(), &keys);
    writer.reserve(100).unwrap();
    writer.rotate().unwrap();
    assert_ne!(salt(&segments(dir.path())[0]), first);
    assert_eq!(segments(dir.path()).len(), 1);
}

/// Whoever can write the disk and knows the format can make any checksum match.
#[test]
fn forged_and_exchanged_frames_are_refused() {
    let keys = ring(Some(1), &[]);
    type Forge<'a> = &'a dyn Fn(&mut [u8], &[Position], u32);
    let check = |forge: Forge<'_>, expect: Damage| {
        let dir = TempDir::new().unwrap();
        let mut writer = open(dir.path(), &keys);
        let at: Vec<Position> = [b"one", b"two", b"six"].iter().map(|p| append(&mut writer, *p)).collect();
        drop(writer);
        let path = segment_path(dir.path(), 1);
        let mut bytes = fs::read(&path).unwrap();
        let salt = u32::from_le_bytes(bytes[32..36].try_into().unwrap());
        forge(&mut bytes, &at, salt);
        fs::write(&path, bytes).unwrap();
        match read(dir.path(), &keys).unwrap_err() {
            JournalError::Corrupt { damage, .. } => assert_eq!(damage, expect),
            e => panic!("{e}"),
        }
    };
    let put = |bytes: &mut [u8], at: u64, salt, head: FrameHead, payload: &[u8]| {
        let mut frame = Vec::new();
        encode_frame(&mut frame, salt, head, payload);
        bytes[at as usize..at as usize + frame.len()].copy_from_slice(&frame);
    };
    let head = FrameHead { crc: 0, len: 0, kind: 1, flags: 0, lag: 1, seq: 2 };
    // A payload of one's own, with its checksum.
    check(&|bytes, at, salt| put(bytes, at[1].offset, salt, head, &[9; 19]), Damage::Sealed);
    // In the open, as fillers are.
    let open = FrameHead { flags: FLAG_FILLER, ..head };
    check(&|bytes, at, salt| put(bytes, at[1].offset, salt, open, &[9; 19]), Damage::Filler);
    // One record's bytes under another's number.
    let moved = |bytes: &mut [u8], at: &[Position], salt| {
        let begin = at[0].offset as usize + FRAME_HEAD;
        let stored = bytes[begin..begin + 19].to_vec();
        put(bytes, at[1].offset, salt, head, &stored);
    };
    check(&moved, Damage::Sealed);
    // The same record said to be of another kind.
    let renamed = |bytes: &mut [u8], at: &[Position], salt| {
        let begin = at[1].offset as usize + FRAME_HEAD;
        let stored = bytes[begin..begin + 19].to_vec();
        put(bytes, at[1].offset, salt, FrameHead { kind: 2, ..head }, &stored);
    };
    check(&renamed, Damage::Sealed);
    // A header that says another time.
    let header = |bytes: &mut [u8], _: &[Position], _: u32| {
        bytes[24] ^= 1;
        let crc = crc32fast::hash(&bytes[..60]);
        bytes[60..64].copy_from_slice(&crc.to_le_bytes());
    };
    check(&header, Damage::Sealed);
}

#[test]
fn a_filler_says_nothing_whatever_it_holds() {
    let dir = TempDir::new().unwrap();
    let keys = ring(Some(1), &[]);
    let at = append(&mut open(dir.path(), &keys), &[1; 40]);
    let path = segment_path(dir.path(), 1);
    let mut bytes = fs::read(&path).unwrap();
    let salt = u32::from_le_bytes(bytes[32..36].try_into().unwrap());
    let mut frame = Vec::new();
    let head = FrameHead { crc: 0, len: 0, kind: LOST, flags: FLAG_FILLER, lag: 1, seq: 1 };
    encode_frame(&mut frame, salt, head, &[9; 56]);
    assert_eq!(at.offset as usize, HEADER_BYTES);
    bytes[HEADER_BYTES..HEADER_BYTES + frame.len()].copy_from_slice(&frame);
    fs::write(&path, bytes).unwrap();
    assert_eq!(read(dir.path(), &keys).unwrap(), [Vec::<u8>::new()]);
}

/// Encryption makes frames longer, and what was reserved must be enough all the same.
#[test]
fn a_reservation_covers_what_encryption_adds() {
    let dir = TempDir::new().unwrap();
    let mut writer = open(dir.path(), &ring(Some(1), &[]));
    for payload in [0usize, 1, 8, 100, 3000] {
        let count = 4000 / (payload + 24);
        writer.reserve(count as u64 * frame_bytes(payload)).unwrap();
        for _ in 0..count {
            writer.append(1, &vec![1; payload]).unwrap();
        }
        assert!(matches!(writer.append(1, &vec![1; payload]), Err(JournalError::NotReserved { .. })));
        let before = fs::metadata(segments(dir.path()).pop().unwrap()).unwrap().len();
        writer.commit(Durability::Sync).unwrap();
        let after = fs::metadata(segments(dir.path()).pop().unwrap()).unwrap().len();
        assert_eq!(after, before, "{payload}: beyond what was allocated");
    }
}
