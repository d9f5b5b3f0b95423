// SPDX-License-Identifier: Apache-2.0
//! Snapshots: a restart from whichever of them is good gives the state that the whole journal gives, and whatever is wrong
//! with one costs time alone.

use crate::support::{Data, NOON, Sent, bundle, content, decide, heads, login, run, sent, submit, warm};
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use wardroom_engine::{
    Config, Engine, EngineError, Every, Opened, Origin, Outcome, Retention, SnapshotError, Stepper, Stored,
    Work,
};
use wardroom_event::Span;
use wardroom_journal::{Disk, Faults, Key, Keyring, SimDisk};

/// Every kind of counter, labels and lists.
const POLICY: &str = r#"
event login:
    account: account
    ip: ip
    ok: bool
    device: device?
    amount: number?

list bad: ip
feature failures  = count(login, where=not ok, by=ip, last="10m")
feature accounts  = distinct(account, of=login, by=ip, last="1h")
feature known     = first_seen(login, where=ok, by=(account, device))
feature total     = sum(amount, of=login, by=account, last="1h")
feature most      = max(amount, of=login, by=ip, last="1h")
feature newest    = last(device, of=login, by=account, last="1d")
feature middle    = quantile(amount, q=0.5, of=login, by=ip, last="1h")
feature share     = ratio(login, where=ok, by=ip, last="1h")
feature all       = count(login, last="1m")

rule guessing on login:
    when    failures >= 3
    then    block, label(account, "guessed", expires="20m"), list(ip, bad, expires="15m")
    because "{failures} failures from {ip}, {accounts} accounts, {total} {most} {middle} {share} {all} {newest} {known}"

rule known_guess on login:
    when    labelled(account, "guessed")
    then    review, label(ip, "near")
    because "{account}"

rule listed on login:
    when    ip in bad or labelled(ip, "near")
    then    challenge
    because "{ip}"
"#;

/// Some of the same counters, and others.
const OTHER: &str = r#"
event login:
    account: account
    ip: ip
    ok: bool
    device: device?
    amount: number?

list bad: net
feature failures  = count(login, where=not ok, by=ip, last="10m")
feature total     = sum(amount, of=login, by=account, last="1h")
feature from_net  = count(login, by=ip.net, last="2h")

rule guessing on login:
    when    failures >= 2 and from_net >= 1
    then    block, label(account, "guessed", expires="1h"), list(ip.net, bad)
    because "{failures} {total} {from_net}"

rule listed on login:
    when    ip in bad or labelled(account, "guessed")
    then    challenge
    because "{ip}"
"#;

const POLICIES: [&str; 2] = [POLICY, OTHER];

fn snapshots(data: &Data) -> PathBuf {
    data.path().join("snapshots")
}

/// The files, the oldest first.
fn files(data: &Data) -> Vec<String> {
    let mut names: Vec<String> = match std::fs::read_dir(snapshots(data)) {
        Ok(entries) => entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect(),
        Err(_) => Vec::new(),
    };
    names.sort();
    names
}

/// The same journal without snapshots.
fn bare(data: &Data) -> Data {
    let copy = data.killed();
    let _ = std::fs::remove_dir_all(snapshots(&copy));
    copy
}

fn any_event() -> impl Strategy<Value = Sent> {
    let account = prop::sample::select(vec!["a", "b", "c", "d", "e"]);
    let ip = prop::sample::select(vec!["192.0.2.1", "192.0.2.2", "192.0.2.77", "2001:db8::1"]);
    let more = prop::sample::select(vec![
        "",
        r#","device":"x""#,
        r#","device":"y","amount":-0.5"#,
        r#","amount":3"#,
        r#","amount":1e6"#,
    ]);
    (account, ip, more, 0..6000i64, prop::bool::weighted(0.4), 0..60i64).prop_map(
        |(account, ip, more, secs, ok, late)| {
            let fields = format!(r#""account":"{account}","ip":"{ip}","ok":{ok}{more}"#);
            sent("login", secs, &fields).received(secs + if late > 50 { late * 60 } else { 0 })
        },
    )
}

/// What happens to an engine.
#[derive(Clone, Debug)]
enum Op {
    /// These events, one after the other.
    Submit(Vec<Sent>),
    Swap(usize),
    /// A snapshot is asked for, and these events come while it is taken.
    Snapshot(Vec<Sent>),
    /// All that waits is done, so that what is under way comes to its end.
    Rest,
    /// Killed and opened again; with another policy in the directory, if so said.
    Kill(Option<usize>),
}

fn any_op() -> impl Strategy<Value = Op> {
    let events = |most| prop::collection::vec(any_event(), 1..most);
    prop_oneof![
        6 => events(12).prop_map(Op::Submit),
        1 => (0..POLICIES.len()).prop_map(Op::Swap),
        4 => events(40).prop_map(Op::Snapshot),
        3 => Just(Op::Rest),
        2 => prop::option::weighted(0.2, 0..POLICIES.len()).prop_map(Op::Kill),
    ]
}

/// An engine without threads on a disk in memory.
struct Bench {
    disk: SimDisk,
    engine: Engine,
    stepper: Stepper,
    opened: Opened,
    sent: u64,
}

/// Turns that bring any snapshot to its end.
const ALL_TURNS: usize = 400;

impl Bench {
    fn config() -> Config {
        Config {
            segment_bytes: 16 << 10,
            // Only when asked for.
            snapshot_every: Some(Every { bytes: u64::MAX, time: Duration::MAX }),
            ..Config::new("/data")
        }
    }

    fn open(disk: SimDisk, policy: Option<&str>, sent: u64) -> Bench {
        let made: Arc<dyn Disk> = Arc::new(disk.clone());
        let (engine, stepper, opened) =
            Engine::open_stepped(made, &Bench::config(), policy.map(bundle), NOON, 7).unwrap();
        Bench { disk, engine, stepper, opened, sent }
    }

    fn new() -> Bench {
        Bench::open(SimDisk::new(3, 256 << 20), Some(POLICY), 0)
    }

    fn turn(&mut self) {
        assert!(self.stepper.turn());
    }

    /// Has one event judged.
    fn decide(&mut self, event: &Sent) -> Stored {
        self.sent += 1;
        let event = event.clone().id(self.sent).on(&self.engine);
        let engine = &self.engine;
        let stepper = &mut self.stepper;
        let outcomes = run(async {
            let waiting = engine.enqueue(vec![event], Work::Decide).await.unwrap();
            assert!(stepper.turn());
            waiting.await.unwrap()
        });
        let Outcome::Decided { seq, .. } = outcomes[0] else { panic!("{outcomes:?}") };
        self.engine.decision(seq).unwrap().unwrap()
    }

    fn swap(&mut self, policy: usize) {
        let swap = self.engine.swap(bundle(POLICIES[policy]), Origin::Api, NOON);
        let stepper = &mut self.stepper;
        run(async {
            let mut swap = std::pin::pin!(swap);
            tokio::select! {
                biased;
                done = &mut swap => done.unwrap(),
                () = async { tokio::task::yield_now().await; assert!(stepper.turn()); std::future::pending().await } => unreachable!(),
            };
        });
        self.warm();
    }

    /// Counts the past of what is warming.
    fn warm(&mut self) {
        while !self.engine.warming().is_empty() {
            self.stepper.backfill(50).unwrap();
        }
        self.turn();
    }

    /// Asks for a snapshot; turns take it.
    fn ask(&mut self) {
        let mut ask = Box::pin(self.engine.snapshot());
        run(async {
            tokio::select! {
                biased;
                _ = &mut ask => {}
                () = async {} => {}
            }
        });
    }

    fn rest(&mut self) {
        (0..ALL_TURNS).for_each(|_| self.turn());
    }

    fn act(&mut self, op: &Op) {
        match op {
            Op::Submit(events) => events.iter().for_each(|event| drop(self.decide(event))),
            Op::Swap(policy) => self.swap(*policy),
            Op::Snapshot(events) => {
                self.ask();
                events.iter().for_each(|event| drop(self.decide(event)));
            }
            Op::Rest => self.rest(),
            Op::Kill(_) => {}
        }
    }

    /// Killed and opened again.
    fn again(self, policy: Option<&str>) -> Bench {
        let Bench { disk, engine, stepper, sent, .. } = self;
        drop((engine, stepper));
        let mut again = Bench::open(disk, policy, sent);
        again.warm();
        again
    }

    /// What this engine, and one that is opened on the journal alone, say to the same events.
    fn compare(self, probe: &[Sent]) {
        let Bench { disk, engine, stepper, sent, .. } = self;
        drop((engine, stepper));
        let other = copy(&disk, |path| !path.starts_with("/data/snapshots"));
        let mut with = Bench::open(disk, None, sent);
        let mut without = Bench::open(other, None, sent);
        assert_eq!(without.opened.snapshot, None);
        assert_eq!(with.opened.events, without.opened.events);
        with.warm();
        without.warm();
        assert_eq!(with.engine.since(), without.engine.since());
        for (i, event) in probe.iter().enumerate() {
            let (a, b) = (with.decide(event), without.decide(event));
            assert_eq!(content(&a), content(&b), "event {i} of the probe; {:?}", with.opened);
        }
    }
}

/// A copy of those files of a disk that are wanted.
fn copy(disk: &SimDisk, wanted: impl Fn(&Path) -> bool) -> SimDisk {
    let other = SimDisk::new(4, 256 << 20);
    for dir in ["/data", "/data/journal", "/data/snapshots"].map(Path::new) {
        for name in disk.list(dir).unwrap() {
            let path = dir.join(name);
            if wanted(&path) && disk.exists(&path).unwrap() && !path.ends_with("LOCK") {
                other.replace(&path, &disk.load(&path, 64 << 20).unwrap()).unwrap();
            }
        }
    }
    other
}

fn probe() -> Vec<Sent> {
    let mut probe = Vec::new();
    for secs in [100, 3000, 5990, 6400, 7000] {
        for account in ["a", "b", "c", "d", "e"] {
            for ip in ["192.0.2.1", "192.0.2.77", "2001:db8::1"] {
                let fields =
                    format!(r#""account":"{account}","ip":"{ip}","ok":true,"device":"x","amount":1"#);
                probe.push(sent("login", secs, &fields).received(secs.max(6000)));
            }
        }
    }
    probe
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// The law: whatever snapshots there are, and whatever came while they were taken, the state is the journal's.
    #[test]
    fn a_restart_from_any_chain_is_one_from_the_whole_journal(ops in prop::collection::vec(any_op(), 1..30)) {
        let mut bench = Bench::new();
        for op in &ops {
            bench.act(op);
            if let Op::Kill(policy) = op {
                bench = bench.again(policy.map(|policy| POLICIES[policy]));
            }
        }
        bench.compare(&probe());
    }
}

#[test]
fn a_restart_goes_on_from_the_newest() {
    let data = Data::new();
    let engine = data.open(POLICY);
    (0..40).for_each(|i| drop(decide(&engine, &login(i, i, "a", "192.0.2.1", i % 2 == 0))));
    let made = run(engine.snapshot()).unwrap();
    let status = engine.status();
    assert_eq!((made.seq, status.snapshots.made, status.snapshots.failures), (status.seq, 1, 0));
    assert_eq!((status.snapshots.seq, status.snapshots.bytes), (made.seq, made.bytes));
    assert!(status.snapshots.whole && status.snapshots.pieces > 0);
    (40..45).for_each(|i| drop(decide(&engine, &login(i, i, "a", "192.0.2.1", false))));
    let since = engine.since();
    run(engine.close());

    let plain = bare(&data);
    let (engine, opened) = data.try_open(Some(POLICY)).unwrap();
    assert_eq!((opened.snapshot, opened.events, opened.skipped.len()), (Some(made.seq), 45, 0));
    assert!(
        opened.folded >= 5 && opened.folded <= 20,
        "five decisions and what follows from them: {}",
        opened.folded
    );
    assert_eq!((engine.since(), engine.status().snapshots.seq), (since, made.seq));
    let (other, opened) = plain.try_open(Some(POLICY)).unwrap();
    assert_eq!((opened.snapshot, opened.events), (None, 45));
    for i in 0..50 {
        // The same id again is the same event again, wherever it lies.
        let again = submit(&engine, &login(i, i, "b", "192.0.2.1", true), Work::Decide);
        assert_eq!(matches!(again, Outcome::Repeated { .. }), i < 45, "{i}");
        let event = login(format!("new {i}"), 50 + i, ["a", "b"][i as usize % 2], "192.0.2.1", i % 3 == 0);
        let event_before = login(i, i, "b", "192.0.2.1", true);
        submit(&other, &event_before, Work::Decide);
        assert_eq!(content(&decide(&engine, &event)), content(&decide(&other, &event)));
    }
}

#[test]
fn what_came_since_the_last_one_is_a_delta_until_a_policy_changes() {
    let data = Data::new();
    let engine = data.open(POLICY);
    // Many keys, so that what changes is little.
    for i in 0..400 {
        submit(
            &engine,
            &login(i, i, &format!("a{i}"), &format!("10.0.{}.{}", i / 200, i % 200), true),
            Work::Record,
        );
    }
    let mut expect = vec![format!("{:020}.whole", run(engine.snapshot()).unwrap().seq)];
    for i in 0..3 {
        submit(&engine, &login(format!("x{i}"), 400 + i, "b", "192.0.2.1", false), Work::Decide);
        expect.push(format!("{:020}.delta", run(engine.snapshot()).unwrap().seq));
        assert_eq!(files(&data), expect);
        assert!(!engine.status().snapshots.whole);
    }
    run(engine.swap(bundle(OTHER), Origin::Api, NOON)).unwrap();
    warm(&engine);
    expect.push(format!("{:020}.whole", run(engine.snapshot()).unwrap().seq));
    assert_eq!(files(&data), expect);
    run(engine.close());
    let (engine, opened) = data.try_open(None).unwrap();
    assert_eq!(format!("{:020}.whole", opened.snapshot.unwrap()), expect[4]);
    // Two chains are kept, and the third makes the first go.
    submit(&engine, &login("y", 500, "b", "192.0.2.1", false), Work::Decide);
    expect.push(format!("{:020}.whole", run(engine.snapshot()).unwrap().seq));
    assert_eq!(files(&data), expect[4..]);
    run(engine.close());
}

/// Many small deltas are together as large as the whole: then there is a new whole one.
#[test]
fn a_chain_grows_no_longer_than_it_is_worth() {
    let mut bench = Bench::new();
    let mut longest = 0;
    for round in 0..30 {
        (0..20).for_each(|i| {
            drop(bench.decide(&login("", round * 20 + i, &format!("a{i}"), "192.0.2.1", true)))
        });
        bench.ask();
        bench.rest();
        let names = bench.disk.list(Path::new("/data/snapshots")).unwrap();
        let wholes = names.iter().filter(|name| name.ends_with(".whole")).count();
        assert!(wholes <= 2, "{names:?}");
        longest = longest.max(names.len());
    }
    let status = bench.engine.status().snapshots;
    assert_eq!((status.made, status.failures), (30, 0));
    assert!((3..60).contains(&longest), "{longest}");
    bench.compare(&probe());
}

/// Nothing can be published any more, so nothing is taken, and nobody waits for it.
#[test]
fn where_the_journal_fails_the_one_under_way_is_given_up() {
    let mut bench = Bench::new();
    (0..50).for_each(|i| drop(bench.decide(&login("", i, &format!("a{i}"), "192.0.2.1", true))));
    let Bench { disk, engine, mut stepper, .. } = bench;
    let mut asked = Box::pin(engine.snapshot());
    run(async {
        tokio::select! {
            biased;
            _ = &mut asked => panic!("nothing was done yet"),
            () = async {} => {}
        }
    });
    assert!(stepper.turn() && engine.status().snapshots.under_way);
    disk.set_faults(Faults { fail_sync_one_in: 1, ..Faults::default() });
    let event = login("last", 50, "a", "192.0.2.1", true).on(&engine);
    let _waiting = run(engine.enqueue(vec![event], Work::Decide)).unwrap();
    assert!(stepper.turn() && engine.status().failed.is_some());
    assert!(!engine.status().snapshots.under_way);
    assert!(matches!(run(asked), Err(SnapshotError::Failed(why)) if why == engine.status().failed.unwrap()));
    assert_eq!(disk.list(Path::new("/data/snapshots")).unwrap(), Vec::<String>::new());
}

/// Three snapshots: whole, delta, delta; then a whole one with its delta.
fn five() -> (Data, Vec<String>) {
    let data = Data::new();
    let engine = data.open(POLICY);
    let mut number = 0;
    let mut some = |engine: &Engine, many: bool| {
        for _ in 0..if many { 400 } else { 5 } {
            number += 1;
            let ip = if many {
                format!("10.0.{}.{}", number / 200 % 200, number % 200)
            } else {
                "192.0.2.1".to_owned()
            };
            decide(engine, &login(number, number / 4, &format!("a{}", number % 7), &ip, number % 3 == 0));
        }
        run(engine.snapshot()).unwrap();
    };
    some(&engine, true);
    some(&engine, false);
    some(&engine, false);
    run(engine.close());
    let engine = data.reopen();
    some(&engine, false);
    some(&engine, false);
    run(engine.close());
    let names = files(&data);
    let kinds: Vec<&str> = names.iter().map(|name| name.split_once('.').unwrap().1).collect();
    assert_eq!(kinds, ["whole", "delta", "delta", "whole", "delta"]);
    (data, names)
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    let at = at % bytes.len();
    bytes[at] ^= 0x40;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn what_is_no_good_is_passed_over_and_the_state_is_the_same() {
    let (data, names) = five();
    let begin = |n: usize| names[n].split_once('.').unwrap().0.parse::<u64>().unwrap();
    // Which files are hurt, from which snapshot the restart then goes on, and how many are passed over.
    let check = |hurt: &[usize], how: &dyn Fn(&Path), expect: Option<usize>, skipped: usize| {
        let hurting = data.killed();
        hurt.iter().for_each(|n| how(&snapshots(&hurting).join(&names[*n])));
        let (engine, opened) = hurting.try_open(None).unwrap();
        assert_eq!(opened.snapshot, expect.map(begin), "{hurt:?} {:?}", opened.skipped);
        assert_eq!(opened.skipped.len(), skipped, "{:?}", opened.skipped);
        assert_eq!(opened.events, 420);
        let plain = bare(&data);
        let plain = (plain.reopen(), plain);
        for i in 0..20 {
            let event = login(format!("probe {i}"), 110 + i, &format!("a{}", i % 7), "192.0.2.1", i % 3 == 0);
            assert_eq!(content(&decide(&engine, &event)), content(&decide(&plain.0, &event)));
        }
    };
    let at = |at: usize| move |path: &Path| flip(path, at);
    check(&[], &at(0), Some(4), 0);
    check(&[4], &at(3), Some(3), 1);
    check(&[4], &at(500), Some(3), 1);
    check(&[3], &at(2000), Some(2), 1);
    check(&[3, 2], &at(90), Some(1), 2);
    check(&[3, 1], &at(777), Some(0), 2);
    check(&[3, 0], &at(usize::MAX / 2), None, 2);
    check(&[4], &|path| std::fs::write(path, b"").unwrap(), Some(3), 1);
    check(&[3], &|path| std::fs::remove_file(path).unwrap(), Some(2), 1);
    check(&[1], &|path| std::fs::remove_file(path).unwrap(), Some(4), 0);
    check(&[1, 3], &|path| std::fs::remove_file(path).unwrap(), Some(0), 1);
    let half = |path: &Path| {
        let len = std::fs::metadata(path).unwrap().len();
        std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(len / 2).unwrap();
    };
    check(&[4], &half, Some(3), 1);
    check(&[3], &half, Some(2), 1);
}

#[test]
fn one_of_another_secret_or_from_beyond_the_journal_is_none() {
    let (data, _) = five();
    let other = data.killed();
    std::fs::write(other.path().join("secret"), "00112233445566778899aabbccddeeff\n").unwrap();
    let (_, opened) = other.try_open(None).unwrap();
    assert_eq!((opened.snapshot, opened.events), (None, 420));
    assert!(opened.skipped.iter().all(|s| s.why.contains("another secret")), "{:?}", opened.skipped);
    assert_eq!(opened.skipped.len(), 2, "one for each chain");

    // A journal of the same installation that is shorter.
    let shorter = Data::new();
    let engine = shorter.open(POLICY);
    run(engine.close());
    std::fs::copy(data.path().join("secret"), shorter.path().join("secret")).unwrap();
    std::fs::create_dir(snapshots(&shorter)).unwrap();
    for name in files(&data) {
        std::fs::copy(snapshots(&data).join(&name), snapshots(&shorter).join(&name)).unwrap();
    }
    let (_, opened) = shorter.try_open(None).unwrap();
    assert_eq!((opened.snapshot, opened.events), (None, 0));
    assert!(opened.skipped.iter().all(|s| s.why.contains("the journal ends with")), "{:?}", opened.skipped);
}

#[test]
fn with_a_key_nothing_in_it_can_be_read_without() {
    let data = Data::new();
    let keyring = Keyring::new(Some(Key::new([9; 32])), Vec::new());
    let config = Config { keys: keyring, ..data.config() };
    let (engine, _) = crate::support::open(&config, Some(bundle(POLICY))).unwrap();
    (0..9).for_each(|i| drop(decide(&engine, &login(i, i, "somebody-we-know", "192.0.2.1", false))));
    let made = run(engine.snapshot()).unwrap();
    run(engine.close());
    let bytes = std::fs::read(snapshots(&data).join(&files(&data)[0])).unwrap();
    for word in ["failures", "guessed", "192.0.2"] {
        assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word}");
    }
    let (engine, opened) = crate::support::open(&config, None).unwrap();
    assert_eq!((opened.snapshot, opened.skipped.len()), (Some(made.seq), 0));
    let next = decide(&engine, &login("x", 9, "b", "192.0.2.1", true));
    assert!(content(&next).contains("listed"), "{}", content(&next));
    run(engine.close());
}

#[test]
fn a_disk_without_room_for_one_hurts_nothing_else() {
    let disk = SimDisk::new(5, 256 << 10);
    let mut bench = Bench::open(disk, Some(POLICY), 0);
    let event = |i: i64| login("", i, &format!("a{i}"), &format!("10.0.0.{i}"), true);
    let mut i = 0;
    // The state takes more than there is room for long before the journal does.
    while bench.engine.status().snapshots.failures == 0 {
        i += 1;
        bench.decide(&event(i % 250));
        if i % 20 == 0 {
            bench.ask();
            bench.rest();
        }
        assert!(i < 2000, "{:?}", bench.engine.status());
    }
    let names = bench.disk.list(Path::new("/data/snapshots")).unwrap();
    assert!(!names.iter().any(|name| name == "unfinished"), "{names:?}");
    let failed = bench.engine.status();
    assert_eq!(failed.failed, None);
    bench.decide(&event(1));
    bench.compare(&[event(1), event(2)]);
}

#[test]
fn one_that_is_asked_for_says_when_it_cannot_be_made() {
    let data = Data::new();
    let engine = data.open(POLICY);
    std::fs::write(snapshots(&data), "a file in its place").unwrap();
    let refused = run(engine.snapshot()).unwrap_err();
    assert!(matches!(refused, SnapshotError::Failed(_)), "{refused}");
    assert_eq!(engine.status().snapshots.failures, 1);
    decide(&engine, &login(1, 1, "a", "192.0.2.1", true));
    std::fs::remove_file(snapshots(&data)).unwrap();
    run(engine.snapshot()).unwrap();
    run(engine.close());
    assert!(matches!(run(engine.snapshot()), Err(SnapshotError::Gone(_))));
}

#[test]
fn they_are_made_by_the_size_of_the_journal_and_at_a_stop_that_saves_much() {
    let data = Data { segment_bytes: 1 << 20, ..Data::new() };
    let every =
        |bytes| Config { snapshot_every: Some(Every { bytes, time: Duration::MAX }), ..data.config() };
    let (engine, _) = crate::support::open(&every(20_000), Some(bundle(POLICY))).unwrap();
    let mut i = 0;
    while engine.status().snapshots.made < 3 {
        i += 1;
        decide(&engine, &login(i, i, "a", "192.0.2.1", true));
        assert!(i < 5000);
    }
    run(engine.close());
    let made = files(&data);
    let (engine, opened) = crate::support::open(&every(u64::MAX), None).unwrap();
    assert!(opened.snapshot.is_some());
    let much = "x".repeat(200);
    for round in 0..60 {
        let events = (0..300).map(|n| {
            let fields = format!(r#""account":"{much}{n}","ip":"192.0.2.1","ok":true"#);
            sent("login", 6000 + round, &fields).id(format!("{round} {n}")).on(&engine)
        });
        run(engine.submit(events.collect(), Work::Record)).unwrap();
    }
    assert_eq!(files(&data), made);
    let seq = engine.status().seq;
    run(engine.close());
    let (engine, opened) = crate::support::open(&every(u64::MAX), None).unwrap();
    assert_eq!((opened.snapshot, opened.folded), (Some(seq), 0));
    run(engine.close());
    // One stop is like the other, and nothing was recorded.
    let none = Config { snapshot_every: None, ..data.config() };
    let before = files(&data);
    let (engine, _) = crate::support::open(&none, None).unwrap();
    run(engine.close());
    assert_eq!(files(&data), before);
}

/// Keys without end under a small cap.
#[test]
fn memory_stays_under_its_cap_and_a_restart_forgets_the_same() {
    let data = Data { segment_bytes: 1 << 20, ..Data::new() };
    let cap = 512 << 10;
    let config = Config { memory_bytes: cap, ..data.config() };
    let (engine, _) = crate::support::open(&config, Some(bundle(POLICY))).unwrap();
    let mut last = 0;
    for round in 0..40 {
        let events = (0..250).map(|n| {
            let n = round * 250 + n;
            login(n, n / 100, &format!("a{n}"), &format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255), true)
                .on(&engine)
        });
        run(engine.submit(events.collect(), Work::Record)).unwrap();
        let status = engine.status();
        // It is looked at between batches: one may have come since.
        assert!(status.state_bytes < cap + cap / 4, "{} bytes after {round}", status.state_bytes);
        last = status.forgotten;
        if round == 25 {
            run(engine.snapshot()).unwrap();
        }
    }
    let status = engine.status();
    assert!(status.forgets > 3 && last > 10_000, "{status:?}");
    assert_eq!(status.memory_bytes, cap);
    run(engine.close());
    let plain = bare(&data);
    let reopen = |data: &Data| {
        let config = Config { memory_bytes: cap, ..data.config() };
        crate::support::open(&config, None).unwrap()
    };
    let ((with, opened), (without, _)) = (reopen(&data), reopen(&plain));
    assert!(opened.snapshot.is_some());
    for n in (0..10_000).filter(|n| n % 97 == 0 || *n >= 9_900) {
        let event = login(
            format!("probe {n}"),
            100,
            &format!("a{n}"),
            &format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255),
            true,
        );
        assert_eq!(content(&decide(&with, &event)), content(&decide(&without, &event)), "{n}");
    }
}

/// An engine whose journal may be cut, and events enough for many segments.
fn cut() -> (Data, Config, Engine) {
    cut_behind(None)
}

/// The same, where the past lies elsewhere too up to a record.
fn cut_behind(exported: Option<Arc<AtomicU64>>) -> (Data, Config, Engine) {
    let data = Data::new();
    let retention = Retention { age: None, bytes: Some(20_000) };
    let config = Config { retention, exported, ..data.config() };
    let (engine, _) = crate::support::open(&config, Some(bundle(POLICY))).unwrap();
    for round in 0..4 {
        for i in 0..150 {
            let n = round * 150 + i;
            decide(&engine, &login(n, n, &format!("a{}", n % 5), "192.0.2.1", n % 2 == 0));
        }
        // A restart makes the next one whole.
        run(engine.swap(bundle(POLICIES[(round as usize + 1) % 2]), Origin::Directory, NOON)).unwrap();
        warm(&engine);
        run(engine.snapshot()).unwrap();
    }
    // What may go goes one segment after the other.
    for i in 0..60 {
        decide(&engine, &login(format!("after {i}"), 700 + i, "a", "192.0.2.1", true));
    }
    (data, config, engine)
}

#[test]
fn retention_waits_for_what_the_past_has_not_taken() {
    let exported = Arc::new(AtomicU64::new(100));
    let (data, _, engine) = cut_behind(Some(exported.clone()));
    let first = || wardroom_journal::segments(data.journal().as_path()).unwrap()[0];
    assert!((2..=101).contains(&first()), "what was taken goes, the rest stays: {}", first());
    exported.store(u64::MAX, Ordering::Release);
    run(engine.snapshot()).unwrap();
    for i in 0..60 {
        decide(&engine, &login(format!("later {i}"), 800 + i, "a", "192.0.2.1", true));
    }
    assert!(first() > 200, "then that goes too: {}", first());
    run(engine.close());
}

#[test]
fn retention_takes_what_nobody_needs_and_a_restart_goes_on() {
    let (data, config, engine) = cut();
    let status = engine.status().snapshots;
    assert!(status.segments_removed > 10 && status.bytes_removed > 40_000, "{status:?}");
    assert_eq!(engine.decision(2).unwrap(), None, "what is gone is gone");
    let first = (1..).find(|seq| engine.decision(*seq).unwrap().is_some()).unwrap();
    assert!(first > 200, "{first}");
    run(engine.close());
    // Only now: a segment may go while it is read.
    let policy = heads(&data)[0].0;
    assert!(policy > 1, "the first policies are gone too");

    let wholes = files(&data).iter().filter(|name| name.ends_with(".whole")).count();
    assert_eq!(wholes, 2);
    let kept: u64 = files(&data)[0].split_once('.').unwrap().0.parse().unwrap();
    assert!(first <= kept + 1, "the older of the two can still be gone on from");
    let (engine, opened) = crate::support::open(&config, None).unwrap();
    assert_eq!(opened.events, 660);
    let known = engine.since();
    assert_eq!(known[0], Some(NOON), "what was counted before stays known");
    decide(&engine, &login("now", 800, "a", "192.0.2.1", true));

    // A new feature is counted from what is left.
    let more =
        POLICY.replace("list bad", "feature of_account = count(login, by=account, last=\"30d\")\nlist bad");
    run(engine.swap(bundle(&more), Origin::Api, NOON)).unwrap();
    warm(&engine);
    let since = engine.since();
    assert!(since[0].unwrap() > NOON.plus(Span::from_secs(100)), "{since:?}");
    assert_eq!(since[1..], known);
    run(engine.snapshot()).unwrap();
    run(engine.close());
    let (engine, _) = crate::support::open(&config, None).unwrap();
    assert_eq!(engine.since(), since, "a snapshot says so too");
    run(engine.close());
}

#[test]
fn without_a_snapshot_a_journal_that_was_cut_is_refused_unless_it_is_asked_for() {
    let (data, config, engine) = cut();
    run(engine.close());
    let names = files(&data);
    let without = bare(&data);
    let config_of = |data: &Data, rebuild| Config { data: data.path(), rebuild, ..config.clone() };
    let refused = crate::support::open(&config_of(&without, false), None).map(drop).unwrap_err();
    assert!(matches!(refused, EngineError::PastGone { first } if first > 1), "{refused}");
    assert!(refused.to_string().contains("--rebuild"), "{refused}");
    let (engine, opened) = crate::support::open(&config_of(&without, true), Some(bundle(POLICY))).unwrap();
    assert!(opened.events > 0 && opened.events < 660, "{}", opened.events);
    decide(&engine, &login("now", 800, "a", "192.0.2.1", true));
    run(engine.close());

    // One whole snapshot hurt: the other is enough.
    let newest = names.iter().rfind(|name| name.ends_with(".whole")).unwrap();
    flip(&snapshots(&data).join(newest), 1000);
    let (engine, opened) = crate::support::open(&config_of(&data, false), None).unwrap();
    assert!(opened.snapshot.is_some() && opened.events == 660, "{opened:?}");
    run(engine.close());
}
