// SPDX-License-Identifier: Apache-2.0
//! Hosts in the forms in which they are written, brought into one (WHATWG URL, 3.5).
//!
//! Full-width letters and dots are mapped by hand and the rest is put in lower case; the tables of IDNA are left out, since a
//! name that they forbid leads nowhere, and what it looks like is what counts here.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::UrlMark;
use crate::kind::Set;
use crate::read::field::hex;
use crate::read::text::{is_invisible, mixes_scripts};

/// Longest host in bytes, in Unicode.
const HOST_BYTES: usize = 253;

/// The host as one writes it, or none if no host is written so.
pub(super) fn normal(written: &str, marks: &mut Set<UrlMark>) -> Option<String> {
    if let Some(inner) = written.strip_prefix('[') {
        let ip: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
        marks.insert(UrlMark::IpHost);
        return Some(format!("[{ip}]"));
    }
    let plain = unescape(written, marks);
    let mut host: String = plain.chars().filter(|&c| !is_invisible(c)).flat_map(fold).collect();
    marks.insert_if(host.len() < plain.len() && plain.chars().any(is_invisible), UrlMark::Control);
    host.truncate(host.trim_end_matches('.').len());
    if host.is_empty() || host.len() > HOST_BYTES || host.contains(is_no_host) || host.contains("..") {
        return None;
    }
    if let Some(ip) = ipv4(&host) {
        marks.insert(UrlMark::IpHost);
        let usual = ip.to_string();
        marks.insert_if(usual != host, UrlMark::OddIp);
        return Some(usual);
    }
    if host.contains("xn--") {
        host = host.split('.').map(|label| unpuny(label, marks)).collect::<Vec<_>>().join(".");
    }
    marks.insert_if(!host.is_ascii(), UrlMark::Idn);
    marks.insert_if(host.split('.').any(mixes_scripts), UrlMark::MixedScript);
    Some(host)
}

/// Lower case; full-width forms as their usual ones.
fn fold(c: char) -> impl Iterator<Item = char> {
    let c = match c {
        '\u{3002}' | '\u{ff0e}' | '\u{ff61}' => '.',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    };
    c.to_lowercase()
}

fn is_no_host(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            ':' | '/'
                | '@'
                | '?'
                | '#'
                | '['
                | ']'
                | '\\'
                | '%'
                | '<'
                | '>'
                | '^'
                | '|'
                | '"'
                | '\''
                | '`'
                | '{'
                | '}'
                | '$'
                | '!'
                | ','
                | ';'
                | '('
                | ')'
                | '*'
                | '='
                | '&'
                | '+'
                | '~'
        )
}

fn unescape<'a>(written: &'a str, marks: &mut Set<UrlMark>) -> Cow<'a, str> {
    if !written.contains('%') {
        return Cow::Borrowed(written);
    }
    marks.insert(UrlMark::Escaped);
    Cow::Owned(percent_decode(written))
}

/// Takes `%41` for `A`.
pub(super) fn percent_decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if let (b'%', [high, low, tail @ ..]) = (first, tail)
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            out.push(high << 4 | low);
            rest = tail;
        } else {
            out.push(*first);
        }
    }
    String::from_utf8(out).unwrap_or_else(|err| String::from_utf8_lossy(err.as_bytes()).into_owned())
}

/// An address in any notation that browsers take: up to four numbers, each decimal, octal or hexadecimal, of which the last
/// fills what is left.
fn ipv4(host: &str) -> Option<Ipv4Addr> {
    if !host.rsplit('.').next()?.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut numbers = [0_u64; 4];
    let mut count = 0;
    for part in host.split('.') {
        *numbers.get_mut(count)? = number(part)?;
        count += 1;
    }
    let (last, first) = numbers[..count].split_last()?;
    if first.iter().any(|&number| number > 255) || *last >= 1 << (8 * (5 - count)) {
        return None;
    }
    let high = first.iter().enumerate().map(|(at, &number)| number << (8 * (3 - at))).sum::<u64>();
    u32::try_from(high + last).ok().map(Ipv4Addr::from)
}

fn number(part: &str) -> Option<u64> {
    // Longer than any address in any notation, leading zeros included that somebody would write.
    if part.len() > 40 {
        return None;
    }
    if let Some(digits) = part.strip_prefix("0x") {
        return if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 16).ok() };
    }
    match part.strip_prefix('0') {
        Some("") => Some(0),
        Some(digits) => u64::from_str_radix(digits, 8).ok(),
        None if part.starts_with('+') => None,
        None => part.parse().ok(),
    }
}

/// A label out of punycode; one that is none stays as it is.
fn unpuny(label: &str, marks: &mut Set<UrlMark>) -> String {
    let Some(code) = label.strip_prefix("xn--") else { return label.to_owned() };
    marks.insert(UrlMark::Punycode);
    punycode(code).unwrap_or_else(|| label.to_owned())
}

/// RFC 3492, 6.2.
fn punycode(code: &str) -> Option<String> {
    // A label has at most 63 bytes; longer ones would cost their length squared.
    if code.len() > 63 {
        return None;
    }
    let (basic, digits) = code.rsplit_once('-').unwrap_or(("", code));
    let mut out: Vec<char> = basic.chars().collect();
    let (mut n, mut i, mut bias) = (128_u32, 0_u32, 72_u32);
    let mut digits = digits.bytes().peekable();
    while digits.peek().is_some() {
        let (before, mut weight, mut k) = (i, 1_u32, 36_u32);
        loop {
            let digit = match digits.next()? {
                b @ b'a'..=b'z' => u32::from(b - b'a'),
                b @ b'0'..=b'9' => u32::from(b - b'0') + 26,
                _ => return None,
            };
            i = i.checked_add(digit.checked_mul(weight)?)?;
            let threshold = k.saturating_sub(bias).clamp(1, 26);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(36 - threshold)?;
            k += 36;
        }
        let length = u32::try_from(out.len()).ok()? + 1;
        bias = adapt(i - before, length, before == 0);
        n = n.checked_add(i / length)?;
        i %= length;
        out.insert(i as usize, char::from_u32(n)?);
        i += 1;
    }
    Some(out.into_iter().collect())
}

fn adapt(delta: u32, length: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / length;
    let mut k = 0;
    while delta > 455 {
        delta /= 35;
        k += 36;
    }
    k + 36 * delta / (delta + 38)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_brought_into_one_form() {
        let check = |written: &str, expect: Option<&str>, marks: &str| {
            let mut seen = Set::new();
            let got = normal(written, &mut seen);
            assert_eq!((got.as_deref(), format!("{seen:?}").as_str()), (expect, marks), "{written}");
        };
        check("Example.ORG", Some("example.org"), "[]");
        check("example.org.", Some("example.org"), "[]");
        check("ex%61mple.org", Some("example.org"), "[escaped]");
        check("xn--bcher-kva.example", Some("bücher.example"), "[punycode, idn]");
        check("xn--80ak6aa92e.com", Some("аррӏе.com"), "[punycode, idn]");
        check("pаypal.com", Some("pаypal.com"), "[idn, mixed_script]");
        check("xn--99999999999.com", Some("xn--99999999999.com"), "[punycode]");
        check("ｅｘａｍｐｌｅ。org", Some("example.org"), "[]");
        check("pay\u{200b}pal.com", Some("paypal.com"), "[control]");
        check("192.0.2.7", Some("192.0.2.7"), "[ip_host]");
        check("3221225991", Some("192.0.2.7"), "[ip_host, odd_ip]");
        check("0xc0000207", Some("192.0.2.7"), "[ip_host, odd_ip]");
        check("0300.0.02.07", Some("192.0.2.7"), "[ip_host, odd_ip]");
        check("0xC0.0x0.519", Some("192.0.2.7"), "[ip_host, odd_ip]");
        check("[2001:DB8::1]", Some("[2001:db8::1]"), "[ip_host]");
        check("[nonsense]", None, "[]");
        check("a b.org", None, "[]");
        check("a..org", None, "[]");
        check("", None, "[]");
        check("256.1.1.1", Some("256.1.1.1"), "[]");
    }
}
