// SPDX-License-Identifier: Apache-2.0
//! Tests: what happened before, the event to judge, the verdict expected.

use super::Context;
use super::feature::event_named;
use super::names::{Meaning, id};
use crate::ir::CheckedCase;
use crate::syntax::tree::{Arg, ExpectDecl, Expr, ExprKind, File, GivenDecl, Ident, TestDecl};
use crate::{Case, Expect, Given, Verdict};
use std::collections::HashMap;
use wardroom_event::{Span, Type, TypeId, Value, nearest, parse_text};
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
    let (Some(when), Some(expect)) = (case.when, case.expect) else {
        return;
    };
    let line = lines.of(cx.sources, test.name.loc);
    cx.checked.cases.push(Case {
        id: id(&file.namespace, &test.name.name).into(),
        title: test.title.as_deref().map(Into::into),
        place: (file.path.as_str().into(), line),
        given: case.given,
        when,
        expect,
    });
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
    if cx.is_broken(event, &name.name) {
        return None;
    }
    let (kind, optional) = (event_type.fields[slot].kind, event_type.fields[slot].optional);
    if matches!(arg.value.kind, ExprKind::Bad) {
        return None;
    }
    match literal(&arg.value, kind) {
        Ok(Value::Missing) if !optional => {
            let message = format!("`{}` is never missing", name.name);
            let d = Diagnostic::error("W0305", arg.value.loc, message);
            cx.diagnostics.push(
                d.help(format!("only an optional field can be; to make it one: {}: {kind}?", name.name)),
            );
            None
        }
        Ok(value) => Some((slot, value)),
        Err(why) => {
            cx.diagnostics.push(
                Diagnostic::error("W0305", arg.value.loc, format!("`{}` {why}", name.name))
                    .label(format!("expected a value of type {kind}")),
            );
            None
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

fn expect(cx: &mut Context<'_>, file: &File, decl: &ExpectDecl) -> Option<Expect> {
    let Some(verdict) = Verdict::named(&decl.verdict.name) else {
        let names = Verdict::ALL.map(Verdict::name);
        let d = Diagnostic::error("W0603", decl.verdict.loc, format!("no verdict `{}`", decl.verdict.name));
        cx.diagnostics.push(match nearest(&decl.verdict.name, names) {
            Some(near) => d.help(format!("did you mean `{near}`?")),
            None => d.help(format!("the verdicts are: {}", names.join(", "))),
        });
        return None;
    };
    let by = match &decl.by {
        None => None,
        Some(expr) => {
            let name = super::express::dotted(expr).unwrap_or_default();
            match cx.names.find(&file.namespace, &name) {
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
    Some(Expect { verdict, by })
}
