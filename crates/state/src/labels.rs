// SPDX-License-Identifier: Apache-2.0
//! Labels on entities, each until a time or for good: what a rule said of an account, a network or a device.

use crate::shards::{Place, Shards};
use crate::values::{NEVER, end};
use crate::{Key, limits};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use wardroom_event::Micros;

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

/// Which entities bear which labels.
pub struct Labels {
    /// Every name that was ever set: policies have few.
    names: BTreeMap<Box<str>, Name>,
    /// What they hold.
    names_bytes: usize,
    labels: Shards<Label>,
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
        let names = BTreeMap::new();
        Labels { names, names_bytes: 0, labels: Shards::new(), expiring: BTreeSet::new(), most }
    }

    /// Labels an entity until a time (no longer at that very time), or for good. Whether it did not bear the label
    /// before: if it did, the new expiry replaces the old.
    pub fn set(&mut self, key: Key, name: &str, until: Option<Micros>) -> Result<bool, LabelError> {
        let until = until.unwrap_or(NEVER);
        let known = self.names.get(name).copied();
        if self.len() >= self.most && known.and_then(|name| self.find(key, name)).is_none() {
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

    /// About how many bytes more they are once this label is set.
    pub fn growth(&self, key: Key, name: &str, until: Option<Micros>) -> usize {
        let (known, new) = match self.names.get(name) {
            Some(known) => (*known, 0),
            None => (Name(self.names.len() as u32), name_bytes(name)),
        };
        let before = self.find(key, known);
        let label = before.map_or_else(|| self.labels.growth(spot(key, known)) + size_of::<Label>(), |_| 0);
        let expires = until.is_some() && before.is_none_or(|label| label.until == NEVER);
        new + label + if expires { EXPIRING } else { 0 }
    }

    /// Whether it is new.
    fn put(&mut self, key: Key, name: Name, until: Micros) -> bool {
        let before = match self.labels.find_mut(spot(key, name), |label| label.is(key, name)) {
            Some(label) => Some(std::mem::replace(&mut label.until, until)),
            None => {
                let rehash = |label: &Label| spot(label.key, label.name);
                self.labels.insert(spot(key, name), Label { key, name, until }, rehash);
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
        self.labels.find(spot(key, name), |label| label.is(key, name))
    }

    fn take(&mut self, key: Key, name: Name) -> Option<Label> {
        self.labels.remove(spot(key, name), |label| label.is(key, name))
    }

    /// Appends labels from a place on, for [`Labels::load`]: all, or those near to which one was set since they were written
    /// last. A bounded number of them; whether there are more.
    pub fn write(&mut self, place: &mut Place, all: bool, out: &mut Vec<u8>) -> bool {
        let mut names: Vec<&str> = vec![""; self.names.len()];
        self.names.iter().for_each(|(name, n)| names[n.0 as usize] = name);
        self.labels.show(place, all, |label| {
            let name = names[label.name.0 as usize].as_bytes();
            out.extend_from_slice(&label.key.0.to_le_bytes());
            out.extend_from_slice(&label.until.0.to_le_bytes());
            // Names are no longer than LABEL_BYTES.
            out.push(name.len() as u8);
            out.extend_from_slice(name);
        })
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

    /// Until when an entity bears a label, or bore it, if it is held: at what time does not matter.
    pub fn until(&self, key: Key, name: &str) -> Option<Option<Micros>> {
        let label = self.find(key, self.names.get(name).copied()?)?;
        Some(end(label.until))
    }

    /// Whether [`Labels::set`] would set this label.
    ///
    /// # Errors
    /// Those of [`Labels::set`].
    pub fn would(&self, key: Key, name: &str) -> Result<(), LabelError> {
        let known = self.names.get(name).copied();
        if self.len() >= self.most && known.and_then(|name| self.find(key, name)).is_none() {
            return Err(LabelError::Full { most: self.most });
        }
        match known {
            Some(_) => Ok(()),
            None if name.len() > limits::LABEL_BYTES => Err(LabelError::TooLong { bytes: name.len() }),
            None if self.names.len() >= limits::LABEL_NAMES => Err(LabelError::TooManyNames),
            None => Ok(()),
        }
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
        self.labels.len()
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An estimate of their memory.
    pub fn bytes(&self) -> usize {
        self.labels.bytes() + self.expiring.len() * EXPIRING + self.names_bytes
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
        self.names_bytes += name_bytes(name);
        self.names.insert(name.into(), new);
        Ok(new)
    }
}

/// What a label that expires takes beside its place in a map, about.
const EXPIRING: usize = node(size_of::<(Micros, Key, Name)>());

/// What an entry of a B-tree takes: a node is two thirds full on average.
const fn node(entry: usize) -> usize {
    entry + entry / 2
}

/// What a name takes, about.
fn name_bytes(name: &str) -> usize {
    name.len() + node(size_of::<(Box<str>, Name)>())
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

/// A label's hash. The key is one already; the names are spread by a product with an odd number.
fn spot(key: Key, name: Name) -> u64 {
    key.0 ^ u64::from(name.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests;
