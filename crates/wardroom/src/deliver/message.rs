// SPDX-License-Identifier: Apache-2.0
//! What is sent. The same bytes at each attempt: whoever receives it twice can compare.

use super::Destined;
use serde::Serialize;
use std::collections::BTreeMap;
use wardroom_engine::{Cause, Channel, Delivery};
use wardroom_event::{Sight, Type, Value};
use wardroom_policy::Piece;

/// The body of a webhook, in the form that Standard Webhooks asks for.
#[derive(Serialize)]
struct Body<'a> {
    /// What happened.
    #[serde(rename = "type")]
    kind: &'static str,
    /// When its event arrived.
    timestamp: String,
    data: Data<'a>,
}

/// Webhooks that ask the product for something, by the name that rules call them by, with what is asked for.
const ASKED: [(&str, &str); 3] = [
    ("account-hold", "account.hold"),
    ("session-revoke", "session.revoke"),
    ("step-up-required", "step_up.required"),
];

#[derive(Serialize)]
struct Data<'a> {
    id: &'a str,
    /// The name by which the rule called it.
    effect: &'a str,
    /// What the product is asked to do, where the name says it.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    asked: Option<&'static str>,
    decision: String,
    event: Event<'a>,
    verdict: &'static str,
    /// What the person is asked for, with a challenge.
    #[serde(skip_serializing_if = "Option::is_none")]
    ask: Option<&'a str>,
    /// The session that the event is of, where it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
    rule: &'a str,
    reason: String,
    /// Who reported it, where somebody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    policy: &'a str,
    entities: BTreeMap<&'a str, String>,
}

#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    id: &'a str,
    source: &'a str,
    time: String,
}

/// The body for a destination, as JSON.
pub(super) fn body(delivery: &Delivery, to: &Destined) -> Vec<u8> {
    let sight = if to.reveal { Sight::Full } else { Sight::Masked };
    // Texts, numbers and maps of texts: writing them cannot fail.
    match delivery.destination.channel {
        Channel::Notify => {
            let words = BTreeMap::from([(&*to.field, words(delivery, sight))]);
            serde_json::to_vec(&words).unwrap_or_default()
        }
        Channel::Webhook | Channel::Case => serde_json::to_vec(&data(delivery, sight)).unwrap_or_default(),
    }
}

fn data(delivery: &Delivery, sight: Sight) -> Body<'_> {
    let decision = &delivery.decision;
    let entities =
        decision.fields.iter().filter(|(field, value)| field.kind.is_entity() && !value.is_missing());
    let entities = entities.map(|(field, value)| (&*field.name, exact(value, field.kind, sight)));
    Body {
        kind: match delivery.cause {
            Cause::Signal(_) => "rule.fired",
            Cause::Act { .. } => "event.reported",
        },
        timestamp: decision.received.to_string(),
        data: Data {
            id: &delivery.key,
            effect: &delivery.destination.name,
            asked: asked(delivery),
            decision: decision.seq.to_string(),
            event: Event {
                kind: &decision.event_type,
                id: &decision.id.id,
                source: &decision.id.source,
                time: decision.time.to_string(),
            },
            verdict: verdict(delivery),
            ask: ask(delivery),
            session: session(delivery, sight),
            rule: delivery.signal().map_or("", |s| &s.rule),
            reason: reason(delivery, sight),
            by: match &delivery.cause {
                Cause::Signal(_) => None,
                Cause::Act { by } => Some(by),
            },
            policy: &decision.policy,
            entities: entities.collect(),
        },
    }
}

/// What the name of a webhook asks the product for.
fn asked(delivery: &Delivery) -> Option<&'static str> {
    let named = |(name, _): &&(&str, &str)| delivery.destination.name.as_ref() == *name;
    let found = ASKED.iter().find(named).map(|(_, asked)| *asked);
    found.filter(|_| delivery.destination.channel == Channel::Webhook)
}

/// What the verdict asks the person for.
fn ask(delivery: &Delivery) -> Option<&str> {
    let judged = delivery.decision.judged.as_ref()?;
    judged.signals.first().filter(|signal| signal.decides)?.ask.as_deref()
}

/// The event's session: whole, or not at all, since a part of it is of use to nobody.
fn session(delivery: &Delivery, sight: Sight) -> Option<&str> {
    let (_, value) = delivery.decision.fields.iter().find(|(field, _)| *field.name == *"session")?;
    match value {
        Value::Text(session) if sight == Sight::Full => Some(session),
        _ => None,
    }
}

/// A value for a program to go on with: whole, where it may be.
fn exact(value: &Value, kind: Type, sight: Sight) -> String {
    match value {
        Value::Text(text) if sight == Sight::Full => text.to_string(),
        other => other.show(kind, sight),
    }
}

/// In one line, for people.
fn words(delivery: &Delivery, sight: Sight) -> String {
    let rule = delivery.signal().map_or("", |s| &s.rule);
    let (verdict, seq) = (verdict(delivery), delivery.decision.seq);
    format!("{verdict} by {rule}: {} (decision {seq})", reason(delivery, sight))
}

fn verdict(delivery: &Delivery) -> &'static str {
    delivery.decision.judged.as_ref().map_or("", |judged| judged.verdict.name())
}

fn reason(delivery: &Delivery, sight: Sight) -> String {
    match &delivery.cause {
        Cause::Signal(_) => delivery.signal().map_or(String::new(), |s| Piece::join(&s.because, sight)),
        Cause::Act { by } => format!("reported by {by}"),
    }
}
