// SPDX-License-Identifier: Apache-2.0
//! What happened, as it is read from an event; and an entry of the log, as it is told.

use super::SHOWN_CHARS;
use super::messages::Words;
use std::net::IpAddr;
use wardroom_event::Micros;

/// What happened to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Somebody tried to log in; `with` is the strongest factor that was shown.
    Login {
        /// Whether the password, or what stands in its place, was right.
        ok: bool,
        /// The factor.
        with: Option<Box<str>>,
    },
    /// Somebody wanted to, and the password was not looked at yet.
    Attempt,
    /// A session was used.
    Session,
    /// Somebody wants back in.
    Recovery {
        /// By what way.
        channel: Box<str>,
        /// `asked`, `proved`, `failed`, `done`.
        step: Box<str>,
    },
    /// A setting is changed.
    Setting {
        /// Which.
        what: Box<str>,
        /// `asked`, `due`, `undone`.
        step: Box<str>,
    },
    /// A challenge was answered.
    StepUp {
        /// With what.
        with: Box<str>,
        /// Whether rightly.
        ok: bool,
    },
    /// An address or number was confirmed.
    Verification {
        /// Which.
        channel: Box<str>,
        /// Whether it was.
        ok: bool,
    },
    /// The owner said whether something was theirs.
    Report {
        /// Whether it was.
        mine: bool,
    },
}

impl What {
    /// What an event of this type tells, by the texts of its fields; none where it is no event of the log, or lacks what its
    /// type has.
    pub fn of(kind: &str, field: impl Fn(&str) -> Option<String>) -> Option<What> {
        let text = |name: &str| field(name).map(|text| cut(&text));
        let yes = |name: &str| field(name).map(|text| text == "true");
        Some(match kind {
            "login" => What::Login { ok: yes("ok")?, with: text("factor") },
            "attempt" => What::Attempt,
            "session" => What::Session,
            "recovery" => What::Recovery { channel: text("channel")?, step: text("step")? },
            "setting" => What::Setting { what: text("what")?, step: text("step")? },
            "step_up" => What::StepUp { with: text("factor")?, ok: yes("ok")? },
            "verification" => What::Verification { channel: text("channel")?, ok: yes("ok")? },
            "owner_report" => What::Report { mine: yes("mine")? },
            _ => return None,
        })
    }

    /// Whether somebody failed to get in.
    pub(super) fn is_failure(&self, did: &Did) -> bool {
        match self {
            What::Login { ok, .. } => !ok,
            What::Attempt => matches!(did, Did::Slowed | Did::Refused | Did::Held),
            _ => false,
        }
    }

    /// Whether it is told at all: what goes on all day and was let through is not.
    pub(super) fn is_told(&self, did: &Did) -> bool {
        match self {
            What::Attempt => self.is_failure(did),
            What::Session => !matches!(did, Did::Noted | Did::Allowed),
            _ => true,
        }
    }

    /// Whether it would mean that somebody else is in the account, if it was not its owner.
    pub fn may_be_disowned(&self, did: &Did) -> bool {
        let gets_in = match self {
            What::Login { ok, .. } | What::StepUp { ok, .. } => *ok,
            What::Session | What::Setting { .. } => true,
            What::Recovery { step, .. } => &**step != "failed",
            What::Attempt | What::Verification { .. } | What::Report { .. } => false,
        };
        gets_in && self.is_told(did)
    }
}

/// What we did about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Did {
    /// It was only recorded.
    Noted,
    /// It was let through.
    Allowed,
    /// It was slowed down.
    Slowed,
    /// We asked for something first; for what, where that is still known.
    Asked(Option<Box<str>>),
    /// It was put on hold.
    Held,
    /// It was refused.
    Refused,
}

impl Did {
    /// From a verdict by its name; an event without one was only noted.
    pub fn of(verdict: Option<&str>, ask: Option<&str>) -> Did {
        match verdict {
            Some("allow") => Did::Allowed,
            Some("limit") => Did::Slowed,
            Some("challenge") => Did::Asked(ask.map(cut)),
            Some("review") => Did::Held,
            Some("block") => Did::Refused,
            _ => Did::Noted,
        }
    }
}

/// Where it came from, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The address.
    pub address: Option<IpAddr>,
    /// The country, by its code.
    pub country: Option<Box<str>>,
    /// The program.
    pub program: Option<Box<str>>,
    /// The system it runs on.
    pub system: Option<Box<str>>,
}

impl Origin {
    /// From the texts of an event's fields.
    pub fn of(field: impl Fn(&str) -> Option<String>) -> Origin {
        let text = |name: &str| field(name).filter(|text| !text.is_empty()).map(|text| cut(&text));
        Origin {
            address: field("ip").and_then(|ip| ip.parse().ok()),
            country: text("ip.country"),
            program: text("user_agent.family").or_else(|| text("protocol")),
            system: text("user_agent.os").or_else(|| text("platform")),
        }
    }

    /// The network it lies in, as text: what is told of those who failed, who may be somebody else who mistyped a name.
    pub(super) fn network(&self) -> Option<String> {
        Some(match self.address? {
            IpAddr::V4(ip) => {
                let [a, b, c, _] = ip.octets();
                format!("{a}.{b}.{c}.0/24")
            }
            IpAddr::V6(ip) => {
                let [a, b, c, ..] = ip.segments();
                format!("{a:x}:{b:x}:{c:x}::/48")
            }
        })
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// The number of its record: what a link to it is made of, and never shown.
    pub seq: u64,
    /// The event's id, as the product that sent it knows it.
    pub event: Box<str>,
    /// When.
    pub time: Micros,
    /// What.
    pub what: What,
    /// From where.
    pub origin: Origin,
    /// What we did.
    pub did: Did,
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The record that it begins with, for links.
    pub seq: u64,
    /// Ids of the events it tells of, the newest first; of many the first few.
    pub events: Vec<Box<str>>,
    /// How many events it tells of.
    pub count: usize,
    /// When the newest of them was.
    pub time: Micros,
    /// When the oldest was, where there are several.
    pub since: Option<Micros>,
    /// What happened.
    pub what: Words,
    /// From where.
    pub from: Words,
    /// With what program, where that is known.
    pub with: Option<Words>,
    /// What we did.
    pub did: Words,
    /// What the owner can do.
    pub can: Vec<Words>,
    /// Whether it deserves a look.
    pub is_suspicious: bool,
    /// Whether the owner can say that it was not them.
    pub may_be_disowned: bool,
}

/// A text of an event, no longer than what is shown, and without what would move the text around it.
pub(super) fn cut(text: &str) -> Box<str> {
    let plain = |c: &char| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(plain).take(SHOWN_CHARS).collect::<String>().into()
}
