// SPDX-License-Identifier: Apache-2.0
//! What a feature means: in words for people, and by its meaning, which tells two versions of it apart.

use super::parts::Parts;
use crate::check::Context;
use crate::ir::{Counted, KeyName, Node, Taken, Typed};
use crate::program::Aggregate;
use crate::syntax::plain::one_line;
use crate::syntax::tree::Expr;
use wardroom_event::{Span, Type, TypeId};

/// The feature as it is written, the arguments in one order, spaces and comments folded.
pub(super) fn shown(cx: &Context<'_>, word: &str, parts: &Parts<'_>, window: Option<Span>) -> String {
    let text = |e: &Expr| one_line(cx.sources, e.loc);
    let mut out = format!("{word}({}", parts.first.map(text).unwrap_or_default());
    for (name, expr) in parts.in_order().filter(|(name, _)| *name != "last") {
        out.push_str(&format!(", {name}={}", text(expr)));
    }
    if let Some(window) = window {
        out.push_str(&format!(", last=\"{window}\""));
    }
    out.push(')');
    out
}

/// What it means, whatever its words: the aggregate with what it was told, and what it counts. So the name of a constant,
/// brackets and the order of declarations are no part of it, and a field that changes its type makes another counter.
pub(super) fn meaning(aggregate: Aggregate, window: Option<Span>, stream: &str) -> Box<str> {
    format!("{aggregate:?} over {window:?}{stream}").into()
}

/// What it counts: for each event type the key, what is taken and the filter, by the names and types of fields.
pub(super) fn stream(cx: &Context<'_>, counted: &[Counted], by: &[KeyName]) -> Box<str> {
    let mut out = String::new();
    for one in counted {
        let fields = Fields { event: one.event, cx };
        out.push_str(&format!("; {}", cx.checked.schema.get(one.event).name));
        for key in by {
            out.push_str(&format!(" by {}: {}", key.written(), key.field_kind));
        }
        let parts = taken(&one.taken).into_iter().map(|t| fields.words(t)).collect::<Vec<_>>();
        out.push_str(&format!(" takes [{}]", parts.join(", ")));
        if let Some(filter) = &one.filter {
            out.push_str(&format!(" where {}", fields.words(filter)));
        }
    }
    out.into()
}

/// Names the fields of one event type.
struct Fields<'a> {
    event: TypeId,
    cx: &'a Context<'a>,
}

impl Fields<'_> {
    /// An expression by its meaning; what a filter cannot hold has no words.
    fn words(&self, typed: &Typed) -> String {
        let parts = || typed.children().into_iter().map(|c| self.words(c)).collect::<Vec<_>>().join(", ");
        match &typed.node {
            Node::Const(value) => format!("{value:?}"),
            Node::Field(slot) => self.field(*slot),
            Node::Time => "time".to_owned(),
            Node::Item(column) => format!("item {column}"),
            Node::Part(part, _) => format!("{part:?}({})", parts()),
            Node::Not(_) => format!("not({})", parts()),
            Node::Neg(_) => format!("neg({})", parts()),
            Node::All(_) => format!("all({})", parts()),
            Node::Any(_) => format!("any({})", parts()),
            Node::Arith(op, ..) => format!("{op:?}({})", parts()),
            Node::Compare(op, ..) => format!("{op:?}({})", parts()),
            Node::InConst(_, values) => format!("among({}, {values:?})", parts()),
            Node::Within(..) => format!("within({})", parts()),
            Node::Matches(_, pattern) => format!("matches({}, {:?})", parts(), pattern.text()),
            Node::IsMissing(_) => format!("missing({})", parts()),
            Node::If(..) => format!("if({})", parts()),
            Node::Widen(_) => format!("number({})", parts()),
            Node::Call(function, _) => format!("{:?} {}({})", function.form, function.name, parts()),
            Node::Count(_) => format!("len({})", parts()),
            Node::Each(each) => format!("{:?} each({})", each.op, parts()),
            Node::Feature(..) | Node::Computed(_) | Node::Labelled(..) => String::new(),
            Node::InList(..) | Node::Table(..) | Node::Linear(..) => String::new(),
            Node::SumKnown(_) | Node::CountKnown(_) => String::new(),
        }
    }

    /// A field with its type; a fact lies behind those declared. Of a list the shape is part of the type.
    fn field(&self, slot: usize) -> String {
        let declared = &self.cx.checked.schema.get(self.event).fields;
        let facts = self.cx.facts.get(usize::from(self.event.0)).map_or(&[][..], Vec::as_slice);
        let field = declared.get(slot).or_else(|| facts.get(slot.checked_sub(declared.len())?));
        match field {
            Some(field) if field.kind == Type::List => format!("{}: {:?}", field.name, field.shape),
            Some(field) => format!("{}: {}", field.name, field.kind),
            None => String::new(),
        }
    }
}

/// The expressions of what is taken.
pub(super) fn taken(taken: &Taken) -> Vec<&Typed> {
    match taken {
        Taken::Plain => Vec::new(),
        Taken::Item(a) | Taken::Amount(a) | Taken::Held(a) | Taken::Mark(a) => vec![a],
        Taken::Steps(a, b) | Taken::Place(a, b) => vec![a, b],
    }
}
