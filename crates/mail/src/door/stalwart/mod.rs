// SPDX-License-Identifier: Apache-2.0
//! Stalwart's MTA hooks: a JSON body for each stage of a conversation, and a JSON answer.
//!
//! At `rcpt` a recipient is asked about, at `data` the message; other stages go on. The message comes as its headers and its
//! contents, with what is no UTF-8 replaced before it gets here, so it is put together again as well as it can be. There is no
//! action for refusing for now: that is `reject` with a status of 4xx.

use super::http::{Http, Manner, Request, Step, reason, respond};
use super::{
    Answer, Class, Conversation, Envelope, Judgement, Message, Next, Question, Stage, limits, tags, text,
};
use serde::Deserialize;
use serde_json::{Value, json};

const JSON: &str = "application/json";

/// A connection.
#[derive(Debug)]
pub struct Stalwart {
    http: Http,
    most: usize,
    asked: Option<Asked>,
    is_over: bool,
}

/// How a request is answered: in which manner, without which forged headers, at which stage.
type Asked = (Manner, Vec<(&'static str, u32)>, Stage);

/// The body of a hook. What is not here is passed over.
#[derive(Debug, Deserialize)]
struct Hook {
    context: Context,
    envelope: Option<Path>,
    message: Option<Parts>,
}

#[derive(Debug, Deserialize)]
struct Context {
    stage: String,
    #[serde(default)]
    client: Client,
    sasl: Option<Sasl>,
    tls: Option<Cipher>,
    #[serde(default)]
    server: Server,
    queue: Option<Queue>,
}

#[derive(Debug, Default, Deserialize)]
struct Client {
    #[serde(default)]
    ip: String,
    ptr: Option<String>,
    helo: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Sasl {
    login: String,
}

#[derive(Debug, Deserialize)]
struct Cipher {
    version: Option<String>,
    cipher: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Server {
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Queue {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Path {
    from: Address,
    #[serde(default)]
    to: Vec<Address>,
}

#[derive(Debug, Deserialize)]
struct Address {
    address: String,
}

#[derive(Debug, Deserialize)]
struct Parts {
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    contents: String,
}

impl Stalwart {
    /// A connection that takes messages of so many bytes; of longer ones the beginning.
    pub fn new(message_bytes: usize) -> Stalwart {
        let most = message_bytes.min(limits::MESSAGE_BYTES);
        // In JSON a byte of a message is up to six, `\u0001`, and rarely more than one.
        Stalwart {
            http: Http::new(most.saturating_mul(2) + limits::HTTP_HEAD_BYTES),
            most,
            asked: None,
            is_over: false,
        }
    }

    fn take(&mut self, request: Request, out: &mut Vec<u8>) -> Option<Next> {
        let manner = request.manner;
        self.is_over = !manner.goes_on;
        let hook: Hook = match serde_json::from_slice(&request.body) {
            Ok(hook) if request.method == "POST" => hook,
            Ok(_) => {
                fault(out, manner, 405, "a hook is sent with POST");
                return None;
            }
            // What is wrong is said without what was sent.
            Err(_) => {
                fault(out, manner, 400, "the body is no hook");
                return None;
            }
        };
        let question = match hook.context.stage.as_str() {
            "rcpt" if hook.envelope.as_ref().is_some_and(|path| !path.to.is_empty()) => {
                Question::Recipient(envelope(&hook, Stage::Rcpt))
            }
            "data" if hook.message.is_some() => Question::Message(self.message(&hook)),
            _ => {
                respond(out, manner, (200, "OK"), JSON, br#"{"action":"accept"}"#);
                return None;
            }
        };
        let (forged, stage) = match &question {
            Question::Message(message) => (tags::forged(&message.bytes), Stage::Data),
            _ => (Vec::new(), Stage::Rcpt),
        };
        self.asked = Some((manner, forged, stage));
        Some(Next::Ask(Box::new(question)))
    }

    /// The message put together again.
    fn message(&self, hook: &Hook) -> Message {
        let mut made = Message { envelope: envelope(hook, Stage::Data), ..Message::default() };
        let Some(parts) = &hook.message else { return made };
        for (name, value) in &parts.headers {
            // Values come with the blank and the line end that they had.
            let value =
                value.strip_suffix('\n').map_or(value.as_str(), |v| v.strip_suffix('\r').unwrap_or(v));
            let blank = if value.starts_with([' ', '\t']) { "" } else { " " };
            [name, ":", blank, value, "\r\n"].into_iter().for_each(|piece| made.push(piece, self.most));
        }
        made.push("\r\n", self.most);
        made.push(&parts.contents, self.most);
        made
    }
}

impl Message {
    fn push(&mut self, piece: &str, most: usize) {
        let room = most.saturating_sub(self.bytes.len());
        self.is_cut |= piece.len() > room;
        self.bytes.extend_from_slice(&piece.as_bytes()[..piece.len().min(room)]);
    }
}

fn envelope(hook: &Hook, stage: Stage) -> Envelope {
    let context = &hook.context;
    let known = |value: &Option<String>| value.as_deref().and_then(|value| text::known(value.as_bytes()));
    let mut made = Envelope {
        ip: text::address(context.client.ip.as_bytes()),
        helo: known(&context.client.helo),
        // Names of the DNS come with the dot at their end.
        ptr: known(&context.client.ptr).map(|name| name.trim_end_matches('.').to_owned()),
        sender: hook.envelope.as_ref().map(|path| text::path(path.from.address.as_bytes())),
        user: context.sasl.as_ref().and_then(|sasl| text::known(sasl.login.as_bytes())),
        queue_id: context.queue.as_ref().and_then(|queue| text::known(queue.id.as_bytes())),
        mta: known(&context.server.name),
        stage,
        ..Envelope::default()
    };
    if let Some(tls) = &context.tls {
        made.set_tls(known(&tls.version), known(&tls.cipher));
    }
    let to = hook.envelope.iter().flat_map(|path| &path.to);
    // The recipient that is asked about is the last, so of too many the last are kept.
    let skipped = to.clone().count().saturating_sub(limits::RECIPIENTS);
    to.clone().skip(skipped).for_each(|to| made.add_recipient(to.address.as_bytes()));
    made.recipient_count = made.recipient_count.saturating_add(u32::try_from(skipped).unwrap_or(u32::MAX));
    made
}

impl Conversation for Stalwart {
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
        let Some((manner, forged, stage)) = self.asked.take() else { return };
        let body = match answer {
            Answer::Judged(judgement) => verdict(judgement, &forged, stage),
            _ => json!({ "action": "accept" }),
        };
        respond(out, manner, (200, "OK"), JSON, body.to_string().as_bytes());
    }
}

/// What the server does, with the headers that it adds and takes out.
fn verdict(judgement: &Judgement, forged: &[(&'static str, u32)], stage: Stage) -> Value {
    if let Some(refusal) = judgement.refusal() {
        let (status, words) = (refusal.code, refusal.text);
        let response = json!({ "status": status, "enhanced_status": refusal.status, "message": words });
        return json!({ "action": "reject", "response": response });
    }
    let is_judged = judgement.missed().is_none();
    let action = match judgement.class {
        Class::Hold if is_judged => "quarantine",
        Class::Discard if is_judged => "discard",
        _ => "accept",
    };
    if stage == Stage::Rcpt {
        return json!({ "action": action });
    }
    let mut changes: Vec<Value> = Vec::new();
    for (name, count) in forged {
        // The last first: what is taken out changes the numbers of those behind it.
        let all = (1..=*count).rev();
        changes.extend(all.map(|index| json!({ "type": "deleteHeader", "index": index, "name": name })));
    }
    let added = tags::of(judgement).into_iter();
    changes.extend(added.map(|(name, value)| json!({ "type": "addHeader", "name": name, "value": value })));
    json!({ "action": action, "modifications": changes })
}

fn fault(out: &mut Vec<u8>, manner: Manner, status: u16, wrong: &str) {
    respond(out, manner, (status, reason(status)), JSON, json!({ "error": wrong }).to_string().as_bytes());
}

#[cfg(test)]
mod tests;
