// SPDX-License-Identifier: Apache-2.0
//! Networks of one address family, and whether one of them holds an address or a network.
//!
//! One hash set for each prefix length in use, all asked in turn: at most 33 for IPv4 and 129 for IPv6, where real
//! lists have a handful. Sorted ranges would need one search instead, but entries expire one by one, come one by
//! one while the list is in use, and "inside one of them" is not "inside their union". The hash is keyed: entries
//! are often addresses that a stranger chose.

use crate::Keyer;
use crate::lists::{Hand, pass};
use hashbrown::HashTable;
use wardroom_event::Micros;

/// An address as a number, its first bit the highest.
pub(crate) trait Bits: Copy + Eq + Into<u128> {
    /// The first `len` bits, the others zero.
    fn prefix(self, len: u8) -> Self;
}

impl Bits for u32 {
    fn prefix(self, len: u8) -> u32 {
        self & u32::MAX.checked_shl(u32::BITS - u32::from(len)).unwrap_or(0)
    }
}

impl Bits for u128 {
    fn prefix(self, len: u8) -> u128 {
        self & u128::MAX.checked_shl(u128::BITS - u32::from(len)).unwrap_or(0)
    }
}

/// A network of a known length, until when it is listed.
struct Prefix<B> {
    bits: B,
    until: Micros,
}

/// Networks, by prefix length, the shortest first.
pub(crate) struct Prefixes<B> {
    by_len: Vec<(u8, HashTable<Prefix<B>>)>,
}

impl<B: Bits> Prefixes<B> {
    pub(crate) fn new() -> Prefixes<B> {
        Prefixes { by_len: Vec::new() }
    }

    /// Lists the network of the first `len` bits, which is not listed.
    pub(crate) fn insert(&mut self, keyer: &Keyer, bits: B, len: u8, until: Micros) {
        let bits = bits.prefix(len);
        let at = self.find(len).unwrap_or_else(|at| {
            self.by_len.insert(at, (len, HashTable::new()));
            at
        });
        let rehash = |listed: &Prefix<B>| keyer.bits(listed.bits.into());
        self.by_len[at].1.insert_unique(keyer.bits(bits.into()), Prefix { bits, until }, rehash);
    }

    /// Until when that very network is listed.
    pub(crate) fn until_mut(&mut self, keyer: &Keyer, bits: B, len: u8) -> Option<&mut Micros> {
        let bits = bits.prefix(len);
        let at = self.find(len).ok()?;
        let listed = self.by_len[at].1.find_mut(keyer.bits(bits.into()), |listed| listed.bits == bits)?;
        Some(&mut listed.until)
    }

    /// Where the networks of a length are, or belong.
    fn find(&self, len: u8) -> Result<usize, usize> {
        self.by_len.binary_search_by_key(&len, |(len, _)| *len)
    }

    /// Takes that very network off the list; whether it was there.
    pub(crate) fn remove(&mut self, keyer: &Keyer, bits: B, len: u8) -> bool {
        let bits = bits.prefix(len);
        let hash = keyer.bits(bits.into());
        let Ok(at) = self.find(len) else { return false };
        let Ok(listed) = self.by_len[at].1.find_entry(hash, |listed| listed.bits == bits) else {
            return false;
        };
        listed.remove();
        self.drop_empty();
        true
    }

    /// Whether a listed network holds all of the network of the first `len` bits.
    pub(crate) fn hold(&self, keyer: &Keyer, bits: B, len: u8, now: Micros) -> bool {
        self.by_len.iter().take_while(|(listed, _)| *listed <= len).any(|(len, set)| {
            let bits = bits.prefix(*len);
            set.find(keyer.bits(bits.into()), |listed| listed.bits == bits).is_some_and(|net| now < net.until)
        })
    }

    /// Forgets what has expired; how many that were.
    pub(crate) fn purge(&mut self, now: Micros) -> usize {
        let before = self.len();
        self.by_len.iter_mut().for_each(|(_, set)| set.retain(|listed| now < listed.until));
        self.drop_empty();
        before - self.len()
    }

    /// Passes the next place; whether the network there was over, and is gone. `None` behind the last map.
    pub(crate) fn pass(&mut self, keyer: &Keyer, hand: &mut Hand, now: Micros) -> Option<bool> {
        let (_, map) = self.by_len.get_mut(hand.map)?;
        Some(pass(map, hand, |listed| listed.until <= now, |listed| keyer.bits(listed.bits.into())))
    }

    /// How many maps there are.
    pub(crate) fn maps(&self) -> usize {
        self.by_len.len()
    }

    fn drop_empty(&mut self) {
        self.by_len.retain(|(_, set)| !set.is_empty());
    }

    fn len(&self) -> usize {
        self.by_len.iter().map(|(_, set)| set.len()).sum()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.by_len.iter().map(|(_, set)| set.allocation_size()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_cut() {
        assert_eq!([0, 1, 24, 31, 32].map(|len| u32::MAX.prefix(len).count_ones()), [0, 1, 24, 31, 32]);
        assert_eq!([0, 1, 64, 128].map(|len| u128::MAX.prefix(len).count_ones()), [0, 1, 64, 128]);
        assert_eq!(u32::MAX.prefix(8), 0xff00_0000);
    }
}
