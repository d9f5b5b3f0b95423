// SPDX-License-Identifier: Apache-2.0
//! `kill -9` under load, again and again: what was acknowledged is there, and nothing is there twice.

use crate::http::{Client, Connection, stream};
use crate::server::{Server, Shop, signup};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc;
use std::time::Duration;

const ROUNDS: u64 = 6;
/// Connections that send at once; the last sends one event a request, the others stream.
const SENDERS: u64 = 3;
/// Lines in one piece of a stream.
const PIECE: u64 = 40;
/// Pieces of a stream that are sent before the first is answered.
const AHEAD: u64 = 8;

/// An answer, as far as it must stay the same.
type Verdict = (String, String);

/// What one sender sent, and what was acknowledged, by event id.
#[derive(Default)]
struct Sent {
    lines: BTreeMap<String, String>,
    answers: BTreeMap<String, Verdict>,
}

fn verdict(answer: &Value) -> Verdict {
    let text = |key: &str| answer[key].as_str().unwrap_or_else(|| panic!("{key}: {answer}")).to_owned();
    (text("decision"), text("verdict"))
}

fn event(round: u64, sender: u64, i: u64) -> (String, String) {
    let id = format!("{round}-{sender}-{i}");
    let line = signup(&id, &format!("a{i}"), &format!("203.0.{}.{}", i % 40, i % 250));
    (id, line)
}

/// Sends until the server is gone.
fn send(client: &Client, round: u64, sender: u64, told: &mpsc::Sender<()>) -> Sent {
    if sender + 1 == SENDERS {
        send_singly(client, round, sender, told)
    } else {
        send_stream(client, round, sender, told)
    }
}

fn send_singly(client: &Client, round: u64, sender: u64, told: &mpsc::Sender<()>) -> Sent {
    let mut sent = Sent::default();
    let mut connection = Connection::open(client).unwrap();
    for i in 0.. {
        let (id, line) = event(round, sender, i);
        sent.lines.insert(id.clone(), line.clone());
        let Ok(answer) = connection.call("POST", "/v1/decide", "application/json", &line) else {
            break;
        };
        sent.answers.insert(id, verdict(&answer.ok()));
        let _ = told.send(());
    }
    sent
}

fn send_stream(client: &Client, round: u64, sender: u64, told: &mpsc::Sender<()>) -> Sent {
    let (mut lines, mut answers) = stream(client).unwrap();
    let (credit, credits) = mpsc::channel();
    (0..AHEAD).for_each(|_| credit.send(()).unwrap());
    let writer = std::thread::spawn(move || {
        let mut sent = BTreeMap::new();
        for (piece, ()) in (0..).zip(credits) {
            let events: Vec<_> =
                (piece * PIECE..(piece + 1) * PIECE).map(|i| event(round, sender, i)).collect();
            let text: String = events.iter().map(|(_, line)| format!("{line}\n")).collect();
            sent.extend(events);
            if lines.send(&text).is_err() {
                break;
            }
        }
        sent
    });
    let mut acknowledged = BTreeMap::new();
    while let Ok(Some(answer)) = answers.next() {
        acknowledged.insert(answer["event_id"].as_str().unwrap().to_owned(), verdict(&answer));
        let _ = told.send(());
        if (acknowledged.len() as u64).is_multiple_of(PIECE) {
            let _ = credit.send(());
        }
    }
    drop(credit);
    Sent { lines: writer.join().unwrap(), answers: acknowledged }
}

/// One server's life: load on all connections, and a kill after so many acknowledgements.
fn live(server: Server, round: u64, acknowledgements: u64) -> Sent {
    let (told, heard) = mpsc::channel();
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (client, told) = (server.client.clone(), told.clone());
            std::thread::spawn(move || send(&client, round, sender, &told))
        })
        .collect();
    drop(told);
    for _ in 0..acknowledgements {
        heard.recv_timeout(crate::process::DEADLINE).unwrap();
    }
    // Somewhere within a batch, not at its end.
    std::thread::sleep(Duration::from_micros(random() % 3000));
    server.kill();
    let mut all = Sent::default();
    for sender in senders {
        let sent = sender.join().unwrap();
        all.lines.extend(sent.lines);
        all.answers.extend(sent.answers);
    }
    all
}

/// A number nobody chose: each run kills at other moments.
fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}

#[test]
fn what_was_acknowledged_survives_and_nothing_is_doubled() {
    let shop = Shop::new();
    let mut known: BTreeMap<String, Verdict> = BTreeMap::new();
    for round in 0..ROUNDS {
        let acknowledgements = 1 + random() % 400;
        println!("round {round}: killed after {acknowledgements} acknowledgements");
        let sent = live(shop.serve(), round, acknowledgements);
        assert!(sent.answers.len() as u64 >= acknowledgements);
        assert!(sent.answers.len() < sent.lines.len(), "it was killed while events were under way");

        let server = shop.serve();
        each_is_there(&server, &sent.answers);
        // What had no answer is sent again; so is what had one, which is then known.
        let lines: Vec<String> = sent.lines.values().cloned().collect();
        for answer in server.client.stream(&lines) {
            let id = answer["event_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
            if let Some(before) = sent.answers.get(&id) {
                assert_eq!(
                    (&verdict(&answer), &answer["repeated"]),
                    (before, &Value::Bool(true)),
                    "{answer}"
                );
            }
            assert_eq!(known.insert(id, verdict(&answer)), None, "answered once");
        }
        assert!(sent.lines.keys().all(|id| known.contains_key(id)));
        numbers_have_no_gap(&known);
        // Half of the rounds begin with a server that was itself killed.
        if round % 2 == 0 { drop(server.stop()) } else { drop(server.kill()) }
    }
    let server = shop.serve();
    each_is_there(&server, &known.into_iter().step_by(37).collect());
    server.stop();
}

/// Each is found by its number and has the verdict that was answered.
fn each_is_there(server: &Server, answers: &BTreeMap<String, Verdict>) {
    let mut connection = Connection::open(&server.client).unwrap();
    for (id, (number, verdict)) in answers {
        let stored = connection.call("GET", &format!("/v1/decisions/{number}"), "", "").unwrap().ok();
        assert_eq!(
            (stored["event_id"].as_str(), stored["verdict"].as_str()),
            (Some(&**id), Some(&**verdict))
        );
    }
}

/// Every event has a number of its own, and beside the policy's records there are no others.
fn numbers_have_no_gap(known: &BTreeMap<String, Verdict>) {
    let numbers: BTreeSet<u64> = known.values().map(|(number, _)| number.parse().unwrap()).collect();
    assert_eq!(numbers.len(), known.len(), "a number was given twice");
    let (first, last) = (numbers.first().unwrap(), numbers.last().unwrap());
    assert_eq!(*first, 3, "after the policy's text and its head");
    assert_eq!(last - first + 1, numbers.len() as u64, "a number is missing");
}
