// SPDX-License-Identifier: Apache-2.0
//! Random policies of the whole language, as the JSON form has them: every kind of declaration and expression, well
//! formed and without sense. Names are often words that mean something elsewhere.
//!
//! `document()` is a file; `wardroom_policy::json::from_json` makes text of it. What is generated is canonical: the text
//! of it has the very same JSON form.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use wardroom_event::Span;

const NAMES: &[&str] = &[
    "login", "ip", "account", "failures", "any", "to", "by", "capped", "within", "ago", "at", "suffix",
    "from", "on", "when", "then", "because", "count", "enum", "list", "rule", "event", "weigh", "given",
    "expect", "where", "x1", "_", "canary", "A_Name",
];

/// An object of those entries that are there.
fn object<const N: usize>(entries: [(&str, Option<Value>); N]) -> Value {
    Value::Object(entries.into_iter().filter_map(|(k, v)| Some((k.to_owned(), v?))).collect::<Map<_, _>>())
}

/// An object of one key.
fn single(key: &str, value: Value) -> Value {
    object([(key, Some(value))])
}

pub(crate) fn name() -> BoxedStrategy<Value> {
    select(NAMES).prop_map(Value::from).boxed()
}

/// Text with what is hard to write: quotes, backslashes, braces, ends of lines.
pub(crate) fn words() -> BoxedStrategy<String> {
    let hard =
        select(&["\"", "'", "\\", "{", "}", "{{", "\n", "\t", "\r", "#", "é", "“", " ", "\\n", "a"][..]);
    prop_oneof![
        3 => "[a-z0-9 .:/-]{0,12}",
        2 => vec(hard, 0..6).prop_map(|parts| parts.concat()),
        1 => "\\PC{0,8}",
    ]
    .prop_map(|text| text.replace(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'), ""))
    .boxed()
}

fn text() -> BoxedStrategy<Value> {
    words().prop_map(Value::from).boxed()
}

fn leaf() -> BoxedStrategy<Value> {
    prop_oneof![
        4 => name().prop_map(|n| single("name", n)),
        1 => select(&["missing", "None"][..]).prop_map(|n| json!({ "name": n })),
        2 => (-100i64..100).prop_map(|n| json!({ "int": n })),
        1 => (i64::MIN + 1..=i64::MAX)
            .prop_map(|n| json!({ "int": if n.unsigned_abs() > 1 << 53 { json!(n.to_string()) } else { json!(n) } })),
        1 => any::<i16>().prop_map(|n| json!({ "number": f64::from(n) / 8.0 })),
        1 => select(&[0.1, -0.0, 1e16, 2.5e-7, 1e300][..]).prop_map(|n| json!({ "number": n })),
        2 => text().prop_map(|t| single("text", t)),
        1 => any::<bool>().prop_map(|b| json!({ "bool": b })),
    ]
    .boxed()
}

/// An expression of any kind.
pub(crate) fn expr() -> BoxedStrategy<Value> {
    leaf().prop_recursive(4, 24, 4, |inner| branch(inner.boxed())).boxed()
}

fn branch(e: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let pair = (e.clone(), e.clone());
    let compare = select(&["==", "!=", "<", "<=", ">", ">="][..]);
    let arith = select(&["+", "-", "*", "/"][..]);
    let is_literal = |v: &Value| v.get("int").is_some() || v.get("number").is_some();
    prop_oneof![
        (e.clone(), name()).prop_map(|(of, part)| json!({ "part": [of, part] })),
        (e.clone(), vec(argument(e.clone()), 0..4))
            .prop_map(|(of, args)| { single("call", std::iter::once(of).chain(args).collect()) }),
        vec(e.clone(), 0..4).prop_map(|items| json!({ "items": items })),
        e.clone().prop_map(|of| json!({ "not": of })),
        e.clone()
            .prop_filter("a number has its own sign", move |v| !is_literal(v))
            .prop_map(|of| json!({ "minus": of })),
        vec(e.clone(), 2..4).prop_map(|parts| json!({ "and": parts })),
        vec(e.clone(), 2..4).prop_map(|parts| json!({ "or": parts })),
        (arith, pair.clone()).prop_map(|(op, (a, b))| json!({ "arith": [op, a, b] })),
        (compare, pair.clone()).prop_map(|(op, (a, b))| json!({ "compare": [op, a, b] })),
        (select(&["in", "not_in"][..]), pair).prop_map(|(word, (a, b))| single(word, json!([a, b]))),
        (select(&["missing", "not_missing"][..]), e.clone()).prop_map(|(word, of)| single(word, of)),
        (e.clone(), e.clone(), e)
            .prop_map(|(c, a, b)| json!({ "if": { "condition": c, "then": a, "else": b } })),
    ]
    .boxed()
}

fn argument(e: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    prop_oneof![
        3 => e.clone(),
        3 => (name(), e.clone()).prop_map(|(name, value)| json!({ "named": [name, value] })),
        1 => (e.clone(), name(), e.clone(), of(e)).prop_map(|(value, var, over, filter)| {
            let parts = [("value", Some(value)), ("for", Some(var)), ("in", Some(over)), ("if", filter)];
            single("each", object(parts))
        }),
    ]
    .boxed()
}

/// An expression, often one whose first word or number means something where it may stand.
fn opening() -> BoxedStrategy<Value> {
    let word = select(&["any", "by"][..]).prop_map(|word| json!({ "name": word }));
    let call = word.clone().prop_map(|word| json!({ "call": [word] }));
    let times = (2i64..9, expr()).prop_map(|(n, e)| json!({ "arith": ["*", { "int": n }, e] }));
    prop_oneof![4 => expr(), 1 => word, 1 => call, 1 => times].boxed()
}

/// A reason: words and values in turn.
fn reason() -> BoxedStrategy<Value> {
    let some = words().prop_filter("words", |w| !w.is_empty());
    (vec((of(some.clone()), expr()), 0..3), of(some))
        .prop_map(|(pieces, last)| {
            let pieces = pieces.into_iter().flat_map(|(words, value)| [words.map(Value::from), Some(value)]);
            pieces.chain([last.map(Value::from)]).flatten().collect()
        })
        .boxed()
}

fn fields() -> BoxedStrategy<Value> {
    let kind = prop_oneof![
        3 => name(),
        1 => vec(text(), 1..3).prop_map(|members| json!({ "enum": members })),
        1 => name().prop_map(|of| json!({ "list": of })),
    ];
    let field = (name(), kind, of(Just(Value::Bool(true)))).prop_map(|(name, kind, optional)| {
        object([("name", Some(name)), ("type", Some(kind)), ("optional", optional)])
    });
    (name(), vec(field, 1..5)).prop_map(|(name, fields)| json!({ "name": name, "fields": fields })).boxed()
}

fn named() -> BoxedStrategy<Value> {
    (name(), expr()).prop_map(|(name, value)| json!({ "name": name, "value": value })).boxed()
}

fn list() -> BoxedStrategy<Value> {
    let from = prop_oneof![
        Just((None, None)),
        vec(expr(), 0..5).prop_map(|entries| (Some(json!(entries)), None)),
        text().prop_map(|file| (None, Some(file))),
    ];
    (name(), name(), of(Just(Value::Bool(true))), from)
        .prop_map(|(name, kind, suffix, (entries, file))| {
            object([
                ("name", Some(name)),
                ("type", Some(kind)),
                ("suffix", suffix),
                ("entries", entries),
                ("file", file),
            ])
        })
        .boxed()
}

fn cell() -> BoxedStrategy<Value> {
    prop_oneof![
        Just(json!({ "any": true })),
        opening().prop_filter("one value", |v| v.get("items").is_none()).prop_map(|v| json!({ "is": v })),
        vec(expr(), 0..3).prop_map(|values| json!({ "among": values })),
        (select(&["<", "<=", ">", ">="][..]), expr()).prop_map(|(op, v)| json!({ "than": [op, v] })),
        (opening(), expr()).prop_map(|(from, to)| json!({ "to": [from, to] })),
    ]
    .boxed()
}

fn table() -> BoxedStrategy<Value> {
    let column = (name(), name()).prop_map(|(name, kind)| json!({ "name": name, "type": kind }));
    let row =
        (vec(cell(), 1..4), expr()).prop_map(|(cells, value)| json!({ "cells": cells, "value": value }));
    let rows = (vec(row, 1..4), of(expr())).prop_map(|(rows, other)| (Some(json!(rows)), other, None));
    let body = prop_oneof![
        3 => rows,
        1 => expr().prop_map(|other| (None, Some(other), None)),
        1 => text().prop_map(|file| (None, None, Some(file))),
    ];
    (name(), vec(column, 0..4), name(), body)
        .prop_map(|(name, columns, result, (rows, other, file))| {
            object([
                ("name", Some(name)),
                ("columns", Some(json!(columns))),
                ("result", Some(result)),
                ("rows", rows),
                ("else", other),
                ("file", file),
            ])
        })
        .boxed()
}

fn model() -> BoxedStrategy<Value> {
    (name(), name(), text(), vec(named(), 0..4))
        .prop_map(
            |(name, on, file, inputs)| json!({ "name": name, "on": on, "file": file, "inputs": inputs }),
        )
        .boxed()
}

fn evidence() -> BoxedStrategy<Value> {
    let capped = of((expr(), expr()).prop_map(|(least, most)| json!([least, most])));
    (name(), name(), expr(), capped, reason())
        .prop_map(|(name, on, weigh, capped, because)| {
            object([
                ("name", Some(name)),
                ("on", Some(on)),
                ("weigh", Some(weigh)),
                ("capped", capped),
                ("because", Some(because)),
            ])
        })
        .boxed()
}

fn mode() -> BoxedStrategy<Value> {
    let canary = (of(opening()), of(expr()))
        .prop_map(|(share, by)| object([("name", Some(json!("canary"))), ("share", share), ("by", by)]));
    let other = (name(), of(expr())).prop_map(|(name, by)| object([("name", Some(name)), ("by", by)]));
    prop_oneof![canary, other].boxed()
}

fn rule() -> BoxedStrategy<Value> {
    let doc = vec("( {0,2}[a-z#\"é][a-z ]{0,10}[a-z.]|)", 1..4).prop_map(|lines| lines.join("\n"));
    let doc = of(doc.prop_filter("a comment", |doc| !doc.is_empty()).prop_map(Value::from));
    let must = (name(), name(), expr(), vec(expr(), 1..3), reason());
    let may = (doc, of(mode()), of(name()), of(text()), of(text()), of(text()));
    (must, may)
        .prop_map(|((name, on, when, then, because), (doc, mode, missing, owner, expires, was))| {
            object([
                ("name", Some(name)),
                ("on", Some(on)),
                ("doc", doc),
                ("when", Some(when)),
                ("then", Some(json!(then))),
                ("because", Some(because)),
                ("mode", mode),
                ("missing", missing),
                ("owner", owner),
                ("expires", expires),
                ("was", was),
            ])
        })
        .boxed()
}

fn span() -> BoxedStrategy<Option<Value>> {
    of((1i64..4_000_000_000_000).prop_map(|micros| json!(Span(micros).to_string()))).boxed()
}

fn test() -> BoxedStrategy<Value> {
    let times = of((2i64..10_000).prop_map(|n| json!(n)));
    let given = (times, opening(), span(), span()).prop_map(|(times, event, within, ago)| {
        object([("times", times), ("event", Some(event)), ("within", within), ("ago", ago)])
    });
    let fact = (opening(), expr()).prop_map(|(of, is)| json!({ "of": of, "is": is }));
    let some = |values: Vec<Value>| (!values.is_empty()).then(|| json!(values));
    let expect = (name(), of(expr()), vec(expr(), 0..3)).prop_map(move |(verdict, by, effects)| {
        object([("verdict", Some(verdict)), ("by", by), ("effects", some(effects))])
    });
    (name(), of(text()), vec(given, 0..3), vec(fact, 0..3), expr(), of(text()), expect)
        .prop_map(move |(name, title, given, facts, when, time, expect)| {
            object([
                ("name", Some(name)),
                ("title", title),
                ("given", some(given)),
                ("facts", some(facts)),
                ("when", Some(when)),
                ("time", time),
                ("expect", Some(expect)),
            ])
        })
        .boxed()
}

/// A declaration of any kind.
pub(crate) fn declaration() -> BoxedStrategy<Value> {
    let score = (name(), named()).prop_map(|(on, mut score)| {
        score["on"] = on;
        score
    });
    let budget = (name(), text()).prop_map(|(event, most)| json!({ "event": event, "most": most }));
    let as_ = |word: &'static str, inner: BoxedStrategy<Value>| inner.prop_map(move |v| single(word, v));
    prop_oneof![
        as_("event", fields()),
        as_("record", fields()),
        as_("const", named()),
        as_("feature", named()),
        as_("list", list()),
        as_("table", table()),
        as_("model", model()),
        as_("evidence", evidence()),
        as_("score", score.boxed()),
        as_("rule", rule()),
        as_("budget", budget.boxed()),
        as_("test", test()),
    ]
    .boxed()
}

/// A file.
pub(crate) fn document() -> BoxedStrategy<Value> {
    vec(declaration(), 0..5).prop_map(|decls| json!({ "version": 1, "declarations": decls })).boxed()
}
