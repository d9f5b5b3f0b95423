// SPDX-License-Identifier: Apache-2.0
//! `wardroom backup`, `backup verify` and `restore`.

use crate::backup::{Archive, Encryption, Restored, Taken, Target, Verified, restore, take, verify};
use crate::cli::{Backup, BackupAction, Restore};
use crate::clock;
use crate::config::Config;
use crate::failure::Usage;
use crate::host::size;
use crate::terminal::grouped;
use anyhow::Result;
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(crate) fn run(args: &Backup) -> Result<ExitCode> {
    match &args.action {
        Some(BackupAction::Verify { backup, earlier, json }) => {
            let verified = verify(&Archive::open(backup)?, &open(earlier)?)?;
            say(&mut std::io::stdout(), *json, &verified, |out| say_verified(&verified, out))?;
        }
        None => {
            let Some(to) = &args.out else {
                return Err(Usage("where should the backup go? `wardroom backup FILE.tar`".to_owned()).into());
            };
            let mut config = Config::load(args.config.as_deref())?;
            config.data.or_given(args.data.clone());
            let since = args.since.as_deref().map(Archive::open).transpose()?;
            // Who may copy the directory need not be able to read the key.
            let keys = config.encryption.keys().unwrap_or_default();
            let encryption = Encryption { keys, is_on: config.encryption.key_file.value.is_some() };
            let taken = take(&config.data.value, to, since.as_ref(), &encryption, clock::now())?;
            // Standard output may be the backup itself.
            if to == Path::new("-") {
                say(&mut std::io::stderr(), args.json, &taken, |out| say_taken(&taken, to, out))?;
            } else {
                say(&mut std::io::stdout(), args.json, &taken, |out| say_taken(&taken, to, out))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn run_restore(args: &Restore) -> Result<ExitCode> {
    let (newest, earlier) = (Archive::open(&args.backup)?, open(&args.earlier)?);
    let keys = Config::load(args.config.as_deref())?.encryption.keys()?;
    let target =
        Target { data: &args.data, policy: args.policy.as_deref(), keys: &keys, rebuild: args.rebuild };
    let restored = restore(&newest, &earlier, &target)?;
    say(&mut std::io::stdout(), args.json, &restored, |out| say_restored(&restored, args, out))?;
    Ok(ExitCode::SUCCESS)
}

fn open(paths: &[PathBuf]) -> Result<Vec<Archive>> {
    paths.iter().map(|path| Archive::open(path)).collect()
}

fn say<W: Write>(
    out: &mut W,
    json: bool,
    what: &impl Serialize,
    words: impl FnOnce(&mut W) -> std::io::Result<()>,
) -> Result<()> {
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(what)?)?;
    } else {
        words(out)?;
    }
    Ok(out.flush()?)
}

fn records(first: u64, last: u64, count: u64) -> String {
    if count == 0 {
        "no records".to_owned()
    } else {
        format!("{} records ({first} to {last})", grouped(count))
    }
}

fn newest(event: &Option<String>) -> String {
    event.as_ref().map_or(String::new(), |at| format!(", the newest event of {at}"))
}

fn policy(version: &Option<String>) -> String {
    version.as_ref().map_or("no policy to be seen".to_owned(), |version| format!("policy {version}"))
}

fn say_taken(taken: &Taken, to: &Path, out: &mut impl Write) -> std::io::Result<()> {
    let before = match taken.segments_before {
        0 => String::new(),
        n => format!(" ({n} more are in the backup before)"),
    };
    writeln!(
        out,
        "{}: {}{}",
        to.display(),
        records(taken.first_seq, taken.last_seq, taken.records),
        newest(&taken.newest_event)
    )?;
    writeln!(
        out,
        "{} segments{before}, {} snapshot files, {}, the secret and the keys; {}",
        taken.segments,
        taken.snapshots,
        policy(&taken.policy),
        size(taken.bytes)
    )?;
    writeln!(out, "not in it: wardroom.toml, and the key file of encryption at rest; keep that one elsewhere")
}

fn say_verified(verified: &Verified, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(
        out,
        "right: {} files, {}; {}, {}, made {}",
        verified.files,
        size(verified.bytes),
        records(verified.first_seq, verified.last_seq, verified.records),
        policy(&verified.policy),
        verified.made
    )?;
    match verified.elsewhere {
        0 => Ok(()),
        n => writeln!(out, "{n} segments are in earlier backups, which were not checked: name them as well"),
    }
}

fn say_restored(restored: &Restored, args: &Restore, out: &mut impl Write) -> std::io::Result<()> {
    let data = args.data.display();
    writeln!(
        out,
        "{data}: {}{}, {}; {}, every checksum right",
        records(restored.first_seq, restored.last_seq, restored.records),
        newest(&restored.newest_event),
        policy(&restored.policy),
        size(restored.bytes)
    )?;
    if restored.is_locked {
        writeln!(out, "it is encrypted: serve it with the key file that it was written with")?;
    }
    if let Some(fault) = &restored.policy_fault {
        writeln!(
            out,
            "this program cannot use that policy ({fault}): serve with a policy directory that is right"
        )?;
    }
    let rebuild = if restored.needs_rebuild { " --rebuild" } else { "" };
    writeln!(
        out,
        "what came after {} is not in it; `wardroom serve{rebuild} --data {data}` goes on from there",
        restored.made
    )
}
