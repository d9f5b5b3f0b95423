// SPDX-License-Identifier: Apache-2.0
//! One event in, one answer out; and everything that can be wrong with it.

use crate::harness::{NOW, Server, failed, login};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use wardroom_api::Role;

const JSON: &str = "application/json";

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_decided_with_its_reasons() {
    let server = Server::start().await;
    for n in 0..3 {
        let answer = server.decide(&failed(&n.to_string())).await.ok();
        assert_eq!(answer["verdict"], "allow", "{answer}");
    }
    let answer = server.decide(&failed("7f1c")).await.ok();
    let version = server.engine.active().program.version.to_string();
    let seq = answer["decision"].as_str().unwrap().parse::<u64>().unwrap();
    assert!(seq > 3);
    assert_eq!(
        answer,
        json!({
            "decision": seq.to_string(), "event_id": "7f1c", "verdict": "block", "ask": null, "policy": version,
            "signals": [
                {"rule": "ssh.brute_force", "verdict": "block", "mode": "live",
                 "because": "3 failed logins from 203.0.113.7; now for al…"},
                {"rule": "ssh.new_device", "verdict": "review", "mode": "shadow", "missing": true,
                 "because": "no login from this device yet"},
            ],
            "repeated": false,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_says_what_to_ask_for() {
    let server = Server::start().await;
    for account in ["alice", "bob"] {
        server.decide(&login(account, account, "198.51.100.1")).await.ok();
    }
    let answer = server.decide(&login("3", "carol", "198.51.100.1")).await.ok();
    assert_eq!((&answer["verdict"], &answer["ask"]), (&json!("challenge"), &json!("second factor")));
}

#[tokio::test(flavor = "multi_thread")]
async fn both_forms_of_an_event_are_read() {
    let server = Server::start().await;
    let cloud = r#"{"specversion":"1.0","type":"login","source":"/edge/1","id":"a","time":"2026-01-05T11:00:00Z",
                    "data":{"account":"alice","ip":"2001:db8::1","ok":true}}"#;
    let token = Some(server.token(Role::Ingest));
    for kind in [JSON, "application/cloudevents+json", "application/cloudevents+json; charset=UTF-8"] {
        let answer = server.call("POST", "/v1/decide", token, Some((kind, cloud.as_bytes()))).await.ok();
        assert_eq!(answer["event_id"], "a");
        assert_eq!(answer["repeated"], kind != JSON, "the same source and id");
    }
    let bare = r#"{"type":"login","account":"alice","ip":"2001:db8::1","ok":true}"#;
    let (one, two) = (server.decide(bare).await.ok(), server.decide(bare).await.ok());
    assert_ne!(one["event_id"], two["event_id"], "each gets an id of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_gives_the_same_decision() {
    let server = Server::start().await;
    for n in 0..3 {
        server.decide(&failed(&n.to_string())).await.ok();
    }
    let mut first = server.decide(&failed("x")).await.ok();
    let again = server.decide(&failed("x")).await.ok();
    assert_eq!(first["verdict"], "block");
    first["repeated"] = json!(true);
    assert_eq!(again, first);
    let recorded = server.record(&failed("x")).await.ok();
    assert_eq!(recorded, json!({"record": first["decision"], "event_id": "x", "repeated": true}));
    let other = server.decide(&failed("x").replace("\"id\"", "\"source\":\"/b\",\"id\"")).await.ok();
    assert_eq!(other["repeated"], false, "another sender's id is another id");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_event_counts_and_is_not_judged() {
    let server = Server::start().await;
    for n in 0..3 {
        let answer = server.record(&failed(&n.to_string())).await.ok();
        assert_eq!(answer["repeated"], false);
        assert_eq!(answer["event_id"], n.to_string());
        assert!(answer.get("verdict").is_none());
    }
    server.decide(&failed("0")).await.problem(409, "only_recorded");
    assert_eq!(server.decide(&failed("new")).await.ok()["verdict"], "block");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_all_told_with_their_place() {
    let server = Server::start().await;
    let event = r#"{"type":"login","acount":"alice","ip":"nowhere","ok":1,"time":"2027-01-05T10:00:00Z"}"#;
    let problem = server.decide(event).await.problem(422, "bad_event");
    let faults = problem["faults"].as_array().unwrap();
    let pointers: Vec<_> =
        faults.iter().map(|f| (f["pointer"].as_str().unwrap(), f["code"].as_str().unwrap())).collect();
    assert_eq!(
        pointers,
        [
            ("/acount", "unknown_field"),
            ("/ip", "wrong_value"),
            ("/ok", "wrong_value"),
            ("", "missing_field"),
            ("/time", "future_time")
        ],
        "{problem}"
    );
    assert!(problem["detail"].as_str().unwrap().contains("did you mean `account`?"));

    let check = async |event: &str, status: u16, slug: &str, code: &str| {
        let problem = server.decide(event).await.problem(status, slug);
        assert_eq!(problem["faults"][0]["code"], code, "{problem}");
    };
    check("", 400, "not_json", "not_json").await;
    check("{", 400, "not_json", "not_json").await;
    check("{\"a\":\u{0}}", 400, "not_json", "not_json").await;
    check(&"[".repeat(100), 400, "not_json", "not_json").await;
    check("[]", 422, "bad_event", "not_an_object").await;
    check("{}", 422, "bad_event", "missing_attribute").await;
    check(r#"{"type":"logn"}"#, 422, "bad_event", "unknown_type").await;
    let many: String = (0..100).map(|n| format!(",\"f{n}\":1")).collect();
    let problem = server.record(&format!("{{\"type\":\"login\"{many}}}")).await.problem(422, "bad_event");
    assert_eq!(problem["faults"].as_array().unwrap().len(), 32);
    assert!(problem["more"].as_u64().unwrap() > 60);
    assert_eq!(server.engine.status().events, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_content_types_are_refused() {
    let server = Server::start().await;
    let token = Some(server.token(Role::Ingest));
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/x-ndjson", ""] {
        let answer = server.call("POST", "/v1/decide", token, Some((kind, failed("1").as_bytes()))).await;
        answer.problem(415, "wrong_content_type");
    }
    let batch = Some(("application/cloudevents-batch+json", b"[]".as_slice()));
    let problem = server.call("POST", "/v1/decide", token, batch).await.problem(415, "wrong_content_type");
    assert!(problem["detail"].as_str().unwrap().contains("/v1/stream"), "{problem}");
    let problem = server.call("POST", "/v1/stream", token, Some((JSON, b"{}"))).await;
    problem.problem(415, "wrong_content_type");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_too_large_is_refused_however_it_comes() {
    let server = Server::start().await;
    let token = server.token(Role::Ingest);
    let limit = wardroom_api::limits::EVENT_BYTES;
    let text = "x".repeat(limit);
    let event = format!(r#"{{"type":"login","account":"a","ip":"192.0.2.1","ok":true,"client":"{text}"}}"#);
    server.decide(&event).await.problem(413, "too_large");

    // Announced, and never sent.
    let head = |how: &str| {
        format!(
            "POST /v1/decide HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {token}\r\nContent-Type: {JSON}\r\n{how}\r\n\r\n"
        )
    };
    let began = Instant::now();
    let answer = server.raw(head("Content-Length: 99999999999").as_bytes()).await;
    answer.problem(413, "too_large");
    assert!(began.elapsed() < Duration::from_secs(5), "nothing was waited for");

    // Not announced: refused as soon as it turns out so, and the sender, who goes on for 8 MiB, can read that.
    let mut stream = server.connect().await;
    stream.write_all(head("Transfer-Encoding: chunked").as_bytes()).await.unwrap();
    let chunk = format!("{:x}\r\n{text}\r\n", text.len());
    for _ in 0..128 {
        if stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    crate::harness::Answer::read(&mut stream).await.problem(413, "too_large");

    // The largest that fits is read.
    let fits = format!("{}{}", failed("fits"), " ".repeat(limit - failed("fits").len()));
    assert_eq!(fits.len(), limit);
    server.decide(&fits).await.ok();
    server.decide(&format!("{fits} ")).await.problem(413, "too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_is_given_up() {
    let server = Server::with(|o| o.body_timeout = Duration::from_millis(100)).await;
    let token = server.token(Role::Ingest);
    let head = format!(
        "POST /v1/decide HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {token}\r\nContent-Type: {JSON}\r\n\
         Content-Length: 100\r\n\r\n{{"
    );
    server.raw(head.as_bytes()).await.problem(408, "slow_body");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_methods_are_told() {
    let server = Server::start().await;
    let problem = server.call("GET", "/v1/nothing", None, None).await.problem(404, "no_route");
    assert!(problem["detail"].as_str().unwrap().contains("/openapi.json"));
    let answer = server.call("GET", "/v1/decide", None, None).await;
    assert_eq!(answer.header("allow"), Some("POST"));
    answer.problem(405, "wrong_method");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_engine_sends_its_callers_away() {
    let server = Server::start().await;
    server.engine.close().await;
    let answer = server.decide(&failed("1")).await;
    assert_eq!(answer.header("retry-after"), Some("5"));
    answer.problem(503, "closing");
    let text = format!("{}\n{}\n", failed("1"), failed("2"));
    let answers = crate::harness::Lines::all(&server, "", &text).await;
    assert_eq!(answers.len(), 2);
    assert!(answers.iter().all(|a| a["problem"]["type"] == "/problems/closing"), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn arrival_is_what_the_clock_says() {
    let server = Server::start().await;
    let seq = server.decide(&failed("1")).await.ok()["decision"].as_str().unwrap().parse().unwrap();
    let stored = server.engine.decision(seq).unwrap().unwrap();
    assert_eq!((stored.received, stored.time), (NOW, NOW));
}
