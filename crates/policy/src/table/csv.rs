// SPDX-License-Identifier: Apache-2.0
//! A table's rows from a CSV file: RFC 4180, strict, every fault with its line.
//!
//! The first line names the inputs, in any order, and the result last. Empty lines and lines that begin with `#` are
//! passed over. The last row may be `else,,,value`. Quotes are the file's: what a cell means is read from what they
//! hold, so a text that is itself to be quoted (see [`parse_cell`]) is written `"""a | b"""`.

use super::RowOf;
use super::cell::{Cell, parse_cell, parse_value, shown};
use crate::limits;
use wardroom_event::{Type, Value, nearest};

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CsvTable {
    /// Cells in the order of the table's inputs, whatever the file's.
    pub(crate) rows: Vec<RowOf>,
    pub(crate) otherwise: Option<Value>,
}

/// Reads a file of a table with these inputs. The last column is named `value`, or as `result` is.
///
/// # Errors
/// Every fault with its line, from 1, at most [`limits::DIAGNOSTICS`].
pub(crate) fn read_csv(
    text: &str,
    columns: &[(Box<str>, Type)],
    result: (&str, Type),
) -> Result<CsvTable, Vec<(usize, String)>> {
    let mut records = Records::new(text);
    let order = match records.next() {
        None => return Err(vec![(1, "the file is empty; its first line names the columns".to_owned())]),
        Some(Err(fault)) => return Err(vec![fault]),
        Some(Ok(header)) => header_order(&header, columns, result.0)?,
    };
    let mut read = Reading { columns, result, order, rows: Vec::new(), otherwise: None, faults: Vec::new() };
    for record in records {
        match record {
            Ok(record) => read.record(&record),
            Err(fault) => read.faults.push(fault),
        }
        if read.rows.len() > limits::TABLE_ROWS || read.faults.len() >= limits::DIAGNOSTICS {
            break;
        }
    }
    read.faults.truncate(limits::DIAGNOSTICS);
    if read.faults.is_empty() {
        Ok(CsvTable { rows: read.rows, otherwise: read.otherwise.map(|(_, value)| value) })
    } else {
        Err(read.faults)
    }
}

/// For each field of a line but the last, the input it is for.
fn header_order(
    header: &Record,
    columns: &[(Box<str>, Type)],
    result: &str,
) -> Result<Vec<usize>, Vec<(usize, String)>> {
    let mut faults = Vec::new();
    let mut fault = |message: String| faults.push((header.line, message));
    let names: Vec<&str> = header.fields.iter().map(|name| name.trim()).collect();
    let (last, inputs) = names.split_last().unwrap_or((&"", &[]));
    if *last != result && *last != "value" {
        fault(format!("the last column is `{}`; it must be `value` or `{result}`", shown(last)));
    }
    let mut order = Vec::with_capacity(inputs.len());
    for name in inputs.iter().take(limits::FIELDS) {
        match columns.iter().position(|(known, _)| **known == **name) {
            Some(at) if order.contains(&at) => fault(format!("the column `{}` is there twice", shown(name))),
            Some(at) => order.push(at),
            None => fault(unknown_column(name, columns)),
        }
    }
    for (at, (name, _)) in columns.iter().enumerate() {
        if !order.contains(&at) {
            fault(format!("no column is named `{name}`"));
        }
    }
    if faults.is_empty() { Ok(order) } else { Err(faults) }
}

fn unknown_column(name: &str, columns: &[(Box<str>, Type)]) -> String {
    let help = match nearest(name, columns.iter().map(|(known, _)| &**known)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let known: Vec<&str> = columns.iter().map(|(known, _)| &**known).collect();
            format!("the table's inputs are: {}", known.join(", "))
        }
    };
    format!("the table has no input `{}`; {help}", shown(name))
}

/// What is read so far.
struct Reading<'a> {
    columns: &'a [(Box<str>, Type)],
    result: (&'a str, Type),
    order: Vec<usize>,
    rows: Vec<RowOf>,
    /// With its line.
    otherwise: Option<(usize, Value)>,
    faults: Vec<(usize, String)>,
}

impl Reading<'_> {
    fn record(&mut self, record: &Record) {
        let (has, wants) = (record.fields.len(), self.order.len() + 1);
        let Some((last, inputs)) = record.fields.split_last().filter(|_| has == wants) else {
            let message = format!("the line has {has} fields; the first line names {wants} columns");
            self.faults.push((record.line, message));
            return;
        };
        if let Some((line, _)) = self.otherwise {
            let message = format!("`else` in line {line} must be the last row");
            self.faults.push((record.line, message));
            return;
        }
        let value = self.value(record.line, last);
        if inputs.first().is_some_and(|first| first.trim() == "else") {
            if inputs[1..].iter().any(|field| !matches!(field.trim(), "" | "*")) {
                self.faults.push((record.line, "the cells of `else` must be empty".to_owned()));
            }
            // A faulty value has been reported: later rows are still told that this one must be last.
            self.otherwise = Some((record.line, value.unwrap_or(Value::Missing)));
            return;
        }
        if self.rows.len() == limits::TABLE_ROWS {
            self.faults.push((record.line, format!("a table has at most {} rows", limits::TABLE_ROWS)));
        }
        let cells = self.cells(record.line, inputs);
        // A broken row keeps its place, for the count of rows.
        self.rows.push(RowOf { cells, value: value.unwrap_or(Value::Missing) });
    }

    fn value(&mut self, line: usize, field: &str) -> Option<Value> {
        let read = match field.trim() {
            "" => Err("is empty; each row has a value".to_owned()),
            text => parse_value(text, self.result.1),
        };
        read.map_err(|why| self.faults.push((line, format!("this cell of the last column {why}")))).ok()
    }

    fn cells(&mut self, line: usize, fields: &[String]) -> Vec<Cell> {
        let mut cells = vec![Cell::Any; self.columns.len()];
        for (field, column) in fields.iter().zip(&self.order) {
            let (name, kind) = &self.columns[*column];
            match parse_cell(field, *kind) {
                Ok(cell) => cells[*column] = cell,
                Err(why) => self.faults.push((line, format!("this cell of `{name}` {why}"))),
            }
        }
        cells
    }
}

/// One line, or more where a field holds line ends.
struct Record {
    /// The line it begins in, from 1.
    line: usize,
    fields: Vec<String>,
}

/// Splits a text into records.
struct Records<'a> {
    rest: &'a str,
    line: usize,
}

/// What follows a field.
#[derive(PartialEq)]
enum End {
    Field,
    Record,
}

impl<'a> Records<'a> {
    fn new(text: &'a str) -> Records<'a> {
        Records { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 }
    }

    /// Takes so many bytes, counting lines.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn take_line(&mut self) {
        self.take(self.rest.find('\n').map_or(self.rest.len(), |at| at + 1));
    }

    fn skip_empty_and_comments(&mut self) {
        while let Some(line) = self.rest.lines().next() {
            if !line.trim().is_empty() && !line.starts_with('#') {
                return;
            }
            self.take_line();
        }
    }

    fn record(&mut self) -> Result<Record, String> {
        let (line, mut fields) = (self.line, Vec::new());
        loop {
            let field = if self.rest.starts_with('"') { self.quoted()? } else { self.plain()? };
            if field.len() > limits::TABLE_CELL_BYTES {
                let most = limits::TABLE_CELL_BYTES;
                return Err(format!("a field has {} bytes; the most is {most}", field.len()));
            }
            fields.push(field);
            if self.end()? == End::Record {
                return Ok(Record { line, fields });
            }
        }
    }

    fn plain(&mut self) -> Result<String, String> {
        let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
        let field = &self.rest[..end];
        // Where the record ends, the carriage return is part of the line's end.
        let field =
            if self.rest[end..].starts_with(',') { field } else { field.strip_suffix('\r').unwrap_or(field) };
        if field.contains('"') {
            let help = "put the whole field in quotes, from comma to comma, and write those within it twice";
            return Err(format!("a quote stands within `{}`; {help}", shown(field)));
        }
        if field.contains('\r') {
            return Err(format!("a carriage return stands within `{}`", shown(field)));
        }
        Ok(self.take(field.len()).to_owned())
    }

    fn quoted(&mut self) -> Result<String, String> {
        let mut field = String::new();
        self.take(1);
        loop {
            let Some(end) = self.rest.find('"') else {
                self.take(self.rest.len());
                return Err("a quote is not closed before the end of the file".to_owned());
            };
            field.push_str(self.take(end));
            self.take(1);
            if !self.rest.starts_with('"') {
                return Ok(field);
            }
            field.push_str(self.take(1));
        }
    }

    fn end(&mut self) -> Result<End, String> {
        let (bytes, end) = match self.rest.as_bytes() {
            [] => (0, End::Record),
            [b',', ..] => (1, End::Field),
            [b'\n', ..] => (1, End::Record),
            [b'\r', b'\n', ..] => (2, End::Record),
            [b'\r'] => (1, End::Record),
            _ => return Err("something stands between a closing quote and the comma".to_owned()),
        };
        self.take(bytes);
        Ok(end)
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, (usize, String)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.skip_empty_and_comments();
        if self.rest.is_empty() {
            return None;
        }
        let line = self.line;
        let record = self.record();
        if record.is_err() && !self.rest.is_empty() {
            self.take_line();
        }
        Some(record.map_err(|why| (line, why)))
    }
}
