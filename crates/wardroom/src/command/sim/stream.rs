// SPDX-License-Identifier: Apache-2.0
//! `wardroom sim`: the demo's provider as a file: its sign-ups and logins as NDJSON, and beside it who really made each.
//!
//! The truth goes to a file of its own, since an event that says whether it is abuse is no event of any provider.

use crate::cli::SimStream;
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use wardroom_event::{Micros, Span};
use wardroom_sim::{Campaigns, Happening, Settings, World};

/// The first line of a file of truth.
const HEAD: &str = "id,type,account,time,truth,campaign";

pub(crate) fn run(args: &SimStream) -> Result<ExitCode> {
    let settings = settings(args)?;
    let end = Micros(settings.start).plus(length(&args.lasts)?);
    let mut truth = args.truth.as_deref().map(begin).transpose()?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut line = String::new();
    for happening in World::new(settings).take_while(|h| h.arrival < end.0) {
        line.clear();
        happening.event.write_json(&mut line);
        line.push('\n');
        if let Err(error) = out.write_all(line.as_bytes()) {
            return gone(&error);
        }
        if let Some(file) = &mut truth {
            writeln!(file, "{}", row(&happening)).context("cannot write the truth")?;
        }
    }
    if let Some(mut file) = truth {
        file.flush().context("cannot write the truth")?;
    }
    match out.flush() {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => gone(&error),
    }
}

/// Whoever reads may stop reading, as `head` does.
fn gone(error: &io::Error) -> Result<ExitCode> {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Ok(ExitCode::SUCCESS);
    }
    bail!("cannot write the events: {error}")
}

fn settings(args: &SimStream) -> Result<Settings> {
    let start = Micros::parse(&args.start)
        .with_context(|| format!("--start is a time such as 2026-01-05T00:00:00Z, not `{}`", args.start))?;
    let attacks = match args.attacks_within {
        Some(minutes) => Campaigns { begin_within_minutes: Some(minutes), ..Campaigns::default() },
        None => Campaigns::default(),
    };
    let campaigns = if args.peace { Campaigns::none() } else { attacks };
    Ok(Settings {
        seed: args.seed,
        start: start.0,
        accounts: args.accounts,
        campaigns,
        ..Settings::default()
    })
}

fn length(text: &str) -> Result<Span> {
    let span = Span::parse(text).ok().filter(|span| span.0 > 0);
    span.with_context(|| format!("--lasts is a length of time such as 1d or 6h, not `{text}`"))
}

fn begin(path: &Path) -> Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("cannot make {}", path.display()))?;
    let mut file = BufWriter::new(file);
    writeln!(file, "{HEAD}").context("cannot write the truth")?;
    Ok(file)
}

/// What is true of an event; none of the values needs quotes.
fn row(happening: &Happening) -> String {
    let Happening { event, truth, .. } = happening;
    let campaign = truth.campaign().map_or_else(String::new, |number| number.to_string());
    let (id, kind, account, time) = (event.id(), event.kind(), event.account(), Micros(event.time()));
    format!("{id},{kind},{account},{time},{},{campaign}", truth.kind())
}
