// SPDX-License-Identifier: Apache-2.0
//! Comprehensions over columns: the items of many rows' lists become rows of a frame of their own, in which filter and
//! body are evaluated; then each row folds its items, as the online executor does.

use super::bits::{Bits, TriColumn};
use super::frame::{Frame, Known, Place, ROWS, Slot};
use super::number::{Real, Whole};
use super::truth::Truth;
use crate::Tri;
use crate::compile::each::{join_int, join_number, known};
use crate::ir::EachOp;
use std::ops::Range;

/// A filter and a body over the items of a list field.
pub(super) struct Items<B> {
    pub(super) over: Slot,
    pub(super) filter: Option<Truth>,
    pub(super) body: B,
}

/// Some rows with their items side by side.
struct Group {
    /// Each row, and where its items lie in the frame of items.
    rows: Vec<(usize, Range<usize>)>,
    /// The row of the batch that each item belongs to.
    owners: Vec<usize>,
    /// The item's place in the columns of items.
    items: Vec<usize>,
}

impl<B> Items<B> {
    /// For each group of rows whose lists are known, the frame of their items, which of these are taken, and for which
    /// the body is asked.
    fn groups(
        &self,
        frame: &Frame<'_>,
        open: &Bits,
        mut fold: impl FnMut(&[(usize, Range<usize>)], &Frame<'_>, &TriColumn, &Bits),
    ) {
        let Some((column, lists, place)) = frame.lists(self.over) else { return };
        let mut left = open.rows().filter(|row| column.is_known(place.at(*row))).peekable();
        while left.peek().is_some() {
            let mut group = Group { rows: Vec::new(), owners: Vec::new(), items: Vec::new() };
            for row in left.by_ref() {
                let range = lists.range(place.at(row));
                let start = group.items.len();
                group.rows.push((row, start..start + range.len()));
                group.owners.extend(std::iter::repeat_n(frame.place.at(row), range.len()));
                group.items.extend(range);
                if group.items.len() >= ROWS {
                    break;
                }
            }
            let len = group.items.len();
            let items = Some((&*lists.items, Place::Picked(group.items)));
            let place = Place::Picked(group.owners);
            let within = Frame { columns: frame.columns, place, len, items, world: frame.world };
            let taken = match &self.filter {
                Some(filter) => filter.eval(&within, &Bits::all(len)),
                None => TriColumn::of(Tri::True, len),
            };
            fold(&group.rows, &within, &taken, &taken.open());
        }
    }
}

impl Items<Truth> {
    /// `any` or `all`.
    pub(super) fn truth(&self, op: EachOp, frame: &Frame<'_>, open: &Bits) -> TriColumn {
        let mut out = TriColumn::of(Tri::Unknown, frame.len);
        self.groups(frame, open, |rows, items, taken, open| {
            let body = self.body.eval(items, open);
            // `any` is the `or` of filter and body, `all` the `and` of not filter or body.
            let (start, each) = match op {
                EachOp::Any => (Tri::False, taken.clone().and(&body)),
                _ => (Tri::True, taken.clone().negate().or(&body)),
            };
            for (row, range) in rows {
                let truths = range.clone().map(|item| each.get(item));
                let truth = match op {
                    EachOp::Any => truths.fold(start, Tri::max),
                    _ => truths.fold(start, Tri::min),
                };
                out.put(*row, truth);
            }
        });
        out
    }
}

/// Folds the known quantities of each row's items, as a sum, the least or the greatest.
fn fold<T: Copy + Default>(
    out: &mut Known<'static, T>,
    rows: &[(usize, Range<usize>)],
    taken: &TriColumn,
    body: &Known<'_, T>,
    empty: Option<T>,
    join: impl Fn(T, T) -> Option<T>,
) {
    for (row, range) in rows {
        let mut items = range.clone();
        let found =
            items.try_fold(None, |so_far, item| known(so_far, taken.get(item), || body.get(item), &join));
        if let Some(value) = found.and_then(|found| found.or(empty)) {
            out.values.to_mut()[*row] = value;
            out.known.set(*row);
        }
    }
}

impl Items<Whole> {
    /// `sum`, `min` or `max` of whole quantities.
    pub(super) fn whole(&self, op: EachOp, frame: &Frame<'_>, open: &Bits) -> Known<'static, i64> {
        let mut out = Known::missing(frame.len);
        let empty = (op == EachOp::Sum).then_some(0);
        self.groups(frame, open, |rows, items, taken, open| {
            fold(&mut out, rows, taken, &self.body.eval(items, open), empty, |a, b| join_int(op, a, b));
        });
        out
    }
}

impl Items<Real> {
    /// `sum`, `min` or `max` of numbers.
    pub(super) fn real(&self, op: EachOp, frame: &Frame<'_>, open: &Bits) -> Known<'static, f64> {
        let mut out = Known::missing(frame.len);
        let empty = (op == EachOp::Sum).then_some(0.0);
        self.groups(frame, open, |rows, items, taken, open| {
            fold(&mut out, rows, taken, &self.body.eval(items, open), empty, |a, b| join_number(op, a, b));
        });
        out
    }
}
