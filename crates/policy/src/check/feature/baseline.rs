// SPDX-License-Identifier: Apache-2.0
//! Baselines: what a feature usually counts at this hour of the week, declared under a name or asked for in place.

use super::super::express::Scope;
use super::parts::{self, example};
use super::{Faulty, read_part, report, span};
use crate::check::Context;
use crate::check::express::dotted;
use crate::check::names::{Meaning, id};
use crate::ir::{CheckedFeature, Typed};
use crate::limits;
use crate::program::Aggregate;
use crate::syntax::tree::{Arg, Expr, FeatureDecl, File, Ident};
use wardroom_event::{Span, Type};
use wardroom_report::{Diagnostic, Loc};

pub(in crate::check) fn check_baseline(cx: &mut Context<'_>, file: &File, decl: &FeatureDecl) {
    let feature = baseline(cx, &file.namespace, &decl.value);
    let meaning = match feature {
        Ok(feature) => {
            let id = id(&file.namespace, &decl.name.name).into();
            cx.checked.features.push(CheckedFeature { id, ..feature });
            Meaning::Feature(cx.checked.features.len() - 1)
        }
        Err(Faulty) => Meaning::Broken,
    };
    cx.names.declare(&file.namespace, &decl.name, ("feature", meaning), cx.diagnostics);
}

/// `baseline(logins, over="28d").mean` where a value stands: the baseline is a feature without a name of its own.
pub(in crate::check) fn inline(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    of: &Expr,
    _args: &[Arg],
    part: &Ident,
    loc: Loc,
) -> Option<Typed> {
    let feature = baseline(cx, scope.namespace, of).ok()?;
    let same = cx.checked.features.iter().position(|f| f.definition == feature.definition);
    let number = same.unwrap_or_else(|| {
        cx.checked.features.push(feature);
        cx.checked.features.len() - 1
    });
    let name = cx.checked.features[number].id.to_string();
    read_part(cx, scope.on, (number, of.loc), &name, part, loc)
}

fn baseline(cx: &mut Context<'_>, namespace: &str, value: &Expr) -> Result<CheckedFeature, Faulty> {
    let (word, args) = parts::aggregate(cx, value)?;
    let parts = parts::parts(cx, namespace, word, args);
    let over = over(cx, namespace, parts.get("over"), value.loc);
    let Some(first) = parts.first else {
        let d = Diagnostic::error("W0410", value.loc, "baseline needs the feature it is of");
        return report(cx, d.help(format!("write: {}", example("baseline"))));
    };
    let of = counted(cx, namespace, first)?;
    let over = over?;
    let base = &cx.checked.features[of];
    let length = base.window.unwrap_or(Span::ZERO);
    Ok(CheckedFeature {
        id: format!("{}.usual_{over}", base.id).into(),
        aggregate: Aggregate::Baseline(length),
        window: Some(over),
        kind: Type::Number,
        including_self: false,
        by: base.by.clone(),
        place: None,
        counted: base.counted.clone(),
        text: format!("baseline({}, over=\"{over}\")", base.text).into(),
        stream: base.stream.clone(),
        definition: format!("baseline({}, over=\"{over}\")", base.definition).into(),
    })
}

/// The feature it is of: one that counts events.
fn counted(cx: &mut Context<'_>, namespace: &str, first: &Expr) -> Result<usize, Faulty> {
    let Some(name) = dotted(first) else {
        let d = Diagnostic::error("W0410", first.loc, "a baseline is of a feature, by its name");
        return report(cx, d.help(format!("write: {}", example("baseline"))));
    };
    let found = cx.names.find(namespace, &name, first.loc);
    match found {
        Some((Meaning::Feature(number), _)) if cx.checked.features[number].aggregate == Aggregate::Count => {
            Ok(number)
        }
        Some((Meaning::Broken, _)) => Err(Faulty),
        Some((_, declared)) => {
            let d = Diagnostic::error("W0410", first.loc, "a baseline is of a feature that is a `count`")
                .also(declared, "declared here");
            report(
                cx,
                d.help("declare one to compare with: feature logins = count(login, by=account, last=\"1h\")"),
            )
        }
        None => {
            let d = Diagnostic::error("W0201", first.loc, format!("no feature `{name}`"));
            let is_feature = |meaning| matches!(meaning, Meaning::Feature(_));
            let near = cx.near(&name, cx.names.written(namespace, is_feature));
            report(cx, d.help_opt(near.map(|n| format!("did you mean `{n}`?"))))
        }
    }
}

/// How far back it looks: whole weeks.
fn over(cx: &mut Context<'_>, namespace: &str, expr: Option<&Expr>, loc: Loc) -> Result<Span, Faulty> {
    let Some(expr) = expr else {
        let d = Diagnostic::error("W0410", loc, "baseline needs `over=`: how far back it looks");
        return report(cx, d.help("add over=\"28d\""));
    };
    let span = span(cx, namespace, expr, "over")?;
    let (least, most) = limits::BASELINE;
    if (least..=most).contains(&span) && span.0 % least.0 == 0 {
        return Ok(span);
    }
    let d =
        Diagnostic::error("W0410", expr.loc, format!("a baseline looks back over whole weeks, not {span}"));
    report(cx, d.help("between \"1w\" and \"52w\""))
}
