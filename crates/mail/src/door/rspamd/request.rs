// SPDX-License-Identifier: Apache-2.0
//! A request of rspamd's clients: what it wants, and what it says of the message.

use crate::door::http::Request;
use crate::door::{Envelope, Lesson, Message, Question, Stage, Teaches, text};

/// What a request wants.
#[derive(Debug)]
pub(super) enum Wants {
    Pong,
    Answer(Box<Question>),
}

/// What is wrong with a request, and its status.
type Wrong = (u16, &'static str);

pub(super) fn question(request: Request) -> Result<Wants, Wrong> {
    let path = request.path.trim_end_matches('/').to_ascii_lowercase();
    let asks = |question| Ok(Wants::Answer(Box::new(question)));
    match path.as_str() {
        "/ping" => Ok(Wants::Pong),
        "/stat" => asks(Question::Figures),
        "/checkv2" | "/check" | "/scan" | "/symbols" => asks(Question::Message(message(request)?)),
        "/learnspam" => asks(Question::Lesson(lesson(request, Teaches::Spam)?)),
        "/learnham" => asks(Question::Lesson(lesson(request, Teaches::Ham)?)),
        _ => Err((404, "there is no such command at this door")),
    }
}

fn lesson(request: Request, teaches: Teaches) -> Result<Lesson, Wrong> {
    let password = request.get("password").and_then(text::known);
    Ok(Lesson { message: message(request)?, teaches, password })
}

fn message(request: Request) -> Result<Message, Wrong> {
    if request.method != "POST" {
        return Err((405, "a message is sent with POST"));
    }
    let codings = ["compression", "content-encoding"].into_iter().flat_map(|name| request.all(name));
    if codings.filter(|coding| !coding.is_empty()).any(|coding| !coding.eq_ignore_ascii_case(b"identity")) {
        return Err((415, "messages that are compressed are not read at this door"));
    }
    if request.body.is_empty() {
        return Err((400, "there is no message: it is sent as the body"));
    }
    Ok(Message { envelope: envelope(&request), bytes: request.body, is_cut: false })
}

/// What is said in headers and arguments. What is not known says nothing.
fn envelope(request: &Request) -> Envelope {
    let known = |name: &str| request.get(name).and_then(text::known);
    let mut made = Envelope {
        ip: request.get("ip").and_then(text::address),
        helo: known("helo"),
        ptr: known("hostname").filter(|name| name != "unknown"),
        sender: request.get("from").map(text::path),
        user: known("user"),
        queue_id: known("queue-id"),
        mta: known("mta-name").or_else(|| known("mta-tag")),
        stage: Stage::Data,
        ..Envelope::default()
    };
    made.set_tls(known("tls-version"), known("tls-cipher"));
    for value in request.all("rcpt") {
        value
            .split(|b| *b == b',')
            .filter(|path| !path.trim_ascii().is_empty())
            .for_each(|path| made.add_recipient(path));
    }
    if made.recipients.is_empty()
        && let Some(path) = request.get("deliver-to").filter(|path| !path.is_empty())
    {
        made.add_recipient(path);
    }
    made
}
