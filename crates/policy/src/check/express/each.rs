// SPDX-License-Identifier: Apache-2.0
//! Comprehensions over the items of a list field: `any(x.size > "1MB" for x in attachments)`.

use super::{Scope, boolean, fact_of_no_field, no_part, value};
use crate::check::Context;
use crate::check::names::Meaning;
use crate::ir::{Each, EachOp, Node, Typed};
use crate::program::Amount;
use crate::syntax::tree::{Expr, ExprKind, Ident};
use wardroom_event::{Field, Part, Shape, Type, nearest};
use wardroom_report::{Diagnostic, Loc};

/// What a comprehension can be handed to.
pub(super) const OPS: [(&str, EachOp); 5] = [
    ("any", EachOp::Any),
    ("all", EachOp::All),
    ("sum", EachOp::Sum),
    ("min", EachOp::Min),
    ("max", EachOp::Max),
];

/// A comprehension that nothing is made of.
pub(super) fn alone<T>(cx: &mut Context<'_>, expr: &Expr) -> Option<T> {
    let d = Diagnostic::error("W0312", expr.loc, "`for` stands in any, all, sum, min or max");
    cx.diagnostics.push(d.help("write: any(x.size > \"1MB\" for x in attachments)"));
    None
}

/// `any(body for var in over if filter)`.
pub(super) fn each(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    loc: Loc,
    op: EachOp,
    comprehension: &Expr,
) -> Option<Typed> {
    let ExprKind::Each { body, var, over, filter } = &comprehension.kind else {
        return alone(cx, comprehension);
    };
    if scope.item.is_some() {
        let d = Diagnostic::error("W0312", comprehension.loc, "a comprehension within another");
        cx.diagnostics
            .push(d.note("its cost would be the product of both").help("ask for one list at a time"));
        return None;
    }
    shadows(cx, scope, var);
    let over = value(cx, scope, over)?;
    let columns = columns(cx, scope, &over)?;
    let within = Scope { item: Some((&var.name, &columns)), ..*scope };
    let body = match op {
        EachOp::Any | EachOp::All => boolean(cx, &within, body),
        _ => value(cx, &within, body).and_then(|body| quantity(cx, op, body)),
    };
    let filter = match filter {
        Some(filter) => Some(boolean(cx, &within, filter)?),
        None => None,
    };
    let body = body?;
    let kind = if matches!(op, EachOp::Any | EachOp::All) { Type::Bool } else { body.kind };
    let width = columns.len();
    Some(Typed { node: Node::Each(Each { op, over, width, body, filter }.into()), kind, loc })
}

fn quantity(cx: &mut Context<'_>, op: EachOp, body: Typed) -> Option<Typed> {
    let sums = !matches!(body.kind, Type::Time) || op != EachOp::Sum;
    if Amount::of(body.kind).is_some() && sums {
        return Some(body);
    }
    let message = format!("values of type {} cannot be added up or ordered", body.kind);
    cx.diagnostics
        .push(Diagnostic::error("W0408", body.loc, message).help("to count them: sum(1 for x in … if …)"));
    None
}

/// The columns of the list field that is looked through.
fn columns(cx: &mut Context<'_>, scope: &Scope<'_>, over: &Typed) -> Option<Box<[Field]>> {
    let shape = match &over.node {
        Node::Field(slot) => cx.checked.schema.get(scope.on).fields.get(*slot).and_then(|f| f.shape.clone()),
        _ => None,
    };
    if let Some(Shape::Items { fields, .. }) = shape.as_deref() {
        return Some(fields.clone());
    }
    let message = format!("a value of type {} has no items", over.kind);
    cx.diagnostics.push(
        Diagnostic::error("W0312", over.loc, message)
            .help("a list field has: urls: list(url), or a list of a record's"),
    );
    None
}

fn shadows(cx: &mut Context<'_>, scope: &Scope<'_>, var: &Ident) {
    let event = cx.checked.schema.get(scope.on);
    let what = if event.slot(&var.name).is_some() {
        Some(("a field", None))
    } else {
        let found = cx.names.find(scope.namespace, &var.name, var.loc);
        let found = found.filter(|(meaning, _)| !matches!(meaning, Meaning::Rule(_)));
        found.map(|(_, declared)| ("declared", Some(declared)))
    };
    if let Some((what, declared)) = what {
        let d = Diagnostic::error("W0207", var.loc, format!("`{}` is {what} already", var.name))
            .label("a reader would take it for that");
        let d = declared.into_iter().fold(d, |d, at| d.also(at, "declared here"));
        cx.diagnostics.push(d.help("choose another name for the item"));
    }
}

/// The item itself, of a list of plain values.
pub(super) fn whole_item(cx: &mut Context<'_>, columns: &[Field], name: &str, loc: Loc) -> Option<Typed> {
    if let [Field { name: plain, kind, .. }] = columns
        && plain.is_empty()
    {
        return Some(Typed { node: Node::Item(0), kind: *kind, loc });
    }
    let names: Vec<&str> = columns.iter().map(|c| &*c.name).collect();
    let d = Diagnostic::error("W0307", loc, format!("`{name}` is a record, not a value"));
    cx.diagnostics
        .push(d.help(format!("ask one of its fields: {name}.{}", names.join(&format!(", {name}.")))));
    None
}

/// A field of the item, or a part of a plain one.
pub(super) fn column(
    cx: &mut Context<'_>,
    scope: &Scope<'_>,
    columns: &[Field],
    name: &Ident,
    loc: Loc,
) -> Option<Typed> {
    if let [Field { name: plain, kind, .. }] = columns
        && plain.is_empty()
    {
        return part(cx, scope, Typed { node: Node::Item(0), kind: *kind, loc }, name, loc);
    }
    if let Some(number) = columns.iter().position(|c| *c.name == *name.name) {
        return Some(Typed { node: Node::Item(number), kind: columns[number].kind, loc });
    }
    let names = || columns.iter().map(|c| &*c.name);
    let d = Diagnostic::error("W0201", name.loc, format!("an item has no field `{}`", name.name));
    cx.diagnostics.push(match nearest(&name.name, names()) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None => d.help(format!("its fields are: {}", names().collect::<Vec<_>>().join(", "))),
    });
    None
}

fn part(cx: &mut Context<'_>, scope: &Scope<'_>, of: Typed, name: &Ident, loc: Loc) -> Option<Typed> {
    match Part::named(of.kind, &name.name) {
        Some((part, kind)) if !part.is_fact() => Some(Typed { node: Node::Part(part, of.into()), kind, loc }),
        Some(_) => {
            let d = fact_of_no_field(cx, scope, &of, name, loc);
            cx.diagnostics.push(d);
            None
        }
        None => {
            cx.diagnostics.push(no_part(of.kind, name));
            None
        }
    }
}
