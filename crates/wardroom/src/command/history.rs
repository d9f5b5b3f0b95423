// SPDX-License-Identifier: Apache-2.0
//! `wardroom history`: what is asked of the files of the past, beside a server or without one.

use crate::cli::{HistoryAction, HistoryArgs};
use crate::clock;
use crate::config::Config;
use crate::terminal::{Progress, grouped};
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use wardroom_history::{Exported, Past, Summary, Verified};
use wardroom_journal::{Disk, FsDisk, Lock, LockGuard};

pub(crate) fn run(args: HistoryArgs) -> Result<ExitCode> {
    let mut config = Config::load(args.config.as_deref())?;
    config.data.or_given(args.data);
    let data = &config.data.value;
    if !data.join("journal").is_dir() {
        bail!("{} holds no journal", data.display());
    }
    let past = Past::open(data, &config.encryption.keys()?, &config.history.options())?;
    match args.action {
        HistoryAction::Status { json } => status(&past, json),
        HistoryAction::Export { all } => {
            let _alone = alone(data)?;
            export(&past, all)
        }
        HistoryAction::Verify { json } => verify(&past, json),
    }
}

/// Holds the journal, so that no server begins meanwhile.
fn alone(data: &Path) -> Result<Box<dyn LockGuard>> {
    match FsDisk.lock(&data.join("journal").join("LOCK")).context("cannot lock the journal")? {
        Lock::Held(guard) => Ok(guard),
        Lock::Taken { pid } => {
            let who = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
            bail!(
                "{} is in use{who}: a running server writes the files itself, as soon as a segment is full",
                data.display()
            )
        }
    }
}

fn status(past: &Past, as_json: bool) -> Result<ExitCode> {
    let summary = past.summary()?;
    let mut out = std::io::stdout().lock();
    if as_json {
        writeln!(out, "{}", serde_json::to_string_pretty(&summary)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(
        out,
        "{}: {} files, {} bytes; records up to {} of {}",
        past.store().dir().display(),
        grouped(summary.files),
        grouped(summary.bytes),
        grouped(summary.exported),
        grouped(summary.newest)
    )?;
    tables(&summary, &mut out)?;
    if summary.encrypted_files > 0 {
        writeln!(out, "{} files are encrypted", grouped(summary.encrypted_files))?;
    }
    for (first, last) in &summary.gaps {
        writeln!(out, "records {first} to {last} had left the journal before a file had them")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn tables(summary: &Summary, out: &mut impl Write) -> std::io::Result<()> {
    let names = summary.tables.iter().map(|t| t.name.len()).max().unwrap_or(0).max(5);
    writeln!(
        out,
        "{:names$} {:>14} {:>16} {:>8} {:>6}  from … to",
        "table", "rows", "bytes", "a row", "files"
    )?;
    for table in &summary.tables {
        let (first, last) = (table.first.as_deref().unwrap_or("–"), table.last.as_deref().unwrap_or("–"));
        let each = table.bytes_per_row.map_or_else(|| "–".to_owned(), |bytes| format!("{bytes:.0}"));
        writeln!(
            out,
            "{:names$} {:>14} {:>16} {each:>8} {:>6}  {first} … {last}",
            table.name,
            grouped(table.rows),
            grouped(table.bytes),
            table.files
        )?;
    }
    Ok(())
}

fn export(past: &Past, all: bool) -> Result<ExitCode> {
    past.store().tidy()?;
    let mut done = Exported::default();
    let mut progress = Progress::new("exporting");
    let newest = wardroom_journal::segments(past.journal())?.last().copied().unwrap_or(0);
    while let Some(one) = past.store().export(past.journal(), all, clock::now())? {
        done.records += one.records;
        done.files += one.files;
        done.bytes += one.bytes;
        progress.at(one.to, newest.max(one.to));
    }
    while past.store().join(clock::now())?.is_some() {}
    progress.finish();
    writeln!(
        std::io::stdout(),
        "{} records in {} new files, {} bytes; all up to record {} lies in files",
        grouped(done.records),
        grouped(done.files),
        grouped(done.bytes),
        grouped(past.store().files()?.exported())
    )?;
    Ok(ExitCode::SUCCESS)
}

fn verify(past: &Past, as_json: bool) -> Result<ExitCode> {
    let mut progress = Progress::new("verifying");
    let verified = past.verify(|done, all| progress.at(done, all))?;
    progress.finish();
    let mut out = std::io::stdout().lock();
    let sound = verified.faults.is_empty();
    if as_json {
        writeln!(out, "{}", serde_json::to_string_pretty(&verified)?)?;
    } else {
        say(past, &verified, &mut out)?;
    }
    Ok(ExitCode::from(u8::from(!sound)))
}

fn say(past: &Past, verified: &Verified, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(
        out,
        "{}: {} files, {} rows, {} of them compared with the journal",
        past.store().dir().display(),
        grouped(verified.files),
        grouped(verified.rows),
        grouped(verified.compared)
    )?;
    for fault in &verified.faults {
        writeln!(out, "{fault}")?;
    }
    match verified.faults.len() {
        0 => writeln!(out, "all of it is sound"),
        1 => writeln!(out, "1 fault"),
        n => writeln!(out, "{n} faults"),
    }
}
