// SPDX-License-Identifier: Apache-2.0
//! What a filter says about which rows can match: a stretch of time, a stretch of numbers, equal values.

use super::{Branch, Take};
use crate::present::Layout;
use datafusion::arrow::datatypes::Schema;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};
use datafusion::scalar::ScalarValue;
use wardroom_event::{Micros, Value};

/// What all filters of a scan say together.
#[derive(Debug, Default)]
pub(super) struct Hints {
    pub(super) from: Option<Micros>,
    pub(super) to: Option<Micros>,
    first: Option<i64>,
    last: Option<i64>,
    equal: Vec<(String, ScalarValue)>,
    /// Types that events can have, where a filter names them.
    types: Option<Vec<String>>,
}

/// Whether a filter says something that can be passed down.
pub(super) fn is_hint(filter: &Expr) -> bool {
    let mut hints = Hints::default();
    hints.take(filter)
}

impl Hints {
    pub(super) fn of(filters: &[Expr]) -> Hints {
        let mut hints = Hints::default();
        for filter in filters {
            hints.take(filter);
        }
        hints
    }

    /// First and last number.
    pub(super) fn seqs(&self) -> Option<(u64, u64)> {
        let whole = |n: i64| u64::try_from(n).unwrap_or(0);
        match (self.first, self.last) {
            (None, None) => None,
            (first, last) => Some((first.map_or(0, whole), last.map_or(u64::MAX, whole))),
        }
    }

    /// Whether rows of the branch can match, as far as the type says.
    pub(super) fn may_have_type(&self, schema: &Schema, branch: &Branch) -> bool {
        let at = schema.index_of("type").ok();
        let is_type = matches!(at.and_then(|at| branch.takes.get(at)), Some(Take::Type));
        match &self.types {
            Some(types) if is_type => types.iter().any(|name| *name == *branch.table),
            _ => true,
        }
    }

    /// Equal values of stored columns, as they are stored.
    pub(super) fn stored(&self, layout: &Layout, stores: impl Fn(&str) -> bool) -> Vec<(Box<str>, Value)> {
        let known = self.equal.iter().filter(|(name, _)| stores(name)).filter_map(|(name, value)| {
            let value = match value {
                ScalarValue::Utf8(Some(text))
                | ScalarValue::LargeUtf8(Some(text))
                | ScalarValue::Utf8View(Some(text)) => layout.stored(name, text)?,
                ScalarValue::Int64(Some(n)) => Value::Int(*n),
                ScalarValue::Boolean(Some(b)) => Value::Bool(*b),
                _ => return None,
            };
            Some((name.as_str().into(), value))
        });
        known.collect()
    }

    /// Takes in what a filter says. Says whether that is anything.
    fn take(&mut self, filter: &Expr) -> bool {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                let left = self.take(left);
                self.take(right) | left
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (&**left, &**right) {
                (Expr::Column(column), Expr::Literal(value, _)) => self.compare(&column.name, *op, value),
                (Expr::Literal(value, _), Expr::Column(column)) => {
                    op.swap().is_some_and(|op| self.compare(&column.name, op, value))
                }
                _ => false,
            },
            Expr::Between(Between { expr, negated: false, low, high }) => match (&**expr, &**low, &**high) {
                (Expr::Column(column), Expr::Literal(low, _), Expr::Literal(high, _)) => {
                    let low = self.compare(&column.name, Operator::GtEq, low);
                    self.compare(&column.name, Operator::LtEq, high) | low
                }
                _ => false,
            },
            Expr::InList(InList { expr, list, negated: false }) => self.among(expr, list),
            Expr::Column(column) => {
                self.equal.push((column.name.clone(), ScalarValue::Boolean(Some(true))));
                true
            }
            Expr::Not(inner) => match &**inner {
                Expr::Column(column) => {
                    self.equal.push((column.name.clone(), ScalarValue::Boolean(Some(false))));
                    true
                }
                _ => false,
            },
            _ => false,
        }
    }

    fn among(&mut self, expr: &Expr, list: &[Expr]) -> bool {
        let Expr::Column(column) = expr else { return false };
        if column.name != "type" {
            return false;
        }
        let names = list.iter().map(|item| match item {
            Expr::Literal(value, _) => text(value).map(str::to_owned),
            _ => None,
        });
        let Some(names) = names.collect::<Option<Vec<_>>>() else { return false };
        self.among_types(names);
        true
    }

    fn among_types(&mut self, names: Vec<String>) {
        match &mut self.types {
            Some(types) => types.retain(|name| names.contains(name)),
            None => self.types = Some(names),
        }
    }

    fn compare(&mut self, name: &str, op: Operator, value: &ScalarValue) -> bool {
        match (name, value) {
            ("time", ScalarValue::TimestampMicrosecond(Some(at), _)) => self.time(op, *at),
            ("time", ScalarValue::TimestampNanosecond(Some(at), _)) => {
                // Towards what lets more rows through.
                let (down, up) =
                    (at.div_euclid(1000), at.div_euclid(1000) + i64::from(at.rem_euclid(1000) != 0));
                self.time(op, if matches!(op, Operator::Lt | Operator::LtEq) { up } else { down })
            }
            ("seq", ScalarValue::Int64(Some(n))) => self.number(op, *n),
            ("type", value) if op == Operator::Eq => {
                text(value).map(|name| self.among_types(vec![name.to_owned()])).is_some()
            }
            (_, value) if op == Operator::Eq && !value.is_null() => {
                self.equal.push((name.to_owned(), value.clone()));
                true
            }
            _ => false,
        }
    }

    fn time(&mut self, op: Operator, at: i64) -> bool {
        let after = Micros(at.saturating_add(1));
        let mut from = |at: Micros| self.from = Some(self.from.map_or(at, |before| before.max(at)));
        let mut to = |at: Micros| self.to = Some(self.to.map_or(at, |before| before.min(at)));
        match op {
            Operator::Gt | Operator::GtEq => from(Micros(at)),
            Operator::Lt => to(Micros(at)),
            Operator::LtEq => to(after),
            Operator::Eq => {
                from(Micros(at));
                to(after);
            }
            _ => return false,
        }
        true
    }

    fn number(&mut self, op: Operator, n: i64) -> bool {
        let mut first = |n: i64| self.first = Some(self.first.map_or(n, |before| before.max(n)));
        let mut last = |n: i64| self.last = Some(self.last.map_or(n, |before| before.min(n)));
        match op {
            Operator::Gt | Operator::GtEq => first(n),
            Operator::Lt | Operator::LtEq => last(n),
            Operator::Eq => {
                first(n);
                last(n);
            }
            _ => return false,
        }
        true
    }
}

fn text(value: &ScalarValue) -> Option<&str> {
    match value {
        ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text) => {
            text.as_deref()
        }
        _ => None,
    }
}
