// SPDX-License-Identifier: Apache-2.0
//! Random typed expressions as policy text, and random rows to ask them of: small values that meet, extreme ones, and
//! missing ones everywhere.

use crate::program::{Program, Source};
use crate::{ListId, Row, World};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;
use std::net::IpAddr;
use wardroom_event::{Event, EventId, Field, Micros, Repr, Span, Type, TypeId, Value};

/// What every generated rule stands in.
pub(super) const POLICY: &str = r#"
record file:
    name: text?
    size: size
    kind: enum("exe", "pdf")
    host: ip?
    weight: number?
    ok: bool?

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
    s: size
    os: size?
    r: rate
    ip: ip
    oip: ip?
    net: net
    onet: net?
    email: email
    oemail: email?
    url: url?
    account: account?
    agent: user_agent?
    plan: enum("free", "paid", "gold")?
    files: list(file)?
    nums: list(int)?
    words: list(text)

feature tally = count(thing, by=ip, last="1h")
feature since = first_seen(thing, by=account)
feature usual = mean(n, of=thing, by=account, last="1d")
feature long = max(d, of=thing, by=account, last="1d")

list nets: net = ["10.1.0.0/16", "2001:db8::/32", "192.0.2.7"]
list texts: text = ["Ab", "é", ""]
list numbers: int = [-1, 0, 7]
list bad: account = []
list regexes: regex = ["^a+$", "[0-9]"]

rule adder on thing:
    when    b
    then    list(account, bad, expires="1d"), label(ip.net, "farm")
    because "to make one list change"
    mode    draft

table risk(what: text, n: int, age: duration) -> number:
    "a",  -1,  any          -> 0.9
    "Ab", any, < "3us"      -> 0.7
    any,  any, "3us" to "5us" -> 0.2
    else                    -> -1.5

table word(plan: text, b: bool) -> text:
    "free", true -> "yes"
    "paid", any  -> "no"
"#;

/// The types that expressions are generated of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Bool,
    Int,
    Number,
    Text,
    Time,
    Span,
    Size,
    Rate,
    Ip,
    Net,
}

/// Inside of which comprehension an expression stands.
type Item = Option<&'static str>;

type Texts = BoxedStrategy<String>;

const ORDERS: &[&str] = &["==", "!=", "<", "<=", ">", ">="];
const TEXTS: &[&str] = &["", "a", "Ab", "aB", "é", "ÉA", "bot/1"];
const IPS: &[&str] = &["10.1.2.3", "10.2.0.1", "192.0.2.7", "2001:db8::1", "2001:db9::1", "::", "0.0.0.0"];
const NETS: &[&str] = &[
    "10.1.2.0/24",
    "10.1.2.0/23",
    "10.1.0.0/16",
    "0.0.0.0/0",
    "2001:db8::/48",
    "::/0",
    "192.0.2.7/32",
    "::/32",
    "2001:db8::1/128",
];

fn pick(items: &'static [&'static str]) -> Texts {
    select(items).prop_map(str::to_owned).boxed()
}

/// A literal. Those in quotes take their type from what they stand beside.
fn literal(kind: Kind) -> Texts {
    let quoted = |items: &'static [&'static str]| pick(items).prop_map(|t| format!("\"{t}\"")).boxed();
    match kind {
        Kind::Bool => pick(&["true", "false"]),
        Kind::Int => pick(&["-3", "-1", "0", "1", "2", "7", "9223372036854775807", "-9223372036854775807"]),
        Kind::Number => pick(&["-1.5", "0.0", "-0.0", "0.25", "0.5", "2.0", "1e308", "2.5e-9"]),
        Kind::Text => quoted(TEXTS),
        Kind::Time => quoted(&["2026-01-05T08:00:00Z", "2026-01-05T08:00:01Z", "2026-01-05T07:59:59Z"]),
        Kind::Span => quoted(&["0us", "1us", "3us", "1h", "9223372036854775807us"]),
        Kind::Size => quoted(&["0B", "1B", "3B", "1MB", "4KiB"]),
        Kind::Rate => quoted(&["0/s", "1/m", "30/m", "2/s"]),
        Kind::Ip => quoted(IPS),
        Kind::Net => quoted(NETS),
    }
}

fn fact(kind: Kind, item: Item) -> Texts {
    let outside: &[&str] = match kind {
        Kind::Bool => &["b", "ob", "labelled(ip.net, \"farm\")", "(account in bad)"],
        Kind::Int => &["i", "oi", "tally", "ip.asn", "at.hour"],
        Kind::Number => &["n", "on", "usual", "ip.lat"],
        Kind::Text => &["t", "ot", "ip.kind", "email.local", "at.weekday", "agent.family"],
        Kind::Time => &["at", "oat", "since", "time"],
        Kind::Span => &["d", "od", "long"],
        Kind::Size => &["s", "os"],
        Kind::Rate => &["r"],
        Kind::Ip => &["ip", "oip"],
        Kind::Net => &["net", "onet", "ip.net"],
    };
    let inside: &[&str] = match (item, kind) {
        (Some("files"), Kind::Bool) => &["x.ok"],
        (Some("files"), Kind::Text) => &["x.name"],
        (Some("files"), Kind::Number) => &["x.weight"],
        (Some("files"), Kind::Size) => &["x.size"],
        (Some("files"), Kind::Ip) => &["x.host"],
        (Some("nums"), Kind::Int) => &["x"],
        (Some("words"), Kind::Text) => &["x"],
        _ => &[],
    };
    let mut all: Vec<String> = outside.iter().map(|s| (*s).to_owned()).collect();
    // Inside a comprehension its item is what is mostly spoken of.
    all.extend(inside.iter().cycle().take(inside.len() * all.len()).map(|s| (*s).to_owned()));
    select(all).boxed()
}

/// An expression of a type, in brackets where it needs them.
fn expr(kind: Kind, depth: u32, item: Item) -> Texts {
    let leaf = match kind {
        Kind::Bool | Kind::Int | Kind::Number | Kind::Text => {
            prop_oneof![3 => fact(kind, item), 1 => literal(kind)].boxed()
        }
        _ => fact(kind, item),
    };
    let Some(d) = depth.checked_sub(1) else { return leaf };
    let of = |kind: Kind| expr(kind, d, item);
    let choice = (of(Kind::Bool), of(kind), of(kind)).prop_map(|(c, a, b)| format!("({a} if {c} else {b})"));
    let mut ways: Vec<Texts> = vec![leaf, choice.boxed()];
    match kind {
        Kind::Bool => ways.extend(conditions(d, item)),
        Kind::Int => {
            ways.push(arith(&["+", "-", "*"], of(kind), pair_of(kind, d, item)));
            ways.push(unary(&["(-E)", "abs(E)", "clamp(E, -2, 5)", "int(n * 4)"], of(kind)));
            ways.push(unary(&["len(E)", "int(E)", "E.find(\"b\")", "E.count(\"a\")"], of(Kind::Text)));
            ways.push(pick(&["len(files)", "len(nums)", "len(words)", "url.port", "ip.version"]));
            ways.extend(folds(kind, d, item));
        }
        Kind::Number => {
            ways.push(arith(&["+", "-", "*", "/"], of(kind), pair_of(kind, d, item)));
            ways.push(arith(&["+", "-", "*", "/"], of(Kind::Int), of(kind)));
            ways.push(arith(&["/"], of(Kind::Int), pair_of(Kind::Int, d, item)));
            ways.push(arith(&["/"], of(Kind::Span), pair_of(Kind::Span, d, item)));
            ways.push(arith(&["/"], of(Kind::Size), pair_of(Kind::Size, d, item)));
            ways.push(unary(&["(-E)", "abs(E)", "log(E)", "sqrt(E)", "pow(E, 2)", "share(E, 2)"], of(kind)));
            ways.push(unary(&["coalesce(E, 0.5)", "max(E, on)", "number(b)", "round(E, 1)"], of(kind)));
            let args = (of(Kind::Text), of(Kind::Int), of(Kind::Span));
            ways.push(args.prop_map(|(t, i, d)| format!("risk({t}, {i}, {d})")).boxed());
            ways.extend(folds(kind, d, item));
        }
        Kind::Span => {
            ways.push(arith(&["+", "-"], of(kind), pair_of(kind, d, item)));
            ways.push(arith(&["-"], of(Kind::Time), of(Kind::Time)));
            ways.push(arith(&["*", "/"], of(kind), of(Kind::Number)));
            ways.push(arith(&["*", "/"], of(kind), of(Kind::Int)));
            ways.push(unary(&["(-E)", "abs(E)", "max(E, d)"], of(kind)));
        }
        Kind::Size => {
            ways.push(arith(&["+", "-"], of(kind), pair_of(kind, d, item)));
            ways.push(arith(&["*", "/"], of(kind), of(Kind::Number)));
            ways.extend(folds(kind, d, item));
        }
        Kind::Time => ways.push(arith(&["+", "-"], of(kind), pair_of(Kind::Span, d, item))),
        Kind::Text => {
            ways.push(unary(&["E.lower()", "E.strip()", "E.slice(0, 1)", "E.before(\"/\")"], of(kind)));
            ways.push(unary(&["text(E)"], of(Kind::Int)));
            ways.push(pick(&["word(plan, b)", "word(plan, ob)", "email.local", "url.scheme"]));
        }
        Kind::Net => ways.push(unary(&["net(E, 16, 32)"], of(Kind::Ip))),
        Kind::Rate | Kind::Ip => {}
    }
    Union::new(ways).boxed()
}

/// An expression, or a literal beside one.
fn pair_of(kind: Kind, depth: u32, item: Item) -> Texts {
    prop_oneof![2 => expr(kind, depth, item), 1 => literal(kind)].boxed()
}

fn unary(forms: &'static [&'static str], of: Texts) -> Texts {
    (select(forms), of).prop_map(|(form, e)| form.replace('E', &format!("({e})"))).boxed()
}

fn arith(signs: &'static [&'static str], a: Texts, b: Texts) -> Texts {
    (a, select(signs), b).prop_map(|(a, sign, b)| format!("({a} {sign} {b})")).boxed()
}

/// A comprehension over one of the lists; none within another.
fn comprehension(
    words: &'static [&'static str],
    body: impl Fn(Item) -> Texts + 'static,
    over: &'static [&'static str],
    d: u32,
) -> Texts {
    let each = move |over: &'static str| {
        let filter = proptest::option::of(expr(Kind::Bool, d.min(1), Some(over)));
        (select(words), body(Some(over)), filter).prop_map(move |(word, body, filter)| match filter {
            Some(filter) => format!("{word}(({body}) for x in {over} if {filter})"),
            None => format!("{word}(({body}) for x in {over})"),
        })
    };
    Union::new(over.iter().map(|over| each(over).boxed())).boxed()
}

const LISTS: &[&str] = &["files", "nums", "words"];

fn folds(kind: Kind, d: u32, item: Item) -> Option<Texts> {
    let body = move |item: Item| expr(kind, d.min(1), item);
    item.is_none().then(|| comprehension(&["sum", "min", "max"], body, LISTS, d))
}

fn conditions(d: u32, item: Item) -> Vec<Texts> {
    let of = |kind: Kind| expr(kind, d, item);
    let several = || vec(of(Kind::Bool), 2..4);
    let joined = |parts: Vec<String>, word: &str| format!("({})", parts.join(word));
    let compared = |orders: &'static [&'static str], kind: Kind| {
        prop_oneof![
            (of(kind), select(orders), pair_of(kind, d, item)),
            (literal(kind), select(orders), of(kind)),
        ]
        .prop_map(|(a, order, b)| format!("({a} {order} {b})"))
        .boxed()
    };
    let among = |kind: Kind| {
        (of(kind), pick(&["in", "not in"]), vec(literal(kind), 1..12))
            .prop_map(|(e, word, items)| format!("({e} {word} [{}])", items.join(", ")))
            .boxed()
    };
    let within = |needle: Texts, hay: Texts| {
        (needle, pick(&["in", "not in"]), hay).prop_map(|(a, word, b)| format!("({a} {word} {b})")).boxed()
    };
    let nets = || pair_of(Kind::Net, d, item);
    let mut ways = vec![
        of(Kind::Bool).prop_map(|e| format!("(not {e})")).boxed(),
        several().prop_map(move |parts| joined(parts, " and ")).boxed(),
        several().prop_map(move |parts| joined(parts, " or ")).boxed(),
        compared(&["==", "!="], Kind::Bool),
        compared(&["==", "!="], Kind::Text),
        compared(&["==", "!="], Kind::Ip),
        compared(&["==", "!="], Kind::Net),
        compared(ORDERS, Kind::Int),
        compared(ORDERS, Kind::Number),
        compared(ORDERS, Kind::Time),
        compared(ORDERS, Kind::Span),
        compared(ORDERS, Kind::Size),
        compared(ORDERS, Kind::Rate),
        among(Kind::Int),
        among(Kind::Number),
        among(Kind::Text),
        among(Kind::Span),
        among(Kind::Size),
        among(Kind::Ip),
        among(Kind::Net),
        within(of(Kind::Text), of(Kind::Text)),
        within(literal(Kind::Text), of(Kind::Text)),
        within(of(Kind::Ip), nets()),
        within(of(Kind::Net), nets()),
        within(of(Kind::Ip), pick(&["nets"])),
        within(of(Kind::Text), pick(&["texts", "words", "regexes"])),
        within(of(Kind::Int), pick(&["numbers", "nums"])),
        unary(&["matches(E, \"[a-z]$\")", "E.isalpha()", "matches(E, \"^$\")"], of(Kind::Text)),
        unary(&["is_private(E)"], of(Kind::Ip)),
        pick(&["(plan == \"free\")", "(plan in [\"gold\", \"paid\"])", "(plan != \"gold\")"]),
        pick(&["(url.host == \"a.example\")", "(email.domain == url.host)", "(url == \"http://b.example\")"]),
        (select(&["startswith", "endswith", "contains"][..]), of(Kind::Text), of(Kind::Text))
            .prop_map(|(f, a, b)| format!("({a}).{f}({b})"))
            .boxed(),
    ];
    for kind in [Kind::Bool, Kind::Int, Kind::Number, Kind::Text, Kind::Time, Kind::Net] {
        let missing = (of(kind), pick(&["is", "is not"]));
        ways.push(missing.prop_map(|(e, is)| format!("({e} {is} missing)")).boxed());
    }
    ways.push(pick(&["(files is missing)", "(nums is not missing)", "(url is missing)"]));
    if item == Some("files") {
        ways.push(pick(&["(x.kind == \"exe\")", "(x.kind != \"pdf\")", "(x.name is missing)"]));
    }
    if item.is_none() {
        let body = move |item: Item| expr(Kind::Bool, d.min(1), item);
        ways.push(comprehension(&["any", "all"], body, LISTS, d));
    }
    ways
}

/// A condition as policy text.
pub(super) fn condition(depth: u32) -> Texts {
    expr(Kind::Bool, depth, None)
}

/// A number as policy text.
pub(super) fn quantity(depth: u32) -> Texts {
    expr(Kind::Number, depth, None)
}

/// Numbers that look random and are the same every time (SplitMix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.roll() % n as u64) as usize
    }

    fn one_of<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }

    /// A value of a field. What an event must have is there too.
    pub(super) fn value(&mut self, field: &Field) -> Value {
        if field.may_lack() && self.below(10) < 3 {
            return Value::Missing;
        }
        let text = |t: &str| Value::Text(t.into());
        match field.kind {
            Type::Email => text(self.one_of(&["a@example.org", "Ab@b@example.net", "é@a"])),
            Type::Url => text(self.one_of(&["https://A.example/x", "http://b.example", "mailto:a@b"])),
            Type::Enum => Value::Text(self.one_of(field.members())),
            Type::Size => Value::Int(self.one_of(&[0, 1, 3, 1_000_000, 4096, i64::MAX])),
            Type::Rate => Value::Number(self.one_of(&[0.0, 0.5, 1.0 / 60.0, 2.0])),
            Type::List => {
                let items = self.below(5).saturating_sub(1);
                let all = (0..items).flat_map(|_| field.items()).map(|f| self.value(f));
                Value::List(all.collect())
            }
            kind => self.plain(kind.repr()),
        }
    }

    fn plain(&mut self, repr: Repr) -> Value {
        let near = self.below(6) as i64 - 2;
        match repr {
            Repr::Bool => Value::Bool(self.below(2) == 1),
            Repr::Int => Value::Int(self.one_of(&[near, near, near, 7, i64::MAX, i64::MIN, -i64::MAX])),
            Repr::Number => {
                let quarter = near as f64 / 4.0;
                Value::Number(self.one_of(&[quarter, quarter, 1e308, -1e308, 2.5e-9, 0.0, -0.0, f64::MAX]))
            }
            Repr::Text => Value::Text(self.one_of(TEXTS).into()),
            Repr::Time => {
                let usual = 1_767_600_000_000_000 + near * 1_000_000;
                Value::Time(Micros(self.one_of(&[usual, usual, usual, i64::MAX, i64::MIN])))
            }
            Repr::Duration => {
                Value::Duration(Span(self.one_of(&[near, near, 3, 3_600_000_000, i64::MAX, i64::MIN])))
            }
            Repr::Ip => Value::Ip(self.one_of(IPS).parse::<IpAddr>().unwrap()),
            Repr::Net => Value::Net(self.one_of(NETS).parse().unwrap()),
            Repr::List => Value::Missing,
        }
    }
}

/// Random events of a type, and what is served for them: what is computed is what it is worth.
pub(super) fn rows(
    program: &Program,
    kind: TypeId,
    count: usize,
    seed: u64,
) -> (Vec<Event>, Vec<Vec<Value>>) {
    let mut dice = Dice(seed);
    let mut all = (Vec::new(), Vec::new());
    for _ in 0..count {
        let fields = &program.schema.get(kind).fields;
        let values: Vec<Value> = fields.iter().map(|f| dice.value(f)).collect();
        let Value::Time(time) = dice.plain(Repr::Time) else { unreachable!() };
        let id = EventId { source: "".into(), id: "1".into() };
        let schema = program.schema.clone();
        let event = Event { schema, kind, id, time, received: time, values: values.into() };
        let mut served: Vec<Value> = Vec::new();
        for serve in &program.plan(kind).serve {
            let value = match &serve.source {
                Source::Computed(of) => of.of(&Row::new(&event, &served, &Odd)),
                _ => dice.value(&Field::plain("", serve.kind, true)),
            };
            served.push(value);
        }
        all.0.push(event);
        all.1.push(served);
    }
    all
}

/// Lists whose answers hang on list, value and time, so that mistaking one of them shows.
pub(super) struct Odd;

impl World for Odd {
    fn contains(&self, list: ListId, value: &Value, at: Micros) -> bool {
        assert!(!value.is_missing(), "asked for a missing value");
        let shown = format!("{list:?} {value:?} {}", at.0);
        shown.bytes().fold(7u32, |sum, b| sum.wrapping_mul(31).wrapping_add(b.into())) % 3 == 0
    }

    fn bucket(&self, _: &str, _: &Value) -> u32 {
        0
    }
}
