// SPDX-License-Identifier: Apache-2.0
//! The percentile bootstrap over worlds: how much a figure would differ had other worlds been drawn.
//!
//! Worlds are the unit, not events: events of one world have its people and campaigns in common. With a handful of worlds
//! percentile intervals are somewhat too short, which the table's reader is told; with one there is none.

use super::figure::Estimate;
use crate::random::Random;

/// Share of replicates that an interval leaves out at either end: 95 % lie within.
const TAIL: f64 = 0.025;
/// Replicates that have a value must be at least this share of all; else there is no interval.
const LEAST: f64 = 0.5;

/// Worlds that must have something to say about a figure before its interval means anything.
const WORLDS: usize = 2;

/// How often each world is taken, replicate by replicate: the same for every figure.
#[derive(Debug, Clone)]
pub struct Draws {
    once: Vec<u32>,
    replicates: Vec<Vec<u32>>,
}

impl Draws {
    /// Draws `replicates` times as many worlds as there are, with replacement; the same seed gives the same draws.
    pub fn new(worlds: usize, replicates: usize, seed: u64) -> Draws {
        let mut random = Random::new(seed, 0x626f_6f74);
        let mut draw = || {
            let mut taken = vec![0u32; worlds];
            for _ in 0..worlds {
                taken[random.below(worlds as u64) as usize] += 1;
            }
            taken
        };
        let replicates = if worlds < 2 { Vec::new() } else { (0..replicates).map(|_| draw()).collect() };
        Draws { once: vec![1; worlds], replicates }
    }

    /// The figure over all worlds once, and the interval over the draws.
    pub fn estimate(&self, figure: impl Fn(&[u32]) -> Option<f64>) -> Estimate {
        let Some(value) = figure(&self.once) else {
            return Estimate::default();
        };
        let alone = |world: &usize| figure(&self.only(*world)).is_some();
        if (0..self.once.len()).filter(alone).take(WORLDS).count() < WORLDS {
            return Estimate { value: Some(value), interval: None };
        }
        let mut drawn: Vec<f64> = self.replicates.iter().filter_map(|taken| figure(taken)).collect();
        let enough = !drawn.is_empty() && drawn.len() as f64 >= LEAST * self.replicates.len() as f64;
        drawn.sort_by(f64::total_cmp);
        let interval = enough.then(|| percentiles(&drawn));
        Estimate { value: Some(value), interval }
    }

    /// One world alone.
    fn only(&self, world: usize) -> Vec<u32> {
        (0..self.once.len()).map(|at| u32::from(at == world)).collect()
    }

    /// A ratio of sums: for each world a part and a whole.
    pub fn ratio(&self, sums: &[(f64, f64)]) -> Estimate {
        self.estimate(|taken| {
            let (mut part, mut whole) = (0.0, 0.0);
            for (&times, (p, w)) in taken.iter().zip(sums) {
                part += f64::from(times) * p;
                whole += f64::from(times) * w;
            }
            (whole > 0.0).then(|| part / whole)
        })
    }
}

/// The lower and the upper end of sorted numbers, rounded outwards.
fn percentiles(sorted: &[f64]) -> (f64, f64) {
    let last = (sorted.len() - 1) as f64;
    let at = |place: f64| sorted[place as usize];
    (at((TAIL * last).floor()), at(((1.0 - TAIL) * last).ceil()))
}
