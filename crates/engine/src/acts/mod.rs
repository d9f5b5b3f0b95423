// SPDX-License-Identifier: Apache-2.0
//! Acts: what people and machines do to what has happened, apart from the rules.
//!
//! An act goes through the sequencer as an event does: room is reserved first, it is made, it is on record, and it is durable
//! before it is answered. Its record says what was there before, so that undoing it needs nothing but the record
//! (`record`): a change is taken back where the present state is what the act left, and left alone where
//! something has changed it since.
//!
//! An act for which a job stands (`job`) names its item, and an item is done once: so a job that was cut short is gone on
//! with by doing all of it again.

mod again;
mod error;
mod job;
mod record;

pub use again::AgainRecord;
pub use error::ActError;
pub(crate) use job::{Counted, Jobs, Part, check as check_job};
pub use job::{Job, JobHead, JobStep, Phase, Step, Tally, items};
pub use record::{ActRecord, Body, Changed};

use std::fmt;
use wardroom_event::{Micros, Sight, Type, Value};
use wardroom_policy::Verdict;

/// What a label is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// An entity: rules see its labels.
    Entity {
        /// Its type.
        kind: Type,
        /// It itself.
        value: Value,
    },
    /// An event, by its record's number: only those who look at the past see its labels.
    Event(u64),
}

/// Whether a label or an entry is there, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It is not.
    Not,
    /// For good.
    Always,
    /// Until this time, and no longer at it.
    Until(Micros),
}

impl Held {
    /// Something that is there until a time, or for good.
    pub fn until(until: Option<Micros>) -> Held {
        until.map_or(Held::Always, Held::Until)
    }

    /// Its end, where it is there and has one.
    pub fn end(self) -> Option<Micros> {
        match self {
            Held::Until(end) => Some(end),
            Held::Not | Held::Always => None,
        }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Held::Not => f.write_str("not there"),
            Held::Always => f.write_str("there for good"),
            Held::Until(end) => write!(f, "there until {end}"),
        }
    }
}

/// What rules see and an act can change: a label of an entity, or an entry of a list.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A label.
    Label {
        /// The entity's type.
        kind: Type,
        /// The entity.
        value: Value,
        /// The label.
        name: Box<str>,
    },
    /// An entry.
    Entry {
        /// The list's id.
        list: Box<str>,
        /// The value's type.
        kind: Type,
        /// The value.
        value: Value,
    },
}

impl Mark {
    /// It in a few words, identifiers as they may be seen.
    pub fn show(&self, sight: Sight) -> String {
        match self {
            Mark::Label { kind, value, name } => {
                format!("label `{name}` of {} {}", kind.name(), value.show(*kind, sight))
            }
            Mark::Entry { list, kind, value } => {
                format!("{} on list `{list}`", value.show(*kind, sight))
            }
        }
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// Somebody says that an entity or an event bears a label, or that it does not.
    Label {
        /// Of whom or what.
        subject: Subject,
        /// The label.
        label: Box<str>,
        /// Whether it bears it.
        says: bool,
        /// Until when that holds; for good where it does not say.
        until: Option<Micros>,
        /// How sure whoever says so is, from 0 to 1.
        confidence: Option<f64>,
        /// In words; empty where there are none.
        note: Box<str>,
        /// The time it is about, where that is not when it is said.
        about: Option<Micros>,
    },
    /// A value is put on a list, or taken off it.
    List {
        /// The list's id.
        list: Box<str>,
        /// The value's type.
        kind: Type,
        /// The value.
        value: Value,
        /// On it, or off it.
        put: bool,
        /// Until when it is on it.
        until: Option<Micros>,
    },
    /// A person is to look at an event, in this queue.
    Case {
        /// The event's record.
        event: u64,
        /// The queue.
        queue: Box<str>,
    },
    /// A webhook is told of an event.
    Webhook {
        /// The event's record.
        event: u64,
        /// The webhook's name.
        name: Box<str>,
    },
    /// An event is judged once more: by the policy in force, with what is served now, as if it came now. It is not counted.
    Again {
        /// The event's record.
        event: u64,
    },
    /// What an act changed is made what it was.
    Undo {
        /// The act's record, or that of an event judged again.
        act: u64,
        /// What changed the same since, in words, where that is known: then it is left as it is, though it may look as the act
        /// left it. Empty where nothing is known to have.
        since: Box<str>,
    },
}

impl Deed {
    /// It in a few words, identifiers as they may be seen.
    pub fn show(&self, sight: Sight) -> String {
        let until = |until: &Option<Micros>| until.map_or(String::new(), |end| format!(", until {end}"));
        match self {
            Deed::Label { subject, label, says, until: end, .. } => {
                let whose = match subject {
                    Subject::Event(event) => format!("event {event}"),
                    Subject::Entity { kind, value } => {
                        format!("{} {}", kind.name(), value.show(*kind, sight))
                    }
                };
                let says = if *says { "is" } else { "is not" };
                format!("{whose} {says} `{label}`{}", until(end))
            }
            Deed::List { list, kind, value, put, until: end } => {
                let on = if *put { "on" } else { "off" };
                format!("{} {on} list `{list}`{}", value.show(*kind, sight), until(end))
            }
            Deed::Case { event, queue } => format!("a case in `{queue}` for event {event}"),
            Deed::Webhook { event, name } => format!("webhook `{name}` for event {event}"),
            Deed::Again { event } => format!("event {event} judged again"),
            Deed::Undo { act, .. } => format!("act {act} undone"),
        }
    }

    /// The event that it is about, where it is about one.
    pub fn event(&self) -> Option<u64> {
        match self {
            Deed::Label { subject: Subject::Event(event), .. }
            | Deed::Case { event, .. }
            | Deed::Webhook { event, .. }
            | Deed::Again { event } => Some(*event),
            Deed::Label { .. } | Deed::List { .. } | Deed::Undo { .. } => None,
        }
    }

    /// What it changes of what rules see, and to what.
    pub(crate) fn mark(&self) -> Option<(Mark, Held)> {
        let held = |there: bool, until: &Option<Micros>| if there { Held::until(*until) } else { Held::Not };
        match self {
            Deed::Label { subject: Subject::Entity { kind, value }, label, says, until, .. } => {
                let mark = Mark::Label { kind: *kind, value: value.clone(), name: label.clone() };
                Some((mark, held(*says, until)))
            }
            Deed::List { list, kind, value, put, until } => {
                let mark = Mark::Entry { list: list.clone(), kind: *kind, value: value.clone() };
                Some((mark, held(*put, until)))
            }
            _ => None,
        }
    }
}

/// Which item of which job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobItem {
    /// The job: the number of its head's record.
    pub job: u64,
    /// Its place, from 0.
    pub item: u32,
}

/// Something to be done, and by whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// What.
    pub deed: Deed,
    /// Whose word it is: `key:NAME`, `import:NAME`, `case:QUEUE`. Of several sources each has an opinion of its own.
    pub source: Box<str>,
    /// Who did it: the name of a key.
    pub by: Box<str>,
    /// The job it is done for.
    pub item: Option<JobItem>,
}

/// What became of an act. It is durable.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    /// It is on record; what it changed was and is so.
    Made {
        /// Its record.
        seq: u64,
        /// What was there.
        before: Held,
        /// What is there now.
        after: Held,
    },
    /// An event was judged again.
    Judged {
        /// The record of that.
        seq: u64,
        /// What it says now.
        verdict: Verdict,
        /// How many labels and entries followed.
        changes: u32,
    },
    /// An act was undone.
    Undone {
        /// The record of that.
        seq: u64,
        /// How many labels and entries are what they were.
        restored: u32,
        /// What is not, each in words.
        left: Vec<Box<str>>,
    },
    /// That item was done before.
    Repeated,
    /// It was not done. Where it is an item of a job, that is on record.
    Refused(ActError),
}
