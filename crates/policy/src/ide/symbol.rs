// SPDX-License-Identifier: Apache-2.0
//! What stands at a place: its name, what it is, its type, what it costs and what there is to say about it.

use super::help::{self, Help};
use super::outline::{Declaration, Target, named};
use super::place::Place;
use super::{Analysis, expr};
use crate::cost;
use crate::functions::{self, Form, SPECIAL};
use crate::syntax::tree::{Arg, Decl, Expr, ExprKind};
use std::collections::BTreeSet;
use wardroom_event::{Part, Type};
use wardroom_report::{FileId, Loc};

/// What there is to say about a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbol {
    /// The place it covers.
    pub loc: Loc,
    /// Its name.
    pub name: String,
    /// What it is, in words: `field of login`.
    pub what: String,
    /// How it is declared or written, as code; may have several lines.
    pub code: String,
    /// Its type; empty where it has none.
    pub kind: String,
    /// The most that asking for it costs, about nanoseconds.
    pub cost: Option<u32>,
    /// More about it, each with its heading.
    pub more: Vec<(&'static str, String)>,
    /// What it means, in sentences.
    pub doc: String,
}

/// Lines of a declaration that are shown whole.
const SHOWN_LINES: usize = 24;

impl Analysis {
    /// What stands at a place.
    pub fn at(&self, file: FileId, offset: usize) -> Option<Symbol> {
        if let Some((loc, targets)) = self.targets(file, offset) {
            return Some(self.about(loc, targets.first()?));
        }
        let found = self.within_expression(file, offset);
        found.or_else(|| self.word(file, offset)).or_else(|| self.expression(file, offset))
    }

    /// What there is to say about something declared.
    pub fn about(&self, loc: Loc, target: &Target) -> Symbol {
        let name = self.sources.slice(loc).to_owned();
        let declared = self.declared(target).next();
        let mut symbol = Symbol { loc, name, ..Symbol::default() };
        if let Some(declared) = declared {
            symbol.what = declared.what.to_owned();
            symbol.code = self.code(declared);
            symbol.doc = self.doc(declared);
        }
        match target {
            Target::Event(name) => self.about_event(name, &mut symbol),
            Target::Record(_) | Target::Test(_) | Target::Budget(_) => {}
            Target::Field { of, name } => self.about_field(of, name, &mut symbol),
            Target::Column { of, name } => self.about_column(of, name, &mut symbol),
            Target::Named(id) => self.about_named(id, &mut symbol),
            Target::File(path) => {
                symbol.what = "file of the policy".to_owned();
                symbol.code = path.clone();
            }
        }
        if let Some((kind, _)) = self.typed.get(&loc)
            && symbol.kind.is_empty()
        {
            symbol.kind = kind.to_string();
        }
        symbol
    }

    /// A declaration as it is written, cut where it is long.
    fn code(&self, of: &Declaration) -> String {
        let text = self.sources.slice(of.whole);
        let mut lines = text.lines();
        let mut shown: Vec<&str> = lines.by_ref().take(SHOWN_LINES).map(str::trim_end).collect();
        if lines.next().is_some() {
            shown.push("    …");
        }
        shown.join("\n")
    }

    fn about_event(&self, name: &str, symbol: &mut Symbol) {
        symbol.what = "event type".to_owned();
        let Some(id) = self.checked.schema.id(name) else { return };
        let rules = self.checked.rules.iter().filter(|r| r.on == id).count();
        if rules > 0 {
            symbol.more.push(("rules", rules.to_string()));
            let (most, _) = cost::event(&self.checked, id);
            symbol.more.push(("judging one", format!("costs at most about {}", nanos(most))));
        }
        if let Some((_, most)) = self.checked.budgets.iter().find(|(of, _)| *of == id) {
            symbol.more.push(("budget", most.to_string()));
        }
    }

    fn about_field(&self, of: &str, name: &str, symbol: &mut Symbol) {
        symbol.what = format!("field of `{of}`");
        symbol.cost = Some(1);
        let events: BTreeSet<&str> = self.schema_types(name).map(|(event, _)| event).collect();
        if events.len() > 1 {
            symbol.more.push(("events with it", events.into_iter().collect::<Vec<_>>().join(", ")));
        }
        if let Some((_, kind)) = self.schema_types(name).find(|(event, _)| *event == of) {
            symbol.kind = symbol.code.split_once(':').map_or(kind.to_string(), |(_, t)| t.trim().to_owned());
            let parts: Vec<&str> = Part::names(kind).collect();
            if !parts.is_empty() {
                symbol.more.push(("parts", parts.join(", ")));
            }
        }
    }

    /// The event types that declare a field of this name, with its type.
    pub(super) fn schema_types<'a>(&'a self, field: &'a str) -> impl Iterator<Item = (&'a str, Type)> {
        self.checked.schema.iter().filter_map(move |(_, event)| {
            event
                .fields
                .iter()
                .find(|f| *f.name == *field && f.fact.is_none())
                .map(|f| (&*event.name, f.kind))
        })
    }

    fn about_column(&self, of: &str, name: &str, symbol: &mut Symbol) {
        symbol.what = format!("field of record `{of}`");
        symbol.name = name.to_owned();
        symbol.kind = symbol.code.split_once(':').map_or(String::new(), |(_, t)| t.trim().to_owned());
    }

    fn about_named(&self, id: &str, symbol: &mut Symbol) {
        self.about_feature(id, symbol);
        self.about_computed(id, symbol);
        self.about_list(id, symbol);
        self.about_rule(id, symbol);
        match self.decl(&Target::Named(id.to_owned())) {
            Some(Decl::Table(table)) => {
                symbol.kind = table.result.name.clone();
                symbol.cost = Some(cost::TABLE);
                symbol.more.push(("rows", table.rows.len().to_string()));
            }
            Some(Decl::Const(constant)) => {
                symbol.kind = literal_type(&constant.value).to_owned();
                symbol.cost = Some(1);
            }
            _ => {}
        }
    }

    fn about_feature(&self, id: &str, symbol: &mut Symbol) {
        let Some(feature) = self.checked.features.iter().find(|f| *f.id == *id) else { return };
        symbol.kind = feature.kind.to_string();
        symbol.cost = Some(cost::FEATURE);
        let key: Vec<String> = feature.by.iter().map(|k| k.written()).collect();
        symbol
            .more
            .push(("key", if key.is_empty() { "none: one for all".to_owned() } else { key.join(", ") }));
        symbol.more.extend(feature.window.map(|window| ("window", window.to_string())));
        let of: Vec<&str> = feature.counted.iter().map(|c| &*self.checked.schema.get(c.event).name).collect();
        symbol.more.push(("counts", of.join(", ")));
        if feature.including_self {
            symbol.more.push(("the event in hand", "counts too".to_owned()));
        }
    }

    fn about_computed(&self, id: &str, symbol: &mut Symbol) {
        for computed in self.checked.computed.iter().filter(|c| *c.id == *id) {
            let cost = cost::expression(&computed.typed);
            symbol.kind = computed.typed.kind.to_string();
            symbol.cost = Some(symbol.cost.unwrap_or(0).max(cost));
        }
    }

    fn about_list(&self, id: &str, symbol: &mut Symbol) {
        let Some(list) = self.checked.lists.iter().find(|l| *l.id == *id) else { return };
        symbol.kind = format!("list of {}", list.kind);
        symbol.cost = Some(cost::LIST);
        symbol.more.push(("entries", list.entries.len().to_string()));
        if list.changes {
            symbol.more.push(("changes", "rules add to it".to_owned()));
        }
    }

    fn about_rule(&self, id: &str, symbol: &mut Symbol) {
        let Some(rule) = self.checked.rules.iter().find(|r| *r.id == *id) else { return };
        symbol.cost = Some(cost::rule(rule));
        symbol.more.push(("verdict", rule.verdict.map_or("none", |v| v.name()).to_owned()));
        symbol.more.push(("mode", rule.mode.name().to_owned()));
        symbol.more.extend(rule.owner.iter().map(|owner| ("owner", owner.to_string())));
        symbol.more.extend(rule.was.iter().map(|was| ("was", was.to_string())));
    }

    /// The tree of a declaration.
    pub(super) fn decl(&self, target: &Target) -> Option<&Decl> {
        let declared = self.declared(target).next()?;
        let file = self.files.get(declared.name.file.0 as usize)?;
        // Declarations stand in their order.
        let at = file.decls.partition_point(|decl| named(decl).1.loc < declared.name);
        file.decls.get(at).filter(|decl| named(decl).1.loc == declared.name)
    }

    /// The expressions around a place.
    pub(super) fn path(&self, file: FileId, offset: usize) -> Vec<&Expr> {
        let decls = self.files.get(file.0 as usize).map_or(&[][..], |f| &f.decls);
        let roots: Vec<&Expr> = decls.iter().flat_map(expr::roots).collect();
        expr::path(&roots, file, offset)
    }

    /// The type of an expression. Keys are not typed by themselves: they are fields and parts of these.
    pub(super) fn type_of(&self, expr: &Expr) -> Option<Type> {
        if let Some((kind, _)) = self.typed.get(&expr.loc) {
            return Some(*kind);
        }
        match &expr.kind {
            ExprKind::Name(name) => self.schema_types(name).next().map(|(_, kind)| kind),
            ExprKind::Attr(of, part) => Part::named(self.type_of(of)?, &part.name).map(|(_, kind)| kind),
            _ => None,
        }
    }

    /// A part, a figure, a function, an argument, an item.
    fn within_expression(&self, file: FileId, offset: usize) -> Option<Symbol> {
        let path = self.path(file, offset);
        let deepest = path.last()?;
        let parent = path.len().checked_sub(2).map(|at| path[at]);
        if let ExprKind::Call(_, args) = &deepest.kind {
            return expr::argument(args, file, offset).and_then(|arg| self.argument(deepest, arg));
        }
        let called = parent.filter(|p| matches!(&p.kind, ExprKind::Call(of, _) if of.loc == deepest.loc));
        match &deepest.kind {
            ExprKind::Attr(_, name) if super::touches(name.loc, file, offset) => match called {
                Some(call) => function(call, name.loc, self.cost_of(call)),
                None => self.part(deepest),
            },
            ExprKind::Name(_) => match called {
                Some(call) => function(call, deepest.loc, self.cost_of(call)),
                None => self.item(&path, deepest),
            },
            _ => None,
        }
    }

    fn cost_of(&self, expr: &Expr) -> Option<u32> {
        self.typed.get(&expr.loc).map(|(_, cost)| *cost)
    }

    fn part(&self, expr: &Expr) -> Option<Symbol> {
        let ExprKind::Attr(of, name) = &expr.kind else { return None };
        let base = Symbol { loc: name.loc, name: name.name.clone(), ..Symbol::default() };
        if let Some((part, kind)) = self.type_of(of).and_then(|of| Part::named(of, &name.name)) {
            let owner = self.type_of(of).map_or("", Type::name);
            let (what, cost, more) = if part.is_fact() {
                let kept = "looked up once, when the event comes in, and kept with it";
                (format!("fact of a value of type `{owner}`"), 1, vec![("fact", kept.to_owned())])
            } else {
                (format!("part of a value of type `{owner}`"), 40, Vec::new())
            };
            let code = self.sources.slice(expr.loc).to_owned();
            let doc = help::part(part).to_owned();
            return Some(Symbol { what, code, kind: kind.to_string(), cost: Some(cost), more, doc, ..base });
        }
        let figure = help::find(help::FIGURES, &name.name)?;
        let kind = self.type_of(expr).map_or(String::new(), |kind| kind.to_string());
        let what = "figure".to_owned();
        Some(Symbol { what, kind, cost: self.cost_of(expr), doc: figure.doc.to_owned(), ..base })
    }

    /// The item of a comprehension.
    fn item(&self, path: &[&Expr], name: &Expr) -> Option<Symbol> {
        let ExprKind::Name(word) = &name.kind else { return None };
        let over = path.iter().rev().find_map(|e| match &e.kind {
            ExprKind::Each { var, over, .. } if var.name == *word => Some(over),
            _ => None,
        })?;
        let what = format!("an item of `{}`", self.sources.slice(over.loc));
        let kind = self.type_of(name).map_or(String::new(), |kind| kind.to_string());
        Some(Symbol { loc: name.loc, name: word.clone(), what, kind, cost: Some(1), ..Symbol::default() })
    }

    fn argument(&self, call: &Expr, arg: &Arg) -> Option<Symbol> {
        let name = arg.name.as_ref()?;
        let (word, _) = expr::called(call)?;
        let base = Symbol { loc: name.loc, name: name.name.clone(), ..Symbol::default() };
        if help::find(help::AGGREGATES, word).is_some()
            && let Some(found) = help::find(help::ARGUMENTS, &name.name)
        {
            let (what, code) = (format!("argument of `{word}`"), found.form.to_owned());
            return Some(Symbol { what, code, doc: found.doc.to_owned(), ..base });
        }
        if name.name == "expires" {
            let doc = "How long it lasts: between 1 second and 400 days.".to_owned();
            return Some(Symbol { what: format!("argument of `{word}`"), doc, ..base });
        }
        let param = functions::catalogue().iter().filter(|f| f.name == word).flat_map(|f| f.params);
        let param = param.clone().find(|p| p.name == name.name)?;
        let kind = param.takes.name().to_owned();
        Some(Symbol { what: format!("argument of `{word}`"), kind, ..base })
    }

    /// A word of the language.
    fn word(&self, file: FileId, offset: usize) -> Option<Symbol> {
        let place = Place::of(self.sources.text(file), file, offset);
        let (loc, word) = place.word_at(offset)?;
        let (what, found) = place.help(&word)?;
        let name = word.clone();
        let (code, doc) = (shown(found), found.doc.to_owned());
        Some(Symbol { loc, name, what: what.to_owned(), code, doc, ..Symbol::default() })
    }

    /// The innermost expression that has a type.
    fn expression(&self, file: FileId, offset: usize) -> Option<Symbol> {
        let path = self.path(file, offset);
        let found = path.iter().rev().find_map(|e| self.typed.get(&e.loc).map(|typed| (e, typed)));
        let (expr, (kind, cost)) = found?;
        let literal = matches!(
            expr.kind,
            ExprKind::Int(_) | ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_)
        );
        Some(Symbol {
            loc: expr.loc,
            name: String::new(),
            what: if literal { "written value" } else { "expression" }.to_owned(),
            code: crate::syntax::plain::one_line(&self.sources, expr.loc),
            kind: kind.to_string(),
            cost: Some(*cost),
            ..Symbol::default()
        })
    }
}

/// A form without the marks of a snippet.
pub(super) fn shown(help: &Help) -> String {
    let mut out = String::new();
    let mut rest = help.form;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let (inner, after) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(inner.split_once(':').map_or("…", |(_, default)| default));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A function, an aggregate, a special form, a verdict or an effect.
fn function(call: &Expr, loc: Loc, cost: Option<u32>) -> Option<Symbol> {
    let (word, method) = expr::called(call)?;
    let ExprKind::Call(_, args) = &call.kind else { return None };
    let base = Symbol { loc, name: word.to_owned(), cost, ..Symbol::default() };
    let counts =
        args.iter().flat_map(|a| &a.name).any(|n| crate::check::ARGUMENTS.contains(&n.name.as_str()));
    let comprehension = args.iter().any(|a| matches!(a.value.kind, ExprKind::Each { .. }));
    let form = if method { Form::Method } else { Form::Call };
    let all: Vec<_> = functions::find(form, word).collect();
    let special =
        SPECIAL.iter().find(|s| s.name == word && (comprehension || all.is_empty() || word == "len"));
    let helped = |what: &str, found: &Help| {
        Some(Symbol {
            what: what.to_owned(),
            code: found.form.to_owned(),
            doc: found.doc.to_owned(),
            ..base.clone()
        })
    };
    if let Some(found) = help::find(help::AGGREGATES, word)
        .filter(|_| !method && (counts || (all.is_empty() && !comprehension)))
    {
        return helped("aggregate", found);
    }
    if let Some(special) = special.filter(|_| !method) {
        let (what, code) = ("special form".to_owned(), special.signature.to_owned());
        return Some(Symbol { what, code, doc: special.doc.to_owned(), ..base });
    }
    if let Some(first) = all.first() {
        let signatures: Vec<String> = all.iter().map(|f| f.signature()).collect();
        let more =
            first.examples.iter().take(3).map(|(call, value)| ("example", format!("`{call}` is `{value}`")));
        let (what, doc) = ("function".to_owned(), first.doc.to_owned());
        let code = signatures.join("\n");
        let cost = cost.or(Some(first.cost));
        return Some(Symbol { what, code, cost, more: more.collect(), doc, ..base });
    }
    [("verdict", help::VERDICTS), ("effect", help::EFFECTS), ("word of the language", help::WORDS)]
        .into_iter()
        .find_map(|(what, table)| help::find(table, word).and_then(|found| helped(what, found)))
}

/// The type of a written value.
pub(super) fn literal_type(expr: &Expr) -> &'static str {
    match &expr.kind {
        ExprKind::Int(_) => "int",
        ExprKind::Number(_) => "number",
        ExprKind::Text(_) => "text",
        ExprKind::Bool(_) => "bool",
        ExprKind::Items(items) => match items.first().map(literal_type) {
            Some("int") => "items of int",
            Some("number") => "items of number",
            Some("bool") => "items of bool",
            _ => "items of text",
        },
        _ => "",
    }
}

/// A cost in words.
pub fn nanos(cost: u64) -> String {
    match cost {
        0..10_000 => format!("{cost} ns"),
        10_000..10_000_000 => format!("{:.1} µs", cost as f64 / 1e3),
        _ => format!("{:.1} ms", cost as f64 / 1e6),
    }
}
