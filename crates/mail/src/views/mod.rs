// SPDX-License-Identifier: Apache-2.0
//! A message as tokens of several views, for learners.
//!
//! Each view looks at something that the others do not, and can be told apart by who can change it: whoever writes the text
//! has the words in his hand, whoever writes the program that sends has the shape of the headers, and of the trace only what
//! lies below the first honest server.
//!
//! What tells the mailbox rather than the mail is left out or made alike wherever that is known: days and times, the marks of
//! list servers, the recipient's own name and domain. A model that learns those is right until it sees another mailbox.

mod canon;
mod shape;
mod text;
mod trace;
mod urls;

use wardroom_model::{Example, Layout, View, Words, Writer};

use crate::limits;
use crate::read::Reading;

/// The bytes as they came.
pub const RAW: usize = 0;
/// The bytes with what tells the mailbox made alike.
pub const CANON: usize = 1;
/// Words.
pub const WORDS: usize = 2;
/// Characters of the text.
pub const CHARS: usize = 3;
/// URLs.
pub const URLS: usize = 4;
/// Headers and parts.
pub const SHAPE: usize = 5;
/// The way it came.
pub const TRACE: usize = 6;

/// The views of mail, in their order. The tables are 29 MB together.
pub const LAYOUT: Layout = &[
    View { name: "raw", words: "four bytes in a row, as they came", bits: 19 },
    View { name: "canon", words: "four bytes in a row, names and numbers made alike", bits: 19 },
    View { name: "words", words: "words and pairs of words in subject and text", bits: 19 },
    View { name: "chars", words: "characters in a row in subject, sender and text", bits: 19 },
    View { name: "urls", words: "hosts and paths of links", bits: 16 },
    View { name: "shape", words: "which headers and parts there are, and how they are written", bits: 16 },
    View { name: "trace", words: "how it was handed on", bits: 17 },
];

/// What a message shows, as tokens; with what they stand for where that is asked for.
pub fn views(raw: &[u8], reading: &Reading, telling: bool) -> (Example, Words) {
    let mut writer = Writer::new(LAYOUT.len());
    if telling {
        writer = writer.telling();
    }
    writer.grams(RAW, "bytes", &raw[..raw.len().min(limits::VIEW_RAW_BYTES)], 4);
    canon::write(raw, reading, &mut writer);
    text::write(reading, &mut writer);
    urls::write(reading, &mut writer);
    shape::write(reading, &mut writer);
    trace::write(reading, &mut writer);
    writer.finish()
}

/// Whether a header was put there by a list server or the collecting mailbox rather than by the sender.
fn is_mailbox_header(name: &str) -> bool {
    const NAMES: [&str; 8] = [
        "precedence",
        "sender",
        "errors-to",
        "x-beenthere",
        "x-original-date",
        "x-loop",
        "delivered-to",
        "return-path",
    ];
    const BEGINNINGS: [&str; 5] = ["list-", "x-list", "x-mailman", "resent-", "x-mailing"];
    let begins = |with: &&str| {
        name.as_bytes().get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with.as_bytes()))
    };
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known)) || BEGINNINGS.iter().any(begins)
}

/// A subject without the tags that list servers put before it.
fn bare_subject(subject: &str) -> &str {
    subject.rsplit_once(']').map_or(subject, |(_, rest)| rest).trim()
}

/// How a text is written: letters and digits by their class, runs of them as one, everything else as it is.
fn pattern(text: &str) -> String {
    let mut out = String::new();
    let mut last = ' ';
    let mut run = 0;
    for char in text.chars().take(limits::VIEW_PATTERN_CHARS) {
        let class = match char {
            '0'..='9' => '9',
            'a'..='z' => 'a',
            'A'..='Z' => 'A',
            _ if char.is_alphabetic() => 'u',
            _ if char.is_whitespace() => ' ',
            _ => char,
        };
        run = if class == last && class.is_alphanumeric() { run + 1 } else { 1 };
        match run {
            1 => out.push(class),
            2 => out.push('+'),
            _ => {}
        }
        last = class;
    }
    out
}

/// A text with its digits made alike.
fn undigited(text: &str, chars: usize) -> String {
    text.chars().take(chars).map(|char| if char.is_ascii_digit() { '9' } else { char }).collect()
}

/// How large a number is: the number of its binary digits.
fn magnitude(number: usize) -> u8 {
    (usize::BITS - number.leading_zeros()) as u8
}

#[cfg(test)]
mod tests;
