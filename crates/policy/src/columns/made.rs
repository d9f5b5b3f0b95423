// SPDX-License-Identifier: Apache-2.0
//! Any expression over columns, as a column: what queries filter by, group by and add up.
//!
//! What an expression gives lies in an array of the form that a field of its type has. A column that is merely read is
//! handed on as it is; what is computed is computed for the rows that are asked about, and missing in the others.

use super::bits::{Bits, TriColumn};
use super::column::{Column, Held};
use super::frame::{Frame, Lane};
use super::translate::Translator;
use super::truth::Truth;
use super::value::Operand;
use super::{ColumnError, ColumnPlan, bind, form, frames};
use crate::ir::{Node, Typed};
use crate::syntax::tree::CompareOp;
use crate::{Tri, World};
use arrow_array::{
    Array, ArrayRef, BooleanArray, DurationMicrosecondArray, FixedSizeBinaryArray, Float64Array, Int64Array,
    RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow_buffer::{BooleanBufferBuilder, MutableBuffer, NullBuffer, ScalarBuffer};
use std::sync::Arc;
use wardroom_event::{Field, Repr, Type, Value};

/// An expression over columns.
pub struct ColumnValue {
    /// The columns it reads, by their places in the plan.
    reads: Vec<(usize, Field)>,
    /// How many columns the plan has.
    width: usize,
    /// What it gives.
    field: Field,
    /// The one column that it is, where it is no more than that.
    plain: Option<usize>,
    made: Made,
}

enum Made {
    Truth(Truth),
    Value(Operand),
}

impl ColumnPlan<'_> {
    /// An expression over the columns of this plan.
    pub(crate) fn value(&self, typed: &Typed) -> ColumnValue {
        let mut translator = Translator::new(self.program, self.kind);
        let plain = translator.slot_of(typed);
        let made = match typed.kind {
            Type::Bool => Made::Truth(translator.truth(typed)),
            _ => Made::Value(translator.operand(typed)),
        };
        let reads: Vec<(usize, Field)> =
            translator.reads.iter().filter_map(|at| Some((*at, self.fields.get(*at)?.clone()))).collect();
        let shape = plain.and_then(|at| self.fields.get(at)?.shape.clone());
        let field = Field { shape, ..Field::plain("", typed.kind, true) };
        ColumnValue { reads, width: self.fields.len(), field, plain, made }
    }

    /// The columns that must have one value for a condition to hold, and those values.
    pub(crate) fn equal(&self, filter: &Typed) -> Vec<(Field, Value)> {
        let parts = match &filter.node {
            Node::All(parts) => parts.as_slice(),
            _ => std::slice::from_ref(filter),
        };
        let one = |part: &Typed| {
            let Node::Compare(CompareOp::Eq, a, b) = &part.node else { return None };
            let (of, value) = match (&a.node, &b.node) {
                (_, Node::Const(value)) => (a, value),
                (Node::Const(value), _) => (b, value),
                _ => return None,
            };
            let at = Translator::new(self.program, self.kind).slot_of(of)?;
            Some((self.fields.get(at)?.clone(), value.clone()))
        };
        parts.iter().filter_map(one).collect()
    }
}

impl ColumnValue {
    /// The names of the columns it reads: a batch needs no others.
    pub fn reads(&self) -> impl Iterator<Item = &str> {
        self.reads.iter().map(|(_, field)| &*field.name)
    }

    /// The places of those columns in the plan.
    pub(crate) fn places(&self) -> impl Iterator<Item = usize> {
        self.reads.iter().map(|(at, _)| *at)
    }

    /// The type of what it gives.
    pub fn kind(&self) -> Type {
        self.field.kind
    }

    fn bound(&self, batch: &RecordBatch) -> Result<Vec<Option<Column>>, ColumnError> {
        let mut columns: Vec<Option<Column>> = vec![None; self.width];
        for (at, field) in &self.reads {
            columns[*at] = Some(bind(batch, *at, field)?);
        }
        Ok(columns)
    }

    /// Whether it holds, for each row; unknown of what is no condition.
    ///
    /// # Errors
    /// When a column it reads is not there, or not of its type.
    pub fn holds(&self, batch: &RecordBatch, world: &dyn World) -> Result<TriColumn, ColumnError> {
        let columns = self.bound(batch)?;
        let mut out = TriColumn::of(Tri::Unknown, 0);
        frames(&columns, batch.num_rows(), world, |frame| {
            out.append(&match &self.made {
                Made::Truth(truth) => truth.eval(frame, &Bits::all(frame.len)),
                Made::Value(_) => TriColumn::of(Tri::Unknown, frame.len),
            });
        });
        Ok(out)
    }

    /// Its value for each row for which `among` holds; of the others it may say anything.
    ///
    /// # Errors
    /// When a column it reads is not there, or not of its type.
    pub fn evaluate(
        &self,
        batch: &RecordBatch,
        among: Option<&TriColumn>,
        world: &dyn World,
    ) -> Result<ArrayRef, ColumnError> {
        if let Some(array) = self.as_it_is(batch) {
            return Ok(array);
        }
        let columns = self.bound(batch)?;
        let mut out = Builder::new(&self.field, batch.num_rows());
        let mut start = 0;
        frames(&columns, batch.num_rows(), world, |frame| {
            let open = match among {
                Some(among) => among.yes.part(start, frame.len),
                None => Bits::all(frame.len),
            };
            start += frame.len;
            match &self.made {
                Made::Truth(truth) => out.push(&Lane::Truth(truth.eval(frame, &open)), frame, &open),
                Made::Value(operand) => out.push(&operand.eval(frame, &open), frame, &open),
            }
        });
        out.finish()
    }

    /// The array of the one column that is read, where it has the form that computed ones have.
    fn as_it_is(&self, batch: &RecordBatch) -> Option<ArrayRef> {
        let (_, field) = self.reads.iter().find(|(at, _)| Some(*at) == self.plain)?;
        let array = batch.column_by_name(&field.name)?;
        (*array.data_type() == form::data_type(field)).then(|| array.clone())
    }
}

/// Values of one type, as they come.
struct Builder<'a> {
    field: &'a Field,
    known: BooleanBufferBuilder,
    values: Values,
}

enum Values {
    Truths(BooleanBufferBuilder),
    Whole(Vec<i64>),
    Real(Vec<f64>),
    Text {
        bytes: Vec<u8>,
        ends: Vec<i32>,
    },
    /// Of so many bytes each.
    Bytes(Vec<u8>, i32),
    Any(Vec<Value>),
}

impl<'a> Builder<'a> {
    fn new(field: &'a Field, rows: usize) -> Builder<'a> {
        let values = match field.kind.repr() {
            Repr::Bool => Values::Truths(BooleanBufferBuilder::new(rows)),
            Repr::Int | Repr::Time | Repr::Duration => Values::Whole(Vec::with_capacity(rows)),
            Repr::Number => Values::Real(Vec::with_capacity(rows)),
            Repr::Text => Values::Text { bytes: Vec::new(), ends: Vec::with_capacity(rows) },
            Repr::Ip => Values::Bytes(Vec::with_capacity(rows * 16), form::IP),
            Repr::Net => Values::Bytes(Vec::with_capacity(rows * 17), form::NET),
            Repr::List => Values::Any(Vec::with_capacity(rows)),
        };
        Builder { field, known: BooleanBufferBuilder::new(rows), values }
    }

    /// Takes the rows of a frame; those that are not open are missing.
    fn push(&mut self, lane: &Lane<'_>, frame: &Frame<'_>, open: &Bits) {
        let (known, len) = (&mut self.known, frame.len);
        match &mut self.values {
            Values::Truths(bits) => (0..len).for_each(|row| {
                let truth = match lane {
                    Lane::Truth(truths) => truths.get(row).get(),
                    lane => match *lane.value(row) {
                        Value::Bool(b) => Some(b),
                        _ => None,
                    },
                };
                let truth = truth.filter(|_| open.get(row));
                known.append(truth.is_some());
                bits.append(truth.unwrap_or_default());
            }),
            Values::Whole(all) => numbers(all, known, open, len, lane, whole),
            Values::Real(all) => numbers(all, known, open, len, lane, real),
            Values::Text { bytes, ends } => (0..len).for_each(|row| {
                let is_known =
                    open.get(row) && text(lane, row, |text| bytes.extend_from_slice(text.as_bytes()));
                known.append(is_known);
                // A batch has far less than 2 GiB of text; were it more, `finish` says so.
                ends.push(i32::try_from(bytes.len()).unwrap_or(-1));
            }),
            Values::Bytes(all, width) => (0..len).for_each(|row| {
                let before = all.len();
                if open.get(row) {
                    address(lane, row, all);
                }
                known.append(all.len() > before);
                all.resize(before + *width as usize, 0);
            }),
            Values::Any(all) => all.extend(
                (0..len).map(|row| if open.get(row) { lane.value(row).into_owned() } else { Value::Missing }),
            ),
        }
    }

    fn finish(mut self) -> Result<ArrayRef, ColumnError> {
        let nulls = Some(NullBuffer::new(self.known.finish())).filter(|n| n.null_count() > 0);
        Ok(match (self.values, self.field.kind.repr()) {
            (Values::Truths(mut bits), _) => Arc::new(BooleanArray::new(bits.finish(), nulls)),
            (Values::Whole(all), Repr::Time) => {
                Arc::new(TimestampMicrosecondArray::new(all.into(), nulls).with_timezone(form::UTC))
            }
            (Values::Whole(all), Repr::Duration) => {
                Arc::new(DurationMicrosecondArray::new(all.into(), nulls))
            }
            (Values::Whole(all), _) => Arc::new(Int64Array::new(all.into(), nulls)),
            (Values::Real(all), _) => Arc::new(Float64Array::new(all.into(), nulls)),
            (Values::Text { bytes, ends }, _) => {
                let offsets: Vec<i32> = std::iter::once(0).chain(ends).collect();
                if offsets.contains(&-1) {
                    return Err(ColumnError::Value { name: self.field.name.clone(), row: 0 });
                }
                let offsets = arrow_buffer::OffsetBuffer::new(ScalarBuffer::from(offsets));
                Arc::new(StringArray::try_new(offsets, MutableBuffer::from(bytes).into(), nulls)?)
            }
            (Values::Bytes(all, width), _) => {
                Arc::new(FixedSizeBinaryArray::try_new(width, MutableBuffer::from(all).into(), nulls)?)
            }
            (Values::Any(all), _) => form::array(self.field, &all.iter().collect::<Vec<_>>())?,
        })
    }
}

/// Plain numbers of one frame.
fn numbers<T: Copy + Default>(
    all: &mut Vec<T>,
    known: &mut BooleanBufferBuilder,
    open: &Bits,
    len: usize,
    lane: &Lane<'_>,
    of: impl Fn(&Lane<'_>, usize) -> Option<T>,
) {
    for row in 0..len {
        let value = if open.get(row) { of(lane, row) } else { None };
        known.append(value.is_some());
        all.push(value.unwrap_or_default());
    }
}

fn whole(lane: &Lane<'_>, row: usize) -> Option<i64> {
    match lane {
        Lane::Whole(_, values) => values.get(row),
        lane => crate::compile::int_of(&lane.value(row)),
    }
}

fn real(lane: &Lane<'_>, row: usize) -> Option<f64> {
    match lane {
        Lane::Real(values) => values.get(row),
        lane => crate::compile::number_of(&lane.value(row)),
    }
}

/// Hands over the text of a row; whether it has one.
fn text(lane: &Lane<'_>, row: usize, take: impl FnMut(&str)) -> bool {
    let text = lane.text(row);
    let is_known = text.is_some();
    text.into_iter().for_each(take);
    is_known
}

/// The bytes of an address or network.
fn address(lane: &Lane<'_>, row: usize, out: &mut Vec<u8>) {
    if let Lane::Column(column @ Column { held: Held::Ip(bytes) | Held::Net(bytes), .. }, place) = lane {
        let row = place.at(row);
        if column.is_known(row) {
            out.extend_from_slice(bytes.value(row));
        }
        return;
    }
    match &*lane.value(row) {
        Value::Ip(ip) => out.extend_from_slice(&form::ip_bytes(*ip)),
        Value::Net(net) => out.extend_from_slice(&form::net_bytes(*net)),
        _ => {}
    }
}

/// The values of an array that holds those of a field.
pub struct StoredValues(Column);

impl StoredValues {
    /// Looks into an array.
    ///
    /// # Errors
    /// When it is of a type that does not hold such values.
    pub fn of(field: &Field, array: &ArrayRef) -> Result<StoredValues, ColumnError> {
        Column::of(field, array).map(StoredValues)
    }

    /// The value of a row, which must be one of the array's.
    pub fn get(&self, row: usize) -> Value {
        self.0.value(row)
    }
}
