// SPDX-License-Identifier: Apache-2.0
//! The functions' examples, read, checked, compiled and evaluated as policy.

use crate::functions::{SPECIAL, catalogue};
use crate::{Bundle, Piece, Row, World, compile};
use std::sync::Arc;
use wardroom_event::{Event, EventId, Micros, Schema, TypeId, Value};

/// An installation without lists.
struct Nothing;

impl World for Nothing {
    fn contains(&self, _: crate::ListId, _: &Value, _: Micros) -> bool {
        false
    }

    fn bucket(&self, _: &str, _: &Value) -> u32 {
        0
    }
}

/// An event of the only type there is, whose fields are all missing.
fn event(schema: &Arc<Schema>) -> Event {
    let (kind, fields) = (TypeId(0), schema.get(TypeId(0)).fields.len());
    let id = EventId { source: "".into(), id: "1".into() };
    let values = vec![Value::Missing; fields].into();
    Event { schema: schema.clone(), kind, id, time: Micros(0), received: Micros(0), values }
}

/// What an expression is worth in a reason; `nothing` is a field that is missing.
fn shown(expression: &str) -> Value {
    let text = format!(
        "event e:\n    ok: bool\n    nothing: number?\n    none: text?\n\nrule r on e:\n    when ok\n    then block\n    because \"{{{expression}}}\"\n"
    );
    let compiled = compile(&Bundle::single("main.ward", &text));
    let said = wardroom_report::render(&compiled.diagnostics, &compiled.sources, false);
    let program = compiled.program.unwrap_or_else(|| panic!("{said}"));
    let event = event(&program.schema);
    match program.rules[0].because(&Row::new(&event, &[], &Nothing)).as_slice() {
        [Piece::Value(_, value)] => value.clone(),
        other => panic!("{expression}: {other:?}"),
    }
}

/// `coalesce(missing, 1)` as policy has it: a value is missing where a field is.
fn with_field(call: &str, field: &str) -> String {
    call.replace("(missing", &format!("({field}")).replace(", missing", &format!(", {field}"))
}

/// An example is true, whichever type its missing values are of.
fn holds(call: &str, expect: &str) {
    let field = if call.contains('"') { "none" } else { "nothing" };
    let call = with_field(call, field);
    let asked = match expect {
        "missing" => format!("({call}) is missing"),
        expect => format!("({call}) == {expect}"),
    };
    assert_eq!(shown(&asked), Value::Bool(true), "{asked}");
}

#[test]
fn the_examples_of_functions_are_true_as_policy() {
    let mut seen = 0;
    for (call, expect) in catalogue().iter().flat_map(|f| f.examples) {
        holds(call, expect);
        seen += 1;
    }
    assert!(seen > 120, "{seen}");
}

#[test]
fn the_examples_of_special_forms_are_true_as_policy() {
    let examples = SPECIAL.iter().flat_map(|s| s.examples);
    assert!(examples.map(|(call, expect)| holds(call, expect)).count() >= 3);
}

#[test]
fn a_values_name_may_stand_before_it() {
    let check = |call: &str, same: &str| assert_eq!(shown(call), shown(same), "{call}");
    check("round(x=2.345, digits=2)", "round(2.345, 2)");
    check("hour(\"2026-01-05T10:00:00Z\", offset=\"+02:00\")", "hour(\"2026-01-05T12:00:00Z\")");
    check("\"abc\".slice(start=1, end=2)", "\"abc\".slice(1, 2)");
    check("clamp(x=5, lo=1, hi=3)", "clamp(5, 1, 3)");
    check("\"aXb\".replace(old=\"X\", new=\"-\")", "\"aXb\".replace(\"X\", \"-\")");
}
