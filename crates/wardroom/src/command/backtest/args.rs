// SPDX-License-Identifier: Apache-2.0
//! The arguments of `wardroom backtest`.

use clap::Args;
use std::path::PathBuf;

/// What is tried, on which past, and what must hold of it.
#[derive(Debug, Args)]
pub(crate) struct Backtest {
    /// A file with a rule and what it needs, to be put into the policy in force; a file of the policy takes its own place
    #[arg(value_name = "RULE.ward", conflicts_with_all = ["policy", "diff"])]
    pub(crate) file: Option<PathBuf>,
    /// A whole policy in place of the one in force
    #[arg(long, value_name = "DIR")]
    pub(crate) policy: Option<PathBuf>,
    /// Compare the policy with what it was in this git revision, in place of what was decided
    #[arg(long, value_name = "REV")]
    pub(crate) diff: Option<String>,
    /// Only this rule; several with commas
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub(crate) rule: Vec<String>,
    /// So long before now, or before --to, as `30d` [default: all there is]
    #[arg(long, value_name = "SPAN", conflicts_with = "from")]
    pub(crate) last: Option<String>,
    /// Events that happened from here on, as `2026-11-01` or `2026-11-01T12:00:00Z`
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// And before this [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// What was known of labels by then [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) as_of: Option<String>,
    /// Rules decide as their modes say; otherwise a rule that is tried decides whatever its mode
    #[arg(long)]
    pub(crate) as_written: bool,
    /// Events count too that were only recorded, never judged
    #[arg(long)]
    pub(crate) recorded: bool,
    /// `columns` or `replay` [default: the cheapest that is exact]
    #[arg(long, value_name = "WAY", value_parser = ["columns", "replay"])]
    pub(crate) way: Option<String>,
    /// Leave out entities, examples and overlaps
    #[arg(long)]
    pub(crate) brief: bool,
    /// What it is called in lists and reports
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// The price of a good event that is blocked
    #[arg(long, value_name = "MONEY")]
    pub(crate) cost_false_block: Option<f64>,
    /// The price of an abusive event that is allowed
    #[arg(long, value_name = "MONEY")]
    pub(crate) cost_missed_abuse: Option<f64>,
    /// The price of a minute of review; an event takes five
    #[arg(long, value_name = "MONEY")]
    pub(crate) cost_review_minute: Option<f64>,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    /// The data directory [default: as configured]
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    pub(crate) data: Option<PathBuf>,
    /// A server that does it; its key is read from WARDROOM_KEY
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The configuration file [default: wardroom.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How many threads [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) threads: Option<u16>,
    /// Show identifiers of people whole
    #[arg(long)]
    pub(crate) reveal: bool,
    /// The report as JSON
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,
    /// The report as Markdown
    #[arg(long)]
    pub(crate) markdown: bool,
}

/// Limits: where one does not hold, the exit code is 1.
#[derive(Debug, Args)]
pub(crate) struct LimitArgs {
    /// Most events that would be blocked and were not
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) max_new_blocks: Option<u64>,
    /// Most events that would be challenged and had a milder answer
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) max_new_challenges: Option<u64>,
    /// Most events that would be reviewed and had a milder answer
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) max_new_reviews: Option<u64>,
    /// Most hits on events labelled good
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) max_good_hits: Option<u64>,
    /// Most abusive events that would be let through and were not
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) max_lost_abuse: Option<u64>,
    /// Most hits
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) max_hits: Option<u64>,
    /// Most hits of one rule on one day
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) max_hits_per_day: Option<u64>,
    /// Least hits
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) min_hits: Option<u64>,
    /// Least precision among labelled hits, as 0.95
    #[arg(long, value_name = "SHARE", help_heading = "Limits")]
    pub(crate) min_precision: Option<f64>,
    /// Least recall
    #[arg(long, value_name = "SHARE", help_heading = "Limits")]
    pub(crate) min_recall: Option<f64>,
}
