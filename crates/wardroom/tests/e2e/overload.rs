// SPDX-License-Identifier: Apache-2.0
//! More than the server does, for as long as one likes: its memory stays what it was, and one key's flood is nobody
//! else's matter.

use crate::http::{Client, Connection, stream};
use crate::process::run;
use crate::server::{Server, Shop, signup};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Lines of one piece of a stream.
const PIECE: usize = 200;

/// Sends pieces until told to stop, each line an event of the same account; gives how many lines were answered.
fn flood(client: &Client, name: &str, pieces: usize, stop: &AtomicBool) -> usize {
    let (mut sender, mut answers) = stream(client).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for piece in (0..pieces).take_while(|_| !stop.load(Relaxed)) {
                let line = |n: usize| signup(&format!("{name}-{piece}-{n}"), "mallory", "192.0.2.1") + "\n";
                sender.send(&(0..PIECE).map(line).collect::<String>()).unwrap();
            }
            sender.end().unwrap();
        });
        let mut answered = 0;
        while let Some(answer) = answers.next().unwrap() {
            assert!(answer["verdict"].is_string(), "{answer}");
            answered += 1;
        }
        answered
    })
}

/// Memory that a server holds, in MiB.
fn memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process.id())).unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
fn an_endless_stream_takes_no_more_memory() {
    let shop = Shop::new();
    let server = shop.serve();
    let go_on = AtomicBool::new(false);
    flood(&server.client, "first", 50, &go_on);
    let before = memory(&server);
    // Some twenty megabytes of answers to half as much. Event ids are remembered, sixteen bytes each.
    assert_eq!(flood(&server.client, "second", 500, &go_on), 500 * PIECE);
    let after = memory(&server);
    assert!(after < before + 30, "{before} MiB became {after}");
    server.stop();
}

#[test]
fn a_key_is_served_while_another_floods() {
    let shop = Shop::new();
    let polite = run(shop.path(), &["key", "new", "polite", "--role", "ingest,read"]).ended(0).out;
    let server = shop.serve();
    let polite = Client { token: polite.trim().to_owned(), ..server.client.clone() };
    let stop = AtomicBool::new(false);
    let flooded = std::thread::scope(|scope| {
        let floods: Vec<_> = (0..4)
            .map(|n| {
                let (client, stop) = (server.client.clone(), &stop);
                scope.spawn(move || flood(&client, &n.to_string(), usize::MAX, stop))
            })
            .collect();
        let mut connection = Connection::open(&polite).unwrap();
        for n in 0..100 {
            let event = signup(&format!("polite-{n}"), "alice", "192.0.2.7");
            let answer = connection.call("POST", "/v1/decide", "application/json", &event).unwrap();
            assert_eq!(answer.ok()["event_id"], format!("polite-{n}"));
        }
        stop.store(true, Relaxed);
        floods.into_iter().map(|f| f.join().unwrap()).sum::<usize>()
    });
    assert!(flooded > 0);
    let metrics = polite.get("/metrics").body;
    assert!(metrics.contains(&format!("wardroom_events_total {}\n", flooded + 100)), "{metrics}");
    assert!(!metrics.contains("wardroom_events_refused_total{"), "nobody was refused: {metrics}");
    server.stop();
}
