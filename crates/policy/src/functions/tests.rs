// SPDX-License-Identifier: Apache-2.0
//! The catalogue as a whole: its examples, its laws, its bounds and its page in the book.

mod tiny;

use super::*;
use proptest::prelude::*;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use wardroom_event::{Micros, Span, parse_text};

#[test]
fn the_examples_are_true() {
    for function in catalogue() {
        for (call, expect) in function.examples {
            let got = tiny::eval(call);
            let found = got.from.map(std::ptr::from_ref);
            let outer = tiny::outermost(call);
            assert!(
                outer != function.name || found == Some(std::ptr::from_ref(function)),
                "{call}: another one"
            );
            let mut expect = tiny::eval(expect).value;
            if let (Value::Text(text), true) = (&expect, got.kind.repr() != Repr::Text) {
                expect = parse_text(text, got.kind).unwrap();
            }
            assert_eq!(got.value, expect, "{call}");
        }
    }
}

#[test]
fn every_function_has_examples_of_itself() {
    for function in catalogue() {
        assert!((1..=4).contains(&function.examples.len()), "{}", function.name);
        let own = function.examples.iter().any(|(call, _)| tiny::outermost(call) == function.name);
        assert!(own, "{}", function.name);
    }
}

#[test]
fn the_table_says_what_executors_rely_on() {
    for f in catalogue() {
        let takes: Vec<Class> = f.params.iter().map(|p| p.takes).collect();
        let simple = f.optional == 0 && !f.variadic;
        let numbers = takes.iter().all(|t| *t == Class::Numeric) && f.gives == Gives::Is(Type::Number);
        let texts = takes.iter().all(|t| match t {
            Class::Is(kind) => kind.repr() == Repr::Text,
            other => *other == Class::Textual,
        });
        let fits = match f.eval {
            Eval::Number1(_) => simple && numbers && takes.len() == 1,
            Eval::Number2(_) => simple && numbers && takes.len() == 2,
            Eval::Text1(_) => simple && texts && takes.len() == 1,
            Eval::Text2(_) => simple && texts && takes.len() == 2,
            Eval::Any(_) | Eval::Raw(_) => !takes.is_empty(),
        };
        assert!(fits, "{}: what it takes does not suit how it is computed", f.signature());
        assert!(f.optional < takes.len() && !(f.variadic && f.optional > 0), "{}", f.name);
        assert!(f.form == Form::Call || texts_first(f), "{}: a method of a text", f.name);
        assert!(f.cost > 0 && f.doc.ends_with('.') && !f.group.is_empty(), "{}", f.name);
    }
}

fn texts_first(f: &Function) -> bool {
    f.params[0].takes == Class::Textual
}

#[test]
fn signatures_are_written_as_calls() {
    let check = |form, name, expect: &[&str]| {
        let got: Vec<String> = find(form, name).map(Function::signature).collect();
        assert_eq!(got, expect);
    };
    check(Form::Call, "min", &["min(a: ordered, b: ordered, …) -> ordered"]);
    check(Form::Call, "round", &["round(x: number, digits: int?) -> number"]);
    check(Form::Method, "replace", &["text.replace(old: text, new: text) -> text"]);
    check(Form::Method, "lower", &["text.lower() -> text"]);
    check(Form::Call, "net", &["net(ip: ip, prefix: int) -> net", "net(ip: ip, v4: int, v6: int) -> net"]);
    check(Form::Call, "lower", &[]);
    check(Form::Method, "min", &[]);
}

#[test]
fn arguments_are_counted() {
    let check = |name, counts: &[usize]| {
        let function = find(Form::Call, name).next().unwrap();
        let taken: Vec<usize> = (0..6).filter(|n| function.takes(*n)).collect();
        assert_eq!(taken, counts, "{name}");
    };
    check("abs", &[1]);
    check("round", &[1, 2]);
    check("coalesce", &[2, 3, 4, 5]);
    let max = find(Form::Call, "max").next().unwrap();
    assert_eq!(max.param(7).map(|p| p.name), Some("b"));
    assert!(find(Form::Call, "abs").next().unwrap().param(1).is_none());
}

#[test]
fn written_values_are_refused_where_they_mean_nothing() {
    let check = |name: &'static str, kind, value: Value, is_refused: bool| {
        assert_eq!(Param::written(name, kind).refuses(&value).is_some(), is_refused, "{name}={value:?}");
    };
    let offset = |text: &str, is_refused| check("offset", Type::Text, Value::Text(text.into()), is_refused);
    for good in ["Z", "+00:00", "+02:00", "-05:30", "+14:00", "-14:00"] {
        offset(good, false);
    }
    for bad in ["", "+2:00", "02:00", "+02:60", "+14:01", "+0200", "UTC", "+02:00 ", "é2:00", "++1:00"] {
        offset(bad, true);
    }
    for (name, most) in [("prefix", 128), ("v4", 32), ("v6", 128)] {
        for (n, is_refused) in [(0, false), (most, false), (-1, true), (most + 1, true)] {
            check(name, Type::Int, Value::Int(n), is_refused);
        }
    }
    check("digits", Type::Int, Value::Int(15), false);
    check("digits", Type::Int, Value::Int(-16), true);
    check("digits", Type::Int, Value::Int(i64::MIN), true);
    check("unit", Type::Duration, Value::Duration(Span(1)), false);
    check("unit", Type::Duration, Value::Duration(Span(0)), true);
}

#[test]
fn classes_take_types() {
    let check = |class: Class, expect: &[&str]| {
        let taken: Vec<&str> = Type::ALL.iter().filter(|k| class.fits(**k)).map(|k| k.name()).collect();
        let missing: Vec<&&str> = expect.iter().filter(|k| !taken.contains(k)).collect();
        assert!(missing.is_empty(), "{class:?} does not take {missing:?}");
    };
    check(Class::Is(Type::Number), &["int", "number"]);
    check(Class::Textual, &["text", "account", "device", "domain", "email", "url", "phone", "wallet"]);
    check(Class::Measure, &["int", "number", "duration"]);
    check(Class::Ordered, &["int", "number", "duration", "time"]);
    let refused = [
        (Class::Is(Type::Int), Type::Number),
        (Class::Textual, Type::Ip),
        (Class::Numeric, Type::Duration),
        (Class::Measure, Type::Time),
        (Class::Measure, Type::Bool),
        (Class::Ordered, Type::Text),
        (Class::Is(Type::Email), Type::Text),
    ];
    for (class, kind) in refused {
        assert!(!class.fits(kind), "{class:?} takes {kind}");
    }
}

/// The value of the first function of that name that can be given so many arguments.
fn call(name: &str, args: &[Value]) -> Value {
    let args: Vec<&Value> = args.iter().collect();
    let both = find(Form::Call, name).chain(find(Form::Method, name));
    let values: Vec<Value> = both.filter(|f| f.takes(args.len())).map(|f| f.call(&args)).collect();
    values.into_iter().find(|v| !v.is_missing()).unwrap_or(Value::Missing)
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

#[test]
fn the_ends_of_numbers_are_missing_and_not_wrong() {
    let check = |name: &str, args: &[Value], expect: Value| {
        assert_eq!(call(name, args), expect, "{name} {args:?}");
    };
    let (int, num, span) = (Value::Int, Value::Number, |n| Value::Duration(Span(n)));
    check("abs", &[int(i64::MIN)], Value::Missing);
    check("abs", &[span(i64::MIN)], Value::Missing);
    check("abs", &[span(-5)], span(5));
    check("int", &[num(9_223_372_036_854_775_808.0)], Value::Missing);
    check("int", &[num(-9_223_372_036_854_775_808.0)], int(i64::MIN));
    check("int", &[num(9_223_372_036_854_774_784.0)], int(9_223_372_036_854_774_784));
    check("int", &[int(9_007_199_254_740_993)], int(9_007_199_254_740_993));
    check("int", &[text("9223372036854775808")], Value::Missing);
    check("int", &[text(&"0".repeat(65))], Value::Missing);
    check("int", &[span(-1_500_000)], int(-1));
    check("number", &[span(1_500_000)], num(1.5));
    check("number", &[text("1e999")], Value::Missing);
    check("number", &[text("infinity")], Value::Missing);
    check("number", &[text("")], Value::Missing);
    check("pow", &[num(10.0), num(400.0)], Value::Missing);
    check("pow", &[num(0.0), num(-1.0)], Value::Missing);
    check("logit", &[num(0.0)], Value::Missing);
    check("logit", &[num(1.5)], Value::Missing);
    check("logistic", &[num(-1e308)], num(0.0));
    check("logistic", &[num(1e308)], num(1.0));
    check("round", &[num(1e308), int(15)], num(1e308));
    check("round", &[num(1.7e308), int(-15)], num(1.7e308));
    check("round", &[num(1.0), int(16)], Value::Missing);
    check("round", &[num(0.1 + 0.2), int(15)], num(0.3));
    check("round", &[num(123_456_789.123_456_78), int(15)], num(123_456_789.123_456_78));
    check("min", &[span(3), span(2)], span(2));
    check("max", &[Value::Time(Micros(3)), Value::Time(Micros(4))], Value::Time(Micros(4)));
    check("min", &[int(3), span(2)], Value::Missing);
    check("share", &[num(3.0), num(-1.0)], Value::Missing);
}

#[test]
fn times_go_on_before_1970_and_stop_at_the_ends() {
    let time = |t: &str| Value::Time(Micros::parse(t).unwrap());
    let check = |name: &str, args: &[Value], expect: Value| {
        assert_eq!(call(name, args), expect, "{name} {args:?}");
    };
    check("hour", &[time("1969-12-31T23:59:59Z")], Value::Int(23));
    check("hour", &[time("2026-01-05T00:00:00Z"), text("-00:30")], Value::Int(23));
    check("weekday", &[time("1969-12-31T23:59:59Z")], text("wed"));
    check("weekday", &[time("1970-01-04T23:59:59.999999Z")], text("sun"));
    check("weekday", &[time("1970-01-05T00:00:00Z")], text("mon"));
    check("date", &[time("2024-02-29T23:30:00Z"), text("+01:00")], text("2024-03-01"));
    check("date", &[Value::Time(Micros(i64::MAX))], Value::Missing);
    check("hour", &[Value::Time(Micros(i64::MAX)), text("+01:00")], Value::Missing);
    check("hour", &[time("2026-01-05T00:00:00Z"), text("Berlin")], Value::Missing);
    let week = Value::Duration(Span::from_secs(7 * 86_400));
    check("truncate", &[time("1970-01-04T12:00:00Z"), week], time("1969-12-29T00:00:00Z"));
    check("truncate", &[Value::Time(Micros(i64::MIN)), Value::Duration(Span(7))], Value::Missing);
    check("truncate", &[time("2026-01-05T00:00:00Z"), Value::Duration(Span(-7))], Value::Missing);
}

#[test]
fn addresses_and_what_is_written_on_the_web() {
    let check = |name: &str, args: &[&str], expect: Value| {
        let args: Vec<Value> = args.iter().map(|t| text(t)).collect();
        assert_eq!(call(name, &args), expect, "{name} {args:?}");
    };
    check("plain", &["+x@example.org"], text("+x@example.org"));
    check("plain", &["..@gmail.com"], text("..@gmail.com"));
    check("plain", &["A@B@example.org"], text("a@b@example.org"));
    check("plain", &["nobody"], Value::Missing);
    check("is_under", &["org", "example.org"], Value::Bool(false));
    check("is_under", &["example.org", ""], Value::Bool(false));
    check("param", &["https://a/?x=1&y=2&x=3", "x"], text("1"));
    check("param", &["https://a/?%6E=a+b%2", "n"], text("a b%2"));
    check("param", &["https://a/?n=%ff%41", "n"], text("\u{fffd}A"));
    check("param", &["https://a/?u=x?y=z", "y"], Value::Missing);
    check("param", &["https://a/?=z", ""], text("z"));
    check("param", &["https://a/?", ""], Value::Missing);
    check("unquote", &["a+b%zz%c3%a9"], text("a+b%zzé"));
    let private = |ip: &str, expect: bool| {
        assert_eq!(call("is_private", &[Value::Ip(ip.parse().unwrap())]), Value::Bool(expect), "{ip}");
    };
    for ip in
        ["10.1.2.3", "172.31.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "169.254.1.1", "0.0.0.0"]
    {
        private(ip, true);
    }
    for ip in ["9.9.9.9", "172.32.0.1", "100.63.0.1", "100.128.0.1", "2001:db8::1", "fec0::1"] {
        private(ip, false);
    }
    for ip in ["::1", "::", "fe80::1", "fdff::1"] {
        private(ip, true);
    }
}

#[test]
fn what_grows_is_cut() {
    let long = |n: usize, piece: &str| text(&piece.repeat(n));
    let check = |name: &str, args: &[Value], expect: usize| {
        let got = call(name, args);
        let Value::Text(t) = &got else { panic!("{name}: {got:?}") };
        assert_eq!(t.len(), expect, "{name}");
    };
    let full = limits::RESULT_BYTES;
    check("replace", &[long(8192, "a"), text("a"), long(8192, "bé")], full - 1);
    check("replace", &[long(8192, "a"), text("a"), long(1, "ééé")], full);
    check("replace", &[long(100, "ab"), text("b"), text("")], 100);
    check("upper", &[long(4096, "ΐ")], 4096 * 6);
    check("upper", &[long(full, "ΐ")], full);
    check("strip", &[long(full + 1, "x")], full);
    check("skeleton", &[long(full, "ﬄ")], full);
    // A character is not cut in two.
    check("lower", &[text(&format!("x{}", "é".repeat(full)))], full - 1);
}

#[test]
fn only_the_beginning_of_long_texts_is_compared() {
    let (a, b) = ("a".repeat(64) + "b", "a".repeat(64) + "xyz");
    assert_eq!(call("distance", &[text(&a), text(&b)]), Value::Int(0));
    assert_eq!(call("distance", &[text(&"a".repeat(99)), text(&"b".repeat(99))]), Value::Int(64));
    let (one, two) = (text(&("ab".repeat(512) + "x")), text(&"ab".repeat(512)));
    assert_eq!(call("entropy", &[one]), call("entropy", &[two]));
}

#[test]
fn swaps_are_one_step_and_no_piece_is_changed_twice() {
    let check = |a: &str, b: &str, expect: i64| {
        assert_eq!(call("distance", &[text(a), text(b)]), Value::Int(expect), "{a} {b}");
    };
    check("ab", "ba", 1);
    check("abcd", "badc", 2);
    // With changes in a swapped piece it would be 2.
    check("ca", "abc", 3);
    check("čaj", "caj", 1);
    check("Aa", "aa", 1);
}

/// Numbers that tend to break things, and others.
fn numbers() -> impl Strategy<Value = f64> {
    let odd = [0.0, -0.0, 1.0, -1.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, f64::EPSILON, 1e15, -0.5, 0.5];
    prop_oneof![prop::sample::select(odd.to_vec()), any::<f64>().prop_filter("a value", |n| n.is_finite())]
}

fn ints() -> impl Strategy<Value = i64> {
    prop_oneof![prop::sample::select(vec![0, 1, -1, i64::MIN, i64::MAX]), -200i64..200, any::<i64>()]
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,20}",
        ".{0,200}",
        "[a-c]{0,80}",
        "[+-]?[0-9:.e]{0,8}",
        "[a-z.+]{0,8}@(gmail\\.com|[a-z]{1,3}\\.org)",
        "https?://[a-z.]{0,9}/[?a-c=&%0-9#+]{0,30}",
        "(xn--[a-z0-9-]{0,20}\\.){0,3}",
    ]
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Missing),
        any::<bool>().prop_map(Value::Bool),
        ints().prop_map(Value::Int),
        numbers().prop_map(Value::Number),
        texts().prop_map(|t| Value::Text(t.into())),
        ints().prop_map(|n| Value::Time(Micros(n))),
        ints().prop_map(|n| Value::Duration(Span(n))),
        any::<std::net::IpAddr>().prop_map(|ip| Value::Ip(ip.to_canonical())),
        any::<std::net::IpAddr>().prop_map(|ip| Value::Net(ip.into())),
    ]
}

/// A value that a parameter of the class takes, of one kind of measure.
fn fitting(class: Class, measure: u8) -> BoxedStrategy<Value> {
    match (class, measure) {
        (Class::Is(Type::Bool), _) => any::<bool>().prop_map(Value::Bool).boxed(),
        (Class::Is(Type::Int), _) => ints().prop_map(Value::Int).boxed(),
        (Class::Is(Type::Time), _) | (Class::Ordered, 3) => {
            ints().prop_map(|n| Value::Time(Micros(n))).boxed()
        }
        (Class::Is(Type::Duration), _) | (Class::Ordered | Class::Measure, 2) => {
            ints().prop_map(|n| Value::Duration(Span(n))).boxed()
        }
        (Class::Is(Type::Ip), _) => {
            any::<std::net::IpAddr>().prop_map(|ip| Value::Ip(ip.to_canonical())).boxed()
        }
        (Class::Is(Type::Number) | Class::Numeric, _) | (Class::Ordered | Class::Measure, 1) => {
            numbers().prop_map(Value::Number).boxed()
        }
        (Class::Ordered | Class::Measure, _) => ints().prop_map(Value::Int).boxed(),
        (Class::Any, _) => values().prop_filter("not missing", |v| !v.is_missing()).boxed(),
        (Class::Is(_) | Class::Textual, _) => texts().prop_map(|t| Value::Text(t.into())).boxed(),
    }
}

/// A function and arguments that it takes.
fn calls() -> impl Strategy<Value = (&'static Function, Vec<Value>)> {
    let all = prop::sample::select(catalogue().iter().collect::<Vec<_>>());
    (all, 0u8..4, 0usize..5).prop_flat_map(|(function, measure, count)| {
        let count = (count..9).find(|n| function.takes(*n)).unwrap_or(function.params.len());
        let of_each = |at| fitting(function.param(at).map_or(Class::Any, |p| p.takes), measure);
        (Just(function), (0..count).map(of_each).collect::<Vec<_>>())
    })
}

/// Whether a value is one of that type, and within bounds.
fn is_of(value: &Value, kind: Type) -> bool {
    match (value, kind.repr()) {
        (Value::Missing, _)
        | (Value::Bool(_), Repr::Bool)
        | (Value::Int(_), Repr::Int)
        | (Value::Time(_), Repr::Time)
        | (Value::Duration(_), Repr::Duration)
        | (Value::Ip(_), Repr::Ip)
        | (Value::Net(_), Repr::Net) => true,
        (Value::Number(n), Repr::Number) => n.is_finite(),
        (Value::Text(t), Repr::Text) => t.len() <= limits::RESULT_BYTES,
        _ => false,
    }
}

fn similar(a: &str, b: &str) -> f64 {
    match call("similarity", &[text(a), text(b)]) {
        Value::Number(n) => n,
        other => panic!("{other:?}"),
    }
}

/// The plain definition of the restricted distance, too slow for anything but short texts.
fn slow_distance(a: &[char], b: &[char]) -> usize {
    let ([a0 @ .., x], [b0 @ .., y]) = (a, b) else { return a.len().max(b.len()) };
    let mut best = slow_distance(a0, b0) + usize::from(x != y);
    best = best.min(slow_distance(a0, b) + 1).min(slow_distance(a, b0) + 1);
    if let ([a1 @ .., w], [b1 @ .., z]) = (a0, b0)
        && (w, x) == (y, z)
    {
        best = best.min(slow_distance(a1, b1) + 1);
    }
    best
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_call_gives_what_the_table_says((function, args) in calls()) {
        let args: Vec<&Value> = args.iter().collect();
        let got = function.call(&args);
        let fits = match function.gives {
            Gives::Is(kind) => is_of(&got, kind),
            Gives::First | Gives::Common => {
                got.is_missing() || args.iter().any(|a| std::mem::discriminant(*a) == std::mem::discriminant(&got))
            }
        };
        prop_assert!(fits, "{} {args:?} gave {got:?}", function.name);
        prop_assert_eq!(function.call(&args), got);
    }

    #[test]
    fn missing_in_missing_out((function, args) in calls(), at in any::<prop::sample::Index>()) {
        let mut args: Vec<&Value> = args.iter().collect();
        let at = at.index(args.len());
        args[at] = &Value::Missing;
        if !matches!(function.eval, Eval::Raw(_)) {
            prop_assert_eq!(function.call(&args), Value::Missing);
        }
    }

    #[test]
    fn no_values_panic_anywhere(args in prop::collection::vec(values(), 0..5)) {
        let args: Vec<&Value> = args.iter().collect();
        for function in catalogue() {
            function.call(&args);
        }
    }

    #[test]
    fn coalesce_takes_the_first_that_is_there(args in prop::collection::vec(values(), 2..5)) {
        let expect = args.iter().find(|v| !v.is_missing()).unwrap_or(&Value::Missing);
        prop_assert_eq!(&call("coalesce", &args), expect);
    }

    #[test]
    fn likeness_has_no_sides(a in texts(), b in texts()) {
        let there = similar(&a, &b);
        prop_assert!((0.0..=1.0).contains(&there));
        prop_assert_eq!(there, similar(&b, &a));
        prop_assert_eq!(similar(&a, &a), 1.0);
    }

    #[test]
    fn distance_is_what_its_definition_says(a in "[ab]{0,6}", b in "[abc]{0,6}") {
        let chars = |t: &str| t.chars().collect::<Vec<char>>();
        let slow = slow_distance(&chars(&a), &chars(&b));
        prop_assert_eq!(call("distance", &[text(&a), text(&b)]), count(slow));
    }

    #[test]
    fn clamp_stays_within(x in numbers(), lo in numbers(), hi in numbers()) {
        match call("clamp", &[x, lo, hi].map(Value::Number)) {
            Value::Number(n) => prop_assert!(lo <= n && n <= hi && (n == x || n == lo || n == hi)),
            got => prop_assert!(got.is_missing() && lo > hi),
        }
    }

    #[test]
    fn extremes_are_among_their_arguments(all in prop::collection::vec(ints(), 2..6)) {
        let values: Vec<Value> = all.iter().copied().map(Value::Int).collect();
        prop_assert_eq!(call("min", &values), all.iter().min().copied().map_or(Value::Missing, Value::Int));
        prop_assert_eq!(call("max", &values), all.iter().max().copied().map_or(Value::Missing, Value::Int));
    }

    #[test]
    fn a_share_can_stand_in_a_logarithm(k in 0u32.., n in 0u32..) {
        match call("share", &[f64::from(k), f64::from(n)].map(Value::Number)) {
            Value::Number(share) => prop_assert!(0.0 < share && share < 1.0),
            got => prop_assert!(false, "{:?}", got),
        }
    }

    #[test]
    fn logistic_undoes_logit(p in 0.001f64..0.999) {
        match call("logistic", &[call("logit", &[Value::Number(p)])]) {
            Value::Number(back) => prop_assert!((back - p).abs() < 1e-12),
            got => prop_assert!(false, "{:?}", got),
        }
    }

    #[test]
    fn logarithms_are_those_of_the_system(x in numbers()) {
        let near = |a: Value, b: f64| match a {
            Value::Number(a) => (a - b).abs() <= 1e-14 * b.abs().max(1.0),
            a => a.is_missing() && !b.is_finite(),
        };
        prop_assert!(near(call("log", &[Value::Number(x)]), x.ln()));
        prop_assert!(near(call("log2", &[Value::Number(x)]), x.log2()));
        prop_assert!(near(call("log10", &[Value::Number(x)]), x.log10()));
    }

    #[test]
    fn a_slice_is_that_of_characters(t in "\\PC{0,12}", start in -15i64..15, end in -15i64..15) {
        let chars: Vec<char> = t.chars().collect();
        let len = chars.len() as i64;
        let place = |n: i64| (if n < 0 { n + len } else { n }).clamp(0, len);
        let inside = |i: &i64| place(start) <= *i && *i < place(end);
        let expect: String = (0..len).filter(inside).map(|i| chars[i as usize]).collect();
        prop_assert_eq!(call("slice", &[text(&t), Value::Int(start), Value::Int(end)]), text(&expect));
    }

    #[test]
    fn pieces_make_the_whole(t in "[ab/]{0,10}") {
        for (before, after) in [("before", "after"), ("before_last", "after_last")] {
            let sep = || text("/");
            match (call(before, &[text(&t), sep()]), call(after, &[text(&t), sep()])) {
                (Value::Text(a), Value::Text(b)) => prop_assert_eq!(format!("{a}/{b}"), t.clone()),
                (a, b) => prop_assert!(a.is_missing() && b.is_missing() && !t.contains('/')),
            }
        }
    }

    #[test]
    fn replacing_is_what_the_library_does(t in "[ab]{0,20}", old in "[ab]{1,3}", new in "[c]{0,3}") {
        prop_assert_eq!(call("replace", &[text(&t), text(&old), text(&new)]), text(&t.replace(&old, &new)));
    }

    #[test]
    fn a_plain_address_is_plain(email in "[a-zA-Z.+İ]{1,9}@(gmail\\.com|googlemail\\.com|example\\.org)") {
        let once = call("plain", &[text(&email)]);
        prop_assert!(!once.is_missing());
        prop_assert_eq!(call("plain", std::slice::from_ref(&once)), once);
    }

    #[test]
    fn entropy_lies_between_none_and_all_different(t in "\\PC{1,40}") {
        let most = (t.chars().count() as f64).log2();
        match call("entropy", &[text(&t)]) {
            Value::Number(bits) => prop_assert!(0.0 <= bits && bits <= most + 1e-9),
            got => prop_assert!(false, "{:?}", got),
        }
    }

    #[test]
    fn a_beginning_is_not_later_and_near(t in -4_000_000_000_000_000i64..4_000_000_000_000_000, unit in 1i64..1_000_000_000_000) {
        let start = call("truncate", &[Value::Time(Micros(t)), Value::Duration(Span(unit))]);
        match start {
            Value::Time(Micros(start)) => {
                prop_assert!(start <= t && t - start < unit);
                prop_assert_eq!((start - 4 * 86_400_000_000) % unit, 0);
            }
            got => prop_assert!(false, "{:?}", got),
        }
    }

    #[test]
    fn every_offset_is_read_or_refused(text in "\\PC{0,7}", h in 0i64..30, m in 0i64..70) {
        let _ = super::time::offset(&text);
        let read = super::time::offset(&format!("-{h:02}:{m:02}"));
        let minutes = 60 * h + m;
        prop_assert_eq!(read, (m < 60 && minutes <= 840).then(|| Span::from_secs(-60 * minutes)));
    }

    #[test]
    fn what_is_encoded_is_decoded(t in "\\PC{0,20}") {
        let encoded: String = t.bytes().map(|b| format!("%{b:02X}")).collect();
        prop_assert_eq!(call("unquote", &[text(&encoded)]), text(&t));
        let url = format!("https://example.org/?a=1&n={encoded}&n=2#x");
        prop_assert_eq!(call("param", &[text(&url), text("n")]), text(&t));
    }
}

/// More than the page will ever have.
const MOST: u64 = 1024 * 1024;

/// `BLESS=1` writes the page anew.
#[test]
fn the_page_is_what_the_catalogue_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/functions.md");
    let mut kept = String::new();
    if let Ok(file) = File::open(&path) {
        file.take(MOST).read_to_string(&mut kept).unwrap();
    }
    let page = book();
    if kept != page && is_blessing() {
        std::fs::write(&path, page).unwrap();
        return;
    }
    let differs = kept.lines().zip(page.lines()).position(|(a, b)| a != b);
    assert!(
        kept == page,
        "docs/src/functions.md differs from line {:?} on; BLESS=1 rewrites it",
        differs.map(|n| n + 1)
    );
}

#[allow(clippy::disallowed_methods, reason = "a switch of the test run, read where it is used")]
fn is_blessing() -> bool {
    std::env::var_os("BLESS").is_some_and(|v| v == "1")
}
