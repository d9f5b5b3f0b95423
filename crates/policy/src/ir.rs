// SPDX-License-Identifier: Apache-2.0
//! The checked form: every name resolved to a slot, every expression typed. The checker writes it; executors read it.

use crate::functions::Function;
use crate::model::Linear;
use crate::pattern::Pattern;
use crate::program::{Aggregate, Effect, KeyPath, ListId, Missing, Mode, Reads};
use crate::syntax::tree::{ArithOp, CompareOp};
use crate::table::Table;
use crate::{Expect, Given, Verdict};
use std::sync::Arc;
use wardroom_event::{Micros, Part, Schema, Span, Type, TypeId, Value};
use wardroom_report::Loc;

/// A typed expression and where it was written.
#[derive(Clone, Debug)]
pub(crate) struct Typed {
    pub(crate) node: Node,
    pub(crate) kind: Type,
    pub(crate) loc: Loc,
}

impl Typed {
    /// The expressions it is made of.
    pub(crate) fn children(&self) -> Vec<&Typed> {
        match &self.node {
            Node::Const(_) | Node::Field(_) | Node::Time | Node::Item(_) => Vec::new(),
            Node::Feature(..) | Node::Computed(_) | Node::Labelled(..) => Vec::new(),
            Node::Part(_, of)
            | Node::Not(of)
            | Node::Neg(of)
            | Node::InList(_, of)
            | Node::InConst(of, _)
            | Node::IsMissing(of)
            | Node::Matches(of, _)
            | Node::Count(of)
            | Node::Widen(of) => vec![of],
            Node::All(parts)
            | Node::Any(parts)
            | Node::Call(_, parts)
            | Node::Table(_, parts)
            | Node::Linear(_, parts)
            | Node::SumKnown(parts)
            | Node::CountKnown(parts) => parts.iter().collect(),
            Node::Arith(_, a, b) | Node::Compare(_, a, b) | Node::Within(a, b) => vec![a, b],
            Node::If(cond, then, other) => vec![cond, then, other],
            Node::Each(each) => {
                let filter = each.filter.iter();
                [&each.over, &each.body].into_iter().chain(filter).collect()
            }
        }
    }

    /// Whether it reads the item of the comprehension that it stands in.
    pub(crate) fn reads_item(&self) -> bool {
        match self.node {
            Node::Item(_) => true,
            // Its items are its own.
            Node::Each(_) => false,
            _ => self.children().into_iter().any(Typed::reads_item),
        }
    }

    /// A constant of this type.
    pub(crate) fn constant(value: Value, kind: Type, loc: Loc) -> Typed {
        Typed { node: Node::Const(value), kind, loc }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Const(Value),
    /// A field of the event in hand.
    Field(usize),
    /// The event's time.
    Time,
    /// A column of the item a comprehension looks at.
    Item(usize),
    /// A feature, by its number in the program, and which of its figures.
    Feature(usize, Reads),
    /// A computed value, by its number among those of the policy.
    Computed(usize),
    /// Whether the entity at this path bears a label.
    Labelled(KeyPath, Type, Box<str>),
    Part(Part, Box<Typed>),
    Not(Box<Typed>),
    Neg(Box<Typed>),
    All(Vec<Typed>),
    Any(Vec<Typed>),
    Arith(ArithOp, Box<Typed>, Box<Typed>),
    Compare(CompareOp, Box<Typed>, Box<Typed>),
    InList(ListId, Box<Typed>),
    InConst(Box<Typed>, Vec<Value>),
    /// Text within text, an address or network within a network, a value within a list field.
    Within(Box<Typed>, Box<Typed>),
    /// A text that a regular expression finds something in.
    Matches(Box<Typed>, Pattern),
    IsMissing(Box<Typed>),
    If(Box<Typed>, Box<Typed>, Box<Typed>),
    /// An `int` where a `number` is wanted.
    Widen(Box<Typed>),
    Call(&'static Function, Vec<Typed>),
    /// A decision table asked with these inputs.
    Table(Arc<Table>, Vec<Typed>),
    /// A linear model with its inputs.
    Linear(Arc<Linear>, Vec<Typed>),
    /// How many items a list field holds.
    Count(Box<Typed>),
    Each(Box<Each>),
    /// The sum of those that are known; missing where none is.
    SumKnown(Vec<Typed>),
    /// How many are known.
    CountKnown(Vec<Typed>),
}

/// What a comprehension does with its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EachOp {
    Any,
    All,
    Sum,
    Min,
    Max,
}

/// A comprehension over the items of a list field.
#[derive(Clone, Debug)]
pub(crate) struct Each {
    pub(crate) op: EachOp,
    pub(crate) over: Typed,
    /// How many values one item has.
    pub(crate) width: usize,
    pub(crate) body: Typed,
    pub(crate) filter: Option<Typed>,
}

/// A checked policy, before it is compiled.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) schema: Schema,
    pub(crate) features: Vec<CheckedFeature>,
    pub(crate) lists: Vec<crate::List>,
    /// Computed features, evidence, scores and models, each for one event type.
    pub(crate) computed: Vec<Computed>,
    pub(crate) scores: Vec<Score>,
    pub(crate) rules: Vec<CheckedRule>,
    pub(crate) cases: Vec<crate::Case>,
    pub(crate) defined: Vec<crate::Defined>,
    /// What judging one event of a type may cost, where the policy says so.
    pub(crate) budgets: Vec<(TypeId, Span)>,
    /// What a query reads beside the rules, of events of one type.
    pub(crate) queried: Vec<(TypeId, Typed)>,
}

/// A value computed when it is read, for events of one type.
#[derive(Clone, Debug)]
pub(crate) struct Computed {
    pub(crate) id: Box<str>,
    pub(crate) on: TypeId,
    pub(crate) typed: Typed,
}

/// A score, whose terms can be named in a reason.
#[derive(Debug)]
pub(crate) struct Score {
    pub(crate) terms: Vec<ScoreTerm>,
}

#[derive(Debug)]
pub(crate) struct ScoreTerm {
    pub(crate) name: Box<str>,
    /// It says how things stand before anything is known.
    pub(crate) is_prior: bool,
    pub(crate) value: Typed,
    pub(crate) because: Arc<Vec<CheckedPiece>>,
}

#[derive(Debug)]
pub(crate) struct CheckedFeature {
    pub(crate) id: Box<str>,
    pub(crate) aggregate: Aggregate,
    pub(crate) window: Option<Span>,
    pub(crate) kind: Type,
    /// The event in hand counts too.
    pub(crate) including_self: bool,
    /// The key by field and part name, as it is read on any event.
    pub(crate) by: Vec<KeyName>,
    /// Where the event in hand is, for `speed`.
    pub(crate) place: Option<(KeyName, KeyName)>,
    /// What counts, for each event type: the key's slots, what is taken, and the filter.
    pub(crate) counted: Vec<Counted>,
    pub(crate) text: Box<str>,
    pub(crate) stream: Box<str>,
    pub(crate) definition: Box<str>,
}

/// One part of a key, by name, with the type the field must have wherever it is read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeyName {
    pub(crate) field: Box<str>,
    pub(crate) field_kind: Type,
    pub(crate) part: Option<Part>,
}

impl KeyName {
    /// As it is written: `ip.net`.
    pub(crate) fn written(&self) -> String {
        match self.part {
            Some(part) => format!("{}.{}", self.field, part.name()),
            None => self.field.to_string(),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Counted {
    pub(crate) event: TypeId,
    pub(crate) key: Vec<KeyPath>,
    pub(crate) taken: Taken,
    pub(crate) filter: Option<Typed>,
}

/// What a counter takes of an event.
#[derive(Clone, Debug)]
pub(crate) enum Taken {
    /// That it happened.
    Plain,
    /// What is told apart.
    Item(Typed),
    /// A quantity.
    Amount(Typed),
    /// A value to be kept.
    Held(Typed),
    /// Whether it is one of those whose share is asked for.
    Mark(Typed),
    /// Whether it is a first step, and whether a last one.
    Steps(Typed, Typed),
    /// Where it happened: latitude and longitude.
    Place(Typed, Typed),
}

#[derive(Debug)]
pub(crate) struct CheckedRule {
    pub(crate) id: Box<str>,
    pub(crate) on: TypeId,
    /// The condition's terms: all must hold.
    pub(crate) terms: Vec<(Typed, Box<str>)>,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) ask: Option<Box<str>>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) because: Vec<CheckedPiece>,
    pub(crate) mode: Mode,
    /// Which share of events a canary decides, in millionths, and the entity that makes it sticky.
    pub(crate) share: Option<(u32, KeyPath)>,
    pub(crate) missing: Missing,
    pub(crate) owner: Option<Box<str>>,
    pub(crate) expires: Option<Micros>,
    pub(crate) was: Option<Box<str>>,
    pub(crate) doc: Box<str>,
    pub(crate) reason: Box<str>,
    pub(crate) loc: Loc,
}

#[derive(Clone, Debug)]
pub(crate) enum CheckedPiece {
    Text(Box<str>),
    /// A value and the type it is shown as, which says whether it is masked.
    Value(Type, Typed),
    /// The strongest terms of a score, by its number.
    Top(usize, usize),
}

/// A test's parts before they are a [`crate::Case`].
pub(crate) struct CheckedCase {
    pub(crate) given: Vec<Given>,
    pub(crate) when: Option<Given>,
    pub(crate) expect: Option<Expect>,
}
