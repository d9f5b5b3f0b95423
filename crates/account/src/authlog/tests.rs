// SPDX-License-Identifier: Apache-2.0
//! Lines → events, as tables; and the totals of a real log where one is at hand.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;
use wardroom_event::{EventType, Field, Raw, Schema, Type};

fn reader() -> Reader {
    Reader::new(Options::new(YearPolicy::FirstLine(2026)))
}

/// An event as one line: `login account ip ok|failed method known|unknown port`, `probe ip what port`; `-` is absent.
fn show(draft: &Draft<'_>) -> String {
    let field = |name: &str| match draft.fields.iter().find(|(n, _)| n == name).map(|(_, raw)| raw) {
        None => "-".to_owned(),
        Some(Raw::Text(text)) => text.to_string(),
        Some(Raw::Int(n)) => n.to_string(),
        Some(Raw::Bool(b)) => b.to_string(),
        Some(other) => format!("{other:?}"),
    };
    let (names, word): (&[&str], _) = match &*draft.kind {
        "ssh_login" => (&["account", "ip", "ok", "method", "user_known", "port"], "login"),
        "ssh_probe" => (&["ip", "what", "port"], "probe"),
        other => panic!("{other}"),
    };
    let values: Vec<String> = names.iter().map(|name| field(name)).collect();
    format!("{word} {}", values.join(" | "))
}

/// The events' types as the shipped packs declare them.
fn schema() -> Arc<Schema> {
    use Type::{Account, Bool, Int, Ip, Text};
    let field = |(name, kind, optional): (&str, Type, bool)| Field::plain(name, kind, optional);
    let event = |name: &str, fields: &[(&str, Type, bool)]| EventType {
        name: name.into(),
        fields: fields.iter().copied().map(field).collect(),
    };
    let login = [
        ("account", Account, true),
        ("ip", Ip, false),
        ("ok", Bool, false),
        ("method", Text, true),
        ("user_known", Bool, true),
        ("port", Int, true),
        ("host", Text, true),
    ];
    let probe = [("ip", Ip, false), ("what", Text, false), ("port", Int, true), ("host", Text, true)];
    Arc::new(Schema::new(vec![event("ssh_login", &login), event("ssh_probe", &probe)]))
}

/// Every draft is one that intake takes.
fn assert_accepted(drafts: &[Draft<'static>]) {
    let schema = schema();
    for draft in drafts {
        let read = wardroom_event::read(draft.clone(), &schema, Micros(i64::MAX), || "none".into());
        assert!(read.as_ref().is_ok_and(|event| *event.id.id != *"none"), "{draft:?}: {read:?}");
    }
}

fn events(reader: &mut Reader, lines: &[String]) -> Vec<Draft<'static>> {
    let mut out = Vec::new();
    lines.iter().for_each(|line| reader.line(line, &mut out));
    reader.finish(&mut out);
    assert_accepted(&out);
    out
}

/// Messages of one sshd process, a second apart, → events.
fn check(messages: &[&str], expect: &[&str]) {
    let lines: Vec<String> =
        (10..).zip(messages).map(|(s, m)| format!("Mar 27 13:06:{s} gate sshd[12]: {m}")).collect();
    let got: Vec<String> = events(&mut reader(), &lines).iter().map(show).collect();
    assert_eq!(got, expect, "{messages:#?}");
}

#[test]
fn single_messages() {
    check(
        &["Accepted password for ada from 203.0.113.9 port 5022 ssh2"],
        &["login ada | 203.0.113.9 | true | password | true | 5022"],
    );
    check(
        &["Accepted publickey for ada from 2001:db8::9 port 5022 ssh2: ED25519 SHA256:abc"],
        &["login ada | 2001:db8::9 | true | publickey | true | 5022"],
    );
    check(
        &["Failed password for ada from 203.0.113.9 port 5022 ssh2"],
        &["login ada | 203.0.113.9 | false | password | true | 5022"],
    );
    check(
        &[
            "Failed keyboard-interactive/pam for invalid user bob from ::ffff:203.0.113.9 port 5 ssh2 [preauth]",
        ],
        &["login bob | 203.0.113.9 | false | keyboard-interactive/pam | false | 5"],
    );
    check(
        &["message repeated 3 times: [ Failed password for root from 203.0.113.9 port 5022 ssh2]"],
        &["login root | 203.0.113.9 | false | password | true | 5022"; 3],
    );
    check(
        &["Did not receive identification string from 203.0.113.9"],
        &["probe 203.0.113.9 | no_identification | -"],
    );
    check(
        &["Bad protocol version identification 'GET / HTTP/1.1' from 203.0.113.9 port 80"],
        &["probe 203.0.113.9 | bad_protocol | 80"],
    );
    check(
        &["banner exchange: Connection from 203.0.113.9 port 80: invalid format"],
        &["probe 203.0.113.9 | bad_protocol | 80"],
    );
    check(
        &[
            "Unable to negotiate with 203.0.113.9 port 80: no matching cipher found. Their offer: x from 198.51.100.1 port 1 [preauth]",
        ],
        &["probe 203.0.113.9 | negotiation | 80"],
    );
    check(&["fatal: Timeout before authentication for 203.0.113.9"], &["probe 203.0.113.9 | timeout | -"]);
    check(&["Connection reset by 203.0.113.9 port 80 [preauth]"], &["probe 203.0.113.9 | reset | 80"]);
    check(
        &[
            "reverse mapping checking getaddrinfo for a.example [198.51.100.1] failed [203.0.113.9] failed - POSSIBLE BREAK-IN ATTEMPT!",
        ],
        &["probe 203.0.113.9 | reverse_mapping | -"],
    );
    check(
        &["Address 203.0.113.9 maps to a.example, but this does not map back to the address."],
        &["probe 203.0.113.9 | reverse_mapping | -"],
    );
    check(&["Connection closed by 203.0.113.9 port 5"], &[]);
    check(&["Disconnected from user ada 203.0.113.9 port 5"], &[]);
    check(&["pam_unix(sshd:auth): authentication failure; logname= rhost=203.0.113.9  user=root"], &[]);
}

#[test]
fn one_attempt_is_told_once() {
    let invalid = "Invalid user bob from 203.0.113.9 port 5";
    let failed = "Failed password for invalid user bob from 203.0.113.9 port 5 ssh2";
    let closed = "Connection closed by 203.0.113.9 port 5 [preauth]";
    let exceeded = "error: maximum authentication attempts exceeded for invalid user bob from 203.0.113.9 port 5 ssh2 [preauth]";
    let once = "login bob | 203.0.113.9 | false | password | false | 5";
    let unseen = "login bob | 203.0.113.9 | false | - | false | 5";
    check(&[invalid, failed, closed], &[once]);
    check(&[invalid, failed, failed, exceeded, closed], &[once, once]);
    check(&[invalid, closed], &[unseen]);
    check(&[invalid], &[unseen]);
    check(
        &[invalid, exceeded, "Disconnecting: Too many authentication failures [preauth]", closed],
        &[unseen],
    );
    check(&[exceeded, "Disconnecting invalid user bob 203.0.113.9 port 5: Too many [preauth]"], &[unseen]);
    check(&[closed], &["probe 203.0.113.9 | preauth_close | 5"]);
    check(&[closed, closed], &["probe 203.0.113.9 | preauth_close | 5"]);
    // The process id came round again: two connections.
    check(&[invalid, closed, invalid, failed], &[unseen, once]);
    check(
        &[invalid, "Invalid user eve from 198.51.100.1 port 6"],
        &[unseen, "login eve | 198.51.100.1 | false | - | false | 6"],
    );
    // Someone else's Failed line does not settle this one.
    check(
        &[invalid, "Failed password for eve from 198.51.100.1 port 6 ssh2"],
        &[unseen, "login eve | 198.51.100.1 | false | password | true | 6"],
    );
}

#[test]
fn attempts_that_no_failed_line_tells() {
    let root = "login root | 203.0.113.9 | false | - | true | 5";
    let leaving = "Received disconnect from 203.0.113.9 port 5:11: Bye from 198.51.100.1 port 1 [preauth]";
    check(&["Connection closed by authenticating user root 203.0.113.9 port 5 [preauth]"], &[root]);
    check(&[leaving, "Disconnected from authenticating user root 203.0.113.9 port 5 [preauth]"], &[root]);
    check(
        &[leaving, "Disconnected from 203.0.113.9 port 5 [preauth]"],
        &["probe 203.0.113.9 | preauth_close | 5"],
    );
    check(&[leaving], &["probe 203.0.113.9 | preauth_close | 5"]);
    check(
        &["error: maximum authentication attempts exceeded for root from 203.0.113.9 port 5 ssh2 [preauth]"],
        &[root],
    );
    check(
        &["Connection closed by invalid user  203.0.113.9 port 5 [preauth]"],
        &["login - | 203.0.113.9 | false | - | false | 5"],
    );
    check(&["Invalid user  from 203.0.113.9"], &["login - | 203.0.113.9 | false | - | false | -"]);
    check(
        &["Failed none for invalid user bob from 203.0.113.9 port 5 ssh2"],
        &["login bob | 203.0.113.9 | false | none | false | 5"],
    );
    // A client that asks for the methods, fails once and then gets in.
    check(
        &[
            "Failed none for ada from 203.0.113.9 port 5 ssh2",
            "Failed password for ada from 203.0.113.9 port 5 ssh2",
            "Accepted password for ada from 203.0.113.9 port 5 ssh2",
        ],
        &[
            "login ada | 203.0.113.9 | false | password | true | 5",
            "login ada | 203.0.113.9 | true | password | true | 5",
        ],
    );
    let refused = "error: PAM: Authentication failure for root from 203.0.113.9";
    let by_pam = "login root | 203.0.113.9 | false | keyboard-interactive/pam | true | -";
    check(
        &[refused, refused, "Connection closed by authenticating user root 203.0.113.9 port 5 [preauth]"],
        &[by_pam; 2],
    );
    check(
        &[refused, "Failed keyboard-interactive/pam for root from 203.0.113.9 port 5 ssh2"],
        &["login root | 203.0.113.9 | false | keyboard-interactive/pam | true | 5"],
    );
    check(
        &[refused, "Accepted keyboard-interactive/pam for root from 203.0.113.9 port 5 ssh2"],
        &[by_pam, "login root | 203.0.113.9 | true | keyboard-interactive/pam | true | 5"],
    );
    // The account exists, whatever sshd says later.
    check(
        &[
            "User root from 203.0.113.9 not allowed because not listed in AllowUsers",
            "Failed password for invalid user root from 203.0.113.9 port 5 ssh2",
        ],
        &["login root | 203.0.113.9 | false | password | true | 5"],
    );
    check(
        &[
            "error: kex_exchange_identification: Connection closed by remote host",
            "Connection closed by 203.0.113.9 port 5",
        ],
        &["probe 203.0.113.9 | preauth_close | 5"],
    );
}

#[test]
fn a_strangers_text_accuses_nobody_else() {
    let spoof = "a from 198.51.100.1 port 5 ssh2";
    let expect =
        |method: &str, port: &str| format!("login {spoof} | 203.0.113.9 | false | {method} | false | {port}");
    check(
        &[&format!("Failed password for invalid user {spoof} from 203.0.113.9 port 22 ssh2")],
        &[&expect("password", "22")],
    );
    check(&[&format!("Invalid user {spoof} from 203.0.113.9")], &[&expect("-", "-")]);
    check(
        &[&format!("Connection closed by invalid user {spoof} 203.0.113.9 port 22 [preauth]")],
        &[&expect("-", "22")],
    );
    check(
        &[&format!(
            "error: maximum authentication attempts exceeded for invalid user {spoof} from 203.0.113.9 port 22 ssh2 [preauth]"
        )],
        &[&expect("-", "22")],
    );
    check(
        &["Bad protocol version identification ''' from 198.51.100.1 port 80' from 203.0.113.9 port 22"],
        &["probe 203.0.113.9 | bad_protocol | 22"],
    );
    // A certificate's key id ends the line as another line's end.
    let cert = "203.0.113.9 port 22 ssh2: ED25519-CERT SHA256:x ID y from 198.51.100.1 port 5 ssh2: z (serial 0) CA RSA SHA256:x";
    check(
        &[&format!("Accepted publickey for ada from {cert}")],
        &["login ada | 203.0.113.9 | true | publickey | true | 22"],
    );
    // Two are possible: the "Invalid user" line before it tells the attempt.
    check(
        &[
            "Invalid user bob from 203.0.113.9 port 22",
            &format!("Failed publickey for invalid user bob from {cert}"),
        ],
        &["login bob | 203.0.113.9 | false | - | false | 22"],
    );
    // A reason that quotes the client.
    check(
        &[
            "Disconnecting authenticating user root 203.0.113.9 port 22: Change of username: (root) -> (x 198.51.100.1 port 1) [preauth]",
        ],
        &["login root | 203.0.113.9 | false | - | true | 22"],
    );
    // A name that looks like a repeated message is a name.
    check(
        &["Failed password for invalid user message repeated 9 times: [ x] from 203.0.113.9 port 22 ssh2"],
        &["login message repeated 9 times: [ x] | 203.0.113.9 | false | password | false | 22"],
    );
}

#[test]
fn every_line_is_counted_once() {
    let check = |line: &str, class: fn(&mut Tally) -> &mut u64| {
        let mut reader = reader();
        reader.line(line, &mut Vec::new());
        let mut expect = Tally { lines: 1, events: reader.tally.events, ..Tally::default() };
        *class(&mut expect) = 1;
        assert_eq!(reader.tally, expect, "{line}");
    };
    let sshd = |message: &str| format!("Mar 27 13:06:56 gate sshd[12]: {message}");
    check(&sshd("Failed password for root from 203.0.113.9 port 22 ssh2"), |t| &mut t.used);
    check(&sshd("Server listening on :: port 22."), |t| &mut t.ignored);
    check(&sshd("a form of tomorrow"), |t| &mut t.unknown);
    check(&sshd("Failed password for root from host.example port 22 ssh2"), |t| &mut t.no_address);
    check(&sshd("Invalid user bob from UNKNOWN"), |t| &mut t.no_address);
    check(
        &sshd(
            "Failed publickey for invalid user a from 203.0.113.9 port 1 ssh2: b from 203.0.113.8 port 1 ssh2: c",
        ),
        |t| &mut t.ambiguous,
    );
    check("Mar 27 13:06:56 gate CRON[12]: (root) CMD (x)", |t| &mut t.other_program);
    check("Mar 27 13:06:56 gate last message repeated 2 times", |t| &mut t.other_program);
    check("-- Boot 0123 --", |t| &mut t.ignored);
    check("", |t| &mut t.ignored);
    check("hello", |t| &mut t.junk);
    check("Feb 30 13:06:56 gate sshd[12]: x", |t| &mut t.junk);
    check(&sshd(&"x".repeat(LINE_BYTES)), |t| &mut t.too_long);
}

#[test]
fn the_line_before_is_repeated() {
    let failed =
        "Mar 27 13:06:56 gate sshd[12]: Failed password for root from 203.0.113.9 port 22 ssh2".to_owned();
    let repeated = "Mar 27 13:06:59 gate last message repeated 2 times".to_owned();
    let other = "Mar 27 13:06:58 gate CRON[1]: x".to_owned();
    let elsewhere = repeated.replace("gate", "door");
    let count = |lines: &[&String]| {
        let lines: Vec<String> = lines.iter().map(|line| (*line).clone()).collect();
        let ids: BTreeSet<String> =
            events(&mut reader(), &lines).into_iter().filter_map(|d| d.id).map(String::from).collect();
        ids.len()
    };
    assert_eq!(count(&[&failed, &repeated]), 3);
    assert_eq!(count(&[&failed, &other, &repeated]), 1);
    assert_eq!(count(&[&failed, &elsewhere]), 1);
    assert_eq!(count(&[&failed, &failed, &failed]), 3);
}

#[test]
fn forms_of_lines_give_the_same_event() {
    let message = "Failed password for root from 203.0.113.9 port 22 ssh2";
    for head in [
        "Mar 27 12:06:56 gate sshd[12]: ",
        "<38>Mar 27 12:06:56 gate sshd[12]: ",
        "2026-03-27T13:06:56+01:00 gate sshd[12]: ",
        "2026-03-27T13:06:56.000000+0100 gate sshd-session[12]: ",
        "<38>1 2026-03-27T12:06:56Z gate sshd 12 - - ",
    ] {
        let got = events(&mut reader(), &[format!("{head}{message}\r\n")]);
        assert_eq!(got.len(), 1, "{head}");
        assert_eq!(show(&got[0]), "login root | 203.0.113.9 | false | password | true | 22", "{head}");
        assert_eq!(got[0].time, Micros::parse("2026-03-27T12:06:56Z"), "{head}");
        assert_eq!(got[0].fields.last().unwrap(), &("host".into(), Raw::Text("gate".into())), "{head}");
    }
}

#[test]
fn what_is_held_is_told_in_time() {
    let invalid = "Mar 27 13:00:00 gate sshd[12]: Invalid user bob from 203.0.113.9";
    let told_at = |next: &str| {
        let (mut reader, mut out) = (reader(), Vec::new());
        reader.line(invalid, &mut out);
        assert!(out.is_empty());
        reader.line(next, &mut out);
        assert_eq!(reader.tally().events, out.len() as u64);
        out.len()
    };
    assert_eq!(told_at("Mar 27 13:02:00 gate CRON[1]: x"), 0);
    assert_eq!(told_at("Mar 27 13:02:01 gate CRON[1]: x"), 1);
    assert_eq!(told_at("Mar 27 12:00:00 gate CRON[1]: x"), 1);
    let (mut reader, mut out) = (reader(), Vec::new());
    reader.line(invalid, &mut out);
    reader.idle(Span::from_secs(119), &mut out);
    assert!(out.is_empty());
    reader.idle(Span::from_secs(121), &mut out);
    assert_eq!(out.len(), 1);
    reader.finish(&mut out);
    assert_eq!(out.len(), 1);
}

#[test]
fn held_lines_are_bounded_and_none_is_lost() {
    let mut reader = Reader::new(Options { connections: 16, ..Options::new(YearPolicy::FirstLine(2026)) });
    let mut out = Vec::new();
    for pid in 0..1000 {
        reader
            .line(&format!("Mar 27 13:00:00 gate sshd[{pid}]: Invalid user bob from 203.0.113.9"), &mut out);
        assert_eq!(out.len(), 1000.min((pid + 1usize).saturating_sub(16)));
    }
    reader.finish(&mut out);
    assert_eq!((out.len(), reader.tally().evicted), (1000, 984));
}

#[test]
fn a_damaged_repeat_is_bounded() {
    let line = "Mar 27 13:00:00 gate sshd[1]: message repeated 4000000000 times: [ Failed password for root from 203.0.113.9 port 22 ssh2]";
    let mut reader = reader();
    let mut out = Vec::new();
    reader.line(line, &mut out);
    assert_eq!(out.len(), REPEATS as usize);
    assert_eq!(reader.tally().repeats_cut, 4_000_000_000 - u64::from(REPEATS));
}

/// The log of a real host. Its numbers were counted by hand with grep and awk, not by this code.
#[test]
fn a_real_log() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/logs/auth.log");
    let Ok(file) = std::fs::File::open(path) else {
        eprintln!("skipped: no real log at ../shared/data/logs/auth.log");
        return;
    };
    let mut log = String::new();
    file.take(16 << 20).read_to_string(&mut log).unwrap();
    let lines: Vec<String> = log.lines().map(str::to_owned).collect();
    let mut reader = Reader::new(Options::new(YearPolicy::FirstLine(2017)));
    let got = events(&mut reader, &lines);
    let mut again = Reader::new(Options::new(YearPolicy::FirstLine(2017)));
    assert_eq!(got, events(&mut again, &lines), "the same file gives the same events");
    let ids: BTreeSet<_> = got.iter().map(|d| d.id.clone()).collect();
    assert_eq!(ids.len(), got.len(), "ids are distinct");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut failing = BTreeSet::new();
    for draft in &got {
        let shown = show(draft);
        let parts: Vec<&str> = shown.split(" | ").collect();
        let name = match (&*draft.kind, parts.get(2)) {
            ("ssh_login", Some(&"false")) => {
                failing.insert(parts[1].to_owned());
                format!("failed {}", parts[3])
            }
            ("ssh_login", _) => format!("accepted {}", parts[3]),
            _ => format!("probe {}", parts[1]),
        };
        *counts.entry(name).or_default() += 1;
    }
    let counts: Vec<(&str, usize)> = counts.iter().map(|(name, n)| (&**name, *n)).collect();
    let expect = [
        ("accepted password", 190),
        ("accepted publickey", 36),
        // 86 connections that only named an account, 31 that only exceeded the attempts.
        ("failed -", 117),
        // 628 lines, and 410 told by 85 repeats.
        ("failed password", 1038),
        ("failed publickey", 4),
        ("probe bad_protocol", 18),
        ("probe negotiation", 4),
        ("probe no_identification", 14),
        ("probe preauth_close", 125),
    ];
    assert_eq!(counts, expect);
    // 105 addresses stand on Failed lines (one is 127.0.0.1); 45 more failed without one.
    assert_eq!(failing.len(), 150);
    let tally = Tally {
        lines: 7121,
        events: 1546,
        used: 2041,
        ignored: 2054,
        other_program: 3026,
        repeated_expanded: 325,
        ..Tally::default()
    };
    assert_eq!(reader.tally(), &tally);
}

proptest! {
    #[test]
    fn no_line_panics(lines in proptest::collection::vec(any::<String>(), 0..8)) {
        events(&mut reader(), &lines);
    }

    #[test]
    fn no_message_panics_and_each_is_counted(
        messages in proptest::collection::vec(
            "(Accepted|Failed|Invalid user|error: PAM:|Connection closed by|Disconnecting|User|Received disconnect from|message repeated 3 times: \\[)( (invalid user|root|for|from|not allowed because|é|203.0.113.9|2001:db8::1|port|22|ssh2|ssh2:|ssh2\\]|\\[preauth\\])){0,9}",
            0..20,
        ),
        pids in proptest::collection::vec(0u8..3, 20),
    ) {
        let lines: Vec<String> = messages.iter().zip(pids)
            .map(|(message, pid)| format!("Mar 27 13:06:56 gate sshd[{pid}]: {message}")).collect();
        let mut reader = reader();
        let got = events(&mut reader, &lines);
        let t = reader.tally();
        let classes = t.used + t.ignored + t.other_program + t.unknown + t.no_address + t.ambiguous + t.junk + t.too_long;
        prop_assert_eq!(classes, t.lines);
        prop_assert_eq!(t.events, got.len() as u64);
        let ids: BTreeSet<_> = got.iter().map(|d| d.id.clone()).collect();
        prop_assert_eq!(ids.len(), got.len());
    }
}
