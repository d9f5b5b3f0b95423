// SPDX-License-Identifier: Apache-2.0
//! Where a text holds a value: as a word of its own, in any of the forms in which one gets into a text.
//!
//! `alice` is in `hello alice,` and in `?user=alice`, not in `malice`, and not in `alice@example.org` or `alice-b`: those
//! are other names, and to put something in their place would be to merge somebody else with nobody. So a neighbour that
//! goes on with a word stops a match, and so does one of `. - @ +` that goes on with a word behind it.

use regex::{Regex, RegexBuilder};
use std::fmt::Write as _;
use std::ops::Range;

/// Largest program of one search, in bytes: a value is at most 320 bytes long, each with its escaped forms.
const PROGRAM_BYTES: usize = 8 << 20;

/// Finds one value in texts.
#[derive(Debug)]
pub(crate) struct Words {
    regex: Regex,
    /// Whether `:` goes on with a word too, as in an address of IPv6.
    colons: bool,
}

/// What was found in a text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where it stands as a word.
    pub(crate) words: Vec<Range<usize>>,
    /// How often it is part of a longer word.
    pub(crate) within: usize,
}

impl Words {
    /// Of a value in these forms. `any_case` says that letters in another case are the same value.
    pub(crate) fn new(forms: &[String], any_case: bool) -> Result<Words, regex::Error> {
        let pattern = pattern(forms);
        let regex =
            RegexBuilder::new(&pattern).case_insensitive(any_case).size_limit(PROGRAM_BYTES).build()?;
        Ok(Words { regex, colons: forms.iter().any(|form| form.matches(':').count() > 1) })
    }

    pub(crate) fn find(&self, text: &str) -> Found {
        self.find_as(text, true)
    }

    /// As [`Words::find`]; also what stands beside one of `. - @ +` with a word behind it.
    pub(crate) fn find_within_ids(&self, text: &str) -> Found {
        self.find_as(text, false)
    }

    fn find_as(&self, text: &str, joined: bool) -> Found {
        let (mut found, mut from) = (Found::default(), 0);
        while let Some(at) = self.regex.find_at(text, from) {
            if self.is_word(text, at.range(), joined) {
                found.words.push(at.range());
                from = at.end();
            } else {
                found.within += 1;
                from = at.start() + text[at.start()..].chars().next().map_or(1, char::len_utf8);
            }
            if from >= text.len() {
                break;
            }
        }
        found
    }

    fn is_word(&self, text: &str, at: Range<usize>, joined: bool) -> bool {
        let before = unescaped_back(&text[..at.start]);
        let after = text[at.end..].chars();
        !self.goes_on(before, joined) && !self.goes_on(after, joined)
    }

    /// Whether these characters, the nearest first, go on with a word; `joined` where some of them join two words to one.
    fn goes_on(&self, mut outwards: impl Iterator<Item = char>, joined: bool) -> bool {
        let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
        match outwards.next() {
            Some(c) if is_of_word(c) => true,
            Some(c) if (joined && ".-@+".contains(c)) || (self.colons && c == ':') => {
                outwards.next().is_some_and(is_of_word)
            }
            _ => false,
        }
    }
}

/// The characters of a text from its end, an escaped byte (`%3D`) as what it stands for.
fn unescaped_back(text: &str) -> impl Iterator<Item = char> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let bytes = rest.as_bytes();
        if let [.., b'%', high, low] = bytes
            && let (Some(high), Some(low)) = (char::from(*high).to_digit(16), char::from(*low).to_digit(16))
        {
            rest = &rest[..rest.len() - 3];
            return char::from_u32(high * 16 + low);
        }
        let last = rest.chars().next_back()?;
        rest = &rest[..rest.len() - last.len_utf8()];
        Some(last)
    })
}

/// Each form, every character as it is, escaped for a URL, or escaped for JSON.
pub(crate) fn pattern(forms: &[String]) -> String {
    let mut out = String::from("(?:");
    for (i, form) in forms.iter().enumerate() {
        out.push_str(if i > 0 { "|" } else { "" });
        form.chars().for_each(|c| character(&mut out, c));
    }
    out.push(')');
    out
}

fn character(out: &mut String, c: char) {
    let mut plain = String::new();
    plain.push(c);
    let plain = regex::escape(&plain);
    if c.is_ascii_alphanumeric() {
        out.push_str(&plain);
        return;
    }
    let _ = write!(out, "(?:{plain}|");
    let mut bytes = [0; 4];
    for byte in c.encode_utf8(&mut bytes).bytes() {
        out.push('%');
        [byte >> 4, byte & 15].iter().for_each(|digit| any_case(out, *digit));
    }
    if !c.is_ascii() || c == '"' || c == '\\' {
        out.push('|');
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            out.push_str("\\\\u");
            (0..4).rev().for_each(|n| any_case(out, (*unit >> (4 * n)) as u8 & 15));
        }
    }
    out.push(')');
}

/// A hexadecimal digit, in either case.
fn any_case(out: &mut String, digit: u8) {
    let digit = char::from_digit(digit.into(), 16).unwrap_or('0');
    let _ = match digit.is_ascii_digit() {
        true => write!(out, "{digit}"),
        false => write!(out, "[{digit}{}]", digit.to_ascii_uppercase()),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_as_a_word_and_not_in_another() {
        let check = |forms: &[&str], any_case: bool, text: &str, words: &[&str], within: usize| {
            let forms: Vec<String> = forms.iter().map(|form| (*form).to_owned()).collect();
            let found = Words::new(&forms, any_case).unwrap().find(text);
            let shown: Vec<&str> = found.words.iter().map(|at| &text[at.clone()]).collect();
            assert_eq!((&shown[..], found.within), (words, within), "{text}");
        };
        let alice = &["alice"][..];
        check(alice, false, "alice", &["alice"], 0);
        check(alice, false, "hello alice, and (alice). alice.", &["alice"; 3], 0);
        check(alice, false, "malice alices alice_b alice1 éalice", &[], 5);
        check(alice, false, "Alice", &[], 0);
        check(alice, false, "alice@example.org x@alice alice-b a.alice alice+tag", &[], 5);
        check(alice, false, "?user=alice&x=%3Dalice%20", &["alice"; 2], 0);
        check(alice, false, "%61alice", &[], 1);
        check(alice, false, "alicealice alice", &["alice"], 2);
        let ids =
            Words::new(&["alice".to_owned()], false).unwrap().find_within_ids("alice-3 x.alice@b malice-3");
        assert_eq!((ids.words.len(), ids.within), (2, 1));
        let mail = &["a.b@example.org"][..];
        check(
            mail,
            true,
            "to <A.B@Example.org>; a.b%40example.org",
            &["A.B@Example.org", "a.b%40example.org"],
            0,
        );
        check(mail, true, "xa.b@example.org x.a.b@example.org a.b@example.org.uk", &[], 3);
        check(mail, true, "axb@example.org", &[], 0);
        check(
            &["zoë\"x"],
            false,
            "zo\\u00EB\\u0022x zo%c3%ABx zoë%22x",
            &["zo\\u00EB\\u0022x", "zoë%22x"],
            0,
        );
        let six = &["2001:db8::7", "2001:0db8:0000:0000:0000:0000:0000:0007"][..];
        check(six, true, "[2001:DB8::7]:443", &["2001:DB8::7"], 0);
        check(six, true, "2001:db8::7:1 12001:db8::7", &[], 2);
        let four = &["203.0.113.7"][..];
        check(four, true, "203.0.113.7:443 ::ffff:203.0.113.7", &["203.0.113.7"; 2], 0);
        check(four, true, "203.0.113.70 1203.0.113.7 203.0.113.7.4", &[], 3);
    }
}
