// SPDX-License-Identifier: Apache-2.0
//! Identifiers of people by every way out of the server: none of them whole without the role `reveal`.

use crate::harness::{Answer, NOW, Server};
use arrow_schema::SchemaRef;
use serde_json::{Value as Json, json};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use wardroom_api::Role;
use wardroom_engine::Origin;
use wardroom_event::Micros;
use wardroom_history::act::Runner;
use wardroom_history::backtest::Files;
use wardroom_history::query::{Part, QueryError, Source, Wants};
use wardroom_history::{Options, Past};
use wardroom_policy::Bundle;

const POLICY: &str = r#"
event login:
    account: account
    ip:      ip
    ok:      bool
    email:   email?
    phone:   phone?
    device:  device?
    wallet:  wallet?
    friends: list(account)?

list seen: account
feature before = last(account, of=login, by=ip, last="1h")
feature mails  = last(email, of=login, by=ip, last="1h")

rule often on login:
    when    ok
    then    review, label(account, "busy"), list(account, seen), case("desk"), webhook("desk")
    because "{account} {email} {phone} {device} {wallet}, before {before} and {mails}"
"#;

/// What identifies the person, in parts that no mask shows.
const SECRETS: [&str; 6] = [
    "marguerite",
    "15112345678",
    "device-of-hers",
    "bc1qar0srrr7xfkvy5l643",
    "friend-of-hers",
    "second-friend",
];

/// The past of a directory that is not known yet when the server is set up.
#[derive(Default)]
struct Late(OnceLock<Past>);

impl Source for Late {
    fn schema(&self, event: &str) -> Result<Option<SchemaRef>, QueryError> {
        Source::schema(self.0.get().unwrap(), event)
    }

    fn parts(
        &self,
        event: &str,
        wants: &Wants,
        as_of: Option<Micros>,
        stop: &Arc<AtomicBool>,
    ) -> Result<Vec<Part>, QueryError> {
        Source::parts(self.0.get().unwrap(), event, wants, as_of, stop)
    }
}

fn event(n: u32) -> String {
    format!(
        r#"{{"type":"login","id":"{n}","account":"marguerite.{n}","ip":"192.0.2.1","ok":true,"email":"marguerite{n}@corp.example","phone":"+4915112345678","device":"device-of-hers","wallet":"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq","friends":["friend-of-hers","second-friend"]}}"#
    )
}

async fn send(server: &Server, token: &str, accept: &str, path: &str, body: &Json) -> Answer {
    let bytes = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nAccept: {accept}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{bytes}",
        bytes.len()
    );
    server.raw(head.as_bytes()).await
}

fn holds(answer: &Answer) -> Vec<&'static str> {
    let has = |secret: &&&str| answer.body.windows(secret.len()).any(|w| w == secret.as_bytes());
    SECRETS.iter().filter(has).copied().collect()
}

async fn backtest(server: &Server, token: &str, ask: &Json) -> [Answer; 2] {
    let id = send(server, token, "*/*", "/v1/backtests", ask).await.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/backtests/{id}");
    for _ in 0..500 {
        let found = server.call("GET", &path, Some(token), None).await;
        if !matches!(found.json()["state"].as_str(), Some("waiting" | "running")) {
            assert_eq!(found.json()["state"], "done", "{}", found.text());
            let head = format!(
                "GET {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nAccept: text/markdown\r\n\r\n"
            );
            return [found, server.raw(head.as_bytes()).await];
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it does not end")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_way_out_shows_people_whole_without_the_role() {
    let past = Arc::new(Late::default());
    let given = past.clone();
    let server = Server::with(move |options| options.past = Some(given)).await;
    let keys = Files::plain(server.dir.path()).keys;
    assert!(past.0.set(Past::open(server.dir.path(), &keys, &Options::default()).unwrap()).is_ok());
    server.engine.swap(Bundle::single("a.ward", POLICY), Origin::Api, NOW).await.unwrap();
    let _runner = Runner::start(server.engine.clone(), || NOW).unwrap();
    let (mut seqs, mut ways) = (Vec::new(), Vec::new());
    for n in 0..5 {
        let answer = server.decide(&event(n)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        seqs.push(answer.json()["decision"].as_str().unwrap().to_owned());
        ways.push(("decide".to_owned(), answer));
    }
    let seq = &seqs[3];
    let read = server.token(Role::Read).to_owned();
    let acts = server.token(Role::Act).to_owned();
    for path in [
        format!("/v1/decisions/{seq}"),
        "/v1/decisions?event=3".to_owned(),
        "/v1/status".to_owned(),
        "/v1/effects?state=dead".to_owned(),
        "/v1/lists".to_owned(),
        "/v1/lists/seen".to_owned(),
        format!("/v1/labels?subject=event:{seq}"),
        "/metrics".to_owned(),
    ] {
        ways.push((path.clone(), server.get(&path, Role::Read).await));
    }
    let forms =
        ["application/json", "application/x-ndjson", "text/csv", "application/vnd.apache.arrow.stream"];
    let queries = [
        "login",
        "login show account, email, phone, device, wallet, friends, before, mails",
        "login by account, email show count, last(phone) as a, first(device) as b, last(wallet) as c",
        "login by ip show distinct(account), last(account) as who, last(mails) as mails",
    ];
    for query in queries {
        for form in forms {
            let answer = send(&server, &read, form, "/v1/query", &json!({"query": query})).await;
            assert_eq!(answer.status, 200, "{query}: {}", answer.text());
            ways.push((format!("{query} as {form}"), answer));
        }
    }
    let rule = "rule often on login:\n    when ok\n    then block\n    because \"{account} {email} {phone} {device} {wallet} {before}\"\n";
    for ask in [json!({"rule": rule, "to": "2026-01-06"}), json!({"rules": ["often"], "to": "2026-01-06"})] {
        let [found, page] = backtest(&server, &read, &ask).await;
        assert!(found.text().contains("ma…"), "there are examples: {}", found.text());
        ways.push((format!("backtest {ask}"), found));
        ways.push((format!("page of {ask}"), page));
    }
    let job = |dry: bool| json!({"do": {"label": {"name": "abuse", "on": "account"}}, "where": {"seqs": seqs}, "dry_run": dry, "reason": "a wave"});
    ways.push(("dry run".to_owned(), send(&server, &acts, "*/*", "/v1/jobs", &job(true)).await));
    let planned = send(&server, &acts, "*/*", "/v1/jobs", &job(false)).await;
    let id = planned.json()["id"].as_str().unwrap().to_owned();
    ways.push(("job".to_owned(), planned));
    send(&server, &acts, "*/*", &format!("/v1/jobs/{id}/start"), &json!({})).await.ok();
    let path = format!("/v1/jobs/{id}");
    for _ in 0..400 {
        if server.get(&path, Role::Read).await.ok()["state"] == "done" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let log = server.get(&format!("{path}/log"), Role::Read).await;
    assert_eq!(log.text().lines().count(), 5);
    ways.push(("log".to_owned(), log));
    for path in [path, "/v1/jobs".to_owned(), format!("/v1/decisions/{}", seqs[4])] {
        ways.push((path.clone(), server.get(&path, Role::Read).await));
    }
    let leaks: Vec<String> = ways
        .iter()
        .filter(|(_, answer)| !holds(answer).is_empty())
        .map(|(way, answer)| format!("{way}: {:?}", holds(answer)))
        .collect();
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));

    // With the role, and asked for, they are there.
    let both = server.token_of(&[Role::Read, Role::Act, Role::Reveal]);
    let whole = server.call("GET", &format!("/v1/decisions/{seq}?reveal=true"), Some(&both), None).await;
    assert_eq!(holds(&whole).len(), SECRETS.len(), "{}", whole.text());
    for form in forms {
        let ask = json!({"query": queries[1], "reveal": true});
        let answer = send(&server, &both, form, "/v1/query", &ask).await;
        assert!(holds(&answer).len() >= 4, "{form}: {:?} {}", holds(&answer), answer.text());
    }
    let [found, _] =
        backtest(&server, &both, &json!({"rule": rule, "to": "2026-01-06", "reveal": true})).await;
    assert!(holds(&found).contains(&"marguerite"), "{}", found.text());
    let mut job = job(true);
    job["reveal"] = json!(true);
    assert!(holds(&send(&server, &both, "*/*", "/v1/jobs", &job).await).contains(&"marguerite"));
}
