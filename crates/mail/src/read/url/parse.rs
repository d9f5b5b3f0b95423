// SPDX-License-Identifier: Apache-2.0
//! A URL taken apart as a browser would, after what people and programs do to URLs in mail is undone.

use std::borrow::Cow;

use super::{Url, UrlMark, host, lists};
use crate::kind::Set;
use crate::limits;
use crate::read::field::cut;
use crate::read::text::is_invisible;

/// Labels from which on a host has many.
const MANY_LABELS: usize = 6;
/// Bytes from which on a host is long.
const LONG_HOST: usize = 60;

/// Takes a URL apart; none if it leads nowhere, as `#top` and `cid:` do.
pub(super) fn parse(written: &str) -> Option<Url> {
    let mut url = Url::default();
    let written = written.trim();
    let seen = cut(written, limits::URL_BYTES);
    url.marks.insert_if(seen.len() < written.len(), UrlMark::Cut);
    let clean = refang(clean(seen, &mut url.marks), &mut url.marks);
    seen.clone_into(&mut url.seen);
    let rest = scheme(&clean, &mut url)?;
    match url.scheme.as_str() {
        "http" | "https" | "ftp" => web(rest, &mut url)?,
        "mailto" => mailto(rest, &mut url),
        "data" | "javascript" | "vbscript" | "file" | "blob" => {
            url.normal = format!("{}:{}", url.scheme, cut(rest, limits::NAME_BYTES));
        }
        _ => return None,
    }
    Some(url)
}

/// Without line ends, tabs and invisible characters, which browsers leave out.
fn clean<'a>(seen: &'a str, marks: &mut Set<UrlMark>) -> Cow<'a, str> {
    let stray = |c: char| c.is_control() || is_invisible(c);
    marks.insert_if(seen.contains(' '), UrlMark::Control);
    if !seen.contains(stray) {
        return Cow::Borrowed(seen);
    }
    marks.insert(UrlMark::Control);
    Cow::Owned(seen.replace(stray, ""))
}

/// What was written so that it does not work, written so that it does.
fn refang<'a>(clean: Cow<'a, str>, marks: &mut Set<UrlMark>) -> Cow<'a, str> {
    let mut text = clean;
    let head = text.get(..8.min(text.len())).unwrap_or_default().to_ascii_lowercase();
    for bad in ["hxxp", "htxp", "hxtp", "h**p", "h--p", "meow"] {
        if head.starts_with(bad) {
            text = Cow::Owned(format!("http{}", &text[4..]));
            marks.insert(UrlMark::Defanged);
            break;
        }
    }
    if text.contains(['[', '(', '{']) {
        const PAIRS: [(&str, &str); 9] = [
            ("[.]", "."),
            ("(.)", "."),
            ("{.}", "."),
            ("[dot]", "."),
            ("(dot)", "."),
            ("[:]", ":"),
            ("[://]", "://"),
            ("[@]", "@"),
            ("[/]", "/"),
        ];
        for (from, to) in PAIRS {
            if text.contains(from) {
                text = Cow::Owned(text.replace(from, to));
                marks.insert(UrlMark::Defanged);
            }
        }
    }
    text
}

/// Reads the scheme; what is left behind it.
fn scheme<'a>(clean: &'a str, url: &mut Url) -> Option<&'a str> {
    if clean.starts_with("//") || clean.starts_with("\\\\") {
        url.marks.insert(UrlMark::Schemeless);
        "https".clone_into(&mut url.scheme);
        return Some(clean);
    }
    let end =
        clean.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-'))).unwrap_or(clean.len());
    if let Some(rest) = clean[end..].strip_prefix(':')
        && clean.starts_with(|c: char| c.is_ascii_alphabetic())
    {
        url.scheme = clean[..end].to_ascii_lowercase();
        return Some(rest);
    }
    // Neither a place within the page nor a page beside this one.
    if clean.starts_with(['#', '/', '?', '.']) {
        return None;
    }
    let name = clean.split(['/', '?', '#', ':']).next().unwrap_or_default();
    if !is_known_domain(name) {
        return None;
    }
    url.marks.insert(UrlMark::Schemeless);
    "http".clone_into(&mut url.scheme);
    Some(clean)
}

/// Whether a name ends in a domain that exists.
pub(super) fn is_known_domain(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_lowercase();
    psl::suffix(name.as_bytes())
        .is_some_and(|suffix| suffix.is_known() && suffix.as_bytes().len() < name.len())
}

fn web(rest: &str, url: &mut Url) -> Option<()> {
    let slashes = rest.len() - rest.trim_start_matches(['/', '\\']).len();
    url.marks.insert_if(rest[..slashes].contains('\\'), UrlMark::Backslash);
    let rest = &rest[slashes..];
    let (authority, behind) = rest.split_at(rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len()));
    url.marks.insert_if(behind.starts_with('\\'), UrlMark::Backslash);
    let host_port = match authority.rsplit_once('@') {
        Some((user, host_port)) => {
            url.marks.insert(UrlMark::Userinfo);
            let user = host::percent_decode(user.split(':').next().unwrap_or_default());
            url.marks.insert_if(is_known_domain(user.trim()), UrlMark::UserinfoHost);
            host_port
        }
        None => authority,
    };
    let (name, port) = match host_port.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (name, port.parse::<u16>().ok()),
        _ => (host_port, None),
    };
    let usual = match url.scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => 21,
    };
    url.port = port.filter(|&port| port != usual);
    url.marks.insert_if(url.port.is_some(), UrlMark::Port);
    url.host = host::normal(name, &mut url.marks)?;
    url.site = wardroom_facts::site(&url.host).map(str::to_owned);
    behind_host(behind, url);
    judge_host(url);
    let port = url.port.map(|port| format!(":{port}")).unwrap_or_default();
    let query = if url.query.is_empty() { String::new() } else { format!("?{}", url.query) };
    url.normal = format!("{}://{}{port}{}{query}", url.scheme, url.host, url.path);
    Some(())
}

/// Path, query and fragment.
fn behind_host(behind: &str, url: &mut Url) {
    let (before, fragment) = behind.split_once('#').unwrap_or((behind, ""));
    let (path, query) = before.split_once('?').unwrap_or((before, ""));
    url.path = if path.is_empty() { "/".to_owned() } else { path.replace('\\', "/") };
    query.clone_into(&mut url.query);
    let plain = host::percent_decode(path);
    let words = plain.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 1);
    url.words = words.take(limits::URL_WORDS).map(str::to_lowercase).collect();
    let escapes = behind.bytes().filter(|&b| b == b'%').count();
    url.marks.insert_if(escapes >= 10 && escapes * 6 > behind.len(), UrlMark::Encoded);
    let address = |text: &str| text.split_once('@').is_some_and(|(_, domain)| domain.contains('.'));
    let carries = address(query) || address(fragment) || address(&plain) || behind.contains("%40");
    url.marks.insert_if(carries, UrlMark::Address);
    let extension =
        path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, extension)| extension);
    let runs =
        extension.is_some_and(|extension| lists::RUN.iter().any(|run| extension.eq_ignore_ascii_case(run)));
    url.marks.insert_if(runs, UrlMark::File);
}

/// What the host says by itself.
fn judge_host(url: &mut Url) {
    let host = url.host.as_str();
    let ends_in =
        |name: &str| host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    url.marks.insert_if(lists::SHORTENERS.contains(&host), UrlMark::Shortener);
    url.marks.insert_if(lists::OPEN_HOSTS.iter().any(|name| ends_in(name)), UrlMark::OpenHost);
    url.marks.insert_if(host.len() > LONG_HOST, UrlMark::LongHost);
    if url.marks.contains(UrlMark::IpHost) {
        return;
    }
    url.marks.insert_if(host.split('.').count() >= MANY_LABELS, UrlMark::ManyLabels);
    let digits = host.bytes().filter(u8::is_ascii_digit).count();
    let letters = host.chars().filter(|c| c.is_alphabetic()).count();
    url.marks.insert_if(digits > letters, UrlMark::Numbers);
    let below = url.site.as_deref().and_then(|site| host.strip_suffix(site)).unwrap_or_default();
    let named = below.split('.').skip(1).any(|label| matches!(label, "com" | "net" | "org" | "co" | "gov"));
    url.marks.insert_if(named, UrlMark::HostInLabel);
}

fn mailto(rest: &str, url: &mut Url) {
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let address = host::percent_decode(address);
    if let Some((_, domain)) = address.rsplit_once('@') {
        url.host = domain.trim().to_lowercase();
        url.site = wardroom_facts::site(&url.host).map(str::to_owned);
    }
    query.clone_into(&mut url.query);
    url.normal = format!("mailto:{}", address.trim());
}
