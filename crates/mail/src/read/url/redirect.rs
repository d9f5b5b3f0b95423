// SPDX-License-Identifier: Apache-2.0
//! URLs within URLs: what trackers, search engines and mail filters pass on to.

use super::host::percent_decode;
use super::{Url, UrlMark};
use crate::read::decode;

/// Parameters that hold a place to go on to. Others count too if they hold a whole URL.
const PARAMETERS: [&str; 26] = [
    "url",
    "u",
    "q",
    "a",
    "r",
    "uri",
    "link",
    "to",
    "goto",
    "go",
    "dest",
    "destination",
    "target",
    "redirect",
    "redirect_to",
    "redirect_uri",
    "redirect_url",
    "redir",
    "return",
    "return_to",
    "returnurl",
    "next",
    "continue",
    "out",
    "href",
    "adurl",
];

/// The URL within a URL, which is marked for it.
pub(super) fn target(url: &mut Url) -> Option<String> {
    if !matches!(url.scheme.as_str(), "http" | "https") {
        return None;
    }
    if let Some(target) = wrapped(url) {
        url.marks.insert(UrlMark::Wrapped);
        return Some(target);
    }
    let target = in_query(&url.query).or_else(|| in_path(&url.path))?;
    url.marks.insert(UrlMark::Redirect);
    Some(target)
}

/// What mail filters write in place of the URLs they watch over.
fn wrapped(url: &Url) -> Option<String> {
    let host = url.host.as_str();
    if host.ends_with("safelinks.protection.outlook.com") {
        return parameter(&url.query, "url").map(percent_decode);
    }
    if host == "urldefense.com" || host == "urldefense.us" {
        // /v3/__https://example.org/a*b__;Kw!!…: signs that stand for others are listed behind, and left as they are.
        let (_, rest) = url.path.split_once("__")?;
        return rest.split("__;").next().map(str::to_owned);
    }
    if host == "urldefense.proofpoint.com" {
        let coded = parameter(&url.query, "u")?;
        // Version 2 writes `-` for `%` and `_` for `/`; version 1 escapes.
        let coded = if url.path.starts_with("/v2") {
            coded.replace('-', "%").replace('_', "/")
        } else {
            coded.to_owned()
        };
        return Some(percent_decode(&coded));
    }
    if host == "linkprotect.cudasvc.com" {
        return parameter(&url.query, "a").map(percent_decode);
    }
    if host == "secure-web.cisco.com" {
        let at = url.path.find("/http")?;
        return Some(percent_decode(&url.path[at + 1..]));
    }
    None
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    pairs(query).find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The parameters of a query; `&amp;` where somebody escaped it once too often.
fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query
        .split(['&', ';'])
        .map(|pair| pair.strip_prefix("amp;").unwrap_or(pair))
        .filter_map(|pair| pair.split_once('='))
}

fn in_query(query: &str) -> Option<String> {
    pairs(query).find_map(|(name, value)| {
        place(value, PARAMETERS.iter().any(|known| name.eq_ignore_ascii_case(known)))
    })
}

/// Where a value leads, if it leads somewhere.
fn place(value: &str, named: bool) -> Option<String> {
    if value.len() < 8 {
        return None;
    }
    if value.starts_with("aHR0c") {
        return base64(value);
    }
    let mut plain = percent_decode(value);
    if plain.contains("%3A") || plain.contains("%3a") {
        plain = percent_decode(&plain);
    }
    let head = plain.get(..8).unwrap_or_default().to_ascii_lowercase();
    let whole = head.starts_with("http://") || head.starts_with("https://");
    let loose = named && (head.starts_with("www.") || head.starts_with("//") || head.starts_with("http:/"));
    (whole || loose).then_some(plain)
}

fn base64(value: &str) -> Option<String> {
    let value = percent_decode(value).replace('-', "+").replace('_', "/");
    let mut bytes = Vec::new();
    decode::base64(value.as_bytes(), crate::limits::URL_BYTES, &mut bytes);
    let text = String::from_utf8(bytes).ok()?;
    text.starts_with("http").then_some(text)
}

fn in_path(path: &str) -> Option<String> {
    let lower = path.to_ascii_lowercase();
    let at = ["/http://", "/https://", "/http:/", "/https:/", "/http%3a", "/https%3a", "*http"]
        .iter()
        .find_map(|mark| lower.find(mark))?;
    let plain = percent_decode(&path[at + 1..]);
    // Servers make one slash of two.
    let (scheme, rest) = plain.split_once(':')?;
    Some(format!("{scheme}://{}", rest.trim_start_matches('/')))
}
