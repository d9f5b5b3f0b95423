// SPDX-License-Identifier: Apache-2.0
//! The online executor: typed expressions to closures over slots.
//!
//! Each closure returns the plain value of its type (`Tri`, `Option<i64>`, `Option<f64>`) and reads its operands by
//! slot, so an evaluation allocates nothing and looks nothing up by name. Comparing a field or feature with a
//! constant, which is what nearly all terms do, is one closure without inner calls.

use crate::ir::{Checked, CheckedFeature, CheckedPiece, CheckedRule, Function, Node, Typed};
use crate::program::{Count, Feature, KeyPath, Plan, Program, Reason, Rule, Serve, Term, Version};
use crate::syntax::tree::{ArithOp, CompareOp};
use crate::{Aggregate, Mode, Row, Tri};
use std::sync::Arc;
use wardroom_event::{Micros, Repr, Span, TypeId, Value};

/// Gives a truth.
pub(crate) type BoolFn = Box<dyn Fn(&Row<'_>) -> Tri + Send + Sync>;
/// Gives an `int`, a `time` or a `duration`, the latter two in microseconds.
type IntFn = Box<dyn Fn(&Row<'_>) -> Option<i64> + Send + Sync>;
/// Gives a `number`.
type NumberFn = Box<dyn Fn(&Row<'_>) -> Option<f64> + Send + Sync>;
/// Gives any value.
pub(crate) type ValueFn = Box<dyn Fn(&Row<'_>) -> Value + Send + Sync>;

/// Compiles a checked policy.
pub(crate) fn program(checked: Checked, version: Version) -> Program {
    let mut plans: Vec<Plan> = (0..checked.schema.len()).map(|_| Plan::default()).collect();
    let mut rules = Vec::new();
    for rule in checked.rules {
        let plan = &mut plans[usize::from(rule.on.0)];
        if matches!(rule.mode, Mode::Live | Mode::Shadow) {
            plan.rules.push(rules.len());
        }
        let mut scope = Scope { plan, features: &checked.features, schema: &checked.schema, on: rule.on };
        rules.push(compile_rule(rule, &mut scope));
    }
    let features = checked
        .features
        .into_iter()
        .enumerate()
        .map(|(number, feature)| compile_feature(number, feature, &mut plans))
        .collect();
    Program {
        version,
        schema: Arc::new(checked.schema),
        features,
        lists: checked.lists,
        rules,
        cases: checked.cases,
        plans,
    }
}

/// Where an expression is compiled: the event type's plan grows by each feature the expression reads.
struct Scope<'a> {
    plan: &'a mut Plan,
    features: &'a [CheckedFeature],
    schema: &'a wardroom_event::Schema,
    on: TypeId,
}

impl Scope<'_> {
    /// The served slot of a feature.
    fn serve(&mut self, feature: usize) -> usize {
        if let Some(slot) = self.plan.serve.iter().position(|s| s.feature == feature) {
            return slot;
        }
        let event = self.schema.get(self.on);
        let path = |k: &crate::ir::KeyName| KeyPath {
            slot: event.slot(&k.field).unwrap_or(usize::MAX),
            part: k.part,
        };
        let key = self.features[feature].by.iter().map(path).collect();
        self.plan.serve.push(Serve { feature, key });
        self.plan.serve.len() - 1
    }
}

fn compile_rule(rule: CheckedRule, scope: &mut Scope<'_>) -> Rule {
    let terms =
        rule.terms.into_iter().map(|(term, text)| Term { text, holds: boolean(&term, scope) }).collect();
    let because = rule
        .because
        .into_iter()
        .map(|piece| match piece {
            CheckedPiece::Text(text) => Reason::Text(text),
            CheckedPiece::Value(kind, typed) => Reason::Value(kind, value(&typed, scope)),
        })
        .collect();
    Rule {
        id: rule.id,
        on: rule.on,
        terms,
        verdict: rule.verdict,
        ask: rule.ask,
        mode: rule.mode,
        owner: rule.owner,
        missing: rule.missing,
        because,
    }
}

fn compile_feature(number: usize, feature: CheckedFeature, plans: &mut [Plan]) -> Feature {
    for counted in feature.counted {
        let plan = &mut plans[usize::from(counted.event.0)];
        // A filter reads fields only: it never adds to what is served.
        let filter = counted.filter.map(|typed| boolean_of_fields(&typed));
        plan.count.push(Count { feature: number, key: counted.key, item: counted.item, filter });
    }
    Feature {
        id: feature.id,
        aggregate: feature.aggregate,
        window: feature.window,
        kind: feature.kind,
        definition: feature.definition,
    }
}

fn boolean_of_fields(typed: &Typed) -> BoolFn {
    let mut plan = Plan::default();
    let schema = wardroom_event::Schema::default();
    boolean(typed, &mut Scope { plan: &mut plan, features: &[], schema: &schema, on: TypeId(0) })
}

/// A place a value lies in already.
#[derive(Clone, Copy)]
enum Slot {
    Field(usize),
    Served(usize),
}

impl Slot {
    fn of(typed: &Typed, scope: &mut Scope<'_>) -> Option<Slot> {
        match typed.node {
            Node::Field(slot) => Some(Slot::Field(slot)),
            Node::Feature(number) => Some(Slot::Served(scope.serve(number))),
            _ => None,
        }
    }

    #[inline]
    fn get<'r>(self, row: &'r Row<'_>) -> &'r Value {
        const MISSING: &Value = &Value::Missing;
        match self {
            Slot::Field(slot) => row.event.values.get(slot).unwrap_or(MISSING),
            Slot::Served(slot) => row.served.get(slot).unwrap_or(MISSING),
        }
    }
}

#[inline]
fn int_of(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) => Some(*n),
        Value::Time(t) => Some(t.0),
        Value::Duration(d) => Some(d.0),
        _ => None,
    }
}

fn boolean(typed: &Typed, scope: &mut Scope<'_>) -> BoolFn {
    match &typed.node {
        Node::Const(Value::Bool(b)) => {
            let tri = Tri::known(*b);
            Box::new(move |_| tri)
        }
        Node::Field(_) | Node::Feature(_) => {
            let slot = Slot::of(typed, scope);
            Box::new(move |row| match slot.map(|s| s.get(row)) {
                Some(Value::Bool(b)) => Tri::known(*b),
                _ => Tri::Unknown,
            })
        }
        Node::Not(of) => {
            let of = boolean(of, scope);
            Box::new(move |row| of(row).negate())
        }
        Node::All(parts) => all(parts, scope),
        Node::Any(parts) => any(parts, scope),
        Node::Compare(op, a, b) => compare(*op, a, b, scope),
        Node::InList(list, needle) => {
            let (list, needle) = (*list, value_or_slot(needle, scope));
            Box::new(move |row| {
                needle.with(row, |v| match v {
                    Value::Missing => Tri::Unknown,
                    v => Tri::known(row.lists.contains(list, v, row.event.time)),
                })
            })
        }
        Node::InConst(needle, values) => {
            let (needle, values) = (value_or_slot(needle, scope), values.clone());
            Box::new(move |row| {
                needle.with(
                    row,
                    |v| {
                        if v.is_missing() { Tri::Unknown } else { Tri::known(values.contains(v)) }
                    },
                )
            })
        }
        Node::Within(needle, hay) => {
            let (needle, hay) = (value_or_slot(needle, scope), value_or_slot(hay, scope));
            Box::new(move |row| needle.with(row, |n| hay.with(row, |h| within(n, h))))
        }
        Node::IsMissing(of) => {
            let of = value_or_slot(of, scope);
            Box::new(move |row| of.with(row, |v| Tri::known(v.is_missing())))
        }
        Node::If(cond, then, other) => {
            let (cond, then, other) = (boolean(cond, scope), boolean(then, scope), boolean(other, scope));
            Box::new(move |row| match cond(row) {
                Tri::True => then(row),
                Tri::False => other(row),
                Tri::Unknown => Tri::Unknown,
            })
        }
        Node::Call(Function::StartsWith, args) => text_test(args, scope, |text, part| text.starts_with(part)),
        Node::Call(Function::EndsWith, args) => text_test(args, scope, |text, part| text.ends_with(part)),
        _ => Box::new(|_| Tri::Unknown),
    }
}

fn all(parts: &[Typed], scope: &mut Scope<'_>) -> BoolFn {
    let parts: Vec<BoolFn> = parts.iter().map(|p| boolean(p, scope)).collect();
    Box::new(move |row| {
        let mut result = Tri::True;
        for part in &parts {
            match part(row) {
                Tri::False => return Tri::False,
                other => result = result.min(other),
            }
        }
        result
    })
}

fn any(parts: &[Typed], scope: &mut Scope<'_>) -> BoolFn {
    let parts: Vec<BoolFn> = parts.iter().map(|p| boolean(p, scope)).collect();
    Box::new(move |row| {
        let mut result = Tri::False;
        for part in &parts {
            match part(row) {
                Tri::True => return Tri::True,
                other => result = result.max(other),
            }
        }
        result
    })
}

fn within(needle: &Value, hay: &Value) -> Tri {
    match (needle, hay) {
        (Value::Ip(ip), Value::Net(net)) => Tri::known(net.contains(ip)),
        (Value::Net(inner), Value::Net(net)) => Tri::known(net.contains(inner)),
        (Value::Text(part), Value::Text(text)) => Tri::known(text.contains(&**part)),
        _ => Tri::Unknown,
    }
}

fn text_test(args: &[Typed], scope: &mut Scope<'_>, test: fn(&str, &str) -> bool) -> BoolFn {
    let [text, part] = args else {
        return Box::new(|_| Tri::Unknown);
    };
    let (text, part) = (value_or_slot(text, scope), value_or_slot(part, scope));
    Box::new(move |row| {
        text.with(row, |t| {
            part.with(row, |p| match (t, p) {
                (Value::Text(t), Value::Text(p)) => Tri::known(test(t, p)),
                _ => Tri::Unknown,
            })
        })
    })
}

fn compare(op: CompareOp, a: &Typed, b: &Typed, scope: &mut Scope<'_>) -> BoolFn {
    match a.kind.repr() {
        Repr::Int | Repr::Time | Repr::Duration => compare_ints(op, a, b, scope),
        Repr::Number => compare_numbers(op, a, b, scope),
        _ => compare_values(op == CompareOp::Eq, a, b, scope),
    }
}

/// One closure per operator, so that the operator is not looked at again for each event.
macro_rules! by_operator {
    ($op:expr, |$cmp:ident| $body:expr) => {
        match $op {
            CompareOp::Eq => {
                macro_rules! $cmp {
                    ($a:expr, $b:expr) => {
                        $a == $b
                    };
                }
                $body
            }
            CompareOp::Ne => {
                macro_rules! $cmp {
                    ($a:expr, $b:expr) => {
                        $a != $b
                    };
                }
                $body
            }
            CompareOp::Lt => {
                macro_rules! $cmp {
                    ($a:expr, $b:expr) => {
                        $a < $b
                    };
                }
                $body
            }
            CompareOp::Le => {
                macro_rules! $cmp {
                    ($a:expr, $b:expr) => {
                        $a <= $b
                    };
                }
                $body
            }
            CompareOp::Gt => {
                macro_rules! $cmp {
                    ($a:expr, $b:expr) => {
                        $a > $b
                    };
                }
                $body
            }
            CompareOp::Ge => {
                macro_rules! $cmp {
                    ($a:expr, $b:expr) => {
                        $a >= $b
                    };
                }
                $body
            }
        }
    };
}

fn compare_ints(op: CompareOp, a: &Typed, b: &Typed, scope: &mut Scope<'_>) -> BoolFn {
    if let (Some(slot), Node::Const(constant)) = (Slot::of(a, scope), &b.node)
        && let Some(n) = int_of(constant)
    {
        return by_operator!(op, |cmp| Box::new(move |row| match int_of(slot.get(row)) {
            Some(v) => Tri::known(cmp!(v, n)),
            None => Tri::Unknown,
        }));
    }
    let (a, b) = (int(a, scope), int(b, scope));
    by_operator!(op, |cmp| Box::new(move |row| match (a(row), b(row)) {
        (Some(a), Some(b)) => Tri::known(cmp!(a, b)),
        _ => Tri::Unknown,
    }))
}

fn compare_numbers(op: CompareOp, a: &Typed, b: &Typed, scope: &mut Scope<'_>) -> BoolFn {
    if let (Some(slot), Node::Const(Value::Number(n))) = (Slot::of(a, scope), &b.node) {
        let n = *n;
        return by_operator!(op, |cmp| Box::new(move |row| match slot.get(row) {
            Value::Number(v) => Tri::known(cmp!(*v, n)),
            _ => Tri::Unknown,
        }));
    }
    let (a, b) = (number(a, scope), number(b, scope));
    by_operator!(op, |cmp| Box::new(move |row| match (a(row), b(row)) {
        (Some(a), Some(b)) => Tri::known(cmp!(a, b)),
        _ => Tri::Unknown,
    }))
}

/// Sameness of bools, texts, addresses and networks.
fn compare_values(equal: bool, a: &Typed, b: &Typed, scope: &mut Scope<'_>) -> BoolFn {
    if a.kind.repr() == Repr::Bool {
        let (a, b) = (boolean(a, scope), boolean(b, scope));
        return Box::new(move |row| match (a(row).get(), b(row).get()) {
            (Some(a), Some(b)) => Tri::known((a == b) == equal),
            _ => Tri::Unknown,
        });
    }
    if let (Some(slot), Node::Const(constant)) = (Slot::of(a, scope), &b.node) {
        let constant = constant.clone();
        return Box::new(move |row| match slot.get(row) {
            Value::Missing => Tri::Unknown,
            v => Tri::known((*v == constant) == equal),
        });
    }
    let (a, b) = (value_or_slot(a, scope), value_or_slot(b, scope));
    Box::new(move |row| {
        a.with(row, |a| {
            b.with(row, |b| {
                if a.is_missing() || b.is_missing() { Tri::Unknown } else { Tri::known((a == b) == equal) }
            })
        })
    })
}

fn int(typed: &Typed, scope: &mut Scope<'_>) -> IntFn {
    match &typed.node {
        Node::Const(value) => {
            let n = int_of(value);
            Box::new(move |_| n)
        }
        Node::Time => Box::new(|row| Some(row.event.time.0)),
        Node::Neg(of) => {
            let of = int(of, scope);
            Box::new(move |row| of(row)?.checked_neg())
        }
        Node::Arith(op, a, b) if b.kind.repr() == Repr::Number => {
            // A duration times or over a number.
            let (op, a, b) = (*op, int(a, scope), number(b, scope));
            Box::new(move |row| {
                let (a, b) = (a(row)? as f64, b(row)?);
                let n = if op == ArithOp::Mul { a * b } else { a / b };
                (n.abs() < 9.2e18).then(|| n.round() as i64)
            })
        }
        Node::Arith(op, a, b) => {
            let (op, a, b) = (*op, int(a, scope), int(b, scope));
            Box::new(move |row| {
                let (a, b) = (a(row)?, b(row)?);
                match op {
                    ArithOp::Add => a.checked_add(b),
                    ArithOp::Sub => a.checked_sub(b),
                    ArithOp::Mul => a.checked_mul(b),
                    ArithOp::Div => a.checked_div(b),
                }
            })
        }
        Node::If(cond, then, other) => {
            let (cond, then, other) = (boolean(cond, scope), int(then, scope), int(other, scope));
            Box::new(move |row| if cond(row).get()? { then(row) } else { other(row) })
        }
        Node::Call(Function::Len, args) => {
            let text = args.first().map(|a| value_or_slot(a, scope));
            Box::new(move |row| {
                text.as_ref()?.with(row, |v| match v {
                    Value::Text(t) => i64::try_from(t.chars().count()).ok(),
                    _ => None,
                })
            })
        }
        Node::Call(Function::Abs, args) => {
            let of = args.first().map(|a| int(a, scope));
            Box::new(move |row| of.as_ref()?(row)?.checked_abs())
        }
        _ => {
            let of = value_or_slot(typed, scope);
            Box::new(move |row| of.with(row, int_of))
        }
    }
}

fn number(typed: &Typed, scope: &mut Scope<'_>) -> NumberFn {
    let finite = |n: f64| n.is_finite().then_some(n);
    match &typed.node {
        Node::Const(Value::Number(n)) => {
            let n = *n;
            Box::new(move |_| Some(n))
        }
        Node::Widen(of) => {
            let of = int(of, scope);
            Box::new(move |row| of(row).map(|n| n as f64))
        }
        Node::Neg(of) => {
            let of = number(of, scope);
            Box::new(move |row| of(row).map(|n| -n))
        }
        Node::Arith(_, a, b) if a.kind.repr() == Repr::Duration => {
            // A duration over a duration.
            let (a, b) = (int(a, scope), int(b, scope));
            Box::new(move |row| finite(a(row)? as f64 / b(row)? as f64))
        }
        Node::Arith(op, a, b) => {
            let (op, a, b) = (*op, number(a, scope), number(b, scope));
            Box::new(move |row| {
                let (a, b) = (a(row)?, b(row)?);
                finite(match op {
                    ArithOp::Add => a + b,
                    ArithOp::Sub => a - b,
                    ArithOp::Mul => a * b,
                    ArithOp::Div => a / b,
                })
            })
        }
        Node::If(cond, then, other) => {
            let (cond, then, other) = (boolean(cond, scope), number(then, scope), number(other, scope));
            Box::new(move |row| if cond(row).get()? { then(row) } else { other(row) })
        }
        Node::Call(Function::Abs, args) => {
            let of = args.first().map(|a| number(a, scope));
            Box::new(move |row| of.as_ref()?(row).map(f64::abs))
        }
        _ => match Slot::of(typed, scope) {
            Some(slot) => Box::new(move |row| match slot.get(row) {
                Value::Number(n) => Some(*n),
                _ => None,
            }),
            None => Box::new(|_| None),
        },
    }
}

/// An operand of any type: in its slot already, constant, or to be made.
enum Operand {
    Slot(Slot),
    Const(Value),
    Made(ValueFn),
}

impl Operand {
    #[inline]
    fn with<T>(&self, row: &Row<'_>, use_it: impl FnOnce(&Value) -> T) -> T {
        match self {
            Operand::Slot(slot) => use_it(slot.get(row)),
            Operand::Const(value) => use_it(value),
            Operand::Made(make) => use_it(&make(row)),
        }
    }
}

fn value_or_slot(typed: &Typed, scope: &mut Scope<'_>) -> Operand {
    if let Some(slot) = Slot::of(typed, scope) {
        return Operand::Slot(slot);
    }
    match &typed.node {
        Node::Const(value) => Operand::Const(value.clone()),
        _ => Operand::Made(value(typed, scope)),
    }
}

/// Any expression as a [`Value`].
fn value(typed: &Typed, scope: &mut Scope<'_>) -> ValueFn {
    if let Some(slot) = Slot::of(typed, scope) {
        return Box::new(move |row| slot.get(row).clone());
    }
    match (&typed.node, typed.kind.repr()) {
        (Node::Const(value), _) => {
            let value = value.clone();
            Box::new(move |_| value.clone())
        }
        (Node::Part(part, of), _) => {
            let (part, of) = (*part, value_or_slot(of, scope));
            Box::new(move |row| of.with(row, |v| part.of(v)))
        }
        (Node::Call(Function::Lower, args), _) => {
            let of = args.first().map(|a| value_or_slot(a, scope));
            Box::new(move |row| match &of {
                Some(of) => of.with(row, |v| match v {
                    Value::Text(t) => Value::Text(t.to_lowercase().into()),
                    _ => Value::Missing,
                }),
                None => Value::Missing,
            })
        }
        (_, Repr::Bool) => {
            let of = boolean(typed, scope);
            Box::new(move |row| of(row).get().map_or(Value::Missing, Value::Bool))
        }
        (_, Repr::Int) => {
            let of = int(typed, scope);
            Box::new(move |row| of(row).map_or(Value::Missing, Value::Int))
        }
        (_, Repr::Time) => {
            let of = int(typed, scope);
            Box::new(move |row| of(row).map_or(Value::Missing, |n| Value::Time(Micros(n))))
        }
        (_, Repr::Duration) => {
            let of = int(typed, scope);
            Box::new(move |row| of(row).map_or(Value::Missing, |n| Value::Duration(Span(n))))
        }
        (_, Repr::Number) => {
            let of = number(typed, scope);
            Box::new(move |row| of(row).map_or(Value::Missing, Value::Number))
        }
        (Node::If(cond, then, other), _) => {
            let (cond, then, other) = (boolean(cond, scope), value(then, scope), value(other, scope));
            Box::new(move |row| match cond(row) {
                Tri::True => then(row),
                Tri::False => other(row),
                Tri::Unknown => Value::Missing,
            })
        }
        _ => Box::new(|_| Value::Missing),
    }
}

impl Aggregate {
    /// Whether it needs an item beside the key.
    pub fn takes_item(self) -> bool {
        self == Aggregate::Distinct
    }
}
