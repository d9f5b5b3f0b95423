// SPDX-License-Identifier: Apache-2.0
//! Reasons (`because`): braces, quotes within quotes, escapes, the places of what is wrong inside them, and who is
//! masked.

use crate::support::{event, pointed, program, row};
use wardroom_event::{Micros, Sight, Value};
use wardroom_policy::Piece;

const LOGIN: &str =
    "event login:\n    account: account\n    name: text\n    email: email\n    size: int\n    ok: bool\n";

fn policy(reason: &str) -> String {
    format!("{LOGIN}\nrule r on login:\n    when ok\n    then block\n    because {reason}\n")
}

/// The reason for one event, with everything shown or masked.
fn shown(reason: &str, sight: Sight) -> String {
    let program = program(&[("main.ward", &policy(reason))]);
    let text = |t: &str| Value::Text(t.into());
    let values = vec![
        text("alice"),
        text("}{ \"x\""),
        text("bob.smith@example.org"),
        Value::Int(7),
        Value::Bool(true),
    ];
    let event = event(&program.schema, "login", Micros(0), values);
    Piece::join(&program.rules[0].because(&row(&event)), sight)
}

#[test]
fn reasons_are_put_together() {
    let check = |reason: &str, expect: &str| assert_eq!(shown(reason, Sight::Full), expect, "{reason}");
    check(r#""plain""#, "plain");
    check(r#""""#, "");
    check(r#""{size}""#, "7");
    check(r#""{size}{size} {size+1}""#, "77 8");
    check(r#""{{size}} is {size}""#, "{size} is 7");
    check(r#""{{{size}}}""#, "{7}");
    check(r#""open {{ only""#, "open { only");
    check(r#""shut }} only {size}""#, "shut } only 7");
    check(r#""{name.startswith("}")}""#, "true");
    check(r#""{name.startswith('{')} and {name == '"'}""#, "false and false");
    check(r#"'{name.endswith("x")} it\'s {size}'"#, "false it's 7");
    check(r#"'{name.endswith('"')}'"#, "true");
    check(r#""{"a}" if ok else "{b"}!""#, "a}!");
    check(r#""a \"quoted\" word, a tab:\t|, a \\""#, "a \"quoted\" word, a tab:\t|, a \\");
    check(r#""größer als {size} — é""#, "größer als 7 — é");
    check(r#""{ size }""#, "7");
    check("\"a # b {size}\"   # a comment with \" quotes", "a # b 7");
}

#[test]
fn a_clause_may_have_a_colon() {
    let with = policy("\"{size}\"").replace("because ", "because: ");
    let program = program(&[("main.ward", &with)]);
    assert_eq!(program.rules.len(), 1);
}

#[test]
fn faults_in_a_reason_have_their_true_places() {
    let check = |reason: &str, expect: &[(&str, &str)]| {
        let got = pointed(&policy(reason));
        let got: Vec<(&str, &str)> = got.iter().map(|(c, t)| (*c, t.as_str())).collect();
        assert_eq!(got, expect, "{reason}");
    };
    check(r#""{sise}""#, &[("W0201", "sise")]);
    check(r#""é{size}ü{sise} and {nome}""#, &[("W0201", "sise"), ("W0201", "nome")]);
    check(r#""{name.startswith(3)} {name.begins("x")}""#, &[("W0304", "3"), ("W0308", "begins")]);
    check(r#""{size + ok}""#, &[("W0304", "size + ok")]);
    check(r#""{}""#, &[("W0101", "}")]);
    check(r#""{size +}""#, &[("W0101", "}")]);
    check(r#""{size size}""#, &[("W0102", "size")]);
    check(r#""{size:>5}""#, &[("W0102", ":")]);
    check(r#""{size""#, &[("W0109", "{")]);
    check(r#""ab {size} {name""#, &[("W0109", "{")]);
    check(r#""size}""#, &[("W0109", "}")]);
    check(r#""{size}}""#, &[("W0109", "}")]);
    check(r#""\q {size}""#, &[("W0006", "\\q")]);
    check(r#""{name.startswith(\"a\")}""#, &[("W0001", "\\\"a\\\"")]);
    check(r#""{name == 'a\qb'}""#, &[("W0006", "\\q")]);
    check(r#""{size} not ended"#, &[("W0004", r#""{size} not ended"#)]);
    check("\"{\tsize}\"", &[]);
}

#[test]
fn the_column_is_counted_in_characters() {
    let compiled = crate::support::compiled(&[("main.ward", &policy("\"é{size}ü{sise}\""))]);
    let loc = compiled.diagnostics[0].primary.0;
    // Four spaces, `because `, the quote, and eight characters before the value.
    assert_eq!(compiled.sources.line_col(loc), (11, 4 + 8 + 1 + 9 + 1));
}

#[test]
fn what_names_a_person_is_masked_however_it_is_written() {
    let check = |reason: &str, expect: &str| assert_eq!(shown(reason, Sight::Masked), expect, "{reason}");
    check(r#""{account}""#, "al…");
    check(r#""{account.lower()}""#, "al…");
    check(r#""{email}""#, "bo…@example.org");
    check(r#""{email.local}""#, "bo…");
    check(r#""{email.local.lower()}""#, "bo…");
    check(r#""{email.domain}""#, "example.org");
    check(r#""{account if ok else name}""#, "al…");
    check(r#""{name if not ok else account}""#, "al…");
    check(r#""{name if not ok else email.local}""#, "bo…");
    check(r#""{len(account)} {account == "alice"}""#, "5 true");
    check(r#""{"yes" if account == "alice" else name}""#, "yes");
    assert_eq!(shown(r#""{account} {email.local}""#, Sight::Full), "alice bob.smith");
}
