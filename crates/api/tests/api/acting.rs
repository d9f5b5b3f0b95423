// SPDX-License-Identifier: Apache-2.0
//! Acting over HTTP: labels with disagreement, files line by line, lists, and a job from its preview to its undoing.

use crate::harness::{Answer, NOW, Server, login};
use serde_json::{Value, json};
use std::time::Duration;
use wardroom_api::{Options, Role};
use wardroom_engine::Origin;
use wardroom_history::act::Runner;
use wardroom_policy::Bundle;

const POLICY: &str = r#"
event login:
    account: account
    ip: ip
    ok: bool
    device: device?
    client: text?

list watched: ip
list ours: net = ["10.0.0.0/8"]

rule thief on login:
    when    labelled(account, "abuse")
    then    block
    because "{account}"

rule watch on login:
    when    ip in watched or ip in ours
    then    review
    because "{ip}"
"#;

async fn start(change: impl FnOnce(&mut Options)) -> (Server, Runner) {
    let server = Server::with(change).await;
    let bundle = Bundle::single("a.ward", POLICY);
    server.engine.swap(bundle, Origin::Api, NOW).await.unwrap();
    let runner = Runner::start(server.engine.clone(), || NOW).unwrap();
    (server, runner)
}

async fn post(server: &Server, path: &str, role: Role, body: &Value) -> Answer {
    let bytes = body.to_string();
    server.call("POST", path, Some(server.token(role)), Some(("application/json", bytes.as_bytes()))).await
}

async fn act(server: &Server, path: &str, body: Value) -> Answer {
    post(server, path, Role::Act, &body).await
}

async fn verdict(server: &Server, id: &str, account: &str, ip: &str) -> (String, String) {
    let said = server.decide(&login(id, account, ip)).await.ok();
    (said["decision"].as_str().unwrap().to_owned(), said["verdict"].as_str().unwrap().to_owned())
}

/// Waits until a job is where it is to be.
async fn until(server: &Server, id: &str, state: &str) -> Value {
    for _ in 0..400 {
        let job = server.get(&format!("/v1/jobs/{id}"), Role::Read).await.ok();
        if job["state"] == state {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the job does not become {state}");
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_are_opinions_of_their_sources() {
    let (server, _runner) = start(|_| ()).await;
    let (event, said) = verdict(&server, "1", "ann", "192.0.2.1").await;
    assert_eq!(said, "allow");
    let answer = act(
        &server,
        "/v1/labels",
        json!({"labels": [
            {"subject": {"account": "ann"}, "label": "abuse", "confidence": 0.9, "expires": "1d", "note": "seen"},
            {"subject": {"account": "ann"}, "label": "good", "source": "import:desk"},
            {"subject": {"event": event}, "label": "good"},
            {"subject": {"event": {"id": "1"}}, "label": "odd"},
            {"subject": {"acount": "ann"}, "label": "abuse"},
            {"subject": {"account": "ann"}, "label": "abuse", "source": "rule:thief"},
            {"subject": {"event": "100000"}, "label": "good"},
        ]}),
    );
    let said = answer.await.ok();
    let labels = said["labels"].as_array().unwrap();
    assert_eq!((&labels[0]["before"], &labels[0]["after"]), (&json!(false), &json!("2026-01-06T12:00:00Z")));
    assert!(
        labels[1]["act"].is_string() && labels[2]["act"].is_string() && labels[3]["act"].is_string(),
        "{said}"
    );
    let refused = |n: usize| labels[n]["refused"].as_str().unwrap().to_owned();
    assert!(refused(4).contains("did you mean `account`"), "{said}");
    assert!(refused(5).contains("`import:NAME`") && refused(6).contains("no event with number"), "{said}");
    assert_eq!(verdict(&server, "2", "ann", "192.0.2.1").await.1, "block");

    let known = server.get("/v1/labels?subject=account:ann", Role::Read).await.ok();
    assert_eq!((&known["class"], &known["labels"]), (&json!("disputed"), &json!(["abuse", "good"])));
    assert_eq!(known["opinions"].as_array().unwrap().len(), 2);
    assert_eq!(known["opinions"][0]["source"], "key:act-key");
    let later =
        server.get("/v1/labels?subject=account:ann&as_of=2026-01-06T12:00:00Z", Role::Read).await.ok();
    assert_eq!(later["class"], "good", "the one is over");
    let before =
        server.get("/v1/labels?subject=account:ann&as_of=2026-01-05T11:59:59Z", Role::Read).await.ok();
    assert_eq!(before["opinions"], json!([]), "nothing was known then");

    let number = labels[0]["act"].as_str().unwrap();
    let undone = act(&server, &format!("/v1/acts/{number}/undo"), json!({})).await.ok();
    assert_eq!((&undone["restored"], &undone["left"]), (&json!(1), &json!([])));
    let known = server.get("/v1/labels?subject=account:ann", Role::Read).await.ok();
    assert_eq!((&known["class"], known["opinions"].as_array().unwrap().len()), (&json!("good"), 2));
    assert_eq!(verdict(&server, "3", "ann", "192.0.2.1").await.1, "allow");
    act(&server, "/v1/acts/1/undo", json!({})).await.problem(404, "no_act");
    act(&server, "/v1/labels", json!({"lables": []})).await.problem(422, "bad_act");
    server.get("/v1/labels?subject=ann", Role::Read).await.problem(400, "bad_query");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_labels_is_read_line_by_line_and_once() {
    let (server, _runner) = start(|_| ()).await;
    let csv = "subject,label,confidence\naccount:ann,abuse,0.9\naccount:bob,abuse,high\nip:nowhere,abuse,\naccount:eve,abuse,\n";
    let import = async |key: &str, kind: &str, text: &str| {
        let head = format!(
            "POST /v1/labels/import?source=import:bank HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
             Idempotency-Key: {key}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            server.token(Role::Act),
            text.len()
        );
        server.raw(format!("{head}{text}").as_bytes()).await
    };
    let answer = import("week 1", "text/csv", csv).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let said = answer.json();
    assert_eq!(said["labels"], 2);
    let lines: Vec<&Value> = said["faults"].as_array().unwrap().iter().map(|f| &f["line"]).collect();
    assert_eq!(lines, [3, 4]);
    let job = said["job"].as_str().unwrap().to_owned();
    let done = until(&server, &job, "done").await;
    assert_eq!((&done["counts"]["made"], &done["planned_by"]), (&json!(2), &json!("act-key")));
    assert_eq!(
        import("week 1", "text/csv", csv).await.json()["job"],
        json!(job),
        "asking twice is asking once"
    );
    assert_ne!(import("week 2", "text/csv", csv).await.json()["job"], json!(job));
    let known = server.get("/v1/labels?subject=account:eve", Role::Read).await.ok();
    assert_eq!(known["opinions"][0]["source"], "import:bank");
    assert_eq!(verdict(&server, "1", "eve", "192.0.2.1").await.1, "block");
    let nd = "{\"subject\":\"account:joe\",\"label\":\"abuse\"}\n";
    assert_eq!(import("n", "application/x-ndjson", nd).await.status, 202);
    import("x", "text/csv", "who,label\n").await.problem(422, "bad_act");
    import("x", "text/csv", "subject,label\nnobody,x\n").await.problem(422, "bad_act");
    import("x", "application/json", "{}").await.problem(415, "wrong_content_type");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_looked_at_and_changed() {
    let (server, _runner) = start(|_| ()).await;
    let lists = server.get("/v1/lists", Role::Read).await.ok();
    assert_eq!(
        lists["lists"].as_array().unwrap().iter().find(|l| l["id"] == "watched").unwrap().clone(),
        json!({"id": "watched", "type": "ip", "matching": "same", "entries": 0, "changes": true})
    );
    let said = act(
        &server,
        "/v1/lists/watched/entries",
        json!({"put": ["192.0.2.9", "no address"], "expires": "1h"}),
    );
    let said = said.await.ok();
    assert_eq!(said["entries"][0]["after"], "2026-01-05T13:00:00Z");
    assert!(said["entries"][1]["refused"].as_str().unwrap().contains("must be an IPv4"), "{said}");
    assert_eq!(verdict(&server, "1", "ann", "192.0.2.9").await.1, "review");
    let looked = server.get("/v1/lists/watched?value=192.0.2.9", Role::Read).await.ok();
    assert_eq!((&looked["in_text"], &looked["entry"]), (&json!(false), &json!("2026-01-05T13:00:00Z")));
    let looked = server.get("/v1/lists/ours?value=10.1.0.0/16", Role::Read).await.ok();
    assert_eq!((&looked["in_text"], &looked["changes"]), (&json!(true), &json!(false)));
    act(&server, "/v1/lists/watched/entries", json!({"remove": ["192.0.2.9"]})).await.ok();
    assert_eq!(verdict(&server, "2", "ann", "192.0.2.9").await.1, "allow");
    let said = act(&server, "/v1/lists/ours/entries", json!({"remove": ["10.0.0.0/8"]})).await.ok();
    assert!(said["entries"][0]["refused"].as_str().unwrap().contains("policy's text"), "{said}");
    act(&server, "/v1/lists/wached/entries", json!({})).await.problem(404, "no_list");
    server.get("/v1/lists/none", Role::Read).await.problem(404, "no_list");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_from_its_preview_to_its_undoing() {
    let (server, _runner) = start(|options| {
        options.acting.second_person_above = 3;
    })
    .await;
    let mut seqs = Vec::new();
    for n in 0..5 {
        seqs.push(verdict(&server, &n.to_string(), &format!("account{n}"), "192.0.2.1").await.0);
    }
    let job = |seqs: &[String], dry: bool| json!({"do": {"label": {"name": "abuse", "on": "account"}}, "where": {"seqs": seqs}, "dry_run": dry, "reason": "a wave"});
    let said = act(&server, "/v1/jobs", job(&seqs, true)).await.ok();
    assert_eq!((&said["preview"]["items"], &said["preview"]["changes"]), (&json!(5), &json!(5)));
    let samples = said["preview"]["samples"].to_string();
    assert!(!samples.contains("account1"), "identifiers of people are masked: {samples}");
    assert_eq!(
        server.get("/v1/jobs", Role::Read).await.ok()["jobs"],
        json!([]),
        "a dry run is not on record"
    );
    let mut revealed = job(&seqs, true);
    revealed["reveal"] = json!(true);
    act(&server, "/v1/jobs", revealed).await.problem(403, "missing_role");

    let answer = act(&server, "/v1/jobs", job(&seqs, false)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let planned = answer.json();
    let id = planned["id"].as_str().unwrap().to_owned();
    assert_eq!((&planned["state"], &planned["needs_approval"]), (&json!("preview"), &json!(true)));
    let step = async |role: Role, step: &str| {
        post(&server, &format!("/v1/jobs/{id}/{step}"), role, &json!({})).await
    };
    step(Role::Act, "start").await.problem(409, "wrong_state");
    step(Role::Act, "approve").await.problem(403, "missing_role");
    let own = server.token_of(&[Role::Act, Role::Approve]);
    let mine = json!({"do": {"again": {}}, "where": {"seqs": seqs}}).to_string();
    let mine =
        server.call("POST", "/v1/jobs", Some(&own), Some(("application/json", mine.as_bytes()))).await.json();
    let path = format!("/v1/jobs/{}/approve", mine["id"].as_str().unwrap());
    let problem = server
        .call("POST", &path, Some(&own), Some(("application/json", b"{}")))
        .await
        .problem(409, "wrong_state");
    assert!(problem["detail"].as_str().unwrap().contains("another than who planned it"));
    assert_eq!(step(Role::Approve, "approve").await.ok()["approved_by"], "approve-key");
    step(Role::Act, "start").await.ok();
    let done = until(&server, &id, "done").await;
    assert_eq!((&done["progress"], &done["counts"]["made"]), (&json!(1.0), &json!(5)));
    assert_eq!(verdict(&server, "a", "account3", "192.0.2.7").await.1, "block");
    step(Role::Act, "start").await.problem(409, "wrong_state");
    step(Role::Act, "undo").await.ok();
    let undone = until(&server, &id, "undone").await;
    assert_eq!((&undone["counts"]["restored"], &undone["counts"]["left"]), (&json!(5), &json!(0)));
    assert_eq!(verdict(&server, "b", "account3", "192.0.2.7").await.1, "allow");
    let log = server.get(&format!("/v1/jobs/{id}/log"), Role::Read).await;
    assert_eq!(log.header("content-type"), Some("application/x-ndjson"));
    let lines: Vec<Value> = log.text().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 10);
    assert_eq!(
        (&lines[0]["outcome"], &lines[9]["outcome"], &lines[9]["item"]),
        (&json!("made"), &json!("undone"), &json!(0))
    );
    let rest = server
        .get(&format!("/v1/jobs/{id}/log?after={}", lines[7]["seq"].as_str().unwrap()), Role::Read)
        .await;
    assert_eq!(rest.text().lines().count(), 2);

    let both = json!({"do": {"list": {"list": "watched", "value": "ip"}}, "where": {"seqs": seqs[..2]}});
    let small = act(&server, "/v1/jobs", both).await.json();
    assert_eq!(
        (&small["items"], &small["preview"]["repeated"], &small["needs_approval"]),
        (&json!(1), &json!(1), &json!(false))
    );
    let path = format!("/v1/jobs/{}/cancel?done=undo", small["id"].as_str().unwrap());
    assert_eq!(post(&server, &path, Role::Act, &json!({})).await.ok()["state"], "stopped");
    for (body, slug, status) in [
        (json!({"do": {"label": {"name": "x", "on": "acount"}}, "where": {"seqs": seqs}}), "bad_act", 422),
        (json!({"do": {"again": {}}, "where": {"seqs": []}}), "bad_act", 422),
        (json!({"do": {"again": {}}, "where": {"query": "signup"}}), "no_history", 501),
        (
            json!({"do": {"list": {"list": "watched", "value": "ip"}}, "where": {"seqs": seqs}, "cap": 2}),
            "bad_act",
            422,
        ),
    ] {
        act(&server, "/v1/jobs", body).await.problem(status, slug);
    }
    server.get("/v1/jobs/1", Role::Read).await.problem(404, "no_job");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_history_jobs_take_what_they_are_given() {
    let (server, _runner) = start(|_| ()).await;
    let asked = |from: Value| json!({"do": {"label": {"name": "abuse", "on": "account"}}, "where": from});
    act(&server, "/v1/jobs", asked(json!({"query": "login"}))).await.problem(501, "no_history");
    let planned =
        act(&server, "/v1/jobs", asked(json!({"entities": [{"account": "ann"}, {"account": "bob"}]}))).await;
    assert_eq!(planned.json()["items"], 2);
    act(&server, "/v1/jobs", asked(json!({"entities": [{"account": "ann", "ip": "::1"}]})))
        .await
        .problem(422, "bad_act");
}
