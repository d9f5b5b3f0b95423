// SPDX-License-Identifier: Apache-2.0
//! A connection of milter: where it stands, and what it holds of the present message.

use super::frame::{self, Frame, action, step};
use crate::door::heard::Heard;
use crate::door::{
    Answer, Class, Conversation, Envelope, Judgement, Message, Next, Question, limits, tags, text,
};

/// The version that is spoken; a mail server may speak an older one.
const VERSION: u32 = 6;
/// The oldest that is understood: Sendmail 8.13 has it.
const OLDEST: u32 = 2;

/// A connection of milter. It carries any number of clients, and of messages of each.
#[derive(Debug)]
pub struct Milter {
    heard: Heard,
    most: usize,
    agreed: Option<Agreed>,
    /// What is known of the client.
    client: Envelope,
    mail: Mail,
    ended: bool,
}

/// What was agreed on at the beginning.
#[derive(Clone, Copy, Debug)]
struct Agreed {
    actions: u32,
    steps: u32,
}

/// What is known of the present message.
#[derive(Debug, Default)]
struct Mail {
    /// Macros come before the command that they belong to, so they are kept apart from it.
    user: Option<String>,
    queue_id: Option<String>,
    sender: Option<String>,
    declared_size: Option<u64>,
    recipients: Envelope,
    bytes: Vec<u8>,
    is_body: bool,
    is_cut: bool,
}

impl Milter {
    /// A connection that takes messages of so many bytes; of longer ones the beginning.
    pub fn new(message_bytes: usize) -> Milter {
        Milter {
            heard: Heard::default(),
            most: message_bytes.min(limits::MESSAGE_BYTES),
            agreed: None,
            client: Envelope::default(),
            mail: Mail::default(),
            ended: false,
        }
    }

    /// Takes one frame.
    fn take(&mut self, frame: Frame, out: &mut Vec<u8>) -> Option<Next> {
        let Frame { command, payload } = frame;
        if command == b'O' {
            return self.negotiate(&payload, out).err().map(|wrong| Next::Close(Some(wrong)));
        }
        let Some(agreed) = self.agreed else { return Some(Next::Close(Some("no negotiation"))) };
        let quiet = match command {
            b'D' => return self.macros(&payload),
            b'A' => return self.forget_mail(),
            b'Q' => return Some(Next::Close(None)),
            b'K' => {
                self.client = Envelope::default();
                return self.forget_mail();
            }
            b'E' => return Some(self.ask(&payload)),
            b'C' => {
                self.connect(&payload);
                step::NR_CONNECT
            }
            b'H' => {
                self.client.helo = frame::strings(&payload).next().and_then(text::known);
                step::NR_HELO
            }
            b'M' => {
                self.mail_from(&payload);
                step::NR_MAIL
            }
            b'R' => {
                if let Some(path) = frame::strings(&payload).next() {
                    self.mail.recipients.add_recipient(path);
                }
                step::NR_RCPT
            }
            b'L' => {
                self.header(&payload, agreed);
                step::NR_HEADER
            }
            b'N' => {
                self.mail.end_headers(self.most);
                step::NR_END_OF_HEADERS
            }
            b'B' => return self.body(&payload, agreed, out),
            b'T' => step::NR_DATA,
            b'U' => step::NR_UNKNOWN,
            _ => return Some(Next::Close(Some("a command that is none"))),
        };
        proceed(agreed, quiet, out);
        None
    }

    fn negotiate(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
        let [version, actions, steps] = frame::numbers(payload).ok_or("a negotiation without its numbers")?;
        if version < OLDEST {
            return Err("a version of milter that is too old");
        }
        let agreed = Agreed { actions: actions & action::WANTED, steps: steps & step::WANTED };
        let numbers = [version.min(VERSION), agreed.actions, agreed.steps].map(u32::to_be_bytes);
        frame::put(out, b'O', &[&numbers[0], &numbers[1], &numbers[2]]);
        self.agreed = Some(agreed);
        self.client = Envelope::default();
        self.mail = Mail::default();
        Ok(())
    }

    /// Macros of the command that comes next. The packet may have none.
    fn macros(&mut self, payload: &[u8]) -> Option<Next> {
        let Some((of, pairs)) = payload.split_first() else {
            return Some(Next::Close(Some("macros of no command")));
        };
        match of {
            b'C' => self.client = Envelope::default(),
            b'M' => self.mail = Mail::default(),
            _ => {}
        }
        let (mut version, mut cipher) = (None, None);
        let mut strings = frame::strings(pairs).take(2 * limits::MACROS);
        while let (Some(name), Some(value)) = (strings.next(), strings.next()) {
            let name = name.strip_prefix(b"{").and_then(|n| n.strip_suffix(b"}")).unwrap_or(name);
            match name {
                b"i" => self.mail.queue_id = text::known(value),
                b"auth_authen" => self.mail.user = text::known(value),
                b"j" => self.client.mta = text::known(value),
                b"tls_version" => version = text::known(value),
                b"cipher" => cipher = text::known(value),
                _ => {}
            }
        }
        self.client.set_tls(version, cipher);
        None
    }

    fn connect(&mut self, payload: &[u8]) {
        let mut parts = payload.splitn(2, |b| *b == 0);
        let name = parts.next().and_then(text::known);
        // A client without a name has its address in brackets there.
        self.client.ptr = name.filter(|name| name != "unknown" && !name.starts_with('['));
        let address = parts.next().unwrap_or_default();
        if let [b'4' | b'6', _, _, address @ ..] = address {
            self.client.ip = text::address(address.strip_suffix(b"\0").unwrap_or(address));
        }
    }

    fn mail_from(&mut self, payload: &[u8]) {
        let Mail { user, queue_id, .. } = std::mem::take(&mut self.mail);
        self.mail = Mail { user, queue_id, ..Mail::default() };
        let mut strings = frame::strings(payload);
        self.mail.sender = strings.next().map(text::path);
        let size =
            strings.filter(|s| s.get(..5).is_some_and(|name| name.eq_ignore_ascii_case(b"SIZE="))).last();
        self.mail.declared_size = size.and_then(|s| std::str::from_utf8(&s[5..]).ok()?.parse().ok());
    }

    fn header(&mut self, payload: &[u8], agreed: Agreed) {
        let mut strings = payload.splitn(2, |b| *b == 0);
        let (name, value) = (strings.next().unwrap_or_default(), strings.next().unwrap_or_default());
        let value = value.strip_suffix(b"\0").unwrap_or(value);
        let colon: &[u8] = if agreed.steps & step::LEADING_SPACE == 0 { b": " } else { b":" };
        let most = self.most.min(limits::MILTER_HEADER_BYTES);
        self.mail.push(name, most);
        self.mail.push(colon, most);
        // Lines within a value come with bare line feeds.
        for (at, line) in value.split(|b| *b == b'\n').enumerate() {
            if at > 0 {
                self.mail.push(b"\r\n", most);
            }
            self.mail.push(line.strip_suffix(b"\r").unwrap_or(line), most);
        }
        self.mail.push(b"\r\n", most);
    }

    fn body(&mut self, chunk: &[u8], agreed: Agreed, out: &mut Vec<u8>) -> Option<Next> {
        self.mail.end_headers(self.most);
        self.mail.push(chunk, self.most);
        // What is not looked at need not be sent. Skipping is an answer, so it takes one that is waited for.
        match self.mail.is_cut && agreed.steps & step::SKIP != 0 && agreed.steps & step::NR_BODY == 0 {
            true => frame::put(out, b's', &[]),
            false => proceed(agreed, step::NR_BODY, out),
        }
        None
    }

    fn ask(&mut self, chunk: &[u8]) -> Next {
        self.mail.end_headers(self.most);
        self.mail.push(chunk, self.most);
        let mail = std::mem::take(&mut self.mail);
        // What is answered needs to know which headers came: the message goes out, they stay.
        self.mail.bytes = headers_of(&mail.bytes).to_vec();
        let envelope = Envelope {
            sender: mail.sender,
            recipients: mail.recipients.recipients,
            recipient_count: mail.recipients.recipient_count,
            user: mail.user,
            queue_id: mail.queue_id,
            declared_size: mail.declared_size,
            ..self.client.clone()
        };
        Next::Ask(Box::new(Question::Message(Message { envelope, bytes: mail.bytes, is_cut: mail.is_cut })))
    }

    fn forget_mail(&mut self) -> Option<Next> {
        self.mail = Mail::default();
        None
    }
}

impl Conversation for Milter {
    fn hear(&mut self, bytes: &[u8]) {
        self.heard.push(bytes);
    }

    fn end(&mut self) {
        self.ended = true;
    }

    fn next(&mut self, out: &mut Vec<u8>) -> Next {
        loop {
            match frame::next(&mut self.heard) {
                Err(wrong) => return Next::Close(Some(wrong)),
                Ok(None) if self.ended => return Next::Close(None),
                Ok(None) => return Next::More,
                Ok(Some(frame)) => {
                    if let Some(next) = self.take(frame, out) {
                        return next;
                    }
                }
            }
        }
    }

    fn answer(&mut self, answer: &Answer, out: &mut Vec<u8>) {
        let mail = std::mem::take(&mut self.mail);
        match (answer, self.agreed) {
            (Answer::Judged(judgement), Some(agreed)) => say(judgement, &mail.bytes, agreed, out),
            _ => frame::put(out, b'c', &[]),
        }
    }
}

impl Mail {
    fn push(&mut self, bytes: &[u8], most: usize) {
        let room = most.saturating_sub(self.bytes.len());
        self.is_cut |= bytes.len() > room;
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_headers(&mut self, most: usize) {
        if !std::mem::replace(&mut self.is_body, true) {
            self.push(b"\r\n", most);
        }
    }
}

/// `continue`, where it is waited for.
fn proceed(agreed: Agreed, quiet: u32, out: &mut Vec<u8>) {
    if agreed.steps & quiet == 0 {
        frame::put(out, b'c', &[]);
    }
}

fn headers_of(message: &[u8]) -> &[u8] {
    let mut fields = tags::fields(message);
    fields.by_ref().for_each(drop);
    &message[..message.len() - fields.rest.len()]
}

/// The replies to the end of a message.
fn say(judgement: &Judgement, headers: &[u8], agreed: Agreed, out: &mut Vec<u8>) {
    if let Some(refusal) = judgement.refusal() {
        return frame::put(out, b'y', &[refusal.to_string().as_bytes(), b"\0"]);
    }
    if judgement.class == Class::Discard && judgement.missed().is_none() {
        return frame::put(out, b'd', &[]);
    }
    if agreed.actions & action::CHANGE_HEADERS != 0 {
        for (name, count) in tags::forged(headers) {
            // The last first: what is taken out changes the numbers of those behind it.
            for index in (1..=count).rev() {
                frame::put(out, b'm', &[&index.to_be_bytes(), name.as_bytes(), b"\0\0"]);
            }
        }
    }
    if agreed.actions & action::ADD_HEADERS != 0 {
        let blank: &[u8] = if agreed.steps & step::LEADING_SPACE == 0 { b"" } else { b" " };
        for (name, value) in tags::of(judgement) {
            frame::put(out, b'h', &[name.as_bytes(), b"\0", blank, value.as_bytes(), b"\0"]);
        }
    }
    if judgement.class == Class::Hold
        && judgement.missed().is_none()
        && agreed.actions & action::QUARANTINE != 0
    {
        frame::put(out, b'q', &[format!("held (case {})", judgement.case).as_bytes(), b"\0"]);
    }
    frame::put(out, b'c', &[]);
}
