// SPDX-License-Identifier: Apache-2.0
//! Which part of a line is what. Nothing is decoded or cut here.

use memchr::memchr2;
use std::net::IpAddr;
use wardroom_event::Micros;

/// A line, taken apart; texts still carry the logger's escapes.
#[derive(Debug, PartialEq)]
pub(super) struct Parts<'a> {
    /// The virtual host, without its port.
    pub(super) host: Option<&'a str>,
    pub(super) ip: IpAddr,
    pub(super) user: Option<&'a str>,
    pub(super) time: Micros,
    pub(super) request: &'a str,
    pub(super) status: i64,
    pub(super) bytes: Option<i64>,
    pub(super) referrer: Option<&'a str>,
    pub(super) user_agent: Option<&'a str>,
    /// The line ends inside a quoted field.
    pub(super) unterminated: bool,
}

/// Why a line is no request.
#[derive(Debug, PartialEq)]
pub(super) enum Fault {
    /// The client is not named by its address.
    NoAddress,
    /// It is in no known form.
    Junk,
}

/// A request line's parts.
#[derive(Debug, PartialEq)]
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
}

/// Bytes of `[17/May/2026:10:05:03 +0000]`.
const STAMP: usize = 28;

/// Takes a line apart.
pub(super) fn parse(line: &str) -> Result<Parts<'_>, Fault> {
    let (head, time, rest) = at_request(line).ok_or(Fault::Junk)?;
    let (request, rest) = request_and_rest(rest).ok_or(Fault::Junk)?;
    let (status, rest) = word(rest);
    let (bytes, rest) = word(rest);
    let status = number(status).ok_or(Fault::Junk)?;
    let client = client(head)?;
    let (referrer, rest, open_referrer) = quoted(rest);
    let (user_agent, _, open_agent) = quoted(rest);
    let unterminated = open_referrer || open_agent;
    let bytes = number(bytes);
    Ok(Parts {
        host: client.host,
        ip: client.ip,
        user: client.user,
        time,
        request,
        status,
        bytes,
        referrer,
        user_agent,
        unterminated,
    })
}

/// What stands before the time stamp, the time, and what follows the request's opening quote.
fn at_request(line: &str) -> Option<(&str, Micros, &str)> {
    let bytes = line.as_bytes();
    memchr::memmem::find_iter(bytes, b"] \"").find_map(|close| {
        let open = (close + 1).checked_sub(STAMP)?;
        let time = time(bytes.get(open..=close)?)?;
        let head = line.get(..open)?.strip_suffix(' ')?;
        Some((head, time, line.get(close + 3..)?))
    })
}

/// `[17/May/2026:10:05:03 +0000]`.
fn time(stamp: &[u8]) -> Option<Micros> {
    const MONTHS: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    const FORM: &[u8; STAMP] = b"[00/aaa/0000:00:00:00 +0000]";
    let fits = |(form, byte): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        b'a' => byte.is_ascii_alphabetic(),
        b'+' => matches!(byte, b'+' | b'-'),
        other => other == byte,
    };
    if stamp.len() != STAMP || !FORM.iter().zip(stamp).all(fits) {
        return None;
    }
    let two = |at: usize| ((stamp[at] - b'0') * 10 + (stamp[at + 1] - b'0')).cast_signed();
    let (month, _) = (1..).zip(MONTHS).find(|(_, name)| *name == &stamp[4..7])?;
    let year = i16::from(two(8)) * 100 + i16::from(two(10));
    let date = jiff::civil::Date::new(year, month, two(1)).ok()?;
    // A leap second is told as the second before: it must not make the line junk.
    let time = jiff::civil::Time::new(two(13), two(16), two(19).min(59), 0).ok()?;
    let sign = if stamp[22] == b'-' { -1 } else { 1 };
    let offset = sign * (i64::from(two(23)) * 3600 + i64::from(two(25)) * 60);
    let local = jiff::tz::Offset::UTC.to_timestamp(date.to_datetime(time)).ok()?;
    Some(Micros((local.as_second() - offset) * 1_000_000))
}

/// The request and what follows its closing quote: the first quote that a status follows, since not every server
/// escapes quotes.
fn request_and_rest(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    while let Some(close) = closing_quote(text, from) {
        let rest = &text[close + 1..];
        // Looks at five bytes only: a line full of quotes must not be read once for each.
        if let [b' ', a, b, c, after @ ..] = rest.as_bytes()
            && [a, b, c].iter().all(|byte| byte.is_ascii_digit())
            && matches!(after.first(), None | Some(b' '))
        {
            return Some((&text[..close], rest));
        }
        from = close + 1;
    }
    None
}

/// The next quote without a backslash before it.
fn closing_quote(text: &str, mut from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    loop {
        let at = from + memchr2(b'"', b'\\', bytes.get(from..)?)?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        from = at + 2;
    }
}

/// A quoted field after a space, if one is there, and what follows; and whether the line ended within it.
fn quoted(text: &str) -> (Option<&str>, &str, bool) {
    let Some(inner) = text.strip_prefix(" \"") else {
        return (None, text, false);
    };
    let mut from = 0;
    while let Some(close) = closing_quote(inner, from) {
        let rest = &inner[close + 1..];
        if rest.is_empty() || rest.starts_with(' ') {
            return (Some(&inner[..close]), rest, false);
        }
        from = close + 1;
    }
    (Some(inner), "", true)
}

/// The word after a space, and what follows.
fn word(text: &str) -> (&str, &str) {
    let text = text.strip_prefix(' ').unwrap_or(text);
    text.split_at(text.find(' ').unwrap_or(text.len()))
}

/// A whole number without sign.
fn number(text: &str) -> Option<i64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Who asked, and whom.
struct Client<'a> {
    host: Option<&'a str>,
    ip: IpAddr,
    user: Option<&'a str>,
}

/// `[vhost ]client ident user`; the user's name may hold spaces.
fn client(head: &str) -> Result<Client<'_>, Fault> {
    let words = |n: usize| head.splitn(n, ' ');
    let first = words(4).next().unwrap_or_default();
    let second = words(4).nth(1).and_then(address);
    // Two addresses: the first is a virtual host only if enough follows the second.
    let behind_host = second
        .filter(|_| address(first).is_none() || (words(4).count() == 4 && words(5).nth(2) == Some("-")));
    let (host, ip, user) = match behind_host {
        Some(ip) => (Some(without_port(first)), ip, words(4).nth(3)),
        None if head.contains(' ') => (None, address(first).ok_or(Fault::NoAddress)?, words(3).nth(2)),
        None => return Err(Fault::Junk),
    };
    Ok(Client { host, ip, user: user.filter(|user| *user != "\"\"") })
}

/// An address; nginx behind a proxy may write `unix:`, which is none.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.split_once('%').map_or(text, |(ip, _)| ip);
    text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.is_empty() && number(port).is_some() && address(host).is_none() => name,
        _ => host,
    }
}

/// `METHOD TARGET[ HTTP/N]`; the target may hold spaces, as bad clients send them. `None` if it is not HTTP.
pub(super) fn request(text: &str) -> Option<Request<'_>> {
    let (method, rest) = text.split_once(' ')?;
    let token = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if method.is_empty() || method.len() > 32 || !method.bytes().all(token) {
        return None;
    }
    let target = match rest.rsplit_once(' ') {
        Some((target, version)) if version.starts_with("HTTP/") => target,
        // HTTP/0.9, or a line cut short: the target has to look like one.
        _ if rest.starts_with('/') => rest,
        _ => return None,
    };
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    (!target.is_empty()).then_some(Request { method, path, query })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read() {
        let check = |text: &str, expect: Option<(&str, &str, Option<&str>)>| {
            let got = request(text).map(|r| (r.method, r.path, r.query));
            assert_eq!(got, expect, "{text}");
        };
        check("GET / HTTP/1.1", Some(("GET", "/", None)));
        check("GET /a%20b?c=d?e HTTP/1.1", Some(("GET", "/a%20b", Some("c=d?e"))));
        check("GET /a b c HTTP/1.0", Some(("GET", "/a b c", None)));
        check("GET /old", Some(("GET", "/old", None)));
        check("OPTIONS * HTTP/1.1", Some(("OPTIONS", "*", None)));
        check("CONNECT a.example:443 HTTP/1.1", Some(("CONNECT", "a.example:443", None)));
        check("GET http://a.example/b?c HTTP/1.1", Some(("GET", "http://a.example/b", Some("c"))));
        check("GET ?x HTTP/1.1", Some(("GET", "", Some("x"))));
        check("GET  HTTP/1.1", None);
        check(r"\x16\x03\x01 /", None);
        check("hello", None);
        check("SSH-2.0-Go x", None);
        check("-", None);
        check("", None);
    }

    #[test]
    fn stamps_are_read() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(time(text.as_bytes()).map(|t| t.to_string()).as_deref(), expect, "{text}");
        };
        check("[17/May/2026:10:05:03 +0000]", Some("2026-05-17T10:05:03Z"));
        check("[29/Feb/2028:23:59:60 -0730]", Some("2028-03-01T07:29:59Z"));
        check("[29/Feb/2027:10:05:03 +0000]", None);
        check("[17/Mai/2026:10:05:03 +0000]", None);
        check("[17/May/2026:24:05:03 +0000]", None);
        check("[17/May/2026 10:05:03 +0000]", None);
        check("", None);
    }
}
