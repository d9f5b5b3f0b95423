// SPDX-License-Identifier: Apache-2.0
//! The checked form: every name resolved to a slot, every expression typed. The checker writes it; executors read it.

use crate::program::{Aggregate, KeyPath, ListId, Mode};
use crate::syntax::tree::{ArithOp, CompareOp};
use crate::{Expect, Given, Verdict};
use wardroom_event::{Part, Schema, Span, Type, TypeId, Value};

/// A typed expression and where it was written.
#[derive(Clone, Debug)]
pub(crate) struct Typed {
    pub(crate) node: Node,
    pub(crate) kind: Type,
    pub(crate) loc: wardroom_report::Loc,
}

impl Typed {
    /// The expressions it is made of.
    pub(crate) fn children(&self) -> Vec<&Typed> {
        match &self.node {
            Node::Const(_) | Node::Field(_) | Node::Time | Node::Feature(_) => Vec::new(),
            Node::Part(_, of)
            | Node::Not(of)
            | Node::Neg(of)
            | Node::InList(_, of)
            | Node::InConst(of, _)
            | Node::IsMissing(of)
            | Node::Widen(of) => vec![of],
            Node::All(parts) | Node::Any(parts) | Node::Call(_, parts) => parts.iter().collect(),
            Node::Arith(_, a, b) | Node::Compare(_, a, b) | Node::Within(a, b) => vec![a, b],
            Node::If(cond, then, other) => vec![cond, then, other],
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Const(Value),
    /// A field of the event in hand.
    Field(usize),
    /// The event's time.
    Time,
    /// A feature, by its number in the program.
    Feature(usize),
    Part(Part, Box<Typed>),
    Not(Box<Typed>),
    Neg(Box<Typed>),
    All(Vec<Typed>),
    Any(Vec<Typed>),
    Arith(ArithOp, Box<Typed>, Box<Typed>),
    Compare(CompareOp, Box<Typed>, Box<Typed>),
    InList(ListId, Box<Typed>),
    InConst(Box<Typed>, Vec<Value>),
    /// Text within text, an address or network within a network.
    Within(Box<Typed>, Box<Typed>),
    IsMissing(Box<Typed>),
    If(Box<Typed>, Box<Typed>, Box<Typed>),
    /// An `int` where a `number` is wanted.
    Widen(Box<Typed>),
    Call(Function, Vec<Typed>),
}

/// The functions of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    StartsWith,
    EndsWith,
    Lower,
    Len,
    Abs,
}

/// A checked policy, before it is compiled.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) schema: Schema,
    pub(crate) features: Vec<CheckedFeature>,
    pub(crate) lists: Vec<crate::List>,
    pub(crate) rules: Vec<CheckedRule>,
    pub(crate) cases: Vec<crate::Case>,
}

#[derive(Debug)]
pub(crate) struct CheckedFeature {
    pub(crate) id: Box<str>,
    pub(crate) aggregate: Aggregate,
    pub(crate) window: Option<Span>,
    pub(crate) kind: Type,
    /// The key by field and part name, as it is read on any event.
    pub(crate) by: Vec<KeyName>,
    /// What counts, for each event type: the key's and item's slots, and the filter.
    pub(crate) counted: Vec<Counted>,
    pub(crate) definition: Box<str>,
}

/// One part of a key, by name, with the type the field must have wherever it is read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeyName {
    pub(crate) field: Box<str>,
    pub(crate) field_kind: Type,
    pub(crate) part: Option<Part>,
}

#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) event: TypeId,
    pub(crate) key: Vec<KeyPath>,
    pub(crate) item: Option<KeyPath>,
    pub(crate) filter: Option<Typed>,
}

#[derive(Debug)]
pub(crate) struct CheckedRule {
    pub(crate) id: Box<str>,
    pub(crate) on: TypeId,
    /// The condition's terms: all must hold.
    pub(crate) terms: Vec<(Typed, Box<str>)>,
    pub(crate) verdict: Verdict,
    pub(crate) ask: Option<Box<str>>,
    pub(crate) because: Vec<CheckedPiece>,
    pub(crate) mode: Mode,
    pub(crate) missing: Option<Verdict>,
    pub(crate) owner: Option<Box<str>>,
}

#[derive(Debug)]
pub(crate) enum CheckedPiece {
    Text(Box<str>),
    /// A value and the type it is shown as, which says whether it is masked.
    Value(Type, Typed),
}

/// A test's parts before they are a [`crate::Case`].
pub(crate) struct CheckedCase {
    pub(crate) given: Vec<Given>,
    pub(crate) when: Option<Given>,
    pub(crate) expect: Option<Expect>,
}
