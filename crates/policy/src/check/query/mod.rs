// SPDX-License-Identifier: Apache-2.0
//! Queries: what is asked of the events of one type, checked against the whole policy.
//!
//! A query sees what a rule on its event type sees, and what is known of the decision beside ([`Own`]). All of it becomes
//! fields of the event type before anything is checked, and what the query says is put in words that rules have: so
//! conditions and values are checked, and evaluated, by what checks and evaluates rules.

mod ask;
mod show;
mod span;

pub(crate) use span::parse_time;

use super::express::{Scope, boolean, value};
use super::{Context, Found, finish, listed, whole};
use crate::ir::Checked;
use crate::query::checked::{CheckedQuery, Named};
use crate::query::own::{Asked, DECISION, Own};
use crate::sink::Sink;
use crate::syntax::query::{Item, QueryDecl};
use crate::syntax::tree::{Decl, Expr, ExprKind, File};
use crate::{Bundle, limits};
use std::collections::HashMap;
use wardroom_event::{EventType, Field, Schema, Type, TypeId};
use wardroom_report::{Diagnostic, Loc, Sources};

/// What the names of a query mean that the policy's own do not.
pub(super) struct Says {
    /// How each is called in this query.
    own: Vec<(Own, String)>,
    /// What each field stands for that was put beside those of the event.
    asked: HashMap<Box<str>, Asked>,
}

/// Checks a policy and a query of it. The checked policy has no rules left: what is to be served is what the query reads.
pub(crate) fn check(
    files: &[File],
    bundle: &Bundle,
    sources: &Sources,
    decl: &QueryDecl,
    diagnostics: &mut Sink,
) -> Option<(Checked, CheckedQuery)> {
    let mut cx = Context::new(bundle, sources, diagnostics);
    let says = Says::of(files, decl);
    let asked = (decl.event.as_ref(), &says);
    let on = whole(&mut cx, files, |cx| {
        let (event, says) = asked;
        let on = event_named(cx, event?)?;
        extend(cx, on, says);
        Some(on)
    });
    let checked = on.and_then(|on| query(&mut cx, on, decl, &says));
    let errors = cx.diagnostics.errors();
    let (mut whole, Found { .. }) = finish(cx, files);
    whole.rules.clear();
    whole.cases.clear();
    checked.filter(|_| errors == 0).map(|query| (whole, query))
}

/// The event type that is asked about.
fn event_named(cx: &mut Context<'_>, name: &crate::syntax::tree::Ident) -> Option<TypeId> {
    if let Some(on) = cx.checked.schema.id(&name.name) {
        cx.names.name_event(name.loc, on);
        return Some(on);
    }
    let names = || cx.checked.schema.iter().map(|(_, event)| &*event.name);
    let d = Diagnostic::error("W1001", name.loc, format!("no event type `{}`", name.name));
    let d = match cx.near(&name.name, names()) {
        Some(near) => d.help(format!("did you mean `{near}`?")),
        None if cx.checked.schema.is_empty() => d.note("the policy declares no event type"),
        None => d.help(format!("the event types are: {}", listed(names().collect::<Vec<_>>().into_iter()))),
    };
    cx.diagnostics.push(d);
    None
}

/// Puts what is known of a decision beside the event's own fields.
fn extend(cx: &mut Context<'_>, on: TypeId, says: &Says) {
    let mut types: Vec<EventType> = cx.checked.schema.iter().map(|(_, t)| t.clone()).collect();
    if let Some(event) = types.get_mut(usize::from(on.0)) {
        let own = says.own.iter().map(|(own, name)| own.field(name));
        let rest = says.asked.iter().filter(|(_, asked)| !matches!(asked, Asked::Own(_)));
        let mut rest: Vec<Field> = rest.map(|(name, asked)| asked.field(name)).collect();
        rest.sort_by(|a, b| a.name.cmp(&b.name));
        event.fields.extend(own.chain(rest));
    }
    cx.checked.schema = Schema::new(types);
}

impl Says {
    fn of(files: &[File], decl: &QueryDecl) -> Says {
        let event = decl.event.as_ref().map_or("", |e| &e.name);
        let taken = |name: &str| {
            files.iter().flat_map(|f| &f.decls).any(|d| match d {
                Decl::Event(e) => e.name.name == event && e.fields.iter().any(|f| f.name.name == name),
                Decl::Rule(_) => false,
                other => other.name().is_some_and(|n| n.name == name),
            })
        };
        let called = |own: Own| match own.name() {
            name if taken(name) => format!("{DECISION}.{name}"),
            name => name.to_owned(),
        };
        let own: Vec<(Own, String)> = Own::ALL.map(|own| (own, called(own))).into();
        let mut asked: HashMap<Box<str>, Asked> =
            own.iter().map(|(own, name)| (name.as_str().into(), Asked::Own(*own))).collect();
        for expr in decl.expressions() {
            ask::collect(expr, &mut asked);
        }
        Says { own, asked }
    }

    /// What something known of a decision is called here.
    fn name_of(&self, own: Own) -> &str {
        self.own.iter().find(|(o, _)| *o == own).map_or(own.name(), |(_, name)| name)
    }
}

impl QueryDecl {
    /// Every expression of it.
    fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let items = self.by.iter().chain(&self.show).map(|item| &item.expr);
        self.filter.iter().chain(items).chain(self.top.iter().filter_map(|top| top.by.as_ref()))
    }
}

fn query(cx: &mut Context<'_>, on: TypeId, decl: &QueryDecl, says: &Says) -> Option<CheckedQuery> {
    let scope = Scope::rule(on, "");
    let filter = decl.filter.as_ref().map(|filter| {
        let filter = ask::settle(cx, says, filter);
        boolean(cx, &scope, &filter)
    });
    let period = span::period(cx, decl);
    let per = span::step(cx, decl);
    let against = span::before(cx, decl);
    let keys = keys(cx, &scope, says, &decl.by);
    let answer = show::answer(cx, &scope, says, decl, keys.as_deref());
    too_many(cx, &decl.by, limits::QUERY_KEYS, "keys");
    too_many(cx, &decl.show, limits::QUERY_COLUMNS, "columns");
    let filter = match filter {
        Some(filter) => Some(filter?),
        None => None,
    };
    let fields = cx.checked.schema.get(on).fields.iter();
    let asked = fields.filter_map(|f| Some((f.name.clone(), says.asked.get(&f.name)?.clone()))).collect();
    let (per, against) = (per?, against?);
    Some(CheckedQuery { on, asked, filter, period: period?, per, against, keys: keys?, answer: answer? })
}

fn too_many(cx: &mut Context<'_>, items: &[Item], most: usize, what: &str) {
    if let Some(item) = items.get(most) {
        let message = format!("a query has at most {most} {what}");
        cx.diagnostics.push(Diagnostic::error("W1005", item.expr.loc, message));
    }
}

/// What `by` groups by.
fn keys(cx: &mut Context<'_>, scope: &Scope<'_>, says: &Says, by: &[Item]) -> Option<Vec<Named>> {
    let checked: Vec<Option<Named>> = by.iter().map(|item| key(cx, scope, says, item)).collect();
    checked.into_iter().collect()
}

fn key(cx: &mut Context<'_>, scope: &Scope<'_>, says: &Says, item: &Item) -> Option<Named> {
    let expr = ask::settle(cx, says, &item.expr);
    let typed = value(cx, scope, &expr)?;
    no_list(cx, &typed, "a list is no key")?;
    if !super::rule::reads(&typed) {
        let d = Diagnostic::error("W1002", item.expr.loc, "this is the same for every event");
        let d = match &item.expr.kind {
            ExprKind::Int(_) | ExprKind::Number(_) | ExprKind::Text(_) => d.help("write: by ip.net"),
            _ => d.help("leave it out"),
        };
        cx.diagnostics.push(d);
        return None;
    }
    Some(named(cx, scope, item, typed))
}

fn no_list(cx: &mut Context<'_>, typed: &crate::ir::Typed, message: &str) -> Option<()> {
    if typed.kind != Type::List {
        return Some(());
    }
    let d = Diagnostic::error("W1006", typed.loc, message);
    let text = cx.sources.slice(typed.loc).to_owned();
    cx.diagnostics.push(d.help(format!("take something of it: len({text}), or any(… for x in {text})")));
    None
}

/// A value under the name it is shown as: the one it is given, or as it is written.
fn named(cx: &Context<'_>, scope: &Scope<'_>, item: &Item, typed: crate::ir::Typed) -> Named {
    let name = match &item.name {
        Some(name) => name.name.clone(),
        None => crate::format::print::expression(&item.expr),
    };
    let field = shape_of(cx, scope, &typed, &name);
    Named { typed, field }
}

/// The field that would hold such values.
fn shape_of(cx: &Context<'_>, scope: &Scope<'_>, typed: &crate::ir::Typed, name: &str) -> Field {
    let of = match typed.node {
        crate::ir::Node::Field(slot) => cx.checked.schema.get(scope.on).fields.get(slot),
        _ => None,
    };
    Field { shape: of.and_then(|f| f.shape.clone()), ..Field::plain(name, typed.kind, true) }
}

/// Where a clause stands, or else the query.
fn place(decl: &QueryDecl, clause: &str) -> Loc {
    decl.place(clause).or(decl.event.as_ref().map(|e| e.loc)).unwrap_or_default()
}
