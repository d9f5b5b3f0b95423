// SPDX-License-Identifier: Apache-2.0
//! How many different values there are: exact up to [`limits::DISTINCT_EXACT`], an estimate beyond.
//!
//! Values are known by 64 bits of a keyed hash. Where there are too many, those whose hash is not even are left out, then
//! those that two more bits do not suit, and so on: what is left is a fair sample of all (Wegman's adaptive sampling,
//! Flajolet 1990), and times two for each halving it says how many there are. Which are left depends on the set alone: not
//! on the order in which values came, nor on which thread saw them.

use super::limits;
use hashbrown::HashTable;

/// A set of hashes.
#[derive(Clone, Default)]
pub(super) struct Distinct {
    /// So many of the last bits of each hash are zero.
    level: u32,
    held: Held,
}

#[derive(Clone)]
enum Held {
    /// In no order.
    Few(Vec<u64>),
    Many(HashTable<u64>),
}

impl Default for Held {
    fn default() -> Held {
        Held::Few(Vec::new())
    }
}

/// So many are searched one by one.
const FEW: usize = 16;
/// Bytes that one more value takes among many.
const EACH: usize = 16;

impl Distinct {
    /// Sees a value by its hash; how many bytes more are held.
    pub(super) fn see(&mut self, hash: u64) -> usize {
        if hash.trailing_zeros() < self.level {
            return 0;
        }
        let grown = self.held.insert(hash);
        while self.held.len() > limits::DISTINCT_EXACT {
            self.level += 1;
            let level = self.level;
            self.held.retain(|hash| hash.trailing_zeros() >= level);
        }
        grown
    }

    /// Sees what another has seen.
    pub(super) fn absorb(&mut self, other: &Distinct) -> usize {
        if other.level > self.level {
            self.level = other.level;
            self.held.retain(|hash| hash.trailing_zeros() >= other.level);
        }
        let mut grown = 0;
        other.held.each(|hash| grown += self.see(hash));
        grown
    }

    /// How many there are.
    pub(super) fn count(&self) -> i64 {
        let held = i64::try_from(self.held.len()).unwrap_or(i64::MAX);
        held.saturating_mul(1i64.checked_shl(self.level).unwrap_or(i64::MAX))
    }

    /// Whether that is an estimate.
    pub(super) fn is_estimate(&self) -> bool {
        self.level > 0
    }
}

impl Held {
    fn len(&self) -> usize {
        match self {
            Held::Few(few) => few.len(),
            Held::Many(many) => many.len(),
        }
    }

    fn insert(&mut self, hash: u64) -> usize {
        match self {
            Held::Few(few) if few.contains(&hash) => 0,
            Held::Few(few) if few.len() < FEW => {
                few.push(hash);
                size_of::<u64>()
            }
            Held::Few(few) => {
                let mut many = HashTable::with_capacity(2 * FEW);
                for held in few.drain(..) {
                    many.insert_unique(held, held, |h| *h);
                }
                *self = Held::Many(many);
                self.insert(hash) + 2 * FEW * EACH
            }
            Held::Many(many) => match many.entry(hash, |held| *held == hash, |held| *held) {
                hashbrown::hash_table::Entry::Occupied(_) => 0,
                hashbrown::hash_table::Entry::Vacant(free) => {
                    free.insert(hash);
                    EACH
                }
            },
        }
    }

    fn retain(&mut self, keep: impl Fn(u64) -> bool) {
        match self {
            Held::Few(few) => few.retain(|hash| keep(*hash)),
            Held::Many(many) => many.retain(|hash| keep(*hash)),
        }
    }

    fn each(&self, see: impl FnMut(u64)) {
        match self {
            Held::Few(few) => few.iter().copied().for_each(see),
            Held::Many(many) => many.iter().copied().for_each(see),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mixer whose results look random: the finalizer of SplitMix64.
    fn mixed(n: u64) -> u64 {
        let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    }

    fn of(range: std::ops::Range<u64>) -> Distinct {
        let mut set = Distinct::default();
        range.for_each(|n| {
            set.see(mixed(n));
        });
        set
    }

    #[test]
    fn it_is_exact_up_to_the_bound_and_near_beyond() {
        for n in [0, 1, 16, 17, 1000, limits::DISTINCT_EXACT as u64] {
            let set = of(0..n);
            assert_eq!((set.count(), set.is_estimate()), (n as i64, false));
        }
        let mut off: Vec<f64> = (1..40u64)
            .map(|i| {
                let n = 70_000 + i * 9_000;
                let set = of(i << 32..(i << 32) + n);
                assert!(set.is_estimate());
                (set.count() as f64 / n as f64 - 1.0).abs()
            })
            .collect();
        off.sort_by(f64::total_cmp);
        assert!(off[37] < limits::DISTINCT_ERROR, "{off:?}");
    }

    #[test]
    fn order_and_parts_do_not_matter() {
        for n in [100u64, 200_000] {
            let whole = of(0..n);
            let mut parts = of(n / 3..n);
            parts.absorb(&of(0..n / 2));
            let mut backwards = Distinct::default();
            (0..n).rev().for_each(|i| {
                backwards.see(mixed(i));
            });
            assert_eq!([parts.count(), backwards.count()], [whole.count(); 2]);
        }
    }
}
