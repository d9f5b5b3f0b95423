// SPDX-License-Identifier: Apache-2.0
//! A column of a batch as the executor reads it: its Arrow array looked into once, so that no later step asks for its
//! type again.

use super::ColumnError;
use super::form::{self, ITEM};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowDictionaryKeyType, DurationMicrosecondType, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, FixedSizeBinaryArray, LargeStringArray, StringArray, StringViewArray,
};
use arrow_buffer::{ArrowNativeType, BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, TimeUnit};
use wardroom_event::{Field, Micros, Repr, Span, Value};

/// The values of one field.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) held: Held,
    pub(super) nulls: Option<NullBuffer>,
}

/// How values are held.
#[derive(Clone, Debug)]
pub(super) enum Held {
    Bool(BooleanBuffer),
    /// Whole numbers, times and durations.
    Whole(Repr, ScalarBuffer<i64>),
    Real(ScalarBuffer<f64>),
    Text(Texts),
    Ip(FixedSizeBinaryArray),
    Net(FixedSizeBinaryArray),
    List(Lists),
}

/// Texts in one of the forms that Arrow has for them.
#[derive(Clone, Debug)]
pub(super) enum Texts {
    Plain(StringArray),
    Large(LargeStringArray),
    View(StringViewArray),
    /// Each different text once.
    Dictionary(ScalarBuffer<i32>, StringArray),
}

/// Lists: where each one's items lie, and the columns of the items.
#[derive(Clone, Debug)]
pub(super) struct Lists {
    pub(super) offsets: OffsetBuffer<i32>,
    pub(super) items: Vec<Column>,
}

impl Column {
    /// Looks into an array that holds the values of a field.
    pub(super) fn of(field: &Field, array: &ArrayRef) -> Result<Column, ColumnError> {
        let nulls = array.logical_nulls().filter(|n| n.null_count() > 0);
        let held = held(field, array).ok_or_else(|| ColumnError::Type {
            name: field.name.clone(),
            expects: form::data_type(field).to_string().into(),
            found: array.data_type().to_string().into(),
        })??;
        Ok(Column { held, nulls })
    }

    #[inline]
    pub(super) fn is_known(&self, row: usize) -> bool {
        self.nulls.as_ref().is_none_or(|n| n.is_valid(row))
    }

    /// One row as a value.
    pub(super) fn value(&self, row: usize) -> Value {
        if !self.is_known(row) {
            return Value::Missing;
        }
        match &self.held {
            Held::Bool(bits) => Value::Bool(bits.value(row)),
            Held::Whole(repr, values) => whole(*repr, values[row]),
            Held::Real(values) => Value::Number(values[row]),
            Held::Text(texts) => texts.get(row).map_or(Value::Missing, |t| Value::Text(t.into())),
            Held::Ip(bytes) => form::ip(bytes.value(row)).map_or(Value::Missing, Value::Ip),
            Held::Net(bytes) => form::net(bytes.value(row)).map_or(Value::Missing, Value::Net),
            Held::List(lists) => Value::List(lists.values(row)),
        }
    }
}

/// A whole number as a value of its type.
#[inline]
pub(super) fn whole(repr: Repr, n: i64) -> Value {
    match repr {
        Repr::Time => Value::Time(Micros(n)),
        Repr::Duration => Value::Duration(Span(n)),
        _ => Value::Int(n),
    }
}

impl Texts {
    /// The text of a row that is not null.
    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<&str> {
        match self {
            Texts::Plain(texts) => Some(texts.value(row)),
            Texts::Large(texts) => Some(texts.value(row)),
            Texts::View(texts) => Some(texts.value(row)),
            Texts::Dictionary(keys, texts) => {
                let key = usize::try_from(keys[row]).ok()?;
                (key < texts.len()).then(|| texts.value(key))
            }
        }
    }
}

impl Lists {
    /// Where the items of a list lie.
    #[inline]
    pub(super) fn range(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row].as_usize()..self.offsets[row + 1].as_usize()
    }

    fn values(&self, row: usize) -> Box<[Value]> {
        self.range(row).flat_map(|at| self.items.iter().map(move |column| column.value(at))).collect()
    }
}

/// `None` where the array is of a type that does not hold such values.
fn held(field: &Field, array: &ArrayRef) -> Option<Result<Held, ColumnError>> {
    let repr = field.kind.repr();
    Some(Ok(match (repr, array.data_type()) {
        (Repr::Bool, DataType::Boolean) => Held::Bool(array.as_boolean().values().clone()),
        (Repr::Int | Repr::Duration, DataType::Int64) => {
            Held::Whole(repr, array.as_primitive::<Int64Type>().values().clone())
        }
        (Repr::Time, DataType::Timestamp(TimeUnit::Microsecond, _)) => {
            Held::Whole(repr, array.as_primitive::<TimestampMicrosecondType>().values().clone())
        }
        (Repr::Duration, DataType::Duration(TimeUnit::Microsecond)) => {
            Held::Whole(repr, array.as_primitive::<DurationMicrosecondType>().values().clone())
        }
        (Repr::Number, DataType::Float64) => Held::Real(array.as_primitive::<Float64Type>().values().clone()),
        (Repr::Text, _) => Held::Text(texts(array)?),
        (Repr::Ip, DataType::FixedSizeBinary(form::IP)) => Held::Ip(array.as_fixed_size_binary().clone()),
        (Repr::Net, DataType::FixedSizeBinary(form::NET)) => Held::Net(array.as_fixed_size_binary().clone()),
        (Repr::List, DataType::List(_)) => return Some(lists(field, array)?.map(Held::List)),
        _ => return None,
    }))
}

fn texts(array: &ArrayRef) -> Option<Texts> {
    Some(match array.data_type() {
        DataType::Utf8 => Texts::Plain(array.as_string().clone()),
        DataType::LargeUtf8 => Texts::Large(array.as_string().clone()),
        DataType::Utf8View => Texts::View(array.as_string_view().clone()),
        DataType::Dictionary(keys, values) if **values == DataType::Utf8 => match **keys {
            DataType::Int8 => dictionary(array.as_dictionary::<Int8Type>())?,
            DataType::Int16 => dictionary(array.as_dictionary::<Int16Type>())?,
            DataType::Int32 => {
                let array = array.as_dictionary::<Int32Type>();
                Texts::Dictionary(array.keys().values().clone(), array.values().as_string().clone())
            }
            DataType::Int64 => dictionary(array.as_dictionary::<Int64Type>())?,
            DataType::UInt8 => dictionary(array.as_dictionary::<UInt8Type>())?,
            DataType::UInt16 => dictionary(array.as_dictionary::<UInt16Type>())?,
            DataType::UInt32 => dictionary(array.as_dictionary::<UInt32Type>())?,
            DataType::UInt64 => dictionary(array.as_dictionary::<UInt64Type>())?,
            _ => return None,
        },
        _ => return None,
    })
}

/// A dictionary with keys of another width; `None` where it has more texts than 32 bits can name.
fn dictionary<K: ArrowDictionaryKeyType>(array: &DictionaryArray<K>) -> Option<Texts> {
    let texts = array.values().as_string::<i32>().clone();
    i32::try_from(texts.len()).ok()?;
    // A null row's key may be anything: it is not looked at.
    let key = |k: &K::Native| k.to_usize().and_then(|k| i32::try_from(k).ok()).unwrap_or(-1);
    Some(Texts::Dictionary(array.keys().values().iter().map(key).collect(), texts))
}

fn lists(field: &Field, array: &ArrayRef) -> Option<Result<Lists, ColumnError>> {
    let lists = array.as_list::<i32>();
    let fields = field.items();
    let columns: Vec<ArrayRef> = match fields {
        [plain] if plain.name.is_empty() => vec![lists.values().clone()],
        _ => {
            let records = lists.values().as_struct_opt()?;
            let all: Option<Vec<ArrayRef>> =
                fields.iter().map(|f| records.column_by_name(&f.name).cloned()).collect();
            all?
        }
    };
    let nulls = lists.values().as_struct_opt().and_then(|records| records.nulls().cloned());
    let items = fields.iter().zip(&columns).map(|(item, array)| {
        let name = if item.name.is_empty() { ITEM } else { &item.name };
        let named = Field { name: format!("{}.{name}", field.name).into(), ..item.clone() };
        let mut column = Column::of(&named, array)?;
        // A record that is null has no fields.
        column.nulls = NullBuffer::union(column.nulls.as_ref(), nulls.as_ref());
        Ok(column)
    });
    let items = match items.collect::<Result<Vec<Column>, ColumnError>>() {
        Ok(items) => items,
        Err(error) => return Some(Err(error)),
    };
    Some(Ok(Lists { offsets: lists.offsets().clone(), items }))
}
