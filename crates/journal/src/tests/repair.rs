// SPDX-License-Identifier: Apache-2.0
//! Damage of every kind: it is found by place, and a repair gives back every record that could be read.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::disk::{read_full, write_full};
use crate::format::{HEADER_BYTES, segment_path};
use crate::{
    Access, Checked, Damage, Disk, Durability, FLAG_FILLER, Faults, Journal, JournalError, Key, Keyring,
    LOST, Options, Position, Reader, Remedy, SimDisk, SimRng, Writer, check, frame_bytes, repair,
};

const DIR: &str = "/journal";
/// Records in the journal of these tests: four segments, the last with a few.
const RECORDS: u64 = 40;

fn keys(sealed: bool) -> Keyring {
    Keyring::new(sealed.then(|| Key::new([1; 32])), Vec::new()).with_salts_from(1)
}

fn payload(seq: u64) -> Vec<u8> {
    vec![seq as u8; if seq.is_multiple_of(5) { 900 } else { 40 + seq as usize }]
}

fn open(disk: &SimDisk, keys: &Keyring) -> Result<Writer, JournalError> {
    let options =
        Options { segment_bytes: 4096, now_micros: 77, salt: 7, keys: keys.clone(), ..Options::default() };
    Ok(Journal::open_on(Arc::new(disk.clone()), DIR, options)?.0)
}

/// A journal with a prologue in each segment, each record synced.
fn written(disk: &SimDisk, keys: &Keyring) -> Vec<Position> {
    let mut writer = open(disk, keys).unwrap();
    writer.set_prologue(vec![(7, vec![1; 50]), (8, vec![2; 10])]).unwrap();
    (1..=RECORDS)
        .map(|seq| {
            writer.reserve(frame_bytes(payload(seq).len())).unwrap();
            let at = writer.append(1, &payload(seq)).unwrap();
            writer.commit(Durability::Sync).unwrap();
            at
        })
        .collect()
}

fn look(disk: &SimDisk, keys: &Keyring) -> Vec<Checked> {
    check(disk, Path::new(DIR), keys, |_| {}, |_, _| {}).unwrap()
}

fn mend(disk: &SimDisk, keys: &Keyring, dry_run: bool) -> Result<crate::Repair, JournalError> {
    repair(disk, Path::new(DIR), keys, dry_run, |_, _| {})
}

/// Numbers of the records that are there and of those that are lost. What is there must be what was written.
fn read(disk: &SimDisk, keys: &Keyring) -> Result<(BTreeSet<u64>, BTreeSet<u64>), JournalError> {
    let (mut there, mut lost) = (BTreeSet::new(), BTreeSet::new());
    let mut reader = Reader::open_on(Arc::new(disk.clone()), DIR)?.with_keys(keys);
    let mut next = reader.first_seq();
    reader.for_each(|frame| {
        if frame.is_prologue() {
            return Ok(());
        }
        assert_eq!(frame.position.seq, next);
        next += 1;
        if frame.flags & FLAG_FILLER != 0 {
            assert_eq!((frame.kind, frame.payload), (LOST, &[][..]));
            lost.insert(frame.position.seq);
        } else {
            assert!(frame.payload == payload(frame.position.seq), "record {}", frame.position.seq);
            there.insert(frame.position.seq);
        }
        Ok::<(), JournalError>(())
    })?;
    Ok((there, lost))
}

fn write(disk: &SimDisk, segment: u64, offset: u64, bytes: &[u8]) {
    let file = disk.open(&segment_path(Path::new(DIR), segment), Access::ReadWrite).unwrap();
    write_full(&*file, bytes, offset).unwrap();
}

fn flip(disk: &SimDisk, segment: u64, offset: u64) {
    let file = disk.open(&segment_path(Path::new(DIR), segment), Access::ReadWrite).unwrap();
    let mut byte = [0];
    read_full(&*file, &mut byte, offset).unwrap();
    write_full(&*file, &[byte[0] ^ 0x40], offset).unwrap();
}

fn set_len(disk: &SimDisk, segment: u64, len: u64) {
    disk.open(&segment_path(Path::new(DIR), segment), Access::ReadWrite).unwrap().set_len(len).unwrap();
}

fn bytes(disk: &SimDisk) -> Vec<(String, Vec<u8>)> {
    let mut names = disk.list(Path::new(DIR)).unwrap();
    names.sort();
    names
        .into_iter()
        .map(|name| (name.clone(), disk.load(&Path::new(DIR).join(name), 1 << 20).unwrap()))
        .collect()
}

#[test]
fn a_sound_journal_is_walked_whole_and_left_alone() {
    for sealed in [false, true] {
        let (disk, keys) = (SimDisk::new(1, 1 << 20), keys(sealed));
        let at = written(&disk, &keys);
        let (mut frames, mut steps) = (0, Vec::new());
        let checked =
            check(&disk, Path::new(DIR), &keys, |_| frames += 1, |done, all| steps.push((done, all)));
        let checked = checked.unwrap();
        let segments = at.iter().map(|p| p.segment).collect::<BTreeSet<_>>();
        assert!(checked.iter().map(|c| c.first_seq).eq(segments.iter().copied()));
        assert_eq!(checked.iter().map(|c| c.records).sum::<u64>(), RECORDS);
        // The first segment was begun by a program that had set no prologue yet, or had: all have two frames.
        assert_eq!(frames, RECORDS + checked.iter().map(|c| c.prologue).sum::<u64>());
        assert!(checked.iter().all(|c| c.faults.is_empty() && c.opened && c.created_micros == Some(77)));
        assert_eq!(checked[0].key, sealed.then(|| Key::new([1; 32]).id()));
        assert!(steps.is_sorted() && steps.last().is_some_and(|(done, all)| done == all));
        let before = bytes(&disk);
        let found = mend(&disk, &keys, false).unwrap();
        assert!(found.is_sound() && found.is_possible() && found.lost() == 0);
        assert!(bytes(&disk) == before);
        if sealed {
            let blind = look(&disk, &Keyring::default());
            assert!(blind.iter().all(|c| !c.opened && c.faults.is_empty() && c.records > 0), "{blind:#?}");
        }
    }
}

/// What is damaged, how, and what is left of it.
#[test]
fn each_damage_has_its_remedy() {
    type Hurt = fn(&SimDisk, &[Position]);
    let check = |name: &str, hurt: Hurt, sealed: bool, damage: Damage, remedy: Remedy, lost: &[u64]| {
        let (disk, keys) = (SimDisk::new(1, 1 << 20), keys(sealed));
        let at = written(&disk, &keys);
        hurt(&disk, &at);
        let before = bytes(&disk);
        let planned = mend(&disk, &keys, true).unwrap();
        assert!(bytes(&disk) == before, "{name}: a dry run changes nothing");
        let (_, fault) = planned.faults().next().unwrap_or_else(|| panic!("{name}: not found"));
        assert_eq!((&fault.damage, fault.remedy), (&damage, remedy), "{name}");
        let done = mend(&disk, &keys, false).unwrap();
        assert_eq!(done.segments, planned.segments, "{name}");
        if remedy == Remedy::None {
            assert!(bytes(&disk) == before && !done.is_possible(), "{name}");
            return;
        }
        let (there, gone) = read(&disk, &keys).unwrap_or_else(|e| panic!("{name}: {e}"));
        let lost: BTreeSet<u64> = lost.iter().copied().collect();
        assert_eq!(gone, lost, "{name}");
        assert_eq!(there, &(1..=RECORDS).collect::<BTreeSet<_>>() - &lost, "{name}");
        assert_eq!(done.lost(), lost.len() as u64, "{name}");
        // What was there is kept, to the byte.
        for (segment, kept) in done.segments.iter().zip(&done.kept) {
            let name = segment.path.file_name().unwrap().to_str().unwrap();
            let old = before.iter().find(|(n, _)| n == name).unwrap();
            assert!(disk.load(kept, 1 << 20).unwrap() == old.1);
        }
        assert!(mend(&disk, &keys, false).unwrap().is_sound(), "{name}: once is enough");
        let mut writer = open(&disk, &keys).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(writer.next_seq(), RECORDS + 1);
        assert_eq!(writer.lookup().get(RECORDS).unwrap().unwrap().payload, payload(RECORDS));
        writer.reserve(100).unwrap();
        writer.append(1, &[1]).unwrap();
        writer.commit(Durability::Sync).unwrap();
    };
    let both = |name: &str, hurt: Hurt, damage: Damage, remedy: Remedy, lost: &[u64]| {
        check(name, hurt, false, damage.clone(), remedy, lost);
        check(name, hurt, true, damage, remedy, lost);
    };
    both("a record", |d, at| flip(d, 1, at[2].offset + 30), Damage::Checksum, Remedy::Fill, &[3]);
    let length: Hurt = |d, at| write(d, 1, at[2].offset + 4, &[0xff; 4]);
    both("a length", length, Damage::Length(u32::MAX), Remedy::Fill, &[3]);
    let three: Hurt =
        |d, at| write(d, 1, at[2].offset + 5, &vec![0; (at[5].offset - at[2].offset) as usize - 9]);
    both("three records zeroed", three, Damage::Checksum, Remedy::Fill, &[3, 4, 5]);
    both("a prologue", |d, _| flip(d, 1, HEADER_BYTES as u64 + 30), Damage::Checksum, Remedy::Fill, &[]);
    let short: Hurt = |d, at| {
        let next = at.iter().find(|p| p.segment > 1).unwrap().segment;
        set_len(d, 1, at[next as usize - 4].offset + 7);
    };
    let second = |sealed| {
        let at = written(&SimDisk::new(1, 1 << 20), &keys(sealed));
        at.iter().find(|p| p.segment > 1).unwrap().segment
    };
    let (second, second_sealed) = (second(false), second(true));
    let lost: Vec<u64> = (second - 3..second).collect();
    check("a segment cut short", short, false, Damage::Nothing, Remedy::Extend, &lost);
    let trailing: Hurt = |d, at| {
        let next = at.iter().find(|p| p.segment > 1).unwrap().segment;
        let last = at[next as usize - 2];
        write(d, 1, last.offset + frame_bytes(payload(last.seq).len()), b"trailing");
    };
    check("bytes behind the last record", trailing, false, Damage::Nothing, Remedy::Cut, &[]);
    both("a byte of a header", |d, _| flip(d, 1, 20), Damage::Header, Remedy::Header, &[]);
    both("a byte of its key's salt", |d, _| flip(d, 1, 50), Damage::Header, Remedy::Header, &[]);
    check(
        "a header and a record",
        |d, at| {
            write(d, 1, 0, &[0; 64]);
            flip(d, 1, at[8].offset + 3);
        },
        false,
        Damage::Header,
        Remedy::Header,
        &[9],
    );
    let first: Vec<u64> = (1..second).collect();
    check(
        "an encrypted header",
        |d, _| write(d, 1, 0, &[0; 64]),
        true,
        Damage::Header,
        Remedy::Replace,
        &(1..second_sealed).collect::<Vec<_>>(),
    );
    let gone: Hurt = |d, _| write(d, 1, 0, &[0; 4000]);
    check("a whole segment", gone, false, Damage::Header, Remedy::Replace, &first);
    let last: Hurt = |d, at| write(d, at[RECORDS as usize - 1].segment, 0, &[9; 200]);
    both("the last segment's header and more", last, Damage::Header, Remedy::None, &[]);
}

#[test]
fn a_segment_that_vanished_from_the_middle_leaves_its_numbers() {
    let (disk, keys) = (SimDisk::new(1, 1 << 20), keys(true));
    let at = written(&disk, &keys);
    let segments: Vec<u64> = at.iter().map(|p| p.segment).collect::<BTreeSet<_>>().into_iter().collect();
    disk.remove(&segment_path(Path::new(DIR), segments[1])).unwrap();
    assert!(read(&disk, &keys).is_err());
    let done = mend(&disk, &keys, false).unwrap();
    assert_eq!(
        done.faults().map(|(s, f)| (s.first_seq, f.remedy)).collect::<Vec<_>>(),
        [(1, Remedy::Extend)]
    );
    assert_eq!(read(&disk, &keys).unwrap().1, (segments[1]..segments[2]).collect());
    // The first may be gone: that is what retention does.
    disk.remove(&segment_path(Path::new(DIR), 1)).unwrap();
    assert!(mend(&disk, &keys, false).unwrap().is_sound());
}

/// Whatever is flipped, wherever: what was not touched is still there afterwards, and nothing else is.
#[test]
fn nothing_that_can_be_read_is_lost() {
    let mut seen = BTreeSet::new();
    for seed in 0..300 {
        let mut rng = SimRng::new(seed);
        let (disk, keys) = (SimDisk::new(seed, 1 << 20), keys(seed % 3 == 0));
        let at = written(&disk, &keys);
        let mut hurt = BTreeSet::new();
        let mut headers = false;
        for _ in 0..=rng.below(4) {
            let segment = at[rng.below(RECORDS) as usize].segment;
            let inside: Vec<&Position> = at.iter().filter(|p| p.segment == segment).collect();
            let last = inside.last().unwrap();
            let end = last.offset + frame_bytes(payload(last.seq).len());
            let offset = rng.below(end);
            flip(&disk, segment, offset);
            if rng.one_in(3) {
                // Two bytes: beyond what can be put right in a header.
                flip(&disk, segment, offset ^ 1);
            }
            headers |= offset < HEADER_BYTES as u64;
            hurt.extend(inside.iter().rev().find(|p| p.offset <= offset).map(|p| p.seq));
        }
        let torn = look(&disk, &keys).iter().any(|c| c.torn.is_some());
        let done = mend(&disk, &keys, false).unwrap();
        if !done.is_possible() {
            assert!(headers, "seed {seed}: {done:#?}");
            continue;
        }
        seen.extend(done.faults().map(|(_, fault)| format!("{:?}", fault.remedy)));
        let (there, lost) = read(&disk, &keys).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        // Damage with nothing whole behind it has no witness: what is left there is a torn tail.
        let sound = (1..=RECORDS).rev().find(|seq| !hurt.contains(seq)).unwrap();
        let all: BTreeSet<u64> = (1..=if torn { sound } else { RECORDS }).collect();
        assert_eq!(&there | &lost, all, "seed {seed}");
        let replaced = done.faults().any(|(_, fault)| fault.remedy == Remedy::Replace);
        assert!(replaced || lost.is_subset(&hurt), "seed {seed}: {lost:?} of {hurt:?}");
        drop(open(&disk, &keys).unwrap_or_else(|e| panic!("seed {seed}: {e}")));
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["Extend", "Fill", "Header", "Replace"]);
}

/// The power goes, or the disk is full, at each step: what was damaged is as it was, or repaired.
#[test]
fn a_repair_cut_short_is_gone_on_with() {
    for seed in 0..300 {
        let (disk, keys) = (SimDisk::new(seed, 1 << 20), keys(seed % 2 == 0));
        let at = written(&disk, &keys);
        let second = at.iter().find(|p| p.segment > 1).unwrap();
        flip(&disk, 1, at[3].offset + 25);
        flip(&disk, second.segment, second.offset + 25);
        for segment in [1, second.segment] {
            disk.open(&segment_path(Path::new(DIR), segment), Access::Read).unwrap().sync_all().unwrap();
        }
        if seed % 5 == 0 {
            let full: u64 = bytes(&disk).iter().map(|(_, b)| b.len() as u64).sum();
            disk.set_capacity(full + seed * 40);
        } else {
            disk.set_faults(Faults {
                crash_after_ops: 1 + seed % 40,
                short_write_one_in: 3,
                ..Faults::default()
            });
        }
        let done = mend(&disk, &keys, false);
        disk.reboot();
        disk.set_capacity(1 << 20);
        let found = mend(&disk, &keys, false).unwrap();
        assert!(done.is_err() || found.is_sound(), "seed {seed}");
        let (_, lost) = read(&disk, &keys).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        assert_eq!(lost, [4, second.seq].into(), "seed {seed}");
        drop(open(&disk, &keys).unwrap_or_else(|e| panic!("seed {seed}: {e}")));
    }
}

#[test]
fn a_journal_in_use_is_not_repaired() {
    let (disk, keys) = (SimDisk::new(1, 1 << 20), keys(false));
    let at = written(&disk, &keys);
    let writer = open(&disk, &keys).unwrap();
    flip(&disk, 1, at[0].offset + 25);
    assert!(matches!(mend(&disk, &keys, true), Err(JournalError::Locked { .. })));
    drop(writer);
    assert_eq!(mend(&disk, &keys, true).unwrap().lost(), 1);
}

/// The one encrypted segment among plain ones loses its header: taking it for plain would give out its bytes as records.
#[test]
fn an_encrypted_segment_is_never_taken_for_a_plain_one() {
    for (from, len) in [(0, 64), (8, 16), (8, 56), (30, 34), (36, 24), (12, 20)] {
        let disk = SimDisk::new(1, 1 << 20);
        let mut at = Vec::new();
        for sealed in [false, true, false] {
            let keys = Keyring::new(sealed.then(|| Key::new([1; 32])), vec![Key::new([1; 32])]);
            let mut writer = open(&disk, &keys).unwrap();
            for _ in 0..4 {
                let payload = payload(writer.next_seq());
                writer.reserve(frame_bytes(payload.len())).unwrap();
                at.push(writer.append(1, &payload).unwrap());
                writer.commit(Durability::Sync).unwrap();
            }
        }
        let hurt = at[4].segment;
        write(&disk, hurt, from, &vec![0; len]);
        let done = mend(&disk, &keys(true), false).unwrap();
        assert_eq!(
            done.faults().next().map(|(_, fault)| fault.remedy),
            Some(Remedy::Replace),
            "{from} {len}"
        );
        let (there, lost) = read(&disk, &keys(true)).unwrap();
        assert_eq!((there.len(), lost), (8, (5..=8).collect()), "{from} {len}");
    }
}
