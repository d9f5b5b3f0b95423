// SPDX-License-Identifier: Apache-2.0
//! Backtests over HTTP: begun, watched, fetched in two forms, removed; and what cannot be done is said.

use crate::harness::{Server, failed};
use serde_json::{Value, json};
use std::time::Duration;
use wardroom_api::Role;

const JSON: &str = "application/json";
const RULE: &str = "rule brute_force on login:\n    when    not ok and failures >= 1\n    then    block\n    because \"{failures} from {ip} for {account}\"\n";

async fn begin(server: &Server, ask: &Value) -> crate::harness::Answer {
    let body = ask.to_string();
    let token = Some(server.token(Role::Read));
    server.call("POST", "/v1/backtests", token, Some((JSON, body.as_bytes()))).await
}

async fn done(server: &Server, id: &str) -> Value {
    for _ in 0..1000 {
        let found = server.get(&format!("/v1/backtests/{id}"), Role::Read).await.ok();
        if !matches!(found["state"].as_str(), Some("waiting" | "running")) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it does not end")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backtest_is_begun_watched_fetched_and_removed() {
    let server = Server::start().await;
    for n in 0..6 {
        server.decide(&failed(&n.to_string())).await.ok();
    }
    let ask = json!({"rule": RULE, "to": "2026-01-06", "limits": {"max_new_blocks": 1}, "title": "stricter"});
    let begun = begin(&server, &ask).await;
    assert_eq!(begun.status, 202, "{}", begun.text());
    let id = begun.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/backtests/{id}");
    assert_eq!(begun.header("location"), Some(&*path));
    let found = done(&server, &id).await;
    assert_eq!(
        (&found["state"], &found["passes"], &found["title"]),
        (&json!("done"), &json!(false), &json!("stricter"))
    );
    let report = &found["report"];
    // Served failures are 0 to 5; from three on it was blocked.
    assert_eq!(report["rules"][0]["measures"]["hits"]["all"], 5);
    assert_eq!((&report["change"]["new_blocks"], &report["rules"][0]["before"]), (&json!(2), &json!(3)));
    assert_eq!(report["broken"][0]["limit"], "max_new_blocks");
    assert!(
        report["rules"][0]["examples"][0]["because"].as_str().unwrap().ends_with("from 203.0.113.7 for al…")
    );
    assert_eq!(begin(&server, &ask).await.json()["id"], json!(id), "the same over the same past");
    let listed = server.get("/v1/backtests", Role::Read).await.ok();
    assert_eq!((&listed["backtests"][0]["id"], listed["backtests"][0].get("report")), (&json!(id), None));
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAuthorization: Bearer {}\r\nAccept: text/markdown\r\n\r\n",
        server.token(Role::Read)
    );
    let page = server.raw(head.as_bytes()).await;
    assert!(
        page.header("content-type").unwrap().starts_with("text/markdown")
            && page.text().starts_with("## stricter")
    );
    let remove = async || server.call("DELETE", &path, Some(server.token(Role::Read)), None).await;
    assert_eq!(remove().await.status, 204);
    remove().await.problem(404, "no_backtest");
    server.get(&path, Role::Read).await.problem(404, "no_backtest");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_said() {
    let server = Server::start().await;
    let check = async |ask: Value, status: u16, kind: &str| {
        begin(&server, &ask).await.problem(status, kind);
    };
    check(json!({"rulle": RULE}), 400, "not_json").await;
    check(json!({"rule": RULE, "reveal": true}), 403, "missing_role").await;
    server.get("/v1/backtests/b_000000000000", Role::Read).await.problem(404, "no_backtest");
    let nobody = server.call("GET", "/v1/backtests", Some(server.token(Role::Ingest)), None).await;
    nobody.problem(403, "missing_role");
    for (ask, why) in [
        (json!({"rules": ["ssh.brut_force"]}), "did you mean `ssh.brute_force`?"),
        (json!({"rule": RULE, "from": "soon"}), "`from` is no time"),
    ] {
        let id = begin(&server, &ask).await.json()["id"].as_str().unwrap().to_owned();
        let found = done(&server, &id).await;
        assert_eq!(found["state"], "failed");
        assert!(found["error"].as_str().unwrap().contains(why), "{found}");
    }
    let id = begin(&server, &json!({"rule": RULE.replace("failures >=", "failurs >=")})).await.json()["id"]
        .clone();
    let path = format!("/v1/backtests/{}", id.as_str().unwrap());
    for _ in 0..1000 {
        let answer = server.get(&path, Role::Read).await;
        if answer.status == 422 {
            assert!(answer.text().contains("failurs"));
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it is not refused");
}
