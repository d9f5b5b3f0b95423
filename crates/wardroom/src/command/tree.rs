// SPDX-License-Identifier: Apache-2.0
//! Conditions with their parts, drawn as an indented table: what is written, what it was, more about it.

use crate::terminal::{Paint, fit, one_line};
use serde_json::Value;
use std::io::{Result, Write};
use wardroom_event::Sight;
use wardroom_policy::{Trace, Tri};

/// Widest column of what is written.
const WIDEST: usize = 64;
/// Widest value.
const VALUE: usize = 40;
/// Deepest nesting that is drawn: what comes in may have any.
const DEEPEST: usize = 64;

/// A part of a condition, ready to be drawn.
pub(super) struct Part {
    text: String,
    value: String,
    note: String,
    parts: Vec<Part>,
}

impl Part {
    /// A term or part of one, values shown whole.
    pub(super) fn of(trace: &Trace) -> Part {
        let value = match trace.value {
            wardroom_event::Value::Missing if trace.note.as_deref() == Some("left out") => String::new(),
            _ => trace.shown(Sight::Full),
        };
        let adds = trace.adds.map(adds);
        Part {
            text: trace.text.to_string(),
            value,
            note: adds
                .into_iter()
                .chain(trace.note.iter().map(|n| n.to_string()))
                .collect::<Vec<_>>()
                .join("; "),
            parts: trace.parts.iter().map(Part::of).chain(more(trace.cut)).collect(),
        }
    }

    /// A term as it stood, with its parts as the API gives them.
    pub(super) fn term(term: &Value) -> Part {
        let text = |key: &str| one_line(term[key].as_str().unwrap_or_default());
        let parts = term["parts"].as_array().map_or(&[][..], Vec::as_slice);
        Part {
            text: text("text"),
            value: text("holds"),
            note: String::new(),
            parts: parts.iter().map(|p| Part::below(p, 1)).collect(),
        }
    }

    fn below(part: &Value, depth: usize) -> Part {
        let text = |key: &str| one_line(part[key].as_str().unwrap_or_default());
        let inner = part["parts"].as_array().filter(|_| depth < DEEPEST).map_or(&[][..], Vec::as_slice);
        let note =
            part["adds"].as_f64().map(adds).into_iter().chain(Some(text("note")).filter(|n| !n.is_empty()));
        let value = if part["note"] == "left out" { String::new() } else { shown(&part["value"]) };
        Part {
            text: text("text"),
            value,
            note: note.collect::<Vec<_>>().join("; "),
            parts: inner.iter().map(|p| Part::below(p, depth + 1)).chain(more(part["cut"] == true)).collect(),
        }
    }

    fn width(&self, indent: usize) -> usize {
        let own = indent + self.text.chars().count();
        self.parts.iter().map(|p| p.width(indent + 2)).fold(own.min(WIDEST), usize::max)
    }

    fn draw(&self, indent: usize, width: usize, paint: Paint, out: &mut impl Write) -> Result<()> {
        let text = format!("{:indent$}{}", "", self.text);
        let room = width.saturating_sub(text.chars().count());
        let value = fit(&self.value, VALUE);
        let gap = if self.note.is_empty() { 0 } else { 9usize.saturating_sub(value.chars().count()) };
        let painted = match value.as_str() {
            "true" => paint.good(&value),
            "false" => paint.bad(&value),
            "unknown" => paint.bold(&value),
            _ => value,
        };
        let line = format!("{text}{:room$}  {painted}{:gap$}  {}", "", "", paint.dim(&self.note));
        writeln!(out, "{}", line.trim_end())?;
        self.parts.iter().try_for_each(|part| part.draw(indent + 2, width, paint, out))
    }
}

/// What a part of a model adds.
fn adds(nats: f64) -> String {
    format!("adds {nats:+.2}")
}

fn more(cut: bool) -> Option<Part> {
    let empty = String::new;
    cut.then(|| Part { text: "…".to_owned(), value: empty(), note: empty(), parts: Vec::new() })
}

/// A value as the API gives it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "unknown".to_owned(),
        Value::String(text) => format!("\"{}\"", one_line(text)),
        Value::Number(n) => match n.as_f64() {
            Some(n) if n.fract() != 0.0 => format!("{n:.4}").trim_end_matches('0').to_owned(),
            _ => n.to_string(),
        },
        other => one_line(&other.to_string()),
    }
}

/// Draws terms, one below the other.
pub(super) fn draw(terms: &[Part], indent: usize, paint: Paint, out: &mut impl Write) -> Result<()> {
    let width = terms.iter().map(|t| t.width(indent)).max().unwrap_or(0);
    terms.iter().try_for_each(|term| term.draw(indent, width, paint, out))
}

/// What would turn a rule, in words: each change with whether it is enough alone.
pub(super) fn draw_flips(
    holds: Tri,
    flips: &[(String, bool)],
    indent: usize,
    out: &mut impl Write,
) -> Result<()> {
    let (alone, others): (Vec<_>, Vec<_>) = flips.iter().partition(|(_, alone)| *alone);
    let turn = if holds == Tri::True { "it would stay quiet" } else { "it would fire" };
    let several = if alone.is_empty() { "" } else { "or " };
    for (head, flips) in [
        (format!("{turn} with any of these:"), alone),
        (format!("{several}with several of these, or when known:"), others),
    ] {
        if !flips.is_empty() {
            writeln!(out, "{:indent$}{head}", "")?;
        }
        for (words, _) in flips {
            writeln!(out, "{:indent$}  {words}", "")?;
        }
    }
    Ok(())
}
