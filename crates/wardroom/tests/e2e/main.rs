// SPDX-License-Identifier: Apache-2.0
//! The program as people meet it: the real binary, real sockets, real files, real servers whose logs it reads.
//!
//! Nothing here asserts a time. What is waited for is waited for until a deadline that only a hang can miss, and
//! every process a test starts ends with the test.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests read back what they wrote themselves, and say what they skip"
)]

mod account_hooks;
mod acting;
mod backtest;
mod backup;
mod breach;
mod campaigns;
mod clock;
mod commands;
mod demo;
mod disk;
mod doctor;
mod dovecot;
mod effects;
mod erase;
mod explain;
mod follow;
mod forms;
mod history;
mod hostile;
mod journal;
mod kill;
mod lsp;
mod observe;
mod overload;
mod refusals;
mod replay;
mod restored;
mod retain;
mod sentinel;
mod session;
mod sim;
#[cfg(feature = "sql")]
mod sql;
mod status;
mod terminal;
mod trial;

mod http;
mod process;
mod server;
