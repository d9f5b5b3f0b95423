// SPDX-License-Identifier: Apache-2.0
//! The language, construct by construct: a policy, an event, what a made-up installation knows, and what comes out.

mod counted;
mod features;
mod fields;
mod index;
mod lists;
mod rules;
mod scores;
mod tables;

use crate::support::program;
use std::collections::BTreeMap;
use wardroom_event::{Event, EventId, Micros, Value};
use wardroom_policy::{Case, List, ListId, Matching, Piece, Plan, Program, Row, Source, World};

/// The event type that most of these tests are about.
const EVENTS: &str = r#"
record attachment:
    name: text?
    size: size
    kind: text

event login:
    account: account?
    ip: ip?
    ok: bool?
    name: text?
    email: email?
    agent: user_agent?
    site: domain?
    link: url?
    typing: duration?
    since: time?
    weight: size?
    pace: rate?
    amount: number?
    tries: int?
    plan: enum("free", "paid")?
    urls: list(url)?
    codes: list(int)?
    items: list(attachment)?

event signup:
    account: account?
    ip: ip?
    ok: bool?
    tries: int?
    amount: number?
"#;

/// When the event to judge happens, where a test does not say.
const NOW: Micros = Micros(1_767_600_000_000_000);

/// What an installation knows: features by their ids, labels by how they are asked for, lists as they are written.
#[derive(Default)]
struct Known {
    served: BTreeMap<&'static str, Value>,
    lists: Vec<List>,
    bucket: u32,
}

impl Known {
    fn with(served: &[(&'static str, Value)]) -> Known {
        Known { served: served.iter().cloned().collect(), ..Known::default() }
    }
}

impl World for Known {
    fn contains(&self, list: ListId, value: &Value, at: Micros) -> bool {
        assert!(!value.is_missing(), "asked for a missing value");
        let list = &self.lists[list.0];
        let valid = |until: &Option<Micros>| until.is_none_or(|until| at < until);
        list.entries.iter().filter(|(_, until)| valid(until)).any(|(e, _)| matches(list.matching, e, value))
    }

    fn bucket(&self, _: &str, _: &Value) -> u32 {
        self.bucket
    }
}

fn matches(matching: Matching, entry: &Value, value: &Value) -> bool {
    match (matching, entry, value) {
        (Matching::Suffix, Value::Text(top), Value::Text(name)) => {
            name == top || name.strip_suffix(&**top).is_some_and(|rest| rest.ends_with('.'))
        }
        (Matching::Pattern, Value::Text(pattern), Value::Text(text)) => {
            regex::Regex::new(pattern).unwrap().is_match(text)
        }
        (_, Value::Net(net), Value::Ip(ip)) => net.contains(ip),
        (_, entry, value) => entry == value,
    }
}

/// A policy with an event to judge.
struct Judged {
    program: Program,
    event: Event,
    known: Known,
    served: Vec<Value>,
}

impl Judged {
    /// The policy, the event of its first test, what is known.
    fn new(text: &str, known: Known) -> Judged {
        Judged::of(&[("main.ward", text)], known)
    }

    fn of(files: &[(&str, &str)], mut known: Known) -> Judged {
        let program = program(files);
        known.lists = program.lists.clone();
        let event = event(&program, &program.cases[0]);
        let served = serve(&program, &event, &known);
        Judged { program, event, known, served }
    }

    fn row(&self) -> Row<'_> {
        Row::new(&self.event, &self.served, &self.known)
    }

    /// The value of a reason that is one value.
    fn value(&self) -> Value {
        match self.program.rules[0].because(&self.row()).as_slice() {
            [Piece::Value(_, value)] => value.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// The reason of the first rule, with everything shown.
    fn reason(&self) -> String {
        Piece::join(&self.program.rules[0].because(&self.row()), wardroom_event::Sight::Full)
    }

    fn plan(&self) -> &Plan {
        self.program.plan(self.event.kind)
    }
}

/// The event that a test says, with its facts.
fn event(program: &Program, case: &Case) -> Event {
    let kind = case.when.event;
    let declared = program.schema.get(kind);
    let mut values = vec![Value::Missing; declared.fields.len()];
    for (slot, value) in &case.when.values {
        values[*slot] = value.clone();
    }
    for (field, part, value) in &case.facts {
        if let Some(slot) = declared.slot(&format!("{field}.{}", part.name())) {
            values[slot] = value.clone();
        }
    }
    let time = case.at.unwrap_or(NOW);
    let id = EventId { source: "".into(), id: "1".into() };
    Event { schema: program.schema.clone(), kind, id, time, received: time, values: values.into() }
}

/// What the plan serves, one value after the other: a computed one reads those before it.
fn serve(program: &Program, event: &Event, known: &Known) -> Vec<Value> {
    let mut served = Vec::new();
    for serve in &program.plan(event.kind).serve {
        let row = Row::new(event, &served, known);
        let value = match &serve.source {
            Source::Feature { .. } | Source::Label { .. } => {
                known.served.get(&*serve.id).cloned().unwrap_or(Value::Missing)
            }
            Source::Listed { list, of } => match of.of(&row) {
                Value::Missing => Value::Missing,
                value => Value::Bool(known.contains(*list, &value, event.time)),
            },
            Source::Computed(of) => of.of(&row),
        };
        served.push(value);
    }
    served
}

/// A policy whose only rule shows an expression, with a test whose event has these values.
fn policy(declared: &str, expression: &str, values: &str) -> String {
    format!(
        "{EVENTS}\n{declared}\n\nrule shown on login:\n    when ok or not ok\n    then block\n    because \"{{{expression}}}\"\n\n\
         test shown:\n    when login({values})\n    expect block\n"
    )
}

/// What an expression is worth for an event with these values.
fn worth(declared: &str, expression: &str, values: &str) -> Value {
    worth_with(declared, expression, values, Known::default())
}

fn worth_with(declared: &str, expression: &str, values: &str, known: Known) -> Value {
    Judged::new(&policy(declared, expression, values), known).value()
}

/// Checks an expression's value for each of several events: the values of the event, the value as policy has it.
fn check(declared: &str, expression: &str, cases: &[(&str, Value)]) {
    for (values, expect) in cases {
        assert_eq!(worth(declared, expression, values), *expect, "{expression} of login({values})");
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn int(n: i64) -> Value {
    Value::Int(n)
}

fn number(n: f64) -> Value {
    Value::Number(n)
}

const YES: Value = Value::Bool(true);
const NO: Value = Value::Bool(false);
const MISSING: Value = Value::Missing;
