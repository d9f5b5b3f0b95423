// SPDX-License-Identifier: Apache-2.0
//! Reading parts on a thread of their own, and making a table's columns of what they hold.

use super::{Branch, Parts, Take, View, world};
use crate::{json, limits};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringArray, UInt32Array, new_null_array,
};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::PartitionStream;
use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

/// Parts that one thread reads, one after the other.
pub(super) struct Partition {
    parts: Mutex<Option<Parts>>,
    picked: Arc<[usize]>,
    schema: SchemaRef,
    view: View,
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Partition(…)")
    }
}

impl Partition {
    pub(super) fn new(parts: Parts, picked: Arc<[usize]>, schema: SchemaRef, view: View) -> Partition {
        Partition { parts: Mutex::new(Some(parts)), picked, schema, view }
    }
}

impl PartitionStream for Partition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut stream = RecordBatchReceiverStreamBuilder::new(self.schema.clone(), limits::BATCHES_WAITING);
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (tx, schema, picked, view) =
            (stream.tx(), self.schema.clone(), self.picked.clone(), self.view.clone());
        stream.spawn_blocking(move || {
            // Parts are read once; a plan that runs a scan twice is none that we make.
            let parts = parts.ok_or_else(|| DataFusionError::Internal("a part is read twice".to_owned()))?;
            for (branch, part) in parts {
                for batch in part.read() {
                    if view.stop.load(Relaxed) {
                        return Ok(());
                    }
                    let batch = branch.make(&batch.map_err(world)?, &picked, &schema, &view)?;
                    if tx.blocking_send(Ok(batch)).is_err() {
                        return Ok(());
                    }
                }
            }
            Ok(())
        });
        stream.build()
    }
}

impl Branch {
    /// The picked columns of the table, from a batch of stored ones.
    fn make(
        &self,
        stored: &RecordBatch,
        picked: &[usize],
        schema: &SchemaRef,
        view: &View,
    ) -> Result<RecordBatch> {
        let list = self.spread.map(|at| self.layout.show(at, stored, view.mask.as_ref())).transpose()?;
        let rows = list.as_ref().map(rows_of);
        let count = rows.as_ref().map_or(stored.num_rows(), Array::len);
        let columns = picked.iter().zip(schema.fields()).map(|(&at, field)| {
            let made = match self.takes.get(at) {
                Some(Take::Column(at)) => self.layout.show(*at, stored, view.mask.as_ref())?,
                Some(Take::Json(places)) => self.objects(places, stored, view)?,
                Some(Take::Type) => {
                    return Ok(Arc::new(StringArray::from(vec![&*self.table; count])) as ArrayRef);
                }
                Some(Take::Item(at)) => return item(list.as_ref(), *at),
                Some(Take::Null) | None => return Ok(new_null_array(field.data_type(), count)),
            };
            match &rows {
                Some(rows) => Ok(take(&made, rows, None)?),
                None => Ok(made),
            }
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
    }

    fn objects(&self, places: &[usize], stored: &RecordBatch, view: &View) -> Result<ArrayRef> {
        let columns = places.iter().filter_map(|&at| {
            let column = self.layout.columns.get(at)?;
            Some(self.layout.show(at, stored, view.mask.as_ref()).map(|shown| (column.name.clone(), shown)))
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let named = || columns.iter().map(|(name, column)| (&**name, column));
        let texts: StringArray = (0..stored.num_rows()).map(|row| Some(json::object(named(), row))).collect();
        Ok(Arc::new(texts))
    }
}

/// For each item of the lists, the row it is of.
fn rows_of(list: &ArrayRef) -> UInt32Array {
    let Some(list) = list.as_list_opt::<i32>() else { return UInt32Array::from(Vec::<u32>::new()) };
    let lengths = list.offsets().lengths().enumerate();
    lengths
        .filter(|(row, _)| !list.is_null(*row))
        .flat_map(|(row, length)| std::iter::repeat_n(u32::try_from(row).unwrap_or(0), length))
        .collect()
}

/// The field of this place in every record of every list, in the order of [`rows_of`].
fn item(list: Option<&ArrayRef>, at: usize) -> Result<ArrayRef> {
    let fault = || DataFusionError::Internal("no list of records".to_owned());
    let list = list.and_then(|list| list.as_list_opt::<i32>()).ok_or_else(fault)?;
    let DataType::Struct(_) = list.value_type() else { return Err(fault()) };
    let offsets = list.offsets();
    let items = offsets.windows(2).enumerate().filter(|(row, _)| !list.is_null(*row));
    let places: UInt32Array =
        items.flat_map(|(_, pair)| (pair[0]..pair[1]).map(|at| u32::try_from(at).unwrap_or(0))).collect();
    let column = list.values().as_struct().columns().get(at).ok_or_else(fault)?;
    Ok(take(column, &places, None)?)
}
