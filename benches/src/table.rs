// SPDX-License-Identifier: Apache-2.0
//! What was measured, as a table for people and as JSON.

use crate::harness::Timing;
use serde::ser::{SerializeStruct, Serializer};
use std::fmt;

/// One line of a table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// What was timed.
    pub(crate) name: String,
    /// What it took.
    pub(crate) timing: Timing,
}

impl serde::Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("Row", 3)?;
        row.serialize_field("name", &self.name)?;
        row.serialize_field("best_ns", &self.timing.best)?;
        row.serialize_field("median_ns", &self.timing.median)?;
        row.end()
    }
}

/// Rows that may be compared with each other.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Table {
    /// What was measured.
    pub(crate) title: String,
    /// What one operation is.
    pub(crate) per: &'static str,
    /// What a reader must know to judge the numbers.
    pub(crate) notes: Vec<String>,
    /// The lines.
    pub(crate) rows: Vec<Row>,
}

impl Table {
    pub(crate) fn new(title: impl Into<String>, per: &'static str) -> Table {
        Table { title: title.into(), per, notes: Vec::new(), rows: Vec::new() }
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Table {
        self.notes.push(note.into());
        self
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|r| r.name.chars().count()).max().unwrap_or(0).max(24);
        writeln!(f, "{}", self.title)?;
        writeln!(f, "  {:width$}  {:>10}  {:>10}  {:>12}", "", "best", "median", "a second")?;
        for Row { name, timing } in &self.rows {
            // From the median: the rate that lasts.
            let rate = thousands(1e9 / timing.median);
            writeln!(
                f,
                "  {name:width$}  {:>10}  {:>10}  {rate:>12}",
                time(timing.best),
                time(timing.median)
            )?;
        }
        write!(f, "  for each {}", self.per)?;
        for note in &self.notes {
            write!(f, "\n  · {note}")?;
        }
        writeln!(f)
    }
}

/// Nanoseconds with three digits and their unit.
fn time(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "µs"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    let digits = match value {
        v if v < 10.0 => 2,
        v if v < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

/// A whole number, its thousands apart.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_rates_are_written_for_people() {
        let check = |ns: f64, expect: &str, rate: &str| {
            assert_eq!((time(ns).as_str(), thousands(1e9 / ns).as_str()), (expect, rate));
        };
        check(2.345, "2.35 ns", "426 439 232");
        check(45.6, "45.6 ns", "21 929 825");
        check(12_345.0, "12.3 µs", "81 004");
        check(7.5e6, "7.50 ms", "133");
        check(2e9, "2.00 s", "0");
    }

    #[test]
    fn a_table_has_its_rows_and_notes() {
        let mut table = Table::new("a rule", "evaluation").note("all true");
        table.rows.push(Row { name: "by hand".to_owned(), timing: Timing { best: 2.0, median: 3.0 } });
        let text = table.to_string();
        assert!(text.contains("by hand                      2.00 ns     3.00 ns   333 333 333"), "{text}");
        assert!(text.ends_with("for each evaluation\n  · all true\n"), "{text}");
        let json = serde_json::to_value(&table).unwrap();
        assert_eq!(json["rows"][0], serde_json::json!({"name": "by hand", "best_ns": 2.0, "median_ns": 3.0}));
    }
}
