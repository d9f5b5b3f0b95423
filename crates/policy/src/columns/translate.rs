// SPDX-License-Identifier: Apache-2.0
//! Typed expressions to expressions over columns: the same cases in the same order as the online executor's, so that
//! the two can be read side by side.

use super::each::Items;
use super::frame::{Slot, TIME};
use super::number::{Real, Whole};
use super::truth::{Among, Numbers, Truth};
use super::value::{Direct, Operand};
use crate::Tri;
use crate::compile::plan::{listed_id, looked_up_id, looks_up_items, width};
use crate::compile::{int_of, number_of};
use crate::functions::{Eval, Function};
use crate::ir::{Each, Node, Typed};
use crate::program::{Plan, Program, Serve, Source};
use crate::syntax::tree::CompareOp;
use std::collections::BTreeSet;
use wardroom_event::{EventType, Repr, TypeId, Value};

/// Where an expression is translated: an event type and what is served for it.
pub(super) struct Translator<'p> {
    program: &'p Program,
    plan: &'p Plan,
    event: &'p EventType,
    /// The columns that what was translated so far reads.
    pub(super) reads: BTreeSet<usize>,
}

/// Where the fields begin among the columns of a plan: after the time.
pub(super) const FIELDS: usize = TIME + 1;

impl<'p> Translator<'p> {
    pub(super) fn new(program: &'p Program, on: TypeId) -> Translator<'p> {
        let (plan, event) = (program.plan(on), program.schema.get(on));
        Translator { program, plan, event, reads: BTreeSet::new() }
    }

    fn column(&mut self, at: usize) -> Slot {
        self.reads.insert(at);
        Slot::Column(at)
    }

    fn time(&mut self) -> Slot {
        self.column(TIME)
    }

    /// The column of a served value. The plan serves whatever its expressions read.
    fn served(&mut self, is_it: impl Fn(&Serve) -> bool) -> Slot {
        let at = self.plan.serve.iter().position(is_it);
        debug_assert!(at.is_some(), "a value is read that is not served");
        match at {
            Some(at) => self.column(FIELDS + self.event.fields.len() + at),
            None => Slot::Column(usize::MAX),
        }
    }

    fn slot(&mut self, typed: &Typed) -> Option<Slot> {
        Some(match &typed.node {
            Node::Field(slot) => self.column(FIELDS + slot),
            Node::Item(column) => Slot::Item(*column),
            Node::Feature(number, reads) => self.served(
                |s| matches!(&s.source, Source::Feature { feature, reads: r, .. } if feature == number && r == reads),
            ),
            Node::Computed(number) => {
                let id = &self.program.computed[*number].id;
                self.served(|s| matches!(s.source, Source::Computed(_)) && s.id == *id)
            }
            Node::Labelled(path, _, label) => self.served(
                |s| matches!(&s.source, Source::Label { of, name, .. } if of == path && name == label),
            ),
            Node::Each(each) if looks_up_items(each, &self.program.lists) => {
                let id = looked_up_id(typed);
                self.served(|s| matches!(s.source, Source::Computed(_)) && s.id == id)
            }
            Node::InList(list, needle) if self.program.lists.get(list.0).is_some_and(|l| l.changes) => {
                let id = listed_id(self.event, &self.program.lists[list.0], needle);
                self.served(|s| matches!(s.source, Source::Listed { .. }) && s.id == id)
            }
            _ => return None,
        })
    }

    /// The place of the one column that an expression is, where it is no more than that.
    pub(super) fn slot_of(&mut self, typed: &Typed) -> Option<usize> {
        match self.slot(typed)? {
            Slot::Column(at) => Some(at),
            Slot::Item(_) => None,
        }
    }

    pub(super) fn truth(&mut self, typed: &Typed) -> Truth {
        if let Some(slot) = self.slot(typed) {
            return Truth::Slot(slot);
        }
        match &typed.node {
            Node::Const(Value::Bool(b)) => Truth::Const(Tri::known(*b)),
            Node::Not(of) => Truth::Not(Box::new(self.truth(of))),
            Node::All(parts) => Truth::All(parts.iter().map(|p| self.truth(p)).collect()),
            Node::Any(parts) => Truth::Any(parts.iter().map(|p| self.truth(p)).collect()),
            Node::Compare(op, a, b) => self.compare(*op, a, b),
            Node::InList(list, needle) => {
                self.time();
                Truth::Listed(*list, self.operand(needle))
            }
            Node::InConst(needle, values) => Truth::Among(self.among(needle, values)),
            Node::Within(needle, hay) => Truth::Within(self.operand(needle), self.operand(hay)),
            Node::Matches(text, pattern) => Truth::Matches(self.operand(text), pattern.clone()),
            Node::IsMissing(of) => Truth::Missing(self.operand(of)),
            Node::If(cond, then, other) => {
                Truth::If(Box::new([self.truth(cond), self.truth(then), self.truth(other)]))
            }
            Node::Each(each) => match self.items(each, Translator::truth) {
                Some(items) => Truth::Each(each.op, items),
                None => Truth::Const(Tri::Unknown),
            },
            Node::Call(Function { eval: Eval::Text2(f), .. }, args) => match &args[..] {
                [text, part] => Truth::Texts(*f, self.operand(text), self.operand(part)),
                _ => Truth::Const(Tri::Unknown),
            },
            _ => Truth::Direct(self.direct(typed)),
        }
    }

    fn compare(&mut self, op: CompareOp, a: &Typed, b: &Typed) -> Truth {
        let (op, a, b) = match (&a.node, &b.node) {
            (Node::Const(_), Node::Const(_)) => (op, a, b),
            (Node::Const(_), _) => (turned(op), b, a),
            _ => (op, a, b),
        };
        match (a.kind.repr(), &b.node) {
            (Repr::Int | Repr::Time | Repr::Duration, Node::Const(constant)) => match int_of(constant) {
                Some(n) => Truth::WholeIs(op, self.whole(a), n),
                None => Truth::Const(Tri::Unknown),
            },
            (Repr::Int | Repr::Time | Repr::Duration, _) => Truth::Wholes(op, self.whole(a), self.whole(b)),
            (Repr::Number, Node::Const(constant)) => match number_of(constant) {
                Some(n) => Truth::RealIs(op, self.real(a), n),
                None => Truth::Const(Tri::Unknown),
            },
            (Repr::Number, _) => Truth::Reals(op, self.real(a), self.real(b)),
            (Repr::Bool, _) => {
                let (a, b) = (Box::new(self.truth(a)), Box::new(self.truth(b)));
                Truth::Alike(op == CompareOp::Eq, a, b)
            }
            _ => Truth::Same(op == CompareOp::Eq, self.operand(a), self.operand(b)),
        }
    }

    fn among(&mut self, needle: &Typed, values: &[Value]) -> Among {
        match needle.kind.repr() {
            Repr::Int | Repr::Time | Repr::Duration => {
                Among::Wholes(self.whole(needle), Numbers::new(values.iter().filter_map(int_of).collect()))
            }
            Repr::Text => {
                let text = |v: &Value| match v {
                    Value::Text(text) => Some(text.clone()),
                    _ => None,
                };
                Among::Texts(self.operand(needle), values.iter().filter_map(text).collect())
            }
            _ => Among::Values(self.operand(needle), values.to_vec()),
        }
    }

    /// `None` where the list is no field: the language has no such comprehension.
    fn items<B>(&mut self, each: &Each, body: impl FnOnce(&mut Self, &Typed) -> B) -> Option<Box<Items<B>>> {
        let over = self.slot(&each.over)?;
        let filter = each.filter.as_ref().map(|f| self.truth(f));
        Some(Box::new(Items { over, filter, body: body(self, &each.body) }))
    }

    pub(super) fn whole(&mut self, typed: &Typed) -> Whole {
        if let Some(slot) = self.slot(typed) {
            return Whole::Slot(slot);
        }
        match &typed.node {
            Node::Const(value) => Whole::Const(int_of(value)),
            Node::Time => Whole::Slot(self.time()),
            Node::Neg(of) => Whole::Neg(Box::new(self.whole(of))),
            Node::Arith(op, a, b) if b.kind.repr() == Repr::Number => {
                Whole::Scaled(*op, Box::new(self.whole(a)), Box::new(self.real(b)))
            }
            Node::Arith(op, a, b) => Whole::Arith(*op, Box::new(self.whole(a)), Box::new(self.whole(b))),
            Node::If(cond, then, other) => {
                let cond = Box::new(self.truth(cond));
                Whole::If(cond, Box::new(self.whole(then)), Box::new(self.whole(other)))
            }
            Node::Count(of) => match self.slot(of) {
                Some(slot) => Whole::Items(slot),
                None => Whole::Count(Box::new(self.operand(of)), width(self.event, of)),
            },
            Node::Each(each) => match self.items(each, Translator::whole) {
                Some(items) => Whole::Each(each.op, items),
                None => Whole::Const(None),
            },
            Node::CountKnown(parts) => Whole::CountKnown(parts.iter().map(|p| self.real(p)).collect()),
            _ => Whole::Direct(self.direct(typed)),
        }
    }

    pub(super) fn real(&mut self, typed: &Typed) -> Real {
        if let Some(slot) = self.slot(typed) {
            return Real::Slot(slot);
        }
        match &typed.node {
            Node::Const(value) => Real::Const(number_of(value)),
            Node::Widen(of) => Real::Widen(Box::new(self.whole(of))),
            Node::Neg(of) => Real::Neg(Box::new(self.real(of))),
            Node::Arith(_, a, b) if matches!(a.kind.repr(), Repr::Duration | Repr::Int) => {
                Real::Share(Box::new(self.whole(a)), Box::new(self.whole(b)))
            }
            Node::Arith(op, a, b) => Real::Arith(*op, Box::new(self.real(a)), Box::new(self.real(b))),
            Node::If(cond, then, other) => {
                let cond = Box::new(self.truth(cond));
                Real::If(cond, Box::new(self.real(then)), Box::new(self.real(other)))
            }
            Node::Each(each) => match self.items(each, Translator::real) {
                Some(items) => Real::Each(each.op, items),
                None => Real::Const(None),
            },
            Node::SumKnown(parts) => Real::SumKnown(parts.iter().map(|p| self.real(p)).collect()),
            Node::Linear(model, inputs) => {
                Real::Linear(model.clone(), inputs.iter().map(|i| self.real(i)).collect())
            }
            Node::Call(Function { eval: Eval::Number1(f), .. }, args) if args.len() == 1 => {
                Real::Call1(*f, Box::new(self.real(&args[0])))
            }
            Node::Call(Function { eval: Eval::Number2(f), .. }, args) if args.len() == 2 => {
                Real::Call2(*f, Box::new(self.real(&args[0])), Box::new(self.real(&args[1])))
            }
            _ => Real::Direct(self.direct(typed)),
        }
    }

    pub(super) fn operand(&mut self, typed: &Typed) -> Operand {
        if let Some(slot) = self.slot(typed) {
            return Operand::Slot(slot);
        }
        match (&typed.node, typed.kind.repr()) {
            (Node::Const(value), _) => Operand::Const(value.clone()),
            (Node::Part(..) | Node::Call(..) | Node::Table(..), _) => Operand::Direct(self.direct(typed)),
            (_, Repr::Bool) => Operand::Truth(Box::new(self.truth(typed))),
            (_, repr @ (Repr::Int | Repr::Time | Repr::Duration)) => {
                Operand::Whole(repr, Box::new(self.whole(typed)))
            }
            (_, Repr::Number) => Operand::Real(Box::new(self.real(typed))),
            (Node::If(cond, then, other), _) => {
                Operand::If(Box::new((self.truth(cond), self.operand(then), self.operand(other))))
            }
            _ => Operand::Const(Value::Missing),
        }
    }

    fn direct(&mut self, typed: &Typed) -> Direct {
        let mut all = |of: &[Typed]| of.iter().map(|t| self.operand(t)).collect();
        match &typed.node {
            Node::Call(function, args) => Direct::Call(function, all(args)),
            Node::Table(table, inputs) => Direct::Table(table.clone(), all(inputs)),
            Node::Part(part, of) => Direct::Part(*part, Box::new(self.operand(of))),
            _ => Direct::Missing,
        }
    }
}

/// The operator once its sides have changed places.
fn turned(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Le => CompareOp::Ge,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Ge => CompareOp::Le,
        same => same,
    }
}
