// SPDX-License-Identifier: Apache-2.0
//! From lists to files: all of a new file or all of the old one, whatever stops the build.
//!
//! Everything is made in a directory beside its place, synced, and then renamed. What a killed build leaves there is
//! removed by the next; two at once are told apart by a lock, which ends with its process.

use super::error::BreachError;
use super::filter::{self, Slot};
use super::hash::Kind;
use super::header::{About, What};
use super::limits::WATCH_EVERY;
use super::list::{self, BadLines, List, Reading};
use super::ranges;
use super::sort::{Counts, Sorter};
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The directory in which everything is made, in the one where it goes.
const BUILDING: &str = ".building";
/// The file that is locked meanwhile.
const LOCK: &str = ".lock";

/// What to build, and of what.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Of which hashes the lists are.
    pub kind: Kind,
    /// The lists have passwords, not hashes. They are hashed while they are read.
    pub plain: bool,
    /// Leave out what was seen less often.
    pub least: u32,
    /// How often the filter may be wrong.
    pub slot: Slot,
    /// Whether the exact file is made too.
    pub ranges: bool,
    /// Go on over lines that are not right.
    pub skip_bad: bool,
    /// Where the files go: `sha1.filter`, `sha1.ranges`.
    pub out: PathBuf,
}

/// A file that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// Where it is.
    pub path: PathBuf,
    /// What it says of itself.
    pub about: About,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Built {
    /// Lines that were read.
    pub lines: u64,
    /// Hashes that came more than once, each further time.
    pub repeated: u64,
    /// Lines that were passed over, where that was allowed.
    pub bad: BadLines,
    /// The files.
    pub made: Vec<Made>,
}

/// Builds the files. `watch` is asked now and then whether to go on: it gets what was done of how much, and 0 of 0 while
/// that is not known.
///
/// # Errors
/// Lines that are not right, all told; a list or disk that fails; another build in the same directory; stopped.
pub fn build(
    plan: &Plan,
    lists: Vec<List>,
    watch: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Built, BreachError> {
    let stage = Stage::begin(&plan.out)?;
    let gathered = gather(plan, lists, &stage, watch)?;
    let (lines, bad) = (gathered.lines, gathered.bad.clone());
    let (made, repeated) = write(plan, gathered, &stage, watch)?;
    for made in &made {
        stage.put(&made.path)?;
    }
    sync(&plan.out)?;
    Ok(Built { lines, repeated, bad, made })
}

struct Gathered {
    sorter: Sorter,
    lines: u64,
    left_out: u64,
    bad: BadLines,
}

fn gather(
    plan: &Plan,
    lists: Vec<List>,
    stage: &Stage,
    watch: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Gathered, BreachError> {
    let reading = Reading { kind: plan.kind, plain: plan.plain };
    let mut sorter = Sorter::create(&stage.dir)?;
    let (mut lines, mut left_out, mut seen, mut bad) = (0, 0, 0u64, BadLines::default());
    for list in lists {
        lines += list::read(list, reading, &mut bad, |hash| {
            seen += 1;
            if seen.is_multiple_of(WATCH_EVERY) && !watch(0, 0) {
                return Err(BreachError::Stopped);
            }
            match hash {
                // Of a line with a count it is known at once; passwords must be counted first.
                Some((_, count)) if !plan.plain && count < plan.least => left_out += 1,
                Some((hash, count)) => sorter.push(&hash, count)?,
                None => {}
            }
            Ok(())
        })?;
    }
    // A list that ends because somebody said stop is not all of the list.
    if !watch(0, 0) {
        return Err(BreachError::Stopped);
    }
    if bad.count > 0 && !plan.skip_bad {
        return Err(BreachError::BadLines(bad));
    }
    if sorter.records() == 0 {
        return Err(BreachError::Empty);
    }
    Ok(Gathered { sorter, lines, left_out, bad })
}

fn write(
    plan: &Plan,
    gathered: Gathered,
    stage: &Stage,
    watch: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<(Vec<Made>, u64), BreachError> {
    let Gathered { sorter, mut left_out, .. } = gathered;
    let records = sorter.records();
    let name = |what: What| format!("{}.{}", plan.kind.name(), what.name());
    let (small, exact) = (stage.dir.join(name(What::Filter)), stage.dir.join(name(What::Ranges)));
    let mut filter = filter::Writer::create(&small, plan.kind, plan.slot, records)?;
    let mut ranges = plan.ranges.then(|| ranges::Writer::create(&exact, plan.kind, records)).transpose()?;
    let counts = if plan.plain { Counts::Add } else { Counts::Greatest };
    let (mut hashes, mut asked) = (0, 0);
    sorter.each(counts, |hash, count, seen| {
        if seen - asked >= WATCH_EVERY {
            asked = seen;
            if !watch(seen, records) {
                return Err(BreachError::Stopped);
            }
        }
        hashes += 1;
        if count < plan.least {
            left_out += 1;
            return Ok(());
        }
        filter.push(hash, count)?;
        ranges.as_mut().map_or(Ok(()), |ranges| ranges.push(hash, count))
    })?;
    // A last look: a build that was told to stop puts nothing in place.
    if !watch(records, records) {
        return Err(BreachError::Stopped);
    }
    let least = u64::from(plan.least.max(1));
    let made = |what: What, about| Made { path: plan.out.join(name(what)), about };
    let mut all = vec![made(What::Filter, filter.finish(least, left_out)?)];
    if let Some(ranges) = ranges {
        all.push(made(What::Ranges, ranges.finish(least, left_out)?));
    }
    Ok((all, records - hashes))
}

/// A directory of one's own beside the place where the files go; removed in the end.
struct Stage {
    dir: PathBuf,
    _lock: File,
}

impl Stage {
    fn begin(out: &Path) -> Result<Stage, BreachError> {
        fs::create_dir_all(out).map_err(BreachError::io("cannot make", out))?;
        let path = out.join(LOCK);
        let lock = File::options().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(BreachError::io("cannot make", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BreachError::Busy(out.to_owned())),
            Err(TryLockError::Error(e)) => return Err(BreachError::io("cannot lock", &path)(e)),
        }
        let dir = out.join(BUILDING);
        match fs::remove_dir_all(&dir) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(BreachError::io("cannot remove what another build left in", &dir)(e));
            }
            _ => {}
        }
        // Hashes of a private list are as good as its passwords to whoever guesses them.
        DirBuilder::new().mode(0o700).create(&dir).map_err(BreachError::io("cannot make", &dir))?;
        Ok(Stage { dir, _lock: lock })
    }

    /// Moves a file that is done to its place.
    fn put(&self, to: &Path) -> Result<(), BreachError> {
        let from = to.file_name().map(|name| self.dir.join(name)).unwrap_or_default();
        fs::rename(from, to).map_err(BreachError::io("cannot put in place", to))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next build.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn sync(dir: &Path) -> Result<(), BreachError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(BreachError::io("cannot sync", dir))
}
