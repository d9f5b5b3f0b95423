// SPDX-License-Identifier: Apache-2.0
//! One cell: which inputs it takes, and how it is written in a CSV file.

use crate::Tri;
use std::borrow::Cow;
use std::slice;
use wardroom_event::{Repr, Type, Value, parse_text};

/// What a row asks of one input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// Anything, missing too.
    Any,
    Is(Value),
    Among(Box<[Value]>),
    /// Between bounds, of types that have an order: int, number, time, duration and what is held as one of them.
    Range {
        from: Option<Bound>,
        to: Option<Bound>,
    },
}

/// One end of a range.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bound {
    pub(crate) value: Value,
    /// Whether the value itself is within.
    pub(crate) inclusive: bool,
}

/// The place of an ordered value among those of its repr: keys have the order of the values. Integers and numbers
/// have keys of their own and are never compared.
pub(super) fn key(value: &Value) -> Option<(Repr, i64)> {
    match value {
        Value::Int(n) => Some((Repr::Int, *n)),
        Value::Number(n) if !n.is_nan() => Some((Repr::Number, number_key(*n))),
        Value::Time(t) => Some((Repr::Time, t.0)),
        Value::Duration(d) => Some((Repr::Duration, d.0)),
        _ => None,
    }
}

/// A float's bits have the order of its magnitude (IEEE 754, 5.10); both zeros are 0.
fn number_key(n: f64) -> i64 {
    let magnitude = (n.to_bits() & !(1 << 63)) as i64;
    if n.is_sign_negative() { -magnitude } else { magnitude }
}

/// A span of keys, both ends within; nothing if they cross.
pub(super) type KeySpan = (i64, i64);

impl Cell {
    /// How the input stands to the cell.
    pub(super) fn test(&self, input: &Value) -> Tri {
        match self {
            Cell::Any => Tri::True,
            _ if input.is_missing() => Tri::Unknown,
            Cell::Is(value) => Tri::known(value == input),
            Cell::Among(values) => Tri::known(values.contains(input)),
            Cell::Range { from, to } => {
                Tri::known(ends(from, to).is_some_and(|(repr, (low, high))| match key(input) {
                    Some((kind, at)) => kind == repr && low <= at && at <= high,
                    None => false,
                }))
            }
        }
    }

    /// The values it names, if it names them one by one.
    pub(super) fn values(&self) -> Option<&[Value]> {
        match self {
            Cell::Is(value) => Some(slice::from_ref(value)),
            Cell::Among(values) => Some(values),
            Cell::Any | Cell::Range { .. } => None,
        }
    }

    /// How many things it names.
    pub(super) fn members(&self) -> usize {
        self.values().map_or(1, <[Value]>::len)
    }

    /// What it takes as spans of keys of one repr; `None` if it takes anything, or values without an order.
    pub(super) fn spans(&self) -> Option<(Repr, Vec<KeySpan>)> {
        match self {
            Cell::Range { from, to } => ends(from, to).map(|(repr, span)| (repr, vec![span])),
            _ => {
                let keys: Vec<(Repr, i64)> = self.values()?.iter().map(key).collect::<Option<_>>()?;
                let repr = keys.first()?.0;
                let same = keys.iter().all(|(kind, _)| *kind == repr);
                same.then(|| (repr, keys.into_iter().map(|(_, key)| (key, key)).collect()))
            }
        }
    }

    /// Whether each input that is not false of `narrow` is not false of this.
    pub(super) fn covers(&self, narrow: &Cell) -> bool {
        match (self, narrow) {
            (Cell::Any, _) => true,
            (_, Cell::Any) => false,
            _ => match (self.values(), narrow.values()) {
                (Some(wide), Some(narrow)) => narrow.iter().all(|value| wide.contains(value)),
                _ => self.covers_spans(narrow),
            },
        }
    }

    fn covers_spans(&self, narrow: &Cell) -> bool {
        let (Some((repr, wide)), Some((kind, narrow))) = (self.spans(), narrow.spans()) else {
            return false;
        };
        let within = |(low, high): &KeySpan| wide.iter().any(|(from, to)| from <= low && high <= to);
        repr == kind && narrow.iter().all(within)
    }
}

/// The keys within a range. Without bounds, or with bounds of two reprs, it takes nothing.
fn ends(from: &Option<Bound>, to: &Option<Bound>) -> Option<(Repr, KeySpan)> {
    const NOTHING: KeySpan = (i64::MAX, i64::MIN);
    let low = from.as_ref().map(|b| key(&b.value).map(|k| (k, b.inclusive)));
    let high = to.as_ref().map(|b| key(&b.value).map(|k| (k, b.inclusive)));
    let repr = match (low, high) {
        (Some(None), _) | (_, Some(None)) | (None, None) => return None,
        (Some(Some((a, _))), Some(Some((b, _)))) if a.0 != b.0 => return None,
        (Some(Some((at, _))), _) | (None, Some(Some((at, _)))) => at.0,
    };
    let step = |at: i64, inclusive: bool, by: i64| if inclusive { Some(at) } else { at.checked_add(by) };
    let low = low.flatten().map_or(Some(i64::MIN), |((_, at), inclusive)| step(at, inclusive, 1));
    let high = high.flatten().map_or(Some(i64::MAX), |((_, at), inclusive)| step(at, inclusive, -1));
    Some((repr, low.zip(high).unwrap_or(NOTHING)))
}

/// Whether values of the type have an order.
fn ordered(kind: Type) -> bool {
    matches!(kind.repr(), Repr::Int | Repr::Number | Repr::Time | Repr::Duration)
}

/// Reads a cell as CSV files have it:
///
/// | written | takes |
/// |---|---|
/// | nothing, `*` | anything |
/// | `a` | the value |
/// | `a \| b` | either |
/// | `< a`, `<= a`, `> a`, `>= a` | what compares so |
/// | `a to b` | from `a` to below `b` |
///
/// A value that would be read otherwise stands in double quotes, those within doubled: `"a | b"`, `"*"`, `""`.
///
/// # Errors
/// What is wrong, as the end of a sentence that begins "this cell".
pub(crate) fn parse_cell(text: &str, kind: Type) -> Result<Cell, String> {
    let text = text.trim();
    if text.is_empty() || text == "*" {
        return Ok(Cell::Any);
    }
    let parts = alternatives(text);
    if parts.len() > 1 {
        return among(&parts, kind);
    }
    match range(text, kind)? {
        Some(range) => Ok(range),
        None => parse_value(text, kind).map(Cell::Is),
    }
}

/// The parts between bars, those within double quotes aside.
fn alternatives(text: &str) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut blank, mut quoted, mut open) = (true, false, false);
    for (at, c) in text.char_indices() {
        match c {
            '|' if !open => {
                parts.push(text[start..at].trim());
                (start, blank, quoted) = (at + 1, true, false);
                continue;
            }
            '"' if blank => (quoted, open) = (true, true),
            '"' if quoted => open = !open,
            _ => {}
        }
        blank = blank && c.is_whitespace();
    }
    parts.push(text[start..].trim());
    parts
}

fn among(parts: &[&str], kind: Type) -> Result<Cell, String> {
    let mut values: Vec<Value> = Vec::with_capacity(parts.len());
    for part in parts {
        match *part {
            "" => return Err("has a `|` with nothing beside it".to_owned()),
            "*" => return Err("has `*` beside `|`, and `*` alone takes anything".to_owned()),
            part if range(part, kind)?.is_some() => {
                return Err("has a range beside `|`; write a row for each range".to_owned());
            }
            part => values.push(parse_value(part, kind)?),
        }
    }
    Ok(Cell::Among(values.into()))
}

/// The range that is written, if one is.
fn range(text: &str, kind: Type) -> Result<Option<Cell>, String> {
    let compared = ["<=", ">=", "<", ">"].into_iter().find_map(|op| Some((op, text.strip_prefix(op)?)));
    if let Some((op, rest)) = compared {
        if !ordered(kind) {
            return Err(format!(
                "has `{op}`, but {kind} has no order; a text that begins so stands in quotes"
            ));
        }
        let bound = Some(Bound { value: parse_value(rest, kind)?, inclusive: op.len() == 2 });
        return Ok(Some(if op.starts_with('<') {
            Cell::Range { from: None, to: bound }
        } else {
            Cell::Range { from: bound, to: None }
        }));
    }
    // Text may well hold the word: `back to school` is a value.
    let Some((low, high)) = text.split_once(" to ").filter(|_| ordered(kind)) else {
        return Ok(None);
    };
    let (from, to) = (parse_value(low, kind)?, parse_value(high, kind)?);
    let at = |value: &Value| key(value).map(|(_, key)| key);
    if at(&from) >= at(&to) {
        return Err(format!("takes nothing: `{}` is not below `{}`", shown(low), shown(high)));
    }
    Ok(Some(Cell::Range {
        from: Some(Bound { value: from, inclusive: true }),
        to: Some(Bound { value: to, inclusive: false }),
    }))
}

/// Reads one plain value, in double quotes or not.
///
/// # Errors
/// What is wrong, as the end of a sentence that begins "this cell".
pub(super) fn parse_value(text: &str, kind: Type) -> Result<Value, String> {
    let written = text.trim();
    let text = unquoted(written)?;
    if matches!(text, Cow::Borrowed("any")) && !written.starts_with('"') {
        return Err("is `any`: write `*` to take anything, or \"any\" in quotes for that word".to_owned());
    }
    match kind {
        Type::Bool => match &*text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(format!("must be true or false; it is `{}`", shown(&text))),
        },
        Type::Int => text
            .parse()
            .map(Value::Int)
            .map_err(|_| format!("must be a whole number; it is `{}`", shown(&text))),
        Type::Number => match text.parse::<f64>() {
            Ok(n) if n.is_finite() => Ok(Value::Number(n)),
            _ => Err(format!("must be a number; it is `{}`", shown(&text))),
        },
        _ => parse_text(&text, kind),
    }
}

/// The text without the double quotes around it.
fn unquoted(text: &str) -> Result<Cow<'_, str>, String> {
    let Some(rest) = text.strip_prefix('"') else {
        return Ok(Cow::Borrowed(text));
    };
    let Some(inner) = rest.strip_suffix('"') else {
        return Err("has a quote that is not closed".to_owned());
    };
    let single = inner.replace("\"\"", "");
    if single.contains('"') {
        return Err("has a lone quote within quotes; write it twice".to_owned());
    }
    Ok(if single.len() == inner.len() {
        Cow::Borrowed(inner)
    } else {
        Cow::Owned(inner.replace("\"\"", "\""))
    })
}

/// What was written, on one line and short.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 40;
    let cut = text.chars().nth(MOST).map_or("", |_| "…");
    let head: String = text.trim().chars().take(MOST).flat_map(char::escape_debug).collect();
    format!("{head}{cut}")
}
