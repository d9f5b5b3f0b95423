// SPDX-License-Identifier: Apache-2.0
//! Requests as rspamc, OpenSMTPD's filter and Haraka send them, and what is answered.

use super::*;
use crate::door::{
    Case, Class, Envelope, FailMode, Figures, Judgement, Learned, Lesson, Message, Reason, Teaches, Why,
};
use serde_json::Value;

const MAIL: &str = "Message-ID: <x@y.example>\r\nX-Spam-Flag: NO\r\nSubject: a\r\n\r\nb\r\n";

fn ask(request: &str) -> (Rspamd, Question) {
    let (mut door, mut out) = (Rspamd::new(1000), Vec::new());
    door.hear(request.as_bytes());
    match door.next(&mut out) {
        Next::Ask(question) => (door, *question),
        other => panic!("{other:?} {}", String::from_utf8_lossy(&out)),
    }
}

fn post(head: &str) -> String {
    format!("POST {head}\r\nContent-Length: {}\r\n\r\n{MAIL}", MAIL.len())
}

fn message(request: &str) -> Message {
    match ask(request).1 {
        Question::Message(message) => message,
        other => panic!("{other:?}"),
    }
}

fn said(request: &str, answer: &Answer) -> (String, Value) {
    let (mut door, _) = ask(request);
    let mut out = Vec::new();
    door.answer(answer, &mut out);
    split(&out)
}

fn split(out: &[u8]) -> (String, Value) {
    let text = std::str::from_utf8(out).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), serde_json::from_str(body).unwrap_or_else(|_| body.into()))
}

#[test]
fn as_rspamc_sends_it() {
    let request = post(
        "/checkv2 HTTP/1.0\r\nIp: 192.0.2.7\r\nFrom: a@sender.example\r\nRcpt: b@here.example\r\nRcpt: c@here.example\r\n\
        Helo: h.example\r\nHostname: p.example\r\nUser: ann\r\nDeliver-To: b@here.example\r\nFilename: /tmp/x\r\nFlags: body_block\r\n\
        User-Agent: rspamc\r\nQueue-Id: 4XyZ",
    );
    let message = message(&request);
    assert_eq!(message.bytes, MAIL.as_bytes());
    assert_eq!(
        message.envelope,
        Envelope {
            ip: "192.0.2.7".parse().ok(),
            helo: Some("h.example".into()),
            ptr: Some("p.example".into()),
            sender: Some("a@sender.example".into()),
            recipients: vec!["b@here.example".into(), "c@here.example".into()],
            recipient_count: 2,
            user: Some("ann".into()),
            queue_id: Some("4XyZ".into()),
            ..Envelope::default()
        }
    );
}

#[test]
fn as_haraka_sends_it_in_chunks_with_an_object_for_a_header() {
    let request = format!(
        "POST /checkv2 HTTP/1.1\r\nSPF: [object Object]\r\nFrom: <>\r\nRcpt: <b@here.example>, <c@here.example>\r\nTLS-Cipher: X\r\n\
        TLS-Version: TLSv1.3\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{MAIL}\r\n0\r\n\r\n",
        MAIL.len()
    );
    let message = message(&request);
    assert_eq!(message.bytes, MAIL.as_bytes());
    assert_eq!(message.envelope.sender.as_deref(), Some(""));
    assert_eq!(message.envelope.recipients, ["b@here.example", "c@here.example"]);
    assert_eq!(message.envelope.tls.unwrap().version.as_deref(), Some("TLSv1.3"));
}

#[test]
fn arguments_say_what_headers_say() {
    let message = message(&post("/check?ip=%5B2001:db8::1%5D&from=a%40b&rcpt=c HTTP/1.1"));
    assert_eq!(message.envelope.ip, "2001:db8::1".parse().ok());
    assert_eq!(
        (message.envelope.sender.as_deref(), message.envelope.recipients),
        (Some("a@b"), vec!["c".to_owned()])
    );
}

#[test]
fn what_is_refused_says_why() {
    let table = [
        ("POST /checkv2 HTTP/1.1\r\nFile: /etc/passwd\r\nContent-Length: 0\r\n\r\n".to_owned(), 400),
        ("POST /checkv2?path=/etc/passwd HTTP/1.1\r\nShm: /x\r\nPath: /etc/passwd\r\n\r\n".to_owned(), 400),
        (post("/checkv2 HTTP/1.1\r\nCompression: zstd"), 415),
        (post("/checkv2 HTTP/1.1\r\nContent-Encoding: gzip"), 415),
        ("GET /checkv2 HTTP/1.1\r\n\r\n".to_owned(), 405),
        (post("/fuzzyadd HTTP/1.1"), 404),
        (post("/../../etc/passwd HTTP/1.1"), 404),
        ("POST /checkv2 HTTP/1.1\r\nContent-Length: 1001\r\n\r\n".to_owned(), 413),
    ];
    for (request, status) in table {
        let (mut door, mut out) = (Rspamd::new(1000), Vec::new());
        door.hear(request.as_bytes());
        assert!(!matches!(door.next(&mut out), Next::Ask(_)), "{request}");
        let (head, body) = split(&out);
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head} for {request}");
        assert!(body["error"].as_str().is_some_and(|e| !e.is_empty()) && body["error_domain"] == "wardroom");
    }
}

#[test]
fn a_file_beside_a_message_is_not_looked_at() {
    assert_eq!(message(&post("/checkv2 HTTP/1.1\r\nFile: /etc/passwd")).bytes, MAIL.as_bytes());
}

#[test]
fn pings_and_requests_one_after_the_other() {
    let (mut door, mut out) = (Rspamd::new(1000), Vec::new());
    door.hear(b"GET /ping HTTP/1.1\r\n\r\nGET /PING/ HTTP/1.0\r\n\r\nGET /ping HTTP/1.1\r\n\r\n");
    assert_eq!(door.next(&mut out), Next::Close(None), "the second is the last");
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.matches("pong\r\n").count(), 2);
    assert!(text.contains("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n"));
    assert!(
        text.contains("HTTP/1.0 200 OK\r\nConnection: close\r\nServer: wardroom\r\nContent-Length: 6\r\n")
    );
}

#[test]
fn each_class_has_its_action_and_no_score_contradicts_it() {
    let table = [
        (Class::Inbox, "no action", 3.591, None),
        (Class::Doubt, "no action", 5.791, None),
        (Class::Spam, "add header", 14.091, None),
        (Class::Phish, "add header", 14.091, None),
        (Class::Reject, "reject", 20.391, None),
        (Class::Tempfail, "soft reject", 5.791, None),
        (Class::Hold, "reject", 20.391, Some("quarantine")),
        (Class::Discard, "reject", 20.391, Some("discard")),
    ];
    for (class, action, score, milter) in table {
        let judgement = Judgement { probability: Some(0.9), ..Judgement::new(class, Case::of(33)) };
        let (_, body) = said(&post("/checkv2 HTTP/1.1"), &Answer::Judged(judgement));
        assert_eq!((&body["action"], &body["score"]), (&action.into(), &score.into()), "{class:?}");
        assert_eq!(body["milter"]["reject"].as_str(), milter);
        assert_eq!(
            body["messages"]["smtp_message"].is_string(),
            matches!(class, Class::Reject | Class::Tempfail)
        );
        assert_eq!(body["messages"]["case"], "00000-00011");
    }
}

#[test]
fn reasons_are_symbols_and_forged_headers_are_taken_out() {
    let mut judgement = Judgement::new(Class::Spam, Case::of(1));
    judgement.reasons = vec![Reason { id: "mail.gtube".into(), words: "A test".into(), weight: Some(1.5) }];
    let (head, body) = said(&post("/checkv2 HTTP/1.0"), &Answer::Judged(judgement));
    assert!(head.starts_with("HTTP/1.0 200 OK\r\nConnection: close"));
    let symbol = json!({ "name": "mail.gtube", "score": 1.5, "metric_score": 1.5, "description": "A test" });
    assert_eq!(body["symbols"], json!({ "mail.gtube": symbol }));
    assert_eq!(body["message-id"], "x@y.example");
    assert_eq!(body["milter"]["remove_headers"], json!({ "X-Spam-Flag": 0 }));
    assert_eq!(body["milter"]["add_headers"]["X-Spam-Flag"]["value"], "YES");
}

#[test]
fn what_was_not_scanned_has_no_score() {
    let missed = |mode| Answer::Judged(Judgement::not_scanned(Why::Late, mode, Case::of(1)));
    let (_, body) = said(&post("/checkv2 HTTP/1.1"), &missed(FailMode::Tag));
    assert_eq!(
        (&body["is_skipped"], &body["action"], body.get("score")),
        (&true.into(), &"no action".into(), None)
    );
    assert!(body["symbols"]["WARDROOM_NOT_SCANNED"].is_object());
    let status = body["milter"]["add_headers"]["X-Wardroom-Status"]["value"].as_str();
    assert_eq!(status, Some("not scanned (it took too long); case=00000-00001"));
    let (_, body) = said(&post("/checkv2 HTTP/1.1"), &missed(FailMode::Tempfail));
    assert_eq!((&body["action"], body.get("score")), (&"soft reject".into(), None));
}

#[test]
fn lessons_and_what_becomes_of_them() {
    for (path, teaches) in [("learnspam", Teaches::Spam), ("learnham", Teaches::Ham)] {
        let (_, question) = ask(&post(&format!("/{path} HTTP/1.0\r\nPassword: q1")));
        let Question::Lesson(Lesson { message, teaches: found, password }) = question else { panic!() };
        assert_eq!((message.bytes.len(), found, password.as_deref()), (MAIL.len(), teaches, Some("q1")));
    }
    let learn = post("/learnspam HTTP/1.0\r\nPassword: q1");
    let shown = format!("{:?}", ask(&learn).1);
    assert!(!shown.contains("q1"), "{shown}");
    let refused = Answer::Learned(Learned::Refused("already\r\nlearned".into()));
    assert_eq!(said(&learn, &Answer::Learned(Learned::Taken)).1, json!({ "success": true }));
    assert!(said(&learn, &refused).0.starts_with("HTTP/1.0 204 already  learned\r\nConnection"));
    assert!(said(&learn, &Answer::Learned(Learned::Forbidden)).0.starts_with("HTTP/1.0 403 Forbidden"));
}

#[test]
fn figures() {
    let figures = Figures { classes: [5, 1, 2, 1, 1, 1, 0, 0], not_scanned: 7, learned: 3, up_secs: 60 };
    let (_, body) = said("GET /stat HTTP/1.1\r\n\r\n", &Answer::Figures(figures));
    assert_eq!(
        (&body["scanned"], &body["spam_count"], &body["ham_count"]),
        (&11.into(), &4.into(), &7.into())
    );
    assert_eq!(body["not_scanned"], 7);
    let actions: u64 = body["actions"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(actions, 11);
}
