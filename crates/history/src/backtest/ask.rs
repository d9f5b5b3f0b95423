// SPDX-License-Identifier: Apache-2.0
//! What a backtest is asked: which rules, over which stretch of the past, known as of when, at what prices and within which
//! limits. The same in the body of a request, on the command line and in a result that was kept.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A backtest that is asked for. Times are RFC 3339; what is left out takes its default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ask {
    /// What it is called in lists.
    pub title: Option<String>,
    /// Text to be put into the policy in force: a rule, with what else it needs.
    pub rule: Option<String>,
    /// The file of the policy that this text is, or lies beside.
    pub path: Option<String>,
    /// A whole policy, path by path, in place of the one in force.
    pub files: Option<BTreeMap<String, String>>,
    /// A whole policy to be compared with, in place of what was decided.
    pub against: Option<BTreeMap<String, String>>,
    /// Only these rules, by id.
    pub rules: Option<Vec<String>>,
    /// Events that happened from here on; the beginning of what is kept where it does not say.
    pub from: Option<String>,
    /// And before this; now where it does not say.
    pub to: Option<String>,
    /// In place of `from`: so long before `to`, as `30d`.
    pub last: Option<String>,
    /// What was known of labels by then; now where it does not say.
    pub as_of: Option<String>,
    /// Whether rules decide as their modes say. Otherwise a rule that is tried decides whatever its mode, for the question
    /// is what it would do.
    pub as_written: bool,
    /// Whether events count that were only recorded, never judged.
    pub recorded: bool,
    /// By which way; the cheapest that is exact where it does not say.
    pub way: Option<Way>,
    /// Whether entities, examples and overlaps are left out, which costs reading fewer columns.
    pub brief: bool,
    /// Whether personal identifiers are shown whole. Such a result is not kept on disk.
    pub reveal: bool,
    /// What mistakes and work cost.
    pub costs: Option<Costs>,
    /// What must hold for the result to pass.
    pub limits: Limits,
}

/// How what rules read of the past is come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// From stored columns, as it was served.
    Columns,
    /// Counted anew from the journal.
    Replay,
}

/// Prices, in whatever money.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Costs {
    /// Of a good event that is blocked.
    pub false_block: f64,
    /// Of an abusive one that is allowed.
    pub missed_abuse: f64,
    /// Of a minute of review.
    pub review_minute: f64,
    /// How many of those an event takes that is to be reviewed.
    pub minutes_per_review: f64,
}

impl Default for Costs {
    fn default() -> Costs {
        Costs { false_block: 0.0, missed_abuse: 0.0, review_minute: 0.0, minutes_per_review: 5.0 }
    }
}

/// Limits: a result that breaks one does not pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Most events that would be blocked and were not.
    pub max_new_blocks: Option<u64>,
    /// Most events that would be challenged and were not, nor worse.
    pub max_new_challenges: Option<u64>,
    /// Most events that would be reviewed and were not, nor worse.
    pub max_new_reviews: Option<u64>,
    /// Most hits on events that are labelled good.
    pub max_good_hits: Option<u64>,
    /// Most abusive events that would be let through and were not.
    pub max_lost_abuse: Option<u64>,
    /// Most hits.
    pub max_hits: Option<u64>,
    /// Most hits on the day with the most.
    pub max_hits_per_day: Option<u64>,
    /// Least precision among labelled hits of the rules together.
    pub min_precision: Option<f64>,
    /// Least recall.
    pub min_recall: Option<f64>,
    /// Least hits: a rule that never fires shows nothing.
    pub min_hits: Option<u64>,
}
