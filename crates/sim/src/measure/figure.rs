// SPDX-License-Identifier: Apache-2.0
//! One figure of the table, and which of them tell that somebody else does better.

use super::world::Judge;
use serde::Serialize;

/// A value over all worlds and where 95 % of the bootstrap's replicates lie.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// `None` where there was nothing to measure.
    pub value: Option<f64>,
    /// `None` where there are too few worlds to say.
    pub interval: Option<(f64, f64)>,
}

/// What a value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A part of one.
    Share,
    /// So many.
    Count,
    /// Minutes.
    Minutes,
    /// So many for each honest user and month of 30 days.
    PerUserMonth,
    /// So many for each honest user and year.
    PerUserYear,
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// The greater, the better.
    High,
    /// The smaller, the better.
    Low,
    /// It only describes.
    Neither,
}

/// One cell: what, of whom, by which judge.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// Which figure, such as `signup.recall_at_fpr_0.001`.
    pub what: &'static str,
    /// Of which events: a family, a size, a subgroup.
    pub of: String,
    /// Whose.
    pub judge: Judge,
    /// The value and its interval.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// How many events, campaigns or accounts it rests on, over all worlds.
    pub count: u64,
    /// What it counts.
    pub unit: Unit,
    /// Which way is better.
    pub better: Better,
}

/// A row where a baseline does better than the policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Loss {
    /// Which figure.
    pub what: &'static str,
    /// Of which events.
    pub of: String,
    /// Who does better.
    pub judge: Judge,
    /// The policy's value.
    pub ours: Estimate,
    /// The other's.
    pub theirs: Estimate,
    /// What both count.
    pub unit: Unit,
    /// The two intervals have no value in common. Where they overlap more worlds might turn it.
    pub clear: bool,
}

/// The rows in which some baseline does better than the policy, clear ones first.
pub fn losses(figures: &[Figure]) -> Vec<Loss> {
    let mut lost: Vec<Loss> = figures
        .iter()
        .filter(|theirs| !matches!(theirs.judge, Judge::Policy | Judge::NoAddress))
        .filter_map(|theirs| {
            let same = |f: &&Figure| f.judge == Judge::Policy && f.what == theirs.what && f.of == theirs.of;
            loss(figures.iter().find(same)?, theirs)
        })
        .collect();
    lost.sort_by_key(|loss| !loss.clear);
    lost
}

fn loss(ours: &Figure, theirs: &Figure) -> Option<Loss> {
    let (a, b) = (ours.estimate.value?, theirs.estimate.value?);
    let worse = match ours.better {
        Better::High => b > a,
        Better::Low => b < a,
        Better::Neither => false,
    };
    let clear = match (ours.estimate.interval, theirs.estimate.interval) {
        (Some(a), Some(b)) => a.1 < b.0 || b.1 < a.0,
        _ => false,
    };
    worse.then(|| Loss {
        what: ours.what,
        of: ours.of.clone(),
        judge: theirs.judge,
        ours: ours.estimate,
        theirs: theirs.estimate,
        unit: ours.unit,
        clear,
    })
}
