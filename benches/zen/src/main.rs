// SPDX-License-Identifier: Apache-2.0
//! zen's decision tables beside a map written by hand: `cargo run --release --manifest-path benches/zen/Cargo.toml`.
//!
//! The same rows and the same questions as the group `table` of the benchmarks; compare through the map, which both
//! time. zen is used as its documentation advises: a JDM document, compiled once, the context ready.

#[path = "../../src/harness.rs"]
#[allow(dead_code, reason = "shared")]
mod harness;
#[path = "../../src/rows.rs"]
mod rows;
#[path = "../../src/table.rs"]
#[allow(dead_code, reason = "shared")]
mod table;

use anyhow::{Result, anyhow, ensure};
use harness::{Harness, Pace};
use rows::{ByHand, Line, asked, lines};
use serde_json::{Value, json};
use std::hint::black_box;
use std::io::{self, Write};
use std::sync::Arc;
use table::Table;
use zen_engine::model::{DecisionContent, GraphContent};
use zen_engine::{Decision, Variable};

/// How many questions are asked in turn.
const ASKED: usize = 1024;

fn document(lines: &[Line]) -> Value {
    let rules: Vec<Value> = lines
        .iter()
        .enumerate()
        .map(|(n, line)| {
            json!({
                "_id": format!("r{n}"), "kind": format!("{:?}", line.kind), "asn": line.asn.to_string(),
                "age": format!("[{}..{})", line.from, line.to), "risk": line.value.to_string(),
            })
        })
        .collect();
    let input = |name: &str| json!({"id": name, "name": name, "field": name});
    json!({
        "nodes": [
            {"id": "in", "name": "in", "type": "inputNode", "content": {}},
            {"id": "table", "name": "table", "type": "decisionTableNode", "content": {
                "hitPolicy": "first", "inputs": [input("kind"), input("asn"), input("age")],
                "outputs": [input("risk")], "rules": rules,
            }},
            {"id": "out", "name": "out", "type": "outputNode", "content": {}},
        ],
        "edges": [
            {"id": "a", "sourceId": "in", "targetId": "table"},
            {"id": "b", "sourceId": "table", "targetId": "out"},
        ],
    })
}

fn one(harness: &mut Harness, count: usize) -> Result<()> {
    let lines = lines(count);
    let questions: Vec<&Line> = asked(count, ASKED).into_iter().map(|n| &lines[n]).collect();
    let by_hand = ByHand::new(&lines);
    let keys: Vec<((String, i64), i64)> =
        questions.iter().map(|l| ((l.kind.clone(), l.asn), l.from + 3)).collect();
    harness.table(Table::new(format!("A decision table of {count} rows, zen-engine 2.1"), "look-up"));
    let mut next = 0;
    harness.time("by hand, a map and ranges", || {
        next += 1;
        let (key, age) = &keys[next % ASKED];
        by_hand.find(black_box(key), *age)
    });
    let content: DecisionContent = serde_json::from_value(document(&lines))?;
    let DecisionContent::Graph(content) = content else { return Err(anyhow!("no graph")) };
    let content: GraphContent = Arc::unwrap_or_clone(content.into());
    let began = std::time::Instant::now();
    let mut decision = Decision::from(content);
    decision.compile();
    let compiled = began.elapsed().as_nanos() as f64;
    harness.row("zen, compile (once)", harness::Timing { best: compiled, median: compiled });
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let contexts: Vec<Variable> =
        questions.iter().map(|l| json!({"kind": l.kind, "asn": l.asn, "age": l.from + 3}).into()).collect();
    for (line, context) in questions.iter().zip(&contexts).take(20) {
        let answer = runtime.block_on(decision.evaluate(context.clone())).map_err(|e| anyhow!("{e:?}"))?;
        let answer: Value = serde_json::to_value(&answer.result)?;
        ensure!(answer["risk"].as_f64() == Some(line.value), "{line:?}: {answer}");
    }
    harness.time("zen, compiled, context ready", || {
        next += 1;
        runtime.block_on(decision.evaluate(black_box(contexts[next % ASKED].clone()))).is_ok()
    });
    Ok(())
}

fn main() -> Result<()> {
    let mut harness = Harness::new(Pace::Careful);
    for count in [3_000, 10_000] {
        one(&mut harness, count)?;
    }
    let mut out = io::stdout().lock();
    for table in &harness.tables {
        writeln!(out, "{table}")?;
    }
    Ok(())
}
