// SPDX-License-Identifier: Apache-2.0
//! Another policy while events come: whole or not at all, and every decision names the one that made it.

use crate::support::{
    Data, NOON, OTHER, POLICY, bundle, decide, everything, heads, login, number, open, refused, run, sent,
    seq_of, submit, verdict, warm,
};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use wardroom_engine::{EngineError, Origin, Outcome, SubmitError, SwapError, Work, limits};
use wardroom_event::Micros;
use wardroom_policy::{Bundle, Verdict};

fn version(text: &str) -> Box<str> {
    bundle(text).version().0
}

fn swap(engine: &wardroom_engine::Engine, text: &str) -> Result<(), SwapError> {
    run(engine.swap(bundle(text), Origin::Api, NOON)).map(drop)
}

/// As [`swap`], and waits until nothing more is written of it.
fn swap_whole(engine: &wardroom_engine::Engine, text: &str) {
    swap(engine, text).unwrap();
    warm(engine);
    // It is warm before the journal says so.
    run(engine.find(login("", 0, "", "::1", true).on_id())).unwrap();
}

#[test]
fn under_load_nothing_is_dropped_doubled_or_misnamed() {
    let data = Data::new();
    let engine = Arc::new(data.open(POLICY));
    let done = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..4)
        .map(|sender| {
            let (engine, done) = (engine.clone(), done.clone());
            std::thread::spawn(move || {
                let mut sent = 0;
                while !done.load(Relaxed) || sent < 50 {
                    let events = (sent..sent + 7)
                        .map(|i| login(format!("{sender} {i}"), i, "a", "192.0.2.1", i % 2 == 0).on(&engine))
                        .collect();
                    for outcome in run(engine.submit_waiting(events, Work::Decide)).unwrap() {
                        let Outcome::Decided { seq, policy, .. } = outcome else { panic!("{outcome:?}") };
                        assert_eq!(engine.decision(seq).unwrap().unwrap().policy, (&*policy).into());
                    }
                    sent += 7;
                }
                sent
            })
        })
        .collect();
    for i in 0..30 {
        swap(&engine, [OTHER, POLICY][i % 2]).unwrap();
        assert_eq!(engine.active().program.version.0, version([OTHER, POLICY][i % 2]));
    }
    done.store(true, Relaxed);
    let sent: i64 = senders.into_iter().map(|s| s.join().unwrap()).sum();
    let there = everything(&engine);
    let ids: HashSet<&str> = there.iter().map(|s| &*s.id.id).collect();
    assert_eq!((there.len() as i64, ids.len() as i64), (sent, sent));
    run(engine.close());

    // In the journal, each decision names the policy whose head was the last before it.
    let heads: BTreeMap<u64, Box<str>> = heads(&data).into_iter().collect();
    assert_eq!(heads.len(), 31);
    for stored in there {
        let (_, in_force) = heads.range(..stored.seq).next_back().unwrap();
        assert_eq!(stored.policy, *in_force, "record {}", stored.seq);
    }
}

const SMALL: &str = "
event hit:
    ip: ip
    n: int

event other:
    ip: ip

feature hits = count(hit, by=ip, last=\"1h\")

rule any on hit:
    when    hits >= 0
    then    limit
    because \"{n}\"
";

#[test]
fn an_event_on_its_way_is_read_anew_under_the_new_types() {
    let data = Data::new();
    let engine = data.open(SMALL);
    let check = |policy: String, expect: Option<&str>| {
        swap_whole(&engine, SMALL);
        let id = format!("on its way to {}", version(&policy));
        let event = sent("hit", 1, r#""ip":"192.0.2.1","n":7"#).id(id).on(&engine);
        swap_whole(&engine, &policy);
        let seq = engine.status().seq;
        let outcome = run(engine.submit(vec![event], Work::Decide)).unwrap().remove(0);
        match expect {
            Some(fields) => {
                let stored = engine.decision(seq_of(&outcome).unwrap()).unwrap().unwrap();
                assert_eq!(&*stored.event_type, "hit");
                let shown: Vec<String> = stored
                    .fields
                    .iter()
                    .map(|(f, v)| format!("{}={}", f.name, f.show(v, wardroom_event::Sight::Full)))
                    .collect();
                assert_eq!(shown.join(" "), fields);
            }
            None => {
                assert_eq!(*refused(&outcome), SubmitError::TypeChanged("hit".into()));
                assert_eq!(engine.status().seq, seq, "nothing is recorded of it");
            }
        }
    };
    check(SMALL.replace("hits >= 0", "hits >= 1"), Some("ip=192.0.2.1 n=7"));
    // Other numbers for types and slots.
    check(
        format!(
            "event first:\n    ip: ip\n\n{}",
            SMALL.replace("    ip: ip\n    n: int", "    n: int\n    ip: ip")
        ),
        Some("n=7 ip=192.0.2.1"),
    );
    check(SMALL.replace("    n: int", "    n: int\n    word: text?"), Some("ip=192.0.2.1 n=7 word=unknown"));
    check(SMALL.replace("    n: int", "    n: int?"), Some("ip=192.0.2.1 n=7"));
    check(SMALL.replace("    n: int", "    n: text"), None);
    check(SMALL.replace("    n: int", "    n: int\n    word: text"), None);
    check(SMALL.replace("    n: int\n", "").replace("{n}", "{ip}"), None);
    check("event other:\n    ip: ip\n\nrule any on other:\n    when ip.net == \"192.0.2.0/24\"\n    then limit\n    because \"\"\n".into(), None);
    run(engine.close());
    assert_eq!(everything(&data.reopen()).len(), 4);
}

#[test]
fn a_broken_policy_changes_nothing() {
    let data = Data::new();
    let engine = data.open(POLICY);
    decide(&engine, &login(0, 0, "a", "192.0.2.1", false));
    let (seq, since) = (engine.status().seq, engine.since());
    let broken = POLICY.replace("failures >= 3", "failure >= 3");
    let Err(SwapError::Policy { diagnostics, .. }) = swap(&engine, &broken) else {
        panic!("it has an error");
    };
    assert!(diagnostics.iter().any(|d| d.is_error()));
    assert_eq!(engine.active().program.version.0, version(POLICY));
    decide(&engine, &login(1, 1, "a", "192.0.2.1", false));
    assert_eq!((engine.status().seq, engine.since()), (seq + 1, since));
    run(engine.close());
    // At the start it refuses to open, and leaves all as it was.
    assert!(matches!(data.refusal(Some(&broken)), EngineError::Policy(SwapError::Policy { .. })));
    let engine = data.reopen();
    assert_eq!(engine.status().seq, seq + 1);
}

#[test]
fn without_any_policy_there_is_nothing_to_open() {
    let data = Data::new();
    assert!(matches!(data.refusal(None), EngineError::NoPolicy));
    assert!(matches!(data.refusal(Some("event x:\n")), EngineError::Policy(_)));
    data.open(POLICY);
}

/// A policy of the directory is taken when it is another than was last taken from there; one put through the API stays
/// in force until then.
#[test]
fn the_directory_and_the_api_take_turns() {
    let (one, two, three) = (POLICY, OTHER, SMALL);
    let data = Data::new();
    let engine = data.open(one);
    let reopen = |engine: wardroom_engine::Engine, offered: Option<&str>, expect: (&str, Origin, bool)| {
        run(engine.close());
        let (engine, opened) = data.try_open(offered).unwrap();
        let active = engine.active();
        let got = (active.program.version.0.clone(), active.origin, opened.adopted);
        assert_eq!(got, (version(expect.0), expect.1, expect.2));
        engine
    };
    let engine = reopen(engine, Some(one), (one, Origin::Directory, false));
    let engine = reopen(engine, None, (one, Origin::Directory, false));
    swap(&engine, two).unwrap();
    // The directory has not changed, so the API's stays.
    let engine = reopen(engine, Some(one), (two, Origin::Api, false));
    let engine = reopen(engine, None, (two, Origin::Api, false));
    // Now it has.
    let engine = reopen(engine, Some(three), (three, Origin::Directory, true));
    let engine = reopen(engine, Some(three), (three, Origin::Directory, false));
    // And back to an old one is a change as well.
    let engine = reopen(engine, Some(one), (one, Origin::Directory, true));
    // The directory catches up with the API: the same text, now from there.
    swap(&engine, two).unwrap();
    let engine = reopen(engine, Some(two), (two, Origin::Directory, true));
    let engine = reopen(engine, Some(two), (two, Origin::Directory, false));
    // Reloaded while it runs.
    run(engine.swap(bundle(three), Origin::Directory, NOON)).unwrap();
    swap(&engine, one).unwrap();
    let engine = reopen(engine, Some(three), (one, Origin::Api, false));
    run(engine.close());
}

#[test]
fn a_policy_of_many_megabytes_is_kept_whole() {
    let policy = |last: &str| {
        let mut bundle = Bundle::new();
        bundle.add(
            "spam/rules.ward",
            "
event mail:
    from: domain
    ip: ip

list bad: domain from \"lists/bad.txt\"
list nets: net from \"lists/nets.txt\"

rule listed on mail:
    when    from in bad or ip in nets
    then    block
    because \"{from}\"
",
        );
        // Not cut at a border: two bytes a letter, after an odd number of them.
        let mut domains = String::from("x.example\n");
        (0..90_000).for_each(|i| domains += &format!("dömäin-number-{i}.example\n"));
        domains += last;
        assert!(domains.len() > 3 * limits::POLICY_PART_BYTES);
        bundle.add("spam/lists/bad.txt", domains);
        bundle.add(
            "spam/lists/nets.txt",
            (0..40_000).map(|i| format!("2001:db8:{:x}:{:x}::/64\n", i / 256, i % 256)).collect::<String>(),
        );
        bundle.add("spam/empty.txt", "");
        bundle
    };
    let data = Data::new();
    let (engine, opened) = open(&data.config(), Some(policy("last.example"))).unwrap();
    assert!(opened.adopted);
    let mail =
        |id: &str, from: &str, ip: &str| sent("mail", 0, &format!(r#""from":"{from}","ip":"{ip}""#)).id(id);
    let listed = |engine: &wardroom_engine::Engine, round: &str| {
        let check = |from: &str, ip: &str, expect: Verdict| {
            let stored = decide(engine, &mail(&format!("{round} {from} {ip}"), from, ip));
            assert_eq!(verdict(&stored), expect, "{round}: {from} {ip}");
        };
        check("dömäin-number-0.example", "::1", Verdict::Block);
        check("dömäin-number-89999.example", "::1", Verdict::Block);
        check("other.example", "2001:db8:9c:3f::1", Verdict::Block);
        check("other.example", "2001:db8:9c:40::1", Verdict::Allow);
    };
    listed(&engine, "first");
    assert_eq!(verdict(&decide(&engine, &mail("l1", "last.example", "::1"))), Verdict::Block);
    run(engine.swap(policy("newest.example"), Origin::Api, NOON)).unwrap();
    assert_eq!(verdict(&decide(&engine, &mail("l2", "last.example", "::1"))), Verdict::Allow);
    assert_eq!(verdict(&decide(&engine, &mail("l3", "newest.example", "::1"))), Verdict::Block);
    run(engine.close());
    let engine = data.reopen();
    assert_eq!(engine.active().bundle, policy("newest.example"));
    listed(&engine, "again");
    assert_eq!(verdict(&decide(&engine, &mail("l4", "newest.example", "::1"))), Verdict::Block);
}

#[test]
fn names_or_records_too_large_for_the_journal_are_refused_before_anything_is_written() {
    let data = Data::new();
    let engine = data.open(SMALL);
    let seq = engine.status().seq;
    let mut names = Bundle::new();
    for file in 0..4 {
        let mut text = String::new();
        for event in 0..40 {
            text += &format!("event e{file}_{event}:\n");
            for field in 0..128 {
                text += &format!("    {}_{field}: int?\n", "n".repeat(60));
            }
        }
        names.add(format!("{file}.ward"), text);
    }
    let refused = run(engine.swap(names, Origin::Api, NOON)).map(drop);
    assert!(matches!(refused, Err(SwapError::TooLarge { bytes }) if bytes > 1 << 20), "{refused:?}");

    // Few names, but one event reads them all.
    let served = 41_000;
    let mut many = Bundle::new();
    for file in 0..3 {
        let mut text = if file == 0 { "event hit:\n    ip: ip\n".to_owned() } else { String::new() };
        let range = file * served / 3..(file + 1) * served / 3;
        range.clone().for_each(|i| text += &format!("feature f{i:x}=first_seen(hit)\n"));
        for (i, piece) in range.collect::<Vec<_>>().chunks(40).enumerate() {
            let terms: Vec<String> = piece.iter().map(|i| format!("f{i:x} is missing")).collect();
            text += &format!(
                "rule r{file}_{i} on hit:\n    when {}\n    then limit\n    because \"\"\n",
                terms.join(" and ")
            );
        }
        many.add(format!("{file}.ward"), text);
    }
    let refused = run(engine.swap(many, Origin::Api, NOON)).map(drop);
    assert!(matches!(&refused, Err(SwapError::Record { event, .. }) if event == "hit"), "{refused:?}");
    assert_eq!(engine.status().seq, seq);
    decide(&engine, &sent("hit", 0, r#""ip":"::1","n":1"#));
    assert_eq!(engine.status().seq, seq + 1);
}

/// Old decisions are read by the names of their own policy, however many came after, and in whatever order.
#[test]
fn decisions_outlive_their_policies() {
    let data = Data::new();
    let engine = data.open(SMALL);
    let rounds = limits::DICTIONARIES as i64 + 20;
    let named =
        |i: i64| SMALL.replace("rule any", &format!("rule rule_{i}")).replace("hits", &format!("hits_{i}"));
    let mut seqs = Vec::new();
    for i in 0..rounds {
        swap(&engine, &named(i)).unwrap();
        seqs.push(decide(&engine, &sent("hit", i, &format!(r#""ip":"::1","n":{i}"#))).seq);
    }
    let check = |engine: &wardroom_engine::Engine| {
        for (i, seq) in seqs.iter().enumerate().chain(seqs.iter().enumerate().rev()) {
            let stored = engine.decision(*seq).unwrap().unwrap();
            assert_eq!(stored.policy, version(&named(i as i64)));
            let judged = stored.judged.unwrap();
            assert_eq!(
                (&*judged.signals[0].rule, &*judged.served[0].0),
                (&*format!("rule_{i}"), &*format!("hits_{i}"))
            );
        }
    };
    check(&engine);
    run(engine.close());
    check(&data.reopen());
}

#[test]
fn warnings_are_handed_on() {
    let data = Data::new();
    let unused = SMALL.replace("hits >= 0", "n >= 0");
    let (engine, opened) = data.try_open(Some(&unused)).unwrap();
    assert_eq!(opened.warnings.len(), 1);
    let warned =
        run(engine.swap(bundle(&unused.replace("n >= 0", "n >= 1")), Origin::Api, Micros(0))).unwrap();
    assert_eq!(warned.len(), 1);
    assert!(matches!(
        submit(&engine, &sent("hit", 0, r#""ip":"::1","n":1"#), Work::Decide),
        Outcome::Decided { .. }
    ));
}

/// Retention will let old segments go: what is left must say by itself what its numbers mean.
#[test]
fn each_segment_can_be_read_on_its_own() {
    let data = Data::new();
    let mut engine = data.open(POLICY);
    for i in 0..60i64 {
        for j in 0..5 {
            decide(&engine, &login(format!("{i} {j}"), i, "a", "192.0.2.1", i % 2 == 0));
        }
        let next = [OTHER, POLICY][i as usize % 2];
        if i % 3 == 0 {
            swap(&engine, next).unwrap();
        } else {
            // At the start as well, where the policy may be what a new segment is begun for.
            run(engine.close());
            engine = data.open(next);
        }
    }
    run(engine.close());
    let mut segments = 0;
    for file in std::fs::read_dir(data.journal()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let Some(first) = name.strip_suffix(".wj").and_then(|n| n.parse::<u64>().ok()) else {
            continue;
        };
        segments += 1;
        let mut reader = wardroom_journal::Reader::open(data.journal()).unwrap().from(first).unwrap();
        let mut head = None;
        while let Some(frame) = reader.next_frame().unwrap() {
            if frame.position.segment != first {
                break;
            }
            // The first number after the version: a head's own, an event's policy.
            let number = number(&mut &frame.payload[1..]);
            match frame.kind {
                crate::support::POLICY_HEAD => head = Some(number),
                1 | 2 => assert_eq!(Some(number), head, "record {} of segment {first}", frame.position.seq),
                _ => {}
            }
        }
        assert!(head.is_some() || reader.first_seq() == first, "segment {first}");
        let mut begins = wardroom_journal::Reader::open(data.journal()).unwrap().from(first).unwrap();
        let begin = begins.next_frame().unwrap().unwrap();
        // The first one has no policy to begin with, and says only where the outbox stands.
        let begins_with_policy = begin.kind == crate::support::POLICY_HEAD;
        assert!(begin.is_prologue() && begins_with_policy == (first > 1), "segment {first}");
    }
    assert!(segments > 10, "{segments}");
}
