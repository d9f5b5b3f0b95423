// SPDX-License-Identifier: Apache-2.0
//! Networks of one address family, and whether one of them holds an address or a network.
//!
//! A look for each prefix length in use: at most 33 for IPv4 and 129 for IPv6, where real lists have a handful. Sorted ranges
//! would need one search instead, but entries expire one by one, come one by one while the list is in use, and "inside one of
//! them" is not "inside their union". The hash is keyed: entries are often addresses that a stranger chose.

use crate::Keyer;
use crate::shards::{Passed, Place, Shards};
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

/// A network, until when it is listed.
struct Prefix<B> {
    bits: B,
    len: u8,
    until: Micros,
}

/// Networks.
pub(crate) struct Prefixes<B> {
    entries: Shards<Prefix<B>>,
    /// The lengths in use, the shortest first, and how many networks have each.
    lens: Vec<(u8, usize)>,
}

impl<B: Bits> Prefixes<B> {
    pub(crate) fn new() -> Prefixes<B> {
        Prefixes { entries: Shards::new(), lens: Vec::new() }
    }

    /// Lists the network of the first `len` bits, which is not listed.
    pub(crate) fn insert(&mut self, keyer: &Keyer, bits: B, len: u8, until: Micros) {
        let bits = bits.prefix(len);
        match self.lens.binary_search_by_key(&len, |(len, _)| *len) {
            Ok(at) => self.lens[at].1 += 1,
            Err(at) => self.lens.insert(at, (len, 1)),
        }
        let rehash = |listed: &Prefix<B>| spot(keyer, listed.bits, listed.len);
        self.entries.insert(spot(keyer, bits, len), Prefix { bits, len, until }, rehash);
    }

    /// Until when that very network is listed.
    pub(crate) fn until(&self, keyer: &Keyer, bits: B, len: u8) -> Option<Micros> {
        let bits = bits.prefix(len);
        self.entries.find(spot(keyer, bits, len), |listed| listed.is(bits, len)).map(|listed| listed.until)
    }

    /// The same, to be set.
    pub(crate) fn until_mut(&mut self, keyer: &Keyer, bits: B, len: u8) -> Option<&mut Micros> {
        let bits = bits.prefix(len);
        let listed = self.entries.find_mut(spot(keyer, bits, len), |listed| listed.is(bits, len))?;
        Some(&mut listed.until)
    }

    /// About how many bytes more they are with this network.
    pub(crate) fn growth(&self, keyer: &Keyer, bits: B, len: u8) -> usize {
        self.entries.growth(spot(keyer, bits.prefix(len), len)) + size_of::<Prefix<B>>()
    }

    /// Takes that very network off the list; whether it was there.
    pub(crate) fn remove(&mut self, keyer: &Keyer, bits: B, len: u8) -> bool {
        let bits = bits.prefix(len);
        let gone = self.entries.remove(spot(keyer, bits, len), |listed| listed.is(bits, len));
        gone.inspect(|_| self.drop_len(len)).is_some()
    }

    /// Whether a listed network holds all of the network of the first `len` bits.
    pub(crate) fn hold(&self, keyer: &Keyer, bits: B, len: u8, now: Micros) -> bool {
        let mut wider = self.lens.iter().take_while(|(listed, _)| *listed <= len);
        wider.any(|(len, _)| self.until(keyer, bits, *len).is_some_and(|until| now < until))
    }

    /// Forgets what has expired.
    pub(crate) fn purge(&mut self, now: Micros) {
        let mut gone = Vec::new();
        self.entries.retain(|listed| {
            let stays = now < listed.until;
            gone.extend((!stays).then_some(listed.len));
            stays
        });
        gone.into_iter().for_each(|len| self.drop_len(len));
    }

    /// Passes the next place.
    pub(crate) fn pass(&mut self, keyer: &Keyer, now: Micros) -> Passed<()> {
        let rehash = |listed: &Prefix<B>| spot(keyer, listed.bits, listed.len);
        match self.entries.pass(|listed| listed.until <= now, rehash) {
            Passed::Gone(listed) => {
                self.drop_len(listed.len);
                Passed::Gone(())
            }
            Passed::Kept => Passed::Kept,
            Passed::End => Passed::End,
        }
    }

    /// Shows networks from a place on, see [`Shards::show`].
    pub(crate) fn show(&mut self, place: &mut Place, all: bool, mut each: impl FnMut(B, u8, Micros)) -> bool {
        self.entries.show(place, all, |listed| each(listed.bits, listed.len, listed.until))
    }

    /// All of them, in no order.
    pub(crate) fn into_entries(self) -> impl Iterator<Item = (B, u8, Micros)> {
        self.entries.into_entries().map(|listed| (listed.bits, listed.len, listed.until))
    }

    /// There is one network of that length less.
    fn drop_len(&mut self, len: u8) {
        if let Ok(at) = self.lens.binary_search_by_key(&len, |(len, _)| *len) {
            self.lens[at].1 -= 1;
            if self.lens[at].1 == 0 {
                self.lens.remove(at);
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.entries.bytes()
    }
}

impl<B: Bits> Prefix<B> {
    fn is(&self, bits: B, len: u8) -> bool {
        self.len == len && self.bits == bits
    }
}

/// A network's hash: that of its bits, and its length spread by a product with an odd number.
fn spot<B: Bits>(keyer: &Keyer, bits: B, len: u8) -> u64 {
    keyer.bits(bits.into()) ^ u64::from(len).wrapping_mul(0x9e37_79b9_7f4a_7c15)
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
