// SPDX-License-Identifier: Apache-2.0
//! Words for `wardroom breach`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Breach {
    #[command(subcommand)]
    pub(crate) action: BreachAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BreachAction {
    /// Make the files from lists of hashes or passwords
    #[command(after_long_help = BUILD_HELP)]
    Build(BreachBuild),
    /// Say what files hold and how often they are wrong, and check every byte of them
    Info(BreachInfo),
    /// Say whether a password is known; it is read from the terminal, without showing it, or from standard input
    Look(BreachLook),
}

#[derive(Debug, Args)]
pub(crate) struct BreachBuild {
    /// Lists, in any order, with or without counts, repeated or not; - is standard input
    #[arg(value_name = "LIST", required = true)]
    pub(crate) lists: Vec<PathBuf>,
    /// Where the files go; what is made on the way needs 24 bytes a line there
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Make the filter, and no exact file for ranges
    #[arg(long)]
    pub(crate) filter_only: bool,
    /// Leave out what was seen less often
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) min_count: u32,
    /// Bits of the filter for a hash: 16 are wrong about one password in 8,192, 24 about one in two million, 32 about one in
    /// 537 million
    #[arg(long, value_name = "BITS", default_value = "16")]
    pub(crate) bits: BreachBits,
    /// The hashes are NTLM hashes
    #[arg(long, conflicts_with = "plain")]
    pub(crate) ntlm: bool,
    /// The lists have passwords, one a line: they are hashed while they are read, and counted
    #[arg(long)]
    pub(crate) plain: bool,
    /// Pass over lines that are not right; otherwise they are told and nothing is built
    #[arg(long)]
    pub(crate) skip_bad: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BreachBits {
    /// 2.3 bytes a hash
    #[value(name = "16")]
    Sixteen,
    /// 3.4 bytes a hash
    #[value(name = "24")]
    TwentyFour,
    /// 4.6 bytes a hash
    #[value(name = "32")]
    ThirtyTwo,
}

#[derive(Debug, Args)]
pub(crate) struct BreachInfo {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// As JSON, a line for each
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BreachLook {
    /// The filter, or the exact file, of SHA-1 hashes [default: as configured]
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The configuration file [default: wardroom.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

const BUILD_HELP: &str = "\
A line of a list is HASH:COUNT, as Have I Been Pwned gives them out, or HASH alone. DIR then has sha1.filter,
which gives events the fact `breached`, and sha1.ranges, from which `/range/` is answered. The files replace
those of the same name at once, and only when they are whole; a running server takes them at SIGHUP.

Examples:
    wardroom breach build pwnedpasswords.txt --out /var/lib/wardroom/breach
    zcat leaked.txt.gz | wardroom breach build - --plain --out breach --filter-only";
