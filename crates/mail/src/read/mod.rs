// SPDX-License-Identifier: Apache-2.0
//! Reading a message: from bytes to what it shows.
//!
//! [`read`] never fails. What cannot be read is passed over, what is broken is mended as mail programs would mend it, since
//! what they show is what counts, and each of these is an [`Oddity`]. One [`Budget`] bounds what all of it may cost.

mod address;
pub mod attach;
mod charset;
mod decode;
mod field;
mod header;
pub mod html;
mod mime;
mod oddity;
mod reading;
mod sniff;
mod top;
mod trace;
pub mod url;
mod words;

pub use attach::{Attachment, AttachmentMark};
pub use html::{HtmlFacts, HtmlMark};
pub use oddity::Oddity;
pub use reading::{Date, Encoding, Header, Hop, Mailbox, Part, PartKind, Reading};
pub use sniff::FileKind;
pub use url::{FoundIn, Url, UrlMark};

use crate::kind::Set;
use crate::limits::{Budget, Resource};

/// Reads a message within its budget.
pub fn read(raw: &[u8], budget: &mut Budget) -> Reading {
    let raw = &raw[..budget.take(Resource::Bytes, raw.len())];
    let mut odd = Set::new();
    let tree = mime::walk(raw, budget, &mut odd);
    let mut reading = Reading { parts: tree.parts, ..Reading::default() };
    top::read(raw, &tree.top, &mut reading, &mut odd);
    bodies(raw, &mut reading, budget, &mut odd);
    for resource in Resource::ALL {
        odd.insert_if(budget.ran_out(resource), resource.oddity());
    }
    reading.oddities = odd;
    reading.spent = budget.spent();
    reading
}

/// Reads the bodies of all parts.
fn bodies(raw: &[u8], reading: &mut Reading, budget: &mut Budget, odd: &mut Set<Oddity>) {
    let mut decoded = Vec::new();
    for at in 0..reading.parts.len() {
        let part = &mut reading.parts[at];
        if matches!(part.kind, PartKind::Multipart | PartKind::Message) {
            continue;
        }
        decoded.clear();
        let body = &raw[part.body.clone()];
        let most = budget.left(Resource::Decoded);
        let size = match part.encoding {
            Encoding::Identity => {
                decoded.extend_from_slice(&body[..body.len().min(most)]);
                body.len()
            }
            Encoding::Base64 => decode::base64(body, most, &mut decoded).size,
            Encoding::QuotedPrintable => decode::quoted_printable(body, most, &mut decoded).size,
            Encoding::Uuencode => decode::uuencode(body, most, &mut decoded).size,
        };
        budget.take(Resource::Decoded, size);
        part.size = size;
        if matches!(part.kind, PartKind::Text | PartKind::Html) {
            let text = charset::decode(&decoded, part.charset.as_deref(), odd);
            let text = field::cut(&text, budget.left(Resource::Text));
            budget.take(Resource::Text, text.len());
            let begin = reading.text.len();
            if part.kind == PartKind::Html {
                html::read(text, &mut reading.html, &mut reading.text, &mut reading.hidden, budget, odd);
            } else {
                reading.text.push_str(text);
            }
            url::find(&reading.text[begin..], FoundIn::Text, at, &mut reading.urls, budget);
        }
        if part.attached || matches!(part.kind, PartKind::Media | PartKind::Other) {
            reading.attachments.push(Attachment {
                part: at,
                name: part.name.clone().unwrap_or_default(),
                declared: part.declared.clone(),
                size,
                ..Attachment::default()
            });
        }
    }
}
