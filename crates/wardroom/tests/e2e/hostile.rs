// SPDX-License-Identifier: Apache-2.0
//! Text from strangers: it is shown as text, never obeyed, and names of people are not shown at all.

use crate::process::{Ran, run};
use crate::server::Shop;
use std::path::Path;

/// Clears the screen, writes a title, turns colours on: what must never reach a terminal as it is.
const EVIL: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}[31m\u{9b}1m\u{202e}evil";

/// That no character in it moves a cursor or turns the direction of text.
#[track_caller]
fn harmless(ran: &Ran) {
    for text in [&ran.out, &ran.err] {
        let bad = text.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(bad, None, "{text:?}");
    }
}

fn shown(dir: &Path, file: &str, format: &str, expect: &str) {
    for args in [&["--signals"][..], &["--signals", "--reveal"], &["--signals", "--json"], &[], &["--json"]] {
        let ran = run(dir, &[&["replay", file, "--format", format], args].concat()).ended(0);
        harmless(&ran);
        assert!(ran.out.contains(expect), "{expect}: {ran:#?}");
    }
}

#[test]
fn escapes_in_a_web_log_stay_text() {
    let dir = tempfile::tempdir().unwrap();
    let line = format!(
        "203.0.113.7 - {EVIL} [17/May/2015:10:05:03 +0000] \"GET /{EVIL}/../x?a={EVIL} HTTP/1.1\" 404 5 \"{EVIL}\" \"{EVIL}\"\n"
    );
    std::fs::write(dir.path().join("access.log"), line.repeat(3)).unwrap();
    shown(dir.path(), "access.log", "access", "web.injection");
    let ran = run(dir.path(), &["replay", "access.log", "--signals"]).ended(0);
    assert!(ran.out.contains("\\u{1b}[2J"), "it is shown escaped: {}", ran.out);
}

#[test]
fn escapes_in_an_auth_log_stay_text() {
    let dir = tempfile::tempdir().unwrap();
    let line = |i: usize| {
        format!(
            "Jan  3 04:05:0{i} gate{EVIL} sshd[{i}]: Failed password for invalid user {EVIL}{i} from 203.0.113.9 port 471{i} ssh2\n"
        )
    };
    std::fs::write(dir.path().join("auth.log"), (0..9).map(line).collect::<String>()).unwrap();
    shown(dir.path(), "auth.log", "auth", "203.0.113.9");
}

#[test]
fn escapes_in_faulty_events_stay_text() {
    let dir = tempfile::tempdir().unwrap();
    let quoted = serde_json::to_string(EVIL).unwrap();
    let lines = [
        format!("{{\"type\":{quoted}}}"),
        format!("{{\"type\":\"ssh_login\",\"ip\":{quoted},\"ok\":true}}"),
        format!("{{\"type\":\"ssh_login\",\"ip\":\"203.0.113.9\",\"ok\":true,{quoted}:1}}"),
        format!("{{\"type\":\"ssh_login\",\"ip\":\"203.0.113.9\",\"ok\":true,\"time\":{quoted}}}"),
        format!("{{\"type\":\"ssh_login\",\"ip\":\"203.0.113.9\",\"ok\":true}}{EVIL}"),
        format!("{{\"type\":\"ssh_login\",\"ip\":\"203.0.113.9\",\"ok\":false,\"id\":{quoted}}}"),
        format!(
            "{{\"type\":\"http_request\",\"ip\":\"203.0.113.9\",\"status\":404,\"path\":\"/../\",\"query\":{quoted}}}"
        ),
    ];
    std::fs::write(dir.path().join("events.ndjson"), lines.join("\n")).unwrap();
    shown(dir.path(), "events.ndjson", "ndjson", "web.injection");
    let ran = run(dir.path(), &["replay", "events.ndjson"]).ended(0);
    assert!(ran.out.contains("line 1: ") && ran.out.contains("\\u{1b}[2J"), "{}", ran.out);
}

/// Reasons name networks and counts; who is behind them only for those who ask to see it.
#[test]
fn people_are_masked_without_reveal() {
    let dir = tempfile::tempdir().unwrap();
    let line = |i: usize| {
        format!(
            "Jan  3 04:05:0{i} gate sshd[{i}]: Failed password for invalid user margarethe from 203.0.113.9 port 471{i} ssh2\n"
        )
    };
    std::fs::write(dir.path().join("auth.log"), (0..9).map(line).collect::<String>()).unwrap();
    for args in [&["--signals"][..], &["--signals", "--json"], &[], &["--json"]] {
        let ran = run(dir.path(), &[&["replay", "auth.log"], args].concat()).ended(0);
        assert!(ran.out.contains("ma…") && !ran.out.contains("margarethe"), "{args:?}: {}", ran.out);
        let ran = run(dir.path(), &[&["replay", "auth.log", "--reveal"], args].concat()).ended(0);
        assert!(ran.out.contains("margarethe"), "{args:?}: {}", ran.out);
    }
}

/// Over the API: what a view draws is what the server answers, so that must be harmless already.
#[test]
fn reasons_from_the_api_are_harmless() {
    let shop = Shop::new();
    shop.edit("email:     email?", "email:     email?\n    agent:     text?");
    shop.edit("signups_from_net >= 10", "signups_from_net >= 0");
    shop.edit("in the last hour\"", "in the last hour by {agent} for {account}\"");
    shop.edit("expect challenge by signup_burst", "expect challenge");
    let mut server = shop.serve();
    let quoted = serde_json::to_string(EVIL).unwrap();
    let event =
        format!(r#"{{"type":"signup","id":"1","account":{quoted},"ip":"203.0.113.7","agent":{quoted}}}"#);
    let because = server.client.decide(&event).ok()["signals"][0]["because"].as_str().unwrap().to_owned();
    assert!(!because.chars().any(char::is_control) && because.contains("\\u{1b}[2J"), "{because:?}");
    // Nor does a refusal put it into the log.
    let refused = format!(r#"{{"type":{quoted},{quoted}:1}}"#);
    server.client.decide(&refused).problem(422, "bad_event");
    server.process.await_err("its log", |log| (!log.is_empty()).then_some(()));
    harmless(&server.stop());
}
