// SPDX-License-Identifier: Apache-2.0
//! Cases: listed by deadline, shown with what there is to know, taken by one, closed once, and opened again by undoing.

use crate::harness::{Answer, NOW, Server, login};
use serde_json::{Value, json};
use std::sync::Arc;
use wardroom_api::{Deadlines, Keys, Role};
use wardroom_engine::{Engine, Origin};
use wardroom_event::Span;
use wardroom_policy::Bundle;

const POLICY: &str = r#"
event login:
    account: account
    ip: ip
    ok: bool
    device: device?
    client: text?

event owner_report:
    account: account
    about:   text
    mine:    bool

rule odd on login:
    when    ip == "203.0.113.7"
    then    review, case("slow"), case("fast")
    because "{account} from {ip}"

rule reported on owner_report:
    when    not mine
    then    block
    because "{account} says so"
"#;

/// A server with a past, whose policy opens two cases for what comes from one address.
async fn start() -> Server {
    let server = Server::with_past(|options| {
        options.deadlines = Deadlines {
            usual: Span(24 * 3_600_000_000),
            by_queue: [("fast".into(), Span(60_000_000))].into(),
        };
    })
    .await;
    server.engine.swap(Bundle::single("a.ward", POLICY), Origin::Api, NOW).await.unwrap();
    server
}

/// What a binary's thread does all the time.
async fn open_cases(engine: &Arc<Engine>, now: wardroom_event::Micros) {
    let outbox = engine.outbox().clone();
    tokio::task::spawn_blocking(move || while outbox.look(now).unwrap() {}).await.unwrap();
    engine.outbox().write(false).await.unwrap();
}

async fn post(server: &Server, path: &str, body: Value) -> Answer {
    let bytes = body.to_string();
    let token = Some(server.token(Role::Act));
    server.call("POST", path, token, Some(("application/json", bytes.as_bytes()))).await
}

async fn list(server: &Server, query: &str) -> Vec<Value> {
    let said = server.get(&format!("/v1/cases{query}"), Role::Read).await.ok();
    said["cases"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_goes_from_its_opening_to_its_closing_and_back() {
    let server = start().await;
    assert!(list(&server, "").await.is_empty());
    server.decide(&login("1", "alice", "203.0.113.7")).await.ok();
    server.decide(&login("2", "bob", "192.0.2.1")).await.ok();
    // An hour ago: one deadline is over.
    open_cases(&server.engine, NOW.minus(Span(3_600_000_000))).await;
    let cases = list(&server, "").await;
    let brief = |case: &Value| {
        let text = |name: &str| case[name].as_str().unwrap().to_owned();
        format!(
            "{} {} {} {} {}",
            text("queue"),
            text("state"),
            text("account").split('·').next().unwrap(),
            text("due"),
            case["overdue"]
        )
    };
    assert_eq!(
        cases.iter().map(brief).collect::<Vec<_>>(),
        ["fast open al… 2026-01-05T11:01:00Z true", "slow open al… 2026-01-06T11:00:00Z false"]
    );
    assert_eq!((&cases[0]["age_secs"], &cases[0]["event_type"]), (&json!(3600), &json!("login")));
    assert_eq!(list(&server, "?state=overdue").await.len(), 1);
    assert_eq!(list(&server, "?state=all&queue=slow").await.len(), 1);
    assert_eq!(list(&server, "?limit=1").await.len(), 1);
    let both = server.token_of(&[Role::Read, Role::Reveal]);
    let whole = server.call("GET", "/v1/cases?reveal=true", Some(&both), None).await.ok();
    assert_eq!(whole["cases"][0]["account"], "alice");
    server.get("/v1/cases?reveal=true", Role::Read).await.problem(403, "missing_role");
    server.get("/v1/cases?state=new", Role::Read).await.problem(400, "bad_query");
    server.get("/v1/cases?limit=1001", Role::Read).await.problem(400, "bad_query");
    let metrics = server.get("/metrics", Role::Read).await.text();
    assert!(
        metrics.contains("wardroom_cases_waiting 2") && metrics.contains("wardroom_cases_overdue 1"),
        "{metrics}"
    );

    let key = cases[0]["key"].as_str().unwrap().to_owned();
    let path = |what: &str| format!("/v1/cases/{key}/{what}");
    let taken = post(&server, &path("claim"), json!({"note": "mine"})).await.ok();
    assert_eq!(
        (&taken["case"]["state"], &taken["case"]["claimed"]["by"]),
        (&json!("claimed"), &json!("act-key"))
    );
    assert_eq!(taken["case"]["claimed"]["note"], "mine");
    // Of the other queue nothing was said.
    assert_eq!(list(&server, "?state=open").await.len(), 1);
    let other = {
        let file = server.dir.path().join("keys.toml");
        let token = Keys::issue(&file, "other", &[Role::Act], NOW).unwrap().token.expose().to_owned();
        server.api.replace_keys(Keys::load(&file).unwrap());
        token
    };
    let as_other = async |body: &[u8]| {
        server.call("POST", &path("claim"), Some(&other), Some(("application/json", body))).await
    };
    as_other(b"{}").await.problem(409, "wrong_state");
    assert_eq!(as_other(b"{\"take_over\":true}").await.ok()["case"]["claimed"]["by"], "other");

    post(&server, &path("close"), json!({"outcome": "thief"})).await.problem(422, "bad_act");
    post(&server, &path("close"), json!({"outcome": "owner", "note": "x".repeat(1025)}))
        .await
        .problem(422, "bad_act");
    let closed = post(&server, &path("close"), json!({"outcome": "attacker", "note": "seen"})).await.ok();
    let word = &closed["case"]["closed"];
    assert_eq!(
        (&word["outcome"], &word["note"], &word["by"]),
        (&json!("attacker"), &json!("seen"), &json!("act-key"))
    );
    assert_eq!(closed["case"]["overdue"], false);
    post(&server, &path("close"), json!({"outcome": "owner"})).await.problem(409, "wrong_state");
    post(&server, &path("claim"), json!({})).await.problem(409, "wrong_state");
    let event = closed["case"]["decision"].as_str().unwrap().to_owned();
    let labels = async || server.get(&format!("/v1/labels?subject=event:{event}"), Role::Read).await.ok();
    let known = labels().await;
    assert_eq!(
        (&known["class"], &known["labels"]),
        (&json!("abuse"), &json!(["abuse", "case.claimed", "case.closed.attacker"]))
    );
    assert_eq!(known["opinions"][0]["source"], "case:fast");

    // Undone, it is open again; the label beside is undone by itself.
    let acts = closed["acts"].as_array().unwrap().clone();
    assert_eq!(acts.len(), 2);
    for act in acts {
        post(&server, &format!("/v1/acts/{}/undo", act.as_str().unwrap()), json!({})).await.ok();
    }
    let again = list(&server, "?state=overdue").await;
    assert_eq!((&again[0]["state"], &again[0]["claimed"]["by"]), (&json!("claimed"), &json!("other")));
    assert_eq!(labels().await["class"], Value::Null);
    let unclear = post(&server, &path("close"), json!({"outcome": "unclear"})).await.ok();
    assert_eq!(unclear["acts"].as_array().unwrap().len(), 1);
    assert_eq!(labels().await["class"], Value::Null);

    post(&server, "/v1/cases/1/claim", json!({})).await.problem(404, "no_case");
    post(&server, "/v1/cases/1/close", json!({"outcome": "owner"})).await.problem(404, "no_case");
    server.get("/v1/cases/1", Role::Read).await.problem(404, "no_case");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_shows_what_there_is_to_know() {
    let server = start().await;
    for n in 0..60 {
        server.decide(&login(&format!("a{n}"), "alice", "192.0.2.1")).await.ok();
    }
    server.decide(&login("b", "bob", "203.0.113.7")).await.ok();
    server.decide(&login("c", "alice", "203.0.113.7")).await.ok();
    let report = r#"{"type":"owner_report","id":"r","account":"alice","about":"c","mine":false}"#;
    server.decide(report).await.ok();
    open_cases(&server.engine, NOW).await;
    let said =
        json!({"labels": [{"subject": {"account": "alice"}, "label": "abuse", "source": "import:desk"}]});
    post(&server, "/v1/labels", said).await.ok();
    let cases = list(&server, "?state=all").await;
    assert_eq!(cases.len(), 4);
    let mine = cases
        .iter()
        .find(|c| c["queue"] == "slow" && c["account"].as_str().unwrap().starts_with("al"))
        .unwrap();
    let path = format!("/v1/cases/{}", mine["key"].as_str().unwrap());
    let found = server.get(&path, Role::Read).await.ok();
    assert_eq!((&found["case"]["key"], &found["notes"]), (&mine["key"], &json!([])));
    assert_eq!(
        (&found["decision"]["verdict"], &found["decision"]["event_id"]),
        (&json!("review"), &json!("c"))
    );
    // The other queue's case of the same account, and none of bob's.
    let others = found["cases"].as_array().unwrap();
    assert_eq!((others.len(), &others[0]["queue"]), (1, &json!("fast")));
    let events = found["events"].as_array().unwrap();
    assert_eq!(
        (events.len(), &events[0]["verdict"], &events[0]["rules"]),
        (49, &json!("review"), &json!(["odd"]))
    );
    assert!(
        events
            .iter()
            .all(|e| e["type"] == "login" && e["fields"]["account"].as_str().unwrap().starts_with("al…"))
    );
    assert_eq!(
        (&found["reports"][0]["fields"]["mine"], &found["reports"][0]["verdict"]),
        (&json!("false"), &json!("block"))
    );
    assert_eq!(found["labels"]["account"][0]["source"], "import:desk");
    assert!(!found.to_string().contains("alice"), "{found}");
    let both = server.token_of(&[Role::Read, Role::Reveal]);
    let whole = server.call("GET", &format!("{path}?reveal=true"), Some(&both), None).await.ok();
    assert_eq!(
        (&whole["events"][0]["fields"]["account"], &whole["case"]["account"]),
        (&json!("alice"), &json!("alice"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_of_many_times_over_is_taken_by_one() {
    let server = start().await;
    server.decide(&login("1", "alice", "203.0.113.7")).await.ok();
    open_cases(&server.engine, NOW).await;
    let key = list(&server, "?queue=slow").await[0]["key"].as_str().unwrap().to_owned();
    let file = server.dir.path().join("keys.toml");
    let mut tokens = Vec::new();
    for n in 0..6 {
        tokens
            .push(Keys::issue(&file, &format!("p{n}"), &[Role::Act], NOW).unwrap().token.expose().to_owned());
    }
    server.api.replace_keys(Keys::load(&file).unwrap());
    let path = format!("/v1/cases/{key}/claim");
    let all =
        tokens.iter().map(|token| server.call("POST", &path, Some(token), Some(("application/json", b"{}"))));
    let all = futures_util::future::join_all(all).await;
    let statuses: Vec<u16> = all.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 5, "{statuses:?}");
}
