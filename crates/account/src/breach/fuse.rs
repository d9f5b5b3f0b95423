// SPDX-License-Identifier: Apache-2.0
//! A binary fuse filter (Graf and Lemire, *Binary Fuse Filters: Fast and Smaller Than Xor Filters*, 2022) whose slots give a
//! small value as well: three slots, combined by exclusive or, are the fingerprint and the value of a key that is in it.
//!
//! Our own, and not the crate `xorf` (MIT, in good order): that one holds its slots in memory and keeps fingerprints only. Here slots lie in a file of any size, are read one by one, have 16, 24 or 32 bits,
//! and say how often a password was seen. What is left is the construction below.
//!
//! The shape of a filter is stored, not computed when it is read: it comes from logarithms, and those differ between
//! platforms in their last bit.

use super::limits::{SEEDS, SEGMENT_BITS};

/// Bits of a value.
pub(super) const VALUE_BITS: u32 = 3;

/// How a filter's slots are laid out: segments, all of one length. A key has one slot in each of three neighbouring ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Length of a segment, as a power of two.
    pub(super) segment_bits: u8,
    /// In how many segments a key's first slot can lie; there are two more.
    pub(super) starts: u32,
}

impl Shape {
    /// For so many keys.
    fn of(keys: usize) -> Shape {
        let size = keys.max(2) as f64;
        let bits = (size.ln() / 3.33f64.ln() + 2.25).floor();
        let segment_bits = (bits as u8).min(SEGMENT_BITS);
        let factor = (0.875 + 0.25 * 1e6f64.ln() / size.ln()).max(1.125);
        let slots = (size * factor).round() as u64;
        let starts = slots.div_ceil(1 << segment_bits).saturating_sub(2).max(1);
        Shape { segment_bits, starts: u32::try_from(starts).unwrap_or(u32::MAX) }
    }

    /// How many slots there are.
    pub(super) fn slots(self) -> u64 {
        (u64::from(self.starts) + 2) << self.segment_bits
    }

    /// The three slots of a key, by its hash under the filter's seed.
    pub(super) fn places(self, hash: u64) -> [u64; 3] {
        let starts = u64::from(self.starts) << self.segment_bits;
        let first = ((u128::from(hash) * u128::from(starts)) >> 64) as u64;
        let (length, mask) = (1 << self.segment_bits, (1 << self.segment_bits) - 1);
        [first, (first + length) ^ ((hash >> 18) & mask), (first + 2 * length) ^ (hash & mask)]
    }
}

/// The finalizer of MurmurHash3, a permutation.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    x = (x ^ (x >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ (x >> 33)
}

/// A key's hash under a seed.
pub(super) fn hash(key: u64, seed: u64) -> u64 {
    mix(key.wrapping_add(seed))
}

/// What the slots of a key with this hash come to. The fingerprint is mixed anew, so that it does not follow from the
/// places: a key that is not in the filter meets it by chance, once in 2 to the power of its bits.
pub(super) fn word(hash: u64, value: u8, slot_bits: u8) -> u32 {
    let fingerprint = (mix(hash ^ 0x9e37_79b9_7f4a_7c15) >> 32) as u32;
    let word = fingerprint << VALUE_BITS | u32::from(value);
    if slot_bits >= 32 { word } else { word & ((1 << slot_bits) - 1) }
}

/// The value in what three slots come to, where the fingerprint is that of `hash`.
pub(super) fn value(found: u32, hash: u64, slot_bits: u8) -> Option<u8> {
    let value = (found & ((1 << VALUE_BITS) - 1)) as u8;
    (found == word(hash, value, slot_bits)).then_some(value)
}

/// A filter as it is made.
pub(super) struct Fuse {
    pub(super) shape: Shape,
    pub(super) seed: u64,
    pub(super) slots: Vec<u32>,
}

impl Fuse {
    /// Of different keys with their values; none where no seed was found, which does not happen by chance.
    pub(super) fn build(keys: &[(u64, u8)], slot_bits: u8) -> Option<Fuse> {
        let shape = Shape::of(keys.len());
        // Seeds in a fixed order: the same list gives the same file.
        (0..SEEDS).map(|attempt| mix(attempt + 1)).find_map(|seed| {
            let order = peel(keys, shape, seed)?;
            Some(Fuse { shape, seed, slots: assign(keys, &order, shape, seed, slot_bits) })
        })
    }
}

/// A slot while keys are peeled: how many of those that are left lie in it, and their numbers, exclusively or'ed.
#[derive(Clone, Copy, Default)]
struct Crowd {
    keys: u32,
    numbers: u32,
}

/// An order of keys, each with a slot that it has for itself once the keys before it are gone; none where a knot is left.
fn peel(keys: &[(u64, u8)], shape: Shape, seed: u64) -> Option<Vec<(u32, u64)>> {
    let places = |number: u32| shape.places(hash(keys[number as usize].0, seed)).map(|place| place as usize);
    let mut crowds = vec![Crowd::default(); shape.slots() as usize];
    for number in 0..keys.len() as u32 {
        for place in places(number) {
            crowds[place].keys += 1;
            crowds[place].numbers ^= number;
        }
    }
    let mut alone: Vec<usize> = (0..crowds.len()).filter(|place| crowds[*place].keys == 1).collect();
    let mut order = Vec::with_capacity(keys.len());
    while let Some(place) = alone.pop() {
        if crowds[place].keys != 1 {
            continue;
        }
        let number = crowds[place].numbers;
        order.push((number, place as u64));
        for other in places(number) {
            crowds[other].keys -= 1;
            crowds[other].numbers ^= number;
            if crowds[other].keys == 1 {
                alone.push(other);
            }
        }
    }
    (order.len() == keys.len()).then_some(order)
}

/// Fills the slots, the last peeled first: its own slot is free, and the other two are not touched again.
fn assign(keys: &[(u64, u8)], order: &[(u32, u64)], shape: Shape, seed: u64, slot_bits: u8) -> Vec<u32> {
    let mut slots = vec![0u32; shape.slots() as usize];
    for &(number, own) in order.iter().rev() {
        let (key, value) = keys[number as usize];
        let hash = hash(key, seed);
        let others = shape.places(hash).into_iter().filter(|place| *place != own);
        let rest = others.fold(0, |all, place| all ^ slots[place as usize]);
        slots[own as usize] = word(hash, value, slot_bits) ^ rest;
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random and are the same each time.
    fn keys(count: u64) -> Vec<(u64, u8)> {
        (0..count).map(|n| (mix(n + 77), (n % 8) as u8)).collect()
    }

    fn look(fuse: &Fuse, key: u64, slot_bits: u8) -> Option<u8> {
        let hash = hash(key, fuse.seed);
        let found = fuse.shape.places(hash).into_iter().fold(0, |all, p| all ^ fuse.slots[p as usize]);
        value(found, hash, slot_bits)
    }

    #[test]
    fn every_key_is_found_with_its_value() {
        for count in [0, 1, 2, 3, 4, 5, 7, 8, 10, 33, 100, 1000, 20_000] {
            let keys = keys(count);
            for slot_bits in [16, 24, 32] {
                let fuse = Fuse::build(&keys, slot_bits).unwrap();
                assert_eq!(fuse.slots.len() as u64, fuse.shape.slots());
                for (key, expect) in &keys {
                    assert_eq!(look(&fuse, *key, slot_bits), Some(*expect), "{count} {slot_bits}");
                }
            }
        }
    }

    #[test]
    fn a_key_lies_in_three_different_slots_that_are_there() {
        for count in [1, 2, 10, 1000, 100_000] {
            let shape = Shape::of(count);
            for (key, _) in keys(1000) {
                let [a, b, c] = shape.places(hash(key, 3));
                assert!(a != b && b != c && a != c && [a, b, c].iter().all(|p| *p < shape.slots()));
            }
        }
    }

    #[test]
    fn the_same_key_twice_is_what_cannot_be_built() {
        assert!(Fuse::build(&[(1, 0), (1, 1)], 16).is_none());
    }
}
