// SPDX-License-Identifier: Apache-2.0
//! The server on standard input and output, as `wardroom lsp` runs it.

use std::process::ExitCode;

fn main() -> std::io::Result<ExitCode> {
    let ended = wardroom_lsp::serve(std::io::stdin(), std::io::stdout().lock())?;
    Ok(if ended == wardroom_lsp::Ended::Shutdown { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
