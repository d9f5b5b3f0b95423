// SPDX-License-Identifier: Apache-2.0
//! Postfix's policy delegation: asked at each recipient, before the message is there.
//!
//! A request is lines of `name=value` and an empty line, the answer is an `action` and an empty line. The text of an action
//! reaches the sender unchanged. There is no message yet, so a recipient is let on or it is not; what is spam is said after the
//! message, by milter. Not asked at all is any other stage: a listener that is called there lets go on.

use super::heard::Heard;
use super::{Answer, Class, Conversation, Envelope, Judgement, Next, Question, Stage, limits, tags, text};

/// A connection. It carries one request after the other.
#[derive(Debug, Default)]
pub struct Delegation {
    heard: Heard,
    asked: Asked,
    /// How many bytes the present request has by now.
    size: usize,
    /// The message that was last told not to be judged: its header is added once and not for each recipient.
    told: Option<String>,
    ended: bool,
}

/// The attributes of one request that mean something here.
#[derive(Debug, Default)]
struct Asked {
    envelope: Envelope,
    recipient: Option<String>,
    is_policy: bool,
    is_rcpt: bool,
    any: bool,
}

impl Conversation for Delegation {
    fn hear(&mut self, bytes: &[u8]) {
        self.heard.push(bytes);
    }

    fn end(&mut self) {
        self.ended = true;
    }

    fn next(&mut self, out: &mut Vec<u8>) -> Next {
        loop {
            let line = match self.heard.line(limits::DELEGATION_BYTES) {
                Err(_) => return Next::Close(Some("a line of a policy request does not end")),
                Ok(None) if self.ended => return Next::Close(None),
                Ok(None) => return Next::More,
                Ok(Some(line)) => line,
            };
            self.size += line.len() + 1;
            if self.size > limits::DELEGATION_BYTES {
                return Next::Close(Some("a policy request does not end"));
            }
            if !line.is_empty() {
                self.asked.attribute(line);
                continue;
            }
            self.size = 0;
            let asked = std::mem::take(&mut self.asked);
            match asked.question() {
                Ok(Some(envelope)) => {
                    self.told = self.told.take().filter(|told| Some(told) == envelope.instance.as_ref());
                    self.asked.envelope.instance.clone_from(&envelope.instance);
                    return Next::Ask(Box::new(Question::Recipient(envelope)));
                }
                Ok(None) => say(out, "DUNNO"),
                Err(wrong) => return Next::Close(Some(wrong)),
            }
        }
    }

    fn answer(&mut self, answer: &Answer, out: &mut Vec<u8>) {
        let instance = self.asked.envelope.instance.take();
        let Answer::Judged(judgement) = answer else { return say(out, "DUNNO") };
        let again = self.told.is_some();
        if judgement.missed().is_some() {
            self.told = instance;
        }
        say(out, &action(judgement, again));
    }
}

impl Asked {
    /// Takes one attribute. What is unknown or empty says nothing.
    fn attribute(&mut self, line: &[u8]) {
        self.any = true;
        let Some(equals) = memchr::memchr(b'=', line) else { return };
        let (name, value) = (&line[..equals], &line[equals + 1..]);
        let envelope = &mut self.envelope;
        match name {
            b"request" => self.is_policy = value == b"smtpd_access_policy",
            b"protocol_state" => self.is_rcpt = value == b"RCPT",
            b"client_address" => envelope.ip = text::address(value),
            // Verified by looking it up both ways. `unknown` is what Postfix says where there is none.
            b"client_name" => envelope.ptr = text::known(value).filter(|name| name != "unknown"),
            b"helo_name" => envelope.helo = text::known(value),
            b"sender" => envelope.sender = Some(text::path(value)),
            b"recipient" => self.recipient = text::known(value),
            b"recipient_count" => envelope.recipient_count = number(value).unwrap_or(0) as u32,
            b"queue_id" => envelope.queue_id = text::known(value),
            b"instance" => envelope.instance = text::known(value),
            b"size" => envelope.declared_size = number(value).filter(|size| *size > 0),
            b"sasl_username" => envelope.user = text::known(value),
            b"server_address" => envelope.mta = text::known(value),
            b"encryption_protocol" => {
                let cipher = envelope.tls.take().and_then(|tls| tls.cipher);
                envelope.set_tls(text::known(value), cipher);
            }
            b"encryption_cipher" => {
                let version = envelope.tls.take().and_then(|tls| tls.version);
                envelope.set_tls(version, text::known(value));
            }
            _ => {}
        }
    }

    /// What is asked; nothing at a stage where nothing is decided.
    fn question(self) -> Result<Option<Envelope>, &'static str> {
        let Asked { mut envelope, recipient, is_policy, is_rcpt, any } = self;
        if !any {
            return Err("an empty policy request");
        }
        if !is_policy {
            return Err("no request of smtpd_access_policy");
        }
        let Some(recipient) = recipient.filter(|_| is_rcpt) else { return Ok(None) };
        // Before DATA Postfix counts none: the recipient that is asked about is one more than were taken.
        let count = envelope.recipient_count;
        envelope.add_recipient(recipient.as_bytes());
        envelope.recipient_count = count.saturating_add(1);
        envelope.stage = Stage::Rcpt;
        Ok(Some(envelope))
    }
}

fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// The action of a judgement.
fn action(judgement: &Judgement, told: bool) -> String {
    if let Some(refusal) = judgement.refusal() {
        return refusal.to_string();
    }
    if judgement.missed().is_some() {
        return match told {
            true => "DUNNO".to_owned(),
            false => format!("PREPEND {}: {}", tags::STATUS, tags::status(judgement)),
        };
    }
    match judgement.class {
        Class::Hold => format!("HOLD case {}", judgement.case),
        Class::Discard => format!("DISCARD case {}", judgement.case),
        _ => "DUNNO".to_owned(),
    }
}

fn say(out: &mut Vec<u8>, action: &str) {
    out.extend_from_slice(format!("action={action}\n\n").as_bytes());
}

#[cfg(test)]
mod tests;
