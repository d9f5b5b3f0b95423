// SPDX-License-Identifier: Apache-2.0
//! Decision tables: rows of cells over a few inputs, each row with a value; the first row that fits gives its value.
//!
//! What a table says:
//! - Rows stand in order. A cell against an input is true or false; against a missing input it is unknown, unless
//!   the cell is `any`, which is true of everything.
//! - A row is false if any of its cells is false, else unknown if any is unknown, else it fits.
//! - The first row that is not false decides. If it fits, its value is the result; if it is unknown, the result is
//!   missing, since what is missing might have made it fit. No later row is looked at.
//! - Where every row is false, the result is the value of `else`, or missing without one.
//!
//! So a loop over the rows with Kleene's `and` over each row's cells is all of it, and the tests hold the index
//! against that loop. The index (`index.rs`) never looks at rows one by one: thousands of rows cost little more than
//! ten.

mod cell;
mod csv;
mod index;
#[cfg(test)]
mod tests;

pub(crate) use cell::{Bound, Cell};
pub(crate) use csv::read_csv;

use crate::{Tri, limits};
use index::Index;
use wardroom_event::Value;

const MISSING: &Value = &Value::Missing;

/// One row: a cell for each input, in the table's order, and the value it gives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RowOf {
    /// A row with fewer cells than others takes anything in the rest.
    pub(crate) cells: Vec<Cell>,
    pub(crate) value: Value,
}

/// A table, ready to be looked into.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    rows: Vec<RowOf>,
    otherwise: Option<Value>,
    index: Index,
}

/// What a look into a table gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Found<'a> {
    /// Missing if the row that decides is unknown, or if nothing fits and there is no `else`.
    pub(crate) value: &'a Value,
    /// The row that decided, from 0; none if all are false.
    pub(crate) row: Option<usize>,
}

impl Table {
    /// A table of rows in their order. More than [`limits::TABLE_ROWS`] are for the caller to refuse.
    pub(crate) fn new(rows: Vec<RowOf>, otherwise: Option<Value>) -> Table {
        let index = Index::new(&rows);
        Table { rows, otherwise, index }
    }

    /// The rows in their order.
    pub(crate) fn rows(&self) -> &[RowOf] {
        &self.rows
    }

    /// Whether it gives a value where no row fits.
    pub(crate) fn has_else(&self) -> bool {
        self.otherwise.is_some()
    }

    /// The value for these inputs; an input that is not there is missing.
    pub(crate) fn find(&self, inputs: &[&Value]) -> Found<'_> {
        for number in self.index.not_false(inputs) {
            let row = &self.rows[number];
            match self.judge(row, inputs) {
                Tri::True => return Found { value: &row.value, row: Some(number) },
                Tri::Unknown => return Found { value: MISSING, row: Some(number) },
                Tri::False => {}
            }
        }
        Found { value: self.otherwise.as_ref().unwrap_or(MISSING), row: None }
    }

    /// How a row that the index let through stands: only cells that it does not vouch for are tested again.
    fn judge(&self, row: &RowOf, inputs: &[&Value]) -> Tri {
        let mut result = Tri::True;
        for (at, cell) in row.cells.iter().enumerate() {
            let input = inputs.get(at).copied().unwrap_or(MISSING);
            if input.is_missing() || !self.index.vouches_for(at) {
                result = result.min(cell.test(input));
            }
        }
        result
    }

    /// Rows that can never decide, each with an earlier row that covers each of its cells: pairs of (row, by), for a
    /// warning. Rows covered only by several others together are not found, and at most
    /// [`limits::TABLE_COMPARISONS`] are made.
    pub(crate) fn unreachable(&self) -> Vec<(usize, usize)> {
        let mut left = limits::TABLE_COMPARISONS;
        let mut found = Vec::new();
        for (number, row) in self.rows.iter().enumerate() {
            for by in self.index.may_cover(row).take_while(|by| *by < number) {
                let earlier = &self.rows[by];
                match left.checked_sub(cost(earlier, row)) {
                    Some(rest) => left = rest,
                    None => return found,
                }
                if covers(earlier, row) {
                    found.push((number, by));
                    break;
                }
            }
        }
        found
    }
}

/// The cell of a row in a column; what is not written takes anything.
fn cell(row: &RowOf, column: usize) -> &Cell {
    row.cells.get(column).unwrap_or(&Cell::Any)
}

/// Whether the earlier row is false only where the later one is.
fn covers(earlier: &RowOf, later: &RowOf) -> bool {
    earlier.cells.iter().enumerate().all(|(at, wide)| wide.covers(cell(later, at)))
}

/// The comparisons of values that [`covers`] may make, at least one.
fn cost(earlier: &RowOf, later: &RowOf) -> usize {
    let each = |(at, wide): (usize, &Cell)| wide.members() * cell(later, at).members();
    earlier.cells.iter().enumerate().map(each).sum::<usize>().max(1)
}
