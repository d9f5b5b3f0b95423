// SPDX-License-Identifier: Apache-2.0
//! What a backtest found, as it is kept and sent: figures, not prose. `text` and `markdown` put it into words.

use super::ask::{Ask, Limits, Way};
use super::figures::Share;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a backtest found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What was asked.
    pub ask: Ask,
    /// The version of the policy that was tried, and of the one in force.
    pub policy: String,
    /// See `policy`.
    pub in_force: String,
    /// The version that it was compared with; what was decided where it names none.
    pub against: Option<String>,
    /// Whether the whole policy judged; otherwise its rules were laid over what was decided.
    pub whole: bool,
    /// The period: events that happened from here on,
    pub from: String,
    /// and before this.
    pub to: String,
    /// What was known of labels by then.
    pub as_of: String,
    /// The last record that was looked at.
    pub through: u64,
    /// How the past was come by.
    pub past: Past,
    /// Events looked at, by class.
    pub events: Classes,
    /// The verdicts' changes.
    pub change: Change,
    /// All hits together: of the rules, each event once.
    pub together: Measures,
    /// Each rule.
    pub rules: Vec<RuleReport>,
    /// Rules of the policy before that are gone.
    pub gone: Vec<String>,
    /// What it costs, where prices are known.
    pub cost: Option<Cost>,
    /// How long labels take.
    pub delay: Option<Delay>,
    /// What a reader must know before believing the figures.
    pub warnings: Vec<String>,
    /// The limits that do not hold.
    pub broken: Vec<Broken>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// How the past was come by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// Rules asked of stored columns, and rules replayed.
    pub columns: usize,
    /// See `columns`.
    pub replayed: usize,
    /// `recorded` or `recomputed`: which decisions the labels, lists and counts of decisions follow from. Always those that
    /// were recorded.
    pub decisions: String,
    /// Of a replay: the first record that was counted; it warms up from there on.
    pub warm_up_from: Option<u64>,
    /// And when that record's event counted.
    pub warm_up_since: Option<String>,
    /// Records read and events counted by a replay.
    pub records: u64,
    /// See `records`.
    pub counted: u64,
    /// Most bytes that its counters held.
    pub bytes: u64,
    /// Events of the period that it could not reach.
    pub beyond: u64,
}

/// Events by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classes {
    /// All of them.
    pub all: u64,
    /// Labelled abuse.
    pub abuse: u64,
    /// Labelled good.
    pub good: u64,
    /// Labelled both.
    pub disputed: u64,
    /// Not labelled.
    pub unlabelled: u64,
}

/// How verdicts change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Verdicts in the order of rows and columns of the matrices.
    pub verdicts: Vec<String>,
    /// Events by what was answered (rows) and what would be (columns).
    pub matrix: Vec<Vec<u64>>,
    /// The same of events labelled abuse.
    pub abuse: Vec<Vec<u64>>,
    /// The same of events labelled good.
    pub good: Vec<Vec<u64>>,
    /// Events that would be blocked and were not.
    pub new_blocks: u64,
    /// Events that would be challenged and had a milder answer.
    pub new_challenges: u64,
    /// Events that would be reviewed and had a milder answer.
    pub new_reviews: u64,
    /// Events that would have a milder answer.
    pub milder: u64,
    /// Abusive events that would be let through and were not.
    pub lost_abuse: u64,
    /// Good events that would be blocked and were not.
    pub new_good_blocks: u64,
    /// Events with another answer.
    pub changed: u64,
}

/// How well hits tell abuse.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// Hits by class.
    pub hits: Classes,
    /// Of labelled hits, the share that is abuse; those labelled both are left out.
    pub precision: Option<Share>,
    /// Of abusive events, the share that is hit.
    pub recall: Option<Share>,
    /// Both in one.
    pub f1: Option<Share>,
}

/// One rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleReport {
    /// Its id, the event type it judges, its verdict, its mode.
    pub id: String,
    /// See `id`.
    pub event: String,
    /// See `id`.
    pub verdict: Option<String>,
    /// See `id`.
    pub mode: String,
    /// By which way it was asked.
    pub way: Option<Way>,
    /// Why by that.
    pub why: String,
    /// How well it tells abuse.
    pub measures: Measures,
    /// Hits where its condition is unknown and it fires for that.
    pub for_missing: u64,
    /// Events for which its condition is unknown.
    pub unknown: u64,
    /// Hits that were blocked already.
    pub already_blocked: u64,
    /// Hits by what was answered.
    pub by_verdict: BTreeMap<String, u64>,
    /// Hits whose decision was appealed.
    pub appealed: u64,
    /// Hits on which no other rule has a say.
    pub alone: u64,
    /// How often the rule of that name fired before, and on how many of those it fires now.
    pub before: u64,
    /// See `before`.
    pub both: u64,
    /// Rules that fire on the same events, the most alike first.
    pub overlap: Vec<Overlap>,
    /// What was hit most, by field.
    pub top: Vec<Top>,
    /// Some hits, spread over the period and the classes.
    pub examples: Vec<Example>,
    /// Hits a day.
    pub load: Load,
    /// Hits over time.
    pub series: Series,
}

/// A rule that fires on the same events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overlap {
    /// Its id.
    pub rule: String,
    /// How many events both fire on.
    pub both: u64,
    /// Of the events on which either fires, the share on which both do.
    pub jaccard: f64,
    /// Of this rule's hits, the share on which that one fires.
    pub within: f64,
}

/// What was hit most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Top {
    /// The field.
    pub field: String,
    /// How many different values were hit.
    pub distinct: u64,
    /// Whether there were more than are told apart.
    pub more: bool,
    /// Values with their hits, the most first.
    pub values: Vec<(String, u64)>,
}

/// A hit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// The decision's number.
    pub seq: u64,
    /// When it happened.
    pub time: String,
    /// Its class, where it has one.
    pub class: Option<String>,
    /// What was answered, and what would be.
    pub was: Option<String>,
    /// See `was`.
    pub would_be: Option<String>,
    /// Whether the rule fires since its condition is unknown.
    pub for_missing: bool,
    /// Who and what it is about.
    pub fields: Vec<(String, String)>,
    /// The rule's reason.
    pub because: String,
}

/// Hits a day, of the days that lie whole within the period.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// How many days that are.
    pub days: u64,
    /// Their mean,
    pub mean: f64,
    /// the value that half of them stay below,
    pub median: f64,
    /// that nine of ten stay below,
    pub p90: f64,
    /// and the most.
    pub most: u64,
    /// By weekday, from Monday on: median and 90th percentile of a day.
    pub weekdays: Vec<(f64, f64)>,
    /// By hour of the day in UTC: the same of an hour. Empty where the series has days.
    pub hours: Vec<(f64, f64)>,
}

/// Hits over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// When the first step begins.
    pub from: String,
    /// Length of a step, in seconds.
    pub step_secs: u64,
    /// Hits in each.
    pub hits: Vec<u64>,
}

/// What it costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// In the period, as it was.
    pub was: f64,
    /// As it would be.
    pub would_be: f64,
    /// What of both is good events blocked, abuse let through and reviews, as it would be.
    pub false_blocks: f64,
    /// See `false_blocks`.
    pub missed_abuse: f64,
    /// See `false_blocks`.
    pub reviews: f64,
}

/// How long labels take to be known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delay {
    /// Labels looked at.
    pub labels: u64,
    /// The delay that half of them have at most, in seconds,
    pub median_secs: f64,
    /// and nine of ten.
    pub p90_secs: f64,
}

/// A limit that does not hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Broken {
    /// Which.
    pub limit: String,
    /// What it allows.
    pub allowed: f64,
    /// What was found; null where it could not be told.
    pub found: Option<f64>,
}

impl Report {
    /// Whether all limits hold.
    pub fn passes(&self) -> bool {
        self.broken.is_empty()
    }
}

impl Limits {
    /// Those that do not hold. One that cannot be told does not: nothing labelled is no proof of precision.
    pub(crate) fn broken(&self, report: &Report) -> Vec<Broken> {
        let mut broken = Vec::new();
        let mut most = |limit: &str, allowed: Option<u64>, found: u64| {
            if let Some(allowed) = allowed.filter(|allowed| found > *allowed) {
                let (allowed, found) = (allowed as f64, Some(found as f64));
                broken.push(Broken { limit: limit.to_owned(), allowed, found });
            }
        };
        let (change, together) = (&report.change, &report.together);
        most("max_new_blocks", self.max_new_blocks, change.new_blocks);
        most("max_new_challenges", self.max_new_challenges, change.new_challenges);
        most("max_new_reviews", self.max_new_reviews, change.new_reviews);
        most("max_good_hits", self.max_good_hits, together.hits.good);
        most("max_lost_abuse", self.max_lost_abuse, change.lost_abuse);
        most("max_hits", self.max_hits, together.hits.all);
        let busiest = report.rules.iter().map(|rule| rule.load.most).max().unwrap_or(0);
        most("max_hits_per_day", self.max_hits_per_day, busiest);
        let mut least = |limit: &str, allowed: Option<f64>, found: Option<f64>| {
            if let Some(allowed) = allowed.filter(|allowed| found.is_none_or(|found| found < *allowed)) {
                broken.push(Broken { limit: limit.to_owned(), allowed, found });
            }
        };
        least("min_precision", self.min_precision, together.precision.map(|share| share.value));
        least("min_recall", self.min_recall, together.recall.map(|share| share.value));
        least("min_hits", self.min_hits.map(|n| n as f64), Some(together.hits.all as f64));
        broken
    }
}
