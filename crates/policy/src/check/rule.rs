// SPDX-License-Identifier: Apache-2.0
//! Rules: condition, what follows, why, and whether it decides.

use super::express::{Scope, boolean, value};
use super::feature::{entity, event_named, label_name};
use super::list::short_text;
use super::names::{Meaning, id};
use super::{Context, computed, never};
use crate::ir::{CheckedPiece, CheckedRule, Node, Typed};
use crate::program::{Aggregate, Deed, Effect, KeyPath, ListId, Missing, Mode, Reads};
use crate::syntax::plain::one_line;
use crate::syntax::tree::{Arg, CompareOp, Expr, ExprKind, File, Ident, ModeDecl, RuleDecl, TemplatePiece};
use crate::{Verdict, limits};
use wardroom_event::{Micros, Repr, Span, Type, TypeId, Value, nearest};
use wardroom_report::{Diagnostic, Loc};

/// The effects of the language.
pub(crate) const EFFECTS: [&str; 5] = ["label", "list", "case", "notify", "webhook"];

/// Declares the rule's name before any rule is checked, so that what a name means does not hang on the order of
/// rules. Its number counts rules with faults too: with those there is no program for it to be wrong in.
pub(super) fn declare(cx: &mut Context<'_>, file: &File, decl: &RuleDecl) {
    let meaning = Meaning::Rule(cx.names.rules);
    cx.names.rules += 1;
    cx.names.declare(&file.namespace, &decl.name, ("rule", meaning), cx.diagnostics);
}

pub(super) fn check(cx: &mut Context<'_>, file: &File, decl: &RuleDecl) {
    let rule = rule(cx, file, decl);
    cx.checked.rules.extend(rule);
}

fn rule(cx: &mut Context<'_>, file: &File, decl: &RuleDecl) -> Option<CheckedRule> {
    let missing = decl.missing.as_ref().map_or(Some(Missing::Nothing), |word| missing(cx, word));
    let expires = decl.expires.as_ref().map(|time| expires(cx, time));
    let Some(on) = event_named(cx, &decl.on) else {
        without_event(cx, decl);
        return None;
    };
    let scope = Scope::rule(on, &file.namespace);
    let follows = follows(cx, &scope, decl);
    let mode = mode(cx, on, decl.mode.as_ref());
    let when = decl.when.as_ref().and_then(|when| boolean(cx, &scope, when));
    let because = pieces(cx, &scope, decl.because.as_deref().unwrap_or_default());
    let was = decl.was.as_ref().map(|was| was_named(cx, file, was));
    let when = when?;
    report_constant(cx, &when);
    beyond_exact(cx, &when);
    let terms = terms(cx, when);
    never::report(cx, &terms);
    let Follows { verdict, ask, effects } = follows?;
    let (mode, share) = mode?;
    Some(CheckedRule {
        id: id(&file.namespace, &decl.name.name).into(),
        on,
        terms,
        verdict,
        ask,
        effects,
        because,
        mode,
        share,
        missing: missing?,
        owner: decl.owner.as_ref().map(|o| o.name.as_str().into()),
        expires: expires.unwrap_or(Some(None))?,
        was: was.unwrap_or(Some(None))?,
        doc: decl.doc.as_str().into(),
        reason: written(cx, decl.because.as_deref().unwrap_or_default()),
        loc: decl.name.loc,
    })
}

/// What can be told of a rule whose event type there is none of.
fn without_event(cx: &mut Context<'_>, decl: &RuleDecl) {
    for action in &decl.then {
        if !action_name(action).is_some_and(|name| EFFECTS.contains(&name)) {
            verdict(cx, action);
        }
    }
    if let Some(mode) = &decl.mode {
        mode_named(cx, &mode.name);
    }
}

/// What one rule cannot show: two that say the same.
pub(super) fn together(cx: &mut Context<'_>) {
    computed::check_unread(cx);
    let mut seen: std::collections::HashMap<String, (Loc, Box<str>)> = std::collections::HashMap::new();
    for rule in &cx.checked.rules {
        let terms: Vec<&str> = rule.terms.iter().map(|(_, text)| &**text).collect();
        let what = format!("{} {:?} {:?} {:?}", rule.on.0, rule.verdict, rule.mode, terms);
        if let Some((before, id)) = seen.get(&what).filter(|(_, id)| *id != rule.id) {
            let d = Diagnostic::warning("W0905", rule.loc, format!("the same condition as `{id}`"));
            cx.diagnostics.push(d.also(*before, "declared here").help("one of the two says nothing new"));
            continue;
        }
        seen.insert(what, (rule.loc, rule.id.clone()));
    }
}

/// The terms of a condition that is `and` at its top.
fn terms(cx: &Context<'_>, when: Typed) -> Vec<(Typed, Box<str>)> {
    let parts = match when.node {
        Node::All(parts) => parts,
        _ => vec![when],
    };
    let text = |t: &Typed| one_line(cx.sources, t.loc).into();
    parts
        .into_iter()
        .map(|t| {
            let text = text(&t);
            (t, text)
        })
        .collect()
}

/// A condition that reads nothing of the event is the same for every event.
fn report_constant(cx: &mut Context<'_>, when: &Typed) {
    let message = match when.node {
        Node::Const(Value::Bool(always)) => format!("the condition is always {always}"),
        _ if !reads(when) => "the condition is the same for every event".to_owned(),
        _ => return,
    };
    let d = Diagnostic::error("W0501", when.loc, message);
    cx.diagnostics.push(d.help("say what must hold of the event, such as a field or a feature of it"));
}

/// Whether the expression depends on anything but itself.
pub(super) fn reads(typed: &Typed) -> bool {
    match &typed.node {
        Node::Field(_) | Node::Time | Node::Feature(..) | Node::Computed(_) => true,
        Node::Labelled(..) | Node::InList(..) => true,
        _ => typed.children().into_iter().any(reads),
    }
}

/// A count cannot be more than its window can hold, nor a share more than one: what needs that never happens.
fn beyond_exact(cx: &mut Context<'_>, typed: &Typed) {
    if let Node::Compare(op, a, b) = &typed.node {
        report_beyond(cx, *op, a, b);
        report_beyond(cx, op.mirrored(), b, a);
    }
    for child in typed.children() {
        beyond_exact(cx, child);
    }
}

fn report_beyond(cx: &mut Context<'_>, op: CompareOp, feature: &Typed, limit: &Typed) {
    let feature = match &feature.node {
        Node::Widen(of) => &of.node,
        node => node,
    };
    let limit_is = match &limit.node {
        Node::Const(Value::Int(n)) => *n as f64,
        Node::Const(Value::Number(n)) => *n,
        _ => return,
    };
    let Node::Feature(number, Reads::Whole) = feature else {
        return;
    };
    let (what, least, most) = match cx.checked.features[*number].aggregate {
        Aggregate::Ratio => ("a share lies between 0 and 1", 0.0, 1.0),
        Aggregate::Count | Aggregate::Distinct | Aggregate::Sequence(..) | Aggregate::Rate => {
            ("a count is never less than 0", 0.0, f64::INFINITY)
        }
        _ => return,
    };
    let never = match op {
        CompareOp::Lt => limit_is <= least,
        CompareOp::Le => limit_is < least,
        CompareOp::Gt => limit_is >= most,
        CompareOp::Ge => limit_is > most,
        CompareOp::Eq => limit_is < least || limit_is > most,
        CompareOp::Ne => false,
    };
    let always = match op {
        CompareOp::Ge => limit_is <= least,
        CompareOp::Gt => limit_is < least,
        CompareOp::Le => limit_is >= most,
        CompareOp::Lt => limit_is > most,
        CompareOp::Eq => false,
        CompareOp::Ne => limit_is < least || limit_is > most,
    };
    let d = match (never, always) {
        (true, _) => {
            Diagnostic::error("W0406", limit.loc, "this never holds").label("it never comes to that")
        }
        (_, true) => Diagnostic::warning("W0507", limit.loc, "this always holds where it is known")
            .label("it never is anything else"),
        _ => return,
    };
    let d = d.note(what);
    cx.diagnostics.push(d.help("to ask whether it is known at all: … is not missing"));
}

/// What follows: at most one verdict, and effects.
struct Follows {
    verdict: Option<Verdict>,
    ask: Option<Box<str>>,
    effects: Vec<Effect>,
}

fn follows(cx: &mut Context<'_>, scope: &Scope<'_>, decl: &RuleDecl) -> Option<Follows> {
    let mut follows = Follows { verdict: None, ask: None, effects: Vec::new() };
    let mut first: Option<Loc> = None;
    let mut faulty = decl.then.is_empty();
    let is_effect = |a: &&Expr| action_name(a).is_some_and(|n| EFFECTS.contains(&n));
    let effects: Vec<Expr> = decl.then.iter().filter(is_effect).cloned().collect();
    never::twice(cx, &effects);
    for action in &decl.then {
        let name = action_name(action);
        if name.is_some_and(|n| EFFECTS.contains(&n)) {
            match effect(cx, scope, action) {
                Some(effect) => follows.effects.push(effect),
                None => faulty = true,
            }
            continue;
        }
        let Some((verdict, ask)) = verdict(cx, action) else {
            faulty = true;
            continue;
        };
        if let Some(first) = first {
            let d =
                Diagnostic::error("W0503", action.loc, "a second verdict").also(first, "the first is here");
            cx.diagnostics.push(d.help("a rule gives one verdict; write another rule for the other"));
        }
        first.get_or_insert(action.loc);
        (follows.verdict, follows.ask) = (Some(verdict), ask);
    }
    if follows.effects.len() > limits::EFFECTS {
        let message = format!("a rule of {} effects; the most is {}", follows.effects.len(), limits::EFFECTS);
        let first = decl.then.first().zip(decl.then.last());
        let loc = first.map_or(decl.name.loc, |(first, last)| first.loc.to(last.loc));
        let d = Diagnostic::error("W0515", loc, message);
        cx.diagnostics.push(d.help("split the rule, or leave to a webhook what several effects do"));
    }
    (!faulty).then_some(follows)
}

pub(super) fn action_name(action: &Expr) -> Option<&str> {
    match &action.kind {
        ExprKind::Name(name) => Some(name),
        ExprKind::Call(of, _) => match &of.kind {
            ExprKind::Name(name) => Some(name),
            _ => None,
        },
        _ => None,
    }
}

/// `label(ip.net, "farm", expires="14d")`, `list(ip, bad)`, `case("queue")`, …
fn effect(cx: &mut Context<'_>, scope: &Scope<'_>, action: &Expr) -> Option<Effect> {
    let name = action_name(action)?;
    let args = match &action.kind {
        ExprKind::Call(_, args) => args.as_slice(),
        _ => &[],
    };
    let (plain, named): (Vec<&Arg>, Vec<&Arg>) = args.iter().partition(|a| a.name.is_none());
    let lasts = lasts(cx, name, &named)?;
    let words: Vec<String> = plain.iter().map(|a| one_line(cx.sources, a.value.loc)).collect();
    let text = format!("{name}({})", words.join(", ")).into();
    let what = deed(cx, scope, action, name, (&plain, lasts))?;
    Some(Effect { text, what })
}

fn deed(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    action: &Expr,
    name: &str,
    (plain, lasts): (&[&Arg], Option<Span>),
) -> Option<Deed> {
    match (name, plain) {
        ("label", [of, label]) => {
            let (found, label) = (entity(cx, scope.on, &of.value), label_name(cx, &label.value));
            let ((of, kind), name) = (found?, label?);
            Some(Deed::Label { of, kind, name, lasts })
        }
        ("list", [of, list]) => {
            let (of, kind) = entity(cx, scope.on, &of.value)?;
            let list = list_to_add_to(cx, scope, &list.value, kind)?;
            Some(Deed::List { of, kind, list, lasts })
        }
        ("case", [queue]) => short_text(cx, &queue.value, "queue").map(Deed::Case),
        ("notify", [whom]) => short_text(cx, &whom.value, "desk").map(Deed::Notify),
        ("webhook", [hook]) => short_text(cx, &hook.value, "webhook").map(Deed::Webhook),
        _ => {
            let takes = match name {
                "label" => "an entity and a label",
                "list" => "a value and the list to put it on",
                "case" => "the name of a queue",
                "notify" => "the name of a desk",
                _ => "the name of a webhook",
            };
            let help = match name {
                "label" => "label(ip.net, \"signup-farm\", expires=\"14d\")",
                "list" => "list(ip, bad_addresses, expires=\"1d\")",
                "case" => "case(\"account-takeover\")",
                "notify" => "notify(\"abuse-desk\")",
                _ => "webhook(\"session-revoke\")",
            };
            let d = Diagnostic::error("W0511", action.loc, format!("the effect `{name}` takes {takes}"));
            cx.diagnostics.push(d.help(format!("write: {help}")));
            None
        }
    }
}

/// `expires="14d"`. The outer `None`: a fault has been reported.
fn lasts(cx: &mut Context<'_>, effect: &str, named: &[&Arg]) -> Option<Option<Span>> {
    let mut lasts = None;
    for arg in named {
        let Some(name) = &arg.name else { continue };
        if name.name != "expires" || !matches!(effect, "label" | "list") {
            let message = format!("the effect `{effect}` has no argument `{}`", name.name);
            let help = matches!(effect, "label" | "list").then(|| "it has: expires=\"14d\"".to_owned());
            cx.diagnostics.push(Diagnostic::error("W0511", name.loc, message).help_opt(help));
            return None;
        }
        let span = match &arg.value.kind {
            ExprKind::Text(text) => {
                Span::parse(text).ok().filter(|s| (limits::WINDOW_LEAST..=limits::WINDOW_MOST).contains(s))
            }
            _ => None,
        };
        if span.is_none() {
            let d =
                Diagnostic::error("W0511", arg.value.loc, "`expires` is a length of time from 1s to 400d");
            cx.diagnostics.push(d.help("write: expires=\"14d\""));
            return None;
        }
        lasts = span;
    }
    Some(lasts)
}

fn list_to_add_to(cx: &mut Context<'_>, scope: &Scope<'_>, expr: &Expr, kind: Type) -> Option<ListId> {
    let name = super::express::dotted(expr).unwrap_or_default();
    let (number, declared) = match cx.names.find(scope.namespace, &name, expr.loc) {
        Some((Meaning::List(number), declared)) => (number, declared),
        Some((Meaning::Broken, _)) => return None,
        _ => {
            let d = Diagnostic::error("W0201", expr.loc, format!("no list `{name}`"));
            let is_list = |meaning| matches!(meaning, Meaning::List(_));
            let near = cx.near(&name, cx.names.written(scope.namespace, is_list));
            cx.diagnostics.push(d.help_opt(near.map(|n| format!("did you mean `{n}`?"))));
            return None;
        }
    };
    let list = &mut cx.checked.lists[number];
    let text = list.kind == Type::Text && kind.repr() == Repr::Text;
    let fits = list.kind == kind || text || (list.kind == Type::Net && kind == Type::Ip);
    if fits && list.matching != crate::program::Matching::Pattern {
        list.changes = true;
        return Some(ListId(number));
    }
    let (message, help) = match list.matching {
        crate::program::Matching::Pattern => (
            "a list of regular expressions takes no values".to_owned(),
            "declare a list of the value's type for it".to_owned(),
        ),
        _ => (
            format!("a value of type {kind} cannot be put on a list of {}", list.kind),
            format!("declare a list for it: list name: {kind}"),
        ),
    };
    let d = Diagnostic::error("W0512", expr.loc, message).also(declared, "the list is declared here");
    cx.diagnostics.push(d.help(help));
    None
}

/// A verdict, with what to ask for where it says so.
fn verdict(cx: &mut Context<'_>, action: &Expr) -> Option<(Verdict, Option<Box<str>>)> {
    let (name, args) = match &action.kind {
        ExprKind::Name(name) => (name, &[][..]),
        ExprKind::Call(of, args) => match &of.kind {
            ExprKind::Name(name) => (name, args.as_slice()),
            _ => return unknown_action(cx, action, ""),
        },
        _ => return unknown_action(cx, action, ""),
    };
    let Some(verdict) = Verdict::named(name) else {
        return unknown_action(cx, action, name);
    };
    match args {
        [] => Some((verdict, None)),
        [arg] => match &arg.value.kind {
            ExprKind::Text(text) if arg.name.is_none() => Some((verdict, Some(text.as_str().into()))),
            _ => wrong_ask(cx, &arg.value),
        },
        [_, second, ..] => wrong_ask(cx, &second.value),
    }
}

fn wrong_ask<T>(cx: &mut Context<'_>, arg: &Expr) -> Option<T> {
    cx.diagnostics.push(
        Diagnostic::error("W0502", arg.loc, "a verdict takes at most what to ask for, in quotes")
            .help("write: then challenge(\"second factor\")"),
    );
    None
}

fn unknown_action<T>(cx: &mut Context<'_>, action: &Expr, name: &str) -> Option<T> {
    let names = Verdict::ALL.map(Verdict::name);
    let d = Diagnostic::error("W0502", action.loc, "expected a verdict or an effect");
    let d = match verdict_elsewhere(name).or(nearest(name, names.into_iter().chain(EFFECTS))) {
        _ if matches!(action.kind, ExprKind::And(_) | ExprKind::Or(_)) => {
            d.help("put a comma between several: then block, label(ip.net, \"farm\")")
        }
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d
            .help(format!("the verdicts are: {}", names.join(", ")))
            .help(format!("the effects are: {}", EFFECTS.join(", "))),
    };
    cx.diagnostics.push(d);
    None
}

/// A reason as it is written, its values on one line.
pub(super) fn written(cx: &Context<'_>, pieces: &[TemplatePiece]) -> Box<str> {
    let piece = |piece: &TemplatePiece| match piece {
        TemplatePiece::Text(text) => text.replace('{', "{{").replace('}', "}}"),
        TemplatePiece::Expr(expr) => format!("{{{}}}", one_line(cx.sources, expr.loc)),
    };
    pieces.iter().map(piece).collect::<String>().into()
}

/// The verdict that is called so elsewhere.
pub(super) fn verdict_elsewhere(word: &str) -> Option<&'static str> {
    Some(match word {
        "deny" | "reject" | "refuse" | "drop" | "ban" | "forbid" => "block",
        "pass" | "permit" | "accept" | "ok" => "allow",
        "throttle" | "slow" | "rate_limit" => "limit",
        "captcha" | "mfa" | "verify" => "challenge",
        "hold" | "flag" | "queue" => "review",
        _ => return None,
    })
}

/// The mode that is called so elsewhere.
fn mode_elsewhere(word: &str) -> Option<&'static str> {
    Some(match word {
        "test" | "testing" | "dry_run" | "monitor" | "log" => "shadow",
        "on" | "active" | "enabled" | "enforce" => "live",
        "off" | "disabled" | "deleted" => "retired",
        _ => return None,
    })
}

/// The pieces of a reason. A fault in one does not hide the next.
pub(super) fn pieces(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    written: &[TemplatePiece],
) -> Vec<CheckedPiece> {
    let mut pieces = Vec::new();
    for piece in written {
        match piece {
            TemplatePiece::Text(text) => pieces.push(CheckedPiece::Text(text.as_str().into())),
            TemplatePiece::Expr(expr) => match computed::top(cx, scope, expr) {
                Some(top) => pieces.extend(top.map(|(score, most)| CheckedPiece::Top(score, most))),
                None => {
                    let shown = value(cx, scope, expr).map(|typed| (shown_as(cx, &typed), typed));
                    pieces.extend(shown.map(|(kind, typed)| CheckedPiece::Value(kind, typed)));
                }
            },
        }
    }
    pieces
}

/// The type a value is shown as. Text taken from what names a person (`email.local`, `account.lower()`) still names
/// one, and is masked like it.
fn shown_as(cx: &Context<'_>, typed: &Typed) -> Type {
    if typed.kind == Type::Text && names_person(cx, typed) { Type::Account } else { typed.kind }
}

fn names_person(cx: &Context<'_>, typed: &Typed) -> bool {
    if let Node::Computed(number) = typed.node {
        return names_person(cx, &cx.checked.computed[number].typed);
    }
    typed.kind.is_personal()
        || (typed.kind == Type::Text && typed.children().into_iter().any(|child| names_person(cx, child)))
}

fn mode_named(cx: &mut Context<'_>, word: &Ident) -> Option<Mode> {
    let mode = Mode::named(&word.name);
    if mode.is_none() {
        let names = Mode::ALL.map(Mode::name);
        let d = Diagnostic::error("W0504", word.loc, format!("no mode `{}`", word.name));
        cx.diagnostics.push(match mode_elsewhere(&word.name).or(nearest(&word.name, names)) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d.help(format!("the modes are: {}", names.join(", "))),
        });
    }
    mode
}

type Say = (Mode, Option<(u32, KeyPath)>);

fn mode(cx: &mut Context<'_>, on: TypeId, decl: Option<&ModeDecl>) -> Option<Say> {
    let Some(decl) = decl else {
        return Some((Mode::Live, None));
    };
    let word = &decl.name;
    let mode = mode_named(cx, word)?;
    if mode != Mode::Canary {
        if let Some(extra) = decl.by.as_ref().or(decl.share.as_ref()) {
            let d =
                Diagnostic::error("W0509", extra.loc, format!("a rule in mode {} has no share", mode.name()));
            cx.diagnostics.push(d.help("only a canary decides a share: mode canary 5% by account"));
            return None;
        }
        return Some((mode, None));
    }
    let share = share(cx, decl);
    let by = match &decl.by {
        Some(by) => entity(cx, on, by).map(|(path, _)| path),
        None => first_entity(cx, on, word),
    };
    Some((mode, Some((share?, by?))))
}

/// `5%`, in millionths.
fn share(cx: &mut Context<'_>, decl: &ModeDecl) -> Option<u32> {
    let percent = match decl.share.as_ref().map(|e| &e.kind) {
        Some(ExprKind::Int(n)) => *n as f64,
        Some(ExprKind::Number(n)) => *n,
        _ => 0.0,
    };
    let millionths = (percent * 10_000.0).round();
    if (1.0..1_000_000.0).contains(&millionths) {
        return Some(millionths as u32);
    }
    let d = match &decl.share {
        None => Diagnostic::error("W0509", decl.name.loc, "a canary needs the share it decides"),
        Some(share) => {
            Diagnostic::error("W0509", share.loc, "a canary decides a share above 0% and below 100%")
        }
    };
    cx.diagnostics.push(d.help("write: mode canary 5%"));
    None
}

/// What a canary is sticky by where it does not say: the first entity of the event.
fn first_entity(cx: &mut Context<'_>, on: TypeId, word: &Ident) -> Option<KeyPath> {
    let event = cx.checked.schema.get(on);
    let found = event.fields.iter().position(|f| f.kind.is_entity() && !f.optional);
    if found.is_none() {
        let message = format!("event type `{}` has no entity that is always there", event.name);
        let d = Diagnostic::error("W0509", word.loc, message);
        cx.diagnostics
            .push(d.help("say what makes a canary decide the same ones every time: mode canary 5% by …"));
    }
    found.map(|slot| KeyPath { slot, part: None })
}

fn expires(cx: &mut Context<'_>, time: &Ident) -> Option<Option<Micros>> {
    match Micros::parse(&time.name) {
        Some(at) => Some(Some(at)),
        None => {
            let d = Diagnostic::error("W0510", time.loc, "this is no point in time");
            let help = with_hour(&time.name);
            cx.diagnostics
                .push(d.help(help.unwrap_or_else(|| "write: expires \"2027-01-01T00:00:00Z\"".to_owned())));
            None
        }
    }
}

/// What to write where a time lacks its hour or its zone.
pub(super) fn with_hour(text: &str) -> Option<String> {
    let whole = ["T00:00:00Z", "Z", ":00Z"].map(|rest| format!("{}{rest}", text.trim().replace(' ', "T")));
    let found = whole.into_iter().find(|t| Micros::parse(t).is_some())?;
    Some(format!("did you mean \"{found}\"? a time has its hour and its zone"))
}

/// The id a rule had before, which no other may have now.
fn was_named(cx: &mut Context<'_>, file: &File, was: &Ident) -> Option<Option<Box<str>>> {
    let full = if was.name.contains('.') { was.name.clone() } else { id(&file.namespace, &was.name) };
    if let Some(Meaning::Rule(_)) = cx.names.meaning("", &full) {
        let declared = cx.names.find("", &full, was.loc).map(|(_, declared)| declared);
        let d = Diagnostic::error("W0514", was.loc, format!("`{full}` is the name of a rule now"));
        let d = declared.into_iter().fold(d, |d, at| d.also(at, "declared here"));
        cx.diagnostics.push(d.note("`was` gives a rule the past of a name that is no longer used"));
        return None;
    }
    Some(Some(full.into()))
}

fn missing(cx: &mut Context<'_>, word: &Ident) -> Option<Missing> {
    match word.name.as_str() {
        "false" | "False" => Some(Missing::Nothing),
        "true" | "True" => Some(Missing::Holds),
        "review" => Some(Missing::Review),
        _ => {
            cx.diagnostics.push(
                Diagnostic::error("W0505", word.loc, format!("`missing` cannot be `{}`", word.name)).help(
                    "false: an unknown condition does not fire; true: it fires; review: a person decides",
                ),
            );
            None
        }
    }
}
