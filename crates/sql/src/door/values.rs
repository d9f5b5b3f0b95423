// SPDX-License-Identifier: Apache-2.0
//! Values of answers as PostgreSQL has them: which type a column is, and its values as text and in binary.

use crate::json;
use crate::present::time_text;
use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    IntervalMonthDayNanoType, IntervalUnit, TimeUnit, TimestampMicrosecondType,
};
use wardroom_event::Micros;

/// Numbers of PostgreSQL's types (`pg_type.dat`).
pub(crate) mod oid {
    pub(crate) const BOOL: u32 = 16;
    pub(crate) const BYTEA: u32 = 17;
    pub(crate) const NAME: u32 = 19;
    pub(crate) const INT8: u32 = 20;
    pub(crate) const INT2: u32 = 21;
    pub(crate) const INT4: u32 = 23;
    pub(crate) const TEXT: u32 = 25;
    pub(crate) const OID: u32 = 26;
    pub(crate) const JSON: u32 = 114;
    pub(crate) const FLOAT4: u32 = 700;
    pub(crate) const FLOAT8: u32 = 701;
    pub(crate) const UNKNOWN: u32 = 705;
    pub(crate) const INET: u32 = 869;
    pub(crate) const BOOL_ARRAY: u32 = 1000;
    pub(crate) const INT2_ARRAY: u32 = 1005;
    pub(crate) const INT4_ARRAY: u32 = 1007;
    pub(crate) const TEXT_ARRAY: u32 = 1009;
    pub(crate) const VARCHAR_ARRAY: u32 = 1015;
    pub(crate) const INT8_ARRAY: u32 = 1016;
    pub(crate) const FLOAT8_ARRAY: u32 = 1022;
    pub(crate) const BPCHAR: u32 = 1042;
    pub(crate) const VARCHAR: u32 = 1043;
    pub(crate) const DATE: u32 = 1082;
    pub(crate) const TIMESTAMP: u32 = 1114;
    pub(crate) const TIMESTAMPTZ: u32 = 1184;
    pub(crate) const TIMESTAMPTZ_ARRAY: u32 = 1185;
    pub(crate) const INTERVAL: u32 = 1186;
    pub(crate) const NUMERIC: u32 = 1700;
    pub(crate) const JSONB: u32 = 3802;
    pub(crate) const UUID: u32 = 2950;
}

/// Days from 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
pub(super) const EPOCH_DAYS: i32 = 10_957;
pub(super) const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;

/// A column of an answer as the client is told of it.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) oid: u32,
    pub(super) size: i16,
    pub(super) binary: bool,
}

impl Column {
    pub(super) fn of(field: &Field, binary: bool) -> Column {
        let oid = oid_of(field.data_type());
        let size = match oid {
            oid::BOOL => 1,
            oid::INT2 => 2,
            oid::INT4 | oid::FLOAT4 | oid::DATE => 4,
            oid::INT8 | oid::FLOAT8 | oid::TIMESTAMP | oid::TIMESTAMPTZ => 8,
            oid::INTERVAL => 16,
            _ => -1,
        };
        Column { name: field.name().clone(), oid, size, binary }
    }
}

/// PostgreSQL's type for values of this type of Arrow.
pub(crate) fn oid_of(kind: &DataType) -> u32 {
    use DataType as D;
    match kind {
        D::Boolean => oid::BOOL,
        D::Int8 | D::UInt8 | D::Int16 => oid::INT2,
        D::UInt16 | D::Int32 => oid::INT4,
        D::UInt32 | D::Int64 => oid::INT8,
        D::UInt64 | D::Decimal32(..) | D::Decimal64(..) | D::Decimal128(..) | D::Decimal256(..) => {
            oid::NUMERIC
        }
        D::Float16 | D::Float32 => oid::FLOAT4,
        D::Float64 => oid::FLOAT8,
        D::Timestamp(_, Some(_)) => oid::TIMESTAMPTZ,
        D::Timestamp(_, None) => oid::TIMESTAMP,
        D::Date32 | D::Date64 => oid::DATE,
        D::Interval(_) | D::Duration(_) => oid::INTERVAL,
        D::Binary | D::LargeBinary | D::BinaryView | D::FixedSizeBinary(_) => oid::BYTEA,
        D::List(item) => match oid_of(item.data_type()) {
            oid::BOOL => oid::BOOL_ARRAY,
            oid::INT8 => oid::INT8_ARRAY,
            oid::INT4 => oid::INT4_ARRAY,
            oid::INT2 => oid::INT2_ARRAY,
            oid::FLOAT8 => oid::FLOAT8_ARRAY,
            oid::TIMESTAMPTZ => oid::TIMESTAMPTZ_ARRAY,
            oid::TEXT => oid::TEXT_ARRAY,
            _ => oid::JSON,
        },
        D::Struct(_) | D::LargeList(_) | D::FixedSizeList(..) | D::Map(..) => oid::JSON,
        D::Dictionary(_, of) => oid_of(of),
        _ => oid::TEXT,
    }
}

/// The type that an array's items have.
fn item_oid(array: u32) -> Option<u32> {
    Some(match array {
        oid::BOOL_ARRAY => oid::BOOL,
        oid::INT8_ARRAY => oid::INT8,
        oid::INT4_ARRAY => oid::INT4,
        oid::INT2_ARRAY => oid::INT2,
        oid::FLOAT8_ARRAY => oid::FLOAT8,
        oid::TIMESTAMPTZ_ARRAY => oid::TIMESTAMPTZ,
        oid::TEXT_ARRAY => oid::TEXT,
        _ => return None,
    })
}

/// Columns in the forms that values are written from: what PostgreSQL has one type for is one type.
pub(super) fn plain(array: &ArrayRef) -> Result<ArrayRef, datafusion::arrow::error::ArrowError> {
    use DataType as D;
    let to = match array.data_type() {
        D::Int8 | D::UInt8 => D::Int16,
        D::UInt16 => D::Int32,
        D::UInt32 => D::Int64,
        D::UInt64 => D::Decimal128(20, 0),
        D::Float16 => D::Float32,
        D::Utf8View | D::LargeUtf8 => D::Utf8,
        D::Timestamp(unit, zone) if *unit != TimeUnit::Microsecond => {
            D::Timestamp(TimeUnit::Microsecond, zone.clone())
        }
        D::Date64 => D::Date32,
        D::Interval(unit) if *unit != IntervalUnit::MonthDayNano => D::Interval(IntervalUnit::MonthDayNano),
        D::Duration(_) => D::Interval(IntervalUnit::MonthDayNano),
        D::Binary | D::BinaryView | D::FixedSizeBinary(_) => D::LargeBinary,
        D::Dictionary(_, of) => (**of).clone(),
        _ => return Ok(array.clone()),
    };
    datafusion::arrow::compute::cast(array, &to)
}

/// Writes one value with its length in front.
pub(super) fn write(out: &mut BytesMut, column: &ArrayRef, row: usize, binary: bool) {
    if column.is_null(row) || *column.data_type() == DataType::Null {
        out.put_i32(-1);
        return;
    }
    let at = out.len();
    out.put_i32(0);
    if binary {
        as_binary(out, column, row);
    } else {
        let text = as_text(column, row);
        out.put_slice(text.as_bytes());
    }
    let length = i32::try_from(out.len() - at - 4).unwrap_or(i32::MAX).to_be_bytes();
    if let Some(place) = out.get_mut(at..at + 4) {
        place.copy_from_slice(&length);
    }
}

/// A value as PostgreSQL prints it.
pub(super) fn as_text(column: &ArrayRef, row: usize) -> String {
    match column.data_type() {
        DataType::Boolean => if column.as_boolean().value(row) { "t" } else { "f" }.to_owned(),
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => float(column.as_primitive::<Float64Type>().value(row)),
        DataType::Float32 => float(column.as_primitive::<Float32Type>().value(row).into()),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let text = time_text(Micros(column.as_primitive::<TimestampMicrosecondType>().value(row)));
            match zone {
                Some(_) => text,
                None => text.trim_end_matches("+00").to_owned(),
            }
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => interval(column, row),
        DataType::LargeBinary => {
            let bytes = column.as_binary::<i64>().value(row);
            bytes.iter().fold("\\x".to_owned(), |out, byte| out + &format!("{byte:02x}"))
        }
        DataType::List(_) if item_oid(oid_of(column.data_type())).is_some() => array(column, row),
        DataType::List(_) | DataType::Struct(_) => {
            let mut out = String::new();
            json::value(&mut out, column, row);
            out
        }
        _ => json::plain(column, row),
    }
}

fn float(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let plain = number.to_string();
    // As PostgreSQL does: an exponent where the digits would be mostly zeros.
    if plain.len() > 20 { format!("{number:e}") } else { plain }
}

fn interval(column: &ArrayRef, row: usize) -> String {
    let value = column.as_primitive::<IntervalMonthDayNanoType>().value(row);
    let mut parts = Vec::new();
    if value.months / 12 != 0 {
        parts.push(format!("{} years", value.months / 12));
    }
    if value.months % 12 != 0 {
        parts.push(format!("{} mons", value.months % 12));
    }
    if value.days != 0 {
        parts.push(format!("{} days", value.days));
    }
    let micros = value.nanoseconds / 1000;
    if micros != 0 || parts.is_empty() {
        let (sign, all) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
        let (seconds, part) = (all / 1_000_000, all % 1_000_000);
        let clock = format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        let part = format!(".{part:06}");
        let part = part.trim_end_matches('0').trim_end_matches('.');
        parts.push(clock + part);
    }
    parts.join(" ")
}

/// `{a,"b c",NULL}`.
fn array(column: &ArrayRef, row: usize) -> String {
    let items = column.as_list::<i32>().value(row);
    let Ok(items) = plain(&items) else { return "{}".to_owned() };
    let texts = (0..items.len()).map(|at| {
        if items.is_null(at) {
            return "NULL".to_owned();
        }
        let text = as_text(&items, at);
        let bare = !text.is_empty()
            && !text.eq_ignore_ascii_case("null")
            && !text.chars().any(|c| matches!(c, '{' | '}' | ',' | '"' | '\\') || c.is_whitespace());
        if bare { text } else { format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")) }
    });
    format!("{{{}}}", texts.collect::<Vec<_>>().join(","))
}

fn as_binary(out: &mut BytesMut, column: &ArrayRef, row: usize) {
    match column.data_type() {
        DataType::Boolean => out.put_u8(u8::from(column.as_boolean().value(row))),
        DataType::Int8 => out.put_i16(column.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => out.put_i16(column.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => out.put_i32(column.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => out.put_i64(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => out.put_f32(column.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => out.put_f64(column.as_primitive::<Float64Type>().value(row)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            out.put_i64(micros.saturating_sub(EPOCH_MICROS));
        }
        DataType::Date32 => {
            out.put_i32(column.as_primitive::<Date32Type>().value(row).saturating_sub(EPOCH_DAYS));
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let value = column.as_primitive::<IntervalMonthDayNanoType>().value(row);
            out.put_i64(value.nanoseconds / 1000);
            out.put_i32(value.days);
            out.put_i32(value.months);
        }
        DataType::LargeBinary => out.put_slice(column.as_binary::<i64>().value(row)),
        DataType::List(_) => match item_oid(oid_of(column.data_type())) {
            Some(of) => binary_array(out, column, row, of),
            None => out.put_slice(as_text(column, row).as_bytes()),
        },
        _ if oid_of(column.data_type()) == oid::NUMERIC => numeric(out, &json::plain(column, row)),
        _ => out.put_slice(as_text(column, row).as_bytes()),
    }
}

fn binary_array(out: &mut BytesMut, column: &ArrayRef, row: usize, of: u32) {
    let items = column.as_list::<i32>().value(row);
    let Ok(items) = plain(&items) else { return };
    out.put_i32(i32::from(!items.is_empty()));
    out.put_i32(i32::from(items.null_count() > 0));
    out.put_u32(of);
    if !items.is_empty() {
        out.put_i32(i32::try_from(items.len()).unwrap_or(i32::MAX));
        out.put_i32(1);
        (0..items.len()).for_each(|at| write(out, &items, at, true));
    }
}

/// A decimal number in PostgreSQL's digits of base 10,000.
fn numeric(out: &mut BytesMut, text: &str) {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.trim_start_matches('0');
    let before = whole.len().div_ceil(4);
    let after = part.len().div_ceil(4);
    let padded = format!("{whole:0>before$}{part:0<after$}", before = before * 4, after = after * 4);
    let groups = padded.as_bytes().chunks(4);
    let mut digits: Vec<i16> = groups
        .map(|four| four.iter().fold(0, |n, digit| n * 10 + i16::from(digit.wrapping_sub(b'0') % 10)))
        .collect();
    let mut weight = i16::try_from(before).unwrap_or(i16::MAX) - 1;
    while digits.first() == Some(&0) {
        digits.remove(0);
        weight -= 1;
    }
    while digits.last() == Some(&0) {
        digits.pop();
    }
    out.put_i16(i16::try_from(digits.len()).unwrap_or(i16::MAX));
    out.put_i16(if digits.is_empty() { 0 } else { weight });
    out.put_u16(if negative && !digits.is_empty() { 0x4000 } else { 0 });
    out.put_i16(i16::try_from(part.len()).unwrap_or(i16::MAX));
    digits.into_iter().for_each(|digit| out.put_i16(digit));
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{Decimal128Array, Float64Array, ListArray, TimestampMicrosecondArray};
    use std::sync::Arc;

    fn binary(column: ArrayRef) -> Vec<u8> {
        let mut out = BytesMut::new();
        as_binary(&mut out, &plain(&column).unwrap(), 0);
        out.to_vec()
    }

    #[test]
    fn texts_are_postgresqls() {
        let check = |column: ArrayRef, expect: &str| assert_eq!(as_text(&plain(&column).unwrap(), 0), expect);
        check(Arc::new(Float64Array::from(vec![0.1])), "0.1");
        check(Arc::new(Float64Array::from(vec![f64::NEG_INFINITY])), "-Infinity");
        check(Arc::new(Float64Array::from(vec![1e30])), "1e30");
        let time = TimestampMicrosecondArray::from(vec![1_767_614_400_500_000]);
        check(Arc::new(time.clone()), "2026-01-05 12:00:00.5");
        check(Arc::new(time.with_timezone("UTC")), "2026-01-05 12:00:00.5+00");
        let items = vec![Some("a"), Some("b c"), None, Some("q\"\\"), Some("")];
        let mut list =
            datafusion::arrow::array::ListBuilder::new(datafusion::arrow::array::StringBuilder::new());
        list.append_value(items);
        let list: ListArray = list.finish();
        check(Arc::new(list), r#"{a,"b c",NULL,"q\"\\",""}"#);
    }

    #[test]
    fn binary_forms_are_postgresqls() {
        let time = TimestampMicrosecondArray::from(vec![EPOCH_MICROS + 7]).with_timezone("UTC");
        assert_eq!(binary(Arc::new(time)), 7i64.to_be_bytes());
        let check = |number: i128, scale: i8, expect: &[i16]| {
            let column = Decimal128Array::from(vec![number]).with_precision_and_scale(20, scale).unwrap();
            let expect: Vec<u8> = expect.iter().flat_map(|n| n.to_be_bytes()).collect();
            assert_eq!(binary(Arc::new(column)), expect, "{number} {scale}");
        };
        // Digits, weight, sign, scale, then the digits: as `select 12345.67::numeric` gives them.
        check(1_234_567, 2, &[3, 1, 0, 2, 1, 2345, 6700]);
        check(-5, 3, &[1, -1, 0x4000, 3, 50]);
        check(0, 0, &[0, 0, 0, 0]);
        check(10_000, 0, &[1, 1, 0, 0, 1]);
    }
}
