// SPDX-License-Identifier: Apache-2.0
//! Ids: remembered for a window, in memory and in files, whatever becomes of the files.

use super::filter::Filter;
use super::*;
use crate::record::{encode_recorded, kind};
use std::fs;
use wardroom_event::{Draft, NoFacts, read};
use wardroom_journal::{Disk, Durability, Faults, FsDisk, Journal, Options, SimDisk, Writer, frame_bytes};
use wardroom_policy::{Bundle, compile};

const SECRET: Secret = Secret([7; 16]);

fn id(n: u64) -> EventId {
    EventId { source: "s".into(), id: n.to_string().into() }
}

fn find(seen: &mut Seen, n: u64) -> Option<u64> {
    seen.find(&id(n)).unwrap()
}

fn hour(h: i64) -> Micros {
    Micros(h * 3_600_000_000)
}

#[test]
fn ids_are_known_for_a_window_and_then_forgotten() {
    let mut seen = Seen::new(SECRET);
    seen.insert(&id(1), 1, hour(0));
    assert_eq!(find(&mut seen, 1), Some(1));
    seen.insert(&id(2), 2, hour(24));
    assert_eq!(find(&mut seen, 1), Some(1));
    seen.insert(&id(3), 3, hour(48));
    assert_eq!((find(&mut seen, 1), find(&mut seen, 2)), (None, Some(2)));
    let split = EventId { source: "s2".into(), id: "".into() };
    assert_ne!(seen.hash(&split), seen.hash(&id(2)));
}

#[test]
fn memory_is_bounded_by_the_number_of_ids() {
    let mut seen = Seen::bounded(SECRET, 100);
    for n in 1..10_000 {
        seen.insert(&id(n), n, Micros(0));
        assert!(seen.size().ids <= (100 * (1 + limits::IDS_HELD_CHUNKS)) as u64);
        let newest = n.saturating_sub(799).max(1)..=n;
        assert!(newest.clone().step_by(97).all(|n| find(&mut seen, n) == Some(n)), "{newest:?} are known");
    }
    assert_eq!(find(&mut seen, 1), None);
}

#[test]
fn a_clock_that_jumps_forgets_nothing_early() {
    let mut seen = Seen::new(SECRET);
    for (n, received) in [0, i64::MAX, i64::MIN, 0].into_iter().enumerate() {
        seen.insert(&id(n as u64 + 1), n as u64 + 1, Micros(received));
    }
    assert!((1..5).all(|n| find(&mut seen, n) == Some(n)));
}

#[test]
fn a_clock_that_goes_back_forgets_nothing_early() {
    let mut seen = Seen::bounded(SECRET, 3);
    seen.insert(&id(1), 1, hour(0));
    seen.insert(&id(2), 2, hour(23));
    seen.insert(&id(3), 3, hour(23));
    // Closed off by their number, when it is early again.
    seen.insert(&id(4), 4, hour(1));
    seen.insert(&id(5), 5, hour(25));
    seen.insert(&id(6), 6, hour(46));
    assert_eq!((find(&mut seen, 2), find(&mut seen, 3)), (Some(2), Some(3)));
    seen.insert(&id(7), 7, hour(49));
    assert_eq!((find(&mut seen, 2), find(&mut seen, 6)), (None, Some(6)));
}

/// A journal with events of these ids, one a record.
struct World {
    data: tempfile::TempDir,
    writer: Writer,
}

impl World {
    fn new(events: u64) -> World {
        let data = tempfile::tempdir().unwrap();
        let (writer, _) = Journal::open(data.path().join("journal"), Options::default()).unwrap();
        let mut world = World { data, writer };
        world.record(events);
        world
    }

    fn record(&mut self, upto: u64) {
        let program = compile(&Bundle::single("a.ward", "event hit:\n    ip: ip\n")).program.unwrap();
        for n in self.writer.next_seq()..=upto {
            let json = format!(
                r#"{{"type":"hit","id":"{n}","source":"s","time":"1970-01-01T00:00:00Z","ip":"::1"}}"#
            );
            let draft = Draft::from_json(json.as_bytes()).unwrap();
            let mut event = read(draft, &program.schema, Micros(0), || "".into()).unwrap();
            event.enrich(&NoFacts);
            event.id = id(n);
            let mut bytes = Vec::new();
            encode_recorded(1, &event, &mut bytes);
            self.writer.reserve(frame_bytes(bytes.len())).unwrap();
            assert_eq!(self.writer.append(kind::RECORDED, &bytes).unwrap().seq, n);
            self.writer.commit(Durability::Interval).unwrap();
        }
        self.writer.sync().unwrap();
    }

    fn ids(&self) -> std::path::PathBuf {
        self.data.path().join("ids")
    }

    fn open(&self) -> Seen {
        let shelf = Shelf::new(Arc::new(FsDisk), self.ids(), self.writer.lookup()).unwrap();
        Seen::open_bounded(SECRET, shelf, 100).unwrap()
    }

    fn files(&self) -> Vec<String> {
        let name = |f: std::io::Result<fs::DirEntry>| f.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = fs::read_dir(self.ids()).unwrap().map(name).collect();
        names.sort_unstable();
        names
    }
}

/// Inserts as the sequencer does, and waits for each file.
fn fill(seen: &mut Seen, ids: std::ops::RangeInclusive<u64>) {
    for n in ids {
        seen.insert(&id(n), n, Micros(0));
        settle(seen, n);
    }
}

fn settle(seen: &mut Seen, durable: u64) {
    seen.tend(durable);
    while seen.writing.is_some() {
        std::thread::yield_now();
        seen.tend(durable);
    }
}

#[track_caller]
fn all_known(seen: &mut Seen, ids: std::ops::RangeInclusive<u64>) {
    let beyond = ids.end() + 1..ids.end() + 5000;
    for n in ids {
        assert_eq!(find(seen, n), Some(n));
    }
    for n in beyond {
        assert_eq!(find(seen, n), None, "{n} was never seen");
    }
}

#[test]
fn ids_lie_in_files_and_are_found_there_after_a_restart() {
    let world = World::new(1050);
    let mut seen = world.open();
    fill(&mut seen, 1..=1050);
    all_known(&mut seen, 1..=1050);
    assert_eq!((seen.size().chunks, world.files().len()), (10, 10));
    drop(seen);
    let mut seen = world.open();
    assert_eq!(seen.head().0, 1000);
    // A restart folds the journal: what lies in files is not taken in again.
    fill(&mut seen, 1..=1050);
    assert_eq!(seen.size().ids, 1050);
    all_known(&mut seen, 1..=1050);
}

#[test]
fn nothing_is_written_before_the_journal_is_durable() {
    let world = World::new(300);
    let mut seen = world.open();
    for n in 1..=300 {
        seen.insert(&id(n), n, Micros(0));
    }
    settle(&mut seen, 99);
    assert_eq!(world.files().len(), 0);
    settle(&mut seen, 100);
    assert_eq!(world.files(), [format!("{:020}-{:020}.ids", 1, 100)]);
    all_known(&mut seen, 1..=300);
}

#[test]
fn a_file_of_records_that_the_journal_lost_is_not_believed() {
    let mut seen = World::new(200);
    {
        let mut ahead = seen.open();
        fill(&mut ahead, 1..=250);
        assert_eq!(seen.files().len(), 2);
    }
    // 101 to 200 were never in this journal.
    let shorter = World::new(150);
    for name in seen.files() {
        fs::create_dir_all(shorter.ids()).unwrap();
        fs::copy(seen.ids().join(&name), shorter.ids().join(&name)).unwrap();
    }
    let mut opened = shorter.open();
    assert_eq!((opened.head().0, shorter.files().len()), (100, 1));
    fill(&mut opened, 1..=150);
    all_known(&mut opened, 1..=150);
    seen.record(210);
}

#[test]
fn a_damaged_file_is_read_again_from_the_journal() {
    let check = |at: Box<dyn Fn(usize) -> usize>, while_open: bool| {
        let world = World::new(1050);
        let mut seen = world.open();
        fill(&mut seen, 1..=1050);
        let damaged = world.ids().join(&world.files()[4]);
        let mut bytes = FsDisk.load(&damaged, 1 << 20).unwrap();
        let at = at(bytes.len());
        bytes[at] ^= 0x10;
        fs::write(&damaged, bytes).unwrap();
        if !while_open {
            seen = world.open();
            fill(&mut seen, 1..=1050);
        }
        all_known(&mut seen, 1..=1050);
        settle(&mut seen, 1050);
        assert_eq!(world.files().len(), 10, "it is written again");
        all_known(&mut world.open(), 1..=1000);
    };
    for while_open in [true, false] {
        check(Box::new(|len| len - 2000), while_open);
        check(Box::new(|len| len - 3), while_open);
    }
    for at in [0, 9, 17, 25, 33, 41, 50, 62, 70, 64 + Filter::encoded(100) + 5] {
        check(Box::new(move |_| at), false);
    }
}

#[test]
fn files_of_another_secret_or_cut_short_are_written_anew() {
    let world = World::new(1050);
    fill(&mut world.open(), 1..=1050);
    let shelf = Shelf::new(Arc::new(FsDisk), world.ids(), world.writer.lookup()).unwrap();
    let mut other = Seen::open_bounded(Secret([8; 16]), shelf, 100).unwrap();
    assert_eq!((other.head().0, world.files().len()), (0, 0));
    fill(&mut other, 1..=1050);
    all_known(&mut other, 1..=1050);
    let last = world.ids().join(world.files().last().unwrap());
    fs::OpenOptions::new().write(true).open(&last).unwrap().set_len(500).unwrap();
    fs::write(world.ids().join("left.new"), "half").unwrap();
    let mut seen = world.open();
    assert_eq!(seen.head().0, 0, "the secret is the first again");
    fill(&mut seen, 1..=1050);
    assert_eq!(world.files().len(), 10);
}

#[test]
fn what_cannot_be_read_now_is_not_taken_for_unknown() {
    let disk = SimDisk::new(1, 1 << 30);
    let on = |disk: &SimDisk| -> Arc<dyn Disk> { Arc::new(disk.clone()) };
    let (writer, _) = Journal::open_on(on(&disk), "/d/journal", Options::default()).unwrap();
    let open = |writer: &Writer| {
        let shelf = Shelf::new(on(&disk), "/d/ids".into(), writer.lookup()).unwrap();
        Seen::open_bounded(SECRET, shelf.by_hand(), 100)
    };
    let mut world = World { data: tempfile::tempdir().unwrap(), writer };
    world.record(1000);
    let mut seen = open(&world.writer).unwrap();
    fill(&mut seen, 1..=1000);
    let faults = |fail_read_one_in| disk.set_faults(Faults { fail_read_one_in, ..Faults::default() });
    faults(1);
    assert!(seen.find(&id(1)).is_err(), "neither its file nor the journal can be read");
    assert!(open(&world.writer).is_err());
    faults(2);
    for n in (1..=900).step_by(7) {
        assert!(seen.find(&id(n)).map_or(true, |found| found == Some(n)), "{n} is known, or it fails");
    }
    faults(0);
    all_known(&mut seen, 1..=1000);
    all_known(&mut open(&world.writer).unwrap(), 1..=900);
}

#[test]
fn ids_of_a_damaged_first_file_are_read_again() {
    let world = World::new(450);
    fill(&mut world.open(), 1..=450);
    let first = world.ids().join(&world.files()[0]);
    let mut bytes = FsDisk.load(&first, 1 << 20).unwrap();
    bytes[20] ^= 1;
    fs::write(&first, bytes).unwrap();
    all_known(&mut world.open(), 1..=400);
}

#[test]
fn a_window_later_files_go_as_well() {
    let world = World::new(1000);
    let mut seen = world.open();
    fill(&mut seen, 1..=450);
    assert_eq!(world.files().len(), 4);
    seen.insert(&id(451), 451, hour(24));
    seen.insert(&id(452), 452, hour(48));
    settle(&mut seen, 452);
    assert_eq!(find(&mut seen, 400), None);
    assert_eq!(find(&mut seen, 451), Some(451));
    assert!(world.files().iter().all(|name| !name.ends_with("400.ids")), "{:?}", world.files());
}

#[test]
fn a_disk_that_cannot_be_written_leaves_ids_in_memory() {
    let world = World::new(1000);
    let mut seen = world.open();
    fs::remove_dir(world.ids()).unwrap();
    fs::write(world.ids(), "no directory").unwrap();
    fill(&mut seen, 1..=500);
    all_known(&mut seen, 1..=500);
    assert_eq!(seen.size().chunks, 0);
    fs::remove_file(world.ids()).unwrap();
    fs::create_dir(world.ids()).unwrap();
    fill(&mut seen, 501..=1000);
    settle(&mut seen, 1000);
    assert!(seen.size().chunks > 0, "it goes on once it can");
    all_known(&mut seen, 1..=1000);
}

#[test]
fn a_snapshot_holds_what_no_file_does() {
    let check = |files_stay: bool| {
        let world = World::new(600);
        let mut seen = world.open();
        fill(&mut seen, 1..=550);
        // One more is closed off and not yet written.
        for n in 551..=610 {
            seen.insert(&id(n), n, Micros(0));
        }
        let head = seen.head();
        let (mut ids, mut after) = (Vec::new(), head.0);
        while let Some(last) = seen.piece(after, 7, &mut ids) {
            after = last;
        }
        assert_eq!((head.0, ids.len(), after), (500, 110, 610));
        if !files_stay {
            fs::remove_dir_all(world.ids()).unwrap();
        }
        let mut again = world.open();
        again.resume(head).unwrap();
        again.load(&ids);
        // The journal is folded from where the snapshot began, some of which it knows.
        for n in 560..=620 {
            again.insert(&id(n), n, Micros(0));
        }
        all_known(&mut again, 1..=620);
        assert_eq!(again.size().ids, 620);
    };
    check(true);
    check(false);
}
