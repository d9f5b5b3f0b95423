// SPDX-License-Identifier: Apache-2.0
//! The escapes of Apache (`ap_escape_logitem`) and nginx (`log_format … escape=default`), undone.

use memchr::memchr;
use std::borrow::Cow;

/// The text that was logged. What is no escape stays as it is; bytes that are not UTF-8 become U+FFFD.
pub(super) fn undo(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let Some(first) = memchr(b'\\', bytes) else {
        return Cow::Borrowed(text);
    };
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(&bytes[..first]);
    let mut at = first;
    while at < bytes.len() {
        let (byte, width) = match bytes[at] {
            b'\\' => escape(&bytes[at..]).unwrap_or((b'\\', 1)),
            plain => (plain, 1),
        };
        out.push(byte);
        at += width;
    }
    Cow::Owned(match String::from_utf8(out) {
        Ok(text) => text,
        Err(fault) => String::from_utf8_lossy(fault.as_bytes()).into_owned(),
    })
}

/// The byte an escape stands for, and the escape's length.
fn escape(bytes: &[u8]) -> Option<(u8, usize)> {
    let byte = match bytes.get(1)? {
        b'x' => {
            let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
            return Some((u8::try_from(digit(2)? * 16 + digit(3)?).ok()?, 4));
        }
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'v' => 11,
        b'f' => 12,
        quoted @ (b'"' | b'\\') => *quoted,
        _ => return None,
    };
    Some((byte, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone() {
        let check = |text: &str, expect: &str| assert_eq!(undo(text), expect, "{text}");
        check("plain", "plain");
        check(r#"a \"b\" \\ c"#, r#"a "b" \ c"#);
        check(r"\xd0\x9f", "П");
        check(r"\xff\x16", "\u{fffd}\u{16}");
        check(r"\x4", r"\x4");
        check(r"\xzz\q\", r"\xzz\q\");
        check(r"\n\t", "\n\t");
        check(r"\\x41", r"\x41");
    }
}
