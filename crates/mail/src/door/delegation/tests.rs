// SPDX-License-Identifier: Apache-2.0
//! Requests as Postfix 3.7.11 sends them, and what is answered.

use super::*;
use crate::door::{Case, FailMode, Why};

/// As it came over the wire, with all of its empty attributes.
const SEEN: &str = "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nclient_address=192.0.2.7\n\
    client_name=mx.sender.example\nclient_port=41234\nreverse_client_name=mx.sender.example\nserver_address=127.0.0.1\n\
    server_port=2525\nhelo_name=mx.sender.example\nsender=a@sender.example\nrecipient=b@here.example\nrecipient_count=0\n\
    queue_id=\ninstance=1f2e.656.0\nsize=1234\netrn_domain=\nstress=\nsasl_method=\nsasl_username=\nsasl_sender=\n\
    ccert_subject=\nccert_issuer=\nccert_fingerprint=\nccert_pubkey_fingerprint=\nencryption_protocol=TLSv1.3\n\
    encryption_cipher=TLS_AES_256_GCM_SHA384\nencryption_keysize=256\npolicy_context=\n\n";

fn ask(door: &mut Delegation, request: &str) -> Envelope {
    door.hear(request.as_bytes());
    let mut out = Vec::new();
    match door.next(&mut out) {
        Next::Ask(question) => match *question {
            Question::Recipient(envelope) => envelope,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?} after {:?}", String::from_utf8_lossy(&out)),
    }
}

fn told(door: &mut Delegation, judgement: Judgement) -> String {
    let mut out = Vec::new();
    door.answer(&Answer::Judged(judgement), &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_request_as_postfix_sends_it() {
    for step in [1, 7, 10_000] {
        let mut door = Delegation::default();
        let mut out = Vec::new();
        for piece in SEEN.as_bytes().chunks(step).take(SEEN.len().div_ceil(step) - 1) {
            door.hear(piece);
            assert_eq!(door.next(&mut out), Next::More);
        }
        let last = SEEN.as_bytes().chunks(step).last().unwrap();
        let envelope = ask(&mut door, std::str::from_utf8(last).unwrap());
        assert_eq!(
            envelope,
            Envelope {
                ip: "192.0.2.7".parse().ok(),
                helo: Some("mx.sender.example".into()),
                ptr: Some("mx.sender.example".into()),
                sender: Some("a@sender.example".into()),
                recipients: vec!["b@here.example".into()],
                recipient_count: 1,
                tls: Some(crate::door::Tls {
                    version: Some("TLSv1.3".into()),
                    cipher: Some("TLS_AES_256_GCM_SHA384".into())
                }),
                mta: Some("127.0.0.1".into()),
                declared_size: Some(1234),
                instance: Some("1f2e.656.0".into()),
                stage: Stage::Rcpt,
                ..Envelope::default()
            }
        );
    }
}

#[test]
fn own_users_and_bounces_are_told_from_others() {
    let own = SEEN
        .replace("sasl_username=", "sasl_username=ann")
        .replace("client_name=mx.sender.example\nclient_p", "client_name=unknown\nclient_p");
    let envelope = ask(&mut Delegation::default(), &own.replace("sender=a@sender.example", "sender="));
    assert_eq!(
        (envelope.user.as_deref(), envelope.sender.as_deref(), envelope.ptr),
        (Some("ann"), Some(""), None)
    );
}

#[test]
fn each_class_has_its_action() {
    let case = Case::of(33);
    let table = [
        (Class::Inbox, "DUNNO"),
        (Class::Doubt, "DUNNO"),
        (Class::Spam, "DUNNO"),
        (Class::Phish, "DUNNO"),
        (Class::Reject, "550 5.7.1 Refused as unwanted mail (case 00000-00011)"),
        (Class::Tempfail, "451 4.7.1 Not accepted for now, try again later (case 00000-00011)"),
        (Class::Hold, "HOLD case 00000-00011"),
        (Class::Discard, "DISCARD case 00000-00011"),
    ];
    for (class, expect) in table {
        let mut door = Delegation::default();
        ask(&mut door, SEEN);
        assert_eq!(told(&mut door, Judgement::new(class, case)), format!("action={expect}\n\n"), "{class:?}");
    }
}

#[test]
fn what_was_not_judged_says_so_once_a_message() {
    let missed = |mode| Judgement::not_scanned(Why::Busy, mode, Case::of(33));
    let mut door = Delegation::default();
    let header = "action=PREPEND X-Wardroom-Status: not scanned (the server is busy); case=00000-00011\n\n";
    for (instance, expect) in
        [("1", header), ("1", "action=DUNNO\n\n"), ("2", header), ("2", "action=DUNNO\n\n")]
    {
        ask(&mut door, &SEEN.replace("1f2e.656.0", instance));
        assert_eq!(told(&mut door, missed(FailMode::Tag)), expect);
    }
    ask(&mut door, SEEN);
    let expect = "action=451 4.7.1 Not checked: the server is busy, try again later (case 00000-00011)\n\n";
    assert_eq!(told(&mut door, missed(FailMode::Tempfail)), expect);
}

#[test]
fn other_stages_go_on_and_other_requests_are_none() {
    let (mut door, mut out) = (Delegation::default(), Vec::new());
    door.hear(SEEN.replace("=RCPT", "=END-OF-MESSAGE").as_bytes());
    assert_eq!(door.next(&mut out), Next::More);
    assert_eq!(out, b"action=DUNNO\n\n");
    for (bytes, is_wrong) in
        [("\n", true), ("request=junk_mail\n\n", true), ("sender=a@b\n\n", true), ("request=", false)]
    {
        let mut door = Delegation::default();
        door.hear(bytes.as_bytes());
        door.end();
        assert_eq!(matches!(door.next(&mut out), Next::Close(Some(_))), is_wrong, "{bytes:?}");
    }
}

#[test]
fn a_request_that_does_not_end_is_not_kept() {
    for line in ["x=y\n", "xxxx"] {
        let (mut door, mut out, mut heard) = (Delegation::default(), Vec::new(), 0);
        while door.next(&mut out) == Next::More {
            door.hear(line.as_bytes());
            heard += line.len();
            assert!(heard <= limits::DELEGATION_BYTES + 2 * line.len());
        }
    }
}
