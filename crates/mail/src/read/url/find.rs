// SPDX-License-Identifier: Apache-2.0
//! URLs in a text: with a scheme, with `www.`, as a bare name, and written so that they do not work.
//!
//! The text is gone through once, from dot to colon to dot. Around each the name is looked at no further than a name may be
//! long, and never before the end of what was found last, so that no text costs more than its length.

use memchr::memchr2;

use super::{lists, parse};
use crate::limits;

/// Longest name that is looked at.
const NAME_BYTES: usize = 253;
/// Most bytes that are taken off the end of a URL.
const TRAILING: usize = 64;
/// Longest scheme that is looked at.
const SCHEME_BYTES: usize = 6;

/// Hands over what looks like a URL, until told to stop.
pub(super) fn find(text: &str, mut take: impl FnMut(&str) -> bool) {
    let bytes = text.as_bytes();
    let (mut from, mut at) = (0, 0);
    while let Some(found) = memchr2(b'.', b':', &bytes[at..]) {
        at += found;
        let piece = if bytes[at] == b':' { with_scheme(text, from, at) } else { bare(text, from, at) };
        match piece {
            Piece::Url(begin, end) => {
                let goes_on = take(&text[begin..end]);
                (from, at) = (end, end);
                if !goes_on {
                    return;
                }
            }
            Piece::Other(end) => {
                from = from.max(end.min(at + 1));
                at = end.max(at + 1);
            }
        }
    }
}

/// What stands around a dot or colon.
enum Piece {
    Url(usize, usize),
    /// Something else, up to there.
    Other(usize),
}

/// Around the colon at `at`.
fn with_scheme(text: &str, from: usize, at: usize) -> Piece {
    let bytes = text.as_bytes();
    let bracket = bytes[..at].last() == Some(&b'[');
    let behind = &bytes[at + 1..];
    let slashes = behind.starts_with(b"//") || (bracket && behind.starts_with(b"]//"));
    if !slashes {
        return Piece::Other(at + 1);
    }
    let end_of_scheme = if bracket { at - 1 } else { at };
    let is_scheme = |b: &&u8| b.is_ascii_alphabetic() || matches!(b, b'*' | b'-');
    let length = bytes[from.min(end_of_scheme)..end_of_scheme]
        .iter()
        .rev()
        .take(SCHEME_BYTES)
        .take_while(is_scheme)
        .count();
    let scheme = text[end_of_scheme - length..end_of_scheme].to_ascii_lowercase();
    const SCHEMES: [&str; 10] =
        ["https", "http", "hxxps", "hxxp", "htxps", "htxp", "h**ps", "h**p", "ftp", "meow"];
    let Some(known) = SCHEMES.iter().find(|known| scheme.ends_with(**known)) else {
        return Piece::Other(at + 1);
    };
    let host = at + 1 + behind.iter().position(|b| !matches!(b, b'/' | b']')).unwrap_or(behind.len());
    let end = extent(text, host);
    if end <= host { Piece::Other(at + 1) } else { Piece::Url(end_of_scheme - known.len(), end) }
}

/// Around the dot at `at`.
fn bare(text: &str, from: usize, at: usize) -> Piece {
    let bytes = text.as_bytes();
    let (left, right) = match (bytes[..at].last(), bytes.get(at + 1)) {
        (Some(b'['), Some(b']')) | (Some(b'('), Some(b')')) | (Some(b'{'), Some(b'}')) => (at - 1, at + 2),
        _ => (at, at + 1),
    };
    let lowest = from.max(left.saturating_sub(NAME_BYTES)).min(left);
    let mut begin = left - bytes[lowest..left].iter().rev().take_while(|b| is_name(**b)).count();
    while !text.is_char_boundary(begin) {
        begin += 1;
    }
    let end = name_end(text, right);
    let name = text[begin..end].trim_end_matches(['.', '-', '_']);
    let (end, empty) = (begin + name.len(), begin >= left || name.len() <= right - begin);
    if empty || (begin > 0 && matches!(bytes[begin - 1], b'@' | b'/' | b'=' | b'\\')) {
        return Piece::Other(end.max(at + 1));
    }
    let behind = bytes.get(end);
    if behind == Some(&b'@') {
        return Piece::Other(end + 1);
    }
    let path = behind == Some(&b'/');
    if !is_url(name, path) {
        return Piece::Other(end.max(at + 1));
    }
    let goes_on =
        path || matches!((behind, bytes.get(end + 1)), (Some(b':' | b'?'), Some(b'0'..=b'9' | b'a'..=b'z')));
    Piece::Url(begin, if goes_on { extent(text, end) } else { end })
}

/// Whether a bare name is one that readers take for a URL.
fn is_url(name: &str, path: bool) -> bool {
    let plain = name.replace(['[', ']', '(', ')', '{', '}'], "").to_ascii_lowercase();
    if plain.starts_with("www.") {
        return plain.len() > 6 && plain[4..].contains('.');
    }
    let Some((before, last)) = plain.rsplit_once('.') else { return false };
    if before.is_empty() || before.starts_with('.') || plain.contains("..") {
        return false;
    }
    let listed = lists::BARE_DOMAINS.contains(&last);
    (listed || path) && last.bytes().all(|b| !b.is_ascii_digit()) && parse::is_known_domain(&plain)
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') || byte >= 0x80
}

/// Where a name ends that goes on at `at`.
fn name_end(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let mut end = at;
    while end < bytes.len() && end - at < NAME_BYTES {
        match &bytes[end..] {
            [byte, ..] if is_name(*byte) => end += 1,
            [b'[', b'.', b']', ..] | [b'(', b'.', b')', ..] | [b'{', b'.', b'}', ..] => end += 3,
            _ => break,
        }
    }
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}

/// Where a URL ends that goes on at `at`: before what no URL has, and without what ends a sentence around it.
fn extent(text: &str, at: usize) -> usize {
    let most = text.floor_char_boundary(at + 2 * limits::URL_BYTES);
    let rest = &text[at..most];
    let end = rest
        .find(|c: char| {
            c.is_whitespace()
                || c.is_control()
                || matches!(
                    c,
                    '<' | '>' | '"' | '|' | '^' | '`' | '\u{201c}' | '\u{201d}' | '\u{ab}' | '\u{bb}'
                )
                || matches!(
                    c,
                    '\u{3001}' | '\u{3002}' | '\u{ff0c}' | '\u{ff08}' | '\u{ff09}' | '\u{300c}'..='\u{3011}'
                )
        })
        .unwrap_or(rest.len());
    let mut url = &rest[..end];
    while let Some(last) = url.chars().next_back() {
        match last {
            ')' | ']' | '}' => match unbalanced(url, last) {
                0 => break,
                // All of those at the end go in one step: counting anew for each would cost the length squared.
                over => {
                    let run = url.len() - url.trim_end_matches(last).len();
                    url = &url[..url.len() - run.min(over)];
                    if run > over {
                        break;
                    }
                }
            },
            '.' | ',' | ':' | ';' | '!' | '?' | '\'' | '*' | '_' | '\u{2019}' => {
                url = url.trim_end_matches(['.', ',', ':', ';', '!', '?', '\'', '*', '_', '\u{2019}']);
            }
            _ => break,
        }
        if end - url.len() > TRAILING {
            break;
        }
    }
    at + url.len()
}

/// How many closing brackets of a kind have no opening one.
fn unbalanced(url: &str, close: char) -> usize {
    let open = match close {
        ')' => '(',
        ']' => '[',
        _ => '{',
    };
    url.matches(close).count().saturating_sub(url.matches(open).count())
}
