// SPDX-License-Identifier: Apache-2.0
//! Events that no reader makes, and events as large as one can be: refused or recorded, and the engine goes on.

use crate::support::{Data, NOON, POLICY, decide, everything, login, run};
use wardroom_engine::{Engine, Outcome, SubmitError, Work, limits};
use wardroom_event::{Draft, Event, Raw, TypeId, Value};

const WIDE: usize = 128;

/// An event type of as many texts as one may have.
fn wide() -> String {
    let mut policy = "event wide:\n".to_owned();
    (0..WIDE).for_each(|i| policy += &format!("    f{i}: text?\n"));
    policy + "\nrule any on wide:\n    when f0 is not missing\n    then limit\n    because \"{f0}\"\n"
}

/// A draft such as a log reader makes, which no limit on a body binds.
fn draft(fields: usize, bytes: usize) -> Draft<'static> {
    let field = |i: usize| (format!("f{i}").into(), Raw::Text("x".repeat(bytes).into()));
    let fields = (0..fields).map(field).collect();
    Draft { kind: "wide".into(), source: None, id: None, time: None, fields, prefix: "" }
}

#[test]
fn an_event_larger_than_a_record_is_refused_before_it_is_one() {
    let data = Data::new();
    let engine = data.open(&wide());
    let check = |fields: usize, bytes: usize, fits: bool| {
        let read = engine.intake_draft(draft(fields, bytes), NOON);
        match read {
            Ok(event) => {
                assert!(fits, "{fields} fields of {bytes} bytes");
                let outcome = run(engine.submit(vec![event], Work::Decide)).unwrap().remove(0);
                assert!(matches!(outcome, Outcome::Decided { .. }), "{outcome:?}");
            }
            Err(faults) => {
                assert!(!fits, "{faults}");
                assert_eq!((faults.list()[0].code, &*faults.list()[0].pointer), ("too_large", ""));
            }
        }
    };
    check(1, 8000, true);
    check(32, 8000, true);
    check(33, 8000, false);
    check(WIDE, 8192, false);
    run(engine.close());
    assert_eq!(everything(&data.reopen()).len(), 2);
}

fn refused(engine: &Engine, event: Event) {
    for work in [Work::Decide, Work::Record] {
        let outcome = run(engine.submit(vec![event.clone()], work)).unwrap().remove(0);
        assert!(matches!(outcome, Outcome::Refused(SubmitError::Failed(_))), "{outcome:?}");
        assert_eq!(engine.status().failed, None, "it is the event's fault, and the engine goes on");
    }
}

/// Written down, such an event could never be read again, and no restart would get past it.
#[test]
fn an_event_that_is_not_what_its_type_says_is_refused() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let sound = login(1, 1, "a", "192.0.2.1", false).on(&engine);
    let seq = engine.status().seq;
    refused(&engine, Event { kind: TypeId(99), ..sound.clone() });
    refused(&engine, Event { values: Box::default(), ..sound.clone() });
    let mut values = sound.values.to_vec();
    values.push(Value::Missing);
    refused(&engine, Event { values: values.into(), ..sound.clone() });
    let mut listed = sound.clone();
    listed.values[0] = Value::List([sound.values[0].clone()].into());
    refused(&engine, listed);
    // The same under a schema of its own, which is not the one in force.
    let schema = std::sync::Arc::new((*sound.schema).clone());
    refused(&engine, Event { schema: schema.clone(), kind: TypeId(99), ..sound.clone() });
    refused(&engine, Event { schema, values: Box::default(), ..sound });
    assert_eq!(engine.status().seq, seq);
    let stored = decide(&engine, &login(1, 1, "a", "192.0.2.1", false));
    run(engine.close());
    assert_eq!(everything(&data.reopen()), [stored]);
}

#[test]
fn an_event_larger_than_the_journal_takes_is_refused_and_not_counted() {
    let data = Data::new();
    let engine = data.open(POLICY);
    let mut large = login(1, 1, "a", "192.0.2.1", false).on(&engine);
    large.values[0] = Value::Text("x".repeat(limits::RECORD_BYTES).into());
    refused(&engine, large);
    let stored = decide(&engine, &login(2, 2, "a", "192.0.2.1", false));
    let served = stored.judged.unwrap().served;
    assert!(served.iter().all(|(_, _, value)| matches!(value, Value::Missing | Value::Int(0))), "{served:?}");
    // One that fits, just, is taken, though intake would not have made it.
    let mut large = login(3, 3, "a", "192.0.2.1", false).on(&engine);
    large.values[0] = Value::Text("x".repeat(limits::RECORD_BYTES - 1000).into());
    let outcome = run(engine.submit(vec![large], Work::Record)).unwrap().remove(0);
    assert!(matches!(outcome, Outcome::Recorded { .. }), "{outcome:?}");
    run(engine.close());
    assert_eq!(everything(&data.reopen()).len(), 2);
}
