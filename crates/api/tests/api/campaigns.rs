// SPDX-License-Identifier: Apache-2.0
//! Campaigns over HTTP: what is refused, and that nothing is found where there is nothing. What is found, masked and acted on is
//! tried end to end.

use crate::harness::Server;
use arrow_schema::SchemaRef;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use wardroom_api::Role;
use wardroom_event::Micros;
use wardroom_history::query::{Part, QueryError, Source, Wants};

/// A past in which nothing happened.
struct Nothing;

impl Source for Nothing {
    fn schema(&self, _: &str) -> Result<Option<SchemaRef>, QueryError> {
        Ok(None)
    }

    fn parts(
        &self,
        event: &str,
        _: &Wants,
        _: Option<Micros>,
        _: &Arc<AtomicBool>,
    ) -> Result<Vec<Part>, QueryError> {
        panic!("{event} is not there, and is read")
    }
}

async fn sweep(server: &Server, body: &str) -> crate::harness::Answer {
    let body = Some(("application/json", body.as_bytes()));
    server.call("POST", "/v1/campaigns/sweep", Some(server.token(Role::Act)), body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_happened_there_is_no_campaign() {
    let server = Server::with(|options| options.past = Some(Arc::new(Nothing))).await;
    let listed = server.get("/v1/campaigns?since=7d", Role::Read).await.json();
    assert_eq!(listed["campaigns"], serde_json::json!([]));
    assert_eq!((&listed["signups"], &listed["complete"]), (&0.into(), &true.into()));
    assert_eq!(
        (listed["from"].as_str(), listed["to"].as_str()),
        (Some("2025-12-29T12:00:00Z"), Some("2026-01-05T12:00:00Z"))
    );
    server.get("/v1/campaigns/any-2026-01-05-abcd", Role::Read).await.problem(404, "no_campaign");
    let swept = sweep(&server, r#"{"dry_run": false}"#).await.json();
    assert_eq!(swept, serde_json::json!({ "suspects": [], "count": 0 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_is_refused_and_revealing_takes_its_role() {
    let server = Server::with(|options| options.past = Some(Arc::new(Nothing))).await;
    for query in ["since=yesterday", "until=-7d", "timeout=2h", "of=x"] {
        let path = format!("/v1/campaigns?{query}");
        let answer = server.get(&path, Role::Read).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
    }
    server.get("/v1/campaigns/x?reveal=true", Role::Read).await.problem(403, "missing_role");
    for body in [r#"{"above": 0.2}"#, r#"{"above": 1.5}"#, r#"{"labels": "x"}"#, "7"] {
        sweep(&server, body).await.problem(422, "bad_act");
    }
    sweep(&server, r#"{"reveal": true}"#).await.problem(403, "missing_role");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_history_there_is_nothing_to_look_at() {
    let server = Server::start().await;
    server.get("/v1/campaigns", Role::Read).await.problem(501, "no_history");
    sweep(&server, "{}").await.problem(501, "no_history");
}
