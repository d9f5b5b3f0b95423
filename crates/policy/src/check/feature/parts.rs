// SPDX-License-Identifier: Apache-2.0
//! The arguments of an aggregate, taken apart: which it has, which it needs, which were meant.

use super::{Faulty, report};
use crate::check::Context;
use crate::program::Aggregate;
use crate::syntax::tree::{Arg, Expr, ExprKind};
use wardroom_event::nearest;
use wardroom_report::{Diagnostic, Loc};

/// Every named argument of an aggregate.
pub(crate) const ARGUMENTS: [&str; 13] =
    ["of", "where", "by", "last", "including", "q", "over", "lat", "lon", "first", "times", "then", "within"];

/// The arguments of one aggregate.
pub(super) struct Parts<'a> {
    /// Where its names are looked up.
    pub(super) namespace: &'a str,
    pub(super) first: Option<&'a Expr>,
    named: Vec<(&'static str, &'a Expr)>,
}

impl<'a> Parts<'a> {
    pub(super) fn get(&self, name: &str) -> Option<&'a Expr> {
        self.named.iter().find(|(n, _)| *n == name).map(|(_, e)| *e)
    }

    /// All that are named, in the order of [`ARGUMENTS`].
    pub(super) fn in_order(&self) -> impl Iterator<Item = (&'static str, &'a Expr)> {
        ARGUMENTS.into_iter().filter_map(|name| self.get(name).map(|e| (name, e)))
    }
}

/// What an aggregate can be told, by name.
pub(crate) fn known(word: &str) -> &'static [&'static str] {
    match word {
        "count" | "seen" | "rate" | "first_seen" | "ratio" => &["where", "by", "last", "including"],
        "quantile" => &["of", "where", "by", "last", "q", "including"],
        "speed" => &["lat", "lon", "where", "by", "last"],
        "sequence" => &["first", "times", "then", "within", "where", "by", "last", "including"],
        "baseline" => &["over"],
        _ => &["of", "where", "by", "last", "including"],
    }
}

/// Whether the value without a name is what is looked at, and the events stand in `of=`.
pub(super) fn takes_what(word: &str) -> bool {
    known(word).contains(&"of")
}

/// How an aggregate is written.
pub(in crate::check) fn example(word: &str) -> &'static str {
    match word {
        "count" => "count(login, by=ip, last=\"1h\")",
        "seen" => "seen(login, by=(account, device), last=\"30d\")",
        "rate" => "rate(login, by=ip, last=\"10m\")",
        "first_seen" => "first_seen(login, by=account)",
        "ratio" => "ratio(login, where=not ok, by=ip, last=\"1h\")",
        "distinct" => "distinct(account, of=login, by=ip, last=\"1h\")",
        "last" => "last(ip, of=login, by=account)",
        "quantile" => "quantile(amount, of=payment, q=0.95, by=account, last=\"30d\")",
        "speed" => "speed(login, lat=ip.lat, lon=ip.lon, by=account, last=\"1d\")",
        "sequence" => {
            "sequence(login, first=not ok, times=5, then=ok, by=account, within=\"10m\", last=\"1d\")"
        }
        "baseline" => "baseline(logins, over=\"28d\")",
        "mean" => "mean(amount, of=payment, by=account, last=\"30d\")",
        "min" => "min(amount, of=payment, by=account, last=\"30d\")",
        "max" => "max(amount, of=payment, by=account, last=\"30d\")",
        _ => "sum(amount, of=payment, by=account, last=\"30d\")",
    }
}

/// The word and arguments of a feature that counts.
pub(super) fn aggregate<'e>(
    cx: &mut Context<'_>,
    value: &'e Expr,
) -> Result<(&'static str, &'e [Arg]), Faulty> {
    let ExprKind::Call(name, args) = &value.kind else {
        let d = Diagnostic::error("W0401", value.loc, "a feature counts something");
        return report(cx, d.help(format!("write: feature failures = {}", example("count"))));
    };
    let ExprKind::Name(word) = &name.kind else {
        let d = Diagnostic::error("W0401", name.loc, "expected an aggregate, such as count or distinct");
        return report(cx, d.help(format!("the events stand first in parentheses: {}", example("count"))));
    };
    let Some(found) = Aggregate::NAMES.into_iter().find(|n| n == word) else {
        let d = Diagnostic::error("W0401", name.loc, format!("no aggregate `{word}`"));
        let meant = match word.as_str() {
            "avg" | "average" => Some("mean"),
            "unique" | "uniq" | "count_distinct" | "cardinality" => Some("distinct"),
            "percentile" | "median" => Some("quantile(…, q=0.5)"),
            "latest" => Some("last"),
            "exists" => Some("seen"),
            "velocity" => Some("rate"),
            word => nearest(word, Aggregate::NAMES),
        };
        return report(
            cx,
            match meant {
                Some(near) => d.help(format!("did you mean `{near}`?")),
                None => d.help(format!("there are: {}", Aggregate::NAMES.join(", "))),
            },
        );
    };
    Ok((found, args))
}

/// Takes the arguments apart; what has no place among them is reported and left out.
pub(super) fn parts<'e>(
    cx: &mut Context<'_>,
    namespace: &'e str,
    word: &'static str,
    args: &'e [Arg],
) -> Parts<'e> {
    let mut parts = Parts { namespace, first: None, named: Vec::new() };
    for arg in args {
        let Some(name) = &arg.name else {
            if parts.first.is_some() {
                let message = format!("{word} takes one value without a name");
                let d = Diagnostic::error("W0402", arg.value.loc, message);
                cx.diagnostics.push(d.help(format!("the others are named: {}", known(word).join(", "))));
            }
            parts.first.get_or_insert(&arg.value);
            continue;
        };
        let found = known(word).iter().copied().find(|k| *k == name.name);
        let Some(found) = found.or_else(|| unknown_argument(cx, word, &name.name, name.loc)) else {
            continue;
        };
        if parts.get(found).is_some() {
            let message = format!("`{}` is given twice", name.name);
            cx.diagnostics.push(Diagnostic::error("W0107", name.loc, message));
            continue;
        }
        parts.named.push((found, &arg.value));
    }
    parts
}

/// Reports an argument and gives the one that was probably meant.
fn unknown_argument(cx: &mut Context<'_>, word: &'static str, name: &str, loc: Loc) -> Option<&'static str> {
    let known = known(word);
    let meant = match name {
        "window" | "over" | "since" if known.contains(&"last") => Some("last"),
        "filter" | "if" | "when" if known.contains(&"where") => Some("where"),
        "group_by" | "key" | "per" if known.contains(&"by") => Some("by"),
        _ => nearest(name, known.iter().copied()).and_then(|n| known.iter().copied().find(|k| *k == n)),
    };
    let d = Diagnostic::error("W0402", loc, format!("{word} has no argument `{name}`"));
    let help = match (name, meant) {
        ("of", _) => format!("the events stand first: {word}(login, …)"),
        (_, Some(near)) => format!("did you mean `{near}`?"),
        (_, None) => format!("it has {}", known.join(", ")),
    };
    cx.diagnostics.push(d.help(help));
    meant
}

/// The expression that names the events.
pub(super) fn events_of<'e>(
    cx: &mut Context<'_>,
    word: &'static str,
    parts: &Parts<'e>,
    value: &Expr,
) -> Result<&'e Expr, Faulty> {
    let (found, what) = if takes_what(word) {
        if parts.first.is_none() {
            let what = if word == "distinct" { "what to tell apart" } else { "what to look at" };
            let d = Diagnostic::error("W0402", value.loc, format!("{word} needs {what}"));
            cx.diagnostics.push(d.help(format!("write: {}", example(word))));
        }
        (parts.get("of"), "`of=`: the events to look at")
    } else if matches!(word, "count" | "rate") {
        (parts.first, "the events to count")
    } else {
        (parts.first, "the events to look at")
    };
    match found {
        Some(expr) => Ok(expr),
        None => {
            let d = Diagnostic::error("W0402", value.loc, format!("{word} needs {what}"));
            report(cx, d.help(format!("write: {}", example(word))))
        }
    }
}

/// `including=self`: the event in hand counts too.
pub(super) fn including_self(
    cx: &mut Context<'_>,
    word: &'static str,
    parts: &Parts<'_>,
) -> Result<bool, Faulty> {
    let Some(expr) = parts.get("including") else {
        return Ok(false);
    };
    if matches!(&expr.kind, ExprKind::Name(name) if name == "self") {
        return Ok(true);
    }
    let d = Diagnostic::error("W0407", expr.loc, format!("{word} can only include `self`"));
    let d = d.note("a window leaves the event in hand out, unless it says including=self");
    report(cx, d.help("write: including=self"))
}
