// SPDX-License-Identifier: Apache-2.0
//! Connections: slow ones, broken ones, too many, and the end of the server.

use crate::harness::{Answer, Lines, Server, failed};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wardroom_api::Role;

fn decide_head(server: &Server, length: usize) -> String {
    let token = server.token(Role::Ingest);
    format!(
        "POST /v1/decide HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    )
}

/// How long until the server closes.
async fn closed(stream: &mut TcpStream) -> Duration {
    let began = Instant::now();
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest))
        .await
        .expect("it closes");
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_trickles_in_is_cut_off() {
    let server = Server::with(|o| o.head_timeout = Duration::from_millis(300)).await;
    let stream = server.connect().await;
    let (mut read, mut write) = stream.into_split();
    let dripping = tokio::spawn(async move {
        for byte in b"GET /healthz HTTP/1.1\r\nHost: a-very-long-name-that-comes-byte-by-byte".iter().cycle()
        {
            if write.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let began = Instant::now();
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), read.read_to_end(&mut rest))
        .await
        .expect("it is cut off");
    assert!(began.elapsed() >= Duration::from_millis(250));
    dripping.abort();
    // One that says nothing, too.
    assert!(closed(&mut server.connect().await).await < Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_http_is_turned_away() {
    let server = Server::start().await;
    let check = async |bytes: &[u8], status: u16| {
        let answer = server.raw(bytes).await;
        assert_eq!(answer.status, status, "{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(60)]));
    };
    check(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400).await;
    check(b"GET / HTTP/1.1\r\nHost t\r\n\r\n", 400).await;
    let long = format!("GET /healthz HTTP/1.1\r\nHost: t\r\nX: {}\r\n\r\n", "x".repeat(64 * 1024));
    check(long.as_bytes(), 431).await;
    let two = b"POST /v1/decide HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}";
    check(two, 400).await;
    // HTTP/2 has no answer that its speakers would understand.
    let mut two = server.connect().await;
    two.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    assert!(closed(&mut two).await < Duration::from_secs(5));
    assert_eq!(server.call("GET", "/healthz", None, None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_serves_many_requests() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    // Three at once, answered in order.
    let mut all = String::new();
    for n in 0..3 {
        let event = failed(&n.to_string());
        all += &decide_head(&server, event.len());
        all += &event;
    }
    all += "GET /healthz HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
    stream.write_all(all.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 4, "{text}");
    let places: Vec<_> = (0..3).map(|n| text.find(&format!("\"event_id\":\"{n}\"")).unwrap()).collect();
    assert!(places.is_sorted());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_too_many_waits_its_turn() {
    let server = Server::with(|o| o.max_connections = 2).await;
    let (one, _two) = (server.connect().await, server.connect().await);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let third = server.call("GET", "/healthz", None, None);
    tokio::pin!(third);
    let waits = tokio::time::timeout(Duration::from_millis(300), &mut third).await;
    assert!(waits.is_err(), "it is not served yet");
    drop(one);
    assert_eq!(third.await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_answers_what_is_under_way() {
    let mut server = Server::start().await;
    let event = failed("1");
    let mut half = server.connect().await;
    half.write_all(decide_head(&server, event.len()).as_bytes()).await.unwrap();
    half.write_all(&event.as_bytes()[..10]).await.unwrap();
    let mut lines = Lines::open(&server, "").await;
    lines.send(&format!("{}\n", failed("2"))).await;
    assert_eq!(lines.answer().await.unwrap()["event_id"], "2");
    let mut idle = server.connect().await;
    tokio::time::sleep(Duration::from_millis(100)).await;

    let stopped = server.stop();
    // A stream is ended properly, an idle connection closed, a new one refused.
    assert_eq!(lines.answer().await, None);
    closed(&mut idle).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(server.addr).await.is_err());
    // The request under way is still read and answered.
    half.write_all(&event.as_bytes()[10..]).await.unwrap();
    let answer = Answer::read(&mut half).await.ok();
    assert_eq!(answer["event_id"], "1");
    drop(lines);
    tokio::time::timeout(Duration::from_secs(5), stopped).await.expect("it stops").unwrap();
    assert_eq!(server.engine.status().events, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_stream_ends_after_its_batch() {
    let mut server = Server::start().await;
    let mut lines = Lines::open(&server, "").await;
    let mut stopped = None;
    for n in 0..2000 {
        if n == 1000 {
            stopped = Some(server.stop());
        }
        // The server stops reading; what is still in the way is read and dropped, so writing goes on for a while.
        let text = format!("{}\n", failed(&n.to_string()));
        let chunk = format!("{:x}\r\n{text}\r\n", text.len());
        if lines.write.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut answered = 0;
    while let Some(answer) = lines.answer().await {
        answered += 1;
        assert_eq!(answer["line"], answered, "no answer is left out");
    }
    drop(lines);
    stopped.unwrap().await.unwrap();
    assert!(answered < 2000);
    assert_eq!(server.engine.status().events, answered, "what was recorded was answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_grace_has_an_end() {
    let mut server = Server::with(|o| o.grace = Duration::from_millis(200)).await;
    let mut half = server.connect().await;
    half.write_all(decide_head(&server, 100).as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    server.stop().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5));
    closed(&mut half).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_and_never_reads_gives_its_place_back() {
    let server = Server::with(|o| {
        o.max_connections = 1;
        o.write_timeout = Duration::from_millis(300);
    })
    .await;
    let mut deaf = server.connect().await;
    // Far more answers than the system keeps for a peer.
    let asked = "GET /openapi.json HTTP/1.1\r\nHost: t\r\n\r\n".repeat(1000);
    deaf.write_all(asked.as_bytes()).await.unwrap();
    let other = server.call("GET", "/healthz", None, None);
    let other = tokio::time::timeout(Duration::from_secs(10), other).await;
    assert_eq!(other.expect("the place is free again").status, 200);
}

/// Answers that are read a byte at a time hold a place no longer than those that are not read.
#[tokio::test(flavor = "multi_thread")]
async fn who_reads_next_to_nothing_gives_its_place_back() {
    let server = Server::with(|o| {
        o.max_connections = 1;
        o.write_timeout = Duration::from_millis(500);
    })
    .await;
    let mut drip = server.connect().await;
    let asked = "GET /openapi.json HTTP/1.1\r\nHost: t\r\n\r\n".repeat(1000);
    drip.write_all(asked.as_bytes()).await.unwrap();
    let dripping = tokio::spawn(async move {
        let mut byte = [0; 1];
        while drip.read_exact(&mut byte).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let other = server.call("GET", "/healthz", None, None);
    let other = tokio::time::timeout(Duration::from_secs(10), other).await;
    assert_eq!(other.expect("the place is free again").status, 200);
    dripping.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_lies_still_is_given_up() {
    let server = Server::with(|o| o.body_idle = Duration::from_millis(200)).await;
    let mut half = server.connect().await;
    half.write_all(decide_head(&server, 100).as_bytes()).await.unwrap();
    half.write_all(b"{\"type\":").await.unwrap();
    let problem = Answer::read(&mut half).await.problem(408, "slow_body");
    assert!(problem["detail"].as_str().unwrap().contains("nothing of it came"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_lies_idle_is_closed() {
    let server = Server::with(|o| o.head_timeout = Duration::from_millis(300)).await;
    let mut kept = server.connect().await;
    kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n").await.unwrap();
    let answer = Answer::read(&mut kept).await;
    assert_eq!(answer.status, 200);
    // And is closed without a word: the answer was the last that came.
    assert!(answer.body.ends_with(b"}"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_only_so_many_connections() {
    let server = Server::with(|o| o.max_connections_per_address = 2).await;
    let (one, mut two) = (server.connect().await, server.connect().await);
    two.write_all(b"GET /healthz HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut third = server.connect().await;
    assert!(closed(&mut third).await < Duration::from_secs(5), "it is closed at once");
    assert_eq!(Answer::read(&mut two).await.status, 200);
    drop((one, two));
    // Their places are free again, as soon as the server has seen it.
    for _ in 0..200 {
        let mut next = server.connect().await;
        let asked = next.write_all(b"GET /healthz HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n").await;
        let mut text = String::new();
        if asked.is_ok() && next.read_to_string(&mut text).await.is_ok() && text.starts_with("HTTP/1.1 200") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the places are not given back");
}
