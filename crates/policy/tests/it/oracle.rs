// SPDX-License-Identifier: Apache-2.0
//! Expressions against an oracle: random typed expressions are printed, compiled and evaluated on random events with
//! values missing, and a tree walk over the test's own tree, with arithmetic of its own, must agree. The two share
//! no code: what the oracle does is the language reference put into Rust.

use crate::support::{Entries, compiled, event, program};
use proptest::prelude::*;
use proptest::strategy::Union;
use std::net::IpAddr;
use std::sync::Arc;
use wardroom_event::{Micros, Schema, Span, Value};
use wardroom_policy::{Piece, Program, Row, Taken, Tri};

/// The fields, in slot order. Of each type one that is always there and one that may be missing.
const POLICY: &str = r#"
event thing:
    b: bool
    ob: bool?
    i: int
    oi: int?
    n: number
    on: number?
    t: text
    ot: text?
    at: time
    oat: time?
    d: duration
    od: duration?
    ip: ip
    oip: ip?
    net: net
    onet: net?
    email: email
    oemail: email?
    url: url?
    account: account?

feature tally = count(thing, by=ip, last="1h")
feature since = first_seen(thing, by=account)

list nets: net = ["10.1.0.0/16", "2001:db8::/32", "192.0.2.7"]
list words: text = ["Ab", "é", ""]
list numbers: int = [-1, 0, 7]
"#;

/// What a type's values are, as the oracle holds them.
#[derive(Clone, Debug, PartialEq)]
enum V {
    B(bool),
    I(i64),
    N(f64),
    T(String),
    At(i64),
    D(i64),
    Ip(IpAddr),
    Net(IpAddr, u8),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Bool,
    Int,
    Number,
    Text,
    Time,
    Span,
    Ip,
    Net,
}

/// An expression.
#[derive(Clone, Debug)]
enum E {
    Lit(V),
    /// A field or feature: its name and its place in the facts.
    Fact(&'static str, usize),
    Now,
    Part(&'static str, Box<E>),
    Not(Box<E>),
    Neg(Box<E>),
    And(Vec<E>),
    Or(Vec<E>),
    Arith(char, Box<E>, Box<E>),
    Compare(&'static str, Box<E>, Box<E>),
    Chain(Box<E>, &'static str, Box<E>, &'static str, Box<E>),
    /// Whether negated, the needle, the haystack.
    Within(bool, Box<E>, Box<E>),
    InList(&'static str, Box<E>),
    Among(bool, Box<E>, Vec<V>),
    Missing(bool, Box<E>),
    If(Box<E>, Box<E>, Box<E>),
    Starts(Box<E>, Box<E>),
    Ends(Box<E>, Box<E>),
    Lower(Box<E>),
    Len(Box<E>),
    Abs(Box<E>),
}

/// Everything an event shows: the fields in slot order, then the two features.
type Facts = Vec<Option<V>>;
const FIELDS: usize = 20;

// ---------------------------------------------------------------- the oracle

/// What an expression is worth; `None` is unknown.
fn eval(e: &E, facts: &Facts, now: i64) -> Option<V> {
    let go = |e: &E| eval(e, facts, now);
    let truth = |e: &E| match go(e) {
        Some(V::B(b)) => Some(b),
        None => None,
        other => panic!("{other:?} is no truth"),
    };
    match e {
        E::Lit(v) => Some(v.clone()),
        E::Fact(_, place) => facts[*place].clone(),
        E::Now => Some(V::At(now)),
        E::Part(name, of) => part(name, go(of)?),
        E::Not(of) => truth(of).map(|b| V::B(!b)),
        E::Neg(of) => negated(go(of)?),
        E::And(parts) => all(parts.iter().map(truth).collect()),
        E::Or(parts) => {
            let none: Vec<Option<bool>> = parts.iter().map(|p| truth(p).map(|b| !b)).collect();
            match all(none)? {
                V::B(b) => Some(V::B(!b)),
                _ => unreachable!(),
            }
        }
        E::Arith(sign, a, b) => arith(*sign, go(a)?, go(b)?),
        E::Compare(sign, a, b) => Some(V::B(compare(sign, &go(a)?, &go(b)?))),
        E::Chain(a, s1, b, s2, c) => {
            let pair = |sign: &str, a: &E, b: &E| Some(compare(sign, &go(a)?, &go(b)?));
            all(vec![pair(s1, a, b), pair(s2, b, c)])
        }
        E::Within(negated, a, b) => Some(V::B(within(&go(a)?, &go(b)?) != *negated)),
        E::InList(name, of) => Some(V::B(listed(name, &go(of)?))),
        E::Among(negated, of, items) => {
            let v = go(of)?;
            Some(V::B(items.iter().any(|i| compare("==", &v, i)) != *negated))
        }
        E::Missing(negated, of) => Some(V::B(go(of).is_none() != *negated)),
        E::If(cond, then, other) => go(if truth(cond)? { then } else { other }),
        E::Starts(a, b) => match (go(a)?, go(b)?) {
            (V::T(a), V::T(b)) => Some(V::B(a.as_bytes().starts_with(b.as_bytes()))),
            other => panic!("{other:?}"),
        },
        E::Ends(a, b) => match (go(a)?, go(b)?) {
            (V::T(a), V::T(b)) => Some(V::B(a.as_bytes().ends_with(b.as_bytes()))),
            other => panic!("{other:?}"),
        },
        E::Lower(of) => match go(of)? {
            V::T(t) => Some(V::T(t.chars().flat_map(char::to_lowercase).collect())),
            other => panic!("{other:?}"),
        },
        E::Len(of) => match go(of)? {
            V::T(t) => Some(V::I(t.bytes().filter(|b| b & 0xc0 != 0x80).count() as i64)),
            other => panic!("{other:?}"),
        },
        E::Abs(of) => match go(of)? {
            V::N(n) => Some(V::N(n.abs())),
            V::I(n) if n < 0 => negated(V::I(n)),
            V::D(n) if n < 0 => negated(V::D(n)),
            other => Some(other),
        },
    }
}

/// `and` of three-valued truths: one false decides, else one unknown does.
fn all(truths: Vec<Option<bool>>) -> Option<V> {
    if truths.contains(&Some(false)) {
        return Some(V::B(false));
    }
    if truths.contains(&None) { None } else { Some(V::B(true)) }
}

fn whole(n: i128, make: fn(i64) -> V) -> Option<V> {
    i64::try_from(n).ok().map(make)
}

fn finite(n: f64) -> Option<V> {
    n.is_finite().then_some(V::N(n))
}

fn negated(v: V) -> Option<V> {
    match v {
        V::I(n) => whole(-i128::from(n), V::I),
        V::D(n) => whole(-i128::from(n), V::D),
        V::N(n) => Some(V::N(-n)),
        other => panic!("{other:?}"),
    }
}

fn as_number(v: &V) -> f64 {
    match v {
        V::I(n) => *n as f64,
        V::N(n) => *n,
        other => panic!("{other:?}"),
    }
}

fn floating(sign: char, a: f64, b: f64) -> f64 {
    match sign {
        '+' => a + b,
        '-' => a - b,
        '*' => a * b,
        _ => a / b,
    }
}

fn arith(sign: char, a: V, b: V) -> Option<V> {
    let exact = |a: i64, b: i64| match sign {
        '+' => i128::from(a) + i128::from(b),
        '-' => i128::from(a) - i128::from(b),
        _ => i128::from(a) * i128::from(b),
    };
    match (a, b) {
        (V::I(a), V::I(b)) if sign != '/' => whole(exact(a, b), V::I),
        (V::D(a), V::D(b)) if sign == '/' => finite(a as f64 / b as f64),
        (V::D(a), V::D(b)) => whole(exact(a, b), V::D),
        (V::D(a), b) => {
            let micros = floating(sign, a as f64, as_number(&b)).round();
            (micros.abs() < 9.2e18).then_some(V::D(micros as i64))
        }
        (V::At(a), V::D(b)) => whole(exact(a, b), V::At),
        (V::At(a), V::At(b)) => whole(exact(a, b), V::D),
        (a, b) => finite(floating(sign, as_number(&a), as_number(&b))),
    }
}

fn compare(sign: &str, a: &V, b: &V) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let order = match (a, b) {
        (V::I(a), V::I(b)) | (V::At(a), V::At(b)) | (V::D(a), V::D(b)) => a.cmp(b),
        (V::I(_) | V::N(_), V::I(_) | V::N(_)) => as_number(a).partial_cmp(&as_number(b)).unwrap(),
        (a, b) => {
            if a == b {
                Equal
            } else {
                Less
            }
        }
    };
    match sign {
        "==" => order == Equal,
        "!=" => order != Equal,
        "<" => order == Less,
        "<=" => order != Greater,
        ">" => order == Greater,
        _ => order != Less,
    }
}

/// The bits of an address, most significant first.
fn bits(ip: IpAddr) -> Vec<bool> {
    let bytes = match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    bytes.iter().flat_map(|byte| (0..8).map(move |i| byte & (0x80 >> i) != 0)).collect()
}

fn within(a: &V, b: &V) -> bool {
    match (a, b) {
        (V::T(part), V::T(text)) => text.contains(part.as_str()),
        (V::Ip(ip), V::Net(base, len)) => {
            let (ip, base, len) = (bits(*ip), bits(*base), usize::from(*len));
            ip.len() == base.len() && ip[..len] == base[..len]
        }
        (V::Net(inner, inner_len), V::Net(_, len)) => inner_len >= len && within(&V::Ip(*inner), b),
        other => panic!("{other:?}"),
    }
}

fn listed(name: &str, v: &V) -> bool {
    match (name, v) {
        ("nets", v) => ["10.1.0.0/16", "2001:db8::/32", "192.0.2.7/32"].iter().any(|n| within(v, &net(n))),
        ("words", V::T(t)) => ["Ab", "é", ""].contains(&t.as_str()),
        ("numbers", V::I(n)) => [-1, 0, 7].contains(n),
        other => panic!("{other:?}"),
    }
}

fn part(name: &str, of: V) -> Option<V> {
    match (name, of) {
        ("net", V::Ip(ip)) => Some(match ip {
            IpAddr::V4(v4) => V::Net(IpAddr::from((u32::from(v4) >> 8 << 8).to_be_bytes()), 24),
            IpAddr::V6(v6) => V::Net(IpAddr::from((u128::from(v6) >> 80 << 80).to_be_bytes()), 48),
        }),
        ("local", V::T(t)) => Some(V::T(t[..t.rfind('@')?].to_owned())),
        ("domain", V::T(t)) => Some(V::T(t[t.rfind('@')? + 1..].to_owned())),
        // The test's URLs have neither user nor port.
        ("host", V::T(t)) => {
            let rest = &t[t.find("://")? + 3..];
            let host = &rest[..rest.find('/').unwrap_or(rest.len())];
            (!host.is_empty()).then(|| V::T(host.to_lowercase()))
        }
        other => panic!("{other:?}"),
    }
}

fn net(text: &str) -> V {
    let (base, len) = text.split_once('/').unwrap();
    V::Net(base.parse().unwrap(), len.parse().unwrap())
}

// ---------------------------------------------------------------- printing

/// The expression as text, in brackets where it binds looser than `least`.
fn print(e: &E, least: u8) -> String {
    let (text, binds) = match e {
        E::Lit(v) => (literal(v), if literal(v).starts_with('-') { 7 } else { 8 }),
        E::Fact(name, _) => ((*name).to_owned(), 8),
        E::Now => ("time".to_owned(), 8),
        E::Part(name, of) => (format!("{}.{name}", print(of, 8)), 8),
        E::Not(of) => (format!("not {}", print(of, 3)), 3),
        E::Neg(of) => (format!("-{}", print(of, 8)), 7),
        E::And(parts) => (joined(parts, " and ", 3), 2),
        E::Or(parts) => (joined(parts, " or ", 2), 1),
        E::Arith(sign, a, b) => {
            let rank = if matches!(sign, '+' | '-') { 5 } else { 6 };
            (format!("{} {sign} {}", print(a, rank), print(b, rank + 1)), rank)
        }
        E::Compare(sign, a, b) => (format!("{} {sign} {}", print(a, 5), print(b, 5)), 4),
        E::Chain(a, s1, b, s2, c) => {
            (format!("{} {s1} {} {s2} {}", print(a, 5), print(b, 5), print(c, 5)), 4)
        }
        E::Within(negated, a, b) => {
            (format!("{} {}in {}", print(a, 5), if *negated { "not " } else { "" }, print(b, 5)), 4)
        }
        E::InList(name, of) => (format!("{} in {name}", print(of, 5)), 4),
        E::Among(negated, of, items) => {
            let items: Vec<String> = items.iter().map(literal).collect();
            (format!("{} {}in [{}]", print(of, 5), if *negated { "not " } else { "" }, items.join(", ")), 4)
        }
        E::Missing(negated, of) => {
            (format!("{} is {}missing", print(of, 5), if *negated { "not " } else { "" }), 4)
        }
        E::If(cond, then, other) => {
            (format!("{} if {} else {}", print(then, 1), print(cond, 1), print(other, 0)), 0)
        }
        E::Starts(a, b) => (format!("{}.startswith({})", print(a, 8), print(b, 0)), 8),
        E::Ends(a, b) => (format!("{}.endswith({})", print(a, 8), print(b, 0)), 8),
        E::Lower(of) => (format!("{}.lower()", print(of, 8)), 8),
        E::Len(of) => (format!("len({})", print(of, 0)), 8),
        E::Abs(of) => (format!("abs({})", print(of, 0)), 8),
    };
    if binds < least { format!("({text})") } else { text }
}

fn joined(parts: &[E], word: &str, least: u8) -> String {
    parts.iter().map(|p| print(p, least)).collect::<Vec<_>>().join(word)
}

fn literal(v: &V) -> String {
    match v {
        V::B(b) => b.to_string(),
        V::I(n) => n.to_string(),
        V::N(n) => format!("{n:?}"),
        V::T(t) => format!("\"{t}\""),
        V::At(t) => format!("\"{}\"", Micros(*t)),
        V::D(d) => format!("\"{d}us\""),
        V::Ip(ip) => format!("\"{ip}\""),
        V::Net(base, len) => format!("\"{base}/{len}\""),
    }
}

/// Whether an expression depends on the event; the language refuses a condition that does not.
fn reads(e: &E) -> bool {
    match e {
        E::Lit(_) => false,
        E::Fact(..) | E::Now | E::InList(..) => true,
        E::Part(_, a) | E::Not(a) | E::Neg(a) | E::Among(_, a, _) | E::Missing(_, a) => reads(a),
        E::Lower(a) | E::Len(a) | E::Abs(a) => reads(a),
        E::And(parts) | E::Or(parts) => parts.iter().any(reads),
        E::Arith(_, a, b) | E::Compare(_, a, b) | E::Within(_, a, b) => reads(a) || reads(b),
        E::Starts(a, b) | E::Ends(a, b) => reads(a) || reads(b),
        E::Chain(a, _, b, _, c) | E::If(a, b, c) => reads(a) || reads(b) || reads(c),
    }
}

// ---------------------------------------------------------------- generating

const TEXTS: [&str; 7] = ["", "a", "Ab", "aB", "é", "ÉA", "bot/1"];
const EMAILS: [&str; 3] = ["a@example.org", "Ab@b@example.net", "é@a"];
const URLS: [&str; 4] = ["https://A.example/x", "http://b.example", "mailto:a@b", "http:///x"];
const IPS: [&str; 5] = ["10.1.2.3", "10.2.0.1", "192.0.2.7", "2001:db8::1", "2001:db9::1"];
const NETS: [&str; 7] =
    ["10.1.2.0/24", "10.1.2.0/23", "10.1.0.0/16", "0.0.0.0/0", "2001:db8::/48", "::/0", "192.0.2.7/32"];
const ORDERS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];

fn pick(items: &'static [&'static str]) -> BoxedStrategy<&'static str> {
    proptest::sample::select(items).boxed()
}

fn int() -> BoxedStrategy<i64> {
    // `i64::MIN` cannot be written: it is the negative of what is none.
    prop_oneof![4 => -3i64..10, 1 => Just(i64::MAX), 1 => Just(-i64::MAX), 1 => -i64::MAX..i64::MAX].boxed()
}

fn number() -> BoxedStrategy<f64> {
    prop_oneof![3 => (-8i32..8).prop_map(|n| f64::from(n) / 4.0), 1 => Just(1e308), 1 => Just(2.5e-9), 1 => Just(0.0)]
        .boxed()
}

/// Written lengths of time are not negative.
fn span() -> BoxedStrategy<i64> {
    prop_oneof![3 => 0i64..5, 1 => Just(3_600_000_000), 1 => Just(i64::MAX)].boxed()
}

/// Within what can be written as RFC 3339.
fn moment() -> BoxedStrategy<i64> {
    (-2i64..5).prop_map(|n| 1_767_600_000_000_000 + n * 1_000_000).boxed()
}

fn value(kind: Kind) -> BoxedStrategy<V> {
    match kind {
        Kind::Bool => any::<bool>().prop_map(V::B).boxed(),
        Kind::Int => int().prop_map(V::I).boxed(),
        Kind::Number => number().prop_map(V::N).boxed(),
        Kind::Text => pick(&TEXTS).prop_map(|t| V::T(t.to_owned())).boxed(),
        Kind::Time => moment().prop_map(V::At).boxed(),
        Kind::Span => span().prop_map(V::D).boxed(),
        Kind::Ip => pick(&IPS).prop_map(|t| V::Ip(t.parse().unwrap())).boxed(),
        Kind::Net => pick(&NETS).prop_map(net).boxed(),
    }
}

fn fact(kind: Kind) -> BoxedStrategy<E> {
    let names: &'static [(&'static str, usize)] = match kind {
        Kind::Bool => &[("b", 0), ("ob", 1)],
        Kind::Int => &[("i", 2), ("oi", 3), ("tally", 20)],
        Kind::Number => &[("n", 4), ("on", 5)],
        Kind::Text => &[("t", 6), ("ot", 7)],
        Kind::Time => &[("at", 8), ("oat", 9), ("since", 21)],
        Kind::Span => &[("d", 10), ("od", 11)],
        Kind::Ip => &[("ip", 12), ("oip", 13)],
        Kind::Net => &[("net", 14), ("onet", 15)],
    };
    proptest::sample::select(names).prop_map(|(name, place)| E::Fact(name, place)).boxed()
}

fn email() -> BoxedStrategy<E> {
    proptest::sample::select(&[("email", 16), ("oemail", 17)][..]).prop_map(|(n, p)| E::Fact(n, p)).boxed()
}

type Pairs = BoxedStrategy<(Box<E>, Box<E>)>;

/// Two operands of one type. Quoted literals take their type from the other side, so at most one is a literal.
fn pair(kind: Kind, depth: u32) -> Pairs {
    let boxed = |(a, b)| (Box::new(a), Box::new(b));
    prop_oneof![
        3 => (expr(kind, depth), expr(kind, depth)).prop_map(boxed),
        1 => (expr(kind, depth), value(kind).prop_map(E::Lit)).prop_map(boxed),
        1 => (value(kind).prop_map(E::Lit), expr(kind, depth)).prop_map(boxed),
    ]
    .boxed()
}

/// A whole number and a number, in either order, or two of one of these.
fn numeric_pair(depth: u32) -> Pairs {
    let (i, n) = (expr(Kind::Int, depth), expr(Kind::Number, depth));
    let boxed = |(a, b)| (Box::new(a), Box::new(b));
    prop_oneof![
        (i.clone(), n.clone()).prop_map(boxed),
        (n.clone(), i).prop_map(boxed),
        (n.clone(), n).prop_map(boxed),
    ]
    .boxed()
}

/// Anything that can be asked whether it is missing.
fn anything(depth: u32) -> BoxedStrategy<E> {
    let kinds =
        [Kind::Bool, Kind::Int, Kind::Number, Kind::Text, Kind::Time, Kind::Span, Kind::Ip, Kind::Net];
    Union::new(kinds.map(|k| expr(k, depth))).boxed()
}

/// An expression of this type. Durations, times, addresses and networks are no literals at their root.
fn expr(kind: Kind, depth: u32) -> BoxedStrategy<E> {
    let leaf = match kind {
        Kind::Bool | Kind::Int | Kind::Number | Kind::Text => {
            prop_oneof![2 => fact(kind), 1 => value(kind).prop_map(E::Lit)].boxed()
        }
        Kind::Time => prop_oneof![3 => fact(kind), 1 => Just(E::Now)].boxed(),
        Kind::Span | Kind::Ip | Kind::Net => fact(kind),
    };
    if depth == 0 {
        return leaf;
    }
    let d = depth - 1;
    let mut ways: Vec<BoxedStrategy<E>> = vec![leaf.clone(), leaf];
    let choice = (expr(Kind::Bool, d), expr(kind, d), expr(kind, d));
    ways.push(choice.prop_map(|(c, a, b)| E::If(c.into(), a.into(), b.into())).boxed());
    let of = |kind: Kind| expr(kind, d).prop_map(Box::new);
    match kind {
        Kind::Bool => ways.extend(conditions(d)),
        Kind::Int => {
            ways.push(arithmetic("+-*", pair(Kind::Int, d)));
            ways.push(of(Kind::Int).prop_map(E::Neg).boxed());
            ways.push(of(Kind::Int).prop_map(E::Abs).boxed());
            ways.push(of(Kind::Text).prop_map(E::Len).boxed());
        }
        Kind::Number => {
            ways.push(arithmetic("+-*/", numeric_pair(d)));
            ways.push(arithmetic("/", pair(Kind::Int, d)));
            ways.push(arithmetic("/", pair(Kind::Span, d)));
            ways.push(of(Kind::Number).prop_map(E::Neg).boxed());
            ways.push(of(Kind::Number).prop_map(E::Abs).boxed());
        }
        Kind::Span => {
            ways.push(arithmetic("+-", pair(Kind::Span, d)));
            // A quoted time beside a time would be read as a length of time.
            ways.push(arithmetic("-", (of(Kind::Time), of(Kind::Time)).boxed()));
            ways.push(arithmetic("*/", (of(Kind::Span), of(Kind::Number)).boxed()));
            ways.push(arithmetic("*/", (of(Kind::Span), of(Kind::Int)).boxed()));
            ways.push(of(Kind::Span).prop_map(E::Neg).boxed());
            ways.push(of(Kind::Span).prop_map(E::Abs).boxed());
        }
        Kind::Time => {
            let step = prop_oneof![of(Kind::Span), span().prop_map(|n| Box::new(E::Lit(V::D(n))))];
            ways.push(arithmetic("+-", (of(Kind::Time), step).boxed()));
        }
        Kind::Text => {
            ways.push(of(Kind::Text).prop_map(E::Lower).boxed());
            ways.push(email().prop_map(|e| E::Part("local", e.into())).boxed());
        }
        Kind::Net => ways.push(of(Kind::Ip).prop_map(|e| E::Part("net", e)).boxed()),
        Kind::Ip => {}
    }
    Union::new(ways).boxed()
}

fn arithmetic(signs: &'static str, operands: Pairs) -> BoxedStrategy<E> {
    let signs: Vec<char> = signs.chars().collect();
    (proptest::sample::select(signs), operands).prop_map(|(sign, (a, b))| E::Arith(sign, a, b)).boxed()
}

fn conditions(d: u32) -> Vec<BoxedStrategy<E>> {
    let of = |kind: Kind| expr(kind, d).prop_map(Box::new);
    let several = || proptest::collection::vec(expr(Kind::Bool, d), 2..4);
    let compared = |signs: &'static [&'static str], operands: Pairs| {
        (pick(signs), operands).prop_map(|(sign, (a, b))| E::Compare(sign, a, b)).boxed()
    };
    let among = |kind: Kind| {
        let items = proptest::collection::vec(value(kind), 0..4);
        (any::<bool>(), of(kind), items).prop_map(|(negated, e, items)| E::Among(negated, e, items)).boxed()
    };
    let within = |needle: BoxedStrategy<Box<E>>, hay: BoxedStrategy<Box<E>>| {
        (any::<bool>(), needle, hay).prop_map(|(negated, a, b)| E::Within(negated, a, b)).boxed()
    };
    let nets = || prop_oneof![of(Kind::Net), value(Kind::Net).prop_map(|v| Box::new(E::Lit(v)))].boxed();
    let text_pair = || (of(Kind::Text), of(Kind::Text));
    let chain = (of(Kind::Int), pick(&ORDERS), fact(Kind::Int), pick(&ORDERS), of(Kind::Int));
    vec![
        of(Kind::Bool).prop_map(E::Not).boxed(),
        several().prop_map(E::And).boxed(),
        several().prop_map(E::Or).boxed(),
        compared(&ORDERS, pair(Kind::Int, d)),
        compared(&ORDERS, numeric_pair(d)),
        compared(&ORDERS, pair(Kind::Time, d)),
        compared(&ORDERS, pair(Kind::Span, d)),
        compared(&["==", "!="], pair(Kind::Bool, d)),
        compared(&["==", "!="], text_pair().boxed()),
        compared(&["==", "!="], pair(Kind::Ip, d)),
        compared(&["==", "!="], pair(Kind::Net, d)),
        compared(&["==", "!="], parts()),
        chain.prop_map(|(a, s1, b, s2, c)| E::Chain(a, s1, b.into(), s2, c)).boxed(),
        among(Kind::Int),
        among(Kind::Number),
        among(Kind::Text),
        among(Kind::Span),
        among(Kind::Ip),
        within(of(Kind::Text).boxed(), of(Kind::Text).boxed()),
        within(of(Kind::Ip).boxed(), nets()),
        within(of(Kind::Net).boxed(), nets()),
        of(Kind::Ip).prop_map(|e| E::InList("nets", e)).boxed(),
        of(Kind::Text).prop_map(|e| E::InList("words", e)).boxed(),
        of(Kind::Int).prop_map(|e| E::InList("numbers", e)).boxed(),
        (any::<bool>(), anything(d)).prop_map(|(negated, e)| E::Missing(negated, e.into())).boxed(),
        text_pair().prop_map(|(a, b)| E::Starts(a, b)).boxed(),
        text_pair().prop_map(|(a, b)| E::Ends(a, b)).boxed(),
    ]
}

/// Parts of addresses and URLs, which are domains, beside a domain.
fn parts() -> Pairs {
    let domain = || {
        prop_oneof![
            email().prop_map(|e| E::Part("domain", e.into())),
            Just(E::Part("host", E::Fact("url", 18).into())),
        ]
        .prop_map(Box::new)
    };
    let written = pick(&["a.example", "example.org", "a"]).prop_map(|t| Box::new(E::Lit(V::T(t.to_owned()))));
    prop_oneof![(domain(), domain()), (domain(), written)].boxed()
}

/// A value that an event can bring: also those that cannot be written.
fn brought(kind: Kind) -> BoxedStrategy<V> {
    match kind {
        Kind::Int => prop_oneof![9 => value(kind), 1 => Just(V::I(i64::MIN))].boxed(),
        Kind::Span => prop_oneof![6 => value(kind), 1 => Just(V::D(i64::MIN)), 1 => Just(V::D(-2))].boxed(),
        _ => value(kind),
    }
}

/// The facts of one event: features and optional fields may be missing.
fn facts() -> BoxedStrategy<Facts> {
    let there = |kind: Kind| brought(kind).prop_map(Some).boxed();
    let maybe = |kind: Kind| proptest::option::weighted(0.6, brought(kind)).boxed();
    let text = |items: &'static [&'static str]| pick(items).prop_map(|t| V::T(t.to_owned()));
    let mut all: Vec<BoxedStrategy<Option<V>>> = Vec::new();
    for kind in [Kind::Bool, Kind::Int, Kind::Number, Kind::Text, Kind::Time, Kind::Span, Kind::Ip, Kind::Net]
    {
        all.push(there(kind));
        all.push(maybe(kind));
    }
    all.push(text(&EMAILS).prop_map(Some).boxed());
    all.push(proptest::option::of(text(&EMAILS)).boxed());
    all.push(proptest::option::of(text(&URLS)).boxed());
    all.push(proptest::option::of(text(&TEXTS[1..])).boxed());
    all.push(proptest::option::of((0i64..9).prop_map(V::I)).boxed());
    all.push(maybe(Kind::Time));
    all.boxed()
}

// ---------------------------------------------------------------- comparing

fn to_value(v: &Option<V>) -> Value {
    match v {
        None => Value::Missing,
        Some(V::B(b)) => Value::Bool(*b),
        Some(V::I(n)) => Value::Int(*n),
        Some(V::N(n)) => Value::Number(*n),
        Some(V::T(t)) => Value::Text(t.as_str().into()),
        Some(V::At(t)) => Value::Time(Micros(*t)),
        Some(V::D(d)) => Value::Duration(Span(*d)),
        Some(V::Ip(ip)) => Value::Ip(*ip),
        Some(V::Net(base, len)) => Value::Net(format!("{base}/{len}").parse().unwrap()),
    }
}

/// A condition that reads the event and is worth what `e` is.
fn reading(e: &E) -> String {
    let text = print(e, 2);
    if reads(e) { print(e, 0) } else { format!("{text} or b and not b") }
}

struct Judged {
    program: Program,
    schema: Arc<Schema>,
    lists: Entries,
}

/// The policy, unless it asks for what can never be, which the checker refuses.
fn judged(source: &str) -> Option<Judged> {
    let compiled = compiled(&[("main.ward", source)]);
    let never = |d: &wardroom_report::Diagnostic| !d.is_error() || matches!(d.code, "W0406" | "W0506");
    let refused = compiled.program.is_none() && compiled.diagnostics.iter().all(never);
    if refused {
        return None;
    }
    let program = program(&[("main.ward", source)]);
    let lists = Entries::of(&program);
    Some(Judged { schema: program.schema.clone(), program, lists })
}

impl Judged {
    /// Evaluates under `facts`, serving the features in the order the plan asks for them.
    fn on<T>(&self, facts: &Facts, now: i64, look: impl FnOnce(&Program, &Row<'_>) -> T) -> T {
        let values: Vec<Value> = facts[..FIELDS].iter().map(to_value).collect();
        let event = event(&self.schema, "thing", Micros(now), values);
        let plan = self.program.plan(event.kind);
        let features = |s: &wardroom_policy::Serve| match &*s.id {
            "tally" => to_value(&facts[20]),
            "since" => to_value(&facts[21]),
            other => panic!("{other}"),
        };
        let served: Vec<Value> = plan.serve.iter().map(features).collect();
        look(&self.program, &Row::new(&event, &served, &self.lists))
    }
}

fn truth(v: Option<V>) -> Tri {
    match v {
        None => Tri::Unknown,
        Some(V::B(b)) => Tri::known(b),
        other => panic!("{other:?} is no truth"),
    }
}

/// The same value; `-0.0` is not `0.0`, since a division tells them apart.
fn same(got: &Value, want: &Value) -> bool {
    match (got, want) {
        (Value::Number(a), Value::Number(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 768, max_shrink_iters: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn conditions_hold_when_the_oracle_says_so(
        e in expr(Kind::Bool, 3),
        events in proptest::collection::vec((facts(), moment()), 6),
    ) {
        let text = reading(&e);
        let source = format!("{POLICY}\nrule r on thing:\n    when {text}\n    then block\n    because \"why\"\n");
        let judged = judged(&source);
        prop_assume!(judged.is_some());
        let judged = judged.unwrap();
        for (facts, now) in &events {
            let got = judged.on(facts, *now, |program, row| program.rules[0].holds(row));
            prop_assert_eq!(got, truth(eval(&e, facts, *now)), "{}\n{:?} at {}", text, facts, now);
        }
    }

    #[test]
    fn reasons_show_what_the_oracle_says(
        e in anything(3),
        events in proptest::collection::vec((facts(), moment()), 4),
    ) {
        let text = print(&e, 0);
        let source = format!("{POLICY}\nrule r on thing:\n    when b\n    then block\n    because \"{{{text}}}\"\n");
        let judged = judged(&source).unwrap();
        for (facts, now) in &events {
            let pieces = judged.on(facts, *now, |program, row| program.rules[0].because(row));
            let want = to_value(&eval(&e, facts, *now));
            match &pieces[..] {
                [Piece::Value(_, got)] => {
                    prop_assert!(same(got, &want), "{} is {:?}, not {:?}\n{:?}", text, got, want, facts);
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    #[test]
    fn filters_take_what_the_oracle_says(
        e in expr(Kind::Bool, 2).prop_filter("reads fields", reads_fields_only),
        events in proptest::collection::vec((facts(), moment()), 4),
    ) {
        let text = print(&e, 0);
        let source = format!(
            "{POLICY}\nfeature f = count(thing, where={text}, by=ip, last=\"1h\")\nrule r on thing:\n    when f > 1\n    then block\n    because \"why\"\n"
        );
        let program = program(&[("main.ward", &source)]);
        let number = program.features.iter().position(|f| &*f.id == "f").unwrap();
        for (facts, now) in &events {
            let values: Vec<Value> = facts[..FIELDS].iter().map(to_value).collect();
            let event = event(&program.schema, "thing", Micros(*now), values);
            let plan = program.plan(event.kind);
            let count = plan.count.iter().find(|c| c.feature == number).unwrap();
            let got = count.takes(&crate::support::row(&event));
            let want = (truth(eval(&e, facts, *now)) == Tri::True).then_some(Taken::Plain);
            prop_assert_eq!(got, want, "{}\n{:?}", text, facts);
        }
    }
}

#[test]
fn the_conditions_tried_are_true_false_and_unknown() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = [0; 3];
    let (conditions, events) = (expr(Kind::Bool, 3), facts());
    for _ in 0..600 {
        let e = conditions.new_tree(&mut runner).unwrap().current();
        let facts = events.new_tree(&mut runner).unwrap().current();
        seen[truth(eval(&e, &facts, 1_767_600_000_000_000)) as usize] += 1;
    }
    assert!(seen.iter().all(|n| *n > 100), "{seen:?}");
}

/// Whether a filter may say it: no features, no lists.
fn reads_fields_only(e: &E) -> bool {
    match e {
        E::Fact(_, place) => *place < FIELDS,
        E::InList(..) => false,
        E::Lit(_) | E::Now => true,
        E::Part(_, a) | E::Not(a) | E::Neg(a) | E::Among(_, a, _) | E::Missing(_, a) => reads_fields_only(a),
        E::Lower(a) | E::Len(a) | E::Abs(a) => reads_fields_only(a),
        E::And(parts) | E::Or(parts) => parts.iter().all(reads_fields_only),
        E::Arith(_, a, b) | E::Compare(_, a, b) | E::Within(_, a, b) => {
            reads_fields_only(a) && reads_fields_only(b)
        }
        E::Starts(a, b) | E::Ends(a, b) => reads_fields_only(a) && reads_fields_only(b),
        E::Chain(a, _, b, _, c) | E::If(a, b, c) => {
            reads_fields_only(a) && reads_fields_only(b) && reads_fields_only(c)
        }
    }
}
