// SPDX-License-Identifier: Apache-2.0
//! The headers of the message itself: who, to whom, when, about what, and by which way.

use super::header::{Field, unfold};
use super::oddity::Oddity;
use super::reading::{Header, Reading};
use super::{address, trace, words};
use crate::kind::Set;
use crate::limits;

/// Headers that may come once (RFC 5322, 3.6), beside `From` and `Subject`, which have oddities of their own.
const ONCE: [&str; 9] =
    ["date", "sender", "reply-to", "to", "cc", "message-id", "mime-version", "in-reply-to", "references"];

/// Reads the fields into the reading.
pub(super) fn read(raw: &[u8], fields: &[Field], reading: &mut Reading, odd: &mut Set<Oddity>) {
    let mut seen = Seen::default();
    for field in fields {
        let value = unfold(&raw[field.value.clone()], limits::HEADER_VALUE_BYTES, odd);
        let name = &raw[field.name.clone()];
        let name = String::from_utf8_lossy(&name[..name.len().min(limits::HEADER_NAME_BYTES)]).into_owned();
        let at = field.name.start..field.value.end;
        let header = Header { value: words::text(&value, odd), name, at };
        take(&header, &value, reading, &mut seen, odd);
        reading.headers.push(header);
    }
    missing(reading, &seen, odd);
}

/// Which headers came.
#[derive(Default)]
struct Seen {
    subject: bool,
    from: bool,
    date: bool,
    message_id: bool,
    recipients: bool,
    once: [bool; ONCE.len()],
}

/// Takes in what one header says.
fn take(header: &Header, value: &[u8], reading: &mut Reading, seen: &mut Seen, odd: &mut Set<Oddity>) {
    let name = header.name.to_ascii_lowercase();
    if let Some(at) = ONCE.iter().position(|once| *once == name) {
        odd.insert_if(seen.once[at], Oddity::DuplicateOnce);
        if std::mem::replace(&mut seen.once[at], true) {
            return;
        }
    }
    match name.as_str() {
        "subject" => {
            odd.insert_if(seen.subject, Oddity::DuplicateSubject);
            if !std::mem::replace(&mut seen.subject, true) {
                reading.subject.clone_from(&header.value);
            }
        }
        "from" => {
            odd.insert_if(seen.from, Oddity::DuplicateFrom);
            if !std::mem::replace(&mut seen.from, true) {
                from(value, reading, odd);
            }
        }
        "sender" => reading.sender = address::list(value, odd).mailboxes,
        "reply-to" => reading.reply_to = address::list(value, odd).mailboxes,
        "to" | "cc" => {
            seen.recipients = true;
            let list = address::list(value, odd);
            odd.insert_if(list.empty_group && list.mailboxes.is_empty(), Oddity::RecipientUndisclosed);
            *(if name == "to" { &mut reading.to } else { &mut reading.cc }) = list.mailboxes;
        }
        "date" => {
            seen.date = true;
            reading.date = trace::date(&header.value, odd);
        }
        "message-id" => {
            seen.message_id = true;
            reading.message_id = Some(message_id(&header.value, odd));
        }
        "received" if reading.received.len() < limits::HOPS => reading.received.push(trace::hop(value, odd)),
        "received" => odd.insert(Oddity::ReceivedMany),
        _ => {}
    }
}

fn from(value: &[u8], reading: &mut Reading, odd: &mut Set<Oddity>) {
    let list = address::list(value, odd);
    let addresses = list.mailboxes.iter().filter(|mailbox| mailbox.address.contains('@')).count();
    odd.insert_if(addresses > 1, Oddity::FromSeveral);
    odd.insert_if(addresses == 0, Oddity::FromNoAddress);
    odd.insert_if(list.broken, Oddity::FromUnparsable);
    reading.from = list.mailboxes;
}

/// A message's id, which has one `@` and brackets around it (RFC 5322, 3.6.4).
fn message_id(value: &str, odd: &mut Set<Oddity>) -> String {
    let value = value.trim();
    let bare = value.strip_prefix('<').and_then(|value| value.strip_suffix('>'));
    let sound = |id: &str| {
        id.split_once('@').is_some_and(|(left, right)| !left.is_empty() && !right.is_empty())
            && !id.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>'))
    };
    odd.insert_if(!bare.is_some_and(sound), Oddity::MessageIdOdd);
    bare.unwrap_or(value).to_owned()
}

fn missing(reading: &Reading, seen: &Seen, odd: &mut Set<Oddity>) {
    odd.insert_if(reading.headers.is_empty(), Oddity::NoHeaders);
    odd.insert_if(!seen.from, Oddity::NoFrom);
    odd.insert_if(!seen.date, Oddity::NoDate);
    odd.insert_if(!seen.subject, Oddity::NoSubject);
    odd.insert_if(!seen.message_id, Oddity::NoMessageId);
    odd.insert_if(!seen.recipients, Oddity::NoRecipients);
}
