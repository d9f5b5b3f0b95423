// SPDX-License-Identifier: Apache-2.0
//! Files as clients name them.

use lsp_types::Uri;
use std::path::{Path, PathBuf};

/// The file that a URI names; `None` where it names none on this machine.
pub(crate) fn path(uri: &Uri) -> Option<PathBuf> {
    let text = uri.as_str();
    let (scheme, rest) = text.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("file") {
        return None;
    }
    let rest = rest.strip_prefix("//").map_or(Some(rest), |rest| {
        let (host, _) = rest.split_once('/')?;
        (host.is_empty() || host.eq_ignore_ascii_case("localhost")).then(|| &rest[host.len()..])
    })?;
    let decoded = decode(rest.split(['?', '#']).next().unwrap_or_default())?;
    decoded.starts_with('/').then(|| PathBuf::from(decoded))
}

/// The URI of a file.
pub(crate) fn of(path: &Path) -> Option<Uri> {
    let text = path.to_str()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-._~".contains(&b);
    let encoded: String = text
        .bytes()
        .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    format!("file://{encoded}").parse().ok()
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        if b != b'%' {
            bytes.push(b);
            continue;
        }
        let digit = |b: Option<u8>| char::from(b?).to_digit(16);
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_name_files() {
        let check = |uri: &str, expect: Option<&str>| {
            assert_eq!(path(&uri.parse().unwrap()), expect.map(PathBuf::from), "{uri}");
        };
        check("file:///a/b.ward", Some("/a/b.ward"));
        check("file://localhost/a%20b/%C3%A9.ward", Some("/a b/é.ward"));
        check("file:/a.ward", Some("/a.ward"));
        check("FILE:///a.ward?x#y", Some("/a.ward"));
        check("file://elsewhere/a.ward", None);
        check("untitled:Untitled-1", None);
        check("file:///%FF", None);
    }

    #[test]
    fn there_and_back() {
        for name in ["/a/b.ward", "/a b/é#?.ward", "/100%/x"] {
            assert_eq!(path(&of(Path::new(name)).unwrap()).as_deref(), Some(Path::new(name)));
        }
    }
}
