// SPDX-License-Identifier: Apache-2.0
//! Which reports the common model learns from, so that lies in number cannot move it.
//!
//! A user's own word acts at once on that user's mail ([`crate::personal`]). The common model is another matter: three hundred
//! false "not spam" on one campaign, under one per cent of what is learned, took a tree model's recall of that campaign from
//! 0.85 to 0.08. What was seen there is the guard here: *feedback that contradicts the model where it blocks waits*, for a
//! quorum or for a person. The quorum is of cohorts (networks, sign-up days: whatever the caller finds that liars share), not of
//! reporters, since accounts are cheap; it is asked for each cluster of alike examples; and while a cluster is still being sent
//! and reported as abuse by others, it needs a majority as well. What agrees with the model, or moves what it does not block,
//! is learned at once, within caps for each reporter, cohort and cluster: the part that lies could play is bounded by them.
//!
//! Everything is counted within a period that the caller ends ([`Guard::next_period`]); no clock is read here.

use std::collections::BTreeMap;

use crate::bands::Band;
use crate::limits::{GUARD_CLUSTERS, GUARD_KEYS, GUARD_WAITING};
use crate::sketch::Sketch;

/// What is needed, and what is too much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Reports of one reporter that are learned in a period.
    pub per_reporter: u32,
    /// Reports of one cohort that are learned in a period.
    pub per_cohort: u32,
    /// Reports on one cluster that are learned in a period.
    pub per_cluster: u32,
    /// Cohorts that must contradict the model on a cluster before it learns from them.
    pub quorum: usize,
    /// The share of all reports on the cluster, each cohort counted once, that must be of that mind.
    pub majority: f64,
    /// How alike examples of a cluster are.
    pub alike: f64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { per_reporter: 20, per_cohort: 60, per_cluster: 40, quorum: 5, majority: 0.8, alike: 0.5 }
    }
}

/// A report.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// By which the caller knows it.
    pub id: u64,
    /// Who reports.
    pub reporter: u64,
    /// What the reporter shares with others who may be of one hand.
    pub cohort: u64,
    /// What is reported.
    pub sketch: Sketch,
    /// Whether it is said to be abuse.
    pub abuse: bool,
    /// What the common model says of it.
    pub band: Band,
}

/// What becomes of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// To be learned, and with it those that waited for it, by their ids.
    Learn(Vec<u64>),
    /// It waits for others, or for a person.
    Wait,
    /// There were enough of these in this period: it counts for its user alone.
    Capped,
}

/// Alike examples that were reported.
#[derive(Debug, Clone)]
struct Cluster {
    sketch: Sketch,
    learned: u32,
    /// What each cohort said last.
    cohorts: BTreeMap<u64, bool>,
    waiting: Vec<u64>,
}

/// Keeps count, and holds back.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    rules: Rules,
    reporters: BTreeMap<u64, u32>,
    groups: BTreeMap<u64, u32>,
    clusters: Vec<Cluster>,
}

impl Guard {
    /// With rules of its own.
    pub fn new(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Rules on a report.
    pub fn rule(&mut self, report: &Report) -> Ruling {
        let Some(at) = self.cluster(&report.sketch) else { return Ruling::Capped };
        let contradicts = report.band == Band::Spam && !report.abuse;
        let cluster = &mut self.clusters[at];
        if cluster.cohorts.len() < GUARD_KEYS {
            cluster.cohorts.insert(report.cohort, report.abuse);
        }
        if contradicts && !has_quorum(cluster, self.rules) {
            if cluster.waiting.len() < GUARD_WAITING {
                cluster.waiting.push(report.id);
                return Ruling::Wait;
            }
            return Ruling::Capped;
        }
        if !self.take(report, at) {
            return Ruling::Capped;
        }
        let cluster = &mut self.clusters[at];
        let room = self.rules.per_cluster.saturating_sub(cluster.learned) as usize;
        let freed = if contradicts { cluster.waiting.len().min(room) } else { 0 };
        cluster.learned += freed as u32;
        Ruling::Learn(cluster.waiting.drain(..freed).collect())
    }

    /// Spends one of each allowance, if there is one of all.
    fn take(&mut self, report: &Report, at: usize) -> bool {
        let spent = |counts: &BTreeMap<u64, u32>, key| counts.get(&key).copied().unwrap_or(0);
        let (by_reporter, by_cohort) =
            (spent(&self.reporters, report.reporter), spent(&self.groups, report.cohort));
        let full = self.reporters.len() >= GUARD_KEYS && by_reporter == 0;
        if full
            || by_reporter >= self.rules.per_reporter
            || by_cohort >= self.rules.per_cohort
            || self.clusters[at].learned >= self.rules.per_cluster
        {
            return false;
        }
        self.reporters.insert(report.reporter, by_reporter + 1);
        self.groups.insert(report.cohort, by_cohort + 1);
        self.clusters[at].learned += 1;
        true
    }

    /// The cluster of an example; a new one where none is alike. Nothing where there are too many already.
    fn cluster(&mut self, sketch: &Sketch) -> Option<usize> {
        let alike = |cluster: &Cluster| cluster.sketch.resemblance(sketch) >= self.rules.alike;
        if let Some(at) = self.clusters.iter().position(alike) {
            return Some(at);
        }
        if self.clusters.len() >= GUARD_CLUSTERS {
            return None;
        }
        self.clusters.push(Cluster {
            sketch: *sketch,
            learned: 0,
            cohorts: BTreeMap::new(),
            waiting: Vec::new(),
        });
        Some(self.clusters.len() - 1)
    }

    /// What waits for a person: the ids of the reports of each cluster, most first.
    pub fn waiting(&self) -> Vec<&[u64]> {
        let mut all: Vec<&[u64]> = self
            .clusters
            .iter()
            .map(|cluster| cluster.waiting.as_slice())
            .filter(|ids| !ids.is_empty())
            .collect();
        all.sort_by_key(|ids| std::cmp::Reverse(ids.len()));
        all
    }

    /// A person has looked at the cluster of a report that waits: what waited with it, to be learned or thrown away.
    pub fn decide(&mut self, id: u64) -> Vec<u64> {
        let of = self.clusters.iter_mut().find(|cluster| cluster.waiting.contains(&id));
        of.map(|cluster| std::mem::take(&mut cluster.waiting)).unwrap_or_default()
    }

    /// Begins a period: allowances are whole again. Clusters in which something waits stay, with what was said of them.
    pub fn next_period(&mut self) {
        self.reporters.clear();
        self.groups.clear();
        self.clusters.retain(|cluster| !cluster.waiting.is_empty());
        self.clusters.iter_mut().for_each(|cluster| cluster.learned = 0);
    }
}

/// Whether enough cohorts say that a cluster is no abuse, and few enough that it is.
fn has_quorum(cluster: &Cluster, rules: Rules) -> bool {
    let good = cluster.cohorts.values().filter(|abuse| !**abuse).count();
    good >= rules.quorum && good as f64 >= rules.majority * cluster.cohorts.len() as f64
}

#[cfg(test)]
mod tests;
