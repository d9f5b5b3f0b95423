// SPDX-License-Identifier: Apache-2.0
//! Tests: what happened before, the event to judge, the verdict expected.

use super::Context;
use super::feature::event_named;
use super::names::{Meaning, id};
use crate::ir::CheckedCase;
use crate::syntax::tree::{Arg, ExpectDecl, Expr, ExprKind, File, GivenDecl, Ident, TestDecl};
use crate::{Case, Expect, Given, Verdict};
use wardroom_event::{Span, Type, TypeId, Value, nearest, parse_text};
use wardroom_report::Diagnostic;

pub(super) fn check(cx: &mut Context<'_>, file: &File, test: &TestDecl) {
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
    let (line, _) = cx.sources.line_col(test.name.loc);
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
    let values = args.iter().filter_map(|arg| argument(cx, event, arg)).collect();
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
        let d = super::express::no_field(&name.name, name.loc, event_type);
        cx.diagnostics.push(d);
        return None;
    };
    let kind = event_type.fields[slot].kind;
    match literal(&arg.value, kind) {
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
        (ExprKind::Text(text), _) => parse_text(text, kind),
        _ => Err(format!("must be a value of type {kind}")),
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
                    let near = cx.names.near(&file.namespace, &name);
                    cx.diagnostics.push(d.help_opt(near.map(|n| format!("did you mean `{n}`?"))));
                    None
                }
            }
        }
    };
    Some(Expect { verdict, by })
}
