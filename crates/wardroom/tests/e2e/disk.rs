// SPDX-License-Identifier: Apache-2.0
//! A disk without room, and a limit on the size of files: told, survived, and over when it is over.

use crate::http::{Answer, Connection};
use crate::process::{Process, skipped, wardroom};
use crate::server::{Server, Shop, signup};
use rustix::process::{Resource, Rlimit, prlimit};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const MIB: u64 = 1024 * 1024;
/// Room for one segment of the journal and not for two, until the ballast is thrown out.
const DISK: u64 = 160 * MIB;
const BALLAST: u64 = 70 * MIB;

/// Large events, so that a segment is full soon.
const POLICY: &str = "\
event message:
    account: account
    ip:      ip
    a:       text?
    b:       text?
    c:       text?
    d:       text?
    e:       text?
    f:       text?
    g:       text?

feature messages = count(message, by=account, last=\"1h\")

rule many on message:
    when    messages >= 5
    then    limit
    because \"{messages} messages within an hour\"
";

fn message(i: usize) -> String {
    let text = "x".repeat(8000);
    let fields: String = ["a", "b", "c", "d", "e", "f", "g"].map(|f| format!(r#","{f}":"{text}""#)).concat();
    format!(r#"{{"type":"message","id":"m{i}","account":"a{}","ip":"203.0.113.7"{fields}}}"#, i % 9)
}

/// A small file system of its own, unmounted whatever happens.
struct Mount {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

impl Mount {
    fn new(test: &str) -> Option<Mount> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        std::fs::create_dir(&path).unwrap();
        let root = rustix::process::geteuid().is_root();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={DISK}"), "none"]).arg(&path).stderr(Stdio::null());
        if root && mount.status().is_ok_and(|s| s.success()) {
            return Some(Mount { _dir: dir, path });
        }
        if root {
            skipped(test, "no tmpfs could be mounted");
        } else {
            println!("skipped {test}: only root can mount a small file system");
        }
        None
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily, for a server that failed a test may still have files open.
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

fn shop() -> Shop {
    let shop = Shop::new();
    std::fs::write(shop.policy(), POLICY).unwrap();
    shop
}

/// A server whose data directory is `data`, with the shop's keys.
fn serve(shop: &Shop, data: &Path) -> Server {
    if !data.exists() {
        std::fs::create_dir(data).unwrap();
        std::fs::copy(shop.path().join("data/keys.toml"), data.join("keys.toml")).unwrap();
    }
    shop.serve_with(&["--data", data.to_str().unwrap()])
}

/// One that fits where a large one does not.
fn small(i: usize) -> String {
    format!(r#"{{"type":"message","id":"m{i}","account":"a{}","ip":"203.0.113.7"}}"#, i % 9)
}

/// Sends messages from number `from` on until one is not taken; gives that one's answer, and those that were.
fn fill(server: &Server, from: usize, message: fn(usize) -> String) -> (Answer, Vec<(usize, Answer)>) {
    let mut connection = Connection::open(&server.client).unwrap();
    let mut taken = Vec::new();
    for i in from..from + 4000 {
        let answer = connection.call("POST", "/v1/decide", "application/json", &message(i)).unwrap();
        if answer.status != 200 {
            return (answer, taken);
        }
        taken.push((i, answer));
    }
    panic!("the disk is never full");
}

/// That every `step`th is there under its number, with the verdict that was answered.
fn are_there(server: &Server, taken: &[(usize, Answer)], step: usize) {
    let mut connection = Connection::open(&server.client).unwrap();
    for (i, answer) in taken.iter().rev().step_by(step) {
        let answer = answer.ok();
        let path = format!("/v1/decisions/{}", answer["decision"].as_str().unwrap());
        let stored = connection.call("GET", &path, "", "").unwrap().ok();
        assert_eq!((&stored["event_id"], &stored["verdict"]), (&format!("m{i}").into(), &answer["verdict"]));
    }
}

#[test]
fn a_full_disk_refuses_and_loses_nothing() {
    let Some(disk) = Mount::new("a_full_disk_refuses_and_loses_nothing") else {
        return;
    };
    let (shop, data, ballast) = (shop(), disk.path.join("data"), disk.path.join("ballast"));
    let file = std::fs::File::create(&ballast).unwrap();
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, BALLAST).unwrap();
    drop(file);
    let mut server = serve(&shop, &data);
    let (refused, mut taken) = fill(&server, 0, message);
    let problem = refused.problem(507, "disk_full");
    assert_eq!(problem["detail"], "nothing was recorded; everything accepted before is safe");
    assert!(taken.len() > 500, "a whole segment: {}", taken.len());
    let (refused, rest) = fill(&server, taken.len(), small);
    refused.problem(507, "disk_full");
    assert!(rest.iter().all(|(_, answer)| answer.status == 200));
    taken.extend(rest);
    are_there(&server, &taken, 10);
    assert_eq!(server.client.get("/healthz").status, 200);
    // What came before needs no room, a stream gets a problem for each line, a policy is refused.
    let again = server.client.decide(&message(0)).ok();
    assert_eq!((&again["repeated"], &again["decision"]), (&true.into(), &taken[0].1.ok()["decision"]));
    let lines = server.client.stream(&[message(taken.len()), message(1), message(taken.len() + 1)]);
    let types: Vec<_> = lines.iter().map(|l| l["problem"]["type"].as_str()).collect();
    assert_eq!(types, [Some("/problems/disk_full"), None, Some("/problems/disk_full")], "{lines:?}");
    let policy = std::fs::read_to_string(shop.policy()).unwrap();
    std::fs::write(shop.policy(), policy.replace("messages >= 5", "messages >= 6")).unwrap();
    server.process.signal(rustix::process::Signal::HUP);
    server.process.await_err("a refusal", |log| {
        log.contains("the policy is not reloaded: the disk is full").then_some(())
    });
    std::fs::write(shop.policy(), policy).unwrap();

    // A restart without room keeps all and takes nothing.
    server.stop();
    let server = serve(&shop, &data);
    are_there(&server, &taken, 10);
    server.client.decide(&message(taken.len())).problem(507, "disk_full");

    // With room it goes on by itself.
    std::fs::remove_file(&ballast).unwrap();
    let first = taken.len();
    let mut connection = Connection::open(&server.client).unwrap();
    for i in first..first + 20 {
        taken.push((i, connection.call("POST", "/v1/decide", "application/json", &message(i)).unwrap()));
    }
    drop(connection);
    are_there(&server, &taken, 10);
    server.kill();
    let server = serve(&shop, &data);
    are_there(&server, &taken, 1);
    let numbers: Vec<u64> =
        taken.iter().map(|(_, a)| a.ok()["decision"].as_str().unwrap().parse().unwrap()).collect();
    assert!(numbers.windows(2).all(|n| n[1] == n[0] + 1), "what was refused has no number: {numbers:?}");
    server.stop();
}

/// A disk that is full before the first segment.
#[test]
fn a_disk_without_room_for_a_journal_is_one_message() {
    let Some(disk) = Mount::new("a_disk_without_room_for_a_journal_is_one_message") else {
        return;
    };
    let shop = shop();
    let file = std::fs::File::create(disk.path.join("ballast")).unwrap();
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, DISK - 16 * MIB).unwrap();
    let data = disk.path.join("data").to_str().unwrap().to_owned();
    let ran =
        crate::process::run(shop.path(), &["serve", "--listen", "127.0.0.1:0", "--data", &data]).ended(3);
    assert!(ran.one_error().contains("no room") || ran.one_error().contains("full"), "{ran:#?}");
    let event = shop.path().join("x.ndjson");
    std::fs::write(&event, message(1)).unwrap();
    let ran = crate::process::run(shop.path(), &["replay", "x.ndjson", "--data", &data]).ended(3);
    assert!(ran.one_error().contains("no room") || ran.one_error().contains("full"), "{ran:#?}");
    // And with room it begins.
    drop(file);
    std::fs::remove_file(disk.path.join("ballast")).unwrap();
    crate::process::run(shop.path(), &["replay", "x.ndjson", "--data", &data]).ended(0);
}

/// `ulimit -f`: the system sends a signal that kills by default.
#[test]
fn a_limit_on_file_size_is_told_and_kills_nothing() {
    let shop = Shop::new();
    std::fs::write(shop.path().join("x.ndjson"), signup("1", "a", "203.0.113.1")).unwrap();
    let limited = |args: &str| {
        let mut shell = Command::new("sh");
        let program = wardroom(shop.path()).get_program().to_str().unwrap().to_owned();
        shell.current_dir(shop.path()).arg("-c").arg(format!("ulimit -f 64; exec '{program}' {args}"));
        Process::start(shell.stdin(Stdio::null())).wait()
    };
    for args in [
        "serve --listen 127.0.0.1:0",
        "replay x.ndjson --data data",
        "demo --json --seconds 1 --accounts 100",
    ] {
        let ran = limited(args);
        assert_eq!((ran.code, ran.signal), (Some(3), None), "{args}: {ran:#?}");
        let said = ran.one_error();
        assert!(
            said.contains("no room") || said.contains("full") || said.contains("File too large"),
            "{args}: {said}"
        );
    }
    shop.serve().stop();
}

/// The same while it serves: a write that fails leaves what the disk holds unknown, so it stops taking and says so.
#[test]
fn a_limit_met_while_serving_stops_the_taking_and_loses_nothing() {
    let shop = Shop::new();
    let mut server = shop.serve();
    let before = server.client.decide(&signup("before", "a", "203.0.113.1")).ok();
    let limit = Rlimit { current: Some(512), maximum: Some(512) };
    prlimit(Some(server.process.pid()), Resource::Fsize, limit).unwrap();
    let answer = server.client.decide(&signup("after", "a", "203.0.113.1"));
    assert!(server.process.runs(), "no signal killed it");
    answer.problem(503, "failed");
    assert_eq!(server.client.get("/readyz").status, 503);
    assert_eq!(server.client.get("/healthz").status, 200);
    let path = format!("/v1/decisions/{}", before["decision"].as_str().unwrap());
    assert_eq!(server.client.get(&path).ok()["event_id"], "before");
    server.process.await_err("the reason", |log| log.contains("no more events are taken").then_some(()));
    server.process.signal(rustix::process::Signal::INT);
    server.process.wait().ended(0);
    let server = shop.serve();
    assert_eq!(server.client.get(&path).ok()["event_id"], "before");
    let again = server.client.decide(&signup("after", "a", "203.0.113.1")).ok();
    assert_eq!(again["decision"].as_str().unwrap().parse::<u64>().unwrap(), 4, "{again}");
    server.stop();
}
