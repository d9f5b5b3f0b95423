// SPDX-License-Identifier: Apache-2.0
//! Shown values as JSON: a row's fields in one column, and nested values for those who take text.

use crate::present::time_text;
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use std::fmt::Write as _;
use wardroom_event::Micros;

/// One row of named columns as an object; what is null is left out.
pub(crate) fn object<'a>(columns: impl Iterator<Item = (&'a str, &'a ArrayRef)>, row: usize) -> String {
    let mut out = "{".to_owned();
    for (name, column) in columns.filter(|(_, column)| !column.is_null(row)) {
        if out.len() > 1 {
            out.push(',');
        }
        string(&mut out, name);
        out.push(':');
        value(&mut out, column, row);
    }
    out.push('}');
    out
}

/// One value.
pub(crate) fn value(out: &mut String, column: &ArrayRef, row: usize) {
    if column.is_null(row) || *column.data_type() == DataType::Null {
        out.push_str("null");
        return;
    }
    match column.data_type() {
        DataType::Boolean => out.push_str(if column.as_boolean().value(row) { "true" } else { "false" }),
        DataType::Int64 => {
            let _ = write!(out, "{}", column.as_primitive::<Int64Type>().value(row));
        }
        DataType::Float64 => number(out, column.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => string(out, column.as_string::<i32>().value(row)),
        DataType::Timestamp(datafusion::arrow::datatypes::TimeUnit::Microsecond, _) => {
            let time = Micros(column.as_primitive::<TimestampMicrosecondType>().value(row));
            string(out, &time_text(time));
        }
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            out.push('[');
            for at in 0..items.len() {
                if at > 0 {
                    out.push(',');
                }
                value(out, &items, at);
            }
            out.push(']');
        }
        DataType::Struct(fields) => {
            let record = column.as_struct();
            let columns = fields.iter().map(|f| f.name().as_str()).zip(record.columns());
            out.push_str(&object(columns, row));
        }
        _ => string(out, &plain(column, row)),
    }
}

/// JSON knows no infinity and no NaN.
fn number(out: &mut String, number: f64) {
    let _ = if number.is_finite() { write!(out, "{number}") } else { write!(out, "\"{number}\"") };
}

/// What Arrow itself writes of a value.
pub(crate) fn plain(column: &dyn Array, row: usize) -> String {
    let options = FormatOptions::default();
    let text = ArrayFormatter::try_new(column, &options).map(|f| f.value(row).to_string());
    text.unwrap_or_default()
}

fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
