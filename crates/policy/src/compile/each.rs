// SPDX-License-Identifier: Apache-2.0
//! Comprehensions: a closure asked once for each item. A list holds so many items and no more, so the cost is bounded.
//!
//! `any(b for x in l if f)` is the `or` of `f and b` over the items, `all` the `and` of `not f or b`. A `sum` adds the
//! bodies of the items for which `f` holds; where that is unknown of one of them, or its body is missing, the sum is
//! missing. `min` and `max` likewise, and missing where no item is left. Of a missing list everything is unknown.

use super::number::{int as int_of, number as number_of};
use super::operand::Operand;
use super::truth::boolean;
use super::{BoolFn, IntFn, NumberFn, Scope};
use crate::ir::{Each, EachOp};
use crate::{Row, Tri};
use wardroom_event::Value;

struct Items {
    over: Operand,
    width: usize,
    filter: Option<BoolFn>,
}

impl Items {
    fn new(each: &Each, scope: &mut Scope<'_>) -> Items {
        let over = Operand::of(&each.over, scope);
        let filter = each.filter.as_ref().map(|f| boolean(f, scope));
        Items { over, width: each.width.max(1), filter }
    }

    /// Folds over the items' rows; `None` where the list is missing, or the fold stops.
    fn fold<T>(
        &self,
        row: &Row<'_>,
        start: T,
        mut step: impl FnMut(T, Tri, &Row<'_>) -> Option<T>,
    ) -> Option<T> {
        self.over.with(row, |list| {
            let Value::List(values) = list else { return None };
            let mut state = start;
            for item in values.chunks(self.width) {
                let row = Row { event: row.event, served: row.served, world: row.world, item };
                let taken = self.filter.as_ref().map_or(Tri::True, |f| f(&row));
                state = step(state, taken, &row)?;
            }
            Some(state)
        })
    }
}

pub(super) fn truth(each: &Each, scope: &mut Scope<'_>) -> BoolFn {
    let items = Items::new(each, scope);
    let body = boolean(&each.body, scope);
    if each.op == EachOp::Any {
        return Box::new(move |row| {
            let or = |so_far: Tri, taken: Tri, row: &Row<'_>| Some(so_far.max(taken.min(body(row))));
            items.fold(row, Tri::False, or).unwrap_or(Tri::Unknown)
        });
    }
    Box::new(move |row| {
        let and = |so_far: Tri, taken: Tri, row: &Row<'_>| Some(so_far.min(taken.negate().max(body(row))));
        items.fold(row, Tri::True, and).unwrap_or(Tri::Unknown)
    })
}

/// One step over known quantities: skips what the filter leaves out, stops at what is unknown.
pub(crate) fn known<T: Copy>(
    so_far: Option<T>,
    taken: Tri,
    body: impl FnOnce() -> Option<T>,
    join: impl FnOnce(T, T) -> Option<T>,
) -> Option<Option<T>> {
    match taken {
        Tri::False => Some(so_far),
        Tri::Unknown => None,
        Tri::True => {
            let value = body()?;
            match so_far {
                None => Some(Some(value)),
                Some(before) => join(before, value).map(Some),
            }
        }
    }
}

/// How two whole quantities become one; missing where their sum leaves 64 bits.
pub(crate) fn join_int(op: EachOp, a: i64, b: i64) -> Option<i64> {
    match op {
        EachOp::Min => Some(a.min(b)),
        EachOp::Max => Some(a.max(b)),
        _ => a.checked_add(b),
    }
}

/// How two numbers become one; missing where their sum is not finite.
pub(crate) fn join_number(op: EachOp, a: f64, b: f64) -> Option<f64> {
    match op {
        // Of 0.0 and -0.0 the first: which of them `f64::min` gives is left open.
        EachOp::Min => Some(if b < a { b } else { a }),
        EachOp::Max => Some(if b > a { b } else { a }),
        _ => Some(a + b).filter(|n| n.is_finite()),
    }
}

pub(super) fn int(each: &Each, scope: &mut Scope<'_>) -> IntFn {
    let items = Items::new(each, scope);
    let (op, body) = (each.op, int_of(&each.body, scope));
    let join = move |a: i64, b: i64| join_int(op, a, b);
    Box::new(move |row| {
        let found = items.fold(row, None, |so_far, taken, row| known(so_far, taken, || body(row), join))?;
        found.or((op == EachOp::Sum).then_some(0))
    })
}

pub(super) fn number(each: &Each, scope: &mut Scope<'_>) -> NumberFn {
    let items = Items::new(each, scope);
    let (op, body) = (each.op, number_of(&each.body, scope));
    let join = move |a: f64, b: f64| join_number(op, a, b);
    Box::new(move |row| {
        let found = items.fold(row, None, |so_far, taken, row| known(so_far, taken, || body(row), join))?;
        found.or((op == EachOp::Sum).then_some(0.0))
    })
}
