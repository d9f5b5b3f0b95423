// SPDX-License-Identifier: Apache-2.0
//! Simulated providers, populations, campaigns and ground truth, for demos, tests and benchmarks; never in production paths.
//!
//! A [`World`] is one simulated mail provider: a seeded, lazy, endless stream of sign-ups and logins in the order in
//! which they reach the provider, each with the truth about who made it. The same [`Settings`] give the same bytes on
//! every machine: all numbers come from integer arithmetic and IEEE basic operations.
//!
//! This crate **knows nothing about policy or detection**: no rule, threshold or verdict name is read here, and no
//! constant may be moved because a detector does well or badly on it. Constants say where they come from; "assumed"
//! means an estimate from how such providers generally look, not a measurement.
//!
//! Everything about a person (household, time zone, devices, networks) is a pure function of the seed and the account's
//! number, so memory does not grow with events drawn, only with what is under way at one moment (one account in a
//! thousand has a mail program that keeps failing; the rest is some minutes of retries, and the campaigns).
//!
//! Left out on purpose: sleeping and travelling accounts, what a thief does after a successful login, password resets
//! as events of their own, and the check that two people never choose the same user name.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod accounts;
pub mod baseline;
pub mod measure;

mod event;
mod score;
mod seeds;
mod settings;
mod truth;
mod world;

mod campaign;
mod honest;
mod person;

mod agents;
mod clock;
mod names;
mod network;
mod outbox;
mod random;

#[cfg(test)]
mod tests;

pub use event::{Happening, Occurrence, SimEvent, Token};
pub use network::{ADDRESS_PLAN, Block, NetworkKind};
pub use score::{CampaignTally, Score, Tally};
pub use seeds::{SEALED, TUNING};
pub use settings::{Campaigns, Settings};
pub use truth::{FarmStyle, Situation, StuffingStyle, Truth};
pub use world::World;
