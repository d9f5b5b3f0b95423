// SPDX-License-Identifier: Apache-2.0
//! Events to columns and back: what a record of the journal holds, a row holds.

use crate::HistoryError;
use crate::layout::{Column, METAS, schema, signal_fields};
use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampMicrosecondType, UInt8Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, ListArray, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray, UInt8Array, UInt64Array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field as ArrowField};
use std::sync::Arc;
use wardroom_engine::{PastEvent, PastJudged, StoredSignal, Why};
use wardroom_event::{EventId, Micros, Sight, Value};
use wardroom_policy::{Piece, Verdict, column_array, column_values};

const FAULT: u8 = 1;

/// Events of one layout as a batch with that layout's columns.
///
/// # Errors
/// When a value does not fit its column, or the events are of another layout.
pub(crate) fn batch(columns: &[Column], events: &[&PastEvent]) -> Result<RecordBatch, HistoryError> {
    let mut arrays = metas(events)?;
    let fields = events.first().map_or(0, |e| e.event.values.len());
    for (at, column) in columns[METAS..].iter().enumerate() {
        let values: Vec<&Value> = events
            .iter()
            .map(|e| match at.checked_sub(fields) {
                None => &e.event.values[at],
                Some(at) => e.judged.as_ref().and_then(|j| j.served.get(at)).unwrap_or(&Value::Missing),
            })
            .collect();
        arrays.push(column_array(&column.field, &values)?);
    }
    let batch = RecordBatch::try_new(schema(columns), restamped(columns, arrays))?;
    Ok(batch)
}

/// Lists made by the policy's forms lack the metadata of what is in them.
pub(crate) fn restamped(columns: &[Column], arrays: Vec<ArrayRef>) -> Vec<ArrayRef> {
    let same = |column: &Column, array: ArrayRef| match (column.arrow.data_type(), array.as_list_opt::<i32>())
    {
        (DataType::List(item), Some(list)) if array.data_type() != column.arrow.data_type() => {
            restamp(item, list).unwrap_or(array)
        }
        _ => array,
    };
    columns.iter().zip(arrays).map(|(column, array)| same(column, array)).collect()
}

fn restamp(item: &Arc<ArrowField>, list: &ListArray) -> Option<ArrayRef> {
    let values = match (item.data_type(), list.values().as_struct_opt()) {
        (DataType::Struct(fields), Some(values)) => Arc::new(
            StructArray::try_new_with_length(
                fields.clone(),
                values.columns().to_vec(),
                values.nulls().cloned(),
                values.len(),
            )
            .ok()?,
        ) as ArrayRef,
        _ => list.values().clone(),
    };
    let list =
        ListArray::try_new(item.clone(), list.offsets().clone(), values, list.nulls().cloned()).ok()?;
    Some(Arc::new(list))
}

fn metas(events: &[&PastEvent]) -> Result<Vec<ArrayRef>, HistoryError> {
    let times = |of: fn(&PastEvent) -> Micros| -> ArrayRef {
        let times = TimestampMicrosecondArray::from_iter_values(events.iter().map(|e| of(e).0));
        Arc::new(times.with_timezone("UTC"))
    };
    let judged = || events.iter().map(|e| e.judged.as_ref());
    Ok(vec![
        Arc::new(UInt64Array::from_iter_values(events.iter().map(|e| e.seq))),
        times(|e| e.event.time),
        times(|e| e.event.received),
        Arc::new(StringArray::from_iter_values(events.iter().map(|e| &*e.event.id.id))),
        Arc::new(StringArray::from_iter_values(events.iter().map(|e| &*e.event.id.source))),
        Arc::new(StringArray::from_iter_values(events.iter().map(|e| &*e.layout.policy))),
        Arc::new(judged().map(|j| j.map(|j| j.verdict.name())).collect::<StringArray>()),
        Arc::new(UInt8Array::from_iter_values(judged().map(|j| j.map_or(0, |j| u8::from(j.fault) * FAULT)))),
        Arc::new(UInt64Array::from_iter_values(judged().map(|j| j.map_or(0, |j| j.skipped)))),
        signals(events)?,
    ])
}

fn signals(events: &[&PastEvent]) -> Result<ArrayRef, HistoryError> {
    let all: Vec<_> = events.iter().map(|e| e.judged.as_ref().map(|j| &j.signals[..])).collect();
    signal_array(&all)
}

/// The signals of each row, none where nothing was judged, as the column has them.
pub(crate) fn signal_array(rows: &[Option<&[StoredSignal]>]) -> Result<ArrayRef, HistoryError> {
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(|signals| signals.map_or(0, <[_]>::len)));
    let nulls: NullBuffer = rows.iter().map(Option::is_some).collect();
    let all: Vec<&StoredSignal> = rows.iter().flatten().copied().flatten().collect();
    let mut effects = ListBuilder::new(StringBuilder::new()).with_field(Arc::new(ArrowField::new(
        "item",
        DataType::Utf8,
        false,
    )));
    for signal in &all {
        signal.effects.iter().for_each(|e| effects.values().append_value(e.show(Sight::Full)));
        effects.append(true);
    }
    let because = all.iter().map(|s| Piece::join(&s.because, Sight::Full));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(all.iter().map(|s| &*s.rule))),
        Arc::new(StringArray::from_iter_values(all.iter().map(|s| s.verdict.name()))),
        Arc::new(all.iter().map(|s| Some(s.decides)).collect::<BooleanArray>()),
        Arc::new(all.iter().map(|s| Some(s.why == Why::Missing)).collect::<BooleanArray>()),
        Arc::new(all.iter().map(|s| s.ask.as_deref()).collect::<StringArray>()),
        Arc::new(StringArray::from_iter_values(because)),
        Arc::new(effects.finish()),
        Arc::new(BinaryArray::from_iter_values(all.iter().map(|s| PastJudged::pack(s)))),
    ];
    let items = StructArray::try_new_with_length(signal_fields(), columns, None, all.len())?;
    let item = Arc::new(ArrowField::new("item", DataType::Struct(signal_fields()), false));
    Ok(Arc::new(ListArray::try_new(item, offsets, Arc::new(items), Some(nulls))?))
}

/// A row as it was before it lay in columns.
#[derive(Clone, Debug, PartialEq)]
pub struct PastRow {
    /// Its number.
    pub seq: u64,
    /// When it happened.
    pub time: Micros,
    /// When it arrived.
    pub received: Micros,
    /// Its identity.
    pub id: EventId,
    /// The version of the policy it was judged by.
    pub policy: Box<str>,
    /// Its fields, in the columns' order.
    pub values: Vec<Value>,
    /// What was judged.
    pub judged: Option<PastJudged>,
}

/// A batch with the columns of one layout as rows.
///
/// # Errors
/// When a column is not there or not of its type, or holds what this program does not write.
pub fn rows(columns: &[Column], batch: &RecordBatch) -> Result<Vec<PastRow>, HistoryError> {
    let column = |column: &Column| {
        batch.column_by_name(&column.name).ok_or_else(|| HistoryError::NoColumn {
            table: "".into(),
            name: column.name.clone(),
            nearest: None,
        })
    };
    let metas = columns[..METAS].iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let values = columns[METAS..]
        .iter()
        .map(|c| Ok(column_values(&c.field, column(c)?)?))
        .collect::<Result<Vec<_>, HistoryError>>()?;
    let fields = columns[METAS..].iter().take_while(|c| c.role != crate::layout::Role::Served).count();
    let time =
        |at: usize, row: usize| Micros(metas[at].as_primitive::<TimestampMicrosecondType>().value(row));
    let text = |at: usize, row: usize| metas[at].as_string::<i32>().value(row);
    (0..batch.num_rows())
        .map(|row| {
            let mut all: Vec<Value> = values.iter().map(|v| v[row].clone()).collect();
            let served = all.split_off(fields);
            let judged = match metas[6].is_valid(row) {
                true => Some(judged(&metas, row, served)?),
                false => None,
            };
            Ok(PastRow {
                seq: metas[0].as_primitive::<UInt64Type>().value(row),
                time: time(1, row),
                received: time(2, row),
                id: EventId { source: text(4, row).into(), id: text(3, row).into() },
                policy: text(5, row).into(),
                values: all,
                judged,
            })
        })
        .collect()
}

fn judged(metas: &[&ArrayRef], row: usize, served: Vec<Value>) -> Result<PastJudged, HistoryError> {
    Ok(PastJudged {
        served,
        verdict: verdict(metas[6].as_string::<i32>().value(row))?,
        fault: metas[7].as_primitive::<UInt8Type>().value(row) & FAULT != 0,
        skipped: metas[8].as_primitive::<UInt64Type>().value(row),
        signals: stored_signals(metas[9].as_list::<i32>(), row)?,
    })
}

/// The signals of a row of the column that [`signal_array`] makes.
pub(crate) fn stored_signals(list: &ListArray, row: usize) -> Result<Vec<StoredSignal>, HistoryError> {
    let list = list.value(row);
    let items = list.as_struct();
    let (rules, verdicts) = (items.column(0).as_string::<i32>(), items.column(1).as_string::<i32>());
    let (decides, missing) = (items.column(2).as_boolean(), items.column(3).as_boolean());
    let (asks, packed) = (items.column(4).as_string::<i32>(), items.column(7).as_binary::<i32>());
    let signals = (0..items.len()).map(|at| {
        let signal = StoredSignal {
            rule: rules.value(at).into(),
            verdict: verdict(verdicts.value(at))?,
            decides: decides.value(at),
            why: if missing.value(at) { Why::Missing } else { Why::Holds },
            ask: asks.is_valid(at).then(|| asks.value(at).into()),
            because: Vec::new(),
            effects: Vec::new(),
        };
        PastJudged::unpack(signal, packed.value(at)).map_err(strange)
    });
    signals.collect()
}

fn verdict(name: &str) -> Result<Verdict, HistoryError> {
    Verdict::named(name).ok_or_else(|| strange(format!("a verdict `{name}`")))
}

fn strange(why: String) -> HistoryError {
    HistoryError::Strange { path: "a row".into(), why }
}
