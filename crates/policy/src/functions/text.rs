// SPDX-License-Identifier: Apache-2.0
//! Functions that take texts apart, put them in another form, or ask what is in them. Characters are Unicode's.

use super::limits::RESULT_BYTES;
use super::{Class, Eval, Form, Function, Gives, Param, count};
use wardroom_event::{Type, Value};

const SUBJECT: Param = Param::new("text", Class::Textual);

/// A method of a text that gives text; each entry fills in the rest.
const BASE: Function = Function {
    name: "",
    form: Form::Method,
    params: &[SUBJECT],
    optional: 0,
    variadic: false,
    gives: Gives::Is(Type::Text),
    eval: Eval::Text1(text),
    cost: 25,
    group: "Text",
    doc: "",
    examples: &[],
};

/// A method that asks something of a text.
const ASKS: Function = Function { gives: Gives::Is(Type::Bool), cost: 10, ..BASE };

const WITH_PART: &[Param] = &[SUBJECT, Param::new("part", Class::Textual)];
const WITH_SEP: &[Param] = &[SUBJECT, Param::new("sep", Class::Textual)];

pub(super) const ALL: &[Function] = &[
    Function {
        name: "len",
        form: Form::Call,
        gives: Gives::Is(Type::Int),
        eval: Eval::Text1(|t| count(t.chars().count())),
        cost: 20,
        doc: "How many characters a text has.",
        examples: &[("len(\"abc\")", "3"), ("len(\"čaj\")", "3"), ("len(\"\")", "0")],
        ..BASE
    },
    Function {
        name: "lower",
        eval: Eval::Text1(|t| text(&cut(t).to_lowercase())),
        cost: 80,
        doc: "In lower case.",
        examples: &[("\"Alice\".lower()", "\"alice\"")],
        ..BASE
    },
    Function {
        name: "upper",
        eval: Eval::Text1(|t| text(&cut(t).to_uppercase())),
        cost: 80,
        doc: "In upper case.",
        examples: &[("\"Alice\".upper()", "\"ALICE\"")],
        ..BASE
    },
    Function {
        name: "strip",
        eval: Eval::Text1(|t| text(t.trim())),
        doc: "Without white space at its ends.",
        examples: &[("\"  a b \".strip()", "\"a b\"")],
        ..BASE
    },
    Function {
        name: "startswith",
        params: WITH_PART,
        eval: Eval::Text2(|t, part| Value::Bool(t.starts_with(part))),
        doc: "Whether it begins with `part`.",
        examples: &[
            ("\"curl/8.5\".startswith(\"curl/\")", "true"),
            ("\"Curl\".startswith(\"curl\")", "false"),
        ],
        ..ASKS
    },
    Function {
        name: "endswith",
        params: WITH_PART,
        eval: Eval::Text2(|t, part| Value::Bool(t.ends_with(part))),
        doc: "Whether it ends with `part`. For domain names see `is_under`.",
        examples: &[("\"invoice.pdf.exe\".endswith(\".exe\")", "true")],
        ..ASKS
    },
    Function {
        name: "contains",
        params: WITH_PART,
        eval: Eval::Text2(|t, part| Value::Bool(t.contains(part))),
        cost: 50,
        doc: "Whether `part` occurs in it: the same as `part in text`.",
        examples: &[
            ("\"python-requests\".contains(\"requests\")", "true"),
            ("\"abc\".contains(\"\")", "true"),
        ],
        ..ASKS
    },
    Function {
        name: "count",
        params: WITH_PART,
        gives: Gives::Is(Type::Int),
        eval: Eval::Text2(occurrences),
        cost: 60,
        doc: "How often `part` occurs in it, without overlaps. An empty `part` is not counted.",
        examples: &[
            ("\"a.b.c\".count(\".\")", "2"),
            ("\"aaa\".count(\"aa\")", "1"),
            ("\"abc\".count(\"\")", "0"),
        ],
        ..BASE
    },
    Function {
        name: "find",
        params: WITH_PART,
        gives: Gives::Is(Type::Int),
        eval: Eval::Text2(find),
        cost: 60,
        doc: "Where `part` first occurs, in characters from 0. Missing where it does not.",
        examples: &[("\"alice@example.org\".find(\"@\")", "5"), ("\"abc\".find(\"x\")", "missing")],
        ..BASE
    },
    Function {
        name: "slice",
        params: &[
            SUBJECT,
            Param::new("start", Class::Is(Type::Int)),
            Param::new("end", Class::Is(Type::Int)),
        ],
        optional: 1,
        eval: Eval::Any(slice),
        doc: "The characters from `start` on, and before `end` if it is given. Below zero they count from the end. What \
              lies outside is empty.",
        examples: &[
            ("\"+4930123456\".slice(0, 3)", "\"+49\""),
            ("\"abcdef\".slice(-2)", "\"ef\""),
            ("\"abc\".slice(1, 99)", "\"bc\""),
            ("\"abc\".slice(2, 1)", "\"\""),
        ],
        ..BASE
    },
    Function {
        name: "before",
        params: WITH_SEP,
        eval: Eval::Text2(|t, sep| piece(t, sep, |t, sep| t.split_once(sep).map(|(a, _)| a))),
        doc: "What stands before the first `sep`. Missing where there is none, or `sep` is empty.",
        examples: &[("\"curl/8.5\".before(\"/\")", "\"curl\""), ("\"curl\".before(\"/\")", "missing")],
        ..BASE
    },
    Function {
        name: "after",
        params: WITH_SEP,
        eval: Eval::Text2(|t, sep| piece(t, sep, |t, sep| t.split_once(sep).map(|(_, b)| b))),
        doc: "What stands after the first `sep`. Missing where there is none, or `sep` is empty.",
        examples: &[("\"a/b/c\".after(\"/\")", "\"b/c\""), ("\"curl\".after(\"/\")", "missing")],
        ..BASE
    },
    Function {
        name: "before_last",
        params: WITH_SEP,
        eval: Eval::Text2(|t, sep| piece(t, sep, |t, sep| t.rsplit_once(sep).map(|(a, _)| a))),
        doc: "What stands before the last `sep`. Missing where there is none, or `sep` is empty.",
        examples: &[("\"a/b/c\".before_last(\"/\")", "\"a/b\"")],
        ..BASE
    },
    Function {
        name: "after_last",
        params: WITH_SEP,
        eval: Eval::Text2(|t, sep| piece(t, sep, |t, sep| t.rsplit_once(sep).map(|(_, b)| b))),
        doc: "What stands after the last `sep`. Missing where there is none, or `sep` is empty.",
        examples: &[("\"invoice.pdf.exe\".after_last(\".\")", "\"exe\"")],
        ..BASE
    },
    Function {
        name: "removeprefix",
        params: WITH_PART,
        eval: Eval::Text2(|t, part| text(t.strip_prefix(part).unwrap_or(t))),
        doc: "Without `part` at its beginning, if it begins so.",
        examples: &[
            ("\"www.example.org\".removeprefix(\"www.\")", "\"example.org\""),
            ("\"abc\".removeprefix(\"x\")", "\"abc\""),
        ],
        ..BASE
    },
    Function {
        name: "removesuffix",
        params: WITH_PART,
        eval: Eval::Text2(|t, part| text(t.strip_suffix(part).unwrap_or(t))),
        doc: "Without `part` at its end, if it ends so.",
        examples: &[("\"report.txt\".removesuffix(\".txt\")", "\"report\"")],
        ..BASE
    },
    Function {
        name: "replace",
        params: &[SUBJECT, Param::new("old", Class::Textual), Param::new("new", Class::Textual)],
        eval: Eval::Any(replace),
        cost: 180,
        doc: "With `new` in the place of every `old`. An empty `old` replaces nothing.",
        examples: &[
            ("\"a.b.c\".replace(\".\", \"\")", "\"abc\""),
            ("\"abc\".replace(\"\", \"-\")", "\"abc\""),
        ],
        ..BASE
    },
    Function {
        name: "isdigit",
        eval: Eval::Text1(|t| every(t, |c| c.is_ascii_digit())),
        doc: "Whether it is made of the digits 0–9 alone, at least one.",
        examples: &[
            ("\"2024\".isdigit()", "true"),
            ("\"-1\".isdigit()", "false"),
            ("\"\".isdigit()", "false"),
        ],
        ..ASKS
    },
    Function {
        name: "isalpha",
        eval: Eval::Text1(|t| every(t, char::is_alphabetic)),
        doc: "Whether it is made of letters alone, of any script, at least one.",
        examples: &[("\"Žofie\".isalpha()", "true"), ("\"a1\".isalpha()", "false")],
        ..ASKS
    },
    Function {
        name: "isalnum",
        eval: Eval::Text1(|t| every(t, |c| c.is_alphabetic() || c.is_ascii_digit())),
        doc: "Whether it is made of letters of any script and the digits 0–9 alone, at least one.",
        examples: &[("\"user42\".isalnum()", "true"), ("\"user_42\".isalnum()", "false")],
        ..ASKS
    },
    Function {
        name: "isascii",
        eval: Eval::Text1(|t| Value::Bool(t.is_ascii())),
        doc: "Whether all its characters are ASCII. An empty text is.",
        examples: &[("\"plain\".isascii()", "true"), ("\"naïve\".isascii()", "false")],
        ..ASKS
    },
];

/// The longest beginning that a function may give.
pub(super) fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(RESULT_BYTES)]
}

/// A text as a value, cut where it is too long.
pub(super) fn text(text: &str) -> Value {
    Value::Text(cut(text).into())
}

/// Adds a piece as far as there is room; says whether there was.
pub(super) fn push(out: &mut String, piece: &str) -> bool {
    let room = RESULT_BYTES.saturating_sub(out.len());
    out.push_str(&piece[..piece.floor_char_boundary(room)]);
    piece.len() <= room
}

fn occurrences(text: &str, part: &str) -> Value {
    if part.is_empty() {
        return Value::Int(0);
    }
    count(text.matches(part).count())
}

fn find(text: &str, part: &str) -> Value {
    match text.find(part) {
        Some(at) => count(text[..at].chars().count()),
        None => Value::Missing,
    }
}

fn slice(args: &[&Value]) -> Value {
    match args {
        [Value::Text(t), Value::Int(start)] => text(from_to(t, *start, None)),
        [Value::Text(t), Value::Int(start), Value::Int(end)] => text(from_to(t, *start, Some(*end))),
        _ => Value::Missing,
    }
}

/// The characters from one place to another, each counted from the end if it is below zero.
fn from_to(text: &str, start: i64, end: Option<i64>) -> &str {
    let start = byte_at(text, start);
    let end = end.map_or(text.len(), |end| byte_at(text, end));
    text.get(start..end).unwrap_or("")
}

/// Where the character of that number begins; the nearest end of the text if there is none.
fn byte_at(text: &str, place: i64) -> usize {
    let chars = usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX);
    if place >= 0 {
        return text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at);
    }
    text.char_indices().rev().nth(chars - 1).map_or(0, |(at, _)| at)
}

fn piece(t: &str, sep: &str, take: for<'t> fn(&'t str, &str) -> Option<&'t str>) -> Value {
    if sep.is_empty() {
        return Value::Missing;
    }
    take(t, sep).map_or(Value::Missing, text)
}

fn replace(args: &[&Value]) -> Value {
    let [Value::Text(t), Value::Text(old), Value::Text(new)] = args else {
        return Value::Missing;
    };
    if old.is_empty() {
        return text(t);
    }
    let mut out = String::new();
    for (at, piece) in t.split(&**old).enumerate() {
        if (at > 0 && !push(&mut out, new)) || !push(&mut out, piece) {
            break;
        }
    }
    Value::Text(out.into())
}

fn every(text: &str, is: fn(char) -> bool) -> Value {
    Value::Bool(!text.is_empty() && text.chars().all(is))
}
