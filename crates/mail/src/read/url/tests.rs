// SPDX-License-Identifier: Apache-2.0
//! URLs as strangers write them, in tables.

use super::*;
use proptest::prelude::*;

/// `normal marks`, and `> ` before what is found within.
fn told(text: &str) -> String {
    let mut collector = Collector::new();
    collector.text(text, FoundIn::Text, 0, &mut Budget::default());
    let tell = |url: &Url| {
        let marks: Vec<_> = url.marks.iter().map(crate::kind::Kind::name).collect();
        let arrow = if url.found_in == FoundIn::Redirect { "> " } else { "" };
        format!("{arrow}{} {}", url.normal, marks.join(" ")).trim().to_owned()
    };
    collector.urls.iter().map(tell).collect::<Vec<_>>().join("; ")
}

#[track_caller]
fn check(text: &str, expect: &str) {
    assert_eq!(told(text), expect, "{text}");
}

#[test]
fn urls_of_texts() {
    check("see https://Example.ORG/Path?q=1#top.", "https://example.org/Path?q=1");
    check("(http://example.org/a_(b))", "http://example.org/a_(b)");
    check("<http://example.org>,", "http://example.org/");
    check("“http://example.org/x”", "http://example.org/x");
    check("http://a.example.org http://b.example.org", "http://a.example.org/; http://b.example.org/");
    check(
        "http://example.org:8080/ http://example.org:80/",
        "http://example.org:8080/ port; http://example.org/",
    );
    check("HTTP://EXAMPLE.ORG", "http://example.org/");
    check("no url: at all. Here", "");
    check("http:// http://. ://x", "");
    check(
        &format!("http://example.org/{}", ")".repeat(100)),
        &format!("http://example.org/{}", ")".repeat(0)),
    );
}

#[test]
fn urls_without_a_scheme() {
    check("www.example.org/x", "http://www.example.org/x schemeless");
    check("go to example.com now", "http://example.com/ schemeless");
    check("pay at example.co.uk/login.", "http://example.co.uk/login schemeless");
    check("cheap.pills.xyz:8080/a", "http://cheap.pills.xyz:8080/a schemeless port");
    check("run main.rs, setup.py and x.zip", "");
    check("read notes.md/intro", "http://notes.md/intro schemeless");
    check("end.Begin e.g. i.e. 1.5 a.b", "");
    check("me@example.com john.doe@example.com", "");
    check("версия.рф/х", "http://версия.рф/х schemeless idn");
}

#[test]
fn urls_written_so_that_they_do_not_work() {
    check("hxxps://evil[.]example[.]com/x", "https://evil.example.com/x defanged");
    check("hXXp://evil.example.com", "http://evil.example.com/ defanged");
    check("evil[.]com", "http://evil.com/ defanged schemeless");
    check("h**p://evil.com", "http://evil.com/ defanged");
    check("http[:]//evil.com", "http://evil.com/ defanged");
}

#[test]
fn hosts_that_are_not_what_they_seem() {
    check("https://paypal.com@evil.example/x", "https://evil.example/x userinfo userinfo_host");
    check("https://paypal.com%2f@evil.example", "https://evil.example/ userinfo");
    check("http:\\\\evil.com", "");
    check("http:/\\evil.com", "");
    check("https://paypal.com.login.evil.ru/", "https://paypal.com.login.evil.ru/ host_in_label");
    check("https://xn--80ak6aa92e.com/", "https://аррӏе.com/ punycode idn");
    check("http://0x7f.1/ http://2130706433", "http://127.0.0.1/ ip_host odd_ip");
    check("http://a.b.c.d.e.example.org", "http://a.b.c.d.e.example.org/ many_labels");
    check(
        "https://bit.ly/abc https://x.pages.dev",
        "https://bit.ly/abc shortener; https://x.pages.dev/ open_host",
    );
    check("https://e.org/a.exe?u=me@b.org", "https://e.org/a.exe?u=me@b.org file address");
}

#[test]
fn urls_within_urls() {
    check(
        "https://www.google.com/url?sa=t&url=https%3A%2F%2Fevil.example%2Fx&usg=1",
        "https://www.google.com/url?sa=t&url=https%3A%2F%2Fevil.example%2Fx&usg=1 redirect; > https://evil.example/x",
    );
    check(
        "https://eur01.safelinks.protection.outlook.com/?url=http%3A%2F%2Fa.example%2F&data=05",
        "https://eur01.safelinks.protection.outlook.com/?url=http%3A%2F%2Fa.example%2F&data=05 wrapped; > http://a.example/",
    );
    check(
        "https://urldefense.com/v3/__https://a.example/b__;!!abc$",
        "https://urldefense.com/v3/__https://a.example/b__;!!abc$ wrapped; > https://a.example/b",
    );
    check(
        "https://urldefense.proofpoint.com/v2/url?u=https-3A__a.example_b&d=D",
        "https://urldefense.proofpoint.com/v2/url?u=https-3A__a.example_b&d=D wrapped; > https://a.example/b",
    );
    check(
        "https://t.example/c?x=aHR0cHM6Ly9ldmlsLmV4YW1wbGUveA==",
        "https://t.example/c?x=aHR0cHM6Ly9ldmlsLmV4YW1wbGUveA== redirect; > https://evil.example/x",
    );
    check(
        "https://t.example/r/https:/e.example/",
        "https://t.example/r/https:/e.example/ redirect; > https://e.example/",
    );
    let deep = "https://a.example/?u=".repeat(9) + "https://e.example";
    assert_eq!(told(&deep).matches("> ").count(), limits::URL_NESTING);
}

#[test]
fn links_that_name_another_site() {
    let misleads = |href: &str, label: &str| {
        let mut collector = Collector::new();
        let place = collector.add(href, FoundIn::Link, 0, Some(label), &mut Budget::default()).unwrap();
        collector.misleads(place)
    };
    assert!(misleads("http://evil.example/", "https://www.paypal.com/login"));
    assert!(misleads("http://evil.example/", "paypal.com"));
    assert!(!misleads("http://www.paypal.com/x", "paypal.com"));
    assert!(!misleads("http://evil.example/", "Log in to PayPal"));
    assert!(!misleads("https://t.example/?url=https%3A%2F%2Fpaypal.com%2F", "paypal.com"));
}

#[test]
fn links_that_lead_nowhere() {
    for href in [
        "#top",
        "",
        "cid:1",
        "about:blank",
        "/relative",
        "page.html",
        "tel:+1",
        "?x",
        "http://",
        "http://[x]",
    ] {
        assert_eq!(host(href), None, "{href}");
    }
    assert_eq!(host("//a.example/x"), Some("a.example".to_owned()));
    assert_eq!(host("mailto:me@Example.org?subject=x"), Some("example.org".to_owned()));
}

#[test]
fn no_more_urls_than_the_budget_has() {
    let mut budget = Budget::default().with(Resource::Urls, 3);
    let mut collector = Collector::new();
    let text: String = (0..10).map(|at| format!("http://e{at}.example ")).collect();
    collector.text(&text, FoundIn::Text, 0, &mut budget);
    assert_eq!(collector.urls.len(), 3);
    assert!(budget.ran_out(Resource::Urls));
}

proptest! {
    #[test]
    fn any_text_is_taken(text in "([a-zé.:/@\\[\\]()%?=&#\\\\\u{200b} -]|http://|www\\.|hxxp|\\[\\.\\]|com|xn--){0,60}") {
        told(&text);
        parse::parse(&text);
    }

    #[test]
    fn what_is_found_is_found_again(text in "(https?://)?[a-z0-9-]{1,9}(\\.[a-z]{2,5}){1,3}(/[a-z%0-9?&=]{0,9})?") {
        if let Some(url) = parse::parse(&text) {
            let again = parse::parse(&url.normal).unwrap();
            prop_assert_eq!(&again.normal, &url.normal);
            prop_assert_eq!(&again.host, &url.host);
        }
    }
}
