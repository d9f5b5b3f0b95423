// SPDX-License-Identifier: Apache-2.0
//! A compiled policy: what to serve, what to count and what to judge for each type of event.

use crate::compile::{BoolFn, ValueFn};
use crate::{Row, Tri, Verdict};
use std::fmt;
use std::sync::Arc;
use wardroom_event::{Event, Part, Schema, Sight, Span, Type, TypeId, Value};

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
    /// The event types it declares.
    pub schema: Arc<Schema>,
    /// Its features.
    pub features: Vec<Feature>,
    /// Its lists.
    pub lists: Vec<List>,
    /// Its rules, in the order written: files by their paths, then lines.
    pub rules: Vec<Rule>,
    /// Its tests.
    pub cases: Vec<Case>,
    /// For each event type, in the schema's order: what to do with it.
    pub(crate) plans: Vec<Plan>,
}

impl Program {
    /// What to do with events of this type.
    pub fn plan(&self, kind: TypeId) -> &Plan {
        &self.plans[usize::from(kind.0)]
    }
}

/// A feature: something counted.
pub struct Feature {
    /// Its stable id, such as `ssh.failures`.
    pub id: Box<str>,
    /// How it counts.
    pub aggregate: Aggregate,
    /// Over how long; only `first_seen` may have none.
    pub window: Option<Span>,
    /// The type it reads as.
    pub kind: Type,
    /// Its meaning in one canonical line: two features with the same id and definition are the same counter.
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
}

impl Aggregate {
    /// Its name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Aggregate::Count => "count",
            Aggregate::Distinct => "distinct",
            Aggregate::FirstSeen => "first_seen",
        }
    }
}

/// A list of typed entries that the policy brings along.
#[derive(Clone, Debug)]
pub struct List {
    /// Its stable id.
    pub id: Box<str>,
    /// What its entries are.
    pub kind: Type,
    /// Its entries.
    pub entries: Vec<Value>,
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
    /// Features to read, in the order of [`Row::served`].
    pub serve: Vec<Serve>,
    /// Features to count the event in, after reading.
    pub count: Vec<Count>,
    /// Rules to judge it by, as numbers into [`Program::rules`], in the order written. Drafts and retired rules are not
    /// among them, though what drafts read is served: tests run them.
    pub rules: Vec<usize>,
}

/// A feature to read for the event in hand.
pub struct Serve {
    /// Its number in [`Program::features`].
    pub feature: usize,
    /// The key to read it under.
    pub key: Vec<KeyPath>,
}

/// A feature to count the event in.
pub struct Count {
    /// Its number in [`Program::features`].
    pub feature: usize,
    /// The key to count under.
    pub key: Vec<KeyPath>,
    /// The item to count, for `distinct`.
    pub item: Option<KeyPath>,
    pub(crate) filter: Option<BoolFn>,
}

impl Count {
    /// Whether the event counts: its filter holds. Unknown does not count.
    pub fn takes(&self, row: &Row<'_>) -> bool {
        self.filter.as_ref().is_none_or(|f| f(row) == Tri::True)
    }
}

/// Whether a rule decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Checked and tested, never run on live events.
    Draft,
    /// Run and recorded; decides nothing.
    Shadow,
    /// Decides.
    Live,
    /// Kept for its name; never run.
    Retired,
}

impl Mode {
    /// Every mode, in the order of a rule's life.
    pub const ALL: [Mode; 4] = [Mode::Draft, Mode::Shadow, Mode::Live, Mode::Retired];

    /// Its name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Draft => "draft",
            Mode::Shadow => "shadow",
            Mode::Live => "live",
            Mode::Retired => "retired",
        }
    }

    /// The mode of that name.
    pub fn named(name: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|m| m.name() == name)
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
    /// What follows.
    pub verdict: Verdict,
    /// What the caller should ask for, as `challenge("second factor")` says it.
    pub ask: Option<Box<str>>,
    /// Whether it decides.
    pub mode: Mode,
    /// Who answers for it.
    pub owner: Option<Box<str>>,
    /// What follows when its condition is unknown: nothing, or this verdict.
    pub missing: Option<Verdict>,
    pub(crate) because: Vec<Reason>,
}

/// One term of a rule's condition.
pub struct Term {
    /// As it was written, on one line and without comments.
    pub text: Box<str>,
    pub(crate) holds: BoolFn,
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
        self.because
            .iter()
            .map(|r| match r {
                Reason::Text(text) => Piece::Text(text.clone()),
                Reason::Value(kind, value) => Piece::Value(*kind, value(row)),
            })
            .collect()
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
}
