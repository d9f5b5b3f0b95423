// SPDX-License-Identifier: Apache-2.0
//! A batch written under one layout as one of a table that has seen several.
//!
//! Columns are matched by what they hold. One that was not there then is missing in every row. One whose type has changed
//! keeps what the newer type can hold without loss, whole numbers where numbers are now and texts where other texts are;
//! the rest is missing, and counted.

use crate::HistoryError;
use crate::layout::Column;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::{DataType, Schema};
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

/// The values as another type, as far as it can hold them.
fn held(array: &ArrayRef, wanted: &DataType) -> (ArrayRef, u64) {
    if array.data_type() == wanted {
        return (array.clone(), 0);
    }
    if let (DataType::Int64, DataType::Float64) = (array.data_type(), wanted) {
        let whole = array.as_primitive::<Int64Type>();
        let exact = |n: i64| (-EXACT..=EXACT).contains(&n).then_some(n as f64);
        let numbers: Float64Array = whole.iter().map(|n| n.and_then(exact)).collect();
        let lost = numbers.null_count() - array.null_count();
        return (Arc::new(numbers), lost as u64);
    }
    (new_null_array(wanted, array.len()), (array.len() - array.null_count()) as u64)
}
