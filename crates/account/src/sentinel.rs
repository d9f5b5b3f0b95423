// SPDX-License-Identifier: Apache-2.0
//! The security log of an account, in its owner's words: what happened, from where, what we did, what they can do.
//!
//! Everything here is a function of what happened, which the caller reads from the past. What a sender sent comes out as text
//! only: as a parameter of a message, escaped on a page. Rules, scores and other people's data are never asked for, and so
//! cannot be told.

mod countries;
mod gather;
mod messages;
mod page;
#[cfg(test)]
mod tests;
mod told;

pub use gather::entries;
pub use messages::{MESSAGES, Words};
pub use page::{Said, Template, TemplateError, escaped, not_me};
pub use told::{Did, Entry, Happening, Origin, What};

/// The event types that an owner's log is made of.
pub const KINDS: [&str; 8] =
    ["login", "attempt", "session", "recovery", "setting", "step_up", "verification", "owner_report"];

/// The fields of these events that the log reads, where an event type has them.
pub const FIELDS: [&str; 14] = [
    "ip",
    "ip.country",
    "user_agent.family",
    "user_agent.os",
    "platform",
    "ok",
    "factor",
    "channel",
    "step",
    "what",
    "mine",
    "about",
    "protocol",
    "session",
];

/// The page of the log, unless the operator has another.
pub const PAGE: &str = include_str!("sentinel/log.html");
/// The page behind the link "this was not me".
pub const NOT_ME: &str = include_str!("sentinel/not_me.html");

/// How long failed logins are told as one entry, in microseconds: a day.
pub const GROUPED_WITHIN: i64 = 86_400_000_000;
/// Longest text from an event that is shown, in characters.
pub const SHOWN_CHARS: usize = 64;
