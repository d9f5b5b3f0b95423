// SPDX-License-Identifier: Apache-2.0
//! Words for cases: `cases list`, `show`, `claim`, `close`.

use super::Asked;
use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Cases {
    #[command(subcommand)]
    pub(crate) action: CasesAction,
    #[command(flatten)]
    pub(crate) asked: Asked,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CasesAction {
    /// List cases, those that are due first at the front
    List {
        /// Which
        #[arg(default_value = "waiting")]
        state: CaseState,
        /// Of this queue
        #[arg(long, value_name = "NAME")]
        queue: Option<String>,
        /// Show identifiers of people whole
        #[arg(long)]
        reveal: bool,
    },
    /// Show what there is to know of a case
    Show {
        /// Its key, as `cases list` shows it
        #[arg(value_name = "KEY")]
        key: String,
        /// Show identifiers of people whole
        #[arg(long)]
        reveal: bool,
    },
    /// Take a case
    Claim {
        /// Its key
        #[arg(value_name = "KEY")]
        key: String,
        /// Also where somebody else has it
        #[arg(long)]
        take_over: bool,
        /// In words
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
    },
    /// Close a case: what came of it is a label of its event
    Close {
        /// Its key
        #[arg(value_name = "KEY")]
        key: String,
        /// Who it was
        #[arg(long, value_name = "WHO")]
        outcome: Outcome,
        /// In words
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
    },
}

/// Which cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CaseState {
    /// Those that nobody has closed
    Waiting,
    /// Those that nobody has taken
    Open,
    /// Those that somebody has
    Claimed,
    /// Those that are closed
    Closed,
    /// Those whose deadline is over
    Overdue,
    /// All that are known
    All,
}

/// What came of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Outcome {
    /// It was the owner
    Owner,
    /// It was somebody else
    Attacker,
    /// Nobody can tell
    Unclear,
}

impl CaseState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            CaseState::Waiting => "waiting",
            CaseState::Open => "open",
            CaseState::Claimed => "claimed",
            CaseState::Closed => "closed",
            CaseState::Overdue => "overdue",
            CaseState::All => "all",
        }
    }
}

impl Outcome {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Outcome::Owner => "owner",
            Outcome::Attacker => "attacker",
            Outcome::Unclear => "unclear",
        }
    }
}
