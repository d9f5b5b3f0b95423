// SPDX-License-Identifier: Apache-2.0
//! HTML to tags, texts and comments, as browsers part them (WHATWG HTML, 13.2.5), without memory of its own.

use memchr::{memchr, memmem};

/// Most attributes of one tag that are looked at.
const ATTRIBUTES: usize = 64;
/// Longest name of a tag or attribute that means something.
const NAME_BYTES: usize = 24;

/// A name in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    bytes: [u8; NAME_BYTES],
    length: usize,
}

impl Name {
    fn new(name: &str) -> Self {
        let mut bytes = [0; NAME_BYTES];
        let length = name.len().min(NAME_BYTES);
        bytes[..length].copy_from_slice(&name.as_bytes()[..length]);
        bytes[..length].make_ascii_lowercase();
        Self { bytes, length }
    }

    /// The name; one that is cut within a character is none that means something.
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

/// A piece of a page.
#[derive(Debug)]
pub(super) enum Token<'a> {
    Text(&'a str),
    Open {
        name: Name,
        attributes: &'a str,
    },
    Close(Name),
    /// A comment, declaration or instruction: as long as that.
    Comment(usize),
}

/// Takes a page apart.
pub(super) struct Tokens<'a> {
    html: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(html: &'a str) -> Self {
        Self { html, at: 0 }
    }

    /// The text up to the end tag of that name, which is all that ends a script or style.
    pub(super) fn raw_text(&mut self, name: &str) -> &'a str {
        let rest = &self.html[self.at..];
        let mut from = 0;
        while let Some(found) = memmem::find(&rest.as_bytes()[from..], b"</") {
            let at = from + found;
            let behind = &rest.as_bytes()[at + 2..];
            let ends = behind.get(name.len()).is_none_or(|b| !b.is_ascii_alphanumeric());
            if behind.len() >= name.len()
                && behind[..name.len()].eq_ignore_ascii_case(name.as_bytes())
                && ends
            {
                self.at += at;
                return &rest[..at];
            }
            from = at + 2;
        }
        self.at = self.html.len();
        rest
    }

    fn open(&mut self, rest: &'a str) -> Token<'a> {
        let bytes = rest.as_bytes();
        let name_end = 1 + bytes[1..]
            .iter()
            .position(|&b| b.is_ascii_whitespace() || matches!(b, b'/' | b'>'))
            .unwrap_or(bytes.len() - 1);
        let end = tag_end(bytes, name_end);
        self.at += end;
        Token::Open {
            name: Name::new(&rest[1..name_end]),
            attributes: rest[name_end..end].strip_suffix('>').unwrap_or(&rest[name_end..end]),
        }
    }

    fn close(&mut self, rest: &'a str) -> Token<'a> {
        let end = memchr(b'>', rest.as_bytes()).map_or(rest.len(), |at| at + 1);
        self.at += end;
        let inner = rest[2..end].trim_end_matches('>');
        let name = inner.split(|c: char| c.is_ascii_whitespace() || c == '/').next().unwrap_or_default();
        Token::Close(Name::new(name))
    }

    fn comment(&mut self, rest: &'a str) -> Token<'a> {
        let bytes = rest.as_bytes();
        let end = if bytes.starts_with(b"<!--") {
            match bytes[4..] {
                [b'>', ..] => 5,
                [b'-', b'>', ..] => 6,
                _ => memmem::find(&bytes[4..], b"-->").map_or(bytes.len(), |at| at + 7),
            }
        } else {
            memchr(b'>', bytes).map_or(bytes.len(), |at| at + 1)
        };
        self.at += end;
        Token::Comment(end)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let rest = &self.html[self.at..];
        if rest.is_empty() {
            return None;
        }
        match rest.as_bytes() {
            [b'<', first, ..] if first.is_ascii_alphabetic() => Some(self.open(rest)),
            [b'<', b'/', first, ..] if first.is_ascii_alphabetic() => Some(self.close(rest)),
            [b'<', b'!' | b'?' | b'/', ..] => Some(self.comment(rest)),
            bytes => {
                // A `<` that begins nothing is text.
                let end = memchr(b'<', &bytes[1..]).map_or(rest.len(), |at| at + 1);
                self.at += end;
                Some(Token::Text(&rest[..end]))
            }
        }
    }
}

/// Where a tag ends: at the first `>` outside of quoted values.
fn tag_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    let mut value = false;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'>' => return at + 1,
            b'=' => value = true,
            b'"' | b'\'' if value => match memchr(byte, &bytes[at + 1..]) {
                Some(end) => {
                    at += end + 1;
                    value = false;
                }
                // Never closed: then it is no quote, or all of the rest would be a tag.
                None => value = false,
            },
            byte if !byte.is_ascii_whitespace() => value = false,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// The attributes of a tag: names in lower case, values as written.
pub(super) fn attributes(mut rest: &str) -> impl Iterator<Item = (Name, &str)> {
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '"' | '\''));
        if rest.is_empty() {
            return None;
        }
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '=' | '/');
        let end = rest[first..].find(ends).map_or(rest.len(), |at| at + first);
        let name = Name::new(&rest[..end]);
        rest = rest[end..].trim_ascii_start();
        let Some(behind) = rest.strip_prefix('=') else { return Some((name, "")) };
        let behind = behind.trim_ascii_start();
        let (value, left) = value(behind);
        rest = left;
        Some((name, value))
    })
    .take(ATTRIBUTES)
}

/// The value at the beginning, and what is left behind it.
fn value(text: &str) -> (&str, &str) {
    if let Some(quote @ (b'"' | b'\'')) = text.as_bytes().first()
        && let Some(end) = memchr(*quote, &text.as_bytes()[1..])
    {
        return (&text[1..=end], &text[end + 2..]);
    }
    let end = text.find(|c: char| c.is_ascii_whitespace()).unwrap_or(text.len());
    (&text[..end], &text[end..])
}
