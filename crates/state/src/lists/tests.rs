// SPDX-License-Identifier: Apache-2.0
//! Lists against what they are to hold, against a map, and at their bounds.

use super::*;
use crate::Secret;
use proptest::prelude::*;
use std::collections::HashMap;

const NOW: Micros = Micros(1_000);

fn keyer() -> Keyer {
    Keyer::new(Secret([3; 16]))
}

fn text(t: &str) -> Value {
    Value::Text(t.into())
}

/// An address, or a network where there is a slash.
fn net(t: &str) -> Value {
    t.parse().map(Value::Net).unwrap_or_else(|_| Value::Ip(t.parse().unwrap()))
}

fn list(kind: Type, entries: impl IntoIterator<Item = Value>) -> List {
    let mut list = List::new(kind, keyer());
    for entry in entries {
        list.insert(entry, None).unwrap();
    }
    list
}

#[test]
fn exact_lists_hold_their_entries() {
    let check = |list: &List, value: Value, expect: Option<bool>| {
        assert_eq!(list.contains(&value, NOW), expect, "{value:?} in {list:?}");
    };
    let domains = list(Type::Domain, [text("example.org"), text("")]);
    check(&domains, text("example.org"), Some(true));
    check(&domains, text(""), Some(true));
    check(&domains, text("Example.org"), Some(false));
    check(&domains, text("a.example.org"), Some(false));
    check(&domains, Value::Missing, None);
    check(&domains, Value::Int(1), Some(false));
    let numbers = list(Type::Number, [Value::Number(0.0), Value::Number(1.5)]);
    check(&numbers, Value::Number(-0.0), Some(true));
    check(&numbers, Value::Number(1.5), Some(true));
    check(&numbers, Value::Int(0), Some(false));
    let ports = list(Type::Int, [Value::Int(-22)]);
    check(&ports, Value::Int(-22), Some(true));
    check(&ports, Value::Int(22), Some(false));
    check(&list(Type::Bool, [Value::Bool(true)]), Value::Bool(true), Some(true));
}

#[test]
fn networks_hold_what_lies_inside() {
    let entries =
        ["192.0.2.0/24", "10.0.0.0/9", "10.128.0.0/9", "10.1.2.3/32", "203.0.113.9", "2001:db8::/33"];
    let nets = list(Type::Net, entries.map(net));
    let check = |value: &str, expect: bool| {
        assert_eq!(nets.contains(&net(value), NOW), Some(expect), "{value}");
    };
    check("192.0.2.0", true);
    check("192.0.2.255", true);
    check("192.0.3.0", false);
    check("::ffff:192.0.2.7", true);
    check("::ffff:192.0.2.0/120", true);
    check("192.0.2.0/25", true);
    check("192.0.2.77/24", true);
    check("192.0.2.0/23", false);
    check("10.1.2.3", true);
    check("10.0.0.0/8", false);
    check("203.0.113.9/32", true);
    check("203.0.113.8/31", false);
    check("2001:db8:7fff::1", true);
    check("2001:db8:8000::1", false);
    check("2001:db8::/32", false);
    let all = list(Type::Ip, [net("0.0.0.0/0")]);
    assert_eq!(all.contains(&net("255.255.255.255"), NOW), Some(true));
    assert_eq!(all.contains(&net("::"), NOW), Some(false));
    assert_eq!(all.contains(&Value::Missing, NOW), None);
    assert_eq!(list(Type::Ip, [net("::/0")]).contains(&net("1.2.3.4"), NOW), Some(false));
}

#[test]
fn suffixes_hold_what_lies_below() {
    let mut list = List::suffixes(keyer());
    for entry in ["example.org", "co.uk", "a.b.c.d", "test"] {
        assert_eq!(list.insert(text(entry), None), Ok(true));
    }
    list.insert(text("old.net"), Some(NOW)).unwrap();
    let check = |list: &List, name: &str, expect: bool| {
        assert_eq!(list.contains(&text(name), NOW), Some(expect), "{name}");
    };
    check(&list, "example.org", true);
    check(&list, "mail.example.org", true);
    check(&list, "a.b.c.example.org", true);
    check(&list, "notexample.org", false);
    check(&list, "org", false);
    check(&list, "b.c.d", false);
    check(&list, "x.a.b.c.d", true);
    check(&list, "test", true);
    check(&list, "", false);
    check(&list, ".", false);
    check(&list, "mail.old.net", false);
    check(&list, &("x.".repeat(126) + "test"), true);
    check(&list, &("x.".repeat(50_000) + "test"), true);
    list.insert(text(&("y.".repeat(127) + "deep")), None).unwrap();
    check(&list, &("y.".repeat(127) + "deep"), false);
    assert_eq!(list.contains(&Value::Missing, NOW), None);
    assert_eq!(list.contains(&Value::Int(1), NOW), Some(false));
    for entry in ["", ".", ".example.org", "example.org.", "a..b", "*.example.org"] {
        assert_eq!(list.insert(text(entry), None), Err(ListError::NoSuffix), "{entry}");
    }
    assert_eq!(list.insert(Value::Int(1), None), Err(ListError::WrongType { expected: Type::Domain }));
    assert!(list.remove(&text("example.org")) && !list.remove(&text("mail.example.org")));
    check(&list, "mail.example.org", false);
    assert_eq!((list.purge(NOW), list.len()), (1, 4));
}

#[test]
fn patterns_hold_what_they_match_and_stay() {
    let mut list = List::patterns(&["^a+$", "b"], keyer()).unwrap();
    assert_eq!((list.len(), list.kind()), (2, Type::Text));
    assert_eq!(list.contains(&text("aaa"), NOW), Some(true));
    assert_eq!(list.contains(&text("aac"), NOW), Some(false));
    assert_eq!(list.contains(&Value::Missing, NOW), None);
    assert_eq!(list.contains(&Value::Bool(true), NOW), Some(false));
    assert_eq!(list.insert(text("c"), None), Err(ListError::Fixed));
    assert!(!list.remove(&text("b")));
    assert_eq!((list.purge(NOW), list.len()), (0, 2));
    assert!(matches!(List::patterns(&["("], keyer()), Err(PatternError::Invalid { index: 0, .. })));
}

proptest! {
    /// Against a map, with some places looked at along the way: how many shows in nothing but what is held.
    #[test]
    fn tidying_does_not_show(
        nets in any::<bool>(),
        steps in prop::collection::vec((0u8..40, prop::option::of(0i64..60), 0usize..4), 1..300),
    ) {
        let value = |n: u8| match (nets, n % 2) {
            (false, _) => text(&n.to_string()),
            (true, 0) => net(&format!("10.0.{n}.0/{}", 24 + n % 3)),
            (true, _) => net(&format!("2001:db8:{n}::/48")),
        };
        let mut list = List::new(if nets { Type::Net } else { Type::Domain }, keyer());
        let mut map: HashMap<u8, Option<i64>> = HashMap::new();
        for (now, (n, until, looks)) in steps.into_iter().enumerate() {
            let now = now as i64 / 4;
            let listed = map.get(&n).is_some_and(|until| until.is_none_or(|at| now <= at));
            list.tidy(Micros(now - 1), looks);
            prop_assert_eq!(list.insert(value(n), until.map(Micros)), Ok(!listed));
            map.insert(n, until);
            for n in 0..40 {
                let held = map.get(&n).is_some_and(|until| until.is_none_or(|at| now < at));
                prop_assert_eq!(list.contains(&value(n), Micros(now)), Some(held));
                let late = map.get(&n).is_some_and(|until| until.is_none_or(|at| now - 1 < at));
                prop_assert_eq!(list.contains(&value(n), Micros(now - 30)), Some(late), "late");
            }
        }
        list.tidy(Micros(1000), 1000);
        prop_assert_eq!(list.len(), map.values().filter(|until| until.is_none()).count());
    }
}

#[test]
fn expired_entries_give_their_memory_back() {
    let mut list = List::new(Type::Domain, keyer());
    for n in 0..20_000 {
        list.tidy(Micros(n - 100), 4);
        list.insert(text(&n.to_string()), Some(Micros(n))).unwrap();
        assert!(list.len() < 1_000, "{} entries where 100 are not over", list.len());
    }
    assert!(list.bytes() < 100_000);
    list.tidy(Micros(20_000), 5_000);
    assert!(list.is_empty() && list.bytes() < 1_000, "{} bytes", list.bytes());
}

#[test]
fn entries_expire_and_are_purged() {
    for (kind, a, b) in
        [(Type::Domain, text("a"), text("b")), (Type::Net, net("10.0.0.0/8"), net("2001:db8::/32"))]
    {
        let mut list = List::new(kind, keyer());
        assert_eq!(list.insert(a.clone(), Some(Micros(1_001))), Ok(true));
        assert_eq!(list.insert(b.clone(), None), Ok(true));
        assert_eq!(list.contains(&a, NOW), Some(true));
        assert_eq!(list.contains(&a, Micros(1_001)), Some(false));
        assert_eq!(list.purge(Micros(1_000)), 0);
        assert_eq!(list.insert(a.clone(), Some(Micros(2_000))), Ok(false));
        assert_eq!(list.contains(&a, Micros(1_001)), Some(true));
        assert_eq!((list.purge(Micros(2_000)), list.len()), (1, 1));
        assert_eq!(list.contains(&a, NOW), Some(false));
        assert_eq!((list.remove(&b), list.remove(&b), list.is_empty()), (true, false, true));
        assert_eq!(list.contains(&b, NOW), Some(false));
    }
}

#[test]
fn a_longer_life_of_a_wider_network_counts() {
    let mut list = List::new(Type::Net, keyer());
    list.insert(net("10.0.0.0/8"), Some(Micros(3_000))).unwrap();
    list.insert(net("10.1.0.0/16"), Some(Micros(500))).unwrap();
    assert_eq!(list.contains(&net("10.1.1.1"), NOW), Some(true));
    assert!(!list.remove(&net("10.1.1.1")), "it lists no such entry");
}

#[test]
fn what_does_not_belong_is_refused() {
    let check = |kind: Type, value: Value| {
        let mut list = List::new(kind, keyer());
        assert_eq!(list.insert(value.clone(), None), Err(ListError::WrongType { expected: kind }));
        assert!(list.is_empty() && !list.remove(&value));
    };
    check(Type::Net, text("10.0.0.0/8"));
    check(Type::Domain, Value::Int(1));
    check(Type::Int, Value::Number(1.0));
    check(Type::Domain, Value::Missing);
    check(Type::Ip, Value::Missing);
    check(Type::Number, Value::Number(f64::NAN));
    let mut full = List::with_limit(Type::Int, keyer(), 2);
    assert_eq!((full.insert(Value::Int(1), None), full.insert(Value::Int(2), None)), (Ok(true), Ok(true)));
    assert_eq!(full.insert(Value::Int(3), None), Err(ListError::Full { most: 2 }));
    assert_eq!(full.insert(Value::Int(2), Some(NOW)), Ok(false), "an entry can be renewed");
    assert_eq!(ListError::Full { most: 2 }.to_string(), "the list is full: it holds 2 entries");
}

#[test]
fn nobody_is_shown() {
    assert_eq!(format!("{:?}", list(Type::Account, [text("alice")])), "List(account, 1 entries)");
}

#[test]
fn what_is_shown_is_the_same_list_and_its_growth_is_foreseen() {
    let suffixes = List::suffixes(keyer());
    for mut list in [List::new(Type::Account, keyer()), List::new(Type::Net, keyer()), suffixes] {
        let value = |n: u32| match (list.kind(), n % 3) {
            (Type::Net, 0) => net(&format!("2001:db8:{n:x}::/{}", 48 + n % 5)),
            (Type::Net, 1) => Value::Ip(std::net::Ipv4Addr::from(n).into()),
            (Type::Net, _) => net(&format!("10.{}.{}.0/{}", n >> 8 & 255, n & 255, 24 + n % 9)),
            _ => text(&format!("{n}.example")),
        };
        let values: Vec<(Value, Option<Micros>)> =
            (0..20_000).map(|n| (value(n), (n % 2 > 0).then_some(Micros(i64::from(n))))).collect();
        for (value, until) in &values {
            let (before, growth) = (list.bytes(), list.growth(value));
            let is_new = list.insert(value.clone(), *until).unwrap();
            assert!(list.bytes() <= before + growth && is_new == (growth > 0), "{value:?}");
            assert_eq!(list.growth(value), 0);
        }
        let mut copy = List::with_limit(list.kind(), keyer(), 1);
        assert!(copy.is_like(&list) != matches!(list.entries, Entries::Suffixes(_)));
        let (mut place, mut shown) = (Place::default(), 0);
        let mut put =
            |value: &Value, until| shown += usize::from(copy.restore(value.clone(), until).unwrap());
        while list.show(&mut place, true, &mut put) {}
        assert_eq!((shown, copy.len()), (list.len(), list.len()));
        for (value, _) in values.iter().step_by(7) {
            for at in [0, 5_000, 20_000].map(Micros) {
                assert_eq!(copy.contains(value, at), list.contains(value, at), "{value:?}");
            }
        }
        let (mut all, len) = (0, list.len());
        list.into_entries(|value, until| all += usize::from(!copy.restore(value, until).unwrap()));
        assert_eq!(all, len, "they are the same, and none is new");
    }
}
