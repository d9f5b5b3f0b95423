// SPDX-License-Identifier: Apache-2.0
//! The columns `labels` and `class` of events: what was known of them at a time, made as rows are read.

use crate::HistoryError;
use crate::changes::Said;
use crate::conform::Fit;
use crate::layout::{CLASS, Column, LABELS_OF, Role};
use crate::opinions::Opinions;
use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampMicrosecondType, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow_schema::{DataType, Field as ArrowField, Schema};
use std::sync::{Arc, PoisonError, RwLock};
use wardroom_event::{Micros, Type, Value};
use wardroom_policy::column_values;

/// What a scan needs for these columns.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) opinions: Arc<RwLock<Opinions>>,
    pub(crate) as_of: Micros,
}

/// Whether any of these is asked for.
pub(crate) fn is_asked(names: Option<&[Box<str>]>) -> bool {
    names.is_some_and(|names| names.iter().any(|name| matches!(&**name, LABELS_OF | CLASS)))
}

/// The columns wanted of a batch of what there is, these among them, and how many values could not be kept. `place` tells
/// where a column of `there` lies in the batch.
pub(crate) fn fitted(
    fit: &Fit,
    known: Option<&Known>,
    there: &[Column],
    batch: &RecordBatch,
    place: impl Fn(usize) -> usize,
) -> Result<(RecordBatch, u64), HistoryError> {
    let (fitted, lost) = fit.apply(batch, &place)?;
    let Some(known) = known else { return Ok((fitted, lost)) };
    let [labels, class] = known.columns(there, batch, place)?;
    let (mut fields, mut arrays) = (fitted.schema().fields().to_vec(), fitted.columns().to_vec());
    for (at, column) in fit.wanted().iter().enumerate().filter(|(_, c)| c.role == Role::Known) {
        fields[at] = column.arrow.clone();
        arrays[at] = if *column.name == *CLASS { class.clone() } else { labels.clone() };
    }
    let options = RecordBatchOptions::new().with_row_count(Some(fitted.num_rows()));
    Ok((RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)?, lost))
}

/// The columns that these are made from: the number, and whatever is about somebody.
pub(crate) fn needed(columns: &[Column]) -> impl Iterator<Item = usize> {
    let needs = |c: &Column| {
        *c.name == *"seq" && c.role == Role::Meta
            || matches!(c.role, Role::Field | Role::Fact) && c.field.kind.is_entity()
    };
    (0..columns.len()).filter(move |at| needs(&columns[*at]))
}

impl Known {
    /// These columns of a batch; `place` tells where a column of `there` lies in it.
    fn columns(
        &self,
        there: &[Column],
        batch: &RecordBatch,
        place: impl Fn(usize) -> usize,
    ) -> Result<[ArrayRef; 2], HistoryError> {
        let mut seqs = None;
        let mut entities: Vec<(Type, Vec<Value>)> = Vec::new();
        for at in needed(there) {
            let (column, array) = (&there[at], batch.column(place(at)));
            match column.role {
                Role::Meta => seqs = array.as_primitive_opt::<UInt64Type>(),
                _ => entities.push((column.field.kind, column_values(&column.field, array)?)),
            }
        }
        let opinions = self.opinions.read().unwrap_or_else(PoisonError::into_inner);
        let item = Arc::new(ArrowField::new("item", DataType::Utf8, false));
        let mut labels = ListBuilder::new(StringBuilder::new()).with_field(item);
        let mut classes: Vec<Option<&str>> = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let seq = seqs.map_or(0, |seqs| seqs.value(row));
            let said = opinions.of_event(seq, entities.iter().map(|(kind, all)| (*kind, &all[row])));
            said.labels(self.as_of).into_iter().for_each(|label| labels.values().append_value(label));
            labels.append(true);
            classes.push(said.class(self.as_of));
        }
        Ok([Arc::new(labels.finish()), Arc::new(StringArray::from(classes))])
    }
}

/// Rows of the table of labels as they were said, by the order of their columns.
pub(crate) fn said_rows(batch: &RecordBatch) -> Vec<Said> {
    let text = |at: usize| batch.column(at).as_string::<i32>();
    let time = |at: usize| batch.column(at).as_primitive::<TimestampMicrosecondType>();
    let maybe = |at: usize, row: usize| text(at).is_valid(row).then(|| text(at).value(row).into());
    let row = |row: usize| Said {
        seq: batch.column(0).as_primitive::<UInt64Type>().value(row),
        known: Micros(time(1).value(row)),
        time: Micros(time(2).value(row)),
        subject_kind: text(3).value(row).into(),
        subject: text(4).value(row).into(),
        name: text(5).value(row).into(),
        says: batch.column(6).as_boolean().value(row),
        source: text(7).value(row).into(),
        by: maybe(8, row),
        confidence: {
            let sure = batch.column(9).as_primitive::<Float64Type>();
            sure.is_valid(row).then(|| sure.value(row))
        },
        until: time(10).is_valid(row).then(|| Micros(time(10).value(row))),
        // Neither is asked of what is only remembered.
        job: None,
        note: None,
    };
    (0..batch.num_rows()).map(row).collect()
}
