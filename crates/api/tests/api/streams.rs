// SPDX-License-Identifier: Apache-2.0
//! Streams: order, bad lines, back-pressure, and ends of every kind.

use crate::harness::{Answer, Lines, PATH, POLICY, Server, failed, login};
use serde_json::json;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use wardroom_api::Role;

#[tokio::test(flavor = "multi_thread")]
async fn every_line_is_answered_in_order() {
    let server = Server::start().await;
    let text: String = (0..2000).map(|n| format!("{}\n", login(&n.to_string(), "a", "192.0.2.1"))).collect();
    let answers = Lines::all(&server, "", &text).await;
    assert_eq!(answers.len(), 2000);
    let mut last = 0;
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!((&answer["line"], &answer["event_id"]), (&json!(n + 1), &json!(n.to_string())));
        let seq: u64 = answer["decision"].as_str().unwrap().parse().unwrap();
        assert!(seq > last, "numbers follow the lines");
        last = seq;
    }
    assert!(server.engine.status().batches < 1000, "lines go together");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_is_answered_as_soon_as_it_is_there() {
    let server = Server::start().await;
    let mut lines = Lines::open(&server, "?mode=decide").await;
    for n in 0..5 {
        lines.send(&format!("{}\n", failed(&n.to_string()))).await;
        let answer = lines.answer().await.unwrap();
        assert_eq!(answer["line"], n + 1);
        assert_eq!(answer["verdict"], if n < 3 { "allow" } else { "block" });
    }
    lines.end().await;
    assert_eq!(lines.answer().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_lines_are_answered_and_the_stream_goes_on() {
    let server = Server::start().await;
    let long = format!("{{\"client\":\"{}\"}}", "x".repeat(wardroom_api::limits::EVENT_BYTES));
    let again = failed("1");
    let text = format!("{}\r\n\n{{\n{long}\n  \n{{\"type\":\"x\"}}\n{again}\n{}", failed("1"), failed("2"));
    let answers = Lines::all(&server, "", &text).await;
    let check = |n: usize, line: u64, slug: &str| {
        assert_eq!(answers[n]["line"], line, "{answers:?}");
        assert_eq!(answers[n]["problem"]["type"], format!("/problems/{slug}"), "{answers:?}");
    };
    assert_eq!(answers.len(), 6);
    assert_eq!((&answers[0]["line"], &answers[0]["event_id"]), (&json!(1), &json!("1")));
    check(1, 3, "not_json");
    check(2, 4, "too_large");
    check(3, 6, "bad_event");
    assert_eq!(answers[3]["problem"]["faults"][0]["code"], "unknown_type");
    assert_eq!((&answers[4]["line"], &answers[4]["repeated"]), (&json!(7), &json!(true)));
    assert_eq!(answers[4]["decision"], answers[0]["decision"]);
    assert_eq!(
        (&answers[5]["line"], &answers[5]["event_id"]),
        (&json!(8), &json!("2")),
        "the last needs no end"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_line_costs_no_memory_and_no_stream() {
    let server = Server::start().await;
    let mut lines = Lines::open(&server, "").await;
    let piece = "x".repeat(60_000);
    for _ in 0..100 {
        lines.send(&piece).await;
    }
    lines.send(&format!("\n{}\n", failed("1"))).await;
    assert_eq!(lines.answer().await.unwrap()["problem"]["status"], 413);
    assert_eq!(lines.answer().await.unwrap()["event_id"], "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_recorded_when_asked() {
    let server = Server::start().await;
    let answers = Lines::all(&server, "?mode=record", &format!("{}\n{}\n", failed("1"), failed("1"))).await;
    assert_eq!(
        answers[0],
        json!({"line": 1, "record": answers[0]["record"], "event_id": "1", "repeated": false})
    );
    assert_eq!(
        answers[1],
        json!({"line": 2, "record": answers[0]["record"], "event_id": "1", "repeated": true})
    );
    let answers = Lines::all(&server, "?mode=decide", &failed("1")).await;
    assert_eq!(answers[0]["problem"]["type"], "/problems/only_recorded");
    let token = Some(server.token(Role::Ingest));
    for query in ["?mode=both", "?mod=decide"] {
        let path = format!("/v1/stream{query}");
        let answer = server.call("POST", &path, token, Some(("application/x-ndjson", b""))).await;
        answer.problem(400, "bad_query");
    }
    assert_eq!(Lines::all(&server, "", "").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_is_not_read_from_and_holds_nobody() {
    let server = Server::start().await;
    let lines = Lines::narrow(&server).await;
    let (mut write, mut read) = (lines.write, lines.read);
    // Write without reading until nothing moves any more.
    let block: String =
        (0..256).map(|n| format!("{}\n", login(&format!("{{}}-{n}"), "a", "192.0.2.1"))).collect();
    let chunk = |n: u64| {
        let text = block.replace("{}", &n.to_string());
        format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
    };
    let (mut blocks, mut rest) = (0, chunk(0));
    loop {
        let Ok(written) = tokio::time::timeout(Duration::from_millis(700), write.write(&rest)).await else {
            break;
        };
        rest.drain(..written.unwrap());
        if rest.is_empty() {
            blocks += 1;
            assert!(blocks < 2000, "half a million lines were taken in without one answer read");
            rest = chunk(blocks);
        }
    }
    let stuck = server.engine.status().events;

    // Others are served meanwhile.
    let other = tokio::time::timeout(Duration::from_secs(5), server.decide(&failed("other"))).await;
    assert_eq!(other.expect("another client is served").ok()["verdict"], "allow");
    assert!(server.engine.status().events - stuck < 2000, "reading has stopped");

    // As soon as the answers are read, everything moves again and nothing is lost.
    let writing = tokio::spawn(async move {
        write.write_all(&rest).await.unwrap();
        write.write_all(b"0\r\n\r\n").await.unwrap();
        write
    });
    let expected = (blocks + 1) * 256;
    for line in 1..=expected {
        let answer = read.next().await.expect("an answer for every line");
        assert_eq!(answer["line"], line);
    }
    assert_eq!(read.next().await, None);
    writing.await.unwrap();
    assert_eq!(server.engine.status().events, expected + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_takes_nothing_with_it() {
    let server = Server::start().await;
    let mut lines = Lines::open(&server, "").await;
    let text: String = (0..300).map(|n| format!("{}\n", login(&n.to_string(), "a", "192.0.2.1"))).collect();
    lines.send(&text).await;
    assert_eq!(lines.answer().await.unwrap()["line"], 1);
    lines.send("{\"type\":\"login\",\"id\":\"half").await;
    drop(lines);
    assert_eq!(server.decide(&failed("after")).await.ok()["verdict"], "allow");
    let status = server.engine.status();
    assert!((2..=301).contains(&status.events), "half a line is no event: {}", status.events);
    // What was answered is there to be asked for again.
    assert_eq!(server.decide(&login("0", "a", "192.0.2.1")).await.ok()["repeated"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_comes_into_force_in_the_middle_of_a_stream() {
    let server = Server::start().await;
    let mut lines = Lines::open(&server, "").await;
    lines.send(&format!("{}\n", login("1", "a", "192.0.2.1"))).await;
    let before = lines.answer().await.unwrap();
    assert_eq!(before["verdict"], "allow");

    let text = POLICY.replace("ok and accounts >= 2", "ok");
    let body = json!({"files": {PATH: text}}).to_string();
    let token = Some(server.token(Role::Policy));
    let put = server.call("PUT", "/v1/policy", token, Some(("application/json", body.as_bytes()))).await.ok();

    lines.send(&format!("{}\n", login("2", "a", "192.0.2.1"))).await;
    let after = lines.answer().await.unwrap();
    assert_eq!(after["verdict"], "challenge");
    assert_eq!(after["policy"], put["version"]);
    assert_ne!(after["policy"], before["policy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_known_length_is_answered_too() {
    let server = Server::start().await;
    let text = format!("{}\n{}\n", failed("1"), failed("2"));
    let body = Some(("application/jsonl", text.as_bytes()));
    let answer: Answer = server.call("POST", "/v1/stream", Some(server.token(Role::Ingest)), body).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/x-ndjson")));
    assert_eq!(answer.text().lines().count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_lies_still_is_ended_properly() {
    let server = Server::with(|o| o.stream_idle = Duration::from_millis(300)).await;
    let mut lines = Lines::open(&server, "").await;
    lines.send(&format!("{}\n", failed("1"))).await;
    assert_eq!(lines.answer().await.unwrap()["line"], 1);
    lines.send(&failed("half")[..20]).await;
    assert_eq!(lines.answer().await, None, "half a line is no event");
}

/// Who streams and never reads loses its place, and what it had under way was done.
#[tokio::test(flavor = "multi_thread")]
async fn who_never_reads_its_answers_is_cut() {
    let server = Server::with(|o| {
        o.max_connections = 1;
        o.write_timeout = Duration::from_millis(300);
    })
    .await;
    let mut lines = Lines::narrow(&server).await;
    let writing = tokio::spawn(async move {
        let mut n = 0;
        loop {
            let block: String =
                (0..256).map(|i| format!("{}\n", login(&format!("{n}-{i}"), "a", "192.0.2.1"))).collect();
            let chunk = format!("{:x}\r\n{block}\r\n", block.len());
            if lines.write.write_all(chunk.as_bytes()).await.is_err() {
                return lines;
            }
            n += 1;
        }
    });
    let other = tokio::time::timeout(Duration::from_secs(15), server.decide(&failed("other"))).await;
    assert_eq!(other.expect("the place is free again").ok()["verdict"], "allow");
    tokio::time::timeout(Duration::from_secs(15), writing).await.expect("it hears of it").unwrap();
    let status = server.engine.status();
    assert_eq!((status.waiting, status.backlog.outside), (0, 0));
}
