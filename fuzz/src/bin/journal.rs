// SPDX-License-Identifier: Apache-2.0
//! A journal whose disk went bad: what is read is what was written, up to a place; damage is refused, never cut away; and a
//! repair gives back a journal in which each record is what was written, or lost.
//!
//! The input says how much of the journal is encrypted, writes records, each synced, then flips up to four neighbouring bytes and may zero the end of a file. A
//! flip of 32 neighbouring bits is what a CRC-32 always sees; a fuzzer let loose on whole frames would forge checksums,
//! against which the journal has its unpredictable salt, not its format.
#![no_main]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use wardroom_journal::{
    Access, Disk, Durability, Journal, JournalError, Key, Keyring, LOST, Options, Reader, SimDisk, Writer,
    frame_bytes, repair,
};

/// The journal's folder on the simulated disk.
const DIR: &str = "journal";

/// Kind and payload.
type Record = (u8, Vec<u8>);

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(1, 1 << 22));
    let sealed = input.byte();
    let mut written = records(&mut input);
    write(&disk, &written, sealed).expect("a sound disk takes every record");
    let flipped = flip(&*disk, &mut input);
    let torn = tear(&*disk, &mut input);

    let (read, end) = read(&disk);
    assert_eq!(read, written[..read.len()], "what is read is not what was written");
    if end.is_err() {
        assert!(flipped || torn, "a sound journal is refused: {end:?}");
        // Refused as a whole or in a sealed segment; either way an answer.
        let _ = Journal::open_on(disk.clone(), DIR, options(sealed));
        mend(&disk, &written, read.len(), sealed);
        return;
    }
    if !torn {
        // Four bytes reach into two frames at most, and only the last synced batch has no witness after it.
        let lost = written.len() - read.len();
        assert!(lost == 0 || (flipped && lost <= 2), "{lost} acknowledged records went without a word");
    }
    let (mut writer, recovery) =
        Journal::open_on(disk.clone(), DIR, options(sealed)).expect("what reads well opens");
    assert_eq!(recovery.last_seq, read.len() as u64);
    written.truncate(read.len());
    written.push((7, b"after".to_vec()));
    append(&mut writer, &written[read.len()]).expect("what opens can be written");
    assert_eq!(self::read(&disk).0, written, "recovery and a new record");
});

/// Reads the input from the front; what is not there is zero.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        first
    }

    fn number(&mut self) -> u64 {
        u64::from(u16::from_le_bytes([self.byte(), self.byte()]))
    }
}

/// Repairs what can be repaired, and looks at the outcome. The first `sound` records could be read before.
fn mend(disk: &Arc<dyn Disk>, written: &[Record], sound: usize, sealed: u8) {
    let dir = Path::new(DIR);
    let planned = repair(&**disk, dir, &keys(sealed), true, |_, _| {}).expect("a sound disk can be read");
    let done = repair(&**disk, dir, &keys(sealed), false, |_, _| {}).expect("a sound disk takes a repair");
    assert_eq!(done.segments, planned.segments, "a dry run says what is done");
    if !done.is_possible() {
        return;
    }
    assert!(repair(&**disk, dir, &keys(sealed), false, |_, _| {}).expect("it can be read").is_sound());
    let (read, end) = read(disk);
    assert!(end.is_ok(), "repaired, and yet: {end:?}");
    let lost = |(kind, payload): &Record| *kind == LOST && payload.is_empty();
    for (i, record) in read.iter().enumerate() {
        assert!(
            Some(record) == written.get(i) || lost(record),
            "record {} is neither what was written nor lost",
            i + 1
        );
        assert!(
            i >= sound || !lost(record) || written.get(i).is_some_and(lost),
            "a record that could be read is lost"
        );
    }
    Journal::open_on(disk.clone(), DIR, options(sealed)).expect("what is repaired opens");
}

/// New segments are encrypted with the first key, the second, or not at all; either key reads.
fn keys(sealed: u8) -> Keyring {
    let [one, two] = [1, 2].map(|fill| Key::new([fill; 32]));
    let (newest, older) = match sealed % 3 {
        0 => (None, vec![one, two]),
        1 => (Some(one), vec![two]),
        _ => (Some(two), vec![one]),
    };
    Keyring::new(newest, older).with_salts_from(u64::from(sealed) << 32)
}

fn options(sealed: u8) -> Options {
    // The smallest segments there are, so that a few records cross into the next.
    Options { segment_bytes: 0, now_micros: 1, salt: 42, keys: keys(sealed), ..Options::default() }
}

/// Up to 15 records: a length each, and a fill that may be zeros, which is what a free part of a segment looks like.
fn records(input: &mut Input) -> Vec<Record> {
    let count = input.byte() % 16;
    (0..count)
        .map(|kind| (kind, vec![input.byte(); usize::try_from(input.number() % 1500).unwrap_or(0)]))
        .collect()
}

/// Two programs one after the other write a half each, with other keys where the input says so.
fn write(disk: &Arc<dyn Disk>, records: &[Record], sealed: u8) -> Result<(), JournalError> {
    let (first, second) = records.split_at(records.len() / 2);
    for (half, sealed) in [(first, sealed / 3), (second, sealed)] {
        let (mut writer, _) = Journal::open_on(disk.clone(), DIR, options(sealed))?;
        half.iter().try_for_each(|record| append(&mut writer, record))?;
    }
    Ok(())
}

fn append(writer: &mut Writer, (kind, payload): &Record) -> Result<(), JournalError> {
    writer.reserve(frame_bytes(payload.len()))?;
    writer.append(*kind, payload)?;
    writer.commit(Durability::Sync)
}

/// A segment and a place in it, as the input says; none when there is no segment.
fn place(disk: &dyn Disk, input: &mut Input) -> Option<(PathBuf, u64)> {
    let mut names = disk.list(Path::new(DIR)).unwrap_or_default();
    names.retain(|name| name.ends_with(".wj"));
    names.sort();
    let name = names.get(usize::from(input.byte()) % names.len().max(1))?;
    let path = Path::new(DIR).join(name);
    let size = disk.open(&path, Access::Read).and_then(|file| file.size()).unwrap_or(0);
    Some((path, input.number() % (size + 1)))
}

/// Flips bits of four neighbouring bytes. Whether anything changed.
fn flip(disk: &dyn Disk, input: &mut Input) -> bool {
    let Some((path, offset)) = place(disk, input) else {
        return false;
    };
    let file = disk.open(&path, Access::ReadWrite).expect("a listed file opens");
    let mut bytes = [0; 4];
    let got = file.read_at(&mut bytes, offset).unwrap_or(0);
    let mask = [input.byte(), input.byte(), input.byte(), input.byte()];
    bytes.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    file.write_at(&bytes[..got], offset).is_ok() && mask[..got].iter().any(|&mask| mask != 0)
}

/// Zeroes a segment from a place on, when the input says so. Whether it did.
fn tear(disk: &dyn Disk, input: &mut Input) -> bool {
    if input.byte() % 2 == 0 {
        return false;
    }
    let Some((path, offset)) = place(disk, input) else {
        return false;
    };
    let file = disk.open(&path, Access::ReadWrite).expect("a listed file opens");
    let left = file.size().unwrap_or(0).saturating_sub(offset);
    let zeros = vec![0; usize::try_from(left).unwrap_or(0)];
    left > 0 && file.write_at(&zeros, offset).is_ok()
}

/// Every record up to the end or the first refusal, numbered without a gap from 1.
fn read(disk: &Arc<dyn Disk>) -> (Vec<Record>, Result<(), JournalError>) {
    let mut records = Vec::new();
    let end = Reader::open_on(disk.clone(), DIR).and_then(|reader| {
        let mut reader = reader.with_keys(&keys(0));
        reader.for_each(|frame| {
            if !frame.is_prologue() {
                records.push((frame.kind, frame.payload.to_vec()));
                assert_eq!(frame.position.seq, records.len() as u64, "a gap");
            }
            Ok(())
        })
    });
    (records, end)
}
