// SPDX-License-Identifier: Apache-2.0
//! A judgement in rspamd's words.
//!
//! What is held or thrown away is a `reject` with `milter.reject`, as rspamd has it. What was not judged has no score, and says
//! so in a symbol and in a header.

use super::{Asked, JSON, SCALE, fault};
use crate::door::http::respond;
use crate::door::{Answer, Class, Figures, Judgement, Learned, tags};
use serde_json::{Map, Value, json};

pub(super) fn say(out: &mut Vec<u8>, asked: &Asked, answer: &Answer) {
    let manner = asked.manner;
    let ok =
        |out: &mut Vec<u8>, body: Value| respond(out, manner, (200, "OK"), JSON, body.to_string().as_bytes());
    match answer {
        Answer::Judged(judgement) => ok(out, verdict(judgement, asked)),
        Answer::Learned(Learned::Taken) => ok(out, json!({ "success": true })),
        // The reason stands in the status line: this is how clients of rspamd show it.
        Answer::Learned(Learned::Refused(reason)) => respond(out, manner, (204, reason), JSON, b""),
        Answer::Learned(Learned::Forbidden) => {
            fault(out, manner, 403, "nobody may teach at this door with this password");
        }
        Answer::Figures(figures) => ok(out, stat(figures)),
    }
}

/// rspamd's name of what is to be done.
fn action(judgement: &Judgement) -> &'static str {
    match judgement.class {
        Class::Inbox | Class::Doubt => "no action",
        Class::Spam | Class::Phish => "add header",
        Class::Tempfail => "soft reject",
        Class::Reject | Class::Hold | Class::Discard => "reject",
    }
}

fn verdict(judgement: &Judgement, asked: &Asked) -> Value {
    let mut made = Map::new();
    let missed = judgement.missed();
    made.insert("is_skipped".into(), missed.is_some().into());
    if let Some(score) = judgement.on(&SCALE) {
        made.insert("score".into(), rounded(score));
    }
    made.insert("required_score".into(), SCALE.reject.into());
    made.insert("action".into(), action(judgement).into());
    made.insert("thresholds".into(), json!({ "reject": SCALE.reject, "add header": SCALE.spam }));
    let mut symbols = Map::new();
    for reason in judgement.named() {
        symbols.insert(reason.id.clone(), symbol(&reason.id, reason.weight.unwrap_or(0.0), &reason.words));
    }
    if let Some(why) = missed {
        symbols.insert(MISSED.into(), symbol(MISSED, 0.0, why.words()));
    }
    made.insert("symbols".into(), Value::Object(symbols));
    let mut messages = Map::new();
    messages.insert("case".into(), judgement.case.to_string().into());
    if let Some(refusal) = judgement.refusal() {
        messages.insert("smtp_message".into(), refusal.text.into());
    }
    made.insert("messages".into(), Value::Object(messages));
    made.insert("message-id".into(), asked.message_id.as_deref().map_or("undef", inner).into());
    made.insert("time_real".into(), rounded(judgement.took.as_secs_f64()));
    made.insert("milter".into(), milter(judgement, asked));
    Value::Object(made)
}

const MISSED: &str = "WARDROOM_NOT_SCANNED";

fn symbol(name: &str, score: f64, words: &str) -> Value {
    let score = rounded(score);
    json!({ "name": name, "score": score, "metric_score": score, "description": words })
}

/// What the mail server is to do to the message.
fn milter(judgement: &Judgement, asked: &Asked) -> Value {
    let mut made = Map::new();
    let added = tags::of(judgement).into_iter();
    let added = added.map(|(name, value)| (name, json!({ "value": value, "order": -1 }))).collect();
    made.insert("add_headers".into(), Value::Object(added));
    if !asked.forged.is_empty() {
        let removed = asked.forged.iter().map(|(name, _)| ((*name).to_owned(), 0.into())).collect();
        made.insert("remove_headers".into(), Value::Object(removed));
    }
    match judgement.class {
        Class::Hold => drop(made.insert("reject".into(), "quarantine".into())),
        Class::Discard => drop(made.insert("reject".into(), "discard".into())),
        _ => {}
    }
    Value::Object(made)
}

fn stat(figures: &Figures) -> Value {
    let count =
        |class: Class| Class::ALL.iter().position(|c| *c == class).map_or(0, |at| figures.classes[at]);
    let spam: u64 = Class::ALL.into_iter().filter(|c| c.is_spam()).map(count).sum();
    let scanned: u64 = figures.classes.iter().sum();
    json!({
        "version": concat!("wardroom ", env!("CARGO_PKG_VERSION")),
        "uptime": figures.up_secs,
        "read_only": false,
        "scanned": scanned,
        "learned": figures.learned,
        "not_scanned": figures.not_scanned,
        "spam_count": spam,
        "ham_count": scanned - spam,
        "actions": {
            "reject": count(Class::Reject) + count(Class::Hold) + count(Class::Discard),
            "soft reject": count(Class::Tempfail),
            "add header": count(Class::Spam) + count(Class::Phish),
            "no action": count(Class::Inbox) + count(Class::Doubt),
        },
    })
}

/// To four digits: more say nothing.
fn rounded(number: f64) -> Value {
    json!((number * 1e4).round() / 1e4)
}

/// A message id without its brackets.
fn inner(id: &str) -> &str {
    id.trim().trim_start_matches('<').trim_end_matches('>')
}
