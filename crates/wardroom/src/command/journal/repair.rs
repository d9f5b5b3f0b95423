// SPDX-License-Identifier: Apache-2.0
//! `wardroom journal repair`: what would be done, or doing it.

use super::{Journal, fault_json, fault_line, remedy};
use crate::terminal::{Paint, Progress, grouped};
use anyhow::Result;
use serde_json::json;
use std::io::Write;
use std::process::ExitCode;
use wardroom_journal::{FsDisk, Repair, repair};

pub(super) fn run(journal: &Journal, dry_run: bool, as_json: bool) -> Result<ExitCode> {
    let mut progress = Progress::new("looking");
    let done = repair(&FsDisk, &journal.dir, &journal.keys, dry_run, |done, all| progress.at(done, all))?;
    progress.finish();
    let mut out = std::io::stdout().lock();
    if as_json {
        let faults: Vec<_> = done.faults().map(|(segment, fault)| fault_json(segment, fault)).collect();
        let kept: Vec<String> = done.kept.iter().map(|path| path.display().to_string()).collect();
        let said = json!({
            "sound": done.is_sound(), "possible": done.is_possible(), "repaired": !done.kept.is_empty(),
            "lost": done.lost(), "faults": faults, "kept": kept,
        });
        writeln!(out, "{}", serde_json::to_string_pretty(&said)?)?;
    } else {
        say(&done, dry_run, &mut out)?;
    }
    let well = done.is_sound() || (!dry_run && done.is_possible());
    Ok(ExitCode::from(u8::from(!well)))
}

fn say(done: &Repair, dry_run: bool, out: &mut impl Write) -> std::io::Result<()> {
    let paint = Paint::stdout();
    if done.is_sound() {
        return writeln!(out, "{}: there is nothing to repair", paint.good("sound"));
    }
    for (segment, fault) in done.faults() {
        writeln!(out, "{}", fault_line(segment, fault))?;
        writeln!(out, "    {}", remedy(fault.remedy))?;
    }
    writeln!(out)?;
    if !done.is_possible() {
        writeln!(out, "{}", paint.bad("not everything can be repaired, so nothing was changed"))?;
        return writeln!(out, "restore the files that are named from a backup");
    }
    if dry_run {
        writeln!(
            out,
            "nothing was changed; without --dry-run the above is done, and the files that are named are kept"
        )?;
        writeln!(out, "in `damaged` beside them")?;
    } else {
        writeln!(out, "{}; what was there is kept:", paint.good("repaired"))?;
        for path in &done.kept {
            writeln!(out, "    {}", path.display())?;
        }
    }
    what_it_means(done.lost(), out)
}

/// What the loss means for decisions to come.
fn what_it_means(lost: u64, out: &mut impl Write) -> std::io::Result<()> {
    if lost == 0 {
        return writeln!(out, "no record is lost");
    }
    writeln!(out)?;
    writeln!(out, "{} records are lost. What that means:", grouped(lost))?;
    writeln!(out, "  - an event among them is no longer counted, and its id can be decided anew;")?;
    writeln!(out, "  - a label or a list entry among them is no longer in force;")?;
    writeln!(
        out,
        "  - where a policy's head is among them, events up to the next segment are kept and not counted;"
    )?;
    writeln!(
        out,
        "  - everything else is as it was. A backup that holds these records is the better journal."
    )
}
