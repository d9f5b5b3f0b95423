// SPDX-License-Identifier: Apache-2.0
//! Encoded words of headers (RFC 2047), and what stands between them.
//!
//! Words that follow each other in one charset are decoded as one, so that a character that some program split across two
//! of them is still one. Raw bytes beyond ASCII are UTF-8 (RFC 6532), or else taken for Windows-1252, and noted.

use memchr::memmem;

use super::charset;
use super::decode;
use super::oddity::Oddity;
use crate::kind::Set;

/// The text of a value in one line.
pub(super) fn text(value: &[u8], odd: &mut Set<Oddity>) -> String {
    let mut out = Text { text: String::with_capacity(value.len()), pending: None, odd };
    let mut rest = value;
    while let Some(at) = memmem::find(rest, b"=?") {
        match word(&rest[at..]) {
            Some((word, length)) => {
                out.between(&rest[..at]);
                out.word(&word);
                rest = &rest[at + length..];
            }
            None => {
                let charset = rest[at + 2..].iter().take(64).position(|&b| b == b'?');
                out.odd.insert_if(charset.is_some_and(|length| length > 1), Oddity::WordBroken);
                out.between(&rest[..at]);
                out.plain(b"=?");
                rest = &rest[at + 2..];
            }
        }
    }
    out.between(rest);
    out.flush();
    out.text
}

/// How long the word is of which the first `=` is left out, if there is one.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let (_, length) = bytes.starts_with(b"?").then(|| word_behind(bytes))??;
    Some(length)
}

/// A word taken apart.
struct Word<'a> {
    charset: &'a [u8],
    base64: bool,
    data: &'a [u8],
}

/// The word at the beginning, and how long it is.
fn word(bytes: &[u8]) -> Option<(Word<'_>, usize)> {
    let (word, length) = word_behind(bytes.get(1..)?)?;
    Some((word, length + 1))
}

/// The word whose `=` stands before these bytes.
fn word_behind(bytes: &[u8]) -> Option<(Word<'_>, usize)> {
    // No charset has a name of more than 40 characters, with its language.
    let charset_end = 1 + bytes.get(1..)?.iter().take(64).position(|&b| b == b'?')?;
    let charset = &bytes[1..charset_end];
    let charset = charset.split(|&b| b == b'*').next().unwrap_or_default();
    if charset.is_empty() || !charset.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let base64 = match bytes.get(charset_end + 1)? {
        b'b' | b'B' => true,
        b'q' | b'Q' => false,
        _ => return None,
    };
    if bytes.get(charset_end + 2) != Some(&b'?') {
        return None;
    }
    let begin = charset_end + 3;
    // An `=` may be the last of the data: `?=` ends it at the first place where it can.
    let length = memmem::find(bytes.get(begin..)?, b"?=")?;
    Some((Word { charset, base64, data: &bytes[begin..begin + length] }, begin + length + 2))
}

/// What is decoded so far.
struct Text<'o> {
    text: String,
    /// Bytes of the words before, whose charset is known and whose last character may be incomplete.
    pending: Option<(Vec<u8>, String)>,
    odd: &'o mut Set<Oddity>,
}

impl Text<'_> {
    /// What stands before a word or behind the last. Blanks between two words are no part of the text.
    fn between(&mut self, bytes: &[u8]) {
        if self.pending.is_some() && bytes.trim_ascii().is_empty() {
            return;
        }
        self.flush();
        self.plain(bytes);
    }

    fn plain(&mut self, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                self.odd.insert_if(!text.is_ascii(), Oddity::HeaderEightBit);
                self.push(text);
            }
            Err(_) => {
                self.odd.insert(Oddity::HeaderEightBit);
                self.odd.insert(Oddity::HeaderNotUtf8);
                let text = encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0;
                self.push(&text);
            }
        }
    }

    fn word(&mut self, word: &Word<'_>) {
        let charset = String::from_utf8_lossy(word.charset).to_ascii_lowercase();
        let mut bytes = match self.pending.take() {
            Some((bytes, before)) if before == charset => {
                let split = std::str::from_utf8(&bytes).is_err_and(|err| err.error_len().is_none());
                self.odd.insert_if(split && charset.starts_with("utf"), Oddity::WordSplitCharacter);
                bytes
            }
            Some(other) => {
                self.pending = Some(other);
                self.flush();
                Vec::new()
            }
            None => Vec::new(),
        };
        let before = bytes.len();
        if word.base64 {
            let flaws = decode::base64(word.data, usize::MAX, &mut bytes).flaws;
            self.odd.insert_if(!flaws.is_empty(), Oddity::WordBroken);
        } else {
            quoted(word.data, &mut bytes, self.odd);
        }
        let bare = |b: &u8| b.is_ascii_alphanumeric() || *b == b' ';
        self.odd.insert_if(bytes.len() > before && bytes[before..].iter().all(bare), Oddity::WordNeedless);
        self.pending = Some((bytes, charset));
    }

    fn flush(&mut self) {
        let Some((bytes, charset)) = self.pending.take() else { return };
        if !charset::is_known(&charset) {
            self.odd.insert(Oddity::WordCharsetUnknown);
        }
        let text = charset::decode(&bytes, Some(&charset), self.odd).into_owned();
        self.push(&text);
    }

    /// Takes text in, without what would break the line.
    fn push(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) = rest.find(|c: char| c.is_control()) {
            self.text.push_str(&rest[..at]);
            let control = rest[at..].chars().next().unwrap_or(' ');
            if matches!(control, '\t' | '\r' | '\n') {
                self.text.push(' ');
            } else {
                self.odd.insert(Oddity::HeaderNul);
            }
            rest = &rest[at + control.len_utf8()..];
        }
        self.text.push_str(rest);
    }
}

/// The encoding `Q` of RFC 2047, 4.2.
fn quoted(data: &[u8], out: &mut Vec<u8>, odd: &mut Set<Oddity>) {
    let mut rest = data;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'_', _) => out.push(b' '),
            (b'=', [high, low, tail @ ..]) => match (super::field::hex(*high), super::field::hex(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    rest = tail;
                }
                _ => {
                    odd.insert(Oddity::WordBroken);
                    out.push(b'=');
                }
            },
            _ => out.push(*first),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind as _;

    fn check(value: &[u8], expect: &str, odd: &str) {
        let mut seen = Set::new();
        let got = text(value, &mut seen);
        let names: Vec<_> = seen.iter().map(Oddity::name).collect();
        assert_eq!((got.as_str(), names.join(" ").as_str()), (expect, odd), "{}", value.escape_ascii());
    }

    #[test]
    fn words_are_decoded() {
        check(b"plain", "plain", "");
        check(b"=?utf-8?Q?caf=C3=A9_au?= lait", "café au lait", "");
        check(b"=?UTF-8?B?w6k=?=", "é", "");
        check(b"a =?iso-8859-1?q?=E9?= =?iso-8859-1?q?=E8?= b", "a éè b", "");
        check(b"=?iso-8859-1*fr?q?=E9?=", "é", "");
        check(b"=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=", "日本", "");
        check(b"=?koi8-r?B?8NLJ18XU?=", "Привет", "");
        check(b"=?utf-8?Q?a b=C3=A9?=", "a bé", "");
    }

    #[test]
    fn broken_words_are_read_as_far_as_they_go() {
        check(b"=?utf-8?Q?=C3?= =?utf-8?Q?=A9?=", "é", "word_split_character");
        check(b"=?utf-8?B?w6?= =?utf-8?B?qQ==?=", "é", "word_broken word_split_character");
        check(b"=?utf-8?X?abc?=", "=?utf-8?X?abc?=", "word_broken");
        check(b"=?utf-8?Q?caf=C3=A9", "=?utf-8?Q?caf=C3=A9", "word_broken");
        check(b"=?utf-8?Q?100%=zz=C3=A9?=", "100%=zzé", "word_broken");
        check(b"=?no-such?Q?caf=C3=A9?=", "café", "word_charset_unknown charset_unknown");
        check(b"=?utf-8?Q?Hello?=", "Hello", "word_needless");
        check(b"caf\xc3\xa9", "café", "header_eight_bit");
        check(b"caf\xe9", "café", "header_eight_bit header_not_utf8");
        check(b"a\0b\tc", "ab c", "header_nul");
        check(b"=?utf-8?Q?a=0D=0ABcc:_x=C2=A9?=", "a  Bcc: x©", "");
    }
}
