// SPDX-License-Identifier: Apache-2.0
//! Decisions: as they are made, and as the journal gives them back.

use crate::acts::{Changed, Held, Mark};
use std::sync::Arc;
use wardroom_event::{EventId, Field, Micros, Sight, Type, Value};
use wardroom_policy::{Piece, Verdict};

/// Why a rule spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its condition holds.
    Holds,
    /// Its condition is unknown, and it says what that means.
    Missing,
}

/// By what way an effect goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// A case for a person to look at, in a queue of that name.
    Case,
    /// Somebody is told.
    Notify,
    /// A webhook is called.
    Webhook,
}

impl Channel {
    /// Its name, as rules write it.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Case => "case",
            Channel::Notify => "notify",
            Channel::Webhook => "webhook",
        }
    }
}

/// Where an effect goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Destination {
    /// By what way.
    pub channel: Channel,
    /// Its name in rules and in the configuration.
    pub name: Arc<str>,
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} `{}`", self.channel.name(), self.name)
    }
}

/// Which effect of which decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectId {
    /// The decision's number.
    pub decision: u64,
    /// Its place among all effects of the decision, signal by signal, from 0.
    pub index: u32,
}

/// What follows from a decision beyond the answer.
#[derive(Clone, Debug, PartialEq)]
pub enum StoredEffect {
    /// An entity gets a label.
    Label {
        /// The entity's type.
        kind: Type,
        /// The entity.
        value: Value,
        /// The label.
        name: Box<str>,
        /// Until when; for good where it does not say.
        until: Option<Micros>,
    },
    /// A value is put on a list.
    List {
        /// The list's id.
        list: Box<str>,
        /// The value's type.
        kind: Type,
        /// The value.
        value: Value,
        /// Until when.
        until: Option<Micros>,
    },
    /// A person is to look at it, in this queue.
    Case(Box<str>),
    /// Somebody is told.
    Notify(Box<str>),
    /// A webhook of this name is called.
    Webhook(Box<str>),
}

impl StoredEffect {
    /// It in one line, as a rule writes it with the values of the event.
    pub fn show(&self, sight: Sight) -> String {
        let until = |until: &Option<Micros>| until.map_or(String::new(), |at| format!(", until {at}"));
        match self {
            StoredEffect::Label { kind, value, name, until: end } => {
                format!("label({}, \"{name}\"{})", value.show(*kind, sight), until(end))
            }
            StoredEffect::List { list, kind, value, until: end } => {
                format!("list({}, {list}{})", value.show(*kind, sight), until(end))
            }
            StoredEffect::Case(queue) => format!("case(\"{queue}\")"),
            StoredEffect::Notify(whom) => format!("notify(\"{whom}\")"),
            StoredEffect::Webhook(hook) => format!("webhook(\"{hook}\")"),
        }
    }

    /// Where it goes, if it goes out: what it does is not done within the engine.
    pub fn destination(&self) -> Option<Destination> {
        let (channel, name) = match self {
            StoredEffect::Case(queue) => (Channel::Case, queue),
            StoredEffect::Notify(whom) => (Channel::Notify, whom),
            StoredEffect::Webhook(hook) => (Channel::Webhook, hook),
            StoredEffect::Label { .. } | StoredEffect::List { .. } => return None,
        };
        Some(Destination { channel, name: (&**name).into() })
    }

    /// What it changes of what rules see; what was there before it does not say.
    pub(crate) fn change(&self, rule: &str) -> Option<Changed> {
        let (mark, until) = match self {
            StoredEffect::Label { kind, value, name, until } => {
                (Mark::Label { kind: *kind, value: value.clone(), name: name.clone() }, *until)
            }
            StoredEffect::List { list, kind, value, until } => {
                (Mark::Entry { list: list.clone(), kind: *kind, value: value.clone() }, *until)
            }
            StoredEffect::Case(_) | StoredEffect::Notify(_) | StoredEffect::Webhook(_) => return None,
        };
        Some(Changed { mark, rule: rule.into(), before: Held::Not, after: Held::until(until) })
    }

    /// Whether it changes what later events are judged by.
    pub fn changes_state(&self) -> bool {
        matches!(self, StoredEffect::Label { .. } | StoredEffect::List { .. })
    }
}

/// A rule that fired on an event, by its number in the program.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// The rule's number.
    pub rule: usize,
    /// What it says.
    pub verdict: Verdict,
    /// Whether it had a say: a shadow rule has none.
    pub decides: bool,
    /// Why it spoke.
    pub why: Why,
    /// What the caller should ask for.
    pub ask: Option<Box<str>>,
    /// Its reason.
    pub because: Vec<Piece>,
    /// What follows beyond the answer; nothing where it has no say.
    pub effects: Vec<StoredEffect>,
}

impl Signal {
    /// The signal under its rule's id.
    pub fn named(self, rule: &str) -> StoredSignal {
        let Signal { rule: _, verdict, decides, why, ask, because, effects } = self;
        StoredSignal { rule: rule.into(), verdict, decides, why, ask, because, effects }
    }
}

/// A signal with its rule's id.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredSignal {
    /// The rule's id.
    pub rule: Box<str>,
    /// What it said.
    pub verdict: Verdict,
    /// Whether it had a say.
    pub decides: bool,
    /// Why it spoke.
    pub why: Why,
    /// What the caller should ask for.
    pub ask: Option<Box<str>>,
    /// Its reason.
    pub because: Vec<Piece>,
    /// What follows beyond the answer.
    pub effects: Vec<StoredEffect>,
}

/// A decision as the journal holds it: it needs no policy to be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The decision's number in the journal.
    pub seq: u64,
    /// The event's type.
    pub event_type: Box<str>,
    /// The event's identity.
    pub id: EventId,
    /// When it happened.
    pub time: Micros,
    /// When it arrived.
    pub received: Micros,
    /// Its fields with their values.
    pub fields: Vec<(Field, Value)>,
    /// The version of the policy it was judged by.
    pub policy: Box<str>,
    /// What was judged; `None` for an event that was only recorded.
    pub judged: Option<Judged>,
}

/// The judged part of a decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The features served: id, type, value.
    pub served: Vec<(Box<str>, Type, Value)>,
    /// The answer.
    pub verdict: Verdict,
    /// Why.
    pub signals: Vec<StoredSignal>,
    /// Judging tripped over a fault of our own.
    pub fault: bool,
    /// How many rules were not asked, since judging would have cost more than the event type's budget.
    pub skipped: u64,
}

impl Stored {
    /// When its event counts; see [`Event::counted_at`](wardroom_event::Event::counted_at).
    pub fn counted_at(&self) -> Micros {
        self.time.min(self.received)
    }

    /// What the caller should ask for: what the signal that gave the verdict says.
    pub fn ask(&self) -> Option<&str> {
        self.judged.as_ref()?.signals.first().filter(|s| s.decides)?.ask.as_deref()
    }
}

/// What became of one submitted event.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was judged, and the decision is durable.
    Decided {
        /// The decision's number.
        seq: u64,
        /// The version of the policy.
        policy: Arc<str>,
        /// The answer.
        verdict: Verdict,
        /// Why.
        signals: Vec<StoredSignal>,
        /// Judging tripped over a fault of our own.
        fault: bool,
        /// How many rules were not asked, for want of budget.
        skipped: u64,
    },
    /// It was recorded and counted, and that is durable.
    Recorded {
        /// The record's number.
        seq: u64,
    },
    /// Its id came before: this is the number of what was recorded then.
    Repeated {
        /// The number of the first.
        seq: u64,
    },
    /// It was not taken.
    Refused(crate::SubmitError),
}
