// SPDX-License-Identifier: Apache-2.0
//! The rows that are not false for given inputs, in order, without a scan.
//!
//! Each column divides its inputs into classes: one for each value that its cells name, or, where a cell is a range,
//! one for each stretch between neighbouring ends. A class knows its rows: a short list, or a bit for each row. A
//! look-up finds the class of each known input (a hash, or a binary search) and walks the classes together, 64 rows
//! a step, from class to class past stretches where one of them has no row. A missing input makes no cell false and
//! takes no part.
//!
//! Memory: a column of values holds its cells once more. A column of ranges could need rows × rows bits; past
//! [`limits::TABLE_CLASS_BYTES`], neighbouring classes are merged, the column lets through a few rows too many, and
//! no longer vouches for its cells: the table tests those again.

use super::cell::{Cell, KeySpan, key};
use super::{MISSING, RowOf, cell};
use crate::index::ByValue;
use crate::limits;
use std::collections::BTreeSet;
use wardroom_event::{Repr, Value};

/// A set of rows.
#[derive(Clone, Debug)]
enum Rows {
    /// Ascending.
    Few(Box<[u32]>),
    /// A bit each.
    Many(Box<[u64]>),
}

/// How many of so many rows are still a short list: where it takes less memory than the bits.
fn few(rows: usize) -> usize {
    rows / 32
}

impl Rows {
    fn new(listed: &[u32], rows: usize) -> Rows {
        if listed.len() <= few(rows) {
            return Rows::Few(listed.into());
        }
        let mut bits = vec![0u64; rows.div_ceil(64)];
        listed.iter().for_each(|row| set(&mut bits, *row));
        Rows::Many(bits.into())
    }

    /// As [`Rows::new`], and if it takes a bit for each row, with the rows of `more` in it too.
    fn with(listed: &[u32], rows: usize, more: &[u32]) -> Rows {
        let mut made = Rows::new(listed, rows);
        if let Rows::Many(bits) = &mut made {
            more.iter().for_each(|row| set(bits, *row));
        }
        made
    }

    fn side(&self) -> Side<'_> {
        match self {
            Rows::Few(rows) => Side::Few(rows),
            Rows::Many(bits) => Side::Many(bits),
        }
    }
}

fn set(bits: &mut [u64], row: u32) {
    bits[row as usize / 64] |= 1 << (row % 64);
}

fn clear(bits: &mut [u64], row: u32) {
    bits[row as usize / 64] &= !(1 << (row % 64));
}

/// All columns that can be indexed.
#[derive(Clone, Debug)]
pub(super) struct Index {
    rows: usize,
    /// At most [`limits::TABLE_COLUMNS`], ascending by input.
    columns: Vec<Column>,
    /// For each input, whether a row that is let through needs no test of its cell.
    vouched: Vec<bool>,
}

#[derive(Clone, Debug)]
struct Column {
    input: usize,
    /// Rows that take anything here.
    any: Rows,
    /// Rows of each class; those held in bits include `any`.
    classes: Vec<Rows>,
    by: By,
}

/// How an input finds its class.
#[derive(Clone, Debug)]
enum By {
    Value(ByValue<u32>),
    /// Classes by the key they start at, the first at the least key; each ends where the next begins.
    Start(Repr, Box<[i64]>),
}

impl Index {
    pub(super) fn new(rows: &[RowOf]) -> Index {
        Index::within(rows, limits::TABLE_CLASS_BYTES)
    }

    /// With at most so many bytes for the classes of ranges.
    pub(super) fn within(rows: &[RowOf], bytes: usize) -> Index {
        let inputs = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
        let mut index = Index { rows: rows.len(), columns: Vec::new(), vouched: vec![false; inputs] };
        let budget = (bytes / inputs.clamp(1, limits::TABLE_COLUMNS)).max(1);
        for input in 0..inputs.min(limits::TABLE_COLUMNS) {
            if let Some((column, exact)) = Column::new(rows, input, budget) {
                index.columns.push(column);
                index.vouched[input] = exact;
            }
        }
        index
    }

    /// Whether each row that [`Index::not_false`] gives is true of that input, where it is not missing.
    pub(super) fn vouches_for(&self, input: usize) -> bool {
        self.vouched.get(input).copied().unwrap_or(false)
    }

    /// The rows that may not be false for these inputs, ascending. Rows left out are false.
    pub(super) fn not_false<'a>(&'a self, inputs: &[&'a Value]) -> Walk<'a> {
        self.walk(|column| match inputs.get(column.input).copied().unwrap_or(MISSING) {
            Value::Missing => None,
            input => Some(column.class(column.class_of(input))),
        })
    }

    /// The rows that may cover this one, ascending, this one among them.
    pub(super) fn may_cover(&self, row: &RowOf) -> Walk<'_> {
        self.walk(|column| column.wider(cell(row, column.input)))
    }

    fn walk<'a>(&'a self, class: impl Fn(&'a Column) -> Option<Class<'a>>) -> Walk<'a> {
        let mut walk = Walk {
            classes: [Class::EMPTY; limits::TABLE_COLUMNS],
            len: 0,
            word: 0,
            bits: 0,
            words: self.rows.div_ceil(64),
            rows: self.rows,
        };
        for class in self.columns.iter().filter_map(class) {
            walk.classes[walk.len] = class;
            walk.len += 1;
        }
        walk
    }
}

impl Column {
    /// The column of an input and whether it is exact, if its cells can be indexed.
    fn new(rows: &[RowOf], input: usize, budget: usize) -> Option<(Column, bool)> {
        let cells = || (0u32..).zip(rows).map(|(number, row)| (number, cell(row, input)));
        let any: Vec<u32> = cells().filter(|(_, c)| matches!(c, Cell::Any)).map(|(n, _)| n).collect();
        let named: Vec<(u32, &Cell)> = cells().filter(|(_, c)| !matches!(c, Cell::Any)).collect();
        if named.is_empty() {
            return None;
        }
        let ((by, classes), exact) = if named.iter().all(|(_, cell)| cell.values().is_some()) {
            (by_value(&named, rows.len(), &any), true)
        } else {
            let mut spans = Vec::with_capacity(named.len());
            let repr = named.first()?.1.spans()?.0;
            for (row, cell) in named {
                let (_, keys) = cell.spans().filter(|(kind, _)| *kind == repr)?;
                spans.push((row, keys));
            }
            let (starts, classes, exact) = by_start(&spans, rows.len(), &any, budget);
            ((By::Start(repr, starts), classes), exact)
        };
        Some((Column { input, any: Rows::new(&any, rows.len()), classes, by }, exact))
    }

    fn class_of(&self, input: &Value) -> Option<usize> {
        match &self.by {
            By::Value(classes) => classes.get(input).map(|class| *class as usize),
            By::Start(repr, starts) => match key(input) {
                Some((kind, key)) if kind == *repr => Some(class_at(starts, key)),
                _ => None,
            },
        }
    }

    /// The rows that take inputs of a class; of no class, those that take anything.
    fn class(&self, class: Option<usize>) -> Class<'_> {
        match class.map(|class| &self.classes[class]) {
            Some(Rows::Many(bits)) => Class { listed: &[], other: Side::Many(bits) },
            Some(Rows::Few(rows)) => Class { listed: rows, other: self.any.side() },
            None => Class { listed: &[], other: self.any.side() },
        }
    }

    /// Rows whose cell may cover this one: those that take one input it takes.
    fn wider(&self, cell: &Cell) -> Option<Class<'_>> {
        let class = match (&self.by, cell) {
            (_, Cell::Any) => None,
            (By::Value(_), cell) => self.class_of(cell.values()?.first()?),
            (By::Start(_, starts), cell) => Some(class_at(starts, cell.spans()?.1.first()?.0)),
        };
        Some(self.class(class))
    }
}

fn class_at(starts: &[i64], key: i64) -> usize {
    starts.partition_point(|start| *start <= key).saturating_sub(1)
}

fn by_value(named: &[(u32, &Cell)], rows: usize, any: &[u32]) -> (By, Vec<Rows>) {
    let mut classes: ByValue<u32> = ByValue::default();
    let mut listed: Vec<Vec<u32>> = Vec::new();
    for (row, cell) in named {
        for value in cell.values().unwrap_or_default() {
            let class = *classes.entry(value, || {
                listed.push(Vec::new());
                (listed.len() - 1) as u32
            });
            let list = &mut listed[class as usize];
            // A cell may name a value twice.
            if list.last() != Some(row) {
                list.push(*row);
            }
        }
    }
    (By::Value(classes), listed.iter().map(|list| Rows::with(list, rows, any)).collect())
}

/// Classes between the ends of spans: their starts, their rows, and whether none was merged.
fn by_start(
    spans: &[(u32, Vec<KeySpan>)],
    rows: usize,
    any: &[u32],
    budget: usize,
) -> (Box<[i64]>, Vec<Rows>, bool) {
    let mut starts = vec![i64::MIN];
    for (low, high) in spans.iter().flat_map(|(_, keys)| keys).filter(|(low, high)| low <= high) {
        starts.push(*low);
        starts.extend(high.checked_add(1));
    }
    starts.sort_unstable();
    starts.dedup();
    let mut stretches = Stretches::new(spans, &starts);
    let bits = rows.div_ceil(64) * 8;
    let stride = if stretches.bytes(starts.len(), few(rows), bits) <= budget {
        1
    } else {
        (starts.len().saturating_mul(bits)).div_ceil(budget).max(2)
    };
    if stride > 1 {
        stretches.merge(stride);
        starts = starts.into_iter().step_by(stride).collect();
    }
    let classes = stretches.classes(starts.len(), rows, any);
    (starts.into(), classes, stride == 1)
}

/// Runs of classes that a row is in: (row, first, last). The runs of one row are apart.
struct Stretches(Vec<(u32, usize, usize)>);

impl Stretches {
    fn new(spans: &[(u32, Vec<KeySpan>)], starts: &[i64]) -> Stretches {
        let mut runs = Vec::with_capacity(spans.len());
        for (row, keys) in spans {
            for (low, high) in keys.iter().filter(|(low, high)| low <= high) {
                runs.push((*row, class_at(starts, *low), class_at(starts, *high)));
            }
        }
        let mut made = Stretches(runs);
        made.join();
        made
    }

    /// Joins runs of one row that touch.
    fn join(&mut self) {
        self.0.sort_unstable();
        self.0.dedup_by(|next, before| {
            let joins = next.0 == before.0 && next.1 <= before.2 + 1;
            if joins {
                before.2 = before.2.max(next.2);
            }
            joins
        });
    }

    /// Makes each `stride` neighbouring classes one.
    fn merge(&mut self, stride: usize) {
        for (_, first, last) in &mut self.0 {
            (*first, *last) = (*first / stride, *last / stride);
        }
        self.join();
    }

    /// The memory all classes would take.
    fn bytes(&self, classes: usize, few: usize, bits: usize) -> usize {
        let mut change = vec![0i64; classes + 1];
        for (_, first, last) in &self.0 {
            change[*first] += 1;
            change[last + 1] -= 1;
        }
        let mut held = 0;
        let size = |by: &i64| {
            held += by;
            if held as usize <= few { held as usize * 4 } else { bits }
        };
        change.iter().map(size).sum()
    }

    /// The rows of each class, by a sweep over the runs' ends.
    fn classes(&self, classes: usize, rows: usize, any: &[u32]) -> Vec<Rows> {
        let mut opening = self.0.clone();
        opening.sort_unstable_by_key(|(row, first, _)| (*first, *row));
        let mut closing = self.0.clone();
        closing.sort_unstable_by_key(|(row, _, last)| (*last, *row));
        let (mut opening, mut closing) = (opening.into_iter().peekable(), closing.into_iter().peekable());
        let (mut listed, mut bits) = (BTreeSet::new(), vec![0u64; rows.div_ceil(64)]);
        any.iter().for_each(|row| set(&mut bits, *row));
        let mut made = Vec::with_capacity(classes);
        for class in 0..classes {
            while let Some((row, ..)) = opening.next_if(|(_, first, _)| *first == class) {
                listed.insert(row);
                set(&mut bits, row);
            }
            made.push(if listed.len() <= few(rows) {
                Rows::Few(listed.iter().copied().collect())
            } else {
                Rows::Many(bits.clone().into())
            });
            while let Some((row, ..)) = closing.next_if(|(_, _, last)| *last == class) {
                listed.remove(&row);
                clear(&mut bits, row);
            }
        }
        made
    }
}

/// A set of rows, lent, of which those before the place of the walk may be gone.
#[derive(Clone, Copy)]
enum Side<'a> {
    Few(&'a [u32]),
    Many(&'a [u64]),
}

/// The rows of one column: a short list and a set, together.
#[derive(Clone, Copy)]
struct Class<'a> {
    listed: &'a [u32],
    other: Side<'a>,
}

impl Class<'_> {
    const EMPTY: Class<'static> = Class { listed: &[], other: Side::Few(&[]) };

    /// The first 64 rows at or after `word` that hold one of the class: which 64, and the rows' bits. It must not be
    /// asked for a smaller `word` again.
    #[inline]
    fn seek(&mut self, word: usize) -> Option<(usize, u64)> {
        let other = match &mut self.other {
            Side::Few(rows) => seek_listed(rows, word),
            Side::Many(bits) => match bits.get(word)? {
                0 => bits[word..].iter().position(|b| *b != 0).map(|on| (word + on, bits[word + on])),
                here => Some((word, *here)),
            },
        };
        if self.listed.is_empty() {
            return other;
        }
        match (seek_listed(&mut self.listed, word), other) {
            (Some((a, bits)), Some((b, more))) if a == b => Some((a, bits | more)),
            (Some(a), Some(b)) => Some(if a.0 < b.0 { a } else { b }),
            (a, b) => a.or(b),
        }
    }
}

fn seek_listed(rows: &mut &[u32], word: usize) -> Option<(usize, u64)> {
    let word_of = |row: u32| row as usize / 64;
    if rows.first().is_some_and(|row| word_of(*row) < word) {
        *rows = &rows[rows.partition_point(|row| word_of(*row) < word)..];
    }
    let at = word_of(*rows.first()?);
    let bits = rows.iter().take_while(|row| word_of(**row) == at).fold(0, |bits, row| bits | 1 << (row % 64));
    Some((at, bits))
}

/// The rows that are in each of several classes, ascending.
pub(super) struct Walk<'a> {
    classes: [Class<'a>; limits::TABLE_COLUMNS],
    len: usize,
    /// The 64 rows to look at next.
    word: usize,
    /// Rows found in the 64 before those and not given yet.
    bits: u64,
    words: usize,
    rows: usize,
}

impl Walk<'_> {
    /// Moves to the next 64 rows that hold one of all classes.
    fn advance(&mut self) -> Option<()> {
        'word: while self.word < self.words {
            let mut bits = u64::MAX;
            for class in &mut self.classes[..self.len] {
                let (at, found) = class.seek(self.word)?;
                if at > self.word {
                    self.word = at;
                    continue 'word;
                }
                bits &= found;
                if bits == 0 {
                    break;
                }
            }
            self.word += 1;
            if bits != 0 {
                self.bits = bits;
                return Some(());
            }
        }
        None
    }
}

impl Iterator for Walk<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.bits == 0 {
            self.advance()?;
        }
        let row = (self.word - 1) * 64 + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        // Without any class, the last 64 rows are not all there.
        (row < self.rows).then_some(row)
    }
}
