// SPDX-License-Identifier: Apache-2.0
//! Conversations as Postfix 3.7.11 has them, and what else a mail server may send.

use super::frame::{Frame, next, put};
use super::*;
use crate::door::heard::Heard;
use crate::door::{
    Answer, Case, Class, Conversation, FailMode, Judgement, Message, Next, Question, Why, limits,
};

/// What Postfix offers: version 6, actions 0x1ff, steps 0x1fffff.
const OFFER: [u32; 3] = [6, 0x1ff, 0x1f_ffff];

fn offer(numbers: [u32; 3]) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, b'O', &[&numbers.map(u32::to_be_bytes).concat()]);
    out
}

/// Frames: a command, and its payload with `|` for zero.
fn frames(list: &[(u8, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (command, payload) in list {
        put(&mut out, *command, &[payload.replace('|', "\0").as_bytes()]);
    }
    out
}

fn shown(out: &[u8]) -> Vec<String> {
    let mut heard = Heard::default();
    heard.push(out);
    let mut made = Vec::new();
    while let Some(Frame { command, payload }) = next(&mut heard).unwrap() {
        let payload = String::from_utf8_lossy(&payload).replace('\0', "|");
        made.push(format!("{} {payload}", char::from(command)).trim_end().to_owned());
    }
    assert!(heard.rest().is_empty());
    made
}

fn open(numbers: [u32; 3]) -> Milter {
    let (mut milter, mut out) = (Milter::new(usize::MAX), Vec::new());
    milter.hear(&offer(numbers));
    assert_eq!(milter.next(&mut out), Next::More);
    milter
}

fn message(next: Next) -> Message {
    match next {
        Next::Ask(question) => match *question {
            Question::Message(message) => message,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// One client and the way to its first message's end. The port is 41234.
const CLIENT: [(u8, &str); 5] = [
    (b'D', "Cj|mx.here.example|{daemon_name}|mx.here.example|v|Postfix 3.7.11|"),
    (b'C', "mx.sender.example|4\u{0}1192.0.2.7|"),
    (b'D', "H"),
    (b'H', "helo.sender.example|"),
    (b'D', "M{mail_addr}|a@sender.example|{mail_host}|5.1.1 no route|{mail_mailer}|smtp|"),
];

const MAIL: [(u8, &str); 12] = [
    (b'M', "<a@sender.example>|SIZE=1234|BODY=8BITMIME|"),
    (b'D', "R{rcpt_addr}|b@here.example|{rcpt_host}||{rcpt_mailer}|local|"),
    (b'R', "<b@here.example>|"),
    (b'D', "Ri|4XyZ1|{rcpt_addr}|c@here.example|"),
    (b'R', "<c@here.example>|NOTIFY=NEVER|"),
    (b'D', "Li|4XyZ1|"),
    (b'L', "Subject| a\n b|"),
    (b'D', "L"),
    (b'L', "X-Odd||"),
    (b'D', "Ni|4XyZ1|"),
    (b'N', ""),
    (b'B', "one\r\n"),
];

#[test]
fn what_is_agreed_on() {
    let table = [
        (OFFER, vec![0, 0, 0, 6, 0, 0, 0, 0x31, 0, 0x1f, 0xf7, 0x80]),
        // Sendmail's oldest: each step is answered, and only headers are added.
        ([2, 0x3f & 0x01, 0x7f], vec![0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0]),
        // Nothing is taken that was not offered, and a newer version is spoken as this one.
        ([7, 0, 0], vec![0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0]),
    ];
    for (numbers, expect) in table {
        let (mut milter, mut out) = (Milter::new(100), Vec::new());
        milter.hear(&offer(numbers));
        assert_eq!(milter.next(&mut out), Next::More);
        assert_eq!(out[..5], [0, 0, 0, 13, b'O']);
        assert_eq!(out[5..], expect, "{numbers:?}");
    }
    for wrong in [offer([1, 0, 0]), frames(&[(b'O', "short")]), frames(&[(b'H', "early|")])] {
        let (mut milter, mut out) = (Milter::new(100), Vec::new());
        milter.hear(&wrong);
        assert!(matches!(milter.next(&mut out), Next::Close(Some(_))));
        assert!(out.is_empty());
    }
}

#[test]
fn a_message_as_postfix_hands_it_over_in_pieces_of_any_size() {
    let bytes = [frames(&CLIENT), frames(&MAIL), frames(&[(b'D', "Ei|4XyZ1|"), (b'E', "two\r\n")])].concat();
    for step in [1, 3, 64, bytes.len()] {
        let (mut milter, mut out) = (open(OFFER), Vec::new());
        let mut last = Next::More;
        for piece in bytes.chunks(step) {
            assert_eq!(last, Next::More);
            milter.hear(piece);
            last = milter.next(&mut out);
        }
        assert!(out.is_empty(), "no step is answered before the end");
        let Message { envelope, bytes, is_cut } = message(last);
        assert_eq!(bytes, b"Subject: a\r\n b\r\nX-Odd:\r\n\r\none\r\ntwo\r\n");
        assert!(!is_cut);
        assert_eq!(envelope.ip, "192.0.2.7".parse().ok());
        assert_eq!(envelope.ptr.as_deref(), Some("mx.sender.example"));
        assert_eq!(envelope.helo.as_deref(), Some("helo.sender.example"));
        assert_eq!(envelope.sender.as_deref(), Some("a@sender.example"));
        assert_eq!(envelope.recipients, ["b@here.example", "c@here.example"]);
        assert_eq!((envelope.recipient_count, envelope.declared_size), (2, Some(1234)));
        assert_eq!((envelope.queue_id.as_deref(), envelope.user), (Some("4XyZ1"), None));
        assert_eq!(envelope.mta.as_deref(), Some("mx.here.example"));
    }
}

#[test]
fn without_leading_blanks_and_with_answers_for_old_servers() {
    let (mut milter, mut out) = (open([2, 0x3f, 0x7f]), Vec::new());
    milter.hear(&frames(&CLIENT));
    milter.hear(&frames(&[
        (b'M', "<>|"),
        (b'R', "<b@here.example>|"),
        (b'L', "Subject|a|"),
        (b'N', ""),
        (b'B', "x"),
    ]));
    assert_eq!(milter.next(&mut out), Next::More);
    assert_eq!(shown(&out), ["c"; 7], "C H M R L N B; no macros");
    milter.hear(&frames(&[(b'E', "")]));
    let message = message(milter.next(&mut out));
    assert_eq!(message.bytes, b"Subject: a\r\n\r\nx");
    assert_eq!(message.envelope.sender.as_deref(), Some(""));
}

#[test]
fn several_messages_and_clients_on_one_connection_share_nothing_they_should_not() {
    let (mut milter, mut out) = (open(OFFER), Vec::new());
    let own = [(b'D', "M{auth_type}|PLAIN|{auth_authen}|ann|"), (b'M', "<ann@here.example>|")];
    milter.hear(&[frames(&CLIENT[..4]), frames(&own), frames(&MAIL[1..]), frames(&[(b'E', "")])].concat());
    let first = message(milter.next(&mut out));
    assert_eq!(first.envelope.user.as_deref(), Some("ann"));
    milter.answer(&Answer::Judged(Judgement::new(Class::Inbox, Case::of(1))), &mut out);
    assert_eq!(shown(&out), ["h X-Wardroom-Status| scanned; class=inbox; case=00000-00001|", "c"]);
    out.clear();

    // `A` follows each message, and has no answer. Nor has a message that is given up half way.
    milter.hear(&frames(&[
        (b'A', ""),
        (b'M', "<half@sender.example>|"),
        (b'R', "<b@here.example>|"),
        (b'L', "X|y|"),
        (b'A', ""),
    ]));
    milter.hear(&[frames(&CLIENT[4..]), frames(&MAIL), frames(&[(b'E', "")])].concat());
    let second = message(milter.next(&mut out));
    assert!(out.is_empty());
    assert_eq!(second.envelope.user, None, "the second is not by a user");
    assert_eq!(second.envelope.sender.as_deref(), Some("a@sender.example"));
    assert_eq!(second.envelope.recipients.len(), 2);
    assert_eq!(second.envelope.ip, first.envelope.ip);
    assert!(second.bytes.starts_with(b"Subject: a"));

    // Another client on the same connection.
    milter.answer(&Answer::Judged(Judgement::new(Class::Inbox, Case::of(1))), &mut out);
    milter.hear(&frames(&[
        (b'K', ""),
        (b'C', "[2001:db8::1]|6\u{0}1IPv6:2001:db8::1|"),
        (b'M', "<x@y>|"),
        (b'E', "a"),
    ]));
    let third = message(milter.next(&mut out));
    assert_eq!((third.envelope.ip, third.envelope.ptr), ("2001:db8::1".parse().ok(), None));
    assert_eq!((third.envelope.helo, third.envelope.mta), (None, None));

    milter.hear(&frames(&[(b'Q', "")]));
    assert_eq!(milter.next(&mut out), Next::Close(None));
}

#[test]
fn clients_that_are_no_address() {
    for payload in ["localhost|U|", "localhost|L\u{0}\u{0}/run/x|", "localhost|", "", "|4", "|4\u{0}"] {
        let (mut milter, mut out) = (open(OFFER), Vec::new());
        milter.hear(&frames(&[(b'C', payload), (b'M', ""), (b'E', "")]));
        assert_eq!(message(milter.next(&mut out)).envelope.ip, None, "{payload:?}");
    }
}

fn answers(numbers: [u32; 3], headers: &[(u8, &str)], judgement: Judgement) -> Vec<String> {
    let (mut milter, mut out) = (open(numbers), Vec::new());
    milter.hear(&[frames(&CLIENT), frames(headers), frames(&[(b'E', "")])].concat());
    while !matches!(milter.next(&mut out), Next::Ask(_)) {}
    out.clear();
    milter.answer(&Answer::Judged(judgement), &mut out);
    shown(&out)
}

#[test]
fn each_class_has_its_replies() {
    let case = Case::of(33);
    let spam = ["h X-Wardroom-Status| scanned; class=spam; case=00000-00011|", "h X-Spam-Flag| YES|", "c"];
    let held = [
        "h X-Wardroom-Status| scanned; class=hold; case=00000-00011|",
        "h X-Spam-Flag| YES|",
        "q held (case 00000-00011)|",
        "c",
    ];
    let table: [(Class, &[&str]); 6] = [
        (Class::Doubt, &["h X-Wardroom-Status| scanned; class=doubt; case=00000-00011|", "c"]),
        (Class::Spam, &spam),
        (Class::Hold, &held),
        (Class::Reject, &["y 550 5.7.1 Refused as unwanted mail (case 00000-00011)|"]),
        (Class::Tempfail, &["y 451 4.7.1 Not accepted for now, try again later (case 00000-00011)|"]),
        (Class::Discard, &["d"]),
    ];
    for (class, expect) in table {
        assert_eq!(answers(OFFER, &[], Judgement::new(class, case)), expect, "{class:?}");
    }
    // Whoever offers no actions is not sent any.
    assert_eq!(answers([6, 0, 0x1f_ffff], &[], Judgement::new(Class::Hold, case)), ["c"]);
}

#[test]
fn what_was_not_scanned_is_tagged_or_put_off() {
    let missed = |mode| Judgement::not_scanned(Why::Stopping, mode, Case::of(33));
    let tagged = answers(OFFER, &[], missed(FailMode::Tag));
    assert_eq!(tagged, ["h X-Wardroom-Status| not scanned (the server is stopping); case=00000-00011|", "c"]);
    let expect = "y 451 4.7.1 Not checked: the server is stopping, try again later (case 00000-00011)|";
    assert_eq!(answers(OFFER, &[], missed(FailMode::Tempfail)), [expect]);
}

#[test]
fn headers_that_pretend_to_be_ours_are_taken_out_from_behind() {
    let forged = [
        (b'L', "x-wardroom-status| scanned; class=inbox|"),
        (b'L', "Subject| x|"),
        (b'L', "X-Wardroom-Status| again|"),
        (b'L', "X-Spam-Flag| NO|"),
        (b'N', ""),
        (b'B', "X-Wardroom-Score: 0\r\n"),
    ];
    let said = answers(OFFER, &forged, Judgement::new(Class::Inbox, Case::of(1)));
    assert_eq!(
        said,
        [
            "m |||\u{2}X-Wardroom-Status||",
            "m |||\u{1}X-Wardroom-Status||",
            "m |||\u{1}X-Spam-Flag||",
            "h X-Wardroom-Status| scanned; class=inbox; case=00000-00001|",
            "c",
        ]
    );
}

#[test]
fn a_message_that_is_too_long_is_judged_by_its_beginning() {
    let (mut milter, mut out) = (Milter::new(20), Vec::new());
    milter.hear(&offer(OFFER));
    milter.hear(&frames(&[
        (b'L', "A| b|"),
        (b'N', ""),
        (b'B', "0123456789abcdef"),
        (b'B', "more"),
        (b'E', "most"),
    ]));
    let message = message(milter.next(&mut out));
    assert_eq!(message.bytes, b"A: b\r\n\r\n0123456789ab");
    assert!(message.is_cut);

    // Where chunks are answered, the rest is not asked for.
    let (mut milter, mut out) = (Milter::new(4), Vec::new());
    milter.hear(&offer([6, 0x1ff, 0x400]));
    milter.hear(&frames(&[(b'B', "0123456789abcdef")]));
    assert_eq!(milter.next(&mut out), Next::More);
    assert_eq!(shown(&out)[1..], ["s"]);
}

#[test]
fn nothing_grows_with_what_is_sent() {
    let (mut milter, mut out) = (open(OFFER), Vec::new());
    let many: Vec<(u8, &str)> = vec![(b'R', "<someone@here.example>|"); limits::RECIPIENTS + 5];
    milter.hear(&[frames(&[(b'M', "<a@b>|")]), frames(&many), frames(&[(b'E', "")])].concat());
    let envelope = message(milter.next(&mut out)).envelope;
    assert_eq!(envelope.recipients.len(), limits::RECIPIENTS);
    assert_eq!(envelope.recipient_count as usize, limits::RECIPIENTS + 5);

    for wrong in
        [vec![0, 0, 0, 0], vec![0xff, 0xff, 0xff, 0xff], frames(&[(b'z', "")]), frames(&[(b'D', "")])]
    {
        let (mut milter, mut out) = (open(OFFER), Vec::new());
        milter.hear(&wrong);
        assert!(matches!(milter.next(&mut out), Next::Close(Some(_))), "{wrong:?}");
    }
}
