// SPDX-License-Identifier: Apache-2.0
//! Comparisons, membership and choices: literals fitted to what they meet, both sides brought to one type.

use super::arith::widen;
use super::{Scope, boolean, dotted, is_beside_field, is_hashed, reads_text as reads_plain, value};
use crate::check::Context;
use crate::check::names::Meaning;
use crate::ir::{Node, Typed};
use crate::program::{ListId, Matching};
use crate::syntax::tree::{CompareOp, Expr, ExprKind};
use wardroom_event::{Repr, Shape, Type, Value, nearest, parse_text};
use wardroom_report::{Diagnostic, Loc};

/// A quoted literal as a value of the type it meets; anything else stays what it is.
pub(in crate::check) fn adapt(cx: &mut Context<'_>, typed: Typed, want: Type) -> Option<Typed> {
    let Node::Const(Value::Text(text)) = &typed.node else {
        return Some(typed);
    };
    if typed.kind != Type::Text || want == Type::Text || matches!(want, Type::Bool | Type::Int | Type::Number)
    {
        return Some(typed);
    }
    if want == Type::List {
        return Some(typed);
    }
    if want == Type::Enum {
        // Which values it has is known of the field, and checked where both sides are at hand.
        return Some(Typed { kind: Type::Enum, ..typed });
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
pub(in crate::check) fn alike(
    cx: &mut Context<'_>,
    a: Typed,
    b: Typed,
    loc: Loc,
    sign: &str,
) -> Option<(Typed, Typed)> {
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
    let with_size = [a.kind, b.kind].contains(&Type::Size) && (numeric(a.kind) || numeric(b.kind));
    let with_rate = [a.kind, b.kind].contains(&Type::Rate) && (numeric(a.kind) || numeric(b.kind));
    let with_time = [a.kind, b.kind].contains(&Type::Duration) && (numeric(a.kind) || numeric(b.kind));
    let quoted = |t: &Typed| match &t.node {
        Node::Const(Value::Text(text)) => text.parse::<f64>().is_ok(),
        _ => false,
    };
    let with_text = (numeric(a.kind) && quoted(&b)) || (numeric(b.kind) && quoted(&a));
    let with_truth = [a.kind, b.kind].contains(&Type::Bool) && [&a, &b].into_iter().any(truth_text);
    let with_list = [a.kind, b.kind].contains(&Type::List);
    let with_net = [a.kind, b.kind].contains(&Type::Ip) && [a.kind, b.kind].contains(&Type::Net);
    cx.diagnostics.push(match () {
        () if with_time => d.help("write a length of time in quotes: \"30s\""),
        () if with_size => d.help("write a size in quotes: \"10MB\""),
        () if with_rate => d.help("write a rate in quotes: \"5/m\""),
        () if with_truth => d.help("write it without quotes, or ask the condition itself: ok, not ok"),
        () if with_list => d.help("ask whether the list holds it: … in …"),
        () if with_text => d.help("write the number without quotes"),
        () if with_net => d.help("ask whether the address lies in the network: ip in net"),
        () => d,
    });
    None
}

/// Whether this is "true" or "false" in quotes.
fn truth_text(typed: &Typed) -> bool {
    matches!(&typed.node, Node::Const(Value::Text(text)) if matches!(&**text, "true" | "false" | "True" | "False"))
}

pub(super) fn comparison(
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
    member(cx, scope, &a, &b)?;
    member(cx, scope, &b, &a)?;
    both_or_none(cx, scope, &a, &b)?;
    Some(Typed { node: Node::Compare(op, a.into(), b.into()), kind: Type::Bool, loc })
}

/// Of two fields either both are kept as hashes or none is: a value and its hash never meet.
fn both_or_none(cx: &mut Context<'_>, scope: &Scope<'_>, a: &Typed, b: &Typed) -> Option<()> {
    let (of_a, of_b) = (is_hashed(cx, scope, a), is_hashed(cx, scope, b));
    let are_fields = matches!((&a.node, &b.node), (Node::Field(_), Node::Field(_)));
    if of_a == of_b || !are_fields {
        return Some(());
    }
    let (hashed, plain) = if of_a { (a, b) } else { (b, a) };
    let message = "one of these fields is kept as a hash, and the other is not";
    let d = Diagnostic::error("W0317", hashed.loc, message).label("kept as a hash").also(plain.loc, "not");
    cx.diagnostics.push(d.help("declare both `hashed` or none: a value and its hash never meet"));
    None
}

/// A written value beside an enum field must be one of its values.
fn member(cx: &mut Context<'_>, scope: &Scope<'_>, field: &Typed, literal: &Typed) -> Option<()> {
    let (Node::Field(slot), Node::Const(Value::Text(text))) = (&field.node, &literal.node) else {
        return Some(());
    };
    let asked = cx.checked.schema.get(scope.on).fields.get(*slot);
    if asked.is_some_and(|field| field.hashed) {
        let d =
            Diagnostic::error("W0317", literal.loc, "the field is kept as a hash, and never is this text");
        let d = beside(d, field.loc, literal.loc, "the field is asked for here");
        cx.diagnostics.push(
            d.help("put the text on a list and ask with `in`: entries of lists are hashed as the field is"),
        );
        return None;
    }
    let shape = asked.and_then(|f| f.shape.clone());
    let Some(Shape::OneOf(members)) = shape.as_deref() else {
        return Some(());
    };
    if members.contains(text) {
        return Some(());
    }
    let d = Diagnostic::error("W0310", literal.loc, format!("the field never is \"{text}\""));
    let d = beside(d, field.loc, literal.loc, "the field is asked for here");
    let names: Vec<&str> = members.iter().map(|m| &**m).collect();
    cx.diagnostics.push(match nearest(text, names.iter().copied()) {
        Some(near) => d.help(format!("did you mean \"{near}\"?")),
        None => d.help(format!("its values are: {}", super::listed(names.iter().copied()))),
    });
    None
}

/// The type of the two that has no order. A text beside another type may be a literal of that type.
fn unordered(a: Type, b: Type) -> Option<Type> {
    let has_order = |k: &Type| matches!(k.repr(), Repr::Int | Repr::Number | Repr::Time | Repr::Duration);
    let both_text = a == Type::Text && b == Type::Text;
    [a, b].into_iter().find(|k| !has_order(k) && (*k != Type::Text || both_text))
}

pub(super) fn membership(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    loc: Loc,
    needle: &Expr,
    hay: &Expr,
) -> Option<Typed> {
    if let ExprKind::Items(items) = &hay.kind {
        return in_items(cx, scope, loc, needle, items);
    }
    if let Some((number, declared)) = list_named(cx, scope, hay) {
        return in_list(cx, scope, loc, needle, number, declared);
    }
    if let Some(items) = constant_items(cx, scope, hay) {
        return in_items(cx, scope, loc, needle, &items);
    }
    let (needle, hay) = (value(cx, scope, needle), value(cx, scope, hay));
    let (mut needle, mut hay) = (needle?, hay?);
    reads_plain(cx, scope, &needle, "`in`")?;
    reads_plain(cx, scope, &hay, "`in`")?;
    if hay.kind == Type::List {
        return in_field(cx, scope, loc, needle, hay);
    }
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

/// The items of a named constant, where the name is one of such.
fn constant_items(cx: &mut Context<'_>, scope: &Scope<'_>, hay: &Expr) -> Option<Vec<Expr>> {
    let name = dotted(hay)?;
    let first = name.split('.').next().unwrap_or(&name);
    if cx.checked.schema.get(scope.on).slot(first).is_some() && !is_beside_field(cx, scope, &name) {
        return None;
    }
    let Meaning::Const(number) = cx.names.meaning(scope.namespace, &name)? else {
        return None;
    };
    cx.names.find(scope.namespace, &name, hay.loc);
    match &cx.consts[number].kind {
        ExprKind::Items(items) => Some(items.clone()),
        _ => None,
    }
}

/// A value among the items of a list field of plain values.
fn in_field(cx: &mut Context<'_>, scope: &Scope<'_>, loc: Loc, needle: Typed, hay: Typed) -> Option<Typed> {
    let shape = match &hay.node {
        Node::Field(slot) => cx.checked.schema.get(scope.on).fields[*slot].shape.clone(),
        _ => None,
    };
    let plain = match shape.as_deref() {
        Some(Shape::Items { fields, .. }) if fields.len() == 1 && fields[0].name.is_empty() => fields[0].kind,
        _ => {
            let d = Diagnostic::error("W0304", loc, "records are not compared as a whole");
            cx.diagnostics.push(d.help("ask for a field of them: any(x.name == \"…\" for x in …)"));
            return None;
        }
    };
    let needle = adapt(cx, needle, plain)?;
    let needle = if plain == Type::Number { widen(needle) } else { needle };
    let both_text = needle.kind.repr() == Repr::Text && plain.repr() == Repr::Text;
    if needle.kind != plain && !both_text {
        let message = format!("a value of type {} in a list of {plain}", needle.kind);
        cx.diagnostics.push(Diagnostic::error("W0306", loc, message).also(needle.loc, "looked for"));
        return None;
    }
    Some(Typed { node: Node::Within(needle.into(), hay.into()), kind: Type::Bool, loc })
}

/// The list that an expression names, if it names one and no field.
fn list_named(cx: &mut Context<'_>, scope: &Scope<'_>, expr: &Expr) -> Option<(usize, Loc)> {
    let name = dotted(expr)?;
    let first = name.split('.').next().unwrap_or(&name);
    let is_field = cx.checked.schema.get(scope.on).slot(first).is_some();
    if scope.fields_only || is_field && !is_beside_field(cx, scope, &name) {
        return None;
    }
    match cx.names.find(scope.namespace, &name, expr.loc)? {
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
    let (kind, matching) = (cx.checked.lists[number].kind, cx.checked.lists[number].matching);
    if matching != Matching::Same {
        reads_plain(cx, scope, &needle, "a list that looks at parts")?;
    }
    let needle = if matching == Matching::Pattern { needle } else { adapt(cx, needle, kind)? };
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
    if let Some((first, again)) = twice(&found) {
        let d = Diagnostic::warning("W0905", items[again].loc, "this item stands here twice");
        cx.diagnostics.push(d.also(items[first].loc, "the first is here"));
    }
    let values = found.into_iter().collect::<Option<Vec<Value>>>()?;
    Some(Typed { node: Node::InConst(needle.into(), values), kind: Type::Bool, loc })
}

/// The first item that stands among those before it, and where it stood.
fn twice(items: &[Option<Value>]) -> Option<(usize, usize)> {
    // Beyond this, looking for repeats would cost more than it is worth.
    let items = &items[..items.len().min(crate::limits::LISTED * 16)];
    (1..items.len()).find_map(|again| {
        items[again].as_ref()?;
        items[..again].iter().position(|item| *item == items[again]).map(|first| (first, again))
    })
}

/// One written value of those a needle is looked for among.
fn in_item(cx: &mut Context<'_>, scope: &Scope<'_>, needle: &Typed, item: &Expr) -> Option<Value> {
    let typed = value(cx, scope, item)?;
    if let (Node::Const(Value::Text(text)), true) = (&typed.node, reads_text(needle.kind))
        && let Err(why) = parse_text(text, needle.kind)
    {
        let d = Diagnostic::error("W0305", item.loc, format!("this text {why}"));
        let d = d.label(format!("a value of type {} is expected here", needle.kind));
        cx.diagnostics.push(beside(d, needle.loc, item.loc, &format!("of type {}", needle.kind)));
        return None;
    }
    let typed = adapt(cx, typed, needle.kind)?;
    member(cx, scope, needle, &typed)?;
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

/// Whether a quoted text beside a value of this type is read as one.
fn reads_text(kind: Type) -> bool {
    !matches!(kind, Type::Text | Type::Bool | Type::Int | Type::Number | Type::Enum | Type::List)
}

/// Shows where a value stands that is not on the line already: the items of a constant are written elsewhere.
fn beside(d: Diagnostic, at: Loc, item: Loc, label: &str) -> Diagnostic {
    let elsewhere = at.file != item.file || item.start < at.start;
    if elsewhere { d.also(at, label) } else { d }
}

pub(super) fn choice(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    loc: Loc,
    (then, cond, other): (&Expr, &Expr, &Expr),
) -> Option<Typed> {
    let (then, cond, other) = (value(cx, scope, then), boolean(cx, scope, cond), value(cx, scope, other));
    if let Some(Typed { node: Node::Const(Value::Bool(always)), loc, .. }) = &cond {
        let d = Diagnostic::warning("W0508", *loc, format!("this condition is always {always}"));
        cx.diagnostics.push(d.label("one of both values is never chosen"));
    }
    let (then, other) = alike(cx, then?, other?, loc, "if … else")?;
    // Of a text and an entity the entity: what names a person goes on doing so.
    let kind = if then.kind == Type::Text { other.kind } else { then.kind };
    Some(Typed { node: Node::If(cond?.into(), then.into(), other.into()), kind, loc })
}
