// SPDX-License-Identifier: Apache-2.0
//! The policy in force is shown, checked and changed, whole or not at all.

use crate::harness::{Answer, PATH, POLICY, Server, login};
use serde_json::json;
use wardroom_api::Role;

const JSON: &str = "application/json";

async fn put(server: &Server, text: &str, condition: Option<&str>) -> Answer {
    let body = json!({"files": {PATH: text}}).to_string();
    let condition = condition.map_or(String::new(), |c| format!("If-Match: {c}\r\n"));
    let head = format!(
        "PUT /v1/policy HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAuthorization: Bearer {}\r\n{condition}\
         Content-Type: {JSON}\r\nContent-Length: {}\r\n\r\n{body}",
        server.token(Role::Policy),
        body.len()
    );
    server.raw(head.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_in_force_is_shown() {
    let server = Server::start().await;
    let answer = server.get("/v1/policy", Role::Read).await;
    let version = server.engine.active().program.version.to_string();
    assert_eq!(answer.header("etag"), Some(&*format!("\"{version}\"")));
    let shown = answer.ok();
    assert_eq!((&shown["version"], &shown["origin"]), (&json!(version), &json!("directory")));
    assert_eq!(shown["files"], json!([{"path": PATH, "bytes": POLICY.len()}]));
    let feature = &shown["features"][0];
    assert_eq!((&feature["id"], &feature["since"]), (&json!("ssh.failures"), &json!("2026-01-05T12:00:00Z")));
    assert!(feature["definition"].as_str().unwrap().contains("count"), "{feature}");
    let state = (&feature["state"], &feature["progress"], &feature["estimate_seconds"]);
    assert_eq!(state, (&json!("ready"), &json!(1.0), &json!(null)));
    assert_eq!(
        shown["rules"],
        json!([
            {"id": "ssh.brute_force", "on": "login", "mode": "live", "verdict": "block", "owner": "abuse-desk"},
            {"id": "ssh.step_up", "on": "login", "mode": "live", "verdict": "challenge", "owner": null},
            {"id": "ssh.new_device", "on": "login", "mode": "shadow", "verdict": "review", "owner": null},
        ])
    );
    assert_eq!(server.get("/v1/policy/files", Role::Read).await.ok(), json!({"files": {PATH: POLICY}}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_checked_and_not_put_in_force() {
    let server = Server::start().await;
    let before = server.engine.active().program.version.clone();
    let token = Some(server.token(Role::Policy));
    let good = json!({"files": {PATH: POLICY.replace(">= 3", ">= 9")}}).to_string();
    let checked = server.call("POST", "/v1/policy/check", token, Some((JSON, good.as_bytes()))).await.ok();
    assert_eq!((&checked["ok"], &checked["diagnostics"]), (&json!(true), &json!([])));

    let bad = POLICY.replace("failures >= 3", "failurs >= 3 and nothing");
    let text = Some(("text/plain; charset=utf-8", bad.as_bytes()));
    let checked = server.call("POST", "/v1/policy/check", token, text).await.ok();
    assert_eq!(checked["ok"], false);
    let first = &checked["diagnostics"][0];
    assert_eq!((&first["severity"], &first["at"]["file"]), (&json!("error"), &json!("main.ward")));
    assert!(first["at"]["line"].as_u64().unwrap() > 1);
    let rendered = checked["rendered"].as_str().unwrap();
    assert!(rendered.contains("--> main.ward:") && rendered.contains("failures"), "{rendered}");
    assert_eq!(server.engine.active().program.version, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_put_in_force_whole() {
    let server = Server::start().await;
    let before = server.engine.active().program.version.to_string();
    assert_eq!(server.decide(&login("1", "a", "192.0.2.1")).await.ok()["policy"], before);
    let answer = put(&server, &POLICY.replace("ok and accounts >= 2", "ok"), None).await;
    let etag = answer.header("etag").unwrap().to_owned();
    let accepted = answer.ok();
    assert_eq!((&accepted["warnings"], &accepted["rendered"]), (&json!([]), &json!("")));
    assert_eq!(etag, format!("{}", accepted["version"]));
    let shown = server.get("/v1/policy", Role::Read).await.ok();
    assert_eq!((&shown["version"], &shown["origin"]), (&accepted["version"], &json!("api")));
    let decided = server.decide(&login("2", "a", "192.0.2.1")).await.ok();
    assert_eq!((&decided["policy"], &decided["verdict"]), (&accepted["version"], &json!("challenge")));

    let broken = put(&server, &POLICY.replace("brute_force on login", "brute_force on logn"), None).await;
    let problem = broken.problem(422, "bad_policy");
    let diagnostics = problem["diagnostics"].as_array().unwrap();
    assert!(diagnostics.iter().any(|d| d["severity"] == "error"), "{problem}");
    assert!(problem["rendered"].as_str().unwrap().contains("login"), "{problem}");
    assert_eq!(server.get("/v1/policy", Role::Read).await.ok()["version"], accepted["version"]);
}

/// A feature that a policy brings anew is shown as warming, and unknown, until its past is counted.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_feature_is_shown_as_warming() {
    let server = Server::start().await;
    server.decide(&login("1", "a", "192.0.2.1")).await.ok();
    server.engine.pause_warming(true);
    let text = format!("{POLICY}\nfeature logins = count(login, by=ip, last=\"1h\")\n");
    let text = text.replace("failures >= 3", "failures >= 3 or logins >= 2");
    put(&server, &text, None).await.ok();
    let logins = async || {
        let shown = server.get("/v1/policy", Role::Read).await.ok();
        let features = shown["features"].as_array().unwrap();
        let ready = features.iter().filter(|f| f["state"] == "ready").count();
        (features.iter().find(|f| f["id"] == "ssh.logins").unwrap().clone(), features.len() - ready)
    };
    let (shown, warming) = logins().await;
    assert_eq!((&shown["state"], &shown["since"], warming), (&json!("warming"), &json!(null), 1));
    assert_eq!((&shown["progress"], &shown["estimate_seconds"]), (&json!(0.0), &json!(null)));
    let metrics = server.get("/metrics", Role::Read).await.text();
    assert!(metrics.contains("\nwardroom_features_warming 1\n"), "{metrics}");
    let decided = server.decide(&login("2", "a", "192.0.2.1")).await.ok();
    assert_ne!(decided["verdict"], "block", "it knows nothing yet");

    server.engine.pause_warming(false);
    while !server.engine.warming().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let (shown, warming) = logins().await;
    assert_eq!((&shown["state"], &shown["progress"], warming), (&json!("ready"), &json!(1.0), 0));
    assert!(shown["since"].is_string(), "{shown}");
    assert_eq!(server.decide(&login("3", "a", "192.0.2.1")).await.ok()["verdict"], "block");
    let metrics = server.get("/metrics", Role::Read).await.text();
    assert!(metrics.contains("\nwardroom_events_backfilled_total 2\n"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn warnings_come_with_their_places() {
    let server = Server::start().await;
    let text = format!("{POLICY}\nfeature idle = count(login, by=ip, last=\"1h\")\n");
    let accepted = put(&server, &text, None).await.ok();
    assert_eq!(accepted["warnings"][0]["severity"], "warning", "{accepted}");
    assert_eq!(accepted["warnings"][0]["at"]["file"], PATH);
    assert!(accepted["rendered"].as_str().unwrap().contains("idle"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_precondition_keeps_two_writers_apart() {
    let server = Server::start().await;
    let first = server.engine.active().program.version.to_string();
    let second = put(&server, &POLICY.replace(">= 3", ">= 4"), Some(&format!("\"{first}\""))).await.ok();
    let problem = put(&server, &POLICY.replace(">= 3", ">= 5"), Some(&format!("\"{first}\""))).await;
    let problem = problem.problem(412, "policy_changed");
    assert!(problem["detail"].as_str().unwrap().contains(second["version"].as_str().unwrap()));
    put(&server, POLICY, Some(&first)).await.problem(400, "bad_precondition");
    put(&server, POLICY, Some("*")).await.ok();
    let version = server.get("/v1/policy", Role::Read).await.ok()["version"].clone();
    assert_eq!(version, first, "the same text has the same version");

    // Of many at once under the same condition one wins.
    let texts: Vec<String> = (10..18).map(|n| POLICY.replace(">= 3", &format!(">= {n}"))).collect();
    let condition = format!("\"{first}\"");
    let puts = texts.iter().map(|text| put(&server, text, Some(&condition)));
    let answers = futures_util::future::join_all(puts).await;
    assert_eq!(answers.iter().filter(|a| a.status == 200).count(), 1);
    assert_eq!(answers.iter().filter(|a| a.status == 412).count(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_policy_are_refused() {
    let server = Server::start().await;
    let token = Some(server.token(Role::Policy));
    let check = async |kind: &str, body: &[u8], status: u16, slug: &str| {
        for (method, path) in [("PUT", "/v1/policy"), ("POST", "/v1/policy/check")] {
            server.call(method, path, token, Some((kind, body))).await.problem(status, slug);
        }
    };
    check("text/html", b"", 415, "wrong_content_type").await;
    check(JSON, b"{", 400, "not_json").await;
    check(JSON, br#"{"files":{},"fils":{}}"#, 400, "not_json").await;
    check(JSON, br#"{"files":{}}"#, 422, "bad_policy").await;
    check(JSON, br#"{"files":{"../x.ward":""}}"#, 422, "bad_policy").await;
    check("text/plain", b"\xff", 422, "bad_policy").await;
    let large = vec![b'#'; wardroom_api::limits::POLICY_BYTES + 1];
    check("text/plain", &large, 413, "too_large").await;
    assert_eq!(server.engine.active().origin.name(), "directory");
}
