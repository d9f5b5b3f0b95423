// SPDX-License-Identifier: Apache-2.0
//! SQL over a small past: what is answered, what is refused, what is masked; and real clients at the door.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod bounds;
mod client;
mod door;
mod past;
mod query;
mod strangers;
