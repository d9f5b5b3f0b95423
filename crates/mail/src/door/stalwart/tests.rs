// SPDX-License-Identifier: Apache-2.0
//! Hooks in the form of Stalwart 0.16, and what is answered.

use super::*;
use crate::door::{Case, FailMode, Tls, Why};

fn data() -> Value {
    json!({
        "context": {
            "stage": "data",
            "client": { "ip": "192.0.2.7", "port": 41234, "ptr": "mx.sender.example.", "helo": "h.example", "activeConnections": 1 },
            "sasl": { "login": "ann", "method": null },
            "tls": { "version": "TLSv1.3", "cipher": "X", "cipherBits": 256 },
            "server": { "name": "Stalwart", "port": 25, "ip": "198.51.100.1" },
            "queue": { "id": "1f2e" },
            "protocol": { "version": 1 }
        },
        "envelope": {
            "from": { "address": "a@sender.example", "parameters": { "SIZE": "12" } },
            "to": [{ "address": "b@here.example" }, { "address": "c@here.example" }]
        },
        "message": {
            "headers": [["Subject", " a\r\n b\r\n"], ["X-Wardroom-Status", "fake"], ["x-wardroom-status", " fake\r\n"]],
            "serverHeaders": [],
            "contents": "one\r\n",
            "size": 99
        }
    })
}

fn hear(door: &mut Stalwart, hook: &Value, out: &mut Vec<u8>) -> Next {
    let body = hook.to_string();
    let head = format!(
        "POST /hook HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    door.hear((head + &body).as_bytes());
    door.next(out)
}

fn said(hook: &Value, judgement: Judgement) -> Value {
    let (mut door, mut out) = (Stalwart::new(1000), Vec::new());
    assert!(matches!(hear(&mut door, hook, &mut out), Next::Ask(_)));
    door.answer(&Answer::Judged(judgement), &mut out);
    body(&out)
}

fn body(out: &[u8]) -> Value {
    let text = std::str::from_utf8(out).unwrap();
    serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn a_message_and_its_envelope() {
    let (mut door, mut out) = (Stalwart::new(1000), Vec::new());
    let Next::Ask(question) = hear(&mut door, &data(), &mut out) else { panic!() };
    let Question::Message(message) = *question else { panic!() };
    assert_eq!(
        String::from_utf8_lossy(&message.bytes),
        "Subject: a\r\n b\r\nX-Wardroom-Status: fake\r\nx-wardroom-status: fake\r\n\r\none\r\n"
    );
    assert_eq!(
        message.envelope,
        Envelope {
            ip: "192.0.2.7".parse().ok(),
            helo: Some("h.example".into()),
            ptr: Some("mx.sender.example".into()),
            sender: Some("a@sender.example".into()),
            recipients: vec!["b@here.example".into(), "c@here.example".into()],
            recipient_count: 2,
            user: Some("ann".into()),
            queue_id: Some("1f2e".into()),
            tls: Some(Tls { version: Some("TLSv1.3".into()), cipher: Some("X".into()) }),
            mta: Some("Stalwart".into()),
            ..Envelope::default()
        }
    );
}

#[test]
fn a_recipient_is_the_last_of_the_envelope() {
    let mut hook = data();
    hook["context"]["stage"] = "rcpt".into();
    hook.as_object_mut().unwrap().remove("message");
    let (mut door, mut out) = (Stalwart::new(1000), Vec::new());
    let Next::Ask(question) = hear(&mut door, &hook, &mut out) else { panic!() };
    let Question::Recipient(envelope) = *question else { panic!() };
    assert_eq!(
        (envelope.recipients.last().unwrap().as_str(), envelope.stage),
        ("c@here.example", Stage::Rcpt)
    );
    assert_eq!(said(&hook, Judgement::new(Class::Spam, Case::of(1))), json!({ "action": "accept" }));
}

#[test]
fn other_stages_go_on() {
    for stage in ["connect", "ehlo", "auth", "mail", "data", "rcpt", "tomorrow"] {
        let hook = json!({ "context": { "stage": stage, "client": { "ip": "192.0.2.7", "port": 1, "activeConnections": 1 } } });
        let (mut door, mut out) = (Stalwart::new(1000), Vec::new());
        assert_eq!(hear(&mut door, &hook, &mut out), Next::More, "{stage}");
        assert_eq!(body(&out), json!({ "action": "accept" }));
    }
}

#[test]
fn each_class_has_its_action() {
    let reject = json!({ "action": "reject", "response":
        { "status": 550, "enhanced_status": "5.7.1", "message": "Refused as unwanted mail (case 00000-00011)" } });
    let tempfail = json!({ "action": "reject", "response":
        { "status": 451, "enhanced_status": "4.7.1", "message": "Not accepted for now, try again later (case 00000-00011)" } });
    for (class, expect) in [(Class::Reject, reject), (Class::Tempfail, tempfail)] {
        assert_eq!(said(&data(), Judgement::new(class, Case::of(33))), expect);
    }
    for (class, expect) in [
        (Class::Inbox, "accept"),
        (Class::Phish, "accept"),
        (Class::Hold, "quarantine"),
        (Class::Discard, "discard"),
    ] {
        assert_eq!(said(&data(), Judgement::new(class, Case::of(33)))["action"], expect);
    }
    let spam = said(&data(), Judgement::new(Class::Spam, Case::of(33)));
    assert_eq!(
        spam["modifications"],
        json!([
            { "type": "deleteHeader", "index": 2, "name": "X-Wardroom-Status" },
            { "type": "deleteHeader", "index": 1, "name": "X-Wardroom-Status" },
            { "type": "addHeader", "name": "X-Wardroom-Status", "value": "scanned; class=spam; case=00000-00011" },
            { "type": "addHeader", "name": "X-Spam-Flag", "value": "YES" },
        ])
    );
}

#[test]
fn what_was_not_scanned_says_so_or_is_put_off() {
    let missed = |mode| Judgement::not_scanned(Why::Failed, mode, Case::of(33));
    let tagged = said(&data(), missed(FailMode::Tag));
    assert_eq!(tagged["action"], "accept");
    assert_eq!(tagged["modifications"][2]["value"], "not scanned (the server failed); case=00000-00011");
    let put_off = said(&data(), missed(FailMode::Tempfail));
    assert_eq!(
        put_off["response"]["message"],
        "Not checked: the server failed, try again later (case 00000-00011)"
    );
}

#[test]
fn what_is_no_hook_is_refused_without_repeating_it() {
    for hook in [json!("secret"), json!({}), json!({ "context": { "stage": 7 } })] {
        let (mut door, mut out) = (Stalwart::new(1000), Vec::new());
        assert_eq!(hear(&mut door, &hook, &mut out), Next::More);
        assert!(out.starts_with(b"HTTP/1.1 400 ") && body(&out) == json!({ "error": "the body is no hook" }));
    }
}

#[test]
fn of_a_long_message_the_beginning_is_taken_and_of_many_recipients_the_last() {
    let mut hook = data();
    hook["message"]["contents"] = "x".repeat(2000).into();
    hook["envelope"]["to"] =
        (0..limits::RECIPIENTS + 3).map(|n| json!({ "address": format!("{n}@x") })).collect();
    let (mut door, mut out) = (Stalwart::new(1000), Vec::new());
    let Next::Ask(question) = hear(&mut door, &hook, &mut out) else { panic!() };
    let Question::Message(message) = *question else { panic!() };
    assert_eq!((message.bytes.len(), message.is_cut), (1000, true));
    assert_eq!(message.envelope.recipients.len(), limits::RECIPIENTS);
    assert_eq!(message.envelope.recipients.last().unwrap(), &format!("{}@x", limits::RECIPIENTS + 2));
    assert_eq!(message.envelope.recipient_count as usize, limits::RECIPIENTS + 3);
}
