// SPDX-License-Identifier: Apache-2.0
//! `kill -9`, for real: a process of its own takes events and is killed while it does, again and again.

use crate::support::{Data, POLICY, Sent, content, everything, login, run, sent, seq_of};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use wardroom_engine::Work;

const DATA: &str = "WARDROOM_TEST_KILL_DATA";
const FROM: &str = "WARDROOM_TEST_KILL_FROM";

/// The stream of events, the same for everybody.
fn event(i: u64) -> Sent {
    let ip = format!("192.0.2.{}", i % 5);
    let secs = (i / 3) as i64;
    if i.is_multiple_of(4) {
        sent("signup", secs, &format!(r#""account":"s{}","ip":"{ip}","email":"a@{}.example""#, i % 11, i % 3))
            .id(i)
    } else {
        login(i, secs, &format!("a{}", i % 7), &ip, !i.is_multiple_of(3))
    }
}

/// The victim: sends the stream from a place on, and says what was acknowledged. Started by the test below alone.
#[test]
#[ignore = "the other half of a_killed_engine_keeps_what_it_acknowledged"]
fn victim() {
    let Ok(path) = std::env::var(DATA) else {
        return;
    };
    let from: u64 = std::env::var(FROM).unwrap().parse().unwrap();
    let config = wardroom_engine::Config { segment_bytes: 64 << 10, ..wardroom_engine::Config::new(path) };
    let (engine, _) =
        wardroom_engine::Engine::open(&config, Some(crate::support::bundle(POLICY)), crate::support::NOON)
            .unwrap();
    let mut out = std::io::stdout().lock();
    let mut i = from;
    loop {
        let piece = 1 + i % 13;
        let events = (i..i + piece).map(|i| event(i).on(&engine)).collect();
        let outcomes = run(engine.submit(events, Work::Decide)).unwrap();
        for (i, outcome) in (i..).zip(&outcomes) {
            writeln!(out, "acknowledged {i} {}", seq_of(outcome).unwrap()).unwrap();
        }
        out.flush().unwrap();
        i += piece;
    }
}

#[test]
fn a_killed_engine_keeps_what_it_acknowledged() {
    let data = Data { segment_bytes: 64 << 10, ..Data::new() };
    let mut acknowledged: Vec<(u64, u64)> = Vec::new();
    for round in 0..5u64 {
        // A sender that got no answer sends again: it begins a little before where it was.
        let from = (acknowledged.len() as u64).saturating_sub(round * 5);
        let wanted = 150 + 137 * round;
        acknowledged.truncate(from as usize);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["kill::victim", "--exact", "--ignored", "--nocapture"])
            .env(DATA, data.path())
            .env(FROM, from.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut said = Vec::new();
        while said.len() < wanted as usize {
            let line = lines.next().expect("it goes on until it is killed");
            said.extend(acknowledgement(&line));
        }
        child.kill().unwrap();
        // What it had said before it died counts too; the last line may be half a line.
        let rest: Vec<String> = lines.collect();
        said.extend(rest.iter().filter_map(|l| acknowledgement(l)));
        child.wait().unwrap();
        acknowledged.extend(said);
        check(&data, &acknowledged);
    }
    assert!(acknowledged.len() > 500);
}

fn acknowledgement(line: &str) -> Option<(u64, u64)> {
    let mut words = line.split_once("acknowledged ")?.1.split(' ');
    let number = |w: Option<&str>| w.and_then(|w| w.parse().ok());
    Some((number(words.next())?, number(words.next())?))
}

fn check(data: &Data, acknowledged: &[(u64, u64)]) {
    let engine = data.reopen();
    let there = everything(&engine);
    run(engine.close());
    for (i, stored) in there.iter().enumerate() {
        assert_eq!(&*stored.id.id, i.to_string(), "in order, and once");
    }
    for (i, (id, seq)) in acknowledged.iter().enumerate() {
        assert_eq!(*id, i as u64);
        assert_eq!(there.get(i).map(|s| s.seq), Some(*seq), "event {id} was acknowledged");
    }
    // And all of it is what one engine without interruption says.
    let whole = Data::new();
    let engine = whole.open(POLICY);
    let events = (0..there.len() as u64).map(|i| event(i).on(&engine)).collect();
    run(engine.submit(events, Work::Decide)).unwrap();
    let said = |all: &[wardroom_engine::Stored]| all.iter().map(content).collect::<Vec<_>>();
    assert!(
        said(&there) == said(&everything(&engine)),
        "decisions differ from those of an uninterrupted run"
    );
}
