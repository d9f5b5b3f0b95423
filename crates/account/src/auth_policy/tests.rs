// SPDX-License-Identifier: Apache-2.0
//! Bodies as the real Dovecot 2.3.19 sends them → events, and steps → answers.

use super::*;
use wardroom_event::Raw;

/// A body of Dovecot with a part replaced.
fn body(from: &str, to: &str) -> String {
    let body = r#"{"authenticated":"","device_id":"\"name\" \"Thunderbird\" \"version\" \"128.0\"","login":"Alice","protocol":"imap","pwhash":"0ddc","remote":"203.0.113.7","session_id":"G1eae1ZhRON/AAAB","success":false,"policy_reject":false,"tls":"TLSv1.3","tls":true}"#;
    assert!(body.contains(from), "{from}");
    body.replace(from, to)
}

fn show(draft: Option<Draft<'_>>) -> String {
    let Some(draft) = draft else { return "nothing".to_owned() };
    let fields = draft.fields.iter().filter(|(name, _)| name != "password").map(|(name, raw)| match raw {
        Raw::Text(text) => format!("{name}={text}"),
        Raw::Bool(b) => format!("{name}={b}"),
        other => panic!("{other:?}"),
    });
    format!("{}: {}", draft.kind, fields.collect::<Vec<_>>().join(" "))
}

fn field(draft: &Draft<'_>, name: &str) -> String {
    match draft.fields.iter().find(|(n, _)| n == name) {
        Some((_, Raw::Text(text))) => text.to_string(),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn bodies_become_events() {
    let tags = Tags::new([1; 16]);
    let check = |from: &str, to: &str, asked: &str, reported: &str| {
        let question = Question::read(body(from, to).as_bytes()).unwrap();
        assert_eq!(show(question.asked(&tags)), asked, "{to}");
        assert_eq!(show(question.reported(&tags)), reported, "{to}");
    };
    let rest = "account=alice ip=203.0.113.7 protocol=imap user_agent=Thunderbird/128.0";
    let (attempt, failed) = (format!("attempt: {rest}"), format!("login: ok=false {rest}"));
    let passed = format!("login: ok=true {rest} session=G1eae1ZhRON/AAAB");
    check("\"\"", "\"\"", &attempt, &failed);
    check("\"success\":false", "\"success\":true", &attempt, &passed);
    check("\"authenticated\":\"\"", "\"authenticated\":\"checked\"", &passed, &failed);
    check("\"policy_reject\":false", "\"policy_reject\":true", &attempt, "nothing");
    check("\"Alice\"", "\"\"", "nothing", "nothing");
    check("203.0.113.7", "", "nothing", "nothing");
    check("203.0.113.7", "mail.example", "nothing", "nothing");
    let submission = rest.replace("imap", "smtp");
    check("imap", "submission", &format!("attempt: {submission}"), &format!("login: ok=false {submission}"));
    check("\"203.0.113.7\"", "7", "nothing", "nothing");
}

#[test]
fn a_success_told_twice_has_one_id_and_everything_else_another() {
    let tags = Tags::new([1; 16]);
    let read = |from: &str, to: &str| Question::read(body(from, to).as_bytes()).unwrap();
    let id = |draft: Option<Draft<'_>>| draft.unwrap().id.map(|id| id.to_string());
    let allowed = read("\"authenticated\":\"\"", "\"authenticated\":\"checked\"");
    let success = id(read("\"success\":false", "\"success\":true").reported(&tags));
    assert_eq!(id(allowed.asked(&tags)), success);
    assert_ne!(id(read("\"\"", "\"\"").reported(&tags)), success);
    for (from, to) in [("G1eae1ZhRON/AAAB", "other"), ("Alice", "bob"), ("0ddc", "0ddd")] {
        assert_ne!(id(read(from, to).reported(&tags)), id(read("\"\"", "\"\"").reported(&tags)), "{to}");
    }
    assert_eq!(id(read("G1eae1ZhRON/AAAB", "").reported(&tags)), None, "without a session each is its own");
    assert_eq!(id(read("\"\"", "\"\"").asked(&tags)), None, "an attempt counts nothing");
}

#[test]
fn a_password_is_one_at_an_account_and_never_the_same_at_two() {
    let tags = Tags::new([1; 16]);
    let read =
        |from: &str, to: &str| Question::read(body(from, to).as_bytes()).unwrap().asked(&tags).unwrap();
    let password = |draft: &Draft<'_>| field(draft, "password");
    let one = password(&read("\"\"", "\"\""));
    assert_eq!(one, password(&read("203.0.113.7", "198.51.100.1")));
    assert_eq!(one, password(&read("Alice", "ALICE")), "names are the same in any case");
    assert_ne!(one, password(&read("0ddc", "0ddd")));
    assert_ne!(one, password(&read("Alice", "bob")));
    assert!(!one.contains("0ddc"));
    assert!(!format!("{:?}", Question::read(body("\"\"", "\"\"").as_bytes())).contains("lice"));
}

/// A mail server that lets people in when no answer comes must get one whatever a stranger writes.
#[test]
fn whatever_a_stranger_writes_is_a_question() {
    let tags = Tags::new([1; 16]);
    let line = "\\u0001".repeat(8 * 1024);
    let long = format!("{line}{}", "\\\"".repeat(1024));
    for text in [&*long, "\\u0000", "a\u{202e}b", "' OR 1=1 --", "\\\"}", &"ä".repeat(4000)] {
        for place in ["Alice", "\\\"name\\\" \\\"Thunderbird\\\" \\\"version\\\" \\\"128.0\\\"", "imap"] {
            let question = Question::read(body(place, text).as_bytes()).unwrap();
            let draft = question.asked(&tags).unwrap();
            assert!(draft.fields.iter().all(|(_, raw)| match raw {
                Raw::Text(text) => !text.is_empty() && text.len() <= wardroom_event::limits::TEXT_BYTES,
                _ => true,
            }));
            assert!(field(&draft, "account").len() <= wardroom_event::limits::ENTITY_BYTES);
        }
    }
    let mut bytes = body("Alice", "Al?ce").into_bytes();
    let at = bytes.iter().position(|b| *b == b'?').unwrap();
    bytes[at] = 0xff;
    assert_eq!(field(&Question::read(&bytes).unwrap().asked(&tags).unwrap(), "account"), "al\u{fffd}ce");
}

#[test]
fn programs_are_named() {
    let check = |id: &str, expect: Option<&str>| assert_eq!(program(id).as_deref(), expect, "{id}");
    check(r#""version" "1" "NAME" "iPhone Mail""#, Some("iPhone Mail/1"));
    check(r#""name" "K-9""#, Some("K-9"));
    check(r#""os" "x""#, None);
    check(r#""name" "half"#, Some("half"));
    check(r#""name"#, None);
    check("Mozilla/5.0 (X11)", Some("Mozilla/5.0 (X11)"));
    let long = format!("{}\"name\" \"late\"", "\"a\" \"b\" ".repeat(limits::ID_PAIRS));
    check(&long, None);
}

#[test]
fn steps_become_answers_that_name_nobody() {
    let check = |step: Step<'_>, status: i32| {
        let said = answer(step);
        assert_eq!(said.status, status, "{step:?}");
        assert_eq!(said.status < 0, !said.msg.is_empty(), "who is refused is told what to do");
        assert!(said.msg.len() < 100 && said.msg.is_ascii() && !said.msg.contains('"'));
    };
    check(Step::LetIn, 0);
    check(Step::LetInAndTell, 0);
    check(Step::SlowDown { seconds: 5 }, 5);
    check(Step::StepUp { ask: "captcha" }, -1);
    check(Step::Hold, -1);
    check(Step::Refuse, -1);
}
