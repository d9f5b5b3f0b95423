// SPDX-License-Identifier: Apache-2.0
//! Words for acting on what has happened: `label`, `act`, `jobs`, `undo`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Which server is asked.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// The server; its key is read from WARDROOM_KEY [default: as configured]
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) server: Option<String>,
    /// The configuration file [default: wardroom.toml, where there is one]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// As JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Label {
    #[command(subcommand)]
    pub(crate) action: Option<LabelAction>,
    #[command(flatten)]
    pub(crate) said: LabelSaid,
    #[command(flatten)]
    pub(crate) asked: Asked,
}

/// A label that is said.
#[derive(Debug, Args)]
pub(crate) struct LabelSaid {
    /// Of whom or what: `account:ann`, `ip:192.0.2.1`, `event:123`
    #[arg(value_name = "SUBJECT", required = true)]
    pub(crate) subject: Option<String>,
    /// The label
    #[arg(value_name = "LABEL", required = true)]
    pub(crate) label: Option<String>,
    /// It does not bear the label
    #[arg(long)]
    pub(crate) no: bool,
    #[command(flatten)]
    pub(crate) end: End,
    /// How sure, from 0 to 1
    #[arg(long, value_name = "N")]
    pub(crate) confidence: Option<f64>,
    /// In words
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    /// The time it is about, such as 2026-01-05T12:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) time: Option<String>,
    /// Whose word it is: `import:NAME` or `case:QUEUE` [default: that of the key]
    #[arg(long, value_name = "SOURCE")]
    pub(crate) source: Option<String>,
}

/// Until when.
#[derive(Debug, Args)]
pub(crate) struct End {
    /// Until when, such as 2026-01-05T12:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "expires")]
    pub(crate) until: Option<String>,
    /// For how long, such as 7d
    #[arg(long, value_name = "SPAN")]
    pub(crate) expires: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LabelAction {
    /// Show all that was said of a subject
    Show {
        /// Of whom or what: `account:ann`, `event:123`
        subject: String,
        /// As it was known at this time
        #[arg(long, value_name = "TIME")]
        as_of: Option<String>,
    },
    /// Import labels from CSV or NDJSON
    Import {
        /// The file, by its ending (`.csv`, `.ndjson`, `.jsonl`)
        file: PathBuf,
        /// Whose word it is: `import:NAME` [default: that of the key]
        #[arg(long, value_name = "SOURCE")]
        source: Option<String>,
        /// Importing twice under one name is importing once
        #[arg(long, value_name = "NAME")]
        key: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Act {
    #[command(subcommand)]
    pub(crate) what: ActWhat,
    /// A file with numbers of events, one a line; `-` is the standard input
    #[arg(long, value_name = "FILE", global = true, group = "set")]
    pub(crate) seqs: Option<PathBuf>,
    /// One event, by its number; several times for more
    #[arg(long, value_name = "N", global = true, group = "set")]
    pub(crate) seq: Vec<u64>,
    /// One entity, such as account:ann; several times for more
    #[arg(long, value_name = "ENTITY", global = true, group = "set")]
    pub(crate) entity: Vec<String>,
    /// What this query finds
    #[arg(long, value_name = "QUERY", global = true, group = "set")]
    pub(crate) query: Option<String>,
    /// What this SQL finds: a column `seq`
    #[arg(long, value_name = "SQL", global = true, group = "set")]
    pub(crate) sql: Option<String>,
    /// Most that is taken of what is found
    #[arg(long, value_name = "N", global = true)]
    pub(crate) cap: Option<usize>,
    /// Why
    #[arg(long, value_name = "TEXT", global = true)]
    pub(crate) reason: Option<String>,
    /// Only look what would become of it
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long, global = true)]
    pub(crate) yes: bool,
    /// Show identifiers of people whole
    #[arg(long, global = true)]
    pub(crate) reveal: bool,
    #[command(flatten)]
    pub(crate) asked: Asked,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ActWhat {
    /// Say of each event, or of whom it happened to, that it bears a label
    Label {
        /// The label
        name: String,
        /// Whose: `event`, a field such as `account`, a part of one such as `ip.net`
        #[arg(long, value_name = "FIELD", default_value = "event")]
        on: String,
        /// It does not bear the label
        #[arg(long)]
        no: bool,
        #[command(flatten)]
        end: End,
        /// How sure, from 0 to 1
        #[arg(long, value_name = "N")]
        confidence: Option<f64>,
        /// In words
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// Put a value of each event on a list
    List {
        /// The list
        list: String,
        /// The field, or a part of one
        #[arg(long, value_name = "FIELD")]
        value: String,
        #[command(flatten)]
        end: End,
    },
    /// Take it off
    Unlist {
        /// The list
        list: String,
        /// The field, or a part of one
        #[arg(long, value_name = "FIELD")]
        value: String,
    },
    /// Open a case for each event
    Case {
        /// The queue
        queue: String,
    },
    /// Judge each event again, with what is in force and known now
    Again,
    /// Tell a webhook of each event
    Webhook {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Jobs {
    #[command(subcommand)]
    pub(crate) action: Option<JobsAction>,
    #[command(flatten)]
    pub(crate) asked: Asked,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobsAction {
    /// List jobs
    List,
    /// Show where a job stands
    Show {
        /// The job
        id: u64,
    },
    /// Show what became of each item of a job
    Log {
        /// The job
        id: u64,
        /// Show identifiers of people whole
        #[arg(long)]
        reveal: bool,
    },
    /// Approve a job of somebody else; needs the role `approve`
    Approve {
        /// The job
        id: u64,
    },
    /// Begin a job that was planned
    Start {
        /// The job
        id: u64,
    },
    /// Stop a job: what was done stays
    Cancel {
        /// The job
        id: u64,
        /// Undo what was done
        #[arg(long)]
        undo: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Undo {
    #[command(subcommand)]
    pub(crate) what: UndoWhat,
    #[command(flatten)]
    pub(crate) asked: Asked,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UndoWhat {
    /// One act, by its number
    Act {
        /// The act
        act: u64,
    },
    /// All that a job did, the last item first
    Job {
        /// The job
        id: u64,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}
