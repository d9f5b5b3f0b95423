// SPDX-License-Identifier: Apache-2.0
//! Files against an independent model: a map of what the lists said.

use super::*;
use crate::breach::{filter, ranges};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;

/// The SHA-1 of a number: hashes of which none was chosen.
fn hash(number: u64) -> Hash {
    Sha1::of(&number.to_le_bytes()).hash()
}

fn hex(hash: &Hash, kind: Kind) -> String {
    hash.0[..kind.bytes()].iter().map(|byte| format!("{byte:02X}")).collect()
}

fn plan(out: &Path) -> Plan {
    Plan {
        kind: Kind::Sha1,
        plain: false,
        least: 1,
        slot: Slot::Bits16,
        ranges: true,
        skip_bad: false,
        out: out.to_owned(),
    }
}

fn build_of(plan: &Plan, text: &str) -> Result<Built, BreachError> {
    let list = List::of("list".to_owned(), Cursor::new(text.as_bytes().to_vec()));
    build(plan, vec![list], &mut |_, _| true)
}

fn bytes(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    fs::File::open(path).unwrap().take(1 << 30).read_to_end(&mut bytes).unwrap();
    bytes
}

fn files(dir: &Path, kind: Kind) -> (Filter, Ranges) {
    let path = |what: What| dir.join(format!("{}.{}", kind.name(), what.name()));
    (Filter::open(&path(What::Filter), 0).unwrap(), Ranges::open(&path(What::Ranges)).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn what_a_list_says_is_what_the_files_say(
        lines in prop::collection::vec((0u64..400, 0u32..100_000), 1..600),
        least in 0u32..500,
        ntlm in any::<bool>(),
    ) {
        let kind = if ntlm { Kind::Ntlm } else { Kind::Sha1 };
        let cut = |number| { let mut h = hash(number); h.0[kind.bytes()..].fill(0); h };
        let text: String =
            lines.iter().map(|(n, count)| format!("{}:{count}\n", hex(&cut(*n), kind))).collect();
        let mut model: BTreeMap<Hash, u32> = BTreeMap::new();
        for (number, count) in lines.iter().filter(|(_, count)| *count >= least.max(1)) {
            let most = model.entry(cut(*number)).or_default();
            *most = (*most).max(*count);
        }
        let dir = tempfile::tempdir().unwrap();
        let plan = Plan { kind, least, ..plan(dir.path()) };
        match build_of(&plan, &text) {
            Err(e) => prop_assert!(model.is_empty() && matches!(e, BreachError::Empty), "{}", e),
            Ok(built) => {
                prop_assert_eq!(built.lines, lines.len() as u64);
                let (filter, ranges) = files(dir.path(), kind);
                prop_assert_eq!(filter.about().hashes, model.len() as u64);
                prop_assert_eq!(ranges.about().hashes, model.len() as u64);
                for (hash, count) in &model {
                    prop_assert_eq!(filter.look(hash).unwrap(), 10u64.pow(count.ilog10().min(7)));
                    prop_assert_eq!(ranges.count(hash).unwrap(), *count);
                    let same = model.iter().filter(|(other, _)| other.prefix() == hash.prefix());
                    let same: Vec<Entry> = same.map(|(hash, count)| (*hash, *count)).collect();
                    prop_assert_eq!(ranges.range(hash.prefix()).unwrap(), same);
                }
                for number in (400..440).map(cut) {
                    prop_assert_eq!(ranges.count(&number).unwrap(), 0);
                }
            }
        }
    }

    /// A file whose checksums are right says what nobody wrote: an answer or an error, in bounded memory.
    #[test]
    fn forged_files_are_refused_or_answer(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..12),
        small in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let text: String = (0..700).map(|n| format!("{}:{n}\n", hex(&hash(n), Kind::Sha1))).collect();
        build_of(&plan(dir.path()), &text).unwrap();
        let mut forged = bytes(&dir.path().join(if small { "sha1.filter" } else { "sha1.ranges" }));
        for (at, value, early) in changes {
            let at = if early { 8 + at.index(48) } else { at.index(forged.len()) };
            forged[at] = value;
        }
        let forged = seal(&forged);
        let asked = [hash(1), hash(5000)];
        if let Ok(filter) = Filter::of_bytes(&forged) {
            asked.iter().for_each(|hash| drop(filter.look(hash)));
        }
        if let Ok(ranges) = Ranges::of_bytes(&forged) {
            asked.iter().for_each(|hash| drop((ranges.range(hash.prefix()), ranges.count(hash))));
        }
    }
}

#[test]
fn a_filter_is_wrong_as_often_as_it_says() {
    let dir = tempfile::tempdir().unwrap();
    let (known, asked) = (0..20_000, 1_000_000..1_400_000u64);
    // Told to expect more, it is split in shards as a long list is.
    for (name, expected) in [("one", 20_000), ("many", 40_000_000)] {
        let path = dir.path().join(name);
        let mut writer = filter::Writer::create(&path, Kind::Sha1, Slot::Bits16, expected).unwrap();
        let mut hashes: Vec<Hash> = known.clone().map(hash).collect();
        hashes.sort_unstable();
        hashes.iter().for_each(|hash| writer.push(hash, 7).unwrap());
        writer.finish(1, 0).unwrap();
        let filter = Filter::open(&path, 1 << 30).unwrap();
        assert!(
            hashes.iter().all(|hash| filter.look(hash).unwrap() == 1),
            "{name}: one of its own is missing"
        );
        let wrong = asked.clone().filter(|number| filter.look(&hash(*number)).unwrap() > 0).count() as f64;
        let expect = (asked.end - asked.start) as f64 * filter.about().false_positive_rate();
        // Five standard deviations of a binomial, on either side: too few were a rate that is not what is stated either.
        assert!((wrong - expect).abs() < 5.0 * expect.sqrt(), "{name}: {wrong} and not about {expect}");
    }
}

#[test]
fn wider_slots_are_wrong_less_often() {
    let dir = tempfile::tempdir().unwrap();
    let text: String = (0..5000).map(|n| format!("{}\n", hex(&hash(n), Kind::Sha1))).collect();
    for (slot, error_bits) in [(Slot::Bits16, 13), (Slot::Bits24, 21), (Slot::Bits32, 29)] {
        build_of(&Plan { slot, ..plan(dir.path()) }, &text).unwrap();
        let (filter, _) = files(dir.path(), Kind::Sha1);
        assert_eq!(filter.about().error_bits, error_bits);
        assert!((0..5000).all(|n| filter.look(&hash(n)).unwrap() == 1));
        let wrong = (1_000_000..1_020_000).filter(|n| filter.look(&hash(*n)).unwrap() > 0).count();
        assert!(slot == Slot::Bits16 || wrong <= 1, "{slot:?}: {wrong}");
    }
}

#[test]
fn a_group_for_each_prefix_answers_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let mut hashes: Vec<Hash> = (0..3000).map(hash).collect();
    hashes.sort_unstable();
    let write = |name: &str, expected| {
        let path = dir.path().join(name);
        let mut writer = ranges::Writer::create(&path, Kind::Sha1, expected).unwrap();
        hashes.iter().for_each(|hash| writer.push(hash, 3).unwrap());
        let about = writer.finish(1, 0).unwrap();
        (Ranges::open(&path).unwrap(), about.split)
    };
    let ((few, split), (many, full)) = (write("few", 3000), write("many", 2_000_000_000));
    assert!(split < 5 && full == 20, "{split} {full}");
    for hash in &hashes {
        assert_eq!(few.range(hash.prefix()).unwrap(), many.range(hash.prefix()).unwrap());
    }
}

#[test]
fn damage_is_found_wherever_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let text: String = (0..3000).map(|n| format!("{}:{n}\n", hex(&hash(n), Kind::Sha1))).collect();
    build_of(&plan(dir.path()), &text).unwrap();
    let (filter, ranges) = files(dir.path(), Kind::Sha1);
    for name in ["sha1.filter", "sha1.ranges"] {
        let whole = bytes(&dir.path().join(name));
        let path = dir.path().join("bad");
        for at in (0..whole.len()).step_by(2039) {
            let mut bad = whole.clone();
            bad[at] ^= 0x10;
            fs::write(&path, &bad).unwrap();
            assert!(about(&path, |_, _| true).is_err(), "byte {at} of {name}");
            // Read in places, it gives what is right or an error.
            if let Ok(bad) = Filter::open(&path, 0) {
                (1..40).for_each(|n| {
                    assert!(
                        bad.look(&hash(n)).is_ok_and(|f| f == filter.look(&hash(n)).unwrap())
                            || bad.look(&hash(n)).is_err()
                    )
                });
            }
            if let Ok(bad) = Ranges::open(&path) {
                let right = |n| ranges.range(hash(n).prefix()).unwrap();
                (1..40).for_each(|n| {
                    assert!(bad.range(hash(n).prefix()).map_or(true, |found| found == right(n)))
                });
            }
        }
        for length in [0, 1, 7, 55, 4095, 4096, 8192, whole.len() - 4096, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            let opened = [Filter::open(&path, 0).err(), Filter::open(&path, 1 << 30).err()];
            assert!(opened.iter().all(Option::is_some), "{length} bytes of {name}");
            assert!(Ranges::open(&path).is_err() && about(&path, |_, _| true).is_err());
        }
        fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
        assert!(about(&path, |_, _| true).unwrap_err().to_string().contains("and should have"));
    }
}

#[test]
fn a_file_of_the_other_kind_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    build_of(&plan(dir.path()), &hex(&hash(1), Kind::Sha1)).unwrap();
    let path = |name: &str| Some(dir.path().join(name));
    let check = |sources: Sources, expect: &str| {
        let said = Files::open(&sources).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(said.contains(expect), "{said}");
    };
    check(Sources { filter: path("sha1.ranges"), ..Sources::default() }, "it has ranges and no filter");
    check(Sources { ranges: path("sha1.filter"), ..Sources::default() }, "it is a filter and has no ranges");
    check(
        Sources { ntlm_ranges: path("sha1.ranges"), ..Sources::default() },
        "hashes are sha1 and should be ntlm",
    );
    check(Sources { filter: path("none"), ..Sources::default() }, "cannot open");
    fs::write(dir.path().join("text"), "a list, perhaps").unwrap();
    check(Sources { filter: path("text"), ..Sources::default() }, "does not begin like one");
}

#[test]
fn bad_lines_are_all_told_and_stop_the_build() {
    let dir = tempfile::tempdir().unwrap();
    let good = |n| hex(&hash(n), Kind::Sha1);
    let text = format!("{}:3\nhunter2\n{}:x\n{}:1\n", good(1), good(2), good(3));
    let said = build_of(&plan(dir.path()), &text).unwrap_err().to_string();
    assert!(said.contains("2 lines are not right, and nothing is built"), "{said}");
    assert!(said.contains("list:2: 7 digits") && said.contains("list:3: what is after the colon"), "{said}");
    assert!(!said.contains("hunter2") && !said.contains(&good(2)), "what is on a line is not told: {said}");
    assert!(!dir.path().join("sha1.filter").exists());
    let built = build_of(&Plan { skip_bad: true, ..plan(dir.path()) }, &text).unwrap();
    assert_eq!((built.bad.count, built.lines), (2, 4));
    assert_eq!(files(dir.path(), Kind::Sha1).1.about().hashes, 2);
}

#[test]
fn passwords_are_counted_and_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let text = "correct horse\nbattery staple\ncorrect horse\n".repeat(6);
    let built = build_of(&Plan { plain: true, least: 7, ..plan(dir.path()) }, &text).unwrap();
    assert_eq!((built.lines, built.repeated), (18, 16));
    let (filter, ranges) = files(dir.path(), Kind::Sha1);
    let horse = Sha1::of(b"correct horse").hash();
    assert_eq!((ranges.count(&horse).unwrap(), filter.look(&horse).unwrap()), (12, 10));
    assert_eq!((ranges.about().hashes, ranges.about().left_out, ranges.about().least), (1, 1, 7));
    for name in ["sha1.filter", "sha1.ranges"] {
        let kept = bytes(&dir.path().join(name));
        assert!(!kept.windows(7).any(|window| window == b"correct"), "{name}");
    }
}

#[test]
fn a_build_that_is_stopped_leaves_what_was_there() {
    let dir = tempfile::tempdir().unwrap();
    let list = |from: u64| -> String {
        (from..from + 150_000).map(|n| format!("{}\n", hex(&hash(n), Kind::Sha1))).collect()
    };
    build_of(&plan(dir.path()), "0000000000000000000000000000000000000000").unwrap();
    let before = bytes(&dir.path().join("sha1.ranges"));
    let text = list(0);
    // Stopped while it reads, while it writes, and when all but the last step is done.
    for (asked, stop_at) in [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6)] {
        let mut calls = 0;
        let stopped = build(
            &plan(dir.path()),
            vec![List::of("list".to_owned(), Cursor::new(text.clone().into_bytes()))],
            &mut |_, _| {
                calls += 1;
                calls < stop_at
            },
        );
        assert!(matches!(stopped, Err(BreachError::Stopped)), "at question {asked}");
        assert_eq!(bytes(&dir.path().join("sha1.ranges")), before);
        assert!(!dir.path().join(".building").exists(), "half a file is left");
    }
}

#[test]
fn what_a_killed_build_left_is_removed_and_two_at_once_are_told() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join(".building")).unwrap();
    fs::write(dir.path().join(".building/sha1.filter"), "half").unwrap();
    let line = hex(&hash(1), Kind::Sha1);
    build_of(&plan(dir.path()), &line).unwrap();
    assert!(!dir.path().join(".building").exists());
    let lock = fs::File::open(dir.path().join(".lock")).unwrap();
    lock.lock().unwrap();
    assert!(matches!(build_of(&plan(dir.path()), &line), Err(BreachError::Busy(_))));
}

#[test]
fn the_same_list_makes_the_same_file() {
    let dir = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..2000).map(|n| format!("{}:{n}\n", hex(&hash(n), Kind::Sha1))).collect();
    let build = |text: String| {
        build_of(&plan(dir.path()), &text).unwrap();
        ["sha1.filter", "sha1.ranges"].map(|name| bytes(&dir.path().join(name)))
    };
    let forwards = build(lines.concat());
    assert_eq!(forwards, build(lines.iter().rev().cloned().collect::<String>()));
}

#[test]
fn a_list_of_something_else_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let alike: String = (0..70_000u32).map(|n| format!("{:040X}\n", n)).collect();
    let said = build_of(&plan(dir.path()), &alike).unwrap_err().to_string();
    assert!(said.contains("not spread as hashes of passwords are"), "{said}");
}

#[test]
fn two_facts_of_a_password_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    build_of(&Plan { plain: true, ..plan(dir.path()) }, &"hunter2\n".repeat(17)).unwrap();
    let sources = Sources { filter: Some(dir.path().join("sha1.filter")), ..Sources::default() };
    let breach = Breach::new([7; 16], Files::open(&sources).unwrap(), false);
    let (known, other) = (Sha1::of(b"hunter2"), Sha1::of(b"correct horse battery staple"));
    let facts = breach.facts(&known);
    assert_eq!(facts.breached, Some(10));
    assert!(facts.password.len() == 4 && facts.password.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(facts, breach.facts(&Sha1::from_hex("F3BBBD66A63D4BF1747940578EC3D0103530E21D").unwrap()));
    assert_eq!(breach.facts(&other).breached, Some(0));
    assert_ne!(breach.facts(&other).password, facts.password);
    let elsewhere = Breach::new([8; 16], Files::default(), false).facts(&known);
    assert!(elsewhere.password != facts.password && elsewhere.breached.is_none());
    assert_eq!(format!("{known:?} {:?} {breach:?}", known.hash()), "Sha1(…) Hash(…) Breach(…)");
}

#[test]
fn texts_of_passwords_are_spread_over_all_there_are() {
    let breach = Breach::new([7; 16], Files::default(), false);
    let texts: std::collections::HashSet<String> =
        (0..5000u32).map(|n| breach.facts(&Sha1::of(&n.to_le_bytes())).password).collect();
    // Of 5,000 thrown into 65,536 places, 4,814 are expected to be different.
    assert!((4750..4880).contains(&texts.len()), "{}", texts.len());
}

#[test]
fn prefixes_are_five_digits_in_either_case() {
    let check = |text: &str, expect: bool| assert_eq!(Prefix::parse(text).is_some(), expect, "{text}");
    check("21BD1", true);
    check("21bd1", true);
    check("21BD", false);
    check("21BD12", false);
    check("21BDG", false);
    check("+1BD1", false);
    check("", false);
    check("ä1BD", false);
    assert_eq!(Prefix::parse("21bd1"), Prefix::parse("21BD1"));
    assert_eq!(Sha1::of(b"P@ssw0rd").hash().prefix(), Prefix::parse("21BD1").unwrap());
}
