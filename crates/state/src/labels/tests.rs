// SPDX-License-Identifier: Apache-2.0
//! Labels against a map, as bytes, and at their bounds.

use super::*;
use proptest::prelude::*;

#[test]
fn labels_are_set_renewed_and_removed() {
    let mut labels = Labels::new();
    assert_eq!(labels.set(Key(1), "farm", Some(Micros(100))), Ok(true));
    assert_eq!(labels.set(Key(1), "bot", None), Ok(true));
    assert!(labels.has(Key(1), "farm", Micros(99)) && !labels.has(Key(1), "farm", Micros(100)));
    assert!(labels.has(Key(1), "bot", Micros(i64::MAX)));
    assert!(!labels.has(Key(2), "farm", Micros(0)) && !labels.has(Key(1), "unknown", Micros(0)));
    assert_eq!(labels.set(Key(1), "farm", None), Ok(false));
    assert_eq!(labels.purge(Micros(1000), 10), 0, "it no longer expires");
    assert!(labels.remove(Key(1), "farm") && !labels.remove(Key(1), "farm"));
    assert!(!labels.remove(Key(1), "unknown"));
    assert_eq!((labels.len(), labels.is_empty(), format!("{labels:?}").as_str()), (1, false, "Labels(1)"));
}

#[test]
fn labels_are_bounded() {
    let mut labels = Labels::with_limit(2);
    assert_eq!(labels.set(Key(1), "a", None), Ok(true));
    assert_eq!(labels.set(Key(2), "a", Some(Micros(5))), Ok(true));
    assert_eq!(labels.set(Key(3), "a", None), Err(LabelError::Full { most: 2 }));
    assert_eq!(labels.set(Key(2), "a", Some(Micros(6))), Ok(false), "one that is set can be renewed");
    assert_eq!((labels.purge(Micros(5), 9), labels.purge(Micros(6), 9)), (0, 1));
    let long = "x".repeat(limits::LABEL_BYTES + 1);
    assert_eq!(labels.set(Key(3), &long, None), Err(LabelError::TooLong { bytes: long.len() }));
    let mut names = Labels::new();
    for n in 0..limits::LABEL_NAMES {
        names.set(Key(1), &n.to_string(), None).unwrap();
    }
    assert_eq!(names.set(Key(1), "one more", None), Err(LabelError::TooManyNames));
    assert!(names.bytes() > limits::LABEL_NAMES * 24 && Labels::new().bytes() == 0);
}

#[test]
fn what_is_written_is_loaded_and_only_changes_are_written_again() {
    let key = |n: u64| Key(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut labels = Labels::with_limit(5000);
    for n in 0..5000 {
        let until = (n % 3 > 0).then_some(Micros(n as i64));
        labels.set(key(n), ["a", "of more bytes"][n as usize % 2], until).unwrap();
    }
    let pieces = |labels: &mut Labels, all| {
        let mut out = Vec::new();
        let mut place = Place::default();
        while labels.write(&mut place, all, &mut out) {}
        out
    };
    let whole = pieces(&mut labels, true);
    let mut copy = Labels::with_limit(1);
    copy.load(&whole).unwrap();
    assert_eq!((copy.len(), pieces(&mut labels, false)), (5000, vec![]));
    labels.set(Key(0), "a", Some(Micros(7))).unwrap();
    let changed = pieces(&mut labels, false);
    assert!(!changed.is_empty() && changed.len() < whole.len() / 100);
    copy.load(&changed).unwrap();
    for n in 0..5000 {
        for (name, at) in [("a", 7), ("a", 6), ("of more bytes", n - 1), ("of more bytes", n)] {
            let key = key(n as u64);
            assert_eq!(copy.has(key, name, Micros(at)), labels.has(key, name, Micros(at)), "{n} {name}");
        }
    }
    let expiring =
        |labels: &Labels| labels.expiring.iter().map(|(at, key, _)| (*at, *key)).collect::<Vec<_>>();
    assert!(expiring(&copy) == expiring(&labels));
    for end in 1..18 {
        assert_eq!(Labels::new().load(&whole[..end]), Err(LabelError::Unreadable), "{end}");
    }
    assert_eq!(Labels::new().load(&[0xff; 300]), Err(LabelError::Unreadable));
}

proptest! {
    /// Against a map, purged in steps along the way.
    #[test]
    fn labels_follow_a_map(
        steps in prop::collection::vec((0u64..5, 0usize..3, prop::option::of(0i64..50), 0..4), 1..200)
    ) {
        let names = ["a", "b", "c"];
        let mut labels = Labels::new();
        let mut map: BTreeMap<(u64, usize), Option<i64>> = BTreeMap::new();
        for (now, (key, name, until, act)) in steps.into_iter().enumerate() {
            let now = now as i64 / 4;
            match act {
                0 => {
                    let held = map.remove(&(key, name)).is_some();
                    prop_assert_eq!(labels.remove(Key(key), names[name]), held);
                }
                1 => {
                    let gone = map.values().filter(|until| until.is_some_and(|at| at <= now)).count();
                    prop_assert_eq!(labels.purge(Micros(now), 1), gone.min(1));
                    labels.purge(Micros(now), 100);
                    map.retain(|_, until| until.is_none_or(|at| now < at));
                }
                _ => {
                    let new = map.insert((key, name), until).is_none();
                    prop_assert_eq!(labels.set(Key(key), names[name], until.map(Micros)), Ok(new));
                }
            }
            prop_assert_eq!(labels.len(), map.len());
            for key in 0..5 {
                for (n, name) in names.iter().enumerate() {
                    let held = map.get(&(key, n)).is_some_and(|until| until.is_none_or(|at| now < at));
                    prop_assert_eq!(labels.has(Key(key), name, Micros(now)), held);
                }
            }
        }
    }
}
