// SPDX-License-Identifier: Apache-2.0
//! `wardroom explain`: the page of a diagnostic code.

use crate::cli::Explain;
use crate::failure::Usage;
use anyhow::Result;
use std::io::Write;
use std::process::ExitCode;
use wardroom_policy::{page, pages};

pub(crate) fn run(args: &Explain) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let Some(code) = &args.code else {
        for page in pages() {
            writeln!(out, "{}  {}", page.code, page.title)?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    let Some(page) = page(code) else {
        return Err(
            Usage(format!("no diagnostic has the code `{code}`; `wardroom explain` lists them")).into()
        );
    };
    writeln!(out, "{}: {}\n\n{}", page.code, page.title, page.text)?;
    Ok(ExitCode::SUCCESS)
}
