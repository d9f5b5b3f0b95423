// SPDX-License-Identifier: Apache-2.0
//! Sealed segments written anew: no record is lost, whoever reads beside it, and wherever the power goes or the disk fails.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::format::segment_path;
use crate::{
    Durability, Fate, Faults, Frame, Journal, JournalError, Key, Keyring, Lookup, Options, Reader, SimDisk,
    Writer, frame_bytes,
};

const DIR: &str = "/journal";
const RECORDS: u64 = 40;

fn keys(sealed: bool) -> Keyring {
    Keyring::new(sealed.then(|| Key::new([7; 32])), Vec::new())
}

fn open(disk: &SimDisk, sealed: bool) -> Result<Writer, JournalError> {
    let options = Options { segment_bytes: 4096, salt: 7, keys: keys(sealed), ..Options::default() };
    Ok(Journal::open_on(Arc::new(disk.clone()), DIR, options)?.0)
}

/// Every third record is of somebody who wants to be forgotten.
fn payload(seq: u64) -> Vec<u8> {
    let who = if seq.is_multiple_of(3) { "alice" } else { "somebody" };
    format!("{seq:03} {who} {}", "x".repeat(seq as usize * 37 % 600)).into_bytes()
}

fn after(seq: u64) -> Vec<u8> {
    String::from_utf8(payload(seq)).unwrap().replace("alice", "erased-0123456789").into_bytes()
}

fn filled(disk: &SimDisk, sealed: bool) -> Writer {
    let mut writer = open(disk, sealed).unwrap();
    writer.set_prologue(vec![(9, b"a prologue of alice".to_vec())]).unwrap();
    for seq in 1..=RECORDS {
        writer.reserve(frame_bytes(1000)).unwrap();
        writer.append(1, &payload(seq)).unwrap();
        writer.commit(Durability::Sync).unwrap();
    }
    writer.rotate().unwrap();
    writer
}

fn erase(frame: Frame<'_>) -> Result<Fate, JournalError> {
    let text = String::from_utf8(frame.payload.to_vec()).unwrap();
    let fate = |text: String| Fate::Replace(text.replace("alice", "erased-0123456789").into_bytes());
    Ok(if text.contains("alice") { fate(text) } else { Fate::Keep })
}

/// Erases in all sealed segments; how many payloads that was.
fn erase_all(lookup: &Lookup) -> Result<u64, JournalError> {
    let mut replaced = 0;
    for first in lookup.sealed_segments() {
        replaced += lookup.rewrite(first, erase)?.map_or(0, |done| done.replaced);
    }
    Ok(replaced)
}

/// Every record as it was or as it was to become, each segment all of one; how many are as they were.
fn judge(disk: &SimDisk, sealed: bool) -> usize {
    let mut reader = Reader::open_on(Arc::new(disk.clone()), DIR).unwrap().with_keys(&keys(sealed));
    let (mut expect, mut old, mut of_segment) = (1, 0, (0, None));
    reader
        .for_each(|frame| {
            if of_segment.0 != frame.position.segment {
                of_segment = (frame.position.segment, None);
            }
            let is_old = frame.payload.windows(5).any(|w| w == b"alice");
            let is_new = frame.payload.windows(6).any(|w| w == b"erased");
            if is_old || is_new {
                assert_eq!(*of_segment.1.get_or_insert(is_old), is_old, "half of a segment");
            }
            if !frame.is_prologue() {
                let seq = frame.position.seq;
                assert_eq!(seq, expect);
                assert!(frame.payload == payload(seq) || frame.payload == after(seq));
                expect += 1;
            }
            old += usize::from(is_old);
            Ok::<(), JournalError>(())
        })
        .unwrap();
    assert_eq!(expect, RECORDS + 1, "every record is there");
    old
}

fn bytes_hold(disk: &SimDisk, what: &[u8]) -> Vec<PathBuf> {
    use crate::Disk;
    let names = disk.list(Path::new(DIR)).unwrap();
    let holds =
        |path: &PathBuf| disk.load(path, 1 << 20).unwrap().windows(what.len()).any(|window| window == what);
    names
        .iter()
        .map(|name| Path::new(DIR).join(name))
        .filter(|path| path.extension().is_some())
        .filter(holds)
        .collect()
}

#[test]
fn payloads_become_others_and_records_keep_their_numbers() {
    for sealed in [false, true] {
        let disk = SimDisk::new(1, 1 << 20);
        let mut writer = filled(&disk, sealed);
        let lookup = writer.lookup();
        // Marks of some segments are there before, and must not be trusted after.
        (1..=RECORDS).step_by(7).for_each(|seq| drop(lookup.get(seq).unwrap()));
        let segments = lookup.sealed_segments();
        assert!(segments.len() > 3, "{segments:?}");
        let sizes: Vec<u64> =
            lookup.sealed().unwrap().iter().map(|sealed| sealed.created_micros as u64).collect();
        // A prologue stands in each segment.
        assert_eq!(erase_all(&lookup).unwrap(), RECORDS / 3 + segments.len() as u64);
        assert_eq!(erase_all(&lookup).unwrap(), 0, "nothing is left to do");
        assert_eq!(judge(&disk, sealed), 1, "the prologue of the segment that is being written");
        for seq in 1..=RECORDS {
            assert_eq!(lookup.get(seq).unwrap().unwrap().payload, after(seq), "{seq}");
        }
        let created: Vec<u64> =
            lookup.sealed().unwrap().iter().map(|sealed| sealed.created_micros as u64).collect();
        assert_eq!(created, sizes, "a segment keeps its time");
        let last = segment_path(Path::new(DIR), RECORDS + 1);
        if sealed {
            assert_eq!(bytes_hold(&disk, b"erased"), Vec::<PathBuf>::new(), "what was encrypted is so again");
        }
        assert!(bytes_hold(&disk, b"alice").iter().all(|path| *path == last), "not one byte of it is left");
        // The writer goes on behind it, also after a restart.
        writer.reserve(frame_bytes(1000)).unwrap();
        writer.append(1, b"041 more").unwrap();
        writer.commit(Durability::Sync).unwrap();
        drop(writer);
        let writer = open(&disk, sealed).unwrap();
        assert_eq!(writer.next_seq(), RECORDS + 2);
    }
}

#[test]
fn the_segment_being_written_and_one_that_is_gone_are_left_alone() {
    let disk = SimDisk::new(1, 1 << 20);
    let mut writer = filled(&disk, false);
    let lookup = writer.lookup();
    let asked =
        |first| lookup.rewrite(first, |_| -> Result<Fate, JournalError> { panic!("looked at") }).unwrap();
    assert_eq!(asked(RECORDS + 1), None, "it is being written");
    assert_eq!(asked(2), None, "there is none of this number");
    let second = lookup.sealed_segments()[1];
    writer.remove_segments_below(second).unwrap();
    assert_eq!(asked(1), None, "it is gone");
    // One that is removed while it is written anew stays gone.
    let mut removed = false;
    let third = lookup.sealed_segments()[1];
    let done = lookup.rewrite(second, |frame| {
        if !std::mem::replace(&mut removed, true) {
            writer.remove_segments_below(third)?;
        }
        erase(frame)
    });
    // Either it could no longer be read, or there was no place to put it.
    assert!(done.is_err() || done.is_ok_and(|done| done.is_some()));
    assert_eq!(lookup.sealed_segments()[0], third);
    let path = segment_path(Path::new(DIR), second);
    assert!(!crate::Disk::exists(&disk, &path).unwrap(), "it has come back");
}

/// Power cuts at every step, failing and short writes, failing syncs and a full disk; then it goes on, to the end.
#[test]
fn whatever_happens_a_segment_is_the_old_one_or_the_new() {
    let (mut crashed, mut half_way, mut failed) = (0, 0, 0);
    for seed in 0..300 {
        let sealed = seed % 4 == 3;
        let disk = SimDisk::new(seed, if seed % 5 == 4 { 42 << 10 } else { 1 << 20 });
        let writer = filled(&disk, sealed);
        let all = judge(&disk, sealed);
        let faults = match seed % 3 {
            0 => Faults { crash_after_ops: 1 + seed / 3 % 30, ..Faults::default() },
            1 => Faults { crash_after_ops: 1 + seed / 3 % 30, short_write_one_in: 3, ..Faults::default() },
            _ => Faults {
                fail_write_one_in: 9,
                fail_sync_one_in: 9,
                fail_read_one_in: 40,
                ..Faults::default()
            },
        };
        disk.set_faults(faults);
        let done = erase_all(&writer.lookup());
        failed += u64::from(done.is_err());
        if faults.crash_after_ops > 0 {
            crashed += u64::from(done.is_err());
            drop(writer);
            disk.reboot();
        } else {
            disk.set_faults(Faults::default());
            drop(writer);
        }
        let left = judge(&disk, sealed);
        assert!(left <= all && (done.is_err() || left == 1), "seed {seed}: {left} of {all}");
        half_way += u64::from(left > 1 && left < all);
        let writer = open(&disk, sealed).unwrap();
        let copies = crate::Disk::list(&disk, Path::new(DIR)).unwrap();
        assert!(
            copies.iter().all(|name| !name.ends_with(".tmp")),
            "seed {seed}: a copy was left: {copies:?}"
        );
        match erase_all(&writer.lookup()) {
            Ok(_) => assert_eq!(judge(&disk, sealed), 1, "seed {seed}"),
            Err(e) => assert!(seed % 5 == 4, "seed {seed}: {e}"),
        }
        assert_eq!(writer.next_seq(), RECORDS + 1, "seed {seed}");
    }
    assert!(crashed > 80 && half_way > 60 && failed > crashed, "{crashed} {half_way} {failed}");
}

/// A disk that says that it has synced the directory and has not: the harness must see it.
#[test]
fn a_rename_that_was_not_synced_is_noticed() {
    let lost = (0..50).filter(|&seed| {
        let disk = SimDisk::new(seed, 1 << 20);
        let writer = filled(&disk, false);
        disk.set_faults(Faults { lying_sync_dir: true, ..Faults::default() });
        erase_all(&writer.lookup()).unwrap();
        drop(writer);
        disk.reboot();
        judge(&disk, false) > 1
    });
    assert!(lost.count() > 10);
}

#[test]
fn damage_stops_it_and_nothing_is_changed() {
    use crate::Disk;
    let disk = SimDisk::new(1, 1 << 20);
    let writer = filled(&disk, false);
    let lookup = writer.lookup();
    let second = lookup.sealed_segments()[1];
    let path = segment_path(Path::new(DIR), second);
    assert!(disk.rot(&path, 1500, 4));
    let before = disk.load(&path, 1 << 20).unwrap();
    let done = lookup.rewrite(second, erase);
    assert!(matches!(done, Err(JournalError::Corrupt { .. })), "{done:?}");
    assert_eq!(disk.load(&path, 1 << 20).unwrap(), before);
    // So does a caller that cannot read a record.
    let done = lookup.rewrite(1, |frame| {
        if frame.position.seq < 3 { erase(frame) } else { Err(JournalError::Gone { seq: 3, first: 9 }) }
    });
    assert!(matches!(done, Err(JournalError::Gone { seq: 3, .. })));
    assert!(disk.list(Path::new(DIR)).unwrap().iter().all(|name| !name.ends_with(".tmp")));
    let done =
        lookup.rewrite(1, |_| Ok::<_, JournalError>(Fate::Replace(vec![0; crate::limits::MAX_PAYLOAD + 1])));
    assert!(matches!(done, Err(JournalError::TooLarge { .. })));
}

/// What a repair found lost stays lost, in its place.
#[test]
fn fillers_stay() {
    for sealed in [false, true] {
        let disk = SimDisk::new(1, 1 << 20);
        drop(filled(&disk, sealed));
        assert!(disk.rot(&segment_path(Path::new(DIR), 1), 500, 4));
        let repaired = crate::repair(&disk, Path::new(DIR), &keys(sealed), false, |_, _| {}).unwrap();
        assert!(repaired.lost() > 0);
        let writer = open(&disk, sealed).unwrap();
        assert!(erase_all(&writer.lookup()).unwrap() > 0);
        let mut reader = Reader::open_on(Arc::new(disk.clone()), DIR).unwrap().with_keys(&keys(sealed));
        let mut lost = 0;
        reader
            .for_each(|frame| {
                lost += u64::from(frame.kind == crate::LOST && !frame.is_prologue());
                Ok::<(), JournalError>(())
            })
            .unwrap();
        assert_eq!(lost, repaired.lost());
    }
}

/// A segment of an older key, in a journal that is plain by now, is not put into the open.
#[test]
fn what_was_encrypted_stays_so() {
    let disk = SimDisk::new(1, 1 << 20);
    drop(filled(&disk, true));
    let ring = Keyring::new(None, vec![Key::new([7; 32])]);
    let options = Options { segment_bytes: 4096, salt: 7, keys: ring, ..Options::default() };
    let (writer, _) = Journal::open_on(Arc::new(disk.clone()), DIR, options).unwrap();
    erase_all(&writer.lookup()).unwrap();
    assert_eq!(bytes_hold(&disk, b"somebody"), Vec::<PathBuf>::new());
    judge(&disk, true);
}

/// On real files: threads look records up while their segments become others, and never meet half of one.
#[test]
fn readers_beside_it_find_every_record() {
    let tmp = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 64 << 10, ..Options::default() };
    let (mut writer, _) = Journal::open(tmp.path(), options).unwrap();
    const MANY: u64 = 3000;
    for seq in 1..=MANY {
        writer.reserve(frame_bytes(1000)).unwrap();
        writer.append(1, &payload(seq)).unwrap();
        writer.commit(Durability::Interval).unwrap();
    }
    writer.rotate().unwrap();
    let (lookup, stop) = (writer.lookup(), AtomicBool::new(false));
    let is_right = |seq: u64, payload_: &[u8]| {
        let text = String::from_utf8(payload_.to_vec()).unwrap();
        // Written to and fro, to a longer text and back.
        text.replace("erased-0123456789", "alice").into_bytes() == payload(seq)
    };
    std::thread::scope(|scope| {
        for thread in 0..3u64 {
            let (lookup, stop) = (lookup.clone(), &stop);
            scope.spawn(move || {
                let mut n = thread * 977;
                while !stop.load(Ordering::Relaxed) {
                    n = (n * 31 + 7) % MANY;
                    let found = lookup.get(n + 1).unwrap().unwrap();
                    assert!(is_right(n + 1, &found.payload));
                    lookup
                        .range(n + 1, n + 50, |frame| {
                            assert!(is_right(frame.position.seq, frame.payload));
                            Ok::<(), JournalError>(())
                        })
                        .unwrap();
                }
            });
        }
        for round in 0..12 {
            for first in lookup.sealed_segments() {
                let done = lookup.rewrite(first, |frame| {
                    let text = String::from_utf8(frame.payload.to_vec()).unwrap();
                    let (from, to) = ("alice", "erased-0123456789");
                    let (from, to) = if round % 2 == 0 { (from, to) } else { (to, from) };
                    Ok::<_, JournalError>(Fate::Replace(text.replace(from, to).into_bytes()))
                });
                assert!(done.unwrap().unwrap().replaced > 0);
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}
