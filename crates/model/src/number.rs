// SPDX-License-Identifier: Apache-2.0
//! Log-odds and chances, computed in software so that every machine gets the same bits.

/// The chance that log-odds stand for.
pub fn chance(nats: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-nats.clamp(-700.0, 700.0)))
}

/// The log-odds of a chance, which must lie between zero and one.
pub fn log_odds(chance: f64) -> f64 {
    libm::log(chance / (1.0 - chance))
}

/// Draws that are the same everywhere, for shuffles and bootstraps: never for anything that must not be guessed.
#[derive(Debug, Clone)]
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound` (SplitMix64, its upper half scaled).
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^= word >> 31;
        (((word >> 32) * bound as u64) >> 32) as usize
    }

    /// Puts places in another order (Fisher and Yates).
    pub(crate) fn shuffle(&mut self, places: &mut [usize]) {
        for at in (1..places.len()).rev() {
            places.swap(at, self.below(at + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_and_log_odds_undo_each_other() {
        for nats in [-20.0, -1.0, 0.0, 0.5, 20.0] {
            assert!((log_odds(chance(nats)) - nats).abs() < 1e-6, "{nats}");
        }
        assert!(chance(f64::MAX) <= 1.0 && chance(f64::MIN) >= 0.0);
    }

    #[test]
    fn a_shuffle_keeps_all_places() {
        let mut places: Vec<usize> = (0..100).collect();
        Draws::new(7).shuffle(&mut places);
        assert_ne!(places, (0..100).collect::<Vec<_>>());
        places.sort_unstable();
        assert_eq!(places, (0..100).collect::<Vec<_>>());
    }
}
