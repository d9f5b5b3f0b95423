// SPDX-License-Identifier: Apache-2.0
//! `wardroom demo`: a result for scripts, a screen for people, and nothing left of it.

use crate::process::{Process, run, until, wardroom};
use crate::server::Server;
use crate::terminal::on_terminal;
use rustix::process::Signal;
use serde_json::Value;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Few people, so that their past is soon told.
const SMALL: [&str; 5] = ["demo", "--accounts", "500", "--speed", "600"];

fn demo(tmp: &TempDir, args: &[&str]) -> Command {
    let mut command = wardroom(tmp.path());
    command.args(SMALL).args(args).env("TMPDIR", tmp.path());
    command
}

fn entries(dir: &Path) -> Vec<String> {
    std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

/// Where the demo listens: the loopback address that its process has open, as the kernel tells it.
fn listens(process: &Process) -> Option<SocketAddr> {
    let inodes: Vec<String> = std::fs::read_dir(format!("/proc/{}/fd", process.id()))
        .ok()?
        .filter_map(|e| {
            std::fs::read_link(e.ok()?.path())
                .ok()?
                .to_str()?
                .strip_prefix("socket:[")
                .map(|s| s.replace(']', ""))
        })
        .collect();
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let listening = fields[3] == "0A" && inodes.iter().any(|i| i == fields[9]);
        let port = u16::from_str_radix(fields[1].split(':').nth(1)?, 16).ok()?;
        listening.then(|| SocketAddr::from(([127, 0, 0, 1], port)))
    })
}

#[test]
fn a_demo_that_is_kept_is_a_past_to_be_served_and_asked() {
    let tmp = tempfile::tempdir().unwrap();
    let ran = Process::start(&mut demo(&tmp, &["--seconds", "3", "--keep", "shop"])).wait().ended(0);
    let token = ran.out.split("WARDROOM_KEY=").nth(1).and_then(|rest| rest.split_whitespace().next());
    let token = token.unwrap_or_else(|| panic!("a key: {ran:#?}")).to_owned();
    let shop = tmp.path().join("shop");
    let server = Server::start(wardroom(&shop).args(["serve", "--listen", "127.0.0.1:0"]), &token);
    let url = format!("http://{}", server.client.address);
    let mut asked = wardroom(&shop);
    asked
        .args(["query", "login show count", "--format", "csv", "--server", &url])
        .env("WARDROOM_KEY", &token);
    let said = Process::start(&mut asked).wait().ended(0).out;
    let count: u64 = said.lines().nth(1).unwrap_or_default().parse().unwrap_or_else(|_| panic!("{said}"));
    assert!(count > 100, "{said}");
    server.stop();
    // What is there is not written over.
    let again = Process::start(&mut demo(&tmp, &["--seconds", "3", "--keep", "shop"])).wait();
    assert_ne!(again.code, Some(0));
    assert!(again.one_error().contains("is there already; nothing was changed"), "{again:#?}");
}

#[test]
fn a_demo_for_scripts_says_what_happened_and_leaves_nothing() {
    let tmp = tempfile::tempdir().unwrap();
    let ran = Process::start(&mut demo(&tmp, &["--seconds", "3", "--json", "--seed", "7"])).wait().ended(0);
    assert_eq!(ran.err, "");
    let result = ran.json();
    let count = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("a count: {result}"));
    assert!(count(&result["events"]) > 0 && count(&result["past_events"]) > 0, "{result}");
    assert_eq!(count(&result["problems"]), 0, "{result}");
    let verdicts: u64 = result["verdicts"].as_object().unwrap().values().map(count).sum();
    assert_eq!(verdicts, count(&result["events"]), "{result}");
    let score = &result["score"];
    let sum: u64 =
        ["caught", "missed", "wrongly_stopped", "rightly_passed"].iter().map(|k| count(&score[k])).sum();
    assert_eq!(sum, count(&result["events"]), "every event is compared with the truth: {result}");
    assert_eq!(entries(tmp.path()), [""; 0]);

    let again =
        Process::start(&mut demo(&tmp, &["--seconds", "1", "--json", "--seed", "7"])).wait().ended(0).json();
    assert_eq!(again["past_events"], result["past_events"], "the same people");
    let other =
        Process::start(&mut demo(&tmp, &["--seconds", "1", "--json", "--seed", "8"])).wait().ended(0).json();
    assert_ne!(other["past_events"], result["past_events"], "others");
    assert_eq!(entries(tmp.path()), [""; 0]);
}

/// Ctrl-C, a closed terminal, a service manager: at its beginning, in the past and in the day.
#[test]
fn a_demo_that_is_stopped_leaves_no_file_and_no_server() {
    for (signal, live) in
        [(Signal::INT, false), (Signal::INT, true), (Signal::TERM, true), (Signal::HUP, true)]
    {
        let tmp = tempfile::tempdir().unwrap();
        let mut process = Process::start(&mut demo(&tmp, &[]));
        let address = until("a server", || listens(&process));
        TcpStream::connect(address).unwrap();
        assert_eq!(entries(tmp.path()).len(), 1, "its data lies where temporary files do");
        if live {
            process.await_out("the day", |out| out.contains(" events/s ").then_some(()));
        }
        process.signal(signal);
        let ran = process.wait().ended(0);
        assert!(ran.out.contains("of the attackers' events"), "what it had found is said: {ran:#?}");
        assert!(!ran.out.contains('\u{1b}'), "no screen is drawn where there is none: {ran:#?}");
        assert_eq!(entries(tmp.path()), [""; 0], "{signal:?}");
        assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
    }
}

#[test]
fn a_demo_that_nobody_watches_any_more_ends() {
    let tmp = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = demo(&tmp, &[]);
    let process = Process::of(command.stdout(writer).stderr(Stdio::piped()));
    drop((command, reader));
    assert_eq!(process.wait().ended(0).err, "");
    assert_eq!(entries(tmp.path()), [""; 0]);
}

#[test]
fn a_demo_judges_by_the_policy_it_is_given() {
    let tmp = tempfile::tempdir().unwrap();
    run(tmp.path(), &["init", "shop"]).ended(0);
    // It knows nothing of what the simulation sends: every event is refused, and that is said.
    let args = ["--policy", "shop/policy", "--seconds", "1", "--json"];
    let ran = Process::start(&mut demo(&tmp, &args)).wait().ended(0).json();
    assert!(ran["events"] == 0 && ran["problems"].as_u64() > Some(0), "{ran}");
    assert_eq!(entries(tmp.path()), ["shop"]);
}

/// Whatever is on the second screen, the first is as it was: entered once, left once, the cursor shown again.
#[test]
fn a_terminal_is_given_back_as_it_was() {
    let tmp = tempfile::tempdir().unwrap();
    let mut command = demo(&tmp, &[]);
    let (process, terminal) = on_terminal(&mut command);
    drop(command);
    until("the day on the screen", || terminal.text().contains("newest stopped").then_some(()));
    process.signal(Signal::INT);
    process.wait().ended(0);
    let shown =
        until("the result", || Some(terminal.text()).filter(|t| t.contains("of the attackers' events")));
    let order = ["\u{1b}[?1049h", "\u{1b}[?25l", "\u{1b}[?25h", "\u{1b}[?1049l", "of the attackers' events"];
    let places: Vec<usize> =
        order.iter().map(|s| shown.find(s).unwrap_or_else(|| panic!("{s:?}: {shown:?}"))).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert_eq!((shown.matches(order[0]).count(), shown.matches(order[3]).count()), (1, 1));
    for sequence in escapes(&shown) {
        assert!(KNOWN.contains(&sequence), "only what the view draws with: {sequence:?}");
    }
    assert_eq!(entries(tmp.path()), [""; 0]);
}

/// What the view draws with.
const KNOWN: [&str; 16] = [
    "[?1049h", "[?1049l", "[?25l", "[?25h", "[H", "[K", "[J", "[0m", "[1m", "[2m", "[31m", "[32m", "[33m",
    "[35m", "[36m", "[m",
];

/// Every escape sequence in a text.
fn escapes(text: &str) -> Vec<&str> {
    text.split('\u{1b}')
        .skip(1)
        .map(|rest| {
            let end = rest
                .char_indices()
                .skip(1)
                .find(|(_, c)| c.is_ascii_alphabetic())
                .map_or(rest.len(), |(i, _)| i + 1);
            &rest[..end]
        })
        .collect()
}
