// SPDX-License-Identifier: Apache-2.0
//! Snapshots on a disk that is slow, full or watched: nobody waits for one, a stop ends, and no more is read and held free
//! than is needed.

use crate::support::{Data, NOON, bundle, run, sent, wait_for, warm};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::Duration;
use wardroom_engine::{Config, Engine, Origin, Retention, Work};
use wardroom_journal::{Access, Disk, DiskFile, FsDisk, Lock};

/// Four texts of each account, a quarter of a kilobyte each: much state from few events.
const POLICY: &str = r#"
event hit:
    account: account
    a: text
    b: text
    c: text
    d: text

feature last_a = last(a, of=hit, by=account, last="1d")
feature last_b = last(b, of=hit, by=account, last="1d")
feature last_c = last(c, of=hit, by=account, last="1d")
feature last_d = last(d, of=hit, by=account, last="1d")

rule known on hit:
    when    last_a == "x" or last_b == "x" or last_c == "x" or last_d == "x"
    then    review
    because "{account}"
"#;

/// The same and one more.
fn other() -> String {
    POLICY.replace("rule known", "feature hits = count(hit, by=account, last=\"1d\")\n\nrule known")
}

/// Accounts whose state is larger than what may wait to be written of a snapshot.
const MANY: usize = 10_000;
/// Accounts whose state is far larger than what one event changes.
const SOME: usize = 1500;

/// Where a snapshot can be held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Create,
    Sync,
}

/// What the disk does to snapshots, and what it saw.
#[derive(Debug, Default)]
struct Acts {
    /// After so long none can be created.
    refuses: Mutex<Option<Duration>>,
    shut: Mutex<Option<At>>,
    opened: Condvar,
    waits: AtomicBool,
    /// Bytes asked for with each.
    rooms: Mutex<Vec<u64>>,
    /// Those that were read from their beginning.
    read: Mutex<Vec<PathBuf>>,
}

impl Acts {
    fn shut(&self, at: Option<At>) {
        *self.shut.lock().unwrap() = at;
        self.waits.store(false, SeqCst);
        self.opened.notify_all();
    }

    fn pass(&self, at: At) {
        let mut shut = self.shut.lock().unwrap();
        while *shut == Some(at) {
            self.waits.store(true, SeqCst);
            shut = self.opened.wait(shut).unwrap();
        }
    }
}

/// The file system, watched.
#[derive(Debug)]
struct Watched(Arc<Acts>);

fn is_unfinished(path: &Path) -> bool {
    path.ends_with("snapshots/unfinished")
}

impl Disk for Watched {
    fn ensure_dir(&self, dir: &Path) -> io::Result<()> {
        FsDisk.ensure_dir(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        FsDisk.lock(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        FsDisk.list(dir)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        FsDisk.exists(path)
    }

    fn create(&self, path: &Path, len: u64) -> io::Result<Box<dyn DiskFile>> {
        if !is_unfinished(path) {
            return FsDisk.create(path, len);
        }
        let refuses = *self.0.refuses.lock().unwrap();
        if let Some(delay) = refuses {
            std::thread::sleep(delay);
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.pass(At::Create);
        self.0.rooms.lock().unwrap().push(len);
        let file = FsDisk.create(path, len)?;
        Ok(Box::new(WatchedFile { file, path: path.to_owned(), acts: self.0.clone() }))
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let file = FsDisk.open(path, access)?;
        Ok(Box::new(WatchedFile { file, path: path.to_owned(), acts: self.0.clone() }))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        FsDisk.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        FsDisk.rename(from, to)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        FsDisk.sync_dir(dir)
    }
}

#[derive(Debug)]
struct WatchedFile {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    acts: Arc<Acts>,
}

impl DiskFile for WatchedFile {
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset == 0 && self.path.extension().is_some_and(|kind| kind == "whole") {
            self.acts.read.lock().unwrap().push(self.path.clone());
        }
        self.file.read_at(buf, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.file.write_at(bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        if is_unfinished(&self.path) {
            self.acts.pass(At::Sync);
        }
        self.file.sync_all()
    }
}

struct Bench {
    data: Data,
    acts: Arc<Acts>,
    engine: Arc<Engine>,
    sent: usize,
}

impl Bench {
    fn new(accounts: usize, retention: Retention) -> Bench {
        let data = Data { segment_bytes: 1 << 20, ..Data::new() };
        let acts = Arc::new(Acts::default());
        let config = Config { retention, ..data.config() };
        let disk = Arc::new(Watched(acts.clone()));
        let (engine, _) = Engine::open_on(disk, &config, Some(bundle(POLICY)), NOON).unwrap();
        let mut bench = Bench { data, acts, engine: Arc::new(engine), sent: 0 };
        while bench.sent < accounts {
            bench.record(500);
        }
        bench
    }

    /// Records events of new accounts.
    fn record(&mut self, count: usize) {
        let text = "t".repeat(250);
        let events = (0..count).map(|_| {
            self.sent += 1;
            let texts = ["a", "b", "c", "d"].map(|field| format!(r#""{field}":"{text}""#)).join(",");
            let fields = format!(r#""account":"account {}",{texts}"#, self.sent);
            sent("hit", 1, &fields).id(self.sent).on(&self.engine)
        });
        let events = events.collect();
        run(self.engine.submit(events, Work::Record)).unwrap();
    }

    fn files(&self) -> Vec<String> {
        let dir = self.data.path().join("snapshots");
        let mut names = FsDisk.list(&dir).unwrap_or_default();
        names.sort();
        names
    }

    /// Makes a snapshot; gives its file.
    fn snapshot(&self) -> String {
        let made = run(self.engine.snapshot()).unwrap();
        let kind = if self.engine.status().snapshots.whole { "whole" } else { "delta" };
        format!("{:020}.{kind}", made.seq)
    }
}

/// What `work` gives, which must not take long.
fn soon<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::sync_channel(1);
    std::thread::spawn(move || done.send(work()));
    result.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("{what} is waiting for something"))
}

#[test]
fn a_stop_ends_where_no_snapshot_can_be_written() {
    // Refused at once, and after so much waits that nothing more is taken.
    for delay in [Duration::ZERO, Duration::from_secs(2)] {
        let bench = Bench::new(MANY, Retention::default());
        *bench.acts.refuses.lock().unwrap() = Some(delay);
        let engine = bench.engine.clone();
        soon("the stop", move || run(engine.close()));
        assert_eq!(bench.files(), Vec::<String>::new());
    }
}

#[test]
fn a_policy_does_not_wait_for_a_snapshot_under_way() {
    // One that has no file yet is given up; of one that only lacks its sync nothing is wrong.
    for (at, finished) in [(At::Create, false), (At::Sync, true)] {
        let mut bench = Bench::new(MANY, Retention::default());
        let before = bench.engine.status().seq;
        bench.acts.shut(Some(at));
        let engine = bench.engine.clone();
        let asked = std::thread::spawn(move || run(engine.snapshot()));
        wait_for("a snapshot", || bench.acts.waits.load(SeqCst));
        let engine = bench.engine.clone();
        soon("the policy", move || run(engine.swap(bundle(&other()), Origin::Api, NOON)).unwrap());
        // What is counted anew is handed over.
        warm(&bench.engine);
        bench.record(1);
        assert_eq!(bench.files(), if finished { vec!["unfinished"] } else { vec![] });
        bench.acts.shut(None);
        let made = asked.join().unwrap().unwrap();
        assert_eq!(made.seq == before, finished, "{at:?}");
        let mut expect = vec![format!("{:020}.whole", made.seq)];
        assert_eq!(bench.files(), expect, "{at:?}");
        if finished {
            // What comes after the policy adds to nothing before it.
            expect.push(bench.snapshot());
            assert!(expect[1].ends_with("whole"), "{expect:?}");
        }
        bench.record(1);
        expect.push(bench.snapshot());
        assert!(expect.last().unwrap().ends_with("delta"), "{expect:?}");
        assert_eq!(bench.files(), expect);
        assert_eq!(bench.engine.status().snapshots.failures, 0);
        run(bench.engine.close());
        let (engine, opened) = bench.data.try_open(None).unwrap();
        assert_eq!((opened.events, opened.skipped.len(), opened.folded), (MANY as u64 + 2, 0, 0));
        run(engine.close());
    }
}

#[test]
fn a_chain_has_so_many_members_and_no_more() {
    let mut bench = Bench::new(SOME, Retention::default());
    let mut made = Vec::new();
    for _ in 0..35 {
        made.push(bench.snapshot());
        bench.record(1);
    }
    let wholes: Vec<usize> = (0..35).filter(|n| made[*n].ends_with("whole")).collect();
    assert_eq!(wholes, [0, 33], "{made:?}");
    assert_eq!(bench.files(), made);
}

#[test]
fn a_delta_wants_no_more_room_than_it_may_need() {
    let mut bench = Bench::new(SOME, Retention::default());
    bench.snapshot();
    bench.record(1);
    assert!(bench.snapshot().ends_with("delta"));
    let (state, segment) = (bench.engine.status().state_bytes, bench.data.segment_bytes);
    let rooms = bench.acts.rooms.lock().unwrap().clone();
    assert!(state > 1 << 20 && rooms[0] > segment + (1 << 20), "{rooms:?}");
    assert!(rooms[1] > segment && rooms[1] < segment + (256 << 10), "{rooms:?}");
}

#[test]
fn an_older_snapshot_is_read_once() {
    let mut bench = Bench::new(SOME, Retention { age: None, bytes: Some(100_000) });
    let older = bench.snapshot();
    run(bench.engine.swap(bundle(&other()), Origin::Api, NOON)).unwrap();
    warm(&bench.engine);
    assert!(bench.snapshot().ends_with("whole"));
    for _ in 0..4 {
        bench.record(1);
        assert!(bench.snapshot().ends_with("delta"));
    }
    let read = bench.acts.read.lock().unwrap().clone();
    let names: Vec<_> = read.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, [&older]);
    bench.record(1);
    wait_for("retention", || bench.engine.status().snapshots.segments_removed > 0);
}
