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

/// Which entities bear which labels.
pub struct Labels {
    /// Every name that was ever set: policies have few.
    names: BTreeMap<Box<str>, Name>,
    labels: HashTable<Label>,
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
        Labels { names: BTreeMap::new(), labels: HashTable::new(), expiring: BTreeSet::new(), most }
    }

    /// Labels an entity until a time (no longer at that very time), or for good. Whether it did not bear the label
    /// before: if it did, the new expiry replaces the old.
    pub fn set(&mut self, key: Key, name: &str, until: Option<Micros>) -> Result<bool, LabelError> {
        let until = until.unwrap_or(NEVER);
        if let Some(known) = self.names.get(name).copied()
            && let Some(label) = self.labels.find_mut(spot(key, known), |label| label.is(key, known))
        {
            let before = std::mem::replace(&mut label.until, until);
            self.expiring.remove(&(before, key, known));
            self.expect_expiry(key, known, until);
            return Ok(false);
        }
        if self.labels.len() >= self.most {
            return Err(LabelError::Full { most: self.most });
        }
        let name = self.name(name)?;
        let label = Label { key, name, until };
        self.labels.insert_unique(spot(key, name), label, |label| spot(label.key, label.name));
        self.expect_expiry(key, name, until);
        Ok(true)
    }

    /// Takes a label off; whether it was there.
    pub fn remove(&mut self, key: Key, name: &str) -> bool {
        let Some(name) = self.names.get(name).copied() else { return false };
        let Ok(label) = self.labels.find_entry(spot(key, name), |label| label.is(key, name)) else {
            return false;
        };
        let (label, _) = label.remove();
        self.expiring.remove(&(label.until, key, name));
        true
    }

    /// Whether an entity bears a label at a time.
    pub fn has(&self, key: Key, name: &str, at: Micros) -> bool {
        let Some(name) = self.names.get(name).copied() else { return false };
        let label = self.labels.find(spot(key, name), |label| label.is(key, name));
        label.is_some_and(|label| label.until == NEVER || at < label.until)
    }

    /// Forgets labels that have expired at `now`, at most so many and those that expired first; how many that were.
    pub fn purge(&mut self, now: Micros, most: usize) -> usize {
        let mut gone = 0;
        while gone < most
            && let Some((until, key, name)) = self.expiring.first().copied()
            && until <= now
        {
            self.expiring.pop_first();
            if let Ok(label) = self.labels.find_entry(spot(key, name), |label| label.is(key, name)) {
                label.remove();
            }
            gone += 1;
        }
        gone
    }

    /// How many are set, among them those that have expired and were not purged.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// An estimate of their memory.
    pub fn bytes(&self) -> usize {
        // A node of a B-tree is two thirds full on average.
        let node = |entry: usize| entry + entry / 2;
        let names: usize =
            self.names.keys().map(|name| name.len() + node(size_of::<(Box<str>, Name)>())).sum();
        self.labels.allocation_size() + self.expiring.len() * node(size_of::<(Micros, Key, Name)>()) + names
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
