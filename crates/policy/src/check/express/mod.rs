// SPDX-License-Identifier: Apache-2.0
//! Expressions: names resolved, types inferred, literals fitted to what they meet.

mod arith;
mod call;
mod compare;
mod each;

pub(super) use arith::widen;

use super::names::Meaning;
use super::{Context, computed, feature, listed};
use crate::ir::{Node, Typed};
use crate::program::Reads;
use crate::syntax::tree::{Expr, ExprKind, Ident};
use call as functions;
use wardroom_event::{EventType, Field, Part, Repr, Type, TypeId, Value, nearest};
use wardroom_report::{Diagnostic, Loc};

/// What an expression may use.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) on: TypeId,
    pub(super) namespace: &'a str,
    /// A filter reads the event's own fields only, so that counters can be recomputed key by key.
    pub(super) fields_only: bool,
    /// The name of the item a comprehension looks at, and its columns.
    item: Option<(&'a str, &'a [Field])>,
}

impl<'a> Scope<'a> {
    /// A rule's expressions on events of this type.
    pub(super) fn rule(on: TypeId, namespace: &'a str) -> Scope<'a> {
        Scope { on, namespace, fields_only: false, item: None }
    }

    /// A feature's filter.
    pub(super) fn filter(on: TypeId, namespace: &'a str) -> Scope<'a> {
        Scope { on, namespace, fields_only: true, item: None }
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
    let help = match typed.kind {
        Type::Duration => "compare it: … < \"1h\"",
        Type::Size => "compare it: … < \"10MB\"",
        Type::Rate => "compare it: … > \"5/m\"",
        Type::List => "ask for its items: any(… for x in …), or len(…) > 0",
        kind if matches!(kind.repr(), Repr::Int | Repr::Number) => "compare it: … > 0",
        _ => "compare it: … == \"…\", or ask `is not missing`",
    };
    cx.diagnostics.push(d.help(help));
    None
}

/// Checks an expression that must be a number; an `int` becomes one.
pub(super) fn number(cx: &mut Context<'_>, scope: &Scope<'_>, expr: &Expr, what: &str) -> Option<Typed> {
    let typed = value(cx, scope, expr)?;
    if matches!(typed.kind, Type::Int | Type::Number) {
        return Some(widen(typed));
    }
    let message = format!("{what} is a number; this is of type {}", typed.kind);
    let help = match &typed.node {
        Node::Const(_) => "write a number, such as 2.5",
        _ => into_number(typed.kind),
    };
    cx.diagnostics.push(Diagnostic::error("W0703", typed.loc, message).help(help));
    None
}

/// How a value becomes a number.
pub(super) fn into_number(kind: Type) -> &'static str {
    match kind {
        Type::Bool => "write: 1 if … else 0",
        Type::Duration => "divide it by a length of time: … / \"1s\"",
        Type::Size => "divide it by a size: … / \"1MB\"",
        Type::Rate => "divide it by a rate: … / \"1/s\"",
        Type::Time => "ask how long it is ago: (time - …) / \"1s\"",
        Type::List => "ask for its items: len(…), or sum(… for x in …)",
        _ => "ask something of it: len(…), or 1 if … == \"…\" else 0",
    }
}

/// Checks an expression of any type.
pub(super) fn value(cx: &mut Context<'_>, scope: &Scope<'_>, expr: &Expr) -> Option<Typed> {
    let typed = of_any_type(cx, scope, expr);
    cx.see(expr, typed.as_ref());
    typed
}

fn of_any_type(cx: &mut Context<'_>, scope: &Scope<'_>, expr: &Expr) -> Option<Typed> {
    let make = |node, kind| Some(Typed { node, kind, loc: expr.loc });
    match &expr.kind {
        ExprKind::Int(n) => make(Node::Const(Value::Int(*n)), Type::Int),
        ExprKind::Number(n) => make(Node::Const(Value::Number(*n)), Type::Number),
        ExprKind::Text(t) => make(Node::Const(Value::Text(t.as_str().into())), Type::Text),
        ExprKind::Bool(b) => make(Node::Const(Value::Bool(*b)), Type::Bool),
        ExprKind::Bad => None,
        ExprKind::Name(name) => named(cx, scope, name, expr.loc),
        ExprKind::Attr(of, name) => attribute(cx, scope, expr, of, name),
        ExprKind::Call(of, args) => call::call(cx, scope, expr, of, args),
        ExprKind::Items(_) => {
            let d = Diagnostic::error("W0307", expr.loc, "a list stands only after `in`");
            cx.diagnostics.push(d.help("write: country in [\"de\", \"fr\"]"));
            None
        }
        ExprKind::Not(of) => {
            let of = boolean(cx, scope, of)?;
            make(Node::Not(of.into()), Type::Bool)
        }
        ExprKind::Neg(of) => negative(cx, scope, expr.loc, of),
        ExprKind::And(parts) => make(Node::All(conditions(cx, scope, parts)?), Type::Bool),
        ExprKind::Or(parts) => make(Node::Any(conditions(cx, scope, parts)?), Type::Bool),
        ExprKind::Arith(op, a, b) => arith::arithmetic(cx, scope, expr.loc, *op, a, b),
        ExprKind::Compare(op, a, b) => compare::comparison(cx, scope, expr.loc, *op, a, b),
        ExprKind::In { needle, hay, negated } => {
            let found = compare::membership(cx, scope, expr.loc, needle, hay)?;
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
        ExprKind::Each { .. } => each::alone(cx, expr),
        ExprKind::If { then, cond, other } => compare::choice(cx, scope, expr.loc, (then, cond, other)),
    }
}

fn negative(cx: &mut Context<'_>, scope: &Scope<'_>, loc: Loc, of: &Expr) -> Option<Typed> {
    let of = value(cx, scope, of)?;
    if matches!(of.kind, Type::Int | Type::Number | Type::Duration) {
        let kind = of.kind;
        return Some(Typed { node: Node::Neg(of.into()), kind, loc });
    }
    let message = format!("`-` before a value of type {}", of.kind);
    cx.diagnostics.push(Diagnostic::error("W0304", loc, message));
    None
}

/// All parts are checked, so that one fault does not hide the next. A part that is always true or false is one.
fn conditions(cx: &mut Context<'_>, scope: &Scope<'_>, parts: &[Expr]) -> Option<Vec<Typed>> {
    let checked: Vec<Option<Typed>> = parts.iter().map(|part| boolean(cx, scope, part)).collect();
    super::never::twice(cx, parts);
    // A constant's name is a switch; what is written out was left behind.
    for part in parts {
        if let ExprKind::Bool(always) = part.kind {
            let d = Diagnostic::warning("W0508", part.loc, format!("this part is always {always}"));
            cx.diagnostics.push(d.help("leave it out, or say what was meant"));
        }
    }
    checked.into_iter().collect()
}

fn named(cx: &mut Context<'_>, scope: &Scope<'_>, name: &str, loc: Loc) -> Option<Typed> {
    if let Some((item, columns)) = scope.item
        && item == name
    {
        return each::whole_item(cx, columns, name, loc);
    }
    let event = cx.checked.schema.get(scope.on);
    let field = event.slot(name).map(|slot| (slot, event.fields[slot].kind));
    let meaning = declared_name(cx, scope, scope.namespace, name, loc);
    if field.is_some() && cx.is_broken(scope.on, name) {
        return None;
    }
    match (field, meaning) {
        // A rule is no value, nor are a table and a score's owner: nobody takes its name for one.
        (Some((slot, kind)), None | Some((Meaning::Rule(_), _))) => {
            cx.names.read_field(loc, scope.on, slot);
            Some(Typed { node: Node::Field(slot), kind, loc })
        }
        (Some(_), Some((meaning, declared))) => two_meanings(cx, scope, name, loc, meaning, declared),
        (None, Some((meaning, declared))) => meant(cx, scope, name, loc, meaning, declared),
        (None, None) if name == "time" => Some(Typed { node: Node::Time, kind: Type::Time, loc }),
        (None, None) => {
            let d = unknown(cx, scope, name, loc);
            cx.diagnostics.push(d);
            None
        }
    }
}

/// What a name means where it stands, and where it was declared. A filter knows constants and nothing else by name.
pub(super) fn declared_name(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    namespace: &str,
    name: &str,
    loc: Loc,
) -> Option<(Meaning, Loc)> {
    let meaning = cx.names.meaning(namespace, name)?;
    let known = !scope.fields_only || matches!(meaning, Meaning::Const(_) | Meaning::Broken);
    if known { cx.names.find(namespace, name, loc) } else { None }
}

fn two_meanings<T>(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    name: &str,
    loc: Loc,
    meaning: Meaning,
    declared: Loc,
) -> Option<T> {
    let event = &cx.checked.schema.get(scope.on).name;
    let what = meaning.what();
    let message =
        format!("`{name}` is both a field of `{event}` and a {what}").replace("a evidence", "evidence");
    let d = Diagnostic::error("W0205", loc, message).also(declared, "declared here");
    cx.diagnostics
        .push(d.help(format!("rename the {what}: the field's name is known to those who send events")));
    None
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
        Meaning::Const(number) => {
            let literal = Expr { loc, ..cx.consts[number].clone() };
            value(cx, scope, &literal)
        }
        Meaning::Feature(number) => feature::read(cx, scope.on, (number, declared), name, loc, Reads::Whole),
        Meaning::Computed(number) => computed::read(cx, scope.on, number, loc),
        Meaning::List(_) => {
            let d = Diagnostic::error("W0307", loc, format!("`{name}` is a list"))
                .also(declared, "declared here");
            cx.diagnostics.push(d.help(format!("ask whether a value is in it: ip in {name}")));
            None
        }
        Meaning::Table(_) => {
            let d = Diagnostic::error("W0307", loc, format!("`{name}` is a table"))
                .also(declared, "declared here");
            cx.diagnostics.push(d.help(format!("ask it with its columns: {name}(…)")));
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
        // Only who named something else has to be told.
        let own = super::names::id(scope.namespace, name);
        let known = cx.declared.contains(&own) || cx.declared.contains(name);
        let note = "a feature that counts reads the fields of the event it counts, no features and no lists";
        return if known { d.note(note) } else { d };
    }
    if ["missing", "None", "null"].contains(&name) {
        return Diagnostic::error("W0201", loc, format!("`{name}` is no value"))
            .help("to ask for it, write: … is missing");
    }
    if name == "now" {
        return Diagnostic::error("W0201", loc, "`now` is no value").help("the event's time is `time`");
    }
    if cx.checked.schema.id(name).is_some() {
        return Diagnostic::error("W0307", loc, format!("`{name}` is an event type, not a value"))
            .help(format!("count such events: feature some_name = count({name}, last=\"1h\")"));
    }
    let d =
        Diagnostic::error("W0201", loc, format!("no field, feature or list `{name}`")).label("not declared");
    match cx.near(name, fields()).or_else(|| near_declared(cx, scope, name)) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.help(format!("`{}` has the fields: {}", event.name, listed(fields()))),
    }
}

/// The feature, list or other value that was probably meant.
fn near_declared(cx: &Context<'_>, scope: &Scope<'_>, name: &str) -> Option<String> {
    let is_read = |meaning| !matches!(meaning, Meaning::Rule(_) | Meaning::Broken);
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
    let parts: Vec<&str> = Part::names(of).collect();
    let function = functions::meant(of, &name.name);
    match nearest(&name.name, parts.iter().copied()) {
        _ if of == Type::List => d.help(format!("ask for its items: any(x.{} … for x in …)", name.name)),
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None if function.is_some() => d.help(format!("write: {}", function.unwrap_or_default())),
        None if parts.is_empty() => {
            d.help("parts have: ip, email, domain, url, user_agent, time, text and account")
        }
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

/// A part of a value, a figure of a feature, or a name of another folder.
fn attribute(cx: &mut Context<'_>, scope: &Scope<'_>, expr: &Expr, of: &Expr, name: &Ident) -> Option<Typed> {
    if let (Some((item, columns)), ExprKind::Name(first)) = (scope.item, &of.kind)
        && item == first
    {
        return each::column(cx, scope, columns, name, expr.loc);
    }
    let elsewhere = match &of.kind {
        ExprKind::Name(first) if cx.checked.schema.get(scope.on).slot(first).is_some() => {
            dotted(expr).filter(|id| is_beside_field(cx, scope, id))
        }
        _ => dotted(expr),
    };
    if let Some(id) = &elsewhere
        && let Some((meaning, declared)) = declared_name(cx, scope, "", id, expr.loc)
    {
        return meant(cx, scope, id, expr.loc, meaning, declared);
    }
    if let Some(read) = figure(cx, scope, expr, of, name) {
        return read;
    }
    if let ExprKind::Name(event) = &of.kind
        && elsewhere.is_some()
        && cx.names.meaning(scope.namespace, event).is_none()
        && cx.checked.schema.id(event).is_some()
    {
        let d = of_an_event(cx, scope, event, of.loc, name);
        cx.diagnostics.push(d);
        return None;
    }
    if let Some(id) = elsewhere.filter(|_| !scope.fields_only)
        && let Some(near) = near_declared(cx, scope, &id).filter(|near| near.contains('.'))
    {
        let d =
            Diagnostic::error("W0201", expr.loc, format!("no feature or list `{id}`")).label("not declared");
        cx.diagnostics.push(d.help(format!("did you mean `{near}`?")));
        return None;
    }
    let of = value(cx, scope, of)?;
    part(cx, scope, of, name, expr.loc)
}

/// Whether `account.takeover` is a name of another folder where `account` is a field too: its type has no such part, and the
/// folder has such a name. A part goes first, since the event's own fields are what a rule reads.
fn is_beside_field(cx: &Context<'_>, scope: &Scope<'_>, id: &str) -> bool {
    let event = cx.checked.schema.get(scope.on);
    let mut names = id.splitn(3, '.');
    let field = names.next().and_then(|first| event.slot(first)).map(|slot| &event.fields[slot]);
    let (Some(field), Some(part)) = (field, names.next()) else { return false };
    Part::named(field.kind, part).is_none() && cx.names.meaning("", id).is_some()
}

/// `login.ip`: what is read is always a field of the event in hand.
fn of_an_event(cx: &Context<'_>, scope: &Scope<'_>, event: &str, loc: Loc, name: &Ident) -> Diagnostic {
    let d = Diagnostic::error("W0307", loc, format!("`{event}` is an event type, not a value"));
    let own = &cx.checked.schema.get(scope.on).name;
    if **own == *event {
        return d.help(format!("a field of the event in hand stands alone: {}", name.name));
    }
    d.note(format!("only the fields of `{own}` can be read here"))
        .help(format!("to ask about other events, count them: count({event}, …)"))
}

/// `usual.mean` of a baseline, `takeover.probability` of a score; `None` where it is something else.
fn figure(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    expr: &Expr,
    of: &Expr,
    name: &Ident,
) -> Option<Option<Typed>> {
    if scope.fields_only {
        return None;
    }
    if let ExprKind::Call(called, args) = &of.kind
        && matches!(&called.kind, ExprKind::Name(word) if word == "baseline")
    {
        return Some(feature::baseline_inline(cx, scope, of, args, name, expr.loc));
    }
    let id = dotted(of)?;
    let is_field = cx.checked.schema.get(scope.on).slot(id.split('.').next()?).is_some();
    if is_field && !is_beside_field(cx, scope, &id) {
        return None;
    }
    match cx.names.find(scope.namespace, &id, of.loc)? {
        (Meaning::Feature(number), declared) if cx.is_baseline(number) => {
            Some(feature::read_part(cx, scope.on, (number, declared), &id, name, expr.loc))
        }
        (Meaning::Computed(number), _) => computed::figure(cx, scope.on, number, name, expr.loc),
        _ => None,
    }
}

/// Whether a part of a hashed value is what it was: the hash of an e-mail address keeps the domain.
pub(in crate::check) fn outlives_hash(part: Part) -> bool {
    part == Part::EmailDomain
}

/// A part that a hash does not have.
pub(in crate::check) fn hashed_part(name: &Ident) -> Diagnostic {
    let message = format!("the field is kept as a hash, which has no `{}`", name.name);
    let d = Diagnostic::error("W0317", name.loc, message);
    d.help("of a hashed e-mail address the domain is left; facts are looked up before it is hashed")
}

/// Whether a value is a field that is kept as a hash.
fn is_hashed(cx: &Context<'_>, scope: &Scope<'_>, typed: &Typed) -> bool {
    let Node::Field(slot) = typed.node else { return false };
    cx.checked.schema.get(scope.on).fields.get(slot).is_some_and(|field| field.hashed)
}

/// Nothing, where `what` reads the text of a field that is kept as a hash: it would read the hash.
fn reads_text(cx: &mut Context<'_>, scope: &Scope<'_>, typed: &Typed, what: &str) -> Option<()> {
    if !is_hashed(cx, scope, typed) {
        return Some(());
    }
    let message = format!("the field is kept as a hash, of whose text {what} says nothing");
    let d = Diagnostic::error("W0317", typed.loc, message);
    cx.diagnostics.push(d.help(
        "a hash equals itself, counts, is labelled and is on lists; send what is to be looked at as a field of its own",
    ));
    None
}

/// A part of a value. A fact is a field of its own, filled where the event came in.
fn part(cx: &mut Context<'_>, scope: &Scope<'_>, of: Typed, name: &Ident, loc: Loc) -> Option<Typed> {
    let Some((part, kind)) = Part::named(of.kind, &name.name) else {
        let d = match whole_with(cx, scope, &of, name) {
            Some(whole) => Diagnostic::error(
                "W0302",
                name.loc,
                format!("a value of type {} has no part `{}`", of.kind, name.name),
            )
            .help(format!("did you mean `{whole}.{}`?", name.name)),
            None => no_part(of.kind, name),
        };
        cx.diagnostics.push(d);
        return None;
    };
    if !part.is_fact() {
        if let Node::Field(slot) = of.node
            && !outlives_hash(part)
            && cx.checked.schema.get(scope.on).fields.get(slot).is_some_and(|field| field.hashed)
        {
            cx.diagnostics.push(hashed_part(name));
            return None;
        }
        return Some(Typed { node: Node::Part(part, of.into()), kind, loc });
    }
    let Node::Field(slot) = of.node else {
        let d = fact_of_no_field(cx, scope, &of, name, loc);
        cx.diagnostics.push(d);
        return None;
    };
    let slot = cx.fact(scope.on, slot, part);
    Some(Typed { node: Node::Field(slot), kind, loc })
}

/// The field whose part a value is, where the field itself has a part of that name.
fn whole_with(cx: &Context<'_>, scope: &Scope<'_>, of: &Typed, name: &Ident) -> Option<String> {
    let Node::Part(_, whole) = &of.node else { return None };
    let Node::Field(slot) = whole.node else { return None };
    let field = cx.checked.schema.get(scope.on).fields.get(slot)?;
    Part::named(field.kind, &name.name).map(|_| field.name.to_string())
}

/// A fact is looked up where the event comes in, and so it is one of a field, not of what is computed.
pub(super) fn fact_of_no_field(
    cx: &Context<'_>,
    scope: &Scope<'_>,
    of: &Typed,
    name: &Ident,
    loc: Loc,
) -> Diagnostic {
    let d = Diagnostic::error("W0315", loc, format!("`{}` is known of fields only", name.name))
        .note("it is looked up where the event comes in, and kept with the event");
    let fields = &cx.checked.schema.get(scope.on).fields;
    let whole = whole_with(cx, scope, of, name);
    let other = fields.iter().find(|f| Part::named(f.kind, &name.name).is_some());
    match whole.or_else(|| other.map(|f| f.name.to_string())) {
        Some(field) => d.help(format!("ask the field itself: {field}.{}", name.name)),
        None => d.help(format!("declare a field of type {}, and ask that", of.kind)),
    }
}
