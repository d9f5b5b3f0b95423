// SPDX-License-Identifier: Apache-2.0
//! What an expression is evaluated on, and what it gives: some rows of a batch at a time, few enough that what is
//! computed of them stays in the processor's cache.

use super::bits::{Bits, TriColumn};
use super::column::{Column, Held, Lists, Texts, whole};
use crate::{Tri, World};
use arrow_array::Array;
use arrow_buffer::ScalarBuffer;
use std::borrow::Cow;
use wardroom_event::{Micros, Repr, Value};

/// Most rows evaluated at a time; a multiple of 64.
pub(super) const ROWS: usize = 4096;

/// Rows of a batch. An expression's columns are looked up by their place in the plan.
pub(super) struct Frame<'a> {
    /// The columns of the batch; those that nothing reads need not be there.
    pub(super) columns: &'a [Option<Column>],
    /// Which rows of them.
    pub(super) place: Place,
    pub(super) len: usize,
    /// In a comprehension: the columns of the list's items, and which item belongs to each row.
    pub(super) items: Option<(&'a [Column], Place)>,
    pub(super) world: &'a dyn World,
}

/// Where the rows of a frame lie in its columns.
pub(super) enum Place {
    /// One after the other.
    From(usize),
    /// Anywhere.
    Picked(Vec<usize>),
}

impl Place {
    #[inline]
    pub(super) fn at(&self, row: usize) -> usize {
        match self {
            Place::From(start) => start + row,
            Place::Picked(rows) => rows[row],
        }
    }
}

/// A column that an expression reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// Of the batch, by its place in the plan.
    Column(usize),
    /// Of the items that a comprehension looks at.
    Item(usize),
}

/// Where the time of the event lies.
pub(super) const TIME: usize = 0;

impl Frame<'_> {
    /// A column and where this frame's rows lie in it; none if nothing is known of it.
    pub(super) fn column(&self, slot: Slot) -> Option<(&Column, &Place)> {
        match (slot, &self.items) {
            (Slot::Column(at), _) => Some((self.columns.get(at)?.as_ref()?, &self.place)),
            (Slot::Item(at), Some((columns, place))) => Some((columns.get(at)?, place)),
            (Slot::Item(_), None) => None,
        }
    }

    /// When the event of a row happened.
    pub(super) fn time(&self, row: usize) -> Micros {
        match self.column(Slot::Column(TIME)) {
            Some((Column { held: Held::Whole(_, times), .. }, place)) => Micros(times[place.at(row)]),
            _ => Micros(0),
        }
    }

    /// The rows where a column is known.
    pub(super) fn known(&self, slot: Slot) -> Bits {
        match self.column(slot) {
            Some((column, place)) => known(column, place, self.len),
            None => Bits::none(self.len),
        }
    }

    pub(super) fn truths(&self, slot: Slot) -> TriColumn {
        let Some((column @ Column { held: Held::Bool(bits), .. }, place)) = self.column(slot) else {
            return TriColumn::of(Tri::Unknown, self.len);
        };
        let known = known(column, place, self.len);
        let yes = match place {
            Place::From(start) => Bits::of(bits, *start, self.len).and(&known),
            Place::Picked(rows) => Bits::sparse(&known, |row| bits.value(rows[row])),
        };
        TriColumn { yes, known }
    }

    pub(super) fn wholes(&self, slot: Slot) -> Known<'_, i64> {
        match self.column(slot) {
            Some((column @ Column { held: Held::Whole(_, values), .. }, place)) => {
                self.values(column, place, values)
            }
            _ => Known::missing(self.len),
        }
    }

    pub(super) fn reals(&self, slot: Slot) -> Known<'_, f64> {
        match self.column(slot) {
            Some((column @ Column { held: Held::Real(values), .. }, place)) => {
                self.values(column, place, values)
            }
            _ => Known::missing(self.len),
        }
    }

    fn values<'f, T>(&self, column: &Column, place: &Place, values: &'f ScalarBuffer<T>) -> Known<'f, T>
    where
        T: Copy + Default + arrow_buffer::ArrowNativeType,
    {
        let known = known(column, place, self.len);
        let values = match place {
            Place::From(start) => Cow::Borrowed(&values[*start..start + self.len]),
            Place::Picked(rows) => Cow::Owned(rows.iter().map(|row| values[*row]).collect()),
        };
        Known { values, known }
    }

    /// The lists of a column.
    pub(super) fn lists(&self, slot: Slot) -> Option<(&Column, &Lists, &Place)> {
        match self.column(slot)? {
            (column @ Column { held: Held::List(lists), .. }, place) => Some((column, lists, place)),
            _ => None,
        }
    }
}

fn known(column: &Column, place: &Place, len: usize) -> Bits {
    match (place, &column.nulls) {
        (_, None) => Bits::all(len),
        (Place::From(start), nulls) => Bits::valid(nulls.as_ref(), *start, len),
        (Place::Picked(rows), Some(nulls)) => Bits::sparse(&Bits::all(len), |row| nulls.is_valid(rows[row])),
    }
}

/// Plain values of which some are known; the others are anything.
pub(super) struct Known<'f, T: Copy> {
    pub(super) values: Cow<'f, [T]>,
    pub(super) known: Bits,
}

impl<T: Copy + Default> Known<'_, T> {
    /// Nothing is known.
    pub(super) fn missing(len: usize) -> Known<'static, T> {
        Known { values: Cow::Owned(vec![T::default(); len]), known: Bits::none(len) }
    }

    /// The same everywhere.
    pub(super) fn constant(value: Option<T>, len: usize) -> Known<'static, T> {
        match value {
            Some(value) => Known { values: Cow::Owned(vec![value; len]), known: Bits::all(len) },
            None => Known::missing(len),
        }
    }

    /// Row by row, for those of `among`.
    #[inline]
    pub(super) fn each(among: &Bits, mut ask: impl FnMut(usize) -> Option<T>) -> Known<'static, T> {
        let len = among.len();
        let (mut values, mut known) = (vec![T::default(); len], Bits::none(len));
        for row in among.rows() {
            if let Some(value) = ask(row) {
                values[row] = value;
                known.set(row);
            }
        }
        Known { values: Cow::Owned(values), known }
    }

    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<T> {
        self.known.get(row).then(|| self.values[row])
    }
}

/// Values of any type, one for each row.
pub(super) enum Lane<'f> {
    Const(&'f Value),
    Column(&'f Column, &'f Place),
    Truth(TriColumn),
    Whole(Repr, Known<'f, i64>),
    Real(Known<'f, f64>),
    Values(Vec<Value>),
}

const MISSING: &Value = &Value::Missing;

impl Lane<'_> {
    /// The value of a row.
    pub(super) fn value(&self, row: usize) -> Cow<'_, Value> {
        let made = |value: Option<Value>| Cow::Owned(value.unwrap_or(Value::Missing));
        match self {
            Lane::Const(value) => Cow::Borrowed(value),
            Lane::Column(column, place) => Cow::Owned(column.value(place.at(row))),
            Lane::Truth(truths) => made(truths.get(row).get().map(Value::Bool)),
            Lane::Whole(repr, values) => made(values.get(row).map(|n| whole(*repr, n))),
            Lane::Real(values) => made(values.get(row).map(Value::Number)),
            Lane::Values(values) => Cow::Borrowed(values.get(row).unwrap_or(MISSING)),
        }
    }

    /// The text of a row; none where it is missing, or no text.
    #[inline]
    pub(super) fn text(&self, row: usize) -> Option<&str> {
        match self {
            Lane::Column(column, place) => match &column.held {
                Held::Text(texts) => {
                    let row = place.at(row);
                    if column.is_known(row) { texts.get(row) } else { None }
                }
                _ => None,
            },
            Lane::Const(Value::Text(text)) => Some(text),
            Lane::Values(values) => match values.get(row) {
                Some(Value::Text(text)) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether all its values are texts, or missing.
    pub(super) fn has_texts(&self) -> bool {
        match self {
            Lane::Column(column, _) => matches!(column.held, Held::Text(_)),
            Lane::Const(value) => matches!(value, Value::Text(_)),
            _ => false,
        }
    }

    /// The rows that are known.
    pub(super) fn known(&self, len: usize) -> Bits {
        match self {
            Lane::Const(Value::Missing) => Bits::none(len),
            Lane::Const(_) => Bits::all(len),
            Lane::Column(column, place) => known(column, place, len),
            Lane::Truth(truths) => truths.known.clone(),
            Lane::Whole(_, values) => values.known.clone(),
            Lane::Real(values) => values.known.clone(),
            Lane::Values(values) => Bits::sparse(&Bits::all(len), |row| !values[row].is_missing()),
        }
    }

    /// Whether each row's text is this one. Most differ in length already, or are one entry of a dictionary.
    pub(super) fn is_text(&self, among: &Bits, text: &str) -> TriColumn {
        let len = among.len();
        if let Lane::Column(column @ Column { held: Held::Text(texts), .. }, Place::From(start)) = self {
            let known = Bits::valid(column.nulls.as_ref(), *start, len).and(among);
            match texts {
                Texts::Plain(texts) => {
                    let offsets = &texts.value_offsets()[*start..=*start + len];
                    let of_length = |from: i32, to: i32| (to - from) as usize == text.len();
                    let alike = Bits::dense2(&known, &offsets[..len], &offsets[1..], of_length);
                    let yes = Bits::sparse(&alike, |row| texts.value(start + row) == text);
                    return TriColumn { yes, known };
                }
                Texts::Dictionary(keys, words) if words.len() <= len => {
                    let mut entries =
                        (0..words.len()).filter(|at| words.is_valid(*at) && words.value(*at) == text);
                    // A dictionary may have a text twice.
                    if let (first, None) = (entries.next(), entries.next()) {
                        let key = first.and_then(|at| i32::try_from(at).ok()).unwrap_or(-1);
                        let yes = Bits::dense(&known, &keys[*start..start + len], |k| k == key);
                        return TriColumn { yes, known };
                    }
                }
                _ => {}
            }
        }
        self.test_texts(among, |t| Tri::known(t == text))
    }

    /// Asks each text among those rows; a text that a dictionary has once is asked once, if that can pay.
    pub(super) fn test_texts(&self, among: &Bits, test: impl Fn(&str) -> Tri) -> TriColumn {
        let Lane::Column(column @ Column { held: Held::Text(texts), .. }, place) = self else {
            return TriColumn::each(among, |row| self.text(row).map_or(Tri::Unknown, &test));
        };
        let len = among.len();
        let among = &known(column, place, len).and(among);
        match texts {
            Texts::Plain(texts) => TriColumn::each(among, |row| test(texts.value(place.at(row)))),
            Texts::Large(texts) => TriColumn::each(among, |row| test(texts.value(place.at(row)))),
            Texts::View(texts) => TriColumn::each(among, |row| test(texts.value(place.at(row)))),
            Texts::Dictionary(keys, words) if words.len() <= 2 * len => {
                let mut asked: Vec<Option<Tri>> = vec![None; words.len()];
                TriColumn::each(among, |row| {
                    let key = usize::try_from(keys[place.at(row)]).unwrap_or(usize::MAX);
                    match asked.get_mut(key) {
                        Some(answer) => *answer.get_or_insert_with(|| test(words.value(key))),
                        None => Tri::Unknown,
                    }
                })
            }
            Texts::Dictionary(..) => {
                TriColumn::each(among, |row| texts.get(place.at(row)).map_or(Tri::Unknown, &test))
            }
        }
    }
}
