// SPDX-License-Identifier: Apache-2.0
//! Thresholds on a score at a fixed price to honest people, and what is caught at them.
//!
//! The threshold of a price is where no more honest events lie strictly above it than the price allows. Events with equal
//! scores fall together, on the side of the honest: ties never buy recall. It is chosen on the honest events of all worlds
//! drawn, so a replicate of the bootstrap chooses its own.

/// The honest scores of some worlds.
#[derive(Debug, Clone)]
pub struct Curve {
    /// Honest scores with their worlds, greatest first.
    honest: Vec<(f32, u32)>,
    /// By world: how many honest events one that was scored stands for.
    weight: Vec<f64>,
    /// By world: what the price is a rate of, such as honest sign-ups or years of users.
    whole: Vec<f64>,
}

/// Scores of attacks with their worlds, greatest first.
#[derive(Debug, Clone, Default)]
pub struct Caught {
    scores: Vec<(f32, u32)>,
}

impl Caught {
    /// Puts scores in order; one that is not a number is below all others.
    pub fn new(mut scores: Vec<(f32, u32)>) -> Caught {
        sort(&mut scores);
        Caught { scores }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    /// Share of them above the threshold, worlds taken as often as drawn; `None` where there is none.
    pub fn share(&self, threshold: f32, taken: &[u32]) -> Option<f64> {
        let sum =
            |part: &[(f32, u32)]| -> u64 { part.iter().map(|(_, w)| u64::from(taken[*w as usize])).sum() };
        let above = self.scores.partition_point(|(score, _)| *score > threshold);
        let all = sum(&self.scores);
        (all > 0).then(|| sum(&self.scores[..above]) as f64 / all as f64)
    }
}

impl Curve {
    /// A curve of honest scores by world; `weight` and `whole` have an entry for each world.
    pub fn new(mut honest: Vec<(f32, u32)>, weight: Vec<f64>, whole: Vec<f64>) -> Curve {
        sort(&mut honest);
        Curve { honest, weight, whole }
    }

    /// No honest event was scored: there is nothing to choose a threshold on.
    pub fn is_empty(&self) -> bool {
        self.honest.is_empty()
    }

    /// The smallest threshold at which at most `price` honest events for each of the whole lie above it.
    pub fn threshold(&self, price: f64, taken: &[u32]) -> Option<f32> {
        let whole: f64 = self.whole.iter().zip(taken).map(|(w, t)| w * f64::from(*t)).sum();
        if self.honest.is_empty() || whole <= 0.0 {
            return None;
        }
        let allowed = price * whole + 1e-9;
        let mut above = 0.0;
        for group in self.honest.chunk_by(|a, b| a.0 == b.0) {
            above += group
                .iter()
                .map(|(_, w)| self.weight[*w as usize] * f64::from(taken[*w as usize]))
                .sum::<f64>();
            if above > allowed {
                return Some(group[0].0);
            }
        }
        Some(f32::NEG_INFINITY)
    }
}

/// Greatest first, what is not a number last.
fn sort(scores: &mut [(f32, u32)]) {
    scores.iter_mut().filter(|(s, _)| s.is_nan()).for_each(|(s, _)| *s = f32::NEG_INFINITY);
    scores.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
}
