// SPDX-License-Identifier: Apache-2.0
//! The functions of the language: a table of what each takes, gives, costs and means, with examples that are run.
//!
//! The checker looks a function up with [`find`] and takes the first whose parameters fit; executors call its
//! [`Eval`]; the book prints the table. A function is pure: the same values give the same value on every machine, and
//! so logarithms and powers come from `libm`'s code, not from the system's, whose last bit differs.
//!
//! Left out on purpose: named time zones and the public suffix list, whose content changes between releases (see
//! facts), and guesses that cannot be defined well, such as whether a text is random.

mod address;
#[cfg(test)]
mod book;
mod convert;
mod likeness;
mod limits;
mod number;
mod punycode;
mod script;
mod skeleton;
mod special;
mod text;
mod time;
mod web;

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use book::book;
pub(crate) use special::SPECIAL;

use std::sync::LazyLock;
use wardroom_event::{Repr, Type, Value};

/// One function, or one of several of the same name that differ in what they take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function {
    /// Its name in policy.
    pub(crate) name: &'static str,
    /// How a call is written.
    pub(crate) form: Form,
    /// What it takes; for a method the first stands before the dot.
    pub(crate) params: &'static [Param],
    /// How many of the last parameters may be left out.
    pub(crate) optional: usize,
    /// Whether the last parameter may be given several times.
    pub(crate) variadic: bool,
    /// The type of its value.
    pub(crate) gives: Gives,
    /// How its value is computed.
    pub(crate) eval: Eval,
    /// What a call costs, in nanoseconds or thereabouts, for values of ordinary length.
    pub(crate) cost: u32,
    /// The heading it stands under in the book.
    pub(crate) group: &'static str,
    /// What it does, in a sentence or three.
    pub(crate) doc: &'static str,
    /// Calls and their values, both as policy writes them.
    pub(crate) examples: &'static [(&'static str, &'static str)],
}

/// How a call is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `f(x, y)`
    Call,
    /// `x.f(y)`
    Method,
}

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Param {
    /// Its name, which may be written before the value: `offset="+02:00"`.
    pub(crate) name: &'static str,
    /// What it takes.
    pub(crate) takes: Class,
    /// Whether it must be written out in the policy, so that it is checked once and not at every event.
    pub(crate) literal: bool,
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Values of this type.
    Is(Type),
    /// Values of every type that is held as text.
    Textual,
    /// `int` or `number`; an `int` becomes a `number`.
    Numeric,
    /// `int`, `number`, `duration`, `size` or `rate`, as it is.
    Measure,
    /// A measure or a `time`.
    Ordered,
    /// Every value but a list.
    Any,
}

/// The type of a function's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gives {
    /// This type.
    Is(Type),
    /// The type of the first argument.
    First,
    /// The type that all arguments have in common: an `int` beside a `number` becomes one.
    Common,
}

/// How a function's value is computed. A number that would be infinite or NaN is `None` or missing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Eval {
    /// Of one number.
    Number1(fn(f64) -> Option<f64>),
    /// Of two numbers.
    Number2(fn(f64, f64) -> Option<f64>),
    /// Of one text.
    Text1(fn(&str) -> Value),
    /// Of two texts.
    Text2(fn(&str, &str) -> Value),
    /// Of any values, none of them missing.
    Any(fn(&[&Value]) -> Value),
    /// Of any values, missing ones among them.
    Raw(fn(&[&Value]) -> Value),
}

/// A function as it is explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its name.
    pub name: &'static str,
    /// The heading it stands under in the book; nothing for those that the checker knows itself.
    pub group: &'static str,
    /// How it is called, with the types.
    pub signature: String,
    /// What it does.
    pub doc: &'static str,
    /// Calls and their values, both as policy writes them.
    pub examples: &'static [(&'static str, &'static str)],
}

/// Everything that is called, in the order of the book: functions of several forms several times.
pub fn calls() -> impl Iterator<Item = Call> {
    let plain = catalogue().iter().map(|f| Call {
        name: f.name,
        group: f.group,
        signature: f.signature(),
        doc: f.doc,
        examples: f.examples,
    });
    plain.chain(SPECIAL.iter().map(|s| Call {
        name: s.name,
        group: "",
        signature: s.signature.to_owned(),
        doc: s.doc,
        examples: s.examples,
    }))
}

/// Every function, in the order of the book. Of one name, the first whose parameters fit is meant.
pub(crate) fn catalogue() -> &'static [Function] {
    static ALL: LazyLock<Vec<Function>> = LazyLock::new(|| {
        let groups = [number::ALL, convert::ALL, text::ALL, likeness::ALL, time::ALL, address::ALL, web::ALL];
        groups.concat()
    });
    &ALL
}

/// The functions of that name.
pub(crate) fn find(form: Form, name: &str) -> impl Iterator<Item = &'static Function> {
    catalogue().iter().filter(move |f| f.form == form && f.name == name)
}

impl Function {
    /// The parameter that takes the argument at this place, counted from 0.
    pub(crate) fn param(&self, at: usize) -> Option<&'static Param> {
        match self.params.get(at) {
            None if self.variadic => self.params.last(),
            found => found,
        }
    }

    /// Whether it can be given so many arguments.
    pub(crate) fn takes(&self, count: usize) -> bool {
        let least = self.params.len() - self.optional;
        count >= least && (self.variadic || count <= self.params.len())
    }

    /// Its value, whatever the arguments are: missing if one of them is, unless the function looks for that.
    pub(crate) fn call(&self, args: &[&Value]) -> Value {
        let number = |n: Option<f64>| n.map_or(Value::Missing, Value::Number);
        match (self.eval, args) {
            (Eval::Raw(f), _) => f(args),
            _ if args.iter().any(|v| v.is_missing()) => Value::Missing,
            (Eval::Number1(f), [Value::Number(x)]) => number(f(*x)),
            (Eval::Number2(f), [Value::Number(x), Value::Number(y)]) => number(f(*x, *y)),
            (Eval::Text1(f), [Value::Text(x)]) => f(x),
            (Eval::Text2(f), [Value::Text(x), Value::Text(y)]) => f(x, y),
            (Eval::Any(f), _) => f(args),
            _ => Value::Missing,
        }
    }

    /// How it is called, with the types: `clamp(x: ordered, lo: ordered, hi: ordered) -> ordered`.
    pub(crate) fn signature(&self) -> String {
        let first_optional = self.params.len() - self.optional;
        let mut params: Vec<String> = Vec::new();
        for (at, param) in self.params.iter().enumerate() {
            let optional = if at < first_optional { "" } else { "?" };
            params.push(format!("{}: {}{optional}", param.name, param.takes.name()));
        }
        if self.variadic {
            params.push("…".to_owned());
        }
        let gives = match (self.gives, self.params) {
            (Gives::Is(kind), _) => kind.name(),
            (_, [first, ..]) => first.takes.name(),
            (_, []) => Class::Any.name(),
        };
        match (self.form, params.as_slice()) {
            (Form::Method, [subject, rest @ ..]) => {
                let subject = subject.split(':').next().unwrap_or(subject);
                format!("{subject}.{}({}) -> {gives}", self.name, rest.join(", "))
            }
            _ => format!("{}({}) -> {gives}", self.name, params.join(", ")),
        }
    }
}

impl Param {
    /// A parameter that takes values of a class.
    const fn new(name: &'static str, takes: Class) -> Param {
        Param { name, takes, literal: false }
    }

    /// A parameter that takes a written value of a type.
    const fn written(name: &'static str, kind: Type) -> Param {
        Param { name, takes: Class::Is(kind), literal: true }
    }

    /// What is wrong with a written value of the right type: `must be …`.
    pub(crate) fn refuses(&self, value: &Value) -> Option<&'static str> {
        match (self.name, value) {
            ("offset", Value::Text(t)) if time::offset(t).is_none() => {
                Some("must be an offset from UTC such as \"+02:00\", at most 14 hours")
            }
            ("unit", Value::Duration(d)) if d.0 <= 0 => Some("must be longer than nothing"),
            ("prefix" | "v6", Value::Int(n)) if !(0..=128).contains(n) => Some("must be between 0 and 128"),
            ("v4", Value::Int(n)) if !(0..=32).contains(n) => Some("must be between 0 and 32"),
            ("digits", Value::Int(n)) if !(-limits::DIGITS..=limits::DIGITS).contains(n) => {
                Some("must be between -15 and 15")
            }
            _ => None,
        }
    }
}

impl Class {
    /// The word for it in signatures.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Class::Is(kind) => kind.name(),
            Class::Textual => "text",
            Class::Numeric => "number",
            Class::Measure => "measure",
            Class::Ordered => "ordered",
            Class::Any => "any",
        }
    }

    /// Whether a value of this type fits as it is, or, for an `int`, once it is made a `number`.
    pub(crate) fn fits(self, kind: Type) -> bool {
        match self {
            Class::Is(Type::Number) | Class::Numeric => matches!(kind, Type::Int | Type::Number),
            Class::Is(wanted) => kind == wanted,
            Class::Textual => kind.repr() == Repr::Text,
            Class::Measure => matches!(kind.name(), "int" | "number" | "duration" | "size" | "rate"),
            Class::Ordered => kind == Type::Time || Class::Measure.fits(kind),
            Class::Any => kind.name() != "list",
        }
    }
}

/// A number that can be a value.
fn finite(n: f64) -> Option<f64> {
    n.is_finite().then_some(n)
}

/// A number, or missing where it is none.
fn number(n: f64) -> Value {
    finite(n).map_or(Value::Missing, Value::Number)
}

/// A count as a value.
fn count(n: usize) -> Value {
    i64::try_from(n).map_or(Value::Missing, Value::Int)
}
