// SPDX-License-Identifier: Apache-2.0
//! Power cuts, failing syncs and full disks, many seeds of them, against a model of what was promised.
//!
//! The promise: after any of it, the journal holds a prefix of what was appended, bit for bit, with at least
//! everything that a sync acknowledged. A seed that breaks it is printed and replays by itself. The last tests turn
//! the disk into a liar and demand that the same harness notices: a harness that cannot fail proves nothing.

use std::path::Path;
use std::sync::Arc;

use crate::format::{FrameHead, encode_frame};
use crate::{
    Durability, Faults, Journal, JournalError, Key, Keyring, Lookup, Options, Reader, Recovery, SimDisk,
    SimRng, Writer, frame_bytes,
};

const DIR: &str = "/journal";
const SEEDS: u64 = 2000;
const BOOTS: u64 = 5;
const OPS: u64 = 40;

/// What a run met, so that the tests can demand that the interesting things happened.
#[derive(Debug, Default)]
struct Seen {
    torn: u64,
    unfinished: u64,
    rotations: u64,
    full: u64,
    poisoned: u64,
    crashes: u64,
    crashes_while_opening: u64,
    records: u64,
}

/// The promises so far. Counts are numbers of records from the first.
#[derive(Default)]
struct Model {
    /// Every record that a commit may have written.
    written: Vec<Vec<u8>>,
    /// Appended and not yet committed.
    pending: Vec<Vec<u8>>,
    /// Acknowledged: must be there while the machine runs.
    committed: usize,
    /// Acknowledged by a sync: must be there whatever happens.
    acked: usize,
}

struct Run {
    rng: SimRng,
    disk: SimDisk,
    model: Model,
    seen: Seen,
    /// Faults that hold over every boot of this run.
    lies: Faults,
    power_was_cut: bool,
    /// The writer met a failure of the disk, so that it may be poisoned.
    failed: bool,
    /// Runs of equal payloads: what a cut left behind would then line up with what is written over it.
    equal: bool,
    sealed: bool,
}

impl Run {
    fn new(seed: u64, lies: Faults) -> Run {
        Run {
            rng: SimRng::new(seed),
            disk: SimDisk::new(seed ^ 0xd15c, 1 << 20),
            model: Model::default(),
            seen: Seen::default(),
            lies,
            power_was_cut: false,
            failed: false,
            equal: seed.is_multiple_of(3),
            sealed: seed % 8 == 3,
        }
    }

    /// Several lives of one journal; the error says which promise was broken.
    fn go(mut self) -> Result<Seen, String> {
        for _ in 0..BOOTS {
            self.pick_faults();
            if let Some(mut writer) = self.open()? {
                self.live(&mut writer)?;
            }
            if self.disk.crashed() || self.rng.one_in(2) {
                self.cut_power();
            }
        }
        self.cut_power();
        self.disk.set_capacity(1 << 30);
        let mut writer = self.open()?.ok_or("no fault, and yet it did not open")?;
        self.append_some(&mut writer)?;
        self.commit(&mut writer, Durability::Sync)?;
        if self.failed || self.model.acked < self.model.written.len() {
            return Err("no fault, and yet it did not commit".into());
        }
        self.compare(writer.committed_seq())?;
        self.seen.records = writer.committed_seq();
        Ok(self.seen)
    }

    fn pick_faults(&mut self) {
        let mut faults = Faults { crash_after_ops: 1 + self.rng.below(60), ..self.lies };
        match self.rng.below(4) {
            0 => faults.short_write_one_in = 3,
            1 => faults.fail_sync_one_in = 12,
            2 => faults.fail_write_one_in = 25,
            _ => {}
        }
        if self.rng.one_in(4) {
            faults.crash_after_ops = 0;
        }
        self.disk.set_faults(faults);
        let capacity = if self.rng.one_in(3) { 20_000 } else { 1 << 20 };
        self.disk.set_capacity(capacity);
    }

    fn cut_power(&mut self) {
        self.disk.reboot();
        self.disk.set_faults(self.lies);
        self.power_was_cut = true;
        self.seen.crashes += 1;
    }

    /// One run in eight changes between plain and encrypted under two keys, whenever the journal is opened.
    fn keys(&mut self) -> Keyring {
        let [one, two] = keys();
        let (newest, older) = match if self.sealed { self.rng.below(3) } else { 2 } {
            0 => (Some(one), vec![two]),
            1 => (Some(two), vec![one]),
            _ => (None, vec![one, two]),
        };
        Keyring::new(newest, older).with_salts_from(self.rng.next_u64())
    }

    /// Opens and compares. None if the power went meanwhile, or the disk failed.
    fn open(&mut self) -> Result<Option<Writer>, String> {
        let keys = self.keys();
        let options = Options { segment_bytes: 4096, now_micros: 0, salt: 7, keys, ..Options::default() };
        match Journal::open_on(Arc::new(self.disk.clone()), DIR, options) {
            Ok((writer, recovery)) => {
                self.recovered(&recovery)?;
                Ok(Some(writer))
            }
            Err(JournalError::Io { .. }) if self.disk.crashed() => {
                self.seen.crashes_while_opening += 1;
                Ok(None)
            }
            Err(JournalError::Io { .. }) => Ok(None),
            Err(e) => Err(format!("refused to open: {e}")),
        }
    }

    fn recovered(&mut self, recovery: &Recovery) -> Result<(), String> {
        self.seen.torn += u64::from(recovery.torn.is_some());
        self.seen.unfinished += recovery.unfinished.len() as u64;
        let model = &mut self.model;
        let floor = if self.power_was_cut { model.acked } else { model.committed };
        let found = recovery.last_seq as usize;
        if !(floor..=model.written.len()).contains(&found) {
            return Err(format!("{found} records; {floor} promised, {} written", model.written.len()));
        }
        model.written.truncate(found);
        (model.committed, model.acked) = (found, found);
        model.pending.clear();
        self.power_was_cut = false;
        self.failed = false;
        self.compare(recovery.last_seq)
    }

    /// The journal must be the model's first records, bit for bit.
    fn compare(&self, last_seq: u64) -> Result<(), String> {
        let mut reader = reader(&self.disk).map_err(|e| e.to_string())?;
        let mut seq = 0;
        while let Some(frame) = reader.next_frame().map_err(|e| format!("reading: {e}"))? {
            if frame.is_prologue() {
                let known = frame.payload.starts_with(b"prologue") && frame.position.seq == seq + 1;
                known.then_some(()).ok_or("a prologue that nobody set")?;
                continue;
            }
            seq += 1;
            let expect = self.model.written.get(seq as usize - 1);
            if frame.position.seq != seq || expect.map(Vec::as_slice) != Some(frame.payload) {
                return Err(format!("record {seq} is not what was appended"));
            }
        }
        if seq == last_seq { Ok(()) } else { Err(format!("read {seq} records of {last_seq}")) }
    }

    fn live(&mut self, writer: &mut Writer) -> Result<(), String> {
        for _ in 0..OPS {
            let done = match self.rng.below(12) {
                0..=5 => self.batch(writer),
                6 => self.append_some(writer).map(|()| {
                    writer.abandon();
                    self.model.pending.clear();
                }),
                7 => self.synced(writer.sync()),
                8 => {
                    let done = writer.rotate();
                    self.seen.rotations += u64::from(done.is_ok());
                    self.synced(done)
                }
                9 => {
                    let text = format!("prologue {}", "p".repeat(self.rng.below(900) as usize));
                    writer.set_prologue(vec![(9, text.into_bytes())]).map_err(|e| e.to_string())
                }
                10 => self.look_up(&writer.lookup()),
                _ => {
                    self.disk.set_capacity(if self.rng.one_in(2) { 1 << 20 } else { 16_000 });
                    Ok(())
                }
            };
            done?;
            if self.disk.crashed() {
                return Ok(());
            }
            if writer.durable_seq() < self.model.acked as u64 {
                return Err("the writer forgot what is durable".into());
            }
            if self.failed {
                self.seen.poisoned += 1;
                let refused = matches!(writer.reserve(0), Err(JournalError::Poisoned { .. }));
                return if refused { Ok(()) } else { Err("the writer goes on after a failure".into()) };
            }
        }
        Ok(())
    }

    fn batch(&mut self, writer: &mut Writer) -> Result<(), String> {
        self.append_some(writer)?;
        let durability = if self.rng.one_in(3) { Durability::Interval } else { Durability::Sync };
        self.commit(writer, durability)
    }

    fn append_some(&mut self, writer: &mut Writer) -> Result<(), String> {
        let count = self.rng.below(6);
        let payloads: Vec<Vec<u8>> = (0..count).map(|i| self.payload(writer.next_seq() + i)).collect();
        let bytes = payloads.iter().map(|p| frame_bytes(p.len())).sum();
        if let Err(e) = writer.reserve(bytes) {
            return self.excuse(e);
        }
        for payload in payloads {
            let at = writer.append(1, &payload).map_err(|e| format!("append after reserve: {e}"))?;
            self.model.pending.push(payload);
            let expect = self.model.written.len() + self.model.pending.len();
            if at.seq != expect as u64 {
                return Err(format!("number {} was given to record {expect}", at.seq));
            }
        }
        Ok(())
    }

    fn commit(&mut self, writer: &mut Writer, durability: Durability) -> Result<(), String> {
        self.model.written.append(&mut self.model.pending);
        match writer.commit(durability) {
            Err(e) => self.excuse(e),
            Ok(()) => {
                self.model.committed = self.model.written.len();
                if durability == Durability::Sync {
                    self.model.acked = self.model.committed;
                }
                Ok(())
            }
        }
    }

    fn synced(&mut self, done: Result<(), JournalError>) -> Result<(), String> {
        match done {
            Ok(()) => {
                self.model.acked = self.model.committed;
                Ok(())
            }
            Err(e) => self.excuse(e),
        }
    }

    fn look_up(&mut self, lookup: &Lookup) -> Result<(), String> {
        let seq = self.rng.below(self.model.committed as u64 + 3);
        let found = lookup.get(seq).map_err(|e| format!("looking up: {e}"))?;
        let committed = (1..=self.model.committed as u64).contains(&seq);
        let expect = committed.then(|| &self.model.written[seq as usize - 1]);
        if found.as_ref().map(|f| &f.payload) == expect {
            Ok(())
        } else {
            Err(format!("record {seq} looked up"))
        }
    }

    /// Errors that the disk's faults explain.
    fn excuse(&mut self, error: JournalError) -> Result<(), String> {
        match error {
            JournalError::Full { .. } => {
                self.seen.full += 1;
                Ok(())
            }
            JournalError::Io { .. } => {
                self.failed = true;
                Ok(())
            }
            JournalError::Poisoned { .. } if self.failed => Ok(()),
            e => Err(e.to_string()),
        }
    }

    /// Payloads of all kinds: empty, zeros, noise, and one shaped like a frame that would prove damage.
    fn payload(&mut self, seq: u64) -> Vec<u8> {
        let long = self.rng.one_in(10);
        let len = self.rng.below(if long { 1500 } else { 200 }) as usize;
        if self.equal {
            return self.rng.next_u64().to_le_bytes().repeat(25);
        }
        match self.rng.below(4) {
            0 => vec![0; len],
            1 => {
                let mut forged = Vec::new();
                let head =
                    FrameHead { crc: 0, len: 0, kind: 1, flags: 0, lag: 1, seq: seq + self.rng.below(3) };
                encode_frame(&mut forged, 0, head, &vec![1; len % 64]);
                forged
            }
            _ => (0..len).map(|_| self.rng.next_u64() as u8).collect(),
        }
    }
}

fn reader(disk: &SimDisk) -> Result<Reader, JournalError> {
    let reader = Reader::open_on(Arc::new(disk.clone()), Path::new(DIR))?;
    Ok(reader.with_keys(&Keyring::new(None, keys().into())))
}

fn keys() -> [Key; 2] {
    [Key::new([1; 32]), Key::new([2; 32])]
}

fn add(total: &mut Seen, seen: &Seen) {
    total.torn += seen.torn;
    total.unfinished += seen.unfinished;
    total.rotations += seen.rotations;
    total.full += seen.full;
    total.poisoned += seen.poisoned;
    total.crashes += seen.crashes;
    total.crashes_while_opening += seen.crashes_while_opening;
    total.records += seen.records;
}

#[test]
fn what_was_acknowledged_survives_every_crash() {
    let mut total = Seen::default();
    for seed in 0..SEEDS {
        match Run::new(seed, Faults::default()).go() {
            Ok(seen) => add(&mut total, &seen),
            Err(broken) => panic!("seed {seed}: {broken}"),
        }
    }
    // The harness must have met what it is for.
    let met = [
        total.torn,
        total.unfinished,
        total.rotations,
        total.full,
        total.poisoned,
        total.crashes,
        total.crashes_while_opening,
        total.records,
    ];
    assert!(met.iter().all(|&n| n > SEEDS / 50), "too little happened: {total:?}");
}

/// How many of the seeds notice a disk with these lies.
fn caught(lies: Faults) -> u64 {
    (0..SEEDS / 10).filter(|&seed| Run::new(seed, lies).go().is_err()).count() as u64
}

#[test]
fn the_harness_notices_a_sync_that_lies() {
    let n = caught(Faults { lying_sync: true, ..Faults::default() });
    assert!(n > SEEDS / 20, "only {n} of {} seeds noticed", SEEDS / 10);
}

#[test]
fn the_harness_notices_a_directory_sync_that_lies() {
    let n = caught(Faults { lying_sync_dir: true, ..Faults::default() });
    assert!(n > SEEDS / 100, "only {n} of {} seeds noticed", SEEDS / 10);
}
