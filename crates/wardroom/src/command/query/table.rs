// SPDX-License-Identifier: Apache-2.0
//! An answer as a table: numbers to the right, a bar for each step of a time series, one line a key where a series has keys.

use crate::terminal::{Paint, grouped, one_line, size};
use serde_json::Value;
use std::fmt::Write as _;

/// The widest a column is drawn, in characters.
const WIDEST: usize = 48;
/// How wide a bar is at most.
const BAR: usize = 24;
/// Columns that a terminal is taken to have at least.
const LEAST: usize = 40;
/// Parts of a bar's last character, and the heights of a line of steps.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// How wide lines may be; what no person reads is not cut.
pub(super) fn width(is_terminal: bool) -> usize {
    if is_terminal { size().0.max(LEAST) } else { usize::MAX }
}

/// A column of the answer.
struct Column<'a> {
    name: &'a str,
    kind: &'a str,
    role: &'a str,
}

impl<'a> Column<'a> {
    fn of(value: &'a Value) -> Column<'a> {
        let text = |name: &str| value[name].as_str().unwrap_or_default();
        Column { name: text("name"), kind: text("type"), role: text("role") }
    }

    fn is_number(&self) -> bool {
        matches!(self.kind, "int" | "number" | "duration" | "size" | "rate")
    }
}

/// The answer for a person.
pub(super) fn draw(answer: &Value, paint: Paint, width: usize) -> String {
    let list = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    let (columns, rows) = (list(&answer["columns"]), list(&answer["rows"]));
    let columns: Vec<Column<'_>> = columns.iter().map(Column::of).collect();
    let rows: Vec<Vec<Value>> = rows.iter().map(list).collect();
    let has = |role: &str| columns.iter().any(|column| column.role == role);
    let mut out = match (has("step"), has("key")) {
        (true, true) => lines_of(&series(&columns, &rows), paint, width),
        (true, false) => lines_of(&barred(&columns, &rows), paint, width),
        _ => lines_of(&plain(&columns, &rows), paint, width),
    };
    out.push_str(&foot(answer, rows.len(), paint));
    out
}

/// What is drawn: heads, which of them are numbers, and the cells of each line.
struct Grid {
    heads: Vec<String>,
    right: Vec<bool>,
    lines: Vec<Vec<String>>,
}

fn plain(columns: &[Column<'_>], rows: &[Vec<Value>]) -> Grid {
    Grid {
        heads: columns.iter().map(|c| one_line(c.name)).collect(),
        right: columns.iter().map(Column::is_number).collect(),
        lines: rows.iter().map(|row| cells(columns, row)).collect(),
    }
}

fn cells(columns: &[Column<'_>], row: &[Value]) -> Vec<String> {
    let cell = |(at, column): (usize, &Column<'_>)| {
        let value = row.get(at).unwrap_or(&Value::Null);
        match column.role {
            "change" => change(column, value, at.checked_sub(1).and_then(|before| row.get(before))),
            _ => shown(column.kind, value),
        }
    };
    columns.iter().enumerate().map(cell).collect()
}

/// A value in as many characters as it needs.
fn shown(kind: &str, value: &Value) -> String {
    match (kind, value) {
        (_, Value::Null) => "–".to_owned(),
        ("size", Value::Number(n)) => bytes(n.as_f64().unwrap_or_default()),
        ("duration", Value::Number(n)) => length(n.as_f64().unwrap_or_default()),
        ("int", Value::Number(n)) => thousands(n),
        (_, Value::Number(n)) => match n.as_f64() {
            Some(n) if n.fract() != 0.0 && n.abs() < 1e6 => rounded(n),
            _ => n.to_string(),
        },
        ("time", Value::String(text)) => one_line(text.trim_end_matches('Z')).replace('T', " "),
        (_, Value::String(text)) => one_line(text),
        (_, other) => other.to_string(),
    }
}

/// Four figures at most behind the point.
fn rounded(n: f64) -> String {
    let text = format!("{n:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn length(secs: f64) -> String {
    let span = wardroom_event::Span((secs * 1e6).round() as i64);
    if secs < 0.0 { format!("-{}", wardroom_event::Span(-span.0)) } else { span.to_string() }
}

fn bytes(n: f64) -> String {
    wardroom_event::Size(n as i64).to_string()
}

/// A whole number with its thousands told apart.
fn thousands(n: &serde_json::Number) -> String {
    match n.as_i64() {
        Some(n) if n < 0 => format!("-{}", grouped(n.unsigned_abs())),
        Some(n) => grouped(n.unsigned_abs()),
        None => n.to_string(),
    }
}

/// How much changed, with its sign and as a share of what was.
fn change(column: &Column<'_>, value: &Value, before: Option<&Value>) -> String {
    let Some(n) = value.as_f64() else { return "–".to_owned() };
    let sign = if n > 0.0 { "+" } else { "" };
    let share = match before.and_then(Value::as_f64) {
        Some(was) if was != 0.0 => format!(" ({sign}{:.0} %)", 100.0 * n / was.abs()),
        Some(_) if n != 0.0 => " (new)".to_owned(),
        _ => String::new(),
    };
    format!("{sign}{}{share}", shown(column.kind, value))
}

/// The number that bars are drawn of: the first that was added up.
fn measured(columns: &[Column<'_>]) -> Option<usize> {
    columns.iter().position(|column| column.role == "sum" && column.is_number())
}

/// A time series without keys: a bar on each line.
fn barred(columns: &[Column<'_>], rows: &[Vec<Value>]) -> Grid {
    let mut grid = plain(columns, rows);
    let Some(at) = measured(columns) else { return grid };
    let of = |row: &Vec<Value>| row.get(at).and_then(Value::as_f64).unwrap_or_default().max(0.0);
    let most = rows.iter().map(of).fold(0.0, f64::max);
    grid.heads.push(String::new());
    grid.right.push(false);
    for (line, row) in grid.lines.iter_mut().zip(rows) {
        line.push(bar(of(row), most));
    }
    grid
}

fn bar(n: f64, most: f64) -> String {
    if most <= 0.0 {
        return String::new();
    }
    let eighths = (n / most * (BAR * 8) as f64).round() as usize;
    let mut out: String = std::iter::repeat_n('█', eighths / 8).collect();
    out.extend((eighths % 8).checked_sub(1).map(|part| EIGHTHS[part]));
    out
}

/// A time series with keys: a line for each key, with all its steps at one glance.
fn series(columns: &[Column<'_>], rows: &[Vec<Value>]) -> Grid {
    let keys: Vec<usize> = (0..columns.len()).filter(|at| columns[*at].role == "key").collect();
    let Some(at) = measured(columns) else { return plain(columns, rows) };
    let mut met: Vec<(Vec<Value>, Vec<f64>)> = Vec::new();
    for row in rows {
        let key: Vec<Value> = keys.iter().filter_map(|at| row.get(*at).cloned()).collect();
        let n = row.get(at).and_then(Value::as_f64).unwrap_or_default();
        match met.iter_mut().find(|(held, _)| *held == key) {
            Some((_, steps)) => steps.push(n),
            None => met.push((key, vec![n])),
        }
    }
    let mut heads: Vec<String> = keys.iter().map(|at| one_line(columns[*at].name)).collect();
    let mut right: Vec<bool> = keys.iter().map(|at| columns[*at].is_number()).collect();
    heads.extend([one_line(columns[at].name), "least".to_owned(), "most".to_owned()]);
    right.extend([false, true, true]);
    let number = |n: f64| serde_json::Number::from_f64(n).map_or(Value::Null, Value::Number);
    let line = |(key, steps): (Vec<Value>, Vec<f64>)| {
        let mut line: Vec<String> =
            keys.iter().zip(&key).map(|(at, value)| shown(columns[*at].kind, value)).collect();
        let (least, most) = steps.iter().fold((f64::MAX, f64::MIN), |(a, b), n| (a.min(*n), b.max(*n)));
        line.push(steps.iter().map(|n| height(*n, most)).collect());
        line.extend([least, most].map(|n| shown("number", &whole(n).unwrap_or_else(|| number(n)))));
        line
    };
    Grid { heads, right, lines: met.into_iter().map(line).collect() }
}

/// A number that is whole as one.
fn whole(n: f64) -> Option<Value> {
    (n.fract() == 0.0 && n.abs() < 9e15).then(|| Value::from(n as i64))
}

fn height(n: f64, most: f64) -> char {
    if most <= 0.0 || n <= 0.0 {
        return ' ';
    }
    HEIGHTS[((n / most * 8.0).ceil() as usize).clamp(1, 8) - 1]
}

fn lines_of(grid: &Grid, paint: Paint, width: usize) -> String {
    let longest = |at: usize| {
        let cells = grid.lines.iter().filter_map(|line| line.get(at));
        cells.chain([&grid.heads[at]]).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let bounded = |n: usize| if width == usize::MAX { n } else { n.min(WIDEST) };
    let widths: Vec<usize> = (0..grid.heads.len()).map(|at| bounded(longest(at))).collect();
    let line = |cells: &[String]| {
        let mut out = String::new();
        for (at, cell) in cells.iter().enumerate() {
            let cell = cut(cell, widths[at]);
            let pad = " ".repeat(widths[at] - cell.chars().count());
            out.push_str(if at == 0 { "" } else { "  " });
            // Writing to a string cannot fail.
            let _ = if grid.right[at] { write!(out, "{pad}{cell}") } else { write!(out, "{cell}{pad}") };
        }
        cut(out.trim_end(), width)
    };
    let mut out = format!("{}\n", paint.bold(&line(&grid.heads)));
    for cells in &grid.lines {
        out.push_str(&line(cells));
        out.push('\n');
    }
    out
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// What stands below: how many, what is unknown, what else there is to say.
fn foot(answer: &Value, rows: usize, paint: Paint) -> String {
    let number = |name: &str| answer[name].as_u64();
    let mut parts = vec![format!("{} row{}", grouped(rows as u64), if rows == 1 { "" } else { "s" })];
    if let Some(groups) = number("groups").filter(|groups| *groups > rows as u64) {
        parts.push(format!("of {} groups", grouped(groups)));
    }
    parts.extend(number("matched").map(|n| format!("{} events", grouped(n))));
    let unknown = number("unknown").filter(|n| *n > 0);
    parts.extend(unknown.map(|n| format!("for {} more the condition is unknown", grouped(n))));
    parts.extend(number("took_ms").map(|ms| format!("{ms} ms")));
    let mut out = format!("{}\n", paint.dim(&parts.join(" · ")));
    if answer["truncated"].as_bool() == Some(true) {
        out.push_str("there are more rows: ask for more with --limit, or for the first with `top`\n");
    }
    for note in answer["notes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let _ = writeln!(out, "note: {}", one_line(note));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(answer: &Value, expect: &str) {
        let drawn = draw(answer, Paint::none(), 100);
        assert_eq!(drawn, expect, "\n{drawn}");
    }

    #[test]
    fn groups_are_aligned_and_changes_signed() {
        let column = |name: &str, kind: &str, role: &str| json!({"name": name, "type": kind, "role": role});
        check(
            &json!({
                "columns": [column("ip.net", "net", "key"), column("count", "int", "sum"),
                    column("count before", "int", "before"), column("count change", "int", "change")],
                "rows": [["203.0.113.0/24", 12345, 10000, 2345], ["2001:db8::/48", 7, 0, 7], [null, 3, 6, -3]],
                "groups": 9, "matched": 12400, "unknown": 2, "took_ms": 4, "truncated": false, "notes": ["a note"],
            }),
            "ip.net           count  count before    count change\n\
             203.0.113.0/24  12,345        10,000  +2,345 (+23 %)\n\
             2001:db8::/48        7             0        +7 (new)\n\
             –                    3             6      -3 (-50 %)\n\
             3 rows · of 9 groups · 12,400 events · for 2 more the condition is unknown · 4 ms\n\
             note: a note\n",
        );
    }

    #[test]
    fn series_have_bars() {
        let step = json!({"name": "time", "type": "time", "role": "step"});
        let count = json!({"name": "count", "type": "int", "role": "sum"});
        check(
            &json!({"columns": [step, count], "rows": [["2026-11-01T00:00:00Z", 4], ["2026-11-01T01:00:00Z", 1]], "notes": []}),
            "time                 count\n\
             2026-11-01 00:00:00      4  ████████████████████████\n\
             2026-11-01 01:00:00      1  ██████\n\
             2 rows\n",
        );
        let key = json!({"name": "ok", "type": "bool", "role": "key"});
        check(
            &json!({"columns": [step, key, count], "rows": [
                ["2026-11-01T00:00:00Z", true, 4], ["2026-11-01T00:00:00Z", false, 0],
                ["2026-11-01T01:00:00Z", true, 8], ["2026-11-01T01:00:00Z", false, 1]], "notes": []}),
            "ok     count  least  most\n\
             true   ▄█         4     8\n\
             false   █         0     1\n\
             4 rows\n",
        );
    }

    #[test]
    fn what_strangers_sent_stays_on_its_line() {
        let answer =
            json!({"columns": [{"name": "a", "type": "text"}], "rows": [["x\u{1b}[31m\ny"]], "notes": []});
        let drawn = draw(&answer, Paint::none(), 100);
        assert!(!drawn.contains('\u{1b}') && drawn.lines().count() == 3, "{drawn:?}");
    }
}
