// SPDX-License-Identifier: Apache-2.0
//! `wardroom replay`: real logs, or NDJSON, through the same flow as live events.
//!
//! lines → `source` (drafts) → `sink` (events, verdicts) → `summary` (who, why)

mod pipe;
mod sink;
mod source;
mod summary;

use crate::cli::{Format, Replay};
use crate::failure::Usage;
use crate::follow::{self, Lines, Step, Tail};
use crate::terminal::{Paint, Progress};
use crate::{clock, packs, policy_dir};
use anyhow::{Context, Result};
pub(crate) use pipe::Pipe;
use sink::Sink;
use source::Source;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use summary::Summary;
use wardroom_event::{Micros, Sight, Span};
use wardroom_policy::Bundle;

/// How long a followed file rests before it is looked at again, and how long a pipe is silent before what came is judged.
const REST: Duration = Duration::from_millis(200);
/// Lines looked at to see what they hold.
const SNIFF_BYTES: u64 = 64 * 1024;

pub(crate) fn run(args: &Replay) -> Result<ExitCode> {
    let bundle = policy(args.policy.as_deref())?;
    crate::command::compile_or_say(&bundle)?;
    let stop = crate::command::stop_flag()?;
    let format = match args.format {
        Some(format) => format,
        None => sniff(&args.file, args.follow)?,
    };
    let source = Source::new(format, args, modified(&args.file))?;
    let sink = Sink::open(bundle, args)?;
    let sight = if args.reveal { Sight::Full } else { Sight::Masked };
    let show =
        (args.signals || args.follow).then(|| summary::Show { json: args.json, paint: Paint::stdout() });
    let mut run = Run { source, sink, summary: Summary::new(sight), show };
    if args.file == Path::new("-") {
        run.read(Pipe::new(|| Ok(std::io::stdin()), REST)?, 0, &stop)?;
    } else if args.follow {
        run.follow(&args.file, args.from_start, &stop)?;
    } else if is_pipe(&args.file) {
        let path = args.file.clone();
        run.read(Pipe::new(|| File::open(path), REST)?, 0, &stop)?;
    } else {
        let file = open(&args.file)?;
        let all = file.metadata().map_or(0, |m| m.len());
        run.read(file, all, &stop)?;
    }
    let interrupted = stop.load(Ordering::Relaxed) && !args.follow;
    run.sink.close();
    run.summary.print(&run.source, args.top, args.json)?;
    // As a shell says of a program that Ctrl-C ended: 128 + SIGINT.
    Ok(if interrupted { ExitCode::from(130) } else { ExitCode::SUCCESS })
}

fn policy(given: Option<&Path>) -> Result<Bundle> {
    match given {
        Some(path) => policy_dir::load(path),
        None if Path::new("policy").is_dir() => policy_dir::load(Path::new("policy")),
        None => Ok(packs::shipped()),
    }
}

fn open(path: &Path) -> Result<File> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    if file.metadata().is_ok_and(|m| m.is_dir()) {
        return Err(Usage(format!("{} is a directory; name one file", path.display())).into());
    }
    Ok(file)
}

/// Whether it is something that can be read once, such as what a shell's `<(zcat auth.log.1.gz)` names.
fn is_pipe(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir())
}

/// When the file was last written: the year of its lines, where they carry none.
fn modified(path: &Path) -> Micros {
    let time = std::fs::metadata(path).and_then(|m| m.modified()).ok();
    let since = time.and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
    since.and_then(|d| i64::try_from(d.as_micros()).ok()).map_or_else(clock::now, Micros)
}

/// What the first lines hold.
fn sniff(path: &Path, follow: bool) -> Result<Format> {
    let tell = || Usage("say what the lines hold: --format auth, access or ndjson".to_owned());
    if path == Path::new("-") || is_pipe(path) || (follow && !path.exists()) {
        return Err(tell().into());
    }
    let mut head = Vec::new();
    open(path)?
        .take(SNIFF_BYTES)
        .read_to_end(&mut head)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let head = String::from_utf8_lossy(&head);
    source::sniff(&head)
        .ok_or_else(|| {
            let about = format!("cannot tell what {} holds", path.display());
            anyhow::Error::from(tell()).context(about)
        })
        .map_err(|e| Usage(format!("{e:#}")).into())
}

/// One replay in progress.
struct Run {
    source: Source,
    sink: Sink,
    summary: Summary,
    show: Option<summary::Show>,
}

impl Run {
    /// Reads to the end.
    fn read(&mut self, input: impl Read, all: u64, stop: &AtomicBool) -> Result<()> {
        let mut lines = Lines::new(input, self.source.line_bytes());
        let mut progress = Progress::new("reading");
        // Signals that are printed as they come show how far it is, and a line of progress would get between them.
        let all = if self.show.is_some() { 0 } else { all };
        let mut quiet_since = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            match lines.next() {
                Ok(Some(line)) => {
                    quiet_since = Instant::now();
                    progress.at(line.offset, all);
                    self.source.line(&line.text, line.number, line.cut);
                    if self.source.is_full() {
                        self.pass_on()?;
                    }
                }
                Ok(None) => break,
                Err(e) if e.kind() == ErrorKind::WouldBlock => self.catch_up(quiet_since)?,
                Err(e) => return Err(e).context("cannot read the log"),
            }
        }
        progress.finish();
        self.source.finish();
        self.pass_on()
    }

    /// Reads as lines are written, until told to stop.
    fn follow(&mut self, path: &Path, from_start: bool, stop: &AtomicBool) -> Result<()> {
        let start = if from_start { follow::Start::Beginning } else { follow::Start::End };
        let line_bytes = self.source.line_bytes();
        let options = follow::Options { line_bytes, start, ..follow::Options::default() };
        let mut tail = Tail::new(path, options);
        let mut quiet_since = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            match tail.next().with_context(|| format!("cannot read {}", path.display()))? {
                Step::Line(line) => {
                    quiet_since = Instant::now();
                    self.source.line(&line.text, line.number, line.cut);
                    if self.source.is_full() {
                        self.pass_on()?;
                    }
                }
                Step::Restart => {}
                Step::Wait => {
                    self.catch_up(quiet_since)?;
                    std::thread::sleep(REST);
                }
            }
        }
        if let Some(line) = tail.finish() {
            self.source.line(&line.text, line.number, line.cut);
        }
        self.source.finish();
        self.pass_on()
    }

    /// Judges what there is while nothing new comes.
    fn catch_up(&mut self, quiet_since: Instant) -> Result<()> {
        let quiet = quiet_since.elapsed().as_micros();
        self.source.idle(Span(i64::try_from(quiet).unwrap_or(i64::MAX)));
        self.pass_on()?;
        Ok(std::io::stdout().flush()?)
    }

    /// Judges what the source has gathered.
    fn pass_on(&mut self) -> Result<()> {
        let drafts = self.source.take();
        if drafts.is_empty() {
            return Ok(());
        }
        for judged in self.sink.judge(drafts)? {
            self.summary.add(&judged, self.show.as_ref())?;
        }
        for (line, why) in self.summary.take_faulty() {
            self.source.refuse(line, why);
        }
        Ok(())
    }
}
