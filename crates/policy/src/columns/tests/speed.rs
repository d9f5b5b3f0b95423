// SPDX-License-Identifier: Apache-2.0
//! How fast it is: `cargo test --release -p wardroom-policy --lib -- --ignored columns --nocapture`.

use super::generate::{Dice, Odd};
use super::program_of;
use crate::{Row, Tri};
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use wardroom_event::{Event, EventId, Micros, Value};

const ROWS: usize = 1_000_000;

const POLICY: &str = r#"
event login:
    account: account
    ip: ip
    ok: bool?
    tries: int?
    form: duration?
    score: number?
    kind: text?

feature seen = count(login, by=ip, last="1h")

rule cheap on login:
    when    tries >= 3 and score < 0.7 and form < "2s" and seen > 10 and ok == false
    then    block
    because "five that are cheap"

rule cheap_open on login:
    when    tries >= 0 and score < 2.0 and form < "1h" and seen > 0 and ok is not missing
    then    block
    because "five that rule nothing out"

rule mixed on login:
    when    tries >= 3 and kind == "hosting" and ip in "10.0.0.0/8" and score * 2 + 1 > 1.5 and account.startswith("a1")
    then    block
    because "texts and addresses"

rule text on login:
    when    kind == "hosting"
    then    block
    because "a text"

rule dear on login:
    when    account.lower().endswith("7") and ip.net in "10.1.0.0/16"
    then    block
    because "row by row"
"#;

fn row(dice: &mut Dice) -> (Vec<Value>, Vec<Value>) {
    let some = |there: bool, value: Value| if there { value } else { Value::Missing };
    let ip = std::net::Ipv4Addr::from(0x0a00_0000 + dice.below(1 << 25) as u32);
    let kind = ["hosting", "mobile", "residential", "vpn", "education"][dice.below(5)];
    let mut there = |n: usize| dice.below(n) > 0;
    let there = [there(50), there(20), there(20), there(20), there(10)];
    let values = vec![
        Value::Text(format!("a{}", dice.below(100_000)).into()),
        Value::Ip(ip.into()),
        some(there[0], Value::Bool(dice.below(2) == 0)),
        some(there[1], Value::Int(dice.below(9) as i64)),
        some(there[2], Value::Duration(wardroom_event::Span(dice.below(5_000_000) as i64))),
        some(there[3], Value::Number(dice.below(1000) as f64 / 1000.0)),
        some(there[4], Value::Text(kind.into())),
    ];
    (values, vec![Value::Int(dice.below(40) as i64)])
}

/// The first rule as one would write it by hand for these very columns.
fn by_hand(batch: &RecordBatch) -> usize {
    let tries = batch.column_by_name("tries").unwrap().as_primitive::<Int64Type>();
    let score = batch.column_by_name("score").unwrap().as_primitive::<Float64Type>();
    let form = batch.column_by_name("form").unwrap();
    let form = form.as_primitive::<arrow_array::types::DurationMicrosecondType>();
    let seen = batch.column_by_name("seen").unwrap().as_primitive::<Int64Type>();
    let ok = batch.column_by_name("ok").unwrap().as_boolean();
    use arrow_array::Array;
    (0..batch.num_rows())
        .filter(|i| {
            tries.is_valid(*i)
                && tries.value(*i) >= 3
                && score.is_valid(*i)
                && score.value(*i) < 0.7
                && form.is_valid(*i)
                && form.value(*i) < 2_000_000
                && seen.is_valid(*i)
                && seen.value(*i) > 10
                && ok.is_valid(*i)
                && !ok.value(*i)
        })
        .count()
}

/// The best of some runs, in nanoseconds a row.
#[allow(clippy::disallowed_methods, reason = "a measurement")]
fn nanos(mut run: impl FnMut() -> usize) -> (f64, usize) {
    let mut best = f64::MAX;
    let mut found = 0;
    for _ in 0..9 {
        let start = Instant::now();
        found = black_box(run());
        best = best.min(start.elapsed().as_nanos() as f64 / ROWS as f64);
    }
    (best, found)
}

#[test]
#[ignore = "a measurement, for a release build"]
fn columns_are_fast() {
    let program = program_of(&[("main.ward", POLICY)]).unwrap();
    let kind = program.schema.id("login").unwrap();
    let (mut dice, mut events, mut served) = (Dice(1), Vec::new(), Vec::new());
    for _ in 0..ROWS {
        let (values, serve) = row(&mut dice);
        let id = EventId { source: "".into(), id: "".into() };
        let time = Micros(1_767_600_000_000_000);
        let schema = program.schema.clone();
        events.push(Event { schema, kind, id, time, received: time, values: values.into() });
        served.push(serve);
    }
    let plan = program.columns(kind);
    let batch = plan.batch(&events, &served).unwrap();
    let kinds = super::dictionary::<Int32Type>(batch.column_by_name("kind").unwrap().as_string());
    let fields = batch
        .schema()
        .fields()
        .iter()
        .map(|f| {
            let f = f.as_ref().clone();
            if f.name() == "kind" { f.with_data_type(kinds.data_type().clone()) } else { f }
        })
        .collect::<Vec<_>>();
    let columns = batch
        .columns()
        .iter()
        .zip(&fields)
        .map(|(c, f)| if f.name() == "kind" { kinds.clone() } else { c.clone() });
    let coded =
        RecordBatch::try_new(Arc::new(arrow_schema::Schema::new(fields.clone())), columns.collect()).unwrap();
    for (number, rule) in program.rules.iter().enumerate() {
        let over = plan.rule(number).unwrap();
        let plain = nanos(|| over.evaluate(&batch, &Odd).unwrap().count_true());
        let coded = nanos(|| over.evaluate(&coded, &Odd).unwrap().count_true());
        let online = nanos(|| {
            let rows = events.iter().zip(&served);
            rows.filter(|(e, s)| rule.holds(&Row::new(e, s, &Odd)) == Tri::True).count()
        });
        assert_eq!((plain.1, coded.1), (online.1, online.1));
        println!(
            "{:12} columns {:6.2} ns a row, with a dictionary {:6.2}, row by row {:6.2}; {} hits",
            rule.id, plain.0, coded.0, online.0, plain.1
        );
    }
    let hand = nanos(|| by_hand(&batch));
    println!("cheap by hand {:6.2} ns a row; {} hits", hand.0, hand.1);
}
