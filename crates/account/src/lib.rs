// SPDX-License-Identifier: Apache-2.0
//! Traffic about accounts ↔ events and verdicts: the authentication logs of sshd, and an account's security log for its owner.
//!
//! This crate knows not how verdicts are made: it takes lines apart and says what they tell, in
//! [`wardroom_event::Draft`]s that enter intake like any other event. It reads no files and no clock.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod authlog;
pub mod sentinel;
