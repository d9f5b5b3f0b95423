// SPDX-License-Identifier: Apache-2.0
//! Streams by their seeds: the engine says what brute force says, a stream is the same whenever it is drawn, and what holds of
//! canaries.

use crate::oracle::compare::{Run, SECRET, Shown, drawn, report, run, setting, stream};
use crate::oracle::world::*;
use wardroom_engine::{Active, Flow, Origin};
use wardroom_event::{Event, EventId, Micros, Value};
use wardroom_policy::{Aggregate, Bundle};
use wardroom_state::Keyer;

/// How many streams are tried unless told otherwise.
const CASES: u64 = 800;

#[test]
fn the_engine_says_what_brute_force_says() {
    let (first, cases) = (setting("WARDROOM_SEED", 1), setting("WARDROOM_CASES", CASES));
    let (mut clean, mut senseless) = (0, 0);
    let mut shown = Shown::new();
    for seed in first..first + cases {
        let case = drawn(seed);
        match run(&case) {
            Run::Senseless => senseless += 1,
            Run::Same(more) => {
                clean += 1;
                more.into_iter().for_each(|(name, n)| *shown.entry(name).or_default() += n);
            }
            Run::Differs(_) => panic!("{}", report(seed, case)),
        }
    }
    println!("{clean} streams, {senseless} policies without sense\n{shown:#?}");
    assert!(senseless * 2 < clean || cases < 50, "{senseless} policies make no sense, {clean} do");
    if cases >= 200 {
        said_enough(&shown);
    }
}

/// Everything was seen both to be known and to be missing, and every answer and effect came up.
fn said_enough(shown: &Shown) {
    let sorts = ["label", "list", "c", "e", "s"];
    let never_missing = ["count", "distinct", "seen", "rate", "sequence"];
    for sort in Aggregate::NAMES.into_iter().chain(sorts) {
        assert!(shown.get(&format!("{sort} true")).is_some_and(|n| *n > 20), "{sort} known\n{shown:#?}");
        if !never_missing.contains(&sort) {
            assert!(
                shown.get(&format!("{sort} false")).is_some_and(|n| *n > 20),
                "{sort} missing\n{shown:#?}"
            );
        }
    }
    let others = ["rule true", "rule false", "rule unknown", "left out", "canary true", "canary false"];
    let verdicts = VERDICTS.map(|v| format!("verdict {v}"));
    let effects = ["label", "list", "case", "notify", "webhook"];
    let names = others.into_iter().chain(effects).map(str::to_owned).chain(verdicts);
    for name in names {
        assert!(shown.get(&name).is_some_and(|n| *n > 20), "{name}\n{shown:#?}");
    }
}

#[test]
fn a_stream_is_the_same_whenever_it_is_drawn() {
    let one = (1..50).find_map(|seed| Some((seed, stream(seed)?)));
    let (seed, first) = one.unwrap();
    let second = stream(seed).unwrap();
    assert_eq!(first.policy, second.policy);
    assert_eq!(first.events, second.events);
    // Debug tells 0.0 from -0.0, where `==` does not.
    assert_eq!(format!("{:?}", first.served), format!("{:?}", second.served));
    assert_eq!(first.truths, second.truths);
    assert!(first.served.iter().zip(&first.truths).all(|(served, _)| served.len() < 1000));
}

/// A canary's side hangs on the rule and the entity and on nothing else; its share is what it says; and another rule draws
/// others.
#[test]
fn a_canary_is_sticky_by_entity_and_of_its_share() {
    let rule = |name: &str, percent: u32| {
        format!(
            "rule {name} on login:\n    when n > 0\n    then limit\n    because \"\"\n    mode canary {percent}% by account\n\n"
        )
    };
    let text = format!(
        "event login:\n    account: account\n    n: int\n\n{}{}{}",
        rule("a", 10),
        rule("b", 50),
        rule("c", 50)
    );
    let bundle = Bundle::single("policy.ward", &text);
    let (active, _) = Active::compile(bundle, Origin::Api, &Keyer::new(SECRET), None).unwrap();
    let mut flow = Flow::new(SECRET, active.into());
    let schema = flow.active().program.schema.clone();
    let kind = schema.id("login").unwrap();
    let mut sides = |entity: usize, n: i64| {
        let values = [Value::Text(format!("account {entity}").into()), Value::Int(n)];
        let id = EventId { source: "".into(), id: format!("{entity} {n}").into() };
        let (time, received) = (Micros(n), Micros(n));
        let event = Event { schema: schema.clone(), kind, id, time, received, values: values.into() };
        let signals = flow.judge(&event).judgement.signals;
        let mut sides = [false; 3];
        signals.iter().for_each(|s| sides[s.rule] = s.decides);
        assert_eq!(signals.len(), 3);
        sides
    };
    let first: Vec<[bool; 3]> = (0..10_000).map(|entity| sides(entity, 1)).collect();
    for (entity, before) in first.iter().enumerate().step_by(7) {
        assert_eq!(sides(entity, 2 + entity as i64), *before, "entity {entity}");
    }
    let share = |of: &dyn Fn(&[bool; 3]) -> bool| first.iter().filter(|s| of(s)).count();
    // Six standard deviations of a draw of 10,000.
    let near = |got: usize, p: f64| (got as f64 - 10_000.0 * p).abs() < 600.0 * (p * (1.0 - p)).sqrt();
    assert!(near(share(&|s| s[0]), 0.1), "{}", share(&|s| s[0]));
    assert!(near(share(&|s| s[1]), 0.5) && near(share(&|s| s[2]), 0.5));
    assert!(near(share(&|s| s[1] == s[2]), 0.5), "another rule draws others: {}", share(&|s| s[1] == s[2]));
}
