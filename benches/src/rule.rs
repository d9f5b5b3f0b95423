// SPDX-License-Identifier: Apache-2.0
//! One rule of five conditions on one event, all of them true, so that each engine evaluates all five.
//!
//! What is held equal: the same condition in each engine's own words, compiled once; the same values; the answer is
//! checked before it is timed. What is not: `cel` and `zen-expression` have no lengths of time to compare without
//! parsing them in each evaluation, so they compare seconds as a number, which favours them; zen computes in decimals.

use crate::harness::Harness;
use crate::people::{BEGIN, TYPES, typed};
use crate::policy::active;
use crate::table::Table;
use anyhow::{Context as _, Result, anyhow, ensure};
use cel::common::types::{CelBool, CelDouble, CelInt, CelString};
use serde_json::json;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::sync::Arc;
use wardroom_engine::Active;
use wardroom_event::{Event, Span, Value};
use wardroom_policy::{Bundle, Row, Tri};
use zen_expression::vm::VM;
use zen_expression::{Isolate, Scope, Variable};

/// The mixed rule in each engine's words.
const MIXED: [(&str, &str); 3] = [
    (
        "own",
        r#"signups_from_net >= 30 and human and country in ["at", "be", "ch", "de", "nl"] and form_time < "5s" and username.endswith(".bulk")"#,
    ),
    (
        "cel",
        r#"signups_from_net >= 30 && human && country in ["at", "be", "ch", "de", "nl"] && form_secs < 5.0 && username.endsWith(".bulk")"#,
    ),
    (
        "zen",
        r#"signups_from_net >= 30 and human and country in ["at", "be", "ch", "de", "nl"] and form_secs < 5.0 and endsWith(username, ".bulk")"#,
    ),
];
/// The rule of numbers alone.
const NUMBERS: [(&str, &str); 3] = [
    ("own", "a >= 30 and b < 100 and c > 0.5 and d == 7 and e <= 1000.0"),
    ("cel", "a >= 30 && b < 100 && c > 0.5 && d == 7 && e <= 1000.0"),
    ("zen", "a >= 30 and b < 100 and c > 0.5 and d == 7 and e <= 1000.0"),
];
/// The values of the rule of numbers.
const A_TO_E: (i64, i64, f64, i64, f64) = (42, 12, 0.75, 7, 99.5);

pub(crate) fn run(harness: &mut Harness) -> Result<()> {
    mixed(harness)?;
    numbers(harness)?;
    networks(harness)
}

/// A policy, an event, and what the engine would serve with it.
struct Own {
    active: Active,
    event: Event,
    served: Vec<Value>,
}

impl Own {
    /// One rule on `signup` with this condition; `served` stands for what the features would read.
    fn new(declared: &str, condition: &str, json: &str, served: Vec<Value>) -> Result<Own> {
        let rule =
            format!("rule five on signup:\n    when {condition}\n    then block\n    because \"all five\"\n");
        let bundle = Bundle::single("rule.ward", &format!("{declared}\n{rule}"));
        let active = active(bundle)?;
        let event = typed(json, &active.program.schema).map_err(|f| anyhow!("{f}"))?;
        let plan = active.program.plan(event.kind);
        ensure!(plan.serve.len() == served.len(), "the rule reads {} features", plan.serve.len());
        ensure!(active.program.rules[0].terms.len() == 5, "the rule has five terms");
        Ok(Own { active, event, served })
    }

    fn row(&self) -> Row<'_> {
        Row::new(&self.event, &self.served, &self.active)
    }

    fn holds(&self, row: &Row<'_>) -> Tri {
        self.active.program.rules[0].holds(row)
    }
}

fn mixed_own() -> Result<Own> {
    let declared = format!("{TYPES}\nfeature signups_from_net = count(signup, by=ip.net, last=\"1h\")\n");
    let event = json!({
        "type": "signup", "id": "1", "time": BEGIN.to_string(), "account": "a", "ip": "203.0.113.7",
        "username": "somebody.bulk", "country": "de", "human": true, "form_time": "4.2s",
    });
    Own::new(&declared, MIXED[0].1, &event.to_string(), vec![Value::Int(42)])
}

fn mixed(harness: &mut Harness) -> Result<()> {
    let table = Table::new("One rule of five conditions: count, bool, `in` of five texts, duration, suffix", "evaluation")
        .note("all five true, fourth of five texts met; context ready means that the event is in the engine's own form");
    harness.table(table);
    let plain = Signup::sample();
    ensure!(plain.holds(), "by hand");
    harness.time("by hand, a plain struct", || black_box(&plain).holds());
    let own = mixed_own()?;
    let row = own.row();
    ensure!(by_hand(&row) == Tri::True, "by hand over a row");
    harness.time("by hand, our row of values", || by_hand(black_box(&row)));
    ensure!(own.holds(&row) == Tri::True, "our own rule");
    harness.time("wardroom, context ready", || own.holds(black_box(&row)));
    with_cel(harness, MIXED[1].1, |context| {
        context.add_variable_as_val("signups_from_net", Box::new(CelInt::from(plain.signups_from_net)));
        context.add_variable_as_val("human", Box::new(CelBool::from(plain.human)));
        context.add_variable_as_val("country", Box::new(CelString::from(&*plain.country)));
        context.add_variable_as_val("form_secs", Box::new(CelDouble::from(plain.form_time.as_secs_f64())));
        context.add_variable_as_val("username", Box::new(CelString::from(&*plain.username)));
    })?;
    let json = json!({
        "signups_from_net": 42, "human": true, "country": "de", "form_secs": 4.2, "username": "somebody.bulk",
    });
    with_zen(harness, MIXED[2].1, &json.to_string())
}

fn numbers_own() -> Result<Own> {
    let declared = "event signup:\n    a: int\n    b: int\n    c: number\n    d: int\n    e: number\n";
    let (a, b, c, d, e) = A_TO_E;
    let event = json!({"type": "signup", "id": "1", "a": a, "b": b, "c": c, "d": d, "e": e});
    Own::new(declared, NUMBERS[0].1, &event.to_string(), Vec::new())
}

fn numbers(harness: &mut Harness) -> Result<()> {
    harness.table(Table::new("One rule of five conditions on numbers: three whole, two not", "evaluation"));
    let plain = A_TO_E;
    let hand = |(a, b, c, d, e): &(i64, i64, f64, i64, f64)| {
        *a >= 30 && *b < 100 && *c > 0.5 && *d == 7 && *e <= 1000.0
    };
    ensure!(hand(&plain), "by hand");
    harness.time("by hand, a plain struct", || hand(black_box(&plain)));
    let own = numbers_own()?;
    let row = own.row();
    ensure!(own.holds(&row) == Tri::True, "our own rule");
    harness.time("wardroom, context ready", || own.holds(black_box(&row)));
    let (a, b, c, d, e) = plain;
    with_cel(harness, NUMBERS[1].1, |context| {
        for (name, value) in [("a", a), ("b", b), ("d", d)] {
            context.add_variable_as_val(name, Box::new(CelInt::from(value)));
        }
        for (name, value) in [("c", c), ("e", e)] {
            context.add_variable_as_val(name, Box::new(CelDouble::from(value)));
        }
    })?;
    with_zen(harness, NUMBERS[2].1, &json!({"a": a, "b": b, "c": c, "d": d, "e": e}).to_string())
}

/// How many networks the list of [`networks`] holds.
const NETWORKS: u32 = 1000;

fn networks_own() -> Result<Own> {
    let nets: String =
        (0..NETWORKS).map(|n| format!("{}/24\n", Ipv4Addr::from(0x0a00_0000 + n * 256))).collect();
    let declared = format!("{TYPES}\nfeature signups_from_net = count(signup, by=ip.net, last=\"1h\")\n");
    let condition = MIXED[0].1.replace(r#"country in ["at", "be", "ch", "de", "nl"]"#, "ip in nets");
    let rule =
        format!("rule five on signup:\n    when {condition}\n    then block\n    because \"all five\"\n");
    let mut bundle =
        Bundle::single("rule.ward", &format!("{declared}\nlist nets: net from \"nets.txt\"\n\n{rule}"));
    bundle.add("nets.txt", nets);
    let active = active(bundle)?;
    let event = json!({
        "type": "signup", "id": "1", "time": BEGIN.to_string(), "account": "a", "ip": "10.3.200.7",
        "username": "somebody.bulk", "human": true, "form_time": "4.2s",
    });
    let event = typed(&event.to_string(), &active.program.schema).map_err(|f| anyhow!("{f}"))?;
    Ok(Own { active, event, served: vec![Value::Int(42)] })
}

fn networks(harness: &mut Harness) -> Result<()> {
    harness.table(Table::new(
        format!("The mixed rule with `ip in` a list of {NETWORKS} networks"),
        "evaluation",
    ));
    let own = networks_own()?;
    let row = own.row();
    ensure!(own.holds(&row) == Tri::True, "our own rule");
    harness.time("wardroom, context ready", || own.holds(black_box(&row)));
    Ok(())
}

/// What somebody would write who needs this one rule and no other.
struct Signup {
    signups_from_net: i64,
    human: bool,
    country: Box<str>,
    form_time: Span,
    username: Box<str>,
}

impl Signup {
    fn sample() -> Signup {
        Signup {
            signups_from_net: 42,
            human: true,
            country: "de".into(),
            form_time: Span(4_200_000),
            username: "somebody.bulk".into(),
        }
    }

    #[inline(never)]
    fn holds(&self) -> bool {
        self.signups_from_net >= 30
            && self.human
            && ["at", "be", "ch", "de", "nl"].contains(&&*self.country)
            && self.form_time < Span::from_secs(5)
            && self.username.ends_with(".bulk")
    }
}

/// The same over the row that our compiled rule is given, missing values and all. Slots as [`TYPES`] declares them.
#[inline(never)]
fn by_hand(row: &Row<'_>) -> Tri {
    let count = match row.served.first() {
        Some(Value::Int(n)) => Tri::known(*n >= 30),
        _ => Tri::Unknown,
    };
    let human = match row.event.values.get(6) {
        Some(Value::Bool(b)) => Tri::known(*b),
        _ => Tri::Unknown,
    };
    let country = match row.event.values.get(5) {
        Some(Value::Text(t)) => Tri::known(["at", "be", "ch", "de", "nl"].contains(&&**t)),
        _ => Tri::Unknown,
    };
    let form_time = match row.event.values.get(7) {
        Some(Value::Duration(d)) => Tri::known(*d < Span::from_secs(5)),
        _ => Tri::Unknown,
    };
    let username = match row.event.values.get(4) {
        Some(Value::Text(t)) => Tri::known(t.ends_with(".bulk")),
        _ => Tri::Unknown,
    };
    count.min(human).min(country).min(form_time).min(username)
}

/// `cel` as its documentation advises: one shared environment, the program compiled once, values that borrow.
fn with_cel<'v>(harness: &mut Harness, source: &str, fill: impl Fn(&mut cel::Context<'v, 'v>)) -> Result<()> {
    let env = Arc::new(cel::Env::stdlib());
    let program = env.compile(source).map_err(|e| anyhow!("cel: {e}"))?;
    let fresh = || {
        let mut context = cel::Context::with_env(env.clone());
        fill(&mut context);
        context
    };
    let context = fresh();
    let answer = program.execute(&context).map_err(|e| anyhow!("cel: {e}"))?;
    ensure!(answer == cel::Value::Bool(true), "cel answers {answer:?}");
    harness.time("cel 0.15, context ready", || program.execute(black_box(&context)));
    harness.time("cel 0.15, context and evaluation", || program.execute(&fresh()));
    Ok(())
}

/// `zen-expression` compiled once, its machine reused; the context as it keeps it, or made from JSON.
fn with_zen(harness: &mut Harness, source: &str, json: &str) -> Result<()> {
    let rule = Isolate::new().compile_standard(source).map_err(|e| anyhow!("zen: {e}"))?;
    let variable: Variable = serde_json::from_str(json).context("zen context")?;
    let scope = Scope::new(variable);
    let mut vm = VM::new();
    let answer = rule.evaluate_with_scope(&scope, &mut vm).map_err(|e| anyhow!("zen: {e}"))?;
    ensure!(answer.as_bool() == Some(true), "zen answers {answer:?}");
    harness.time("zen-expression 2.1, context ready", || {
        rule.evaluate_with_scope(black_box(&scope), &mut vm).is_ok_and(|v| v.as_bool() == Some(true))
    });
    harness.time("zen-expression 2.1, from JSON", || {
        let variable: Variable = serde_json::from_str(black_box(json)).unwrap_or_default();
        rule.evaluate_with(variable, &mut vm).is_ok_and(|v| v.as_bool() == Some(true))
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Pace;

    #[test]
    fn every_engine_answers_the_same() {
        // Each answer is checked before it is timed.
        let mut harness = Harness::new(Pace::Quick);
        run(&mut harness).unwrap();
        let rows: Vec<usize> = harness.tables.iter().map(|t| t.rows.len()).collect();
        assert_eq!(rows, [7, 6, 1]);
    }

    #[test]
    fn each_condition_is_needed() {
        let own = mixed_own().unwrap();
        assert_eq!((own.holds(&own.row()), by_hand(&own.row())), (Tri::True, Tri::True));
        let spoilt = [
            (6, Value::Bool(false)),
            (5, Value::Text("xx".into())),
            (4, Value::Text("x".into())),
            (7, Value::Duration(Span::from_secs(6))),
        ];
        for (slot, value) in spoilt {
            let mut own = mixed_own().unwrap();
            own.event.values[slot] = value;
            assert_eq!((own.holds(&own.row()), by_hand(&own.row())), (Tri::False, Tri::False), "slot {slot}");
        }
        let mut own = mixed_own().unwrap();
        own.served[0] = Value::Int(29);
        assert_eq!((own.holds(&own.row()), by_hand(&own.row())), (Tri::False, Tri::False));
    }

    #[test]
    fn the_network_of_the_event_is_on_the_list_and_its_neighbour_is_not() {
        let mut own = networks_own().unwrap();
        assert_eq!(own.holds(&own.row()), Tri::True);
        own.event.values[1] = Value::Ip("10.4.200.7".parse().unwrap());
        assert_eq!(own.holds(&own.row()), Tri::False);
    }
}
