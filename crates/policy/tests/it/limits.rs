// SPDX-License-Identifier: Apache-2.0
//! What a policy can ask for is bounded, each bound is told, and reading any text takes little time and stack.

use crate::support::{codes, compiled, said};
use std::time::{Duration, Instant};
use wardroom_policy::{Bundle, Compiled, compile, limits};

const LOGIN: &str =
    "event login:\n    account: account\n    ip: ip\n    ok: bool\n    n: int\n    m: number\n\n";

/// Longer than any of these takes on a busy machine, shorter than anything that grows faster than it should.
const MOST: Duration = Duration::from_secs(20);

fn when(expr: &str) -> String {
    format!("{LOGIN}rule r on login:\n    when {expr}\n    then block\n    because \"why\"\n")
}

/// Compiles on a thread with the stack that a server's threads have, and looks at how long it took.
fn within_bounds(bundle: Bundle) -> Compiled {
    let begun = Instant::now();
    let run = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
    let compiled = run.spawn(move || compile(&bundle)).unwrap().join().unwrap();
    assert!(begun.elapsed() < MOST, "it took {:?}", begun.elapsed());
    assert!(compiled.diagnostics.len() <= limits::DIAGNOSTICS);
    let shown = said(&compiled);
    assert!(shown.len() < 4_000_000, "{} bytes of diagnostics", shown.len());
    assert!(begun.elapsed() < MOST, "with drawing it took {:?}", begun.elapsed());
    compiled
}

#[test]
fn nesting_is_bounded_whatever_it_is_made_of() {
    let n = 100_000;
    let check = |expr: &str, code: &str| {
        let text = when(expr);
        let compiled = within_bounds(Bundle::single("a.ward", &text));
        let head: String = expr.chars().take(30).collect();
        let first = compiled.diagnostics.first().map(|d| d.code);
        assert_eq!(first, Some(code), "{head}…");
    };
    check(&"(".repeat(n), "W0103");
    check(&"[".repeat(n), "W0103");
    check(&"f(".repeat(n), "W0103");
    check(&"x.f(".repeat(n), "W0103");
    check(&"not ".repeat(n), "W0101");
    check(&format!("{}ok", "not ".repeat(n)), "W0103");
    check(&"-".repeat(n), "W0101");
    check(&format!("{}n > 1", "-(".repeat(n)), "W0103");
    check(&format!("n{}", ".a".repeat(n)), "W0103");
    check(&format!("n{}", "()".repeat(n)), "W0103");
    check(&format!("1{}", "<1".repeat(n)), "W0501");
    check(&format!("n{}", " + n".repeat(n)), "W0103");
    check(&format!("n{}", " * n".repeat(n)), "W0103");
    check(&"ok if ".repeat(n), "W0101");
    check(&format!("{}ok", "ok if ok else ".repeat(n / 2)), "W0103");
    check(&"n == (".repeat(n), "W0103");
    check(&"n in [".repeat(n), "W0103");
    check(&format!("{}{}{}", "(".repeat(60), "n", " + n)".repeat(60)), "W0303");
    // Each bracket is few levels, but together they would be thousands.
    let chain = "+n".repeat(60);
    let mut tower = "n".to_owned();
    for _ in 0..60 {
        tower = format!("({tower}{chain})");
    }
    check(&format!("{tower} > 1"), "W0103");
    let mut tower = "ok".to_owned();
    for _ in 0..60 {
        tower = format!("({}{tower})", "not ".repeat(60));
    }
    check(&tower, "W0103");
}

#[test]
fn long_rows_of_one_rank_are_no_nesting() {
    let n = 20_000;
    let check = |expr: &str, expect: &[&str]| {
        let compiled = within_bounds(Bundle::single("a.ward", &when(expr)));
        let codes: Vec<&str> = compiled.diagnostics.iter().map(|d| d.code).collect();
        assert_eq!(codes, expect, "{}", said(&compiled));
    };
    check(&format!("ok{}", " and ok".repeat(n)), &["W0905"]);
    check(&format!("ok{}", " or ok".repeat(n)), &["W0905"]);
    let many = |word: &str| (0..n).map(|i| format!(" {word} n > {i}")).collect::<String>();
    check(&format!("ok{}", many("and")), &[]);
    check(&format!("ok{}", many("or")), &[]);
    check(&format!("n in [1{}]", ", 2".repeat(n)), &["W0905"]);
    let items: String = (0..n).map(|i| format!(", {i}")).collect();
    check(&format!("n in [-1{items}]"), &[]);
    check(&format!("1 < n{}", " < n".repeat(n)), &["W0905"]);
}

#[test]
fn sixty_four_levels_are_read() {
    let brackets = |n: usize| when(&format!("{}ok{}", "(".repeat(n), ")".repeat(n)));
    assert_eq!(codes(&[("a.ward", &brackets(limits::DEPTH - 1))]), [""; 0]);
    assert_eq!(codes(&[("a.ward", &brackets(limits::DEPTH))]), ["W0103"]);
    let sum = |n: usize| when(&format!("n{} > 1", " + n".repeat(n)));
    assert_eq!(codes(&[("a.ward", &sum(limits::DEPTH - 2))]), [""; 0]);
    assert_eq!(codes(&[("a.ward", &sum(limits::DEPTH - 1))]), ["W0103"]);
}

#[test]
fn reasons_are_bounded_too() {
    let n = 100_000;
    for reason in [
        "{".repeat(n),
        "}".repeat(n + 1),
        "{(".repeat(n),
        "{{".repeat(n),
        "{n}".repeat(n),
        "\\".repeat(n),
        "{\"".repeat(n),
    ] {
        let text =
            format!("{LOGIN}rule r on login:\n    when ok\n    then block\n    because \"{reason}\"\n");
        within_bounds(Bundle::single("a.ward", &text));
    }
}

#[test]
fn long_words_make_short_messages() {
    let n = 500_000;
    let long = "a".repeat(n);
    for expr in [
        long.clone(),
        format!("n.{long}"),
        format!("{long}()"),
        format!("ip == \"{long}\""),
        "9".repeat(n),
        format!("{long} {long}"),
    ] {
        let compiled = within_bounds(Bundle::single("a.ward", &when(&expr)));
        for d in &compiled.diagnostics {
            assert!(d.message.len() < 2000, "{} bytes", d.message.len());
            assert!(d.helps.iter().chain(&d.notes).all(|t| t.len() < 2000));
        }
        assert!(!compiled.diagnostics.is_empty());
    }
}

#[test]
fn a_policy_of_slips_is_refused_quickly() {
    let many = |text: &str| text.repeat(limits::FILE_BYTES / 16 / text.len());
    let features: String = (0..5_000)
        .map(|i| format!("feature a_feature_of_that_name_{i} = count(login, last=\"1h\")\n"))
        .collect();
    let unknown: String = (0..5_000).map(|i| format!("or b_feature_of_that_name_{i} > 3 ")).collect();
    let types: String = (0..1000).map(|i| format!("event a_type_of_that_name_{i}:\n    ip: ip\n")).collect();
    let tests = many("test t:\n    when login()\n    expect allow\n");
    let check = |files: &[(&str, &str)], errors: bool| {
        let mut bundle = Bundle::new();
        for (path, text) in files {
            bundle.add(*path, *text);
        }
        let compiled = within_bounds(bundle);
        assert_eq!(compiled.program.is_none(), errors);
    };
    check(&[("a.ward", &many("$"))], true);
    check(&[("a.ward", &many("x\n"))], true);
    check(&[("a.ward", &many("rule a on b:\n    when c\n"))], true);
    check(&[("a.ward", &types), ("b.ward", &many("rule a on a_type_of_that_nam:\n    when c\n"))], true);
    check(
        &[("a.ward", &types), ("b.ward", &format!("test t:\n    given {}\n", many("a_type_of_that_nam, ")))],
        true,
    );
    check(
        &[
            ("a.ward", LOGIN),
            ("b.ward", &features),
            (
                "c.ward",
                &format!("rule r on login:\n    when ok {unknown}\n    then block\n    because \"x\"\n"),
            ),
        ],
        true,
    );
    check(&[("a.ward", LOGIN), ("b.ward", &features)], false);
    check(&[("a.ward", LOGIN), ("b.ward", &tests)], false);
    check(
        &[("a.ward", &format!("{LOGIN}test t:\n    when login({})\n    expect allow\n", many("x=1, ")))],
        true,
    );
}

#[test]
fn the_bounds_are_told() {
    let file = format!("{LOGIN}#{}", "x".repeat(limits::FILE_BYTES));
    assert_eq!(codes(&[("a.ward", &file)]), ["W0005"]);
    let most = "#".repeat(limits::FILE_BYTES);
    assert_eq!(codes(&[("a.ward", &most)]), [""; 0]);
    // List files count towards the whole, and have no bound of their own.
    let entries = "192.0.2.1\n".repeat(limits::BUNDLE_BYTES / 10);
    let list = format!("{LOGIN}list l: ip from \"l.txt\"\n");
    let over = compiled(&[("a.ward", &list), ("l.txt", &entries)]);
    assert!(over.program.is_none());
    assert!(said(&over).contains("--> l.txt"), "{}", said(&over));
    let mut files = Bundle::new();
    for i in 0..=limits::FILES {
        files.add(format!("{i}.ward"), "");
    }
    assert_eq!(compile(&files).diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), ["W0005"]);
    let types: String = (0..=limits::EVENT_TYPES).map(|i| format!("event t{i}:\n    ip: ip\n")).collect();
    assert_eq!(codes(&[("a.ward", &types)]), ["W0005"]);
}

/// A policy with these declarations and a rule on `ok`, whose effects and condition may say more.
fn with(declared: &str, when: &str, then: &str) -> String {
    format!(
        "{LOGIN}{declared}\nrule r on login:\n    when ok and {when}\n    then {then}\n    because \"why\"\n"
    )
}

#[test]
fn the_bounds_of_each_construct_are_told() {
    let check = |text: &str, at_most: &[&str], beyond: &str, more: &[&str]| {
        assert_eq!(codes(&[("a.ward", text)]), at_most);
        assert_eq!(codes(&[("a.ward", beyond)]), more);
    };
    let many = |n: usize, one: &dyn Fn(usize) -> String| (0..n).map(one).collect::<Vec<_>>().join(", ");
    let field =
        |n: usize| format!("event e:\n    ip: ip\n    kind: enum({})\n", many(n, &|i| format!("\"v{i}\"")));
    check(&field(limits::ENUM_VALUES), &[], &field(limits::ENUM_VALUES + 1), &["W0314"]);
    let score = |n: usize| {
        with(&format!("score s on login = sum({})", many(n, &|i| format!("n + {i}"))), "s > 3", "block")
    };
    check(&score(limits::SCORE_TERMS), &[], &score(limits::SCORE_TERMS + 1), &["W0704"]);
    let effects = |n: usize| with("", "n > 3", &many(n, &|i| format!("case(\"q{i}\")")));
    check(&effects(limits::EFFECTS), &[], &effects(limits::EFFECTS + 1), &["W0515"]);
    let columns = |n: usize| {
        let (columns, asked) = (many(n, &|i| format!("c{i}: int")), many(n, &|_| "n".to_owned()));
        with(&format!("table t({columns}) -> number:\n    else -> 1"), &format!("t({asked}) > 0.5"), "block")
    };
    check(&columns(limits::TABLE_COLUMNS), &[], &columns(limits::TABLE_COLUMNS + 1), &["W0801"]);
    let label = |n: usize| with("", "n > 3", &format!("label(ip, \"{}\")", "a".repeat(n)));
    check(&label(limits::LABEL_BYTES), &[], &label(limits::LABEL_BYTES + 1), &["W0513"]);
    let steps = |n: i64| {
        let feature = format!(
            "feature f = sequence(login, first=not ok, times={n}, then=ok, within=\"1h\", last=\"1d\")"
        );
        with(&feature, "f > 0", "block")
    };
    check(&steps(limits::STEPS), &[], &steps(limits::STEPS + 1), &["W0412"]);
    let pattern = |n: usize| with("", &format!("matches(account, \"{}\")", "a".repeat(n)), "block");
    check(&pattern(limits::PATTERN_BYTES), &[], &pattern(limits::PATTERN_BYTES + 1), &["W0311"]);
    let key = |n: usize| {
        let key = ["account", "ip", "ok", "n", "m"][..n].join(", ");
        with(&format!("feature f = count(login, by=({key}), last=\"1h\")"), "f > 0", "block")
    };
    check(&key(limits::KEY_PARTS), &[], &key(limits::KEY_PARTS + 1), &["W0404"]);
    let over = |weeks: i64| {
        let features =
            format!("feature f = count(login, last=\"1h\")\nfeature g = baseline(f, over=\"{weeks}w\")");
        with(&features, "g.mean > 0.5", "block")
    };
    check(&over(52), &[], &over(53), &["W0410"]);
    let test = |n: usize| {
        let event = "event e:\n    ip: ip\n    codes: list(int)\n";
        format!("{event}\ntest t:\n    when e(codes=[{}])\n    expect allow\n", many(n, &|i| i.to_string()))
    };
    let most = wardroom_event::limits::LIST_ITEMS;
    check(&test(most), &[], &test(most + 1), &["W0305"]);
}

#[test]
fn large_tables_and_models_are_read_quickly() {
    let rows: String = (0..limits::TABLE_ROWS).map(|i| format!("k{i},{},{i}\n", i % 7)).collect();
    let csv = |rows: &str| format!("kind,n,value\n{rows}else,,0\n");
    let policy = with("table t(kind: text, n: int) -> int from \"t.csv\"", "t(account, n) > 3", "block");
    let read = |rows: &str| {
        let mut bundle = Bundle::single("a.ward", &policy);
        bundle.add("t.csv", csv(rows));
        within_bounds(bundle).diagnostics.iter().map(|d| d.code).collect::<Vec<_>>()
    };
    assert_eq!(read(&rows), [""; 0]);
    assert_eq!(read(&format!("{rows}more,1,1\n")), ["W0805"]);
}

#[test]
fn an_error_is_never_lost_behind_warnings() {
    let unused: String = (0..300).map(|i| format!("feature f{i} = count(login, last=\"1h\")\n")).collect();
    let text =
        format!("{LOGIN}{unused}{}", "rule r on login:\n    when okk\n    then block\n    because \"why\"\n");
    let compiled = compiled(&[("a.ward", &text)]);
    assert!(compiled.program.is_none());
    assert!(compiled.diagnostics.iter().any(|d| d.code == "W0201"));
}

#[test]
fn what_is_not_shown_is_counted() {
    let text = when(&format!(
        "ok{}",
        (0..limits::DIAGNOSTICS + 5).map(|i| format!(" and okk{i}")).collect::<String>()
    ));
    let compiled = compiled(&[("a.ward", &text)]);
    assert_eq!(compiled.diagnostics.len(), limits::DIAGNOSTICS);
    let last = &compiled.diagnostics[limits::DIAGNOSTICS - 1];
    assert_eq!(last.notes.last().map(String::as_str), Some("and 5 more that are not shown"));
}
