// SPDX-License-Identifier: Apache-2.0
//! Events that trip a guard, and a sequencer that trips itself: what is answered, and what a restart finds.

use crate::active::tests::TRIPS as TRIPPING_TIME;
use crate::{Config, Durability, Engine, EngineError, Origin, Outcome, SubmitError, SwapError, Work};
use std::time::Duration;
use wardroom_event::{Event, Micros, Value};
use wardroom_policy::{Bundle, Verdict};

/// The id of an event on which the sequencer itself trips.
pub(super) const TRIPS: &str = "trips the sequencer";

const POLICY: &str = r#"
event hit:
    ip: ip

list bad: net = ["192.0.2.0/24"]
feature hits = count(hit, by=ip, last="1h")

rule listed on hit:
    when    ip in bad
    then    block
    because "{ip} after {hits} hits"
"#;

fn open(config: &Config) -> Result<Engine, EngineError> {
    Engine::open(config, Some(Bundle::single("a.ward", POLICY)), Micros(0)).map(|(engine, _)| engine)
}

fn event(engine: &Engine, id: &str, time: Micros) -> Event {
    let json = format!(r#"{{"type":"hit","id":"{id}","time":"{time}","ip":"192.0.2.7"}}"#);
    engine.intake(json.as_bytes(), time).unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn submit(engine: &Engine, event: Event) -> Result<Outcome, SubmitError> {
    run(engine.submit(vec![event], Work::Decide)).map(|mut outcomes| outcomes.remove(0))
}

fn served(engine: &Engine, seq: u64) -> Vec<Value> {
    let judged = engine.decision(seq).unwrap().unwrap().judged.unwrap();
    judged.served.into_iter().map(|(_, _, value)| value).collect()
}

#[test]
fn an_event_that_trips_a_guard_is_let_through_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { segment_bytes: 4096, ..Config::new(dir.path().join("data")) };
    let engine = open(&config).unwrap();
    let before = submit(&engine, event(&engine, "1", Micros(10))).unwrap();
    assert!(matches!(before, Outcome::Decided { verdict: Verdict::Block, fault: false, .. }));
    let tripped = submit(&engine, event(&engine, "2", TRIPPING_TIME)).unwrap();
    let Outcome::Decided { seq, verdict: Verdict::Allow, fault: true, signals, .. } = tripped else {
        panic!("{tripped:?}");
    };
    assert_eq!(signals, []);
    let stored = engine.decision(seq).unwrap().unwrap();
    assert_eq!(engine.active().standings(&stored), None, "asked again, it would trip again");
    assert!(stored.judged.unwrap().fault);
    assert_eq!((engine.status().faults, engine.status().failed), (1, None));
    let after = submit(&engine, event(&engine, "3", Micros(20))).unwrap();
    let Outcome::Decided { seq, verdict: Verdict::Block, fault: false, .. } = after else {
        panic!("{after:?}");
    };
    // It was not counted, since that tripped as well.
    assert_eq!(served(&engine, seq), [Value::Int(1)]);
    run(engine.close());
    // And a restart, which trips again, counts the same.
    let engine = open(&config).unwrap();
    let Ok(Outcome::Decided { seq, .. }) = submit(&engine, event(&engine, "4", Micros(30))) else {
        panic!("it goes on");
    };
    assert_eq!(served(&engine, seq), [Value::Int(2)]);
}

#[test]
fn a_sequencer_that_trips_says_so_and_answers_nothing_it_does_not_know() {
    for durability in [Durability::Sync, Durability::Interval(Duration::from_millis(1))] {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { durability, segment_bytes: 4096, ..Config::new(dir.path().join("data")) };
        let engine = open(&config).unwrap();
        let Ok(Outcome::Decided { seq, .. }) = submit(&engine, event(&engine, "1", Micros(10))) else {
            panic!("it is sound");
        };
        let events = vec![event(&engine, "2", Micros(11)), event(&engine, TRIPS, Micros(12))];
        assert!(run(engine.submit(events, Work::Decide)).is_err());
        // The thread may still be unwinding.
        for _ in 0..500 {
            if engine.status().failed.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(engine.status().failed.unwrap().contains("fault of our own"));
        let failed = |e: &SubmitError| matches!(e, SubmitError::Failed(_));
        assert!(submit(&engine, event(&engine, "3", Micros(14))).is_err_and(|e| failed(&e)));
        assert!(run(engine.find(event(&engine, "1", Micros(10)).id)).is_err_and(|e| failed(&e)));
        let swapped = run(engine.swap(Bundle::single("b.ward", POLICY), Origin::Api, Micros(0))).map(drop);
        assert!(matches!(swapped, Err(SwapError::Submit(SubmitError::Failed(_)))), "{swapped:?}");
        assert!(engine.decision(seq).unwrap().is_some(), "what was acknowledged can be read");
        run(engine.close());
        let engine = open(&config).unwrap();
        assert_eq!(submit(&engine, event(&engine, "1", Micros(10))), Ok(Outcome::Repeated { seq }));
        let Ok(Outcome::Decided { seq, .. }) = submit(&engine, event(&engine, "2", Micros(11))) else {
            panic!("what was not acknowledged was not recorded");
        };
        assert_eq!(served(&engine, seq), [Value::Int(1)]);
    }
}
