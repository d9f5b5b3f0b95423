// SPDX-License-Identifier: Apache-2.0
//! A journal that is not as this version wrote it: half a policy, other kinds, other versions, broken bytes.

use crate::support::{
    Data, OTHER, POLICY, POLICY_HEAD, bundle, content, decide, everything, line, login, run, submit, warm,
};
use wardroom_engine::{EngineError, Outcome, Work};
use wardroom_journal::{Durability, Journal, JournalError, Options, Reader, frame_bytes};

const DECIDED: u8 = 1;
const RECORDED: u8 = 2;
const POLICY_PART: u8 = 3;

type Frame = (u8, Vec<u8>);

/// A closed directory with three decisions.
fn three() -> Data {
    let data = Data::new();
    let engine = data.open(POLICY);
    for i in 0..3 {
        decide(&engine, &login(i, i, "a", "192.0.2.1", false));
    }
    run(engine.close());
    data
}

/// Every record of a journal.
fn frames(data: &Data) -> Vec<Frame> {
    let mut reader = Reader::open(data.journal()).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        if !frame.is_prologue() {
            frames.push((frame.kind, frame.payload.to_vec()));
        }
    }
    frames
}

/// A directory with the same secret and these records.
fn rewritten(data: &Data, frames: &[Frame]) -> Data {
    let new = Data::new();
    std::fs::create_dir(new.path()).unwrap();
    std::fs::copy(data.path().join("secret"), new.path().join("secret")).unwrap();
    let (mut writer, _) = Journal::open(new.journal(), Options::default()).unwrap();
    for (kind, payload) in frames {
        writer.reserve(frame_bytes(payload.len())).unwrap();
        writer.append(*kind, payload).unwrap();
        writer.commit(Durability::Sync).unwrap();
    }
    new
}

#[test]
fn the_records_are_what_this_test_takes_them_for() {
    let data = three();
    let kinds: Vec<u8> = frames(&data).iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [POLICY_PART, POLICY_HEAD, DECIDED, DECIDED, DECIDED]);
    let copy = rewritten(&data, &frames(&data));
    let said = |data: &Data| everything(&data.reopen()).iter().map(content).collect::<Vec<_>>();
    assert_eq!(said(&copy), said(&data));
}

/// A kill between a policy's text and its head: the text belongs to nothing, and the next policy is read without it.
#[test]
fn text_without_a_head_is_passed_over() {
    let data = three();
    let mut all = frames(&data);
    let part = all[0].clone();
    // At the very beginning.
    let first = rewritten(&data, std::slice::from_ref(&part));
    assert!(matches!(first.refusal(None), EngineError::NoPolicy));
    let engine = first.open(POLICY);
    decide(&engine, &login(1, 1, "a", "192.0.2.1", false));
    run(engine.close());
    let (engine, opened) = first.try_open(Some(POLICY)).unwrap();
    assert_eq!((opened.adopted, opened.events, opened.uncounted), (false, 1, 0));
    run(engine.close());
    // And after events, twice.
    all.extend([part.clone(), part]);
    let later = rewritten(&data, &all);
    let engine = later.reopen();
    run(engine.swap(bundle(OTHER), wardroom_engine::Origin::Api, crate::support::NOON)).unwrap();
    warm(&engine);
    assert_eq!(line(&decide(&engine, &login("x", 4, "a", "192.0.2.1", false))), "review guessing:review");
    run(engine.close());
    let (engine, opened) = later.try_open(None).unwrap();
    assert_eq!((opened.events, opened.uncounted), (4, 0));
    assert_eq!(engine.active().bundle, bundle(OTHER));
    assert_eq!(line(&decide(&engine, &login("y", 5, "a", "192.0.2.1", false))), "review guessing:review");
}

#[test]
fn a_kind_of_a_later_version_is_passed_over() {
    let data = three();
    let mut all = frames(&data);
    let said = everything(&data.reopen());
    for kind in [0, 77, 200, 255] {
        all.push((kind, b"what this is nobody here knows".to_vec()));
    }
    let last = all.len() as u64;
    let newer = rewritten(&data, &all);
    let (engine, opened) = newer.try_open(None).unwrap();
    assert_eq!((opened.events, opened.uncounted, engine.status().seq), (3, 0, last));
    assert_eq!(everything(&engine), said);
    assert_eq!(engine.decision(last).unwrap(), None);
    assert_eq!(decide(&engine, &login("next", 4, "a", "192.0.2.1", false)).seq, last + 1);
}

/// A crash in the middle of a write: the decision is there, and not all that was to come behind it. Who sent the event
/// again would be told of that decision, so what it says of labels and lists has to hold.
#[test]
fn a_decision_cut_off_from_its_changes_gets_them() {
    const CHANGE: u8 = 6;
    let policy = r#"
event login:
    account: account
    ip: ip

list bad: ip

rule first on login:
    when    account == "a"
    then    block, label(ip.net, "one"), list(ip, bad), label(account, "two")
    because "{account}"

rule after on login:
    when    ip in bad and labelled(ip.net, "one")
    then    review
    because "{ip}"
"#;
    let data = Data::new();
    let engine = data.open(policy);
    let event = |id: u32, account: &str| {
        crate::support::sent("login", i64::from(id), &format!(r#""account":"{account}","ip":"192.0.2.1""#))
            .id(id)
    };
    decide(&engine, &event(1, "a"));
    run(engine.close());
    let whole = frames(&data);
    assert_eq!(
        whole.iter().map(|(kind, _)| *kind).collect::<Vec<_>>()[2..],
        [DECIDED, CHANGE, CHANGE, CHANGE]
    );
    for there in 3..whole.len() {
        let cut = rewritten(&data, &whole[..there]);
        // Looked at and left alone; then gone on with; then once more.
        run(cut.reopen().close());
        let engine = cut.reopen();
        assert_eq!(line(&decide(&engine, &event(2, "b"))), "review after:review", "{there} records");
        run(engine.close());
        assert_eq!(frames(&cut)[..whole.len()], whole, "{there} records");
        assert_eq!(line(&decide(&cut.reopen(), &event(3, "b"))), "review after:review");
        // And a policy that comes first.
        let cut = rewritten(&data, &whole[..there]);
        run(cut.open(POLICY).close());
        assert_eq!(frames(&cut)[..whole.len()], whole, "{there} records, and a policy");
    }
}

/// Opens a journal in which one record is changed; gives the message of the refusal.
fn refusal_after(change: impl Fn(&mut Vec<Frame>)) -> String {
    let data = three();
    let mut all = frames(&data);
    change(&mut all);
    let changed = rewritten(&data, &all);
    let before = frames(&changed);
    let refused = changed.refusal(Some(POLICY));
    assert!(matches!(refused, EngineError::Record { .. }), "{refused}");
    assert!(frames(&changed) == before, "nothing is changed");
    refused.to_string()
}

#[test]
fn a_record_of_a_later_version_is_refused_by_number_and_version() {
    let version = |at: usize, version: u8| refusal_after(move |all| all[at].1[0] = version);
    assert_eq!(
        version(4, 2),
        "journal record 5 cannot be read: an event record of version 2; this program reads version 1"
    );
    assert_eq!(
        version(1, 4),
        "journal record 2 cannot be read: a policy record of version 4; this program reads versions 1 to 3"
    );
    assert_eq!(
        version(0, 2),
        "journal record 1 cannot be read: a policy text of version 2; this program reads version 1"
    );
}

#[test]
fn what_cannot_be_read_is_refused_by_number() {
    let check = |change: fn(&mut Vec<Frame>), expect: &str| {
        let said = refusal_after(change);
        assert!(said.contains(expect), "{said}");
    };
    check(|all| all[3].1.truncate(7), "record 4 cannot be read: it ends too early");
    check(|all| all[3].1.clear(), "record 4 cannot be read: it ends too early");
    check(|all| all[3].1[1] = 9, "record 4 cannot be read: it belongs to another policy");
    check(|all| all[3].1[2] = 99, "record 4 cannot be read: its policy has no event type number 99");
    check(|all| all[3].0 = RECORDED, "bytes too many");
    check(|all| all[1].1.push(0), "record 2 cannot be read: 1 bytes too many");
    check(|all| drop(all.drain(..2)), "record 1 cannot be read: an event before any policy");
}

/// Every place at which a record can end too early: refused or read, never a panic, never something else.
#[test]
fn no_cut_of_a_record_is_taken_for_another() {
    let data = three();
    let all = frames(&data);
    for at in [1, 3] {
        let whole = all[at].1.clone();
        for len in (0..whole.len()).step_by(7) {
            let mut cut = all.clone();
            cut[at].1.truncate(len);
            let cut = rewritten(&data, &cut);
            match cut.try_open(None) {
                // The judged part of an event is read when it is asked for.
                Ok((engine, opened)) => {
                    assert_eq!((at, opened.events), (3, 3));
                    let unreadable = engine.decision(4);
                    assert!(
                        matches!(unreadable, Err(EngineError::Record { seq: 4, .. })),
                        "{len}: {unreadable:?}"
                    );
                    assert!(engine.decision(5).unwrap().is_some());
                    run(engine.close());
                }
                Err(EngineError::Record { seq, .. }) => {
                    assert!(seq == at as u64 + 1 || at == 1, "{seq} for {at}")
                }
                Err(e) => panic!("{e}"),
            }
        }
    }
}

/// A policy that this version no longer takes: another is needed, and its events count under that one.
#[test]
fn a_policy_that_no_longer_compiles_is_named() {
    let check = |text: &str, named: &str| {
        let data = three();
        let mut all = frames(&data);
        // Same length of text, so that the part stays well-formed.
        let old = String::from_utf8_lossy(&all[0].1).into_owned();
        let at = old.find("rule guessing").unwrap();
        all[0].1[at..at + text.len()].copy_from_slice(text.as_bytes());
        let changed = rewritten(&data, &all);
        let refused = changed.refusal(None);
        assert!(matches!(refused, EngineError::OldPolicy { .. }), "{refused}");
        assert!(refused.to_string().contains(named), "{refused}");
        let (engine, opened) = changed.try_open(Some(OTHER)).unwrap();
        assert_eq!((opened.events, opened.uncounted, opened.adopted), (3, 0, true));
        assert_eq!(everything(&engine).len(), 3, "and they can be read");
        let again = login(1, 1, "a", "192.0.2.1", false);
        let outcome = crate::support::submit(&engine, &again, wardroom_engine::Work::Decide);
        assert_eq!(outcome, wardroom_engine::Outcome::Repeated { seq: 4 });
        let stored = decide(&engine, &login("x", 4, "a", "192.0.2.1", false));
        assert_eq!(line(&stored), "review guessing:review", "three failures before");
    };
    check("rulz", "a declaration");
}

#[test]
fn a_policy_whose_text_is_incomplete_is_named() {
    let data = three();
    let mut all = frames(&data);
    // The place of the text is taken by something else, so that numbers stay.
    all[0] = (99, b"x".to_vec());
    let changed = rewritten(&data, &all);
    let refused = changed.refusal(None);
    assert!(matches!(refused, EngineError::OldPolicy { .. }), "{refused}");
    let (_, opened) = changed.try_open(Some(POLICY)).unwrap();
    assert_eq!((opened.events, opened.uncounted, opened.adopted), (3, 0, true));
}

/// A flipped bit where an acknowledged record was: refused by place, by the journal, and nothing is cut away.
#[test]
fn a_damaged_segment_is_refused_by_place() {
    let data = Data::new();
    let engine = data.open(POLICY);
    for i in 0..200 {
        decide(&engine, &login(i, i, "a", "192.0.2.1", false));
    }
    let seq = everything(&engine)[100].seq;
    run(engine.close());
    let mut reader = Reader::open(data.journal()).unwrap().from(seq).unwrap();
    let place = loop {
        let frame = reader.next_frame().unwrap().unwrap();
        if !frame.is_prologue() {
            break frame.position;
        }
    };
    let path = data.journal().join(format!("{:020}.wj", place.segment));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[place.offset as usize + 30] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let refused = data.refusal(Some(POLICY));
    let EngineError::Journal(JournalError::Corrupt { seq: named, .. }) = &refused else {
        panic!("{refused}");
    };
    assert_eq!(*named, seq);
    assert!(refused.to_string().contains(path.file_name().unwrap().to_str().unwrap()), "{refused}");
    assert!(std::fs::read(&path).unwrap() == bytes);
}

#[test]
fn a_damaged_secret_is_named_and_left_alone() {
    let data = three();
    let path = data.path().join("secret");
    let good = std::fs::read(&path).unwrap();
    let check = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let refused = data.refusal(Some(POLICY));
        assert!(matches!(refused, EngineError::Secret { .. }), "{refused}");
        assert!(refused.to_string().contains(path.to_str().unwrap()), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    };
    check(b"");
    check(b"zz112233445566778899aabbccddeeff\n");
    check(&good[..20]);
    check(&[0xff; 33]);
    std::fs::write(&path, &good).unwrap();
    assert_eq!(everything(&data.reopen()).len(), 3);
}

/// A torn tail after a kill is cut and reported, and what was acknowledged stays.
#[test]
fn a_torn_tail_is_cut_and_reported() {
    let data = three();
    let mut segments: Vec<_> =
        std::fs::read_dir(data.journal()).unwrap().map(|e| e.unwrap().path()).collect();
    segments.retain(|p| p.extension().is_some_and(|e| e == "wj"));
    segments.sort();
    let path = segments.pop().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let mut reader = Reader::open(data.journal()).unwrap();
    let mut end = 0;
    while let Some(frame) = reader.next_frame().unwrap() {
        end = frame.position.offset as usize + frame_bytes(frame.payload.len()) as usize;
    }
    bytes.resize(bytes.len().max(end + 64), 0);
    bytes[end..end + 40].fill(0xab);
    std::fs::write(&path, &bytes).unwrap();
    let (engine, opened) = data.try_open(None).unwrap();
    assert!(opened.recovery.torn.is_some());
    assert_eq!(everything(&engine).len(), 3);
}

/// The last record of this kind that is not the last of all gets a wrong byte, and the journal is repaired.
fn repaired_without(data: &Data, kind: u8) -> u64 {
    let mut reader = Reader::open(data.journal()).unwrap();
    let (mut all, mut last) = (Vec::new(), 0);
    while let Some(frame) = reader.next_frame().unwrap() {
        last = frame.position.seq;
        if frame.kind == kind && !frame.is_prologue() {
            all.push(frame.position);
        }
    }
    let at = *all.iter().rev().find(|at| at.seq < last).unwrap();
    let path = data.journal().join(format!("{:020}.wj", at.segment));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[at.offset as usize + 30] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(data.refusal(None), EngineError::Journal(JournalError::Corrupt { .. })));
    let keys = wardroom_journal::Keyring::default();
    let done = wardroom_journal::repair(&wardroom_journal::FsDisk, &data.journal(), &keys, false, |_, _| {})
        .unwrap();
    assert_eq!(done.lost(), 1);
    at.seq
}

/// A record that a repair found lost means nothing, and what refers to it is not counted.
#[test]
fn a_repaired_journal_opens_and_goes_on() {
    let data = three();
    let said = everything(&data.reopen());
    let lost = repaired_without(&data, DECIDED);
    let (engine, opened) = data.try_open(None).unwrap();
    assert_eq!((opened.events, opened.uncounted), (2, 0));
    assert_eq!(engine.decision(lost).unwrap(), None);
    let left: Vec<_> = everything(&engine).iter().map(|stored| stored.seq).collect();
    assert_eq!(left, [said[0].seq, said[2].seq]);
    // Its id can be decided anew; the others' cannot.
    assert!(decide(&engine, &login(1, 1, "a", "192.0.2.1", false)).seq > said[2].seq);
    let again = submit(&engine, &login(2, 2, "a", "192.0.2.1", false), Work::Decide);
    assert_eq!(again, Outcome::Repeated { seq: said[2].seq });
    run(engine.close());
}

/// The names of a policy whose head is lost come back with the next segment; what was judged by it before is kept unread.
#[test]
fn events_of_a_lost_policy_are_kept_and_not_counted() {
    let data = Data::new();
    let engine = data.open(POLICY);
    decide(&engine, &login("before", 0, "a", "192.0.2.1", false));
    run(engine.swap(bundle(OTHER), wardroom_engine::Origin::Api, crate::support::NOON)).unwrap();
    warm(&engine);
    for i in 0..80 {
        decide(&engine, &login(i, i, "a", "192.0.2.1", false));
    }
    run(engine.close());
    repaired_without(&data, POLICY_HEAD);
    let (engine, opened) = data.try_open(None).unwrap();
    assert_eq!(engine.active().program.version.0.to_string(), bundle(OTHER).version().0.to_string());
    assert!((1..81).contains(&opened.events), "{opened:?}");
    assert_eq!(line(&decide(&engine, &login("x", 90, "a", "192.0.2.1", false))), "review guessing:review");
    run(engine.close());
}
