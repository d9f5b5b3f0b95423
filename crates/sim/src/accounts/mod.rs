// SPDX-License-Identifier: Apache-2.0
//! A provider of accounts whose people and attackers react: sign-ups, logins and what follows, with the truth beside each.
//!
//! Where [`World`](crate::World) is a stream for demos, a [`Scene`] is a conversation. Each happening is answered
//! ([`Answer`]) by whoever plays the provider before the next one is drawn, and everybody in it acts on the answer: people
//! solve a challenge or give up, a refused account never logs in, bandits change what they do. The same [`Plan`] and the same
//! answers give the same bytes on every machine.
//!
//! It was written from descriptions of how providers are used and abused, not from any policy; **no constant here may be
//! moved because a detector does well or badly on it**. Constants say where they come from; "assumed" means an estimate.
//!
//! Memory is what is under way: one entry for each person, for each errand and for each campaign at work.

mod family;
mod plan;
mod scene;

mod event;
mod truth;

mod attack;
mod honest;

mod agenda;
mod device;
mod internet;
mod look;
mod person;
mod secret;
mod stage;

#[cfg(test)]
mod tests;

pub use event::{Event, Happening};
pub use family::{Family, Kind, Part, families, family};
pub use plan::{Assault, Plan};
pub use scene::Scene;
pub use truth::{Attack, Script, Subgroups, Truth};

/// What the provider did about a happening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Let it happen.
    Pass,
    /// Let it happen, slowed down.
    Limit,
    /// Asked for something more: a captcha at sign-up, another factor at a login.
    Challenge,
    /// Kept it back until somebody has looked.
    Hold,
    /// Refused it.
    Refuse,
}

/// Events one after the other, each answered before the next.
pub trait Traffic {
    /// The next happening in order of arrival; `None` when the plan's days are over.
    fn next(&mut self) -> Option<Happening>;

    /// What the provider did about the happening that [`next`](Traffic::next) gave last. One that nobody answers passes; an
    /// answer to an older one comes too late and changes nothing.
    fn hear(&mut self, happening: &Happening, answer: Answer);
}
