// SPDX-License-Identifier: Apache-2.0
//! `wardroom lsp`: an editor's language server on standard input and output.

use crate::cli::Lsp;
use anyhow::Result;
use std::process::ExitCode;
use wardroom_lsp::Ended;

/// Serves until the editor leaves. The protocol asks for 1 where it left without saying so first.
pub(crate) fn run(_: &Lsp) -> Result<ExitCode> {
    let ended = wardroom_lsp::serve(std::io::stdin(), std::io::stdout().lock())?;
    Ok(if ended == Ended::Shutdown { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
