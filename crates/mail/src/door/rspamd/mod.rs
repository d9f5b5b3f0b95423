// SPDX-License-Identifier: Apache-2.0
//! What rspamd's clients speak: HTTP with the message for a body, and what is said of it in headers.
//!
//! Answered are `/checkv2`, `/check`, `/scan` and `/symbols` with a verdict, `/learnspam` and `/learnham`, `/ping` and `/stat`.
//! `/checkv3`, `/learnclass`, fuzzy storage and the controller's pages are not.
//!
//! `File`, `Path` and `Shm` name a file of the server's to be read in the place of the body. They are passed over like any
//! unknown header, so whoever sends nothing else is told that there is no message. Bodies come as they are: one that is
//! compressed is refused.

mod reply;
mod request;

use super::http::{Http, Manner, Request, Step, reason, respond};
use super::{Answer, Conversation, Next, Question, Scale, limits};
use serde_json::json;

/// rspamd's own limits: 4 greylists there, 6 adds a header, 15 refuses.
const SCALE: Scale = Scale { doubt: 4.0, spam: 6.0, reject: 15.0 };
const JSON: &str = "application/json";

/// A connection.
#[derive(Debug)]
pub struct Rspamd {
    http: Http,
    asked: Option<Asked>,
    is_over: bool,
}

/// What has to be known of a request when it is answered.
#[derive(Debug)]
struct Asked {
    manner: Manner,
    /// The names of ours that the message came with.
    forged: Vec<(&'static str, u32)>,
    message_id: Option<String>,
}

impl Rspamd {
    /// A connection that takes messages of so many bytes.
    pub fn new(message_bytes: usize) -> Rspamd {
        Rspamd { http: Http::new(message_bytes.min(limits::MESSAGE_BYTES)), asked: None, is_over: false }
    }

    /// What a request wants; nothing where it is answered already.
    fn take(&mut self, request: Request, out: &mut Vec<u8>) -> Option<Next> {
        let manner = request.manner;
        self.is_over = !manner.goes_on;
        match request::question(request) {
            Ok(request::Wants::Pong) => respond(out, manner, (200, "OK"), "text/plain", b"pong\r\n"),
            Ok(request::Wants::Answer(question)) => {
                let (forged, message_id) = match &*question {
                    Question::Message(message) => {
                        (super::tags::forged(&message.bytes), super::tags::find(&message.bytes, "Message-ID"))
                    }
                    _ => (Vec::new(), None),
                };
                self.asked = Some(Asked { manner, forged, message_id });
                return Some(Next::Ask(question));
            }
            Err((status, wrong)) => fault(out, manner, status, wrong),
        }
        None
    }
}

impl Conversation for Rspamd {
    fn hear(&mut self, bytes: &[u8]) {
        self.http.hear(bytes);
    }

    fn end(&mut self) {
        self.http.end();
    }

    fn next(&mut self, out: &mut Vec<u8>) -> Next {
        loop {
            if self.is_over {
                return Next::Close(None);
            }
            match self.http.next(out) {
                Step::More => return Next::More,
                Step::End(None) => return Next::Close(None),
                Step::End(Some((status, wrong))) => {
                    fault(out, Manner::default(), status, wrong);
                    return Next::Close(Some(wrong));
                }
                Step::Request(request) => {
                    if let Some(next) = self.take(request, out) {
                        return next;
                    }
                }
            }
        }
    }

    fn answer(&mut self, answer: &Answer, out: &mut Vec<u8>) {
        if let Some(asked) = self.asked.take() {
            reply::say(out, &asked, answer);
        }
    }
}

/// An error in rspamd's form.
fn fault(out: &mut Vec<u8>, manner: Manner, status: u16, wrong: &str) {
    let body = json!({ "error": wrong, "error_domain": "wardroom" }).to_string();
    respond(out, manner, (status, reason(status)), JSON, body.as_bytes());
}

#[cfg(test)]
mod tests;
