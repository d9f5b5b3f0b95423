// SPDX-License-Identifier: Apache-2.0
//! Expressions: names resolved, types inferred, literals fitted to what they meet.

use super::names::Meaning;
use super::rule::readable;
use super::{Context, listed};
use crate::ir::{Function, Node, Typed};
use crate::program::ListId;
use crate::syntax::tree::{Arg, ArithOp, CompareOp, Expr, ExprKind, Ident};
use wardroom_event::{EventType, Part, Repr, Type, TypeId, Value, nearest, parse_text};
use wardroom_report::{Diagnostic, Loc};

/// What an expression may use.
pub(super) struct Scope<'a> {
    on: TypeId,
    namespace: &'a str,
    /// A filter reads the event's own fields only, so that counters can be recomputed key by key.
    fields_only: bool,
}

impl<'a> Scope<'a> {
    /// A rule's expressions on events of this type.
    pub(super) fn rule(on: TypeId, namespace: &'a str) -> Scope<'a> {
        Scope { on, namespace, fields_only: false }
    }

    /// A feature's filter.
    pub(super) fn filter(on: TypeId, namespace: &'a str) -> Scope<'a> {
        Scope { on, namespace, fields_only: true }
    }
}

/// Checks an expression that must be true or false.
pub(super) fn boolean(cx: &mut Context<'_>, scope: &Scope<'_>, expr: &Expr) -> Option<Typed> {
    let typed = value(cx, scope, expr)?;
    if typed.kind == Type::Bool {
        return Some(typed);
    }
    let d = Diagnostic::error(
        "W0303",
        typed.loc,
        format!("expected a condition, found a value of type {}", typed.kind),
    )
    .label(format!("this is of type {}", typed.kind));
    let help = match typed.kind.repr() {
        Repr::Int | Repr::Number => "compare it: … > 0",
        Repr::Duration => "compare it: … < \"1h\"",
        _ => "compare it: … == \"…\", or ask `is not missing`",
    };
    cx.diagnostics.push(d.help(help));
    None
}

/// Checks an expression of any type.
pub(super) fn value(cx: &mut Context<'_>, scope: &Scope<'_>, expr: &Expr) -> Option<Typed> {
    let make = |node, kind| Some(Typed { node, kind, loc: expr.loc });
    match &expr.kind {
        ExprKind::Int(n) => make(Node::Const(Value::Int(*n)), Type::Int),
        ExprKind::Number(n) => make(Node::Const(Value::Number(*n)), Type::Number),
        ExprKind::Text(t) => make(Node::Const(Value::Text(t.as_str().into())), Type::Text),
        ExprKind::Bool(b) => make(Node::Const(Value::Bool(*b)), Type::Bool),
        ExprKind::Bad => None,
        ExprKind::Name(name) => named(cx, scope, name, expr.loc),
        ExprKind::Attr(of, name) => attribute(cx, scope, expr, of, name),
        ExprKind::Call(of, args) => call(cx, scope, expr, of, args),
        ExprKind::Items(_) => {
            let d = Diagnostic::error("W0307", expr.loc, "a list stands only after `in`");
            cx.diagnostics.push(d.help("write: country in [\"de\", \"fr\"]"));
            None
        }
        ExprKind::Not(of) => {
            let of = boolean(cx, scope, of)?;
            make(Node::Not(of.into()), Type::Bool)
        }
        ExprKind::Neg(of) => {
            let of = value(cx, scope, of)?;
            match of.kind {
                Type::Int | Type::Number | Type::Duration => {
                    let kind = of.kind;
                    make(Node::Neg(of.into()), kind)
                }
                kind => {
                    cx.diagnostics.push(Diagnostic::error(
                        "W0304",
                        expr.loc,
                        format!("`-` before a value of type {kind}"),
                    ));
                    None
                }
            }
        }
        ExprKind::And(parts) => make(Node::All(conditions(cx, scope, parts)?), Type::Bool),
        ExprKind::Or(parts) => make(Node::Any(conditions(cx, scope, parts)?), Type::Bool),
        ExprKind::Arith(op, a, b) => arithmetic(cx, scope, expr.loc, *op, a, b),
        ExprKind::Compare(op, a, b) => comparison(cx, scope, expr.loc, *op, a, b),
        ExprKind::In { needle, hay, negated } => {
            let found = membership(cx, scope, expr.loc, needle, hay)?;
            if *negated { make(Node::Not(found.into()), Type::Bool) } else { Some(found) }
        }
        ExprKind::IsMissing { of, negated } => {
            let of = value(cx, scope, of)?;
            let node = Node::IsMissing(of.into());
            if !negated {
                return make(node, Type::Bool);
            }
            make(Node::Not(Typed { node, kind: Type::Bool, loc: expr.loc }.into()), Type::Bool)
        }
        ExprKind::If { then, cond, other } => choice(cx, scope, expr.loc, (then, cond, other)),
    }
}

/// All parts are checked, so that one fault does not hide the next.
fn conditions(cx: &mut Context<'_>, scope: &Scope<'_>, parts: &[Expr]) -> Option<Vec<Typed>> {
    let checked: Vec<Option<Typed>> = parts.iter().map(|part| boolean(cx, scope, part)).collect();
    checked.into_iter().collect()
}

fn named(cx: &mut Context<'_>, scope: &Scope<'_>, name: &str, loc: Loc) -> Option<Typed> {
    let event = cx.checked.schema.get(scope.on);
    let field = event.slot(name).map(|slot| (slot, event.fields[slot].kind));
    let meaning = if scope.fields_only { None } else { cx.names.find(scope.namespace, name) };
    if field.is_some() && cx.is_broken(scope.on, name) {
        return None;
    }
    match (field, meaning) {
        // A rule is no value: nobody takes its name for one.
        (Some((slot, kind)), None | Some((Meaning::Rule(_), _))) => {
            Some(Typed { node: Node::Field(slot), kind, loc })
        }
        (Some(_), Some((meaning, declared))) => {
            let event = &cx.checked.schema.get(scope.on).name;
            let what = if matches!(meaning, Meaning::List(_)) { "a list" } else { "a feature" };
            let message = format!("`{name}` is both a field of `{event}` and {what}");
            let d = Diagnostic::error("W0205", loc, message).also(declared, "declared here");
            let what = what.trim_start_matches("a ");
            cx.diagnostics.push(
                d.help(format!("rename the {what}: the field's name is known to those who send events")),
            );
            None
        }
        (None, Some((meaning, declared))) => meant(cx, scope, name, loc, meaning, declared),
        (None, None) if name == "time" => Some(Typed { node: Node::Time, kind: Type::Time, loc }),
        (None, None) => {
            let d = unknown(cx, scope, name, loc);
            cx.diagnostics.push(d);
            None
        }
    }
}

fn meant(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    name: &str,
    loc: Loc,
    meaning: Meaning,
    declared: Loc,
) -> Option<Typed> {
    match meaning {
        Meaning::Feature(number) => {
            if let Err(why) = readable(cx, number, scope.on) {
                let d = Diagnostic::error("W0405", loc, format!("feature `{name}` cannot be read here"));
                cx.diagnostics.push(d.note(why).also(declared, "the feature is declared here"));
                return None;
            }
            Some(Typed { node: Node::Feature(number), kind: cx.checked.features[number].kind, loc })
        }
        Meaning::List(_) => {
            let d = Diagnostic::error("W0307", loc, format!("`{name}` is a list"))
                .also(declared, "declared here");
            cx.diagnostics.push(d.help(format!("ask whether a value is in it: ip in {name}")));
            None
        }
        Meaning::Rule(_) => {
            let d = Diagnostic::error("W0307", loc, format!("`{name}` is a rule, not a value"))
                .also(declared, "declared here");
            cx.diagnostics.push(d);
            None
        }
        // Its own fault has been reported.
        Meaning::Broken => None,
    }
}

fn unknown(cx: &Context<'_>, scope: &Scope<'_>, name: &str, loc: Loc) -> Diagnostic {
    let event = cx.checked.schema.get(scope.on);
    let fields = || event.fields.iter().map(|f| &*f.name);
    if scope.fields_only {
        let d = no_field(cx, name, loc, event);
        return d.note("a filter reads the fields of the event it looks at, no features and no lists");
    }
    if ["missing", "None", "null"].contains(&name) {
        return Diagnostic::error("W0201", loc, format!("`{name}` is no value"))
            .help("to ask for it, write: … is missing");
    }
    let d =
        Diagnostic::error("W0201", loc, format!("no field, feature or list `{name}`")).label("not declared");
    match cx.near(name, fields()).or_else(|| near_declared(cx, scope, name)) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.help(format!("`{}` has the fields: {}", event.name, listed(fields()))),
    }
}

/// The feature or list that was probably meant.
fn near_declared(cx: &Context<'_>, scope: &Scope<'_>, name: &str) -> Option<String> {
    let is_read = |meaning| matches!(meaning, Meaning::Feature(_) | Meaning::List(_));
    cx.near(name, cx.names.written(scope.namespace, is_read))
}

/// The event type has no such field.
pub(super) fn no_field(cx: &Context<'_>, name: &str, loc: Loc, event: &EventType) -> Diagnostic {
    let fields = || event.fields.iter().map(|f| &*f.name);
    let d = Diagnostic::error("W0201", loc, format!("event type `{}` has no field `{name}`", event.name));
    match cx.near(name, fields()) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.help(format!("its fields are: {}", listed(fields()))),
    }
}

/// The type has no such part.
pub(super) fn no_part(of: Type, name: &Ident) -> Diagnostic {
    let d = Diagnostic::error("W0302", name.loc, format!("a value of type {of} has no part `{}`", name.name));
    let structural = |(part, kind, ..): &&(Part, Type, &str, Type)| *kind == of && !part.is_fact();
    let parts: Vec<&str> = Part::ALL.iter().filter(structural).map(|(_, _, name, _)| *name).collect();
    match nearest(&name.name, parts.iter().copied()) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None if parts.is_empty() => d.help("parts have: ip (net), email (local, domain) and url (host)"),
        None => d.help(format!("its parts are: {}", parts.join(", "))),
    }
}

/// `a.b.c` as one text, when the expression is only names.
pub(super) fn dotted(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.clone()),
        ExprKind::Attr(of, name) => Some(format!("{}.{}", dotted(of)?, name.name)),
        _ => None,
    }
}

/// A part of a value, or a name of another folder.
fn attribute(cx: &mut Context<'_>, scope: &Scope<'_>, expr: &Expr, of: &Expr, name: &Ident) -> Option<Typed> {
    let elsewhere = match &of.kind {
        ExprKind::Name(first) if cx.checked.schema.get(scope.on).slot(first).is_some() => None,
        _ if scope.fields_only => None,
        _ => dotted(expr),
    };
    if let Some(id) = &elsewhere
        && let Some((meaning, declared)) = cx.names.find("", id)
    {
        return meant(cx, scope, id, expr.loc, meaning, declared);
    }
    if let Some(id) = elsewhere
        && let Some(near) = near_declared(cx, scope, &id).filter(|near| near.contains('.'))
    {
        let d =
            Diagnostic::error("W0201", expr.loc, format!("no feature or list `{id}`")).label("not declared");
        cx.diagnostics.push(d.help(format!("did you mean `{near}`?")));
        return None;
    }
    let of = value(cx, scope, of)?;
    match Part::named(of.kind, &name.name).filter(|(part, _)| !part.is_fact()) {
        Some((part, kind)) => Some(Typed { node: Node::Part(part, of.into()), kind, loc: expr.loc }),
        None => {
            cx.diagnostics.push(no_part(of.kind, name));
            None
        }
    }
}

/// What texts have: name, function, how many texts it takes, type of its result.
const METHODS: [(&str, Function, usize, Type); 3] = [
    ("startswith", Function::StartsWith, 1, Type::Bool),
    ("endswith", Function::EndsWith, 1, Type::Bool),
    ("lower", Function::Lower, 0, Type::Text),
];

fn call(cx: &mut Context<'_>, scope: &Scope<'_>, expr: &Expr, of: &Expr, args: &[Arg]) -> Option<Typed> {
    match &of.kind {
        ExprKind::Attr(subject, name) => method(cx, scope, expr.loc, subject, name, args),
        ExprKind::Name(name) => function(cx, scope, expr.loc, name, of.loc, args),
        _ => {
            cx.diagnostics.push(Diagnostic::error("W0308", of.loc, "this cannot be called"));
            None
        }
    }
}

fn method(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    loc: Loc,
    subject: &Expr,
    name: &Ident,
    args: &[Arg],
) -> Option<Typed> {
    let Some((_, function, count, kind)) = METHODS.into_iter().find(|(n, ..)| *n == name.name) else {
        let names = METHODS.map(|(n, ..)| n);
        let d = Diagnostic::error("W0308", name.loc, format!("no function `{}`", name.name));
        cx.diagnostics.push(match nearest(&name.name, names) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None if name.name == "contains" => d.help("write: \"part\" in text"),
            None => d.help(format!("texts have: {}", names.join(", "))),
        });
        return None;
    };
    let subject = value(cx, scope, subject)?;
    let mut all = vec![as_text(cx, subject)?];
    let named = args.iter().any(|arg| arg.name.is_some());
    if args.len() != count || named {
        let (message, help) = match (count, named) {
            (_, true) => (format!("`{}` takes values without names", name.name), None),
            (0, _) => (format!("`{}` takes no value", name.name), Some(format!("write: {}()", name.name))),
            _ => (format!("`{}` takes one value", name.name), Some(format!("write: {}(\"…\")", name.name))),
        };
        cx.diagnostics.push(Diagnostic::error("W0309", loc, message).help_opt(help));
        return None;
    }
    for arg in args {
        let typed = value(cx, scope, &arg.value)?;
        all.push(as_text(cx, typed)?);
    }
    Some(Typed { node: Node::Call(function, all), kind, loc })
}

fn as_text(cx: &mut Context<'_>, typed: Typed) -> Option<Typed> {
    if typed.kind.repr() == Repr::Text {
        return Some(typed);
    }
    let message = format!("expected text, found a value of type {}", typed.kind);
    cx.diagnostics.push(Diagnostic::error("W0304", typed.loc, message));
    None
}

fn function(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    loc: Loc,
    name: &str,
    name_loc: Loc,
    args: &[Arg],
) -> Option<Typed> {
    let aggregates = ["count", "distinct", "first_seen"];
    if aggregates.contains(&name) {
        let d = Diagnostic::error("W0308", name_loc, format!("`{name}` stands in a feature, not in a rule"));
        cx.diagnostics
            .push(d.help(format!("declare it: feature some_name = {name}(…), then use some_name here")));
        return None;
    }
    if !["len", "abs"].contains(&name) {
        cx.diagnostics.push(no_function(name, name_loc));
        return None;
    }
    let [Arg { name: None, value: arg }] = args else {
        let d = Diagnostic::error("W0309", loc, format!("`{name}` takes one value, without a name"));
        cx.diagnostics.push(d);
        return None;
    };
    let of = value(cx, scope, arg)?;
    let (function, kind) = match (name, of.kind) {
        ("len", k) if k.repr() == Repr::Text => (Function::Len, Type::Int),
        ("abs", k @ (Type::Int | Type::Number | Type::Duration)) => (Function::Abs, k),
        (_, k) => {
            let what = if name == "len" { "text" } else { "a number or a length of time" };
            let d = Diagnostic::error("W0304", of.loc, format!("`{name}` of a value of type {k}"));
            cx.diagnostics.push(d.label(format!("expected {what}")));
            return None;
        }
    };
    Some(Typed { node: Node::Call(function, vec![of]), kind, loc })
}

fn no_function(name: &str, loc: Loc) -> Diagnostic {
    let d = Diagnostic::error("W0308", loc, format!("no function `{name}`"));
    if METHODS.iter().any(|(method, ..)| *method == name) {
        return d.help(format!("it stands after the text: x.{name}(…)"));
    }
    match nearest(name, ["len", "abs"]) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.help("there are len(text) and abs(number)"),
    }
}

fn arithmetic(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    loc: Loc,
    op: ArithOp,
    a: &Expr,
    b: &Expr,
) -> Option<Typed> {
    let (a, b) = (value(cx, scope, a), value(cx, scope, b));
    let (mut a, mut b) = (a?, b?);
    // A quoted length of time beside a time or a duration.
    if matches!(a.kind, Type::Time | Type::Duration) {
        b = adapt(cx, b, Type::Duration)?;
    } else if b.kind == Type::Duration && op != ArithOp::Mul {
        a = adapt(cx, a, Type::Duration)?;
    }
    use ArithOp::{Add, Div, Mul, Sub};
    let kind = match (op, a.kind, b.kind) {
        (Add | Sub | Mul, Type::Int, Type::Int) => Type::Int,
        (_, Type::Int | Type::Number, Type::Int | Type::Number) | (Div, Type::Duration, Type::Duration) => {
            Type::Number
        }
        (Add | Sub, Type::Duration, Type::Duration)
        | (Sub, Type::Time, Type::Time)
        | (Mul | Div, Type::Duration, Type::Int | Type::Number) => Type::Duration,
        (Add | Sub, Type::Time, Type::Duration) => Type::Time,
        (_, ka, kb) => {
            let span = |t: &Typed| matches!(&t.node, Node::Const(Value::Text(t)) if parse_text(t, Type::Duration).is_ok());
            let help = match (ka, kb) {
                (Type::Int | Type::Number, Type::Duration) if op == Mul => {
                    Some("the length of time goes first: form_time * 2")
                }
                _ if span(&a) || span(&b) => Some("a length of time is written as one text: \"1h30m\""),
                _ => None,
            };
            let message = format!("`{}` does not go between {ka} and {kb}", op.sign());
            let d = Diagnostic::error("W0304", loc, message)
                .also(a.loc, format!("of type {ka}"))
                .also(b.loc, format!("of type {kb}"));
            cx.diagnostics.push(d.help_opt(help.map(str::to_owned)));
            return None;
        }
    };
    if kind == Type::Number && a.kind != Type::Duration {
        (a, b) = (widen(a), widen(b));
    } else if kind == Type::Duration && matches!(op, Mul | Div) {
        b = widen(b);
    }
    Some(Typed { node: Node::Arith(op, a.into(), b.into()), kind, loc })
}

/// An `int` as a `number`.
fn widen(typed: Typed) -> Typed {
    match typed {
        Typed { node: Node::Const(Value::Int(n)), loc, .. } => {
            Typed { node: Node::Const(Value::Number(n as f64)), kind: Type::Number, loc }
        }
        Typed { kind: Type::Int, loc, .. } => {
            Typed { node: Node::Widen(typed.into()), kind: Type::Number, loc }
        }
        other => other,
    }
}

/// A quoted literal as a value of the type it meets; anything else stays what it is.
fn adapt(cx: &mut Context<'_>, typed: Typed, want: Type) -> Option<Typed> {
    let Node::Const(Value::Text(text)) = &typed.node else {
        return Some(typed);
    };
    if typed.kind != Type::Text || want == Type::Text || matches!(want, Type::Bool | Type::Int | Type::Number)
    {
        return Some(typed);
    }
    match parse_text(text, want) {
        Ok(value) => Some(Typed { node: Node::Const(value), kind: want, loc: typed.loc }),
        Err(why) => {
            let d = Diagnostic::error("W0305", typed.loc, format!("this text {why}"));
            let network = want == Type::Ip && parse_text(text, Type::Net).is_ok();
            let help = network
                .then(|| "to ask whether an address lies in a network: ip in \"203.0.113.0/24\"".to_owned());
            cx.diagnostics.push(d.label(format!("a value of type {want} is expected here")).help_opt(help));
            None
        }
    }
}

/// Both sides of a comparison as one type, or a diagnostic.
fn alike(cx: &mut Context<'_>, a: Typed, b: Typed, loc: Loc, sign: &str) -> Option<(Typed, Typed)> {
    let (want_b, want_a) = (a.kind, b.kind);
    let b = adapt(cx, b, want_b)?;
    let a = adapt(cx, a, want_a)?;
    let numeric = |k: Type| matches!(k, Type::Int | Type::Number);
    let plain_text = |k: Type| k == Type::Text;
    if a.kind == b.kind {
        return Some((a, b));
    }
    if numeric(a.kind) && numeric(b.kind) {
        return Some((widen(a), widen(b)));
    }
    let both_text = a.kind.repr() == Repr::Text && b.kind.repr() == Repr::Text;
    if both_text && (plain_text(a.kind) || plain_text(b.kind)) {
        return Some((a, b));
    }
    let d =
        Diagnostic::error("W0304", loc, format!("`{sign}` does not go between {} and {}", a.kind, b.kind))
            .also(a.loc, format!("of type {}", a.kind))
            .also(b.loc, format!("of type {}", b.kind));
    let with_time = [a.kind, b.kind].contains(&Type::Duration) && (numeric(a.kind) || numeric(b.kind));
    let quoted = |t: &Typed| match &t.node {
        Node::Const(Value::Text(text)) => text.parse::<f64>().is_ok(),
        _ => false,
    };
    let with_text = (numeric(a.kind) && quoted(&b)) || (numeric(b.kind) && quoted(&a));
    let with_net = [a.kind, b.kind].contains(&Type::Ip) && [a.kind, b.kind].contains(&Type::Net);
    cx.diagnostics.push(match () {
        () if with_time => d.help("write a length of time in quotes: \"30s\""),
        () if with_text => d.help("write the number without quotes"),
        () if with_net => d.help("ask whether the address lies in the network: ip in net"),
        () => d,
    });
    None
}

fn comparison(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    loc: Loc,
    op: CompareOp,
    a: &Expr,
    b: &Expr,
) -> Option<Typed> {
    let (a, b) = (value(cx, scope, a), value(cx, scope, b));
    let (a, b) = (a?, b?);
    if op.orders()
        && let Some(kind) = unordered(a.kind, b.kind)
    {
        let d = Diagnostic::error("W0304", loc, format!("values of type {kind} have no order"));
        cx.diagnostics.push(d.help("compare with == or !=, or ask with `in`"));
        return None;
    }
    let (a, b) = alike(cx, a, b, loc, op.sign())?;
    Some(Typed { node: Node::Compare(op, a.into(), b.into()), kind: Type::Bool, loc })
}

/// The type of the two that has no order. A text beside another type may be a literal of that type.
fn unordered(a: Type, b: Type) -> Option<Type> {
    let has_order = |k: &Type| matches!(k.repr(), Repr::Int | Repr::Number | Repr::Time | Repr::Duration);
    let both_text = a == Type::Text && b == Type::Text;
    [a, b].into_iter().find(|k| !has_order(k) && (*k != Type::Text || both_text))
}

fn membership(cx: &mut Context<'_>, scope: &Scope<'_>, loc: Loc, needle: &Expr, hay: &Expr) -> Option<Typed> {
    if let ExprKind::Items(items) = &hay.kind {
        return in_items(cx, scope, loc, needle, items);
    }
    if let Some((number, declared)) = list_named(cx, scope, hay) {
        return in_list(cx, scope, loc, needle, number, declared);
    }
    let (needle, hay) = (value(cx, scope, needle), value(cx, scope, hay));
    let (mut needle, mut hay) = (needle?, hay?);
    if matches!(needle.kind, Type::Ip | Type::Net) {
        hay = adapt(cx, hay, Type::Net)?;
    }
    if hay.kind == Type::Net {
        needle = adapt(cx, needle, Type::Ip)?;
    }
    let fits = (hay.kind == Type::Net && matches!(needle.kind, Type::Ip | Type::Net))
        || (hay.kind.repr() == Repr::Text && needle.kind.repr() == Repr::Text);
    if !fits {
        let d = Diagnostic::error(
            "W0304",
            loc,
            format!("`in` does not go between {} and {}", needle.kind, hay.kind),
        )
        .also(needle.loc, format!("of type {}", needle.kind))
        .also(hay.loc, format!("of type {}", hay.kind))
        .help("a list, a network or a text can hold something");
        cx.diagnostics.push(d);
        return None;
    }
    Some(Typed { node: Node::Within(needle.into(), hay.into()), kind: Type::Bool, loc })
}

/// The list that an expression names, if it names one and no field.
fn list_named(cx: &mut Context<'_>, scope: &Scope<'_>, expr: &Expr) -> Option<(usize, Loc)> {
    let name = dotted(expr)?;
    let first = name.split('.').next().unwrap_or(&name);
    if scope.fields_only || cx.checked.schema.get(scope.on).slot(first).is_some() {
        return None;
    }
    match cx.names.find(scope.namespace, &name)? {
        (Meaning::List(number), declared) => Some((number, declared)),
        _ => None,
    }
}

fn in_list(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    loc: Loc,
    needle: &Expr,
    number: usize,
    declared: Loc,
) -> Option<Typed> {
    let needle = value(cx, scope, needle)?;
    let kind = cx.checked.lists[number].kind;
    let needle = adapt(cx, needle, kind)?;
    let text_in_text = kind.repr() == Repr::Text
        && needle.kind.repr() == Repr::Text
        && (kind == Type::Text || needle.kind == Type::Text);
    let fits = needle.kind == kind || (kind == Type::Net && needle.kind == Type::Ip) || text_in_text;
    if !fits {
        let message = format!("a value of type {} in a list of {kind}", needle.kind);
        cx.diagnostics.push(
            Diagnostic::error("W0306", loc, message)
                .also(needle.loc, format!("of type {}", needle.kind))
                .also(declared, format!("a list of {kind}")),
        );
        return None;
    }
    Some(Typed { node: Node::InList(ListId(number), needle.into()), kind: Type::Bool, loc })
}

fn in_items(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    loc: Loc,
    needle: &Expr,
    items: &[Expr],
) -> Option<Typed> {
    let needle = value(cx, scope, needle)?;
    let found: Vec<Option<Value>> = items.iter().map(|i| in_item(cx, scope, &needle, i)).collect();
    let values = found.into_iter().collect::<Option<Vec<Value>>>()?;
    Some(Typed { node: Node::InConst(needle.into(), values), kind: Type::Bool, loc })
}

/// One written value of those a needle is looked for among.
fn in_item(cx: &mut Context<'_>, scope: &Scope<'_>, needle: &Typed, item: &Expr) -> Option<Value> {
    let typed = value(cx, scope, item)?;
    let typed = adapt(cx, typed, needle.kind)?;
    let typed = if needle.kind == Type::Number { widen(typed) } else { typed };
    let same = typed.kind == needle.kind || (typed.kind == Type::Text && needle.kind.repr() == Repr::Text);
    let d = match typed.node {
        Node::Const(value) if same => return Some(value),
        Node::Const(_) => {
            let message = format!("an item of type {} among values of type {}", typed.kind, needle.kind);
            Diagnostic::error("W0304", typed.loc, message)
                .also(needle.loc, format!("of type {}", needle.kind))
        }
        _ => Diagnostic::error("W0307", typed.loc, "items in brackets are written values")
            .help("compare with == instead"),
    };
    cx.diagnostics.push(d);
    None
}

fn choice(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    loc: Loc,
    (then, cond, other): (&Expr, &Expr, &Expr),
) -> Option<Typed> {
    let (then, cond, other) = (value(cx, scope, then), boolean(cx, scope, cond), value(cx, scope, other));
    let (then, other) = alike(cx, then?, other?, loc, "if … else")?;
    // Of a text and an entity the entity: what names a person goes on doing so.
    let kind = if then.kind == Type::Text { other.kind } else { then.kind };
    Some(Typed { node: Node::If(cond?.into(), then.into(), other.into()), kind, loc })
}
