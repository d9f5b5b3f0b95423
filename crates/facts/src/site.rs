// SPDX-License-Identifier: Apache-2.0
//! The site of a host: the shortest domain that somebody could register, and everything below it is theirs.
//!
//! By the public suffix list as the crate `psl` compiles it in, both of its sections. The ICANN section alone would
//! say that all of `github.io`, or of `blogspot.com`, is one site; but each name below those belongs to another
//! stranger, and what one of them does must not be held against the others. The price: whoever runs such a suffix is
//! counted as many. A top-level domain that is not on the list is taken for a suffix of one label, as the list's own
//! rules say, so that `mail.corp` has a site.
//!
//! Names in other scripts are looked up as they are written, `xn--…` or not, for the list has both.

use crate::limits;

/// The registrable domain of a host, as it is written there: `b.example.co.uk` gives `example.co.uk`.
///
/// None for an address, for a single label, for a public suffix itself, and for what is not a host. One dot at the
/// end is left out. Case does not matter.
pub fn site(host: &str) -> Option<&str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.len() >= limits::HOST_BYTES || !is_name(host) {
        return None;
    }
    // The list is in lower case. Only ASCII is folded: that changes no length, so the end is where it was.
    let lower = host.to_ascii_lowercase();
    let found = psl::domain_str(&lower)?.len();
    host.len().checked_sub(found).and_then(|begin| host.get(begin..))
}

/// Whether a host is labels with dots between, and no address.
fn is_name(host: &str) -> bool {
    let sound =
        |label: &str| !label.is_empty() && !label.contains(|c: char| c.is_whitespace() || is_no_host(c));
    host.split('.').all(sound) && !host.rsplit('.').next().is_some_and(is_number)
}

/// What no host holds: it would be part of a URL or of an IPv6 address.
fn is_no_host(c: char) -> bool {
    c.is_control() || matches!(c, ':' | '/' | '@' | '?' | '#' | '[' | ']' | '\\' | '%')
}

/// A last label that is a number makes the host an IPv4 address, however oddly written (WHATWG URL, 3.5).
fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => label.bytes().all(|b| b.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sites_are_found() {
        let check = |host: &str, expect: Option<&str>| assert_eq!(site(host), expect, "{host}");
        check("example.org", Some("example.org"));
        check("a.b.example.org", Some("example.org"));
        check("www.example.co.uk.", Some("example.co.uk"));
        check("WWW.Example.CO.UK", Some("Example.CO.UK"));
        check("alice.github.io", Some("alice.github.io"));
        check("x.alice.github.io", Some("alice.github.io"));
        check("city.kawasaki.jp", Some("city.kawasaki.jp"));
        check("a.b.kobe.jp", Some("a.b.kobe.jp"));
        check("www.食狮.公司.cn", Some("食狮.公司.cn"));
        check("www.xn--85x722f.xn--55qx5d.cn", Some("xn--85x722f.xn--55qx5d.cn"));
        check("mail.corp", Some("mail.corp"));
        check("_dmarc.example.org", Some("example.org"));
    }

    #[test]
    fn what_has_no_site() {
        let hosts = [
            "",
            ".",
            "..",
            "localhost",
            "org",
            "co.uk",
            "github.io",
            "公司.cn",
            "a..org",
            ".example.org",
            "192.0.2.7",
            "192.0.2.7.",
            "127.1",
            "1.2.3.0x7f",
            "0xc0.0x0.0x2.0X7",
            "2001:db8::1",
            "[2001:db8::1]",
            "example.org:80",
            "https://example.org",
            "me@example.org",
            "two words.org",
            "a%2eb.org",
        ];
        let wrong: Vec<_> = hosts.into_iter().filter_map(|host| Some((host, site(host)?))).collect();
        assert_eq!(wrong, []);
        assert_eq!(site(&format!("{}.example.org", "a.".repeat(121) + "b")), None);
    }

    proptest! {
        #[test]
        fn a_site_is_the_end_of_its_host(host in "([a-zA-Z0-9\u{e9}\u{516c}-]{0,6}\\.){0,5}(com|uk|co.uk|github.io|xn--p1ai|[a-z]{0,4})\\.?") {
            if let Some(found) = site(&host) {
                let bare = host.strip_suffix('.').unwrap_or(&host);
                prop_assert!(bare.ends_with(found));
                prop_assert_eq!(site(found), Some(found));
                let below = format!("x.{found}");
                prop_assert_eq!(site(&below), Some(found));
            }
        }

        #[test]
        fn any_text_is_taken(text in any::<String>()) {
            site(&text);
        }
    }
}
