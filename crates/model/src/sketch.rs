// SPDX-License-Identifier: Apache-2.0
//! How much two examples have in common, from sketches of a few bytes: minima of hashes, one byte of each (b-bit minwise
//! hashing, Li and König 2010).
//!
//! For each of 64 permutations a sketch has the lowest byte of the smallest hash of the example's tokens. Two examples agree at
//! a place with a chance of their resemblance (tokens in both, of tokens in either), plus one in 256 by accident, which is
//! taken off again. The error is one sixteenth at most. Sketches are made on the spot and never leave the machine.

use crate::limits::SKETCH;

/// A sketch of a set of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sketch([u8; SKETCH]);

impl Sketch {
    /// The sketch of tokens; nothing where there are none.
    pub fn of(tokens: &[u32]) -> Option<Self> {
        let mut least = [u64::MAX; SKETCH];
        for &token in tokens {
            // Two hashes of which all permutations are made (Kirsch and Mitzenmacher): a multiplication each would cost more.
            let first = mix(u64::from(token));
            let step = mix(first) | 1;
            let mut hash = first;
            for least in &mut least {
                *least = (*least).min(hash ^ (hash >> 31));
                hash = hash.wrapping_add(step);
            }
        }
        (!tokens.is_empty()).then(|| Self(least.map(|least| mix(least) as u8)))
    }

    /// How much two have in common, from zero to one.
    pub fn resemblance(&self, other: &Self) -> f64 {
        let same = self.0.iter().zip(&other.0).filter(|(a, b)| a == b).count();
        let share = same as f64 / SKETCH as f64;
        ((share - 1.0 / 256.0) / (255.0 / 256.0)).max(0.0)
    }
}

fn mix(word: u64) -> u64 {
    let word = (word ^ 0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 29)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resemblance_is_about_what_is_in_both() {
        for common in [0, 100, 250, 400, 500] {
            let mut error = 0.0;
            for round in 0..20u32 {
                let all = |from: u32, to: u32| {
                    (from..to).map(move |at| (at + round * 10_000).wrapping_mul(0x9E37_79B1))
                };
                let one: Vec<u32> = all(0, 500).collect();
                let other: Vec<u32> = all(500 - common, 1000 - common).collect();
                let exact = f64::from(common) / f64::from(1000 - common);
                let told = Sketch::of(&one).unwrap().resemblance(&Sketch::of(&other).unwrap());
                error += (told - exact) / 20.0;
                assert!((told - exact).abs() < 0.3, "{common}: {told} {exact}");
            }
            assert!(error.abs() < 0.06, "{common}: {error}");
        }
        assert_eq!(Sketch::of(&[]), None);
    }
}
