// SPDX-License-Identifier: Apache-2.0
//! Functions of numbers and other measures.

use super::{Class, Eval, Form, Function, Gives, Param, finite, limits, number};
use std::cmp::Ordering;
use wardroom_event::{Span, Type, Value};

const X: Param = Param::new("x", Class::Numeric);

/// A function of one number; each entry fills in the rest.
const BASE: Function = Function {
    name: "",
    form: Form::Call,
    params: &[X],
    optional: 0,
    variadic: false,
    gives: Gives::Is(Type::Number),
    eval: Eval::Number1(finite),
    cost: 8,
    group: "Numbers",
    doc: "",
    examples: &[],
};

const TWO_ORDERED: &[Param] = &[Param::new("a", Class::Ordered), Param::new("b", Class::Ordered)];

pub(super) const ALL: &[Function] = &[
    Function {
        name: "abs",
        params: &[Param::new("x", Class::Measure)],
        gives: Gives::First,
        eval: Eval::Any(abs),
        doc: "`x` without its sign.",
        examples: &[("abs(-3)", "3"), ("abs(2.5)", "2.5")],
        ..BASE
    },
    Function {
        name: "min",
        params: TWO_ORDERED,
        variadic: true,
        gives: Gives::Common,
        eval: Eval::Any(least),
        cost: 15,
        doc: "The least of its arguments. If one is missing, so is the value.",
        examples: &[("min(3, 1, 2)", "1"), ("min(3, 1.5)", "1.5")],
        ..BASE
    },
    Function {
        name: "max",
        params: TWO_ORDERED,
        variadic: true,
        gives: Gives::Common,
        eval: Eval::Any(greatest),
        cost: 15,
        doc: "The greatest of its arguments. If one is missing, so is the value.",
        examples: &[("max(3, 1, 2)", "3"), ("max(sqrt(-1), 1)", "missing")],
        ..BASE
    },
    Function {
        name: "clamp",
        params: &[
            Param::new("x", Class::Ordered),
            Param::new("lo", Class::Ordered),
            Param::new("hi", Class::Ordered),
        ],
        gives: Gives::Common,
        eval: Eval::Any(clamp),
        cost: 30,
        doc: "`x`, but not below `lo` and not above `hi`. Missing where `lo` is above `hi`.",
        examples: &[("clamp(12, 0, 10)", "10"), ("clamp(-1, 0, 10)", "0"), ("clamp(3, 10, 0)", "missing")],
        ..BASE
    },
    Function {
        name: "round",
        params: &[X, Param::written("digits", Type::Int)],
        optional: 1,
        eval: Eval::Any(round),
        cost: 10,
        doc: "`x` rounded to so many digits after the point, none if `digits` is left out; `-2` rounds to hundreds. \
              What lies in the middle goes away from zero. The value is a `number`; `int(…)` makes it an `int`.",
        examples: &[
            ("round(2.5)", "3.0"),
            ("round(-2.5)", "-3.0"),
            ("round(3.14159, 2)", "3.14"),
            ("round(1250, digits=-2)", "1300.0"),
        ],
        ..BASE
    },
    Function {
        name: "floor",
        eval: Eval::Number1(|x| finite(x.floor())),
        doc: "The greatest whole number that is not above `x`.",
        examples: &[("floor(2.7)", "2.0"), ("floor(-2.1)", "-3.0")],
        ..BASE
    },
    Function {
        name: "ceil",
        eval: Eval::Number1(|x| finite(x.ceil())),
        doc: "The least whole number that is not below `x`.",
        examples: &[("ceil(2.1)", "3.0"), ("ceil(-2.7)", "-2.0")],
        ..BASE
    },
    Function {
        name: "sqrt",
        eval: Eval::Number1(|x| finite(x.sqrt())),
        cost: 8,
        doc: "The square root. Missing for a negative number.",
        examples: &[("sqrt(9)", "3.0"), ("sqrt(-1)", "missing")],
        ..BASE
    },
    Function {
        name: "exp",
        eval: Eval::Number1(|x| finite(libm::exp(x))),
        cost: 10,
        doc: "e to the power of `x`.",
        examples: &[("exp(0)", "1.0"), ("exp(-2)", "0.1353352832366127"), ("exp(1000)", "missing")],
        ..BASE
    },
    Function {
        name: "log",
        eval: Eval::Number1(|x| finite(libm::log(x))),
        cost: 10,
        doc: "The natural logarithm: of a ratio of chances it is evidence, in nats. Missing unless `x` is above zero.",
        examples: &[("log(1)", "0.0"), ("log(10)", "2.302585092994046"), ("log(0)", "missing")],
        ..BASE
    },
    Function {
        name: "log2",
        eval: Eval::Number1(|x| finite(libm::log2(x))),
        cost: 10,
        doc: "The logarithm to base 2. Missing unless `x` is above zero.",
        examples: &[("log2(8)", "3.0")],
        ..BASE
    },
    Function {
        name: "log10",
        eval: Eval::Number1(|x| finite(libm::log10(x))),
        cost: 10,
        doc: "The logarithm to base 10. Missing unless `x` is above zero.",
        examples: &[("log10(1000)", "3.0")],
        ..BASE
    },
    Function {
        name: "pow",
        params: &[X, Param::new("y", Class::Numeric)],
        eval: Eval::Number2(|x, y| finite(libm::pow(x, y))),
        cost: 35,
        doc: "`x` to the power of `y`. Missing for a negative `x` unless `y` is whole.",
        examples: &[("pow(2, 10)", "1024.0"), ("pow(2, -1)", "0.5"), ("pow(-8, 0.5)", "missing")],
        ..BASE
    },
    Function {
        name: "share",
        params: &[Param::new("k", Class::Numeric), Param::new("n", Class::Numeric)],
        eval: Eval::Number2(share),
        doc: "The share of `k` in `n`, smoothed: (k + 0.5) / (n + 1), which is the Krichevsky–Trofimov estimate. It is \
              above 0 and below 1, and a half where nothing has been seen, so that it can stand in a logarithm. `k` \
              above `n` counts as `n`. Missing where one of them is negative.",
        examples: &[
            ("share(3, 10)", "0.3181818181818182"),
            ("share(0, 0)", "0.5"),
            ("share(12, 9)", "0.95"),
            ("share(-1, 9)", "missing"),
        ],
        ..BASE
    },
    Function {
        name: "logit",
        params: &[Param::new("p", Class::Numeric)],
        eval: Eval::Number1(|p| finite(libm::log(p / (1.0 - p)))),
        cost: 12,
        doc: "The log-odds of a probability: log(p / (1 - p)), in nats. Missing unless `p` lies between 0 and 1.",
        examples: &[("logit(0.5)", "0.0"), ("logit(0.01)", "-4.59511985013459"), ("logit(1)", "missing")],
        ..BASE
    },
    Function {
        name: "logistic",
        eval: Eval::Number1(|x| finite(1.0 / (1.0 + libm::exp(-x)))),
        cost: 12,
        doc: "The probability that has these log-odds: 1 / (1 + exp(-x)). It undoes `logit`.",
        examples: &[("logistic(0)", "0.5"), ("logistic(-4.6)", "0.009951801866904324")],
        ..BASE
    },
];

fn abs(args: &[&Value]) -> Value {
    match args {
        [Value::Int(n)] => n.checked_abs().map_or(Value::Missing, Value::Int),
        [Value::Number(n)] => number(n.abs()),
        [Value::Duration(d)] => d.0.checked_abs().map_or(Value::Missing, |n| Value::Duration(Span(n))),
        _ => Value::Missing,
    }
}

/// The order of two values of one type.
fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(b),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// The one that comes first, or last, of values of one type.
fn extreme(args: &[&Value], wanted: Ordering) -> Option<Value> {
    let (first, rest) = args.split_first()?;
    let mut best = *first;
    for value in rest {
        if order(value, best)? == wanted {
            best = value;
        }
    }
    Some(best.clone())
}

fn least(args: &[&Value]) -> Value {
    extreme(args, Ordering::Less).unwrap_or(Value::Missing)
}

fn greatest(args: &[&Value]) -> Value {
    extreme(args, Ordering::Greater).unwrap_or(Value::Missing)
}

fn clamp(args: &[&Value]) -> Value {
    let [x, lo, hi] = args else { return Value::Missing };
    match order(lo, hi) {
        Some(Ordering::Less | Ordering::Equal) => least(&[&greatest(&[x, lo]), hi]),
        _ => Value::Missing,
    }
}

fn round(args: &[&Value]) -> Value {
    match args {
        [Value::Number(x)] => number(x.round()),
        [Value::Number(x), Value::Int(digits)] if (-limits::DIGITS..=limits::DIGITS).contains(digits) => {
            number(to_digits(*x, *digits))
        }
        _ => Value::Missing,
    }
}

/// `x` rounded to digits after the point. What has no such digits, for want of bits, stays as it is.
fn to_digits(x: f64, digits: i64) -> f64 {
    let scale = (0..digits.abs()).fold(1.0, |scale, _| scale * 10.0);
    let scaled = if digits < 0 { x / scale } else { x * scale };
    if scaled.abs() >= WHOLE {
        return x;
    }
    if digits < 0 { scaled.round() * scale } else { scaled.round() / scale }
}

/// From here on every number is whole.
const WHOLE: f64 = 4_503_599_627_370_496.0;

fn share(k: f64, n: f64) -> Option<f64> {
    if k < 0.0 || n < 0.0 {
        return None;
    }
    finite((k.min(n) + 0.5) / (n + 1.0))
}
