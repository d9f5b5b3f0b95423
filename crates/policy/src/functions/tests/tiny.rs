// SPDX-License-Identifier: Apache-2.0
//! Just enough of the language to run the examples of the catalogue: literals, calls and methods, no names.
//!
//! It knows nothing of the parser and the checker, so that the two ways of running an example can be held against each
//! other.

use crate::functions::{Class, Form, Function, Gives, find};
use wardroom_event::{Type, Value, parse_text};

/// A value, its type, and the function it came from.
#[derive(Clone, Debug)]
pub(super) struct Got {
    pub(super) kind: Type,
    pub(super) value: Value,
    pub(super) from: Option<&'static Function>,
}

/// The value of an expression. Panics at what it does not understand.
pub(super) fn eval(text: &str) -> Got {
    let mut rest = text;
    let got = expression(&mut rest);
    assert!(rest.is_empty(), "{text}: `{rest}` is left");
    got
}

fn expression(rest: &mut &str) -> Got {
    let mut got = primary(rest);
    while eat(rest, ".") {
        let name = word(rest);
        let mut args = vec![(None, got)];
        args.extend(arguments(rest));
        got = call(Form::Method, name, &args);
    }
    got
}

fn primary(rest: &mut &str) -> Got {
    let plain = |kind, value| Got { kind, value, from: None };
    if eat(rest, "\"") {
        let (text, after) = rest.split_once('"').unwrap();
        *rest = after;
        return plain(Type::Text, Value::Text(text.into()));
    }
    if rest.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        let end = rest.find(|c: char| !matches!(c, '-' | '.' | 'e' | '0'..='9')).unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        *rest = after;
        return match number.parse() {
            Ok(n) => plain(Type::Int, Value::Int(n)),
            Err(_) => plain(Type::Number, Value::Number(number.parse().unwrap())),
        };
    }
    match word(rest) {
        "true" => plain(Type::Bool, Value::Bool(true)),
        "false" => plain(Type::Bool, Value::Bool(false)),
        "missing" => plain(Type::Bool, Value::Missing),
        name => call(Form::Call, name, &arguments(rest)),
    }
}

fn arguments(rest: &mut &str) -> Vec<(Option<String>, Got)> {
    assert!(eat(rest, "("), "a call at `{rest}`");
    let mut args = Vec::new();
    while !eat(rest, ")") {
        let name =
            rest.find('=').map(|at| &rest[..at]).filter(|n| n.chars().all(|c| c.is_ascii_alphanumeric()));
        let name = name.map(str::to_owned);
        *rest = &rest[name.as_ref().map_or(0, |n| n.len() + 1)..];
        args.push((name, expression(rest)));
        let _ = eat(rest, ", ");
    }
    args
}

fn eat(rest: &mut &str, sign: &str) -> bool {
    let after = rest.strip_prefix(sign);
    *rest = after.unwrap_or(rest);
    after.is_some()
}

fn word<'a>(rest: &mut &'a str) -> &'a str {
    let end = rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    *rest = after;
    word
}

fn call(form: Form, name: &str, args: &[(Option<String>, Got)]) -> Got {
    let fits = find(form, name).find_map(|f| Some((f, fitted(f, args)?)));
    let (function, args) = fits.unwrap_or_else(|| panic!("no {name} for {args:?}"));
    let kind = match function.gives {
        Gives::Is(kind) => kind,
        Gives::First | Gives::Common => args[0].kind,
    };
    let values: Vec<&Value> = args.iter().map(|a| &a.value).collect();
    Got { kind, value: function.call(&values), from: Some(function) }
}

/// The arguments as the function takes them, if it does.
fn fitted(function: &Function, args: &[(Option<String>, Got)]) -> Option<Vec<Got>> {
    if !function.takes(args.len()) {
        return None;
    }
    let mut fitted = Vec::new();
    for (at, (name, got)) in args.iter().enumerate() {
        let param = function.param(at)?;
        assert!(name.as_ref().is_none_or(|n| n == param.name), "arguments stand in their order");
        let got = adapted(got, param.takes)?;
        assert!(!param.literal || got.from.is_none());
        assert_eq!(param.refuses(&got.value), None);
        fitted.push(got);
    }
    if function.gives == Gives::Common && fitted.iter().any(|g| g.kind == Type::Number) {
        fitted = fitted.iter().map(widened).collect();
    }
    Some(fitted)
}

fn adapted(got: &Got, class: Class) -> Option<Got> {
    let got = match class {
        Class::Numeric | Class::Is(Type::Number) => widened(got),
        _ => got.clone(),
    };
    match (class, &got.value) {
        _ if class.fits(got.kind) => Some(got),
        (Class::Is(kind), Value::Text(text)) => {
            Some(Got { kind, value: parse_text(text, kind).ok()?, ..got })
        }
        _ => None,
    }
}

fn widened(got: &Got) -> Got {
    match got.value {
        Value::Int(n) => Got { kind: Type::Number, value: Value::Number(n as f64), ..*got },
        _ => got.clone(),
    }
}

/// The name of the call whose value an expression is.
pub(super) fn outermost(text: &str) -> &str {
    let (open, mut depth) = (text.rfind(')').unwrap_or(0), 0);
    let at = text[..=open].rfind(|c| {
        depth += i32::from(c == ')') - i32::from(c == '(');
        depth == 0
    });
    let head = &text[..at.unwrap_or(0)];
    head.rsplit(|c: char| c != '_' && !c.is_ascii_alphanumeric()).next().unwrap_or(head)
}
