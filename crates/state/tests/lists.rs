// SPDX-License-Identifier: Apache-2.0
//! Lists against brute force: the rules of `lists` told once more, sharing no code with what they check.
#![allow(clippy::unwrap_used, reason = "tests")]

use ipnet::IpNet;
use proptest::prelude::*;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use wardroom_event::{Micros, Type, Value};
use wardroom_state::{Keyer, List, Secret};

fn keyer() -> Keyer {
    Keyer::new(Secret(*b"an oracle's key."))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// A list of networks says what comparing with each entry says.
    #[test]
    fn lists_of_networks_follow_the_rule(
        entries in prop::collection::vec((address(), any::<u8>(), prop::option::of(0i64..10)), 0..40),
        questions in prop::collection::vec((address(), any::<u8>(), any::<bool>()), 1..60),
        now in 0i64..10,
    ) {
        let mut list = List::new(Type::Net, keyer());
        let mut brute: HashMap<(bool, String), Option<i64>> = HashMap::new();
        for (ip, len, expires) in entries {
            let len = len % (width(ip) + 1);
            let new = brute.insert((ip.is_ipv4(), prefix(ip, len)), expires).is_none();
            let value = Value::Net(IpNet::new(ip, len).unwrap());
            prop_assert_eq!(list.insert(value, expires.map(Micros)), Ok(new));
        }
        prop_assert_eq!(list.len(), brute.len());
        for (ip, len, as_net) in questions {
            let len = if as_net { len % (width(ip) + 1) } else { width(ip) };
            let asked = prefix(ip, len);
            let holds = |((v4, listed), expires): (&(bool, String), &Option<i64>)| {
                *v4 == ip.is_ipv4() && asked.starts_with(listed) && expires.is_none_or(|at| now < at)
            };
            let value = if as_net { Value::Net(IpNet::new(ip, len).unwrap()) } else { Value::Ip(ip) };
            prop_assert_eq!(list.contains(&value, Micros(now)), Some(brute.iter().any(holds)), "{}/{}", ip, len);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// A list of suffixes says what comparing the ends of texts says.
    #[test]
    fn lists_of_suffixes_follow_the_rule(
        entries in prop::collection::vec("[ab](\\.[ab]){0,3}", 0..12),
        names in prop::collection::vec("[ab]?(\\.?[ab]){0,4}", 1..40),
    ) {
        let mut list = List::suffixes(keyer());
        for entry in &entries {
            list.insert(Value::Text(entry.as_str().into()), None).unwrap();
        }
        for name in names {
            let holds = |entry: &String| name == *entry || name.ends_with(&format!(".{entry}"));
            let listed = list.contains(&Value::Text(name.as_str().into()), Micros(0));
            prop_assert_eq!(listed, Some(entries.iter().any(holds)), "{}", name);
        }
    }
}

/// Addresses close enough together that networks overlap.
fn address() -> impl Strategy<Value = IpAddr> {
    let v4 = (0u32..1024, 0u32..4).prop_map(|(low, high)| Ipv4Addr::from(high << 30 | low).into());
    let v6 = (0u128..1024, 0u128..4, 0u128..4)
        .prop_map(|(low, middle, high)| Ipv6Addr::from(1 << 120 | high << 62 | middle << 80 | low).into());
    prop_oneof![v4, v6]
}

fn width(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

/// The first bits of an address as noughts and ones.
fn prefix(ip: IpAddr, len: u8) -> String {
    let bits = match ip {
        IpAddr::V4(ip) => format!("{:032b}", u32::from(ip)),
        IpAddr::V6(ip) => format!("{:0128b}", u128::from(ip)),
    };
    bits[..usize::from(len)].to_owned()
}

/// A million entries, in one list of texts and one of networks.
#[test]
fn a_list_of_a_million_is_a_list() {
    let mut texts = List::new(Type::Domain, keyer());
    let mut nets = List::new(Type::Ip, keyer());
    for n in 0..1_000_000u32 {
        texts.insert(Value::Text(format!("{n}.example").into()), None).unwrap();
        nets.insert(Value::Ip(Ipv4Addr::from(n * 2).into()), None).unwrap();
    }
    assert_eq!((texts.len(), nets.len()), (1_000_000, 1_000_000));
    println!("a million entries: {} bytes as texts, {} as addresses", texts.bytes(), nets.bytes());
    for n in (0..2_000_000u32).step_by(997) {
        let text = Value::Text(format!("{n}.example").into());
        assert_eq!(texts.contains(&text, Micros(0)), Some(n < 1_000_000));
        assert_eq!(nets.contains(&Value::Ip(Ipv4Addr::from(n).into()), Micros(0)), Some(n % 2 == 0));
    }
}
