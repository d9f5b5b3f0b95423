// SPDX-License-Identifier: Apache-2.0
//! The changes that would give one condition the truth that is wanted.

use super::Change;
use super::words::Words;
use crate::compile::Looker;
use crate::ir::{EachOp, Node, Typed};
use crate::limits;
use crate::syntax::tree::CompareOp;
use crate::trace::{is_fixed, widened};
use crate::{Row, Tri};
use wardroom_event::{Micros, Repr, Span, Value};

/// Looks for changes in one term.
pub(super) struct Finder<'r, 'p> {
    pub(super) look: Looker<'p>,
    pub(super) row: Row<'r>,
    /// Whether the rule is to fire: what the words speak of.
    pub(super) fires: bool,
    pub(super) found: Vec<Change>,
    depth: usize,
}

impl<'r, 'p> Finder<'r, 'p> {
    pub(super) fn new(look: Looker<'p>, row: Row<'r>, fires: bool) -> Finder<'r, 'p> {
        Finder { look, row, fires, found: Vec::new(), depth: 0 }
    }

    pub(super) fn value(&self, typed: &Typed) -> Value {
        (self.look.value(typed))(&self.row)
    }

    fn truth(&self, typed: &Typed) -> Tri {
        match self.value(typed) {
            Value::Bool(b) => Tri::known(b),
            _ => Tri::Unknown,
        }
    }

    /// Finds what would make a condition `want`; `enough` says whether that alone would do.
    pub(super) fn find(&mut self, typed: &Typed, want: bool, enough: bool) {
        if self.found.len() >= limits::FLIPS || self.depth >= limits::TRACE_DEPTH {
            return;
        }
        self.depth += 1;
        self.look_at(typed, want, enough);
        self.depth -= 1;
    }

    fn look_at(&mut self, typed: &Typed, want: bool, enough: bool) {
        if self.truth(typed) == Tri::known(want) {
            return;
        }
        match &typed.node {
            Node::Not(of) => self.find(of, !want, enough),
            Node::All(parts) => self.all(parts, want, want, enough),
            Node::Any(parts) => self.all(parts, want, !want, enough),
            Node::If(cond, then, other) => self.choice((cond, then, other), want, enough),
            Node::Compare(op, a, b) => self.compare(*op, (a, b), want, enough),
            Node::InConst(of, values) => self.among(of, values, want, enough),
            Node::IsMissing(of) => self.known(of, want, enough),
            Node::InList(..) | Node::Labelled(..) => self.marked(typed, want, enough),
            Node::Computed(number) => {
                if let Some(computed) = self.look.program.computed.get(*number) {
                    self.find(&computed.typed, want, enough);
                }
            }
            Node::Field(_) | Node::Feature(..) | Node::Item(_) => self.plain(typed, want, enough),
            _ => self.other(typed, want, enough),
        }
    }

    /// Parts that must all be `want` (`every`), or of which one must.
    fn all(&mut self, parts: &[Typed], want: bool, every: bool, enough: bool) {
        let failing = parts.iter().filter(|p| self.truth(p) != Tri::known(want)).count();
        for part in parts {
            self.find(part, want, enough && (!every || failing == 1));
        }
    }

    /// What is chosen must change, or the choice.
    fn choice(&mut self, (cond, then, other): (&Typed, &Typed, &Typed), want: bool, enough: bool) {
        let (chosen, left, to) = match self.truth(cond) {
            Tri::True => (then, other, false),
            Tri::False => (other, then, true),
            Tri::Unknown => return self.hangs_on(cond),
        };
        self.find(chosen, want, enough);
        if self.truth(left) == Tri::known(want) {
            self.find(cond, to, enough);
        }
    }

    fn compare(&mut self, op: CompareOp, (a, b): (&Typed, &Typed), want: bool, enough: bool) {
        let (op, a, b) = if is_fixed(a) { (op.mirrored(), b, a) } else { (op, a, b) };
        let (of, bound) = (self.value(a), self.value(b));
        if of.is_missing() || bound.is_missing() {
            self.hangs_on(a);
            return self.hangs_on(b);
        }
        let op = if want { op } else { opposite(op) };
        let words = match self.is_score(a) {
            Some(terms) if op.orders() => self.score(a, (&of, &bound), op, terms),
            _ => self.bound(a, &of, op, (b, &bound)),
        };
        let put = self.look.slot(widened(a)).and_then(|slot| Some((slot, beside(op, &bound, widened(a))?)));
        self.found.push(Change { words, put, enough });
    }

    /// The terms of a score.
    fn is_score(&self, typed: &Typed) -> Option<&'p [Typed]> {
        let Node::Computed(number) = &widened(typed).node else { return None };
        match &self.look.program.computed.get(*number)?.typed.node {
            Node::SumKnown(terms) => Some(terms),
            _ => None,
        }
    }

    fn among(&mut self, of: &Typed, values: &[Value], want: bool, enough: bool) {
        let value = self.value(of);
        if value.is_missing() {
            return self.hangs_on(of);
        }
        let words = self.one_of(of, &value, values, want);
        let put = if want { values.first().cloned() } else { another(values) };
        let put = self.look.slot(of).zip(put);
        self.found.push(Change { words, put, enough });
    }

    fn known(&mut self, of: &Typed, want: bool, enough: bool) {
        let words = self.whether_known(of, want);
        // Which value it would have is another matter.
        let put = self.look.slot(of).filter(|_| want).map(|slot| (slot, Value::Missing));
        self.found.push(Change { words, put, enough });
    }

    fn marked(&mut self, typed: &Typed, want: bool, enough: bool) {
        if self.value(typed).is_missing() {
            return self.hangs_on(typed);
        }
        let words = self.on_list(typed, want);
        let put = self.look.slot(typed).map(|slot| (slot, Value::Bool(want)));
        self.found.push(Change { words, put, enough });
    }

    fn plain(&mut self, typed: &Typed, want: bool, enough: bool) {
        if self.value(typed).is_missing() {
            return self.hangs_on(typed);
        }
        let words = self.were(typed, want);
        let put = self.look.slot(typed).map(|slot| (slot, Value::Bool(want)));
        self.found.push(Change { words, put, enough });
    }

    fn other(&mut self, typed: &Typed, want: bool, enough: bool) {
        if self.value(typed).is_missing() {
            return self.hangs_on(typed);
        }
        let words = match &typed.node {
            Node::Each(each) if matches!(each.op, EachOp::Any | EachOp::All) => self.items(typed, each, want),
            _ => self.as_a_whole(typed, want),
        };
        self.found.push(Change { words, put: None, enough });
    }

    /// Names what is unknown: with it known, all may be otherwise.
    fn hangs_on(&mut self, typed: &Typed) {
        let mut leaves = Vec::new();
        self.unknown(typed, &mut leaves, 0);
        for leaf in leaves {
            let words = self.unknown_words(leaf);
            if !self.found.iter().any(|change| change.words == words) {
                self.found.push(Change { words, put: None, enough: false });
            }
        }
    }

    /// The innermost parts that are unknown.
    fn unknown<'t>(&self, typed: &'t Typed, leaves: &mut Vec<&'t Typed>, depth: usize)
    where
        'p: 't,
    {
        if leaves.len() >= limits::FLIPS || depth > limits::TRACE_DEPTH || !self.value(typed).is_missing() {
            return;
        }
        let before = leaves.len();
        // An item has no value outside its list, and what a counter or a choice is made of says less than its name.
        if !matches!(typed.node, Node::Each(_)) {
            let computed = match &typed.node {
                Node::Computed(number) => self.look.program.computed.get(*number).map(|c| &c.typed),
                _ => None,
            };
            for part in typed.children().into_iter().chain(computed) {
                self.unknown(part, leaves, depth + 1);
            }
        }
        if leaves.len() == before {
            leaves.push(typed);
        }
    }
}

/// The operator that holds where this one does not.
fn opposite(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::Ne,
        CompareOp::Ne => CompareOp::Eq,
        CompareOp::Lt => CompareOp::Ge,
        CompareOp::Le => CompareOp::Gt,
        CompareOp::Gt => CompareOp::Le,
        CompareOp::Ge => CompareOp::Lt,
    }
}

/// The value nearest to the bound for which the comparison holds, as the compared expression holds it.
pub(super) fn beside(op: CompareOp, bound: &Value, of: &Typed) -> Option<Value> {
    let step = match op {
        CompareOp::Gt | CompareOp::Ne => 1,
        CompareOp::Lt => -1,
        CompareOp::Eq | CompareOp::Le | CompareOp::Ge => 0,
    };
    match (bound, of.kind.repr()) {
        (Value::Number(n), Repr::Int) => whole(op, *n).map(Value::Int),
        (Value::Number(n), _) => Some(Value::Number(match step {
            1 => n.next_up(),
            -1 => n.next_down(),
            _ => *n,
        }))
        .filter(|v| matches!(v, Value::Number(n) if n.is_finite())),
        (Value::Int(n), _) => n.checked_add(step).map(Value::Int),
        (Value::Time(t), _) => t.0.checked_add(step).map(|n| Value::Time(Micros(n))),
        (Value::Duration(d), _) => d.0.checked_add(step).map(|n| Value::Duration(Span(n))),
        (value, _) if op == CompareOp::Eq => Some(value.clone()),
        (value, _) => another(std::slice::from_ref(value)),
    }
}

/// The whole number nearest to a bound for which the comparison holds.
fn whole(op: CompareOp, bound: f64) -> Option<i64> {
    let n = match op {
        CompareOp::Eq => Some(bound).filter(|n| n.fract() == 0.0)?,
        CompareOp::Ge => bound.ceil(),
        CompareOp::Gt | CompareOp::Ne => bound.floor() + 1.0,
        CompareOp::Le => bound.floor(),
        CompareOp::Lt => bound.ceil() - 1.0,
    };
    (n.abs() < 9e15).then_some(n as i64)
}

/// A value of the same kind that is none of these.
fn another(values: &[Value]) -> Option<Value> {
    let candidate = |n: usize| match values.first() {
        Some(Value::Bool(b)) => Some(Value::Bool(!b)),
        Some(Value::Int(_)) => i64::try_from(n).ok().map(Value::Int),
        Some(Value::Text(_)) => Some(Value::Text(format!("other {n}").into())),
        _ => None,
    };
    (0..=values.len()).filter_map(candidate).find(|v| !values.contains(v))
}
