// SPDX-License-Identifier: Apache-2.0
//! `wardroom breach`: files of breached passwords made, looked at, and asked about one password.

mod secret;

use super::stop_flag;
use crate::cli::{Breach, BreachAction, BreachBits, BreachBuild, BreachInfo, BreachLook};
use crate::config::Config;
use crate::failure::{Refused, Usage};
use crate::replay::Pipe;
use crate::terminal::{Progress, grouped};
use anyhow::{Result, bail};
use serde_json::json;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use wardroom_account::breach::{
    About, BreachError, Built, Filter, Kind, List, Plan, Ranges, Sha1, Slot, What, about, build,
};

/// How long standard input may be silent before it is asked whether to stop.
const PATIENCE: Duration = Duration::from_millis(200);

pub(crate) fn run(args: Breach) -> Result<ExitCode> {
    match args.action {
        BreachAction::Build(args) => run_build(args),
        BreachAction::Info(args) => run_info(&args),
        BreachAction::Look(args) => run_look(&args),
    }
}

fn run_build(args: BreachBuild) -> Result<ExitCode> {
    let plan = Plan {
        kind: if args.ntlm { Kind::Ntlm } else { Kind::Sha1 },
        plain: args.plain,
        least: args.min_count,
        slot: match args.bits {
            BreachBits::Sixteen => Slot::Bits16,
            BreachBits::TwentyFour => Slot::Bits24,
            BreachBits::ThirtyTwo => Slot::Bits32,
        },
        ranges: !args.filter_only,
        skip_bad: args.skip_bad,
        out: args.out,
    };
    let stop = stop_flag()?;
    let lists = args.lists.iter().map(|path| open(path, &stop)).collect::<Result<_>>()?;
    let mut progress = Progress::new("building");
    let built = build(&plan, lists, &mut |done, all| {
        if all == 0 {
            progress.waits()
        } else {
            progress.at(done, all)
        }
        !stop.load(Relaxed)
    });
    progress.finish();
    match built {
        Ok(built) => say(&built).map(|()| ExitCode::SUCCESS),
        // As a shell says of a program that Ctrl-C ended: 128 + SIGINT.
        Err(e @ BreachError::Stopped) => {
            writeln!(std::io::stderr(), "{e}")?;
            Ok(ExitCode::from(130))
        }
        Err(e @ (BreachError::BadLines(_) | BreachError::Empty | BreachError::NotHashes(_))) => {
            Err(Refused(e.to_string()).into())
        }
        Err(e) => Err(e.into()),
    }
}

fn open(path: &Path, stop: &Arc<AtomicBool>) -> Result<List> {
    if path != Path::new("-") {
        return Ok(List::open(path)?);
    }
    let pipe = Pipe::new(|| Ok(std::io::stdin()), PATIENCE)?;
    Ok(List::of("standard input".to_owned(), Input { pipe, stop: stop.clone() }))
}

/// Standard input, which ends when somebody says stop, also where nothing comes.
struct Input {
    pipe: Pipe,
    stop: Arc<AtomicBool>,
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.pipe.read(into) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock && self.stop.load(Relaxed) => return Ok(0),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }
}

fn say(built: &Built) -> Result<()> {
    let mut out = std::io::stdout().lock();
    write!(out, "{} lines read", grouped(built.lines))?;
    for (count, what) in [(built.repeated, "repeated"), (built.bad.count, "not right and passed over")] {
        if count > 0 {
            write!(out, ", {} {what}", grouped(count))?;
        }
    }
    writeln!(out)?;
    for bad in &built.bad.told {
        writeln!(std::io::stderr(), "{bad}")?;
    }
    for made in &built.made {
        writeln!(out, "{}: {}", made.path.display(), words(&made.about))?;
    }
    Ok(())
}

/// A file in words.
fn words(about: &About) -> String {
    let (bytes, hashes) = (about.file_bytes(), about.hashes);
    let each = bytes as f64 / hashes.max(1) as f64;
    let error = match about.error_bits {
        0 => "exact".to_owned(),
        bits => format!("wrong about 1 in {} that it does not have", grouped(1 << bits.min(63))),
    };
    let mut text = format!(
        "{} {} hashes, {} bytes, {each:.1} each; {error}",
        grouped(hashes),
        about.kind.name(),
        grouped(bytes)
    );
    if about.least > 1 {
        let left = grouped(about.left_out);
        text += &format!("; {left} seen less than {} times are left out", grouped(about.least));
    }
    text
}

fn run_info(args: &BreachInfo) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    for path in &args.files {
        let mut progress = Progress::new("checking");
        let found = about(path, |done, all| {
            progress.at(done, all);
            true
        })?;
        progress.finish();
        if args.json {
            writeln!(out, "{}", as_json(path, &found))?;
        } else {
            let (what, words) = (found.what.name(), words(&found));
            writeln!(out, "{}: a file of {what}, sound: {words}", path.display())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(path: &Path, about: &About) -> serde_json::Value {
    json!({
        "file": path.display().to_string(),
        "what": about.what.name(),
        "kind": about.kind.name(),
        "hashes": about.hashes,
        "bytes": about.file_bytes(),
        "false_positive_rate": about.false_positive_rate(),
        "min_count": about.least,
        "left_out": about.left_out,
    })
}

fn run_look(args: &BreachLook) -> Result<ExitCode> {
    let path = match &args.file {
        Some(path) => path.clone(),
        None => {
            let sources = Config::load(args.config.as_deref())?.breach.sources();
            let path = sources.filter.or(sources.ranges);
            path.ok_or_else(|| Usage("name a file, or configure one in [breach]".to_owned()))?
        }
    };
    let asked = Asked::open(&path)?;
    let password = secret::read("password: ")?;
    let said = asked.look(&Sha1::of(&password))?;
    writeln!(std::io::stdout(), "{said}")?;
    Ok(ExitCode::SUCCESS)
}

/// The file that is asked.
enum Asked {
    Filter(Filter),
    Ranges(Ranges),
}

impl Asked {
    fn open(path: &Path) -> Result<Asked> {
        let asked = match Filter::open(path, 0) {
            Ok(filter) => Asked::Filter(filter),
            Err(BreachError::NotOurs { .. }) => Asked::Ranges(Ranges::open(path)?),
            Err(e) => return Err(e.into()),
        };
        let about = match &asked {
            Asked::Filter(filter) => filter.about(),
            Asked::Ranges(ranges) => ranges.about(),
        };
        if about.kind != Kind::Sha1 {
            let (kind, what) = (about.kind.name(), What::name(about.what));
            bail!(
                "{} is a file of {what} of {kind} hashes; a password is looked up by its SHA-1",
                path.display()
            );
        }
        Ok(asked)
    }

    fn look(&self, sha1: &Sha1) -> Result<String, BreachError> {
        Ok(match self {
            Asked::Filter(filter) => match filter.look(&sha1.hash())? {
                0 => "not known".to_owned(),
                least => {
                    let wrong = grouped(1 << filter.about().error_bits.min(63));
                    let times = if least == 1 { "once" } else { &format!("{} times", grouped(least)) };
                    format!("known: seen {times} or more (of unknown passwords 1 in {wrong} is called known)")
                }
            },
            Asked::Ranges(ranges) => match ranges.count(&sha1.hash())? {
                0 => "not known".to_owned(),
                1 => "known: seen once".to_owned(),
                count => format!("known: seen {} times", grouped(count.into())),
            },
        })
    }
}
