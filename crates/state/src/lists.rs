// SPDX-License-Identifier: Apache-2.0
//! Lists: sets of values of one type, whose entries may expire.
//!
//! A list of `ip` or `net` takes addresses and networks alike and holds whatever lies inside one of its entries.
//! A list of domain suffixes holds each entry and every domain below it; a list of patterns, every text that one of
//! them matches. Any other list holds exactly its entries, compared as values and not by their hash. A text is
//! compared byte by byte: bringing domains and addresses to one form is done where events are read, and must be done
//! to entries too.

use crate::patterns::Patterns;
use crate::prefixes::Prefixes;
use crate::{Keyer, PatternError, limits};
use hashbrown::HashTable;
use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;
use wardroom_event::{Micros, Repr, Type, Value};

/// Stands for an entry that does not expire.
const NEVER: Micros = Micros(i64::MAX);

/// Why an entry was not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The value is of another type, or missing.
    #[error("an entry of this list must be of type {expected}")]
    WrongType {
        /// The list's type.
        expected: Type,
    },
    /// The list holds as many entries as it may.
    #[error("the list is full: it holds {most} entries")]
    Full {
        /// How many.
        most: usize,
    },
    /// The value is no domain that others could lie below.
    #[error(
        "an entry of this list must be a domain such as example.org, without a dot at either end and without *"
    )]
    NoSuffix,
    /// The list is one of patterns.
    #[error("patterns are compiled together: they come and go with their list")]
    Fixed,
}

/// A set of values of one type.
pub struct List {
    kind: Type,
    keyer: Keyer,
    entries: Entries,
    len: usize,
    most: usize,
    /// What was over by then is no longer listed, there or not.
    floor: Micros,
    /// Where [`List::tidy`] goes on.
    hand: Hand,
}

/// A place among the maps of a list.
#[derive(Clone, Copy, Default)]
pub(crate) struct Hand {
    pub(crate) map: usize,
    pub(crate) bucket: usize,
}

enum Entries {
    Exact(HashTable<Exact>),
    /// Each of them domain, and with it whatever lies below.
    Suffixes(HashTable<Exact>),
    Patterns(Patterns),
    Nets {
        v4: Prefixes<u32>,
        v6: Prefixes<u128>,
    },
}

struct Exact {
    value: Value,
    until: Micros,
}

/// Shows its type and size, not whom it lists.
impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "List({}, {} entries)", self.kind, self.len)
    }
}

impl List {
    /// An empty list of values of `kind`, of at most [`limits::LIST_ENTRIES`].
    pub fn new(kind: Type, keyer: Keyer) -> List {
        List::with_limit(kind, keyer, limits::LIST_ENTRIES)
    }

    /// An empty list of at most `most` values.
    pub fn with_limit(kind: Type, keyer: Keyer, most: usize) -> List {
        let entries = match kind.repr() {
            Repr::Ip | Repr::Net => Entries::Nets { v4: Prefixes::new(), v6: Prefixes::new() },
            _ => Entries::Exact(HashTable::new()),
        };
        List::of(kind, keyer, entries, most)
    }

    /// An empty list of domains that hold themselves and whatever lies below them, of at most
    /// [`limits::LIST_ENTRIES`].
    pub fn suffixes(keyer: Keyer) -> List {
        List::of(Type::Domain, keyer, Entries::Suffixes(HashTable::new()), limits::LIST_ENTRIES)
    }

    /// A list of the texts that one of the patterns matches, anywhere unless it says `^` and `$`. They are written as
    /// the `regex` crate reads them, and never expire.
    pub fn patterns<S: AsRef<str>>(patterns: &[S], keyer: Keyer) -> Result<List, PatternError> {
        let patterns = Patterns::new(patterns)?;
        let len = patterns.len();
        Ok(List { len, ..List::of(Type::Text, keyer, Entries::Patterns(patterns), len) })
    }

    fn of(kind: Type, keyer: Keyer, entries: Entries, most: usize) -> List {
        List { kind, keyer, entries, len: 0, most, floor: Micros(i64::MIN), hand: Hand::default() }
    }

    /// The type of its entries.
    pub fn kind(&self) -> Type {
        self.kind
    }

    /// How many entries it has, among them those that have expired and were not purged.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Lists a value until `expires` (no longer at that very time), or for good. Whether it was not listed before:
    /// if it was, the new expiry replaces the old.
    pub fn insert(&mut self, value: Value, expires: Option<Micros>) -> Result<bool, ListError> {
        let until = expires.unwrap_or(NEVER);
        let name = self.name(&value).ok_or(ListError::WrongType { expected: self.kind })?;
        self.allow(&value)?;
        let floor = self.floor;
        if let Some(listed) = self.until_mut(&value, name) {
            let before = std::mem::replace(listed, until);
            return Ok(before <= floor);
        }
        if self.len >= self.most {
            return Err(ListError::Full { most: self.most });
        }
        self.len += 1;
        let keyer = &self.keyer;
        match (&mut self.entries, name) {
            (Entries::Exact(set) | Entries::Suffixes(set), Name::Hash(hash)) => {
                set.insert_unique(hash, Exact { value, until }, |entry| exact_hash(keyer, &entry.value));
            }
            (Entries::Nets { v4, .. }, Name::V4(bits, len)) => v4.insert(keyer, bits, len, until),
            (Entries::Nets { v6, .. }, Name::V6(bits, len)) => v6.insert(keyer, bits, len, until),
            _ => unreachable!("a name is made for the entries it is used with"),
        }
        Ok(true)
    }

    /// Takes an entry off the list; whether it was one. A network goes only under its own name: taking off an
    /// address leaves the network that holds it.
    pub fn remove(&mut self, value: &Value) -> bool {
        let name = self.name(value);
        let gone = match (&mut self.entries, name) {
            (Entries::Exact(set) | Entries::Suffixes(set), Some(Name::Hash(hash))) => {
                set.find_entry(hash, |entry| entry.value == *value).map(|entry| entry.remove()).is_ok()
            }
            (Entries::Nets { v4, .. }, Some(Name::V4(bits, len))) => v4.remove(&self.keyer, bits, len),
            (Entries::Nets { v6, .. }, Some(Name::V6(bits, len))) => v6.remove(&self.keyer, bits, len),
            _ => false,
        };
        self.len -= usize::from(gone);
        gone
    }

    /// Whether a value is listed at `now`; unknown where the value is missing. In a list of networks, an address
    /// is if a network holds it, and a network if it lies inside one. A value of another type never is; a text of any
    /// type can be in a list of domains or of patterns.
    ///
    /// A network of IPv6 holds no address of IPv4, not even `::/0`.
    pub fn contains(&self, value: &Value, now: Micros) -> Option<bool> {
        if value.is_missing() {
            return None;
        }
        let now = now.max(self.floor);
        Some(match (&self.entries, self.name(value)) {
            (Entries::Exact(set), Some(Name::Hash(hash))) => {
                set.find(hash, |entry| entry.value == *value).is_some_and(|entry| now < entry.until)
            }
            (Entries::Suffixes(set), _) => text(value).is_some_and(|name| self.holds_below(set, name, now)),
            (Entries::Patterns(patterns), _) => text(value).is_some_and(|text| patterns.matches(text)),
            (Entries::Nets { v4, .. }, Some(Name::V4(bits, len))) => v4.hold(&self.keyer, bits, len, now),
            (Entries::Nets { v6, .. }, Some(Name::V6(bits, len))) => v6.hold(&self.keyer, bits, len, now),
            _ => false,
        })
    }

    /// Forgets the entries that have expired at `now`, looking at all; how many that were.
    pub fn purge(&mut self, now: Micros) -> usize {
        let gone = match &mut self.entries {
            Entries::Exact(set) | Entries::Suffixes(set) => {
                let before = set.len();
                set.retain(|entry| now < entry.until);
                before - set.len()
            }
            Entries::Nets { v4, v6 } => v4.purge(now) + v6.purge(now),
            Entries::Patterns(_) => 0,
        };
        self.len -= gone;
        gone
    }

    /// Forgets entries that had expired at `now`, looking at no more than so many places: those that come next in turn. How
    /// many that were. Called with each entry that is listed, it keeps expired ones down to a share of the others.
    ///
    /// From now on none that had expired at `now` is listed for any time, whether it was come by or not: so that nothing
    /// follows from the order of a hash map.
    pub fn tidy(&mut self, now: Micros, most: usize) -> usize {
        self.floor = self.floor.max(now);
        let (hand, floor) = (&mut self.hand, self.floor);
        let mut gone = 0;
        for _ in 0..most {
            gone += usize::from(match &mut self.entries {
                Entries::Exact(set) | Entries::Suffixes(set) => {
                    let keyer = &self.keyer;
                    pass(set, hand, |entry| entry.until <= floor, |entry| exact_hash(keyer, &entry.value))
                }
                Entries::Nets { v4, v6 } => v4.pass(&self.keyer, hand, floor).unwrap_or_else(|| {
                    let mut six = Hand { map: hand.map - v4.maps(), ..*hand };
                    let gone = v6.pass(&self.keyer, &mut six, floor);
                    *hand = if gone.is_some() {
                        Hand { map: six.map + v4.maps(), ..six }
                    } else {
                        Hand::default()
                    };
                    gone.unwrap_or(false)
                }),
                Entries::Patterns(_) => false,
            });
        }
        self.len -= gone;
        gone
    }

    /// An estimate of its memory, without the texts of its entries; of patterns, what they may come to.
    pub fn bytes(&self) -> usize {
        match &self.entries {
            Entries::Exact(set) | Entries::Suffixes(set) => set.allocation_size(),
            Entries::Patterns(_) => limits::PATTERN_SET_BYTES,
            Entries::Nets { v4, v6 } => v4.bytes() + v6.bytes(),
        }
    }

    /// Whether a value of the right type can be an entry.
    fn allow(&self, value: &Value) -> Result<(), ListError> {
        match &self.entries {
            Entries::Patterns(_) => Err(ListError::Fixed),
            Entries::Suffixes(_) if !text(value).is_some_and(is_suffix) => Err(ListError::NoSuffix),
            _ => Ok(()),
        }
    }

    /// Whether a domain or one that it lies below is listed: a look for each of its labels, from its end.
    fn holds_below(&self, set: &HashTable<Exact>, name: &str, now: Micros) -> bool {
        let above = name.rmatch_indices('.').map(|(dot, _)| &name[dot + 1..]);
        let mut suffixes = above.chain(std::iter::once(name)).take(limits::DOMAIN_LABELS);
        suffixes.any(|suffix| {
            let entry = set.find(self.keyer.text(suffix), |entry| text(&entry.value) == Some(suffix));
            entry.is_some_and(|entry| now < entry.until)
        })
    }

    /// What a value is looked up by; `None` where it is missing or of another type.
    fn name(&self, value: &Value) -> Option<Name> {
        match (value, self.kind.repr()) {
            (Value::Ip(ip), Repr::Ip | Repr::Net) => Some(match ip.to_canonical() {
                IpAddr::V4(ip) => Name::V4(ip.to_bits(), 32),
                IpAddr::V6(ip) => Name::V6(ip.to_bits(), 128),
            }),
            (Value::Net(net), Repr::Ip | Repr::Net) => Some(net_name(*net)),
            (Value::Bool(_), Repr::Bool)
            | (Value::Int(_), Repr::Int)
            | (Value::Number(_), Repr::Number)
            | (Value::Text(_), Repr::Text)
            | (Value::Time(_), Repr::Time)
            | (Value::Duration(_), Repr::Duration) => self.keyer.key([value]).map(|key| Name::Hash(key.0)),
            _ => None,
        }
    }

    /// The expiry of that very entry.
    fn until_mut(&mut self, value: &Value, name: Name) -> Option<&mut Micros> {
        match (&mut self.entries, name) {
            (Entries::Exact(set) | Entries::Suffixes(set), Name::Hash(hash)) => {
                set.find_mut(hash, |entry| entry.value == *value).map(|entry| &mut entry.until)
            }
            (Entries::Nets { v4, .. }, Name::V4(bits, len)) => v4.until_mut(&self.keyer, bits, len),
            (Entries::Nets { v6, .. }, Name::V6(bits, len)) => v6.until_mut(&self.keyer, bits, len),
            _ => None,
        }
    }
}

/// Passes the next place of a map; whether the entry there was over, and is gone. At the end, memory of a map that has
/// become much too large for its entries is given back.
pub(crate) fn pass<T>(
    map: &mut HashTable<T>,
    hand: &mut Hand,
    is_over: impl Fn(&T) -> bool,
    hash: impl Fn(&T) -> u64,
) -> bool {
    if hand.bucket >= map.num_buckets() {
        *hand = Hand { map: hand.map + 1, bucket: 0 };
        if map.capacity() > 8 * map.len() {
            map.shrink_to(2 * map.len(), hash);
        }
        return false;
    }
    let entry = map.get_bucket_entry(hand.bucket).ok().filter(|entry| is_over(entry.get()));
    hand.bucket += 1;
    entry.map(|entry| entry.remove()).is_some()
}

/// What a value is looked up by.
#[derive(Clone, Copy)]
enum Name {
    Hash(u64),
    V4(u32, u8),
    V6(u128, u8),
}

/// A network's bits and length; one that maps IPv4 into IPv6 is the one it maps.
fn net_name(net: IpNet) -> Name {
    match net {
        IpNet::V4(net) => Name::V4(net.addr().to_bits(), net.prefix_len()),
        IpNet::V6(net) => match (net.addr().to_ipv4_mapped(), net.prefix_len().checked_sub(96)) {
            (Some(ip), Some(len)) => Name::V4(ip.to_bits(), len),
            _ => Name::V6(net.addr().to_bits(), net.prefix_len()),
        },
    }
}

/// The text of a value that is one.
fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Whether domains could lie below it.
fn is_suffix(name: &str) -> bool {
    !name.contains('*') && name.split('.').all(|label| !label.is_empty())
}

/// The hash of an entry, which is never missing.
fn exact_hash(keyer: &Keyer, value: &Value) -> u64 {
    keyer.key([value]).map_or(0, |key| key.0)
}

#[cfg(test)]
mod tests {
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
        assert_eq!(
            (full.insert(Value::Int(1), None), full.insert(Value::Int(2), None)),
            (Ok(true), Ok(true))
        );
        assert_eq!(full.insert(Value::Int(3), None), Err(ListError::Full { most: 2 }));
        assert_eq!(full.insert(Value::Int(2), Some(NOW)), Ok(false), "an entry can be renewed");
        assert_eq!(ListError::Full { most: 2 }.to_string(), "the list is full: it holds 2 entries");
    }

    #[test]
    fn nobody_is_shown() {
        assert_eq!(format!("{:?}", list(Type::Account, [text("alice")])), "List(account, 1 entries)");
    }
}
