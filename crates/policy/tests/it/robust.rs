// SPDX-License-Identifier: Apache-2.0
//! No text harms the compiler: arbitrary text, soup of the language's own words, good policies with a slip or two.
//! Whatever is said points between characters of the text it is about.

use crate::good;
use crate::support::{codes, compiled, said};
use proptest::prelude::*;
use wardroom_policy::{Bundle, Compiled, compile, page};

/// Words and marks of the language, with what lies near to them.
const WORDS: &[&str] = &[
    "event",
    "feature",
    "list",
    "rule",
    "test",
    "on",
    "when",
    "then",
    "because",
    "mode",
    "missing",
    "owner",
    "given",
    "expect",
    "by",
    "within",
    "ago",
    "from",
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
    "true",
    "false",
    "None",
    "count",
    "distinct",
    "first_seen",
    "where",
    "of",
    "last",
    "allow",
    "limit",
    "challenge",
    "review",
    "block",
    "live",
    "draft",
    "shadow",
    "retired",
    "canary",
    "login",
    "message",
    "account",
    "ip",
    "net",
    "ok",
    "time",
    "size",
    "failures",
    "logins",
    "ours",
    "text",
    "int",
    "duration",
    "bool",
    "email",
    "len",
    "abs",
    "lower",
    "startswith",
    "for",
    "lambda",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "{{",
    "}}",
    ":",
    ",",
    ".",
    "=",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "+",
    "-",
    "*",
    "/",
    "?",
    "%",
    "//",
    "**",
    "&&",
    "||",
    "!",
    ";",
    "$",
    "\\",
    "\\\"",
    "#",
    "# c\n",
    "\n",
    "\n",
    "\n",
    "\n    ",
    "\n    ",
    "\n        ",
    "\t",
    "\r\n",
    "\u{feff}",
    "\u{a0}",
    "é",
    "größe",
    "\u{202e}",
    "“",
    "”",
    "0",
    "1",
    "30",
    "0.5",
    "1e5",
    "1e-",
    "1e-5",
    "99999999999999999999",
    "2s",
    "192.0.2.7",
    "\"\"",
    "''",
    "\"1h\"",
    "'1h'",
    "\"192.0.2.7\"",
    "\"é\"",
    "\"{ip}\"",
    "\"{\"",
    "\"}\"",
    "\"{x.y(\\\"a\\\")}\"",
    "\"{x.y(\"a\")}\"",
    "\"",
    "'",
    "\"\\q\"",
    "record",
    "const",
    "table",
    "model",
    "evidence",
    "score",
    "budget",
    "enum",
    "suffix",
    "regex",
    "weigh",
    "capped",
    "to",
    "at",
    "expires",
    "was",
    "any",
    "all",
    "sum",
    "mean",
    "min",
    "max",
    "seen",
    "rate",
    "ratio",
    "quantile",
    "baseline",
    "speed",
    "sequence",
    "over",
    "including",
    "self",
    "first",
    "times",
    "q",
    "lat",
    "lon",
    "label",
    "case",
    "notify",
    "webhook",
    "labelled",
    "matches",
    "prior",
    "top",
    "probability",
    "known",
    "mean",
    "weeks",
    "asn",
    "kind",
    "country",
    "site",
    "x",
    "items",
    "urls",
    "number",
    "rate",
    "user_agent",
    "url",
    "->",
    "5%",
    "\"5/m\"",
    "\"10MB\"",
    "\"{x.top(3)}\"",
    "\"bot.json\"",
    "\"risk.csv\"",
    "\"2027-01-01T00:00:00Z\"",
    "[x for x in",
    "~",
    "=>",
    "<>",
    "@",
];

/// What must hold of every answer.
fn sound(bundle: &Bundle) -> Compiled {
    let compiled = compile(bundle);
    let errors = compiled.diagnostics.iter().filter(|d| d.is_error()).count();
    assert_eq!(compiled.program.is_none(), errors > 0);
    let mut before = None;
    for d in &compiled.diagnostics {
        assert!(page(d.code).is_some(), "{}", d.code);
        assert!(before <= Some(d.primary.0), "out of order");
        before = Some(d.primary.0);
        for (loc, _) in std::iter::once(&d.primary).chain(&d.others) {
            let text = compiled.sources.text(loc.file);
            let (start, end) = (loc.start as usize, loc.end as usize);
            assert!(text.get(start..end).is_some(), "{}: {start}..{end} of {}", d.message, text.len());
            let known = bundle.get(compiled.sources.name(loc.file));
            assert!(known.is_some(), "a place in no file");
        }
    }
    let _ = said(&compiled);
    let again = compile(bundle);
    assert_eq!(again.diagnostics, compiled.diagnostics);
    compiled
}

fn soup() -> impl Strategy<Value = String> {
    let piece = (proptest::sample::select(WORDS), prop_oneof![4 => Just(" "), 1 => Just("")]);
    proptest::collection::vec(piece, 0..60)
        .prop_map(|words| words.into_iter().flat_map(|(w, s)| [w, s]).collect())
}

fn short_soup() -> impl Strategy<Value = String> {
    let piece = (proptest::sample::select(WORDS), prop_oneof![4 => Just(" "), 1 => Just("")]);
    proptest::collection::vec(piece, 0..6)
        .prop_map(|words| words.into_iter().flat_map(|(w, s)| [w, s]).collect::<String>().replace('\n', " "))
}

/// A text with a stretch of it taken out, doubled or put in the place of another.
pub(crate) fn slip() -> impl Strategy<Value = (usize, usize, usize, &'static str, u8)> {
    (any::<usize>(), 0usize..12, any::<usize>(), proptest::sample::select(WORDS), 0u8..5)
}

pub(crate) fn slipped(
    text: &str,
    (at, len, to, word, way): (usize, usize, usize, &'static str, u8),
) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.is_empty() {
        return word.to_owned();
    }
    let at = at % chars.len();
    let to = to % chars.len();
    let end = (at + len).min(chars.len());
    let text = |from: usize, to: usize| chars[from..to].iter().collect::<String>();
    let (head, cut, tail) = (text(0, at), text(at, end), text(end, chars.len()));
    match way {
        0 => head + &tail,
        1 => format!("{head}{cut}{cut}{tail}"),
        2 => format!("{head}{word}{tail}"),
        3 => head,
        _ => format!("{}{cut}{}", text(0, to), text(to, chars.len())),
    }
}

/// A policy of every kind of declaration, to put soup into.
const WHOLE: &str = "record item:
    name: text?
    size: size

event login:
    account: account
    ip: ip
    ok: bool
    size: int
    email: email?
    plan: enum(\"free\", \"paid\")?
    urls: list(url)?
    items: list(item)?

const burst = 30
list ours: net
feature failures = count(login, by=ip, last=\"1h\")
feature usual = baseline(failures, over=\"28d\")
feature half = failures / 2
table risk(kind: text, n: int) -> number:
    \"a\", < 3 -> 0.5
    else -> 0.0
evidence slow on login:
    weigh size capped -2 to 6
    because \"{size}\"
score all on login = sum(prior(-4.6), slow)
";

/// Where an expression, a clause or the rest of a line can stand.
const PLACES: &[&str] = &[
    "rule r on login:\n    when $\n    then block\n    because \"{$}\"\n",
    "rule r on login:\n    when ok\n    then $, label($, \"a\")\n    because \"x\"\n    mode $\n    expires $\n",
    "rule r on login:\n    when any($ for x in $ if $)\n    then block\n    because \"{all.top($)}\"\n",
    "feature f = count(login, where=$, by=$, last=$)\n",
    "feature f = sequence(login, first=$, times=$, then=$, within=$, last=\"1h\")\n",
    "feature f = quantile($, of=$, q=$, last=\"1h\", including=$)\n",
    "feature f = baseline($, over=$).mean + $\n",
    "feature f = $\nrule r on login:\n    when f\n    then block\n    because \"{f}\"\n",
    "const c = $\nrule r on login:\n    when c in $\n    then block\n    because \"x\"\n",
    "list l: $ = [$]\n",
    "list l: $ suffix from $\n",
    "table t($: $) -> $:\n    $, $ -> $\n    else -> $\n",
    "table t(kind: text) -> number:\n    $ to $ -> $\n    < $ -> 1\n    [$] -> 2\n",
    "model m on login from $:\n    x = $\n",
    "evidence e on login:\n    weigh $ capped $ to $\n    because \"{$}\"\n",
    "score s on login = sum(prior($), $, slow)\n",
    "event e:\n    a: $\n    b: enum($)\n    c: list($)\n",
    "record r:\n    a: $\n",
    "budget login = $\n",
    "test t:\n    given $ * login($) within $ ago $, ip.$ = $\n    when login($) at $\n    expect $ by $, $\n",
    "$\n    $\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, max_shrink_iters: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read(text in "\\PC{0,200}", lines in proptest::collection::vec("[ -~\\t\\r\\n]{0,80}", 0..8)) {
        sound(&Bundle::single("a.ward", &text));
        sound(&Bundle::single("a.ward", &lines.join("\n")));
    }

    #[test]
    fn any_soup_is_read(one in soup(), two in soup()) {
        let mut bundle = Bundle::single("a.ward", &one);
        bundle.add("x/b.ward", two);
        bundle.add("x/l.txt", "1\n");
        sound(&bundle);
    }

    #[test]
    fn any_expression_of_soup_is_read(soup in soup()) {
        let soup = soup.replace('\n', " ");
        let login = "event login:\n    account: account\n    ip: ip\n    ok: bool\n    size: int\n    email: email?\n\nfeature failures = count(login, by=ip, last=\"1h\")\nlist ours: net\n";
        sound(&Bundle::single("a.ward", &format!("{login}rule r on login:\n    when {soup}\n    then block\n    because \"{{{soup}}}\"\n")));
        sound(&Bundle::single("a.ward", &format!("{login}feature f = count(login, where={soup}, by=ip)\ntest t:\n    given {soup}\n    when login({soup})\n    expect {soup}\n")));
    }

    #[test]
    fn soup_is_read_wherever_it_stands(place in proptest::sample::select(PLACES), soups in proptest::collection::vec(short_soup(), 9)) {
        let mut text = String::new();
        for (i, piece) in place.split('$').enumerate() {
            text.push_str(if i > 0 { &soups[i % soups.len()] } else { "" });
            text.push_str(piece);
        }
        sound(&Bundle::single("a.ward", &format!("{WHOLE}{text}")));
        sound(&Bundle::single("a.ward", &format!("{text}{WHOLE}")));
    }

    #[test]
    fn truncated_policies_are_read(file in any::<usize>(), at in any::<usize>()) {
        let mut bundle = good::bundle();
        let names: Vec<String> = bundle.files().map(|(p, _)| p.to_owned()).collect();
        let name = &names[file % names.len()];
        let text = bundle.get(name).unwrap();
        let end = (0..=at % (text.len() + 1)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        bundle.add(name.clone(), text[..end].to_owned());
        sound(&bundle);
        sound(&Bundle::single("a.ward", bundle.get(name).unwrap()));
    }

    #[test]
    fn any_file_beside_a_policy_is_read(text in "\\PC{0,120}", lines in proptest::collection::vec("[a-z<>=|*,\"0-9 .{}:\\[\\]-]{0,30}", 0..8)) {
        let policy = format!(
            "{WHOLE}table t(kind: text, n: int) -> number from \"f.csv\"\nmodel m on login from \"f.csv\":\n    x = size\nlist l: regex from \"f.csv\"\nlist n: net from \"f.csv\"\n"
        );
        for text in [text, lines.join("\n"), format!("kind,n,value\n{}", lines.join("\n"))] {
            let mut bundle = Bundle::single("a.ward", &policy);
            bundle.add("f.csv", text);
            sound(&bundle);
        }
    }

    #[test]
    fn bad_policies_with_slips_are_read(file in any::<usize>(), slips in proptest::collection::vec(slip(), 1..4)) {
        let files = crate::support::files("testdata/bad", "ward");
        let text = crate::support::read(&files[file % files.len()]).unwrap();
        sound(&Bundle::single("a.ward", &slips.into_iter().fold(text, |t, s| slipped(&t, s))));
    }

    #[test]
    fn good_policies_with_slips_are_read(file in any::<usize>(), slips in proptest::collection::vec(slip(), 1..4)) {
        let mut bundle = good::bundle();
        let names: Vec<String> = bundle.files().map(|(p, _)| p.to_owned()).collect();
        let name = &names[file % names.len()];
        let text = slips.into_iter().fold(bundle.get(name).unwrap().to_owned(), |t, s| slipped(&t, s));
        bundle.add(name.clone(), text);
        sound(&bundle);
    }
}

const GOOD: &str = "event login:\n    ip: ip\n    ok: bool\n\nrule r on login:\n    when not ok\n    then block\n    because \"größer\"\n";

#[test]
fn line_ends_byte_order_marks_and_empty_files_are_no_matter() {
    let check = |text: &str| {
        let compiled = compiled(&[("a.ward", text)]);
        assert!(compiled.diagnostics.is_empty(), "{text:?}\n{}", said(&compiled));
        compiled.program.unwrap().rules.len()
    };
    assert_eq!(check(GOOD), 1);
    assert_eq!(check(&GOOD.replace('\n', "\r\n")), 1);
    assert_eq!(check(&format!("\u{feff}{GOOD}")), 1);
    assert_eq!(check(&format!("\u{feff}{}", GOOD.replace('\n', "\r\n"))), 1);
    assert_eq!(check(GOOD.trim_end()), 1);
    assert_eq!(check(&format!("{GOOD}   \n\t\n# é\n    # indented\n")), 1);
    for empty in ["", "\n", "\r\n", "\u{feff}", "   ", "# only this", "\u{feff}# only this\r\n"] {
        assert_eq!(check(empty), 0, "{empty:?}");
    }
    assert!(compile(&Bundle::new()).program.is_some());
}

#[test]
fn places_are_the_same_after_a_byte_order_mark() {
    for (text, place) in
        [("\u{feff}rul", "a.ward:1:1"), ("\u{feff}# é\r\nevent e:\r\n    é: int\r\n    x: nit", "a.ward:4:8")]
    {
        let compiled = compiled(&[("a.ward", text)]);
        assert!(said(&compiled).contains(place), "{}", said(&compiled));
    }
    // Elsewhere it is no more than a character without meaning.
    assert_eq!(codes(&[("a.ward", &GOOD.replace("not ok", "not \u{feff}ok"))]), ["W0001"]);
}

#[test]
fn a_strings_fault_ends_with_its_line() {
    let text = GOOD.replace("not ok", "ip == \"192").replace('\n', "\r\n");
    assert_eq!(crate::support::pointed(&text), [("W0004", "\"192".to_owned())]);
}

#[test]
fn closing_brackets_may_stand_at_the_margin() {
    let text = format!(
        "{GOOD}list l: ip = [\n    \"192.0.2.7\",\n]\nrule s on login:\n    when (\n        ip in l\n    )\n    then block\n    because \"why\"\n"
    );
    assert_eq!(codes(&[("a.ward", &text)]), [""; 0]);
}

#[test]
fn numbers_are_read_as_python_reads_them() {
    let check = |number: &str, expect: &[&str]| {
        let text = GOOD.replace("not ok", &format!("not ok and len(\"a\") < {number}"));
        assert_eq!(codes(&[("a.ward", &text)]), expect, "{number}");
    };
    for good in ["1", "10_000", "0.5", "1e5", "1E-5", "1.5e+3", "9223372036854775807", "9223372036854775808"]
    {
        check(good, &[]);
    }
    for bad in ["1x", "0x10", "1.2.3", "1e", "1e400", "1s", "192.0.2.7", "1__s"] {
        check(bad, &["W0002"]);
    }
}
