// SPDX-License-Identifier: Apache-2.0
//! Looking for a value in bytes of which nothing is known: the second look, which shares no search with the first.
//!
//! Each form is written out in every encoding in which bytes of a file could have it: as it is, escaped for a URL or for
//! JSON, in UTF-16, as hexadecimal digits, in Base64 at each of its three alignments. A hit within a longer word is told from
//! one that stands alone by the bytes beside it.

use super::subject::Subject;
use regex::bytes::{Regex, RegexBuilder};
use std::fmt::Write as _;
use wardroom_event::Value;

/// Fewest characters of Base64 that say something: shorter ones are everywhere.
const BASE64_SHORTEST: usize = 8;
/// Fewest digits of hexadecimal that do.
const HEX_SHORTEST: usize = 12;
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Finds a value in bytes, in whatever encoding.
#[derive(Debug)]
pub struct Grep {
    regex: Regex,
    /// Encodings that have no words: what stands beside a hit says nothing.
    coded: Option<Regex>,
    /// Lengths that a value on its own has, which in a record stand before it as one byte.
    lens: Vec<u8>,
}

/// What bytes hold of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// As a word, or as bytes of which nothing says that they are another's.
    pub alone: u64,
    /// As part of a longer word.
    pub within: u64,
}

impl Hits {
    /// Adds what was met elsewhere.
    pub fn add(&mut self, other: Hits) {
        self.alone += other.alone;
        self.within += other.within;
    }

    /// All of them.
    pub fn all(self) -> u64 {
        self.alone + self.within
    }
}

impl Grep {
    /// Of a subject.
    ///
    /// # Errors
    /// Where the value makes no search that could be run.
    pub fn new(subject: &Subject) -> Result<Grep, String> {
        let forms = subject.forms();
        let flag = if subject.any_case() { "(?i-u)" } else { "(?-u)" };
        let regex = any_of(forms.iter().flat_map(|form| encodings(form)).collect(), flag)?;
        let mut codes: Vec<Vec<u8>> = forms.iter().flat_map(|form| codes(form)).collect();
        if let Value::Ip(std::net::IpAddr::V6(ip)) = subject.value() {
            codes.push(ip.octets().to_vec());
        }
        let coded = if codes.is_empty() { None } else { Some(any_of(codes, "(?-u)")?) };
        let lens = forms.iter().filter_map(|form| u8::try_from(form.len()).ok()).collect();
        Ok(Grep { regex, coded, lens })
    }

    /// What these bytes hold.
    pub fn hits(&self, bytes: &[u8]) -> Hits {
        let coded = self.coded.as_ref().map_or(0, |coded| coded.find_iter(bytes).count());
        let mut hits = Hits { alone: coded as u64, within: 0 };
        for found in self.regex.find_iter(bytes) {
            let before = found.start().checked_sub(1).map(|at| bytes[at]);
            let after = bytes.get(found.end()).copied();
            let is_length = before.is_some_and(|byte| self.lens.contains(&byte));
            let goes_on = |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
            match (goes_on(before) && !is_length) || goes_on(after) {
                true => hits.within += 1,
                false => hits.alone += 1,
            }
        }
        hits
    }
}

/// A search for any of these.
fn any_of(mut needles: Vec<Vec<u8>>, flag: &str) -> Result<Regex, String> {
    needles.sort();
    needles.dedup();
    let escaped: Vec<String> = needles.iter().map(|needle| literal(needle)).collect();
    let source = format!("{flag}(?:{})", escaped.join("|"));
    RegexBuilder::new(&source).size_limit(16 << 20).build().map_err(|e| e.to_string())
}

/// Bytes as a pattern that finds them and nothing else.
fn literal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "\\x{byte:02x}");
        out
    })
}

fn encodings(form: &str) -> Vec<Vec<u8>> {
    let bytes = form.as_bytes();
    let escaped = |upper: bool| -> Vec<u8> {
        let mut out = String::new();
        for byte in bytes {
            let _ = match (byte.is_ascii_alphanumeric(), upper) {
                (true, _) => write!(out, "{}", char::from(*byte)),
                (false, true) => write!(out, "%{byte:02X}"),
                (false, false) => write!(out, "%{byte:02x}"),
            };
        }
        out.into_bytes()
    };
    let json = |upper: bool| -> Vec<u8> {
        let mut out = String::new();
        for unit in form.encode_utf16() {
            let _ = match (unit < 0x80, upper) {
                (true, _) => write!(out, "{}", char::from(unit as u8)),
                (false, true) => write!(out, "\\u{unit:04X}"),
                (false, false) => write!(out, "\\u{unit:04x}"),
            };
        }
        out.into_bytes()
    };
    let wide: Vec<u8> = form.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut all = vec![bytes.to_vec(), escaped(true), escaped(false), json(true), json(false), wide];
    // An address has parts that are kept as they are.
    if let Some((local, domain)) = form.rsplit_once('@') {
        all.extend(
            [format!("{local}%40{domain}"), format!("{local}\\u0040{domain}")].map(String::into_bytes),
        );
    }
    all
}

/// A text as digits of hexadecimal and of Base64.
fn codes(form: &str) -> Vec<Vec<u8>> {
    let bytes = form.as_bytes();
    let mut all = Vec::new();
    let hex = |upper: bool| -> String {
        bytes.iter().map(|b| if upper { format!("{b:02X}") } else { format!("{b:02x}") }).collect()
    };
    if 2 * bytes.len() >= HEX_SHORTEST {
        all.extend([hex(true), hex(false)].map(String::into_bytes));
    }
    all.extend((0..3).map(|shift| base64(bytes, shift)).filter(|found| found.len() >= BASE64_SHORTEST));
    all
}

/// The characters of Base64 that these bytes alone decide, where `shift` bytes stand before them in their group of three.
fn base64(bytes: &[u8], shift: usize) -> Vec<u8> {
    let bits = |n: usize| bytes.get(n / 8).map(|byte| byte >> (7 - n % 8) & 1);
    // The first whole character begins at a multiple of six bits of the whole.
    let first = (6 - (8 * shift) % 6) % 6;
    let mut out = Vec::new();
    let mut at = first;
    while let Some(six) = (at..at + 6).try_fold(0u8, |six, n| Some(six << 1 | bits(n)?)) {
        out.push(BASE64[usize::from(six)]);
        at += 6;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_in_every_encoding() {
        let check = |subject: &str, bytes: &[u8], alone: u64, within: u64| {
            let grep = Grep::new(&Subject::parse(subject).unwrap()).unwrap();
            assert_eq!(grep.hits(bytes), Hits { alone, within }, "{subject} {bytes:?}");
        };
        let mail = "email:zoe.k@example.org";
        check(mail, b"\x05x\x11zoe.k@example.org\x00", 1, 0);
        check(
            mail,
            b"zoe%2Ek%40example%2Eorg zoe%2ek%40example%2eorg ZOE.K@example.org zoe.k%40example.org",
            4,
            0,
        );
        check(mail, b"xzoe.k@example.org zoe.k@example.orgs", 0, 2);
        check(mail, b"zoeXk@example.org", 0, 0);
        check(mail, b"7A6F652E6B406578616D706C652E6F7267", 1, 0);
        // Three alignments, by another program: base64 of "zoe.k@example.org", of "1" and of "12" before it.
        check(mail, b"em9lLmtAZXhhbXBsZS5vcmc=", 1, 0);
        check(mail, b"MXpvZS5rQGV4YW1wbGUub3Jn", 1, 0);
        check(mail, b"MTJ6b2Uua0BleGFtcGxlLm9yZw==", 1, 0);
        let wide: Vec<u8> = "zoe.k@example.org".encode_utf16().flat_map(u16::to_le_bytes).collect();
        check(mail, &wide, 1, 0);
        check("account:zo\u{eb}", "zo\\u00eb zo\\u00EB zo%C3%AB zo\u{eb}".as_bytes(), 4, 0);
        check("account:alice", b"Alice malice alice", 1, 1);
        check("ip:2001:db8::7", b"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07", 1, 0);
        // A text of 97 bytes has an `a` before it, and is no longer word for that.
        let long = "b".repeat(97);
        check(&format!("account:{long}"), format!("a{long}").as_bytes(), 1, 0);
    }
}
