// SPDX-License-Identifier: Apache-2.0
//! Traffic about accounts ↔ events and verdicts: authentication logs, mail servers that ask, webhooks of identity providers,
//! campaigns among sign-ups, passwords that others have, and an account's security log for its owner.
//!
//! This crate knows not how verdicts are made: it takes lines and bodies apart and says what they tell, in
//! [`wardroom_event::Draft`]s that enter intake like any other event, and it says what is decided in the words of whoever asked.
//! It knows no sockets and reads no clock, and no files but those of [`breach`].
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod auth_policy;
pub mod authentik;
pub mod authlog;
pub mod breach;
pub mod campaign;
mod hook;
pub mod keycloak;
pub mod limits;
pub mod sentinel;
mod sheet;
mod step;
mod tag;

#[cfg(test)]
mod hooks_tests;

pub use hook::{AccountBy, Hook};
pub use step::Step;
pub use tag::Tags;
