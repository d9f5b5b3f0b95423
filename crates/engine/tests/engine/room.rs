// SPDX-License-Identifier: Apache-2.0
//! Labels and list entries that find no room: they have a share of the memory, take nothing from counters, and a restart
//! makes none that was not made.

use crate::support::{Data, Sent, bundle, decide, number, open, run, sent};
use std::path::Path;
use wardroom_engine::{Config, Engine, Work, limits};
use wardroom_event::Value;
use wardroom_journal::{Position, Reader};

/// The kind of a record of a change.
const CHANGE: u8 = 6;

const EVERYBODY: &str = r#"
event signup:
    account: account
    ip: ip

event probe:
    account: account

list bad: account
feature from_ip = count(signup, by=ip, last="1d")

rule everybody on signup:
    when    from_ip >= 0
    then    review, list(account, bad)
    because "{from_ip} from {ip}"

rule listed on probe:
    when    account in bad
    then    block
    because "{account} is listed"
"#;

fn signup(n: u32) -> Sent {
    let fields = format!(r#""account":"{n:0>100}","ip":"192.0.2.{}""#, n % 4);
    sent("signup", i64::from(n) / 100, &fields).id(n)
}

/// Which of some accounts are listed.
fn listed(engine: &Engine, most: u32) -> Vec<bool> {
    let probe = |n: u32| {
        let event = sent("probe", 300, &format!(r#""account":"{n:0>100}""#)).id(format!("probe {n}"));
        !decide(engine, &event).judged.unwrap().signals.is_empty()
    };
    (0..most).step_by(397).map(probe).collect()
}

#[test]
fn a_rule_that_lists_everybody_takes_its_share_and_nothing_from_counters() {
    let data = Data { segment_bytes: 4 << 20, ..Data::new() };
    let config = Config { memory_bytes: 2 << 20, ..data.config() };
    let share = config.memory_bytes / limits::MARKS_SHARE as u64;
    let (engine, _) = open(&config, Some(bundle(EVERYBODY))).unwrap();
    let most = 20_000;
    for first in (0..most).step_by(100) {
        let events = (first..first + 100).map(|n| signup(n).on(&engine)).collect();
        run(engine.submit(events, Work::Decide)).unwrap();
        let status = engine.status();
        assert!(status.marks_bytes <= share, "{} bytes after {first}", status.marks_bytes);
        if first == most / 2 {
            run(engine.snapshot()).unwrap();
        }
    }
    let status = engine.status();
    assert!(status.marks_bytes > share * 3 / 4, "{status:?}");
    assert!(status.marks_refused > u64::from(most / 2), "{status:?}");
    assert_eq!((status.forgets, status.forgotten), (0, 0), "counters keep what they counted");
    let counted = decide(&engine, &signup(most));
    assert_eq!(counted.judged.unwrap().served[0].2, Value::Int(i64::from(most / 4)));

    let (plain, snapshotted) = (data.killed(), data.killed());
    std::fs::remove_dir_all(plain.path().join("snapshots")).unwrap();
    let before = listed(&engine, most);
    assert!(before[0] && !before[before.len() - 1], "those that came first are listed");
    run(engine.close());
    for data in [plain, snapshotted] {
        let config = Config { memory_bytes: 2 << 20, ..data.config() };
        let (engine, _) = open(&config, None).unwrap();
        assert_eq!(listed(&engine, most), before);
        // What is listed can be listed anew.
        let refused = engine.status().marks_refused;
        decide(&engine, &signup(0).id("again"));
        assert_eq!(engine.status().marks_refused, refused);
        decide(&engine, &signup(most - 1).id("not again"));
        assert_eq!(engine.status().marks_refused, refused + 1);
        run(engine.close());
    }
}

/// Changes in the journal, each with the number of its decision.
fn changes(journal: &Path) -> Vec<(u64, Position)> {
    let mut reader = Reader::open(journal).unwrap();
    let mut found = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        if frame.kind == CHANGE {
            found.push((number(&mut &frame.payload[1..]), frame.position));
        }
    }
    found
}

/// A decision asks for changes of which some find no room; the engine dies, with `kept` of those that were made on disk.
/// They are there once after a restart, and with them as many as are `made` after all.
fn dies(then: &str, kept: usize, made: usize) {
    let policy = format!(
        "event signup:\n    account: account\n    ip: ip\n\nlist bad: ip\nlist worse: ip\n\n\
         rule all on signup:\n    when    ip.version == 4\n    then    {then}\n    because \"all\"\n"
    );
    let data = Data { segment_bytes: 1 << 20, ..Data::new() };
    let config = |data: &Data| Config { memory_bytes: 64 << 10, ..data.config() };
    let (engine, _) = open(&config(&data), Some(bundle(&policy))).unwrap();
    let signup =
        |n: u32| sent("signup", i64::from(n), &format!(r#""account":"a{n}","ip":"192.0.2.1""#)).id(n);
    let seq = (0..1_000).map(|n| decide(&engine, &signup(n)).seq).last().unwrap();
    assert!(engine.status().marks_refused > 100, "labels find no room; the address is listed anew");
    let killed = data.killed();
    run(engine.close());
    let of_last = |journal: &Path| -> Vec<Position> {
        changes(journal).into_iter().filter(|(of, _)| *of == seq).map(|(_, at)| at).collect()
    };
    let there = of_last(&killed.journal());
    assert_eq!(there.len(), made, "{then}");
    if let Some(torn) = there.get(kept) {
        tear(&killed.journal(), *torn);
    }
    let (engine, opened) = open(&config(&killed), None).unwrap();
    assert_eq!(opened.recovery.torn.is_some(), kept < made, "{then}");
    decide(&engine, &signup(2_000));
    run(engine.close());
    assert_eq!(of_last(&killed.journal()).len(), made, "{then}, of which {kept} were on disk");
}

/// Writes nonsense over the journal's end from a record on.
fn tear(journal: &Path, from: Position) {
    let mut segments: Vec<_> = std::fs::read_dir(journal).unwrap().map(|e| e.unwrap().path()).collect();
    segments.retain(|path| path.extension().is_some_and(|e| e == "wj"));
    segments.sort();
    let path = segments.pop().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[from.offset as usize..].fill(0);
    bytes[from.offset as usize..][..20].fill(0xab);
    std::fs::write(&path, bytes).unwrap();
}

#[test]
fn a_restart_makes_no_change_that_found_no_room() {
    // All that was made is on disk.
    dies("label(account, \"seen\"), list(ip, bad)", 1, 1);
    dies("list(ip, bad), label(account, \"seen\")", 1, 1);
    dies("list(ip, worse), label(account, \"seen\"), list(ip, bad)", 2, 2);
    // The last of it is not.
    dies("label(account, \"seen\"), list(ip, bad), list(ip, worse)", 1, 2);
    dies("list(ip, bad), label(account, \"seen\"), list(ip, worse)", 1, 2);
    dies("list(ip, bad), list(ip, worse), label(account, \"seen\")", 0, 2);
}
