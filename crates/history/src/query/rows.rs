// SPDX-License-Identifier: Apache-2.0
//! Events themselves, the best so many of them: newest first, or by a value. No more are held than twice as many.

use super::budget::Budget;
use super::cells::Cells;
use super::error::QueryError;
use super::quantile::ordered;
use arrow_array::{Array, ArrayRef};
use wardroom_event::{Field, Value};
use wardroom_policy::{ColumnError, StoredValues};

/// The place of an event among all, greatest first: by the value asked for, then the newest, then the highest number.
pub(super) type Place = (Option<u64>, u64, u64);

/// The best events so far.
pub(super) struct Best {
    pub(super) held: Vec<(Place, Vec<Value>)>,
    most: usize,
    /// What an event must be beyond to be among the best, once there are enough.
    least: Option<Place>,
    bottom: bool,
    by: bool,
}

impl Best {
    /// At most `most` of them.
    pub(super) fn new(most: usize, bottom: bool, by: bool) -> Best {
        Best { held: Vec::new(), most, least: None, bottom, by }
    }

    /// The rows of a batch that may be among the best, with their places: at most as many as are wanted.
    pub(super) fn candidates(
        &self,
        rows: &[u32],
        by: Option<&ArrayRef>,
        times: &[i64],
        seqs: &[u64],
    ) -> Vec<(Place, u32)> {
        let cells = by.map(Cells::of);
        let is_number = by.is_some_and(|a| matches!(a.data_type(), arrow_schema::DataType::Float64));
        let turn = self.bottom && !self.by;
        let place = |row: u32| -> Place {
            let at = row as usize;
            let rank = cells.as_ref().and_then(|cells| {
                let rank = if is_number {
                    cells.number(at).map(ordered)
                } else {
                    cells.whole(at).map(|n| n.cast_unsigned() ^ (1 << 63))
                };
                rank.map(|rank| if self.bottom { !rank } else { rank })
            });
            let time = times[at].cast_unsigned() ^ (1 << 63);
            // Without a value to go by, the other end are the oldest.
            if turn { (rank, !time, !seqs[at]) } else { (rank, time, seqs[at]) }
        };
        let mut found: Vec<(Place, u32)> = rows
            .iter()
            .map(|row| (place(*row), *row))
            .filter(|(p, _)| self.least.is_none_or(|least| *p > least))
            .collect();
        if found.len() > self.most {
            found.select_nth_unstable_by(self.most, |a, b| b.0.cmp(&a.0));
            found.truncate(self.most);
        }
        found.sort_unstable_by_key(|(_, row)| *row);
        found
    }

    /// Takes candidates with their values.
    pub(super) fn take(
        &mut self,
        candidates: &[(Place, u32)],
        columns: &[(&Field, ArrayRef)],
        budget: &Budget,
    ) -> Result<(), QueryError> {
        let readers: Vec<StoredValues> = columns
            .iter()
            .map(|(field, array)| StoredValues::of(field, array))
            .collect::<Result<_, ColumnError>>()?;
        for (place, row) in candidates {
            let values: Vec<Value> = readers.iter().map(|reader| reader.get(*row as usize)).collect();
            budget.take(size(&values))?;
            self.held.push((*place, values));
        }
        if self.held.len() >= 2 * self.most {
            self.keep(budget);
        }
        Ok(())
    }

    /// Keeps the best, and lets the others go.
    fn keep(&mut self, budget: &Budget) {
        if self.held.len() <= self.most {
            return;
        }
        self.held.select_nth_unstable_by(self.most, |a, b| b.0.cmp(&a.0));
        budget.give(self.held.drain(self.most..).map(|(_, values)| size(&values)).sum());
        self.least = self.held.iter().map(|(place, _)| *place).min();
    }

    /// Joins with what another thread found.
    pub(super) fn absorb(&mut self, other: Best, budget: &Budget) {
        self.held.extend(other.held);
        self.keep(budget);
    }

    /// The best, in their order.
    pub(super) fn finish(mut self) -> Vec<Vec<Value>> {
        self.held.sort_unstable_by_key(|(place, _)| std::cmp::Reverse(*place));
        self.held.truncate(self.most);
        self.held.into_iter().map(|(_, values)| values).collect()
    }
}

/// How many bytes a row takes.
fn size(values: &[Value]) -> usize {
    let heap = |value: &Value| match value {
        Value::Text(text) => text.len(),
        Value::List(items) => {
            items.iter().map(|i| size_of::<Value>() + if let Value::Text(t) = i { t.len() } else { 0 }).sum()
        }
        _ => 0,
    };
    size_of::<(Place, Vec<Value>)>() + values.iter().map(|v| size_of::<Value>() + heap(v)).sum::<usize>()
}
