// SPDX-License-Identifier: Apache-2.0
//! A feature's past: kept under another name, counted from the journal when the feature is new, unknown until then.

use crate::support::{
    Data, NOON, Sent, bundle, content, decide, event_under, everything, login, replay, run, sent, submit,
    wait_for, warm, warmings,
};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use wardroom_engine::{Active, Engine, Flow, Origin, Outcome, Stored, Work, limits};
use wardroom_event::{Span, Value};
use wardroom_state::Keyer;

/// Two event types, the features given, and a rule that reads each of them on each login.
fn policy(features: &[&str]) -> String {
    let mut text = "
event login:
    account: account
    ip: ip
    ok: bool
    device: device?

event signup:
    account: account
    ip: ip
"
    .to_owned();
    for feature in features {
        text += &format!("\nfeature {feature}\n");
    }
    for (i, feature) in features.iter().enumerate() {
        let name = feature.split(' ').next().unwrap();
        text += &format!(
            "\nrule r{i} on login:\n    when {name} is missing\n    then limit\n    because \"{i}\"\n"
        );
    }
    text
}

const FAILURES: &str = "failures = count(login, where=not ok, by=ip, last=\"1h\")";
const LOGINS: &str = "logins = count(login, by=ip, last=\"1h\")";
const ACCOUNTS: &str = "accounts = distinct(account, of=[login, signup], by=ip.net, last=\"1d\")";

fn swap(engine: &Engine, features: &[&str]) {
    run(engine.swap(bundle(&policy(features)), Origin::Api, NOON)).unwrap();
}

fn failing(id: impl ToString, secs: i64) -> Sent {
    login(id, secs, "a", "192.0.2.1", false)
}

/// What was served, by feature.
fn served(stored: &Stored) -> Vec<(&str, &Value)> {
    stored.judged.as_ref().unwrap().served.iter().map(|(id, _, value)| (&**id, value)).collect()
}

fn names(engine: &Engine) -> Vec<String> {
    engine.warming().into_iter().map(|w| w.feature.into()).collect()
}

const THREE: &Value = &Value::Int(3);
const FOUR: &Value = &Value::Int(4);

#[test]
fn another_name_for_the_same_counter_keeps_its_counts() {
    let data = Data::new();
    let engine = data.open(&policy(&[FAILURES]));
    (0..3).for_each(|i| drop(decide(&engine, &failing(i, i))));
    engine.pause_warming(true);
    swap(&engine, &["wrong = count(login, by=ip, where=not  ok, last=\"60m\")  # renamed"]);
    assert_eq!((names(&engine), engine.since()), (vec![], vec![Some(NOON)]));
    assert_eq!(served(&decide(&engine, &failing(3, 3))), [("wrong", THREE)]);
    run(engine.close());
    assert_eq!(served(&decide(&data.reopen(), &failing(4, 4))), [("wrong", FOUR)]);
}

#[test]
fn two_names_for_the_same_counter_share_a_table() {
    let data = Data::new();
    let twin = FAILURES.replace("failures", "wrong");
    let engine = data.open(&policy(&[FAILURES, &twin]));
    (0..3).for_each(|i| drop(decide(&engine, &failing(i, i))));
    assert_eq!(served(&decide(&engine, &failing(3, 3))), [("failures", THREE), ("wrong", THREE)]);
    assert_eq!(engine.status().state_keys, 1);
    // One of them goes, in whichever order they stood, and comes back.
    engine.pause_warming(true);
    swap(&engine, &[&twin]);
    swap(&engine, &[&twin, FAILURES]);
    assert_eq!(served(&decide(&engine, &failing(4, 4))), [("wrong", FOUR), ("failures", FOUR)]);
    run(engine.close());
}

/// A failure count over that window.
fn over(name: &str, window: &str) -> String {
    format!("{name} = count(login, where=not ok, by=ip, last=\"{window}\")")
}

#[test]
fn windows_of_one_count_share_a_table_whatever_is_made_of_it() {
    let data = Data::new();
    let (short, long) = (over("short", "10m"), over("long", "1d"));
    let any = long.replace("long", "any").replace("count", "seen");
    let engine = data.open(&policy(&[FAILURES, &long, &short, &any]));
    (0..3).for_each(|i| drop(decide(&engine, &failing(i, i * 1000))));
    let expect = |n: [i64; 3]| {
        let int = |n: i64| Value::Int(n);
        [("failures", int(n[0])), ("long", int(n[1])), ("short", int(n[2])), ("any", Value::Bool(true))]
    };
    let all = |stored: &Stored| {
        served(stored).into_iter().map(|(id, v)| (id.to_owned(), v.clone())).collect::<Vec<_>>()
    };
    let expect = |n| expect(n).map(|(id, value)| (id.to_owned(), value));
    assert_eq!(all(&decide(&engine, &failing(3, 4000))), expect([2, 3, 0]));
    let status = engine.status();
    assert_eq!((status.state_keys, status.state_pairs), (1, 3), "`any` and `long` are one counter");
    run(engine.close());
    assert_eq!(all(&decide(&data.reopen(), &failing(4, 4200))), expect([3, 4, 1]));
}

/// What shares a table before another policy comes goes on as it is; what is new is counted beside it; a restart lays all of
/// it out anew.
#[test]
fn another_window_makes_none_of_the_others_cold() {
    let data = Data::new();
    let (short, long) = (over("short", "10m"), over("long", "1d"));
    let engine = data.open(&policy(&[&short, &long]));
    (0..3).for_each(|i| drop(decide(&engine, &failing(i, i))));
    engine.pause_warming(true);
    swap(&engine, &[&short, FAILURES, &long]);
    assert_eq!(names(&engine), ["failures"]);
    let missing = ("failures", &Value::Missing);
    assert_eq!(served(&decide(&engine, &failing(3, 3))), [("short", THREE), missing, ("long", THREE)]);
    engine.pause_warming(false);
    warm(&engine);
    let all = [("short", FOUR), ("failures", FOUR), ("long", FOUR)];
    assert_eq!(served(&decide(&engine, &failing(4, 4))), all);
    assert_eq!(engine.status().state_keys, 2);
    // The table goes on counting for a window that nobody reads while it does so for another.
    engine.pause_warming(true);
    swap(&engine, &[FAILURES, &long]);
    let five = &Value::Int(5);
    assert_eq!(served(&decide(&engine, &failing(5, 5))), [("failures", five), ("long", five)]);
    swap(&engine, &[FAILURES, &short]);
    let six = &Value::Int(6);
    assert_eq!(served(&decide(&engine, &failing(6, 6))), [("failures", six), ("short", six)]);
    // Once nothing reads it, it goes.
    swap(&engine, &[FAILURES]);
    swap(&engine, &[FAILURES, &short]);
    assert_eq!(names(&engine), ["short"]);
    engine.pause_warming(false);
    warm(&engine);
    run(engine.close());
    let engine = data.reopen();
    let seven = &Value::Int(7);
    assert_eq!(served(&decide(&engine, &failing(7, 7))), [("failures", seven), ("short", seven)]);
    assert_eq!((engine.status().state_keys, engine.status().state_pairs), (1, 2));
}

#[test]
fn a_new_feature_is_unknown_until_its_past_is_counted() {
    let data = Data::new();
    let engine = data.open(&policy(&[FAILURES]));
    (0..3).for_each(|i| drop(decide(&engine, &failing(i, i))));
    engine.pause_warming(true);
    swap(&engine, &[FAILURES, LOGINS]);
    let head = warmings(&data)[1].0;
    let [shown] = &engine.warming()[..] else { panic!("one is warming") };
    assert_eq!((&*shown.feature, shown.from_seq, shown.done), ("logins", head, 0));
    assert_eq!((shown.of, shown.events_per_second, shown.remaining), (engine.status().seq, 0, None));
    assert_eq!(engine.since(), [Some(NOON), None]);
    assert_eq!(engine.status().warming, 1);
    let stored = decide(&engine, &failing(3, 3));
    assert_eq!(served(&stored), [("failures", THREE), ("logins", &Value::Missing)]);

    engine.pause_warming(false);
    warm(&engine);
    assert_eq!(engine.since(), [Some(NOON), Some(NOON)]);
    let stored = decide(&engine, &failing(4, 4));
    assert_eq!(served(&stored), [("failures", FOUR), ("logins", FOUR)]);
    assert_eq!((engine.status().warming, engine.status().backfilled), (0, 4));
    // The journal says when what was served.
    let said: Vec<Vec<usize>> = warmings(&data).into_iter().map(|(_, features)| features).collect();
    assert_eq!(said, [vec![], vec![], vec![1], vec![]]);
    replay(&engine, &data, &[&policy(&[FAILURES]), &policy(&[FAILURES, LOGINS])]);
    run(engine.close());
}

#[test]
fn where_there_is_no_past_nothing_is_warming() {
    let data = Data::new();
    let engine = data.open(&policy(&[FAILURES]));
    engine.pause_warming(true);
    let later = NOON.plus(Span::from_secs(60));
    run(engine.swap(bundle(&policy(&[LOGINS])), Origin::Api, later)).unwrap();
    assert_eq!((names(&engine), engine.since()), (vec![], vec![Some(later)]));
    assert_eq!(served(&decide(&engine, &failing(0, 90))), [("logins", &Value::Int(0))]);
    assert_eq!(engine.since(), [Some(NOON.plus(Span::from_secs(90)))], "the journal's first event");
    swap(&engine, &[FAILURES]);
    assert_eq!(names(&engine), ["failures"]);
    run(engine.close());
}

#[test]
fn a_feature_with_another_window_has_its_own_past() {
    let data = Data::new();
    let engine = data.open(&policy(&[&LOGINS.replace("1h", "1m")]));
    (0..3).for_each(|i| drop(decide(&engine, &failing(i, i * 600))));
    for (window, expect) in [("1h", 3), ("5m", 0), ("1d", 3), ("15m", 1)] {
        swap(&engine, &[&LOGINS.replace("1h", window)]);
        warm(&engine);
        // A second name, so that what is asked does not count.
        let probe = sent("login", 1600, r#""account":"p","ip":"192.0.2.1","ok":true"#).id(window);
        let stored = decide(&engine, &probe.received(1600));
        let others = ["1h", "5m", "1d", "15m"].iter().position(|w| *w == window).unwrap() as i64;
        assert_eq!(served(&stored), [("logins", &Value::Int(expect + others))], "{window}");
    }
    run(engine.close());
}

#[test]
fn a_second_policy_drops_what_it_does_not_want_and_keeps_the_rest() {
    let data = Data::new();
    let engine = data.open(&policy(&[FAILURES]));
    (0..3).for_each(|i| drop(decide(&engine, &failing(i, i))));
    engine.pause_warming(true);
    swap(&engine, &[FAILURES, LOGINS]);
    swap(&engine, &[LOGINS, ACCOUNTS]);
    assert_eq!(names(&engine), ["logins", "accounts"]);
    let from: Vec<u64> = engine.warming().iter().map(|w| w.from_seq).collect();
    assert!(from[0] < from[1], "{from:?}: each since it came");
    swap(&engine, &[FAILURES, ACCOUNTS]);
    assert_eq!(names(&engine), ["failures", "accounts"], "what is gone does not come back by itself");
    engine.pause_warming(false);
    warm(&engine);
    assert_eq!(served(&decide(&engine, &failing(3, 3))), [("failures", THREE), ("accounts", &Value::Int(1))]);
    run(engine.close());
}

#[test]
fn stopping_while_warming_is_prompt_and_a_restart_has_it_all() {
    let data = Data::new();
    let engine = data.open(&policy(&[FAILURES]));
    (0..3).for_each(|i| drop(decide(&engine, &failing(i, i))));
    engine.pause_warming(true);
    swap(&engine, &[FAILURES, LOGINS]);
    decide(&engine, &failing(3, 3));
    let killed = data.killed();
    // It hangs here if the back-fill is not told.
    run(engine.close());
    for data in [data, killed] {
        let engine = data.reopen();
        assert_eq!((names(&engine), engine.since()), (vec![], vec![Some(NOON); 2]));
        let stored = decide(&engine, &failing(4, 4));
        assert_eq!(served(&stored), [("failures", FOUR), ("logins", FOUR)]);
        let said = warmings(&data);
        let (seq, features) = said.last().unwrap();
        assert!(*seq == stored.seq - 1 && features.is_empty(), "said before the first event: {said:?}");
        replay(&engine, &data, &[&policy(&[FAILURES]), &policy(&[FAILURES, LOGINS])]);
        run(engine.close());
        // Said once.
        let count = warmings(&data).len();
        let engine = data.reopen();
        decide(&engine, &failing(5, 5));
        assert_eq!(warmings(&data).len(), count);
        run(engine.close());
    }
}

#[test]
fn a_policy_changed_while_the_engine_was_down_is_warm_at_once() {
    let data = Data::new();
    let engine = data.open(&policy(&[FAILURES]));
    (0..3).for_each(|i| drop(decide(&engine, &failing(i, i))));
    run(engine.close());
    let (engine, opened) = data.try_open(Some(&policy(&[LOGINS, FAILURES]))).unwrap();
    assert_eq!((opened.adopted, names(&engine)), (true, vec![]));
    assert_eq!(served(&decide(&engine, &failing(3, 3))), [("logins", THREE), ("failures", THREE)]);
    // After a policy of the API, whether the directory has changed is known too late for that.
    swap(&engine, &[FAILURES]);
    run(engine.close());
    let (engine, opened) = data.try_open(Some(&policy(&[ACCOUNTS, FAILURES]))).unwrap();
    assert!(opened.adopted);
    warm(&engine);
    assert_eq!(served(&decide(&engine, &failing(4, 4))), [("accounts", &Value::Int(1)), ("failures", FOUR)]);
    run(engine.close());
}

/// A policy may have had other event types: what they held of what a feature looks at counts, and no more.
#[test]
fn events_of_other_types_count_by_the_fields_they_have() {
    let old = "
event gone:
    ip: ip

event hit:
    ip: ip
    n: text
    extra: text

feature hits = count(hit, by=ip, last=\"1h\")

rule any on hit:
    when    hits is missing
    then    limit
    because \"\"
";
    let data = Data::new();
    let engine = data.open(old);
    let hit = |id: i64, fields: &str| sent("hit", id, &format!(r#""ip":"192.0.2.1"{fields}"#)).id(id);
    for id in 0..3 {
        decide(&engine, &hit(id, r#","n":"7","extra":"x""#));
    }
    submit(&engine, &sent("gone", 3, r#""ip":"192.0.2.1""#), Work::Record);
    let new = "
event hit:
    n: int
    word: text
    ip: ip

feature hits = count(hit, by=ip, last=\"1h\")
feature sevens = count(hit, where=n == 7, by=ip, last=\"1h\")
feature wordless = count(hit, where=word is missing, by=ip, last=\"1h\")

rule any on hit:
    when    hits is missing or sevens is missing or wordless is missing
    then    limit
    because \"\"
";
    engine.pause_warming(true);
    run(engine.swap(bundle(new), Origin::Api, NOON)).unwrap();
    assert_eq!(
        names(&engine),
        ["sevens", "wordless"],
        "the same counter, though its type's fields are others"
    );
    engine.pause_warming(false);
    warm(&engine);
    let check = |engine: &Engine, id: i64, expect: [i64; 3]| {
        let stored = decide(engine, &hit(id, r#","n":7,"word":"w""#));
        let served: Vec<Value> = served(&stored).into_iter().map(|(_, v)| v.clone()).collect();
        assert_eq!(served, expect.map(Value::Int), "event {id}");
    };
    // `n` was a text then, so whether it is 7 is not known; and there was no word.
    check(&engine, 4, [3, 0, 3]);
    check(&engine, 5, [4, 1, 3]);
    run(engine.close());
    let (engine, opened) = data.try_open(None).unwrap();
    assert_eq!((opened.events, opened.uncounted), (6, 1), "one is of a type that is gone");
    check(&engine, 6, [5, 2, 3]);
    run(engine.close());
}

/// What cannot be read cannot be counted: the feature stays unknown, and everything else goes on.
#[test]
fn a_damaged_past_leaves_a_feature_unknown() {
    let data = Data::new();
    let engine = data.open(&policy(&[FAILURES]));
    (0..200).for_each(|i| drop(decide(&engine, &failing(i, i / 100))));
    let path = data.journal().join(format!("{:020}.wj", 1));
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 0x10;
    std::fs::write(&path, &bytes).unwrap();
    swap(&engine, &[FAILURES, LOGINS]);
    for i in 200..260 {
        let stored = decide(&engine, &failing(i, 3));
        assert_eq!(served(&stored), [("failures", &Value::Int(i)), ("logins", &Value::Missing)]);
    }
    assert_eq!((names(&engine), engine.status().failed), (vec!["logins".to_owned()], None));
    // It is let go of as well: another policy does not want it.
    swap(&engine, &[FAILURES]);
    assert_eq!(names(&engine), [""; 0]);
    run(engine.close());
}

/// While events pour in: more than the sequencer would count itself, so that the back-fill has to catch up.
#[test]
fn under_load_the_past_is_counted_once_and_whole() {
    let data = Data { segment_bytes: 64 << 10, ..Data::new() };
    let engine = Arc::new(data.open(&policy(&[FAILURES])));
    let piece = |engine: &Engine, from: i64| {
        let event =
            |i: i64| login(i, i / 500, &format!("a{}", i % 50), &format!("192.0.2.{}", i % 7), i % 3 == 0);
        (from..from + 20).map(|i| event(i).on(engine)).collect::<Vec<_>>()
    };
    let before = 3 * limits::HANDOVER_RECORDS as i64;
    for from in (0..before).step_by(20) {
        run(engine.submit(piece(&engine, from), Work::Record)).unwrap();
    }
    let done = Arc::new(AtomicBool::new(false));
    let sender = {
        let (engine, done) = (engine.clone(), done.clone());
        std::thread::spawn(move || {
            let mut from = 1_000_000;
            while !done.load(Relaxed) {
                let events = piece(&engine, from);
                let began = Instant::now();
                let outcomes = run(engine.submit_waiting(events, Work::Decide)).unwrap();
                assert!(outcomes.iter().all(|o| matches!(o, Outcome::Decided { .. })), "{:?}", outcomes[0]);
                from += 20;
                // A third of what the engine can take at most, however fast the machine is at the moment: what is offered
                // for ever faster than it can be counted is never caught up with.
                std::thread::sleep(Duration::from_millis(1).max(began.elapsed() * 2));
            }
        })
    };
    let others = [&[FAILURES, LOGINS][..], &[ACCOUNTS, FAILURES], &[LOGINS], &[ACCOUNTS]];
    for features in others.into_iter().cycle().take(9).chain([&[ACCOUNTS, LOGINS][..]]) {
        swap(&engine, features);
        warm(&engine);
    }
    done.store(true, Relaxed);
    sender.join().unwrap();
    let probe = |engine: &Engine, id: &str| {
        let ips = (0..7).map(|n| format!("192.0.2.{n}"));
        let asked = ips.map(|ip| decide(engine, &login(format!("{id} {ip}"), 3_000, "p", &ip, true)));
        asked.map(|s| served(&s).into_iter().map(|(_, v)| v.clone()).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    // What the back-fill made of it, what a fold of our own does, and what a restart does.
    let there = everything(&engine);
    let text = policy(&[ACCOUNTS, LOGINS]);
    let active = Active::compile(bundle(&text), Origin::Api, &Keyer::new(data.secret()), None).unwrap().0;
    let mut flow = Flow::new(data.secret(), active.into());
    there.iter().for_each(|stored| flow.count(&event_under(stored, &flow).unwrap()));
    let killed = data.killed();
    let live = probe(&engine, "p");
    assert!(live.iter().flatten().all(|value| matches!(value, Value::Int(n) if *n > 0)), "{live:?}");
    for (n, served) in live.iter().enumerate() {
        let event = login("p", 3_000, "p", &format!("192.0.2.{n}"), true).on(&engine);
        assert_eq!(flow.judge(&event).served, *served);
    }
    assert_eq!(probe(&killed.reopen(), "p"), live);
    run(engine.close());
}

/// What happens to an engine.
#[derive(Clone, Debug)]
enum Op {
    Submit(Vec<Sent>),
    Swap(Vec<usize>),
    Pause(bool),
    Warm,
    Close,
    Kill,
}

const FEATURES: [&str; 6] = [
    FAILURES,
    LOGINS,
    ACCOUNTS,
    "known = first_seen(login, where=ok, by=(account, device))",
    "wrong = count(login, where=not ok, by=ip, last=\"1h\")",
    "short = count([login, signup], by=ip.net, last=\"1m\")",
];

fn any_op() -> impl Strategy<Value = Op> {
    let ip = prop::sample::select(vec!["192.0.2.1", "192.0.2.77", "2001:db8::1"]);
    let device = prop::sample::select(vec!["", r#","device":"x""#]);
    let account = prop::sample::select(vec!["a", "b", "c"]);
    let event = (account, ip, device, 0..400i64, any::<[bool; 2]>(), any::<u32>(), 0..50i64);
    let event = event.prop_map(|(account, ip, device, secs, [is_login, ok], id, late)| {
        let who = format!(r#""account":"{account}","ip":"{ip}""#);
        let event = match is_login {
            true => sent("login", secs, &format!(r#"{who},"ok":{ok}{device}"#)),
            false => sent("signup", secs, &who),
        };
        event.id(id).received(secs + late * i64::from(late > 40))
    });
    let features = prop::sample::subsequence((0..FEATURES.len()).collect::<Vec<_>>(), 1..FEATURES.len());
    prop_oneof![
        8 => prop::collection::vec(event, 1..30).prop_map(Op::Submit),
        4 => features.prop_shuffle().prop_map(Op::Swap),
        2 => any::<bool>().prop_map(Op::Pause),
        1 => Just(Op::Warm),
        1 => Just(Op::Close),
        1 => Just(Op::Kill),
    ]
}

fn text_of(features: &[usize]) -> String {
    policy(&features.iter().map(|n| FEATURES[*n]).collect::<Vec<_>>())
}

/// Whatever happens when: each decision was served what a fold of the whole journal gives, or nothing where the journal
/// says that the feature was warming; and in the end nothing is.
fn the_past_is_always_whole(ops: &[Op]) {
    let mut data = Data::new();
    let mut policies = vec![text_of(&[0])];
    let mut engine = data.open(&policies[0]);
    for op in ops {
        match op {
            Op::Submit(events) => {
                let events = events.iter().map(|e| e.on(&engine)).collect();
                run(engine.submit(events, Work::Decide)).unwrap();
            }
            Op::Swap(features) => {
                policies.push(text_of(features));
                run(engine.swap(bundle(policies.last().unwrap()), Origin::Api, NOON)).unwrap();
            }
            Op::Pause(pause) => engine.pause_warming(*pause),
            Op::Warm => {
                engine.pause_warming(false);
                warm(&engine);
            }
            Op::Close => {
                run(engine.close());
                engine = data.reopen();
                assert_eq!(names(&engine), [""; 0]);
            }
            Op::Kill => {
                let killed = data.killed();
                run(std::mem::replace(&mut engine, killed.reopen()).close());
                data = killed;
            }
        }
    }
    engine.pause_warming(false);
    warm(&engine);
    for (i, ip) in ["192.0.2.1", "192.0.2.77", "2001:db8::1"].into_iter().enumerate() {
        decide(
            &engine,
            &sent("login", 400, &format!(r#""account":"a","ip":"{ip}","ok":true,"device":"x""#))
                .id(format!("probe {i}")),
        );
    }
    let policies: Vec<&str> = policies.iter().map(String::as_str).collect();
    replay(&engine, &data, &policies);
    let there: Vec<String> = everything(&engine).iter().map(content).collect();
    run(engine.close());
    let engine = data.reopen();
    assert_eq!(everything(&engine).iter().map(content).collect::<Vec<_>>(), there);
    run(engine.close());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_past_is_whole(ops in prop::collection::vec(any_op(), 1..30)) {
        the_past_is_always_whole(&ops);
    }
}

/// Dropped without being closed, an engine lets go of its directory although it was warming.
#[test]
fn an_engine_dropped_while_warming_goes() {
    let data = Data::new();
    let engine = data.open(&policy(&[FAILURES]));
    decide(&engine, &failing(0, 0));
    engine.pause_warming(true);
    swap(&engine, &[LOGINS]);
    drop(engine);
    wait_for("letting go of the lock", || data.try_open(None).is_ok());
}
