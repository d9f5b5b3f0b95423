// SPDX-License-Identifier: Apache-2.0
//! What a decision says: which rules speak, which of them decides, and what is said with it.

use crate::support::{Data, Desk, active, decide, line, sent};
use wardroom_engine::{limits, rehearse};
use wardroom_event::{Sight, Value};
use wardroom_policy::Piece;

const EVENT: &str = r#"
event hit:
    n: int
    word: text?
    flag: bool?
"#;

/// One rule: name, condition, verdict, and more clauses.
fn rule(name: &str, when: &str, then: &str, more: &str) -> String {
    format!("\nrule {name} on hit:\n    when {when}\n    then {then}\n    because \"{name} {{n}}\"\n{more}\n")
}

/// Judges one event by these rules, and compares with a line of the verdict and who spoke.
fn check(rules: &[String], fields: &str, expect: &str) {
    let mut desk = Desk::new(&format!("{EVENT}{}", rules.concat()));
    assert_eq!(desk.line(&sent("hit", 0, fields)), expect, "{rules:?}");
}

#[test]
fn the_strongest_wins_and_allow_goes_first() {
    let weak = rule("weak", "n >= 1", "limit", "");
    let ask = rule("ask", "n >= 1", "challenge", "");
    let look = rule("look", "n >= 1", "review", "");
    let hard = rule("hard", "n >= 1", "block", "");
    let lane = rule("lane", "n == 2", "allow", "");
    let all = [weak, hard, look, lane, ask];
    check(&all, r#""n":0"#, "allow");
    check(&all, r#""n":1"#, "block hard:block look:review ask:challenge weak:limit");
    check(&all, r#""n":2"#, "allow lane:allow hard:block look:review ask:challenge weak:limit");
}

#[test]
fn of_equals_the_first_written_decides() {
    let rules = ["b", "a", "c"].map(|name| rule(name, "n >= 1", "block", ""));
    check(&rules, r#""n":1"#, "block b:block a:block c:block");
    let lanes = ["z", "y"].map(|name| rule(name, "n >= 1", "allow", ""));
    check(&lanes, r#""n":1"#, "allow z:allow y:allow");
    let asks = [
        rule("one", "n >= 1", "challenge(\"first\")", ""),
        rule("two", "n >= 1", "challenge(\"second\")", ""),
    ];
    let data = Data::new();
    let engine = data.open(&format!("{EVENT}{}", asks.concat()));
    assert_eq!(decide(&engine, &sent("hit", 0, r#""n":1"#)).ask(), Some("first"));
}

#[test]
fn of_equal_verdicts_the_strongest_proof_is_asked_for() {
    let order =
        ["security key", "app password", "second factor", "email link", "captcha", "your mother's name"];
    let asks = |text: &str| {
        rule(
            &format!("r_{}", text.replace(|c: char| !c.is_ascii_alphabetic(), "_")),
            "n >= 1",
            &format!("challenge(\"{text}\")"),
            "",
        )
    };
    let plain = rule("plain", "n >= 1", "challenge", "");
    for (at, stronger) in order.iter().enumerate() {
        let weaker: Vec<String> = order[at + 1..].iter().map(|text| asks(text)).collect();
        let data = Data::new();
        // the strongest is written last
        let text = format!("{EVENT}{plain}{}{}", weaker.concat(), asks(stronger));
        let decision = decide(&data.open(&text), &sent("hit", 0, r#""n":1"#));
        assert_eq!(decision.ask(), Some(*stronger));
    }
    // A stronger verdict goes before a stronger proof.
    let held = rule("held", "n >= 1", "review(\"captcha\")", "");
    check(&[asks("security key"), held], r#""n":1"#, "review held:review r_security_key:challenge");
}

#[test]
fn what_is_asked_for_comes_from_the_rule_that_decides() {
    let check = |rules: &[String], expect: Option<&str>| {
        let data = Data::new();
        let engine = data.open(&format!("{EVENT}{}", rules.concat()));
        assert_eq!(decide(&engine, &sent("hit", 0, r#""n":1"#)).ask(), expect, "{rules:?}");
    };
    let asks = rule("asks", "n >= 1", "challenge(\"captcha\")", "");
    check(std::slice::from_ref(&asks), Some("captcha"));
    // A stronger one without words is not given another's.
    check(&[asks.clone(), rule("hard", "n >= 1", "block", "")], None);
    check(&[asks, rule("lane", "n >= 1", "allow", "")], None);
    check(&[rule("watched", "n >= 1", "challenge(\"captcha\")", "    mode shadow")], None);
    // A rule that speaks for want of an input does not know what would help.
    check(&[rule("unknown", "word == \"x\"", "challenge(\"captcha\")", "    missing true")], None);
}

#[test]
fn only_live_rules_decide() {
    let with = |mode: &str, expect: &str| {
        let weak = rule("weak", "n >= 1", "limit", "");
        let moded = rule("moded", "n >= 1", "block", &format!("    mode {mode}"));
        check(&[weak, moded], r#""n":1"#, expect);
    };
    with("live", "block moded:block weak:limit");
    with("shadow", "limit weak:limit (moded:block)");
    with("draft", "limit weak:limit");
    with("retired", "limit weak:limit");
    // A lane in the shadow opens nothing.
    let lane = rule("lane", "n >= 1", "allow", "    mode shadow");
    check(&[lane, rule("hard", "n >= 1", "block", "")], r#""n":1"#, "block hard:block (lane:allow)");
}

#[test]
fn an_unknown_condition_speaks_as_its_rule_says() {
    let with = |missing: &str, then: &str, expect: &str| {
        let rules = [rule("unsure", "n >= 1 and word == \"x\"", then, missing)];
        check(&rules, r#""n":1"#, expect);
        // Known, it is judged as any other.
        check(&rules, r#""n":1,"word":"y""#, "allow");
        // One part that is false settles it, whatever the other is.
        check(&rules, r#""n":0"#, "allow");
    };
    with("", "block", "allow");
    with("    missing false", "block", "allow");
    with("    missing true", "block", "block unsure:block");
    with("    missing review", "block", "review unsure:review");
    with("    missing true", "allow", "allow unsure:allow");
    // A lane that only might open does not go first: a person looks.
    with("    missing review", "allow", "review unsure:review");
    let rules = [rule("either", "n >= 1 or word == \"x\"", "limit", "    missing review")];
    check(&rules, r#""n":1"#, "limit either:limit");
    check(&rules, r#""n":0"#, "review either:review");
    check(&[rule("not_said", "not flag", "limit", "")], r#""n":0"#, "allow");
    check(&[rule("not_said", "flag is missing", "limit", "")], r#""n":0"#, "limit not_said:limit");
}

#[test]
fn reasons_are_bounded_whatever_is_in_them() {
    let words = "w".repeat(20_000);
    let long_ask = "a".repeat(5000);
    let pieces = "{n} ".repeat(200);
    let rules = format!(
        "{EVENT}\nrule texts on hit:\n    when n >= 1\n    then challenge(\"{long_ask}\")\n    because \"{words} {{n}} {words}\"\n\
         \nrule pieces on hit:\n    when n >= 1\n    then limit\n    because \"{pieces}\"\n\
         \nrule values on hit:\n    when n >= 1\n    then limit\n    because \"{{word}}\"\n"
    );
    // Two bytes a character: the cut must not fall into one.
    let word = "é".repeat(4000);
    let data = Data::new();
    let engine = data.open(&rules);
    let stored = decide(&engine, &sent("hit", 0, &format!(r#""n":1,"word":"{word}""#)).id(1));
    for signal in &stored.judged.as_ref().unwrap().signals {
        let text: usize = signal
            .because
            .iter()
            .map(|p| match p {
                Piece::Text(t) | Piece::Value(_, Value::Text(t)) => t.len(),
                Piece::Value(..) => 0,
            })
            .sum();
        assert!(signal.because.len() <= limits::REASON_PIECES, "{}", signal.rule);
        assert!(text <= limits::REASON_BYTES + 3 * limits::REASON_PIECES, "{}: {text} bytes", signal.rule);
        assert!(signal.ask.as_ref().is_none_or(|a| a.len() <= limits::ASK_BYTES + 3));
    }
    let said = |rule: &str| {
        let judged = stored.judged.as_ref().unwrap();
        let signal = judged.signals.iter().find(|s| &*s.rule == rule).unwrap();
        Piece::join(&signal.because, Sight::Full)
    };
    assert!(said("texts").starts_with("www") && said("texts").contains('…'));
    assert!(said("values").starts_with("ééé") && said("values").ends_with('…'));
    run_close(&engine);
    // The event whose reasons were cut is kept whole.
    let engine = data.reopen();
    assert!(stored.fields.iter().any(|(_, v)| *v == Value::Text(word.clone().into())));
    assert_eq!(engine.decision(stored.seq).unwrap().unwrap(), stored);
}

fn run_close(engine: &wardroom_engine::Engine) {
    crate::support::run(engine.close());
}

/// As many rules as a policy cares to have, each with as long a reason: the record must fit.
#[test]
fn a_chorus_of_long_reasons_fits_into_a_record() {
    let mut policy = EVENT.to_owned();
    for i in 0..limits::SIGNALS + 40 {
        let words = "long ".repeat(900);
        policy += &format!(
            "\nrule r{i} on hit:\n    when n >= 1\n    then challenge(\"{}\")\n    because \"{}{words}\"\n",
            "ask ".repeat(200),
            "{word} ".repeat(15),
        );
    }
    let data = Data::new();
    let engine = data.open(&policy);
    let word = "é".repeat(4000);
    let stored = decide(&engine, &sent("hit", 0, &format!(r#""n":1,"word":"{word}""#)).id(1));
    let judged = stored.judged.as_ref().unwrap();
    assert_eq!(judged.signals.len(), limits::SIGNALS);
    assert_eq!(&*judged.signals[0].rule, "r0", "the first of equals is kept");
    assert_eq!(line(&decide(&engine, &sent("hit", 1, r#""n":0"#))), "allow", "and the engine goes on");
}

#[test]
fn a_draft_decides_in_the_test_that_names_it_and_nowhere_else() {
    let draft = rule("soon", "n >= 1 and hits >= 2", "block", "    mode draft");
    let live = rule("now", "n >= 1", "limit", "");
    let tests = r#"
feature hits = count(hit, last="1h")

test by_draft:
    given  2 * hit(n=1)
    when   hit(n=1)
    expect block by soon

test without:
    given  2 * hit(n=1)
    when   hit(n=1)
    expect limit by now

test draft_does_not_hold:
    given  1 * hit(n=1)
    when   hit(n=1)
    expect limit by soon
"#;
    let active = std::sync::Arc::new(active(&format!("{EVENT}{draft}{live}{tests}")));
    let failures: Vec<Option<String>> =
        rehearse(&active, &wardroom_event::NoFacts).into_iter().map(|r| r.failure).collect();
    assert_eq!(failures, [None, None, Some("got limit, but rule `soon` did not fire".to_owned())]);
    let mut desk = Desk::new(&format!("{EVENT}{draft}{live}{tests}"));
    for i in 0..4 {
        assert_eq!(desk.line(&sent("hit", i, r#""n":1"#)), "limit now:limit");
    }
}

/// A promoted draft keeps its place among equals: what the test shows is what going live would do.
#[test]
fn a_promoted_draft_keeps_its_place() {
    let first = rule("first", "n >= 1", "block", "    mode draft");
    let second = rule("second", "n >= 1", "block", "");
    let desk = Desk::new(&format!("{EVENT}{first}{second}"));
    let event = desk.event(&sent("hit", 0, r#""n":1"#));
    let mut flow = desk.flow;
    let order =
        |step: &wardroom_engine::Step| step.judgement.signals.iter().map(|s| s.rule).collect::<Vec<_>>();
    assert_eq!(order(&flow.judge_with(&event, Some(0))), [0, 1]);
    assert_eq!(order(&flow.judge_with(&event, Some(1))), [1], "who is live already is asked once");
    assert_eq!(order(&flow.judge_with(&event, Some(7))), [1], "there is no such rule");
}
