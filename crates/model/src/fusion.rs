// SPDX-License-Identifier: Apache-2.0
//! Several views' log-odds as one: a small logistic regression over them.
//!
//! It is fitted on scores of examples that the views had not learned yet, and so says how far each may be believed where it
//! has no practice: a view that only remembers gets little. Weights are never negative, so no view's word against an example
//! helps it. A view without tokens adds nothing, whichever its weight: unknown weighs nothing.

use crate::limits::{VIEW_NATS, VIEWS};
use crate::number::chance;

/// What each view says of an example; nothing where it has nothing to go by.
pub type Says = [Option<f64>; VIEWS];

/// What a view's log-odds count for before anything was fitted.
const PRIOR: f64 = 0.35;
/// How strongly weights are held to zero, in examples' worth of curvature.
const RIDGE: f64 = 1.0;
/// Rounds of fitting. It is convex, and changes nothing in the fifth digit after sixty.
const ROUNDS: usize = 100;

/// Weights of views.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fusion {
    /// What is added to all, in nats.
    pub constant: f64,
    /// What each view's log-odds are multiplied by.
    pub weights: [f64; VIEWS],
}

impl Default for Fusion {
    fn default() -> Self {
        Self { constant: 0.0, weights: [PRIOR; VIEWS] }
    }
}

impl Fusion {
    /// What a view adds, in nats.
    pub fn part(&self, view: usize, says: Option<f64>) -> f64 {
        says.map_or(0.0, |nats| self.weights[view] * nats.clamp(-VIEW_NATS, VIEW_NATS))
    }

    /// The log-odds of all views together.
    pub fn fuse(&self, says: &Says) -> f64 {
        says.iter().enumerate().fold(self.constant, |sum, (view, &nats)| sum + self.part(view, nats))
    }

    /// Fits weights to what views said of examples that they had not learned. Both kinds count alike in all, however many
    /// there are of each.
    #[must_use]
    pub fn fit(held_out: &[(Says, bool)]) -> Self {
        let abuse = held_out.iter().filter(|(_, abuse)| *abuse).count();
        let others = held_out.len() - abuse;
        if abuse == 0 || others == 0 {
            return Self::default();
        }
        let half = held_out.len() as f64 / 2.0;
        let share = [half / others as f64, half / abuse as f64];
        let mut fusion = Self::default();
        for _ in 0..ROUNDS {
            fusion.step(held_out, share);
        }
        fusion
    }

    /// One step of Newton's with a diagonal that bounds the curvature, so that it never goes too far.
    fn step(&mut self, held_out: &[(Says, bool)], share: [f64; 2]) {
        let mut slope = [0.0; VIEWS + 1];
        let mut curve = [RIDGE; VIEWS + 1];
        for (says, abuse) in held_out {
            let p = chance(self.fuse(says));
            let weight = share[usize::from(*abuse)];
            let wrong = (f64::from(u8::from(*abuse)) - p) * weight;
            let bend = (p * (1.0 - p) + 1e-4) * weight;
            let length: f64 = says.iter().flatten().map(|nats| nats.clamp(-VIEW_NATS, VIEW_NATS).abs()).sum();
            for (view, nats) in says.iter().enumerate() {
                let nats = nats.unwrap_or(0.0).clamp(-VIEW_NATS, VIEW_NATS);
                slope[view] += wrong * nats;
                curve[view] += bend * nats.abs() * (length + 1.0);
            }
            slope[VIEWS] += wrong;
            curve[VIEWS] += bend * (length + 1.0);
        }
        for view in 0..VIEWS {
            let step = (slope[view] - RIDGE * self.weights[view]) / curve[view];
            self.weights[view] = (self.weights[view] + step).max(0.0);
        }
        self.constant += slope[VIEWS] / curve[VIEWS];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::Draws;

    fn says(values: &[Option<f64>]) -> Says {
        let mut says = [None; VIEWS];
        says[..values.len()].copy_from_slice(values);
        says
    }

    /// One view that knows, one that guesses, one that is wrong on purpose.
    fn held_out() -> Vec<(Says, bool)> {
        let mut draws = Draws::new(3);
        let mut noise = move || draws.below(1000) as f64 / 100.0 - 5.0;
        let one = |at: usize| {
            let abuse = at.is_multiple_of(3);
            let sign = if abuse { 1.0 } else { -1.0 };
            (says(&[Some(sign * 2.0 + noise() / 3.0), Some(noise()), Some(-sign * 2.0)]), abuse)
        };
        (0..600).map(one).collect()
    }

    #[test]
    fn views_are_believed_as_far_as_they_know() {
        let fusion = Fusion::fit(&held_out());
        assert!(fusion.weights[0] > 0.5 && fusion.weights[1] < 0.2, "{fusion:?}");
        assert_eq!(fusion.weights[2], 0.0, "a view that is wrong is not turned round");
    }

    #[test]
    fn unknown_weighs_nothing() {
        let mut fusion = Fusion::fit(&held_out());
        let known = says(&[Some(1.0)]);
        let before = fusion.fuse(&known);
        fusion.weights[5] = 100.0;
        assert_eq!(before, fusion.fuse(&known));
        assert_eq!(fusion.fuse(&says(&[])), fusion.constant);
        assert_eq!(Fusion::fit(&[(known, true)]), Fusion::default());
    }

    #[test]
    fn more_of_a_sign_never_lowers_the_score() {
        let fusion = Fusion::fit(&held_out());
        for view in 0..3 {
            let mut last = f64::MIN;
            for nats in -20..=20 {
                let mut all = says(&[Some(0.5), Some(-0.5), Some(0.1)]);
                all[view] = Some(f64::from(nats));
                assert!(fusion.fuse(&all) >= last);
                last = fusion.fuse(&all);
            }
        }
    }
}
