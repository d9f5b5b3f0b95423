// SPDX-License-Identifier: Apache-2.0
//! The column executor against the streams the oracle found good: every rule over every event, in columns, holds where the
//! rule judged online held; and what was computed online is computed again.

use crate::oracle::compare::{Stream, setting, stream};
use std::sync::Arc;
use wardroom_engine::{Active, Origin};
use wardroom_event::{Event, Value};
use wardroom_policy::{Bundle, Tri};
use wardroom_state::{Keyer, Secret};

/// How many streams are tried unless told otherwise, of which some make no sense.
const STREAMS: u64 = 250;

#[derive(Default)]
struct Shown {
    streams: usize,
    rows: usize,
    answers: [usize; 3],
}

#[test]
fn columns_say_what_was_said_online() {
    let mut shown = Shown::default();
    let (first, cases) = (setting("WARDROOM_SEED", 1), setting("WARDROOM_CASES", STREAMS));
    for seed in first..first + cases {
        if let Some(stream) = stream(seed) {
            same(seed, &stream, &mut shown);
        }
    }
    println!("{} streams, {} rows, {:?} answers", shown.streams, shown.rows, shown.answers);
    assert!(
        cases < STREAMS || shown.streams > 100 && shown.answers.iter().all(|n| *n > 500),
        "{:?}",
        shown.answers
    );
}

fn same(seed: u64, stream: &Stream, shown: &mut Shown) {
    let mut bundle = Bundle::new();
    stream.policy.iter().for_each(|(path, text)| bundle.add(*path, text.clone()));
    let (active, _) = Active::compile(bundle, Origin::Api, &Keyer::new(Secret([3; 16])), None).unwrap();
    let active = Arc::new(active);
    let program = &active.program;
    shown.streams += 1;
    for (kind, _) in program.schema.iter() {
        let own = |n: &usize| stream.events[*n].kind == kind;
        let numbers: Vec<usize> = (0..stream.events.len()).filter(own).collect();
        // The events were made under the schema of another compilation of the same policy.
        let event = |n: &usize| Event { schema: program.schema.clone(), ..stream.events[*n].clone() };
        let events: Vec<Event> = numbers.iter().map(event).collect();
        let served: Vec<Vec<Value>> = numbers.iter().map(|n| stream.served[*n].clone()).collect();
        let plan = program.columns(kind);
        let batch = plan.batch(&events, &served).unwrap();
        shown.rows += batch.num_rows();
        for rule in (0..program.rules.len()).filter(|n| program.rules[*n].on == kind) {
            let got = plan.rule(rule).unwrap().evaluate(&batch, &*active).unwrap();
            for (row, n) in numbers.iter().enumerate() {
                let (_, online) = stream.truths[*n].iter().find(|(number, _)| *number == rule).unwrap();
                assert_eq!(got.get(row), *online, "seed {seed}, rule {}, event {n}", program.rules[rule].id);
                shown.answers[match online {
                    Tri::False => 0,
                    Tri::True => 1,
                    Tri::Unknown => 2,
                }] += 1;
            }
        }
        let again = plan.rows(&plan.recompute(&batch, &*active).unwrap()).unwrap();
        for (row, before) in served.iter().enumerate() {
            // Debug tells 0.0 from -0.0, where `==` does not.
            let got = format!("{:?}", again.get(row).unwrap().served);
            assert_eq!(got, format!("{before:?}"), "seed {seed}, event {}", numbers[row]);
        }
    }
}
