// SPDX-License-Identifier: Apache-2.0
//! Milter, the protocol in which Postfix and Sendmail hand over a conversation of SMTP: version 6, and what older ones lack.
//!
//! A frame is a length, a command and what belongs to it (`frame.rs`). This side says at the beginning what it need not be told
//! and where no answer is waited for: all that counts is asked at the end of the message. A mail server that knows nothing of that
//! is answered `continue` at each step.
//!
//! What is not plain from the protocol, and was seen on the wire of Postfix 3.7.11:
//!
//! - A packet of macros comes before every header, and it may be empty to the last byte: `D` and the command.
//! - The queue id is not among them before the first recipient is taken.
//! - `A` ends a message after each `E` as well, and has no answer: one more `continue` would be read as that of the next command.
//! - A name of the client in XCLIENT opens a second conversation on a connection of its own.
//! - Values of headers lose their leading blank unless `HDR_LEADSPC` is agreed; and signatures over the header count it.

mod frame;
mod session;

pub use session::Milter;

#[cfg(test)]
mod tests;
