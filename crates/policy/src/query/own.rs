// SPDX-License-Identifier: Apache-2.0
//! What a query knows of an event beside its own values: what was decided, by which policy, who sent it.
//!
//! Each is a field of the event type while a query is checked, so that conditions, keys and executors need know nothing of
//! it. Where the event, or the policy, has its name already, it is asked for as `decision.NAME`.

use crate::Verdict;
use std::sync::Arc;
use wardroom_event::{Field, Shape, Type};

/// Before a name that an event type or policy has already.
pub(crate) const DECISION: &str = "decision";

/// Something that is known of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Own {
    /// Its number in the journal.
    Seq,
    /// When the event was received.
    Received,
    /// The event's id, as its sender gave it.
    Id,
    /// Who sent it.
    Source,
    /// The version of the policy that decided.
    Policy,
    /// What was decided; missing where the event was only recorded.
    Verdict,
    /// The rule that the verdict is from.
    DecidedBy,
    /// What is known of it by labels: `abuse`, `good` or `disputed`.
    Class,
}

impl Own {
    /// All of them, in the order of the book.
    pub const ALL: [Own; 8] = [
        Own::Seq,
        Own::Received,
        Own::Id,
        Own::Source,
        Own::Policy,
        Own::Verdict,
        Own::DecidedBy,
        Own::Class,
    ];

    /// Its name in a query.
    pub fn name(self) -> &'static str {
        match self {
            Own::Seq => "seq",
            Own::Received => "received",
            Own::Id => "id",
            Own::Source => "source",
            Own::Policy => "policy",
            Own::Verdict => "verdict",
            Own::DecidedBy => "decided_by",
            Own::Class => "class",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Own> {
        Own::ALL.into_iter().find(|own| own.name() == name)
    }

    /// What it can be.
    pub(crate) fn field(self, name: &str) -> Field {
        let one_of = |texts: &[&str]| Field {
            shape: Some(Arc::new(Shape::OneOf(texts.iter().map(|t| Box::from(*t)).collect()))),
            ..Field::plain(name, Type::Enum, true)
        };
        match self {
            Own::Seq => Field::plain(name, Type::Int, true),
            Own::Received => Field::plain(name, Type::Time, true),
            Own::Id | Own::Source | Own::Policy | Own::DecidedBy => Field::plain(name, Type::Text, true),
            Own::Verdict => one_of(&Verdict::ALL.map(Verdict::name)),
            Own::Class => one_of(&["abuse", "good", "disputed"]),
        }
    }
}

/// What a query asks of each event that is no value of it, and of no policy either.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// Something known of the decision.
    Own(Own),
    /// `fired("rule")`: whether this rule fired.
    Fired(Box<str>),
    /// `labelled("farm")`: whether the event, or what it is about, bears a label as far as is known today.
    Labelled(Box<str>),
}

impl Asked {
    /// The field that stands for it, beside those that the event has.
    pub(crate) fn field(&self, name: &str) -> Field {
        match self {
            Asked::Own(own) => own.field(name),
            Asked::Fired(_) | Asked::Labelled(_) => Field::plain(name, Type::Bool, true),
        }
    }
}

/// The name of the field that stands for whether a rule fired: none that can be written.
pub(crate) fn fired_name(rule: &str) -> String {
    format!("fired:{rule}")
}

/// The name of the field that stands for a label.
pub(crate) fn labelled_name(label: &str) -> String {
    format!("labelled:{label}")
}
