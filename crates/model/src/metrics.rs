// SPDX-License-Identifier: Apache-2.0
//! How good scores are: the area under the curve, misses at a share of false positives, errors at a line, calibration, and
//! how far each could be another with other examples.

use crate::limits;
use crate::number::{Draws, chance};

/// A score with what was true.
pub type Scored = (f64, bool);

/// 100 · (1 − area under the ROC curve): the share of pairs of one good and one bad example that stand in the wrong order, in
/// percent; ties count half. Nothing unless there are both.
pub fn roca(scored: &[Scored]) -> Option<f64> {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut good, mut wrong) = (0u64, 0u64);
    for ties in sorted.chunk_by(|a, b| a.0 == b.0) {
        let abuse = ties.iter().filter(|(_, abuse)| *abuse).count() as u64;
        let others = ties.len() as u64 - abuse;
        // Counted twice, so that a tie is a whole number. Good ones that come above are those that do not come below.
        wrong += abuse * (2 * good + others);
        good += others;
    }
    let abuse = sorted.len() as u64 - good;
    let pairs = 2 * abuse * good;
    // So far these are the pairs in the right order.
    (pairs > 0).then(|| 100.0 * (pairs - wrong) as f64 / pairs as f64)
}

/// The share of abuse that is missed where no more than a share of good ones is called abuse, in percent.
pub fn missed_at(scored: &[Scored], false_positives: f64) -> Option<f64> {
    let mut good: Vec<f64> = scored.iter().filter(|(_, abuse)| !abuse).map(|(nats, _)| *nats).collect();
    good.sort_by(|a, b| b.total_cmp(a));
    let line = *good.get((good.len() as f64 * false_positives) as usize)?;
    let abuse = scored.len() - good.len();
    let missed = scored.iter().filter(|(nats, abuse)| *abuse && *nats <= line).count();
    (abuse > 0).then(|| 100.0 * missed as f64 / abuse as f64)
}

/// What is wrong at a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Errors {
    /// Good ones.
    pub good: usize,
    /// Good ones that are called abuse.
    pub false_positives: usize,
    /// Abuse.
    pub abuse: usize,
    /// Abuse that is not called so.
    pub missed: usize,
}

impl Errors {
    /// Counts what is wrong when all at or above a line are called abuse.
    pub fn at(scored: &[Scored], line: f64) -> Self {
        let mut errors = Self::default();
        for (nats, abuse) in scored {
            errors.add(*nats >= line, *abuse);
        }
        errors
    }

    /// Counts one more.
    pub fn add(&mut self, called: bool, abuse: bool) {
        self.good += usize::from(!abuse);
        self.abuse += usize::from(abuse);
        self.false_positives += usize::from(called && !abuse);
        self.missed += usize::from(!called && abuse);
    }

    /// The share of good ones that are called abuse, in percent.
    pub fn false_positive_percent(self) -> f64 {
        percent(self.false_positives, self.good)
    }

    /// The share of abuse that is missed, in percent.
    pub fn missed_percent(self) -> f64 {
        percent(self.missed, self.abuse)
    }

    /// The share of all that is wrong, in percent.
    pub fn percent(self) -> f64 {
        percent(self.false_positives + self.missed, self.good + self.abuse)
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

/// One bin of a calibration: what was said and what came.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bin {
    /// How many fell into it.
    pub count: usize,
    /// The mean of the chances that were said.
    pub said: f64,
    /// The share that was abuse.
    pub was: f64,
}

/// The edges of the bins, as chances.
const EDGES: [f64; 9] = [0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999];

/// What was said of chances and what came, in bins that are narrow at both ends.
pub fn calibration(scored: &[Scored]) -> [Bin; EDGES.len() + 1] {
    let mut bins = [Bin::default(); EDGES.len() + 1];
    for (nats, abuse) in scored {
        let said = chance(*nats);
        let bin = &mut bins[EDGES.iter().filter(|&&edge| said >= edge).count()];
        bin.count += 1;
        bin.said += said;
        bin.was += f64::from(u8::from(*abuse));
    }
    for bin in &mut bins {
        bin.said /= bin.count.max(1) as f64;
        bin.was /= bin.count.max(1) as f64;
    }
    bins
}

/// The middle 95 % of a figure over resamplings of the examples, with replacement. Draws are the same each time.
pub fn bootstrap(
    scored: &[Scored],
    resamples: usize,
    figure: impl Fn(&[Scored]) -> Option<f64>,
) -> Option<(f64, f64)> {
    let mut draws = Draws::new(1);
    let mut sample = Vec::with_capacity(scored.len());
    let mut figures = Vec::new();
    for _ in 0..resamples.min(limits::RESAMPLES) {
        sample.clear();
        sample.extend((0..scored.len()).map(|_| scored[draws.below(scored.len())]));
        figures.extend(figure(&sample));
    }
    figures.sort_by(f64::total_cmp);
    let at =
        |share: f64| figures.get((figures.len().saturating_sub(1) as f64 * share).round() as usize).copied();
    Some((at(0.025)?, at(0.975)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against the definition: every pair looked at.
        #[test]
        fn roca_is_the_share_of_pairs(scores in prop::collection::vec((0u8..12, any::<bool>()), 2..60)) {
            let scored: Vec<Scored> = scores.iter().map(|&(nats, abuse)| (f64::from(nats), abuse)).collect();
            let (mut wrong, mut pairs) = (0.0, 0.0);
            for (good, _) in scored.iter().filter(|one| !one.1) {
                for (bad, _) in scored.iter().filter(|one| one.1) {
                    pairs += 1.0;
                    wrong += if bad < good { 1.0 } else if bad == good { 0.5 } else { 0.0 };
                }
            }
            match roca(&scored) {
                None => prop_assert_eq!(pairs, 0.0),
                Some(found) => prop_assert!((found - 100.0 * wrong / pairs).abs() < 1e-9),
            }
        }
    }

    #[test]
    fn misses_and_errors_at_a_line() {
        let scored: Vec<Scored> =
            (0..100).map(|at| (f64::from(at), at >= 50)).chain([(75.5, false)]).collect();
        assert_eq!(missed_at(&scored, 0.0), Some(52.0));
        assert_eq!(missed_at(&scored, 0.02), Some(0.0));
        let errors = Errors::at(&scored, 60.0);
        assert_eq!((errors.false_positives, errors.missed, errors.good, errors.abuse), (1, 10, 51, 50));
        assert_eq!(missed_at(&[], 0.1), None);
    }

    #[test]
    fn a_bootstrap_holds_the_figure() {
        let scored: Vec<Scored> = (0..200).map(|at| (f64::from(at * 7 % 200), at % 3 == 0)).collect();
        let figure = roca(&scored).unwrap();
        let (low, high) = bootstrap(&scored, 200, roca).unwrap();
        assert!(low < figure && figure < high, "{low} {figure} {high}");
        assert_eq!(bootstrap(&scored, 200, roca), Some((low, high)));
        assert_eq!(bootstrap(&[], 10, roca), None);
    }

    #[test]
    fn bins_tell_what_came() {
        let bins = calibration(&[(5.0, true), (5.0, false), (-9.0, false)]);
        assert_eq!(bins.iter().map(|bin| bin.count).sum::<usize>(), 3);
        assert!(bins.iter().any(|bin| bin.count == 2 && bin.was == 0.5 && bin.said > 0.99));
    }
}
