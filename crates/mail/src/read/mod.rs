// SPDX-License-Identifier: Apache-2.0
//! Reading a message: from bytes to what it shows.
//!
//! [`read`] never fails. What cannot be read is passed over, what is broken is mended as mail programs would mend it, since
//! what they show is what counts, and each of these is an [`Oddity`]. One [`Budget`] bounds what all of it may cost.

mod address;
pub mod attach;
mod body;
mod charset;
mod decode;
mod field;
mod header;
pub mod html;
mod mime;
mod oddity;
mod reading;
mod sniff;
#[cfg(test)]
mod tests;
mod text;
mod top;
mod trace;
pub mod url;
mod whole;
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
    body::read(raw, &mut reading, budget, &mut odd);
    whole::judge(raw, &reading, &mut odd);
    for resource in Resource::ALL {
        odd.insert_if(budget.ran_out(resource), resource.oddity());
    }
    reading.oddities = odd;
    reading.spent = budget.spent();
    reading
}
