// SPDX-License-Identifier: Apache-2.0
//! A rule over a million stored events: the column executor beside the online one row by row and a loop written by hand
//! for these very columns. One thread; a backtest uses as many as there are cores.

use crate::harness::{Harness, Pace, Timing};
use crate::policy::active;
use crate::table::Table;
use anyhow::{Context as _, Result, ensure};
use arrow_array::cast::AsArray;
use arrow_array::types::{DurationMicrosecondType, Float64Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use std::hint::black_box;
use std::time::Instant;
use wardroom_engine::Active;
use wardroom_event::{Event, EventId, Span, Value};
use wardroom_policy::{Bundle, Row, Tri};

/// Rows of one batch, and how many batches.
const BATCH: usize = 62_500;
const BATCHES: usize = 16;
/// How often all are gone through.
const ROUNDS: usize = 7;

const POLICY: &str = r#"
event login:
    account: account
    ip:      ip
    ok:      bool?
    tries:   int?
    form:    duration?
    score:   number?
    kind:    text?

feature seen = count(login, by=ip, last="1h")

rule numbers on login:
    when    tries >= 3 and score < 0.7 and form < "2s" and seen > 10 and ok == false
    then    block
    because "five that are cheap"

rule open on login:
    when    tries >= 0 and score < 2.0 and form < "1h" and seen >= 0 and ok is not missing
    then    block
    because "five that rule nothing out"

rule mixed on login:
    when    tries >= 3 and kind == "hosting" and ip in "10.0.0.0/8" and score * 2 + 1 > 1.5 and account.startswith("a1")
    then    block
    because "texts and addresses"
"#;

/// SplitMix64, bounded.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % most
    }

    /// The value, or missing once in so many times.
    fn mostly(&mut self, times: u64, value: Value) -> Value {
        if self.below(times) == 0 { Value::Missing } else { value }
    }
}

/// One event's values, in the order of the fields, and what is served for it.
fn values(dice: &mut Dice) -> (Box<[Value]>, Vec<Value>) {
    let ip = std::net::Ipv4Addr::from(0x0a00_0000 + dice.below(1 << 25) as u32);
    let kind = ["hosting", "mobile", "residential", "vpn", "education"][dice.below(5) as usize];
    let (ok, tries) = (dice.below(2) == 0, dice.below(9) as i64);
    let (form, score) = (dice.below(5_000_000) as i64, dice.below(1000) as f64 / 1000.0);
    let values = [
        Value::Text(format!("a{}", dice.below(100_000)).into()),
        Value::Ip(ip.into()),
        dice.mostly(50, Value::Bool(ok)),
        dice.mostly(20, Value::Int(tries)),
        dice.mostly(20, Value::Duration(Span(form))),
        dice.mostly(20, Value::Number(score)),
        dice.mostly(10, Value::Text(kind.into())),
    ];
    (values.into(), vec![Value::Int(dice.below(40) as i64)])
}

/// A batch's events and what is served for them.
fn events(active: &Active, dice: &mut Dice, rows: usize) -> Result<(Vec<Event>, Vec<Vec<Value>>)> {
    let schema = &active.program.schema;
    let kind = schema.id("login").context("the type")?;
    let event = |_| {
        let (values, served) = values(dice);
        let (id, time) = (EventId { source: "".into(), id: "".into() }, crate::people::BEGIN);
        (Event { schema: schema.clone(), kind, id, time, received: time, values }, served)
    };
    Ok((0..rows).map(event).unzip())
}

/// The first rule as one would write it for these columns: predicate after predicate, or all of them for every row, since
/// what rules a row out here is as good as random and a branch on it is guessed wrong.
fn by_hand(batch: &RecordBatch, branches: bool) -> Option<usize> {
    let tries = batch.column_by_name("tries")?.as_primitive_opt::<Int64Type>()?;
    let score = batch.column_by_name("score")?.as_primitive_opt::<Float64Type>()?;
    let form = batch.column_by_name("form")?.as_primitive_opt::<DurationMicrosecondType>()?;
    let seen = batch.column_by_name("seen")?.as_primitive_opt::<Int64Type>()?;
    let ok = batch.column_by_name("ok")?.as_boolean_opt()?;
    let (t, s, f, n) = (tries.values(), score.values(), form.values(), seen.values());
    let one_by_one = |row: &usize| {
        let row = *row;
        (tries.is_valid(row) && t[row] >= 3)
            && (score.is_valid(row) && s[row] < 0.7)
            && (form.is_valid(row) && f[row] < 2_000_000)
            && (seen.is_valid(row) && n[row] > 10)
            && (ok.is_valid(row) && !ok.value(row))
    };
    let all_at_once = |row: &usize| {
        let row = *row;
        let known = tries.is_valid(row) & score.is_valid(row) & form.is_valid(row) & seen.is_valid(row);
        let numbers = (t[row] >= 3) & (s[row] < 0.7) & (f[row] < 2_000_000) & (n[row] > 10);
        known & numbers & ok.is_valid(row) & !ok.value(row)
    };
    let rows = 0..batch.num_rows();
    Some(if branches { rows.filter(one_by_one).count() } else { rows.filter(all_at_once).count() })
}

pub(crate) fn run(harness: &mut Harness) -> Result<()> {
    let rows = if harness.pace == Pace::Quick { BATCH / 100 } else { BATCH };
    let active = active(Bundle::single("columns.ward", POLICY))?;
    let plan = active.program.columns(active.program.schema.id("login").context("the type")?);
    let mut dice = Dice(1);
    let mut batches = Vec::new();
    for _ in 0..BATCHES {
        let (events, served) = events(&active, &mut dice, rows)?;
        batches.push(plan.batch(&events, &served)?);
    }
    let title = format!("A rule of five predicates over {} stored events, one thread", rows * BATCHES);
    harness.table(
        Table::new(title, "row")
            .note("the online executor over one batch, held as events")
            .note(format!("batches of {rows} rows")),
    );
    let (events, served) = events(&active, &mut Dice(1), rows)?;
    for (number, rule) in active.program.rules.iter().enumerate() {
        let columns = plan.rule(number).context("a rule of this type")?;
        let first = columns.evaluate(&batches[0], &active)?.count_true();
        let holds = |(e, s): &(&Event, &Vec<Value>)| rule.holds(&Row::new(e, s, &active)) == Tri::True;
        ensure!(first == events.iter().zip(&served).filter(holds).count(), "both find the same");
        if number == 0 {
            for (branches, name) in [(true, "a branch each"), (false, "no branches")] {
                ensure!(by_hand(&batches[0], branches) == Some(first), "by hand");
                rounds(harness, &format!("numbers: by hand, {name}"), rows * BATCHES, || {
                    batches.iter().filter_map(|b| by_hand(b, branches)).sum()
                });
            }
        }
        rounds(harness, &format!("{}: wardroom, columns", rule.id), rows * BATCHES, || {
            batches.iter().filter_map(|b| columns.evaluate(b, &active).ok()).map(|t| t.count_true()).sum()
        });
        rounds(harness, &format!("{}: wardroom, row by row", rule.id), rows, || {
            events.iter().zip(&served).filter(holds).count()
        });
    }
    Ok(())
}

/// Times going through all rows, some times over.
fn rounds(harness: &mut Harness, name: &str, rows: usize, mut all: impl FnMut() -> usize) {
    let round = |_| {
        let began = Instant::now();
        black_box(all());
        began.elapsed().as_nanos() as f64 / rows as f64
    };
    // The first round is for the caches.
    let timing = Timing::of((0..=ROUNDS).map(round).skip(1).collect());
    harness.row(name, timing);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_and_each_rule_finds_some_and_not_all() {
        let mut harness = Harness::new(Pace::Quick);
        run(&mut harness).unwrap();
        assert_eq!(harness.tables[0].rows.len(), 8);
        let active = active(Bundle::single("columns.ward", POLICY)).unwrap();
        let (events, served) = events(&active, &mut Dice(1), 5000).unwrap();
        for rule in &active.program.rules {
            let rows = events.iter().zip(&served);
            let found = rows.filter(|(e, s)| rule.holds(&Row::new(e, s, &active)) == Tri::True).count();
            assert!((1..5000).contains(&found), "{}: {found}", rule.id);
        }
    }
}
