// SPDX-License-Identifier: Apache-2.0
//! `wardroom journal`: what is asked of a journal that no server has open.

use crate::cli::{JournalAction, JournalArgs, SealKeyAction};
use crate::key_file;
use anyhow::Result;
use std::io::Write;
use std::process::ExitCode;

pub(crate) fn run(args: JournalArgs) -> Result<ExitCode> {
    match args.action {
        JournalAction::Key { action } => key(action),
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
