// SPDX-License-Identifier: Apache-2.0
//! Bytes to text by the charset that is named, and by what the bytes are where that cannot be.
//!
//! UTF-8 is hard to write by chance: bytes beyond ASCII that are valid UTF-8 are taken for it, whatever a single-byte
//! charset's name says. Bytes that are no UTF-8 under its name are taken for Windows-1252 unless most of them are.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16LE, WINDOWS_1252};
use mail_parser::decoders::charsets::map::charset_decoder;
use memchr::memchr;

use super::oddity::Oddity;
use crate::kind::Set;

/// Whether anybody knows a charset of that name.
pub(super) fn is_known(label: &str) -> bool {
    Encoding::for_label(label.as_bytes()).is_some() || charset_decoder(label.as_bytes()).is_some()
}

/// The text of bytes that are said to be in a charset.
pub(super) fn decode<'a>(bytes: &'a [u8], label: Option<&str>, odd: &mut Set<Oddity>) -> Cow<'a, str> {
    let named = label.and_then(|label| Encoding::for_label(label.as_bytes()));
    let shifts = memchr(0x1b, bytes).is_some()
        || matches!(label, Some("utf-7" | "utf7" | "unicode-1-1-utf-7" | "hz-gb-2312"));
    if bytes.is_ascii() && !shifts && named.is_none_or(Encoding::is_ascii_compatible) {
        odd.insert_if(label.is_some_and(|label| !is_known(label)), Oddity::CharsetUnknown);
        return String::from_utf8_lossy(bytes);
    }
    match (named, label) {
        (Some(encoding), Some(label)) => by_name(bytes, encoding, label, odd),
        (_, Some(label)) => by_other_name(bytes, label, odd),
        (_, None) => {
            odd.insert_if(!bytes.is_ascii(), Oddity::CharsetMissing);
            by_bytes(bytes)
        }
    }
}

/// A charset that the web knows.
fn by_name<'a>(
    bytes: &'a [u8],
    encoding: &'static Encoding,
    label: &str,
    odd: &mut Set<Oddity>,
) -> Cow<'a, str> {
    let single = encoding.is_single_byte();
    let ascii = label.contains("ascii");
    if (single || encoding == UTF_8) && !bytes.is_ascii() {
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                odd.insert_if(encoding != UTF_8, Oddity::CharsetWrong);
                return Cow::Borrowed(text.trim_start_matches('\u{feff}'));
            }
            Err(_) if encoding == UTF_8 => {
                odd.insert(Oddity::CharsetWrong);
                return mostly_utf8(bytes);
            }
            Err(_) => odd.insert_if(ascii, Oddity::CharsetWrong),
        }
    }
    let (text, _, wrong) = encoding.decode(bytes);
    odd.insert_if(wrong, Oddity::CharsetWrong);
    text
}

/// A charset of old that the web has forgotten, or one that nobody knows.
fn by_other_name<'a>(bytes: &'a [u8], label: &str, odd: &mut Set<Oddity>) -> Cow<'a, str> {
    match charset_decoder(label.as_bytes()) {
        Some(decoder) => {
            odd.insert_if(label.contains("utf-7") || label == "utf7", Oddity::CharsetUtf7);
            Cow::Owned(decoder(bytes))
        }
        None => {
            odd.insert(Oddity::CharsetUnknown);
            by_bytes(bytes)
        }
    }
}

/// By what the bytes are.
fn by_bytes(bytes: &[u8]) -> Cow<'_, str> {
    if bytes.starts_with(b"\xff\xfe") {
        return UTF_16LE.decode(bytes).0;
    }
    if bytes.windows(3).any(|three| three == b"\x1b$B" || three == b"\x1b$@") {
        return encoding_rs::ISO_2022_JP.decode(bytes).0;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text.trim_start_matches('\u{feff}')),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// UTF-8 with faults, or Windows-1252 under its name.
fn mostly_utf8(bytes: &[u8]) -> Cow<'_, str> {
    let sound: usize =
        bytes.utf8_chunks().map(|chunk| chunk.valid().bytes().filter(|b| !b.is_ascii()).count()).sum();
    let beyond = bytes.iter().filter(|b| !b.is_ascii()).count();
    if sound * 2 >= beyond {
        String::from_utf8_lossy(bytes)
    } else {
        WINDOWS_1252.decode_without_bom_handling(bytes).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind as _;

    fn check(bytes: &[u8], label: Option<&str>, expect: &str, odd: &str) {
        let mut seen = Set::new();
        let got = decode(bytes, label, &mut seen).into_owned();
        let names: Vec<_> = seen.iter().map(Oddity::name).collect();
        assert_eq!((got.as_str(), names.join(" ").as_str()), (expect, odd), "{label:?}");
    }

    #[test]
    fn named_charsets_are_believed_where_they_can_be() {
        check(b"abc", None, "abc", "");
        check(b"abc", Some("x-no-such"), "abc", "charset_unknown");
        check(b"\xe9", Some("iso-8859-1"), "é", "");
        check(b"\xf0\xd2\xc9\xd7\xc5\xd4", Some("koi8-r"), "Привет", "");
        check(b"\xc4\xe3\xba\xc3", Some("gb2312"), "你好", "");
        check(b"\x1b$BF|K\\\x1b(B", Some("iso-2022-jp"), "日本", "");
        check(b"h\0i\0", Some("utf-16le"), "hi", "");
        check(b"+AOk-", Some("utf-7"), "é", "charset_utf7");
        check(b"\x82", Some("ibm850"), "é", "");
    }

    #[test]
    fn bytes_are_believed_more_than_names() {
        check(b"\xc3\xa9", None, "é", "charset_missing");
        check(b"\xe9", None, "é", "charset_missing");
        check(b"\xc3\xa9", Some("iso-8859-1"), "é", "charset_wrong");
        check(b"\xc3\xa9", Some("us-ascii"), "é", "charset_wrong");
        check(b"\xe9", Some("us-ascii"), "é", "charset_wrong");
        check(b"\xe9t\xe9", Some("utf-8"), "été", "charset_wrong");
        check(b"\xc3\xa9\xc3\xa9\xff", Some("utf-8"), "éé\u{fffd}", "charset_wrong");
        check(b"\x1b$BF|K\\\x1b(B", None, "日本", "");
        check(b"\xef\xbb\xbfa\xc3\xa9", Some("utf-8"), "aé", "");
    }
}
