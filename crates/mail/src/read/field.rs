// SPDX-License-Identifier: Apache-2.0
//! Fields of MIME: a value with parameters (RFC 2045, 2183), some of them in pieces or in another charset (RFC 2231).
//!
//! Where a parameter comes twice the first counts. Names of files that are written as encoded words, which no standard
//! allows and every program reads, are decoded.

use std::borrow::Cow;

use super::charset;
use super::header::{Field, unfold};
use super::oddity::Oddity;
use super::reading::{Encoding, Part, PartKind};
use super::words;
use crate::kind::Set;
use crate::limits;

/// What the walk of the parts needs to know of a part's type.
pub(super) struct ContentType {
    pub boundary: Option<String>,
}

/// Reads what the fields of a part say of it.
pub(super) fn describe(
    raw: &[u8],
    fields: &[Field],
    digest: bool,
    part: &mut Part,
    odd: &mut Set<Oddity>,
) -> ContentType {
    let mut content = ContentType { boundary: None };
    let (mut types, mut encodings, mut named) = (0, 0, None);
    for field in fields {
        let name = &raw[field.name.clone()];
        if name.len() < 8 || !name[..8].eq_ignore_ascii_case(b"content-") {
            continue;
        }
        let value = unfold(&raw[field.value.clone()], limits::HEADER_VALUE_BYTES, odd);
        match name[8..].to_ascii_lowercase().as_slice() {
            b"type" => {
                types += 1;
                if types == 1 {
                    named = read_type(&value, part, &mut content, odd);
                }
            }
            b"transfer-encoding" => {
                encodings += 1;
                if encodings == 1 {
                    (part.encoding, part.eight_bit) = encoding(&value, odd);
                }
            }
            b"disposition" => {
                let value = Value::read(&value);
                part.attached = value.first.eq_ignore_ascii_case("attachment");
                part.name = value.text("filename", odd).or(part.name.take());
            }
            b"id" if part.content_id.is_none() => {
                let id = String::from_utf8_lossy(&value);
                part.content_id = Some(cut(id.trim_matches(['<', '>', ' ']), limits::NAME_BYTES).to_owned());
            }
            _ => {}
        }
    }
    odd.insert_if(types > 1, Oddity::TypeDuplicate);
    part.name = part.name.take().or(named);
    if types == 0 && digest {
        part.declared = "message/rfc822".to_owned();
    }
    part.kind = kind(&part.declared);
    content
}

/// Reads a `Content-Type`; the name it gives the part comes back.
fn read_type(
    value: &[u8],
    part: &mut Part,
    content: &mut ContentType,
    odd: &mut Set<Oddity>,
) -> Option<String> {
    let value = Value::read(value);
    let declared = value.first.to_ascii_lowercase();
    let sound = declared.split_once('/').is_some_and(|(left, right)| !left.is_empty() && !right.is_empty());
    odd.insert_if(!sound || declared.contains(char::is_whitespace), Oddity::TypeInvalid);
    part.declared = cut(&declared, limits::NAME_BYTES).to_owned();
    part.charset = value
        .text("charset", odd)
        .map(|charset| charset.trim_matches(['"', '\'', ' ']).to_ascii_lowercase())
        .filter(|charset| !charset.is_empty());
    content.boundary = value.raw("boundary").map(Cow::into_owned);
    value.text("name", odd)
}

/// How a body is written, and whether it may have bytes beyond ASCII.
fn encoding(value: &[u8], odd: &mut Set<Oddity>) -> (Encoding, bool) {
    let value = value.split(|&b| b == b';' || b == b'(').next().unwrap_or_default().trim_ascii();
    match value.to_ascii_lowercase().as_slice() {
        b"base64" => (Encoding::Base64, true),
        b"quoted-printable" => (Encoding::QuotedPrintable, true),
        b"x-uuencode" | b"uuencode" | b"x-uue" | b"uue" => (Encoding::Uuencode, true),
        b"8bit" | b"8-bit" | b"binary" => (Encoding::Identity, true),
        b"7bit" | b"7-bit" | b"" => (Encoding::Identity, false),
        _ => {
            odd.insert(Oddity::EncodingUnknown);
            (Encoding::Identity, true)
        }
    }
}

/// What a part of a type is for.
fn kind(declared: &str) -> PartKind {
    match declared.split_once('/').unwrap_or((declared, "")) {
        ("multipart", _) => PartKind::Multipart,
        ("text", "html") | ("application", "xhtml+xml") => PartKind::Html,
        ("text" | "", _) => PartKind::Text,
        ("message", "rfc822" | "global" | "news") => PartKind::Message,
        ("message", "delivery-status" | "disposition-notification" | "feedback-report") => PartKind::Text,
        ("image" | "audio" | "video", _) => PartKind::Media,
        _ => PartKind::Other,
    }
}

/// A value with its parameters.
struct Value {
    first: String,
    /// Names in lower case, as written otherwise (`filename*1*`).
    params: Vec<(String, Vec<u8>)>,
}

impl Value {
    fn read(bytes: &[u8]) -> Self {
        let mut pieces = Pieces { rest: bytes };
        let first = String::from_utf8_lossy(&pieces.next().unwrap_or_default()).trim().to_owned();
        let mut params = Vec::new();
        while let Some(piece) = pieces.next() {
            let Some(at) = piece.iter().position(|&b| b == b'=') else { continue };
            let name = String::from_utf8_lossy(&piece[..at]).trim().to_ascii_lowercase();
            params.push((name, piece[at + 1..].trim_ascii().to_vec()));
        }
        Self { first, params }
    }

    fn get(&self, name: &str) -> Option<&[u8]> {
        self.params.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_slice())
    }

    /// A parameter as it is written.
    fn raw(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name)
            .map(String::from_utf8_lossy)
            .or_else(|| self.pieces(name, &mut Set::new()).map(Cow::Owned))
    }

    /// A parameter as it is meant.
    fn text(&self, name: &str, odd: &mut Set<Oddity>) -> Option<String> {
        let text = match self.pieces(name, odd) {
            Some(text) => text,
            None => words::text(self.get(name)?, odd),
        };
        Some(cut(&text, limits::NAME_BYTES).to_owned())
    }

    /// A parameter in pieces or with a charset (RFC 2231).
    fn pieces(&self, name: &str, odd: &mut Set<Oddity>) -> Option<String> {
        let mut found: Vec<(u32, bool, &[u8])> = Vec::new();
        for (have, value) in &self.params {
            let Some(rest) = have.strip_prefix(name).and_then(|rest| rest.strip_prefix('*')) else {
                continue;
            };
            let (number, encoded) = match rest.strip_suffix('*') {
                Some(number) => (number, true),
                None if rest.is_empty() => ("0", true),
                None => (rest, false),
            };
            let Ok(number) = number.parse() else { continue };
            found.push((number, encoded, value));
        }
        if found.is_empty() {
            return None;
        }
        found.sort_by_key(|&(number, ..)| number);
        let mut charset = None;
        let mut bytes = Vec::new();
        for (at, &(_, encoded, value)) in found.iter().enumerate() {
            let mut value = value;
            if at == 0 && encoded {
                let mut split = value.splitn(3, |&b| b == b'\'');
                if let (Some(first), Some(_), Some(rest)) = (split.next(), split.next(), split.next()) {
                    charset = Some(String::from_utf8_lossy(first).to_ascii_lowercase());
                    value = rest;
                }
            }
            if encoded { percent(value, &mut bytes) } else { bytes.extend_from_slice(value) }
        }
        let charset = charset.filter(|charset| !charset.is_empty());
        Some(charset::decode(&bytes, charset.as_deref().or(Some("utf-8")), odd).into_owned())
    }
}

/// What semicolons part, quotes taken off and comments left out.
struct Pieces<'a> {
    rest: &'a [u8],
}

impl Pieces<'_> {
    fn next(&mut self) -> Option<Vec<u8>> {
        if self.rest.is_empty() {
            return None;
        }
        let mut piece = Vec::new();
        let (mut quoted, mut comment) = (false, 0_usize);
        let mut bytes = self.rest.iter().enumerate();
        let mut end = self.rest.len();
        while let Some((at, &byte)) = bytes.next() {
            match byte {
                b'\\' if quoted => piece.extend(bytes.next().map(|(_, &byte)| byte)),
                b'"' if comment == 0 => quoted = !quoted,
                _ if quoted => piece.push(byte),
                b'(' => comment += 1,
                b')' if comment > 0 => comment -= 1,
                _ if comment > 0 => {}
                b';' => {
                    end = at + 1;
                    break;
                }
                _ => piece.push(byte),
            }
        }
        self.rest = &self.rest[end..];
        Some(piece)
    }
}

/// Takes `%41` for `A`.
fn percent(value: &[u8], out: &mut Vec<u8>) {
    let mut rest = value;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'%', [high, low, tail @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    rest = tail;
                }
                _ => out.push(b'%'),
            },
            _ => out.push(*first),
        }
    }
}

/// The value of a digit of base sixteen.
pub(super) fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// The beginning of a text, of at most so many bytes and whole characters.
pub(super) fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}
