// SPDX-License-Identifier: Apache-2.0
//! Values, each until a time: compared as values, and found by their hash.

use crate::Keyer;
use crate::shards::{Passed, Place, Shards};
use ipnet::IpNet;
use std::net::IpAddr;
use wardroom_event::{Micros, Value};

/// Stands for an entry that does not expire.
pub(crate) const NEVER: Micros = Micros(i64::MAX);
/// What a text takes on the heap beside its bytes, about.
const HEAP: usize = 16;

struct Entry {
    value: Value,
    until: Micros,
}

/// A set of values.
pub struct Values {
    keyer: Keyer,
    entries: Shards<Entry>,
    /// What their texts hold.
    texts: usize,
}

impl Values {
    /// None.
    pub fn new(keyer: Keyer) -> Values {
        Values { keyer, entries: Shards::new(), texts: 0 }
    }

    /// How many there are, among them those that have expired and were not purged.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An estimate of their memory.
    pub fn bytes(&self) -> usize {
        self.entries.bytes() + self.texts
    }

    /// Holds a value until a time, or for good; where it is held, the new end replaces the old. An address is the network
    /// of that one address. What is missing is held nowhere.
    pub fn set(&mut self, value: Value, until: Option<Micros>) {
        let (value, until) = (canonical(value), until.unwrap_or(NEVER));
        let Some(hash) = self.hash(&value) else { return };
        match self.until_mut(hash, &value) {
            Some(held) => *held = until,
            None => self.insert(hash, value, until),
        }
    }

    /// Until when a value is held, if it is: at what time does not matter.
    pub fn end(&self, value: &Value) -> Option<Option<Micros>> {
        let value = canonical(value.clone());
        let until = self.until(self.hash(&value)?, |held| *held == value)?;
        Some(end(until))
    }

    /// Holds a value no longer; whether it did.
    pub fn unset(&mut self, value: &Value) -> bool {
        let value = canonical(value.clone());
        self.hash(&value).is_some_and(|hash| self.remove(hash, &value))
    }

    /// Forgets values that are over by a time, looking at no more than so many places; how many that were.
    pub fn tidy(&mut self, floor: Micros, most: usize) -> usize {
        (0..most).filter(|_| matches!(self.pass(floor), Passed::Gone(()))).count()
    }

    /// Shows values from a place on, see [`List::show`](crate::List::show).
    pub fn show(
        &mut self,
        place: &mut Place,
        all: bool,
        each: &mut dyn FnMut(&Value, Option<Micros>),
    ) -> bool {
        self.entries.show(place, all, |entry| each(&entry.value, end(entry.until)))
    }

    /// All of them, in no order.
    pub fn into_entries(self) -> impl Iterator<Item = (Value, Option<Micros>)> {
        self.entries.into_entries().map(|entry| (entry.value, end(entry.until)))
    }

    /// `None` where the value is missing.
    pub(crate) fn hash(&self, value: &Value) -> Option<u64> {
        self.keyer.key([value]).map(|key| key.0)
    }

    /// Until when the value is held that has this hash, and is the one.
    pub(crate) fn until(&self, hash: u64, is: impl Fn(&Value) -> bool) -> Option<Micros> {
        self.entries.find(hash, |entry| is(&entry.value)).map(|entry| entry.until)
    }

    pub(crate) fn until_mut(&mut self, hash: u64, value: &Value) -> Option<&mut Micros> {
        self.entries.find_mut(hash, |entry| entry.value == *value).map(|entry| &mut entry.until)
    }

    /// Adds a value that is not held.
    pub(crate) fn insert(&mut self, hash: u64, value: Value, until: Micros) {
        self.texts += heap(&value);
        let keyer = &self.keyer;
        self.entries.insert(hash, Entry { value, until }, |entry| hash_of(keyer, entry));
    }

    /// About how many bytes more they are with this value.
    pub(crate) fn growth(&self, hash: u64, value: &Value) -> usize {
        self.entries.growth(hash) + size_of::<Entry>() + heap(value)
    }

    pub(crate) fn remove(&mut self, hash: u64, value: &Value) -> bool {
        let gone = self.entries.remove(hash, |entry| entry.value == *value);
        self.texts -= gone.as_ref().map_or(0, |entry| heap(&entry.value));
        gone.is_some()
    }

    pub(crate) fn purge(&mut self, now: Micros) {
        let texts = &mut self.texts;
        self.entries.retain(|entry| {
            let stays = now < entry.until;
            *texts -= if stays { 0 } else { heap(&entry.value) };
            stays
        });
    }

    /// Passes the next place.
    pub(crate) fn pass(&mut self, floor: Micros) -> Passed<()> {
        let keyer = &self.keyer;
        match self.entries.pass(|entry| entry.until <= floor, |entry| hash_of(keyer, entry)) {
            Passed::Gone(entry) => {
                self.texts -= heap(&entry.value);
                Passed::Gone(())
            }
            Passed::Kept => Passed::Kept,
            Passed::End => Passed::End,
        }
    }
}

/// The hash of an entry, which is never missing.
fn hash_of(keyer: &Keyer, entry: &Entry) -> u64 {
    keyer.key([&entry.value]).map_or(0, |key| key.0)
}

/// The end of an entry, if it has one.
pub(crate) fn end(until: Micros) -> Option<Micros> {
    (until != NEVER).then_some(until)
}

/// What a value holds on the heap, about.
fn heap(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len() + HEAP,
        _ => 0,
    }
}

/// The one form of an address or a network; other values as they are. Two values that are one entry of a list have one.
pub fn canonical(value: Value) -> Value {
    match value {
        Value::Ip(ip) => network(IpNet::from(ip.to_canonical())),
        Value::Net(net) => network(net),
        other => other,
    }
}

/// A network by its first address; one that maps IPv4 into IPv6 is the one it maps.
fn network(net: IpNet) -> Value {
    let mapped = match (net.network(), net.prefix_len().checked_sub(96)) {
        (IpAddr::V6(ip), Some(len)) => ip.to_ipv4_mapped().and_then(|ip| IpNet::new(ip.into(), len).ok()),
        _ => None,
    };
    Value::Net(mapped.unwrap_or(net.trunc()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    #[test]
    fn one_address_is_one_value_however_it_is_written() {
        let mut values = Values::new(Keyer::new(Secret([3; 16])));
        let net = |t: &str| Value::Net(t.parse().unwrap());
        let ip = |t: &str| Value::Ip(t.parse().unwrap());
        for (value, len) in [
            (ip("192.0.2.1"), 1),
            (net("192.0.2.1/32"), 1),
            (ip("::ffff:192.0.2.1"), 1),
            (net("::ffff:192.0.2.1/128"), 1),
            (net("192.0.2.1/24"), 2),
            (net("192.0.2.0/24"), 2),
            (ip("2001:db8::1"), 3),
            (net("2001:db8::1/128"), 3),
            (Value::Text("192.0.2.1".into()), 4),
            (Value::Missing, 4),
            (Value::Number(f64::NAN), 4),
        ] {
            values.set(value.clone(), None);
            assert_eq!(values.len(), len, "{value:?}");
        }
    }

    #[test]
    fn texts_are_in_the_memory_they_take() {
        let mut values = Values::new(Keyer::new(Secret([3; 16])));
        let text = |n: i64| Value::Text(format!("{n:>1000}").into());
        (0..50).for_each(|n| values.set(text(n), Some(Micros(n))));
        (0..50).for_each(|n| values.set(text(n), Some(Micros(n))));
        assert!((50_000..60_000).contains(&values.bytes()), "{}", values.bytes());
        assert_eq!((values.tidy(Micros(24), 500), values.len()), (25, 25));
        assert!(values.bytes() < 30_000);
        values.purge(Micros(39));
        let hash = values.hash(&text(40)).unwrap();
        assert!(values.remove(hash, &text(40)) && !values.remove(hash, &text(40)));
        assert!((9_000..12_000).contains(&values.bytes()), "{}", values.bytes());
        let mut left: Vec<_> = values.into_entries().map(|(_, until)| until).collect();
        left.sort();
        assert_eq!((left.len(), left[0]), (9, Some(Micros(41))));
    }
}
