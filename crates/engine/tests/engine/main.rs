// SPDX-License-Identifier: Apache-2.0
//! The engine as its callers see it: events in, durable decisions out, whatever happens in between.
//!
//! Each file asks one question. What a decision says: `verdicts`, `windows`. What is promised about it: `identity`,
//! `restart`, `snapshot`, `kill`, and for good in `golden`. What decisions leave behind: `marks`, `room`, `outbox`. What may happen
//! meanwhile: `swap`, `warming`, `overload`. What the disk may do: `disk`, `damage`, over thousands of seeds `faults`, and
//! what it may show: `encryption`. What is not to be kept: `erase`, `hashed`. What our own
//! faults do: `guards`.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests read back what they wrote themselves, and say what they skip"
)]

mod acts;
mod damage;
mod disk;
mod encryption;
mod erase;
mod faults;
mod golden;
mod guards;
mod hashed;
mod identity;
mod kill;
mod marks;
mod oracle;
mod outbox;
mod overload;
mod recount;
mod restart;
mod retain;
mod room;
mod slow_disk;
mod snapshot;
mod support;
mod swap;
mod verdicts;
mod warming;
mod windows;
