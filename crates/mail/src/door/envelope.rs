// SPDX-License-Identifier: Apache-2.0
//! What a mail server says of a message beside the message: who brings it, from whom and for whom.

use super::{limits, text};
use std::net::IpAddr;

/// What is known of the conversation that brings a message. What a protocol does not tell is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// What it called itself.
    pub helo: Option<String>,
    /// The name that its address stands for.
    pub ptr: Option<String>,
    /// The sender; empty for bounces.
    pub sender: Option<String>,
    /// The recipients: the first [`limits::RECIPIENTS`].
    pub recipients: Vec<String>,
    /// How many recipients there are, also those that are not kept.
    pub recipient_count: u32,
    /// The user that logged in to send it: one of one's own.
    pub user: Option<String>,
    /// The mail server's id for it.
    pub queue_id: Option<String>,
    /// How the connection is encrypted, where it is.
    pub tls: Option<Tls>,
    /// The mail server's name.
    pub mta: Option<String>,
    /// How many bytes the client says that it will send.
    pub declared_size: Option<u64>,
    /// What groups the recipients of one message that are asked about one by one.
    pub instance: Option<String>,
    /// Where the conversation stands.
    pub stage: Stage,
}

/// How a connection is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// The protocol's version, as the mail server writes it.
    pub version: Option<String>,
    /// The cipher.
    pub cipher: Option<String>,
}

/// Where a conversation stands when its door is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// A recipient is named.
    Rcpt,
    /// The message is there.
    #[default]
    Data,
}

impl Envelope {
    /// Adds a recipient.
    pub(super) fn add_recipient(&mut self, path: &[u8]) {
        self.recipient_count = self.recipient_count.saturating_add(1);
        if self.recipients.len() < limits::RECIPIENTS {
            self.recipients.push(text::path(path));
        }
    }

    /// Keeps how the connection is encrypted, where anything is said of it.
    pub(super) fn set_tls(&mut self, version: Option<String>, cipher: Option<String>) {
        if version.is_some() || cipher.is_some() {
            self.tls = Some(Tls { version, cipher });
        }
    }
}

/// A message, and what was said of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// What was said of it.
    pub envelope: Envelope,
    /// The message as it came, up to the listener's bound.
    pub bytes: Vec<u8>,
    /// Whether it was longer.
    pub is_cut: bool,
}
