// SPDX-License-Identifier: Apache-2.0
//! Words for looking at campaigns of sign-ups and sweeping for sleepers.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Campaigns {
    #[command(subcommand)]
    pub(crate) action: Option<CampaignsAction>,
    /// From when on sign-ups are looked at: a day, a time with its zone, or a length of time such as 7d [default: 28d]
    #[arg(long, value_name = "TIME", global = true)]
    pub(crate) since: Option<String>,
    /// Until when, without it
    #[arg(long, value_name = "TIME", global = true)]
    pub(crate) until: Option<String>,
    /// How long it may take [default: 30s]
    #[arg(long, value_name = "TIME", global = true)]
    pub(crate) timeout: Option<String>,
    /// Show identifiers of people whole; takes the role `reveal`
    #[arg(long, global = true)]
    pub(crate) reveal: bool,
    /// Ask no server: read the files and the journal of this data directory
    #[arg(long, value_name = "DIR", global = true, conflicts_with = "server")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) asked: super::Asked,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CampaignsAction {
    /// List campaigns: what is usual
    List,
    /// Show a campaign with its members, and what each shares with the others
    Show {
        /// Its name, as listed; its end, day and mark, is enough
        name: String,
    },
    /// Judge those anew that hang together with accounts that turned out bad, and plan a job over who is likely bad too
    Sweep(Sweep),
}

#[derive(Debug, Args)]
pub(crate) struct Sweep {
    /// How likely bad an account must be, from 0.5 to 1 [default: 0.9]
    #[arg(long, value_name = "N")]
    pub(crate) above: Option<f64>,
    /// Event types of which a block says that the account is bad, such as `message`; several with commas
    #[arg(long, value_name = "TYPE", value_delimiter = ',')]
    pub(crate) refused: Vec<String>,
    /// The label that is said of each account [default: signup-campaign]
    #[arg(long, value_name = "NAME")]
    pub(crate) label: Option<String>,
    /// For how long, such as 30d [default: for good]
    #[arg(long, value_name = "TIME", conflicts_with = "case")]
    pub(crate) expires: Option<String>,
    /// Open a case for each sign-up in this queue, instead of saying a label
    #[arg(long, value_name = "QUEUE", conflicts_with = "label")]
    pub(crate) case: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Plan the job and ask whether to do it; without this it is only shown who it would be
    #[arg(long)]
    pub(crate) run: bool,
    /// Do not ask
    #[arg(long, requires = "run")]
    pub(crate) yes: bool,
}
