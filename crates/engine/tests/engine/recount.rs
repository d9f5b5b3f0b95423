// SPDX-License-Identifier: Apache-2.0
//! The past counted anew is the past: over random policies that follow each other, random traffic with late events, warming
//! and restarts, whatever was served and judged under a policy is served and judged again, to the bit.

use crate::oracle::compare::{Stream, setting, stream};
use crate::support::{Data, NOON, everything, open, run};
use std::collections::BTreeMap;
use std::sync::Arc;
use wardroom_engine::{
    Active, Asked, Engine, Origin, Recount, RecountError, Recounted, Stored, Take, Watch, Work, judge,
    past_policies, recount,
};
use wardroom_event::{Event, EventId, Micros, Value};
use wardroom_journal::{Keyring, Reader};
use wardroom_policy::{Bundle, Row, Source};
use wardroom_state::Keyer;

/// How many lives are tried unless told otherwise.
const LIVES: u64 = 16;

fn bundle(stream: &Stream) -> Bundle {
    let mut bundle = Bundle::new();
    stream.policy.iter().for_each(|(path, text)| bundle.add(*path, text.clone()));
    bundle
}

/// Some streams that make sense, from a seed on.
fn streams(seed: u64) -> Vec<Stream> {
    (seed * 1000..).filter_map(stream).take(2).collect()
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// Policies come and go while events come, some only to be recorded; now and then the engine is opened again.
fn live(seed: u64, data: &Data, streams: &[Stream]) {
    let mut chance = Chance(seed);
    let (mut engine, _) = open(&data.config(), Some(bundle(&streams[0]))).unwrap();
    let mut at = vec![0; streams.len()];
    for turn in 0..6 {
        // Twice in a row the same, now and then: then nothing is new.
        let which = chance.below(streams.len() as u64) as usize;
        engine.pause_warming(chance.below(3) > 0);
        let swapped = engine.swap(bundle(&streams[which]), Origin::Api, Micros(NOON.0 + turn));
        run(swapped).unwrap();
        for _ in 0..chance.below(30) {
            let stream = &streams[which];
            let Some(event) = stream.events.get(at[which]) else { break };
            let id = EventId { source: format!("{which}").into(), id: format!("{}", at[which]).into() };
            at[which] += 1;
            let work = if chance.below(8) == 0 { Work::Record } else { Work::Decide };
            run(engine.submit(vec![Event { id, ..event.clone() }], work)).unwrap();
            if chance.below(12) == 0 {
                engine.pause_warming(false);
            }
        }
        if chance.below(3) == 0 {
            run(engine.close());
            drop(engine);
            engine = data.reopen();
        }
    }
    run(engine.close());
}

/// All that was recorded, read back.
fn stored(data: &Data) -> Vec<Stored> {
    let engine: Engine = data.reopen();
    let all = everything(&engine);
    run(engine.close());
    all
}

fn again(
    data: &Data,
    active: &Arc<Active>,
    threads: usize,
    take: impl Fn(usize, &Source) -> Take,
) -> (Vec<Asked>, Recounted) {
    let takes = active.program.schema.iter().map(|(kind, _)| {
        let serve = active.program.plan(kind).serve.iter().enumerate();
        Some(serve.map(|(place, one)| take(place, &one.source)).collect())
    });
    let asks = Recount {
        active: active.clone(),
        takes: takes.collect(),
        from: Micros(i64::MIN),
        to: Micros(i64::MAX),
        recorded: false,
        as_served: true,
        through: u64::MAX,
        threads,
        most_bytes: usize::MAX,
    };
    let reader = Reader::open(data.journal()).unwrap();
    let mut all = Vec::new();
    let done =
        recount(&asks, data.secret(), reader, &Watch::default(), <[Asked]>::to_vec, |some| all.extend(some));
    (all, done.unwrap())
}

/// What was made under the policy says the same again; gives how many decisions that were.
fn same(active: &Active, asked: &[Asked], there: &BTreeMap<u64, &Stored>, what: &str) -> usize {
    let mut compared = 0;
    for one in asked {
        let stored = there[&one.seq];
        if *stored.policy != *active.program.version.0 {
            continue;
        }
        compared += 1;
        let judged = stored.judged.as_ref().unwrap();
        let was: Vec<&Value> = judged.served.iter().map(|(_, _, value)| value).collect();
        let names: Vec<_> = judged.served.iter().map(|(id, ..)| &**id).collect();
        // Debug tells 0.0 from -0.0, where `==` does not.
        assert_eq!(format!("{:?}", one.served), format!("{was:?}"), "{what}, record {}, {names:?}", one.seq);
        assert!(!one.tripped);
        let row = Row::new(&one.event, &one.served, active);
        let judgement = judge(&active.program, active.program.plan(one.event.kind), &row, None);
        assert_eq!((judgement.verdict, judgement.skipped), (judged.verdict, judged.skipped));
        let signals = judgement.signals.into_iter().map(|s| {
            let rule = active.program.rules[s.rule].id.clone();
            s.named(&rule)
        });
        assert_eq!(format!("{:?}", signals.collect::<Vec<_>>()), format!("{:?}", judged.signals), "{what}");
    }
    compared
}

#[test]
fn what_was_decided_is_decided_again() {
    let (first, lives) = (setting("WARDROOM_SEED", 1), setting("WARDROOM_CASES", LIVES));
    let (mut compared, mut missing, mut policies) = (0, 0, 0);
    for seed in first..first + lives {
        let streams = streams(seed);
        let data = Data::new();
        live(seed, &data, &streams);
        let all = stored(&data);
        let there: BTreeMap<u64, &Stored> = all.iter().map(|stored| (stored.seq, stored)).collect();
        let past = past_policies(&data.journal(), &Keyring::default()).unwrap();
        policies += past.len();
        let keyer = Keyer::new(data.secret());
        for stream in &streams {
            let (active, _) = Active::compile(bundle(stream), Origin::Api, &keyer, None).unwrap();
            let active = Arc::new(active);
            let anew = |_: usize, _: &Source| Take::Anew;
            let (one, done) = again(&data, &active, 1, anew);
            assert_eq!(done.unreadable, Vec::<Box<str>>::new());
            assert_eq!(done.counted, all.len() as u64, "seed {seed}");
            compared += same(&active, &one, &there, &format!("seed {seed}, one thread"));
            let (three, _) = again(&data, &active, 3, anew);
            assert_eq!(format!("{three:?}"), format!("{one:?}"), "seed {seed}: threads do not show");
            let some = |place: usize, source: &Source| match source {
                Source::Computed(_) => Take::Anew,
                _ if (place as u64 + seed).is_multiple_of(2) => Take::Stored,
                _ => Take::Anew,
            };
            let (mixed, _) = again(&data, &active, 2, some);
            same(&active, &mixed, &there, &format!("seed {seed}, some as stored"));
            let served = one.iter().flat_map(|one| &one.served);
            missing += served.filter(|value| value.is_missing()).count();
        }
    }
    println!("{compared} decisions again, {policies} policies, {missing} values missing");
    assert!(
        lives < LIVES || compared > 500 && policies > 30 && missing > 500,
        "{compared} {policies} {missing}"
    );
}

#[test]
fn it_stops_and_keeps_to_its_memory() {
    let stream = (1..).find_map(stream).unwrap();
    let data = Data::new();
    let (engine, _) = open(&data.config(), Some(bundle(&stream))).unwrap();
    run(engine.submit(stream.events.clone(), Work::Decide)).unwrap();
    run(engine.close());
    let (active, _) =
        Active::compile(bundle(&stream), Origin::Api, &Keyer::new(data.secret()), None).unwrap();
    let takes = |_: &(_, _)| Take::Anew;
    let takes =
        active.program.schema.iter().map(|(kind, _)| {
            Some(active.program.plan(kind).serve.iter().map(|s| takes(&(kind, s))).collect())
        });
    let takes = takes.collect();
    let mut asks = Recount {
        active: active.into(),
        takes,
        from: Micros(i64::MIN),
        to: Micros(i64::MAX),
        recorded: true,
        as_served: true,
        through: u64::MAX,
        threads: 2,
        most_bytes: 1,
    };
    let go = |asks: &Recount, watch: &Watch| {
        let reader = Reader::open(data.journal()).unwrap();
        recount(asks, data.secret(), reader, watch, <[Asked]>::len, |_| {})
    };
    assert!(matches!(go(&asks, &Watch::default()), Err(RecountError::Memory { most: 1 })));
    asks.most_bytes = usize::MAX;
    let done = go(&asks, &Watch::default()).unwrap();
    assert_eq!(done.asked, stream.events.len() as u64);
    let watch = Watch::default();
    watch.stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(go(&asks, &watch), Err(RecountError::Stopped)));
    // Of the period only what happened in it.
    let middle = stream.events[stream.events.len() / 2].time;
    asks.from = middle;
    let after = stream.events.iter().filter(|e| e.time >= middle).count() as u64;
    assert_eq!(go(&asks, &Watch::default()).unwrap().asked, after);
}
