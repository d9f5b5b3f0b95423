// SPDX-License-Identifier: Apache-2.0
//! The day that rows belong to: of an event the day it arrived, of what was said the day since when it is known.

use crate::HistoryError;
use crate::gather::Chunk;
use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampMicrosecondType, UInt64Type};
use arrow_array::{BooleanArray, RecordBatch};
use std::collections::BTreeSet;
use wardroom_event::Micros;

const DAY: i64 = 86_400_000_000;

/// A day, counted from 1970-01-01, as its date.
pub(super) struct Day(pub(super) i64);

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = Micros(self.0.saturating_mul(DAY)).to_string();
        f.write_str(text.get(..10).unwrap_or(&text))
    }
}

/// The day that a partition's name says.
pub(super) fn day_of(path: &str) -> Option<&str> {
    path.strip_prefix("day=").and_then(|rest| rest.split('/').next())
}

/// The rows of each day.
pub(super) fn by_day(chunk: Chunk) -> Result<Vec<(i64, Chunk)>, HistoryError> {
    let arrived = ["received", "known", "time"].into_iter().find_map(|name| times(&chunk.batch, name));
    let Some(arrived) = arrived else { return Ok(vec![(chunk.received.0.div_euclid(DAY), chunk)]) };
    let days: Vec<i64> = arrived.iter().map(|at| at.div_euclid(DAY)).collect();
    let distinct: BTreeSet<i64> = days.iter().copied().collect();
    if let (1, Some(day)) = (distinct.len(), distinct.first()) {
        return Ok(vec![(*day, chunk)]);
    }
    let of = |day: i64| {
        let wanted: BooleanArray = days.iter().map(|d| Some(*d == day)).collect();
        let batch = arrow_select::filter::filter_record_batch(&chunk.batch, &wanted)?;
        Ok((day, measured(&chunk, batch)))
    };
    distinct.into_iter().map(of).collect()
}

/// Some rows of a chunk as one, with what these lie between.
fn measured(chunk: &Chunk, batch: RecordBatch) -> Chunk {
    let span = |values: Option<&[i64]>| Some((*values?.iter().min()?, *values?.iter().max()?));
    let seqs = batch.column_by_name("seq").and_then(|c| c.as_primitive_opt::<UInt64Type>());
    let seqs = seqs.and_then(|s| Some((*s.values().iter().min()?, *s.values().iter().max()?)));
    let about = span(times(&batch, "time"));
    let arrived = ["received", "known", "time"].into_iter().find_map(|name| span(times(&batch, name)));
    Chunk {
        seqs: seqs.unwrap_or(chunk.seqs),
        times: about.map_or(chunk.times, |(first, last)| (Micros(first), Micros(last))),
        received: arrived.map_or(chunk.received, |(_, last)| Micros(last)),
        table: chunk.table.clone(),
        columns: chunk.columns.clone(),
        batch,
    }
}

fn times<'b>(batch: &'b RecordBatch, name: &str) -> Option<&'b [i64]> {
    let column = batch.column_by_name(name)?.as_primitive_opt::<TimestampMicrosecondType>()?;
    (arrow_array::Array::null_count(column) == 0).then(|| &**column.values())
}
