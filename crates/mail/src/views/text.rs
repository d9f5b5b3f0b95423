// SPDX-License-Identifier: Apache-2.0
//! Words of subject and text, and characters in a row where words do not tell: other scripts, words that are broken up.

use wardroom_model::Writer;

use super::{CHARS, WORDS, bare_subject};
use crate::limits;
use crate::read::Reading;

/// Writes both views.
pub(super) fn write(reading: &Reading, writer: &mut Writer) {
    let subject = bare_subject(&reading.subject);
    let text = words(&reading.text, limits::VIEW_WORDS);
    let head = words(subject, limits::VIEW_WORDS);
    for word in text.iter().chain(&head) {
        writer.token(WORDS, "word", word.as_bytes());
    }
    for word in &head {
        writer.token(WORDS, "subject", word.as_bytes());
    }
    pairs(&text, "words", writer);
    pairs(&head, "subject words", writer);
    chars(subject, reading, writer);
}

fn pairs(words: &[String], kind: &str, writer: &mut Writer) {
    for pair in words.windows(2) {
        writer.token(WORDS, kind, format!("{} {}", pair[0], pair[1]).as_bytes());
    }
}

/// The words of a text in lower case; of a number only how long it is.
fn words(text: &str, most: usize) -> Vec<String> {
    let is_part = |char: char| char.is_alphanumeric() || matches!(char, '\'' | '$' | '!' | '%' | '-');
    let word = |word: &str| {
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            return format!("#{}", word.len().min(9));
        }
        word.chars().take(limits::VIEW_WORD_CHARS).flat_map(char::to_lowercase).collect()
    };
    text.split(|char: char| !is_part(char)).filter(|word| !word.is_empty()).take(most).map(word).collect()
}

/// Three and five bytes in a row of subject, sender and text, blanks as one and digits alike.
fn chars(subject: &str, reading: &Reading, writer: &mut Writer) {
    let mut line = String::new();
    let sender = reading.from.first();
    let head = [subject, sender.map_or("", |from| &from.name), sender.map_or("", |from| &from.address)];
    for part in head.into_iter().filter(|part| !part.is_empty()) {
        squeeze(part, &mut line);
        line.push('\n');
    }
    squeeze(&reading.text, &mut line);
    for size in [3, 5] {
        writer.grams(CHARS, if size == 3 { "three" } else { "five" }, line.as_bytes(), size);
    }
}

fn squeeze(text: &str, out: &mut String) {
    let mut blank = false;
    for char in text.chars().take(limits::VIEW_CHARS) {
        match char {
            _ if char.is_whitespace() => {
                if !blank {
                    out.push(' ');
                }
            }
            '0'..='9' => out.push('9'),
            _ => out.push(char),
        }
        blank = char.is_whitespace();
    }
}
