// SPDX-License-Identifier: Apache-2.0
//! More than can be done, over real sockets with the sequencer at rest: who is refused, whose fault that is said to be,
//! when to come back; and that nobody pays for another's flood.

use crate::harness::{Lines, Server, failed, login};
use std::fmt::Write as _;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use wardroom_api::{Keys, Role};
use wardroom_engine::limits;

/// Requests on connections of their own, none of them waited for.
struct Flood(Vec<TcpStream>);

impl Flood {
    /// As many single events as `count`, with the sequencer at rest; ends when they wait.
    async fn of(server: &Server, token: &str, count: usize) -> Flood {
        let mut streams = Vec::new();
        for n in 0..count {
            let event = login(&format!("flood {n}"), "a", "192.0.2.1");
            let request = format!(
                "POST /v1/decide HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\n\r\n{event}",
                event.len()
            );
            let mut stream = server.connect().await;
            stream.write_all(request.as_bytes()).await.unwrap();
            streams.push(stream);
        }
        until(|| server.engine.status().waiting >= count).await;
        Flood(streams)
    }
}

async fn until(mut so: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never is");
}

/// Hands over events under a key until no more are taken.
async fn fill(server: &Server, client: wardroom_engine::Client) -> Vec<tokio::task::JoinHandle<()>> {
    let mut under_way = Vec::new();
    loop {
        let json = failed(&format!("fill {}", under_way.len()));
        let event = server.engine.intake(json.as_bytes(), crate::harness::NOW).unwrap();
        let engine = server.engine.clone();
        let waiting = server.engine.status().waiting;
        let task = tokio::spawn(async move {
            let _ = engine.submit_for(client, vec![event], wardroom_engine::Work::Decide).await;
        });
        // Either it waits now, or it was refused and has ended.
        until(|| task.is_finished() || server.engine.status().waiting > waiting).await;
        if task.is_finished() {
            return under_way;
        }
        under_way.push(task);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_floods_is_refused_and_another_is_answered() {
    let server = Server::start().await;
    let greedy = server.token_of(&[Role::Ingest]);
    let rest = server.engine.pause().await.unwrap();
    let flood = Flood::of(&server, &greedy, 50).await;
    // The key's number is what the token says.
    let number = u64::from_str_radix(greedy.split('_').nth(1).unwrap(), 16).unwrap();
    let filled = fill(&server, wardroom_engine::Client::new(number)).await;
    assert_eq!(flood.0.len() + filled.len(), limits::QUEUE / 2);

    let body = Some(("application/json", failed("more")));
    let body = body.as_ref().map(|(kind, text)| (*kind, text.as_bytes()));
    let refused = server.call("POST", "/v1/decide", Some(&greedy), body).await;
    let header: u64 = refused.header("retry-after").expect("when to come back").parse().unwrap();
    let problem = refused.problem(429, "share_used");
    assert!((1..=30).contains(&header));
    assert_eq!(problem["retry_after_secs"], header);
    assert!(problem["detail"].as_str().unwrap().contains("this one has its share"), "{problem}");

    // Another key is taken, and answered as soon as the sequencer goes on: before the flood is.
    let event = failed("other");
    let other = server.decide(&event);
    tokio::pin!(other);
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut other).await.is_err(), "it waits");
    drop(rest);
    let answer = other.await.ok();
    let number: usize = answer["decision"].as_str().unwrap().parse().unwrap();
    assert!(number < limits::WORK_EVENTS + 20, "{number} records before it");
    for task in filled {
        task.await.unwrap();
    }
    let text = server.get("/metrics", Role::Read).await.text();
    assert!(text.contains(r#"wardroom_events_refused_total{why="share_used"} 1"#), "{text}");
}

/// One key with many streams has one share, and leaves room in it for single events.
#[tokio::test(flavor = "multi_thread")]
async fn many_streams_of_a_key_share_its_share() {
    let server = Server::start().await;
    let greedy = server.token_of(&[Role::Ingest]);
    let rest = server.engine.pause().await.unwrap();
    let mut streams = Vec::new();
    let mut sent = 0;
    for _ in 0..40 {
        let mut lines = Lines::with(&server, "", &greedy).await;
        let mut text = String::new();
        for _ in 0..1000 {
            let _ = writeln!(text, "{}", login(&sent.to_string(), "a", "192.0.2.1"));
            sent += 1;
        }
        lines.send(&text).await;
        streams.push(lines);
    }
    until(|| server.engine.status().backlog.outside >= 10).await;
    let backlog = server.engine.status().backlog;
    assert!(backlog.events <= limits::QUEUE_EVENTS / 3, "{backlog:?}");
    assert_eq!(backlog.clients, 1);
    // Another key's stream is not behind them.
    let mut other = Lines::open(&server, "").await;
    other.send(&format!("{}\n", failed("other"))).await;
    until(|| server.engine.status().backlog.clients == 2).await;
    drop(rest);
    let answer = other.answer().await.unwrap();
    let number: usize = answer["decision"].as_str().unwrap().parse().unwrap();
    // A turn may end with a piece that began in it.
    assert!(number < 2 * limits::WORK_EVENTS + 20, "{number} records before it");
    for mut lines in streams {
        for line in 1..=1000 {
            assert_eq!(lines.answer().await.unwrap()["line"], line);
        }
    }
    assert_eq!(server.engine.status().events, sent + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_a_limit_of_its_own() {
    let server = Server::start().await;
    let path = server.dir.path().join("keys.toml");
    let limited = server.token_of(&[Role::Ingest]);
    let text = std::fs::File::open(&path).and_then(std::io::read_to_string).unwrap();
    // The last in the file is the one just made.
    std::fs::write(&path, format!("{text}rate = \"4/h\"\nburst = 2\n")).unwrap();
    server.api.replace_keys(Keys::load(&path).unwrap());
    let decide = async |id: &str| {
        let event = failed(id);
        server.call("POST", "/v1/decide", Some(&limited), Some(("application/json", event.as_bytes()))).await
    };
    decide("1").await.ok();
    decide("2").await.ok();
    let refused = decide("3").await;
    assert_eq!(refused.header("retry-after"), Some("30"), "bounded");
    let problem = refused.problem(429, "rate_limited");
    assert!(problem["detail"].as_str().unwrap().contains("this key's own"), "{problem}");
    // Reading the keys anew forgives nothing; other keys have no limit.
    server.api.replace_keys(Keys::load(&path).unwrap());
    decide("4").await.problem(429, "rate_limited");
    server.decide(&failed("5")).await.ok();
    // A stream is slowed down and not refused; and a stop does not wait for it.
    let mut lines = Lines::with(&server, "", &limited).await;
    lines.send(&format!("{}\n", failed("6"))).await;
    let waits = tokio::time::timeout(Duration::from_millis(300), lines.answer()).await;
    assert!(waits.is_err(), "its time has not come");
    let mut server = server;
    let stopped = server.stop();
    assert_eq!(lines.answer().await, None);
    drop(lines);
    tokio::time::timeout(Duration::from_secs(5), stopped).await.expect("it stops").unwrap();
    assert_eq!(server.engine.status().events, 3);
}
