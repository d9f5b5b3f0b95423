// SPDX-License-Identifier: Apache-2.0
//! A URL taken apart where it stands (RFC 3986), nothing decoded, nothing resolved.
//!
//! Two things are read as browsers do and not as the RFC has it, since that is where a URL leads: a backslash ends the
//! authority as a slash does, and an empty path after an authority is `/`.

/// What stands after `scheme:`, split at its delimiters.
struct Parts<'a> {
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

/// The scheme as written; `None` where the text does not begin with one.
fn split(url: &str) -> Option<(&str, Parts<'_>)> {
    let (scheme, rest) = url.split_once(':')?;
    let mut letters = scheme.chars();
    let begins = letters.next().is_some_and(|c| c.is_ascii_alphabetic());
    if !begins || !letters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) {
        return None;
    }
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    let (authority, rest) = match rest.strip_prefix("//") {
        Some(after) => {
            let (authority, rest) = after.split_at(after.find(['/', '?', '\\']).unwrap_or(after.len()));
            (Some(authority), rest)
        }
        None => (None, rest),
    };
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    Some((scheme, Parts { authority, path, query }))
}

pub(crate) fn scheme(url: &str) -> Option<String> {
    split(url).map(|(scheme, _)| scheme.to_ascii_lowercase())
}

pub(crate) fn path(url: &str) -> Option<&str> {
    let (_, parts) = split(url)?;
    Some(if parts.path.is_empty() && parts.authority.is_some() { "/" } else { parts.path })
}

pub(crate) fn query(url: &str) -> Option<&str> {
    split(url)?.1.query
}

/// The port written, or the usual one of the scheme.
pub(crate) fn port(url: &str) -> Option<u16> {
    let (scheme, parts) = split(url)?;
    let (_, port) = host_and_port(parts.authority?)?;
    match port {
        Some(digits) if !digits.is_empty() => {
            digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))
        }
        _ => USUAL.iter().find(|(name, _)| scheme.eq_ignore_ascii_case(name)).map(|(_, port)| *port),
    }
}

/// The ports of schemes that have an authority, as the WHATWG's URL standard lists them.
const USUAL: [(&str, u16); 5] = [("http", 80), ("https", 443), ("ws", 80), ("wss", 443), ("ftp", 21)];

/// The host of a URL with an authority, lower case; IPv6 keeps no brackets. The first `://` counts, wherever it stands.
pub(crate) fn host(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let (host, _) = host_and_port(rest.split(['/', '?', '#', '\\']).next()?)?;
    let host = host.strip_suffix('.').unwrap_or(host);
    (!host.is_empty()).then(|| host.to_lowercase())
}

/// Without the user.
fn host_and_port(authority: &str) -> Option<(&str, Option<&str>)> {
    let host_port = authority.rsplit_once('@').map_or(authority, |(_, after)| after);
    match host_port.strip_prefix('[') {
        Some(v6) => v6.split_once(']').map(|(host, rest)| (host, rest.strip_prefix(':'))),
        None => Some(host_port.split_once(':').map_or((host_port, None), |(host, port)| (host, Some(port)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let check = |url: &str, expect: (&str, &str, u16, &str, &str)| {
            let (scheme, host, port) = (scheme(url).unwrap_or_default(), host(url), port(url));
            let got = (&*scheme, host.as_deref().unwrap_or(""), port.unwrap_or(0));
            let got = (got.0, got.1, got.2, path(url).unwrap_or(""), query(url).unwrap_or(""));
            assert_eq!(got, expect, "{url}");
        };
        check("https://example.org", ("https", "example.org", 443, "/", ""));
        check("HTTP://User:pw@Example.ORG:8443/a@b?c", ("http", "example.org", 8443, "/a@b", "c"));
        check("http://[2001:db8::1]:81/x?y?z#f?g", ("http", "2001:db8::1", 81, "/x", "y?z"));
        check("http://[2001:db8::1]?q", ("http", "2001:db8::1", 80, "/", "q"));
        check("wss://example.org./#a", ("wss", "example.org", 443, "/", ""));
        check("ftp://example.org:/a%2Fb", ("ftp", "example.org", 21, "/a%2Fb", ""));
        check("gopher://example.org/", ("gopher", "example.org", 0, "/", ""));
        check("http://example.org:99999/", ("http", "example.org", 0, "/", ""));
        check("http://example.org:+80/", ("http", "example.org", 0, "/", ""));
        check("http://evil.example\\@good.example/x", ("http", "evil.example", 80, "\\@good.example/x", ""));
        check("mailto:a@b?subject=c", ("mailto", "", 0, "a@b", "subject=c"));
        check("javascript:go('http://x/')", ("javascript", "x", 0, "go('http://x/')", ""));
        check("http:///x", ("http", "", 80, "/x", ""));
        check("/a/b?c", ("", "", 0, "", ""));
        check("//example.org/a", ("", "", 0, "", ""));
        check("1a:b", ("", "", 0, "", ""));
        check("", ("", "", 0, "", ""));
    }
}
