// SPDX-License-Identifier: Apache-2.0
//! A language server for policies: what is wrong, what stands where, what could be written, other names, one form.
//!
//! This crate knows no engine and no network: it speaks JSON-RPC over the two streams it is given, reads the files of a
//! policy and what is open of them, and asks `wardroom-policy` about the rest. It writes no file: edits are the editor's.
//!
//! One thread reads messages; another answers them in their order, so that an answer is about the text as it was when
//! the question came. What waits can be cancelled. Faults are published when nothing waits.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod answer;
mod files;
mod folder;
pub mod frame;
pub mod limits;
mod message;
mod queue;
mod server;
#[cfg(test)]
mod tests;
mod text;
mod uri;

pub use queue::serve;

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// As the protocol has it: `shutdown`, then `exit`.
    Shutdown,
    /// By `exit` without `shutdown`, or because the stream ended or could not be understood any more.
    Cut,
}
