// SPDX-License-Identifier: Apache-2.0
//! How a message was handed on: the `Received` headers, as the words that servers write around names and numbers.
//!
//! Names and addresses are made alike: which servers stand before a mailbox tells the mailbox. What is kept of a client is how
//! it is called (a name, an address, a name made of numbers as networks of households have), and the order of things, by
//! which programs are known.

use wardroom_model::Writer;

use super::{TRACE, pattern};
use crate::limits;
use crate::read::Reading;

/// Writes the view; a message without any has none of it.
pub(super) fn write(reading: &Reading, writer: &mut Writer) {
    let hops: Vec<_> = reading.headers_named("received").take(limits::VIEW_HOPS).collect();
    if hops.is_empty() {
        return;
    }
    writer.token(TRACE, "hops", hops.len().min(9).to_string().as_bytes());
    let mut line = String::new();
    for (at, hop) in hops.iter().enumerate() {
        line.clear();
        canonical(&hop.value, &mut line);
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        for size in [2, 3] {
            for some in words.windows(size) {
                writer.token(TRACE, "words", some.join(" ").as_bytes());
            }
        }
        if at + 1 == hops.len() {
            writer.token(TRACE, "first", line.as_bytes());
            for some in words.windows(3) {
                writer.token(TRACE, "first words", some.join(" ").as_bytes());
            }
        }
        let date = hop.value.rsplit_once(';').map_or("", |(_, date)| date);
        writer.token(TRACE, "date pattern", pattern(date).as_bytes());
    }
}

/// The value of a `Received` header without its date, names and numbers made alike.
pub(super) fn canonical(value: &str, out: &mut String) {
    let value = value.split(';').next().unwrap_or_default();
    for word in value.split_whitespace().take(limits::VIEW_HOP_WORDS) {
        let is_edge = |char: char| matches!(char, '(' | ')' | '[' | ']' | '<' | '>' | ',');
        let begin = word.len() - word.trim_start_matches(is_edge).len();
        out.push_str(&word[..begin]);
        let core = word.trim_matches(is_edge);
        match class(core) {
            Some(class) => out.push_str(class),
            None if core.bytes().any(|byte| byte.is_ascii_digit()) => out.push_str(&pattern(core)),
            None => {
                out.extend(core.chars().take(limits::VIEW_WORD_CHARS).map(|char| char.to_ascii_lowercase()))
            }
        }
        out.push(' ');
    }
}

/// What a word is, where that is all that is kept of it.
fn class(word: &str) -> Option<&'static str> {
    if word.contains('@') {
        return Some("ADDRESS");
    }
    if word.parse::<std::net::IpAddr>().is_ok() {
        return Some("IP");
    }
    let is_host = word.contains('.')
        && word.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'='))
        && word.bytes().any(|byte| byte.is_ascii_alphabetic());
    // A name with an address in it, as networks of households have.
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    is_host.then_some(if digits >= 6 { "NUMBERED" } else { "HOST" })
}
