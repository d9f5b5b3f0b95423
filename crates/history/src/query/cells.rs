// SPDX-License-Identifier: Apache-2.0
//! The values of one array as what keys and sums are made of: bytes, whole numbers, numbers.

use super::order::compare;
use arrow_array::cast::AsArray;
use arrow_array::types::{DurationMicrosecondType, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, BooleanArray, FixedSizeBinaryArray, StringArray};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;
use std::cmp::Ordering;
use wardroom_event::{Micros, Repr, Span, Type, Value};
use wardroom_policy::form;

/// An array, looked into once.
pub(super) struct Cells<'a> {
    held: Held<'a>,
    nulls: Option<&'a NullBuffer>,
}

enum Held<'a> {
    Truths(&'a BooleanArray),
    Whole(&'a [i64]),
    Real(&'a [f64]),
    Text(&'a StringArray),
    Bytes(&'a FixedSizeBinaryArray),
    /// Of no type that can be a key.
    Other,
}

impl<'a> Cells<'a> {
    pub(super) fn of(array: &'a ArrayRef) -> Cells<'a> {
        let held = match array.data_type() {
            DataType::Boolean => Held::Truths(array.as_boolean()),
            DataType::Int64 => Held::Whole(array.as_primitive::<Int64Type>().values()),
            DataType::Timestamp(..) => Held::Whole(array.as_primitive::<TimestampMicrosecondType>().values()),
            DataType::Duration(_) => Held::Whole(array.as_primitive::<DurationMicrosecondType>().values()),
            DataType::Float64 => Held::Real(array.as_primitive::<Float64Type>().values()),
            DataType::Utf8 => Held::Text(array.as_string()),
            DataType::FixedSizeBinary(_) => Held::Bytes(array.as_fixed_size_binary()),
            _ => Held::Other,
        };
        Cells { held, nulls: array.nulls() }
    }

    #[inline]
    pub(super) fn is_known(&self, row: usize) -> bool {
        self.nulls.is_none_or(|nulls| nulls.is_valid(row))
    }

    /// The truth of a row.
    #[inline]
    pub(super) fn truth(&self, row: usize) -> Option<bool> {
        match self.held {
            Held::Truths(truths) if self.is_known(row) => Some(truths.value(row)),
            _ => None,
        }
    }

    /// The whole number, time or length of time of a row.
    #[inline]
    pub(super) fn whole(&self, row: usize) -> Option<i64> {
        match self.held {
            Held::Whole(values) if self.is_known(row) => Some(values[row]),
            _ => None,
        }
    }

    /// The number of a row, whole or not.
    #[inline]
    pub(super) fn number(&self, row: usize) -> Option<f64> {
        match self.held {
            Held::Real(values) if self.is_known(row) => Some(values[row]),
            Held::Whole(values) if self.is_known(row) => Some(values[row] as f64),
            _ => None,
        }
    }

    /// Writes a row behind what is there: values of one column that are the same, and no others, are the same bytes, and none
    /// begins with another.
    #[inline]
    pub(super) fn write(&self, row: usize, out: &mut Vec<u8>) {
        if !self.is_known(row) {
            out.push(0);
            return;
        }
        out.push(1);
        match self.held {
            Held::Truths(truths) => out.push(u8::from(truths.value(row))),
            Held::Whole(values) => out.extend_from_slice(&values[row].to_le_bytes()),
            // Minus zero is zero.
            Held::Real(values) => out.extend_from_slice(&(values[row] + 0.0).to_bits().to_le_bytes()),
            Held::Text(texts) => {
                let text = texts.value(row);
                out.extend_from_slice(&(text.len() as u32).to_le_bytes());
                out.extend_from_slice(text.as_bytes());
            }
            Held::Bytes(bytes) => out.extend_from_slice(bytes.value(row)),
            Held::Other => {}
        }
    }
}

/// Reads a value that [`Cells::write`] wrote, and what stands behind it.
pub(super) fn read(kind: Type, bytes: &[u8]) -> Option<(Value, &[u8])> {
    let (known, rest) = bytes.split_first()?;
    if *known == 0 {
        return Some((Value::Missing, rest));
    }
    let whole = || rest.split_first_chunk::<8>().map(|(n, rest)| (i64::from_le_bytes(*n), rest));
    Some(match kind.repr() {
        Repr::Bool => rest.split_first().map(|(b, rest)| (Value::Bool(*b == 1), rest))?,
        Repr::Int => whole().map(|(n, rest)| (Value::Int(n), rest))?,
        Repr::Time => whole().map(|(n, rest)| (Value::Time(Micros(n)), rest))?,
        Repr::Duration => whole().map(|(n, rest)| (Value::Duration(Span(n)), rest))?,
        Repr::Number => whole().map(|(n, rest)| (Value::Number(f64::from_bits(n.cast_unsigned())), rest))?,
        Repr::Text => {
            let (len, rest) = rest.split_first_chunk::<4>()?;
            let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
            (Value::Text(str::from_utf8(text).ok()?.into()), rest)
        }
        Repr::Ip => {
            let (bytes, rest) = rest.split_at_checked(form::IP as usize)?;
            (form::ip(bytes).map_or(Value::Missing, Value::Ip), rest)
        }
        Repr::Net => {
            let (bytes, rest) = rest.split_at_checked(form::NET as usize)?;
            (form::net(bytes).map_or(Value::Missing, Value::Net), rest)
        }
        Repr::List => (Value::Missing, rest),
    })
}

/// Compares two keys that were written so, value by value: what is unknown last.
pub(super) fn compare_keys(kinds: impl Iterator<Item = Type>, mut a: &[u8], mut b: &[u8]) -> Ordering {
    for kind in kinds {
        let order = match kind.repr() {
            Repr::Text => {
                let (one, other) = (text(a), text(b));
                match (one, other) {
                    (Some((one, rest_a)), Some((other, rest_b))) => {
                        (a, b) = (rest_a, rest_b);
                        // Without is after with.
                        one.is_none().cmp(&other.is_none()).then_with(|| one.cmp(&other))
                    }
                    _ => return Ordering::Equal,
                }
            }
            _ => match (read(kind, a), read(kind, b)) {
                (Some((one, rest_a)), Some((other, rest_b))) => {
                    (a, b) = (rest_a, rest_b);
                    compare(&one, &other)
                }
                _ => return Ordering::Equal,
            },
        };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// The bytes of a text that was written so, if it is known, and what stands behind it.
fn text(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (known, rest) = bytes.split_first()?;
    if *known == 0 {
        return Some((None, rest));
    }
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    Some((Some(text), rest))
}
