// SPDX-License-Identifier: Apache-2.0
//! What describes the API is true: its OpenAPI document, its page in the book, its metrics.

use crate::harness::{Lines, PATH, POLICY, Server, failed};
use serde_json::{Value, json};
use std::io::Read;
use std::path::{Path, PathBuf};
use wardroom_api::Role;

pub(crate) fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub(crate) fn text_of(path: &str) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(here(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    file.take(4 << 20).read_to_string(&mut text).unwrap();
    text
}

/// With `BLESS=1` the file is written anew instead; then look at the difference.
#[test]
#[allow(clippy::disallowed_methods, reason = "a test's own switch")]
fn the_description_is_the_one_reviewed() {
    let document = wardroom_api::document() + "\n";
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(here("tests/openapi.json"), &document).unwrap();
    }
    let same = text_of("tests/openapi.json") == document;
    assert!(same, "the API's description changed; run with BLESS=1 and review the difference");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_served() {
    let server = Server::start().await;
    let served = server.call("GET", "/openapi.json", None, None).await.ok();
    assert_eq!(served, serde_json::from_str::<Value>(&wardroom_api::document()).unwrap());
    assert!(served["openapi"].as_str().unwrap().starts_with("3."));
    assert_eq!(served["components"]["securitySchemes"]["key"]["scheme"], "bearer");
}

/// Every `$ref` leads somewhere.
#[test]
fn the_description_is_whole() {
    let document: Value = serde_json::from_str(&wardroom_api::document()).unwrap();
    let mut refs = 0;
    let mut todo = vec![&document];
    while let Some(value) = todo.pop() {
        match value {
            Value::Object(members) => {
                if let Some(target) = members.get("$ref") {
                    refs += 1;
                    let pointer = target.as_str().unwrap().trim_start_matches('#');
                    assert!(document.pointer(pointer).is_some(), "{target}");
                }
                todo.extend(members.values());
            }
            Value::Array(items) => todo.extend(items),
            _ => {}
        }
    }
    assert!(refs > 50, "{refs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_told() {
    let server = Server::start().await;
    assert_eq!(server.call("GET", "/healthz", None, None).await.ok(), json!({"ok": true}));
    let version = server.engine.active().program.version.to_string();
    assert_eq!(
        server.call("GET", "/readyz", None, None).await.ok(),
        json!({"ready": true, "policy": version})
    );
    assert_eq!(server.call("HEAD", "/healthz", None, None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_add_up() {
    let server = Server::start().await;
    for n in 0..4 {
        server.decide(&failed(&n.to_string())).await.ok();
    }
    server.decide(&failed("0")).await.ok();
    server.decide("{}").await.problem(422, "bad_event");
    server.call("GET", "/nowhere", None, None).await.problem(404, "no_route");
    Lines::all(&server, "", &format!("{{\n{}\n", failed("s"))).await;
    let answer = server.get("/metrics", Role::Read).await;
    assert!(answer.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    let text = answer.text();
    for line in [
        r#"wardroom_requests_total{route="/v1/decide",status="200"} 5"#,
        r#"wardroom_requests_total{route="/v1/decide",status="422"} 1"#,
        r#"wardroom_requests_total{route="other",status="404"} 1"#,
        r#"wardroom_request_seconds_count{route="/v1/decide"} 6"#,
        r#"wardroom_decisions_total{verdict="block"} 2"#,
        r#"wardroom_decisions_total{verdict="allow"} 3"#,
        r#"wardroom_signals_total{rule="ssh.brute_force",mode="live"} 2"#,
        r#"wardroom_signals_total{rule="ssh.new_device",mode="shadow"} 5"#,
        "wardroom_events_total 5",
        "wardroom_events_repeated_total 1",
        r#"wardroom_events_refused_total{why="bad_event"} 1"#,
        r#"wardroom_events_refused_total{why="not_json"} 1"#,
        "wardroom_journal_failed 0",
        "wardroom_features_warming 0",
        "wardroom_events_backfilled_total 0",
        "wardroom_queue_waiting 0",
        "wardroom_queue_events 0",
        "wardroom_queue_clients 0",
        "wardroom_queue_wait_seconds_count 6",
        r#"wardroom_queue_wait_seconds_bucket{le="+Inf"} 6"#,
        r#"wardroom_queue_wait_seconds_bucket{le="10.0"} 6"#,
        "wardroom_sequencer_event_seconds_count 6",
        "wardroom_commit_seconds_sum ",
        "wardroom_decision_seconds_count 6",
        "wardroom_sequencer_busy_seconds_total 0.",
        "wardroom_connections ",
        "wardroom_state_bytes ",
        "wardroom_state_keys ",
        "wardroom_state_pairs ",
        "wardroom_batches_total ",
        "wardroom_journal_seq ",
        "# EOF",
    ] {
        assert!(text.lines().any(|l| l.starts_with(line)), "{line}\n{text}");
    }

    // A rule that is gone takes its figures with it.
    let body = json!({"files": {PATH: POLICY.replace("brute_force", "guessing")}}).to_string();
    let token = Some(server.token(Role::Policy));
    server.call("PUT", "/v1/policy", token, Some(("application/json", body.as_bytes()))).await.ok();
    let text = server.get("/metrics", Role::Read).await.text();
    assert!(!text.contains("ssh.brute_force") && text.contains("ssh.new_device"), "{text}");
}

/// The page names every type of problem with its status, and every route.
#[test]
fn the_page_names_everything() {
    let page = text_of("../../docs/src/api.md");
    for problem in wardroom_api::PROBLEMS {
        let row = format!("| `{}` | {} |", problem.slug, problem.status);
        assert!(page.contains(&row), "the page lacks the row {row}");
    }
    let document: Value = serde_json::from_str(&wardroom_api::document()).unwrap();
    for path in document["paths"].as_object().unwrap().keys() {
        assert!(page.contains(&format!("`{path}`")), "the page lacks {path}");
    }
}
