// SPDX-License-Identifier: Apache-2.0
//! The doors for logins: one's own code, a mail server, identity providers.

use crate::harness::{Answer, NOW, PATH, Server};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use wardroom_api::{HookSecret, Role};
use wardroom_policy::Bundle;

/// One rule for each thing that a product can be told, by the account's name.
const POLICY: &str = r#"
event attempt:
    account: account
    ip: ip
    protocol: text?
    password: text?

event login:
    account: account
    ip: ip
    ok: bool
    protocol: text?
    user_known: bool?
    password: text?

event signup:
    account: account
    ip: ip
    username: text

feature tries    = count(attempt, by=password, last="1h")
feature failures = count(login, where=not ok, by=account, last="1h")

rule sprayed on attempt:
    when    tries >= 2
    then    challenge("captcha")
    because "{tries} tries with this password"

rule told on attempt:
    when    account == "told"
    then    allow, notify("owner")
    because "told"

rule slow on attempt:
    when    account == "slow"
    then    limit
    because "slow"

rule held on attempt:
    when    account == "held"
    then    review, case("logins")
    because "held"

rule refused on attempt:
    when    account == "refused"
    then    block
    because "refused"

rule guessed on login:
    when    failures >= 2
    then    block
    because "{failures} failures"

rule doubted on login:
    when    ok and account == "doubted"
    then    challenge("second factor")
    because "doubted"
"#;

async fn server() -> Server {
    with(|_| ()).await
}

async fn with(change: impl FnOnce(&mut wardroom_api::Options)) -> Server {
    let server = Server::with(change).await;
    let bundle = Bundle::single(PATH, POLICY);
    server.engine.swap(bundle, wardroom_engine::Origin::Directory, NOW).await.unwrap();
    server
}

async fn post(server: &Server, path: &str, body: &str) -> Answer {
    let body = Some(("application/json", body.as_bytes()));
    server.call("POST", path, Some(server.token(Role::Ingest)), body).await
}

async fn do_of(server: &Server, account: &str) -> Value {
    let body = json!({"account": account, "ip": "203.0.113.7"}).to_string();
    post(server, "/v1/account/attempt", &body).await.ok()["do"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_told_what_to_do() {
    let server = server().await;
    assert_eq!(do_of(&server, "alice").await, json!({"action": "let_in"}));
    assert_eq!(do_of(&server, "told").await, json!({"action": "let_in_and_tell"}));
    assert_eq!(do_of(&server, "slow").await, json!({"action": "slow_down", "seconds": 5}));
    assert_eq!(do_of(&server, "held").await, json!({"action": "hold"}));
    assert_eq!(do_of(&server, "refused").await, json!({"action": "refuse"}));
    let login = r#"{"id":"1","type":"login","account":"doubted","ip":"203.0.113.7","ok":true}"#;
    let said = post(&server, "/v1/account/login", login).await.ok();
    assert_eq!(said["do"], json!({"action": "step_up", "ask": "second factor"}));
    assert_eq!((&said["verdict"], &said["ask"]), (&json!("challenge"), &json!("second factor")));
    let again = post(&server, "/v1/account/login", login).await.ok();
    assert_eq!(
        (&again["do"], &again["repeated"]),
        (&said["do"], &json!(true)),
        "a repeated id, the same step"
    );
    assert_eq!(again["decision"], said["decision"]);
    let plain = server.decide(login).await.ok();
    assert_eq!(plain.get("do"), None, "/v1/decide says what it always said");
    let other = r#"{"type":"login","account":"alice","ip":"203.0.113.7"}"#;
    let problem = post(&server, "/v1/account/attempt", other).await.problem(422, "bad_event");
    assert_eq!(problem["faults"][0]["pointer"], "/type");
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::disallowed_methods, reason = "a test looks into files it made")]
async fn a_password_is_forgotten_and_known_again() {
    let server = server().await;
    let sha1 = "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8";
    let attempt = |account: &str, sha1: &str| {
        json!({"id": account, "account": account, "ip": "203.0.113.7", "password_sha1": sha1}).to_string()
    };
    for (account, sha1, action) in [
        ("a", sha1, "let_in"),
        ("b", &*sha1.to_uppercase(), "let_in"),
        ("c", sha1, "step_up"),
        ("d", &sha1.replace('5', "6"), "let_in"),
    ] {
        let said = post(&server, "/v1/account/attempt", &attempt(account, sha1)).await.ok();
        assert_eq!(said["do"]["action"], action, "{account}: {said}");
    }
    let both = server.token_of(&[Role::Read, Role::Reveal]);
    let stored = server.call("GET", "/v1/decisions?event=a&reveal=true", Some(&both), None).await.ok();
    let fields = stored["fields"].as_array().unwrap();
    let password = fields.iter().find(|field| field["name"] == "password").unwrap();
    assert_eq!(password["value"].as_str().unwrap().len(), 4, "{password}");
    assert!(!stored.to_string().contains(&sha1[..8]), "{stored}");
    // Nowhere in the data directory either.
    let mut files = vec![server.dir.path().to_owned()];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        assert!(
            !bytes.windows(8).any(|w| w.eq_ignore_ascii_case(&sha1.as_bytes()[..8])),
            "{}",
            path.display()
        );
    }
    let long = format!("{sha1}0");
    for wrong in ["hunter2", "", "5baa61e4c9b93f3f0682250b6cf8331b7ee68fdg", &long] {
        let answer = post(&server, "/v1/account/attempt", &attempt("e", wrong)).await;
        let problem = answer.problem(422, "bad_event");
        assert_eq!(problem["faults"][0]["pointer"], "/password_sha1");
        assert!(wrong.is_empty() || !problem.to_string().contains(wrong), "{problem}");
    }
    let twice = attempt("f", sha1).replacen('{', &format!("{{\"password_sha1\":\"{sha1}\","), 1);
    let problem = post(&server, "/v1/account/attempt", &twice).await.problem(422, "bad_event");
    assert!(!problem.to_string().contains(&sha1[..8]), "{problem}");
    // Where events go by themselves there is no such member.
    let event = attempt("g", sha1).replacen('{', "{\"type\":\"attempt\",", 1);
    let problem = server.decide(&event).await.problem(422, "bad_event");
    assert!(!problem.to_string().contains(&sha1[..8]), "{problem}");
}

/// As Dovecot asks.
fn question(login: &str, authenticated: &str, outcome: &str) -> String {
    format!(
        r#"{{"authenticated":"{authenticated}","device_id":"","login":"{login}","protocol":"imap","pwhash":"0ddc","remote":"203.0.113.7","session_id":"s-{login}"{outcome},"tls":"TLSv1.3","tls":true}}"#
    )
}

async fn mail(server: &Server, command: &str, body: &str) -> Value {
    post(server, &format!("/auth-policy?command={command}"), body).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_asks_and_tells() {
    let server = server().await;
    assert_eq!(mail(&server, "allow", &question("alice", "", "")).await, json!({"status": 0, "msg": ""}));
    assert_eq!(mail(&server, "allow", &question("slow", "", "")).await, json!({"status": 5, "msg": ""}));
    for account in ["held", "refused"] {
        let said = mail(&server, "allow", &question(account, "", "")).await;
        let msg = said["msg"].as_str().unwrap();
        assert!(said["status"] == -1 && msg.contains("on the web") && !msg.contains("203.0.113"), "{said}");
    }
    // After the password was found right it is a login, and what `report` tells of it then is the same one.
    let said = mail(&server, "allow", &question("doubted", "checked", "")).await;
    assert!(said["status"] == -1 && said["msg"].as_str().unwrap().contains("app password"), "{said}");
    let rejected = r#","success":false,"policy_reject":true"#;
    let nothing = mail(&server, "report", &question("doubted", "checked", rejected)).await;
    assert_eq!(nothing["status"], "ignored");
    assert_eq!(mail(&server, "allow", &question("alice", "checked", "")).await["status"], 0);
    let passed = r#","success":true,"policy_reject":false"#;
    assert_eq!(mail(&server, "report", &question("alice", "checked", passed)).await, json!({"status": "ok"}));
    let failed = r#","success":false,"policy_reject":false"#;
    assert_eq!(mail(&server, "report", &question("bob", "", failed)).await, json!({"status": "ok"}));
    let figures = server.get("/metrics", Role::Read).await.text();
    for line in [
        "wardroom_events_total 7",
        "wardroom_events_repeated_total 1",
        r#"wardroom_door_ignored_total{door="auth_policy"} 1"#,
    ] {
        assert!(figures.lines().any(|l| l.starts_with(line)), "{line}\n{figures}");
    }
    // A test from its own command line has no address.
    let local = question("alice", "", "").replace("203.0.113.7", "");
    assert_eq!(mail(&server, "allow", &local).await, json!({"status": 0, "msg": ""}));
    assert_eq!(mail(&server, "reset", r#"{"login":"alice"}"#).await["status"], "ignored");
    assert_eq!(mail(&server, "ping", "").await, json!({"status": "ok"}));
    let token = Some(server.token(Role::Ingest));
    assert_eq!(server.call("GET", "/auth-policy?command=ping", token, None).await.ok()["status"], "ok");
    for query in ["", "?command=addBLEntry", "?command="] {
        let path = format!("/auth-policy{query}");
        post(&server, &path, "{}").await.problem(400, "bad_query");
        server.call("GET", &path, token, None).await.problem(400, "bad_query");
    }
    post(&server, "/auth-policy?command=allow", "[]").await.problem(422, "bad_event");
    post(&server, "/auth-policy?command=allow", "{").await.problem(400, "not_json");
    let large = format!(r#"{{"login":"{}"}}"#, "x".repeat(140_000));
    post(&server, "/auth-policy?command=allow", &large).await.problem(413, "too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_come_as_mail_servers_send_them() {
    let server = server().await;
    let send = async |headers: &str, role: Role| {
        let headers = headers.replace("KEY", server.token(role));
        let body = question("alice", "", "");
        let head = format!(
            "POST /auth-policy?command=allow HTTP/1.1\r\nHost: t\r\nConnection: close\r\n{headers}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        server.raw(head.as_bytes()).await
    };
    let basic = |role: Role| {
        format!("Authorization: Basic {}", STANDARD.encode(format!("wforce:{}", server.token(role))))
    };
    assert_eq!(send("Authorization: Bearer KEY", Role::Ingest).await.status, 200);
    assert_eq!(send("X-API-Key: KEY", Role::Ingest).await.status, 200);
    assert_eq!(send(&basic(Role::Ingest), Role::Ingest).await.status, 200);
    send(&basic(Role::Read), Role::Read).await.problem(403, "missing_role");
    send("X-API-Key: KEY", Role::Read).await.problem(403, "missing_role");
    send("X-API-Key: hunter2", Role::Ingest).await.problem(401, "no_key");
    // Who sends both means the first.
    send("Authorization: Bearer x\r\nX-API-Key: KEY", Role::Ingest).await.problem(401, "no_key");
    let elsewhere =
        format!("GET /v1/policy HTTP/1.1\r\nHost: t\r\nConnection: close\r\n{}\r\n\r\n", basic(Role::Read));
    server.raw(elsewhere.as_bytes()).await.problem(401, "no_key");
}

const KEYCLOAK: &str = r#"{"id":"0a1c","time":1767614400000,"type":"LOGIN_ERROR","userId":"bcee","ipAddress":"203.0.113.7","error":"invalid_user_credentials","details":{"username":"alice"}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn identity_providers_tell_what_happened() {
    let server = server().await;
    let said = post(&server, "/v1/account/keycloak", KEYCLOAK).await.ok();
    assert_eq!((&said["taken"], &said["event_id"]), (&json!(true), &json!("0a1c")));
    let again = post(&server, "/v1/account/keycloak", KEYCLOAK).await.ok();
    assert_eq!(again["decision"], said["decision"], "a webhook that comes twice counts once");
    let named = KEYCLOAK.replace("0a1c", "0a1d");
    post(&server, "/v1/account/keycloak?account=name", &named).await.ok();
    post(&server, "/v1/account/keycloak?account=colour", KEYCLOAK).await.problem(400, "bad_query");
    let both = server.token_of(&[Role::Read, Role::Reveal]);
    for (id, account) in [("0a1c", "bcee"), ("0a1d", "alice")] {
        let path = format!("/v1/decisions?event={id}&source=keycloak&reveal=true");
        let stored = server.call("GET", &path, Some(&both), None).await.ok();
        let fields = stored["fields"].as_array().unwrap();
        let found = fields.iter().find(|f| f["name"] == "account").unwrap();
        assert_eq!(found["value"], account, "{stored}");
    }
    let authentik = json!({"pk": "51d1", "action": "login_failed", "client_ip": "203.0.113.7",
        "created": "2026-01-05T12:00:00Z", "user": {}, "context": {"username": "alice"}});
    let taken = post(&server, "/v1/account/authentik", &authentik.to_string()).await.ok();
    assert_eq!(taken["taken"], true);
    for (door, body) in [
        ("keycloak", r#"{"type":"LOGOUT","userId":"bcee","ipAddress":"203.0.113.7"}"#),
        ("authentik", r#"{"body":"login: {}","severity":"notice"}"#),
    ] {
        let ignored = post(&server, &format!("/v1/account/{door}"), body).await.ok();
        assert!(ignored["taken"] == false && ignored["why"].is_string(), "{ignored}");
        post(&server, &format!("/v1/account/{door}"), "[]").await.problem(422, "bad_event");
    }
    let figures = server.get("/metrics", Role::Read).await.text();
    assert!(figures.contains(r#"wardroom_door_ignored_total{door="keycloak"} 1"#), "{figures}");
    assert!(figures.contains(r#"wardroom_door_ignored_total{door="authentik"} 1"#), "{figures}");
    // A policy without such events says so.
    let setting = r#"{"type":"UPDATE_PASSWORD","userId":"bcee","ipAddress":"203.0.113.7"}"#;
    post(&server, "/v1/account/keycloak", setting).await.problem(422, "bad_event");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_may_be_signed_in_place_of_a_key() {
    let secret = "hunter2hunter2hunter2";
    let server = with(|options| options.keycloak_secret = Some(HookSecret::new(secret.as_bytes()))).await;
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let mac = ring::hmac::sign(&key, KEYCLOAK.as_bytes());
    let mac: String = mac.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    let send = async |headers: &str, body: &str| {
        let head = format!(
            "POST /v1/account/keycloak HTTP/1.1\r\nHost: t\r\nConnection: close\r\n{headers}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        server.raw(head.as_bytes()).await
    };
    let signed = format!("X-Keycloak-Signature: {mac}\r\n");
    assert_eq!(send(&signed, KEYCLOAK).await.ok()["taken"], true);
    send(&signed, &KEYCLOAK.replace("alice", "bob00")).await.problem(401, "no_key");
    send("X-Keycloak-Signature: 00\r\n", KEYCLOAK).await.problem(401, "no_key");
    send("", KEYCLOAK).await.problem(401, "no_key");
    // A bad key is not made good by a signature.
    send(&format!("Authorization: Bearer x\r\n{signed}"), KEYCLOAK).await.problem(401, "no_key");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_secret_a_signature_opens_nothing() {
    let server = server().await;
    let request = format!(
        "POST /v1/account/keycloak HTTP/1.1\r\nHost: t\r\nConnection: close\r\nX-Keycloak-Signature: 00\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{KEYCLOAK}",
        KEYCLOAK.len()
    );
    server.raw(request.as_bytes()).await.problem(401, "no_key");
}
