// SPDX-License-Identifier: Apache-2.0
//! Closing, dropping and killing at any point: what was acknowledged is there, in order, once, and what follows is what
//! would have followed.

use crate::support::{
    Data, OTHER, POLICY, Sent, bundle, content, decide, everything, line, login, replay, run, sent, seq_of,
    submit, wait_for, warm,
};
use proptest::prelude::*;
use std::collections::HashMap;
use std::time::Duration;
use wardroom_engine::{Durability, Engine, EngineError, Origin, Outcome, Work};
use wardroom_event::Event;
use wardroom_journal::JournalError;

/// A third policy: nothing but rules over fields, so that every counter goes.
const BARE: &str = r#"
event login:
    account: account
    ip: ip
    ok: bool
    device: device?

event signup:
    account: account
    ip: ip
    email: email?
    age: number?

rule wrong on login:
    when    not ok
    then    limit
    because "not ok"
"#;

const POLICIES: [&str; 3] = [POLICY, OTHER, BARE];

/// What happens to an engine.
#[derive(Clone, Debug)]
enum Op {
    /// These events, in one piece of work.
    Submit(Vec<Sent>, Work),
    /// Another policy.
    Swap(usize),
    /// Closed and opened.
    Close,
    /// Dropped without being closed, then opened.
    Drop,
    /// Killed with nothing under way.
    Kill,
    /// Killed while these events are under way; then they are sent again, as a sender does that got no answer.
    KillDuring(Vec<Sent>),
}

fn any_event() -> impl Strategy<Value = Sent> {
    let account = prop::sample::select(vec!["a", "b", "c", "d"]);
    let ip = prop::sample::select(vec![
        "192.0.2.1",
        "192.0.2.1",
        "192.0.2.77",
        "198.51.100.3",
        "2001:db8::1",
        "2001:db8:0:ffff::2",
    ]);
    let device = prop::sample::select(vec!["", r#","device":"x""#, r#","device":"y""#]);
    let signup = prop::sample::select(vec![
        "",
        r#","email":"a@one.example""#,
        r#","email":"b@two.example","age":-0.0"#,
        r#","age":0.1"#,
        r#","email":"c@x.example","age":1e300"#,
    ]);
    let ids = 0..400u32;
    (account, ip, device, signup, 0..3000i64, any::<[bool; 2]>(), ids, 0..40i64).prop_map(
        |(account, ip, device, signup, secs, [is_login, ok], id, late)| {
            let event = if is_login {
                sent("login", secs, &format!(r#""account":"{account}","ip":"{ip}","ok":{ok}{device}"#))
            } else {
                sent("signup", secs, &format!(r#""account":"{account}","ip":"{ip}"{signup}"#))
            };
            // Few ids, so that some are repeated; few of the events are late.
            event.id(id).received(secs + late * i64::from(late > 30))
        },
    )
}

fn any_op() -> impl Strategy<Value = Op> {
    let events = || prop::collection::vec(any_event(), 1..12);
    prop_oneof![
        12 => (events(), prop::bool::weighted(0.8))
            .prop_map(|(events, judge)| Op::Submit(events, if judge { Work::Decide } else { Work::Record })),
        2 => (0..POLICIES.len()).prop_map(Op::Swap),
        1 => Just(Op::Close),
        1 => Just(Op::Drop),
        1 => Just(Op::Kill),
        2 => events().prop_map(Op::KillDuring),
    ]
}

/// An engine under test, whatever became of the ones before.
struct Run {
    data: Data,
    engine: Engine,
    /// What was acknowledged, by identity: its number.
    acknowledged: HashMap<String, u64>,
    /// Whether it is interrupted, or only does the work: the run to compare with.
    interrupted: bool,
}

impl Run {
    fn new(durability: Durability, interrupted: bool) -> Run {
        let data = Data { durability, ..Data::new() };
        let engine = data.open(POLICY);
        Run { data, engine, acknowledged: HashMap::new(), interrupted }
    }

    fn act(&mut self, op: &Op) {
        match op {
            Op::Submit(events, work) => self.submit(events, *work),
            Op::Swap(policy) => {
                let policy = bundle(POLICIES[*policy]);
                run(self.engine.swap(policy, Origin::Api, crate::support::NOON)).unwrap();
                // When a feature is warm is a matter of luck, and the two runs are compared.
                warm(&self.engine);
            }
            Op::Close if self.interrupted => {
                run(self.engine.close());
                self.engine = self.data.reopen();
                self.check();
            }
            Op::Drop if self.interrupted => {
                self.reopen_after_drop();
                self.check();
            }
            Op::Kill if self.interrupted => {
                let killed = self.data.killed();
                self.go_on_in(killed);
            }
            Op::KillDuring(events) if self.interrupted => {
                let typed: Vec<Event> = events.iter().map(|e| e.on(&self.engine)).collect();
                let killed = run(async {
                    let under_way = self.engine.enqueue(typed, Work::Decide).await.unwrap();
                    let killed = self.data.killed();
                    drop(under_way);
                    killed
                });
                self.go_on_in(killed);
                self.submit(events, Work::Decide);
            }
            Op::KillDuring(events) => self.submit(events, Work::Decide),
            Op::Close | Op::Drop | Op::Kill => {}
        }
    }

    fn submit(&mut self, events: &[Sent], work: Work) {
        let typed = events.iter().map(|e| e.on(&self.engine)).collect();
        let outcomes = run(self.engine.submit(typed, work)).unwrap();
        assert_eq!(outcomes.len(), events.len());
        for (event, outcome) in events.iter().zip(&outcomes) {
            let seq = seq_of(outcome).unwrap_or_else(|| panic!("{outcome:?}"));
            let id = event.json();
            let id = id[id.find("\"id\"").unwrap()..].split(',').next().unwrap().to_owned();
            assert_eq!(*self.acknowledged.entry(id).or_insert(seq), seq, "one number for one event");
        }
    }

    /// The engine is forgotten, and its directory as it was at that moment is opened.
    fn go_on_in(&mut self, killed: Data) {
        let engine = killed.reopen();
        run(std::mem::replace(&mut self.engine, engine).close());
        self.data = killed;
        self.check();
    }

    fn reopen_after_drop(&mut self) {
        // The sequencer finishes what waits and lets go of the lock in its own time.
        let other = Data::new();
        drop(std::mem::replace(&mut self.engine, other.open(BARE)));
        wait_for("letting go of the lock", || match self.data.try_open(None) {
            Ok((engine, _)) => {
                self.engine = engine;
                true
            }
            Err(EngineError::Journal(JournalError::Locked { .. })) => false,
            Err(e) => panic!("{e}"),
        });
    }

    /// Everything acknowledged is there, once, and nothing is there twice.
    fn check(&self) {
        let there = everything(&self.engine);
        let mut by_id: HashMap<String, u64> = HashMap::new();
        for stored in &there {
            let id = format!("\"id\":\"{}\"", stored.id.id);
            assert_eq!(by_id.insert(id, stored.seq), None, "{:?} is there twice", stored.id);
        }
        for (id, seq) in &self.acknowledged {
            assert_eq!(by_id.get(id), Some(seq), "{id} was acknowledged");
        }
    }
}

fn any_interruption_changes_nothing(ops: &[Op], durability: Durability) {
    let mut whole = Run::new(durability, false);
    let mut broken = Run::new(durability, true);
    for op in ops {
        whole.act(op);
        broken.act(op);
    }
    broken.act(&Op::Close);
    let ids = |run: &Run| everything(&run.engine).iter().map(content).collect::<Vec<_>>();
    let (whole_said, broken_said) = (ids(&whole), ids(&broken));
    assert_eq!(whole_said, broken_said);
    replay(&broken.engine, &broken.data, &POLICIES);
    replay(&whole.engine, &whole.data, &POLICIES);
    run(whole.engine.close());
    run(broken.engine.close());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decisions_are_the_same_with_and_without_interruptions(ops in prop::collection::vec(any_op(), 1..40)) {
        any_interruption_changes_nothing(&ops, Durability::Sync);
    }

    /// Without a sync, what was answered survives the death of the process.
    #[test]
    fn with_interval_durability_too(ops in prop::collection::vec(any_op(), 1..25)) {
        any_interruption_changes_nothing(&ops, Durability::Interval(Duration::from_secs(3600)));
    }
}

/// One piece of work larger than a segment: it is committed in parts, and answered as a whole.
#[test]
fn work_that_spans_segments_is_taken_whole() {
    for durability in [Durability::Sync, Durability::Interval(Duration::from_secs(3600))] {
        let data = Data { durability, ..Data::new() };
        let engine = data.open(POLICY);
        for round in 0..5 {
            let events =
                (0..300).map(|i| login(format!("{round} {i}"), i, "a", "192.0.2.1", i % 3 > 0).on(&engine));
            let outcomes = run(engine.submit(events.collect(), Work::Decide)).unwrap();
            assert!(outcomes.iter().all(|o| matches!(o, Outcome::Decided { .. })), "{:?}", outcomes.last());
        }
        assert_eq!(engine.status().failed, None);
        let segments = std::fs::read_dir(data.journal()).unwrap().count();
        assert!(segments > 10, "{segments} files: the test is about borders");
        run(engine.close());
        let engine = data.reopen();
        assert_eq!(everything(&engine).len(), 1500);
    }
}

#[test]
fn a_restart_says_what_it_found() {
    let data = Data::new();
    let (engine, opened) = data.try_open(Some(POLICY)).unwrap();
    assert_eq!((opened.events, opened.adopted, opened.recovery.last_seq), (0, true, 0));
    for i in 0..10 {
        decide(&engine, &login(i, i, "a", "192.0.2.1", false));
    }
    let before = engine.status();
    run(engine.close());
    let (engine, opened) = data.try_open(Some(POLICY)).unwrap();
    assert_eq!((opened.events, opened.uncounted, opened.adopted), (10, 0, false));
    let after = engine.status();
    assert_eq!(after.seq, before.seq, "the newest number is known before anything new comes");
    assert_eq!((after.state_keys, after.state_bytes > 0), (before.state_keys, true));
    assert_eq!(engine.since(), vec![Some(crate::support::NOON); 6]);
}

#[test]
fn recorded_events_count_and_have_no_verdict() {
    let data = Data::new();
    let engine = data.open(POLICY);
    for i in 0..3 {
        let outcome = submit(&engine, &login(i, i, "a", "192.0.2.1", false), Work::Record);
        let Outcome::Recorded { seq } = outcome else { panic!("{outcome:?}") };
        assert_eq!(engine.decision(seq).unwrap().unwrap().judged, None);
    }
    assert_eq!(crate::support::verdicts(&engine), 0);
    run(engine.close());
    let engine = data.reopen();
    let stored = decide(&engine, &login("now", 5, "a", "192.0.2.1", false));
    assert_eq!(line(&stored), "block guessing:block unknown_device:limit");
}

#[test]
fn interval_answers_before_the_sync_and_syncs_in_time() {
    let unsynced = |data: &Data| {
        // Frames say how far behind them the last sync was: with nothing synced since, the lag grows.
        let mut reader = wardroom_journal::Reader::open(data.journal()).unwrap();
        let mut last = 0;
        while let Some(frame) = reader.next_frame().unwrap() {
            let at = frame.position;
            let bytes = std::fs::read(data.journal().join(format!("{:020}.wj", at.segment))).unwrap();
            let lag = at.offset as usize + 12;
            last = u32::from_le_bytes(bytes[lag..lag + 4].try_into().unwrap());
        }
        last
    };
    let never = Data { durability: Durability::Interval(Duration::from_secs(3600)), ..big() };
    let engine = never.open(POLICY);
    for i in 0..20 {
        decide(&engine, &login(i, i, "a", "192.0.2.1", true));
    }
    assert_eq!(unsynced(&never), 20, "nothing was synced since the policy");
    run(engine.close());
    let engine = never.reopen();
    decide(&engine, &login("after", 30, "a", "192.0.2.1", true));
    assert_eq!(unsynced(&never), 1, "closing and opening synced");

    let often = Data { durability: Durability::Interval(Duration::from_millis(5)), ..big() };
    let engine = often.open(POLICY);
    let mut id = 0;
    wait_for("a sync by the clock", || {
        decide(&engine, &login(id, id, "a", "192.0.2.1", true));
        id += 1;
        id > 1 && unsynced(&often) == 1
    });

    let sync = big();
    let engine = sync.open(POLICY);
    for i in 0..20 {
        decide(&engine, &login(i, i, "a", "192.0.2.1", true));
        assert_eq!(unsynced(&sync), 1, "each answer had its sync");
    }
}

/// One segment for all, so that no rotation syncs.
fn big() -> Data {
    Data { segment_bytes: 1 << 20, ..Data::new() }
}
