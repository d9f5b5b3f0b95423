// SPDX-License-Identifier: Apache-2.0
//! Breached passwords: files built, asked and served by the real program; what is typed is shown nowhere, and a build that
//! ends early leaves what was there.

use crate::process::{Process, Ran, gather, run, until, wardroom};
use crate::server::{Server, Shop};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

/// SHA-1 of `password`, in its two parts.
const PREFIX: &str = "5BAA6";
const SUFFIX: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";

fn list(dir: &Path, count: u32) {
    std::fs::write(dir.join("list.txt"), format!("{PREFIX}{SUFFIX}:{count}\r\n")).unwrap();
}

fn build(dir: &Path, args: &[&str]) -> Ran {
    run(dir, &[&["breach", "build", "list.txt", "--out", "breach"], args].concat())
}

/// Runs it with this on its standard input.
fn with_input(dir: &Path, args: &[&str], input: &str) -> Ran {
    std::fs::write(dir.join("input"), input).unwrap();
    Process::start(wardroom(dir).args(args).stdin(File::open(dir.join("input")).unwrap())).wait()
}

#[test]
fn files_are_built_and_asked() {
    let dir = tempfile::tempdir().unwrap();
    list(dir.path(), 10_434_004);
    let built = build(dir.path(), &[]).ended(0);
    assert!(built.out.contains("1 lines read") && built.err.is_empty(), "{built:#?}");
    assert!(built.out.contains("breach/sha1.filter: 1 sha1 hashes"), "{built:#?}");
    let files = ["breach/sha1.filter", "breach/sha1.ranges"];
    let info = run(dir.path(), &["breach", "info", files[0], files[1]]).ended(0);
    assert!(info.out.contains("a file of filter, sound") && info.out.contains("1 in 8,192"), "{info:#?}");
    assert!(info.out.contains("a file of ranges, sound") && info.out.contains("exact"), "{info:#?}");
    let json = run(dir.path(), &["breach", "info", "--json", files[0]]).ended(0).json();
    assert_eq!((&json["hashes"], &json["false_positive_rate"]), (&1.into(), &0.0001220703125.into()));
    let check = |file: &str, password: &str, expect: &str| {
        let said = with_input(dir.path(), &["breach", "look", file], password).ended(0);
        assert!(said.out.starts_with(expect) && said.err.is_empty(), "{said:#?}");
    };
    check(files[0], "password\n", "known: seen 10,000,000 times or more");
    check(files[1], "password", "known: seen 10,434,004 times\n");
    check(files[0], "correct horse battery staple\n", "not known\n");
    check(files[1], "correct horse battery staple\n", "not known\n");
    // Damage is found, and said to be the file's.
    let mut bytes = std::fs::read(dir.path().join(files[0])).unwrap();
    bytes[5000] ^= 1;
    std::fs::write(dir.path().join(files[0]), bytes).unwrap();
    let info = run(dir.path(), &["breach", "info", files[0]]).ended(3);
    assert!(info.one_error().contains("is damaged: the checksum of the block at byte 4096"), "{info:#?}");
}

#[test]
fn bad_lines_are_told_by_number() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("list.txt"), format!("{PREFIX}{SUFFIX}:1\nhunter2\n")).unwrap();
    let said = build(dir.path(), &[]).ended(1);
    assert!(said.err.contains("list.txt:2: 7 digits") && !said.err.contains("hunter2"), "{said:#?}");
    assert!(!dir.path().join("breach/sha1.filter").exists());
    let said = build(dir.path(), &["--skip-bad"]).ended(0);
    assert!(
        said.out.contains("1 not right and passed over") && said.err.contains("list.txt:2:"),
        "{said:#?}"
    );
    let said =
        with_input(dir.path(), &["breach", "build", "-", "--out", "b", "--plain"], "a\nb\na\n").ended(0);
    assert!(said.out.contains("3 lines read, 1 repeated"), "{said:#?}");
}

/// A build that waits for more of its list, in a directory that has files already.
fn waiting(dir: &Path) -> (Process, File) {
    list(dir, 1);
    build(dir, &[]).ended(0);
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = wardroom(dir);
    command.args(["breach", "build", "-", "--out", "breach"]).stdin(Stdio::from(reader));
    let process = Process::start(&mut command);
    let mut writer = File::from(std::os::fd::OwnedFd::from(writer));
    writeln!(writer, "{PREFIX}{SUFFIX}:500").unwrap();
    until("the build has begun", || dir.join("breach/.building/ff.part").exists().then_some(()));
    (process, writer)
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir.join("breach")).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_build_that_ends_early_leaves_what_was_there() {
    for (signal, code) in [(Signal::INT, Some(130)), (Signal::TERM, Some(130)), (Signal::KILL, None)] {
        let dir = tempfile::tempdir().unwrap();
        let (process, _list) = waiting(dir.path());
        let second = build(dir.path(), &[]).ended(3);
        assert!(second.one_error().contains("another build writes to"), "{second:#?}");
        process.signal(signal);
        let ran = process.wait();
        assert_eq!(ran.code, code, "{ran:#?}");
        let known =
            || with_input(dir.path(), &["breach", "look", "breach/sha1.ranges"], "password\n").ended(0).out;
        assert_eq!(known(), "known: seen once\n");
        if code.is_some() {
            assert_eq!(names(dir.path()), [".lock", "sha1.filter", "sha1.ranges"]);
        }
        list(dir.path(), 2);
        build(dir.path(), &[]).ended(0);
        assert_eq!(known(), "known: seen 2 times\n");
        assert_eq!(names(dir.path()), [".lock", "sha1.filter", "sha1.ranges"]);
    }
}

#[test]
fn a_password_that_is_typed_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    list(dir.path(), 1);
    build(dir.path(), &[]).ended(0);
    for (typed, expect) in
        [("passwort\u{7f}d\r", "known: seen once or more"), ("passwo\u{3}", "error: given up")]
    {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = File::options().read(true).write(true).open(name).unwrap();
        let before = rustix::termios::tcgetattr(&slave).unwrap();
        let screen = Arc::new(Mutex::new(Vec::new()));
        gather(File::from(master.try_clone().unwrap()), Arc::clone(&screen));
        let shown = || String::from_utf8_lossy(&screen.lock().unwrap()).into_owned();
        let mut command = wardroom(dir.path());
        command.args(["breach", "look", "breach/sha1.filter"]);
        let streams = [slave.try_clone().unwrap(), slave.try_clone().unwrap(), slave.try_clone().unwrap()];
        let [input, out, err] = streams;
        let process = Process::of(command.stdin(input).stdout(out).stderr(err));
        until("it asks, in silence", || {
            let silent = !rustix::termios::tcgetattr(&slave)
                .unwrap()
                .local_modes
                .contains(rustix::termios::LocalModes::ECHO);
            (silent && shown().contains("password:")).then_some(())
        });
        File::from(master.try_clone().unwrap()).write_all(typed.as_bytes()).unwrap();
        let ran = process.wait();
        until("it answers", || shown().contains(expect).then_some(()));
        // It asks for a password, and shows none.
        let all = format!("password: \r\n{expect}");
        assert!(shown().starts_with(&all), "{ran:#?} {}", shown().escape_debug());
        let after = rustix::termios::tcgetattr(&slave).unwrap();
        assert_eq!(after.local_modes, before.local_modes, "the terminal is as it was");
    }
}

#[test]
fn a_server_answers_ranges_and_takes_a_new_list() {
    let shop = Shop::new();
    list(shop.path(), 7);
    build(shop.path(), &[]).ended(0);
    let config = "[breach]\nfilter = \"breach/sha1.filter\"\nranges = \"breach/sha1.ranges\"\n";
    std::fs::write(shop.path().join("breach.toml"), config).unwrap();
    let mut server = shop.serve_with(&["--config", "breach.toml"]);
    let range = |server: &Server| {
        let mut client = server.client.clone();
        client.token.clear();
        client.get("/range/5baa6")
    };
    let answer = range(&server);
    assert_eq!((answer.status, answer.body), (200, format!("{SUFFIX}:7\r\n")), "{}", answer.head);
    list(shop.path(), 8);
    build(shop.path(), &[]).ended(0);
    assert_eq!(range(&server).body, format!("{SUFFIX}:7\r\n"), "an open file stays what it was");
    server.process.signal(Signal::HUP);
    until("the new list", || (range(&server).body == format!("{SUFFIX}:8\r\n")).then_some(()));
    // A file that is not right changes nothing.
    std::fs::write(shop.path().join("half"), "half").unwrap();
    std::fs::rename(shop.path().join("half"), shop.path().join("breach/sha1.ranges")).unwrap();
    server.process.signal(Signal::HUP);
    server.process.await_err("a complaint", |log| log.contains("are not reloaded").then_some(()));
    assert_eq!(range(&server).body, format!("{SUFFIX}:8\r\n"));
    server.stop();
    let refused = run(shop.path(), &["serve", "--listen", "127.0.0.1:0", "--config", "breach.toml"]).ended(3);
    assert!(refused.err.contains("is no file that `wardroom breach build` made"), "{refused:#?}");
}

#[test]
fn a_login_says_that_its_password_is_known_and_not_which() {
    let shop = Shop::new();
    list(shop.path(), 7);
    build(shop.path(), &[]).ended(0);
    std::fs::write(
        shop.path().join("breach.toml"),
        "log = \"debug\"\n\n[breach]\nfilter = \"breach/sha1.filter\"\n",
    )
    .unwrap();
    let policy = "event login:\n    account: account\n    ok: bool\n    password: text?\n    breached: int?\n\n\
                  rule known_password on login:\n    when    ok and breached >= 1\n    \
                  then    challenge(\"another password\")\n    because \"the password is in breaches\"\n";
    std::fs::write(shop.path().join("policy/login.ward"), policy).unwrap();
    let server = shop.serve_with(&["--config", "breach.toml"]);
    let login = |id: &str, sha1: &str| {
        let body = format!(r#"{{"id":"{id}","account":"alice","ok":true,"password_sha1":"{sha1}"}}"#);
        server.client.call("POST", "/v1/account/login", "application/json", &body).unwrap().ok()
    };
    let known = format!("{PREFIX}{SUFFIX}");
    assert_eq!(login("a", &known)["verdict"], "challenge");
    assert_eq!(login("b", &known.replace('5', "6"))["verdict"], "allow");
    let log = server.stop();
    let is_told = |bytes: &[u8]| bytes.windows(8).any(|w| w.eq_ignore_ascii_case(&known.as_bytes()[..8]));
    assert!(!is_told(log.out.as_bytes()) && !is_told(log.err.as_bytes()), "{log:#?}");
    let mut files = vec![shop.path().join("data")];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            assert!(!is_told(&std::fs::read(&path).unwrap()), "{}", path.display());
        }
    }
}
