// SPDX-License-Identifier: Apache-2.0
//! Functions that make a value of one type from another, and one that puts something in the place of what is missing.

use super::text::text;
use super::{Class, Eval, Form, Function, Gives, Param, limits, number};
use wardroom_event::{Type, Value};

const BASE: Function = Function {
    name: "",
    form: Form::Call,
    params: &[],
    optional: 0,
    variadic: false,
    gives: Gives::Is(Type::Int),
    eval: Eval::Any(int),
    cost: 8,
    group: "Missing values and types",
    doc: "",
    examples: &[],
};

const MEASURE: &[Param] = &[Param::new("x", Class::Measure)];
const TEXTUAL: &[Param] = &[Param::new("x", Class::Textual)];
const TRUTH: &[Param] = &[Param::new("x", Class::Is(Type::Bool))];

pub(super) const ALL: &[Function] = &[
    Function {
        name: "coalesce",
        params: &[Param::new("x", Class::Any), Param::new("default", Class::Any)],
        variadic: true,
        gives: Gives::Common,
        eval: Eval::Raw(coalesce),
        doc: "The first of its arguments that is not missing.",
        examples: &[
            ("coalesce(sqrt(-1), 0.5)", "0.5"),
            ("coalesce(2.0, 0.5)", "2.0"),
            ("coalesce(log(0), sqrt(-1), 7)", "7.0"),
        ],
        ..BASE
    },
    Function {
        name: "int",
        params: MEASURE,
        doc: "A whole number: what stands after the point is cut off, a length of time is taken in seconds, a size in \
              bytes, a rate in events a second. Missing where 64 bits are not enough.",
        examples: &[("int(2.9)", "2"), ("int(-2.9)", "-2"), ("int(1e30)", "missing")],
        ..BASE
    },
    Function {
        name: "int",
        params: TEXTUAL,
        cost: 15,
        doc: "The whole number that a text is, in decimal digits; missing where it is none.",
        examples: &[
            ("int(\"42\")", "42"),
            ("int(\"-7\")", "-7"),
            ("int(\"4.2\")", "missing"),
            ("int(\" 4\")", "missing"),
        ],
        ..BASE
    },
    Function {
        name: "int",
        params: TRUTH,
        doc: "1 for true, 0 for false: conditions can be counted by adding them up.",
        examples: &[("int(true)", "1"), ("int(false)", "0")],
        ..BASE
    },
    Function {
        name: "number",
        params: MEASURE,
        gives: Gives::Is(Type::Number),
        eval: Eval::Any(to_number),
        doc: "The same as a `number`; a length of time in seconds, a size in bytes, a rate in events a second.",
        examples: &[("number(3)", "3.0")],
        ..BASE
    },
    Function {
        name: "number",
        params: TEXTUAL,
        gives: Gives::Is(Type::Number),
        eval: Eval::Any(to_number),
        cost: 25,
        doc: "The number that a text is, in decimal digits; missing where it is none.",
        examples: &[
            ("number(\"2.5\")", "2.5"),
            ("number(\"1e3\")", "1000.0"),
            ("number(\"nan\")", "missing"),
        ],
        ..BASE
    },
    Function {
        name: "number",
        params: TRUTH,
        gives: Gives::Is(Type::Number),
        eval: Eval::Any(to_number),
        doc: "1 for true, 0 for false.",
        examples: &[("number(true)", "1.0")],
        ..BASE
    },
    Function {
        name: "text",
        params: &[Param::new("x", Class::Any)],
        gives: Gives::Is(Type::Text),
        eval: Eval::Any(to_text),
        cost: 60,
        doc: "The value as text: a time in RFC 3339 and UTC, a length of time as policy writes it, a size as its bytes, \
              a rate as its events a second. Made from what names a person, it is masked like it.",
        examples: &[("text(42)", "\"42\""), ("text(0.5)", "\"0.5\""), ("text(true)", "\"true\"")],
        ..BASE
    },
];

fn coalesce(args: &[&Value]) -> Value {
    args.iter().find(|v| !v.is_missing()).map_or(Value::Missing, |v| (*v).clone())
}

fn int(args: &[&Value]) -> Value {
    match args {
        [Value::Int(n)] => Value::Int(*n),
        [Value::Number(n)] => whole(*n),
        [Value::Duration(d)] => Value::Int(d.0 / 1_000_000),
        [Value::Bool(b)] => Value::Int(i64::from(*b)),
        [Value::Text(t)] if t.len() <= limits::NUMERAL_BYTES => t.parse().map_or(Value::Missing, Value::Int),
        _ => Value::Missing,
    }
}

/// A number without its fraction. The ends of 64 bits are powers of two, and so exact as numbers.
fn whole(n: f64) -> Value {
    let n = n.trunc();
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&n);
    if fits { Value::Int(n as i64) } else { Value::Missing }
}

fn to_number(args: &[&Value]) -> Value {
    match args {
        [Value::Int(n)] => number(*n as f64),
        [Value::Number(n)] => number(*n),
        [Value::Duration(d)] => number(d.as_secs_f64()),
        [Value::Bool(b)] => number(f64::from(u8::from(*b))),
        [Value::Text(t)] if t.len() <= limits::NUMERAL_BYTES => t.parse().map_or(Value::Missing, number),
        _ => Value::Missing,
    }
}

fn to_text(args: &[&Value]) -> Value {
    match args {
        [Value::Text(t)] => text(t),
        [Value::Int(n)] => text(&n.to_string()),
        [Value::Number(n)] => text(&n.to_string()),
        [Value::Bool(b)] => text(&b.to_string()),
        [Value::Time(t)] => text(&t.to_string()),
        [Value::Duration(d)] => text(&d.to_string()),
        [Value::Ip(ip)] => text(&ip.to_string()),
        [Value::Net(net)] => text(&net.to_string()),
        _ => Value::Missing,
    }
}
