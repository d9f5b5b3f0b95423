// SPDX-License-Identifier: Apache-2.0
//! What is odd about a message only once all of it is read.

use memchr::{memchr, memchr_iter, memmem};

use super::oddity::Oddity;
use super::reading::{Mailbox, PartKind, Reading};
use super::text::{is_bidi, is_invisible, mixes_scripts};
use crate::kind::Set;

/// Bytes of the message that are looked at for how its lines end.
const LINES_BYTES: usize = 64 * 1024;

/// Notes what is odd about the whole.
pub(super) fn judge(raw: &[u8], reading: &Reading, odd: &mut Set<Oddity>) {
    line_ends(&raw[..raw.len().min(LINES_BYTES)], odd);
    names(reading, odd);
    let first = reading.parts.first();
    let mime =
        reading.header("content-type").is_some() || reading.header("content-transfer-encoding").is_some();
    odd.insert_if(mime && reading.header("mime-version").is_none(), Oddity::MimeVersionMissing);
    let seven = |part: &super::Part| part.kind != PartKind::Multipart && !part.eight_bit;
    let beyond = first.is_some_and(|part| seven(part) && !raw[part.body.clone()].is_ascii());
    odd.insert_if(beyond, Oddity::EightBitUndeclared);
}

fn line_ends(raw: &[u8], odd: &mut Set<Oddity>) {
    let Some(_) = memchr(b'\r', raw) else { return };
    let crlf = memmem::find_iter(raw, b"\r\n").count();
    odd.insert_if(memchr_iter(b'\r', raw).count() > crlf + usize::from(raw.ends_with(b"\r")), Oddity::BareCr);
    odd.insert_if(crlf > 0 && memchr_iter(b'\n', raw).count() > crlf, Oddity::MixedLineEnds);
}

/// What the names of senders, and the subject, are made to seem.
fn names(reading: &Reading, odd: &mut Set<Oddity>) {
    let senders = reading.from.iter().chain(&reading.sender).chain(&reading.reply_to);
    for mailbox in senders {
        name(mailbox, odd);
    }
    let shown = reading.from.iter().map(|mailbox| mailbox.name.as_str()).chain([reading.subject.as_str()]);
    for text in shown.filter(|text| !text.is_ascii()) {
        odd.insert_if(text.contains(is_bidi), Oddity::NameBidi);
        odd.insert_if(text.contains(is_invisible), Oddity::NameZeroWidth);
        odd.insert_if(mixes_scripts(text), Oddity::NameMixedScript);
    }
}

fn name(mailbox: &Mailbox, odd: &mut Set<Oddity>) {
    let words = || {
        mailbox
            .name
            .split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '<' | '>' | '"' | '\'' | ','))
    };
    let address = words().find(|word| {
        word.split_once('@').is_some_and(|(left, right)| !left.is_empty() && right.contains('.'))
    });
    if let Some(address) = address {
        odd.insert(Oddity::NameIsAddress);
        odd.insert_if(!address.eq_ignore_ascii_case(&mailbox.address), Oddity::NameIsOtherAddress);
        return;
    }
    let domain = |word: &str| {
        let sound = word.len() > 4 && word.split('.').all(|label| label.len() > 1);
        sound
            && word.contains('.')
            && psl::suffix(word.to_lowercase().as_bytes()).is_some_and(|suffix| suffix.is_known())
    };
    odd.insert_if(words().any(domain), Oddity::NameHasDomain);
}
