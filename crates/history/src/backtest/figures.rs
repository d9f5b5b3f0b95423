// SPDX-License-Identifier: Apache-2.0
//! Figures with how sure they are.

use serde::{Deserialize, Serialize};

/// A share with its interval of confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The share that was seen.
    pub value: f64,
    /// Between here
    pub low: f64,
    /// and here it lies, 19 times of 20.
    pub high: f64,
}

/// The 97.5th percentile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

impl Share {
    /// So many of so many, after Wilson (1927): sound for few and for shares near 0 and 1. `None` of nothing.
    pub fn of(hits: u64, all: u64) -> Option<Share> {
        if all == 0 {
            return None;
        }
        let (n, p) = (all as f64, hits as f64 / all as f64);
        let scale = 1.0 + Z * Z / n;
        let middle = (p + Z * Z / (2.0 * n)) / scale;
        let half = Z / scale * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        Some(Share { value: p, low: (middle - half).clamp(0.0, p), high: (middle + half).clamp(p, 1.0) })
    }

    /// F1 from true and false positives and false negatives. It is a rising function of TP/(TP+FP+FN), which is a share of
    /// events: so that one's interval gives this one's.
    pub fn f1(hits: u64, wrong: u64, missed: u64) -> Option<Share> {
        let of = |share: f64| 2.0 * share / (1.0 + share);
        let share = Share::of(hits, hits + wrong + missed)?;
        Some(Share { value: of(share.value), low: of(share.low), high: of(share.high) })
    }
}

/// The value below which this share of sorted values lies, between two where it falls between.
pub(crate) fn quantile(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = q * last as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_holds_what_it_should() {
        let share = Share::of(8, 10).unwrap();
        // As in Agresti and Coull (1998): 0.490 to 0.943.
        assert!((share.low - 0.490).abs() < 0.001 && (share.high - 0.943).abs() < 0.001, "{share:?}");
        assert_eq!(Share::of(0, 0), None);
        for (hits, all) in [(0, 5), (5, 5), (1, 1), (500, 1000)] {
            let share = Share::of(hits, all).unwrap();
            assert!(
                0.0 <= share.low
                    && share.low <= share.value
                    && share.value <= share.high
                    && share.high <= 1.0
            );
            assert!(share.high - share.low < 1.0);
        }
    }

    #[test]
    fn f1_is_the_harmonic_mean() {
        let f1 = Share::f1(6, 2, 4).unwrap();
        let (precision, recall) = (6.0 / 8.0, 6.0 / 10.0);
        assert!((f1.value - 2.0 * precision * recall / (precision + recall)).abs() < 1e-12);
        assert!(f1.low < f1.value && f1.value < f1.high);
    }

    #[test]
    fn quantiles_lie_between() {
        assert_eq!(quantile(&[], 0.5), 0.0);
        assert_eq!(quantile(&[3.0], 0.9), 3.0);
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.5), 2.0);
        assert_eq!(quantile(&[0.0, 10.0], 0.9), 9.0);
    }
}
