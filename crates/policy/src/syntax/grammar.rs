// SPDX-License-Identifier: Apache-2.0
//! The grammar for editors against the language: the words it colours are those that the parser knows.

use super::cursor::TAKEN;
use super::declare::{EVIDENCE_CLAUSES, RULE_CLAUSES, TEST_CLAUSES, WORDS};
use super::lex::MARKS;
use crate::{Mode, Verdict};
use serde_json::Value;
use std::collections::BTreeSet;
use wardroom_event::Type;

const GRAMMAR: &str = include_str!("../../../../editors/ward.tmLanguage.json");
/// The parser's source: the words it looks for stand in it.
const PARSER: [&str; 8] = [
    include_str!("express.rs"),
    include_str!("declare/event.rs"),
    include_str!("declare/list.rs"),
    include_str!("declare/rule.rs"),
    include_str!("declare/score.rs"),
    include_str!("declare/table.rs"),
    include_str!("declare/template.rs"),
    include_str!("declare/test.rs"),
];

fn grammar() -> Value {
    serde_json::from_str(GRAMMAR).unwrap()
}

/// The words of a rule of the grammar: its first group of alternatives that are nothing but words.
fn words(grammar: &Value, rule: &str) -> BTreeSet<String> {
    let pattern = grammar["repository"][rule]["match"].as_str().unwrap();
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    let groups = pattern.split(['(', ')']).map(|group| group.split('|').collect::<Vec<_>>());
    let group = groups.into_iter().find(|group| group.len() > 1 && group.iter().all(|w| is_word(w)));
    group.unwrap().into_iter().map(str::to_owned).collect()
}

fn set<'a>(words: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    words.into_iter().map(str::to_owned).collect()
}

#[test]
fn lists_of_words_are_the_parsers() {
    let grammar = grammar();
    let check = |rule: &str, expect: BTreeSet<String>| assert_eq!(words(&grammar, rule), expect, "{rule}");
    check("declaration", set(WORDS));
    check("clause", set(RULE_CLAUSES.into_iter().chain(EVIDENCE_CLAUSES).chain(TEST_CLAUSES)));
    check("verdict", set(Verdict::ALL.map(Verdict::name)));
    let modes = words(&grammar, "mode");
    assert!(Mode::ALL.iter().all(|mode| modes.contains(mode.name())), "{modes:?}");
    let types = words(&grammar, "field");
    assert!(Type::ALL.iter().all(|kind| types.contains(kind.name())), "{types:?}");
    let taken: BTreeSet<String> =
        ["operator_word", "constant", "foreign"].iter().flat_map(|rule| words(&grammar, rule)).collect();
    assert_eq!(taken, set(TAKEN));
}

#[test]
fn words_that_join_are_those_the_parser_looks_for() {
    let calls = ["eat_word(\"", "is_word(\"", "span_after(c, \""];
    let pieces = PARSER.iter().flat_map(|text| calls.iter().flat_map(|call| text.split(call).skip(1)));
    let looked_for: BTreeSet<String> =
        pieces.map(|piece| piece.split('"').next().unwrap().to_owned()).collect();
    let coloured: BTreeSet<String> = ["operator_word", "constant", "joining_word"]
        .iter()
        .flat_map(|rule| words(&grammar(), rule))
        .filter(|word| !matches!(word.as_str(), "true" | "True" | "false" | "False" | "and" | "or"))
        .collect();
    assert_eq!(looked_for, coloured);
}

/// Calls `see` with every object of the grammar.
fn walk(value: &Value, see: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, see)),
        Value::Object(map) => {
            see(map);
            map.values().for_each(|item| walk(item, see));
        }
        _ => {}
    }
}

#[test]
fn rules_are_whole() {
    let grammar = grammar();
    let repository = grammar["repository"].as_object().unwrap();
    let (mut used, mut patterns) = (BTreeSet::new(), 0);
    walk(&grammar, &mut |map| {
        if let Some(include) = map.get("include") {
            let name = include.as_str().unwrap().strip_prefix('#').unwrap();
            assert!(repository.contains_key(name), "no rule {name}");
            used.insert(name.to_owned());
        }
        assert_eq!(map.contains_key("begin"), map.contains_key("end"), "{map:?}");
        for pattern in ["match", "begin", "end"].iter().filter_map(|key| map.get(*key)) {
            balanced(pattern.as_str().unwrap());
            patterns += 1;
        }
    });
    assert_eq!(used, repository.keys().cloned().collect(), "every rule is used");
    assert!(patterns > 20);
}

/// That the brackets of a regular expression close, and that its words end.
fn balanced(pattern: &str) {
    let (mut depth, mut class, mut escaped) = (0, false, false);
    for c in pattern.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '(' if !class => depth += 1,
            ')' if !class => depth -= 1,
            _ => {}
        }
        assert!(depth >= 0, "{pattern}");
    }
    assert!(depth == 0 && !class && !escaped, "{pattern}");
}

#[test]
fn marks_are_coloured_or_stand_for_themselves() {
    let grammar = grammar();
    let pattern = grammar["repository"]["mark"]["match"].as_str().unwrap();
    let (long, single) = pattern.split_once('[').unwrap();
    let plain = ["(", ")", "[", "]", "{", "}", ":", ",", ".", "//", "**"];
    for mark in MARKS.into_iter().filter(|mark| !plain.contains(mark)) {
        let found = if mark.len() > 1 { long.split('|').any(|m| m == mark) } else { single.contains(mark) };
        assert!(found, "{mark}");
    }
}
