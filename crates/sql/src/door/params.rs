// SPDX-License-Identifier: Apache-2.0
//! Values of parameters, as clients send them: text or binary, of a type that they name or that is inferred.

use super::values::oid;
use crate::engine::{Kind, SqlError};
use crate::limits;
use datafusion::arrow::array::StringArray;
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit};
use datafusion::scalar::ScalarValue;
use std::net::IpAddr;
use std::sync::Arc;

/// The type of Arrow for a type that a client names; none for one that says nothing.
pub(super) fn type_of(oid: u32) -> Option<DataType> {
    let list = |of: DataType| DataType::List(Arc::new(Field::new("item", of, true)));
    Some(match oid {
        0 | oid::UNKNOWN => return None,
        oid::BOOL => DataType::Boolean,
        oid::INT2 | oid::INT4 | oid::INT8 | oid::OID => DataType::Int64,
        oid::FLOAT4 | oid::FLOAT8 | oid::NUMERIC => DataType::Float64,
        oid::TIMESTAMP | oid::TIMESTAMPTZ => time(),
        oid::DATE => DataType::Date32,
        oid::INTERVAL => DataType::Interval(IntervalUnit::MonthDayNano),
        oid::BOOL_ARRAY => list(DataType::Boolean),
        oid::INT2_ARRAY | oid::INT4_ARRAY | oid::INT8_ARRAY => list(DataType::Int64),
        oid::FLOAT8_ARRAY => list(DataType::Float64),
        oid::TEXT_ARRAY | oid::VARCHAR_ARRAY => list(DataType::Utf8),
        _ => DataType::Utf8,
    })
}

fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn misfit(at: usize, what: &str) -> SqlError {
    SqlError::new(Kind::Value, format!("${} is no {what}", at + 1)).coded("22P02")
}

/// The value of parameter `at`, from 0, whose type the client was told as `oid`.
pub(super) fn value(
    at: usize,
    bytes: Option<&[u8]>,
    binary: bool,
    kind: &DataType,
    oid: u32,
) -> Result<ScalarValue, SqlError> {
    let Some(bytes) = bytes else {
        return ScalarValue::try_from(kind).map_err(|_| misfit(at, "value that can be null"));
    };
    let value = if binary { from_binary(at, bytes, oid)? } else { from_text(at, bytes, kind)? };
    // What is sent in binary may be narrower than what was inferred.
    if value.data_type() == *kind {
        Ok(value)
    } else {
        value.cast_to(kind).map_err(|_| misfit(at, &kind.to_string()))
    }
}

fn from_text(at: usize, bytes: &[u8], kind: &DataType) -> Result<ScalarValue, SqlError> {
    let text = std::str::from_utf8(bytes).map_err(|_| misfit(at, "UTF-8"))?;
    match kind {
        DataType::Utf8 => Ok(ScalarValue::Utf8(Some(text.to_owned()))),
        DataType::Boolean => match text.trim().to_lowercase().as_str() {
            "t" | "true" | "1" | "on" | "yes" => Ok(ScalarValue::Boolean(Some(true))),
            "f" | "false" | "0" | "off" | "no" => Ok(ScalarValue::Boolean(Some(false))),
            _ => Err(misfit(at, "boolean")),
        },
        DataType::List(item) => {
            let items = items(text).ok_or_else(|| misfit(at, "array"))?;
            let values = items.into_iter().map(|item_text| match item_text {
                Some(text) => from_text(at, text.as_bytes(), item.data_type()),
                None => ScalarValue::try_from(item.data_type()).map_err(|_| misfit(at, "array")),
            });
            let values = values.collect::<Result<Vec<_>, _>>()?;
            Ok(ScalarValue::List(ScalarValue::new_list_nullable(&values, item.data_type())))
        }
        kind => {
            let one = StringArray::from(vec![text.trim()]);
            let strict = CastOptions { safe: false, ..CastOptions::default() };
            let made = cast_with_options(&one, kind, &strict).map_err(|_| misfit(at, &kind.to_string()))?;
            ScalarValue::try_from_array(&made, 0).map_err(|_| misfit(at, &kind.to_string()))
        }
    }
}

/// The items of `{a,"b c",NULL}`.
pub(crate) fn items(text: &str) -> Option<Vec<Option<String>>> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let (mut items, mut chars) = (Vec::new(), inner.chars().peekable());
    if inner.trim().is_empty() {
        return Some(items);
    }
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let (mut item, mut quoted) = (String::new(), false);
        if chars.next_if_eq(&'"').is_some() {
            quoted = true;
            loop {
                match chars.next()? {
                    '"' => break,
                    '\\' => item.push(chars.next()?),
                    c => item.push(c),
                }
            }
        }
        while let Some(c) = chars.next_if(|c| *c != ',') {
            match c {
                '{' | '}' | '"' => return None,
                '\\' => item.push(chars.next()?),
                c if quoted && !c.is_whitespace() => return None,
                _ if quoted => {}
                c => item.push(c),
            }
        }
        let null = !quoted && item.trim().eq_ignore_ascii_case("null");
        items.push((!null).then(|| if quoted { item } else { item.trim().to_owned() }));
        if items.len() > limits::SQL_TOKENS {
            return None;
        }
        if chars.next().is_none() {
            return Some(items);
        }
    }
}

fn from_binary(at: usize, bytes: &[u8], oid: u32) -> Result<ScalarValue, SqlError> {
    let fail = || misfit(at, "value in the binary form of its type");
    fn of<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
        bytes.try_into().ok()
    }
    let whole = |n: i64| Ok(ScalarValue::Int64(Some(n)));
    match oid {
        oid::BOOL => Ok(ScalarValue::Boolean(Some(of::<1>(bytes).ok_or_else(fail)? != [0]))),
        oid::INT2 => whole(i16::from_be_bytes(of(bytes).ok_or_else(fail)?).into()),
        oid::INT4 => whole(i32::from_be_bytes(of(bytes).ok_or_else(fail)?).into()),
        oid::OID => whole(u32::from_be_bytes(of(bytes).ok_or_else(fail)?).into()),
        oid::INT8 => whole(i64::from_be_bytes(of(bytes).ok_or_else(fail)?)),
        oid::FLOAT4 => Ok(ScalarValue::Float64(Some(f32::from_be_bytes(of(bytes).ok_or_else(fail)?).into()))),
        oid::FLOAT8 => Ok(ScalarValue::Float64(Some(f64::from_be_bytes(of(bytes).ok_or_else(fail)?)))),
        oid::NUMERIC => numeric(bytes).map(|n| ScalarValue::Float64(Some(n))).ok_or_else(fail),
        oid::TIMESTAMP | oid::TIMESTAMPTZ => {
            let micros =
                i64::from_be_bytes(of(bytes).ok_or_else(fail)?).checked_add(super::values::EPOCH_MICROS);
            Ok(ScalarValue::TimestampMicrosecond(Some(micros.ok_or_else(fail)?), Some("UTC".into())))
        }
        oid::DATE => {
            let days = i32::from_be_bytes(of(bytes).ok_or_else(fail)?).checked_add(super::values::EPOCH_DAYS);
            Ok(ScalarValue::Date32(Some(days.ok_or_else(fail)?)))
        }
        oid::INTERVAL => interval(bytes).ok_or_else(fail),
        oid::UUID => {
            let n = u128::from_be_bytes(of(bytes).ok_or_else(fail)?);
            let hex = format!("{n:032x}");
            let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)].map(|(a, b)| &hex[a..b]);
            Ok(ScalarValue::Utf8(Some(parts.join("-"))))
        }
        oid::INET => inet(bytes).map(|text| ScalarValue::Utf8(Some(text))).ok_or_else(fail),
        // A version in front, then JSON.
        oid::JSONB => text(at, bytes.get(1..).unwrap_or_default()),
        oid if matches!(type_of(oid), Some(DataType::List(_))) => array(at, bytes, oid),
        _ => text(at, bytes),
    }
}

fn text(at: usize, bytes: &[u8]) -> Result<ScalarValue, SqlError> {
    let text = std::str::from_utf8(bytes).map_err(|_| misfit(at, "UTF-8"))?;
    Ok(ScalarValue::Utf8(Some(text.to_owned())))
}

fn interval(bytes: &[u8]) -> Option<ScalarValue> {
    let (micros, rest) = bytes.split_first_chunk::<8>()?;
    let (days, months) = rest.split_first_chunk::<4>()?;
    let value = datafusion::arrow::datatypes::IntervalMonthDayNano::new(
        i32::from_be_bytes(months.try_into().ok()?),
        i32::from_be_bytes(*days),
        i64::from_be_bytes(*micros).checked_mul(1000)?,
    );
    Some(ScalarValue::IntervalMonthDayNano(Some(value)))
}

/// Family, length of the prefix, whether it is a network, length, address.
fn inet(bytes: &[u8]) -> Option<String> {
    let ([_, prefix, network, length], address) = bytes.split_first_chunk::<4>()?;
    let address: IpAddr = match (length, address.len()) {
        (4, 4) => <[u8; 4]>::try_from(address).ok()?.into(),
        (16, 16) => <[u8; 16]>::try_from(address).ok()?.into(),
        _ => return None,
    };
    let whole = if address.is_ipv4() { 32 } else { 128 };
    Some(if *network == 0 && *prefix == whole { address.to_string() } else { format!("{address}/{prefix}") })
}

/// Digits of base 10,000 to the nearest float: that is what columns here have.
fn numeric(bytes: &[u8]) -> Option<f64> {
    let words: Vec<u16> =
        bytes.chunks(2).map(|pair| Some(u16::from_be_bytes(pair.try_into().ok()?))).collect::<Option<_>>()?;
    let [many, weight, sign, _, digits @ ..] = words.as_slice() else { return None };
    if digits.len() != usize::from(*many) || *sign > 0x4000 {
        return (*sign == 0xc000).then_some(f64::NAN);
    }
    let mut text = String::from(if *sign == 0x4000 { "-0" } else { "0" });
    digits.iter().for_each(|digit| text.push_str(&format!("{digit:04}")));
    let exponent = (i32::from(*weight as i16) + 1 - i32::from(*many)) * 4;
    format!("{text}e{exponent}").parse().ok()
}

fn array(at: usize, bytes: &[u8], oid: u32) -> Result<ScalarValue, SqlError> {
    let fail = || misfit(at, "array of one dimension");
    let Some(DataType::List(item)) = type_of(oid) else { return Err(fail()) };
    let word = |n: usize| Some(u32::from_be_bytes(bytes.get(n * 4..n * 4 + 4)?.try_into().ok()?));
    let (dimensions, of) = word(0).zip(word(2)).ok_or_else(fail)?;
    let mut values = Vec::new();
    if dimensions != 0 {
        let many = word(3).filter(|_| dimensions == 1).ok_or_else(fail)?;
        let mut rest = bytes.get(20..).ok_or_else(fail)?;
        for _ in 0..many {
            let (length, after) = rest.split_first_chunk::<4>().ok_or_else(fail)?;
            let length = i32::from_be_bytes(*length);
            let value = match usize::try_from(length) {
                Err(_) => {
                    rest = after;
                    ScalarValue::try_from(item.data_type()).map_err(|_| fail())?
                }
                Ok(length) => {
                    let (one, after) = after.split_at_checked(length).ok_or_else(fail)?;
                    rest = after;
                    from_binary(at, one, of)?.cast_to(item.data_type()).map_err(|_| fail())?
                }
            };
            values.push(value);
        }
    }
    Ok(ScalarValue::List(ScalarValue::new_list_nullable(&values, item.data_type())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::Array;

    #[test]
    fn arrays_in_text() {
        let check = |text: &str, expect: Option<&[Option<&str>]>| {
            let found = items(text);
            let found: Option<Vec<Option<&str>>> =
                found.as_ref().map(|f| f.iter().map(Option::as_deref).collect());
            assert_eq!(found.as_deref(), expect, "{text}");
        };
        check("{}", Some(&[]));
        check(
            "{a, b c ,NULL,\"NULL\",\"x\\\"y,\"}",
            Some(&[Some("a"), Some("b c"), None, Some("NULL"), Some("x\"y,")]),
        );
        for bad in ["", "{a", "{\"a}", "{{a}}", "{\"a\"b}"] {
            check(bad, None);
        }
    }

    #[test]
    fn binary_values() {
        let check = |oid: u32, bytes: &[u8], expect: ScalarValue| {
            let kind = type_of(oid).unwrap();
            assert_eq!(value(0, Some(bytes), true, &kind, oid).unwrap(), expect, "{oid}");
        };
        check(oid::INT4, &[255, 255, 255, 254], ScalarValue::Int64(Some(-2)));
        check(
            oid::NUMERIC,
            &[0, 3, 0, 1, 0x40, 0, 0, 2, 0, 1, 9, 41, 26, 44],
            ScalarValue::Float64(Some(-12_345.67)),
        );
        check(oid::INET, &[2, 32, 0, 4, 192, 0, 2, 7], ScalarValue::Utf8(Some("192.0.2.7".into())));
        check(oid::INET, &[2, 24, 1, 4, 192, 0, 2, 0], ScalarValue::Utf8(Some("192.0.2.0/24".into())));
        for cut in 0..8 {
            assert!(value(0, Some(&[0; 8][..cut]), true, &DataType::Int64, oid::INT8).is_err());
        }
        let array = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 9];
        let ScalarValue::List(list) =
            value(0, Some(&array), true, &type_of(oid::INT4_ARRAY).unwrap(), oid::INT4_ARRAY).unwrap()
        else {
            panic!()
        };
        assert_eq!(list.values().len(), 1);
        for cut in 0..array.len() {
            assert!(
                value(0, Some(&array[..cut]), true, &type_of(oid::INT4_ARRAY).unwrap(), oid::INT4_ARRAY)
                    .is_err(),
                "{cut}"
            );
        }
        assert!(value(0, Some(b"x"), false, &DataType::Int64, 0).is_err());
    }
}
