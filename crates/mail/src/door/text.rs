// SPDX-License-Identifier: Apache-2.0
//! What strangers wrote, on its way into the envelope; and what is said to mail servers, on its way out.

use super::limits;

/// A value of the envelope: cut to its bound, what is no UTF-8 replaced.
pub(super) fn field(bytes: &[u8]) -> String {
    // A replacement character is three bytes long for one that was wrong.
    let bytes = &bytes[..bytes.len().min(limits::FIELD_BYTES)];
    let text = String::from_utf8_lossy(bytes);
    cut(text.trim(), limits::FIELD_BYTES).to_owned()
}

/// The same, where empty says that nothing is known.
pub(super) fn known(bytes: &[u8]) -> Option<String> {
    Some(field(bytes)).filter(|text| !text.is_empty())
}

/// An address of the envelope without its angle brackets. Empty is the sender of bounces.
pub(super) fn path(bytes: &[u8]) -> String {
    let text = field(bytes);
    let inner = text.strip_prefix('<').map(|t| t.strip_suffix('>').unwrap_or(t));
    inner.map(|t| t.trim().to_owned()).unwrap_or(text)
}

/// A client's address, in any of the forms that mail servers write it in.
pub(super) fn address(bytes: &[u8]) -> Option<std::net::IpAddr> {
    let text = field(bytes);
    let text = text.strip_prefix('[').map(|t| t.strip_suffix(']').unwrap_or(t)).unwrap_or(&text);
    let is_six = text.get(..5).is_some_and(|p| p.eq_ignore_ascii_case("ipv6:"));
    let text = if is_six { &text[5..] } else { text };
    text.parse().ok()
}

/// A value for a header, or a text for a reply: printable ASCII on one line, since not every server takes more, and cut to its
/// bound. Whatever else stands in it becomes a question mark.
pub(super) fn plain(text: &str, most: usize) -> String {
    let mut made = String::with_capacity(text.len().min(most));
    for c in text.chars() {
        if made.len() == most {
            break;
        }
        made.push(match c {
            ' '..='~' => c,
            c if c.is_whitespace() => ' ',
            _ => '?',
        });
    }
    made.trim().to_owned()
}

/// A text for an SMTP reply. Sendmail takes replies of a filter for a format, so there is no per cent sign in them.
pub(super) fn reply(text: &str) -> String {
    plain(text, limits::REPLY_BYTES).replace('%', "?")
}

/// Whether a name may be a header's.
pub(super) fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// A name or a list entry: no comma, no space.
pub(super) fn word(text: &str) -> String {
    plain(text, 128).replace([' ', ',', ';'], "_")
}

/// The longest beginning within so many bytes.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_their_brackets_and_nothing_else() {
        for (written, expect) in
            [("<a@b.example>", "a@b.example"), ("a@b.example", "a@b.example"), ("<>", ""), ("", "")]
        {
            assert_eq!(path(written.as_bytes()), expect);
        }
        assert_eq!(path(b"<broken"), "broken");
        assert_eq!(path(b" < a@b > "), "a@b");
    }

    #[test]
    fn addresses_in_all_their_forms() {
        for written in ["2001:db8::7", "IPv6:2001:db8::7", "[IPv6:2001:db8::7]", "[2001:db8::7]"] {
            assert_eq!(address(written.as_bytes()), "2001:db8::7".parse().ok(), "{written}");
        }
        assert_eq!(address(b"192.0.2.7"), "192.0.2.7".parse().ok());
        assert_eq!(address(b"unknown"), None);
    }

    #[test]
    fn nothing_ends_a_line_that_is_ours() {
        assert_eq!(plain("a\r\nX-Evil: yes\tb\u{2028}c\0é", 99), "a  X-Evil: yes b c??");
        assert_eq!(plain("abcdef", 3), "abc");
        assert_eq!(reply("100 % sure"), "100 ? sure");
        assert_eq!(word("two words, three"), "two_words__three");
    }

    #[test]
    fn values_are_cut_between_characters() {
        let long = "é".repeat(limits::FIELD_BYTES);
        assert!(field(long.as_bytes()).len() <= limits::FIELD_BYTES);
        assert!(field(&vec![0xff; 4 * limits::FIELD_BYTES]).len() <= limits::FIELD_BYTES);
    }
}
