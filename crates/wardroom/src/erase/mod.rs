// SPDX-License-Identifier: Apache-2.0
//! Erasing a subject from a data directory: the engine's part, the files beside it, the second look, the report.

mod files;
mod report;

pub(crate) use report::{read, shown};

use crate::clock;
use anyhow::{Context, Result};
use files::Looked;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wardroom_api::{Erasure, Erasures, NotBegun};
use wardroom_engine::{Engine, Eraser, Grep, Proof, Proved, Subject, Token, installation_secret};
use wardroom_history::Past;
use wardroom_journal::{Disk, FsDisk};

/// Where reports are kept.
const REPORTS: &str = "erasures";
/// Where the past in columns lies.
const HISTORY: &str = "history";
/// Most erasures that a server remembers, beside their reports.
const REMEMBERED: usize = 64;

/// Erases a subject, whatever was begun before; gives the report, which is also kept.
pub(crate) fn erase(
    engine: &Engine,
    past: &Past,
    data: &Path,
    subject: &Subject,
    token: &Token,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Value> {
    let began = clock::now();
    let subject = &engine.known(subject);
    let eraser = Eraser::new(subject.clone(), token).map_err(anyhow::Error::msg)?;
    let grep = Grep::new(subject).map_err(anyhow::Error::msg)?;
    let (mut history, mut files) = (Vec::new(), Vec::new());
    let erased = engine.erase_with(subject, token, began, progress, |erased| -> Result<()> {
        // The journal is rid of it: what is put into columns from now on has nothing of it.
        history = past.erase(&eraser, erased.seq).context("the past in columns")?;
        files = files::erase(data, &eraser, &grep)?;
        Ok(())
    })?;
    let second = Second::look(engine, past, data, subject, erased.seq)?;
    let ended = clock::now();
    let made =
        report::Made { erased: &erased, history: &history, files: &files, second: &second, began, ended };
    let report = report::signed(&made, installation_secret(data)?);
    let dir = data.join(REPORTS);
    FsDisk.ensure_dir(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let path = dir.join(format!("{}.json", erased.token));
    let text = serde_json::to_string_pretty(&report)? + "\n";
    FsDisk.replace(&path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(report)
}

/// What a second look found.
pub(crate) struct Second {
    proof: Proof,
    columns: Vec<Proved>,
    others: Vec<Looked>,
}

impl Second {
    fn look(engine: &Engine, past: &Past, data: &Path, subject: &Subject, record: u64) -> Result<Second> {
        let grep = Grep::new(subject).map_err(anyhow::Error::msg)?;
        // Only to tell whose word a hit is part of: the token is put nowhere.
        let token = Token::random().context("there is no randomness")?;
        let eraser = Eraser::new(subject.clone(), &token).map_err(anyhow::Error::msg)?;
        let mut proof = engine.prove(subject, record)?;
        let (mut columns, after) = past.prove(&eraser, &grep, record).context("the past in columns")?;
        // What came since is in the journal, and counted there.
        proof.after = proof.after.max(after);
        columns.iter_mut().for_each(|file| file.path = format!("{HISTORY}/{}", file.path));
        let paths = columns.iter().map(|file| file.path.as_str()).collect();
        let others = files::prove(data, &grep, &paths)?;
        Ok(Second { proof, columns, others })
    }

    /// Whether nothing was found any more.
    fn holds(&self) -> bool {
        self.left().is_empty()
    }

    /// The files that have it.
    fn left(&self) -> Vec<&str> {
        let has = |(path, alone): (_, u64)| (alone > 0).then_some(path);
        let ours = self.proof.files.iter().chain(&self.columns).map(|file| (&*file.path, file.alone));
        ours.chain(self.others.iter().map(|file| (&*file.path, file.alone))).filter_map(has).collect()
    }
}

/// Whether a report says that nothing is left.
pub(crate) fn is_proven(report: &Value) -> bool {
    report["second_look"]["holds"] == true
}

/// Whether a subject is nowhere now, up to that record; the files that have it.
pub(crate) fn look_again(
    engine: &Engine,
    past: &Past,
    data: &Path,
    subject: &Subject,
    record: u64,
) -> Result<Vec<String>> {
    let second = Second::look(engine, past, data, &engine.known(subject), record)?;
    Ok(second.left().into_iter().map(str::to_owned).collect())
}

/// Goes on with what a start found cut short.
pub(crate) fn resume(engine: &Engine, past: &Past, data: &Path) -> Result<Option<Value>> {
    let Some((subject, token)) = engine.unfinished_erasure()? else { return Ok(None) };
    erase(engine, past, data, &subject, &token, &mut |_, _| {}).map(Some)
}

/// Erasures of a server that runs: one at a time.
pub(crate) struct Running {
    engine: Arc<Engine>,
    past: Arc<Past>,
    data: PathBuf,
    all: Arc<Mutex<BTreeMap<String, Erasure>>>,
    /// Held while one runs.
    turn: Arc<Mutex<()>>,
}

impl Running {
    pub(crate) fn new(engine: Arc<Engine>, past: Arc<Past>, data: PathBuf) -> Arc<Running> {
        Arc::new(Running { engine, past, data, all: Arc::default(), turn: Arc::default() })
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Erasure>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on, beside all else, with what the start found cut short.
    pub(crate) fn resume(self: Arc<Running>) {
        match self.engine.unfinished_erasure() {
            Ok(None) => {}
            Ok(Some((subject, token))) => {
                tracing::warn!("an erasure was cut short; it goes on");
                let _ = self.start(subject, token);
            }
            Err(error) => tracing::error!(%error, "it is not known whether an erasure was cut short"),
        }
    }

    fn start(&self, subject: Subject, token: Token) -> Result<String, NotBegun> {
        let id = token.word();
        {
            let mut all = self.all();
            if all.values().any(|one| one.failed.is_none() && one.report.is_none()) {
                return Err(NotBegun::Busy);
            }
            while all.len() >= REMEMBERED {
                all.pop_first();
            }
            all.insert(id.clone(), Erasure::default());
        }
        let (engine, past, data) = (self.engine.clone(), self.past.clone(), self.data.clone());
        let (all, turn) = (self.all.clone(), self.turn.clone());
        let of = id.clone();
        let work = move || {
            let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
            let note = |change: &dyn Fn(&mut Erasure)| {
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                all.get_mut(&of).into_iter().for_each(change);
            };
            let mut progress = |done: u64, of: u64| {
                note(&|one| one.progress = 0.9 * done as f64 / of.max(1) as f64);
            };
            match erase(&engine, &past, &data, &subject, &token, &mut progress) {
                Ok(report) => {
                    tracing::info!(erasure = %of, proven = is_proven(&report), "a subject is erased");
                    note(&|one| (one.progress, one.report) = (1.0, Some(report.clone())));
                }
                Err(error) => {
                    tracing::error!(erasure = %of, error = format!("{error:#}"), "an erasure failed; ask for it again");
                    note(&|one| one.failed = Some(format!("{error:#}")));
                }
            }
        };
        let spawned = std::thread::Builder::new().name("eraser".to_owned()).spawn(work);
        if let Err(error) = spawned {
            self.all().remove(&id);
            return Err(NotBegun::Subject(format!("there is no thread to be had: {error}")));
        }
        Ok(id)
    }
}

impl Erasures for Running {
    fn begin(&self, subject: &str) -> Result<String, NotBegun> {
        let subject = Subject::parse(subject).map_err(NotBegun::Subject)?;
        // One that was cut short keeps its token: what has it already is right.
        let token = match self.engine.unfinished_erasure() {
            Ok(Some((pending, token))) if pending == subject => token,
            Ok(Some(_)) => return Err(NotBegun::Busy),
            _ => Token::random().map_err(|e| NotBegun::Subject(format!("there is no randomness: {e}")))?,
        };
        self.start(subject, token)
    }

    fn show(&self, id: &str) -> Option<Erasure> {
        if let Some(one) = self.all().get(id) {
            return Some(one.clone());
        }
        // One of before the last start.
        let token = Token::parse(id)?;
        let path = self.data.join(REPORTS).join(format!("{}.json", token.word()));
        let text = FsDisk.load(&path, wardroom_api::limits::REPORT_BYTES).ok()?;
        let report = serde_json::from_slice(&text).ok()?;
        Some(Erasure { progress: 1.0, failed: None, report: Some(report) })
    }
}
