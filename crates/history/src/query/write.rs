// SPDX-License-Identifier: Apache-2.0
//! Answers as bytes: JSON, one row a line, CSV, or Arrow's stream. One batch at a time, so that a large answer never lies in
//! memory twice.

use super::answer::Answer;
use super::error::QueryError;
use super::show::Look;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    DurationMicrosecondType, Float64Type, Int64Type, TimestampMicrosecondType, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, SchemaRef, TimeUnit};
use serde_json::{Value as Json, json};
use std::io::Write as _;
use wardroom_event::Micros;
use wardroom_policy::form;

/// Rows that are written at a time.
const ROWS: usize = 4096;
/// Before what spreadsheets would take for a formula: in CSV such a text gets a quote in front (OWASP).
const FORMULAS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// The rows of an answer, in batches of one schema.
pub trait Rows: Send {
    /// The columns. Metadata says what Arrow's types do not: `wardroom.type`, `wardroom.column` (`key`, `step`, `sum`,
    /// `before`, `change`), `wardroom.error`, `wardroom.unknown`.
    fn schema(&self) -> SchemaRef;

    /// The next batch; none at the end.
    ///
    /// # Errors
    /// When there is no more because something failed.
    fn next(&mut self) -> Option<Result<RecordBatch, QueryError>>;

    /// What there is to say beside the rows; whole once they are all there.
    fn about(&self) -> About;
}

/// What there is to say of an answer.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct About {
    /// Whether there are more rows than the limit allows.
    pub truncated: bool,
    /// How many groups there were, before `top` and the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<u64>,
    /// For how many events the condition holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched: Option<u64>,
    /// For how many it is unknown: they are in no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<u64>,
    /// From when on, where that is bounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Until when, without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Values that nobody kept, estimates.
    pub notes: Vec<String>,
}

/// The rows of an answer to a query of the policy language.
pub struct Answered {
    answer: Answer,
    look: Look,
    at: usize,
}

impl Answered {
    /// As it may be seen.
    pub fn new(answer: Answer, look: Look) -> Answered {
        Answered { answer, look, at: 0 }
    }
}

impl Rows for Answered {
    fn schema(&self) -> SchemaRef {
        self.look.schema(&self.answer)
    }

    fn next(&mut self) -> Option<Result<RecordBatch, QueryError>> {
        let end = self.answer.rows.len().min(self.at + ROWS);
        let range = self.at..end;
        self.at = end;
        (!range.is_empty()).then(|| self.look.batch(&self.answer, range).map_err(QueryError::from))
    }

    fn about(&self) -> About {
        let Answer { truncated, groups, counts, period, notes, .. } = &self.answer;
        About {
            truncated: *truncated,
            groups: *groups,
            matched: Some(counts.matched),
            unknown: Some(counts.unknown),
            from: period.0.map(|t| t.to_string()),
            to: period.1.map(|t| t.to_string()),
            notes: notes.clone(),
        }
    }
}

/// What an answer is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One object with columns and rows.
    Json,
    /// An object a row, one a line.
    Ndjson,
    /// With a head, lines ending as RFC 4180 has it.
    Csv,
    /// Arrow's streaming format.
    Arrow,
}

/// Why an answer could not be written to its end.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There are no more rows, though there should be.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// Arrow's own.
    #[error("the answer cannot be written: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
    /// Nobody takes it any more.
    #[error("nobody takes the answer any more")]
    Gone,
}

/// Writes an answer, and hands over its bytes in pieces; `more` is what JSON says behind the rows. It ends early where
/// `take` says that nobody takes them.
///
/// # Errors
/// [`WriteError`], also in the midst of an answer.
pub fn write(
    rows: &mut dyn Rows,
    format: Format,
    more: impl FnOnce(&About) -> serde_json::Map<String, Json>,
    mut take: impl FnMut(Vec<u8>) -> bool,
) -> Result<About, WriteError> {
    let schema = rows.schema();
    let mut put = |bytes: Vec<u8>| if take(bytes) { Ok(()) } else { Err(WriteError::Gone) };
    let mut arrow = match format {
        Format::Arrow => Some(StreamWriter::try_new(Vec::new(), &schema)?),
        _ => None,
    };
    put(head(&schema, format))?;
    let mut first = true;
    while let Some(batch) = rows.next() {
        let batch = batch?;
        put(match &mut arrow {
            Some(writer) => {
                writer.write(&batch)?;
                std::mem::take(writer.get_mut())
            }
            None => piece(&batch, format, &mut first)?,
        })?;
    }
    let about = rows.about();
    match (format, arrow) {
        (Format::Json, _) => {
            let more = serde_json::to_vec(&more(&about)).unwrap_or_default();
            // Its opening brace becomes a comma: the rows stand before it in one object.
            put([b"],", more.get(1..).unwrap_or(b"}")].concat())?;
        }
        (_, Some(mut writer)) => {
            writer.finish()?;
            put(std::mem::take(writer.get_mut()))?;
        }
        _ => {}
    }
    Ok(about)
}

/// What stands before the rows.
fn head(schema: &SchemaRef, format: Format) -> Vec<u8> {
    match format {
        Format::Json => {
            let columns: Vec<Json> = schema.fields().iter().map(|field| column(field)).collect();
            let columns = serde_json::to_string(&columns).unwrap_or_default();
            format!("{{\"columns\":{columns},\"rows\":[").into_bytes()
        }
        Format::Csv => {
            let names: Vec<String> = schema.fields().iter().map(|f| quoted(f.name())).collect();
            format!("{}\r\n", names.join(",")).into_bytes()
        }
        _ => Vec::new(),
    }
}

/// A column as JSON says it.
pub fn column(field: &Field) -> Json {
    let mut column = json!({ "name": field.name(), "type": type_of(field) });
    let texts = [("wardroom.column", "role")];
    let numbers = [("wardroom.error", "error"), ("wardroom.unknown", "unknown")];
    for (key, name) in texts {
        field.metadata().get(key).into_iter().for_each(|text| column[name] = json!(text));
    }
    for (key, name) in numbers {
        let number = field.metadata().get(key).and_then(|text| serde_json::from_str::<Json>(text).ok());
        number.into_iter().for_each(|number| column[name] = number);
    }
    column
}

/// The type of a column as policy names it, or else as Arrow does.
fn type_of(field: &Field) -> String {
    if let Some(kind) = field.metadata().get("wardroom.type") {
        return kind.clone();
    }
    match field.data_type() {
        DataType::Boolean => "bool".to_owned(),
        kind if kind.is_integer() => "int".to_owned(),
        kind if kind.is_floating() => "number".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Timestamp(..) => "time".to_owned(),
        DataType::Duration(_) => "duration".to_owned(),
        other => other.to_string().to_lowercase(),
    }
}

/// The rows of a batch.
fn piece(batch: &RecordBatch, format: Format, first: &mut bool) -> Result<Vec<u8>, WriteError> {
    let schema = batch.schema();
    let columns: Vec<Cells<'_>> = batch.columns().iter().map(Cells::of).collect::<Result<_, _>>()?;
    let mut out = Vec::new();
    for row in 0..batch.num_rows() {
        // Writing to a vector cannot fail.
        match format {
            Format::Json => {
                let cells: Vec<Json> = columns.iter().map(|cells| cells.json(row)).collect();
                if !std::mem::take(first) {
                    out.push(b',');
                }
                let _ = serde_json::to_writer(&mut out, &cells);
            }
            Format::Ndjson => {
                // In the order of the columns, which a map of JSON would not keep.
                for (at, (field, cells)) in schema.fields().iter().zip(&columns).enumerate() {
                    let name = Json::from(field.name().as_str());
                    let _ = write!(out, "{}{name}:{}", if at == 0 { '{' } else { ',' }, cells.json(row));
                }
                out.push(b'}');
                out.push(b'\n');
            }
            _ => {
                let cells: Vec<String> = columns.iter().map(|cells| quoted(&cells.text(row))).collect();
                let _ = write!(out, "{}\r\n", cells.join(","));
            }
        }
    }
    Ok(out)
}

/// A text as CSV has it. A text that a spreadsheet would run is made one that it shows.
fn quoted(text: &str) -> String {
    let is_number = text.parse::<f64>().is_ok();
    let guarded = if text.starts_with(FORMULAS) && !is_number { format!("'{text}") } else { text.to_owned() };
    if guarded.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

/// The values of an array, for texts and JSON.
pub struct Cells<'a> {
    array: &'a ArrayRef,
    other: Option<ArrayFormatter<'a>>,
}

impl<'a> Cells<'a> {
    /// Looks into an array.
    ///
    /// # Errors
    /// When its type cannot be shown.
    pub fn of(array: &'a ArrayRef) -> Result<Cells<'a>, arrow_schema::ArrowError> {
        let known = matches!(
            array.data_type(),
            DataType::Boolean
                | DataType::Int64
                | DataType::UInt64
                | DataType::Float64
                | DataType::Utf8
                | DataType::Timestamp(TimeUnit::Microsecond, _)
                | DataType::Duration(TimeUnit::Microsecond)
                | DataType::FixedSizeBinary(form::IP | form::NET)
        );
        static OPTIONS: FormatOptions<'static> = FormatOptions::new();
        let other = if known { None } else { Some(ArrayFormatter::try_new(array.as_ref(), &OPTIONS)?) };
        Ok(Cells { array, other })
    }

    /// The value of a row as JSON: times as RFC 3339, lengths of time in seconds, addresses as text.
    pub fn json(&self, row: usize) -> Json {
        let array = self.array;
        if array.is_null(row) {
            return Json::Null;
        }
        match array.data_type() {
            DataType::Boolean => json!(array.as_boolean().value(row)),
            DataType::Int64 => json!(array.as_primitive::<Int64Type>().value(row)),
            DataType::UInt64 => json!(array.as_primitive::<UInt64Type>().value(row)),
            DataType::Float64 => json!(array.as_primitive::<Float64Type>().value(row)),
            DataType::Duration(TimeUnit::Microsecond) => {
                json!(array.as_primitive::<DurationMicrosecondType>().value(row) as f64 / 1e6)
            }
            _ => match &self.other {
                Some(other) if array.data_type().is_numeric() => {
                    let text = other.value(row).to_string();
                    serde_json::from_str(&text).unwrap_or(Json::String(text))
                }
                _ => Json::String(self.text(row)),
            },
        }
    }

    /// The value of a row as text; nothing where it is unknown.
    pub fn text(&self, row: usize) -> String {
        let array = self.array;
        if array.is_null(row) {
            return String::new();
        }
        match array.data_type() {
            DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Micros(array.as_primitive::<TimestampMicrosecondType>().value(row)).to_string()
            }
            DataType::FixedSizeBinary(form::IP) => {
                form::ip(array.as_fixed_size_binary().value(row)).map(|ip| ip.to_string()).unwrap_or_default()
            }
            DataType::FixedSizeBinary(form::NET) => {
                form::net(array.as_fixed_size_binary().value(row)).map(|n| n.to_string()).unwrap_or_default()
            }
            _ => match &self.other {
                Some(other) => other.value(row).to_string(),
                None => match self.json(row) {
                    Json::String(text) => text,
                    json => json.to_string(),
                },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Column, Counts, Role};
    use wardroom_event::{Sight, Span, Type, Value};

    fn answer() -> Answer {
        let column = |name: &str, kind: Type, role: Role| Column {
            field: wardroom_event::Field::plain(name, kind, true),
            role,
            error: (role == Role::Sum).then_some(0.01),
            unknown: 3,
        };
        let text = |t: &str| Value::Text(t.into());
        Answer {
            columns: vec![
                column("account", Type::Account, Role::Key),
                column("ip", Type::Ip, Role::Key),
                column("n", Type::Int, Role::Sum),
                column("wait", Type::Duration, Role::Sum),
                column("at", Type::Time, Role::Sum),
            ],
            rows: vec![
                vec![
                    text("=cmd(\"x\")"),
                    Value::Ip("10.0.0.1".parse().unwrap()),
                    Value::Int(-1),
                    Value::Duration(Span(1_500_000)),
                    Value::Time(Micros(0)),
                ],
                vec![Value::Missing; 5],
            ],
            truncated: true,
            groups: Some(9),
            counts: Counts { rows: 9, matched: 5, unknown: 1 },
            period: (Some(Micros(0)), None),
            notes: vec!["a note".to_owned()],
        }
    }

    fn written(format: Format) -> Vec<u8> {
        let look = Look { sight: Sight::Full, secret: [0; 16] };
        let mut out = Vec::new();
        let mut rows = Answered::new(answer(), look);
        let more = |about: &About| match serde_json::to_value(about) {
            Ok(Json::Object(more)) => more,
            _ => serde_json::Map::new(),
        };
        write(&mut rows, format, more, |bytes| {
            out.extend(bytes);
            true
        })
        .unwrap();
        out
    }

    #[test]
    fn an_answer_is_written_in_each_form() {
        let json: Json = serde_json::from_slice(&written(Format::Json)).unwrap();
        assert_eq!(
            json["columns"][2],
            json!({"name": "n", "type": "int", "role": "sum", "error": 0.01, "unknown": 3})
        );
        assert_eq!(json["rows"][0], json!(["=cmd(\"x\")", "10.0.0.1", -1, 1.5, "1970-01-01T00:00:00Z"]));
        assert_eq!(json["rows"][1], json!([null, null, null, null, null]));
        assert_eq!(
            (&json["truncated"], &json["groups"], &json["matched"]),
            (&json!(true), &json!(9), &json!(5))
        );
        let lines = String::from_utf8(written(Format::Ndjson)).unwrap();
        assert_eq!(lines.lines().count(), 2);
        assert_eq!(serde_json::from_str::<Json>(lines.lines().next().unwrap()).unwrap()["n"], json!(-1));
        let csv = String::from_utf8(written(Format::Csv)).unwrap();
        assert_eq!(
            csv,
            "account,ip,n,wait,at\r\n\"'=cmd(\"\"x\"\")\",10.0.0.1,-1,1.5,1970-01-01T00:00:00Z\r\n,,,,\r\n"
        );
        let mut stream =
            arrow_ipc::reader::StreamReader::try_new(std::io::Cursor::new(written(Format::Arrow)), None)
                .unwrap();
        assert_eq!(stream.next().unwrap().unwrap().num_rows(), 2);
        assert_eq!(stream.schema().field(0).metadata()["wardroom.type"], "account");
    }

    #[test]
    fn writing_ends_where_nobody_takes_it() {
        let mut rows = Answered::new(answer(), Look { sight: Sight::Full, secret: [0; 16] });
        let gone = write(&mut rows, Format::Csv, |_| serde_json::Map::new(), |_| false);
        assert!(matches!(gone, Err(WriteError::Gone)));
    }
}
