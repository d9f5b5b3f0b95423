// SPDX-License-Identifier: Apache-2.0
//! Requests have names, and traces go to who wants them.

use crate::harness::Server;
use std::sync::{Arc, Mutex};
use wardroom_api::{Attribute, Role, Span, Traces};

const EVENT: &str = r#"{"type":"login","id":"7f1c","account":"alice","ip":"203.0.113.7","ok":false}"#;
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A request with one more header, on a connection of its own.
async fn post(server: &Server, path: &str, header: &str, kind: &str, body: &str) -> crate::harness::Answer {
    let token = server.token(Role::Ingest);
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{header}\
         Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    server.raw(request.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_keeps_a_sane_name_and_gets_one_otherwise() {
    let server = Server::start().await;
    let named = async |header: &str| {
        let answer = post(&server, "/v1/decide", header, "application/json", EVENT).await;
        assert_eq!(answer.status, 200);
        answer.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(named("X-Request-Id: edge-1/7f\r\n").await, "edge-1/7f");
    let made = [named("").await, named("X-Request-Id: two words\r\n").await];
    for id in &made {
        assert!(id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    }
    assert_ne!(made[0], made[1]);
    let lost = server.call("GET", "/nowhere", None, None).await;
    assert!(lost.header("x-request-id").is_some(), "whatever comes of it");
}

/// Keeps what it is given, and wants nothing of its own.
#[derive(Default)]
struct Kept(Mutex<Vec<Span>>);

impl Traces for Kept {
    fn wants(&self, _: [u8; 16]) -> bool {
        false
    }

    fn take(&self, spans: Vec<Span>) {
        self.0.lock().unwrap().extend(spans);
    }

    fn figures(&self) -> (u64, u64) {
        (self.0.lock().unwrap().len() as u64, 0)
    }
}

fn text(span: &Span, key: &str) -> String {
    match span.attributes.iter().find(|(name, _)| *name == key) {
        Some((_, Attribute::Text(text))) => text.to_string(),
        Some((_, Attribute::Int(n))) => n.to_string(),
        Some((_, Attribute::Bool(b))) => b.to_string(),
        None => String::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_traced_request_has_its_stages_and_its_decision() {
    let kept = Arc::new(Kept::default());
    let traces = kept.clone();
    let server = Server::with(move |options| options.traces = Some(traces)).await;
    post(&server, "/v1/decide", "", "application/json", EVENT).await.ok();
    assert_eq!(kept.figures().0, 0, "nobody wants it");

    let parent = format!("traceparent: {PARENT}\r\n");
    let answer = post(&server, "/v1/decide", &parent, "application/json", EVENT).await.ok();
    let spans = std::mem::take(&mut *kept.0.lock().unwrap());
    let names: Vec<&str> = spans.iter().map(|s| s.name).collect();
    assert_eq!(names, ["request", "read", "intake", "queue", "judge", "commit", "reply"]);
    let root = &spans[0];
    assert!(root.is_request && !root.failed && root.trace_id[..2] == [0x4b, 0xf9]);
    assert_eq!(root.parent, Some([0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]));
    for (key, expect) in [
        ("http.route", "/v1/decide"),
        ("http.response.status_code", "200"),
        ("wardroom.key", "ingest-key"),
        ("wardroom.decision", answer["decision"].as_str().unwrap()),
        ("wardroom.verdict", "allow"),
        ("wardroom.event_type", "login"),
        ("wardroom.repeated", "true"),
    ] {
        assert_eq!(text(root, key), expect, "{key}");
    }
    for stage in &spans[1..] {
        assert_eq!((stage.parent, stage.trace_id), (Some(root.id), root.trace_id));
        assert!(root.start_nanos <= stage.start_nanos && stage.end_nanos <= root.end_nanos, "{stage:?}");
    }
    // Nobody's name is in it.
    assert!(!format!("{spans:?}").contains("alice") && !format!("{spans:?}").contains("203.0.113"));

    post(&server, "/v1/decide", &parent, "application/json", "{}").await.problem(422, "bad_event");
    let spans = std::mem::take(&mut *kept.0.lock().unwrap());
    assert_eq!((text(&spans[0], "wardroom.problem"), spans[0].failed), ("bad_event".to_owned(), false));

    let lines = format!("{EVENT}\n{{\n");
    let answers = post(&server, "/v1/stream", &parent, "application/x-ndjson", &lines).await;
    assert_eq!(answers.status, 200);
    let spans = std::mem::take(&mut *kept.0.lock().unwrap());
    let names: Vec<&str> = spans.iter().map(|s| s.name).collect();
    assert_eq!(names, ["request", "batch"]);
    assert_eq!((text(&spans[1], "wardroom.lines").as_str(), spans[1].parent), ("2", Some(spans[0].id)));
}
