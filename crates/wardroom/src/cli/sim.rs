// SPDX-License-Identifier: Apache-2.0
//! Words for simulated providers: `sim`, `sim score`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Sim {
    #[command(subcommand)]
    pub(crate) command: Option<SimCommand>,
    #[command(flatten)]
    pub(crate) stream: SimStream,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SimCommand {
    /// Run a policy on simulated worlds and say how well it does, beside what others would have done
    Score(SimScore),
}

#[derive(Debug, Args)]
pub(crate) struct SimScore {
    /// Judge by the policy in this directory instead of the shipped one
    #[arg(long, value_name = "DIR")]
    pub(crate) policy: Option<PathBuf>,
    /// Which worlds: `tuning`, `sealed`, or numbers with commas
    #[arg(long, value_name = "SEEDS", default_value = "tuning")]
    pub(crate) seeds: String,
    /// Who attacks: `tuning`, `all`, or names with commas [default: tuning, and all for sealed worlds]
    #[arg(long, value_name = "FAMILIES")]
    pub(crate) families: Option<String>,
    /// People who have an account when a world begins [default: 3000; quick: 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(50..=200_000))]
    pub(crate) people: Option<u32>,
    /// Days that a world lasts; the first two fifths are peace, and not measured [default: 30; quick: 15]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(5..=365))]
    pub(crate) days: Option<u32>,
    /// Two small worlds with small campaigns: a first impression within a minute
    #[arg(long)]
    pub(crate) quick: bool,
    /// One decision about each family, as a support person reads it
    #[arg(long)]
    pub(crate) words: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The demo's provider as a stream.
#[derive(Debug, Args)]
pub(crate) struct SimStream {
    /// When it begins
    #[arg(long, value_name = "TIME", default_value = "2026-01-05T00:00:00Z")]
    pub(crate) start: String,
    /// How long it goes on
    #[arg(long, value_name = "LENGTH", default_value = "1d")]
    pub(crate) lasts: String,
    /// What the simulation is drawn from: the same number gives the same people and attacks
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Accounts at the simulated provider
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(100..=2_000_000))]
    pub(crate) accounts: u32,
    /// One attack of every kind begins within so many minutes [default: as they come]
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) attacks_within: Option<u32>,
    /// Nobody attacks
    #[arg(long, conflicts_with = "attacks_within")]
    pub(crate) peace: bool,
    /// Write who really made each event to this CSV file
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,
}
