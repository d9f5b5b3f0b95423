// SPDX-License-Identifier: Apache-2.0
//! The owner's security log, and the link "this was not me".

use crate::harness::{Answer, NOW, Server};
use serde_json::{Value, json};
use wardroom_api::{Options, Role};
use wardroom_engine::Origin;
use wardroom_event::Span;
use wardroom_policy::Bundle;

const POLICY: &str = r#"
event login:
    account: account
    ip: ip
    ok: bool
    factor: enum("password", "passkey")?
    user_agent: user_agent?

event setting:
    account: account
    what: enum("forwarding", "password")
    step: enum("asked", "due", "undone")

event owner_report:
    account: account
    about:   text
    mine:    bool

feature failures = count(login, where=not ok, by=account, last="1d")

rule very_secret_rule on login:
    when    ok and ip == "203.0.113.7" and ip.country != "XX" and user_agent.family != "x" and failures >= 0
    then    challenge("security key"), webhook("secret-hook")
    because "{account} failed {failures} times, said the secret score"

rule waits on setting:
    when    step == "asked"
    then    review
    because "later"

rule reported on owner_report:
    when    not mine
    then    block
    because "{account} says so"
"#;

async fn start(change: impl FnOnce(&mut Options)) -> Server {
    let server = Server::with_past(change).await;
    server.engine.swap(Bundle::single("a.ward", POLICY), Origin::Api, NOW).await.unwrap();
    server
}

/// An event, so many minutes before now.
async fn event(server: &Server, id: &str, minutes: i64, mut body: Value) -> Value {
    body["id"] = id.into();
    body["time"] = NOW.minus(Span(minutes * 60_000_000)).to_string().into();
    server.decide(&body.to_string()).await.ok()
}

async fn log(server: &Server, account: &str, query: &str) -> Value {
    server.get(&format!("/v1/accounts/{account}/log{query}"), Role::Subject).await.ok()
}

fn text(entry: &Value) -> String {
    let part = |name: &str| entry[name]["text"].as_str().unwrap_or_default().to_owned();
    format!("{} {}. {}", part("what"), part("from"), part("did"))
}

fn lines(log: &Value) -> Vec<String> {
    log["entries"].as_array().unwrap().iter().map(text).collect()
}

async fn suspicious(server: &Server) {
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
    event(server, "e-1", 300, json!({"type":"login","account":"alice","ip":"192.0.2.1","ok":true})).await;
    for n in 0..4 {
        let ip = format!("198.51.{n}.7");
        event(
            server,
            &format!("f-{n}"),
            200 - n,
            json!({"type":"login","account":"alice","ip":ip,"ip.country":"DE","ok":false}),
        )
        .await;
    }
    let login = json!({"type":"login","account":"alice","ip":"203.0.113.7","ip.country":"BR","ok":true,"user_agent":agent,"user_agent.family":"Firefox"});
    assert_eq!(event(server, "e-2", 60, login).await["verdict"], "challenge");
    event(server, "e-3", 50, json!({"type":"setting","account":"alice","what":"forwarding","step":"asked"}))
        .await;
    event(server, "e-4", 40, json!({"type":"login","account":"bob","ip":"192.0.2.200","ok":true})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_reads_what_happened_in_plain_words() {
    let server = start(|_| ()).await;
    suspicious(&server).await;
    let said = log(&server, "alice", "").await;
    assert_eq!(
        lines(&said),
        [
            "Somebody asked for a change: your mail forwarded to another address from where is not known. We put it on hold: it does not take effect before a delay is over.",
            "Somebody gave the right password for your account from Brazil, address 203.0.113.7. We asked for a security key or passkey before going on.",
            "4 failed attempts to log in to your account from 4 networks in Germany. Nobody got in.",
            "Somebody logged in to your account from the address 192.0.2.1. We let it through.",
        ]
    );
    let entries = said["entries"].as_array().unwrap();
    assert_eq!(entries[1]["with"]["text"], "with Firefox");
    assert_eq!(
        entries[1]["from"],
        json!({"id": "from.place", "params": {"country": "BR", "address": "203.0.113.7"}, "text": "from Brazil, address 203.0.113.7"})
    );
    assert_eq!(
        (&entries[2]["count"], &entries[2]["events"]),
        (&json!(4), &json!(["f-3", "f-2", "f-1", "f-0"]))
    );
    let suspicious: Vec<bool> = entries.iter().map(|e| e["suspicious"].as_bool().unwrap()).collect();
    assert_eq!(suspicious, [true, true, false, false]);
    let linked: Vec<bool> = entries.iter().map(|e| e["not_me"].is_string()).collect();
    assert_eq!(linked, [true, true, false, true]);
    // Nothing of how it was found out, and nothing of others.
    for secret in ["secret", "rule", "score", "bob", "192.0.2.200", "failures"] {
        assert!(!said.to_string().contains(secret), "{secret}: {said}");
    }
    assert_eq!(lines(&log(&server, "bob", "").await).len(), 1);
    assert_eq!(log(&server, "nobody", "").await["entries"], json!([]));
    assert_eq!(log(&server, "alice%22%20or%20true", "").await["entries"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_read_piece_by_piece() {
    let server = start(|_| ()).await;
    suspicious(&server).await;
    let (mut all, mut query) = (Vec::new(), "?limit=1".to_owned());
    for _ in 0..10 {
        let piece = log(&server, "alice", &query).await;
        assert!(piece["entries"].as_array().unwrap().len() <= 1);
        all.extend(lines(&piece));
        let Some(next) = piece["next"].as_str() else { break };
        query = format!("?limit=1&before={next}");
    }
    assert_eq!(all, lines(&log(&server, "alice", "").await));
    for (query, slug) in [
        ("?limit=0", "bad_query"),
        ("?limit=201", "bad_query"),
        ("?before=x", "bad_query"),
        ("?format=pdf", "bad_query"),
        ("?x=1", "bad_query"),
    ] {
        server.get(&format!("/v1/accounts/alice/log{query}"), Role::Subject).await.problem(400, slug);
    }
    let long = "a".repeat(513);
    server.get(&format!("/v1/accounts/{long}/log"), Role::Subject).await.problem(400, "bad_query");
    let without = Server::start().await;
    without.get("/v1/accounts/alice/log", Role::Subject).await.problem(501, "no_history");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_plain_and_shows_text_as_text() {
    let server = start(|options| options.sentinel.url = "https://security.example.org".into()).await;
    let odd = "<script>alert(1)</script>";
    event(
        &server,
        "x",
        5,
        json!({"type":"login","account":odd,"ip":"203.0.113.7","ip.country":"\"><b>","ok":true}),
    )
    .await;
    let path = "/v1/accounts/%3Cscript%3Ealert(1)%3C%2Fscript%3E/log?format=html";
    let answer = server.get(path, Role::Subject).await;
    let page = answer.text();
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(answer.header("content-security-policy").unwrap().contains("default-src 'none'"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.contains("<script"), "{page}");
    assert!(
        page.contains("&quot;&gt;&lt;b&gt;")
            && page.contains("href=\"https://security.example.org/v1/not-me/"),
        "{page}"
    );
    let head = format!(
        "GET /v1/accounts/bob/log HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAccept: text/html,*/*;q=0.8\r\nAuthorization: Bearer {}\r\n\r\n",
        server.token(Role::Subject)
    );
    assert!(server.raw(head.as_bytes()).await.text().starts_with("<!doctype html>"));
}

async fn open(server: &Server, link: &str) -> Answer {
    server.call("GET", link, None, None).await
}

async fn say(server: &Server, link: &str, form: &str) -> Answer {
    server.call("POST", link, None, Some(("application/x-www-form-urlencoded", form.as_bytes()))).await
}

/// What the owner said, the newest first.
async fn reports(server: &Server) -> Vec<String> {
    let said = log(server, "alice", "").await;
    let all = said["entries"].as_array().unwrap().iter();
    all.filter_map(|e| e["what"]["id"].as_str())
        .filter(|id| id.starts_with("report."))
        .map(str::to_owned)
        .collect()
}

async fn link(server: &Server) -> String {
    let said = log(server, "alice", "").await;
    let entry = said["entries"]
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["what"]["id"] == "login.right" && e["suspicious"] == true);
    entry.unwrap()["not_me"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_click_says_that_it_was_somebody_else() {
    let server = start(|_| ()).await;
    suspicious(&server).await;
    let link = link(&server).await;
    // A program that looks through mail follows the link, and nothing follows from that.
    for _ in 0..3 {
        let asked = open(&server, &link).await;
        assert_eq!(asked.status, 200);
        assert!(
            asked.text().contains("Was this you?") && asked.text().contains("from Brazil"),
            "{}",
            asked.text()
        );
        assert_eq!(asked.header("referrer-policy"), Some("no-referrer"));
    }
    assert_eq!(server.call("HEAD", &link, None, None).await.status, 200);
    assert!(reports(&server).await.is_empty());
    // Said often, it is said once; taken back and said again, it is three words.
    for (form, expect) in [
        ("answer=not-me", 1),
        ("answer=not-me", 1),
        ("", 1),
        ("answer=me", 2),
        ("answer=me", 2),
        ("answer=not-me", 3),
    ] {
        let answer = say(&server, &link, form).await;
        let words =
            if form == "answer=me" { "we know that this was you" } else { "we know that this was not you" };
        assert!(answer.status == 200 && answer.text().contains(words), "{}", answer.text());
        assert_eq!(reports(&server).await.len(), expect, "{form}");
    }
    assert_eq!(reports(&server).await[0], "report.not_mine");
    // The event says what it is about, and the policy judged it.
    let about = server.get("/v1/decisions?event=e-2", Role::Read).await.ok();
    let path =
        format!("/v1/decisions?event={}-0&source=wardroom%3Anot-me", about["decision"].as_str().unwrap());
    let found = server.get(&path, Role::Read).await.ok();
    assert_eq!((&found["verdict"], &found["event_type"]), (&json!("block"), &json!("owner_report")));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clicks_at_once_are_one_word() {
    let server = start(|_| ()).await;
    suspicious(&server).await;
    let link = link(&server).await;
    let (a, b, c) = tokio::join!(say(&server, &link, ""), say(&server, &link, ""), say(&server, &link, ""));
    assert_eq!([a.status, b.status, c.status], [200; 3]);
    assert_eq!(reports(&server).await, ["report.not_mine"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_none_gets_plain_words() {
    let server = start(|options| options.sentinel.valid = Span(0)).await;
    suspicious(&server).await;
    let good = link(&server).await;
    // Good until now, and not a moment longer.
    assert_eq!(open(&server, &good).await.status, 200);
    let mut bytes = good.clone().into_bytes();
    let at = bytes.len() - 10;
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(bytes).unwrap();
    for wrong in [&*forged, "/v1/not-me/x", &format!("{good}A"), &good[..good.len() - 1]] {
        for answer in [open(&server, wrong).await, say(&server, wrong, "answer=not-me").await] {
            assert_eq!(answer.status, 404, "{wrong}");
            assert!(
                answer.text().contains("This link does not work") && !answer.text().contains("<form"),
                "{wrong}"
            );
        }
    }
    let large = "x".repeat(10_000);
    assert_eq!(say(&server, &good, &large).await.status, 400);
    assert!(reports(&server).await.is_empty());

    let before = start(|options| options.sentinel.valid = Span(-1)).await;
    suspicious(&before).await;
    let over = link(&before).await;
    let answer = say(&before, &over, "").await;
    assert_eq!(answer.status, 410);
    assert!(answer.text().contains("no longer valid"), "{}", answer.text());
    assert!(reports(&before).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_who_try_links_are_told_to_come_back() {
    let server = start(|_| ()).await;
    let all = (0..400).map(|_| open(&server, "/v1/not-me/x"));
    let mut statuses: Vec<u16> =
        futures_util::future::join_all(all).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses[0], 404);
    assert!(statuses.contains(&503), "{statuses:?}");
}
