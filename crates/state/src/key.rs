// SPDX-License-Identifier: Apache-2.0
//! Keys: values turned into 64 keyed bits, so that nobody outside can aim two of them at one counter.
//!
//! SipHash-1-3 (Aumasson and Bernstein 2012, with the reduced rounds that hash tables use) over bytes written
//! here, never over a foreign type's own idea of hashing: a key must be the same on every machine and after every
//! upgrade, or a snapshot would be full of strangers. Two values meet under one key with a chance of 2^-64 a pair;
//! a counter lives with that, a list compares the values themselves.

use crate::HashKeys;
use ipnet::IpNet;
use siphasher::sip::SipHasher13;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hasher;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use wardroom_event::Value;

/// An installation's secret. Losing it to a stranger lets them aim collisions; changing it empties every counter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret(pub [u8; 16]);

/// Shows nothing of the secret.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Under what a counter counts: the hash of its `by` values, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub u64);

/// What a `distinct` tells apart: the hash of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Item(pub u64);

/// Values that were erased, by their hashes, and how often: each time a value begins to have other keys and items than
/// before, as one that was never seen. What was counted of it before stays counted, under keys that nothing gives any more:
/// just as in a journal in which something else stands in its place.
#[derive(Default)]
pub struct Erased {
    /// Whether there is one, so that where there is none nothing is looked up.
    any: AtomicBool,
    times: RwLock<HashMap<u64, u64>>,
}

/// Shows how many there are.
impl fmt::Debug for Erased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Erased({})", self.list().len())
    }
}

impl Erased {
    /// Says of the value with this hash how often it was erased.
    pub fn set(&self, hash: u64, times: u64) {
        let mut all = self.times.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(hash, times);
        self.any.store(true, Ordering::Release);
    }

    /// How often the value with this hash was erased.
    pub fn times(&self, hash: u64) -> u64 {
        self.times.read().unwrap_or_else(PoisonError::into_inner).get(&hash).copied().unwrap_or(0)
    }

    /// All of them, in the order of their hashes.
    pub fn list(&self) -> Vec<(u64, u64)> {
        let all = self.times.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<(u64, u64)> = all.iter().map(|(hash, times)| (*hash, *times)).collect();
        all.sort_unstable();
        all
    }
}

/// Turns values into [`Key`]s and [`Item`]s.
#[derive(Clone)]
pub struct Keyer {
    keys: SipHasher13,
    items: SipHasher13,
    /// Hashes values for `erased`.
    single: SipHasher13,
    erased: Arc<Erased>,
    hash_keys: Arc<HashKeys>,
    /// Odd numbers that address bits are multiplied by.
    folds: [u64; 2],
}

/// Shows nothing: the hasher's state is the secret.
impl fmt::Debug for Keyer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyer(…)")
    }
}

impl Keyer {
    /// The keyer of an installation.
    pub fn new(secret: Secret) -> Keyer {
        let fold = |name| domain(secret, name).finish() | 1;
        Keyer {
            keys: domain(secret, b"key     "),
            items: domain(secret, b"item    "),
            single: domain(secret, b"erased  "),
            erased: Arc::default(),
            hash_keys: Arc::default(),
            folds: [fold(b"fold   0"), fold(b"fold   1")],
        }
    }

    /// The key of a sequence of values; of none at all too, for a counter over everything. `None` where one of
    /// them is missing or a list: what has no name is counted nowhere.
    ///
    /// `-0.0` is `0.0`, a network is its first address and length, and IPv4 mapped into IPv6 is IPv4. Values of
    /// two types never meet: `Int(1)` and `Number(1.0)` are two keys.
    pub fn key<'a>(&self, values: impl IntoIterator<Item = &'a Value>) -> Option<Key> {
        self.hash(&self.keys, values).map(Key)
    }

    /// The same whatever was erased: for what must not change with it.
    pub fn lasting_key<'a>(&self, values: impl IntoIterator<Item = &'a Value>) -> Option<Key> {
        hash(&self.keys, values).map(Key)
    }

    /// This keyer, and all of which it is a copy, with these values erased.
    pub fn with_erased(self, erased: Arc<Erased>) -> Keyer {
        Keyer { erased, ..self }
    }

    /// This keyer, with the keys under which values are hashed that are kept as hashes.
    pub fn with_hash_keys(self, hash_keys: Arc<HashKeys>) -> Keyer {
        Keyer { hash_keys, ..self }
    }

    /// The keys under which values are hashed that are kept as hashes; none where nothing is kept.
    pub fn hash_keys(&self) -> &HashKeys {
        &self.hash_keys
    }

    /// This keyer as it was before anything was erased.
    pub fn plain(&self) -> Keyer {
        Keyer { erased: Arc::default(), ..self.clone() }
    }

    /// What was erased: to be shared, and added to.
    pub fn erased(&self) -> &Arc<Erased> {
        &self.erased
    }

    /// What [`Erased`] knows a value by; `None` for what has no key. With `any_case` it is the same for the same text with
    /// other letters small or large, of texts with an `@`: others are never looked up so.
    pub fn erasable(&self, value: &Value, any_case: bool) -> Option<u64> {
        match value {
            Value::Text(text) if any_case && text.contains('@') => {
                let mut state = self.single;
                bytes(&mut state, ANY_CASE, text.to_ascii_lowercase().as_bytes());
                Some(state.finish())
            }
            _ => hash(&self.single, [value]),
        }
    }

    fn times(&self, value: &Value) -> Option<u64> {
        let exact = self.erased.times(self.erasable(value, false)?);
        let is_address = matches!(value, Value::Text(text) if text.contains('@'));
        Some(exact + if is_address { self.erased.times(self.erasable(value, true)?) } else { 0 })
    }

    fn hash<'a>(&self, start: &SipHasher13, values: impl IntoIterator<Item = &'a Value>) -> Option<u64> {
        if !self.erased.any.load(Ordering::Acquire) {
            return hash(start, values);
        }
        let mut state = *start;
        for value in values {
            write(&mut state, value)?;
            match self.times(value)? {
                0 => {}
                times => word(&mut state, ERASED, times),
            }
        }
        Some(state.finish())
    }

    /// The item of a sequence of values, as [`Keyer::key`].
    pub fn item<'a>(&self, values: impl IntoIterator<Item = &'a Value>) -> Option<Item> {
        self.hash(&self.items, values).map(Item)
    }

    /// The hash of a text: that of its value as a [`Key`].
    pub(crate) fn text(&self, text: &str) -> u64 {
        let mut state = self.keys;
        bytes(&mut state, TEXT, text.as_bytes());
        state.finish()
    }

    /// The hash of an address's bits: products with secret numbers, both halves folded together.
    ///
    /// One address is looked up under every prefix length in use, where SipHash would be most of the cost. This is
    /// far weaker, and enough where the hash never leaves the process and a wrong guess costs one comparison.
    pub(crate) fn bits(&self, bits: u128) -> u64 {
        let low = fold(bits as u64 ^ self.folds[0], self.folds[1]);
        fold(low ^ (bits >> 64) as u64 ^ self.folds[1], self.folds[0])
    }
}

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// A hasher that gives other hashes than that of another domain.
fn domain(secret: Secret, name: &[u8; 8]) -> SipHasher13 {
    let mut state = SipHasher13::new_with_key(&secret.0);
    state.write(name);
    state
}

fn hash<'a>(start: &SipHasher13, values: impl IntoIterator<Item = &'a Value>) -> Option<u64> {
    let mut state = *start;
    for value in values {
        write(&mut state, value)?;
    }
    Some(state.finish())
}

/// The tag of a text.
const TEXT: u8 = 4;
/// The tag of how often the value before was erased.
const ERASED: u8 = 10;
/// The tag of a text of which large letters are small ones.
const ANY_CASE: u8 = 11;

/// One value, delimiting itself by its head: so no two sequences write the same bytes.
fn write(state: &mut SipHasher13, value: &Value) -> Option<()> {
    match value {
        Value::Missing | Value::List(_) => return None,
        Value::Bool(b) => word(state, 1, u64::from(*b)),
        Value::Int(n) => word(state, 2, n.cast_unsigned()),
        Value::Number(n) if n.is_nan() => return None,
        Value::Number(n) => word(state, 3, if *n == 0.0 { 0 } else { n.to_bits() }),
        Value::Text(text) => bytes(state, TEXT, text.as_bytes()),
        Value::Time(t) => word(state, 5, t.0.cast_unsigned()),
        Value::Duration(d) => word(state, 6, d.0.cast_unsigned()),
        Value::Ip(ip) => match ip.to_canonical() {
            IpAddr::V4(ip) => bytes(state, 7, &ip.octets()),
            IpAddr::V6(ip) => bytes(state, 8, &ip.octets()),
        },
        Value::Net(net) => {
            bytes(state, 9, &[net.prefix_len()]);
            match net {
                IpNet::V4(net) => bytes(state, 7, &net.network().octets()),
                IpNet::V6(net) => bytes(state, 8, &net.network().octets()),
            }
        }
    }
    Some(())
}

fn word(state: &mut SipHasher13, tag: u8, word: u64) {
    bytes(state, tag, &word.to_le_bytes());
}

/// A head of eight bytes (tag, then length), then the bytes.
fn bytes(state: &mut SipHasher13, tag: u8, bytes: &[u8]) {
    let head = u64::from(tag) | (bytes.len() as u64) << 8;
    state.write(&head.to_le_bytes());
    state.write(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use wardroom_event::{Micros, Span};

    fn keyer() -> Keyer {
        Keyer::new(Secret(*b"0123456789abcdef"))
    }

    fn text(t: &str) -> Value {
        Value::Text(t.into())
    }

    /// One of each type, pairwise different.
    fn samples() -> Vec<Value> {
        vec![
            Value::Bool(false),
            Value::Bool(true),
            Value::Int(0),
            Value::Int(1),
            Value::Int(-1),
            Value::Number(0.0),
            Value::Number(1.0),
            Value::Time(Micros(1)),
            Value::Duration(Span(1)),
            text(""),
            text("a"),
            text("1"),
            Value::Ip("1.2.3.4".parse().unwrap()),
            Value::Ip("::1.2.3.4".parse().unwrap()),
            Value::Net("1.2.3.4/32".parse().unwrap()),
            Value::Net("1.2.3.0/24".parse().unwrap()),
            Value::Net("1.2.3.0/25".parse().unwrap()),
            Value::Net("::/0".parse().unwrap()),
        ]
    }

    #[test]
    fn different_values_have_different_keys() {
        let keyer = keyer();
        let mut seen = Vec::new();
        let mut see = |values: &[Value]| {
            for hash in [keyer.key(values).unwrap().0, keyer.item(values).unwrap().0] {
                assert!(!seen.contains(&hash), "{values:?}");
                seen.push(hash);
            }
        };
        see(&[]);
        for value in samples() {
            see(std::slice::from_ref(&value));
            see(&[value, text("x")]);
        }
        see(&[text("ab"), text("c")]);
        see(&[text("a"), text("bc")]);
        see(&[text("abc")]);
        see(&[text("c"), text("ab")]);
    }

    #[test]
    fn equal_values_have_equal_keys() {
        let check = |a: Value, b: Value| {
            assert_eq!(keyer().key([&a]), keyer().key([&b]), "{a:?} {b:?}");
            assert!(keyer().key([&a]).is_some());
        };
        check(Value::Number(0.0), Value::Number(-0.0));
        check(Value::Ip("1.2.3.4".parse().unwrap()), Value::Ip("::ffff:1.2.3.4".parse().unwrap()));
        check(Value::Net("1.2.3.4/24".parse().unwrap()), Value::Net("1.2.3.0/24".parse().unwrap()));
        assert_eq!(keyer().key([&text("example.org")]).map(|key| key.0), Some(keyer().text("example.org")));
    }

    #[test]
    fn what_is_missing_or_a_list_has_no_key() {
        assert_eq!(keyer().key(&[text("a"), Value::Missing]), None);
        assert_eq!(keyer().item(&[Value::Missing]), None);
        assert_eq!(keyer().key(&[Value::Number(f64::NAN)]), None);
        assert_eq!(keyer().key(&[Value::List([text("a")].into())]), None);
    }

    #[test]
    fn another_secret_gives_another_key() {
        let other = Keyer::new(Secret([0; 16]));
        assert_ne!(keyer().key(&[text("a")]), other.key(&[text("a")]));
    }

    /// The bytes are part of every snapshot: the expected hashes come from another implementation.
    #[test]
    fn keys_never_change() {
        let check = |values: &[Value], expect: u64| assert_eq!(keyer().key(values), Some(Key(expect)));
        check(&[], 0x31b9_5cc4_a844_11bb);
        check(&[text("alice"), Value::Ip("192.0.2.7".parse().unwrap())], 0x515e_ccc0_297c_3185);
        check(&[Value::Number(-0.5), Value::Net("2001:db8::/32".parse().unwrap())], 0x6fb6_3dee_3308_45ad);
    }

    #[test]
    fn an_erased_value_has_other_keys_each_time_and_no_other_value_has() {
        let keyer = keyer();
        let (alice, bob) = (text("alice"), text("bob"));
        let copy = keyer.clone();
        let all = |keyer: &Keyer| {
            let key = |values: &[&Value]| keyer.key(values.iter().copied()).unwrap().0;
            [key(&[&alice]), key(&[&bob, &alice]), keyer.item([&alice]).unwrap().0]
        };
        let mut seen = all(&keyer).to_vec();
        let others = [keyer.key([&bob]), keyer.key([&text("alice ")]), keyer.key([&bob, &text("x")])];
        let hash = keyer.erasable(&alice, false).unwrap();
        for times in 1..4 {
            assert_eq!(keyer.erased().times(hash), times - 1);
            keyer.erased().set(hash, times);
            let now = all(&copy);
            assert!(now.iter().all(|hash| !seen.contains(hash)), "a copy knows, and it is new once more");
            seen.extend(now);
            assert_eq!(
                [keyer.key([&bob]), keyer.key([&text("alice ")]), keyer.key([&bob, &text("x")])],
                others
            );
        }
        assert_eq!(all(&keyer.plain()), seen[..3]);
        assert_eq!(keyer.lasting_key([&alice]).unwrap().0, seen[0]);
        assert_eq!(keyer.erased().list(), [(hash, 3)]);
        let mails = ["A@b", "a@b", "a@c"].map(text);
        let before = mails.each_ref().map(|mail| keyer.key([mail]));
        keyer.erased().set(keyer.erasable(&mails[1], true).unwrap(), 1);
        let after = mails.each_ref().map(|mail| keyer.key([mail]));
        assert_eq!([0, 1, 2].map(|n| before[n] == after[n]), [false, false, true]);
    }

    /// Neighbours, which lists are full of, spread over buckets and tags alike.
    #[test]
    fn address_bits_spread() {
        for shift in [0, 8, 16, 64, 80, 112] {
            for take in [0, 57] {
                let mut buckets = [0u32; 128];
                (0..128 * 100).for_each(|n| buckets[(keyer().bits(n << shift) >> take) as usize % 128] += 1);
                assert!(buckets.iter().all(|n| (40..200).contains(n)), "{shift} {take} {buckets:?}");
            }
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(format!("{:?} {:?}", Secret([7; 16]), keyer()), "Secret(…) Keyer(…)");
    }
}
