// SPDX-License-Identifier: Apache-2.0
//! What the disk may do: be full, be read-only, be somebody else's. Each gives one clear message, and nothing that was
//! acknowledged is lost.

use crate::support::{Data, NOON, OTHER, POLICY, bundle, decide, everything, line, login, open, run, seq_of};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use wardroom_engine::{Config, Engine, EngineError, Origin, Outcome, SubmitError, SwapError, Work};
use wardroom_journal::JournalError;

/// A small file system of its own.
struct Small {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

impl Small {
    /// `None`, with a line that says so, where it cannot be mounted: that takes root.
    fn mount(test: &str, bytes: usize) -> Option<Small> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("small");
        std::fs::create_dir(&path).unwrap();
        let mounted = mount(&["-t", "tmpfs", "-o", &format!("size={bytes},mode=0777"), "none"], &path);
        if mounted {
            return Some(Small { _dir: dir, path });
        }
        let root = rustix::process::geteuid().is_root();
        assert!(!root || std::env::var_os("CI").is_none(), "no tmpfs could be mounted, and CI skips nothing");
        println!("skipped {test}: only root can mount a small file system");
        None
    }

    fn config(&self) -> Config {
        Config { segment_bytes: 64 << 10, ..Config::new(self.path.join("data")) }
    }

    fn open(&self, policy: Option<&str>) -> Result<Engine, EngineError> {
        open(&self.config(), policy.map(bundle)).map(|(engine, _)| engine)
    }

    /// Takes all room there is, and some of what is there was freed before.
    fn fill(&self) -> Ballast {
        let path = self.path.join("ballast");
        let mut file = std::fs::File::create(&path).unwrap();
        while std::io::Write::write_all(&mut file, &[1; 4096]).is_ok() {}
        Ballast(path)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Lazily, for an engine that failed a test may still have files open.
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

struct Ballast(PathBuf);

impl Drop for Ballast {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn mount(options: &[&str], path: &Path) -> bool {
    Command::new("mount")
        .args(options)
        .arg(path)
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// Submits pieces of work until one event is refused; gives how many were taken.
fn until_full(engine: &Engine, from: usize) -> usize {
    let mut taken = 0;
    for piece in 0..100_000 {
        let ids = from + piece * 9..from + piece * 9 + 9;
        let events =
            ids.map(|i| login(i, (i % 4000) as i64 / 50, "a", "192.0.2.1", i % 3 == 0).on(engine)).collect();
        let outcomes = run(engine.submit(events, Work::Decide)).unwrap();
        let refused: Vec<_> = outcomes
            .iter()
            .filter_map(|o| if let Outcome::Refused(e) = o { Some(e) } else { None })
            .collect();
        taken += outcomes.len() - refused.len();
        if !refused.is_empty() {
            assert!(
                refused.iter().all(|e| matches!(e, SubmitError::Full(why) if why.contains("no room"))),
                "{refused:?}"
            );
            let first = outcomes.iter().position(|o| matches!(o, Outcome::Refused(_))).unwrap();
            assert_eq!(
                outcomes.len() - first,
                refused.len(),
                "alike in size: none fits after one that did not"
            );
            return taken;
        }
    }
    panic!("the disk is never full");
}

#[test]
fn a_full_disk_refuses_and_loses_nothing() {
    let Some(disk) = Small::mount("a_full_disk_refuses_and_loses_nothing", 2 << 20) else {
        return;
    };
    let engine = disk.open(Some(POLICY)).unwrap();
    let ballast = disk.fill();
    let first = until_full(&engine, 0);
    assert!(first > 20, "the rest of the segment: {first}");
    let status = engine.status();
    assert_eq!((status.events, status.failed), (first as u64, None));
    assert!(status.full > 0);
    assert_eq!(everything(&engine).len(), first);

    // Repeated ones need no room; new ones still have none; a policy has none either.
    let again =
        run(engine.submit(vec![login(0, 0, "a", "192.0.2.1", true).on(&engine)], Work::Decide)).unwrap();
    assert!(matches!(again[0], Outcome::Repeated { .. }));
    let swapped = run(engine.swap(bundle(OTHER), Origin::Api, NOON)).map(drop);
    assert!(matches!(swapped, Err(SwapError::Submit(SubmitError::Full(_)))), "{swapped:?}");
    assert_eq!(engine.active().program.version, bundle(POLICY).version());

    // With room it goes on, and then the disk is full again.
    drop(ballast);
    let stored = decide(&engine, &login("room", 100, "a", "192.0.2.1", false));
    assert_eq!(everything(&engine).len(), first + 1);
    let ballast = disk.fill();
    let second = until_full(&engine, 10_000_000);

    // A restart needs no room, and finds all of it.
    run(engine.close());
    let engine = disk.open(None).unwrap();
    let there = everything(&engine);
    assert_eq!(there.len(), first + 1 + second);
    assert_eq!(there[first], stored);
    let all = until_full(&engine, 20_000_000);
    assert_eq!(all, 0, "it is still full");
    drop(ballast);

    // What was refused left no trace in what is counted: the same stream, never refused, says the same.
    let last = decide(&engine, &login("last", 101, "a", "192.0.2.1", false));
    let whole = Data::new();
    let twin = whole.open(POLICY);
    for stored in &there {
        let json = login(&stored.id.id, (stored.time.0 - NOON.0) / 1_000_000, "a", "192.0.2.1", ok(stored));
        decide(&twin, &json);
    }
    let twin_last = decide(&twin, &login("last", 101, "a", "192.0.2.1", false));
    assert_eq!((line(&last), last.judged), (line(&twin_last), twin_last.judged));
    run(engine.close());
}

fn ok(stored: &wardroom_engine::Stored) -> bool {
    stored
        .fields
        .iter()
        .any(|(field, value)| &*field.name == "ok" && *value == wardroom_event::Value::Bool(true))
}

#[test]
fn a_disk_that_is_full_from_the_start_says_so() {
    let Some(disk) = Small::mount("a_disk_that_is_full_from_the_start_says_so", 1 << 20) else {
        return;
    };
    let ballast = disk.fill();
    let refused = disk.open(Some(POLICY)).map(drop).unwrap_err();
    let message = refused.to_string().to_lowercase();
    assert!(message.contains("no space") || message.contains("no room"), "{refused}");
    drop(ballast);
    let engine = disk.open(Some(POLICY)).unwrap();
    decide(&engine, &login(1, 1, "a", "192.0.2.1", false));
    run(engine.close());
}

/// A new policy on a full disk: it is not put in force, and the old one can go on.
#[test]
fn opening_with_another_policy_on_a_full_disk_is_refused() {
    let Some(disk) = Small::mount("opening_with_another_policy_on_a_full_disk_is_refused", 1 << 20) else {
        return;
    };
    let engine = disk.open(Some(POLICY)).unwrap();
    let _ballast = disk.fill();
    let taken = until_full(&engine, 0);
    run(engine.close());
    let refused = disk.open(Some(OTHER)).map(drop).unwrap_err();
    assert!(matches!(refused, EngineError::Policy(SwapError::Submit(SubmitError::Full(_)))), "{refused}");
    let engine = disk.open(Some(POLICY)).unwrap();
    assert_eq!(everything(&engine).len(), taken);
    run(engine.close());
}

#[test]
fn a_read_only_disk_is_named() {
    let Some(disk) = Small::mount("a_read_only_disk_is_named", 1 << 20) else {
        return;
    };
    let engine = disk.open(Some(POLICY)).unwrap();
    decide(&engine, &login(1, 1, "a", "192.0.2.1", false));
    run(engine.close());
    assert!(mount(&["-o", "remount,ro"], &disk.path));
    let refused = disk.open(Some(POLICY)).map(drop).unwrap_err().to_string();
    assert!(refused.contains("Read-only file system") && refused.contains("data"), "{refused}");
    assert!(mount(&["-o", "remount,rw"], &disk.path));
    let engine = disk.open(None).unwrap();
    assert_eq!(everything(&engine).len(), 1);
    run(engine.close());
}

/// While it runs, the disk turns read-only, as Linux does with one that has errors.
#[test]
fn a_disk_that_fails_stops_the_engine_and_loses_nothing() {
    let Some(disk) = Small::mount("a_disk_that_fails_stops_the_engine_and_loses_nothing", 4 << 20) else {
        return;
    };
    let engine = disk.open(Some(POLICY)).unwrap();
    let first = decide(&engine, &login(0, 0, "a", "192.0.2.1", false));
    // An open file keeps a file system writable, so what fails is the next segment: its place is taken.
    for seq in 2..2000u64 {
        std::fs::create_dir_all(disk.path.join(format!("data/journal/{seq:020}.wj/x"))).unwrap();
    }
    let mut taken = 1;
    let failed = loop {
        let events = (taken..taken + 20).map(|i| login(i, 1, "a", "192.0.2.1", false).on(&engine)).collect();
        let outcomes = run(engine.submit(events, Work::Decide)).unwrap();
        if let Outcome::Refused(why) = &outcomes[outcomes.len() - 1] {
            taken += outcomes.iter().filter(|o| seq_of(o).is_some()).count();
            break why.clone();
        }
        taken += outcomes.len();
    };
    assert!(matches!(failed, SubmitError::Failed(_)), "{failed}");
    assert!(engine.status().failed.is_some());
    let after =
        run(engine.submit(vec![login("after", 1, "a", "192.0.2.1", false).on(&engine)], Work::Decide))
            .unwrap();
    assert!(matches!(after[0], Outcome::Refused(SubmitError::Failed(_))));
    let swapped = run(engine.swap(bundle(OTHER), Origin::Api, NOON)).map(drop);
    assert!(matches!(swapped, Err(SwapError::Submit(SubmitError::Failed(_)))), "{swapped:?}");
    assert_eq!(engine.decision(first.seq).unwrap().unwrap(), first, "what is there can still be read");
    run(engine.close());
    for seq in 2..2000u64 {
        let _ = std::fs::remove_dir_all(disk.path.join(format!("data/journal/{seq:020}.wj")));
    }
    let engine = disk.open(None).unwrap();
    let there = everything(&engine);
    assert!(there.len() >= taken, "{} of {taken}", there.len());
    run(engine.close());
}

#[test]
fn one_directory_has_one_engine() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let refused = data.refusal(Some(POLICY));
    let EngineError::Journal(JournalError::Locked { pid, .. }) = &refused else {
        panic!("{refused}");
    };
    assert_eq!(*pid, Some(std::process::id()));
    assert!(refused.to_string().contains("in use by process"), "{refused}");
    decide(&engine, &login(1, 1, "a", "192.0.2.1", false));
    run(engine.close());
    // Closed is let go of: at once, not some time later.
    run(data.reopen().close());
    run(data.reopen().close());
}

#[test]
fn a_new_data_directory_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let data = Data::new();
    run(data.open(POLICY).close());
    assert_eq!((mode(&data.path()), mode(&data.path().join("secret"))), (0o700, 0o600));
    // One that is there keeps what it has.
    let data = Data::new();
    std::fs::create_dir(data.path()).unwrap();
    std::fs::set_permissions(data.path(), std::fs::Permissions::from_mode(0o750)).unwrap();
    run(data.open(POLICY).close());
    assert_eq!(mode(&data.path()), 0o750);
}

#[test]
fn a_file_in_the_place_of_a_directory_is_named() {
    let check = |make: &dyn Fn(&Path), named: &str| {
        let data = Data::new();
        std::fs::create_dir(data.path()).unwrap();
        make(&data.path());
        let refused = data.refusal(Some(POLICY)).to_string();
        assert!(refused.contains(named), "{refused}");
    };
    check(&|path| std::fs::write(path.join("journal"), "").unwrap(), "journal");
    check(&|path| std::fs::create_dir(path.join("secret")).unwrap(), "secret");
    let data = Data::new();
    std::fs::write(data.path(), "").unwrap();
    assert!(data.refusal(Some(POLICY)).to_string().contains("data"));
}

const NOBODY: u32 = 65534;
const DENIED: &str = "WARDROOM_TEST_DENIED_DATA";

/// Opens a directory that it may not: started below, as somebody with no rights.
#[test]
#[ignore = "the other half of what_may_not_be_read_or_written_is_named"]
fn without_rights() {
    let Some(path) = std::env::var_os(DENIED) else {
        return;
    };
    let refused = open(&Config::new(path), Some(bundle(POLICY))).map(drop).unwrap_err();
    println!("refused: {refused}");
}

#[test]
fn what_may_not_be_read_or_written_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let root = rustix::process::geteuid().is_root();
    // Root may do anything, so somebody else has to try; and the test program has to lie where they may run it.
    let place = tempfile::tempdir().unwrap();
    let allow =
        |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    allow(place.path(), 0o755);
    let program = place.path().join("tests");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let refusal = |data: &Path| {
        let mut command = Command::new(&program);
        command.args(["disk::without_rights", "--exact", "--ignored", "--nocapture"]).env(DENIED, data);
        if root {
            command.uid(NOBODY).gid(NOBODY);
        }
        let output = command.current_dir(place.path()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split_once("refused: ")
            .unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
            .1
            .lines()
            .next()
            .unwrap()
            .to_owned()
    };
    let config = Config { segment_bytes: 4096, ..Config::new(place.path().join("denied")) };
    let check = |name: &str, mode: u32, named: &str| {
        if root {
            give(&config.data);
        }
        allow(&config.data.join(name), mode);
        let refused = refusal(&config.data);
        assert!(refused.contains("Permission denied") && refused.contains(named), "{name}: {refused}");
        allow(&config.data.join(name), 0o700);
    };
    std::fs::create_dir(&config.data).unwrap();
    check("", 0o500, "denied");
    let (engine, _) = open(&config, Some(bundle(POLICY))).unwrap();
    run(engine.close());
    check("", 0o000, "denied");
    check("journal", 0o000, "journal");
    check("secret", 0o000, "secret");
    check("journal/LOCK", 0o400, "LOCK");
    check("journal/00000000000000000001.wj", 0o000, "00000000000000000001.wj");
    check("journal/00000000000000000001.wj", 0o400, "00000000000000000001.wj");
    let (engine, opened) = open(&config, None).unwrap();
    assert!(!opened.adopted);
    run(engine.close());
}

/// Gives a directory and all in it to nobody.
fn give(path: &Path) {
    std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        std::fs::read_dir(path).unwrap().for_each(|e| give(&e.unwrap().path()));
    }
}
