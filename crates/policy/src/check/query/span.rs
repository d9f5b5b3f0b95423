// SPDX-License-Identifier: Apache-2.0
//! Over which time a query asks, in which steps, and beside which time before.

use super::place;
use crate::check::Context;
use crate::limits;
use crate::query::Period;
use crate::syntax::query::QueryDecl;
use crate::syntax::tree::Ident;
use wardroom_event::{Micros, Span};
use wardroom_report::Diagnostic;

/// What `last`, `from` and `to` say.
pub(super) fn period(cx: &mut Context<'_>, decl: &QueryDecl) -> Option<Period> {
    let last = decl.last.as_ref().map(|last| length(cx, last, Span(1), limits::QUERY_LAST));
    let from = decl.from.as_ref().map(|from| time(cx, from));
    let to = decl.to.as_ref().map(|to| time(cx, to));
    if let (Some(last), Some(other)) = (&decl.last, decl.from.as_ref().or(decl.to.as_ref())) {
        let d = Diagnostic::error("W1004", last.loc, "`last` beside `from` or `to`");
        cx.diagnostics.push(d.also(other.loc, "the other is here").help("leave one of them out"));
        return None;
    }
    if let (Some(Some(from)), Some(Some(to))) = (&from, &to)
        && from >= to
        && let Some(written) = &decl.to
    {
        let d = Diagnostic::error("W1004", written.loc, "the period ends before it begins");
        cx.diagnostics.push(d.also(decl.from.as_ref().map_or(written.loc, |f| f.loc), "it begins here"));
        return None;
    }
    if let Some(last) = last {
        return Some(Period::Last(last?));
    }
    let settled = |time: Option<Option<Micros>>| match time {
        Some(None) => None,
        Some(Some(time)) => Some(Some(time)),
        None => Some(None),
    };
    Some(Period::Between(settled(from)?, settled(to)?))
}

/// What `per` says; `None` where it is wrong.
pub(super) fn step(cx: &mut Context<'_>, decl: &QueryDecl) -> Option<Option<Span>> {
    let Some(per) = &decl.per else { return Some(None) };
    length(cx, per, limits::QUERY_STEP_LEAST, limits::QUERY_LAST).map(Some)
}

/// What `against` says.
pub(super) fn before(cx: &mut Context<'_>, decl: &QueryDecl) -> Option<Option<Span>> {
    let Some(against) = &decl.against else { return Some(None) };
    let span = length(cx, against, Span(1), limits::QUERY_LAST)?;
    if decl.last.is_none() && (decl.from.is_none() || decl.to.is_none()) {
        let d = Diagnostic::error("W1004", against.loc, "`against` needs a period that has both ends");
        cx.diagnostics.push(
            d.also(place(decl, "from"), "of this query")
                .help("say over how long: last \"7d\" against \"7d\""),
        );
        return None;
    }
    Some(Some(span))
}

fn length(cx: &mut Context<'_>, text: &Ident, least: Span, most: Span) -> Option<Span> {
    let d = match Span::parse(&text.name) {
        Ok(span) if (least..=most).contains(&span) => return Some(span),
        Ok(_) => {
            let message = format!("this must be between {least} and {most}");
            Diagnostic::error("W1004", text.loc, message)
        }
        Err(why) => Diagnostic::error("W1004", text.loc, format!("this is no length of time: {why}"))
            .help("write: \"30m\", \"24h\" or \"7d\""),
    };
    cx.diagnostics.push(d);
    None
}

/// A point in time, or a day: its beginning in UTC.
fn time(cx: &mut Context<'_>, text: &Ident) -> Option<Micros> {
    let parsed = parse_time(&text.name);
    if parsed.is_none() {
        let d = Diagnostic::error("W1004", text.loc, "this is no point in time");
        cx.diagnostics
            .push(d.help("write a day, \"2026-11-01\", or a time with its zone, \"2026-11-01T10:00:00Z\""));
    }
    parsed
}

/// A point in time as queries have it: RFC 3339, or a day, which is its beginning in UTC.
pub(crate) fn parse_time(text: &str) -> Option<Micros> {
    Micros::parse(text).or_else(|| Micros::parse(&format!("{text}T00:00:00Z")))
}
