// SPDX-License-Identifier: Apache-2.0
//! Policies of one text and events to judge by them.

use std::sync::Arc;
use wardroom_event::{Event, EventId, Micros, Value};
use wardroom_policy::{Bundle, ListId, Program, Row, Source, World, compile};
use wardroom_report::render;

/// Lists that hold their own entries; networks hold their addresses.
struct Lists(Vec<Vec<Value>>);

impl World for Lists {
    fn contains(&self, list: ListId, value: &Value, _: Micros) -> bool {
        self.0[list.0].iter().any(|entry| match (entry, value) {
            (Value::Net(net), Value::Ip(ip)) => net.contains(ip),
            (entry, value) => entry == value,
        })
    }

    fn bucket(&self, _: &str, _: &Value) -> u32 {
        0
    }
}

/// A policy with one event type, and files beside it.
pub(crate) fn program(text: &str, files: &[(&str, &str)]) -> Program {
    tried(text, files).unwrap_or_else(|said| panic!("{said}"))
}

/// As [`program`], or what is wrong with it.
pub(crate) fn tried(text: &str, files: &[(&str, &str)]) -> Result<Program, String> {
    let mut bundle = Bundle::new();
    bundle.add("main.ward", text);
    files.iter().for_each(|(path, text)| bundle.add(*path, *text));
    let compiled = compile(&bundle);
    let said = render(&compiled.diagnostics, &compiled.sources, false);
    compiled.program.ok_or(said)
}

pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.into())
}

/// Looks at an event whose fields have these values, and for which these were served; counters are 0 otherwise.
pub(crate) fn on<T>(
    program: &Program,
    fields: &[(&str, Value)],
    given: &[(&str, Value)],
    look: impl FnOnce(&Row<'_>) -> T,
) -> T {
    let (kind, about) = program.schema.iter().next().unwrap();
    let mut values = vec![Value::Missing; about.fields.len()];
    for (name, value) in fields {
        values[about.slot(name).unwrap_or_else(|| panic!("no field {name}"))] = value.clone();
    }
    let id = EventId { source: "".into(), id: "1".into() };
    let time = Micros(1_767_614_400_000_000);
    let event =
        Event { schema: Arc::clone(&program.schema), kind, id, time, received: time, values: values.into() };
    let world =
        Lists(program.lists.iter().map(|l| l.entries.iter().map(|(v, _)| v.clone()).collect()).collect());
    let mut served: Vec<Value> = Vec::new();
    for serve in &program.plan(kind).serve {
        let known = given.iter().find(|(id, _)| **id == *serve.id).map(|(_, value)| value.clone());
        served.push(known.unwrap_or_else(|| match &serve.source {
            Source::Computed(of) => of.of(&Row::new(&event, &served, &world)),
            Source::Feature { .. } => Value::Int(0),
            Source::Label { .. } | Source::Listed { .. } => Value::Bool(false),
        }));
    }
    look(&Row::new(&event, &served, &world))
}
