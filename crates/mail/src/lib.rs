// SPDX-License-Identifier: Apache-2.0
//! Raw mail ↔ what it shows: bytes to a [`read::Reading`] of headers, parts, texts, links, attachments and oddities; what mail
//! servers ask and how they are answered ([`door`]); how well labelled mail is judged ([`eval`], which alone reads files).
//!
//! This crate knows not how verdicts are made. It knows no sockets, reads no clock and looks nothing up: what a message
//! says is all there is, and the same bytes give the same reading.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod door;
pub mod eval;
pub mod kind;
pub mod limits;
pub mod read;
pub mod views;
