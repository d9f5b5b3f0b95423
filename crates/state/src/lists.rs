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
use crate::shards::{Passed, Place};
use crate::values::{NEVER, Values, end};
use crate::{Keyer, PatternError, limits};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use wardroom_event::{Micros, Repr, Type, Value};

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
    most: usize,
    /// What was over by then is no longer listed, there or not.
    floor: Micros,
    /// Of networks: whether those of IPv6 are tidied next.
    six: bool,
}

enum Entries {
    Exact(Values),
    /// Each of them domain, and with it whatever lies below.
    Suffixes(Values),
    Patterns(Patterns),
    Nets {
        v4: Prefixes<u32>,
        v6: Prefixes<u128>,
    },
}

/// Shows its type and size, not whom it lists.
impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "List({}, {} entries)", self.kind, self.len())
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
            _ => Entries::Exact(Values::new(keyer.clone())),
        };
        List::of(kind, keyer, entries, most)
    }

    /// An empty list of domains that hold themselves and whatever lies below them, of at most
    /// [`limits::LIST_ENTRIES`].
    pub fn suffixes(keyer: Keyer) -> List {
        let entries = Entries::Suffixes(Values::new(keyer.clone()));
        List::of(Type::Domain, keyer, entries, limits::LIST_ENTRIES)
    }

    /// A list of the texts that one of the patterns matches, anywhere unless it says `^` and `$`. They are written as
    /// the `regex` crate reads them, and never expire.
    pub fn patterns<S: AsRef<str>>(patterns: &[S], keyer: Keyer) -> Result<List, PatternError> {
        let patterns = Patterns::new(patterns)?;
        let len = patterns.len();
        Ok(List::of(Type::Text, keyer, Entries::Patterns(patterns), len))
    }

    fn of(kind: Type, keyer: Keyer, entries: Entries, most: usize) -> List {
        List { kind, keyer, entries, most, floor: Micros(i64::MIN), six: false }
    }

    /// The type of its entries.
    pub fn kind(&self) -> Type {
        self.kind
    }

    /// How many entries it has, among them those that have expired and were not purged.
    pub fn len(&self) -> usize {
        match &self.entries {
            Entries::Exact(set) | Entries::Suffixes(set) => set.len(),
            Entries::Patterns(patterns) => patterns.len(),
            Entries::Nets { v4, v6 } => v4.len() + v6.len(),
        }
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the same values are entries of the other, and hold the same.
    pub fn is_like(&self, other: &List) -> bool {
        self.kind == other.kind
            && std::mem::discriminant(&self.entries) == std::mem::discriminant(&other.entries)
    }

    /// Lists a value until `expires` (no longer at that very time), or for good. Whether it was not listed before:
    /// if it was, the new expiry replaces the old.
    pub fn insert(&mut self, value: Value, expires: Option<Micros>) -> Result<bool, ListError> {
        let most = self.most;
        self.put(value, expires, most)
    }

    /// Lists a value that was listed before a restart: there was room for it then.
    pub fn restore(&mut self, value: Value, expires: Option<Micros>) -> Result<bool, ListError> {
        self.put(value, expires, usize::MAX)
    }

    fn put(&mut self, value: Value, expires: Option<Micros>, most: usize) -> Result<bool, ListError> {
        let until = expires.unwrap_or(NEVER);
        let name = self.name(&value).ok_or(ListError::WrongType { expected: self.kind })?;
        self.allow(&value)?;
        let floor = self.floor;
        if let Some(listed) = self.until_mut(&value, name) {
            let before = std::mem::replace(listed, until);
            return Ok(before <= floor);
        }
        if self.len() >= most {
            return Err(ListError::Full { most });
        }
        match (&mut self.entries, name) {
            (Entries::Exact(set) | Entries::Suffixes(set), Name::Hash(hash)) => {
                set.insert(hash, value, until)
            }
            (Entries::Nets { v4, .. }, Name::V4(bits, len)) => v4.insert(&self.keyer, bits, len, until),
            (Entries::Nets { v6, .. }, Name::V6(bits, len)) => v6.insert(&self.keyer, bits, len, until),
            _ => unreachable!("a name is made for the entries it is used with"),
        }
        Ok(true)
    }

    /// About how many bytes more the list would hold with this value; none for one that is listed, or cannot be.
    pub fn growth(&self, value: &Value) -> usize {
        let keyer = &self.keyer;
        match (&self.entries, self.name(value)) {
            (Entries::Exact(set) | Entries::Suffixes(set), Some(Name::Hash(hash))) => {
                set.until(hash, |entry| entry == value).map_or_else(|| set.growth(hash, value), |_| 0)
            }
            (Entries::Nets { v4, .. }, Some(Name::V4(bits, len))) => {
                v4.until(keyer, bits, len).map_or_else(|| v4.growth(keyer, bits, len), |_| 0)
            }
            (Entries::Nets { v6, .. }, Some(Name::V6(bits, len))) => {
                v6.until(keyer, bits, len).map_or_else(|| v6.growth(keyer, bits, len), |_| 0)
            }
            _ => 0,
        }
    }

    /// Until when that very entry is listed, or was, if it is held: at what time does not matter.
    pub fn until(&self, value: &Value) -> Option<Option<Micros>> {
        let keyer = &self.keyer;
        let until = match (&self.entries, self.name(value)?) {
            (Entries::Exact(set) | Entries::Suffixes(set), Name::Hash(hash)) => {
                set.until(hash, |entry| entry == value)
            }
            (Entries::Nets { v4, .. }, Name::V4(bits, len)) => v4.until(keyer, bits, len),
            (Entries::Nets { v6, .. }, Name::V6(bits, len)) => v6.until(keyer, bits, len),
            _ => None,
        };
        until.map(end)
    }

    /// Whether [`List::insert`] would list this value.
    ///
    /// # Errors
    /// Those of [`List::insert`].
    pub fn would(&self, value: &Value) -> Result<(), ListError> {
        if self.name(value).is_none() {
            return Err(ListError::WrongType { expected: self.kind });
        }
        self.allow(value)?;
        if self.len() >= self.most && self.until(value).is_none() {
            return Err(ListError::Full { most: self.most });
        }
        Ok(())
    }

    /// Takes an entry off the list; whether it was one. A network goes only under its own name: taking off an
    /// address leaves the network that holds it.
    pub fn remove(&mut self, value: &Value) -> bool {
        let name = self.name(value);
        match (&mut self.entries, name) {
            (Entries::Exact(set) | Entries::Suffixes(set), Some(Name::Hash(hash))) => set.remove(hash, value),
            (Entries::Nets { v4, .. }, Some(Name::V4(bits, len))) => v4.remove(&self.keyer, bits, len),
            (Entries::Nets { v6, .. }, Some(Name::V6(bits, len))) => v6.remove(&self.keyer, bits, len),
            _ => false,
        }
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
                set.until(hash, |entry| entry == value).is_some_and(|until| now < until)
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
        let before = self.len();
        match &mut self.entries {
            Entries::Exact(set) | Entries::Suffixes(set) => set.purge(now),
            Entries::Nets { v4, v6 } => {
                v4.purge(now);
                v6.purge(now);
            }
            Entries::Patterns(_) => {}
        }
        before - self.len()
    }

    /// Forgets entries that had expired at `now`, looking at no more than so many places: those that come next in turn. How
    /// many that were. Called with each entry that is listed, it keeps expired ones down to a share of the others.
    ///
    /// From now on none that had expired at `now` is listed for any time, whether it was come by or not: so that nothing
    /// follows from the order of a hash map.
    pub fn tidy(&mut self, now: Micros, most: usize) -> usize {
        self.floor = self.floor.max(now);
        (0..most).filter(|_| matches!(self.pass(), Passed::Gone(()))).count()
    }

    /// Passes the next place.
    fn pass(&mut self) -> Passed<()> {
        match &mut self.entries {
            Entries::Exact(set) | Entries::Suffixes(set) => set.pass(self.floor),
            Entries::Nets { v4, v6 } => {
                let six = self.six;
                let passed =
                    if six { v6.pass(&self.keyer, self.floor) } else { v4.pass(&self.keyer, self.floor) };
                self.six = six != matches!(passed, Passed::End);
                passed
            }
            Entries::Patterns(_) => Passed::End,
        }
    }

    /// Shows entries from a place on, each with its end: all, or those near to which one was listed since they were shown
    /// last. A bounded number of them; whether there are more. One that is listed meanwhile may be shown as it was, or
    /// twice; no other is left out. Patterns are not shown.
    pub fn show(
        &mut self,
        place: &mut Place,
        all: bool,
        each: &mut dyn FnMut(&Value, Option<Micros>),
    ) -> bool {
        match &mut self.entries {
            Entries::Exact(set) | Entries::Suffixes(set) => set.show(place, all, each),
            Entries::Nets { v4, .. } if !place.second => {
                if !v4.show(place, all, |bits, len, until| each(&net_v4(bits, len), end(until))) {
                    *place = Place::of_second();
                }
                true
            }
            Entries::Nets { v6, .. } => {
                v6.show(place, all, |bits, len, until| each(&net_v6(bits, len), end(until)))
            }
            Entries::Patterns(_) => false,
        }
    }

    /// Hands over all entries, in no order; no patterns.
    pub fn into_entries(self, mut each: impl FnMut(Value, Option<Micros>)) {
        match self.entries {
            Entries::Exact(set) | Entries::Suffixes(set) => {
                set.into_entries().for_each(|(value, until)| each(value, until));
            }
            Entries::Nets { v4, v6 } => {
                v4.into_entries().for_each(|(bits, len, until)| each(net_v4(bits, len), end(until)));
                v6.into_entries().for_each(|(bits, len, until)| each(net_v6(bits, len), end(until)));
            }
            Entries::Patterns(_) => {}
        }
    }

    /// An estimate of its memory; of patterns, what they may come to.
    pub fn bytes(&self) -> usize {
        match &self.entries {
            Entries::Exact(set) | Entries::Suffixes(set) => set.bytes(),
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
    fn holds_below(&self, set: &Values, name: &str, now: Micros) -> bool {
        let above = name.rmatch_indices('.').map(|(dot, _)| &name[dot + 1..]);
        let mut suffixes = above.chain(std::iter::once(name)).take(limits::DOMAIN_LABELS);
        suffixes.any(|suffix| {
            let until = set.until(self.keyer.text(suffix), |entry| text(entry) == Some(suffix));
            until.is_some_and(|until| now < until)
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
            (Entries::Exact(set) | Entries::Suffixes(set), Name::Hash(hash)) => set.until_mut(hash, value),
            (Entries::Nets { v4, .. }, Name::V4(bits, len)) => v4.until_mut(&self.keyer, bits, len),
            (Entries::Nets { v6, .. }, Name::V6(bits, len)) => v6.until_mut(&self.keyer, bits, len),
            _ => None,
        }
    }
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

/// The network of these bits and this length, as a value.
fn net_v4(bits: u32, len: u8) -> Value {
    Value::Net(IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::from(bits), len)))
}

/// As [`net_v4`].
fn net_v6(bits: u128, len: u8) -> Value {
    Value::Net(IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::from(bits), len)))
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

#[cfg(test)]
mod tests;
