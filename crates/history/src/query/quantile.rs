// SPDX-License-Identifier: Apache-2.0
//! The least value that a given share of the values does not exceed: exact for a few, to within
//! [`limits::QUANTILE_ERROR`] for many.
//!
//! Many values are counted in buckets: 64 for each power of two, cut from the bits of a floating-point number, so that they
//! are the same on every machine. What it gives depends on the values alone, not on their order.

use super::limits;
use std::collections::BTreeMap;

/// Values, or how many lie in each bucket.
#[derive(Clone, Default)]
pub(super) struct Quantile {
    count: u64,
    few: Vec<f64>,
    many: BTreeMap<u32, u64>,
}

/// The bits of a mantissa that are dropped: all but six.
const DROPPED: u32 = 52 - 6;

/// A number as bits that are in its order.
pub(super) fn ordered(n: f64) -> u64 {
    let bits = (n + 0.0).to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

/// The number of these bits.
fn number(ordered: u64) -> f64 {
    f64::from_bits(if ordered >> 63 == 1 { ordered & !(1 << 63) } else { !ordered })
}

fn bucket(n: f64) -> u32 {
    (ordered(n) >> DROPPED) as u32
}

/// What stands for all of a bucket: half-way between its ends.
fn middle(bucket: u32) -> f64 {
    let least = u64::from(bucket) << DROPPED;
    let (a, b) = (number(least), number(least | ((1 << DROPPED) - 1)));
    if b.is_finite() { a + (b - a) / 2.0 } else { a }
}

impl Quantile {
    /// Sees a value; how many bytes more are held.
    pub(super) fn see(&mut self, n: f64) -> usize {
        self.count += 1;
        if self.many.is_empty() {
            self.few.push(n);
            if self.few.len() > limits::QUANTILE_EXACT {
                self.spread();
            }
            return size_of::<f64>();
        }
        let before = self.many.len();
        *self.many.entry(bucket(n)).or_default() += 1;
        (self.many.len() - before) * 32
    }

    /// Goes on with buckets.
    fn spread(&mut self) {
        for n in std::mem::take(&mut self.few) {
            *self.many.entry(bucket(n)).or_default() += 1;
        }
    }

    /// Sees what another has seen.
    pub(super) fn absorb(&mut self, other: &Quantile) -> usize {
        if self.count + other.count > limits::QUANTILE_EXACT as u64 {
            self.spread();
        }
        let before = self.many.len();
        for (bucket, count) in &other.many {
            *self.many.entry(*bucket).or_default() += count;
        }
        self.count += other.count - other.few.len() as u64;
        (self.many.len() - before) * 32 + other.few.iter().map(|n| self.see(*n)).sum::<usize>()
    }

    /// The value that a share of them does not exceed; none where there is none.
    pub(super) fn at(&self, share: f64) -> Option<f64> {
        let rank = ((share * self.count as f64).ceil() as u64).clamp(1, self.count.max(1));
        if self.many.is_empty() {
            let mut few = self.few.clone();
            few.sort_by(f64::total_cmp);
            return few.get(usize::try_from(rank - 1).ok()?).copied();
        }
        let mut seen = 0;
        let found = self.many.iter().find(|(_, count)| {
            seen += **count;
            seen >= rank
        });
        found.map(|(bucket, _)| middle(*bucket))
    }

    /// Whether what it gives is near only.
    pub(super) fn is_estimate(&self) -> bool {
        !self.many.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_exact_and_many_near() {
        let check = |n: u64, scale: f64| {
            let mut all = Quantile::default();
            let mut halves = [Quantile::default(), Quantile::default()];
            for i in (0..n).map(|i| i * 7919 % n) {
                all.see((i as f64 - 10.0) * scale);
                halves[usize::from(i % 3 == 0)].see((i as f64 - 10.0) * scale);
            }
            let [mut joined, other] = halves;
            joined.absorb(&other);
            for share in [0.01, 0.5, 0.9, 0.999] {
                let expect = ((share * n as f64).ceil().max(1.0) - 1.0 - 10.0) * scale;
                let got = all.at(share).unwrap();
                let most = if all.is_estimate() { expect.abs() * limits::QUANTILE_ERROR } else { 0.0 };
                assert!((got - expect).abs() <= most, "{share} of {n}: {got}, expected {expect}");
                assert_eq!(joined.at(share), Some(got));
            }
        };
        check(1, 1.0);
        check(1000, 0.25);
        check(1024, 1.0);
        check(10_007, 1.0);
        check(10_007, 1e-9);
        assert_eq!(Quantile::default().at(0.5), None);
    }

    #[test]
    fn bits_are_in_the_order_of_numbers() {
        let all = [f64::NEG_INFINITY, -1e300, -1.5, -1e-310, 0.0, 1e-310, 2.0, 1e300];
        assert!(all.windows(2).all(|w| ordered(w[0]) < ordered(w[1])));
        assert!(all.iter().all(|n| number(ordered(*n)) == *n));
        assert_eq!(ordered(-0.0), ordered(0.0));
    }
}
