// SPDX-License-Identifier: Apache-2.0
//! Labels on entities, each until a time or for good: what a rule said of an account, a network or a device.

use crate::{Key, limits};
use hashbrown::HashTable;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use wardroom_event::Micros;

/// Stands for a label that does not expire.
const NEVER: Micros = Micros(i64::MAX);

/// Why a label was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// As many are set as may be.
    #[error("no label is free: {most} are set")]
    Full {
        /// How many.
        most: usize,
    },
    /// There are as many names as may be.
    #[error("no more labels can be named: there are {most} names", most = limits::LABEL_NAMES)]
    TooManyNames,
    /// Bytes that are no labels.
    #[error("the labels of a snapshot cannot be read")]
    Unreadable,
    /// The name is longer than may be.
    #[error("the label's name has {bytes} bytes, where {most} are the most", most = limits::LABEL_BYTES)]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
}

/// A label's name, as it is held.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Name(u32);

struct Label {
    key: Key,
    name: Name,
    until: Micros,
}

/// Labels are kept in so many maps, by their hash: growing one of them, or writing one into a snapshot, takes a moment,
/// and all of them a thousand.
pub const LABEL_SHARDS: usize = 1024;

/// Some of the labels.
#[derive(Default)]
struct Shard {
    labels: HashTable<Label>,
    /// Whether a label was set here since the shard was written last.
    changed: bool,
}

/// Which entities bear which labels.
pub struct Labels {
    /// Every name that was ever set: policies have few.
    names: BTreeMap<Box<str>, Name>,
    /// None until the first label is set.
    shards: Vec<Shard>,
    len: usize,
    /// Those that expire, the soonest first.
    expiring: BTreeSet<(Micros, Key, Name)>,
    most: usize,
}

/// Shows how many, not on whom.
impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Labels({})", self.len())
    }
}

impl Default for Labels {
    fn default() -> Labels {
        Labels::new()
    }
}

impl Labels {
    /// None, and room for [`limits::LABELS`].
    pub fn new() -> Labels {
        Labels::with_limit(limits::LABELS)
    }

    /// None, and room for `most`.
    pub fn with_limit(most: usize) -> Labels {
        Labels { names: BTreeMap::new(), shards: Vec::new(), len: 0, expiring: BTreeSet::new(), most }
    }

    /// Labels an entity until a time (no longer at that very time), or for good. Whether it did not bear the label
    /// before: if it did, the new expiry replaces the old.
    pub fn set(&mut self, key: Key, name: &str, until: Option<Micros>) -> Result<bool, LabelError> {
        let until = until.unwrap_or(NEVER);
        let known = self.names.get(name).copied();
        if self.len >= self.most && known.and_then(|name| self.find(key, name)).is_none() {
            return Err(LabelError::Full { most: self.most });
        }
        let name = match known {
            Some(name) => name,
            None => self.name(name)?,
        };
        Ok(self.put(key, name, until))
    }

    /// Sets a label that was set before a restart: there was room for it then.
    ///
    /// # Errors
    /// Only where its name is none that was ever set.
    pub fn restore(&mut self, key: Key, name: &str, until: Option<Micros>) -> Result<(), LabelError> {
        let name = self.name(name)?;
        self.put(key, name, until.unwrap_or(NEVER));
        Ok(())
    }

    /// Whether it is new.
    fn put(&mut self, key: Key, name: Name, until: Micros) -> bool {
        if self.shards.is_empty() {
            self.shards.resize_with(LABEL_SHARDS, Shard::default);
        }
        let shard = &mut self.shards[shard(key, name)];
        shard.changed = true;
        let before = match shard.labels.find_mut(spot(key, name), |label| label.is(key, name)) {
            Some(label) => Some(std::mem::replace(&mut label.until, until)),
            None => {
                let label = Label { key, name, until };
                shard.labels.insert_unique(spot(key, name), label, |label| spot(label.key, label.name));
                self.len += 1;
                None
            }
        };
        if let Some(before) = before {
            self.expiring.remove(&(before, key, name));
        }
        self.expect_expiry(key, name, until);
        before.is_none()
    }

    fn find(&self, key: Key, name: Name) -> Option<&Label> {
        self.shards.get(shard(key, name))?.labels.find(spot(key, name), |label| label.is(key, name))
    }

    fn take(&mut self, key: Key, name: Name) -> Option<Label> {
        let shard = self.shards.get_mut(shard(key, name))?;
        let (label, _) = shard.labels.find_entry(spot(key, name), |label| label.is(key, name)).ok()?.remove();
        self.len -= 1;
        Some(label)
    }

    /// Appends the labels of shard `n` of [`LABEL_SHARDS`], for [`Labels::load`]; `all` of them, or only if one was set
    /// there since it was written last. Nothing is appended where there is nothing to write.
    pub fn write(&mut self, n: usize, all: bool, out: &mut Vec<u8>) {
        let Some(shard) = self.shards.get_mut(n).filter(|shard| all || shard.changed) else {
            return;
        };
        shard.changed = false;
        let mut names: Vec<&str> = vec![""; self.names.len()];
        self.names.iter().for_each(|(name, n)| names[n.0 as usize] = name);
        for label in &shard.labels {
            let name = names[label.name.0 as usize].as_bytes();
            out.extend_from_slice(&label.key.0.to_le_bytes());
            out.extend_from_slice(&label.until.0.to_le_bytes());
            // Names are no longer than LABEL_BYTES.
            out.push(name.len() as u8);
            out.extend_from_slice(name);
        }
    }

    /// Sets the labels that [`Labels::write`] wrote.
    ///
    /// # Errors
    /// Where the bytes are none that it writes; what came before is set.
    pub fn load(&mut self, mut bytes: &[u8]) -> Result<(), LabelError> {
        while !bytes.is_empty() {
            let (label, rest) = split(bytes).ok_or(LabelError::Unreadable)?;
            let (key, until, name) = label;
            self.restore(key, name, Some(until))?;
            bytes = rest;
        }
        Ok(())
    }

    /// Takes a label off; whether it was there.
    pub fn remove(&mut self, key: Key, name: &str) -> bool {
        let Some(name) = self.names.get(name).copied() else { return false };
        let Some(label) = self.take(key, name) else { return false };
        self.expiring.remove(&(label.until, key, name));
        true
    }

    /// Whether an entity bears a label at a time.
    pub fn has(&self, key: Key, name: &str, at: Micros) -> bool {
        let Some(name) = self.names.get(name).copied() else { return false };
        self.find(key, name).is_some_and(|label| label.until == NEVER || at < label.until)
    }

    /// Forgets labels that have expired at `now`, at most so many and those that expired first; how many that were.
    pub fn purge(&mut self, now: Micros, most: usize) -> usize {
        let mut gone = 0;
        while gone < most
            && let Some((until, key, name)) = self.expiring.first().copied()
            && until <= now
        {
            self.expiring.pop_first();
            self.take(key, name);
            gone += 1;
        }
        gone
    }

    /// How many are set, among them those that have expired and were not purged.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// An estimate of their memory.
    pub fn bytes(&self) -> usize {
        // A node of a B-tree is two thirds full on average.
        let node = |entry: usize| entry + entry / 2;
        let names: usize =
            self.names.keys().map(|name| name.len() + node(size_of::<(Box<str>, Name)>())).sum();
        let shards: usize = self.shards.iter().map(|shard| shard.labels.allocation_size()).sum();
        shards
            + self.shards.len() * size_of::<Shard>()
            + self.expiring.len() * node(size_of::<(Micros, Key, Name)>())
            + names
    }

    fn expect_expiry(&mut self, key: Key, name: Name, until: Micros) {
        if until != NEVER {
            self.expiring.insert((until, key, name));
        }
    }

    /// The name, as it is held from now on.
    fn name(&mut self, name: &str) -> Result<Name, LabelError> {
        if let Some(known) = self.names.get(name) {
            return Ok(*known);
        }
        if name.len() > limits::LABEL_BYTES {
            return Err(LabelError::TooLong { bytes: name.len() });
        }
        if self.names.len() >= limits::LABEL_NAMES {
            return Err(LabelError::TooManyNames);
        }
        let new = Name(self.names.len() as u32);
        self.names.insert(name.into(), new);
        Ok(new)
    }
}

impl Label {
    fn is(&self, key: Key, name: Name) -> bool {
        self.key == key && self.name == name
    }
}

/// A label of those that [`Labels::write`] wrote, and what follows it.
type Split<'a> = ((Key, Micros, &'a str), &'a [u8]);

fn split(bytes: &[u8]) -> Option<Split<'_>> {
    let (key, rest) = bytes.split_first_chunk::<8>()?;
    let (until, rest) = rest.split_first_chunk::<8>()?;
    let (len, rest) = rest.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*len))?;
    let name = str::from_utf8(name).ok()?;
    Some(((Key(u64::from_le_bytes(*key)), Micros(i64::from_le_bytes(*until)), name), rest))
}

/// Which of the shards holds a label: bits of its hash that a hash map uses neither for the bucket nor for the tag.
fn shard(key: Key, name: Name) -> usize {
    (spot(key, name) >> 40) as usize % LABEL_SHARDS
}

/// A label's hash. The key is one already; the names are spread by a product with an odd number.
fn spot(key: Key, name: Name) -> u64 {
    key.0 ^ u64::from(name.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
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
        assert_eq!(
            (labels.len(), labels.is_empty(), format!("{labels:?}").as_str()),
            (1, false, "Labels(1)")
        );
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
            (0..LABEL_SHARDS).for_each(|n| labels.write(n, all, &mut out));
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
}
