// SPDX-License-Identifier: Apache-2.0
//! What is refused, and where it says so; what is hard to keep.

use super::*;
use serde_json::json;

/// The faults of a rule's condition.
#[track_caller]
fn condition(when: Value, expect: &[&str]) {
    let rule = json!({ "rule": { "name": "r", "on": "e", "when": when, "then": [{ "name": "block" }], "because": [] } });
    let faults = from_json(&json!({ "declarations": [rule] })).err().unwrap_or_default();
    let expect: Vec<String> = expect.iter().map(|e| format!("/declarations/0/rule/when{e}")).collect();
    assert_eq!(faults, expect);
}

#[track_caller]
fn declaration(decl: Value, expect: &[&str]) {
    let faults = from_json(&json!({ "declarations": [decl] })).err().unwrap_or_default();
    let expect: Vec<String> = expect.iter().map(|e| format!("/declarations/0{e}")).collect();
    assert_eq!(faults, expect);
}

#[test]
fn faults_have_pointers() {
    condition(json!({ "name": "x" }), &[]);
    condition(json!({ "nam": "x" }), &[": no key `nam` is known here; did you mean `name`?"]);
    condition(
        json!({ "name": "x or y" }),
        &["/name: must be a name: letters a–z, digits and _, no digit first"],
    );
    condition(json!({ "name": "or" }), &["/name: `or` is a word of the language"]);
    condition(
        json!({ "text": "\u{202e}" }),
        &["/text: holds a character that turns the direction of writing"],
    );
    condition(
        json!({ "compare": ["=", { "int": 1 }, { "int": "x" }] }),
        &[
            "/compare/0: must be one of == != < <= > >=",
            "/compare/2/int: must be a whole number of 64 bits, as a number or in quotes",
        ],
    );
    condition(
        json!({ "int": i64::MIN }),
        &["/int: must be a whole number of 64 bits, as a number or in quotes"],
    );
    condition(json!({ "number": "inf" }), &["/number: must be a number, as it is or in quotes"]);
    condition(json!({ "and": [{ "bool": true }] }), &["/and: must have at least 2 elements"]);
    condition(json!({ "part": [{ "name": "x" }] }), &["/part: must have 2 elements"]);
    condition(
        json!({ "call": [{ "name": "f" }, { "named": ["a~/", 1] }] }),
        &[
            "/call/1/named/0: must be a name: letters a–z, digits and _, no digit first",
            "/call/1/named/1: must be an object with name, int, number, text, bool, part, call, items, not, minus, and, or, arith, compare, in, not_in, missing, not_missing, if, each",
        ],
    );
    let each = json!({ "each": { "value": { "int": 1 }, "for": "x", "in": { "name": "l" } } });
    condition(json!({ "not": each }), &["/not: `each` stands only among the arguments of a call"]);
    condition(json!({ "call": [{ "name": "any" }, each] }), &[]);
    condition(
        json!({ "if": { "then": { "int": 1 }, "else": { "int": 2 } } }),
        &["/if: `condition` is missing"],
    );
}

#[test]
fn declarations_are_checked() {
    declaration(
        json!({}),
        &[
            ": must be a declaration: an object with one of event, record, const, feature, list, table, model, evidence, score, rule, budget, test",
        ],
    );
    declaration(
        json!({ "list": { "name": "l", "type": "ip", "entries": [], "file": "x" } }),
        &["/list: has both `entries` and `file`"],
    );
    declaration(
        json!({ "table": { "name": "t", "columns": [], "result": "int" } }),
        &["/table: has neither `rows` nor `else` nor `file`"],
    );
    declaration(
        json!({ "event": { "name": "missing", "fields": [] } }),
        &["/event/name: `missing` is a word of the language", "/event/fields: must have at least 1 elements"],
    );
    declaration(
        json!({ "const": { "name": "c", "value": { "int": 1 }, "at": [1, 2], "a/b~": 1 } }),
        &["/const: no key `a/b~` is known here; known are name, value"],
    );
    let row = json!({ "cells": [{ "is": { "items": [] } }, { "than": ["==", { "int": 1 }] }, { "any": false }], "value": { "int": 1 } });
    declaration(
        json!({ "table": { "name": "t", "columns": [], "result": "int", "rows": [row] } }),
        &[
            "/table/rows/0/cells/0/is: several values stand in `among`",
            "/table/rows/0/cells/1/than/0: must be one of < <= > >=",
            "/table/rows/0/cells/2/any: must be true",
        ],
    );
    let given = json!({ "times": 0, "event": { "name": "e" }, "within": "5" });
    declaration(
        json!({ "test": { "name": "t", "given": [given], "when": { "name": "e" }, "expect": { "verdict": "block" } } }),
        &[
            "/test/given/0/times: must be between 1 and 10000",
            "/test/given/0/within: no length of time: a unit is missing: one of w, d, h, m, s, ms, us",
        ],
    );
    let mode = json!({ "name": "live", "share": { "int": -5 } });
    declaration(
        json!({ "rule": { "name": "r", "on": "e", "when": { "name": "x" }, "then": [], "because": ["a", 1], "mode": mode } }),
        &[
            "/rule/then: must have at least 1 elements",
            "/rule/because/1: must be an object with name, int, number, text, bool, part, call, items, not, minus, and, or, arith, compare, in, not_in, missing, not_missing, if, each",
            "/rule/mode: only the mode `canary` has a share",
        ],
    );
}

#[test]
fn documents_are_bounded() {
    let check = |json: &str, expect: &str| {
        let faults = from_json_text(json).unwrap_err();
        assert!(faults.len() == 1 && faults[0].starts_with(expect), "{faults:?}");
    };
    check("[1", "(root): no JSON: EOF");
    check("[]", "(root): must be an object with version, declarations");
    check("{\"version\": 2, \"declarations\": []}", "/version: must be 1");
    check("{} {}", "(root): no JSON: trailing characters");
    check(&"[".repeat(100_000), "(root): nested deeper than 272 levels");
    check(&" ".repeat(limits::JSON_BYTES + 1), "(root): 16777217 bytes");
    let many = json!({ "declarations": vec![json!(1); 150] });
    let faults = from_json(&many).unwrap_err();
    assert_eq!(faults.len(), limits::JSON_FAULTS + 1);
    assert_eq!(faults[limits::JSON_FAULTS], "and 50 more that are not shown");
}

/// A rule whose condition is `levels` deep.
fn deep(wrap: impl Fn(Value) -> Value, levels: usize) -> Value {
    let when = (1..levels).fold(json!({ "name": "x" }), |inner, _| wrap(inner));
    json!({ "declarations": [{ "rule": { "name": "r", "on": "e", "when": when, "then": [{ "name": "block" }], "because": [] } }] })
}

/// What nests: each of these makes a tree one level deeper.
const NESTS: [fn(Value) -> Value; 6] = [
    |inner| json!({ "not": inner }),
    |inner| json!({ "minus": inner }),
    |inner| json!({ "call": [{ "name": "f" }, { "named": ["a", inner] }] }),
    |inner| json!({ "arith": ["*", { "int": 2 }, inner] }),
    |inner| json!({ "or": [{ "name": "y" }, inner] }),
    |inner| json!({ "if": { "condition": { "name": "c" }, "then": inner, "else": { "int": 1 } } }),
];

#[test]
fn what_is_as_deep_as_may_be_is_kept() {
    for nest in NESTS {
        let text = from_json_text(&deep(nest, limits::DEPTH).to_string()).unwrap();
        let again = to_json("a.ward", &text, false).unwrap();
        assert_eq!(from_json_text(&again.to_string()).unwrap(), text);
        let faults = from_json(&deep(nest, limits::DEPTH + 1)).unwrap_err();
        assert!(faults.iter().all(|f| f.ends_with(": nested deeper than 64 levels")), "{faults:?}");
        assert!(from_json(&deep(nest, 400)).is_err());
    }
}

#[test]
fn numbers_are_kept() {
    let check = |written: &str, expect: Value| {
        let text = format!("const c = {written}\n");
        let json = to_json("a.ward", &text, false).unwrap();
        assert_eq!(json["declarations"][0]["const"]["value"], expect, "{written}");
        let again = from_json_text(&json.to_string()).unwrap();
        assert_eq!(to_json("a.ward", &again, false).unwrap(), json, "{again}");
    };
    check("1_000", json!({ "int": 1000 }));
    check("9007199254740993", json!({ "int": "9007199254740993" }));
    check("-9223372036854775807", json!({ "int": "-9223372036854775807" }));
    check("9223372036854775808", json!({ "number": 9223372036854775808f64 }));
    check("1.0", json!({ "number": 1.0 }));
    check("-0.0", json!({ "number": -0.0 }));
    check("0.1", json!({ "number": 0.1 }));
    for odd in [
        "1.7976931348623157e308",
        "5e-324",
        "2.2250738585072014e-308",
        "1.2345678901234567e-100",
        "9.109383713928e-31",
    ] {
        let text = format!("const c = {odd}\n");
        let json = to_json("a.ward", &text, false).unwrap();
        let again = from_json_text(&json.to_string()).unwrap();
        assert_eq!(to_json("a.ward", &again, false).unwrap(), json, "{odd}");
        let number: f64 = again.trim_start_matches("const c = ").trim().parse().unwrap();
        assert_eq!(number.to_bits(), odd.parse::<f64>().unwrap().to_bits(), "{again}");
    }
}

#[test]
fn what_says_the_same_is_one_form() {
    let check = |text: &str, expect: &str| {
        let decl = format!("const c = {text}\n");
        let written = from_json(&to_json("a.ward", &decl, false).unwrap()).unwrap();
        assert_eq!(written, format!("const c = {expect}\n"));
    };
    check("((a))", "a");
    check("(a, b)", "[a, b]");
    check("f(by=(a, b), of=(c, d), x=())", "f(by=(a, b), of=[c, d], x=[])");
    check("1 <= a < 3", "1 <= a and a < 3");
    check("not (not True)", "not not true");
    check("-(1)", "-1");
    check("-(-a)", "-(-a)");
    check("(-5).x + 5 .y", "(-5).x + (5).y");
    check("a - (b - c) - d", "a - (b - c) - d");
    check("(a * b) / (c / d) + e", "a * b / (c / d) + e");
    check("(a or b) and (c and d) and not (e == f)", "(a or b) and (c and d) and not e == f");
    check("(a == b) == (c in d)", "(a == b) == (c in d)");
    check(
        "(a if b else c) if (d if e else f) else (g if h else i)",
        "(a if b else c) if (d if e else f) else g if h else i",
    );
    check(
        "any(x.y for x in (l if a else m) if (b if c else d))",
        "any(x.y for x in (l if a else m) if (b if c else d))",
    );
    check("x is None", "x is missing");
    check("'it''s' if a else \"\"".replace("''", "\\'").as_str(), "\"it's\" if a else \"\"");
}

#[test]
fn comments_of_rules_are_kept_and_places_said() {
    let text = "# Not this.\n\n# Why it is.\n#  é\n#\nrule r on e:\n    when    \"é\" == x\n    then    block\n    because \"x {y}\"\n";
    let json = to_json("a.ward", text, true).unwrap();
    let rule = &json["declarations"][0]["rule"];
    assert_eq!(rule["doc"], "Why it is.\n é\n");
    assert_eq!(rule["at"], json!([6, 6]));
    assert_eq!(rule["when"]["compare"][2], json!({ "name": "x", "at": [7, 20] }));
    assert_eq!(rule["because"][1], json!({ "name": "y", "at": [9, 17] }));
    let (_, kept) = text.split_once("\n\n").unwrap();
    assert_eq!(from_json(&json).unwrap(), kept);
}

/// A share of a mode that has none is for the checker to refuse, in a text and in JSON alike.
#[test]
fn any_mode_keeps_a_share_in_plain_figures() {
    for mode in ["caayrn 5%", "live    0.5% by account", "canary  n + 1%"] {
        let text =
            format!("rule r on e:\n    when    x\n    then    block\n    because \"\"\n    mode    {mode}\n");
        let text = crate::format("r.ward", &text).unwrap();
        let json = to_json("r.ward", &text, false).unwrap();
        assert_eq!(from_json(&json).as_deref(), Ok(&*text));
    }
    let computed = "rule r on e:\n    when x\n    then block\n    because \"\"\n    mode live 5 + 1%\n";
    assert!(crate::format("r.ward", computed).is_err());
}
