// SPDX-License-Identifier: Apache-2.0
//! `wardroom bench soak | steady | day | keys`: long trials of a server in a process of its own.
//!
//! A process of its own, because what is asked is how much memory and time *the server* takes. It is this program with
//! `serve`, a fresh data directory and the shipped policy; the load comes from here over loopback. Each second is a row
//! of a CSV file, from which the plots are drawn. Nothing is asserted: a trial measures.
//!
//! - [`soak`]: more than the server can take, for minutes. Memory must stay flat and what is answered, answered soon.
//! - [`steady`]: half of what it can take, with nothing else to do and with snapshots and new segments all the time.
//! - [`day`]: a day of a large provider as the simulator has it, as fast as it goes; then `kill -9` and a restart.
//! - [`keys`]: a new account with every event, under a cap on memory; then the same end.

mod day;
mod host;
mod keys;
mod plot;
mod sample;
mod soak;
mod steady;

use crate::cli::Trial;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(crate) async fn run(trial: Trial) -> Result<ExitCode> {
    let stop = crate::command::leave_signal()?;
    let work = async {
        match trial {
            Trial::Soak(args) => soak::run(args).await,
            Trial::Steady(args) => steady::run(args).await,
            Trial::Day(args) => day::run(args).await,
            Trial::Keys(args) => keys::run(args).await,
        }
    };
    tokio::select! {
        done = work => done.map(|()| ExitCode::SUCCESS),
        () = stop => Ok(ExitCode::from(130)),
    }
}

/// Where a trial's server keeps its data: gone when this is dropped.
fn scratch(parent: Option<&Path>) -> Result<tempfile::TempDir> {
    let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
    let dir = tempfile::Builder::new().prefix("wardroom-trial-").tempdir_in(&parent);
    dir.with_context(|| format!("cannot make a directory in {}", parent.display()))
}

/// Writes a result beside the others.
fn put(out: &Path, name: &str, text: &str) -> Result<PathBuf> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let path = out.join(name);
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// Bytes as people read them.
fn bytes(n: u64) -> String {
    match n {
        0..10_000 => format!("{n} B"),
        10_000..10_000_000 => format!("{:.1} kB", n as f64 / 1e3),
        10_000_000..10_000_000_000 => format!("{:.0} MB", n as f64 / 1e6),
        _ => format!("{:.2} GB", n as f64 / 1e9),
    }
}
