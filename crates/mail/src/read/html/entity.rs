// SPDX-License-Identifier: Apache-2.0
//! Character references: `&amp;`, `&#65;`, `&#x41;`, with or without their semicolon.

use std::borrow::Cow;

use mail_parser::decoders::html::add_html_token;
use memchr::memchr;

/// Longest reference that means something (`&CounterClockwiseContourIntegral;` has 33).
const REFERENCE_BYTES: usize = 40;

/// A text with its references put in.
pub(super) fn decode(text: &str) -> Cow<'_, str> {
    let Some(first) = memchr(b'&', text.as_bytes()) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut rest = &text[first..];
    while !rest.is_empty() {
        let length = reference(rest);
        if length > 1 {
            put(&rest[..length], &mut out);
        } else {
            out.push('&');
        }
        rest = &rest[length..];
        let next = memchr(b'&', rest.as_bytes()).unwrap_or(rest.len());
        out.push_str(&rest[..next]);
        rest = &rest[next..];
    }
    Cow::Owned(out)
}

/// How long the reference at the beginning is; 1 if there is none.
fn reference(text: &str) -> usize {
    let bytes = text.as_bytes();
    let numeric = bytes.get(1) == Some(&b'#');
    let begin = if numeric { 2 } else { 1 };
    let length = bytes[begin.min(bytes.len())..]
        .iter()
        .take(REFERENCE_BYTES)
        .take_while(|b| b.is_ascii_alphanumeric())
        .count();
    let end = begin + length;
    match bytes.get(end) {
        _ if length == 0 => 1,
        Some(b';') => end + 1,
        // Browsers know some references without a semicolon, of which these are in use; numbers always.
        _ if numeric => end,
        _ => ["nbsp", "amp", "lt", "gt", "quot", "copy", "reg"]
            .iter()
            .find(|name| text[1..end] == ***name)
            .map_or(1, |_| end),
    }
}

fn put(reference: &str, out: &mut String) {
    let begin = out.len();
    if reference.ends_with(';') {
        add_html_token(out, reference.as_bytes(), false);
    } else {
        // At most 40 characters by [`reference`].
        add_html_token(out, format!("{reference};").as_bytes(), false);
    }
    // The old numbers between 128 and 159 are Windows-1252, as every browser reads them.
    if let Some(c @ '\u{80}'..='\u{9f}') = out[begin..].chars().next() {
        let byte = [u8::try_from(u32::from(c)).unwrap_or(b'?')];
        let text = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&byte).0.into_owned();
        out.replace_range(begin.., &text);
    }
}
