// SPDX-License-Identifier: Apache-2.0
//! `show` and `top`: whether events are asked for or what is added up over them, and in which order.

use super::{Says, ask, named, no_list, place, shape_of};
use crate::check::Context;
use crate::check::express::{Scope, boolean, value};
use crate::format::print;
use crate::limits;
use crate::query::checked::{CheckedAnswer, CheckedSum, Named};
use crate::query::fold::{AGGREGATES, Fold};
use crate::query::own::Own;
use crate::query::{By, STEP};
use crate::syntax::query::{Item, QueryDecl, TopDecl};
use crate::syntax::tree::{Arg, Expr, ExprKind, Ident};
use wardroom_event::{Field, Type, nearest};
use wardroom_report::{Diagnostic, Loc};

/// The name of the order by what changed.
const CHANGE: &str = "change";

/// What is answered. Without `by`, `per` and aggregates, the events themselves.
pub(super) fn answer(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    says: &Says,
    decl: &QueryDecl,
    keys: Option<&[Named]>,
) -> Option<CheckedAnswer> {
    let adds = decl.show.iter().any(|item| aggregate(&item.expr).is_some());
    let groups = adds || ["by", "per"].iter().any(|clause| decl.place(clause).is_some());
    let most = match &decl.top {
        Some(top) => Some(most(cx, top)?),
        None => None,
    };
    let bottom = decl.top.as_ref().is_some_and(|top| top.bottom);
    if groups {
        let mut sums = sums(cx, scope, says, decl, keys)?;
        let by = match decl.top.as_ref().and_then(|top| top.by.as_ref()) {
            Some(by) => order(cx, scope, says, decl, by, &mut sums)?,
            None => By::Sum(sums.iter().position(|sum| Fold::orders(sum.field.kind)).unwrap_or(0)),
        };
        return Some(CheckedAnswer::Groups { sums, by, bottom, most });
    }
    if let Some(against) = &decl.against {
        let d = Diagnostic::error("W1002", against.loc, "`against` compares what is added up");
        cx.diagnostics.push(d.help("add something up: show count"));
        return None;
    }
    let columns = columns(cx, scope, says, &decl.show);
    let by = match decl.top.as_ref().and_then(|top| top.by.as_ref()) {
        Some(by) => Some(row_order(cx, scope, says, by, most)?),
        None => None,
    };
    Some(CheckedAnswer::Rows { columns: columns?, by, bottom, most })
}

fn most(cx: &mut Context<'_>, top: &TopDecl) -> Option<usize> {
    let most = usize::try_from(top.most).ok().filter(|n| (1..=limits::QUERY_TOP).contains(n));
    if most.is_none() {
        let message = format!("`top` takes a number between 1 and {}", limits::QUERY_TOP);
        cx.diagnostics.push(Diagnostic::error("W1005", top.loc, message));
    }
    most
}

/// The columns of events: those asked for, or when, what was decided and the event's own fields.
fn columns(cx: &mut Context<'_>, scope: &Scope<'_>, says: &Says, show: &[Item]) -> Option<Vec<Named>> {
    if !show.is_empty() {
        let checked: Vec<Option<Named>> = show.iter().map(|item| column(cx, scope, says, item)).collect();
        return unique(checked.into_iter().collect::<Option<Vec<Named>>>()?);
    }
    let verdict = says.name_of(Own::Verdict).to_owned();
    let event = cx.checked.schema.get(scope.on);
    let own = event.fields.iter().map(|f| f.name.to_string());
    let own = own.take_while(|name| !says.asked.contains_key(name.as_str()));
    let names: Vec<String> =
        ["time".to_owned(), verdict].into_iter().chain(own).take(limits::QUERY_COLUMNS).collect();
    let plain = |name: &String| {
        let expr = Expr { kind: ExprKind::Name(name.clone()), loc: Loc::default(), height: 1 };
        Item { expr, name: None }
    };
    names.iter().map(|name| column(cx, scope, says, &plain(name))).collect()
}

fn column(cx: &mut Context<'_>, scope: &Scope<'_>, says: &Says, item: &Item) -> Option<Named> {
    let expr = ask::settle(cx, says, &item.expr);
    let typed = value(cx, scope, &expr)?;
    Some(named(cx, scope, item, typed))
}

/// What rows are put in order by.
fn row_order(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    says: &Says,
    by: &Expr,
    most: Option<usize>,
) -> Option<crate::ir::Typed> {
    let expr = ask::settle(cx, says, by);
    let typed = value(cx, scope, &expr)?;
    if Fold::orders(typed.kind) {
        return Some(typed);
    }
    let message = format!("values of type {} have no order", typed.kind);
    let d = Diagnostic::error("W1003", by.loc, message).label(format!("this is of type {}", typed.kind));
    let (text, most) = (print::expression(by), most.unwrap_or(20));
    cx.diagnostics.push(d.help(format!("to have those with the most events: by {text} top {most}")));
    None
}

/// The aggregate of an item that is one: its word and what it is of. `min(a, b)` is a function of one event, and
/// `sum(x for …)` one of its items.
fn aggregate(expr: &Expr) -> Option<(Ident, &[Arg])> {
    let (of, args) = match &expr.kind {
        ExprKind::Name(word) if word == "count" => (expr, &[][..]),
        ExprKind::Call(of, args) => (&**of, args.as_slice()),
        _ => return None,
    };
    let ExprKind::Name(word) = &of.kind else { return None };
    let one = match (word.as_str(), args) {
        ("count" | "quantile" | "distinct" | "mean" | "median" | "first" | "last", _) => true,
        (_, [only]) => !matches!(only.value.kind, ExprKind::Each { .. }),
        _ => false,
    };
    (one && AGGREGATES.contains(&word.as_str())).then(|| (Ident { name: word.clone(), loc: of.loc }, args))
}

/// What is added up: what `show` says, or how many.
fn sums(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    says: &Says,
    decl: &QueryDecl,
    keys: Option<&[Named]>,
) -> Option<Vec<CheckedSum>> {
    if decl.show.is_empty() {
        let field = Field::plain("count", Type::Int, true);
        return Some(vec![CheckedSum { fold: Fold::Count, of: None, field, shown: true }]);
    }
    let checked: Vec<Option<CheckedSum>> =
        decl.show.iter().map(|item| sum(cx, scope, says, decl, item)).collect();
    let sums = checked.into_iter().collect::<Option<Vec<CheckedSum>>>()?;
    let taken = keys.into_iter().flatten().map(|key| &key.field.name);
    let mut seen: Vec<Box<str>> = taken.cloned().collect();
    seen.extend(decl.per.is_some().then(|| STEP.into()));
    Some(sums.into_iter().map(|sum| CheckedSum { field: apart(sum.field, &mut seen), ..sum }).collect())
}

/// Columns of one name are told apart by a number.
fn apart(field: Field, seen: &mut Vec<Box<str>>) -> Field {
    let mut name = field.name.clone();
    let mut number = 1;
    while seen.contains(&name) {
        number += 1;
        name = format!("{} {number}", field.name).into();
    }
    seen.push(name.clone());
    Field { name, ..field }
}

fn unique(columns: Vec<Named>) -> Option<Vec<Named>> {
    let mut seen = Vec::new();
    Some(columns.into_iter().map(|c| Named { field: apart(c.field, &mut seen), ..c }).collect())
}

fn sum(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    says: &Says,
    decl: &QueryDecl,
    item: &Item,
) -> Option<CheckedSum> {
    let Some((word, args)) = aggregate(&item.expr) else {
        not_added_up(cx, decl, item);
        return None;
    };
    let (fold, of) = folded(cx, scope, says, &word, args, item.expr.loc)?;
    let name = match &item.name {
        Some(name) => name.name.clone(),
        None => print::expression(&item.expr).replace("count()", "count"),
    };
    let field = match (&of, fold) {
        (Some(of), Fold::First | Fold::Last) => shape_of(cx, scope, of, &name),
        (Some(of), fold) => Field::plain(name, fold.gives(of.kind)?, true),
        (None, _) => Field::plain(name, Type::Int, true),
    };
    Some(CheckedSum { fold, of, field, shown: true })
}

/// A plain value beside aggregates.
fn not_added_up(cx: &mut Context<'_>, decl: &QueryDecl, item: &Item) {
    let text = print::expression(&item.expr);
    let is_key = decl.by.iter().any(|key| print::expression(&key.expr) == text);
    let inner = item.expr.kind.children().into_iter().any(|e| aggregate(e).is_some());
    let d = Diagnostic::error("W1002", item.expr.loc, "this is no aggregate");
    let d = if is_key {
        d.note("what `by` groups by is shown without being asked for").help("leave it out of `show`")
    } else if inner {
        d.note("aggregates cannot be calculated with").help("show them side by side, or share(condition)")
    } else if let Some(near) = called(&item.expr).and_then(meant) {
        d.help(format!("did you mean `{near}`?"))
    } else {
        d.help(format!("group by it: by {text}; or take one of them: last({text})"))
    };
    cx.diagnostics.push(d);
}

/// The name of what is called.
fn called(expr: &Expr) -> Option<&str> {
    let ExprKind::Call(of, _) = &expr.kind else { return None };
    match &of.kind {
        ExprKind::Name(name) => Some(name),
        _ => None,
    }
}

/// What another language calls an aggregate.
fn meant(word: &str) -> Option<&'static str> {
    match word.to_lowercase().as_str() {
        "avg" | "average" => Some("mean"),
        "total" => Some("sum"),
        "uniq" | "unique" | "dc" | "nunique" | "count_distinct" => Some("distinct"),
        "percentile" | "p95" | "perc" => Some("quantile"),
        "earliest" => Some("first"),
        "latest" => Some("last"),
        "countif" | "count_if" => Some("count"),
        other => nearest(other, AGGREGATES),
    }
}

fn folded(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    says: &Says,
    word: &Ident,
    args: &[Arg],
    loc: Loc,
) -> Option<(Fold, Option<crate::ir::Typed>)> {
    let fold = Fold::named(&word.name)?;
    let (of, share) = match (word.name.as_str(), args) {
        ("count", []) => return Some((Fold::Count, None)),
        ("quantile", [of, share]) => (&of.value, Some(&share.value)),
        ("quantile", _) => {
            let d = Diagnostic::error("W1002", loc, "`quantile` takes a value and a share");
            cx.diagnostics.push(d.help("write: quantile(form_time, 0.9)"));
            return None;
        }
        (_, [of]) => (&of.value, None),
        (word, _) => {
            let d = Diagnostic::error("W1002", loc, format!("`{word}` takes one value"));
            cx.diagnostics.push(d.help(example(word)));
            return None;
        }
    };
    let settled = ask::settle(cx, says, of);
    let typed = match fold {
        Fold::Count | Fold::Share => condition(cx, scope, word, &settled)?,
        _ => value(cx, scope, &settled)?,
    };
    let fold = match (fold, share) {
        (Fold::Count, _) => Fold::Holds,
        (Fold::Quantile(_), Some(share)) => Fold::Quantile(quantile(cx, share)?),
        (fold, _) => fold,
    };
    no_list(cx, &typed, "a list cannot be added up")?;
    if fold.gives(typed.kind).is_none() {
        let message = format!("`{}` takes no values of type {}", word.name, typed.kind);
        let d = Diagnostic::error("W1006", typed.loc, message).label(format!("of type {}", typed.kind));
        cx.diagnostics.push(d.help("what texts and addresses have is distinct(…), first(…) and last(…)"));
        return None;
    }
    Some((fold, Some(typed)))
}

/// What `count` and `share` are of.
fn condition(cx: &mut Context<'_>, scope: &Scope<'_>, word: &Ident, of: &Expr) -> Option<crate::ir::Typed> {
    if word.name == "count" {
        let typed = value(cx, scope, of)?;
        if typed.kind == Type::Bool {
            return Some(typed);
        }
        let text = print::expression(of);
        let d =
            Diagnostic::error("W1002", of.loc, "`count` counts events, or those for which a condition holds");
        cx.diagnostics.push(d.help(format!(
            "how many different ones: distinct({text}); how many have one: count({text} is not missing)"
        )));
        return None;
    }
    boolean(cx, scope, of)
}

/// The share of a quantile.
fn quantile(cx: &mut Context<'_>, share: &Expr) -> Option<f64> {
    match share.kind {
        ExprKind::Number(n) if n > 0.0 && n < 1.0 => Some(n),
        ExprKind::Bad => None,
        _ => {
            let d = Diagnostic::error("W1002", share.loc, "the share is a number between 0 and 1");
            cx.diagnostics.push(d.help("write: quantile(form_time, 0.9)"));
            None
        }
    }
}

fn example(word: &str) -> String {
    match word {
        "share" => "write: share(verdict == block)".to_owned(),
        "count" => "write: count, or count(not ok)".to_owned(),
        "distinct" => "write: distinct(account)".to_owned(),
        "first" | "last" => format!("write: {word}(ip)"),
        _ => format!("write: {word}(form_time)"),
    }
}

/// What groups are put in order by: something shown, by its name or as it is written; or what is added up for that alone.
fn order(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    says: &Says,
    decl: &QueryDecl,
    by: &Expr,
    sums: &mut Vec<CheckedSum>,
) -> Option<By> {
    if let ExprKind::Call(of, args) = &by.kind
        && let (ExprKind::Name(word), [Arg { name: None, value }]) = (&of.kind, args.as_slice())
        && word == CHANGE
    {
        if decl.against.is_none() {
            let d = Diagnostic::error("W1003", by.loc, "nothing is compared here, so nothing changed");
            cx.diagnostics.push(d.help("say with when: against \"7d\""));
            return None;
        }
        return Some(By::Change(summed(cx, scope, says, decl, value, sums)?));
    }
    summed(cx, scope, says, decl, by, sums).map(By::Sum)
}

/// The number of what is added up.
fn summed(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    says: &Says,
    decl: &QueryDecl,
    by: &Expr,
    sums: &mut Vec<CheckedSum>,
) -> Option<usize> {
    let text = print::expression(by).replace("count()", "count");
    let written = |item: &Item| print::expression(&item.expr).replace("count()", "count") == text;
    let shown = decl
        .show
        .iter()
        .position(|item| item.name.as_ref().is_some_and(|name| name.name == text) || written(item));
    let number = match shown.or(sums.iter().position(|s| *s.field.name == *text)) {
        Some(number) => number,
        None if aggregate(by).is_some() => {
            let item = Item { expr: by.clone(), name: None };
            let hidden = sum(cx, scope, says, decl, &item)?;
            sums.push(CheckedSum { shown: false, ..hidden });
            sums.len() - 1
        }
        None => {
            let d = Diagnostic::error("W1003", by.loc, "the answer has no such column to be put in order by");
            let names: Vec<&str> = sums.iter().map(|s| &*s.field.name).collect();
            cx.diagnostics.push(match nearest(&text, names.iter().copied()) {
                Some(near) => d.help(format!("did you mean `{near}`?")),
                None => d.help(format!("write one that is shown, or an aggregate: {}", names.join(", "))),
            });
            return None;
        }
    };
    let field = &sums.get(number)?.field;
    if Fold::orders(field.kind) {
        return Some(number);
    }
    let message = format!("values of type {} have no order", field.kind);
    let d = Diagnostic::error("W1003", by.loc, message).also(place(decl, "show"), "shown here");
    cx.diagnostics.push(d.help("put them in the order of a number or a time: top 20 by count"));
    None
}
