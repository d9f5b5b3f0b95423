// SPDX-License-Identifier: Apache-2.0
//! Values and rows of tables in words.

use crate::ir::Typed;
use crate::table::{Cell, RowOf};
use std::fmt::Write as _;
use wardroom_event::{Sight, Type, Value};

/// A number with at most six digits that say something.
pub(crate) fn number(n: f64) -> String {
    if n == 0.0 || !n.is_finite() {
        return n.to_string();
    }
    let before = n.abs().log10().floor() as i32 + 1;
    let digits = usize::try_from((6 - before).clamp(0, 12)).unwrap_or(0);
    let mut text = String::new();
    let _ = write!(text, "{n:.digits$}");
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    text
}

/// A written value, as policy writes it.
pub(crate) fn literal(value: &Value, kind: Type) -> String {
    match value {
        Value::Bool(_) | Value::Int(_) | Value::Number(_) if !matches!(kind, Type::Size | Type::Rate) => {
            value.show(kind, Sight::Full)
        }
        _ => format!("\"{}\"", value.show(kind, Sight::Full)),
    }
}

/// A row of a table: its cells and what it gives.
pub(crate) fn row_words(row: &RowOf, inputs: &[Typed], gives: Type) -> String {
    let kinds = inputs.iter().map(|i| i.kind);
    let cells: Vec<String> = kinds.enumerate().map(|(at, kind)| cell(row.cells.get(at), kind)).collect();
    format!("{} -> {}", cells.join(", "), literal(&row.value, gives))
}

fn cell(cell: Option<&Cell>, kind: Type) -> String {
    match cell {
        None | Some(Cell::Any) => "any".to_owned(),
        Some(Cell::Is(value)) => literal(value, kind),
        Some(Cell::Among(values)) => {
            let most = crate::limits::LISTED;
            let mut words: Vec<String> = values.iter().take(most).map(|v| literal(v, kind)).collect();
            words.extend((values.len() > most).then(|| "…".to_owned()));
            words.join(" or ")
        }
        Some(Cell::Range { from, to }) => match (from, to) {
            (Some(from), Some(to)) => {
                format!("{} to {}", literal(&from.value, kind), literal(&to.value, kind))
            }
            (Some(from), None) => {
                format!("{} {}", if from.inclusive { ">=" } else { ">" }, literal(&from.value, kind))
            }
            (None, Some(to)) => {
                format!("{} {}", if to.inclusive { "<=" } else { "<" }, literal(&to.value, kind))
            }
            (None, None) => "nothing".to_owned(),
        },
    }
}
