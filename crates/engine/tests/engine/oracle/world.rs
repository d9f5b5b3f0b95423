// SPDX-License-Identifier: Apache-2.0
//! A policy as the oracle has it: types of its own, small and open, made by `draw`, put into words by `print` and given
//! a meaning by `brute` and `windows`.

use std::collections::BTreeSet;
use std::net::IpAddr;

/// A value. Where one may be missing it is an `Option`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum V {
    B(bool),
    /// Whole numbers and sizes.
    I(i64),
    /// Numbers and rates.
    N(f64),
    T(String),
    At(i64),
    D(i64),
    Ip(IpAddr),
    Net(IpAddr, u8),
    /// The items of a list, each with its columns.
    L(Vec<Vec<Option<V>>>),
}

/// A type of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum K {
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
    Account,
    Device,
    Domain,
    Email,
    Url,
    Agent,
    Plan,
    Links,
    Ints,
    Files,
}

/// The types of single values.
pub(crate) const SINGLE: [K; 17] = [
    K::Bool,
    K::Int,
    K::Number,
    K::Text,
    K::Time,
    K::Span,
    K::Size,
    K::Rate,
    K::Ip,
    K::Net,
    K::Account,
    K::Device,
    K::Domain,
    K::Email,
    K::Url,
    K::Agent,
    K::Plan,
];

impl K {
    pub(crate) fn is_text(self) -> bool {
        matches!(self, K::Text | K::Account | K::Device | K::Domain | K::Email | K::Url | K::Agent | K::Plan)
    }

    pub(crate) fn has_order(self) -> bool {
        matches!(self, K::Int | K::Number | K::Time | K::Span | K::Size | K::Rate)
    }

    /// Whether a written value of it is in quotes and takes its type from what it meets.
    pub(crate) fn is_quoted(self) -> bool {
        !matches!(self, K::Bool | K::Int | K::Number | K::Text)
    }

    /// Its name in policy; of an enum and lists all that a field says.
    pub(crate) fn name(self) -> &'static str {
        match self {
            K::Bool => "bool",
            K::Int => "int",
            K::Number => "number",
            K::Text => "text",
            K::Time => "time",
            K::Span => "duration",
            K::Size => "size",
            K::Rate => "rate",
            K::Ip => "ip",
            K::Net => "net",
            K::Account => "account",
            K::Device => "device",
            K::Domain => "domain",
            K::Email => "email",
            K::Url => "url",
            K::Agent => "user_agent",
            K::Plan => "enum(\"free\", \"paid\", \"trial\")",
            K::Links => "list(url)",
            K::Ints => "list(int)",
            K::Files => "list(file)",
        }
    }

    /// The columns of a list's items; the one of plain values has no name.
    pub(crate) fn columns(self) -> &'static [(&'static str, K)] {
        match self {
            K::Links => &[("", K::Url)],
            K::Ints => &[("", K::Int)],
            K::Files => &[("name", K::Text), ("size", K::Size), ("kind", K::Text), ("from", K::Ip)],
            _ => &[],
        }
    }
}

/// Every field an event type may have. A field has the same type wherever it stands.
pub(crate) const FIELDS: [(&str, K); 19] = [
    ("account", K::Account),
    ("ip", K::Ip),
    ("ok", K::Bool),
    ("n", K::Int),
    ("amount", K::Number),
    ("bytes", K::Size),
    ("took", K::Span),
    ("since", K::Time),
    ("pace", K::Rate),
    ("agent", K::Agent),
    ("mail", K::Email),
    ("host", K::Domain),
    ("link", K::Url),
    ("device", K::Device),
    ("net", K::Net),
    ("plan", K::Plan),
    ("note", K::Text),
    ("links", K::Links),
    ("ints", K::Ints),
];

/// How many fields there are: those, and the list of records.
pub(crate) const ALL: usize = FIELDS.len() + 1;

/// A field's name and type.
pub(crate) fn field(number: usize) -> (&'static str, K) {
    FIELDS.get(number).copied().unwrap_or(("files", K::Files))
}

/// The number of a field.
pub(crate) fn numbered(name: &str) -> usize {
    (0..ALL).find(|n| field(*n).0 == name).unwrap()
}

/// Facts: the field they are of, the part, its type.
pub(crate) const FACTS: [(&str, &str, K); 7] = [
    ("ip", "asn", K::Int),
    ("ip", "country", K::Text),
    ("ip", "kind", K::Text),
    ("ip", "lat", K::Number),
    ("ip", "lon", K::Number),
    ("mail", "site", K::Domain),
    ("agent", "os", K::Text),
];

/// Parts that are computed from the value: of which type, their name, their own type.
pub(crate) const PARTS: [(K, &str, K); 11] = [
    (K::Ip, "net", K::Net),
    (K::Ip, "version", K::Int),
    (K::Email, "local", K::Text),
    (K::Email, "domain", K::Domain),
    (K::Email, "tag", K::Text),
    (K::Url, "host", K::Domain),
    (K::Url, "scheme", K::Text),
    (K::Url, "path", K::Text),
    (K::Time, "hour", K::Int),
    (K::Time, "weekday", K::Text),
    (K::Time, "day", K::Text),
];

/// Regular expressions; `brute` knows what each finds.
pub(crate) const PATTERNS: [&str; 3] = ["^a", "b$", "[0-9]{2}"];

/// Labels.
pub(crate) const LABELS: [&str; 3] = ["farm", "odd-one", "seen.twice"];

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum E {
    Lit(K, V),
    Const(usize),
    Field(usize),
    Fact(usize),
    Now,
    /// A column of the item that a comprehension looks at.
    Item(usize),
    Feature(usize, Figure),
    /// `baseline(f, over="…").mean` in place: of which count, over how many weeks.
    Usual(usize, i64, Figure),
    Computed(usize),
    Evidence(usize),
    Score(usize, Of),
    Part(&'static str, Box<E>),
    Not(Box<E>),
    Neg(Box<E>),
    And(Vec<E>),
    Or(Vec<E>),
    Arith(char, Box<E>, Box<E>),
    /// A size times or over a number: it stays one.
    Sized(char, Box<E>, Box<E>),
    Compare(&'static str, Box<E>, Box<E>),
    Chain(Box<E>, &'static str, Box<E>, &'static str, Box<E>),
    /// Whether negated, the needle, the type and values written.
    Among(bool, Box<E>, K, Vec<V>),
    AmongConst(bool, Box<E>, usize),
    InList(bool, Box<E>, usize),
    /// Among the items of a field.
    InField(bool, Box<E>, usize),
    /// In a network or a text.
    Within(bool, Box<E>, Box<E>),
    Missing(bool, Box<E>),
    If(Box<E>, Box<E>, Box<E>),
    Call(&'static str, Vec<E>),
    /// `a.startswith(b)`: the first stands before the dot.
    Method(&'static str, Vec<E>),
    Matches(Box<E>, usize),
    /// How many items a field has.
    Items(usize),
    Table(usize, Vec<E>),
    Labelled(Path, usize),
    Each(Box<Each>),
}

/// `any(body for x in over if filter)`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Each {
    pub(crate) word: &'static str,
    pub(crate) body: E,
    pub(crate) over: usize,
    pub(crate) filter: Option<E>,
    /// The type of the body.
    pub(crate) kind: K,
}

/// A figure of a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Figure {
    Whole,
    Mean,
    Spread,
    Weeks,
}

/// A figure of a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Of {
    Nats,
    Probability,
    Known,
}

/// A field or a part of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Path {
    Field(usize),
    Part(usize, &'static str, K),
    Fact(usize),
}

impl Path {
    pub(crate) fn kind(self) -> K {
        match self {
            Path::Field(number) => field(number).1,
            Path::Part(_, _, kind) => kind,
            Path::Fact(number) => FACTS[number].2,
        }
    }

    /// The field it looks at.
    pub(crate) fn field(self) -> usize {
        match self {
            Path::Field(number) | Path::Part(number, ..) => number,
            Path::Fact(number) => numbered(FACTS[number].0),
        }
    }

    pub(crate) fn expression(self) -> E {
        match self {
            Path::Field(number) => E::Field(number),
            Path::Part(number, part, _) => E::Part(part, E::Field(number).into()),
            Path::Fact(number) => E::Fact(number),
        }
    }
}

/// What a feature does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Agg {
    Count,
    Seen,
    Rate,
    FirstSeen,
    Ratio(E),
    Distinct(E, K),
    Last(E, K),
    Sum(E, K),
    Mean(E, K),
    Min(E, K),
    Max(E, K),
    /// In thousandths.
    Quantile(E, K, u16),
    Speed(Path, Path),
    Sequence {
        first: E,
        then: E,
        times: u32,
        within: i64,
    },
    /// Of which count, over how many weeks.
    Baseline(usize, i64),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Feature {
    pub(crate) agg: Agg,
    /// Numbers of event types.
    pub(crate) events: Vec<usize>,
    pub(crate) filter: Option<E>,
    pub(crate) by: Vec<Path>,
    pub(crate) window: Option<i64>,
    pub(crate) with_self: bool,
}

impl Feature {
    /// The type it reads as.
    pub(crate) fn reads_as(&self) -> K {
        match &self.agg {
            Agg::Count | Agg::Distinct(..) | Agg::Sequence { .. } => K::Int,
            Agg::FirstSeen => K::Time,
            Agg::Seen => K::Bool,
            Agg::Rate => K::Rate,
            Agg::Ratio(_) | Agg::Speed(..) | Agg::Baseline(..) => K::Number,
            Agg::Last(_, K::Plan) => K::Text,
            Agg::Last(_, kind) | Agg::Sum(_, kind) | Agg::Min(_, kind) | Agg::Max(_, kind) => *kind,
            Agg::Mean(_, K::Int) | Agg::Quantile(_, K::Int, _) => K::Number,
            Agg::Mean(_, kind) | Agg::Quantile(_, kind, _) => *kind,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct EventType {
    pub(crate) name: &'static str,
    /// Fields, and whether each may be absent.
    pub(crate) fields: Vec<(usize, bool)>,
}

impl EventType {
    pub(crate) fn has(&self, field: usize) -> bool {
        self.fields.iter().any(|(n, _)| *n == field)
    }
}

/// How a list matches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Matching {
    Same,
    Suffix,
    /// Entries are numbers into [`PATTERNS`], as `V::I`.
    Pattern,
}

#[derive(Clone, Debug)]
pub(crate) struct List {
    pub(crate) kind: K,
    pub(crate) matching: Matching,
    pub(crate) entries: Vec<V>,
}

/// A cell of a decision table.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Any,
    Is(V),
    Among(Vec<V>),
    Than(&'static str, V),
    To(V, V),
}

#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) columns: Vec<K>,
    pub(crate) gives: K,
    pub(crate) rows: Vec<(Vec<Cell>, V)>,
    pub(crate) otherwise: Option<V>,
}

/// A feature that is computed when it is read.
#[derive(Clone, Debug)]
pub(crate) struct Computed {
    pub(crate) kind: K,
    pub(crate) value: E,
}

#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    pub(crate) on: usize,
    pub(crate) weigh: E,
    pub(crate) capped: Option<(f64, f64)>,
    pub(crate) because: Vec<Bit>,
}

#[derive(Clone, Debug)]
pub(crate) struct Score {
    pub(crate) on: usize,
    pub(crate) prior: Option<f64>,
    /// Evidence, and other numbers.
    pub(crate) terms: Vec<E>,
}

/// A piece of a reason.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bit {
    Words(&'static str),
    Value(E),
    Top(usize, usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mode {
    Draft,
    Shadow,
    Live,
    Retired,
    /// In percent, and by what.
    Canary(u32, Path),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum OnMissing {
    Unsaid,
    False,
    True,
    Review,
}

/// What follows beyond the answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Act {
    /// The label's number, and how long it lasts.
    Label(Path, usize, Option<i64>),
    /// The list's number, and how long the entry lasts.
    List(Path, usize, Option<i64>),
    Case,
    Notify,
    Webhook,
}

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) on: usize,
    pub(crate) when: E,
    pub(crate) verdict: Option<usize>,
    pub(crate) ask: bool,
    pub(crate) acts: Vec<Act>,
    pub(crate) because: Vec<Bit>,
    pub(crate) mode: Mode,
    pub(crate) missing: OnMissing,
    pub(crate) expires: Option<i64>,
}

/// The verdicts, weakest first.
pub(crate) const VERDICTS: [&str; 5] = ["allow", "limit", "challenge", "review", "block"];

/// A policy.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub(crate) consts: Vec<(K, Vec<V>)>,
    pub(crate) events: Vec<EventType>,
    pub(crate) lists: Vec<List>,
    pub(crate) tables: Vec<Table>,
    pub(crate) features: Vec<Feature>,
    pub(crate) computed: Vec<Computed>,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) scores: Vec<Score>,
    pub(crate) rules: Vec<Rule>,
    /// Names of declarations that are left out while a failure is made smaller.
    pub(crate) dropped: BTreeSet<String>,
}

impl World {
    /// The first feature that counts the very same: those share a counter.
    pub(crate) fn shared(&self, feature: usize) -> usize {
        // Whether the event in hand is read too is no part of what is counted.
        let counted = |f: &Feature| Feature { with_self: false, ..f.clone() };
        let wanted = counted(&self.features[feature]);
        self.features.iter().position(|f| counted(f) == wanted).unwrap_or(feature)
    }
}

/// One event.
#[derive(Clone, Debug)]
pub(crate) struct Happened {
    pub(crate) kind: usize,
    pub(crate) time: i64,
    pub(crate) received: i64,
    /// By the numbers of fields.
    pub(crate) fields: Vec<Option<V>>,
    /// By the numbers of facts.
    pub(crate) facts: Vec<Option<V>>,
}

impl Happened {
    /// Under which time it counts: a clock that runs ahead is not believed.
    pub(crate) fn counted(&self) -> i64 {
        self.time.min(self.received)
    }
}
