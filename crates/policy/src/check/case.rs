// SPDX-License-Identifier: Apache-2.0
//! Tests: what happened before, the event to judge, the verdict expected.

use super::Context;
use super::feature::event_named;
use super::names::{Meaning, id};
use super::rule::EFFECTS;
use crate::ir::CheckedCase;
use crate::syntax::plain::one_line;
use crate::syntax::tree::{Arg, ExpectDecl, Expr, ExprKind, File, GivenDecl, Ident, TestDecl};
use crate::{Case, Expect, Given, Verdict};
use std::collections::HashMap;
use wardroom_event::{Field, Micros, Part, Shape, Span, Type, TypeId, Value, nearest, parse_text};
use wardroom_report::{Diagnostic, Loc, Sources};

/// Line numbers of places that come one after the other: each file is walked once, not once a test.
#[derive(Default)]
pub(super) struct Lines {
    at: Loc,
    line: usize,
}

impl Lines {
    fn of(&mut self, sources: &Sources, loc: Loc) -> usize {
        if loc.file != self.at.file || loc.start < self.at.start || self.line == 0 {
            *self = Lines { at: Loc { file: loc.file, start: 0, end: 0 }, line: 1 };
        }
        let passed = Loc { end: loc.start, ..self.at };
        self.line += sources.slice(passed).matches('\n').count();
        self.at.start = loc.start;
        self.line
    }
}

pub(super) fn check(cx: &mut Context<'_>, file: &File, test: &TestDecl, lines: &mut Lines) {
    let mut case = CheckedCase { given: Vec::new(), when: None, expect: None };
    for decl in &test.given {
        case.given.extend(given(cx, decl));
    }
    case.when = test.when.as_ref().and_then(|event| {
        given(cx, &GivenDecl { times: 1, event: event.clone(), within: Span::ZERO, ago: Span::ZERO })
    });
    case.expect = test.expect.as_ref().and_then(|decl| expect(cx, file, decl));
    let at = test.at.as_ref().map(|time| at(cx, time));
    let facts: Vec<_> = test.facts.iter().map(|(of, value)| fact(cx, of, value)).collect();
    let facts = facts.into_iter().collect::<Option<Vec<_>>>();
    let (Some(when), Some(expect), Some(facts)) = (case.when, case.expect, facts) else {
        return;
    };
    let Some(at) = at.unwrap_or(Some(None)) else {
        return;
    };
    let line = lines.of(cx.sources, test.name.loc);
    cx.checked.cases.push(Case {
        id: id(&file.namespace, &test.name.name).into(),
        title: test.title.as_deref().map(Into::into),
        place: (file.path.as_str().into(), line),
        given: case.given,
        when,
        at,
        facts,
        expect,
    });
}

/// When the event to judge happens.
fn at(cx: &mut Context<'_>, time: &Ident) -> Option<Option<Micros>> {
    let found = Micros::parse(&time.name);
    if found.is_none() {
        let d = Diagnostic::error("W0605", time.loc, "this is no point in time");
        let help = super::rule::with_hour(&time.name)
            .unwrap_or_else(|| "write: when login(…) at \"2026-01-05T03:00:00Z\"".to_owned());
        cx.diagnostics.push(d.help(help));
    }
    found.map(Some)
}

/// `ip.kind = "hosting"`: what a look-up would say, for every event of the test that has such a field.
fn fact(cx: &mut Context<'_>, of: &Expr, value: &Expr) -> Option<(Box<str>, Part, Value)> {
    let (field, at, part) = match &of.kind {
        ExprKind::Attr(field, part) => match &field.kind {
            ExprKind::Name(name) => (name.clone(), field.loc, part),
            _ => return no_fact(cx, of),
        },
        _ => return no_fact(cx, of),
    };
    let field_of = |fields: &[Field]| fields.iter().find(|f| *f.name == *field).map(|f| f.kind);
    let Some(kind) = cx.checked.schema.iter().find_map(|(_, event)| field_of(&event.fields)) else {
        let fields = cx.checked.schema.iter().flat_map(|(_, event)| &event.fields).map(|f| &*f.name);
        let near = cx.near(&field, fields).map(|near| format!("did you mean `{near}`?"));
        let d = Diagnostic::error("W0201", of.loc, format!("no event type has a field `{field}`"));
        cx.diagnostics.push(d.help_opt(near));
        return None;
    };
    let known = cx.checked.schema.iter().filter_map(|(id, e)| e.slot(&field).map(|slot| (id, slot)));
    for (event, slot) in known.collect::<Vec<_>>() {
        cx.names.read_field(at, event, slot);
    }
    match Part::named(kind, &part.name) {
        Some((part, kind)) if part.is_fact() => {
            let value = super::table::literal(cx, value, kind, "W0604")?;
            Some((field.into(), part, value))
        }
        Some(_) => {
            let message = format!("`{}` is computed from `{field}`, not looked up", part.name);
            let d = Diagnostic::error("W0604", part.loc, message);
            cx.diagnostics.push(d.help(format!("give the event another `{field}` instead")));
            None
        }
        None => {
            cx.diagnostics.push(super::express::no_part(kind, part));
            None
        }
    }
}

fn no_fact<T>(cx: &mut Context<'_>, of: &Expr) -> Option<T> {
    let d = Diagnostic::error("W0604", of.loc, "this is no fact that is looked up");
    cx.diagnostics.push(
        d.note("what an event itself says stands among its values: login(ip=\"192.0.2.7\")")
            .help("facts are: ip.asn, ip.country, ip.kind, ip.lat, ip.lon, url.site, user_agent.family, …"),
    );
    None
}

fn given(cx: &mut Context<'_>, decl: &GivenDecl) -> Option<Given> {
    let (name, args) = match &decl.event.kind {
        ExprKind::Call(of, args) => match &of.kind {
            ExprKind::Name(name) => (Ident { name: name.clone(), loc: of.loc }, args.as_slice()),
            _ => return not_an_event(cx, &decl.event),
        },
        ExprKind::Name(name) => (Ident { name: name.clone(), loc: decl.event.loc }, &[][..]),
        _ => return not_an_event(cx, &decl.event),
    };
    let event = event_named(cx, &name)?;
    let mut given: HashMap<&str, Loc> = HashMap::new();
    let mut values = Vec::new();
    for arg in args {
        if let Some(name) = &arg.name
            && let Some(before) = given.insert(&name.name, name.loc)
        {
            let d = Diagnostic::error("W0107", name.loc, format!("`{}` is given twice", name.name));
            cx.diagnostics.push(d.also(before, "given here before"));
            continue;
        }
        values.extend(argument(cx, event, arg));
    }
    Some(Given { times: decl.times, event, values, within: decl.within, ago: decl.ago })
}

fn not_an_event<T>(cx: &mut Context<'_>, expr: &Expr) -> Option<T> {
    cx.diagnostics.push(
        Diagnostic::error("W0602", expr.loc, "expected an event with its fields")
            .help("write: login(ip=\"192.0.2.7\", ok=false)"),
    );
    None
}

fn argument(cx: &mut Context<'_>, event: TypeId, arg: &Arg) -> Option<(usize, Value)> {
    let Some(name) = &arg.name else {
        let d = Diagnostic::error("W0602", arg.value.loc, "a field's value without its name")
            .help("write: ip=\"192.0.2.7\"");
        cx.diagnostics.push(d);
        return None;
    };
    let event_type = cx.checked.schema.get(event);
    let Some(slot) = event_type.slot(&name.name) else {
        let d = super::express::no_field(cx, &name.name, name.loc, event_type);
        cx.diagnostics.push(d);
        return None;
    };
    cx.names.read_field(name.loc, event, slot);
    if cx.is_broken(event, &name.name) {
        return None;
    }
    let (kind, optional) = (event_type.fields[slot].kind, event_type.fields[slot].optional);
    if matches!(arg.value.kind, ExprKind::Bad) {
        return None;
    }
    let shape = event_type.fields[slot].shape.clone();
    match shaped(&arg.value, kind, shape.as_deref()) {
        Ok(Value::Missing) if !optional => {
            let message = format!("`{}` is never missing", name.name);
            let d = Diagnostic::error("W0305", arg.value.loc, message);
            cx.diagnostics.push(
                d.help(format!("only an optional field can be; to make it one: {}: {kind}?", name.name)),
            );
            None
        }
        Ok(value) => Some((slot, value)),
        Err(misfits) => {
            for (loc, why) in misfits {
                let d = Diagnostic::error("W0305", loc, format!("`{}` {why}", name.name));
                let shaped = matches!(kind, Type::Enum | Type::List);
                cx.diagnostics.push(if shaped {
                    d
                } else {
                    d.label(format!("expected a value of type {kind}"))
                });
            }
            None
        }
    }
}

/// What does not fit, and where: all there is.
type Misfits = Vec<(Loc, String)>;

/// A value of a field that may be an enum or a list.
fn shaped(expr: &Expr, kind: Type, shape: Option<&Shape>) -> Result<Value, Misfits> {
    if matches!(&expr.kind, ExprKind::Name(word) if word == "missing" || word == "None") {
        return Ok(Value::Missing);
    }
    let misfit = |why: String| vec![(expr.loc, why)];
    match (shape, &expr.kind) {
        (Some(Shape::OneOf(members)), ExprKind::Text(text)) => member(text, members).map_err(misfit),
        (Some(Shape::Items { fields, .. }), ExprKind::Items(items)) => list(expr.loc, items, fields),
        (Some(Shape::Items { .. }), _) => Err(misfit("is a list: write its items in brackets".to_owned())),
        _ => literal(expr, kind).map_err(misfit),
    }
}

fn member(text: &str, members: &[Box<str>]) -> Result<Value, String> {
    if members.iter().any(|m| **m == *text) {
        return Ok(Value::Text(text.into()));
    }
    let all: Vec<String> = members.iter().map(|m| format!("\"{m}\"")).collect();
    Err(match nearest(text, members.iter().map(|m| &**m)) {
        Some(near) => format!("is never \"{text}\"; did you mean \"{near}\"?"),
        None => format!("is one of: {}", all.join(", ")),
    })
}

fn list(loc: Loc, items: &[Expr], fields: &[Field]) -> Result<Value, Misfits> {
    if items.len() > wardroom_event::limits::LIST_ITEMS {
        return Err(vec![(loc, format!("has more than {} items", wardroom_event::limits::LIST_ITEMS))]);
    }
    let (mut values, mut misfits) = (Vec::new(), Vec::new());
    for item in items {
        match fields {
            [Field { name, kind, .. }] if name.is_empty() => match literal(item, *kind) {
                Ok(Value::Missing) => misfits.push((item.loc, "holds no missing items".to_owned())),
                Ok(value) => values.push(value),
                Err(why) => misfits.push((item.loc, format!("holds values of type {kind}; this {why}"))),
            },
            _ => record(item, fields, &mut values, &mut misfits),
        }
    }
    if misfits.is_empty() { Ok(Value::List(values.into())) } else { Err(misfits) }
}

/// An item that is a record: `item(name=…, size=…)`.
fn record(item: &Expr, fields: &[Field], values: &mut Vec<Value>, misfits: &mut Misfits) {
    let ExprKind::Call(_, args) = &item.kind else {
        misfits.push((item.loc, "holds records: write each as item(name=…)".to_owned()));
        return;
    };
    let start = values.len();
    values.extend(fields.iter().map(|_| Value::Missing));
    let before = misfits.len();
    for arg in args {
        let (loc, name) = arg.name.as_ref().map_or((arg.value.loc, ""), |n| (n.loc, n.name.as_str()));
        let Some(at) = fields.iter().position(|f| *f.name == *name) else {
            misfits.push((loc, no_column(name, fields)));
            continue;
        };
        match literal(&arg.value, fields[at].kind) {
            Ok(value) => values[start + at] = value,
            Err(why) => misfits.push((arg.value.loc, format!("has records whose `{name}` {why}"))),
        }
    }
    let absent = fields.iter().zip(&values[start..]).find(|(f, v)| v.is_missing() && !f.optional);
    if let Some((field, _)) = absent.filter(|_| misfits.len() == before) {
        misfits.push((item.loc, format!("has a record without `{}`", field.name)));
    }
}

fn no_column(name: &str, fields: &[Field]) -> String {
    let names = || fields.iter().map(|f| &*f.name);
    match nearest(name, names()) {
        Some(near) => format!("has records without a field `{name}`; did you mean `{near}`?"),
        None => {
            let known: Vec<&str> = names().collect();
            format!("has records without a field `{name}`; theirs are: {}", known.join(", "))
        }
    }
}

fn literal(expr: &Expr, kind: Type) -> Result<Value, String> {
    match (&expr.kind, kind) {
        (ExprKind::Name(word), _) if word == "missing" || word == "None" => Ok(Value::Missing),
        (ExprKind::Bool(b), Type::Bool) => Ok(Value::Bool(*b)),
        (ExprKind::Int(n), Type::Int) => Ok(Value::Int(*n)),
        (ExprKind::Int(n), Type::Number) => Ok(Value::Number(*n as f64)),
        (ExprKind::Number(n), Type::Number) => Ok(Value::Number(*n)),
        (_, Type::Bool) => Err("must be true or false, without quotes".to_owned()),
        (_, Type::Int) => Err("must be a whole number, without quotes".to_owned()),
        (_, Type::Number) => Err("must be a number, without quotes".to_owned()),
        (ExprKind::Text(text), _) => parse_text(text, kind),
        _ => Err("must be written in quotes".to_owned()),
    }
}

fn verdict(cx: &mut Context<'_>, word: &Ident) -> Option<Verdict> {
    let verdict = Verdict::named(&word.name);
    if verdict.is_none() {
        let names = Verdict::ALL.map(Verdict::name);
        let d = Diagnostic::error("W0603", word.loc, format!("no verdict `{}`", word.name));
        cx.diagnostics.push(
            match super::rule::verdict_elsewhere(&word.name).or(nearest(&word.name, names)) {
                Some(near) => d.help(format!("did you mean `{near}`?")),
                None => d.help(format!("the verdicts are: {}", names.join(", "))),
            },
        );
    }
    verdict
}

fn expect(cx: &mut Context<'_>, file: &File, decl: &ExpectDecl) -> Option<Expect> {
    let verdict = verdict(cx, &decl.verdict);
    let by = match &decl.by {
        None => None,
        Some(expr) => {
            let name = super::express::dotted(expr).unwrap_or_default();
            match cx.names.find(&file.namespace, &name, expr.loc) {
                Some((Meaning::Rule(number), _)) => Some(number),
                Some((Meaning::Broken, _)) => None,
                _ => {
                    let d = Diagnostic::error("W0201", expr.loc, format!("no rule `{name}`"));
                    let is_rule = |meaning| matches!(meaning, Meaning::Rule(_));
                    let near = cx.near(&name, cx.names.written(&file.namespace, is_rule));
                    cx.diagnostics.push(d.help_opt(near.map(|n| format!("did you mean `{n}`?"))));
                    None
                }
            }
        }
    };
    let effects: Vec<Option<Box<str>>> = decl.effects.iter().map(|e| effect(cx, e)).collect();
    let effects = effects.into_iter().collect::<Option<Vec<_>>>()?;
    Some(Expect { verdict: verdict?, by, effects })
}

/// An effect as it is expected: its words, without how long it lasts.
fn effect(cx: &mut Context<'_>, expr: &Expr) -> Option<Box<str>> {
    match &expr.kind {
        ExprKind::Call(of, args)
            if matches!(&of.kind, ExprKind::Name(word) if EFFECTS.contains(&word.as_str()))
                && args.iter().all(|a| a.name.is_none()) =>
        {
            Some(one_line(cx.sources, expr.loc).into())
        }
        _ => {
            let d = unexpected_effect(expr);
            cx.diagnostics.push(d);
            None
        }
    }
}

fn unexpected_effect(expr: &Expr) -> Diagnostic {
    let args = if let ExprKind::Call(_, args) = &expr.kind { args.as_slice() } else { &[] };
    let word = super::rule::action_name(expr).unwrap_or_default();
    if let Some(name) = args.iter().find_map(|a| a.name.as_ref()).filter(|_| EFFECTS.contains(&word)) {
        let message = format!("an expected effect is written without `{}`", name.name);
        return Diagnostic::error("W0606", name.loc, message)
            .help("leave it out: how long it lasts is not compared");
    }
    let d = Diagnostic::error("W0606", expr.loc, "expected an effect, as the rule writes it");
    match nearest(word, EFFECTS) {
        Some(near) if near != word => d.help(format!("did you mean `{near}`?")),
        _ => d.help("write: expect block, label(ip.net, \"signup-farm\")"),
    }
}
