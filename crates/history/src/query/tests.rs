// SPDX-License-Identifier: Apache-2.0
//! Queries against a model that goes row by row: random queries over random events, cut into parts and batches at random,
//! with one thread and with several.

mod model;
mod past;

use super::{Answer, Ask, Look, Part, QueryError, Role, run, wants};
use model::question;
use past::{Row, batch, bundle, row, schema};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use wardroom_event::{Micros, Sight, Span, Value};
use wardroom_policy::query::{Query, compile};

/// When it is, for every test.
pub(super) const NOW: Micros = Micros(1_790_000_000_000_000);
const SECRET: [u8; 16] = [9; 16];

#[track_caller]
fn compiled(text: &str) -> Query {
    let compiled = compile(&bundle(), text);
    let said = wardroom_report::render(&compiled.diagnostics, &compiled.sources, false);
    compiled.query.unwrap_or_else(|| panic!("{text}\n{said}"))
}

/// The rows as parts of batches of these sizes, again and again.
fn parts(rows: &[Row], sizes: &[usize]) -> Vec<Part> {
    let mut parts = Vec::new();
    let (mut rest, mut sizes) = (rows, sizes.iter().copied().cycle());
    while !rest.is_empty() {
        let mut batches = Vec::new();
        for _ in 0..2 {
            let (some, others) = rest.split_at(sizes.next().unwrap_or(1).clamp(1, rest.len()));
            batches.push(batch(some));
            rest = others;
            if rest.is_empty() {
                break;
            }
        }
        let rows = batches.iter().map(|b| b.num_rows() as u64).sum();
        parts.push(Part { rows, open: Box::new(move || Box::new(batches.into_iter().map(Ok))) });
    }
    parts
}

fn ask(threads: usize, limit: usize) -> Ask {
    Ask { threads, limit, ..Ask::new(NOW, SECRET) }
}

fn answer(query: &Query, ask: &Ask, rows: &[Row], sizes: &[usize]) -> Answer {
    run(query, ask, &schema(), |_| Ok(parts(rows, sizes))).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_those_of_the_model(
        question in question(),
        rows in prop::collection::vec(row(), 0..90),
        sizes in prop::collection::vec(1usize..40, 1..4),
        limit in prop_oneof![Just(1000usize), 1usize..12],
    ) {
        let rows: Vec<Row> = rows.into_iter().enumerate().map(|(n, row)| Row { seq: n as u64, ..row }).collect();
        let text = question.text();
        let query = compiled(&text);
        let expect = question.answer(&rows, limit);
        let one = answer(&query, &ask(1, limit), &rows, &[usize::MAX]);
        prop_assert_eq!(&one.rows, &expect.rows, "{}", text);
        prop_assert_eq!(one.truncated, expect.truncated, "{}", text);
        prop_assert_eq!(one.counts, expect.counts, "{}", text);
        let parallel = answer(&query, &ask(3, limit), &rows, &sizes);
        prop_assert_eq!(&parallel, &one, "{}", text);
    }
}

#[test]
fn columns_are_named_and_typed() {
    let query = compiled(
        "login by account, ip.net show count, sum(wait) as waited per \"1d\" against \"7d\" last \"1d\"",
    );
    let answer = answer(&query, &ask(1, 10), &[], &[1]);
    let columns: Vec<(&str, &str, Role)> =
        answer.columns.iter().map(|c| (&*c.field.name, c.field.kind.name(), c.role)).collect();
    assert_eq!(
        columns,
        [
            ("time", "time", Role::Step),
            ("account", "account", Role::Key),
            ("ip.net", "net", Role::Key),
            ("count", "int", Role::Sum),
            ("count before", "int", Role::Before),
            ("count change", "int", Role::Change),
            ("waited", "duration", Role::Sum),
            ("waited before", "duration", Role::Before),
            ("waited change", "duration", Role::Change),
        ]
    );
}

#[test]
fn what_is_wanted_of_the_past_is_said() {
    let query = compiled(
        "login where account == \"a\" and ok and failures == 3 show distinct(ip) last \"1d\" against \"7d\"",
    );
    let wants = wants(&query, &ask(1, 10), &schema());
    let names: Vec<&str> = wants[0].columns.iter().map(|c| &**c).collect();
    assert_eq!(names, ["account", "failures", "ip", "ok", "seq", "time"]);
    let text = |t: &str| Value::Text(t.into());
    assert_eq!(wants[0].equal, [("account".into(), text("a")), ("failures".into(), Value::Int(3))]);
    let day = |n: i64| Some(NOW.minus(Span::from_secs(n * 86_400)));
    assert_eq!((wants[0].from, wants[0].to), (day(1), day(0)));
    assert_eq!((wants[1].from, wants[1].to), (day(8), day(7)));
}

#[test]
fn bounds_hold_and_a_query_can_be_stopped() {
    let rows: Vec<Row> = (0..5000).map(|n| Row { n: Some(n as i64), seq: n, ..Row::default() }).collect();
    let of = |ask: &Ask, text: &str| run(&compiled(text), ask, &schema(), |_| Ok(parts(&rows, &[1000])));
    let small = Ask { memory: 20_000, ..ask(2, 10) };
    assert!(matches!(of(&small, "login by n"), Err(QueryError::Memory)));
    assert!(of(&small, "login by ok").is_ok());
    let stopped = ask(2, 10);
    stopped.stop.store(true, Relaxed);
    assert!(matches!(of(&stopped, "login by n"), Err(QueryError::Stopped)));
    let watched = ask(2, 10);
    let answer = of(&watched, "login by n top 7").unwrap();
    assert_eq!((answer.groups, answer.rows.len(), answer.truncated), (Some(5000), 7, false));
    assert_eq!([&watched.progress.rows, &watched.progress.of].map(|n| n.load(Relaxed)), [5000, 5000]);
}

/// What no policy served is computed from what was, and what nobody kept is said to be unknown.
#[test]
fn what_was_not_kept_is_said() {
    let rows = [Row { failures: Some(9), ..Row::default() }, Row::default()];
    let query = compiled("login where twice > 10 or never > 3 show count");
    let answer = answer(&query, &ask(1, 10), &rows, &[9]);
    assert_eq!(answer.rows, [[Value::Int(1)]]);
    assert_eq!(
        answer.notes,
        [
            "`twice` was never served: it is computed from what was",
            "no policy served `never` for these events: it is unknown everywhere",
        ]
    );
}

#[test]
fn an_answer_goes_to_arrow_as_it_may_be_seen() {
    let rows = [Row { account: Some("alice"), n: Some(2), ..Row::default() }, Row::default()];
    let answer = answer(&compiled("login by account, ip show count, sum(n) top 5"), &ask(1, 10), &rows, &[9]);
    let masked = Look { sight: Sight::Masked, secret: SECRET };
    let batch = masked.batch(&answer, 0..2).unwrap();
    assert_eq!((batch.num_rows(), batch.num_columns()), (2, 4));
    let text = format!("{batch:?}");
    assert!(!text.contains("alice") && text.contains("al…·"), "{text}");
    let full = Look { sight: Sight::Full, ..masked };
    assert!(format!("{:?}", full.batch(&answer, 0..2).unwrap()).contains("alice"));
    assert_eq!(full.schema(&answer).field(0).metadata()["wardroom.type"], "account");
    assert_eq!(Arc::clone(&full.schema(&answer)).fields().len(), 4);
}
