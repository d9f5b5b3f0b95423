// SPDX-License-Identifier: Apache-2.0
//! `wardroom journal`: what is asked of a journal beside a server, or without one.

mod dump;
mod repair;
mod verify;

use crate::cli::{JournalAction, JournalArgs, SealKeyAction};
use crate::config::Config;
use crate::key_file;
use anyhow::{Result, bail};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use wardroom_journal::{Checked, Fault, Keyring, Remedy};

pub(crate) fn run(args: JournalArgs) -> Result<ExitCode> {
    let mut config = Config::load(args.config.as_deref())?;
    config.data.or_given(args.data);
    match args.action {
        JournalAction::Verify { json } => verify::run(&Journal::of(&config)?, json),
        JournalAction::Dump(args) => dump::run(&Journal::of(&config)?, &args),
        JournalAction::Repair { dry_run, json } => repair::run(&Journal::of(&config)?, dry_run, json),
        JournalAction::Key { action } => key(action),
    }
}

/// A journal and what reads it.
struct Journal {
    dir: PathBuf,
    keys: Keyring,
}

impl Journal {
    fn of(config: &Config) -> Result<Journal> {
        let dir = config.data.value.join("journal");
        if !dir.is_dir() {
            bail!("{} holds no journal", config.data.value.display());
        }
        Ok(Journal { dir, keys: config.encryption.keys()? })
    }
}

fn key(action: SealKeyAction) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    match action {
        SealKeyAction::New { file } => {
            let key = key_file::make(&file)?;
            writeln!(out, "{}  {}", key.id(), file.display())?;
            writeln!(
                std::io::stderr(),
                "keep a copy elsewhere: what is encrypted with this key is lost with it"
            )?;
        }
        SealKeyAction::Id { file } => writeln!(out, "{}  {}", key_file::read(&file)?.id(), file.display())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// A fault in one line.
fn fault_line(segment: &Checked, fault: &Fault) -> String {
    let lost = match fault.lost {
        0 => "no record is lost".to_owned(),
        1 => format!("record {} is lost", fault.seq),
        _ => format!("records {} to {} are lost", fault.seq, fault.seq + fault.lost - 1),
    };
    format!(
        "{} at byte {}, record {}: {}; {lost}",
        name(&segment.path),
        fault.offset,
        fault.seq,
        fault.damage
    )
}

fn fault_json(segment: &Checked, fault: &Fault) -> serde_json::Value {
    serde_json::json!({
        "file": name(&segment.path), "offset": fault.offset, "bytes": fault.bytes, "record": fault.seq, "lost": fault.lost,
        "damage": fault.damage.to_string(), "remedy": remedy(fault.remedy),
    })
}

/// What a repair would do about it.
fn remedy(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::Header => "its header is written anew",
        Remedy::Fill => "fillers take the place of the damaged bytes",
        Remedy::Extend => "fillers follow the last record that can be read",
        Remedy::Cut => "what follows the last record is cut off",
        Remedy::Replace => "nothing in it can be read any more: it is replaced by fillers",
        Remedy::None => "nothing can be done here: restore this file from a copy",
    }
}
