// SPDX-License-Identifier: Apache-2.0
//! What each aggregate takes of an event, and what it reads as.

use super::super::express::{Scope, boolean, value, widen};
use super::parts::{Parts, example};
use super::{Faulty, in_range, is_single, key, report, span};
use crate::check::Context;
use crate::ir::{Counted, KeyName, Taken, Typed};
use crate::limits;
use crate::program::{Aggregate, Amount};
use crate::syntax::tree::{Expr, ExprKind};
use wardroom_event::{Span, Type, TypeId};
use wardroom_report::{Diagnostic, Loc};

/// What is taken of one event.
pub(super) fn taken(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    word: &str,
    parts: &Parts<'_>,
    loc: Loc,
) -> Result<Taken, Faulty> {
    match word {
        "distinct" => Ok(Taken::Item(single(cx, scope, parts.first)?)),
        "last" => Ok(Taken::Held(single(cx, scope, parts.first)?)),
        "sum" | "mean" | "min" | "max" | "quantile" => {
            Ok(Taken::Amount(quantity(cx, scope, word, parts.first)?))
        }
        "ratio" => {
            let mark = needed(cx, parts, word, "where", "which of the events are asked for", loc)?;
            Ok(Taken::Mark(boolean(cx, scope, mark).ok_or(Faulty)?))
        }
        "sequence" => {
            let (Some(first), Some(then)) = (parts.get("first"), parts.get("then")) else {
                let needs = match (parts.get("first"), parts.get("then")) {
                    (None, None) => "`first=` and `then=`: which events are the steps, and which one ends it",
                    (None, _) => "`first=`: which events are the first steps",
                    _ => "`then=`: which event ends it",
                };
                let d = Diagnostic::error("W0412", loc, format!("sequence needs {needs}"));
                return report(cx, d.help(format!("write: {}", example(word))));
            };
            let (first, then) = (boolean(cx, scope, first), boolean(cx, scope, then));
            Ok(Taken::Steps(first.ok_or(Faulty)?, then.ok_or(Faulty)?))
        }
        "speed" => {
            let (Some(lat), Some(lon)) = (parts.get("lat"), parts.get("lon")) else {
                let d = Diagnostic::error(
                    "W0411",
                    loc,
                    "speed needs `lat=` and `lon=`: where it happened, in degrees",
                );
                return report(cx, d.help(format!("write: {}", example(word))));
            };
            let (lat, lon) = (degrees(cx, scope, lat), degrees(cx, scope, lon));
            Ok(Taken::Place(lat?, lon?))
        }
        _ => Ok(Taken::Plain),
    }
}

fn needed<'e>(
    cx: &mut Context<'_>,
    parts: &Parts<'e>,
    word: &str,
    name: &str,
    what: &str,
    loc: Loc,
) -> Result<&'e Expr, Faulty> {
    match parts.get(name) {
        Some(expr) => Ok(expr),
        None => {
            let code = if word == "sequence" { "W0412" } else { "W0402" };
            let d = Diagnostic::error(code, loc, format!("{word} needs `{name}=`: {what}"));
            report(cx, d.help(format!("write: {}", example(word))))
        }
    }
}

/// A single value of the event; what is not there has been reported.
fn single(cx: &mut Context<'_>, scope: &Scope<'_>, what: Option<&Expr>) -> Result<Typed, Faulty> {
    let typed = what.and_then(|what| value(cx, scope, what)).ok_or(Faulty)?;
    if is_single(typed.kind) {
        return Ok(typed);
    }
    let d = Diagnostic::error("W0408", typed.loc, "a list is no single value");
    report(cx, d.help("take something of it: len(…), or any(… for x in …)"))
}

fn quantity(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    word: &str,
    what: Option<&Expr>,
) -> Result<Typed, Faulty> {
    let typed = single(cx, scope, what)?;
    let ordered = typed.kind == Type::Time;
    if Amount::of(typed.kind).is_some() && (!ordered || matches!(word, "min" | "max")) {
        return Ok(typed);
    }
    let message = format!("{word} of values of type {}", typed.kind);
    let d = Diagnostic::error("W0408", typed.loc, message).label("this is no quantity");
    report(
        cx,
        d.help("quantities are of type int, number, duration, size and rate; to count values: distinct"),
    )
}

/// Degrees are those of a field or of a part of one, so that they can be read of any event.
fn degrees(cx: &mut Context<'_>, scope: &Scope<'_>, expr: &Expr) -> Result<Typed, Faulty> {
    let is_path = match &expr.kind {
        ExprKind::Name(_) => true,
        ExprKind::Attr(of, _) => matches!(of.kind, ExprKind::Name(_)),
        _ => false,
    };
    if !is_path {
        let d = Diagnostic::error("W0411", expr.loc, "degrees are a field or a part of one");
        return report(cx, d.help("such as ip.lat and ip.lon"));
    }
    let typed = value(cx, scope, expr).ok_or(Faulty)?;
    if matches!(typed.kind, Type::Int | Type::Number) {
        return Ok(widen(typed));
    }
    let message = format!("degrees are a number; this is of type {}", typed.kind);
    report(cx, Diagnostic::error("W0411", typed.loc, message).help("such as ip.lat and ip.lon"))
}

/// Where the event in hand is, by name, so that it can be read of any event.
pub(super) fn place_names(
    cx: &mut Context<'_>,
    word: &str,
    parts: &Parts<'_>,
    events: &[TypeId],
) -> Result<Option<(KeyName, KeyName)>, Faulty> {
    let (Some(lat), Some(lon)) = (parts.get("lat"), parts.get("lon")) else {
        return Ok(None);
    };
    // What is no path has been reported.
    let is_path = |e: &Expr| matches!(e.kind, ExprKind::Name(_) | ExprKind::Attr(..));
    if word != "speed" || !is_path(lat) || !is_path(lon) {
        return Ok(None);
    }
    Ok(Some((key::path(cx, events, lat)?, key::path(cx, events, lon)?)))
}

/// The aggregate with what it was told.
pub(super) fn aggregate(
    cx: &mut Context<'_>,
    word: &str,
    parts: &Parts<'_>,
    counted: &[Counted],
    loc: Loc,
) -> Result<Aggregate, Faulty> {
    let amount = || match counted.first().map(|c| &c.taken) {
        Some(Taken::Amount(typed)) => Amount::of(typed.kind).ok_or(Faulty),
        _ => Err(Faulty),
    };
    same_types(cx, word, counted)?;
    Ok(match word {
        "count" => Aggregate::Count,
        "distinct" => Aggregate::Distinct,
        "first_seen" => Aggregate::FirstSeen,
        "seen" => Aggregate::Seen,
        "rate" => Aggregate::Rate,
        "ratio" => Aggregate::Ratio,
        "last" => Aggregate::Last,
        "speed" => Aggregate::Speed,
        "sum" => Aggregate::Sum(amount()?),
        "mean" => Aggregate::Mean(amount()?),
        "min" => Aggregate::Min(amount()?),
        "max" => Aggregate::Max(amount()?),
        "quantile" => Aggregate::Quantile(amount()?, permille(cx, parts, loc)?),
        _ => {
            let (times, within) = steps(cx, parts, loc)?;
            Aggregate::Sequence(times, within)
        }
    })
}

/// What is taken must be of one type in all the events counted.
fn same_types(cx: &mut Context<'_>, word: &str, counted: &[Counted]) -> Result<(), Faulty> {
    let of = |c: &Counted| match &c.taken {
        Taken::Item(typed) | Taken::Held(typed) | Taken::Amount(typed) => Some((typed.kind, typed.loc)),
        _ => None,
    };
    let mut kinds = counted.iter().filter_map(of);
    let Some((first, loc)) = kinds.next() else {
        return Ok(());
    };
    match kinds.find(|(kind, _)| *kind != first) {
        None => Ok(()),
        Some((other, _)) => {
            let message = format!("{word} of different types in the events counted: {first} and {other}");
            report(cx, Diagnostic::error("W0404", loc, message))
        }
    }
}

/// `q=0.95`, in thousandths.
fn permille(cx: &mut Context<'_>, parts: &Parts<'_>, loc: Loc) -> Result<u16, Faulty> {
    let expr = parts.get("q");
    let literal = expr.map(|e| cx.literal(parts.namespace, e));
    let share = match literal.as_ref().map(|e| &e.kind) {
        Some(ExprKind::Number(n)) if *n > 0.0 && *n < 1.0 => Some((n * 1000.0).round() as u16),
        _ => None,
    };
    share.filter(|n| (1..=999).contains(n)).ok_or(()).or_else(|()| {
        let d = match expr {
            None => Diagnostic::error("W0409", loc, "quantile needs `q=`: the share of values below it"),
            Some(expr) => Diagnostic::error("W0409", expr.loc, "`q` is a number between 0.001 and 0.999"),
        };
        report(cx, d.help("q=0.5 is the median, q=0.95 what only one in twenty exceeds"))
    })
}

/// `times=5, within="10m"`.
fn steps(cx: &mut Context<'_>, parts: &Parts<'_>, loc: Loc) -> Result<(u32, Span), Faulty> {
    let times = times(cx, parts);
    let within = needed(cx, parts, "sequence", "within", "how soon the last step follows", loc)?;
    let span = span(cx, parts.namespace, within, "within").and_then(|span| in_range(cx, span, within.loc));
    Ok((times?, span?))
}

fn times(cx: &mut Context<'_>, parts: &Parts<'_>) -> Result<u32, Faulty> {
    let Some(expr) = parts.get("times") else { return Ok(1) };
    match cx.literal(parts.namespace, expr).kind {
        ExprKind::Int(n) if (1..=limits::STEPS).contains(&n) => Ok(u32::try_from(n).unwrap_or(1)),
        _ => {
            let message = format!("`times` is a whole number between 1 and {}", limits::STEPS);
            report(cx, Diagnostic::error("W0412", expr.loc, message).help("write: times=5"))
        }
    }
}

/// The type a feature reads as.
pub(super) fn reads_as(aggregate: Aggregate, counted: &[Counted]) -> Type {
    let amount = |amount: Amount| match amount {
        Amount::Int => Type::Int,
        Amount::Number => Type::Number,
        Amount::Duration => Type::Duration,
        Amount::Time => Type::Time,
        Amount::Size => Type::Size,
        Amount::Rate => Type::Rate,
    };
    match aggregate {
        Aggregate::Count | Aggregate::Distinct | Aggregate::Sequence(..) => Type::Int,
        Aggregate::FirstSeen => Type::Time,
        Aggregate::Seen => Type::Bool,
        Aggregate::Rate => Type::Rate,
        Aggregate::Ratio | Aggregate::Speed | Aggregate::Baseline(_) => Type::Number,
        Aggregate::Sum(a) | Aggregate::Min(a) | Aggregate::Max(a) => amount(a),
        Aggregate::Mean(Amount::Int) | Aggregate::Quantile(Amount::Int, _) => Type::Number,
        Aggregate::Mean(a) | Aggregate::Quantile(a, _) => amount(a),
        Aggregate::Last => match counted.first().map(|c| &c.taken) {
            // An enum's values are known of its field alone.
            Some(Taken::Held(typed)) if typed.kind == Type::Enum => Type::Text,
            Some(Taken::Held(typed)) => typed.kind,
            _ => Type::Text,
        },
    }
}
