// SPDX-License-Identifier: Apache-2.0
//! The book's page of functions, printed from the catalogue.

use super::{Function, SPECIAL, catalogue, limits, script, skeleton};
use std::fmt::Write as _;

const HEAD: &str = "# Functions

What expressions can call, beside what [the language](language.md) has signs for. A function is pure: of the same values
it makes the same value, now and in a replay.

- A signature says the types: `text` takes values of every type that is held as text, such as `account` or `email`; an
  `int` can stand where a `number` is asked for; `measure` is `int`, `number`, `duration`, `size` or `rate`; `ordered` is
  a measure or a `time`; `any` is everything but a list. Where a function takes or gives one of these words several
  times, they are of one type.
- `?` marks what may be left out, `…` what may be repeated. An argument can be written with its name: `offset=\"+02:00\"`.
- If an argument is missing, so is the value; only `coalesce` is there for that. A number that would be infinite, or none
  at all, is missing too.
- What stands before the dot of a call is a text: `email.lower()`, `referrer.host.endswith(\".example\")`.
";

/// The whole page, in Markdown.
pub(crate) fn book() -> String {
    let mut out = HEAD.to_owned();
    let _ = writeln!(out, "- A text that a function gives is cut after {} bytes.", limits::RESULT_BYTES);
    let mut group = "";
    for function in catalogue() {
        if function.group != group {
            group = function.group;
            heading(&mut out, group);
        }
        row(&mut out, &function.signature(), &meaning(function), function.examples);
    }
    heading(&mut out, "Special forms");
    for special in SPECIAL {
        row(&mut out, special.signature, special.doc, special.examples);
    }
    scripts(&mut out);
    folds(&mut out);
    out
}

fn heading(out: &mut String, title: &str) {
    let _ = write!(out, "\n## {title}\n\n| function | what it gives | examples |\n|---|---|---|\n");
}

/// What a function does, and which arguments must be written out.
fn meaning(function: &Function) -> String {
    let written: Vec<String> =
        function.params.iter().filter(|p| p.literal).map(|p| format!("`{}`", p.name)).collect();
    match written.as_slice() {
        [] => function.doc.to_owned(),
        [one] => format!("{} {one} is a written value.", function.doc),
        several => format!("{} {} are written values.", function.doc, several.join(" and ")),
    }
}

fn row(out: &mut String, signature: &str, meaning: &str, examples: &[(&str, &str)]) {
    let examples: Vec<String> =
        examples.iter().map(|(call, value)| format!("`{call}` is `{value}`")).collect();
    let cell = |text: &str| text.replace('|', "\\|");
    let _ = writeln!(out, "| `{}` | {} | {} |", cell(signature), cell(meaning), cell(&examples.join("<br>")));
}

fn scripts(out: &mut String) {
    let names: Vec<String> = script::names().iter().map(|name| format!("`{name}`")).collect();
    let _ = write!(
        out,
        "\n## The names of scripts\n\n`script` gives one of {}, or `mixed` or `none`. `styled` are letters dressed up as \
         signs, such as 𝐀 and Ⓐ; `other` is every script without a name here. Chinese characters with kana are \
         `japanese`, with Hangul `hangul`, with Bopomofo `bopomofo`, and not mixed.\n",
        names.join(", ")
    );
}

fn folds(out: &mut String) {
    out.push_str(
        "\n## What `skeleton` folds\n\nIn this order, and nothing else:\n\n\
         1. Combining marks (U+0300 to U+036F) and invisible characters (soft hyphen, zero-width and direction-turning \
         characters, variation selectors) are left out.\n\
         2. Full-width characters, mathematical letters and digits, and letters in circles, brackets and squares, become plain \
         ones.\n\
         3. Capitals become small letters; only where a capital looks like another letter than its small one does, as the \
         Greek Ν and ν, the table of look-alikes speaks first.\n\
         4. Letters with marks become those without, and ligatures the letters they are made of.\n\
         5. Look-alikes become one letter.\n\n| becomes | letters with marks, ligatures |\n|---|---|\n",
    );
    for (to, from) in skeleton::MARKED {
        let _ = writeln!(out, "| {to} | {} |", spaced(from));
    }
    out.push_str("\n| becomes | look-alikes |\n|---|---|\n");
    for (to, from) in skeleton::ALIKE {
        let _ = writeln!(out, "| {to} | {} |", spaced(from));
    }
}

fn spaced(letters: &str) -> String {
    let each: Vec<String> =
        letters.chars().map(|c| if c == '|' { "\\|".to_owned() } else { c.to_string() }).collect();
    each.join(" ")
}
