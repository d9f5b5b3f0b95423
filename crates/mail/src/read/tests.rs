// SPDX-License-Identifier: Apache-2.0
//! Whole messages: what is odd about broken ones, and what the worst of them cost.

use super::*;
use crate::kind::Kind as _;
use proptest::prelude::*;

/// Reads a message of which these are the lines.
fn of(lines: &[&str]) -> Reading {
    read(lines.join("\n").as_bytes(), &mut Budget::default())
}

/// The names of what is odd, without what each of these short messages lacks.
fn odd(reading: &Reading) -> String {
    let lacks =
        [Oddity::NoDate, Oddity::NoMessageId, Oddity::NoSubject, Oddity::NoFrom, Oddity::NoRecipients];
    let names: Vec<_> =
        reading.oddities.iter().filter(|oddity| !lacks.contains(oddity)).map(Oddity::name).collect();
    names.join(" ")
}

#[track_caller]
fn check(lines: &[&str], text: &str, oddities: &str) {
    let reading = of(lines);
    assert_eq!((reading.text.trim_end(), odd(&reading).as_str()), (text, oddities), "{lines:?}");
}

const TO: &str = "Content-Type: multipart/mixed; boundary=b";

#[test]
fn sound_messages_have_no_oddity() {
    let reading = of(&[
        "Date: Thu, 22 Aug 2002 18:26:25 +0700",
        "From: Ann <ann@example.org>",
        "To: bob@example.net",
        "Subject: =?utf-8?Q?Caf=C3=A9?=",
        "Message-ID: <1@example.org>",
        "MIME-Version: 1.0",
        "Content-Type: multipart/alternative; boundary=\"b\"",
        "",
        "--b",
        "Content-Type: text/plain; charset=utf-8",
        "",
        "See https://example.org/x",
        "--b",
        "Content-Type: text/html; charset=utf-8",
        "",
        "<p>See <a href=\"https://example.org/x\">this</a></p>",
        "--b--",
        "",
    ]);
    assert_eq!(reading.oddities, Set::new());
    assert_eq!(reading.text, "See https://example.org/x\nSee this\n");
    assert_eq!((reading.subject.as_str(), reading.from[0].domain()), ("Café", Some("example.org")));
    assert_eq!(reading.parts.iter().map(|part| part.depth).collect::<Vec<_>>(), [0, 1, 1]);
    assert_eq!(reading.urls.len(), 2);
}

#[test]
fn broken_headers() {
    check(
        &["Subject: a", "no field at all", "x: y", "", "body"],
        "no field at all\nx: y\n\nbody",
        "no_blank_line header_without_colon",
    );
    check(&["From x@y Mon", "Subject: a", "", "body"], "body", "mbox_line");
    check(&["Subject : a", "", "body"], "body", "header_space_before_colon");
    check(&[" lost", "Subject: a", "", "body"], "body", "leading_continuation");
    check(&["Subject: a"], "", "no_blank_line body_empty");
    check(&[""], "", "no_headers body_empty");
    check(&["Subject: a", "Subject: b", "", "x"], "x", "duplicate_subject");
    check(&["To: a@b.c", "To: d@e.f", "", "x"], "x", "duplicate_once");
    check(&["From: a@b.c, d@e.f", "", "x"], "x", "from_several");
    check(&["From: someone", "", "x"], "x", "from_no_address");
    check(&["From: \"a@b.c\" <d@e.f>", "", "x"], "x", "name_is_address name_is_other_address");
    check(&["From: \"a@b.c\" <A@B.c>", "", "x"], "x", "name_is_address");
    check(&["From: \"PayPal.com Team\" <d@e.f>", "", "x"], "x", "name_has_domain");
    check(&["Subject: p\u{430}ypal", "", "x"], "x", "header_eight_bit name_mixed_script");
    check(&["Date: soon", "", "x"], "x", "date_invalid");
    check(&["Message-ID: 1", "", "x"], "x", "message_id_odd");
    let reading = of(&["Subject: a", "  b", "\tc", " ", "X: y", "", "t"]);
    assert_eq!(
        (reading.subject.as_str(), reading.header("x"), odd(&reading).as_str()),
        ("a  b\tc".replace('\t', " ").as_str(), Some("y"), "")
    );
}

#[test]
fn broken_multiparts() {
    check(
        &[TO, "", "pre", "--b", "", "one", "--b--", "epi"],
        "one",
        "mime_version_missing preamble epilogue",
    );
    check(
        &[TO, "", "--b", "", "one", "--b", "", "two"],
        "one\ntwo",
        "mime_version_missing multipart_unclosed",
    );
    check(&[TO, "", "just text"], "just text", "mime_version_missing boundary_not_found");
    check(
        &["Content-Type: multipart/mixed", "", "--q", "", "one", "--q--"],
        "one",
        "mime_version_missing boundary_missing boundary_guessed",
    );
    check(&["Content-Type: multipart/mixed", "", "text"], "text", "mime_version_missing boundary_missing");
    check(&[TO, "", "--b--", ""], "", "mime_version_missing multipart_empty body_empty");
    check(
        &[TO, "", "--b", "", "one", "--bc", "two", "--b--"],
        "one\n--bc\ntwo",
        "mime_version_missing boundary_lookalike",
    );
    check(
        &[
            TO,
            "",
            "--b",
            "Content-Type: multipart/mixed; boundary=bb",
            "",
            "--bb",
            "",
            "one",
            "--b",
            "",
            "two",
            "--b--",
        ],
        "one\ntwo",
        "mime_version_missing multipart_unclosed",
    );
    check(
        &[
            TO,
            "",
            "--b",
            "Content-Type: multipart/mixed; boundary=none",
            "",
            "text",
            "--b",
            "",
            "two",
            "--b--",
        ],
        "text\ntwo",
        "mime_version_missing boundary_not_found",
    );
}

#[test]
fn alternatives_that_say_different_things() {
    let words = |letter: &str| (0..40).map(|at| format!("{letter}word{at}")).collect::<Vec<_>>().join(" ");
    let told = |html: &str| {
        let lines = [
            "MIME-Version: 1.0",
            "Content-Type: multipart/alternative; boundary=b",
            "",
            "--b",
            "",
            &words("a"),
            "--b",
            "Content-Type: text/html",
            "",
            html,
            "--b--",
        ];
        odd(&of(&lines))
    };
    assert_eq!(told(&words("a")), "");
    assert_eq!(told(&words("b")), "alternative_differs");
    assert_eq!(told("short"), "");
}

#[test]
fn broken_bodies() {
    let base64 = "Content-Transfer-Encoding: base64";
    check(&[base64, "", "aGVsbG8="], "hello", "mime_version_missing");
    check(&[base64, "", "aGV*sbG8"], "hello", "mime_version_missing base64_junk base64_cut");
    check(
        &["Content-Transfer-Encoding: quoted-printable", "", "a=ZZ"],
        "a=ZZ",
        "mime_version_missing quoted_printable_broken",
    );
    check(&["Content-Transfer-Encoding: rot13", "", "a"], "a", "mime_version_missing encoding_unknown");
    check(&["Subject: a", "", "caf\u{e9}"], "café", "eight_bit_undeclared charset_missing");
    check(&["Subject: a", "", "a\0b"], "ab", "body_nul");
    check(&["Subject: a", "", "a\rb\rc"], "abc", "bare_cr");
    check(&["Subject: a\r", "\r", "a\r", "b", "c\r"], "a\nb\nc", "mixed_line_ends");
    check(
        &["Content-Type: text/html", "", "<style>x</style>"],
        "",
        "mime_version_missing html_without_text body_empty",
    );
    check(&["Content-Type: nonsense", "", "a"], "", "mime_version_missing type_invalid");
}

#[test]
fn a_forwarded_message_is_read() {
    let reading = of(&[
        TO,
        "",
        "--b",
        "Content-Type: message/rfc822",
        "",
        "Subject: in",
        TO.replace("=b", "=c").as_str(),
        "",
        "--c",
        "",
        "deep",
        "--c--",
        "--b--",
    ]);
    assert_eq!(reading.text, "deep\n");
    assert_eq!(reading.parts.iter().map(|part| part.depth).collect::<Vec<_>>(), [0, 1, 2, 3]);
    let digest = of(&[
        "Content-Type: multipart/digest; boundary=b",
        "",
        "--b",
        "",
        "Subject: in",
        "",
        "text",
        "--b--",
    ]);
    assert_eq!((digest.text.as_str(), digest.parts[1].kind), ("text\n", PartKind::Message));
}

/// Reads it and says what ran out; no limit may be passed, whatever it is.
fn worst(raw: &[u8]) -> Vec<&'static str> {
    let mut budget = Budget::default();
    let reading = read(raw, &mut budget);
    sound(raw, &reading, &budget);
    let over = |oddity: &Oddity| oddity.name().starts_with("over_budget");
    reading.oddities.iter().filter(over).map(Oddity::name).collect()
}

/// What holds of every reading.
fn sound(raw: &[u8], reading: &Reading, budget: &Budget) {
    for resource in Resource::ALL {
        assert!(reading.spent.of(resource) <= budget.limit(resource), "{resource:?}");
    }
    assert!(reading.parts.len() <= budget.limit(Resource::Parts));
    assert!(reading.urls.len() <= budget.limit(Resource::Urls));
    assert!(reading.text.len() + reading.hidden.len() <= 2 * budget.limit(Resource::Text) + 1024);
    assert!(reading.parts.iter().all(|part| part.body.start <= part.body.end && part.body.end <= raw.len()));
    assert!(reading.parts.iter().enumerate().all(|(at, part)| part.parent.is_none_or(|parent| parent < at)));
    assert!(
        reading.headers.iter().all(|header| header.at.start <= header.at.end && header.at.end <= raw.len())
    );
    assert!(reading.urls.iter().all(|url| url.target.is_none_or(|target| target < reading.urls.len())));
    assert!(reading.attachments.iter().all(|attachment| attachment.part < reading.parts.len()));
}

#[test]
fn the_worst_messages_cost_no_more_than_their_budget() {
    assert_eq!(worst("Content-Type: message/rfc822\n\n".repeat(100_000).as_bytes()), ["over_budget_depth"]);
    let nest: String =
        (0..10_000).map(|at| format!("Content-Type: multipart/mixed; boundary=b{at}\n\n--b{at}\n")).collect();
    assert_eq!(worst(nest.as_bytes()), ["over_budget_depth"]);
    let same = format!("{TO}\n\n--b\n").repeat(10_000);
    assert_eq!(worst(same.as_bytes()), ["over_budget_depth"]);
    assert_eq!(worst("X: y\n".repeat(100_000).as_bytes()), ["over_budget_headers"]);
    assert_eq!(
        worst(format!("X: {}\n\nbody", "y".repeat(5_000_000)).as_bytes()),
        ["over_budget_header_bytes"]
    );
    assert_eq!(worst(format!("{TO}\n\n{}", "--b\n\nx\n".repeat(100_000)).as_bytes()), ["over_budget_parts"]);
    assert_eq!(worst(format!("{TO}\n\n{}", "--bb\n".repeat(500_000)).as_bytes()), ["over_budget_text"]);
    assert_eq!(worst(format!("\n{}", "http://e.example/".repeat(60_000)).as_bytes()), [""; 0]);
    let urls: String = (0..60_000).map(|at| format!("http://e{at}.example ")).collect();
    assert_eq!(worst(format!("\n{urls}").as_bytes()), ["over_budget_text", "over_budget_urls"]);
    let html = |body: String| format!("Content-Type: text/html\n\n{body}");
    assert_eq!(worst(html("<div>".repeat(200_000)).as_bytes()), ["over_budget_tags"]);
    assert_eq!(worst(html("<a href='".repeat(100_000)).as_bytes()), [""; 0]);
    assert_eq!(worst(html("<p style='".to_owned() + &"a:b;".repeat(200_000)).as_bytes()), [""; 0]);
    assert_eq!(worst(html("&".repeat(900_000)).as_bytes()), [""; 0]);
    assert_eq!(worst(format!("\n{}", "a.".repeat(500_000)).as_bytes()), [""; 0]);
    assert_eq!(worst(format!("\n{}", "http://a)))))))".repeat(60_000)).as_bytes()), [""; 0]);
    assert_eq!(worst(format!("From: {}\n\n", "(".repeat(200_000)).as_bytes()), [""; 0]);
    assert_eq!(worst(format!("Subject: {}\n\n", "=?utf-8?Q?".repeat(20_000)).as_bytes()), [""; 0]);
    assert_eq!(worst(format!("Content-Type: a/b; {}\n\n", "x*1=y;".repeat(20_000)).as_bytes()), [""; 0]);
    assert_eq!(worst(format!("Received: {}\n\n", "from a by b for (".repeat(10_000)).as_bytes()), [""; 0]);
}

#[test]
fn a_budget_may_be_smaller() {
    let raw = b"Subject: a\nX: y\n\nhttp://a.example http://b.example";
    let mut budget =
        Budget::default().with(Resource::Urls, 1).with(Resource::Headers, 1).with(Resource::Bytes, 40);
    let reading = read(raw, &mut budget);
    assert_eq!((reading.headers.len(), reading.urls.len()), (1, 1));
    assert_eq!(odd(&reading), "over_budget_bytes over_budget_headers");
}

/// Pieces of which broken messages are made.
const PIECES: &str = "(Subject: |From: |To: |Content-Type: |text/html|text/plain|multipart/mixed|message/rfc822|; boundary=b|\
    --b|--b--|Content-Transfer-Encoding: |base64|quoted-printable|=\\?utf-8\\?Q\\?|\\?=|\n|\n\n|\r\n|\r|<a href=|<p>|</p>|http://|\
    =C3|é|a@b\\.c|<|>|\"|,|;|\\(|\\)|a|\u{0}|\u{200b}| ){0,60}";

proptest! {
    #[test]
    fn any_bytes_are_read(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut budget = Budget::default();
        sound(&raw, &read(&raw, &mut budget), &budget);
    }

    #[test]
    fn any_message_is_read_alike_twice(raw in PIECES) {
        let mut budget = Budget::default();
        let reading = read(raw.as_bytes(), &mut budget);
        sound(raw.as_bytes(), &reading, &budget);
        prop_assert_eq!(reading, read(raw.as_bytes(), &mut Budget::default()));
    }

    #[test]
    fn what_is_put_together_is_taken_apart(
        texts in proptest::collection::vec("[a-z]{1,12}( [a-z]{1,12}){0,5}", 1..6),
        boundary in "[a-zA-Z0-9'()+_,./:=-]{1,60}",
    ) {
        let parts: String = texts.iter().map(|text| format!("--{boundary}\r\n\r\n{text}\r\n")).collect();
        let raw = format!("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n{parts}--{boundary}--\r\n");
        let reading = read(raw.as_bytes(), &mut Budget::default());
        prop_assert_eq!(odd(&reading), "");
        prop_assert_eq!(reading.text, texts.join("\n") + "\n");
        prop_assert_eq!(reading.parts.len(), texts.len() + 1);
    }
}
