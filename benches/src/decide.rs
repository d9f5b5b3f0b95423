// SPDX-License-Identifier: Apache-2.0
//! Decision tables: a look-up beside a map written by hand. zen's tables over the same rows are timed by the program in
//! `benches/zen`, which stands outside the workspace for what it brings along.

use crate::harness::Harness;
use crate::people::typed;
use crate::policy::{active, flow};
use crate::rows::{ByHand, Line, asked, lines};
use crate::table::Table;
use anyhow::{Result, anyhow, ensure};
use serde_json::json;
use std::fmt::Write as _;
use std::hint::black_box;
use wardroom_event::{Event, Schema, Value};
use wardroom_policy::{Bundle, Row, Tri};

/// How many questions are asked in turn.
const ASKED: usize = 1024;

fn policy(lines: &[Line]) -> Bundle {
    let text = "\
event ask:
    kind: text
    asn:  int
    age:  int

table risk(kind: text, asn: int, age: int) -> number from \"risk.csv\"

feature found = risk(kind, asn, age)

rule high on ask:
    when    risk(kind, asn, age) >= 1.0
    then    block
    because \"risk\"

rule shown on ask:
    when    found >= 1.0
    then    block
    because \"risk\"
";
    let mut csv = "kind,asn,age,value\n".to_owned();
    for line in lines {
        let _ = writeln!(csv, "{},{},{} to {},{}", line.kind, line.asn, line.from, line.to, line.value);
    }
    let mut bundle = Bundle::single("ask.ward", text);
    bundle.add("risk.csv", csv);
    bundle
}

fn event(line: &Line, schema: &std::sync::Arc<Schema>) -> Result<Event> {
    let json = json!({"type": "ask", "id": "1", "kind": line.kind, "asn": line.asn, "age": line.from + 3});
    typed(&json.to_string(), schema).map_err(|f| anyhow!("{f}"))
}

pub(crate) fn run(harness: &mut Harness) -> Result<()> {
    for count in [100, 3_000, 10_000] {
        one(harness, count)?;
    }
    Ok(())
}

/// That the table says of each question what its row says.
fn check(lines: &[Line], questions: &[usize]) -> Result<()> {
    let mut flow = flow(policy(lines))?;
    let schema = flow.active().program.schema.clone();
    for number in questions.iter().take(200) {
        let line = &lines[*number];
        let served = flow.judge(&event(line, &schema)?).served;
        ensure!(served == [Value::Number(line.value)], "{line:?}: {served:?}");
    }
    Ok(())
}

fn one(harness: &mut Harness, count: usize) -> Result<()> {
    let lines = lines(count);
    let questions = asked(count, ASKED);
    check(&lines, &questions)?;
    let title = format!("A decision table of {count} rows: a text and a number to be equal, a range");
    harness.table(Table::new(title, "look-up").note("ours with the comparison of a rule's one term"));
    let by_hand = ByHand::new(&lines);
    let keys: Vec<((String, i64), i64)> =
        questions.iter().map(|n| ((lines[*n].kind.clone(), lines[*n].asn), lines[*n].from + 3)).collect();
    ensure!(
        keys.iter().zip(&questions).all(|((k, a), n)| by_hand.find(k, *a) == Some(lines[*n].value)),
        "by hand"
    );
    let mut next = 0;
    harness.time("by hand, a map and ranges", || {
        next += 1;
        let (key, age) = &keys[next % ASKED];
        by_hand.find(black_box(key), *age)
    });
    let active = active(policy(&lines))?;
    let events = questions
        .iter()
        .map(|n| event(&lines[*n], &active.program.schema))
        .collect::<Result<Vec<Event>>>()?;
    harness.time("wardroom", || {
        next += 1;
        let row = Row::new(black_box(&events[next % ASKED]), &[], &active);
        active.program.rules[0].holds(&row) == Tri::True
    });
    let bundle = policy(&lines);
    harness.time("wardroom, parse, check, compile the table", || {
        wardroom_policy::compile(black_box(&bundle)).program.is_some()
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Pace;

    #[test]
    fn it_runs_and_no_row_is_asked_for_twice_before_others_are_asked_once() {
        let mut harness = Harness::new(Pace::Quick);
        one(&mut harness, 100).unwrap();
        assert_eq!(harness.tables[0].rows.len(), 3);
        let mut all = asked(100, 100);
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }
}
