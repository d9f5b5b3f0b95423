// SPDX-License-Identifier: Apache-2.0
//! The API as its clients meet it: a real engine on a directory of its own, a real listener, raw HTTP.
#![allow(clippy::unwrap_used)]

mod acting;
mod backtests;
mod campaigns;
mod cases;
mod connections;
mod decisions;
mod documents;
mod doors;
mod events;
mod harness;
mod keys;
mod mail;
mod mail_clients;
mod masked;
mod metrics;
mod overload;
mod page;
mod passages;
mod policies;
mod queries;
mod ranges;
mod sentinel;
mod streams;
