// SPDX-License-Identifier: Apache-2.0
//! One batch with the token in the place of a subject.

use crate::HistoryError;
use crate::layout::{Column, Role};
use crate::rows::{restamped, signal_array, stored_signals};
use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, ArrayRef, ListArray, RecordBatch, StringArray};
use arrow_schema::DataType;
use std::sync::Arc;
use wardroom_engine::{Eraser, Met};
use wardroom_event::{Sight, Type, Value, parse_text};
use wardroom_policy::{column_array, column_values};

/// A way through a batch.
pub(super) struct Pass<'a> {
    eraser: &'a Eraser,
    /// Of each row, whether its record is one that is erased.
    rows: Vec<bool>,
    pub(super) met: Met,
}

impl<'a> Pass<'a> {
    /// Through the rows of records up to `seq`.
    pub(super) fn new(eraser: &'a Eraser, seq: u64, batch: &RecordBatch) -> Pass<'a> {
        let seqs = batch.column_by_name("seq").and_then(|seqs| seqs.as_primitive_opt::<UInt64Type>());
        let is_erased = |row: usize| seqs.is_none_or(|seqs| seqs.value(row) <= seq);
        Pass { eraser, rows: (0..batch.num_rows()).map(is_erased).collect(), met: Met::default() }
    }

    /// The batch as it is to be; nothing where it stays.
    pub(super) fn batch(
        &mut self,
        columns: &[Column],
        batch: &RecordBatch,
    ) -> Result<Option<RecordBatch>, HistoryError> {
        let mut arrays = batch.columns().to_vec();
        let mut is_other = false;
        for (at, column) in columns.iter().enumerate() {
            if let Some(other) = self.column(column, batch, &arrays[at])? {
                (arrays[at], is_other) = (other, true);
            }
        }
        if !is_other {
            return Ok(None);
        }
        Ok(Some(RecordBatch::try_new(batch.schema(), restamped(columns, arrays))?))
    }

    /// One column of it.
    pub(super) fn column(
        &mut self,
        column: &Column,
        batch: &RecordBatch,
        array: &ArrayRef,
    ) -> Result<Option<ArrayRef>, HistoryError> {
        // One that is too long to be shown whole is there in part.
        let is_cut = || &*column.name == "subject" && self.eraser.subject().shown().ends_with('…');
        if !suspects(array, self.eraser) && !is_cut() {
            return Ok(None);
        }
        match (column.role, &*column.name) {
            (Role::Meta, "id") => self.texts(array, |eraser, _, text, met| eraser.id(text, met)),
            // Of an event; elsewhere it is whose word it is.
            (Role::Meta, "source") if batch.column_by_name("signals").is_some() => {
                self.texts(array, |eraser, _, text, met| eraser.id(text, met))
            }
            (Role::Meta, "source") => {
                let is_rule = |text: &str| text.starts_with("rule:");
                self.texts(array, |e, _, text, met| if is_rule(text) { None } else { e.text(text, met) })
            }
            (Role::Meta, "by" | "note") => self.texts(array, |e, _, text, met| e.text(text, met)),
            (Role::Meta, "subject") => {
                let kinds = batch.column_by_name("subject_kind").and_then(|a| a.as_string_opt::<i32>());
                self.texts(array, |eraser, row, text, met| {
                    subject(eraser, Type::named(kinds?.value(row))?, text, met)
                })
            }
            (Role::Meta, "signals") => self.signals(array.as_list::<i32>()),
            (Role::Meta | Role::Known, _) => Ok(None),
            (Role::Field | Role::Fact | Role::Served, _) => self.values(column, array),
        }
    }

    fn texts(
        &mut self,
        array: &ArrayRef,
        mut each: impl FnMut(&Eraser, usize, &str, &mut Met) -> Option<String>,
    ) -> Result<Option<ArrayRef>, HistoryError> {
        let (texts, mut is_other) = (array.as_string::<i32>(), false);
        let put = |row: usize| {
            let text = texts.is_valid(row).then(|| texts.value(row))?;
            let other = if self.rows[row] { each(self.eraser, row, text, &mut self.met) } else { None };
            is_other |= other.is_some();
            Some(other.unwrap_or_else(|| text.to_owned()))
        };
        let out: StringArray = (0..texts.len()).map(put).collect();
        Ok(is_other.then(|| Arc::new(out) as ArrayRef))
    }

    fn values(&mut self, column: &Column, array: &ArrayRef) -> Result<Option<ArrayRef>, HistoryError> {
        let (mut values, mut is_other) = (column_values(&column.field, array)?, false);
        for (value, _) in values.iter_mut().zip(&self.rows).filter(|(_, is_erased)| **is_erased) {
            if let Some(other) = self.eraser.value(Some(column.field.kind), value, &mut self.met) {
                (*value, is_other) = (other, true);
            }
        }
        if !is_other {
            return Ok(None);
        }
        let values: Vec<&Value> = values.iter().collect();
        Ok(Some(column_array(&column.field, &values)?))
    }

    fn signals(&mut self, list: &ListArray) -> Result<Option<ArrayRef>, HistoryError> {
        let mut is_other = false;
        let mut rows = Vec::with_capacity(list.len());
        for row in 0..list.len() {
            let mut signals = if list.is_valid(row) { Some(stored_signals(list, row)?) } else { None };
            for signal in signals.iter_mut().flatten().filter(|_| self.rows[row]) {
                is_other |= self.eraser.signal(signal, &mut self.met);
            }
            rows.push(signals);
        }
        let rows: Vec<_> = rows.iter().map(Option::as_deref).collect();
        is_other.then(|| signal_array(&rows)).transpose()
    }
}

/// What a label or an entry is of, as the journal's record has it: a value of its type.
fn subject(eraser: &Eraser, kind: Type, text: &str, met: &mut Met) -> Option<String> {
    let whole = eraser.subject();
    if whole.kind() == kind && whole.shown() == text {
        met.values += 1;
        return Some(eraser.shown());
    }
    let value = match kind {
        Type::Ip | Type::Net => parse_text(text, kind).ok()?,
        _ => Value::Text(text.into()),
    };
    Some(eraser.value(Some(kind), &value, met)?.show(kind, Sight::Full))
}

/// Whether the bytes of an array may hold the subject: most hold nothing of it, and need not be taken apart.
fn suspects(array: &dyn Array, eraser: &Eraser) -> bool {
    match array.data_type() {
        DataType::Utf8 => eraser.raw(array.as_string::<i32>().value_data()) > 0,
        DataType::Binary => eraser.raw(array.as_binary::<i32>().value_data()) > 0,
        DataType::FixedSizeBinary(size) => {
            let (Some(address), Ok(size)) = (eraser.address(), usize::try_from(*size)) else { return false };
            let bytes = array.as_fixed_size_binary().value_data();
            bytes.chunks(size.max(1)).any(|value| value.starts_with(&address))
        }
        DataType::List(_) => suspects(array.as_list::<i32>().values(), eraser),
        DataType::Struct(_) => array.as_struct().columns().iter().any(|inner| suspects(inner, eraser)),
        _ => false,
    }
}
