// SPDX-License-Identifier: Apache-2.0
//! Functions that say what a text looks like, and how much it looks like another.

use super::limits::{COMPARED_CHARS, ENTROPY_CHARS};
use super::{Class, Eval, Form, Function, Gives, Param, count, number, script, skeleton};
use wardroom_event::{Type, Value};

/// A measure of one text; each entry fills in the rest.
const BASE: Function = Function {
    name: "",
    form: Form::Call,
    params: &[Param::new("text", Class::Textual)],
    optional: 0,
    variadic: false,
    gives: Gives::Is(Type::Number),
    eval: Eval::Text1(|_| Value::Missing),
    cost: 50,
    group: "How a text looks",
    doc: "",
    examples: &[],
};

const TWO: &[Param] = &[Param::new("a", Class::Textual), Param::new("b", Class::Textual)];

pub(super) const ALL: &[Function] = &[
    Function {
        name: "similarity",
        params: TWO,
        eval: Eval::Text2(similarity),
        cost: 4700,
        doc: "How alike two texts are, from 0 to 1: 1 - distance(a, b) / the length of the longer. 1 if both are empty. \
              The first 64 characters of each are compared.",
        examples: &[
            ("similarity(\"paypal\", \"paypol\")", "0.8333333333333334"),
            ("similarity(\"abc\", \"abc\")", "1.0"),
            ("similarity(\"abc\", \"xyz\")", "0.0"),
        ],
        ..BASE
    },
    Function {
        name: "distance",
        params: TWO,
        gives: Gives::Is(Type::Int),
        eval: Eval::Text2(|a, b| count(distance(&head(a), &head(b)))),
        cost: 4700,
        doc: "How many characters must be put in, left out, changed, or swapped with their neighbour to make one text of \
              the other: the Damerau–Levenshtein distance in its restricted form, where no piece is changed twice. The \
              first 64 characters of each are compared. A capital differs from a small letter.",
        examples: &[
            ("distance(\"paypal\", \"payapl\")", "1"),
            ("distance(\"kitten\", \"sitting\")", "3"),
            ("distance(\"\", \"abc\")", "3"),
        ],
        ..BASE
    },
    Function {
        name: "entropy",
        eval: Eval::Text1(entropy),
        cost: 1100,
        doc: "How evenly the characters of a text are spread over different ones: Shannon's entropy in bits a character, \
              of the first 1024. Words of a language have 2 to 4, longer random texts more. Missing for an empty text.",
        examples: &[
            ("entropy(\"aaaa\")", "0.0"),
            ("entropy(\"abab\")", "1.0"),
            ("entropy(\"abcd\")", "2.0"),
            ("entropy(\"\")", "missing"),
        ],
        ..BASE
    },
    Function {
        name: "digits",
        eval: Eval::Text1(|t| share(t.chars().filter(char::is_ascii_digit).count(), t.chars().count())),
        cost: 70,
        doc: "The share of the digits 0–9 among the characters of a text. Missing for an empty text.",
        examples: &[
            ("digits(\"user1234\")", "0.5"),
            ("digits(\"user\")", "0.0"),
            ("digits(\"\")", "missing"),
        ],
        ..BASE
    },
    Function {
        name: "capitals",
        eval: Eval::Text1(capitals),
        cost: 280,
        doc: "The share of capitals among the letters of a text. Missing for a text without letters.",
        examples: &[("capitals(\"FREE Money\")", "0.5555555555555556"), ("capitals(\"123\")", "missing")],
        ..BASE
    },
    Function {
        name: "script",
        gives: Gives::Is(Type::Text),
        eval: Eval::Text1(|t| Value::Text(script::of(t).into())),
        cost: 330,
        doc: "The script that the letters of a text are of, such as \"latin\" or \"cyrillic\"; \"mixed\" if there are \
              several, \"none\" if there is no letter. Digits, signs and marks are of no script.",
        examples: &[
            ("script(\"hello, 42\")", "\"latin\""),
            ("script(\"привет\")", "\"cyrillic\""),
            ("script(\"pаypal\")", "\"mixed\""),
            ("script(\"42\")", "\"none\""),
        ],
        ..BASE
    },
    Function {
        name: "skeleton",
        gives: Gives::Is(Type::Text),
        eval: Eval::Text1(skeleton::of),
        cost: 1500,
        doc: "What a text looks like at a glance: small letters, without marks and invisible characters, look-alikes made \
              the same. Compare it with a skeleton, not with a text: `skeleton(name) == skeleton(\"admin\")`, since `i` \
              becomes `l`.",
        examples: &[
            ("skeleton(\"PayPaI\")", "\"paypal\""),
            ("skeleton(\"pаypа1\")", "\"paypal\""),
            ("skeleton(\"Ādmin\")", "\"admln\""),
        ],
        ..BASE
    },
];

/// The beginning that is compared.
fn head(text: &str) -> Vec<char> {
    text.chars().take(COMPARED_CHARS).collect()
}

/// Three rows of the usual table are enough: a swap looks two rows back.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before = [0usize; COMPARED_CHARS + 1];
    let mut above = [0usize; COMPARED_CHARS + 1];
    for (j, cell) in above.iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        let mut row = [0usize; COMPARED_CHARS + 1];
        row[0] = i;
        for j in 1..=b.len() {
            let changed = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = changed.min(above[j] + 1).min(row[j - 1] + 1);
            let is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if is_swap {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        (before, above) = (above, row);
    }
    above[b.len()]
}

fn similarity(a: &str, b: &str) -> Value {
    let (a, b) = (head(a), head(b));
    match a.len().max(b.len()) {
        0 => Value::Number(1.0),
        longer => number(1.0 - distance(&a, &b) as f64 / longer as f64),
    }
}

fn share(part: usize, whole: usize) -> Value {
    if whole == 0 { Value::Missing } else { number(part as f64 / whole as f64) }
}

/// The sum runs over the characters in their own order, so that it is rounded in one way only.
fn entropy(text: &str) -> Value {
    let mut chars: Vec<char> = text.chars().take(ENTROPY_CHARS).collect();
    if chars.is_empty() {
        return Value::Missing;
    }
    chars.sort_unstable();
    let all = chars.len() as f64;
    let bits = |alike: &[char]| {
        let n = alike.len() as f64;
        n / all * libm::log2(all / n)
    };
    number(chars.chunk_by(|a, b| a == b).map(bits).sum())
}

fn capitals(text: &str) -> Value {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    share(text.chars().filter(|c| c.is_alphabetic() && c.is_uppercase()).count(), letters)
}
