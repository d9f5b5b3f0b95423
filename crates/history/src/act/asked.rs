// SPDX-License-Identifier: Apache-2.0
//! What somebody asks to be done with each event of a set, as JSON has it.

use serde::{Deserialize, Serialize};
use wardroom_event::{Micros, Span};

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Asked {
    /// Say of each event, or of whom it happened to, that it bears a label or does not.
    Label(LabelOf),
    /// Put a value of each event on a list.
    List(ListOf),
    /// Take it off.
    Unlist(ListOf),
    /// Open a case for each event.
    Case(CaseOf),
    /// Judge each event once more, with what is in force and known now.
    Again {},
    /// Tell a webhook of each event.
    Webhook(WebhookOf),
}

/// A label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelOf {
    /// Its name.
    pub name: Box<str>,
    /// Whose: `event`, or a field of the events such as `account`, or a part of one such as `ip.net`.
    #[serde(default = "event", skip_serializing_if = "is_event")]
    pub on: On,
    /// Whether it bears the label.
    #[serde(default = "yes")]
    pub says: bool,
    /// Until when (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Box<str>>,
    /// For how long from now (`7d`), instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Box<str>>,
    /// How sure, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// In words.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub note: Box<str>,
}

/// An entry of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListOf {
    /// The list.
    pub list: Box<str>,
    /// The field of the events, or a part of one.
    pub value: On,
    /// Until when (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Box<str>>,
    /// For how long from now, instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Box<str>>,
}

/// A case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseOf {
    /// The queue.
    pub queue: Box<str>,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookOf {
    /// Its name.
    pub name: Box<str>,
}

/// A field of events, a part of a field, or the event itself.
pub type On = Box<str>;

/// The name under which an event itself is meant.
pub(super) const EVENT: &str = "event";

fn event() -> On {
    EVENT.into()
}

fn is_event(on: &On) -> bool {
    **on == *EVENT
}

fn yes() -> bool {
    true
}

/// The end that two ways of saying it give together.
///
/// # Errors
/// Which of the two is not understood, or that there are both.
pub(super) fn end(until: Option<&str>, expires: Option<&str>, now: Micros) -> Result<Option<Micros>, String> {
    match (until, expires) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err("give `until` or `expires`, not both".to_owned()),
        (Some(until), None) => {
            let at = Micros::parse(until);
            at.map(Some).ok_or_else(|| format!("`until` is no time: `{until}`; write 2026-01-05T10:00:00Z"))
        }
        (None, Some(span)) => match Span::parse(span) {
            Ok(span) => Ok(Some(now.plus(span))),
            Err(why) => Err(format!("`expires` is no length of time: {why}")),
        },
    }
}
