// SPDX-License-Identifier: Apache-2.0
//! The log's words, one by one.

use super::*;
use crate::sentinel::messages::MESSAGES;
use proptest::prelude::*;
use std::collections::BTreeSet;
use wardroom_event::Micros;

const HOUR: i64 = 3_600_000_000;
const NOON: i64 = 1_767_614_400_000_000;

/// An event with its fields, an hour before the last.
fn happening(n: i64, kind: &str, fields: &[(&str, &str)], verdict: &str, ask: &str) -> Happening {
    let field = |name: &str| fields.iter().find(|(of, _)| *of == name).map(|(_, value)| (*value).to_owned());
    Happening {
        seq: u64::try_from(1000 - n).unwrap(),
        event: format!("e-{n}").into(),
        time: Micros(NOON - n * HOUR),
        what: What::of(kind, field).unwrap_or_else(|| panic!("{kind} {fields:?}")),
        origin: Origin::of(field),
        did: Did::of(Some(verdict).filter(|v| !v.is_empty()), Some(ask).filter(|a| !a.is_empty())),
    }
}

fn told(entry: &Entry) -> String {
    let with = entry.with.as_ref().map(|with| format!(" {}", with.text)).unwrap_or_default();
    let can: Vec<&str> = entry.can.iter().map(|words| &*words.text).collect();
    let marks = [(entry.is_suspicious, "!"), (entry.may_be_disowned, "?")];
    let marks: String = marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark).collect();
    format!(
        "{}, {}{with}. {} {}{}",
        entry.what.text,
        entry.from.text,
        entry.did.text,
        can.join(" "),
        if marks.is_empty() { marks } else { format!(" [{marks}]") }
    )
}

#[test]
fn an_entry_says_what_from_where_what_we_did_and_what_can_be_done() {
    let check = |kind: &str, fields: &[(&str, &str)], verdict: &str, ask: &str, expect: &str| {
        let all = entries(vec![happening(0, kind, fields, verdict, ask)]);
        assert_eq!(all.iter().map(told).collect::<Vec<_>>().join("\n"), expect);
    };
    let nobody = "If this was not you, tell us: we end all sessions, and a person looks at it.";
    check(
        "login",
        &[
            ("ok", "true"),
            ("ip", "203.0.113.7"),
            ("ip.country", "DE"),
            ("factor", "passkey"),
            ("user_agent.family", "Firefox"),
            ("user_agent.os", "Linux"),
        ],
        "allow",
        "",
        &format!(
            "Somebody logged in to your account with a passkey, from Germany, address 203.0.113.7 with Firefox on Linux. We let it through. {nobody} [?]"
        ),
    );
    check(
        "login",
        &[("ok", "true"), ("ip", "2001:db8::7")],
        "challenge",
        "security key",
        &format!(
            "Somebody gave the right password for your account, from the address 2001:db8::7. We asked for a security key or passkey before going on. {nobody} [!?]"
        ),
    );
    check(
        "login",
        &[("ok", "false"), ("ip", "203.0.113.7"), ("ip.country", "NL"), ("user_agent.family", "curl")],
        "block",
        "",
        "Somebody tried to log in to your account and failed, from the Netherlands, address 203.0.113.0/24. We refused it. You need not do anything. If you use this password elsewhere, use another one here.",
    );
    check(
        "login",
        &[("ok", "true"), ("factor", "one_time_code"), ("ip", "2001:db8::7")],
        "review",
        "",
        &format!(
            "Somebody gave the password and a one-time code for your account, from the address 2001:db8::7. We put it on hold: nothing comes of it until it has been looked at. {nobody} [!?]"
        ),
    );
    check("attempt", &[("ip", "203.0.113.7")], "allow", "", "");
    check("session", &[("ip", "203.0.113.7")], "allow", "", "");
    check(
        "session",
        &[("ip.country", "??")],
        "challenge",
        "",
        &format!(
            "A session that was open already was used, from ??. We asked for more proof before going on. {nobody} [!?]"
        ),
    );
    check(
        "setting",
        &[("what", "forwarding"), ("step", "asked")],
        "review",
        "",
        &format!(
            "Somebody asked for a change: your mail forwarded to another address, from where is not known. We put it on hold: it does not take effect before a delay is over. If you do not want this, call it off in your settings before it takes effect. {nobody} [!?]"
        ),
    );
    check(
        "setting",
        &[("what", "forwarding"), ("step", "due")],
        "block",
        "",
        &format!(
            "A change was to take effect: your mail forwarded to another address, from where is not known. We refused it. {nobody} If you need help, write to support and name the time of this entry. [!?]"
        ),
    );
    check(
        "recovery",
        &[("channel", "phone"), ("step", "asked")],
        "block",
        "",
        &format!(
            "Somebody asked to get back into your account by phone, from where is not known. We refused it. {nobody} If you need help, write to support and name the time of this entry. [!?]"
        ),
    );
    check(
        "step_up",
        &[("factor", "captcha"), ("ok", "false")],
        "allow",
        "",
        "A security check was failed, from where is not known. We noted it. You need not do anything. [!]",
    );
    check(
        "verification",
        &[("channel", "email"), ("ok", "true")],
        "allow",
        "",
        "Your mail address was confirmed, from where is not known. We noted it. You need not do anything.",
    );
    check(
        "owner_report",
        &[("mine", "false")],
        "review",
        "",
        "You told us that something was not you, from where is not known. We put it on hold: nothing comes of it until it has been looked at. You need not do anything.",
    );
}

#[test]
fn failures_of_a_day_and_country_are_one_entry() {
    let failed = |n: i64, ip: &str, country: &str| {
        happening(n, "login", &[("ok", "false"), ("ip", ip), ("ip.country", country)], "limit", "")
    };
    let mut all: Vec<Happening> =
        (0..10).map(|n| failed(n, &format!("203.0.{}.7", 112 + n % 3), "DE")).collect();
    all.push(failed(3, "198.51.100.1", "NL"));
    all.push(failed(30, "203.0.113.9", "DE"));
    all.push(happening(5, "login", &[("ok", "true"), ("ip", "192.0.2.1")], "allow", ""));
    all.push(happening(4, "attempt", &[("ip", "203.0.113.7"), ("ip.country", "DE")], "block", ""));
    let all = entries(all);
    let lines: Vec<(usize, String)> =
        all.iter().map(|e| (e.count, format!("{} {}", e.what.text, e.from.text))).collect();
    let failed = "Somebody tried to log in to your account and failed";
    assert_eq!(
        lines,
        [
            (11, "11 failed attempts to log in to your account from 3 networks in Germany".to_owned()),
            (1, format!("{failed} from the Netherlands, address 198.51.100.0/24")),
            (1, "Somebody logged in to your account from the address 192.0.2.1".to_owned()),
            (1, format!("{failed} from Germany, address 203.0.113.0/24")),
        ]
    );
    assert_eq!((all[0].since, all[0].time), (Some(Micros(NOON - 9 * HOUR)), Micros(NOON)));
    assert_eq!(all[0].what.params["count"], "11");
    assert_eq!(all[0].from.params["country"], "DE");
    assert!(all.iter().all(|e| e.may_be_disowned == (e.seq == 995)));
}

#[test]
fn each_message_is_one_of_the_table_and_the_book_lists_it() {
    let ids: BTreeSet<&str> = MESSAGES.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids.len(), MESSAGES.len());
    let book = include_str!("../../../../docs/src/sentinel.md");
    for (id, text) in MESSAGES {
        assert!(book.contains(&format!("| `{id}` | {text} |")), "the book lacks | `{id}` | {text} |");
    }
}

#[test]
fn a_template_is_refused_for_what_there_is_not() {
    let check = |text: &str, expect: &str| assert_eq!(Template::read(text).unwrap_err().to_string(), expect);
    let none = "it must have one part between `<!--entry-->` and `<!--/entry-->`";
    check("", none);
    check("<!--entry-->", none);
    check("<!--entry--><!--/entry--><!--entry--><!--/entry-->", none);
    check(
        "{{acount}}<!--entry--><!--/entry-->",
        "there is no `{{acount}}` outside an entry; there are: account, made, count",
    );
    check(
        "<!--entry-->{{account}}<!--/entry-->",
        "there is no `{{account}}` within an entry; there are: when, datetime, what, from, with, did, can, action, class",
    );
    check(
        "{{<!--entry--><!--/entry-->",
        "there is no `{{}}` outside an entry; there are: account, made, count",
    );
    assert!(Template::read(PAGE).is_ok());
}

#[test]
fn a_page_needs_no_script_and_names_its_language() {
    let entry = entries(vec![happening(0, "login", &[("ok", "true")], "challenge", "captcha")]).remove(0);
    let pages = [
        Template::read(PAGE).unwrap().page(
            "ann",
            Micros(NOON),
            &[(entry.clone(), Some("/v1/not-me/x".to_owned()))],
        ),
        not_me(Said::Asks, Some(&entry)),
    ];
    for page in &pages {
        assert!(
            page.contains("<html lang=\"en\">") && page.contains("<title>") && page.contains("<main>"),
            "{page}"
        );
        assert!(
            !page.contains("<script") && !page.contains("http://") && !page.contains("https://"),
            "{page}"
        );
        assert!(!page.contains("{{"), "{page}");
    }
    assert!(pages[0].contains("href=\"/v1/not-me/x\"") && pages[0].contains("5 January 2026, 12:00 UTC"));
    assert!(pages[1].contains("method=\"post\"") && pages[1].contains("5 January 2026"));
    assert!(!not_me(Said::Expired, None).contains("<form"));
}

/// The ratio of contrast by WCAG 2.2, 1.4.3, of two colours as `#rrggbb`.
fn contrast(a: &str, b: &str) -> f64 {
    let light = |colour: &str| {
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    };
    let (a, b) = (light(a), light(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn colours_are_told_apart_in_light_and_dark() {
    assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 0.01);
    for page in [PAGE, NOT_ME] {
        let sets: Vec<&str> =
            page.split(":root {").skip(1).map(|set| set.split('}').next().unwrap()).collect();
        assert_eq!(sets.len(), 2);
        for set in sets {
            let colour = |name: &str| set.split_once(&format!("--{name}: ")).map(|(_, rest)| &rest[..7]);
            let papers = ["paper", "tint"].into_iter().filter_map(colour);
            for paper in papers {
                for ink in ["ink", "soft", "mark", "link"].into_iter().filter_map(colour) {
                    assert!(contrast(ink, paper) >= 4.5, "{ink} on {paper}: {}", contrast(ink, paper));
                }
            }
            if let (Some(on), Some(link)) = (colour("on"), colour("link")) {
                assert!(contrast(on, link) >= 4.5, "{on} on {link}");
            }
        }
    }
}

proptest! {
    /// Whatever a sender wrote is text on the page: there are as many tags as without it.
    #[test]
    fn what_was_sent_is_text(program in any::<String>(), account in any::<String>(), factor in any::<String>()) {
        let tags = |page: &str| (page.matches('<').count(), page.matches('>').count(), page.matches('"').count());
        let page = |account: &str, program: &str, factor: &str| {
            let fields = [("ok", "true"), ("user_agent.family", program), ("factor", factor)];
            let entry = entries(vec![happening(0, "login", &fields, "challenge", program)]).remove(0);
            let link = Some("/v1/not-me/x".to_owned());
            let template = Template::read(PAGE).unwrap();
            (template.page(account, Micros(NOON), &[(entry.clone(), link)]), not_me(Said::Asks, Some(&entry)))
        };
        let (log, asks) = page(&account, &program, &factor);
        let (plain_log, plain_asks) = page("a", "b", "c");
        prop_assert_eq!(tags(&log), tags(&plain_log));
        prop_assert_eq!(tags(&asks), tags(&plain_asks));
    }

    /// Nothing is lost and nothing told twice, in whatever order it comes.
    #[test]
    fn the_order_of_what_happened_says_nothing(picks in prop::collection::vec((0..60i64, 0..4u8, any::<bool>()), 0..40), turn in any::<prop::sample::Index>()) {
        let mut all: Vec<Happening> = picks.iter().enumerate().map(|(n, (hour, net, ok))| {
            let (ip, ok) = (format!("203.0.{net}.7"), ok.to_string());
            let country = if net % 2 == 0 { "DE" } else { "NL" };
            let mut it = happening(*hour, "login", &[("ok", &ok), ("ip", &ip), ("ip.country", country)], "allow", "");
            it.seq = n as u64;
            it
        }).collect();
        let straight = entries(all.clone());
        if !all.is_empty() {
            let at = turn.index(all.len());
            all.rotate_left(at);
        }
        prop_assert_eq!(straight.iter().map(|e| e.count).sum::<usize>(), all.len());
        prop_assert!(straight.windows(2).all(|two| two[0].time >= two[1].time));
        prop_assert_eq!(straight, entries(all));
    }
}
