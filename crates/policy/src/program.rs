// SPDX-License-Identifier: Apache-2.0
//! A compiled policy: what to serve, what to count and what to judge for each type of event.

use crate::compile::{BoolFn, Guards, NumberFn, ValueFn};
use crate::index::Index;
use crate::ir::{self, Typed};
use crate::outline::Text;
use crate::{Row, Tri, Verdict};
use std::fmt;
use std::sync::Arc;
use wardroom_event::{Event, Micros, Part, Schema, Sight, Span, Type, TypeId, Value};
use wardroom_report::Loc;

/// Names one exact policy text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version(pub Box<str>);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of a list within a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListId(pub usize);

/// A compiled policy.
pub struct Program {
    /// Which text it was made from.
    pub version: Version,
    /// The event types it declares, with the facts it asks for.
    pub schema: Arc<Schema>,
    /// Its features that count.
    pub features: Vec<Feature>,
    /// Its lists.
    pub lists: Vec<List>,
    /// Its rules, in the order written: files by their paths, then lines.
    pub rules: Vec<Rule>,
    /// Its tests.
    pub cases: Vec<Case>,
    /// What is computed or looked up by name: constants, computed features, evidence, scores, models and tables.
    pub defined: Vec<Defined>,
    /// For each event type, in the schema's order: what to do with it.
    pub(crate) plans: Vec<Plan>,
    /// What is computed when it is read, each for one event type, as it was checked: the column executor computes it anew,
    /// and explanations look into it.
    pub(crate) computed: Vec<ir::Computed>,
    /// As it is written.
    pub(crate) text: Text,
}

impl Program {
    /// What to do with events of this type.
    pub fn plan(&self, kind: TypeId) -> &Plan {
        &self.plans[usize::from(kind.0)]
    }
}

/// Something with a name that is computed or looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defined {
    /// Its stable id.
    pub id: Box<str>,
    /// What it is: `constant`, `feature`, `evidence`, `score`, `model` or `table`.
    pub what: &'static str,
    /// What it says, in one line; a file it names by the first digits of its SHA-256.
    pub text: Box<str>,
}

/// A feature: something counted.
#[derive(Clone, Debug)]
pub struct Feature {
    /// Its stable id, such as `ssh.failures`.
    pub id: Box<str>,
    /// How it counts.
    pub aggregate: Aggregate,
    /// Over how long; only `first_seen` and `last` may have none.
    pub window: Option<Span>,
    /// The type it reads as.
    pub kind: Type,
    /// Whether the event in hand counts too.
    pub including_self: bool,
    /// What it counts in one canonical line, for people.
    pub text: Box<str>,
    /// What it counts: which events, under which key and condition, and what is taken of each; without how that is added
    /// up and over which window. Features with the same stream are told the same of every event where they add up
    /// amounts of one kind. For comparing, not for reading.
    pub stream: Box<str>,
    /// Its meaning: two features with the same definition are the same counter, whatever their names and words. For
    /// comparing, not for reading.
    pub definition: Box<str>,
}

/// How a feature counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// How many events.
    Count,
    /// How many different items.
    Distinct,
    /// When the key was first seen.
    FirstSeen,
    /// Whether there was any event.
    Seen,
    /// How many events a second.
    Rate,
    /// The share of events for which a condition holds.
    Ratio,
    /// The sum of a quantity.
    Sum(Amount),
    /// Its mean.
    Mean(Amount),
    /// The least.
    Min(Amount),
    /// The greatest.
    Max(Amount),
    /// The newest value.
    Last,
    /// The value below which this many thousandths lie.
    Quantile(Amount, u16),
    /// How many events there are usually at this hour of the week, over a stretch of this length.
    Baseline(Span),
    /// How fast one must have travelled from the last place to here, in km/h.
    Speed,
    /// How many times as many first steps as this were followed by a last one, within this long.
    Sequence(u32, Span),
}

/// How a quantity is held: whole, or in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Amount {
    /// Whole numbers.
    Int,
    /// Numbers, rounded to a millionth.
    Number,
    /// Lengths of time, in microseconds.
    Duration,
    /// Points in time, in microseconds.
    Time,
    /// Sizes, in bytes.
    Size,
    /// Rates, in millionths of an event a second.
    Rate,
}

impl Amount {
    /// How a type's quantities are held.
    pub(crate) fn of(kind: Type) -> Option<Amount> {
        match kind {
            Type::Int => Some(Amount::Int),
            Type::Number => Some(Amount::Number),
            Type::Duration => Some(Amount::Duration),
            Type::Time => Some(Amount::Time),
            Type::Size => Some(Amount::Size),
            Type::Rate => Some(Amount::Rate),
            _ => None,
        }
    }

    /// A value as it is held; `None` where it is missing or out of range (9.2e12 for numbers).
    pub fn hold(self, value: &Value) -> Option<i64> {
        match (self, value) {
            (_, Value::Int(n)) => Some(*n),
            (_, Value::Duration(d)) => Some(d.0),
            (_, Value::Time(t)) => Some(t.0),
            (_, Value::Number(n)) => {
                let millionths = (n * 1e6).round();
                (millionths.abs() < 9.2e18).then_some(millionths as i64)
            }
            _ => None,
        }
    }

    /// A held quantity as a value.
    pub fn value(self, held: i64) -> Value {
        match self {
            Amount::Int | Amount::Size => Value::Int(held),
            Amount::Number | Amount::Rate => Value::Number(held as f64 / 1e6),
            Amount::Duration => Value::Duration(Span(held)),
            Amount::Time => Value::Time(Micros(held)),
        }
    }

    /// A quantity between held ones, such as a mean, as a value: a number of whole things need not be whole.
    pub fn between(self, held: f64) -> Value {
        let whole = |n: f64| (n.abs() < 9.2e18).then(|| n.round() as i64);
        match self {
            Amount::Int => Value::Number(held),
            Amount::Number | Amount::Rate => Value::Number(held / 1e6),
            Amount::Size => whole(held).map_or(Value::Missing, Value::Int),
            Amount::Duration => whole(held).map_or(Value::Missing, |n| Value::Duration(Span(n))),
            Amount::Time => whole(held).map_or(Value::Missing, |n| Value::Time(Micros(n))),
        }
    }
}

impl Aggregate {
    /// Every aggregate's name in the language, in the order of the book.
    pub const NAMES: [&'static str; 15] = [
        "count",
        "sum",
        "mean",
        "min",
        "max",
        "distinct",
        "last",
        "first_seen",
        "seen",
        "rate",
        "quantile",
        "ratio",
        "baseline",
        "speed",
        "sequence",
    ];

    /// Its name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Aggregate::Count => "count",
            Aggregate::Distinct => "distinct",
            Aggregate::FirstSeen => "first_seen",
            Aggregate::Seen => "seen",
            Aggregate::Rate => "rate",
            Aggregate::Ratio => "ratio",
            Aggregate::Sum(_) => "sum",
            Aggregate::Mean(_) => "mean",
            Aggregate::Min(_) => "min",
            Aggregate::Max(_) => "max",
            Aggregate::Last => "last",
            Aggregate::Quantile(..) => "quantile",
            Aggregate::Baseline(_) => "baseline",
            Aggregate::Speed => "speed",
            Aggregate::Sequence(..) => "sequence",
        }
    }
}

/// Which of a feature's figures is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reads {
    /// The one it has.
    Whole,
    /// Of a baseline: what is usual.
    Mean,
    /// Of a baseline: the standard deviation.
    Spread,
    /// Of a baseline: from how many weeks.
    Weeks,
}

impl Reads {
    /// The parts of a baseline.
    pub const PARTS: [(&'static str, Reads, Type); 3] = [
        ("mean", Reads::Mean, Type::Number),
        ("spread", Reads::Spread, Type::Number),
        ("weeks", Reads::Weeks, Type::Int),
    ];
}

/// What the entries of a list are and how they are matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matching {
    /// The same value; for addresses and networks, whatever lies within one of them.
    Same,
    /// A domain or any domain below it.
    Suffix,
    /// A text in which a regular expression finds something.
    Pattern,
}

/// A list of typed entries that the policy brings along.
#[derive(Clone, Debug)]
pub struct List {
    /// Its stable id.
    pub id: Box<str>,
    /// What its entries are.
    pub kind: Type,
    /// How they are matched.
    pub matching: Matching,
    /// Its entries, and until when each holds.
    pub entries: Vec<(Value, Option<Micros>)>,
    /// Whether it changes while the policy is in force, since a rule adds to it or it has no entries of its own: then what
    /// it held is part of each decision.
    pub changes: bool,
}

/// Where a key's value is found in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPath {
    /// The field's slot.
    pub slot: usize,
    /// The part of it, if not the whole.
    pub part: Option<Part>,
}

impl KeyPath {
    /// The value there; unknown where the field is.
    pub fn of(&self, event: &Event) -> Value {
        match (self.part, event.values.get(self.slot)) {
            (None, Some(value)) => value.clone(),
            (Some(part), Some(value)) => part.of(value),
            (_, None) => Value::Missing,
        }
    }
}

/// What to do with one type of event.
#[derive(Default)]
pub struct Plan {
    /// Values to serve, in the order of [`Row::served`]. A computed one may read those before it.
    pub serve: Vec<Serve>,
    /// Features to count the event in, after reading.
    pub count: Vec<Count>,
    /// Rules to judge it by, as numbers into [`Program::rules`], in the order written. Drafts and retired rules are not
    /// among them, though what drafts read is served: tests run them.
    pub rules: Vec<usize>,
    pub(crate) index: Index,
    pub(crate) guards: Guards,
    /// What judging one event may cost, in units of static cost: about nanoseconds.
    pub budget: u64,
    /// What of that goes into serving, whichever rules are asked.
    pub cost: u64,
}

impl Plan {
    /// The rules that can fire on this row, in the order written: those whose guards hold. The others are false without
    /// being asked.
    pub fn candidates(&self, row: &Row<'_>, out: &mut Vec<usize>) {
        self.index.candidates(|guard| self.guards.value(guard, row), out);
    }
}

/// A value to serve for the event in hand.
pub struct Serve {
    /// What it is called: a feature's id, `labelled(ip.net, "farm")`, an evidence's id.
    pub id: Box<str>,
    /// Its type.
    pub kind: Type,
    /// Where it comes from.
    pub source: Source,
}

/// Where a served value comes from.
pub enum Source {
    /// A counter.
    Feature {
        /// Its number in [`Program::features`].
        feature: usize,
        /// Which of its figures.
        reads: Reads,
        /// The key to read it under.
        key: Vec<KeyPath>,
        /// Where the event in hand is counted in it, if it counts itself in: a place in [`Plan::count`].
        own: Option<usize>,
        /// Where the event in hand is, for `speed`.
        here: Option<Here>,
    },
    /// Whether an entity bears a label.
    Label {
        /// The entity.
        of: KeyPath,
        /// Its type.
        kind: Type,
        /// The label.
        name: Box<str>,
    },
    /// Whether a list that rules add to holds a value.
    Listed {
        /// The list.
        list: ListId,
        /// The value.
        of: Computed,
    },
    /// Computed from the event and what is served before it.
    Computed(Computed),
}

/// A value computed from a row.
pub struct Computed(pub(crate) ValueFn);

impl Computed {
    /// The value for this row.
    pub fn of(&self, row: &Row<'_>) -> Value {
        (self.0)(row)
    }
}

/// Latitude and longitude of the event in hand.
pub struct Here(pub(crate) NumberFn, pub(crate) NumberFn);

impl Here {
    /// Degrees north and east; `None` where they are unknown or no place on Earth.
    pub fn of(&self, row: &Row<'_>) -> Option<(f64, f64)> {
        let (lat, lon) = ((self.0)(row)?, (self.1)(row)?);
        (lat.abs() <= 90.0 && lon.abs() <= 180.0).then_some((lat, lon))
    }
}

/// A feature to count the event in.
pub struct Count {
    /// Its number in [`Program::features`].
    pub feature: usize,
    /// The key to count under.
    pub key: Vec<KeyPath>,
    /// The slots of the event that the key, the filter and what is taken read; each once, ascending.
    pub reads: Vec<usize>,
    pub(crate) take: Take,
    pub(crate) filter: Option<BoolFn>,
}

pub(crate) enum Take {
    Plain,
    Item(ValueFn),
    Amount(Amount, ValueFn),
    Held(ValueFn),
    Mark(BoolFn),
    Steps(BoolFn, BoolFn),
    Place(Here),
}

/// What a counter takes of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Taken {
    /// That it happened.
    Plain,
    /// What is told apart.
    Item(Value),
    /// A quantity, as [`Amount::hold`] has it.
    Amount(i64),
    /// A value to be kept.
    Held(Value),
    /// Whether it is one of those whose share is asked for.
    Mark(bool),
    /// Whether it is a first step, and whether a last one.
    Steps(bool, bool),
    /// Where it happened: degrees north and east.
    Place(f64, f64),
}

impl Count {
    /// What is counted of the event; `None` where it does not count: its filter does not hold, or what is asked of it is
    /// missing.
    pub fn takes(&self, row: &Row<'_>) -> Option<Taken> {
        if self.filter.as_ref().is_some_and(|f| f(row) != Tri::True) {
            return None;
        }
        let known = |value: Value| (!value.is_missing()).then_some(value);
        match &self.take {
            Take::Plain => Some(Taken::Plain),
            Take::Item(of) => known(of(row)).map(Taken::Item),
            Take::Amount(amount, of) => amount.hold(&of(row)).map(Taken::Amount),
            Take::Held(of) => known(of(row)).map(Taken::Held),
            Take::Mark(of) => of(row).get().map(Taken::Mark),
            Take::Steps(first, then) => Some(Taken::Steps(first(row) == Tri::True, then(row) == Tri::True)),
            Take::Place(here) => here.of(row).map(|(lat, lon)| Taken::Place(lat, lon)),
        }
    }
}

/// Whether a rule runs and has a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Checked and tested, never run on live events.
    Draft,
    /// Run and recorded; decides nothing.
    Shadow,
    /// Decides a share of the events, always the same entities; a shadow for the others.
    Canary,
    /// Decides.
    Live,
    /// Kept for its name; never run.
    Retired,
}

impl Mode {
    /// Every mode, in the order of a rule's life.
    pub const ALL: [Mode; 5] = [Mode::Draft, Mode::Shadow, Mode::Canary, Mode::Live, Mode::Retired];

    /// Its name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Draft => "draft",
            Mode::Shadow => "shadow",
            Mode::Canary => "canary",
            Mode::Live => "live",
            Mode::Retired => "retired",
        }
    }

    /// The mode of that name.
    pub fn named(name: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|m| m.name() == name)
    }

    /// Whether a rule of this mode is asked about live events.
    pub fn runs(self) -> bool {
        matches!(self, Mode::Shadow | Mode::Canary | Mode::Live)
    }
}

/// What follows when a rule's condition is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Nothing: it does not fire.
    Nothing,
    /// What follows when it holds.
    Holds,
    /// A person decides, and nothing else follows.
    Review,
}

impl Missing {
    /// As the clause says it.
    pub fn name(self) -> &'static str {
        match self {
            Missing::Nothing => "false",
            Missing::Holds => "true",
            Missing::Review => "review",
        }
    }
}

/// A rule: a condition, what follows, and why.
pub struct Rule {
    /// Its stable id, such as `ssh.brute_force`.
    pub id: Box<str>,
    /// The event type it judges.
    pub on: TypeId,
    /// The terms that must all hold.
    pub terms: Vec<Term>,
    /// What follows; `None` for a rule that only has effects.
    pub verdict: Option<Verdict>,
    /// What the caller should ask for, as `challenge("second factor")` says it.
    pub ask: Option<Box<str>>,
    /// What follows beyond the answer.
    pub effects: Vec<Effect>,
    /// Whether it decides.
    pub mode: Mode,
    /// Of a canary: which share it decides, in millionths, and what makes it the same entities every time.
    pub share: Option<(u32, KeyPath)>,
    /// Who answers for it.
    pub owner: Option<Box<str>>,
    /// What follows when its condition is unknown.
    pub missing: Missing,
    /// From when on it no longer fires.
    pub expires: Option<Micros>,
    /// The id it had before: its past is found under that.
    pub was: Option<Box<str>>,
    /// The comment above it.
    pub doc: Box<str>,
    /// Its reason as it is written.
    pub reason: Box<str>,
    /// The most that asking it can cost, in units of static cost: about nanoseconds.
    pub cost: u32,
    pub(crate) loc: Loc,
    pub(crate) because: Vec<Reason>,
    /// The expressions that its reason shows, and those of the evidence it may name.
    pub(crate) says: Vec<Typed>,
}

/// What follows beyond the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// As it is written, without how long it lasts: `label(ip.net, "farm")`.
    pub text: Box<str>,
    /// What is to be done.
    pub what: Deed,
}

/// What an effect does.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// The entity gets a label.
    Label {
        /// The entity.
        of: KeyPath,
        /// Its type.
        kind: Type,
        /// The label.
        name: Box<str>,
        /// For how long; for good where it does not say.
        lasts: Option<Span>,
    },
    /// The value is put on a list.
    List {
        /// The value.
        of: KeyPath,
        /// Its type.
        kind: Type,
        /// The list.
        list: ListId,
        /// For how long.
        lasts: Option<Span>,
    },
    /// A person is to look at it, in this queue.
    Case(Box<str>),
    /// Somebody is told.
    Notify(Box<str>),
    /// A webhook of this name is called.
    Webhook(Box<str>),
}

/// One term of a rule's condition.
pub struct Term {
    /// As it was written, on one line and without comments.
    pub text: Box<str>,
    pub(crate) holds: BoolFn,
    pub(crate) typed: Typed,
}

impl Term {
    /// Whether it holds.
    pub fn holds(&self, row: &Row<'_>) -> Tri {
        (self.holds)(row)
    }
}

pub(crate) enum Reason {
    Text(Box<str>),
    Value(Type, ValueFn),
    /// The strongest terms that speak for abuse, at most so many.
    Top(usize, Vec<ScoreTerm>),
}

/// A term of a score, as a reason names it.
pub(crate) struct ScoreTerm {
    pub(crate) name: Box<str>,
    pub(crate) nats: NumberFn,
    pub(crate) because: Vec<Reason>,
}

/// A piece of a reason: words, or a value that whoever shows it may have to mask.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Words.
    Text(Box<str>),
    /// A value with its type.
    Value(Type, Value),
}

impl Piece {
    /// The pieces as one line.
    pub fn join(pieces: &[Piece], sight: Sight) -> String {
        let mut out = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Value(kind, value) => out.push_str(&value.show(*kind, sight)),
            }
        }
        out
    }
}

impl Rule {
    /// Whether its condition holds: all its terms.
    pub fn holds(&self, row: &Row<'_>) -> Tri {
        let mut result = Tri::True;
        for term in &self.terms {
            match (term.holds)(row) {
                Tri::False => return Tri::False,
                other => result = result.min(other),
            }
        }
        result
    }

    /// Its reason, for this row.
    pub fn because(&self, row: &Row<'_>) -> Vec<Piece> {
        reason(&self.because, row)
    }

    /// Whether it decides this event: a canary decides its share of the entities, whatever else is known of them.
    pub fn decides(&self, row: &Row<'_>) -> bool {
        match (self.mode, &self.share) {
            (Mode::Live, _) => true,
            (Mode::Canary, Some((share, by))) => {
                let entity = by.of(row.event);
                !entity.is_missing() && row.world.bucket(&self.id, &entity) < *share
            }
            _ => false,
        }
    }

    /// Whether it still fires at this time.
    pub fn is_valid(&self, at: Micros) -> bool {
        self.expires.is_none_or(|until| at < until)
    }
}

fn reason(reasons: &[Reason], row: &Row<'_>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for reason in reasons {
        match reason {
            Reason::Text(text) => pieces.push(Piece::Text(text.clone())),
            Reason::Value(kind, value) => pieces.push(Piece::Value(*kind, value(row))),
            Reason::Top(most, terms) => top(*most, terms, row, &mut pieces),
        }
    }
    pieces
}

/// The strongest terms that speak for abuse, each with its words and its weight; of equals the one written first.
fn top(most: usize, terms: &[ScoreTerm], row: &Row<'_>, pieces: &mut Vec<Piece>) {
    let mut known: Vec<(f64, &ScoreTerm)> =
        terms.iter().filter_map(|t| (t.nats)(row).filter(|n| *n > 0.0).map(|n| (n, t))).collect();
    known.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    if known.is_empty() {
        pieces.push(Piece::Text("nothing in particular".into()));
    }
    for (i, (nats, term)) in known.into_iter().take(most).enumerate() {
        if i > 0 {
            pieces.push(Piece::Text("; ".into()));
        }
        match term.because.as_slice() {
            [] => pieces.push(Piece::Text(term.name.clone())),
            because => pieces.extend(reason(because, row)),
        }
        pieces.push(Piece::Text(format!(" (+{nats:.1})").into()));
    }
}

/// A test of the policy.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its id: the namespace and name it was written under.
    pub id: Box<str>,
    /// What it shows, in words.
    pub title: Option<Box<str>>,
    /// Where it stands: file and line.
    pub place: (Box<str>, usize),
    /// What happened before.
    pub given: Vec<Given>,
    /// The event to judge.
    pub when: Given,
    /// When that event happens, where the test says.
    pub at: Option<Micros>,
    /// Facts that hold for every event of the test: the field they are of, the fact, its value.
    pub facts: Vec<(Box<str>, Part, Value)>,
    /// What is expected.
    pub expect: Expect,
}

/// Events of a test.
#[derive(Clone, Debug)]
pub struct Given {
    /// How many.
    pub times: i64,
    /// Their type.
    pub event: TypeId,
    /// The values written down, by slot; the others take their defaults.
    pub values: Vec<(usize, Value)>,
    /// Over how long they are spread, evenly.
    pub within: Span,
    /// How long before the event to judge the last of them was.
    pub ago: Span,
}

/// What a test expects.
#[derive(Clone, Debug)]
pub struct Expect {
    /// The verdict.
    pub verdict: Verdict,
    /// The rule that gives it, by number, where the test names one.
    pub by: Option<usize>,
    /// What else must follow: the words of an effect as the policy has them, such as `label(ip.net, "farm")`.
    pub effects: Vec<Box<str>>,
}
