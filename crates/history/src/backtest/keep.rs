// SPDX-License-Identifier: Apache-2.0
//! Results that are kept: one file each in `backtests/` of the data directory, the oldest let go of first.
//!
//! A result that shows identifiers of people whole is not kept: it would outlive what it is about.

use super::{Ask, Report, limits};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use wardroom_event::{Micros, Span};

/// A result with what it is known by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Its id.
    pub id: String,
    /// When it was asked for.
    pub asked: String,
    /// What was found.
    pub report: Report,
}

/// The folder of results.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    dir: PathBuf,
}

impl Shelf {
    pub(crate) fn of(data: &Path) -> Shelf {
        Shelf { dir: data.join("backtests") }
    }

    /// Keeps a result; lets go of what is too old or too much.
    pub(crate) fn keep(&self, kept: &Kept, now: Micros) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let (path, part) = (self.path(&kept.id), self.dir.join(format!(".{}.part", kept.id)));
        let mut file = File::create(&part)?;
        file.write_all(&serde_json::to_vec(kept)?)?;
        file.sync_all()?;
        fs::rename(&part, path)?;
        self.let_go(now);
        Ok(())
    }

    /// A result; none where there is none, or it cannot be read.
    pub(crate) fn get(&self, id: &str) -> Option<Kept> {
        if !is_id(id) {
            return None;
        }
        let mut bytes = Vec::new();
        let file = File::open(self.path(id)).ok()?;
        file.take(limits::RESULT_BYTES).read_to_end(&mut bytes).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// All results, the newest first.
    pub(crate) fn list(&self) -> Vec<Kept> {
        let mut all: Vec<Kept> = self.ids().iter().filter_map(|id| self.get(id)).collect();
        all.sort_by(|a, b| b.asked.cmp(&a.asked).then_with(|| a.id.cmp(&b.id)));
        all
    }

    /// Whether there was one to remove.
    pub(crate) fn remove(&self, id: &str) -> io::Result<bool> {
        if !is_id(id) {
            return Ok(false);
        }
        match fs::remove_file(self.path(id)) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        }
    }

    fn path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.json"))
    }

    fn ids(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.dir) else { return Vec::new() };
        let id = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_suffix(".json").map(str::to_owned);
        entries.flatten().filter_map(id).filter(|id| is_id(id)).take(4 * limits::KEPT).collect()
    }

    fn let_go(&self, now: Micros) {
        let kept_for = Span(i64::try_from(limits::KEPT_FOR.as_micros()).unwrap_or(i64::MAX));
        let is_old = |kept: &Kept| Micros::parse(&kept.asked).is_none_or(|asked| asked < now.minus(kept_for));
        for (at, kept) in self.list().iter().enumerate() {
            if at >= limits::KEPT || is_old(kept) {
                // What cannot be removed now is tried again with the next.
                let _ = self.remove(&kept.id);
            }
        }
    }
}

/// Whether it is an id, and no path.
fn is_id(id: &str) -> bool {
    id.strip_prefix("b_").is_some_and(|hex| hex.len() == 12 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// What is told of a backtest before it is done, and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Its id.
    pub id: String,
    /// Its title, if it has one.
    pub title: Option<String>,
    /// When it was asked for.
    pub asked: String,
    /// `waiting`, `running`, `done`, `failed` or `stopped`.
    pub state: String,
    /// From 0 to 1.
    pub progress: f64,
    /// Why it failed.
    pub error: Option<String>,
    /// Whether it keeps within its limits, once it is done.
    pub passes: Option<bool>,
}

impl Status {
    pub(crate) fn of_kept(kept: &Kept) -> Status {
        Status::new(&kept.id, &kept.report.ask, &kept.asked, "done").done(&kept.report)
    }

    pub(crate) fn new(id: &str, ask: &Ask, asked: &str, state: &str) -> Status {
        Status {
            id: id.to_owned(),
            title: ask.title.clone(),
            asked: asked.to_owned(),
            state: state.to_owned(),
            progress: 0.0,
            error: None,
            passes: None,
        }
    }

    pub(crate) fn done(self, report: &Report) -> Status {
        Status { state: "done".to_owned(), progress: 1.0, passes: Some(report.passes()), ..self }
    }
}
