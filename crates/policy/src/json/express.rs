// SPDX-License-Identifier: Apache-2.0
//! Expressions as small objects, and back: `{"compare": ["<", A, B]}`, `{"name": "x"}`.

use super::reader::{At, Got, Reader};
use super::write::object;
use crate::limits;
use crate::syntax::tree::{Arg, ArithOp, CompareOp, Expr, ExprKind, Ident};
use serde_json::{Value, json};
use wardroom_report::Loc;

/// The words of expressions, one to an object.
const FORMS: [&str; 18] = [
    "name",
    "int",
    "number",
    "text",
    "bool",
    "part",
    "call",
    "items",
    "not",
    "minus",
    "and",
    "or",
    "arith",
    "compare",
    "in",
    "not_in",
    "missing",
    "not_missing",
];
/// And those that hold named parts.
const LONG_FORMS: [&str; 2] = ["if", "each"];

/// Largest whole number that every reader of JSON keeps; larger ones are written as text.
const EXACT: u64 = 1 << 53;

const COMPARE: [CompareOp; 6] =
    [CompareOp::Eq, CompareOp::Ne, CompareOp::Lt, CompareOp::Le, CompareOp::Gt, CompareOp::Ge];
const ARITH: [ArithOp; 4] = [ArithOp::Add, ArithOp::Sub, ArithOp::Mul, ArithOp::Div];

/// Writes trees as JSON.
pub(super) struct Writer<'t> {
    /// The text and where its lines begin, where places are wanted.
    text: Option<(&'t str, Vec<usize>)>,
}

impl<'t> Writer<'t> {
    pub(super) fn new(text: Option<&'t str>) -> Writer<'t> {
        let starts = |text: &str| {
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect::<Vec<_>>()
        };
        Writer { text: text.map(|text| (text, starts(text))) }
    }

    /// Line and column of a place, where they are wanted.
    pub(super) fn at(&self, loc: Loc) -> (&'static str, Option<Value>) {
        let place = self.text.as_ref().map(|(text, starts)| {
            let at = loc.start as usize;
            let line = starts.partition_point(|start| *start <= at);
            let before = text.get(starts[line - 1]..at).unwrap_or("");
            json!([line, before.chars().count() + 1])
        });
        ("at", place)
    }

    pub(super) fn expr(&self, expr: &Expr) -> Value {
        let (form, value) = self.form(&expr.kind);
        object([(form, Some(value)), self.at(expr.loc)])
    }

    fn all(&self, exprs: &[Expr]) -> Value {
        exprs.iter().map(|e| self.expr(e)).collect()
    }

    fn form(&self, kind: &ExprKind) -> (&'static str, Value) {
        match kind {
            ExprKind::Name(name) => ("name", json!(name)),
            ExprKind::Int(n) if n.unsigned_abs() > EXACT => ("int", json!(n.to_string())),
            ExprKind::Int(n) => ("int", json!(n)),
            ExprKind::Number(n) => ("number", number(*n)),
            ExprKind::Text(text) => ("text", json!(text)),
            ExprKind::Bool(b) => ("bool", json!(b)),
            // Stands only in trees of texts with faults, which have no JSON form.
            ExprKind::Bad => ("bad", Value::Null),
            ExprKind::Attr(of, part) => ("part", json!([self.expr(of), part.name])),
            ExprKind::Call(of, args) => {
                let args = args.iter().map(|arg| self.argument(arg));
                ("call", std::iter::once(self.expr(of)).chain(args).collect())
            }
            ExprKind::Items(items) => ("items", self.all(items)),
            ExprKind::Not(of) => ("not", self.expr(of)),
            ExprKind::Neg(of) => ("minus", self.expr(of)),
            ExprKind::And(parts) => ("and", self.all(parts)),
            ExprKind::Or(parts) => ("or", self.all(parts)),
            ExprKind::Arith(op, a, b) => ("arith", json!([op.sign(), self.expr(a), self.expr(b)])),
            ExprKind::Compare(op, a, b) => ("compare", json!([op.sign(), self.expr(a), self.expr(b)])),
            ExprKind::In { needle, hay, negated } => {
                (if *negated { "not_in" } else { "in" }, json!([self.expr(needle), self.expr(hay)]))
            }
            ExprKind::IsMissing { of, negated } => {
                (if *negated { "not_missing" } else { "missing" }, self.expr(of))
            }
            ExprKind::If { then, cond, other } => {
                let (cond, then, other) = (self.expr(cond), self.expr(then), self.expr(other));
                ("if", json!({ "condition": cond, "then": then, "else": other }))
            }
            ExprKind::Each { body, var, over, filter } => {
                let parts = [
                    ("value", Some(self.expr(body))),
                    ("for", Some(json!(var.name))),
                    ("in", Some(self.expr(over))),
                    ("if", filter.as_ref().map(|f| self.expr(f))),
                ];
                ("each", object(parts))
            }
        }
    }

    fn argument(&self, arg: &Arg) -> Value {
        match &arg.name {
            Some(name) => json!({ "named": [name.name, self.expr(&arg.value)] }),
            None => self.expr(&arg.value),
        }
    }
}

/// A number, as text where readers of JSON might not keep its last digit.
fn number(n: f64) -> Value {
    let plain = json!(n);
    let kept =
        serde_json::from_str::<f64>(&plain.to_string()).is_ok_and(|read| read.to_bits() == n.to_bits());
    if kept { plain } else { json!(format!("{n:?}")) }
}

impl Reader {
    /// An expression that stands by itself: anything but `each`.
    pub(super) fn expr(&mut self, at: &At<'_>) -> Got<Expr> {
        self.expr_within(at, false)
    }

    fn expr_within(&mut self, at: &At<'_>, call: bool) -> Got<Expr> {
        let known: Vec<&str> = FORMS.into_iter().chain(LONG_FORMS).collect();
        let (form, inner) = self.single(at, "an expression", &known)?;
        if form == "each" && !call {
            return self.fail(at, "`each` stands only among the arguments of a call");
        }
        self.depth += 1;
        let kind = if self.depth > limits::DEPTH {
            self.fail(at, &format!("nested deeper than {} levels", limits::DEPTH))
        } else {
            self.kind(form, &inner)
        };
        self.depth -= 1;
        let kind = kind?;
        let height = kind.height();
        Ok(Expr { kind, loc: Loc::default(), height })
    }

    fn kind(&mut self, form: &str, at: &At<'_>) -> Got<ExprKind> {
        Ok(match form {
            "name" => ExprKind::Name(self.variable(at)?),
            "int" => ExprKind::Int(self.int(at)?),
            "number" => ExprKind::Number(self.number(at)?),
            "text" => ExprKind::Text(self.text(at)?),
            "bool" => ExprKind::Bool(self.boolean(at)?),
            "part" => {
                let [of, part] = self.array(at)?;
                let (of, part) = (self.expr(&of), self.word(&part));
                ExprKind::Attr(of?.into(), part?)
            }
            "call" => self.call(at)?,
            "items" => ExprKind::Items(self.items(at, 0, Reader::expr)?),
            "not" => ExprKind::Not(self.expr(at)?.into()),
            "minus" => minus(self.expr(at)?),
            "and" => ExprKind::And(self.items(at, 2, Reader::expr)?),
            "or" => ExprKind::Or(self.items(at, 2, Reader::expr)?),
            "arith" => {
                let (op, a, b) = self.operation(at, &ARITH, ArithOp::sign)?;
                ExprKind::Arith(op, a.into(), b.into())
            }
            "compare" => {
                let (op, a, b) = self.operation(at, &COMPARE, CompareOp::sign)?;
                ExprKind::Compare(op, a.into(), b.into())
            }
            "in" | "not_in" => {
                let (needle, hay) = self.pair(at)?;
                ExprKind::In { needle: needle.into(), hay: hay.into(), negated: form == "not_in" }
            }
            "missing" | "not_missing" => {
                ExprKind::IsMissing { of: self.expr(at)?.into(), negated: form == "not_missing" }
            }
            "if" => {
                let fields = self.fields(at, &["condition", "then", "else"])?;
                let cond = self.required(&fields, "condition", Reader::expr);
                let then = self.required(&fields, "then", Reader::expr);
                let other = self.required(&fields, "else", Reader::expr);
                ExprKind::If { then: then?.into(), cond: cond?.into(), other: other?.into() }
            }
            _ => self.each(at)?,
        })
    }

    fn each(&mut self, at: &At<'_>) -> Got<ExprKind> {
        let fields = self.fields(at, &["value", "for", "in", "if"])?;
        let body = self.required(&fields, "value", Reader::expr);
        let var = self.required(&fields, "for", Reader::new_name);
        let over = self.required(&fields, "in", Reader::expr);
        let filter = self.optional(&fields, "if", Reader::expr);
        Ok(ExprKind::Each {
            body: body?.into(),
            var: var?,
            over: over?.into(),
            filter: filter?.map(Box::new),
        })
    }

    fn call(&mut self, at: &At<'_>) -> Got<ExprKind> {
        let mut parts = self.elements(at, 1)?;
        let of = self.expr(&parts.remove(0));
        let args: Vec<Got<Arg>> = parts.iter().map(|part| self.argument(part)).collect();
        Ok(ExprKind::Call(of?.into(), args.into_iter().collect::<Got<_>>()?))
    }

    fn argument(&mut self, at: &At<'_>) -> Got<Arg> {
        if at.value.get("named").is_none() {
            return Ok(Arg { name: None, value: self.expr_within(at, true)? });
        }
        let fields = self.fields(at, &["named"])?;
        let parts = self.required(&fields, "named", |r, at| {
            let [name, value] = r.array(at)?;
            let (name, value) = (r.word(&name), r.expr(&value));
            Ok((name?, value?))
        });
        let (name, value): (Ident, Expr) = parts?;
        Ok(Arg { name: Some(name), value })
    }

    /// Two expressions.
    pub(super) fn pair(&mut self, at: &At<'_>) -> Got<(Expr, Expr)> {
        let [a, b] = self.array(at)?;
        let (a, b) = (self.expr(&a), self.expr(&b));
        Ok((a?, b?))
    }

    /// `["<", A, B]`.
    fn operation<Op: Copy>(
        &mut self,
        at: &At<'_>,
        ops: &[Op],
        sign: fn(Op) -> &'static str,
    ) -> Got<(Op, Expr, Expr)> {
        let [op, a, b] = self.array(at)?;
        let (op, a, b) = (self.sign(&op, ops, sign), self.expr(&a), self.expr(&b));
        Ok((op?, a?, b?))
    }

    /// `<` or `>=`, before a value.
    pub(super) fn order(&mut self, at: &At<'_>) -> Got<CompareOp> {
        let orders: Vec<CompareOp> = COMPARE.into_iter().filter(|op| op.orders()).collect();
        self.sign(at, &orders, CompareOp::sign)
    }

    fn sign<Op: Copy>(&mut self, at: &At<'_>, ops: &[Op], sign: fn(Op) -> &'static str) -> Got<Op> {
        let word = self.text(at)?;
        let found = ops.iter().find(|op| sign(**op) == word);
        let Some(found) = found else {
            let signs: Vec<&str> = ops.iter().map(|op| sign(*op)).collect();
            return self.fail(at, &format!("must be one of {}", signs.join(" ")));
        };
        Ok(*found)
    }

    /// A whole number; the parser knows no way to write the least of 64 bits.
    pub(super) fn int(&mut self, at: &At<'_>) -> Got<i64> {
        let read = at.value.as_i64().or_else(|| at.value.as_str()?.parse().ok());
        let read = read.filter(|n| *n > i64::MIN);
        read.map_or_else(|| self.fail(at, "must be a whole number of 64 bits, as a number or in quotes"), Ok)
    }

    fn number(&mut self, at: &At<'_>) -> Got<f64> {
        let read = at.value.as_f64().or_else(|| at.value.as_str()?.parse().ok());
        let read = read.filter(|n: &f64| n.is_finite());
        read.map_or_else(|| self.fail(at, "must be a number, as it is or in quotes"), Ok)
    }
}

/// As the parser has it: the sign belongs to a number that is written.
fn minus(of: Expr) -> ExprKind {
    match of.kind {
        ExprKind::Int(n) => ExprKind::Int(-n),
        ExprKind::Number(n) => ExprKind::Number(-n),
        _ => ExprKind::Neg(of.into()),
    }
}
