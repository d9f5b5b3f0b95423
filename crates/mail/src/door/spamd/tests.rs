// SPDX-License-Identifier: Apache-2.0
//! Requests as spamc 4.0.1 sends them, and what is answered.

use super::*;
use crate::door::{Case, Class, FailMode, Judgement, Learned, Reason, Why};

const MAIL: &str = "Subject: a\nx-spam-flag: NO\n\nb\n";

fn request(command: &str, headers: &str) -> String {
    format!("{command} SPAMC/1.5\r\nUser: root\r\n{headers}Content-length: {}\r\n\r\n{MAIL}", MAIL.len())
}

fn ask(request: &str) -> (Spamd, Question) {
    for step in [1, 9, request.len()] {
        let (mut door, mut out, mut last) = (Spamd::new(1000), Vec::new(), Next::More);
        for piece in request.as_bytes().chunks(step) {
            assert_eq!(last, Next::More);
            door.hear(piece);
            last = door.next(&mut out);
        }
        assert!(out.is_empty());
        match last {
            Next::Ask(question) if step == request.len() => return (door, *question),
            Next::Ask(_) => {}
            other => panic!("{other:?}"),
        }
    }
    unreachable!()
}

fn said(request: &str, answer: &Answer) -> String {
    let (mut door, _) = ask(request);
    let mut out = Vec::new();
    door.answer(answer, &mut out);
    assert_eq!(door.next(&mut out), Next::Close(None), "one request a connection");
    String::from_utf8(out).unwrap()
}

fn spam() -> Answer {
    let mut judgement = Judgement { probability: Some(0.5), ..Judgement::new(Class::Spam, Case::of(33)) };
    let reason = |id: &str, weight| Reason { id: id.into(), words: "It is\r\nbad".into(), weight };
    judgement.reasons = vec![reason("mail.gtube", Some(2.0)), reason("mail.b,c", None)];
    Answer::Judged(judgement)
}

fn ham() -> Answer {
    Answer::Judged(Judgement::new(Class::Inbox, Case::of(33)))
}

#[test]
fn a_message_and_whose_it_is() {
    let (_, question) = ask(&request("CHECK", ""));
    let Question::Message(message) = question else { panic!() };
    assert_eq!((message.bytes.as_slice(), message.is_cut), (MAIL.as_bytes(), false));
    assert_eq!(message.envelope.recipients, ["root"]);
    assert_eq!(message.envelope.user, None, "who runs spamc did not send the message");
}

#[test]
fn without_a_length_the_message_ends_where_the_client_does() {
    let (mut door, mut out) = (Spamd::new(1000), Vec::new());
    door.hear(format!("CHECK SPAMC/1.2\r\n\r\n{MAIL}").as_bytes());
    assert_eq!(door.next(&mut out), Next::More);
    door.end();
    assert!(
        matches!(door.next(&mut out), Next::Ask(q) if matches!(&*q, Question::Message(m) if m.bytes == MAIL.as_bytes()))
    );
}

#[test]
fn each_command_has_its_reply() {
    let head = |length: usize| {
        format!("SPAMD/1.1 0 EX_OK\r\nContent-length: {length}\r\nSpam: True ; 7.4 / 5.0\r\n\r\n")
    };
    assert_eq!(said(&request("CHECK", ""), &spam()), head(0));
    assert_eq!(said(&request("SYMBOLS", ""), &spam()), head(19) + "mail.gtube,mail.b_c");
    let report = "Wardroom, case 00000-00011: spam\n7.4 points of 5.0\nspam with a probability of 0.5000\n  \
        +2.0 mail.gtube: It is  bad\n       mail.b_c: It is  bad\n";
    assert_eq!(said(&request("REPORT", ""), &spam()), head(report.len()) + report);
    assert_eq!(said(&request("REPORT_IFSPAM", ""), &spam()), head(report.len()) + report);
    let ham_head = "SPAMD/1.1 0 EX_OK\r\nContent-length: 0\r\nSpam: False ; 0.0 / 5.0\r\n\r\n";
    assert_eq!(said(&request("REPORT_IFSPAM", ""), &ham()), ham_head);
    let ours = "X-Wardroom-Status: scanned; class=spam; case=00000-00011\nX-Wardroom-Score: 0.5000\n\
        X-Wardroom-Reasons: mail.gtube, mail.b_c\nX-Spam-Flag: YES\n";
    let whole = format!("{ours}Subject: a\n\nb\n");
    assert_eq!(said(&request("PROCESS", ""), &spam()), head(whole.len()) + &whole);
    let heads = format!("{ours}Subject: a\n\n");
    assert_eq!(said(&request("HEADERS", ""), &spam()), head(heads.len()) + &heads);
}

#[test]
fn the_spam_word_and_the_score_never_contradict_each_other() {
    for class in Class::ALL {
        for p in [None, Some(0.0), Some(1.0)] {
            let judgement = Judgement { probability: p, ..Judgement::new(class, Case::of(1)) };
            let text = said(&request("CHECK", ""), &Answer::Judged(judgement));
            let line = text.lines().find(|line| line.starts_with("Spam: ")).unwrap();
            let mut words = line["Spam: ".len()..].split([';', '/']).map(str::trim);
            let (word, score) = (words.next().unwrap(), words.next().unwrap().parse::<f64>().unwrap());
            assert_eq!(word == "True", score >= 5.0, "{class:?} {p:?}: {line}");
        }
    }
}

#[test]
fn what_was_not_scanned_is_an_error_or_says_so() {
    let missed = |mode| Answer::Judged(Judgement::not_scanned(Why::Busy, mode, Case::of(33)));
    let error = "SPAMD/1.0 75 EX_TEMPFAIL not scanned: the server is busy (case 00000-00011)\r\n";
    for command in ["CHECK", "SYMBOLS", "REPORT", "REPORT_IFSPAM"] {
        assert_eq!(said(&request(command, ""), &missed(FailMode::Tag)), error);
    }
    for command in ["CHECK", "PROCESS", "HEADERS"] {
        assert_eq!(said(&request(command, ""), &missed(FailMode::Tempfail)), error);
    }
    let text = said(&request("PROCESS", ""), &missed(FailMode::Tag));
    assert!(text.contains(
        "\r\n\r\nX-Wardroom-Status: not scanned (the server is busy); case=00000-00011\nSubject: a\n\nb\n"
    ));
    assert!(!text.contains("Spam:"), "{text}");
}

#[test]
fn lessons_and_what_becomes_of_them() {
    let table = [
        ("Message-class: spam\r\nSet: local\r\n", Teaches::Spam, "DidSet: local\r\n"),
        ("Message-class: ham\r\nSet: local, remote\r\nRemove: remote\r\n", Teaches::Ham, "DidSet: local\r\n"),
        ("Remove: local\r\n", Teaches::Forget, "DidRemove: local\r\n"),
    ];
    for (headers, teaches, did) in table {
        let request = request("TELL", headers);
        assert!(
            matches!(ask(&request).1, Question::Lesson(lesson) if lesson.teaches == teaches),
            "{headers}"
        );
        let text = said(&request, &Answer::Learned(Learned::Taken));
        assert_eq!(text, format!("SPAMD/1.1 0 EX_OK\r\nContent-length: 0\r\n{did}\r\n"));
    }
    let tell = request("TELL", table[0].0);
    assert!(
        said(&tell, &Answer::Learned(Learned::Refused("seen".into())))
            .starts_with("SPAMD/1.0 69 EX_UNAVAILABLE seen\r\n")
    );
    assert!(said(&tell, &Answer::Learned(Learned::Forbidden)).starts_with("SPAMD/1.0 77 EX_NOPERM"));
}

#[test]
fn pings_skips_and_what_is_no_request() {
    let table = [
        ("PING SPAMC/1.2\r\n", "SPAMD/1.5 0 PONG\r\n"),
        ("SKIP SPAMC/1.5\r\n", ""),
        ("CHECK HTTP/1.0\r\n", "SPAMD/1.0 76 "),
        ("check SPAMC/1.5\r\n", "SPAMD/1.0 76 "),
        ("CHECK SPAMC/1.5\r\nContent-length: -1\r\n", "SPAMD/1.0 76 "),
        ("CHECK SPAMC/1.5\r\nContent-length: 1001\r\n", "SPAMD/1.0 65 "),
        ("CHECK SPAMC/1.5\r\nContent-length: 99999999999999999999999\r\n", "SPAMD/1.0 65 "),
        ("CHECK SPAMC/1.5\r\nCompress: zlib\r\nContent-length: 5\r\n\r\n", "SPAMD/1.0 69 "),
        ("CHECK SPAMC/1.5\r\nContent-length: 5\r\n\r\nfour", "SPAMD/1.0 65 "),
        ("TELL SPAMC/1.5\r\nMessage-class: spam\r\n\r\n", "SPAMD/1.0 64 "),
        ("TELL SPAMC/1.5\r\nMessage-class: eggs\r\n\r\n", "SPAMD/1.0 64 "),
        ("CHECK SPAMC/1.5\r\nno colon\r\n", "SPAMD/1.0 76 "),
        ("CHECK SPAMC/1.5\r\nUser: x", ""),
    ];
    for (request, expect) in table {
        let (mut door, mut out) = (Spamd::new(1000), Vec::new());
        door.hear(request.as_bytes());
        door.end();
        assert!(matches!(door.next(&mut out), Next::Close(_)), "{request:?}");
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with(expect) && text.is_empty() == expect.is_empty(), "{request:?}: {text:?}");
    }
    let (mut door, mut out, mut heard) = (Spamd::new(1000), Vec::new(), 0);
    door.hear(b"CHECK SPAMC/1.5\r\n");
    while door.next(&mut out) == Next::More {
        door.hear(b"a: b\r\n");
        heard += 6;
        assert!(heard < 2 * limits::SPAMC_HEAD_BYTES);
    }
}
