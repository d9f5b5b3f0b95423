// SPDX-License-Identifier: Apache-2.0
//! A judgement in spamd's words.

use super::{Command, SCALE, Told, code};
use crate::door::{Answer, Class, Judgement, Learned, limits, tags, text};
use std::fmt::Write;

pub(super) fn say(out: &mut Vec<u8>, command: Command, told: Told, message: &[u8], answer: &Answer) {
    match answer {
        Answer::Judged(judgement) => verdict(out, command, message, judgement),
        Answer::Learned(Learned::Taken) => {
            let mut head = String::new();
            // What is not said was not done: a client that sees neither says that it was learned before.
            if told.is_set {
                head.push_str("DidSet: local\r\n");
            }
            if told.is_removed {
                head.push_str("DidRemove: local\r\n");
            }
            put(out, &head, b"");
        }
        Answer::Learned(Learned::Refused(reason)) => fault(out, code::UNAVAILABLE, reason),
        Answer::Learned(Learned::Forbidden) => {
            fault(out, code::NO_PERMISSION, "nobody may teach at this door")
        }
        Answer::Figures(_) => fault(out, code::PROTOCOL, "there are no figures at this door"),
    }
}

fn verdict(out: &mut Vec<u8>, command: Command, message: &[u8], judgement: &Judgement) {
    let Some(score) = judgement.on(&SCALE) else { return missed(out, command, message, judgement) };
    // One digit is shown: rounded up, it could be the limit that was not reached.
    let score = (score * 10.0).floor() / 10.0;
    let is_spam = tags::is_spam(judgement);
    let word = if is_spam { "True" } else { "False" };
    let head = format!("Spam: {word} ; {score:.1} / {:.1}\r\n", SCALE.spam);
    match command {
        // No line end behind the last: since 1.3 the length says where it ends.
        Command::Symbols => put(out, &head, symbols(judgement).as_bytes()),
        Command::Report => put(out, &head, report(judgement, score).as_bytes()),
        Command::ReportIfSpam if is_spam => put(out, &head, report(judgement, score).as_bytes()),
        Command::Process => put(out, &head, &marked(message, judgement, true)),
        Command::Headers => put(out, &head, &marked(message, judgement, false)),
        _ => put(out, &head, b""),
    }
}

/// Not judged: in the message where there is one to hand back, and otherwise an error. Never a score.
fn missed(out: &mut Vec<u8>, command: Command, message: &[u8], judgement: &Judgement) {
    let why = judgement.missed().map_or("", |why| why.words());
    let is_tagged = judgement.class != Class::Tempfail;
    match command {
        Command::Process if is_tagged => put(out, "", &marked(message, judgement, true)),
        Command::Headers if is_tagged => put(out, "", &marked(message, judgement, false)),
        _ => fault(out, code::TEMPFAIL, &format!("not scanned: {why} (case {})", judgement.case)),
    }
}

fn put(out: &mut Vec<u8>, head: &str, body: &[u8]) {
    out.extend_from_slice(
        format!("SPAMD/1.1 0 EX_OK\r\nContent-length: {}\r\n{head}\r\n", body.len()).as_bytes(),
    );
    out.extend_from_slice(body);
}

/// An error: its code, and what was wrong.
pub(super) fn fault(out: &mut Vec<u8>, code: (u16, &str), wrong: &str) {
    let wrong = text::plain(wrong, limits::REPLY_BYTES);
    out.extend_from_slice(format!("SPAMD/1.0 {} {} {wrong}\r\n", code.0, code.1).as_bytes());
}

fn symbols(judgement: &Judgement) -> String {
    judgement.named().map(|reason| text::word(&reason.id)).collect::<Vec<_>>().join(",")
}

/// A report for people.
fn report(judgement: &Judgement, score: f64) -> String {
    let mut made = format!("Wardroom, case {}: {}\n", judgement.case, judgement.class.name());
    let _ = writeln!(made, "{score:.1} points of {:.1}", SCALE.spam);
    if let Some(p) = judgement.probability {
        let _ = writeln!(made, "spam with a probability of {p:.4}");
    }
    for reason in judgement.named() {
        let weight = reason.weight.map_or_else(|| "    ".to_owned(), |w| format!("{w:+.1}"));
        let (id, words) = (text::word(&reason.id), text::plain(&reason.words, limits::REPLY_BYTES));
        let _ = writeln!(made, "{weight:>6} {id}: {words}");
    }
    made
}

/// The message with our headers on top, and without those that pretend to be ours; or its headers only.
fn marked(message: &[u8], judgement: &Judgement, with_body: bool) -> Vec<u8> {
    // Messages of spamc come as they lie in a file: lines end as they do there.
    let end = match memchr::memchr(b'\n', message) {
        Some(at) if at > 0 && message[at - 1] == b'\r' => "\r\n",
        _ => "\n",
    };
    let mut fields = tags::fields(message);
    let mut made = Vec::with_capacity(message.len() + 512);
    for (name, value) in tags::of(judgement) {
        made.extend_from_slice(format!("{name}: {value}{end}").as_bytes());
    }
    for field in fields.by_ref() {
        if !tags::OURS.iter().any(|ours| tags::named(field, ours)) {
            made.extend_from_slice(field);
        }
    }
    match with_body {
        true => made.extend_from_slice(fields.rest),
        false => made.extend_from_slice(end.as_bytes()),
    }
    made
}
