// SPDX-License-Identifier: Apache-2.0
//! The bytes of headers and body with names of hosts, numbers and recipients made alike.

use wardroom_model::Writer;

use super::{CANON, bare_subject, is_mailbox_header, pattern, trace};
use crate::limits;
use crate::read::{Header, Reading};

/// Writes the view: header fields in canonical form, then the beginning of the body as it is.
pub(super) fn write(raw: &[u8], reading: &Reading, writer: &mut Writer) {
    let mut canon = String::new();
    for header in reading.headers.iter().filter(|header| !is_mailbox_header(&header.name)) {
        if canon.len() > limits::VIEW_CANON_BYTES {
            break;
        }
        canon.push_str(&header.name);
        canon.push(':');
        value(header, &mut canon);
        canon.push('\n');
    }
    let canon = canon.as_bytes();
    writer.grams(CANON, "header", &canon[..canon.len().min(limits::VIEW_CANON_BYTES)], 4);
    let body = reading.headers.last().map_or(0, |last| last.at.end).min(raw.len());
    let body = &raw[body..];
    writer.grams(CANON, "body", &body[..body.len().min(limits::VIEW_CANON_BYTES)], 4);
}

/// The value of a header as far as it says something of the mail.
fn value(header: &Header, out: &mut String) {
    let value = header.value.as_str();
    let is = |names: &[&str]| names.iter().any(|name| header.is(name));
    if is(&["received"]) {
        trace::canonical(value, out);
    } else if is(&["date", "message-id", "in-reply-to", "references", "to", "cc", "bcc", "x-original-to"]) {
        out.push_str(&pattern(value));
    } else if is(&["subject"]) {
        out.push_str(bare_subject(value));
    } else {
        let kept = value.chars().take(limits::VIEW_CANON_BYTES);
        out.extend(kept.map(|char| if char.is_ascii_digit() { '9' } else { char }));
    }
}
