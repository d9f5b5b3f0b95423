// SPDX-License-Identifier: Apache-2.0
//! What SpamAssassin's clients speak: `SPAMC/1.5`, one request a connection.
//!
//! A server that cannot judge says so with an error of the protocol, and a client that is told to be safe (as spamc is unless it
//! gets `-x`) hands the message on as it came. In the fail mode `tag`, `PROCESS` and `HEADERS` say it in the message instead.
//! The protocol has no way to refuse: that is for whoever calls the client. Bodies that are compressed are refused.

mod reply;

use super::heard::Heard;
use super::{Answer, Conversation, Envelope, Lesson, Message, Next, Question, Scale, Teaches, limits, text};

/// SpamAssassin's own limit is 5.
const SCALE: Scale = Scale { doubt: 3.0, spam: 5.0, reject: 10.0 };

/// What is to be done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Check,
    Symbols,
    Report,
    ReportIfSpam,
    Process,
    Headers,
    Tell,
    Ping,
    Skip,
}

impl Command {
    fn named(name: &str) -> Option<Command> {
        Some(match name {
            "CHECK" => Command::Check,
            "SYMBOLS" => Command::Symbols,
            "REPORT" => Command::Report,
            "REPORT_IFSPAM" => Command::ReportIfSpam,
            "PROCESS" => Command::Process,
            "HEADERS" => Command::Headers,
            "TELL" => Command::Tell,
            "PING" => Command::Ping,
            "SKIP" => Command::Skip,
            _ => return None,
        })
    }
}

/// What the headers of a request say.
#[derive(Debug, Default)]
struct Head {
    command: Option<Command>,
    size: usize,
    length: Option<usize>,
    user: Option<String>,
    class: Option<Teaches>,
    is_set: bool,
    is_removed: bool,
    is_compressed: bool,
}

/// A connection.
#[derive(Debug)]
pub struct Spamd {
    heard: Heard,
    most: usize,
    stage: Stage,
    ended: bool,
}

#[derive(Debug)]
enum Stage {
    Head(Head),
    Body(Head, Vec<u8>),
    Asked(Command, Vec<u8>, Told),
    Over,
}

/// What `TELL` said, for its answer.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    is_set: bool,
    is_removed: bool,
}

/// The error codes of the protocol.
mod code {
    pub(super) const USAGE: (u16, &str) = (64, "EX_USAGE");
    pub(super) const DATA: (u16, &str) = (65, "EX_DATAERR");
    pub(super) const UNAVAILABLE: (u16, &str) = (69, "EX_UNAVAILABLE");
    pub(super) const TEMPFAIL: (u16, &str) = (75, "EX_TEMPFAIL");
    pub(super) const PROTOCOL: (u16, &str) = (76, "EX_PROTOCOL");
    pub(super) const NO_PERMISSION: (u16, &str) = (77, "EX_NOPERM");
}

type Wrong = ((u16, &'static str), &'static str);

impl Spamd {
    /// A connection that takes messages of so many bytes.
    pub fn new(message_bytes: usize) -> Spamd {
        let most = message_bytes.min(limits::MESSAGE_BYTES);
        Spamd { heard: Heard::default(), most, stage: Stage::Head(Head::default()), ended: false }
    }

    fn head(&mut self, mut head: Head, out: &mut Vec<u8>) -> Result<Option<Next>, Wrong> {
        loop {
            let line = match self.heard.line(limits::SPAMC_HEAD_BYTES.saturating_sub(head.size)) {
                Err(_) => return Err((code::PROTOCOL, "the headers are too long")),
                Ok(None) if self.ended => {
                    return Ok(Some(Next::Close(
                        head.command.map(|_| "a request of spamc that does not end"),
                    )));
                }
                Ok(None) => {
                    self.stage = Stage::Head(head);
                    return Ok(Some(Next::More));
                }
                Ok(Some(line)) => line,
            };
            head.size += line.len() + 2;
            match head.command {
                None => head.command = Some(first(line)?),
                Some(_) if line.is_empty() => break,
                Some(_) => head.field(line, self.most)?,
            }
            // A ping needs no more than its line, and some clients send no more.
            match head.command {
                Some(Command::Ping) => {
                    out.extend_from_slice(b"SPAMD/1.5 0 PONG\r\n");
                    return Ok(Some(Next::Close(None)));
                }
                Some(Command::Skip) => return Ok(Some(Next::Close(None))),
                _ => {}
            }
        }
        if head.is_compressed {
            return Err((code::UNAVAILABLE, "messages that are compressed are not read at this door"));
        }
        if head.command == Some(Command::Tell) && !head.is_removed && (!head.is_set || head.class.is_none()) {
            return Err((code::USAGE, "TELL says neither what to set nor what to remove"));
        }
        self.stage = Stage::Body(head, Vec::new());
        Ok(None)
    }

    fn body(&mut self, head: Head, mut bytes: Vec<u8>) -> Result<Option<Next>, Wrong> {
        let room = head.length.unwrap_or(self.most + 1) - bytes.len();
        bytes.extend_from_slice(self.heard.take(room));
        let is_whole = match head.length {
            Some(length) => bytes.len() == length,
            None if bytes.len() > self.most => return Err((code::DATA, "the message is too long")),
            None => self.ended,
        };
        if !is_whole {
            if self.ended {
                return Err((code::DATA, "the message is shorter than it says"));
            }
            self.stage = Stage::Body(head, bytes);
            return Ok(Some(Next::More));
        }
        Ok(Some(Next::Ask(Box::new(self.ask(head, bytes)))))
    }

    fn ask(&mut self, head: Head, bytes: Vec<u8>) -> Question {
        let command = head.command.unwrap_or(Command::Check);
        // Only these two hand the message back.
        let kept =
            if matches!(command, Command::Process | Command::Headers) { bytes.clone() } else { Vec::new() };
        self.stage = Stage::Asked(command, kept, Told { is_set: head.is_set, is_removed: head.is_removed });
        let mut envelope = Envelope::default();
        if let Some(user) = &head.user {
            // Whose mail it is: with spamc that is who runs it, and no more is known of the envelope.
            envelope.add_recipient(user.as_bytes());
        }
        let message = Message { envelope, bytes, is_cut: false };
        match command {
            Command::Tell => {
                let teaches = head.class.filter(|_| head.is_set).unwrap_or(Teaches::Forget);
                Question::Lesson(Lesson { message, teaches, password: None })
            }
            _ => Question::Message(message),
        }
    }
}

impl Conversation for Spamd {
    fn hear(&mut self, bytes: &[u8]) {
        self.heard.push(bytes);
    }

    fn end(&mut self) {
        self.ended = true;
    }

    fn next(&mut self, out: &mut Vec<u8>) -> Next {
        loop {
            let step = match std::mem::replace(&mut self.stage, Stage::Over) {
                Stage::Head(head) => self.head(head, out),
                Stage::Body(head, bytes) => self.body(head, bytes),
                Stage::Asked(..) | Stage::Over => return Next::Close(None),
            };
            match step {
                Ok(None) => {}
                Ok(Some(next)) => return next,
                Err((code, wrong)) => {
                    reply::fault(out, code, wrong);
                    return Next::Close(Some(wrong));
                }
            }
        }
    }

    fn answer(&mut self, answer: &Answer, out: &mut Vec<u8>) {
        if let Stage::Asked(command, message, told) = std::mem::replace(&mut self.stage, Stage::Over) {
            reply::say(out, command, told, &message, answer);
        }
    }
}

/// The first line.
fn first(line: &[u8]) -> Result<Command, Wrong> {
    let line = std::str::from_utf8(line).unwrap_or_default();
    let (name, version) = line.split_once(' ').unwrap_or((line, ""));
    if !version.starts_with("SPAMC/1.") {
        return Err((code::PROTOCOL, "the first line is no request of spamc"));
    }
    Command::named(name).ok_or((code::PROTOCOL, "there is no such command"))
}

impl Head {
    /// Takes one header. What is unknown says nothing.
    fn field(&mut self, line: &[u8], most: usize) -> Result<(), Wrong> {
        let Some(colon) = memchr::memchr(b':', line) else {
            return Err((code::PROTOCOL, "a header without a name"));
        };
        let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
        let value = text::field(&line[colon + 1..]);
        match name.as_str() {
            "content-length" => {
                let is_number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
                let length = if is_number { Ok(value.parse().unwrap_or(usize::MAX)) } else { Err(()) };
                let length = length.map_err(|()| (code::PROTOCOL, "the length is no number"))?;
                if length > most {
                    return Err((code::DATA, "the message is too long"));
                }
                self.length = Some(length);
            }
            "user" => self.user = Some(value).filter(|user| !user.is_empty()),
            "compress" => self.is_compressed = true,
            "message-class" => {
                self.class = match value.to_ascii_lowercase().as_str() {
                    "spam" => Some(Teaches::Spam),
                    "ham" => Some(Teaches::Ham),
                    _ => return Err((code::USAGE, "a message class is spam or ham")),
                };
            }
            "set" => self.is_set = is_local(&value),
            "remove" => self.is_removed = is_local(&value),
            _ => {}
        }
        Ok(())
    }
}

/// Whether the list names this server. The other, `remote`, is the network of SpamAssassin's reporters.
fn is_local(value: &str) -> bool {
    value.split(',').any(|part| part.trim().eq_ignore_ascii_case("local"))
}

#[cfg(test)]
mod tests;
