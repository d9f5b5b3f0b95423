// SPDX-License-Identifier: Apache-2.0
//! Evidence, models and scores.

use super::{Judged, Known, MISSING, Value, check, int, number, policy, worth};

const EVIDENCE: &str = "evidence slow on login:
    weigh typing / \"1s\" capped -2 to 6
    because \"typed for {typing}\"

evidence many on login:
    weigh 2 if tries > 3 else -0.5
    because \"{tries} tries\"

evidence named on login:
    weigh 1.5 if name == \"bot\" else 0
    because \"named like a bot\"

score sum_of on login = sum(prior(-4), slow, many, named)";

#[test]
fn evidence_weighs_within_its_caps() {
    let seconds = |n: f64| number(n);
    check(
        EVIDENCE,
        "slow",
        &[
            ("typing=\"3s\"", seconds(3.0)),
            ("typing=\"6s\"", seconds(6.0)),
            ("typing=\"7s\"", seconds(6.0)),
            ("typing=\"0s\"", seconds(0.0)),
            ("", MISSING),
        ],
    );
    check(
        "evidence low on login:\n    weigh tries capped -2 to 6\n    because \"x\"",
        "low",
        &[("tries=-3", number(-2.0)), ("tries=-2", number(-2.0)), ("tries=5", number(5.0))],
    );
    check(EVIDENCE, "many", &[("tries=4", number(2.0)), ("tries=3", number(-0.5)), ("", MISSING)]);
}

#[test]
fn a_score_is_the_sum_of_what_is_known() {
    check(
        EVIDENCE,
        "sum_of",
        &[
            ("typing=\"3s\", tries=4, name=\"bot\"", number(2.5)),
            ("typing=\"3s\", tries=4", number(1.0)),
            ("tries=3", number(-4.5)),
            // The prior is always known: nothing else weighs nothing.
            ("", number(-4.0)),
        ],
    );
    let without =
        "evidence slow on login:\n    weigh typing / \"1s\"\n    because \"x\"\nscore s on login = sum(slow)";
    check(without, "s", &[("typing=\"3s\"", number(3.0)), ("", MISSING)]);
}

#[test]
fn a_score_says_how_many_terms_it_knows() {
    let check_known = |values: &str, expect: i64| check(EVIDENCE, "sum_of.known", &[(values, int(expect))]);
    check_known("typing=\"3s\", tries=4, name=\"bot\"", 3);
    check_known("tries=4", 1);
    check_known("", 0);
}

#[test]
fn a_probability_is_the_logistic_of_the_score() {
    let Value::Number(p) = worth(EVIDENCE, "sum_of.probability", "tries=4, typing=\"3s\", name=\"bot\"")
    else {
        panic!()
    };
    assert!((p - 1.0 / (1.0 + (-2.5f64).exp())).abs() < 1e-12, "{p}");
    let Value::Number(p) = worth("score s on login = sum(prior(0), tries)", "s.probability", "") else {
        panic!()
    };
    assert!((p - 0.5).abs() < 1e-12, "{p}");
}

#[test]
fn the_strongest_terms_are_named() {
    let reason = |most: &str, values: &str| {
        Judged::new(&policy(EVIDENCE, &format!("sum_of.top({most})"), values), Known::default()).reason()
    };
    let all = "typing=\"3s\", tries=4, name=\"bot\"";
    assert_eq!(reason("3", all), "typed for 3s (+3.0); 4 tries (+2.0); named like a bot (+1.5)");
    assert_eq!(reason("2", all), "typed for 3s (+3.0); 4 tries (+2.0)");
    assert_eq!(reason("", all), reason("3", all));
    // What speaks against abuse, or weighs nothing, is not named; nor is the prior.
    assert_eq!(reason("3", "tries=3, name=\"x\", typing=\"1s\""), "typed for 1s (+1.0)");
    assert_eq!(reason("3", ""), "nothing in particular");
}

#[test]
fn a_term_without_words_is_named_by_itself() {
    let declared = "score s on login = sum(tries, amount * 2)";
    let text = policy(declared, "s.top(2)", "tries=4, amount=3");
    assert_eq!(Judged::new(&text, Known::default()).reason(), "amount * 2 (+6.0); tries (+4.0)");
}

#[test]
fn evidence_reads_features_and_other_evidence() {
    let declared = "feature logins = count(login, by=ip, last=\"1h\")
evidence burst on login:
    weigh log(logins + 1)
    because \"{logins} logins\"
evidence twice on login:
    weigh burst * 2
    because \"x\"";
    let known = || Known::with(&[("logins", int(0))]);
    assert_eq!(super::worth_with(declared, "twice", "", known()), number(0.0));
    let text = policy(declared, "twice", "");
    let judged = Judged::new(&text, Known::with(&[("logins", int(2))]));
    let Value::Number(n) = judged.value() else { panic!() };
    assert!((n - 2.0 * 3f64.ln()).abs() < 1e-12, "{n}");
    // Each is served once, after what it reads.
    let served: Vec<&str> = judged.plan().serve.iter().map(|s| &*s.id).collect();
    assert_eq!(served, ["logins", "burst", "twice"]);
}

const BOT: &str = r#"{"kind": "linear", "bias": -1.0, "inputs": {
    "secs": {"weight": -0.5, "mean": 2.0, "scale": 4.0, "missing": 0.25},
    "failed": {"weight": 1.5}, "tries": {"weight": 0.1}}}"#;

#[test]
fn a_model_weighs_its_inputs() {
    let declared = "model bot on login from \"bot.json\":\n    secs = typing / \"1s\"\n    tries = tries\n    failed = not ok";
    let worth = |values: &str| {
        let text = policy(declared, "bot", values);
        Judged::of(&[("main.ward", &text), ("bot.json", BOT)], Known::default()).value()
    };
    assert_eq!(worth("typing=\"6s\", ok=false, tries=10"), number(-1.0 - 0.5 + 1.5 + 1.0));
    assert_eq!(worth("typing=\"2s\", ok=true, tries=0"), number(-1.0));
    // What is missing weighs what the model says of it, nothing where it says nothing.
    assert_eq!(worth("ok=true, tries=0"), number(-0.75));
    assert_eq!(worth(""), number(-0.75));
}

#[test]
fn a_model_is_a_term_of_a_score() {
    let declared = "model bot on login from \"bot.json\":\n    secs = typing / \"1s\"\n    tries = tries\n    failed = not ok\nscore s on login = sum(prior(-1), bot)";
    let text = policy(declared, "s", "typing=\"2s\", ok=true, tries=0");
    let judged = Judged::of(&[("main.ward", &text), ("bot.json", BOT)], Known::default());
    assert_eq!(judged.value(), number(-2.0));
}
