// SPDX-License-Identifier: Apache-2.0
//! A batch written under one layout as one of a table that has seen several.
//!
//! Columns are matched by what they hold. One that was not there then is missing in every row. One whose type has changed
//! keeps what the newer type can hold without loss, whole numbers where numbers are now and texts where other texts are,
//! and a record of a list keeps those of its columns that are there now; the rest is missing, and counted.

use crate::HistoryError;
use crate::layout::Column;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{
    Array, ArrayRef, Float64Array, ListArray, RecordBatch, RecordBatchOptions, StructArray, new_null_array,
};
use arrow_schema::{DataType, FieldRef, Fields, Schema};
use std::sync::Arc;

/// Whole numbers up to here are numbers without loss.
const EXACT: i64 = 1 << 53;

/// How the columns wanted come from those that there are.
#[derive(Clone, Debug)]
pub(crate) struct Fit {
    wanted: Vec<Column>,
    from: Vec<Option<usize>>,
}

impl Fit {
    pub(crate) fn new(there: &[Column], wanted: &[Column]) -> Fit {
        let from = wanted.iter().map(|w| there.iter().position(|t| t.is(w))).collect();
        Fit { wanted: wanted.to_vec(), from }
    }

    /// The columns that are wanted.
    pub(crate) fn wanted(&self) -> &[Column] {
        &self.wanted
    }

    /// Where the columns that are read lie in what there is.
    pub(crate) fn reads(&self) -> Vec<usize> {
        let mut reads: Vec<usize> = self.from.iter().flatten().copied().collect();
        reads.sort_unstable();
        reads.dedup();
        reads
    }

    /// The batch with the wanted columns, and how many values could not be kept. `place` tells where a column of what
    /// there is lies in the batch.
    pub(crate) fn apply(
        &self,
        batch: &RecordBatch,
        place: impl Fn(usize) -> usize,
    ) -> Result<(RecordBatch, u64), HistoryError> {
        let mut lost = 0;
        let arrays = self.wanted.iter().zip(&self.from).map(|(column, from)| {
            let Some(from) = from else {
                return new_null_array(column.arrow.data_type(), batch.num_rows());
            };
            let (array, gone) = held(batch.column(place(*from)), column.arrow.data_type());
            lost += gone;
            array
        });
        let arrays: Vec<ArrayRef> = arrays.collect();
        let fields = self.wanted.iter().zip(&arrays).map(|(column, array)| {
            // What has been added since may be missing, whatever the table says of it.
            let nullable = column.arrow.is_nullable() || array.null_count() > 0;
            Arc::new(column.arrow.as_ref().clone().with_nullable(nullable))
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok((RecordBatch::try_new_with_options(schema, arrays, &options)?, lost))
    }
}

/// The values as another type, as far as it can hold them, and how many it cannot.
fn held(array: &ArrayRef, wanted: &DataType) -> (ArrayRef, u64) {
    if array.data_type() == wanted {
        return (array.clone(), 0);
    }
    let fitted = match (array.data_type(), wanted) {
        (DataType::Int64, DataType::Float64) => {
            let whole = array.as_primitive::<Int64Type>();
            let exact = |n: i64| (-EXACT..=EXACT).contains(&n).then_some(n as f64);
            let numbers: Float64Array = whole.iter().map(|n| n.and_then(exact)).collect();
            let lost = numbers.null_count() - array.null_count();
            Some((Arc::new(numbers) as ArrayRef, lost as u64))
        }
        (DataType::List(_), DataType::List(item)) => list(array.as_list(), item),
        (DataType::Struct(_), DataType::Struct(fields)) => members(array.as_struct(), fields),
        _ => None,
    };
    let missing = || (new_null_array(wanted, array.len()), (array.len() - array.null_count()) as u64);
    fitted.unwrap_or_else(missing)
}

/// A list's items as other ones; nothing where one that must be there would be missing.
fn list(list: &ListArray, item: &FieldRef) -> Option<(ArrayRef, u64)> {
    let (values, lost) = held(list.values(), item.data_type());
    let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
    let list = ListArray::try_new(item.clone(), offsets, values, nulls).ok()?;
    Some((Arc::new(list), lost))
}

/// What a record's columns are now, by their names: one that was not there then is missing.
fn members(record: &StructArray, fields: &Fields) -> Option<(ArrayRef, u64)> {
    let mut lost = 0;
    let columns = fields.iter().map(|field| match record.column_by_name(field.name()) {
        Some(column) => {
            let (column, gone) = held(column, field.data_type());
            lost += gone;
            column
        }
        None => new_null_array(field.data_type(), record.len()),
    });
    let columns: Vec<ArrayRef> = columns.collect();
    let nulls = record.nulls().cloned();
    let record = StructArray::try_new_with_length(fields.clone(), columns, nulls, record.len()).ok()?;
    Some((Arc::new(record), lost))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Int64Array, StringArray};
    use arrow_buffer::OffsetBuffer;
    use arrow_schema::Field;

    fn lists(item: Field, values: ArrayRef) -> ArrayRef {
        let offsets = OffsetBuffer::from_lengths([1, 0, 2]);
        Arc::new(ListArray::try_new(Arc::new(item), offsets, values, None).unwrap())
    }

    fn record(fields: Vec<Field>, columns: Vec<ArrayRef>) -> (Field, ArrayRef) {
        let array = StructArray::try_new(fields.into(), columns, None).unwrap();
        (Field::new("item", array.data_type().clone(), false), Arc::new(array))
    }

    fn texts() -> ArrayRef {
        Arc::new(StringArray::from(vec!["a", "b", "c"]))
    }

    #[test]
    fn a_record_in_a_list_keeps_what_it_had_when_it_gains_a_field() {
        let name = Field::new("name", DataType::Utf8, true);
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, EXACT + 1]));
        let size = Field::new("size", DataType::Int64, true);
        let (item, values) = record(vec![name.clone(), size], vec![texts(), numbers]);
        let array = lists(item, values);
        let wanted = [("color", DataType::Utf8), ("size", DataType::Float64), ("name", DataType::Utf8)];
        let wanted: Fields = wanted.into_iter().map(|(n, t)| Field::new(n, t, true)).collect();
        let wanted = DataType::List(Arc::new(Field::new("item", DataType::Struct(wanted), false)));
        let (found, lost) = held(&array, &wanted);
        assert_eq!((found.data_type(), lost), (&wanted, 1), "one number is too large to be exact");
        let found = found.as_list::<i32>();
        assert_eq!((found.value_length(0), found.value_length(1), found.value_length(2)), (1, 0, 2));
        let items = found.values().as_struct();
        assert_eq!(items.column(0).null_count(), 3);
        assert_eq!(items.column(1).null_count(), 1);
        assert_eq!(items.column(2).as_string::<i32>(), texts().as_string::<i32>());
    }

    #[test]
    fn what_is_said_of_a_type_makes_no_other_type() {
        let said = |word: &str| {
            let metadata = [("wardroom.type".to_owned(), word.to_owned())].into();
            Field::new("item", DataType::Utf8, false).with_metadata(metadata)
        };
        let array = lists(said("text"), texts());
        let wanted = DataType::List(Arc::new(said("email")));
        let (found, lost) = held(&array, &wanted);
        assert_eq!((found.data_type(), found.null_count(), lost), (&wanted, 0, 0));
        // Another type altogether is missing, and counted.
        let (found, lost) = held(&array, &DataType::Utf8);
        assert_eq!((found.null_count(), lost), (3, 3));
    }
}
