// SPDX-License-Identifier: Apache-2.0
//! Tests that run again whenever a file of the policy changes. Files are looked at, not waited for: that works on every
//! file system, and on what editors do when they save.

use super::once;
use crate::cli::TestArgs;
use crate::command::{block_on, stop_signal};
use crate::failure;
use anyhow::Result;
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

/// How often files are looked at.
const LOOK: Duration = Duration::from_millis(300);
/// Folders deeper than this are not looked into; such a policy is refused anyway.
const DEPTH: usize = 16;
/// Most files looked at.
const FILES: usize = 4 * wardroom_policy::limits::FILES;

/// Every file with when it was changed and how long it is.
type Seen = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

pub(super) fn run(args: &TestArgs) -> Result<ExitCode> {
    block_on(async {
        let mut stop = std::pin::pin!(stop_signal()?);
        loop {
            // Before the run: what is saved while it runs is a change.
            let before = seen(&args.policy);
            show(args)?;
            loop {
                tokio::select! {
                    () = &mut stop => return Ok(ExitCode::SUCCESS),
                    () = tokio::time::sleep(LOOK) => {}
                }
                if seen(&args.policy) != before {
                    break;
                }
            }
        }
    })
}

/// One run, whatever comes of it: a policy with errors is mended while this waits.
fn show(args: &TestArgs) -> Result<()> {
    let mut out = std::io::stdout();
    if out.is_terminal() {
        write!(out, "\u{1b}[H\u{1b}[2J\u{1b}[3J")?;
    }
    if let Err(error) = once(args) {
        // Nobody reads on: there is nothing to watch for.
        if error.chain().filter_map(|e| e.downcast_ref::<std::io::Error>()).any(is_broken) {
            return Err(error);
        }
        failure::report(&error);
    }
    writeln!(out, "watching {}; Ctrl-C ends", args.policy.display())?;
    Ok(out.flush()?)
}

fn is_broken(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::BrokenPipe
}

fn seen(path: &Path) -> Seen {
    let mut seen = Seen::new();
    look(path, 0, &mut seen);
    seen
}

fn look(path: &Path, depth: usize, seen: &mut Seen) {
    let Ok(about) = std::fs::metadata(path) else { return };
    if !about.is_dir() {
        seen.insert(path.to_owned(), (about.modified().ok(), about.len()));
        return;
    }
    let Ok(entries) = std::fs::read_dir(path) else { return };
    for entry in entries.flatten().filter(|e| !e.file_name().to_string_lossy().starts_with('.')) {
        if depth < DEPTH && seen.len() < FILES {
            look(&entry.path(), depth + 1, seen);
        }
    }
}
