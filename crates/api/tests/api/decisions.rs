// SPDX-License-Identifier: Apache-2.0
//! Decisions are explained, and people's identifiers are masked unless somebody may see them.

use crate::harness::{PATH, POLICY, Server, failed};
use serde_json::{Value, json};
use std::io::Write;
use std::sync::{Arc, Mutex};
use wardroom_api::Role;

/// A blocked login, and its number.
async fn blocked(server: &Server) -> String {
    for n in 0..3 {
        server.decide(&failed(&n.to_string())).await.ok();
    }
    let answer = server.decide(&failed("x").replace("\"id\"", "\"source\":\"/edge\",\"id\"")).await.ok();
    answer["decision"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_explained() {
    let server = Server::start().await;
    let seq = blocked(&server).await;
    let answer = server.get(&format!("/v1/decisions/{seq}"), Role::Read).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let mut explained = answer.ok();
    let definitions: Vec<Value> =
        explained["features"].as_array_mut().unwrap().iter_mut().map(|f| f["definition"].take()).collect();
    assert!(definitions.iter().all(|d| d.as_str().unwrap().contains("login")), "{definitions:?}");
    let field =
        |name: &str, value: Value| json!([{"text": name, "what": "field", "type": "bool", "value": value}]);
    let counted = |name: &str, value: Value, note: &str| json!([{"text": name, "what": "feature", "type": "int", "value": value, "note": note}]);
    let term = |text: &str, holds: &str, parts: Value| json!({"text": text, "holds": holds, "parts": parts});
    let flip = |term: u64, text: &str, alone: bool| json!({"term": term, "text": text, "alone": alone});
    assert_eq!(
        explained["rules"].take(),
        json!([
            {"rule": "ssh.brute_force", "verdict": "block", "mode": "live", "holds": "true",
             "terms": [
                 term("not ok", "true", field("ok", json!(false))),
                 term("failures >= 3", "true", counted("failures", json!(3),
                     "count(login, where=not ok, by=ip, last=\"1h\")")),
             ],
             "flips": [
                 flip(0, "ok is false; it would not hold if it were true", true),
                 flip(1, "failures is 3; at 2 it would not hold", true),
             ]},
            {"rule": "ssh.step_up", "verdict": "challenge", "mode": "live", "holds": "false",
             "terms": [
                 term("ok", "false", json!([])),
                 term("accounts >= 2", "false", counted("accounts", json!(1),
                     "distinct(account, of=login, by=ip, last=\"1d\")")),
             ],
             "flips": [
                 flip(0, "ok is false; it would hold if it were true", false),
                 flip(1, "accounts is 1; at 2 it would hold", false),
             ]},
            {"rule": "ssh.new_device", "verdict": "review", "mode": "shadow", "holds": "unknown",
             "terms": [
                 term("device_logins == 0", "unknown", counted("device_logins", json!(null),
                     "count(login, by=device, last=\"4w2d\")")),
             ],
             "flips": [flip(0, "device_logins is unknown, since device is; the condition hangs on it", false)]},
        ])
    );
    assert_eq!(
        explained,
        json!({
            "rules": null,
            "decision": seq, "event_type": "login", "event_id": "x", "source": "/edge",
            "time": "2026-01-05T12:00:00Z", "received": "2026-01-05T12:00:00Z",
            "fields": [
                {"name": "account", "type": "account", "value": "al…"},
                {"name": "ip", "type": "ip", "value": "203.0.113.7"},
                {"name": "ok", "type": "bool", "value": false},
                {"name": "device", "type": "device", "value": null},
                {"name": "client", "type": "text", "value": null},
            ],
            "policy": server.engine.active().program.version.to_string(), "policy_in_force": true,
            "verdict": "block", "ask": null,
            "signals": [
                {"rule": "ssh.brute_force", "verdict": "block", "mode": "live",
                 "because": "3 failed logins from 203.0.113.7; now for al…"},
                {"rule": "ssh.new_device", "verdict": "review", "mode": "shadow", "missing": true,
                 "because": "no login from this device yet"},
            ],
            "features": [
                {"id": "ssh.failures", "type": "int", "value": 3, "definition": null,
                 "from": "2026-01-05T11:00:00Z", "to": "2026-01-05T12:00:00Z"},
                {"id": "ssh.accounts", "type": "int", "value": 1, "definition": null,
                 "from": "2026-01-04T12:00:00Z", "to": "2026-01-05T12:00:00Z"},
                {"id": "ssh.device_logins", "type": "int", "value": null, "definition": null,
                 "from": "2025-12-06T12:00:00Z", "to": "2026-01-05T12:00:00Z"},
            ],
            "effects": [], "unknown": ["ssh.device_logins"], "degraded": false, "masked": true,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_outlives_its_policy() {
    let server = Server::start().await;
    let seq = blocked(&server).await;
    let body = json!({"files": {PATH: POLICY.replace(">= 3", ">= 4")}}).to_string();
    let token = Some(server.token(Role::Policy));
    server.call("PUT", "/v1/policy", token, Some(("application/json", body.as_bytes()))).await.ok();
    let explained = server.get(&format!("/v1/decisions/{seq}"), Role::Read).await.ok();
    assert_eq!((&explained["verdict"], &explained["policy_in_force"]), (&json!("block"), &json!(false)));
    assert_eq!(explained["features"][0], json!({"id": "ssh.failures", "type": "int", "value": 3}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_shown_without_a_verdict() {
    let server = Server::start().await;
    let seq = server.record(&failed("r")).await.ok()["record"].as_str().unwrap().to_owned();
    let shown = server.get(&format!("/v1/decisions/{seq}"), Role::Read).await.ok();
    assert_eq!(
        (&shown["verdict"], &shown["signals"], &shown["features"]),
        (&json!(null), &json!([]), &json!([]))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_found_by_its_event() {
    let server = Server::start().await;
    let seq = blocked(&server).await;
    let found = server.get("/v1/decisions?event=x&source=%2Fedge", Role::Read).await.ok();
    assert_eq!(found["decision"], seq);
    assert_eq!(server.get("/v1/decisions?event=0", Role::Read).await.ok()["event_id"], "0");
    for query in ["event=x", "event=x&source=/other", "event=nope"] {
        server.get(&format!("/v1/decisions?{query}"), Role::Read).await.problem(404, "no_decision");
    }
    for query in ["", "?source=/edge", "?evnt=x", "?event=x&reveal=perhaps"] {
        server.get(&format!("/v1/decisions{query}"), Role::Read).await.problem(400, "bad_query");
    }
    // The first record is the policy itself: no decision.
    for id in ["0", "1", "999999", "18446744073709551616", "-1", "x", "%00"] {
        server.get(&format!("/v1/decisions/{id}"), Role::Read).await.problem(404, "no_decision");
    }
    server.get("/v1/decisions/1?all=true", Role::Read).await.problem(400, "bad_query");
}

/// What was logged, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// On one thread, so that the log of this test is its own.
#[tokio::test]
async fn who_sees_people_whole_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = Server::start().await;
    let seq = blocked(&server).await;
    let path = format!("/v1/decisions/{seq}?reveal=true");
    let problem = server.get(&path, Role::Read).await.problem(403, "missing_role");
    assert!(problem["detail"].as_str().unwrap().contains("`reveal`"));
    server.get(&path, Role::Reveal).await.problem(403, "missing_role");
    let text = || String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(!text().contains("revealed"), "{}", text());

    let both = server.token_of(&[Role::Read, Role::Reveal]);
    for path in [path, "/v1/decisions?event=x&source=/edge&reveal=true".to_owned()] {
        let shown = server.call("GET", &path, Some(&both), None).await.ok();
        assert_eq!((&shown["fields"][0]["value"], &shown["masked"]), (&json!("alice"), &json!(false)));
        let because = shown["signals"][0]["because"].as_str().unwrap();
        assert!(because.ends_with("now for alice"), "{because}");
    }
    let text = text();
    assert_eq!(text.matches("revealed").count(), 2, "{text}");
    assert!(text.contains("key=\"both\"") && text.contains(&format!("decision={seq}")), "{text}");
    assert!(!text.contains("alice") && !text.contains("wk_"), "{text}");
}
